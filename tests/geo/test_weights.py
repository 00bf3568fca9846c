"""Weights against vectors worked out apart, all replacements tried, and every bound."""

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.errors import InputError
from geo.weights import RANDOM_INDEX, ahp, combined_weights, entropy_weights, given_weights

NAN, INF = np.nan, np.inf

HAZARDS = [
    [1, 1, 2, 2, 3, 7],
    [1, 1, 2, 2, 3, 7],
    [1 / 2, 1 / 2, 1, 1, 2, 5],
    [1 / 2, 1 / 2, 1, 1, 2, 5],
    [1 / 3, 1 / 3, 1 / 2, 1 / 2, 1, 3],
    [1 / 7, 1 / 7, 1 / 5, 1 / 5, 1 / 3, 1],
]


def random_judgements(rng: np.random.Generator, n: int, noise: float) -> np.ndarray[Any, Any]:
    w = rng.uniform(1, 6, n)
    a = np.outer(w, 1 / w)
    for i, j in itertools.combinations(range(n), 2):
        a[i, j] *= math.exp(rng.normal(0, noise))
        a[j, i] = 1 / a[i, j]
    return a


def power(a: Any) -> tuple[np.ndarray[Any, Any], float]:
    """Principal eigenvector by repeated multiplication."""
    w = np.ones(len(a)) / len(a)
    for _ in range(2000):
        w = a @ w
        w = w / w.sum()
    return w, float(np.mean(a @ w / w))


# -- AHP --------------------------------------------------------------------------------------------


def test_the_six_hazards() -> None:
    found = ahp(HAZARDS)
    assert found.weights.round(3).tolist() == [0.282, 0.282, 0.157, 0.157, 0.089, 0.034]
    assert (round(found.lambda_max, 4), round(found.ci, 4), round(found.cr, 4)) == (6.0287, 0.0057, 0.0046)
    assert found.weights.sum() == pytest.approx(1, abs=1e-15)
    by_rows = np.prod(np.array(HAZARDS), axis=1) ** (1 / 6)
    assert (by_rows / by_rows.sum()).round(3).tolist() == found.weights.round(3).tolist()


@pytest.mark.parametrize("n", range(1, 11))
def test_consistent_judgements_give_their_weights_back(n: int) -> None:
    w = np.arange(1.0, n + 1) / np.arange(1.0, n + 1).sum()
    found = ahp(np.outer(w, 1 / w))
    np.testing.assert_allclose(found.weights, w, rtol=1e-10)
    assert found.cr == pytest.approx(0, abs=1e-12)
    assert found.worst_given == pytest.approx(found.worst_consistent)


def test_one_and_two_are_always_consistent() -> None:
    one = ahp([[1]])
    assert (one.weights.tolist(), one.cr, one.worst) == ([1.0], 0.0, (0, 0))
    two = ahp([[1, 9], [1 / 9, 1]])
    assert two.weights == pytest.approx([0.9, 0.1])
    assert (two.ci, two.cr, two.worst) == (0.0, 0.0, (0, 1))


def test_eigenvector_and_worst_judgement_against_trying_all() -> None:
    rng = np.random.default_rng(11)
    for n in (3, 4, 5, 7, 10):
        for _ in range(4):
            a = random_judgements(rng, n, 0.25)
            found = ahp(a)
            w, largest = power(a)
            np.testing.assert_allclose(found.weights, w, rtol=1e-9)
            assert found.cr == pytest.approx((largest - n) / (n - 1) / RANDOM_INDEX[n - 1], abs=1e-12)
            left = {}
            for i, j in itertools.combinations(range(n), 2):
                tried = a.copy()
                tried[i, j], tried[j, i] = w[i] / w[j], w[j] / w[i]
                left[i, j] = power(tried)[1]
            assert left[found.worst] == pytest.approx(min(left.values()), abs=1e-10)
            assert found.worst_given == a[found.worst]
            assert found.worst_consistent == pytest.approx(w[found.worst[0]] / w[found.worst[1]])


def test_inconsistent_judgements_are_refused_and_the_worst_is_named() -> None:
    w = np.array([4.0, 3, 2, 1, 1])
    a = np.outer(w, 1 / w)
    a[1, 3], a[3, 1] = 1 / 9, 9.0  # 3 would be consistent
    with pytest.raises(InputError, match=r"CR=\d\.\d{4}: .* below 0\.10; .* wind over quake: given 0\.1111, .* imply"):
        ahp(a, ["flood", "wind", "surge", "quake", "slide"])
    with pytest.raises(InputError, match="judgement is 2 over 4"):
        ahp(a)


def test_the_limit_itself_is_refused() -> None:
    cr = ahp(HAZARDS).cr
    with pytest.raises(InputError, match="CR="):
        ahp(HAZARDS, cr_limit=cr)
    assert ahp(HAZARDS, cr_limit=math.nextafter(cr, 1)).cr == cr
    with pytest.raises(InputError, match="cr_limit"):
        ahp(HAZARDS, cr_limit=0.0)


def test_other_random_indices_give_another_ratio() -> None:
    found = ahp(HAZARDS, random_index=(0, 0, 0.5, 0.5, 0.5, 0.62))
    assert found.cr == pytest.approx(ahp(HAZARDS).cr * 2)
    with pytest.raises(InputError, match="6 indicators; expected 1 to 5"):
        ahp(HAZARDS, random_index=(0, 0, 0.5, 0.5, 0.5))
    with pytest.raises(InputError, match="random_index"):
        ahp(HAZARDS, random_index=(0, 0, 0.5, 0.5, 0.5, 0))


@pytest.mark.parametrize(
    "matrix, said",
    [
        ([], "square"),
        ([1, 2], "square"),
        ([[1, 2]], "square"),
        ([[1, "a"], [1, 1]], "numbers"),
        (np.ones((0, 0)), "0 indicators"),
        (np.ones((11, 11)), "11 indicators; expected 1 to 10"),
        ([[1, 0], [1, 1]], "0 in row 1, column 2"),
        ([[1, -2], [-0.5, 1]], "-2 in row 1, column 2"),
        ([[1, NAN], [1, 1]], "nan in row 1"),
        ([[1, INF], [1, 1]], "inf in row 1"),
        ([[1, 3], [0.333, 1]], "row 1, column 2 is 3 and row 2, column 1 is 0.333"),
        ([[2, 1], [1, 1]], "row 1, column 1 is 2"),
        ([[1, 1], [1 + 1.1e-6, 1]], "1 divided by the other"),
    ],
)
def test_matrices_that_are_none(matrix: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        ahp(matrix)


def test_reciprocal_within_a_millionth() -> None:
    for off in (1e-6, -1e-6):  # bound included
        assert ahp([[1, 1], [1 + off, 1]]).cr == 0
    with pytest.raises(InputError, match="names: 1 for 2"):
        ahp([[1, 1], [1, 1]], ["a"])


# -- entropy ----------------------------------------------------------------------------------------


def literal_entropy(z: Any) -> list[float]:
    """The formula with loops."""
    m, n = len(z), len(z[0])
    spread = []
    for j in range(n):
        column = [row[j] for row in z]
        low, high = min(column), max(column)
        shifted = [0.001 + 0.999 * (x - low) / (high - low) for x in column]
        e = -sum(x / sum(shifted) * math.log(x / sum(shifted)) for x in shifted) / math.log(m)
        spread.append(1 - e)
    return [s / sum(spread) for s in spread]


def test_entropy_against_the_formula() -> None:
    z = np.random.default_rng(2).uniform(0, 1, (30, 4)) ** [1, 2, 5, 0.3]
    found = entropy_weights(z)
    np.testing.assert_allclose(found.weights, literal_entropy(z.tolist()), rtol=1e-10)
    assert found.weights.sum() == pytest.approx(1)
    assert found.notices == ()
    assert found.weights.argmax() == 2  # the most uneven one
    np.testing.assert_allclose(entropy_weights(z[::-1] * [1, 1e-6, 1e6, 3] + 7).weights, found.weights, rtol=1e-6)


def test_entropy_by_hand() -> None:
    found = entropy_weights([[0.0, 1.0], [1.0, 0.0]])
    assert found.weights.tolist() == [0.5, 0.5]
    p = 0.001 / 1.001
    assert found.entropy[0] == pytest.approx(-(p * math.log(p) + (1 - p) * math.log(1 - p)) / math.log(2))


def test_an_equal_indicator_has_no_weight_and_is_told() -> None:
    found = entropy_weights([[1.0, 5], [2.0, 5], [4.0, 5]], ["pumps", "staff"])
    assert found.weights.tolist() == [1.0, 0.0]
    assert found.entropy[1] == 1
    assert found.notices == ("staff is 5 in all units: weight 0",)


def test_units_without_data_are_left_out_and_told() -> None:
    z = np.random.default_rng(5).uniform(0, 1, (6, 2))
    found = entropy_weights(np.vstack([z, [NAN, 99.0]]))
    assert found.weights.tolist() == entropy_weights(z).weights.tolist()
    assert found.notices == ("1 units without data in some indicator are left out",)


@pytest.mark.parametrize(
    "z, said",
    [
        ([1.0, 2.0], "table"),
        (np.ones((3, 0)), "table"),
        (np.ones((0, 2)), "0 units"),
        ([[1.0, 2.0]], "1 units"),
        ([[1.0, 2.0], [NAN, 1.0]], "1 units"),
        ([[1.0, 2.0], [1.0, 2.0]], "every indicator is equal"),
        ([[1.0, INF], [2.0, 2.0]], "finite"),
        ([[1.0, -2e100], [2.0, 2.0]], "finite"),
    ],
)
def test_tables_that_entropy_cannot_weigh(z: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        entropy_weights(z)


def test_entropy_of_huge_and_tiny_numbers() -> None:
    assert entropy_weights([[-1e100, 5e-324], [1e100, 0.0]]).weights == pytest.approx([0.5, 0.5])


# -- combined and given -----------------------------------------------------------------------------


def test_combined() -> None:
    a, b = [0.5, 0.3, 0.2], [0.2, 0.2, 0.6]
    assert combined_weights(a, b) == pytest.approx([0.10 / 0.28, 0.06 / 0.28, 0.12 / 0.28])
    assert combined_weights(a, b, method="linear") == pytest.approx([0.35, 0.25, 0.4])
    assert combined_weights(a, b, method="linear", alpha=1) == pytest.approx(a)  # bounds included
    assert combined_weights(a, b, method="linear", alpha=0) == pytest.approx(b)
    assert combined_weights(a, [1 / 3] * 3) == pytest.approx(a)
    for bad in (
        lambda: combined_weights(a, [0.5, 0.5]),
        lambda: combined_weights(a, b, method="mean"),  # type: ignore[arg-type]
        lambda: combined_weights(a, b, method="linear", alpha=1.01),
        lambda: combined_weights(a, b, method="linear", alpha=NAN),
        lambda: combined_weights([1.0, 0.0], [0.0, 1.0]),
        lambda: combined_weights([0.4, 0.4], [0.5, 0.5]),
    ):
        with pytest.raises(InputError):
            bad()


@pytest.mark.parametrize("total", [0.995, 1.005, 0.999, 1.0049])
def test_a_sum_that_is_nearly_one_is_mended_and_told(total: float) -> None:
    weights, notice = given_weights([total - 0.25, 0.25])
    assert weights.sum() == pytest.approx(1, abs=1e-15)
    assert weights[1] == pytest.approx(0.25 / total)
    assert f"{total:.6g}" in notice


@pytest.mark.parametrize("total", [0.9949, 1.0051, 0.0, 100.0])
def test_a_sum_that_is_not_one_is_refused(total: float) -> None:
    with pytest.raises(InputError, match=f"sum is {total:.6g}; expected 1"):
        given_weights([total / 2, total / 2])


def test_given_weights() -> None:
    assert given_weights([0.1] * 10)[1] == ""
    assert given_weights([1])[0].tolist() == [1.0]
    assert given_weights([0.7, 0.2, 0.1])[0] == pytest.approx([0.7, 0.2, 0.1])
    for bad, said in (
        ([], "one or more"),
        ([[1.0]], "row"),
        ([1.5, -0.5], "-0.5 at place 2"),
        ([0.5, NAN], "nan at place 2"),
        ([INF], "inf"),
        (["x"], "numbers"),
    ):
        with pytest.raises(InputError, match=said):
            given_weights(bad)


@given(st.lists(st.floats(0.01, 10), min_size=1, max_size=12))
def test_ratios_stay(values: list[float]) -> None:
    raw = np.array(values) / sum(values) * 1.004
    weights, notice = given_weights(raw)
    np.testing.assert_allclose(weights / weights[0], raw / raw[0], rtol=1e-12)
    assert notice
