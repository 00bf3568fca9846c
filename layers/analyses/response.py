"""Who reaches whom and when: coverage with its proof table, and the teams that reach one place."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from data.kinds import SKILLS
from geo.coverage import LIMIT_S, Coverage, Teams, team_table
from geo.coverage import coverage as cover
from geo.duty import Duty, is_on_duty, parse_duty
from geo.errors import InputError
from geo.network import Snapped
from geo.times import last_leg_s
from layers.analyses.places import PLACES, TABLE_OF, LonLat, asked, containing, lonlats, nulls, snapped_places
from layers.district import District, View
from layers.listing import clock_text


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
    local = view.local(at)
    return [is_on_duty(duty, local) for duty in _duties(view)]


def teams_at(view: View, skill: str | None, at: datetime) -> Teams:
    """The teams at a moment: who has the skill, who is on duty, and their turnout for the hour."""
    frame = view.frame("team")
    local = view.local(at)
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
    frame = view.frame(PLACES[places])
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
    view: View, table: pd.DataFrame, places: Snapped | str, teams: Teams, *, limit_s: float, at: datetime
) -> Coverage:
    """The coverage of places given as a table, and on the road network or as the rows of a stored table."""
    stations = view.snapped("team")
    snapped = view.snapped(places) if isinstance(places, str) else places
    if isinstance(places, str):
        open_s, travel_s = view.open_times_s("team", places, at), view.times_s("team", places, at)
    else:
        travel, open_travel = view.travel(at), view.travel(at, closed=False)
        open_s = open_travel.matrix_s(stations, snapped)
        travel_s = open_s if travel is open_travel else travel.matrix_s(stations, snapped)
    legs_s = last_leg_s(snapped.access_m)[:, None] + last_leg_s(stations.access_m)[None, :]
    return cover(
        table,
        teams,
        travel_s=travel_s.T,
        last_leg_s=legs_s,
        has_road=snapped.edge >= 0,
        open_travel_s=None if open_s is travel_s else open_s.T,
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
    if places not in PLACES:
        raise InputError(f"places={places}: expected one of {', '.join(PLACES)}")
    if not (math.isfinite(limit_s) and limit_s > 0):
        raise InputError(f"limit={limit_s}: expected seconds above 0")
    view = view or district.view()
    moment = district.local(at)
    code = _skill_code(skill)
    teams = teams_at(view, code, moment)
    table = view.kept(("places", places), lambda: _place_frame(view, places))
    result = _covered(view, table, PLACES[places], teams, limit_s=limit_s, at=moment)
    return CoverageAnswer({**asked(view, moment), "skill": code, "places_kind": places}, result)


def coverage_lines(answer: CoverageAnswer) -> Iterator[str]:
    """A coverage as a person reads it on a terminal."""
    totals = answer.result.totals()
    share = "no persons" if totals["covered_share"] is None else f"{totals['covered_share']:.2%}"
    yield (
        f"within {answer.result.limit_s / 60:g} min at {clock_text(answer.asked['at'])}: "
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
    place = snapped_places(view, [lonlat], "at")
    teams = teams_at(view, None, moment)
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
                "place": list(lonlats(frame.iloc[[j]])[0]),
                "handling_s": float(teams.handling_s[j]),
                "turnout_s": float(teams.turnout_s[j]),
                "travel_s": round(float(travel_s[j]), 3),
                "last_leg_s": round(float(legs_s[j]), 3),
                "total_s": round(float(total_s[j]), 3),
                "setup_s": float(teams.setup_s[j]),
                "distance_m": round(metres, 1) if math.isfinite(metres) else None,
            }
        )
    where = containing(view, lonlat)
    return {
        **asked(view, moment),
        "place": list(lonlat),
        **where,
        "limit_s": limit_s,
        "covered": bool(row["covered"]),
        "reason": row["reason"],
        "backup_teams": int(row["backup_teams"]),
        "teams_on_duty": int(teams.on_duty.sum()),
        "last_leg_m": nulls(place.access_m)[0],
        "teams": found,
        "hospital": _nearest(view, "hospitals", place, moment),
        "shelter": _nearest(view, "shelters", place, moment),
    }


def _nearest(view: View, layer_id: str, place: Snapped, at: datetime) -> dict[str, Any] | None:
    """The quickest facility of a layer to drive to from a place, legs off the road included."""
    table = TABLE_OF[layer_id]
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
        "place": list(lonlats(frame.iloc[[best]])[0]),
        "total_s": round(float(total_s[best]), 3),
        **capacity,
    }


def _number(value: Any) -> int | None:
    return None if value is None or value != value else int(value)  # NaN differs from itself
