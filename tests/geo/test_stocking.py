"""Stocking against every way to place the packs."""

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from geo.errors import InputError, Unavailable
from geo.stocking import SHORTFALLS, StockingProblem, StockPlan, plan_stocking, stocking_problem

INF, NAN = math.inf, math.nan
LIMIT_S = 10.0


@st.composite
def problems(draw: st.DrawFn) -> StockingProblem:
    n, m, q = draw(st.integers(1, 3)), draw(st.integers(1, 2)), draw(st.integers(1, 2))

    def table(rows: int, columns: int, values: st.SearchStrategy[Any]) -> list[list[Any]]:
        return [[draw(values) for _ in range(columns)] for _ in range(rows)]

    pack_volume = [draw(st.integers(0, 3)) for _ in range(q)]
    held = table(m, q, st.sampled_from([0, 0, 0, 1]))
    used = [sum(v * h for v, h in zip(pack_volume, row, strict=True)) for row in held]
    return stocking_problem(
        table(n, m, st.sampled_from([2.0, 5.0, 10.0, 10.001, 30.0, INF, NAN])),
        table(n, q, st.integers(0, 5)),
        [draw(st.integers(1, 4)) for _ in range(n)],
        pack=[draw(st.integers(1, 4)) for _ in range(q)],
        pack_volume=pack_volume,
        pack_cost=[draw(st.integers(0, 3)) for _ in range(q)],
        volume=[u + draw(st.integers(0, 6)) for u in used],
        budget=draw(st.integers(0, 8)),
        held=held,
        limit_s=LIMIT_S,
    )


def value(problem: StockingProblem, stock: Any) -> tuple[float, float, float]:
    """In time, at all, and total seconds of the best deliveries from so many units by depot and item."""
    triples = [
        (i, j, k)
        for i, j, k in itertools.product(*map(range, (*problem.time_s.shape, len(problem.pack))))
        if math.isfinite(problem.time_s[i, j]) and problem.need[i, k] > 0
    ]
    if not triples:
        return 0.0, 0.0, 0.0
    rows: list[list[float]] = []
    upper: list[float] = []
    for i, k in itertools.product(*map(range, problem.need.shape)):
        rows.append([float((a, c) == (i, k)) for a, _, c in triples])
        upper.append(float(problem.need[i, k]))
    for j, k in itertools.product(*map(range, problem.held.shape)):
        rows.append([float((b, c) == (j, k)) for _, b, c in triples])
        upper.append(float(stock[j][k]))
    weight = np.array([problem.persons[i] / problem.need[i, k] for i, _, k in triples])
    times = np.array([problem.time_s[i, j] for i, j, _ in triples])
    found = []
    for costs in (-weight * (times <= LIMIT_S), -weight, weight * times):
        solved = linprog(costs, np.array(rows), np.array(upper))
        found.append(float(solved.fun))
        rows.append(costs.tolist())
        upper.append(solved.fun + 1e-9)
    return -found[0], -found[1], found[2]


def every(problem: StockingProblem) -> Any:
    """All packs that keep to the volumes and the budget and are not plainly idle."""
    most = -(-problem.need.sum(axis=0) // problem.pack)
    m, q = problem.held.shape
    for flat in itertools.product(*(range(int(most[k]) + 1) for _ in range(m) for k in range(q))):
        packs = np.array(flat).reshape(m, q)
        fits = ((packs + problem.held) @ problem.pack_volume <= problem.volume).all()
        if fits and (packs @ problem.pack_cost).sum() <= problem.budget:
            yield packs


def check(plan: StockPlan) -> None:
    """What every plan keeps to, by whole numbers."""
    problem = plan.problem
    assert (plan.volume_used <= problem.volume).all()
    assert plan.cost <= problem.budget
    assert (plan.packs >= 0).all()
    assert (plan.delivered >= 0).all()
    assert (plan.short >= 0).all()
    assert (plan.delivered.sum(axis=0) <= (plan.packs + problem.held) * problem.pack).all()
    assert np.isfinite(problem.time_s)[plan.delivered.sum(axis=2) > 0].all()
    for i, k in itertools.product(*map(range, problem.need.shape)):
        reason = plan.reasons[i][k]
        assert (reason is None) == (plan.short[i, k] + plan.late[i, k] == 0)
        near = problem.time_s[i] <= LIMIT_S
        room = (problem.volume - plan.volume_used)[near] >= problem.pack_volume[k]
        money = problem.budget - plan.cost >= problem.pack_cost[k]
        if reason is not None:
            assert reason in SHORTFALLS
            assert reason != "unfinished"  # one pack more would have met it in time
            assert not (room.any() and money)
            assert (reason in ("no_road", "too_far")) == (not near.any())
            assert (reason == "no_road") == (not np.isfinite(problem.time_s[i]).any())


@settings(max_examples=120)
@given(problem=problems())
def test_no_way_to_place_the_packs_is_better(problem: StockingProblem) -> None:
    plan = plan_stocking(problem)
    check(plan)
    assert plan.is_optimal
    best = max(
        ((a, b, -c) for a, b, c in (value(problem, (p + problem.held) * problem.pack) for p in every(problem))),
        key=lambda row: tuple(round(v, 6) for v in row),
    )
    in_time, at_all, mean = plan.stages
    assert in_time.value == pytest.approx(best[0], abs=1e-6)
    assert at_all.value == pytest.approx(best[1], abs=1e-6)
    if at_all.value:
        assert mean.value == pytest.approx(plan.mean_s)
        assert plan.mean_s == pytest.approx(-best[2] / best[1], abs=1e-5)


def one(**more: Any) -> StockingProblem:
    """One place, a near depot and one that is too far; a pack of two units takes 3 and costs 5."""
    given_ = {
        "time_s": [[3600.0, 3600.1]],
        "need": [[4]],
        "persons": [7],
        "pack": [2],
        "pack_volume": [3],
        "pack_cost": [5],
        "volume": [6, 100],
        "budget": 10,
    } | more
    time_s, need, persons = (given_.pop(name) for name in ("time_s", "need", "persons"))
    return stocking_problem(time_s, need, persons, **given_)


def test_volume_and_budget_are_used_up_to_the_last() -> None:
    plan = plan_stocking(one())
    assert plan.packs.tolist() == [[2], [0]]  # 6 of 6, 10 of 10, at 3600.0 s
    assert (plan.cost, plan.volume_used.tolist(), plan.short.tolist()) == (10, [6, 0], [[0]])
    assert plan.reasons == [[None]]
    assert plan.stages[0].value == 7.0
    less = plan_stocking(one(budget=9))
    assert less.packs.tolist() == [[1], [0]]
    assert less.reasons == [["budget"]]
    assert less.short.tolist() == [[2]]


def test_late_is_better_than_not_at_all_and_says_why() -> None:
    plan = plan_stocking(one(volume=[5, 100]))
    assert plan.packs.tolist() == [[1], [1]]
    assert plan.late.tolist() == [[2]]
    assert plan.short.tolist() == [[0]]
    assert plan.reasons == [["volume_and_budget"]]
    assert plan_stocking(one(volume=[5, 100], budget=15)).reasons == [["volume"]]
    assert plan_stocking(one(time_s=[[4000.0, INF]])).reasons == [["too_far"]]
    assert plan_stocking(one(time_s=[[INF, NAN]])).reasons == [["no_road"]]


def test_what_is_held_takes_volume_and_costs_nothing() -> None:
    plan = plan_stocking(one(held=[[1], [0]], budget=5))
    assert plan.packs.tolist() == [[1], [0]]
    assert plan.short.tolist() == [[0]]
    assert plan.volume_used.tolist() == [6, 0]


def test_persons_weigh_and_not_pieces() -> None:
    # One pack only: 100 bottles for 3 persons, or 1 tent for 4.
    plan = plan_stocking(
        stocking_problem(
            [[60.0], [60.0]],
            [[100, 0], [0, 1]],
            [3, 4],
            pack=[100, 1],
            pack_volume=[1, 1],
            pack_cost=[1, 1],
            volume=[1],
            budget=9,
        )
    )
    assert plan.packs.tolist() == [[0, 1]]
    assert plan.reasons == [["volume", None], [None, None]]


def test_nothing_needed_and_no_places() -> None:
    assert plan_stocking(one(need=[[0]])).packs.sum() == 0
    empty = plan_stocking(one(time_s=np.zeros((0, 2)), need=np.zeros((0, 1)), persons=[]))
    assert empty.packs.sum() == 0
    assert math.isnan(empty.mean_s)
    assert empty.is_optimal


def test_stopped_early_it_keeps_to_the_bounds_and_says_so() -> None:
    rng = np.random.default_rng(1)
    n, m, q = 40, 8, 6
    problem = stocking_problem(
        rng.integers(100, 5000, (n, m)),
        rng.integers(0, 60, (n, q)),
        rng.integers(1, 900, n),
        pack=rng.integers(5, 20, q),
        pack_volume=rng.integers(50, 300, q),
        pack_cost=rng.integers(100, 900, q),
        volume=rng.integers(2_000, 9_000, m),
        budget=60_000,
    )
    plan = plan_stocking(problem, time_limit_s=0.5)
    assert not plan.is_optimal
    assert (plan.volume_used <= problem.volume).all()
    assert plan.cost <= problem.budget
    assert plan.stages[0].value <= plan.stages[0].bound
    with pytest.raises(Unavailable, match="give it more"):
        plan_stocking(problem, time_limit_s=1e-9)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"time_s": [[1.0, -1.0]]}, "time_s=-1"),
        ({"time_s": [[1.0, 2.0]] * 2}, "a row for each place"),
        ({"time_s": np.zeros((1, 0)), "volume": []}, "no depot"),
        ({"need": [[1.5]]}, "need=1.5"),
        ({"need": [[NAN]]}, "need=nan"),
        ({"persons": [0]}, "persons=0 of place 0"),
        ({"persons": [-1]}, "persons=-1"),
        ({"pack": [0]}, "pack=0 of item 0"),
        ({"pack": [1, 2]}, r"pack: shape \(2,\); expected \(1,\)"),
        ({"volume": [6, INF]}, "volume=inf"),
        ({"budget": -1}, "budget=-1"),
        ({"held": [[3], [0]]}, "the packs of depot 0 take 3 more"),
        ({"limit_s": 0.0}, "limit_s=0.0"),
    ],
)
def test_a_problem_that_is_none_is_refused(more: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        one(**more)


def test_a_time_limit_of_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="time_limit_s=0"):
        plan_stocking(one(), time_limit_s=0.0)
