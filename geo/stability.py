"""How firmly a unit holds its level: under other weights, another classification, another unit size."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from geo.classify import Breaks, classify, mean_sigma_breaks, natural_breaks, quantile_breaks
from geo.errors import InputError
from geo.zoning import LEVELS, Arrays, Classification, ZoningModel, evaluate

ALTERNATIVES: tuple[Classification, ...] = ("natural_breaks", "quantiles", "mean_sigma")
"""The classifications that are tried against each other."""

_THREADS = 2


@dataclass(frozen=True)
class Stability:
    """Shares 0..1 of trials in which each unit keeps its level; NaN for units without data.

    `share` is over the joint trials (weights, classification and size drawn together); the others
    vary one thing alone: `weights` over as many draws, `classification` over the other methods,
    `size` is 1 or 0.
    """

    share: NDArray[np.float64]
    weights: NDArray[np.float64]
    classification: NDArray[np.float64]
    size: NDArray[np.float64]
    runs: int
    seed: int
    tried: tuple[Classification, ...]


def stability(
    raw: Arrays,
    model: ZoningModel,
    groups: NDArray[np.int64],
    *,
    seed: int,
    runs: int = 200,
    spread_share: float = 0.10,
) -> Stability:
    """How often each unit keeps its level when what was chosen is chosen otherwise.

    Parameters
    ----------
    raw : the raw columns of the units, each (n,)
    model : the fitted model
    groups : (n,) number of the unit of twice the size that holds each unit; -1 for none
    seed : of the draws
    runs : number of draws, >= 1
    spread_share : each hazard's weight is multiplied by a factor drawn evenly from 1 -+ this (bounds
        included), then all are divided by their sum

    Returns
    -------
    Stability; (n,) arrays

    Raises
    ------
    InputError
        for `runs` < 1 or `spread_share` outside 0..1

    Notes
    -----
    CRS: none.
    Cost: O(runs x n log n).
    Invariant: with `spread_share` 0, the model's own classification and size, every unit keeps its level; the
    same seed gives the same shares.
    Source: none; one trial of the joint draw takes the model's own classification or size with probability one
    half. The index of the larger unit is the mean over its units, classed anew.
    """
    if runs < 1:
        raise InputError(f"runs={runs}: expected at least 1")
    if not 0.0 <= spread_share < 1.0:
        raise InputError(f"spread_share={spread_share}: expected 0 to below 1")
    own = evaluate(raw, model)
    valid = np.flatnonzero(own["level"] > 0)
    empty = np.full(len(own["level"]), np.nan)
    if len(valid) == 0:
        return Stability(empty, empty, empty, empty, runs, seed, ())
    sub = {name: np.asarray(raw[name])[valid] for name in model.columns}
    trial = _Trial(sub, model, groups[valid], own["level"][valid])
    others = [method for method in ALTERNATIVES if method != model.classification and trial.is_possible(method)]
    rng = np.random.default_rng(seed)
    factors = rng.uniform(1.0 - spread_share, 1.0 + spread_share, size=(runs, len(model.hazards)))
    other = rng.integers(0, 2, size=runs).astype(bool) & bool(others)
    choice = rng.integers(0, max(len(others), 1), size=runs)
    larger = rng.integers(0, 2, size=runs).astype(bool)

    def counted(numbers: range) -> NDArray[np.int64]:
        """How often each unit keeps its level in some of the trials: in all that varies, and by the weights alone."""
        kept = np.zeros((2, len(valid)), dtype=np.int64)
        for k in numbers:
            index = trial.index(factors[k])
            levels = trial.levels(index, model.classification, larger=False)
            kept[1] += levels == trial.level
            if other[k] or larger[k]:
                method = others[choice[k]] if other[k] else model.classification
                levels = trial.levels(index, method, larger=bool(larger[k]))
            kept[0] += levels == trial.level
        return kept

    # Counts are whole numbers: how the trials fall on the threads does not change their sum.
    with ThreadPoolExecutor(_THREADS) as pool:
        joint, alone = np.sum(list(pool.map(counted, [range(k, runs, _THREADS) for k in range(_THREADS)])), axis=0)
    base = trial.index(np.ones(len(model.hazards)))
    by_class = [trial.levels(base, method, larger=False) == trial.level for method in others]
    by_size = trial.levels(base, model.classification, larger=True) == trial.level
    return Stability(
        _spread_out(empty, valid, joint / runs),
        _spread_out(empty, valid, alone / runs),
        _spread_out(empty, valid, np.mean(by_class, axis=0) if by_class else np.ones(len(valid))),
        _spread_out(empty, valid, by_size),
        runs,
        seed,
        tuple(others),
    )


def _spread_out(empty: NDArray[np.float64], at: NDArray[np.intp], values: NDArray[np.generic]) -> NDArray[np.float64]:
    found = empty.copy()
    found[at] = values
    return found


class _Trial:
    """The units with data, ready for many draws of weights."""

    def __init__(self, raw: Arrays, model: ZoningModel, groups: NDArray[np.int64], level: NDArray[np.int8]) -> None:
        self.model = model
        self.level = level
        self._raw = raw
        _, self._group = np.unique(groups, return_inverse=True)
        self._sizes = np.bincount(self._group)
        self._top = np.max([evaluate(raw, model)[f"level_{h.id}"] for h in model.hazards], axis=0)
        ones = replace(model, hazards=tuple(replace(h, weight=1.0) for h in model.hazards))
        found = evaluate(raw, ones)
        if model.method != "sum":
            self._parts: NDArray[np.float64] | None = None
        else:
            names = [f"level_{h.id}" if model.score == "ordinal" else f"risk_{h.id}" for h in model.hazards]
            scale = LEVELS if model.score == "ordinal" else 1.0
            self._parts = np.asarray([found[name] / scale for name in names], dtype=np.float64)

    def index(self, factors: NDArray[np.float64]) -> NDArray[np.float64]:
        weights = np.array([h.weight for h in self.model.hazards]) * factors
        weights = weights / weights.sum()
        if self._parts is not None:
            return np.asarray(np.round(weights @ self._parts, 9), dtype=np.float64)
        hazards: Sequence[float] = weights.tolist()
        model = replace(
            self.model,
            hazards=tuple(replace(h, weight=w) for h, w in zip(self.model.hazards, hazards, strict=True)),
        )
        return np.asarray(evaluate(self._raw, model)["index"], dtype=np.float64)

    def is_possible(self, method: Classification) -> bool:
        """Whether a classification can be made of these units at all."""
        try:
            self._breaks(self.index(np.ones(len(self.model.hazards))), method)
        except InputError:
            return False
        return True

    def levels(self, index: NDArray[np.float64], method: Classification, *, larger: bool) -> NDArray[np.int8]:
        values = np.bincount(self._group, weights=index) / self._sizes if larger else index
        try:
            breaks = self._breaks(values, method)
        except InputError:  # too few larger units for five classes: the breaks of the units themselves
            breaks = self._breaks(index, method)
        levels = classify(values, breaks)
        levels = levels[self._group] if larger else levels
        if self.model.hot is not None:
            single, least = self.model.hot
            levels = np.where(self._top >= single, np.maximum(levels, least), levels)
        return levels.astype(np.int8)

    def _breaks(self, values: NDArray[np.float64], method: Classification) -> Breaks:
        if method == "natural_breaks":
            return natural_breaks(values, LEVELS)
        if method == "quantiles":
            return quantile_breaks(values, LEVELS)
        if method == "mean_sigma":
            return mean_sigma_breaks(values)
        assert self.model.breaks is not None
        return self.model.breaks
