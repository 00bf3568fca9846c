"""Travel times, routes, and what stands around a place."""

import math
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo.crs import to_lonlat, to_metric
from geo.errors import InputError, TooLarge
from geo.network import Snapped
from geo.speeds import DEFAULT_SPEEDS
from geo.times import WALK_M_S, last_leg_s
from layers.analyses.places import (
    TABLE_OF,
    LonLat,
    asked,
    last_legs,
    nulls,
    require_place,
    snapped_lonlats,
    snapped_places,
)
from layers.catalogue import FACILITY_LAYERS, LAYERS
from layers.district import District, View
from layers.layer import Role, plain

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


def around(
    district: District,
    *,
    lonlat: LonLat,
    radius_m: float | None = None,
    minutes: float | None = None,
    kinds: Sequence[str] | None = None,
    at: datetime | None = None,
    role: Role = "administrator",
) -> dict[str, Any]:
    """The facilities within a radius, or within minutes of driving from the place (bounds included)."""
    if (radius_m is None) == (minutes is None):
        raise InputError("radius_m, minutes: give exactly one of the two")
    wanted = list(kinds) if kinds else list(FACILITY_LAYERS)
    for kind in wanted:
        if kind not in FACILITY_LAYERS:
            raise InputError(f"kinds={kind}: expected one of {', '.join(FACILITY_LAYERS)}")
    view = district.view()
    moment = district.local(at)
    require_place(view, lonlat, "at")
    answer = {**asked(view, moment), "place": list(lonlat), "kinds": wanted}
    if radius_m is not None:
        if not (math.isfinite(radius_m) and radius_m >= 0):
            raise InputError(f"radius_m={radius_m}: expected metres, 0 or more")
        centre = to_metric([lonlat], epsg=district.epsg)[0]
        hits = view.index.within_radius(centre, radius_m, kinds=set(wanted))
        found = [
            {**_facility(hit.kind, hit.id, hit.attributes, role), "distance_m": round(distance_m, 1)}
            for hit, distance_m in hits
        ]
        return {**answer, "radius_m": radius_m, "count": len(found), "facilities": found}
    assert minutes is not None
    if not (math.isfinite(minutes) and minutes >= 0):
        raise InputError(f"minutes={minutes}: expected minutes, 0 or more")
    return {**answer, "minutes": minutes, **_within_minutes(view, lonlat, minutes, wanted, moment, role)}


def _within_minutes(
    view: View, lonlat: LonLat, minutes: float, kinds: Sequence[str], at: datetime, role: Role
) -> dict[str, Any]:
    origin = view.snap_lonlat([lonlat])
    travel = view.travel(at)
    rows = []
    for kind in kinds:
        table = TABLE_OF[kind]
        frame = view.frame(table)
        if len(frame) == 0:
            continue
        snapped = view.snapped(table)
        travel_s = travel.matrix_s(origin, snapped)[0]
        legs_s = last_leg_s(origin.access_m)[0] + last_leg_s(snapped.access_m)
        total_s = travel_s + legs_s
        near = np.flatnonzero(total_s <= minutes * 60.0)
        layer = LAYERS[kind]
        names = [f.name for f in layer.fields if f.name in frame.columns]
        records = frame.iloc[near][names].to_dict("records")
        for position, record in zip(near, records, strict=True):
            rows.append(
                {
                    **_facility(kind, str(record["id"]), record, role),
                    "travel_s": round(float(travel_s[position]), 1),
                    "last_leg_s": round(float(legs_s[position]), 1),
                    "total_s": round(float(total_s[position]), 1),
                }
            )
    rows.sort(key=lambda row: (row["total_s"], row["kind"], row["id"]))
    return {"count": len(rows), "facilities": rows}


def _facility(kind: str, id_: str, attributes: Any, role: Role) -> dict[str, Any]:
    seen = {f.name for f in LAYERS[kind].fields if role in f.roles}
    shown = {k: plain(v) for k, v in attributes.items() if k in seen and k not in ("id", "name")}
    return {"kind": kind, "id": id_, "name": attributes.get("name"), "attributes": shown}


def speed_table() -> dict[str, Any]:
    """The speed table in force, in km/h, with its sources."""
    return DEFAULT_SPEEDS.to_json()
