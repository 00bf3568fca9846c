"""The search for a p-median against every choice."""

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo import median_search as module
from geo.median_search import median_search

SEEDS = st.integers(0, 2**32 - 1)


def instance(seed: int) -> dict[str, Any]:
    """Whole costs of places at candidates, some without a route; some candidates fixed, some not allowed."""
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(1, 25)), int(rng.integers(1, 10))
    places, sites = rng.random((n, 2)), rng.random((m, 2))
    cost = np.round(np.hypot(*(places[:, None] - sites[None]).transpose(2, 0, 1)) * rng.choice([3, 1000]))
    cost *= rng.integers(0, 4, n)[:, None]
    cost[rng.random((n, m)) < rng.choice([0.0, 0.2])] = math.inf
    fixed = rng.random(m) < 0.2
    allowed = fixed | (rng.random(m) < 0.8)
    if not allowed.any():
        allowed[0] = True
    most = int(allowed.sum())
    sites_asked = int(rng.integers(max(1, fixed.sum()), most + 1))
    return {"cost": cost, "sites": sites_asked, "allowed": allowed, "fixed": fixed}


def totals(cost: Any, *, sites: int, allowed: Any, fixed: Any) -> dict[tuple[int, ...], float]:
    """The total of every choice of so many sites."""
    must, free = np.flatnonzero(fixed).tolist(), np.flatnonzero(allowed & ~fixed).tolist()
    chosen = [(*must, *new) for new in itertools.combinations(free, sites - len(must))]
    return {tuple(sorted(own)): float(cost[:, list(own)].min(axis=1).sum()) for own in chosen}


@pytest.mark.parametrize("work", [0.0, math.inf])
@settings(max_examples=300)
@given(seed=SEEDS)
def test_no_choice_is_better(work: float, seed: int) -> None:
    asked = instance(seed)
    every = totals(**asked)
    start = min(every, key=lambda own: (not math.isfinite(every[own]), own))
    if not math.isfinite(every[start]):
        return
    begin = np.isin(np.arange(len(asked["allowed"])), start)
    kept = asked["cost"].copy()
    found = median_search(**asked, start=begin, unit=1.0, most_work=work)
    best = min(every.values())
    assert np.array_equal(kept, asked["cost"])
    assert every[tuple(np.flatnonzero(found.chosen).tolist())] == found.total
    assert found.bound <= best <= found.total <= every[start]
    if work:
        assert found.bound == found.total == best
    for own, total in every.items():
        if total == best:
            assert set(own) <= set(np.flatnonzero(found.allowed))
            assert set(np.flatnonzero(found.fixed)) <= set(own)


def test_branches_are_needed_and_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """With few rounds of prices the bound stays behind, and only the tree can prove the best."""
    monkeypatch.setattr(module, "_ROOT_ROUNDS", 3)
    monkeypatch.setattr(module, "_NODE_ROUNDS", 2)
    rng = np.random.default_rng(5)
    a, b = rng.random((40, 2)), rng.random((12, 2))
    cost = np.round(np.hypot(*(a[:, None] - b[None]).transpose(2, 0, 1)) * 1000)
    asked = {"cost": cost, "sites": 4, "allowed": np.ones(12, dtype=bool), "fixed": np.zeros(12, dtype=bool)}
    start = np.arange(12) < 4
    root = median_search(**asked, start=start, unit=1.0, most_work=0.0)
    found = median_search(**asked, start=start, unit=1.0, most_work=math.inf)
    best = min(totals(**asked).values())
    assert root.bound < best
    assert found.bound == found.total == best
    assert found.work > 10 * root.work


def test_places_that_cost_nothing() -> None:
    found = median_search(
        np.zeros((3, 2)),
        sites=1,
        allowed=np.array([True, True]),
        fixed=np.array([False, False]),
        start=np.array([False, True]),
        unit=1.0,
        most_work=math.inf,
    )
    assert (found.total, found.bound) == (0.0, 0.0)
    assert found.allowed.all()
