"""Plans in other ways against trying every set of depots."""

import itertools
import json
import math
from datetime import datetime
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.errors import InputError, NotFound
from geo.supply import Arrivals, Later, SupplyPlan, arrivals, number_of, plan_supply, stock_table
from geo.supply_ways import LEVELS, WAYS, Substitute, plan_in_way

AT = datetime(2026, 7, 1, 8, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
COLUMNS = ("depot_id", "item_id", "lot", "on_hand_e3", "reserved_e3", "on_hold_e3", "status", "expires_on")


def lots(*rows: tuple[str, str, str, int]) -> pd.DataFrame:
    """(depot, item, lot, thousandths)."""
    return pd.DataFrame([(*row, 0, 0, "usable", None) for row in rows], columns=COLUMNS)


def at_seconds(**arrival_s: float) -> Arrivals:
    total = np.array(list(arrival_s.values()), dtype=np.float64)
    return arrivals(list(arrival_s), total, np.zeros(len(total)), order_s=0.0, loading_s=0.0)


def taken(plan: SupplyPlan, line: int = 0) -> list[tuple[str, str, int | float]]:
    """(depot, item, quantity) of each piece."""
    found = plan.lines[line]
    return [(p.depot_id, p.substitute or found.item, number_of(p.quantity_e3)) for p in found.pieces]


# -- against brute force --------------------------------------------------------------------------

SUBSTITUTES = {
    "X": [Substitute("S", 2000, 1000), Substitute("T", 3000, 2000), Substitute("Y", 1000, 1000)],
    "Y": [Substitute("S", 1000, 1000), Substitute("U", 1000, 3000, is_whole=False)],
}


@st.composite
def cases(draw: st.DrawFn) -> dict[str, Any]:
    depots = [f"D{i}" for i in range(draw(st.integers(1, 5)))]
    rows = []
    for number in range(draw(st.integers(0, 9))):
        depot, item = draw(st.sampled_from(depots)), draw(st.sampled_from("XXYYSTU"))
        rows.append((depot, item, f"L{number}", draw(st.integers(0, 6)) * 500))
    return {
        "lots": rows,
        "arrival_s": {d: draw(st.sampled_from([600.0, 1200.0, 1800.0, 3600.0, math.inf])) for d in depots},
        "needs": draw(st.dictionaries(st.sampled_from("XY"), st.integers(1, 8), min_size=1)),
        "within_s": draw(st.sampled_from([None, 1800.0])),
        "levels": {d: draw(st.sampled_from(LEVELS)) for d in depots},
        "later": {d: Later(draw(st.sampled_from([600.0, 1000.0])), "old", "旧") for d in depots if draw(st.booleans())},
        "substitutes": SUBSTITUTES if draw(st.booleans()) else {},
        "whole": draw(st.sampled_from(["", "XY"])),
    }


def covers(case: dict[str, Any], item: str) -> dict[str, tuple[Fraction, Fraction]]:
    """Depot -> what it can cover of an item in time: of itself, and with substitutes."""
    serving: list[tuple[str, Fraction, int]] = [(item, Fraction(1), 1)]
    claimed = set(case["needs"])
    for other in case["needs"]:
        for s in case["substitutes"].get(other, ()):
            if s.item_id not in claimed:
                claimed.add(s.item_id)
                if other == item:
                    ratio = Fraction(s.quantity_e3, s.substitute_quantity_e3)
                    serving.append((s.item_id, ratio, 1000 if s.is_whole else 1))
    limit = case["within_s"] or math.inf
    found = {}
    for depot, arrival_s in case["arrival_s"].items():
        parts = []
        for name, ratio, step in serving:
            has = sum(q for d, i, _, q in case["lots"] if (d, i) == (depot, name))
            parts.append(has // step * step * ratio)
        if math.isfinite(arrival_s) and arrival_s <= limit and sum(parts):
            found[depot] = (parts[0], sum(parts, Fraction(0)))
    return found


def subsets(depots: Any) -> Any:
    names = list(depots)
    return (set(c) for size in range(len(names) + 1) for c in itertools.combinations(names, size))


@settings(max_examples=500, deadline=None)
@given(case=cases(), way=st.sampled_from(WAYS))
def test_no_choice_of_depots_is_better(case: dict[str, Any], way: Any) -> None:
    stock = stock_table(lots(*case["lots"]), items=["X", "Y", "S", "T", "U"])
    plan = plan_in_way(
        stock,
        at_seconds(**case["arrival_s"]),
        case["needs"],
        at=AT,
        within_s=case["within_s"],
        way=way,
        levels=case["levels"],
        later=case["later"],
        substitutes=case["substitutes"],
        whole=case["whole"],
    )
    key = {d: s + (case["later"][d].later_s if d in case["later"] else 0) for d, s in case["arrival_s"].items()}
    level = {d: LEVELS.index(name) for d, name in case["levels"].items()}
    able = {item: covers(case, item) for item in case["needs"]}
    wanted = {
        item: min(Fraction(quantity * 1000), sum((c for _, c in able[item].values()), Fraction(0)))
        for item, quantity in case["needs"].items()
    }

    def enough(chosen: set[str], item: str, need: Fraction) -> bool:
        return sum(able[item][d][1] for d in chosen & able[item].keys()) >= need

    given_e3: dict[tuple[str, str, str], int] = {}
    for line in plan.lines:
        assert line.allocated_e3 == math.floor(wanted[line.item])
        exact = sum(p.quantity_e3 for p in line.pieces if p.substitute is None)
        stood_in = sum((p.covers_e3 for p in line.pieces if p.covers_e3 is not None), Fraction(0))
        assert wanted[line.item] <= exact + stood_in < wanted[line.item] + (1000 if stood_in and case["whole"] else 1)
        assert line.ready_s == max((p.arrival_s for p in line.pieces), default=None)
        assert [p.arrival_s for p in line.pieces] == sorted(p.arrival_s for p in line.pieces)
        for p in line.pieces:
            assert p.arrival_s == case["arrival_s"][p.depot_id]  # never the rank
            name = p.substitute or line.item
            given_e3[p.depot_id, name, p.lot] = given_e3.get((p.depot_id, name, p.lot), 0) + p.quantity_e3
        used = {p.depot_id for p in line.pieces}
        last = max((key[d] for d in used), default=0.0)
        there = {d: able[line.item][d] for d in able[line.item] if key[d] <= last}
        if way == "earliest":
            best = min(
                max((key[d] for d in chosen), default=0.0)
                for chosen in subsets(able[line.item])
                if enough(chosen, line.item, wanted[line.item])
            )
            assert last == best
            # A substitute only where what is asked for cannot be there by then.
            assert exact == min(case["needs"][line.item] * 1000, sum(own for own, _ in there.values()))
        if way == "own_level":
            for top in range(len(LEVELS)):
                got = sum(
                    p.quantity_e3 if p.covers_e3 is None else p.covers_e3
                    for p in line.pieces
                    if level[p.depot_id] <= top
                )
                has = sum((c for d, (_, c) in able[line.item].items() if level[d] <= top), Fraction(0))
                assert min(wanted[line.item], has) <= got < min(wanted[line.item], has) + 1000
                assert got <= has
            if used:
                top = max(level[d] for d in used)
                below = {d for d in able[line.item] if level[d] < top}
                best = min(
                    max((key[d] for d in chosen), default=0.0)
                    for chosen in subsets(d for d in able[line.item] if level[d] == top)
                    if enough(chosen | below, line.item, wanted[line.item])
                )
                assert max(key[d] for d in used if level[d] == top) == best
        assert not used & {row.depot_id for row in line.refused}
    if way == "fewest_depots":
        every = set().union(*(found.keys() for found in able.values()))
        good = [c for c in subsets(every) if all(enough(c, i, wanted[i]) for i in wanted)]
        count = min(len(c) for c in good)
        best = min(max((key[d] for d in c), default=0.0) for c in good if len(c) == count)
        assert len(plan.depots_used) == count
        assert max((key[d] for d in plan.depots_used), default=0.0) <= best
    for (depot, item, lot), quantity in given_e3.items():
        assert quantity <= sum(q for d, i, n, q in case["lots"] if (d, i, n) == (depot, item, lot))
    moved = {row.depot_id: row for row in plan.ranked_down}
    assert all(moved[d].is_used == (d in plan.depots_used) for d in moved)
    if way == "earliest" and not case["later"] and not case["substitutes"]:
        plain = plan_supply(stock, at_seconds(**case["arrival_s"]), case["needs"], at=AT, within_s=case["within_s"])
        assert plan.lines == plain.lines
    json.dumps(plan.to_json(), allow_nan=False)


@settings(max_examples=100, deadline=None)
@given(case=cases(), way=st.sampled_from(WAYS), seed=st.integers(0, 1000))
def test_order_of_rows_and_depots_does_not_matter(case: dict[str, Any], way: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    frame = lots(*case["lots"])
    shuffled = {str(d): case["arrival_s"][str(d)] for d in rng.permutation(list(case["arrival_s"]))}
    keywords = {name: case[name] for name in ("within_s", "levels", "later", "substitutes", "whole")}

    def plan(frame: pd.DataFrame, arrival_s: dict[str, float]) -> SupplyPlan:
        stock = stock_table(frame, items=list("XYSTU"))
        return plan_in_way(stock, at_seconds(**arrival_s), case["needs"], at=AT, way=way, **keywords)

    first, second = plan(frame, case["arrival_s"]), plan(frame.iloc[rng.permutation(len(frame))], shuffled)
    assert [line.ready_s for line in first.lines] == [line.ready_s for line in second.lines]
    assert len(first.depots_used) == len(second.depots_used)
    if way != "fewest_depots":
        assert [line.pieces for line in first.lines] == [line.pieces for line in second.lines]


# -- by hand --------------------------------------------------------------------------------------

BIG_PUMP = Substitute("big", 2000, 1000)  # one of 100 m3/h for two of 50


def test_one_large_pump_stands_for_two() -> None:
    stock = stock_table(lots(("A", "pump", "1", 1000), ("B", "big", "1", 5000)))
    plan = plan_in_way(stock, at_seconds(A=60.0, B=120.0), {"pump": 4}, at=AT, substitutes={"pump": [BIG_PUMP]})
    line = plan.lines[0]
    assert taken(plan) == [("A", "pump", 1), ("B", "big", 2)]  # 1 + 2 x 2, of which 3 are needed
    assert [piece.covers_e3 for piece in line.pieces] == [None, Fraction(3000)]
    assert (line.allocated_e3, line.short_e3, line.ready_s) == (4000, 0, 120.0)
    row = plan.to_json()["lines"][0]["from"][1]
    assert (row["item"], row["instead_of"], row["quantity"], row["covers"]) == ("big", "pump", 2, 3)


def test_what_is_asked_for_beats_a_substitute_that_is_as_quick_and_not_one_that_is_quicker() -> None:
    stock = stock_table(lots(("A", "big", "1", 5000), ("B", "pump", "1", 5000)))

    def plan(a: float, b: float) -> list[Any]:
        found = plan_in_way(stock, at_seconds(A=a, B=b), {"pump": 2}, at=AT, substitutes={"pump": [BIG_PUMP]})
        return taken(found)

    assert plan(60.0, 60.0) == [("B", "pump", 2)]
    assert plan(60.0, 60.1) == [("A", "big", 1)]


def test_fractions_are_exact_and_units_whole() -> None:
    third = Substitute("s", 1000, 3000)
    stock = stock_table(lots(("A", "s", "1", 2000), ("B", "s", "1", 1000), ("C", "s", "1", 2999)), items=["x", "s"])
    depots = at_seconds(A=1.0, B=2.0, C=3.0)
    plan = plan_in_way(stock, depots, {"x": 1}, at=AT, substitutes={"x": [third]})
    assert taken(plan) == [("A", "s", 2), ("B", "s", 1)]  # two thirds and a third
    assert sum((p.covers_e3 for p in plan.lines[0].pieces if p.covers_e3), Fraction(0)) == 1000
    more = plan_in_way(stock, depots, {"x": 2}, at=AT, substitutes={"x": [third]})
    assert more.lines[0].allocated_e3 == 1666  # C has two whole ones: 5 thirds, rounded down
    fine = plan_in_way(stock, depots, {"x": 2}, at=AT, substitutes={"x": [third._replace(is_whole=False)]})
    assert fine.lines[0].allocated_e3 == 1999


def test_what_a_substitute_leaves_is_rounded_up_to_a_whole_unit() -> None:
    stock = stock_table(lots(("A", "s", "1", 1000), ("B", "x", "1", 9000)))
    depots, third = at_seconds(A=1.0, B=2.0), Substitute("s", 1000, 3000)
    levels = {"A": "street", "B": "city"}
    keywords: dict[str, Any] = {"at": AT, "way": "own_level", "levels": levels, "substitutes": {"x": [third]}}
    plan = plan_in_way(stock, depots, {"x": 5}, whole=["x"], **keywords)
    assert taken(plan) == [("A", "s", 1), ("B", "x", 5)]  # four and two thirds are missing
    assert plan.lines[0].allocated_e3 == 5000
    fine = plan_in_way(stock, depots, {"x": 5}, **keywords)
    assert taken(fine) == [("A", "s", 1), ("B", "x", 4.667)]


def test_a_substitute_that_is_asked_for_itself_stays_for_that() -> None:
    stock = stock_table(lots(("A", "big", "1", 5000)), items=["pump", "big"])
    plan = plan_in_way(stock, at_seconds(A=1.0), {"pump": 2, "big": 5}, at=AT, substitutes={"pump": [BIG_PUMP]})
    assert [line.allocated_e3 for line in plan.lines] == [0, 5000]


def test_a_depot_not_counted_stands_later_in_the_rank_and_its_arrival_does_not() -> None:
    stock = stock_table(lots(("A", "X", "1", 5000), ("B", "X", "1", 5000)))
    later = {"A": Later(600.0, "not counted for 120 days", "120 天未盘点")}

    def plan(b: float, needed: int) -> SupplyPlan:
        return plan_in_way(stock, at_seconds(A=100.0, B=b), {"X": needed}, at=AT, later=later)

    near = plan(699.9, 5)
    assert taken(near) == [("B", "X", 5)]
    assert [(r.depot_id, r.reason) for r in near.refused] == [("A", "ranked_down")]
    assert "not counted for 120 days" in near.refused[0].detail
    assert "120 天未盘点" in near.refused[0].detail_zh
    assert near.ranked_down == (("A", 600.0, False, "not counted for 120 days", "120 天未盘点"),)
    assert taken(plan(700.0, 5)) == [("A", "X", 5)]  # equal in rank: by id
    far = plan(700.1, 5)
    assert taken(far) == [("A", "X", 5)]
    assert far.lines[0].ready_s == 100.0
    assert far.ranked_down[0].is_used
    both = plan(150.0, 10)
    assert [(p.depot_id, p.arrival_s) for p in both.lines[0].pieces] == [("A", 100.0), ("B", 150.0)]


def test_rank_does_not_touch_the_deadline() -> None:
    stock = stock_table(lots(("A", "X", "1", 5000)))
    later = {"A": Later(600.0, "old", "旧")}
    plan = plan_in_way(stock, at_seconds(A=100.0), {"X": 5}, at=AT, within_s=100.0, later=later)
    assert plan.lines[0].short_e3 == 0


def test_own_level_first_costs_minutes_and_says_why_others_wait() -> None:
    stock = stock_table(lots(*((d, "X", "1", 5000) for d in "ABCD")))
    depots = at_seconds(A=60.0, B=1200.0, C=600.0, D=30.0)
    levels = {"A": "city", "B": "community", "C": "street", "D": "district"}
    plan = plan_in_way(stock, depots, {"X": 8}, at=AT, way="own_level", levels=levels)
    assert taken(plan) == [("C", "X", 3), ("B", "X", 5)]
    assert plan.ready_s == 1200.0
    quick = plan_in_way(stock, depots, {"X": 8}, at=AT)
    assert quick.ready_s == 60.0
    assert {r.depot_id: r.reason for r in plan.refused} == {"A": "higher_level", "D": "higher_level"}


def test_own_level_first_says_that_a_nearer_depot_of_the_level_has_it_all() -> None:
    """Not that it comes later than the last piece: that one comes later still, from a lower level."""
    stock = stock_table(lots(*((d, "X", "1", 5000) for d in "ABC")))
    levels = {"A": "community", "B": "district", "C": "district"}
    plan = plan_in_way(stock, at_seconds(A=3000.0, B=600.0, C=900.0), {"X": 8}, at=AT, way="own_level", levels=levels)
    assert taken(plan) == [("B", "X", 3), ("A", "X", 5)]
    (refused,) = plan.refused
    assert (refused.depot_id, refused.reason) == ("C", "not_needed")
    assert refused.detail == "5 available after 15 min, not needed: nearer depots of its level have it all"


def test_fewest_depots_for_two_items_together() -> None:
    stock = stock_table(
        lots(("A", "X", "1", 5000), ("B", "Y", "1", 5000), ("C", "X", "1", 5000), ("C", "Y", "1", 5000))
    )
    depots = at_seconds(A=60.0, B=60.0, C=600.0)
    plan = plan_in_way(stock, depots, {"X": 5, "Y": 5}, at=AT, way="fewest_depots")
    assert plan.depots_used == ("C",)
    reasons = {(r.item, r.depot_id): r.reason for r in plan.refused}
    assert (reasons["X", "A"], reasons["Y", "B"]) == ("more_depots", "more_depots")
    assert len(plan_in_way(stock, depots, {"X": 5, "Y": 5}, at=AT).depots_used) == 2


def test_fewest_depots_are_the_earliest_of_their_number() -> None:
    stock = stock_table(
        lots(("A", "X", "1", 3000), ("B", "X", "1", 9000), ("C", "X", "1", 5000), ("D", "X", "1", 5000))
    )
    depots = at_seconds(A=1.0, B=500.0, C=200.0, D=100.0)
    assert taken(plan_in_way(stock, depots, {"X": 5}, at=AT, way="fewest_depots")) == [("D", "X", 5)]
    assert taken(plan_in_way(stock, depots, {"X": 9}, at=AT, way="fewest_depots")) == [("B", "X", 9)]
    assert len(plan_in_way(stock, depots, {"X": 99}, at=AT, way="fewest_depots").depots_used) == 4


@pytest.mark.parametrize("way", WAYS)
def test_nothing_to_give_is_short_in_every_way(way: Any) -> None:
    stock = stock_table(lots(), items=["X"])
    plan = plan_in_way(stock, at_seconds(A=1.0), {"X": 5}, at=AT, way=way, levels={"A": "city"})
    assert (plan.lines[0].short_e3, plan.ready_s, plan.depots_used) == (5000, None, ())


@pytest.mark.parametrize(
    "keywords, error, named",
    [
        ({"way": "cheapest"}, InputError, "cheapest"),
        ({"way": "own_level"}, InputError, "levels"),
        ({"way": "own_level", "levels": {"A": "moon"}}, InputError, "moon"),
        ({"later": {"A": Later(-1.0, "", "")}}, InputError, "later=-1"),
        ({"later": {"A": Later(math.inf, "", "")}}, InputError, "later=inf"),
        ({"substitutes": {"X": [Substitute("Y", 0, 1)]}}, InputError, "above 0"),
        ({"substitutes": {"X": [Substitute("nil", 1, 1)]}}, NotFound, "nil"),
    ],
)
def test_what_cannot_be_is_refused(keywords: dict[str, Any], error: type[Exception], named: str) -> None:
    stock = stock_table(lots(("A", "X", "1", 5000)), items=["X", "Y"])
    with pytest.raises(error, match=named):
        plan_in_way(stock, at_seconds(A=1.0), {"X": 1}, at=AT, **keywords)
