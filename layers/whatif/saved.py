"""Results kept under a name, as files beside the district, and the difference of two of a kind.

A result is a folder of its own for kind and name. `record.json` in it appears last and names the folder
that holds the frames, so that a result is there whole or not at all, whoever else writes.
"""

import fcntl
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from geo.errors import Conflict, InputError, NotFound
from layers.code_version import code_version
from layers.district import District, View
from layers.layer import plain_tree

FORMAT = 1
"""How a result is written; one that is written otherwise is not read."""

MAX_NAME = 80
_PART = re.compile(r"[a-z0-9_]{1,40}")


@dataclass(frozen=True)
class Result:
    """What a question came to, ready to be kept.

    kind : the question, such as ``scenarios``; a word of small letters, digits and underscores
    name : what a person calls it
    parameters : everything that was asked, as plain values; with `seqs` and the code they tell what the result is
    summary : the figures that matter, as plain values
    tables : proof tables by name
    keys : the columns that tell the rows of a table apart, by table
    layers : rows in WGS 84, by the id of the layer of the map that shows them
    seqs : table of the store -> seq of its newest change, of all that the result was computed from
    """

    kind: str
    name: str
    parameters: Mapping[str, Any]
    summary: Mapping[str, Any]
    tables: Mapping[str, pd.DataFrame]
    keys: Mapping[str, tuple[str, ...]]
    layers: Mapping[str, gpd.GeoDataFrame] = field(default_factory=dict)
    seqs: Mapping[str, int] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The same for the same question, parameters, data and code, whatever it is called."""
        parts = (FORMAT, self.kind, self.parameters, sorted(self.seqs.items()), code_version())
        return hashlib.sha256(json.dumps(plain_tree(parts), sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Record:
    """What is known of a saved result without its frames."""

    id: str
    kind: str
    name: str
    made_utc: str
    made_by: str
    seconds: float
    parameters: Mapping[str, Any]
    summary: Mapping[str, Any]
    seqs: Mapping[str, int]
    keys: Mapping[str, Sequence[str]]
    code_version: str
    format: int = FORMAT

    def stale(self, view: View) -> list[str]:
        """The tables that changed since; empty: the result is of the district as it is."""
        return sorted(table for table, seq in self.seqs.items() if view.seqs.get(table, 0) != seq)

    def to_json(self, view: View) -> dict[str, Any]:
        """The record as plain values, with what changed since."""
        return {**asdict(self), "stale": self.stale(view)}


def seqs_of(view: View, *tables: str) -> dict[str, int]:
    """The seqs of the tables that a result was computed from."""
    return {table: view.seqs.get(table, 0) for table in tables}


def folder(district: District) -> Path:
    """Where the district's results stand."""
    return district.cache.with_suffix(".whatif")


def stamp(district: District) -> int:
    """Changes whenever a result is kept or thrown away."""
    try:
        return folder(district).stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def _home(district: District, kind: str, name: str) -> Path:
    if not _PART.fullmatch(kind):
        raise InputError(f"kind={kind!r}: expected small letters, digits and underscores")
    if not name.strip() or len(name) > MAX_NAME or not name.isprintable():
        raise InputError(f"name={name[:MAX_NAME]!r}: expected 1 to {MAX_NAME} printable characters")
    return folder(district) / f"{kind}-{hashlib.sha256(name.strip().encode()).hexdigest()[:16]}"


def save(
    district: District,
    result: Result,
    *,
    made_utc: datetime,
    made_by: str,
    seconds: float = 0.0,
    replace: bool = False,
) -> Record:
    """Keep a result under its name; whole or not at all.

    Conflict where the name is taken by another result and `replace` is off; the same result again changes nothing.
    """
    home = _home(district, result.kind, result.name)
    for part in (*result.tables, *result.layers):
        if not _PART.fullmatch(part):
            raise InputError(f"{part!r}: expected small letters, digits and underscores")
    if set(result.keys) != set(result.tables):
        raise InputError(f"keys={sorted(result.keys)}: expected the key columns of {', '.join(sorted(result.tables))}")
    record = Record(
        result.id,
        result.kind,
        result.name.strip(),
        made_utc.isoformat(timespec="seconds"),
        made_by,
        round(seconds, 2),
        plain_tree(result.parameters),
        plain_tree(result.summary),
        dict(result.seqs),
        {table: list(columns) for table, columns in result.keys.items()},
        code_version(),
    )
    home.mkdir(parents=True, exist_ok=True)
    with _alone(home):
        old = _record(home)
        if old is not None and old.id == record.id:
            return old
        if old is not None and not replace:
            raise _taken(old)
        _write_frames(result, home, record.id)
        told = home / ".record.part"
        told.write_text(json.dumps(asdict(record), ensure_ascii=False, indent=1, allow_nan=False), encoding="utf-8")
        told.replace(home / "record.json")
        for path in home.iterdir():
            if path.is_dir() and path.name != record.id:
                shutil.rmtree(path, ignore_errors=True)
    os.utime(home.parent)  # for `stamp`
    return record


def require_free(district: District, kind: str, name: str) -> None:
    """Conflict where a result of this kind has the name; for what takes long, before it begins."""
    old = _record(_home(district, kind, name))
    if old is not None:
        raise _taken(old)


def _taken(old: Record) -> Conflict:
    return Conflict(
        f"name={old.name!r} is taken by a result of {old.made_utc} by {old.made_by}; give another name or replace it"
    )


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """One writer at a time for a name, among threads and processes."""
    with (home / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _write_frames(result: Result, home: Path, identity: str) -> None:
    part = home / f".{identity}.part"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    try:
        for name, frame in result.tables.items():
            frame.to_parquet(part / f"table-{name}.parquet")
        for name, rows in result.layers.items():
            if rows.crs is None or rows.crs.to_epsg() != 4326:
                raise InputError(f"layers.{name}: expected rows in EPSG:4326, not in {rows.crs}")
            rows.to_parquet(part / f"layer-{name}.parquet")
        shutil.rmtree(home / identity, ignore_errors=True)  # left by one that was cut off
        part.replace(home / identity)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _record(home: Path) -> Record | None:
    try:
        data = json.loads((home / "record.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return Record(**data) if data.get("format") == FORMAT else None


def records(district: District, kind: str | None = None) -> list[Record]:
    """The results that are kept, the newest first; of one kind or of all."""
    found = [record for path in folder(district).glob("*/") if (record := _record(path)) is not None]
    return sorted(
        (record for record in found if kind in (None, record.kind)), key=lambda r: (r.made_utc, r.name), reverse=True
    )


def newest(district: District, kind: str) -> Record | None:
    """The record that the map shows of a kind, None where there is none."""
    return next(iter(records(district, kind)), None)


def load(district: District, kind: str, name: str) -> tuple[Record, Result]:
    """A result by kind and name; NotFound lists the newest."""
    home = _home(district, kind, name)
    for _ in range(3):  # a result that is replaced while it is read is read again
        record = _record(home)
        if record is None:
            break
        try:
            return record, _read_frames(home / record.id, record)
        except FileNotFoundError:
            continue
    known = ", ".join(record.name for record in records(district, kind)[:5]) or "none yet"
    raise NotFound(f"there is no saved result '{name}' of kind '{kind}'; there are: {known}")


def layer_rows(district: District, record: Record, layer_id: str) -> gpd.GeoDataFrame | None:
    """The rows that a saved result shows on one layer, None where it has none for it."""
    try:
        return gpd.read_parquet(_home(district, record.kind, record.name) / record.id / f"layer-{layer_id}.parquet")
    except FileNotFoundError:
        return None


def _read_frames(path: Path, record: Record) -> Result:
    return Result(
        record.kind,
        record.name,
        record.parameters,
        record.summary,
        {table: pd.read_parquet(path / f"table-{table}.parquet") for table in record.keys},
        {table: tuple(columns) for table, columns in record.keys.items()},
        {p.stem.removeprefix("layer-"): gpd.read_parquet(p) for p in sorted(path.glob("layer-*.parquet"))},
        record.seqs,
    )


def delete(district: District, kind: str, name: str) -> None:
    """Throw a saved result away; NotFound where there is none."""
    load(district, kind, name)
    home = _home(district, kind, name)
    with _alone(home):
        (home / "record.json").unlink(missing_ok=True)
        for path in home.iterdir():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
    os.utime(home.parent)


def difference(old: pd.DataFrame, new: pd.DataFrame, *, keys: Sequence[str]) -> pd.DataFrame:
    """Two tables of a kind row by row: what was gained, what was lost, what changed and by how much.

    One row for each row that differs, by key: `change` (gained, lost or changed), then for every other column
    NAME_old and NAME_new, and for numbers NAME_change (new - old). A value that is missing on both sides is the
    same. InputError where a key stands twice or the tables have other columns.
    """
    if list(old.columns) != list(new.columns):
        differs = sorted(set(old.columns) ^ set(new.columns)) or list(new.columns)
        raise InputError(f"the tables have other columns: {', '.join(map(str, differs))}; compare results of a kind")
    for side, table in (("old", old), ("new", new)):
        missing = [key for key in keys if key not in table.columns]
        if missing or table.duplicated(list(keys)).any():
            raise InputError(f"{side}: {', '.join(missing or keys)} does not tell its rows apart")
    values = [name for name in old.columns if name not in keys]
    both = old.rename(columns={name: f"{name}_old" for name in values}).merge(
        new.rename(columns={name: f"{name}_new" for name in values}),
        on=list(keys),
        how="outer",
        indicator="_side",
        sort=True,
    )
    change = both["_side"].map({"left_only": "lost", "right_only": "gained", "both": "changed"}).astype(object)
    differ = change.ne("changed").to_numpy(dtype=bool, copy=True)
    columns: dict[str, Any] = {key: both[key] for key in keys} | {"change": change}
    for name in values:
        left, right = both[f"{name}_old"], both[f"{name}_new"]
        same = (left.isna() & right.isna()) | (left == right).fillna(False)
        differ |= ~same.to_numpy(dtype=bool)
        columns |= {f"{name}_old": left, f"{name}_new": right}
        if pd.api.types.is_numeric_dtype(old[name]) and not pd.api.types.is_bool_dtype(old[name]):
            with np.errstate(invalid="ignore"):
                columns[f"{name}_change"] = right.to_numpy(dtype=np.float64) - left.to_numpy(dtype=np.float64)
    return pd.DataFrame(columns)[differ].reset_index(drop=True)
