"""A layer older than it may be is hatched and says since when: on the map, in tree and popup, on the wall."""

import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from data.settings import Settings
from data.store import Store
from layers.catalogue import LAYERS
from layers.district import District
from tests.browser.conftest import PATIENCE_MS, Watched
from tests.layers.conftest import EPSG, fill
from web import create_app

pytestmark = pytest.mark.browser

AGED = {"villages": "village", "closures": "closure", "hospitals": "hospital"}
BOUND_S = 3600.0

# The maps of a page, as its own script makes them.
MAPS = """Object.defineProperty(window, 'maplibregl', {
    get() {
        if (this.library?.Map && !window.maps) {
            window.maps = [];
            const { Map } = this.library;
            const Kept = class extends Map { constructor(options) { super(options); window.maps.push(this); } };
            this.library = Object.create(this.library, { Map: { value: Kept } });
        }
        return this.library;
    },
    set(found) { this.library = found; },
});"""
DRAWN = """([id, k]) => {
    const map = window.maps[k];
    const own = map.getStyle().layers.filter((one) => one.source === id && one.layout?.visibility !== 'none');
    return own.filter((one) => one.id.endsWith('-stale')).map((one) => [
        one.type, map.queryRenderedFeatures({ layers: [one.id] }).length > 0,
        one.paint?.['fill-pattern'] ?? one.layout?.['icon-image'] ?? 'ties',
    ]);
}"""


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Store]]:
    """The address of a small town whose layers of each geometry may be an hour old, and its store."""
    for name, layer in LAYERS.items():
        monkeypatch.setitem(LAYERS, name, replace(layer, stale_after_s=None))
    for name in AGED:
        monkeypatch.setitem(LAYERS, name, replace(LAYERS[name], stale_after_s=BOUND_S, min_zoom=0.0))
    with Store.create(str(tmp_path / "town.gpkg"), name="小镇", epsg=EPSG, demo=True) as store:
        fill(store)
        with store.writing() as conn:
            # In force now, by the real clock, on the one bridge.
            conn.exec_driver_sql("UPDATE closure SET from_utc = '2026-01-01T00:00:00.000Z', to_utc = NULL")
        for name in AGED:
            age(store, name, timedelta(0))
        server = make_server("127.0.0.1", 0, create_app(Settings(), "", district=District(store)), threaded=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", store
        server.shutdown()
        thread.join(30)


def age(store: Store, layer: str, since: timedelta) -> None:
    """Make the rows of a layer so old."""
    then = (datetime.now(UTC) - since).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    with store.writing() as conn:
        conn.exec_driver_sql(f"UPDATE {AGED[layer]} SET updated_utc = '{then}'")


@pytest.fixture
def open_page(chromium: Browser, town: tuple[str, Store]) -> Iterator[Callable[[str], Page]]:
    watched = Watched(chromium.new_page(viewport={"width": 1100, "height": 740}, reduced_motion="reduce"), town[0])
    watched.page.set_default_timeout(PATIENCE_MS)
    watched.page.add_init_script(MAPS)

    def make(path: str) -> Page:
        page = watched.open(path)
        expect(page.locator("body")).to_have_attribute("data-live", "live")
        return page

    yield make
    watched.page.context.close()
    assert watched.errors == []
    assert watched.outside == []


def drawn(page: Page, layer: str, k: int = 0) -> Any:
    """The hatches of a layer on the k-th map: type, whether a row is seen in it, and with what it is drawn."""
    return page.evaluate(DRAWN, [layer, k])


def until(page: Page, layer: str, kind: str, k: int = 0) -> Any:
    """Wait until a row of a layer is seen in a hatch of this type and in none of another; "" for no hatch at all."""
    page.wait_for_function(
        f"([id, k, kind]) => {{ const found = ({DRAWN})([id, k]), seen = found.filter(([, isSeen]) => isSeen);"
        " return kind ? seen.length > 0 && seen.every(([type]) => type === kind) : found.length === 0; }",
        arg=[layer, k, kind],
    )
    return next((one[2] for one in drawn(page, layer, k) if one[1]), None)


def test_it_is_hatched_when_it_is_old_and_no_more_when_it_is_fresh(
    open_page: Callable[[str], Page], town: tuple[str, Store]
) -> None:
    _, store = town
    page = open_page("/?layers=villages,closures,hospitals")
    for name in ("villages", "closures", "hospitals"):
        assert drawn(page, name) == [], name
    assert page.locator(".stale-note").count() == 0
    assert page.locator(".stale-hatch").count() == 0

    for name in ("villages", "closures", "hospitals"):
        age(store, name, timedelta(hours=3, minutes=1))
    area = until(page, "villages", "fill")
    assert area.startswith("mark:hatch-cross:")
    assert until(page, "closures", "line") == "ties"
    ring = until(page, "hospitals", "symbol")
    assert ring.startswith("mark:stale-ring:")
    # The tree says since when: an hour after the last entry, two hours ago.
    row = page.locator("li.layer", has=page.locator("#layer-hospitals"))
    expect(row.locator(".stale-note")).to_have_text(re.compile(r"已过期, 自 \d{4}-\d\d-\d\d \d\d:\d\d \(2 小时前\)"))
    assert row.locator(".mark .stale-hatch").count() >= 1, "the swatch is hatched too"

    # Switched off, the hatch goes with it; switched on, it is there again.
    page.uncheck("#layer-hospitals")
    assert drawn(page, "hospitals") == []
    page.check("#layer-hospitals")
    until(page, "hospitals", "symbol")

    # In the dark the ties have another colour, and are still there.
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"(ring) => ({DRAWN})(['hospitals', 0])[0]?.[2] !== ring", arg=ring)
    assert until(page, "hospitals", "symbol") != ring

    # The popup says it.
    page.evaluate("() => { const [map] = window.maps; map.jumpTo({ center: [120.82, 32.018], zoom: 13 }); }")
    spot = page.evaluate("""() => new Promise((resolve) => { const [map] = window.maps; map.once('idle', () => {
        const [one] = map.queryRenderedFeatures({ layers: ['hospitals-point'] });
        const { x, y } = map.project(one.geometry.coordinates);
        const box = map.getContainer().getBoundingClientRect();
        resolve([x + box.left, y + box.top]);
    }); map.triggerRepaint(); })""")
    page.mouse.click(*spot)
    expect(page.locator(".maplibregl-popup .stale-note")).to_contain_text("已过期, 自 ")

    # A new entry, and it goes away by itself, also out of the open popup.
    for name in ("villages", "closures", "hospitals"):
        age(store, name, timedelta(0))
        until(page, name, "")
    expect(page.locator(".stale-note")).to_have_count(0)
    assert page.locator(".stale-hatch").count() == 0


def test_a_layer_that_is_styled_otherwise_and_the_other_map_of_the_swipe(
    open_page: Callable[[str], Page], town: tuple[str, Store]
) -> None:
    age(town[1], "hospitals", timedelta(hours=3))
    page = open_page("/?layers=hospitals")
    until(page, "hospitals", "symbol")
    page.click("#switch-workbench")
    card = page.locator("li.bench-layer[data-layer=hospitals]")
    card.locator("details summary").click()
    card.locator("#style-hospitals").select_option("name")
    expect(card.locator(".legend li")).not_to_have_count(0)
    until(page, "hospitals", "symbol")
    swipe = page.locator("details.tool", has=page.locator("#swipe-start"))
    swipe.locator("summary").click()
    page.locator("#swipe-left").select_option(
        "streets" if page.locator("#swipe-left option[value=streets]").count() else "roads"
    )
    page.locator("#swipe-right").select_option("hospitals")
    page.click("#swipe-start")
    page.wait_for_function("() => window.maps.length === 2 && window.maps[1].isStyleLoaded()")
    until(page, "hospitals", "symbol", 1)
    age(town[1], "hospitals", timedelta(0))
    until(page, "hospitals", "", 1)


def test_the_wall_counts_it(open_page: Callable[[str], Page], town: tuple[str, Store]) -> None:
    age(town[1], "closures", timedelta(hours=2))
    page = open_page("/?screen=wall")
    figure = page.locator("#figure-stale")
    expect(figure.locator(".value")).to_have_text(re.compile(r"^1\D"))
    expect(figure).to_have_class(re.compile("warn"))
    expect(figure).to_contain_text("道路封闭")
    until(page, "closures", "line")
    age(town[1], "closures", timedelta(0))
    expect(figure.locator(".value")).to_have_text(re.compile(r"^0\D"))
    until(page, "closures", "")
