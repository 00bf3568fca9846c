"""Weights of indicators: by pairwise judgement (AHP), by entropy, both combined, or given.

Weights are 0 or more and add up to 1. Nothing here is a standard: the random indices, the limit of
consistency and the shift before the logarithm are defaults to be confirmed.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from geo.classify import LARGEST
from geo.errors import InputError

Floats = NDArray[np.float64]

RANDOM_INDEX = (0.0, 0.0, 0.58, 0.90, 1.12, 1.24, 1.32, 1.41, 1.45, 1.49)
"""Mean consistency index of random matrices of order 1..10 (from memory, to be confirmed)."""

CR_LIMIT = 0.10
"""Judgements are refused at a consistency ratio of this or more (to be confirmed)."""

RECIPROCAL = 1e-6
"""How far a_ij a_ji may be from 1 (bound included): what is left of 1/3 after typing is more, and is refused."""

ENTROPY_FLOOR = 0.001
"""Columns are brought to [0.001, 1] before the logarithm (common practice, to be confirmed)."""

SUM_TOLERANCE = 0.005
"""Given weights may miss a sum of 1 by this much (bound included)."""

_ROUNDING = 1e-12


@dataclass(frozen=True)
class AhpResult:
    """Weights from pairwise judgements and how consistent these are.

    `worst` is the judgement (row, column), row before column, whose replacement by the ratio of the
    weights would lower the consistency ratio most; `worst_given` is what was judged and
    `worst_consistent` that ratio.
    """

    weights: Floats
    lambda_max: float
    ci: float
    cr: float
    worst: tuple[int, int]
    worst_given: float
    worst_consistent: float


@dataclass(frozen=True)
class EntropyResult:
    """Weights by entropy, the entropy of each indicator (0 to 1) and what has to be told."""

    weights: Floats
    entropy: Floats
    notices: tuple[str, ...]


def ahp(
    matrix: Any,
    names: Sequence[str] | None = None,
    *,
    random_index: Sequence[float] = RANDOM_INDEX,
    cr_limit: float = CR_LIMIT,
) -> AhpResult:
    """Weigh indicators by pairwise judgements (analytic hierarchy process).

    Parameters
    ----------
    matrix : (n, n) with n of 1 to 10; a_ij says how many times i matters as much as j
    names : (n,) what the sentences call the indicators; their numbers from 1 without
    random_index : mean consistency index of random matrices of order 1, 2, ...; above 0 from 3 on
    cr_limit : ratio at which judgements are refused (bound included), above 0

    Returns
    -------
    AhpResult; the weights are the principal eigenvector, adding up to 1

    Raises
    ------
    InputError : not square, larger than there are random indices for, not positive, not reciprocal, a random index
        or a limit that is no such number, or a consistency ratio of `cr_limit` or more (bound included), naming the
        most inconsistent judgement

    Notes
    -----
    CRS: none.
    Cost: O(n^5) for n <= 10: each judgement is tried in turn.
    Invariant: a_ij = w_i / w_j for all i, j gives back w and a ratio of 0; up to n = 2 the ratio is 0.
    Source: Saaty's analytic hierarchy process; random indices and limit from memory (to be confirmed).
    """
    if not cr_limit > 0:
        raise InputError(f"cr_limit={cr_limit}: expected a number above 0")
    a = _judgements(matrix, names, most=len(random_index))
    n = len(a)
    if n > 2 and not random_index[n - 1] > 0:
        raise InputError(f"random_index: {random_index[n - 1]} for {n} indicators; expected a number above 0")
    called = _called(names, n)
    weights, largest = _principal(a)
    ci = max(0.0, (largest - n) / (n - 1)) if n > 2 else 0.0
    cr = ci / random_index[n - 1] if n > 2 else 0.0
    worst, lowest = ((0, 1) if n > 1 else (0, 0)), math.inf
    for i in range(n):
        for j in range(i + 1, n):
            tried = a.copy()
            tried[i, j], tried[j, i] = weights[i] / weights[j], weights[j] / weights[i]
            left = _principal(tried)[1]
            if left < lowest - _ROUNDING:
                worst, lowest = (i, j), left
    i, j = worst
    given, consistent = float(a[i, j]), float(weights[i] / weights[j])
    if cr >= cr_limit:
        raise InputError(
            f"CR={cr:.4f}: expected a consistency ratio below {cr_limit:.2f}; the most inconsistent judgement is "
            f"{called[i]} over {called[j]}: given {given:.4g}, the weights imply {consistent:.4g}; judge it again"
        )
    return AhpResult(weights, largest, ci, cr, worst, given, consistent)


def entropy_weights(z: Any, names: Sequence[str] | None = None) -> EntropyResult:
    """Weigh indicators by how much they tell units apart.

    Parameters
    ----------
    z : (m, n) units by indicators, all turned the same way; NaN = no data
    names : (n,) what the notices call the indicators; their numbers from 1 without

    Returns
    -------
    EntropyResult; an indicator that is equal everywhere has weight 0 and entropy 1, and a notice. A
    unit with an indicator without data is left out, with a notice

    Raises
    ------
    InputError : not a table, an infinite number, fewer than two units with data, or all indicators
        equal everywhere

    Notes
    -----
    CRS: none.
    Cost: O(m n).
    Invariant: the order of units does not matter, nor the unit of measure of an indicator: each column is
        brought to [`ENTROPY_FLOOR`, 1] by its own smallest and largest value.
    Source: entropy weighting, from memory (to be confirmed); the shift is common practice.
    """
    table = np.asarray(z, dtype=np.float64)
    if table.ndim != 2 or table.shape[1] == 0:
        raise InputError(f"z: shape {table.shape}; expected a table of units by indicators")
    if (np.abs(table) > LARGEST).any():
        raise InputError(f"z: expected finite numbers of at most {LARGEST:g}; mark no data as NaN")
    called = _called(names, table.shape[1])
    whole = ~np.isnan(table).any(axis=1)
    known = table[whole]
    m = len(known)
    if m < 2:
        raise InputError(f"z: {m} units with data; entropy weights need two or more; give the weights or judge them")
    notices = [f"{len(table) - m} units without data in some indicator are left out"] if m < len(table) else []
    low, high = known.min(axis=0), known.max(axis=0)
    found = entropy_from_sums(m, low, high, *entropy_sums(known, low, high), names=called)
    return replace(found, notices=(*notices, *found.notices))


def entropy_sums(z: Any, low: Any, high: Any) -> tuple[Floats, Floats]:
    """What entropy weights need of some units: the sums of s and of s ln s of the shifted indicators s.

    Parameters
    ----------
    z : (m, n) units by indicators, all turned the same way; a unit with NaN counts nowhere
    low, high : (n,) the smallest and largest value of each indicator among all units with data

    Returns
    -------
    (n,) sum of s, (n,) sum of s ln s; 0 for an indicator that is equal everywhere, and without units

    Notes
    -----
    CRS: none.
    Cost: O(m n).
    Invariant: the sums of parts of the units add up to those of all.
    Source: as `entropy_weights`.
    """
    table = np.asarray(z, dtype=np.float64)
    known = table[~np.isnan(table).any(axis=1)]
    low, high = np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64)
    differs = low < high
    first, second = np.zeros(table.shape[1]), np.zeros(table.shape[1])
    span = (high - low)[differs]
    shifted = ENTROPY_FLOOR + (1 - ENTROPY_FLOOR) * ((known[:, differs] - low[differs]) / span)
    first[differs] = shifted.sum(axis=0)
    second[differs] = (shifted * np.log(shifted)).sum(axis=0)
    return first, second


def entropy_from_sums(
    units: int, low: Any, high: Any, first: Any, second: Any, names: Sequence[str] | None = None
) -> EntropyResult:
    """Entropy weights from the sums of `entropy_sums`, added up over all parts of the units.

    Parameters
    ----------
    units : how many units have data in every indicator
    low, high : (n,) as given to `entropy_sums`
    first, second : (n,) sums of s and of s ln s
    names : (n,) what the notices call the indicators

    Returns
    -------
    EntropyResult, as of `entropy_weights`

    Raises
    ------
    InputError : fewer than two units with data, or all indicators equal everywhere

    Notes
    -----
    CRS: none.
    Cost: O(n).
    Invariant: how the units are cut into parts changes the weights by rounding only.
    Source: as `entropy_weights`; with S the sum of s, entropy is (ln S - sum(s ln s) / S) / ln m.
    """
    low, high = np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64)
    called = _called(names, len(low))
    if units < 2:
        raise InputError(
            f"z: {units} units with data; entropy weights need two or more; give the weights or judge them"
        )
    equal = ~(low < high)
    if equal.all():
        raise InputError("z: every indicator is equal in all units; entropy cannot weigh them; give the weights")
    notices = [f"{called[j]} is {low[j]:g} in all units: weight 0" for j in np.flatnonzero(equal)]
    first, second = np.asarray(first, dtype=np.float64)[~equal], np.asarray(second, dtype=np.float64)[~equal]
    entropy = np.ones(len(low))
    entropy[~equal] = np.clip((np.log(first) - second / first) / math.log(units), 0.0, 1.0)
    spread = 1.0 - entropy
    if spread.sum() <= 0:
        raise InputError("z: the indicators hardly differ between units; entropy cannot weigh them; give the weights")
    return EntropyResult(spread / spread.sum(), entropy, tuple(notices))


def combined_weights(a: Any, b: Any, *, method: Literal["product", "linear"] = "product", alpha: float = 0.5) -> Floats:
    """Combine two sets of weights, such as judged ones and those by entropy.

    Parameters
    ----------
    a, b : (n,) weights that `given_weights` takes
    method : 'product' for a b / sum(a b), 'linear' for alpha a + (1 - alpha) b
    alpha : share of `a` in 'linear', 0 to 1 (both included); proposed, to be confirmed

    Returns
    -------
    (n,) weights that add up to 1

    Raises
    ------
    InputError : lengths that differ, an unknown method, alpha out of range, or a product that is 0
        everywhere

    Notes
    -----
    CRS: none.
    Cost: O(n).
    Invariant: combining with equal weights by product changes nothing; 'linear' with alpha 1 is `a`.
    Source: common practice; alpha proposed (to be confirmed).
    """
    one, other = given_weights(a)[0], given_weights(b)[0]
    if len(one) != len(other):
        raise InputError(f"weights: {len(one)} and {len(other)}; expected as many of each")
    if method == "linear":
        if not 0 <= alpha <= 1:
            raise InputError(f"alpha={alpha}: expected 0 to 1")
        both: Floats = alpha * one + (1 - alpha) * other
    elif method == "product":
        both = one * other
    else:
        raise InputError(f"method={method!r}: expected 'product' or 'linear'")
    total = both.sum()
    if total <= 0:
        raise InputError("weights: no indicator has a weight in both sets, their product is 0; combine them linearly")
    combined: Floats = both / total
    return combined


def given_weights(values: Any) -> tuple[Floats, str]:
    """Check weights that were given, and make a sum that is nearly 1 a sum of 1.

    Parameters
    ----------
    values : (n,) numbers, 0 or more

    Returns
    -------
    the weights, adding up to 1, and the notice that they were changed ('' where they were not)

    Raises
    ------
    InputError : none, negative or NaN ones, or a sum that misses 1 by more than `SUM_TOLERANCE` (a sum
        that misses it by just so much is taken)

    Notes
    -----
    CRS: none.
    Cost: O(n).
    Invariant: the ratios of the weights stay.
    Source: own rule.
    """
    try:
        weights = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError("weights: expected numbers") from None
    if weights.ndim != 1 or not weights.size:
        raise InputError(f"weights: shape {weights.shape}; expected a row of one or more")
    bad = ~(np.isfinite(weights) & (weights >= 0))
    if bad.any():
        i = int(np.argmax(bad))
        raise InputError(f"weights: {weights[i]:g} at place {i + 1}; expected numbers of 0 or more")
    total = math.fsum(weights.tolist())
    off = abs(total - 1)
    if off > SUM_TOLERANCE + _ROUNDING:
        raise InputError(f"weights: their sum is {total:.6g}; expected 1 (within {SUM_TOLERANCE}); mend the weights")
    notice = f"weights: their sum is {total:.6g}; divided by it" if off > _ROUNDING else ""
    return weights / total, notice


def _called(names: Sequence[str] | None, n: int) -> list[str]:
    if names is None:
        return [str(i + 1) for i in range(n)]
    if len(names) != n:
        raise InputError(f"names: {len(names)} for {n} indicators; expected one each")
    return [str(name) for name in names]


def _judgements(matrix: Any, names: Sequence[str] | None, *, most: int) -> Floats:
    """The matrix, square, positive and reciprocal."""
    try:
        a = np.asarray(matrix, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError("matrix: expected a square of numbers") from None
    if a.ndim != 2 or a.shape[0] != a.shape[1]:
        raise InputError(f"matrix: shape {a.shape}; expected a square")
    n = len(a)
    if not 1 <= n <= most:
        raise InputError(f"matrix: {n} indicators; expected 1 to {most}; group them into levels")
    called = _called(names, n)
    for i in range(n):
        for j in range(n):
            if not (a[i, j] > 0 and math.isfinite(a[i, j])):
                raise InputError(
                    f"matrix: {a[i, j]:g} in row {called[i]}, column {called[j]}; expected a judgement above 0"
                )
    for i in range(n):
        for j in range(i, n):
            if abs(a[i, j] * a[j, i] - 1) > RECIPROCAL + _ROUNDING:
                raise InputError(
                    f"matrix: row {called[i]}, column {called[j]} is {a[i, j]:.8g} and row {called[j]}, column "
                    f"{called[i]} is {a[j, i]:.8g}; expected one to be 1 divided by the other"
                )
    return a


def _principal(a: Floats) -> tuple[Floats, float]:
    """Principal eigenvector, adding up to 1, and its eigenvalue."""
    values, vectors = np.linalg.eig(a)
    first = int(np.argmax(values.real))
    weights = np.abs(vectors[:, first].real)
    return weights / weights.sum(), float(values[first].real)
