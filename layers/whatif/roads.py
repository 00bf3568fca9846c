"""Roads that scenarios name by what they are: underpasses, the longest bridge, waterlogging spots."""

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from geo.flooding import depth_factors
from layers.district import View, metric_geometries

UNDERPASS_M = 500.0
"""A tunnel longer than this (end to end) does not fill like an underpass (bound included) [proposed]."""

CARRIAGEWAYS_M = 50.0
"""Parts of one name as near as this are one bridge: its carriageways (bound included) [proposed]."""


def road_tags(view: View) -> pd.DataFrame:
    """Id, name and tunnel of every road row, without its geometry."""

    def make() -> pd.DataFrame:
        roads = view.district.store.frame("road", columns=["id", "name", "tunnel"])
        return pd.DataFrame(roads.drop(columns="geometry"))

    return view.kept("road tags", make)


def _groups(lines: NDArray[np.object_], names: NDArray[np.object_], near_m: float) -> NDArray[np.intp]:
    """(n,) number of the group of each line: of one name, and joined by steps of at most `near_m`."""
    tree = shapely.STRtree(lines)
    i, j = tree.query(lines, predicate="dwithin", distance=near_m)
    same = names[i] == names[j]
    graph = coo_array((np.ones(int(same.sum())), (i[same], j[same])), shape=(len(lines), len(lines)))
    found: NDArray[np.intp] = connected_components(graph, directed=False)[1].astype(np.intp)
    return found


def _spans(lines: NDArray[np.object_], group: NDArray[np.intp]) -> NDArray[np.float64]:
    """(groups,) m, the diagonal of what each group extends over."""
    box = pd.DataFrame(shapely.bounds(lines), columns=["x1", "y1", "x2", "y2"]).groupby(group)
    low, high = box[["x1", "y1"]].min().to_numpy(), box[["x2", "y2"]].max().to_numpy()
    found: NDArray[np.float64] = np.hypot(*(high - low).T)
    return found


def _grouped(view: View, edges: NDArray[np.intp], near_m: float) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Of each of these edges the number of its group, and of each group how far it reaches (m)."""
    lines = view.network.edge_lines()[edges]
    names = road_tags(view)["name"].fillna("").to_numpy(dtype=object)[view.network.edge_row[edges]]
    group = _groups(lines, names, near_m)
    return group, _spans(lines, group)


def underpasses(view: View) -> NDArray[np.intp]:
    """The edges of roads tagged as tunnels of at most `UNDERPASS_M` from end to end."""

    def make() -> NDArray[np.intp]:
        tunnel = road_tags(view)["tunnel"].isin([True, 1]).to_numpy(dtype=bool)
        edges = np.flatnonzero(tunnel[view.network.edge_row])
        if len(edges) == 0:
            return edges
        group, reach_m = _grouped(view, edges, 0.0)
        return edges[reach_m[group] <= UNDERPASS_M]

    return view.kept("underpasses", make)


def longest_bridge(view: View) -> NDArray[np.intp]:
    """The edges of the bridge (or elevated road) that reaches farthest, all its carriageways; none without bridges."""

    def make() -> NDArray[np.intp]:
        edges = np.flatnonzero(view.network.edge_bridge)
        if len(edges) == 0:
            return edges
        group, reach_m = _grouped(view, edges, CARRIAGEWAYS_M)
        found: NDArray[np.intp] = edges[group == int(np.argmax(reach_m))]
        return found

    return view.kept("longest bridge", make)


def waterlogging_factors(view: View) -> NDArray[np.float64]:
    """(edges,) the share of the speed left at the waterlogging spots of the register; a depth not known closes."""

    def make() -> NDArray[np.float64]:
        spots = view.frame("waterlogging_spot")
        depth = spots["depth_m"].to_numpy(dtype=np.float64)
        left = np.where(np.isnan(depth), 0.0, depth_factors(depth))
        return view.network.closure_factors(metric_geometries(spots, view.district.epsg), left)

    return view.kept("waterlogging factors", make)
