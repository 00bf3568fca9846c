"""N-1 of a district: by hand in the town, against scenarios that close each link, stopped, killed and resumed."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import shapely

from geo.errors import Cancelled, Conflict, InputError, NotFound
from geo.links import road_links
from layers import query
from layers.analyses import coverage
from layers.district import Assumed, District
from layers.layer import Text
from layers.whatif.answers import compared_results, result_list, saved_result
from layers.whatif.criticality import KIND, Asked, _link_ids, n_minus_1, n_minus_1_lines
from layers.whatif.roads import road_tags
from layers.whatif.saved import Result, difference, folder, save
from layers.whatif.scenario import Closure, Scenario, Site, under
from tests.layers.conftest import DEMO_NOW, NOW, STAMP, line, lonlat

ROOT = Path(__file__).resolve().parents[3]


def asked(**parts: Any) -> Asked:
    return Asked(**{"at": NOW, **parts})


def row(table: pd.DataFrame, **keys: Any) -> dict[str, Any]:
    found = table
    for key, value in keys.items():
        found = found[found[key] == value]
    assert len(found) == 1, found
    rows: list[dict[str, Any]] = found.to_dict("records")
    return rows[0]


# -- what it rests on ------------------------------------------------------------------------------


def test_a_run_rests_on_the_water_that_closes_its_roads(town: District) -> None:
    """A raster that is imported anew makes another run, which one that was stopped does not go on with."""
    wet = Scenario("wet", Text("积水", "wet"), closures=(Closure("waterlogging_spots"), Closure("busiest_bridge")))
    assert set(n_minus_1(town, "桥", asked()).seqs) == {"road", "closure", "raster", "team", "village", "street"}
    assert "waterlogging_spot" in n_minus_1(town, "桥", asked(scenario=wet)).seqs


# -- the town ---------------------------------------------------------------------------------------


def test_the_town_hangs_on_its_bridge(town: District) -> None:
    found = n_minus_1(town, "桥", asked())
    table = found.tables["links"]
    bridge = row(table, is_bridge=True)
    assert (bridge["name"], bridge["rank"], bridge["lost_beyond_persons"], bridge["cut_persons"]) == (
        "1号路", 1, 2000, 2000
    )  # fmt: skip
    assert bridge["used_by_persons"] == 2000
    assert table["lost_beyond_persons"].tolist() == sorted(table["lost_beyond_persons"], reverse=True)
    assert found.summary["bridges"] == found.summary["bridges_in_use"] == found.summary["bridges_with_loss"] == 1
    proof = row(found.tables["link_places"], link=bridge["link"])
    before = coverage(town, at=NOW).table.set_index("id")
    assert proof["place_id"] == "v2"
    assert (proof["before_s"], proof["team_before"]) == tuple(before.loc["v2", ["total_s", "team_id"]])
    assert (proof["outcome"], proof["was_within"], proof["team_after"]) == ("cut", True, None)
    assert np.isnan(proof["after_s"])
    lonely = found.tables["villages_on_one_road"]
    assert row(lonely, place_id="v2", link=bridge["link"])["is_bridge"]
    assert set(found.layers["villages_on_one_road"].set_index("id")["hangs"].items()) >= {("v2", "cut")}
    beyond = found.tables["link_places"].query("not on_link")["link"]
    assert set(found.layers["critical_links"]["id"]) == set(beyond) < set(found.tables["link_places"]["link"])
    shown = found.layers["critical_links"].iloc[0]
    assert (shown["id"], shown["lost_beyond_persons"], shown["limit_min"]) == (bridge["link"], 2000, 60.0)
    assert shapely.hausdorff_distance(shown.geometry, line((2, 1), (3, 1))) < 1e-6


def test_teams_are_ranked_by_what_goes_without_them(town: District) -> None:
    found = n_minus_1(town, "队", asked(skill="firefighting"))
    assert found.summary["teams"] == 1
    only = row(found.tables["teams"], team_id="t1")
    assert (only["first_for_persons"], only["lost_persons"], only["cut_persons"]) == (3000, 3000, 3000)
    assert found.tables["team_places"]["place_id"].tolist() == ["v1", "v2"]
    every = n_minus_1(town, "队", asked())
    assert set(every.tables["teams"]["team_id"]) == {"t1", "t3"}  # t2 is not on duty at ten


def test_every_figure_is_that_of_a_coverage_with_the_link_closed(demo: District) -> None:
    found = n_minus_1(demo, "演示", asked(at=DEMO_NOW, limit_s=900.0, busiest=60))
    view, table = demo.view(), found.tables["links"]
    assert found.summary["bridges"] > 0
    assert 0 < found.summary["bridges_in_use"] <= found.summary["bridges"] == int(table["is_bridge"].sum())
    assert 60 <= found.summary["links_recounted"] < found.summary["links_in_use"]
    links = road_links(view.network, names=road_tags(view)["name"].tolist())
    number = {name: k for k, name in enumerate(_link_ids(view, links, road_tags(view)["id"]))}
    assert len(number) == len(links)
    before = coverage(demo, at=DEMO_NOW, limit_s=900.0).table
    assert found.summary["covered_persons"] == before["persons"][before["covered"]].sum()
    used = table[table["used_by_persons"] > 0]
    for one in [*used.head(5).to_dict("records"), *used[used["is_bridge"]].tail(5).to_dict("records")]:
        factor = (links.edge_link != number[one["link"]]).astype(float)
        closed = view.assuming(Assumed(f"without {one['link']}", edge_factor=factor), {})
        after = coverage(demo, at=DEMO_NOW, limit_s=900.0, view=closed).table
        lost = before["covered"] & ~after["covered"]
        cut = before["team_id"].notna() & after["team_id"].isna()
        assert before["persons"][lost].sum() == one["lost_persons"]
        assert before["persons"][cut].sum() == one["cut_persons"]
        later_s = (after["total_s"] - before["total_s"]) * before["persons"]
        assert later_s.sum() / 60.0 == pytest.approx(one["delay_person_min"], abs=0.051)
        proof = found.tables["link_places"].query("link == @one['link']").set_index("place_id")
        assert set(proof.index) == set(before["id"][lost | cut])
        again = after.set_index("id").loc[proof.index]
        pd.testing.assert_series_equal(proof["after_s"], again["total_s"], check_names=False, check_index_type=False)
        assert proof["team_after"].tolist() == again["team_id"].tolist()


def test_every_team_is_that_of_a_scenario_without_it(demo: District) -> None:
    found = n_minus_1(demo, "演示", asked(at=DEMO_NOW, limit_s=900.0, busiest=1))
    before = coverage(demo, at=DEMO_NOW, limit_s=900.0).table
    assert (found.tables["teams"]["lost_persons"] > 0).any()
    for one in found.tables["teams"].head(3).to_dict("records"):
        without = under(demo.view(), Scenario("x", Text("x", "x"), teams_out=(one["team_id"],)), DEMO_NOW)
        after = coverage(demo, at=DEMO_NOW, limit_s=900.0, view=without).table
        assert before["persons"][before["covered"] & ~after["covered"]].sum() == one["lost_persons"]


def test_a_scenario_holds_while_each_link_is_out(town: District) -> None:
    closed = Scenario("closed", Text("断桥", "no bridge"), closures=(Closure(line((2.5, 0.9), (2.5, 1.1))),))
    found = n_minus_1(town, "断桥", asked(scenario=closed))
    bridge = row(found.tables["links"], is_bridge=True)
    assert (bridge["used_by_persons"], bridge["lost_persons"], bridge["cut_persons"]) == (0, 0, 0)
    assert found.summary["bridges_in_use"] == 0
    assert found.summary["covered_persons"] == 1000
    lon, lat = lonlat(5.0, 0.0)
    site = Scenario("site", Text("新站", "a site"), sites=(Site("new", "新站", lon, lat, type="fire"),))
    mended = n_minus_1(town, "新站", asked(scenario=site))
    assert row(mended.tables["links"], is_bridge=True)["lost_persons"] == 0
    assert row(mended.tables["teams"], team_id="new")["first_for_persons"] == 2000


def test_nobody_on_duty_is_no_error(own_town: District) -> None:
    found = n_minus_1(own_town, "无", asked(skill="medical"))
    assert (found.summary["teams"], found.summary["links_in_use"], found.summary["covered_persons"]) == (0, 0, 0)
    assert found.summary["links_recounted"] == 1  # every bridge
    assert found.tables["links"]["lost_persons"].tolist() == [0]
    assert len(found.layers["critical_links"]) == len(found.layers["villages_on_one_road"]) == 0
    save(own_town, found, made_utc=NOW, made_by="test")
    assert query.read(own_town, "critical_links", role="planner", at=NOW).count == 0


@pytest.mark.parametrize("busiest", [0, -1])
def test_a_number_of_links_that_is_none(busiest: int) -> None:
    with pytest.raises(InputError, match=f"busiest={busiest}: expected 1 or more"):
        asked(busiest=busiest)


# -- saved, shown, compared --------------------------------------------------------------------------


def test_a_saved_result_is_shown_and_compared(own_town: District) -> None:
    one = n_minus_1(own_town, "现状", asked())
    lon, lat = lonlat(5.0, 0.0)
    site = Scenario("site", Text("新站", "a site"), sites=(Site("new", "新站", lon, lat, type="fire"),))
    other = n_minus_1(own_town, "加站", asked(scenario=site))
    save(own_town, other, made_utc=NOW, made_by="test")
    save(own_town, one, made_utc=NOW.replace(minute=1), made_by="test")
    links = query.read(own_town, "critical_links", role="planner", at=NOW)
    assert links.frame["lost_beyond_persons"].max() == 2000
    assert "现状" in links.source
    villages = query.read(own_town, "villages_on_one_road", role="dispatcher", at=NOW)
    assert "东村" in villages.frame["name"].tolist()
    with pytest.raises(NotFound):
        query.read(own_town, "critical_links", role="viewer", at=NOW)
    assert [item["name"] for item in result_list(own_town, KIND)] == ["现状", "加站"]
    told = saved_result(own_town, KIND, "现状", table="links", limit=1)
    assert told["tables"]["links"] == told["count"] == len(one.tables["links"])
    assert told["truncated"]
    assert told["rows"][0]["name"] == "1号路"
    found = compared_results(own_town, KIND, "现状", "加站", table="links")
    assert found["asked_otherwise"] == ["scenario"]
    assert found["summary"]["most_lost_persons"] == {"old": 2000, "new": 0, "change": -2000}
    bridge = next(item for item in found["rows"] if item["is_bridge_old"])
    assert bridge["lost_persons_change"] == -2000
    assert found["count"] == len(difference(one.tables["links"], other.tables["links"], keys=("link",)))
    with pytest.raises(NotFound, match="table=nothing: the tables of '现状' are links"):
        saved_result(own_town, KIND, "现状", table="nothing")
    with pytest.raises(InputError, match="limit=20001"):
        saved_result(own_town, KIND, "现状", table="links", limit=20_001)
    lines = list(n_minus_1_lines(one))
    assert "3,000 of 3,030 persons by 2 teams" in lines[0]
    assert any(
        "1号路 (between 2号街 and 3号街) (bridge)" in text and "2,000 persons lose the hour" in text for text in lines
    )


# -- stopped and resumed ------------------------------------------------------------------------------


def same(one: Result, other: Result) -> None:
    assert (one.id, one.summary) == (other.id, other.summary)
    for name, table in one.tables.items():
        pd.testing.assert_frame_equal(table, other.tables[name])
    for name, rows in one.layers.items():
        pd.testing.assert_frame_equal(rows, other.layers[name])


def test_a_stopped_run_goes_on_where_it_was(own_town: District) -> None:
    whole = n_minus_1(own_town, "甲", asked())
    seen: list[str] = []
    with pytest.raises(Cancelled, match=r"stopped after 4 of \d+ links"):
        n_minus_1(
            own_town, "甲", asked(), at_once=2, cancelled=lambda: len(seen) >= 3, progress=lambda t, s: seen.append(t)
        )
    later: list[str] = []
    # Resumed an hour later: it is still of the moment that was asked for.
    again = n_minus_1(
        own_town, "甲", asked(at=NOW.replace(hour=3)), resume=True, at_once=2, progress=lambda t, s: later.append(t)
    )
    same(whole, again)
    assert later[1].startswith("6 of ")
    assert not [path for path in folder(own_town).glob("**/*") if path.suffix in (".npz", ".run")]


def test_what_cannot_be_resumed_is_said(own_town: District) -> None:
    with pytest.raises(NotFound, match="no run to resume"):
        n_minus_1(own_town, "甲", asked(), resume=True)

    def stopped() -> None:
        with pytest.raises(Cancelled):
            n_minus_1(own_town, "甲", asked(), at_once=2, cancelled=lambda: True)

    stopped()
    with pytest.raises(Conflict, match="another one since"):
        n_minus_1(own_town, "甲", asked(limit_s=900.0), resume=True)
    with own_town.store.writing() as conn:
        team = own_town.view().frame("team").iloc[:1].assign(duty="08:00-09:00")
        own_town.store.upsert(conn, "team", team[["id", "name", "type", "duty", "geometry"]], **STAMP)
    with pytest.raises(Conflict, match="another one since"):
        n_minus_1(own_town, "甲", asked(), resume=True)
    stopped()  # begun anew, what was left is gone
    assert n_minus_1(own_town, "甲", asked(), resume=True).summary["links_recounted"] > 2


def test_one_run_of_a_name_at_a_time(own_town: District) -> None:
    def second(phase: str, share: float) -> None:
        with pytest.raises(Conflict, match="under way in another process"):
            n_minus_1(own_town, "甲", asked())

    assert n_minus_1(own_town, "甲", asked(), progress=second).summary["teams"] == 2


_KILLED = """
import os, signal, sys
from datetime import datetime
from data.store import Store
from layers.district import Assumed, District
from layers.whatif.criticality import Asked, n_minus_1

calls = []
def progress(phase, share):
    calls.append(phase)
    if len(calls) == 5:  # roads, then four pieces
        os.kill(os.getpid(), signal.SIGKILL)

district = District(Store(sys.argv[1]))
n_minus_1(district, "杀", Asked(datetime.fromisoformat(sys.argv[2]), limit_s=900.0), progress=progress, at_once=100)
"""


def test_a_killed_run_is_resumed_with_an_equal_result(demo: District) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _KILLED, str(demo.store.path), DEMO_NOW.isoformat()],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert ended.returncode == -signal.SIGKILL
    pieces = sorted(folder(demo).glob(".n_minus_1-*.run/piece-*.npz"))
    assert [path.name for path in pieces] == [f"piece-{k:06d}.npz" for k in range(4)]
    (pieces[0].parent / ".4.part").write_bytes(b"cut off in the middle of a piece")
    seen: list[str] = []
    at = DEMO_NOW.replace(hour=9)  # not asked: the moment of the run holds
    resumed = n_minus_1(
        demo, "杀", asked(at=at, limit_s=900.0), resume=True, progress=lambda text, share: seen.append(text)
    )
    assert seen[1].startswith("900 of ")  # 400 were kept, then a piece of 500
    whole = n_minus_1(demo, "整", asked(at=DEMO_NOW, limit_s=900.0))
    same(whole, replace(resumed, name="整"))
    assert datetime.fromisoformat(resumed.parameters["at"]) == DEMO_NOW
