"""How people say which link of the roads is meant: its name, between which roads it runs, and near which village."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.links import Links
from layers.analyses.places import nearest_villages
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
            "near": pd.Series(nearest_villages(view, _middles_m(view, links, wanted)), dtype=object),
        }
    )


def _middles_m(view: View, links: Links, chosen: NDArray[np.int64]) -> NDArray[np.float64]:
    """(k, 2) m: the middle of each link's first edge."""
    node_xy_m, first = view.network.node_xy_m, links.first_edge[chosen]
    ends_m: NDArray[np.float64] = node_xy_m[view.network.edge_tail[first]] + node_xy_m[view.network.edge_head[first]]
    return ends_m / 2


def road_words(row: Mapping[Any, Any], lang: Lang) -> str:
    """A link in words, from its `name`, `highway`, `between` and `near`, as far as they are known."""
    told_of = {key: row.get(key) for key in ("name", "between", "near", "highway")}
    # What is not known is None, or NaN in a table that was read again.
    name, between, near, highway = (value if isinstance(value, str) else "" for value in told_of.values())
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
