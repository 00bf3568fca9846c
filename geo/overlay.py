"""What is exposed to a hazard: classes by contact, values under footprints, damage by depth."""

from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.errors import InputError
from geo.grid import Raster, area_shares

Floats = NDArray[np.float64]


def class_by_contact(exposed: Any, hazards: Any, level: Any) -> NDArray[np.int64]:
    """The highest hazard class that each exposed thing touches.

    Parameters
    ----------
    exposed : (n,) shapely geometries
    hazards : (m,) shapely geometries, same CRS
    level : (m,) whole numbers, higher is worse, > 0

    Returns
    -------
    (n,) the class, 0 where it touches none

    Raises
    ------
    InputError
        for a level that is not above 0, or not one for each hazard

    Notes
    -----
    CRS: one for both.
    Cost: O((n + m) log m + pairs).
    Invariant: more hazards never lower a class.
    Source: the rule of building impact in InaSAFE; a shared boundary point is contact.
    """
    levels = np.asarray(level, dtype=np.int64)
    areas = np.asarray(hazards, dtype=object).reshape(-1)
    if levels.shape != areas.shape or (levels <= 0).any():
        raise InputError(f"level: expected {len(areas)} whole numbers above 0")
    things = np.asarray(exposed, dtype=object).reshape(-1)
    found = np.zeros(len(things), dtype=np.int64)
    if len(areas) and len(things):
        thing, area = shapely.STRtree(areas).query(things, predicate="intersects")
        np.maximum.at(found, thing, levels[area])
    return found


def first_contact(exposed: Any, areas: Any) -> NDArray[np.int64]:
    """The area that each exposed thing is counted in: the first, in their order, that it touches.

    Parameters
    ----------
    exposed : (n,) shapely geometries
    areas : (m,) shapely geometries, same CRS

    Returns
    -------
    (n,) position of the area, -1 outside all of them

    Notes
    -----
    CRS: one for both.
    Cost: O((n + m) log m + pairs).
    Invariant: everything is counted once at most.
    Source: none; so that what lies across a border is in one area only.
    """
    shapes = np.asarray(areas, dtype=object).reshape(-1)
    things = np.asarray(exposed, dtype=object).reshape(-1)
    found = np.full(len(things), len(shapes), dtype=np.int64)
    if len(shapes) and len(things):
        thing, area = shapely.STRtree(shapes).query(things, predicate="intersects")
        np.minimum.at(found, thing, area)
    return np.where(found == len(shapes), -1, found)


def counts_by(kind: Any, level: Any, *, classes: int) -> pd.DataFrame:
    """How many things of each kind are in each class.

    Parameters
    ----------
    kind : (n,) names
    level : (n,) 0 .. classes
    classes : number of classes

    Returns
    -------
    Frame with one row a kind, sorted, columns 0 .. classes and `total`

    Raises
    ------
    InputError
        for levels outside 0 .. classes

    Notes
    -----
    CRS: none.
    Cost: O(n).
    Invariant: the columns of classes add up to the total.
    Source: none.
    """
    levels = np.asarray(level, dtype=np.int64)
    if ((levels < 0) | (levels > classes)).any():
        raise InputError(f"level: expected 0 to {classes}")
    names, code = np.unique(np.asarray(kind, dtype=str), return_inverse=True)
    table = np.bincount(code * (classes + 1) + levels, minlength=len(names) * (classes + 1))
    frame = pd.DataFrame(table.reshape(len(names), classes + 1), index=names, columns=range(classes + 1))
    frame["total"] = frame.sum(axis=1)
    return frame


def depth_damage(depth_m: Any, curve_m: Any, curve_ratio: Any) -> Floats:
    """Damage ratio by depth of water, linear between the points of a curve.

    Parameters
    ----------
    depth_m : m, NaN without data
    curve_m : ascending depths
    curve_ratio : 0..1, one for each depth

    Returns
    -------
    0..1; 0 below the first depth, the last ratio beyond the last; NaN stays NaN

    Raises
    ------
    InputError
        for a curve that does not ascend, or ratios outside 0..1

    Notes
    -----
    CRS: none.
    Cost: O(n log k).
    Invariant: on an ascending curve deeper water never damages less.
    Source: none; the curve comes with its own (parameters `damage.`).
    """
    x, y = np.asarray(curve_m, dtype=np.float64), np.asarray(curve_ratio, dtype=np.float64)
    if len(x) < 2 or len(x) != len(y) or (np.diff(x) <= 0).any() or (y < 0).any() or (y > 1).any():
        raise InputError("curve: expected two or more ascending depths with ratios of 0 to 1")
    depth = np.asarray(depth_m, dtype=np.float64)
    return np.asarray(np.where(depth < x[0], 0.0, np.interp(depth, x, y)), dtype=np.float64) + 0.0 * depth


def mean_under(raster: Raster, polygons: Any) -> Floats:
    """Mean of a raster under each polygon, weighted by exact area share.

    Parameters
    ----------
    raster : values, NaN without data
    polygons : (n,) shapely polygons in the raster's CRS

    Returns
    -------
    (n,) NaN where there is no data under it

    Raises
    ------
    InputError
        for a geometry that is not a polygon

    Notes
    -----
    CRS: the raster's.
    Cost: O(cells touched).
    Invariant: of a constant raster it is that constant.
    Source: exact area shares (`geo.grid.area_shares`), one polygon at a time as footprints may overlap.
    """
    shapes = np.asarray(polygons, dtype=object).reshape(-1)
    found = np.full(len(shapes), np.nan)
    for k, shape in enumerate(shapes):
        if shape is None or shape.is_empty:
            continue
        grid = raster.grid
        col0 = max(int(np.floor((shape.bounds[0] - grid.left) / grid.dx)), 0)
        col1 = min(int(np.ceil((shape.bounds[2] - grid.left) / grid.dx)), grid.cols)
        row0 = max(int(np.floor((grid.top - shape.bounds[3]) / grid.dy)), 0)
        row1 = min(int(np.ceil((grid.top - shape.bounds[1]) / grid.dy)), grid.rows)
        if col0 >= col1 or row0 >= row1:
            continue
        part = grid.window(row0, col0, row1 - row0, col1 - col0)
        found[k] = area_shares([shape], part).mean(raster.values[row0:row1, col0:col1])[0]
    return found
