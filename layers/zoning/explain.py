"""Why a unit has its level: from the raw indicators to the class, step by step, as plain values."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import shapely

from geo.classify import Breaks
from geo.crs import to_metric
from geo.errors import InputError, NotFound
from geo.zoning import LEVELS, Term
from layers.layer import Text
from layers.zoning.result import LEVEL_TEXTS, PREVENTION_TEXTS, Column, ZoningRun


def explain_unit(
    run: ZoningRun, *, lonlat: tuple[float, float] | None = None, unit_id: str | None = None
) -> dict[str, Any]:
    """The table of one unit, by its id or by a place in it; NotFound for a place outside the units."""
    row = run.units.iloc[_position(run, lonlat, unit_id)]
    known = {column.name: column for column in run.columns}
    model = run.model
    hazards = []
    for hazard, spec in zip(model.hazards, run.scheme.hazards, strict=True):
        level = int(row[f"level_{hazard.id}"])
        factors = [_raw(row, column) for name, column in known.items() if name.startswith(f"f_{hazard.id}_")]
        hazards.append(
            {
                "id": hazard.id,
                "title": {"zh": spec.title.zh, "en": spec.title.en},
                **_raw(row, known[hazard.column]),
                "own_class": int(row[f"native_{hazard.id}"]),
                "own_class_name": _native_name(run, hazard.id, int(row[f"native_{hazard.id}"])),
                "own_class_five": _level(int(row[f"hazard5_{hazard.id}"])),
                "risk": float(row[f"risk_{hazard.id}"]),
                "breaks": _lower(hazard.breaks),
                "level": level,
                "weight": hazard.weight,
                "contribution": hazard.weight
                * (level / LEVELS if model.score == "ordinal" else row[f"risk_{hazard.id}"])
                if model.method == "sum"
                else hazard.weight * float(row[hazard.column]),
                "factors": factors,
            }
        )
    return {
        "run": run.id,
        "scheme": run.scheme.id,
        "title": {"zh": run.scheme.title.zh, "en": run.scheme.title.en},
        "unit": str(row["unit_id"]),
        "name": str(row["name"]),
        "street": str(row["street"]),
        "place": [float(row["lon"]), float(row["lat"])],
        "area_m2": float(row["area_m2"]),
        "persons": int(row["persons"]),
        "hazards": hazards,
        **{name: _dimension(row, getattr(model, name), known, name) for name in _DIMENSIONS},
        "formula": "R = H^a E^b V^c (1 - k C)",
        "exponents": list(model.exponents),
        "capacity_factor": model.capacity_factor,
        "method": model.method,
        "score": model.score,
        "index": float(row["index"]),
        "breaks": _lower(model.breaks),
        "classification": model.classification,
        "level_index": int(row["level_index"]),
        "level_computed": int(row["level_computed"]),
        "level": int(row["level"]),
        "level_name": {"zh": LEVEL_TEXTS[int(row["level"])].zh, "en": LEVEL_TEXTS[int(row["level"])].en},
        "dominant": str(row["dominant"]),
        "corrected": bool(row["corrected"]),
        "reason": str(row["reason"]),
        "stability": {
            "share": float(row["stability"]),
            "weights": float(row["stability_weights"]),
            "classification": float(row["stability_classification"]),
            "size": float(row["stability_size"]),
            "fragile": bool(row["fragile"]),
            "runs": run.scheme.runs,
            "seed": run.scheme.seed,
        },
        "prevention": int(row["prevention"]),
        "prevention_name": {
            "zh": PREVENTION_TEXTS[int(row["prevention"])].zh,
            "en": PREVENTION_TEXTS[int(row["prevention"])].en,
        },
        "prevention_why": _prevention_why(run, row),
        "parameter_version": run.parameter_version,
        "demo": run.demo,
    }


_GRADES = {
    0: Text("无", "none"),
    1: Text("弱", "weak"),
    2: Text("较弱", "rather weak"),
    3: Text("中等", "medium"),
    4: Text("较强", "rather strong"),
    5: Text("强", "strong"),
}


def _prevention_why(run: ZoningRun, row: "pd.Series[Any]") -> list[dict[str, Any]]:
    """What the decision table reads beside the level: label, value, unit, and the bound that it is held against."""
    rule = {
        code.removeprefix("prevention."): float(parameter["value"])
        for parameter in run.parameters
        if (code := str(parameter["code"])).startswith("prevention.")
    }
    grade = _GRADES[int(row["capacity_grade"])]
    weak = _GRADES[int(rule["weak_grade"])]
    depth = f"{rule['spot_depth_m']:g} m"
    items = (
        (
            "capacity_grade",
            Text("减灾能力等级", "grade of capacity"),
            grade,
            "",
            Text(f"弱: {weak.zh}及以下", f"weak: {weak.en} or below"),
        ),
        (
            "danger_persons",
            Text("重点隐患影响人口", "residents in the impact area of a hidden danger"),
            int(row["danger_persons"]),
            "人",
            Text(f"≥ {rule['hidden_danger_persons']:g}", f"≥ {rule['hidden_danger_persons']:g}"),
        ),
        (
            "deep_spots_per_km2",
            Text(f"每平方千米深度 ≥ {depth} 的积水点", f"known spots of at least {depth} per km2"),
            float(row["deep_spots_per_km2"]),
            "",
            Text(f"≥ {rule['spot_density_per_km2']:g}", f"≥ {rule['spot_density_per_km2']:g}"),
        ),
        (
            "key_facilities",
            Text("医院、学校、泵站、变电站", "hospitals, schools, pumping stations, substations"),
            int(row["key_facilities"]),
            "",
            Text("≥ 1", "≥ 1"),
        ),
    )
    return [
        {
            "column": name,
            "label": {"zh": label.zh, "en": label.en},
            "value": {"zh": value.zh, "en": value.en} if isinstance(value, Text) else value,
            "unit": unit,
            "bound": {"zh": bound.zh, "en": bound.en},
        }
        for name, label, value, unit, bound in items
    ]


_DIMENSIONS = ("exposure", "vulnerability", "capacity")


def explain_street(run: ZoningRun, name: str) -> dict[str, Any]:
    """A street's row, its levels by area and persons, and the explanation of its highest unit."""
    rows = run.streets[run.streets["street"] == name]
    if len(rows) == 0:
        raise NotFound(f"there is no street '{name}'; there are: {', '.join(run.streets['street'].astype(str))}")
    row = rows.iloc[0].to_dict()
    highest = str(row["highest_unit"])
    return {
        "run": run.id,
        "scheme": run.scheme.id,
        "street": row,
        "breaks": _lower(run.model.breaks),
        "highest": explain_unit(run, unit_id=highest) if highest else None,
    }


def _position(run: ZoningRun, lonlat: tuple[float, float] | None, unit_id: str | None) -> int:
    if (lonlat is None) == (unit_id is None):
        raise InputError("expected either a place (lon, lat) or the id of a unit")
    if unit_id is not None:
        found = np.flatnonzero((run.units["unit_id"] == unit_id).to_numpy(dtype=bool))
        if len(found) == 0:
            raise NotFound(
                f"there is no unit '{unit_id}' in run {run.id}; ids look like {run.units['unit_id'].iloc[0]}"
            )
        return int(found[0])
    assert lonlat is not None
    xy = to_metric([lonlat], epsg=run.epsg)
    if run.areas is None:
        assert run.grid is not None
        cell = int(run.grid.cell_at(xy)[0])
        at = np.flatnonzero(run.units["cell"].to_numpy() == cell) if cell >= 0 else np.empty(0, dtype=np.int64)
    else:
        at = np.flatnonzero(shapely.intersects(run.areas.geometry.to_numpy(dtype=object), shapely.Point(xy[0])))
    if len(at) == 0:
        raise NotFound(f"lon={lonlat[0]:.5f}, lat={lonlat[1]:.5f} lies in no unit of run {run.id}")
    return int(at[0])


def _raw(row: "pd.Series[Any]", column: Column) -> dict[str, Any]:
    value = float(row[column.name])
    return {
        "column": column.name,
        "label": {"zh": column.label.zh, "en": column.label.en},
        "value": value if np.isfinite(value) else None,
        "unit": column.unit,
        "source": column.source,
        "updated_utc": column.updated_utc,
        "to_confirm": column.to_confirm,
    }


def _dimension(row: "pd.Series[Any]", terms: Sequence[Term], known: dict[str, Column], name: str) -> dict[str, Any]:
    """One dimension: each indicator raw, scaled, weighted; and their sum."""
    parts = []
    for term in terms:
        raw = _raw(row, known[term.column])
        scaled = float(term.scale(np.array([row[term.column]]))[0]) if term.scale is not None else np.nan
        used = 1.0 - scaled if term.cost else scaled
        parts.append(
            {
                **raw,
                "scale": term.method,
                "range": [term.scale.x[0], term.scale.x[-1]] if term.scale is not None else None,
                "cost": term.cost,
                "scaled": used if np.isfinite(used) else None,
                "weight": term.weight,
            }
        )
    value = float(row[name])
    return {"value": value if np.isfinite(value) else None, "indicators": parts}


def _lower(breaks: Breaks | None) -> list[float]:
    return [] if breaks is None else list(breaks.lower)


def _level(level: int) -> dict[str, Any]:
    text = LEVEL_TEXTS[level]
    return {"level": level, "zh": text.zh, "en": text.en}


def _native_name(run: ZoningRun, hazard: str, native: int) -> str:
    """The name of a hazard's own class, as the map of that hazard names it."""
    return run.native_names.get(hazard, {}).get(native, "-")
