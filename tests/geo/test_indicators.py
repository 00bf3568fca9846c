"""Indicators against loops and against numbers worked out by hand."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.errors import InputError
from geo.indicators import grade_mean_sigma, min_max, percentile_rank, topsis, vector_norm

NAN, INF = np.nan, np.inf

NUMBERS = st.lists(st.one_of(st.integers(-3, 3), st.floats(-1e6, 1e6)), min_size=1, max_size=30)

WEIGHTS = [0.33 * w for w in (0.37, 0.31, 0.32)] + [0.32 * w for w in (0.51, 0.49)] + [0.35 * w for w in (0.33, 0.33)]
WEIGHTS += [0.35 * 0.34]
"""The eight township indicators: first-level weight times second-level weight."""


# -- scales -----------------------------------------------------------------------------------------


def test_min_max() -> None:
    found = min_max([[2.0, NAN], [4.0, 3.0]])
    np.testing.assert_array_equal(found, [[0.0, NAN], [1.0, 0.5]])
    np.testing.assert_array_equal(min_max([2.0, NAN, 4.0, 3.5], cost=True), [1.0, NAN, 0.0, 0.25])
    assert min_max([0, 1, 4]).tolist() == [0.0, 0.25, 1.0]
    assert min_max([1e-320, 0.0]).tolist() == [1.0, 0.0]
    assert min_max([-1e100, 1e100, 0.0]).tolist() == [0.0, 1.0, 0.5]


def test_min_max_of_equal_values() -> None:
    for values in ([5.0], [5.0, 5.0, NAN]):
        with pytest.raises(InputError, match=r"all \d are 5, .* divide by 0; leave the indicator out"):
            min_max(values)
    np.testing.assert_array_equal(min_max([5.0, 5.0, NAN], equal="zero"), [0.0, 0.0, NAN])
    np.testing.assert_array_equal(min_max([5.0, 5.0], cost=True, equal="zero"), [0.0, 0.0])
    assert min_max([1.0, 2.0], equal="zero").tolist() == [0.0, 1.0]
    with pytest.raises(InputError, match="equal="):
        min_max([1.0, 2.0], equal="one")  # type: ignore[arg-type]


@given(NUMBERS, st.booleans())
def test_min_max_keeps_the_order_and_the_ends(values: list[float], cost: bool) -> None:
    if min(values) == max(values):
        return
    x, found = np.array(values, dtype=float), min_max(values, cost=cost)
    assert (found.min(), found.max()) == (0.0, 1.0)
    assert (np.diff(found[np.argsort(-x if cost else x, kind="stable")]) >= 0).all()


@given(NUMBERS)
def test_percentile_rank_is_the_share_below_and_half_the_equals(values: list[float]) -> None:
    n = len(values)
    by_hand = [(sum(y < x for y in values) + sum(y == x for y in values) / 2) / n for x in values]
    found = percentile_rank(values)
    np.testing.assert_allclose(found, by_hand, rtol=1e-12)
    assert found.mean() == pytest.approx(0.5)


def test_percentile_rank() -> None:
    assert percentile_rank([10, 20, 20, 40]).tolist() == [0.125, 0.5, 0.5, 0.875]
    np.testing.assert_array_equal(percentile_rank([[3.0, NAN], [1.0, 1.0]]), [[2.5 / 3, NAN], [1 / 3, 1 / 3]])
    assert percentile_rank([7.0]).tolist() == [0.5]
    assert percentile_rank([7.0] * 4).tolist() == [0.5] * 4


def test_vector_norm() -> None:
    assert vector_norm([3.0, 4.0]) == pytest.approx([0.6, 0.8])
    found = vector_norm([3e-200, NAN, -4e-200])
    assert found[[0, 2]] == pytest.approx([0.6, -0.8])
    assert math.isnan(found[1])
    assert vector_norm([3e99, 4e99]) == pytest.approx([0.6, 0.8])
    np.testing.assert_array_equal(vector_norm([0.0, NAN, 0.0]), [0.0, NAN, 0.0])


@pytest.mark.parametrize("scale", [min_max, percentile_rank, vector_norm, grade_mean_sigma])
def test_values_that_have_no_scale(scale: Any) -> None:
    for bad, said in (
        ([], "at least one"),
        ([NAN], "without data"),
        ([1.0, INF], "inf"),
        ([1.0, -INF, NAN], "-inf"),
        (["x"], "numbers"),
    ):
        with pytest.raises(InputError, match=said):
            scale(bad)


# -- TOPSIS -----------------------------------------------------------------------------------------


def literal_topsis(table: Any, weights: Any, cost: Any) -> list[float]:
    """The five steps with loops."""
    m, n = len(table), len(table[0])
    roots = [math.sqrt(sum(row[j] ** 2 for row in table)) for j in range(n)]
    v = [[weights[j] * table[i][j] / roots[j] for j in range(n)] for i in range(m)]
    found = []
    for i in range(m):
        best = worst = 0.0
        for j in range(n):
            column = [row[j] for row in v]
            high, low = (min(column), max(column)) if cost[j] else (max(column), min(column))
            best += (high - v[i][j]) ** 2
            worst += (low - v[i][j]) ** 2
        found.append(math.sqrt(worst) / (math.sqrt(worst) + math.sqrt(best)))
    return found


def test_topsis_against_the_five_steps() -> None:
    rng = np.random.default_rng(6)
    for m in (2, 3, 19):
        table = rng.gamma(2, 5, (m, 8))
        cost = rng.random(8) < 0.3
        found = topsis(table, WEIGHTS, cost)
        np.testing.assert_allclose(found.score, literal_topsis(table.tolist(), WEIGHTS, cost), rtol=1e-10)
        np.testing.assert_allclose(found.score, found.distance_worst / (found.distance_worst + found.distance_best))
        measured = topsis(table * rng.uniform(1e-3, 1e3, 8), WEIGHTS, cost)
        np.testing.assert_allclose(measured.score, found.score, rtol=1e-9)


def test_the_eight_weights_add_up() -> None:
    assert sum(WEIGHTS) == pytest.approx(1, abs=1e-12)


def test_topsis_by_hand() -> None:
    found = topsis([[3.0, 0.0], [4.0, 5.0]], [0.5, 0.5])
    assert found.score.tolist() == [0.0, 1.0]
    assert found.distance_best == pytest.approx([math.hypot(0.1, 0.5), 0.0])
    assert found.distance_worst == pytest.approx([0.0, math.hypot(0.1, 0.5)])
    split = topsis([[3.0, 4.0], [4.0, 3.0]], [0.5, 0.5])
    assert split.score == pytest.approx([0.5, 0.5])
    turned = topsis([[3.0, 4.0], [4.0, 3.0]], [0.5, 0.5], [False, True])
    assert turned.score.tolist() == [0.0, 1.0]
    middle = topsis([[0.0], [1.0], [4.0]], [1.0])
    assert middle.score == pytest.approx([0.0, 0.25, 1.0])


def test_units_alike_or_alone_are_neither_best_nor_worst() -> None:
    for table in ([[3.0, 5.0]], [[3.0, 5.0], [3.0, 5.0]], [[0.0, 0.0], [0.0, 0.0]]):
        found = topsis(table, [0.5, 0.5])
        assert found.score.tolist() == [0.5] * len(table)
        assert found.distance_best.tolist() == [0.0] * len(table)


def test_an_indicator_that_nobody_has_changes_nothing() -> None:
    found = topsis([[1.0, 0.0], [2.0, 0.0], [3.0, 0.0]], [0.5, 0.5])
    assert found.score == pytest.approx([0.0, 0.5, 1.0])


def test_a_unit_without_data_has_none_and_counts_for_nothing() -> None:
    table = np.random.default_rng(7).uniform(1, 9, (5, 2))
    found = topsis(np.vstack([[NAN, 1e6], table]), [0.6, 0.4])
    assert math.isnan(found.score[0])
    assert math.isnan(found.distance_best[0])
    assert math.isnan(found.distance_worst[0])
    assert found.score[1:].tolist() == topsis(table, [0.6, 0.4]).score.tolist()


@pytest.mark.parametrize(
    "table, weights, cost, said",
    [
        ([1.0, 2.0], [1.0], None, "units by indicators"),
        (np.ones((2, 0)), [1.0], None, "units by indicators"),
        (np.ones((0, 1)), [1.0], None, "none of the 0 units"),
        ([[1.0], [2.0]], [0.5, 0.5], None, "weights: 2 for 1"),
        ([[1.0, 2.0]], [0.5, 0.6], None, "sum is 1.1"),
        ([[1.0, 2.0]], [0.5, 0.5], [True], "cost: 1 for 2"),
        ([[1.0, INF]], [0.5, 0.5], None, "inf"),
        ([[1.0, NAN], [NAN, 1.0]], [0.5, 0.5], None, "none of the 2 units"),
    ],
)
def test_tables_without_a_score(table: Any, weights: Any, cost: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        topsis(table, weights, cost)


# -- grades -----------------------------------------------------------------------------------------


def test_grades_by_mean_and_sigma() -> None:
    scores = [0.4, 0.8, 0.8, NAN, 0.8, 0.8, 1.2, 0.8, 0.8, 0.8]  # mean 0.8, sample sigma 0.2
    found = grade_mean_sigma(scores)
    assert found.tolist() == [1, 3, 3, 0, 3, 3, 5, 3, 3, 3]
    assert found.dtype == np.int8
    assert grade_mean_sigma([0.0, 0.0, 0.0, 0.0, 1.0]).tolist() == [3, 3, 3, 3, 5]  # the short row of the table
    assert grade_mean_sigma([0.0, 0.0, 1.0, 1.0]).tolist() == [2, 2, 4, 4]


@pytest.mark.parametrize(
    "score, grade",
    [(1.0, 5), (0.8, 5), (0.7999, 4), (0.6, 4), (0.5999, 3), (0.4, 3), (0.3999, 2), (0.2, 2), (0.1999, 1), (0.0, 1)],
)
def test_a_region_alone(score: float, grade: int) -> None:
    assert grade_mean_sigma([score]).tolist() == [grade]
    assert grade_mean_sigma([NAN, score]).tolist() == [0, grade]


def test_scores_that_cannot_be_graded() -> None:
    with pytest.raises(InputError, match="sigma=0"):
        grade_mean_sigma([0.5, 0.5])
    for bad in ([-0.1], [-0.1, 0.5]):
        with pytest.raises(InputError, match=r"-0\.1"):
            grade_mean_sigma(bad)
