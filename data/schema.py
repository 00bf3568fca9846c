"""The tables, derived from the declared kinds, and the statements that create them.

`ddl` renders everything for one dialect, `step` what one migration adds. Each migration holds a
frozen copy of its step, and tests hold the sum of them against `ddl`, so that a changed kind
needs a migration.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine

from data import kinds
from data.geometry import Geometry
from geo.errors import InputError, NotFound

REVISION = "0002"
"""The migration that this code expects."""


@dataclass(frozen=True)
class Step:
    """What one migration adds: whole tables, and columns to tables that are there."""

    tables: tuple[str, ...]
    columns: dict[str, tuple[str, ...]] = field(default_factory=dict)


STEPS = {
    "0002": Step(
        (
            "waterlogging_spot",
            "building",
            "storm_track",
            "capacity",
            "hazard_area",
            "lifeline",
            "hidden_danger",
            "raster",
            "parameter",
            "zoning_correction",
        ),
        {"village": ("persons_0_14", "persons_65_over", "gdp_wan"), "enterprise": ("fire_class",)},
    )
}
"""Every migration after the first."""

APPLICATION_ID = 0x47504B47  # "GPKG"
USER_VERSION = 10300  # GeoPackage 1.3, which every GDAL in use knows

ACCOUNTS = (
    "opening",
    "supplier",
    "depot",
    "reserved",
    "hold",
    "in_transit",
    "incident",
    "consumed",
    "returned",
    "written_off",
    "count_difference",
)
"""Where a quantity of a lot can be; the last and the first are the counter-accounts of counting."""

ON_HAND_ACCOUNTS = ("depot", "reserved", "hold")
"""The accounts whose sum lies in the depot: on hand = free + reserved + on hold."""

MOVEMENT_KINDS = (
    "opening",
    "count_difference",
    "reserve",
    "release",
    "hold",
    "unhold",
    "receipt",
    "issue",
    "delivery",
    "use",
    "return",
    "restock",
    "write_off",
    "reversal",
)

OPERATIONS = ("insert", "update", "delete")

_BIG = BigInteger().with_variant(Integer(), "sqlite")  # GeoPackage knows INTEGER, not BIGINT
_E3 = {"quantity": "on_hand_e3", "reserved": "reserved_e3", "on_hold": "on_hold_e3"}


AUTO_ID = "(auto)"
AUTO_UTC = "1970-01-01T00:00:00.000Z"
# GDAL and QGIS take an expression that is a text column's default for the text itself, so on SQLite the
# defaults are these constants, and a trigger puts an id and the time in their place.


class AutoUtc(FunctionElement[str]):
    """The time of a row that came without one."""

    type = Text()
    inherit_cache = True


class AutoId(FunctionElement[str]):
    """The external id of a row that came without one (drawn in QGIS)."""

    type = Text()
    inherit_cache = True


class RandomId(FunctionElement[str]):
    """The id of a movement that came without one."""

    type = Text()
    inherit_cache = True


_SQLITE_NOW = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"
_POSTGRESQL_NOW = "to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"


_SQLITE_ID = "lower(hex(randomblob(8)))"
_POSTGRESQL_ID = "substr(replace(gen_random_uuid()::text, '-', ''), 1, 16)"


def _renders(element: type, sqlite_text: str, postgresql_text: str) -> None:
    compiles(element)(lambda *_, **__: sqlite_text)
    compiles(element, "postgresql")(lambda *_, **__: postgresql_text)


_renders(AutoUtc, f"'{AUTO_UTC}'", _POSTGRESQL_NOW)
_renders(AutoId, f"'{AUTO_ID}'", _POSTGRESQL_ID)
_renders(RandomId, _SQLITE_ID, _POSTGRESQL_ID)


def utc_text(moment: datetime | str) -> str:
    """A moment as stored: ISO 8601 in UTC with milliseconds and Z, so that text order is time order."""
    if isinstance(moment, str):
        try:
            moment = datetime.fromisoformat(moment.strip())
        except ValueError as error:
            raise InputError(f"time={moment!r}: expected ISO 8601 such as 2026-07-01T08:00+08:00") from error
    if moment.tzinfo is None:
        raise InputError(f"time={moment.isoformat()}: it has no time zone; add one such as +08:00 or Z")
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def as_given(utc: str) -> str:
    """A stored time marked as the writer's own: on an update the trigger keeps it as it is.

    A time equal to the old one is otherwise taken for an edit that did not think of it.
    """
    return f"{utc[:-1]}=Z"


def stored_name(column: kinds.Column) -> str:
    """The database column of a declared column: quantities are whole thousandths, ``*_e3``."""
    if column.type == "quantity":
        return _E3.get(column.name, f"{column.name}_e3")
    return column.name


def id_of(parts: Iterable[str | int]) -> str:
    """One external id out of several key columns, told apart even where a part holds a slash."""
    return "/".join(str(part).replace("%", "%25").replace("/", "%2F") for part in parts)


def kind_of(table: str) -> kinds.Kind | None:
    """The declared kind that is stored in `table`; None for tables of the store's own."""
    return next((kind for kind in kinds.KINDS.values() if kind.table == table), None)


_TYPES: dict[str, TypeEngine[Any]] = {
    "text": Text(),
    "integer": _BIG,
    "number": Double(),
    "quantity": _BIG,
    "boolean": Integer(),
    "choice": Text(),
    "choices": Text(),
    "date": Text(),
    "datetime": Text(),
    "duty": Text(),
}

_FOREIGN = {
    # the street is known by its name in every list, so the name is the key
    ("village", "street"): "street.name",
    ("team", "street"): "street.name",
}


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def _codes(codes: Iterable[str]) -> str:
    return ", ".join(f"'{code}'" for code in codes)


def _checks(column: kinds.Column) -> list[str]:
    name = f'"{stored_name(column)}"'
    scale = 1000 if column.type == "quantity" else 1
    found = []
    if column.type == "choice":
        found.append(f"{name} IN ({_codes(choice.code for choice in column.choices)})")
    elif column.type == "choices":
        rest = f"';' || {name} || ';'"  # strip one code after the other; nothing may be left over
        for choice in column.choices:
            rest = f"replace({rest}, ';{choice.code};', ';')"
        found.append(f"{rest} = ';'")
    elif column.type == "boolean":
        found.append(f"{name} IN (0, 1)")
    elif column.type == "date":
        found.append(f"{name} LIKE '____-__-__'")
    elif column.type == "datetime":
        found.append(f"{name} LIKE '____-__-__T__:__:__%Z'")
    elif column.type in ("text", "duty") and column.required:
        found.append(f"{name} <> ''")
    if column.minimum is not None:
        found.append(f"{name} >= {_number(column.minimum * scale)}")
    if column.maximum is not None:
        found.append(f"{name} <= {_number(column.maximum * scale)}")
    return found


def _default(column: kinds.Column) -> str | None:
    if column.default is None:
        return "0" if column.type == "quantity" else None
    if isinstance(column.default, str):
        return f"'{column.default}'"
    return _number(float(column.default) * (1000 if column.type == "quantity" else 1))


def _is_required(column: kinds.Column) -> bool:
    return column.required or column.default is not None


def _kind_columns(kind: kinds.Kind) -> list[Any]:
    found: list[Any] = []
    for column in kind.columns:
        if column.name == "id":
            continue
        name = stored_name(column)
        target = column.references or _FOREIGN.get((kind.table, name), "")
        arguments: list[Any] = [ForeignKey(target, onupdate="CASCADE")] if target else []
        default = _default(column)
        found.append(
            Column(
                name,
                _TYPES[column.type],
                *arguments,
                nullable=not _is_required(column),
                server_default=None if default is None else text(default),
            )
        )
        found += [
            CheckConstraint(check, name=f"ck_{kind.table}_{name}_{i}")
            for i, check in enumerate(_checks(column), start=1)
        ]
    return found


def geometry_type(kind: kinds.Kind) -> str:
    """The GeoPackage geometry type of a kind: its own where there is one only, else GEOMETRY."""
    return kind.geometry[0].upper() if len(kind.geometry) == 1 else "GEOMETRY"


def _key_columns(table: str) -> list[Any]:
    return [
        Column("fid", _BIG, primary_key=True, autoincrement=True),
        Column("id", Text, nullable=False, unique=True, server_default=AutoId()),
        CheckConstraint("id <> ''", name=f"ck_{table}_id"),
    ]


def _provenance(table: str) -> list[Any]:
    return [
        Column("source", Text, nullable=False, server_default=text("'manual'")),
        Column("source_datum", Text, nullable=False, server_default=text("'EPSG:4326'")),
        Column("updated_utc", Text, nullable=False, server_default=AutoUtc()),
        CheckConstraint("updated_utc LIKE '____-__-__T__:__:__%Z'", name=f"ck_{table}_updated_utc"),
    ]


def _kind_table(kind: kinds.Kind, metadata: MetaData) -> Table:
    columns = _key_columns(kind.table) + _kind_columns(kind)
    if kind.geometry:
        columns.append(
            Column("geom", Geometry(geometry_type(kind)), nullable=not kind.geometry_required),
        )
    columns += _provenance(kind.table)
    if kind.name == "lots":
        columns.append(CheckConstraint("reserved_e3 + on_hold_e3 <= on_hand_e3", name="ck_lot_reserved_and_hold"))
    if len(kind.key) > 1:
        columns.append(UniqueConstraint(*kind.key, name=f"uq_{kind.table}_key"))
    table = Table(kind.table, metadata, *columns, sqlite_autoincrement=True)
    for column in table.columns:
        if column.foreign_keys:
            Index(f"ix_{kind.table}_{column.name}", column)
    return table


def _is_utc(name: str) -> str:
    return f"{name} LIKE '____-__-__T__:__:__%Z'"


def _tables() -> MetaData:
    metadata = MetaData()
    Table(
        "district",
        metadata,
        *_key_columns("district"),
        Column("name", Text, nullable=False),
        Column("epsg", Integer, nullable=False),
        Column("timezone", Text, nullable=False),
        Column("demo", Integer, nullable=False, server_default=text("0")),
        Column("created_utc", Text, nullable=False),
        CheckConstraint("fid = 1", name="ck_district_one_row"),
        CheckConstraint("demo IN (0, 1)", name="ck_district_demo"),
        sqlite_autoincrement=True,
    )
    Table(
        "street",
        metadata,
        *_key_columns("street"),
        Column("name", Text, nullable=False, unique=True),
        CheckConstraint("name <> ''", name="ck_street_name"),
        Column("geom", Geometry("GEOMETRY"), nullable=True),
        *_provenance("street"),
        sqlite_autoincrement=True,
    )
    for kind in kinds.KINDS.values():
        _kind_table(kind, metadata)
    Table(
        "import_run",
        metadata,
        *_key_columns("import_run"),
        Column("kind", Text, nullable=False),
        Column("file", Text),
        Column("sha256", Text),
        *(
            Column(name, _BIG, nullable=False, server_default=text("0"))
            for name in ("rows", "inserted", "updated", "unchanged", "deleted", "unplaced")
        ),
        Column("notices", Text),
        *_provenance("import_run"),
        sqlite_autoincrement=True,
    )
    Table(
        "movement",
        metadata,
        Column("seq", _BIG, primary_key=True, autoincrement=True),
        Column("id", Text, nullable=False, unique=True, server_default=RandomId()),
        Column("lot_id", Text, ForeignKey("lot.id"), nullable=False, index=True),
        Column("quantity_e3", _BIG, nullable=False),
        Column("from_account", Text, nullable=False),
        Column("to_account", Text, nullable=False),
        Column("kind", Text, nullable=False),
        Column("reason", Text),
        Column("occurred_utc", Text, nullable=False),
        Column("recorded_utc", Text, nullable=False),
        Column("source", Text, nullable=False),
        Column("import_run", Text, ForeignKey("import_run.id")),
        Column("reverses", Text, ForeignKey("movement.id"), unique=True),
        CheckConstraint("id <> ''", name="ck_movement_id"),
        CheckConstraint("quantity_e3 > 0 AND quantity_e3 <= 1000000000000", name="ck_movement_quantity_e3"),
        CheckConstraint(f"from_account IN ({_codes(ACCOUNTS)})", name="ck_movement_from_account"),
        CheckConstraint(f"to_account IN ({_codes(ACCOUNTS)})", name="ck_movement_to_account"),
        CheckConstraint("from_account <> to_account", name="ck_movement_accounts_differ"),
        CheckConstraint(f"kind IN ({_codes(MOVEMENT_KINDS)})", name="ck_movement_kind"),
        CheckConstraint("(kind = 'reversal') = (reverses IS NOT NULL)", name="ck_movement_reverses"),
        CheckConstraint(_is_utc("occurred_utc"), name="ck_movement_occurred_utc"),
        CheckConstraint(_is_utc("recorded_utc"), name="ck_movement_recorded_utc"),
        sqlite_autoincrement=True,
    )
    Table(
        "change",
        metadata,
        Column("seq", _BIG, primary_key=True, autoincrement=True),
        Column("table", Text, nullable=False),
        Column("id", Text, nullable=False),
        Column("operation", Text, nullable=False),
        Column("utc", Text, nullable=False),
        CheckConstraint(f"operation IN ({_codes(OPERATIONS)})", name="ck_change_operation"),
        sqlite_autoincrement=True,
    )
    return metadata


METADATA = _tables()

APPEND_ONLY = ("change", "movement")
"""Tables whose rows are never changed and never deleted."""


def table(name: str) -> Table:
    """The table called `name`; NotFound where there is none."""
    try:
        return METADATA.tables[name]
    except KeyError:
        raise NotFound(f"there is no table {name!r}; there are {', '.join(sorted(METADATA.tables))}") from None


def is_spatial(name: str) -> bool:
    """Whether the table has a geometry column."""
    return "geom" in table(name).columns


def _logged(tables: Iterable[Table]) -> list[Table]:
    return [found for found in tables if found.name != "change"]


def _gpkg_tables() -> list[str]:
    return [
        """CREATE TABLE gpkg_spatial_ref_sys (
srs_name TEXT NOT NULL,
srs_id INTEGER NOT NULL PRIMARY KEY,
organization TEXT NOT NULL,
organization_coordsys_id INTEGER NOT NULL,
definition TEXT NOT NULL,
description TEXT
)""",
        """CREATE TABLE gpkg_contents (
table_name TEXT NOT NULL PRIMARY KEY,
data_type TEXT NOT NULL,
identifier TEXT UNIQUE,
description TEXT DEFAULT '',
last_change DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
min_x DOUBLE,
min_y DOUBLE,
max_x DOUBLE,
max_y DOUBLE,
srs_id INTEGER,
CONSTRAINT fk_gc_r_srs_id FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys(srs_id)
)""",
        """CREATE TABLE gpkg_geometry_columns (
table_name TEXT NOT NULL,
column_name TEXT NOT NULL,
geometry_type_name TEXT NOT NULL,
srs_id INTEGER NOT NULL,
z TINYINT NOT NULL,
m TINYINT NOT NULL,
CONSTRAINT pk_geom_cols PRIMARY KEY (table_name, column_name),
CONSTRAINT uk_gc_table_name UNIQUE (table_name),
CONSTRAINT fk_gc_tn FOREIGN KEY (table_name) REFERENCES gpkg_contents(table_name),
CONSTRAINT fk_gc_srs FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys(srs_id)
)""",
    ]


def _sqlite_change_triggers(logged: Table) -> list[str]:
    name = logged.name
    log = 'INSERT INTO change ("table", id, operation, utc)'
    is_new, was_new, stamp, finish = "0", "0", "", ""
    if "fid" in logged.columns:
        parts = {"id": (AUTO_ID, _SQLITE_ID)}
        if "updated_utc" in logged.columns:
            parts["updated_utc"] = (AUTO_UTC, _SQLITE_NOW)
            # an edit from elsewhere that left the old time gets a new one
            changed = "".join(f" AND {column} = OLD.{column}" for column in BALANCES if name == "lot")
            stamp = (
                f"\nUPDATE {name} SET updated_utc ="
                f" iif(updated_utc LIKE '%=Z', replace(updated_utc, '=Z', 'Z'), {_SQLITE_NOW})"
                "\nWHERE fid = NEW.fid"
                f" AND (updated_utc = OLD.updated_utc OR updated_utc LIKE '%=Z'){changed};"
            )
        is_new = " OR ".join(f"NEW.{column} = '{auto}'" for column, (auto, _) in parts.items())
        was_new = " OR ".join(f"OLD.{column} = '{auto}'" for column, (auto, _) in parts.items())
        values = ", ".join(
            f"{column} = iif({column} = '{auto}', {made}, {column})" for column, (auto, made) in parts.items()
        )
        finish = f"UPDATE {name} SET {values} WHERE fid = NEW.fid;"
    found = [
        f"CREATE TRIGGER change_{name}_insert AFTER INSERT ON {name} WHEN NOT ({is_new}) BEGIN\n"
        f"{log} VALUES ('{name}', NEW.id, 'insert', {_SQLITE_NOW});\nEND",
        f"CREATE TRIGGER change_{name}_delete AFTER DELETE ON {name} BEGIN\n"
        f"{log} VALUES ('{name}', OLD.id, 'delete', {_SQLITE_NOW});\nEND",
        f"CREATE TRIGGER change_{name}_rename AFTER UPDATE OF id ON {name}\n"
        f"WHEN OLD.id <> NEW.id AND NOT ({was_new}) BEGIN\n"
        f"{log} VALUES ('{name}', OLD.id, 'delete', {_SQLITE_NOW});\nEND",
        f"CREATE TRIGGER change_{name}_update AFTER UPDATE ON {name} WHEN NOT ({was_new}) BEGIN\n"
        f"{log}\nVALUES ('{name}', NEW.id, iif(OLD.id <> NEW.id, 'insert', 'update'), {_SQLITE_NOW});"
        f"{stamp}\nEND",
    ]
    if finish:
        found.append(
            f"CREATE TRIGGER change_{name}_finish AFTER INSERT ON {name} WHEN {is_new} BEGIN\n{finish}\n"
            f"{log} SELECT '{name}', id, 'insert', {_SQLITE_NOW} FROM {name} WHERE fid = NEW.fid;\nEND"
        )
    return found


def _sqlite_triggers() -> list[str]:
    found: list[str] = []
    for name in APPEND_ONLY:
        refuse = f"SELECT RAISE(ABORT, '{name} is append-only');\nEND"
        found.append(f"CREATE TRIGGER {name}_no_update BEFORE UPDATE ON {name} BEGIN\n{refuse}")
        found.append(f"CREATE TRIGGER {name}_no_delete BEFORE DELETE ON {name} BEGIN\n{refuse}")
        # INSERT OR REPLACE deletes without firing a delete trigger
        found.append(
            f"CREATE TRIGGER {name}_no_replace BEFORE INSERT ON {name}\n"
            f"WHEN EXISTS (SELECT 1 FROM {name} WHERE seq = NEW.seq) BEGIN\n{refuse}"
        )
    found.append(
        "CREATE TRIGGER movement_one_id BEFORE INSERT ON movement\n"
        "WHEN EXISTS (SELECT 1 FROM movement WHERE id = NEW.id OR reverses = NEW.reverses) BEGIN\n"
        "SELECT RAISE(ABORT, 'UNIQUE constraint failed: movement.id or movement.reverses');\nEND"
    )
    found.append(
        "CREATE TRIGGER movement_balances AFTER INSERT ON movement BEGIN\n"
        f"UPDATE lot SET {_balance_assignments('NEW.', 'NEW.recorded_utc')}\nWHERE id = NEW.lot_id;\nEND"
    )
    return found


def balance_sql(column: str, prefix: str = "") -> str:
    """SQL for the signed quantity that one movement adds to a balance column of its lot."""
    accounts = {
        "on_hand_e3": ON_HAND_ACCOUNTS,
        "reserved_e3": ("reserved",),
        "on_hold_e3": ("hold",),
    }[column]
    codes = _codes(accounts)
    return (
        f"{prefix}quantity_e3 * (CASE WHEN {prefix}to_account IN ({codes}) THEN 1 ELSE 0 END"
        f" - CASE WHEN {prefix}from_account IN ({codes}) THEN 1 ELSE 0 END)"
    )


BALANCES = ("on_hand_e3", "reserved_e3", "on_hold_e3")
"""The balance columns of a lot, kept by the movements' trigger."""


def _balance_assignments(prefix: str, time_sql: str) -> str:
    parts = [f"{column} = {column} + {balance_sql(column, prefix)}" for column in BALANCES]
    return ",\n".join([*parts, f"updated_utc = {time_sql}"])


def _postgresql_functions() -> list[str]:
    log = 'INSERT INTO change ("table", id, operation, utc) VALUES (TG_TABLE_NAME,'
    return [
        # writers one after the other, so that the order of seq is the order of commits
        f"""CREATE FUNCTION onemap_log_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
PERFORM pg_advisory_xact_lock({APPLICATION_ID});
IF TG_OP = 'DELETE' THEN
{log} OLD.id, 'delete', {_POSTGRESQL_NOW});
RETURN OLD;
ELSIF TG_OP = 'UPDATE' AND OLD.id <> NEW.id THEN
{log} OLD.id, 'delete', {_POSTGRESQL_NOW});
{log} NEW.id, 'insert', {_POSTGRESQL_NOW});
ELSE
{log} NEW.id, lower(TG_OP), {_POSTGRESQL_NOW});
END IF;
RETURN NEW;
END $$""",
        f"""CREATE FUNCTION onemap_stamp() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
IF NEW.updated_utc LIKE '%=Z' THEN NEW.updated_utc := replace(NEW.updated_utc, '=Z', 'Z');
ELSIF NEW.updated_utc = OLD.updated_utc THEN NEW.updated_utc := {_POSTGRESQL_NOW};
END IF;
RETURN NEW;
END $$""",
        """CREATE FUNCTION onemap_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$""",
        f"""CREATE FUNCTION onemap_balances() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
UPDATE lot SET {_balance_assignments("NEW.", "replace(NEW.recorded_utc, 'Z', '=Z')")}
WHERE id = NEW.lot_id;
RETURN NEW;
END $$""",
    ]


def _postgresql_change_triggers(tables: Iterable[Table]) -> list[str]:
    found: list[str] = []
    for logged in _logged(tables):
        name = logged.name
        found.append(
            f"CREATE TRIGGER change_{name} AFTER INSERT OR UPDATE OR DELETE ON {name}\n"
            "FOR EACH ROW EXECUTE FUNCTION onemap_log_change()"
        )
        if "updated_utc" in logged.columns:
            found.append(
                f"CREATE TRIGGER stamp_{name} BEFORE UPDATE ON {name}\nFOR EACH ROW EXECUTE FUNCTION onemap_stamp()"
            )
    return found


def _postgresql_rules() -> list[str]:
    found = [
        f"CREATE TRIGGER {name}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {name}\n"
        "FOR EACH STATEMENT EXECUTE FUNCTION onemap_append_only()"
        for name in APPEND_ONLY
    ]
    found.append(
        "CREATE TRIGGER movement_balances AFTER INSERT ON movement\nFOR EACH ROW EXECUTE FUNCTION onemap_balances()"
    )
    return found


def _gpkg_rows(tables: Iterable[Table]) -> list[str]:
    found = []
    for made in tables:
        name = made.name
        spatial = "geom" in made.columns
        data_type, srs = ("features", "4326") if spatial else ("attributes", "NULL")
        found.append(
            "INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)\n"
            f"VALUES ('{name}', '{data_type}', '{name}', {srs})"
        )
        if spatial:
            kind = kind_of(name)
            type_name = geometry_type(kind) if kind else "GEOMETRY"
            found.append(
                "INSERT INTO gpkg_geometry_columns\n"
                "(table_name, column_name, geometry_type_name, srs_id, z, m)\n"
                f"VALUES ('{name}', 'geom', '{type_name}', 4326, 0, 0)"
            )
    return found


def _srs_rows() -> list[str]:
    from pyproj import CRS

    def row(srs_id: int, name: str, organization: str, number: int, definition: str) -> str:
        return (
            "INSERT INTO gpkg_spatial_ref_sys\n"
            "(srs_name, srs_id, organization, organization_coordsys_id, definition)\n"
            f"VALUES ('{name}', {srs_id}, '{organization}', {number}, '{definition}')"
        )

    found = [
        row(-1, "Undefined cartesian SRS", "NONE", -1, "undefined"),
        row(0, "Undefined geographic SRS", "NONE", 0, "undefined"),
    ]
    for epsg in (4326, 4490):
        crs = CRS.from_epsg(epsg)
        found.append(row(epsg, crs.name, "EPSG", epsg, crs.to_wkt("WKT1_GDAL")))
    return found


def _statement(compiled: Any) -> str:
    return "\n".join(line.strip() for line in str(compiled).strip().splitlines() if line.strip())


def _dialect(dialect: str) -> Dialect:
    if dialect == "sqlite":
        return sqlite.dialect()
    if dialect == "postgresql":
        return postgresql.dialect(paramstyle="named")  # type: ignore[no-untyped-call]
    raise InputError(f"dialect={dialect!r}: expected sqlite or postgresql")


def _create(tables: Iterable[Table], target: Dialect) -> list[str]:
    found = []
    for made in tables:
        found.append(_statement(CreateTable(made).compile(dialect=target)))
        indexes = sorted(made.indexes, key=lambda index: str(index.name))
        found += [_statement(CreateIndex(index).compile(dialect=target)) for index in indexes]
        if target.name == "postgresql" and "geom" in made.columns:
            found.append(f"CREATE INDEX ix_{made.name}_geom ON {made.name} USING gist (geom)")
    return found


def _change_triggers(tables: Sequence[Table], target: Dialect) -> list[str]:
    if target.name == "postgresql":
        return _postgresql_change_triggers(tables)
    return [trigger for logged in _logged(tables) for trigger in _sqlite_change_triggers(logged)]


def ddl(dialect: str) -> list[str]:
    """Every statement that makes an empty database, for "sqlite" or "postgresql", in order."""
    target = _dialect(dialect)
    tables = METADATA.sorted_tables
    if dialect == "sqlite":
        first = _gpkg_tables() + _srs_rows()
        last = _gpkg_rows(tables) + _change_triggers(tables, target) + _sqlite_triggers()
    else:
        first = ["CREATE EXTENSION IF NOT EXISTS postgis"]
        last = _postgresql_functions() + _change_triggers(tables, target) + _postgresql_rules()
    return [*first, *_create(tables, target), *last]


def step(dialect: str, revision: str) -> list[str]:
    """The statements of one migration after the first: new columns, new tables, their triggers."""
    target = _dialect(dialect)
    wanted = STEPS[revision]
    found = [
        _added_column(table(name).columns[column], target)
        for name, columns in wanted.columns.items()
        for column in columns
    ]
    tables = [made for made in METADATA.sorted_tables if made.name in wanted.tables]
    found += _create(tables, target)
    if dialect == "sqlite":
        found += _gpkg_rows(tables)
    return found + _change_triggers(tables, target)


def _added_column(column: Any, target: Dialect) -> str:
    """A column that may be empty, with its checks, for a table that holds rows."""
    owner = column.table.name
    checks = sorted(
        (str(check.name), str(check.sqltext))
        for check in column.table.constraints
        if isinstance(check, CheckConstraint) and str(check.name).startswith(f"ck_{owner}_{column.name}_")
    )
    lines = [f"ALTER TABLE {owner} ADD COLUMN {column.name} {column.type.compile(dialect=target)}"]
    return "\n".join(lines + [f"CONSTRAINT {name} CHECK ({text})" for name, text in checks])


def write_frozen() -> None:
    """Freeze today's statements as those of the newest migration (before its release only)."""
    from data import migrations

    for dialect in ("sqlite", "postgresql"):
        path = migrations.FOLDER / "versions" / f"v{REVISION}_{dialect}.sql"
        path.write_text("\n\n".join(step(dialect, REVISION)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_frozen()
