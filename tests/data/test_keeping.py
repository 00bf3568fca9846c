"""What is forgotten: at its bound and not before, in small steps, and never what must not be."""

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from data import accounts, answer_times, audit, keeping, ledger, schema
from data.answer_times import AnswerTime
from data.keeping import Bounds
from data.ledger import Movement
from data.settings import Settings
from data.store import Store
from geo.errors import Conflict, InputError

NOW = datetime(2026, 7, 1, 2, 0, tzinfo=UTC)
WEEK = timedelta(days=7)
LONG = timedelta(days=3650)
BOUNDS = Bounds(WEEK, WEEK, WEEK, WEEK)
KEEP_ALL = Bounds(LONG, LONG, LONG, LONG)
MS = timedelta(milliseconds=1)


def forget(store: Store, bounds: Bounds = BOUNDS, now: datetime = NOW) -> dict[str, int]:
    return keeping.forget(store, bounds, now_utc=now)


def log(store: Store, *changes: tuple[str, str, datetime]) -> list[int]:
    """Changes of a table at a time, as the triggers write them; their numbers."""
    table = schema.table("change")
    with store.writing() as conn:
        return [
            int(
                conn.execute(
                    sa.insert(table),
                    {"table": name, "id": identity, "operation": "update", "utc": schema.utc_text(utc)},
                ).inserted_primary_key[0]
            )
            for name, identity, utc in changes
        ]


def seqs(store: Store) -> list[int]:
    return [int(seq) for seq in store.frame("change")["seq"]]


@pytest.fixture
def empty(stocked: Store) -> Store:
    """A store whose log begins anew, long ago."""
    assert stocked.path is not None
    db = sqlite3.connect(stocked.path)
    triggers = db.execute("SELECT name, sql FROM sqlite_master WHERE name = 'change_no_delete'").fetchall()
    db.execute("DROP TRIGGER change_no_delete")
    db.execute("DELETE FROM change")
    for _, text in triggers:
        db.execute(text)
    db.commit()
    db.close()
    return stocked


# -- changes ----------------------------------------------------------------------------------------


def test_changes_are_forgotten_past_their_bound_and_not_at_it(empty: Store) -> None:
    first, second, third = log(
        empty, ("depot", "a", NOW - WEEK - MS), ("depot", "b", NOW - WEEK), ("depot", "c", NOW - WEEK + MS)
    )
    revision, touched = empty.revision(), empty.touched(0)
    assert forget(empty, now=NOW - MS) == {}
    assert forget(empty) == {"change": 1}
    assert seqs(empty) == [second, third]
    assert (empty.revision(), empty.touched(0)) == (revision, touched)
    with empty.reading() as conn:
        assert keeping.floor_of(conn, "change") == second
    assert forget(empty) == {}, "and once"
    assert first < second


def test_the_newest_change_of_every_table_stays(empty: Store) -> None:
    old = NOW - 2 * WEEK
    log(empty, *(("road", str(k), old) for k in range(3)), *(("depot", str(k), old) for k in range(3)))
    touched, revision = empty.touched(0), empty.revision()
    assert forget(empty) == {"change": 4}
    assert empty.touched(0) == touched
    assert empty.revision() == revision
    assert log(empty, ("depot", "x", NOW))[0] == revision + 1, "numbers go on"


def test_beyond_the_bound_of_rows_only_reports_are_left_out(empty: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "MOST_CHANGES", 4)
    names = ["reading", "closure", "vehicle", "reading", "reading", "closure", "vehicle", "reading"]
    numbers = log(empty, *((name, str(k), NOW) for k, name in enumerate(names)))
    assert forget(empty, KEEP_ALL) == {"change": 3}
    assert seqs(empty) == [numbers[1], *numbers[4:]]
    with empty.reading() as conn:
        assert keeping.floor_of(conn, "change") == numbers[4]
    assert empty.changed_ids("closure", numbers[4] - 1) == {"5"}
    assert empty.changed_ids("closure", numbers[4] - 2) is None, "what is not whole is not told in part"


@pytest.mark.parametrize("step", [1, 2, 3, 100])
def test_small_steps_come_to_the_same(empty: Store, monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    monkeypatch.setattr(keeping, "STEP", step)
    log(empty, *(("depot", str(k), NOW - 2 * WEEK) for k in range(7)), ("depot", "n", NOW))
    sizes: list[int] = []

    @sa.event.listens_for(sa.Engine, "after_cursor_execute")
    def count(conn: Any, cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("DELETE FROM change"):
            sizes.append(cursor.rowcount)

    try:
        assert forget(empty) == {"change": 7}
    finally:
        sa.event.remove(sa.Engine, "after_cursor_execute", count)
    assert sum(sizes) == 7
    assert max(sizes) <= step
    assert len(seqs(empty)) == 1


def test_from_the_floor_on_nothing_is_deleted(empty: Store) -> None:
    log(empty, ("depot", "a", NOW - 2 * WEEK), ("depot", "b", NOW))
    for table in ("change", "movement", "audit"):
        with empty.writing() as conn:
            audit.append(conn, actor="u", role="keeper", action="a", now_utc=NOW)
        with pytest.raises(Conflict, match="never altered"), empty.writing() as conn:
            conn.exec_driver_sql(f"DELETE FROM {table}")
    forget(empty)
    with pytest.raises(Conflict, match="never altered"), empty.writing() as conn:
        conn.exec_driver_sql("DELETE FROM change")
    with pytest.raises(Conflict, match="never altered"), empty.writing() as conn:
        conn.exec_driver_sql("UPDATE change SET id = 'x'")


def test_a_floor_only_rises(empty: Store) -> None:
    log(empty, *(("depot", str(k), NOW - timedelta(days=8 - k)) for k in range(8)))
    floors = []
    for now in (NOW, NOW + timedelta(days=2), NOW):
        forget(empty, now=now)
        with empty.reading() as conn:
            floors.append(keeping.floor_of(conn, "change"))
    assert floors == sorted(floors)
    assert floors[0] < floors[1] == floors[2]


# -- the rest ---------------------------------------------------------------------------------------


def rows(store: Store, table: str, row: dict[str, Any], clock: str, *moments: datetime) -> None:
    with store.writing() as conn:
        conn.execute(
            sa.insert(schema.table(table)),
            [
                {name: value(k) if callable(value) else value for name, value in row.items()}
                | {clock: schema.utc_text(moment)}
                for k, moment in enumerate(moments)
            ],
        )


def device(store: Store) -> None:
    with store.writing() as conn:
        conn.exec_driver_sql(
            "INSERT INTO device (id, name, type, source, source_datum) VALUES ('t', 't', 'door', 's', 'none')"
        )


def account(store: Store) -> None:
    with store.writing() as conn:
        accounts.add(conn, "keeper", name="k", role="viewer", password_hash="x", now_utc=NOW)


CASES: dict[str, tuple[dict[str, Any], str, timedelta, Callable[[Store], None]]] = {
    "reading": (
        {"device_id": "t", "quantity": "door", "measured_utc": lambda k: f"2026-06-0{k + 1}T00:00:00.000Z"},
        "recorded_utc",
        WEEK,
        device,
    ),
    "reading_refused": ({"device_id": "t", "body": "x", "reason": "r"}, "recorded_utc", WEEK, lambda store: None),
    "idempotency": (
        {"id": str, "route": "r", "body_hash": "b", "status": 200, "answer": "{}"},
        "created_utc",
        WEEK,
        lambda store: None,
    ),
    "answer_time": ({"what": "search", "actor": "a", "took_s": 0.1}, "asked_utc", WEEK, lambda store: None),
    "known_browser": ({"id": str, "account_id": "keeper"}, "seen_utc", accounts.KNOWN_FOR, account),
}


@pytest.mark.parametrize("table", CASES)
def test_every_table_has_its_bound(stocked: Store, table: str) -> None:
    row, clock, bound, before = CASES[table]
    before(stocked)
    rows(stocked, table, row, clock, NOW - bound - MS, NOW - bound, NOW)
    old = forget(stocked, KEEP_ALL if table != "known_browser" else BOUNDS, NOW - MS)
    assert table not in old
    assert forget(stocked).get(table) == 1
    assert stocked.frame(table)[clock].tolist() == [schema.utc_text(NOW - bound), schema.utc_text(NOW)]


def test_sessions_that_are_over_are_swept(stocked: Store) -> None:
    account(stocked)
    hour = timedelta(hours=1)
    with stocked.writing() as conn:
        for k, (seen, expires) in enumerate(
            (
                (NOW, NOW + MS),
                (NOW, NOW),
                (NOW - accounts.IDLE, NOW + hour),
                (NOW - accounts.IDLE + MS, NOW + hour),
            )
        ):
            moments = {"created_utc": NOW, "seen_utc": seen, "expires_utc": expires}
            values = {name: schema.utc_text(moment) for name, moment in moments.items()}
            conn.execute(sa.insert(schema.table("session")), {"id": str(k), "account_id": "keeper", **values})
    assert forget(stocked) == {"session": 2}
    assert stocked.frame("session")["id"].tolist() == ["0", "3"]


def test_so_many_times_of_each_sort_are_kept(stocked: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "MOST_TIMES", 3)
    with stocked.writing() as conn:
        for what in answer_times.ANSWERS:
            moments = [schema.utc_text(NOW - timedelta(minutes=k)) for k in range(5, 0, -1)]
            answer_times.keep(conn, [AnswerTime(what, "a", utc, float(k)) for k, utc in enumerate(moments)])
    assert forget(stocked, KEEP_ALL) == {"answer_time": 4}
    with stocked.reading() as conn:
        for what in answer_times.ANSWERS:
            assert [t.took_s for t in answer_times.read(conn, what, until_utc=NOW)] == [2.0, 3.0, 4.0]
            assert [t.took_s for t in answer_times.read(conn, what, until_utc=NOW - timedelta(minutes=2))] == [2.0, 3.0]


def test_stock_orders_and_audit_are_never_forgotten(stocked: Store) -> None:
    with stocked.writing() as conn:
        ledger.record(conn, [Movement("D1/bag/old", 1, "depot", "hold", "hold")], source="test", now_utc=NOW)
        audit.append(conn, actor="u", role="keeper", action="a", now_utc=NOW)
    kept = ("movement", "audit", "order_event", "stock_count", "lot_status_change")
    before = {name: len(stocked.frame(name)) for name in kept}
    forget(stocked, now=NOW + 1000 * WEEK)
    assert {name: len(stocked.frame(name)) for name in kept} == before
    with stocked.reading() as conn:
        assert audit.verify(conn)[2] is None
        assert ledger.verify(conn) == []


def test_bounds_are_settings() -> None:
    assert Bounds.of(Settings(keep_changes_days=31, keep_readings_days=1)) == Bounds(
        timedelta(days=31), timedelta(days=1), timedelta(days=7), timedelta(days=90)
    )
    with pytest.raises(InputError, match="ONEMAP_KEEP_CHANGES_DAYS=30: expected 31 to"):
        Settings(keep_changes_days=30)  # a hand-over looks back so far
