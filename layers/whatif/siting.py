"""Two more teams, where? Sites among candidates beside the teams that are there, with the proof of every place."""

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from data.kinds import SKILLS, TEAM_TYPES
from geo.coverage import LIMIT_S, TIME_DIGITS, Coverage, team_table
from geo.coverage_change import coverage_change
from geo.errors import Cancelled, InputError
from geo.siting import (
    MODELS,
    Model,
    Siting,
    SitingProblem,
    fewest_sites,
    least_mean_time,
    least_worst_time,
    most_covered,
)
from geo.siting import siting_problem as problem_of
from geo.siting_gain import Gains, coverage_curve, gains
from geo.times import last_leg_s
from layers.analyses.places import PLACES, lonlats
from layers.analyses.response import CoverageAnswer, coverage, teams_at
from layers.district import District, View
from layers.layer import Text
from layers.listing import clock_text
from layers.whatif.candidates import Candidates
from layers.whatif.saved import Result, seqs_of
from layers.whatif.scenario import AS_IT_IS, Scenario, Site, under

KIND = "siting"

MODEL_TEXTS: dict[Model, Text] = {
    "most_covered": Text("覆盖人口最多", "most persons covered"),
    "fewest_sites": Text("覆盖全部的最少点数", "fewest sites that cover all"),
    "least_mean_time": Text("平均到达最快", "least mean time"),
    "least_worst_time": Text("最远处到达最快", "least worst time"),
}

MAX_ADDED = 30
"""New teams of one question."""

CURVE_BEYOND = 4
"""So many more sites than asked for the curve goes on."""

TIME_LIMIT_S, MAX_TIME_LIMIT_S = 30.0, 300.0
"""Seconds of solving for the sites, and about as many for all points of the curve."""

MAX_COVERS = 5
"""Teams that each place may be asked to need."""

MAX_TURNOUT_S = 86_400.0

_TABLES = (
    "road", "closure", "raster", "team", "village", "cell", "enterprise", "boundary", "street", "waterlogging_spot",
    "shelter", "hospital", "depot",
)  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """A question of siting.

    add : new teams; None for ``fewest_sites`` and with a budget
    budget : what the new sites may cost together, in the unit of the candidates' costs; instead of `add`
    type, skill, turnout_s : what the new teams are; turnout None is the type's for the hour
    covers : so many teams each place needs within the limit to count
    keep_teams : the teams that are there stay where they are; False: each may be given up for a site, and `add`
        is how many teams there are to be beyond as many as now (0: as many as now)
    """

    at: datetime
    add: int | None = 1
    budget: int | None = None
    model: Model = "most_covered"
    scenario: Scenario = AS_IT_IS
    limit_s: float = LIMIT_S
    skill: str | None = None
    places: str = "villages"
    type: str = "street"
    turnout_s: float | None = None
    covers: int = 1
    time_limit_s: float | None = TIME_LIMIT_S
    keep_teams: bool = True

    def __post_init__(self) -> None:
        _require(self)


@dataclass(frozen=True)
class _Case:
    """The problem in arrays; columns are the teams that are there and count, then the candidates."""

    problem: SitingProblem
    team_ids: tuple[str, ...]
    before_travel_s: float  # of a new team

    @property
    def there(self) -> int:
        """How many teams are there and count."""
        return len(self.team_ids)


@dataclass(frozen=True)
class Posed:
    """A question that can be answered: everything is checked and all times are known; only the solving is left."""

    district: District
    name: str
    asked: Asked
    candidates: Candidates
    stored: View
    view: View  # under the scenario
    before: CoverageAnswer
    case: _Case

    @property
    def kind(self) -> str:
        """Of the result."""
        return KIND

    def solved(
        self,
        *,
        progress: Callable[[str, float], None] = lambda phase, share: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Result:
        """Choose the sites, and prove by a coverage with and without them what they bring.

        Tables: `sites` (the new ones, by what is lost without them), `given_up` (teams that are not kept), `curve`
        (persons covered over the number of sites), `candidates` (what each adds alone) and `places`, the proof: first
        team before and after. Cancelled, between two steps, when `cancelled` says so.
        """

        def step(phase: str, share: float) -> None:
            if cancelled():
                raise Cancelled("stopped; nothing of it is kept")
            progress(phase, share)

        asked, case, candidates, before = self.asked, self.case, self.candidates, self.before
        step("sites", 0.05)
        found = _chosen(case, asked)
        step("proof", 0.45)
        new = [j - case.there for j in found.sites if j >= case.there]
        given_up = [case.team_ids[j] for j in range(case.there) if j not in found.sites]
        sites = _sites(candidates, new, asked)
        after = before
        if sites or given_up:
            changed = dataclasses.replace(
                asked.scenario,
                sites=(*asked.scenario.sites, *sites),
                teams_out=(*asked.scenario.teams_out, *given_up),
            )
            after = _coverage(self.district, under(self.stored, changed, asked.at), asked)
        brought = gains(found)
        tables = {
            "sites": _site_rows(candidates, case, found, brought),
            "given_up": _given_up_rows(self.view, given_up),
            "curve": _curve_rows(candidates, case, asked, step),
            "candidates": _candidate_rows(candidates, case, brought),
            "places": _place_rows(case, before.table, after.table),
        }
        step("saving", 0.95)
        return Result(
            KIND,
            self.name,
            _parameters(asked, candidates),
            _summary(asked, case, found, before.result, after.result, tables),
            tables,
            {
                "sites": ("id",),
                "given_up": ("id",),
                "curve": ("new_sites",),
                "candidates": ("id",),
                "places": ("id",),
            },
            {
                "new_sites": _drawn_sites(tables["candidates"], new),
                "new_sites_gain": _drawn_gain(self.view, asked, before, after),
            },
            seqs_of(self.view, *_TABLES),
        )


def posed(district: District, name: str, asked: Asked, candidates: Candidates) -> Posed:
    """The question of new sites, checked, with all times; InputError and NotFound say what cannot be."""
    # One moment is one question, whatever the offset that it is written with.
    asked, stored = dataclasses.replace(asked, at=district.local(asked.at)), district.view()
    view = under(stored, asked.scenario, asked.at)
    before = _coverage(district, view, asked)
    return Posed(district, name, asked, candidates, stored, view, before, _case(view, asked, candidates, before))


def site_teams(district: District, name: str, asked: Asked, candidates: Candidates) -> Result:
    """Sites for new teams: the question posed and solved."""
    return posed(district, name, asked, candidates).solved()


def _require(asked: Asked) -> None:
    if asked.model not in MODELS:
        raise InputError(f"model={asked.model}: expected one of {', '.join(MODELS)}")
    if asked.model == "fewest_sites":
        if asked.add is not None or asked.budget is not None:
            raise InputError("add, budget: fewest_sites finds the number itself; leave both out")
    elif (asked.add is None) == (asked.budget is None):
        raise InputError("add, budget: give exactly one of them")
    least = 1 if asked.keep_teams else 0
    if asked.add is not None and not least <= asked.add <= MAX_ADDED:
        raise InputError(f"add={asked.add}: expected {least} to {MAX_ADDED}")
    if not asked.keep_teams and asked.budget is not None:
        raise InputError("keep_teams: with a budget the teams that are there stay; ask for a number of teams")
    if not 1 <= asked.covers <= MAX_COVERS:
        raise InputError(f"covers={asked.covers}: expected 1 to {MAX_COVERS}")
    if asked.turnout_s is not None and not 0 <= asked.turnout_s <= MAX_TURNOUT_S:
        raise InputError(f"turnout_s={asked.turnout_s:g}: expected 0 to {MAX_TURNOUT_S:g}")
    if asked.time_limit_s is not None and not 1 <= asked.time_limit_s <= MAX_TIME_LIMIT_S:
        raise InputError(f"time_limit_s={asked.time_limit_s:g}: expected 1 to {MAX_TIME_LIMIT_S:g}")
    if asked.type not in {choice.code for choice in TEAM_TYPES}:
        raise InputError(f"type={asked.type}: expected one of {', '.join(choice.code for choice in TEAM_TYPES)}")
    if asked.skill is not None and asked.skill not in {choice.code for choice in SKILLS}:
        raise InputError(f"skill={asked.skill}: expected one of {', '.join(choice.code for choice in SKILLS)}")
    if asked.places not in PLACES:
        raise InputError(f"places={asked.places}: expected one of {', '.join(PLACES)}")


def _coverage(district: District, view: View, asked: Asked) -> CoverageAnswer:
    return coverage(district, limit_s=asked.limit_s, skill=asked.skill, at=asked.at, places=asked.places, view=view)


def _case(view: View, asked: Asked, candidates: Candidates, before: CoverageAnswer) -> _Case:
    """Times of teams and candidates to the places, put together as coverage does."""
    places, stations = view.snapped(PLACES[asked.places]), view.snapped("team")
    travel = view.travel(asked.at)
    teams = teams_at(view, asked.skill, asked.at)
    counted = np.flatnonzero(teams.eligible)
    there = _response_s(
        travel.matrix_s(stations.take(counted), places).T,
        places.access_m,
        stations.access_m[counted],
        teams.before_travel_s[counted],
    )
    own = team_table(
        ["new"],
        [asked.type],
        [math.nan if asked.turnout_s is None else asked.turnout_s],
        hour=view.local(asked.at).hour,
        has_skill=[True],
        on_duty=[True],
    )
    new = _response_s(
        travel.matrix_s(candidates.snapped, places).T,
        places.access_m,
        candidates.snapped.access_m,
        np.full(len(candidates), own.before_travel_s[0]),
    )
    cost, capacity = (candidates.table[name].tolist() for name in ("cost", "capacity"))
    if asked.budget is not None and any(value is None for value in cost):
        raise InputError("budget: some candidates have no cost; give each one in the file")
    has_capacity = any(value is not None for value in capacity)
    # Teams that are there have no capacity in the store: they serve without end.
    endless = int(before.table["persons"].sum())
    capacity = [endless] * len(counted) + [endless if value is None else value for value in capacity]
    problem = problem_of(
        np.hstack([there, new]),
        before.table["persons"].to_numpy(),
        limit_s=asked.limit_s,
        existing=(np.arange(len(counted) + len(candidates)) < len(counted)) & asked.keep_teams,
        cost=[0] * len(counted) + cost if asked.budget is not None else None,
        capacity=capacity if has_capacity else None,
    )
    return _Case(problem, tuple(teams.id[j] for j in counted), float(own.before_travel_s[0]))


def _response_s(
    travel_s: NDArray[np.float64], place_m: Any, site_m: Any, before_travel_s: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(places, sites) s of the whole response, each part in whole milliseconds; NaN off the road."""
    legs_s = last_leg_s(place_m)[:, None] + last_leg_s(site_m)[None, :]
    parts = np.round(travel_s, TIME_DIGITS) + np.round(legs_s, TIME_DIGITS)
    found: NDArray[np.float64] = np.round(before_travel_s[None, :] + parts, TIME_DIGITS)
    return found


def _chosen(case: _Case, asked: Asked) -> Siting:
    if asked.model == "fewest_sites":
        return fewest_sites(case.problem, covers=asked.covers, most_backup=True, time_limit_s=asked.time_limit_s)
    ask: dict[str, Any] = {"time_limit_s": asked.time_limit_s, "most_backup": True}
    ask |= {"budget": asked.budget} if asked.add is None else {"sites": case.there + asked.add}
    if asked.model == "most_covered":
        return most_covered(case.problem, covers=asked.covers, **ask)
    solver = least_mean_time if asked.model == "least_mean_time" else least_worst_time
    return solver(case.problem, covers=asked.covers if asked.covers > 1 else 0, **ask)


def _sites(candidates: Candidates, new: Sequence[int], asked: Asked) -> tuple[Site, ...]:
    """The chosen candidates as teams of a scenario."""
    skills = () if asked.skill is None else (asked.skill,)
    rows = candidates.table.iloc[list(new)].to_dict("records")
    return tuple(
        Site(r["id"], r["name"], r["lon"], r["lat"], asked.type, skills, asked.turnout_s, street=r["street"])
        for r in rows
    )


def _ids(candidates: Candidates, case: _Case, chosen: Sequence[int]) -> list[str]:
    return [str(candidates.table["id"].iloc[j - case.there]) for j in chosen if j >= case.there]


def _site_rows(candidates: Candidates, case: _Case, found: Siting, brought: Gains) -> pd.DataFrame:
    """The new sites, the one whose loss costs most first."""
    at = [(k, j) for k, j in enumerate(found.sites) if j >= case.there]
    table = candidates.table.iloc[[j - case.there for _, j in at]].drop(columns=["cost", "capacity"])
    table["cost"] = candidates.table["cost"].iloc[[j - case.there for _, j in at]].astype(np.float64)
    table["added_persons"] = [int(brought.added[j]) for _, j in at]
    table["lost_persons"] = [int(brought.lost[k]) for k, _ in at]
    table["served_persons"] = [int(found.assigned[:, k].sum()) for k, _ in at]
    table = table.sort_values(["lost_persons", "added_persons"], ascending=False, kind="stable", ignore_index=True)
    table.insert(0, "rank", np.arange(1, len(table) + 1))
    return table


def _given_up_rows(view: View, given_up: Sequence[str]) -> pd.DataFrame:
    frame = view.frame("team")
    rows = frame[frame["id"].astype(str).isin(given_up)]
    return pd.DataFrame(rows[["id", "name", "street"]]).astype(object).reset_index(drop=True)


def _curve_rows(candidates: Candidates, case: _Case, asked: Asked, step: Callable[[str, float], None]) -> pd.DataFrame:
    """The most persons by each number of sites; `new_sites` counts from as many teams as are there."""
    last = case.there + (len(candidates) if asked.add is None else min(asked.add + CURVE_BEYOND, len(candidates)))
    first = case.there if asked.keep_teams else 0
    # All points together take about as long as the sites themselves may.
    each_s = None if asked.time_limit_s is None else max(1.0, asked.time_limit_s / max(1, last - first))
    rows = []
    for point in coverage_curve(case.problem, up_to=last, covers=asked.covers, time_limit_s=each_s):
        rows.append(
            {
                "new_sites": point.sites - case.there,
                "teams": point.sites,
                "persons": point.persons,
                "bound": float(point.bound),
                "is_optimal": point.is_optimal,
                "sites": ";".join(_ids(candidates, case, point.chosen)),
            }
        )
        step("curve", 0.5 + 0.45 * (point.sites - first + 1) / (last - first + 1))
    return pd.DataFrame(rows)


def _candidate_rows(candidates: Candidates, case: _Case, brought: Gains) -> pd.DataFrame:
    table = candidates.table.drop(columns=["cost", "capacity"])
    table["on_road"] = candidates.snapped.edge >= 0
    table["added_persons"] = brought.added[case.there :]
    return table


def _place_rows(case: _Case, before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """The proof: each place with its first team, its time and the number of teams within the limit, both times.

    `beyond` says why no choice of sites could cover a place: no_site, too_far.
    """
    found = before[["id", "name", "street", "persons"]].copy()
    for name, table in (("before", before), ("after", after)):
        found[f"team_{name}"] = table["team_id"]
        found[f"total_{name}_s"] = table["total_s"]
        found[f"covered_{name}"] = table["covered"]
        found[f"teams_{name}"] = table["backup_teams"] + table["covered"].astype(np.int64)
        found[f"reason_{name}"] = table["reason"]
    found["beyond"] = pd.Series([None] * len(found), dtype=object)
    for name, places in (("no_site", case.problem.unreachable), ("too_far", case.problem.too_far)):
        found.loc[found.index[places], "beyond"] = name
    return found


def _parameters(asked: Asked, candidates: Candidates) -> dict[str, Any]:
    plain = {field.name: getattr(asked, field.name) for field in dataclasses.fields(asked)}
    sources = candidates.table["source"].value_counts(sort=False)
    return {
        **plain,
        "at": asked.at.isoformat(),
        "scenario": asked.scenario.plain(),
        "candidates": {str(name): int(count) for name, count in sources.items()},
        "candidate_ids": candidates.table["id"].tolist(),
    }


def _summary(
    asked: Asked, case: _Case, found: Siting, before: Coverage, after: Coverage, tables: Mapping[str, pd.DataFrame]
) -> dict[str, Any]:
    places, problem = tables["places"], case.problem
    persons = places["persons"]
    totals, later = before.totals(), after.totals()

    def mean_s(column: str) -> float | None:
        reached = places[column].notna() & (persons > 0)
        total = int(persons[reached].sum())
        return float((places[column] * persons)[reached].sum() / total) if total else None

    def worst_s(column: str) -> float | None:
        times = places[column][places[column].notna() & (persons > 0)]
        return float(times.max()) if len(times) else None

    return {
        "model": asked.model,
        "teams_there": case.there,
        "before_travel_s": case.before_travel_s,
        "new_sites": len(tables["sites"]),
        "given_up": len(tables["given_up"]),
        "candidates": len(tables["candidates"]),
        "persons": totals["persons"],
        "covered_before": totals["covered_persons"],
        "covered_after": later["covered_persons"],
        "covered_share_before": totals["covered_share"],
        "covered_share_after": later["covered_share"],
        "gain_persons": later["covered_persons"] - totals["covered_persons"],
        "backup_before": int(persons[places["teams_before"] >= 2].sum()),
        "backup_after": int(persons[places["teams_after"] >= 2].sum()),
        "mean_before_s": mean_s("total_before_s"),
        "mean_after_s": mean_s("total_after_s"),
        "worst_before_s": worst_s("total_before_s"),
        "worst_after_s": worst_s("total_after_s"),
        "has_capacity": bool((problem.capacity < persons.sum()).any()) if problem.capacity is not None else False,
        "no_site_persons": int(problem.persons[problem.unreachable].sum()),
        "too_far_persons": int(problem.persons[problem.too_far].sum()),
        "objective": _finite(found.objective),
        "bound": _finite(found.bound),
        "gap": _finite(found.gap),
        "is_optimal": found.is_optimal,
        "backup_is_optimal": found.backup_is_optimal,
        "new_cost": found.new_cost,
    }


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _drawn_sites(candidates: pd.DataFrame, new: Sequence[int]) -> gpd.GeoDataFrame:
    table = candidates.drop(columns=["lon", "lat"])
    table["state"] = np.where(np.isin(np.arange(len(table)), list(new)), "chosen", "candidate").astype(object)
    return gpd.GeoDataFrame(table, geometry=shapely.points(candidates[["lon", "lat"]].to_numpy()), crs=4326)


def _drawn_gain(view: View, asked: Asked, before: CoverageAnswer, after: CoverageAnswer) -> gpd.GeoDataFrame:
    """The places whose coverage the new sites change, as points."""
    change = coverage_change(before.result, after.result).table
    frame = view.frame(PLACES[asked.places])
    at = dict(zip(frame["id"].astype(str), lonlats(frame), strict=True))
    columns = ["id", "name", "street", "persons", "change", "team_new", "total_old_s", "total_new_s"]
    points = shapely.points([at[str(i)] for i in change["id"]]) if len(change) else []
    return gpd.GeoDataFrame(change[columns].reset_index(drop=True), geometry=list(points), crs=4326)


# -- for a terminal ---------------------------------------------------------------------------------


def siting_lines(result: Result, *, shown: int = 20) -> Iterator[str]:
    """The result as a person reads it on a terminal."""
    told, asked = result.summary, result.parameters
    proof = "proven best" if told["is_optimal"] else f"stopped early, bound {told['bound']}"
    yield (
        f"{result.name}: {asked['model']}, {told['new_sites']} new of {told['candidates']} candidates beside "
        f"{told['teams_there']} teams, within {asked['limit_s'] / 60:g} min at {clock_text(asked['at'])}; {proof}"
    )
    yield (
        f"  covered {told['covered_before']:,} -> {told['covered_after']:,} of {told['persons']:,} persons "
        f"(+{told['gain_persons']:,}); by two teams {told['backup_before']:,} -> {told['backup_after']:,}"
    )
    for name in ("mean", "worst"):
        minutes = [told[f"{name}_{side}_s"] for side in ("before", "after")]
        yield f"  {name} " + " -> ".join("-" if s is None else f"{s / 60:.1f}" for s in minutes) + " min"
    yield f"  a new team drives after {told['before_travel_s'] / 60:.1f} min of alarm, dispatch and turnout"
    for row in result.tables["sites"].to_dict("records"):
        yield (
            f"  {row['rank']}. {row['id']} {row['name']} ({row['lon']:.5f},{row['lat']:.5f}): alone "
            f"+{row['added_persons']:,}, lost without it {row['lost_persons']:,} persons"
        )
    counted, label = ("new_sites", "new sites") if asked["keep_teams"] else ("teams", "teams in all")
    yield f"  {label}: " + ", ".join(
        f"{row[counted]} -> {row['persons']:,}" + ("" if row["is_optimal"] else f" (at most {row['bound']:,.0f})")
        for row in result.tables["curve"].to_dict("records")
    )
    places = result.tables["places"]
    gained = places[~places["covered_before"] & places["covered_after"]]
    for row in gained.head(shown).to_dict("records"):
        was = "never" if row["total_before_s"] != row["total_before_s"] else f"{row['total_before_s'] / 60:.1f}"
        yield (
            f"  gained: {row['id']} {row['name'] or ''}, {row['persons']:,} persons, {was} -> "
            f"{row['total_after_s'] / 60:.1f} min by {row['team_after']}"
        )
    if len(gained) > shown:
        yield f"  and {len(gained) - shown} more"
    for name, what in (
        ("no_site_persons", "reached from nowhere"),
        ("too_far_persons", "too far from every team and candidate"),
    ):
        if told[name]:
            yield f"  {what}: {told[name]:,} persons"
