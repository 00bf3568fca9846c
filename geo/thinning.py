"""Fewer features where they would lie on one another: of those in a cell of a grid, one is drawn."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def thinned(xy: Any, rank: Any, size: Any, *, cells: int) -> NDArray[np.int64]:
    """Which features to draw so that no two small ones stand in one cell.

    Parameters
    ----------
    xy : (n, 2) of 1, a place of each feature in the unit square; NaN for one without a place
    rank : (n,) whole numbers, the lowest is drawn rather than the others
    size : (n,) of 1, the longer side of the box around the feature; 0 for a point
    cells : cells along a side of the unit square, >= 1

    Returns
    -------
    (k,) positions, ascending: every feature with ``size >= 1 / cells`` (bound included), and of the smaller ones in
    each cell the one of the lowest rank, of equals the first; those without a place never

    Notes
    -----
    CRS: none. A cell holds its lower edges and not its upper ones; what lies at 1 belongs to the last cell.
    Cost: O(n log n).
    Invariant: every cell that has a small feature keeps exactly one; a coarser grid of half as many cells keeps no
    small point that the finer one leaves out.
    Source: own.
    """
    places = np.asarray(xy, dtype=np.float64).reshape(-1, 2)
    ranks, sizes = np.asarray(rank, dtype=np.int64), np.asarray(size, dtype=np.float64)
    there = np.isfinite(places).all(axis=1)
    is_large = there & (sizes >= 1.0 / cells)
    small = np.flatnonzero(there & ~is_large)
    cell = np.minimum((places[small] * cells).astype(np.int64), cells - 1)
    key = cell[:, 0] * cells + cell[:, 1]
    order = np.lexsort((small, ranks[small], key))
    first = np.ones(len(order), dtype=bool)
    first[1:] = np.diff(key[order]) != 0
    found: NDArray[np.int64] = np.sort(np.concatenate([np.flatnonzero(is_large), small[order[first]]]))
    return found
