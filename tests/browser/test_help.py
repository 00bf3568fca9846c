"""Help on the map: the keys, the tour of the first visit, the way to the guide."""

import json
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Watched
from tests.browser.test_accessible import broken
from tests.browser.test_storm_night import click_map

pytestmark = pytest.mark.browser
Watch = Callable[..., Watched]

FOCUSED = "document.activeElement.id || document.activeElement.tagName"


def listed(page: Page) -> dict[str, str]:
    """The keys that work everywhere, with what they do, as the list says."""
    first = page.locator("#keys section").first
    return dict(zip(first.locator("dt").all_inner_texts(), first.locator("dd").all_inner_texts(), strict=True))


@pytest.mark.parametrize("size", ["desktop", "guide", "phone"])
def test_the_link_of_the_help_narrows_no_form_and_no_card(watch: Watch, size: str) -> None:
    watched = watch(size)
    watched.log_in("demo-dispatcher")
    page = watched.page
    for name in ("around", "since", "orders"):
        page.click(f"#tab-{name}")
        expect(page.locator(f"#panel-{name} .guide-link")).to_be_visible()
        expect(page.locator(f"#panel-{name} .spinner")).to_have_count(0)
        inside = page.locator(f"#panel-{name}").evaluate(
            "(node) => node.getBoundingClientRect().right - parseFloat(getComputedStyle(node).paddingRight)"
        )
        row = page.locator(f"#{name}-form" if name != "orders" else "#orders > :last-child")
        box = row.bounding_box()
        assert box is not None
        assert box["x"] + box["width"] == pytest.approx(inside, abs=1), name
        if name != "orders":
            field, button = row.locator("input").bounding_box(), row.locator("button").bounding_box()
            assert field is not None
            assert button is not None
            assert abs(field["y"] + field["height"] / 2 - button["y"] - button["height"] / 2) < 3, "on one line"


# -- keys -------------------------------------------------------------------------------------------


def test_every_key_that_is_listed_does_what_it_says(watch: Watch) -> None:
    watched = watch()
    watched.log_in("demo-dispatcher")
    page = watched.page
    page.focus("#tab-reach")
    page.keyboard.press("?")
    expect(page.locator("#keys-title")).to_be_focused()
    keys = listed(page)
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_hidden()
    expect(page.locator("#tab-reach")).to_be_focused()
    panels = {key: what.removeprefix("面板: ") for key, what in keys.items() if what.startswith("面板: ")}
    assert list(panels) == [str(k) for k in range(10)]
    for key, name in panels.items():
        page.keyboard.press(key)
        tab = page.locator(f"[aria-keyshortcuts='{key}']")
        assert tab.inner_text() == name or key == "0"  # the layer tree is a tab of its own only on a phone
        if key != "0":
            expect(tab).to_have_attribute("aria-selected", "true")
            expect(tab).to_be_focused()
    page.keyboard.press("0")
    expect(page.locator("#switch-layers")).to_be_focused()
    page.keyboard.press("/")
    expect(page.locator("#search")).to_be_focused()
    page.focus("#tab-reach")
    page.keyboard.press("m")
    expect(page.locator("#map .maplibregl-canvas")).to_be_focused()
    assert set(keys) - set(panels) == {"?", "/", "m", "Esc", "Tab"}


def test_escape_closes_what_is_on_top_and_the_focus_goes_back(watch: Watch) -> None:
    page = watch().open()
    page.fill("#search", "医院")
    expect(page.locator(".suggestions:not([hidden]) [role=option]").first).to_be_visible()
    page.press("#search", "Enter")
    expect(page.locator("#reach .verdict")).to_be_visible()
    page.keyboard.press("Escape")
    page.focus("#map .maplibregl-canvas")
    page.keyboard.press("Enter")
    popup = page.locator(".maplibregl-popup")
    expect(popup).to_be_visible()
    page.keyboard.press("?")
    page.keyboard.press("Escape")
    expect(page.locator("#keys")).to_be_hidden()
    expect(page.locator("#map .maplibregl-canvas")).to_be_focused()
    expect(popup).to_be_visible()
    page.keyboard.press("Escape")
    expect(popup).to_have_count(0)
    page.click("#help summary")
    page.click("#help-keys")
    page.keyboard.press("Escape")
    expect(page.locator("#help summary")).to_be_focused()
    assert page.evaluate("document.querySelectorAll('dialog[open], [aria-modal=true]').length") == 0


def test_no_key_works_while_somebody_types(watch: Watch) -> None:
    page = watch().open()
    page.fill("#search", "")
    page.locator("#search").press_sequentially("m1/?")
    expect(page.locator("#search")).to_have_value("m1/?")
    expect(page.locator("#search")).to_be_focused()
    page.focus("#when-mode")
    page.keyboard.press("5")
    expect(page.locator("#when-mode")).to_be_focused()
    page.focus("#tab-reach")
    page.keyboard.press("Control+m")
    expect(page.locator("#tab-reach")).to_be_focused()
    expect(page.locator("#tab-reach")).to_have_attribute("aria-selected", "true")
    assert page.locator("#keys").is_hidden()


def test_single_keys_can_be_switched_off_and_stay_off(watch: Watch) -> None:
    page = watch().open()
    page.click("#help summary")
    page.click("#help-keys")
    page.uncheck("#keys-character")
    page.keyboard.press("Escape")
    expect(page.locator("#keys")).to_be_hidden()
    for _ in range(2):
        page.focus("#tab-reach")
        for key in ("?", "2", "m"):
            page.keyboard.press(key)
        expect(page.locator("#tab-reach")).to_be_focused()
        assert page.locator("#keys").is_hidden()
        page.reload()
        page.wait_for_selector("body[data-ready=true]")
    page.click("#help summary")
    page.click("#help-keys")
    expect(page.locator("#keys-character")).not_to_be_checked()
    page.check("#keys-character")
    page.keyboard.press("Escape")
    page.keyboard.press("2")
    expect(page.locator("#tab-around")).to_be_focused()


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_keys_and_tour_are_accessible_and_within_the_window(size: str, watch: Watch) -> None:
    page = watch(size).open("/?lang=en")
    page.click("#help summary")
    page.click("#help-keys")
    page.evaluate("document.getElementById('help').open = false")
    assert broken(page) == []
    inside = """(id) => {
        const box = document.getElementById(id).getBoundingClientRect();
        return box.left >= 0 && box.top >= 0 && box.right <= innerWidth && box.bottom <= innerHeight;
    }"""
    assert page.evaluate(inside, "keys")
    page.keyboard.press("Escape")
    page.evaluate("document.getElementById('help').open = false")
    page.click("#help summary")
    page.click("#help-tour")
    for k in range(6):
        expect(page.locator("#tour .kind")).to_have_text(f"{k + 1} / 6")
        assert page.evaluate(inside, "tour")
        assert page.locator(".tour-target").count() == 1
        if k == 2:
            assert broken(page) == []
        page.keyboard.press("Enter")
    expect(page.locator("#tour")).to_be_hidden()
    assert page.locator(".tour-target").count() == 0
    expect(page.locator("#help summary")).to_be_focused()


# -- tour -------------------------------------------------------------------------------------------


def test_the_tour_is_offered_once(watch: Watch) -> None:
    watched = watch(is_new=True)
    page = watched.open()
    expect(page.locator("#tour")).to_be_visible()
    assert page.evaluate(FOCUSED) == "BODY", "nothing takes the focus"
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.locator("#tour-skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#tour")).to_be_hidden()
    watched.open()
    assert page.locator("#tour").is_hidden()


def test_the_tour_gives_way_to_work(watch: Watch) -> None:
    """What it points at may be tried; whoever clicks elsewhere is left alone."""
    page = watch(is_new=True).open()
    page.click("#tour-next")
    page.click("#tour-next")
    click_map(page, 0.5, 0.6)
    expect(page.locator("#reach .verdict")).to_be_visible()
    expect(page.locator("#tour")).to_be_visible()
    page.click("#tab-since")
    expect(page.locator("#tour")).to_be_hidden()
    expect(page.locator("#since-count")).to_be_visible()


def test_no_tour_where_a_link_leads_to_something(watch: Watch) -> None:
    watched = watch(is_new=True)
    view = json.dumps({"center": [120.86, 32.01], "zoom": 12, "layers": [{"id": "teams"}]})
    page = watched.open(f"/?view={view}")
    assert page.locator("#tour").is_hidden()
    watched.open("/?lang=zh")
    expect(page.locator("#tour")).to_be_visible()  # the link was no first visit


# -- guide ------------------------------------------------------------------------------------------


def test_a_panel_leads_to_its_section_and_the_map_stays(watch: Watch) -> None:
    watched = watch()
    page = watched.open()
    page.click("#tab-closures")
    with page.context.expect_page() as opened:
        page.locator("#panel-closures .guide-link").click()
    guide = opened.value
    guide.wait_for_load_state()
    heading = guide.locator("h2#closures")
    expect(heading).to_have_text("封路")
    assert heading.evaluate("node => node.matches(':target')")
    expect(page.locator("#tab-closures")).to_have_attribute("aria-selected", "true")
    assert guide.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    guide.close()


@pytest.mark.parametrize("width", [390, 1440])
def test_the_guide_is_accessible(width: int, watch: Watch, address: str) -> None:
    page = watch().page
    page.set_viewport_size({"width": width, "height": 844})
    for path in ("/help/", "/help/staff?lang=en", "/help/dispatch?lang=zh"):
        page.goto(address + path)
        assert broken(page) == []
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
