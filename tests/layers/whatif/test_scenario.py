"""A view under a scenario answers as a store would in which the same really holds."""

from datetime import datetime, timedelta
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import sqlalchemy as sa

from data import schema
from geo.errors import InputError, NotFound
from layers.analyses import coverage
from layers.analyses.response import teams_at
from layers.district import District
from layers.layer import Text
from layers.whatif.roads import busiest_bridge, underpasses, waterlogging_factors
from layers.whatif.scenario import (
    AS_IT_IS,
    Closure,
    Scenario,
    Site,
    parse_scenarios,
    read_scenario,
    scenario_tables,
    shipped_scenarios,
    under,
)
from tests.layers.conftest import DEMO_NOW, NOW, STAMP, line, lonlat, point

BRIDGE = line((2.5, 0.9), (2.5, 1.1))


def scenario(**parts: Any) -> Scenario:
    return Scenario("test", Text("试", "test"), **parts)


def covered(district: District, found: Scenario, at: datetime = NOW, **asked: Any) -> pd.DataFrame:
    return coverage(district, at=at, view=under(district.view(), found, at), **asked).table


def upsert(district: District, table: str, frame: gpd.GeoDataFrame) -> None:
    with district.store.writing() as conn:
        district.store.upsert(conn, table, frame, **STAMP)


def test_nothing_assumed_changes_nothing(town: District) -> None:
    view = town.view()
    assert under(view, AS_IT_IS, NOW).travel(NOW) is view.travel(NOW)
    pd.testing.assert_frame_equal(covered(town, AS_IT_IS), coverage(town, at=NOW).table)


def test_closure_equals_the_same_closure_in_the_store(own_town: District) -> None:
    before = covered(own_town, scenario(closures=(Closure(BRIDGE),)))
    assert before["reason"].tolist() == [None, "closed", "no_road"]
    row = gpd.GeoDataFrame(
        {"id": ["x"], "reason": ["test"], "from_utc": [None], "to_utc": [None], "factor": [0.0]},
        geometry=[BRIDGE],
        crs=4326,
    )
    upsert(own_town, "closure", row)
    pd.testing.assert_frame_equal(before, coverage(own_town, at=NOW).table)


def test_lost_team_and_new_site_equal_the_same_in_the_store(own_town: District) -> None:
    lon, lat = lonlat(5.0, 1.0)
    site = Site("n1", "新站", lon, lat, "fire", ("firefighting",), 30.0, street="东街道")
    assumed = scenario(teams_out=("t1",), sites=(site,))
    before = covered(own_town, assumed)
    assert before["team_id"].tolist()[:2] != ["t1", "t1"]
    with own_town.store.writing() as conn:
        team = schema.table("team")
        conn.execute(sa.delete(team).where(team.c.id == "t1"))
    upsert(
        own_town,
        "team",
        gpd.GeoDataFrame(
            {
                "id": ["n1"],
                "name": ["新站"],
                "type": ["fire"],
                "street": ["东街道"],
                "skills": ["firefighting"],
                "turnout_s": [30],
                "duty": ["24h"],
            },
            geometry=[point(5.0, 1.0)],
            crs=4326,
        ),
    )
    pd.testing.assert_frame_equal(before, coverage(own_town, at=NOW).table)


def test_hour_moves_speeds_turnout_and_duty_but_not_closures(town: District) -> None:
    night = NOW.astimezone(town.timezone).replace(hour=2)
    assert town.view().closures_in_force(NOW).tolist() == []
    at = datetime.fromisoformat("2026-07-02T00:00:00+00:00")  # the closure of the town begins
    view = under(town.view(), scenario(hour=2), at)
    assert view.closures_in_force(at).tolist() == [0]
    teams, real = teams_at(under(town.view(), scenario(hour=2), NOW), None, NOW), teams_at(town.view(), None, night)
    assert teams.turnout_s.tolist() == real.turnout_s.tolist()
    assert teams.on_duty.tolist() == real.on_duty.tolist() != teams_at(town.view(), None, NOW).on_duty.tolist()
    pd.testing.assert_frame_equal(covered(town, scenario(hour=2)), coverage(town, at=night).table)


def test_weather_slows_what_closures_leave(town: District) -> None:
    view = town.view()
    wet = under(view, scenario(speed_factor=0.5, closures=(Closure(BRIDGE, 0.4),)), NOW)
    factors = wet.edge_factors(NOW)
    assert factors is not None
    assert sorted(set(factors.tolist())) == [0.2, 0.5]
    assert np.flatnonzero(factors == 0.2).tolist() == busiest_bridge(view, NOW).tolist()
    open_ = wet.edge_factors(NOW, closed=False)
    assert open_ is not None
    assert set(open_.tolist()) == {0.5}
    stations, depots = view.snapped("team"), view.snapped("depot")
    dry_s = view.travel(NOW).matrix_s(stations, depots)
    np.testing.assert_allclose(wet.travel(NOW, closed=False).matrix_s(stations, depots), dry_s * 2, atol=0.02)
    assert (wet.travel(NOW).matrix_s(stations, depots) > dry_s * 2 + 1).any()
    assert view.travel(NOW).matrix_s(stations, depots).tolist() == dry_s.tolist()


@pytest.mark.parametrize(("offset_s", "edges"), [(-0.001, 0), (0, 1), (59.999, 1), (60, 0)])
def test_a_closure_of_a_scenario_holds_from_its_beginning_and_not_at_its_end(
    town: District, offset_s: float, edges: int
) -> None:
    closure = Closure(BRIDGE, from_utc=NOW, to_utc=NOW + timedelta(seconds=60))
    factors = under(town.view(), scenario(closures=(closure,)), NOW + timedelta(seconds=offset_s)).edge_factors(NOW)
    assert (0 if factors is None else int((factors == 0).sum())) == edges


def test_the_tables_are_those_that_its_closures_are_found_in() -> None:
    roads = {"road", "closure", "raster"}
    for where, more in (
        (BRIDGE, set()),
        ("underpasses", set()),
        ("waterlogging_spots", {"waterlogging_spot"}),
        ("busiest_bridge", {"team", "village", "cell"}),
    ):
        assert set(scenario_tables(scenario(closures=(Closure(where),)))) == roads | more
    assert set(scenario_tables(scenario())) == roads


def test_what_cannot_be_is_refused(town: District) -> None:
    view = town.view()
    lon, lat = lonlat(1, 1)
    for wrong, said in (
        (scenario(teams_out=("t9",)), "teams_out='t9'"),
        (scenario(sites=(Site("t1", "新", lon, lat),)), "sites.id='t1'"),
        (scenario(sites=(Site("n", "新", lon, lat), Site("n", "新", lon, lat))), "sites.id='n'"),
        (scenario(sites=(Site("n", "新", 0.0, 0.0),)), "sites.id='n': lon,lat=0.0,0.0: outside the district's extent"),
        (scenario(sites=(Site("n", "新", lat, lon),)), "sites.id='n': lon,lat=.*they look swapped"),
        (scenario(speed_factor=0.0), "speed_factor=0.0"),
        (scenario(hour=24), "hour=24"),
        (scenario(closures=(Closure(shapely.Point(2.3, 48.8), reason="far"),)), "closure 'far': it meets no road"),
    ):
        with pytest.raises(InputError, match=said):
            under(view, wrong, NOW)


def test_shipped_scenarios_are_the_five_and_every_number_has_its_source() -> None:
    shipped = shipped_scenarios()
    assert list(shipped) == ["off_peak", "peak", "night", "heavy_rain", "bridge_out"]
    for found in shipped.values():
        assert found.sources["hour"]
        assert found.speed_factor == 1.0 or found.sources["speed_factor"]
        assert all(closure.source for closure in found.closures)
    assert read_scenario("peak") is shipped["peak"]
    with pytest.raises(NotFound, match="off_peak, peak"):
        read_scenario("weekend")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[scenario]]\nid='a'\ntitle='a'\nhour=24", r"scenario 1.hour=24"),
        ("[[scenario]]\nid='a'\ntitle='a'\nspeed_factor=0", r"scenario 1.speed_factor=0"),
        ("[[scenario]]\nid='a'\ntitle='a'\nspeed=1", r"scenario 1.speed is not known"),
        ("[[scenario]]\nid='a'\ntitle='a'\n[[scenario.closure]]\nwhere='here'", r"closure 1.where='here'"),
        (
            "[[scenario]]\nid='a'\ntitle='a'\n[[scenario.closure]]\nwhere='POINT (32 120.8)'",
            "longitude before latitude",
        ),
        (
            "[[scenario]]\nid='a'\ntitle='a'\n[[scenario.closure]]\nwhere='POINT (1 2)'\nfrom=2026-01-01T00:00:00Z\n"
            "to=2026-01-01T00:00:00Z",
            "closure 1.to=.*after 'from'",
        ),
        (
            "[[scenario]]\nid='a'\ntitle='a'\n[[scenario.closure]]\nwhere='POINT (1 2)'\nfrom=2026-01-01T00:00:00",
            "from",
        ),
        ("[[scenario]]\nid='a'\ntitle='a'\n[[scenario.site]]\nid='s'\nname='s'\nlon=1\nlat=91", r"site 1.lat=91"),
        ("[[scenario]]\nid='a'\ntitle='a'\n[[scenario]]\nid='a'\ntitle='a'", "an id stands twice"),
        ("nonsense", "not valid TOML"),
        ("a = 1", "expected \\[\\[scenario\\]\\]"),
    ],
)
def test_a_bad_file_is_named_by_field(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        parse_scenarios(text)


def test_a_file_says_all_of_a_scenario() -> None:
    text = """
        [[scenario]]
        id = "a"
        title = "试"
        title_en = "test"
        hour = 8
        speed_factor = 0.5
        teams_out = ["t1"]
        [[scenario.closure]]
        where = "POINT (120.8 32)"
        factor = 0.4
        reason = "works"
        from = 2026-07-01T08:00:00+08:00
        [[scenario.site]]
        id = "n1"
        name = "新站"
        lon = 120.8
        lat = 32.0
        skills = ["flood"]
    """
    found = parse_scenarios(text)[0]
    closure = Closure(shapely.Point(120.8, 32), 0.4, "works", datetime.fromisoformat("2026-07-01T00:00:00+00:00"))
    site = Site("n1", "新站", 120.8, 32.0, skills=("flood",))
    assert found == Scenario("a", Text("试", "test"), 8, 0.5, (closure,), ("t1",), (site,))
    assert found.plain()["closures"][0]["where"] == "POINT (120.8 32)"


def test_selections_on_the_demo_are_not_empty(demo: District) -> None:
    view = demo.view()
    roads = demo.store.frame("road")
    tunnel = roads["tunnel"].isin([True, 1]).to_numpy(dtype=bool)
    under_ = underpasses(view)
    assert 0 < len(under_) <= int(tunnel[view.network.edge_row].sum())
    assert tunnel[view.network.edge_row[under_]].all()
    bridge = busiest_bridge(view, DEMO_NOW)
    assert view.network.edge_bridge[bridge].all()
    assert 0 < len(bridge) < 10
    before, after = (
        coverage(demo, at=DEMO_NOW, view=under(view, found, DEMO_NOW)).table["total_s"].fillna(np.inf)
        for found in (AS_IT_IS, scenario(closures=(Closure("busiest_bridge"),)))
    )
    assert (after >= before).all()
    assert (after > before).any()
    assert (waterlogging_factors(view) == 0).any()
    assert (under(view, shipped_scenarios()["heavy_rain"], NOW).edge_factors(NOW) == 0).sum() >= len(under_)  # type: ignore[operator,union-attr]
