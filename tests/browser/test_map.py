"""The map as its three users meet it: command-centre staff, planner, dispatcher."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pypdfium2
import pytest
from playwright.sync_api import Page, expect

from data.store import Store
from layers.catalogue import LAYERS
from tests.browser.conftest import SIZES, Watched, named
from tests.browser.test_live import elsewhere

pytestmark = pytest.mark.browser
Watch = Callable[..., Watched]
Ask = Callable[..., Any]

# A Wednesday morning: what is on duty does not depend on when the tests run.
AT = "2026-07-01T09:30"


FOCUSED = """() => {
    const node = document.activeElement;
    const outline = getComputedStyle(node).outlineStyle !== 'none';
    return [node.id || node.className || node.tagName, outline || node.tagName === 'CANVAS' || node === document.body];
}"""


def number(text: str) -> float:
    found = re.search(r"-?[\d,]+(?:\.\d+)?", text)
    assert found is not None, text
    return float(found.group().replace(",", ""))


def fix_moment(page: Page) -> None:
    page.select_option("#when-mode", "fixed")
    page.fill("#when-time", AT)
    page.dispatch_event("#when-time", "change")


def find(page: Page, name: str) -> None:
    page.fill("#search", name)
    expect(page.locator(".suggestions:not([hidden]) [role=option]").first).to_be_visible()
    page.press("#search", "Enter")
    expect(page.locator("#reach .verdict")).to_be_visible()


def shown_place(page: Page) -> str:
    found = re.search(r"(\d+\.\d{5}), (\d+\.\d{5})", page.locator("#reach .coordinates").inner_text())
    assert found is not None
    return f"{found.group(1)},{found.group(2)}"


def choose_item(page: Page, row: int, name: str, quantity: str) -> None:
    item = page.locator("#supply-rows input.item").nth(row)
    item.fill(name)
    expect(page.locator(".suggestions:not([hidden]) [role=option]").first).to_be_visible()
    item.press("Enter")
    expect(item).to_have_value(re.compile(re.escape(name)))
    page.locator("#supply-rows input.amount").nth(row).fill(quantity)
    expect(page.locator("#supply-rows .need").nth(row).locator(".unit")).not_to_be_empty()


# -- command-centre staff ---------------------------------------------------------------------------


def test_staff_open_the_map_and_see_what_is_there(watch: Watch, ask: Ask) -> None:
    watched = watch()
    page = watched.open()
    expect(page.locator("p.demo")).to_contain_text("示意数据")
    listed = {row["id"]: row for row in ask("layers")}
    assert list(listed) == [layer.id for layer in LAYERS.values() if "viewer" in layer.roles]
    for name, row in listed.items():
        line = page.locator(f".layer:has(#layer-{name})")
        expect(line.locator("label")).to_have_text(row["title"])
        assert number(line.locator(".count").text_content() or "") == row["count"]  # some groups are folded
        assert page.is_checked(f"#layer-{name}") == row["visible"]
    watched.shot("map-desktop")
    facts = page.locator(".layer:has(#layer-teams) > .facts")
    expect(facts).to_contain_text("demo")
    expect(facts).to_contain_text("更新于")
    page.click(".layer:has(#layer-teams) .fold")
    expect(page.locator("#detail-teams")).to_contain_text("消防站")
    page.click(".layer:has(#layer-teams) .fold")
    expect(page.locator("#connection")).to_contain_text(f"数据版本 {ask('status')['revision']}")


def test_staff_search_by_keyboard_and_ask_about_the_middle_of_the_map(watch: Watch, ask: Ask) -> None:
    page = watch().open()
    hit = ask("search", q="消防救援站", limit=1)[0]
    page.focus("#search")
    page.keyboard.type("消防救援站")
    expect(page.locator(".suggestions:not([hidden]) [role=option]").first).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(page.locator("#reach .where h3")).to_have_text(hit["name"])
    assert shown_place(page) == f"{hit['place'][0]:.5f},{hit['place'][1]:.5f}"
    page.focus("#map .maplibregl-canvas")
    page.keyboard.press("Enter")
    popup = page.locator(".maplibregl-popup")
    expect(popup).to_be_visible()
    expect(popup).to_contain_text(hit["name"])
    expect(popup).to_contain_text("类型")


def test_a_place_that_nobody_reaches_says_why(watch: Watch, ask: Ask) -> None:
    page = watch().open()
    fix_moment(page)
    missing = next(p for p in ask("coverage", at=AT)["places"] if not p["covered"])
    find(page, missing["name"])
    verdict = page.locator("#reach .verdict.no")
    expect(verdict).to_contain_text("60 分钟内没有队伍能到")
    expect(verdict.locator("strong")).not_to_be_empty()


# -- planner ------------------------------------------------------------------------------------------


def test_planner_reads_the_same_numbers_as_the_api(watch: Watch, ask: Ask) -> None:
    watched = watch()
    page = watched.open()
    fix_moment(page)
    page.click("#tab-coverage")
    for query, choice in (
        ({}, None),
        ({"skill": "flood"}, ("#coverage-skill", "flood")),
        ({"skill": "flood", "limit": 900}, ("#coverage-limit", "900")),
        ({"skill": "flood", "limit": 900, "places": "enterprises"}, ("#coverage-places", "enterprises")),
    ):
        if choice:
            page.select_option(*choice)
        answer = ask("coverage", at=AT, **query)
        totals = answer["totals"]
        counted = f"{totals['covered_places']:,} / {totals['places']:,} 处"
        expect(page.locator("#coverage-count")).to_have_text(counted)
        expect(page.locator("#coverage-persons")).to_have_text(
            f"{totals['covered_persons']:,} / {totals['persons']:,} 人"
        )
        missing = [place for place in answer["places"] if not place["covered"]]
        assert len(missing) == totals["places"] - totals["covered_places"]
        rows = page.locator("#coverage table.uncovered tbody tr")
        assert rows.count() == min(len(missing), 200)
        if missing:
            expect(rows.first).to_contain_text(missing[0]["name"])
        bare = answer["streets_without_team"]
        expect(page.locator("#coverage tr.no-team")).to_have_count(len(bare))
        for name in bare:
            expect(page.locator("#coverage .warn-box")).to_contain_text(name)
        if not query:
            assert number(page.locator("#coverage-share").inner_text()) == pytest.approx(
                100 * totals["covered_share"], abs=0.005
            )
            watched.shot("coverage-desktop")


# -- dispatcher ---------------------------------------------------------------------------------------


def test_dispatcher_goes_from_a_place_to_a_plan(watch: Watch, ask: Ask) -> None:
    watched = watch()
    page = watched.open()
    fix_moment(page)
    village = ask("search", q="学田街道", limit=5)[0]
    find(page, village["name"])
    page.click("#tab-supply")
    expect(page.locator("#supply-place")).to_contain_text(village["name"])
    items = {item["name"]: item for item in ask("items")}
    choose_item(page, 0, "棉被", "3000")
    page.click("#supply-add")
    pump = next(name for name in items if "泵" in name)
    choose_item(page, 1, pump, "100000")
    page.click("#supply-form button.primary")
    expect(page.locator("#supply .plan-line")).to_have_count(2)
    place = ",".join(str(v) for v in village["place"])
    needs = [f"{items['棉被']['id']}=3000", f"{items[pump]['id']}=100000"]
    answer = ask("supply", to=place, need=needs, within=60, at=AT)
    quilts = answer["lines"][0]
    rows = page.locator("#supply .plan-line").first.locator("tbody tr")
    assert rows.count() == len(quilts["from"])
    assert sum(number(row.locator("td").last.inner_text()) for row in rows.all()) == quilts["allocated"]
    expect(rows.first).to_contain_text(quilts["from"][0]["depot_name"])
    expect(rows.first).to_contain_text(quilts["from"][0]["lot"])
    ready = page.locator("#supply .plan-line").first.locator(".ready").inner_text()
    assert number(ready) == pytest.approx(quilts["ready_s"] / 60, abs=0.051)
    short = page.locator("#supply .plan-line.lacking .short")
    expect(short).to_contain_text(f"{answer['lines'][1]['short']:,}")
    assert number(page.locator("#supply .refused summary").inner_text()) == len(answer["refused"])
    page.click("#supply .refused summary")
    expect(page.locator("#supply .refused li").first.locator(".badge")).not_to_be_empty()
    watched.shot("supply-desktop")


def test_enter_takes_what_was_typed_and_never_the_list_of_before(watch: Watch) -> None:
    page = watch().open()
    page.click("#tab-supply")
    page.route("**/api/v1/items?q=*", lambda route: (page.wait_for_timeout(400), route.continue_()))
    item = page.locator("#supply-rows input.item").first
    item.click()
    expect(page.locator(".suggestions:not([hidden]) [role=option]").nth(3)).to_be_visible()
    item.fill("棉被")
    item.press("Enter")
    page.locator("#supply-rows input.amount").first.fill("5")
    expect(page.locator("#supply-rows .unit").first).to_have_text("床")
    expect(item).to_have_value("棉被")


def test_what_the_form_lacks_is_said(watch: Watch) -> None:
    page = watch().open()
    page.click("#tab-supply")
    page.click("#supply-form button.primary")
    expect(page.locator("#supply")).to_contain_text("先在地图上点一下")
    page.click("#tab-reach")
    find(page, "任港街道")
    page.click("#tab-supply")
    page.fill("#supply-rows input.item", "不存在的东西")
    page.click("#supply-form button.primary")
    expect(page.locator("#supply")).to_contain_text("请从列表中选择第 1 行")
    expect(page.locator("#supply-rows input.item")).to_be_focused()
    choose_item(page, 0, "棉被", "0")
    page.click("#supply-form button.primary")
    expect(page.locator("#supply")).to_contain_text("要大于 0")


# -- everybody ----------------------------------------------------------------------------------------


def test_english_at_a_switch_and_remembered(watch: Watch) -> None:
    watched = watch()
    page = watched.open()
    page.click(".links a[hreflang=en]")
    page.wait_for_selector("body[data-ready=true]")
    expect(page.locator("#tab-reach")).to_have_text("Who gets there")
    expect(page.locator(".layer:has(#layer-teams) label")).to_have_text("Rescue teams")
    watched.open("/")
    expect(page.locator("#tab-coverage")).to_have_text("Coverage")
    chrome = page.locator(
        ".bar .when, .bar .links a[href='/atlas'], .tabs, #layers h3, #layers label"
    ).all_inner_texts()
    assert not re.search("[一-鿿]", "".join(chrome))
    watched.shot("english-desktop")


def test_lost_connection_shows_and_comes_back(watch: Watch) -> None:
    watched = watch()
    page = watched.open()
    expect(page.locator("#connection")).to_contain_text("已连接")
    page.context.set_offline(True)
    page.evaluate("window.dispatchEvent(new Event('focus'))")
    expect(page.locator("#connection")).to_contain_text("连接中断")
    page.context.set_offline(False)
    page.evaluate("window.dispatchEvent(new Event('focus'))")
    expect(page.locator("#connection")).to_contain_text("已连接")
    assert all("ERR_INTERNET_DISCONNECTED" in error for error in watched.errors)
    watched.errors.clear()


def test_a_change_in_the_store_reaches_the_open_page(watch: Watch, database: Path) -> None:
    page = watch().open()
    with Store(str(database)) as store:
        depots = store.frame("depot")
        one = depots[depots["id"] == depots["id"].iloc[0]]
        columns = [c for c in one.columns if c not in ("fid", "source", "source_datum", "updated_utc")]

        def rename(name: str) -> int:
            with store.writing() as conn:
                stamp: dict[str, Any] = {"source": "demo", "source_datum": "WGS 84", "now_utc": datetime.now(UTC)}
                store.upsert(conn, "depot", one[columns].assign(name=name), **stamp)
            return store.revision()

        revision = rename("改名仓库")
        try:
            page.evaluate("window.dispatchEvent(new Event('focus'))")
            expect(page.locator("#connection")).to_contain_text(f"数据版本 {revision}")
            page.fill("#search", "改名仓库")
            expect(page.locator(".suggestions:not([hidden]) [role=option]").first).to_contain_text("改名仓库")
        finally:
            rename(str(one["name"].iloc[0]))


def test_names_are_text_never_markup(watch: Watch, ask: Ask) -> None:
    watched = watch()
    page = watched.page
    evil = '<img src=x onerror="window.hacked=1"><b>厂</b>'
    target = next(f for f in ask("layers/hospitals.geojson")["features"])

    page.route("**/layers/hospitals.geojson*", named(evil))
    watched.open()
    find(page, target["properties"]["name"])
    page.focus("#map .maplibregl-canvas")
    page.keyboard.press("Enter")
    expect(page.locator(".maplibregl-popup")).to_contain_text(evil)
    expect(page.locator("#reach .where h3")).to_have_text(evil)
    assert page.evaluate("window.hacked") is None
    assert page.locator(".maplibregl-popup img").count() == 0


def test_an_enterprise_that_is_called_a_script_is_text_everywhere(watch: Watch, ask: Ask, database: Path) -> None:
    """In the store itself: search, popup, both panels, the tree and its tools, the printed sheet."""
    evil = '<script>window.hacked=1</script><img src=x onerror="window.hacked=1">厂'
    one = next(f for f in ask("layers/enterprises.geojson")["features"])
    key, named = one["properties"]["id"], one["properties"]["name"]
    elsewhere(database, f"UPDATE enterprise SET name = '{evil}' WHERE id = '{key}'")
    try:
        page = watch("desktop").open()
        expect(page.locator("#layer-enterprises")).to_be_checked()
        find(page, "script")
        expect(page.locator("#reach .where h3")).to_have_text(evil)
        page.focus("#map .maplibregl-canvas")
        page.keyboard.press("Enter")
        expect(page.locator(".maplibregl-popup")).to_contain_text(evil)
        page.click("#reach-around")
        expect(page.locator("#around-place")).to_contain_text(evil)
        expect(page.locator("#around .rows .name", has_text=evil).first).to_be_attached()
        page.click("#switch-workbench")
        page.locator("details.tool:has(#tool-views) > summary").click()
        assert evil in json.loads(parse_qs(urlsplit(page.input_value("#view-link")).query)["view"][0])["place"]["name"]
        sheet = page.request.get(page.evaluate("document.querySelector('#around .link-line a').href")).body()
        pdf = pypdfium2.PdfDocument(sheet)
        text = re.sub(r"\s", "", "".join(one.get_textpage().get_text_bounded() for one in pdf))
        pdf.close()
        assert "<script>window.hacked=1</script>" in text
        page.reload()
        page.wait_for_selector("body[data-ready=true]")
        assert page.evaluate("window.hacked") is None
        assert page.locator("img[src=x]").count() == 0
    finally:
        elsewhere(database, f"UPDATE enterprise SET name = '{named}' WHERE id = '{key}'")


def test_a_refusal_says_what_and_what_to_do(watch: Watch) -> None:
    watched = watch()
    page = watched.open()
    problem = {
        "type": "urn:x",
        "title": "Too large",
        "status": 413,
        "detail": "9 x 9 pairs: too many",
        "code": "too-large",
    }
    page.route(
        "**/api/v1/coverage*",
        lambda route: route.fulfill(status=413, content_type="application/problem+json", body=json.dumps(problem)),
    )
    page.click("#tab-coverage")
    failure = page.locator("#coverage .failure")
    expect(failure).to_contain_text("9 x 9 pairs: too many")
    expect(failure).to_contain_text("缩小范围")
    page.unroute("**/api/v1/coverage*")
    failure.get_by_role("button").click()
    expect(page.locator("#coverage-share")).to_be_visible()
    assert all("413" in error for error in watched.errors)
    watched.errors.clear()


@pytest.mark.parametrize("size", list(SIZES))
def test_text_is_large_enough_and_nothing_runs_off_the_side(size: str, watch: Watch) -> None:
    watched = watch(size)
    page = watched.open()
    box = page.locator("#map").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.5)
    expect(page.locator("#reach .verdict")).to_be_visible()
    small = """() => [...document.body.querySelectorAll('*')].filter((node) =>
        [...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim()) &&
        node.tagName !== 'SCRIPT' && parseFloat(getComputedStyle(node).fontSize) < 12
    ).map((node) => node.outerHTML.slice(0, 100))"""
    wide = "() => document.scrollingElement.scrollWidth - window.innerWidth"
    watched.shot(f"reach-{size}")
    for name in ("reach", "supply", "coverage", *(["layers"] if size == "phone" else [])):
        page.click(f"#tab-{name}")
        if name == "coverage":
            expect(page.locator("#coverage-share")).to_be_visible()
        assert page.evaluate(small) == []
        assert page.evaluate(wide) <= 0
        if size != "desktop":
            watched.shot(f"{name}-{size}")


def test_every_control_can_be_reached_by_keyboard_and_shows_it(watch: Watch) -> None:
    page = watch().open()
    page.focus("#search")
    seen = []
    for _ in range(60):
        page.keyboard.press("Tab")
        seen.append(page.evaluate(FOCUSED))
    names = [name for name, _ in seen]
    for wanted in ("when-mode", "layer-teams", "tab-reach"):
        assert wanted in names
    assert [name for name, visible in seen if not visible] == []
