"""N-1: who loses the hour when one road, one bridge or one team is out, by true recount.

Only the first team's arrival decides whether a place is within the hour, so the whole state is one
shortest path tree from the call through the teams to the places: handling, turnout and the
walk to the road are the arcs to the teams, the walk from the road is in the arcs to the places. What does
not hang below a road in that tree cannot lose by it; what hangs below it is settled anew from what
does not. That is a full recount of what can change, and nothing else is touched.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo.coverage import LIMIT_S, TIME_DIGITS
from geo.criticality_kernel import FAR, loads, repair, spread
from geo.cut_graph import CutGraph, cut_graph
from geo.errors import InputError
from geo.links import Links
from geo.network import Snapped
from geo.times import TravelTimes, last_leg_s

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Longs = NDArray[np.int64]

_AT_ONCE = 500  # links in one piece of progress


@dataclass(frozen=True, eq=False)
class ResponseTree:
    """The quickest response to every place, and the tree of routes that gives it.

    `total_s` (n,) is handling, turnout, travel and last leg of the first team, inf where none
    arrives; `first_team` (n,) its position, -1 for none; equal times go to the first of the teams.
    """

    persons: Longs
    limit_s: float
    total_s: Floats
    first_team: Longs
    place_edge: Longs
    _graph: "_Graph"

    @property
    def within(self) -> Bools:
        """(n,) whether each place is reached within the limit (bound included)."""
        return self.total_s <= self.limit_s

    def link_loads(self, links: Links) -> Longs:
        """(l,) persons whose first team comes over each link, by one quickest route to each place.

        Persons of places that are reached too late count too.
        """
        return self._graph.loads(links, self.persons)

    def links_in_use(self, links: Links) -> Longs:
        """The links over which the first team comes to some place, by persons, then by number.

        A link that is not in use can be out without any response being later.
        """
        used = np.flatnonzero(self._graph.loads(links, np.ones_like(self.persons)))
        found: Longs = used[np.lexsort((used, -self.link_loads(links)[used]))]
        return found


@dataclass(frozen=True)
class Outages:
    """What each of k outages does; `out` is the link's number or the team's position.

    Per outage (k,): places and persons that lose the limit (`lost`), those of them that stand on
    the link itself (`lost_on_link`: their own road is closed), places and persons that no team
    reaches any more (`cut`, whether they had been in time or not), and `delay_person_s`, the later arrival
    times persons of all who are still reached. Per row (c,), one for each place that loses the limit or is
    cut: the position of its outage in `out`, the place, its new total (inf: none), the team that is
    first then (-1: none), and whether it stands on the link.
    """

    out: Longs
    lost_places: Longs
    lost_persons: Longs
    lost_on_link_persons: Longs
    cut_places: Longs
    cut_persons: Longs
    delay_person_s: Floats
    row_outage: Longs
    row_place: Longs
    row_after_s: Floats
    row_after_team: Longs
    row_on_link: Bools

    def __len__(self) -> int:
        return len(self.out)

    @property
    def lost_beyond_persons(self) -> Longs:
        """(k,) persons that lose the limit and do not stand on the link itself."""
        return self.lost_persons - self.lost_on_link_persons

    def ranked(self) -> Longs:
        """Positions by persons that lose the limit beyond the link, then of all, cut, delay, number."""
        keys = (self.out, -self.delay_person_s, -self.cut_persons, -self.lost_persons, -self.lost_beyond_persons)
        return np.lexsort(keys).astype(np.int64)


def joined_outages(pieces: Sequence[Outages]) -> Outages:
    """Pieces of one run as one.

    Parameters
    ----------
    pieces : outages, one after the other

    Returns
    -------
    Outages; none for no pieces

    Notes
    -----
    CRS: none.
    Cost: O(outages + rows).
    Invariant: the order of outages and rows stays.
    Source: none.
    """
    none = _no_outages()
    before = np.cumsum([0, *(len(piece) for piece in pieces)])
    columns = {
        item.name: np.concatenate([getattr(none, item.name), *(getattr(piece, item.name) for piece in pieces)])
        for item in fields(Outages)
    }
    columns["row_outage"] += np.repeat(before[:-1], [len(piece.row_place) for piece in pieces]).astype(np.int64)
    return Outages(**columns)


def response_tree(
    travel: TravelTimes,
    stations: Snapped,
    places: Snapped,
    *,
    before_travel_s: Any,
    persons: Any,
    limit_s: float = LIMIT_S,
) -> ResponseTree:
    """The quickest response to every place as one tree of routes.

    Parameters
    ----------
    travel : travel times with the closures in force
    stations : (m,) the teams that count, on the network; equal times go to the first
    places : (n,) places on the network
    before_travel_s : (m,) s, whole milliseconds, >= 0: handling and turnout of each team
    persons : (n,) whole, >= 0
    limit_s : s, > 0, finite; in time when the response is at most this (bound included)

    Returns
    -------
    ResponseTree

    Raises
    ------
    InputError : lengths that do not fit, times or persons that are none

    Notes
    -----
    CRS: the network's metric CRS.
    Cost: one search on the network, O(arcs log nodes).
    Invariant: total and first team are those of `geo.coverage.coverage` with the same teams.
    Source: Dijkstra (1959), doi:10.1007/BF01386390.
    """
    if not 0 < limit_s < np.inf:
        raise InputError(f"limit_s={limit_s}: expected seconds above 0")
    before_ms = np.asarray(before_travel_s, dtype=np.float64).reshape(-1) * 1000.0
    if len(before_ms) != len(stations):
        raise InputError(f"before_travel_s: {len(before_ms)} values for {len(stations)} teams")
    if not (np.isfinite(before_ms) & (before_ms >= 0) & (np.abs(before_ms - np.rint(before_ms)) < 1e-6)).all():
        raise InputError("before_travel_s: expected seconds in whole milliseconds, 0 or more")
    heads = np.asarray(persons, dtype=np.float64).reshape(-1)
    if len(heads) != len(places):
        raise InputError(f"persons: {len(heads)} values for {len(places)} places")
    if not ((heads >= 0) & (heads == np.floor(heads)) & (heads < 2**53)).all():
        raise InputError("persons: expected whole numbers, 0 or more")
    start_ms = np.rint(before_ms) + np.rint(last_leg_s(stations.access_m) * 1000.0)
    leg_ms = np.rint(last_leg_s(places.access_m) * 1000.0)
    cut = cut_graph(travel, stations, places)
    graph = _Graph(cut, start_ms, leg_ms)
    total_s, team = graph.told(graph.distance[cut.first_destination : -1])
    return ResponseTree(heads.astype(np.int64), float(limit_s), total_s, team, places.edge.astype(np.int64), graph)


def link_outages(tree: ResponseTree, links: Links, chosen: Any, *, at_once: int = _AT_ONCE) -> Iterator[Outages]:
    """What each of these links does when it is out, in pieces of `at_once` links.

    Parameters
    ----------
    tree : the quickest responses
    links : links of the same network
    chosen : (k,) numbers of links
    at_once : links in a piece, > 0

    Returns
    -------
    Iterator of Outages in the order of `chosen`; a run that was stopped goes on with the rest of `chosen`

    Raises
    ------
    InputError : links of another network, a number that is no link, a size of pieces below 1

    Notes
    -----
    CRS: none.
    Cost: O(h log h) a link, h the arcs of what hangs below it in the tree; two threads.
    Invariant: equal to a recount of everything with the link's edges closed.
    Source: see `geo.criticality_kernel.repair`.
    """
    numbers = np.asarray(chosen, dtype=np.int64).reshape(-1)
    if at_once < 1:
        raise InputError(f"at_once={at_once}: expected 1 or more")
    if len(links.edge_link) != tree._graph.cut.edges:
        raise InputError(f"links: of {len(links.edge_link)} edges; the network has {tree._graph.cut.edges}")
    if len(numbers) and not ((numbers >= 0) & (numbers < len(links))).all():
        raise InputError(f"chosen: expected numbers of links, 0 to {len(links) - 1}")
    return _link_outages(tree, links, numbers, at_once)


def _link_outages(tree: ResponseTree, links: Links, numbers: Longs, at_once: int) -> Iterator[Outages]:
    graph = tree._graph
    roots = graph.roots(links.of(graph.arc_edge), len(links))
    place_link = links.of(tree.place_edge)
    pieces = [numbers[k : k + at_once] for k in range(0, len(numbers), at_once)]

    def one(piece: Longs) -> Outages:
        return _outages(tree, piece, graph.repaired(roots, piece), place_link)

    with ThreadPoolExecutor(2) as pool:
        for k in range(0, len(pieces), 2):
            yield from pool.map(one, pieces[k : k + 2])


def team_outages(tree: ResponseTree) -> Outages:
    """What each team does when it is out.

    Parameters
    ----------
    tree : the quickest responses

    Returns
    -------
    Outages, one for each team in order; nobody stands on a team

    Notes
    -----
    CRS: none.
    Cost: O(arcs log nodes) for all teams together.
    Invariant: equal to a recount of everything without the team.
    Source: see `geo.criticality_kernel.repair`.
    """
    graph = tree._graph
    teams = np.arange(graph.cut.origins)
    found = graph.repaired(graph.roots(graph.arc_team, len(teams)), teams)
    return _outages(tree, teams, found, np.full(len(tree.persons), -1))


@dataclass(frozen=True)
class HangingPlaces:
    """Places that one road alone keeps in time or in reach, one row for each place and such a link.

    `after_s` is the total when that road breaks, inf where no team comes then; `is_own` says that
    it is the link on which the place stands, `was_within` that it is in time now.
    """

    place: Longs
    link: Longs
    after_s: Floats
    is_own: Bools
    was_within: Bools

    def __len__(self) -> int:
        return len(self.place)


def hanging_places(tree: ResponseTree, links: Links, outages: Outages) -> HangingPlaces:
    """The places that hang on one road: without it no team in the hour, or none at all.

    Parameters
    ----------
    tree : the quickest responses
    links : links of the same network
    outages : of all links in use, see `link_outages`

    Returns
    -------
    HangingPlaces, by place and link. A link on which the place does not stand counts when it takes
    the place out of time or out of reach. The place's own link has a side before and a side behind the
    place; it counts when a break beside the place, on the side that matters more, does so: a village
    between two junctions that both serve it does not hang on its road, one in a dead end does.

    Notes
    -----
    CRS: none.
    Cost: as `link_outages` for as many roads as places stand on.
    Invariant: equal to a recount of everything with the break.
    Source: none; the rule of the two sides is this module's.
    """
    other = ~outages.row_on_link
    after_s = _after_own_break(tree)
    lost = np.isfinite(tree.total_s) & ((tree.within & ~(after_s <= tree.limit_s)) | np.isinf(after_s))
    own = np.flatnonzero(lost)
    place = np.r_[outages.row_place[other], own]
    link = np.r_[outages.out[outages.row_outage[other]], links.of(tree.place_edge[own])]
    order = np.lexsort((link, place))
    return HangingPlaces(
        place[order],
        link[order],
        np.r_[outages.row_after_s[other], after_s[own]][order],
        np.r_[np.zeros(int(other.sum()), dtype=bool), np.ones(len(own), dtype=bool)][order],
        tree.within[place[order]],
    )


def _after_own_break(tree: ResponseTree) -> Floats:
    """(n,) s, the total of each place after a break beside it on the worse side; its total where it has no sides."""
    whole = tree._graph
    cut, n = whole.cut, len(tree.persons)
    # Every place becomes two leaves: what reaches it from the side of the tail, and from that of the head.
    first = cut.first_destination
    one, both = np.flatnonzero((cut.side == 0) | (cut.side == 1)), np.flatnonzero(cut.side == 2)
    arc = np.r_[np.flatnonzero(cut.head < first), one, both, both]
    half = np.r_[np.zeros(len(arc) - len(one) - 2 * len(both)), cut.side[one], np.zeros(len(both)), np.ones(len(both))]
    to_leaf = cut.head[arc] >= first
    split = replace(
        cut,
        destinations=2 * n,
        head=np.where(to_leaf, 2 * cut.head[arc] - first + half.astype(np.int64), cut.head[arc]),
        # What leads to a leaf is on the other side of the break.
        piece=np.where(to_leaf, -1, cut.piece[arc]),
        destination_piece=np.repeat(cut.destination_piece, 2),
        **{name: getattr(cut, name)[arc] for name in ("tail", "cost", "edge", "side")},
    )
    graph = _Graph(split, whole.start_ms, np.repeat(whole.leg_ms, 2))
    pieces = np.unique(cut.destination_piece[(cut.destination_piece >= 0) & np.isfinite(tree.total_s)])
    roots = graph.roots(graph.arc_piece, int(cut.piece.max(initial=-1)) + 1)
    outage, leaf, far = graph.repaired(roots, pieces)
    same = pieces[outage] == split.destination_piece[leaf]
    after = graph.distance[first : first + 2 * n].copy()
    after[leaf[same]] = far[same]
    worse_s = graph.told(after)[0].reshape(n, 2).max(axis=1)
    return np.where(cut.destination_piece >= 0, worse_s, tree.total_s)


def _outages(tree: ResponseTree, out: Longs, found: Longs, place_link: Longs) -> Outages:
    """The outages from the new distances of all places that hang below each."""
    outage, place, far = found
    after_s, team = tree._graph.told(far)
    before_s, persons, k = tree.total_s[place], tree.persons[place], len(out)
    lost = (before_s <= tree.limit_s) & ~(after_s <= tree.limit_s)
    cut = np.isinf(after_s)
    on_link = place_link[place] == out[outage]

    def summed(which: Bools, what: Any) -> Any:
        total = np.zeros(k, dtype=np.asarray(what).dtype)
        np.add.at(total, outage[which], np.broadcast_to(what, which.shape)[which])
        return total

    later_ms = np.rint((np.where(cut, before_s, after_s) - before_s) * 1000.0).astype(np.int64)
    row = np.flatnonzero(lost | cut)
    row = row[np.lexsort((place[row], outage[row]))]
    return Outages(
        out,
        summed(lost, np.int64(1)),
        summed(lost, persons),
        summed(lost & on_link, persons),
        summed(cut, np.int64(1)),
        summed(cut, persons),
        summed(~cut, persons * later_ms) / 1000.0,
        outage[row],
        place[row],
        after_s[row],
        team[row],
        on_link[row],
    )


def _no_outages() -> Outages:
    whole, real = np.empty(0, dtype=np.int64), np.empty(0)
    return Outages(whole, whole, whole, whole, whole, whole, real, whole, whole, real, whole, np.empty(0, dtype=bool))


_Roots = tuple[Longs, Longs, Longs]  # owner of each arc; where the roots of each owner begin; the roots


class _Graph:
    """The arcs of a cut graph with the call before the teams, both ways, and the tree of routes from the call.

    A distance is ``ms * teams + team``: the least of it is the quickest, and the first team among equals.
    """

    def __init__(self, cut: CutGraph, start_ms: Floats, leg_ms: Floats) -> None:
        self.cut, self.start_ms, self.leg_ms = cut, start_ms, leg_ms
        self._factor = max(cut.origins, 1)
        call = cut.first_destination + cut.destinations
        ready = np.flatnonzero(np.isfinite(start_ms))  # a team without road is not
        leg = np.zeros(len(cut.head))
        last = np.flatnonzero(cut.head >= cut.first_destination)
        leg[last] = leg_ms[cut.head[last] - cut.first_destination]
        tail = np.r_[cut.tail, np.full(len(ready), call)]
        head = np.r_[cut.head, cut.nodes + ready]
        none = np.full(len(ready), -1)
        cost = np.r_[cut.cost + leg.astype(np.int64), start_ms[ready].astype(np.int64)] * self._factor
        cost[len(cut.head) :] += ready
        order = np.argsort(tail, kind="stable")
        self._start = _starts(tail, call + 1)
        self._head, self._cost = head[order], cost[order]
        self.arc_edge = np.r_[cut.edge, none][order]
        self.arc_piece = np.r_[cut.piece, none][order]
        self.arc_team = np.r_[np.full(len(cut.head), -1), ready][order]
        self._into = np.argsort(self._head, kind="stable")
        self._in_start = _starts(self._head, call + 1)
        self._in_tail = tail[order][self._into]
        self.distance, self._by, self._place, self._size, self._descent = spread(
            self._start, self._head, self._cost, call
        )

    def roots(self, owner: Longs, owners: int) -> _Roots:
        """The nodes to which the tree comes by an arc of each owner, in the order of descent."""
        by = self._by_owner(owner)
        root = np.flatnonzero(by >= 0)
        root = root[np.lexsort((self._place[root], by[root]))]
        return owner, _starts(by[root], owners), root

    def _by_owner(self, owner: Longs) -> Longs:
        """(nodes,) the owner of the arc by which the tree comes to each node, -1 for none."""
        found: Longs = np.r_[owner, -1][self._by]
        return found

    def loads(self, links: Links, weight: Longs) -> Longs:
        """(l,) the weight of the places whose path in the tree uses each link."""
        of_node = np.zeros(len(self.distance), dtype=np.int64)
        of_node[self.cut.first_destination : -1] = weight
        by = self._by_owner(links.of(self.arc_edge))
        return np.asarray(loads(self._descent, self._size, self._place, by, of_node, len(links)), dtype=np.int64)

    def repaired(self, roots: _Roots, out: Longs) -> Longs:
        """(3, c) position in `out`, place, new distance: of every place below an arc of each owner that is out."""
        owner, first_root, root = roots
        found = repair(
            out,
            first_root,
            root,
            self.distance,
            self._place,
            self._size,
            self._descent,
            self._start,
            self._head,
            self._cost,
            owner,
            self._in_start,
            self._in_tail,
            self._cost[self._into],
            owner[self._into],
            self.cut.first_destination,
        )
        return np.asarray(found, dtype=np.int64)

    def told(self, distance: Longs) -> tuple[Floats, Longs]:
        """Seconds and team of distances; inf and -1 where no team comes."""
        there = distance < FAR
        seconds = np.where(there, np.round(distance // self._factor / 1000.0, TIME_DIGITS), np.inf)
        return seconds, np.where(there, distance % self._factor, -1)


def _starts(owner: Longs, owners: int) -> Longs:
    """(owners + 1,) where the entries of each owner begin when they are sorted by owner."""
    found: Longs = np.r_[0, np.cumsum(np.bincount(owner, minlength=owners))].astype(np.int64)
    return found
