"""Links against walking along the roads, and the carriageways of bridges by hand."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings

from geo.errors import InputError
from geo.links import BESIDE_M, Links, road_links
from geo.network import RoadNetwork
from tests.geo.road_cases import SEEDS, network, random_network


def walked(net: RoadNetwork) -> set[frozenset[int]]:
    """The chains by walking: an edge is joined to the other one at a node where exactly two ends meet."""
    ends: dict[int, list[int]] = {}
    for edge, (tail, head) in enumerate(zip(net.edge_tail.tolist(), net.edge_head.tolist(), strict=True)):
        if tail != head or net.edge_length_m[edge] > 0:
            ends.setdefault(tail, []).append(edge)
            ends.setdefault(head, []).append(edge)
    group = {edge: {edge} for edge in range(len(net.edge_tail))}
    for at in ends.values():
        if len(at) == 2 and net.edge_bridge[at[0]] == net.edge_bridge[at[1]]:
            both = group[at[0]] | group[at[1]]
            for edge in both:
                group[edge] = both
    return {frozenset(edges) for edges in group.values()}


def groups(links: Links) -> list[list[int]]:
    return [np.flatnonzero(links.edge_link == k).tolist() for k in range(len(links))]


def rows_of(net: RoadNetwork) -> list[list[int]]:
    """The links as the rows whose edges they have."""
    found = groups(road_links(net))
    return sorted(sorted({int(net.edge_row[edge]) for edge in edges}) for edges in found)


@settings(max_examples=300, deadline=None)
@given(SEEDS)
def test_links_are_the_walked_chains(seed: int) -> None:
    net = random_network(np.random.default_rng(seed))
    links = road_links(net)
    chains = walked(net)
    found = {frozenset(edges) for edges in groups(links)}
    pairs = [edges for edges in found if edges not in chains]
    assert all(edges == frozenset().union(*(c for c in chains if c <= edges)) for edges in found)
    for edges in pairs:  # two carriageways
        assert len([c for c in chains if c <= edges]) == 2
        assert all(net.edge_bridge[edge] and net.edge_forward[edge] != net.edge_backward[edge] for edge in edges)
    assert links.first_edge.tolist() == sorted(min(edges) for edges in found)
    assert links.edges.sum() == len(net.edge_tail)
    assert links.length_m.sum() == pytest.approx(net.edge_length_m.sum())
    for k, edges in enumerate(groups(links)):
        assert links.is_bridge[k] == all(net.edge_bridge[edges]) == any(net.edge_bridge[edges])
    lines = links.lines(net, np.arange(len(links))[::-1])
    assert shapely.length(lines)[::-1] == pytest.approx(links.length_m, abs=1e-6)


def test_a_chain_ends_at_junctions_and_dead_ends() -> None:
    net = network(
        [(0, 0), (100, 0)],
        [(100, 0), (200, 0)],
        [(200, 0), (300, 0)],
        [(200, 0), (200, 100)],
        oneway=["yes", "-1", None, None],
    )
    assert rows_of(net) == [[0, 1], [2], [3]]
    line = road_links(net).lines(net, [0])[0]
    assert line.geom_type == "LineString"
    assert line.length == pytest.approx(200)


def test_a_loop_at_the_end_of_a_road_is_one_link() -> None:
    loop = [(100, 0), (150, 50), (150, -50), (100, 0)]
    net = network([(0, 0), (100, 0)], loop[:2], loop[1:3], loop[2:])
    assert rows_of(net) == [[0], [1, 2, 3]]
    assert rows_of(network([(0, 0), (100, 0)], loop)) == [[0], [1]]


def test_a_ring_that_meets_nothing_is_one_link() -> None:
    ring = [(0, 0), (50, 80), (100, 0), (0, 0)]
    assert rows_of(network(*pairwise(ring))) == [[0, 1, 2]]
    assert rows_of(network(ring)) == [[0]]


def test_two_roads_between_the_same_junctions_are_two_links() -> None:
    net = network([(0, 0), (100, 0)], [(100, 0), (150, 30), (200, 0)], [(100, 0), (200, 0)], [(200, 0), (300, 0)])
    assert rows_of(net) == [[0], [1], [2], [3]]
    assert rows_of(network([(100, 0), (150, 30), (200, 0)], [(100, 0), (200, 0)])) == [[0, 1]]


def test_a_bridge_in_a_chain_is_a_link_of_its_own() -> None:
    lines = [[(x, 0), (x + 100, 0)] for x in range(0, 500, 100)]
    net = network(*lines, bridge=[False, True, True, False, False])
    links = road_links(net)
    assert rows_of(net) == [[0], [1, 2], [3, 4]]
    assert links.is_bridge.tolist() == [False, True, False]


def test_a_point_of_a_road_joins_nothing() -> None:
    net = network([(0, 0), (100, 0)], [(100, 0), (200, 0)], [(100, 0), (100, 0)])
    assert rows_of(net) == [[0, 1], [2]]


# -- carriageways ---------------------------------------------------------------------------------


def pair(*, apart: float = 12.0, oneway: Any = ("yes", "yes"), turn: float = 0.0, back: bool = True) -> RoadNetwork:
    """Two bridges side by side over x = 0 .. 200, the second `apart` metres north."""
    north = [(200.0, apart), (0.0, apart + turn)]
    return network(
        [(0, 0), (200, 0)],
        north if back else north[::-1],
        [(-100, 0), (0, 0)],
        [(200, 0), (300, 0)],
        bridge=[True, True, False, False],
        oneway=[*oneway, "yes", "yes"],
    )


def together(net: RoadNetwork, names: Any = None) -> bool:
    link = road_links(net, names=names).edge_link
    return bool(link[0] == link[1])


def test_the_carriageways_of_a_bridge_are_one_link() -> None:
    net = pair()
    links = road_links(net)
    assert together(net)
    assert links.edges.tolist() == [2, 1, 1]
    assert links.length_m[0] == pytest.approx(400)
    assert links.lines(net, [0])[0].geom_type == "MultiLineString"


@pytest.mark.parametrize(
    "net,expected",
    [
        (pair(apart=BESIDE_M), True),
        (pair(apart=BESIDE_M + 0.01), False),
        (pair(back=False), False),  # both eastward
        (pair(oneway=("yes", None)), False),  # a road of both directions is whole
        (pair(oneway=("yes", "-1"), back=False), True),  # drawn alike, driven against each other
        (pair(oneway=("-1", "-1")), True),
        (pair(turn=40.0), True),
        (pair(turn=130.0), False),  # 33 degrees from the opposite
    ],
)
def test_what_makes_two_carriageways(net: RoadNetwork, expected: bool) -> None:
    assert together(net) is expected


@pytest.mark.parametrize(
    "names,expected",
    [
        (["长江大桥", "长江大桥", None, None], True),
        (["长江大桥", " 长江大桥 ", None, None], True),
        (["长江大桥", None, None, None], True),
        (["长江大桥", float("nan"), None, None], True),
        (["长江大桥", "二桥", None, None], False),
    ],
)
def test_carriageways_have_one_name(names: Any, expected: bool) -> None:
    assert together(pair(), names) is expected


def test_roads_that_are_no_bridge_stay_two_links() -> None:
    net = network([(0, 0), (200, 0)], [(200, 12), (0, 12)], oneway=["yes", "yes"])
    assert len(road_links(net)) == 2


def test_of_several_bridges_side_by_side_the_nearest_go_together() -> None:
    lines = [[(0, y), (200, y)] if k % 2 == 0 else [(200, y), (0, y)] for k, y in enumerate((0, 10, 38, 46))]
    net = network(*lines, bridge=[True] * 4, oneway=["yes"] * 4)
    assert rows_of(net) == [[0, 1], [2, 3]]


def test_carriageways_in_pieces_go_together_two_by_two() -> None:
    # North in two pieces because a ramp leaves it: the long one takes the nearer middle.
    net = network(
        [(0, 0), (200, 0)],
        [(200, 12), (120, 12)],
        [(120, 12), (0, 12)],
        [(120, 12), (120, 80)],
        bridge=[True, True, True, False],
        oneway=["yes"] * 4,
    )
    assert sorted(len(edges) for edges in groups(road_links(net))) == [1, 1, 2]


@settings(max_examples=60, deadline=None)
@given(SEEDS)
def test_the_order_of_the_roads_only_renumbers(seed: int) -> None:
    rng = np.random.default_rng(seed)
    corner = rng.integers(0, 300, (12, 2)) + rng.random((12, 2))  # no two carriageways equally near
    pairs = [(a, b) for a in range(12) for b in range(a)]
    chosen = rng.choice(len(pairs), int(rng.integers(2, 40)), replace=False)
    lines = [corner[list(pairs[k])] for k in chosen]
    more = {
        "oneway": rng.choice(np.array(["yes", "-1", None], dtype=object), len(lines)),
        "bridge": rng.random(len(lines)) < 0.4,
    }
    turn = rng.permutation(len(lines))
    one = network(*lines, **more)
    other = network(*(lines[k] for k in turn), **{name: values[turn] for name, values in more.items()})

    def keyed(net: RoadNetwork, rows: Any) -> set[frozenset[Any]]:
        ends = [
            (int(rows[net.edge_row[k]]), *np.round(net.edge_coords_m[net.edge_start[k]], 2))
            for k in range(len(net.edge_tail))
        ]
        return {frozenset(ends[edge] for edge in edges) for edges in groups(road_links(net))}

    assert keyed(one, np.arange(len(lines))) == keyed(other, turn)


def test_no_roads_have_no_links() -> None:
    links = road_links(network())
    assert len(links) == 0
    assert len(links.lines(network(), [])) == 0


def test_names_of_other_roads_are_refused() -> None:
    with pytest.raises(InputError, match="names: 1 values for 4"):
        road_links(pair(), names=["x"])
