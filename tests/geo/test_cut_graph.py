"""The cut graph against the travel times, to the millisecond."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from geo.cut_graph import CutGraph, cut_graph
from geo.times import TravelTimes
from tests.geo.road_cases import ENGINES, ORIGIN, SEEDS, network, random_network, random_places


def shortest_s(graph: CutGraph) -> Any:
    """(origins, destinations) s by SciPy on the arcs; a little is added so that an arc of 0 is an arc."""
    size = graph.first_destination + graph.destinations
    order = np.lexsort((graph.cost, graph.head, graph.tail))
    tail, head, cost = graph.tail[order], graph.head[order], graph.cost[order]
    first = np.r_[True, (np.diff(tail) != 0) | (np.diff(head) != 0)][: len(tail)]
    arcs = coo_array((cost[first] + 1e-6, (tail[first], head[first])), shape=(size, size)).tocsr()
    far = dijkstra(arcs, indices=np.arange(graph.nodes, graph.first_destination))
    return np.rint(far[:, graph.first_destination :]) / 1000.0


@pytest.mark.parametrize("engine", ENGINES)
@settings(max_examples=150, deadline=None)
@given(seed=SEEDS)
def test_its_shortest_paths_are_the_matrix(engine: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    net = random_network(rng)
    factor = rng.choice([0.0, 0.4, 1.0], len(net.edge_tail), p=[0.15, 0.25, 0.6])
    travel = TravelTimes(net, edge_factor=factor, engine=engine)
    a, b = random_places(net, rng, 6), random_places(net, rng, 9)
    for k in range(0, 9, 2):  # places on one edge, before, behind and on one spot
        b.edge[k] = a.edge[k % 6]
        b.fraction[k] = a.fraction[k % 6] if k % 4 == 0 else rng.random()
    a.edge[5], a.fraction[5] = a.edge[0], rng.random()
    assert np.array_equal(shortest_s(cut_graph(travel, a, b)), travel.matrix_s(a, b))


def test_an_edge_is_cut_at_its_origins_and_nowhere_else() -> None:
    net = network([(0, 0), (100, 0)], [(100, 0), (200, 0)])
    origins = net.snap(ORIGIN + np.array([(60.0, 0.0), (20.0, 0.0), (100.0, 0.0)]))
    destinations = net.snap(ORIGIN + np.array([(10.0, 0.0), (40.0, 0.0), (60.0, 0.0), (90.0, 0.0), (150.0, 0.0)]))
    found = cut_graph(TravelTimes(net), origins, destinations)
    assert (found.edges, found.nodes, found.origins, found.destinations) == (2, 3, 3, 5)
    first, middle, last = found.destination_piece[[0, 1, 3]].tolist()
    assert len({first, middle, last, 1}) == 4  # three pieces of edge 0, and edge 1 whole
    assert found.destination_piece.tolist() == [first, middle, last, last, 1]
    on_spot = found.side == 2
    assert (found.tail[on_spot] - found.nodes).tolist() == [0]
    assert (found.head[on_spot] - found.first_destination).tolist() == [2]
    whole = found.edge[(found.side < 0) & (found.edge >= 0)]
    assert np.bincount(whole).tolist() == [6, 2]


def test_a_place_on_a_node_stands_on_no_piece() -> None:
    net = network([(0, 0), (100, 0)], oneway=["yes"])
    places = net.snap(ORIGIN + np.array([(0.0, 0.0), (100.0, 0.0), (100.0, 9_000.0)]))
    found = cut_graph(TravelTimes(net), places, places)
    assert found.destination_piece.tolist() == [-1, -1, -1]
    assert shortest_s(found).tolist() == [[0.0, 18.0, np.inf], [np.inf, 0.0, np.inf], [np.inf] * 3]


def test_a_network_without_roads_has_no_arcs() -> None:
    net = network()
    places = net.snap(ORIGIN + np.zeros((2, 2)))
    found = cut_graph(TravelTimes(net), places, places)
    assert len(found.tail) == 0
    assert found.destination_piece.tolist() == [-1, -1]
