"""Depth of water as a share of the speed: the bounds are said and hold."""

from dataclasses import replace
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo import flooding
from geo.crs import to_lonlat, to_metric
from geo.errors import InputError
from geo.flooding import depth_factors, flooded_roads
from geo.grid import Grid, Raster
from geo.network import RoadNetwork, road_network


@pytest.mark.parametrize(
    ("depth_m", "left"),
    [
        (0.0, 1.0),
        (np.nextafter(0.15, 0), 1.0),
        (0.15, 0.4),
        (0.30, 0.4),
        (np.nextafter(0.30, 1), 0.0),
        (5.0, 0.0),
        (np.nan, 1.0),
    ],
)
def test_bounds(depth_m: float, left: float) -> None:
    assert depth_factors([depth_m]).tolist() == [left]


def test_no_depths_and_no_depth_below_zero() -> None:
    assert depth_factors([]).shape == (0,)
    with pytest.raises(InputError, match=r"depth_m=-0.1"):
        depth_factors([0.1, -0.1])


def test_bounds_hold_as_a_raster_writes_them() -> None:
    depth = np.array([0.15, 0.30], dtype=np.float32)
    assert depth_factors(depth).tolist() == [0.4, 0.4]
    above = np.nextafter(depth, np.float32(1))
    assert depth_factors(above).tolist() == [0.4, 0.0]
    assert depth_factors(np.nextafter(depth, np.float32(0))).tolist() == [1.0, 0.4]


# -- roads in a raster -------------------------------------------------------------------------------

EPSG = 4549
X0, Y0 = 500_000.0, 3_545_000.0


def water(values: Any, *, cell: float = 10.0, left: float = X0, top: float = Y0, epsg: int = EPSG) -> Raster:
    array = np.asarray(values, dtype=np.float32)
    return Raster(Grid(epsg, left, top, cell, cell, *array.shape), array, "depth", "m")


def network(*lines: Any, **columns: Any) -> RoadNetwork:
    """Lines in metres east and south of the raster's corner."""
    shapes = [shapely.LineString(np.array(line, dtype=float) * [1, -1] + [X0, Y0]) for line in lines]
    table = {"highway": ["residential"] * len(shapes)} | columns
    return road_network(gpd.GeoDataFrame(table, geometry=shapes, crs=EPSG), epsg=EPSG)


def expected(net: RoadNetwork, raster: Raster) -> tuple[list[float], list[float]]:
    """Cell by cell with shapely: what each edge shares with each box."""
    boxes = raster.grid.boxes(np.arange(raster.grid.cells))
    depths = raster.values.ravel()
    factors, unknown = [], []
    for line, bridge in zip(net.edge_lines(), net.edge_bridge, strict=True):
        shared = shapely.length(shapely.intersection(line, boxes))
        left = np.where(shared > 1e-6, depth_factors(depths), 1.0)
        seconds = line.length - shared.sum() + (shared / np.where(left == 0, 1.0, left)).sum()
        factors.append(1.0 if bridge else 0.0 if (left == 0).any() else line.length / seconds)
        unknown.append(line.length - shared[~np.isnan(depths)].sum())
    return factors, unknown


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=120, deadline=None)
def test_roads_lie_in_the_cells_they_cross(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows, cols = rng.integers(1, 12, 2)
    raster = water(
        rng.choice([0.0, 0.1, 0.15, 0.2, 0.3, 0.31, np.nan], (rows, cols), p=[0.6, 0.1, 0.08, 0.08, 0.08, 0.03, 0.03])
    )
    lines = [
        np.cumsum(
            np.vstack([rng.uniform(-20, 130, (1, 2)), rng.uniform(-40, 40, (int(rng.integers(1, 6)), 2))]), axis=0
        )
        for _ in range(int(rng.integers(1, 8)))
    ]
    net = network(*lines, bridge=rng.random(len(lines)) < 0.3)
    found = flooded_roads(net, raster)
    factors, unknown = expected(net, raster)
    np.testing.assert_allclose(found.edge_factor, factors, atol=1e-7)
    assert found.unknown_m == pytest.approx(sum(unknown), abs=1e-5)


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_depth_is_that_of_dense_samples_along_the_road(seed: int) -> None:
    rng = np.random.default_rng(seed)
    raster = water(rng.uniform(0, 0.5, (8, 8)))
    net = network(rng.uniform(1, 79, (4, 2)))
    at = shapely.line_interpolate_point(net.edge_lines()[0], np.linspace(0, 1, 20_001), normalized=True)
    cells = raster.grid.cell_at(shapely.get_coordinates(at))
    sampled = raster.values.ravel()[cells]
    found = flooded_roads(net, raster)
    # A corner may be cut by less than the step between two samples, never the other way round.
    assert found.depth_m[0] >= sampled.max()
    crossed = shapely.length(shapely.intersection(net.edge_lines()[0], raster.grid.boxes(np.arange(64))))
    assert found.depth_m[0] == pytest.approx(raster.values.ravel()[crossed > 1e-6].max())


@pytest.mark.parametrize(
    ("depth_m", "left"), [(0.149, 1.0), (0.15, 1 / (0.9 + 0.1 / 0.4)), (0.30, 1 / (0.9 + 0.1 / 0.4)), (0.301, 0.0)]
)
def test_one_cell_between_two_vertices_counts(depth_m: float, left: float) -> None:
    depths = np.zeros((1, 10))
    depths[0, 4] = depth_m
    found = flooded_roads(network([(0, 5), (100, 5)]), water(depths))
    assert found.edge_factor[0] == pytest.approx(left)


def test_a_road_along_a_border_lies_in_the_deeper_cell_and_one_that_touches_a_corner_does_not() -> None:
    raster = water([[0.0, 0.0], [0.0, 1.0]])
    along = network([(10, 11), (10, 19)], [(11, 10), (19, 10)])
    assert flooded_roads(along, raster).edge_factor.tolist() == [0.0, 0.0]
    assert flooded_roads(network([(5, 15), (15, 5)]), raster).edge_factor.tolist() == [1.0]
    assert flooded_roads(network([(5, 15.001), (15.001, 5)]), raster).edge_factor.tolist() == [0.0]


def test_bridges_are_spared_and_counted() -> None:
    raster = water([[1.0]])
    found = flooded_roads(network([(0, 5), (10, 5)], [(2, 5.5), (8, 6)], bridge=[True, False]), raster)
    assert found.edge_factor.tolist() == [1.0, 0.0]
    assert (found.bridges, found.depth_m.tolist()) == (1, [1.0, 1.0])


def test_no_data_and_outside_are_dry_and_said() -> None:
    found = flooded_roads(network([(-30, 5), (20, 5)]), water([[0.2, np.nan]]))
    assert found.unknown_m == pytest.approx(40)
    assert found.edge_factor[0] == pytest.approx(50 / (40 + 10 / 0.4))


def test_a_raster_in_degrees_closes_the_same_roads() -> None:
    net = network([(0, 50), (400, 50)], [(0, 250), (400, 250)])
    corner = to_lonlat(np.array([[X0, Y0]]), epsg=EPSG)[0]
    step = 0.0005  # about 47 m by 55 m
    depths = np.zeros((8, 8))
    depths[0, 5] = 1.0
    found = flooded_roads(net, water(depths, cell=step, left=corner[0], top=corner[1], epsg=4326))
    assert found.edge_factor.tolist() == [0.0, 1.0]
    other = to_metric(corner[None, :], epsg=32651)[0]
    depths = np.zeros((20, 20))
    depths[:3, :] = 1.0
    found = flooded_roads(net, water(depths, cell=40.0, left=other[0] - 100, top=other[1] + 40, epsg=32651))
    assert found.edge_factor.tolist() == [0.0, 1.0]


def test_what_is_no_depth_is_refused() -> None:
    net = network([(0, 5), (10, 5)])
    with pytest.raises(InputError, match="unit=mm"):
        flooded_roads(net, replace(water([[1.0]]), unit="mm"))
    with pytest.raises(InputError, match=r"depth=-1"):
        flooded_roads(net, water([[-1.0]]))
    empty = road_network(gpd.GeoDataFrame({"highway": []}, geometry=[], crs=EPSG), epsg=EPSG)
    assert flooded_roads(empty, water([[1.0]])).edge_factor.shape == (0,)


def test_many_pieces_at_once_are_as_few(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    raster = water(rng.choice([0.0, 0.2, 0.4], (30, 30), p=[0.9, 0.09, 0.01]))
    net = network(*(np.cumsum(rng.uniform(-40, 60, (5, 2)), axis=0) for _ in range(30)))
    whole = flooded_roads(net, raster)
    monkeypatch.setattr(flooding, "_PIECES_AT_ONCE", 3)
    few = flooded_roads(net, raster)
    np.testing.assert_allclose(few.edge_factor, whole.edge_factor, rtol=1e-12)
    assert np.array_equal(few.depth_m, whole.depth_m)
