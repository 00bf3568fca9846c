"""What else a planner asks for (the way is in `test_paths.py`): wrong links, kept names, moments, keys, a new layer."""

import json
import os
import re
import subprocess
import sys
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from playwright.sync_api import Browser, Page, Route, expect

from layers.catalogue import LAYERS
from layers.views.map_view import PANELS
from tests.browser.conftest import PATIENCE_MS, Watched, named
from tests.browser.test_accessible import broken
from tests.browser.test_live import elsewhere
from tests.browser.test_stale import MAPS
from tests.program import ROOT, clean_environment

pytestmark = pytest.mark.browser
Watch = Callable[..., Watched]
Ask = Callable[..., Any]

STYLE = {"field": "workers_on_shift", "method": "quantile", "classes": 4}
CARD = "[data-layer=enterprises]"


def count(text: str | None) -> int:
    return int(re.sub(r"\D", "", text or ""))


def bench(page: Page) -> None:
    if page.locator("#tab-layers").is_visible():
        page.click("#tab-layers")
    page.click("#switch-workbench")
    expect(page.locator(".bench-layer").first).to_be_visible()


def tool(page: Page, name: str) -> None:
    page.locator(f"details.tool:has(#tool-{name}) > summary").click()
    expect(page.locator(f"#tool-{name}")).to_be_visible()


def style_enterprises(page: Page) -> None:
    page.locator(f"{CARD} > details > summary").click()
    page.select_option("#style-enterprises", STYLE["field"])
    page.locator(f"{CARD} select[aria-label]").first.select_option(STYLE["method"])
    page.fill(f"{CARD} .editor input[type=number]", str(STYLE["classes"]))
    page.press(f"{CARD} .editor input[type=number]", "Enter")


def document_of(page: Page) -> dict[str, Any]:
    """The view that the link carries."""
    if not page.locator("#view-link").is_visible():
        tool(page, "views")
    page.click("#view-copy")
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(page.input_value("#view-link")).query)
    found: dict[str, Any] = json.loads(query["view"][0])
    return found


def test_a_link_that_asks_for_what_is_not_there_says_so(watch: Watch) -> None:
    watched = watch()
    page = watched.page
    page.goto(watched.address + "/?" + urllib.parse.urlencode({"view": '{"layers":[{"id":"nowhere"}]}'}))
    expect(page.locator("#notices .failure")).to_contain_text("没有图层“nowhere”, 或此账号不能看")
    page.goto(watched.address + "/?panel=nowhere")
    expect(page.locator("#notices .failure")).to_contain_text("panel=nowhere: 应为 supply 之一。")
    page.goto(watched.address + "/?panel=nowhere&lang=en")
    expect(page.locator("#notices .failure")).to_contain_text("panel=nowhere: expected one of supply")
    watched.errors = [text for text in watched.errors if "404" not in text and "422" not in text]


def test_a_named_view_is_saved_opened_by_a_viewer_renamed_and_deleted(watch: Watch) -> None:
    watched = watch("desktop")
    watched.log_in("demo-planner")
    page = watched.page
    bench(page)
    style_enterprises(page)
    expect(page.locator(f"{CARD} > .facts")).to_contain_text("/")
    tool(page, "views")
    page.fill("#view-name", "<script>汛期</script>")
    page.check("#view-shared")
    page.click("#view-form button[type=submit]")
    row = page.locator("li[data-view]")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("<script>汛期</script>")
    watched.shot("planner-views")
    document = document_of(page)

    reader = watch("desktop")
    reader.log_in("demo-viewer")
    seen = reader.page
    bench(seen)
    tool(seen, "views")
    expect(seen.locator("#view-form")).to_have_count(0)
    seen.locator("li[data-view] button.link").click()
    expect(seen.locator(f"{CARD} > .facts")).to_contain_text("/")
    hidden = {key for key, layer in LAYERS.items() if "viewer" not in layer.roles}
    assert document_of(seen)["layers"] == [one for one in document["layers"] if one["id"] not in hidden]
    expect(seen.locator("#view-told")).to_contain_text("2 个图层不在此账号可看范围内")
    assert seen.locator("li[data-view] details").count() == 0

    row.locator("summary").click()
    row.locator("input[type=text]").fill("汛期二")
    row.locator("form button[type=submit]").click()
    expect(row.locator("button.link")).to_have_text("汛期二")
    row.locator("summary").click()
    row.locator("button.danger").click()
    row.locator("button.danger").click()
    expect(row).to_have_count(0)


def test_swipe_between_two_moments(watch: Watch) -> None:
    watched = watch("desktop")
    page = watched.open()
    bench(page)
    tool(page, "swipe")
    page.select_option("#swipe-by", "moments")
    page.click("#swipe-start")
    expect(page.locator("#tool-swipe .failure")).to_be_visible()
    page.fill("#swipe-moment", "2026-01-01T03:00")
    page.click("#swipe-start")
    divider = page.locator(".swipe-divider")
    expect(divider).to_be_focused(timeout=PATIENCE_MS * 2)  # another moment is computed
    assert divider.get_attribute("aria-valuenow") == "50"
    page.keyboard.press("ArrowLeft")
    assert divider.get_attribute("aria-valuenow") == "48"
    assert "48%" in str(page.locator(".swipe-pane").get_attribute("style"))
    assert page.locator(".swipe-name").all_inner_texts() == ["现在", "2026-01-01 03:00"]
    watched.shot("planner-swipe-moments")
    divider.focus()
    page.keyboard.press("Escape")
    expect(divider).to_have_count(0)
    expect(page.locator("#swipe-start")).to_be_focused()


SWIPED = "() => window.maps[1]?.getSource('hospitals').serialize().data.features?.[0].properties.name"
SHOWN = SWIPED.replace("maps[1]?", "maps[0]")
MOMENT, LATER = "2026-01-01T03:00", "2026-01-01T04:00"


def of_hospitals(moment: str) -> re.Pattern[str]:
    return re.compile(rf"/layers/hospitals\.geojson\?.*at={moment.replace(':', '%3A')}")


def test_an_answer_for_another_moment_comes_too_late(watch: Watch) -> None:
    """What was asked for a moment that is no longer shown is never drawn, neither on the map nor under the swipe."""
    watched = watch("desktop")
    page = watched.page
    page.add_init_script(MAPS)
    watched.open()
    now = page.evaluate(SHOWN)
    held: list[Route] = []
    page.route(of_hospitals(MOMENT), lambda route: held.append(route))
    page.select_option("#when-mode", "fixed")
    with page.expect_request(of_hospitals(MOMENT)):
        page.fill("#when-time", MOMENT)
    with page.expect_response(lambda one: "/layers/hospitals.geojson" in one.url and "at=" not in one.url):
        page.select_option("#when-mode", "now")
    assert held
    for one in held:
        named("太迟")(one)
    page.wait_for_timeout(500)
    assert page.evaluate(SHOWN) == now
    page.unroute(of_hospitals(MOMENT))

    bench(page)
    tool(page, "swipe")
    page.select_option("#swipe-by", "moments")
    page.route(of_hospitals(LATER), named("这一刻"))
    page.fill("#swipe-moment", LATER)
    page.click("#swipe-start")
    expect(page.locator(".swipe-divider")).to_be_focused(timeout=PATIENCE_MS * 2)
    page.wait_for_function(f"(wanted) => ({SWIPED})() === wanted", arg="这一刻")
    held.clear()
    page.route(of_hospitals(MOMENT), lambda route: held.append(route))
    with page.expect_request(of_hospitals(MOMENT)):
        page.fill("#swipe-moment", MOMENT)
    expect(page.locator("#tool-swipe .loading")).to_be_visible()  # it is being computed, which is said
    page.fill("#swipe-moment", LATER)
    expect(page.locator("#tool-swipe .loading")).to_have_count(0)
    assert held
    for one in held:
        named("太迟")(one)
    page.wait_for_timeout(500)
    assert page.evaluate(SWIPED) == "这一刻"
    assert page.locator(".swipe-name").all_inner_texts() == ["现在", LATER.replace("T", " ")]


def test_a_link_restores_the_swipe_which_follows_what_changes(watch: Watch, database: Path) -> None:
    watched = watch("desktop")
    page = watched.page
    page.add_init_script(MAPS)
    swipe = {"left": "teams", "right": "hospitals", "share": 30}
    view = json.dumps({"layers": [{"id": "teams"}, {"id": "hospitals"}], "swipe": swipe})
    watched.open("/?" + urllib.parse.urlencode({"view": view}))
    divider = page.locator(".swipe-divider")
    expect(divider).to_have_attribute("aria-valuenow", "30")
    assert page.locator(".swipe-name").all_inner_texts() == ["救援队伍", "医院"]
    page.wait_for_function(SWIPED)
    bench(page)
    assert document_of(page)["swipe"] == swipe
    divider.focus()
    page.keyboard.press("ArrowRight")
    assert document_of(page)["swipe"] == {**swipe, "share": 32}

    expect(page.locator("body")).to_have_attribute("data-live", "live")
    name = page.evaluate(SWIPED)
    try:
        elsewhere(database, f"UPDATE hospital SET name = '改名的医院' WHERE name = '{name}'")
        page.wait_for_function(f"(wanted) => ({SWIPED})() === wanted", arg="改名的医院")
    finally:
        elsewhere(database, f"UPDATE hospital SET name = '{name}' WHERE name = '改名的医院'")
    divider.focus()
    page.keyboard.press("Escape")
    assert "swipe" not in document_of(page)


PLACE = {"lonlat": [120.86, 32.01], "name": "<script>集结点</script>"}


@pytest.mark.parametrize("panel", PANELS)
def test_a_link_restores_the_panel_and_the_place(watch: Watch, panel: str) -> None:
    watched = watch("desktop")
    if panel == "orders":
        watched.log_in("demo-dispatcher")
    page = watched.page
    page.add_init_script(MAPS)
    view: dict[str, Any] = {
        "center": [120.87, 32.02],
        "zoom": 12,
        "layers": [{"id": "teams"}],
        "panel": panel,
        "place": PLACE,
    }
    if panel == "around":
        view["around"] = {"minutes": 7}
    if panel == "coverage":
        view["coverage"] = {"places": "cells", "limit_s": 1320, "skill": "hazmat"}
    asked = "**/explain?*" if panel == "zoning" else "**/around?*" if panel == "around" else "**/reach?*"
    address = "/?" + urllib.parse.urlencode({"view": json.dumps(view)})
    if panel == "supply":  # asks once something is needed
        watched.open(address)
        expect(page.locator("#supply-place")).to_contain_text(PLACE["name"])
    else:
        with page.expect_response(asked) as got:
            watched.open(address)
        assert got.value.ok
        assert "120.86%2C32.01" in got.value.url
    expect(page.locator(f"#tab-{panel}")).to_have_attribute("aria-selected", "true")
    expect(page.locator(f"#panel-{panel}")).to_be_visible()
    expect(page.locator(".maplibregl-marker")).to_have_count(1)
    if panel == "around":
        assert "minutes=7" in got.value.url
        expect(page.locator("#around .where h3")).to_contain_text("7")
        expect(page.locator("#around-place")).to_contain_text(PLACE["name"])
        page.wait_for_timeout(1_000)  # the outline does not carry the map away
    elif panel == "coverage":
        expect(page.locator("#coverage .headline")).to_contain_text("22 分钟内可到的人口")
    elif panel == "zoning":
        expect(page.locator("#zoning-explain .verdict")).to_be_visible()
        expect(page.locator("#zoning-layer")).to_have_value("")
    else:
        expect(page.locator("#reach .where h3")).to_have_count(0 if panel == "supply" else 1)
    bench(page)
    written = document_of(page)
    assert {name: written.get(name) for name in view} == view, "and its own link is the same"


def test_a_link_of_before_and_a_panel_that_is_not_for_the_reader(watch: Watch) -> None:
    watched = watch("desktop")
    page = watched.open("/?" + urllib.parse.urlencode({"view": json.dumps({"layers": [{"id": "teams"}]})}))
    expect(page.locator("#tab-reach")).to_have_attribute("aria-selected", "true")
    assert page.locator(".maplibregl-marker").count() == 0
    view = {"layers": [{"id": "teams"}], "panel": "orders"}
    watched.open("/?" + urllib.parse.urlencode({"view": json.dumps(view)}))
    assert page.locator("#tab-orders").count() == 0
    expect(page.locator("#tab-reach")).to_have_attribute("aria-selected", "true")
    expect(page.locator("#panel-reach")).to_be_visible()


def test_the_panel_of_zoning_says_which_layer_a_view_draws(watch: Watch) -> None:
    page = watch("desktop").open(
        "/?" + urllib.parse.urlencode({"view": json.dumps({"layers": [{"id": "zoning_accident"}], "panel": "zoning"})})
    )
    expect(page.locator("#layer-zoning_accident")).to_be_checked()
    expect(page.locator("#zoning-scheme")).to_have_value("accident")
    expect(page.locator("#zoning-layer")).to_have_value("zoning_accident")


def test_the_link_follows_panel_and_place(watch: Watch) -> None:
    page = watch("desktop").open()
    bench(page)
    assert document_of(page)["panel"] == "reach"
    page.click("#tab-since")
    assert document_of(page)["panel"] == "since"
    page.focus("#map .maplibregl-canvas")
    page.keyboard.press("Enter")
    expect(page.locator("#reach .where h3")).to_be_visible()
    written = document_of(page)
    assert written["panel"] == "reach"
    lon, lat = written["place"]["lonlat"]
    expect(page.locator("#reach .coordinates")).to_contain_text(f"{lon:.5f}, {lat:.5f}")
    page.click("#tab-coverage")
    page.select_option("#coverage-limit", "900")
    asked = {"places": "villages", "limit_s": 900}
    assert (document_of(page)["panel"], document_of(page)["coverage"]) == ("coverage", asked)
    page.click("#tab-reach")
    assert "coverage" not in document_of(page)
    page.click("#reach-around")
    assert document_of(page)["around"] == {"radius_m": int(page.input_value("#around-bound"))}
    page.fill("#around-bound", "1500")
    page.press("#around-bound", "Tab")
    assert document_of(page)["around"] == {"radius_m": 1500}


def drawn_here(page: Page) -> list[str]:
    return [node.input_value() for node in page.locator(".drawn input").all()]


def test_a_view_shows_its_drawing_or_none_and_does_not_lose_the_own_one(watch: Watch) -> None:
    watched = watch("desktop")
    page = watched.open()
    own = [{"label": "自己的", "geometry": {"type": "Point", "coordinates": [120.86, 32.01]}}]
    key = page.evaluate("async () => `onemap.drawing.${(await import('/static/js/config.js')).config.district}`")
    page.evaluate("([key, drawn]) => localStorage.setItem(key, drawn)", [key, json.dumps(own)])
    for name in ("一", "", "二", ""):  # the drawing of one view is no own drawing when the next is opened
        drawing = [{"label": name, "geometry": {"type": "Point", "coordinates": [120.87, 32.02]}}] if name else []
        view = {"layers": [{"id": "teams"}], **({"drawing": drawing} if name else {})}
        watched.open("/?" + urllib.parse.urlencode({"view": json.dumps(view)}))
        bench(page)
        assert drawn_here(page) == ([name] if name else [])
        expect(page.locator("#draw-before")).to_contain_text("原来的 1 处标绘")
        expect(page.locator("#draw-back")).to_be_visible()
        assert document_of(page).get("drawing", []) == drawing
    draw_point(page, "后来的")
    page.reload()
    page.wait_for_selector("body[data-ready=true]")
    bench(page)
    assert drawn_here(page) == ["后来的"], "a reload leaves what was drawn since"
    tool(page, "draw")
    page.click("#draw-back")
    assert drawn_here(page) == ["自己的", "后来的"]
    watched.open("/?" + urllib.parse.urlencode({"view": json.dumps({"layers": [{"id": "teams"}]})}))
    bench(page)
    assert drawn_here(page) == []
    expect(page.locator("#draw-before")).to_contain_text("原来的 2 处标绘")
    page.click("#draw-back")
    watched.open()
    bench(page)
    tool(page, "draw")
    assert drawn_here(page) == ["自己的", "后来的"]
    assert page.locator("#draw-back").count() == 0


def draw_point(page: Page, label: str) -> None:
    """By keyboard, at the middle of the map."""
    page.fill("#draw-label", label)
    page.click("#tool-draw [data-shape=point]")
    page.focus("#map .maplibregl-canvas")
    page.keyboard.press("Enter")
    page.click("#draw-finish")
    expect(page.locator(".drawn input").last).to_have_value(label)


def test_two_own_drawings_are_kept_aside_together(watch: Watch) -> None:
    watched = watch("desktop")
    link = "/?" + urllib.parse.urlencode({"view": json.dumps({"layers": [{"id": "teams"}]})})
    watched.open()
    for name in ("甲", "乙"):
        page = watched.open()
        bench(page)
        if not page.locator("#draw-label").is_visible():
            tool(page, "draw")
        draw_point(page, name)
        watched.open(link)
    bench(page)
    expect(page.locator("#draw-before")).to_contain_text("原来的 2 处标绘")
    page.click("#draw-back")
    assert drawn_here(page) == ["甲", "乙"]


def test_a_drawing_that_is_too_long_for_a_link_is_printed(watch: Watch) -> None:
    watched = watch("desktop")
    page = watched.open()
    points = [
        {"label": f"点{k}", "geometry": {"type": "Point", "coordinates": [120.8 + k * 1e-3, 32.0]}} for k in range(100)
    ]
    key = page.evaluate("async () => `onemap.drawing.${(await import('/static/js/config.js')).config.district}`")
    page.evaluate("([key, drawn]) => localStorage.setItem(key, drawn)", [key, json.dumps(points)])
    watched.open()
    bench(page)
    assert "drawing" not in document_of(page)
    tool(page, "print")
    page.click("#tool-print button[type=submit]")
    expect(page.locator("#print-out")).to_be_visible(timeout=PATIENCE_MS * 2)
    with page.expect_download() as got:
        page.click("#print-out")
    pdf = pypdfium2.PdfDocument(got.value.path())
    text = pdf[0].get_textpage().get_text_bounded()
    pdf.close()
    assert "点0" in text


def test_draw_by_keyboard_survives_a_reload(watch: Watch) -> None:
    watched = watch("desktop")
    page = watched.open()
    bench(page)
    tool(page, "draw")
    page.focus("#tool-draw [data-shape=line]")
    page.keyboard.press("Enter")
    page.focus("#map .maplibregl-canvas")
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(800)
    page.keyboard.press("Enter")
    expect(page.locator("#draw-finish")).to_be_enabled()
    page.fill("#draw-label", "<b>巡查线</b>")
    page.keyboard.press("Enter")
    expect(page.locator(".drawn li")).to_have_count(1)
    page.reload()
    page.wait_for_selector("body[data-ready=true]")
    bench(page)
    tool(page, "draw")
    expect(page.locator(".drawn input")).to_have_value("<b>巡查线</b>")
    href = page.locator("#draw-out").get_attribute("href") or ""
    collection = json.loads(urllib.parse.unquote(href.split(",", 1)[1]))
    (feature,) = collection["features"]
    assert feature["properties"] == {"label": "<b>巡查线</b>"}
    assert feature["geometry"]["type"] == "LineString"
    assert len(feature["geometry"]["coordinates"]) == 2
    watched.shot("planner-draw")
    drawing = document_of(page)["drawing"]
    assert drawing == [{"label": "<b>巡查线</b>", "geometry": feature["geometry"]}]
    page.locator(".drawn button").click()
    expect(page.locator(".drawn li")).to_have_count(0)
    assert "drawing" not in document_of(page)


def test_an_unfinished_drawing_survives_a_reload(watch: Watch) -> None:
    page = watch().open()
    bench(page)
    tool(page, "draw")
    page.click("#tool-draw [data-shape=area]")
    page.focus("#map .maplibregl-canvas")
    for key in ("ArrowRight", "ArrowDown", "ArrowLeft"):
        page.keyboard.press("Enter")
        page.keyboard.press(key)
        page.wait_for_timeout(800)
    expect(page.locator("#draw-finish")).to_be_enabled()
    page.reload()
    page.wait_for_selector("body[data-ready=true]")
    bench(page)
    expect(page.locator("#tool-draw")).to_contain_text("有一处没画完")
    expect(page.locator("#draw-finish")).to_be_enabled()
    page.click("#tool-draw [data-shape=area]")  # goes on where it was
    page.focus("#map .maplibregl-canvas")
    page.keyboard.press("Enter")
    page.click("#draw-finish")
    (drawn,) = document_of(page)["drawing"]
    assert drawn["geometry"]["type"] == "Polygon"
    assert len(drawn["geometry"]["coordinates"][0]) == 5, "four corners, and the first again"
    page.reload()
    page.wait_for_selector("body[data-ready=true]")
    bench(page)
    assert "没画完" not in page.locator("#tool-draw").inner_text(), "what was finished is no draft"


@pytest.mark.parametrize("size", ["desktop", "large", "phone"])
def test_it_is_legible_and_fits(watch: Watch, size: str) -> None:
    watched = watch("phone" if size == "phone" else "desktop")
    if size == "large":
        watched.page.set_viewport_size({"width": 1920, "height": 1080})
    page = watched.open()
    bench(page)
    page.locator(f"{CARD} > details > summary").click()
    for name in ("views", "swipe", "measure", "draw", "print"):
        tool(page, name)
    small = page.evaluate(
        """() => [...document.querySelectorAll('#workbench *')].filter((node) => node.checkVisibility()
            && [...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim())
            && parseFloat(getComputedStyle(node).fontSize) < 12).map((node) => node.outerHTML.slice(0, 80))"""
    )
    assert small == []
    wide = page.evaluate(
        "() => (({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)(document.getElementById('panel-layers'))"
    )
    assert wide <= 0
    unnamed = page.evaluate(
        """() => [...document.querySelectorAll('#workbench :is(button, input, select)')].filter((node) =>
            !node.getAttribute('aria-label') && !node.labels?.length && !node.textContent.trim())
            .map((node) => node.outerHTML)"""
    )
    assert unnamed == []
    page.locator("#workbench").evaluate(
        "(node) => { for (const one of node.querySelectorAll('details')) one.open = true; }"
    )
    expect(page.locator("#style-villages, #style-streets").first).to_be_visible()
    assert broken(page) == []
    watched.shot(f"planner-{size}")


DECLARED = """
from layers import analyses
from layers.catalogue import LAYERS
from layers.layer import Computed, Field, Layer, Mark, Single, Text

LAYERS["water_points"] = Layer(
    "water_points", Text("取水点", "Water points"), Text("新增", "Added"), "point", Computed("water_points"),
    (Field("id", Text("编号", "id")), Field("name", Text("名称", "name")),
     Field("flow_l_s", Text("流量", "flow"), "number", "L/s")),
    Single(Mark(Text("取水点", "water point"), "#005f73", "pentagon", 14.0)), Text("测试", "test"), visible=True,
)


def water_points(view, *, at):
    frame = view.frame("hospital")[["id", "geometry"]].copy()
    frame["name"] = [f"<i>{k}</i>号" for k in range(len(frame))]
    frame["flow_l_s"] = [float(k) for k in range(len(frame))]
    return frame


analyses.LAYER_FUNCTIONS["water_points"] = water_points
"""


@pytest.fixture
def declared(database: Path, tmp_path: Path) -> Iterator[str]:
    """A server whose catalogue has one entry more; nothing else of the program is changed."""
    (tmp_path / "sitecustomize.py").write_text(f"import sys\nsys.path.insert(0, {str(ROOT)!r})\n{DECLARED}")
    environment = {**clean_environment(), "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
    command = [sys.executable, "-m", "web.cli", "serve", "--db", str(database), "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        lines = []
        for line in process.stderr:
            lines.append(line)
            if "the map is at " in line:
                break
        assert "the map is at " in lines[-1], lines
        yield lines[-1].split("the map is at ")[1].split()[0].rstrip("/")
        process.terminate()
        process.wait(30)


def test_one_entry_of_the_catalogue_is_in_tree_legend_popup_and_workbench(chromium: Browser, declared: str) -> None:
    page = chromium.new_page(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    page.set_default_timeout(PATIENCE_MS)
    watched = Watched(page, declared)
    watched.open()
    line = page.locator(".layer:has(#layer-water_points)")
    expect(line.locator("label")).to_have_text("取水点")
    n = count(line.locator(".count").inner_text())
    assert n > 2
    assert line.locator("svg.mark polygon").first.get_attribute("fill") == "#005f73"
    page.fill("#search", "医院")
    expect(page.locator(".suggestions:not([hidden]) [role=option]").first).to_be_visible()
    page.press("#search", "Enter")
    expect(page.locator("#reach .verdict")).to_be_visible()
    page.focus("#map .maplibregl-canvas")
    page.keyboard.press("Enter")
    popup = page.locator(".maplibregl-popup")
    expect(popup).to_contain_text("取水点")
    expect(popup).to_contain_text("</i>号")
    bench(page)
    card = "[data-layer=water_points]"
    page.locator(f"{card} > details > summary").click()
    page.select_option("#style-water_points", "flow_l_s")
    expect(page.locator(f"{card} > .facts")).to_contain_text(f"{n} / {n}")
    counts = [count(text) for text in page.locator(f"{card} .legend.counted .num").all_inner_texts()]
    assert sum(counts) == n
    assert [watched.errors, watched.outside] == [[], []]
    page.context.close()
