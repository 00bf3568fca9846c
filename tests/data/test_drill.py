"""A drill works on a copy: whatever happens there, the real ledger is the same before and after."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from data import audit, ledger
from data.drill import discard_drill, drill_path, make_drill
from data.ledger import Movement
from data.store import Store
from geo.errors import InputError

NOW = datetime(2026, 7, 1, tzinfo=UTC)


@pytest.fixture
def real(tmp_path: Path) -> Store:
    store = Store.create(tmp_path / "real.gpkg", name="t", epsg=4549)
    with store.writing() as conn:
        conn.exec_driver_sql("INSERT INTO depot (id, name, level) VALUES ('D', 'd', 'city')")
        conn.exec_driver_sql("INSERT INTO item (id, name, unit) VALUES ('I', 'i', 'u')")
        conn.exec_driver_sql("INSERT INTO lot (id, depot_id, item_id, lot) VALUES ('D/I/L', 'D', 'I', 'L')")
        ledger.record(conn, [Movement("D/I/L", 5_000, "opening", "depot", "opening", NOW)], source="t", now_utc=NOW)
        audit.append(conn, actor="a", role="administrator", action="t", now_utc=NOW)
        conn.exec_driver_sql(
            "INSERT INTO account (id, name, role, password_hash, created_utc, password_utc)"
            " VALUES ('a', 'a', 'viewer', 'x', '2026-07-01T00:00:00.000Z', '2026-07-01T00:00:00.000Z')"
        )
        conn.exec_driver_sql(
            "INSERT INTO session (id, account_id, created_utc, seen_utc, expires_utc) VALUES"
            " ('s', 'a', '2026-07-01T00:00:00.000Z', '2026-07-01T00:00:00.000Z', '2026-07-02T00:00:00.000Z')"
        )
    folder = store.raster_folder()
    folder.mkdir()
    (folder / "dem.tif").write_bytes(b"heights")
    return store


def state(store: Store) -> tuple[object, ...]:
    with store.reading() as conn:
        lots = conn.exec_driver_sql("SELECT * FROM lot").fetchall()
        return audit.ledger_hash(conn), audit.verify(conn), lots, store.revision(conn)


def test_the_real_ledger_is_the_same_before_and_after(real: Store) -> None:
    before = state(real)
    path = make_drill(real, now_utc=NOW)
    assert path == drill_path(Path(real.url))
    with Store(path) as copy:
        assert copy.district.drill_of_utc == "2026-07-01T00:00:00.000Z"
        assert copy.district.name == real.district.name
        assert state(copy)[:3] == before[:3]
        assert (copy.raster_folder() / "dem.tif").read_bytes() == b"heights"
        with copy.writing() as conn:
            ledger.record(
                conn, [Movement("D/I/L", 5_000, "depot", "written_off", "write_off", NOW)], source="t", now_utc=NOW
            )
            audit.append(conn, actor="a", role="administrator", action="drilled", now_utc=NOW)
            assert conn.exec_driver_sql("SELECT count(*) FROM session").scalar() == 0
            assert conn.exec_driver_sql("SELECT count(*) FROM account").scalar() == 1
        assert state(copy)[0] != before[0]
    assert state(real) == before
    with real.reading() as conn:
        assert conn.exec_driver_sql("SELECT count(*) FROM session").scalar() == 1


def test_a_new_drill_replaces_the_old_one_and_can_be_thrown_away(real: Store) -> None:
    make_drill(real, now_utc=NOW)
    with real.writing() as conn:
        conn.exec_driver_sql("UPDATE depot SET name = 'newer'")
    path = make_drill(real, now_utc=NOW)
    with Store(path) as copy, copy.reading() as conn:
        assert conn.exec_driver_sql("SELECT name FROM depot").scalar() == "newer"
    discard_drill(Path(real.url))
    assert not path.exists()
    assert not path.with_suffix(".rasters").exists()
    assert (real.raster_folder() / "dem.tif").exists()


def test_a_drill_of_a_drill_is_refused(real: Store) -> None:
    with Store(make_drill(real, now_utc=NOW)) as copy, pytest.raises(InputError, match="drill already"):
        make_drill(copy, now_utc=NOW)
