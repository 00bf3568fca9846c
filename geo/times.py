"""Travel times on the road graph: matrices and paths, with and without closures.

The engine is customizable contraction hierarchies (Dibbelt, Strasser & Wagner 2016,
doi:10.1145/2886843): the order belongs to the network, the weights are customised anew when
speeds or closures change. SciPy's Dijkstra stands in where there is no wheel of it.
"""

import importlib.util
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from geo.errors import InputError, Unavailable
from geo.network import RoadNetwork, Snapped
from geo.speeds import DEFAULT_SPEEDS, SpeedTable

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]

WALK_M_S = 1.1
"""Walking speed of an adult, m/s [from memory, to be confirmed]."""

CLOSED = 2_147_483_647
"""The weight of an arc that cannot be driven; the engine knows exactly this number."""

_MAX_WEIGHT = CLOSED // 4  # of one arc: 149 h or 536 km, so that sums stay below CLOSED for any real route
_UNIT = 1000.0  # milliseconds in a second, millimetres in a metre
_UNPACKED_AT_ONCE = 2_048  # pairs
_THREADED_FROM = 8  # sources from which two threads pay
_FEW_WEIGHTS = 0.1  # share of the arcs up to which changing them is quicker than customising all
_SPARE_METRICS = 2


def last_leg_s(access_m: Any, *, walk_m_s: float = WALK_M_S) -> Floats:
    """The time of the leg off the road, walked in a straight line, in whole milliseconds; never counted as zero.

    Parameters
    ----------
    access_m : (n,) m, >= 0; NaN where there is no road
    walk_m_s : m/s, > 0

    Returns
    -------
    (n,) s; NaN stays NaN

    Raises
    ------
    InputError : `walk_m_s` is not above 0

    Notes
    -----
    CRS: none.
    Cost: O(n).
    Invariant: proportional to the distance, to half a millisecond.
    Source: walking speed from memory.
    """
    if not walk_m_s > 0:
        raise InputError(f"walk_m_s={walk_m_s}: expected metres per second above 0")
    return np.round(np.asarray(access_m, dtype=np.float64) / walk_m_s, 3)


@dataclass(frozen=True)
class Route:
    """One route on the road: time, length and geometry between the snapped ends.

    `edge` are its edges in order, `pieces` the (v, 2) m that lie on each, in the direction of travel.
    """

    time_s: float
    distance_m: float
    xy_m: Floats
    edge: Longs
    pieces: tuple[Floats, ...]


_Pairs = list[tuple[int, int]]  # (node, cost from the place to it)
_Found = tuple[float, int, int, list[int]]  # cost, first node, last node, arcs between them


class _Engine(Protocol):
    def rows(self, sources: list[_Pairs], targets: list[int]) -> Floats: ...

    def columns(self, sources: list[int], targets: list[_Pairs]) -> Floats: ...

    def paths(self, questions: list[tuple[_Pairs, _Pairs]]) -> list[_Found | None]: ...

    def with_weights(self, weight: Longs) -> "_Engine": ...


def contraction_order(network: RoadNetwork) -> list[int]:
    """The order in which the engine contracts the nodes of a network; it does not depend on speeds.

    Parameters
    ----------
    network : road network; heavy above 100,000 nodes (seconds, holding the interpreter)

    Returns
    -------
    (n,) node numbers; empty without the engine or without arcs

    Notes
    -----
    CRS: the network's metric CRS, used as a plane.
    Cost: about 5 s at 147,000 nodes.
    Invariant: a permutation of the nodes.
    Source: inertial flow as built into RoutingKit.
    """
    if len(network.arc_tail) == 0 or not _has_engine():
        return []
    import routingkit_cch

    xy = network.node_xy_m
    return list(
        routingkit_cch.compute_order_inertial(
            len(xy),
            network.arc_tail.tolist(),
            network.arc_head.tolist(),
            xy[:, 1].tolist(),
            xy[:, 0].tolist(),
        )
    )


def _has_engine() -> bool:
    return importlib.util.find_spec("routingkit_cch") is not None


class TravelTimes:
    """Travel times on one network with one set of weights; many threads may ask at once.

    Parameters
    ----------
    network : road network
    speeds : speed table
    hour : local hour of the day, 0 to 23; None: free flow
    edge_factor : (e,) share of the speed left on each edge, 0 closed .. 1 open; None: all open
    respect_maxspeed : never faster than a tagged speed limit
    weight : what is minimised, ``time`` (s) or ``distance`` (m)
    order : contraction order of this network; None: computed here
    engine : ``auto`` takes ``cch`` where its wheel is there, else ``scipy``
    """

    def __init__(
        self,
        network: RoadNetwork,
        *,
        speeds: SpeedTable = DEFAULT_SPEEDS,
        hour: int | None = None,
        edge_factor: Any = None,
        respect_maxspeed: bool = True,
        weight: Literal["time", "distance"] = "time",
        order: Sequence[int] | None = None,
        engine: Literal["auto", "cch", "scipy"] = "auto",
    ) -> None:
        self.network = network
        self._speeds, self._respect_maxspeed = speeds, respect_maxspeed
        self._set_costs(hour, weight)
        self._customise(np.ones(len(network.edge_tail)) if edge_factor is None else edge_factor)
        self._order: list[int] | None = None if order is None else list(order)
        self.engine = self._choose(engine)
        self._kernel: _Engine | None = None
        if len(network.arc_tail):
            if self.engine == "cch":
                if not self._order:
                    self._order = contraction_order(network)
                self._kernel = _Cch(network, self._arc_weight, self._order)
            else:
                self._kernel = _Dijkstra(network, self._arc_weight)

    def _set_costs(self, hour: int | None, weight: Literal["time", "distance"]) -> None:
        """Seconds of every edge, all open, and what is minimised."""
        if weight not in ("time", "distance"):
            raise InputError(f"weight={weight}: expected time or distance")
        self.weight = weight
        network = self.network
        speed = self._speeds.class_m_s(hour)[network.edge_class]
        if self._respect_maxspeed:
            speed = np.fmin(speed, network.edge_maxspeed_kmh / 3.6)
        self._open_s = network.edge_length_m / speed
        longest = (self._open_s if weight == "time" else network.edge_length_m).max(initial=0.0) * _UNIT
        if longest > _MAX_WEIGHT:
            raise InputError(f"roads: an edge takes {longest / _UNIT:.0f} s or m, more than can be routed")

    def _choose(self, engine: str) -> Literal["cch", "scipy"]:
        if engine not in ("auto", "cch", "scipy"):
            raise InputError(f"engine={engine}: expected auto, cch or scipy")
        if engine == "scipy":
            return "scipy"
        if _has_engine():
            return "cch"
        if engine == "cch":
            raise Unavailable("engine=cch: routingkit-cch is not installed on this platform; use scipy")
        return "scipy"

    def _customise(self, edge_factor: Any) -> None:
        """Costs of edges and weights of arcs; an edge slowed beyond what can be routed is closed."""
        factor = np.asarray(edge_factor, dtype=np.float64)
        if factor.shape != self._open_s.shape:
            raise InputError(f"edge_factor: {factor.shape} values for {len(self._open_s)} edges")
        if not ((factor >= 0) & (factor <= 1)).all():
            raise InputError("edge_factor: expected numbers from 0 (closed) to 1 (open)")
        is_open = factor * (_MAX_WEIGHT / _UNIT) >= self._open_s
        is_open &= factor > 0
        self._edge_s = np.divide(self._open_s, factor, out=np.full(len(factor), np.inf), where=is_open)
        cost = self._edge_s if self.weight == "time" else self.network.edge_length_m
        # A place inside an edge stands at a whole share of the rounded weight, so that parts add up to it.
        whole = np.maximum(np.rint(np.where(is_open, cost, 0.0) * _UNIT), 1.0)
        self._edge_weight = np.where(is_open, whole, np.inf)
        self._arc_weight = np.where(is_open, whole, CLOSED).astype(np.int64)[self.network.arc_edge]

    def with_factors(self, edge_factor: Any) -> "TravelTimes":
        """The same network, speeds and order with other factors on the edges: 0 closed .. 1 open."""
        return self._weighed_anew(lambda other: other._customise(edge_factor))

    def retimed(self, *, hour: int | None, weight: Literal["time", "distance"] = "time") -> "TravelTimes":
        """The same network and order at another hour, or by distance, with every edge open."""

        def change(other: TravelTimes) -> None:
            other._set_costs(hour, weight)
            other._customise(np.ones(len(self.network.edge_tail)))

        return self._weighed_anew(change)

    def _weighed_anew(self, change: Callable[["TravelTimes"], None]) -> "TravelTimes":
        other = object.__new__(TravelTimes)
        other.__dict__ |= self.__dict__
        change(other)
        other._kernel = None if self._kernel is None else self._kernel.with_weights(other._arc_weight)
        return other

    # -- matrices -----------------------------------------------------------------------------

    def matrix_s(self, origins: Snapped, destinations: Snapped) -> Floats:
        """(n, m) s (m when distance is minimised) on the road from every origin to every destination.

        inf where there is no route or no road. Legs off the road are not in it. Whole milliseconds
        (millimetres), and the answer for one pair does not depend on the other pairs.
        """
        n, m = len(origins), len(destinations)
        result = np.full((n, m), np.inf)
        if n == 0 or m == 0:
            return result
        exits = self._exits(origins)
        entries = self._entries(destinations)
        if self._kernel is not None:
            if n <= m:
                nodes, where = np.unique(entries.node[entries.is_there], return_inverse=True)
                if len(nodes) and exits.is_there.any():
                    rows = self._kernel.rows(exits.pairs(), nodes.tolist())
                    for k in (0, 1):
                        column = rows[:, _positions(entries.is_there, where, k)]
                        column += np.where(entries.is_there[:, k], entries.cost[:, k], np.inf)[None, :]
                        np.minimum(result, column, out=result)
            else:
                nodes, where = np.unique(exits.node[exits.is_there], return_inverse=True)
                if len(nodes) and entries.is_there.any():
                    columns = self._kernel.columns(nodes.tolist(), entries.pairs())
                    for k in (0, 1):
                        row = columns[_positions(exits.is_there, where, k), :]
                        row += np.where(exits.is_there[:, k], exits.cost[:, k], np.inf)[:, None]
                        np.minimum(result, row, out=result)
        self._on_same_edge(result, origins, destinations)
        result /= _UNIT
        return result

    def _on_same_edge(self, result: Floats, origins: Snapped, destinations: Snapped) -> None:
        """Two places on one edge are joined directly where the direction of travel allows it."""
        shared = np.intersect1d(origins.edge[origins.edge >= 0], destinations.edge)
        for edge in shared:
            weight = self._edge_weight[edge]
            i = np.flatnonzero(origins.edge == edge)
            j = np.flatnonzero(destinations.edge == edge)
            ahead = destinations.fraction[j][None, :] - origins.fraction[i][:, None]
            direct = np.full(ahead.shape, np.inf)
            if np.isfinite(weight):
                apart = np.abs(self.along(destinations.take(j))[None, :] - self.along(origins.take(i))[:, None])
                allowed = (self.network.edge_forward[edge] & (ahead >= 0)) | (
                    self.network.edge_backward[edge] & (ahead <= 0)
                )
                direct[allowed] = apart[allowed]
            block = np.ix_(i, j)
            result[block] = np.minimum(result[block], direct)

    @property
    def edge_cost(self) -> Floats:
        """(e,) ms (mm when distance is minimised), whole, of driving each edge from end to end; inf where closed."""
        return self._edge_weight

    def along(self, places: Snapped) -> Floats:
        """(n,) the part of its edge's cost from the tail to each place, whole; 0 on a closed edge."""
        weight = self._edge_weight[np.maximum(places.edge, 0)]
        return np.rint(places.fraction * np.where(np.isfinite(weight), weight, 0.0))

    def _exits(self, places: Snapped) -> "_Ends":
        """From each place along its edge to its ends, as the directions of travel allow."""
        return self._ends(places, leaving=True)

    def _entries(self, places: Snapped) -> "_Ends":
        """From the ends of its edge along it to each place."""
        return self._ends(places, leaving=False)

    def _ends(self, places: Snapped, *, leaving: bool) -> "_Ends":
        there = places.edge >= 0
        edge = np.where(there, places.edge, 0)
        if len(self._edge_weight) == 0:
            empty = np.zeros((len(places), 2))
            return _Ends(empty.astype(np.int64), empty, empty.astype(bool))
        weight = self._edge_weight[edge]
        drivable = there & np.isfinite(weight)
        tail, head = self.network.edge_tail[edge], self.network.edge_head[edge]
        node = np.column_stack([head, tail] if leaving else [tail, head]).astype(np.int64)
        along = self.along(places)
        weight = np.where(np.isfinite(weight), weight, 0.0)
        cost = np.column_stack([weight - along, along] if leaving else [along, weight - along])
        # An end that is on the node itself may be used whatever the direction of the edge.
        at_tail, at_head = places.fraction <= 0.0, places.fraction >= 1.0
        free = np.column_stack([at_head, at_tail] if leaving else [at_tail, at_head])
        allowed = np.column_stack([self.network.edge_forward[edge], self.network.edge_backward[edge]])
        return _Ends(node, cost, (drivable[:, None] & allowed) | (there[:, None] & free))

    # -- paths --------------------------------------------------------------------------------

    def path(self, origins: Snapped, destinations: Snapped, i: int, j: int) -> Route | None:
        """The best route from origin i to destination j, None where there is none."""
        a, b = origins.take([i]), destinations.take([j])
        found = self._ways(a, b)[0]
        if found is None:
            return None
        network = self.network
        lines = [
            _part_of(network, edge, begin, stop)
            if (begin, stop) not in ((0.0, 1.0), (1.0, 0.0))
            else network.edge_coords_m[network.edge_start[edge] : network.edge_start[edge + 1]][:: 1 if stop else -1]
            for edge, begin, stop in zip(found.edge.tolist(), found.begin.tolist(), found.stop.tolist(), strict=True)
        ]
        xy = np.concatenate(lines)
        keep = np.r_[True, (np.abs(np.diff(xy, axis=0)) > 1e-9).any(axis=1)]
        if keep.sum() == 1 and len(xy) > 1:
            keep[-1] = True  # a line of one place still has two ends
        time_s, distance_m = self._sums(found)
        return Route(time_s, distance_m, xy[keep], found.edge, tuple(lines))

    def _sums(self, way: "_Way") -> tuple[float, float]:
        share = np.abs(way.stop - way.begin)
        driven = share > 0
        share, edge = share[driven], way.edge[driven]
        time_s, length_m = self._edge_s[edge], self.network.edge_length_m[edge]
        return float((share * time_s).sum()), float((share * length_m).sum())

    def _ways(self, a: Snapped, b: Snapped) -> list["_Way | None"]:
        """The best way of each pair: the k-th of `a` to the k-th of `b`."""
        direct = self._direct(a, b)
        exits, entries = self._exits(a), self._entries(b)
        if self._kernel is None:
            around: list[_Found | None] = [None] * len(a)
        else:
            around = self._kernel.paths(list(zip(exits.pairs(), entries.pairs(), strict=True)))
        found: list[_Way | None] = []
        for k, other in enumerate(around):
            first, last = (int(a.edge[k]), float(a.fraction[k])), (int(b.edge[k]), float(b.fraction[k]))
            if np.isfinite(direct[k]) and (other is None or direct[k] <= other[0]):
                found.append(_Way(np.array([first[0]]), np.array([first[1]]), np.array([last[1]])))
            elif other is None:
                found.append(None)
            else:
                _, start, end, arcs = other
                ahead = self.network.arc_is_forward[arcs].astype(np.float64)
                out = 1.0 - exits.side(k, start)  # side 0 leaves by the head, side 1 by the tail
                into = float(entries.side(k, end))
                edge = np.r_[first[0], self.network.arc_edge[arcs], last[0]]
                begin = np.r_[first[1], 1.0 - ahead, into]
                found.append(_Way(edge.astype(np.int64), begin, np.r_[out, ahead, last[1]]))
        return found

    def _direct(self, a: Snapped, b: Snapped) -> Floats:
        """(n,) cost of each pair along the edge that its two places share; inf where they share none."""
        found = np.full(len(a), np.inf)
        same = np.flatnonzero((a.edge >= 0) & (a.edge == b.edge))
        edge, ahead = a.edge[same], b.fraction[same] - a.fraction[same]
        allowed = (self.network.edge_forward[edge] & (ahead >= 0)) | (self.network.edge_backward[edge] & (ahead <= 0))
        allowed &= np.isfinite(self._edge_weight[edge])
        apart = np.abs(self.along(b.take(same)) - self.along(a.take(same)))
        found[same[allowed]] = apart[allowed]
        return found

    def measured(self, origins: Snapped, destinations: Snapped) -> tuple[Floats, Floats]:
        """(n, m) s and (n, m) m along the best routes, unpacked pair by pair; inf where there is none."""
        n, m = len(origins), len(destinations)
        time_s, distance_m = np.full((n, m), np.inf), np.full((n, m), np.inf)
        for begin in range(0, n * m, _UNPACKED_AT_ONCE):
            i, j = np.divmod(np.arange(begin, min(begin + _UNPACKED_AT_ONCE, n * m)), m)
            ways = self._ways(origins.take(i), destinations.take(j))
            for k, way in enumerate(ways):
                if way is not None:
                    time_s[i[k], j[k]], distance_m[i[k], j[k]] = self._sums(way)
        return time_s, distance_m

    def distance_m(self, origins: Snapped, destinations: Snapped) -> Floats:
        """(n, m) m, the length of the best routes on the road; inf where there is none."""
        if self.weight == "distance":
            return self.matrix_s(origins, destinations)
        return self.measured(origins, destinations)[1]


@dataclass(frozen=True)
class _Way:
    """The edges of one route in order, each driven from one fraction to another."""

    edge: Longs
    begin: Floats
    stop: Floats


def _positions(is_there: NDArray[np.bool_], where: NDArray[np.intp], k: int) -> NDArray[np.intp]:
    """Where the k-th ends stand among the unique nodes; 0 for those that are not there."""
    flat = np.zeros(is_there.shape, dtype=np.intp)
    flat[is_there] = where
    found: NDArray[np.intp] = flat[:, k]
    return found


def _part_of(network: RoadNetwork, edge: int, begin: float, stop: float) -> Floats:
    """The vertices of an edge from one fraction to another, in the direction of travel."""
    coords = network.edge_coords_m[network.edge_start[edge] : network.edge_start[edge + 1]]
    along = np.r_[0.0, np.cumsum(np.hypot(*np.diff(coords, axis=0).T))]
    total = along[-1]
    low, high = sorted((begin * total, stop * total))
    ends = [[np.interp(at, along, coords[:, 0]), np.interp(at, along, coords[:, 1])] for at in (low, high)]
    inside = coords[(along > low) & (along < high)]
    line = np.vstack([ends[:1], inside, ends[1:]])
    return line if stop >= begin else line[::-1]


@dataclass(frozen=True)
class _Ends:
    """(n, 2) the nodes at the ends of each place's edge, what they cost, and whether they can be used."""

    node: Longs
    cost: Floats
    is_there: NDArray[np.bool_]

    def side(self, i: int, node: int) -> int:
        """Which end of place i is this node; the cheaper one where both are (a loop)."""
        return min((float(self.cost[i, k]), k) for k in (0, 1) if self.is_there[i, k] and self.node[i, k] == node)[1]

    def pairs(self) -> list[_Pairs]:
        """Per place the usable (node, cost) pairs."""
        cost = self.cost.astype(np.int64)
        return [
            [(int(self.node[i, k]), int(cost[i, k])) for k in (0, 1) if self.is_there[i, k]]
            for i in range(len(self.node))
        ]


class _Dijkstra:
    """SciPy's Dijkstra behind the engine's interface."""

    def __init__(self, network: RoadNetwork, weight: Longs) -> None:
        self._network = network
        self._n = len(network.node_xy_m)
        self._weight = weight
        keys = network.arc_tail.astype(np.int64) * self._n + network.arc_head
        order = np.lexsort((weight, keys))
        best = order[np.r_[True, np.diff(keys[order]) > 0]]
        self._best = best[weight[best] < CLOSED]
        self._keys = keys[self._best]  # ascending
        shape = (self._n, self._n)
        ends = (network.arc_tail[self._best], network.arc_head[self._best])
        self._graph: Any = coo_array((weight[self._best].astype(float), ends), shape=shape).tocsr()
        self._reverse: Any = coo_array((weight[self._best].astype(float), ends[::-1]), shape=shape).tocsr()

    def with_weights(self, weight: Longs) -> "_Dijkstra":
        return _Dijkstra(self._network, weight)

    def rows(self, sources: list[_Pairs], targets: list[int]) -> Floats:
        return self._spread(self._graph, sources, targets)

    def columns(self, sources: list[int], targets: list[_Pairs]) -> Floats:
        return self._spread(self._reverse, targets, sources).T

    def _spread(self, graph: Any, starts: list[_Pairs], ends: list[int]) -> Floats:
        result = np.full((len(starts), len(ends)), np.inf)
        for i, pairs in enumerate(starts):
            for node, cost in pairs:
                result[i] = np.minimum(result[i], cost + dijkstra(graph, indices=[node])[0][ends])
        return result

    def paths(self, questions: list[tuple[_Pairs, _Pairs]]) -> list[_Found | None]:
        return [self._path(sources, targets) for sources, targets in questions]

    def _path(self, sources: _Pairs, targets: _Pairs) -> _Found | None:
        best: tuple[float, int, int, Any] | None = None
        for node, cost in sources:
            far, before = (rows[0] for rows in dijkstra(self._graph, indices=[node], return_predecessors=True))
            for target, more in targets:
                total = cost + float(far[target]) + more
                if np.isfinite(total) and (best is None or total < best[0]):
                    best = (total, node, target, before)
        if best is None:
            return None
        total, start, end, before = best
        arcs: list[int] = []
        node = end
        while node != start:
            key = int(before[node]) * self._n + node
            arcs.append(int(self._best[np.searchsorted(self._keys, key)]))
            node = int(before[node])
        return total, start, end, arcs[::-1]


class _Cch:
    """routingkit-cch behind the engine's interface.

    A query object is made, used and dropped within one call on one thread: one that lives on
    locks the metric, and one used from another thread panics. A metric is never changed under
    readers: other weights are another metric, or one whose readers are gone.
    """

    def __init__(self, network: RoadNetwork, weight: Longs, order: list[int]) -> None:
        import routingkit_cch

        n = len(network.node_xy_m)
        if len(order) != n or not np.array_equal(np.sort(np.asarray(order)), np.arange(n)):
            raise InputError(f"order: expected each of the {n} nodes once; it belongs to another network")
        self._module: Any = routingkit_cch
        self._cch: Any = routingkit_cch.CCH(order, network.arc_tail.tolist(), network.arc_head.tolist(), False)
        self._metric: Any = routingkit_cch.CCHMetric(self._cch, weight.tolist())
        self._spare: deque[tuple[Any, Longs]] = deque()  # of all with this hierarchy
        self._rank = np.empty(n, dtype=np.int64)
        self._rank[np.asarray(order)] = np.arange(n)

    def with_weights(self, weight: Longs) -> "_Cch":
        other = object.__new__(_Cch)
        other.__dict__ |= self.__dict__
        other._metric = other._metric_with(weight)
        # A metric goes back when nobody can read it any more: to change a few of its weights is a hundred times
        # quicker than to customise all of them.
        weakref.finalize(other, _give_back, self._spare, other._metric, weight).atexit = False
        return other

    def _metric_with(self, weight: Longs) -> Any:
        """A metric that is nobody else's."""
        try:
            metric, known = self._spare.pop()
        except IndexError:
            return self._module.CCHMetric(self._cch, weight.tolist())
        changed = np.flatnonzero(known != weight)
        if len(changed) > _FEW_WEIGHTS * len(weight):
            metric.reset(weight.tolist())
        elif len(changed):
            updates = dict(zip(changed.tolist(), weight[changed].tolist(), strict=True))
            self._module.CCHMetricPartialUpdater(self._cch).apply(metric, updates)
        return metric

    def rows(self, sources: list[_Pairs], targets: list[int]) -> Floats:
        pins, back = self._pinned(targets)

        def some(chunk: range) -> list[Floats]:
            query = self._module.CCHOneToMany(self._metric, pins)
            return [_numbers(query.distances_from_multi(sources[i]) if sources[i] else None, back) for i in chunk]

        return np.array(_in_two(some, len(sources)))

    def columns(self, sources: list[int], targets: list[_Pairs]) -> Floats:
        pins, back = self._pinned(sources)

        def some(chunk: range) -> list[Floats]:
            query = self._module.CCHManyToOne(self._metric, pins)
            return [_numbers(query.distances_to_multi(targets[j]) if targets[j] else None, back) for j in chunk]

        return np.array(_in_two(some, len(targets))).T

    def _pinned(self, nodes: list[int]) -> tuple[list[int], NDArray[np.intp]]:
        """The nodes from the top of the hierarchy down (a quarter faster to sweep), and the way back."""
        ids = np.asarray(nodes, dtype=np.int64)
        down = np.argsort(-self._rank[ids])
        back = np.empty(len(ids), dtype=np.intp)
        back[down] = np.arange(len(ids))
        return ids[down].tolist(), back

    def paths(self, questions: list[tuple[_Pairs, _Pairs]]) -> list[_Found | None]:
        query = self._module.CCHQuery(self._metric)
        return [self._path(query, sources, targets) for sources, targets in questions]

    def _path(self, query: Any, sources: _Pairs, targets: _Pairs) -> _Found | None:
        if not sources or not targets:
            return None
        found = query.run_multi(sources, targets)
        if found.distance is None or found.distance >= CLOSED:
            return None
        nodes = found.node_path
        answer = float(found.distance), int(nodes[0]), int(nodes[-1]), list(found.arc_path)
        del found  # a held result blocks the next run
        return answer


def _give_back(spare: deque[tuple[Any, Longs]], metric: Any, weight: Longs) -> None:
    if len(spare) < _SPARE_METRICS:
        spare.append((metric, weight))


def _in_two(work: Callable[[range], list[Floats]], count: int) -> list[Floats]:
    """The work on all items, on two threads where it pays (the engine releases the interpreter).

    The second thread lives for one call: one that is kept would be missing after a fork.
    """
    if count < _THREADED_FROM:
        return work(range(count))
    half = count // 2
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(work, range(half))
        second = work(range(half, count))
        return [*first.result(), *second]


def _numbers(values: list[int | None] | None, back: NDArray[np.intp]) -> Floats:
    """The engine's answer as numbers in the order asked for; inf where there is no route."""
    if values is None:
        return np.full(len(back), np.inf)
    found = np.array(values, dtype=np.float64)[back]  # None becomes NaN
    found[~(found < CLOSED)] = np.inf
    return found
