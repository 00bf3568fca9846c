"""Depth of water as a share of the speed: the bounds are said and hold."""

import numpy as np
import pytest

from geo.errors import InputError
from geo.flooding import depth_factors


@pytest.mark.parametrize(
    ("depth_m", "left"),
    [
        (0.0, 1.0),
        (np.nextafter(0.15, 0), 1.0),
        (0.15, 0.4),
        (0.30, 0.4),
        (np.nextafter(0.30, 1), 0.0),
        (5.0, 0.0),
        (np.nan, 1.0),
    ],
)
def test_bounds(depth_m: float, left: float) -> None:
    assert depth_factors([depth_m]).tolist() == [left]


def test_no_depths_and_no_depth_below_zero() -> None:
    assert depth_factors([]).shape == (0,)
    with pytest.raises(InputError, match=r"depth_m=-0.1"):
        depth_factors([0.1, -0.1])
