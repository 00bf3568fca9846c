"""What the shape of the ground says of standing water: depressions, height above drainage, wetness, and the score."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from geo.errors import InputError
from geo.grid import Grid, Raster

Floats = NDArray[np.float64]

_NODATA = -9999.0
_LEAST_SLOPE = 1e-3
"""Gradients below one in a thousand count as that: the wetness of a plain would be infinite."""


@dataclass(frozen=True)
class Terrain:
    """What follows from heights: all (rows, cols), NaN without data.

    depression_m : filled minus given height, >= 0
    above_drainage_m : height above the drainage cell that the water reaches, >= 0
    by_distance : cells whose water reaches no drainage; the nearest one counts for them
    wetness : topographic wetness index ln(a / tan beta)
    """

    grid: Grid
    depression_m: Floats
    above_drainage_m: Floats
    by_distance: NDArray[np.bool_]
    wetness: Floats


def terrain(dem: Raster, drainage: NDArray[np.bool_]) -> Terrain:
    """Depressions, height above drainage and wetness of a terrain.

    Parameters
    ----------
    dem : heights on a metric grid, NaN without data
    drainage : (rows, cols) cells of rivers, canals and outfalls

    Returns
    -------
    Terrain; without any drainage the height above it is NaN everywhere

    Raises
    ------
    InputError
        for a geographic grid, a mask of another shape, or heights without any data

    Notes
    -----
    CRS: metric.
    Cost: O(cells log cells); whole raster, as water knows no blocks.
    Invariant: the filled surface is nowhere below the given one and has no inner sink; where a cell is drainage
    its height above drainage is 0.
    Source: depressions Wang & Liu (2006), doi:10.1080/13658810500433453; height above nearest drainage Nobre et
    al. (2011), doi:10.1016/j.jhydrol.2011.03.051; wetness Beven & Kirkby (1979); by pyflwdir, eight directions.
    """
    import pyflwdir

    grid = dem.grid
    if grid.is_geographic:
        raise InputError(f"dem is on EPSG:{grid.epsg} in degrees: reproject it to the district's metric CRS first")
    if drainage.shape != grid.shape:
        raise InputError(f"drainage of shape {drainage.shape}: the heights have {grid.shape}")
    there = np.isfinite(dem.values)
    if not there.any():
        raise InputError("dem holds no data at all")
    heights = np.where(there, dem.values, _NODATA).astype(np.float32)
    filled, d8 = pyflwdir.dem.fill_depressions(heights, nodata=_NODATA)
    flow = pyflwdir.from_array(d8, ftype="d8", transform=grid.transform, latlon=False, cache=False)
    depression = np.where(there, np.maximum(filled.astype(np.float64) - heights, 0.0), np.nan)
    cells = flow.upstream_area(unit="cell").astype(np.float64)
    surface = np.where(there, filled.astype(np.float64), np.nan)
    slope = np.nan_to_num(_slope(surface, grid), nan=_LEAST_SLOPE)
    specific = np.maximum(cells, 1.0) * grid.dx
    wetness = np.where(there, np.log(specific / np.maximum(slope, _LEAST_SLOPE)), np.nan)
    above, far = _above_drainage(flow, heights.astype(np.float64), there, drainage & there)
    return Terrain(grid, depression, above, far, wetness)


def _slope(heights: Floats, grid: Grid) -> Floats:
    """Gradient by central differences; NaN beside no data, and for a raster of one row or column."""
    if min(heights.shape) < 2:
        return np.full(heights.shape, np.nan)
    down, across = np.gradient(heights, grid.dy, grid.dx)
    return np.asarray(np.hypot(down, across), dtype=np.float64)


def _above_drainage(
    flow: Any, heights: Floats, there: NDArray[np.bool_], drainage: NDArray[np.bool_]
) -> tuple[Floats, NDArray[np.bool_]]:
    """Height above the drainage cell downstream, else above the nearest one."""
    above = np.full(heights.shape, np.nan)
    if not drainage.any():
        return above, there.copy()
    target = _first_downstream(flow, drainage)
    found = target >= 0
    flat = heights.reshape(-1)
    above.reshape(-1)[found] = flat[found] - flat[target[found]]
    far = there & ~found.reshape(heights.shape)
    _, near = distance_transform_edt(~drainage, return_indices=True)
    nearest = heights[near[0], near[1]]
    above[far] = (heights - nearest)[far]
    return np.where(there, np.maximum(above, 0.0), np.nan), far


def _first_downstream(flow: Any, drainage: NDArray[np.bool_]) -> NDArray[np.int64]:
    """(cells,) the first drainage cell on each cell's way down, -1 where it meets none."""
    down = np.asarray(flow.idxs_ds, dtype=np.int64).reshape(-1)
    target = np.where(drainage.reshape(-1), np.arange(len(down)), -1)
    # From the outlets up, so that the cell below is always settled first.
    for cell in np.asarray(flow.idxs_seq, dtype=np.int64).tolist():
        if target[cell] < 0 and down[cell] >= 0 and down[cell] != cell:
            target[cell] = target[down[cell]]
    return target


@dataclass(frozen=True)
class WaterloggingRule:
    """Weights and bounds of the score of rain flooding (proposed, to be confirmed).

    Bounds are the lower bounds of the scores 2 to 5; for height above drainage those of 4 down to 1. Those of
    wetness are the fifths of the values themselves where they are empty. The distance to drainage scores by its own
    table, from near to far.
    """

    weights: Mapping[str, float] = field(
        default_factory=lambda: {
            "depression_depth": 0.25,
            "height_above_drainage": 0.20,
            "impervious": 0.15,
            "wetness": 0.10,
            "drainage_distance": 0.10,
            "spots": 0.20,
        }
    )
    depression_m: tuple[float, ...] = (0.10, 0.15, 0.30, 0.60)
    above_drainage_m: tuple[float, ...] = (0.5, 1.0, 2.0, 3.0)
    impervious_share: tuple[float, ...] = (0.2, 0.4, 0.6, 0.8)
    drainage_distance_m: tuple[float, ...] = (100.0, 300.0, 600.0, 1000.0)
    drainage_distance_score: tuple[float, ...] = (3.0, 3.5, 4.0, 4.5, 5.0)
    spot_radius_m: float = 50.0
    wetness: tuple[float, ...] = ()


@dataclass(frozen=True)
class WaterloggingScore:
    """Score 1 (low) to 5 (high), NaN without data; the score of each factor; which factors were not there."""

    score: Floats
    factors: Mapping[str, Floats]
    missing: tuple[str, ...]


def waterlogging_score(
    values: Mapping[str, Floats | None], rule: WaterloggingRule, *, near_rivers_is_worse: bool = False
) -> WaterloggingScore:
    """Score rain flooding from its factors.

    Parameters
    ----------
    values : depression_depth m, height_above_drainage m, impervious 0..1, wetness, drainage_distance m, spots m
        (distance to the nearest known spot, 0 within its cell); arrays of one shape, or None
    rule : weights and bounds
    near_rivers_is_worse : score the distance to drainage as for river flooding instead of rain flooding

    Returns
    -------
    WaterloggingScore; the weight of a factor that is None is shared among the others in proportion

    Raises
    ------
    InputError
        for an unknown factor, or none with values

    Notes
    -----
    CRS: none.
    Cost: O(cells x factors).
    Invariant: 1 to 5; more depth or more sealing never lowers it; a cell without data in any factor has none.
    Source: proposed factors and bounds, to be confirmed; wetness by fifths of this area.
    """
    unknown = set(values) - set(rule.weights)
    if unknown:
        raise InputError(f"factor '{sorted(unknown)[0]}' is not known; the factors are {', '.join(rule.weights)}")
    there = {name: np.asarray(v, dtype=np.float64) for name, v in values.items() if v is not None}
    if not there:
        raise InputError("waterlogging: none of its factors has data")
    factors: dict[str, Floats] = {}
    for name, v in there.items():
        if name == "depression_depth":
            factors[name] = _steps(v, rule.depression_m)
        elif name == "height_above_drainage":
            factors[name] = 6.0 - _steps(v, rule.above_drainage_m, above=True)
        elif name == "impervious":
            factors[name] = _steps(v, rule.impervious_share)
        elif name == "wetness":
            known = v[np.isfinite(v)]
            fifths = rule.wetness or tuple(np.unique(np.quantile(known, [0.2, 0.4, 0.6, 0.8]))) if len(known) else ()
            factors[name] = _steps(v, fifths)
        elif name == "drainage_distance":
            step = _steps(v, rule.drainage_distance_m)
            scores = rule.drainage_distance_score[:: -1 if near_rivers_is_worse else 1]
            factors[name] = np.interp(step, np.arange(1, len(scores) + 1), scores)
        else:
            near = np.where(v <= rule.spot_radius_m, 4.0, 1.0)
            factors[name] = np.where(np.isnan(v), np.nan, np.where(v <= 0, 5.0, near))
    whole = sum(rule.weights[name] for name in factors)
    total = sum(rule.weights[name] / whole * score for name, score in factors.items())
    missing = tuple(name for name in rule.weights if name not in factors)
    return WaterloggingScore(np.asarray(total, dtype=np.float64), factors, missing)


def _steps(values: Floats, lower: tuple[float, ...], *, above: bool = False) -> Floats:
    """1 + the number of bounds at or below (`above`: strictly below) the value; NaN stays NaN."""
    found = 1.0 + np.searchsorted(np.asarray(lower), values, side="left" if above else "right")
    return np.where(np.isnan(values), np.nan, found)
