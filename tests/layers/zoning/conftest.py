"""The demo district with both schemes run, once for all tests of zoning."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from data.demo import load_demo
from data.store import Store
from layers.district import District
from layers.zoning import runs
from layers.zoning.result import ZoningRun
from layers.zoning.run import run_zoning
from layers.zoning.scheme import shipped_scheme

NOW = datetime(2026, 11, 2, 4, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[District]:
    """The demo district at noon of one day."""
    store = Store.create(str(tmp_path_factory.mktemp("zoning") / "d.gpkg"), name="崇川区(示意)", epsg=4549, demo=True)
    load_demo(store, now_utc=NOW)
    yield District(store, clock=lambda: NOW)
    store.close()


def _run(demo: District, name: str) -> ZoningRun:
    found = run_zoning(demo, shipped_scheme(name))
    runs.publish(demo, found, made_utc=NOW, made_by="test", seconds=1.0)
    return found


@pytest.fixture(scope="session")
def natural(demo: District) -> ZoningRun:
    """The shipped scheme of natural hazards."""
    return _run(demo, "natural")


@pytest.fixture(scope="session")
def accident(demo: District) -> ZoningRun:
    """The shipped scheme of accidents."""
    return _run(demo, "accident")
