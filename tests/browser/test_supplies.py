"""Supplies as dispatchers move them: from the map to the settlement, and two of them at the last units."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from playwright.sync_api import Browser, Page, expect

from data import ledger
from data.store import Store
from layers.actions.accounts import DEMO_PASSWORD
from tests.browser.conftest import DESK, PATIENCE_MS, SIZES, Watched, been_here
from tests.browser.test_map import choose_item, find, number

pytestmark = pytest.mark.browser
Watch = Callable[..., Watched]
SCARCE, LAST = "移动厕所", 7
"""An item of which only these many are left for the test of two dispatchers."""


def log_in(page: Page, address: str, account: str, target: str = "/") -> None:
    page.goto(f"{address}/login?next={target}")
    page.fill("#name", account)
    page.fill("#password", DEMO_PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/login" not in url)


def plan(page: Page, place: str, item: str, quantity: str) -> None:
    """Ask for a plan on the map and wait until the form that reserves it is there."""
    page.wait_for_selector("body[data-ready=true]", timeout=PATIENCE_MS)
    find(page, place)
    page.click("#tab-supply")
    choose_item(page, 0, item, quantity)
    page.fill("#supply-within", "")
    page.click("#supply-form button.primary")
    expect(page.locator("#dispatch form")).to_be_visible()
    page.fill("#dispatch-unit", "钟秀街道办")
    page.fill("#dispatch-place", place)
    page.fill("#dispatch-contact", "值班室")


def street_of(database: Path) -> str:
    with Store(database) as store, store.reading() as conn:
        row = conn.exec_driver_sql("SELECT name FROM shelter WHERE geom IS NOT NULL ORDER BY fid LIMIT 1").one()
    return str(row[0])


def fits(page: Page) -> None:
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, page.url
    small = page.evaluate(
        """[...document.querySelectorAll('body *')].filter((node) => node.checkVisibility()
            && [...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim())
            && parseFloat(getComputedStyle(node).fontSize) < 12).map((node) => node.outerHTML.slice(0, 90))"""
    )
    assert small == [], page.url


def press(page: Page, name: str) -> None:
    """Press the button of a form and wait for the page that comes of it."""
    with page.expect_navigation():
        page.get_by_role("button", name=name, exact=True).click()


def state(page: Page) -> str:
    return page.locator(".order-head .state-badge").inner_text()


@pytest.mark.parametrize("size", ["desktop", "wall", "phone"])
def test_boards_fit_every_screen(size: str, watch: Watch, address: str) -> None:
    watched = watch(size)
    page = watched.page
    log_in(page, address, "demo-dispatcher", "/supplies")
    for name, path in (
        ("board", "/supplies"),
        ("handover", "/supplies/handover"),
        ("kpis", "/supplies/kpis"),
        ("needs", "/supplies/needs?affected=3000&evacuated=400&days=3"),
        ("depots", "/supplies/depots"),
        ("depot", "/supplies/depots/D-01"),
        ("count", "/supplies/depots/D-01/count"),
        ("lots", "/supplies/lots"),
    ):
        page.goto(address + path)
        fits(page)
        watched.shot(f"{name}-{size}")
    page.goto(f"{address}/supplies")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()


def test_pages_work_without_scripts(chromium: Browser, address: str) -> None:
    context = chromium.new_context(java_script_enabled=False, viewport={"width": 1100, "height": 740})
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    try:
        log_in(page, address, "demo-dispatcher", "/supplies/needs")
        page.fill("#affected", "30")
        page.fill("#evacuated", "20")
        press(page, "按标准测算")
        options = page.locator("#places option").first.get_attribute("value")
        page.fill("#request-unit", "街道办")
        page.fill("#request-place", options or "")
        page.fill("#request-contact", "值班室")
        for field in page.locator("input.amount").all()[1:]:
            field.fill("")
        page.locator("input.amount").first.fill("5")
        press(page, "提出需求并预留")
        expect(page.locator("h1")).to_contain_text("需求单 XQ-")
        press(page, "续留 30 分钟")
        press(page, "下单")
        expect(page.locator(".state-badge").first).to_have_text("已下单")
        page.locator("table.list a[href^='/supplies/orders/']").first.click()
        page.locator("#step-cancel summary").click()
        page.fill("#cancel-reason", "演示结束")
        press(page, "取消这张单")
        assert state(page) == "已取消"
    finally:
        context.close()


@pytest.fixture
def last_units(database: Path) -> Iterator[int]:
    """Put all of the scarce item on hold but a few units in one depot; afterwards as before."""
    with Store(database) as store, store.writing() as conn:
        rows = conn.exec_driver_sql(
            "SELECT lot.id, lot.on_hand_e3 - lot.reserved_e3 - lot.on_hold_e3 FROM lot"
            " JOIN item ON item.id = lot.item_id WHERE item.name = ?"
            " AND lot.on_hand_e3 > lot.reserved_e3 + lot.on_hold_e3"
            " AND lot.status = 'usable' AND (lot.expires_on IS NULL OR lot.expires_on > ?) ORDER BY 2 DESC, 1",
            (SCARCE, f"{pd.Timestamp.now():%Y-%m-%d}"),
        ).all()
        moves = [
            ledger.Movement(lot, int(free) - (LAST * 1000 if k == 0 else 0), "depot", "hold", "hold", None, "test")
            for k, (lot, free) in enumerate(rows)
        ]
        held = [move for move in moves if move.quantity_e3 > 0]
        ledger.record(conn, held, source="test", now_utc=datetime.now(UTC))
    yield LAST
    with Store(database) as store, store.writing() as conn:
        back = [ledger.Movement(m.lot_id, m.quantity_e3, "hold", "depot", "unhold", None, "test") for m in held]
        ledger.record(conn, back, source="test", now_utc=datetime.now(UTC))


def test_two_dispatchers_at_the_last_units(
    chromium: Browser, address: str, database: Path, last_units: int, request: Any
) -> None:
    """Both see a plan with all that is left; one gets it, the other is told so and plans anew."""
    contexts = [
        chromium.new_context(viewport={"width": DESK[0], "height": DESK[1]}, reduced_motion="reduce") for _ in range(2)
    ]
    try:
        pages = []
        for context, account in zip(contexts, ("demo-dispatcher", "demo-admin"), strict=True):
            page = context.new_page()
            been_here(page)
            page.set_default_timeout(PATIENCE_MS)
            log_in(page, address, account)
            plan(page, street_of(database), SCARCE, str(last_units))
            pages.append(page)
        for page in pages:  # both before either of them is answered
            page.get_by_role("button", name="预留 30 分钟").click(no_wait_after=True)
        for page in pages:
            expect(page.locator("#dispatch .clock, #dispatch .failure").first).to_be_visible()
        got = [page for page in pages if page.locator("#dispatch .clock").count()]
        refused = [page for page in pages if page.locator("#dispatch .failure").count()]
        assert (len(got), len(refused)) == (1, 1)
        (loser,) = refused
        expect(loser.locator("#dispatch .failure")).to_contain_text("有冲突")
        expect(loser.locator("#dispatch-contact")).to_have_value("值班室")
        loser.click("#supply-form button.primary")
        expect(loser.locator("#supply .plan-line.lacking .short")).to_contain_text(str(last_units))
        # The same on the page: nothing is left, and it says whom to ask.
        loser.goto(f"{address}/supplies/lists/orders")
        expect(loser.locator("table.list")).to_contain_text(f"{SCARCE} {last_units}")
        assert number(loser.locator("table.list tbody tr").first.inner_text()) is not None
    finally:
        for context in contexts:
            context.close()
    assert SIZES
