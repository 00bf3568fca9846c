"""N-1 on a real city with bridges and one-way streets, against full recounts."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from data.osm import read_osm
from geo.coverage import coverage, team_table
from geo.criticality import Outages, ResponseTree, hanging_places, joined_outages, link_outages, response_tree
from geo.crs import to_metric
from geo.links import Links, road_links
from geo.network import RoadNetwork, Snapped, road_network
from geo.times import TravelTimes, last_leg_s

pytestmark = pytest.mark.realdata

EPSG = 31982
LIMIT_S = 900.0


@dataclass(frozen=True)
class City:
    """Porto Alegre: its roads and their names, population cells, ten health facilities as stations."""

    network: RoadNetwork
    names: list[Any]
    travel: TravelTimes
    stations: Snapped
    cells: Snapped
    persons: Any
    links: Links

    @property
    def teams(self) -> Any:
        every = np.ones(10, dtype=bool)
        ids = [f"t{j}" for j in range(10)]
        return team_table(ids, ["fire"] * 10, np.full(10, np.nan), hour=10, has_skill=every, on_duty=every)

    def counted(self, without: int = -1) -> pd.DataFrame:
        factor = (self.links.edge_link != without).astype(float)
        table = pd.DataFrame({"id": range(len(self.cells)), "name": None, "street": None, "persons": self.persons})
        return coverage(
            table,
            self.teams,
            travel_s=self.travel.with_factors(factor).matrix_s(self.stations, self.cells).T,
            last_leg_s=last_leg_s(self.cells.access_m)[:, None] + last_leg_s(self.stations.access_m)[None, :],
            has_road=self.cells.edge >= 0,
            limit_s=LIMIT_S,
        ).table


@pytest.fixture(scope="module")
def city(realdata: Path) -> City:
    source = realdata / "porto_alegre"
    roads = read_osm(source / "poa_osm.pbf")[0]
    network = road_network(roads, epsg=EPSG)
    names = roads["name"].tolist()
    grid = pd.read_csv(source / "poa_hexgrid.csv")
    xy = to_metric(grid[["lon", "lat"]].to_numpy(), epsg=EPSG)
    health = np.flatnonzero(grid["healthcare"] > 0)[:10]
    return City(
        network,
        names,
        TravelTimes(network, hour=10),
        network.snap(xy[health]),
        network.snap(xy),
        grid["population"].to_numpy(),
        road_links(network, names=names),
    )


@pytest.fixture(scope="module")
def tree(city: City) -> ResponseTree:
    return response_tree(
        city.travel,
        city.stations,
        city.cells,
        before_travel_s=city.teams.before_travel_s,
        persons=city.persons,
        limit_s=LIMIT_S,
    )


@pytest.fixture(scope="module")
def outages(city: City, tree: ResponseTree) -> Outages:
    return joined_outages(list(link_outages(tree, city.links, np.arange(len(city.links)))))


def test_bridges_are_whole_links_and_some_have_two_carriageways(city: City) -> None:
    links, network = city.links, city.network
    bridges = np.flatnonzero(links.is_bridge)
    assert len(bridges) > 50
    assert np.array_equal(network.edge_bridge, links.is_bridge[links.edge_link])
    double = [
        k
        for k, line in zip(bridges, links.lines(network, bridges), strict=True)
        if line.geom_type == "MultiLineString" and len(line.geoms) == 2
    ]
    assert len(double) >= 10
    for k in double:
        edges = np.flatnonzero(links.edge_link == k)
        assert (network.edge_forward[edges] ^ network.edge_backward[edges]).all()
        told = {city.names[row] for row in network.edge_row[edges]} - {None}
        assert len({name for name in told if name == name}) <= 1


def test_the_tree_is_the_coverage(city: City, tree: ResponseTree) -> None:
    table = city.counted()
    assert np.array_equal(tree.total_s, table["total_s"].fillna(np.inf))
    assert np.array_equal(tree.within, table["covered"])
    assert tree.persons.sum() == 812_935


def test_bridges_and_busy_links_equal_the_full_recount(city: City, tree: ResponseTree, outages: Outages) -> None:
    before = city.counted()
    in_use = tree.links_in_use(city.links)
    bridges = in_use[city.links.is_bridge[in_use]]
    assert len(bridges) > 20
    hurting = np.flatnonzero(city.links.is_bridge & (outages.lost_persons > 0))
    assert len(hurting) > 3
    for k in {*bridges.tolist(), *in_use[:15].tolist(), *outages.ranked()[:15].tolist(), *hurting.tolist()}:
        after = city.counted(without=k)
        lost = (before["covered"] & ~after["covered"]).to_numpy(dtype=bool)
        cut = (before["team_id"].notna() & after["team_id"].isna()).to_numpy(dtype=bool)
        assert outages.lost_persons[k] == city.persons[lost].sum()
        assert outages.cut_persons[k] == city.persons[cut].sum()
        rows = outages.row_outage == k
        assert outages.row_place[rows].tolist() == np.flatnonzero(lost | cut).tolist()
        assert np.array_equal(outages.row_after_s[rows], after["total_s"].fillna(np.inf)[lost | cut])


def test_links_that_are_not_in_use_cost_nothing(city: City, tree: ResponseTree, outages: Outages) -> None:
    idle = np.setdiff1d(np.arange(len(city.links)), tree.links_in_use(city.links))
    assert len(idle) > 1_000
    assert (
        outages.lost_persons[idle].sum() == outages.cut_persons[idle].sum() == outages.delay_person_s[idle].sum() == 0
    )


def test_cells_on_one_road_are_there(city: City, tree: ResponseTree, outages: Outages) -> None:
    found = hanging_places(tree, city.links, outages)
    assert 0 < len(np.unique(found.place)) < len(city.cells)
    assert found.is_own.any()
    assert (~found.is_own).any()
    reached = np.isfinite(tree.total_s[found.place])
    assert reached.all()
    late = np.isfinite(found.after_s)
    assert (found.after_s[late] > LIMIT_S).all()
