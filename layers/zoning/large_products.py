"""What a large run leaves: rasters of index, level and each hazard, streets, a report, zones where the grid allows."""

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any

import geopandas as gpd
import jinja2
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from data.exporters import layers_to_gpkg, to_csv
from data.rasters import write_cog
from geo.grid import Raster
from layers.zoning.chunked import LargeZoning
from layers.zoning.columns import Columns
from layers.zoning.indicators import persons_spread
from layers.zoning.inputs import Inputs
from layers.zoning.products import LEVEL_COLOURS
from layers.zoning.report import COLOURS
from layers.zoning.result import LEVEL_TEXTS
from layers.zoning.run import Layout, named_zones
from layers.zoning.scheme import Scheme

ZONE_CELLS = 16_000_000
"""Grids of more cells than this have no polygons: rasters and streets only."""


@dataclass(frozen=True)
class LargeProducts:
    """The files, and the zones: None where the grid has more than `ZONE_CELLS` cells."""

    files: tuple[Path, ...]
    zones: gpd.GeoDataFrame | None


def write_large(
    out: Path,
    inputs: Inputs,
    scheme: Scheme,
    columns: Columns,
    found: LargeZoning,
    streets: pd.DataFrame,
    about: Mapping[str, Any],
) -> LargeProducts:
    """All files, or none: they are made beside the folder and moved there at the end; the same run, the same bytes.

    index.tif; level.tif; for each hazard level_H.tif (by its risk), native_H.tif and hazard5_H.tif (its own classes
    and their place on the common five); streets.csv; run.json; report.html; zones.gpkg where there are zones.
    """
    part = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        tags = {
            "SCHEME": scheme.id,
            "RUN": str(about["id"]),
            "PARAMETERS": str(about["parameter_version"]),
            "DEMO": "yes" if about["demo"] else "no",
        }
        write = partial(_classes_tif, part, found, tags)
        write_cog(part / "index.tif", Raster(found.grid, found.index, "index", ""), tags=tags)
        write("level", found.level)
        for hazard in scheme.hazards:
            write(f"level_{hazard.id}", columns.classes(f"level_{hazard.id}"))
            native, five = columns.native_classes(hazard.id)
            write(f"hazard5_{hazard.id}", five[native])
            own = {k: LEVEL_COLOURS.get(int(level), (0, 0, 0, 0)) for k, level in enumerate(five.tolist())}
            write(f"native_{hazard.id}", native, own)
        zones = zones_of(inputs, scheme, columns, found) if found.grid.cells <= ZONE_CELLS else None
        if zones is not None:
            (part / "zones.gpkg").write_bytes(layers_to_gpkg({"zones": zones}))
        (part / "streets.csv").write_bytes(to_csv(streets, {name: name for name in streets.columns}))
        (part / "report.html").write_text(_report(scheme, found, streets, about, zones), encoding="utf-8")
        (part / "run.json").write_text(
            json.dumps(about, ensure_ascii=False, indent=1, sort_keys=True), encoding="utf-8"
        )
        if out.exists():
            out.rmdir()
        os.replace(part, out)
        out.chmod(0o755)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    return LargeProducts(tuple(sorted(out.iterdir())), zones)


def _classes_tif(
    part: Path,
    found: LargeZoning,
    tags: Mapping[str, str],
    name: str,
    values: NDArray[Any],
    colours: Mapping[int, tuple[int, int, int, int]] = LEVEL_COLOURS,
) -> None:
    raster = Raster(found.grid, values, name, "")
    write_cog(part / f"{name}.tif", raster, colours=colours, tags=tags)


def zones_of(inputs: Inputs, scheme: Scheme, columns: Columns, found: LargeZoning) -> gpd.GeoDataFrame:
    """The zones of the grid by the rules of a run in memory: smoothed, dissolved, cut at streets, small ones joined."""
    assert found.dominant is not None
    own = Inputs(inputs.view.apart(), inputs.parameters, inputs.grid, inputs.at, inputs.records, inputs.notices)
    cells = np.flatnonzero(columns.inside[:])
    units = pd.DataFrame(
        {
            "cell": cells,
            "persons": persons_spread(own).persons.reshape(-1)[cells],
            "fragile": False,
            "prevention": 0,
        }
    )
    level = found.level.reshape(-1)[cells].astype(np.int64)
    dominant = found.dominant.reshape(-1)[cells].astype(np.int64)
    dominant[dominant < 0] = len(scheme.hazards)
    zones = named_zones(own, scheme, Layout(own, units, None), level, dominant)
    zones["level_name"] = [LEVEL_TEXTS[int(k)].zh for k in zones["level"]]
    wanted = ["zone_id", "name", "street", "level", "level_name", "dominant", "area_km2", "persons", "measures"]
    return zones[[*wanted, "geometry"]]


def _report(
    scheme: Scheme, found: LargeZoning, streets: pd.DataFrame, about: Mapping[str, Any], zones: gpd.GeoDataFrame | None
) -> str:
    text = (resources.files("layers.zoning") / "report_large.html.j2").read_text(encoding="utf-8")
    template = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(text)
    counts = np.bincount(found.level.reshape(-1), minlength=6)
    cell_km2 = found.grid.dx * found.grid.dy / 1e6
    levels = [
        {
            "level": k,
            "cells": int(counts[k]),
            "area_km2": counts[k] * cell_km2,
            "persons": int(streets[f"persons_{k}"].sum()),
        }
        for k in range(5, 0, -1)
    ]
    return template.render(
        scheme=scheme,
        about=about,
        grid=found.grid,
        levels=levels,
        nodata=int(streets["persons_0"].sum()),
        streets=streets.to_dict("records"),
        hazards=found.model.hazards,
        titles={hazard.id: hazard.title.zh for hazard in scheme.hazards},
        names={level: text.zh for level, text in LEVEL_TEXTS.items()},
        colours=COLOURS,
        zones=None if zones is None else len(zones),
        zone_cells=ZONE_CELLS,
        lower=", ".join(f"{v:.6f}" for v in found.model.breaks.lower) if found.model.breaks else "-",
    )


def simplified(zones: gpd.GeoDataFrame, *, tolerance_m: float) -> gpd.GeoDataFrame:
    """Zones by street and level with fewer corners; what is shared stays shared, and what is the same is one row."""
    merged = zones.dissolve(["street", "level"], aggfunc={"area_km2": "sum", "persons": "sum"}).reset_index()
    merged["geometry"] = shapely.coverage_simplify(merged.geometry.to_numpy(dtype=object), tolerance_m)
    return merged[~merged.geometry.is_empty].reset_index(drop=True)
