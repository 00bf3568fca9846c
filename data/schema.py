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

REVISION = "0007"
"""The migration that this code expects."""


@dataclass(frozen=True)
class Step:
    """What one migration adds: whole tables, and columns to tables that are there."""

    tables: tuple[str, ...]
    columns: dict[str, tuple[str, ...]] = field(default_factory=dict)
    movement_rules: bool = False  # the triggers that keep the balances are made anew
    floors: bool = False  # logs that were kept for ever may be pruned from now on


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
    ),
    "0003": Step(
        (
            "pack",
            "substitute",
            "stock_level",
            "reserve_target",
            "agreement",
            "relief_standard",
            "vehicle",
            "device",
            "holding",
            "stock_count",
            "lot_status_change",
            "supply_request",
            "supply_request_line",
            "supply_order",
            "supply_order_line",
            "order_event",
            "reading",
            "reading_refused",
            "account",
            "session",
            "token",
            "audit",
            "idempotency",
        ),
        {"movement": ("from_ref", "to_ref", "to_lot_id", "cause", "actor"), "district": ("drill_of_utc",)},
        movement_rules=True,
    ),
    "0004": Step((), {"closure": ("raster",)}),
    "0005": Step(
        ("answer_time", "log_floor", "known_browser"),
        {"audit": ("event_seq", "count_seq", "status_seq")},
        floors=True,
    ),
    "0006": Step(("map_view",)),
    "0007": Step((), {"item": ("other_names",)}),
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

HELD_ACCOUNTS = ("reserved", "in_transit", "incident", "returned")
"""The accounts kept for each order (`holding`): what is bound to it, on its way, at the place, on its way back."""

CAUSES = ("damaged", "missing", "expired", "recalled", "other")
"""Why a quantity was written off."""

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
    try:
        return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
    except OverflowError:
        raise InputError(f"time={moment.isoformat()}: expected a time between the years 1 and 9999 in UTC") from None


def as_given(utc: str) -> str:
    """A stored time marked as the writer's own: on an update the trigger keeps it as it is.

    A time equal to the old one is otherwise taken for an edit that did not think of it.
    """
    return f"{utc[:-1]}=Z"


def stored_name(column: kinds.Column) -> str:
    """The database column of a declared column: quantities are whole thousandths, ``*_e3``."""
    return column.stored or (f"{column.name}_e3" if column.type == "quantity" else column.name)


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
        Column("drill_of_utc", Text),  # when this copy for a drill was taken; empty in the real district
        CheckConstraint(_is_utc("drill_of_utc"), name="ck_district_drill_of_utc_1"),
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
        Column("from_ref", Text, index=True),  # the order that the account is kept for
        Column("to_ref", Text, index=True),
        Column("to_lot_id", Text, ForeignKey("lot.id"), index=True),  # where goods come to lie in another depot
        Column("cause", Text),
        Column("actor", Text),
        CheckConstraint(f"cause IN ({_codes(CAUSES)})", name="ck_movement_cause_1"),
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
    _supply_tables(metadata)
    _record_tables(metadata)
    return metadata


def _log_columns(name: str) -> list[Any]:
    """The first columns of an append-only table."""
    return [
        Column("seq", _BIG, primary_key=True, autoincrement=True),
        Column("id", Text, nullable=False, unique=True, server_default=RandomId()),
        CheckConstraint("id <> ''", name=f"ck_{name}_id"),
    ]


def _moments(name: str, *columns: str, nullable: bool = False) -> list[Any]:
    found: list[Any] = []
    for column in columns:
        found += [
            Column(column, Text, nullable=nullable),
            CheckConstraint(_is_utc(column), name=f"ck_{name}_{column}"),
        ]
    return found


def _two_clocks(name: str) -> list[Any]:
    """When it happened, and when we were told."""
    return _moments(name, "occurred_utc", "recorded_utc")


def _supply_tables(metadata: MetaData) -> None:
    """What moves: the accounts of each order, requests, orders and what happened to them, counts, readings."""

    def reference(name: str, target: str, *, nullable: bool = False) -> Column[Any]:
        return Column(name, Text, ForeignKey(target, onupdate="CASCADE"), nullable=nullable, index=True)

    def quantity(table: str, name: str, *, low: str = ">= 0") -> list[Any]:
        return [
            Column(name, _BIG, nullable=False),
            CheckConstraint(f"{name} {low} AND {name} <= 1000000000000", name=f"ck_{table}_{name}"),
        ]

    Table(
        "holding",
        metadata,
        Column("fid", _BIG, primary_key=True, autoincrement=True),
        reference("lot_id", "lot.id"),
        Column("account", Text, nullable=False),
        Column("ref", Text, nullable=False, server_default=text("''"), index=True),
        *quantity("holding", "quantity_e3"),
        CheckConstraint(f"account IN ({_codes(HELD_ACCOUNTS)})", name="ck_holding_account"),
        UniqueConstraint("lot_id", "account", "ref", name="uq_holding_key"),
        sqlite_autoincrement=True,
    )
    Table(
        "stock_count",
        metadata,
        *_log_columns("stock_count"),
        reference("lot_id", "lot.id"),
        *quantity("stock_count", "expected_e3"),
        *quantity("stock_count", "counted_e3"),
        Column("reason", Text),
        Column("actor", Text, nullable=False),
        Column("checker", Text),
        reference("movement_id", "movement.id", nullable=True),
        *_two_clocks("stock_count"),
        CheckConstraint("expected_e3 = counted_e3 OR reason <> ''", name="ck_stock_count_reason"),
        sqlite_autoincrement=True,
    )
    Table(
        "lot_status_change",
        metadata,
        *_log_columns("lot_status_change"),
        reference("lot_id", "lot.id"),
        Column("from_status", Text, nullable=False),
        Column("to_status", Text, nullable=False),
        Column("reason", Text, nullable=False),
        Column("actor", Text, nullable=False),
        *_two_clocks("lot_status_change"),
        CheckConstraint("reason <> ''", name="ck_lot_status_change_reason"),
        CheckConstraint(
            f"to_status IN ({_codes(choice.code for choice in kinds.LOT_STATUSES)})", name="ck_lot_status_change_status"
        ),
        sqlite_autoincrement=True,
    )
    Table(
        "supply_request",
        metadata,
        *_key_columns("supply_request"),
        Column("number", Text, nullable=False, unique=True),
        Column("unit", Text, nullable=False),  # the six fields of a transfer instruction: who receives,
        Column("place", Text, nullable=False),  # where; what and how much is in the lines
        Column("contact", Text, nullable=False),
        Column("phone", Text),
        Column("incident", Text),
        Column("note", Text),
        Column("by_telephone", Integer, nullable=False, server_default=text("0")),
        CheckConstraint("by_telephone IN (0, 1)", name="ck_supply_request_by_telephone"),
        reference("to_depot_id", "depot.id", nullable=True),
        Column("level", Text),
        CheckConstraint(
            f"level IN ({_codes(choice.code for choice in kinds.DEPOT_LEVELS)})", name="ck_supply_request_level"
        ),
        Column("created_by", Text, nullable=False),
        *_moments("supply_request", "created_utc"),
        *_moments("supply_request", "deadline_utc", "papers_due_utc", "papers_done_utc", "closed_utc", nullable=True),
        Column("papers_by", Text),
        Column("papers", Text),
        Column("geom", Geometry("POINT"), nullable=False),
        *_provenance("supply_request"),
        sqlite_autoincrement=True,
    )
    Table(
        "supply_request_line",
        metadata,
        *_key_columns("supply_request_line"),
        reference("request_id", "supply_request.id"),
        reference("item_id", "item.id"),
        Column("specification", Text),
        *quantity("supply_request_line", "quantity_e3", low="> 0"),
        *_provenance("supply_request_line"),
        UniqueConstraint("request_id", "item_id", name="uq_supply_request_line_key"),
        sqlite_autoincrement=True,
    )
    Table(
        "supply_order",
        metadata,
        *_key_columns("supply_order"),
        Column("number", Text, nullable=False, unique=True),
        reference("request_id", "supply_request.id"),
        reference("depot_id", "depot.id"),
        Column("state", Text, nullable=False, index=True),
        CheckConstraint(
            f"state IN ({_codes(choice.code for choice in kinds.ORDER_STATES)})", name="ck_supply_order_state"
        ),
        reference("vehicle_id", "vehicle.id", nullable=True),
        Column("driver", Text),
        Column("phone", Text),
        Column("travel_s", Double),
        Column("distance_m", Double),
        *_moments(
            "supply_order", "expires_utc", "promised_utc", "eta_utc", "departed_utc", "received_utc", nullable=True
        ),
        Column("created_by", Text, nullable=False),
        *_moments("supply_order", "created_utc"),
        Column("geom", Geometry("LINESTRING"), nullable=True),
        *_provenance("supply_order"),
        Index("ix_supply_order_expires_utc", "expires_utc"),
        sqlite_autoincrement=True,
    )
    Table(
        "supply_order_line",
        metadata,
        *_key_columns("supply_order_line"),
        reference("order_id", "supply_order.id"),
        reference("lot_id", "lot.id"),
        *quantity("supply_order_line", "quantity_e3", low="> 0"),
        reference("instead_of", "item.id", nullable=True),  # the item that a substitute stands for
        Column("reason", Text),  # why not the lot that expires first
        *_provenance("supply_order_line"),
        UniqueConstraint("order_id", "lot_id", "instead_of", name="uq_supply_order_line_key"),
        sqlite_autoincrement=True,
    )
    Table(
        "order_event",
        metadata,
        *_log_columns("order_event"),
        reference("order_id", "supply_order.id"),
        Column("action", Text, nullable=False),
        Column("from_state", Text),
        Column("to_state", Text, nullable=False),
        Column("actor", Text, nullable=False),
        Column("reason", Text),
        Column("details", Text),  # JSON
        *_two_clocks("order_event"),
        sqlite_autoincrement=True,
    )
    Table(
        "reading",
        metadata,
        *_log_columns("reading"),
        reference("device_id", "device.id"),
        Column("quantity", Text, nullable=False),
        CheckConstraint(
            f"quantity IN ({_codes(choice.code for choice in kinds.DEVICE_TYPES)})", name="ck_reading_quantity"
        ),
        Column("value", Double),
        Column("lon", Double),
        Column("lat", Double),
        *_moments("reading", "measured_utc", "recorded_utc"),
        UniqueConstraint("device_id", "quantity", "measured_utc", name="uq_reading_key"),
        sqlite_autoincrement=True,
    )
    Table(
        "reading_refused",
        metadata,
        *_log_columns("reading_refused"),
        Column("device_id", Text, nullable=False),
        Column("body", Text, nullable=False),
        Column("reason", Text, nullable=False),
        *_moments("reading_refused", "recorded_utc"),
        sqlite_autoincrement=True,
    )


def _record_tables(metadata: MetaData) -> None:
    """Who may do what, who did what, and which request was answered already."""
    Table(
        "account",
        metadata,
        *_key_columns("account"),
        Column("name", Text, nullable=False),
        Column("role", Text, nullable=False),
        CheckConstraint(f"role IN ({_codes(kinds.ACCOUNT_ROLES)})", name="ck_account_role"),
        Column("password_hash", Text, nullable=False),
        Column("street", Text, ForeignKey("street.name", onupdate="CASCADE")),
        Column("depot_id", Text, ForeignKey("depot.id", onupdate="CASCADE")),
        *(
            found
            for name in ("demo", "disabled", "must_change")
            for found in (
                Column(name, Integer, nullable=False, server_default=text("0")),
                CheckConstraint(f"{name} IN (0, 1)", name=f"ck_account_{name}"),
            )
        ),
        Column("failures", Integer, nullable=False, server_default=text("0")),
        *_moments("account", "locked_until_utc", nullable=True),
        *_moments("account", "created_utc", "password_utc"),
        sqlite_autoincrement=True,
    )
    Table(
        "session",
        metadata,
        *_key_columns("session"),  # the id is the hash of what the cookie holds
        Column("account_id", Text, ForeignKey("account.id", onupdate="CASCADE", ondelete="CASCADE"), nullable=False),
        Column("address", Text),
        *_moments("session", "created_utc", "seen_utc", "expires_utc"),
        Index("ix_session_account_id", "account_id"),
        sqlite_autoincrement=True,
    )
    Table(
        "token",
        metadata,
        *_key_columns("token"),
        Column("name", Text, nullable=False),
        Column("secret_hash", Text, nullable=False, unique=True),
        Column("scope", Text, nullable=False),
        Column("device_id", Text, ForeignKey("device.id", onupdate="CASCADE")),
        Column("created_by", Text, nullable=False),
        *_moments("token", "created_utc", "expires_utc"),
        *_moments("token", "revoked_utc", nullable=True),
        sqlite_autoincrement=True,
    )
    Table(
        "audit",
        metadata,
        *_log_columns("audit"),
        *_moments("audit", "recorded_utc"),
        Column("actor", Text, nullable=False),
        Column("role", Text, nullable=False),
        Column("address", Text),
        Column("action", Text, nullable=False),
        Column("subject", Text),
        Column("outcome", Text, nullable=False),
        Column("details", Text, nullable=False),  # JSON
        Column("movement_seq", _BIG, nullable=False),  # the movements up to here are in the hash
        Column("hash", Text, nullable=False),
        # events of orders, counts and states up to here too; rows from before this was so have none
        Column("event_seq", _BIG),
        Column("count_seq", _BIG),
        Column("status_seq", _BIG),
        CheckConstraint("outcome IN ('done', 'refused', 'failed')", name="ck_audit_outcome"),
        sqlite_autoincrement=True,
    )
    Table(
        "idempotency",
        metadata,
        *_key_columns("idempotency"),
        Column("route", Text, nullable=False),
        Column("body_hash", Text, nullable=False),
        Column("status", Integer, nullable=False),
        Column("answer", Text, nullable=False),
        *_moments("idempotency", "created_utc"),
        sqlite_autoincrement=True,
    )
    Table(
        "known_browser",
        metadata,
        *_key_columns("known_browser"),  # the id is the hash of what the cookie holds
        Column("account_id", Text, ForeignKey("account.id", onupdate="CASCADE", ondelete="CASCADE"), nullable=False),
        Column("failures", Integer, nullable=False, server_default=text("0")),
        *_moments("known_browser", "seen_utc"),
        Index("ix_known_browser_account_id", "account_id"),
        sqlite_autoincrement=True,
    )
    Table(
        "answer_time",
        metadata,
        Column("seq", _BIG, primary_key=True, autoincrement=True),
        Column("what", Text, nullable=False),
        CheckConstraint("what IN ('plan', 'search')", name="ck_answer_time_what"),
        Column("actor", Text, nullable=False),
        *_moments("answer_time", "asked_utc"),
        Column("took_s", Double, nullable=False),
        CheckConstraint("took_s >= 0", name="ck_answer_time_took_s"),
        Index("ix_answer_time_asked_utc", "asked_utc"),
        sqlite_autoincrement=True,
    )
    Table(
        "map_view",
        metadata,
        *_key_columns("map_view"),
        Column("name", Text, nullable=False),
        CheckConstraint("name <> ''", name="ck_map_view_name"),
        Column("made_by", Text, nullable=False),
        Column("shared", Integer, nullable=False, server_default=text("0")),
        CheckConstraint("shared IN (0, 1)", name="ck_map_view_shared"),
        Column("document", Text, nullable=False),  # JSON
        *_moments("map_view", "created_utc", "updated_utc"),
        UniqueConstraint("made_by", "name", name="uq_map_view_key"),
        sqlite_autoincrement=True,
    )
    Table(
        "log_floor",
        metadata,
        Column("seq", _BIG, primary_key=True, autoincrement=True),
        Column("log", Text, nullable=False, unique=True),
        CheckConstraint(f"log IN ({_codes(PRUNED)})", name="ck_log_floor_log"),
        Column("from_seq", _BIG, nullable=False),  # what is older may be forgotten
        sqlite_autoincrement=True,
    )


PRUNED = ("change", "reading", "reading_refused")
"""Append-only tables whose rows are forgotten after a time: from `log_floor` on nothing is deleted."""

METADATA = _tables()

APPEND_ONLY = (
    "change",
    "movement",
    "stock_count",
    "lot_status_change",
    "order_event",
    "reading",
    "reading_refused",
    "audit",
)
"""Tables whose rows are never changed and never deleted."""

UNLOGGED = (
    "change",
    "holding",
    "account",
    "session",
    "token",
    "audit",
    "idempotency",
    "known_browser",
    "answer_time",
    "log_floor",
    "map_view",
)
"""Tables whose changes are not in the change log: derived, of one person, secret, or logs themselves."""

INTERNAL = (*UNLOGGED, "district")
"""Tables that hold nothing for the map."""


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
    return [found for found in tables if found.name not in UNLOGGED]


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


def _sqlite_append_only(names: Iterable[str]) -> list[str]:
    found: list[str] = []
    for name in names:
        refuse = f"SELECT RAISE(ABORT, '{name} is append-only');\nEND"
        found.append(f"CREATE TRIGGER {name}_no_update BEFORE UPDATE ON {name} BEGIN\n{refuse}")
        old = f"\nWHEN OLD.seq >= coalesce((SELECT from_seq FROM log_floor WHERE log = '{name}'), 0)"
        when = old if name in PRUNED else ""
        found.append(f"CREATE TRIGGER {name}_no_delete BEFORE DELETE ON {name}{when} BEGIN\n{refuse}")
        # INSERT OR REPLACE deletes without firing a delete trigger
        found.append(
            f"CREATE TRIGGER {name}_no_replace BEFORE INSERT ON {name}\n"
            f"WHEN EXISTS (SELECT 1 FROM {name} WHERE seq = NEW.seq) BEGIN\n{refuse}"
        )
    return found


_MOVEMENT_ONE_ID = (
    "CREATE TRIGGER movement_one_id BEFORE INSERT ON movement\n"
    "WHEN EXISTS (SELECT 1 FROM movement WHERE id = NEW.id OR reverses = NEW.reverses) BEGIN\n"
    "SELECT RAISE(ABORT, 'UNIQUE constraint failed: movement.id or movement.reverses');\nEND"
)


def _holding_sql(prefix: str, end: str) -> str:
    """SQL that keeps the account of an order at one end of a movement; a balance below 0 is refused by its check."""
    sign = "-" if end == "from" else ""
    lot = f"{prefix}lot_id" if end == "from" else f"coalesce({prefix}to_lot_id, {prefix}lot_id)"
    # a row that is there is changed, so that the check sees the sum and not the difference
    return (
        f"INSERT INTO holding (lot_id, account, ref, quantity_e3)\n"
        f"SELECT {lot}, {prefix}{end}_account, coalesce({prefix}{end}_ref, ''), 0\n"
        f"WHERE {prefix}{end}_account IN ({_codes(HELD_ACCOUNTS)})\n"
        "ON CONFLICT (lot_id, account, ref) DO NOTHING;\n"
        f"UPDATE holding SET quantity_e3 = quantity_e3 + {sign}{prefix}quantity_e3\n"
        f"WHERE {prefix}{end}_account IN ({_codes(HELD_ACCOUNTS)}) AND lot_id = {lot}\n"
        f"AND account = {prefix}{end}_account AND ref = coalesce({prefix}{end}_ref, '');"
    )


def _sqlite_movement_rules() -> list[str]:
    return [
        "CREATE TRIGGER movement_balances AFTER INSERT ON movement WHEN NEW.to_lot_id IS NULL BEGIN\n"
        f"UPDATE lot SET {_balance_assignments('NEW.', 'NEW.recorded_utc')}\nWHERE id = NEW.lot_id;\nEND",
        "CREATE TRIGGER movement_transfer AFTER INSERT ON movement WHEN NEW.to_lot_id IS NOT NULL BEGIN\n"
        f"UPDATE lot SET {_balance_assignments('NEW.', 'NEW.recorded_utc', 'from')}\nWHERE id = NEW.lot_id;\n"
        f"UPDATE lot SET {_balance_assignments('NEW.', 'NEW.recorded_utc', 'to')}\nWHERE id = NEW.to_lot_id;\nEND",
        "CREATE TRIGGER movement_holdings AFTER INSERT ON movement\n"
        f"WHEN NEW.from_account IN ({_codes(HELD_ACCOUNTS)}) OR NEW.to_account IN ({_codes(HELD_ACCOUNTS)}) BEGIN\n"
        f"{_holding_sql('NEW.', 'from')}\n{_holding_sql('NEW.', 'to')}\nEND",
    ]


def _sqlite_triggers() -> list[str]:
    return [*_sqlite_append_only(APPEND_ONLY), _MOVEMENT_ONE_ID, *_sqlite_movement_rules()]


def balance_sql(column: str, prefix: str = "", end: str = "") -> str:
    """SQL for the signed quantity that one movement adds to a balance column of its lot.

    With `end` "from" or "to", what that end alone adds to its own lot (a transfer has two lots).
    """
    accounts = {
        "on_hand_e3": ON_HAND_ACCOUNTS,
        "reserved_e3": ("reserved",),
        "on_hold_e3": ("hold",),
    }[column]
    codes = _codes(accounts)
    parts = {
        "to": f"CASE WHEN {prefix}to_account IN ({codes}) THEN 1 ELSE 0 END",
        "from": f" - CASE WHEN {prefix}from_account IN ({codes}) THEN 1 ELSE 0 END",
    }
    return f"{prefix}quantity_e3 * ({parts[end] if end else parts['to'] + parts['from']})"


BALANCES = ("on_hand_e3", "reserved_e3", "on_hold_e3")
"""The balance columns of a lot, kept by the movements' trigger."""


def _balance_assignments(prefix: str, time_sql: str, end: str = "") -> str:
    parts = [f"{column} = {column} + {balance_sql(column, prefix, end)}" for column in BALANCES]
    return ",\n".join([*parts, f"updated_utc = {time_sql}"])


_POSTGRESQL_FLOOR = """CREATE FUNCTION onemap_above_floor() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
IF OLD.seq < (SELECT from_seq FROM log_floor WHERE log = TG_TABLE_NAME) THEN RETURN OLD;
END IF;
RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$"""


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
        _POSTGRESQL_FLOOR,
    ]


def _postgresql_movement_rules() -> list[str]:
    time = "replace(NEW.recorded_utc, 'Z', '=Z')"
    return [
        f"""CREATE FUNCTION onemap_balances() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
IF NEW.to_lot_id IS NULL THEN
UPDATE lot SET {_balance_assignments("NEW.", time)}
WHERE id = NEW.lot_id;
ELSE
UPDATE lot SET {_balance_assignments("NEW.", time, "from")}
WHERE id = NEW.lot_id;
UPDATE lot SET {_balance_assignments("NEW.", time, "to")}
WHERE id = NEW.to_lot_id;
END IF;
{_holding_sql("NEW.", "from")}
{_holding_sql("NEW.", "to")}
RETURN NEW;
END $$""",
        "CREATE TRIGGER movement_balances AFTER INSERT ON movement\nFOR EACH ROW EXECUTE FUNCTION onemap_balances()",
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


def _postgresql_append_only(names: Iterable[str]) -> list[str]:
    found = []
    for name in names:
        events = "UPDATE OR TRUNCATE" if name in PRUNED else "UPDATE OR DELETE OR TRUNCATE"
        found.append(
            f"CREATE TRIGGER {name}_append_only BEFORE {events} ON {name}\n"
            "FOR EACH STATEMENT EXECUTE FUNCTION onemap_append_only()"
        )
        if name in PRUNED:
            found.append(
                f"CREATE TRIGGER {name}_floor BEFORE DELETE ON {name}\n"
                "FOR EACH ROW EXECUTE FUNCTION onemap_above_floor()"
            )
    return found


def _floors(dialect: str) -> list[str]:
    """Logs that refused every delete refuse only those from their floor on."""
    if dialect == "sqlite":
        made = [trigger for trigger in _sqlite_append_only(PRUNED) if "_no_delete " in trigger]
        return [*(f"DROP TRIGGER {name}_no_delete" for name in PRUNED), *made]
    dropped = [f"DROP TRIGGER {name}_append_only ON {name}" for name in PRUNED]
    return [*dropped, _POSTGRESQL_FLOOR, *_postgresql_append_only(PRUNED)]


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
            declared = made.columns["geom"].type
            assert isinstance(declared, Geometry)
            found.append(
                "INSERT INTO gpkg_geometry_columns\n"
                "(table_name, column_name, geometry_type_name, srs_id, z, m)\n"
                f"VALUES ('{name}', 'geom', '{declared.type_name}', 4326, 0, 0)"
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
        last = [
            *_postgresql_functions(),
            *_change_triggers(tables, target),
            *_postgresql_append_only(APPEND_ONLY),
            *_postgresql_movement_rules(),
        ]
    return [*first, *_create(tables, target), *last]


def step(dialect: str, revision: str) -> list[str]:
    """The statements of one migration after the first: new columns, new tables, their triggers and rules."""
    target = _dialect(dialect)
    wanted = STEPS[revision]
    found = [
        _added_column(table(name).columns[column], target)
        for name, columns in wanted.columns.items()
        for column in columns
    ]
    found += [
        _statement(CreateIndex(index).compile(dialect=target))
        for name, columns in wanted.columns.items()
        for index in sorted(table(name).indexes, key=lambda index: str(index.name))
        if {column.name for column in index.columns} <= set(columns)
    ]
    tables = [made for made in METADATA.sorted_tables if made.name in wanted.tables]
    found += _create(tables, target)
    if dialect == "sqlite":
        found += _gpkg_rows(tables)
    found += _change_triggers(tables, target)
    logs = [name for name in APPEND_ONLY if name in wanted.tables]
    found += _sqlite_append_only(logs) if dialect == "sqlite" else _postgresql_append_only(logs)
    if wanted.movement_rules:
        found += _renewed_movement_rules(dialect)
    if wanted.floors:
        found += _floors(dialect)
    return found


def _renewed_movement_rules(dialect: str) -> list[str]:
    """The rules of movements made anew, and what the movements so far left in the accounts of orders."""
    if dialect == "sqlite":
        dropped, made = ["DROP TRIGGER movement_balances"], _sqlite_movement_rules()
    else:
        dropped = ["DROP TRIGGER movement_balances ON movement", "DROP FUNCTION onemap_balances()"]
        made = _postgresql_movement_rules()
    ends = "\nUNION ALL ".join(
        f"SELECT lot_id, {end}_account AS account, {sign}quantity_e3 AS quantity_e3 FROM movement"
        for end, sign in (("to", ""), ("from", "-"))
    )
    fill = (
        f"INSERT INTO holding (lot_id, account, ref, quantity_e3)\nSELECT lot_id, account, '', sum(quantity_e3)\n"
        f"FROM ({ends}) AS ends\nWHERE account IN ({_codes(HELD_ACCOUNTS)})\nGROUP BY lot_id, account"
    )
    return [*dropped, *made, fill]


def _added_column(column: Any, target: Dialect) -> str:
    """A column that may be empty, with its checks, for a table that holds rows."""
    owner = column.table.name
    checks = sorted(
        (str(check.name), str(check.sqltext))
        for check in column.table.constraints
        if isinstance(check, CheckConstraint) and str(check.name).startswith(f"ck_{owner}_{column.name}_")
    )
    lines = [f"ALTER TABLE {owner} ADD COLUMN {column.name} {column.type.compile(dialect=target)}"]
    lines += [f"CONSTRAINT {name} CHECK ({text})" for name, text in checks]
    return "\n".join(lines + [f"REFERENCES {key.column.table.name} ({key.column.name})" for key in column.foreign_keys])


def write_frozen() -> None:
    """Freeze today's statements as those of the newest migration (before its release only)."""
    from data import migrations

    for dialect in ("sqlite", "postgresql"):
        path = migrations.FOLDER / "versions" / f"v{REVISION}_{dialect}.sql"
        path.write_text("\n\n".join(step(dialect, REVISION)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_frozen()
