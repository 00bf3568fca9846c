"""Counts, states, goods in, packs and picking: exact, with a reason, and nothing that is bound is counted away."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data import ledger, schema, stock
from data.ledger import Movement
from data.stock import CountLine, FreeLot, Taken, TakenIn
from data.store import Store
from geo.errors import Conflict, InputError, NotFound

NOW = datetime(2026, 7, 1, 2, 0, tzinfo=UTC)  # 10:00 in the district
LATER = NOW + timedelta(hours=2)
OLD, NEW, OTHER = "D1/bag/old", "D1/bag/new", "D2/bag/B"


def balances(store: Store, lot_id: str) -> tuple[int, int, int]:
    row = store.frame("lot", where={"id": lot_id}).iloc[0]
    return int(row["on_hand_e3"]), int(row["reserved_e3"]), int(row["on_hold_e3"])


def count(store: Store, *lines: CountLine, **how: Any) -> list[dict[str, Any]]:
    with store.writing() as conn:
        return stock.count(conn, lines, actor="keeper", **{"checker": "neighbour", "now_utc": LATER, **how})


def bind(store: Store, lot_id: str, reserved_e3: int, held_e3: int = 0) -> None:
    moves = [Movement(lot_id, reserved_e3, "depot", "reserved", "reserve", to_ref="o1")]
    moves += [Movement(lot_id, held_e3, "depot", "hold", "hold")] if held_e3 else []
    with store.writing() as conn:
        ledger.record(conn, moves, source="test", now_utc=NOW)


# -- counting


def test_a_count_of_15_books_what_differs(stocked: Store) -> None:
    found = count(
        stocked, CountLine(OLD, 15_000, "found more"), CountLine(NEW, 15_000, "rotten"), CountLine(OTHER, 15_000)
    )
    assert [(line["expected"], line["counted"], line["difference"]) for line in found] == [
        (10, 15, 5),
        (20, 15, -5),
        (15, 15, 0),
    ]
    assert [balances(stocked, lot)[0] for lot in (OLD, NEW, OTHER)] == [15_000] * 3
    booked = stocked.frame("movement", where={"kind": "count_difference"})
    assert list(zip(booked["to_account"], booked["quantity_e3"].tolist(), strict=True)) == [
        ("depot", 5000),
        ("count_difference", 5000),
    ]
    rows = stocked.frame("stock_count")
    assert rows["counted_e3"].tolist() == [15_000] * 3
    assert rows["movement_id"].tolist() == [*booked["id"].tolist(), None]
    assert set(stocked.frame("lot", where={"id": [OLD, NEW, OTHER]})["counted_utc"]) == {schema.utc_text(LATER)}
    with stocked.reading() as conn:
        assert ledger.verify(conn) == []


def test_a_difference_needs_a_reason(stocked: Store) -> None:
    before = stocked.revision()
    for reason in (None, "", "  "):
        with pytest.raises(InputError, match="counted 9, expected 10; a difference needs a reason"):
            count(stocked, CountLine(OTHER, 15_000), CountLine(OLD, 9000, reason))
    assert stocked.revision() == before


def test_what_is_reserved_or_on_hold_cannot_be_counted_away(stocked: Store) -> None:
    bind(stocked, OLD, 4000, 3000)
    with pytest.raises(Conflict, match=r"counted 6\.999, but 4 are reserved and 3 on hold"):
        count(stocked, CountLine(OLD, 6999, "lost"))
    count(stocked, CountLine(OLD, 7000, "lost"))  # exactly what is bound
    assert balances(stocked, OLD) == (7000, 4000, 3000)


def test_a_count_told_late_is_held_against_what_lay_there_then(stocked: Store) -> None:
    with stocked.writing() as conn:
        ledger.record(
            conn, [Movement(OLD, 4000, "depot", "in_transit", "issue", to_ref="o1")], source="t", now_utc=LATER
        )
    then = NOW + timedelta(hours=1)  # ten lay there; four left later
    found = count(stocked, CountLine(OLD, 9000, "one less"), occurred_utc=then, now_utc=LATER)
    assert (found[0]["expected"], found[0]["difference"]) == (10, -1)
    assert balances(stocked, OLD)[0] == 5000
    with pytest.raises(Conflict, match="6 asked from depot, only 5 there"):
        count(stocked, CountLine(OLD, 3000, "many less"), occurred_utc=then, now_utc=LATER)
    newer = count(stocked, CountLine(OLD, 5000), now_utc=LATER + timedelta(hours=1))
    assert newer[0]["difference"] == 0
    count(stocked, CountLine(OLD, 9000), occurred_utc=then, now_utc=LATER + timedelta(hours=2))
    # an older count does not make the lot look older
    assert stocked.frame("lot", where={"id": OLD})["counted_utc"].tolist() == [newer[0]["occurred_utc"]]


def test_what_is_told_of_the_time_before_a_count_does_not_change_what_it_found(stocked: Store) -> None:
    counted = count(stocked, CountLine(OLD, 15_000, "found"), now_utc=LATER)[0]["occurred_utc"]
    before = LATER - timedelta(milliseconds=1)
    late = {"now_utc": LATER + timedelta(hours=1)}
    with pytest.raises(Conflict, match=f"was counted at {counted}, after"):
        count(stocked, CountLine(OLD, 9000, "one less"), occurred_utc=before, **late)
    with pytest.raises(Conflict, match=f"was counted at {counted}, after"), stocked.writing() as conn:
        stock.take_in(
            conn,
            [TakenIn("D1", "bag", "old", 1000, expires_on="2026-08-01")],
            actor="k",
            occurred_utc=before,
            **late,
        )
    assert balances(stocked, OLD)[0] == 15_000
    count(stocked, CountLine(OLD, 14_000, "one less"), occurred_utc=LATER, **late)  # at that very moment
    assert balances(stocked, OLD)[0] == 14_000


@pytest.mark.parametrize(
    ("lines", "how", "error", "said"),
    [
        ([], {}, InputError, "lines is empty"),
        ([CountLine(OLD, 1, "x"), CountLine(OLD, 1, "x")], {}, InputError, "there twice"),
        ([CountLine(OLD, -1000, "x")], {}, InputError, "counted=-1: expected 0 or more"),
        ([CountLine(OLD, 1.5, "x")], {}, InputError, "whole number of thousandths"),  # type: ignore[arg-type]
        ([CountLine("D9/x/y", 1, "x")], {}, NotFound, "no lot"),
        ([CountLine(OTHER, 15_000)], {"depot_id": "D1"}, NotFound, "does not lie in depot D1"),
        ([CountLine(OLD, 10_000)], {"checker": "keeper"}, InputError, "somebody else"),
        ([CountLine(OLD, 10_000)], {"checker": " KEEPER "}, InputError, "somebody else"),
        ([CountLine(OLD, 10_000)], {"checker": None}, InputError, "checker is empty; a count takes two persons"),
        ([CountLine(OLD, 10_000)], {"checker": "  "}, InputError, "checker is empty"),
        ([CountLine(OLD, 10_000)], {"occurred_utc": LATER + timedelta(seconds=1)}, InputError, "after the time"),
    ],
)
def test_a_wrong_count_is_refused_whole(
    stocked: Store, lines: list[CountLine], how: dict[str, Any], error: type[Exception], said: str
) -> None:
    before = stocked.revision()
    with pytest.raises(error, match=said):
        count(stocked, *lines, **how)
    assert stocked.revision() == before


# -- states, holds, write-offs


def test_a_state_changes_with_a_reason_and_is_kept(stocked: Store) -> None:
    with stocked.writing() as conn:
        found = stock.change_status(conn, OLD, "recalled", reason="maker's letter", actor="keeper", now_utc=NOW)
        assert (found["from_status"], found["status"]) == ("usable", "recalled")
        with pytest.raises(Conflict, match="recalled already"):
            stock.change_status(conn, OLD, "recalled", reason="again", actor="keeper", now_utc=NOW)
        for status, reason, said in (("lost", "x", "expected one of"), ("damaged", " ", "say why")):
            with pytest.raises(InputError, match=said):
                stock.change_status(conn, OLD, status, reason=reason, actor="keeper", now_utc=NOW)
    rows = stocked.frame("lot_status_change")
    assert rows[["from_status", "to_status", "reason"]].values.tolist() == [["usable", "recalled", "maker's letter"]]
    assert balances(stocked, OLD) == (10_000, 0, 0)


def test_a_lot_whose_state_no_change_says_is_named(stocked: Store) -> None:
    with stocked.writing() as conn:
        for status in ("quarantined", "recalled"):
            stock.change_status(conn, OLD, status, reason="r", actor="keeper", now_utc=NOW)
        assert stock.unlike_their_changes(conn) == []
        conn.exec_driver_sql("UPDATE lot SET status = 'quarantined' WHERE id = ?", (OLD,))
        assert stock.unlike_their_changes(conn) == [(OLD, "quarantined", "recalled")]


def test_available_is_on_hand_without_reserved_and_on_hold(stocked: Store) -> None:
    bind(stocked, OLD, 4000)
    who: dict[str, Any] = {"reason": "wet", "actor": "keeper", "now_utc": NOW, "depot_id": "D1"}
    with stocked.writing() as conn:
        found = stock.hold(conn, OLD, 5000, **who)
        assert [found[name] for name in ("on_hand", "reserved", "on_hold", "available")] == [10, 4, 5, 1]
        with pytest.raises(Conflict, match=r"1\.001 asked from depot, only 1"):
            stock.hold(conn, OLD, 1001, **who)
        found = stock.write_off(conn, OLD, 2000, cause="damaged", held=True, **who)
        assert [found[name] for name in ("on_hand", "reserved", "on_hold", "available")] == [8, 4, 3, 1]
        found = stock.unhold(conn, OLD, 3000, **who)
        assert [found[name] for name in ("on_hand", "reserved", "on_hold", "available")] == [8, 4, 0, 4]
        with pytest.raises(InputError, match="say why"):
            stock.write_off(conn, OLD, 1, cause="damaged", **{**who, "reason": ""})
        with pytest.raises(InputError, match="cause='theft'"):
            stock.write_off(conn, OLD, 1, cause="theft", **who)
        with pytest.raises(NotFound, match="does not lie in depot D1"):
            stock.hold(conn, OTHER, 1, **who)
        assert ledger.verify(conn) == []


# -- goods in


def take_in(store: Store, *lines: TakenIn, **how: Any) -> list[dict[str, Any]]:
    with store.writing() as conn:
        return stock.take_in(conn, lines, actor="keeper", **{"now_utc": NOW, **how})


def test_goods_come_in_to_new_and_known_lots(stocked: Store) -> None:
    found = take_in(
        stocked,
        TakenIn("D2", "bag", "2026-7", 2500, "t", "2026-07-01"),  # good on the day
        TakenIn("D2", "bag", "2026-7", 500, None, "2026-07-01"),
        TakenIn("D1", "bag", "old", 1000, "t", "2026-08-01"),
    )
    assert [line["quantity"] for line in found] == [2.5, 0.5, 1]
    assert balances(stocked, "D2/bag/2026-7") == (3000, 0, 0)
    assert balances(stocked, OLD) == (11_000, 0, 0)
    assert stocked.frame("lot", where={"id": "D2/bag/2026-7"})["unit"].tolist() == ["t"]


@pytest.mark.parametrize(
    ("line", "error", "said"),
    [
        (TakenIn("D1", "bag", "x", 1, "箱"), InputError, "counted in t"),
        (TakenIn("D1", "bag", "x", 1, None, "2026-06-30"), InputError, "have expired"),
        (TakenIn("D1", "bag", "x", 1, None, "soon"), InputError, "expected a date"),
        (TakenIn("D1", "bag", " ", 1), InputError, "number of the lot"),
        (TakenIn("D1", "bag", "old", 1, None, "2026-09-01"), Conflict, "another lot number"),
        (TakenIn("D1", "bag", "old", 1, None, "2026-08-01", "quarantined"), Conflict, "another lot number"),
        (TakenIn("D1", "bag", "x", 0), InputError, "more than 0"),
        (TakenIn("D1", "bag", "x", 1, None, None, "fine"), InputError, "expected one of"),
        (TakenIn("D9", "bag", "x", 1), NotFound, "no depot"),
        (TakenIn("D1", "tent", "x", 1), NotFound, "no item"),
    ],
)
def test_goods_that_do_not_fit_are_refused_whole(
    stocked: Store, line: TakenIn, error: type[Exception], said: str
) -> None:
    before = stocked.revision()
    with pytest.raises(error, match=said):
        take_in(stocked, TakenIn("D1", "bag", "fits", 1000), line)
    assert stocked.revision() == before


def test_expired_goods_come_in_as_expired(stocked: Store) -> None:
    take_in(stocked, TakenIn("D1", "bag", "late", 1000, None, "2026-06-30", "expired"))
    with stocked.reading() as conn:
        free = stock.free_lots(conn, "D1", ["bag"], day="2026-07-01")
    assert "D1/bag/late" not in [lot.lot_id for lot in free]


# -- packs


@pytest.mark.parametrize(
    ("packs", "per_pack_e3", "units_e3"),
    [(3, 12_000, 36_000), ("2.5", 12_000, 30_000), (Decimal("0.001"), 1_000_000, 1000), (0, 1, 0), ("0.5", 2, 1)],
)
def test_packs_are_an_exact_number_of_units(packs: Any, per_pack_e3: int, units_e3: int) -> None:
    assert stock.packs_to_units(packs, per_pack_e3) == units_e3
    assert stock.units_to_packs(units_e3, per_pack_e3) == Decimal(str(packs))


@pytest.mark.parametrize(
    ("packs", "per_pack_e3", "said"),
    [
        (0.5, 12_000, "not a float"),
        (True, 12_000, "expected a number"),
        ("0.0001", 12_000, "at most 3 decimals"),
        ("1/3", 12_000, "expected a number"),
        (f"1.{'0' * 30}1", 12_000, "at most 3 decimals"),
        ("1e1000000", 12_000, "up to 1000000000"),
        ("1e999999999", 12_000, "up to 1000000000"),
        ("0.5", 1, "no whole thousandth"),
        ("many", 12_000, "expected a number"),
        ("-1", 12_000, "0 or more"),
        (1, 0, "more than 0"),
        (10**10, 12_000, "up to 1000000000"),
        (10**8, 12_000, "up to 1000000000"),
    ],
)
def test_packs_that_do_not_come_out_even_are_refused(packs: Any, per_pack_e3: int, said: str) -> None:
    with pytest.raises(InputError, match=said):
        stock.packs_to_units(packs, per_pack_e3)


def test_a_number_of_packs_that_is_no_whole_thousandth_is_refused() -> None:
    with pytest.raises(InputError, match="no whole thousandth of a pack"):
        stock.units_to_packs(1000, 3000)
    assert stock.packs_and_rest(10_000, 3000) == (3, 1000)


@given(st.integers(0, 10**9), st.integers(1, 10**6))
def test_there_and_back_is_the_same_or_refused(packs_e3: int, per_pack_e3: int) -> None:
    packs = Decimal(packs_e3) / 1000
    exact = Fraction(packs_e3 * per_pack_e3, 1000)
    if exact.denominator == 1 and exact <= 10**12:
        assert stock.packs_to_units(packs, per_pack_e3) == exact
        assert stock.units_to_packs(int(exact), per_pack_e3) == packs
    else:
        with pytest.raises(InputError):
            stock.packs_to_units(packs, per_pack_e3)


def test_a_pack_is_declared_with_the_item(stocked: Store) -> None:
    with stocked.reading() as conn:
        assert stock.pack_of(conn, "bag", "箱") == 12_000
        with pytest.raises(NotFound, match="it has 箱"):
            stock.pack_of(conn, "bag", "托")


# -- picking


def test_what_expires_first_is_proposed_first(stocked: Store) -> None:
    with stocked.writing() as conn:
        assert stock.propose(conn, "D1", "bag", 12_000, now_utc=NOW) == [Taken(OLD, 10_000), Taken(NEW, 2000)]
        bind_here = [Movement(OLD, 9000, "depot", "hold", "hold")]
        ledger.record(conn, bind_here, source="t", now_utc=NOW)
        assert stock.propose(conn, "D1", "bag", 12_000, now_utc=NOW) == [Taken(OLD, 1000), Taken(NEW, 11_000)]
        assert stock.propose(conn, "D1", "bag", 99_000, now_utc=NOW) == [Taken(OLD, 1000), Taken(NEW, 20_000)]
        assert stock.propose(conn, "D3", "bag", 1000, now_utc=NOW) == []  # expired yesterday
        stock.change_status(conn, OLD, "damaged", reason="wet", actor="k", now_utc=NOW)
        assert stock.propose(conn, "D1", "bag", 1000, now_utc=NOW) == [Taken(NEW, 1000)]


@pytest.mark.parametrize("before", ["2026-07-01", "2026-08-01", "2026-08-02", stock.NEVER])
def test_only_what_expires_before_a_day(stocked: Store, before: str) -> None:
    take_in(stocked, TakenIn("D1", "bag", "later", 1000, None, "2026-08-02"), TakenIn("D1", "bag", "never", 1000))
    with stocked.reading() as conn:
        every = stock.free_lots(conn, "D1", ["bag"], day="2026-07-01")
        found = stock.free_lots(conn, "D1", ["bag"], day="2026-07-01", before=before)
    assert {lot.expires_on for lot in every} == {"2026-08-01", "2026-08-02", "2027-08-01", None}
    assert found == [lot for lot in every if lot.expires_on is not None and lot.expires_on < before]


def test_a_lot_is_good_on_the_day_on_which_it_expires_by_the_districts_clock(stocked: Store) -> None:
    last = datetime(2026, 8, 1, 15, 59, tzinfo=UTC)  # 23:59 there
    with stocked.reading() as conn:
        assert stock.propose(conn, "D1", "bag", 1000, now_utc=last) == [Taken(OLD, 1000)]
        assert stock.propose(conn, "D1", "bag", 1000, now_utc=last + timedelta(minutes=1)) == [Taken(NEW, 1000)]


free = st.lists(st.tuples(st.integers(1, 5), st.integers(1, 9)), max_size=6)


@given(free, st.integers(0, 30))
def test_taking_first_expiry_first_is_as_much_as_there_is_and_leaves_nothing_earlier(
    lots: list[tuple[int, int]], quantity: int
) -> None:
    stored = [FreeLot(f"l{i}", "bag", f"2027-01-0{day}", q) for i, (day, q) in enumerate(sorted(lots))]
    taken = {line.lot_id: line.quantity_e3 for line in stock.first_expiry_first(stored, quantity)}
    assert sum(taken.values()) == min(quantity, sum(q for _, q in lots))
    days = {lot.lot_id: lot.expires_on or "" for lot in stored}
    left = [lot for lot in stored if taken.get(lot.lot_id, 0) < lot.free_e3]
    assert all(days[lot_id] <= lot.expires_on for lot_id in taken for lot in left if lot.expires_on)
