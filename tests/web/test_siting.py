"""Siting and stocking over HTTP, on plain pages and on the command line: one answer everywhere."""

import html
import io
import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
from flask import Flask

from data.settings import Settings
from geo.errors import Cancelled, Conflict, NotFound
from layers.actions.accounts import COMMAND_LINE
from layers.actions.whatif import keep
from layers.district import District
from layers.whatif import siting, stocking
from layers.whatif.candidates import candidate_sites
from layers.whatif.saved import load, records
from layers.whatif.siting import MAX_ADDED, site_teams
from layers.whatif.stocking import StockItem, stock_depots
from tests.layers.conftest import NOW, lonlat
from tests.web.conftest import browser
from tests.web.test_cli import Onemap, onemap, told
from tests.web.test_scenarios import form
from web import create_app
from web.jobs import Jobs

__all__ = ["onemap"]

AT = "2026-07-01T10:00+08:00"
WEST, EAST = lonlat(0, 1), lonlat(5, 1)
OWN = [
    {"id": "a", "name": "西", "lon": WEST[0], "lat": WEST[1], "cost": 3, "capacity": 500},
    {"id": "b", "name": "东", "lon": EAST[0], "lat": EAST[1], "cost": 5, "capacity": 500},
]
SITES = {"name": "甲", "at": AT, "limit_s": 700, "type": "fire", "own_candidates": OWN}
PACKS = {"item_id": "quilt", "units": 10, "volume_m3": 0.5, "price": 99.5}
STOCK = {
    "name": "甲",
    "at": AT,
    "budget": 1_000,
    "items": [PACKS],
    "needs": [{"village_id": "v1", "item_id": "quilt", "quantity": 300}],
}


@pytest.fixture
def own_app(own_town: District) -> Flask:
    app = create_app(Settings(), "", district=own_town)
    app.testing = False
    return app


def post(app: Flask, path: str, body: Any, role: Any = "dispatcher") -> Any:
    return browser(app, role).post(f"/api/v1/whatif/{path}", json=body)


def ended(app: Flask, job: str) -> dict[str, Any]:
    for _ in range(600):
        found: dict[str, Any] = browser(app, "dispatcher").get(f"/api/v1/whatif/jobs/{job}").get_json()
        if found["state"] != "running":
            return found
        time.sleep(0.05)
    raise AssertionError("the job does not end")


def done(app: Flask, path: str, body: Any) -> dict[str, Any]:
    """Ask, wait, and expect the result."""
    answer = post(app, path, body)
    assert answer.status_code == 202, answer.get_data(as_text=True)
    found = ended(app, answer.get_json()["job"])
    assert found["state"] == "done", found
    return found


def same(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    told_, wanted = (table.astype(object).where(table.notna(), None) for table in (found, expected))
    pd.testing.assert_frame_equal(told_, wanted)


# -- the API ------------------------------------------------------------------------------------------


def test_sites_are_those_of_the_core(own_app: Flask, own_town: District) -> None:
    job = done(own_app, "siting", SITES)
    candidates = candidate_sites(own_town.view(), (), given=OWN)
    expected = site_teams(own_town, "甲", siting.Asked(NOW, limit_s=700.0, type="fire"), candidates)
    record, result = load(own_town, siting.KIND, "甲")
    assert (job["kind"], job["name"], job["result"], job["share"]) == ("siting", "甲", expected.id, 1.0)
    assert record.summary == expected.summary
    assert (record.summary["gain_persons"], record.made_by) == (2000, "test-dispatcher")
    assert result.tables["sites"]["served_persons"].tolist() == [500], "no more than its capacity"
    said = plain(page(own_app, "/whatif/siting/plan", name="甲"))
    assert "备选点有可服务人数" in said
    for table in expected.tables:
        same(result.tables[table], expected.tables[table])
    rows = browser(own_app, "planner").get("/api/v1/layers/new_sites.geojson").get_json()["features"]
    assert {row["properties"]["id"]: row["properties"]["state"] for row in rows} == {
        "file:a": "candidate",
        "file:b": "chosen",
    }


@pytest.mark.parametrize(
    ("more", "chosen"),
    [
        ({"budget": 4}, ["file:a"]),
        ({"budget": 5}, ["file:b"]),
        ({"add": 2}, ["file:b", "file:a"]),
        ({"model": "fewest_sites"}, ["file:b"]),
        ({"model": "least_worst_time", "add": 1}, ["file:b"]),
    ],
)
def test_every_aim_can_be_asked(own_app: Flask, own_town: District, more: dict[str, Any], chosen: list[str]) -> None:
    own = [{name: site[name] for name in site if name != "capacity"} for site in OWN]
    done(own_app, "siting", {**SITES, "own_candidates": own, **more})
    assert sorted(load(own_town, siting.KIND, "甲")[1].tables["sites"]["id"]) == sorted(chosen)


def test_teams_may_move_and_are_then_given_up(own_app: Flask, own_town: District) -> None:
    own = [{name: site[name] for name in site if name != "capacity"} for site in OWN]
    done(own_app, "siting", {**SITES, "own_candidates": own, "add": 0, "keep_teams": False})
    record, result = load(own_town, siting.KIND, "甲")
    told_ = record.summary
    assert told_["teams_there"] - told_["given_up"] + told_["new_sites"] == told_["teams_there"]
    assert set(result.tables["given_up"]["id"]) <= {"t1", "t3"}
    assert told_["covered_after"] >= told_["covered_before"], "as many teams, anywhere, cover no less"
    assert result.tables["curve"]["teams"].iloc[0] == 0


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"add": 0}, "add=0: expected 1 to 30"),
        ({"add": MAX_ADDED + 1}, "add=31: expected 30 or less"),
        ({"add": 1, "budget": 4}, "add, budget"),
        ({"model": "fewest_sites", "add": 1}, "add, budget"),
        ({"limit_s": 0.5}, "limit_s=0.5: expected 1 or more"),
        ({"limit_s": 86_401}, "limit_s=86401: expected 86400 or less"),
        ({"model": "best"}, "model"),
        ({"type": "army"}, "type"),
        ({"skill": "flying"}, "skill"),
        ({"candidates": ["school"]}, "candidates[0]"),
        ({"candidates": [], "own_candidates": []}, "candidates: name some of"),
        ({"candidates": ["grid"]}, "spacing_m: a grid needs its spacing"),
        ({"candidates": ["grid"], "spacing_m": 50}, "spacing_m=50"),
        ({"own_candidates": [{"id": "a", "name": "x", "lon": 0, "lat": 0}]}, "own_candidates 1"),
        ({"own_candidates": [OWN[0], OWN[0]]}, "own_candidates: an id stands twice"),
        ({"own_candidates": [{**OWN[0], "colour": "red"}]}, "colour is not known"),
        ({"own_candidates": [{"id": "a", "name": "x", "lon": EAST[0], "lat": EAST[1]}], "budget": 1}, "no cost"),
        ({"covers": 0}, "covers=0: expected 1 or more"),
        ({"covers": 6}, "covers=6: expected 5 or less"),
        ({"keep_teams": False, "budget": 4}, "keep_teams"),
        ({"time_limit_s": 0}, "time_limit_s=0: expected 1 or more"),
        ({"turnout_s": -1}, "turnout_s=-1"),
        ({"scenario": "none"}, "scenario=none"),
        ({"at": "yesterday"}, "at"),
    ],
)
def test_what_cannot_be_sited_is_refused_at_once(
    own_app: Flask, own_town: District, body: dict[str, Any], named: str
) -> None:
    refused = post(own_app, "siting", {**SITES, **body})
    assert refused.status_code == 422, refused.get_data(as_text=True)
    assert named in refused.get_json()["detail"]
    assert records(own_town, siting.KIND) == []


@pytest.mark.parametrize("minutes", [1 / 60, 1440])
def test_the_limits_of_the_limit_are_taken(own_app: Flask, own_town: District, minutes: float) -> None:
    done(own_app, "siting", {**SITES, "limit_s": minutes * 60})
    told_ = load(own_town, siting.KIND, "甲")[0].summary
    assert told_["covered_before"] == (0 if minutes < 1 else 3000)


def test_the_plan_of_packs_is_that_of_the_core(own_app: Flask, own_town: District) -> None:
    job = done(own_app, "stocking", STOCK)
    asked = stocking.Asked(NOW, (StockItem("quilt", 10, 0.5, 99.5),), 1_000.0, needs={("v1", "quilt"): 300})
    expected = stock_depots(own_town, "甲", asked)
    record, result = load(own_town, stocking.KIND, "甲")
    assert (job["kind"], job["result"], record.summary) == ("stocking", expected.id, expected.summary)
    assert record.summary["short_units"] == 30
    for table in expected.tables:
        same(result.tables[table], expected.tables[table])


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"items": []}, "at least 1 entries"),
        ({"items": [PACKS, PACKS]}, "each once"),
        ({"items": [{**PACKS, "item_id": "gold"}]}, "there is no item 'gold'"),
        ({"items": [{**PACKS, "units": 0}]}, "units=0"),
        ({"items": [{**PACKS, "price": 0.001}]}, "price=0.001"),
        ({"budget": -1}, "budget=-1"),
        ({"needs": [{"village_id": "v9", "item_id": "quilt", "quantity": 1}]}, "needs: v9"),
        ({"affected_share": 0.5}, "needs: give either"),
        ({"needs": None}, "needs: give either"),
        ({"needs": None, "affected_share": 1.5}, "affected_share=1.5"),
        ({"days": 0}, "days=0"),
        ({"time_limit_s": 301}, "time_limit_s=301"),
    ],
)
def test_what_cannot_be_stocked_is_refused_at_once(
    own_app: Flask, own_town: District, body: dict[str, Any], named: str
) -> None:
    refused = post(own_app, "stocking", {**STOCK, **body})
    assert refused.status_code == 422, refused.get_data(as_text=True)
    assert named in refused.get_json()["detail"]
    assert records(own_town, stocking.KIND) == []


def test_a_name_is_taken_once_and_that_is_said_before_anything_is_solved(
    own_app: Flask, own_town: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    done(own_app, "siting", SITES)
    with monkeypatch.context() as patch:
        patch.setattr(siting.Posed, "solved", lambda *_, **__: pytest.fail("solved"))
        taken = post(own_app, "siting", {**SITES, "add": 2})
    assert taken.status_code == 409
    assert "taken" in taken.get_json()["detail"]
    done(own_app, "siting", {**SITES, "add": 2, "replace": True})
    assert records(own_town, siting.KIND)[0].parameters["add"] == 2


@pytest.mark.parametrize("path,body", [("siting", SITES), ("stocking", STOCK)])
@pytest.mark.parametrize("role,status", [("viewer", 403), ("keeper", 403), (None, 401)])
def test_who_may_not_ask_is_refused(own_app: Flask, path: str, body: Any, role: Any, status: int) -> None:
    assert post(own_app, path, body, role=role).status_code == status
    assert browser(own_app, role).get(f"/whatif/{path}").status_code in (200 if role == "keeper" else status, 302)


# -- jobs ---------------------------------------------------------------------------------------------


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Solving takes until it is told to go on, or to stop."""
    go: list[bool] = []
    real = siting.Posed.solved

    def solved(self: siting.Posed, *, progress: Any, cancelled: Callable[[], bool]) -> Any:
        progress("sites", 0.5)
        while not (go or cancelled()):
            time.sleep(0.01)
        return real(self, progress=progress, cancelled=cancelled)

    monkeypatch.setattr(siting.Posed, "solved", solved)
    return go


def test_one_question_at_a_time_and_a_stopped_one_leaves_nothing(
    own_app: Flask, own_town: District, slow: list[bool]
) -> None:
    client = browser(own_app, "dispatcher")
    job = post(own_app, "siting", SITES).get_json()["job"]
    second = post(own_app, "stocking", STOCK)
    assert second.status_code == 409
    assert "siting '甲' is being run" in second.get_json()["detail"]
    assert browser(own_app, "keeper").delete(f"/api/v1/whatif/jobs/{job}").status_code == 403
    assert client.delete(f"/api/v1/whatif/jobs/{job}").status_code == 200
    assert ended(own_app, job)["state"] == "cancelled"
    assert records(own_town) == []
    assert client.get("/api/v1/whatif/jobs/none").status_code == 404
    assert browser(own_app, "viewer").get(f"/api/v1/whatif/jobs/{job}").status_code == 403
    assert browser(own_app, "viewer").get(f"/api/v1/zoning/jobs/{job}").status_code == 404, "not by another door"


def test_each_sort_of_job_has_its_own_turn() -> None:
    jobs = Jobs()
    stopped: list[Any] = []

    def work(progress: Any, cancelled: Callable[[], bool]) -> str:
        while not cancelled():
            time.sleep(0.01)
        stopped.append(1)
        raise Cancelled("stopped")

    one, other = jobs.start("whatif", "siting", "甲", work), jobs.start("zoning", "scheme", "natural", work)
    with pytest.raises(Conflict, match="siting '甲' is being run; wait for it or cancel it"):
        jobs.start("whatif", "siting", "乙", work)
    with pytest.raises(NotFound):
        jobs.one("zoning", one.id)
    for sort, job in (("whatif", one), ("zoning", other)):
        jobs.cancel(sort, job.id)  # type: ignore[arg-type]
        assert job.ended.wait(10)
        assert job.shown()["state"] == "cancelled"
    failed = jobs.start("whatif", "siting", "丙", lambda progress, cancelled: str(1 / 0))
    assert failed.ended.wait(10)
    assert (failed.state, failed.error) == ("failed", "the run failed; see the server's log")


def test_the_solving_stops_between_two_steps(own_town: District) -> None:
    posed = siting.posed(own_town, "甲", siting.Asked(NOW), candidate_sites(own_town.view(), (), given=OWN))
    seen: list[tuple[str, float]] = []
    with pytest.raises(Cancelled):
        posed.solved(progress=lambda *step: seen.append(step), cancelled=lambda: len(seen) == 2)
    assert [phase for phase, _ in seen] == ["sites", "proof"]
    posed.solved(progress=lambda *step: seen.append(step))
    shares = [share for _, share in seen[2:]]
    assert shares == sorted(shares)
    assert {phase for phase, _ in seen} == {"sites", "proof", "curve", "saving"}


# -- the pages ----------------------------------------------------------------------------------------


def page(app: Flask, path: str, role: Any = "dispatcher", **query: Any) -> str:
    response = browser(app, role).get(path, query_string=query or None)
    assert response.status_code == 200, (path, response.status_code)
    return response.get_data(as_text=True)


def plain(text: str) -> str:
    """A page without its tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))


def sheet(*rows: tuple[Any, ...], crs: str = "") -> io.BytesIO:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    if crs:
        settings = book.create_sheet("设置")
        settings["A1"], settings["B1"] = "坐标系 CRS", crs
    file = io.BytesIO()
    book.save(file)
    file.seek(0)
    return file


def siting_form(app: Flask, **more: Any) -> Any:
    typed = {
        "name": "再设一支",
        "at": "2026-07-01T10:00",
        "model": "most_covered",
        "add": "1",
        "limit_min": "11.6667",
        "type": "fire",
        "candidates": ["shelter", "hospital", "depot"],
        **more,
    }
    fields = form(page(app, "/whatif/siting"), "/whatif/siting")
    return browser(app, "dispatcher").post(
        "/whatif/siting",
        data={**fields, **{name: value for name, value in typed.items() if value is not None}},
        content_type="multipart/form-data",
    )


def test_the_form_chooses_sites_and_shows_them_with_their_proof(own_app: Flask, own_town: District) -> None:
    sent = siting_form(own_app, limit_min="60", type="street")
    assert sent.status_code == 303, plain(sent.get_data(as_text=True))
    assert sent.headers["Location"].startswith("/whatif/siting/plan?name=")
    text = page(own_app, sent.headers["Location"])
    record, result = load(own_town, siting.KIND, "再设一支")
    assert record.parameters["limit_s"] == 3600
    for row in result.tables["sites"].to_dict("records"):
        assert row["name"] in text
    said = plain(text)
    assert f"{record.summary['covered_after']:,}" in said
    assert "已证明最优" in said
    assert 'href="/?layers=new_sites,new_sites_gain"' in text
    assert "远村" in said, "what nobody reaches is listed"
    assert "再设一支" in page(own_app, "/whatif/siting")
    assert 'href="/whatif/siting/plan?' in page(own_app, "/whatif")


def test_a_sheet_of_candidates_brings_its_costs(own_app: Flask, own_town: District) -> None:
    rows = [
        ("编号", "名称", "造价", "可服务人数", "经度", "纬度"),
        ("a", "西", 3, None, *WEST),
        ("b", "东", 5, None, *EAST),
    ]
    sent = siting_form(own_app, candidates=[], budget="5", sheet=(sheet(*rows, crs="EPSG:4326"), "c.xlsx"))
    assert sent.status_code == 303, plain(sent.get_data(as_text=True))
    record, result = load(own_town, siting.KIND, "再设一支")
    assert (record.parameters["budget"], record.parameters["add"]) == (5, None)
    assert result.tables["sites"]["id"].tolist() == ["file:b"]
    assert record.summary["new_cost"] == 5
    text = page(own_app, "/whatif/siting/plan", name="再设一支")
    told = json.loads(html.unescape(text.split('data-chart="')[1].split('"')[0]))
    curve = result.tables["curve"]
    assert told["series"][0]["points"] == curve[["new_sites", "persons"]].to_numpy().tolist()
    empty = browser(own_app, "dispatcher").get("/whatif/sheets/candidates.xlsx")
    book = openpyxl.load_workbook(io.BytesIO(empty.get_data()))
    header = [cell.value for cell in book.worksheets[0][1]]
    assert [name for name, *_ in zip(rows[0], strict=True) if not any(str(h).startswith(name) for h in header)] == []
    assert browser(own_app, "dispatcher").get("/whatif/sheets/x.xlsx").status_code == 404


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"name": ""}, "结果名称没有填"),
        ({"add": "0"}, "新增数量应为 1 到 30"),
        ({"add": "31"}, "新增数量写 0 到 30 的数字"),
        ({"add": "1.5"}, "新增数量写整数"),
        ({"limit_min": "0.5"}, "时限写 1 到 1,440 的数字"),
        ({"limit_min": "nan"}, "时限写 1 到 1,440 的数字"),
        ({"covers": "6"}, "每处需要的队伍数写 1 到 5 的数字"),
        ({"candidates": []}, "至少选一类备选点"),
        ({"candidates": ["grid"], "spacing_m": "99"}, "网格间距写 100 到 20,000 的数字"),
        ({"time_limit_s": "301"}, "求解时限写 1 到 300 的数字"),
    ],
)
def test_a_wrong_form_keeps_what_was_typed(own_app: Flask, own_town: District, typed: Any, said: str) -> None:
    sent = siting_form(own_app, covers=typed.pop("covers", "2"), **typed)
    assert sent.status_code == 422
    text = sent.get_data(as_text=True)
    assert said in plain(text)
    if typed.get("name", "x"):
        assert 'value="再设一支"' in text
    assert records(own_town) == []


def test_a_long_question_is_followed_and_stopped_on_its_page(
    own_app: Flask, own_town: District, slow: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    from web import siting_pages

    monkeypatch.setattr(siting_pages, "WAIT_S", 0.05)
    sent = siting_form(own_app)
    assert sent.status_code == 303
    address = sent.headers["Location"]
    assert address.startswith("/whatif/jobs/")
    text = page(own_app, address)
    assert '<meta http-equiv="refresh" content="2">' in text
    assert "选点" in text
    assert 'value="50"' in text
    assert "choosing the sites" in page(own_app, address, lang="en")
    assert browser(own_app, "keeper").get(address).status_code == 200
    assert "/stop" not in page(own_app, address, role="keeper")
    assert browser(own_app, "keeper").post(f"{address}/stop").status_code == 403
    stopped = browser(own_app, "dispatcher").post(f"{address}/stop")
    assert (stopped.status_code, stopped.headers["Location"]) == (303, address)
    assert ended(own_app, address.rsplit("/", 1)[1])["state"] == "cancelled"
    text = page(own_app, address)
    assert "已停止" in text
    assert "refresh" not in text
    slow.append(True)
    again = siting_form(own_app)
    job = again.headers["Location"].rsplit("/", 1)[1]
    if "/jobs/" in again.headers["Location"]:
        assert ended(own_app, job)["state"] == "done"
        followed = browser(own_app, "dispatcher").get(again.headers["Location"])
        assert (followed.status_code, followed.headers["Location"][:19]) == (303, "/whatif/siting/plan")
    assert len(records(own_town, siting.KIND)) == 1


def stocking_form(app: Flask, **more: Any) -> Any:
    needs = sheet(("村(社区)编号", "物资编号", "数量"), ("v1", "quilt", 300))
    typed = {
        "name": "汛期",
        "at": "2026-07-01T10:00",
        "budget": "1000",
        "limit_min": "60",
        "item_id.0": "quilt",
        "units.0": "10",
        "volume_m3.0": "0.5",
        "price.0": "99.5",
        "item_id.1": "",
        "units.1": "",
        "volume_m3.1": "",
        "price.1": "",
        "needs": (needs, "needs.xlsx"),
        **more,
    }
    fields = form(page(app, "/whatif/stocking"), "/whatif/stocking")
    return browser(app, "dispatcher").post(
        "/whatif/stocking",
        data={**fields, **{name: value for name, value in typed.items() if value is not None}},
        content_type="multipart/form-data",
    )


def test_the_form_of_stocking_says_what_to_buy_and_what_is_missing(own_app: Flask, own_town: District) -> None:
    sent = stocking_form(own_app)
    assert sent.status_code == 303, plain(sent.get_data(as_text=True))
    said = plain(page(own_app, sent.headers["Location"]))
    record, _ = load(own_town, stocking.KIND, "汛期")
    assert record.parameters["needs"] == [["v1", "quilt", 300]]
    assert record.summary["short_units"] == 30
    assert "时限内的仓库已满" in said
    assert "棉被" in said
    items = sheet(("物资编号", "每包数量", "每包体积(m3)", "每包价格(元)"), ("quilt", 10, 0.5, 99.5))
    blank = {f"{name}.0": "" for name in ("item_id", "units", "volume_m3", "price")}
    again = stocking_form(own_app, **blank, items=(items, "items.xlsx"), replace="on")
    assert again.status_code == 303, plain(again.get_data(as_text=True))
    assert load(own_town, stocking.KIND, "汛期")[0].id == record.id, "typed or sent: the same question"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"budget": ""}, "预算没有填"),
        ({"budget": "-1"}, "预算写 0 到"),
        ({"units.0": ""}, "第 1 行 每包数量没有填"),
        ({"units.0": "0"}, "第 1 行 每包数量写 1 到"),
        ({"item_id.0": ""}, "第 1 行 物资没有填"),
        ({"volume_m3.0": "", "price.0": ""}, "至少写一种物资"),
        ({"needs": None}, "二者取一"),
        ({"price.0": "0.001"}, "金额 0.001: 不小于 0, 最多两位小数"),
        ({"item_id.0": "gold"}, "物资目录里没有 gold"),
        ({"needs": None, "affected": "101"}, "受灾比例 (百分比)写 0 到 100 的数字"),
    ],
)
def test_a_wrong_form_of_stocking_is_sent_back(own_app: Flask, own_town: District, typed: Any, said: str) -> None:
    sent = stocking_form(own_app, **typed)
    assert sent.status_code in (404, 422)
    assert said in plain(sent.get_data(as_text=True))
    assert 'value="汛期"' in sent.get_data(as_text=True)
    assert records(own_town) == []


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_pages_are_in_one_language(own_app: Flask, own_town: District, lang: str) -> None:
    done(own_app, "siting", SITES)
    done(own_app, "siting", {**SITES, "name": "乙", "add": 2})
    done(own_app, "stocking", STOCK)
    keep(
        own_town,
        COMMAND_LINE,
        stock_depots(
            own_town, "丙", stocking.Asked(NOW, (StockItem("quilt", 10, 0.5, 99.5),), 500, needs={("v1", "quilt"): 100})
        ),
        seconds=1.0,
    )
    for path, query in (
        ("/whatif/siting", {}),
        ("/whatif/siting/plan", {"name": "甲"}),
        ("/whatif/siting/plan", {"name": "乙"}),
        ("/whatif/stocking", {}),
        ("/whatif/stocking/plan", {"name": "甲"}),
        ("/whatif/result", {"kind": "siting", "name": "甲", "table": "places"}),
        ("/whatif/result", {"kind": "stocking", "name": "甲", "table": "short"}),
        ("/whatif/difference", {"kind": "siting", "old": "甲", "new": "乙", "table": "places"}),
        ("/whatif/difference", {"kind": "stocking", "old": "甲", "new": "丙", "table": "deliveries"}),
    ):
        text = page(own_app, path, lang=lang, **query)
        heads = re.findall(r"<(?:h1|h2|h3|th scope=\"col\"|th scope=\"colgroup\"|label|button|dt)[^>]*>([^<]+)<", text)
        named = {query.get("name"), query.get("old"), query.get("new")}
        heads = [head for head in heads if head.strip() not in named and not any(f"“{n}”" in head for n in named if n)]
        assert heads
        chinese = [head for head in heads if re.search(r"[\u4e00-\u9fff]", head)]
        assert bool(chinese) is (lang == "zh"), (path, chinese)
        raw = [head for head in heads if re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)+", head.strip())]
        assert raw == [], (path, raw)
    assert ("命令行" if lang == "zh" else "command line") in page(own_app, "/whatif", lang=lang)


def test_old_results_say_that_they_are_old_and_not_on_the_map(own_app: Flask, own_town: District) -> None:
    done(own_app, "siting", SITES)
    done(own_app, "siting", {**SITES, "name": "乙", "add": 2})
    newest = records(own_town, siting.KIND)[0].name
    older = next(name for name in ("甲", "乙") if name != newest)
    assert "?layers=new_sites" in page(own_app, "/whatif/siting/plan", name=newest)
    text = page(own_app, "/whatif/siting/plan", name=older)
    assert "?layers=" not in text
    assert f"最近保存的“{newest}”" in text
    assert "此后有改动" not in text
    with own_town.store.writing() as conn:
        team = own_town.store.frame("team").iloc[:1].assign(name="改名")
        own_town.store.upsert(conn, "team", team, source="test", source_datum="EPSG:4326", now_utc=NOW)
    assert "此后有改动" in page(own_app, "/whatif/siting/plan", name=older)


# -- the command line ---------------------------------------------------------------------------------


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    rows = {
        "sites": [("编号", "名称", "经度", "纬度", "造价"), ("a", "西", *WEST, 3), ("b", "东", *EAST, 5)],
        "items": [("item_id", "units", "volume_m3", "price"), ("quilt", 10, 0.5, 99.5)],
        "needs": [("village_id", "item_id", "quantity"), ("v1", "quilt", 300)],
    }
    for name, table in rows.items():
        text = "\n".join(",".join(map(str, row)) for row in table)
        (tmp_path / f"{name}.csv").write_text(text + "\n", encoding="utf-8")
    return {name: str(tmp_path / f"{name}.csv") for name in rows}


def test_the_command_sites_and_compares(onemap: Onemap, db: str, files: dict[str, str]) -> None:
    ask = ("whatif", "siting", "甲", "--db", db, "--at", AT, "--limit", "11.6667", "--type", "fire")
    own = ("--file", files["sites"], "--crs", "EPSG:4326")
    first = onemap(*ask, *own)
    assert first.returncode == 0, told(first)
    said = first.stdout.decode()
    assert "covered 1,000 -> 3,000 of 3,030 persons (+2,000)" in said
    assert "at 2026-07-01 10:00:00; proven best" in said
    assert "1. file:b 东" in said
    assert "saved as '甲'" in told(first)
    taken = onemap(*ask, *own, "--add", "2")
    assert taken.returncode == 2
    assert "name='甲' is taken" in told(taken)
    other = onemap(*ask[:2], "乙", *ask[3:], *own, "--budget", "3", "--against", "甲", "--json")
    assert other.returncode == 0, told(other)
    found = json.loads(other.stdout)
    assert found["summary"]["gain_persons"] == 0
    assert found["difference"]["count"] > 0
    plain_ = onemap(*ask[:2], "乙", *ask[3:], *own, "--budget", "3", "--against", "甲", "--replace")
    assert "gain_persons: 2,000 -> 0 (-2,000)" in plain_.stdout.decode()
    moved = onemap(*ask[:2], "丙", *ask[3:], *own, "--add", "0", "--move-teams")
    assert "teams in all: 0 -> 0" in moved.stdout.decode(), told(moved)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (("--add", "0"), "add=0: expected 1 to 30"),
        (("--add", "31"), "add=31: expected 1 to 30"),
        (("--limit", "0"), "limit=0"),
        (("--candidates", "grid"), "spacing_m"),
        (("--type", "army"), "type=army"),
        (("--skill", "flying"), "skill=flying"),
        (("--file", "nowhere.csv"), "there is no such file"),
        (("--against", "无"), "there is no saved result '无'"),
        (("--time-limit", "0.5"), "time_limit_s=0.5"),
    ],
)
def test_the_command_says_what_cannot_be_sited(onemap: Onemap, db: str, options: tuple[str, ...], text: str) -> None:
    found = onemap("whatif", "siting", "x", "--db", db, "--at", AT, *options)
    assert found.returncode == 2
    assert text in told(found)


def test_the_command_stocks(onemap: Onemap, db: str, files: dict[str, str]) -> None:
    ask = ("whatif", "stocking", "甲", "--db", db, "--at", AT, "--items", files["items"], "--budget", "1000")
    first = onemap(*ask, "--needs", files["needs"])
    assert first.returncode == 0, told(first)
    assert "v1 西村, 棉被: 30 of 300 short, volume" in first.stdout.decode()
    assert "saved as '甲'" in told(first)
    for wrong, text in (
        ((), "needs: give either"),
        (("--affected", "2"), "affected_share=2"),
        (("--needs", "nowhere.csv"), "there is no such file"),
        (("--needs", files["needs"], "--time-limit", "0"), "time_limit_s=0"),
    ):
        found = onemap(*ask[:2], "x", *ask[3:], *wrong)
        assert found.returncode == 2, wrong
        assert text in told(found)
