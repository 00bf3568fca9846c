"""Classes against all partitions, against other implementations and at every bound."""

import itertools
import warnings
from typing import Any

import jenkspy
import kmeans1d
import mapclassify
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import geo.classify
from geo.classify import (
    Breaks,
    classify,
    equal_breaks,
    fixed_breaks,
    goodness_of_variance_fit,
    known_values,
    mean_sigma_breaks,
    natural_breaks,
    natural_breaks_from_histogram,
    quantile_breaks,
)
from geo.errors import InputError

NAN, INF = np.nan, np.inf


def within(values: Any, classes: Any) -> float:
    """Sum of squared deviations from the means of the classes."""
    x, of = np.asarray(values, dtype=float), np.asarray(classes)
    return float(sum(((x[of == c] - x[of == c].mean()) ** 2).sum() for c in np.unique(of)))


def least(values: Any, k: int) -> float:
    """The smallest sum of squares over all partitions of the sorted values into k runs."""
    x = np.sort(np.asarray(values, dtype=float))
    return min(
        within(x, np.searchsorted(cuts, np.arange(len(x)), side="right"))
        for cuts in itertools.combinations(range(1, len(x)), k - 1)
    )


# -- natural breaks ---------------------------------------------------------------------------------

TIED = st.lists(st.integers(-4, 4), min_size=2, max_size=12)
SPREAD = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=12)


@settings(max_examples=150)
@given(st.one_of(TIED, SPREAD), st.integers(2, 5))
def test_natural_breaks_are_the_best_of_all_partitions(values: list[float], k: int) -> None:
    if len(set(values)) < k:
        with pytest.raises(InputError, match=f"k={k}: .*\\({len(set(values))}\\)"):
            natural_breaks(values, k)
        return
    found = natural_breaks(values, k)
    of = classify(values, found)
    total = within(values, np.ones(len(values)))
    assert within(values, of) == pytest.approx(least(values, k), rel=1e-9, abs=1e-12 * total + 1e-300)
    assert set(of.tolist()) == set(range(1, k + 1))
    assert set(found.lower) <= {float(v) for v in values}
    assert (found.k, found.error_bound, found.merged) == (k, 0.0, "")


@pytest.mark.parametrize("k", range(2, 10))
def test_natural_breaks_beside_three_other_implementations(k: int) -> None:
    rng = np.random.default_rng(k)
    x = np.round(rng.gamma(2.0, 10.0, 3000), 1)  # with ties
    ours = within(x, classify(x, natural_breaks(x, k)))
    theirs = np.searchsorted(jenkspy.jenks_breaks(x, n_classes=k)[1:-1], x, side="left")
    means = kmeans1d.cluster(x.tolist(), k).clusters
    assert ours == pytest.approx(within(x, theirs), rel=1e-12)
    assert ours == pytest.approx(within(x, means), rel=1e-12)
    if k == 5:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            other = mapclassify.FisherJenks(x[:1000], k=k)
        assert within(x[:1000], classify(x[:1000], natural_breaks(x[:1000], k))) == pytest.approx(
            within(x[:1000], other.yb), rel=1e-12
        )


def test_counts_weigh() -> None:
    many = np.repeat([0.0, 4.0, 6.0, 11.0], [1000, 1, 1, 1])
    assert natural_breaks(many, 2).lower == (4.0,)
    assert natural_breaks([0.0, 4.0, 6.0, 11.0], 2).lower == (11.0,)


def test_far_from_zero_and_many_sizes() -> None:
    x = np.array([1.0, 2, 3, 10, 11, 12, 30, 31])
    for scale, shift in ((1, 0), (1e-9, 0), (1e90, 0), (1, 1e9), (1e-3, -1e6)):
        of = classify(x * scale + shift, natural_breaks(x * scale + shift, 3))
        assert of.tolist() == [1, 1, 1, 2, 2, 2, 3, 3]


def test_no_data_is_left_out_and_shape_does_not_matter() -> None:
    x = np.array([[1.0, NAN, 2.0], [9.0, 10.0, NAN]])
    assert natural_breaks(x, 2).lower == (9.0,)
    assert classify(x, natural_breaks(x, 2)).tolist() == [[1, 0, 1], [2, 2, 0]]


def test_chunks_of_the_count_of_distinct_values_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(3).integers(0, 40, 1000) / 8
    whole = natural_breaks(x, 6)
    monkeypatch.setattr(geo.classify, "_CHUNK", 64)
    assert natural_breaks(x, 6) == whole
    monkeypatch.setattr(geo.classify, "EXACT_DISTINCT", 40)  # bound included
    assert natural_breaks(x, 6) == whole
    monkeypatch.setattr(geo.classify, "EXACT_DISTINCT", 39)
    assert natural_breaks(x, 6).method == "natural-histogram"


def test_beyond_the_exact_limit_a_histogram_with_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(4).gamma(2.0, 1.0, 20_000)
    exact = natural_breaks(x, 5)
    monkeypatch.setattr(geo.classify, "EXACT_DISTINCT", 19_999)
    found = natural_breaks(x, 5)
    assert found.error_bound == pytest.approx((x.max() - x.min()) / geo.classify.BINS, rel=1e-6)
    assert geo.classify.BINS >= 65_536
    assert np.abs(np.subtract(found.lower, exact.lower)).max() <= found.error_bound
    monkeypatch.setattr(geo.classify, "BINS", 10)  # the floor holds
    floor = natural_breaks(x, 5)
    assert floor.error_bound == pytest.approx((x.max() - x.min()) / 65_536, rel=1e-6)
    assert within(x, classify(x, floor)) == pytest.approx(within(x, classify(x, exact)), rel=1e-6)


def test_histogram_is_exact_for_the_means_of_its_bins() -> None:
    rng = np.random.default_rng(5)
    for _ in range(40):
        x, edges = rng.uniform(0, 10, 60), np.linspace(0, 10, 13)
        counts = np.histogram(x, edges)[0]
        sums = np.histogram(x, edges, weights=x)[0]
        found = natural_breaks_from_histogram(counts, edges, 3, sums)
        used = counts > 0
        moved = np.repeat(sums[used] / counts[used], counts[used])
        assert np.abs(moved - np.sort(x)).max() < found.error_bound
        best = min(
            within(moved, np.searchsorted(cut, moved, side="right")) for cut in itertools.combinations(edges[:-1], 2)
        )
        of = classify(x, found)
        assert within(moved, classify(moved, found)) == pytest.approx(best)
        assert set(of.tolist()) == {1, 2, 3}
        assert set(found.lower) <= set(edges)
    middle = natural_breaks_from_histogram([3, 0, 0, 2], [0, 1, 2, 3, 5], 2)
    assert (middle.lower, middle.error_bound) == ((3.0,), 2.0)


@pytest.mark.parametrize(
    "counts, edges, sums, said",
    [
        ([1, 1], [0, 1], None, "one more than bins"),
        ([1, 1], [0, 1, 1], None, "ascending"),
        ([1, 1], [0, NAN, 1], None, "ascending"),
        ([1, 1], [0, 1, INF], None, "ascending"),
        ([1, -1], [0, 1, 2], None, "0 or more"),
        ([1, NAN], [0, 1, 2], None, "0 or more"),
        ([1, 0], [0, 1, 2], None, r"k=2: .*\(1\)"),
        ([0, 0], [0, 1, 2], None, r"k=2: .*\(0\)"),
        ([1, 1], [0, 1, 2], [0.5], "one per bin"),
        ([1, 1], [0, 1, 2], [0.5, 2.5], "outside"),
        ([1, 1], [0, 1, 2], [0.5, NAN], "outside"),
    ],
)
def test_histograms_that_do_not_fit(counts: Any, edges: Any, sums: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        natural_breaks_from_histogram(counts, edges, 2, sums)


@pytest.mark.parametrize("make", [natural_breaks, quantile_breaks])
def test_fewer_values_than_classes(make: Any) -> None:
    with pytest.raises(InputError, match=r"k=4: more classes than distinct values \(3\); take fewer .* fixed"):
        make([1.0, 2, 2, 3], 4)
    assert make([1.0, 2, 3, 4], 4).k == 4  # bound included
    merged = make([1.0, 2, 3], 4, fewer="merge")
    assert (merged.k, "3 classes where 4" in merged.merged) == (3, True)
    assert classify([1.0, 2, 3], merged).tolist() == [1, 2, 3]
    for one in ([5.0], [5.0, 5.0]):
        with pytest.raises(InputError, match=r"\(1\)"):
            make(one, 4, fewer="merge")
    with pytest.raises(InputError, match="fewer="):
        make([1.0, 2, 3], 2, fewer="guess")


@pytest.mark.parametrize("make", [natural_breaks, quantile_breaks])
def test_number_of_classes(make: Any) -> None:
    for bad in (1, 10, 0, -1, 2.5, True, "5", None):
        with pytest.raises(InputError, match=r"k=.*2 to 9"):
            make(np.arange(20.0), bad)
    for good in (2, 9, np.int64(5)):
        assert make(np.arange(20.0), good).k == good


@pytest.mark.parametrize(
    "make", [lambda v: natural_breaks(v, 2), lambda v: quantile_breaks(v, 2), mean_sigma_breaks, known_values]
)
def test_values_that_cannot_be_classed(make: Any) -> None:
    for bad, said in (
        ([], "at least one"),
        ([NAN, NAN], "all 2 are without data"),
        ([1.0, INF], "inf"),
        ([1.0, -INF], "-inf"),
        ([1.0, 2e100], "at most 1e\\+100"),
        (["a"], "numbers"),
        ([[1.0], [1.0, 2.0]], "numbers"),
    ):
        with pytest.raises(InputError, match=said):
            make(bad)


# -- quantiles --------------------------------------------------------------------------------------


@pytest.mark.parametrize("k", range(2, 10))
def test_quantiles_beside_mapclassify(k: int) -> None:
    x = np.random.default_rng(k).normal(size=997).round(2)
    found, other = quantile_breaks(x, k), mapclassify.Quantiles(x, k=k)
    np.testing.assert_allclose(found.lower, other.bins[:-1], rtol=1e-12)
    # theirs is (a, b], ours is [a, b): a value on a bound is one higher here
    on_bound = np.isclose(x[:, None], np.array(found.lower), rtol=1e-12, atol=0).any(axis=1)
    ours = classify(x, found) - 1
    assert np.array_equal(ours[~on_bound], other.yb[~on_bound])
    assert np.isin(ours[on_bound] - other.yb[on_bound], (0, 1)).all()


@given(st.lists(st.floats(-1e6, 1e6), min_size=9, max_size=60, unique=True), st.integers(2, 9))
def test_quantile_classes_are_of_one_size(values: list[float], k: int) -> None:
    of = classify(values, quantile_breaks(values, k))
    sizes = np.bincount(of, minlength=k + 1)[1:]
    assert sizes.min() > 0
    assert sizes.max() - sizes.min() <= 2


@given(st.lists(st.integers(0, 5), min_size=2, max_size=40), st.integers(2, 6))
def test_tied_quantiles_leave_no_class_empty(values: list[int], k: int) -> None:
    if len(set(values)) < k:
        return
    if np.quantile(values, (k - 1) / k) == min(values):
        with pytest.raises(InputError, match="coincide"):
            quantile_breaks(values, k)
        return
    found = quantile_breaks(values, k)
    assert set(classify(values, found).tolist()) == set(range(1, found.k + 1))
    assert (found.k < k) == bool(found.merged)


def test_tied_quantiles_may_keep_the_numbers_of_their_classes() -> None:
    x = np.r_[np.zeros(50), np.arange(1, 51)]
    found = quantile_breaks(x, 5, ties="keep")
    assert (found.k, found.lower[0], found.lower[1]) == (5, 1.0, 1.0)
    of = classify(x, found)
    assert (of[:50] == 1).all()
    assert np.bincount(of, minlength=6)[1:].tolist() == [50, 0, 10, 20, 20]
    assert found.merged == "class 2 stays empty: many values are equal and their quantiles coincide"
    plain = np.random.default_rng(1).normal(size=200)
    assert quantile_breaks(plain, 5, ties="keep") == quantile_breaks(plain, 5)
    with pytest.raises(InputError, match="coincide"):
        quantile_breaks(np.r_[np.zeros(90), 1.0, 2.0, 3.0, 4.0], 5, ties="keep")
    with pytest.raises(InputError, match="ties"):
        quantile_breaks(x, 5, ties="split")  # type: ignore[arg-type]


def test_quantiles_that_coincide() -> None:
    found = quantile_breaks([0.0] * 5 + [1.0, 2, 3, 4, 5], 5)
    assert found.k == 3
    assert found.merged.startswith("3 classes where 5 were asked")
    with pytest.raises(InputError, match="coincide"):
        quantile_breaks([0.0] * 99 + [1.0, 2.0], 3)


# -- mean and sigma ---------------------------------------------------------------------------------


def literal_table(values: Any) -> list[int]:
    """The three rows of the table, word by word; 5 is the strongest."""
    x = np.asarray(values, dtype=float)
    mean, sigma = x.mean(), x.std(ddof=1)
    found = []
    for v in x:
        if v >= mean + 1.5 * sigma:
            found.append(5)
        elif v >= mean + 0.5 * sigma:
            found.append(4)
        elif mean <= 0.5 * sigma or v >= mean - 0.5 * sigma:
            found.append(3)
        elif mean <= 1.5 * sigma or v >= mean - 1.5 * sigma:
            found.append(2)
        else:
            found.append(1)
    return found


@settings(max_examples=200)
@given(st.lists(st.one_of(st.integers(0, 9), st.floats(0, 100)), min_size=2, max_size=20))
def test_mean_sigma_is_the_literal_table_in_all_three_rows(values: list[float]) -> None:
    if min(values) == max(values) or np.std(values) == 0:
        with pytest.raises(InputError, match="sigma=0"):
            mean_sigma_breaks(values)
        return
    assert classify(values, mean_sigma_breaks(values)).tolist() == literal_table(values)


@pytest.mark.parametrize(
    "values, empty",
    [([0.0, 0, 0, 0, 1], "classes 1 and 2"), ([0.0, 0, 1, 1], "class 1"), ([9.0, 10, 10, 11], "")],
)
def test_mean_sigma_says_which_classes_stay_empty(values: list[float], empty: str) -> None:
    found = mean_sigma_breaks(values)
    assert found.k == 5
    assert found.merged.startswith(empty)
    assert bool(found.merged) == bool(empty)


def test_mean_sigma_bounds_belong_to_the_upper_class() -> None:
    values = [4.0, 8.0, 8.0, 8.0, 8.0, 12.0, 8.0, 8.0, 8.0]  # mean 8, sample sigma 2
    found = mean_sigma_breaks(values)
    assert found.lower == (5.0, 7.0, 9.0, 11.0)
    assert classify([4.999, 5, 6.999, 7, 8.999, 9, 10.999, 11], found).tolist() == [1, 2, 2, 3, 3, 4, 4, 5]


def test_mean_sigma_refuses_what_it_cannot_class() -> None:
    for bad, said in (([5.0], "one value only"), ([5.0, 5.0, NAN], "all 2 values are equal"), ([-1.0, 2.0], "-1")):
        with pytest.raises(InputError, match=said):
            mean_sigma_breaks(bad)


# -- fixed thresholds, classes, fit -----------------------------------------------------------------


def test_fixed_thresholds() -> None:
    assert fixed_breaks([1, 2.5]) == Breaks((1.0, 2.5), "fixed")
    assert (fixed_breaks([0]).k, fixed_breaks(list(range(8))).k) == (2, 9)
    for bad, said in (
        ([], "0 thresholds"),
        (range(9), "9 thresholds"),
        ([1, 1], "ascending"),
        ([2, 1], "2 before 1"),
        ([1, NAN], "finite"),
        ([1, INF], "finite"),
    ):
        with pytest.raises(InputError, match=said):
            fixed_breaks(list(bad))


def test_frozen_breaks_class_the_next_year_alike() -> None:
    first = natural_breaks([1.0, 2, 10, 11, 30], 3)
    again = fixed_breaks(first.lower)
    assert classify([1.0, 2, 10, 11, 30, 99, -5], again).tolist() == [1, 1, 2, 2, 3, 3, 1]


def test_class_takes_its_lower_bound() -> None:
    breaks = fixed_breaks([1.0, 2.0])
    values = [NAN, -1e9, np.nextafter(1, 0), 1.0, np.nextafter(2, 0), 2.0, 1e9]
    found = classify(values, breaks)
    assert found.tolist() == [0, 1, 1, 2, 2, 3, 3]
    assert found.dtype == np.int8
    assert classify([], breaks).shape == (0,)
    assert classify(5.0, breaks).shape == ()
    assert int(classify(NAN, breaks)) == 0
    assert classify([0, 1, 2], breaks).tolist() == [1, 2, 3]
    for bad in (INF, -INF):
        with pytest.raises(InputError, match="finite"):
            classify([1.0, bad], breaks)


def test_a_single_precision_grid_is_classed_by_the_bound_itself() -> None:
    bound = 0.1  # its nearest single is above it, the one before is below
    x = np.array([np.float32(0.1), np.nextafter(np.float32(0.1), np.float32(0))])
    assert classify(x, fixed_breaks([bound])).tolist() == [2, 1]
    assert classify(x, fixed_breaks([float(x[0]) + 1e-12])).tolist() == [1, 1]


def test_goodness_of_fit() -> None:
    x = [1.0, 2, 10, 12, NAN, 99]
    assert goodness_of_variance_fit(x, [1, 1, 2, 2, 2, 0]) == pytest.approx(1 - 2.5 / 92.75)
    assert goodness_of_variance_fit([1.0, 2], [1, 2]) == 1.0
    assert goodness_of_variance_fit([3.0, 3], [1, 2]) == 1.0
    assert goodness_of_variance_fit([1.0, 2, 3], [1, 1, 1]) == pytest.approx(0, abs=1e-15)
    for values, classes, said in (
        ([1.0], [1, 2], "shape"),
        ([1.0, NAN], [0, 1], "at least one"),
        ([INF], [1], "inf"),
    ):
        with pytest.raises(InputError, match=said):
            goodness_of_variance_fit(values, classes)


def test_natural_breaks_fit_best() -> None:
    x = np.random.default_rng(8).gamma(1.0, 1.0, 400)
    fits = [
        goodness_of_variance_fit(x, classify(x, b))
        for b in (natural_breaks(x, 5), quantile_breaks(x, 5), mean_sigma_breaks(x), fixed_breaks([1, 2, 3, 4]))
    ]
    assert fits[0] == max(fits)


# -- equal intervals ----------------------------------------------------------------------------------


@settings(max_examples=200)
@given(st.one_of(TIED, SPREAD), st.integers(2, 9))
def test_equal_intervals_are_those_of_another_implementation(values: list[float], k: int) -> None:
    if max(values) == min(values):
        with pytest.raises(InputError, match="equal intervals need a spread"):
            equal_breaks(values, k)
        return
    width = (max(values) - min(values)) / k
    if width < 1e-9:
        return  # a spread that doubles cannot divide is refused
    found = equal_breaks(values, k)
    theirs = mapclassify.EqualInterval(np.asarray(values, dtype=float), k=k)
    assert found.lower == pytest.approx(theirs.bins[:-1], rel=1e-9, abs=1e-9)
    classes = classify(values, found)
    for value, of in zip(values, classes, strict=True):
        assert of == 1 + sum(value >= bound for bound in found.lower)
    assert {int(c) for c in classes} >= {1, k}
    assert bool(found.merged) == (len(set(classes.tolist())) < k)


def test_a_value_on_an_equal_bound_is_in_the_upper_class() -> None:
    found = equal_breaks([0.0, 2.5, 5.0, 7.5, 10.0, NAN], 4)
    assert found.lower == (2.5, 5.0, 7.5)
    assert classify([2.4999, 2.5, 10.0, NAN], found).tolist() == [1, 2, 4, 0]
    assert found.merged == ""
    assert equal_breaks([0.0, 0.1, 10.0], 3).merged == "class 2 stays empty: no value lies there"


@pytest.mark.parametrize("bad", [[], [NAN], [1.0], [2.0, 2.0], [1.0, INF]])
def test_equal_intervals_refuse_what_has_no_spread(bad: list[float]) -> None:
    with pytest.raises(InputError):
        equal_breaks(bad, 3)
