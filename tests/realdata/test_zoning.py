"""Zoning on places that nobody here drew: real heights, real storms, real outlines."""

from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from data.importers import import_frame
from data.rasters import import_raster
from data.store import Store
from geo.storms import KNOT_M_S
from layers.district import District
from layers.zoning.run import run_zoning
from layers.zoning.scheme import parse_scheme

pytestmark = pytest.mark.realdata

NOW = datetime(2026, 7, 1, 2, 0, tzinfo=UTC)

SCHEME = """
[scheme]
id = "real"
title = "实测"
kind = "natural"
[unit]
type = "{unit}"
size_m = 200
{hazards}
[[exposure]]
indicator = "persons"
weight = 1.0
scale = "percentile"
[weights]
method = "given"
values = {weights}
[composite]
score = "cardinal"
[classes]
method = "natural_breaks"
[stability]
runs = 20
"""


def hazard(name: str, source: str) -> str:
    return f'[[hazard]]\nid = "{name}"\ntitle = "{name}"\n{source}\n'


def kept(district: District, frame: gpd.GeoDataFrame) -> District:
    import_frame(district.store, "villages", frame, source="test", source_datum="WGS 84", now_utc=NOW)
    return district


@pytest.fixture(scope="module")
def porto_alegre(realdata: Path, tmp_path_factory: pytest.TempPathFactory) -> District:
    """Porto Alegre's hexagons as villages in four quarters, and its heights."""
    store = Store.create(
        str(tmp_path_factory.mktemp("poa") / "poa.gpkg"), name="Porto Alegre", epsg=31982, timezone="America/Sao_Paulo"
    )
    source = realdata / "porto_alegre"
    table = pd.read_csv(source / "poa_hexgrid.csv")
    points = gpd.points_from_xy(table["lon"], table["lat"])
    cells = shapely.get_parts(shapely.voronoi_polygons(shapely.MultiPoint(points)))
    owner = shapely.STRtree(cells).query(points, predicate="within")
    assert owner.shape[1] == len(table)
    # A hexagon is some 350 m wide; a Voronoi cell at the edge would run on for ever.
    hexagons = shapely.intersection(cells[owner[1]], shapely.buffer(points, 0.0022, quad_segs=2))
    quarter = np.char.add(
        np.where(table["lat"] > table["lat"].median(), "north ", "south "),
        np.where(table["lon"] > table["lon"].median(), "east", "west"),
    )
    frame = gpd.GeoDataFrame(
        {"id": table["id"], "name": table["id"], "street": quarter, "persons": table["population"]},
        geometry=hexagons,
        crs=4326,
    )
    import_raster(
        store,
        source / "poa_elevation.tif",
        code="dem",
        title="heights",
        quantity="elevation",
        unit="m",
        vertical_datum="other",
        now_utc=NOW,
    )
    return kept(District(store, clock=lambda: NOW), frame)


def test_real_heights_make_a_zoning_that_keeps_every_person(porto_alegre: District) -> None:
    hazards = hazard("waterlogging", 'module = "waterlogging"') + hazard(
        "low", 'formula = "clip((20 - dem) / 20, 0, 1)"'
    )
    found = run_zoning(porto_alegre, parse_scheme(SCHEME.format(unit="grid", hazards=hazards, weights="[0.5, 0.5]")))
    assert found.persons == found.units["persons"].sum() == found.streets["persons"].sum() == 812_935
    assert found.exposed["persons"].sum() == found.zones["persons"].sum() == 812_935
    area_m2 = porto_alegre.view().frame("village").to_crs(31982).area.sum()
    assert found.levels["area_km2"].sum() == pytest.approx(area_m2 / 1e6, rel=1e-6)
    low = found.units["h_low"].to_numpy()
    assert np.nanmin(low) == 0.0
    assert np.nanmax(low) > 0.9
    # What has no height has no level; nothing of it is called low.
    unknown = found.units[["h_low", "h_waterlogging"]].isna().any(axis=1)
    assert (found.units["level"] == 0).tolist() == unknown.tolist()
    assert found.units.loc[~unknown, "level"].between(1, 5).all()
    # Where as many people live, lower ground has the higher risk.
    crowded = found.units[found.units["persons"] > found.units["persons"].quantile(0.9)]
    by_height = crowded.groupby(crowded["h_low"] > 0.3)["risk_low"].mean()
    assert by_height[True] > 2 * by_height[False]
    assert any("水系" in notice.zh or "drainage" in notice.en for notice in found.notices), found.notices


@pytest.fixture(scope="module")
def chongchuan(realdata: Path, tmp_path_factory: pytest.TempPathFactory) -> District:
    """Chongchuan's real outline cut into six strips, its census and the storms of 77 years."""
    store = Store.create(str(tmp_path_factory.mktemp("cc") / "cc.gpkg"), name="崇川区", epsg=4549)
    source = realdata / "nantong"
    outline = gpd.read_file(source / "chongchuan_wgs84.geojson").to_crs(4549).union_all()
    west, south, east, north = outline.bounds
    edges = np.linspace(south, north, 7)
    strips = [shapely.intersection(outline, shapely.box(west, a, east, b)) for a, b in pairwise(edges)]
    persons = pd.read_csv(source / "nantong_bulletin2_table.csv").set_index("area").loc["崇川区", "pop_2020"]
    parts = [int(persons) // 6] * 5
    frame = gpd.GeoDataFrame(
        {
            "id": [f"v{k}" for k in range(6)],
            "name": [f"strip {k}" for k in range(6)],
            "street": [f"street {k}" for k in range(6)],
            "persons": [*parts, int(persons) - sum(parts)],
        },
        geometry=strips,
        crs=4549,
    ).to_crs(4326)
    table = pd.read_csv(source / "jtwc_tracks_within500km_nantong_1945_2021.csv")
    moment = pd.to_datetime(table[["Year", "Month", "Day", "Hour"]].rename(columns=str.lower), utc=True)
    fixes = pd.DataFrame(
        {
            "storm_id": table["Year"].astype(str) + "-" + table["CY"].astype(str),
            "time_utc": moment.dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "wind_m_s": (table["VMax"] * KNOT_M_S).round(3),
            "pressure_hpa": table["MSLP"].where(table["MSLP"] > 800),
        }
    )
    tracks = gpd.GeoDataFrame(fixes, geometry=gpd.points_from_xy(table["Lon"], table["Lat"]), crs=4326)
    tracks = tracks.drop_duplicates(["storm_id", "time_utc"])
    import_frame(store, "storm_tracks", tracks, source="JTWC", source_datum="WGS 84", now_utc=NOW)
    return kept(District(store, clock=lambda: NOW), frame)


@pytest.mark.parametrize("unit", ["grid", "national", "village", "street"])
def test_77_years_of_storms_over_the_real_district(chongchuan: District, unit: str) -> None:
    hazards = hazard("typhoon", 'module = "typhoon"')
    found = run_zoning(chongchuan, parse_scheme(SCHEME.format(unit=unit, hazards=hazards, weights="[1.0]")))
    assert found.units["persons"].sum() == found.streets["persons"].sum() == 1_183_740
    wind = found.units["f_typhoon_wind"]
    assert wind.between(20.0, 60.0).all()
    assert wind.max() > wind.min()
    assert found.units["level"].between(1, 5).all()
    assert found.streets["area_km2"].sum() == pytest.approx(found.levels["area_km2"].sum(), rel=1e-6)
    assert next(record for record in found.inputs if record.name == "storm_track").source == "JTWC"
