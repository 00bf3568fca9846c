"""Sites for new teams: against a coverage for every choice, and against trying every one."""

import dataclasses
import itertools
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from geo.errors import ImportRefused, InputError, TooLarge
from layers import query
from layers.analyses import coverage
from layers.district import District
from layers.layer import Text
from layers.whatif.answers import compared_results
from layers.whatif.candidates import GRID, Candidates, candidate_sites
from layers.whatif.saved import save
from layers.whatif.scenario import AS_IT_IS, Closure, Scenario, Site, under
from layers.whatif.siting import KIND, Asked, site_teams, siting_lines
from tests.layers.conftest import DEMO_NOW, NOW, line, lonlat


def asked(**parts: Any) -> Asked:
    return Asked(**{"at": NOW, "limit_s": 700.0, "type": "fire", **parts})


def file_of(folder: Path, *rows: tuple[str, float, float, str]) -> Path:
    """A file of candidates: id, kilometres east and north, further cells."""
    path = folder / "candidates.csv"
    lines = ["编号,名称,经度,纬度,造价,可服务人数"]
    lines += [f"{i},点{i},{lonlat(x, y)[0]},{lonlat(x, y)[1]},{more}" for i, x, y, more in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def named(
    district: District, folder: Path, *rows: tuple[str, float, float, str], also: tuple[str, ...] = ()
) -> Candidates:
    """The candidates of such a file, and those of some tables."""
    return candidate_sites(district.view(), also, file=file_of(folder, *rows), crs="EPSG:4326")


# -- the town ---------------------------------------------------------------------------------------


def test_one_more_team_east_of_the_bridge(town: District, tmp_path: Path) -> None:
    candidates = named(town, tmp_path, ("a", 0, 1, ","), ("b", 5, 1, ","))
    found = site_teams(town, "东", asked(), candidates)
    assert found.tables["sites"]["id"].tolist() == ["file:b"]
    told = found.summary
    assert (told["covered_before"], told["covered_after"], told["gain_persons"]) == (1000, 3000, 2000)
    assert (told["teams_there"], told["is_optimal"], told["gap"]) == (2, True, 0.0)  # t2 is not on duty at ten
    row = found.tables["sites"].iloc[0]
    assert (row["added_persons"], row["lost_persons"], row["street"]) == (2000, 2000, "东街道")
    alone = found.tables["candidates"].set_index("id")["added_persons"]
    assert alone.to_dict() == {"file:a": 0, "file:b": 2000}
    curve = found.tables["curve"]
    assert curve[["new_sites", "persons"]].to_numpy().tolist() == [[0, 1000], [1, 3000]]
    assert curve["sites"].tolist() == ["", "file:b"]
    proof = found.tables["places"].set_index("id")
    assert (proof.loc["v2", "team_before"], proof.loc["v2", "team_after"]) == ("t1", "file:b")
    assert proof.loc["v2", ["covered_before", "covered_after"]].tolist() == [False, True]
    assert proof.loc["v3", ["reason_before", "reason_after"]].tolist() == ["no_road", "no_road"]
    assert told["no_site_persons"] == 30
    drawn = found.layers["new_sites"].set_index("id")["state"].to_dict()
    assert drawn == {"file:a": "candidate", "file:b": "chosen"}
    gain = found.layers["new_sites_gain"]
    assert gain[["id", "change", "team_new"]].to_numpy().tolist() == [["v2", "gained", "file:b"]]
    said = list(siting_lines(found))
    assert any("covered 1,000 -> 3,000 of 3,030 persons (+2,000)" in text for text in said)
    assert any("gained: v2" in text for text in said)
    assert any("reached from nowhere: 30" in text for text in said)


def test_a_closure_of_the_scenario_and_a_site_of_it_count(town: District, tmp_path: Path) -> None:
    candidates = named(town, tmp_path, ("a", 0, 1, ","), ("b", 5, 1, ","))
    cut = Scenario("cut", Text("断", "cut"), closures=(Closure(line((2.5, 0.9), (2.5, 1.1))),))
    hour = asked(limit_s=3600.0)
    assert site_teams(town, "x", hour, candidates).summary["gain_persons"] == 0
    found = site_teams(town, "x", dataclasses.replace(hour, scenario=cut), candidates)
    assert found.summary["covered_before"] == 1000
    assert found.tables["sites"]["id"].tolist() == ["file:b"]
    there = dataclasses.replace(cut, sites=(Site("new", "新站", *lonlat(5, 2), "fire"),))
    assert site_teams(town, "x", dataclasses.replace(hour, scenario=there), candidates).summary["teams_there"] == 3


def test_budget_capacity_and_fewest(town: District, tmp_path: Path) -> None:
    candidates = named(town, tmp_path, ("a", 0, 1, "3,"), ("b", 5, 1, "7,1500"), ("c", 4, 1, "9,"))
    found = site_teams(town, "x", asked(add=None, budget=7), candidates)
    assert found.tables["sites"][["id", "cost"]].to_numpy().tolist() == [["file:b", 7.0]]
    assert (found.summary["objective"], found.summary["new_cost"]) == (2500.0, 7)  # b serves 1,500 of 2,000
    dear = site_teams(town, "x", asked(add=None, budget=9), candidates)
    assert dear.tables["sites"]["id"].tolist() == ["file:c"]
    fewest = site_teams(town, "x", asked(add=None, model="fewest_sites"), candidates)
    assert fewest.tables["sites"]["id"].tolist() == ["file:c"]
    with pytest.raises(InputError, match="some candidates have no cost"):
        site_teams(town, "x", asked(add=None, budget=7), candidate_sites(town.view(), ["shelter"]))


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ({"model": "best"}, "model=best"),
        ({"add": 0}, "add=0"),
        ({"add": 31}, "add=31"),
        ({"budget": 5}, "exactly one"),
        ({"add": None}, "exactly one"),
        ({"model": "fewest_sites"}, "leave both out"),
        ({"type": "army"}, "type=army"),
        ({"skill": "magic"}, "skill=magic"),
        ({"places": "moon"}, "places=moon"),
        ({"turnout_s": -1.0}, "turnout_s=-1"),
        ({"add": 2}, "there are 3 candidates"),
    ],
)
def test_what_cannot_be_asked_is_refused(town: District, parts: dict[str, Any], says: str) -> None:
    candidates = candidate_sites(town.view(), ["shelter"])
    with pytest.raises(InputError, match=says):
        site_teams(town, "x", asked(**parts), candidates)


# -- candidates -------------------------------------------------------------------------------------


def test_buildings_grid_and_file_together(town: District, tmp_path: Path) -> None:
    view = town.view()
    found = named(town, tmp_path, ("a", 0, 0, ","), also=("shelter", "hospital"))
    assert found.table["id"].tolist() == ["shelter:s1", "hospital:h1", "file:a"]
    assert candidate_sites(view, ["enterprise"]).table["id"].tolist() == ["enterprise:e1"]  # e2 has no place
    grid = candidate_sites(view, [GRID], spacing_m=1000.0)
    assert (grid.snapped.access_m < 0.02).all()  # on the road, but for the last digit of degrees
    assert len(grid) == len(set(grid.table["id"])) > 10
    assert len(candidate_sites(view, [GRID], spacing_m=2000.0)) < len(grid)


@pytest.mark.parametrize(
    ("sources", "more", "says"),
    [
        (["school"], {}, "candidates=school"),
        (["shelter", "shelter"], {}, "each once"),
        ([], {}, "name some of"),
        ([GRID], {}, "a grid needs its spacing"),
        (["shelter"], {"spacing_m": 500.0}, "only a grid has one"),
        ([GRID], {"spacing_m": 99.9}, "expected 100 to 20000"),
        ([GRID], {"spacing_m": 20_000.1}, "expected 100 to 20000"),
    ],
)
def test_candidates_that_are_none_are_refused(
    town: District, sources: list[str], more: dict[str, Any], says: str
) -> None:
    with pytest.raises(InputError, match=says):
        candidate_sites(town.view(), sources, **more)


def test_too_many_candidates_and_a_bad_file_are_refused(town: District, demo: District, tmp_path: Path) -> None:
    with pytest.raises(TooLarge, match="a wider grid"):
        candidate_sites(demo.view(), [GRID], spacing_m=400.0)
    with pytest.raises(ImportRefused, match="expected each key once"):
        named(town, tmp_path, ("a", 0, 0, ","), ("a", 1, 0, ","))
    with pytest.raises(ImportRefused, match="--crs"):
        candidate_sites(town.view(), [], file=file_of(tmp_path, ("a", 0, 0, ",")))
    with pytest.raises(ImportRefused):
        named(town, tmp_path, ("a", 0, 0, "-1,"))


# -- the demo district ------------------------------------------------------------------------------


def some(demo: District, count: int) -> Candidates:
    """A few shelters, spread over the list."""
    every = candidate_sites(demo.view(), ["shelter"])
    at = np.linspace(0, len(every) - 1, count).astype(int)
    return Candidates(every.table.iloc[at].reset_index(drop=True), every.snapped.take(at))


def recounted(demo: District, at: datetime, candidates: Candidates, chosen: tuple[int, ...], limit_s: float) -> Any:
    """The coverage with these candidates as teams of a scenario."""
    rows = candidates.table.iloc[list(chosen)].to_dict("records")
    sites = tuple(Site(r["id"], r["name"], r["lon"], r["lat"], "fire") for r in rows)
    posed = under(demo.view(), dataclasses.replace(AS_IT_IS, sites=sites), at)
    return coverage(demo, at=at, limit_s=limit_s, view=posed)


def test_no_pair_of_the_demo_covers_more_by_its_own_coverage(demo: District) -> None:
    candidates = some(demo, 9)
    found = site_teams(demo, "x", asked(at=DEMO_NOW, limit_s=600.0, add=2), candidates)
    covered = {
        pair: recounted(demo, DEMO_NOW, candidates, pair, 600.0).result.totals()["covered_persons"]
        for pair in itertools.combinations(range(9), 2)
    }
    best = max(covered.values())
    assert found.summary["covered_after"] == found.summary["objective"] == best
    chosen = [candidates.table["id"].tolist().index(i) for i in found.tables["sites"]["id"]]
    assert covered[min(chosen), max(chosen)] == best
    before = coverage(demo, at=DEMO_NOW, limit_s=600.0).result.totals()["covered_persons"]
    assert found.summary["covered_before"] == before < best
    for row in found.tables["sites"].to_dict("records"):
        j = candidates.table["id"].tolist().index(row["id"])
        other = tuple(k for k in chosen if k != j)
        only = recounted(demo, DEMO_NOW, candidates, other, 600.0).result.totals()["covered_persons"]
        assert row["lost_persons"] == best - only
        alone = recounted(demo, DEMO_NOW, candidates, (j,), 600.0).result.totals()["covered_persons"]
        assert row["added_persons"] == alone - before
    point = found.tables["curve"].set_index("new_sites").loc[2]
    assert point["persons"] == best


def test_the_proof_is_the_coverage_before_and_after(demo: District) -> None:
    candidates = some(demo, 12)
    found = site_teams(demo, "x", asked(at=DEMO_NOW, limit_s=600.0, add=2, model="least_mean_time"), candidates)
    chosen = tuple(sorted(candidates.table["id"].tolist().index(i) for i in found.tables["sites"]["id"]))
    after = recounted(demo, DEMO_NOW, candidates, chosen, 600.0).table
    proof = found.tables["places"]
    pd.testing.assert_series_equal(proof["total_after_s"], after["total_s"], check_names=False)
    assert proof["team_after"].tolist() == after["team_id"].tolist()
    counted = after["persons"].where(after["total_s"].notna(), 0)
    mean_s = (after["total_s"].fillna(0) * counted).sum() / counted.sum()
    assert found.summary["mean_after_s"] == pytest.approx(mean_s) == pytest.approx(found.summary["objective"])
    worst = site_teams(demo, "x", asked(at=DEMO_NOW, limit_s=600.0, add=2, model="least_worst_time"), candidates)
    assert worst.summary["worst_after_s"] == pytest.approx(worst.summary["objective"])
    assert worst.summary["worst_after_s"] <= found.summary["worst_after_s"]
    assert found.summary["mean_after_s"] <= worst.summary["mean_after_s"]


def test_it_is_kept_shown_on_the_map_and_compared(own_town: District, tmp_path: Path) -> None:
    candidates = named(own_town, tmp_path, ("a", 0, 1, ","), ("b", 5, 1, ","), ("c", 4, 2, ","))
    one = site_teams(own_town, "一支", asked(), candidates)
    two = site_teams(own_town, "两支", asked(add=2), candidates)
    for result in (one, two):
        save(own_town, result, made_utc=NOW, made_by="test")
    assert one.id != two.id
    again = site_teams(own_town, "一支", asked(), candidates)
    assert again.id == one.id
    frame = query.read(own_town, "new_sites", role="planner", at=NOW).frame
    assert set(frame["id"]) == {"file:a", "file:b", "file:c"}
    difference = compared_results(own_town, KIND, "一支", "两支", table="sites")
    assert "add" in difference["asked_otherwise"]
    assert difference["summary"]["new_sites"] == {"old": 1, "new": 2, "change": 1}
    assert difference["count"] >= 1
