"""Zones: majority, dissolving, clipping, slivers, names, prevention."""

import geopandas as gpd
import numpy as np
import pytest
import shapely

from geo.errors import InputError
from geo.grid import Grid
from geo.zones import (
    PreventionRule,
    clipped,
    dissolved,
    majority,
    merged_by_key,
    position_in,
    prevention,
    without_slivers,
    zone_names,
)

GRID = Grid(4549, 500_000.0, 3_500_000.0, 100.0, 100.0, 20, 30)
STREETS = gpd.GeoDataFrame(
    {"name": ["东街道", "西街道"]},
    geometry=[
        shapely.box(501_430.0, 3_498_000.0, 503_000.0, 3_500_000.0),
        shapely.box(500_000.0, 3_498_000.0, 501_430.0, 3_500_000.0),
    ],
    crs=4549,
)


def keys(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(1, 5, GRID.shape)


def test_majority_equals_counting_by_hand() -> None:
    values = keys(1)
    values[3:6, 4:9] = 0
    found = majority(values)
    for row in range(GRID.rows):
        for col in range(GRID.cols):
            own = values[row, col]
            window = values[max(row - 1, 0) : row + 2, max(col - 1, 0) : col + 2].ravel().tolist()
            votes = {v: window.count(v) for v in window if v != 0}
            if own == 0:
                assert found[row, col] == 0
                continue
            best = max(votes.values())
            expected = own if votes[own] == best else min(v for v in votes if votes[v] == best)
            assert found[row, col] == expected


def test_majority_of_one_value_and_of_one_cell() -> None:
    assert (majority(np.full((4, 4), 3)) == 3).all()
    assert (majority(keys(2), size=1) == keys(2)).all()
    with pytest.raises(InputError, match="odd"):
        majority(keys(2), size=4)


def test_dissolving_keeps_every_cell() -> None:
    values = keys(3)
    found = dissolved(values, GRID)
    for key in range(1, 5):
        assert found[found["key"] == key].area.sum() == pytest.approx((values == key).sum() * 1e4, rel=1e-9)
    assert found.geometry.is_valid.all()
    assert dissolved(values, GRID, empty=2)["key"].ne(2).all()


def test_clipping_loses_nothing_within_the_streets() -> None:
    found = clipped(dissolved(keys(4), GRID), STREETS)
    assert found.area.sum() == pytest.approx(STREETS.area.sum(), rel=1e-9)
    for name, part in found.groupby("street"):
        assert part.area.sum() == pytest.approx(STREETS[STREETS["name"] == name].area.sum(), rel=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_slivers_join_and_nothing_is_lost(seed: int) -> None:
    areas = clipped(dissolved(keys(seed), GRID), STREETS)
    found = without_slivers(areas, least_m2=100_000.0)
    assert found.area.sum() == pytest.approx(areas.area.sum(), rel=1e-9)
    assert found.area.min() >= 100_000.0  # every street is larger than that, so everything finds a neighbour
    assert set(found["street"]) == set(areas["street"])


def test_a_sliver_joins_the_longest_side_and_one_of_the_exact_size_stays() -> None:
    areas = gpd.GeoDataFrame(
        {"key": [1, 2, 3], "street": ["a", "a", "a"]},
        geometry=[shapely.box(0, 0, 10, 10), shapely.box(10, 0, 12, 10), shapely.box(12, 0, 30, 4)],
        crs=4549,
    )
    assert without_slivers(areas, least_m2=20.0)["key"].tolist() == [1, 2, 3]
    joined = without_slivers(areas, least_m2=20.1)
    assert joined["key"].tolist() == [1, 3]
    assert joined.area.tolist() == [120.0, 72.0]


def test_neighbours_of_another_street_are_not_joined() -> None:
    areas = gpd.GeoDataFrame(
        {"key": [1, 2], "street": ["a", "b"]},
        geometry=[shapely.box(0, 0, 10, 10), shapely.box(10, 0, 11, 10)],
        crs=4549,
    )
    assert len(without_slivers(areas, least_m2=50.0)) == 2
    with pytest.raises(InputError):
        without_slivers(areas, least_m2=0.0)


def test_alike_neighbours_become_one() -> None:
    areas = gpd.GeoDataFrame(
        {"level": [1, 1, 1], "street": ["a"] * 3},
        geometry=[shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1), shapely.box(5, 0, 6, 1)],
        crs=4549,
    )
    assert merged_by_key(areas, ["street", "level"]).area.tolist() == [2.0, 1.0]


def test_positions() -> None:
    square = shapely.box(0, 0, 100, 100)
    assert position_in((50, 50), square) == "中部"
    radius = np.sqrt(100 * 100 / np.pi)
    assert position_in((50 + 0.3 * radius, 50), square) == "中部"  # the bound is included
    assert position_in((50 + 0.3 * radius + 0.01, 50), square) == "东部"
    assert [position_in((50 + 40 * c, 50 + 40 * s), square) for c, s in ((0, 1), (-1, 0), (0, -1), (-0.7, 0.7))] == [
        "北部",
        "西部",
        "南部",
        "西北部",
    ]


def test_names_are_different_and_say_the_three_parts() -> None:
    zones = gpd.GeoDataFrame(
        {"street": ["东街道"] * 3, "dominant": [0, 0, -1], "level": [5, 5, 0]},
        geometry=[
            shapely.box(501_500, 3_499_800, 501_600, 3_499_900),
            shapely.box(501_500, 3_499_500, 501_700, 3_499_700),
            shapely.box(502_200, 3_498_900, 502_300, 3_499_000),
        ],
        crs=4549,
    )
    names = zone_names(zones, STREETS, hazards={0: "暴雨内涝"}, levels={5: "高风险", 0: "无数据"})
    assert len(set(names)) == 3
    assert names[2] == "东街道中部·无数据"
    assert names[0].startswith("东街道西北部·暴雨内涝·高风险")


def test_prevention_follows_the_table() -> None:
    rule = PreventionRule()
    cases = [
        # level, grade, danger persons, spots per km2, key facilities, class
        (5, 5, 0, 0.0, 0, 4),
        (4, 2, 0, 0.0, 0, 4),
        (4, 3, 0, 0.0, 0, 3),
        (4, 0, 0, 0.0, 0, 3),
        (3, 2, 0, 0.0, 0, 3),
        (3, 3, 0, 0.0, 0, 2),
        (1, 5, 500, 0.0, 0, 4),
        (1, 5, 499, 0.0, 0, 1),
        (1, 5, 0, 3.0, 0, 4),
        (1, 5, 0, 2.99, 0, 1),
        (2, 1, 0, 0.0, 0, 1),
        (2, 1, 0, 0.0, 1, 2),
        (1, 1, 0, 0.0, 3, 1),
        (4, 3, 0, 0.0, 2, 3),
        (0, 1, 900, 9.0, 1, 0),
    ]
    level, grade, danger, spots, facilities, expected = (np.array(column) for column in zip(*cases, strict=True))
    assert prevention(level, grade, danger, spots, facilities, rule).tolist() == expected.tolist()
