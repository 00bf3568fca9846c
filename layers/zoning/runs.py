"""The runs that a district keeps: which there are, which one the map shows, who made it and when."""

import json
import os
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import shapely

from geo.errors import NotFound
from layers.district import District
from layers.zoning.result import ZoningRun, load, save
from layers.zoning.scheme import Scheme

if TYPE_CHECKING:
    from layers.zoning.large import LargeRun

FORMAT = 3
"""How a run is written; a run written otherwise is not read, its scheme has to run again."""


@dataclass(frozen=True)
class RunRecord:
    """Who made a run and when; beside the products, never in them."""

    run: str
    scheme: str
    title: str
    made_utc: str
    made_by: str
    seconds: float
    units: int
    parameter_version: str
    format: int = FORMAT


def folder(district: District) -> Path:
    """Where the district's runs stand."""
    return district.cache.with_suffix(".zoning")


def publish(district: District, run: ZoningRun, *, made_utc: datetime, made_by: str, seconds: float) -> RunRecord:
    """Keep a run and show it on the map from now on."""
    home = folder(district)
    save(run, home)
    record = RunRecord(
        run.id,
        run.scheme.id,
        run.scheme.title.zh,
        made_utc.isoformat(timespec="seconds"),
        made_by,
        round(seconds, 2),
        len(run.units),
        run.parameter_version,
    )
    part = home / f".record-{os.getpid()}.part"
    part.write_text(json.dumps(asdict(record), ensure_ascii=False, indent=1), encoding="utf-8")
    part.replace(home / run.id / "record.json")
    return record


LARGE_FORMAT = 1
"""How the zones of a large run are written."""

MAX_CORNERS = 200_000
"""Zones of a large run with more corners than this, simplified, are not shown on the map."""


def publish_large(district: District, large: "LargeRun", *, scheme: Scheme, made_utc: datetime, made_by: str) -> str:
    """Show the zones of a large run on the map, by street and level with fewer corners; the newest of its kind stands.

    Returns '' or, where it cannot be shown, why not.
    """
    from layers.zoning.large_products import ZONE_CELLS, simplified

    if scheme.kind == "combined":
        return "a combined scheme has no layer for large runs"
    zones, grid = large.products.zones, large.found.grid
    if zones is None:
        return f"{grid.cells:,} cells; polygons are made of at most {ZONE_CELLS:,}"
    shown = simplified(zones, tolerance_m=2.0 * grid.dx)
    corners = int(shapely.get_num_coordinates(shown.geometry.to_numpy(dtype=object)).sum())
    if corners > MAX_CORNERS:
        return f"its zones have {corners:,} corners; the map takes {MAX_CORNERS:,}"
    home = folder(district)
    home.mkdir(parents=True, exist_ok=True)
    shown["cell_m"] = grid.dx
    about = {
        "format": LARGE_FORMAT,
        "run": large.id,
        "scheme": scheme.id,
        "made_utc": made_utc.isoformat(timespec="seconds"),
        "made_by": made_by,
        "parameter_version": large.parameter_version,
        "epsg": grid.epsg,
    }
    shown.attrs = {}
    part = home / f".large-{os.getpid()}.part"
    frame = shown.assign(about=json.dumps(about, ensure_ascii=False))
    frame.to_parquet(part)
    part.replace(home / f"large-{scheme.kind}.parquet")
    return ""


def large_zones(district: District, kind: str) -> tuple[gpd.GeoDataFrame, dict[str, Any]] | None:
    """The zones of the newest large run of a kind, metric CRS, and its record; None where there is none."""
    path = folder(district) / f"large-{kind}.parquet"
    try:
        frame = gpd.read_parquet(path)
    except FileNotFoundError:
        return None
    about: dict[str, Any] = json.loads(frame["about"].iloc[0])
    return (frame, about) if about.get("format") == LARGE_FORMAT else None


def records(district: District, scheme: str | None = None) -> list[RunRecord]:
    """The runs that are kept, the newest first; of one scheme or of all."""
    found = []
    for path in folder(district).glob("*/record.json"):
        data = json.loads(path.read_text(encoding="utf-8"))
        if data.get("format") == FORMAT and scheme in (None, data["scheme"]):
            found.append(RunRecord(**data))
    return sorted(found, key=lambda record: (record.made_utc, record.run), reverse=True)


def kept_run(district: District, run: str) -> ZoningRun:
    """A run by its id; NotFound lists the newest."""
    there = [record.run for record in records(district)]
    if run not in there:
        known = ", ".join(there[:5]) or "none yet"
        raise NotFound(f"there is no zoning run '{run}'; there are: {known}")
    return loaded(folder(district) / run)


def newest(district: District, scheme: str) -> RunRecord | None:
    """The record of the run that the map shows of a scheme, None where there is none."""
    return next(iter(records(district, scheme)), None)


def stamp(district: District) -> int:
    """Changes whenever a run is published."""
    try:
        return folder(district).stat().st_mtime_ns
    except FileNotFoundError:
        return 0


@lru_cache(maxsize=6)
def loaded(path: Path) -> ZoningRun:
    """A saved run, kept in memory: what stands under an id never changes."""
    return load(path)


def latest(district: District, scheme: str) -> ZoningRun | None:
    """The run that the map shows of a scheme, None where there is none."""
    record = newest(district, scheme)
    return None if record is None else loaded(folder(district) / record.run)
