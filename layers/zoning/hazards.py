"""Hazard maps on the analysis grid: modules on the district's data, rasters, vectors, points, formulas.

Each gives an index 0..1, its own classes and how these map to the common five levels, and the
factors behind them for the table of proof.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.errors import InputError
from geo.grid import area_shares
from geo.hazards import highest_by_share, impact_share, kernel_density
from layers.layer import Text
from layers.zoning.inputs import Inputs
from layers.zoning.result import Column
from layers.zoning.scheme import HazardSpec, formula_value, require_formula

Floats = NDArray[np.float64]

FIVE: dict[int, Text] = {
    1: Text("低", "low"),
    2: Text("较低", "rather low"),
    3: Text("中", "middle"),
    4: Text("较高", "rather high"),
    5: Text("高", "high"),
}
"""Names of the common five classes of a hazard."""

MOMENTARY = ("fire",)
"""Modules that read the response of the teams on duty."""

SAME: dict[int, int] = {k: k for k in range(1, 6)}
"""Own classes that are the common five already."""


@dataclass(frozen=True)
class HazardMap:
    """One hazard on the grid.

    index : (rows, cols) 0..1, NaN without data
    native : (rows, cols) own classes, 0 without data; `native_names` and `level5` say what they are
    """

    index: Floats
    native: NDArray[np.int8]
    native_names: Mapping[int, Text]
    level5: Mapping[int, int]
    column: Column
    factors: Sequence[Any] = field(default_factory=tuple)

    def five(self, native: NDArray[Any]) -> NDArray[np.int8]:
        """The common five classes of own classes, 0 without data."""
        table = np.zeros(max(int(np.max(native, initial=0)), *self.level5) + 1, dtype=np.int8)
        for own, level in self.level5.items():
            table[own] = level
        return np.asarray(table[np.asarray(native, dtype=np.int64)], dtype=np.int8)


def hazard_map(inputs: Inputs, spec: HazardSpec, before: Mapping[str, HazardMap]) -> HazardMap:
    """The map of one hazard of a scheme; a formula may name the hazards `before` it."""
    if spec.kind == "module":
        return module_map(inputs, spec.source)
    if spec.kind == "formula":
        values, unit, source, age = _from_formula(inputs, spec, before)
    else:
        make = {"raster": _from_raster, "vector": _from_vector, "points": _from_points}[spec.kind]
        values, unit, source, age = make(inputs, spec)
    label = Text(f"{spec.title.zh}指数", f"{spec.title.en} index")
    return five_equal(values, Column(spec.id, label, unit, "hazard", source, age))


def module_map(inputs: Inputs, name: str) -> HazardMap:
    """The map of a module, kept until its data change; for what follows the moment, until that changes."""
    from layers.zoning.indicators import moment_key
    from layers.zoning.modules import MODULE_FUNCTIONS

    moment = moment_key(inputs) if name in MOMENTARY else None
    return inputs.kept(("module", name, moment), lambda: MODULE_FUNCTIONS[name](inputs))


def five_equal(index: Floats, column: Column, factors: Sequence[Any] = ()) -> HazardMap:
    """A hazard whose own classes are fifths of its index (lower bounds 0.2, 0.4, 0.6, 0.8 belong to the upper)."""
    if ((index < 0) | (index > 1)).any():
        low, high = float(np.nanmin(index)), float(np.nanmax(index))
        raise InputError(
            f"{column.name}: its index runs from {low:g} to {high:g}; give low and high that map to 0 and 1"
        )
    return HazardMap(index, fifths(index), FIVE, SAME, column, factors)


def fifths(index: Floats) -> NDArray[np.int8]:
    """The fifth of 0..1 that an index lies in, 1 to 5; 0 without data."""
    native = np.searchsorted([0.2, 0.4, 0.6, 0.8], np.round(index, 9), side="right") + 1
    return np.where(np.isfinite(index), native, 0).astype(np.int8)


def raster_index(values: Any, spec: HazardSpec) -> Any:
    """Values between `low` and `high` of the scheme as 0..1, both ends flat; NumPy or Dask."""
    low, high = float(spec.options.get("low", 0.0)), float(spec.options.get("high", 1.0))
    if not low < high:
        raise InputError(f"hazard '{spec.id}': low={low:g}, high={high:g}: expected low below high")
    scaled = np.clip((values - low) / (high - low), 0.0, 1.0)
    if spec.options.get("absent", "no data") == "zero":
        scaled = np.where(np.isnan(scaled), 0.0, scaled)
    return scaled


def _scaled(values: Floats, spec: HazardSpec) -> Floats:
    return np.asarray(raster_index(values, spec), dtype=np.float64)


_Made = tuple[Floats, str, str, str | None]


def _from_raster(inputs: Inputs, spec: HazardSpec) -> _Made:
    row = inputs.raster_row(spec.source)
    values = inputs.raster_on_grid(spec.source).astype(np.float64)
    return _scaled(values, spec), str(row["unit"]), str(row["source"]), row["updated_utc"]


def _from_vector(inputs: Inputs, spec: HazardSpec) -> _Made:
    """Polygons by exact area share; lines with `buffer_m`. Where none lies: zero if `absent` says so, else no data."""
    frame, shapes = inputs.frame(spec.source), inputs.shapes(spec.source)
    chosen = np.array([shape is not None for shape in shapes], dtype=bool)
    if where := str(spec.options.get("where", "")):
        name, _, value = where.partition("=")
        if name not in frame.columns:
            raise InputError(f"hazard '{spec.id}': where={where}: '{spec.source}' has no column '{name}'")
        chosen &= (frame[name].astype("string") == value).to_numpy(dtype=bool, na_value=False)
    shapes, frame = shapes[chosen], frame[chosen]
    if buffer_m := float(spec.options.get("buffer_m", 0.0)):
        shapes = shapely.buffer(shapes, buffer_m)
    if (shapely.get_dimensions(shapes) < 2).any():
        raise InputError(f"hazard '{spec.id}': '{spec.source}' holds lines or points; give buffer_m")
    values = np.ones(len(frame))
    unit = ""
    if name := str(spec.options.get("field", "")):
        if name not in frame.columns:
            raise InputError(f"hazard '{spec.id}': field={name}: '{spec.source}' has no such column")
        values = pd.to_numeric(frame[name], errors="coerce").to_numpy(dtype=np.float64)
    if spec.options.get("absent", "zero") == "zero":
        index = np.minimum(highest_by_share(shapes, _scaled(values, spec), inputs.grid), 1.0)
    else:
        index = _scaled(area_shares(shapes, inputs.grid).rasterised(values), spec)
    return index, unit, inputs.source(spec.source), inputs.age(spec.source)


def _from_points(inputs: Inputs, spec: HazardSpec) -> _Made:
    frame, xy = inputs.frame(spec.source), inputs.points(spec.source)
    there = np.isfinite(xy).all(axis=1)
    weight = np.ones(len(frame))
    if name := str(spec.options.get("weight", "")):
        if name not in frame.columns:
            raise InputError(f"hazard '{spec.id}': weight={name}: '{spec.source}' has no such column")
        weight = pd.to_numeric(frame[name], errors="coerce").fillna(0).to_numpy(dtype=np.float64)
    if "radius_m" in spec.options:
        values = np.asarray(impact_share(xy[there], float(spec.options["radius_m"]), inputs.grid), dtype=np.float64)
        return _scaled(values, spec), "", inputs.source(spec.source), inputs.age(spec.source)
    bandwidth = float(spec.options["bandwidth_m"])
    values = np.asarray(kernel_density(xy[there], weight[there], bandwidth, inputs.grid), dtype=np.float64)
    if "high" not in spec.options:
        raise InputError(f"hazard '{spec.id}': a kernel needs high, the density per km2 that maps to 1")
    return _scaled(values, spec), "1/km2", inputs.source(spec.source), inputs.age(spec.source)


def _from_formula(inputs: Inputs, spec: HazardSpec, before: Mapping[str, HazardMap]) -> _Made:
    values = formula_on_grid(inputs, spec.source, where=f"hazard '{spec.id}'.formula", hazards=before)
    return values, "", f"formula {spec.source}", None


def formula_on_grid(inputs: Inputs, text: str, *, where: str, hazards: Mapping[str, HazardMap]) -> NDArray[np.float64]:
    """The value of a formula on the analysis grid."""
    names = require_formula(text, where=where)
    values = formula_value(text, formula_scope(inputs, names, where=where, hazards=hazards))
    return np.broadcast_to(np.asarray(values, dtype=np.float64), inputs.grid.shape).copy()


def formula_scope(
    inputs: Inputs, names: Sequence[str], *, where: str, hazards: Mapping[str, HazardMap]
) -> dict[str, Any]:
    """The values of the names in a formula: x, y, hazards, indicators, modules, rasters; in that order."""
    from layers.zoning.indicators import measured
    from layers.zoning.scheme import INDICATORS, MODULES

    inputs.require_one_datum(names, where=where)
    found: dict[str, Any] = {}
    for name in names:
        if name == "x":
            found[name] = np.broadcast_to(inputs.grid.x[None, :], inputs.grid.shape)
        elif name == "y":
            found[name] = np.broadcast_to(inputs.grid.y[:, None], inputs.grid.shape)
        elif name in hazards:
            found[name] = hazards[name].index
        elif name in MODULES:
            found[name] = module_map(inputs, name).index
        elif name in INDICATORS:
            found[name] = measured(inputs, name, "factor").values
        elif inputs.has_raster(name):
            inputs.raster_row(name)
            found[name] = inputs.raster_on_grid(name).astype(np.float64)
        else:
            raise InputError(
                f"{where}: '{name}' is no raster, hazard or indicator; known are x, y, {', '.join(INDICATORS)}"
            )
    return found


ModuleFunction = Callable[[Inputs], HazardMap]
