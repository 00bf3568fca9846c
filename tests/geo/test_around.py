"""What lies around a place, against a count of many small pieces."""

from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geo.around import lengths_within, persons_inside, reached_lengths, shares_by_cells
from geo.errors import InputError
from geo.network import Snapped
from geo.times import TravelTimes, last_leg_s
from tests.geo.road_cases import ORIGIN, SEEDS, network, random_network, random_places

PIECES = 400


def at(x: float, y: float) -> Any:
    return ORIGIN + np.array([x, y])


# -- roads within a circle ----------------------------------------------------------------------------


@given(SEEDS, st.floats(0.0, 400.0))
def test_length_in_a_circle_is_that_of_the_pieces_inside(seed: int, radius_m: float) -> None:
    rng = np.random.default_rng(seed)
    lines = [shapely.LineString(rng.uniform(-300, 300, (int(rng.integers(2, 6)), 2))) for _ in range(8)]
    centre = rng.uniform(-100, 100, 2)
    found = lengths_within(lines, centre, radius_m)
    at = (np.arange(PIECES) + 0.5) / PIECES
    for line, inside_m in zip(lines, found, strict=True):
        spots = shapely.get_coordinates(shapely.line_interpolate_point(line, at, normalized=True))
        share = (np.hypot(*(spots - centre).T) <= radius_m).mean()
        # Each time the line crosses the circle one piece may be counted wrong.
        assert inside_m == pytest.approx(share * line.length, abs=line.length * 12 / PIECES)
        assert inside_m <= line.length + 1e-9


def test_a_circle_through_the_end_of_a_line_holds_all_of_it() -> None:
    line = shapely.LineString([(0, 0), (60, 0), (60, 80)])
    assert lengths_within([line], (0, 0), 100.0).tolist() == [140.0]
    assert lengths_within([line], (0, 0), 60.0).tolist() == [60.0]
    assert lengths_within([line], (60, -10), 10.0).tolist() == [0.0], "a circle that only touches holds nothing"
    assert lengths_within([line], (0, 0), 0.0).tolist() == [0.0]
    assert lengths_within([], (0, 0), 5.0).tolist() == []
    assert lengths_within([shapely.LineString([(1, 1), (1, 1)])], (1, 1), 5.0).tolist() == [0.0]


@pytest.mark.parametrize("radius_m", [-1.0, np.nan, np.inf])
def test_a_radius_that_cannot_be_is_refused(radius_m: float) -> None:
    with pytest.raises(InputError, match="radius_m"):
        lengths_within([], (0, 0), radius_m)


# -- roads within a time ------------------------------------------------------------------------------


@given(SEEDS, st.floats(0.0, 120.0))
def test_what_is_reached_is_what_the_router_reaches(seed: int, limit_s: float) -> None:
    rng = np.random.default_rng(seed)
    net = random_network(rng)
    factor = rng.choice([0.0, 0.4, 1.0], len(net.edge_tail), p=[0.15, 0.15, 0.7])
    travel = TravelTimes(net, hour=8, edge_factor=factor, engine="scipy")
    origin = random_places(net, rng, 1)
    found = reached_lengths(travel, origin, limit_s)
    at = (np.arange(PIECES) + 0.5) / PIECES
    for edge in range(len(net.edge_tail)):
        n = np.full(PIECES, edge, dtype=np.int32)
        spots = Snapped(n, at, np.zeros((PIECES, 2)), np.zeros(PIECES), np.zeros(PIECES, dtype=bool))
        total_s = travel.matrix_s(origin, spots)[0] + last_leg_s(origin.access_m)[0]
        share = (total_s <= limit_s).mean()
        assert found[edge] == pytest.approx(share * net.edge_length_m[edge], abs=net.edge_length_m[edge] * 5 / PIECES)


def test_the_bound_is_included_and_a_one_way_street_is_driven_one_way() -> None:
    net = network([(0, 0), (100, 0)], [(100, 0), (200, 0)], oneway=[None, "yes"])
    travel = TravelTimes(net, engine="scipy")
    second_m = 20 / 3.6  # residential, 20 km/h
    west = net.snap([ORIGIN])
    whole_s = travel.edge_cost[0] / 1000
    assert reached_lengths(travel, west, whole_s).tolist() == [100.0, 0.0]
    assert reached_lengths(travel, west, whole_s + 9.0) == pytest.approx([100.0, 9.0 * second_m], abs=0.01)
    assert reached_lengths(travel, net.snap([at(200, 0)]), 600.0).tolist() == [0.0, 0.0], "against the one way"
    middle = net.snap([at(50, 0)])
    assert reached_lengths(travel, middle, 2.0)[0] == pytest.approx(4 * second_m, abs=0.02), "both ways from inside"
    off = net.snap([at(50, 11)])
    assert reached_lengths(travel, off, 10.0)[0] == pytest.approx(0.0, abs=0.01), "the leg to the road takes 10 s"
    assert reached_lengths(travel, net.snap([at(0, 5000)]), 600.0).tolist() == [0.0, 0.0]


def test_questions_that_cannot_be_are_refused() -> None:
    net = network([(0, 0), (100, 0)])
    travel = TravelTimes(net, engine="scipy")
    with pytest.raises(InputError, match="one place"):
        reached_lengths(travel, net.snap([ORIGIN, ORIGIN]), 5.0)
    with pytest.raises(InputError, match="time"):
        reached_lengths(travel.retimed(hour=None, weight="distance"), net.snap([ORIGIN]), 5.0)
    with pytest.raises(InputError, match="limit_s"):
        reached_lengths(travel, net.snap([ORIGIN]), -1.0)
    with pytest.raises(InputError, match="limit_s"):
        reached_lengths(travel, net.snap([ORIGIN]), np.inf)


# -- persons ------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(0, 10_000_000), st.integers(0, 64)), max_size=20))
def test_nobody_is_lost_between_inside_and_outside(rows: list[tuple[int, int]]) -> None:
    totals, part = np.array([r[0] for r in rows]), np.array([r[1] / 64 for r in rows])
    inside, outside = persons_inside(totals, part), persons_inside(totals, 1 - part)
    exact_half = (totals * part) % 1 == 0.5
    assert (inside + outside - exact_half == totals).all()
    assert (np.abs(inside - totals * part) <= 0.5).all()
    assert (inside[part == 1] == totals[part == 1]).all()
    assert (inside[part == 0] == 0).all()


@given(SEEDS)
def test_shares_by_cells_are_counted_one_by_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    areas, n = 4, int(rng.integers(0, 30))
    of, weight, inside = rng.integers(-1, areas, n), rng.integers(0, 5, n), rng.random(n) < 0.5
    found = shares_by_cells(of, weight, inside, areas=areas)
    for k in range(areas):
        whole = sum(int(w) for a, w in zip(of, weight, strict=True) if a == k)
        some = sum(int(w) for a, w, i in zip(of, weight, inside, strict=True) if a == k and i)
        assert np.isnan(found[k]) if whole == 0 else found[k] == some / whole


def test_numbers_that_cannot_be_are_refused() -> None:
    for totals, share in (([1.5], [0.5]), ([-1], [0.5]), ([1], [1.1]), ([1], [np.nan]), ([1, 2], [0.5])):
        with pytest.raises(InputError):
            persons_inside(totals, share)
    with pytest.raises(InputError, match="same length"):
        shares_by_cells([0], [1, 2], [True], areas=1)
    with pytest.raises(InputError, match="weight"):
        shares_by_cells([0], [-1], [True], areas=1)
