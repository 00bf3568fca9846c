"""Two runs compared: what moved class, and why."""

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from data.exporters import layers_to_gpkg, to_csv
from geo.errors import InputError
from geo.zones import dissolved, merged_by_key
from geo.zoning import LEVELS, evaluate
from layers.layer import Text
from layers.zoning.result import AREA_DECIMALS, ZoningRun

DATA_CHANGE = 9
"""On the map of differences: there is no level in one of the runs, so that none rose or fell."""


@dataclass(frozen=True)
class Comparison:
    """What differs between two runs of like units.

    moved : units whose level differs: unit_id, street, persons, level_old, level_new, level_frozen (the new indicators
        at the old run's scales and breaks), index_old, index_new, cause (correction, data, coverage, classes or
        weights), part (the hazard whose contribution changed most) and change
    matrix : level_old x level_new in units, km2 and persons
    map : areas by change of level, -4 .. +4, `DATA_CHANGE` where data came or went; metric CRS
    notices : what a reader must know
    """

    old: str
    new: str
    moved: pd.DataFrame
    matrix: pd.DataFrame
    map: gpd.GeoDataFrame
    notices: tuple[Text, ...]

    def files(self) -> dict[str, bytes]:
        """The comparison as files."""
        return {
            "moved.csv": to_csv(self.moved, {name: name for name in self.moved.columns}),
            "matrix.csv": to_csv(self.matrix, {name: name for name in self.matrix.columns}),
            "difference.gpkg": layers_to_gpkg({"difference": self.map}),
        }


def compare(old: ZoningRun, new: ZoningRun) -> Comparison:
    """Compare two runs unit by unit; InputError where their units cannot be the same."""
    if old.scheme.id != new.scheme.id:
        raise InputError(
            f"old is a run of '{old.scheme.id}', new of '{new.scheme.id}': only runs of one scheme compare"
        )
    if (old.scheme.unit, old.scheme.size_m) != (new.scheme.unit, new.scheme.size_m):
        raise InputError(
            f"old has units '{old.scheme.unit}' of {old.scheme.size_m:g} m, new '{new.scheme.unit}' of "
            f"{new.scheme.size_m:g} m: run both on the same units"
        )
    notices: list[Text] = []
    same_hazards = [h.id for h in old.model.hazards] == [h.id for h in new.model.hazards]
    if old.model.breaks != new.model.breaks:
        notices.append(
            Text(
                "分级界限不同: level_frozen 是按旧界限和旧标准化重算的新等级",
                "the class bounds differ: level_frozen is the new run at the bounds and scales of the old one",
            )
        )
    if not same_hazards:
        notices.append(Text("灾种不同: 原因只按综合指数判断", "the hazards differ; causes are told by the index alone"))
    if old.parameter_version != new.parameter_version:
        versions = f"{old.parameter_version} -> {new.parameter_version}"
        notices.append(Text(f"参数版本: {versions}", f"parameters: {versions}"))
    left, right = old.units.set_index("unit_id"), new.units.set_index("unit_id")
    ids = left.index.intersection(right.index)
    if len(ids) == 0:
        raise InputError("the two runs have no unit in common")
    if len(ids) < max(len(left), len(right)):
        gone, come = len(left) - len(ids), len(right) - len(ids)
        notices.append(
            Text(
                f"{gone} 个单元只在旧结果中, {come} 个只在新结果中",
                f"{gone} units are only in the old run, {come} only in the new",
            )
        )
    left, right = left.loc[ids], right.loc[ids]
    frozen = right["level"].to_numpy(dtype=np.int64)
    if same_hazards and set(old.model.columns) <= set(right.columns):
        raw = {name: right[name].to_numpy(dtype=np.float64) for name in old.model.columns}
        frozen = evaluate(raw, old.model)["level"].astype(np.int64)
    before, after = left["level"].to_numpy(dtype=np.int64), right["level"].to_numpy(dtype=np.int64)
    part, added = (
        _largest_change(old, new, left, right) if same_hazards else (np.full(len(ids), ""), np.zeros(len(ids)))
    )
    table = pd.DataFrame(
        {
            "unit_id": ids.to_numpy(dtype=object),
            "street": right["street"].to_numpy(dtype=object),
            "persons": right["persons"].to_numpy(dtype=np.int64),
            "level_old": before,
            "level_new": after,
            "level_frozen": frozen,
            "index_old": left["index"].to_numpy(dtype=np.float64),
            "index_new": right["index"].to_numpy(dtype=np.float64),
            "cause": _causes(old, new, left, right, before, frozen),
            "part": part,
            "change": np.round(added, 9),
        }
    )
    matrix = (
        pd.DataFrame(
            {
                "level_old": before,
                "level_new": after,
                "units": 1,
                "area_km2": right["area_m2"].to_numpy(dtype=np.float64) / 1e6,
                "persons": right["persons"].to_numpy(dtype=np.int64),
            }
        )
        .groupby(["level_old", "level_new"], as_index=False)
        .sum()
    )
    moved = table[table["level_old"] != table["level_new"]].reset_index(drop=True)
    change = np.where((before == 0) != (after == 0), DATA_CHANGE, after - before)
    return Comparison(old.id, new.id, moved, matrix, _difference_map(new, right, change), tuple(notices))


def _contributions(run: ZoningRun, units: pd.DataFrame) -> NDArray[np.float64]:
    """(hazards, units) what each hazard adds to the index."""
    parts = []
    for hazard in run.model.hazards:
        if run.model.method != "sum":
            value = units[hazard.column]
        elif run.model.score == "ordinal":
            value = units[f"level_{hazard.id}"] / LEVELS
        else:
            value = units[f"risk_{hazard.id}"]
        parts.append(hazard.weight * value.to_numpy(dtype=np.float64))
    return np.array(parts)


def _largest_change(
    old: ZoningRun, new: ZoningRun, left: pd.DataFrame, right: pd.DataFrame
) -> tuple[NDArray[Any], NDArray[np.float64]]:
    change = np.nan_to_num(_contributions(new, right) - _contributions(old, left))
    position = np.argmax(np.abs(change), axis=0)
    ids = np.array([hazard.id for hazard in new.model.hazards], dtype=object)
    size = change[position, np.arange(change.shape[1])]
    return np.where(size == 0, "", ids[position]), size


def _causes(
    old: ZoningRun,
    new: ZoningRun,
    left: pd.DataFrame,
    right: pd.DataFrame,
    before: NDArray[np.int64],
    frozen: NDArray[np.int64],
) -> NDArray[Any]:
    """The first that explains a move: correction by hand, data that came or went, the indicators (the level at
    the old bounds and weights moves too), other weights, other class bounds."""
    corrected = left["corrected"].to_numpy(dtype=bool) | right["corrected"].to_numpy(dtype=bool)
    unknown = (left["level"].to_numpy() == 0) != (right["level"].to_numpy() == 0)
    weights = [h.weight for h in old.model.hazards] != [h.weight for h in new.model.hazards]
    rest = "weights" if weights else "classes"
    return np.select([corrected, unknown, frozen != before], ["correction", "coverage", "data"], rest)


def _difference_map(run: ZoningRun, units: pd.DataFrame, change: NDArray[np.int64]) -> gpd.GeoDataFrame:
    if run.areas is None:
        assert run.grid is not None
        keys = np.full(run.grid.cells, -99, dtype=np.int64)
        keys[units["cell"].to_numpy(dtype=np.int64)] = change
        cells = dissolved(keys.reshape(run.grid.shape), run.grid, empty=-99)
        # Cells reach over the district's edge; the map of the levels, which is cut there, says where it is.
        district = shapely.union_all(run.levels.geometry.to_numpy(dtype=object))
        shapely.prepare(district)
        shapes = cells.geometry.to_numpy(dtype=object).copy()
        out = ~shapely.covers(district, shapes)
        shapes[out] = shapely.intersection(shapes[out], district)
        parts, of = shapely.get_parts(shapes, return_index=True)
        keep = (shapely.get_dimensions(parts) == 2) & (shapely.area(parts) > 0)
        found = gpd.GeoDataFrame({"key": cells["key"].to_numpy()[of[keep]]}, geometry=parts[keep], crs=cells.crs)
    else:
        areas = run.areas.set_index("unit_id").loc[units.index]
        found = merged_by_key(
            gpd.GeoDataFrame({"key": change}, geometry=areas.geometry.to_numpy(), crs=areas.crs), ["key"]
        )
    found = found.rename(columns={"key": "change"})
    found["area_km2"] = np.round(found.geometry.area / 1e6, AREA_DECIMALS)
    return found
