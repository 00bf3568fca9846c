"""Closures by hand and from water depth: everything that drives follows at once, and goes back by itself."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from data import audit
from data.rasters import import_values
from data.store import Store
from geo.crs import to_lonlat
from geo.errors import Conflict, Forbidden, InputError, NotFound, OneMapError
from geo.flooding import flooded_roads
from geo.grid import Grid, Raster
from layers import analyses, query
from layers.actions.closures import close, reopen
from layers.closures import flooded
from layers.district import District
from layers.layer import Text
from layers.permissions import Actor
from layers.whatif.scenario import Closure, Scenario, under
from tests.layers.conftest import (
    BRIDGE,
    DEMO_NOW,
    EPSG,
    KM,
    NOW,
    ORIGIN_M,
    STAMP,
    Clock,
    area,
    fill,
    frames,
    line,
    lonlat,
    point,
)

DISPATCHER = Actor("somebody", "somebody", "dispatcher")


def closed(district: District, key: str = "a-key-of-the-form", **body: Any) -> dict[str, Any]:
    return close(district, DISPATCHER, {"reason": "test", "geometry": BRIDGE, **body}, key=key)


def answers(district: District) -> dict[str, Any]:
    """One number of everything that drives, asked for now."""
    west, east = lonlat(1.0, 1.0), lonlat(4.0, 1.0)
    table = analyses.coverage(district).table.set_index("id")
    plan = analyses.supply(district, lonlat=west, needs={"quilt": "250"})
    return {
        "times": analyses.times(district, origins=[west], destinations=[east])["time_s"][0][0],
        "route": analyses.route(district, origin=west, destination=east)["time_s"],
        "around": sorted(
            row["id"] for row in analyses.around(district, lonlat=west, minutes=20.0, kinds=["depots"])["facilities"]
        ),
        "coverage": table["reason"].to_dict(),
        "reach": [team["team_id"] for team in analyses.reach(district, lonlat=east)["teams"]],
        "supply": plan["lines"][0]["allocated"],
        "layer": sorted(query.read(district, "uncovered_places", role="dispatcher").frame["id"]),
    }


def test_everything_that_drives_follows_a_closure_and_goes_back_when_it_ends(district: District, clock: Clock) -> None:
    before = answers(district)
    done = closed(district, to=(NOW + timedelta(hours=1)).isoformat())
    assert (done["closed_m"], done["slowed_m"]) == (pytest.approx(1000, abs=1), 0)
    during = answers(district)
    assert before["times"] > 0
    assert during["times"] is None
    assert during["route"] is None
    assert before["around"] != during["around"]
    assert (before["coverage"]["v2"], during["coverage"]["v2"]) == (None, "closed")
    assert before["reach"]
    assert during["reach"] == []
    assert during["supply"] < before["supply"]
    assert during["layer"] == sorted([*before["layer"], "v2"])
    assert district.store.frame("closure")["source"].tolist()[-1] == "somebody"
    # Another process that reads the file anew says the same.
    assert answers(District(district.store, clock=clock)) == during
    clock.now = NOW + timedelta(hours=1)
    assert answers(district) == before
    clock.now = NOW + timedelta(hours=1, milliseconds=-1)
    assert answers(district)["times"] is None


def test_as_of_a_moment_is_with_the_closures_of_that_moment(district: District) -> None:
    begins, ends = NOW + timedelta(hours=2), NOW + timedelta(hours=3)
    closed(district, **{"from": begins.isoformat(), "to": ends.isoformat()})
    for at, is_open in (
        (NOW, True),
        (begins - timedelta(milliseconds=1), True),
        (begins, False),
        (ends - timedelta(milliseconds=1), False),
        (ends, True),
    ):
        found = analyses.route(district, origin=lonlat(1, 1), destination=lonlat(4, 1), at=at)
        assert (found["time_s"] is not None) is is_open, at


def test_a_slowed_road_takes_longer_by_its_factor(district: District) -> None:
    before = answers(district)["times"]
    done = closed(district, factor=0.5)
    assert (done["closed_m"], done["slowed_m"]) == (0, pytest.approx(1000, abs=1))
    assert answers(district)["times"] == pytest.approx(before + 1000 / (30 / 3.6), abs=0.1)


def test_the_form_sent_twice_closes_once(district: District) -> None:
    assert closed(district) == closed(district)
    assert len(district.store.frame("closure")) == 2
    with pytest.raises(Conflict):
        closed(district, reason="another")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"geometry": {"type": "Point", "coordinates": list(lonlat(0.5, 0.5))}}, "it meets no road"),
        ({"geometry": {"type": "Point", "coordinates": [0.0, 0.0]}}, "outside the district's extent"),
        ({"geometry": {"type": "Point", "coordinates": [np.nan, 0.0]}}, "geometry"),
        ({"geometry": {"type": "Blob"}}, "expected GeoJSON of Point"),
        ({"geometry": {"type": "MultiPoint", "coordinates": [list(lonlat(1, 1))]}}, "expected GeoJSON of Point"),
        ({"geometry": None}, "geometry, raster: expected one of the two"),
        ({"raster": "d"}, "geometry, raster: expected one of the two"),
        ({"factor": 1.0}, "factor=1"),
        ({"to": NOW.isoformat()}, "to=2026"),
        ({"from": "2026-07-01T10:00"}, "no time zone"),
        (
            {
                "geometry": {
                    "type": "Polygon",
                    "coordinates": [[lonlat(*c) for c in ((1, 1), (2, 2), (2, 1), (1, 2), (1, 1))]],
                }
            },
            "crossing its own outline",
        ),
    ],
)
def test_what_is_refused_leaves_nothing(district: District, body: dict[str, Any], said: str) -> None:
    before = district.store.revision()
    with pytest.raises(InputError, match=said):
        closed(district, **body)
    assert district.store.revision() == before


def test_who_may_not_is_refused_and_recorded(district: District) -> None:
    keeper = replace(DISPATCHER, role="keeper")
    with pytest.raises(Forbidden):
        close(district, keeper, {"reason": "x", "geometry": BRIDGE}, key="a-key-of-the-form")
    with district.store.reading() as conn:
        row = audit.entries(conn)[0]
    assert (row.actor, row.outcome, row.action) == ("somebody", "refused", "close road")
    assert len(district.store.frame("closure")) == 1


def test_a_road_is_opened_again_by_hand(district: District, clock: Clock) -> None:
    made = closed(district)["id"]
    clock.now += timedelta(minutes=5)
    assert reopen(district, DISPATCHER, made, {}, key="one-key-of-a-form")["to_utc"] == "2026-07-01T02:05:00.000Z"
    assert answers(district)["times"] is not None
    with pytest.raises(Conflict, match="is over since"):
        reopen(district, DISPATCHER, made, {}, key="other-key-of-a-form")
    with pytest.raises(NotFound, match="no closure 'none'"):
        reopen(district, DISPATCHER, "none", {}, key="third-key-of-a-form")
    with pytest.raises(InputError, match="it is past"):
        reopen(district, DISPATCHER, "c1", {"to": NOW.isoformat()}, key="fourth-key-of-a-form")
    # One that has not begun never begins.
    done = reopen(district, DISPATCHER, "c1", {}, key="fifth-key-of-a-form")
    assert done["to_utc"] == "2026-07-02T00:00:00.000Z"
    at = datetime(2026, 7, 2, tzinfo=UTC)
    assert district.view().closures_in_force(at).tolist() == []
    with district.store.reading() as conn:
        assert audit.entries(conn)[0].subject == "c1"


# -- from the depth of water --------------------------------------------------------------------------


def water(depth_m: float) -> Raster:
    """Water over the bridge and the road south of it, 100 m cells."""
    grid = Grid(EPSG, ORIGIN_M[0] + 2 * KM, ORIGIN_M[1] + 1.5 * KM, 100.0, 100.0, 20, 10)
    values = np.full(grid.shape, np.nan, dtype=np.float32)
    values[:, 3:6] = depth_m
    return Raster(grid, values, "depth", "m")


def flood(district: District, depth_m: float) -> None:
    import_values(
        district.store,
        water(depth_m),
        code="flood",
        title="积水",
        source="test",
        now_utc=district.now().astimezone(UTC),
    )


def test_water_closes_and_slows_roads_but_no_bridge(tmp_path: Path, clock: Clock) -> None:
    with Store.create(str(tmp_path / "t.gpkg"), name="小镇", epsg=EPSG) as store:
        fill(store)
        with store.writing() as conn:  # a ford beside the bridge
            ford = gpd.GeoDataFrame(
                {"highway": ["tertiary"], "bridge": [False], "name": ["渡口"]},
                geometry=[line((2, 0), (3, 0))],
                crs=4326,
            )
            roads = pd.concat([store.frame("road", conn=conn)[["highway", "bridge", "name", "geometry"]], ford])
            store.replace(conn, "road", gpd.GeoDataFrame(roads, crs=4326), **STAMP)
        district = District(store, clock=clock)
        flood(district, 0.30)
        before = answers(district)
        done = close(district, DISPATCHER, {"reason": "积水", "raster": "flood"}, key="a-key-of-the-form")
        view = district.view()
        expected = flooded_roads(view.network, water(0.30))
        assert view.edge_factors(NOW).tolist() == expected.edge_factor.tolist()  # type: ignore[union-attr]
        assert (done["closed_m"], done["slowed_m"], done["bridges_spared"]) == (0, pytest.approx(1000, abs=1), 1)
        assert done["unknown_m"] > 0
        assert answers(district)["times"] == before["times"], "the bridge is spared"
        over_the_ford = {"origins": [lonlat(2, 0)], "destinations": [lonlat(3, 0)]}
        slowed = analyses.times(district, **over_the_ford)["time_s"][0][0]
        assert slowed == pytest.approx((700 + 300 / 0.4) / (30 / 3.6), abs=0.5)
        flood(district, 0.31)
        assert analyses.times(district, **over_the_ford)["time_s"][0][0] > slowed, "round by the bridge"
        assert (district.view().edge_factors(NOW) == 0).sum() == 1  # type: ignore[union-attr]
        drawn = query.read(district, "closures", role="viewer").frame.iloc[-1]
        assert drawn["raster"] == "flood"
        assert drawn.geometry.intersects(point(2.45, 0.5))


def test_a_closure_whose_raster_is_not_there_goes_by_its_outline(district: District) -> None:
    row = gpd.GeoDataFrame(
        {"id": ["w"], "reason": ["x"], "from_utc": [None], "to_utc": [None], "factor": [0.0], "raster": ["gone"]},
        geometry=[area(2.2, 0.8, 2.8, 1.2)],
        crs=4326,
    )
    with district.store.writing() as conn:
        district.store.upsert(conn, "closure", row, **STAMP)
    assert flooded(district.view(), "gone") is None
    assert answers(district)["times"] is None


def test_a_raster_that_is_no_depth_or_not_there_is_refused(district: District) -> None:
    with pytest.raises(NotFound):
        close(district, DISPATCHER, {"reason": "x", "raster": "gone"}, key="a-key-of-the-form")
    rain = replace(water(0.2), quantity="rain", unit="mm")
    import_values(district.store, rain, code="rain", title="雨", source="test", now_utc=NOW)
    with pytest.raises(InputError, match="unit=mm"):
        close(district, DISPATCHER, {"reason": "x", "raster": "rain"}, key="b-key-of-the-form")
    flood(district, 0.149)
    with pytest.raises(OneMapError, match=r"no water of 0\.15 m"):
        close(district, DISPATCHER, {"reason": "x", "raster": "flood"}, key="c-key-of-the-form")


# -- what outlives a closure --------------------------------------------------------------------------


def test_places_on_the_roads_outlive_a_closure_and_nothing_else_does(district: District) -> None:
    before = district.view()
    kept = {table: before.snapped(table) for table in ("team", "village")}
    times = before.open_times_s("team", "village", NOW)
    before.kept(("places", "villages"), lambda: "old")
    closed(district)
    after = district.view()
    assert after is not before
    assert {table: after.snapped(table) for table in kept} == kept
    assert after.open_times_s("team", "village", NOW) is times
    assert after.kept(("places", "villages"), lambda: "new") == "new"
    moved = gpd.GeoDataFrame(frames()["team"]).iloc[[0]].set_geometry([point(3.0, 0.0)], crs=4326)
    with district.store.writing() as conn:
        district.store.upsert(conn, "team", moved, **STAMP)
    third = district.view()
    assert third.snapped("village") is kept["village"]
    assert third.snapped("team") is not kept["team"]
    fresh = District(district.store).view()
    assert np.array_equal(third.open_times_s("team", "village", NOW), fresh.open_times_s("team", "village", NOW))
    with district.store.writing() as conn:
        shift = district.store.frame("road", conn=conn).iloc[1:]
        district.store.replace(conn, "road", shift.drop(columns=["source", "source_datum", "updated_utc"]), **STAMP)
    assert district.view().snapped("village") is not kept["village"]
    assert not shapely.is_empty(district.view().frame("closure").geometry).any()


@pytest.mark.parametrize("seed", range(12))
def test_times_under_closures_are_those_of_all_pairs_in_the_demo_district(demo: District, seed: int) -> None:
    """Points, lines and areas, closed and slowed."""
    rng = np.random.default_rng(seed)
    base = demo.view()
    nodes = base.network.node_xy_m
    shapes = []
    for size in rng.choice([0.0, 50.0, 200.0, 900.0], int(rng.integers(1, 4))):
        at = nodes[rng.integers(len(nodes))]
        spot = shapely.Point(at) if size == 0 else shapely.Point(at).buffer(size)
        shapes.append(shapely.LineString([at, at + size]) if rng.random() < 0.3 and size else spot)
    wgs84 = shapely.transform(np.array(shapes), lambda xy: to_lonlat(xy, epsg=demo.epsg))
    factors = rng.choice([0.0, 0.4], len(shapes))
    closures = tuple(Closure(shape, factor) for shape, factor in zip(wgs84, factors, strict=True))
    view = under(base, Scenario("closed", Text("封路", "closed"), closures=closures), DEMO_NOW)
    assert (view.edge_factors(DEMO_NOW) < 1).any()
    for places in ("village", "enterprise"):
        found = view.times_s("team", places, DEMO_NOW)
        whole = view.travel(DEMO_NOW).matrix_s(view.snapped("team"), view.snapped(places))
        assert np.array_equal(found, whole)
