"""Scenarios and closures over HTTP, on plain pages and on the command line."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from data.settings import Settings
from data.store import Store
from layers.district import District
from layers.whatif.coverage import scenario_coverage
from layers.whatif.saved import records
from layers.whatif.scenario import AS_IT_IS, shipped_scenarios
from tests.layers.conftest import NOW, lonlat
from tests.web.conftest import browser
from tests.web.test_cli import Onemap, onemap, told
from web import create_app

__all__ = ["onemap"]

AT = "2026-07-01T10:00+08:00"
BRIDGE = {"type": "LineString", "coordinates": [list(lonlat(2.5, 0.9)), list(lonlat(2.5, 1.1))]}
KEY = {"Idempotency-Key": "0123456789abcdef0123"}


@pytest.fixture
def own_app(own_town: District) -> Flask:
    app = create_app(Settings(), "", district=own_town)
    app.testing = False
    return app


def post(app: Flask, path: str, body: Any, role: Any = "dispatcher", **more: Any) -> Any:
    return browser(app, role).post(f"/api/v1/{path}", json=body, **more)


# -- the API ------------------------------------------------------------------------------------------


def test_coverage_under_a_scenario_and_beside_another(own_app: Flask, own_town: District) -> None:
    client = browser(own_app, "viewer")
    found = client.get(
        "/api/v1/coverage", query_string={"at": AT, "scenario": "bridge_out", "compare": "as_it_is"}
    ).get_json()
    expected = scenario_coverage(own_town, shipped_scenarios()["bridge_out"], compare=AS_IT_IS, at=NOW)
    assert expected.change is not None
    assert found["difference"]["totals"] == expected.change.totals()
    assert found["difference"]["totals"]["lost_persons"] == 2000
    assert [row["id"] for row in found["difference"]["places"]] == ["v2"]
    assert found["scenario"]["id"] == "bridge_out"
    plain = client.get("/api/v1/coverage", query_string={"at": AT}).get_json()
    assert "difference" not in plain
    assert plain["totals"]["covered_persons"] == 3000
    refused = client.get("/api/v1/coverage", query_string={"scenario": "/etc/passwd"})
    assert refused.status_code == 422


def test_coverage_with_a_closure_of_ones_own(own_app: Flask) -> None:
    body = {"at": AT, "closures": [{"geometry": BRIDGE}], "compare": "as_it_is"}
    found = post(own_app, "whatif/coverage", body).get_json()
    assert [(row["id"], row["change"]) for row in found["difference"]["places"]] == [("v2", "lost")]
    assert found["difference"]["places"][0]["total_new_s"] is None
    lost = post(own_app, "whatif/coverage", {"at": AT, "teams_out": ["t1"], "compare": "as_it_is"}).get_json()
    assert lost["difference"]["totals"]["slower_places"] > 0
    lon, lat = lonlat(5, 1)
    site = {"id": "n1", "name": "新站", "lon": lon, "lat": lat, "type": "fire"}
    gained = post(own_app, "whatif/coverage", {"at": AT, "sites": [site], "compare": "as_it_is"}).get_json()
    assert [row["team_new"] for row in gained["difference"]["places"]] == ["n1"]
    for wrong, said in (
        ({"closures": [{}]}, "closures 1"),
        ({"closures": [{"geometry": BRIDGE, "factor": 1.01}]}, "closures 1: factor=1.01: expected 0 (closed) to 1"),
        ({"sites": [{**site, "lon": 0, "lat": 0}]}, "outside the district's extent"),
        ({"at": "soon"}, "at=soon"),
        ({"scenario": "x"}, "scenario=x"),
        ({"teams_out": ["t9"]}, "t9"),
        ({"nonsense": 1}, "nonsense is not known"),
    ):
        answer = post(own_app, "whatif/coverage", wrong)
        assert answer.status_code == 422
        assert said in answer.get_json()["detail"]
    assert post(own_app, "whatif/coverage", {}, role="viewer").status_code == 403


def test_scenarios_are_told_with_their_sources_and_saved(own_app: Flask, own_town: District) -> None:
    client = browser(own_app, "planner")
    told_ = client.get("/api/v1/whatif/scenarios").get_json()
    assert [row["id"] for row in told_] == list(shipped_scenarios())
    assert all(row["sources"]["hour"] for row in told_)
    body = {"name": "夏天", "scenarios": ["peak", "bridge_out"], "at": AT}
    made = post(own_app, "whatif/scenarios", body, role="planner")
    assert made.status_code == 201
    assert [row["scenario"] for row in made.get_json()["summary"]["scenarios"]] == ["peak", "bridge_out"]
    again = post(own_app, "whatif/scenarios", body, role="planner")
    assert again.status_code == 201
    other = post(own_app, "whatif/scenarios", {**body, "scenarios": ["peak"]}, role="planner")
    assert other.status_code == 409
    replaced = post(own_app, "whatif/scenarios", {**body, "scenarios": ["peak"], "replace": True}, role="planner")
    assert replaced.status_code == 201
    assert len(records(own_town, "scenarios")) == 1
    assert records(own_town)[0].made_by == "test-planner"
    listed = client.get("/api/v1/whatif/results").get_json()
    assert [(row["kind"], row["name"]) for row in listed] == [("scenarios", "夏天")]
    rows = client.get("/api/v1/layers/whatif_scenarios.geojson").get_json()
    assert {row["properties"]["id"] for row in rows["features"]} == {"v1", "v2", "v3"}
    assert post(own_app, "whatif/scenarios", body, role="viewer").status_code == 403


def test_a_layer_of_a_saved_result_is_never_an_old_one(own_app: Flask, own_town: District) -> None:
    """Another process saves; nothing is committed to the database by that."""
    from layers.whatif.saved import save
    from layers.whatif.scenarios import run_scenarios

    client = browser(own_app, "planner")
    url = "/api/v1/layers/whatif_scenarios.geojson"
    assert client.get(url).get_json()["features"] == []
    save(own_town, run_scenarios(own_town, "甲", at=NOW), made_utc=NOW, made_by="test")
    assert len(client.get(url).get_json()["features"]) == 3


def test_a_road_is_closed_and_opened(own_app: Flask, own_town: District) -> None:
    body = {"reason": "事故", "geometry": BRIDGE}
    assert post(own_app, "closures", body).status_code == 422, "without a key"
    made = post(own_app, "closures", body, headers=KEY)
    assert made.status_code == 201
    assert made.get_json()["closed_m"] == pytest.approx(1000, abs=1)
    assert post(own_app, "closures", body, headers=KEY).get_json() == made.get_json()
    client = browser(own_app, "viewer")
    assert client.get("/api/v1/coverage").get_json()["totals"]["covered_persons"] == 1000
    ended = post(own_app, f"closures/{made.get_json()['id']}/end", {}, headers={"Idempotency-Key": "f" * 20})
    assert ended.status_code == 200
    assert client.get("/api/v1/coverage").get_json()["totals"]["covered_persons"] == 3000
    assert post(own_app, "closures/none/end", {}, headers={"Idempotency-Key": "e" * 20}).status_code == 404
    assert post(own_app, "closures", body, role="keeper", headers=KEY).status_code == 403


# -- the pages ----------------------------------------------------------------------------------------


def form(page: str, action: str) -> dict[str, str]:
    """The hidden fields of the form that goes to an address."""
    part = page.split(f'action="{action}"')[1].split("</form>")[0]
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', part))
    return {name: value for name, value in fields.items() if name != "csrf_token"}


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_pages_are_in_one_language(own_app: Flask, lang: str) -> None:
    client = browser(own_app, "dispatcher")
    for path in ("/whatif", "/whatif/coverage?scenario=bridge_out", "/whatif/closures"):
        page = client.get(path, query_string={"lang": lang} if "?" not in path else None)
        assert page.status_code == 200
        text = client.get(f"{path}{'&' if '?' in path else '?'}lang={lang}").get_data(as_text=True)
        heads = re.findall(r"<(?:h1|h2|th scope=\"col\"|label|button)[^>]*>([^<]+)<", text)
        assert heads
        chinese = [head for head in heads if re.search(r"[\u4e00-\u9fff]", head)]
        assert bool(chinese) is (lang == "zh"), (path, chinese)


def test_scenarios_are_run_from_the_page_and_read_on_it(own_app: Flask, own_town: District) -> None:
    client = browser(own_app, "planner")
    page = client.get("/whatif").get_data(as_text=True)
    fields = form(page, "/whatif/scenarios")
    empty = client.post("/whatif/scenarios", data={**fields, "name": ""})
    assert empty.status_code == 422
    assert "至少选一个情景" in empty.get_data(as_text=True)
    sent = {**fields, "name": "页面", "scenario": ["peak", "night"], "at": "2026-07-01T10:00"}
    assert client.post("/whatif/scenarios", data=sent).status_code == 303
    assert [record.name for record in records(own_town)] == ["页面"]
    taken = client.post("/whatif/scenarios", data={**sent, "scenario": ["peak"]})
    assert taken.status_code == 409
    assert "名称“页面”已有别的结果" in taken.get_data(as_text=True)
    found = client.get("/whatif/result?kind=scenarios&name=页面").get_data(as_text=True)
    assert "高峰" in found
    assert "99.01%" in found, "3000 of 3030 persons"
    proof = client.get("/whatif/table.csv?kind=scenarios&name=页面&table=shares")
    assert proof.mimetype == "text/csv"
    assert proof.get_data(as_text=True).splitlines()[1].lstrip("\ufeff").startswith("peak,any,persons,人,3030,3000,")
    assert client.get("/whatif/result?kind=scenarios").status_code == 422
    assert client.get("/whatif/result?kind=scenarios&name=none").status_code == 404
    other = {**sent, "name": "另一", "scenario": ["peak"]}
    assert client.post("/whatif/scenarios", data=other).status_code == 303
    differs = client.get("/whatif/difference?kind=scenarios&old=页面&new=另一&table=shares").get_data(as_text=True)
    assert "夜间" in differs
    assert "不再有" in differs


def test_roads_are_closed_and_opened_from_the_page(own_app: Flask, own_town: District) -> None:
    client = browser(own_app, "dispatcher")
    fields = form(client.get("/whatif/closures").get_data(as_text=True), "/whatif/closures")
    lon, lat = lonlat(2.5, 1.0)
    for wrong, said in (
        ({"place": "here"}, "看不懂"),
        ({"place": ""}, "只能填一个"),
        ({"place": "120.0,10.0"}, "不在本区范围内"),
        ({"place": f"{lon},{lat}", "to": "2026-06-01T10:00"}, "晚于开始时间"),
        ({"place": f"{lon},{lat}", "factor": "100"}, "0 到 99"),
        ({"place": f"{lon},{lat}", "reason": ""}, "没有填"),
    ):
        refused = client.post("/whatif/closures", data={**fields, "reason": "事故", **wrong})
        assert refused.status_code == 422
        assert said in refused.get_data(as_text=True)
    assert len(own_town.store.frame("closure")) == 1
    sent = {**fields, "reason": "事故<b>", "place": f"{lon},{lat}", "factor": "0"}
    assert client.post("/whatif/closures", data=sent).status_code == 303
    page = client.get("/whatif/closures").get_data(as_text=True)
    assert "事故&lt;b&gt;" in page
    made = own_town.store.frame("closure")["id"].iloc[-1]
    ends = re.findall(r'<form method="post" action="/whatif/closures/end">(.*?)</form>', page, re.S)
    assert len(ends) == 2
    key = re.findall(r'name="key" value="([^"]*)"', ends[-1])[0]
    done = client.post("/whatif/closures/end", data={"key": key, "closure": made})
    assert done.status_code == 303
    assert made not in client.get("/whatif/closures").get_data(as_text=True)
    viewer = browser(own_app, "keeper")
    page = viewer.get("/whatif/closures").get_data(as_text=True)
    assert 'action="/whatif/closures"' not in page
    assert viewer.post("/whatif/closures", data=sent).status_code == 403


# -- the command line ---------------------------------------------------------------------------------


def test_the_command_line_says_what_the_api_says(db: str, onemap: Onemap, tmp_path: Path) -> None:
    path = tmp_path / "bridge.geojson"
    feature = {"type": "Feature", "properties": {"id": "x", "reason": "桥"}, "geometry": BRIDGE}
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}), encoding="utf-8")
    asked = ("coverage", "--db", db, "--at", AT, "--closure", str(path), "--compare", "as_it_is")
    found = json.loads(onemap(*asked, "--json").stdout)
    with Store(db) as store:
        app = create_app(Settings(), "", district=District(store, clock=lambda: NOW))
        body = {"at": AT, "closures": [{"geometry": BRIDGE}], "compare": "as_it_is"}
        api = post(app, "whatif/coverage", body).get_json()
    assert found["difference"]["places"] == api["difference"]["places"]
    assert found["places"] == api["places"]
    text = onemap(*asked).stdout.decode()
    assert "lost: 1 places, 2,000 persons" in text
    assert "lost: v2 东村" in text
    wrong = onemap("coverage", "--db", db, "--closure", str(tmp_path / "none.geojson"))
    assert wrong.returncode == 2
    assert "there is no such file" in told(wrong)
    wrong = onemap("coverage", "--db", db, "--scenario", "weekend")
    assert wrong.returncode == 2
    assert "those that come along are off_peak" in told(wrong)


def test_scenarios_and_closures_on_the_command_line(db: str, onemap: Onemap, tmp_path: Path) -> None:
    done = onemap("whatif", "scenarios", "甲", "--db", db, "--at", AT)
    assert done.returncode == 0, told(done)
    assert "bridge_out: persons" in done.stdout.decode()
    assert onemap("whatif", "scenarios", "乙", "--scenario", "peak", "--db", db, "--at", AT).returncode == 0
    listed = onemap("whatif", "list", "--db", db).stdout.decode()
    assert [line.split()[1] for line in listed.splitlines()] == ["乙", "甲"] or "甲" in listed
    csv = onemap("whatif", "table", "scenarios", "甲", "shares", "--db", db).stdout.decode()
    assert csv.splitlines()[1].startswith("off_peak,any,persons,人,3030,3000,")
    differs = onemap("whatif", "difference", "scenarios", "甲", "乙", "--table", "shares", "--db", db)
    assert "rows of 'shares' differ" in differs.stdout.decode()
    assert onemap("whatif", "delete", "scenarios", "乙", "--db", db).returncode == 0
    assert onemap("whatif", "delete", "scenarios", "乙", "--db", db).returncode == 2
    lon, lat = lonlat(2.5, 1.0)
    made = json.loads(
        onemap("closure", "add", "--at-place", f"{lon},{lat}", "--reason", "桥", "--db", db, "--json").stdout
    )
    assert made["closed_m"] == pytest.approx(1000, abs=1)
    stale = onemap("whatif", "list", "--db", db).stdout.decode()
    assert "changed since: closure" in stale
    assert f"{made['id']}  now" in onemap("closure", "list", "--db", db).stdout.decode()
    assert onemap("closure", "end", made["id"], "--db", db).returncode == 0
    assert f"{made['id']}  over" in onemap("closure", "list", "--db", db).stdout.decode()
    both = onemap("closure", "add", "--reason", "x", "--db", db)
    assert both.returncode == 2
    assert "expected one of the three" in told(both)
    path = tmp_path / "bridge.json"
    path.write_text(json.dumps(BRIDGE), encoding="utf-8")
    assert onemap("closure", "add", "--geojson", str(path), "--reason", "桥", "--db", db).returncode == 0
    path.write_text("{", encoding="utf-8")
    assert onemap("closure", "add", "--geojson", str(path), "--reason", "桥", "--db", db).returncode == 2
