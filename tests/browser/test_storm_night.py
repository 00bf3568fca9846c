"""What else a storm night asks for (the way is in `test_paths.py`): keys, a viewer, hostile names, refusals."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Watched

pytestmark = pytest.mark.browser
Watch = Callable[..., Watched]
Ask = Callable[..., Any]


def click_map(page: Page, x: float, y: float) -> None:
    """Click at shares of the map's width and height."""
    box = page.locator("#map").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] * x, box["y"] + box["height"] * y)


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
    expect(page.locator("#map .maplibregl-canvas")).to_be_focused()
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
    states = [f["properties"]["state"] for f in ask("layers/closures.geojson")["features"]]
    now, coming = states.count("now"), states.count("coming")
    expect(page.locator("#closure-list .order")).to_have_count(now + coming)
    # The numbers of the tree, of the panel and of the wall differ and say what they count.
    expect(page.locator("#closure-list h3")).to_have_text(f"封闭和限行: 生效中 {now} 处, 未开始 {coming} 处")
    expect(page.locator(".layer:has(#layer-closures) .count")).to_have_text(f"{len(states)} 含已结束")
    (figure,) = [one for one in ask("wall")["figures"] if one["id"] == "closures"]
    assert (figure["title"], figure["value"]) == ("生效中的道路封闭", now)
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
