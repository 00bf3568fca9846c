"""Comprehensive risk: from raw indicators to a composite level, by a model whose every number can be shown.

A `ZoningModel` holds all that is global (scales, weights, breaks); `evaluate` needs nothing but
the raw indicators of a unit and the model. So the same arithmetic serves one unit, a block of a
province, and whoever recomputes the exported table.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

import geo.zoning_kernel as kernel
from geo.classify import (
    Breaks,
    classify,
    mean_sigma_breaks,
    natural_breaks,
    natural_breaks_from_histogram,
    quantile_breaks,
)
from geo.errors import InputError
from geo.weights import EntropyResult, entropy_from_sums, entropy_sums

Arrays = Mapping[str, NDArray[Any]]
Block = Callable[[], Arrays]
Mapper = Callable[[Callable[[Block], Any], Sequence[Block]], Iterable[Any]]
Method = Literal["sum", "product", "geometric"]
Classification = Literal["natural_breaks", "quantiles", "mean_sigma", "fixed"]

LEVELS = 5
"""Levels of the composite: 1 low, 2 lower middle, 3 middle, 4 upper middle, 5 high; 0 no data."""

INDEX_DECIMALS = 9
"""Indices are rounded to this many decimals before they are classed: equal units get equal levels."""

RAW_DECIMALS = 6
"""Raw indicators are rounded to this many decimals, so that the exported table holds what was computed with."""

HISTOGRAM_BINS = 65_536
"""Bins of the unit interval where units are too many for their values to be kept."""

EXACT_UNITS = 4_000_000
"""Up to this many units breaks are found on the values themselves."""


@dataclass(frozen=True)
class Scale:
    """From a raw indicator to 0..1: linear between ascending knots, flat beyond the ends."""

    x: tuple[float, ...]
    y: tuple[float, ...]

    def __call__(self, raw: NDArray[Any]) -> NDArray[np.float64]:
        """The scaled values; NaN stays NaN."""
        return np.asarray(np.interp(rounded(raw), self.x, self.y), dtype=np.float64)


@dataclass(frozen=True)
class Term:
    """One indicator of a dimension: its column, its share of the dimension, how it is scaled.

    `method` is 'min_max' (range of this run), 'percentile' (rank in this run, ties share the mean
    rank, the least value is 0, the greatest 1), 'fixed' (the scale is given) or 'given' (it is 0..1 already);
    `cost` turns it round: more is less.
    """

    column: str
    weight: float
    method: Literal["min_max", "percentile", "fixed", "given"] = "min_max"
    cost: bool = False
    scale: Scale | None = None


@dataclass(frozen=True)
class HazardTerm:
    """One hazard: `column` holds its index 0..1; `weight` its share of the composite; `breaks` of its risk."""

    id: str
    column: str
    weight: float
    breaks: Breaks | None = None


@dataclass(frozen=True)
class ZoningModel:
    """Every number that turns raw indicators into a level.

    Single hazard: R = H^a E^b V^c (1 - k C). `score` says whether the composite adds up levels/5
    ('ordinal') or R itself ('cardinal'). `hot` is (single, least): where any hazard is at
    `single` the composite is at least `least`; None switches the rule off.
    """

    hazards: tuple[HazardTerm, ...]
    exposure: tuple[Term, ...]
    vulnerability: tuple[Term, ...] = ()
    capacity: tuple[Term, ...] = ()
    exponents: tuple[float, float, float] = (1.0, 1.0, 1.0)
    capacity_factor: float = 0.3
    method: Method = "sum"
    score: Literal["ordinal", "cardinal"] = "ordinal"
    hot: tuple[int, int] | None = (5, 4)
    classification: Classification = "natural_breaks"
    breaks: Breaks | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The raw columns that it needs."""
        terms = (*self.exposure, *self.vulnerability, *self.capacity)
        return tuple(dict.fromkeys([*(h.column for h in self.hazards), *(t.column for t in terms)]))


def rounded(raw: NDArray[Any]) -> NDArray[np.float64]:
    """Raw indicators as they count: rounded to `RAW_DECIMALS`.

    Parameters
    ----------
    raw : numbers of any shape

    Returns
    -------
    The same shape, float64

    Notes
    -----
    CRS: none.
    Cost: O(units).
    Invariant: rounding twice changes nothing.
    Source: none.
    """
    return np.asarray(np.round(np.asarray(raw, dtype=np.float64), RAW_DECIMALS), dtype=np.float64)


def evaluate(raw: Arrays, model: ZoningModel) -> dict[str, NDArray[Any]]:
    """From raw indicators to levels, unit by unit.

    Parameters
    ----------
    raw : column -> array, all of one shape, NaN where there is no data; a hazard's column is 0..1
    model : a fitted model (`fit`)

    Returns
    -------
    exposure, vulnerability, capacity : 0..1 (1 where a dimension has no indicators; capacity 0)
    risk_H, level_H : for each hazard its R 0..1 and level 0..5
    index : 0..1 composite; level_index : its class; level : after the rule of the top class;
    dominant : position of the hazard that contributes most (the first at equality), -1 without data

    Notes
    -----
    CRS: none.
    Cost: O(units x columns).
    Invariant: a unit's result depends on that unit and the model alone; a unit that lacks any column
    has level 0 and NaN, never a low level.
    Source: risk as hazard x exposure x vulnerability x (1 - k capacity), k and exponents from the parameter set.
    """
    found = _risks(raw, model)
    for hazard in model.hazards:
        found[f"level_{hazard.id}"] = _levels(found[f"risk_{hazard.id}"], hazard.breaks)
    parts = _contributions(found, raw, model)
    index = _index(parts, found, model)
    level_index = _levels(index, model.breaks)
    level = level_index
    if model.hot is not None:
        single, least = model.hot
        top = np.max([found[f"level_{h.id}"] for h in model.hazards], axis=0)
        level = np.where((top >= single) & (level_index > 0), np.maximum(level_index, least), level_index)
    with np.errstate(invalid="ignore"):
        dominant = np.where(np.isfinite(index), np.argmax(np.nan_to_num(parts, nan=-1.0), axis=0), -1)
    return {
        **found,
        "index": index,
        "level_index": level_index,
        "level": level.astype(np.int8),
        "dominant": dominant.astype(np.int8),
    }


def _dimension(raw: Arrays, terms: Sequence[Term], empty: float, shape: tuple[int, ...]) -> NDArray[np.float64]:
    if not terms:
        return np.full(shape, empty)
    total = np.zeros(shape)
    for term in terms:
        assert term.scale is not None, "the model is not fitted"
        scaled = term.scale(raw[term.column])
        total += term.weight * (1.0 - scaled if term.cost else scaled)
    return total


def _risks(raw: Arrays, model: ZoningModel) -> dict[str, NDArray[Any]]:
    shape = np.shape(raw[model.hazards[0].column])
    exposure = _dimension(raw, model.exposure, 1.0, shape)
    vulnerability = _dimension(raw, model.vulnerability, 1.0, shape)
    capacity = _dimension(raw, model.capacity, 0.0, shape)
    a, b, c = model.exponents
    rest = exposure**b * vulnerability**c * (1.0 - model.capacity_factor * capacity)
    found: dict[str, NDArray[Any]] = {"exposure": exposure, "vulnerability": vulnerability, "capacity": capacity}
    for hazard in model.hazards:
        index = rounded(raw[hazard.column])
        found[f"risk_{hazard.id}"] = np.round(index**a * rest, INDEX_DECIMALS)
    return found


def _levels(values: NDArray[Any], breaks: Breaks | None) -> NDArray[np.int8]:
    """Classes by breaks; without breaks (a hazard that is zero everywhere) the lowest level where there is data."""
    if breaks is None:
        lowest: NDArray[np.int8] = np.isfinite(values).astype(np.int8)
        return lowest
    found: NDArray[np.int8] = classify(values, breaks)
    return found


def _contributions(found: Arrays, raw: Arrays, model: ZoningModel) -> NDArray[np.float64]:
    """(hazards, ...) what each hazard adds to the composite."""
    parts = []
    for hazard in model.hazards:
        if model.method != "sum":
            part = rounded(raw[hazard.column])
        elif model.score == "ordinal":
            level = found[f"level_{hazard.id}"]
            part = np.where(level > 0, level / LEVELS, np.nan)
        else:
            part = found[f"risk_{hazard.id}"]
        parts.append(hazard.weight * part)
    return np.asarray(parts, dtype=np.float64)


def _index(parts: NDArray[np.float64], found: Arrays, model: ZoningModel) -> NDArray[np.float64]:
    total = parts.sum(axis=0)
    if model.method == "product":
        total = total * found["exposure"] * found["vulnerability"] * (1.0 - model.capacity_factor * found["capacity"])
    elif model.method == "geometric":
        dimensions = [total, found["exposure"], found["vulnerability"], 1.0 - found["capacity"]]
        used = [True, True, bool(model.vulnerability), bool(model.capacity)]
        kept = [dimension for dimension, use in zip(dimensions, used, strict=True) if use]
        total = np.prod(kept, axis=0) ** (1.0 / len(kept))
    return np.asarray(np.round(total, INDEX_DECIMALS), dtype=np.float64)


@dataclass(frozen=True)
class Notice:
    """What was noticed in fitting; `hazard` is '' for the composite.

    `kind` is 'nowhere' for a hazard that is 0 in every unit, 'empty' for classes that stay empty, 'coincide' for a
    hazard with too many equal values for quantiles, which has natural breaks instead.
    """

    kind: Literal["nowhere", "empty", "coincide"]
    hazard: str
    text: str


@dataclass(frozen=True)
class Fitted:
    """A fitted model, and what was noticed on the way; `units` counts those with data in every column."""

    model: ZoningModel
    units: int
    notices: tuple[Notice, ...]


def serial(function: Callable[[Block], Any], blocks: Sequence[Block]) -> Iterable[Any]:
    """Call `function` on every block, here and now.

    Parameters
    ----------
    function : what is done with each block
    blocks : the blocks

    Returns
    -------
    The results in order

    Notes
    -----
    CRS: none.
    Cost: one call a block.
    Invariant: the results of a cluster are these.
    Source: none.
    """
    return [function(block) for block in blocks]


def fit(blocks: Sequence[Block], model: ZoningModel, *, binned: bool = False, mapper: Mapper = serial) -> Fitted:
    """Find the scales and breaks of a model on the units at hand.

    Parameters
    ----------
    blocks : each a function that returns the raw columns of some units; read several times
    model : scales that are given and breaks that are frozen stay; the others are found
    binned : count values in `HISTOGRAM_BINS` bins of 0..1 instead of keeping them (more than `EXACT_UNITS` units);
        ranks are then known to within 3 of these bins
    mapper : runs a function over the blocks, here or on a cluster

    Returns
    -------
    The fitted model

    Raises
    ------
    InputError
        for an indicator without data or the same everywhere, a hazard index outside 0..1, weights that do
        not add up to 1, no unit with data, or fewer different values than classes

    Notes
    -----
    CRS: none.
    Cost: three passes over the blocks; memory of the values, or of the bins.
    Invariant: how the units are cut into blocks does not change the model (bit for bit where not binned).
    Source: none.
    """
    notices: list[Notice] = []
    _require_weights(model)
    model = _with_scales(blocks, model, mapper, binned=binned)
    summaries = list(mapper(_RiskValues(model, binned), blocks))
    units = sum(summary.units for summary in summaries)
    if units == 0:
        raise InputError("no unit has data in every indicator; look at the notices of the inputs")
    hazards = []
    for position, hazard in enumerate(model.hazards):
        if hazard.breaks is None:
            values = _merged([summary.columns[position] for summary in summaries])
            breaks, noticed = _hazard_breaks(hazard.id, values, model.classification)
            hazard = replace(hazard, breaks=breaks)
            notices += noticed
        hazards.append(hazard)
    model = replace(model, hazards=tuple(hazards))
    if model.breaks is None:
        values = _merged(list(mapper(_IndexValues(model, binned), blocks)))
        found = _found_breaks(values, model.classification)
        model = replace(model, breaks=found)
        if found.merged:
            notices.append(Notice("empty", "", f"composite: {found.merged}"))
    return Fitted(model, units, tuple(notices))


def _hazard_breaks(
    hazard: str, values: "_Spread", classification: Classification
) -> tuple[Breaks | None, list[Notice]]:
    """The breaks of one hazard, None where it is nowhere, with what has to be told."""
    try:
        found = _found_breaks(values, classification)
    except InputError as error:
        if values.is_constant and values.low == 0:
            text = f"hazard '{hazard}' is 0 in every unit: its level is 1 everywhere"
            return None, [Notice("nowhere", hazard, text)]
        if values.is_constant:
            raise InputError(
                f"hazard '{hazard}': its risk is {values.low:g} in every unit, which is no lower and no higher than "
                "elsewhere; leave it out, or give fixed classes"
            ) from None
        if classification != "quantiles":
            raise InputError(f"hazard '{hazard}': {error.detail}") from None
        try:
            found = _found_breaks(values, "natural_breaks")
        except InputError as again:
            raise InputError(f"hazard '{hazard}': {again.detail}") from None
        text = f"hazard '{hazard}': so many values are equal that quantiles coincide; it has natural breaks"
        return found, [Notice("coincide", hazard, text)]
    return found, [Notice("empty", hazard, f"hazard '{hazard}': {found.merged}")] if found.merged else []


def _require_weights(model: ZoningModel) -> None:
    groups = {
        "hazards": [h.weight for h in model.hazards],
        "exposure": [t.weight for t in model.exposure],
        "vulnerability": [t.weight for t in model.vulnerability],
        "capacity": [t.weight for t in model.capacity],
    }
    if not model.hazards:
        raise InputError("hazards: expected at least one")
    for name, weights in groups.items():
        if weights and abs(sum(weights) - 1.0) > 1e-9:
            raise InputError(f"weights of {name} add up to {sum(weights):.6f}: expected 1")


def _with_scales(blocks: Sequence[Block], model: ZoningModel, mapper: Mapper, *, binned: bool) -> ZoningModel:
    """The scales of this run: ranges by one pass, ranks from the values themselves or, binned, from thinned ones."""
    terms = (*model.exposure, *model.vulnerability, *model.capacity)
    open_ = tuple(dict.fromkeys(t.column for t in terms if t.scale is None and t.method != "given"))
    ranges = _ranges(list(mapper(_Ranges(open_), blocks))) if open_ else {}
    ranked = sorted({t.column for t in terms if t.scale is None and t.method == "percentile"})
    values = _ranked(blocks, tuple(ranked), mapper, binned=binned) if ranked else {}

    def scaled(term: Term) -> Term:
        if term.scale is not None:
            return term
        if term.method == "given":
            return replace(term, scale=Scale((0.0, 1.0), (0.0, 1.0)))
        low, high = ranges[term.column]
        if np.isnan(low):
            raise InputError(f"indicator '{term.column}' has no data; leave it out or import it")
        if low == high:
            raise InputError(
                f"indicator '{term.column}' is {low:g} in every unit: it tells no unit from another and cannot be "
                "scaled; leave it out, or give it a fixed range"
            )
        if term.method == "percentile":
            distinct, count = values[term.column]
            rank = np.cumsum(count) - count / 2.0
            rank = (rank - rank[0]) / (rank[-1] - rank[0])
            return replace(term, scale=Scale(tuple(distinct.tolist()), tuple(rank.tolist())))
        return replace(term, scale=Scale((low, high), (0.0, 1.0)))

    return replace(
        model,
        exposure=tuple(map(scaled, model.exposure)),
        vulnerability=tuple(map(scaled, model.vulnerability)),
        capacity=tuple(map(scaled, model.capacity)),
    )


_Counted = tuple[NDArray[np.float64], NDArray[np.int64]]  # distinct values in order, how often each is there


def _ranked(blocks: Sequence[Block], columns: tuple[str, ...], mapper: Mapper, *, binned: bool) -> dict[str, _Counted]:
    """The distinct values of some columns and their counts, added up block by block."""
    found: dict[str, list[_Counted]] = {name: [] for name in columns}
    for part in mapper(_Values(columns, binned), blocks):
        for name, counted in part.items():
            found[name].append(counted)
            if not binned and len(found[name]) == 16:  # equal values of many blocks are kept once
                found[name] = [_added(found[name])]
    added = {name: _added(parts) for name, parts in found.items()}
    return {name: thinned(*counted) if binned else counted for name, counted in added.items()}


def _added(parts: Sequence[_Counted]) -> _Counted:
    distinct, place = np.unique(np.concatenate([part[0] for part in parts]), return_inverse=True)
    count = np.zeros(len(distinct), dtype=np.int64)
    np.add.at(count, place, np.concatenate([part[1] for part in parts]))
    return distinct, count


def thinned(distinct: NDArray[np.float64], count: NDArray[np.int64]) -> _Counted:
    """Fewer values that stand for all, so that the ranks of millions stay small.

    Parameters
    ----------
    distinct : (n,) values in ascending order
    count : (n,) how often each is there

    Returns
    -------
    Some of the values, the least and the greatest among them, each with the count of those that it stands for: itself
    and what is below it down to the one before. A value that as many share as a bin holds stands for itself, and so do
    its neighbours; besides these there are at most `HISTOGRAM_BINS` + 1

    Notes
    -----
    CRS: none.
    Cost: O(n).
    Invariant: counts add up to the same; the share of units at or below any number changes by less than
        1 / `HISTOGRAM_BINS`.
    Source: none.
    """
    if len(distinct) <= HISTOGRAM_BINS:
        return distinct, count
    below = np.cumsum(count) - count
    part = below * HISTOGRAM_BINS // int(count.sum())
    last = np.append(part[1:] != part[:-1], True)
    last[0] = True
    heavy = np.flatnonzero(count * HISTOGRAM_BINS >= count.sum())
    last[heavy] = True
    last[np.maximum(heavy - 1, 0)] = True
    last[np.minimum(heavy + 1, len(last) - 1)] = True
    ends = np.flatnonzero(last)
    return distinct[ends], np.add.reduceat(count, np.append(0, ends[:-1] + 1))


@dataclass(frozen=True)
class _Spread:
    """The values of one column of one block: kept, or counted in bins of 0..1 with their sums."""

    values: NDArray[np.float64]
    counts: NDArray[np.int64]
    sums: NDArray[np.float64]
    low: float
    high: float

    @property
    def is_constant(self) -> bool:
        return self.low == self.high


def _spread(values: NDArray[np.float64]) -> _Spread:
    values = values[np.isfinite(values)].astype(np.float64).reshape(-1)
    low, high = (float(values.min()), float(values.max())) if len(values) else (np.nan, np.nan)
    return _Spread(values, np.empty(0, dtype=np.int64), np.empty(0), low, high)


def _merged(parts: Sequence[_Spread]) -> _Spread:
    binned = any(len(part.counts) for part in parts)
    lows = [part.low for part in parts if not np.isnan(part.low)]
    highs = [part.high for part in parts if not np.isnan(part.high)]
    return _Spread(
        np.concatenate([part.values for part in parts]),
        np.sum([part.counts for part in parts], axis=0) if binned else np.empty(0, dtype=np.int64),
        np.sum([part.sums for part in parts], axis=0) if binned else np.empty(0),
        min(lows, default=np.nan),
        max(highs, default=np.nan),
    )


def _found_breaks(spread: _Spread, method: Classification) -> Breaks:
    if method == "fixed":
        raise InputError("classes.lower: fixed classes need their lower bounds, or an earlier run to take them from")
    if len(spread.counts):
        if method != "natural_breaks":
            raise InputError(
                f"classes.method={method}: for more than {EXACT_UNITS} units there are natural_breaks and fixed"
            )
        edges = np.linspace(0.0, 1.0, HISTOGRAM_BINS + 1)
        return natural_breaks_from_histogram(spread.counts, edges, LEVELS, sums=spread.sums)
    return breaks_of(spread.values, method)


def breaks_of(values: NDArray[Any], method: Classification) -> Breaks:
    """The breaks of the five levels in values that are kept.

    Parameters
    ----------
    values : numbers of any shape; NaN = no data
    method : a classification other than 'fixed'

    Returns
    -------
    Breaks

    Raises
    ------
    InputError
        for values that cannot be classed so, and for 'fixed', whose bounds are given

    Notes
    -----
    CRS: none.
    Cost: O(n log n).
    Invariant: that of the classification.
    Source: `geo.classify`.
    """
    if method == "natural_breaks":
        return natural_breaks(values, LEVELS)
    if method == "quantiles":
        return quantile_breaks(values, LEVELS, ties="keep")
    if method == "mean_sigma":
        return mean_sigma_breaks(values)
    raise InputError("classes.lower: fixed classes need their lower bounds, or an earlier run to take them from")


# What runs on a block must pickle, for a cluster: small classes with a call.


@dataclass(frozen=True)
class _Ranges:
    columns: tuple[str, ...]

    def __call__(self, block: Block) -> dict[str, tuple[float, float]]:
        raw = block()
        found = {}
        _require_names(raw, self.columns)
        for name in self.columns:
            values = np.asarray(raw[name])
            if np.isinf(values).any():
                raise InputError(f"indicator '{name}' holds an infinite value; mark it as no data")
            empty = not np.isfinite(values).any()
            span = (np.nan, np.nan) if empty else (np.nanmin(values), np.nanmax(values))
            found[name] = (round(float(span[0]), RAW_DECIMALS), round(float(span[1]), RAW_DECIMALS))
        return found


def _require_columns(raw: Arrays, model: ZoningModel) -> None:
    """Every column there, none infinite, hazards within 0..1."""
    _require_names(raw, model.columns)
    for hazard in model.hazards:
        values = raw[hazard.column]
        with np.errstate(invalid="ignore"):
            out = (values < 0) | (values > 1)
        if out.any():
            low, high = float(np.nanmin(values)), float(np.nanmax(values))
            raise InputError(f"hazard '{hazard.id}' runs from {low:g} to {high:g}: expected an index of 0 to 1")


def _require_names(raw: Arrays, names: Sequence[str]) -> None:
    for name in names:
        if name not in raw:
            raise InputError(f"column '{name}' is not among the indicators: {', '.join(raw)}")


def _ranges(parts: Sequence[Mapping[str, tuple[float, float]]]) -> dict[str, tuple[float, float]]:
    found = {}
    for name in parts[0]:
        lows = [part[name][0] for part in parts if not np.isnan(part[name][0])]
        highs = [part[name][1] for part in parts if not np.isnan(part[name][1])]
        found[name] = (min(lows, default=np.nan), max(highs, default=np.nan))
    return found


@dataclass(frozen=True)
class _Values:
    columns: tuple[str, ...]
    binned: bool

    def __call__(self, block: Block) -> dict[str, _Counted]:
        raw = block()
        found = {}
        for name in self.columns:
            values = rounded(raw[name]).reshape(-1)
            counted = np.unique(values[~np.isnan(values)], return_counts=True)
            found[name] = thinned(*counted) if self.binned else counted
        return found


@dataclass(frozen=True)
class _Risks:
    units: int
    columns: tuple[_Spread, ...]


@dataclass(frozen=True)
class _RiskValues:
    model: ZoningModel
    binned: bool

    def __call__(self, block: Block) -> _Risks:
        raw = block()
        _require_columns(raw, self.model)
        if self.binned:
            return _binned_risks(raw, self.model)
        found = _risks(raw, self.model)
        complete = np.logical_and.reduce([np.isfinite(found[f"risk_{h.id}"]) for h in self.model.hazards])
        columns = tuple(_spread(found[f"risk_{h.id}"]) for h in self.model.hazards)
        return _Risks(int(complete.sum()), columns)


@dataclass(frozen=True)
class _IndexValues:
    model: ZoningModel
    binned: bool

    def __call__(self, block: Block) -> _Spread:
        raw = block()
        if self.binned:
            return _binned(_rated(raw, self.model, stage=1).index)
        found = _risks(raw, self.model)
        for hazard in self.model.hazards:
            found[f"level_{hazard.id}"] = _levels(found[f"risk_{hazard.id}"], hazard.breaks)
        return _spread(_index(_contributions(found, raw, self.model), found, self.model))


def hazard_levels(raw: Arrays, model: ZoningModel) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
    """The level of each hazard, and which of them contributes most, with few temporary arrays.

    Parameters
    ----------
    raw : column -> array, all of one shape, NaN where there is no data
    model : a fitted model

    Returns
    -------
    (hazards, ...) levels, and the position of the dominant hazard, -1 where no index can be had; as in `evaluate`

    Notes
    -----
    CRS: none.
    Cost: O(units x columns).
    Invariant: that of `evaluate`.
    Source: as `evaluate`.
    """
    found = _risks(raw, model)
    complete = np.logical_and.reduce([np.isfinite(found[f"risk_{h.id}"]) for h in model.hazards])
    for hazard in model.hazards:
        found[f"level_{hazard.id}"] = _levels(found[f"risk_{hazard.id}"], hazard.breaks)
    parts = np.nan_to_num(_contributions(found, raw, model), nan=-1.0)
    levels = np.asarray([found[f"level_{h.id}"] for h in model.hazards], dtype=np.int8)
    return levels, np.where(complete, np.argmax(parts, axis=0), -1).astype(np.int8)


def entropy_of_risks(blocks: Sequence[Block], model: ZoningModel, *, mapper: Mapper = serial) -> EntropyResult:
    """Weights of the hazards by the entropy of their risks, from sums over the blocks.

    Parameters
    ----------
    blocks : each a function that returns the raw columns of some units; read twice
    model : its scales fitted; breaks are not needed
    mapper : runs a function over the blocks, here or on a cluster

    Returns
    -------
    EntropyResult in the order of the hazards; units without data in some hazard count nowhere

    Raises
    ------
    InputError : fewer than two units with data, or every risk equal everywhere

    Notes
    -----
    CRS: none.
    Cost: two passes over the blocks.
    Invariant: how the units are cut into blocks changes the weights by rounding only (1e-12).
    Source: `geo.weights.entropy_weights`.
    """
    spans = list(mapper(_RiskSpans(model), blocks))
    low, high = np.min([span[1] for span in spans], axis=0), np.max([span[2] for span in spans], axis=0)
    sums = list(mapper(_RiskSums(model, tuple(low.tolist()), tuple(high.tolist())), blocks))
    first, second = (np.sum([part[k] for part in sums], axis=0) for k in (0, 1))
    units = sum(span[0] for span in spans)
    return entropy_from_sums(units, low, high, first, second, names=[h.id for h in model.hazards])


def _risk_table(raw: Arrays, model: ZoningModel) -> NDArray[np.float64]:
    """(units, hazards) the risks of the units with data in all."""
    found = _risks(raw, model)
    table = np.column_stack([found[f"risk_{h.id}"].reshape(-1) for h in model.hazards])
    return np.asarray(table[np.isfinite(table).all(axis=1)], dtype=np.float64)


@dataclass(frozen=True)
class _RiskSpans:
    model: ZoningModel

    def __call__(self, block: Block) -> tuple[int, NDArray[np.float64], NDArray[np.float64]]:
        table = _risk_table(block(), self.model)
        return len(table), table.min(axis=0, initial=np.inf), table.max(axis=0, initial=-np.inf)


@dataclass(frozen=True)
class _RiskSums:
    model: ZoningModel
    low: tuple[float, ...]
    high: tuple[float, ...]

    def __call__(self, block: Block) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return entropy_sums(_risk_table(block(), self.model), self.low, self.high)


def rated(raw: Arrays, model: ZoningModel) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """Index and level alone, by the compiled arithmetic.

    Parameters
    ----------
    raw : column -> array, all of one shape, NaN where there is no data
    model : a fitted model

    Returns
    -------
    index and level of that shape, as in `evaluate`

    Notes
    -----
    CRS: none.
    Cost: O(units x columns), no temporary arrays; the interpreter is free meanwhile.
    Invariant: bit for bit those of `evaluate`.
    Source: as `evaluate`.
    """
    found = _rated(raw, model, stage=2)
    shape = np.shape(raw[model.hazards[0].column])
    return found.index.reshape(shape), found.level.reshape(shape)


def _binned_risks(raw: Arrays, model: ZoningModel) -> _Risks:
    found = _rated(raw, model, stage=0)
    columns = [
        _Spread(np.empty(0), bins[:, 0].astype(np.int64), bins[:, 1].copy(), float(low), float(high))
        for bins, (low, high) in zip(found.risks, found.spans, strict=True)
    ]
    return _Risks(found.units, tuple(columns))


def _binned(values: NDArray[np.float64]) -> _Spread:
    found = np.zeros((HISTOGRAM_BINS, 2))
    low, high, _ = kernel.histogram(values, HISTOGRAM_BINS, found)
    return _Spread(np.empty(0), found[:, 0].astype(np.int64), found[:, 1].copy(), low, high)


@dataclass(frozen=True)
class _Rated:
    """What the compiled arithmetic wrote."""

    risks: NDArray[np.float64]
    spans: NDArray[np.float64]
    index: NDArray[np.float64]
    level: NDArray[np.uint8]
    units: int


def _rated(raw: Arrays, model: ZoningModel, *, stage: int) -> _Rated:
    """Bins of the risks (stage 0), index (1), level (2) by the compiled arithmetic."""
    hazards = kernel.stacked([raw[h.column] for h in model.hazards])
    n = hazards.shape[1]
    terms = (model.exposure, model.vulnerability, model.capacity)
    shape = (n,) if any(terms) else (1,)
    flat = {t.column: np.asarray(raw[t.column]).reshape(-1) for group in terms for t in group}
    dimensions = np.array([_dimension(flat, group, e, shape) for group, e in zip(terms, (1.0, 1.0, 0.0), strict=True)])
    lower = np.full((len(model.hazards) + 1, 8), np.inf)
    counts = np.zeros(len(model.hazards) + 1, dtype=np.int64)
    for k, breaks in enumerate([*(h.breaks for h in model.hazards), model.breaks]):
        if breaks is not None:
            counts[k] = len(breaks.lower)
            lower[k, : counts[k]] = breaks.lower
    risks = np.zeros((len(model.hazards), HISTOGRAM_BINS if stage == 0 else 1, 2))
    spans = np.full((len(model.hazards), 2), np.nan)
    index = np.empty(n if stage > 0 else 0)
    level = np.zeros(n if stage == 2 else 0, dtype=np.uint8)
    units = kernel.rate(
        hazards,
        dimensions,
        np.array([bool(model.vulnerability), bool(model.capacity)], dtype=np.int64),
        np.array(model.exponents, dtype=np.float64),
        np.array([model.capacity_factor, model.score == "ordinal", 10.0**INDEX_DECIMALS, 10.0**RAW_DECIMALS]),
        np.array([h.weight for h in model.hazards]),
        lower,
        counts,
        kernel.METHODS.index(model.method),
        np.array(model.hot or (0, 0), dtype=np.int64),
        risks,
        spans,
        index,
        level,
        stage,
    )
    return _Rated(risks, spans, index, level, int(units))
