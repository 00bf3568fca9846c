"""The main job on cities that nobody here drew: import, coverage, supplies, exports."""

import json
from datetime import UTC, datetime
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from data.importers import import_file, import_frame
from data.store import Store
from layers import analyses, query, render
from layers.district import District

pytestmark = pytest.mark.realdata

NOW = datetime(2026, 7, 1, 2, 0, tzinfo=UTC)  # 10:00 in Nanjing: off-peak, day
SEED = 20260701


def largest_remainder(total: int, n: int) -> list[int]:
    return [total // n + (i < total % n) for i in range(n)]


@pytest.fixture(scope="module")
def nanjing(realdata: Path, tmp_path_factory: pytest.TempPathFactory) -> District:
    """Nanjing with its roads, population on a grid, 30 teams and 1,000 depots placed by a seed."""
    path = tmp_path_factory.mktemp("nanjing") / "nanjing.gpkg"
    store = Store.create(str(path), name="Nanjing", epsg=4549)
    source = realdata / "nanjing"
    districts = gpd.read_file(source / "districts.geojson")
    boundary = gpd.GeoDataFrame({"name": districts["name"]}, geometry=districts.geometry, crs=4326)
    import_frame(store, "boundary", boundary, source="test", source_datum="WGS 84", now_utc=NOW)
    report = import_file(store, "roads", source / "roads.parquet", now_utc=NOW)
    assert report.rows == 160_979
    rng = np.random.default_rng(SEED)
    cells, persons = [], []
    for row in districts.itertuples():
        xs = np.arange(*shapely.bounds(row.geometry)[[0, 2]], 0.03)
        ys = np.arange(*shapely.bounds(row.geometry)[[1, 3]], 0.03)
        points = shapely.points(*(a.ravel() for a in np.meshgrid(xs, ys)))
        inside = points[shapely.contains_properly(row.geometry, points)]
        cells += list(inside)
        persons += largest_remainder(int(row.pop2020), len(inside))
    frame = gpd.GeoDataFrame({"id": [f"c{i}" for i in range(len(cells))], "persons": persons}, geometry=cells, crs=4326)
    import_frame(store, "cells", frame, source="test", source_datum="WGS 84", now_utc=NOW)
    roads = gpd.read_parquet(source / "roads.parquet", columns=["geometry"])
    starts = shapely.get_point(roads.geometry.array, 0)
    teams = gpd.GeoDataFrame(
        {
            "id": [f"t{i:02}" for i in range(30)],
            "name": [f"team {i}" for i in range(30)],
            "type": ["fire"] * 20 + ["street"] * 10,
            "skills": ["firefighting"] * 25 + ["flood"] * 5,
            "duty": ["24h"] * 30,
        },
        geometry=rng.choice(starts, 30),
        crs=4326,
    )
    import_frame(store, "teams", teams, source="test", source_datum="WGS 84", now_utc=NOW)
    depots = gpd.GeoDataFrame(
        {
            "id": [f"d{i:04}" for i in range(1000)],
            "name": [f"depot {i}" for i in range(1000)],
            "level": ["street"] * 1000,
        },
        geometry=rng.choice(starts, 1000),
        crs=4326,
    )
    import_frame(store, "depots", depots, source="test", source_datum="WGS 84", now_utc=NOW)
    items = pd.DataFrame({"id": ["quilt", "pump"], "name": ["棉被", "水泵"], "unit": ["床", "台"]})
    import_frame(store, "items", items, source="test", source_datum="-", now_utc=NOW)
    lots = pd.DataFrame(
        {
            "depot_id": depots["id"].tolist() * 2,
            "item_id": ["quilt"] * 1000 + ["pump"] * 1000,
            "lot": ["L1"] * 2000,
            "quantity": rng.integers(0, 50, 2000),
            "reserved": 0,
        }
    )
    import_frame(store, "lots", lots, source="test", source_datum="-", now_utc=NOW)
    return District(store, clock=lambda: NOW)


def test_nanjing_coverage_accounts_for_every_person(nanjing: District, realdata: Path) -> None:
    population = int(gpd.read_file(realdata / "nanjing" / "districts.geojson")["pop2020"].sum())
    found = analyses.coverage(nanjing, limit_s=3600.0, skill=None, at=NOW, places="cells").to_json()
    totals, places = found["totals"], found["places"]
    assert totals["persons"] == population == sum(p["persons"] for p in places)
    assert totals["covered_persons"] == sum(p["persons"] for p in places if p["covered"])
    assert 0 < totals["covered_places"] < totals["places"] == len(places)
    for place in places:
        assert place["covered"] == (place["total_s"] is not None and place["total_s"] <= 3600.0)
        assert (place["reason"] is None) == place["covered"]
        if place["covered"]:
            parts = [place[k] for k in ("handling_s", "turnout_s", "travel_s", "last_leg_s")]
            assert sum(parts) == pytest.approx(place["total_s"], abs=0.01)
    json.dumps(found, allow_nan=False)


def test_nanjing_first_team_is_the_quickest_by_single_questions(nanjing: District) -> None:
    found = analyses.coverage(nanjing, limit_s=3600.0, skill=None, at=NOW, places="cells").to_json()
    rng = np.random.default_rng(1)
    covered = [p for p in found["places"] if p["covered"]]
    cells = nanjing.view().frame("cell").set_index("id").geometry
    for place in rng.choice(np.array(covered, dtype=object), 5, replace=False):
        point = cells[place["id"]]
        answer = analyses.reach(nanjing, lonlat=(point.x, point.y), at=NOW)
        assert answer["teams"][0]["team_id"] == place["team_id"]
        assert answer["teams"][0]["total_s"] == pytest.approx(place["total_s"], abs=0.01)


def test_a_lower_limit_covers_no_more(nanjing: District) -> None:
    shares = [
        analyses.coverage(nanjing, limit_s=limit, skill=None, at=NOW, places="cells").to_json()["totals"][
            "covered_persons"
        ]
        for limit in (900.0, 1800.0, 3600.0)
    ]
    assert shares == sorted(shares)
    assert shares[0] < shares[-1]


def test_nanjing_supply_plan_is_the_quickest_set_of_depots(nanjing: District) -> None:
    place = (118.78, 32.06)
    plan = analyses.supply(nanjing, lonlat=place, needs={"quilt": 200}, within_s=None, at=NOW)
    line = plan["lines"][0]
    assert line["allocated"] == line["requested"] == 200
    assert line["short"] == 0
    taken = sum(row["quantity"] for row in line["from"])
    assert taken == 200
    used = {row["depot_id"] for row in line["from"]}
    ready = max(row["arrival_s"] for row in line["from"])
    assert line["ready_s"] == pytest.approx(ready)
    # No depot with stock that is quicker than the last one is left out.
    depots = nanjing.view().frame("depot")
    lots = nanjing.view().frame("lot")
    stocked = set(lots[(lots["item_id"] == "quilt") & (lots["on_hand_e3"] > 0)]["depot_id"])
    origins = [(p.x, p.y) for p in depots.geometry[:50]]
    times = analyses.times(nanjing, origins=origins, destinations=[place], at=NOW)
    for i, depot in enumerate(depots["id"][:50]):
        if depot in stocked and times["time_s"][i][0] is not None:
            legs = times["from_last_leg_s"][i] + times["to_last_leg_s"][0]
            arrival = 300 + 1200 + times["time_s"][i][0] + legs
            assert depot in used or arrival >= ready - 0.01


@pytest.fixture(scope="module")
def porto_alegre(realdata: Path, tmp_path_factory: pytest.TempPathFactory) -> District:
    """Porto Alegre from its raw OSM extract, with population cells and health facilities as hospitals."""
    path = tmp_path_factory.mktemp("poa") / "poa.gpkg"
    store = Store.create(str(path), name="Porto Alegre", epsg=31982, timezone="America/Sao_Paulo")
    source = realdata / "porto_alegre"
    report = import_file(store, "roads", source / "poa_osm.pbf", now_utc=NOW)
    assert report.inserted > 10_000
    grid = pd.read_csv(source / "poa_hexgrid.csv")
    there = gpd.points_from_xy(grid["lon"], grid["lat"])
    cells = gpd.GeoDataFrame({"id": grid["id"], "persons": grid["population"]}, geometry=there, crs=4326)
    import_frame(store, "cells", cells, source="test", source_datum="WGS 84", now_utc=NOW)
    health = grid[grid["healthcare"] > 0]
    hospitals = gpd.GeoDataFrame(
        {"id": health["id"], "name": "health " + health["id"].astype(str)},
        geometry=gpd.points_from_xy(health["lon"], health["lat"]),
        crs=4326,
    )
    import_frame(store, "hospitals", hospitals, source="test", source_datum="WGS 84", now_utc=NOW)
    teams = gpd.GeoDataFrame(
        {"id": hospitals["id"].iloc[:10], "name": hospitals["name"].iloc[:10], "type": "fire"},
        geometry=hospitals.geometry.iloc[:10],
        crs=4326,
    )
    import_frame(store, "teams", teams, source="test", source_datum="WGS 84", now_utc=NOW)
    return District(store, clock=lambda: NOW)


def test_porto_alegre_has_one_way_streets_and_bridges(porto_alegre: District) -> None:
    network = porto_alegre.view().network
    one_way = int((network.edge_forward ^ network.edge_backward).sum())
    assert one_way > 1_000
    assert int(network.edge_bridge.sum()) > 10


def test_porto_alegre_population_is_kept(porto_alegre: District) -> None:
    found = analyses.coverage(porto_alegre, limit_s=3600.0, skill=None, at=NOW, places="cells").to_json()
    assert found["totals"]["persons"] == 812_935
    uncovered = sum(p["persons"] for p in found["places"] if not p["covered"])
    assert found["totals"]["covered_persons"] + uncovered == 812_935


def test_porto_alegre_hospitals_around_the_market(porto_alegre: District) -> None:
    market = (-51.227811, -30.027565)
    near = analyses.around(porto_alegre, lonlat=market, minutes=10, kinds=["hospitals"], at=NOW)
    everything = analyses.around(porto_alegre, lonlat=market, minutes=600, kinds=["hospitals"], at=NOW)
    assert 0 < near["count"] < everything["count"] <= 141
    totals = [row["total_s"] for row in near["facilities"]]
    assert totals == sorted(totals)
    assert max(totals) <= 600.0


def test_porto_alegre_exports_every_layer(porto_alegre: District) -> None:
    for layer_id in ("roads", "hospitals", "response_time", "uncovered_places"):
        result = query.read(porto_alegre, layer_id, role="viewer", at=NOW)
        found = json.loads(render.geojson(result))
        assert len(found["features"]) == result.count
