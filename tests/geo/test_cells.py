"""Cut Voronoi cells against the nearest point and against cells made as polygons."""

from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import KDTree

from geo.cells import CHORD_M, Cells, outline, voronoi_cells
from geo.errors import InputError

SEEDS = st.integers(0, 2**32 - 1)
REACH_M = 500.0


def random_sites(rng: np.random.Generator) -> Any:
    """Scattered points, exact grids, straight and crossing rows, points on a circle, one point."""
    n = int(rng.integers(1, 70))
    match int(rng.integers(0, 6)):
        case 0:
            xy = rng.uniform(0, 1000, (n, 2))
        case 1:
            xy = rng.integers(0, 9, (n, 2)) * 100.0
        case 2:
            xy = np.column_stack([np.arange(n) * 10.0, np.zeros(n)])
        case 3:
            row = np.arange(-n // 2, n // 2 + 1) * 10.0 + 5.0
            xy = np.vstack([np.column_stack([row, 0 * row]), np.column_stack([0 * row, row])])
        case 4:
            turn = rng.integers(0, 12, n) * np.pi / 6
            xy = np.vstack([300 * np.column_stack([np.cos(turn), np.sin(turn)]), [[0.0, 0.0]]])
        case _:
            xy = np.vstack([np.column_stack([np.arange(n) * 10.0, np.full(n, y)]) for y in (0.0, 8.0, 200.0)])
    turn = rng.choice([0.0, rng.uniform(0, 6)])
    xy = xy @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    return np.unique(np.round(xy, 6), axis=0) + np.array([500_000.0, 3_545_000.0])


def random_radii(rng: np.random.Generator, n: int) -> Any:
    if rng.random() < 0.4:
        return np.full(n, float(rng.choice([5.0, 50.0, 150.0, REACH_M])))
    return rng.choice([0.0, -3.0, 50.0, 100.0, rng.uniform(1, 300), REACH_M], n)


def as_polygons(xy: Any, radius: Any) -> Any:
    """Cells, circles, intersections and union by GEOS."""
    box = shapely.box(*(xy.min(axis=0) - 3000), *(xy.max(axis=0) + 3000))
    cells = shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(xy), extend_to=box))
    site, cell = shapely.STRtree(cells).query(shapely.points(xy), predicate="within")
    parts = [
        cells[c].intersection(shapely.Point(xy[s]).buffer(radius[s], quad_segs=64))
        for s, c in zip(site, cell, strict=True)
        if radius[s] > 0
    ]
    return shapely.union_all(parts)


@settings(max_examples=150, deadline=None)
@given(SEEDS)
def test_a_place_is_inside_when_its_nearest_point_reaches_it(seed: int) -> None:
    rng = np.random.default_rng(seed)
    xy = random_sites(rng)
    radius = random_radii(rng, len(xy))
    area = outline(voronoi_cells(xy, reach_m=REACH_M), radius)
    assert area.is_valid
    places = rng.uniform(xy.min(axis=0) - 600, xy.max(axis=0) + 600, (800, 2))
    places = np.vstack([places, xy[rng.integers(0, len(xy), 200)] + rng.normal(0, 40, (200, 2))])
    far, near = KDTree(xy).query(places, k=min(2, len(xy)))
    far, near = far.reshape(len(places), -1), near.reshape(len(places), -1)
    clear = np.ones(len(places), dtype=bool) if far.shape[1] == 1 else far[:, 1] - far[:, 0] > 1e-6
    spare = radius[near[:, 0]] - far[:, 0]
    inside = shapely.contains_xy(area, places)
    assert not (clear & inside & (spare < -1e-6)).any()
    assert not (clear & ~inside & (spare > CHORD_M + 1e-6)).any()


@settings(max_examples=100, deadline=None)
@given(SEEDS)
def test_the_union_is_that_of_the_polygons(seed: int) -> None:
    rng = np.random.default_rng(seed)
    xy = random_sites(rng)
    radius = random_radii(rng, len(xy))
    found, expected = outline(voronoi_cells(xy, reach_m=REACH_M), radius), as_polygons(xy, radius)
    assert found.is_valid
    assert found.symmetric_difference(expected).area <= 1.5 * CHORD_M * expected.length + 0.1


@settings(max_examples=60, deadline=None)
@given(SEEDS)
def test_neighbours_share_their_border_and_no_ground(seed: int) -> None:
    rng = np.random.default_rng(seed)
    xy = random_sites(rng)
    cells = voronoi_cells(xy, reach_m=REACH_M)
    group = rng.integers(0, 3, len(xy))
    parts = [outline(cells, np.where(group == k, REACH_M, 0.0)) for k in range(3)]
    whole = outline(cells, np.full(len(xy), REACH_M))
    assert sum(part.area for part in parts) == pytest.approx(whole.area, rel=1e-9, abs=0.1)
    for k in range(3):
        assert parts[k].intersection(parts[k - 1]).area < 0.1


@settings(max_examples=60, deadline=None)
@given(SEEDS)
def test_moved_points_move_the_outline(seed: int) -> None:
    rng = np.random.default_rng(seed)
    xy = random_sites(rng)
    radius = random_radii(rng, len(xy))
    order = rng.permutation(len(xy))
    by = rng.integers(-2000, 2000, 2).astype(float)
    one = outline(voronoi_cells(xy, reach_m=REACH_M), radius)
    other = outline(voronoi_cells(xy[order] + by, reach_m=REACH_M), radius[order])
    assert other.area == pytest.approx(one.area, rel=1e-6, abs=0.1)
    assert shapely.transform(one, lambda c: c + by).symmetric_difference(other).area < 0.01 * one.length + 0.1


def test_one_point_gives_a_circle() -> None:
    area = outline(voronoi_cells([[10.0, 20.0]], reach_m=100.0), np.array([100.0]))
    assert area.area == pytest.approx(np.pi * 100**2, rel=0.005)
    assert area.area < np.pi * 100**2
    assert area.centroid.distance(shapely.Point(10, 20)) < 0.1


def test_of_coincident_points_the_first_stands() -> None:
    cells = voronoi_cells([[0.0, 0.0], [0.0, 0.0], [50.0, 0.0]], reach_m=100.0)
    assert outline(cells, np.array([0.0, 20.0, 0.0])).is_empty
    assert outline(cells, np.array([20.0, 0.0, 0.0])).area == pytest.approx(np.pi * 400, rel=0.03)


def test_a_ring_of_points_has_a_hole_in_the_middle_and_an_island_in_it() -> None:
    turn = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    xy = np.vstack([400 * np.column_stack([np.cos(turn), np.sin(turn)]), [[0.0, 0.0]]])
    area = outline(voronoi_cells(xy, reach_m=REACH_M), np.full(41, 100.0))
    assert sorted(len(part.interiors) for part in area.geoms) == [0, 1]
    assert area.contains(shapely.Point(0, 0))
    assert not area.intersects(shapely.Point(200, 0))
    assert area.contains(shapely.Point(400, 0))


def test_nothing_in_nothing_out() -> None:
    empty = voronoi_cells(np.empty((0, 2)), reach_m=1.0)
    assert isinstance(empty, Cells)
    assert len(empty) == 0
    assert outline(empty, np.empty(0)).is_empty
    assert outline(voronoi_cells([[0.0, 0.0], [1.0, 0.0]], reach_m=1.0), np.zeros(2)).is_empty


@pytest.mark.parametrize("sites", [[[np.nan, 0.0]], [[np.inf, 0.0]]])
def test_places_that_are_none_are_refused(sites: Any) -> None:
    with pytest.raises(InputError, match="sites_m"):
        voronoi_cells(sites, reach_m=1.0)


@pytest.mark.parametrize("reach_m", [0.0, -1.0, np.nan, np.inf])
def test_a_reach_that_is_none_is_refused(reach_m: float) -> None:
    with pytest.raises(InputError, match="reach_m"):
        voronoi_cells([[0.0, 0.0]], reach_m=reach_m)


@pytest.mark.parametrize("radius", [[1.0], [1.0, np.nan], [np.inf, 1.0]])
def test_radii_that_do_not_fit_are_refused(radius: Any) -> None:
    with pytest.raises(InputError, match="radius_m"):
        outline(voronoi_cells([[0.0, 0.0], [9.0, 0.0]], reach_m=1.0), np.array(radius))
