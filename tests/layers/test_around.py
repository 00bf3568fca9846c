"""Around an incident: every number against a count over all rows, one by one."""

import json
import math
from collections import Counter
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely

from data.kinds import RISK_LEVELS
from geo.crs import to_metric
from geo.errors import InputError, TooLarge
from geo.times import last_leg_s
from layers import analyses
from layers.analyses.places import TABLE_OF
from layers.catalogue import FACILITY_LAYERS
from layers.district import District, metric_geometries
from tests.layers.conftest import DEMO_NOW, EPSG, NOW, STAMP, line, lonlat

SPOTS = [(120.866, 32.01), (120.83, 32.03), (120.9, 31.98)]
BOUNDS: list[dict[str, float]] = [{"radius_m": 600.0}, {"radius_m": 2500.0}, {"minutes": 4.0}, {"minutes": 11.5}]


def inside_by_hand(district: District, table: str, spot: tuple[float, float], bound: dict[str, float]) -> set[str]:
    """Ids of the rows inside, each asked about alone."""
    view = district.view()
    frame = view.frame(table)
    if "radius_m" in bound:
        here = shapely.Point(to_metric([spot], epsg=district.epsg)[0])
        shapes = metric_geometries(frame, district.epsg)
        return {
            str(id_)
            for id_, shape in zip(frame["id"], shapes, strict=True)
            if shape is not None and shape.distance(here) <= bound["radius_m"]
        }
    here_road, there = view.snap_lonlat([spot]), view.snapped(table)
    travel = view.travel(DEMO_NOW)
    found = set()
    for k, id_ in enumerate(frame["id"]):
        one = there.take([k])
        total_s = (
            travel.matrix_s(here_road, one)[0, 0] + last_leg_s(here_road.access_m)[0] + last_leg_s(one.access_m)[0]
        )
        if total_s <= bound["minutes"] * 60:
            found.add(str(id_))
    return found


@pytest.mark.parametrize("bound", BOUNDS, ids=str)
def test_rows_and_sums_are_those_of_a_count_over_all_rows(demo: District, bound: dict[str, float]) -> None:
    view = demo.view()
    for spot in SPOTS[:2]:
        found = analyses.around(demo, lonlat=spot, at=DEMO_NOW, **bound)
        inside = {kind: inside_by_hand(demo, TABLE_OF[kind], spot, bound) for kind in FACILITY_LAYERS}
        told = {kind: {row["id"] for row in found["facilities"] if row["kind"] == kind} for kind in FACILITY_LAYERS}
        assert told == inside
        assert found["count"] == len(found["facilities"]) == sum(map(len, inside.values()))
        order = [row["distance_m" if "radius_m" in bound else "total_s"] for row in found["facilities"]]
        assert order == sorted(order)
        parts = found["summary"]

        enterprises = view.frame("enterprise").set_index("id").loc[sorted(inside["enterprises"])]
        levels = Counter(enterprises["risk_level"].fillna("unknown"))
        expected = {code: levels.get(code, 0) for code in (*(c.code for c in RISK_LEVELS), "unknown")}
        assert parts["enterprises"]["by_level"] == expected
        held = view.frame("substance")
        held = held[held["enterprise_id"].isin(inside["enterprises"])]
        tons = {row["name"]: row["quantity_t"] for row in parts["enterprises"]["substances"]}
        assert tons == pytest.approx(held.groupby("name")["quantity_t"].sum().to_dict(), abs=1e-6)

        on_duty = {row["id"] for row in found["facilities"] if row["kind"] == "teams" and row["attributes"]["on_duty"]}
        skills = view.frame("team").set_index("id")["skills"]
        able = Counter(code for id_ in inside["teams"] for code in skills[id_].split(";"))
        ready = Counter(code for id_ in on_duty for code in skills[id_].split(";"))
        assert {r["skill"]: (r["teams"], r["on_duty"]) for r in parts["teams"]["by_skill"]} == {
            code: (n, ready.get(code, 0)) for code, n in able.items()
        }

        stock: Counter[str] = Counter()
        for lot in view.frame("lot").to_dict("records"):
            expired = isinstance(lot["expires_on"], str) and lot["expires_on"] < f"{DEMO_NOW:%Y-%m-%d}"
            if lot["depot_id"] in inside["depots"] and lot["status"] == "usable" and not expired:
                stock[lot["item_id"]] += lot["on_hand_e3"] - lot["reserved_e3"] - lot["on_hold_e3"]
        assert {r["item_id"]: r["available"] for r in parts["depots"]["items"]} == pytest.approx(
            {item: e3 / 1000 for item, e3 in stock.items() if e3}
        )
        beds = view.frame("hospital").set_index("id")["beds"]
        assert parts["hospitals"]["beds"] == sum(beds.get(id_) or 0 for id_ in inside["hospitals"])
        types = view.frame("lifeline").set_index("id")["type"]
        assert parts["lifelines"]["schools"]["count"] == sum(types[id_] == "school" for id_ in inside["lifelines"])
        json.dumps(found, allow_nan=False)


@pytest.mark.parametrize("bound", BOUNDS, ids=str)
def test_persons_are_those_of_the_cells_and_nobody_is_lost(demo: District, bound: dict[str, float]) -> None:
    view = demo.view()
    cells, villages = view.frame("cell"), view.frame("village")
    inside = inside_by_hand(demo, "cell", SPOTS[2], bound)
    resident, day = 0, 0
    for village in villages.itertuples():
        own = cells[cells.geometry.within(village.geometry)]
        some = int(own["persons"][own["id"].isin(inside)].sum())
        share = some / own["persons"].sum()
        resident += math.floor(village.persons * share + 0.5)
        day += math.floor(village.persons_day * share + 0.5)
    told = analyses.around(demo, lonlat=SPOTS[2], at=DEMO_NOW, kinds=["teams"], **bound)["summary"]["persons"]
    assert (told["resident"], told["day"], told["day_unknown"]) == (resident, day, 0)
    assert sum(row["resident"] for row in told["villages"]) == resident > 0
    assert {row["basis"] for row in told["villages"]} == {"cells"}


def test_a_circle_around_the_whole_district_holds_everybody(demo: District) -> None:
    villages = demo.view().frame("village")
    told = analyses.around(demo, lonlat=SPOTS[0], radius_m=100_000.0, at=DEMO_NOW)["summary"]
    assert told["persons"]["resident"] == villages["persons"].sum()
    assert told["persons"]["day"] == villages["persons_day"].sum()
    network = demo.view().network
    assert told["roads"]["length_m"] == pytest.approx(network.edge_length_m.sum(), abs=1)
    assert sum(row["length_m"] for row in told["roads"]["by_class"]) == pytest.approx(
        told["roads"]["length_m"], abs=0.5
    )


# -- the town, worked out by hand ---------------------------------------------------------------------


def ids(found: dict[str, Any]) -> list[str]:
    return [row["id"] for row in found["facilities"]]


def test_exactly_on_the_bound_is_inside(town: District) -> None:
    view = town.view()
    here = lonlat(0.25, 0.0)
    distance_m = float(np.hypot(*(to_metric([here], epsg=EPSG)[0] - view.points_m("depot")[0])))
    for radius_m, is_in in ((distance_m, True), (np.nextafter(distance_m, 0), False)):
        found = analyses.around(town, lonlat=here, radius_m=radius_m, kinds=["depots"], at=NOW)
        assert ids(found) == (["d1"] if is_in else [])
    driven = analyses.around(town, lonlat=here, minutes=60.0, kinds=["depots"], at=NOW)["facilities"][0]
    total_s = view.travel(NOW).matrix_s(view.snap_lonlat([here]), view.snapped("depot"))[0, 0]
    total_s += last_leg_s(view.snap_lonlat([here]).access_m)[0] + last_leg_s(view.snapped("depot").access_m)[0]
    assert driven["total_s"] == pytest.approx(total_s, abs=0.051)
    for minutes, is_in in ((total_s / 60 + 1e-9, True), (total_s / 60 - 1e-4, False)):
        assert ids(analyses.around(town, lonlat=here, minutes=minutes, kinds=["depots"], at=NOW)) == (
            ["d1"] if is_in else []
        )


def test_a_closure_cuts_what_is_around_in_minutes_not_in_metres(town: District) -> None:
    closed = NOW.replace(day=2, hour=6)
    west = lonlat(1.9, 1.0)
    for at, driven in ((NOW, True), (closed, False)):
        by_road = analyses.around(town, lonlat=west, minutes=20.0, at=at)
        assert ("d2" in ids(by_road)) is driven
        assert "d2" in ids(analyses.around(town, lonlat=west, radius_m=4000.0, at=at))
    open_m, closed_m = (
        analyses.around(town, lonlat=west, minutes=20.0, at=at)["summary"]["roads"]["length_m"] for at in (NOW, closed)
    )
    assert closed_m < open_m


def test_without_cells_a_village_counts_by_its_area_or_by_its_inner_point(town: District) -> None:
    view = town.view()
    centre, radius_m = lonlat(1.0, 1.0), 1200.0
    told = analyses.around(town, lonlat=centre, radius_m=radius_m, kinds=["teams"], at=NOW)["summary"]["persons"]
    shape = metric_geometries(view.frame("village"), EPSG)[0]
    circle = shapely.Point(to_metric([centre], epsg=EPSG)[0]).buffer(radius_m, quad_segs=720)
    exact = 1000 * shape.intersection(circle).area / shape.area
    assert told["villages"] == [
        {
            "id": "v1",
            "name": "西村",
            "street": "西街道",
            "share": pytest.approx(exact / 1000, abs=2e-4),
            "basis": "area",
            "persons": 1000,
            "resident": pytest.approx(exact, abs=1),
            "day": None,
        }
    ]
    assert (told["day"], told["day_unknown"]) == (None, 1)
    far = analyses.around(town, lonlat=centre, minutes=60.0, kinds=["teams"], at=NOW)["summary"]["persons"]
    assert [(row["id"], row["basis"], row["resident"]) for row in far["villages"]] == [
        ("v2", "point", 2000),
        ("v1", "point", 1000),
    ]


def test_the_ring_and_the_area_reached_agree_with_the_rows(demo: District) -> None:
    view = demo.view()
    ring = analyses.around_area(demo, lonlat=SPOTS[0], radius_m=900.0, at=DEMO_NOW)["geometry"]
    shape = shapely.from_geojson(json.dumps(ring))
    assert shape.contains(shapely.Point(SPOTS[0]))
    metric = metric_geometries(gpd.GeoDataFrame(geometry=[shape], crs=4326), demo.epsg)[0]
    assert metric.area == pytest.approx(math.pi * 900**2, rel=1e-3)
    drawn = analyses.around_area(demo, lonlat=SPOTS[0], minutes=5.0, at=DEMO_NOW)["geometry"]
    area = metric_geometries(gpd.GeoDataFrame(geometry=[shapely.from_geojson(json.dumps(drawn))], crs=4326), demo.epsg)[
        0
    ]
    xy = view.points_m("cell")
    here, there = view.snap_lonlat([SPOTS[0]]), view.snapped("cell")
    legs_s = last_leg_s(here.access_m)[0] + last_leg_s(there.access_m)
    total_s = view.travel(DEMO_NOW).matrix_s(here, there)[0] + legs_s
    within = shapely.contains(area, shapely.points(xy))
    # The walk of one step and of what is smoothed away, on each side of the line.
    clear = np.abs(total_s - 300.0) > 60.0
    assert clear.sum() > 100
    assert (within == (total_s <= 300.0))[clear].mean() > 0.99
    assert analyses.around_area(demo, lonlat=SPOTS[0], minutes=0.0, at=DEMO_NOW)["geometry"] is None


def test_contacts_are_for_staff(town: District) -> None:
    for role, told in (("viewer", False), ("dispatcher", True), ("administrator", True)):
        found = analyses.around(town, lonlat=lonlat(4.5, 2.0), radius_m=500.0, at=NOW, role=role)  # type: ignore[arg-type]
        row = next(row for row in found["facilities"] if row["id"] == "e1")
        assert ("phone" in row["attributes"]) is told
        assert ("contact" in row["attributes"]) is told
        assert row["name"] == "<script>alert(1)</script>厂", "a name is told as it is; who shows it escapes it"


def test_a_road_drawn_around_the_bend_and_a_line_count_by_their_nearest_spot(own_town: District) -> None:
    route = gpd.GeoDataFrame(
        {"id": ["r2"], "name": ["远"], "shelter_id": ["s1"]}, geometry=[line((3, 3), (0, 2.9))], crs=4326
    )
    with own_town.store.writing() as conn:
        own_town.store.upsert(conn, "evacuation_route", route, **STAMP)
    found = analyses.around(own_town, lonlat=lonlat(0, 3), radius_m=101.0, kinds=["evacuation_routes"], at=NOW)
    assert [(row["id"], row["distance_m"]) for row in found["facilities"]] == [("r2", pytest.approx(100, abs=0.2))]


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        ({}, "exactly one"),
        ({"radius_m": 1.0, "minutes": 1.0}, "exactly one"),
        ({"radius_m": -1.0}, "radius_m=-1.0: expected metres, 0 or more"),
        ({"minutes": math.nan}, "minutes=nan"),
        ({"radius_m": 1.0, "kinds": ["castles"]}, "expected one of"),
    ],
)
def test_questions_that_cannot_be_are_refused(town: District, question: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        analyses.around(town, lonlat=lonlat(0, 0), at=NOW, **question)


def test_an_area_beyond_hours_is_not_drawn(town: District) -> None:
    assert analyses.around_area(town, lonlat=lonlat(0, 0), minutes=180.0, at=NOW)["geometry"] is not None
    with pytest.raises(TooLarge, match="180"):
        analyses.around_area(town, lonlat=lonlat(0, 0), minutes=180.1, at=NOW)
    nowhere = analyses.around(town, lonlat=lonlat(10, 1), minutes=30.0, at=NOW)
    assert (nowhere["count"], nowhere["summary"]["roads"]["length_m"]) == (0, 0.0)
