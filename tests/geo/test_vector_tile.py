"""Vector tiles against GDAL's decoder."""

import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Transformer
from shapely.geometry import (
    GeometryCollection,
    LineString,
    MultiLineString,
    MultiPoint,
    MultiPolygon,
    Point,
    Polygon,
)

from geo.errors import InputError
from geo.vector_tile import EXTENT, MAX_LATITUDE_DEG, tile_layer, world_xy


def decoded(tile: bytes, folder: Path) -> gpd.GeoDataFrame:
    """What GDAL reads of a tile with one layer, in units of the tile."""
    path = folder / "tile.mvt"
    path.write_bytes(tile)
    frame = pyogrio.read_dataframe(path, CLIP="NO")
    # Without a zoom GDAL gives the units of the tile with y upwards.
    flipped = shapely.transform(frame.geometry.to_numpy(), lambda xy: np.column_stack([xy[:, 0], EXTENT - xy[:, 1]]))
    return gpd.GeoDataFrame(frame.drop(columns=["geometry", "mvt_id"], errors="ignore"), geometry=flipped)


def test_every_type_of_geometry_and_of_value_is_read_by_gdal(tmp_path: Path) -> None:
    shapes: list[Any] = [
        Point(1, 2),
        MultiPoint([(5, 5), (9, 4095)]),
        LineString([(0, 0), (10, 0), (10, 20)]),
        MultiLineString([[(1, 1), (2, 2)], [(300, 1), (1, 300), (-64, 4160)]]),
        Polygon([(0, 0), (100, 0), (100, 100), (0, 100)], [[(10, 10), (20, 10), (20, 20), (10, 20)]]),
        MultiPolygon([shapely.box(0, 0, 5, 5), shapely.box(1000, 1000, 4095, 4096)]),
        None,
        Polygon(),
    ]
    tile = tile_layer(
        "many",
        shapes,
        {
            "text": ["甲", "<b>", "", None, "甲", "x" * 300, "y", "z"],
            "whole": [0, 1, -1, 127, 128, 2**53, 5, 6],
            "number": [0.5, -2.25, None, 1e300, 3.0, 1e-9, 1.0, 1.0],
            "flag": [True, False, None, True, True, False, True, True],
        },
    )
    found = decoded(tile, tmp_path)
    assert len(found) == 6
    for got, given_ in zip(found.geometry, shapes[:6], strict=True):
        assert shapely.equals(got, given_), (got.wkt, given_.wkt)
    assert found["text"].tolist()[:3] == ["甲", "<b>", ""]
    assert found["text"].isna().tolist() == [False, False, False, True, False, False]
    assert found["text"].iloc[5] == "x" * 300
    assert [int(v) for v in found["whole"]] == [0, 1, -1, 127, 128, 2**53]
    assert [v for v in found["number"] if not math.isnan(v)] == [0.5, -2.25, 1e300, 3.0, 1e-9]
    assert [None if v is None or v != v else bool(v) for v in found["flag"]] == [True, False, None, True, True, False]


def brute(shape: Any) -> Any:
    """A geometry as it should come out: rounded down vertex by vertex, without repetitions."""

    def path(xy: Any) -> list[tuple[int, int]]:
        found: list[tuple[int, int]] = []
        for x, y in xy:
            at = (math.floor(x), math.floor(y))
            if not found or found[-1] != at:
                found.append(at)
        return found

    def area(ring: list[tuple[int, int]]) -> int:
        return sum(a[0] * b[1] - b[0] * a[1] for a, b in pairwise(ring))

    if shape.geom_type == "Point":
        return ("P", path(shape.coords))
    if shape.geom_type == "LineString":
        line = path(shape.coords)
        return ("L", line) if len(line) > 1 else None
    rings = [path(ring.coords) for ring in (shape.exterior, *shape.interiors)]
    if area(rings[0]) == 0:
        return None
    return ("A", [ring for ring in rings if area(ring) != 0])


def canonical(ring: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """A ring whichever way round and wherever it begins."""
    open_ring = ring[:-1]
    turns = [tuple(one[k:] + one[:k]) for one in (open_ring, open_ring[::-1]) for k in range(len(open_ring))]
    return min(turns)


coordinate = st.floats(-64, EXTENT + 64, allow_nan=False)
place = st.tuples(coordinate, coordinate)
points = place.map(Point)
lines = st.lists(place, min_size=2, max_size=6).map(LineString)
boxes = st.tuples(place, st.floats(0.1, 300), st.floats(0.1, 300), st.booleans()).map(
    lambda b: Polygon(
        [(b[0][0], b[0][1]), (b[0][0] + b[1], b[0][1]), (b[0][0] + b[1], b[0][1] + b[2]), (b[0][0], b[0][1] + b[2])][
            :: 1 if b[3] else -1
        ],
        [
            [
                (b[0][0] + b[1] / 4, b[0][1] + b[2] / 4),
                (b[0][0] + b[1] / 2, b[0][1] + b[2] / 4),
                (b[0][0] + b[1] / 2, b[0][1] + b[2] / 2),
            ]
        ],
    )
)


@settings(max_examples=60, deadline=None)
@given(shapes=st.lists(st.one_of(points, lines, boxes), min_size=1, max_size=8))
def test_geometries_are_rounded_down_and_nothing_else(
    shapes: list[Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    expected = [(k, brute(shape)) for k, shape in enumerate(shapes)]
    expected = [(k, one) for k, one in expected if one is not None]
    tile = tile_layer("some", shapes, {"k": list(range(len(shapes)))})
    if not expected:
        assert tile == b""
        return
    by_row = dict(expected)
    found = decoded(tile, tmp_path_factory.mktemp("tile"))
    assert sorted(int(k) for k in found["k"]) == sorted(by_row)
    for row, shape in zip(found["k"], found.geometry, strict=True):
        kind, told = by_row[int(row)]
        if kind == "A":
            rings = [ring for part in shapely.get_parts(shape) for ring in (part.exterior, *part.interiors)]
            got = [canonical([(round(x), round(y)) for x, y in ring.coords]) for ring in rings]
            assert sorted(got) == sorted(canonical(ring) for ring in told)
        else:
            assert [(round(x), round(y)) for x, y in shape.coords] == told


def test_a_collection_is_drawn_by_its_parts(tmp_path: Path) -> None:
    shape = GeometryCollection([Point(5, 5), shapely.box(0, 0, 9, 9), MultiPoint([(1, 1), (2, 2)])])
    found = decoded(tile_layer("mixed", [shape], {"a": ["x"]}), tmp_path)
    assert sorted(found.geom_type) == ["MultiPoint", "Polygon"]
    assert found["a"].tolist() == ["x", "x"]


@pytest.mark.parametrize("shapes", [[], [None], [Polygon()], [LineString([(1.2, 1.2), (1.4, 1.4)])]])
def test_nothing_to_draw_is_no_layer(shapes: list[Any]) -> None:
    assert tile_layer("none", shapes, {"a": ["x"] * len(shapes)}) == b""


def test_a_layer_without_properties(tmp_path: Path) -> None:
    assert len(decoded(tile_layer("bare", [Point(0, 0), Point(EXTENT - 0.1, 1)], {}), tmp_path)) == 2


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (["a", "b"], r"properties\[p\]: 2 values"),
        ([[1]], r"properties\[p\]: has a list"),
        ([b"x"], r"properties\[p\]=b'x'"),
        ([math.inf], r"properties\[p\]=inf"),
    ],
)
def test_properties_that_a_tile_cannot_hold_are_refused(values: list[Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        tile_layer("bad", [Point(1, 1)], {"p": values})


def test_places_on_the_world_map_are_those_of_proj() -> None:
    rng = np.random.default_rng(3)
    lonlat = rng.uniform((-180, -85), (180, 85), (500, 2))
    x, y = Transformer.from_crs(4326, 3857, always_xy=True).transform(lonlat[:, 0], lonlat[:, 1])
    half = 20037508.342789244
    expected = np.column_stack([(x + half) / (2 * half), (half - y) / (2 * half)])
    np.testing.assert_allclose(world_xy(lonlat), expected, atol=1e-12)
    corners = world_xy([[-180, MAX_LATITUDE_DEG], [180, -MAX_LATITUDE_DEG], [0, 90], [math.nan, math.nan]])
    np.testing.assert_allclose(corners[:3], [[0, 0], [1, 1], [0.5, 0]], atol=1e-12)
    assert np.isnan(corners[3]).all()
    assert world_xy(np.empty((0, 2))).shape == (0, 2)
