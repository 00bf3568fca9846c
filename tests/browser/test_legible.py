"""Every page on every screen: nothing under 12 px, nothing that runs off the side, no error, nothing from outside."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import PATIENCE_MS, Watched
from tests.browser.test_boards_live import NEEDS, ordered
from tests.browser.test_supplies import log_in

pytestmark = pytest.mark.browser
Watch = Callable[..., Watched]

SMALL = """() => {
    const small = [];
    const look = ({ fontSize }, text) => {
        if (text.trim() && parseFloat(fontSize) < 12) small.push(text.trim().slice(0, 60));
    };
    const words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    let seen = 0;
    while (words.nextNode()) {
        const [node, text] = [words.currentNode.parentElement, words.currentNode.data];
        if (!text.trim() || node.matches('script, style, noscript') || !node.checkVisibility()) continue;
        seen += 1;
        look(getComputedStyle(node), text);
    }
    for (const node of document.querySelectorAll('body *')) {
        if (!node.checkVisibility()) continue;
        if (node.matches('input, select, textarea')) look(getComputedStyle(node), node.value || node.name || 'field');
        for (const part of ['::before', '::after']) {
            const style = getComputedStyle(node, part);
            if (!['none', 'normal', '""'].includes(style.content)) look(style, style.content.replaceAll('"', ''));
        }
    }
    return [seen, small];
}"""

WIDE = """() => {
    const page = document.documentElement;
    const off = [...document.querySelectorAll('body *')].filter((node) => node.checkVisibility()
        && !node.closest('.scroll-x, .map-frame, .sr, .skip, .suggestions, .panel, [role=tabpanel], svg')
        && node.getBoundingClientRect().right > page.clientWidth + 1);
    return [page.scrollWidth - page.clientWidth, off.map((node) => node.outerHTML.slice(0, 90))];
}"""
TABS = ("reach", "around", "closures", "since", "supply", "orders", "coverage", "zoning")


def look_at(page: Page) -> None:
    seen, small = page.evaluate(SMALL)
    assert seen > 5, page.url
    assert small == [], page.url
    assert page.evaluate(WIDE) == [0, []], page.url


@pytest.fixture(scope="module")
def order(chromium: Browser, address: str) -> str:
    """The address of an order with its form of issue."""
    context = chromium.new_context()
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    log_in(page, address, "demo-dispatcher", NEEDS.replace("?", "%3F").replace("&", "%26"))
    made = ordered(page)
    context.close()
    return made


@pytest.mark.parametrize("width", [360, 390, 1440, 1920])
def test_every_board_page(width: int, watch: Watch, address: str, order: str) -> None:
    watched = watch()
    page = watched.page
    page.set_viewport_size({"width": width, "height": 844 if width < 800 else 900})
    log_in(page, address, "demo-admin", "/supplies")
    lists = page.locator("a[href$='.xlsx']").evaluate_all(
        "found => found.map((a) => new URL(a.href).pathname.slice(0, -5))"
    )
    assert len(lists) > 2
    request = "/supplies/requests/" + order.split("/")[-1].replace("DB", "XQ").rsplit("-", 1)[0]
    depot = "/supplies/depots/D-01"
    paths = [
        "/supplies",
        "/supplies?lang=en",
        "/supplies/handover?lang=zh",
        "/supplies/kpis",
        NEEDS,
        "/supplies/depots",
    ]
    paths += [depot, f"{depot}/count", f"{depot}/in", "/supplies/lots", "/supplies/lots?lot=2", order, request, *lists]
    for path in paths:
        page.goto(address + path)
        expect(page.locator("body")).to_have_attribute("data-live", "live")
        # What is folded has to be legible too.
        page.evaluate("for (const node of document.querySelectorAll('main details')) node.open = true")
        look_at(page)


@pytest.mark.parametrize("width", [360, 390, 1440])
def test_every_panel_of_the_map(width: int, watch: Watch, address: str) -> None:
    watched = watch()
    page = watched.page
    page.set_viewport_size({"width": width, "height": 844 if width < 800 else 900})
    log_in(page, address, "demo-admin", "/%3Fpanel=supply%26to=120.86,32.01%26need=P-1-01-05=600")
    expect(page.locator("#dispatch form")).to_be_visible()
    for name in TABS if width > 800 else ("layers", *TABS):
        page.click(f"#tab-{name}")
        expect(page.locator(".spinner:visible")).to_have_count(0)
        page.evaluate("for (const node of document.querySelectorAll('.panel details')) node.open = true")
        look_at(page)
        inside = page.evaluate(
            """name => {
            const panel = document.getElementById(`panel-${name}`);
            return panel.scrollWidth - panel.clientWidth;
        }""",
            name,
        )
        assert inside <= 0, name
