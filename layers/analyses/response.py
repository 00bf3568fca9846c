"""Who reaches whom and when: coverage with its proof table."""

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
from layers.analyses.places import PLACES, asked
from layers.district import District, View
from layers.listing import clock_text, share_text


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


def covered_places(
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
    result = covered_places(view, table, PLACES[places], teams, limit_s=limit_s, at=moment)
    return CoverageAnswer({**asked(view, moment), "skill": code, "places_kind": places}, result)


def coverage_lines(answer: CoverageAnswer) -> Iterator[str]:
    """A coverage as a person reads it on a terminal."""
    totals = answer.result.totals()
    share = "no persons" if totals["covered_share"] is None else share_text(totals["covered_share"])
    yield (
        f"within {answer.result.limit_s / 60:g} min at {clock_text(answer.asked['at'])}: "
        f"{totals['covered_persons']:,} of {totals['persons']:,} persons ({share}), "
        f"{totals['covered_places']} of {totals['places']} places"
    )
    for row in answer.result.by_street():
        part = "-" if row["covered_share"] is None else share_text(row["covered_share"])
        count = f"{row['covered_persons']:,} of {row['persons']:,} ({part})"
        yield f"  {row['street'] or '-'}: {count}, {row['teams']} teams"
    for place in answer.table[~answer.table["covered"]].to_dict("records"):
        quickest = f"{place['total_s'] / 60:.1f} min" if math.isfinite(place["total_s"]) else "-"
        who = f"{place['id']} {place['name'] or ''} {place['persons']} persons"
        yield f"  not covered: {who}, {place['reason']}, quickest {quickest}"
