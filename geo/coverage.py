"""One-hour coverage: who reaches whom within the limit, with the proof of every place.

Response time = alarm + dispatch (together: handling) + turnout + travel + last leg. A place is
covered when that is at most the limit (bound included).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.errors import InputError

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Reason = Literal["no_road", "closed", "no_team", "no_skill", "off_duty", "too_far"]

REASONS: tuple[Reason, ...] = ("no_road", "closed", "no_team", "no_skill", "off_duty", "too_far")
"""Why a place is not covered, in the order in which the constraints are taken away."""

LIMIT_S = 3600.0
"""The hour; 3600.0 s is in, 3600.1 s is out."""

DAY_HOURS = (7, 19)
"""Turnout by day holds from 07:00 (included) to 19:00 (excluded) local time [proposed]."""


@dataclass(frozen=True)
class ResponseTimes:
    """The parts of a response that are not driving, by team type, in seconds.

    Source: the alarm of 2.5 min and the set-up of fire engines are from memory of the fire-station
    standard; all others are proposed. Defaults to be confirmed, not a standard.
    """

    type: str
    alarm_s: float
    dispatch_s: float
    turnout_day_s: float
    turnout_night_s: float
    setup_s: float

    @property
    def handling_s(self) -> float:
        """Alarm and dispatch."""
        return self.alarm_s + self.dispatch_s


RESPONSE_TIMES: dict[str, ResponseTimes] = {
    row.type: row
    for row in (
        ResponseTimes("fire", 150.0, 60.0, 60.0, 60.0, 210.0),
        ResponseTimes("enterprise", 150.0, 60.0, 300.0, 300.0, 300.0),
        ResponseTimes("street", 150.0, 120.0, 600.0, 900.0, 300.0),
        ResponseTimes("social", 150.0, 300.0, 1800.0, 2700.0, 600.0),
    )
}


@dataclass(frozen=True)
class Teams:
    """m teams as arrays: handling and turnout in seconds, and whether they count now."""

    id: tuple[str, ...]
    handling_s: Floats
    turnout_s: Floats
    setup_s: Floats
    has_skill: Bools
    on_duty: Bools

    def __len__(self) -> int:
        return len(self.id)

    @property
    def eligible(self) -> Bools:
        """(m,) on duty and with the skill."""
        return self.has_skill & self.on_duty

    @property
    def before_travel_s(self) -> Floats:
        """(m,) handling and turnout."""
        return self.handling_s + self.turnout_s


def team_table(
    ids: Sequence[str],
    types: Sequence[str],
    turnout_s: Any,
    *,
    hour: int,
    has_skill: Any,
    on_duty: Any,
) -> Teams:
    """Arrange teams, with the default turnout of their type where they have none of their own.

    Parameters
    ----------
    ids : (m,) external ids, each once
    types : (m,) keys of `RESPONSE_TIMES`
    turnout_s : (m,) s, >= 0; NaN takes the type's value for the hour
    hour : local hour of the day, 0 to 23; day is `DAY_HOURS`
    has_skill, on_duty : (m,) bool

    Returns
    -------
    Teams, in the order of `ids`

    Raises
    ------
    InputError : an id twice, an unknown type, a negative turnout, lengths that differ

    Notes
    -----
    CRS: none.
    Cost: O(m).
    Invariant: none.
    Source: `RESPONSE_TIMES`.
    """
    own = np.asarray(turnout_s, dtype=np.float64).reshape(-1)
    skill = np.asarray(has_skill, dtype=bool).reshape(-1)
    duty = np.asarray(on_duty, dtype=bool).reshape(-1)
    if len({len(ids), len(types), len(own), len(skill), len(duty)}) != 1:
        raise InputError("teams: ids, types, turnout_s, has_skill and on_duty differ in length")
    if len(set(ids)) != len(ids):
        raise InputError("teams: an id stands twice")
    for kind in types:
        if kind not in RESPONSE_TIMES:
            raise InputError(f"teams: type={kind!r}; expected one of {', '.join(RESPONSE_TIMES)}")
    if (own < 0).any():
        raise InputError("teams: turnout_s below 0")
    rows = [RESPONSE_TIMES[kind] for kind in types]
    by_day = DAY_HOURS[0] <= hour < DAY_HOURS[1]
    default = np.array([r.turnout_day_s if by_day else r.turnout_night_s for r in rows], dtype=np.float64)
    return Teams(
        tuple(ids),
        np.array([r.handling_s for r in rows], dtype=np.float64),
        np.where(np.isfinite(own), own, default),
        np.array([r.setup_s for r in rows], dtype=np.float64),
        skill,
        duty,
    )


@dataclass(frozen=True)
class Coverage:
    """The proof table, one row a place, and what is counted from it.

    `table` has id, name, street, persons, covered, team_id, handling_s, turnout_s, travel_s,
    last_leg_s, total_s, backup_teams, reason. `team_id` is the quickest eligible team even where it
    is too late; reason is None where the place is covered.
    """

    limit_s: float
    table: pd.DataFrame
    streets: pd.DataFrame

    def totals(self) -> dict[str, Any]:
        """Places and persons, all and covered; the share is None without persons."""
        return _counted(self.table)

    def by_street(self) -> list[dict[str, Any]]:
        """The same by street, with the number of teams; streets without places or teams are there too."""
        groups = {str(name): rows for name, rows in self.table.groupby("street", dropna=False, sort=False)}
        empty = self.table.iloc[:0]
        found = []
        for street, teams in self.streets.itertuples(index=False):
            found.append({"street": street, "teams": int(teams), **_counted(groups.pop(str(street), empty))})
        found += [
            {"street": None if name in ("None", "nan") else name, "teams": 0, **_counted(rows)}
            for name, rows in groups.items()
        ]
        return found

    def streets_without_team(self) -> list[str]:
        """The streets in which no team stands; the plan wants one in every street."""
        return [str(name) for name, teams in self.streets.itertuples(index=False) if teams == 0]

    def to_json(self) -> dict[str, Any]:
        """The whole result as plain values."""
        table = self.table
        columns = {name: _plain(table[name]) for name in table.columns}
        names = list(columns)
        places = [dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        return {
            "limit_s": self.limit_s,
            "totals": self.totals(),
            "by_street": self.by_street(),
            "streets_without_team": self.streets_without_team(),
            "places": places,
        }


def _plain(column: pd.Series) -> list[Any]:
    if column.dtype.kind == "f":
        values = column.to_numpy()
        return [round(v, 3) if ok else None for v, ok in zip(values.tolist(), np.isfinite(values), strict=True)]
    items: list[Any] = column.tolist()
    return [None if v is None or v is pd.NA or v != v else v for v in items]  # NaN differs from itself


def _counted(table: pd.DataFrame) -> dict[str, Any]:
    persons = table["persons"].to_numpy(dtype=np.int64)
    covered = table["covered"].to_numpy(dtype=bool)
    all_persons, covered_persons = int(persons.sum()), int(persons[covered].sum())
    return {
        "places": len(table),
        "persons": all_persons,
        "covered_places": int(covered.sum()),
        "covered_persons": covered_persons,
        "covered_share": covered_persons / all_persons if all_persons else None,
    }


def coverage(
    places: pd.DataFrame,
    teams: Teams,
    *,
    travel_s: Any,
    last_leg_s: Any,
    has_road: Any,
    open_travel_s: Any = None,
    limit_s: float = LIMIT_S,
    streets: Any = (),
    team_streets: Any = (),
) -> Coverage:
    """Who is reached within the limit, by whom first, with how many more behind, and why not.

    Parameters
    ----------
    places : (n,) rows with id, name, street and persons (whole, >= 0)
    teams : (m,) teams
    travel_s : (n, m) s, on the road from team j to place i with the closures in force; inf no route
    last_leg_s : (n, m) s, the legs off the road at the place and at the team together; NaN no road
    has_road : (n,) bool, whether a road is near enough to the place
    open_travel_s : (n, m) s without closures; None: nothing is closed
    limit_s : s, > 0; covered when the response time is at most this (bound included)
    streets : names of all streets, also those without places
    team_streets : (m,) street of each team, None where it has none

    Returns
    -------
    Coverage; an empty table for no places

    Raises
    ------
    InputError : shapes that do not fit, persons below 0 or not whole, a limit that is not above 0

    Notes
    -----
    CRS: none; distances enter only through the times.
    Cost: O(n m).
    Invariant: covered and uncovered persons add up to the population, by street and in total;
    permuting places or teams permutes the rows and changes nothing else.
    Source: one-hour coverage of the bureau's year plan; ties go to the smallest team id. The
    reason is the first of `REASONS` whose removal alone covers the place; where no single one does,
    they are taken away one after another in that order, and the one that covers it at last is
    named. A place without road is always ``no_road``.
    """
    n, m = len(places), len(teams)
    if not limit_s > 0:
        raise InputError(f"limit_s={limit_s}: expected seconds above 0")
    travel = np.asarray(travel_s, dtype=np.float64).reshape(n, m)
    legs = np.asarray(last_leg_s, dtype=np.float64).reshape(n, m)
    near_road = np.asarray(has_road, dtype=bool).reshape(n)
    opened = travel if open_travel_s is None else np.asarray(open_travel_s, dtype=np.float64).reshape(n, m)
    persons = _whole_persons(places)

    before = teams.before_travel_s
    rank = np.argsort(np.asarray(teams.id, dtype=object), kind="stable")  # ties: the smallest id
    total = _clean(before[None, :] + travel + legs)
    asked = np.where(teams.eligible[None, :], total, np.inf)[:, rank]
    if m:
        first = rank[np.argmin(asked, axis=1)]
        best = asked.min(axis=1)
    else:
        first, best = np.zeros(n, dtype=np.int64), np.full(n, np.inf)
    reached = np.isfinite(best)
    covered = best <= limit_s
    within = (asked <= limit_s).sum(axis=1)

    row = np.arange(n)

    def part(values: Floats) -> Floats:
        return np.where(reached, values, np.nan)

    ids = np.asarray([*teams.id, None], dtype=object)
    table = pd.DataFrame(
        {
            "id": places["id"].to_numpy(dtype=object),
            "name": places["name"].to_numpy(dtype=object),
            "street": places["street"].to_numpy(dtype=object),
            "persons": persons,
            "covered": covered,
            "team_id": ids[np.where(reached, first, m)],
            "handling_s": part(teams.handling_s[first]) if m else np.full(n, np.nan),
            "turnout_s": part(teams.turnout_s[first]) if m else np.full(n, np.nan),
            "travel_s": part(travel[row, first]) if m else np.full(n, np.nan),
            "last_leg_s": part(legs[row, first]) if m else np.full(n, np.nan),
            "total_s": part(best),
            "backup_teams": np.maximum(within - 1, 0),
            "reason": np.full(n, None, dtype=object),
        }
    )
    bad = np.flatnonzero(~covered)
    open_total = total if opened is travel else _clean(before[None, :] + opened + legs)
    table.loc[bad, "reason"] = _reasons(near_road[bad], total[bad], open_total[bad], teams, limit_s)
    return Coverage(float(limit_s), table, _streets(streets, team_streets))


def _clean(total: Floats) -> Floats:
    return np.where(np.isfinite(total), total, np.inf)


def _whole_persons(places: pd.DataFrame) -> NDArray[np.int64]:
    persons = pd.to_numeric(places["persons"], errors="coerce").to_numpy(dtype=np.float64)
    if len(persons) and not ((persons >= 0) & (persons == np.floor(persons))).all():
        raise InputError("places.persons: expected whole numbers, 0 or more")
    return persons.astype(np.int64)


def _streets(streets: Any, team_streets: Any) -> pd.DataFrame:
    """Every street once, in the order given, with its number of teams."""
    counts: dict[str, int] = {str(name): 0 for name in streets}
    for name in team_streets:
        if name is not None and name == name and str(name) in counts:  # NaN differs from itself
            counts[str(name)] += 1
    return pd.DataFrame({"street": list(counts), "teams": list(counts.values())})


def _reasons(near_road: Bools, total: Floats, open_total: Floats, teams: Teams, limit_s: float) -> list[Reason]:
    """The reason of each uncovered place."""
    skill, duty = teams.has_skill, teams.on_duty
    all_teams = np.ones(len(teams), dtype=bool)

    def covers(times: Floats, counted: Bools, limit: float) -> Bools:
        return np.asarray((times[:, counted] <= limit).any(axis=1), dtype=bool)

    # One constraint away at a time, then one after another.
    connected = np.isfinite(open_total).any(axis=1) if len(teams) else near_road
    huge = np.finfo(np.float64).max
    tests: list[tuple[Reason, Bools]] = [
        ("no_road", ~near_road | ~connected),
        ("closed", covers(open_total, skill & duty, limit_s)),
        ("no_team", np.full(len(near_road), len(teams) == 0)),
        ("no_skill", covers(total, duty, limit_s)),
        ("off_duty", covers(total, skill, limit_s)),
        ("too_far", covers(total, skill & duty, huge)),
        ("no_skill", covers(open_total, duty, limit_s)),
        ("off_duty", covers(open_total, all_teams, limit_s)),
        ("too_far", np.ones(len(near_road), dtype=bool)),
    ]
    found = np.full(len(near_road), "", dtype=object)
    for reason, holds in tests:
        found[(found == "") & holds] = reason
    return found.tolist()
