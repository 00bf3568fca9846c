"""Noding, components, snapping and closures against counting and measuring one by one."""

import pickle
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.crs import to_lonlat
from geo.errors import CrsError, InputError
from geo.network import DEFAULT_SNAP_M, POINT_CLOSURE_M, RoadNetwork, road_network

EPSG = 4549
X, Y = 500_000.0, 3_545_000.0  # the size of real metric coordinates
ORIGIN = np.array([X, Y])
SEEDS = st.integers(0, 2**32 - 1)


def frame(*lines: Any, **columns: Any) -> gpd.GeoDataFrame:
    """Roads from lists of (x, y) metres near the origin of the district."""
    shapes = [None if line is None else shapely.LineString([(X + x, Y + y) for x, y in line]) for line in lines]
    table = {"highway": ["residential"] * len(shapes)} | {
        k: [v] * len(shapes) if isinstance(v, str) else v for k, v in columns.items()
    }
    return gpd.GeoDataFrame(table, geometry=shapes, crs=EPSG)


def network(*lines: Any, ignore_oneway: bool = False, **columns: Any) -> RoadNetwork:
    return road_network(frame(*lines, **columns), epsg=EPSG, ignore_oneway=ignore_oneway)


def at(*places: tuple[float, float]) -> Any:
    return np.array(places, dtype=np.float64).reshape(-1, 2) + ORIGIN


def random_roads(rng: np.random.Generator) -> gpd.GeoDataFrame:
    """Streets on a small grid with everything that goes wrong: loops, doubles, one-ways, points."""
    corners = int(rng.integers(3, 6))
    lines: list[Any] = []
    for _ in range(int(rng.integers(1, 25))):
        here = rng.integers(0, corners, 2)
        step = [(1, 0), (0, 1), (1, 1), (2, 0), (0, 0)][int(rng.integers(0, 5))]
        there = here + step
        middle = (here + there) / 2 + rng.integers(-1, 2, 2) / 4
        kind = rng.random()
        if kind < 0.5:
            line: list[Any] = [here, there]
        elif kind < 0.9:
            line = [here, middle, there]
        else:
            line = [here, middle, here + np.array([0.3, 0.4]), here]  # a loop
        lines.append([(100.0 * x, 100.0 * y) for x, y in line])
    n = len(lines)
    return frame(
        *lines,
        highway=rng.choice(["primary", "residential", "service", "goat_path"], n),
        oneway=rng.choice(np.array(["yes", "-1", "no", None], dtype=object), n),
        maxspeed=rng.choice([np.nan, 0.0, 15.0, 90.0], n),
        bridge=rng.choice(np.array([True, False, None], dtype=object), n, p=[0.1, 0.8, 0.1]),
    )


# -- noding -----------------------------------------------------------------------------------------

CROSS = ([(-100, 0), (0, 0), (100, 0)], [(0, -100), (0, 0), (0, 100)])


def test_roads_meet_at_a_shared_vertex() -> None:
    found = network(*CROSS)
    assert (len(found.node_xy_m), len(found.edge_tail), len(found.arc_tail)) == (5, 4, 8)
    assert found.report.components == 1


def test_roads_that_cross_without_a_vertex_do_not_meet() -> None:
    found = network([(-100, 0), (100, 0)], [(0, -100), (0, 100)])
    assert (len(found.node_xy_m), found.report.components) == (4, 2)


@pytest.mark.parametrize(
    "columns",
    [
        {"bridge": [True, False]},
        {"tunnel": [None, "yes"]},
        {"layer": [1, 0]},
        {"layer": [None, -1]},
        {"bridge": [True, True], "layer": [1, 2]},
    ],
)
def test_grades_that_cross_do_not_meet(columns: Any) -> None:
    found = network(*CROSS, **columns)
    assert found.report.components == 2
    assert (len(found.node_xy_m), len(found.edge_tail)) == (4, 2)


def test_bridges_of_one_level_meet() -> None:
    assert network(*CROSS, bridge=[True, True], layer=[1, 1]).report.components == 1


def test_the_end_of_a_bridge_meets_the_road() -> None:
    found = network([(0, 0), (100, 0)], [(100, 0), (200, 0)], bridge=[True, False])
    assert (len(found.node_xy_m), found.report.components) == (3, 1)


def test_a_ramp_that_ends_where_two_grades_cross_joins_one_of_them() -> None:
    found = network(*CROSS, [(0, 0), (50, 50)], bridge=[True, False, False])
    ends = {(round(x - X), round(y - Y)) for x, y in found.node_xy_m}
    assert ends == {(-100, 0), (100, 0), (0, -100), (0, 100), (50, 50), (0, 0)}
    assert found.report.components == 2
    ground = found.component[found.edge_tail[found.edge_row == 1][0]]
    assert found.component[found.edge_tail[found.edge_row == 2][0]] == ground


def test_a_street_that_ends_on_another_joins_it() -> None:
    found = network([(0, 0), (50, 0), (100, 0)], [(50, 0), (50, 80)])
    assert (len(found.node_xy_m), len(found.edge_tail)) == (4, 3)


def test_shape_points_are_no_nodes() -> None:
    found = network([(0, 0), (10, 5), (20, 0), (30, 5)])
    assert (len(found.node_xy_m), len(found.edge_tail)) == (2, 1)
    assert found.edge_length_m[0] == pytest.approx(3 * np.hypot(10, 5))


def test_a_line_that_crosses_itself_at_a_vertex_is_split_there() -> None:
    found = network([(0, 0), (50, 0), (50, 50), (25, 50), (50, 0), (100, -50)])
    assert len(found.edge_tail) == 3
    assert found.report.self_loops == 1


def test_vertices_within_a_centimetre_are_one() -> None:
    assert network([(0, 0), (100, 0)], [(100.001, 0), (200, 0)]).report.components == 1
    assert network([(0, 0), (100, 0)], [(100.1, 0), (200, 0)]).report.components == 2


@pytest.mark.parametrize("gap", [0.0, 0.00002, 0.004, 0.009])
@pytest.mark.parametrize("x", [100.0, 100.00499, 100.005, 99.99999])
def test_vertices_within_a_centimetre_are_one_wherever_they_lie(x: float, gap: float) -> None:
    found = network([(0, 0), (x, 0)], [(x + gap, 0), (200, 0)], [(x, -gap), (x, -80)])
    assert (len(found.node_xy_m), found.report.components) == (4, 1)


@pytest.mark.parametrize("levels", [[1000, 0], [float("inf"), 0], [-1e300, 0], [600, -600]])
def test_levels_that_are_none_keep_roads_apart(levels: Any) -> None:
    assert network(*CROSS, layer=levels).report.components == 2


def test_far_levels_do_not_reach_into_the_next_place() -> None:
    beside = [[(x + 300 * i, y) for x, y in line] for i in range(3) for line in CROSS]
    found = network(*beside, layer=[1024, 0, -1024, 0, 0, 1])
    assert (len(found.node_xy_m), found.report.components) == (12, 6)


def test_degrees_and_metres_give_the_same_graph() -> None:
    metric = random_roads(np.random.default_rng(3))
    degrees = metric.set_geometry(
        shapely.transform(metric.geometry.array, lambda xy: to_lonlat(xy, epsg=EPSG)), crs=4326
    )
    one, other = road_network(metric, epsg=EPSG), road_network(degrees, epsg=EPSG)
    assert np.array_equal(one.arc_tail, other.arc_tail)
    assert one.edge_length_m == pytest.approx(other.edge_length_m, abs=1e-5)


def test_parts_of_a_multiline_are_roads_of_one_row() -> None:
    lines = shapely.MultiLineString([[(X, Y), (X + 10, Y)], [(X + 10, Y), (X + 10, Y + 10)]])
    found = road_network(gpd.GeoDataFrame({"highway": ["primary"]}, geometry=[lines], crs=EPSG), epsg=EPSG)
    assert found.edge_row.tolist() == [0, 0]
    assert found.report.components == 1


@pytest.mark.parametrize(
    "oneway,expected",
    [
        ("yes", (True, False)),
        ("1", (True, False)),
        (True, (True, False)),
        ("是", (True, False)),
        ("-1", (False, True)),
        (-1, (False, True)),
        ("no", (True, True)),
        (None, (True, True)),
        ("", (True, True)),
        (float("nan"), (True, True)),
        ("reversible", (True, True)),
    ],
)
def test_direction_by_the_tag(oneway: Any, expected: tuple[bool, bool]) -> None:
    found = network([(0, 0), (10, 0)], oneway=[oneway])
    assert (bool(found.edge_forward[0]), bool(found.edge_backward[0])) == expected
    both = network([(0, 0), (10, 0)], oneway=[oneway], ignore_oneway=True)
    assert both.edge_forward.all()
    assert both.edge_backward.all()


def test_zero_length_and_loops_are_reported_and_kept() -> None:
    found = network([(0, 0), (100, 0)], [(0, 0), (0, 0)], [(0, 0), (0, 50), (50, 50), (0, 0)])
    assert found.report.zero_length == 1
    assert found.report.self_loops == 1
    assert len(found.edge_tail) == 3
    assert len(found.arc_tail) == 4  # a point leads nowhere; the loop may be driven both ways


def test_rows_without_geometry_are_counted() -> None:
    found = network([(0, 0), (100, 0)], None)
    assert (found.report.rows, found.report.without_geometry, found.report.edges) == (2, 1, 1)


def test_unknown_classes_are_counted_and_drive_as_unclassified() -> None:
    found = network([(0, 0), (1, 0)], [(5, 0), (6, 0)], highway=["goat_path", "unclassified"])
    assert found.report.unknown_classes == (("goat_path", 1),)
    assert found.edge_class[0] == found.edge_class[1]


@pytest.mark.parametrize("text,expected", [("50", 50.0), (0, np.nan), ("none", np.nan), (None, np.nan), (30.5, 30.5)])
def test_limits_that_are_no_limits(text: Any, expected: float) -> None:
    found = network([(0, 0), (1, 0)], maxspeed=[text])
    assert found.edge_maxspeed_kmh == pytest.approx([expected], nan_ok=True)


def test_no_roads_is_a_network_without_roads() -> None:
    found = road_network(gpd.GeoDataFrame({"highway": []}, geometry=[], crs=4326), epsg=EPSG)
    assert (len(found.node_xy_m), len(found.arc_tail), found.report.components) == (0, 0, 0)
    snapped = found.snap(at((0, 0), (1, 1)))
    assert snapped.edge.tolist() == [-1, -1]
    assert np.isnan(snapped.access_m).all()
    assert len(found.closure_factors([shapely.Point(X, Y)], [0.0])) == 0
    assert len(found.edge_lines()) == 0


def test_what_is_no_road_is_refused() -> None:
    with pytest.raises(InputError, match="LineString"):
        road_network(gpd.GeoDataFrame(geometry=[shapely.Point(1, 2)], crs=EPSG), epsg=EPSG)
    with pytest.raises(InputError, match="finite"):
        network([(0, 0), (float("inf"), 1)])
    with pytest.raises(CrsError, match="no CRS"):
        road_network(frame([(0, 0), (1, 1)]).set_crs(None, allow_override=True), epsg=EPSG)
    with pytest.raises(CrsError, match="3857"):
        road_network(frame([(0, 0), (1, 1)]).set_crs(3857, allow_override=True), epsg=EPSG)


def test_the_hash_is_of_geometry_and_topology_not_of_speeds() -> None:
    lines = ([(0, 0), (100, 0)], [(100, 0), (200, 50)])
    plain = network(*lines)
    assert network(*lines, highway="primary", maxspeed=[30, 60]).hash == plain.hash
    assert network(*lines, oneway=["yes", None]).hash != plain.hash
    assert network(lines[0], [(100, 0), (200, 51)]).hash != plain.hash


def test_a_network_goes_to_another_process_without_its_trees() -> None:
    found = network(*CROSS)
    bare = len(pickle.dumps(found))
    snapped = found.snap(at((10, 10)))
    assert len(pickle.dumps(found)) == bare
    other = pickle.loads(pickle.dumps(found))
    assert other.hash == found.hash
    assert other.snap(at((10, 10))).edge == snapped.edge


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_nothing_is_lost_between_rows_and_edges(seed: int) -> None:
    roads = random_roads(np.random.default_rng(seed))
    found = road_network(roads, epsg=EPSG)
    assert found.edge_length_m.sum() == pytest.approx(roads.length.sum())
    by_row = np.bincount(found.edge_row, found.edge_length_m, minlength=len(roads))
    assert by_row == pytest.approx(roads.length.to_numpy())
    assert shapely.length(found.edge_lines()) == pytest.approx(found.edge_length_m)
    ends = shapely.get_coordinates(shapely.get_point(found.edge_lines(), 0))
    assert ends == pytest.approx(found.node_xy_m[found.edge_tail], abs=0.011)
    arcs = found.arc_edge[found.arc_is_forward]
    assert np.array_equal(found.arc_tail[found.arc_is_forward], found.edge_tail[arcs])
    assert np.array_equal(found.forward_arc >= 0, np.isin(np.arange(len(found.edge_tail)), arcs))


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_strong_components_are_mutual_reachability(seed: int) -> None:
    found = road_network(random_roads(np.random.default_rng(seed)), epsg=EPSG)
    n = len(found.node_xy_m)
    reach = np.eye(n, dtype=bool)
    reach[found.arc_tail, found.arc_head] = True
    for k in range(n):
        reach |= reach[:, [k]] & reach[[k], :]
    assert np.array_equal(found.component[:, None] == found.component[None, :], reach & reach.T)
    sizes = np.bincount(found.component)
    assert np.array_equal(found.is_main, (sizes >= 0.05 * n)[found.component] | (sizes == sizes.max())[found.component])


@settings(max_examples=30, deadline=None)
@given(SEEDS)
def test_the_order_of_rows_does_not_matter(seed: int) -> None:
    rng = np.random.default_rng(seed)
    roads = random_roads(rng)
    turn = rng.permutation(len(roads))
    one, other = road_network(roads, epsg=EPSG), road_network(roads.iloc[turn], epsg=EPSG)
    assert road_network(roads, epsg=EPSG).hash == one.hash
    told, again = one.report.to_json(), other.report.to_json()
    assert told == again

    def streets(found: RoadNetwork, row: Any) -> Any:
        key = np.column_stack([row[found.edge_row], np.round(found.edge_length_m, 6), found.edge_is_main])
        return key[np.lexsort(key.T)]

    assert np.array_equal(streets(one, np.arange(len(roads))), streets(other, turn))
    places = at(*rng.uniform(-100, 700, (20, 2)))
    a, b = one.snap(places), other.snap(places)
    assert np.array_equal(a.edge >= 0, b.edge >= 0)
    assert a.access_m == pytest.approx(b.access_m, nan_ok=True)
    assert np.array_equal(a.is_fragment, b.is_fragment)
    shapes = [*shapely.points(places[:4]), shapely.LineString(places[4:6]), shapely.box(X, Y, X + 150, Y + 150)]
    closed = [found.closure_factors(shapes, np.zeros(len(shapes))) == 0 for found in (one, other)]
    shut = [
        np.bincount(n.edge_row[c], n.edge_length_m[c], minlength=len(roads))
        for n, c in zip((one, other), closed, strict=True)
    ]
    assert shut[0][turn] == pytest.approx(shut[1])


# -- snapping ---------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_snapping_is_measuring_every_edge(seed: int) -> None:
    rng = np.random.default_rng(seed)
    found = road_network(random_roads(rng), epsg=EPSG)
    places = at(*rng.uniform(-300, 900, (30, 2)))
    max_m = float(rng.choice([20.0, 100.0, 500.0]))
    snapped = found.snap(places, max_m=max_m)
    lines, main = found.edge_lines(), found.edge_is_main
    for i, place in enumerate(shapely.points(places)):
        far = shapely.distance(lines, place)
        near_main = main.any() and far[main].min() <= max_m
        allowed = np.where(main == near_main, far, np.inf)
        if not allowed.min() <= max_m:
            assert snapped.edge[i] == -1
            assert np.isnan(snapped.access_m[i])
            assert np.isnan(snapped.xy_m[i]).all()
            continue
        assert snapped.edge[i] == np.flatnonzero(allowed == allowed.min())[0]
        assert snapped.access_m[i] == pytest.approx(allowed.min())
        assert snapped.is_fragment[i] == (not near_main)
        assert 0 <= snapped.fraction[i] <= 1
        assert shapely.Point(snapped.xy_m[i]).distance(place) == pytest.approx(allowed.min())
        on_line = shapely.line_interpolate_point(lines[snapped.edge[i]], snapped.fraction[i], normalized=True)
        assert on_line.distance(shapely.Point(snapped.xy_m[i])) < 1e-6


def test_the_bound_of_snapping_is_included() -> None:
    found = network([(0, 0), (100, 0)])
    snapped = found.snap(at((50, DEFAULT_SNAP_M), (50, DEFAULT_SNAP_M + 0.001), (-300, 400)))
    assert snapped.edge.tolist() == [0, -1, 0]
    assert snapped.access_m[[0, 2]] == pytest.approx([500, 500])


def test_a_place_without_coordinates_has_no_road() -> None:
    snapped = network([(0, 0), (100, 0)]).snap([[np.nan, Y], [X, np.inf], [X, Y]])
    assert snapped.edge.tolist() == [-1, -1, 0]
    assert len(snapped.take([2])) == 1
    assert len(network([(0, 0), (100, 0)]).snap(np.empty((0, 2)))) == 0


def test_the_main_network_is_preferred_to_a_nearer_fragment() -> None:
    streets = [[(100 * i, 0), (100 * i + 100, 0)] for i in range(60)]
    found = network(*streets, [(0, 50), (100, 50)])  # 2 of 63 nodes are a fragment
    snapped = found.snap(at((50, 45), (50, 400), (50, 540)))
    assert snapped.edge.tolist() == [0, 0, 60]
    assert snapped.is_fragment.tolist() == [False, False, True]


def test_a_place_on_a_point_like_road() -> None:
    snapped = network([(0, 0), (0, 0)]).snap(at((3, 4)))
    assert (snapped.edge[0], snapped.fraction[0], snapped.access_m[0]) == (0, 0.0, 5.0)


# -- closures ---------------------------------------------------------------------------------------

STREETS = ([(0, 0), (100, 0)], [(100, 0), (200, 0)], [(100, 0), (100, 100)])


def shape(wkt: str) -> Any:
    return shapely.transform(shapely.from_wkt(wkt), lambda xy: xy + ORIGIN)


@pytest.mark.parametrize(
    "wkt,closed",
    [
        ("POINT (50 10)", [0]),
        (f"POINT (50 {-POINT_CLOSURE_M})", [0]),
        (f"POINT (50 {-POINT_CLOSURE_M - 0.001})", []),
        ("MULTIPOINT (50 1, 150 1)", [0, 1]),
        ("LINESTRING (50 -5, 50 5)", [0]),
        ("LINESTRING (100 0, 200 0)", [1]),
        ("LINESTRING (0 0.4, 100 0.4)", [0]),
        ("LINESTRING (100 -50, 100 0)", []),
        ("LINESTRING (0 3, 90 3)", []),
        ("POLYGON ((40 -10, 60 -10, 60 10, 40 10, 40 -10))", [0]),
        ("POLYGON ((90 -10, 110 -10, 110 10, 90 10, 90 -10))", [0, 1, 2]),
        ("POLYGON ((200 -10, 220 -10, 220 10, 200 10, 200 -10))", []),
        ("GEOMETRYCOLLECTION (POINT (150 3), LINESTRING (90 50, 110 50))", [1, 2]),
        ("POINT EMPTY", []),
    ],
)
def test_what_a_closure_closes(wkt: str, closed: list[int]) -> None:
    factor = network(*STREETS).closure_factors([shape(wkt)], [0.0])
    assert np.flatnonzero(factor == 0).tolist() == closed
    assert set(factor) <= {0.0, 1.0}


def test_a_point_closes_both_directions_and_all_of_a_junction() -> None:
    both = network([(0, 0), (100, 0)], [(100, 0), (0, 0)], oneway=["yes", "yes"])
    assert both.closure_factors([shape("POINT (50 3)")], [0.0]).tolist() == [0.0, 0.0]
    assert network(*STREETS).closure_factors([shape("POINT (100 0)")], [0.4]).tolist() == [0.4, 0.4, 0.4]


@pytest.mark.parametrize("end", [(100, 1.5), (100, -0.8), (101, 1), (100, 40), (60, 40)])
def test_a_closed_street_leaves_its_neighbours_open(end: Any) -> None:
    streets = network([(0, 0), (100, 0)], [(100, 0), (200, 0)], [(100, 0), end])
    for wkt in ("LINESTRING (100 0, 200 0)", "LINESTRING (200 0, 150 0, 100 0)"):
        assert streets.closure_factors([shape(wkt)], [0.0])[[0, 1]].tolist() == [1.0, 0.0]
        if end != (101, 1):
            assert streets.closure_factors([shape(wkt)], [0.0])[2] == 1.0


def test_the_least_factor_holds() -> None:
    area = shape("POLYGON ((40 -10, 60 -10, 60 10, 40 10, 40 -10))")
    found = network(*STREETS)
    assert found.closure_factors([area, area, None], [0.7, 0.4, 0.0]).tolist() == [0.4, 1.0, 1.0]
    assert found.closure_factors([], []).tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("factors", [[-0.1], [1.1], [float("nan")], [0.5, 0.5]])
def test_factors_that_are_none(factors: list[float]) -> None:
    with pytest.raises(InputError, match="factors"):
        network(*STREETS).closure_factors([shape("POINT (0 0)")], factors)
