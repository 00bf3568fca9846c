"""A scheme on rasters larger than memory: hazards and indicators from rasters and formulas, block by block."""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from data.parameters import parameters
from data.raster_bands import open_on_grid
from data.rasters import write_cog
from geo.classify import fixed_breaks
from geo.errors import InputError
from geo.grid import Raster
from geo.weights import given_weights
from geo.zoning import HazardTerm, ZoningModel
from layers.district import District
from layers.zoning.chunked import BLOCK_CELLS, LargeZoning, Progress, zonal_table, zone_large
from layers.zoning.inputs import Inputs
from layers.zoning.run import analysis_grid, code_version, frozen, judged_weights, judgements, term
from layers.zoning.runs import kept_run
from layers.zoning.scheme import HazardSpec, IndicatorSpec, Scheme, formula_value, require_formula

LARGE_CELLS = 8_000_000
"""Grids of more cells than this are rated block by block; there is no table of units then."""


@dataclass(frozen=True)
class LargeRun:
    """What a large run wrote: files, the table of streets, seconds are the caller's."""

    id: str
    files: tuple[Path, ...]
    streets: pd.DataFrame
    found: LargeZoning


def is_large(district: District, scheme: Scheme) -> bool:
    """Whether the scheme's grid has more cells than are rated in memory."""
    return scheme.unit == "grid" and analysis_grid(district, scheme).cells > LARGE_CELLS


def run_large(
    district: District,
    scheme: Scheme,
    out: Path,
    *,
    at: datetime | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> LargeRun:
    """Rate every cell of the district's grid and write level.tif, index.tif, streets.csv and run.json into `out`.

    Hazards and indicators must be rasters or formulas over rasters; weights given or judged; classes natural
    breaks or fixed. InputError says which field asks for more. Nothing is left of a run that did not end.
    """
    moment = district.local(at)
    set_ = parameters(scheme.parameters or None, on=moment.date(), store=district.store)
    inputs = Inputs(district.view(), set_, analysis_grid(district, scheme), moment)
    dataset = _dataset(inputs, scheme)
    model = _model(inputs, scheme)
    found = zone_large(dataset, model, inputs.grid, scheduler=scheduler, progress=progress, cancelled=cancelled)
    streets = zonal_table(found, inputs.street_shares, inputs.streets["name"].astype(str).tolist())
    about = {
        "scheme": scheme.text,
        "parameter_version": set_.version,
        "parameter_hash": set_.hash,
        "code_version": code_version(),
        "inputs": {name: record.hash for name, record in sorted(inputs.records.items())},
        "grid": repr(inputs.grid),
        "breaks": list(found.model.breaks.lower) if found.model.breaks else [],
        "breaks_error_bound": found.model.breaks.error_bound if found.model.breaks else 0.0,
        "weights": {h.id: h.weight for h in found.model.hazards},
        "units": found.units,
        "notices": [*(notice.en for notice in inputs.notices), *found.notices],
    }
    about["id"] = hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:16]
    files = _write(out, about, found, streets)
    return LargeRun(str(about["id"]), files, streets, found)


def _dataset(inputs: Inputs, scheme: Scheme) -> xr.Dataset:
    """The raw columns as lazy arrays on the grid; NaN outside the district."""
    outside = inputs.street_shares.label < 0
    outside.reshape(-1)[inputs.street_shares.cell] = False
    band = max(BLOCK_CELLS // inputs.grid.cols, 1)
    mask = da.from_array(outside, chunks=(band, inputs.grid.cols))
    columns: dict[str, Any] = {}
    for hazard in scheme.hazards:
        low, high = float(hazard.options.get("low", 0.0)), float(hazard.options.get("high", 1.0))
        values = _lazy(inputs, hazard, f"hazard '{hazard.id}'")
        if hazard.kind == "raster":
            values = da.clip((values - low) / (high - low), 0.0, 1.0)
            if hazard.options.get("absent", "no data") == "zero":
                values = da.where(da.isnan(values), 0.0, values)
        columns[f"h_{hazard.id}"] = values
    for dimension in ("exposure", "vulnerability", "capacity"):
        for spec in getattr(scheme, dimension):
            columns[f"i_{spec.name}"] = _lazy(inputs, spec, f"{dimension} '{spec.name}'")
    return xr.Dataset(
        {name: (("y", "x"), da.where(mask, np.float32(np.nan), v).astype(np.float32)) for name, v in columns.items()}
    )


def _lazy(inputs: Inputs, spec: HazardSpec | IndicatorSpec, where: str) -> Any:
    grid = inputs.grid
    band = max(BLOCK_CELLS // grid.cols, 1)

    def raster(code: str) -> Any:
        inputs.raster_row(code)
        return open_on_grid(inputs.view.district.store, code, grid, band_rows=band)

    if spec.kind == "raster":
        return raster(spec.source)
    if spec.kind != "formula":
        raise InputError(
            f"{where} is a {spec.kind} '{spec.source}': block by block (with --scheduler, and on grids of over "
            f"{LARGE_CELLS:,} cells; here {grid.cells:,}) it must be a raster or a formula over rasters; leave "
            "--scheduler out, take larger cells, or compute it once and import it as a raster"
        )
    values: dict[str, Any] = {}
    names = require_formula(spec.source, where=where)
    inputs.require_one_datum(names, where=where)
    for name in names:
        if name == "x":
            values[name] = da.from_array(grid.x[None, :], chunks=(1, grid.cols))
        elif name == "y":
            values[name] = da.from_array(grid.y[:, None], chunks=(band, 1))
        else:
            values[name] = raster(name)
    found = formula_value(spec.source, values)
    return da.broadcast_to(da.asarray(found), grid.shape).rechunk((band, grid.cols))


def _model(inputs: Inputs, scheme: Scheme) -> ZoningModel:
    if scheme.weights == "given":
        weights: NDArray[np.float64] = _given(inputs, "hazards", "灾种", scheme.values)
    elif scheme.weights == "ahp":
        names = [hazard.id for hazard in scheme.hazards]
        matrix = judgements(inputs.parameters, scheme, names)
        weights = judged_weights(inputs.parameters, matrix, [h.title.zh for h in scheme.hazards]).weights
    else:
        raise InputError(f"weights.method={scheme.weights}: on a grid of this size weights are given or judged (ahp)")
    p = inputs.parameters
    groups: Mapping[str, Any] = {
        name: tuple(
            term(spec, float(w))
            for spec, w in zip(
                getattr(scheme, name), _given(inputs, name, zh, [s.weight for s in getattr(scheme, name)]), strict=True
            )
        )
        if getattr(scheme, name)
        else ()
        for name, zh in (("exposure", "暴露度"), ("vulnerability", "脆弱性"), ("capacity", "减灾能力"))
    }
    model = ZoningModel(
        hazards=tuple(
            HazardTerm(hazard.id, f"h_{hazard.id}", float(w)) for hazard, w in zip(scheme.hazards, weights, strict=True)
        ),
        **groups,
        exponents=(p["risk.exponent.hazard"], p["risk.exponent.exposure"], p["risk.exponent.vulnerability"]),
        capacity_factor=p["risk.capacity_factor"],
        method=scheme.composite,
        score=scheme.score,
        hot=(int(p["risk.hot_rule.single"]), int(p["risk.hot_rule.least"])) if scheme.hot_rule else None,
        classification=scheme.classes,
    )
    if scheme.from_run:
        return frozen(model, kept_run(inputs.view.district, scheme.from_run).model, scheme.from_run)
    if scheme.classes == "fixed":
        bounds = fixed_breaks(scheme.lower)
        model = replace(model, breaks=bounds, hazards=tuple(replace(h, breaks=bounds) for h in model.hazards))
    return model


def _given(inputs: Inputs, name: str, zh: str, values: Sequence[float]) -> NDArray[np.float64]:
    """Given weights; that they were divided by their sum is told."""
    weights, notice = given_weights(values)
    if notice:
        inputs.notice(f"{zh}: 权重之和不为 1, 已按其和归一", f"{name}: {notice}")
    return weights


def _write(out: Path, about: Mapping[str, Any], found: LargeZoning, streets: pd.DataFrame) -> tuple[Path, ...]:
    """All files, or none: they are made beside the folder and moved there at the end."""
    out.parent.mkdir(parents=True, exist_ok=True)
    if out.exists() and any(out.iterdir()):
        raise InputError(f"out={out.name}: the folder is not empty; give a new one")
    part = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        index = Raster(found.grid, found.index, "index", "")
        level = Raster(found.grid, np.where(found.level > 0, found.level, np.nan).astype(np.float32), "level", "")
        write_cog(part / "index.tif", index)
        write_cog(part / "level.tif", level)
        streets.to_csv(part / "streets.csv", index=False, lineterminator="\r\n", encoding="utf-8-sig")
        (part / "run.json").write_text(
            json.dumps(about, ensure_ascii=False, indent=1, sort_keys=True), encoding="utf-8"
        )
        if out.exists():
            out.rmdir()
        os.replace(part, out)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    return tuple(sorted(out.iterdir()))
