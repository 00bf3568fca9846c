"""Roads when a zone is left: whoever is outside stays outside, whoever is inside goes out and does not come back.

Roads are cut where they cross the border of the zone, so that every piece lies inside or outside. A piece inside may be
used by those who are inside; at the border there is only the way out. The border itself counts as outside: a road that
only touches the zone, or runs along its border, stays open.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.errors import InputError
from geo.network import DEFAULT_SNAP_M, RoadNetwork, Snapped

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Bools = NDArray[np.bool_]

_HAIR_M = 1e-3  # what is nearer to the border lies on it; pieces that are shorter are not cut off


@dataclass(frozen=True)
class Leaving:
    """A road network cut at the border of a zone.

    `network` has no arc that enters the zone: ask it for ways to places outside. `reentering` is the same with every
    arc, for those who have no other way out. Edges are the same in both: (e,) `inside`, and `edge_of` the edge of the
    uncut network that each is a piece of. The nodes at the border are the last ones, `new_nodes` of them.
    """

    network: RoadNetwork
    reentering: RoadNetwork
    inside: Bools
    edge_of: Ints
    new_nodes: int

    def order(self, order: Sequence[int]) -> list[int]:
        """The contraction order of the cut network from that of the uncut one: nodes at the border go first."""
        n = len(self.network.node_xy_m)
        if not order:
            return []
        return [*range(n - self.new_nodes, n), *order]

    def pieces(self, of_edge: Any) -> NDArray[Any]:
        """(e,) what is known of every uncut edge, for its pieces."""
        found: NDArray[Any] = np.asarray(of_edge)[self.edge_of]
        return found

    def snap(self, xy_m: Any, in_zone: Any, *, max_m: float = DEFAULT_SNAP_M, usable: Any = None) -> Snapped:
        """Put places on their nearest piece of road; who is outside the zone takes one outside.

        (n, 2) m, (n,) bool; `usable` (e,) bool are the pieces that are taken at all, None: all of them. A place without
        a road within `max_m` (bound included) has none.
        """
        points = np.asarray(xy_m, dtype=np.float64).reshape(-1, 2)
        is_in = np.asarray(in_zone, dtype=bool).reshape(-1)
        if len(is_in) != len(points):
            raise InputError(f"in_zone: {len(is_in)} values for {len(points)} places")
        every = np.ones(len(self.inside), dtype=bool) if usable is None else np.asarray(usable, dtype=bool)
        found = self.network.snap(points, max_m=max_m)
        for own, taken in ((is_in, every), (~is_in, every & ~self.inside)):
            astray = np.flatnonzero(own & (found.edge >= 0) & ~taken[found.edge])
            if len(astray):
                edges = np.flatnonzero(taken)
                again = _some_edges(self.network, edges).snap(points[astray], max_m=max_m)
                found = _put(found, astray, again, edges)
        return found


def _put(found: Snapped, places: NDArray[np.intp], again: Snapped, edges: NDArray[np.intp]) -> Snapped:
    """The places with some of them put elsewhere, on edges that are numbered in a selection."""
    edge, fraction, xy = found.edge.copy(), found.fraction.copy(), found.xy_m.copy()
    access_m, is_fragment = found.access_m.copy(), found.is_fragment.copy()
    edge[places] = np.where(again.edge >= 0, np.append(edges, -1)[again.edge], -1)
    fraction[places], xy[places] = again.fraction, again.xy_m
    access_m[places], is_fragment[places] = again.access_m, again.is_fragment
    return Snapped(edge, fraction, xy, access_m, is_fragment)


def leaving(network: RoadNetwork, zone: Any) -> Leaving:
    """Cut a road network at the border of a zone and close every way in.

    Parameters
    ----------
    network : road network
    zone : Polygon or MultiPolygon in the network's CRS, valid; None or empty: nothing is cut

    Returns
    -------
    Leaving

    Raises
    ------
    InputError : the zone is not an area or is not valid

    Notes
    -----
    CRS: the network's metric CRS.
    Cost: O(e log e) and the pieces of the edges that meet the zone.
    Invariant: the pieces add up to the edges; a route that begins outside has no part inside, one that begins inside
    has one part inside, at its beginning.
    Source: own rule.
    """
    edges = len(network.edge_tail)
    if zone is None or shapely.is_empty(zone) or edges == 0:
        nothing = np.zeros(edges, dtype=bool)
        return Leaving(network, network, nothing, np.arange(edges, dtype=np.int32), 0)
    if zone.geom_type not in ("Polygon", "MultiPolygon") or not shapely.is_valid(zone):
        raise InputError(f"zone: expected a valid area, not {zone.geom_type} ({shapely.is_valid_reason(zone)})")
    cut, inside, edge_of, new_nodes = _cut(network, zone)
    # A node at the border is one where a piece outside begins or ends.
    outer = np.zeros(len(cut.node_xy_m), dtype=bool)
    outer[cut.edge_tail[~inside]] = True
    outer[cut.edge_head[~inside]] = True
    enters = inside[cut.arc_edge] & outer[cut.arc_tail]
    kept = ~enters
    # The directions of the edges stay: whoever stands on a piece inside may set out towards both of its ends.
    out = replace(
        cut,
        arc_tail=cut.arc_tail[kept],
        arc_head=cut.arc_head[kept],
        arc_edge=cut.arc_edge[kept],
        arc_is_forward=cut.arc_is_forward[kept],
        hash=f"{network.hash}-leaving",
    )
    return Leaving(out, cut, inside, edge_of, new_nodes)


def _cut(network: RoadNetwork, zone: Any) -> tuple[RoadNetwork, Bools, Ints, int]:
    """The network with a node wherever an edge crosses the border, whether each piece is inside, and its edge."""
    lines = network.edge_lines()
    shapely.prepare(zone)
    border = shapely.boundary(zone)
    met = np.flatnonzero(shapely.intersects(zone, lines))
    cuts: dict[int, Floats] = {}
    inner: dict[int, Bools] = {}
    for edge in met.tolist():
        at, is_in = _parts(lines[edge], float(network.edge_length_m[edge]), zone, border)
        if is_in.any():
            cuts[edge], inner[edge] = at, is_in
    count = np.ones(len(lines), dtype=np.int64)
    for edge, at in cuts.items():
        count[edge] = len(at) + 1
    edge_of = np.repeat(np.arange(len(lines)), count).astype(np.int32)
    inside = np.zeros(len(edge_of), dtype=bool)
    first = np.r_[0, np.cumsum(count)]
    coords: list[Floats] = []
    tail, head = network.edge_tail[edge_of].copy(), network.edge_head[edge_of].copy()
    node_xy: list[Floats] = []
    component, is_main = [], []
    nodes = len(network.node_xy_m)
    start, last = network.edge_start, 0
    sizes = np.diff(start)[edge_of]
    for edge in sorted(cuts):
        coords.append(network.edge_coords_m[start[last] : start[edge]])
        at, begin = cuts[edge], int(first[edge])
        inside[begin : begin + len(at) + 1] = inner[edge]
        pieces = _pieces(network.edge_coords_m[start[edge] : start[edge + 1]], at)
        for k, piece in enumerate(pieces):
            coords.append(piece)
            sizes[begin + k] = len(piece)
            if k:
                tail[begin + k] = head[begin + k - 1] = nodes + len(node_xy)
                node_xy.append(piece[0])
                component.append(network.component[network.edge_tail[edge]])
                is_main.append(network.is_main[network.edge_tail[edge]] and network.is_main[network.edge_head[edge]])
        last = edge + 1
    coords.append(network.edge_coords_m[start[last] :])
    edge_coords = np.concatenate(coords)
    edge_start = np.r_[0, np.cumsum(sizes)].astype(np.int64)
    step_m = np.hypot(*np.diff(edge_coords, axis=0).T)
    along_m = np.r_[0.0, np.cumsum(step_m)]
    length_m = along_m[edge_start[1:] - 1] - along_m[edge_start[:-1]]
    length_m[count[edge_of] == 1] = network.edge_length_m[edge_of[count[edge_of] == 1]]
    # Every arc becomes one arc a piece.
    arc_count = count[network.arc_edge]
    arc = np.repeat(np.arange(len(network.arc_edge)), arc_count)
    step = np.arange(len(arc)) - np.repeat(np.r_[0, np.cumsum(arc_count)[:-1]], arc_count)
    arc_edge = (first[network.arc_edge[arc]] + step).astype(np.int32)
    forward = network.arc_is_forward[arc]
    cut = replace(
        network,
        node_xy_m=np.vstack([network.node_xy_m, *(xy[None, :] for xy in node_xy)]),
        edge_tail=tail.astype(np.int32),
        edge_head=head.astype(np.int32),
        edge_length_m=length_m,
        edge_coords_m=edge_coords,
        edge_start=edge_start,
        edge_row=network.edge_row[edge_of],
        edge_class=network.edge_class[edge_of],
        edge_maxspeed_kmh=network.edge_maxspeed_kmh[edge_of],
        edge_forward=network.edge_forward[edge_of],
        edge_backward=network.edge_backward[edge_of],
        edge_bridge=network.edge_bridge[edge_of],
        arc_tail=np.where(forward, tail[arc_edge], head[arc_edge]).astype(np.int32),
        arc_head=np.where(forward, head[arc_edge], tail[arc_edge]).astype(np.int32),
        arc_edge=arc_edge,
        arc_is_forward=forward,
        component=np.r_[network.component, np.array(component, dtype=np.int32)].astype(np.int32),
        is_main=np.r_[network.is_main, np.array(is_main, dtype=bool)],
        hash=f"{network.hash}-cut",
    )
    return cut, inside, edge_of, len(node_xy)


def _parts(line: Any, length_m: float, zone: Any, border: Any) -> tuple[Floats, Bools]:
    """Where a line crosses the border, in metres from its begin, and whether each part between lies inside."""
    crossing = shapely.get_coordinates(shapely.intersection(line, border))
    at = np.unique(shapely.line_locate_point(line, shapely.points(crossing))) if len(crossing) else np.empty(0)
    at = at[(at > _HAIR_M) & (at < length_m - _HAIR_M)]
    at = at[np.r_[True, np.diff(at) > _HAIR_M]] if len(at) else at
    ends = np.r_[0.0, at, length_m]
    middle = shapely.line_interpolate_point(line, (ends[:-1] + ends[1:]) / 2)
    is_in = shapely.contains(zone, middle) & (shapely.distance(border, middle) > _HAIR_M)
    changes = is_in[1:] != is_in[:-1]
    return at[changes], is_in[np.r_[True, changes]]


def _pieces(coords: Floats, at_m: Floats) -> list[Floats]:
    """The vertices of a line cut at these distances from its begin."""
    along = np.r_[0.0, np.cumsum(np.hypot(*np.diff(coords, axis=0).T))]
    ends = [coords[0], *(np.array([np.interp(a, along, coords[:, k]) for k in (0, 1)]) for a in at_m), coords[-1]]
    bounds = np.r_[-np.inf, at_m, np.inf]
    found = []
    for k, (low, high) in enumerate(itertools.pairwise(bounds)):
        between = coords[(along > low) & (along < high)]
        if k == 0:
            between = between[1:]
        if k == len(at_m):
            between = between[:-1]
        found.append(np.vstack([ends[k], between, ends[k + 1]]))
    return found


def _some_edges(network: RoadNetwork, edges: NDArray[np.intp]) -> RoadNetwork:
    """Only these edges, to snap to; the arcs stay as they are and are not asked."""
    sizes = np.diff(network.edge_start)[edges]
    vertex = np.arange(int(sizes.sum())) + np.repeat(network.edge_start[edges] - np.r_[0, np.cumsum(sizes)[:-1]], sizes)
    return replace(
        network,
        edge_tail=network.edge_tail[edges],
        edge_head=network.edge_head[edges],
        edge_length_m=network.edge_length_m[edges],
        edge_coords_m=network.edge_coords_m[vertex],
        edge_start=np.r_[0, np.cumsum(sizes)].astype(np.int64),
    )
