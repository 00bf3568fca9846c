"""Tiles of layers with many rows beside the slow way: row by row, in plain numbers."""

import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely

from data.demo.crowd import crowd
from data.importers import import_frame
from data.store import Store
from geo.errors import InputError
from geo.vector_tile import EXTENT
from layers import query
from layers.catalogue import LAYERS
from layers.district import District
from layers.html import mark_for, mark_places
from layers.layer import TILES_ABOVE, TILES_MAX_ZOOM, Layer
from layers.layer_tiles import CELL_PX, LABELS_FROM_ZOOM, TILE_PX, DrawnLayer, drawn_layer
from layers.render import describe
from layers.views.map_view import ShownLayer, read_map_view
from layers.views.shown import answer
from tests.layers.conftest import EPSG, NOW, STAMP, fill, lonlat

ROWS = 300
ZOOMS = (9, 11, 12, 14, TILES_MAX_ZOOM)


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> District:
    """The small town with a crowd of enterprises, some of them on one spot and one without a place."""
    store = Store.create(str(tmp_path_factory.mktemp("crowd") / "town.gpkg"), name="小镇", epsg=EPSG)
    fill(store)
    frame = crowd(store, ROWS, seed=7)
    frame.loc[:20, "geometry"] = frame.geometry.iloc[0]
    frame.loc[21, "geometry"] = None
    import_frame(store, "enterprises", frame, **STAMP)
    return District(store, clock=lambda: NOW)


def asked(**how: Any) -> ShownLayer:
    document = {"layers": [{"id": "enterprises", **how}]}
    return read_map_view(document, role="planner", timezone=UTC).layers[0]  # type: ignore[arg-type]


def drawn(district: District, **how: Any) -> DrawnLayer:
    return drawn_layer(district, asked(**how), role="planner", at=None)


def world(lon: float, lat: float) -> tuple[float, float]:
    return (lon + 180) / 360, (1 - math.log(math.tan(math.pi / 4 + math.radians(lat) / 2)) / math.pi) / 2


def expected(layer: Layer, frame: gpd.GeoDataFrame, z: int) -> dict[tuple[int, int], dict[str, dict[str, Any]]]:
    """Tile -> the rows on it by id, worked out one by one."""
    cells = 2**z * TILE_PX // CELL_PX["point"]
    best: dict[Any, tuple[int, int]] = {}
    records = frame.drop(columns="geometry").to_dict("records")
    for k, (record, shape) in enumerate(zip(records, frame.geometry, strict=True)):
        if shape is None:
            continue
        x, y = world(shape.x, shape.y)
        key = (math.floor(x * cells), math.floor(y * cells)) if z < TILES_MAX_ZOOM else k
        rank = (layer.marks().index(mark_for(layer, record)), k)
        if key not in best or rank < best[key]:
            best[key] = rank
    found: dict[tuple[int, int], dict[str, dict[str, Any]]] = {}
    for _, k in best.values():
        shape = frame.geometry.iloc[k]
        x, y = world(shape.x, shape.y)
        tile = math.floor(x * 2**z), math.floor(y * 2**z)
        at = math.floor((x * 2**z - tile[0]) * EXTENT), math.floor((y * 2**z - tile[1]) * EXTENT)
        found.setdefault(tile, {})[records[k]["id"]] = {**records[k], "at": at}
    return found


def decoded(tile: bytes, folder: Path) -> gpd.GeoDataFrame:
    path = folder / "tile.mvt"
    path.write_bytes(tile)
    return pyogrio.read_dataframe(path, CLIP="NO")


@pytest.mark.parametrize("z", ZOOMS)
@pytest.mark.parametrize(
    "how",
    [
        {},
        {"filters": [{"field": "risk_level", "values": ["low", ""]}]},
        {"style": {"field": "workers_on_shift", "method": "quantile", "classes": 4}},
        {"filters": [{"field": "workers_on_shift", "from": 100, "to": 300}], "style": {"field": "fire_class"}},
    ],
    ids=["declared", "filtered", "styled", "both"],
)
def test_tiles_hold_exactly_what_they_should(crowded: District, z: int, how: dict[str, Any], tmp_path: Path) -> None:
    whole = query.read(crowded, "enterprises", role="planner").frame
    rows = whole
    for one in how.get("filters", ()):
        keep = (
            rows[one["field"]].fillna("").isin(one["values"])
            if "values" in one
            else rows[one["field"]].between(one["from"], one["to"])
        )
        rows = rows[keep]
    layer = drawn(crowded, **how).layer
    tiles = expected(layer, rows, z)
    assert tiles
    style = layer.style.field  # type: ignore[union-attr]
    wanted = ["id", style, *(["name"] if z >= LABELS_FROM_ZOOM["point"] else [])]
    total = 0
    for (x, y), features in tiles.items():
        found = decoded(drawn(crowded, **how).tile(z, x, y), tmp_path)
        assert sorted(found["id"]) == sorted(features)
        assert set(found.columns) - {"geometry", "mvt_id"} <= set(wanted)
        for _, row in found.iterrows():
            told = features[row["id"]]
            assert (round(row.geometry.x), EXTENT - round(row.geometry.y)) == told["at"]
            for name in wanted:
                if name in found.columns and not pd.isna(row[name]):
                    assert row[name] == told[name]
                else:
                    assert told[name] is None or pd.isna(told[name])
        total += len(found)
    around = {(x + dx, y + dy) for x, y in tiles for dx in (-1, 0, 1) for dy in (-1, 0, 1)} - tiles.keys()
    assert all(drawn(crowded, **how).tile(z, x, y) == b"" for x, y in around)
    counted = drawn(crowded, **how).counted(z, (-180.0, -85.0, 180.0, 85.0))
    placed = int(rows.geometry.notna().sum())
    assert (counted.count, counted.matched, counted.in_view, counted.drawn) == (len(whole), placed, placed, total)


def test_counts_of_a_window_are_those_of_the_rows_that_touch_it(crowded: District) -> None:
    corner, other = lonlat(1, 1), lonlat(3, 2.5)
    box = (corner[0], corner[1], other[0], other[1])
    read = query.read(crowded, "enterprises", role="planner", bbox=box)
    counted = drawn(crowded).counted(TILES_MAX_ZOOM, box)
    assert 0 < read.matched < read.count
    assert (counted.in_view, counted.drawn) == (read.matched, read.matched)
    assert 0 < drawn(crowded).counted(10, box).drawn < read.matched


def test_all_rows_of_one_spot_are_there_at_the_last_zoom_and_one_before(crowded: District) -> None:
    spot = {f"X-{k:06d}" for k in range(21)}
    layer = drawn(crowded)
    at = {z: set(layer.frame["id"].iloc[layer.drawn_at(z)]) & spot for z in (TILES_MAX_ZOOM - 1, TILES_MAX_ZOOM)}
    assert len(at[TILES_MAX_ZOOM]) == 21
    assert len(at[TILES_MAX_ZOOM - 1]) <= 1


def test_marks_are_those_of_the_slow_way(crowded: District) -> None:
    for how in (
        {},
        {"style": {"field": "workers_on_shift", "method": "equal", "classes": 6}},
        {"style": {"field": "name"}},
    ):
        layer, frame = drawn(crowded, **how).layer, query.read(crowded, "enterprises", role="planner").frame
        marks = layer.marks()
        slow = [marks.index(mark_for(layer, one)) for one in frame.drop(columns="geometry").to_dict("records")]
        assert mark_places(layer, frame).tolist() == slow


# -- lines and areas ------------------------------------------------------------------------------


def areas(seed: int, n: int) -> DrawnLayer:
    """Villages as areas of many sizes around the town, a few of them points."""
    random = np.random.default_rng(seed)
    corner, size = random.uniform(0, 3, (n, 2)), random.choice([0.001, 0.01, 0.1, 0.5], n)
    shapes = [
        shapely.box(*lonlat(x, y), *lonlat(x + s, y + s)) if k % 7 else shapely.Point(lonlat(x, y))
        for k, ((x, y), s) in enumerate(zip(corner.tolist(), size.tolist(), strict=True))
    ]
    frame = gpd.GeoDataFrame(
        {"id": [f"a{k}" for k in range(n)], "name": [f"村{k}" for k in range(n)]}, geometry=shapes, crs=4326
    )
    return DrawnLayer(LAYERS["villages"], n, frame)


@pytest.mark.parametrize("z", [9, 12, 15, TILES_MAX_ZOOM])
def test_areas_cover_the_same_ground_on_their_tiles(z: int, tmp_path: Path) -> None:
    """Every large area is where it is to half a pixel, cut at the buffer; a small one is drawn as its cell."""
    layer = areas(5, 60)
    kept = layer.drawn_at(z).tolist()
    cell = EXTENT * CELL_PX["polygon"] / TILE_PX
    shapes = {
        layer.frame["id"].iloc[k]: shapely.transform(
            layer.frame.geometry.iloc[k], lambda xy: np.array([world(*one) for one in xy]) * 2**z
        )
        for k in kept
    }
    boxes = np.array([shape.bounds for shape in shapes.values()])
    seen: set[str] = set()
    for x in range(math.floor(boxes[:, 0].min()), math.floor(boxes[:, 2].max()) + 1):
        for y in range(math.floor(boxes[:, 1].min()), math.floor(boxes[:, 3].max()) + 1):
            window = shapely.box(-64, -64, EXTENT + 64, EXTENT + 64)
            tile = layer.tile(z, x, y)
            found = {} if tile == b"" else dict(decoded(tile, tmp_path).set_index("id").geometry)
            for name, shape in shapes.items():
                here = shapely.transform(shape, lambda xy, x=x, y=y: (xy - (x, y)) * EXTENT)
                if here.geom_type == "Point":
                    assert (name in found) == (0 <= here.x < EXTENT and 0 <= here.y < EXTENT)
                elif (
                    max(here.bounds[2] - here.bounds[0], here.bounds[3] - here.bounds[1]) < cell and z < TILES_MAX_ZOOM
                ):
                    if name in found:
                        got = shapely.transform(found[name], lambda xy: np.column_stack([xy[:, 0], EXTENT - xy[:, 1]]))
                        assert got.distance(here.centroid) <= 1.0
                        assert got.area <= cell**2 + 1e-6
                else:
                    part = shapely.intersection(here, window)
                    if part.area > 4 * cell**2:
                        got = shapely.transform(found[name], lambda xy: np.column_stack([xy[:, 0], EXTENT - xy[:, 1]]))
                        assert shapely.hausdorff_distance(got.exterior, part.exterior) <= 4.0
            seen |= set(found)
    assert seen == set(shapes)


# -- the threshold --------------------------------------------------------------------------------


@pytest.mark.parametrize(("rows", "tiles"), [(TILES_ABOVE, None), (TILES_ABOVE + 1, TILES_MAX_ZOOM)])
def test_the_threshold_is_the_last_that_goes_into_one_geojson(rows: int, tiles: int | None, town: District) -> None:
    from dataclasses import replace

    result = replace(query.read(town, "enterprises", role="viewer"), count=rows)
    assert describe(result)["tiles"] == tiles
    assert describe(replace(result, layer=LAYERS["roads"]))["tiles"] is None  # on the base map


def test_no_layer_has_a_threshold_above_what_is_served_at_once() -> None:
    assert all(0 < layer.tiles_above <= query.MAX_FEATURES for layer in LAYERS.values())


def test_what_is_drawn_from_tiles_is_filtered_there(crowded: District, monkeypatch: pytest.MonkeyPatch) -> None:
    view = read_map_view(
        {"layers": [{"id": "enterprises", "filters": [{"field": "risk_level", "values": ["major"]}]}]},
        role="viewer",
        timezone=crowded.timezone,
    )
    few = answer(crowded, view, role="viewer", lang="zh")[0]
    assert all("filter" in spec for spec in few["map_layers"])
    monkeypatch.setitem(vars(LAYERS["enterprises"]), "tiles_above", 5)
    many = answer(crowded, view, role="viewer", lang="zh")[0]
    assert not any("filter" in spec for spec in many["map_layers"])
    assert {key: few[key] for key in ("count", "matched", "legend")} == {
        key: many[key] for key in ("count", "matched", "legend")
    }


# -- what is kept ---------------------------------------------------------------------------------


def test_a_layer_is_made_anew_when_its_rows_change_and_not_before(own_town: District) -> None:
    def enterprises() -> DrawnLayer:
        return drawn_layer(own_town, ShownLayer(LAYERS["enterprises"]), role="viewer", at=None)

    first = enterprises()
    frame = own_town.view().frame("team").iloc[:1].assign(name="改名")
    import_frame(own_town.store, "teams", frame[["id", "name", "type", "geometry"]], **STAMP)
    assert enterprises() is first
    import_frame(own_town.store, "enterprises", crowd_of_one(), **STAMP)
    second = enterprises()
    assert second is not first
    assert set(second.frame["id"]) - set(first.frame["id"]) == {"new"}


def crowd_of_one() -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({"id": ["new"], "name": ["新"]}, geometry=[shapely.Point(lonlat(1, 1))], crs=4326)


def test_what_depends_on_the_moment_is_kept_for_a_minute(own_town: District) -> None:
    def teams(at: datetime) -> DrawnLayer:
        return drawn_layer(own_town, ShownLayer(LAYERS["teams"]), role="viewer", at=at)

    assert teams(NOW) is teams(NOW.replace(second=59))
    assert teams(NOW) is not teams(NOW.replace(minute=NOW.minute + 1))


@pytest.mark.parametrize("rows", [0, -1])
def test_a_crowd_of_nobody_is_refused(rows: int, town: District) -> None:
    with pytest.raises(InputError, match=f"rows={rows}"):
        crowd(town.store, rows, seed=1)
