"""Thinning beside the slow way: feature by feature, cell by cell."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.thinning import thinned


def brute(xy: np.ndarray, rank: np.ndarray, size: np.ndarray, cells: int) -> list[int]:
    best: dict[tuple[int, int], int] = {}
    found = []
    for k, (x, y) in enumerate(xy.tolist()):
        if math.isnan(x) or math.isnan(y):
            continue
        if size[k] >= 1 / cells:
            found.append(k)
            continue
        cell = (min(math.floor(x * cells), cells - 1), min(math.floor(y * cells), cells - 1))
        if cell not in best or rank[k] < rank[best[cell]]:
            best[cell] = k
    return sorted([*found, *best.values()])


@given(st.integers(0, 2**32 - 1), st.integers(0, 60), st.sampled_from([1, 2, 4, 7, 16]))
def test_as_the_slow_way(seed: int, n: int, cells: int) -> None:
    rng = np.random.default_rng(seed)
    xy = np.round(rng.uniform(0, 1, (n, 2)), 2)
    xy[rng.random(n) < 0.1] = np.nan
    rank = rng.integers(0, 4, n)
    size = np.where(rng.random(n) < 0.5, 0.0, rng.uniform(0, 0.4, n))
    assert thinned(xy, rank, size, cells=cells).tolist() == brute(xy, rank, size, cells)


@given(st.integers(0, 2**32 - 1), st.integers(1, 60))
def test_a_coarser_grid_draws_no_point_that_a_finer_one_does_not(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    xy, rank = rng.uniform(0, 1, (n, 2)), rng.integers(0, 3, n)
    coarse, fine = (set(thinned(xy, rank, np.zeros(n), cells=cells).tolist()) for cells in (4, 8))
    assert coarse <= fine


@pytest.mark.parametrize(
    ("xy", "rank", "size", "kept"),
    [
        ([], [], [], []),
        ([[0.1, 0.1]], [3], [0.0], [0]),
        ([[math.nan, 0.1]], [0], [9.0], []),
        ([[0.1, 0.1], [0.2, 0.2]], [1, 1], [0, 0], [0]),  # of equals the first
        ([[0.1, 0.1], [0.2, 0.2]], [1, 0], [0, 0], [1]),
        ([[0.1, 0.1], [0.25, 0.1]], [0, 0], [0, 0], [0, 1]),  # on the edge: the next cell
        ([[0.1, 0.1], [0.2, 0.2]], [0, 0], [0.25, 0.2499], [0, 1]),  # as large as a cell
        ([[1.0, 1.0], [0.8, 0.9]], [0, 0], [0, 0], [0]),
    ],
)
def test_bounds(xy: list[list[float]], rank: list[int], size: list[float], kept: list[int]) -> None:
    assert thinned(xy, rank, size, cells=4).tolist() == kept
