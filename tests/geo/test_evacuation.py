"""Evacuation against every plan there is, and against another formulation on larger cases."""

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from geo.errors import InputError, Unavailable
from geo.evacuation import Evacuation, _Pairs, evacuation

SEEDS = st.integers(0, 2**32 - 1)
INF, NAN = np.inf, np.nan


def ways(persons: int, shelters: int) -> Iterator[tuple[int, ...]]:
    """Every way to send some of so many persons to so many shelters."""
    if shelters == 0:
        yield ()
        return
    for first in range(persons + 1):
        for rest in ways(persons - first, shelters - 1):
            yield (first, *rest)


def small_case(rng: np.random.Generator) -> dict[str, Any]:
    n, m = int(rng.integers(0, 4)), int(rng.integers(0, 4))
    time_s = rng.choice([0.0, 10.0, 20.0, 20.5, 300.0, INF, NAN], (n, m), p=[0.1, 0.2, 0.2, 0.2, 0.1, 0.1, 0.1])
    return {
        "persons": rng.integers(0, 5, n),
        "capacity": rng.integers(0, 6, m),
        "time_s": time_s,
        "walk_m": np.where(rng.random((n, m)) < 0.5, time_s, rng.choice([1.0, 15.0, 500.0], (n, m))),
        "most_walk_m": None if rng.random() < 0.5 else float(rng.choice([0.0, 15.0, 20.5])),
    }


def exhaustive(case: dict[str, Any], objective: str, *, together: bool = False) -> tuple[int, int, int]:
    """(persons without a place, and the two times in ms in the order of the objective) of the best plan."""
    n, m = case["time_s"].shape
    options = []
    for i in range(n):
        own = []
        for way in ways(int(case["persons"][i]), m):
            if together and (sum(w > 0 for w in way) > 1 or sum(way) not in (0, case["persons"][i])):
                continue
            used = [j for j in range(m) if way[j]]
            cap = case["most_walk_m"]
            if all(
                np.isfinite(case["time_s"][i, j]) and (cap is None or round(case["walk_m"][i, j], 3) <= cap)
                for j in used
            ):
                ms = [round(case["time_s"][i, j] * 1000) for j in used]
                spent = sum(t * way[j] for t, j in zip(ms, used, strict=True))
                own.append((np.array(way, dtype=int), int(case["persons"][i]) - sum(way), spent, max(ms, default=0)))
        options.append(own)
    best = None
    for plan in itertools.product(*options):
        if m and (sum((row[0] for row in plan), np.zeros(m, dtype=int)) > case["capacity"]).any():
            continue
        missing, spent = sum(row[1] for row in plan), sum(row[2] for row in plan)
        last = max((row[3] for row in plan), default=0)
        found = (missing, spent, last) if objective == "total" else (missing, last, spent)
        best = found if best is None or found < best else best
    assert best is not None
    return best


def sound(found: Evacuation, case: dict[str, Any]) -> None:
    """What holds of every plan."""
    persons, capacity = np.asarray(case["persons"]), np.asarray(case["capacity"])
    out = np.bincount(found.origin, found.moved, len(persons)).astype(int)
    into = np.bincount(found.shelter, found.moved, len(capacity)).astype(int)
    assert (found.moved > 0).all()
    assert (out + found.missing == persons).all()
    assert (into == found.load).all()
    assert (found.load + found.free == capacity).all()
    assert (found.load <= capacity).all()
    assert (found.missing >= 0).all()
    assert found.person_s == pytest.approx((found.moved * found.time_s).sum())
    assert found.last_s == found.time_s.max(initial=0.0)
    if case.get("most_walk_m") is not None:
        assert (np.round(case["walk_m"][found.origin, found.shelter], 3) <= case["most_walk_m"]).all()
    for i, reason in enumerate(found.reason):
        assert (reason is None) == (found.missing[i] == 0)
        if reason == "full":  # whatever it may reach is full
            near = np.isfinite(case["time_s"][i]) & (capacity > 0)
            if case.get("most_walk_m") is not None:
                near &= np.round(case["walk_m"][i], 3) <= case["most_walk_m"]
            assert near.any()
            assert (found.free[near] == 0).all() or case.get("together")


@pytest.mark.parametrize("objective", ["total", "last"])
@given(seed=SEEDS)
@settings(max_examples=150, deadline=None)
def test_both_objectives_equal_every_plan_there_is(objective: Any, seed: int) -> None:
    case = small_case(np.random.default_rng(seed))
    found = evacuation(**case, objective=objective)
    sound(found, case)
    assert found.is_proven
    missing, first, second = exhaustive(case, objective)
    times = (round(found.person_s * 1000), round(found.last_s * 1000))
    assert (int(found.missing.sum()), *(times if objective == "total" else times[::-1])) == (missing, first, second)


@given(seed=SEEDS)
@settings(max_examples=100, deadline=None)
def test_villages_kept_together_equal_every_plan_there_is(seed: int) -> None:
    case = small_case(np.random.default_rng(seed))
    found = evacuation(**case, together=True)
    sound(found, {**case, "together": True})
    assert len(found.split) == 0
    assert np.isin(found.missing[found.missing > 0], case["persons"]).all()
    missing, spent, _ = exhaustive(case, "total", together=True)
    assert (int(found.missing.sum()), round(found.person_s * 1000)) == (missing, spent)
    assert found.is_proven


def middling(rng: np.random.Generator) -> dict[str, Any]:
    n, m = int(rng.integers(1, 25)), int(rng.integers(1, 15))
    time_s = np.round(rng.uniform(0, 3000, (n, m)), 3)
    time_s[rng.random((n, m)) < 0.2] = INF
    return {
        "persons": rng.integers(0, 4000, n),
        "capacity": rng.integers(0, 9000, m),
        "time_s": time_s,
        "walk_m": time_s * 1.1,
        "most_walk_m": None if rng.random() < 0.5 else 1500.0,
    }


@given(seed=SEEDS)
@settings(max_examples=40, deadline=None)
def test_larger_cases_equal_a_program_with_a_price_for_everybody_left(seed: int) -> None:
    case = middling(np.random.default_rng(seed))
    found = evacuation(**case)
    sound(found, case)
    n, m = case["time_s"].shape
    within = np.isfinite(case["time_s"])
    if case["most_walk_m"] is not None:
        within &= case["walk_m"] <= case["most_walk_m"]
    i, j = np.nonzero(within)
    rows = np.zeros((n + m, len(i) + n))
    rows[i, np.arange(len(i))] = 1
    rows[n + j, np.arange(len(i))] = 1
    rows[np.arange(n), len(i) + np.arange(n)] = 1
    price = 3000.0 * 2 * (n + m)  # more than any rearrangement can save
    other = linprog(
        np.r_[case["time_s"][i, j], np.full(n, price)],
        A_ub=rows[n:],
        b_ub=case["capacity"],
        A_eq=rows[:n],
        b_eq=case["persons"],
        method="highs-ipm",
    )
    mine = found.person_s + price * float(found.missing.sum())
    assert mine == pytest.approx(other.fun, rel=1e-7, abs=1e-3)


@given(seed=SEEDS)
@settings(max_examples=15, deadline=None)
def test_the_last_arrival_is_the_least_of_the_times_that_shelter_as_many(seed: int) -> None:
    case = middling(np.random.default_rng(seed))
    found = evacuation(**case, objective="last")
    sound(found, case)
    total = evacuation(**case)
    assert found.sheltered == total.sheltered == found.most_sheltered
    assert found.last_s <= total.last_s
    assert found.person_s >= total.person_s - 1e-6
    # One by one, from the shortest: the first within which as many find a place.
    for limit in np.unique(case["time_s"][np.isfinite(case["time_s"])]):
        within = evacuation(**{**case, "time_s": np.where(case["time_s"] <= limit, case["time_s"], INF)})
        if within.sheltered == total.sheltered:
            assert found.sheltered == 0 or (found.last_s, found.person_s) == (limit, within.person_s)
            break


@given(seed=SEEDS)
@settings(max_examples=30, deadline=None)
def test_the_order_of_villages_and_shelters_changes_neither_objective(seed: int) -> None:
    rng = np.random.default_rng(seed)
    case = middling(rng)
    n, m = case["time_s"].shape
    a, b = rng.permutation(n), rng.permutation(m)
    other = {
        **case,
        "persons": case["persons"][a],
        "capacity": case["capacity"][b],
        "time_s": case["time_s"][np.ix_(a, b)],
        "walk_m": case["walk_m"][np.ix_(a, b)],
    }
    for objective in ("total", "last"):
        x, y = (evacuation(**c, objective=objective) for c in (case, other))
        assert (x.sheltered, x.person_s, x.last_s) == (y.sheltered, y.person_s, y.last_s)


def test_walking_exactly_as_far_as_the_cap_counts() -> None:
    asked: dict[str, Any] = {"persons": [10], "capacity": [10], "time_s": [[900.0]], "walk_m": [[1000.0004]]}
    assert evacuation(**asked, most_walk_m=1000.0).sheltered == 10  # a millimetre is the least that is told apart
    beyond = evacuation(**{**asked, "walk_m": [[1000.001]]}, most_walk_m=1000.0)
    assert (beyond.sheltered, beyond.reason) == (0, ("too_far",))
    assert evacuation(persons=[3], capacity=[3], time_s=[[0.0]], walk_m=[[0.0]], most_walk_m=0.0).sheltered == 3


def test_exactly_full_is_allowed_and_one_person_more_is_left() -> None:
    full = evacuation([6, 4], [10], [[60.0], [30.0]])
    assert (full.free.tolist(), full.missing.tolist(), full.reason) == ([0], [0, 0], (None, None))
    over = evacuation([7, 4], [10], [[60.0], [30.0]])
    assert (over.free.tolist(), over.missing.tolist()) == ([0], [1, 0])  # the one who has farthest
    assert over.reason == ("full", None)
    assert over.person_s == 6 * 60 + 4 * 30


def test_reasons_and_the_split_are_listed() -> None:
    found = evacuation(
        [5, 5, 5, 9],
        [4, 6, 0],
        [[10.0, 20.0, 1.0], [INF, NAN, 1.0], [500.0, 600.0, 1.0], [10.0, INF, INF]],
        walk_m=[[10.0, 20.0, 1.0], [INF, NAN, 1.0], [500.0, 600.0, 1.0], [10.0, INF, INF]],
        most_walk_m=100.0,
    )
    assert found.missing.tolist() == [0, 5, 5, 5]  # the fourth takes all of the first shelter
    assert found.reason == (None, "no_way", "too_far", "full")
    assert evacuation([5], [3, 3], [[1.0, 2.0]]).split.tolist() == [0]
    whole = evacuation([5, 2], [3, 3], [[1.0, 2.0], [1.0, 2.0]], together=True)
    assert (whole.missing.tolist(), whole.reason) == ([5, 0], ("too_many", None))
    room = evacuation([2, 2], [3], [[1.0], [2.0]], together=True)
    assert (room.missing.tolist(), room.reason, room.free.tolist()) == ([0, 2], (None, "full"), [1])


def test_more_are_sheltered_even_where_it_takes_longer() -> None:
    found = evacuation([1, 1], [1, 1], [[1.0, 1000.0], [1.0, INF]])
    assert (found.sheltered, found.person_s) == (2, 1001.0)


def test_nobody_and_nowhere() -> None:
    for persons, capacity in (([], []), ([], [5]), ([0], [5]), ([5], []), ([5], [0])):
        for more in ({}, {"objective": "last"}, {"together": True}):
            time_s = np.zeros((len(persons), len(capacity)))
            found = evacuation(persons, capacity, time_s, **more)
            assert (found.sheltered, found.person_s, found.last_s, found.is_proven) == (0, 0.0, 0.0, True)
            assert found.reason == (("no_way",) if sum(persons) else (None,) * len(persons))


def test_a_whole_country_is_counted_without_rounding() -> None:
    most = 2**31 - 1
    found = evacuation([most - 7, 7], [most - 1], [[1e6], [999_999.999]])
    assert (found.sheltered, found.missing.tolist()) == (most - 1, [1, 0])
    assert found.moved.tolist() == [most - 8, 7]
    assert found.person_s == pytest.approx((most - 8) * 1e6 + 7 * 999_999.999, rel=1e-15)
    with pytest.raises(InputError, match="at most 2147483647"):
        evacuation([most, 1], [5], [[1.0], [1.0]])


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"persons": [-1]}, "persons=-1"),
        ({"persons": [1.5]}, "persons=1.5"),
        ({"persons": [NAN]}, "persons=nan"),
        ({"capacity": [INF]}, "capacity=inf"),
        ({"capacity": [0.5]}, "capacity=0.5"),
        ({"time_s": [[-1.0]]}, "time_s=-1"),
        ({"time_s": [[-INF]]}, "time_s=-inf"),
        ({"time_s": [[1e6 + 1]]}, "time_s=1e"),
        ({"time_s": [1.0]}, "time_s: shape"),
        ({"objective": "least"}, "objective"),
        ({"objective": "last", "together": True}, "together"),
        ({"most_walk_m": -1.0}, "most_walk_m=-1"),
        ({"most_walk_m": INF}, "most_walk_m=inf"),
        ({"most_walk_m": 5.0}, "walk_m: shape"),
        ({"together": True, "limit_s": 0.0}, "limit_s"),
    ],
)
def test_what_cannot_be_is_refused(change: dict[str, Any], named: str) -> None:
    good: dict[str, Any] = {"persons": [1], "capacity": [1], "time_s": [[1.0]]}
    with pytest.raises(InputError, match=named):
        evacuation(**good | change)


def test_a_plan_that_is_not_sound_or_not_the_best_is_not_handed_out() -> None:
    pairs = _Pairs(*(np.array(v) for v in ([5], [3, 9], [0, 0], [0, 1], [1000, 2000])))
    for wrong in ([4, 1], [3, 3], [-1, 6], [3, 1]):  # over capacity, too many, below nobody, too few
        with pytest.raises(Unavailable, match="within capacity"):
            pairs._require(np.array(wrong), 5)
    pairs._require(np.array([3, 2]), 5)
    good = pairs._flow(5)[1]
    assert pairs._bound(good, 5) == 3 * 1000 + 2 * 2000
    for other in (good * 0, good - 100, good + 100):
        assert pairs._bound(other, 5) < 7000


def test_a_search_that_is_stopped_says_its_gap() -> None:
    rng = np.random.default_rng(3)
    persons, capacity = rng.integers(500, 9000, 60), rng.integers(2000, 12_000, 30)
    found = evacuation(persons, capacity, rng.uniform(100, 9000, (60, 30)), together=True, limit_s=1e-6)
    assert not found.is_proven
    assert found.sheltered <= found.most_sheltered <= persons.sum()
    assert len(found.split) == 0
    assert (found.load <= capacity).all()
    if found.sheltered == found.most_sheltered:
        assert found.least_person_s < found.person_s
