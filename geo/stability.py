"""How firmly a unit holds its level: under other weights, another classification, another unit size."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from geo.classify import classify
from geo.errors import InputError
from geo.zoning import INDEX_DECIMALS, LEVELS, Arrays, Classification, Term, ZoningModel, breaks_of, evaluate, fit

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
    half. Another classification classes the single hazards and the composite; the larger unit has the mean of each
    raw column over its units and is scaled and classed among its like, as if the scheme were run at that size.
    Frozen classes and scales stay frozen at either size.
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
    trial = _Trial(sub, model, groups[valid])
    level = own["level"][valid]
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
            levels = trial.levels(factors[k], model.classification, larger=False)
            kept[1] += levels == level
            if other[k] or larger[k]:
                method = others[choice[k]] if other[k] else model.classification
                levels = trial.levels(factors[k], method, larger=bool(larger[k]))
            kept[0] += levels == level
        return kept

    # Counts are whole numbers: how the trials fall on the threads does not change their sum.
    with ThreadPoolExecutor(_THREADS) as pool:
        joint, alone = np.sum(list(pool.map(counted, [range(k, runs, _THREADS) for k in range(_THREADS)])), axis=0)
    even = np.ones(len(model.hazards))
    by_class = [trial.levels(even, method, larger=False) == level for method in others]
    by_size = trial.levels(even, model.classification, larger=True) == level
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


@dataclass(frozen=True)
class _Fitted:
    """Units of one size under one classification: all that does not depend on the weights of the hazards."""

    raw: Arrays
    model: ZoningModel
    parts: NDArray[np.float64] | None
    top: NDArray[np.int8]


class _Trial:
    """The units with data, ready for many draws of weights."""

    def __init__(self, raw: Arrays, model: ZoningModel, groups: NDArray[np.int64]) -> None:
        self.model = model
        _, self._group = np.unique(groups, return_inverse=True)
        sizes = np.bincount(self._group)
        merged = {name: np.bincount(self._group, weights=values) / sizes for name, values in raw.items()}
        self._raw = {False: raw, True: merged}
        self._kept: dict[tuple[Classification, bool], _Fitted] = {}

    def is_possible(self, method: Classification) -> bool:
        """Whether a classification can be made of these units at all."""
        try:
            self.levels(np.ones(len(self.model.hazards)), method, larger=False)
        except InputError:
            return False
        return True

    def levels(self, factors: NDArray[np.float64], method: Classification, *, larger: bool) -> NDArray[np.int8]:
        """Levels at weights times factors, under a classification, the units rated at their own or twice their size."""
        at = self._fitted(method, larger=larger)
        weights = np.array([h.weight for h in self.model.hazards]) * factors
        weights = weights / weights.sum()
        if at.parts is not None:
            index = np.round(weights @ at.parts, INDEX_DECIMALS)
        else:
            hazards = tuple(replace(h, weight=float(w)) for h, w in zip(at.model.hazards, weights, strict=True))
            index = evaluate(at.raw, replace(at.model, hazards=hazards))["index"]
        if method == "fixed":
            assert self.model.breaks is not None
            breaks = self.model.breaks
        else:
            try:
                breaks = breaks_of(index, method)
            except InputError:  # too few larger units for five classes: those of the fitted model
                if at.model.breaks is None:
                    raise
                breaks = at.model.breaks
        levels = classify(index, breaks)
        if self.model.hot is not None:
            single, least = self.model.hot
            levels = np.where(at.top >= single, np.maximum(levels, least), levels)
        levels = levels[self._group] if larger else levels
        return levels.astype(np.int8)

    def _fitted(self, method: Classification, *, larger: bool) -> _Fitted:
        key = (method, larger)
        if key not in self._kept:
            raw = self._raw[larger]
            model = self._model(method, larger=larger)
            found = evaluate(raw, model)
            parts = None
            if model.method == "sum":
                names = [f"level_{h.id}" if model.score == "ordinal" else f"risk_{h.id}" for h in model.hazards]
                scale = LEVELS if model.score == "ordinal" else 1.0
                parts = np.asarray([found[name] / scale for name in names], dtype=np.float64)
            top = np.max([found[f"level_{h.id}"] for h in model.hazards], axis=0)
            self._kept[key] = _Fitted(raw, model, parts, top)
        return self._kept[key]

    def _model(self, method: Classification, *, larger: bool) -> ZoningModel:
        """The model under another classification, its scales found anew for larger units unless all is frozen."""
        model = replace(self.model, classification=method)
        if method == self.model.classification and (method == "fixed" or not larger):
            return model
        model = replace(model, hazards=tuple(replace(h, breaks=None) for h in model.hazards), breaks=None)
        if larger and self.model.classification != "fixed":
            model = replace(
                model,
                exposure=tuple(map(_unscaled, model.exposure)),
                vulnerability=tuple(map(_unscaled, model.vulnerability)),
                capacity=tuple(map(_unscaled, model.capacity)),
            )
        raw = self._raw[larger]
        try:
            return fit([lambda: raw], model).model
        except InputError:
            if not larger:
                raise
            return self._fitted(method, larger=False).model  # too few larger units: the scales and classes of the units


def _unscaled(term: Term) -> Term:
    return replace(term, scale=None) if term.method in ("min_max", "percentile") else term
