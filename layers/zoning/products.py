"""The products of a run as files: tables, GeoPackage, rasters, report; all of them or none."""

import csv
import io
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from data.exporters import layers_to_gpkg, to_csv
from data.rasters import write_cog
from geo.errors import Cancelled, InputError, NotFound, Unavailable
from geo.grid import Raster
from layers.zoning.report import report_html
from layers.zoning.result import LEVEL_TEXTS, PREVENTION_TEXTS, ZoningRun

MAX_CELL_POLYGONS = 100_000
"""Above that many units the GeoPackage holds their centres instead of their outlines."""

LEVEL_COLOURS = {
    5: (177, 9, 9, 255),
    4: (221, 83, 30, 255),
    3: (236, 152, 0, 255),
    2: (254, 217, 99, 255),
    1: (151, 232, 173, 255),
}
"""Official colours of the five levels (parameter `level.colour`)."""

Progress = Callable[[str, float], None]


def write_products(
    run: ZoningRun,
    folder: Path,
    *,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> list[Path]:
    """Write every product into `folder`, which must not hold anything yet; the same run gives the same bytes."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"out={folder.name}: the folder is not empty; give a new one")
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        part = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    except OSError as error:
        raise Unavailable(f"out={folder.name}: the folder cannot be made ({error.strerror})") from error
    try:
        makers = list(_makers(run))
        for number, (name, make) in enumerate(makers):
            if cancelled is not None and cancelled():
                raise Cancelled("writing the products was cancelled; nothing was kept")
            if progress is not None:
                progress(name, number / len(makers))
            make(part / name)
        if folder.exists():
            folder.rmdir()
        os.replace(part, folder)
        folder.chmod(0o755)
    except OSError as error:
        shutil.rmtree(part, ignore_errors=True)
        raise Unavailable(
            f"out={folder.name}: the products could not be written ({error.strerror}); nothing was kept"
        ) from error
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    return sorted(folder.iterdir())


def _makers(run: ZoningRun) -> Iterator[tuple[str, Callable[[Path], Any]]]:
    yield "units.csv", lambda path: path.write_bytes(units_csv(run))
    yield "model.csv", lambda path: path.write_bytes(model_csv(run))
    yield "streets.csv", lambda path: path.write_bytes(to_csv(run.streets, {c: c for c in run.streets.columns}))
    yield "exposed.csv", lambda path: path.write_bytes(to_csv(run.exposed, {c: c for c in run.exposed.columns}))
    yield "inside.csv", lambda path: path.write_bytes(to_csv(run.inside, {c: c for c in run.inside.columns}))
    yield "zoning.gpkg", lambda path: path.write_bytes(layers_to_gpkg(gpkg_layers(run)))
    if run.grid is not None:
        ids = [hazard.id for hazard in run.scheme.hazards]
        for name in ("level", *(f"level_{id_}" for id_ in ids), *(f"hazard5_{id_}" for id_ in ids)):
            yield f"{name}.tif", partial(_level_tif, run, name)
        for id_ in ids:
            yield f"native_{id_}.tif", partial(_native_tif, run, id_)
        for name, unit in (("index", ""), ("persons", "人"), ("stability", "")):
            yield f"{name}.tif", partial(_value_tif, run, name, unit)
    yield "report.html", lambda path: path.write_text(report_html(run), encoding="utf-8")


CELL_RASTERS = ("level.tif", "index.tif", "persons.tif", "stability.tif")
"""The rasters of a run by cells that are handed out one by one; a folder of products holds more."""


def cell_raster(run: ZoningRun, name: str) -> bytes:
    """One of `CELL_RASTERS` as a cloud-optimised GeoTIFF; NotFound where the units are no cells."""
    if run.grid is None:
        raise NotFound(f"{name}: the units of this run are areas, not cells; take zoning.gpkg")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        dict(_makers(run))[name](path)
        return path.read_bytes()


def units_csv(run: ZoningRun) -> bytes:
    """Every raw column and every result of every unit, at full precision."""
    return to_csv(run.units, {name: name for name in run.units.columns})


def model_csv(run: ZoningRun) -> bytes:
    """Every number of the model, one a row: with units.csv it recomputes every level and prevention class.

    Columns: part (setting, hazard, exposure, vulnerability, capacity, index, prevention, stability), name, key, number,
    value.
    """
    model = run.model
    rows: list[tuple[str, str, str, int, Any]] = [
        ("setting", "method", "", 0, model.method),
        ("setting", "score", "", 0, model.score),
        ("setting", "capacity_factor", "", 0, model.capacity_factor),
        *(("setting", "exponent", name, 0, v) for name, v in zip("HEV", model.exponents, strict=True)),
        ("setting", "hot_single", "", 0, model.hot[0] if model.hot else 0),
        ("setting", "hot_least", "", 0, model.hot[1] if model.hot else 0),
        ("setting", "parameter_version", "", 0, run.parameter_version),
        ("setting", "run", "", 0, run.id),
    ]
    for hazard in model.hazards:
        rows += [("hazard", hazard.id, "column", 0, hazard.column), ("hazard", hazard.id, "weight", 0, hazard.weight)]
        rows += [
            ("hazard", hazard.id, "lower", k, v)
            for k, v in enumerate(hazard.breaks.lower if hazard.breaks else (), start=2)
        ]
    for part in ("exposure", "vulnerability", "capacity"):
        for term in getattr(model, part):
            rows += [
                (part, term.column, "weight", 0, term.weight),
                (part, term.column, "cost", 0, int(term.cost)),
            ]
            assert term.scale is not None
            rows += [(part, term.column, "x", k, v) for k, v in enumerate(term.scale.x)]
            rows += [(part, term.column, "y", k, v) for k, v in enumerate(term.scale.y)]
    rows += [
        (part, code, "", 0, row["value"])
        for row in run.parameters
        for part, _, code in [str(row["code"]).partition(".")]
        if part in ("prevention", "stability")
    ]
    rows += [("index", "", "lower", k, v) for k, v in enumerate(model.breaks.lower if model.breaks else (), start=2)]
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow(["part", "name", "key", "number", "value"])
    writer.writerows(rows)
    return stream.getvalue().encode("utf-8-sig")


def unit_outlines(run: ZoningRun) -> gpd.GeoDataFrame:
    """The units with their results and outlines (centres where they are too many), metric CRS."""
    if run.areas is not None:
        shapes = run.areas.geometry.to_numpy(dtype=object)
    else:
        assert run.grid is not None
        cells = run.units["cell"].to_numpy(dtype=np.int64)
        if len(cells) > MAX_CELL_POLYGONS:
            shapes = shapely.points(run.grid.centres(cells))
        else:
            shapes = run.grid.boxes(cells)
    columns = [
        "unit_id",
        "name",
        "street",
        "area_m2",
        "persons",
        *(f"level_{hazard.id}" for hazard in run.scheme.hazards),
        "index",
        "level_computed",
        "level",
        "dominant",
        "corrected",
        "reason",
        "stability",
        "fragile",
        "prevention",
    ]
    return gpd.GeoDataFrame(run.units[columns], geometry=list(shapes), crs=f"EPSG:{run.epsg}")


def gpkg_layers(run: ZoningRun) -> dict[str, gpd.GeoDataFrame]:
    """The layers of the GeoPackage, all in the metric CRS, with level names beside numbers."""
    found = {
        "units": unit_outlines(run),
        "levels": run.levels,
        "zones": run.zones,
        "prevention": run.prevention,
        **{f"hazard_{hazard.id}": run.single[run.single["hazard"] == hazard.id] for hazard in run.scheme.hazards},
    }
    for name, frame in found.items():
        named = frame.copy()
        if "level" in named.columns:
            named["level_name"] = [LEVEL_TEXTS[int(k)].zh for k in named["level"]]
        if "prevention" in named.columns:
            named["prevention_name"] = [PREVENTION_TEXTS[int(k)].zh for k in named["prevention"]]
        found[name] = named
    return found


def _tags(run: ZoningRun) -> dict[str, str]:
    return {
        "SCHEME": run.scheme.id,
        "RUN": run.id,
        "PARAMETERS": run.parameter_version,
        "DEMO": "yes" if run.demo else "no",
    }


def _level_tif(run: ZoningRun, column: str, path: Path) -> None:
    assert run.grid is not None
    values = np.zeros(run.grid.cells, dtype=np.uint8)
    values[run.units["cell"].to_numpy(dtype=np.int64)] = run.units[column].to_numpy(dtype=np.uint8)
    raster = Raster(run.grid, values.reshape(run.grid.shape), column, "")  # type: ignore[arg-type]
    write_cog(path, raster, colours=LEVEL_COLOURS, tags=_tags(run))


def _native_tif(run: ZoningRun, hazard: str, path: Path) -> None:
    """A hazard by its own classes; the tags CLASS_1, CLASS_2 ... name them."""
    assert run.grid is not None
    values = np.zeros(run.grid.cells, dtype=np.uint8)
    values[run.units["cell"].to_numpy(dtype=np.int64)] = run.units[f"native_{hazard}"].to_numpy(dtype=np.uint8)
    raster = Raster(run.grid, values.reshape(run.grid.shape), f"native_{hazard}", "")  # type: ignore[arg-type]
    names = {f"CLASS_{key}": name for key, name in run.native_names[hazard].items() if key > 0}
    five = dict(
        zip(
            run.units[f"native_{hazard}"].tolist(),
            (LEVEL_COLOURS.get(k, (0, 0, 0, 0)) for k in run.units[f"hazard5_{hazard}"].tolist()),
            strict=True,
        )
    )
    write_cog(path, raster, colours=dict(sorted(five.items())), tags={**_tags(run), **names})


def _value_tif(run: ZoningRun, column: str, unit: str, path: Path) -> None:
    assert run.grid is not None
    values = np.full(run.grid.cells, np.nan, dtype=np.float32)
    values[run.units["cell"].to_numpy(dtype=np.int64)] = run.units[column].to_numpy(dtype=np.float32)
    write_cog(path, Raster(run.grid, values.reshape(run.grid.shape), column, unit), tags=_tags(run))
