"""One place: where it is, which teams reach it and when, the nearest hospital and the nearest shelter that serves.

Every row says where it comes from and how old it is.
"""

import math
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from geo.coverage import LIMIT_S
from geo.crs import to_metric
from geo.network import Snapped
from geo.times import last_leg_s
from layers.analyses.places import (
    LonLat,
    asked,
    containing,
    drive_s,
    lonlats,
    nulls,
    provenance,
    road_class,
    road_names,
    snapped_places,
)
from layers.analyses.response import covered_places, teams_at
from layers.district import District, View
from layers.whatif.refuges import refuges

DATUM = "WGS 84"
"""What longitude and latitude are told in; CGCS2000 agrees with it to centimetres."""


def reach(
    district: District,
    *,
    lonlat: LonLat,
    at: datetime | None = None,
    limit_s: float = LIMIT_S,
    shown: int = 3,
) -> dict[str, Any]:
    """What is known of a place: village, street and road, the quickest teams with their split, hospital and shelter.

    A shelter counts that holds people and lies clear of major hazards; `shelters_out` are the nearer ones that do
    not, with the reason. How many are in a shelter is in no register: its places are those of an empty one.
    """
    view = district.view()
    moment = district.local(at)
    place = snapped_places(view, [lonlat], "at")
    teams = teams_at(view, None, moment)
    table = pd.DataFrame({"id": ["place"], "name": [None], "street": [None], "persons": [0]})
    row = covered_places(view, table, place, teams, limit_s=limit_s, at=moment).table.iloc[0]
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
                "place": list(lonlats(frame.iloc[[j]])[0]),
                "handling_s": float(teams.handling_s[j]),
                "turnout_s": float(teams.turnout_s[j]),
                "travel_s": round(float(travel_s[j]), 3),
                "last_leg_s": round(float(legs_s[j]), 3),
                "total_s": round(float(total_s[j]), 3),
                "setup_s": float(teams.setup_s[j]),
                "distance_m": round(metres, 1) if math.isfinite(metres) else None,
                **provenance(view, frame.iloc[j]),
            }
        )
    return {
        **asked(view, moment),
        "place": list(lonlat),
        "datum": DATUM,
        "metric": _metric(district, lonlat),
        **containing(view, lonlat),
        "road": _road(view, place),
        "limit_s": limit_s,
        "covered": bool(row["covered"]),
        "reason": row["reason"],
        "backup_teams": int(row["backup_teams"]),
        "teams_on_duty": int(teams.on_duty.sum()),
        "last_leg_m": nulls(place.access_m)[0],
        "teams": found,
        "hospital": next(iter(_by_time(view, "hospital", place, moment)), None),
        **_shelters(view, place, moment),
    }


def _metric(district: District, lonlat: LonLat) -> dict[str, Any]:
    """The place in the district's metric CRS: east and north."""
    x, y = to_metric([lonlat], epsg=district.epsg)[0]
    return {"epsg": district.epsg, "x_m": round(float(x), 2), "y_m": round(float(y), 2)}


def _road(view: View, place: Snapped) -> dict[str, Any] | None:
    """The road from which the place is reached, None where none is near."""
    if place.edge[0] < 0:
        return None
    row = road_names(view).iloc[int(view.network.edge_row[place.edge[0]])]
    return {"name": row["name"], "class": road_class(row["highway"]), "distance_m": nulls(place.access_m)[0]}


def _shelters(view: View, place: Snapped, at: datetime) -> dict[str, Any]:
    """The quickest shelter that takes people, and the nearer ones that are out."""
    held = refuges(view, None, stay=None).table.set_index("id")
    out: list[dict[str, Any]] = []
    for row in _by_time(view, "shelter", place, at):
        own = held.loc[row["id"]]
        if own["out"] is None:
            return {
                "shelter": {
                    **row,
                    "places": int(own["places"]),
                    "stay": own["stay"],
                    "basis": own["basis"],
                    "class": own["class"],
                },
                "shelters_out": out,
            }
        out.append({**row, "out": own["out"], "near": own["near"]})
    return {"shelter": None, "shelters_out": out}


def _by_time(view: View, table: str, place: Snapped, at: datetime) -> list[dict[str, Any]]:
    """The rows of a table that can be driven to from a place, the quickest first, legs off the road included."""
    frame = view.frame(table)
    travel_s, legs_s = drive_s(view, place, table, at)
    total_s = travel_s + legs_s
    order = sorted(np.flatnonzero(np.isfinite(total_s)), key=lambda j: (total_s[j], str(frame["id"].iloc[j])))
    places = lonlats(frame)
    return [
        {
            "id": str(frame["id"].iloc[j]),
            "name": frame["name"].iloc[j],
            "place": list(places[j]),
            "travel_s": round(float(travel_s[j]), 3),
            "last_leg_s": round(float(legs_s[j]), 3),
            "total_s": round(float(total_s[j]), 3),
            **provenance(view, frame.iloc[j]),
        }
        for j in order
    ]
