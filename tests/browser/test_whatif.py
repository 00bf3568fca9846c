"""What if, as planners ask it: a closed road, more teams, weak roads, who leaves; each ends on the map."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PATIENCE_MS, SIZES, Watched
from tests.browser.pictures import picture
from tests.browser.test_accessible import broken
from tests.browser.test_legible import look_at
from tests.browser.test_supplies import log_in
from tests.program import ROOT, clean_environment, program

pytestmark = pytest.mark.browser
Watch = Callable[..., Watched]
Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def weak_roads(database: Path) -> str:
    """The name of a saved N-1."""
    name = "薄弱环节"
    command = program("whatif", "n-1", name, "--db", str(database))
    done = subprocess.run(command, cwd=ROOT, env=clean_environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "unnamed road (" in done.stdout
    return name


def opened(watched: Watched, path: str) -> Page:
    """A page of what-if, by whoever is logged in."""
    watched.page.goto(f"{watched.address}{path}")
    look_at(watched.page)
    return watched.page


def on_the_map(watched: Watched, *layers: str) -> None:
    """Follow the link to the map; these layers are on, other marks are off, and something is drawn."""
    page = watched.page
    page.get_by_role("link", name="在地图上看").click()
    page.wait_for_selector("body[data-ready=true]", timeout=2 * PATIENCE_MS)
    expect(page.locator(f"#layer-{layers[0]}")).to_be_in_viewport()
    for layer in layers:
        expect(page.locator(f"#layer-{layer}")).to_be_checked()
    assert not page.locator("#layer-enterprises").is_checked(), "they would hide the result"


def test_a_closed_road_its_difference_and_the_scenarios_on_the_map(watch: Watch, ask: Ask) -> None:
    watched = watch()
    watched.log_in("demo-dispatcher")
    watched.page.get_by_role("link", name="情景推演").click()
    watched.page.wait_for_url("**/whatif")
    page = opened(watched, "/whatif/closures")
    roads = ask("layers/roads.geojson", limit=400)["features"]
    lon, lat = next(f for f in roads if f["properties"]["highway"] == "trunk")["geometry"]["coordinates"][0][:2]
    page.fill("#close-reason", "浏览器测试")
    page.fill("#close-place", f"{lon},{lat}")
    page.get_by_role("button", name="登记", exact=True).click()
    row = page.locator("tbody tr", has_text="浏览器测试")
    expect(row).to_have_count(1)
    try:
        page = opened(watched, "/whatif/coverage")
        page.select_option("#scenario", "heavy_rain")
        page.get_by_role("button", name="对比").click()
        expect(page.locator("h2", has_text="变化的村(社区)")).to_be_visible()
        assert page.locator("table.list").nth(1).locator("tbody tr").count() > 10
        watched.shot("whatif-coverage")
        page = opened(watched, "/whatif")
        page.fill("#scenarios-name", "雨中")
        for box in page.locator("input[name=scenario]").all():
            box.set_checked(box.get_attribute("value") == "heavy_rain")
        page.get_by_role("button", name="推演并保存").click()
        page.get_by_role("link", name="雨中").click()
        look_at(page)
        on_the_map(watched, "whatif_scenarios")
        watched.shot("whatif-scenarios-map")
    finally:
        page.goto(f"{watched.address}/whatif/closures")
        row.get_by_role("button", name="解除").click()
        expect(row).to_have_count(0)


def test_two_more_teams_their_proof_and_their_place_on_the_map(watch: Watch) -> None:
    watched = watch("guide")
    log_in(watched.page, watched.address, "demo-planner", "/whatif")
    page = opened(watched, "/whatif/siting")
    page.fill("#siting-name", "再设两支")
    page.fill("#siting-add", "2")
    page.locator("input[name=candidates][value=grid]").check()
    page.select_option("#siting-type", "fire")
    page.fill("#siting-spacing_m", "1500")
    page.get_by_role("button", name="选址并保存").click()
    page.wait_for_url("**/whatif/siting/plan**", timeout=PATIENCE_MS)
    look_at(page)
    picture(page, "siting")
    assert broken(page) == []
    expect(page.locator("section", has_text="选中的点").first.locator("tbody tr")).to_have_count(2)
    expect(page.locator("[data-chart] canvas").first).to_be_visible()
    expect(page.locator("main")).to_contain_text("江心沙村", use_inner_text=True)
    on_the_map(watched, "new_sites", "new_sites_gain")
    watched.shot("whatif-siting-map")


def test_weak_roads_have_words_and_lie_on_the_map(watch: Watch, weak_roads: str) -> None:
    watched = watch()
    log_in(watched.page, watched.address, "demo-planner", "/whatif")
    page = opened(watched, f"/whatif/result?kind=n_minus_1&name={weak_roads}")
    expect(page.locator("tbody th", has_text="无名道路 (").first).to_be_visible()
    assert broken(page) == []
    watched.shot("whatif-n-1")
    on_the_map(watched, "critical_links", "villages_on_one_road")
    watched.shot("whatif-n-1-map")


def test_an_evacuation_gives_every_village_its_paper(watch: Watch) -> None:
    watched = watch("guide")
    log_in(watched.page, watched.address, "demo-planner", "/whatif")
    page = opened(watched, "/whatif/evacuation")
    page.fill("#evacuation-name", "浏览器疏散")
    page.select_option("#evacuation-zone", "area:A-05")
    page.get_by_role("button", name="推演并保存").click()
    page.wait_for_url("**/whatif/evacuation/plan**", timeout=PATIENCE_MS)
    look_at(page)
    picture(watched.page, "evacuation")
    paper = page.locator("article.village").first.get_by_role("link", name="避险地图").get_attribute("href")
    assert paper is not None
    answer = page.request.get(f"{watched.address}{paper}")
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.body().startswith(b"%PDF-")
    on_the_map(watched, "evacuation_moves", "evacuation_shelters", "evacuation_villages")


@pytest.mark.parametrize("size", [*SIZES, "office"])
@pytest.mark.parametrize("path", ["", "/coverage", "/siting", "/stocking", "/evacuation", "/shelters", "/closures"])
def test_every_page_is_readable_at_every_size(watch: Watch, size: str, path: str) -> None:
    watched = watch(size)
    if size == "office":
        watched.page.set_viewport_size({"width": 1920, "height": 1080})
    log_in(watched.page, watched.address, "demo-planner", "/whatif")
    opened(watched, f"/whatif{path}")
    watched.shot(f"whatif{path.replace('/', '-')}-{size}")
