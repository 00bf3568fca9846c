"""Roads under water: what depth slows and what closes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo.errors import InputError

SLOW_DEPTH_M, CLOSED_DEPTH_M = 0.15, 0.30
"""Water from the first depth to the second (both included) slows; deeper water closes [proposed]."""

WADING_FACTOR = 0.4
"""Share of the speed that is left in water that slows [proposed]."""


def depth_factors(depth_m: Any) -> NDArray[np.float64]:
    """The share of the speed that is left in water of each depth.

    Parameters
    ----------
    depth_m : (n,) m, >= 0; NaN: not known, taken for dry

    Returns
    -------
    (n,) 1 below `SLOW_DEPTH_M`, `WADING_FACTOR` from there to `CLOSED_DEPTH_M` (both included), 0 above

    Raises
    ------
    InputError : a depth below 0

    Notes
    -----
    CRS: none.
    Cost: O(n).
    Invariant: never more in deeper water.
    Source: speed multipliers proposed for the district, to be confirmed by measured runs; a fire engine
    may wade to 0.5 m, which is not counted on.
    """
    depth = np.asarray(depth_m, dtype=np.float64)
    if (depth < 0).any():
        raise InputError(f"depth_m={depth[depth < 0][0]:g}: expected metres of water, 0 or more")
    wet, deep = depth >= SLOW_DEPTH_M, depth > CLOSED_DEPTH_M
    return np.where(deep, 0.0, np.where(wet, WADING_FACTOR, 1.0))
