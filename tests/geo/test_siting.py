"""Siting against every subset of the candidates."""

import itertools
import json
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from geo.errors import Infeasible, InputError, Unavailable
from geo.integer_program import Clock, IntegerProgram
from geo.siting import (
    Siting,
    SitingProblem,
    fewest_sites,
    least_mean_time,
    least_worst_time,
    most_covered,
    siting_problem,
)
from geo.siting_gain import coverage_curve, gains

INF, NAN = math.inf, math.nan
LIMIT_S = 10.0
TIMES_S = [1.0, 4.0, 9.999, 10.0, 10.001, 12.0, 20.0, INF, NAN]  # 10.0 is at the limit


# -- the oracle -------------------------------------------------------------------------------------


@st.composite
def problems(draw: st.DrawFn) -> SitingProblem:
    n, m = draw(st.integers(1, 6)), draw(st.integers(1, 5))
    row = st.lists(st.sampled_from(TIMES_S), min_size=m, max_size=m)
    flags = [draw(st.sampled_from(["", "", "", "existing", "excluded"])) for _ in range(m)]
    if set(flags) == {"excluded"}:
        flags[0] = ""
    return siting_problem(
        [draw(row) for _ in range(n)],
        [draw(st.integers(0, 4)) for _ in range(n)],
        limit_s=LIMIT_S,
        existing=[flag == "existing" for flag in flags],
        excluded=[flag == "excluded" for flag in flags],
        cost=[draw(st.integers(0, 4)) for _ in range(m)] if draw(st.booleans()) else None,
        capacity=[draw(st.integers(0, 7)) for _ in range(m)] if draw(st.booleans()) else None,
    )


def choices(problem: SitingProblem, *, sites: int | None = None, budget: int | None = None) -> Iterator[list[int]]:
    """Every choice that keeps what exists, leaves out what is excluded, and keeps within the number or the budget."""
    must = set(np.flatnonzero(problem.existing).tolist())
    free = [j for j in range(len(problem.existing)) if problem.allowed[j] and j not in must]
    for size in range(len(free) + 1):
        for new in itertools.combinations(free, size):
            chosen = sorted(must | set(new))
            cost = 0 if problem.cost is None else sum(int(problem.cost[j]) for j in new)
            if (sites is None or len(chosen) <= sites) and (budget is None or cost <= budget):
                yield chosen


def times_covered(problem: SitingProblem, chosen: list[int]) -> list[int]:
    return [sum(problem.ms[i, j] <= LIMIT_S * 1000 for j in chosen) for i in range(len(problem.persons))]


def persons_of(problem: SitingProblem, places: Any) -> int:
    return sum(int(problem.persons[i]) for i in places)


def backup(problem: SitingProblem, chosen: list[int], times: int) -> int:
    covered = times_covered(problem, chosen)
    return persons_of(problem, (i for i, count in enumerate(covered) if count >= times))


def flow(problem: SitingProblem, chosen: list[int], usable: Any) -> tuple[int, float]:
    """Persons served at most over the usable pairs, and their least total seconds: a linear program of its own."""
    pairs = [(i, j) for i in range(len(problem.persons)) for j in chosen if usable(i, j)]
    if not pairs:
        return 0, 0.0
    rows = [[float(i == place) for i, _ in pairs] for place in range(len(problem.persons))]
    upper = [float(p) for p in problem.persons]
    for j in chosen:
        rows.append([float(site == j) for _, site in pairs])
        upper.append(math.inf if problem.capacity is None else float(problem.capacity[j]))
    keep = [k for k, u in enumerate(upper) if math.isfinite(u)]
    matrix, bounds = np.array(rows)[keep], np.array(upper)[keep]
    most = linprog(-np.ones(len(pairs)), matrix, bounds)
    served = round(-most.fun)
    cost = [problem.ms[i, j] / 1000 for i, j in pairs]
    least = linprog(cost, matrix, bounds, np.ones((1, len(pairs))), [served])
    return served, float(least.fun)


def within(problem: SitingProblem) -> Any:
    return lambda i, j: problem.ms[i, j] <= LIMIT_S * 1000


def finite(problem: SitingProblem) -> Any:
    return lambda i, j: math.isfinite(problem.ms[i, j])


def meets(problem: SitingProblem, chosen: list[int], covers: int) -> bool:
    """Every place with persons has as many sites within the limit as asked, or as there are."""
    allowed = np.flatnonzero(problem.allowed).tolist()
    able = times_covered(problem, allowed)
    has = times_covered(problem, chosen)
    return all(h >= min(covers, a) for h, a, p in zip(has, able, problem.persons, strict=True) if p > 0)


def check(found: Siting) -> None:
    """What every answer keeps to, by recount."""
    problem = found.problem
    chosen = list(found.sites)
    assert set(np.flatnonzero(problem.existing)) <= set(chosen)
    assert problem.allowed[chosen].all()
    assert found.is_optimal
    assert found.gap == 0
    assert found.bound == pytest.approx(found.objective, nan_ok=True)
    assert (found.assigned >= 0).all()
    assert (found.unserved >= 0).all()
    if problem.capacity is not None:
        assert (found.assigned.sum(axis=0) <= problem.capacity[chosen]).all()
    assert np.isfinite(problem.ms[:, chosen][found.assigned > 0]).all()


@settings(max_examples=60)
@given(problem=problems(), covers=st.integers(1, 3), most_backup=st.booleans())
def test_no_smaller_choice_covers_all(problem: SitingProblem, covers: int, most_backup: bool) -> None:
    found = fewest_sites(problem, covers=covers, most_backup=most_backup)
    check(found)
    allowed = np.flatnonzero(problem.allowed).tolist()
    served = flow(problem, allowed, within(problem))[0]

    def size(chosen: list[int]) -> int:
        if problem.cost is None:
            return len(chosen)
        return sum(int(problem.cost[j]) for j in chosen if not problem.existing[j])

    def does(chosen: list[int]) -> bool:
        if problem.capacity is not None and flow(problem, chosen, within(problem))[0] < served:
            return False
        return meets(problem, chosen, covers)

    good = [chosen for chosen in choices(problem) if does(chosen)]
    least = min(size(chosen) for chosen in good)
    assert does(list(found.sites))
    assert size(list(found.sites)) == found.objective == least
    assert found.assigned.sum() == served
    if most_backup:
        best = max(backup(problem, chosen, covers + 1) for chosen in good if size(chosen) == least)
        assert found.backup_is_optimal
        assert backup(problem, list(found.sites), covers + 1) == found.backup_persons == best


def limits(problem: SitingProblem, data: st.DataObject) -> dict[str, int]:
    """A number of sites or a budget that the problem allows."""
    free = int((problem.allowed).sum())
    if problem.cost is not None and data.draw(st.booleans()):
        new = problem.cost[problem.allowed & ~problem.existing]
        return {"budget": data.draw(st.integers(int(new.min()) if len(new) else 0, 12))}
    return {"sites": data.draw(st.integers(max(1, int(problem.existing.sum())), free))}


def check_ties(found: Siting, good: list[list[int]], times: int, limit: dict[str, int], most_backup: bool) -> None:
    """Among the optimum the most backup, then the least cost of a budget."""
    problem = found.problem
    if most_backup:
        best = max(backup(problem, chosen, times) for chosen in good)
        assert found.backup_is_optimal
        assert backup(problem, list(found.sites), times) == best
        good = [chosen for chosen in good if backup(problem, chosen, times) == best]
    if "budget" in limit:
        cost = problem.cost
        assert cost is not None

        def new_cost(chosen: Any) -> int:
            return sum(int(cost[j]) for j in chosen if not problem.existing[j])

        assert found.new_cost == new_cost(found.sites) == min(new_cost(chosen) for chosen in good)
    else:
        assert len(found.sites) == limit["sites"]


@settings(max_examples=60)
@given(problem=problems(), covers=st.integers(1, 2), most_backup=st.booleans(), data=st.data())
def test_no_other_choice_covers_more(
    problem: SitingProblem, covers: int, most_backup: bool, data: st.DataObject
) -> None:
    limit = limits(problem, data)
    if covers > limit.get("sites", 9):
        covers = 1
    found = most_covered(problem, **limit, covers=covers, most_backup=most_backup)
    check(found)

    def value(chosen: list[int]) -> int:
        times = times_covered(problem, chosen)
        return flow(problem, chosen, lambda i, j: within(problem)(i, j) and times[i] >= covers)[0]

    values = [(value(chosen), chosen) for chosen in choices(problem, **limit)]
    best = max(v for v, _ in values)
    assert found.objective == found.assigned.sum() == found.covered_persons == value(list(found.sites)) == best
    check_ties(found, [chosen for v, chosen in values if v == best], covers + 1, limit, most_backup)


@settings(max_examples=60)
@given(problem=problems(), covers=st.integers(0, 2), most_backup=st.booleans(), is_mean=st.booleans(), data=st.data())
def test_no_other_choice_is_quicker(
    problem: SitingProblem, covers: int, most_backup: bool, is_mean: bool, data: st.DataObject
) -> None:
    limit = limits(problem, data)
    if covers > limit.get("sites", 9):
        covers = 0
    solver = least_mean_time if is_mean else least_worst_time
    able = [chosen for chosen in choices(problem, **limit) if meets(problem, chosen, covers)]
    if not able:
        with pytest.raises(Infeasible, match=r"covers=.*the least that has is"):
            solver(problem, **limit, covers=covers, most_backup=most_backup)
        return
    found = solver(problem, **limit, covers=covers, most_backup=most_backup)
    check(found)
    assert meets(problem, list(found.sites), covers)
    reached = {tuple(chosen): flow(problem, chosen, finite(problem)) for chosen in able}
    most = max(served for served, _ in reached.values())
    able = [chosen for chosen in able if reached[tuple(chosen)][0] == most]
    assert found.assigned.sum() == most

    def value(chosen: list[int]) -> float:
        if most == 0:
            return 0.0
        if is_mean:
            return reached[tuple(chosen)][1] / most
        return next(
            t / 1000
            for t in sorted(set(problem.ms[np.isfinite(problem.ms)]))
            if flow(problem, chosen, lambda i, j, t=t: problem.ms[i, j] <= t)[0] == most
        )

    values = [(round(value(chosen), 6), chosen) for chosen in able]
    best = min(v for v, _ in values)
    if most:
        assert found.objective == pytest.approx(best, abs=1e-6)
        assert (found.mean_s if is_mean else found.worst_s) == pytest.approx(best, abs=1e-6)
    else:
        assert math.isnan(found.objective)
    check_ties(found, [chosen for v, chosen in values if v == best], max(1, covers) + 1, limit, most_backup)


@settings(max_examples=30)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_cuts_say_what_every_subset_says(seed: int) -> None:
    """More sites than the small cases have, so that multipliers, fixing and cuts all take part."""
    rng = np.random.default_rng(seed)
    n, m, p = 40, 12, int(rng.integers(2, 5))
    time_s = np.round(np.hypot(*(rng.random((n, 1, 2)) - rng.random((1, m, 2))).transpose(2, 0, 1)), 2)
    persons = rng.integers(1, 50, n)
    problem = siting_problem(time_s, persons, limit_s=0.3, existing=np.arange(m) == 3)
    best = {
        "mean": min(
            (persons * np.rint(time_s[:, list(c)].min(axis=1) * 1000).astype(int)).sum()
            for c in itertools.combinations(range(m), p)
            if 3 in c
        ),
        "worst": min(time_s[:, list(c)].min(axis=1).max() for c in itertools.combinations(range(m), p) if 3 in c),
    }
    mean, worst = least_mean_time(problem, sites=p), least_worst_time(problem, sites=p)
    assert mean.total_person_ms == best["mean"]
    assert mean.is_optimal
    assert worst.objective == pytest.approx(best["worst"])
    assert worst.is_optimal


@settings(max_examples=60)
@given(problem=problems(), covers=st.integers(1, 2))
def test_the_curve_and_the_gains_are_those_of_every_subset(problem: SitingProblem, covers: int) -> None:
    def value(chosen: list[int]) -> int:
        times = times_covered(problem, chosen)
        return flow(problem, chosen, lambda i, j: within(problem)(i, j) and times[i] >= covers)[0]

    there = np.flatnonzero(problem.existing).tolist()
    points = list(coverage_curve(problem, covers=covers))
    assert points[0].sites == len(there)
    for point in points:
        best = max(value(chosen) for chosen in choices(problem, sites=point.sites))
        assert point.persons == point.bound == best
        assert point.is_optimal
        assert len(point.chosen) == point.sites
        assert value(list(point.chosen)) == best
    assert points[-1].persons == value(np.flatnonzero(problem.allowed).tolist())

    free = int((problem.allowed).sum())
    found = most_covered(problem, sites=max(1, points[-1].sites, covers), covers=covers) if free >= covers else None
    if found is None:
        return
    brought = gains(found)
    for j in range(len(problem.existing)):
        is_new = problem.allowed[j] and not problem.existing[j]
        assert brought.added[j] == (value([*there, j]) - value(there) if is_new else 0)
    for j, lost in zip(found.sites, brought.lost, strict=True):
        assert lost == value(list(found.sites)) - value([k for k in found.sites if k != j])


def test_the_curve_ends_where_it_is_told_to() -> None:
    problem = siting_problem(np.where(np.eye(4), 1.0, 99.0), [4, 3, 2, 1], limit_s=1.0, existing=[0, 0, 0, 1])
    assert [(p.sites, p.persons) for p in coverage_curve(problem)] == [(1, 1), (2, 5), (3, 8), (4, 10)]
    assert [p.sites for p in coverage_curve(problem, up_to=2)] == [1, 2]
    with pytest.raises(InputError, match="covers=0"):
        coverage_curve(problem, covers=0)
    for up_to in (0, 5):
        with pytest.raises(InputError, match=f"up_to={up_to}"):
            coverage_curve(problem, up_to=up_to)


# -- bounds, ties, what is listed --------------------------------------------------------------------


def test_a_place_at_exactly_the_limit_counts() -> None:
    problem = siting_problem([[3600.0, 3600.001], [3600.0004, 3600.1]], [5, 7], limit_s=3600.0)
    assert problem.within.tolist() == [[True, False], [True, False]]  # 3600.0004 s is 3600 s in whole milliseconds
    assert most_covered(problem, sites=1).sites == (0,)
    assert most_covered(problem, sites=1).objective == 12


def test_unreachable_places_are_listed_and_not_fatal() -> None:
    problem = siting_problem([[1.0, 2.0], [INF, NAN], [50.0, 60.0]], [1, 2, 4], limit_s=10.0)
    assert problem.unreachable.tolist() == [1]
    assert problem.too_far.tolist() == [2]
    for found in (
        fewest_sites(problem),
        most_covered(problem, sites=1),
        least_mean_time(problem, sites=1),
        least_worst_time(problem, sites=1),
    ):
        assert found.sites == (0,)
        assert found.is_optimal
        assert found.unserved[1] == 2
        assert found.times_s[1] == INF
    assert least_worst_time(problem, sites=1).objective == 50.0
    assert least_mean_time(problem, sites=1).objective == pytest.approx((1 + 4 * 50) / 5)


def test_two_islands_and_one_site_reach_the_larger_island_first() -> None:
    problem = siting_problem([[1.0, INF], [INF, 500.0], [INF, 500.0]], [9, 5, 5], limit_s=10.0)
    assert least_mean_time(problem, sites=1).sites == (1,)
    assert least_worst_time(problem, sites=1).sites == (1,)
    assert least_mean_time(problem, sites=2).mean_s == pytest.approx((9 + 10 * 500) / 19)


def test_backup_settles_ties_by_persons() -> None:
    # 0 or 1 beside 2 cover all; with 1 the larger place is covered twice.
    problem = siting_problem([[1, 99, 99], [1, 1, 1], [99, 1, 1], [99, 99, 1]], [1, 1, 9, 1], limit_s=10)
    plain = fewest_sites(problem)
    assert plain.objective == 2
    assert plain.sites == (0, 2)
    assert plain.backup_persons == 1
    freer = siting_problem([[1, 1, 99], [99, 1, 1], [1, 99, 1]], [1, 9, 3], limit_s=10)
    found = fewest_sites(freer, most_backup=True)
    assert found.objective == 2
    assert found.sites == (1, 2)
    assert found.backup_persons == 9


def test_the_same_question_gets_the_same_answer() -> None:
    rng = np.random.default_rng(5)
    problem = siting_problem(rng.random((30, 10)), np.ones(30), limit_s=0.2)
    runs = [(most_covered(problem, sites=4), least_mean_time(problem, sites=4)) for _ in range(2)]
    assert [r.sites for r in runs[0]] == [r.sites for r in runs[1]]
    assert all((a.assigned == b.assigned).all() for a, b in zip(*runs, strict=True))


def test_no_places_and_no_persons() -> None:
    empty = siting_problem(np.zeros((0, 3)), [], limit_s=1.0)
    assert fewest_sites(empty).sites == ()
    assert len(most_covered(empty, sites=2).sites) == 2
    assert math.isnan(least_mean_time(empty, sites=1).objective)
    assert math.isnan(least_worst_time(empty, sites=1).objective)
    nobody = siting_problem([[1.0, 2.0]], [0], limit_s=1.0)
    assert fewest_sites(nobody).sites == ()
    assert most_covered(nobody, sites=1).objective == 0


# -- stopped early -----------------------------------------------------------------------------------


def scattered(n: int, m: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    places, sites = rng.random((n, 2)) * 10_000, rng.random((m, 2)) * 10_000
    return np.hypot(*(places[:, None] - sites[None]).transpose(2, 0, 1)), rng.integers(1, 2_000, n)


def test_stopped_early_it_says_how_far_it_may_be_from_the_best() -> None:
    time_s, persons = scattered(800, 120)
    problem = siting_problem(time_s, persons, limit_s=1000.0)
    cover = most_covered(problem, sites=12, time_limit_s=0.001)
    best = most_covered(problem, sites=12)
    assert best.is_optimal
    assert not cover.is_optimal
    assert cover.covered_persons == cover.objective <= best.objective <= cover.bound
    assert cover.gap > 0
    mean = least_mean_time(problem, sites=12, time_limit_s=0.01)
    assert not mean.is_optimal
    assert mean.bound < mean.objective == pytest.approx(mean.mean_s)
    worst = least_worst_time(problem, sites=12, time_limit_s=0.01)
    assert not worst.is_optimal
    assert worst.bound < worst.objective == worst.worst_s
    fewest = fewest_sites(problem, time_limit_s=1e-9)
    assert not fewest.is_optimal
    assert set(np.flatnonzero(~fewest.assigned.any(axis=1))) == set(problem.too_far)


def test_a_start_that_presolve_shortens_is_solved_again() -> None:
    time_s, persons = scattered(1000, 100)
    problem = siting_problem(time_s, persons, limit_s=1200.0)
    # The solver once gave the 40 sites of its start for the 38 of its objective.
    assert fewest_sites(problem).objective == fewest_sites(problem, most_backup=True).objective == 38


def test_where_nothing_is_known_in_time_it_says_so() -> None:
    time_s, persons = scattered(800, 120)
    problem = siting_problem(time_s, persons, limit_s=1000.0)
    with pytest.raises(Unavailable, match="give it more"):
        least_mean_time(problem, sites=60, covers=1, time_limit_s=1e-9)


# -- refusals ---------------------------------------------------------------------------------------


GRID = np.array([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]])


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"time_s": [1.0, 2.0]}, "places by candidates"),
        ({"time_s": np.zeros((2, 0))}, "no candidate"),
        ({"time_s": GRID - 2}, "time_s=-1"),
        ({"persons": [1]}, r"persons: \(1,\) values; expected 2"),
        ({"persons": [1, 1.5]}, "persons=1.5: expected a whole number"),
        ({"persons": [1, -1]}, "persons=-1"),
        ({"persons": [1, NAN]}, "persons=nan"),
        ({"persons": [1, INF]}, "persons=inf"),
        ({"limit_s": 0.0}, "limit_s=0.0"),
        ({"limit_s": INF}, "limit_s=inf"),
        ({"existing": [True]}, "existing"),
        ({"existing": [True, False, False], "excluded": [True, False, False]}, "candidate 0 exists"),
        ({"cost": [1, 2, -3]}, "cost=-3"),
        ({"capacity": [1, 2, 0.5]}, "capacity=0.5"),
        ({"time_s": GRID * 1e13, "persons": [2**40, 1]}, "too large"),
    ],
)
def test_a_problem_that_is_none_is_refused(more: dict[str, Any], says: str) -> None:
    given_ = {"time_s": GRID, "persons": [1, 1], "limit_s": 2.0} | more
    time_s, persons = given_.pop("time_s"), given_.pop("persons")
    with pytest.raises(InputError, match=says):
        siting_problem(time_s, persons, **given_)


@pytest.mark.parametrize("solver", [most_covered, least_mean_time, least_worst_time])
@pytest.mark.parametrize(
    ("ask", "says"),
    [
        ({}, "exactly one"),
        ({"sites": 1, "budget": 9}, "exactly one"),
        ({"sites": 0}, "sites=0"),
        ({"sites": 3}, "there are 2 candidates that are not excluded"),
        ({"sites": 1, "covers": 2}, "1 sites cannot cover"),
        ({"budget": 4}, "the cheapest candidate costs 5"),
        ({"sites": 1, "covers": -1}, "covers=-1"),
        ({"sites": 1, "time_limit_s": 0.0}, "time_limit_s=0.0"),
    ],
)
def test_what_cannot_be_asked_is_refused(solver: Any, ask: dict[str, Any], says: str) -> None:
    problem = siting_problem(GRID, [1, 1], limit_s=2.0, excluded=[False, False, True], cost=[5, 6, 0])
    with pytest.raises(InputError, match=says):
        solver(problem, **ask)


def test_fewer_sites_than_exist_are_refused() -> None:
    problem = siting_problem(GRID, [1, 1], limit_s=2.0, existing=[True, True, False])
    with pytest.raises(InputError, match="2 exist and stay"):
        most_covered(problem, sites=1)
    with pytest.raises(InputError, match="no costs"):
        most_covered(problem, budget=1)
    with pytest.raises(InputError, match="covers=0"):
        fewest_sites(problem, covers=0)


def test_a_budget_at_exactly_the_cost_suffices() -> None:
    problem = siting_problem(GRID, [1, 1], limit_s=2.0, cost=[5, 6, 7])
    assert most_covered(problem, budget=6).sites == (1,)
    assert most_covered(problem, budget=5).sites == (0,)


def test_the_binding_number_is_named() -> None:
    problem = siting_problem([[1, 9, 9], [9, 1, 9], [9, 9, 1]], [1, 1, 1], limit_s=2.0)
    with pytest.raises(Infeasible, match=r"sites=2 has so many .* the least that has is 3 sites"):
        least_mean_time(problem, sites=2, covers=1)


# -- the solver's edges ------------------------------------------------------------------------------


def test_the_solver_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    program = IntegerProgram()
    x = program.add_columns(2, upper=3.0, is_whole=True)
    program.add_rows([0, 0], x, [2.0, 2.0], lower=-np.inf, upper=5.0)
    solved = program.solve(x, 1.0, most=True)
    assert solved.is_optimal
    assert solved.objective == solved.bound == 2
    assert capfd.readouterr() == ("", "")


def test_a_program_without_solution_and_one_without_time_say_so() -> None:
    program = IntegerProgram(Clock(0.0))
    x = program.add_columns(1)
    assert program.solve(x, 1.0).values is None
    program = IntegerProgram()
    x = program.add_columns(1, is_whole=True)
    program.add_rows([0], x, 2.0, lower=1.0, upper=1.0)
    assert not program.solve(x, 1.0).is_feasible


# -- San Francisco -----------------------------------------------------------------------------------


@pytest.mark.realdata
def test_san_francisco(realdata: Any) -> None:
    folder = realdata / "spopt"
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    pairs = pd.read_csv(folder / "SF_network_distance_candidateStore_16_censusTract_205_new.csv")
    stores = list(dict.fromkeys(pairs["name"]))
    metres = pairs.pivot(index="DestinationName", columns="name", values="distance")[stores]
    first = pairs[pairs["name"] == stores[0]].set_index("DestinationName")
    persons = first["demand"].reindex(metres.index).to_numpy()
    assert persons.sum() == 955_113
    assert metres.shape == (205, 16)

    at = expected["mclp"]
    problem = siting_problem(metres.to_numpy(), persons, limit_s=at["service_dist_m"])
    most = most_covered(problem, sites=at["p"])
    assert most.objective == most.covered_persons == at["covered_population"]
    assert np.count_nonzero(most.covered_times == 0) == at["uncovered_tracts"]

    tracts = siting_problem(metres.to_numpy(), np.ones(205), limit_s=5000)
    fewest = fewest_sites(tracts, most_backup=True)
    assert fewest.objective == expected["lscp_5000_min_sites"] == 8
    assert (fewest.covered_times >= 1).all()
    # By recount; 167 of 205 (81.46 %) counts the solver's variables, of which some are 1 for tracts covered once.
    assert np.count_nonzero(fewest.covered_times >= 2) == fewest.backup_persons == 145
    assert round(145 / 205, 4) == 0.7073
    allowed = [set(np.flatnonzero(row)) for row in tracts.within]
    best = max(
        sum(len(row & set(chosen)) >= 2 for row in allowed)
        for chosen in itertools.combinations(range(16), 8)
        if all(row & set(chosen) for row in allowed)
    )
    assert best == 145

    near = siting_problem(metres.to_numpy(), persons, limit_s=20)
    assert expected["lscp_20"] == "infeasible"  # here no tract can be covered, and all are listed
    assert fewest_sites(near).sites == ()
    assert len(near.too_far) == 205
