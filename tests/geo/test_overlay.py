"""Overlays: contact, counts, damage curves, values under footprints."""

import numpy as np
import pytest
import shapely

from geo.errors import InputError
from geo.grid import Grid, Raster
from geo.overlay import class_by_contact, counts_by, depth_damage, first_contact, mean_under


@pytest.mark.parametrize("seed", range(10))
def test_contact_is_the_highest_of_all_that_touch(seed: int) -> None:
    rng = np.random.default_rng(seed)
    things = [shapely.box(x, y, x + 1, y + 1) for x, y in rng.integers(0, 20, (40, 2))]
    hazards = [shapely.box(x, y, x + 3, y + 2) for x, y in rng.integers(0, 20, (12, 2))]
    level = rng.integers(1, 4, 12)
    expected = [
        max((int(v) for h, v in zip(hazards, level, strict=True) if t.intersects(h)), default=0) for t in things
    ]
    assert class_by_contact(things, hazards, level).tolist() == expected


def test_touching_is_contact_and_nothing_is_none() -> None:
    box = shapely.box(0, 0, 1, 1)
    assert class_by_contact([box], [shapely.box(1, 1, 2, 2)], [2]).tolist() == [2]
    assert class_by_contact([box], [], []).tolist() == [0]
    assert class_by_contact([], [box], [1]).tolist() == []
    for level in ([0], [1, 2]):
        with pytest.raises(InputError, match="level"):
            class_by_contact([box], [box], level)


def test_everything_is_counted_in_one_area() -> None:
    areas = [shapely.box(0, 0, 2, 2), shapely.box(2, 0, 4, 2)]
    things = [shapely.box(1.5, 0, 2.5, 1), shapely.box(3, 0, 3.5, 1), shapely.box(9, 9, 10, 10), shapely.Point(2, 1)]
    assert first_contact(things, areas).tolist() == [0, 1, -1, 0]
    assert first_contact(things, []).tolist() == [-1] * 4


def test_counts_add_up() -> None:
    table = counts_by(["b", "a", "b", "b"], [0, 2, 2, 1], classes=2)
    assert table.loc["b"].tolist() == [1, 1, 1, 3]
    assert table.loc["a"].tolist() == [0, 0, 1, 1]
    with pytest.raises(InputError):
        counts_by(["a"], [3], classes=2)


def test_damage_between_and_beyond() -> None:
    curve = ([0.0, 0.5, 1.0], [0.0, 0.33, 0.49])
    found = depth_damage([-1, 0, 0.25, 0.5, 0.75, 1.0, 9.0, np.nan], *curve)
    np.testing.assert_allclose(found, [0, 0, 0.165, 0.33, 0.41, 0.49, 0.49, np.nan])
    assert depth_damage([0.1], [0.15, 1.0], [0.2, 0.5]).tolist() == [0.0]
    for bad in (([0, 0], [0, 1]), ([0], [0]), ([0, 1], [0, 1.5]), ([0, 1], [0])):
        with pytest.raises(InputError, match="curve"):
            depth_damage([1.0], *bad)


def test_means_under_footprints_are_exact() -> None:
    rng = np.random.default_rng(1)
    grid = Grid(4549, 0.0, 100.0, 10.0, 10.0, 10, 10)
    values = rng.random((10, 10)).astype(np.float32)
    values[3, 4] = np.nan
    shapes = [shapely.Point(x, y).buffer(r) for x, y, r in rng.random((20, 3)) * [100, 100, 20] + [0, 0, 2]]
    found = mean_under(Raster(grid, values, "depth", "m"), [*shapes, shapely.box(500, 500, 501, 501), None])
    boxes = grid.boxes(np.arange(100))
    for k, shape in enumerate(shapes):
        area = shapely.area(shapely.intersection(shape, boxes))
        there = np.isfinite(values.ravel())
        assert found[k] == pytest.approx(np.average(values.ravel()[there], weights=area[there]), abs=1e-6)
    assert np.isnan(found[-2:]).all()
