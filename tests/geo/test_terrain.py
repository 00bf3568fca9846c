"""Terrain: filled depressions against a priority flood, height above drainage, the waterlogging score."""

import heapq
from typing import Any

import numpy as np
import pytest

from geo.errors import InputError
from geo.grid import Grid, Raster
from geo.terrain import WaterloggingRule, terrain, waterlogging_score


def raster(values: Any, dx: float = 10.0) -> Raster:
    heights = np.asarray(values, dtype=np.float32)
    return Raster(Grid(4549, 500_000.0, 3_500_000.0, dx, dx, *heights.shape), heights, "elevation", "m", "cgvd1985")


def flooded(heights: np.ndarray) -> np.ndarray:
    """Priority flood from the edge, eight neighbours."""
    rows, cols = heights.shape
    level = np.full(heights.shape, np.inf)
    queue = [
        (heights[r, c], r, c) for r in range(rows) for c in range(cols) if r in (0, rows - 1) or c in (0, cols - 1)
    ]
    for height, r, c in queue:
        level[r, c] = height
    heapq.heapify(queue)
    while queue:
        height, r, c = heapq.heappop(queue)
        for i in range(max(r - 1, 0), min(r + 2, rows)):
            for j in range(max(c - 1, 0), min(c + 2, cols)):
                if level[i, j] == np.inf:
                    level[i, j] = max(heights[i, j], height)
                    heapq.heappush(queue, (level[i, j], i, j))
    return level - heights


@pytest.mark.parametrize("seed", range(15))
def test_depressions_equal_a_priority_flood(seed: int) -> None:
    heights = np.random.default_rng(seed).random((17, 23)).astype(np.float32).round(2)
    found = terrain(raster(heights), np.zeros(heights.shape, dtype=bool))
    np.testing.assert_allclose(found.depression_m, flooded(heights.astype(np.float64)), atol=1e-5)
    assert np.isnan(found.above_drainage_m).all()


def test_height_above_the_drainage_that_water_reaches() -> None:
    # A slope falling to the east; the canal is the last but one column, one metre deep.
    heights = np.tile(np.arange(20, 0, -1, dtype=np.float32), (9, 1))
    drainage = np.zeros(heights.shape, dtype=bool)
    drainage[:, 18] = True
    heights[:, 18] -= 1.0
    heights[:, 19] = 0.5
    found = terrain(raster(heights), drainage)
    np.testing.assert_allclose(found.above_drainage_m[4, :18], heights[4, :18] - heights[4, 18])
    assert (found.above_drainage_m[drainage] == 0).all()
    assert found.by_distance[:, 19].all()  # the far bank runs off the edge: the nearest canal cell counts
    assert not found.by_distance[:, :18].any()


def test_water_gathers_where_slopes_meet() -> None:
    y, x = np.mgrid[0:21, 0:31]
    found = terrain(raster(np.abs(y - 10) * 1.0 + (30 - x) * 0.1), np.zeros((21, 31), dtype=bool))
    assert found.wetness[10, 25] > found.wetness[3, 25] + 2


def test_no_data_stays_no_data_and_bad_input_is_named() -> None:
    heights = np.ones((6, 6), dtype=np.float32)
    heights[2, 3] = np.nan
    found = terrain(raster(heights), np.zeros((6, 6), dtype=bool))
    for part in (found.depression_m, found.wetness):
        assert np.isnan(part[2, 3])
        assert np.isfinite(part).sum() == 35
    with pytest.raises(InputError, match="no data"):
        terrain(raster(np.full((3, 3), np.nan)), np.zeros((3, 3), dtype=bool))
    with pytest.raises(InputError, match="shape"):
        terrain(raster(heights), np.zeros((3, 3), dtype=bool))
    degrees = Grid(4326, 120.0, 32.0, 0.1, 0.1, 3, 3)
    geographic = Raster(degrees, np.ones((3, 3), dtype=np.float32), "elevation", "m")
    with pytest.raises(InputError, match="degrees"):
        terrain(geographic, np.zeros((3, 3), dtype=bool))


def score(**values: Any) -> Any:
    return waterlogging_score({k: np.asarray(v, dtype=np.float64) for k, v in values.items()}, WaterloggingRule())


@pytest.mark.parametrize(
    ("name", "cases"),
    [
        ("depression_depth", {0.0: 1, 0.0999: 1, 0.10: 2, 0.15: 3, 0.30: 4, 0.5999: 4, 0.60: 5, 9.0: 5}),
        ("height_above_drainage", {9.0: 1, 3.001: 1, 3.0: 2, 2.001: 2, 2.0: 3, 1.0: 4, 0.501: 4, 0.5: 5, 0.0: 5}),
        ("impervious", {0.0: 1, 0.199: 1, 0.2: 2, 0.4: 3, 0.6: 4, 0.8: 5, 1.0: 5}),
        ("drainage_distance", {0.0: 3, 99.0: 3, 100.0: 3.5, 300.0: 4, 600.0: 4.5, 1000.0: 5}),
        ("spots", {0.0: 5, 0.1: 4, 50.0: 4, 50.1: 1}),
    ],
)
def test_scores_at_their_bounds(name: str, cases: dict[float, float]) -> None:
    found = score(**{name: list(cases)})
    assert found.factors[name].tolist() == list(cases.values())
    assert found.score.tolist() == list(cases.values())


def test_the_score_is_the_weighted_mean_and_missing_factors_share_their_weight() -> None:
    rng = np.random.default_rng(2)
    values: dict[str, Any] = {
        "depression_depth": rng.random(50),
        "height_above_drainage": rng.random(50) * 4,
        "impervious": rng.random(50),
        "wetness": rng.random(50) * 10,
        "drainage_distance": rng.random(50) * 1500,
        "spots": rng.random(50) * 100,
    }
    rule = WaterloggingRule()
    whole = waterlogging_score(values, rule)
    expected = sum(rule.weights[name] * whole.factors[name] for name in values)
    np.testing.assert_allclose(whole.score, expected)
    assert whole.missing == ()
    part = waterlogging_score({**values, "spots": None}, rule)
    expected = sum(rule.weights[n] * part.factors[n] for n in values if n != "spots") / 0.8
    np.testing.assert_allclose(part.score, expected)
    assert part.missing == ("spots",)
    values["impervious"][3] = np.nan
    assert np.isnan(waterlogging_score(values, rule).score[3])
    rivers = waterlogging_score({"drainage_distance": np.array([0.0, 2000.0])}, rule, near_rivers_is_worse=True)
    assert rivers.score.tolist() == [5.0, 3.0]
    with pytest.raises(InputError, match="colour"):
        waterlogging_score({"colour": rng.random(3)}, rule)
    with pytest.raises(InputError, match="none"):
        waterlogging_score({"spots": None}, rule)
