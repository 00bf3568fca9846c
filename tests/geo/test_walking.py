"""Walking: both ways, not on motorways."""

import geopandas as gpd
import numpy as np
import pytest
import shapely

from geo.errors import InputError
from geo.network import road_network
from geo.times import TravelTimes
from geo.walking import foot_network, walked_factors, walking_speeds

ORIGIN = np.array([500_000.0, 3_500_000.0])


def roads(**tags: list[str]) -> gpd.GeoDataFrame:
    lines = [shapely.LineString(ORIGIN + np.array(xy)) for xy in ([(0, 0), (100, 0)], [(100, 0), (210, 0)])]
    return gpd.GeoDataFrame(tags, geometry=lines, crs=4549)


def test_who_walks_goes_against_one_way_streets_at_his_own_speed() -> None:
    network = road_network(roads(highway=["primary", "service"], oneway=["yes", "yes"]), epsg=4549)
    foot = foot_network(network)
    ends = network.snap(ORIGIN + np.array([(0, 0), (210, 0)]))
    assert np.isinf(TravelTimes(network).matrix_s(ends, ends)[1, 0])
    for hour in (3, 8, 12):
        times = TravelTimes(foot, speeds=walking_speeds(1.1), hour=hour, respect_maxspeed=False)
        assert times.matrix_s(ends, ends)[1, 0] == pytest.approx(210 / 1.1, abs=0.002)
        assert times.matrix_s(ends, ends)[0, 1] == pytest.approx(210 / 1.1, abs=0.002)


def test_motorways_are_not_walked() -> None:
    network = road_network(roads(highway=["motorway", "trunk"]), epsg=4549)
    assert walked_factors(network).tolist() == [0.0, 1.0]
    both = road_network(roads(highway=["motorway_link", "residential"]), epsg=4549)
    assert walked_factors(both).tolist() == [0.0, 1.0]


@pytest.mark.parametrize("speed", [0.0, -1.0, np.nan, np.inf])
def test_a_speed_that_cannot_be_is_refused(speed: float) -> None:
    with pytest.raises(InputError, match="walk_m_s"):
        walking_speeds(speed)
