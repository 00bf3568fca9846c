"""WCAG 2.2 AA by axe-core on every page, as a person sees it: panels open, folded parts unfolded."""

import json
from collections.abc import Callable
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Watched
from tests.browser.test_boards_live import NEEDS
from tests.browser.test_legible import TABS
from tests.browser.test_supplies import log_in
from tests.program import ROOT

pytestmark = pytest.mark.browser

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
BROKEN = """async () => {
    const values = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
    const found = await axe.run(document, { runOnly: { type: 'tag', values } });
    if (found.passes.length < 5) throw new Error('axe has looked at nothing');
    return found.violations.flatMap((rule) => rule.nodes.map((node) => `${rule.id}: ${node.html.slice(0, 160)}`));
}"""
# Only colours differ in the dark.
FAINT = """async () => {
    const values = ['color-contrast', 'link-in-text-block'];
    const found = await axe.run(document, { runOnly: { type: 'rule', values } });
    const looked = found.passes.flatMap((rule) => rule.nodes).length;
    if (looked < 3) throw new Error('axe has looked at nothing');
    const said = (node) => `dark ${node.html.slice(0, 120)} ${node.any[0]?.message}`;
    return found.violations.flatMap((rule) => rule.nodes.map(said));
}"""
DEPOT = "/supplies/depots/D-01"
PAGES = (
    "/supplies",
    "/supplies?lang=en",
    "/supplies/depots?lang=zh",
    DEPOT,
    f"{DEPOT}/count",
    f"{DEPOT}/in",
    "/supplies/lots",
    "/supplies/lots?lot=2",
    "/supplies/balances?depot=D-01",
    NEEDS,
    "/supplies/handover",
    "/supplies/sheets",
    "/supplies/kpis",
    "/supplies/lists/low",
    "/admin/accounts",
    "/admin/tokens",
    "/admin/audit",
    "/password",
    "/whatif",
    "/whatif/closures",
    "/whatif/evacuation",
    "/whatif/coverage",
    "/whatif/siting",
    "/whatif/stocking",
    "/whatif/shelters",
)


def broken(page: Page) -> list[str]:
    """The rules that the page breaks, with the element: all of them in light, those of colours in dark."""
    page.evaluate("for (const node of document.querySelectorAll('main details, .panel details')) node.open = true")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = list(page.evaluate(BROKEN))
    page.emulate_media(color_scheme="dark")
    try:
        return found + list(page.evaluate(FAINT))
    finally:
        page.emulate_media(color_scheme="light")


def test_axe_finds_what_is_planted(watch: Callable[..., Watched], address: str) -> None:
    page = watch().page
    page.goto(f"{address}/login")
    page.evaluate("document.querySelector('label').remove(); document.querySelector('html').removeAttribute('lang')")
    page.evaluate("""() => { const style = new CSSStyleSheet();
        style.replaceSync('.hint, .subtitle { color: light-dark(#444, #444) !important }');
        document.adoptedStyleSheets = [style]; }""")
    found = broken(page)
    assert {line.split(":")[0] for line in found} >= {"html-has-lang", "label"}
    assert [line for line in found if line.startswith("dark ")], "what is faint in the dark alone"
    assert not [line for line in found if line.startswith("color-contrast")]


def test_every_page_is_accessible(watch: Callable[..., Watched], address: str) -> None:
    page = watch().page
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(f"{address}/login")
    assert broken(page) == []
    log_in(page, address, "demo-admin", "/supplies")
    for path in PAGES:
        assert page.goto(address + path) is not None
        assert (path, broken(page)) == (path, [])


@pytest.mark.parametrize("width", [390, 1440])
def test_a_swipe_and_a_drawing_are_accessible(width: int, watch: Callable[..., Watched], address: str) -> None:
    page = watch().page
    page.set_viewport_size({"width": width, "height": 844 if width < 800 else 900})
    swipe = {"left": "teams", "right": "hospitals"}
    view = {"layers": [{"id": "teams"}, {"id": "hospitals"}], "swipe": swipe}
    page.goto(f"{address}/?{urlencode({'view': json.dumps(view)})}")
    page.wait_for_selector("body[data-ready=true]")
    expect(page.locator(".swipe-divider")).to_be_visible()
    assert broken(page) == []
    if width < 800:
        page.click("#tab-layers")
    page.click("#switch-workbench")
    page.locator("details.tool:has(#tool-draw)").evaluate("(node) => { node.open = true; }")
    page.click("#tool-draw [data-shape=line]")
    for _ in range(2):
        page.locator("#tool-draw .actions button:visible", has_text="中心加点").click()
    expect(page.locator("#draw-finish")).to_be_enabled()
    expect(page.locator(".swipe-divider")).to_be_visible()
    assert broken(page) == [], "while a line is drawn"
    page.click("#draw-finish")
    expect(page.locator(".drawn li")).to_have_count(1)
    assert broken(page) == [], "with what was drawn"


@pytest.mark.parametrize("width", [390, 1440])
def test_every_panel_of_the_map_is_accessible(width: int, watch: Callable[..., Watched], address: str) -> None:
    page = watch().page
    page.set_viewport_size({"width": width, "height": 844 if width < 800 else 900})
    log_in(page, address, "demo-admin", "/%3Fpanel=supply%26to=120.86,32.01%26need=P-1-01-05=600")
    expect(page.locator("#dispatch form")).to_be_visible()
    for name in TABS if width > 800 else ("layers", *TABS):
        page.click(f"#tab-{name}")
        expect(page.locator(".spinner:visible")).to_have_count(0)
        assert (name, broken(page)) == (name, [])
