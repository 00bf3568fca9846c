"""Evacuation over HTTP, on plain pages and on the command line: one answer everywhere."""

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from flask import Flask

from data.settings import Settings
from data.store import Store
from layers.district import District
from layers.whatif.balance import balance, rows
from layers.whatif.evacuation import KIND, Asked, evacuate
from layers.whatif.saved import records
from layers.whatif.village_plans import plan_of, village_plan, village_plans
from layers.whatif.village_sheet import village_sheets
from tests.layers.conftest import NOW, area
from tests.web.conftest import browser
from tests.web.test_cli import Onemap, onemap, told
from web import create_app
from web.pages import sheet_fonts

__all__ = ["onemap"]

AT = "2026-07-01T10:00+08:00"
ZONE = str(area(-1, 0.9, 0.9, 4).wkt)


@pytest.fixture
def own_app(own_town: District) -> Flask:
    app = create_app(Settings(), "", district=own_town)
    app.testing = False
    return app


def post(app: Flask, body: Any, role: Any = "dispatcher") -> Any:
    return browser(app, role).post("/api/v1/whatif/evacuation", json={"name": "甲", "at": AT, **body})


def ask(app: Flask, path: str, role: Any = "dispatcher", **query: Any) -> Any:
    return browser(app, role).get(path, query_string=query)


def plain(response: Any) -> str:
    """The text of a page without its tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.get_data(as_text=True)))


# -- the API ------------------------------------------------------------------------------------------


def test_a_plan_is_computed_kept_and_read(own_app: Flask, own_town: District) -> None:
    made = post(own_app, {"zone": ZONE})
    assert made.status_code == 201
    expected = evacuate(own_town.view(), Asked(zone=ZONE), at=NOW, name="甲")
    assert made.get_json()["summary"]["sheltered"] == expected.summary["sheltered"]
    assert made.get_json()["id"] == expected.id
    villages = ask(own_app, "/api/v1/whatif/evacuation/villages", name="甲").get_json()
    assert [v["village_id"] for v in villages] == ["v1"]  # nobody else lives in the zone
    one = ask(own_app, "/api/v1/whatif/evacuation/village", name="甲", village="v1").get_json()
    assert one == villages[0]
    assert one["ways"][0]["shelter_id"] == "s1"
    assert sum(way["persons"] for way in one["ways"]) == one["moved"] == expected.summary["sheltered"]
    assert ask(own_app, "/api/v1/whatif/evacuation/villages", name="甲", street="东街道").get_json() == []
    result = ask(own_app, "/api/v1/whatif/result", kind=KIND, name="甲", table="moves").get_json()
    assert result["rows"][0]["persons"] == one["ways"][0]["persons"]


def test_everybody_leaves_where_no_zone_is_named_and_a_name_is_taken_once(own_app: Flask) -> None:
    assert post(own_app, {}).get_json()["summary"]["persons"] == 3030
    assert post(own_app, {}).status_code == 201  # the same again
    taken = post(own_app, {"share": 0.5})
    assert taken.status_code == 409
    assert "taken" in taken.get_json()["detail"]
    assert post(own_app, {"share": 0.5, "replace": True}).get_json()["summary"]["persons"] == 500 + 1000 + 15


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"zone": "nonsense"}, "zone='nonsense'"),
        ({"who": "zone"}, "who=zone"),
        ({"share": 0}, "share"),
        ({"stay": "week"}, "stay"),
        ({"buses": 0}, "buses"),
        ({"together": True, "objective": "last"}, "together"),
        ({"scenario": "none"}, "scenario=none"),
        ({"at": "yesterday"}, "at"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_kept(
    own_app: Flask, own_town: District, body: dict[str, Any], named: str
) -> None:
    refused = post(own_app, body)
    assert refused.status_code == 422
    assert named in refused.get_json()["detail"]
    assert records(own_town, KIND) == []


def test_who_may_not_know_is_refused(own_app: Flask) -> None:
    assert post(own_app, {}, role="viewer").status_code == 403
    assert post(own_app, {}, role="keeper").status_code == 403
    post(own_app, {})
    for path in ("villages", "village", "sheet"):
        query = {"name": "甲", "village": "v1"} if path == "village" else {"name": "甲"}
        assert ask(own_app, f"/api/v1/whatif/evacuation/{path}", role="viewer", **query).status_code == 403
    assert ask(own_app, "/api/v1/whatif/evacuation/village", name="甲", village="v9").status_code == 404
    assert ask(own_app, "/api/v1/whatif/evacuation/villages", name="乙").status_code == 404


def test_the_printed_page_is_the_same_from_the_api_and_the_core(own_app: Flask, own_town: District) -> None:
    post(own_app, {"zone": ZONE})
    got = ask(own_app, "/api/v1/whatif/evacuation/sheet", name="甲", village="v1", lang="en", map_number="7")
    assert got.status_code == 200
    assert got.mimetype == "application/pdf"
    record, result = plan_of(own_town, "甲")
    assert got.get_data() == village_sheets(
        own_town,
        record,
        result,
        fonts=sheet_fonts(),
        made=own_town.now(),
        village_id="v1",
        lang="en",
        map_number="7",
    )


def test_everybody_may_see_the_shelter_balance(own_app: Flask, own_town: District) -> None:
    got = ask(own_app, "/api/v1/shelters/balance", role="viewer", at=AT)
    assert got.get_json() == json.loads(json.dumps(balance(own_town, at=NOW)))
    zoned = ask(own_app, "/api/v1/shelters/balance", role="viewer", zone=str(area(0.5, 1, 1.5, 2).wkt)).get_json()
    assert [row["id"] for row in zoned["out"]] == ["s1"]


# -- pages --------------------------------------------------------------------------------------------


def form(app: Flask, **fields: Any) -> Any:
    return browser(app, "dispatcher").post(
        "/whatif/evacuation", data={"name": "页", "at": "2026-07-01T10:00", "key": "k" * 24, **fields}
    )


def test_the_form_makes_the_plan_that_the_api_makes(own_app: Flask, own_town: District) -> None:
    page = ask(own_app, "/whatif/evacuation")
    assert page.status_code == 200
    assert "还没有保存的疏散方案" in plain(page)
    made = form(own_app, zone_drawn=ZONE, share="50", walk_m_s="0.75", most_walk_m="5000", objective="last")
    assert made.status_code == 303
    assert made.headers["Location"] == "/whatif/evacuation/plan?name=%E9%A1%B5&done=1"
    (record,) = records(own_town, KIND)
    asked = Asked(zone=ZONE, share=0.5, walk_m_s=0.75, most_walk_m=5000.0, objective="last")
    assert record.id == evacuate(own_town.view(), asked, at=NOW, name="页").id
    listed = plain(ask(own_app, "/whatif/evacuation"))
    assert "页 画定范围" in listed
    assert f"{record.summary['persons']:,}" in listed


def test_a_form_with_a_fault_comes_back_with_what_was_typed(own_app: Flask, own_town: District) -> None:
    for fields, sentence in (
        ({"share": "0"}, "转移比例 (百分比)写 0.1 到 100 的数字。"),
        ({"name": ""}, "结果名称没有填。"),
        ({"zone_drawn": "POINT (1 2)"}, "area"),
        ({"seats": "many"}, "每车座位写 1 到 10,000 的数字。"),
    ):
        back = form(own_app, **{"walk_m_s": "0.5", **fields})
        assert back.status_code == 422
        assert sentence in plain(back)
        assert '<option value="0.5" selected>' in back.get_data(as_text=True)
    assert records(own_town, KIND) == []
    assert browser(own_app, "viewer").post("/whatif/evacuation", data={}).status_code == 403


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_page_of_a_plan_says_what_the_plan_says(own_app: Flask, own_town: District, lang: str) -> None:
    post(own_app, {})
    page = plain(ask(own_app, "/whatif/evacuation/plan", name="甲", lang=lang))
    for plan in village_plans(*plan_of(own_town, "甲")):
        assert plan["village"] in page
        for way in plan["ways"]:
            told_steps = "; ".join(step[f"text_{lang}"] for step in way["steps"])
            assert f"{way['shelter']} {way['persons']:,} {told_steps}".strip() in page
            assert f" {way['travel_minutes']} {way['minutes']} " in page
    assert "3,030" in page
    assert ("没有道路可达" if lang == "zh" else "no road leads to a shelter") in page
    assert not re.search(r"[\u4e00-\u9fff]{4,}米", page) or lang == "zh"
    only = plain(ask(own_app, "/whatif/evacuation/plan", name="甲", street="西街道"))
    assert "西村" in only
    assert "远村" not in only
    assert ask(own_app, "/whatif/evacuation/plan", name="没有").status_code == 404
    assert ask(own_app, "/whatif/evacuation/plan", role="viewer", name="甲").status_code == 403


def test_the_balance_page_and_its_files_have_the_same_numbers(own_app: Flask, own_town: District) -> None:
    table = rows(balance(own_town), "全区")
    page = plain(ask(own_app, "/whatif/shelters", role="viewer"))
    text = ask(own_app, "/whatif/shelters.csv", role="viewer").get_data().decode("utf-8-sig")
    lines = list(csv.reader(io.StringIO(text)))
    book = openpyxl.load_workbook(io.BytesIO(ask(own_app, "/whatif/shelters.xlsx", role="viewer").get_data()))
    cells = [list(row) for row in book.active.iter_rows(values_only=True)]
    for row, line in zip(table, lines[1:], strict=True):
        assert row["street"] in page
        assert f"{row['persons']:,}" in page
        assert line[:3] == [str(row["street"]), str(row["persons"]), str(row["shelters"])]
        assert [row["street"], row["persons"], row["shelters"]] in [found[:3] for found in cells]
    assert lines[0][0] == "街道"
    english = ask(own_app, "/whatif/shelters.csv", role="viewer", lang="en").get_data().decode("utf-8-sig")
    assert english.startswith("street,residents,shelters")


# -- the command line ---------------------------------------------------------------------------------


def test_the_command_says_saves_and_compares(onemap: Onemap, db: str, tmp_path: Path) -> None:
    first = onemap("whatif", "evacuation", "甲", "--db", db, "--at", AT)
    assert first.returncode == 0, told(first)
    said = first.stdout.decode()
    assert "500 of 3,030 persons by day have a place, on foot" in said
    assert "西村 -> 广场: 500 persons" in said
    zone = tmp_path / "zone.wkt"
    zone.write_text(ZONE, encoding="utf-8")
    second = onemap(
        "whatif", "evacuation", "乙", "--db", db, "--at", AT, "--zone", str(zone), "--against", "甲", "--json"
    )
    answer = json.loads(second.stdout)
    assert answer["summary"]["persons"] < 3030
    assert answer["difference"]["summary"]["persons"]["change"] == answer["summary"]["persons"] - 3030
    with Store(db) as store:
        district = District(store)
        assert answer["villages"] == json.loads(json.dumps(village_plans(*plan_of(district, "乙"))))
        assert village_plan(*plan_of(district, "乙"), "v1") == answer["villages"][0]
    taken = onemap("whatif", "evacuation", "甲", "--db", db, "--at", AT, "--by", "bus")
    assert taken.returncode == 2
    assert "taken" in told(taken)


def test_the_command_prints_sheets_and_the_balance(onemap: Onemap, db: str, tmp_path: Path) -> None:
    assert onemap("whatif", "evacuation", "甲", "--db", db, "--at", AT).returncode == 0
    pdf = tmp_path / "v1.pdf"
    done = onemap("whatif", "evacuation-sheet", "甲", "--db", db, "--village", "v1", "-o", str(pdf))
    assert done.returncode == 0, told(done)
    assert pdf.read_bytes().startswith(b"%PDF")
    assert onemap("whatif", "evacuation-sheet", "无", "--db", db, "-o", str(pdf)).returncode == 2
    for name in ("b.csv", "b.xlsx"):
        found = onemap("whatif", "shelter-balance", "--db", db, "-o", str(tmp_path / name))
        assert found.returncode == 0, told(found)
        assert "all: 3,030 residents, 1 shelters, 500 places for a day" in found.stdout.decode()
        assert (tmp_path / name).stat().st_size > 100
    assert onemap("whatif", "shelter-balance", "--db", db, "-o", str(tmp_path / "b.txt")).returncode == 2
