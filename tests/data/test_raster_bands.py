"""Bands of a raster on another grid equal the raster carried over whole."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from data.raster_bands import open_on_grid
from data.rasters import import_values
from data.store import Store
from geo.errors import NotFound
from geo.grid import Grid, Raster, on_grid

SOURCE = Grid(4549, 580_000.0, 3_545_000.0, 30.0, 30.0, 120, 90)
NOW = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store.create(str(tmp_path / "d.gpkg"), name="d", epsg=4549)
    values = np.random.default_rng(1).random(SOURCE.shape).astype(np.float32)
    values[10:20, 30:50] = np.nan
    import_values(made, Raster(SOURCE, values, "wetness", ""), code="wet", title="w", source="t", now_utc=NOW)
    return made


@pytest.mark.parametrize("target", [SOURCE, Grid(4549, 579_900.0, 3_545_100.0, 100.0, 100.0, 40, 30)])
def test_bands_equal_the_whole(store: Store, target: Grid) -> None:
    lazy = open_on_grid(store, "wet", target, band_rows=7)
    assert lazy.shape == target.shape
    assert lazy.numblocks == (-(-target.rows // 7), 1)
    from data.rasters import read_raster

    whole = on_grid(read_raster(store, "wet"), target).values
    np.testing.assert_allclose(lazy.compute(scheduler="synchronous"), whole, atol=1e-6, equal_nan=True)


def test_an_unknown_code_is_named(store: Store) -> None:
    with pytest.raises(NotFound, match="wet"):
        open_on_grid(store, "dry", SOURCE, band_rows=7)
