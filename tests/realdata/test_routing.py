"""Datums and ways on real cities: the same outline twice, and places that stand where they say."""

import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from data.osm import read_osm
from geo.crs import bd09_to_wgs84, gcj02_to_bd09, gcj02_to_wgs84, to_lonlat, to_metric, wgs84_to_gcj02
from geo.datum import shift_evidence
from geo.network import RoadNetwork, road_network
from geo.times import TravelTimes

pytestmark = pytest.mark.realdata

NANJING, PORTO_ALEGRE = 4549, 31982


# -- the outline of Nantong's Chongchuan in both datums -----------------------------------------------


def test_the_outline_agrees_after_inversion(realdata: Path) -> None:
    folder = realdata / "nantong"
    wgs = json.loads((folder / "chongchuan_wgs84.geojson").read_text(encoding="utf-8"))["features"][0]
    districts = json.loads((folder / "nantong_districts_gcj02_datav.json").read_text(encoding="utf-8"))["features"]
    gcj = next(item for item in districts if item["properties"]["adcode"] == wgs["properties"]["adcode_src"])
    true, shifted = (shapely.get_coordinates(shapely.geometry.shape(item["geometry"])) for item in (wgs, gcj))
    assert true.shape == shifted.shape == (125, 2)

    def apart_m(found: Any) -> Any:
        return np.hypot(*(to_metric(found, epsg=NANJING) - to_metric(true, epsg=NANJING)).T)

    assert apart_m(shifted).min() > 450
    assert apart_m(gcj02_to_wgs84(shifted)).max() < 1.0
    assert apart_m(bd09_to_wgs84(gcj02_to_bd09(shifted))).max() < 1.0


# -- shifts -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def nanjing_roads(realdata: Path) -> Any:
    roads = gpd.read_parquet(realdata / "nanjing" / "roads.parquet", columns=["geometry"])
    return shapely.transform(roads.geometry.array, lambda lonlat: to_metric(lonlat, epsg=NANJING))


def beside(roads: Any, rng: np.random.Generator, n: int) -> Any:
    """(n, 2) deg, places 10 to 60 m off roads taken at random."""
    on = shapely.line_interpolate_point(roads[rng.integers(0, len(roads), n)], rng.random(n), normalized=True)
    angle = rng.uniform(0, 2 * np.pi, n)
    off = np.column_stack([np.cos(angle), np.sin(angle)]) * rng.uniform(10, 60, (n, 1))
    return to_lonlat(shapely.get_coordinates(on) + off, epsg=NANJING)


def test_no_false_alarm_in_nanjing(nanjing_roads: Any) -> None:
    low, high = np.array(shapely.total_bounds(nanjing_roads)).reshape(2, 2)
    for seed, n in enumerate((8, 12, 30, 200)):
        rng = np.random.default_rng(seed)
        near = beside(nanjing_roads, rng, n)
        one = to_metric(near[:1], epsg=NANJING)
        for places in (
            near,
            to_lonlat(rng.uniform(low, high, (n, 2)), epsg=NANJING),
            to_lonlat(one + rng.normal(0, 150, (n, 2)), epsg=NANJING),
            to_lonlat(one + rng.normal(0, 1_500, (n, 2)), epsg=NANJING),
        ):
            assert shift_evidence(places, nanjing_roads, epsg=NANJING) is None


@pytest.mark.parametrize("datum", ["GCJ-02", "BD-09"])
def test_a_shift_in_nanjing_is_named(nanjing_roads: Any, datum: str) -> None:
    for seed, n in enumerate((40, 300)):
        given = wgs84_to_gcj02(beside(nanjing_roads, np.random.default_rng(seed), n))
        if datum == "BD-09":
            given = gcj02_to_bd09(given)
        found = shift_evidence(given, nanjing_roads, epsg=NANJING)
        assert found is not None
        assert found.datum == datum
    # With 8 to 20 places only a part is found, but never the wrong one.
    for seed in range(6):
        given = wgs84_to_gcj02(beside(nanjing_roads, np.random.default_rng(seed), 10))
        found = shift_evidence(given, nanjing_roads, epsg=NANJING)
        assert found is None or found.datum == "GCJ-02"


@pytest.fixture(scope="module")
def streets(realdata: Path) -> gpd.GeoDataFrame:
    return read_osm(realdata / "porto_alegre" / "poa_osm.pbf")[0]


@pytest.fixture(scope="module")
def porto_alegre(streets: gpd.GeoDataFrame) -> RoadNetwork:
    return road_network(streets, epsg=PORTO_ALEGRE)


def test_no_false_alarm_in_porto_alegre(realdata: Path, porto_alegre: RoadNetwork) -> None:
    cells = pd.read_csv(realdata / "porto_alegre" / "poa_hexgrid.csv")
    interest = pd.read_csv(realdata / "porto_alegre" / "poa_points_of_interest.csv")
    for frame in (cells[cells["healthcare"] > 0], cells[cells["schools"] > 0], cells, interest):
        lonlat = frame[["lon", "lat"]].to_numpy(dtype=np.float64)
        assert len(lonlat) >= 15
        assert shift_evidence(lonlat, porto_alegre.edge_lines(), epsg=PORTO_ALEGRE) is None


# -- one-ways, bridges and closures of a raw extract --------------------------------------------------


def test_porto_alegre_engines_agree_and_routes_obey_one_ways(
    streets: gpd.GeoDataFrame, porto_alegre: RoadNetwork
) -> None:
    net = porto_alegre
    rng = np.random.default_rng(3)
    xy = net.node_xy_m[rng.integers(0, len(net.node_xy_m), 400)] + rng.normal(0, 40, (400, 2))
    places = net.snap(xy)
    few = places.take(np.arange(25))
    quick, oracle = TravelTimes(net, hour=8), TravelTimes(net, hour=8, engine="scipy")
    found = quick.matrix_s(few, places)  # 10,000 pairs
    assert np.array_equal(found, oracle.matrix_s(few, places))
    assert np.isfinite(found).mean() > 0.9
    blue = road_network(streets, epsg=PORTO_ALEGRE, ignore_oneway=True)
    assert np.array_equal(blue.edge_length_m, net.edge_length_m)
    assert (TravelTimes(blue, hour=8).matrix_s(few, places) <= found + 0.001).all()
    for i, j in rng.integers(0, 25, (40, 2)):
        route = quick.path(few, few, int(i), int(j))
        assert (route is None) == bool(np.isinf(found[i, j]))
        if route is None or route.distance_m == 0:
            continue
        line = shapely.LineString(route.xy_m)
        assert line.length == pytest.approx(route.distance_m, abs=0.01)
        assert route.xy_m[[0, -1]] == pytest.approx(few.xy_m[[i, j]], abs=0.03)
        assert route.time_s == pytest.approx(found[i, j], abs=0.3)
        way = quick._ways(few.take([i]), few.take([j]))[0]
        assert way is not None
        assert net.edge_forward[way.edge[way.stop > way.begin]].all()
        assert net.edge_backward[way.edge[way.stop < way.begin]].all()
