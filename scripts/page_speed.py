"""How quick the map page is, by the browser's own performance entries: `python scripts/page_speed.py --db PATH`.

A server of its own over the district on the loopback address, a headless Chromium, software rendering. Printed for each
figure: median and most over the runs, and the aim. What a hand waits for is the time until the next picture after it
(event timing); "of it scripts" is how long scripts ran in the longest frame meanwhile (long animation frames). The rest
is raster and paint, which a graphics card takes over. `--features N` puts N made-up enterprises into a copy
of the district, which goes away afterwards. Needs what `scripts/test` installs.
"""

import argparse
import shutil
import statistics
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from playwright.sync_api import Page, sync_playwright

from data.demo.crowd import crowd
from data.importers import import_frame
from data.store import Store
from web.bench_events import copied, served

WATCH = """() => {
    window.seen = { ready: null, tasks: [], events: [], frames: [] };
    new MutationObserver((_, watcher) => {
        if (document.body?.dataset.ready !== 'true') return;
        window.seen.ready = performance.now();
        watcher.disconnect();
    }).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ['data-ready'] });
    const plain = ({ startTime, duration }) => ({ startTime, duration });
    const keep = (list, told = plain) => (entries) => list.push(...entries.getEntries().map(told));
    new PerformanceObserver(keep(window.seen.tasks)).observe({ type: 'longtask', buffered: true });
    new PerformanceObserver(keep(window.seen.events)).observe({ type: 'event', durationThreshold: 16, buffered: true });
    const ours = (frame) => frame.scripts.reduce((sum, script) => sum + script.duration, 0);
    new PerformanceObserver(keep(window.seen.frames, (frame) => ({ ...plain(frame), scripts: ours(frame) })))
        .observe({ type: 'long-animation-frame', buffered: true });
}"""
AIMS_MS = {
    "first useful map": 2000,
    "longest task after load": 200,
    "slowest answer to a hand": 100,
    "of it scripts": 100,
}
SETTLE_MS = 1500
SEED = 20261127


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
        scripts = []
        for name, act in _hands():
            page.evaluate("() => { window.seen.events.length = window.seen.frames.length = 0; }")
            act(page)
            page.wait_for_timeout(SETTLE_MS)
            found[name] = float(page.evaluate("Math.max(0, ...window.seen.events.map(({ duration }) => duration))"))
            scripts.append(float(page.evaluate("Math.max(0, ...window.seen.frames.map((frame) => frame.scripts))")))
        found["slowest answer to a hand"] = max(found[name] for name, _ in _hands())
        found["of it scripts"] = max(scripts)
        after = "window.seen.tasks.filter(({ startTime }) => startTime > window.seen.ready)"
        found["longest task after load"] = float(page.evaluate(f"Math.max(0, ...{after}.map((task) => task.duration))"))
        return found


@contextmanager
def crowded(database: Path, rows: int) -> Iterator[Path]:
    """A copy of a district with so many made-up enterprises, which goes away."""
    with copied(str(database)) as copy:
        with Store(copy) as store:
            frame = crowd(store, rows, seed=SEED)
            import_frame(
                store, "enterprises", frame, source="demo", source_datum="EPSG:4326", now_utc=datetime.now(UTC)
            )
        yield copy


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--db", type=Path, required=True, help="the district's file")
    parser.add_argument("--runs", type=int, default=3, help="visits, after one that is not counted (default 3)")
    parser.add_argument("--features", type=int, help="made-up enterprises in a copy of the district (default: none)")
    asked = parser.parse_args()
    with (
        crowded(asked.db, asked.features) if asked.features else nullcontext(asked.db) as database,
        served(database, 10) as (port, _),
    ):
        visits = [measured(f"http://127.0.0.1:{port}") for _ in range(asked.runs + 1)][1:]
    print(f"{'ms':<28}{'median':>8}{'most':>8}{'aim':>8}")
    for name in visits[0]:
        values = [visit[name] for visit in visits]
        print(f"{name:<28}{statistics.median(values):>8.0f}{max(values):>8.0f}{AIMS_MS.get(name, ''):>8}")


if __name__ == "__main__":
    main()
