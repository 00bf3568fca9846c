"""Grids: cells and their areas, exact area shares against clipping and a second implementation, warping."""

import numpy as np
import pyproj
import pytest
import shapely
from exactextract import exact_extract
from exactextract.raster import NumPyRasterSource
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.errors import CrsError, InputError
from geo.grid import MAX_CELLS, NATIONAL_CELL_DEG, Grid, Raster, area_shares, on_grid, require_same_datum

METRIC = 4549
NAN = np.nan


def grid(rows: int = 6, cols: int = 8, cell: float = 10.0) -> Grid:
    return Grid(METRIC, 1000.0, 2000.0, cell, cell, rows, cols)


def dense(shapes: list[shapely.Geometry], on: Grid) -> np.ndarray:
    """(polygons, cells) the shares, written out."""
    found = area_shares(shapes, on)
    out = np.zeros((len(shapes), on.cells))
    whole = np.flatnonzero(found.label.reshape(-1) >= 0)
    out[found.label.reshape(-1)[whole], whole] = 1.0
    np.add.at(out, (found.polygon, found.cell), found.share)
    return out


def clipped(shapes: list[shapely.Geometry], on: Grid) -> np.ndarray:
    """The oracle: every cell clipped with every polygon."""
    boxes = on.boxes(np.arange(on.cells))
    return np.array([shapely.area(shapely.intersection(boxes, s)) for s in shapes]) / (on.dx * on.dy)


# --- the grid -----------------------------------------------------------------------------------------


def test_a_covering_grid_is_aligned_and_holds_its_bounds() -> None:
    found = Grid.covering((1003.0, 1941.0, 1099.0, 1999.0), cell=10.0, epsg=METRIC)
    assert (found.left, found.top, found.rows, found.cols) == (1000.0, 2000.0, 6, 10)
    on_the_line = Grid.covering((1000.0, 1940.0, 1100.0, 2000.0), cell=10.0, epsg=METRIC)
    assert on_the_line.bounds == (1000.0, 1940.0, 1100.0, 2000.0)
    point = Grid.covering((1000.0, 2000.0, 1000.0, 2000.0), cell=10.0, epsg=METRIC)
    assert point.shape == (1, 1)


@pytest.mark.parametrize(
    ("bounds", "cell", "says"),
    [
        ((1.0, 0.0, 0.0, 1.0), 1.0, "min <= max"),
        ((0.0, 0.0, NAN, 1.0), 1.0, "min <= max"),
        ((0.0, 0.0, 1.0, 1.0), 0.0, "greater than 0"),
        ((0.0, 0.0, 1e6, 1e6), 0.1, str(MAX_CELLS)),
    ],
)
def test_a_senseless_grid_is_refused(bounds: tuple[float, float, float, float], cell: float, says: str) -> None:
    with pytest.raises(InputError, match=says):
        Grid.covering(bounds, cell=cell, epsg=METRIC)


def test_the_west_and_north_edge_belong_to_a_cell_the_others_to_the_next() -> None:
    on = grid(2, 2)
    points = np.array([[1000, 2000], [1010, 1990], [1019.999, 1980.001], [1020, 1990], [1000, 1980], [NAN, 1990]])
    assert on.cell_at(points).tolist() == [0, 3, 3, -1, -1, -1]
    assert on.cell_at(on.centres(np.arange(4))).tolist() == [0, 1, 2, 3]


def test_a_national_cell_has_its_area_on_the_ellipsoid() -> None:
    on = Grid(4490, 120.75, 32.2, NATIONAL_CELL_DEG, NATIONAL_CELL_DEG, 40, 30)
    geod = pyproj.Geod(ellps="GRS80")
    for row in (0, 39):
        box = on.boxes(np.array([row * on.cols]))[0]
        # Edges along parallels are not geodesics: on a cell this small the difference is below 1e-9.
        assert on.row_area_m2[row] == pytest.approx(abs(geod.geometry_area_perimeter(box)[0]), rel=1e-6)
    assert np.all(np.diff(on.row_area_m2) > 0)  # southward
    total = abs(geod.geometry_area_perimeter(shapely.segmentize(shapely.box(*on.bounds), NATIONAL_CELL_DEG))[0])
    assert on.row_area_m2.sum() * on.cols == pytest.approx(total, rel=1e-6)


def test_a_window_and_larger_cells_keep_the_corner() -> None:
    on = grid()
    part = on.window(2, 3, 2, 4)
    assert part.bounds == (1030.0, 1960.0, 1070.0, 1980.0)
    large = on.with_cells(4)
    assert (large.left, large.top, large.shape) == (on.left, on.top, (2, 2))


# --- area shares --------------------------------------------------------------------------------------


SHAPES = {
    "one cell": shapely.box(1010, 1980, 1020, 1990),
    "a quarter of four cells": shapely.box(1015, 1975, 1025, 1985),
    "within one cell": shapely.box(1012, 1982, 1013, 1984),
    "beyond the edge": shapely.box(900, 1900, 1025, 1985),
    "the whole grid": shapely.box(0, 0, 5000, 5000),
    "a triangle": shapely.Polygon([(1003, 1944), (1077, 1951), (1038, 1999)]),
    "with a hole": shapely.box(1004, 1944, 1076, 1996).difference(shapely.box(1022, 1956, 1058, 1984)),
    "two parts": shapely.MultiPolygon([shapely.box(1001, 1941, 1012, 1953), shapely.box(1041, 1971, 1079, 1999)]),
    "a sliver": shapely.Polygon([(1000, 2000), (1080, 1940), (1080, 1940.001)]),
    "clockwise": shapely.Polygon([(1003, 1944), (1038, 1999), (1077, 1951)]),
}


@pytest.mark.parametrize("name", SHAPES)
def test_shares_are_those_of_clipping_each_cell(name: str) -> None:
    on = grid()
    np.testing.assert_allclose(dense([SHAPES[name]], on), clipped([SHAPES[name]], on), atol=2e-9)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(980, 1100, allow_nan=False), st.floats(1920, 2020, allow_nan=False)), min_size=3, max_size=9
    )
)
def test_shares_of_any_polygon_are_those_of_clipping(corners: list[tuple[float, float]]) -> None:
    hull = shapely.convex_hull(shapely.MultiPoint(corners))
    star = shapely.make_valid(shapely.Polygon([*corners, corners[0]]))
    on = grid()
    for shape in (hull, star):
        if shape.geom_type in ("Polygon", "MultiPolygon"):
            np.testing.assert_allclose(dense([shape], on), clipped([shape], on), atol=1e-7)


def test_a_partition_adds_up_to_one_in_every_cell() -> None:
    rng = np.random.default_rng(5)
    on = grid(30, 40)
    points = shapely.MultiPoint(rng.uniform([1000, 1700], [1400, 2000], (25, 2)))
    extent = shapely.box(*on.bounds)
    parts = [p.intersection(extent) for p in shapely.voronoi_polygons(points, extend_to=extent).geoms]
    shares = area_shares(parts, on)
    np.testing.assert_allclose(shares.covered(), 1.0, atol=1e-8)
    assert shares.sums(np.ones(on.shape))[1].sum() == pytest.approx(on.cells, rel=1e-9)


def test_zonal_sums_are_those_of_a_second_implementation() -> None:
    rng = np.random.default_rng(11)
    on = grid(50, 60)
    values = rng.normal(10, 3, on.shape)
    weights = rng.uniform(0, 5, on.shape)
    shapes = [
        shapely.Point(x, y).buffer(r)
        for x, y, r in zip(rng.uniform(1050, 1550, 9), rng.uniform(1550, 1950, 9), rng.uniform(3, 90, 9), strict=True)
    ]
    west, south, east, north = on.bounds
    source = NumPyRasterSource(values, xmin=west, ymin=south, xmax=east, ymax=north)
    weighting = NumPyRasterSource(weights, xmin=west, ymin=south, xmax=east, ymax=north)
    features = [{"type": "Feature", "geometry": shapely.geometry.mapping(s), "properties": {}} for s in shapes]
    theirs = exact_extract(source, features, ["sum", "mean"], strategy="feature-sequential")
    shares = area_shares(shapes, on)
    np.testing.assert_allclose(shares.sums(values)[0], [f["properties"]["sum"] for f in theirs], rtol=1e-6)
    np.testing.assert_allclose(shares.mean(values), [f["properties"]["mean"] for f in theirs], rtol=1e-6)
    weighed = exact_extract(source, features, ["weighted_mean"], weights=weighting)
    np.testing.assert_allclose(
        shares.mean(values, weights=weights), [f["properties"]["weighted_mean"] for f in weighed], rtol=1e-6
    )


def test_no_data_takes_no_part_in_a_mean_and_is_not_zero() -> None:
    on = grid(1, 2)
    both = shapely.box(*on.bounds)
    assert area_shares([both], on).mean(np.array([[NAN, 4.0]]))[0] == 4.0
    part = shapely.box(1005, 1990, 1020, 2000)
    shares = area_shares([part], on)
    assert shares.mean(np.array([[NAN, 4.0]]))[0] == 4.0
    assert shares.sums(np.array([[NAN, 4.0]]))[1][0] == 1.0
    assert np.isnan(shares.mean(np.array([[NAN, NAN]]))[0])
    assert np.isnan(area_shares([shapely.box(0, 0, 1, 1)], on).mean(np.ones((1, 2)))[0])


def test_class_shares_count_edge_cells_by_their_area() -> None:
    on = grid(1, 3)
    shares = area_shares([shapely.box(1005, 1990, 1025, 2000)], on)
    np.testing.assert_allclose(shares.class_shares(np.array([[1, 2, 2]]), 3)[0], [0.0, 0.25, 0.75])
    np.testing.assert_allclose(shares.class_shares(np.array([[0, 0, 1]]), 3)[0], [0.75, 0.25, 0.0])


def test_rasterising_takes_the_share_not_the_centre() -> None:
    on = grid(1, 2)
    thin = [
        shapely.box(1000, 1990, 1002, 2000),
        shapely.box(1002, 1990, 1008, 2000),
        shapely.box(1016, 1990, 1020, 2000),
    ]
    found = area_shares(thin, on).rasterised([10.0, 20.0, NAN])
    np.testing.assert_allclose(found[0, 0], (2 * 10 + 6 * 20) / 8)
    assert np.isnan(found[0, 1])  # only a polygon without a value lies there
    assert area_shares(thin, on).rasterised([1.0, 1.0, NAN], empty=0.0)[0, 1] == 0.0


def test_the_largest_share_wins_and_the_smaller_number_at_equality() -> None:
    on = grid(1, 2)
    halves = [
        shapely.box(1005, 1990, 1012, 2000),
        shapely.box(1000, 1990, 1005, 2000),
        shapely.box(1012, 1990, 1020, 2000),
    ]
    assert area_shares(halves, on).largest().tolist() == [[0, 2]]
    assert area_shares([shapely.box(0, 0, 1, 1)], on).largest().tolist() == [[-1, -1]]


def test_only_polygons_are_taken_and_empty_ones_cover_nothing() -> None:
    on = grid(1, 2)
    assert area_shares([None, shapely.Polygon()], on).covered().sum() == 0
    with pytest.raises(InputError, match=r"polygons\[0\] is a Point"):
        area_shares([shapely.Point(1005, 1995)], on)


def test_overlapping_polygons_each_keep_their_own_shares() -> None:
    on = grid(2, 2)
    twice = [shapely.box(*on.bounds), shapely.box(*on.bounds)]
    np.testing.assert_allclose(area_shares(twice, on).sums(np.ones(on.shape))[0], [4.0, 4.0])


def test_shares_beyond_one_band_of_rows() -> None:
    on = grid(1300, 3)
    tilted = shapely.Polygon([(1001, 2001), (1029, 1999), (1019, -11001), (1005, -10999)])
    np.testing.assert_allclose(dense([tilted], on), clipped([tilted], on), atol=1e-7)


# --- warping and datums -------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["average", "nearest", "bilinear", "max", "min"])
def test_a_constant_stays_that_constant_and_no_data_stays_no_data(by: str) -> None:
    source = Grid(4490, 120.80, 32.05, 0.001, 0.001, 60, 60)
    values = np.full(source.shape, 7.25, dtype=np.float32)
    values[:20] = NAN
    metric = pyproj.Transformer.from_crs(4490, METRIC, always_xy=True).transform_bounds(120.81, 32.0, 120.85, 32.045)
    target = Grid.covering(metric, cell=100.0, epsg=METRIC)
    found = on_grid(Raster(source, values, "level", "m", "1985"), target, by=by)
    assert found.vertical_datum == "1985"
    there = found.values[np.isfinite(found.values)]
    assert len(there)
    assert np.all(there == np.float32(7.25))
    assert np.isnan(found.values[0]).all()
    assert np.isfinite(found.values[-3]).all()


def test_an_average_keeps_the_mean() -> None:
    values = np.arange(48, dtype=np.float32).reshape(6, 8)
    found = on_grid(Raster(grid(), values, "x", "1"), grid().with_cells(2))
    np.testing.assert_allclose(found.values, values.reshape(3, 2, 4, 2).mean(axis=(1, 3)))
    with pytest.raises(InputError, match="by=cubic"):
        on_grid(Raster(grid(), values, "x", "1"), grid().with_cells(2), by="cubic")


def test_unlike_vertical_datums_never_meet() -> None:
    level = Raster(grid(1, 1), np.zeros((1, 1), dtype=np.float32), "level", "m", "Wusong")
    ground = Raster(grid(1, 1), np.zeros((1, 1), dtype=np.float32), "elevation", "m", "1985")
    unsaid = Raster(grid(1, 1), np.zeros((1, 1), dtype=np.float32), "dem", "m")
    assert require_same_datum(level, level) == "Wusong"
    assert require_same_datum() == ""
    for pair in ((level, ground), (unsaid, unsaid), (level, unsaid)):
        with pytest.raises(CrsError, match="vertical_datum"):
            require_same_datum(*pair)
    with pytest.raises(InputError, match="shape"):
        Raster(grid(2, 2), np.zeros((1, 1), dtype=np.float32), "x", "1")
