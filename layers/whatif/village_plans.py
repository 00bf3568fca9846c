"""What a village head reads of a saved evacuation: from, to, by which streets, in how many minutes, whom to ring."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from geo.errors import NotFound
from layers.district import District
from layers.layer import Lang, Text, plain_tree
from layers.whatif.evacuation import KIND
from layers.whatif.saved import Record, Result, load

_HEADINGS = {
    "n": Text("北", "north"),
    "ne": Text("东北", "north-east"),
    "e": Text("东", "east"),
    "se": Text("东南", "south-east"),
    "s": Text("南", "south"),
    "sw": Text("西南", "south-west"),
    "w": Text("西", "west"),
    "nw": Text("西北", "north-west"),
}
_TURNS = {
    "start": Text("向{heading}", "{heading} along"),
    "straight": Text("直行", "straight on, along"),
    "left": Text("左转", "turn left into"),
    "right": Text("右转", "turn right into"),
    "back": Text("掉头", "turn back into"),
}
_NO_NAME = Text("无名路", "a road without a name")


def minutes_up(seconds: float | None) -> int | None:
    """Whole minutes, rounded up; None where there are none."""
    return None if seconds is None or not math.isfinite(seconds) else math.ceil(round(seconds, 3) / 60.0)


def step_text(step: Mapping[str, Any], lang: Lang) -> str:
    """One step of a route as it is said."""
    turn = _TURNS[step["turn"]].to(lang).format(heading=_HEADINGS[step["heading"]].to(lang))
    name = step["name"] or _NO_NAME.to(lang)
    if lang == "zh":
        return f"{turn}沿{name}走 {step['distance_m']} 米"
    return f"{turn} {name}, {step['distance_m']} m"


def plan_of(district: District, name: str) -> tuple[Record, Result]:
    """A saved evacuation by its name."""
    return load(district, KIND, name)


def village_plans(record: Record, result: Result, *, street: str | None = None) -> list[dict[str, Any]]:
    """Every village that leaves, in the order of streets and names, with its ways; of one street or of all."""
    villages = result.tables["villages"]
    if street is not None:
        villages = villages[villages["street"] == street]
    ids = villages.sort_values(["street", "village", "village_id"])["village_id"].drop_duplicates()
    by_village, steps = _grouped(result), _steps(result)
    return [_plan(record, *by_village[id_], steps) for id_ in ids]


def village_plan(record: Record, result: Result, village_id: str) -> dict[str, Any]:
    """One village: how many leave, to which shelters, by which streets, in how many minutes, and who has no place.

    Minutes are rounded up. NotFound where the village is not in the plan.
    """
    found = _grouped(result).get(village_id)
    if found is None:
        raise NotFound(f"village '{village_id}': nobody of it has to leave in the plan '{record.name}'")
    return _plan(record, *found, _steps(result))


def _grouped(result: Result) -> dict[str, tuple[pd.DataFrame, pd.DataFrame]]:
    moves = dict(iter(result.tables["moves"].groupby("village_id")))
    none = result.tables["moves"].head(0)
    return {
        str(id_): (rows, moves.get(id_, none))
        for id_, rows in result.tables["villages"].groupby("village_id", sort=False)
    }


def _steps(result: Result) -> dict[Any, list[dict[str, Any]]]:
    """The steps of each move as plain values, by village, part and shelter."""
    found: dict[Any, list[dict[str, Any]]] = {}
    for row in plain_tree(result.tables["steps"].to_dict("records")):
        step = {name: row[name] for name in ("name", "distance_m", "turn", "heading")}
        found.setdefault((row["village_id"], row["part"], row["shelter_id"]), []).append(step)
    return found


def _plan(
    record: Record, parts: pd.DataFrame, moves: pd.DataFrame, steps: Mapping[Any, list[dict[str, Any]]]
) -> dict[str, Any]:
    first = parts.iloc[0]
    ways = [
        _way(row, steps.get((row["village_id"], row["part"], row["shelter_id"]), []))
        for row in moves.sort_values("persons", ascending=False).to_dict("records")
    ]
    return {
        **plain_tree({name: first[name] for name in ("village_id", "village", "street", "contact", "phone")}),
        "persons": int(parts["persons"].sum()),
        "moved": int(parts["moved"].sum()),
        "missing": int(parts["missing"].sum()),
        "reasons": sorted({str(reason) for reason in parts["reason"].dropna()}),
        "minutes": max((way["minutes"] for way in ways), default=None),
        "ways": ways,
        "plan": record.name,
        "plan_id": record.id,
        "made_utc": record.made_utc,
        "at": record.parameters["at"],
        "on": record.parameters["on"],
        "stay": record.parameters["stay"],
        "zone": record.parameters["zone_title"],
    }


def _way(row: Mapping[Any, Any], steps: list[dict[str, Any]]) -> dict[str, Any]:
    names = ("part", "shelter_id", "shelter", "shelter_street", "persons", "road_m", "legs_m", "travel_s", "wait_s")
    return {
        **plain_tree(
            {name: row[name] for name in (*names, "warn_s", "prep_s", "total_s", "trips", "reenters", "route")}
        ),
        "contact": plain_tree(row["shelter_contact"]),
        "phone": plain_tree(row["shelter_phone"]),
        "travel_minutes": minutes_up(row["travel_s"]),
        "minutes": minutes_up(row["total_s"]),
        "steps": [{**step, **{f"text_{lang}": step_text(step, lang) for lang in ("zh", "en")}} for step in steps],
    }


def evacuation_lines(result: Result) -> Iterator[str]:
    """A plan as a person reads it on a terminal: the figures, each village with its ways, who has no place."""
    told = result.summary
    how = {"foot": "on foot", "bus": "by bus"}[result.parameters["on"]]
    when = "by day" if told["by_day"] else "at night"
    yield (
        f"{told['sheltered']:,} of {told['persons']:,} persons {when} have a place, "
        f"{how}, in {told['shelters_used']} shelters; {told['missing']:,} have none"
    )
    mean = "-" if told["mean_s"] is None else f"{told['mean_s'] / 60:.1f}"
    yield (
        f"mean way {mean} min, longest {told['last_travel_s'] / 60:.1f} min; all there after "
        f"{told['total_s'] / 60:.0f} min with warning and preparation, not before {told['at_least_s'] / 60:.0f} min"
    )
    out = ", ".join(f"{count} {reason}" for reason, count in told["shelters_out"].items())
    yield f"shelters that do not serve: {out or 'none'}"
    if not told["is_proven"]:
        yield (
            f"stopped before the best was proven: at most {told['most_sheltered']:,} persons, "
            f"at least {told['least_person_h']:,} person-hours (this plan {told['person_h']:,})"
        )
    for row in result.tables["moves"].to_dict("records"):
        again = ", touches the zone again" if row["reenters"] else ""
        far_m = row["road_m"] + row["legs_m"]
        yield (
            f"  {row['village']} -> {row['shelter']}: {row['persons']:,} persons, {far_m:,.0f} m, "
            f"{minutes_up(row['total_s'])} min{again} [{row['route']}]"
        )
    for row in result.tables["missing"].to_dict("records"):
        yield f"  without a place: {row['village']}, {row['missing']:,} of {row['persons']:,} persons, {row['reason']}"
