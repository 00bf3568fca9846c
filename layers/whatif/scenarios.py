"""The scenarios side by side: by capability, how many persons, how much area and risk are reached within each band."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from data.kinds import SKILLS
from geo.bands import Arrivals, amounts_by_band, first_arrivals
from geo.coverage import LIMIT_S
from geo.errors import InputError
from geo.grid import Grid
from geo.network import Snapped
from geo.times import last_leg_s
from layers.analyses.places import outline_m
from layers.analyses.response import teams_at
from layers.district import District, View
from layers.layer import Text
from layers.listing import clock_text, share_text
from layers.whatif.saved import Result, seqs_of
from layers.whatif.scenario import Scenario, shipped_scenarios, under

KIND = "scenarios"

RISK_WEIGHTS = {"major": 8.0, "considerable": 4.0, "general": 2.0, "low": 1.0}
"""Weight of an enterprise by its level (red, orange, yellow, blue) [proposed]; one without a level weighs nothing."""

AREA_STEP_M, MAX_AREA_POINTS = 200.0, 10_000
"""Area is counted at points of a square grid: this far apart, farther where that would be more points than this."""

MEASURES = {"persons": "人", "area": "km2", "risk": "1"}
"""What is counted, and its unit."""

MEASURE_TEXTS = {
    "persons": Text("人口", "persons"),
    "area": Text("面积", "area"),
    "risk": Text("企业风险", "enterprise risk"),
}
"""What is counted, in words."""

BANDS = ("0-5", "5-15", "15-30", "30-60", "over 60")
"""Names of the bands in minutes, upper bounds included."""

_TABLES = (
    "road",
    "closure",
    "raster",
    "team",
    "village",
    "cell",
    "enterprise",
    "boundary",
    "waterlogging_spot",
)


@dataclass(frozen=True)
class _Places:
    """Places of one measure: ids, what each weighs, and where it stands on the roads."""

    id: list[str]
    amount: NDArray[np.float64]
    snapped: Snapped


def run_scenarios(
    district: District,
    name: str,
    *,
    scenarios: Sequence[Scenario] | None = None,
    at: datetime | None = None,
) -> Result:
    """Work the scenarios out; the shipped ones where none are named.

    Tables: `shares` (scenario, skill, measure: total, within the hour by one and by two teams), `bands` (the same by
    band) and `places`, the proof: first and second arrival at every place under every scenario by skill.
    """
    view, moment = district.view(), district.local(at)
    wanted = list(shipped_scenarios().values()) if scenarios is None else list(scenarios)
    if not wanted or len({scenario.id for scenario in wanted}) != len(wanted):
        raise InputError("scenarios: expected at least one, each once")
    taught = set(";".join(str(skills or "") for skills in view.frame("team")["skills"]).split(";"))
    skills = ["any", *(choice.code for choice in SKILLS if choice.code in taught)]
    places = _places(view)
    arrivals, drawn = {}, {}
    for scenario in wanted:
        posed = under(view, scenario, moment)
        arrivals[scenario.id] = {
            measure: _arrivals(posed, moment, of.snapped, skills) for measure, of in places.items()
        }
        drawn[scenario.id] = _arrivals(posed, moment, view.snapped("village"), ["any"])["any"]
    bands, shares = [], []
    for scenario in wanted:
        for skill in skills:
            for measure, unit in MEASURES.items():
                amount, reached = places[measure].amount, arrivals[scenario.id][measure][skill]
                total = float(amount.sum())
                key = {"scenario": scenario.id, "skill": skill, "measure": measure, "unit": unit}
                one, two = (amounts_by_band(times, amount) for times in (reached.first_s, reached.second_s))
                bands += [
                    {
                        **key,
                        "band": band,
                        "first": a,
                        "second": b,
                        "first_share": _share(a, total),
                        "second_share": _share(b, total),
                    }
                    for band, a, b in zip(BANDS, one.tolist(), two.tolist(), strict=True)
                ]
                within = [float(amount[times <= LIMIT_S].sum()) for times in (reached.first_s, reached.second_s)]
                shares.append(
                    {
                        **key,
                        "total": total,
                        "within_hour": within[0],
                        "share": _share(within[0], total),
                        "second_within_hour": within[1],
                        "second_share": _share(within[1], total),
                    }
                )
    found_shares = pd.DataFrame(shares)
    return Result(
        KIND,
        name,
        {"at": moment.isoformat(), "scenarios": [scenario.plain() for scenario in wanted], "limit_s": LIMIT_S},
        {"scenarios": _summary(wanted, found_shares), "not_taught": [c.code for c in SKILLS if c.code not in taught]},
        {"shares": found_shares, "bands": pd.DataFrame(bands), "places": _proof(wanted, places, arrivals)},
        {
            "shares": ("scenario", "skill", "measure"),
            "bands": ("scenario", "skill", "measure", "band"),
            "places": ("scenario", "measure", "id"),
        },
        {"whatif_scenarios": _drawn(view, drawn)},
        seqs_of(view, *_TABLES),
    )


def _share(part: float, total: float) -> float:
    return part / total if total else float("nan")


def _places(view: View) -> dict[str, _Places]:
    """Population cells (villages where there are none), points of the area, and enterprises."""
    persons = "cell" if len(view.frame("cell")) else "village"
    firms = view.frame("enterprise")
    weights = firms["risk_level"].map(RISK_WEIGHTS).fillna(0.0).to_numpy(dtype=np.float64)
    area, km2 = _area_points(view)
    of = view.frame(persons)
    return {
        "persons": _Places(
            of["id"].astype(str).tolist(), of["persons"].to_numpy(dtype=np.float64), view.snapped(persons)
        ),
        "area": _Places([f"{x:.0f} {y:.0f}" for x, y in area], np.full(len(area), km2), _area_snapped(view)),
        "risk": _Places(firms["id"].astype(str).tolist(), weights, view.snapped("enterprise")),
    }


def _area_points(view: View) -> tuple[NDArray[np.float64], float]:
    """(n, 2) m: centres of grid cells inside the boundary, and how many km2 each stands for."""

    def make() -> tuple[NDArray[np.float64], float]:
        outline = outline_m(view)
        if outline is None:
            return np.empty((0, 2)), 0.0
        step = max(AREA_STEP_M, float(np.ceil(np.sqrt(outline.area / MAX_AREA_POINTS) / 10) * 10))
        grid = Grid.covering(outline.bounds, cell=step, epsg=view.district.epsg)
        xy = grid.centres(np.arange(grid.cells))
        shapely.prepare(outline)
        inside: NDArray[np.float64] = xy[shapely.contains_xy(outline, xy)]
        # Every point stands for the same part of the exact area.
        return inside, outline.area / 1e6 / len(inside) if len(inside) else 0.0

    return view.kept(("area points", "boundary", "street", "village"), make)


def _area_snapped(view: View) -> Snapped:
    return view.kept(
        ("area snapped", "boundary", "street", "village"),
        lambda: view.network.snap(_area_points(view)[0], max_m=view.district.snap_m),
    )


def _arrivals(view: View, moment: datetime, places: Snapped, skills: Sequence[str]) -> dict[str, Arrivals]:
    """First and second arrivals at the places by skill, from one matrix."""
    stations = view.snapped("team")
    travel_s = view.travel(moment).matrix_s(stations, places).T
    legs_s = last_leg_s(places.access_m)[:, None] + last_leg_s(stations.access_m)[None, :]
    return {
        skill: first_arrivals(
            teams_at(view, None if skill == "any" else skill, moment),
            travel_s=travel_s,
            last_leg_s=legs_s,
            has_road=places.edge >= 0,
        )
        for skill in skills
    }


def _proof(
    scenarios: Sequence[Scenario],
    places: Mapping[str, _Places],
    arrivals: Mapping[str, Mapping[str, Mapping[str, Arrivals]]],
) -> pd.DataFrame:
    """One row a scenario and place: what it weighs, and the first and second arrival by skill in seconds."""
    parts = []
    for scenario in scenarios:
        for measure, of in places.items():
            columns: dict[str, Any] = {
                "scenario": [scenario.id] * len(of.id),
                "measure": [measure] * len(of.id),
                "id": of.id,
                "amount": of.amount,
            }
            for skill, reached in arrivals[scenario.id][measure].items():
                columns |= {f"{skill}_first_s": reached.first_s, f"{skill}_second_s": reached.second_s}
            parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)


def _summary(scenarios: Sequence[Scenario], shares: pd.DataFrame) -> list[dict[str, Any]]:
    """One row a scenario: the shares of any team, and the capability that reaches the fewest persons."""
    rows = []
    for scenario in scenarios:
        of = shares[shares["scenario"] == scenario.id]
        row: dict[str, Any] = {"scenario": scenario.id, "title": scenario.title.zh, "title_en": scenario.title.en}
        for measure in MEASURES:
            any_ = of[(of["skill"] == "any") & (of["measure"] == measure)].iloc[0]
            row |= {f"{measure}_share": any_["share"], f"{measure}_second_share": any_["second_share"]}
        skilled = of[(of["skill"] != "any") & (of["measure"] == "persons")]
        if len(skilled):
            weakest = skilled.sort_values(["share", "skill"], kind="stable").iloc[0]
            row |= {"weakest_skill": weakest["skill"], "weakest_share": weakest["share"]}
        rows.append(row)
    return rows


def _drawn(view: View, arrivals: Mapping[str, Arrivals]) -> gpd.GeoDataFrame:
    """Every village with its time under each scenario, the worst of them and the worst of the second team."""
    of = view.frame("village")
    ids = np.array(list(arrivals), dtype=object)
    first = np.array([found.first_s for found in arrivals.values()]).reshape(len(ids), len(of))
    columns: dict[str, Any] = {
        **{name: of[name].to_numpy(dtype=object) for name in ("id", "name", "street")},
        "persons": of["persons"].to_numpy(),
        "worst_s": first.max(axis=0),
        "worst": ids[np.argmax(first, axis=0)],
        "second_worst_s": np.array([found.second_s for found in arrivals.values()]).reshape(first.shape).max(axis=0),
        **{f"{scenario}_s": times for scenario, times in zip(ids, first, strict=True)},
    }
    return gpd.GeoDataFrame(columns, geometry=list(of.geometry), crs=4326)


def scenario_lines(result: Result) -> Iterator[str]:
    """The result as a person reads it on a terminal: the shares within the hour, then what is weakest."""

    def percent(value: Any) -> str:
        return "-" if value is None or np.isnan(value) else share_text(value)

    moment = clock_text(result.parameters["at"])
    yield f"{result.name}: within {LIMIT_S / 60:g} min at {moment} (second team in brackets)"
    for row in result.summary["scenarios"]:
        parts = [f"{m} {percent(row[f'{m}_share'])} ({percent(row[f'{m}_second_share'])})" for m in MEASURES]
        weakest = f"; weakest: {row['weakest_skill']} {percent(row['weakest_share'])}" if "weakest_skill" in row else ""
        yield f"  {row['scenario']}: {', '.join(parts)}{weakest}"
    if result.summary["not_taught"]:
        yield f"  no team has: {', '.join(result.summary['not_taught'])}"
    bands = result.tables["bands"]
    rows = bands[(bands["skill"] == "any") & (bands["measure"] == "persons")]
    for scenario, of in rows.groupby("scenario", sort=False):
        parts = [f"{band} min {percent(share)}" for band, share in zip(of["band"], of["first_share"], strict=True)]
        yield f"  persons by band, {scenario}: {', '.join(parts)}"
