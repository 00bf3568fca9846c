"""Travel times after roads were closed or slowed, from those before: only what can change is computed."""

import numpy as np
from numpy.typing import NDArray

from geo.errors import InputError
from geo.network import RoadNetwork, Snapped
from geo.times import TravelTimes

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

_FEW = 0.3  # of the rows of the matrix: with more ways out of what changed, everything is computed anew
_ROUNDING_S = 1e-6  # what is computed once too often is right all the same


def changed_matrix_s(
    travel: TravelTimes, before: TravelTimes, before_s: Floats, origins: Snapped, destinations: Snapped
) -> Floats:
    """What ``travel.matrix_s`` gives, where the times before some roads were closed or slowed are known.

    Parameters
    ----------
    travel : travel times now
    before : travel times on the same network before
    before_s : (n, m) s, ``before.matrix_s(origins, destinations)``; not written into
    origins : n places on the network
    destinations : m places on the network

    Returns
    -------
    (n, m) s, equal to ``travel.matrix_s(origins, destinations)``

    Raises
    ------
    InputError : another network, or a matrix of another shape

    Notes
    -----
    CRS: none; the network's.
    Cost: one row of the matrix for each way out of what changed, and the pairs whose best route came through one;
    all pairs where the ways out are many, or a road became quicker.
    Invariant: equal to the whole matrix, bit by bit.
    Source: none. A best route over a changed edge either begins or ends on one, or leaves the last of them over
    an arc to a node with an edge that did not change: the arc is on a best route to that node, and the node on one
    to the destination. Where neither holds, a best route without a changed edge is left, and none became quicker.
    """
    if travel.network is not before.network:
        raise InputError("before: travel times on another network")
    if before_s.shape != (len(origins), len(destinations)):
        raise InputError(f"before_s: shape {before_s.shape}; expected {len(origins)} origins by {len(destinations)}")
    old, new = before.edge_cost, travel.edge_cost
    changed = old != new
    if not changed.any():
        return before_s.copy()
    if (new[changed] < old[changed]).any():
        return travel.matrix_s(origins, destinations)
    # A place without a road has edge -1.
    begins_on, ends_on = ((places.edge >= 0) & changed[places.edge] for places in (origins, destinations))
    begin, rest = np.flatnonzero(begins_on), np.flatnonzero(~begins_on)
    through = _through(before, before_s[rest], origins.take(rest), destinations, changed)
    if through is None:
        return travel.matrix_s(origins, destinations)
    result = before_s.copy()
    for rows, wanted in ((begin, np.ones((len(begin), before_s.shape[1]), dtype=bool)), (rest, through | ends_on)):
        i, j = rows[wanted.any(axis=1)], np.flatnonzero(wanted.any(axis=0))
        result[np.ix_(i, j)] = travel.matrix_s(origins.take(i), destinations.take(j))
    return result


def _through(
    before: TravelTimes, before_s: Floats, origins: Snapped, destinations: Snapped, changed: Bools
) -> Bools | None:
    """(n, m) whether a best route leaves what changed on its way; None where that costs more than it saves."""
    network = before.network
    arcs = _ways_out(network, np.flatnonzero(changed))
    arcs = arcs[np.isfinite(before.edge_cost[network.arc_edge[arcs]])]
    tails, heads = _ends(network, arcs)
    if 2 * len(arcs) > _FEW * max(before_s.shape):
        return None
    to_tail_s, to_head_s = (before.matrix_s(origins, ends) for ends in (tails, heads))
    arc_s = before.edge_cost[network.arc_edge[arcs]] / 1000.0
    is_best = np.isfinite(to_tail_s) & (to_tail_s + arc_s <= to_head_s + _ROUNDING_S)
    out, first = np.unique(np.where(is_best.any(axis=0), network.arc_head[arcs], -1), return_index=True)
    first = first[out >= 0]
    if len(first) > _FEW * min(before_s.shape):
        return None
    on_s = before.matrix_s(heads.take(first), destinations)
    found = np.zeros(before_s.shape, dtype=bool)
    for k, row in zip(first, on_s, strict=True):
        some = np.flatnonzero(is_best[:, network.arc_head[arcs] == network.arc_head[arcs[k]]].any(axis=1))
        found[some] |= np.isfinite(row) & (to_head_s[some, k, None] + row <= before_s[some] + _ROUNDING_S)
    return found


def _ways_out(network: RoadNetwork, changed: NDArray[np.intp]) -> NDArray[np.intp]:
    """The arcs by which a route can leave the changed edges: to a node with an edge that did not change."""
    nodes = len(network.node_xy_m)
    every, own = (
        np.bincount(network.edge_tail[edges], minlength=nodes) + np.bincount(network.edge_head[edges], minlength=nodes)
        for edges in (slice(None), changed)
    )
    arcs = np.r_[network.forward_arc[changed], network.backward_arc[changed]]
    arcs = arcs[arcs >= 0]
    # One-ways that lead to the node count as well: a place may stand at their very end.
    found: NDArray[np.intp] = arcs[(every > own)[network.arc_head[arcs]]]
    return found


def _ends(network: RoadNetwork, arcs: NDArray[np.intp]) -> tuple[Snapped, Snapped]:
    """Places at the nodes where arcs begin and end."""
    edge, ahead = network.arc_edge[arcs], network.arc_is_forward[arcs].astype(np.float64)
    nothing = np.zeros(len(arcs))
    begin, stop = (
        Snapped(edge, fraction, network.node_xy_m[node], nothing, nothing.astype(bool))
        for fraction, node in ((1.0 - ahead, network.arc_tail[arcs]), (ahead, network.arc_head[arcs]))
    )
    return begin, stop
