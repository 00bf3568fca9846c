"""Evacuation of a small town whose answers can be worked out by hand, and what must hold of the demo district."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geo.crs import to_metric
from geo.errors import InputError, NotFound
from geo.walking import walked_factors
from layers import query
from layers.district import District
from layers.layer import Text
from layers.whatif.evacuation import KIND, Asked, evacuate
from layers.whatif.movers import movers
from layers.whatif.refuges import hazard_limits, refuges
from layers.whatif.saved import Result, difference, load, save
from layers.whatif.scenario import AS_IT_IS, Closure, Scenario
from layers.whatif.ways_out import WaysOut, road_widths_m
from layers.whatif.zone import read_zone
from tests.layers.conftest import EPSG, NOW, STAMP, area, line, point

NIGHT = NOW + timedelta(hours=12)


def upsert(district: District, table: str, frame: Any) -> None:
    with district.store.writing() as conn:
        district.store.upsert(conn, table, frame, **STAMP)


def add_shelters(district: District, *rows: tuple[str, float, float, str, int | None, float | None]) -> None:
    """Shelters as id, x and y in km, class, capacity, effective area in m2."""
    ids, x, y, classes, capacity, effective = zip(*rows, strict=True)
    upsert(
        district,
        "shelter",
        gpd.GeoDataFrame(
            {
                "id": ids,
                "name": [f"{i}场所" for i in ids],
                "class": classes,
                "capacity": capacity,
                "effective_area_m2": effective,
                "contact": "管理员",
                "phone": "0513-1",
            },
            geometry=[point(*place) for place in zip(x, y, strict=True)],
            crs=4326,
        ),
    )


def plan(district: District, at: Any = NOW, **asked: Any) -> Result:
    return evacuate(district.view(), Asked(**{"who": "all", **asked}), at=at, name="试")


def moves(found: Result) -> list[tuple[Any, ...]]:
    table = found.tables["moves"]
    return list(table[["village_id", "part", "shelter_id", "persons"]].itertuples(index=False, name=None))


def missing(found: Result) -> list[tuple[Any, ...]]:
    return list(found.tables["missing"][["village_id", "part", "missing", "reason"]].itertuples(index=False, name=None))


def wkt(*corners: float) -> str:
    return str(area(*corners).wkt)


def test_the_nearest_fill_the_shelter_and_everybody_else_is_listed(town: District) -> None:
    found = plan(town)
    assert moves(found) == [("v1", "out", "s1", 500)]
    assert missing(found) == [("v1", "out", 500, "full"), ("v2", "out", 2000, "full"), ("v3", "out", 30, "no_road")]
    row = found.tables["moves"].iloc[0]
    # 50 m from where they live to the street in front of the shelter, at 1.1 m/s.
    assert row[["legs_m", "road_m", "travel_s"]].tolist() == pytest.approx([50.0, 0.0, 45.5], abs=0.15)
    assert (row["warn_s"], row["prep_s"], row["total_s"]) == (180.0, 300.0, round(480.0 + row["clear_s"], 1))
    assert found.summary["sheltered"] == 500
    assert found.summary["missing"] == 2530
    assert found.summary["persons"] == 3030
    assert found.tables["shelters"].set_index("id")["free"].tolist() == [0]


def test_at_night_residents_and_more_time_by_day_those_who_are_there(own_town: District) -> None:
    day = own_town.view().frame("village").assign(persons_day=[10, None, None])
    upsert(own_town, "village", day[["id", "name", "street", "persons", "persons_day", "geometry"]])
    by_day, by_night = plan(own_town), plan(own_town, NIGHT)
    assert moves(by_day)[0] == ("v2", "out", "s1", 490)
    assert moves(by_day)[1] == ("v1", "out", "s1", 10)
    assert moves(by_night) == [("v1", "out", "s1", 500)]
    assert (by_day.summary["by_day"], by_night.summary["by_day"]) == (True, False)
    assert by_night.summary["warn_s"] + by_night.summary["prep_s"] == 1200.0
    # The hour of a scenario goes before that of the moment.
    assert plan(own_town, scenario=Scenario("n", Text("夜", "night"), hour=2)).summary["by_day"] is False


def test_routes_are_told_by_streets_and_turns(own_town: District) -> None:
    add_shelters(own_town, ("s2", 4.6, 3.3, "emergency", 5000, None))
    found = plan(own_town)
    row = found.tables["moves"].set_index(["village_id", "shelter_id"]).loc[("v2", "s2")]
    table = found.tables["steps"]
    steps = table[table["village_id"] == "v2"].to_dict("records")
    assert [step["step"] for step in steps] == [1, 2]
    assert [step["name"] for step in steps] == ["4号街", "3号路"]
    assert sum(step["distance_m"] for step in steps) == pytest.approx(row["road_m"], abs=len(steps))
    assert row["route"] == " → ".join(step["name"] for step in steps)
    assert steps[0]["turn"] == "start"
    assert steps[0]["heading"] == "n"
    assert steps[1]["turn"] == "right"
    assert row["road_m"] == pytest.approx(2100.0, abs=0.2)
    assert row["legs_m"] == pytest.approx(50.0 + 300.0, abs=0.2)
    assert row["travel_s"] == pytest.approx(2450 / 1.1, abs=0.2)
    assert row["beyond_standard"]
    assert (row["shelter_contact"], row["contact"]) == ("管理员", "值班室")


def test_a_closure_in_force_and_one_of_the_scenario_cut_the_bridge(own_town: District) -> None:
    add_shelters(own_town, ("s1", 1.0, 1.5, "emergency", 5000, None))
    assert sum(row[3] for row in moves(plan(own_town))) == 3000
    shut = plan(own_town, NOW + timedelta(days=1))  # the town's own closure of the bridge
    assert moves(shut) == [("v1", "out", "s1", 1000)]
    assert ("v2", "out", 2000, "closed") in missing(shut)
    bridge = Closure(line((2.5, 0.9), (2.5, 1.1)))
    assert moves(plan(own_town, scenario=Scenario("b", Text("桥", "bridge"), closures=(bridge,)))) == moves(shut)


def test_who_lives_in_the_zone_leaves_it_and_the_shelter_in_it_is_out(own_town: District) -> None:
    add_shelters(own_town, ("s2", 4.0, 0.5, "emergency", 5000, None), ("s3", 0.0, 0.0, "emergency", 9000, None))
    # The west up to x = 0.9: of the west village 1.4 of 2.9 km live there (there are no population cells).
    found = plan(own_town, zone=wkt(-1, -1, 0.9, 4), who="zone")
    inside = round(1000 * 1.4 / 2.9)
    assert found.summary["persons"] == inside
    assert moves(found) == [("v1", "in", "s1", inside)]
    shelters = found.tables["shelters"].set_index("id")
    assert shelters["out"].tolist() == [None, None, "in_zone"]
    everybody = plan(own_town, zone=wkt(-1, -1, 0.9, 4))
    assert everybody.summary["persons"] == 3030
    parts = everybody.tables["villages"].set_index(["village_id", "part"])["persons"]
    assert parts["v1", "in"] + parts["v1", "out"] == 1000
    half = plan(own_town, zone=wkt(-1, -1, 0.9, 4), who="zone", share=0.5)
    assert half.summary["persons"] == -(-inside // 2)


def test_nobody_crosses_the_zone(own_town: District) -> None:
    add_shelters(own_town, ("s1", 1.0, 1.5, "emergency", 9000, None))
    over = plan(own_town, zone=wkt(2.4, 0.5, 2.6, 1.5))  # the bridge lies in it
    assert moves(over) == [("v1", "out", "s1", 1000)]
    assert ("v2", "out", 2000, "closed") in missing(over)
    beside = plan(own_town, zone=wkt(2.4, 1.2, 2.6, 1.5))
    assert sum(row[3] for row in moves(beside)) == 3000


def test_where_the_only_way_out_touches_the_zone_again_it_is_said(own_town: District) -> None:
    add_shelters(own_town, ("s1", 1.0, 1.5, "emergency", 9000, None))
    both = shapely.union_all([area(3.5, 1.2, 4.5, 1.8), area(2.4, 0.5, 2.6, 1.5)])
    found = plan(own_town, zone=str(both.wkt), who="zone")
    table = found.tables["moves"]
    assert table["reenters"].tolist() == [True]
    assert found.summary["reentering"] == 1
    assert found.summary["sheltered"] == found.summary["persons"] > 0


def test_a_shelter_near_a_major_hazard_is_out_with_its_reason(own_town: District) -> None:
    upsert(
        own_town,
        "enterprise",
        gpd.GeoDataFrame({"id": ["e3"], "name": ["氯厂"]}, geometry=[point(1.0, 2.05)], crs=4326),
    )
    upsert(
        own_town,
        "substance",
        pd.DataFrame({"enterprise_id": ["e3"], "cas": ["7782-50-5"], "name": ["氯"], "quantity_t": [5.0]}),
    )
    limits = hazard_limits(own_town.view())
    assert limits["limit_m"].tolist() == [600.0]  # the isolation of chlorine is farther than the 500 m of the rule
    add_shelters(own_town, ("s2", 1.0, 2.66, "emergency", 100, None))
    table = refuges(own_town.view(), None, stay="day").table.set_index("id")
    assert table.loc["s1", ["out", "near", "near_m", "limit_m"]].tolist() == ["near_hazard", "氯厂", 550.0, 600.0]
    assert table.loc["s2", "out"] is None
    found = plan(own_town)
    assert {row[2] for row in moves(found)} == {"s2"}
    less = pd.DataFrame({"enterprise_id": ["e3"], "cas": ["7782-50-5"], "name": ["氯"], "quantity_t": [4.99]})
    upsert(own_town, "substance", less)
    assert len(hazard_limits(own_town.view())) == 0  # S below 1 is no major hazard


def test_stays_go_by_class_and_area(own_town: District) -> None:
    add_shelters(own_town, ("s2", 4.0, 0.5, "short", None, 4000.0), ("s3", 4.0, 2.5, "short", 1500, 4000.0))
    assert plan(own_town, stay="day").tables["shelters"]["places"].tolist() == [500, 5000, 5000]
    short = plan(own_town, stay="short").tables["shelters"].set_index("id")
    assert short["places"].tolist() == [0, 2000, 1500]
    assert short["out"].tolist() == ["not_for_stay", None, None]
    assert set(plan(own_town, stay="long").tables["shelters"]["out"]) == {"not_for_stay"}
    assert {row[3] for row in missing(plan(own_town, stay="long"))} == {"no_shelter"}


def test_the_cap_on_the_walk_is_included_where_roads_are_slowed_too(own_town: District) -> None:
    add_shelters(own_town, ("s1", 1.0, 1.5, "emergency", 500, None), ("s2", 4.0, 2.9, "emergency", 9000, None))
    slow = Scenario("s", Text("慢", "slow"), closures=(Closure(line((4, 2.1), (4, 2.4)), 0.5),))
    view = own_town.view()
    who = movers(view, None, who="all", hour=10)
    ways = WaysOut(
        view,
        None,
        at=NOW,
        on="foot",
        walk_m_s=1.1,
        origin_xy_m=who.xy_m,
        in_zone=who.in_zone,
        shelter_xy_m=view.points_m("shelter"),
    )
    walk_m = ways.route(1, 1).distance_m + ways.origins.access_m[1] + ways.shelters.access_m[1]
    assert walk_m == pytest.approx(1450.0, abs=0.2)
    cap_m = float(round(walk_m, 3))
    for scenario in (Scenario("o", Text("无", "none")), slow):
        assert ("v2", "out", "s2", 2000) in moves(plan(own_town, scenario=scenario, most_walk_m=cap_m))
        below = plan(own_town, scenario=scenario, most_walk_m=cap_m - 0.001)
        assert ("v2", "out", 2000, "too_far") in missing(below)


def test_by_bus_in_trips(own_town: District) -> None:
    add_shelters(own_town, ("s1", 1.0, 1.5, "emergency", 5000, None))
    found = plan(own_town, on="bus", buses=10, seats=50)
    table = found.tables["moves"].set_index("village_id")
    assert table["trips"].to_dict() == {"v1": 20, "v2": 40}
    assert table.loc["v2", "walk_m"] == 50.0  # to the bus
    assert table.loc["v2", "road_m"] == pytest.approx(4000.0, abs=0.2)
    assert found.summary["trips"] == 60
    drive_s = 4000 / (30 / 3.6)
    round_s = 300 + 2 * drive_s + 180
    # 40 long rounds for ten buses come first, then the 20 that stay in the street (no drive at all).
    assert table.loc["v2", "clear_s"] == pytest.approx(50 / 1.1 + 3 * round_s + 300 + drive_s + 180, abs=0.5)
    more = plan(own_town, on="bus", buses=60, seats=50)
    assert more.summary["clear_s"] < found.summary["clear_s"]
    with pytest.raises(InputError, match="buses=0"):
        plan(own_town, on="bus", buses=0)


def test_the_queue_is_that_of_the_narrowest_road(own_town: District) -> None:
    add_shelters(own_town, ("s1", 1.0, 1.5, "emergency", 5000, None))
    widths = road_widths_m(own_town.view())
    assert set(widths) == {12.0}  # tertiary; the registered route has no width
    routes = own_town.view().frame("evacuation_route").assign(width_m=[3.6])
    upsert(own_town, "evacuation_route", routes[["id", "name", "shelter_id", "width_m", "geometry"]])
    narrow = road_widths_m(own_town.view())
    assert sorted(set(narrow)) == [3.6, 12.0]
    found = plan(own_town).tables["moves"].set_index("village_id")
    assert found.loc["v2", ["narrow_m", "narrow_persons"]].tolist() == [3.6, 3000]  # both villages end in it
    assert found.loc["v2", "wait_s"] == pytest.approx(3000 / 3.0, abs=0.1)  # 1 person/(m s) on 3.6 - 0.6 m
    assert found.loc["v2", "clear_s"] == found.loc["v2", "travel_s"] + found.loc["v2", "wait_s"]


def test_a_result_is_kept_shown_and_compared(own_town: District) -> None:
    add_shelters(own_town, ("s2", 4.0, 0.5, "emergency", 800, None))
    first = plan(own_town)
    record = save(own_town, first, made_utc=NOW, made_by="试")
    rows = query.read(own_town, "evacuation_moves", role="planner")
    assert rows.frame["persons"].tolist() == first.tables["moves"]["persons"].tolist()
    assert query.read(own_town, "evacuation_shelters", role="planner").count == 2
    assert query.read(own_town, "evacuation_villages", role="planner").count == 3
    assert query.read(own_town, "evacuation_zone", role="planner").count == 0
    with pytest.raises(NotFound):
        query.read(own_town, "evacuation_moves", role="viewer")  # it names persons and telephones
    assert record.stale(own_town.view()) == []
    add_shelters(own_town, ("s2", 4.0, 0.5, "emergency", 900, None))
    assert record.stale(own_town.view()) == ["shelter"]
    _, old = load(own_town, KIND, "试")
    more = difference(old.tables["missing"], plan(own_town).tables["missing"], keys=old.keys["missing"])
    assert more[["village_id", "missing_change"]].values.tolist() == [["v2", -100.0]]
    assert old.id == first.id


def test_a_plan_is_stale_when_the_water_on_its_roads_or_the_distance_to_keep_moved(own_town: District) -> None:
    wet = Scenario("wet", Text("积水", "wet"), closures=(Closure("waterlogging_spots"),))
    in_water, as_it_is = (
        save(own_town, replace(plan(own_town, scenario=scenario), name=scenario.id), made_utc=NOW, made_by="试")
        for scenario in (wet, AS_IT_IS)
    )
    spot = {"id": ["w1"], "name": ["积水点"], "depth_m": [0.5]}
    upsert(own_town, "waterlogging_spot", gpd.GeoDataFrame(spot, geometry=[point(2.5, 1.0)], crs=4326))
    assert in_water.stale(own_town.view()) == ["waterlogging_spot"]
    assert as_it_is.stale(own_town.view()) == []
    radius = {"id": ["r"], "version": ["2026.1"], "code": ["major_hazard.radius_m"], "value": [900.0]}
    radius |= {"provenance": ["proposed"], "effective_from": ["2026-01-01"], "reference": ["x"]}
    upsert(own_town, "parameter", pd.DataFrame(radius))
    assert as_it_is.stale(own_town.view()) == ["parameter"]
    # A closure of the register goes by the depth in a raster, which may be imported anew.
    assert {"road", "closure", "raster"} <= set(as_it_is.seqs)


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ({"stay": "week"}, "stay='week'"),
        ({"share": 0.0}, "share=0"),
        ({"who": "zone"}, "who=zone"),
        ({"zone": "POINT (1 2)"}, "no area"),
        ({"zone": "nowhere"}, "zone='nowhere'"),
        ({"zone": "POLYGON ((200 0, 201 0, 201 1, 200 0))"}, "longitude and latitude"),
        ({"zone": "area:none"}, "no hazard area 'none'"),
        ({"zone": "level:villages:4"}, "no areas with a level"),
        ({"zone": "level:zones_natural:6"}, "level='6'"),
        ({"zone": "raster:none"}, "no raster 'none'"),
        ({"walk_m_s": 0.0}, "walk_m_s"),
        ({"most_walk_m": -1.0}, "most_walk_m"),
    ],
)
def test_what_cannot_be_asked_is_refused(town: District, asked: dict[str, Any], named: str) -> None:
    with pytest.raises((InputError, NotFound), match=named):
        plan(town, **asked)


def test_registered_areas_and_banks(own_town: District) -> None:
    upsert(
        own_town,
        "hazard_area",
        gpd.GeoDataFrame(
            {"id": ["A", "B"], "name": ["沉降区", "岸段"], "hazard": "geological"},
            geometry=[area(0, 0, 1, 1), line((0, 0), (0, 1))],
            crs=4326,
        ),
    )
    view = own_town.view()
    assert read_zone(view, "area:A").shape.area == pytest.approx(1e6, rel=1e-3)
    assert read_zone(view, "area:B:100").shape.area == pytest.approx(200 * 1000 + np.pi * 1e4, rel=1e-2)
    with pytest.raises(InputError, match="is a line"):
        read_zone(view, "area:B")


# -- the demo district --------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["zone", "all"])
def test_the_demo_keeps_out_of_the_zone(demo: District, who: Any) -> None:
    zone = shapely.Point(120.86, 32.01).buffer(0.02).wkt
    view = demo.view()
    found = evacuate(view, Asked(zone=zone, who=who), at=demo.now(), name="示意")
    table, shape = found.layers["evacuation_moves"], read_zone(view, zone).shape
    assert len(table) > 5
    shelters = found.tables["shelters"]
    assert (shelters["load"] <= shelters["places"]).all()
    assert shelters["load"].sum() + found.summary["missing"] == found.summary["persons"]
    assert found.summary["is_proven"]
    left = 0
    for row in table.to_dict("records"):
        way = shapely.transform(row["geometry"], lambda xy: to_metric(xy, epsg=EPSG))
        on_road = shapely.LineString(way.coords[1:-1]) if len(way.coords) > 3 else None
        if on_road is None or row["reenters"]:
            continue
        marks = shapely.line_interpolate_point(on_road, np.linspace(0, on_road.length, 400))
        is_in = shapely.contains(shape.buffer(-0.5), marks)
        if row["part"] == "out":
            assert not is_in.any()
        assert not (np.diff(is_in.astype(int)) > 0).any()  # out, and not in again
        left += bool(is_in.any())
    assert left > 3
    assert not shapely.intersects(
        shape,
        [shapely.Point(p) for p in to_metric(shelters.loc[shelters["load"] > 0, ["lon", "lat"]].to_numpy(), epsg=EPSG)],
    ).any()


def test_the_demo_walks_what_the_table_says(demo: District) -> None:
    view = demo.view()
    found = evacuate(view, Asked(who="all", stay="short", share=0.15), at=demo.now(), name="示意")
    table = found.tables["moves"]
    assert len(table) > 50
    assert (table["travel_s"] * 1.1 >= table["walk_m"] - 1.0).all()
    parts = table["road_m"] + table["legs_m"]
    assert np.abs(parts - table["walk_m"]).max() <= 0.11
    assert (table["total_s"] - table["warn_s"] - table["prep_s"] - table["clear_s"]).abs().max() <= 0.11
    assert (table["clear_s"] <= table["at_most_s"] + 0.11).all()
    lines = found.layers["evacuation_moves"]
    metres = shapely.length(
        shapely.transform(np.asarray(lines.geometry.array, dtype=object), lambda xy: to_metric(xy, epsg=EPSG))
    )
    assert np.abs(metres - lines["walk_m"]).max() < 1.0
    keys = ["village_id", "part", "shelter_id"]
    steps = found.tables["steps"].groupby(keys)["distance_m"].sum()
    road_m = table.set_index(keys)["road_m"]
    assert (steps.reindex(road_m.index).fillna(0) - road_m).abs().max() < 15
    by_village = table.groupby("village_id")["persons"].sum()
    villages = found.tables["villages"].set_index("village_id")
    assert (villages.loc[by_village.index, "moved"] == by_village).all()


def test_nobody_begins_on_a_motorway(demo: District) -> None:
    view = demo.view()
    xy = view.network.node_xy_m[::50]
    ways = WaysOut(
        view,
        None,
        at=demo.now(),
        on="foot",
        walk_m_s=1.1,
        origin_xy_m=xy,
        in_zone=np.zeros(len(xy), dtype=bool),
        shelter_xy_m=view.points_m("shelter"),
    )
    walked = walked_factors(view.network) > 0
    assert not walked.all()
    there = ways.origins.edge >= 0
    assert there.mean() > 0.9
    assert walked[ways.origins.edge[there]].all()
    assert not walked[view.network.snap(xy).edge].all()  # some nodes lie on a motorway
