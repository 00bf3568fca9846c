"""The arithmetic of `geo.zoning.evaluate` compiled, one pass over the units: for rasters of many millions of cells.

`geo.zoning.evaluate` is the definition; a test holds the two against each other bit for bit.
"""

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

METHODS = ("sum", "product", "geometric")


@numba.njit(cache=True, nogil=True)
def _rounded(value: float, scale: float) -> Any:
    return np.rint(value * scale) / scale


@numba.njit(cache=True, nogil=True)
def _power(value: float, exponent: float) -> Any:
    return value if exponent == 1.0 else value**exponent


@numba.njit(cache=True, nogil=True)
def _class(value: float, lower: Any, count: int) -> int:
    """1 + the number of lower bounds at or below the value; 0 for NaN."""
    if np.isnan(value):
        return 0
    found = 1
    for k in range(count):
        if value >= lower[k]:
            found += 1
    return found


@numba.njit(cache=True, nogil=True)
def rate(
    hazards: Any,
    dimensions: Any,
    used: Any,
    exponents: Any,
    numbers: Any,
    weights: Any,
    lower: Any,
    counts: Any,
    method: int,
    hot: Any,
    risks: Any,
    spans: Any,
    index: Any,
    level: Any,
    stage: int,
) -> int:
    """Rate units one by one; NumPy arrays of plain numbers in, results written into the last arrays.

    Parameters
    ----------
    hazards : (h, n) indices 0..1
    dimensions : (3, n) or (3, 1) exposure, vulnerability, capacity, 0..1
    used : (2,) whether vulnerability and capacity have indicators
    exponents : (3,) of hazard, exposure, vulnerability
    numbers : (4,) capacity factor, 1 for ordinal scores, 10 ** decimals of indices and of raw indicators
    weights : (h,)
    lower : (h + 1, 8) lower bounds of each hazard's risk and, last, of the index
    counts : (h + 1,) how many of them; -1 for the index where its breaks are not known yet
    method : position in `METHODS`
    hot : (2,) the rule of the top class, (0, 0) without
    risks : (h, bins, 2) float64, stage 0 adds to it how many risks fall into each bin of 0..1 and their sum
    spans : (h, 2) float64, at stage 0 the least and the greatest risk; NaN at first
    index : (n,) float64, written from stage 1
    level : (n,) uint8, written at stage 2
    stage : 0 risks alone, 1 and the index, 2 and the level

    Returns
    -------
    How many units have data in every column (stage 0)

    Notes
    -----
    CRS: none.
    Cost: O(h n), no temporary arrays.
    Invariant: bit for bit what `geo.zoning.evaluate` gives.
    Source: as `geo.zoning.evaluate`.
    """
    h, n = hazards.shape
    wide = dimensions.shape[1] > 1
    a, b, c = exponents[0], exponents[1], exponents[2]
    factor, ordinal, decimals, raw_decimals = numbers[0], numbers[1], numbers[2], numbers[3]
    rest = 0.0
    units = 0
    bins = risks.shape[1]
    for i in range(n):
        if wide or i == 0:
            exposure, vulnerability, capacity = dimensions[0, i], dimensions[1, i], dimensions[2, i]
            rest = _power(exposure, b) * _power(vulnerability, c) * (1.0 - factor * capacity)
        total = 0.0
        top = 0
        for k in range(h):
            value = _rounded(np.float64(hazards[k, i]), raw_decimals)
            risk = _rounded(_power(value, a) * rest, decimals)
            if stage == 0:
                total += risk
                if not np.isnan(risk):
                    bin_ = min(int(risk * bins), bins - 1)
                    risks[k, bin_, 0] += 1.0
                    risks[k, bin_, 1] += risk
                    if not spans[k, 0] <= risk:
                        spans[k, 0] = risk
                    if not spans[k, 1] >= risk:
                        spans[k, 1] = risk
                continue
            found = 0
            if ordinal == 1.0 or hot[0] > 0:
                found = _class(risk, lower[k], counts[k])
                top = max(top, found)
            if method != 0:
                total += weights[k] * value
            elif ordinal == 1.0:
                total += weights[k] * (found / 5 if found > 0 else np.nan)
            else:
                total += weights[k] * risk
        if stage == 0:
            units += not np.isnan(total)
            continue
        if method == 1:
            total = total * exposure * vulnerability * (1.0 - factor * capacity)
        elif method == 2:
            product = total * exposure
            count = 2
            if used[0] == 1:
                product *= vulnerability
                count += 1
            if used[1] == 1:
                product *= 1.0 - capacity
                count += 1
            total = product ** (1.0 / count)
        total = _rounded(total, decimals)
        index[i] = total
        if stage == 2:
            found = _class(total, lower[h], counts[h])
            if hot[0] > 0 and top >= hot[0] and found > 0:
                found = max(found, hot[1])
            level[i] = found
    return units


@numba.njit(cache=True, nogil=True)
def histogram(values: Any, bins: int, found: Any) -> tuple[float, float, int]:
    """Count values of 0..1 in bins and add them up; NaN is left out.

    Parameters
    ----------
    values : (n,) 0..1
    bins : number of bins; the last includes 1
    found : (bins, 2) float64, added to: how many, and their sum

    Returns
    -------
    The least and the greatest value (NaN where there is none) and how many were counted

    Notes
    -----
    CRS: none.
    Cost: O(n).
    Invariant: the counts grow by the number of values that are not NaN.
    Source: none.
    """
    low, high, there = np.nan, np.nan, 0
    for value in values:
        if np.isnan(value):
            continue
        if there == 0:
            low = high = value
        there += 1
        low, high = min(low, value), max(high, value)
        at = min(int(value * bins), bins - 1)
        found[at, 0] += 1.0
        found[at, 1] += value
    return low, high, there


def stacked(columns: list[NDArray[Any]]) -> NDArray[Any]:
    """Columns of one length as the rows of one array.

    Parameters
    ----------
    columns : arrays of one shape

    Returns
    -------
    (columns, n) contiguous, in the widest of their types

    Notes
    -----
    CRS: none.
    Cost: one copy.
    Invariant: row k is column k, flattened.
    Source: none.
    """
    return np.ascontiguousarray([np.asarray(column).reshape(-1) for column in columns])
