"""How quick the map page is, by the browser's own performance entries: `python scripts/page_speed.py --db PATH`.

A server of its own over the district on the loopback address, a headless Chromium, software rendering. Printed for each
figure: median and most over the runs, and the aim. Needs what `scripts/test` installs.
"""

import argparse
import shutil
import statistics
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from playwright.sync_api import Page, sync_playwright

from web.bench_events import served

WATCH = """() => {
    window.seen = { ready: null, tasks: [], events: [] };
    new MutationObserver((_, watcher) => {
        if (document.body?.dataset.ready !== 'true') return;
        window.seen.ready = performance.now();
        watcher.disconnect();
    }).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ['data-ready'] });
    const plain = ({ startTime, duration }) => ({ startTime, duration });
    const keep = (list) => (entries) => list.push(...entries.getEntries().map(plain));
    new PerformanceObserver(keep(window.seen.tasks)).observe({ type: 'longtask', buffered: true });
    new PerformanceObserver(keep(window.seen.events)).observe({ type: 'event', durationThreshold: 16, buffered: true });
}"""
AIMS_MS = {"first useful map": 2000, "longest task after load": 200, "slowest answer to a hand": 100}
SETTLE_MS = 1500


@contextmanager
def _opened(address: str) -> Iterator[Page]:
    with sync_playwright() as playwright:
        path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_context(viewport={"width": 1440, "height": 900}, locale="zh-CN").new_page()
        page.add_init_script(f"({WATCH})()")
        page.goto(f"{address}/")
        page.wait_for_selector("body[data-ready=true]", timeout=120_000)
        yield page
        browser.close()


def _hands() -> list[tuple[str, Callable[[Page], object]]]:
    """What a person does on the page, one after the other."""
    return [
        ("click on the map", lambda page: page.mouse.click(700, 450)),
        ("a panel", lambda page: page.click("#tab-coverage")),
        ("a layer off", lambda page: page.locator("#layers input[type=checkbox]:checked").first.click()),
        ("search", lambda page: page.type("#search", "sd", delay=120)),
        ("drag the map", _drag),
        ("wheel", lambda page: page.mouse.wheel(0, -400)),
    ]


def _drag(page: Page) -> None:
    page.mouse.move(700, 450)
    page.mouse.down()
    page.mouse.move(600, 400, steps=10)
    page.mouse.up()


def measured(address: str) -> dict[str, float]:
    """Milliseconds of one visit by the names of `AIMS_MS`, and of each thing that a hand does."""
    with _opened(address) as page:
        page.wait_for_timeout(SETTLE_MS)
        ready = float(page.evaluate("window.seen.ready"))
        found = {"first useful map": ready}
        for name, act in _hands():
            page.evaluate("window.seen.events.length = 0")
            act(page)
            page.wait_for_timeout(SETTLE_MS)
            found[name] = float(page.evaluate("Math.max(0, ...window.seen.events.map(({ duration }) => duration))"))
        found["slowest answer to a hand"] = max(found[name] for name, _ in _hands())
        after = "window.seen.tasks.filter(({ startTime }) => startTime > window.seen.ready)"
        found["longest task after load"] = float(page.evaluate(f"Math.max(0, ...{after}.map((task) => task.duration))"))
        return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--db", type=Path, required=True, help="the district's file")
    parser.add_argument("--runs", type=int, default=3, help="visits, after one that is not counted (default 3)")
    asked = parser.parse_args()
    with served(asked.db, 10) as (port, _):
        visits = [measured(f"http://127.0.0.1:{port}") for _ in range(asked.runs + 1)][1:]
    print(f"{'ms':<28}{'median':>8}{'most':>8}{'aim':>8}")
    for name in visits[0]:
        values = [visit[name] for visit in visits]
        print(f"{name:<28}{statistics.median(values):>8.0f}{max(values):>8.0f}{AIMS_MS.get(name, ''):>8}")


if __name__ == "__main__":
    main()
