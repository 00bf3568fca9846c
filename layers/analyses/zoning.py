"""The newest zoning runs as layers of the map."""

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo.crs import to_lonlat
from layers.district import View
from layers.zoning.result import LEVEL_TEXTS, PREVENTION_TEXTS, ZoningRun
from layers.zoning.runs import RunRecord, folder, large_zones, loaded, newest

_COLUMNS = {
    "levels": ["level", "level_name", "fragile", "corrected", "area_km2"],
    "zones": ["zone_id", "name", "street", "level", "dominant", "prevention", "area_km2", "persons", "fragile_share"],
    "prevention": ["prevention", "street", "dominant", "area_km2", "persons", "measures"],
    "hazard": ["hazard", "native", "level", "area_km2"],
    "streets": [
        "name",
        "persons",
        "level_persons",
        "level_area",
        "high_share",
        "highest_level",
        "dominant",
        "capacity_grade",
        "prevention",
        "fragile_share",
    ],
    "combined": ["level", "natural", "accident", "area_km2"],
    "large": ["street", "level", "area_km2", "persons", "cell_m"],
}


def _frame(part: str, table: pd.DataFrame, shapes: Any, epsg: int, made_utc: str) -> gpd.GeoDataFrame:
    """Rows with their outlines in WGS 84 and the moment of the run."""
    lonlat = shapely.transform(np.asarray(shapes, dtype=object), lambda xy: to_lonlat(xy, epsg=epsg))
    found = gpd.GeoDataFrame(table[_COLUMNS[part]].reset_index(drop=True), geometry=list(lonlat), crs=4326)
    found["updated_utc"] = made_utc
    return found


def _said(frame: gpd.GeoDataFrame, *records: RunRecord) -> gpd.GeoDataFrame:
    """The frame with its runs and parameter versions as its source."""
    frame.attrs["source"] = ", ".join(f"运行 {r.run[:8]} (参数 {r.parameter_version})" for r in records)
    return frame


def _empty(part: str) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({name: [] for name in [*_COLUMNS[part], "updated_utc"]}, geometry=[], crs=4326)


@lru_cache(maxsize=64)
def _part(path: Path, made_utc: str, part: str, hazard: str) -> gpd.GeoDataFrame:
    """One part of a saved run as a frame."""
    run = loaded(path)
    table, shapes = _hazard(hazard, run) if part == "hazard" else _PARTS[part](run)
    return _frame(part, table, shapes, run.epsg, made_utc)


def _read(view: View, scheme: str, part: str, hazard: str = "") -> gpd.GeoDataFrame:
    """A part of the newest run of a scheme."""
    record = newest(view.district, scheme)
    if record is None:
        return _empty(part)
    return _said(_part(folder(view.district) / record.run, record.made_utc, part, hazard), record)


def _titles(run: ZoningRun, values: pd.Series) -> list[str]:
    titles = run.hazard_titles
    return [titles[name].zh if name in titles else "" for name in values]


def _levels(run: ZoningRun) -> tuple[pd.DataFrame, Any]:
    names = [LEVEL_TEXTS[int(level)].zh for level in run.levels["level"]]
    return run.levels.assign(level_name=names), run.levels.geometry


def _zones(run: ZoningRun) -> tuple[pd.DataFrame, Any]:
    zones = run.zones
    prevention = [PREVENTION_TEXTS[int(k)].zh for k in zones["prevention"]]
    return zones.assign(dominant=_titles(run, zones["dominant"]), prevention=prevention), zones.geometry


def _prevention(run: ZoningRun) -> tuple[pd.DataFrame, Any]:
    classes = run.prevention
    return classes.assign(dominant=_titles(run, classes["dominant"])), classes.geometry


def _hazard(hazard: str, run: ZoningRun) -> tuple[pd.DataFrame, Any]:
    single = run.single[run.single["hazard"] == hazard]
    return single, single.geometry


_PARTS = {"levels": _levels, "zones": _zones, "prevention": _prevention}


def levels_layer(view: View, *, at: datetime, scheme: str) -> gpd.GeoDataFrame:
    """The five levels of a scheme, fragile and corrected parts told apart."""
    return _read(view, scheme, "levels")


def zones_layer(view: View, *, at: datetime, scheme: str) -> gpd.GeoDataFrame:
    """The named zones of a scheme."""
    return _read(view, scheme, "zones")


def prevention_layer(view: View, *, at: datetime, scheme: str) -> gpd.GeoDataFrame:
    """The prevention areas of a scheme."""
    return _read(view, scheme, "prevention")


def hazard_layer(view: View, *, at: datetime, scheme: str, hazard: str) -> gpd.GeoDataFrame:
    """One hazard by its own classes and the common five."""
    return _read(view, scheme, "hazard", hazard)


def streets_risk_layer(view: View, *, at: datetime, scheme: str) -> gpd.GeoDataFrame:
    """The streets with their levels."""
    record = newest(view.district, scheme)
    if record is None:
        return _empty("streets")
    run = loaded(folder(view.district) / record.run)
    outlines = view.frame("street").set_index("name").geometry
    table = run.streets[run.streets["street"].isin(outlines.index)]
    named = table.rename(columns={"street": "name"}).assign(dominant=_titles(run, table["dominant"]))
    found = gpd.GeoDataFrame(
        named[_COLUMNS["streets"]].reset_index(drop=True), geometry=outlines.loc[table["street"]].to_numpy(), crs=4326
    )
    found["updated_utc"] = record.made_utc
    return _said(found, record)


@lru_cache(maxsize=4)
def _combined(natural: Path, accident: Path, made_utc: str) -> gpd.GeoDataFrame:
    runs = [loaded(natural), loaded(accident)]
    parts = [run.levels[["level", "geometry"]].dissolve("level").reset_index() for run in runs]
    both = gpd.overlay(parts[0], parts[1], how="intersection", keep_geom_type=True)
    either = np.minimum(both["level_1"], both["level_2"]) == 0
    both["level"] = np.where(either, 0, np.maximum(both["level_1"], both["level_2"]))
    both = both.rename(columns={"level_1": "natural", "level_2": "accident"})
    both["area_km2"] = np.round(both.geometry.area / 1e6, 6)
    return _frame("combined", pd.DataFrame(both.drop(columns="geometry")), both.geometry, runs[0].epsg, made_utc)


def combined_layer(view: View, *, at: datetime) -> gpd.GeoDataFrame:
    """The higher of the two levels at each place, of the newest runs; no data where one of them has none."""
    found = [newest(view.district, scheme) for scheme in SCHEME_HAZARDS]
    if found[0] is None or found[1] is None:
        return _empty("combined")
    home = folder(view.district)
    drawn = _combined(home / found[0].run, home / found[1].run, min(found[0].made_utc, found[1].made_utc))
    return _said(drawn, found[0], found[1])


def large_layer(view: View, *, at: datetime, kind: str) -> gpd.GeoDataFrame:
    """The zones of the newest run of a kind that was rated block by block, by street and level, simplified."""
    found = large_zones(view.district, kind)
    if found is None:
        return _empty("large")
    zones, about = found
    frame = _frame("large", zones, zones.geometry, about["epsg"], about["made_utc"])
    frame.attrs["source"] = f"运行 {about['run'][:8]} (参数 {about['parameter_version']})"
    return frame


SCHEME_HAZARDS: dict[str, tuple[str, ...]] = {
    "natural": ("waterlogging", "typhoon", "storm_surge", "convection", "earthquake", "geological"),
    "accident": ("major_hazard", "enterprise_risk", "fire"),
}
"""The hazards of the shipped schemes, each a layer of its own."""

ZONING_FUNCTIONS: dict[str, Callable[..., gpd.GeoDataFrame]] = {
    "zoning_combined": combined_layer,
    **{f"zones_large_{kind}": partial(large_layer, kind=kind) for kind in SCHEME_HAZARDS},
    **{
        f"{part}_{scheme}": partial(function, scheme=scheme)
        for scheme in SCHEME_HAZARDS
        for part, function in (
            ("zoning", levels_layer),
            ("zones", zones_layer),
            ("prevention", prevention_layer),
            ("streets_risk", streets_risk_layer),
        )
    },
    **{
        f"hazard_{hazard}": partial(hazard_layer, scheme=scheme, hazard=hazard)
        for scheme, hazards in SCHEME_HAZARDS.items()
        for hazard in hazards
    },
}
"""The functions that the zoning layers name."""
