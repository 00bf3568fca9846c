"""Connected inundation against a flood fill by hand; classes at their bounds; datums."""

from collections import deque

import numpy as np
import pytest

from geo.errors import CrsError, InputError
from geo.grid import Grid, Raster
from geo.surge import connected_inundation, depth_class


def raster(heights: np.ndarray, datum: str = "cgvd1985") -> Raster:
    values = np.asarray(heights, dtype=np.float32)
    return Raster(Grid(4549, 0.0, 1000.0, 10.0, 10.0, *values.shape), values, "elevation", "m", datum)


def filled(heights: np.ndarray, level: float, sources: np.ndarray, corners: bool) -> np.ndarray:
    wet = sources.copy()
    queue = deque(zip(*np.nonzero(sources), strict=True))
    while queue:
        r, c = queue.popleft()
        steps = [(-1, 0), (1, 0), (0, -1), (0, 1)] + ([(-1, -1), (-1, 1), (1, -1), (1, 1)] if corners else [])
        for i, j in ((r + dr, c + dc) for dr, dc in steps):
            if 0 <= i < wet.shape[0] and 0 <= j < wet.shape[1] and not wet[i, j] and heights[i, j] < level:
                wet[i, j] = True
                queue.append((i, j))
    return np.where(np.isnan(heights), np.nan, np.where(wet, np.maximum(level - heights, 0.0), 0.0))


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("corners", [False, True])
def test_equals_a_flood_fill(seed: int, corners: bool) -> None:
    rng = np.random.default_rng(seed)
    heights = rng.random((14, 19)).astype(np.float32).astype(np.float64)
    heights[rng.random(heights.shape) < 0.05] = np.nan
    sources = np.zeros(heights.shape, dtype=bool)
    sources[:, 0] = True
    found = connected_inundation(raster(heights), 0.6, "cgvd1985", sources, corners=corners)
    np.testing.assert_allclose(found, filled(heights, 0.6, sources, corners), atol=1e-6)


def test_behind_a_dyke_it_stays_dry_until_the_level_is_higher() -> None:
    heights = np.array([[0.0, 3.0, 1.0, 1.0]] * 3)
    river = np.zeros(heights.shape, dtype=bool)
    river[:, 0] = True
    below = connected_inundation(raster(heights), 3.0, "cgvd1985", river)  # a dyke at the level itself holds
    assert below[1].tolist() == [3.0, 0.0, 0.0, 0.0]
    above = connected_inundation(raster(heights), 3.1, "cgvd1985", river)
    np.testing.assert_allclose(above[1], [3.1, 0.1, 2.1, 2.1], atol=1e-6)


def test_unlike_datums_never_meet() -> None:
    heights, river = np.zeros((3, 3)), np.ones((3, 3), dtype=bool)
    for own, level in (("cgvd1985", "wusong"), ("", ""), ("", "wusong"), ("wusong", "")):
        with pytest.raises(CrsError, match="datum"):
            connected_inundation(raster(heights, own), 5.2, level, river)
    with pytest.raises(InputError, match="level_m"):
        connected_inundation(raster(heights), np.nan, "cgvd1985", river)
    with pytest.raises(InputError, match="sources"):
        connected_inundation(raster(heights), 1.0, "cgvd1985", np.ones((2, 2), dtype=bool))


def test_classes_at_their_bounds() -> None:
    depths = [np.nan, 0.0, 0.149, 0.15, 0.499, 0.5, 1.199, 1.2, 2.999, 3.0, 9.0]
    assert depth_class(depths).tolist() == [0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
