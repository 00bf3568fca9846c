"""Computed answers: read a view of the district, call `geo`, return a frame or a plain value.

The command line and the API answer with the same values; nothing is computed elsewhere.
"""

import math
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from data.kinds import SKILLS
from geo.crs import to_lonlat, to_metric
from geo.errors import InputError, NotFound, TooLarge
from geo.network import Snapped
from geo.times import WALK_M_S, last_leg_s
from layers.catalogue import FACILITY_LAYERS, LAYERS
from layers.district import FACILITY_TABLES, District, View, metric_geometries
from layers.layer import Role, Table

MAX_PAIRS = 250_000
"""Origin-destination pairs in one question."""

MAX_ROUTED_PAIRS = 2_500
"""Pairs whose on-road distance is measured along the quickest route in one question."""

LonLat = tuple[float, float]

_TABLE_OF = {layer: table for table, layer in FACILITY_TABLES.items()}
_PLACES = {"villages": "village", "cells": "cell", "enterprises": "enterprise"}


# -- places ---------------------------------------------------------------------------------------


def require_place(view: View, lonlat: LonLat, name: str) -> LonLat:
    """A place inside the district's extent; InputError names the value and the extent."""
    lon, lat = lonlat
    if not (math.isfinite(lon) and math.isfinite(lat) and abs(lon) <= 180 and abs(lat) <= 90):
        swapped = math.isfinite(lon) and math.isfinite(lat) and abs(lon) <= 90 and abs(lat) <= 180
        hint = "; they look swapped" if swapped else ""
        raise InputError(f"{name}={lon},{lat}: expected longitude,latitude in degrees{hint}")
    extent = view.kept("extent", view.district.store.extent)
    if extent is None:
        raise InputError(
            f"{name}={lon},{lat}: the district is empty; import a boundary, roads or villages first"
        )
    min_x, min_y, max_x, max_y = extent
    if not (min_x <= lon <= max_x and min_y <= lat <= max_y):
        hint = "; they look swapped" if min_x <= lat <= max_x and min_y <= lon <= max_y else ""
        raise InputError(
            f"{name}={lon},{lat}: outside the district's extent "
            f"({min_x:.4f},{min_y:.4f} to {max_x:.4f},{max_y:.4f}){hint}"
        )
    return lonlat


def _snapped(view: View, places: Sequence[LonLat], name: str) -> Snapped:
    return view.snap_lonlat([require_place(view, place, name) for place in places])


def _legs(snapped: Snapped) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The last leg off the road of each place, in metres and in seconds; NaN without a road."""
    return snapped.access_m, last_leg_s(snapped.access_m)


def _asked(view: View, at: datetime) -> dict[str, Any]:
    """What every answer says of itself: the moment asked about and the revision it is of."""
    return {"at": at.isoformat(), "revision": view.revision}


# -- travel times ---------------------------------------------------------------------------------


def _matrices(
    view: View, origins: Snapped, destinations: Snapped, weight: str, at: datetime
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(n, m) seconds and metres on the road along the quickest (or the shortest) routes."""
    travel = view.travel(at, distance=weight == "distance")
    if weight == "distance":
        distance_m = travel.matrix_s(origins, destinations)
        time_s = travel.other_matrix(origins, destinations)
    else:
        time_s = travel.matrix_s(origins, destinations)
        distance_m = travel.distance_m(origins, destinations)
    return time_s, distance_m


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
        raise TooLarge(
            f"{len(origins)} x {len(destinations)} pairs: at most {MAX_ROUTED_PAIRS} are answered at once"
        )
    view = district.view()
    moment = district.local(at)
    o, d = _snapped(view, origins, "from"), _snapped(view, destinations, "to")
    time_s, distance_m = _matrices(view, o, d, weight, moment)
    o_m, o_s = _legs(o)
    d_m, d_s = _legs(d)
    return {
        **_asked(view, moment),
        "weight": weight,
        "time_s": _nulls(time_s),
        "distance_m": _nulls(distance_m),
        "from_last_leg_m": _nulls(o_m),
        "from_last_leg_s": _nulls(o_s),
        "to_last_leg_m": _nulls(d_m),
        "to_last_leg_s": _nulls(d_s),
        "from_snapped": _points(view, o),
        "to_snapped": _points(view, d),
        "no_road": {
            "from": np.flatnonzero(o.edge < 0).tolist(),
            "to": np.flatnonzero(d.edge < 0).tolist(),
        },
        "walk_m_s": WALK_M_S,
        "snap_m": district.snap_m,
    }


def _nulls(values: NDArray[np.float64]) -> Any:
    """Numbers rounded to a millimetre or millisecond; inf and NaN become None."""
    rounded = np.round(values, 3).astype(object)
    rounded[~np.isfinite(values)] = None
    return rounded.tolist()


def _points(view: View, snapped: Snapped) -> list[list[float] | None]:
    lonlat = to_lonlat(snapped.xy_m, epsg=view.district.epsg)
    return [
        [round(float(x), 7), round(float(y), 7)] if edge >= 0 else None
        for (x, y), edge in zip(lonlat, snapped.edge, strict=True)
    ]


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
    ends = _snapped(view, [origin], "from"), _snapped(view, [destination], "to")
    o, d = ends
    answer: dict[str, Any] = {
        **_asked(view, moment),
        "weight": weight,
        "time_s": None,
        "distance_m": None,
        "from_last_leg_m": _nulls(o.access_m)[0],
        "from_last_leg_s": _nulls(last_leg_s(o.access_m))[0],
        "to_last_leg_m": _nulls(d.access_m)[0],
        "to_last_leg_s": _nulls(last_leg_s(d.access_m))[0],
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


# -- around a place -------------------------------------------------------------------------------


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
    answer = {**_asked(view, moment), "place": list(lonlat), "kinds": wanted}
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
        table = _TABLE_OF[kind]
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
    shown = {k: v for k, v in attributes.items() if k in seen and k not in ("id", "name")}
    return {"kind": kind, "id": id_, "name": attributes.get("name"), "attributes": shown}


# -- registers ------------------------------------------------------------------------------------


def search(district: District, q: str, limit: int = 20, role: Role = "viewer") -> list[dict[str, Any]]:
    """Whatever has `q` in its name or id: villages, streets, facilities, then named roads.

    Exact names first, then names that begin with it, then the rest; within that shorter names first.
    """
    text = q.strip().casefold()
    if not text:
        raise InputError("q: expected at least one character of a name")
    if limit < 1:
        raise InputError(f"limit={limit}: must be at least 1")
    view = district.view()
    found: list[tuple[tuple[int, int, int, str], dict[str, Any]]] = []
    for order, (layer_id, names, ids, points) in enumerate(_searchable(view)):
        if role not in LAYERS[layer_id].roles:
            continue
        for name, id_, (lon, lat) in zip(names, ids, points, strict=True):
            folded = name.casefold()
            if text in folded or text == id_.casefold():
                rank = 0 if text in (folded, id_.casefold()) else 1 if folded.startswith(text) else 2
                place = [round(lon, 6), round(lat, 6)] if math.isfinite(lon) else None
                row = {"layer": layer_id, "id": id_, "name": name, "place": place}
                found.append(((rank, order, len(name), name), row))
    found.sort(key=lambda pair: pair[0])
    return [row for _, row in found[:limit]]


def _searchable(view: View) -> list[tuple[str, list[str], list[str], list[tuple[float, float]]]]:
    def make() -> list[tuple[str, list[str], list[str], list[tuple[float, float]]]]:
        entries = []
        for layer_id in ("streets", "villages", *FACILITY_LAYERS):
            source = LAYERS[layer_id].source
            assert isinstance(source, Table)
            frame = view.frame(source.name)
            entries.append(
                (
                    layer_id,
                    frame["name"].fillna("").astype(str).tolist(),
                    frame["id"].astype(str).tolist(),
                    _lonlats(frame),
                )
            )
        roads = view.frame("road")
        if len(roads):
            named = roads[roads["name"].fillna("") != ""].drop_duplicates("name")
            names = named["name"].astype(str).tolist()
            entries.append(("roads", names, names, _lonlats(named)))
        return entries

    return view.kept("searchable", make)


def _lonlats(frame: gpd.GeoDataFrame) -> list[tuple[float, float]]:
    points = shapely.point_on_surface(np.asarray(frame.geometry.array, dtype=object))
    return list(zip(shapely.get_x(points).tolist(), shapely.get_y(points).tolist(), strict=True))


def items(district: District) -> list[dict[str, Any]]:
    """The item catalogue with what is on hand and available in the whole district."""
    view = district.view()
    lots = view.frame("lot")
    on_hand = lots.groupby("item_id")["on_hand_e3"].sum() if len(lots) else pd.Series(dtype=float)
    return [
        {"id": i, "name": name, "unit": unit, "on_hand": int(on_hand.get(i, 0)) / 1000}
        for i, name, unit in view.frame("item")[["id", "name", "unit"]].itertuples(index=False)
    ]


def unplaced(district: District) -> list[dict[str, Any]]:
    """Facilities without a place on the map, with the address from which to place them."""
    view = district.view()
    rows = []
    for layer_id in FACILITY_LAYERS:
        frame = view.frame(_TABLE_OF[layer_id])
        missing = frame[frame.geometry.isna()]
        for record in missing.to_dict("records"):
            rows.append(
                {
                    "layer": layer_id,
                    "id": record["id"],
                    "name": record.get("name"),
                    "address": record.get("address"),
                }
            )
    return rows


def source_note(frame: gpd.GeoDataFrame) -> str:
    """The sources of a frame's rows, the most frequent first."""
    if "source" not in frame.columns or len(frame) == 0:
        return "-"
    counts = frame["source"].value_counts()
    names = [str(name) for name in counts.index[:3]]
    return ", ".join(names) + (f" +{len(counts) - 3}" if len(counts) > 3 else "")


def table_layer(view: View, table: str, *, at: datetime) -> gpd.GeoDataFrame:
    """A table of the store as a layer: its rows, with the few columns that depend on the moment."""
    frame = view.frame(table)
    match table:
        case "street":
            return view.kept("streets", lambda: _streets(view))
        case "closure":
            in_force = set(view.closures_in_force(at)["id"])
            begins = pd.to_datetime(frame["from_utc"], utc=True, format="ISO8601")
            coming = (begins > at).to_numpy()
            state = np.where(frame["id"].isin(in_force), "now", np.where(coming, "coming", "over"))
            return frame.assign(state=state)
        case "depot":
            lots = view.frame("lot")
            per_depot = lots.groupby("depot_id")
            kinds = per_depot["item_id"].nunique() if len(lots) else pd.Series(dtype=int)
            counted = per_depot["counted_utc"].max() if len(lots) else pd.Series(dtype=object)
            return frame.assign(
                items=frame["id"].map(kinds).fillna(0).astype(int),
                counted_utc=frame["id"].map(counted),
            )
        case "team":
            return frame.assign(on_duty=team_on_duty(view, at))
        case _:
            return frame


def _streets(view: View) -> gpd.GeoDataFrame:
    streets, villages, teams = view.frame("street"), view.frame("village"), view.frame("team")
    per_street = villages.groupby("street")
    persons = per_street["persons"].sum() if len(villages) else pd.Series(dtype=int)
    count = per_street["id"].count() if len(villages) else pd.Series(dtype=int)
    staffed = teams["street"].value_counts() if len(teams) else pd.Series(dtype=int)
    return streets.assign(
        persons=streets["name"].map(persons).fillna(0).astype(int),
        villages=streets["name"].map(count).fillna(0).astype(int),
        teams=streets["name"].map(staffed).fillna(0).astype(int),
    )
