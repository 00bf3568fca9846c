"""A layer of 200,000 rows on the open map: drawn from tiles, told whole."""

import json
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from playwright.sync_api import Page, Route, expect

from data.demo.crowd import crowd
from data.importers import import_frame
from data.store import Store
from layers.layer import TILES_ABOVE
from tests.browser.conftest import PATIENCE_MS, Watched, wait_until
from tests.browser.test_paths import words_of
from tests.browser.test_planner import bench, document_of, tool
from web.bench_events import copied, served

pytestmark = pytest.mark.browser

ROWS = 200_000
LAYER = ".layer:has(#layer-enterprises)"
TASKS = """() => {
    window.tasks = [];
    new PerformanceObserver((list) => window.tasks.push(...list.getEntries().map(({ duration }) => duration)))
        .observe({ type: 'longtask', buffered: true });
}"""


def add(store: Store, frame: Any) -> None:
    import_frame(store, "enterprises", frame, source="demo", source_datum="EPSG:4326", now_utc=datetime.now(UTC))


@pytest.fixture(scope="module")
def database(database: Path) -> Iterator[Path]:
    """The demo district in a copy of its own, with as many enterprises as one GeoJSON is drawn of."""
    with copied(str(database)) as copy:
        with Store(copy) as store:
            add(store, crowd(store, TILES_ABOVE - len(store.frame("enterprise")), seed=11))
        yield copy


@pytest.fixture(scope="module")
def address(database: Path) -> Iterator[str]:
    with served(database, 10) as (port, _):
        yield f"http://127.0.0.1:{port}"


def asked_of(page: Page) -> list[str]:
    """What the page asks of the enterprises from now on."""
    found: list[str] = []
    page.on("request", lambda one: found.append(one.url) if "/layers/enterprises" in one.url else None)
    return found


def is_whole(url: str) -> bool:
    return "/enterprises.geojson" in url and "id" not in parse_qs(urlsplit(url).query)


def tiles_of(urls: list[str]) -> list[str]:
    return [url for url in urls if ".mvt" in url]


def test_one_row_more_than_goes_into_geojson_and_the_open_page_draws_tiles(
    watch: Callable[..., Watched], ask: Any, database: Path
) -> None:
    watched = watch()
    urls = asked_of(watched.page)
    page = watched.open()
    expect(page.locator("body")).to_have_attribute("data-live", "live")
    expect(page.locator(f"{LAYER} .count")).to_have_text(f"{TILES_ABOVE:,}")
    assert [is_whole(url) for url in urls] == [True]
    with Store(database) as store, page.expect_request(lambda one: ".mvt" in one.url):
        more = crowd(store, 1, seed=12).assign(id="one-more")
        add(store, more)
    expect(page.locator(f"{LAYER} .count")).to_have_text(f"{TILES_ABOVE + 1:,}")
    expect(page.locator(f"{LAYER} .state.thinned")).to_be_visible()
    assert not page.locator(f"{LAYER} .state.failed").is_visible()


def test_a_change_while_tiles_are_being_fetched_is_fetched_too(watch: Callable[..., Watched], database: Path) -> None:
    """The map library forgets to fetch a tile anew that it is fetching already."""
    with Store(database) as store:
        add(store, crowd(store, 1, seed=12).assign(id="one-more"))
    watched = watch()
    page = watched.page
    held: list[Route] = []
    asked: list[str] = []

    def hold(route: Route) -> None:
        asked.append(urlsplit(route.request.url).path)
        if len(asked) == len(held) + 1:
            held.append(route)
        else:
            route.continue_()

    page.route("**/enterprises/tiles/**.mvt*", hold)
    watched.open()
    expect(page.locator("body")).to_have_attribute("data-live", "live")
    wait_until(page, lambda: len(held) > 1)
    with Store(database) as store, page.expect_response("**/api/v1/layers?*"):
        add(store, crowd(store, 1, seed=13).assign(id="while-fetching"))
    first = sorted(asked)
    asked.append("")  # none is held back from now on
    for one in held:
        one.continue_()
    # Sooner than the page asks for everything anew, a minute after it was opened.
    wait_until(page, lambda: set(first) <= set(asked[len(first) :]), 20_000)


@pytest.fixture(scope="module")
def crowded(database: Path, address: str) -> str:
    """All 200,000 put into the database while it is served; the id of one that lies on top of the others."""
    with Store(database) as store:
        frame = crowd(store, ROWS, seed=11)
        add(store, frame)
    return str(frame.loc[frame["risk_level"] == "major", "id"].iloc[0])


def test_two_hundred_thousand_in_view(
    watch: Callable[..., Watched], ask: Any, database: Path, crowded: str, capsys: pytest.CaptureFixture[str]
) -> None:
    watched = watch("desktop")
    page = watched.page
    page.add_init_script(f"({TASKS})()")
    urls, counts = asked_of(page), Told(page, ask)
    watched.open()
    about = next(one for one in ask("layers") if one["id"] == "enterprises")
    assert about["count"] > ROWS
    expect(page.locator(f"{LAYER} .count")).to_have_text(f"{about['count']:,}")
    state = page.locator(f"{LAYER} .state.thinned")
    expect(state).to_be_visible()
    counts.next()
    watched.shot("many-features")

    # A hand moves the map: other tiles, and what is drawn of what is in view is told anew.
    box = page.locator("#map").bounding_box()
    assert box is not None
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] - 150, middle[1] + 60, steps=4)
    page.mouse.up()
    counts.next()
    page.mouse.wheel(0, -500)
    counts.next()

    # Its popup says what the API says, all fields of it.
    row = ask("layers/enterprises.geojson", id=crowded)["features"][0]["properties"]
    page.fill("#search", row["name"])
    page.locator("[role=option]", has_text=row["name"]).first.click()
    counts.next()
    page.mouse.click(*middle)
    popup = page.locator(".maplibregl-popup details", has=page.locator("strong", has_text=row["name"]))
    if popup.get_attribute("open") is None:  # others are within reach of the pointer
        popup.locator("summary").click()
    labels = {field["label"]: field for field in about["fields"]}
    shown = dict(zip(popup.locator("th").all_text_contents(), popup.locator("td").all_text_contents(), strict=True))
    for label, text in shown.items():
        field, value = labels[label], row[labels[label]["name"]]
        assert text.startswith(field["choices"].get(value, f"{value}")), label
    filled = {f["label"] for f in about["fields"] if row.get(f["name"]) not in (None, "") and f["name"] != "name"}
    assert shown.keys() == filled

    # A change reaches the open popup and the tiles.
    with Store(database) as store, page.expect_response(lambda one: ".mvt" in one.url):
        frame = crowd(store, ROWS, seed=11)
        add(store, frame[frame["id"] == crowded].assign(address="改过的地址"))
    expect(popup).to_contain_text("改过的地址", timeout=PATIENCE_MS)

    assert not any(is_whole(url) for url in urls)
    assert not page.locator(f"{LAYER} .state.failed").is_visible()
    with capsys.disabled():
        longest = page.evaluate("Math.max(0, ...window.tasks)")
        sys.stdout.write(f"\n200,000 in view: longest task {longest:.0f} ms on this machine (aim 200)\n")


class Told:
    """What the page is told of how many rows are drawn of how many in view."""

    def __init__(self, page: Page, ask: Any) -> None:
        self._page, self._ask = page, ask
        self._answers: list[Any] = []
        self._seen = 0
        page.on("response", lambda one: self._answers.append(one) if "/tiles/counts" in one.url else None)

    def next(self) -> None:
        """The tree says what the API says of the window that the page asked about after the last move."""
        wait_until(self._page, lambda: len(self._answers) > self._seen)
        count = 0
        while count != len(self._answers):  # the map comes to rest
            count = len(self._answers)
            self._page.wait_for_timeout(1_000)
        self._seen = count
        found = self._answers[-1]
        said = found.json()
        query = {key: values[0] for key, values in parse_qs(urlsplit(found.url).query).items()}
        assert self._ask("layers/enterprises/tiles/counts", **query) == said
        assert said["count"] > ROWS
        assert 0 < said["drawn"] < said["in_view"] <= said["matched"]
        text = self._page.locator(f"{LAYER} .state.thinned")
        expect(text).to_contain_text(f"{said['in_view']:,}")
        expect(text).to_contain_text(f"{said['drawn']:,}")


def test_filtered_styled_and_swiped(watch: Callable[..., Watched], ask: Any, crowded: str) -> None:
    layer = {
        "id": "enterprises",
        "opacity": 0.6,
        "filters": [{"field": "risk_level", "values": ["major"]}],
        "style": {"field": "workers_on_shift", "method": "quantile", "classes": 4},
    }
    view = {"layers": [layer, {"id": "streets"}]}
    watched = watch("desktop")
    urls = asked_of(watched.page)
    with watched.page.expect_response(lambda one: ".mvt" in one.url and "view=" in one.url):
        page = watched.open(f"/?view={quote(json.dumps(view))}")
    answer = ask("views/shown", view=json.dumps(view))[0]
    page.click("#switch-workbench")
    card = page.locator("[data-layer=enterprises]")
    expect(card.locator(".facts").first).to_contain_text(f"{answer['matched']:,}")
    assert 0 < answer["matched"] < ROWS / 10
    assert sum(mark["count"] for mark in answer["legend"]) == answer["matched"]
    asked = [json.loads(parse_qs(urlsplit(url).query)["view"][0]) for url in tiles_of(urls) if "view=" in url]
    assert asked
    for one in asked:
        assert one["layers"][0]["filters"] == layer["filters"]
        assert one["layers"][0]["style"] == layer["style"]

    page.locator("details.tool:has(#tool-swipe) > summary").click()
    page.select_option("#swipe-by", "moments")
    page.fill("#swipe-moment", "2026-11-01T08:00")
    with page.expect_response(lambda one: ".mvt" in one.url and "at=2026-11-01T08" in one.url):
        page.click("#swipe-start")
    page.click("#swipe-start")

    assert not any(is_whole(url) for url in urls)
    assert not page.locator(f"{LAYER} .state.failed").is_visible()


def test_kept_under_a_name_and_printed(watch: Callable[..., Watched], ask: Any, crowded: str) -> None:
    layer = {"id": "enterprises", "filters": [{"field": "risk_level", "values": ["general", "low"]}]}
    view = {"center": [120.86, 32.01], "zoom": 12, "layers": [layer, {"id": "streets"}]}
    told = ask("views/shown", view=json.dumps(view))[0]
    assert TILES_ABOVE < told["matched"] < told["count"]
    watched = watch("desktop")
    watched.log_in("demo-planner")
    page = watched.open(f"/?view={quote(json.dumps(view))}")
    bench(page)
    tool(page, "views")
    page.fill("#view-name", "重大风险企业")
    page.click("#view-form button[type=submit]")
    row = page.locator("li[data-view]", has_text="重大风险企业")
    address = row.locator(".facts a").get_attribute("href") or ""
    urls = asked_of(page)
    with page.expect_response(lambda one: ".mvt" in one.url and "view=" in one.url and one.ok):
        watched.open(address)
    bench(page)
    matched = f"{told['matched']:,} / {told['count']:,}"
    expect(page.locator("[data-layer=enterprises] > .facts")).to_contain_text(matched)
    assert document_of(page)["layers"] == view["layers"]
    assert not any(is_whole(url) for url in urls)

    tool(page, "print")
    page.click("#tool-print button[type=submit]")
    expect(page.locator("#print-out")).to_be_visible(timeout=PATIENCE_MS * 2)
    with page.expect_download() as got:
        page.click("#print-out")
    text = words_of(got.value.path())
    for mark in told["legend"]:
        assert not mark["count"] or f"{mark['label']}{mark['count']:,}" in text, mark
    assert f"{told['matched']:,}" in text
    assert "密处每2mm画一个" in text
