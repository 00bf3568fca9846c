"""The scenarios side by side, and coverage from one scenario to another: equal to full runs one by one."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shapely

from data.kinds import SKILLS
from geo.bands import BAND_LIMITS_S
from geo.errors import ImportRefused, InputError
from layers import query
from layers.analyses import coverage
from layers.district import District
from layers.layer import Text
from layers.whatif.asked import asked_scenario, scenario_by_id
from layers.whatif.coverage import change_lines, closures_of_file, named_scenario, scenario_coverage
from layers.whatif.saved import Result, difference, load, save
from layers.whatif.scenario import AS_IT_IS, Closure, Scenario, shipped_scenarios, under, with_closures
from layers.whatif.scenarios import BANDS, MEASURES, RISK_WEIGHTS, run_scenarios, scenario_lines
from tests.layers.conftest import DEMO_NOW, NOW, line, lonlat


@pytest.fixture(scope="module")
def found(demo: District) -> Result:
    return run_scenarios(demo, "示意", at=DEMO_NOW)


def test_shares_are_those_of_coverage_for_every_skill(demo: District, found: Result) -> None:
    shares = found.tables["shares"].set_index(["scenario", "skill", "measure"])
    for name in ("night", "heavy_rain"):
        view = under(demo.view(), shipped_scenarios()[name], DEMO_NOW)
        for skill in ("any", "firefighting", "communications"):
            asked = None if skill == "any" else skill
            full = coverage(demo, view=view, at=DEMO_NOW, skill=asked, places="cells").table
            row = shares.loc[(name, skill, "persons")]
            assert row["total"] == full["persons"].sum()
            assert row["within_hour"] == full.loc[full["covered"], "persons"].sum()
            twice = full["covered"] & (full["backup_teams"] >= 1)
            assert row["second_within_hour"] == full.loc[twice, "persons"].sum()
            firms = coverage(demo, view=view, at=DEMO_NOW, skill=asked, places="enterprises").table
            weights = demo.view().frame("enterprise")["risk_level"].map(RISK_WEIGHTS).fillna(0).to_numpy()
            row = shares.loc[(name, skill, "risk")]
            assert row["total"] == weights.sum()
            assert row["within_hour"] == weights[firms["covered"].to_numpy()].sum()


def test_bands_and_proof_add_up_to_the_shares(found: Result) -> None:
    shares = found.tables["shares"].set_index(["scenario", "skill", "measure"])
    bands, places = found.tables["bands"], found.tables["places"]
    assert len(shares) == 5 * len(MEASURES) * (1 + len(SKILLS) - len(found.summary["not_taught"]))
    for key, of in bands.groupby(["scenario", "skill", "measure"]):
        row = shares.loc[key]
        assert of["band"].tolist() == list(BANDS)
        for name, within in (("first", "within_hour"), ("second", "second_within_hour")):
            assert of[name].sum() == pytest.approx(row["total"])
            assert of[name].iloc[:-1].sum() == pytest.approx(row[within])
    some = places[(places["scenario"] == "peak") & (places["measure"] == "area")]
    upper = (*BAND_LIMITS_S, np.inf)
    lower = (-1.0, *BAND_LIMITS_S)
    for band, low, high in zip(BANDS, lower, upper, strict=True):
        within = (some["any_first_s"] > low) & (some["any_first_s"] <= high)
        row = bands[(bands["scenario"] == "peak") & (bands["skill"] == "any") & (bands["measure"] == "area")]
        assert row.loc[row["band"] == band, "first"].item() == pytest.approx(some.loc[within, "amount"].sum())


def test_area_is_the_whole_district(demo: District, found: Result) -> None:
    boundary = demo.view().frame("boundary").to_crs(demo.epsg).union_all().area / 1e6
    totals = found.tables["shares"].query("measure == 'area'")["total"]
    assert totals.to_numpy() == pytest.approx(boundary)


def test_scenarios_differ_as_they_should(found: Result) -> None:
    times = (
        found.tables["places"].query("measure == 'persons'").pivot(index="id", columns="scenario", values="any_first_s")
    )
    assert (times["peak"] >= times["off_peak"]).all()
    assert (times["heavy_rain"] >= times["off_peak"]).all()
    assert (times["bridge_out"] >= times["off_peak"]).all()
    assert (times["bridge_out"] > times["off_peak"]).any()
    assert (times["heavy_rain"] > times["off_peak"]).mean() > 0.9


def test_it_is_kept_shown_and_compared(demo: District, found: Result) -> None:
    save(demo, found, made_utc=DEMO_NOW, made_by="test")
    record, back = load(demo, "scenarios", "示意")
    assert record.stale(demo.view()) == []
    for name, table in found.tables.items():
        pd.testing.assert_frame_equal(back.tables[name], table)
    shown = query.read(demo, "whatif_scenarios", role="dispatcher")
    assert shown.source == "推演“示意” (test)"
    assert shown.count == len(demo.view().frame("village"))
    village = coverage(demo, view=under(demo.view(), shipped_scenarios()["peak"], DEMO_NOW), at=DEMO_NOW).table
    assert shown.frame["peak_s"].tolist() == village["total_s"].fillna(np.inf).tolist()
    worst = shown.frame[[f"{name}_s" for name in shipped_scenarios()]].max(axis=1)
    assert shown.frame["worst_s"].tolist() == worst.tolist()
    other = run_scenarios(demo, "两个", scenarios=[scenario_by_id("peak"), scenario_by_id("night")], at=DEMO_NOW)
    changed = difference(found.tables["shares"], other.tables["shares"], keys=found.keys["shares"])
    assert set(changed["change"]) == {"lost"}
    assert set(changed["scenario"]) == {"off_peak", "heavy_rain", "bridge_out"}
    text = "\n".join(scenario_lines(back))
    assert "night: persons" in text
    assert "weakest: communications" in text


def test_which_scenarios_is_checked(town: District) -> None:
    with pytest.raises(InputError, match="each once"):
        run_scenarios(town, "x", scenarios=[AS_IT_IS, AS_IT_IS])
    with pytest.raises(InputError, match="at least one"):
        run_scenarios(town, "x", scenarios=[])
    alone = run_scenarios(town, "x", scenarios=[AS_IT_IS], at=NOW)
    persons = alone.tables["shares"].query("skill == 'any' and measure == 'persons'").iloc[0]
    assert (persons["total"], persons["within_hour"]) == (3030, 3000)
    assert alone.summary["scenarios"][0]["weakest_skill"] in {"firefighting", "collapse", "water_rescue", "flood"}


# -- coverage from one scenario to another ------------------------------------------------------------


@pytest.mark.parametrize("name", ["heavy_rain", "bridge_out", "night"])
def test_the_difference_equals_two_full_runs(demo: District, name: str) -> None:
    """The oracle: two districts of their own, each of which knows one scenario only, and a loop over the rows."""
    scenario = shipped_scenarios()[name]
    answer = scenario_coverage(demo, scenario, compare=AS_IT_IS, at=DEMO_NOW, limit_s=900.0)
    assert answer.change is not None
    sides = []
    for of in (AS_IT_IS, scenario):
        alone = District(demo.store, clock=lambda: DEMO_NOW)
        sides.append(coverage(alone, view=under(alone.view(), of, DEMO_NOW), at=DEMO_NOW, limit_s=900.0).table)
    old, new = (side.set_index("id") for side in sides)
    lost = {i for i in old.index if old.loc[i, "covered"] and not new.loc[i, "covered"]}
    gained = {i for i in old.index if new.loc[i, "covered"] and not old.loc[i, "covered"]}
    rows = answer.change.table.set_index("id")
    assert set(rows.index[rows["change"] == "lost"]) == lost
    assert set(rows.index[rows["change"] == "gained"]) == gained
    moved = {
        i
        for i in old.index
        if old.loc[i, "total_s"] != new.loc[i, "total_s"] and old.loc[i, "total_s"] == old.loc[i, "total_s"]
    }
    assert {i for i in rows.index if np.isfinite(rows.loc[i, "total_old_s"])} == moved
    for i in rows.index:
        if np.isfinite(rows.loc[i, "change_s"]):
            assert rows.loc[i, "change_s"] == pytest.approx(new.loc[i, "total_s"] - old.loc[i, "total_s"], abs=1e-9)
    if name == "heavy_rain":
        assert lost
    found = answer.to_json()["difference"]
    json.dumps(found, allow_nan=False)
    assert found["totals"]["lost_places"] == len(lost)


def test_a_file_of_closures_is_read_as_an_import_would_and_not_written(own_town: District, tmp_path: Path) -> None:
    path = tmp_path / "closed.geojson"
    feature = {
        "type": "Feature",
        "properties": {"id": "x", "reason": "洪水", "from": "2026-07-01T09:00", "factor": 0},
        "geometry": {"type": "LineString", "coordinates": [lonlat(2.5, 0.9), lonlat(2.5, 1.1)]},
    }
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}), encoding="utf-8")
    revision = own_town.store.revision()
    closures = closures_of_file(own_town, path)
    assert own_town.store.revision() == revision
    assert closures[0].reason == "洪水"
    assert closures[0].factor == 0.0
    drawn = with_closures(AS_IT_IS, closures)
    found = scenario_coverage(own_town, drawn, compare=AS_IT_IS, at=NOW)
    expected = scenario_coverage(
        own_town, Scenario("x", Text("x", "y"), closures=(Closure(line((2.5, 0.9), (2.5, 1.1))),)), at=NOW
    )
    pd.testing.assert_frame_equal(found.answer.table, expected.answer.table)
    assert found.change is not None
    assert found.change.table["id"].tolist() == ["v2"]
    text = "\n".join(change_lines(found))
    assert "lost: 1 places, 2,000 persons" in text
    assert "not reached at all any more: 1 places" in text
    path.write_text(
        json.dumps({"type": "FeatureCollection", "features": [{**feature, "properties": {}}]}), encoding="utf-8"
    )
    with pytest.raises(ImportRefused):
        closures_of_file(own_town, path)


def test_a_table_of_closures_needs_to_say_its_crs(town: District, tmp_path: Path) -> None:
    path = tmp_path / "closed.csv"
    lon, lat = lonlat(2.5, 1.0)
    path.write_text(f"id,reason,lon,lat\nx,修路,{lon:.6f},{lat:.6f}\n", encoding="utf-8")
    with pytest.raises(ImportRefused, match="--crs"):
        closures_of_file(town, path)
    (closure,) = closures_of_file(town, path, crs="EPSG:4326")
    assert closure.where.distance(shapely.Point(lon, lat)) < 1e-6


def test_what_is_asked_is_checked_field_by_field(town: District) -> None:
    view = town.view()
    point = {"type": "Point", "coordinates": list(lonlat(1, 1))}
    lon, lat = lonlat(1, 1)
    found = asked_scenario(
        view,
        {
            "scenario": "peak",
            "closures": [{"geometry": point, "factor": 0.4}, {"raster": "flood"}],
            "teams_out": ["t1"],
            "sites": [{"id": "n", "name": "新", "lon": lon, "lat": lat}],
        },
    )
    assert (found.hour, found.teams_out, found.sites[0].id) == (8, ("t1",), "n")
    assert [closure.where for closure in found.closures][1] == "flood:flood"
    for body, said in (
        ({"scenario": "weekend"}, "scenario=weekend: expected one of as_it_is, off_peak"),
        ({"closures": [{}]}, "closures 1: expected one of geometry, raster"),
        ({"closures": [{"geometry": point, "from": NOW.isoformat(), "to": NOW.isoformat()}]}, "after from"),
        ({"closures": [{"raster": "x"}] * 201}, "201 of them"),
        ({"sites": [{"id": "n", "name": "n", "lon": 181, "lat": 0}]}, "sites 1.lon=181"),
    ):
        with pytest.raises(InputError, match=said):
            asked_scenario(view, body)
    assert named_scenario("as_it_is") is AS_IT_IS
