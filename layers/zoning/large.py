"""A scheme on a grid larger than memory: its columns one after the other, then the rating block by block."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
import xarray as xr

from data.parameters import parameters
from geo.errors import Cancelled, InputError
from geo.zoning import Block, Fitted, Mapper, ZoningModel, entropy_of_risks, fit
from layers.code_version import code_version
from layers.district import District
from layers.layer import Text
from layers.zoning.chunked import BLOCK_CELLS, LargeZoning, Progress, zonal_table, zone_large
from layers.zoning.columns import Columns, column_folder
from layers.zoning.indicators import persons_spread
from layers.zoning.inputs import Inputs
from layers.zoning.large_products import LargeProducts, write_large
from layers.zoning.run import analysis_grid, fitted_model, rated_moment
from layers.zoning.scheme import HazardSpec, IndicatorSpec, Scheme

LARGE_CELLS = 8_000_000
"""Grids of more cells than this are rated block by block; there is no table of units then."""

CELL_BYTES = 140
"""What the hungriest source (waterlogging) takes of memory for each cell of the analysis grid while it is computed."""

HEIGHT_BYTES = 150
"""What waterlogging and storm surge take besides for each cell of the raster of heights."""

RATING_BYTES = 40
"""What the rating keeps for each cell: index, level, dominant hazard, shares of the streets, a file being written."""

BLOCK_BYTES = 500
"""What the rating takes for each cell of the blocks that are at work at once."""

FREE_SHARE = 0.8
"""Of the machine's free memory a run may be expected to take at most this share."""

_COLUMNS_SHARE = 0.6  # of the progress bar


@dataclass(frozen=True)
class LargeRun:
    """What a large run wrote: its files, the table of streets, what was found."""

    id: str
    parameter_version: str
    files: tuple[Path, ...]
    streets: pd.DataFrame
    found: LargeZoning
    products: LargeProducts


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
    """Rate every cell of the district's grid and write the products of `layers.zoning.large_products` into `out`.

    The scheme is any with cells as units. InputError where a step would not fit into memory, or on the disk.
    Nothing is left of a run that did not end.
    """
    if scheme.unit != "grid":
        raise InputError(f"unit.type={scheme.unit}: block by block the units are cells; leave --scheduler out")
    if out.exists() and any(out.iterdir()):
        raise InputError(f"out={out.name}: the folder is not empty; give a new one")
    tell, stop = progress or (lambda phase, share: None), cancelled or (lambda: False)

    def told(phase: str, share: float) -> None:
        if stop():
            raise Cancelled("the zoning run was cancelled; nothing was kept")
        tell(phase, _COLUMNS_SHARE * share)

    moment = rated_moment(district, scheme, at)
    set_ = parameters(scheme.parameters or None, on=moment.date(), store=district.store)
    inputs = Inputs(district.view().apart(), set_, analysis_grid(district, scheme), moment)
    require_room(inputs, scheme, out.parent)
    notices: list[Text] = []
    with column_folder(out) as folder:
        columns = Columns(inputs, scheme, folder, band_rows=max(BLOCK_CELLS // inputs.grid.cols, 1), told=told)
        arrays = columns.dataset()
        dataset = xr.Dataset({name: (("y", "x"), values) for name, values in arrays.items()})

        def fitter(blocks: Sequence[Block], mapper: Mapper, binned: bool) -> Fitted:
            fitted, _, said = fitted_model(
                inputs,
                scheme,
                partial(fit, blocks, binned=binned, mapper=mapper),
                partial(entropy_of_risks, blocks, mapper=mapper),
            )
            notices.extend(said)
            return fitted

        found = zone_large(
            dataset,
            None,
            inputs.grid,
            scheduler=scheduler,
            progress=lambda phase, share: tell(phase, _COLUMNS_SHARE + (1 - _COLUMNS_SHARE) * share),
            cancelled=cancelled,
            fitter=fitter,
            levels=[columns.writable(f"level_{hazard.id}") for hazard in scheme.hazards],
        )
        corrections = _corrected(inputs, scheme, columns, found)
        streets = streets_table(inputs, found)
        about = _about(inputs, scheme, found, notices, corrections)
        tell("zones and files", 1.0)
        products = write_large(out, inputs, scheme, columns, found, streets, about)
    return LargeRun(str(about["id"]), set_.version, products.files, streets, found, products)


def _corrected(inputs: Inputs, scheme: Scheme, columns: Columns, found: LargeZoning) -> list[dict[str, Any]]:
    """Levels by hand, written into the grid; with the computed level and the reason for the record."""
    table = inputs.frame("zoning_correction")
    grid = inputs.grid
    kept = []
    for row in table[table["scheme"] == scheme.id].to_dict("records"):
        size, _, place = str(row["unit"]).partition("m-")
        east, _, north = place.partition("-")
        column = int(east) - round(grid.left / grid.dx) if east.isdigit() else -1
        line = round(grid.top / grid.dy) - int(north) - 1 if north.isdigit() else -1
        there = size == f"{grid.dx:g}" and 0 <= line < grid.rows and 0 <= column < grid.cols
        if not there or not columns.inside[line, column]:
            inputs.notice(
                f"单元 {row['unit']} 的修正未采用: 本次运行没有这个单元",
                f"correction of unit '{row['unit']}': there is no such unit in this run; it was not applied",
            )
            continue
        reason = f"{row['reason']} ({row['author']}, {row['decided_on']})"
        kept.append(
            {
                "unit": row["unit"],
                "computed": int(found.level[line, column]),
                "level": int(row["level"]),
                "reason": reason,
            }
        )
        found.level[line, column] = int(row["level"])
    return kept


def streets_table(inputs: Inputs, found: LargeZoning) -> pd.DataFrame:
    """Per street the mean index and the share of each level by exact area, and its residents by level."""
    table = zonal_table(found, inputs.street_shares, inputs.streets["name"].astype(str).tolist())
    own = Inputs(inputs.view.apart(), inputs.parameters, inputs.grid, inputs.at, inputs.records, inputs.notices)
    spread = persons_spread(own)
    street = own.villages["street"].to_numpy(dtype=object)[spread.polygon]
    names = own.streets["name"].to_numpy(dtype=object)
    known = np.isin(street.astype(str), names.astype(str))
    nearest = own.street_of_cell.reshape(-1)[spread.cell]
    street = np.where(known, street, np.append(names, "")[nearest])
    level = found.level.reshape(-1)[spread.cell]
    live = pd.DataFrame({"zone": street, "level": level, "persons": spread.part})
    counted = live.pivot_table(index="zone", columns="level", values="persons", aggfunc="sum", fill_value=0)
    counted = counted.reindex(index=table["zone"], columns=range(6), fill_value=0)
    table["persons"] = counted.sum(axis=1).to_numpy(dtype=np.int64)
    for k in range(6):
        table[f"persons_{k}"] = counted[k].to_numpy(dtype=np.int64)
    return table


def require_room(inputs: Inputs, scheme: Scheme, home: Path) -> None:
    """InputError where the hungriest column is not expected to fit into memory, or the files on the disk."""
    grid = inputs.grid
    specs: list[HazardSpec | IndicatorSpec] = [
        *scheme.hazards,
        *scheme.exposure,
        *scheme.vulnerability,
        *scheme.capacity,
    ]
    whole = [spec.source for spec in scheme.hazards if spec.kind not in ("raster", "formula")]
    need = min(grid.cells, 2 * BLOCK_CELLS) * BLOCK_BYTES + grid.cells * RATING_BYTES
    alone = grid.cells * (CELL_BYTES if any(spec.kind not in ("raster", "formula") for spec in specs) else 0)
    heights = {"waterlogging", "storm_surge"} & {spec.source for spec in specs if spec.kind == "module"}
    if heights and inputs.has_raster("dem"):
        row = inputs.raster_row("dem")
        alone += int(row["rows"]) * int(row["cols"]) * HEIGHT_BYTES
    need = max(need, alone)
    free = psutil.virtual_memory().available
    if need > FREE_SHARE * free:
        named = ", ".join(whole[:3]) or "the grid"
        raise InputError(
            f"unit.size_m={scheme.size_m:g}: {grid.cells:,} cells need about {need / 1e9:.1f} GB of memory at once "
            f"({named}), and of {free / 1e9:.1f} GB that are free a run takes at most {FREE_SHARE:.0%}; take larger "
            'cells, import these hazards as rasters (raster = "CODE"), or a machine with more memory'
        )
    home.mkdir(parents=True, exist_ok=True)
    room = psutil.disk_usage(str(home)).free
    files = grid.cells * (8 * len(specs) + 2 * len(scheme.hazards) + 8)
    if files > room:
        raise InputError(
            f"out={home.name}: the columns of {grid.cells:,} cells take up to {files / 1e9:.1f} GB on the disk for a "
            f"while and {room / 1e9:.1f} GB are free; give a folder with more room"
        )


def _about(
    inputs: Inputs, scheme: Scheme, found: LargeZoning, notices: Sequence[Text], corrections: Sequence[Any]
) -> dict[str, Any]:
    model: ZoningModel = found.model
    said = list(dict.fromkeys([*inputs.notices, *notices]))
    about: dict[str, Any] = {
        "scheme": scheme.text,
        "title": scheme.title.zh,
        "parameter_version": inputs.parameters.version,
        "parameter_hash": inputs.parameters.hash,
        "code_version": code_version(),
        "inputs": {name: record.hash for name, record in sorted(inputs.records.items())},
        "demo": inputs.view.district.demo,
        "grid": repr(inputs.grid),
        "breaks": list(model.breaks.lower) if model.breaks else [],
        "breaks_error_bound": model.breaks.error_bound if model.breaks else 0.0,
        "weights": {h.id: h.weight for h in model.hazards},
        "units": found.units,
        "corrections": list(corrections),
        "notices": [notice.en for notice in said],
        "notices_zh": [notice.zh for notice in said],
    }
    about["id"] = hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:16]
    return about
