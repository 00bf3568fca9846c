"""A real Chromium before the real server with the demo district.

Screenshots go to the folder named by ONEMAP_SCREENSHOTS; without it none are kept.
"""

import json
import os
import shutil
import subprocess
import urllib.parse
import urllib.request
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright

from layers.actions.accounts import DEMO_PASSWORD
from tests.program import ROOT, clean_environment, end, program, serve

# Taken out of the environment: a variable that is no setting is an error for the program.
SCREENSHOTS = os.environ.pop("ONEMAP_SCREENSHOTS", "")
SIZES = {"desktop": (1440, 900), "wall": (2560, 1440), "phone": (390, 844), "guide": (1120, 700)}
# Without a picture to take, a smaller window: every pixel is drawn by the processor here.
DESK = SIZES["desktop"] if SCREENSHOTS else (1100, 740)
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
]
PATIENCE_MS = 60_000  # software rendering on a busy machine
expect.set_options(timeout=30_000)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The system's Chromium."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        warnings.warn("NO CHROMIUM ON THIS MACHINE: THE BROWSER TESTS ARE SKIPPED", pytest.PytestWarning, stacklevel=1)
        pytest.skip("no chromium on PATH")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo district, made by the command that users start."""
    path = tmp_path_factory.mktemp("demo") / "district.gpkg"
    made = subprocess.run(
        program("run", "--check", "--db", str(path)),
        cwd=ROOT,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    return path


@pytest.fixture(scope="session")
def address(database: Path) -> Iterator[str]:
    """The address of the server (no slash at the end)."""
    process, found, _ = serve(database)
    yield found
    end(process)


@pytest.fixture
def ask(address: str) -> Callable[..., Any]:
    """Ask the API as a program does."""

    def call(path: str, **query: Any) -> Any:
        text = urllib.parse.urlencode(query, doseq=True)
        with urllib.request.urlopen(f"{address}/api/v1/{path}?{text}", timeout=60) as response:
            return json.load(response)

    return call


def been_here(page: Page) -> None:
    """The visit is not the first one of this browser: no tour is offered."""
    page.add_init_script("try { localStorage.setItem('onemap-tour', 'yes') } catch { /* a page without an address */ }")


def wait_until(page: Page, is_so: Callable[[], object], most_ms: int = PATIENCE_MS) -> None:
    """Let the page go on until it is so; an error when it takes longer."""
    for _ in range(most_ms // 100):
        if is_so():
            return
        page.wait_for_timeout(100)
    assert is_so()


def named(name: str) -> Callable[[Route], None]:
    """Answer for a layer with its rows, all of them called `name`."""

    def answer(route: Route) -> None:
        response = route.fetch()
        body = response.json()
        for feature in body["features"]:
            feature["properties"]["name"] = name
        route.fulfill(response=response, body=json.dumps(body))

    return answer


class Watched:
    """A page with what went wrong on it; `is_new` for somebody who opens the map for the first time."""

    def __init__(self, page: Page, address: str, *, is_new: bool = False) -> None:
        if not is_new:
            been_here(page)
        self.page = page
        self.address = address
        self.errors: list[str] = []
        self.outside: list[str] = []
        page.on("console", lambda m: self.errors.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: self.errors.append(error.stack or str(error)))
        page.on("request", self._request)

    def _request(self, request: Any) -> None:
        url = request.url
        if not url.startswith((self.address + "/", "data:", "blob:")):
            self.outside.append(url)

    def open(self, path: str = "/") -> Page:
        """Open a page and wait until the layers are there."""
        self.page.goto(self.address + path)
        self.page.wait_for_selector("body[data-ready=true]", timeout=PATIENCE_MS)
        return self.page

    def log_in(self, name: str) -> None:
        """Log in with a demo account, as a person does."""
        self.page.goto(f"{self.address}/login")
        self.page.fill("#name", name)
        self.page.fill("#password", DEMO_PASSWORD)
        self.page.click("button[type=submit]")
        self.page.wait_for_selector("body[data-ready=true]", timeout=PATIENCE_MS)

    def shot(self, name: str) -> None:
        """Keep a screenshot where they are wanted."""
        if SCREENSHOTS:
            folder = ROOT / SCREENSHOTS
            folder.mkdir(parents=True, exist_ok=True)
            self.page.wait_for_timeout(2500)  # tiles and labels
            self.page.screenshot(path=folder / f"{name}.png")


@pytest.fixture
def watch(chromium: Browser, address: str) -> Iterator[Callable[..., Watched]]:
    """Open watched pages; at the end none may have had an error or asked another host."""
    opened: list[Watched] = []

    def make(size: str = "", *, is_new: bool = False, dense: float = 1) -> Watched:
        width, height = SIZES.get(size, DESK)
        page = chromium.new_page(
            viewport={"width": width, "height": height}, reduced_motion="reduce", device_scale_factor=dense
        )
        page.set_default_timeout(PATIENCE_MS)
        opened.append(Watched(page, address, is_new=is_new))
        return opened[-1]

    yield make
    for watched in opened:
        watched.page.unroute_all(behavior="ignoreErrors")  # what a test holds back may still be under way
        watched.page.context.close()
    assert [watched.errors for watched in opened if watched.errors] == []
    assert [watched.outside for watched in opened if watched.outside] == []
