"""The wall of a command centre: legible from three metres, in order of what needs somebody, renewed by itself."""

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from data.store import Store
from tests.browser.conftest import PATIENCE_MS, Watched
from tests.browser.test_accessible import broken
from tests.browser.test_legible import SMALL
from tests.browser.test_live import elsewhere
from tests.browser.test_supplies import log_in

pytestmark = pytest.mark.browser
Watch = Callable[..., Watched]

# The rule of docs/display.md: 24 arc minutes at three metres, on a screen of 55 inches, 16:9.
DISTANCE_MM, ANGLE_MIN, DIAGONAL_IN = 3_000, 24, 55
WIDTH_MM = DIAGONAL_IN * 25.4 * 16 / math.hypot(16, 9)
SHARE = DISTANCE_MM * math.tan(math.radians(ANGLE_MIN / 60)) / WIDTH_MM


OFF = """() => {
    const parts = document.querySelectorAll('.figure, #wall-list li, .wall-bar > *, .wall-age');
    const cut = [...parts].filter((node) => {
        const box = node.getBoundingClientRect();
        const bottom = node.closest('#wall-figures, #wall-list')?.getBoundingClientRect().bottom ?? innerHeight;
        return node.checkVisibility() && (box.right > innerWidth + 1 || box.bottom > bottom + 1);
    });
    return [document.documentElement.scrollWidth > innerWidth, cut.map((node) => node.outerHTML.slice(0, 90))];
}"""


def smallest(page: Page, width: int) -> tuple[int, list[str]]:
    """How many texts were seen, and those that are too small for a screen of this many pixels."""
    seen, small = page.evaluate(SMALL.replace("< 12", f"< {SHARE * width}"))
    return seen, small


def off(page: Page) -> Any:
    """What stands beyond the screen, and figures or rows that are cut, once the columns have settled."""
    found = None
    for _ in range(40):
        found = page.evaluate(OFF)
        if found == [False, []]:
            break
        page.wait_for_timeout(250)
    return found


def wall(watch: Watch, *, account: str = "", width: int = 1280, height: int = 720) -> Watched:
    watched = watch()
    watched.page.set_viewport_size({"width": width, "height": height})
    if account:
        log_in(watched.page, watched.address, account, "/supplies")
    watched.open("/?screen=wall")
    return watched


def test_the_rule_of_the_type() -> None:
    assert round(WIDTH_MM, 1) == 1217.6
    assert 0.0172 < SHARE < 0.0173
    assert [math.ceil(SHARE * width) for width in (1920, 2560, 3840)] == [34, 45, 67]


@pytest.mark.parametrize(("theme", "lang"), [("light", "zh"), ("dark", "en")])
def test_nothing_is_too_small_or_cut(watch: Watch, theme: Any, lang: str) -> None:
    watched = watch()
    page = watched.page
    page.emulate_media(color_scheme=theme)
    page.set_viewport_size({"width": 1920, "height": 1080})
    log_in(page, watched.address, "demo-dispatcher", "/supplies")
    watched.open(f"/?screen=wall&lang={lang}")
    expect(page.locator(".figure")).to_have_count(6)
    seen, small = smallest(page, 1920)
    assert seen > 15
    assert small == []
    assert off(page) == [False, []]
    page.click("#figure-uncovered")
    expect(page.locator("#wall-list li")).not_to_have_count(0)
    assert smallest(page, 1920)[1] == []
    assert off(page) == [False, []]
    # The names on the map as well: what their symbol layers say, in pixels.
    sizes = page.evaluate("""() => fetch('/api/v1/style.json').then((answer) => answer.json()).then((style) =>
        style.layers.filter((one) => one.layout?.['text-size']).map((one) => one.layout['text-size']))""")
    assert sizes
    assert all(isinstance(size, int | float) for size in sizes), "the page makes a number larger, nothing else"
    watched.shot(f"wall-{theme}")


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_night_in_which_everything_is_grave_fits(watch: Watch, lang: str) -> None:
    """The server's own figures, all of them grave, with a long age and many rows."""
    watched = watch()
    page = watched.page
    page.set_viewport_size({"width": 1920, "height": 1080})
    log_in(page, watched.address, "demo-dispatcher", "/supplies")

    def worst(route: Any) -> None:
        answer = route.fetch()
        told = answer.json()
        old = (datetime.fromisoformat(told["at"]) - timedelta(minutes=88)).astimezone(UTC).isoformat()
        row = {**max((one["rows"] for one in told["figures"]), key=len)[0], "since_utc": old}
        for k, one in enumerate(told["figures"]):
            one |= {"tone": "warn" if k % 2 else "bad", "updated_utc": old, "value": 123_456, "count": 30}
            one["rows"] = [{**row, "id": f"{k}-{n}"} for n in range(30)]
        route.fulfill(response=answer, json=told)

    page.route("**/api/v1/wall?*", worst)
    watched.open(f"/?screen=wall&lang={lang}")
    expect(page.locator(".figure:is(.bad, .warn)")).to_have_count(6)
    assert off(page) == [False, []]
    assert smallest(page, 1920)[1] == []


def test_larger_screens_have_larger_type(watch: Watch) -> None:
    page = wall(watch, width=2560, height=1440).page
    assert smallest(page, 2560)[1] == []
    assert off(page) == [False, []]
    assert smallest(page, 3840)[1], "what is measured is the type, not a constant"


def test_no_form_and_a_way_out(watch: Watch) -> None:
    page = wall(watch, account="demo-dispatcher").page
    fields = page.locator("input, select, textarea")
    assert fields.count() > 5, "the panels of the desk are in the page"
    assert [box for box in fields.all() if box.is_visible()] == []
    page.reload()
    page.wait_for_selector("body[data-ready=true]")
    expect(page.locator("#wall-clock")).to_have_text(re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"))
    page.click(".wall-out")
    page.wait_for_selector("body[data-ready=true]")
    expect(page.locator("#tab-reach")).to_be_visible()
    expect(page.locator(".wall-bar")).to_have_count(0)
    page.click("#display summary")
    page.click("#to-wall")
    page.wait_for_selector("body[data-ready=true]")
    assert "screen=wall" in page.url
    expect(page.locator("#figure-uncovered")).to_be_visible()


def test_what_is_grave_stands_first_and_the_rows_of_a_figure_are_on_the_map(watch: Watch) -> None:
    page = wall(watch, account="demo-dispatcher").page
    tones = page.locator(".figure").evaluate_all(
        "found => found.map((one) => ['bad', 'warn', ''].findIndex((tone) => !tone || one.classList.contains(tone)))"
    )
    assert tones == sorted(tones)
    assert tones[0] == 0
    told = page.evaluate("() => fetch('/api/v1/wall').then((answer) => answer.json())")
    by_id = {one["id"]: one for one in told["figures"]}
    closures = page.locator("#figure-closures")
    expect(closures.locator(".value")).to_have_text(re.compile(rf"^{by_id['closures']['value']}\D"))
    for row in by_id["closures"]["rows"]:
        expect(closures).to_contain_text(row["title"][:8])
    before = page.locator("#wall-list-title").inner_text()
    closures.press("Enter")
    expect(closures).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#wall-list li")).to_have_count(by_id["closures"]["count"])
    expect(page.locator("#wall-list")).to_contain_text("自 ")
    page.locator("#figure-closures").click()
    expect(page.locator("#wall-list-title")).to_have_text(before)


def test_a_visitor_is_told_what_is_withheld(watch: Watch) -> None:
    page = wall(watch).page
    expect(page.locator("#figure-late")).to_have_count(0)
    expect(page.locator(".withheld")).to_contain_text("未登录, 不显示: 晚点或失联的调拨、监测告警、在办的调拨")


def test_it_renews_by_itself(watch: Watch, database: Path) -> None:
    page = wall(watch).page
    expect(page.locator("body")).to_have_attribute("data-live", "live")
    expect(page.locator("#wall-connection")).to_have_text("已连接")
    value = page.locator("#figure-closures .value")
    with Store(database) as store, store.reading() as conn:
        query = "SELECT id, to_utc FROM closure WHERE id = 'C-01'"
        identity, ends = conn.exec_driver_sql(query).one()
    before = int(re.sub(r"\D", "", value.inner_text()))
    assert before >= 1
    elsewhere(database, f"UPDATE closure SET to_utc = from_utc WHERE id = '{identity}'")
    try:
        expect(value).to_have_text(re.compile(rf"^{before - 1}\D"), timeout=PATIENCE_MS)
        expect(page.locator("#wall-list")).to_contain_text("危桥封闭检修")
    finally:
        elsewhere(database, f"UPDATE closure SET to_utc = '{ends}' WHERE id = '{identity}'")
    expect(value).to_have_text(re.compile(rf"^{before}\D"), timeout=PATIENCE_MS)


def test_a_night_without_a_change_says_so_with_room_around(watch: Watch) -> None:
    watched = watch("large")
    page = watched.page

    def quiet(route: Route) -> None:
        route.fulfill(json={**route.fetch().json(), "count": 0, "rows": []})

    page.route("**/api/v1/since?*", quiet)
    watched.open("/?screen=wall")
    line = page.locator("#wall-list li")
    expect(line).to_have_text("没有变化。")
    assert line.evaluate("(node) => parseFloat(getComputedStyle(node).paddingLeft)") >= 7
    page.unroute("**/api/v1/since?*")


def test_the_wall_is_accessible(watch: Watch) -> None:
    page = wall(watch, account="demo-dispatcher").page
    assert broken(page) == []
    page.click("#figure-uncovered")
    assert broken(page) == []


def test_another_layout_is_refused(watch: Watch, address: str) -> None:
    watched = watch()
    answer = watched.page.request.get(f"{address}/?screen=cinema")
    assert answer.status == 422
    assert "screen=cinema: expected one of wall" in answer.text()
