"""The open map follows what others write, loses the connection and finds it again."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from data.store import Store
from tests.browser.conftest import Watched
from tests.program import ROOT, clean_environment, end, serve

pytestmark = pytest.mark.browser
Watch = Callable[..., Watched]
Ask = Callable[..., Any]


def elsewhere(database: Path, statement: str) -> None:
    """Commit one statement from another process, as QGIS or the command line would."""
    script = (
        "import sys\nfrom data.store import Store\n"
        "with Store(sys.argv[1]) as store, store.writing() as conn:\n    conn.exec_driver_sql(sys.argv[2])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(database), statement],
        cwd=ROOT,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def requests_of(page: Page) -> list[str]:
    made: list[str] = []
    page.on("request", lambda request: made.append(request.url))
    return made


def first_depot(database: Path) -> tuple[str, str]:
    with Store(database) as store, store.reading() as conn:
        row = conn.exec_driver_sql("SELECT id, name FROM depot ORDER BY fid LIMIT 1").one()
    return str(row[0]), str(row[1])


def test_a_row_changed_by_another_process_is_on_the_open_map(watch: Watch, ask: Ask, database: Path) -> None:
    watched = watch()
    page = watched.open()
    expect(page.locator("body")).to_have_attribute("data-live", "live")
    made = requests_of(page)
    identity, name = first_depot(database)
    elsewhere(database, f"UPDATE depot SET name = '改名的仓库' WHERE id = '{identity}'")
    try:
        with page.expect_response(lambda r: "/layers/depots.geojson" in r.url) as found:
            pass
        names = [feature["properties"]["name"] for feature in found.value.json()["features"]]
        assert "改名的仓库" in names
        expect(page.locator("#connection")).to_contain_text(f"数据版本 {ask('status')['revision']}")
        # What was not touched is not asked for again, and nobody polls while the stream is there.
        assert not any("/layers/teams.geojson" in url or "/status" in url for url in made)
        watched.shot("live-changed")
    finally:
        elsewhere(database, f"UPDATE depot SET name = '{name}' WHERE id = '{identity}'")


def test_two_tabs_of_one_browser_share_a_stream(chromium: Any, database: Path, address: str) -> None:
    context = chromium.new_context(viewport={"width": 1100, "height": 740}, reduced_motion="reduce")
    context.set_default_timeout(60_000)
    try:
        page = Watched(context.new_page(), address).open()
        expect(page.locator("body")).to_have_attribute("data-live", "live")
        other = context.new_page()
        asked = requests_of(other)
        Watched(other, address).open()
        expect(other.locator("body")).to_have_attribute("data-live", "live")
        assert not any("/api/v1/events" in url for url in asked)
        identity, _ = first_depot(database)
        with other.expect_response(lambda r: "/layers/depots.geojson" in r.url):
            elsewhere(database, f"UPDATE depot SET address = '新地址' WHERE id = '{identity}'")
        # The tab that listened goes; the other takes over from where it is.
        with other.expect_request(lambda r: "/api/v1/events" in r.url):
            page.close()
        with other.expect_response(lambda r: "/layers/depots.geojson" in r.url):
            elsewhere(database, f"UPDATE depot SET address = NULL WHERE id = '{identity}'")
    finally:
        context.close()


class Restartable:
    """A server of its own on one port, that can be taken away and come back."""

    def __init__(self, database: Path, port: int = 0) -> None:
        self.database, self.port = database, port
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> str:
        self.process, address, _ = serve(self.database, port=self.port)
        self.port = int(address.rsplit(":", 1)[1])
        return address

    def stop(self) -> float:
        """Seconds until it has ended."""
        assert self.process is not None
        begun = time.monotonic()
        end(self.process)
        return time.monotonic() - begun


@pytest.fixture
def own(database: Path) -> Iterator[Restartable]:
    server = Restartable(database)
    yield server
    if server.process is not None and server.process.poll() is None:
        server.stop()


def test_the_connection_is_lost_and_found_and_nothing_is_missed(
    chromium: Any, database: Path, own: Restartable
) -> None:
    address = own.start()
    page = chromium.new_page(viewport={"width": 1100, "height": 740}, reduced_motion="reduce")
    try:
        watched = Watched(page, address)
        watched.open()
        expect(page.locator("body")).to_have_attribute("data-live", "live")
        assert own.stop() < 30  # an open stream does not hold it up
        expect(page.locator("#connection")).to_contain_text("连接中断")
        expect(page.locator("body")).to_have_class("offline")
        watched.shot("live-lost")
        identity, name = first_depot(database)
        elsewhere(database, f"UPDATE depot SET name = '断线时改名' WHERE id = '{identity}'")
        with page.expect_response(lambda r: "/layers/depots.geojson" in r.url and r.ok, timeout=60_000) as found:
            own.start()
        assert "断线时改名" in [one["properties"]["name"] for one in found.value.json()["features"]]
        expect(page.locator("body")).to_have_attribute("data-live", "live")
        expect(page.locator("#connection")).to_contain_text("已连接")
        watched.shot("live-found")
        elsewhere(database, f"UPDATE depot SET name = '{name}' WHERE id = '{identity}'")
        assert watched.outside == []
    finally:
        page.context.close()
