"""Who and what lies in each cell: totals spread without loss, points, lines and footprints counted by cell."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.errors import InputError
from geo.grid import Grid, Shares, area_shares

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def largest_remainder(total: int, weights: Any) -> Ints:
    """Divide a whole number in proportion, in whole numbers.

    Parameters
    ----------
    total : what is divided, >= 0
    weights : (n,) finite, >= 0, not all 0 unless `total` is 0

    Returns
    -------
    (n,) whole numbers that add up to `total`; at equal remainders the smaller position gets more

    Raises
    ------
    InputError
        for a negative total, a negative or infinite weight, or nothing to divide by

    Notes
    -----
    CRS: none.
    Cost: O(n log n).
    Invariant: the sum is the total; no part is off its exact share by 1 or more.
    Source: Hamilton's method of largest remainders.
    """
    weights = np.asarray(weights, dtype=np.float64)
    if total < 0:
        raise InputError(f"total={total}: expected 0 or more")
    if not np.isfinite(weights).all() or (weights < 0).any():
        raise InputError("weights: expected finite numbers of 0 or more")
    if total == 0:
        return np.zeros(len(weights), dtype=np.int64)
    whole = weights.sum()
    if not whole > 0:
        raise InputError(f"weights are all 0: there is nobody to give {total} to")
    exact = total * (weights / whole)
    parts: NDArray[np.int64] = np.floor(exact).astype(np.int64)
    order = np.argsort(-(exact - parts), kind="stable")
    parts[order[: total - int(parts.sum())]] += 1
    return parts


@dataclass(frozen=True)
class Dasymetric:
    """Whole persons by cell.

    `cell`, `polygon` and `part` (m,) say how many of a polygon's persons stand in a cell; `fallback`
    are the polygons without any density, spread by area; `unplaced` those that lie in no cell of the
    grid, whose persons stand nowhere.
    """

    persons: Ints
    cell: Ints
    polygon: Ints
    part: Ints
    fallback: Ints
    unplaced: Ints


def dasymetric(totals: Any, shares: Shares, density: Any) -> Dasymetric:
    """Spread the total of each polygon over its cells, by share of the cell and density, in whole numbers.

    Parameters
    ----------
    totals : (polygons,) whole numbers, >= 0
    shares : how the polygons fall on the grid
    density : (rows, cols) >= 0, e.g. residential floor area; NaN counts as 0

    Returns
    -------
    Dasymetric with (rows, cols) int64

    Raises
    ------
    InputError
        for totals that are not whole numbers of 0 or more, or as many as there are polygons

    Notes
    -----
    CRS: none.
    Cost: O(cells + pairs log pairs).
    Invariant: the persons add up to the totals of the polygons that are placed, exactly; so do the parts.
    Source: dasymetric mapping (Wright 1936), integers by largest remainder.
    """
    counts = np.asarray(totals)
    if counts.shape != (shares.polygons,) or (counts < 0).any() or (counts != np.floor(counts)).any():
        raise InputError(f"totals: expected {shares.polygons} whole numbers of 0 or more")
    counts = counts.astype(np.int64)
    weight = np.nan_to_num(np.asarray(density, dtype=np.float64).reshape(-1), nan=0.0)
    label = shares.label.reshape(-1)
    inner = np.flatnonzero(label >= 0)
    cell = np.concatenate([inner, shares.cell])
    owner = np.concatenate([label[inner].astype(np.int64), shares.polygon.astype(np.int64)])
    share = np.concatenate([np.ones(len(inner)), shares.share])
    order = np.lexsort((cell, owner))
    cell, owner, share = cell[order], owner[order], share[order]
    pull = share * weight[cell]
    sums = np.bincount(owner, weights=pull, minlength=shares.polygons)
    pairs = np.bincount(owner, minlength=shares.polygons)
    fallback = (sums <= 0) & (pairs > 0)
    pull = np.where(fallback[owner], share, pull)
    sums = np.bincount(owner, weights=pull, minlength=shares.polygons)
    exact = counts[owner] * np.divide(pull, sums[owner], out=np.zeros(len(pull)), where=sums[owner] > 0)
    given = np.floor(exact).astype(np.int64)
    missing = np.where(pairs > 0, counts, 0) - np.bincount(owner, weights=given, minlength=shares.polygons).astype(
        np.int64
    )
    # Within each polygon the largest remainders get one more, earlier cells first at equality.
    by_rest = np.lexsort((cell, -(exact - given), owner))
    first = np.concatenate([[0], np.cumsum(pairs)[:-1]])
    rank = np.arange(len(cell)) - first[owner[by_rest]]
    given[by_rest] += rank < missing[owner[by_rest]]
    persons = np.zeros(shares.grid.cells, dtype=np.int64)
    np.add.at(persons, cell, given)
    there = given > 0
    return Dasymetric(
        persons.reshape(shares.grid.shape),
        cell[there],
        owner[there],
        given[there],
        np.flatnonzero(fallback & (counts > 0)),
        np.flatnonzero((pairs == 0) & (counts > 0)),
    )


def split_group(spread: Dasymetric, totals: Any) -> Ints:
    """Spread a group (an age group) over the cells by the persons of its own polygon who live there.

    Parameters
    ----------
    spread : where the persons of each polygon stand
    totals : (polygons,) members of the group, whole numbers, at most the placed persons of their polygon

    Returns
    -------
    (rows, cols) whole members; their sum is that of `totals` of the placed polygons

    Raises
    ------
    InputError
        for totals that are not whole numbers of 0 or more, or more members than persons

    Notes
    -----
    CRS: none.
    Cost: O(pairs log pairs).
    Invariant: the totals of the polygons that are placed are kept; no cell has more members than persons.
    Source: integers by largest remainder, as `dasymetric`.
    """
    counts = np.asarray(totals)
    placed = np.bincount(spread.polygon, weights=spread.part, minlength=len(counts)).astype(np.int64)
    if counts.ndim != 1 or len(placed) != len(counts) or (counts < 0).any() or (counts != np.floor(counts)).any():
        raise InputError("totals: expected whole numbers of 0 or more, one a polygon")
    counts = np.where(np.isin(np.arange(len(counts)), spread.unplaced), 0, counts).astype(np.int64)
    if (counts > placed).any():
        k = int(np.flatnonzero(counts > placed)[0])
        raise InputError(f"totals[{k}]={counts[k]}: more members than the {placed[k]} persons of polygon {k}")
    found = np.zeros(spread.persons.size, dtype=np.int64)
    order = np.argsort(spread.polygon, kind="stable")
    for pairs in np.split(order, np.flatnonzero(np.diff(spread.polygon[order])) + 1):
        if len(pairs):
            np.add.at(
                found, spread.cell[pairs], largest_remainder(int(counts[spread.polygon[pairs[0]]]), spread.part[pairs])
            )
    return found.reshape(spread.persons.shape)


def count_in_cells(xy: Any, grid: Grid, *, weights: Any = None) -> Floats:
    """How many points, or how much of their weights, lie in each cell.

    Parameters
    ----------
    xy : (n, 2) in the grid's CRS; points outside or without a place are left out
    grid : the grid
    weights : (n,) or None for one each

    Returns
    -------
    (rows, cols)

    Notes
    -----
    CRS: the grid's.
    Cost: O(n + cells).
    Invariant: the sum is that of the weights of the points on the grid.
    Source: none.
    """
    points = np.asarray(xy, dtype=np.float64).reshape(-1, 2)
    cell = grid.cell_at(points)
    there = cell >= 0
    weight = np.ones(len(points)) if weights is None else np.asarray(weights, dtype=np.float64)
    found = np.bincount(cell[there], weights=weight[there], minlength=grid.cells)
    return found.reshape(grid.shape).astype(np.float64)


def line_length_in_cells(lines: Any, grid: Grid) -> Floats:
    """Length of lines in each cell.

    Parameters
    ----------
    lines : (n,) shapely lines in the grid's metric CRS
    grid : the grid

    Returns
    -------
    (rows, cols) m

    Notes
    -----
    CRS: the grid's, metric.
    Cost: O(segments x cells that each crosses).
    Invariant: the sum is the length of the lines within the grid; a piece on a cell side goes to one cell.
    Source: none; each segment is cut where it crosses a grid line.
    """
    xy, of = shapely.get_coordinates(np.asarray(lines, dtype=object), return_index=True)
    same = of[:-1] == of[1:] if len(of) else np.empty(0, dtype=bool)
    start, end = xy[:-1][same], xy[1:][same]
    if len(start) == 0:
        return np.zeros(grid.shape)
    x0, x1 = (start[:, 0] - grid.left) / grid.dx, (end[:, 0] - grid.left) / grid.dx
    y0, y1 = (grid.top - start[:, 1]) / grid.dy, (grid.top - end[:, 1]) / grid.dy
    length = np.hypot(end[:, 0] - start[:, 0], end[:, 1] - start[:, 1])
    which, at = [np.arange(len(start)), np.arange(len(start))], [np.zeros(len(start)), np.ones(len(start))]
    for a, b in ((x0, x1), (y0, y1)):
        low, high = np.minimum(a, b), np.maximum(a, b)
        first = np.floor(low).astype(np.int64) + 1
        count = np.maximum(np.ceil(high).astype(np.int64) - first, 0)
        segment = np.repeat(np.arange(len(start)), count)
        line = np.repeat(first, count) + np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        which.append(segment)
        at.append((line - a[segment]) / (b[segment] - a[segment]))
    segment, t = np.concatenate(which), np.concatenate(at)
    order = np.lexsort((t, segment))
    segment, t = segment[order], t[order]
    inner = segment[:-1] == segment[1:]
    segment, begin, stop = segment[:-1][inner], t[:-1][inner], t[1:][inner]
    middle = 0.5 * (begin + stop)
    col = np.floor(x0[segment] + middle * (x1 - x0)[segment]).astype(np.int64)
    row = np.floor(y0[segment] + middle * (y1 - y0)[segment]).astype(np.int64)
    inside = (col >= 0) & (col < grid.cols) & (row >= 0) & (row < grid.rows)
    piece = ((stop - begin) * length[segment])[inside]
    found = np.bincount((row * grid.cols + col)[inside], weights=piece, minlength=grid.cells)
    return found.reshape(grid.shape).astype(np.float64)


def footprint_area_in_cells(polygons: Any, grid: Grid, *, weights: Any = None) -> Floats:
    """Area of polygons in each cell, each times its weight.

    Parameters
    ----------
    polygons : (n,) shapely polygons in the grid's metric CRS
    grid : the grid
    weights : (n,) e.g. storeys, or None for one each

    Returns
    -------
    (rows, cols) m2 x weight

    Raises
    ------
    InputError
        for a geometry that is not a polygon

    Notes
    -----
    CRS: the grid's, metric.
    Cost: O(n + cells touched).
    Invariant: the sum is that of area x weight within the grid, overlaps counted twice.
    Source: exact area shares (`geo.grid.area_shares`).
    """
    shapes = np.asarray(polygons, dtype=object).reshape(-1)
    weight = np.ones(len(shapes)) if weights is None else np.asarray(weights, dtype=np.float64)
    shares = area_shares(shapes, grid)
    label = shares.label.reshape(-1)
    inner = np.flatnonzero(label >= 0)
    found = np.zeros(grid.cells)
    found[inner] = weight[label[inner]]
    np.add.at(found, shares.cell, shares.share * weight[shares.polygon])
    return (found * grid.dx * grid.dy).reshape(grid.shape)


def persons_within(centre_xy: Any, radius_m: Any, cells_xy: Any, persons: Any) -> Ints:
    """How many persons live within a distance of each place, cell by cell centre, bound included.

    Parameters
    ----------
    centre_xy : (m, 2) m, places, or (m,) shapely polygons of their outlines
    radius_m : one number or (m,), m, > 0
    cells_xy : (n, 2) m, cell centres
    persons : (n,) whole persons

    Returns
    -------
    (m,) persons

    Raises
    ------
    InputError
        for a radius that is not above 0

    Notes
    -----
    CRS: one metric CRS.
    Cost: O((m + n) log n + pairs).
    Invariant: a larger radius never counts fewer.
    Source: none; for GB 18218-2018 the distance runs from the plant's outline where one is given.
    """
    radius = np.asarray(radius_m, dtype=np.float64)
    if not (radius > 0).all():
        raise InputError(f"radius_m={radius_m}: expected more than 0")
    centres = np.asarray(centre_xy)
    shapes = centres if centres.dtype == object else shapely.points(centres.astype(np.float64).reshape(-1, 2))
    if len(shapes) == 0:
        return np.empty(0, dtype=np.int64)
    tree = shapely.STRtree(shapely.points(np.asarray(cells_xy, dtype=np.float64)))
    place, cell = tree.query(shapes, predicate="dwithin", distance=np.broadcast_to(radius, len(shapes)))
    counts = np.asarray(persons, dtype=np.int64)
    return np.bincount(place, weights=counts[cell], minlength=len(shapes)).astype(np.int64)
