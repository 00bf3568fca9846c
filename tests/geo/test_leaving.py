"""Roads cut at the border of a zone, against every path on the uncut roads."""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.errors import InputError
from geo.leaving import Leaving, leaving
from geo.network import RoadNetwork, road_network
from geo.times import TravelTimes, contraction_order

SEEDS = st.integers(0, 2**32 - 1)
EPSG = 4549
ORIGIN = np.array([500_000.0, 3_500_000.0])


def network_of(lines: list[Any], **tags: Any) -> RoadNetwork:
    moved = [shapely.transform(line, lambda xy: xy + ORIGIN) for line in lines]
    frame = gpd.GeoDataFrame({"highway": ["residential"] * len(lines), **tags}, geometry=moved, crs=EPSG)
    return road_network(frame, epsg=EPSG)


def at(zone: Any) -> Any:
    return shapely.transform(zone, lambda xy: xy + ORIGIN)


def grid(rng: np.random.Generator, side: int = 4) -> RoadNetwork:
    """Streets between the points of a grid that is a little out of shape, some of them missing, some bent."""
    xy = np.array([(x, y) for x in range(side) for y in range(side)]) * 100.0
    xy += rng.uniform(-20, 20, xy.shape)
    pairs = [(k, k + 1) for k in range(side * side) if (k + 1) % side]
    pairs += [(k, k + side) for k in range(side * side - side)]
    lines = []
    for a, b in pairs:
        if rng.random() < 0.9:
            bend = [(xy[a] + xy[b]) / 2 + rng.uniform(-30, 30, 2)] if rng.random() < 0.4 else []
            lines.append(shapely.LineString([xy[a], *bend, xy[b]]))
    return network_of(lines)


def zone_of(rng: np.random.Generator) -> Any:
    """One or two areas, some with a hole."""
    parts = []
    for _ in range(int(rng.integers(1, 3))):
        centre = rng.uniform(0, 300, 2)
        area = shapely.Point(centre).buffer(float(rng.uniform(30, 140)), quad_segs=int(rng.integers(1, 4)))
        if rng.random() < 0.3:
            area = area.difference(shapely.Point(centre).buffer(25))
        parts.append(area)
    return at(shapely.union_all(parts))


def paths(network: RoadNetwork, a: int, b: int) -> Iterator[Any]:
    """Every path from node to node on the uncut roads, as a line; none from a node to itself."""
    lines = [shapely.get_coordinates(line) for line in network.edge_lines()]
    ends = list(zip(network.edge_tail.tolist(), network.edge_head.tolist(), strict=True))

    def on(node: int, seen: set[int], coords: list[Any]) -> Iterator[Any]:
        if node == b:
            yield shapely.LineString(np.vstack(coords))
            return
        for (u, v), line in zip(ends, lines, strict=True):
            if node in (u, v) and (other := v if node == u else u) not in seen:
                yield from on(other, seen | {other}, [*coords, line if node == u else line[::-1]])

    if a != b:
        yield from on(a, {a}, [])


def is_out_once(line: Any, zone: Any) -> bool:
    """Nothing of the line inside the zone but, at most, one piece at its beginning."""
    inside = shapely.intersection(line, zone).length
    if inside < 0.01:
        return True
    if not zone.contains(shapely.Point(line.coords[0])):
        return False
    is_in = shapely.contains(zone, shapely.line_interpolate_point(line, np.linspace(0, line.length, 1001)))
    return not (np.diff(is_in.astype(int)) > 0).any()


@given(SEEDS)
@settings(max_examples=40, deadline=None)
def test_routes_equal_the_shortest_of_all_paths_that_leave_once(seed: int) -> None:
    rng = np.random.default_rng(seed)
    network, zone = grid(rng, 3), zone_of(rng)
    left = leaving(network, zone)
    times = TravelTimes(left.network, weight="distance", order=left.order(contraction_order(network)))
    in_zone = shapely.contains(zone, shapely.points(network.node_xy_m))
    snapped = left.snap(network.node_xy_m, in_zone)
    found = times.matrix_s(snapped, snapped)
    on_node = np.flatnonzero(snapped.access_m < 1e-6)  # others were put on a piece outside
    for a, b in rng.choice(on_node, (12, 2)):
        if a != b and not in_zone[b]:
            lengths = [line.length for line in paths(network, int(a), int(b)) if is_out_once(line, zone)]
            assert found[a, b] == pytest.approx(min(lengths, default=np.inf), abs=0.02)


@given(SEEDS)
@settings(max_examples=40, deadline=None)
def test_pieces_add_up_and_lie_on_one_side(seed: int) -> None:
    rng = np.random.default_rng(seed)
    network, zone = grid(rng), zone_of(rng)
    left = leaving(network, zone)
    cut = left.reentering
    whole = np.bincount(left.edge_of, cut.edge_length_m, len(network.edge_tail))
    assert whole == pytest.approx(network.edge_length_m, abs=1e-6)
    lines = cut.edge_lines()
    assert shapely.length(lines) == pytest.approx(cut.edge_length_m, abs=1e-6)
    ends = [cut.node_xy_m[cut.edge_tail], cut.node_xy_m[cut.edge_head]]
    assert shapely.get_coordinates(shapely.get_point(lines, 0)) == pytest.approx(ends[0], abs=0.02)
    assert shapely.get_coordinates(shapely.get_point(lines, -1)) == pytest.approx(ends[1], abs=0.02)
    covered = shapely.length(shapely.intersection(lines, zone))
    assert covered[left.inside] == pytest.approx(cut.edge_length_m[left.inside], abs=0.02)
    assert covered[~left.inside] == pytest.approx(0.0, abs=0.02)
    assert (left.pieces(np.arange(len(network.edge_tail))) == left.edge_of).all()
    # With every arc the distances are those of the uncut roads.
    snapped = network.snap(network.node_xy_m)
    before = TravelTimes(network, weight="distance", engine="scipy").matrix_s(snapped, snapped)
    again = cut.snap(network.node_xy_m)
    order = left.order(contraction_order(network))
    assert TravelTimes(cut, weight="distance", order=order).matrix_s(again, again) == pytest.approx(before, abs=0.05)


def straight(*x: float) -> RoadNetwork:
    return network_of([shapely.LineString([(a, 0), (b, 0)]) for a, b in itertools.pairwise(x)])


def metres(left: Leaving, xy: Any, in_zone: Any, *, reentering: bool = False) -> Any:
    network = left.reentering if reentering else left.network
    snapped = left.snap(np.asarray(xy) + ORIGIN, in_zone)
    return TravelTimes(network, weight="distance", engine="scipy").matrix_s(snapped, snapped)


def test_one_goes_out_and_not_in() -> None:
    left = leaving(straight(0, 100, 200), at(shapely.box(40, -10, 160, 10)))
    assert left.new_nodes == 2
    found = metres(left, [[10, 0], [60, 0], [190, 0]], [False, True, False])
    assert found[1].tolist() == pytest.approx([50.0, 0.0, 130.0])
    assert np.isinf([found[0, 2], found[2, 0]]).all()
    assert metres(left, [[10, 0], [190, 0]], [False, False], reentering=True)[0, 1] == pytest.approx(180.0)


def test_the_border_is_outside() -> None:
    """A road along the border stays open; so does one that ends at it."""
    left = leaving(straight(0, 100, 200), at(shapely.box(0, 0, 200, 50)))
    assert left.new_nodes == 0
    assert not left.inside.any()
    assert metres(left, [[0, 0], [200, 0]], [False, False])[0, 1] == 200.0
    ends = leaving(straight(0, 100, 200), at(shapely.box(100, -10, 200, 10)))
    assert ends.inside.tolist() == [False, True]
    assert metres(ends, [[0, 0], [100, 0]], [False, False])[0, 1] == 100.0


def test_where_the_only_way_out_touches_the_zone_again_it_is_there_with_every_arc() -> None:
    zone = at(shapely.union_all([shapely.box(-10, -10, 40, 10), shapely.box(60, -10, 80, 10)]))
    left = leaving(straight(0, 100), zone)
    assert np.isinf(metres(left, [[5, 0], [95, 0]], [True, False])[0, 1])
    assert metres(left, [[5, 0], [95, 0]], [True, False], reentering=True)[0, 1] == pytest.approx(90.0)
    assert metres(left, [[5, 0], [50, 0]], [True, False])[0, 1] == pytest.approx(45.0)


def test_who_is_outside_takes_a_road_outside() -> None:
    roads = network_of([shapely.LineString([(0, 0), (100, 0)]), shapely.LineString([(0, 30), (100, 30)])])
    left = leaving(roads, at(shapely.box(-10, -10, 110, 5)))
    asked = np.array([[50.0, 6.0]]) + ORIGIN
    outside, inside = left.snap(asked, [False]), left.snap(asked, [True])
    assert outside.access_m[0] == pytest.approx(24.0)
    assert not left.inside[outside.edge[0]]
    assert inside.access_m[0] == pytest.approx(6.0)
    assert left.inside[inside.edge[0]]
    assert left.snap(asked, [False], max_m=24.0).edge[0] == outside.edge[0]  # the bound is included
    assert left.snap(asked, [False], max_m=23.99).edge[0] == -1
    with pytest.raises(InputError, match="in_zone"):
        left.snap(asked, [])
    # A road that nobody sets out on is not taken, inside or outside.
    for is_in in (True, False):
        assert left.snap(asked, [is_in], usable=[False, True]).access_m[0] == pytest.approx(24.0)
    assert left.snap(asked, [True], usable=[True, False]).access_m[0] == pytest.approx(6.0)
    assert left.snap(asked, [False], usable=[True, False]).edge[0] == -1


def test_one_way_streets_stay_one_way() -> None:
    roads = network_of([shapely.LineString([(0, 0), (100, 0)])], oneway=["yes"])
    left = leaving(roads, at(shapely.box(20, -10, 60, 10)))
    found = metres(left, [[40, 0], [90, 0], [10, 0]], [True, False, False])
    assert found[0, 1] == pytest.approx(50.0)
    assert np.isinf(found[0, 2])


def test_nothing_to_leave_changes_nothing() -> None:
    network = straight(0, 100)
    for zone in (None, shapely.Polygon()):
        left = leaving(network, zone)
        assert left.network is network
        assert left.new_nodes == 0
        assert left.order([1, 0]) == [1, 0]
        assert left.order([]) == []
    nowhere = replace(leaving(network_of([]), at(shapely.box(0, 0, 1, 1))), new_nodes=0)
    assert len(nowhere.inside) == 0


@pytest.mark.parametrize("zone", [shapely.Point(0, 0), shapely.Polygon([(0, 0), (9, 9), (9, 0), (0, 9)])])
def test_a_zone_that_is_no_area_is_refused(zone: Any) -> None:
    with pytest.raises(InputError, match="zone"):
        leaving(straight(0, 100), zone)
