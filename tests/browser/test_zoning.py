"""Risk zoning as the planner meets it: read, ask why, run again, compare, print."""

import re
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, TimeoutError, expect

from tests.browser.conftest import SIZES, Watched
from tests.browser.pictures import picture
from tests.program import ROOT, clean_environment, program

pytestmark = pytest.mark.browser
Watch = Callable[..., Watched]
Ask = Callable[..., Any]


def whole(text: str) -> int:
    found = re.search(r"[\d,]+", text)
    assert found is not None, text
    return int(found.group().replace(",", ""))


def open_zoning(watched: Watched, *, account: str = "") -> Page:
    if account:
        watched.log_in(account)
    page = watched.open()
    page.click("#tab-zoning")
    expect(page.locator("#zoning-summary table.levels")).to_be_visible()
    return page


def test_planner_reads_the_levels_and_every_person_is_in_one(watch: Watch, ask: Ask) -> None:
    watched = watch("guide")
    page = open_zoning(watched)
    answer = ask("zoning/natural/summary")
    shown = page.locator("#zoning-summary table.levels tbody tr")
    persons = {row["level"]: row["persons"] for row in answer["levels"] if row["units"]}
    assert [whole(shown.nth(k).locator("td").nth(1).inner_text()) for k in range(shown.count())] == list(
        persons.values()
    )
    assert sum(persons.values()) == answer["persons"] == ask("coverage")["totals"]["persons"]
    expect(page.locator("#zoning-summary")).to_contain_text(answer["run"][:8])
    expect(page.locator("#zoning-summary")).to_contain_text("待核对")
    assert page.locator("#layer-zoning_natural").is_checked()
    picture(page, "zoning")
    page.select_option("#zoning-layer", "prevention_natural")
    expect(page.locator("#layer-prevention_natural")).to_be_checked()
    assert not page.locator("#layer-zoning_natural").is_checked(), "one set of areas at a time"
    page.click("#tab-layers" if page.locator("#tab-layers").is_visible() else "#tab-reach")
    assert not page.locator("#layer-prevention_natural").is_checked(), "the map is as it was before"


def test_planner_asks_why_of_a_cell_and_of_a_street(watch: Watch, ask: Ask) -> None:
    page = open_zoning(watch())
    box = page.locator("#map").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] * 0.52, box["y"] + box["height"] * 0.5)
    told = page.locator("#zoning-explain")
    expect(told.locator(".verdict")).to_be_visible()
    place = re.search(r"(\d+\.\d{5}), (\d+\.\d{5})", told.inner_text())
    assert place is not None
    answer = ask("zoning/natural/explain", at=f"{place.group(1)},{place.group(2)}")
    assert answer["unit"] in told.inner_text()
    for hazard in answer["hazards"]:
        expect(told).to_contain_text(hazard["title"]["zh"])
    told.locator("details").first.locator("summary").click()
    expect(told.locator("details").first).to_contain_text("分级下限(含)")
    told.get_by_role("button", name="返回汇总").click()
    expect(told).to_be_hidden()
    street = ask("zoning/natural/summary")["streets"][0]["street"]
    page.locator("#zoning-summary").get_by_role("button", name=street, exact=True).click()
    expect(told).to_contain_text(street)


def test_planner_runs_again_after_a_correction_and_sees_what_moved(watch: Watch, ask: Ask, database: Path) -> None:
    page = open_zoning(watch(), account="demo-planner")
    before = ask("zoning/accident/summary")
    page.select_option("#zoning-scheme", "accident")
    expect(page.locator("#zoning-summary")).to_contain_text(before["run"][:8])
    unit = next(row["highest_unit"] for row in before["streets"] if row["highest_level"] < 5)
    reason = "<script>alert(1)</script>"
    subprocess.run(
        program(
            "zoning", "correct", "accident", unit, "5", "--reason", reason, "--author", "test", "--db", str(database)
        ),
        cwd=ROOT,
        env=clean_environment(),
        check=True,
        timeout=120,
    )
    page.click("#zoning-run")
    made = page.locator("#zoning-summary .kind, #zoning-summary p").first
    expect(made).not_to_contain_text(before["run"][:8], timeout=60_000)
    after = ask("zoning/accident/summary")
    assert after["corrected_units"] == 1
    expect(made).to_contain_text(after["run"][:8])
    page.locator("#zoning-compare summary").click()
    page.select_option("#zoning-old", before["run"])
    page.locator("#zoning-compare").get_by_role("button", name="比较").click()
    expect(page.locator("#zoning-compare table.moved")).to_contain_text(unit)
    assert page.locator("#zoning-layer").input_value() == "", "the map shows the difference alone"


def test_who_may_not_run_a_scheme_is_not_told_to(watch: Watch) -> None:
    for account, words in (("demo-planner", "按“重新运行”"), ("demo-dispatcher", "由规划员或管理员运行")):
        watched = watch()
        page = watched.page
        watched.log_in(account)
        page.route("**/api/v1/zoning/*/summary", lambda route: route.fulfill(status=404, json={"code": "not-found"}))
        page.click("#tab-zoning")
        expect(page.locator("#zoning-summary .empty")).to_contain_text(words)
        assert page.locator("#zoning-run").is_visible() == (account == "demo-planner")
        assert all("404" in error for error in watched.errors)
        watched.errors.clear()


CHECKED = "[...document.querySelectorAll('#layers input:checked')].map((one) => one.id)"


@pytest.mark.parametrize("never", ["natural", "accident"])
def test_a_scheme_that_was_never_run_leaves_the_map_as_it_is(watch: Watch, never: str) -> None:
    """Whether it is the one with which the panel opens, or one that is chosen there."""
    watched = watch("desktop")
    page = watched.page

    def without(route: Route) -> None:
        layers = route.fetch().json()
        for layer in layers:
            layer["count"] = 0 if layer["id"] in (f"zoning_{never}", f"prevention_{never}") else layer["count"]
        route.fulfill(json=layers)

    page.route("**/api/v1/layers?*", without)
    watched.open()
    before = page.evaluate(CHECKED)
    assert {"layer-teams", "layer-depots"} <= set(before)
    page.click("#tab-zoning")
    if never == "accident":
        expect(page.locator("#layer-zoning_natural")).to_be_checked()
        expect(page.locator("#layer-teams")).not_to_be_checked()
        page.select_option("#zoning-scheme", never)
        expect(page.locator("#layer-zoning_natural")).not_to_be_checked()
    expect(page.locator("#zoning-layer")).to_have_value(f"zoning_{never}")
    assert page.evaluate(CHECKED) == before
    other = "accident" if never == "natural" else "natural"
    page.select_option("#zoning-scheme", other)
    expect(page.locator(f"#layer-zoning_{other}")).to_be_checked()
    expect(page.locator("#layer-teams")).not_to_be_checked()
    page.click("#tab-reach")
    assert page.evaluate(CHECKED) == before, "the map is as it was before"


def test_a_running_job_can_be_stopped_and_nothing_changes(watch: Watch, ask: Ask) -> None:
    page = open_zoning(watch(), account="demo-planner")
    before = len(ask("zoning/runs"))
    page.click("#zoning-run")
    stop = page.locator("#zoning-cancel")
    expect(page.locator("#zoning-job")).not_to_be_empty()
    ended = time.monotonic() + 60
    while stop.is_visible() and time.monotonic() < ended:
        with suppress(TimeoutError):  # the run may end, and its button go, while the mouse is on its way
            stop.click(force=True, timeout=2_000)
        page.wait_for_timeout(500)
    expect(page.locator("#zoning-job progress")).to_have_count(0)
    assert len(ask("zoning/runs")) == before, "a stopped or equal run adds nothing"


@pytest.mark.parametrize("size", list(SIZES))
def test_the_panel_holds_its_tables_at_every_size(size: str, watch: Watch) -> None:
    watched = watch(size)
    page = open_zoning(watched)
    wide = page.evaluate(
        """() => [...document.querySelectorAll('#panel-zoning *')].filter((node) => {
            const box = node.getBoundingClientRect();
            return box.width > 0 && box.right > document.documentElement.clientWidth + 1;
        }).map((node) => node.className || node.tagName)"""
    )
    assert wide == []
    watched.shot(f"zoning-{size}")


def test_the_report_opens_without_a_script_or_another_host(watch: Watch) -> None:
    watched = watch()
    watched.page.goto(f"{watched.address}/api/v1/zoning/natural/files/report.html")
    expect(watched.page.locator("h1")).to_contain_text("自然灾害综合风险")
    assert watched.page.locator("script").count() == 0
