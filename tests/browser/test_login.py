"""Log-in as people do it: with the form, with and without scripts, on a desk and on a phone."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from layers.actions.accounts import DEMO_PASSWORD
from tests.browser.conftest import PATIENCE_MS, SIZES, Watched

pytestmark = pytest.mark.browser
Watch = Callable[..., Watched]
Ask = Callable[..., Any]


def fits(page: Page) -> None:
    """Nothing sticks out of the window sideways."""
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_somebody_logs_in_and_out(size: str, watch: Watch) -> None:
    watched = watch(size)
    page = watched.open()
    expect(page.locator("#who")).to_have_text("登录")
    page.click("#who")
    expect(page.locator("h1")).to_have_text("崇川区(示意)")
    fits(page)
    watched.shot(f"login-{size}")
    expect(page.locator(".demo-accounts")).to_contain_text(DEMO_PASSWORD)
    page.fill("#name", "demo-dispatcher")
    page.fill("#password", "not this one")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("没有登录")
    expect(page.locator("#name")).to_have_value("demo-dispatcher")
    expect(page.locator("#password")).to_be_focused()
    watched.errors.clear()  # the browser reports the refusal
    page.fill("#password", DEMO_PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_selector("body[data-ready=true]", timeout=PATIENCE_MS)
    fits(page)
    who = page.locator("#who")
    expect(who.locator("summary")).to_contain_text("演示: 调度员")
    who.locator("summary").click()
    menu = who.locator(".menu")
    expect(menu).to_contain_text("demo-dispatcher")
    box = menu.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= SIZES[size][0]
    watched.shot(f"who-{size}")
    menu.get_by_role("button", name="退出").click()
    page.wait_for_selector("body[data-ready=true]", timeout=PATIENCE_MS)
    expect(page.locator("#who")).to_have_text("登录")


def test_whoever_may_not_is_told_to_log_in_and_comes_back(watch: Watch) -> None:
    watched = watch()
    page = watched.open("/?lang=zh")
    page.click("#tab-zoning")
    page.click("#zoning-run")
    told = page.locator("#zoning-job .failure")
    expect(told).to_contain_text("需要登录")
    watched.errors.clear()
    told.get_by_role("link", name="登录").click()
    page.fill("#name", "demo-viewer")
    page.fill("#password", DEMO_PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_selector("body[data-ready=true]", timeout=PATIENCE_MS)
    assert page.url.endswith("/?lang=zh")
    page.click("#tab-zoning")
    expect(page.locator("#zoning-summary table.levels")).to_be_visible()
    expect(page.locator("#zoning-run")).to_be_hidden()


def test_a_page_whose_session_is_over_says_so(watch: Watch) -> None:
    watched = watch()
    watched.log_in("demo-planner")
    page = watched.page
    page.click("#tab-zoning")
    expect(page.locator("#zoning-summary table.levels")).to_be_visible()
    # as from another tab
    token = page.evaluate("JSON.parse(document.getElementById('config').textContent).csrf.token")
    assert page.request.post(f"{watched.address}/logout", form={"csrf_token": token}).ok
    page.click("#zoning-run")
    expect(page.locator("#notices")).to_contain_text("需要登录")
    watched.errors.clear()


def test_the_form_needs_no_script(chromium: Browser, address: str) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{address}/login?lang=en")
    expect(page.get_by_role("button")).to_have_text("Log in")
    page.fill("#name", "demo-keeper")
    page.fill("#password", DEMO_PASSWORD)
    page.click("button[type=submit]")
    expect(page).to_have_url(re.compile(r"/$"))
    expect(page.locator("#who summary")).to_contain_text("仓库管理员")
    page.locator("#who summary").click()
    page.locator("#who").get_by_role("link").click()
    expect(page.locator("main")).to_contain_text("stays")
    page.go_back()
    page.locator("#who summary").click()
    page.locator("#who button").click()
    expect(page.locator("#who")).to_have_text("Log in")
    context.close()
