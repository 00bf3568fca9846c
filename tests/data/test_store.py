"""The store: a live GeoPackage, a change log without gaps, and errors that can be read.

GDAL never opens the live file in this process (see data/store.py): every such look is a subprocess.
"""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyproj import Geod

from data import geometry, migrations, schema
from data.kinds import KINDS
from data.store import Counts, Store
from geo.errors import Conflict, CrsError, InputError, NotFound, OneMapError, Unavailable

ROOT = Path(__file__).resolve().parents[2]
NOW = "2026-07-01T00:00:00.000Z"
LATER = "2026-07-02T00:00:00.000Z"
WRITTEN: dict[str, Any] = {"source": "t.xlsx", "source_datum": "EPSG:4326", "now_utc": NOW}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.create(tmp_path / "district.gpkg", name="崇川区", epsg=4549) as made:
        yield made


def depots(count: int = 1, **columns: Any) -> gpd.GeoDataFrame:
    data = {
        "id": [f"D{i}" for i in range(count)],
        "name": [f"库{i}" for i in range(count)],
        "level": "street",
    }
    return gpd.GeoDataFrame(
        {**data, **columns}, geometry=[shapely.Point(120.8 + i / 100, 32.0) for i in range(count)], crs=4326
    )


def roads(count: int = 3) -> gpd.GeoDataFrame:
    lines = [shapely.LineString([(120.8, 32.0 + i / 100), (120.9, 32.0)]) for i in range(count)]
    return gpd.GeoDataFrame({"highway": ["residential"] * count, "bridge": False}, geometry=lines, crs=4326)


def villages() -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {
            "id": ["V1", "V2", "V3"],
            "name": ["甲村", "乙村", "丙村"],
            "street": ["一街", "一街", "二街"],
            "persons": [10, 20, 30],
        },
        geometry=[
            shapely.box(120.8, 32, 120.9, 32.1),
            shapely.box(120.9, 32, 121, 32.1),
            shapely.Point(121.1, 32),
        ],
        crs=4326,
    )


def upsert(store: Store, table: str, frame: pd.DataFrame, **changes: Any) -> Counts:
    with store.writing() as conn:
        return store.upsert(conn, table, frame, **{**WRITTEN, **changes})


def replace(store: Store, table: str, frame: pd.DataFrame) -> Counts:
    with store.writing() as conn:
        return store.replace(conn, table, frame, **WRITTEN)


def python(code: str, *arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run code in a process of its own, with this project on its path."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        **options,
    )


def gdal_rows(path: Path, layer: str) -> int:
    """How many rows GDAL sees, in another process, and without a warning."""
    code = (
        "import sys, warnings; warnings.simplefilter('error'); import pyogrio;"
        "print(len(pyogrio.read_dataframe(sys.argv[1], layer=sys.argv[2])))"
    )
    done = python(code, path, layer)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return int(done.stdout)


# -- making and opening


def test_a_new_district_is_empty_and_knows_itself(tmp_path: Path) -> None:
    path = tmp_path / "深 ?#%目录" / "区.gpkg"
    with Store.create(path, name=" 崇川区 ", epsg=4549, demo=True) as store:
        info = store.district
        assert (info.name, info.epsg, info.timezone, info.demo) == ("崇川区", 4549, "Asia/Shanghai", True)
        assert info.zone.key == "Asia/Shanghai"
        assert store.extent() is None
        assert store.import_runs().empty
        assert set(store.counts().values()) == {0}
        assert store.path == path
    with Store(path) as again:
        assert again.district == info
    assert sorted(p.name for p in path.parent.iterdir()) == ["区.gpkg"]


def test_the_file_says_that_it_is_a_geopackage_from_the_first_byte(store: Store) -> None:
    assert store.path is not None
    head = store.path.read_bytes()[:100]
    assert head[:16] == b"SQLite format 3\0"
    assert head[68:72] == b"GPKG"
    assert int.from_bytes(head[60:64], "big") == 10300


def test_an_existing_file_is_never_touched(tmp_path: Path) -> None:
    path = tmp_path / "letter.gpkg"
    path.write_text("dear all")
    with pytest.raises(Conflict, match="exists already"):
        Store.create(path, name="x", epsg=4549)
    assert path.read_text() == "dear all"
    with pytest.raises(Unavailable, match="damaged or is no database"):
        Store(path)


@pytest.mark.parametrize("epsg", [4326, 3857, 2263, 999_999, -1])
def test_a_crs_that_does_not_measure_makes_no_file(tmp_path: Path, epsg: int) -> None:
    with pytest.raises(CrsError):
        Store.create(tmp_path / "d.gpkg", name="x", epsg=epsg)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "../../etc/passwd", "/etc/passwd", "Asia"])
def test_a_time_zone_that_is_none_makes_no_file(tmp_path: Path, zone: str) -> None:
    with pytest.raises(InputError, match="timezone"):
        Store.create(tmp_path / "d.gpkg", name="x", epsg=4549, timezone=zone)
    assert list(tmp_path.iterdir()) == []


def test_a_district_needs_a_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="name"):
        Store.create(tmp_path / "d.gpkg", name="  ", epsg=4549)


def test_a_missing_database_is_not_found_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="onemap init"):
        Store(tmp_path / "none.gpkg")
    assert list(tmp_path.iterdir()) == []


def test_another_sqlite_file_is_no_district(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "other.gpkg")
    other.execute("CREATE TABLE t (a)")
    other.close()
    with pytest.raises(InputError, match="is no district"):
        Store(tmp_path / "other.gpkg")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "empty"),
        ("sqlite://", "in memory"),
        ("mysql://u@h/d", "mysql"),
        ("://", "cannot be read"),
    ],
)
def test_urls_that_cannot_be_used(url: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        Store(url)


def test_a_url_of_the_same_file_is_the_same_store(store: Store) -> None:
    with Store(f"sqlite:///{store.path}") as other:
        assert other.district == store.district


def test_a_failed_creation_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frozen = migrations.frozen
    monkeypatch.setattr(migrations, "frozen", lambda name: [*frozen(name), "CREATE NONSENSE"])
    with pytest.raises(Unavailable):
        Store.create(tmp_path / "d.gpkg", name="x", epsg=4549)
    assert list(tmp_path.iterdir()) == []


def test_a_migration_and_its_record_are_one_transaction(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrations, "frozen", lambda name: ["CREATE TABLE half (a)", "CREATE NONSENSE"])
    path = tmp_path / "d.sqlite"
    engine = sa.create_engine(f"sqlite:///{path}", connect_args={"isolation_level": None})
    sa.event.listen(engine, "begin", lambda conn: conn.exec_driver_sql("BEGIN IMMEDIATE"))
    with pytest.raises(sa.exc.OperationalError), engine.begin() as conn:
        migrations.upgrade(conn)
    assert sa.inspect(engine).get_table_names() == []
    engine.dispose()


def first_schema(path: Path) -> None:
    """A district as the first schema had it, with a village, an enterprise and a lot that moved."""
    conn = sqlite3.connect(path, isolation_level=None)
    conn.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
    for statement in migrations.frozen("v0001_sqlite.sql"):
        conn.execute(statement)
    conn.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
    conn.execute("INSERT INTO alembic_version VALUES ('0001')")
    conn.execute(
        "INSERT INTO district VALUES (1, 'district', '旧区', 4549, 'Asia/Shanghai', 0, '2026-01-01T00:00:00.000Z')"
    )
    blob = geometry.encode([shapely.box(120.8, 32.0, 120.9, 32.1)])[0]
    point = geometry.encode([shapely.Point(120.85, 32.05)])[0]
    conn.execute("INSERT INTO street (id, name) VALUES ('城东', '城东')")
    conn.execute(
        "INSERT INTO village (id, name, street, persons, geom, source) VALUES ('V1', '东村', '城东', 12, ?, 'survey')",
        (blob,),
    )
    conn.execute("INSERT INTO enterprise (id, name, risk_level, geom) VALUES ('E1', '甲厂', 'major', ?)", (point,))
    conn.execute("INSERT INTO depot (id, name, level, geom) VALUES ('D1', '库', 'street', ?)", (point,))
    conn.execute("INSERT INTO item (id, name, unit) VALUES ('I1', '沙袋', '只')")
    conn.execute("INSERT INTO lot (id, depot_id, item_id, lot, status) VALUES ('D1/I1/A', 'D1', 'I1', 'A', 'usable')")
    conn.execute(
        "INSERT INTO movement (lot_id, quantity_e3, from_account, to_account, kind, occurred_utc, recorded_utc, source)"
        " VALUES ('D1/I1/A', 5000, 'opening', 'depot', 'opening', ?, ?, 'x')",
        ("2026-01-01T00:00:00.000Z",) * 2,
    )
    conn.close()


def test_a_database_of_the_first_schema_is_brought_up_without_loss(tmp_path: Path) -> None:
    path = tmp_path / "old.gpkg"
    first_schema(path)

    def content() -> dict[str, list[Any]]:
        conn = sqlite3.connect(path)
        try:
            names = [n for (n,) in conn.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
            return {n: conn.execute(f"SELECT * FROM {n} ORDER BY 1").fetchall() for n in names}
        finally:
            conn.close()

    before = content()
    with Store(path) as store:
        revision = store.revision()
        assert store.district.name == "旧区"
        village = store.frame("village")
        assert village[["id", "name", "persons", "source"]].to_numpy().tolist() == [["V1", "东村", 12, "survey"]]
        assert village[["persons_0_14", "persons_65_over", "gdp_wan"]].isna().all(axis=None)
        assert store.frame("enterprise")["fire_class"].tolist() == [None]
        assert store.frame("lot")["on_hand_e3"].tolist() == [5000]
        assert {name: store.counts()[name] for name in schema.STEPS["0002"].tables} == dict.fromkeys(
            schema.STEPS["0002"].tables, 0
        )
        with store.writing() as conn:
            conn.exec_driver_sql("UPDATE village SET persons_65_over = 3 WHERE id = 'V1'")
            conn.exec_driver_sql("INSERT INTO lifeline (name, type, geom) SELECT '站', 'bridge', geom FROM depot")
        assert [(c.table, c.operation) for c in store.changes(revision)] == [
            ("village", "update"),
            ("lifeline", "insert"),
        ]
        with pytest.raises(OneMapError), store.writing() as conn:
            conn.exec_driver_sql("UPDATE village SET persons_0_14 = -1")
    after = content()
    for name, rows in before.items():
        if name in ("alembic_version", "sqlite_sequence", "change") or name.startswith("gpkg_"):
            continue
        width = len(rows[0]) if rows else 0
        if name != "village":
            assert [row[:width] for row in after[name]] == rows, name
    for name in ("change", "gpkg_contents", "gpkg_geometry_columns", "gpkg_spatial_ref_sys"):
        assert set(before[name]) <= set(after[name]), name
    with Store(path) as store:
        assert store.frame("village")["persons_65_over"].tolist() == [3]


def test_an_upgrade_that_fails_leaves_the_old_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "old.gpkg"
    first_schema(path)
    frozen = migrations.frozen
    monkeypatch.setattr(migrations, "frozen", lambda name: [*frozen(name), "CREATE NONSENSE"])
    with pytest.raises(Unavailable):
        Store(path)
    monkeypatch.undo()
    conn = sqlite3.connect(path)
    assert conn.execute("SELECT version_num FROM alembic_version").fetchall() == [("0001",)]
    assert not conn.execute("SELECT 1 FROM sqlite_master WHERE name = 'lifeline'").fetchall()
    conn.close()
    with Store(path) as store:
        assert store.counts()["lifeline"] == 0


def test_a_schema_from_the_future_is_left_alone(store: Store) -> None:
    with store.writing() as conn:
        conn.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    assert store.path is not None
    with pytest.raises(Unavailable, match="schema 9999"):
        Store(store.path)


def test_only_one_of_two_creators_makes_the_file(tmp_path: Path) -> None:
    outcomes: list[str] = []

    def create() -> None:
        try:
            Store.create(tmp_path / "d.gpkg", name="x", epsg=4549).close()
            outcomes.append("made")
        except Conflict:
            outcomes.append("refused")

    threads = [threading.Thread(target=create) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["made", "refused", "refused"]
    assert [p.name for p in tmp_path.iterdir()] == ["d.gpkg"]


# -- a GeoPackage for everybody else


def test_the_tables_of_geopackage_are_right(store: Store) -> None:
    upsert(store, "village", villages())
    with store.reading() as conn:
        assert conn.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
        assert conn.exec_driver_sql("PRAGMA foreign_key_check").fetchall() == []
        assert conn.exec_driver_sql("PRAGMA application_id").scalar() == 0x47504B47
        systems = set(conn.exec_driver_sql("SELECT srs_id FROM gpkg_spatial_ref_sys").scalars())
        assert systems == {-1, 0, 4326, 4490, 4549}
        contents = dict(conn.exec_driver_sql("SELECT table_name, data_type FROM gpkg_contents").all())
        shaped = dict(
            conn.exec_driver_sql(
                "SELECT table_name, geometry_type_name FROM gpkg_geometry_columns"
                " WHERE column_name = 'geom' AND srs_id = 4326 AND z = 0 AND m = 0"
            ).all()
        )
        assert set(contents) == set(schema.METADATA.tables)
        for name, data_type in contents.items():
            columns = {row[1]: row for row in conn.exec_driver_sql(f"PRAGMA table_info({name})")}
            assert [(row[1], row[2]) for row in columns.values() if row[5]] in (
                [("fid", "INTEGER")],
                [("seq", "INTEGER")],
            )
            assert {row[2] for row in columns.values()} - {shaped.get(name)} <= {"TEXT", "INTEGER", "DOUBLE"}
            assert (data_type == "features") == ("geom" in columns) == (name in shaped)
        assert (shaped["depot"], shaped["road"]) == ("POINT", "GEOMETRY")


def test_settings_of_the_connections(store: Store) -> None:
    with store.writing() as conn:
        assert conn.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert conn.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert conn.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
        assert conn.exec_driver_sql("PRAGMA busy_timeout").scalar() == 10_000
    with store.reading() as conn, pytest.raises(sa.exc.OperationalError, match="readonly"):
        conn.exec_driver_sql("DELETE FROM road")


@pytest.mark.skipif(shutil.which("ogrinfo") is None, reason="no ogrinfo here")
def test_ogrinfo_opens_a_fresh_and_a_filled_district(store: Store) -> None:
    def ogrinfo(*arguments: str) -> str:
        done = subprocess.run(["ogrinfo", "-ro", *arguments], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0
        assert "Warning" not in done.stderr + done.stdout
        assert "ERROR" not in done.stderr + done.stdout
        return done.stdout

    assert "depot (Point)" in ogrinfo(str(store.path))
    upsert(store, "depot", depots(3))
    text = ogrinfo("-al", "-so", str(store.path))
    assert "Feature Count: 3" in text
    assert "Extent: (120.800000, 32.000000) - (120.820000, 32.000000)" in text
    assert 'ID["EPSG",4326]' in text


def test_geopandas_and_pyogrio_read_the_live_file_in_another_process(store: Store) -> None:
    upsert(store, "depot", depots(3, phone=["1", None, "3"]))
    upsert(store, "village", villages())
    code = """
import json, sys, warnings
warnings.simplefilter("error")
import geopandas, pyogrio
path = sys.argv[1]
frame = geopandas.read_file(path, layer="depot")
village = pyogrio.read_dataframe(path, layer="village", bbox=(121.05, 31.9, 121.2, 32.1))
print(json.dumps({
    "layers": sorted(pyogrio.list_layers(path)[:, 0].tolist()),
    "crs": frame.crs.to_epsg(),
    "ids": frame["id"].tolist(),
    "wkt": frame.geometry.to_wkt().tolist(),
    "phone": [None if p != p else p for p in frame["phone"].astype(object)],
    "village": village["id"].tolist(),
}))
"""
    done = python(code, store.path)
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert found["layers"] == sorted(schema.METADATA.tables)
    assert (found["crs"], found["ids"], found["phone"]) == (4326, ["D0", "D1", "D2"], ["1", None, "3"])
    assert found["wkt"][1] == "POINT (120.81 32)"
    assert found["village"] == ["V3"]


def test_gdal_in_another_process_while_writes_go_on(store: Store) -> None:
    code = """
import sys, warnings
warnings.simplefilter("error")
import pyogrio
for _ in range(25):
    frame = pyogrio.read_dataframe(sys.argv[1], layer="depot")
    assert frame.empty or frame["name"].nunique() == 1, "half a transaction was seen"
"""
    reader = subprocess.Popen([sys.executable, "-c", code, str(store.path)], stderr=subprocess.PIPE, text=True)
    rounds = 0
    while reader.poll() is None or rounds == 0:
        upsert(store, "depot", depots(4, name=f"round {rounds}"), now_utc=datetime.now(UTC))
        rounds += 1
    _, errors = reader.communicate()
    assert (reader.returncode, errors) == (0, "")
    assert store.frame("depot")["name"].tolist() == [f"round {rounds - 1}"] * 4


WRITER = """
import os, sys
sys.path.insert(0, os.environ["PYTHONPATH"])
import geopandas as gpd, shapely
from data.store import Store
store = Store(sys.argv[1])
place = [shapely.Point(1, 1)]
frame = gpd.GeoDataFrame({"id": ["K"], "name": "n", "level": "city"}, geometry=place, crs=4326)
how = {"source": "t", "source_datum": "EPSG:4326", "now_utc": "2026-07-01T00:00Z"}
with store.writing() as conn:
    store.upsert(conn, "depot", frame, **how)
print("committed", flush=True)
with store.writing() as conn:
    frame["id"] = ["half"]
    store.upsert(conn, "depot", frame, **how)
    print("half", flush=True)
    sys.stdin.read()
"""


def test_what_was_committed_outlives_kill_9(store: Store) -> None:
    path = store.path
    assert path is not None
    store.close()
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "committed\n"
        assert writer.stdout.readline() == "half\n"
        assert gdal_rows(path, "depot") == 1
    finally:
        writer.send_signal(signal.SIGKILL)
        writer.communicate()
    assert gdal_rows(path, "depot") == 1
    with Store(path) as again:
        assert again.frame("depot")["id"].tolist() == ["K"]
        assert again.changes(0)[-1].id == "K"
        upsert(again, "depot", depots(1))
        assert again.frame("depot")["id"].tolist() == ["K", "D0"]


def test_an_edit_with_plain_sqlite_counts(store: Store) -> None:
    upsert(store, "depot", depots(2))
    before = store.revision()
    other = sqlite3.connect(str(store.path), isolation_level=None)
    blob = geometry.encode([shapely.Point(121.0, 32.5)])[0]
    other.execute("UPDATE depot SET geom = ? WHERE id = 'D1'", (blob,))
    other.close()
    assert [(c.table, c.id, c.operation) for c in store.changes(before)] == [("depot", "D1", "update")]
    moved = store.frame("depot").set_index("id").loc["D1"]
    assert moved.geometry == shapely.Point(121.0, 32.5)
    assert moved["updated_utc"] > NOW


def test_an_edit_with_gdal_counts(store: Store) -> None:
    upsert(store, "depot", depots(1))
    before = store.revision()
    code = """
import sys
import geopandas as gpd, pyogrio, shapely
places = [shapely.Point(121, 32), shapely.Point(121, 33)]
new = gpd.GeoDataFrame({"name": ["drawn", "too"], "level": "city"}, geometry=places, crs=4326)
pyogrio.write_dataframe(new, sys.argv[1], layer="depot", append=True)
"""
    done = python(code, store.path)
    assert done.returncode == 0, done.stderr
    changes = store.changes(before)
    assert [(c.table, c.operation) for c in changes] == [("depot", "insert"), ("depot", "insert")]
    drawn = store.frame("depot").set_index("name").loc[["drawn", "too"]]
    assert [c.id for c in changes] == drawn["id"].tolist()
    assert drawn["id"].str.fullmatch("[0-9a-f]{16}").all()
    assert (drawn["updated_utc"] > NOW).all()
    assert drawn["source"].tolist() == ["manual", "manual"]
    assert drawn.geometry.tolist() == [shapely.Point(121, 32), shapely.Point(121, 33)]
    if shutil.which("ogrinfo"):
        subprocess.run(
            ["ogrinfo", str(store.path), "-sql", "UPDATE depot SET level = 'district' WHERE id = 'D0'"],
            check=True,
            capture_output=True,
            timeout=60,
        )
        assert {(c.id, c.operation) for c in store.changes(changes[-1].seq)} == {("D0", "update")}
    upsert(store, "depot", depots(2))  # and the store goes on writing beside it
    assert len(store.frame("depot")) == 4


def test_the_live_file_is_no_source_for_gdal_here(store: Store, tmp_path: Path) -> None:
    assert store.path is not None
    (tmp_path / "link.gpkg").symlink_to(store.path)
    for path in (store.path, str(store.path), tmp_path / "link.gpkg"):
        with pytest.raises(InputError, match="own database"):
            store.require_not_live(path)
    store.require_not_live(store.snapshot(tmp_path / "copy.gpkg"))
    store.require_not_live(tmp_path / "not there")


def test_a_snapshot_is_one_plain_file(store: Store, tmp_path: Path) -> None:
    upsert(store, "depot", depots(3))
    copy = store.snapshot(tmp_path / "copy.gpkg")
    upsert(store, "depot", depots(5))
    assert gdal_rows(copy, "depot") == 3
    assert copy.read_bytes()[68:72] == b"GPKG"
    assert copy.read_bytes()[18] == 1  # a rollback journal, no write-ahead log beside it
    with Store(copy) as found:
        assert found.frame("depot")["id"].tolist() == ["D0", "D1", "D2"]
        assert found.revision() == store.revision() - 2
    with pytest.raises(Conflict, match="exists already"):
        store.snapshot(copy)
    with pytest.raises(Unavailable):
        store.snapshot(tmp_path / "no" / "folder.gpkg")


# -- upsert


def test_upsert_counts_and_touches_only_what_differs(store: Store) -> None:
    assert upsert(store, "depot", depots(3)) == Counts(inserted=3)
    before = store.revision()
    assert upsert(store, "depot", depots(3), now_utc=LATER) == Counts(unchanged=3)
    assert store.revision() == before
    changed = depots(4)
    changed.loc[1, "name"] = "新库"
    assert upsert(store, "depot", changed, now_utc=LATER) == Counts(inserted=1, updated=1, unchanged=2)
    assert [(c.id, c.operation) for c in store.changes(before)] == [("D3", "insert"), ("D1", "update")]
    assert store.frame("depot")["updated_utc"].tolist() == [NOW, LATER, NOW, LATER]


def test_a_clock_that_stands_still_is_believed(store: Store) -> None:
    upsert(store, "village", villages())
    assert upsert(store, "village", villages().assign(name="x")) == Counts(updated=3)
    assert set(store.frame("village")["updated_utc"]) == {NOW}
    assert set(store.frame("street")["updated_utc"]) == {NOW}


def test_a_moved_point_is_a_change(store: Store) -> None:
    upsert(store, "depot", depots(2))
    moved = depots(2)
    moved.geometry = moved.geometry.translate(xoff=0.001)
    assert upsert(store, "depot", moved) == Counts(updated=2)
    assert store.frame("depot").geometry.tolist() == moved.geometry.tolist()


def test_the_same_geometry_from_another_writer_is_no_change(store: Store) -> None:
    upsert(store, "depot", depots(1))
    with store.writing() as conn:  # as QGIS writes points: no envelope
        blob = b"GP\0\1\xe6\x10\0\0" + shapely.to_wkb(shapely.Point(120.8, 32.0), byte_order=1)
        conn.exec_driver_sql("UPDATE depot SET geom = ?, updated_utc = ?", (blob, LATER))
    assert upsert(store, "depot", depots(1)) == Counts(unchanged=1)
    assert store.extent() is None
    assert store.frame("depot").geometry.tolist() == [shapely.Point(120.8, 32.0)]


@pytest.mark.parametrize("nothing", [None, np.nan, pd.NA, pd.NaT, "", "  "])
def test_every_way_of_saying_nothing_is_null(store: Store, nothing: Any) -> None:
    frame = depots(2)
    frame["phone"] = pd.Series([nothing, "1"], dtype=object)
    frame["volume_m3"] = pd.Series([nothing, 2.5], dtype=object)
    assert upsert(store, "depot", frame) == Counts(inserted=2)
    found = store.frame("depot")
    assert found["phone"].tolist() == [None, "1"]
    assert np.isnan(found["volume_m3"][0])
    assert upsert(store, "depot", frame) == Counts(unchanged=2)


def test_a_column_that_the_frame_lacks_keeps_its_value(store: Store) -> None:
    upsert(store, "depot", depots(1, phone="110", volume_m3=5.0))
    assert upsert(store, "depot", depots(1, name="x")[["id", "name"]]) == Counts(updated=1)
    row = store.frame("depot").iloc[0]
    assert (row["name"], row["phone"], row["volume_m3"], row["level"]) == ("x", "110", 5.0, "street")
    assert row.geometry == shapely.Point(120.8, 32.0)
    assert upsert(store, "depot", depots(1, phone=None)) == Counts(updated=1)
    assert store.frame("depot")["phone"].tolist() == [None]


def test_every_type_comes_back_as_the_schema_says(store: Store) -> None:
    closures = gpd.GeoDataFrame(
        {
            "id": ["C1", "C2"],
            "reason": ["flood", "works"],
            "from_utc": [pd.Timestamp("2026-07-01T08:00+08:00"), None],
            "to_utc": ["2026-07-02T00:00Z", datetime(2026, 7, 3, tzinfo=UTC)],
            "factor": [np.float64(0.4), None],
        },
        geometry=[shapely.Point(1, 1), shapely.LineString([(0, 0), (1, 1)])],
        crs=4326,
    )
    upsert(store, "closure", closures)
    found = store.frame("closure")
    assert found["from_utc"].tolist() == ["2026-07-01T00:00:00.000Z", None]
    assert found["to_utc"].tolist() == ["2026-07-02T00:00:00.000Z", "2026-07-03T00:00:00.000Z"]
    assert found["factor"].tolist() == [0.4, 0.0]
    shelters = pd.DataFrame(
        {"id": ["S1", "S2", "S3"], "name": "n", "indoor": [True, False, None], "capacity": [5, None, 7]}
    )
    upsert(store, "shelter", shelters)
    found = store.frame("shelter")
    assert found["indoor"].tolist() == [True, False, None]
    assert found["capacity"].dtype == np.float64
    assert found["capacity"].tolist()[::2] == [5.0, 7.0]
    assert found.geometry.tolist() == [None, None, None]
    upsert(store, "village", villages())
    assert store.frame("village")["persons"].dtype == np.int64
    teams = pd.DataFrame({"id": ["T1", "T2"], "name": "n", "skills": [["flood", "medical"], "hazmat"]})
    upsert(store, "team", teams)
    found = store.frame("team")
    assert found["skills"].tolist() == ["flood;medical", "hazmat"]
    assert found["duty"].tolist() == ["24h", "24h"]
    assert isinstance(found, gpd.GeoDataFrame)
    assert found.crs.to_epsg() == 4326


@pytest.mark.parametrize(
    ("frame", "error", "said"),
    [
        (depots(2, id="D1"), InputError, "'D1' occurs twice, again in row 2"),
        (depots(2, id=["D1", None]), InputError, "row 2 is empty"),
        (depots(2).drop(columns="id"), InputError, "column id is missing"),
        (depots(2, name=["a", ""]), InputError, "depot.name: row 2 is empty"),
        (depots(1, volume_m3="big"), InputError, "volume_m3='big': expected a finite number"),
        (depots(1, volume_m3=float("inf")), InputError, "expected a finite number"),
        (depots(1, volume_m3=-1.0), InputError, "ck_depot_volume_m3"),
        (depots(1, level="moon"), InputError, "ck_depot_level"),
        (depots(1).drop(columns="level"), InputError, "depot.level"),
        (depots(1).to_crs(4549), CrsError, "convert it to EPSG:4326"),
        (depots(1).set_crs(None, allow_override=True), CrsError, "has no CRS"),
        (depots(1).set_geometry([shapely.box(0, 0, 1, 1)], crs=4326), InputError, "expected Point"),
        (depots(1).set_geometry([shapely.Point(np.inf, 1)], crs=4326), InputError, "no finite number"),
    ],
)
def test_a_wrong_frame_is_refused_whole(
    store: Store, frame: gpd.GeoDataFrame, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        upsert(store, "depot", frame)
    assert store.frame("depot").empty


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("persons", 1.5, "whole number"),
        ("persons", "many", "whole number"),
        ("persons", None, "row 1 is empty"),
        ("persons", -1, "ck_village_persons"),
        ("persons_day", [float("nan"), 1.0, 2.5], "whole number"),
    ],
)
def test_a_wrong_number_is_refused(store: Store, column: str, value: Any, said: str) -> None:
    frame = villages()
    frame[column] = value
    with pytest.raises(InputError, match=said):
        upsert(store, "village", frame)
    assert store.frame("street").empty


def test_required_geometry_is_required(store: Store) -> None:
    frame = villages()
    frame.loc[1, "geometry"] = None
    with pytest.raises(InputError, match="village: row 2 has no geometry"):
        upsert(store, "village", frame)


def test_times_without_a_zone_and_wrong_dates_are_refused(store: Store) -> None:
    closure = gpd.GeoDataFrame(
        {"id": ["C"], "reason": ["r"], "from_utc": ["2026-07-01T08:00"]},
        geometry=[shapely.Point(0, 0)],
        crs=4326,
    )
    with pytest.raises(InputError, match="no time zone"):
        upsert(store, "closure", closure)
    shelter = pd.DataFrame({"id": ["S"], "name": ["n"], "indoor": ["maybe"]})
    with pytest.raises(InputError, match="true or false"):
        upsert(store, "shelter", shelter)
    assert date.fromisoformat("2026-07-01") == date(2026, 7, 1)


def test_stock_and_logs_are_not_written_as_frames(store: Store) -> None:
    for table in ("lot", "change", "movement", "import_run", "district"):
        with pytest.raises(InputError, match="through data"):
            upsert(store, table, pd.DataFrame({"id": ["x"]}))


def test_an_empty_frame_changes_nothing(store: Store) -> None:
    upsert(store, "depot", depots(2))
    before = store.revision()
    assert upsert(store, "depot", depots(0)) == Counts()
    assert upsert(store, "item", pd.DataFrame({"id": [], "name": [], "unit": []})) == Counts()
    assert store.revision() == before


def test_a_frame_is_never_written_into(store: Store) -> None:
    frame = villages()
    kept = frame.copy(deep=True)
    upsert(store, "village", frame)
    pd.testing.assert_frame_equal(frame, kept)


def test_references_must_exist(store: Store) -> None:
    route = gpd.GeoDataFrame(
        {"id": ["E1"], "name": ["n"], "shelter_id": ["S9"]},
        geometry=[shapely.LineString([(0, 0), (1, 1)])],
        crs=4326,
    )
    with pytest.raises(Conflict, match="not there"):
        upsert(store, "evacuation_route", route)
    upsert(store, "shelter", pd.DataFrame({"id": ["S9"], "name": ["n"]}))
    assert upsert(store, "evacuation_route", route) == Counts(inserted=1)
    with pytest.raises(Conflict, match="others refer to it"), store.writing() as conn:
        conn.exec_driver_sql("DELETE FROM shelter")


def test_a_key_of_several_columns_makes_the_id(store: Store) -> None:
    upsert(store, "enterprise", pd.DataFrame({"id": ["E/1"], "name": ["厂"]}))
    frame = pd.DataFrame({"enterprise_id": ["E/1"], "name": ["氨"], "quantity_t": [5.0]})
    assert upsert(store, "substance", frame) == Counts(inserted=1)
    assert store.frame("substance")["id"].tolist() == ["E%2F1/氨"]
    assert upsert(store, "substance", frame.assign(quantity_t=6.0)) == Counts(updated=1)


def test_streets_follow_from_their_villages(store: Store) -> None:
    upsert(store, "village", villages())
    streets = store.frame("street").set_index("name")
    assert sorted(streets.index) == ["一街", "二街"]
    assert streets.loc["一街"].geometry.equals(shapely.box(120.8, 32, 121, 32.1))
    assert streets.loc["二街"].geometry is None
    assert set(streets["source"]) == {"t.xlsx"}
    before = store.revision()
    assert upsert(store, "village", villages()) == Counts(unchanged=3)
    assert store.revision() == before
    smaller = villages().iloc[[0]].set_geometry([shapely.box(120.8, 32, 120.85, 32.1)])
    upsert(store, "village", smaller)
    assert [(c.table, c.id) for c in store.changes(before)] == [("village", "V1"), ("street", "一街")]
    upsert(store, "team", pd.DataFrame({"id": ["T"], "name": ["n"], "street": ["三街"]}))
    assert "三街" in store.frame("street")["name"].tolist()


rows = st.dictionaries(
    st.sampled_from("abcde"),
    st.tuples(st.sampled_from(["x", "y"]), st.sampled_from([None, 1.5, 2.0]), st.sampled_from([None, 1, 2])),
    max_size=5,
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files=st.lists(rows, max_size=4), whole=st.booleans())
def test_writes_agree_with_a_dictionary(store: Store, files: list[dict[str, Any]], whole: bool) -> None:
    with store.writing() as conn:
        conn.exec_driver_sql("DELETE FROM depot")
    model: dict[str, Any] = {}
    for file in files:
        frame = gpd.GeoDataFrame(
            {
                "id": list(file),
                "name": [row[0] for row in file.values()],
                "level": ["city"] * len(file),
                "volume_m3": [row[1] for row in file.values()],
            },
            geometry=[None if row[2] is None else shapely.Point(row[2], 0) for row in file.values()],
            crs=4326,
        )
        expected = Counts(
            inserted=len(file.keys() - model.keys()),
            updated=sum(key in model and model[key] != row for key, row in file.items()),
            unchanged=sum(key in model and model[key] == row for key, row in file.items()),
            deleted=len(model.keys() - file.keys()) if whole else 0,
        )
        before = store.revision()
        assert (replace if whole else upsert)(store, "depot", frame) == expected
        assert store.revision() - before == expected.inserted + expected.updated + expected.deleted
        model = dict(file) if whole else {**model, **file}
    found = store.frame("depot")
    assert {
        row["id"]: (
            row["name"],
            None if np.isnan(row["volume_m3"]) else row["volume_m3"],
            None if row["geometry"] is None else int(row["geometry"].x),
        )
        for row in found.to_dict("records")
    } == model


# -- replace


def test_the_same_roads_twice_change_nothing(store: Store) -> None:
    assert replace(store, "road", roads(3)) == Counts(inserted=3)
    before = store.revision()
    assert replace(store, "road", roads(3)) == Counts(unchanged=3)
    assert replace(store, "road", roads(3).iloc[::-1]) == Counts(unchanged=3)
    assert store.revision() == before
    assert replace(store, "road", roads(2)) == Counts(unchanged=2, deleted=1)
    assert replace(store, "road", roads(0)) == Counts(deleted=2)


def test_a_road_that_differs_is_another_road(store: Store) -> None:
    replace(store, "road", roads(3))
    other = roads(3)
    other["highway"] = ["residential", "primary", "residential"]
    assert replace(store, "road", other) == Counts(inserted=1, unchanged=2, deleted=1)


def test_twins_are_two_roads(store: Store) -> None:
    twins = pd.concat([roads(1), roads(1)], ignore_index=True)
    assert replace(store, "road", twins) == Counts(inserted=2)
    assert replace(store, "road", twins) == Counts(unchanged=2)
    assert replace(store, "road", roads(1)) == Counts(unchanged=1, deleted=1)


def test_roads_with_ids_of_their_own_keep_them(store: Store) -> None:
    named = roads(2).assign(id=["w1/0", "w1/1"])
    replace(store, "road", named)
    assert store.frame("road")["id"].tolist() == ["w1/0", "w1/1"]
    assert replace(store, "road", named.assign(name="新路")) == Counts(updated=2)


def test_a_city_of_roads_goes_in_and_comes_back(store: Store) -> None:
    rng = np.random.default_rng(7)
    lines = shapely.linestrings(rng.uniform(118, 119, (20_000, 4, 2)))
    frame = gpd.GeoDataFrame(
        {"highway": "service", "maxspeed": rng.choice([30.0, np.nan], 20_000), "layer": 0},
        geometry=lines,
        crs=4326,
    )
    assert replace(store, "road", frame) == Counts(inserted=20_000)
    found = store.frame("road")
    assert shapely.equals_exact(found.geometry.array, lines, 0).all()
    np.testing.assert_array_equal(found["maxspeed"], frame["maxspeed"])
    assert found["bridge"].tolist()[:1] == [None]
    assert replace(store, "road", frame) == Counts(unchanged=20_000)


# -- reading


def test_columns_and_conditions(store: Store) -> None:
    upsert(store, "depot", depots(4, level=["city", "street", "city", "district"]))
    assert list(store.frame("depot", columns=["level"]).columns) == ["level", "geometry"]
    assert store.frame("depot", where={"level": "city"})["id"].tolist() == ["D0", "D2"]
    assert store.frame("depot", where={"level": ["street", "district"]})["id"].tolist() == ["D1", "D3"]
    assert store.frame("depot", where={"phone": None, "level": "city"})["id"].tolist() == ["D0", "D2"]
    assert store.frame("depot", where={"id": []}).empty
    assert len(store.frame("depot", where={})) == 4
    condition = schema.table("depot").c.name == "库3"
    assert store.frame("depot", where=condition)["id"].tolist() == ["D3"]
    with pytest.raises(NotFound, match="no column colour"):
        store.frame("depot", columns=["colour"])
    with pytest.raises(NotFound, match="no column colour"):
        store.frame("depot", where={"colour": 1})
    with pytest.raises(NotFound, match="no table 'depots'"):
        store.frame("depots")


@pytest.mark.parametrize("table", sorted(schema.METADATA.tables))
def test_every_empty_table_reads_as_an_empty_frame(store: Store, table: str) -> None:
    found = store.frame(table)
    if table in ("change", "district"):
        assert len(found) == 1
    else:
        assert len(found) == 0
    assert isinstance(found, gpd.GeoDataFrame) == schema.is_spatial(table)
    kind = schema.kind_of(table)
    if kind is not None:
        assert {schema.stored_name(column) for column in KINDS[kind.name].columns} <= set(found.columns)


def test_a_reader_sees_one_state_however_long_it_reads(store: Store) -> None:
    upsert(store, "depot", depots(1))
    with store.reading() as conn:
        before = store.revision(conn)
        upsert(store, "depot", depots(5))
        assert store.revision(conn) == before
        assert len(store.frame("depot", conn=conn)) == 1
        assert store.changes(before, conn) == []
    assert len(store.frame("depot")) == 5
    assert store.revision() == before + 4


def test_the_change_log_has_an_entry_for_every_row(store: Store) -> None:
    start = store.revision()
    upsert(store, "depot", depots(2))
    changes = store.changes(start)
    assert [(c.seq, c.table, c.id, c.operation) for c in changes] == [
        (start + 1, "depot", "D0", "insert"),
        (start + 2, "depot", "D1", "insert"),
    ]
    assert all(abs(datetime.fromisoformat(c.utc).timestamp() - time.time()) < 300 for c in changes)
    assert store.touched(start) == {"depot": start + 2}
    assert store.touched(start + 2) == {}
    assert store.changed_ids("depot", start) == {"D0", "D1"}
    assert store.changed_ids("depot", start + 1) == {"D1"}
    assert store.changed_ids("team", 0) == set()


def test_the_extent_is_the_boundary_else_roads_and_villages_plus_10_km(store: Store) -> None:
    replace(store, "road", roads(1))
    upsert(store, "village", villages())
    found = store.extent()
    assert found is not None
    geod = Geod(ellps="WGS84")
    for lat in (found[1], 32.0, 32.1, found[3]):
        assert 10_000 <= geod.inv(found[0], lat, 120.8, lat)[2] <= 10_200
        assert 10_000 <= geod.inv(121.1, lat, found[2], lat)[2] <= 10_200
    assert 10_000 <= geod.inv(121, found[1], 121, 32.0)[2] <= 10_200
    assert 10_000 <= geod.inv(121, 32.1, 121, found[3])[2] <= 10_200
    boundary = gpd.GeoDataFrame({"name": ["区"]}, geometry=[shapely.box(120, 31, 120.1, 31.1)], crs=4326)
    replace(store, "boundary", boundary)
    found = store.extent()
    assert found is not None
    assert found[0] < 120 < 120.1 < found[2] < 120.3
    with store.writing() as conn:  # a blob without an envelope is decoded instead
        blob = b"GP\0\1\xe6\x10\0\0" + shapely.to_wkb(shapely.box(120, 31, 120.1, 31.1), byte_order=1)
        conn.exec_driver_sql("UPDATE boundary SET geom = ?", (blob,))
    assert store.extent() == pytest.approx(found)


def test_an_import_is_noted_in_its_own_transaction(store: Store) -> None:
    with store.writing() as conn:
        counts = store.upsert(conn, "depot", depots(2), **WRITTEN)
        run = store.record_import(
            conn, kind="depots", counts=counts, rows=2, file="库.xlsx", notices=["一行未落点"], **WRITTEN
        )
    row = store.import_runs().iloc[0]
    assert (run, row["id"], row["kind"], row["file"]) == ("run-000001", "run-000001", "depots", "库.xlsx")
    assert (row["rows"], row["inserted"], row["source"]) == (2, 2, "t.xlsx")
    assert json.loads(row["notices"]) == ["一行未落点"]
    with pytest.raises(RuntimeError), store.writing() as conn:  # noqa: PT012
        store.record_import(conn, kind="x", counts=Counts(), rows=0, **WRITTEN)
        raise RuntimeError
    assert len(store.import_runs()) == 1


# -- transactions, many at once, trouble


def test_an_exception_rolls_everything_back(store: Store) -> None:
    before = store.revision()
    with pytest.raises(ZeroDivisionError), store.writing() as conn:  # noqa: PT012
        store.upsert(conn, "depot", depots(3), **WRITTEN)
        raise ZeroDivisionError
    assert store.revision() == before
    assert store.frame("depot").empty


def test_a_refused_frame_leaves_the_rest_of_the_transaction(store: Store) -> None:
    with store.writing() as conn:
        store.upsert(conn, "depot", depots(2), **WRITTEN)
        with pytest.raises(InputError, match="ck_depot_level"):
            store.upsert(conn, "depot", depots(4, level=["city", "city", "city", "moon"]), **WRITTEN)
    assert store.frame("depot")["level"].tolist() == ["street", "street"]


def test_writing_twice_in_one_thread_is_refused_at_once(store: Store) -> None:
    with store.writing(), pytest.raises(Conflict, match="writing already"), store.writing():
        pass
    with store.writing():
        pass


CROWD = """
import os, sys, threading
sys.path.insert(0, os.environ["PYTHONPATH"])
import pandas as pd
from data.store import Store
store = Store(sys.argv[1], busy_timeout_s=60)
errors = []
how = {"source": "t", "source_datum": "none", "now_utc": "2026-07-01T00:00Z"}
def work(name):
    try:
        for i in range(8):
            ids = [f"{name}-{i}-{half}" for half in "ab"]
            frame = pd.DataFrame({"id": ids, "name": "n", "level": "city"})
            with store.writing() as conn:
                for half in (frame.iloc[:1], frame.iloc[1:]):
                    store.upsert(conn, "depot", half, **how)
    except BaseException as error:
        errors.append(repr(error))
threads = [threading.Thread(target=work, args=(f"{sys.argv[2]}{i}",)) for i in range(4)]
[t.start() for t in threads]; [t.join() for t in threads]
print(errors)
"""


def test_two_processes_with_threads_and_nobody_sees_half(store: Store) -> None:
    crowd = [
        subprocess.Popen(
            [sys.executable, "-c", CROWD, str(store.path), name],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in "pq"
    ]
    seen: list[tuple[int, int]] = []
    while any(process.poll() is None for process in crowd):
        with store.reading() as conn:
            ids = store.frame("depot", conn=conn, columns=["id"])["id"].tolist()
            revision = store.revision(conn)
        assert {i[:-1] for i in ids if i.endswith("a")} == {i[:-1] for i in ids if i.endswith("b")}
        seen.append((revision, len(ids)))
    assert [process.communicate()[0] for process in crowd] == ["[]\n", "[]\n"]
    assert seen == sorted(seen)
    assert len(store.frame("depot")) == 2 * 4 * 8 * 2
    seqs = [change.seq for change in store.changes(0)]
    assert seqs == list(range(1, len(seqs) + 1))
    assert len(seqs) == 1 + 128


def test_a_locked_database_is_unavailable_after_the_wait(store: Store) -> None:
    other = sqlite3.connect(str(store.path), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert store.path is not None
    with Store(store.path, busy_timeout_s=0.1) as hasty:
        with pytest.raises(Unavailable, match=r"somebody else for more than 0\.1 s"), hasty.writing():
            pass
        assert hasty.frame("depot").empty  # readers do not wait
        other.execute("ROLLBACK")
        other.close()
        assert upsert(hasty, "depot", depots(1)) == Counts(inserted=1)


def test_a_thread_that_waits_too_long_is_told(store: Store) -> None:
    assert store.path is not None
    with Store(store.path, busy_timeout_s=0.1) as hasty:
        caught: list[BaseException] = []

        def wait() -> None:
            try:
                with hasty.writing():
                    pass
            except Unavailable as error:
                caught.append(error)

        with hasty.writing():
            thread = threading.Thread(target=wait)
            thread.start()
            thread.join()
        assert len(caught) == 1


def test_more_readers_than_connections_are_told(store: Store) -> None:
    assert store.path is not None
    with Store(store.path, busy_timeout_s=0.1) as small:
        with ExitStack() as stack, pytest.raises(Unavailable, match="too many"):  # noqa: PT012
            for _ in range(65):
                stack.enter_context(small.reading())
        assert small.revision() == 1


def test_a_full_disk_says_so_and_loses_nothing(store: Store) -> None:
    upsert(store, "depot", depots(1))
    with pytest.raises(Unavailable, match="full"), store.writing() as conn:  # noqa: PT012
        pages = conn.exec_driver_sql("PRAGMA page_count").scalar()
        conn.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        store.upsert(conn, "depot", depots(3000), **WRITTEN)
    store.close()
    assert store.frame("depot")["id"].tolist() == ["D0"]
    assert upsert(store, "depot", depots(20)) == Counts(inserted=19, unchanged=1)


def test_a_write_that_the_disk_refuses_is_unavailable(store: Store) -> None:
    pytest.importorskip("resource")
    code = """
import os, resource, signal, sys
import geopandas as gpd, pandas as pd
from data.store import Store
from geo.errors import Unavailable
store = Store(sys.argv[1])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
frame = pd.DataFrame({"id": [str(i) for i in range(20000)], "name": "n" * 100, "level": "city"})
try:
    with store.writing() as conn:
        store.upsert(conn, "depot", frame, source="t", source_datum="none", now_utc="2026-07-01T00:00Z")
except Unavailable as error:
    print("unavailable:", error.detail)
"""
    done = python(code, store.path)
    assert done.stdout.startswith("unavailable:"), done.stderr
    assert store.frame("depot").empty
    assert upsert(store, "depot", depots(1)) == Counts(inserted=1)


def test_a_file_that_may_not_be_written_is_unavailable() -> None:
    path = Path(tempfile.mkdtemp()) / "district.gpkg"  # pytest's own folders are closed to others
    Store.create(path, name="x", epsg=4549).close()
    code = """
import os, sys
import geopandas, sqlalchemy, alembic
from data.store import Store
from geo.errors import Unavailable
path = sys.argv[1]
folder = os.path.dirname(path)
os.chdir(folder)
os.chmod(path, 0o444); os.chmod(folder, 0o555)
if os.geteuid() == 0:
    os.setuid(65534)
try:
    with Store(os.path.basename(path)).writing():
        pass
except Unavailable as error:
    print("unavailable:", error.detail)
try:
    Store.create("new.gpkg", name="x", epsg=4549)
except Unavailable as error:
    print("unavailable:", error.detail)
"""
    try:
        done = python(code, path)
    finally:
        path.parent.chmod(0o755)
        shutil.rmtree(path.parent)
    lines = done.stdout.splitlines()
    assert len(lines) == 2, done.stderr
    assert all(line.startswith("unavailable:") and "permission" in line.lower() for line in lines)


def test_a_damaged_file_is_unavailable(store: Store) -> None:
    path = store.path
    assert path is not None
    upsert(store, "depot", depots(50))
    store.close()
    body = bytearray(path.read_bytes())
    body[4096:] = b"\xff" * (len(body) - 4096)
    path.write_bytes(bytes(body))
    with pytest.raises(Unavailable, match="damaged"):
        Store(path)


def test_a_forked_process_gets_connections_of_its_own(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    upsert(store, "depot", depots(1))
    monkeypatch.setattr(store, "_pid", -1)
    engines = store._readers, store._writer
    assert store._writer._turn.take(0)  # as if another thread of the parent held it at the fork
    assert upsert(store, "depot", depots(2)) == Counts(inserted=1, unchanged=1)
    assert store._readers is not engines[0]
    assert store._writer is not engines[1]


def test_a_server_without_its_driver_or_that_is_down_is_unavailable() -> None:
    with pytest.raises(Unavailable):
        Store("postgresql+psycopg://u:secret@127.0.0.1:1/none")


def test_derived_files_stand_beside_the_database(store: Store) -> None:
    assert store.path is not None
    assert store.cache_folder().parent == store.path.parent
    assert store.url == str(store.path)


def test_quantities_of_any_kind_are_stored_exactly(store: Store) -> None:
    def written(value: Any) -> Any:
        with store.writing() as conn:
            frame = pd.DataFrame({"item_id": ["x"], "pack": ["箱"], "quantity": [value]})
            store.upsert(conn, "pack", frame, source="t", source_datum="none", now_utc=NOW)
        return store.frame("pack")["quantity_e3"].tolist()

    with store.writing() as conn:
        item = pd.DataFrame({"id": ["x"], "name": ["水"], "unit": ["瓶"]})
        store.upsert(conn, "item", item, source="t", source_datum="none", now_utc=NOW)
    assert written("9.6") == [9600]
    assert written(0.001) == [1]
    assert written(24) == [24_000]
    for bad in ("0.0001", None, "x"):
        with pytest.raises(InputError, match="quantity"):
            written(bad)
    assert store.frame("pack")["quantity_e3"].tolist() == [24_000]
