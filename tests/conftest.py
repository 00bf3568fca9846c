"""Fixtures that every test may use."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# The same cases every time: what fails here fails for everybody.
settings.register_profile("onemap", derandomize=True, deadline=None)
settings.load_profile("onemap")


@pytest.fixture(scope="session")
def realdata() -> Path:
    """The folder of real cities; tests that need it skip where it is absent."""
    named = os.environ.get("ONEMAP_REALDATA")
    folder = Path(named) if named else Path(__file__).resolve().parents[2] / "shared" / "realdata"
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}")
    return folder
