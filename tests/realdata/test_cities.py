"""The main job on cities that nobody here drew: import, coverage, supplies, exports."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from data.importers import import_file, import_frame
from data.store import Store
from geo.coverage import coverage as cover
from geo.crs import to_metric
from geo.times import TravelTimes, last_leg_s
from layers import analyses, query, render
from layers.analyses.response import teams_at
from layers.district import District
from layers.layer import Text
from layers.whatif.coverage import scenario_coverage
from layers.whatif.scenario import AS_IT_IS, Closure, Scenario

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


LIMIT_S = 900.0
CENTRE = (118.7885, 32.0425)  # Xinjiekou


def drawn_on_nanjing(nanjing: District, realdata: Path) -> dict[str, Closure]:
    """A closure of every form; the line runs along both carriageways of the Yangtze River Bridge."""
    roads = gpd.read_parquet(realdata / "nanjing" / "roads.parquet").cx[118.725:118.755, 32.105:32.125]
    bridge = roads[(roads["highway"] == "trunk") & (roads["length_m"] > 1_000)].geometry
    assert len(bridge) == 2
    team = nanjing.view().frame("team").geometry.iloc[0]
    return {
        "point": Closure(team),
        "line": Closure(shapely.MultiLineString(list(bridge))),
        "area": Closure(shapely.Point(CENTRE).buffer(0.02)),
        "slowed": Closure(shapely.Point(CENTRE).buffer(0.004), factor=0.4),
    }


def full_run(nanjing: District, factor: Any) -> pd.DataFrame:
    """Coverage of the cells from nothing but the network: no times are known from before."""
    view = nanjing.view()
    stations, cells = view.snapped("team"), view.snapped("cell")
    travel = TravelTimes(view.network, hour=10, order=view.order, edge_factor=factor)
    table = pd.DataFrame({"id": view.frame("cell")["id"], "name": None, "street": None})
    return cover(
        table.assign(persons=view.frame("cell")["persons"].to_numpy(dtype=np.int64)),
        teams_at(view, None, NOW),
        travel_s=travel.matrix_s(stations, cells).T,
        last_leg_s=last_leg_s(cells.access_m)[:, None] + last_leg_s(stations.access_m)[None, :],
        has_road=cells.edge >= 0,
        limit_s=LIMIT_S,
    ).table.set_index("id")


@pytest.mark.parametrize("form", ["point", "line", "area", "slowed"])
def test_what_a_closure_changes_in_nanjing_is_what_two_full_runs_say(
    nanjing: District, realdata: Path, form: str
) -> None:
    closure = drawn_on_nanjing(nanjing, realdata)[form]
    shape = shapely.transform(closure.where, lambda xy: to_metric(xy, epsg=nanjing.epsg))
    factor = nanjing.view().network.closure_factors([shape], [closure.factor])
    old, new = full_run(nanjing, None), full_run(nanjing, factor)
    scenario = Scenario("closed", Text("封路", "closed"), closures=(closure,))
    for before, after, asked, compared in ((old, new, scenario, AS_IT_IS), (new, old, AS_IT_IS, scenario)):
        found = scenario_coverage(nanjing, asked, compare=compared, at=NOW, limit_s=LIMIT_S, places="cells")
        assert found.change is not None
        rows = found.change.table.set_index("id")
        was, will = before["total_s"].fillna(np.inf), after["total_s"].fillna(np.inf)
        differs = was.index[was != will]
        assert set(rows.index) == set(differs)
        assert len(differs) > 0
        for name, ids in (
            ("lost", was.index[(was <= LIMIT_S) & (will > LIMIT_S)]),
            ("gained", was.index[(was > LIMIT_S) & (will <= LIMIT_S)]),
        ):
            assert set(rows.index[rows["change"] == name]) == set(ids)
        assert np.array_equal(rows["total_old_s"], was[rows.index])
        assert np.array_equal(rows["total_new_s"], will[rows.index])
        with np.errstate(invalid="ignore"):
            assert np.array_equal(rows["change_s"], np.round(will[rows.index] - was[rows.index], 3))
        table = found.answer.table.set_index("id")
        assert np.array_equal(table["covered"], after["covered"])
        assert found.change.totals()["lost_persons"] == old["persons"][(was <= LIMIT_S) & (will > LIMIT_S)].sum()


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
