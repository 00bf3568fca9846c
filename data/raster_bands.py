"""A kept raster on another grid, read band of rows by band when it is asked for: for what is larger than memory."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window

from data.rasters import raster_path
from data.store import Store
from geo.grid import Grid


@dataclass(frozen=True)
class _Band:
    """Reads some rows of the grid; small enough to be sent to a worker that sees the same files."""

    path: Path
    grid: Grid

    def __call__(self, block_info: Any = None) -> NDArray[np.float32]:
        (first, last), (left, right) = block_info[None]["array-location"]
        with (
            rasterio.open(self.path) as source,
            WarpedVRT(
                source,
                crs=f"EPSG:{self.grid.epsg}",
                transform=self.grid.transform,
                width=self.grid.cols,
                height=self.grid.rows,
                resampling=Resampling.average,
                nodata=np.nan,
                dtype="float32",
            ) as warped,
        ):
            found: NDArray[np.float32] = warped.read(1, window=Window(left, first, right - left, last - first))
        return found


def open_on_grid(store: Store, code: str, grid: Grid, *, band_rows: int) -> da.Array:
    """The raster `code` as a lazy (rows, cols) float32 array on `grid`: overlap-weighted mean, NaN without data.

    Each block is `band_rows` whole rows. NotFound where there is no such raster.
    """
    rows = [min(band_rows, grid.rows - first) for first in range(0, grid.rows, band_rows)]
    return da.map_blocks(  # type: ignore[no-any-return, no-untyped-call]
        _Band(raster_path(store, code), grid),
        chunks=(tuple(rows), (grid.cols,)),
        dtype=np.float32,
        meta=np.empty((0, 0), dtype=np.float32),
    )
