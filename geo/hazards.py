"""Hazards by thresholds and distance: earthquake, bank collapse, severe convection, and points that reach around."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.errors import InputError
from geo.grid import Grid, area_shares

Floats = NDArray[np.float64]

FOUR_TO_FIVE = {1: 1, 2: 3, 3: 4, 4: 5}
"""From a scale of four classes (1 low .. 4 highest) to the common five (proposed, to be confirmed)."""

PGA_COLUMNS_G = (0.05, 0.10, 0.15, 0.20)
"""Basic accelerations for which the site factors are tabled."""


@dataclass(frozen=True)
class SiteFactors:
    """Site factors by site class (rows I0, I1, II, III, IV) and basic acceleration (`PGA_COLUMNS_G`)."""

    rows: tuple[tuple[float, ...], ...] = (
        (0.72, 0.74, 0.75, 0.76),
        (0.80, 0.82, 0.83, 0.85),
        (1.0, 1.0, 1.0, 1.0),
        (1.30, 1.25, 1.15, 1.00),
        (1.25, 1.20, 1.10, 1.00),
    )


_SITE_FACTORS = SiteFactors()


def site_pga_g(pga_g: Any, site_class: Any, factors: SiteFactors = _SITE_FACTORS) -> Floats:
    """Peak ground acceleration of the site itself.

    Parameters
    ----------
    pga_g : g, acceleration of class II sites, >= 0
    site_class : 0 (I0), 1 (I1), 2 (II), 3 (III), 4 (IV); NaN counts as II
    factors : the table, linear between its accelerations, flat beyond

    Returns
    -------
    g, the shape of `pga_g`; NaN without acceleration

    Raises
    ------
    InputError
        for a site class that is not there

    Notes
    -----
    CRS: none.
    Cost: O(cells).
    Invariant: class II changes nothing.
    Source: GB 18306-2015, factors from memory, to be confirmed.
    """
    pga = np.asarray(pga_g, dtype=np.float64)
    site = np.broadcast_to(np.nan_to_num(np.asarray(site_class, dtype=np.float64), nan=2.0), pga.shape).round()
    if ((site < 0) | (site > 4)).any():
        raise InputError(f"site_class={site[(site < 0) | (site > 4)][0]:g}: expected 0 (I0) to 4 (IV)")
    found = np.full(pga.shape, np.nan)
    for number, row in enumerate(factors.rows):
        here = site == number
        found[here] = pga[here] * np.interp(pga[here], PGA_COLUMNS_G, row)
    return found


def steps(values: Any, lower: Any) -> NDArray[np.int8]:
    """Classes by ascending lower bounds, each included.

    Parameters
    ----------
    values : numbers, NaN without data
    lower : (k - 1,) ascending lower bounds of the classes 2 .. k

    Returns
    -------
    int8: 0 no data, 1 .. k

    Notes
    -----
    CRS: none.
    Cost: O(n log k).
    Invariant: a larger value never has a lower class.
    Source: none.
    """
    numbers = np.asarray(values, dtype=np.float64)
    found = 1 + np.searchsorted(np.asarray(lower, dtype=np.float64), numbers, side="right")
    return np.where(np.isnan(numbers), 0, found).astype(np.int8)


def lightning_score(density: Any, centres: tuple[float, ...] = (0.5, 1.5, 2.5, 3.5, 4.5)) -> Floats:
    """Score g of 0..10 from lightning density by membership in five classes.

    Parameters
    ----------
    density : strokes per km2 and year, >= 0
    centres : ascending centres of the triangular membership functions

    Returns
    -------
    g = 1 mu1 + 3 mu2 + 5 mu3 + 7 mu4 + 9 mu5, 1 .. 9; NaN without data

    Notes
    -----
    CRS: none.
    Cost: O(n).
    Invariant: the memberships add up to 1; more strokes never score less.
    Source: fuzzy comprehensive evaluation; centres as in an open implementation.
    """
    numbers = np.asarray(density, dtype=np.float64)
    # Triangles that meet at the centres: the sum is linear between them.
    return np.asarray(np.interp(numbers, centres, (1.0, 3.0, 5.0, 7.0, 9.0)), dtype=np.float64)


def bank_collapse(
    banks: Any, grid: Grid, *, near_m: float = 100.0, far_m: float = 300.0
) -> tuple[Floats, NDArray[np.int8]]:
    """Bank collapse by distance from unprotected banks, by exact area share.

    Parameters
    ----------
    banks : (n,) lines or polygons, m
    grid : metric grid
    near_m, far_m : m, 0 < near < far: class 5 within the former, 3 within the latter

    Returns
    -------
    index : (rows, cols) 0..1: share of the cell within the near strip, plus half its share of the far one
    level : (rows, cols) 5, 3 or 1 by the strip with the largest share of the cell

    Raises
    ------
    InputError
        for strips that are not ascending

    Notes
    -----
    CRS: metric.
    Cost: O(vertices + cells of the strips).
    Invariant: 0 and level 1 beyond the far strip.
    Source: proposed, to be confirmed.
    """
    if not 0 < near_m < far_m:
        raise InputError(f"near_m={near_m}, far_m={far_m}: expected 0 < near < far")
    shapes = np.asarray(banks, dtype=object).reshape(-1)
    if len(shapes) == 0:
        return np.zeros(grid.shape), np.ones(grid.shape, dtype=np.int8)
    near = shapely.union_all(shapely.buffer(shapes, near_m))
    far = shapely.difference(shapely.union_all(shapely.buffer(shapes, far_m)), near)
    share = [area_shares([strip], grid).covered() for strip in (near, far)]
    index = share[0] + 0.5 * share[1]
    dry = 1.0 - share[0] - share[1]
    level = np.where((share[0] >= share[1]) & (share[0] >= dry), 5, np.where(share[1] >= dry, 3, 1))
    return np.minimum(index, 1.0), level.astype(np.int8)


def impact_share(xy: Any, radius_m: Any, grid: Grid) -> Floats:
    """Share of each cell that lies within a distance of any point.

    Parameters
    ----------
    xy : (n, 2) m
    radius_m : m, > 0, one number or (n,)
    grid : metric grid

    Returns
    -------
    (rows, cols) 0..1

    Raises
    ------
    InputError
        for a radius that is not above 0

    Notes
    -----
    CRS: metric.
    Cost: O(cells within).
    Invariant: more points or longer radii never lower it.
    Source: circles as polygons of 256 sides: 0.01 % of their area too small.
    """
    points = np.asarray(xy, dtype=np.float64).reshape(-1, 2)
    radius = np.broadcast_to(np.asarray(radius_m, dtype=np.float64), len(points))
    if not (radius > 0).all():
        raise InputError(f"radius_m={radius_m}: expected more than 0")
    if len(points) == 0:
        return np.zeros(grid.shape)
    union = shapely.union_all(shapely.buffer(shapely.points(points), radius, quad_segs=64))
    return np.clip(area_shares([union], grid).covered(), 0.0, 1.0)


def highest_by_share(polygons: Any, values: Any, grid: Grid) -> Floats:
    """The highest value at each point, averaged over each cell by exact area; 0 where no polygon lies.

    Parameters
    ----------
    polygons : (n,) shapely polygons, m; they may overlap
    values : (n,) >= 0; NaN counts as 0
    grid : metric grid

    Returns
    -------
    (rows, cols), >= 0

    Raises
    ------
    InputError
        for a geometry that is not a polygon, or a negative value

    Notes
    -----
    CRS: metric.
    Cost: O(n log n + overlapping pairs + cells touched).
    Invariant: two halves of a polygon count like the whole; a polygon below a higher one changes nothing.
    Source: none.
    """
    shapes = np.asarray(polygons, dtype=object).reshape(-1)
    height = np.nan_to_num(np.asarray(values, dtype=np.float64), nan=0.0)
    if (height < 0).any():
        raise InputError(f"values={height[height < 0][0]:g}: expected 0 or more")
    used = np.flatnonzero((height > 0) & ~shapely.is_missing(shapes) & ~shapely.is_empty(shapes))
    used = used[np.argsort(-height[used], kind="stable")]
    shapes, height = shapes[used], height[used]
    tree = shapely.STRtree(shapes)
    parts = shapes.copy()
    for k in range(1, len(shapes)):
        above = tree.query(shapes[k], predicate="intersects")
        above = above[above < k]
        if len(above):
            left = shapely.get_parts(shapely.difference(shapes[k], shapely.union_all(shapes[above])))
            parts[k] = shapely.multipolygons(left[shapely.get_dimensions(left) == 2])
    shares = area_shares(parts, grid)
    found = np.zeros(grid.cells)
    label = shares.label.reshape(-1)
    inner = label >= 0
    found[inner] = height[label[inner]]
    np.add.at(found, shares.cell, shares.share * height[shares.polygon])
    return found.reshape(grid.shape)


def kernel_density(xy: Any, weights: Any, bandwidth_m: float, grid: Grid) -> Floats:
    """Weight per km2 around points, by a quartic kernel.

    Parameters
    ----------
    xy : (n, 2) m
    weights : (n,)
    bandwidth_m : m, > 0; beyond it a point counts for nothing
    grid : metric grid

    Returns
    -------
    (rows, cols) weight per km2 at the cells

    Raises
    ------
    InputError
        for a bandwidth that is not above 0

    Notes
    -----
    CRS: metric.
    Cost: O(n x cells within the bandwidth).
    Invariant: away from the grid's edge the sum over the cells x their area is the sum of the weights (each
    point's kernel is normalised on the cells; what reaches beyond the edge is not brought back).
    Source: Silverman (1986), quartic (biweight) kernel.
    """
    if not bandwidth_m > 0:
        raise InputError(f"bandwidth_m={bandwidth_m}: expected more than 0")
    points = np.asarray(xy, dtype=np.float64).reshape(-1, 2)
    weight = np.asarray(weights, dtype=np.float64)
    found = np.zeros(grid.shape)
    reach_c, reach_r = int(np.ceil(bandwidth_m / grid.dx)), int(np.ceil(bandwidth_m / grid.dy))
    for (x, y), w in zip(points.tolist(), weight.tolist(), strict=True):
        col, row = int(np.floor((x - grid.left) / grid.dx)), int(np.floor((grid.top - y) / grid.dy))
        cols = np.arange(col - reach_c, col + reach_c + 1)
        rows = np.arange(row - reach_r, row + reach_r + 1)
        dx = grid.left + (cols + 0.5) * grid.dx - x
        dy = grid.top - (rows + 0.5) * grid.dy - y
        near = 1.0 - (dx[None, :] ** 2 + dy[:, None] ** 2) / bandwidth_m**2
        kernel = np.where(near > 0, near, 0.0) ** 2
        if not kernel.any():  # narrower than a cell: all of it in the point's own
            kernel[reach_r, reach_c] = 1.0
        kernel *= w / kernel.sum() / (grid.dx * grid.dy / 1e6)
        use_r = (rows >= 0) & (rows < grid.rows)
        use_c = (cols >= 0) & (cols < grid.cols)
        found[np.ix_(rows[use_r], cols[use_c])] += kernel[np.ix_(use_r, use_c)]
    return found
