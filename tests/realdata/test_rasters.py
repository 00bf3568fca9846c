"""Rasters that others made: degrees, their own marks of no data, their own tags."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import rasterio

from data.rasters import import_raster, open_lazily, read_raster
from data.store import Store
from geo.errors import CrsError

pytestmark = pytest.mark.realdata

NOW = datetime(2026, 7, 1, tzinfo=UTC)
FILES = {
    "porto_alegre/poa_elevation.tif": ("elevation", "other", 31982),
    "inasafe/gisv4/jakarta_continuous_flood.tif": ("flood_depth", None, 32748),
}


@pytest.mark.parametrize("name", FILES)
def test_a_real_raster_comes_in_as_gdal_reads_it(realdata: Path, tmp_path: Path, name: str) -> None:
    quantity, datum, epsg = FILES[name]
    path = realdata / name
    with Store.create(tmp_path / "d.gpkg", name="x", epsg=epsg) as store:
        if datum is not None:
            with pytest.raises(CrsError, match="vertical_datum is not declared"):
                import_raster(store, path, code="r", title="t", quantity=quantity, unit="m", now_utc=NOW)
        import_raster(store, path, code="r", title="t", quantity=quantity, unit="m", vertical_datum=datum, now_utc=NOW)
        with rasterio.open(path) as src:
            expected = src.read(1, masked=True).astype(np.float32).filled(np.nan)
            bounds = tuple(src.bounds)
        found = read_raster(store, "r")
        np.testing.assert_array_equal(found.values, expected)
        assert found.grid.bounds == pytest.approx(bounds, rel=1e-12)
        np.testing.assert_array_equal(open_lazily(store, "r", 64).values, expected)
