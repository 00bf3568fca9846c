"""The three ways through the console, each from start to end: command-centre staff, dispatcher, planner.

They take most pictures of the guide (see `pictures.py`).
"""

import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import numpy as np
import pypdfium2
import pytest
from playwright.sync_api import Page, expect

from geo.speeds import DEFAULT_SPEEDS
from layers.catalogue import LAYERS
from tests.browser.conftest import PATIENCE_MS, Watched
from tests.browser.pictures import picture, taken
from tests.browser.test_accessible import broken
from tests.browser.test_map import find, number
from tests.browser.test_planner import (
    CARD,
    STYLE,
    bench,
    count,
    document_of,
    style_enterprises,
    tool,
)
from tests.browser.test_storm_night import click_map
from tests.browser.test_supplies import fits, log_in, press, state, street_of

pytestmark = pytest.mark.browser
Watch = Callable[..., Watched]
Ask = Callable[..., Any]

SCRIPT = "<script>window.hacked=1</script>积水"


def shot(watched: Watched, size: str, name: str, *, moving: str | None = None) -> None:
    """The picture of the guide is that of the desk."""
    if size == "guide":
        picture(watched.page, name, moving=moving)


def by_night(page: Page, name: str, *, moving: str | None = None) -> None:
    """Which depot is quickest hangs on the speeds of the hour: a picture of the night is held against the night."""
    if DEFAULT_SPEEDS.profile(datetime.now(ZoneInfo("Asia/Shanghai")).hour) == "night":
        picture(page, name, moving=moving)


def words_of(document: bytes | Path) -> str:
    """The text of a PDF without its spaces."""
    pdf = pypdfium2.PdfDocument(document)
    text = "".join(one.get_textpage().get_text_bounded() for one in pdf)
    pdf.close()
    return re.sub(r"\s+", "", text)


def filter_enterprises(page: Page) -> None:
    page.select_option("#filter-enterprises", "risk_level")
    page.check(f"{CARD} .boxes input[value=major]")


def order(page: Page) -> list[str]:
    return [str(node.get_attribute("data-layer")) for node in page.locator(".bench-layer").all()]


def amounts(page: Page) -> dict[str, str]:
    """Where every piece of the first lot is, by the title of the column."""
    cells = page.locator("table.pieces tbody tr").first.locator("td").all()
    return {cell.get_attribute("data-label") or "": cell.inner_text() for cell in cells}


def place_of(page: Page, selector: str) -> str:
    found = re.search(r"(\d+\.\d{5}), (\d+\.\d{5})", page.locator(selector).inner_text())
    assert found is not None
    return f"{found.group(1)},{found.group(2)}"


def small_text(page: Page) -> list[str]:
    found: list[str] = page.evaluate(
        """() => [...document.querySelectorAll('#side *')].filter((node) =>
            [...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim())
            && node.offsetParent && parseFloat(getComputedStyle(node).fontSize) < 12).map((node) => node.outerHTML)"""
    )
    return found


def see_bridge(page: Page, ask: Ask) -> None:
    """Bring a bridge into the middle of the map."""
    # Closed, this one of the demo district delays a dozen villages at any hour.
    hit = ask("search", q="桥梁06", limit=1)[0]
    page.click("#tab-reach")
    page.fill("#search", hit["name"])
    expect(page.locator(".suggestions:not([hidden]) [role=option]").first).to_be_visible()
    page.press("#search", "Enter")
    expect(page.locator("#reach .where h3")).to_have_text(hit["name"])


def map_colours(page: Page) -> Any:
    """The map as it is drawn: (height, width, 3), once two looks at it are the same."""
    box = page.locator("#map").bounding_box()
    assert box is not None
    left, top = int(box["x"]), int(box["y"])
    before: Any = None
    for _ in range(20):
        page.wait_for_timeout(700)
        now = np.asarray(taken(page).convert("RGB"), dtype=np.int16)[top : top + int(box["height"])]
        now = now[:, left : left + int(box["width"])]
        if before is not None and np.abs(now - before).max(axis=2).mean() < 0.2:
            return now
        before = now
    raise AssertionError("the map does not come to rest")


# -- command-centre staff ---------------------------------------------------------------------------


@pytest.mark.parametrize("size", ["guide", "phone"])
def test_staff_in_a_storm_night(size: str, watch: Watch, ask: Ask) -> None:
    watched = watch(size)
    watched.log_in("demo-dispatcher")
    page = watched.page
    revision = ask("status")["revision"]

    # What is there, how much of it and how old.
    if size == "phone":
        page.click("#tab-layers")
    shown = {row["id"]: row for row in ask("layers")}
    for name in ("teams", "shelters", "depots", "enterprises"):
        line = page.locator(f".layer:has(#layer-{name})")
        assert number(line.locator(".count").text_content() or "") == shown[name]["count"]
        expect(line.locator("> .facts")).to_contain_text("更新于")
    shot(watched, size, "map")

    # What changed.
    page.click("#tab-since")
    expect(page.locator("#since-count")).to_contain_text("22:00 以来")
    shot(watched, size, "since", moving="#since")

    # A click anywhere.
    page.click("#tab-reach")
    click_map(page, 0.55, 0.5)
    expect(page.locator("#reach .verdict")).to_be_visible()
    answer = ask("reach", at=place_of(page, "#reach .coordinates"))
    expect(page.locator("#reach .coordinates")).to_contain_text("WGS 84")
    expect(page.locator("#reach .coordinates")).to_contain_text("EPSG:4549")
    for part in ("village", "street"):
        expect(page.locator("#reach .where")).to_contain_text(answer[part])
    rows = page.locator("#reach .teams tbody tr:not(.bars)")
    assert rows.count() == len(answer["teams"]) == 3
    for k, team in enumerate(answer["teams"]):
        assert team["name"] in rows.nth(k).inner_text()
        minutes = [number(text) for text in rows.nth(k).locator("td").all_inner_texts()]
        parts = [team[f"{part}_s"] / 60 for part in ("handling", "turnout", "travel", "last_leg", "total")]
        assert minutes == pytest.approx(parts, abs=0.11)  # the place on the screen is rounded to a metre
        assert sum(parts[:4]) == pytest.approx(parts[4])
    for kind in ("hospital", "shelter"):
        expect(page.locator("#reach")).to_contain_text(answer[kind]["name"])
    expect(page.locator("#reach")).to_contain_text(f"可安置 {answer['shelter']['places']:,} 人")
    for node in page.locator("#reach .nearest .kind").all():
        expect(node).to_contain_text("来源 demo, 更新于")
    shot(watched, size, "reach")

    # Around it: the panel, the outline on the map, the sheet.
    page.click("#reach-around")
    expect(page.locator("#around .sums")).to_be_visible()
    link = page.locator("#around .link-line a").get_attribute("href") or ""
    found = ask("around", at=parse_qs(urlsplit(link).query)["at"][0], radius_m=1000)
    sums = page.locator("#around .sum strong")
    assert number(sums.nth(0).inner_text()) == found["summary"]["persons"]["resident"]
    assert number(sums.nth(1).inner_text()) == found["summary"]["persons"]["day"]
    kinds = ("enterprises", "shelters", "teams", "depots", "hospitals")
    assert [number(sums.nth(2 + k).inner_text()) for k in range(5)] == [found["summary"][k]["count"] for k in kinds]
    expect(page.locator("#around .rows .nearest")).to_have_count(found["count"])
    expect(page.locator("#around .sum .origin").first).to_contain_text("来源 demo")
    shot(watched, size, "around")
    sheet = page.context.request.get(watched.address + link)
    assert (sheet.status, sheet.headers["content-type"]) == (200, "application/pdf")
    assert f"{found['summary']['persons']['resident']:,}" in words_of(sheet.body())
    with page.expect_response("**/around/area?*minutes=5*") as outline:
        page.select_option("#around-by", "minutes")
    assert outline.value.json()["geometry"]["type"] in ("Polygon", "MultiPolygon")
    expect(page.locator("#around .where h3")).to_have_text("行车 5 分钟以内")
    # The place on the screen is rounded to a metre: a cell at the very bound may lie on either side.
    found = ask("around", at=parse_qs(urlsplit(outline.value.url).query)["at"][0], minutes=5)
    assert number(sums.nth(0).inner_text()) == found["summary"]["persons"]["resident"]
    assert broken(page) == []

    # A closure around a bridge: drawn, kept over a reload, sent, looked at, undone.
    see_bridge(page, ask)
    page.click("#tab-closures")
    page.check("#closure-form input[value=area]")
    before = map_colours(page)
    page.click("#closure-draw")
    for x, y in ((0.15, 0.12), (0.82, 0.12), (0.85, 0.88), (0.15, 0.88)):
        click_map(page, x, y)
    page.click("#closure-draw")
    expect(page.locator("#closure-corners")).to_have_text("已画 4 点")
    reason = "桥面积水" if size == "guide" else SCRIPT
    page.fill("#closure-reason", reason)
    ends = f"{datetime.now(ZoneInfo('Asia/Shanghai')) + timedelta(days=1):%Y-%m-%dT06:00}"  # by the district's clock
    page.fill("#closure-to", ends)
    watched.open()
    page.click("#notices button")
    expect(page.locator("#closure-corners")).to_have_text("已画 4 点")
    expect(page.locator("#closure-reason")).to_have_value(reason)
    expect(page.locator("#closure-to")).to_have_value(ends)
    page.click("#closure-form button[type=submit]")
    expect(page.locator("#closure-verdict")).to_be_visible(timeout=PATIENCE_MS)
    closure = next(
        one["properties"]
        for one in ask("layers/closures.geojson")["features"]
        if one["properties"]["reason"] == reason and one["properties"]["state"] == "now"
    )
    effect = ask(f"closures/{closure['id']}/difference")
    totals, rows_of = effect["difference"]["totals"], effect["difference"]["places"]
    expect(page.locator("#closure .rows .nearest")).to_have_count(min(len(rows_of), 100))
    expect(page.locator("#closure .rows .nearest").first).to_contain_text(rows_of[0]["name"])
    if size == "guide":
        assert totals["lost_places"] > 0, "this bridge with all roads around it is the way to somebody"
    if totals["lost_places"]:
        expect(page.locator("#closure-verdict")).to_contain_text(f"{totals['lost_persons']:,} 人")
        expect(page.locator("#closure .rows .nearest.lost")).to_have_count(totals["lost_places"])
    assert page.evaluate("document.querySelectorAll('dialog[open], [role=dialog]').length") == 0
    assert page.evaluate("window.hacked") is None
    assert small_text(page) == []
    # The layers of the coverage follow by themselves.
    uncovered = next(row["count"] for row in ask("layers") if row["id"] == "uncovered_places")
    assert uncovered == shown["uncovered_places"]["count"] + totals["lost_places"]
    expect(page.locator(".layer:has(#layer-uncovered_places) .count")).to_have_text(str(uncovered), timeout=PATIENCE_MS)
    shot(watched, size, "closure")
    closed = map_colours(page)
    assert broken(page) == []
    page.click("#closure-undo")
    expect(page.locator("#closure-undone")).to_contain_text("记录保留")
    assert ask(f"closures/{closure['id']}/difference")["difference"]["places"] == []
    assert page.evaluate("localStorage.getItem('onemap-closure')") is None
    if size == "guide":
        assert redder(closed, map_colours(page)) > 0.05, "the villages were red, and are no more"
        assert before.shape == closed.shape
    page.click("#tab-since")
    change = page.locator("#since .change.closures").first
    expect(change).to_contain_text(f"解除 {reason}")
    change.locator(".nearest").click()
    assert ask("status")["revision"] > revision
    assert page.evaluate("document.documentElement.scrollWidth") <= page.evaluate("window.innerWidth")

    if size == "guide":
        page.click("#tab-coverage")
        expect(page.locator("#coverage .headline, #coverage table").first).to_be_visible()
        shot(watched, size, "coverage")


def redder(one: Any, other: Any) -> float:
    """The share of pixels that are clearly redder in one picture of the map than in the other."""
    red = [colours[..., 0] - colours[..., 1:].max(axis=2) for colours in (one, other)]
    return float((red[0] - red[1] > 15).mean())


# -- dispatcher -------------------------------------------------------------------------------------


def test_a_dispatcher_from_the_place_to_the_trace(watch: Watch, address: str, database: Path, ask: Ask) -> None:
    watched = watch("guide")
    page = watched.page
    log_in(page, address, "demo-dispatcher")
    page.wait_for_selector("body[data-ready=true]", timeout=PATIENCE_MS)

    # The place by a click, then by name; items by initials, pinyin and Chinese; quantities, a deadline.
    page.click("#tab-supply")
    click_map(page, 0.5, 0.5)
    expect(page.locator("#supply-place")).to_contain_text(re.compile(r"\d+\.\d{5}"))
    page.click("#tab-reach")
    place = street_of(database)
    find(page, place)
    page.click("#tab-supply")
    expect(page.locator("#supply-place")).to_contain_text(place)
    wanted = (("sd", "沙袋", "200"), ("mianbei", "棉被", "12"), ("手电", "手电", "4"))
    for row, (typed, name, quantity) in enumerate(wanted):
        if row:
            page.click("#supply-add")
        page.locator("#supply-rows input.item").nth(row).fill(typed)
        page.locator(".suggestions:not([hidden]) [role=option]", has_text=name).first.click()
        expect(page.locator("#supply-rows .need").nth(row).locator(".unit")).not_to_be_empty()
        page.locator("#supply-rows input.amount").nth(row).fill(quantity)
    page.fill("#supply-within", "90")
    page.click("#supply-form button.primary")

    # Up to three plans, their routes, who was refused and why.
    expect(page.locator("#dispatch form")).to_be_visible()
    query = parse_qs(urlsplit(page.locator("#supply .link-line a").get_attribute("href") or "").query)
    told = ask("supply/plans", **{key: query[key] for key in ("to", "need", "within", "substitutes")})
    ways = page.locator("#supply .ways [role=radio]")
    expect(ways).to_have_count(len(told["plans"]))
    assert 1 <= len(told["plans"]) <= 3
    assert {way for plan in told["plans"] for way in plan["ways"]} == {"earliest", "fewest_depots", "own_level"}
    refused = page.locator("#supply .refused").last
    refused.locator("summary").click()
    expect(refused.locator("li .badge").first).to_be_visible()
    refused.locator("summary").click()
    ways.first.evaluate("node => node.closest('.ways').scrollIntoView({ block: 'center' })")
    by_night(page, "supply")

    # The quilts alone are wanted in the end: reserve, order, follow.
    for row in (2, 0):
        page.locator("#supply-rows .remove").nth(row).click()
    expect(page.locator("#supply-rows input.item")).to_have_value("棉被")
    page.click("#supply-form button.primary")
    expect(page.locator("#supply .plan-line")).to_have_count(1)
    page.fill("#dispatch-unit", "钟秀街道办")
    page.fill("#dispatch-place", place)
    page.fill("#dispatch-contact", "值班室")
    page.get_by_role("button", name="预留 30 分钟").click()
    expect(page.locator("#dispatch .clock")).to_have_text(re.compile(r"(30:00|29:\d\d)"))
    by_night(page, "reserve")
    page.get_by_role("button", name="下单", exact=True).click()
    expect(page.locator("#dispatch .order .state-badge").first).to_have_text("已下单")
    number_of = page.locator("#dispatch a.number").first.inner_text()
    page.click("#tab-orders")
    followed = page.locator("#orders .order", has=page.locator("a.number", has_text=number_of))
    expect(followed).to_contain_text("已下单")
    by_night(page, "orders", moving="#orders")
    with page.expect_navigation():
        followed.locator("a.number").click()

    # Issue, by its code; what is not of this order is refused.
    assert state(page) == "已下单"
    fits(page)
    lot = page.locator("#step-issue tr[data-lot]").first
    page.fill("#scan", lot.get_attribute("data-lot") or "")
    page.press("#scan", "Enter")
    expect(lot.locator("input[type=checkbox]")).to_be_checked()
    assert state(page) == "已下单", "a scan issues nothing"
    page.fill("#scan", "no such lot")
    with page.expect_navigation():
        page.press("#scan", "Enter")
    expect(page.locator("#problem")).to_contain_text("不要装车")
    expect(page.locator("#problem")).to_be_focused()
    watched.errors.clear()  # the browser reports the refusal
    page.select_option("#issue-vehicle", index=1)
    press(page, "确认出库")
    assert state(page) == "已出库"
    expect(page.locator(".fine")).to_contain_text("出库")
    press(page, "确认发车")
    assert state(page) in ("在途", "晚点")
    expect(page.locator(".facts-list")).to_contain_text(" km")

    # Receive a part, then the rest; use, return, settle.
    page.fill("[name='received.0']", "8")
    page.fill("[name='damaged.0']", "2")
    page.fill("[name='missing.0']", "")
    by_night(page, "receive")
    press(page, "确认签收")
    assert state(page) == "部分签收"
    held = amounts(page)
    assert (held["在现场"], held["损坏"], held["在途"]) == ("8", "2", "2")
    page.fill("[name='received.0']", "1")
    page.fill("[name='missing.0']", "1")
    press(page, "确认签收")
    assert state(page) == "已签收"
    page.locator("#step-use [name='quantity.0']").fill("99")
    press(page, "登记使用")
    expect(page.locator("#problem")).to_contain_text("使用 99, 但现场只有 9")
    watched.errors.clear()
    page.locator("#step-use [name='quantity.0']").fill("5")
    press(page, "登记使用")
    page.locator("#step-return summary").first.click()
    page.locator("#step-return [name='quantity.0']").fill("4")
    press(page, "确认退库")
    held = amounts(page)
    assert (held["已使用"], held["已退库"], held["损坏"], held["缺失"]) == ("5", "4", "2", "1")
    press(page, "结清")
    assert state(page) == "已结清"
    assert page.locator(".steps").count() == 0, "nothing is left to do"
    fits(page)

    # Trace.
    with page.expect_navigation():
        page.locator("table.pieces a").first.click()
    for step in ("预留", "出库", "签收", "使用", "退库入账"):
        expect(page.locator(".timeline")).to_contain_text(step)
    by_night(page, "trace", moving=".timeline")


# -- planner ----------------------------------------------------------------------------------------


def test_a_planner_from_the_workbench_to_the_sheet(watch: Watch, ask: Ask) -> None:
    watched = watch("guide")
    watched.log_in("demo-planner")
    page = watched.page
    page.select_option("#when-mode", "fixed")
    page.fill("#when-time", "2026-07-01T09:30")
    page.dispatch_event("#when-time", "change")
    bench(page)

    # Order by key and by mouse, opacity.
    first, second, third = order(page)[:3]
    page.focus(f"[data-layer={second}] button >> nth=0")
    page.keyboard.press("Enter")
    assert order(page)[:3] == [second, first, third]
    assert page.evaluate("document.activeElement.closest('.bench-layer').dataset.layer") == second
    page.drag_and_drop(f"[data-layer={third}] .grip", f"[data-layer={second}] strong")
    assert order(page)[:3] == [third, second, first]
    page.focus(f"#opacity-{third}")
    for _ in range(4):
        page.keyboard.press("ArrowLeft")
    expect(page.locator(f"[data-layer={third}] output")).to_have_text("80 %")
    page.locator(f"[data-layer={second}] button").nth(2).click()
    assert second not in order(page)
    assert not page.is_checked(f"#layer-{second}")

    # Style by a field in classes, filter: as the API says.
    style_enterprises(page)
    filter_enterprises(page)
    mine = {"id": "enterprises", "filters": [{"field": "risk_level", "values": ["major"]}], "style": STYLE}
    told = ask("views/shown", view=json.dumps({"layers": [mine]}))[0]
    matched = f"{told['matched']:,} / {told['count']:,}"
    expect(page.locator(f"{CARD} > .facts")).to_contain_text(matched)
    rows = page.locator(f"{CARD} .legend.counted li")
    expect(rows).to_have_count(len(told["legend"]))
    for k, mark in enumerate(told["legend"]):
        assert rows.nth(k).locator(".grow").inner_text() == mark["label"]
        assert count(rows.nth(k).locator(".num").inner_text()) == mark["count"]
    picture(page, "workbench")
    page.click("#switch-layers")
    legend = page.locator("#legend-enterprises li").all_inner_texts()
    assert legend == [mark["label"] for mark in told["legend"]], "the legend of the tree follows"
    page.click("#switch-workbench")

    # Two layers under one divider, by key and by mouse.
    tool(page, "swipe")
    page.select_option("#swipe-by", "layers")
    page.select_option("#swipe-left", "enterprises")
    page.select_option("#swipe-right", "shelters")
    page.click("#swipe-start")
    divider = page.locator(".swipe-divider")
    expect(divider).to_be_focused(timeout=PATIENCE_MS * 2)
    for key, value in (("ArrowLeft", "48"), ("End", "100"), ("Home", "0"), ("PageUp", "10")):
        page.keyboard.press(key)
        assert divider.get_attribute("aria-valuenow") == value
    handle, frame = divider.bounding_box(), page.locator("#map").bounding_box()
    assert handle is not None
    assert frame is not None
    page.mouse.move(handle["x"] + 2, handle["y"] + 300)
    page.mouse.down()
    page.mouse.move(frame["x"] + frame["width"] * 0.6, handle["y"] + 300, steps=4)
    page.mouse.up()
    assert divider.get_attribute("aria-valuenow") == "60"
    assert page.locator(".swipe-name").all_inner_texts() == ["企业安全风险(红橙黄蓝四色)", "避难场所"]
    picture(page, "swipe")
    divider.focus()
    page.keyboard.press("Escape")
    expect(divider).to_have_count(0)
    tool_closed(page, "swipe")

    # Measure: the answer of the API.
    tool(page, "measure")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/measure?" in request.url else None)
    page.click("#tool-measure [data-shape=area]")
    for x, y in ((0.4, 0.4), (0.6, 0.4), (0.6, 0.6)):
        click_map(page, x, y)
    expect(page.locator("#measured-area")).to_be_visible()
    points = parse_qs(urlsplit(asked[-1]).query)["point"]
    assert len(points) == 3
    measured = ask("measure", point=points, shape="area")
    assert f"{round(measured['area_m2']):,} m²" in page.locator("#measured-area").inner_text()
    assert f"{round(measured['length_m']):,} m" in page.locator("#measured-length").inner_text()
    expect(page.locator("#reach .verdict")).to_have_count(0)  # the clicks asked nothing else
    picture(page, "measure")
    page.click("#tool-measure [data-shape=area]")
    tool_closed(page, "measure")

    # Draw, and keep all of it under a name.
    tool(page, "draw")
    page.click("#tool-draw [data-shape=line]")
    click_map(page, 0.35, 0.5)
    click_map(page, 0.65, 0.55)
    page.fill("#draw-label", "巡查线")
    page.click("#draw-finish")
    expect(page.locator(".drawn li")).to_have_count(1)
    picture(page, "draw")
    tool_closed(page, "draw")
    tool(page, "views")
    page.fill("#view-name", "汛期重点企业")
    page.check("#view-shared")
    page.click("#view-form button[type=submit]")
    expect(page.locator("li[data-view]")).to_contain_text("汛期重点企业")
    written = document_of(page)
    assert written["at"] == "2026-07-01T09:30"
    assert [one["id"] for one in written["layers"]] == order(page)
    assert next(one for one in written["layers"] if one["id"] == third)["opacity"] == 0.8
    assert next(one for one in written["layers"] if one["id"] == "enterprises").items() >= mine.items()
    assert [one["label"] for one in written["drawing"]] == ["巡查线"]
    picture(page, "views")

    # The link restores everything, for whoever may see it; so does the name.
    link = page.input_value("#view-link")
    reader = watch("guide")
    seen = reader.open(link.removeprefix(reader.address))
    bench(seen)
    expect(seen.locator(f"{CARD} > .facts")).to_contain_text(matched)
    public = {key for key, layer in LAYERS.items() if "viewer" in layer.roles}
    wanted = {**written, "layers": [one for one in written["layers"] if one["id"] in public]}
    assert document_of(seen) == wanted
    expect(seen.locator("#notices .failure")).to_be_visible()  # some layers are not for a viewer, which is said
    assert all("404" in error for error in reader.errors)
    reader.errors.clear()
    assert seen.input_value("#when-time") == "2026-07-01T09:30"
    seen.locator("li[data-view] button.link", has_text="汛期重点企业").click()
    expect(seen.locator("#view-told")).to_contain_text("不在此账号可看范围内")
    assert document_of(seen) == wanted
    tool_closed(page, "views")

    # Printed on A3: what is printed is what the API says.
    tool(page, "print")
    page.fill("#print-title", "企业当班人数图")
    page.fill("#print-map_number", "苏F(2026)001号")
    page.select_option("#print-paper", "A3")
    page.click("#tool-print button[type=submit]")
    expect(page.locator("#print-out")).to_be_visible(timeout=PATIENCE_MS * 2)
    picture(page, "print")
    with page.expect_download() as got:
        page.click("#print-out")
    text = words_of(got.value.path())
    for part in ("企业当班人数图", "苏F(2026)001号", "比例尺", "北", "数据时点", "资料来源", f"{told['matched']:,}"):
        assert part in text
    for mark in told["legend"]:
        assert not mark["count"] or re.sub(r"\s+", "", f"{mark['label']}{mark['count']:,}") in text, mark
    page.locator("details.tool:has(#tool-print) > summary").click()
    tool(page, "views")
    row = page.locator("li[data-view]", has_text="汛期重点企业")
    row.locator("summary").click()
    row.locator("button.danger").click()
    row.locator("button.danger").click()
    expect(row).to_have_count(0)


def tool_closed(page: Page, name: str) -> None:
    """Fold a tool up again."""
    page.locator(f"details.tool:has(#tool-{name}) > summary").click()
    expect(page.locator(f"#tool-{name}")).to_be_hidden()
