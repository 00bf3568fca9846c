"""A storm night as command-centre staff go through it: layers, what changed, a click, around, a closure, undo."""

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import SIZES, Watched
from tests.browser.test_accessible import broken

pytestmark = pytest.mark.browser
Watch = Callable[..., Watched]
Ask = Callable[..., Any]

SIZES["room"] = (1920, 1080)
SCRIPT = "<script>window.hacked=1</script>积水"


def number(text: str) -> float:
    found = re.search(r"-?[\d,]+(?:\.\d+)?", text)
    assert found is not None, text
    return float(found.group().replace(",", ""))


def click_map(page: Page, x: float, y: float) -> None:
    """Click at shares of the map's width and height."""
    box = page.locator("#map").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] * x, box["y"] + box["height"] * y)


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


@pytest.mark.parametrize("size", ["desktop", "room", "phone"])
def test_the_whole_path_of_a_storm_night(size: str, watch: Watch, ask: Ask) -> None:
    watched = watch(size)
    watched.log_in("demo-dispatcher")
    page = watched.page
    revision = ask("status")["revision"]

    # What is there, and what changed.
    if size == "phone":
        page.click("#tab-layers")
    expect(page.locator(".layer:has(#layer-teams) .count")).not_to_be_empty()
    expect(page.locator(".layer:has(#layer-teams) > .facts")).to_contain_text("更新于")
    page.click("#tab-since")
    expect(page.locator("#since-count")).to_contain_text("22:00 以来")
    watched.shot(f"storm-since-{size}")

    # A click anywhere.
    page.click("#tab-reach")
    click_map(page, 0.55, 0.5)
    expect(page.locator("#reach .verdict")).to_be_visible()
    spot = place_of(page, "#reach .coordinates")
    answer = ask("reach", at=spot)
    expect(page.locator("#reach .coordinates")).to_contain_text("WGS 84")
    expect(page.locator("#reach .coordinates")).to_contain_text("EPSG:4549")
    assert page.locator("#reach .teams tbody tr:not(.bars)").count() == 3
    expect(page.locator("#reach")).to_contain_text(answer["shelter"]["name"])
    expect(page.locator("#reach")).to_contain_text(f"可安置 {answer['shelter']['places']:,} 人")
    for node in page.locator("#reach .nearest .kind").all():
        expect(node).to_contain_text("来源 demo, 更新于")
    watched.shot(f"storm-reach-{size}")

    # Around it, in metres and in minutes.
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
    watched.shot(f"storm-around-{size}")
    sheet = page.context.request.get(watched.address + link)
    assert (sheet.status, sheet.headers["content-type"]) == (200, "application/pdf")
    with page.expect_response("**/around/area?*minutes=5*") as outline:
        page.select_option("#around-by", "minutes")
    assert outline.value.json()["geometry"]["type"] in ("Polygon", "MultiPolygon")
    expect(page.locator("#around .where h3")).to_have_text("行车 5 分钟以内")
    assert broken(page) == []
    # The place on the screen is rounded to a metre: a cell at the very bound may lie on either side.
    exact = parse_qs(urlsplit(outline.value.url).query)["at"][0]
    found = ask("around", at=exact, minutes=5)
    assert number(sums.nth(0).inner_text()) == found["summary"]["persons"]["resident"]
    watched.shot(f"storm-minutes-{size}")

    # A closure on a bridge, drawn, kept over a reload, sent, looked at, undone.
    see_bridge(page, ask)
    page.click("#tab-closures")
    page.click("#closure-draw")
    click_map(page, 0.35, 0.4)
    click_map(page, 0.65, 0.6)
    page.click("#closure-draw")
    expect(page.locator("#closure-corners")).to_have_text("已画 2 点")
    page.fill("#closure-reason", SCRIPT)
    watched.shot(f"storm-drawn-{size}")
    watched.open()
    page.click("#notices button")
    expect(page.locator("#closure-corners")).to_have_text("已画 2 点")
    expect(page.locator("#closure-reason")).to_have_value(SCRIPT)
    page.click("#closure-form button[type=submit]")
    expect(page.locator("#closure-verdict")).to_be_visible()
    closure = next(
        f["properties"]
        for f in ask("layers/closures.geojson")["features"]
        if f["properties"]["reason"] == SCRIPT and f["properties"]["state"] == "now"
    )
    effect = ask(f"closures/{closure['id']}/difference")
    totals = effect["difference"]["totals"]
    rows = effect["difference"]["places"]
    assert rows, "a closed bridge slows somebody"
    expect(page.locator("#closure .rows .nearest")).to_have_count(min(len(rows), 100))
    expect(page.locator("#closure .rows .nearest").first).to_contain_text(rows[0]["name"])
    if totals["lost_places"]:
        expect(page.locator("#closure-verdict")).to_contain_text(f"{totals['lost_persons']:,} 人")
    hinted = page.evaluate("document.querySelectorAll('dialog[open], [role=dialog]').length")
    assert hinted == 0, "nothing stands over the map"
    assert page.evaluate("window.hacked") is None
    assert small_text(page) == []
    assert broken(page) == []
    watched.shot(f"storm-closed-{size}")
    page.click("#closure-undo")
    expect(page.locator("#closure-undone")).to_contain_text("记录保留")
    assert ask(f"closures/{closure['id']}/difference")["difference"]["places"] == []
    assert page.evaluate("localStorage.getItem('onemap-closure')") is None
    page.click("#tab-since")
    change = page.locator("#since .change.closures").first
    expect(change).to_contain_text(f"解除 {SCRIPT}")
    change.locator(".nearest").click()
    watched.shot(f"storm-undone-{size}")
    assert ask("status")["revision"] > revision
    assert page.evaluate("document.documentElement.scrollWidth") <= page.evaluate("window.innerWidth")


def test_all_of_it_goes_by_keyboard(watch: Watch) -> None:
    watched = watch()
    watched.log_in("demo-dispatcher")
    page = watched.page
    page.focus("#tab-reach")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#tab-closures")).to_have_attribute("aria-selected", "true")
    page.focus("#closure-draw")
    page.keyboard.press("Enter")
    expect(page.locator("#map canvas")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(700)
    page.keyboard.press("Enter")
    expect(page.locator("#closure-corners")).to_have_text("已画 2 点")
    page.keyboard.press("Backspace")
    expect(page.locator("#closure-corners")).to_have_text("已画 1 点, 还差 1 点")
    page.keyboard.press("Escape")
    expect(page.locator("#closure-draw")).to_be_focused()
    expect(page.locator("#closure-draw")).to_have_attribute("aria-pressed", "false")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none", "the focus is seen"
    page.focus("#closure-form button[type=submit]")
    page.keyboard.press("Enter")
    expect(page.locator("#closure .failure")).to_have_text("先在地图上画出封闭的位置。")
    page.click("#closure-clear")
    assert page.evaluate("localStorage.getItem('onemap-closure')") is None


def test_who_may_not_close_sees_closures_and_no_form(watch: Watch, ask: Ask) -> None:
    page = watch().open()
    page.click("#tab-closures")
    shown = [f for f in ask("layers/closures.geojson")["features"] if f["properties"]["state"] != "over"]
    expect(page.locator("#closure-list .order")).to_have_count(len(shown))
    assert page.locator("#closure-form").count() == 0
    page.locator("#closure-list .order button").nth(1).click()
    expect(page.locator("#closure-verdict")).to_be_visible()
    assert page.locator("#closure-undo").count() == 0
    page.click("#tab-since")
    expect(page.locator("#since-count")).to_be_visible()
    assert page.locator("#since .change.events").count() == 0, "orders are for staff"


def test_names_around_are_text_and_telephones_are_for_staff(watch: Watch) -> None:
    watched = watch()
    page = watched.page
    evil = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>厂'

    def poisoned(route: Route) -> None:
        response = route.fetch()
        body = response.json()
        assert not any("phone" in row["attributes"] for row in body["facilities"])
        for row in body["facilities"]:
            row["name"] = evil
        route.fulfill(response=response, body=json.dumps(body))

    page.route("**/api/v1/around?*", poisoned)
    watched.open()
    page.click("#tab-around")
    click_map(page, 0.55, 0.5)
    expect(page.locator("#around .rows .nearest .name").first).to_have_text(evil)
    assert page.evaluate("window.hacked") is None
    assert page.locator("#around img").count() == 0


def test_a_refusal_around_says_what_to_do(watch: Watch) -> None:
    watched = watch()
    page = watched.open()
    page.click("#tab-around")
    page.click("#around-form button")
    expect(page.locator("#around .empty")).to_contain_text("点一下地图")
    problem = {"type": "urn:x", "title": "Too large", "status": 413, "detail": "minutes=999", "code": "too-large"}
    page.route(
        "**/api/v1/around/area*",
        lambda route: route.fulfill(status=413, content_type="application/problem+json", body=json.dumps(problem)),
    )
    click_map(page, 0.55, 0.5)
    expect(page.locator("#around .failure")).to_contain_text("minutes=999")
    page.unroute("**/api/v1/around/area*")
    page.locator("#around .failure").get_by_role("button").click()
    expect(page.locator("#around .sums")).to_be_visible()
    assert all("413" in error for error in watched.errors)
    watched.errors.clear()
