"""The road graph with origins and destinations as nodes of their own, in whole milliseconds.

For searches that need the graph itself and not only its matrices: what is cut when a road is out. The
shortest paths of this graph are `TravelTimes.matrix_s` to the millisecond; a test holds the two
against each other.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo.network import Snapped
from geo.times import TravelTimes

Longs = NDArray[np.int64]


@dataclass(frozen=True)
class CutGraph:
    """Arcs of a road graph whose edges are cut at the origins that stand on them.

    The `nodes` of the road come first, then the origins, then the destinations, which no arc leaves;
    the network has `edges` edges.
    `tail`, `head` and `cost` (ms, or mm) are of the arcs that can be driven. `edge` is the edge along
    which an arc runs, -1 for a place that stands on a node. `piece` numbers the parts of the edges:
    an edge without origins is piece `edge`, the others have numbers from the number of edges on. `side`
    tells of an arc to a destination whether it comes from the side of the edge's tail (0) or
    head (1); 2 is an origin on the same spot and -1 no such arc. `destination_piece` is the piece on
    which each destination stands, -1 where it is on no road or on a node.
    """

    edges: int
    nodes: int
    origins: int
    destinations: int
    tail: Longs
    head: Longs
    cost: Longs
    edge: Longs
    piece: Longs
    side: Longs
    destination_piece: Longs

    @property
    def first_destination(self) -> int:
        """The node of the first destination."""
        return self.nodes + self.origins


def cut_graph(travel: TravelTimes, origins: Snapped, destinations: Snapped) -> CutGraph:
    """Cut the edges of a road graph at the origins and hang the destinations on them.

    Parameters
    ----------
    travel : travel times with the closures in force
    origins : (n,) places on the network
    destinations : (m,) places on the network

    Returns
    -------
    CutGraph; without arcs for a network without roads

    Notes
    -----
    CRS: none.
    Cost: O(e + n log n + m log n).
    Invariant: the shortest path from an origin to a destination costs what `travel.matrix_s` says.
    Source: none.
    """
    network = travel.network
    e, nodes, n, m = len(network.edge_tail), len(network.node_xy_m), len(origins), len(destinations)
    none = np.empty(0, dtype=np.int64)
    if e == 0:
        return CutGraph(e, nodes, n, m, none, none, none, none, none, none, np.full(m, -1))
    weight = travel.edge_cost
    arcs: list[tuple[Any, ...]] = []  # tail, head, cost, edge, piece, side

    def add(*columns: Any) -> None:
        arcs.append(np.broadcast_arrays(*columns))

    # The stops on each edge that is cut: its tail, its origins in order, its head.
    inside = np.flatnonzero(_inside(origins))
    cut = np.unique(origins.edge[inside])
    edge = np.r_[cut, origins.edge[inside], cut].astype(np.int64)
    fraction = np.r_[np.zeros(len(cut)), origins.fraction[inside], np.ones(len(cut))]
    node = np.r_[network.edge_tail[cut], nodes + inside, network.edge_head[cut]].astype(np.int64)
    order = np.lexsort((fraction, edge))  # stable: a tail before, a head behind all others
    edge, fraction, node = edge[order], fraction[order], node[order]
    closed = ~np.isfinite(weight[edge])
    along = np.rint(fraction * np.where(closed, 0.0, weight[edge]))

    # Whole edges.
    is_cut = np.zeros(e, dtype=bool)
    is_cut[cut] = True
    whole = np.flatnonzero(~is_cut[network.arc_edge] & np.isfinite(weight[network.arc_edge]))
    of = network.arc_edge[whole]
    add(network.arc_tail[whole], network.arc_head[whole], weight[of], of, of, -1)

    # Pieces of cut edges, from stop to stop.
    one = np.flatnonzero((edge[:-1] == edge[1:]) & ~closed[:-1])
    other, of = one + 1, edge[one]
    spot = fraction[one] == fraction[other]  # there both ways lead, whatever the direction of the edge
    for allowed, a, b in ((network.edge_forward, one, other), (network.edge_backward, other, one)):
        k = np.flatnonzero(allowed[of] | spot)
        add(node[a[k]], node[b[k]], np.abs(along[b[k]] - along[a[k]]), of[k], e + one[k], -1)

    # Places on a node.
    for places, first, leaving in ((origins, nodes, True), (destinations, nodes + n, False)):
        for at, ends in ((places.fraction <= 0.0, network.edge_tail), (places.fraction >= 1.0, network.edge_head)):
            k = np.flatnonzero(at & (places.edge >= 0))
            here, there = first + k, ends[places.edge[k]]
            add(here if leaving else there, there if leaving else here, 0, -1, -1, -1)

    # Destinations inside an edge, each between the stop before it (the last on its own spot) and the next.
    j = np.flatnonzero(_inside(destinations) & np.isfinite(weight[np.maximum(destinations.edge, 0)]))
    of, here = destinations.edge[j].astype(np.int64), nodes + n + j
    at_cost = travel.along(destinations.take(j))
    before = np.searchsorted(_keys(edge, fraction), _keys(of, destinations.fraction[j]), side="right") - 1
    on_cut = is_cut[of]
    piece = np.where(on_cut, e + before, of)
    for side, allowed, ends, step in (
        (0, network.edge_forward, network.edge_tail, 0),
        (1, network.edge_backward, network.edge_head, 1),
    ):
        stop = np.minimum(before + step, len(node) - 1) if len(node) else np.zeros_like(before)
        begin = np.where(on_cut, node[stop] if len(node) else 0, ends[of])
        cost = np.where(on_cut, along[stop] if len(node) else 0, weight[of] * side)
        k = np.flatnonzero(allowed[of])
        add(begin[k], here[k], np.abs(at_cost[k] - cost[k]), of[k], piece[k], side)
    k = np.flatnonzero(on_cut)
    k = k[fraction[before[k]] == destinations.fraction[j[k]]]
    k = k[network.edge_forward[of[k]] | network.edge_backward[of[k]]]
    add(node[before[k]], here[k], 0, of[k], piece[k], 2)

    stands = np.full(m, -1, dtype=np.int64)
    stands[j] = piece
    tail, head, cost, edge, piece, sides = (np.concatenate(each).astype(np.int64) for each in zip(*arcs, strict=True))
    return CutGraph(e, nodes, n, m, tail, head, cost, edge, piece, sides, stands)


def _inside(places: Snapped) -> NDArray[np.bool_]:
    """Which places stand inside an edge and not on one of its nodes."""
    return (places.edge >= 0) & (places.fraction > 0.0) & (places.fraction < 1.0)


def _keys(edge: Any, fraction: Any) -> Any:
    """Edge and fraction as one sortable value."""
    found = np.empty(len(edge), dtype=[("edge", np.int64), ("fraction", np.float64)])
    found["edge"], found["fraction"] = edge, fraction
    return found
