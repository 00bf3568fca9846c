"""Storm surge over terrain: the ground that a water level reaches from the river, not every low place."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import label

from geo.errors import CrsError, InputError
from geo.grid import Raster

CLASS_DEPTH_M = (0.15, 0.5, 1.2, 3.0)
"""Lower bounds of the classes IV to I by depth (from memory, to be confirmed)."""


def connected_inundation(
    dem: Raster, level_m: float, level_datum: str, sources: NDArray[np.bool_], *, corners: bool = False
) -> NDArray[np.float64]:
    """Depth of the water that a level brings over ground connected with its source.

    Parameters
    ----------
    dem : heights with their vertical datum, dykes included; NaN without data (water passes nowhere there)
    level_m : m, the level of the water
    level_datum : vertical datum of the level
    sources : (rows, cols) cells from which the water comes; they are wet whatever their height
    corners : whether water passes from corner to corner (eight neighbours) or side to side (four)

    Returns
    -------
    (rows, cols) m; 0 where it stays dry, NaN without data

    Raises
    ------
    CrsError
        where the datums differ or one is not declared
    InputError
        for a level that is not finite, or sources of another shape

    Notes
    -----
    CRS: that of the grid.
    Cost: O(cells).
    Invariant: low ground behind a dyke that is higher than the level stays dry; a higher level never wets less.
    Source: connected ("bathtub with connectivity") inundation; a cell is passed when its height is below the level.
    """
    if not dem.vertical_datum or dem.vertical_datum != level_datum:
        raise CrsError(
            f"level_datum='{level_datum or 'not declared'}' and the heights' '{dem.vertical_datum or 'not declared'}': "
            "convert the level to the datum of the heights first"
        )
    if not np.isfinite(level_m):
        raise InputError(f"level_m={level_m}: expected a finite level")
    if sources.shape != dem.grid.shape:
        raise InputError(f"sources of shape {sources.shape}: the heights have {dem.grid.shape}")
    heights = dem.values.astype(np.float64)
    there = np.isfinite(heights)
    low = (there & (heights < level_m)) | sources
    pieces, _ = label(low, structure=np.ones((3, 3)) if corners else None)
    wet = low & np.isin(pieces, np.unique(pieces[sources])) & (pieces > 0)
    depth = np.where(wet, np.maximum(level_m - heights, 0.0), 0.0)
    return np.where(there, depth, np.nan)


def depth_class(depth_m: Any, lower_m: tuple[float, ...] = CLASS_DEPTH_M) -> NDArray[np.int8]:
    """Class of an inundation depth, 5 (I, deepest) down to 2 (IV), 1 for dry or shallower.

    Parameters
    ----------
    depth_m : m, NaN without data
    lower_m : lower bounds of IV, III, II, I, each included

    Returns
    -------
    int8: 0 no data, 1 below the first bound, 2 (IV) to 5 (I)

    Notes
    -----
    CRS: none.
    Cost: O(cells).
    Invariant: deeper water never has a lower class.
    Source: storm-surge classes from memory, to be confirmed.
    """
    depth = np.asarray(depth_m, dtype=np.float64)
    found = 1 + np.searchsorted(np.asarray(lower_m), depth, side="right")
    return np.where(np.isnan(depth), 0, found).astype(np.int8)
