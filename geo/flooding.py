"""Roads under water: what depth slows and what closes, and which roads lie in it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo.crs import to_lonlat, to_metric
from geo.errors import InputError
from geo.grid import Raster
from geo.network import RoadNetwork

SLOW_DEPTH_M, CLOSED_DEPTH_M = 0.15, 0.30
"""Water from the first depth to the second (both included) slows; deeper water closes [proposed]."""

WADING_FACTOR = 0.4
"""Share of the speed that is left in water that slows [proposed]."""

_PIECES_AT_ONCE = 2_000_000
_ON_BORDER = 1e-9  # cells
_TOUCH_M = 1e-6  # a road that only touches deeper water at a point is not in it

Floats = NDArray[np.float64]


def depth_factors(depth_m: Any) -> Floats:
    """The share of the speed that is left in water of each depth.

    Parameters
    ----------
    depth_m : (n,) m, >= 0; NaN: not known, taken for dry; single precision is compared in single precision

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
    depth = np.asarray(depth_m)
    if depth.dtype != np.float32:
        depth = depth.astype(np.float64)
    if (depth < 0).any():
        raise InputError(f"depth_m={depth[depth < 0][0]:g}: expected metres of water, 0 or more")
    # A bound as the raster can write it: 0.30 in single precision is a little above 0.30.
    slow, closed = depth.dtype.type(SLOW_DEPTH_M), depth.dtype.type(CLOSED_DEPTH_M)
    return np.where(depth > closed, 0.0, np.where(depth >= slow, WADING_FACTOR, 1.0))


@dataclass(frozen=True)
class FloodedRoads:
    """What water leaves of each road.

    `edge_factor` is (e,) the share of the speed that is left; `depth_m` is (e,) the greatest depth on the
    edge, 0 where it is dry, also of bridges; `unknown_m` how many metres of road have no data and are
    taken for dry; `bridges` how many edges lie in water and stay open because they are bridges.
    """

    edge_factor: Floats
    depth_m: Floats
    unknown_m: float
    bridges: int


def flooded_roads(network: RoadNetwork, water: Raster) -> FloodedRoads:
    """Which roads lie in water, exact along every edge at the raster's resolution.

    Parameters
    ----------
    network : road network
    water : depth in m, >= 0, NaN without data; in degrees or in a metric CRS

    Returns
    -------
    FloodedRoads; everything open for a network without edges

    Raises
    ------
    InputError : a unit other than m, a depth below 0

    Notes
    -----
    CRS: the network's lines are put into the raster's CRS, vertex by vertex; the raster is not resampled.
    Cost: O(edges + cells that they cross).
    Invariant: the order of the edges changes nothing; never faster in deeper water. One piece of more
    than `CLOSED_DEPTH_M` closes the edge; else the edge takes the time of its pieces, each at its own
    speed. A line along the border of two cells lies in the deeper one. Bridges stay open.
    Source: none; thresholds of `depth_factors`.
    """
    if water.unit != "m":
        raise InputError(f"unit={water.unit}: expected the depth of water in m; import it in metres")
    if (water.values < 0).any():
        raise InputError(f"depth={float(np.nanmin(water.values)):g}: expected metres of water, 0 or more")
    edges = len(network.edge_tail)
    slowness, closed = np.zeros(edges), np.zeros(edges, dtype=bool)
    length, deepest = np.zeros(edges), np.zeros(edges)
    unknown_m = 0.0
    for edge, metres, depth in _pieces(network, water):
        left = depth_factors(depth)
        crossed = metres > _TOUCH_M
        closed[edge[crossed & (left == 0)]] = True
        slowness += np.bincount(edge, weights=metres / np.where(left == 0, 1.0, left), minlength=edges)
        length += np.bincount(edge, weights=metres, minlength=edges)
        np.fmax.at(deepest, edge[crossed], depth[crossed].astype(np.float64))
        unknown_m += float(metres[np.isnan(depth)].sum())
    factor = np.divide(length, slowness, out=np.ones(edges), where=slowness > 0)
    factor = np.where(closed, 0.0, np.minimum(factor, 1.0))
    spared = network.edge_bridge & (factor < 1)
    return FloodedRoads(np.where(spared, 1.0, factor), deepest, unknown_m, int(spared.sum()))


def _pieces(network: RoadNetwork, water: Raster) -> Iterator[tuple[NDArray[np.intp], Floats, NDArray[np.float32]]]:
    """Edge, length in metres and depth of every piece of a line within one cell, many at a time."""
    xy = network.edge_coords_m
    if len(xy) < 2:
        return
    grid = water.grid
    if grid.epsg == network.epsg:
        there = xy
    else:
        lonlat = to_lonlat(xy, epsg=network.epsg)
        there = lonlat if grid.is_geographic else to_metric(lonlat, epsg=grid.epsg)
    u, v = (there[:, 0] - grid.left) / grid.dx, (grid.top - there[:, 1]) / grid.dy
    owner = np.repeat(np.arange(len(network.edge_tail)), np.diff(network.edge_start))
    first = np.flatnonzero(owner[1:] == owner[:-1])
    metres = np.hypot(*(xy[first + 1] - xy[first]).T)
    counts = _between(u[first], u[first + 1]) + _between(v[first], v[first + 1]) + 2
    done = 0
    bounds = np.cumsum(counts)
    while done < len(first):
        before = bounds[done - 1] if done else 0
        stop = max(int(np.searchsorted(bounds, before + _PIECES_AT_ONCE, side="right")), done + 1)
        some = first[done:stop]
        segment, begin, end = _cut(u[some], u[some + 1], v[some], v[some + 1])
        middle = (begin + end) / 2
        at_u = u[some][segment] + middle * (u[some + 1] - u[some])[segment]
        at_v = v[some][segment] + middle * (v[some + 1] - v[some])[segment]
        yield owner[some][segment], (end - begin) * metres[done:stop][segment], _deeper(water, at_u, at_v)
        done = stop


def _between(a: Floats, b: Floats) -> NDArray[np.int64]:
    """(n,) how many whole numbers lie strictly between two numbers."""
    low, high = np.minimum(a, b), np.maximum(a, b)
    found: NDArray[np.int64] = np.maximum(np.ceil(high) - np.floor(low) - 1, 0).astype(np.int64)
    return found


def _cut(u0: Floats, u1: Floats, v0: Floats, v1: Floats) -> tuple[NDArray[np.intp], Floats, Floats]:
    """Segments cut where they cross lines of the grid: segment, and the fractions where each piece begins and ends."""
    number = np.arange(len(u0))
    segments, fractions = [number, number], [np.zeros(len(u0)), np.ones(len(u0))]
    for a, b in ((u0, u1), (v0, v1)):
        count = _between(a, b)
        owner = np.repeat(number, count)
        place = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
        line = np.floor(np.minimum(a, b))[owner] + 1 + place
        segments.append(owner)
        fractions.append((line - a[owner]) / (b - a)[owner])
    segment, fraction = np.concatenate(segments), np.clip(np.concatenate(fractions), 0.0, 1.0)
    order = np.lexsort((fraction, segment))
    segment, fraction = segment[order], fraction[order]
    same = segment[1:] == segment[:-1]
    return segment[1:][same], fraction[:-1][same], fraction[1:][same]


def _deeper(water: Raster, u: Floats, v: Floats) -> NDArray[np.float32]:
    """(n,) depth at places in cells from the upper left corner; the deeper of the cells that meet there."""
    found = np.full(len(u), np.nan, dtype=np.float32)
    rows, cols = water.grid.shape
    for shift_u, shift_v in ((-_ON_BORDER, -_ON_BORDER), (_ON_BORDER, _ON_BORDER)):
        col, row = np.floor(u + shift_u).astype(np.int64), np.floor(v + shift_v).astype(np.int64)
        inside = (col >= 0) & (col < cols) & (row >= 0) & (row < rows)
        found[inside] = np.fmax(found[inside], water.values[row[inside], col[inside]])
    return found
