"""`onemap bench zoning`: composite, classes and zonal statistics at scale, beside plain NumPy, rasterstats, geopandas.

Every row runs in a process of its own, so that its peak memory is its own; the inputs are made by
a formula, results that should agree are compared before anything is printed.
"""

import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from geo.errors import InputError, Unavailable

PROVINCE_CELLS = 119_000_000
"""30 m cells of a province of 107,000 km2."""

DISTRICT_M = 10.0
LAYERS = 8
ZONES = 100
MIDDLE_CELLS = 16_000_000
AIMS = {"province_s": 60.0, "province_gb": 4.0}


def _dataset(rows: int, cols: int) -> Any:
    """Eight layers of 0..1 as lazy arrays, made by a formula."""
    import dask.array as da
    import xarray as xr

    from layers.zoning.chunked import BLOCK_CELLS

    band = max(BLOCK_CELLS // cols, 1)

    def layer(k: int) -> Any:
        y = da.arange(rows, chunks=band, dtype=np.float32)[:, None]
        x = da.arange(cols, chunks=cols, dtype=np.float32)[None, :]
        # A wave that is not the same anywhere twice, without the cost of a sine.
        wave = x * np.float32(0.00071 * (k + 1)) + y * np.float32(0.00113 * (k + 2))
        wave = wave - da.floor(wave)
        return (wave * wave).astype(np.float32)

    return xr.Dataset({f"h{k}": (("y", "x"), layer(k)) for k in range(LAYERS)})


def _model() -> Any:
    from geo.zoning import HazardTerm, ZoningModel

    weights = np.arange(1, LAYERS + 1) / np.arange(1, LAYERS + 1).sum()
    terms = tuple(HazardTerm(f"h{k}", f"h{k}", float(weights[k])) for k in range(LAYERS))
    return ZoningModel(hazards=terms, exposure=(), score="cardinal")


def _zones(rows: int, cols: int, cell: float) -> Any:
    """A hundred polygons that tile the raster, with slanted borders."""
    import shapely

    box = shapely.box(0, 0, cols * cell, rows * cell)
    points = np.random.default_rng(7).random((ZONES, 2)) * [cols * cell, rows * cell]
    cells = shapely.voronoi_polygons(shapely.MultiPoint(points), extend_to=box)
    return shapely.intersection(np.asarray(cells.geoms, dtype=object), box)


def _sides(cells: int) -> tuple[int, int]:
    side = round(cells**0.5)
    return side, -(-cells // side)


def _grid(rows: int, cols: int, cell: float) -> Any:
    from geo.grid import Grid

    return Grid(4549, 0.0, rows * cell, cell, cell, rows, cols)


# -- one row each; every function returns figures and, where it can be compared, a result ---------------


def district(cells: int, scheduler: str | None) -> dict[str, Any]:
    """The demo-sized district at 10 m: composite, classes, means of 100 zones."""
    return _ours(*_sides(cells), DISTRICT_M, scheduler)


def province(cells: int, scheduler: str | None) -> dict[str, Any]:
    """The province: the same work, blocks never all in memory."""
    return _ours(*_sides(cells), 30.0, scheduler)


def _ours(rows: int, cols: int, cell: float, scheduler: str | None) -> dict[str, Any]:
    from geo.grid import area_shares
    from layers.zoning.chunked import zonal_table, zone_large

    grid = _grid(rows, cols, cell)
    _warm()
    start = time.perf_counter()
    found = zone_large(_dataset(rows, cols), _model(), grid, scheduler=scheduler)
    rated = time.perf_counter()
    shares = area_shares(_zones(rows, cols, cell), grid)
    cut = time.perf_counter()
    table = zonal_table(found, shares, [f"z{k}" for k in range(shares.polygons)])
    end = time.perf_counter()
    return {
        "cells": grid.cells,
        "seconds": end - start,
        "composite_and_classes_s": rated - start,
        "shares_s": cut - rated,
        "zonal_statistics_s": end - cut,
        "result": [float(v) for v in table["index"][:5]],
    }


def _warm() -> None:
    """Compile on a few cells first: a server has done that long before."""
    from geo.grid import area_shares
    from layers.zoning.chunked import zonal_table, zone_large

    grid = _grid(60, 60, 10.0)
    found = zone_large(_dataset(60, 60), _model(), grid)
    zonal_table(found, area_shares(_zones(60, 60, 10.0), grid), [f"z{k}" for k in range(ZONES)])


def middle(cells: int, scheduler: str | None) -> dict[str, Any]:
    """The same on a raster that plain NumPy can hold."""
    return _ours(*_sides(cells), 30.0, scheduler)


def plain_numpy(cells: int, scheduler: str | None) -> dict[str, Any]:
    """All layers in memory, a weighted sum, quantile classes of a sample, means of the zones by cell centre."""
    del scheduler
    from rasterio.features import rasterize

    rows, cols = _sides(cells)
    dataset = _dataset(rows, cols)
    zones = _zones(rows, cols, 30.0)
    start = time.perf_counter()
    weights = np.arange(1, LAYERS + 1) / np.arange(1, LAYERS + 1).sum()
    layers = [dataset[f"h{k}"].to_numpy() for k in range(LAYERS)]
    index = np.zeros((rows, cols), dtype=np.float32)
    for layer, weight in zip(layers, weights, strict=True):
        index += np.float32(weight) * layer
    classes = np.searchsorted(np.quantile(index[::10, ::10], [0.2, 0.4, 0.6, 0.8]), index).astype(np.uint8)
    label = rasterize(
        [(zone, k + 1) for k, zone in enumerate(zones)],
        out_shape=index.shape,
        transform=_grid(rows, cols, 30.0).transform,
    ).ravel()
    mean = np.bincount(label, weights=index.ravel())[1:] / np.bincount(label)[1:]
    end = time.perf_counter()
    return {
        "cells": index.size,
        "seconds": end - start,
        "classes": int(classes.max()),
        "result": [float(v) for v in mean[:5]],
    }


def zonal_ours(cells: int, scheduler: str | None) -> dict[str, Any]:
    """Mean of 100 zones with exact area shares: first time, and again with the shares kept."""
    del scheduler
    from geo.grid import area_shares

    rows, cols = _sides(cells)
    grid = _grid(rows, cols, 10.0)
    zones = _zones(rows, cols, 10.0)
    values = _dataset(rows, cols)["h3"].to_numpy()
    _warm()
    start = time.perf_counter()
    shares = area_shares(zones, grid)
    first = shares.mean(values)
    middle = time.perf_counter()
    shares.mean(values)
    end = time.perf_counter()
    return {
        "cells": grid.cells,
        "seconds": middle - start,
        "again_s": end - middle,
        "result": [float(v) for v in first[:5]],
    }


def zonal_rasterstats(cells: int, scheduler: str | None) -> dict[str, Any]:
    """The same zones by rasterstats, by cell centre."""
    del scheduler
    from rasterstats import zonal_stats

    rows, cols = _sides(cells)
    grid = _grid(rows, cols, 10.0)
    zones = list(_zones(rows, cols, 10.0))
    values = _dataset(rows, cols)["h3"].to_numpy()
    start = time.perf_counter()
    found = zonal_stats(zones, values, affine=grid.transform, stats=["mean"], nodata=-1.0)
    end = time.perf_counter()
    return {"cells": grid.cells, "seconds": end - start, "result": [float(row["mean"]) for row in found[:5]]}


def zonal_geopandas(cells: int, scheduler: str | None) -> dict[str, Any]:
    """The same by overlaying cell polygons with the zones (geopandas), on as many cells as are given."""
    del scheduler
    import geopandas as gpd

    rows, cols = _sides(cells)
    grid = _grid(rows, cols, 10.0)
    zones = gpd.GeoDataFrame({"zone": range(ZONES)}, geometry=list(_zones(rows, cols, 10.0)), crs=4549)
    boxes = grid.boxes(np.arange(grid.cells))
    squares = gpd.GeoDataFrame({"value": _dataset(rows, cols)["h3"].to_numpy().ravel()}, geometry=boxes, crs=4549)
    start = time.perf_counter()
    parts = gpd.overlay(squares, zones, how="intersection")
    area = parts.area
    mean = (parts["value"] * area).groupby(parts["zone"]).sum() / area.groupby(parts["zone"]).sum()
    end = time.perf_counter()
    return {"cells": grid.cells, "seconds": end - start, "result": [float(v) for v in mean[:5]]}


_ROWS: dict[str, tuple[Callable[[int, str | None], dict[str, Any]], int, str]] = {
    "district_10m": (district, 2_340_000, "district at 10 m: composite, classes, zonal statistics"),
    "province": (province, PROVINCE_CELLS, "province at 30 m: the same"),
    "middle": (middle, MIDDLE_CELLS, "a seventh of the province: the same"),
    "middle_numpy": (
        plain_numpy,
        MIDDLE_CELLS,
        "plain NumPy in memory: the same by sampled quantiles and cell centres",
    ),
    "zonal": (zonal_ours, MIDDLE_CELLS, "zonal means, exact area shares"),
    "zonal_rasterstats": (zonal_rasterstats, MIDDLE_CELLS, "zonal means, rasterstats, cell centres"),
    "zonal_small": (zonal_ours, 250_000, "zonal means, exact area shares, few cells"),
    "zonal_geopandas": (zonal_geopandas, 250_000, "zonal means, geopandas overlay, few cells"),
}

_CHILD = "import sys; from layers.bench_zoning import measure; measure(sys.argv[1], int(sys.argv[2]), sys.argv[3])"


def measure(name: str, cells: int, scheduler: str) -> None:
    """One row in this process; prints its figures as JSON."""
    figures = _ROWS[name][0](cells, scheduler or None)
    used = resource.getrusage(resource.RUSAGE_SELF)
    figures["cpu_s"] = round(
        used.ru_utime + used.ru_stime, 2
    )  # with the making of the inputs; others do not lengthen it
    figures["peak_gb"] = used.ru_maxrss / (1 if sys.platform == "darwin" else 1024)
    figures["peak_gb"] = round(figures["peak_gb"] / 1024, 3)
    sys.stdout.write(json.dumps(figures))


def run_bench_zoning(
    *,
    scale: float = 1.0,
    scheduler: str | None = None,
    output: Path | None = None,
    say: Callable[[str], Any],
) -> dict[str, Any]:
    """Run every row, `scale` times the full number of cells; print seconds, peak memory and ratios."""
    if not 0 < scale <= 1:
        raise InputError(f"scale={scale:g}: expected above 0, up to 1 (the full size)")
    say(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, {scale:g} of the full size")
    if hasattr(os, "getloadavg") and os.getloadavg()[0] > 0.5:
        say(f"others are at work on this machine (load {os.getloadavg()[0]:.1f}): the seconds are too long")
    found: dict[str, Any] = {}
    for name, (_, cells, title) in _ROWS.items():
        if "rasterstats" in name and find_spec("rasterstats") is None:
            say(f"{title}: not installed (pip install .[bench])")
            continue
        count = max(int(cells * scale), 3_600)
        found[name] = _apart(name, count, scheduler if name in ("district_10m", "province") else None)
        figures = found[name]
        again = f", again {figures['again_s']:.2f} s" if "again_s" in figures else ""
        say(
            f"{title}: {figures['cells']:,} cells, {figures['seconds']:.2f} s{again} "
            f"(processor {figures['cpu_s']:.1f} s), peak {figures['peak_gb']:.2f} GB"
        )
    for line in _ratios(found):
        say(line)
    if output is not None:
        output.write_text(json.dumps(found, indent=1), encoding="utf-8")
    return found


def _apart(name: str, cells: int, scheduler: str | None) -> dict[str, Any]:
    root = str(Path(__file__).resolve().parents[1])
    ended = subprocess.run(
        [sys.executable, "-P", "-c", _CHILD, name, str(cells), scheduler or ""],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": root},
        check=False,
    )
    if ended.returncode != 0:
        raise Unavailable(f"bench {name} ended with code {ended.returncode}; see the lines above")
    figures: dict[str, Any] = json.loads(ended.stdout)
    return figures


def _ratios(found: dict[str, Any]) -> list[str]:
    lines = []
    if "middle" in found:
        a, b = found["middle"], found["middle_numpy"]
        apart = float(np.max(np.abs(np.array(a["result"]) - np.array(b["result"]))))
        lines.append(
            f"middle_numpy: {b['seconds'] / a['seconds']:.2f}x our time, {b['peak_gb'] / a['peak_gb']:.2f}x our "
            f"memory; means differ by at most {apart:.1e}"
        )
    for peer, ours in (("zonal_rasterstats", "zonal"), ("zonal_geopandas", "zonal_small")):
        if peer not in found:
            continue
        a, b = found[ours], found[peer]
        apart = float(np.max(np.abs(np.array(a["result"]) - np.array(b["result"]))))
        lines.append(
            f"{peer}: {b['seconds'] / a['seconds']:.2f}x our time, {b['seconds'] / a['again_s']:.1f}x when asked "
            f"again; means differ by at most {apart:.1e}"
        )
    return lines
