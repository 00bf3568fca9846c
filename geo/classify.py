"""Classes of an index: natural breaks, quantiles, equal intervals, mean and standard deviation, fixed thresholds.

Class j holds lower_j <= x < lower_(j+1): a value on a bound belongs to the upper class. Class 0 is
no data (NaN); 1 is the lowest and k the highest. Natural breaks are exact (Fisher-Jenks) up to
`EXACT_DISTINCT` distinct values; beyond that they are exact for values that are each moved by less
than `Breaks.error_bound`.
"""

import itertools
import math
import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numba
import numpy as np
from numpy.typing import NDArray

from geo.errors import InputError

Floats = NDArray[np.float64]
Classes = NDArray[np.int8]
Fewer = Literal["refuse", "merge"]

CLASSES = (2, 9)
"""Fewest and most classes (both included); more cannot be told apart on a map."""

EXACT_DISTINCT = 3_000_000
"""Natural breaks are exact up to this many distinct values (included)."""

BINS = 1 << 20
"""Bins of equal width beyond `EXACT_DISTINCT`; never fewer than 65,536."""

LARGEST = 1e100
"""No quantity of this world is larger; squares of larger numbers would leave the range of a double."""

_CHUNK = 1 << 22


@dataclass(frozen=True)
class Breaks:
    """Where classes begin.

    `lower` holds the k - 1 ascending lower bounds of the classes 2..k; `error_bound` is 0 where the
    breaks are exact, else the width of one bin; `merged` says why there are fewer classes than
    asked, or why some stay empty, and is '' otherwise.
    """

    lower: tuple[float, ...]
    method: str
    error_bound: float = 0.0
    merged: str = ""

    @property
    def k(self) -> int:
        """Number of classes, which is the number of the highest one."""
        return len(self.lower) + 1


def known_values(values: Any, *, name: str = "values") -> Floats:
    """Take the values that are there, checked.

    Parameters
    ----------
    values : numbers of any shape; NaN = no data
    name : what the sentence calls them

    Returns
    -------
    (m,) the values that are not NaN, in order, as doubles

    Raises
    ------
    InputError : not numbers, none there, an infinite one or one beyond +-`LARGEST`

    Notes
    -----
    CRS: none.
    Cost: O(n).
    Invariant: what comes out is finite and at least one.
    Source: own rule; no data never counts as a value.
    """
    try:
        flat = np.asarray(values, dtype=np.float64).reshape(-1)
    except (TypeError, ValueError):
        raise InputError(f"{name}: expected numbers, NaN where there are none") from None
    missing = np.isnan(flat)
    known: Floats = flat[~missing] if missing.any() else flat
    if not known.size:
        raise InputError(f"{name}: expected at least one value; all {flat.size} are without data")
    low, high = float(known.min()), float(known.max())
    if low < -LARGEST or high > LARGEST:
        bad = low if low < -LARGEST else high
        raise InputError(f"{name}={bad:g}: expected finite numbers of at most {LARGEST:g}; mark no data as NaN")
    return known


def natural_breaks(values: Any, k: int, *, fewer: Fewer = "refuse") -> Breaks:
    """Natural breaks: the k classes with the least sum of squared deviations from their means.

    Parameters
    ----------
    values : numbers of any shape; NaN = no data
    k : classes, 2 to 9
    fewer : where there are fewer distinct values than k: 'refuse', or 'merge' to take one class each

    Returns
    -------
    Breaks; each bound is the smallest value of its class (beyond `EXACT_DISTINCT` distinct values:
    the edge of a bin)

    Raises
    ------
    InputError : k out of range, no value, an infinite one, fewer distinct values than k (one alone
        is refused even where 'merge' is asked)

    Notes
    -----
    CRS: none.
    Cost: O(n log n + k d log d) for d distinct values; O(n) beyond `EXACT_DISTINCT`.
    Invariant: no partition has a smaller sum of squares (to 1e-12 of the total), no class is empty,
        equal values share a class; beyond `EXACT_DISTINCT` the same holds for values that are each
        replaced by the mean of their bin, thus moved by less than `error_bound`.
    Source: Fisher 1958, Jenks 1977; divide and conquer over the monotone optimum, weighted by count.
    """
    k = _checked_k(k)
    known = known_values(values)
    found = _distinct(known)
    if found is None:
        edges = np.linspace(known.min(), known.max(), max(BINS, 65_536) + 1)
        counts, sums = _histogram(known, edges)
        return natural_breaks_from_histogram(counts, edges, k, sums, fewer=fewer)
    distinct, counts = found
    k, merged = _fitting_k(k, len(distinct), "distinct values", fewer)
    lower = tuple(float(distinct[i]) for i in _partition(distinct, counts, k))
    return Breaks(lower, "natural", 0.0, merged)


def natural_breaks_from_histogram(
    counts: Any, edges: Any, k: int, sums: Any = None, *, fewer: Fewer = "refuse"
) -> Breaks:
    """Natural breaks of values that were counted chunk by chunk.

    Parameters
    ----------
    counts : (b,) values per bin, 0 or more
    edges : (b + 1,) ascending; bin i holds edges[i] <= x < edges[i + 1], the last one its end as well
    k : classes, 2 to 9
    sums : (b,) sum of the values per bin; without it each bin stands at its middle
    fewer : where there are fewer bins with values than k: 'refuse', or 'merge'

    Returns
    -------
    Breaks at edges of bins; `error_bound` is the width of the widest bin

    Raises
    ------
    InputError : lengths that do not fit, edges that do not ascend, negative or infinite counts, a mean
        outside its bin, fewer bins with values than k

    Notes
    -----
    CRS: none.
    Cost: O(k b log b).
    Invariant: exact for the values each replaced by the mean (or the middle) of their bin, which moves
        none by more than `error_bound`; no class is empty.
    Source: as `natural_breaks`; counts of chunks add up, so the chunks do not matter.
    """
    k = _checked_k(k)
    many = np.asarray(counts, dtype=np.float64).reshape(-1)
    ends = np.asarray(edges, dtype=np.float64).reshape(-1)
    if len(ends) != len(many) + 1:
        raise InputError(f"edges: {len(ends)} for {len(many)} bins; expected one more than bins")
    if not (np.isfinite(ends).all() and (np.diff(ends) > 0).all() and np.abs(ends).max() <= LARGEST):
        raise InputError("edges: expected finite ascending numbers, each once")
    if not (np.isfinite(many).all() and (many >= 0).all()):
        raise InputError("counts: expected finite numbers, 0 or more")
    used = np.flatnonzero(many > 0)
    k, merged = _fitting_k(k, len(used), "bins with values", fewer)
    left, right = ends[used], ends[used + 1]
    if sums is None:
        at = left + (right - left) / 2
    else:
        total = np.asarray(sums, dtype=np.float64).reshape(-1)
        if len(total) != len(many):
            raise InputError(f"sums: {len(total)} for {len(many)} bins; expected one per bin")
        at = total[used] / many[used]
        slack = 1e-9 * max(abs(ends[0]), abs(ends[-1]))  # what adding up may have rounded
        if not ((at >= left - slack) & (at <= right + slack)).all():
            raise InputError("sums: the mean of a bin lies outside it; expected sums of the values that were counted")
        at = np.clip(at, left, right)
    lower = tuple(float(left[i]) for i in _partition(at, many[used], k))
    return Breaks(lower, "natural-histogram", float(np.diff(ends).max()), merged)


def quantile_breaks(values: Any, k: int, *, fewer: Fewer = "refuse", ties: Literal["join", "keep"] = "join") -> Breaks:
    """Quantiles: k classes of about the same number of values.

    Parameters
    ----------
    values : numbers of any shape; NaN = no data
    k : classes, 2 to 9
    fewer : where there are fewer distinct values than k: 'refuse', or 'merge'
    ties : where quantiles coincide because many values are equal: 'join' makes fewer classes; 'keep' keeps the
        numbers of the k classes, those between equal quantiles empty and the lowest value in class 1

    Returns
    -------
    Breaks at the quantiles 1/k .. (k - 1)/k, linear between values. Where quantiles coincide `merged` says what
    came of it

    Raises
    ------
    InputError : k out of range, no value, an infinite one, fewer distinct values than k, or so many
        equal ones that a single class would be left

    Notes
    -----
    CRS: none.
    Cost: O(n log n).
    Invariant: no class is empty (but by `ties`); equal values share a class; without ties the classes differ by at most
        one value in size, and by one more for a value on a bound.
    Source: own; the bounds are those of mapclassify.Quantiles, whose classes are (a, b] where ours are
        [a, b): a value on a bound is one class higher here.
    """
    k = _checked_k(k)
    known = known_values(values)
    found, merged = _distinct(known), ""
    if found is not None:
        k, merged = _fitting_k(k, len(found[0]), "distinct values", fewer)
    asked = np.quantile(known, np.arange(1, k) / k)
    below = [int(np.count_nonzero(known < bound)) for bound in asked]
    # a bound with no value between it and the next one, or none below it, would leave a class empty
    lower = [float(b) for b, one, n in zip(asked, below, [*below[1:], len(known)], strict=True) if 0 < one < n]
    if not lower:
        raise InputError(
            f"k={k}: so many values equal {known.min():g} that all quantiles coincide; take natural breaks or fixed "
            "thresholds"
        )
    if ties == "keep":
        above = float(known[known > known.min()].min())
        kept = tuple(max(float(bound), above) for bound in asked)
        empty = [j for j in range(2, k) if not ((known >= kept[j - 2]) & (known < kept[j - 1])).any()]
        if empty:
            which = f"class {empty[0]} stays" if len(empty) == 1 else f"classes {' and '.join(map(str, empty))} stay"
            merged = f"{which} empty: many values are equal and their quantiles coincide"
        return Breaks(kept, "quantile", 0.0, merged)
    if ties != "join":
        raise InputError(f"ties={ties!r}: expected 'join' or 'keep'")
    if len(lower) < k - 1:
        merged = f"{len(lower) + 1} classes where {k} were asked: many values are equal and their quantiles coincide"
    return Breaks(tuple(lower), "quantile", 0.0, merged)


def equal_breaks(values: Any, k: int) -> Breaks:
    """Equal intervals: k classes of the same width between the lowest and the highest value.

    Parameters
    ----------
    values : numbers of any shape; NaN = no data
    k : classes, 2 to 9

    Returns
    -------
    Breaks at low + (high - low) j / k; the highest value is in class k. `merged` names the classes without a value

    Raises
    ------
    InputError : k out of range, no value, an infinite one, all values equal, or a spread too small to be divided

    Notes
    -----
    CRS: none.
    Cost: O(n).
    Invariant: the lowest value is in class 1 and the highest in class k; the bounds do not depend on how many values
        lie between.
    Source: own; the bounds are those of mapclassify.EqualInterval, whose classes are (a, b] where ours are [a, b).
    """
    k = _checked_k(k)
    known = known_values(values)
    low, high = float(known.min()), float(known.max())
    asked = [low + (high - low) * j / k for j in range(1, k)]
    if not all(a < b for a, b in itertools.pairwise([low, *asked, high])):
        raise InputError(f"k={k}: the values lie between {low:g} and {high:g}; equal intervals need a spread")
    found = Breaks(tuple(asked), "equal")
    empty = sorted(set(range(1, k + 1)) - set(classify(known, found).tolist()))
    if empty:
        which = f"class {empty[0]} stays" if len(empty) == 1 else f"classes {', '.join(map(str, empty))} stay"
        return Breaks(found.lower, "equal", 0.0, f"{which} empty: no value lies there")
    return found


def mean_sigma_breaks(values: Any) -> Breaks:
    """Five classes by mean and sample standard deviation, for an index of 0 or more.

    Parameters
    ----------
    values : numbers of any shape, 0 or more; NaN = no data

    Returns
    -------
    Breaks at mean - 1.5, - 0.5, + 0.5 and + 1.5 standard deviations. Where the mean is at most 1.5
    standard deviations class 1 stays empty, where it is at most 0.5 class 2 as well, and `merged` says
    so

    Raises
    ------
    InputError : no value, an infinite or negative one, or no spread (one value, or all equal)

    Notes
    -----
    CRS: none.
    Cost: O(n).
    Invariant: k = 5; a value of mean + 1.5 standard deviations is in class 5 (bound included). The short
        rows of the table in the source leave out the bounds that are 0 or below, under which no
        index lies: so one rule of four bounds gives all three rows, whatever the regime.
    Source: capacity guide, one province's rule (to be confirmed), inverted for risk: 5 is the highest.
    """
    known = known_values(values)
    low, high = float(known.min()), float(known.max())
    if low < 0:
        raise InputError(f"values={low:g}: mean and sigma class an index of 0 or more; normalise it first")
    mean = float(known.mean())
    sigma = float(known.std(ddof=1)) if low < high else 0.0
    if sigma == 0:
        what = f"all {known.size} values are equal" if known.size > 1 else "there is one value only"
        raise InputError(f"sigma=0: {what}, classes by mean and sigma need a spread; take fixed thresholds")
    merged = ""
    if mean <= 0.5 * sigma:
        merged = f"classes 1 and 2 stay empty: the mean {mean:.6g} is at most 0.5 standard deviations ({sigma:.6g})"
    elif mean <= 1.5 * sigma:
        merged = f"class 1 stays empty: the mean {mean:.6g} is at most 1.5 standard deviations ({sigma:.6g})"
    return Breaks(tuple(mean + s * sigma for s in (-1.5, -0.5, 0.5, 1.5)), "mean-sigma", 0.0, merged)


def fixed_breaks(lower: Sequence[float]) -> Breaks:
    """Fixed thresholds, such as the bounds of an earlier run, so that two years compare.

    Parameters
    ----------
    lower : 1 to 8 finite numbers, ascending, each once: the lower bounds of the classes 2..k

    Returns
    -------
    Breaks

    Raises
    ------
    InputError : too few or too many, not finite, not ascending

    Notes
    -----
    CRS: none.
    Cost: O(k).
    Invariant: the bounds stay as they are given; classes may be empty.
    Source: own.
    """
    bounds = tuple(float(x) for x in lower)
    if not CLASSES[0] <= len(bounds) + 1 <= CLASSES[1]:
        raise InputError(f"lower: {len(bounds)} thresholds; expected {CLASSES[0] - 1} to {CLASSES[1] - 1}")
    if not all(math.isfinite(x) for x in bounds):
        raise InputError(f"lower={bounds}: expected finite thresholds")
    for one, following in itertools.pairwise(bounds):
        if not one < following:
            raise InputError(f"lower: {one:g} before {following:g}; expected ascending thresholds, each once")
    return Breaks(bounds, "fixed")


def classify(values: Any, breaks: Breaks) -> Classes:
    """Give each value its class.

    Parameters
    ----------
    values : numbers of any shape; NaN = no data
    breaks : where classes begin

    Returns
    -------
    int8 of the same shape: 0 = no data, else 1..k; a value on a lower bound is in the upper class

    Raises
    ------
    InputError : an infinite value

    Notes
    -----
    CRS: none.
    Cost: O(k n), element by element: chunks may be classed apart.
    Invariant: a larger value never has a lower class; no data never becomes a class.
    Source: own rule of bounds: class j holds lower_j <= x < lower_(j+1).
    """
    x = np.asarray(values)
    if x.dtype.kind not in "fiub":
        x = x.astype(np.float64)
    if np.isinf(x).any():
        raise InputError("values=inf: expected finite numbers; mark no data as NaN")
    found: Classes = np.ones(x.shape, dtype=np.int8)
    for bound in breaks.lower:
        found += x >= np.float64(bound)  # a double, lest a single-precision grid round the bound
    found[np.isnan(x)] = 0
    return found


def goodness_of_variance_fit(values: Any, classes: Any) -> float:
    """Share of the total squared deviation that the classes explain.

    Parameters
    ----------
    values : numbers of any shape; NaN = no data
    classes : integers of the same shape; 0 = no data

    Returns
    -------
    1 - (within classes) / (total), 0 to 1; 1 where all values are equal

    Raises
    ------
    InputError : shapes that differ, an infinite value, nothing with both a value and a class

    Notes
    -----
    CRS: none.
    Cost: O(n).
    Invariant: natural breaks have the highest fit of all partitions into as many classes.
    Source: Jenks's goodness of variance fit.
    """
    x, group = np.asarray(values, dtype=np.float64), np.asarray(classes)
    if x.shape != group.shape:
        raise InputError(f"classes: shape {group.shape} for values of shape {x.shape}; expected the same")
    there = (group > 0) & ~np.isnan(x)
    known, of = known_values(x[there], name="values with a class"), group[there].astype(np.int64)
    known = known - known.mean()
    total = float(known @ known)
    if total == 0:
        return 1.0
    many = np.bincount(of)
    means = np.bincount(of, weights=known) / np.maximum(many, 1)
    off = known - means[of]
    return min(1.0, max(0.0, 1.0 - float(off @ off) / total))


def _checked_k(k: int) -> int:
    try:
        number = operator.index(k)
    except TypeError:
        number = 0
    if isinstance(k, bool) or not CLASSES[0] <= number <= CLASSES[1]:
        raise InputError(f"k={k!r}: expected {CLASSES[0]} to {CLASSES[1]} classes")
    return number


def _fitting_k(k: int, there: int, what: str, fewer: Fewer) -> tuple[int, str]:
    """As many classes as can be filled, with the sentence that says so."""
    if fewer not in ("refuse", "merge"):
        raise InputError(f"fewer={fewer!r}: expected 'refuse' or 'merge'")
    if there >= k:
        return k, ""
    if fewer == "refuse" or there < CLASSES[0]:
        raise InputError(f"k={k}: more classes than {what} ({there}); take fewer classes or fixed thresholds")
    return there, f"{there} classes where {k} were asked: there are only {there} {what}"


def _distinct(known: Floats) -> tuple[Floats, Floats] | None:
    """Ascending distinct values and their counts, or None beyond `EXACT_DISTINCT`.

    In chunks, so that a large grid of measured values is found out without sorting it whole.
    """
    distinct, counts = np.empty(0), np.empty(0)
    for start in range(0, len(known), _CHUNK):
        one, many = np.unique(known[start : start + _CHUNK], return_counts=True)
        if start:
            one, of = np.unique(np.concatenate([distinct, one]), return_inverse=True)
            many = np.bincount(of, weights=np.concatenate([counts, many]))
        distinct, counts = one, many.astype(np.float64)
        if len(distinct) > EXACT_DISTINCT:
            return None
    return distinct, counts


def _partition(at: Floats, weight: Floats, k: int) -> NDArray[np.int64]:
    """First index of the classes 2..k of the best partition of ascending values."""
    span = (at[-1] - at[0]) or 1.0
    centred = (at - np.average(at, weights=weight)) / span  # sums of squares lose least about the mean
    zero = np.zeros(1)
    many = np.concatenate([zero, np.cumsum(weight)])
    sums = np.concatenate([zero, np.cumsum(weight * centred)])
    found: NDArray[np.int64] = _cuts(many, sums, k)
    return found


@numba.njit(cache=True, nogil=True)
def _cuts(many: Any, sums: Any, k: int) -> Any:
    """Cuts of the partition with the largest sum of (sum of class)^2 / (weight of class).

    That sum is the total less what is within classes. The last cut never moves back as values are
    added, so the middle one of a stretch bounds the search on both of its sides.
    """
    n = len(many) - 1
    best = np.zeros(n + 1)
    for j in range(1, n + 1):
        best[j] = sums[j] ** 2 / many[j]
    last = np.zeros((k + 1, n + 1), dtype=np.int32)
    for m in range(2, k + 1):
        better = np.full(n + 1, -np.inf)
        cut = last[m]
        step = 1
        while 2 * step <= n:
            step *= 2
        while step >= 1:
            for j in range(step, n + 1, 2 * step):
                if j < m or (m == k and j != n):
                    continue
                low = max(m - 1, cut[j - step])
                high = j - 1
                if m < k and j + step <= n:
                    high = min(high, cut[j + step])
                value, where = -np.inf, low
                for i in range(low, high + 1):
                    gain = best[i] + (sums[j] - sums[i]) ** 2 / (many[j] - many[i])
                    if gain > value:
                        value, where = gain, i
                better[j] = value
                cut[j] = where
            step //= 2
        best = better
    found = np.zeros(k - 1, dtype=np.int64)
    j = n
    for m in range(k, 1, -1):
        j = last[m][j]
        found[m - 2] = j
    return found


@numba.njit(cache=True)
def _histogram(known: Any, edges: Any) -> Any:
    """Counts and sums by bins of equal width, each value held to the edges as they are stored."""
    bins = len(edges) - 1
    counts, sums = np.zeros(bins), np.zeros(bins)
    scale = bins / (edges[bins] - edges[0])
    for x in known:
        i = min(bins - 1, max(0, int((x - edges[0]) * scale)))
        if x < edges[i]:
            i -= 1
        elif i < bins - 1 and x >= edges[i + 1]:
            i += 1
        counts[i] += 1
        sums[i] += x
    return counts, sums
