"""What lies around a place: roads within a circle or within a time of driving, persons of areas cut by either."""

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.errors import InputError
from geo.network import Snapped
from geo.surface import nodes_on_road
from geo.times import TravelTimes, last_leg_s

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def lengths_within(lines: Any, centre_xy: Any, radius_m: float) -> Floats:
    """How much of each line lies in a circle.

    Parameters
    ----------
    lines : (n,) LineStrings
    centre_xy : (2,) m
    radius_m : m, >= 0, bound included

    Returns
    -------
    (n,) m

    Raises
    ------
    InputError : a radius below 0 or not finite

    Notes
    -----
    CRS: one metric CRS.
    Cost: O(corners).
    Invariant: never more than the length of the line; a larger radius never gives less.
    Source: each segment is cut where it meets the circle, a quadratic equation; nothing is approximated.
    """
    if not 0 <= radius_m < np.inf:
        raise InputError(f"radius_m={radius_m}: expected metres, 0 or more")
    shapes = np.asarray(lines, dtype=object).reshape(-1)
    xy, line = shapely.get_coordinates(shapes, return_index=True)
    inner = line[:-1] == line[1:] if len(line) else np.empty(0, dtype=bool)
    start = xy[:-1][inner] - np.asarray(centre_xy, dtype=np.float64)
    step = (xy[1:] - xy[:-1])[inner] if len(xy) else start
    a, b = (step * step).sum(axis=1), (start * step).sum(axis=1)
    c = (start * start).sum(axis=1) - radius_m * radius_m
    root = np.sqrt(np.maximum(b * b - a * c, 0.0))
    meets = (b * b >= a * c) & (a > 0)
    some = np.where(a > 0, a, 1.0)
    first, last = (np.clip((-b + sign * root) / some, 0.0, 1.0) for sign in (-1.0, 1.0))
    inside_m = np.where(meets, (last - first) * np.sqrt(a), 0.0)
    return np.bincount(line[:-1][inner], weights=inside_m, minlength=len(shapes)).astype(np.float64)


def reached_lengths(travel: TravelTimes, origin: Snapped, limit_s: float) -> Floats:
    """How much of each edge can be driven onto from a place within a time, the leg to the road included.

    Parameters
    ----------
    travel : travel times with the closures in force, weighed by time
    origin : one place on the network
    limit_s : s, >= 0, bound included

    Returns
    -------
    (e,) m; all 0 where the place has no road

    Raises
    ------
    InputError : several places, times weighed by distance, a limit below 0 or not finite

    Notes
    -----
    CRS: the network's.
    Cost: one search from the place to every node.
    Invariant: a spot of an edge counts where the router is there within the limit; a longer limit never gives less.
    Source: own method.
    """
    if len(origin) != 1 or travel.weight != "time":
        raise InputError("origin, travel: expected one place and times weighed by time")
    if not 0 <= limit_s < np.inf:
        raise InputError(f"limit_s={limit_s}: expected seconds, 0 or more")
    network = travel.network
    length = network.edge_length_m
    left = limit_s - last_leg_s(origin.access_m)[0]
    if len(length) == 0 or origin.edge[0] < 0 or left < 0:
        return np.zeros(len(length))
    node_s = travel.matrix_s(origin, nodes_on_road(network))[0]
    is_open = np.isfinite(travel.edge_cost)
    cost_s = np.where(is_open, travel.edge_cost, 1.0) / 1000.0
    from_tail, from_head = (
        np.where(is_open & allowed, np.clip((left - node_s[ends]) / cost_s, 0.0, 1.0), 0.0)
        for ends, allowed in (
            (network.edge_tail, network.edge_forward),
            (network.edge_head, network.edge_backward),
        )
    )
    share = np.minimum(from_tail + from_head, 1.0)
    own = int(origin.edge[0])
    if is_open[own]:
        at, ahead = float(origin.fraction[0]), left / cost_s[own]
        begin = max(0.0, at - ahead) if network.edge_backward[own] else at
        stop = min(1.0, at + ahead) if network.edge_forward[own] else at
        share[own] = _covered([(0.0, from_tail[own]), (1.0 - from_head[own], 1.0), (begin, stop)])
    return np.asarray(share * length, dtype=np.float64)


def _covered(spans: list[tuple[float, float]]) -> float:
    """The length of the union of some spans."""
    total, end = 0.0, -np.inf
    for begin, stop in sorted(spans):
        total += max(0.0, stop - max(begin, end))
        end = max(end, stop)
    return total


def persons_inside(totals: Any, share: Any) -> Ints:
    """The whole persons of each area that are inside; the others are outside and nobody is lost.

    Parameters
    ----------
    totals : (n,) whole persons, >= 0
    share : (n,) share of the area's persons inside, 0 to 1

    Returns
    -------
    (n,) whole persons, the exact part rounded, halves up; all of them where the share is 1

    Raises
    ------
    InputError : a share that is not from 0 to 1, totals that are no whole numbers of 0 or more, other lengths

    Notes
    -----
    CRS: none.
    Cost: O(n).
    Invariant: inside by a share and inside by the rest of it add up to the total, but for a half exactly.
    Source: rounding of two parts, the method of largest remainders for two.
    """
    persons, part = np.asarray(totals, dtype=np.float64), np.asarray(share, dtype=np.float64)
    if persons.shape != part.shape or not ((part >= 0) & (part <= 1)).all():
        raise InputError("share: expected one number from 0 to 1 for each total")
    if not np.isfinite(persons).all() or (persons < 0).any() or (persons != np.floor(persons)).any():
        raise InputError("totals: expected whole numbers of 0 or more")
    return np.floor(persons * part + 0.5).astype(np.int64)


def shares_by_cells(area: Any, weight: Any, is_inside: Any, *, areas: int) -> Floats:
    """The share of each area's weight that stands in the cells inside.

    Parameters
    ----------
    area : (c,) position of the area that each cell lies in, -1 for none
    weight : (c,) >= 0, such as persons
    is_inside : (c,) whether the cell is inside
    areas : number of areas

    Returns
    -------
    (areas,) share from 0 to 1; NaN for an area without any weight in cells

    Raises
    ------
    InputError : lengths that differ, a weight below 0 or not finite

    Notes
    -----
    CRS: none.
    Cost: O(c).
    Invariant: 1 where all cells of the area are inside, 0 where none is.
    Source: none.
    """
    of, heavy, inside = np.asarray(area), np.asarray(weight, dtype=np.float64), np.asarray(is_inside, dtype=bool)
    if not (of.shape == heavy.shape == inside.shape):
        raise InputError("area, weight, is_inside: expected the same length")
    if not np.isfinite(heavy).all() or (heavy < 0).any():
        raise InputError("weight: expected finite numbers of 0 or more")
    there = of >= 0
    whole = np.bincount(of[there], weights=heavy[there], minlength=areas)
    some = np.bincount(of[there & inside], weights=heavy[there & inside], minlength=areas)
    found: Floats = np.divide(some, whole, out=np.full(areas, np.nan), where=whole > 0)
    return found
