"""What lies around an incident (周边分析): persons, enterprises, shelters, teams, depots, roads, schools, hospitals.

Around is a circle on the ground, or what can be driven to within some minutes, the legs off the road on foot. Both
bounds are included. Persons come from the population cells of each village, and from its area where it has none.
"""

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from data.kinds import RISK_LEVELS, SKILLS
from geo.around import lengths_within, persons_inside, reached_lengths, shares_by_cells
from geo.crs import to_lonlat, to_metric
from geo.errors import InputError, TooLarge
from geo.network import Snapped
from geo.speeds import ROAD_SPEEDS
from geo.supply import number_of
from geo.surface import contours, road_samples
from geo.times import last_leg_s
from layers.analyses.places import (
    TABLE_OF,
    LonLat,
    asked,
    containing,
    drive_s,
    lonlats,
    provenance,
    require_place,
    road_class,
)
from layers.analyses.registers import source_note, table_layer
from layers.analyses.stock import lots_on
from layers.catalogue import FACILITY_LAYERS, LAYERS, ROAD_CLASS_TEXTS
from layers.district import District, View, metric_geometries
from layers.layer import Role, plain
from layers.whatif.refuges import refuges

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

MAX_MINUTES = 180.0
"""The longest drive of which the area is drawn."""

_STEP_M = 40.0  # of the samples from which the area is drawn
_ROUND_SIDES = 64  # of a quarter of the circle by which areas are cut


@dataclass(frozen=True)
class _Reach:
    """The place and the bound: within metres, or within seconds of driving."""

    view: View
    at: datetime
    lonlat: LonLat
    xy_m: Floats
    here: Snapped
    radius_m: float | None
    limit_s: float | None
    known: dict[str, tuple[Floats, Floats]] = field(default_factory=dict)

    def times_s(self, table: str) -> tuple[Floats, Floats]:
        """(n,) s on the road and off it to every row of a table."""
        if table not in self.known:
            self.known[table] = drive_s(self.view, self.here, table, self.at)
        return self.known[table]

    def distances_m(self, table: str) -> Floats:
        """(n,) m, straight, to the nearest spot of every row; NaN without a place."""
        shapes = self.view.kept(
            ("points", "shapes", table), lambda: metric_geometries(self.view.frame(table), self.view.district.epsg)
        )
        return np.asarray(shapely.distance(shapes, shapely.Point(self.xy_m)), dtype=np.float64)

    def is_inside(self, table: str) -> Bools:
        """(n,) which rows of a table are inside, the bound included."""
        if self.radius_m is not None:
            return np.asarray(self.distances_m(table) <= self.radius_m)
        assert self.limit_s is not None
        return np.asarray(sum(self.times_s(table)) <= self.limit_s)


def _reach(view: View, lonlat: LonLat, radius_m: float | None, minutes: float | None, at: datetime) -> _Reach:
    if (radius_m is None) == (minutes is None):
        raise InputError("radius_m, minutes: give exactly one of the two")
    for name, value, unit in (("radius_m", radius_m, "metres"), ("minutes", minutes, "minutes")):
        if value is not None and not (math.isfinite(value) and value >= 0):
            raise InputError(f"{name}={value}: expected {unit}, 0 or more")
    require_place(view, lonlat, "at")
    xy_m = to_metric([lonlat], epsg=view.district.epsg)[0]
    limit_s = None if minutes is None else minutes * 60.0
    return _Reach(view, at, lonlat, xy_m, view.snap_lonlat([lonlat]), radius_m, limit_s)


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
    """What lies within a radius, or within minutes of driving from the place: sums, and each row that they count.

    `summary` has persons and roads, and a part for each kind that was asked for; `facilities` are the rows by
    distance (by time where minutes bound it), each with what the role may see of it.
    """
    wanted = list(kinds) if kinds else list(FACILITY_LAYERS)
    for kind in wanted:
        if kind not in FACILITY_LAYERS:
            raise InputError(f"kinds={kind}: expected one of {', '.join(FACILITY_LAYERS)}")
    view = district.view()
    moment = district.local(at)
    reach = _reach(view, lonlat, radius_m, minutes, moment)
    rows = [row for kind in wanted for row in _rows(reach, kind, role)]
    by = "distance_m" if minutes is None else "total_s"
    rows.sort(key=lambda row: (row[by], row["kind"], row["id"]))
    bound = {"radius_m": radius_m} if minutes is None else {"minutes": minutes}
    tables = ("village", "cell", "road", *(TABLE_OF[kind] for kind in wanted))
    found = {kind: [row for row in rows if row["kind"] == kind] for kind in wanted}
    parts = {kind: _SUMS[kind](reach, found[kind]) for kind in wanted if kind in _SUMS}
    return {
        **asked(view, moment),
        "place": list(lonlat),
        **containing(view, lonlat),
        **bound,
        "kinds": wanted,
        "summary": {"persons": _persons(reach), "roads": _roads(reach), **parts},
        "sources": {table: _source(view, table) for table in tables},
        "count": len(rows),
        "facilities": rows,
    }


def around_lines(found: Mapping[str, Any]) -> Iterator[str]:
    """The answer as a person reads it on a terminal: sums first, then the rows."""
    parts = found["summary"]
    persons = parts["persons"]
    by_day = "no data" if persons["day"] is None else f"{persons['day']:,}"
    yield f"persons: {persons['resident']:,} at night, {by_day} by day"
    if "enterprises" in parts:
        levels = ", ".join(f"{level} {n}" for level, n in parts["enterprises"]["by_level"].items() if n)
        yield f"enterprises: {parts['enterprises']['count']} ({levels or '-'})"
        for row in parts["enterprises"]["substances"]:
            yield f"  {row['name']} {row['quantity_t']:g} t at {row['enterprises']}"
    if "shelters" in parts:
        yield "shelters: {count}, {serving} serve, places for {places:,}".format(**parts["shelters"])
    if "teams" in parts:
        yield "teams: {count}, {on_duty} on duty".format(**parts["teams"])
        for row in parts["teams"]["by_skill"]:
            yield f"  {row['skill']}: {row['on_duty']} of {row['teams']} on duty"
    if "depots" in parts:
        yield f"depots: {parts['depots']['count']}"
        for row in parts["depots"]["items"]:
            yield f"  {row['name']} {row['available']:,g} {row['unit']}"
    if "hospitals" in parts:
        yield "hospitals: {count} with {beds:,} beds".format(**parts["hospitals"])
    if "lifelines" in parts:
        yield "schools: {count} with {capacity:,} persons".format(**parts["lifelines"]["schools"])
    by_class = ", ".join(f"{row['class']} {row['length_m'] / 1000:.1f}" for row in parts["roads"]["by_class"])
    yield f"roads: {parts['roads']['length_m'] / 1000:.1f} km ({by_class or '-'})"
    for row in found["facilities"]:
        drive = "     -    " if row["total_s"] is None else f"{row['total_s'] / 60:>6.1f} min"
        yield f"{row['distance_m']:>8.0f} m {drive}  {row['kind']:<18} {row['id']:<14} {row['name'] or ''}"
    yield f"{found['count']} found"


def around_area(
    district: District,
    *,
    lonlat: LonLat,
    radius_m: float | None = None,
    minutes: float | None = None,
    at: datetime | None = None,
) -> dict[str, Any]:
    """The ring, or the area reached within the minutes, as a geometry to draw; no number comes from it."""
    view, moment = district.view(), district.local(at)
    reach = _reach(view, lonlat, radius_m, minutes, moment)
    if minutes is not None and minutes > MAX_MINUTES:
        raise TooLarge(f"minutes={minutes:g}: the area is drawn up to {MAX_MINUTES:g} minutes")
    shape = shapely.transform(area_m(reach), lambda xy: to_lonlat(xy, epsg=district.epsg))
    bound = {"radius_m": radius_m} if minutes is None else {"minutes": minutes}
    geometry = None if shape.is_empty else json.loads(shapely.to_geojson(shapely.set_precision(shape, 1e-6)))
    return {**asked(view, moment), "place": list(lonlat), **bound, "geometry": geometry}


def area_m(reach: _Reach) -> Any:
    """The circle, or the area reached, in the metric CRS; empty for a bound of 0 or without a road."""
    if reach.radius_m is not None:
        return shapely.buffer(shapely.Point(reach.xy_m), reach.radius_m, quad_segs=_ROUND_SIDES)
    view, limit_s = reach.view, reach.limit_s
    assert limit_s is not None
    left_s = limit_s - (last_leg_s(reach.here.access_m)[0] if reach.here.edge[0] >= 0 else math.inf)
    if left_s <= 0:
        return shapely.MultiPolygon()
    samples = road_samples(view.travel(reach.at), reach.here, [0.0], step_m=_STEP_M)
    near = samples.time_s <= limit_s
    # A cell within the walk of a reached sample is cut only by samples within twice that walk.
    box = samples.xy_m[near]
    low, high = box.min(axis=0) - 2 * view.district.snap_m, box.max(axis=0) + 2 * view.district.snap_m
    kept = ((samples.xy_m >= low) & (samples.xy_m <= high)).all(axis=1)
    areas = contours(samples.take(kept), (limit_s,), snap_m=view.district.snap_m)
    # Gaps between the ends of neighbouring streets are closed: what is drawn is to be read from afar.
    closed = shapely.buffer(shapely.buffer(areas.geometry.iloc[0], _STEP_M, quad_segs=2), -_STEP_M, quad_segs=2)
    return shapely.simplify(closed, _STEP_M / 4)


# -- rows ---------------------------------------------------------------------------------------------


def _rows(reach: _Reach, kind: str, role: Role) -> list[dict[str, Any]]:
    """The rows of one kind that are inside, with distance, time, what the role may see, source and age."""
    table = TABLE_OF[kind]
    view = reach.view
    frame = table_layer(view, table, at=reach.at)
    if reach.radius_m is not None:
        hits = view.index.within_radius(reach.xy_m, reach.radius_m, kinds={kind})
        near = np.flatnonzero(frame["id"].astype(str).isin({hit.id for hit, _ in hits}))
    else:
        near = np.flatnonzero(reach.is_inside(table))
    if len(near) == 0:
        return []
    distance_m, (travel_s, legs_s) = reach.distances_m(table), reach.times_s(table)
    seen = [f.name for f in LAYERS[kind].fields if role in f.roles and f.name in frame.columns]
    places = lonlats(frame.iloc[near])
    extra = _EXTRAS[kind](reach) if kind in _EXTRAS else {}
    rows = []
    for k, place in zip(near.tolist(), places, strict=True):
        record = frame.iloc[k]
        id_ = str(record["id"])
        rows.append(
            {
                "kind": kind,
                "id": id_,
                "name": plain(record.get("name")),
                "place": [round(v, 7) for v in place],
                "distance_m": round(float(distance_m[k]), 1),
                "travel_s": _seconds(travel_s[k]),
                "last_leg_s": _seconds(legs_s[k]),
                "total_s": _seconds(travel_s[k] + legs_s[k]),
                "attributes": {name: plain(record[name]) for name in seen if name not in ("id", "name")},
                **extra.get(id_, {}),
                **provenance(view, record),
            }
        )
    return rows


def _seconds(value: float) -> float | None:
    return round(float(value), 1) if math.isfinite(value) else None


def _substances(reach: _Reach) -> dict[str, dict[str, Any]]:
    """What each enterprise holds."""
    held: dict[str, list[dict[str, Any]]] = {}
    for row in reach.view.frame("substance").to_dict("records"):
        held.setdefault(str(row["enterprise_id"]), []).append(
            {name: plain(row[name]) for name in ("name", "cas", "hazard_class", "quantity_t")}
        )
    return {id_: {"substances": rows} for id_, rows in held.items()}


def _refuges(reach: _Reach) -> dict[str, dict[str, Any]]:
    """How many each shelter takes, and why one takes nobody."""
    table = refuges(reach.view, None, stay=None).table
    return {row["id"]: {"places": int(row["places"]), "out": row["out"]} for row in table.to_dict("records")}


def _stock(reach: _Reach) -> dict[str, dict[str, Any]]:
    """What of each item can be had from each depot on the day."""
    lots = lots_on(reach.view, reach.at.date())
    sums = lots[lots["available_e3"] > 0].groupby(["depot_id", "item_id"], as_index=False)["available_e3"].sum()
    items = reach.view.frame("item").set_index("id")
    found: dict[str, list[dict[str, Any]]] = {str(id_): [] for id_ in reach.view.frame("depot")["id"]}
    for depot, item, available in sums[["depot_id", "item_id", "available_e3"]].itertuples(index=False):
        found[str(depot)].append(
            {
                "item_id": str(item),
                "name": items.at[item, "name"],
                "unit": items.at[item, "unit"],
                "available": number_of(int(available)),
            }
        )
    return {id_: {"items": rows} for id_, rows in found.items()}


_EXTRAS: dict[str, Callable[[_Reach], dict[str, dict[str, Any]]]] = {
    "enterprises": _substances,
    "shelters": _refuges,
    "depots": _stock,
}

# -- sums ---------------------------------------------------------------------------------------------


def _persons(reach: _Reach) -> dict[str, Any]:
    """Residents (who is there at night) and persons by day, with the row of each village that has any inside."""
    view = reach.view
    villages, cells = view.frame("village"), view.frame("cell")
    inside = reach.is_inside("cell")
    if len(villages) == 0:
        resident = int(cells["persons"].to_numpy(dtype=np.int64)[inside].sum())
        return {"resident": resident, "day": None, "day_unknown": 0, "cells_apart": 0, "villages": []}
    of = view.kept(("points", "village of cell", "cell", "village"), lambda: _village_of_cells(view))
    share = shares_by_cells(of, cells["persons"].to_numpy(dtype=np.float64), inside, areas=len(villages))
    basis = np.where(np.isnan(share), "area" if reach.radius_m is not None else "point", "cells")
    share = np.where(np.isnan(share), _share_without_cells(reach), share)
    persons = villages["persons"].to_numpy(dtype=np.float64)
    day = villages["persons_day"].to_numpy(dtype=np.float64)
    resident_in = persons_inside(np.nan_to_num(persons), share)
    day_in = persons_inside(np.nan_to_num(day), share)
    rows = [
        {
            "id": str(villages["id"].iloc[k]),
            "name": villages["name"].iloc[k],
            "street": villages["street"].iloc[k],
            "share": round(float(share[k]), 4),
            "basis": str(basis[k]),
            "persons": int(persons[k]),
            "resident": int(resident_in[k]),
            "day": int(day_in[k]) if math.isfinite(day[k]) else None,
        }
        for k in np.flatnonzero(share > 0)
    ]
    rows.sort(key=lambda row: (-row["resident"], row["id"]))
    return {
        "resident": int(resident_in.sum()),
        "day": int(day_in.sum()) if np.isfinite(day).any() else None,
        "day_unknown": sum(row["day"] is None for row in rows),
        # Cells outside every village belong to nobody's total.
        "cells_apart": int((inside & (of < 0)).sum()),
        "villages": rows,
    }


def _village_of_cells(view: View) -> NDArray[np.int64]:
    """(c,) position of the village that each cell lies in, -1 outside all; of several the first."""
    xy = view.points_m("cell")
    found = np.full(len(xy), -1, dtype=np.int64)
    there = np.flatnonzero(np.isfinite(xy).all(axis=1))
    tree = shapely.STRtree(metric_geometries(view.frame("village"), view.district.epsg))
    cell, village = tree.query(shapely.points(xy[there]), predicate="intersects")
    for c, v in sorted(zip(cell.tolist(), village.tolist(), strict=True), reverse=True):
        found[there[c]] = v
    return found


def _share_without_cells(reach: _Reach) -> Floats:
    """(villages,) share inside: by area within a circle; within a time all of those whose inner point is reached."""
    if reach.radius_m is None:
        return reach.is_inside("village").astype(np.float64)
    shapes = metric_geometries(reach.view.frame("village"), reach.view.district.epsg)
    circle = area_m(reach)
    whole = shapely.area(shapes)
    near = reach.distances_m("village") <= reach.radius_m
    share = near.astype(np.float64)
    cut = np.flatnonzero(near & (whole > 0))
    share[cut] = np.clip(shapely.area(shapely.intersection(shapes[cut], circle)) / whole[cut], 0.0, 1.0)
    return share


def _roads(reach: _Reach) -> dict[str, Any]:
    """Metres of road inside by class; a road that is drawn once for each direction counts twice."""
    view = reach.view
    if reach.radius_m is not None:
        inside_m = lengths_within(view.network.edge_lines(), reach.xy_m, reach.radius_m)
    else:
        assert reach.limit_s is not None
        inside_m = reached_lengths(view.travel(reach.at), reach.here, reach.limit_s)
    classes = [road_class(row.highway) for row in ROAD_SPEEDS]
    sums = dict.fromkeys(ROAD_CLASS_TEXTS, 0.0)
    for k, metres in enumerate(np.bincount(view.network.edge_class, weights=inside_m, minlength=len(classes))):
        sums[classes[k]] += float(metres)
    by_class = [{"class": name, "length_m": round(metres, 1)} for name, metres in sums.items() if metres > 0]
    return {"length_m": round(float(inside_m.sum()), 1), "by_class": by_class}


def _enterprises(reach: _Reach, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    levels = [row["attributes"].get("risk_level") for row in rows]
    by_level = {choice.code: levels.count(choice.code) for choice in RISK_LEVELS}
    substances: dict[str, dict[str, Any]] = {}
    for row in rows:
        for held in row.get("substances", ()):
            one = substances.setdefault(held["name"], {"name": held["name"], "enterprises": 0, "quantity_t": 0.0})
            one["enterprises"] += 1
            one["quantity_t"] = round(one["quantity_t"] + float(held["quantity_t"] or 0.0), 6)
    return {
        "count": len(rows),
        "by_level": {**by_level, "unknown": len(rows) - sum(by_level.values())},
        "workers_on_shift": _total(rows, "workers_on_shift"),
        "substances": sorted(substances.values(), key=lambda one: (-one["quantity_t"], one["name"])),
    }


def _shelters(reach: _Reach, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        "count": len(rows),
        "serving": sum(row["out"] is None for row in rows),
        "places": sum(row["places"] for row in rows),
    }


def _teams(reach: _Reach, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    by_skill = []
    for skill in SKILLS:
        able = [row for row in rows if skill.code in str(row["attributes"].get("skills") or "").split(";")]
        if able:
            on_duty = sum(bool(row["attributes"]["on_duty"]) for row in able)
            by_skill.append({"skill": skill.code, "teams": len(able), "on_duty": on_duty})
    on_duty = sum(bool(row["attributes"]["on_duty"]) for row in rows)
    return {"count": len(rows), "on_duty": on_duty, "by_skill": by_skill}


def _depots(reach: _Reach, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    items: dict[str, dict[str, Any]] = {}
    for row in rows:
        for held in row["items"]:
            names = {name: held[name] for name in ("item_id", "name", "unit")}
            one = items.setdefault(held["item_id"], {**names, "available": 0, "depots": 0})
            one["available"] = plain(round(one["available"] + held["available"], 3))
            one["depots"] += 1
    return {"count": len(rows), "items": [items[name] for name in sorted(items)]}


def _hospitals(reach: _Reach, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {"count": len(rows), "beds": _total(rows, "beds")}


def _lifelines(reach: _Reach, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    types = pd.Series([row["attributes"].get("type") for row in rows], dtype=object).value_counts()
    schools = [row for row in rows if row["attributes"].get("type") == "school"]
    return {
        "count": len(rows),
        "by_type": {str(name): int(count) for name, count in sorted(types.items())},
        "schools": {"count": len(schools), "capacity": _total(schools, "capacity")},
    }


_SUMS: dict[str, Callable[[_Reach, Sequence[dict[str, Any]]], dict[str, Any]]] = {
    "enterprises": _enterprises,
    "shelters": _shelters,
    "teams": _teams,
    "depots": _depots,
    "hospitals": _hospitals,
    "lifelines": _lifelines,
}


def _total(rows: Sequence[dict[str, Any]], name: str) -> int:
    return int(sum(row["attributes"].get(name) or 0 for row in rows))


def _source(view: View, table: str) -> dict[str, Any]:
    """Where the rows of a table come from and when the newest of them was changed."""
    frame = view.kept(
        ("points", "about", table), lambda: view.district.store.frame(table, columns=["source", "updated_utc"])
    )
    updated = frame["updated_utc"].max() if len(frame) else None
    told = provenance(view, {"source": source_note(frame), "updated_utc": updated})
    return {"rows": len(frame), **told}
