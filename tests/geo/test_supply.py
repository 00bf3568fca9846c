"""Supply plans against trying every choice of depots."""

import itertools
import json
import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.errors import InputError, NotFound
from geo.supply import (
    LOADING_S,
    ORDER_S,
    REASONS,
    Arrivals,
    StockTable,
    SupplyPlan,
    arrivals,
    number_of,
    plan_supply,
    stock_table,
    thousandths,
)

SHANGHAI = ZoneInfo("Asia/Shanghai")
MORNING = datetime(2026, 7, 1, 8, 0, tzinfo=SHANGHAI)
COLUMNS = ("depot_id", "item_id", "lot", "on_hand_e3", "reserved_e3", "on_hold_e3", "status", "expires_on")


def lots(*rows: tuple[Any, ...]) -> pd.DataFrame:
    """(depot, item, lot, on hand[, reserved, on hold, status, expires]) in whole units."""
    full = [(*row, *(0, 0, "usable", None)[len(row) - 4 :]) for row in rows]
    return pd.DataFrame(
        [(d, i, n, h * 1000, r * 1000, o * 1000, s, e) for d, i, n, h, r, o, s, e in full], columns=COLUMNS
    )


def at_seconds(**arrival_s: float) -> Arrivals:
    """Depots that arrive after so many seconds in all; inf has no route."""
    total = np.array(list(arrival_s.values()), dtype=np.float64)
    return arrivals(list(arrival_s), total, np.zeros(len(total)), order_s=0.0, loading_s=0.0)


def taken(plan: SupplyPlan, line: int = 0) -> list[tuple[str, str, int | float]]:
    return [(p.depot_id, p.lot, number_of(p.quantity_e3)) for p in plan.lines[line].pieces]


def reasons(plan: SupplyPlan) -> dict[str, str]:
    return {row.depot_id: row.reason for row in plan.refused}


# -- against brute force --------------------------------------------------------------------------


@st.composite
def cases(draw: st.DrawFn) -> tuple[pd.DataFrame, dict[str, float], dict[str, float], Any, Any]:
    depots = [f"D{i}" for i in range(draw(st.integers(0, 6)))]
    day_s = st.sampled_from([600.0, 1200.0, 1200.0, 1800.0, 3600.0, 57_600.0, 60_000.0, 150_000.0, math.inf])
    travel = {d: draw(day_s) for d in depots}
    opened = {d: draw(st.sampled_from([900.0, math.inf])) if math.isinf(t) else t for d, t in travel.items()}
    rows = []
    for number in range(draw(st.integers(0, 12)) if depots else 0):
        on_hand = draw(st.integers(0, 6))
        reserved = draw(st.integers(0, on_hand)) if draw(st.booleans()) else 0
        held = draw(st.integers(0, on_hand - reserved)) if draw(st.booleans()) else 0
        status = draw(st.sampled_from(["usable", "usable", "usable", "quarantined", "expired"]))
        expires = draw(st.sampled_from([None, "2026-06-30", "2026-07-01", "2026-07-02", "2026-07-09"]))
        depot, item = draw(st.sampled_from(depots)), draw(st.sampled_from(["X", "Y"]))
        rows.append((depot, item, f"L{number}", on_hand, reserved, held, status, expires))
    needs = draw(st.dictionaries(st.sampled_from(["X", "Y"]), st.integers(1, 15), min_size=1))
    within_s = draw(st.sampled_from([None, 1200.0, 3600.0, 60_000.0]))
    return lots(*rows), travel, opened, needs, within_s


def usable_e3(row: Any, arrival_s: float) -> int:
    """What one lot gives to a load that arrives then, read straight from the rules."""
    day = (MORNING + timedelta(seconds=arrival_s)).date()  # China has no summer time
    unexpired = row.expires_on is None or date.fromisoformat(row.expires_on) >= day
    good = row.status == "usable" and unexpired
    return int(row.on_hand_e3 - row.reserved_e3 - row.on_hold_e3) if good else 0


@settings(max_examples=300, deadline=None)
@given(case=cases())
def test_last_piece_arrives_as_early_as_any_choice_of_depots_allows(case: Any) -> None:
    frame, travel, opened, needs, within_s = case
    frame = frame.astype({"expires_on": object}).where(frame.notna(), None)
    depots = arrivals(
        list(travel),
        list(travel.values()),
        np.zeros(len(travel)),
        open_travel_s=list(opened.values()),
        order_s=0.0,
        loading_s=0.0,
    )
    plan = plan_supply(stock_table(frame, items=["X", "Y"]), depots, needs, at=MORNING, within_s=within_s)
    limit = math.inf if within_s is None else within_s
    rows = list(frame.itertuples(index=False))
    for line in plan.lines:
        asked = needs[line.item] * 1000
        mine = [r for r in rows if r.item_id == line.item]
        able = {
            d: sum(usable_e3(r, t) for r in mine if r.depot_id == d)
            for d, t in travel.items()
            if math.isfinite(t) and t <= limit
        }
        # Every subset of the depots that arrive in time.
        best = min(
            (
                max((travel[d] for d in chosen), default=0.0)
                for size in range(len(able) + 1)
                for chosen in itertools.combinations(able, size)
                if sum(able[d] for d in chosen) >= asked
            ),
            default=None,
        )
        assert line.allocated_e3 == min(asked, sum(able.values()))
        assert line.allocated_e3 + line.short_e3 == asked
        if best is not None:
            assert line.ready_s == best
        # Never more from a lot than it has, and nothing from a lot that is out of bounds.
        given_e3: dict[tuple[str, str], int] = {}
        for piece in line.pieces:
            given_e3[piece.depot_id, piece.lot] = given_e3.get((piece.depot_id, piece.lot), 0) + piece.quantity_e3
            assert piece.quantity_e3 > 0
            assert piece.arrival_s == travel[piece.depot_id]
        room = {(r.depot_id, r.lot): usable_e3(r, travel[r.depot_id]) for r in mine if r.depot_id in able}
        assert all(quantity <= room[key] for key, quantity in given_e3.items())
        # First expiry first out: a lot is touched only when all earlier ones of its depot are empty.
        for r in mine:
            for other in mine:
                key, before = (r.depot_id, r.lot), (other.depot_id, other.lot)
                if key in given_e3 and r.depot_id == other.depot_id:
                    first = (other.expires_on or "9", other.lot) < (r.expires_on or "9", r.lot)
                    assert not first or given_e3.get(before, 0) == room[before]
        # Holders that are not used and quicker depots carry a reason; what is used does not.
        used = {p.depot_id for p in line.pieces}
        refused = {row.depot_id: row for row in line.refused}
        assert len(refused) == len(line.refused)
        assert not used & refused.keys()
        holders = {r.depot_id for r in mine}
        end = limit if line.short_e3 else line.ready_s
        quicker = {
            d for d, t in travel.items() if math.isfinite(t) and (t <= limit if line.short_e3 else t < float(end or 0))
        }
        assert refused.keys() == (holders | quicker) - used
        for depot, row in refused.items():
            has = sum(usable_e3(r, _eff(travel, opened, depot)) for r in mine if r.depot_id == depot)
            on_hand = sum(int(r.on_hand_e3) for r in mine if r.depot_id == depot)
            assert row.reason in REASONS
            assert (row.reason == "out_of_stock") == (on_hand == 0)
            assert (row.reason in ("no_road", "closed", "too_far", "not_needed")) == (has > 0)
            if has:
                away = math.isinf(travel[depot])
                here = "too_far" if travel[depot] > limit else "not_needed"
                expected = here if not away else "no_road" if math.isinf(opened[depot]) else "closed"
                assert row.reason == expected
        # What is on hand at a used depot is given, spare or withheld with a reason: nothing is lost.
        for depot in used:
            on_hand = sum(int(r.on_hand_e3) for r in mine if r.depot_id == depot)
            parts = sum(q for (d, _), q in given_e3.items() if d == depot)
            parts += sum(s.quantity_e3 for s in line.spare if s.depot_id == depot)
            parts += sum(w.quantity_e3 for w in line.withheld if w.depot_id == depot)
            assert parts == on_hand
        assert sum(s.quantity_e3 for s in line.spare) == sum(able.values()) - line.allocated_e3
        later = {d: t for d, t in travel.items() if math.isfinite(t) and t > limit and _has(mine, d, t)}
        if line.short_e3 and later:
            assert line.next_best is not None
            assert (line.next_best.arrival_s, line.next_best.reason) == (min(later.values()), "too_far")
        if not line.short_e3:
            assert line.next_best is None
    json.dumps(plan.to_json(), allow_nan=False)


def _eff(travel: dict[str, float], opened: dict[str, float], depot: str) -> float:
    return next((t for t in (travel[depot], opened[depot]) if math.isfinite(t)), 0.0)


def _has(mine: list[Any], depot: str, arrival_s: float) -> bool:
    return sum(usable_e3(r, arrival_s) for r in mine if r.depot_id == depot) > 0


@settings(max_examples=60, deadline=None)
@given(case=cases(), seed=st.integers(0, 1000))
def test_order_of_rows_depots_and_needs_does_not_matter(case: Any, seed: int) -> None:
    frame, travel, _, needs, within_s = case
    rng = np.random.default_rng(seed)
    shuffled = list(rng.permutation(list(travel)))
    other = at_seconds(**{str(d): travel[str(d)] for d in shuffled})
    first = plan_supply(stock_table(frame, items="XY"), at_seconds(**travel), needs, at=MORNING, within_s=within_s)
    second = plan_supply(
        stock_table(frame.iloc[rng.permutation(len(frame))], items="YX"),
        other,
        dict(reversed(needs.items())),
        at=MORNING,
        within_s=within_s,
    )
    of_second = {line.item: line for line in second.lines}
    for line in first.lines:
        twin = of_second[line.item]
        assert (line.pieces, line.refused, line.spare) == (twin.pieces, twin.refused, twin.spare)
        # Each line is as it would be alone.
        alone = plan_supply(
            stock_table(frame, items="XY"),
            at_seconds(**travel),
            {line.item: needs[line.item]},
            at=MORNING,
            within_s=within_s,
        )
        assert alone.lines[0].pieces == line.pieces


# -- bounds ---------------------------------------------------------------------------------------


def test_deadline_is_included() -> None:
    stock = stock_table(lots(("A", "X", "1", 5)))
    on_time = plan_supply(stock, at_seconds(A=3600.0), {"X": 5}, at=MORNING, within_s=3600.0)
    late = plan_supply(stock, at_seconds(A=3600.1), {"X": 5}, at=MORNING, within_s=3600.0)
    assert on_time.lines[0].short_e3 == 0
    assert late.lines[0].short_e3 == 5000
    assert reasons(late) == {"A": "too_far"}
    assert "60.1 min" in late.refused[0].detail
    best = late.lines[0].next_best
    assert best is not None
    assert (best.depot_id, best.quantity_e3, best.arrival_s, best.reason) == ("A", 5000, 3600.1, "too_far")


@pytest.mark.parametrize(
    "arrival_s, expires_on, is_usable",
    [
        (3600.0, "2026-07-01", True),  # there on the day of expiry
        (3600.0, "2026-06-30", False),
        (16 * 3600.0 - 0.001, "2026-07-01", True),  # just before midnight
        (16 * 3600.0, "2026-07-01", False),  # midnight is the next day
        (16 * 3600.0, "2026-07-02", True),
        (40 * 3600.0, "2026-07-02", False),
    ],
)
def test_expiry_is_by_the_local_day_of_arrival(arrival_s: float, expires_on: str, is_usable: bool) -> None:
    stock = stock_table(lots(("A", "X", "1", 5, 0, 0, "usable", expires_on)))
    plan = plan_supply(stock, at_seconds(A=arrival_s), {"X": 1}, at=MORNING)
    assert bool(plan.lines[0].pieces) is is_usable
    assert reasons(plan) == ({} if is_usable else {"A": "expired"})


def test_each_depot_is_judged_by_its_own_arrival_in_the_time_zone_of_the_moment() -> None:
    stock = stock_table(
        lots(("A", "X", "1", 5, 0, 0, "usable", "2026-07-01"), ("B", "X", "1", 5, 0, 0, "usable", "2026-07-01"))
    )
    late = datetime(2026, 7, 1, 23, 30, tzinfo=SHANGHAI)
    depots = at_seconds(A=1500.0, B=2400.0)
    assert taken(plan_supply(stock, depots, {"X": 10}, at=late)) == [("A", "1", 5)]
    # The same moment told in UTC is the afternoon of the 1st.
    utc = late.astimezone(UTC)
    assert taken(plan_supply(stock, depots, {"X": 10}, at=utc)) == [("A", "1", 5), ("B", "1", 5)]


def test_the_night_the_clocks_change_has_its_own_length() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    stock = stock_table(lots(("A", "X", "1", 5, 0, 0, "usable", "2026-03-29")))
    evening = datetime(2026, 3, 28, 20, 0, tzinfo=berlin)  # 27 hours to the end of the 29th
    assert taken(plan_supply(stock, at_seconds(A=27 * 3600.0 - 1), {"X": 1}, at=evening)) == [("A", "1", 1)]
    assert taken(plan_supply(stock, at_seconds(A=27 * 3600.0), {"X": 1}, at=evening)) == []


def test_a_road_with_no_end_and_the_end_of_the_calendar_do_not_break_it() -> None:
    stock = stock_table(lots(("A", "X", "1", 5, 0, 0, "usable", "2026-07-01"), ("A", "X", "2", 5)))
    assert taken(plan_supply(stock, at_seconds(A=1e15), {"X": 9}, at=MORNING)) == [("A", "2", 5)]
    last = datetime(9999, 12, 31, 12, 0, tzinfo=SHANGHAI)
    assert taken(plan_supply(stock, at_seconds(A=1e6), {"X": 9}, at=last)) == [("A", "2", 5)]


def test_exactly_enough_takes_no_further_depot() -> None:
    stock = stock_table(lots(("A", "X", "1", 5), ("B", "X", "1", 5), ("C", "X", "1", 5)))
    plan = plan_supply(stock, at_seconds(A=300.0, B=100.0, C=200.0), {"X": 10}, at=MORNING)
    assert taken(plan) == [("B", "1", 5), ("C", "1", 5)]
    assert plan.lines[0].ready_s == 200.0
    assert reasons(plan) == {"A": "not_needed"}
    assert "not needed" in plan.refused[0].detail
    at_the_deadline = plan_supply(stock, at_seconds(A=300.0, B=100.0, C=200.0), {"X": 10}, at=MORNING, within_s=300.0)
    assert reasons(at_the_deadline) == {"A": "not_needed"}, "it would come in time, the bound included"
    after_it = plan_supply(stock, at_seconds(A=300.1, B=100.0, C=200.0), {"X": 10}, at=MORNING, within_s=300.0)
    assert reasons(after_it) == {"A": "too_far"}
    assert [(s.depot_id, s.quantity_e3) for s in plan.lines[0].spare] == [("A", 5000)]


def test_ties_go_by_depot_id_and_lots_by_expiry_then_lot() -> None:
    stock = stock_table(
        lots(
            ("B", "X", "1", 2),
            ("A", "X", "9", 2),
            ("A", "X", "8", 2, 0, 0, "usable", "2027-01-01"),
            ("A", "X", "7", 2, 0, 0, "usable", "2026-12-01"),
            ("A", "X", "6", 2),
            ("A", "X", "5", 2, 0, 0, "usable", "2027-01-01"),
        )
    )
    plan = plan_supply(stock, at_seconds(B=100.0, A=100.0), {"X": 11}, at=MORNING)
    assert taken(plan) == [
        ("A", "7", 2),
        ("A", "5", 2),
        ("A", "8", 2),
        ("A", "6", 2),
        ("A", "9", 2),
        ("B", "1", 1),
    ]


# -- reasons --------------------------------------------------------------------------------------


def test_every_reason_says_what_stands_in_the_way() -> None:
    stock = stock_table(
        lots(
            ("reserved", "X", "1", 300, 300),
            ("expired", "X", "1", 200, 0, 0, "usable", "2026-05-01"),
            ("stale", "X", "1", 200, 150, 0, "expired"),
            ("held", "X", "1", 80, 0, 80),
            ("suspect", "X", "1", 80, 80, 0, "quarantined"),
            ("empty", "X", "1", 0),
            ("island", "X", "1", 70),
            ("cut off", "X", "1", 60),
            ("far", "X", "1", 50),
            ("elsewhere", "Y", "1", 50),
            ("giver", "X", "1", 10),
        )
    )
    ids = [
        "reserved",
        "expired",
        "stale",
        "held",
        "suspect",
        "empty",
        "island",
        "cut off",
        "far",
        "elsewhere",
    ]
    travel = np.array([60.0] * 6 + [math.nan, math.inf, 9_000.0, 60.0, 90.0])
    opened = np.where(np.array([*ids, "giver"]) == "cut off", 30.0, travel)
    depots = arrivals([*ids, "giver"], travel, np.full(11, 10.0), open_travel_s=opened)
    plan = plan_supply(stock, depots, {"X": 100}, at=MORNING, within_s=3600.0)
    assert reasons(plan) == {
        "reserved": "reserved",
        "expired": "expired",
        "stale": "expired",
        "held": "on_hold",
        "suspect": "on_hold",
        "empty": "out_of_stock",
        "elsewhere": "out_of_stock",
        "island": "no_road",
        "cut off": "closed",
        "far": "too_far",
    }
    told = {row.depot_id: row.detail for row in plan.refused}
    assert told["reserved"] == "300 on hand: 300 reserved; it would arrive after 26.2 min"
    assert "200 expired (usable to 2026-05-01)" in told["expired"]
    assert told["far"] == "50 available, but it arrives after 175.2 min; the deadline is 60 min"
    assert told["cut off"] == "60 available, but every road to the place is closed"
    assert told["island"] == "70 available, but no road leads from it to the place"
    assert told["elsewhere"].startswith("holds none of it")
    assert all(row.detail_zh for row in plan.refused)
    assert plan.lines[0].short_e3 == 90_000
    best = plan.lines[0].next_best
    assert best is not None
    assert (best.depot_id, best.quantity_e3, best.reason) == ("far", 50_000, "too_far")


def test_mixed_stock_names_what_holds_back_most() -> None:
    def reason(*rows: tuple[Any, ...]) -> str:
        plan = plan_supply(stock_table(lots(*rows)), at_seconds(A=60.0), {"X": 1}, at=MORNING)
        return plan.refused[0].reason

    old = ("usable", "2020-01-01")
    assert reason(("A", "X", "1", 5, 5), ("A", "X", "2", 6, 0, 0, *old)) == "expired"
    assert reason(("A", "X", "1", 5, 5), ("A", "X", "2", 5, 0, 0, *old)) == "reserved"
    assert reason(("A", "X", "1", 5, 0, 5), ("A", "X", "2", 5, 0, 0, *old)) == "expired"
    assert reason(("A", "X", "1", 5, 2, 3)) == "on_hold"


def test_closed_depot_is_next_best_when_nothing_else_is() -> None:
    stock = stock_table(lots(("A", "X", "1", 5), ("B", "X", "1", 2)))
    depots = arrivals(["A", "B"], [math.inf, 60.0], [0.0, 0.0], open_travel_s=[120.0, 60.0])
    best = plan_supply(stock, depots, {"X": 4}, at=MORNING).lines[0].next_best
    assert best is not None
    assert (best.depot_id, best.quantity_e3, best.available_e3, best.reason) == ("A", 2000, 5000, "closed")
    assert best.arrival_s == ORDER_S + LOADING_S + 120.0


def test_used_depot_says_why_it_gives_less_than_it_has() -> None:
    stock = stock_table(lots(("A", "X", "1", 10, 4, 1), ("A", "X", "2", 3, 0, 0, "damaged"), ("B", "X", "1", 9)))
    plan = plan_supply(stock, at_seconds(A=100.0, B=200.0), {"X": 8}, at=MORNING)
    assert taken(plan) == [("A", "1", 5), ("B", "1", 3)]
    withheld = [(w.depot_id, w.reason, w.quantity_e3, w.detail) for w in plan.lines[0].withheld]
    assert withheld == [
        ("A", "reserved", 4000, "4 reserved of 13 on hand"),
        ("A", "on_hold", 4000, "4 on hold of 13 on hand"),
    ]
    assert plan.refused == ()


def test_only_quicker_depots_without_stock_are_named_when_the_need_is_met() -> None:
    stock = stock_table(lots(("B", "X", "1", 5)))
    depots = at_seconds(A=100.0, B=200.0, C=200.0, D=300.0)
    met = plan_supply(stock, depots, {"X": 5}, at=MORNING)
    assert reasons(met) == {"A": "out_of_stock"}
    unmet = plan_supply(stock, depots, {"X": 6}, at=MORNING, within_s=200.0)
    assert reasons(unmet) == {"A": "out_of_stock", "C": "out_of_stock"}


# -- empty, odd and wrong input -------------------------------------------------------------------


def test_catalogue_item_without_a_lot_is_short_and_others_are_not_found() -> None:
    stock = stock_table(lots(), items=["X"])
    plan = plan_supply(stock, at_seconds(A=60.0), {"X": 5}, at=MORNING)
    assert plan.to_json()["lines"] == [
        {
            "item": "X",
            "requested": 5,
            "allocated": 0,
            "short": 5,
            "ready_s": None,
            "from": [],
            "next_best": None,
            "withheld": [],
            "spare": [],
        }
    ]
    assert reasons(plan) == {"A": "out_of_stock"}
    with pytest.raises(NotFound, match="'Z'"):
        plan_supply(stock, at_seconds(A=60.0), {"X": 1, "Z": 1}, at=MORNING)
    nowhere = plan_supply(stock, at_seconds(), {"X": 5}, at=MORNING)
    assert (nowhere.refused, nowhere.lines[0].short_e3) == ((), 5000)


@pytest.mark.parametrize("bad", [0, -1, math.nan, math.inf, "", "ten", None, True, "1.0001", 0.0005, 10**10])
def test_quantities_that_are_none_are_refused(bad: Any) -> None:
    stock = stock_table(lots(("A", "X", "1", 5)))
    with pytest.raises(InputError, match="X"):
        plan_supply(stock, at_seconds(A=60.0), {"X": bad}, at=MORNING)


def test_an_item_asked_for_twice_is_refused() -> None:
    stock = stock_table(lots(("A", "X", "1", 5)))
    with pytest.raises(InputError, match="twice"):
        plan_supply(stock, at_seconds(A=60.0), [("X", 1), ("X", 2)], at=MORNING)
    with pytest.raises(InputError, match="at least one"):
        plan_supply(stock, at_seconds(A=60.0), {}, at=MORNING)


@pytest.mark.parametrize(
    "keywords",
    [
        {"at": datetime(2026, 7, 1, 8)},  # noqa: DTZ001 - a naive moment is what is refused
        {"at": MORNING, "within_s": 0.0},
        {"at": MORNING, "within_s": -1.0},
        {"at": MORNING, "within_s": math.nan},
        {"at": MORNING, "within_s": math.inf},
    ],
)
def test_moments_and_deadlines_out_of_range_are_refused(keywords: Any) -> None:
    with pytest.raises(InputError):
        plan_supply(stock_table(lots(("A", "X", "1", 5))), at_seconds(A=60.0), {"X": 1}, **keywords)


def test_a_depot_that_holds_stock_must_have_an_arrival() -> None:
    with pytest.raises(InputError, match="'A'"):
        plan_supply(stock_table(lots(("A", "X", "1", 5))), at_seconds(B=60.0), {"X": 1}, at=MORNING)


@pytest.mark.parametrize(
    "change, named",
    [
        (lambda f: f.drop(columns="lot"), "lot"),
        (lambda f: f.assign(on_hand_e3=-1), "on_hand_e3"),
        (lambda f: f.assign(on_hand_e3=math.nan), "on_hand_e3"),
        (lambda f: f.assign(on_hand_e3=0.5), "on_hand_e3"),
        (lambda f: f.assign(on_hand_e3="many"), "on_hand_e3"),
        (lambda f: f.assign(reserved_e3=3_000, on_hold_e3=3_000), "reserved"),
        (lambda f: f.assign(expires_on="next year"), "expires_on"),
        (lambda f: pd.concat([f, f]), "twice"),
    ],
)
def test_lots_that_cannot_be_are_refused(change: Any, named: str) -> None:
    with pytest.raises(InputError, match=named):
        stock_table(change(lots(("A", "X", "1", 5))))


@pytest.mark.parametrize("empty", [None, math.nan, pd.NaT, ""])
def test_empty_expiry_means_that_it_does_not_expire(empty: Any) -> None:
    stock = stock_table(lots(("A", "X", "1", 5)).assign(expires_on=pd.Series([empty], dtype=object)))
    assert stock.available(date(2999, 1, 1)) == {"X": 5}


@pytest.mark.parametrize(
    "keywords",
    [
        {"travel_s": [1.0]},
        {"travel_s": [-1.0, 1.0]},
        {"last_leg_s": [math.nan, -1.0]},
        {"open_travel_s": [1.0, 1.0, 1.0]},
        {"order_s": -1.0},
        {"loading_s": math.nan},
        {"depot_id": ["A", "A"]},
    ],
)
def test_arrivals_that_cannot_be_are_refused(keywords: Any) -> None:
    good: dict[str, Any] = {"depot_id": ["A", "B"], "travel_s": [1.0, 2.0], "last_leg_s": [0.0, 0.0]}
    with pytest.raises(InputError):
        arrivals(**{**good, **keywords})


def test_arrival_is_the_sum_of_its_parts_and_arguments_stay_as_they_are() -> None:
    travel = np.array([600.0, math.nan, math.inf])
    depots = arrivals(["A", "B", "C"], travel, [42.0, 1.0, 1.0])
    travel[:] = -5
    assert depots.arrival_s.tolist() == [ORDER_S + LOADING_S + 642.0, math.inf, math.inf]
    assert depots.parts("A") == {"order_s": 300.0, "loading_s": 1200.0, "travel_s": 600.0, "last_leg_s": 42.0}
    assert depots.parts("B")["travel_s"] is None


def test_json_of_a_plan() -> None:
    stock = stock_table(lots(("A", "X", "L1", 5, 0, 0, "usable", "2027-01-31"), ("B", "X", "L2", 5, 5)))
    depots = arrivals(["A", "B"], [600.0, 60.0], [42.0, 0.0])
    plan = plan_supply(stock, depots, {"X": Decimal("2.5")}, at=MORNING, within_s=3600.0)
    assert plan.depots_used == ("A",)
    answer = plan.to_json({"A": 5_432.1})
    assert answer == {
        "within_s": 3600.0,
        "way": "earliest",
        "ready_s": 2142.0,
        "depots": 1,
        "ranked_down": [],
        "lines": [
            {
                "item": "X",
                "requested": 2.5,
                "allocated": 2.5,
                "short": 0,
                "ready_s": 2142.0,
                "from": [
                    {
                        "depot_id": "A",
                        "item": "X",
                        "instead_of": None,
                        "lot": "L1",
                        "quantity": 2.5,
                        "covers": 2.5,
                        "arrival_s": 2142.0,
                        "distance_m": 5432.1,
                        "order_s": 300.0,
                        "loading_s": 1200.0,
                        "travel_s": 600.0,
                        "last_leg_s": 42.0,
                        "expires_on": "2027-01-31",
                    }
                ],
                "next_best": None,
                "withheld": [],
                "spare": [{"depot_id": "A", "quantity": 2.5, "arrival_s": 2142.0}],
            }
        ],
        "refused": [
            {
                "depot_id": "B",
                "item": "X",
                "reason": "reserved",
                "detail": "5 on hand: 5 reserved; it would arrive after 26 min",
                "detail_zh": "在库 5：5 已预留；26 分钟可到",
                "quantity": 5,
                "arrival_s": 1560.0,
            }
        ],
    }
    assert json.loads(json.dumps(answer, allow_nan=False)) == answer


@given(st.integers(-(10**12), 10**12))
def test_thousandths_are_exact(quantity_e3: int) -> None:
    value = Decimal(quantity_e3) / 1000
    assert thousandths(value) == thousandths(str(value)) == quantity_e3
    assert thousandths(number_of(quantity_e3)) == quantity_e3


@pytest.mark.parametrize(
    "value",
    [
        Decimal("sNaN"),
        Decimal("1e999999"),
        Decimal("1e-999999"),
        "1" * 50,
        "1.00000000000000000000000000000000000000001",
    ],
)
def test_hostile_numbers_are_refused_at_once(value: Any) -> None:
    with pytest.raises(InputError):
        thousandths(value)


def test_trailing_zeros_are_no_decimals() -> None:
    assert thousandths("2.500000") == 2500
    assert thousandths(Decimal("1E+3")) == 1_000_000
    assert thousandths(0.1) == 100


def test_available_of_a_day() -> None:
    stock: StockTable = stock_table(
        lots(("A", "X", "1", 5, 1, 1), ("B", "X", "1", 4, 0, 0, "usable", "2026-07-01")), items=["X", "Y"]
    )
    assert stock.items == {"X", "Y"}
    assert stock.available(date(2026, 7, 1)) == {"X": 7, "Y": 0}
    assert stock.available(date(2026, 7, 2)) == {"X": 3, "Y": 0}
