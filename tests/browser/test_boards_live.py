"""Boards follow what others do, and never take away what somebody is at."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import PATIENCE_MS, Watched
from tests.browser.test_live import Restartable, elsewhere, own, requests_of
from tests.browser.test_supplies import log_in, press

__all__ = ["own"]
pytestmark = pytest.mark.browser
Open = Callable[[str, str], Page]
NEEDS = "/supplies/needs?affected=30&evacuated=20&days=1"


@contextmanager
def desks(chromium: Browser, address: str, *, refused: int = 0) -> Iterator[Open]:
    """Open pages of different people, each in a browser of their own; none may have had an error.

    A browser reports every refusal as an error: the status that a test expects is none.
    """
    watched = []

    def make(account: str, path: str) -> Page:
        context = chromium.new_context(viewport={"width": 1100, "height": 740}, reduced_motion="reduce")
        context.set_default_timeout(PATIENCE_MS)
        watched.append(Watched(context.new_page(), address))
        page = watched[-1].page
        log_in(page, address, account, path.replace("?", "%3F").replace("&", "%26"))
        expect(page.locator("body")).to_have_attribute("data-live", "live")
        return page

    try:
        yield make
        errors = [text for one in watched for text in one.errors]
        assert [text for text in errors if f"status of {refused} " not in text] == []
        assert bool(errors) == bool(refused)
        assert [one.outside for one in watched if one.outside] == []
    finally:
        for one in watched:
            one.page.context.close()


def ask_for(page: Page, quantity: str) -> None:
    """Fill the form of the needs page in: so much of its first item, to the first place."""
    place = page.locator("#places option").first.get_attribute("value") or ""
    page.fill("#request-unit", "街道办")
    page.fill("#request-place", place)
    page.fill("#request-contact", "值班室")
    for field in page.locator("main input.amount").all():
        field.fill("")
    page.locator("main input.amount").first.fill(quantity)


def ordered(page: Page) -> str:
    """Ask for a little, order it, and go to the first of its orders; its address."""
    ask_for(page, "3")
    press(page, "提出需求并预留")
    press(page, "下单")
    return page.locator("table.list a[href^='/supplies/orders/']").first.get_attribute("href") or ""


def test_a_board_shows_what_another_dispatcher_reserved(chromium: Browser, address: str) -> None:
    with desks(chromium, address) as open_:
        board, other = open_("demo-dispatcher", "/supplies"), open_("demo-admin", NEEDS)
        requests = open_("demo-planner", "/supplies/lists/requests")
        before = int(board.locator("#reservations .count").inner_text())
        listed = requests.locator("table.list tbody tr").count()
        made = requests_of(board)
        ask_for(other, "3")
        press(other, "提出需求并预留")
        number = (other.locator("h1").inner_text()).split()[-1]
        expect(board.locator("#reservations .count")).not_to_have_text(str(before))
        expect(board.locator("#reservations tbody")).to_contain_text(number.replace("XQ", "DB"))
        expect(requests.locator("table.list tbody tr")).to_have_count(listed + 1)
        assert {url.split("?")[0] for url in made} == {f"{address}/supplies"}, "nobody polls while the stream is there"
        other.get_by_role("button", name="下单", exact=True).click()
        expect(board.locator(f"#orders tr:has-text('{number.replace('XQ', 'DB')}') .state-badge").first).to_have_text(
            "已下单"
        )


def test_what_is_typed_stays_through_every_change(chromium: Browser, address: str) -> None:
    with desks(chromium, address, refused=409) as open_:
        other = open_("demo-admin", NEEDS)
        order = ordered(other)
        page = open_("demo-dispatcher", order)
        page.locator("#step-cancel summary").click()
        reason = page.locator("#issue-reason")
        reason.fill("车只装得下一半")
        page.locator("#step-issue input.amount").first.fill("2")
        page.locator("#step-issue .more summary").click()
        reason.focus()
        reason.evaluate("node => node.setSelectionRange(1, 3)")
        page.evaluate("window.scrollTo(0, 300)")
        scrolled = page.evaluate("window.scrollY")
        # The lot of the order is counted: what else may be taken of it is another number.
        depot = page.locator(".facts-list a[href^='/supplies/depots/']").first.get_attribute("href") or ""
        lot = page.locator("#step-issue tr[data-lot]").first
        lot_id, free = lot.get_attribute("data-lot-id") or "", lot.locator("[data-label=另可用]").inner_text()
        other.goto(f"{address}{depot}?lot={lot_id}")
        other.locator("#step-aside summary").click()
        other.fill("#aside-quantity", "1")
        other.fill("#aside-reason", "抽检")
        press(other, "登记")
        expect(lot.locator("[data-label=另可用]")).not_to_have_text(free)
        expect(reason).to_have_value("车只装得下一半")
        expect(reason).to_be_focused()
        assert reason.evaluate("node => [node.selectionStart, node.selectionEnd]") == [1, 3]
        expect(page.locator("#step-issue input.amount").first).to_have_value("2")
        assert page.locator("#step-cancel").evaluate("node => node.open")
        assert page.locator("#step-issue .more").evaluate("node => node.open")
        assert page.evaluate("window.scrollY") == scrolled
        # Another cancels the order: the form stays with what is in it, and says how things are.
        other.goto(address + order)
        other.locator("#step-cancel summary").click()
        other.fill("#cancel-reason", "改由市级调")
        press(other, "取消这张单")
        expect(page.locator(".order-head .state-badge")).to_have_text("已取消")
        expect(page.locator("section.steps[data-gone]")).to_be_visible()
        expect(reason).to_have_value("车只装得下一半")
        expect(reason).to_be_focused()
        press(page, "确认出库")
        expect(page.locator("#problem")).to_contain_text("已取消")
        expect(page.locator("#problem")).to_contain_text("改由市级调")


def test_a_typed_count_stays_with_its_lot(chromium: Browser, address: str) -> None:
    """A lot that comes in meanwhile moves every row of the sheet; what was counted goes with its lot."""
    with desks(chromium, address) as open_:
        page = open_("demo-admin", "/supplies/depots/D-01/count")
        rows = page.locator(".count-table tbody tr")
        before = rows.count()
        lots = [row.locator("input[type=hidden]").get_attribute("value") or "" for row in rows.all()]
        rows.nth(2).locator("input.amount").fill("77")
        rows.nth(5).locator("input.amount").fill("88")
        rows.nth(5).locator("input.amount").focus()
        other = open_("demo-dispatcher", "/supplies/depots/D-01")
        elsewhere_in(chromium, address, lots[0].split("/")[1])
        expect(rows).to_have_count(before + 1)
        expect(other.locator("[aria-labelledby=h-stock] tbody tr")).to_have_count(before + 1)
        now = {
            row.locator("input[type=hidden]").get_attribute("value"): row.locator("input.amount").input_value()
            for row in rows.all()
        }
        assert {lot: value for lot, value in now.items() if value} == {lots[2]: "77", lots[5]: "88"}
        assert list(now)[:3] != lots[:3], "the new lot stands before the others"
        expect(page.locator(f"tr:has(input[value='{lots[5]}']) input.amount")).to_be_focused()
        names = [row.locator("input.amount").get_attribute("name") for row in rows.all()]
        assert names == [f"counted.{k}" for k in range(before + 1)]


def elsewhere_in(chromium: Browser, address: str, item: str) -> None:
    """Take in a lot of an item that stands first."""
    with desks(chromium, address) as open_:
        page = open_("demo-admin", "/supplies/depots/D-01/in")
        page.fill("[name='item_id.0']", item)
        page.fill("[name='lot.0']", "0000-0")
        page.fill("[name='quantity.0']", "5")
        page.fill("#in-reason", "采购")
        press(page, "登记入库")


def test_whoever_writes_chinese_is_not_disturbed(chromium: Browser, address: str) -> None:
    """Nothing is drawn while a word is being composed; afterwards it is."""
    with desks(chromium, address) as open_:
        page, other = open_("demo-dispatcher", "/supplies"), open_("demo-admin", NEEDS)
        before = page.locator("#reservations .count").inner_text()
        page.focus("#item")
        page.dispatch_event("#item", "compositionstart")
        with page.expect_response(lambda r: r.url.startswith(f"{address}/supplies") and r.ok):
            ask_for(other, "2")
            press(other, "提出需求并预留")
        page.wait_for_timeout(500)
        assert page.locator("#reservations .count").inner_text() == before
        page.dispatch_event("#item", "compositionend")
        expect(page.locator("#reservations .count")).not_to_have_text(before)


def test_a_broken_connection_shows_and_nothing_is_missed(chromium: Any, database: Path, own: Restartable) -> None:
    address = own.start()
    context = chromium.new_context(viewport={"width": 1100, "height": 740}, reduced_motion="reduce")
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    try:
        watched = Watched(page, address)
        log_in(page, address, "demo-dispatcher", "/supplies/depots")
        expect(page.locator("body")).to_have_attribute("data-live", "live")
        name = page.locator("tbody tr:has(a[href$='/D-02']) th").inner_text()
        own.stop()
        expect(page.locator("#connection")).to_contain_text("连接中断")
        expect(page.locator(".made")).to_have_class(re.compile("stale"))
        watched.shot("board-lost")
        elsewhere(database, "UPDATE depot SET name = '断线时改名' WHERE id = 'D-02'")
        own.start()
        expect(page.locator("tbody tr:has(a[href$='/D-02']) th")).to_have_text("断线时改名")
        expect(page.locator("#connection")).to_contain_text("已连接")
        expect(page.locator(".made")).not_to_have_class(re.compile("stale"))
        elsewhere(database, f"UPDATE depot SET name = '{name}' WHERE id = 'D-02'")
        expect(page.locator("tbody tr:has(a[href$='/D-02']) th")).to_have_text(name)
        # The cable of this desk: out, and in again.
        context.set_offline(True)
        expect(page.locator("#connection")).to_contain_text("连接中断")
        elsewhere(database, "UPDATE depot SET contact = '断网时换人' WHERE id = 'D-02'")
        context.set_offline(False)
        expect(page.locator("tbody tr:has(a[href$='/D-02'])")).to_contain_text("断网时换人")
        expect(page.locator("body")).to_have_attribute("data-live", "live")
        assert watched.outside == []
    finally:
        context.close()


def test_a_session_that_ended_is_said_and_the_page_stays(chromium: Browser, address: str) -> None:
    with desks(chromium, address, refused=401) as open_:
        page = open_("demo-dispatcher", NEEDS)
        page.fill("#request-unit", "街道办")
        other = page.context.new_page()
        other.goto(f"{address}/supplies")
        other.locator("details.who summary", has_text="演示").click()
        press(other, "退出")
        expect(page.locator("#logged-out a")).to_have_attribute("href", re.compile("/login"))
        expect(page.locator("#request-unit")).to_have_value("街道办")
