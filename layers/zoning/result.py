"""The result of one zoning run: everything that its products, its layers and its explanation need.

Same inputs, same bytes: nothing here knows who ran it or when; that stands in the record beside it.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import pandas as pd

from geo.classify import Breaks
from geo.errors import NotFound
from geo.grid import Grid
from geo.zoning import HazardTerm, Scale, Term, ZoningModel
from layers.layer import Text
from layers.zoning.scheme import Scheme, parse_scheme

LEVEL_TEXTS: dict[int, Text] = {
    5: Text("高风险", "high"),
    4: Text("中高风险", "upper middle"),
    3: Text("中风险", "middle"),
    2: Text("中低风险", "lower middle"),
    1: Text("低风险", "low"),
    0: Text("无数据", "no data"),
}
"""The common five levels, high to low, and the absence of data."""

PREVENTION_TEXTS: dict[int, Text] = {
    4: Text("重点防治区", "key prevention"),
    3: Text("次重点防治区", "secondary prevention"),
    2: Text("一般防治区", "general prevention"),
    1: Text("一般管理区", "general management"),
    0: Text("无数据", "no data"),
}

AREA_DECIMALS = 9
"""Areas in km2 are rounded to this many decimals: a table of thousands of rows still adds up to its total."""

Dimension = Literal["hazard", "factor", "exposure", "vulnerability", "capacity"]


@dataclass(frozen=True)
class Column:
    """One raw column of the table of units: what it says, in which unit, from where, how old.

    `updated_utc` is the newest change of its source; `to_confirm` marks numbers that rest on
    parameters still to be confirmed (待核对).
    """

    name: str
    label: Text
    unit: str
    dimension: Dimension
    source: str
    updated_utc: str | None = None
    to_confirm: bool = False


@dataclass(frozen=True)
class InputRecord:
    """One input of the run with the hash of its content."""

    name: str
    hash: str
    source: str
    rows: int
    updated_utc: str | None


@dataclass(frozen=True)
class ZoningRun:
    """A finished run.

    units : one row a unit: unit_id, cell (number on `grid`, -1 for areas), name, street, lon, lat, area_m2,
        persons, every raw column (h_HAZARD, f_HAZARD_factor, i_indicator), native_HAZARD (its own class),
        hazard5_HAZARD (that class among the common five),
        exposure, vulnerability, capacity, risk_HAZARD, level_HAZARD, index, level_index, level_computed,
        level (after corrections), dominant (hazard id, '' without data), corrected, reason, stability,
        stability_weights, stability_classification, stability_size, fragile, what the decision table reads beside
        the level (capacity_grade, danger_persons, deep_spots_per_km2, key_facilities), prevention (0..4)
    areas : outlines of villages or streets in the metric CRS with unit_id; None for a grid
    levels : parts of the map in the metric CRS: level, fragile, corrected, area_km2
    zones : zone_id, name, street, level, dominant, prevention, area_km2, persons, fragile_share, measures
    prevention : prevention class, street, area_km2, persons, measures
    single : hazard, level (common five), native (name of its own class), area_km2
    streets : street, units, area_km2, persons, index_area and level_area (weighted by area), index_persons and
        level_persons (weighted by persons), high_share (share of the area at level 4 or 5), highest_level,
        highest_unit, dominant, persons_0 .. persons_5 (by level), capacity_score, capacity_grade (1 weak .. 5
        strong, 0 none), prevention (the highest that covers a tenth of the street)
    exposed : one row a level (5 .. 0): level, units, area_km2, persons, enterprises, shelters, teams, depots
    inside : kind (shelters, teams, depots), id, name, street, level, reason (high_zone or major_hazard), near (name
        of the enterprise), distance_m (to the edge of the zone from within, or to the enterprise), lon, lat
    """

    id: str
    scheme: Scheme
    model: ZoningModel
    epsg: int
    grid: Grid | None
    columns: tuple[Column, ...]
    units: pd.DataFrame
    areas: gpd.GeoDataFrame | None
    levels: gpd.GeoDataFrame
    zones: gpd.GeoDataFrame
    prevention: gpd.GeoDataFrame
    single: gpd.GeoDataFrame
    streets: pd.DataFrame
    exposed: pd.DataFrame
    inside: pd.DataFrame
    inputs: tuple[InputRecord, ...]
    parameter_version: str
    parameter_hash: str
    parameters: tuple[Mapping[str, Any], ...]
    code_version: str
    demo: bool
    notices: tuple[Text, ...]
    statistics: Mapping[str, Any] = field(default_factory=dict)
    native_names: Mapping[str, Mapping[int, str]] = field(default_factory=dict)  # hazard -> own class -> name

    @property
    def hazard_titles(self) -> dict[str, Text]:
        """Hazard id -> title, in the order of the scheme."""
        return {hazard.id: hazard.title for hazard in self.scheme.hazards}

    @property
    def persons(self) -> int:
        """Persons in all units."""
        return int(self.units["persons"].sum())


_FRAMES = ("units", "areas", "levels", "zones", "prevention", "single", "streets", "exposed", "inside")


def save(run: ZoningRun, folder: Path) -> Path:
    """Write a run into a folder of its own under `folder`; whole or not at all. Returns that folder."""
    target = folder / run.id
    if target.exists():  # the same id holds the same bytes, and a folder appears only when it is whole
        return target
    folder.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f".{run.id}.", dir=folder))
    try:
        for name in _FRAMES:
            frame = getattr(run, name)
            if frame is not None:
                frame.to_parquet(part / f"{name}.parquet")
        (part / "run.json").write_text(
            json.dumps(_about(run), ensure_ascii=False, indent=1, sort_keys=True, allow_nan=False), encoding="utf-8"
        )
        if target.exists():  # another process was quicker
            shutil.rmtree(part)
        else:
            os.replace(part, target)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    return target


def load(folder: Path) -> ZoningRun:
    """A run that was saved; NotFound where there is none."""
    about = folder / "run.json"
    if not about.is_file():
        raise NotFound(f"there is no zoning run '{folder.name}'")
    data = json.loads(about.read_text(encoding="utf-8"))
    frames: dict[str, Any] = {}
    for name in _FRAMES:
        path = folder / f"{name}.parquet"
        if not path.is_file():
            frames[name] = None
        elif name in ("units", "streets", "exposed", "inside"):
            frames[name] = pd.read_parquet(path)
        else:
            frames[name] = gpd.read_parquet(path)
    return ZoningRun(
        id=data["id"],
        scheme=parse_scheme(data["scheme"]),
        model=_model(data["model"]),
        epsg=data["epsg"],
        grid=Grid(**data["grid"]) if data["grid"] else None,
        columns=tuple(Column(**{**column, "label": Text(**column["label"])}) for column in data["columns"]),
        inputs=tuple(InputRecord(**record) for record in data["inputs"]),
        parameter_version=data["parameter_version"],
        parameter_hash=data["parameter_hash"],
        parameters=tuple(data["parameters"]),
        code_version=data["code_version"],
        demo=data["demo"],
        notices=tuple(Text(**notice) for notice in data["notices"]),
        statistics=data["statistics"],
        native_names={
            hazard: {int(key): name for key, name in names.items()} for hazard, names in data["native_names"].items()
        },
        **frames,
    )


def _about(run: ZoningRun) -> dict[str, Any]:
    return {
        "id": run.id,
        "scheme": run.scheme.text,
        "model": _plain(asdict(run.model)),
        "epsg": run.epsg,
        "grid": None if run.grid is None else _plain(asdict(run.grid)),
        "columns": [asdict(column) for column in run.columns],
        "inputs": [asdict(record) for record in run.inputs],
        "parameter_version": run.parameter_version,
        "parameter_hash": run.parameter_hash,
        "parameters": [dict(row) for row in run.parameters],
        "code_version": run.code_version,
        "demo": run.demo,
        "notices": [asdict(notice) for notice in run.notices],
        "statistics": _plain(dict(run.statistics)),
        "native_names": _plain(dict(run.native_names)),
    }


def _plain(value: Any) -> Any:
    """JSON's own types: numpy scalars become Python's, tuples lists, NaN null."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value


def _breaks(data: Mapping[str, Any] | None) -> Breaks | None:
    return None if data is None else Breaks(**{**data, "lower": tuple(data["lower"])})


def _term(data: Mapping[str, Any]) -> Term:
    scale = data["scale"]
    return Term(**{**data, "scale": None if scale is None else Scale(tuple(scale["x"]), tuple(scale["y"]))})


def _model(data: Mapping[str, Any]) -> ZoningModel:
    return ZoningModel(
        **{
            **data,
            "hazards": tuple(HazardTerm(**{**h, "breaks": _breaks(h["breaks"])}) for h in data["hazards"]),
            **{name: tuple(map(_term, data[name])) for name in ("exposure", "vulnerability", "capacity")},
            "exponents": tuple(data["exponents"]),
            "hot": None if data["hot"] is None else tuple(data["hot"]),
            "breaks": _breaks(data["breaks"]),
        }
    )
