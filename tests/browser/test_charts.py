"""Charts in a real browser: drawn under the page's policy, and equal to the numbers that they are made of."""

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.conftest import Watched

DRAWN = """async (node) => {
  const { getInstanceByDom } = await import("/static/vendor/echarts/echarts.esm.min.js");
  return getInstanceByDom(node).getOption().series.map((one) => one.data);
}"""


def drawn(page: Page) -> list[list[list[Any]]]:
    """The points of every series of the first chart, once it is painted."""
    chart = page.locator("[data-chart]").first
    chart.scroll_into_view_if_needed()
    expect(chart.locator("canvas").first).to_be_visible()
    found: list[list[list[Any]]] = chart.evaluate(DRAWN)
    return found


def number(text: str) -> float:
    return float(text.replace(",", ""))


def test_the_board_draws_what_its_table_says(watch: Callable[..., Watched]) -> None:
    watched = watch()
    watched.log_in("demo-dispatcher")
    page = watched.page
    page.goto(f"{watched.address}/supplies?item=P-3-01-03")
    bars = drawn(page)
    rows = page.locator("table.curve tbody tr").all_inner_texts()
    table = [[number(cell) for cell in row.split("\t")[1:4]] for row in rows]
    assert [[point[1] for point in one] for one in bars] == [list(column) for column in zip(*table, strict=True)]
    assert [point[0] for point in bars[0]] == [row.split("\t")[0] for row in rows]
    # Drawn once; what comes anew with a change leaves it where it is.
    page.evaluate("window.dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    page.wait_for_timeout(1500)
    assert drawn(page) == bars


def test_the_coverage_draws_its_proof_rows(watch: Callable[..., Watched], ask: Callable[..., Any]) -> None:
    page = watch().open()
    page.click("#tab-coverage")
    (steps,) = drawn(page)
    answer = ask("coverage")
    there = [place for place in answer["places"] if place["total_s"] is not None]
    assert len(steps) == 1 + sum(place["persons"] > 0 for place in there)
    for minutes, persons in steps[:: max(1, len(steps) // 9)]:
        # Places of one moment are one step after the other; the last of them is the sum.
        upto = sum(place["persons"] for place in there if place["total_s"] / 60 <= minutes)
        before = sum(place["persons"] for place in there if place["total_s"] / 60 < minutes)
        assert before <= persons <= upto
    assert steps[-1][1] == sum(place["persons"] for place in there)
    covered, all_ = (f"{answer['totals'][name]:,}" for name in ("covered_persons", "persons"))
    said = page.locator("#coverage [data-chart]").get_attribute("aria-label")
    assert said == f"60 分钟内可达 {covered} 人, 共 {all_} 人"
