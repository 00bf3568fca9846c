"""The tables follow from the kinds, the frozen migration follows from the tables, the constraints hold."""

import sqlite3
import struct
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest
import shapely
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import postgresql

from data import geometry, ledger, migrations, schema
from data.kinds import KINDS, Column, Kind
from geo.errors import InputError, NotFound

POSTGRESQL: Any = postgresql.dialect()
BLOB = geometry.encode([shapely.Point(120.8, 32.0)])[0]


@pytest.fixture(scope="module")
def _empty() -> Iterator[sqlite3.Connection]:
    found = sqlite3.connect(":memory:", isolation_level=None)
    for statement in schema.ddl("sqlite"):
        found.execute(statement)
    yield found
    found.close()


@pytest.fixture
def db(_empty: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    _empty.execute("BEGIN")
    yield _empty
    _empty.execute("ROLLBACK")


def insert(db: sqlite3.Connection, table: str, row: dict[str, Any]) -> None:
    names = ", ".join(f'"{name}"' for name in row)
    db.execute(f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(row))})", list(row.values()))


def a_value(column: Column) -> Any:
    """Some value that the column must take."""
    if column.type in ("choice", "choices"):
        return column.choices[0].code
    if column.type == "quantity":
        return round((column.minimum or 0) * 1000)
    if column.type in ("integer", "number", "boolean"):
        return int(column.minimum or 0)
    return {"date": "2026-07-01", "datetime": "2026-07-01T00:00:00.000Z"}.get(column.type, "x")


def a_row(kind: Kind, /, **changes: Any) -> dict[str, Any]:
    row = {schema.stored_name(c): a_value(c) for c in kind.columns if c.required and c.name != "id"}
    if kind.geometry:
        row["geom"] = BLOB
    return {"id": "1", **row, **changes}


def _reference(line: str, column: str) -> str:
    """A foreign key written at its column, as it is written in a new table."""
    if not line.startswith("REFERENCES"):
        return line
    return f"FOREIGN KEY({column.split()[0]}) {line}"


def folded(statements: list[str]) -> tuple[dict[str, set[str]], set[str]]:
    """The tables as sets of their lines, with columns added later put in; and the other statements."""
    tables: dict[str, set[str]] = {}
    others: set[str] = set()
    for statement in statements:
        first, *lines = statement.split("\n")
        if first.startswith("CREATE TABLE "):
            tables[first.split()[2]] = {line.rstrip(",") for line in lines}
        elif first.startswith("ALTER TABLE "):
            name, column = first.removeprefix("ALTER TABLE ").split(" ADD COLUMN ")
            tables[name] |= {column, *(_reference(line, column) for line in lines)}
        elif first.startswith("DROP "):
            what, name = first.split()[1:3]
            others = {other for other in others if not other.startswith(f"CREATE {what} {name} ".replace("() ", "()"))}
        elif first.startswith("INSERT INTO holding"):
            continue  # what was there already is carried over
        elif "INTO gpkg_spatial_ref_sys" not in statement:  # their text depends on the version of PROJ
            others.add(statement)
    return tables, others


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_the_frozen_migrations_add_up_to_what_the_kinds_ask_for(dialect: str) -> None:
    assert migrations.frozen(f"v{schema.REVISION}_{dialect}.sql") == schema.step(dialect, schema.REVISION), (
        f"{dialect}: data/kinds.py and the schema differ: add a migration (before its release: python -m data.schema)"
    )
    steps = ["0001", *schema.STEPS]
    frozen = [statement for step in steps for statement in migrations.frozen(f"v{step}_{dialect}.sql")]
    assert folded(frozen) == folded(schema.ddl(dialect))


def test_the_expected_revision_is_the_newest_migration() -> None:
    from alembic.script import ScriptDirectory

    assert ScriptDirectory.from_config(migrations.config()).get_heads() == [schema.REVISION]


def test_an_unknown_dialect_is_refused() -> None:
    with pytest.raises(InputError, match="oracle"):
        schema.ddl("oracle")


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())
def test_every_column_of_a_kind_has_its_place(kind: Kind) -> None:
    table = schema.table(kind.table)
    for column in kind.columns:
        assert schema.stored_name(column) in table.columns
    assert ("geom" in table.columns) == bool(kind.geometry) == schema.is_spatial(kind.table)
    for name in ("fid", "id", "source", "source_datum", "updated_utc"):
        assert not table.columns[name].nullable
    assert schema.kind_of(kind.table) is kind


def test_tables_that_are_not_there_are_not_found() -> None:
    with pytest.raises(NotFound, match="depot"):
        schema.table("depots")
    assert schema.kind_of("change") is None


@pytest.mark.parametrize(
    ("kind", "column"),
    [(kind, column) for kind in KINDS.values() for column in kind.columns],
    ids=[f"{kind.table}.{column.name}" for kind in KINDS.values() for column in kind.columns],
)
def test_the_schema_itself_refuses_what_the_kind_forbids(db: sqlite3.Connection, kind: Kind, column: Column) -> None:
    name = schema.stored_name(column)
    good: list[Any] = []
    bad: list[Any] = []
    scale = 1000 if column.type == "quantity" else 1
    if column.type == "choice":
        good, bad = [choice.code for choice in column.choices], ["nonsense", ""]
    elif column.type == "choices":
        codes = [choice.code for choice in column.choices]
        good = [*codes, ";".join(codes), ";".join(reversed(codes))]
        bad = [
            "nonsense",
            "",
            f"{codes[0]};",
            f"{codes[0]};nonsense",
            f"x{codes[0]}",
            codes[0] + "," + codes[1],
        ]
    elif column.type == "boolean":
        good, bad = [0, 1], [2, -1, "yes"]
    elif column.type == "date":
        good, bad = ["2026-07-01"], ["1.7.2026", "2026-07-01T00:00"]
    elif column.type == "datetime":
        good, bad = ["2026-07-01T08:00:00.000Z"], ["2026-07-01T08:00:00+08:00", "2026-07-01"]
    if column.minimum is not None:
        good.append(int(column.minimum * scale))
        bad.append(column.minimum * scale - 1)
    if column.maximum is not None:
        if name not in ("reserved_e3", "on_hold_e3"):  # these are bounded by what is on hand
            good.append(int(column.maximum * scale))
        bad += [column.maximum * scale + 1, "many"]
    if column.required and column.name != "id":
        bad.append(None)
        if column.type == "text":
            bad.append("")
    for number, value in enumerate(bad):
        with pytest.raises(sqlite3.IntegrityError):
            insert(db, kind.table, a_row(kind, **{"id": f"bad{number}", name: value}))
    for number, value in enumerate(good):
        insert(db, kind.table, a_row(kind, **{"id": f"good{number}", name: value}))
        db.execute(f"DELETE FROM {kind.table}")
    if not column.required:
        insert(db, kind.table, a_row(kind, id="left out"))
        stored = db.execute(f'SELECT "{name}" FROM {kind.table} WHERE id = ?', ("left out",)).fetchone()[0]
        assert stored == (0 if column.type == "quantity" else column.default)


@pytest.mark.parametrize(
    ("reserved", "held", "fits"), [(10, 0, True), (6, 4, True), (11, 0, False), (6, 5, False), (-1, 0, False)]
)
def test_no_more_is_bound_than_is_on_hand(db: sqlite3.Connection, reserved: int, held: int, fits: bool) -> None:
    row = a_row(KINDS["lots"], on_hand_e3=10, reserved_e3=reserved, on_hold_e3=held)
    if fits:
        insert(db, "lot", row)
    else:
        with pytest.raises(sqlite3.IntegrityError):
            insert(db, "lot", row)


def test_rows_from_elsewhere_get_an_id_a_source_and_a_time(db: sqlite3.Connection) -> None:
    for _ in range(2):
        insert(db, "depot", {"name": "n", "level": "city", "geom": BLOB})
    rows = db.execute("SELECT id, source, updated_utc FROM depot").fetchall()
    assert len({row[0] for row in rows}) == 2
    assert {row[1] for row in rows} == {"manual"}
    assert all(abs(datetime.fromisoformat(row[2]) - datetime.now(UTC)) < timedelta(minutes=5) for row in rows)


def test_every_table_logs_insert_update_rename_and_delete(db: sqlite3.Connection) -> None:
    for kind in KINDS.values():
        before = db.execute("SELECT coalesce(max(seq), 0) FROM change").fetchone()[0]
        insert(db, kind.table, a_row(kind, id="a"))
        db.execute(f"UPDATE {kind.table} SET source = 'x' WHERE id = 'a'")
        db.execute(f"UPDATE {kind.table} SET id = 'b' WHERE id = 'a'")
        db.execute(f"DELETE FROM {kind.table}")
        logged = db.execute(
            'SELECT "table", id, operation FROM change WHERE seq > ? ORDER BY seq', (before,)
        ).fetchall()
        assert [row[1:] for row in logged[:2]] == [("a", "insert"), ("a", "update")]
        assert sorted(row[1:] for row in logged[2:4]) == [("a", "delete"), ("b", "insert")]
        assert [row[1:] for row in logged[4:]] == [("b", "delete")]
        assert {row[0] for row in logged} == {kind.table}


def test_an_edit_that_leaves_the_time_gets_a_new_one(db: sqlite3.Connection) -> None:
    old = "2020-01-01T00:00:00.000Z"
    insert(db, "depot", a_row(KINDS["depots"], updated_utc=old))
    db.execute("UPDATE depot SET name = 'new'")
    assert db.execute("SELECT updated_utc FROM depot").fetchone()[0] > "2026"
    given = "2021-01-01T00:00:00.000Z"
    db.execute("UPDATE depot SET name = 'newer', updated_utc = ?", (given,))
    assert db.execute("SELECT updated_utc FROM depot").fetchone()[0] == given
    assert db.execute("SELECT count(*) FROM change").fetchone()[0] == 3


def test_change_and_movement_cannot_be_altered(db: sqlite3.Connection) -> None:
    insert(db, "lot", a_row(KINDS["lots"], id="L"))
    insert(
        db,
        "movement",
        {
            "id": "m",
            "lot_id": "L",
            "quantity_e3": 5,
            "from_account": "opening",
            "to_account": "depot",
            "kind": "opening",
            "occurred_utc": "2026-07-01T00:00:00.000Z",
            "recorded_utc": "2026-07-01T00:00:00.000Z",
            "source": "t",
        },
    )
    before = {name: db.execute(f"SELECT * FROM {name}").fetchall() for name in ("change", "movement")}
    for name, column in (("change", "operation"), ("movement", "reason")):
        for statement in (
            f"UPDATE {name} SET {column} = 'delete'",
            f"DELETE FROM {name}",
            f"INSERT OR REPLACE INTO {name} SELECT * FROM {name} LIMIT 1",
        ):
            with pytest.raises(sqlite3.IntegrityError, match=r"append-only|UNIQUE"):
                db.execute(statement)
    with pytest.raises(sqlite3.IntegrityError):
        db.execute(
            "INSERT OR REPLACE INTO movement (id, lot_id, quantity_e3, from_account, to_account, kind,"
            " occurred_utc, recorded_utc, source) SELECT id, lot_id, 1, from_account, to_account, kind,"
            " occurred_utc, recorded_utc, source FROM movement"
        )
    assert before == {name: db.execute(f"SELECT * FROM {name}").fetchall() for name in before}


def test_sequence_numbers_are_never_used_again(db: sqlite3.Connection) -> None:
    insert(db, "depot", a_row(KINDS["depots"]))
    first = db.execute("SELECT fid FROM depot").fetchone()[0]
    db.execute("DELETE FROM depot")
    insert(db, "depot", a_row(KINDS["depots"]))
    assert db.execute("SELECT fid FROM depot").fetchone()[0] > first


def test_the_main_statements_compile_for_postgresql() -> None:
    for table in schema.METADATA.sorted_tables:
        key = table.c.id if "id" in table.c else next(iter(table.primary_key))
        for statement in (
            sa.select(table),
            sa.insert(table),
            sa.delete(table).where(key == sa.bindparam("_id")),
            sa.update(table).where(key == sa.bindparam("_id")).values({key.name: sa.bindparam("new")}),
        ):
            assert table.name in str(statement.compile(dialect=POSTGRESQL))
    text = "\n".join(schema.ddl("postgresql"))
    assert "geometry(POINT,4326)" in text
    assert "BIGSERIAL" in text
    assert "%%" not in text
    assert "AUTOINCREMENT" not in text
    assert "SUM" in str(sa.text(f"SELECT SUM({schema.balance_sql('on_hand_e3')})").compile(dialect=POSTGRESQL))


def test_accounts_and_kinds_of_movement_agree_with_the_pairs() -> None:
    assert set(ledger.PAIRS) == set(schema.MOVEMENT_KINDS) - {"reversal"}
    used = {account for pairs in ledger.PAIRS.values() for pair in pairs for account in pair}
    assert used == set(schema.ACCOUNTS)


# -- times and ids


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 7, 1, 8, tzinfo=timezone(timedelta(hours=8))), "2026-07-01T00:00:00.000Z"),
        ("2026-07-01T08:00+08:00", "2026-07-01T00:00:00.000Z"),
        (" 2026-07-01T00:00:00Z ", "2026-07-01T00:00:00.000Z"),
        (datetime(2026, 7, 1, 0, 0, 0, 999_999, tzinfo=UTC), "2026-07-01T00:00:00.999Z"),
    ],
)
def test_moments_are_stored_in_utc(moment: datetime | str, text: str) -> None:
    assert schema.utc_text(moment) == text


@pytest.mark.parametrize("moment", [datetime(2026, 7, 1), "2026-07-01T08:00", "soon", ""])  # noqa: DTZ001
def test_a_moment_without_a_zone_is_refused(moment: datetime | str) -> None:
    with pytest.raises(InputError):
        schema.utc_text(moment)


@given(st.datetimes(min_value=datetime(1900, 1, 1)), st.datetimes(min_value=datetime(1900, 1, 1)))  # noqa: DTZ001
def test_text_order_is_time_order(a: datetime, b: datetime) -> None:
    a, b = (x.replace(tzinfo=UTC, microsecond=x.microsecond // 1000 * 1000) for x in (a, b))
    assert (schema.utc_text(a) < schema.utc_text(b)) == (a < b)


parts = st.lists(st.text(alphabet="a%/2F5", max_size=4), min_size=2, max_size=2)


@given(parts, parts)
def test_ids_of_different_parts_differ(a: list[str], b: list[str]) -> None:
    assert (schema.id_of(a) == schema.id_of(b)) == (a == b)


def test_a_number_in_a_key_reads_as_it_is() -> None:
    assert schema.id_of(["城东", 2025]) == "城东/2025"


def test_a_plain_id_reads_as_it_is() -> None:
    assert schema.id_of(["D1", "I2", "L3"]) == "D1/I2/L3"


# -- geometry


SHAPES = [
    shapely.Point(120.8, 32.0),
    shapely.LineString([(120, 31), (121, 33)]),
    shapely.Polygon([(0, 0), (2, 0), (1, 3)]),
    shapely.MultiPolygon([shapely.box(0, 0, 1, 1), shapely.box(2, 2, 3, 3)]),
]


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_geometry_comes_back_as_it_went(dialect: str) -> None:
    column = [*SHAPES, None, SHAPES[0]]
    found = geometry.decode(geometry.encode(column, dialect))
    assert found[4] is None
    assert all(a == b for a, b in zip(found, column, strict=True) if a is not None)


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
@pytest.mark.parametrize("lonlat", [(120.8, 32.0), (-180.0, 90.0), (0.0, -0.0), (118.123456789012345, 1e-300)])
def test_one_point_is_stored_as_in_a_column(dialect: str, lonlat: tuple[float, float]) -> None:
    stored = geometry.encode_point(*lonlat, dialect)
    assert stored == geometry.encode([shapely.Point(*lonlat)], dialect)[0]
    assert geometry.decode_point(stored) == lonlat


def test_a_point_of_another_hand_is_read_too() -> None:
    plain = b"GP\x00\x01" + (4326).to_bytes(4, "little") + shapely.to_wkb(shapely.Point(120.8, 32.0))  # no envelope
    high = b"GP\x00\x01" + (4326).to_bytes(4, "little") + shapely.to_wkb(shapely.Point(120.8, 32.0, 7.0))
    big_endian = b"GP\x00\x00" + (4326).to_bytes(4, "big") + shapely.to_wkb(shapely.Point(120.8, 32.0), byte_order=0)
    assert [geometry.decode_point(blob) for blob in (plain, high, big_endian)] == [(120.8, 32.0)] * 3
    assert geometry.decode_point(None) is None
    assert geometry.decode_point(geometry.encode([shapely.Point()])[0]) is None


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_no_geometry_at_all(dialect: str) -> None:
    assert geometry.encode([], dialect) == []
    assert geometry.encode([None, None], dialect) == [None, None]
    assert len(geometry.decode([])) == 0
    assert geometry.decode([None]).tolist() == [None]


def test_the_header_is_what_geopackage_says() -> None:
    for shape in SHAPES:
        blob = geometry.encode([shape])[0]
        assert isinstance(blob, bytes)
        magic, version, flags, srs_id, *envelope = struct.unpack("<2sBBi4d", blob[:40])
        assert (magic, version, flags, srs_id) == (b"GP", 0, 3, 4326)
        min_x, min_y, max_x, max_y = shape.bounds
        assert envelope == [min_x, max_x, min_y, max_y]
        assert shapely.from_wkb(blob[40:]) == shape


@pytest.mark.parametrize("envelope_code", range(5))
@pytest.mark.parametrize("order", [0, 1])
def test_blobs_of_other_writers_are_read(envelope_code: int, order: int) -> None:
    size = (0, 32, 48, 48, 64)[envelope_code]
    head = b"GP\0" + bytes([envelope_code << 1 | order]) + struct.pack("<i" if order else ">i", 4326)
    blob = head + b"\0" * size + shapely.to_wkb(shapely.Point(1, 2, 3), byte_order=order, output_dimension=3)
    assert geometry.decode([blob])[0] == shapely.Point(1, 2)


@pytest.mark.parametrize("blob", [b"", b"GP", b"XX\0\3aaaa", b"GP\0\x0f" + bytes(80), b"GP\0\1" + bytes(4) + b"junk"])
def test_a_broken_blob_is_refused_with_a_sentence(blob: bytes) -> None:
    with pytest.raises(InputError, match="geom"):
        geometry.decode([blob])


def test_an_empty_geometry_says_so() -> None:
    blob = geometry.encode([shapely.Point(), shapely.Point(1, 1)])[0]
    assert isinstance(blob, bytes)
    assert blob[3] == 0b1_0001
    assert geometry.decode([blob])[0].is_empty


def test_bounds_from_the_headers_are_those_of_the_shapes() -> None:
    rng = np.random.default_rng(3)
    shapes = shapely.linestrings(rng.uniform(-50, 50, (40, 3, 2)))
    heads = [blob[:40] for blob in geometry.encode(shapes) if isinstance(blob, bytes)]
    assert geometry.bounds(heads) == pytest.approx(tuple(shapely.total_bounds(shapes)))
    assert geometry.bounds([]) is None


def test_the_column_type_takes_and_gives_shapes() -> None:
    engine = sa.create_engine("sqlite://")
    metadata = sa.MetaData()
    table = sa.Table("t", metadata, sa.Column("i", sa.Integer), sa.Column("g", geometry.Geometry("POINT")))
    metadata.create_all(engine)
    with engine.begin() as conn:
        conn.execute(table.insert(), [{"i": 1, "g": shapely.Point(1, 2)}, {"i": 2, "g": None}, {"i": 3, "g": BLOB}])
        found = conn.execute(sa.select(table.c.g).order_by(table.c.i)).scalars().all()
    engine.dispose()
    assert found == [shapely.Point(1, 2), None, shapely.Point(120.8, 32.0)]
