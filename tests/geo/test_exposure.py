"""Exposure by cell: totals are kept, lengths and areas equal clipping cell by cell."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.errors import InputError
from geo.exposure import (
    count_in_cells,
    dasymetric,
    footprint_area_in_cells,
    largest_remainder,
    line_length_in_cells,
    persons_within,
    split_group,
)
from geo.grid import Grid, area_shares

GRID = Grid(4549, 500_000.0, 3_500_000.0, 100.0, 100.0, 12, 15)
LEFT, BOTTOM, RIGHT, TOP = GRID.bounds


def boxes() -> Any:
    return GRID.boxes(np.arange(GRID.cells))


@given(st.integers(0, 10_000), st.lists(st.floats(0, 1e6), min_size=1, max_size=30))
@settings(max_examples=200)
def test_largest_remainder_adds_up_and_is_near(total: int, weights: list[float]) -> None:
    if sum(weights) <= 1e-300:
        return
    parts = largest_remainder(total, weights)
    assert parts.sum() == total
    exact = total * np.array(weights) / sum(weights)
    assert (np.abs(parts - exact) < 1 + 1e-6).all()


def test_largest_remainder_at_ties_and_refusals() -> None:
    assert largest_remainder(2, [1, 1, 1]).tolist() == [1, 1, 0]
    assert largest_remainder(0, [0, 0]).tolist() == [0, 0]
    for total, weights in ((1, [0, 0]), (-1, [1]), (1, [-1, 2]), (1, [np.nan])):
        with pytest.raises(InputError):
            largest_remainder(total, weights)


@pytest.mark.parametrize("seed", range(20))
def test_persons_are_kept_and_follow_the_density(seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = shapely.MultiPoint(rng.random((7, 2)) * [1500, 1200] + [LEFT, BOTTOM])
    polygons = shapely.intersection(
        np.asarray(shapely.voronoi_polygons(points, extend_to=shapely.box(*GRID.bounds)).geoms, dtype=object),
        shapely.box(*GRID.bounds),
    )
    shares = area_shares(polygons, GRID)
    totals = rng.integers(0, 5000, 7)
    density = rng.random(GRID.shape) * (rng.random(GRID.shape) < 0.6)
    found = dasymetric(totals, shares, density)
    assert found.persons.sum() == totals.sum()
    assert len(found.unplaced) == 0
    # Polygon by polygon the long way.
    expected = np.zeros(GRID.cells, dtype=np.int64)
    for polygon, total in zip(polygons, totals, strict=True):
        share = shapely.area(shapely.intersection(polygon, boxes())) / 1e4
        pull = np.where(share > 1e-9, share, 0) * density.ravel()
        expected += largest_remainder(int(total), pull)
    assert np.abs(found.persons.ravel() - expected).max() <= 1
    assert (found.persons.ravel() != expected).mean() < 0.05  # rounding of equal remainders only


def test_polygons_without_density_or_cells_are_told() -> None:
    polygons = [shapely.box(LEFT, BOTTOM, LEFT + 300, TOP), shapely.box(0, 0, 1, 1), shapely.Polygon()]
    density = np.ones(GRID.shape)
    density[:, :3] = 0
    found = dasymetric([100, 7, 0], area_shares(polygons, GRID), density)
    assert found.persons.sum() == 100
    assert np.bincount(found.polygon, weights=found.part, minlength=3).tolist() == [100, 0, 0]
    assert np.bincount(found.cell, weights=found.part, minlength=GRID.cells).tolist() == found.persons.ravel().tolist()
    assert found.fallback.tolist() == [0]
    assert found.unplaced.tolist() == [1]
    for bad in ([1.5, 0, 0], [-1, 0, 0], [1, 2]):
        with pytest.raises(InputError):
            dasymetric(bad, area_shares(polygons, GRID), density)


def test_a_group_is_kept_and_lives_where_people_live() -> None:
    polygons = [shapely.box(LEFT, BOTTOM, LEFT + 750, TOP), shapely.box(LEFT + 750, BOTTOM, RIGHT, TOP)]
    shares = area_shares(polygons, GRID)
    spread = dasymetric([4000, 900], shares, np.random.default_rng(1).random(GRID.shape))
    group = split_group(spread, [700, 100])
    assert group.sum() == 800
    assert (group[spread.persons == 0] == 0).all()
    assert (split_group(spread, [4000, 900]) == spread.persons).all()
    with pytest.raises(InputError, match="more members than the 900"):
        split_group(spread, [700, 901])
    for bad in ([1.5, 0], [-1, 0], [1]):
        with pytest.raises(InputError):
            split_group(spread, bad)


@pytest.mark.parametrize("seed", range(20))
def test_a_group_never_outnumbers_the_residents_of_a_cell(seed: int) -> None:
    rng = np.random.default_rng(seed)
    cuts = np.sort(rng.uniform(LEFT, RIGHT, 4))
    edges = np.concatenate([[LEFT], cuts, [RIGHT]])
    polygons = [shapely.box(a, BOTTOM, b, TOP) for a, b in pairwise(edges)]
    shares = area_shares(polygons, GRID)
    density = rng.random(GRID.shape) * (rng.random(GRID.shape) < 0.2)  # people in few cells, many of them shared
    totals = rng.integers(0, 300, 5)
    spread = dasymetric(totals, shares, density)
    members = np.array([rng.integers(0, n + 1) for n in totals])
    group = split_group(spread, members)
    assert group.sum() == members.sum()
    assert (group <= spread.persons).all()


@pytest.mark.parametrize("seed", range(10))
def test_lengths_equal_clipping(seed: int) -> None:
    rng = np.random.default_rng(seed)
    lines = [shapely.LineString(rng.random((4, 2)) * [2000, 1600] + [LEFT - 200, BOTTOM - 200]) for _ in range(6)]
    lines.append(shapely.LineString([(LEFT + 50, BOTTOM + 30), (LEFT + 50, TOP - 30)]))
    lines.append(shapely.LineString([(LEFT + 20, BOTTOM + 30), (LEFT + 920, BOTTOM + 30)]))
    found = line_length_in_cells(lines, GRID)
    expected = sum(shapely.length(shapely.intersection(line, boxes())) for line in lines)
    np.testing.assert_allclose(found.ravel(), expected, atol=1e-6)
    assert line_length_in_cells([], GRID).sum() == 0


@pytest.mark.parametrize("seed", range(10))
def test_footprints_equal_clipping(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shapes = [
        shapely.Point(x, y).buffer(r)
        for x, y, r in rng.random((20, 3)) * [1900, 1500, 180] + [LEFT - 200, BOTTOM - 200, 5]
    ]
    weights = rng.integers(1, 30, 20)
    found = footprint_area_in_cells(shapes, GRID, weights=weights)
    expected = sum(w * shapely.area(shapely.intersection(s, boxes())) for s, w in zip(shapes, weights, strict=True))
    np.testing.assert_allclose(found.ravel(), expected, atol=1e-4)


def test_points_in_cells() -> None:
    xy = [[LEFT, TOP], [LEFT + 99.9, TOP - 99.9], [LEFT + 100, TOP - 100], [RIGHT, TOP], [np.nan, 0]]
    found = count_in_cells(xy, GRID, weights=[1, 2, 4, 8, 16])
    assert found[0, 0] == 3
    assert found[1, 1] == 4
    assert found.sum() == 7


def test_persons_within_a_distance_include_the_bound() -> None:
    cells = [[0.0, 0.0], [500.0, 0.0], [500.1, 0.0], [300.0, 400.0]]
    assert persons_within([[0.0, 0.0], [5000.0, 0.0]], 500.0, cells, [1, 2, 4, 8]).tolist() == [11, 0]
    plant = np.array([shapely.box(-100, -100, 100, 100)], dtype=object)
    assert persons_within(plant, 400.0, cells, [1, 2, 4, 8]).tolist() == [11]
    assert persons_within(np.empty((0, 2)), 500.0, cells, [1, 2, 4, 8]).tolist() == []
    with pytest.raises(InputError):
        persons_within([[0.0, 0.0]], 0.0, cells, [1, 2, 4, 8])
