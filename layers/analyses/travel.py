"""Travel times and routes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo.crs import to_lonlat
from geo.errors import InputError, TooLarge
from geo.network import Snapped
from geo.speeds import DEFAULT_SPEEDS
from geo.times import WALK_M_S, last_leg_s
from layers.analyses.places import (
    LonLat,
    asked,
    last_legs,
    nulls,
    snapped_lonlats,
    snapped_places,
)
from layers.district import District, View

MAX_PAIRS = 250_000
"""Origin-destination pairs in one question."""

MAX_ROUTED_PAIRS = 2_500
"""Pairs whose on-road distance is measured along the quickest route in one question."""


def _matrices(
    view: View, origins: Snapped, destinations: Snapped, weight: str, at: datetime
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(n, m) seconds and metres on the road along the quickest (or the shortest) routes."""
    travel = view.travel(at, distance=weight == "distance")
    time_s, distance_m = travel.measured(origins, destinations)
    # The matrix is the engine's own answer; what is unpacked along the path must say the same.
    if weight == "distance":
        return time_s, travel.matrix_s(origins, destinations)
    return travel.matrix_s(origins, destinations), distance_m


def times(
    district: District,
    *,
    origins: Sequence[LonLat],
    destinations: Sequence[LonLat],
    weight: str = "time",
    at: datetime | None = None,
) -> dict[str, Any]:
    """Times and on-road distances from every origin to every destination; null where there is no route.

    `distance_m` runs between the snapped points; the legs off the road are separate fields.
    """
    if weight not in ("time", "distance"):
        raise InputError(f"weight={weight}: expected time or distance")
    if not origins or not destinations:
        raise InputError("from, to: at least one place each is needed")
    if len(origins) * len(destinations) > MAX_ROUTED_PAIRS:
        raise TooLarge(f"{len(origins)} x {len(destinations)} pairs: at most {MAX_ROUTED_PAIRS} are answered at once")
    view = district.view()
    moment = district.local(at)
    o, d = snapped_places(view, origins, "from"), snapped_places(view, destinations, "to")
    time_s, distance_m = _matrices(view, o, d, weight, moment)
    o_m, o_s = last_legs(o)
    d_m, d_s = last_legs(d)
    return {
        **asked(view, moment),
        "weight": weight,
        "time_s": nulls(time_s),
        "distance_m": nulls(distance_m),
        "from_last_leg_m": nulls(o_m),
        "from_last_leg_s": nulls(o_s),
        "to_last_leg_m": nulls(d_m),
        "to_last_leg_s": nulls(d_s),
        "from_snapped": snapped_lonlats(view, o),
        "to_snapped": snapped_lonlats(view, d),
        "no_road": {
            "from": np.flatnonzero(o.edge < 0).tolist(),
            "to": np.flatnonzero(d.edge < 0).tolist(),
        },
        "walk_m_s": WALK_M_S,
        "snap_m": district.snap_m,
    }


def route(
    district: District,
    *,
    origin: LonLat,
    destination: LonLat,
    weight: str = "time",
    at: datetime | None = None,
) -> dict[str, Any]:
    """The quickest or shortest route as one line, from place to place with both last legs drawn."""
    if weight not in ("time", "distance"):
        raise InputError(f"weight={weight}: expected time or distance")
    view = district.view()
    moment = district.local(at)
    ends = snapped_places(view, [origin], "from"), snapped_places(view, [destination], "to")
    o, d = ends
    answer: dict[str, Any] = {
        **asked(view, moment),
        "weight": weight,
        "time_s": None,
        "distance_m": None,
        "from_last_leg_m": nulls(o.access_m)[0],
        "from_last_leg_s": nulls(last_leg_s(o.access_m))[0],
        "to_last_leg_m": nulls(d.access_m)[0],
        "to_last_leg_s": nulls(last_leg_s(d.access_m))[0],
        "reason": None,
        "geometry": None,
    }
    if o.edge[0] < 0 or d.edge[0] < 0:
        return {**answer, "reason": "no_road"}
    found = view.travel(moment, distance=weight == "distance").path(o, d, 0, 0)
    if found is None:
        open_path = view.travel(moment, closed=False, distance=weight == "distance").path(o, d, 0, 0)
        return {**answer, "reason": "no_road" if open_path is None else "closed"}
    line = to_lonlat(found.xy_m, epsg=district.epsg)
    coordinates = [list(origin), *np.round(line, 7).tolist(), list(destination)]
    return {
        **answer,
        "time_s": round(found.time_s, 3),
        "distance_m": round(found.distance_m, 3),
        "geometry": {"type": "LineString", "coordinates": coordinates},
    }


def speed_table() -> dict[str, Any]:
    """The speed table in force, in km/h, with its sources."""
    return DEFAULT_SPEEDS.to_json()
