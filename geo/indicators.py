"""Indicators on one scale, and the capacity of units by their distance from the best and the worst.

NaN is no data: it stays NaN, and takes no part in what the others are measured by.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from geo.classify import Classes, Floats, classify, fixed_breaks, known_values, mean_sigma_breaks
from geo.errors import InputError
from geo.weights import given_weights

SINGLE_REGION = (0.2, 0.4, 0.6, 0.8)
"""Lower bounds of the grades 2..5 of a region alone.

0.8 and 0.6 are one province's rule, 0.4 and 0.2 carry it on (proposed); all to be confirmed.
"""

NEITHER = 0.5
"""Score of a unit that is at once the best and the worst (0/0): all units alike, or one alone."""


@dataclass(frozen=True)
class TopsisResult:
    """Per unit the score (0 worst to 1 best) and the distances from the best and the worst; NaN = no data."""

    score: Floats
    distance_best: Floats
    distance_worst: Floats


def min_max(values: Any, *, cost: bool = False, equal: Literal["refuse", "zero"] = "refuse") -> Floats:
    """Bring an indicator to 0..1 by its own smallest and largest value.

    Parameters
    ----------
    values : numbers of any shape; NaN = no data
    cost : whether less is better, so that the smallest becomes 1
    equal : where all values are equal: 'refuse', or 'zero' to give 0 to each (the caller has to say so)

    Returns
    -------
    doubles of the same shape; NaN stays

    Raises
    ------
    InputError : no value, an infinite one, or all equal where that is refused

    Notes
    -----
    CRS: none.
    Cost: O(n).
    Invariant: the smallest becomes exactly 0 and the largest exactly 1 (as a cost the reverse); the order
        stays.
    Source: (x - min) / (max - min), as a cost (max - x) / (max - min).
    """
    if equal not in ("refuse", "zero"):
        raise InputError(f"equal={equal!r}: expected 'refuse' or 'zero'")
    known = known_values(values)
    x = np.asarray(values, dtype=np.float64)
    low, high = float(known.min()), float(known.max())
    if low == high:
        if equal == "refuse":
            raise InputError(
                f"values: all {known.size} are {low:g}, min-max would divide by 0; leave the indicator out, or take "
                "fixed limits"
            )
        alike: Floats = np.where(np.isnan(x), np.nan, 0.0)
        return alike
    scaled = np.subtract(high, x) if cost else np.subtract(x, low)
    found: Floats = np.asarray(scaled / (high - low))
    return found


def percentile_rank(values: Any) -> Floats:
    """Share of the values that lie below each one, counting half of its equals.

    Parameters
    ----------
    values : numbers of any shape; NaN = no data

    Returns
    -------
    (rank - 0.5) / n of the same shape, above 0 and below 1; equal values share their mean rank; NaN
    stays and is not counted in n

    Raises
    ------
    InputError : no value, or an infinite one

    Notes
    -----
    CRS: none.
    Cost: O(n log n).
    Invariant: the mean of the ranks is 0.5, whatever the ties; a larger value has a higher rank.
    Source: Hazen's plotting position, with mean ranks.
    """
    known = known_values(values)
    x = np.asarray(values, dtype=np.float64)
    found = np.full(x.shape, np.nan)
    found[~np.isnan(x)] = (rankdata(known, method="average") - 0.5) / known.size
    return found


def vector_norm(values: Any) -> Floats:
    """Divide an indicator by the root of the sum of its squares.

    Parameters
    ----------
    values : numbers of any shape; NaN = no data

    Returns
    -------
    doubles of the same shape; NaN stays; all 0 where every value is 0

    Raises
    ------
    InputError : no value, or an infinite one

    Notes
    -----
    CRS: none.
    Cost: O(n).
    Invariant: the squares add up to 1 (or to 0 where every value is 0); ratios stay.
    Source: x / sqrt(sum x^2), the normalisation of TOPSIS.
    """
    largest = float(np.abs(known_values(values)).max())
    x = np.asarray(values, dtype=np.float64)
    if largest == 0:
        return x.copy()
    x = x / largest  # lest squares of small numbers vanish
    found: Floats = np.asarray(x / np.sqrt(np.nansum(x * x)))
    return found


def topsis(table: Any, weights: Any, cost: Sequence[bool] | None = None) -> TopsisResult:
    """Score units by their distance from the best and from the worst of each indicator.

    Parameters
    ----------
    table : (m, n) units by indicators; NaN = no data
    weights : (n,) that `geo.weights.given_weights` takes
    cost : (n,) whether less is better; more is better in all without

    Returns
    -------
    TopsisResult in the order of units. A unit that lacks an indicator has NaN and counts for nothing
    in the others. Where best and worst coincide (all units alike, or one alone) the score is `NEITHER`

    Raises
    ------
    InputError : not a table, weights or cost of another length, an infinite number, or no unit with all
        its indicators

    Notes
    -----
    CRS: none.
    Cost: O(m n).
    Invariant: 0 <= score <= 1; a unit that is best in all indicators that differ has 1, the worst in all
        0; the unit of measure of an indicator does not matter, nor an indicator equal in all units.
    Source: capacity guide of one province (to be confirmed): vector normalisation, weights, D- / (D- + D+).
    """
    x = np.asarray(table, dtype=np.float64)
    if x.ndim != 2 or x.shape[1] == 0:
        raise InputError(f"table: shape {x.shape}; expected units by indicators")
    n = x.shape[1]
    share = given_weights(weights)[0]
    if len(share) != n:
        raise InputError(f"weights: {len(share)} for {n} indicators; expected one each")
    less = np.zeros(n, dtype=bool) if cost is None else np.asarray(cost, dtype=bool).reshape(-1)
    if len(less) != n:
        raise InputError(f"cost: {len(less)} for {n} indicators; expected one each")
    if np.isinf(x).any():
        raise InputError("table=inf: expected finite numbers; mark no data as NaN")
    whole = ~np.isnan(x).any(axis=1)
    if not whole.any():
        raise InputError(f"table: none of the {len(x)} units has all its indicators; fill them in or leave one out")
    v = np.column_stack([vector_norm(column) for column in x[whole].T]) * share
    high, low = v.max(axis=0), v.min(axis=0)
    best, worst = np.where(less, low, high), np.where(less, high, low)
    score, to_best, to_worst = (np.full(len(x), np.nan) for _ in range(3))
    near, far = np.sqrt(((best - v) ** 2).sum(axis=1)), np.sqrt(((worst - v) ** 2).sum(axis=1))
    to_best[whole], to_worst[whole] = near, far
    both = near + far
    score[whole] = np.divide(far, both, out=np.full(len(both), NEITHER), where=both > 0)
    return TopsisResult(score, to_best, to_worst)


def grade_mean_sigma(scores: Any) -> NDArray[np.int8]:
    """Grade capacity scores from 1 (weak) to 5 (strong) by mean and standard deviation.

    Parameters
    ----------
    scores : numbers of any shape, 0 or more; NaN = no data

    Returns
    -------
    int8 of the same shape: 5 strong, 4 rather strong, 3 medium, 2 rather weak, 1 weak, 0 = no data. A
    single score is graded by `SINGLE_REGION` (bounds included)

    Raises
    ------
    InputError : no score, an infinite or negative one, or two and more that are all equal

    Notes
    -----
    CRS: none.
    Cost: O(n).
    Invariant: a higher score never has a lower grade.
    Source: `geo.classify.mean_sigma_breaks`; a region alone by the same guide (0.8 and 0.6), carried on
        at 0.4 and 0.2 (proposed); to be confirmed.
    """
    known = known_values(scores, name="scores")
    if known.min() < 0:
        raise InputError(f"scores={known.min():g}: expected 0 or more")
    single = known.size == 1
    graded: Classes = classify(scores, fixed_breaks(SINGLE_REGION) if single else mean_sigma_breaks(scores))
    return graded
