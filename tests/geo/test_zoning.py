"""The model of comprehensive risk: arithmetic unit by unit, fitting, no data, blocks, stability."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from geo.classify import fixed_breaks
from geo.errors import InputError
from geo.stability import stability
from geo.weights import entropy_weights
from geo.zoning import (
    HISTOGRAM_BINS,
    HazardTerm,
    Scale,
    Term,
    ZoningModel,
    entropy_of_risks,
    evaluate,
    fit,
    hazard_levels,
    rated,
    thinned,
)

Arrays = dict[str, NDArray[np.float64]]


def made(n: int, seed: int = 1) -> Arrays:
    rng = np.random.default_rng(seed)
    return {
        "flood": np.round(rng.random(n), 6),
        "wind": np.round(rng.beta(2, 5, n), 6),
        "persons": rng.integers(0, 5000, n).astype(np.float64),
        "elderly": np.round(rng.random(n), 6),
        "teams": np.round(rng.random(n) * 3600, 6),
    }


def model(**knobs: Any) -> ZoningModel:
    return ZoningModel(
        hazards=(HazardTerm("flood", "flood", 0.6), HazardTerm("wind", "wind", 0.4)),
        exposure=(Term("persons", 1.0, "percentile"),),
        vulnerability=(Term("elderly", 1.0),),
        capacity=(Term("teams", 1.0, "fixed", cost=True, scale=Scale((0.0, 3600.0), (0.0, 1.0))),),
        **knobs,
    )


def block(raw: Arrays, part: slice = slice(None)) -> Callable[[], Arrays]:
    return lambda: {name: values[part] for name, values in raw.items()}


def recomputed(raw: Arrays, fitted: ZoningModel, k: int) -> dict[str, Any]:
    """One unit by hand."""

    def line(scale: Scale, value: float) -> float:
        if value <= scale.x[0]:
            return scale.y[0]
        for (x0, x1), (y0, y1) in zip(
            zip(scale.x, scale.x[1:], strict=False), zip(scale.y, scale.y[1:], strict=False), strict=True
        ):
            if value <= x1:
                return y0 + (y1 - y0) * (value - x0) / (x1 - x0)
        return scale.y[-1]

    def dimension(terms: tuple[Term, ...]) -> float:
        total = 0.0
        for term in terms:
            assert term.scale is not None
            scaled = line(term.scale, raw[term.column][k])
            total += term.weight * (1 - scaled if term.cost else scaled)
        return total

    exposure, vulnerable, able = (dimension(t) for t in (fitted.exposure, fitted.vulnerability, fitted.capacity))
    risk, level = {}, {}
    for hazard in fitted.hazards:
        risk[hazard.id] = round(raw[hazard.column][k] * exposure * vulnerable * (1 - 0.3 * able), 9)
        assert hazard.breaks is not None
        level[hazard.id] = 1 + sum(risk[hazard.id] >= bound for bound in hazard.breaks.lower)
    parts = [h.weight * (level[h.id] / 5 if fitted.score == "ordinal" else risk[h.id]) for h in fitted.hazards]
    index = round(sum(parts), 9)
    assert fitted.breaks is not None
    found = 1 + sum(index >= bound for bound in fitted.breaks.lower)
    hot = max(found, 4) if max(level.values()) >= 5 and fitted.hot else found
    return {"index": index, "level_index": found, "level": hot, "dominant": int(np.argmax(parts)), **level}


@pytest.mark.parametrize("score", ["ordinal", "cardinal"])
def test_every_unit_is_what_the_formula_says(score: str) -> None:
    raw = made(400)
    fitted = fit([block(raw)], model(score=score)).model
    found = evaluate(raw, fitted)
    for k in range(400):
        by_hand = recomputed(raw, fitted, k)
        assert found["index"][k] == pytest.approx(by_hand["index"], abs=2e-9)
        assert found["level"][k] == by_hand["level"]
        assert found["level_index"][k] == by_hand["level_index"]
        assert found["level_flood"][k] == by_hand["flood"]
        assert found["dominant"][k] == by_hand["dominant"]


def test_a_top_class_of_one_hazard_lifts_the_composite_and_nothing_else_does() -> None:
    raw = made(2000)
    with_rule = fit([block(raw)], model()).model
    without = replace(with_rule, hot=None)
    a, b = evaluate(raw, with_rule), evaluate(raw, without)
    top = np.maximum(a["level_flood"], a["level_wind"]) >= 5
    assert (a["level"][top] >= 4).all()
    assert top.any()
    assert (a["level"][~top] == b["level"][~top]).all()
    assert (a["level"] >= b["level"]).all()
    assert (a["level"] > b["level"]).any()


def test_blocks_do_not_matter() -> None:
    raw = made(3000)
    whole = fit([block(raw)], model())
    parts = fit([block(raw, slice(0, 7)), block(raw, slice(7, 1500)), block(raw, slice(1500, None))], model())
    assert parts == whole
    assert whole.units == 3000


def test_bins_are_within_their_bound_of_the_exact_breaks() -> None:
    raw = made(20_000)
    exact = fit([block(raw)], model(score="cardinal")).model
    binned = fit(
        [block(raw, slice(0, 9000)), block(raw, slice(9000, None))], model(score="cardinal"), binned=True
    ).model
    assert exact.breaks is not None
    assert binned.breaks is not None
    assert binned.breaks.error_bound > 0 == exact.breaks.error_bound
    a, b = evaluate(raw, exact), evaluate(raw, binned)
    assert (a["level"] == b["level"]).mean() > 0.99


def test_no_data_is_no_level_and_never_low() -> None:
    raw = made(500)
    for k, name in enumerate(raw):
        raw[name][k] = np.nan
    found = evaluate(raw, fit([block(raw)], model()).model)
    assert (found["level"][:5] == 0).all()
    assert (found["dominant"][:5] == -1).all()
    assert np.isnan(found["index"][:5]).all()
    assert (found["level"][5:] >= 1).all()


def test_nobody_there_is_the_lowest_level_and_not_no_data() -> None:
    raw = made(500)
    raw["persons"][:250] = 0.0
    found = evaluate(raw, fit([block(raw)], replace(model(), exposure=(Term("persons", 1.0),), hot=None)).model)
    assert (found["level"][:250] == found["level"].min()).all()
    assert found["level"].min() == 1


@pytest.mark.parametrize("method", ["sum", "product", "geometric"])
def test_more_of_a_hazard_never_lowers_the_index(method: str) -> None:
    raw = made(300)
    fitted = fit([block(raw)], model(method=method, hot=None)).model
    before = evaluate(raw, fitted)["index"]
    more = {**raw, "flood": np.minimum(raw["flood"] + 0.1, 1.0)}
    assert (evaluate(more, fitted)["index"] >= before - 1e-9).all()


def test_frozen_breaks_stay() -> None:
    raw = made(300)
    first = fit([block(raw)], model()).model
    second = fit(
        [block(made(300, seed=2))], replace(model(), breaks=first.breaks, classification="fixed", hazards=first.hazards)
    )
    assert second.model.breaks == first.breaks
    assert second.model.hazards == first.hazards


def test_a_hazard_that_is_nowhere_is_told_and_stays_low() -> None:
    raw = {**made(100), "wind": np.zeros(100)}
    fitted = fit([block(raw)], model())
    assert [(notice.kind, notice.hazard) for notice in fitted.notices] == [("nowhere", "wind")]
    assert (evaluate(raw, fitted.model)["level_wind"] == 1).all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"elderly": np.full(50, 0.3)}, "elderly"),
        ({"elderly": np.full(50, np.nan)}, "no data"),
        ({"flood": np.full(50, 1.5)}, "flood"),
        ({"persons": np.r_[np.inf, np.ones(49)]}, "infinite"),
    ],
)
def test_bad_columns_are_named(change: Arrays, words: str) -> None:
    with pytest.raises(InputError, match=words):
        fit([block({**made(50), **change})], model())


def test_weights_that_do_not_add_up_are_refused() -> None:
    bad = replace(model(), hazards=(HazardTerm("flood", "flood", 0.6), HazardTerm("wind", "wind", 0.5)))
    with pytest.raises(InputError, match=r"1\.1"):
        fit([block(made(50))], bad)


def test_one_unit_cannot_be_classed_but_can_with_fixed_bounds() -> None:
    raw = made(1)
    with pytest.raises(InputError):
        fit([block(raw)], model())
    bounds = fixed_breaks([0.2, 0.4, 0.6, 0.8])
    hazards = tuple(replace(h, breaks=bounds) for h in model().hazards)
    given = replace(
        model(),
        hazards=hazards,
        breaks=bounds,
        exposure=(Term("persons", 1.0, "fixed", scale=Scale((0.0, 5000.0), (0.0, 1.0))),),
        vulnerability=(),
    )
    assert fit([block(raw)], given).units == 1


def groups(n: int) -> NDArray[np.int64]:
    return np.arange(n, dtype=np.int64) // 4


def test_nothing_changed_keeps_every_level() -> None:
    raw = made(400)
    fitted = fit([block(raw)], model()).model
    found = stability(raw, fitted, groups(400), seed=3, runs=20, spread_share=0.0)
    assert (found.weights == 1.0).all()
    alone = stability(raw, fitted, np.arange(400), seed=3, runs=20, spread_share=0.0)
    assert (alone.size == 1.0).all()


def test_joint_trials_are_runs_at_other_weights_classification_and_size() -> None:
    """Every trial drawn again, and the scheme fitted from scratch for it on the units or on their groups."""
    raw = made(400)
    base = model()
    fitted = fit([block(raw)], base).model
    own = evaluate(raw, fitted)["level"]
    group = groups(400)
    merged = {name: np.array([values[group == g].mean() for g in range(100)]) for name, values in raw.items()}
    others: list[Any] = ["quantiles", "mean_sigma"]

    def levels(weights: NDArray[np.float64], method: Any, larger: bool) -> NDArray[np.int8]:
        hazards = tuple(replace(h, weight=float(w)) for h, w in zip(base.hazards, weights, strict=True))
        at = merged if larger else raw
        again = fit([block(at)], replace(base, hazards=hazards, classification=method)).model
        found: NDArray[np.int8] = evaluate(at, again)["level"]
        return found[group] if larger else found

    rng = np.random.default_rng(11)
    factors = rng.uniform(0.9, 1.1, size=(30, 2))
    other, choice, larger = rng.integers(0, 2, size=30), rng.integers(0, 2, size=30), rng.integers(0, 2, size=30)
    kept = np.zeros(400)
    for k in range(30):
        weights = np.array([0.6, 0.4]) * factors[k]
        method = others[choice[k]] if other[k] else "natural_breaks"
        kept += levels(weights / weights.sum(), method, bool(larger[k])) == own
    found = stability(raw, fitted, group, seed=11, runs=30)
    np.testing.assert_allclose(found.share, kept / 30)
    even = np.array([0.6, 0.4])
    np.testing.assert_allclose(found.size, levels(even, "natural_breaks", True) == own)
    by_class = [levels(even, method, False) == own for method in others]
    np.testing.assert_allclose(found.classification, np.mean(by_class, axis=0))


def test_frozen_classes_are_tried_too() -> None:
    raw = made(400)
    fitted = fit([block(raw)], model()).model
    found = stability(raw, replace(fitted, classification="fixed"), groups(400), seed=3, runs=20)
    assert found.tried == ("natural_breaks", "quantiles", "mean_sigma")
    assert 0.5 < found.weights.mean() <= 1.0
    merged = {name: values.reshape(-1, 4).mean(axis=1) for name, values in raw.items()}
    np.testing.assert_array_equal(
        found.size == 1.0, np.repeat(evaluate(merged, fitted)["level"], 4) == evaluate(raw, fitted)["level"]
    )


@pytest.mark.parametrize("method", ["natural_breaks", "quantiles", "mean_sigma"])
def test_a_hazard_of_one_risk_above_zero_is_refused_and_not_called_low(method: Any) -> None:
    raw = {name: np.full(60, 0.5) for name in ("persons", "elderly", "capacity", "wind")}
    raw = {**made(60), **raw, "flood": np.linspace(0, 1, 60)}
    given = Scale((0.0, 1.0), (0.0, 1.0))
    bad = replace(
        model(),
        classification=method,
        exposure=(Term("persons", 1.0, "fixed", scale=given),),
        vulnerability=(),
        capacity=(),
    )
    with pytest.raises(InputError, match=r"hazard 'wind': its risk is 0\.25 in every unit.*leave it out"):
        fit([block(raw)], bad)


def test_quantiles_keep_the_numbers_of_the_levels() -> None:
    raw = made(500)
    raw["flood"][:300] = 0.0
    raw["wind"][:490] = 0.0
    fitted = fit([block(raw)], replace(model(), classification="quantiles"))
    level = evaluate(raw, fitted.model)["level_flood"]
    assert (level[:300] == 1).all()
    there = evaluate(raw, fitted.model)["risk_flood"] > 0
    assert set(level[there].tolist()) == {4, 5}, "the upper two fifths"
    assert ("empty", "flood") in [(notice.kind, notice.hazard) for notice in fitted.notices]
    assert ("coincide", "wind") in [(notice.kind, notice.hazard) for notice in fitted.notices]
    assert (evaluate(raw, fitted.model)["level_wind"][:490] == 1).all()


def test_stability_is_seeded_within_bounds_and_counts_what_it_says() -> None:
    raw = made(600)
    raw["flood"][0] = np.nan
    fitted = fit([block(raw)], model()).model
    one = stability(raw, fitted, groups(600), seed=5, runs=40)
    two = stability(raw, fitted, groups(600), seed=5, runs=40)
    assert np.array_equal(one.share, two.share, equal_nan=True)
    assert np.isnan(one.share[0])
    assert np.isfinite(one.share[1:]).all()
    assert ((one.share[1:] >= 0) & (one.share[1:] <= 1)).all()
    assert set(one.tried) == {"quantiles", "mean_sigma"}
    # The draws of weights alone, done again the long way.
    factors = np.random.default_rng(5).uniform(0.9, 1.1, size=(40, 2))
    kept = np.zeros(600)
    own = evaluate(raw, fitted)["level"]
    for row in factors:
        weights = np.array([0.6, 0.4]) * row
        weights /= weights.sum()
        hazards = tuple(replace(h, weight=float(w)) for h, w in zip(fitted.hazards, weights, strict=True))
        again = fit([block(raw)], replace(fitted, hazards=hazards, breaks=None)).model
        kept += evaluate(raw, again)["level"] == own
    np.testing.assert_allclose(one.weights[1:], kept[1:] / 40)


@pytest.mark.parametrize(("runs", "spread"), [(0, 0.1), (10, 1.0), (10, -0.1)])
def test_bad_trials_are_refused(runs: int, spread: float) -> None:
    raw = made(50)
    with pytest.raises(InputError):
        stability(raw, fit([block(raw)], model()).model, groups(50), seed=1, runs=runs, spread_share=spread)


@pytest.mark.parametrize("method", ["sum", "product", "geometric"])
@pytest.mark.parametrize("score", ["ordinal", "cardinal"])
@pytest.mark.parametrize("exponents", [(1.0, 1.0, 1.0), (1.0, 0.5, 2.0)])
def test_the_compiled_arithmetic_is_the_same(method: str, score: str, exponents: tuple[float, float, float]) -> None:
    raw = made(3000)
    for k, name in enumerate(raw):
        raw[name][k] = np.nan
    fitted = fit([block(raw)], model(method=method, score=score, exponents=exponents)).model
    index, level = rated(raw, fitted)
    found = evaluate(raw, fitted)
    np.testing.assert_array_equal(index, found["index"])
    np.testing.assert_array_equal(level, found["level"])
    cold = replace(fitted, hot=None)
    np.testing.assert_array_equal(rated(raw, cold)[1], evaluate(raw, cold)["level"])
    bare = replace(fitted, exposure=(), vulnerability=(), capacity=())
    np.testing.assert_array_equal(rated(raw, bare)[0], evaluate(raw, bare)["index"])


@pytest.mark.parametrize("method", ["sum", "product", "geometric"])
def test_levels_and_dominant_hazard_alone_are_those_of_the_whole_evaluation(method: Any) -> None:
    raw = made(500)
    raw["wind"][:7] = np.nan
    found = fit([block(raw)], model(method=method)).model
    whole = evaluate(raw, found)
    levels, dominant = hazard_levels(raw, found)
    for k, hazard in enumerate(found.hazards):
        np.testing.assert_array_equal(levels[k], whole[f"level_{hazard.id}"])
    np.testing.assert_array_equal(dominant, whole["dominant"])


def test_entropy_by_blocks_is_that_of_the_table() -> None:
    raw = made(900, seed=5)
    raw["flood"][3] = np.nan
    found = fit([block(raw)], model()).model
    risks = evaluate(raw, found)
    table = np.column_stack([risks["risk_flood"], risks["risk_wind"]])
    whole = entropy_weights(table[np.isfinite(table).all(axis=1)])
    parts = [block(raw, part) for part in (slice(0, 3), slice(3, 4), slice(4, 400), slice(400, None))]
    np.testing.assert_allclose(entropy_of_risks(parts, found).weights, whole.weights, rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", ["all different", "many equal"])
def test_thinned_values_keep_their_counts_and_ranks(kind: str) -> None:
    rng = np.random.default_rng(8)
    values = rng.lognormal(0.0, 3.0, 400_000)
    if kind == "many equal":
        values[rng.random(len(values)) < 0.7] = 0.0
    distinct, count = np.unique(values, return_counts=True)
    few, weight = thinned(distinct, count)
    assert len(few) <= HISTOGRAM_BINS + 4
    assert weight.sum() == len(values)
    assert (few[0], few[-1]) == (distinct[0], distinct[-1])
    below = np.searchsorted(few, distinct, side="right")
    share = np.append(0, np.cumsum(weight))[below] / len(values)
    assert np.abs(share - np.cumsum(count) / len(values)).max() < 1 / HISTOGRAM_BINS


def test_ranks_of_millions_are_within_three_bins() -> None:
    rng = np.random.default_rng(9)
    raw = made(300_000)
    raw["persons"] = np.where(rng.random(300_000) < 0.5, 0.0, np.round(rng.lognormal(0.0, 3.0, 300_000), 6))
    parts = [block(raw, slice(first, first + 100_000)) for first in range(0, 300_000, 100_000)]
    exact, binned = (fit(parts, model(), binned=binned).model.exposure[0].scale for binned in (False, True))
    assert exact is not None
    assert binned is not None
    assert len(binned.x) <= HISTOGRAM_BINS + 4 < len(exact.x)
    assert np.abs(exact(raw["persons"]) - binned(raw["persons"])).max() <= 3 / HISTOGRAM_BINS
