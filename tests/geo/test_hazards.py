"""Hazards by thresholds and distance: bounds, tables, kernels."""

import numpy as np
import pytest
import shapely

from geo.errors import InputError
from geo.grid import Grid
from geo.hazards import (
    SiteFactors,
    bank_collapse,
    highest_by_share,
    impact_share,
    kernel_density,
    lightning_score,
    site_pga_g,
    steps,
)

GRID = Grid(4549, 0.0, 3000.0, 100.0, 100.0, 30, 40)


def test_site_factors_come_from_the_table_and_between() -> None:
    pga = np.full(5, 0.10)
    np.testing.assert_allclose(site_pga_g(pga, [0, 1, 2, 3, 4]), 0.10 * np.array([0.74, 0.82, 1.0, 1.25, 1.20]))
    np.testing.assert_allclose(site_pga_g([0.075], [3]), 0.075 * (1.30 + 1.25) / 2)
    np.testing.assert_allclose(site_pga_g([0.30, 0.01], [4, 3]), [0.30 * 1.00, 0.01 * 1.30])
    assert site_pga_g([0.1], [np.nan]).tolist() == [0.1]
    assert np.isnan(site_pga_g([np.nan], [2])[0])
    with pytest.raises(InputError, match="site_class=7"):
        site_pga_g([0.1], [7], SiteFactors())


def test_intensity_classes_at_their_bounds() -> None:
    lower = (0.04, 0.09, 0.19, 0.38, 0.75)
    assert steps([0.039, 0.04, 0.089, 0.09, 0.19, 0.38, 0.75, np.nan], lower).tolist() == [1, 2, 2, 3, 4, 5, 6, 0]


def test_lightning_score_meets_its_centres() -> None:
    np.testing.assert_allclose(lightning_score([0.0, 0.5, 1.0, 1.5, 2.5, 3.5, 4.5, 9.0]), [1, 1, 2, 3, 5, 7, 9, 9])
    assert np.isnan(lightning_score([np.nan])[0])


def test_bank_strips_by_exact_share() -> None:
    bank = shapely.LineString([(1000.0, -500.0), (1000.0, 3500.0)])
    index, level = bank_collapse([bank], GRID, near_m=100.0, far_m=300.0)
    assert level[15].tolist() == [1] * 7 + [3, 3, 5, 5, 3, 3] + [1] * 27
    np.testing.assert_allclose(index[15, 6:14], [0, 0.5, 0.5, 1, 1, 0.5, 0.5, 0], atol=1e-9)
    shifted = shapely.LineString([(1050.0, -500.0), (1050.0, 3500.0)])
    np.testing.assert_allclose(bank_collapse([shifted], GRID)[0][15, 9], 0.5 * 1 + 0.5 * 0.5, atol=1e-9)
    nothing = bank_collapse([], GRID)
    assert nothing[0].sum() == 0
    assert (nothing[1] == 1).all()
    with pytest.raises(InputError, match="near"):
        bank_collapse([bank], GRID, near_m=300.0, far_m=300.0)


def test_impact_is_the_share_of_the_cell() -> None:
    found = impact_share([[1250.0, 1250.0], [1400.0, 1250.0]], [300.0, 120.0], GRID)
    union = shapely.union_all([shapely.Point(1250, 1250).buffer(300, 256), shapely.Point(1400, 1250).buffer(120, 256)])
    expected = shapely.area(shapely.intersection(union, GRID.boxes(np.arange(GRID.cells)))) / 1e4
    np.testing.assert_allclose(found.ravel(), expected, atol=2e-3)
    assert impact_share(np.empty((0, 2)), 10.0, GRID).sum() == 0
    with pytest.raises(InputError):
        impact_share([[0.0, 0.0]], 0.0, GRID)


def test_kernels_keep_their_weight() -> None:
    rng = np.random.default_rng(1)
    xy, weights = rng.random((20, 2)) * [1800, 800] + [1000, 1000], rng.random(20) * 5
    found = kernel_density(xy, weights, 450.0, GRID)
    assert found.sum() * 0.01 == pytest.approx(weights.sum(), rel=1e-9)
    centres = GRID.centres(np.arange(GRID.cells))
    by_hand = np.zeros(GRID.cells)
    for (x, y), weight in zip(xy, weights, strict=True):
        near = np.clip(1 - ((centres - [x, y]) ** 2).sum(axis=1) / 450.0**2, 0, None) ** 2
        by_hand += weight * near / near.sum() / 0.01
    np.testing.assert_allclose(found.ravel(), by_hand, rtol=1e-9, atol=1e-12)
    alone = kernel_density([[1250.0, 1250.0]], [3.0], 20.0, GRID)
    assert alone.max() == pytest.approx(300.0)
    assert kernel_density([[-5000.0, 0.0]], [3.0], 500.0, GRID).sum() == 0
    with pytest.raises(InputError):
        kernel_density(xy, weights, 0.0, GRID)


def test_two_halves_count_like_the_whole() -> None:
    left, right = shapely.box(0, 0, 950, 3000), shapely.box(950, 0, 4000, 3000)
    whole = highest_by_share([shapely.union(left, right)], [0.8], GRID)
    np.testing.assert_allclose(highest_by_share([left, right], [0.8, 0.8], GRID), whole, atol=1e-12)
    lower = highest_by_share([left, right, shapely.box(0, 0, 4000, 3000)], [0.8, 0.8, 0.3], GRID)
    np.testing.assert_allclose(lower, whole, atol=1e-12)
    assert highest_by_share([], [], GRID).sum() == 0
    assert highest_by_share([left], [np.nan], GRID).sum() == 0
    with pytest.raises(InputError):
        highest_by_share([left], [-0.1], GRID)


@pytest.mark.parametrize("seed", range(10))
def test_the_highest_equals_a_count_of_fine_points(seed: int) -> None:
    rng = np.random.default_rng(seed)
    corner, size = rng.integers(0, 20, (12, 2)) * 50.0, rng.integers(1, 12, (12, 2)) * 50.0
    shapes = shapely.box(*corner.T, *(corner + size).T)
    values = rng.choice([0.0, 0.25, 0.5, 1.0], 12)
    grid = Grid.covering((0.0, 0.0, 1600.0, 1600.0), cell=100.0, epsg=4549)
    fine = Grid.covering(grid.bounds, cell=50.0, epsg=4549)  # every side lies on a line of the fine grid
    points = shapely.points(fine.centres(np.arange(fine.cells)))
    top = np.max([np.where(shapely.contains(s, points), v, 0.0) for s, v in zip(shapes, values, strict=True)], axis=0)
    expected = top.reshape(grid.rows, 2, grid.cols, 2).mean(axis=(1, 3))
    np.testing.assert_allclose(highest_by_share(shapes, values, grid), expected, atol=1e-9)
