"""Light and dark in a real browser: by the system, by the switch, on every page, on the map, on paper."""

import json
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from layers.ground import GROUNDS, contrast
from tests.browser.conftest import Watched, wait_until
from tests.browser.test_stale import MAPS

pytestmark = pytest.mark.browser
Watch = Callable[..., Watched]

COLOUR = """(name) => {
    const probe = document.createElement('span');
    probe.style.color = `var(${name})`;
    document.body.append(probe);
    const found = getComputedStyle(probe).color.match(/[\\d.]+/g).slice(0, 3);
    probe.remove();
    return '#' + found.map((part) => Math.round(Number(part)).toString(16).padStart(2, '0')).join('');
}"""
GROUND = "() => window.maps[0].getPaintProperty('background', 'background-color')"
NAMES = "() => window.maps[0].getPaintProperty('streets-label', 'text-halo-color')"
RISKS = ("--risk-major", "--risk-considerable", "--risk-general", "--risk-low")


def colour(page: Page, name: str) -> str:
    return str(page.evaluate(COLOUR, name))


def choose(page: Page, choice: str) -> None:
    if not page.locator("#display .menu").is_visible():
        page.click("#display summary")
    page.click(f"a[data-choose-theme={choice}]")


def test_the_map_follows_the_system_and_the_switch(watch: Watch) -> None:
    watched = watch()
    page = watched.page
    page.add_init_script(MAPS)
    page.emulate_media(color_scheme="dark")
    watched.open()
    assert page.evaluate(GROUND) == GROUNDS["dark"].outside
    assert page.evaluate(NAMES) == GROUNDS["dark"].halo
    assert contrast(colour(page, "--ink"), colour(page, "--paper")) >= 7
    risks = [colour(page, name) for name in RISKS]
    ring = page.evaluate("() => window.maps[0].getPaintProperty('hint-point', 'circle-stroke-color')")

    page.emulate_media(color_scheme="light")
    page.wait_for_function(f"(wanted) => ({GROUND})() === wanted", arg=GROUNDS["light"].outside)
    assert page.evaluate("() => window.maps[0].getPaintProperty('hint-point', 'circle-stroke-color')") != ring
    assert [colour(page, name) for name in RISKS] == risks == ["#e60012", "#ff7f00", "#ffd400", "#0066cc"]

    # The switch is stronger than the system, needs no reload, and is kept on other pages.
    watched.page.evaluate("() => { window.same = true; }")
    choose(page, "dark")
    page.wait_for_function(f"(wanted) => ({GROUND})() === wanted", arg=GROUNDS["dark"].outside)
    assert page.evaluate("() => window.same") is True
    paper = colour(page, "--paper")
    page.goto(f"{watched.address}/login")
    assert colour(page, "--paper") == paper
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.locator("a[data-choose-theme=dark]")).to_have_attribute("aria-current", "true")
    page.click("a[data-choose-theme=auto]")
    assert colour(page, "--paper") == "#ffffff"
    page.reload()
    assert page.locator("html").get_attribute("data-theme") is None


def test_the_theme_that_was_chosen_last_counts(watch: Watch) -> None:
    """The list of the layers for the dark arrives after that for the light: its colours are not taken."""
    page = watch().open("/?theme=light")
    swatch = page.locator(".layer:has(#layer-streets) svg.mark [stroke]").first
    light = swatch.get_attribute("stroke")
    held: list[Route] = []
    page.route(re.compile(r"/api/v1/layers\?.*theme=dark"), lambda route: held.append(route))
    choose(page, "dark")
    page.wait_for_timeout(200)
    with page.expect_response(re.compile(r"/api/v1/layers\?.*theme=light")):
        choose(page, "light")
    assert len(held) == 1
    with page.expect_response(re.compile(r"/api/v1/layers\?.*theme=dark")) as late:
        held[0].continue_()
    dark = next(one for one in late.value.json() if one["id"] == "streets")["legend"][0]
    page.wait_for_timeout(200)
    assert swatch.get_attribute("stroke") == light != dark["color"]


STREETS = """() => window.maps[0].getStyle().layers
    .filter((one) => one.metadata?.layer === 'streets' && one.type === 'line').map((one) => one.paint['line-color'])"""
ARE_DRAWN = f"(wanted) => JSON.stringify(({STREETS})()) === wanted"


def wait_for(page: Page, colours: object) -> None:
    page.wait_for_function(ARE_DRAWN, arg=json.dumps(colours, separators=(",", ":")))


def style_streets_and_go_back(page: Page, declared: object) -> None:
    page.click("#switch-workbench")
    page.locator("[data-layer=streets] > details > summary").click()
    for field, colours in (("persons", []), ("", declared)):  # styled they are areas
        page.select_option("#style-streets", field)
        wait_for(page, colours)


def test_a_layer_that_was_styled_and_is_no_more_follows_the_theme(watch: Watch) -> None:
    watched = watch()
    page = watched.page
    page.add_init_script(MAPS)
    watched.open("/?theme=dark")
    dark = page.evaluate(STREETS)
    watched.open("/?theme=light")
    light = page.evaluate(STREETS)
    assert light != dark
    style_streets_and_go_back(page, light)
    choose(page, "dark")
    wait_for(page, dark)


LOOKED_AT = """async () => {
    const { name } = performance.getEntriesByType('resource').find((one) => one.name.includes('/js/theme.js'));
    const { theme } = await import(name);
    setInterval(theme, 1);
}"""


def test_a_theme_that_is_looked_at_while_it_turns_reaches_the_map(watch: Watch) -> None:
    """Chromium does not tell a media query of a change that it was asked about before."""
    watched = watch()
    page = watched.page
    page.add_init_script(MAPS)
    watched.open()
    page.evaluate(LOOKED_AT)
    for scheme in ("dark", "light") * 3:
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.wait_for_function(f"(wanted) => ({GROUND})() === wanted", arg=GROUNDS[scheme].outside, timeout=10_000)


def test_paper_is_light(watch: Watch) -> None:
    watched = watch()
    page = watched.page
    watched.log_in("demo-admin")
    page.goto(f"{watched.address}/supplies?theme=dark")
    assert colour(page, "--paper") != "#ffffff"
    page.emulate_media(media="print")
    assert colour(page, "--paper") == "#ffffff"
    assert contrast(colour(page, "--ink"), colour(page, "--paper")) >= 7


def test_a_style_that_comes_for_the_theme_before_is_not_taken(watch: Watch) -> None:
    watched = watch()
    page = watched.page
    page.add_init_script(MAPS)
    watched.open("/?theme=light")
    light = page.evaluate(STREETS)
    style_streets_and_go_back(page, light)
    held: list[Route] = []
    page.route(re.compile(r"/api/v1/views/shown\?.*theme=dark"), lambda route: held.append(route))
    choose(page, "dark")
    wait_until(page, lambda: held)
    choose(page, "light")
    with page.expect_response(re.compile(r"/api/v1/views/shown\?.*theme=light")):
        held[0].continue_()
    page.wait_for_timeout(300)
    assert page.evaluate(STREETS) == light


def test_the_switch_works_without_scripts(watch: Watch, address: str) -> None:
    page = watch().page
    context = page.context.browser.new_context(java_script_enabled=False)  # type: ignore[union-attr]
    plain = context.new_page()
    plain.goto(f"{address}/login?next=/supplies")
    plain.click("a[data-choose-theme=dark]")
    expect(plain.locator("html")).to_have_attribute("data-theme", "dark")
    assert "next=" in plain.url, "the rest of the address is kept"
    plain.goto(f"{address}/login")
    expect(plain.locator("html")).to_have_attribute("data-theme", "dark")
    context.close()
