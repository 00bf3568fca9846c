"""Times after a closure from those before: bit by bit those of the whole matrix."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from geo.changed_times import changed_matrix_s
from geo.errors import InputError
from geo.times import TravelTimes
from tests.geo.road_cases import ENGINES, SEEDS, network, random_network, random_places


@pytest.mark.parametrize("engine", ENGINES)
@given(seed=SEEDS)
@settings(max_examples=150, deadline=None)
def test_it_is_the_whole_matrix(engine: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    net = random_network(rng)
    origins, destinations = random_places(net, rng, int(rng.integers(1, 30))), random_places(net, rng, 25)
    start = np.where(rng.random(len(net.edge_tail)) < 0.1, rng.choice([0.0, 0.5]), 1.0)
    before = TravelTimes(net, hour=8, engine=engine, edge_factor=start)
    share = rng.choice([0.0, 0.02, 0.1, 0.6])
    now = np.where(rng.random(len(start)) < share, rng.choice([0.0, 0.4, 1.0]), start)
    travel = before.with_factors(now)
    known = before.matrix_s(origins, destinations)
    kept = known.copy()
    found = changed_matrix_s(travel, before, known, origins, destinations)
    assert np.array_equal(found, travel.matrix_s(origins, destinations))
    assert np.array_equal(known, kept), "what is known is not written into"


def test_only_what_can_change_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A comb: closing the tooth at its end asks again for the place on it and no others."""
    teeth = [[(100.0 * k, 0), (100.0 * k, 100)] for k in range(1, 20)]
    spine = [[(100.0 * k, 0), (100.0 * (k + 1), 0)] for k in range(20)]
    net = network(*teeth, *spine)
    before = TravelTimes(net)
    places = net.snap(np.array([[500_000.0 + 100.0 * k, 3_545_050.0] for k in range(1, 20)]))
    factor = np.ones(len(net.edge_tail))
    factor[places.edge[18]] = 0.0
    travel = before.with_factors(factor)
    known = before.matrix_s(places, places)
    asked: list[tuple[int, int]] = []
    whole = TravelTimes.matrix_s

    def counted(self: TravelTimes, a: Any, b: Any) -> Any:
        asked.append((len(a), len(b)))
        return whole(self, a, b)

    monkeypatch.setattr(TravelTimes, "matrix_s", counted)
    found = changed_matrix_s(travel, before, known, places, places)
    # To both ends of the arc that leads out of the tooth, by which no other place's best route comes; on from none
    # of its ends; from the place on it to all, and from the others to it.
    assert asked == [(18, 1), (18, 1), (0, 19), (1, 19), (18, 1)]
    monkeypatch.undo()
    assert np.array_equal(found, travel.matrix_s(places, places))


def test_nothing_changed_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    net = network([(0, 0), (100, 0)], [(100, 0), (200, 0)])
    before = TravelTimes(net)
    places = net.snap(net.node_xy_m)
    known = before.matrix_s(places, places)
    monkeypatch.setattr(TravelTimes, "matrix_s", None)
    assert np.array_equal(changed_matrix_s(before.with_factors([1.0, 1.0]), before, known, places, places), known)


def test_a_road_that_becomes_quicker_asks_for_everything() -> None:
    net = network([(0, 0), (100, 0)], [(100, 0), (200, 0)], [(0, 0), (100, 90), (200, 0)])
    before = TravelTimes(net, edge_factor=[1.0, 0.0, 1.0])
    places = net.snap(net.node_xy_m)
    known = before.matrix_s(places, places)
    travel = before.with_factors([1.0, 1.0, 1.0])
    found = changed_matrix_s(travel, before, known, places, places)
    assert np.array_equal(found, travel.matrix_s(places, places))
    assert (found < known).any()


def test_what_does_not_fit_is_refused() -> None:
    net, other = network([(0, 0), (100, 0)]), network([(0, 0), (100, 0)])
    before = TravelTimes(net)
    places = net.snap(net.node_xy_m)
    known = before.matrix_s(places, places)
    with pytest.raises(InputError, match="another network"):
        changed_matrix_s(TravelTimes(other), before, known, places, places)
    with pytest.raises(InputError, match="expected 2 origins by 1"):
        changed_matrix_s(before, before, known, places, places.take([0]))
