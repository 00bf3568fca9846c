"""How people say which link of the roads is meant: its name, between which roads it runs, and near which village."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from geo.crs import to_metric
from geo.links import Links
from layers.analyses.places import lonlats
from layers.district import View
from layers.layer import Lang, Text
from layers.whatif.layers import ROAD_CLASSES

UNNAMED = Text("无名道路", "unnamed road")

BETWEEN = " / "
"""Between the names of the two roads at the ends of a link."""


def surroundings(view: View, links: Links, chosen: Any, names: NDArray[np.object_]) -> pd.DataFrame:
    """Of each of these links the named roads at its ends (`between`, two at most) and the nearest village (`near`).

    names : (edges,) the name of the road of every edge, empty where it has none

    None stands for nothing found.
    """
    wanted = np.asarray(chosen, dtype=np.int64)
    network = view.network
    ends = pd.DataFrame(
        {
            "node": np.r_[network.edge_tail, network.edge_head],
            "link": np.tile(links.edge_link, 2),
            "name": np.tile(names, 2),
        }
    )
    ends["edge"] = np.tile(np.arange(len(links.edge_link)), 2)
    own = ends[ends["link"].isin(wanted)]
    # A node inside a link touches two of its edges, an end only one.
    own = own[own.groupby(["link", "node"])["edge"].transform("nunique") == 1][["link", "node", "name"]]
    others = ends[ends["node"].isin(own["node"]) & (ends["name"] != "")][["node", "link", "name"]]
    met = own.merge(others, on="node", suffixes=("", "_other"))
    met = met[(met["link"] != met["link_other"]) & (met["name"] != met["name_other"])]
    found = met.sort_values(["link", "node", "name_other"]).drop_duplicates(["link", "name_other"])
    between = {link: BETWEEN.join(rows.head(2)) for link, rows in found.groupby("link")["name_other"]}
    return pd.DataFrame(
        {
            "between": pd.Series([between.get(int(link)) for link in wanted], dtype=object),
            "near": pd.Series(_nearest_village(view, links, wanted), dtype=object),
        }
    )


def _nearest_village(view: View, links: Links, chosen: NDArray[np.int64]) -> list[str | None]:
    frame = view.frame("village")
    places = np.array(lonlats(frame), dtype=np.float64).reshape(-1, 2)
    there = np.isfinite(places).all(axis=1) & frame["name"].notna().to_numpy(dtype=bool)
    if not there.any() or len(chosen) == 0:
        return [None] * len(chosen)
    names = frame["name"].to_numpy(dtype=object)[there]
    network = view.network
    first = links.first_edge[chosen]
    middles = (network.node_xy_m[network.edge_tail[first]] + network.node_xy_m[network.edge_head[first]]) / 2
    nearest = cKDTree(to_metric(places[there], epsg=view.district.epsg)).query(middles)[1]
    return [str(name) for name in names[nearest]]


def road_words(row: Mapping[Any, Any], lang: Lang) -> str:
    """A link in words, from its `name`, `highway`, `between` and `near`, as far as they are known."""
    name, between, near = (row.get(key) or "" for key in ("name", "between", "near"))
    highway = str(row.get("highway") or "")
    told = []
    if between:
        several = BETWEEN in between
        if lang == "zh":
            told.append(f"{between.replace(BETWEEN, '—')} 之间" if several else f"接 {between}")
        else:
            told.append(f"between {between.replace(BETWEEN, ' and ')}" if several else f"off {between}")
    if near and not (name and between):
        told.append(f"近 {near}" if lang == "zh" else f"near {near}")
    if not name and highway:
        told.append(ROAD_CLASSES[highway].to(lang) if highway in ROAD_CLASSES else highway)
    about = (", " if lang == "en" else "，").join(told)
    return f"{name or UNNAMED.to(lang)}{f' ({about})' if about else ''}"
