"""Answers worked out by hand on the small town: 1 km at 30 km/h is 120 s."""

import json
from datetime import timedelta

import geopandas as gpd
import pytest
import shapely

from geo.errors import InputError, NotFound, TooLarge
from layers import analyses, query, render
from layers.district import District
from tests.layers.conftest import NOW, STAMP, lonlat, point, roads

WALK = 1.1


def test_times_and_distances_by_hand(town: District) -> None:
    found = analyses.times(town, origins=[lonlat(0, 0)], destinations=[lonlat(2, 0), lonlat(3, 0)])
    assert found["time_s"][0] == pytest.approx([240.0, 600.0], abs=0.1)
    assert found["distance_m"][0] == pytest.approx([2000.0, 5000.0], abs=0.5)  # over the bridge in row 1
    assert found["revision"] == town.revision
    json.dumps(found, allow_nan=False)


def test_the_last_leg_is_walked_and_apart_from_the_road(town: District) -> None:
    found = analyses.times(town, origins=[lonlat(0.5, 0.11)], destinations=[lonlat(1, 0)])
    assert found["from_last_leg_m"][0] == pytest.approx(110.0, abs=0.1)
    assert found["from_last_leg_s"][0] == pytest.approx(110.0 / WALK, abs=0.1)
    assert found["time_s"][0][0] == pytest.approx(60.0, abs=0.1)


def test_far_from_every_road_is_no_road_and_outside_is_refused(town: District) -> None:
    found = analyses.times(town, origins=[lonlat(10, 1)], destinations=[lonlat(0, 0)])
    assert found["time_s"] == [[None]]
    assert found["distance_m"] == [[None]]
    assert found["no_road"] == {"from": [0], "to": []}
    with pytest.raises(InputError, match="outside the district's extent"):
        analyses.times(town, origins=[(10.0, 10.0)], destinations=[lonlat(0, 0)])
    with pytest.raises(InputError, match="look swapped"):
        analyses.times(town, origins=[lonlat(0, 0)[::-1]], destinations=[lonlat(0, 0)])


def test_too_many_pairs_are_refused_with_the_bound(town: District) -> None:
    with pytest.raises(TooLarge, match="2500"):
        analyses.times(town, origins=[lonlat(0, 0)] * 51, destinations=[lonlat(1, 0)] * 50)


def test_route_has_the_geometry_of_the_road_and_both_last_legs(town: District) -> None:
    found = analyses.route(town, origin=lonlat(0.5, 0.1), destination=lonlat(3, 0))
    line = shapely.geometry.shape(found["geometry"])
    assert line.coords[0] == pytest.approx(lonlat(0.5, 0.1))
    assert line.coords[-1] == pytest.approx(lonlat(3, 0))
    assert found["distance_m"] == pytest.approx(4500.0, abs=1.0)
    assert shapely.distance(line, point(2.5, 1.0)) < 1e-6  # over the bridge


def test_coverage_table_by_hand(town: District) -> None:
    found = analyses.coverage(town, at=NOW).to_json()
    rows = {row["id"]: row for row in found["places"]}
    assert rows["v1"]["covered"]
    assert rows["v1"]["team_id"] == "t1"
    assert rows["v1"]["handling_s"] == 210.0
    assert rows["v1"]["turnout_s"] == 60.0
    assert rows["v1"]["backup_teams"] == 1  # the volunteers; the night team is off duty at ten
    assert rows["v3"]["reason"] == "no_road"
    assert rows["v3"]["total_s"] is None
    assert found["totals"] == {
        "places": 3,
        "persons": 3030,
        "covered_places": 2,
        "covered_persons": 3000,
        "covered_share": 3000 / 3030,
    }
    by_street = {row["street"]: row for row in found["by_street"]}
    assert by_street["西街道"]["teams"] == 2
    assert by_street["东街道"]["persons"] == 2030
    assert found["streets_without_team"] == ["东街道"]
    json.dumps(found, allow_nan=False)


def test_coverage_bound_is_included(town: District) -> None:
    rows = analyses.coverage(town, at=NOW).table.set_index("id")
    exact = float(rows.loc["v2", "total_s"])
    at_bound = analyses.coverage(town, at=NOW, limit_s=exact).table.set_index("id")
    below = analyses.coverage(town, at=NOW, limit_s=exact - 0.001).table.set_index("id")
    assert at_bound.loc["v2", "covered"]
    assert not below.loc["v2", "covered"]
    assert below.loc["v2", "reason"] == "too_far"


def test_reasons_of_skill_and_duty(town: District) -> None:
    by_day = analyses.coverage(town, at=NOW, skill="flood").table.set_index("id")
    # Without the skill the fire station would do: that constraint is taken away before the duty hours.
    assert by_day.loc["v1", "reason"] == "no_skill"
    by_night = analyses.coverage(town, at=NOW + timedelta(hours=12), skill="flood").table.set_index("id")
    assert by_night.loc["v1", "covered"]
    nobody = analyses.coverage(town, at=NOW, skill="medical").table.set_index("id")
    assert nobody.loc["v1", "reason"] == "no_skill"
    with pytest.raises(InputError, match="expected one of"):
        analyses.coverage(town, at=NOW, skill="cooking")


def test_a_closure_counts_from_its_first_moment_to_before_its_last(town: District) -> None:
    first = NOW.replace(day=2, hour=0)
    last = NOW.replace(day=3, hour=0)
    for moment, closed in (
        (first - timedelta(seconds=1), False),
        (first, True),
        (last - timedelta(seconds=1), True),
        (last, False),
    ):
        table = analyses.coverage(town, at=moment, skill="firefighting").table.set_index("id")
        assert (table.loc["v2", "reason"] == "closed") is closed
        found = analyses.route(town, origin=lonlat(0, 0), destination=lonlat(4, 0), at=moment)
        assert (found["reason"] == "closed") is closed


def test_reach_agrees_with_coverage(town: District) -> None:
    village = town.view().frame("village").set_index("id").geometry["v2"]
    inside = shapely.point_on_surface(village)
    row = analyses.coverage(town, at=NOW).table.set_index("id").loc["v2"]
    found = analyses.reach(town, lonlat=(inside.x, inside.y), at=NOW)
    assert found["village"] == "东村"
    assert found["street"] == "东街道"
    assert found["teams"][0]["team_id"] == row["team_id"]
    assert found["teams"][0]["total_s"] == pytest.approx(row["total_s"], abs=0.01)
    assert [t["team_id"] for t in found["teams"]] == ["t1", "t3"]
    assert found["hospital"]["id"] == "h1"
    assert found["shelter"]["places"] == 500
    json.dumps(found, allow_nan=False)


def test_supply_takes_from_the_quicker_depot_and_says_why_not(town: District) -> None:
    found = analyses.supply(town, lonlat=lonlat(1, 0), needs={"quilt": "90"}, at=NOW)
    line = found["lines"][0]
    assert [(row["depot_id"], row["lot"], row["quantity"]) for row in line["from"]] == [
        ("d1", "A", 70),
        ("d2", "A", 20),
    ]
    assert line["from"][0]["arrival_s"] == pytest.approx(300 + 1200 + 60, abs=0.2)
    assert line["from"][0]["distance_m"] == pytest.approx(500, abs=0.5)
    assert line["ready_s"] == line["from"][1]["arrival_s"]
    withheld = {row["reason"]: row["quantity"] for row in line["withheld"]}
    assert withheld == {"reserved": 30, "expired": 50}
    json.dumps(found, allow_nan=False)


def test_supply_deadline_and_shortage(town: District) -> None:
    found = analyses.supply(town, lonlat=lonlat(1, 0), needs={"quilt": "90"}, within_s=1600.0, at=NOW)
    line = found["lines"][0]
    assert (line["allocated"], line["short"]) == (70, 20)
    assert line["next_best"]["depot_id"] == "d2"
    assert [(row["depot_id"], row["reason"]) for row in found["refused"]] == [("d2", "too_far")]
    with pytest.raises(NotFound, match="pillow"):
        analyses.supply(town, lonlat=lonlat(1, 0), needs={"pillow": "1"}, at=NOW)


@pytest.mark.parametrize("text", ["quilt", "=3", "quilt=", ""])
def test_needs_that_cannot_be_read(text: str) -> None:
    with pytest.raises(InputError, match="ITEM=QUANTITY"):
        analyses.parse_needs([text])


def test_around_by_radius_and_by_minutes(town: District) -> None:
    near = analyses.around(town, lonlat=lonlat(0, 0), radius_m=500.5, at=NOW)
    assert [row["id"] for row in near["facilities"]] == ["t1", "d1"]
    driven = analyses.around(town, lonlat=lonlat(0, 0), minutes=2.0, kinds=["depots", "teams"], at=NOW)
    assert [row["id"] for row in driven["facilities"]] == ["t1", "d1"]
    with pytest.raises(InputError, match="exactly one"):
        analyses.around(town, lonlat=lonlat(0, 0), at=NOW)
    with pytest.raises(InputError, match="expected one of"):
        analyses.around(town, lonlat=lonlat(0, 0), radius_m=1, kinds=["castles"], at=NOW)


def test_search_ranks_exact_before_beginning_before_inside(town: District) -> None:
    found = analyses.search(town, "西")
    assert [row["name"] for row in found][:3] == ["西村", "西库", "西街道"] or len(found) == 3
    assert {row["layer"] for row in found} == {"streets", "villages", "depots"}
    assert analyses.search(town, "0号路")[0]["layer"] == "roads"
    assert analyses.search(town, "不存在") == []
    with pytest.raises(InputError, match="at least one character"):
        analyses.search(town, "  ")


def test_a_facility_without_a_place_is_listed(town: District) -> None:
    assert [row["id"] for row in analyses.unplaced(town)] == ["e2"]


def test_a_moved_depot_is_found_at_its_new_place(own_town: District) -> None:
    here = {"lonlat": lonlat(0, 3), "radius_m": 50.0, "kinds": ["depots"], "at": NOW}
    assert analyses.around(own_town, **here)["count"] == 0
    moved = gpd.GeoDataFrame({"id": ["d1"], "name": ["西库"], "level": ["district"]}, geometry=[point(0, 3)], crs=4326)
    with own_town.store.writing() as conn:
        own_town.store.upsert(conn, "depot", moved, **STAMP)
    assert [row["id"] for row in analyses.around(own_town, **here)["facilities"]] == ["d1"]
    gone = analyses.around(own_town, lonlat=lonlat(0.5, 0), radius_m=50.0, kinds=["depots"], at=NOW)
    assert gone["count"] == 0


def test_one_answer_is_of_one_revision(own_town: District) -> None:
    before = own_town.view()
    moved = gpd.GeoDataFrame({"id": ["h1"], "name": ["新名"]}, geometry=[point(2, 2)], crs=4326)
    with own_town.store.writing() as conn:
        own_town.store.upsert(conn, "hospital", moved, **STAMP)
    after = own_town.view()
    assert after.revision > before.revision
    assert before.frame("hospital")["name"].tolist() == ["医院"]
    assert after.frame("hospital")["name"].tolist() == ["新名"]
    assert after.network is before.network


def test_one_way_streets_may_be_driven_against_under_blue_light(own_town: District) -> None:
    one_way = roads().assign(oneway="-1")
    with own_town.store.writing() as conn:
        own_town.store.replace(conn, "road", one_way, **STAMP)
    asked = {"origins": [lonlat(0, 0)], "destinations": [lonlat(1, 0)], "at": NOW}
    assert analyses.times(own_town, **asked)["time_s"] == [[None]]
    blue_light = District(own_town.store, ignore_oneway=True, clock=lambda: NOW)
    assert analyses.times(blue_light, **asked)["time_s"][0][0] == pytest.approx(120.0, abs=0.1)


def test_drawn_bands_agree_with_the_proof_table_at_the_villages(town: District) -> None:
    bands = analyses.response_time_layer(town.view(), at=NOW)
    table = analyses.coverage(town, at=NOW).table.set_index("id")
    for village in ("v1", "v2"):
        inside = shapely.point_on_surface(town.view().frame("village").set_index("id").geometry[village])
        hit = bands[bands.geometry.contains(inside)]
        assert len(hit) == 1
        assert table.loc[village, "total_s"] <= hit["limit_s"].iloc[0]
        assert table.loc[village, "total_s"] > hit["limit_s"].iloc[0] - 900
    uncovered = analyses.uncovered_places_layer(town.view(), at=NOW)
    assert uncovered["id"].tolist() == ["v3"]
    boundary = town.view().frame("boundary").geometry.iloc[0]
    assert bands.geometry.difference(boundary.buffer(1e-9)).is_empty.all()


def test_territories_belong_to_the_quickest_team(town: District) -> None:
    areas = analyses.team_territories_layer(town.view(), at=NOW).set_index("team_id")
    assert "t2" not in areas.index  # off duty at ten
    for team, place in (("t1", (0.5, 0.05)), ("t1", (4.0, 0.05))):
        spot = lonlat(*place)
        found = analyses.reach(town, lonlat=spot, at=NOW)
        assert found["teams"][0]["team_id"] == team
        assert areas.geometry[team].contains(shapely.Point(spot))


def test_the_summary_of_a_tiled_layer_says_what_reading_it_says(town: District) -> None:
    whole = render.describe(query.read(town, "roads", role="viewer", at=NOW))
    short = render.describe(query.summary(town, "roads", role="viewer", at=NOW))
    assert short == whole
    assert short["count"] == 33 + 2
