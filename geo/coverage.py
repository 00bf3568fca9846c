"""One-hour coverage: who reaches whom within the limit, with the proof of every place.

Response time = alarm + dispatch (together: handling) + turnout + travel + last leg. The last leg
is what lies off the road at both ends: from the team to the road and from the road to the place. A
place is covered when the sum is at most the limit (bound included). Set-up on the scene is known by
team type and not counted.
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


TIME_DIGITS = 3
"""Parts and totals are whole milliseconds, so that a row adds up and the bound is judged on what is shown."""


@dataclass(frozen=True)
class ResponseTimes:
    """The parts of a response that are not driving, by team type, in seconds.

    Defaults to be confirmed, not a standard; `source` says where each came from.
    """

    type: str
    alarm_s: float
    dispatch_s: float
    turnout_day_s: float
    turnout_night_s: float
    setup_s: float
    source: str

    @property
    def handling_s(self) -> float:
        """Alarm and dispatch."""
        return self.alarm_s + self.dispatch_s


_FIRE = "alarm 2.5 min, turnout 1 min and 3.5 min to water: fire-station standard, from memory; dispatch proposed"
_OTHER = "alarm 2.5 min: fire-station standard, from memory; all else proposed"

RESPONSE_TIMES: dict[str, ResponseTimes] = {
    row.type: row
    for row in (
        ResponseTimes("fire", 150.0, 60.0, 60.0, 60.0, 210.0, _FIRE),
        ResponseTimes("enterprise", 150.0, 60.0, 300.0, 300.0, 300.0, _OTHER),
        ResponseTimes("street", 150.0, 120.0, 600.0, 900.0, 300.0, _OTHER),
        ResponseTimes("social", 150.0, 300.0, 1800.0, 2700.0, 600.0, _OTHER),
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
    turnout_s : (m,) s, >= 0, taken to a millisecond; NaN takes the type's value for the hour
    hour : local hour of the day, 0 to 23; day is `DAY_HOURS`
    has_skill, on_duty : (m,) bool

    Returns
    -------
    Teams, in the order of `ids`

    Raises
    ------
    InputError : an id twice, an unknown type, a turnout below 0 or without end, an hour that is not
        one of the day, lengths that differ

    Notes
    -----
    CRS: none.
    Cost: O(m).
    Invariant: a turnout that is given in whole milliseconds stays as it is.
    Source: `RESPONSE_TIMES`.
    """
    if hour not in range(24):
        raise InputError(f"hour={hour}: expected 0 to 23")
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
    bad = (own < 0) | np.isinf(own)
    if bad.any():
        j = int(np.argmax(bad))
        raise InputError(f"teams: turnout_s={own[j]:g} of team {ids[j]!r}; expected seconds, 0 or more, or none")
    rows = [RESPONSE_TIMES[kind] for kind in types]
    by_day = DAY_HOURS[0] <= hour < DAY_HOURS[1]
    default = np.array([r.turnout_day_s if by_day else r.turnout_night_s for r in rows], dtype=np.float64)
    return Teams(
        tuple(ids),
        np.array([r.handling_s for r in rows], dtype=np.float64),
        np.where(np.isnan(own), default, np.round(own, TIME_DIGITS)),
        np.array([r.setup_s for r in rows], dtype=np.float64),
        skill,
        duty,
    )


@dataclass(frozen=True)
class Coverage:
    """The proof table, one row a place, and what is counted from it.

    `table` has id, name, street, persons, covered, team_id, handling_s, turnout_s, travel_s,
    last_leg_s, total_s, backup_teams, reason. `team_id` is the quickest eligible team even where it
    is too late, and None with NaN times where none arrives at all; reason is None where the place is
    covered. `streets` has every street with its number of teams, the row None for teams without one.
    """

    limit_s: float
    table: pd.DataFrame
    streets: pd.DataFrame

    def totals(self) -> dict[str, Any]:
        """Places and persons, all and covered; the share is None without persons."""
        return self._counted(np.zeros(len(self.table), dtype=np.intp), 1)[0]

    def by_street(self) -> list[dict[str, Any]]:
        """The same by street, with the number of teams: the streets in order, then None where it occurs.

        Streets without places and streets without teams are there too; places, persons and teams
        add up to all of them.
        """
        names, group = self._street_of_places()
        teams: dict[str | None, int] = dict(self.streets.itertuples(index=False))
        counts = self._counted(group, len(names))
        return [
            {"street": name, "teams": int(teams.get(name, 0)), **row} for name, row in zip(names, counts, strict=True)
        ]

    def streets_without_team(self) -> list[str]:
        """The streets in which no team stands; the plan wants one in every street."""
        return [row["street"] for row in self.by_street() if row["street"] is not None and row["teams"] == 0]

    def to_json(self) -> dict[str, Any]:
        """The whole result as plain values; set-up on the scene by team type is shown, not counted."""
        table = self.table
        names = list(table.columns)
        columns = [_plain(table[name]) for name in names]
        return {
            "limit_s": self.limit_s,
            "totals": self.totals(),
            "by_street": self.by_street(),
            "streets_without_team": self.streets_without_team(),
            "setup_s": {kind: row.setup_s for kind, row in RESPONSE_TIMES.items()},
            "places": [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)],
        }

    def _street_of_places(self) -> tuple[list[str | None], NDArray[np.intp]]:
        """All streets, those of `streets` first, and the position of each place's own."""
        known = self.streets["street"].tolist()
        codes, values = pd.factorize(self.table["street"], use_na_sentinel=True)
        there = set(known)
        names: list[str | None] = [name for name in known if name is not None]
        names += sorted(str(name) for name in values if name not in there)
        if None in there or (codes < 0).any():
            names.append(None)
        position = {name: k for k, name in enumerate(names)}
        # Code -1 takes the last entry, which is that of None.
        of_code = np.array([*(position[name] for name in values), position.get(None, 0)], dtype=np.intp)
        return names, of_code[codes]

    def _counted(self, group: NDArray[np.intp], groups: int) -> list[dict[str, Any]]:
        covered = self.table["covered"].to_numpy(dtype=bool)
        persons = self.table["persons"].to_numpy(dtype=np.int64)
        found = np.zeros((4, groups), dtype=np.int64)
        for row, values in zip(found, (np.ones_like(persons), persons, covered, persons * covered), strict=True):
            np.add.at(row, group, values)
        return [
            {
                "places": places,
                "persons": all_persons,
                "covered_places": covered_places,
                "covered_persons": covered_persons,
                "covered_share": covered_persons / all_persons if all_persons else None,
            }
            for places, all_persons, covered_places, covered_persons in found.T.tolist()
        ]


def _plain(column: pd.Series) -> list[Any]:
    if column.dtype.kind != "f":
        items: list[Any] = column.tolist()
        return items
    values = column.to_numpy()
    plain = np.round(values, TIME_DIGITS).astype(object)
    plain[~np.isfinite(values)] = None
    numbers: list[Any] = plain.tolist()
    return numbers


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
    travel_s : (n, m) s, on the road from team j to place i with the closures in force; inf no
        route, NaN unknown, which counts as none
    last_leg_s : (n, m) s, the legs off the road at the place and at the team's own end together;
        NaN no road
    has_road : (n,) bool, whether a road is near enough to the place
    open_travel_s : (n, m) s without closures; None: nothing is closed
    limit_s : s, > 0, finite; covered when the response time is at most this (bound included)
    streets : names of all streets, also those without places
    team_streets : (m,) street of each team, None where it has none; may be left out altogether

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
    Source: one-hour coverage of the bureau's year plan; own rules for the rest. Ties go to the
    smallest team id. The reason is the first of `REASONS` whose removal alone covers the place;
    where no single one does, they are taken away one after another in that order, and the one that
    covers it at last is named. A place that no team, eligible or not, could reach with every road
    open is ``no_road``.
    """
    n, m = len(places), len(teams)
    if not 0 < limit_s < np.inf:
        raise InputError(f"limit_s={limit_s}: expected seconds above 0")
    travel = _matrix("travel_s", travel_s, n, m)
    legs = _matrix("last_leg_s", last_leg_s, n, m)
    opened = travel if open_travel_s is None else _matrix("open_travel_s", open_travel_s, n, m)
    near_road = np.asarray(has_road, dtype=bool)
    if near_road.shape != (n,):
        raise InputError(f"has_road: {near_road.shape} values for {n} places")
    persons = _whole_persons(places)

    # Team by team: whole columns of the matrices at a time, in the order that settles ties.
    best, first = np.full(n, np.inf), np.full(n, -1, dtype=np.intp)
    within = np.zeros(n, dtype=np.int64)
    for j in np.argsort(np.asarray(teams.id, dtype=object), kind="stable"):
        if teams.eligible[j]:
            total = _total(teams, travel, legs, j, slice(None))
            better = near_road & (total < best)
            best[better], first[better] = total[better], j
            within += near_road & (total <= limit_s)
    reached, covered = first >= 0, best <= limit_s

    def part(of_team: Floats) -> Floats:
        return np.where(reached, np.append(of_team, np.nan)[first], np.nan)

    def cell(matrix: Floats) -> Floats:
        values = np.full(n, np.nan)
        rows = np.flatnonzero(reached)
        values[rows] = np.round(matrix[rows, first[rows]], TIME_DIGITS)
        return values

    reasons = np.full(n, None, dtype=object)
    bad = np.flatnonzero(~covered)
    reasons[bad] = _reasons(near_road, travel, opened, legs, teams, limit_s, bad)
    table = pd.DataFrame(
        {
            "id": _texts(places["id"]),
            "name": _texts(places["name"]),
            "street": _texts(places["street"]),
            "persons": persons,
            "covered": covered,
            "team_id": pd.Series(np.array([*teams.id, None], dtype=object)[first], dtype=object),
            "handling_s": part(teams.handling_s),
            "turnout_s": part(teams.turnout_s),
            "travel_s": cell(travel),
            "last_leg_s": cell(legs),
            "total_s": np.where(reached, best, np.nan),
            "backup_teams": np.maximum(within - 1, 0),
            "reason": pd.Series(reasons, dtype=object),
        }
    )
    return Coverage(float(limit_s), table, _streets(streets, team_streets, m))


def _matrix(name: str, values: Any, n: int, m: int) -> Floats:
    found = np.asarray(values, dtype=np.float64)
    if found.shape != (n, m):
        raise InputError(f"{name}: shape {found.shape}; expected {n} places by {m} teams")
    return found


def _total(teams: Teams, travel: Floats, legs: Floats, j: int, rows: Any) -> Floats:
    """Response times of team j, each part a whole millisecond; inf or NaN where it does not arrive."""
    parts = np.round(travel[rows, j], TIME_DIGITS) + np.round(legs[rows, j], TIME_DIGITS)
    found: Floats = np.round(teams.before_travel_s[j] + parts, TIME_DIGITS)
    return found


def _texts(column: pd.Series) -> pd.Series:
    """A text column as plain objects, None where there is nothing."""
    values = column.to_numpy(dtype=object)
    missing = pd.isna(values)
    if missing.any():
        values = values.copy()
        values[missing] = None
    return pd.Series(values, dtype=object)


def _whole_persons(places: pd.DataFrame) -> NDArray[np.int64]:
    persons = pd.to_numeric(places["persons"], errors="coerce").to_numpy(dtype=np.float64)
    bad = ~((persons >= 0) & (persons == np.floor(persons)) & (persons < 2**53))
    if bad.any():
        i = int(np.argmax(bad))
        raise InputError(f"places.persons={places['persons'].iloc[i]} in row {i}: expected whole numbers, 0 or more")
    return persons.astype(np.int64)


def _streets(streets: Any, team_streets: Any, m: int) -> pd.DataFrame:
    """Every street once, in the order given, then those named by teams alone, with its number of teams."""
    named = [None if pd.isna(name) else str(name) for name in team_streets]
    if named and len(named) != m:
        raise InputError(f"team_streets: {len(named)} values for {m} teams")
    counts: dict[str | None, int] = {str(name): 0 for name in streets}
    counts |= dict.fromkeys(sorted({name for name in named if name is not None} - set(counts)), 0)
    for name in named:
        counts[name] = counts.get(name, 0) + 1
    columns = {"street": pd.Series(list(counts), dtype=object), "teams": pd.Series(list(counts.values()), dtype=int)}
    return pd.DataFrame(columns)


def _reasons(
    near_road: Bools,
    travel: Floats,
    opened: Floats,
    legs: Floats,
    teams: Teams,
    limit_s: float,
    rows: NDArray[np.intp],
) -> NDArray[np.object_]:
    """The reason of each of these uncovered rows."""
    # The quickest with and without closures, over the teams that count when skill, duty or both are not asked for.
    groups = {
        "eligible": teams.eligible,
        "any_skill": teams.on_duty,
        "any_duty": teams.has_skill,
        "all": np.ones(len(teams), dtype=bool),
    }
    now = {name: np.full(len(rows), np.inf) for name in groups}
    open_ = now if opened is travel else {name: np.full(len(rows), np.inf) for name in groups}
    for j in range(len(teams)):
        for best, matrix in ((now, travel), (open_, opened))[: 1 if open_ is now else 2]:
            total = _total(teams, matrix, legs, j, rows)
            for name, counted in groups.items():
                if counted[j]:
                    best[name] = np.fmin(best[name], total)  # fmin: an unknown time is no time

    connected = near_road[rows] & (np.isfinite(open_["all"]) | (len(teams) == 0))
    # One constraint away at a time, then one after another.
    tests: list[tuple[Reason, Any]] = [
        ("no_road", ~connected),
        ("closed", open_["eligible"] <= limit_s),
        ("no_team", np.full(len(rows), len(teams) == 0)),
        ("no_skill", now["any_skill"] <= limit_s),
        ("off_duty", now["any_duty"] <= limit_s),
        ("too_far", np.isfinite(now["eligible"])),
        ("no_skill", open_["any_skill"] <= limit_s),
        ("off_duty", open_["all"] <= limit_s),
    ]
    return np.select([holds for _, holds in tests], [reason for reason, _ in tests], "too_far").astype(object)
