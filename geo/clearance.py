"""Clearance time: how long it takes until everybody is there, on foot with queues, or by bus in trips.

Everybody sets out at once. A road lets so many persons through in a minute, by its width; who comes to a road while
others wait for it waits too.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo.coverage import DAY_HOURS
from geo.errors import InputError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FLOW_PERSONS_M_MIN = 60.0
"""Persons a minute for each metre of effective width: 1.0 person/(m s) [from memory]."""

EDGE_LOSS_M = 0.6
"""Width that is lost at the edges of a road [from memory]."""

ENTRANCE_PERSONS_M_MIN = 25.0 / 1.5
"""Persons a minute for each metre of a shelter's entrance [GB 51143-2015: 25 a minute for every 1.5 m]."""

ENTRANCE_MIN = 60.0
"""Within so many minutes everybody is to be inside [GB 51143-2015]."""

WALK_SPEEDS_M_S = {"adult": 1.1, "slow": 0.75, "crowd": 0.5}
"""Adult; elderly, child or with luggage; in a crowd, m/s [from memory]."""

SET_OUT_S = {"day": (180.0, 300.0), "night": (600.0, 600.0)}
"""Warning and preparation, s [proposed]."""

ROAD_WIDTHS_M: dict[str, float] = {
    "trunk": 28.0,
    "trunk_link": 12.0,
    "primary": 24.0,
    "primary_link": 12.0,
    "secondary": 18.0,
    "secondary_link": 12.0,
    "tertiary": 12.0,
    "tertiary_link": 9.0,
    "residential": 7.0,
    "unclassified": 6.0,
    "living_street": 5.0,
    "service": 4.5,
    "track": 4.0,
    "pedestrian": 4.0,
}
"""Width by road class where none is known, m [proposed]; motorways are not walked."""


def set_out_s(hour: int) -> tuple[float, float]:
    """Warning and preparation before anybody moves.

    Parameters
    ----------
    hour : local hour of the day, 0 to 23; day is `geo.coverage.DAY_HOURS`

    Returns
    -------
    (warning s, preparation s)

    Raises
    ------
    InputError : an hour that is not one of the day

    Notes
    -----
    CRS: none.
    Cost: O(1).
    Invariant: the night is never quicker.
    Source: proposed.
    """
    if hour not in range(24):
        raise InputError(f"hour={hour}: expected 0 to 23")
    return SET_OUT_S["day" if DAY_HOURS[0] <= hour < DAY_HOURS[1] else "night"]


def flow_persons_s(width_m: Any) -> Floats:
    """How many persons a second a road of some width lets through.

    Parameters
    ----------
    width_m : m, >= 0

    Returns
    -------
    persons/s, the shape of `width_m`; 0 up to `EDGE_LOSS_M`

    Raises
    ------
    InputError : a width below 0 or not finite

    Notes
    -----
    CRS: none.
    Cost: O(n).
    Invariant: never less for a wider road.
    Source: ``q (W - 0.6)``, from memory.
    """
    width = np.asarray(width_m, dtype=np.float64)
    if not ((width >= 0) & np.isfinite(width)).all():
        raise InputError("width_m: expected metres, 0 or more")
    found: Floats = np.maximum(width - EDGE_LOSS_M, 0.0) * FLOW_PERSONS_M_MIN / 60.0
    return found


def entrance_m(persons: Any) -> Floats:
    """The clear width of the entrances through which persons are inside within the hour.

    Parameters
    ----------
    persons : (m,) persons, >= 0

    Returns
    -------
    (m,) m

    Raises
    ------
    InputError : persons below 0

    Notes
    -----
    CRS: none.
    Cost: O(m).
    Invariant: 10 m for every 10,000 persons.
    Source: GB 51143-2015: 25 persons a minute for every 1.5 m, everybody within an hour.
    """
    heads = np.asarray(persons, dtype=np.float64)
    if not (heads >= 0).all():
        raise InputError("persons: expected 0 or more")
    found: Floats = heads / (ENTRANCE_MIN * ENTRANCE_PERSONS_M_MIN)
    return found


@dataclass(frozen=True)
class Clearance:
    """(k,) the queue and the clearance of each move, and (l,) the persons on each link.

    `queue_s` is the longest time that a link of the route needs for all who use it, `link` that link (-1 on a route
    without links), `clear_s` = travel + queue. `at_most_s` = travel + the times of all links of the route: no order of
    arrival takes longer. `at_least_s` is one number for all moves: nothing is quicker.
    """

    queue_s: Floats
    link: Ints
    clear_s: Floats
    at_most_s: Floats
    at_least_s: float
    link_persons: Ints

    @property
    def last_s(self) -> float:
        """When the last person is there; 0 without moves."""
        return float(self.clear_s.max(initial=0.0))


def clearance(persons: Any, travel_s: Any, routes: Sequence[Any], flow_s: Any, *, before_s: Any = None) -> Clearance:
    """Travel and queue of every move, with the links shared by all who use them.

    Parameters
    ----------
    persons : (k,) whole persons of each move, > 0
    travel_s : (k,) s, >= 0, of one who is alone on the way
    routes : k sequences of link numbers in the order of the way, each link at most once
    flow_s : (l,) persons/s that each link lets through, both directions together, > 0 on every link that is used
    before_s : k sequences of s, the travel from the begin of the route to each of its links; None: not known, the
        lower bound then takes the travel for nothing

    Returns
    -------
    Clearance; empty for no moves

    Raises
    ------
    InputError : lengths that differ, a link out of range or twice in a route, a link that lets nobody through

    Notes
    -----
    CRS: none.
    Cost: O(sum of the routes' links).
    Invariant: with N persons on a link of capacity c, queue = max N/c over the route's links. One route alone: exact
    (all but the first headway). Routes that only merge: no later than the latest `clear_s`, but for a headway a link.
    Any routes: between `at_least_s` and the latest `at_most_s`; all of this against a simulation person by person.
    Source: ``T = travel + N / (q W)``, from memory; the bounds are own: whoever waits at a link waits for others who
    use it, so at most N/c; and the last of N persons leaves a link N/c after the first can have come.
    """
    heads = np.asarray(persons, dtype=np.float64).reshape(-1)
    travel = np.asarray(travel_s, dtype=np.float64).reshape(-1)
    flow = np.asarray(flow_s, dtype=np.float64).reshape(-1)
    k = len(heads)
    if not len(travel) == len(routes) == k:
        raise InputError("moves: persons, travel_s and routes differ in length")
    if not ((heads > 0) & (heads == np.floor(heads))).all():
        raise InputError("persons: expected whole persons above 0")
    if not ((travel >= 0) & np.isfinite(travel)).all():
        raise InputError("travel_s: expected seconds, 0 or more")
    length = np.array([len(route) for route in routes], dtype=np.int64)
    link = np.concatenate(
        [np.asarray(route, dtype=np.int64).reshape(-1) for route in routes] or [np.empty(0, np.int64)]
    )
    move = np.repeat(np.arange(k), length)
    if ((link < 0) | (link >= len(flow))).any():
        raise InputError(f"routes: a link is not one of 0 to {len(flow) - 1}")
    if len(np.unique(move * max(len(flow), 1) + link)) < len(link):
        raise InputError("routes: a route uses a link twice")
    load = np.bincount(link, heads[move], len(flow))
    if not (flow[link] > 0).all():
        blocked = int(link[~(flow[link] > 0)][0])
        raise InputError(f"flow_s: link {blocked} is on a route and lets nobody through; its road is too narrow")
    need_s = np.divide(load, flow, out=np.zeros(len(flow)), where=flow > 0)
    queue, narrow = np.zeros(k), np.full(k, -1, dtype=np.int64)
    # Within each move the links in order of need, the first of equals last: what is written last stays.
    order = np.lexsort((-np.arange(len(link)), need_s[link]))
    queue[move[order]], narrow[move[order]] = need_s[link[order]], link[order]
    total = np.bincount(move, need_s[link], k)
    return Clearance(
        queue,
        narrow,
        travel + queue,
        travel + total,
        _at_least(travel, link, move, need_s, before_s, length),
        load.astype(np.int64),
    )


def _at_least(travel: Floats, link: Ints, move: Ints, need_s: Floats, before_s: Any, length: Ints) -> float:
    """Nobody is through a link before the first can be there, and the last has his way from there still before him."""
    latest = float(travel.max(initial=0.0))
    if len(link) == 0:
        return latest
    before, after = np.zeros(len(link)), np.zeros(len(link))
    if before_s is not None:
        told = [np.asarray(row, dtype=np.float64).reshape(-1) for row in before_s]
        if [len(row) for row in told] != length.tolist():
            raise InputError("before_s: expected one number for each link of each route")
        before = np.concatenate(told)
        after = travel[move] - before
        if (before < 0).any() or (after < -1e-6).any():
            raise InputError("before_s: expected 0 up to the travel of the move")
    first, rest = np.full(len(need_s), np.inf), np.full(len(need_s), np.inf)
    np.minimum.at(first, link, before)
    np.minimum.at(rest, link, np.maximum(after, 0.0))
    used = np.unique(link)
    return max(latest, float((first[used] + need_s[used] + rest[used]).max()))


@dataclass(frozen=True)
class BusPlan:
    """(k,) trips and arrival of the last person of each move, and when the last bus is back.

    `at_least_s` is a proven lower bound of `back_s`.
    """

    trips: Ints
    arrival_s: Floats
    back_s: float
    at_least_s: float


def bus_trips(
    persons: Any, drive_s: Any, *, buses: int, seats: int, board_s: float = 300.0, alight_s: float = 180.0
) -> BusPlan:
    """Trips of a fleet that goes to and fro until everybody is there.

    Parameters
    ----------
    persons : (k,) whole persons of each move, >= 0
    drive_s : (k,) s, >= 0, one way; the way back takes as long
    buses, seats : how many buses there are and how many each takes, whole, > 0; they stand ready where they begin
    board_s, alight_s : s, >= 0, of a trip [proposed]

    Returns
    -------
    BusPlan; empty moves have no trip and arrive at 0

    Raises
    ------
    InputError : values out of bounds, lengths that differ

    Notes
    -----
    CRS: none.
    Cost: O(t log t) for t trips.
    Invariant: every trip is done once and no bus does two at a time; `back_s` is at most 4/3 - 1/(3 buses) of the
    least that is possible.
    Source: longest trips first, each to the bus that is free first: Graham (1969), doi:10.1137/0117039; a trip is
    board + drive + alight + drive back.
    """
    heads = np.asarray(persons, dtype=np.float64).reshape(-1)
    drive = np.asarray(drive_s, dtype=np.float64).reshape(-1)
    if len(heads) != len(drive):
        raise InputError("moves: persons and drive_s differ in length")
    if not ((heads >= 0) & (heads == np.floor(heads)) & np.isfinite(heads)).all():
        raise InputError("persons: expected whole persons, 0 or more")
    if not ((drive >= 0) & np.isfinite(drive)).all():
        raise InputError("drive_s: expected seconds, 0 or more")
    for name, value in (("buses", buses), ("seats", seats)):
        if value != int(value) or value < 1:
            raise InputError(f"{name}={value}: expected a whole number above 0")
    for name, seconds in (("board_s", board_s), ("alight_s", alight_s)):
        if not 0 <= seconds < np.inf:
            raise InputError(f"{name}={seconds}: expected seconds, 0 or more")
    trips = np.ceil(heads / seats).astype(np.int64)
    there_s = board_s + drive + alight_s
    cycle_s = there_s + drive
    arrival = np.zeros(len(heads))
    free = [0.0] * int(buses)
    for i in np.argsort(-cycle_s, kind="stable"):
        for _ in range(int(trips[i])):
            begin = heapq.heappop(free)
            arrival[i] = max(arrival[i], begin + there_s[i])
            heapq.heappush(free, begin + float(cycle_s[i]))
    busy = cycle_s[trips > 0]
    least = max(float((trips * cycle_s).sum()) / buses, float(busy.max(initial=0.0)))
    return BusPlan(trips, arrival, max(free), least)
