"""Published building counts of InaSAFE through our overlay, and damage by depth against a recount."""

import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely

from geo.grid import Grid, Raster
from geo.overlay import class_by_contact, counts_by, depth_damage, first_contact, mean_under

pytestmark = pytest.mark.realdata
NAMES = {"school": "Education", "hospital": "Health", "ministry": "Government", "shop": "Commercial"}


@pytest.fixture
def folder(realdata: Path) -> Path:
    return realdata / "inasafe"


def test_buildings_in_three_classes(folder: Path) -> None:
    expected = json.loads((folder / "expected.json").read_text())["A_buildings_3class"]
    hazard = gpd.read_file(folder / "gisv4" / "classified_vector.geojson").dropna(subset=["hazard_value"])
    buildings = gpd.read_file(folder / "gisv4" / "buildings.geojson").to_crs(hazard.crs)
    areas = gpd.read_file(folder / "gisv4" / "small_grid.geojson").to_crs(hazard.crs)
    area = first_contact(buildings.geometry, areas.geometry)
    buildings, area = buildings[area >= 0].reset_index(drop=True), area[area >= 0]
    level = class_by_contact(
        buildings.geometry, hazard.geometry, hazard["hazard_value"].map({"low": 1, "medium": 2, "high": 3})
    )
    table = counts_by(buildings["exposure_type"].map(NAMES).fillna("Other"), level, classes=3)
    rows = {name: row for name, row in expected["expected"].items() if name != "columns"}
    total = rows.pop("Total")
    assert set(rows) == set(table.index)
    for name, row in rows.items():
        high, medium, low, none = (int(table.loc[name, k]) for k in (3, 2, 1, 0))
        assert [high, medium, high + medium, low, none, int(table.loc[name, "total"])] == row, name
    high, medium, low, none = (int(table[k].sum()) for k in (3, 2, 1, 0))
    assert [high, medium, high + medium, low, none, int(table["total"].sum())] == total
    affected = areas["area_name"].iloc[area[level >= 2]].value_counts().to_dict()
    assert affected == expected["affected_by_area"]


def test_buildings_in_a_flood_by_grid(folder: Path) -> None:
    expected = json.loads((folder / "expected.json").read_text())["B_buildings_flood_by_grid"]["expected_affected"]
    flood = gpd.read_file(folder / "flood_multipart_polygons.shp")
    wet = flood[flood["FLOODPRONE"].astype(str).str.upper() == "YES"]
    buildings = gpd.read_file(folder / "buildings.shp").to_crs(flood.crs)
    cells = gpd.read_file(folder / "grid_jakarta.geojson").to_crs(flood.crs)
    assert len(buildings) == 181
    affected = class_by_contact(buildings.geometry, wet.geometry, np.ones(len(wet), dtype=int)) > 0
    column = next(name for name in cells.columns if set(cells[name].astype(str)) >= {"B", "C", "F", "G"})
    home = first_contact(buildings.geometry, cells.geometry)
    found = cells[column].iloc[home[affected & (home >= 0)]].value_counts().to_dict()
    assert found == {name: value for name, value in expected.items() if name != "total"}
    assert sum(found.values()) == expected["total"]


def test_damage_by_depth_equals_a_recount(folder: Path) -> None:
    with rasterio.open(folder / "gisv4" / "jakarta_continuous_flood.tif") as source:
        values = source.read(1, masked=True).filled(np.nan).astype(np.float32)
        t = source.transform
    grid = Grid(4326, t.c, t.f, t.a, -t.e, *values.shape)
    assert np.nanmax(values) == pytest.approx(5.86, abs=0.01)
    # Footprints on a lattice over the raster: small squares across cell borders.
    step = 7
    shapes = [
        shapely.box(x, y, x + 1.3 * grid.dx, y + 0.7 * grid.dy)
        for x in grid.left + np.arange(1, grid.cols - 2, step) * grid.dx + 0.4 * grid.dx
        for y in grid.top - np.arange(2, grid.rows - 2, step) * grid.dy + 0.2 * grid.dy
    ]
    depth = mean_under(Raster(grid, values, "depth", "m"), shapes)
    curve = ([0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0], [0.0, 0.33, 0.49, 0.62, 0.72, 0.87, 0.93, 0.98, 1.0])
    damage = depth_damage(depth, *curve)
    boxes = grid.boxes(np.arange(grid.cells))
    tree = shapely.STRtree(boxes)
    for k in range(0, len(shapes), 37):
        cells = tree.query(shapes[k], predicate="intersects")
        area = shapely.area(shapely.intersection(boxes[cells], shapes[k]))
        there = np.isfinite(values.ravel()[cells]) & (area > 0)
        if not there.any():
            assert np.isnan(damage[k])
            continue
        mean = float(np.average(values.ravel()[cells][there], weights=area[there]))
        assert damage[k] == pytest.approx(float(np.interp(mean, *curve)), abs=1e-5)
    assert np.isfinite(damage).sum() > 100
