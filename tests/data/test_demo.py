"""The demo district: exact totals, no road through water, everything where it can be reached."""

import itertools
import math
from datetime import UTC, date, datetime, time
from fractions import Fraction
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from data.demo import KINDS_IN_ORDER, SEED, Demo, demo_frames, hazards, load_demo, make_demo, plan
from data.demo.reserves import count_whole_depots
from data.demo.supplies import make_lots
from data.demo.town import largest_remainder
from data.item_catalogue import ITEMS
from data.kinds import KINDS
from data.rasters import read_raster
from data.store import Store
from geo.crs import to_metric
from geo.grid import Raster

TODAY = date(2026, 7, 1)
FACILITIES = ("enterprises", "shelters", "depots", "teams", "hospitals")


@pytest.fixture(scope="module")
def made() -> Demo:
    return make_demo(today=TODAY)


@pytest.fixture(scope="module")
def frames(made: Demo) -> dict[str, Any]:
    return made.frames


@pytest.fixture(scope="module")
def rasters(made: Demo) -> dict[str, Raster]:
    return {code: raster for code, (_, raster) in made.rasters.items()}


@pytest.fixture(scope="module")
def metric(frames: dict[str, Any]) -> dict[str, Any]:
    """The geometries in metres."""

    def project(xy: Any) -> Any:
        return to_metric(xy, epsg=plan.EPSG)

    return {
        kind: shapely.transform(frame.geometry.to_numpy(), project)
        for kind, frame in frames.items()
        if isinstance(frame, gpd.GeoDataFrame)
    }


def codes(kind: str, column: str) -> set[str]:
    return {choice.code for choice in KINDS[kind].column(column).choices}


def test_the_same_seed_gives_the_same_bytes(made: Demo, frames: dict[str, Any]) -> None:
    whole = make_demo(today=TODAY)
    for code, (title, raster) in made.rasters.items():
        other_title, other = whole.rasters[code]
        assert (title, raster.grid, raster.values.tobytes()) == (other_title, other.grid, other.values.tobytes())
    again = whole.frames
    assert set(again) == set(KINDS_IN_ORDER)
    assert list(again) == list(frames)
    for kind, frame in frames.items():
        if isinstance(frame, gpd.GeoDataFrame):
            assert frame.to_wkb().equals(again[kind].to_wkb()), kind
        else:
            pd.testing.assert_frame_equal(frame, again[kind], check_exact=True)


def test_another_seed_gives_another_district_as_sound() -> None:
    other = demo_frames(7, today=TODAY)
    assert int(other["villages"]["persons"].sum()) == plan.PERSONS
    assert len(other["villages"]) == plan.VILLAGES
    assert shapely.coverage_is_valid(other["villages"].geometry.to_numpy())
    assert 13_000 < junction_count(other["roads"]) < 17_500
    dry = other["roads"][~other["roads"]["bridge"]]
    for water in other["water"].geometry:
        shapely.prepare(water)
        assert not shapely.intersects(water, dry.geometry.to_numpy()).any()
    assert strong_share(other["roads"]) == 1.0


def test_it_loads_and_every_row_says_demo(
    made: Demo, frames: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("data.demo.make_demo", lambda seed, *, today, progress: made)
    now = datetime(2026, 7, 1, 3, tzinfo=UTC)
    said: list[str] = []
    with Store.create(tmp_path / "demo.gpkg", name="demo", epsg=plan.EPSG, demo=True) as store:
        reports = load_demo(store, now_utc=now, progress=said.append)
        assert list(reports) == [*KINDS_IN_ORDER, "rasters"]
        assert len(said) >= len(KINDS_IN_ORDER)
        assert (reports["rasters"].rows, reports["rasters"].inserted) == (len(made.rasters), len(made.rasters))
        assert set(store.frame("raster")["source"]) == {"demo"}
        for code, (title, raster) in made.rasters.items():
            found = read_raster(store, code)
            assert (found.grid, found.quantity, found.unit) == (raster.grid, raster.quantity, raster.unit)
            assert found.vertical_datum == raster.vertical_datum
            np.testing.assert_array_equal(found.values, raster.values)
            assert store.frame("raster", where={"code": code})["title"].tolist() == [title]
        for kind in KINDS_IN_ORDER:
            report = reports[kind]
            assert (report.rows, report.inserted) == (len(frames[kind]), len(frames[kind])), kind
            assert not report.unplaced
            assert set(store.frame(KINDS[kind].table)["source"]) == {"demo"}, kind
        assert store.counts()["street"] == 19
        again = load_demo(store, now_utc=now)
        assert not any(r.inserted or r.updated or r.deleted for r in again.values())
        assert len(list(store.raster_folder().iterdir())) == len(made.rasters)


@pytest.mark.parametrize("kind", KINDS_IN_ORDER)
def test_frames_have_the_columns_of_their_kind(kind: str, frames: dict[str, Any]) -> None:
    frame, declared = frames[kind], KINDS[kind]
    names = {column.name for column in declared.columns}
    assert set(frame.columns) - {"geometry"} <= names
    for column in declared.columns:
        if column.required:
            assert frame[column.name].notna().all()
        if column.name in frame and column.choices:
            allowed = {choice.code for choice in column.choices}
            seen = {code for cell in frame[column.name].dropna() for code in str(cell).split(";")}
            assert seen <= allowed
        if column.name in frame and column.minimum is not None:
            assert (frame[column.name].dropna() >= column.minimum).all()
    if declared.key and not declared.replaces:
        assert not frame.duplicated(list(declared.key)).any()
    if declared.geometry:
        assert set(frame.geom_type) <= set(declared.geometry)
        assert frame.geometry.is_valid.all()
        assert frame.crs.to_epsg() == 4326


def test_references_are_there(frames: dict[str, Any]) -> None:
    assert set(frames["substances"]["enterprise_id"]) <= set(frames["enterprises"]["id"])
    assert set(frames["evacuation_routes"]["shelter_id"]) == set(frames["shelters"]["id"])
    assert set(frames["lots"]["depot_id"]) == set(frames["depots"]["id"])
    assert set(frames["lots"]["item_id"]) <= set(frames["items"]["id"])
    assert set(frames["teams"]["street"]) < set(frames["villages"]["street"])


def test_counts(frames: dict[str, Any]) -> None:
    expected = {"villages": 200, "enterprises": 600, "shelters": 120, "depots": 25, "items": 62, "teams": 24}
    assert {kind: len(frames[kind]) for kind in expected} == expected
    assert frames["villages"]["street"].nunique() == 19
    assert frames["depots"]["level"].value_counts().to_dict() == {
        "street": 12,
        "community": 10,
        "district": 2,
        "city": 1,
    }
    assert set(";".join(frames["enterprises"]["categories"]).split(";")) == codes("enterprises", "categories")
    assert set(frames["shelters"]["class"]) == codes("shelters", "class")


def test_people_are_conserved(frames: dict[str, Any], metric: dict[str, Any]) -> None:
    villages, cells = frames["villages"], frames["cells"]
    assert int(villages["persons"].sum()) == int(cells["persons"].sum()) == 1_183_740
    assert int(villages["persons_day"].sum()) == 1_221_000
    assert (villages["persons"] > 0).all()
    cell, village = shapely.STRtree(metric["villages"]).query(metric["cells"], predicate="intersects")
    assert len(cell) == len(cells)
    held = np.bincount(village, weights=cells["persons"].to_numpy()[cell], minlength=len(villages))
    assert held.astype(int).tolist() == villages["persons"].tolist()


def test_villages_tile_the_district(frames: dict[str, Any], metric: dict[str, Any]) -> None:
    stored = frames["villages"].geometry.to_numpy()
    assert shapely.coverage_is_valid(stored)
    assert shapely.coverage_union_all(stored).equals(frames["boundary"].geometry.iloc[0])
    area = shapely.area(metric["villages"]).sum()
    assert area == pytest.approx(shapely.area(metric["boundary"]).sum(), rel=1e-9)
    assert area == pytest.approx(234e6, rel=1e-4)
    assert (shapely.area(metric["villages"]) > 50_000).all()


def junction_count(roads: gpd.GeoDataFrame) -> int:
    node, tail, head, _ = pieces(roads)
    degree = np.bincount(tail, minlength=len(node)) + np.bincount(head, minlength=len(node))
    return int((degree != 2).sum())


def pieces(roads: gpd.GeoDataFrame) -> tuple[Any, Any, Any, Any]:
    """The oracle's own graph: exact equality of stored coordinates."""
    xy, row = shapely.get_coordinates(roads.geometry.to_numpy(), return_index=True)
    node, inverse = np.unique(xy, axis=0, return_inverse=True)
    same = row[1:] == row[:-1]
    inverse = inverse.reshape(-1)
    return node, inverse[:-1][same], inverse[1:][same], row[1:][same]


def strong_share(roads: gpd.GeoDataFrame) -> float:
    node, tail, head, row = pieces(roads)
    oneway = roads["oneway"].to_numpy()[row]
    forward, backward = oneway != "-1", oneway != "yes"
    start = np.concatenate([tail[forward], head[backward]])
    end = np.concatenate([head[forward], tail[backward]])
    graph = coo_array((np.ones(len(start)), (start, end)), shape=(len(node), len(node)))
    _, label = connected_components(graph, directed=True, connection="strong")
    return float(np.bincount(label).max() / len(node))


def test_one_can_drive_from_everywhere_to_everywhere(frames: dict[str, Any]) -> None:
    assert strong_share(frames["roads"]) == 1.0
    assert 14_000 <= junction_count(frames["roads"]) <= 16_500


def test_roads_have_variety(frames: dict[str, Any]) -> None:
    roads = frames["roads"]
    assert {
        "motorway",
        "motorway_link",
        "trunk",
        "primary",
        "secondary",
        "tertiary",
        "residential",
        "unclassified",
        "service",
        "living_street",
    } <= set(roads["highway"])
    assert set(roads["oneway"]) == {"yes", "no", "-1"}
    assert roads["tunnel"].sum() >= 5
    assert (roads.loc[roads["bridge"], "layer"] == 1).all()
    assert (roads.loc[roads["tunnel"], "layer"] == -1).all()
    assert roads["maxspeed"].notna().any()
    assert roads["maxspeed"].isna().any()
    assert roads["name"].nunique() > 25


def test_no_road_in_the_water_and_few_bridges_to_a_canal(frames: dict[str, Any], metric: dict[str, Any]) -> None:
    bridge = frames["roads"]["bridge"].to_numpy()
    for name, kind, shape in zip(frames["water"]["name"], frames["water"]["kind"], metric["water"], strict=True):
        shapely.prepare(shape)
        wet = shapely.intersects(shape, metric["roads"])
        assert not (wet & ~bridge).any(), name
        if kind in ("canal", "moat"):
            assert 1 <= (wet & bridge).sum() <= 22, name
        elif kind in ("lake", "pond"):
            assert not wet.any()


def test_roads_meet_only_at_vertices_or_on_different_levels(frames: dict[str, Any]) -> None:
    roads = frames["roads"]
    node, tail, head, row = pieces(roads)
    lines = shapely.linestrings(np.stack([node[tail], node[head]], axis=1))
    a, b = shapely.STRtree(lines).query(lines, predicate="intersects")
    apart = (a < b) & (tail[a] != tail[b]) & (tail[a] != head[b]) & (head[a] != tail[b]) & (head[a] != head[b])
    raised = (roads["layer"].to_numpy() != 0) | roads["highway"].str.startswith("motorway").to_numpy()
    bad = apart & ~raised[row[a]] & ~raised[row[b]]
    assert not bad.any()


@pytest.mark.parametrize("kind", FACILITIES)
def test_facilities_stand_beside_a_road_on_dry_land(kind: str, frames: dict[str, Any], metric: dict[str, Any]) -> None:
    _, distance = shapely.STRtree(metric["roads"]).query_nearest(metric[kind], return_distance=True, all_matches=False)
    assert distance.min() >= 9.9
    assert distance.max() <= 80.1
    assert shapely.contains(metric["boundary"][0], metric[kind]).all()
    assert not shapely.intersects(shapely.union_all(metric["water"]), metric[kind]).any()


def test_one_village_is_far_from_every_road(frames: dict[str, Any], metric: dict[str, Any]) -> None:
    roads = shapely.STRtree(metric["roads"])
    place = shapely.point_on_surface(metric["villages"])
    _, distance = roads.query_nearest(place, return_distance=True, all_matches=False)
    lonely = frames["villages"].loc[distance > 500.0, "name"].tolist()
    assert lonely == ["江心沙村(示意)"]


def test_closing_the_one_bridge_cuts_off_a_sandbar(frames: dict[str, Any], metric: dict[str, Any]) -> None:
    closed = frames["closures"].set_index("id").loc["C-01"]
    assert closed["from_utc"] < pd.Timestamp(TODAY, tz="Asia/Shanghai") < closed["to_utc"]
    roads = frames["roads"]
    open_roads = roads[~roads.geometry.within(closed["geometry"].buffer(1e-6))]
    assert len(open_roads) == len(roads) - 1
    assert 0.9 < strong_share(open_roads) < 1.0


def test_closures_past_now_and_to_come(frames: dict[str, Any]) -> None:
    noon = pd.Timestamp(TODAY, tz="Asia/Shanghai") + pd.Timedelta(hours=12)
    closures = frames["closures"]
    over, ahead = closures["to_utc"] <= noon, closures["from_utc"] > noon
    assert over.sum() == 1
    assert ahead.sum() == 1
    assert (~over & ~ahead).sum() == 2
    assert closures["factor"].between(0, 1).all()


def test_evacuation_routes_follow_streets(frames: dict[str, Any], metric: dict[str, Any]) -> None:
    routes = frames["evacuation_routes"]
    node, tail, head, _ = pieces(frames["roads"])
    known = {(a, b) for a, b in zip(tail.tolist(), head.tolist(), strict=True)}
    number = {tuple(xy): i for i, xy in enumerate(node.tolist())}
    for line in routes.geometry:
        path = [number[xy] for xy in line.coords]
        assert all((a, b) in known or (b, a) in known for a, b in itertools.pairwise(path))
    shelters = dict(zip(frames["shelters"]["id"], metric["shelters"], strict=True))
    ends = shapely.get_point(metric["evacuation_routes"], -1)
    gaps = shapely.distance(ends, np.array([shelters[i] for i in routes["shelter_id"]], dtype=object))
    assert gaps.max() < 300.0
    assert len(routes) >= 180


def test_shelter_capacity_follows_from_area(frames: dict[str, Any]) -> None:
    shelters = frames["shelters"]
    need = {"emergency": 0.5, "short": 2.0, "medium": 3.0, "long": 4.5, "central": 4.5}
    wanted = np.floor(shelters["effective_area_m2"] / shelters["class"].map(need))
    assert (shelters["capacity"] == wanted).all()
    assert (shelters["effective_area_m2"] < shelters["area_m2"]).all()
    fixed = shelters.loc[shelters["class"] != "emergency", "capacity"].sum()
    assert 0.15 <= fixed / plan.PERSONS <= 0.35


def test_risk_is_rare_where_it_is_high(frames: dict[str, Any]) -> None:
    share = frames["enterprises"]["risk_level"].value_counts(normalize=True)
    assert share["major"] < 0.05
    assert share["major"] < share["considerable"] < share["general"]


def test_stock_is_sound_and_not_all_of_it_is_available(frames: dict[str, Any]) -> None:
    lots, items = frames["lots"], frames["items"]
    assert (lots["reserved"] + lots["on_hold"] <= lots["quantity"]).all()
    assert (lots["unit"] == lots["item_id"].map(items.set_index("id")["unit"])).all()
    assert set(lots["item_id"]) == set(items["id"])
    assert (lots["reserved"] > 0).sum() > 20
    assert (lots["on_hold"] > 0).sum() > 10
    assert {"usable", "quarantined", "expired", "damaged"} <= set(lots["status"])
    expires = pd.to_datetime(lots["expires_on"])
    today = pd.Timestamp(TODAY)
    assert (expires < today).sum() > 10
    assert ((expires >= today) & (expires <= today + pd.Timedelta(days=30))).sum() > 20
    assert (lots.groupby(["depot_id", "item_id"]).size() > 1).sum() > 50
    quilts = lots[(lots["item_id"] == "P-1-01-05") & (lots["status"] == "usable")]
    assert quilts["quantity"].sum() > 6_000


def test_teams_leave_three_streets_without(frames: dict[str, Any]) -> None:
    teams = frames["teams"]
    assert set(frames["villages"]["street"]) - set(teams["street"]) == {
        "陈桥街道",
        "狼山镇街道",
        "南通崇川经济开发区",
    }
    assert set(teams["type"]) == codes("teams", "type")
    assert set(";".join(teams["skills"]).split(";")) == codes("teams", "skills")
    assert (teams["duty"] != "24h").sum() >= 5
    assert teams["turnout_s"].notna().any()


def test_nothing_looks_like_a_real_company_or_person(frames: dict[str, Any]) -> None:
    for kind in FACILITIES:
        assert frames[kind]["name"].str.contains("示意").all()
    for kind in ("villages", *FACILITIES):
        if "phone" in frames[kind]:
            assert frames[kind]["phone"].str.fullmatch(r"0513-0000\d{4}").all()
            assert frames[kind]["contact"].str.endswith("值班室").all()


def test_only_dates_depend_on_the_day(frames: dict[str, Any]) -> None:
    def lots(today: date) -> pd.DataFrame:
        made = make_lots(frames["depots"], today, np.random.default_rng([SEED, 10]))
        return count_whole_depots(made, frames["depots"], today, np.random.default_rng([SEED, 21]))

    now, later = lots(TODAY), lots(date(2027, 1, 15))
    pd.testing.assert_frame_equal(now, frames["lots"], check_exact=True)
    same = ["depot_id", "item_id", "quantity", "reserved", "on_hold", "status"]
    assert now[same].equals(later[same])
    shift = pd.to_datetime(later["expires_on"]) - pd.to_datetime(now["expires_on"])
    assert set(shift.dropna().dt.days) == {198}


def test_reserves_refer_to_what_is_there(frames: dict[str, Any]) -> None:
    items, depots = set(frames["items"]["id"]), set(frames["depots"]["id"])
    for kind in ("packs", "substitutes", "stock_levels", "reserve_targets", "agreements", "relief_standards"):
        assert set(frames[kind]["item_id"]) <= items, kind
    assert set(frames["substitutes"]["substitute_id"]) <= items
    assert (frames["substitutes"]["item_id"] != frames["substitutes"]["substitute_id"]).all()
    assert set(frames["stock_levels"]["depot_id"]) == depots
    assert set(frames["vehicles"]["depot_id"]) <= depots
    midnight = datetime.combine(TODAY, time(), ZoneInfo("Asia/Shanghai"))
    assert frames["vehicles"]["position_utc"].max() <= midnight, "no place of the future, whenever it is made"
    devices = frames["devices"]
    assert set(devices["vehicle_id"].dropna()) == set(frames["vehicles"]["id"])
    assert set(devices["depot_id"].dropna()) <= depots
    assert set(devices["type"]) == codes("devices", "type")
    assert (frames["stock_levels"]["minimum"] <= frames["stock_levels"]["target"]).all()


def test_reserve_list_has_two_versions_and_one_is_in_force(frames: dict[str, Any]) -> None:
    targets = frames["reserve_targets"]
    assert set(targets["version"]) == {"2025-1", "2026-1"}
    ends = targets.groupby("version")["valid_to"].first()
    assert ends["2025-1"] == targets.loc[targets["version"] == "2026-1", "valid_from"].iloc[0]
    assert ends["2026-1"] is None
    assert (targets["minimum"] <= targets["target"]).all()
    assert (targets["target"] <= targets["maximum"]).all()
    assert set(targets["provenance"]) == {"proposed"}
    assert targets["reference"].str.contains("待核对").all()
    assert set(targets["mode"]) == {"goods", "contract"}
    now = targets[targets["version"] == "2026-1"]
    assert set(now.loc[now["level"] == "street", "owner"]) == {street.name for street in plan.STREETS}
    quilts = now[(now["level"] == "district") & (now["item_id"] == "P-1-01-05")]
    city = frames["lots"][
        frames["lots"]["depot_id"].isin(frames["depots"].loc[frames["depots"]["level"] == "city", "id"])
    ]
    there = int(city.loc[city["item_id"] == "P-1-01-05", "quantity"].sum())
    assert quilts["target"].tolist() == [math.ceil(6000 - Fraction(3, 10) * there)]


def test_agreements_and_standards_say_what_they_are(frames: dict[str, Any]) -> None:
    agreements, standards = frames["agreements"], frames["relief_standards"]
    assert set(agreements["mode"]) == {"contract", "production"}
    assert agreements["name"].str.contains("示意").all()
    assert agreements["lead_h"].gt(0).all()
    assert set(standards["basis"]) == {"affected", "evacuated"}
    assert set(standards["is_daily"]) == {True, False}
    assert set(standards["provenance"]) == {"proposed"}
    assert standards["reference"].str.contains("待核对").all()
    for kind in ("agreements", "vehicles"):
        assert frames[kind]["phone"].str.fullmatch(r"0513-0000\d{4}").all()
        assert frames[kind]["contact"].str.endswith("值班室").all()


def test_three_depots_were_not_counted_for_long(frames: dict[str, Any]) -> None:
    lots = frames["lots"]
    age = (pd.Timestamp(TODAY, tz="UTC") - pd.to_datetime(lots["counted_utc"], utc=True)).dt.days
    oldest = age.groupby(lots["depot_id"]).max()
    assert (oldest > 90).sum() == 3
    assert (age < 4).sum() > 20


@pytest.mark.parametrize("weights, total", [([1.0], 7), ([1.0, 1.0, 1.0], 10), ([0.2, 0.3, 0.5], 1), ([2.0, 0.0], 5)])
def test_largest_remainder(weights: list[float], total: int) -> None:
    whole = largest_remainder(np.array(weights), total)
    assert whole.sum() == total
    exact = np.array(weights) / sum(weights) * total
    assert (np.abs(whole - exact) < 1.0).all()


def test_catalogue_has_62_items_each_with_unit_and_norm() -> None:
    assert len(ITEMS) == 62 == len({item.id for item in ITEMS})
    assert all(item.unit and item.norm > 0 for item in ITEMS)
    by_id = {item.id: item for item in ITEMS}
    assert by_id["P-1-01-01"].is_official_unit
    assert (by_id["P-1-01-01"].norm, by_id["P-1-01-01"].basis, by_id["P-1-01-01"].unit) == (
        40,
        "per_1000",
        "顶",
    )
    assert (by_id["P-2-03-03"].basis, by_id["P-2-04-01"].basis, by_id["P-3-01-01"].basis) == (
        "community",
        "street",
        "district",
    )
    assert by_id["P-2-04-05"].life_months is None
    assert sum(item.is_official_unit for item in ITEMS) == 18


# -- hazards, buildings, capacity ----------------------------------------------------------------------


def test_nothing_of_the_hazards_is_constant(frames: dict[str, Any], rasters: dict[str, Raster]) -> None:
    for code, raster in rasters.items():
        assert np.nanstd(raster.values) > 0, code
        assert np.isfinite(raster.values).any()
    assert set(rasters) == {"dem", "impervious", "lightning", "pga", "site_class"}
    assert {code: raster.vertical_datum for code, raster in rasters.items() if raster.vertical_datum} == {
        "dem": "cgvd1985"
    }
    for kind, names in {
        "waterlogging_spots": ("depth_m", "cause", "flooded_on", "persons"),
        "buildings": ("use", "storeys", "structure", "year_built", "floor_area_m2", "residents"),
        "storm_tracks": ("wind_m_s", "pressure_hpa", "radius_km"),
        "lifelines": ("type", "capacity"),
        "hidden_dangers": ("hazard", "impact_radius_m", "state"),
        "hazard_areas": ("hazard", "kind", "level", "value"),
        "villages": ("persons_0_14", "persons_65_over", "gdp_wan"),
    }.items():
        for name in names:
            assert frames[kind][name].nunique() > 1, (kind, name)
    assert frames["capacity"].drop(columns="year").nunique().min() > 1
    assert set(frames["capacity"]["street"]) == set(frames["villages"]["street"])
    counts = {kind: len(frames[kind]) for kind in ("waterlogging_spots", "buildings", "hidden_dangers")}
    assert counts == {"waterlogging_spots": hazards.SPOTS, "buildings": hazards.BUILDINGS, "hidden_dangers": 12}
    assert 70 <= len(frames["lifelines"]) <= 90
    assert set(frames["lifelines"]["type"]) == codes("lifelines", "type")


def value_at(raster: Raster, xy: Any) -> Any:
    cell = raster.grid.cell_at(np.asarray(xy))
    assert (cell >= 0).all()
    return raster.values.reshape(-1)[cell]


def test_the_ground_is_a_plain_with_a_dyke_canals_and_a_hill(
    frames: dict[str, Any], metric: dict[str, Any], rasters: dict[str, Raster]
) -> None:
    dem = rasters["dem"]
    assert 20 <= dem.grid.dx <= 30
    rng = np.random.default_rng(1)
    inside = metric["boundary"][0].buffer(-250)
    box = inside.bounds
    xy = np.column_stack([rng.uniform(box[0], box[2], 6_000), rng.uniform(box[1], box[3], 6_000)])
    water = shapely.union_all(metric["water"])
    dry = shapely.contains_xy(inside, xy) & ~shapely.contains_xy(water.buffer(100), xy)
    heights = value_at(dem, xy[dry])
    assert np.isfinite(heights).all()
    assert np.mean((heights > 2) & (heights < 5)) > 0.97
    assert 60 < np.nanmax(dem.values) < 120
    river = metric["water"][frames["water"]["name"].tolist().index("长江")]
    crest = river.buffer(75).exterior.intersection(metric["boundary"][0].buffer(-40))
    banks = (frames["hazard_areas"]["kind"] == "unprotected_bank").to_numpy()
    crest = crest.difference(shapely.union_all(metric["hazard_areas"][banks]).buffer(400))
    along = shapely.get_coordinates(shapely.segmentize(crest, 50.0))
    assert len(along) > 200
    assert (value_at(dem, along) > 6).mean() > 0.97
    for name, shape in zip(frames["water"]["name"], metric["water"], strict=True):
        at = shapely.get_coordinates(shape.representative_point())
        if dem.grid.cell_at(at)[0] >= 0 and np.isfinite(value_at(dem, at)[0]):
            assert value_at(dem, at)[0] < 1.5, name


def test_the_river_stays_out_at_low_water_and_comes_in_where_the_bank_is_low(
    frames: dict[str, Any], rasters: dict[str, Raster]
) -> None:
    from scipy.ndimage import label

    dem = rasters["dem"]
    river = dem.values < -0.9

    def flooded_km2(level: float) -> float:
        wet, _ = label(np.nan_to_num(dem.values, nan=99.0) < level, np.ones((3, 3)))
        reached = np.isin(wet, np.unique(wet[river & (wet > 0)]))
        return float((reached & ~river).sum() * dem.grid.dx * dem.grid.dy / 1e6)

    areas = [flooded_km2(level) for level in (2.5, 3.2, 3.6, 4.2)]
    assert areas[0] < 6
    assert areas == sorted(areas)
    assert 20 < areas[2] < areas[3]
    banks = frames["hazard_areas"][frames["hazard_areas"]["kind"] == "unprotected_bank"]
    assert set(banks.geom_type) == {"LineString"}
    assert len(banks) >= 3


def test_water_stands_in_low_places(frames: dict[str, Any], metric: dict[str, Any], rasters: dict[str, Raster]) -> None:
    dem = rasters["dem"]
    spots = shapely.get_coordinates(metric["waterlogging_spots"])
    around = np.stack([value_at(dem, spots + 300.0 * np.array([np.cos(a), np.sin(a)])) for a in np.arange(8) * 0.785])
    assert np.mean(value_at(dem, spots) < np.nanmedian(around, axis=0)) > 0.9
    assert (frames["waterlogging_spots"]["cause"] == "下穿通道").any()
    assert shapely.intersects(metric["boundary"][0], metric["waterlogging_spots"]).all()


def test_storms_pass_near_and_say_that_they_are_made(frames: dict[str, Any]) -> None:
    tracks = frames["storm_tracks"]
    lon, lat = plan.CENTRE_LONLAT
    xy = shapely.get_coordinates(tracks.geometry.to_numpy())
    km = np.hypot((xy[:, 0] - lon) * 94.3, (xy[:, 1] - lat) * 111.2)
    nearest = pd.Series(km).groupby(tracks["storm_id"].to_numpy()).min()
    assert 15 <= len(nearest) <= 25
    assert (nearest < 500).all()
    assert all(name.startswith("DEMO-") for name in nearest.index)
    assert tracks["name"].str.contains("示意").all()
    years = pd.to_datetime(tracks["time_utc"]).dt.year
    assert years.max() - years.min() > 25
    for _, one in tracks.groupby("storm_id"):
        assert pd.to_datetime(one["time_utc"]).is_monotonic_increasing
        assert np.corrcoef(one["wind_m_s"], one["pressure_hpa"])[0, 1] < -0.95


def test_buildings_stand_apart_on_dry_land_and_hold_everybody(frames: dict[str, Any], metric: dict[str, Any]) -> None:
    shapes = metric["buildings"]
    a, b = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    assert (a == b).all()
    assert not shapely.intersects(shapely.union_all(metric["water"]), shapes).any()
    buildings, villages = frames["buildings"], frames["villages"]
    point, village = shapely.STRtree(metric["villages"]).query(shapely.centroid(shapes), predicate="intersects")
    lived = np.bincount(village, weights=buildings["residents"].to_numpy()[point], minlength=len(villages))
    there = lived > 0
    np.testing.assert_array_equal(lived[there], villages["persons"].to_numpy()[there])
    assert there.mean() > 0.95
    assert (buildings.loc[buildings["use"] != "residential", "residents"] == 0).all()
    footprint = shapely.area(shapes) * buildings["storeys"].to_numpy()
    np.testing.assert_allclose(buildings["floor_area_m2"], footprint, rtol=0.01)


def test_ages_and_product_of_the_villages(frames: dict[str, Any]) -> None:
    villages = frames["villages"]
    assert (villages["persons_0_14"] + villages["persons_65_over"] <= villages["persons"]).all()
    assert int(villages["gdp_wan"].sum()) == hazards.GDP_WAN


def test_places_in_shelters_are_those_of_the_shelters(frames: dict[str, Any]) -> None:
    assert int(frames["capacity"]["shelter_places"].sum()) == int(frames["shelters"]["capacity"].sum())
