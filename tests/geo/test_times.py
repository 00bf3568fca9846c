"""Travel times against Dijkstra on a graph in which every place is a node of its own."""

import threading
from dataclasses import replace
from itertools import pairwise
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from geo import times
from geo.errors import InputError, Unavailable
from geo.network import RoadNetwork, Snapped, road_network
from geo.speeds import DEFAULT_SPEEDS, ROAD_SPEEDS, RoadSpeed, SpeedTable
from geo.times import TravelTimes, contraction_order, last_leg_s
from tests.geo.road_cases import ENGINES, EPSG, ORIGIN, SEEDS, network, random_network, random_places


def oracle(
    net: RoadNetwork, edge_cost: Any, origins: Snapped, destinations: Snapped
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Cut every edge at the places on it, then Dijkstra; the best of parallel arcs by hand."""
    n, a = len(net.node_xy_m), len(origins)
    arcs: dict[tuple[int, int], float] = {}

    def arc(tail: int, head: int, cost: float) -> None:
        arcs[tail, head] = min(arcs.get((tail, head), np.inf), cost)

    places = [(int(e), float(f), n + k) for k, (e, f) in enumerate(zip(origins.edge, origins.fraction, strict=True))]
    places += [
        (int(e), float(f), n + a + k)
        for k, (e, f) in enumerate(zip(destinations.edge, destinations.fraction, strict=True))
    ]
    for edge in range(len(net.edge_tail)):
        ends = (int(net.edge_tail[edge]), int(net.edge_head[edge]))
        on = sorted((f, node) for e, f, node in places if e == edge)
        chain = [(0.0, ends[0]), *on, (1.0, ends[1])]
        for (f, one), (g, other) in pairwise(chain):
            cost = (g - f) * edge_cost[edge] if np.isfinite(edge_cost[edge]) else np.inf
            if net.edge_forward[edge] or g == f:
                arc(one, other, 0.0 if g == f else cost)
            if net.edge_backward[edge] or g == f:
                arc(other, one, 0.0 if g == f else cost)
    kept = [(t, h, c) for (t, h), c in arcs.items() if np.isfinite(c) and t != h]
    size = n + len(places)
    tail, head, cost = (np.array(v) for v in zip(*kept, strict=True)) if kept else (np.empty(0, int),) * 3
    graph = coo_array((cost + 1e-9, (tail, head)), shape=(size, size)).tocsr()
    far = dijkstra(graph, indices=np.arange(n, n + a))[:, n + a :]
    there = (origins.edge >= 0)[:, None] & (destinations.edge >= 0)[None, :]
    return np.where(there, far, np.inf)


def edge_seconds(net: RoadNetwork, factor: Any = None) -> Any:
    """(e,) s at free flow, worked out edge by edge."""
    found = np.empty(len(net.edge_tail))
    for k in range(len(found)):
        kmh = ROAD_SPEEDS[net.edge_class[k]].free_kmh
        if not np.isnan(net.edge_maxspeed_kmh[k]):
            kmh = min(kmh, net.edge_maxspeed_kmh[k])
        share = 1.0 if factor is None else factor[k]
        found[k] = net.edge_length_m[k] / (kmh / 3.6) / share if share else np.inf
    return found


def close_to(found: Any, expected: Any, tolerance: float = 0.06) -> bool:
    """Equal to within the rounding of some dozens of arcs to a millisecond, and inf where inf."""
    both = np.isfinite(expected)
    return bool(np.array_equal(np.isfinite(found), both) and (np.abs(found[both] - expected[both]) <= tolerance).all())


# -- against the oracle -----------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
@settings(max_examples=40, deadline=None)
@given(seed=SEEDS)
def test_matrix_is_dijkstra(engine: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    net = random_network(rng)
    found = TravelTimes(net, engine=engine)
    assert found.engine == engine
    for n, m in ((3, 9), (9, 3), (1, 1)):
        a, b = random_places(net, rng, n), random_places(net, rng, m)
        assert close_to(found.matrix_s(a, b), oracle(net, edge_seconds(net), a, b))


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_closures_and_factors_are_dijkstra_without_those_arcs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    net = random_network(rng)
    a, b = random_places(net, rng, 4), random_places(net, rng, 8)
    open_ = TravelTimes(net)
    before = open_.matrix_s(a, b)
    factor = rng.choice([0.0, 0.25, 1.0], len(net.edge_tail), p=[0.2, 0.2, 0.6])
    for travel in (open_.with_factors(factor), TravelTimes(net, edge_factor=factor)):
        assert close_to(travel.matrix_s(a, b), oracle(net, edge_seconds(net, factor), a, b))
    assert np.array_equal(open_.matrix_s(a, b), before)
    again = open_.with_factors(factor).with_factors(np.ones(len(factor)))
    assert np.array_equal(again.matrix_s(a, b), before)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("weight", ["time", "distance"])
@settings(max_examples=25, deadline=None)
@given(seed=SEEDS)
def test_paths_add_up_to_the_matrix(engine: Any, weight: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    net = random_network(rng)
    factor = rng.choice([0.0, 0.5, 1.0], len(net.edge_tail), p=[0.1, 0.2, 0.7])
    travel = TravelTimes(net, weight=weight, engine=engine, edge_factor=factor)
    a, b = random_places(net, rng, 4), random_places(net, rng, 5)
    cost = travel.matrix_s(a, b)
    time_s, distance_m = travel.measured(a, b)
    assert close_to(time_s if weight == "time" else distance_m, cost)
    assert close_to(travel.distance_m(a, b), distance_m)
    for i in range(len(a)):
        for j in range(len(b)):
            route = travel.path(a, b, i, j)
            assert (route is None) == (not np.isfinite(cost[i, j]))
            if route is None:
                continue
            line = shapely.LineString(route.xy_m)
            pieces = [piece for piece in route.pieces if len(piece) > 1]
            assert sum(shapely.LineString(piece).length for piece in pieces) == pytest.approx(line.length, abs=1e-6)
            assert len(route.edge) == len(route.pieces)
            for k, piece in zip(route.edge.tolist(), route.pieces, strict=True):
                assert shapely.distance(net.edge_lines()[k], shapely.points(piece)).max() < 0.03
            assert line.length == pytest.approx(route.distance_m, abs=1e-6)
            assert (route.time_s, route.distance_m) == pytest.approx((time_s[i, j], distance_m[i, j]))
            assert route.xy_m[0] == pytest.approx(a.xy_m[i], abs=0.03)
            assert route.xy_m[-1] == pytest.approx(b.xy_m[j], abs=0.03)
            steps = np.diff(route.xy_m, axis=0)
            assert np.isfinite(steps).all()


@settings(max_examples=30, deadline=None)
@given(SEEDS)
def test_distances_are_those_of_lengths(seed: int) -> None:
    rng = np.random.default_rng(seed)
    net = random_network(rng)
    a, b = random_places(net, rng, 3), random_places(net, rng, 6)
    assert close_to(TravelTimes(net, weight="distance").matrix_s(a, b), oracle(net, net.edge_length_m, a, b))


@settings(max_examples=30, deadline=None)
@given(SEEDS)
def test_turning_every_one_way_round_transposes_the_matrix(seed: int) -> None:
    rng = np.random.default_rng(seed)
    net = random_network(rng)
    a, b = random_places(net, rng, 4), random_places(net, rng, 7)
    other = replace(
        net,
        edge_forward=net.edge_backward,
        edge_backward=net.edge_forward,
        arc_tail=net.arc_head,
        arc_head=net.arc_tail,
        arc_is_forward=~net.arc_is_forward,
    )
    forth, back = TravelTimes(net).matrix_s(a, b), TravelTimes(other).matrix_s(b, a)
    assert close_to(forth, back.T)


@pytest.mark.parametrize("seed", range(100))
def test_both_engines_answer_alike_with_streets_closed_and_slowed(seed: int) -> None:
    rng = np.random.default_rng(seed)
    net = random_network(rng)
    a, b = random_places(net, rng, 5), random_places(net, rng, 7)
    b.edge[0], b.fraction[0], b.xy_m[0] = a.edge[0], rng.random(), np.nan  # two places on one edge
    factor = rng.choice([0.0, 0.4, 1.0], len(net.edge_tail), p=[0.15, 0.25, 0.6])
    one, two = (TravelTimes(net, engine=engine, edge_factor=factor) for engine in ENGINES)
    found = one.matrix_s(a, b)
    assert np.array_equal(found, two.matrix_s(a, b))
    assert np.array_equal(found, TravelTimes(net).with_factors(factor).matrix_s(a, b))
    assert np.array_equal(one.matrix_s(b, a), two.matrix_s(b, a))
    assert close_to(found, oracle(net, edge_seconds(net, factor), a, b))
    single = [[one.matrix_s(a.take([i]), b.take([j]))[0, 0] for j in range(7)] for i in range(5)]
    assert np.array_equal(found, single)
    assert np.array_equal(one.matrix_s(a, b.take([0, 1])), found[:, :2])  # more origins than destinations


@settings(max_examples=30, deadline=None)
@given(SEEDS)
def test_the_order_of_roads_does_not_change_times(seed: int) -> None:
    rng = np.random.default_rng(seed)
    lines = [rng.integers(0, 4, (2, 2)) * 100.0 for _ in range(int(rng.integers(2, 30)))]
    oneway = rng.choice(np.array(["yes", "-1", None], dtype=object), len(lines))
    turn = rng.permutation(len(lines))
    xy = ORIGIN + rng.uniform(-20, 320, (8, 2))
    one = network(*lines, oneway=oneway)
    other = network(*(lines[k] for k in turn), oneway=oneway[turn])
    # A place as near to one street as to another may go to either: those are left out.
    a, b = one.snap(xy), other.snap(xy)
    alike = np.flatnonzero((turn[other.edge_row[b.edge]] == one.edge_row[a.edge]) & (a.edge >= 0))
    found = [TravelTimes(net).matrix_s(s.take(alike), s.take(alike)) for net, s in ((one, a), (other, b))]
    assert close_to(found[0], found[1], 0.01)


def test_against_one_ways_times_are_the_same_both_ways() -> None:
    rng = np.random.default_rng(11)
    lines = [[(x, y), (x + dx, y + dy)] for x in (0, 100, 200) for y in (0, 100) for dx, dy in ((100, 0), (0, 100))]
    shapes = [shapely.LineString(np.array(line, dtype=float) + ORIGIN) for line in lines]
    table = {"highway": ["primary"] * len(lines), "oneway": rng.choice(["yes", "-1"], len(lines))}
    frame = gpd.GeoDataFrame(table, geometry=shapes, crs=EPSG)
    plain, blue = (road_network(frame, epsg=EPSG, ignore_oneway=ignore) for ignore in (False, True))
    xy = ORIGIN + rng.uniform(0, 300, (10, 2))
    found = TravelTimes(blue).matrix_s(blue.snap(xy), blue.snap(xy))
    assert np.isfinite(found).all()
    assert close_to(found, found.T)
    assert (found <= TravelTimes(plain).matrix_s(plain.snap(xy), plain.snap(xy)) + 0.01).all()
    assert np.isinf(TravelTimes(plain).matrix_s(plain.snap(xy), plain.snap(xy))).any()


# -- by hand ----------------------------------------------------------------------------------------

SPEED = 20 / 3.6


def at(*places: tuple[float, float]) -> Any:
    return np.array(places, dtype=float) + ORIGIN


@pytest.mark.parametrize("engine", ENGINES)
def test_two_places_on_one_street(engine: Any) -> None:
    net = network([(0, 0), (100, 0)])
    places = net.snap(at((20, 5), (70, -5)))
    found = TravelTimes(net, engine=engine).matrix_s(places, places)
    assert found == pytest.approx(np.array([[0, 50], [50, 0]]) / SPEED, abs=0.002)


@pytest.mark.parametrize("engine", ENGINES)
def test_backwards_in_a_one_way_street_is_round_the_block(engine: Any) -> None:
    block = ([(0, 0), (100, 0)], [(100, 0), (100, 100)], [(100, 100), (0, 100)], [(0, 100), (0, 0)])
    net = network(*block, oneway=["yes"] * 4)
    places = net.snap(at((20, 5), (70, -5)))
    travel = TravelTimes(net, engine=engine)
    expected = np.array([[0, 50], [350, 0]])
    assert travel.matrix_s(places, places) == pytest.approx(expected / SPEED, abs=0.005)
    assert travel.distance_m(places, places) == pytest.approx(expected, abs=0.001)
    route = travel.path(places, places, 1, 0)
    assert route is not None
    assert len(route.xy_m) == 6


@pytest.mark.parametrize("engine", ENGINES)
def test_a_dead_end_one_way_has_no_way_back(engine: Any) -> None:
    net = network([(0, 0), (100, 0)], oneway=["yes"])
    places = net.snap(at((20, 5), (70, -5)))
    travel = TravelTimes(net, engine=engine)
    assert np.isinf(travel.matrix_s(places, places)[1, 0])
    assert travel.path(places, places, 1, 0) is None


@pytest.mark.parametrize("engine", ENGINES)
def test_a_shorter_way_round_than_along_the_own_slow_street(engine: Any) -> None:
    net = network(
        [(0, 0), (1000, 0)],
        [(0, 0), (0, 10), (1000, 10), (1000, 0)],
        highway=["service", "motorway"],
    )
    places = net.snap(at((0, -1), (1000, -1)))
    travel = TravelTimes(net, engine=engine)
    assert travel.matrix_s(places, places)[0, 1] == pytest.approx(1020 / (80 / 3.6), abs=0.002)
    route = travel.path(places, places, 0, 1)
    assert route is not None
    assert route.distance_m == pytest.approx(1020)


@pytest.mark.parametrize("engine", ENGINES)
def test_the_quicker_of_parallel_arcs(engine: Any) -> None:
    net = network(
        [(0, 0), (100, 0)],
        [(0, 0), (50, 0.5), (100, 0)],
        [(-50, 0), (0, 0)],
        [(100, 0), (150, 0)],
        highway=["service", "motorway", "residential", "residential"],
    )
    places = net.snap(at((-20, 0), (120, 0)))
    quick = 40 / SPEED + net.edge_length_m[1] / (80 / 3.6)
    assert TravelTimes(net, engine=engine).matrix_s(places, places)[0, 1] == pytest.approx(quick, abs=0.003)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_closed_street_and_the_places_on_it(engine: Any) -> None:
    net = network([(0, 0), (100, 0)], [(100, 0), (200, 0)], [(200, 0), (300, 0)])
    places = net.snap(at((50, 0), (120, 0), (150, 0), (250, 0)))
    travel = TravelTimes(net, engine=engine).with_factors([1.0, 0.0, 1.0])
    found = travel.matrix_s(places, places)
    assert np.isfinite(np.diag(found)[[0, 3]]).all()
    assert np.isinf(found[0, 1:]).all()
    assert np.isinf(found[1, 2])
    assert travel.path(places, places, 0, 3) is None


def test_places_without_road_have_no_route() -> None:
    net = network([(0, 0), (100, 0)])
    there, gone = net.snap(at((50, 0))), net.snap(at((50, 9000)))
    travel = TravelTimes(net)
    for a, b in ((there, gone), (gone, there), (gone, gone)):
        assert np.isinf(travel.matrix_s(a, b)).all()
        assert travel.path(a, b, 0, 0) is None
        assert np.isinf(travel.measured(a, b)).all()


def test_no_places_make_empty_matrices() -> None:
    net = network([(0, 0), (100, 0)])
    none, one = net.snap(np.empty((0, 2))), net.snap(at((1, 1)))
    travel = TravelTimes(net)
    assert travel.matrix_s(none, one).shape == (0, 1)
    assert travel.matrix_s(one, none).shape == (1, 0)
    assert travel.measured(none, none)[0].shape == (0, 0)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("lines", [[], [[(0, 0), (0, 0)]]])
def test_a_network_without_arcs_answers_without_the_engine(engine: Any, lines: Any) -> None:
    net = network(*lines)
    assert contraction_order(net) == []
    travel = TravelTimes(net, engine=engine)
    places = net.snap(at((0, 0), (0, 1)))
    expected = 0.0 if lines else np.inf
    assert (travel.matrix_s(places, places) == expected).all()
    assert travel.with_factors(np.ones(len(net.edge_tail))).path(places, places, 0, 0) is None or lines


@pytest.mark.parametrize("engine", ENGINES)
def test_every_street_closed(engine: Any) -> None:
    net = network([(0, 0), (100, 0)], [(100, 0), (200, 0)])
    places = net.snap(at((50, 0), (150, 0)))
    travel = TravelTimes(net, engine=engine).with_factors([0.0, 0.0])
    assert np.isinf(travel.matrix_s(places, places)[0, 1])


# -- speeds -----------------------------------------------------------------------------------------


def seconds(net: RoadNetwork, **options: Any) -> float:
    places = net.snap(at((0, 0), (1000, 0)))
    return float(TravelTimes(net, **options).matrix_s(places, places)[0, 1])


@pytest.mark.parametrize(
    "highway,maxspeed,options,kmh",
    [
        ("primary", None, {}, 45),
        ("primary", 30, {}, 30),
        ("primary", 45, {}, 45),
        ("primary", 120, {}, 45),
        ("primary", 0, {}, 45),
        ("primary", 30, {"respect_maxspeed": False}, 45),
        ("primary", None, {"hour": 6}, 45),
        ("primary", None, {"hour": 7}, 31.5),
        ("primary", None, {"hour": 8}, 31.5),
        ("primary", None, {"hour": 9}, 45),
        ("primary", None, {"hour": 16}, 45),
        ("primary", None, {"hour": 18}, 31.5),
        ("primary", None, {"hour": 19}, 45),
        ("primary", None, {"hour": 22}, 49.5),
        ("primary", None, {"hour": 0}, 49.5),
        ("primary", None, {"hour": 5}, 49.5),
        ("primary", 45, {"hour": 23}, 45),
        ("motorway_link", None, {}, 45),
        ("goat_path", None, {}, 20),
        ("track", None, {"edge_factor": [0.5]}, 5),
    ],
)
def test_speed_in_force(highway: str, maxspeed: Any, options: Any, kmh: float) -> None:
    net = network([(0, 0), (1000, 0)], highway=[highway], maxspeed=[maxspeed])
    assert seconds(net, **options) == pytest.approx(3600 / kmh, abs=0.002)


def test_the_profile_of_every_hour() -> None:
    found = [DEFAULT_SPEEDS.profile(hour) for hour in range(24)]
    expected = ["night"] * 6 + ["free"] + ["peak"] * 2 + ["free"] * 8 + ["peak"] * 2 + ["free"] * 3 + ["night"] * 2
    assert found == expected
    assert DEFAULT_SPEEDS.profile(None) == "free"


@pytest.mark.parametrize("hour", [None, *range(24)])
def test_no_hour_is_faster_than_the_tagged_limit(hour: int | None) -> None:
    n = len(ROAD_SPEEDS)
    lines = [[(0, 50 * k), (1000, 50 * k)] for k in range(n)]
    limits = [7.0 + 3 * k for k in range(n)]
    net = network(*lines, highway=[row.highway for row in ROAD_SPEEDS], maxspeed=limits)
    west, east = (net.snap(at(*((x, 50 * k) for k in range(n)))) for x in (0, 1000))
    limited = np.diag(TravelTimes(net, hour=hour).matrix_s(west, east))
    unlimited = np.diag(TravelTimes(net, hour=hour, respect_maxspeed=False).matrix_s(west, east))
    assert (limited >= 3600 / np.array(limits) - 0.001).all()
    by_table = 1000 / DEFAULT_SPEEDS.class_m_s(hour)
    assert unlimited == pytest.approx(by_table, abs=0.001)
    assert limited == pytest.approx(np.maximum(by_table, 3600 / np.array(limits)), abs=0.001)


def test_speed_table_as_plain_values() -> None:
    found = DEFAULT_SPEEDS.to_json()
    assert found["peak_hours"] == [[7, 9], [17, 19]]
    trunk = found["classes"][2]
    assert (trunk["highway"], trunk["free_kmh"], trunk["peak_factor"]) == ("trunk", 60.0, 0.7)


@pytest.mark.parametrize("hour", [-1, 24])
def test_hours_that_are_none(hour: int) -> None:
    with pytest.raises(InputError, match="hour"):
        DEFAULT_SPEEDS.profile(hour)


@pytest.mark.parametrize(
    "change",
    [
        {"classes": ROAD_SPEEDS[:-1]},
        {"classes": (*ROAD_SPEEDS[:-1], RoadSpeed("pedestrian", 0.0, 1.0))},
        {"night_factor": float("nan")},
    ],
)
def test_speed_tables_that_are_none(change: Any) -> None:
    with pytest.raises(InputError, match="classes"):
        SpeedTable(**change)


def test_the_last_leg_is_walked() -> None:
    assert last_leg_s([0.0, 110.0, np.nan]) == pytest.approx([0.0, 100.0, np.nan], nan_ok=True)
    assert last_leg_s(10.0, walk_m_s=2.0) == 5.0
    assert last_leg_s([0.0005, 0.0006]).tolist() == [0.0, 0.001]
    for wrong in (0.0, -1.0, float("nan")):
        with pytest.raises(InputError, match="walk_m_s"):
            last_leg_s(1.0, walk_m_s=wrong)


# -- what is refused, and the engine ----------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {"weight": "money"},
        {"engine": "horse"},
        {"hour": 25},
        {"edge_factor": [1.0]},
        {"edge_factor": [1.0, 1.5]},
        {"edge_factor": [1.0, -0.5]},
        {"edge_factor": [1.0, float("nan")]},
        {"order": [0, 1]},
        {"order": [0, 1, 1]},
        {"order": [0, 1, 3]},
    ],
)
def test_arguments_that_are_refused(options: Any) -> None:
    with pytest.raises(InputError):
        TravelTimes(network([(0, 0), (100, 0)], [(100, 0), (200, 0)]), **options)


@pytest.mark.parametrize("factor", [[1.0], [1.0, 1.5], [1.0, float("nan")]])
def test_factors_that_are_refused(factor: Any) -> None:
    with pytest.raises(InputError, match="edge_factor"):
        TravelTimes(network([(0, 0), (100, 0)], [(100, 0), (200, 0)])).with_factors(factor)


def test_an_edge_too_long_for_the_engine_is_refused_and_one_slowed_to_a_halt_is_closed() -> None:
    with pytest.raises(InputError, match="more than can be routed"):
        TravelTimes(network([(0, 0), (4_000_000, 0)]))
    net = network([(0, 0), (100, 0)], [(100, 0), (200, 0)])
    places = net.snap(at((50, 0), (150, 0)))
    travel = TravelTimes(net).with_factors([1.0, 1e-12])
    assert np.isinf(travel.matrix_s(places, places)[0, 1])


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_an_order_is_a_permutation_and_any_order_gives_the_same_times(seed: int) -> None:
    rng = np.random.default_rng(seed)
    net = random_network(rng)
    order = contraction_order(net)
    assert len(net.arc_tail) == 0 or sorted(order) == list(range(len(net.node_xy_m)))
    if order:
        a, b = random_places(net, rng, 3), random_places(net, rng, 3)
        other = rng.permutation(len(order)).tolist()
        one, two = TravelTimes(net, order=order), TravelTimes(net, order=other)
        assert np.array_equal(one.matrix_s(a, b), two.matrix_s(a, b))


def test_without_the_wheel_scipy_stands_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(times, "_has_engine", lambda: False)
    net = network([(0, 0), (100, 0)])
    assert contraction_order(net) == []
    assert TravelTimes(net).engine == "scipy"
    with pytest.raises(Unavailable, match="not installed"):
        TravelTimes(net, engine="cch")


@given(seed=SEEDS)
@settings(max_examples=60, deadline=None)
def test_metrics_that_are_given_back_and_changed_answer_like_new_ones(seed: int) -> None:
    rng = np.random.default_rng(seed)
    net = random_network(rng)
    a, b = random_places(net, rng, 5), random_places(net, rng, 6)
    base = TravelTimes(net, hour=8)
    held: list[tuple[TravelTimes, Any]] = []
    for _ in range(8):
        few = rng.random() < 0.7
        factor = np.ones(len(net.edge_tail))
        factor[rng.random(len(factor)) < (0.08 if few else 0.7)] = rng.choice([0.0, 0.4])
        travel = base.with_factors(factor)
        assert np.array_equal(travel.matrix_s(a, b), TravelTimes(net, hour=8, edge_factor=factor).matrix_s(a, b))
        if rng.random() < 0.4:
            held.append((travel, factor))
    for travel, factor in held:  # nobody changed what somebody still reads
        assert np.array_equal(travel.matrix_s(a, b), TravelTimes(net, hour=8, edge_factor=factor).matrix_s(a, b))
    hour: Any
    for hour, weight in ((2, "time"), (None, "time"), (8, "distance")):
        fresh = TravelTimes(net, hour=hour, weight=weight)  # type: ignore[arg-type]
        assert np.array_equal(base.retimed(hour=hour, weight=weight).matrix_s(a, b), fresh.matrix_s(a, b))  # type: ignore[arg-type]


def test_a_metric_is_used_again_once_its_reader_is_gone() -> None:
    net = network([(0, 0), (100, 0)], [(100, 0), (200, 0)])
    base = TravelTimes(net, engine="cch")
    kernel: Any = base._kernel
    kept = base.with_factors([1.0, 0.5])
    assert len(kernel._spare) == 0
    first = base.with_factors([0.0, 1.0])
    assert first._kernel is not None
    metric = first._kernel._metric  # type: ignore[attr-defined]
    del first
    assert [spare[0] for spare in kernel._spare] == [metric]
    again: Any = kept.with_factors([1.0, 0.0])._kernel
    assert again._metric is metric
    assert len(kernel._spare) == 0


def test_many_threads_ask_while_closures_come_and_go() -> None:
    rng = np.random.default_rng(7)
    net = random_network(rng)
    while len(net.edge_tail) < 25:
        net = random_network(rng)
    travel = TravelTimes(net)
    a, b = random_places(net, rng, 20), random_places(net, rng, 20)
    factor = rng.choice([0.0, 1.0], len(net.edge_tail))
    expected, closed = travel.matrix_s(a, b), travel.with_factors(factor).matrix_s(a, b)
    wrong: list[str] = []

    def ask() -> None:
        for _ in range(25):
            if not np.array_equal(travel.matrix_s(a, b), expected):
                wrong.append("open")
            if not np.array_equal(travel.with_factors(factor).matrix_s(a, b), closed):
                wrong.append("closed")
            travel.measured(a.take([0]), b)

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
