"""Computed answers: read a view of the district, call `geo`, return a frame or a plain value.

The command line and the API answer with the same values; nothing is computed elsewhere.
"""

import hashlib
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from data.kinds import SKILLS
from geo.coverage import LIMIT_S, Coverage, Teams, team_table
from geo.coverage import coverage as cover
from geo.crs import to_lonlat, to_metric
from geo.duty import Duty, is_on_duty, parse_duty
from geo.errors import InputError, TooLarge
from geo.network import Snapped
from geo.speeds import DEFAULT_SPEEDS
from geo.supply import arrivals, plan_supply
from geo.surface import EMPTY_SAMPLES, RoadSamples, contours, road_samples, territories
from geo.times import WALK_M_S, last_leg_s
from layers.catalogue import BAND_LIMITS_S, FACILITY_LAYERS, LAYERS
from layers.district import FACILITY_TABLES, District, View, metric_geometries
from layers.layer import Role, Table
from layers.render import plain

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
        raise InputError(f"{name}={lon},{lat}: the district is empty; import a boundary, roads or villages first")
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
    shown = {k: plain(v) for k, v in attributes.items() if k in seen and k not in ("id", "name")}
    return {"kind": kind, "id": id_, "name": attributes.get("name"), "attributes": shown}


# -- coverage -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CoverageAnswer:
    """A coverage with what was asked; `table` is the proof table."""

    asked: Mapping[str, Any]
    result: Coverage

    @property
    def table(self) -> pd.DataFrame:
        """The proof table, one row a place."""
        return self.result.table

    def to_json(self) -> dict[str, Any]:
        """The answer as plain values."""
        return {**self.asked, **self.result.to_json()}


def _skill_code(skill: str | None) -> str | None:
    """A skill by code or by one of its names; InputError lists them."""
    if not skill:
        return None
    for choice in SKILLS:
        if skill in (choice.code, choice.zh, choice.en, *choice.aliases):
            return choice.code
    raise InputError(f"skill={skill}: expected one of {', '.join(c.code for c in SKILLS)}")


def _duties(view: View) -> list[Duty]:
    return view.kept("duties", lambda: [parse_duty(text) for text in view.frame("team")["duty"].tolist()])


def team_on_duty(view: View, at: datetime) -> list[bool]:
    """For each team whether it is on duty at a moment."""
    local = view.district.local(at)
    return [is_on_duty(duty, local) for duty in _duties(view)]


def _teams(view: View, skill: str | None, at: datetime) -> Teams:
    frame = view.frame("team")
    local = view.district.local(at)
    skills = [set(str(text or "").split(";")) for text in frame["skills"].tolist()]
    return team_table(
        frame["id"].astype(str).tolist(),
        frame["type"].fillna("street").tolist(),
        frame["turnout_s"],
        hour=local.hour,
        has_skill=[skill is None or skill in own for own in skills],
        on_duty=team_on_duty(view, at),
    )


def _place_frame(view: View, places: str) -> pd.DataFrame:
    """Id, name, street and persons of every place; enterprises count their workers on shift."""
    frame = view.frame(_PLACES[places])
    persons = frame["workers_on_shift"].fillna(0) if places == "enterprises" else frame["persons"]
    nothing = [None] * len(frame)
    return pd.DataFrame(
        {
            "id": frame["id"].to_numpy(dtype=object),
            "name": frame["name"].to_numpy(dtype=object) if "name" in frame.columns else nothing,
            "street": frame["street"].to_numpy(dtype=object) if "street" in frame.columns else nothing,
            "persons": persons.to_numpy(dtype=np.int64),
        }
    )


def _covered(
    view: View, table: pd.DataFrame, snapped: Snapped, teams: Teams, *, limit_s: float, at: datetime
) -> Coverage:
    """The coverage of places given as a table and on the road network."""
    stations = view.snapped("team")
    travel = view.travel(at)
    open_travel = view.travel(at, closed=False)
    travel_s = travel.matrix_s(stations, snapped).T
    legs_s = last_leg_s(snapped.access_m)[:, None] + last_leg_s(stations.access_m)[None, :]
    return cover(
        table,
        teams,
        travel_s=travel_s,
        last_leg_s=legs_s,
        has_road=snapped.edge >= 0,
        open_travel_s=None if open_travel is travel else open_travel.matrix_s(stations, snapped).T,
        limit_s=limit_s,
        streets=view.frame("street")["name"].tolist(),
        team_streets=view.frame("team")["street"].tolist(),
    )


def coverage(
    district: District,
    *,
    limit_s: float = LIMIT_S,
    skill: str | None = None,
    at: datetime | None = None,
    places: str = "villages",
    view: View | None = None,
) -> CoverageAnswer:
    """Who is reached within the limit at a moment, with the proof row of every place."""
    if places not in _PLACES:
        raise InputError(f"places={places}: expected one of {', '.join(_PLACES)}")
    if not (math.isfinite(limit_s) and limit_s > 0):
        raise InputError(f"limit={limit_s}: expected seconds above 0")
    view = view or district.view()
    moment = district.local(at)
    code = _skill_code(skill)
    teams = _teams(view, code, moment)
    table = view.kept(("places", places), lambda: _place_frame(view, places))
    snapped = view.snapped(_PLACES[places])
    result = _covered(view, table, snapped, teams, limit_s=limit_s, at=moment)
    return CoverageAnswer({**_asked(view, moment), "skill": code, "places_kind": places}, result)


def coverage_lines(answer: CoverageAnswer) -> Iterator[str]:
    """A coverage as a person reads it on a terminal."""
    totals = answer.result.totals()
    share = "no persons" if totals["covered_share"] is None else f"{totals['covered_share']:.2%}"
    yield (
        f"within {answer.result.limit_s / 60:g} min at {answer.asked['at']}: "
        f"{totals['covered_persons']:,} of {totals['persons']:,} persons ({share}), "
        f"{totals['covered_places']} of {totals['places']} places"
    )
    for row in answer.result.by_street():
        part = "-" if row["covered_share"] is None else f"{row['covered_share']:.2%}"
        count = f"{row['covered_persons']:,} of {row['persons']:,} ({part})"
        yield f"  {row['street'] or '-'}: {count}, {row['teams']} teams"
    for place in answer.table[~answer.table["covered"]].to_dict("records"):
        quickest = f"{place['total_s'] / 60:.1f} min" if math.isfinite(place["total_s"]) else "-"
        who = f"{place['id']} {place['name'] or ''} {place['persons']} persons"
        yield f"  not covered: {who}, {place['reason']}, quickest {quickest}"


def reach(
    district: District,
    *,
    lonlat: LonLat,
    at: datetime | None = None,
    limit_s: float = LIMIT_S,
    shown: int = 3,
) -> dict[str, Any]:
    """Who reaches a place and when: the quickest teams with their split, the nearest hospital and shelter."""
    view = district.view()
    moment = district.local(at)
    place = _snapped(view, [lonlat], "at")
    teams = _teams(view, None, moment)
    table = pd.DataFrame({"id": ["place"], "name": [None], "street": [None], "persons": [0]})
    row = _covered(view, table, place, teams, limit_s=limit_s, at=moment).table.iloc[0]
    stations = view.snapped("team")
    travel = view.travel(moment)
    travel_s = travel.matrix_s(stations, place)[:, 0]
    legs_s = last_leg_s(stations.access_m) + last_leg_s(place.access_m)[0]
    total_s = np.where(teams.eligible, teams.before_travel_s + travel_s + legs_s, np.inf)
    total_s = np.where(np.isfinite(total_s), total_s, np.inf)
    order = sorted(np.flatnonzero(np.isfinite(total_s)), key=lambda j: (total_s[j], teams.id[j]))[:shown]
    frame = view.frame("team")
    found = []
    for j in order:
        metres = float(travel.distance_m(stations.take([j]), place)[0, 0])
        found.append(
            {
                "team_id": teams.id[j],
                "name": frame["name"].iloc[j],
                "type": frame["type"].iloc[j],
                "skills": frame["skills"].iloc[j],
                "place": list(_lonlats(frame.iloc[[j]])[0]),
                "handling_s": float(teams.handling_s[j]),
                "turnout_s": float(teams.turnout_s[j]),
                "travel_s": round(float(travel_s[j]), 3),
                "last_leg_s": round(float(legs_s[j]), 3),
                "total_s": round(float(total_s[j]), 3),
                "setup_s": float(teams.setup_s[j]),
                "distance_m": round(metres, 1) if math.isfinite(metres) else None,
            }
        )
    where = _where(view, lonlat)
    return {
        **_asked(view, moment),
        "place": list(lonlat),
        **where,
        "limit_s": limit_s,
        "covered": bool(row["covered"]),
        "reason": row["reason"],
        "backup_teams": int(row["backup_teams"]),
        "teams_on_duty": int(teams.on_duty.sum()),
        "last_leg_m": _nulls(place.access_m)[0],
        "teams": found,
        "hospital": _nearest(view, "hospitals", place, moment),
        "shelter": _nearest(view, "shelters", place, moment),
    }


def _where(view: View, lonlat: LonLat) -> dict[str, str | None]:
    """The village and the street that a place lies in; None outside every outline."""
    villages = view.frame("village")
    tree = view.kept("village tree", lambda: shapely.STRtree(np.asarray(villages.geometry.array, dtype=object)))
    hit = np.sort(tree.query(shapely.Point(lonlat), predicate="intersects"))
    if len(hit) == 0:
        return {"village": None, "street": None}
    row = villages.iloc[int(hit[0])]
    return {"village": row["name"], "street": row["street"]}


def _nearest(view: View, layer_id: str, place: Snapped, at: datetime) -> dict[str, Any] | None:
    """The quickest facility of a layer to drive to from a place, legs off the road included."""
    table = _TABLE_OF[layer_id]
    frame = view.frame(table)
    if len(frame) == 0:
        return None
    snapped = view.snapped(table)
    total_s = view.travel(at).matrix_s(place, snapped)[0] + last_leg_s(place.access_m)[0]
    total_s = total_s + last_leg_s(snapped.access_m)
    total_s = np.where(np.isfinite(total_s), total_s, np.inf)
    best = min(range(len(frame)), key=lambda j: (total_s[j], str(frame["id"].iloc[j])))
    if not math.isfinite(total_s[best]):
        return None
    record = frame.iloc[best]
    capacity = {"capacity": _number(record["capacity"])} if "capacity" in frame.columns else {}
    return {
        "id": record["id"],
        "name": record["name"],
        "place": list(_lonlats(frame.iloc[[best]])[0]),
        "total_s": round(float(total_s[best]), 3),
        **capacity,
    }


def _number(value: Any) -> int | None:
    return None if value is None or value != value else int(value)  # NaN differs from itself


def speed_table() -> dict[str, Any]:
    """The speed table in force, in km/h, with its sources."""
    return DEFAULT_SPEEDS.to_json()


# -- supplies -------------------------------------------------------------------------------------


def parse_needs(texts: Sequence[str]) -> dict[str, str]:
    """Read ITEM=QTY, each item once; the quantity stays text, so that it stays exact."""
    needs: dict[str, str] = {}
    for text in texts:
        item, found, quantity = text.rpartition("=")
        if not found or not item.strip() or not quantity.strip():
            raise InputError(f"need={text}: expected ITEM=QUANTITY, such as P-3-01-03=2000")
        if item.strip() in needs:
            raise InputError(f"need={text}: {item.strip()} is asked for twice; add the quantities up")
        needs[item.strip()] = quantity.strip()
    return needs


def supply(
    district: District,
    *,
    lonlat: LonLat,
    needs: Mapping[str, Any],
    within_s: float | None = None,
    at: datetime | None = None,
) -> dict[str, Any]:
    """N of item X at P within T: the plan over depots, with a reason for every depot refused."""
    view = district.view()
    moment = district.local(at)
    place = _snapped(view, [lonlat], "to")
    ids, names, places = view.kept("depots", lambda: _depots(view))
    snapped = view.snapped("depot")
    travel = view.travel(moment)
    open_travel = view.travel(moment, closed=False)
    travel_s = travel.matrix_s(snapped, place)[:, 0]
    open_s = travel_s if open_travel is travel else open_travel.matrix_s(snapped, place)[:, 0]
    legs_s = last_leg_s(snapped.access_m) + last_leg_s(place.access_m)[0]
    plan = plan_supply(
        view.stock,
        arrivals(ids, travel_s, legs_s, open_travel_s=open_s),
        needs,
        at=moment,
        within_s=within_s,
    )
    used = [plan.arrivals.position[depot] for depot in plan.depots_used]
    metres = travel.distance_m(snapped.take(np.array(used, dtype=np.intp)), place)[:, 0].tolist()
    distance_m: dict[str, float | None] = dict(zip(plan.depots_used, metres, strict=True))
    answer = plan.to_json(distance_m)
    titles = view.kept("items", lambda: _item_titles(view))
    for line in answer["lines"]:
        line["name"], line["unit"] = titles[line["item"]]
        for row in (*line["from"], *line["spare"], *([line["next_best"]] if line["next_best"] else [])):
            row["depot_name"] = names[row["depot_id"]]
            row["place"] = places[row["depot_id"]]
    for row in answer["refused"]:
        row["depot_name"] = names[row["depot_id"]]
    return {**_asked(view, moment), "to": list(lonlat), **answer}


def _depots(view: View) -> tuple[list[str], dict[str, str], dict[str, list[float]]]:
    """The ids of the depots, their names and their places."""
    frame = view.frame("depot")
    ids = frame["id"].astype(str).tolist()
    places = [list(place) for place in _lonlats(frame)]
    return ids, dict(zip(ids, frame["name"].tolist(), strict=True)), dict(zip(ids, places, strict=True))


def _item_titles(view: View) -> dict[str, tuple[str, str]]:
    frame = view.frame("item")
    return {i: (name, unit) for i, name, unit in frame[["id", "name", "unit"]].itertuples(index=False)}


def supply_lines(answer: Mapping[str, Any]) -> Iterator[str]:
    """A plan as a person reads it on a terminal."""

    def minutes(seconds: float | None) -> str:
        return "-" if seconds is None else f"{seconds / 60:.1f} min"

    for line in answer["lines"]:
        yield (
            f"{line['item']} {line['name']}: {line['allocated']} of {line['requested']} {line['unit']}, "
            f"complete after {minutes(line['ready_s'])}, short {line['short']}"
        )
        for row in line["from"]:
            km = "" if row["distance_m"] is None else f"  {row['distance_m'] / 1000:.2f} km"
            yield (
                f"  {minutes(row['arrival_s']):>10}  {row['quantity']:>10}  {row['depot_id']} "
                f"{row['depot_name']}  lot {row['lot']}{km}"
            )
        if line["next_best"]:
            best = line["next_best"]
            yield (
                f"  next: {best['depot_id']} {best['depot_name']} could give {best['quantity']} "
                f"after {minutes(best['arrival_s'])} ({best['reason']})"
            )
    for row in answer["refused"]:
        yield f"  not used: {row['depot_id']} {row['depot_name']} [{row['reason']}] {row['detail']}"


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
        rows += [
            {
                "layer": layer_id,
                "id": record["id"],
                "name": record.get("name"),
                "address": record.get("address"),
            }
            for record in missing.to_dict("records")
        ]
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
            begins = pd.to_datetime(frame["from_utc"], utc=True, format="ISO8601")
            state = np.where((begins > at).to_numpy(), "coming", "over").astype(object)
            state[view.closures_in_force(at)] = "now"
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


# -- computed layers ------------------------------------------------------------------------------


def _reached(view: View, at: datetime) -> RoadSamples:
    """Samples of every road with the quickest response at a moment, kept for as long as nothing changes."""
    teams = _teams(view, None, at)
    key = ("samples", view.district.travel_key(view, at), tuple(teams.on_duty.tolist()), tuple(teams.turnout_s))

    def make() -> RoadSamples:
        counted = np.flatnonzero(teams.eligible)
        stations = view.snapped("team").take(counted)
        samples = road_samples(view.travel(at), stations, teams.before_travel_s[counted], snap_m=view.district.snap_m)
        team = np.where(samples.team >= 0, np.append(counted, -1)[samples.team], -1).astype(np.int32)
        return replace(samples, team=team)

    return view.kept(key, make)


def _drawn(view: View, name: str, at: datetime, make: Callable[[RoadSamples], gpd.GeoDataFrame]) -> gpd.GeoDataFrame:
    """A drawn result in WGS 84, kept in memory and on disk for as long as what it depends on is the same."""
    teams = _teams(view, None, at)
    parts = (
        name,
        view.seqs.get("road", 0),
        view.seqs.get("team", 0),
        view.seqs.get("boundary", 0),
        view.district.snap_m,
        view.district.ignore_oneway,
        view.district.travel_key(view, at),
        teams.on_duty.tolist(),
        teams.turnout_s.tolist(),
    )
    digest = hashlib.sha256(repr(parts).encode()).hexdigest()[:24]

    def load() -> gpd.GeoDataFrame:
        path = view.district.cache / f"{name}-{digest}.parquet"
        if path.is_file():
            return gpd.read_parquet(path)
        if len(view.network.edge_tail) == 0:
            frame = make(replace(EMPTY_SAMPLES, epsg=view.district.epsg))
        else:
            frame = make(_reached(view, at))
        frame = _inside_boundary(view, frame)
        frame["area_km2"] = np.round(frame.geometry.area / 1e6, 3)
        frame = frame.set_geometry(
            shapely.transform(frame.geometry.to_numpy(dtype=object), lambda xy: to_lonlat(xy, epsg=view.district.epsg)),
            crs=4326,
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        for old in path.parent.glob(f"{name}-*.parquet"):
            old.unlink(missing_ok=True)
        part = path.with_suffix(f".{os.getpid()}.part")
        frame.to_parquet(part)
        part.replace(path)
        return frame

    return view.kept(("drawn", name, digest), load)


def _inside_boundary(view: View, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """What is drawn is the district's own: areas are cut at its boundary, where there is one."""
    outline = metric_geometries(view.frame("boundary"), view.district.epsg)
    if len(outline) == 0:
        return frame
    shapes = shapely.intersection(frame.geometry.to_numpy(dtype=object), shapely.union_all(outline))
    frame = frame.set_geometry(gpd.GeoSeries(shapes, index=frame.index, crs=frame.crs))
    return frame[~frame.geometry.is_empty].reset_index(drop=True)


def response_time_layer(view: View, *, at: datetime) -> gpd.GeoDataFrame:
    """The bands of response time as polygons that do not overlap: each without the quicker ones."""

    def make(samples: RoadSamples) -> gpd.GeoDataFrame:
        areas = contours(samples, BAND_LIMITS_S, snap_m=view.district.snap_m)
        shapes = areas.geometry.to_numpy(dtype=object)
        rings = [shapes[0], *(shapely.difference(b, a) for a, b in pairwise(shapes))]
        names = [mark.label.zh for mark in LAYERS["response_time"].marks()]
        frame = gpd.GeoDataFrame(
            {"limit_s": areas["limit_s"], "band": names[: len(areas)]}, geometry=rings, crs=areas.crs
        )
        return frame[~frame.geometry.is_empty].reset_index(drop=True)

    return _drawn(view, "response_time", at, make)


def team_territories_layer(view: View, *, at: datetime) -> gpd.GeoDataFrame:
    """Where each team on duty is the first to arrive."""
    teams = view.frame("team")

    def make(samples: RoadSamples) -> gpd.GeoDataFrame:
        areas = territories(samples, snap_m=view.district.snap_m)
        rows = teams.iloc[areas["team"].to_numpy(dtype=np.int64)]
        return gpd.GeoDataFrame(
            {"team_id": rows["id"].tolist(), "name": rows["name"].tolist(), "type": rows["type"].tolist()},
            geometry=areas.geometry.to_numpy(dtype=object),
            crs=areas.crs,
        )

    return _drawn(view, "team_territories", at, make)


def uncovered_places_layer(view: View, *, at: datetime) -> gpd.GeoDataFrame:
    """The villages (population cells where there are none) beyond the hour, with the reason."""
    places = "villages" if len(view.frame("village")) else "cells"
    table = coverage(view.district, at=at, places=places, view=view).table
    frame = view.frame(_PLACES[places])
    points = shapely.point_on_surface(frame.geometry.to_numpy(dtype=object))
    out = ~table["covered"].to_numpy(dtype=bool)
    columns = ["id", "name", "street", "persons", "reason", "total_s"]
    return gpd.GeoDataFrame(table.loc[out, columns].reset_index(drop=True), geometry=points[out], crs=4326)


LAYER_FUNCTIONS: dict[str, Callable[..., gpd.GeoDataFrame]] = {
    function.__name__: function for function in (response_time_layer, team_territories_layer, uncovered_places_layer)
}
"""The functions that computed layers name."""
