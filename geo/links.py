"""Links: the road between two junctions, the unit that closes when a road is out.

* A chain of edges whose inner nodes have exactly two ends of roads is one link, whatever the class,
  the name or the direction of its edges. Chains end at junctions, dead ends and where a bridge begins
  or ends: a link is a bridge throughout or not at all, so that a bridge can be out and not its approach.
* A loop at the end of a road is one link that begins and ends at one junction; a ring that meets nothing
  is one link; two roads between the same junctions are two links.
* The two carriageways of a bridge are one link: two bridge chains, each one-way throughout, that run in
  opposite directions (within `OPPOSITE_DEG`), beside each other (the middle of the shorter lies within
  `BESIDE_M` of the other), with the same name where both have one, each the other's nearest (of equals the
  lowest edge). The carriageways of any other road are links of their own: one can be out without the other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from geo.errors import InputError
from geo.network import RoadNetwork

BESIDE_M = 40.0
"""Two carriageways of one bridge are at most this far apart (bound included) [proposed]."""

OPPOSITE_DEG = 30.0
"""and the one turns by at most this much from the opposite of the other (bound included) [proposed]."""

Bools = NDArray[np.bool_]
Longs = NDArray[np.int64]


@dataclass(frozen=True)
class Links:
    """The links of a road network, numbered by their lowest edge.

    `edge_link` is (e,) the link of each edge; the rest is (l,): `first_edge` its lowest edge,
    `edges` how many it has, `length_m` of all of them (both carriageways of a bridge), `is_bridge`.
    """

    edge_link: Longs
    first_edge: Longs
    edges: Longs
    length_m: NDArray[np.float64]
    is_bridge: Bools

    def __len__(self) -> int:
        return len(self.first_edge)

    def of(self, edge: Any) -> Longs:
        """The link of each of these edges, -1 where the edge is -1."""
        asked = np.asarray(edge, dtype=np.int64)
        found: Longs = np.r_[self.edge_link, -1][np.where(asked >= 0, asked, -1)]
        return found

    def lines(self, network: RoadNetwork, chosen: Sequence[int] | Longs) -> NDArray[np.object_]:
        """(k,) LineStrings or MultiLineStrings of these links in the network's metric CRS."""
        wanted = np.asarray(chosen, dtype=np.int64)
        order = np.argsort(self.edge_link, kind="stable")
        begin = np.searchsorted(self.edge_link[order], wanted)
        counts = self.edges[wanted]
        edge = order[np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(begin, counts)]
        return _merged(network, edge, np.repeat(np.arange(len(wanted)), counts), len(wanted))


def road_links(network: RoadNetwork, *, names: Sequence[Any] | None = None) -> Links:
    """Gather the edges of a road network into links.

    Parameters
    ----------
    network : road network
    names : (rows,) name of each row that the network was built from, None where it has none; without
        them the carriageways of a bridge are told by their place alone

    Returns
    -------
    Links; none for a network without edges

    Raises
    ------
    InputError : a number of names that is not that of the rows

    Notes
    -----
    CRS: the network's metric CRS.
    Cost: O(e log e).
    Invariant: every edge is in exactly one link; another order of the roads only renumbers the links, but
    where two carriageways are equally near.
    Source: none; the rules are this module's.
    """
    if names is not None and len(names) != network.report.rows:
        raise InputError(f"names: {len(names)} values for {network.report.rows} roads")
    e = len(network.edge_tail)
    chain = _numbered(_joined(e, *_inner_pairs(network)))
    pairs = _carriageways(network, chain, names)
    chains = int(chain.max(initial=-1)) + 1
    link = _numbered(_joined(chains, pairs[:, 0], pairs[:, 1])[chain])
    first = np.unique(link, return_index=True)[1].astype(np.int64)
    return Links(
        link,
        first,
        np.bincount(link, minlength=len(first)).astype(np.int64),
        np.bincount(link, weights=network.edge_length_m, minlength=len(first)).astype(np.float64),
        network.edge_bridge[first],
    )


def _inner_pairs(network: RoadNetwork) -> tuple[Longs, Longs]:
    """The two edges that meet at each node that is no junction, no dead end and no end of a bridge."""
    points = (network.edge_tail == network.edge_head) & (network.edge_length_m <= 0)  # lead nowhere
    edge = np.flatnonzero(~points)
    node = np.concatenate([network.edge_tail[edge], network.edge_head[edge]])
    owner = np.concatenate([edge, edge])
    order = np.argsort(node, kind="stable")
    node, owner = node[order], owner[order]
    begin = np.flatnonzero(np.r_[True, np.diff(node) != 0]) if len(node) else np.empty(0, dtype=np.intp)
    two = begin[np.diff(begin, append=len(node)) == 2]
    one, other = owner[two], owner[two + 1]
    alike = network.edge_bridge[one] == network.edge_bridge[other]
    return one[alike], other[alike]


def _joined(count: int, one: Longs, other: Longs) -> Longs:
    """(count,) the group of each item when these pairs are together."""
    graph = coo_array((np.ones(len(one), dtype=np.int8), (one, other)), shape=(count, count))
    return connected_components(graph, directed=False)[1].astype(np.int64) if count else np.empty(0, dtype=np.int64)


def _numbered(group: Longs) -> Longs:
    """The same groups, numbered in the order in which they first occur."""
    first, inverse = np.unique(group, return_index=True, return_inverse=True)[1:]
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse]


def _carriageways(network: RoadNetwork, chain: Longs, names: Sequence[Any] | None) -> Longs:
    """(k, 2) pairs of bridge chains that are the two carriageways of one bridge."""
    none = np.empty((0, 2), dtype=np.int64)
    one_way = network.edge_forward ^ network.edge_backward
    mixed = np.zeros(int(chain.max(initial=-1)) + 1, dtype=bool)
    mixed[chain[~(one_way & network.edge_bridge)]] = True
    edge = np.flatnonzero(~mixed[chain]) if len(chain) else np.empty(0, dtype=np.intp)
    if len(edge) == 0:
        return none
    chains, of = np.unique(chain[edge], return_inverse=True)
    turn = np.where(network.edge_forward[edge], 1.0, -1.0)[:, None]
    way = np.zeros((len(chains), 2))  # from where the traffic enters to where it leaves
    ends = network.node_xy_m[network.edge_head[edge]] - network.node_xy_m[network.edge_tail[edge]]
    np.add.at(way, of, turn * ends)
    order = np.argsort(of, kind="stable")
    lines = _merged(network, edge[order], of[order], len(chains))
    length = shapely.length(lines)
    middles = shapely.line_interpolate_point(lines, 0.5, normalized=True)

    short, long = shapely.STRtree(lines).query(middles, predicate="dwithin", distance=BESIDE_M)
    rank = np.lexsort((np.arange(len(chains)), length))
    place = np.empty(len(chains), dtype=np.int64)
    place[rank] = np.arange(len(chains))
    norm = np.hypot(*way.T)
    with np.errstate(invalid="ignore", divide="ignore"):
        cosine = (way[short] * way[long]).sum(axis=1) / (norm[short] * norm[long])
    named = _names(network, edge, of, len(chains), names)
    keep = (place[short] < place[long]) & (cosine <= -np.cos(np.radians(OPPOSITE_DEG)) + 1e-12)
    keep &= (named[short] == named[long]) | (named[short] == "") | (named[long] == "")
    short, long = short[keep], long[keep]
    apart = shapely.distance(middles[short], lines[long])
    one, other = np.r_[short, long], np.r_[long, short]
    order = np.lexsort((other, np.r_[apart, apart], one))
    nearest = np.full(len(chains), -1, dtype=np.int64)
    asked, first = np.unique(one[order], return_index=True)
    nearest[asked] = other[order][first]
    mutual = asked[(nearest[nearest[asked]] == asked) & (asked < nearest[asked])]
    return np.column_stack([chains[mutual], chains[nearest[mutual]]])


def _merged(network: RoadNetwork, edge: Any, owner: Any, count: int) -> NDArray[np.object_]:
    """(count,) the lines of these edges, joined by their owner, which runs upwards."""
    found: NDArray[np.object_] = np.empty(count, dtype=object)
    shapely.multilinestrings(network.edge_lines()[edge], indices=owner, out=found)
    return np.asarray(shapely.line_merge(found), dtype=object)


def _names(network: RoadNetwork, edge: Any, of: Any, count: int, names: Sequence[Any] | None) -> NDArray[np.object_]:
    """(count,) the first name that a chain's edges have, empty without one."""
    found: NDArray[np.object_] = np.full(count, "", dtype=object)
    if names is not None:
        own = pd.Series(np.asarray(names, dtype=object)[network.edge_row[edge]], dtype=object)
        own = own.fillna("").astype(str).str.strip()
        there = np.flatnonzero(own != "")
        asked, first = np.unique(of[there], return_index=True)
        found[asked] = own.to_numpy(dtype=object)[there[first]]
    return found
