"""What-if results over HTTP and on the command line."""

import json
import re
import signal
from typing import Any

import pytest
from flask import Flask

from data.settings import Settings
from layers.district import District
from layers.whatif import criticality
from layers.whatif.criticality import Asked, n_minus_1
from layers.whatif.saved import save
from tests.layers.conftest import NOW
from tests.web.conftest import browser
from tests.web.test_cli import Onemap, onemap, told
from web import create_app

__all__ = ["onemap"]

AT = "2026-07-01T10:00+08:00"


@pytest.fixture
def kept(own_town: District) -> Flask:
    """The app over a town with two results, of the hour and of a quarter of it."""
    for minute, (name, limit_s) in enumerate((("一小时", 3600.0), ("一刻钟", 900.0))):
        found = n_minus_1(own_town, name, Asked(NOW, limit_s=limit_s))
        save(own_town, found, made_utc=NOW.replace(minute=minute), made_by="test")
    app = create_app(Settings(), "", district=own_town)
    app.testing = False
    return app


def asked(app: Flask, path: str, role: Any = "planner", **query: Any) -> Any:
    return browser(app, role).get(f"/api/v1/whatif/{path}", query_string=query)


def test_results_are_listed_the_newest_first(kept: Flask, own_town: District) -> None:
    rows = asked(kept, "results").get_json()
    assert [(row["name"], row["kind"], row["stale"]) for row in rows] == [
        ("一刻钟", "n_minus_1", []),
        ("一小时", "n_minus_1", []),
    ]
    assert asked(kept, "results", kind="other").get_json() == []


def test_one_result_comes_with_its_proof_rows(kept: Flask) -> None:
    found = asked(kept, "result", kind="n_minus_1", name="一小时", table="links", limit=2).get_json()
    assert found["summary"]["bridges_with_loss"] == 1
    assert found["parameters"]["limit_s"] == 3600.0
    assert found["tables"]["links"] == found["count"] > len(found["rows"]) == 2
    assert found["truncated"] is True
    assert (found["rows"][0]["is_bridge"], found["rows"][0]["lost_beyond_persons"]) == (True, 2000)
    proof = asked(kept, "result", kind="n_minus_1", name="一小时", table="link_places").get_json()["rows"]
    cut = next(row for row in proof if row["link"] == found["rows"][0]["link"])
    assert (cut["place_id"], cut["outcome"], cut["after_s"]) == ("v2", "cut", None)
    assert "rows" not in asked(kept, "result", kind="n_minus_1", name="一小时").get_json()


def test_two_results_are_compared_row_by_row(kept: Flask) -> None:
    query = {"kind": "n_minus_1", "old": "一小时", "new": "一刻钟", "table": "villages_on_one_road"}
    found = asked(kept, "difference", **query).get_json()
    assert found["asked_otherwise"] == ["limit_s"]
    assert found["old"]["name"] == "一小时"
    assert found["summary"]["covered_persons"]["change"] < 0
    assert found["count"] == len(found["rows"])


@pytest.mark.parametrize(
    "path,query,status,text",
    [
        ("result", {"kind": "n_minus_1", "name": "没有"}, 404, "there are: 一刻钟, 一小时"),
        ("result", {"kind": "n_minus_1", "name": "一小时", "table": "x"}, 404, "the tables of '一小时' are links"),
        ("result", {"kind": "n_minus_1"}, 422, "name"),
        ("result", {"kind": "N-1", "name": "一小时"}, 422, "kind='N-1'"),
        ("result", {"kind": "n_minus_1", "name": "一小时", "table": "links", "limit": 20_001}, 422, "limit=20001"),
        ("difference", {"kind": "n_minus_1", "old": "一小时", "new": "无", "table": "links"}, 404, "'无'"),
    ],
)
def test_what_is_not_there_is_said(kept: Flask, path: str, query: Any, status: int, text: str) -> None:
    answer = asked(kept, path, **query)
    assert answer.status_code == status
    assert text in answer.get_json()["detail"]


@pytest.mark.parametrize("role,status", [("viewer", 403), ("keeper", 200), ("dispatcher", 200), (None, 401)])
def test_results_are_for_staff(kept: Flask, role: Any, status: int) -> None:
    assert asked(kept, "results", role).status_code == status


# -- on pages ------------------------------------------------------------------------------------------


def shown(app: Flask, path: str, role: Any = "planner", **query: Any) -> str:
    answer = browser(app, role).get(path, query_string=query or None)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True)))


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_links_are_called_by_name_place_and_class_and_not_by_their_id(kept: Flask, lang: str) -> None:
    rows = asked(kept, "result", kind="n_minus_1", name="一小时", table="links").get_json()["rows"]
    for table in ("links", "link_places", "villages_on_one_road"):
        said = shown(kept, "/whatif/result", kind="n_minus_1", name="一小时", table=table, lang=lang)
        assert [row["link"] for row in rows if row["link"] in said] == [], table
        assert ("1号路 (2号街—3号街 之间)" if lang == "zh" else "1号路 (between 2号街 and 3号街)") in said, table
    assert ("支路" if lang == "zh" else "tertiary road") in shown(
        kept, "/whatif/result", kind="n_minus_1", name="一小时", table="links", lang=lang
    )


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_difference_shows_what_changed_as_pairs_and_the_rest_once_or_not(kept: Flask, lang: str) -> None:
    query = {"kind": "n_minus_1", "old": "一小时", "new": "一刻钟", "table": "links"}
    found = asked(kept, "difference", **query).get_json()
    text = (
        browser(kept, "planner").get("/whatif/difference", query_string={**query, "lang": lang}).get_data(as_text=True)
    )
    table = text.split('<table class="list lines pairs">')[1].split("</table>")[0]
    groups = re.findall(r'<th scope="colgroup" colspan="(\d)" class="pair">([^<]+)</th>', table)
    differ = [
        name.removesuffix("_old")
        for name in found["rows"][0]
        if name.endswith("_old") and any(r[name] != r[f"{name[:-4]}_new"] for r in found["rows"])
    ]
    assert len(groups) == len(differ) > 0
    assert ("时限" if lang == "zh" else "limit") in text.split("推演条件不同" if lang == "zh" else "asked otherwise")[1]
    heads = re.findall(r'<th scope="col"[^>]*>([^<]+)</th>', table)
    once = [head for head in heads if head not in ("原", "新", "差", "old", "new", "difference")]
    assert len(once) == len(set(once)), "no column stands twice"
    assert table.count("<tr>") == 2 + found["count"]
    changes = [r["lost_persons_change"] for r in found["rows"] if r["change"] == "changed" and r["lost_persons_change"]]
    assert changes
    assert all(f">{change:+,.0f}</td>" in table for change in changes)


def test_staff_find_the_pages_from_the_map(kept: Flask) -> None:
    assert 'href="/whatif"' in browser(kept, "keeper").get("/").get_data(as_text=True)
    assert 'href="/whatif"' not in browser(kept, "viewer").get("/").get_data(as_text=True)


# -- on the command line ------------------------------------------------------------------------------


def test_n_minus_1_says_what_breaks_the_hour(onemap: Onemap, db: str) -> None:
    done = onemap("whatif", "n-1", "现状", "--db", db, "--at", AT)
    assert done.returncode == 0, told(done)
    said = done.stdout.decode()
    assert "3,000 of 3,030 persons by 2 teams" in said
    assert "1号路 (between 2号街 and 3号街) (bridge) " in said
    assert "saved as '现状'" in told(done)
    taken = onemap("whatif", "n-1", "现状", "--db", db, "--at", AT, "--limit", "15")
    assert taken.returncode == 2
    assert "name='现状' is taken" in told(taken)
    other = onemap("whatif", "n-1", "一刻钟", "--db", db, "--at", AT, "--limit", "15", "--against", "现状", "--json")
    assert other.returncode == 0, told(other)
    found = json.loads(other.stdout)
    assert (found["name"], found["parameters"]["limit_s"]) == ("一刻钟", 900)
    assert found["difference"]["asked_otherwise"] == ["limit_s"]
    plain = onemap("whatif", "n-1", "一刻钟", "--db", db, "--at", AT, "--limit", "15", "--against", "现状")
    assert "links differ from '现状'" in plain.stdout.decode()
    assert "covered_persons: 3,000 -> " in plain.stdout.decode()


def test_ctrl_c_keeps_what_is_finished_for_resume(onemap: Onemap, db: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = n_minus_1

    def interrupted(*args: Any, **more: Any) -> Any:
        told_ = more["progress"]

        def progress(phase: str, share: float) -> None:
            told_(phase, share)
            if phase.startswith("4 of "):
                signal.raise_signal(signal.SIGINT)

        return whole(*args, **{**more, "progress": progress, "at_once": 2})

    handler = signal.getsignal(signal.SIGINT)
    with monkeypatch.context() as patch:
        patch.setattr(criticality, "n_minus_1", interrupted)
        stopped = onemap("whatif", "n-1", "甲", "--db", db, "--at", AT)
    assert stopped.returncode == 2
    assert "stopped after 4 of 7 links" in told(stopped)
    assert signal.getsignal(signal.SIGINT) is handler
    done = onemap("whatif", "n-1", "甲", "--db", db, "--resume", "--json")
    assert done.returncode == 0, told(done)
    resumed = json.loads(done.stdout)
    fresh = json.loads(onemap("whatif", "n-1", "乙", "--db", db, "--at", AT, "--json").stdout)
    assert resumed["summary"] == fresh["summary"]
    assert resumed["parameters"] == fresh["parameters"]


@pytest.mark.parametrize(
    "options,text",
    [
        (("--busiest", "0"), "busiest=0"),
        (("--scenario", "nothing"), "scenario 'nothing'"),
        (("--limit", "0"), "limit=0"),
        (("--skill", "flying"), "skill=flying"),
        (("--against", "无"), "there is no saved result '无'"),
        (("--resume",), "there is no run to resume"),
    ],
)
def test_what_cannot_be_run_is_said(onemap: Onemap, db: str, options: tuple[str, ...], text: str) -> None:
    done = onemap("whatif", "n-1", "x", "--db", db, "--at", AT, *options)
    assert done.returncode == 2
    assert text in told(done)
