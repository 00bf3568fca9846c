"""Fixtures that every test may use."""

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadFileScheduling

# The same cases every time: what fails here fails for everybody.
settings.register_profile("onemap", derandomize=True, deadline=None)
settings.load_profile("onemap")


class ByFile(LoadFileScheduling):
    """Where several processes share the tests, a file stays whole, and all that drive a browser share one server."""

    def _split_scope(self, nodeid: str) -> str:
        return "tests/browser" if nodeid.startswith("tests/browser/") else str(super()._split_scope(nodeid))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    return ByFile(config, log)


@pytest.fixture(scope="session")
def realdata() -> Path:
    """The folder of real cities; tests that need it skip where it is absent."""
    named = os.environ.get("ONEMAP_REALDATA")
    folder = Path(named) if named else Path(__file__).resolve().parents[2] / "shared" / "realdata"
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}")
    return folder
