"""The network and its times on real cities, and against distances that another router published."""

import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from scipy.sparse.csgraph import dijkstra

from data.osm import read_osm
from geo.crs import to_metric
from geo.network import RoadNetwork, road_network
from geo.times import TravelTimes, _Dijkstra, contraction_order

pytestmark = pytest.mark.realdata

UTM = {"monaco": 32632, "moscow": 32637, "andorra": 32631, "krautsand": 32632}


# -- GraphHopper's car distances: with the emergency table, whose quickest roads are the same ---------


def cases(realdata: Path) -> dict[str, Any]:
    told = json.loads((realdata / "graphhopper" / "expected.json").read_text(encoding="utf-8"))
    return {case["name"]: case for case in told["cases"]}


def town(realdata: Path, file: str) -> tuple[RoadNetwork, int]:
    epsg = UTM[file.split(".")[0]]
    return road_network(read_osm(realdata / "graphhopper" / file)[0], epsg=epsg), epsg


@pytest.mark.parametrize("engine", ["cch", "scipy"])
@pytest.mark.parametrize("name", ["car_shortest_monaco", "car_fastest_moscow_oneway", "car_fastest_andorra"])
def test_distances_are_those_of_graphhopper(realdata: Path, name: str, engine: Any) -> None:
    case = cases(realdata)[name]
    net, epsg = town(realdata, case["file"])
    travel = TravelTimes(net, weight="distance" if "shortest" in case["weighting"] else "time", engine=engine)
    hard = [row for i, row in enumerate(case["rows"]) if i not in case["soft_rows"]]
    assert len(hard) >= 2
    for from_lat, from_lon, to_lat, to_lon, expected_m in hard:
        ends = net.snap(to_metric([[from_lon, from_lat], [to_lon, to_lat]], epsg=epsg))
        found_m = travel.distance_m(ends.take([0]), ends.take([1]))[0, 0]
        assert abs(found_m - expected_m) <= max(5.0, 0.005 * expected_m)
        route = travel.path(ends.take([0]), ends.take([1]), 0, 0)
        assert route is not None
        assert route.distance_m == pytest.approx(found_m, abs=0.05)  # whole millimetres an arc


@pytest.mark.parametrize("engine", ["cch", "scipy"])
def test_the_disconnected_island_has_no_route(realdata: Path, engine: Any) -> None:
    case = cases(realdata)["car_disconnected"]
    net, epsg = town(realdata, case["file"])
    ends = net.snap(to_metric([[lon, lat] for lat, lon in case["points_lat_lon"]], epsg=epsg))
    assert (ends.edge >= 0).all()
    travel = TravelTimes(net, engine=engine)
    assert np.isinf(travel.matrix_s(ends.take([0]), ends.take([1, 2]))).all()
    assert np.isinf(travel.distance_m(ends.take([0]), ends.take([1, 2]))).all()
    assert travel.path(ends, ends, 0, 1) is None


# -- Nanjing ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def nanjing(realdata: Path) -> RoadNetwork:
    return road_network(gpd.read_parquet(realdata / "nanjing" / "roads.parquet"), epsg=4549)


@pytest.fixture(scope="module")
def travel(nanjing: RoadNetwork) -> TravelTimes:
    return TravelTimes(nanjing, order=contraction_order(nanjing))


def places(net: RoadNetwork, n: int, seed: int) -> Any:
    rng = np.random.default_rng(seed)
    return net.node_xy_m[rng.integers(0, len(net.node_xy_m), n)] + rng.normal(0, 60, (n, 2))


def test_nanjing_is_noded_as_the_benchmark_counts(nanjing: RoadNetwork) -> None:
    report = nanjing.report
    assert report.edges == report.rows == 160_979
    # 146,839 distinct end points; some lie within a centimetre of each other.
    assert 146_800 <= report.nodes <= 146_839
    points = (nanjing.edge_tail == nanjing.edge_head) & (nanjing.edge_length_m == 0)
    assert len(nanjing.arc_tail) == 2 * (report.edges - int(points.sum()))
    assert report.components == 1
    assert report.zero_length >= 1
    assert np.isnan(nanjing.edge_maxspeed_kmh).any()


def test_nanjing_snaps_as_measuring_does(nanjing: RoadNetwork) -> None:
    xy = places(nanjing, 40, 1)
    snapped = nanjing.snap(xy)
    lines = nanjing.edge_lines()
    for k, place in enumerate(shapely.points(xy)):
        assert snapped.access_m[k] == pytest.approx(shapely.distance(lines, place).min(), abs=1e-9)


def test_nanjing_times_are_dijkstra(nanjing: RoadNetwork, travel: TravelTimes) -> None:
    a, b = nanjing.snap(places(nanjing, 4, 2)), nanjing.snap(places(nanjing, 2_000, 3))
    oracle = TravelTimes(nanjing, engine="scipy")
    assert travel.engine == "cch"
    assert np.array_equal(travel.matrix_s(a, b), oracle.matrix_s(a, b))
    assert np.array_equal(travel.matrix_s(b, a), oracle.matrix_s(b, a))
    factor = np.ones(len(nanjing.edge_tail))
    factor[np.random.default_rng(4).integers(0, len(factor), 3_000)] = 0.0
    closed = travel.with_factors(factor).matrix_s(a, b)
    assert np.array_equal(closed, oracle.with_factors(factor).matrix_s(a, b))
    assert (closed >= travel.matrix_s(a, b)).all()


def test_nanjing_nodes_by_dijkstra_alone(nanjing: RoadNetwork, travel: TravelTimes) -> None:
    nodes = np.random.default_rng(5).integers(0, len(nanjing.node_xy_m), 400)
    at_nodes = nanjing.snap(nanjing.node_xy_m[nodes])
    graph = _Dijkstra(nanjing, travel._arc_weight)._graph
    expected = dijkstra(graph, indices=nodes[:3])[:, nodes] / 1000
    assert travel.matrix_s(at_nodes.take([0, 1, 2]), at_nodes) == pytest.approx(expected, abs=0.003)


def test_nanjing_routes_measure_what_the_matrix_says(nanjing: RoadNetwork, travel: TravelTimes) -> None:
    a, b = nanjing.snap(places(nanjing, 3, 6)), nanjing.snap(places(nanjing, 10, 7))
    time_s, distance_m = travel.measured(a, b)
    matrix = travel.matrix_s(a, b)
    assert time_s == pytest.approx(matrix, abs=0.3)  # half a millisecond an arc
    straight_m = np.hypot(*(a.xy_m[:, None] - b.xy_m[None, :]).transpose(2, 0, 1))
    assert (distance_m >= straight_m - 0.01).all()
    assert (TravelTimes.distance_m(travel, a, b) == distance_m).all()
    fastest_m_s = 80 / 3.6
    assert (matrix >= distance_m / fastest_m_s - 0.3).all()
