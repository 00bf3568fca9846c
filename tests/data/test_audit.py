"""The audit: whatever is altered, left out or put in later is found, and the row is named."""

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from data import audit, ledger, order_answers, orders, stock
from data.ledger import Movement
from data.orders import NewLine, NewRequest
from data.stock import CountLine
from data.store import Store
from geo.errors import Conflict

NOW = datetime(2026, 7, 1, 2, 0, tzinfo=UTC)
LOT = "D1/bag/old"


def append(store: Store, action: str, *, minutes: int = 0, moves: int = 0, **fields: Any) -> str:
    """One row that covers some movements."""
    now = NOW + timedelta(minutes=minutes)
    with store.writing() as conn:
        steps = [Movement(LOT, 1, "depot", "hold", "hold") for _ in range(moves)]
        ledger.record(conn, steps, source="test", now_utc=now)
        return audit.append(conn, actor="u", role="keeper", action=action, now_utc=now, **fields)


def check(store: Store) -> tuple[int, str, audit.Fault | None]:
    with store.reading() as conn:
        return audit.verify(conn)


def alter(store: Store, statement: str) -> None:
    """What somebody does who has the file and knows how to take the triggers away."""
    assert store.path is not None
    db = sqlite3.connect(store.path)
    for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        db.execute(f"DROP TRIGGER {name}")
    db.execute(statement)
    db.commit()
    db.close()


@pytest.fixture
def chained(stocked: Store) -> Store:
    """Six rows, four of which cover movements."""
    for number, moves in enumerate((0, 2, 1, 0, 3, 1)):
        append(stocked, f"a{number}", minutes=number, moves=moves, details={"n": number}, subject=f"s{number % 2}")
    return stocked


def test_an_empty_record_is_whole(stocked: Store) -> None:
    assert check(stocked) == (0, audit.FIRST_HASH, None)


def test_every_row_is_chained_to_the_one_before(chained: Store) -> None:
    count, last, fault = check(chained)
    rows = chained.frame("audit")
    assert (count, last, fault) == (6, rows["hash"].iloc[-1], None)
    assert len(set(rows["hash"])) == 6


@pytest.mark.parametrize(
    "statement",
    [
        f"UPDATE audit SET {change} WHERE seq = 3"
        for change in (
            "actor = 'x'",
            "role = 'administrator'",
            "action = 'x'",
            "outcome = 'refused'",
            "subject = NULL",
            "address = '10.0.0.1'",
            "details = '{\"n\": 20}'",
            "recorded_utc = '2026-07-01T02:00:00.000Z'",
            "id = 'x'",
            "hash = replace(hash, substr(hash, 1, 1), 'x')",
            "movement_seq = movement_seq - 1",
            "movement_seq = movement_seq + 1",
            "event_seq = NULL",
            "event_seq = event_seq + 1",
            "event_seq = NULL, count_seq = NULL, status_seq = NULL",
        )
    ],
)
def test_an_altered_row_is_named(chained: Store, statement: str) -> None:
    alter(chained, statement)
    count, _, fault = check(chained)
    assert fault is not None
    assert (fault.seq, count) == (3, 2)
    assert "row 3" in fault.problem


@pytest.mark.parametrize("name", ["quantity_e3", "reason", "actor", "to_account", "occurred_utc", "from_ref", "id"])
def test_an_altered_movement_is_found_in_the_row_that_covers_it(chained: Store, name: str) -> None:
    first = int(chained.frame("audit")["movement_seq"].iloc[2])  # the last that row 3 covers
    value = {"quantity_e3": "2", "occurred_utc": "'2026-06-01T00:00:00.000Z'", "to_account": "'reserved'"}
    alter(chained, f"UPDATE movement SET {name} = {value.get(name, repr('x'))} WHERE seq = {first}")
    _, _, fault = check(chained)
    assert fault is not None
    assert fault.seq == 3
    before = int(chained.frame("audit")["movement_seq"].iloc[1])
    assert fault.problem == f"row 3: altered is the row or movement {before + 1} to {first}"


@pytest.mark.parametrize(
    ("statement", "seq", "said"),
    [
        ("DELETE FROM audit WHERE seq = 3", 3, "row 3 is missing"),
        ("DELETE FROM audit WHERE seq = 1", 2, "row 2"),
        ("DELETE FROM movement WHERE seq = (SELECT movement_seq FROM audit WHERE seq = 3)", 3, "row 3"),
        ("UPDATE audit SET seq = 99 WHERE seq = 4", 4, "row 4 is missing"),
        (
            "INSERT INTO audit SELECT 7, 'new', recorded_utc, actor, role, address, action, subject, outcome, details,"
            " movement_seq, hash, event_seq, count_seq, status_seq FROM audit WHERE seq = 6",
            7,
            "row 7",
        ),
    ],
)
def test_rows_left_out_or_put_in_are_found(chained: Store, statement: str, seq: int, said: str) -> None:
    alter(chained, statement)
    _, _, fault = check(chained)
    assert fault is not None
    assert (fault.seq, said in fault.problem) == (seq, True)


@pytest.fixture
def worked(stocked: Store) -> Store:
    """An order, a count and a change of state, each covered by a row of its own."""
    who: dict[str, Any] = {"actor": "u", "now_utc": NOW}
    request = NewRequest("城东街道", "东大街1号", "值班员", (120.83, 32.01))

    def order(conn: Any) -> None:
        found = orders.reserve(conn, request, [NewLine("D1", LOT, 1000)], **who)
        orders.place(conn, found["id"], **who)

    for number, work in enumerate(
        (
            order,
            lambda conn: stock.count(conn, [CountLine(LOT, 9000, "torn")], checker="v", **who),
            lambda conn: stock.change_status(conn, LOT, "damaged", reason="wet", **who),
        )
    ):
        with stocked.writing() as conn:
            work(conn)
            audit.append(conn, actor="u", role="keeper", action=f"a{number}", now_utc=NOW)
    return stocked


@pytest.mark.parametrize(
    ("change", "covered"),
    [
        (
            "UPDATE order_event SET reason = 'x' WHERE seq = 1",
            "row 1: altered is the row or movement 1 to 7 or order_event 1 to 2",
        ),
        ("UPDATE order_event SET to_state = 'cancelled' WHERE seq = 2", "order_event 1 to 2"),
        ("DELETE FROM order_event WHERE seq = 2", "order_event 1 to 2"),
        ("DELETE FROM order_event WHERE seq = 1", "order_event 1 to 2"),
        ("UPDATE stock_count SET counted_e3 = 10000 WHERE seq = 1", "row 2: altered is the row or movement 8 to 8"),
        ("UPDATE stock_count SET checker = 'x' WHERE seq = 1", "stock_count 1 to 1"),
        ("UPDATE lot_status_change SET reason = 'x' WHERE seq = 1", "row 3: altered is the row or lot_status_change"),
        ("DELETE FROM lot_status_change", "lot_status_change 1 to 1"),
    ],
)
def test_events_counts_and_states_are_covered_too(worked: Store, change: str, covered: str) -> None:
    assert check(worked)[2] is None
    alter(worked, change)
    fault = check(worked)[2]
    assert fault is not None
    assert covered in fault.problem


def test_rows_from_before_events_were_covered_stay_good(worked: Store) -> None:
    """The record as an older version left it: no numbers, and hashes over the movements alone."""
    db = sqlite3.connect(str(worked.path))
    names = ("seq", *audit._FIELDS)
    rows = [dict(zip(names, row, strict=True)) for row in db.execute(f"SELECT {', '.join(names)} FROM audit")]
    db.close()
    before, covered, old = audit.FIRST_HASH, 0, {}
    with worked.reading() as conn:
        for row in rows:
            digest, covered = audit._digest(conn, "movement", covered, row["movement_seq"])
            before = old[row["seq"]] = audit._hash(before, row, digest, {})
    cases = " ".join(f"WHEN {seq} THEN '{digest}'" for seq, digest in old.items())
    alter(
        worked, f"UPDATE audit SET hash = CASE seq {cases} END, event_seq = NULL, count_seq = NULL, status_seq = NULL"
    )
    assert check(worked) == (3, before, None)
    append(worked, "new")
    assert check(worked)[2] is None
    assert worked.frame("audit")["event_seq"].tolist()[-1] == 2, "the first new row covers what no row did"
    alter(worked, "UPDATE order_event SET reason = 'x' WHERE seq = 1")
    fault = check(worked)[2]
    assert fault is not None
    assert fault.problem.startswith("row 4: altered is the row or order_event 1 to 2 or stock_count 1 to 1")


def test_an_order_whose_state_no_event_says_is_named(worked: Store) -> None:
    with worked.reading() as conn:
        number = order_answers.open_orders(conn)[0]["id"]
        assert order_answers.unlike_their_events(conn) == []
    alter(worked, "UPDATE supply_order SET state = 'issued'")
    with worked.reading() as conn:
        assert order_answers.unlike_their_events(conn) == [(number, "issued", "ordered")]


@pytest.mark.parametrize(("kept", "end"), [(5, 6), (3, 4), (0, 1)])
def test_rows_cut_off_at_the_end_are_found_by_the_count_of_the_database(chained: Store, kept: int, end: int) -> None:
    alter(chained, f"DELETE FROM audit WHERE seq > {kept}")
    count, _, fault = check(chained)
    assert fault is not None
    assert (count, fault.seq) == (kept, end)
    assert fault.problem == f"row {end} is missing; rows were cut off at the end"


def test_rows_cut_off_with_the_count_leave_what_no_row_covers(chained: Store) -> None:
    """Row 6 covers the last movement; nothing of it is left behind the fifth."""
    newest = int(chained.frame("movement")["seq"].max())
    alter(chained, "DELETE FROM audit WHERE seq = 6")
    alter(chained, "UPDATE sqlite_sequence SET seq = 5 WHERE name = 'audit'")
    fault = check(chained)[2]
    assert fault is not None
    assert (fault.seq, fault.problem) == (6, f"no row covers movement {newest} to {newest}")


@pytest.mark.parametrize("log", ["movement", "order_event", "stock_count", "lot_status_change"])
def test_what_was_put_into_a_log_by_hand_is_named(worked: Store, log: str) -> None:
    frame = worked.frame(log)
    end = int(frame["seq"].max()) + 1
    names = [name for name in frame.columns if name not in ("seq", "id")]
    alter(worked, f"INSERT INTO {log} (id, {', '.join(names)}) SELECT 'forged', {', '.join(names)} FROM {log} LIMIT 1")
    fault = check(worked)[2]
    assert fault is not None
    assert (fault.seq, fault.problem) == (4, f"no row covers {log} {end} to {end}")


def test_a_record_that_nobody_could_find_altered_shows_in_number_and_hash(chained: Store) -> None:
    """The last two rows with what they cover and with the count: only what was noted elsewhere tells of them."""
    before = check(chained)
    covered = int(chained.frame("audit")["movement_seq"].iloc[3])
    alter(chained, f"DELETE FROM movement WHERE seq > {covered}")
    alter(chained, "DELETE FROM audit WHERE seq > 4")
    alter(chained, "UPDATE sqlite_sequence SET seq = 4 WHERE name = 'audit'")
    after = check(chained)
    assert after[2] is None
    assert after[:2] != before[:2]


def test_the_time_never_goes_back(stocked: Store) -> None:
    for minutes in (5, 1, 6):
        append(stocked, "a", minutes=minutes)
    times = stocked.frame("audit")["recorded_utc"].tolist()
    assert [time[14:16] for time in times] == ["05", "05", "06"]


def test_the_database_alters_nothing(chained: Store) -> None:
    for statement in ("UPDATE audit SET actor = 'x'", "DELETE FROM audit"):
        with pytest.raises(Conflict, match="never altered"), chained.writing() as conn:
            conn.exec_driver_sql(statement)


def test_entries_are_the_newest_first(chained: Store) -> None:
    with chained.reading() as conn:
        assert [entry.action for entry in audit.entries(conn, limit=2)] == ["a5", "a4"]
        assert [entry.action for entry in audit.entries(conn, subject="s1")] == ["a5", "a3", "a1"]
        since = chained.frame("audit")["recorded_utc"].iloc[4]
        assert [entry.action for entry in audit.entries(conn, since=since)] == ["a5", "a4"]  # the bound included
        assert audit.entries(conn, limit=1)[0].details == {"n": 5}


@pytest.mark.parametrize(
    ("change", "same"),
    [
        (lambda store: append(store, "x"), True),  # the audit itself is no stock
        (lambda store: append(store, "x", moves=1), False),
        (lambda store: alter(store, "UPDATE movement SET reason = 'x' WHERE seq = 1"), False),
    ],
)
def test_the_hash_of_the_ledger_covers_every_movement_and_nothing_else(
    stocked: Store, change: Callable[[Store], Any], same: bool
) -> None:
    with stocked.reading() as conn:
        before = audit.ledger_hash(conn)
    change(stocked)
    with stocked.reading() as conn:
        assert (audit.ledger_hash(conn) == before) is same
