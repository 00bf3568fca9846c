"""Roads that scenarios name by what they are: underpasses, the busiest bridge, waterlogging spots."""

from datetime import datetime

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from geo.criticality import response_tree
from geo.flooding import depth_factors
from geo.links import road_links
from layers.analyses.response import teams_at
from layers.district import View, metric_geometries

UNDERPASS_M = 500.0
"""A tunnel longer than this (end to end) does not fill like an underpass (bound included) [proposed]."""


def road_tags(view: View) -> pd.DataFrame:
    """Id, name and tunnel of every road row, without its geometry."""

    def make() -> pd.DataFrame:
        roads = view.district.store.frame("road", columns=["id", "name", "tunnel"])
        return pd.DataFrame(roads.drop(columns="geometry"))

    return view.kept("road tags", make)


def underpasses(view: View) -> NDArray[np.intp]:
    """The edges of roads tagged as tunnels of at most `UNDERPASS_M` from end to end."""

    def make() -> NDArray[np.intp]:
        network = view.network
        tunnel = road_tags(view)["tunnel"].isin([True, 1]).to_numpy(dtype=bool)
        edges = np.flatnonzero(tunnel[network.edge_row])
        if len(edges) == 0:
            return edges
        nodes = len(network.node_xy_m)
        ends = (network.edge_tail[edges], network.edge_head[edges])
        of_node = connected_components(coo_array((np.ones(len(edges)), ends), shape=(nodes, nodes)), directed=False)[1]
        box = pd.DataFrame(shapely.bounds(network.edge_lines()[edges])).groupby(of_node[network.edge_tail[edges]])
        low, high = box[[0, 1]].transform("min").to_numpy(), box[[2, 3]].transform("max").to_numpy()
        found: NDArray[np.intp] = edges[np.hypot(*(high - low).T) <= UNDERPASS_M]
        return found

    return view.kept("underpasses", make)


def busiest_bridge(view: View, at: datetime) -> NDArray[np.intp]:
    """The edges of the bridge over which the first team comes to most persons as things are, both carriageways.

    Of equals the one numbered lowest; none where no team crosses a bridge.
    """

    def make() -> NDArray[np.intp]:
        links = road_links(view.network, names=road_tags(view)["name"].tolist())
        teams = teams_at(view, None, at)
        counted = np.argsort(np.asarray(teams.id, dtype=object), kind="stable")
        counted = counted[teams.eligible[counted]]
        places = "village" if len(view.frame("village")) else "cell"
        tree = response_tree(
            view.travel(at),
            view.snapped("team").take(counted),
            view.snapped(places),
            before_travel_s=teams.before_travel_s[counted],
            persons=view.frame(places)["persons"],
        )
        load = np.where(links.is_bridge, tree.link_loads(links), 0)
        if load.max(initial=0) == 0:
            return np.empty(0, dtype=np.intp)
        return np.flatnonzero(links.edge_link == int(np.argmax(load)))

    return view.kept(("busiest bridge", at), make)


def waterlogging_factors(view: View) -> NDArray[np.float64]:
    """(edges,) the share of the speed left at the waterlogging spots of the register; a depth not known closes."""

    def make() -> NDArray[np.float64]:
        spots = view.frame("waterlogging_spot")
        depth = spots["depth_m"].to_numpy(dtype=np.float64)
        left = np.where(np.isnan(depth), 0.0, depth_factors(depth))
        return view.network.closure_factors(metric_geometries(spots, view.district.epsg), left)

    return view.kept("waterlogging factors", make)
