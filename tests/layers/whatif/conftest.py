"""A town whose clock the test sets."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from data.store import Store
from layers.district import District
from tests.layers.conftest import EPSG, Clock, fill


@pytest.fixture
def district(tmp_path: Path, clock: Clock) -> Iterator[District]:
    """A town of its own."""
    with Store.create(str(tmp_path / "town.gpkg"), name="小镇", epsg=EPSG) as store:
        fill(store)
        yield District(store, clock=clock)
