"""The runs that a district keeps: which there are, which one the map shows, who made it and when."""

import json
import os
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from geo.errors import NotFound
from layers.district import District
from layers.zoning.result import ZoningRun, load, save

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
