"""The versioned table of parameters: every number of a method with unit, provenance, source and dates.

Shipped sets stand in `data/parameter_sets`; a district adds its own through the import kind `parameters`.
"""

import csv
import hashlib
import io
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from functools import cache
from importlib import resources
from typing import Any

from data.store import Store
from geo.errors import InputError, NotFound

COLUMNS = (
    "version",
    "code",
    "value",
    "unit",
    "provenance",
    "reference",
    "effective_from",
    "effective_to",
    "note",
)

TO_CONFIRM = ("M", "P", "remembered", "proposed")
"""Beginnings of the provenances that are still to be confirmed (待核对): from memory, or proposed."""


@dataclass(frozen=True)
class ParameterSet:
    """The parameters of one version in force on one day; `set[code]` is the number."""

    version: str
    _rows: Mapping[str, Mapping[str, Any]]

    def __getitem__(self, code: str) -> float:
        return float(self.row(code)["value"])

    def __contains__(self, code: object) -> bool:
        return code in self._rows

    def row(self, code: str) -> Mapping[str, Any]:
        """Everything that is known of one parameter; NotFound names the nearest codes."""
        if code not in self._rows:
            near = ", ".join(get_close_matches(code, self._rows, n=3)) or "none"
            raise NotFound(f"parameter '{code}' is not in version {self.version}; the nearest are: {near}")
        return self._rows[code]

    def prefix(self, beginning: str) -> dict[str, float]:
        """The numbers whose code begins so, by the rest of the code, in the order of the table."""
        return {
            code.removeprefix(beginning): float(row["value"])
            for code, row in self._rows.items()
            if code.startswith(beginning)
        }

    def rows(self) -> Iterator[dict[str, Any]]:
        """Every row, by code, with `to_confirm`."""
        for code in sorted(self._rows):
            row = self._rows[code]
            yield {**row, "to_confirm": is_to_confirm(str(row["provenance"]))}

    @property
    def hash(self) -> str:
        """The hash of every row."""
        text = "\n".join(repr(sorted(row.items())) for row in self.rows())
        return hashlib.sha256(text.encode()).hexdigest()


def is_to_confirm(provenance: str) -> bool:
    """Whether a value of this provenance is a default to be confirmed."""
    return provenance.startswith(TO_CONFIRM)


def parse_parameters(text: str, *, name: str) -> list[dict[str, Any]]:
    """The rows of a set in CSV; InputError names the row and the field."""
    reader = csv.DictReader(io.StringIO(text))
    if tuple(reader.fieldnames or ()) != COLUMNS:
        raise InputError(f"{name}: expected the columns {', '.join(COLUMNS)}")
    return [_checked(row, f"{name}, row {k}") for k, row in enumerate(reader, start=1)]


def _checked(row: Mapping[str, Any], where: str) -> dict[str, Any]:
    found = {column: ("" if row.get(column) is None else row[column]) for column in COLUMNS}
    for column in ("version", "code", "provenance"):
        if not str(found[column]).strip():
            raise InputError(f"{where}: {column} is empty")
    try:
        value = float(found["value"])
    except (TypeError, ValueError):
        value = math.nan
    if not math.isfinite(value):
        raise InputError(f"{where}: value={found['value']!r} of '{found['code']}': expected a finite number")
    found["value"] = value
    for column in ("effective_from", "effective_to"):
        text = str(found[column])[:10]
        try:
            found[column] = date.fromisoformat(text).isoformat() if text else ""
        except ValueError:
            raise InputError(f"{where}: {column}={text!r} of '{found['code']}': expected YYYY-MM-DD") from None
    return found


@cache
def _shipped() -> tuple[dict[str, Any], ...]:
    rows: list[dict[str, Any]] = []
    for file in sorted((resources.files("data") / "parameter_sets").iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".csv"):
            rows += parse_parameters(file.read_text(encoding="utf-8"), name=file.name)
    return tuple(rows)


def _all(store: Store | None) -> list[dict[str, Any]]:
    rows = [dict(row) for row in _shipped()]
    if store is not None:
        own = store.frame("parameter")
        records = own.drop(columns="geometry", errors="ignore").to_dict("records")
        rows += [_checked(row, f"parameters of the district, row {k}") for k, row in enumerate(records, start=1)]
    return rows


def parameter_versions(store: Store | None = None) -> list[str]:
    """The versions there are, the newest last."""
    return sorted({str(row["version"]) for row in _all(store)}, key=_in_order)


def _in_order(version: str) -> list[tuple[int, int, str]]:
    """Numbers within a version count as numbers: 2026-10 comes after 2026-9."""
    return [(1, int(part), "") if part.isdigit() else (2, 0, part) for part in re.findall(r"\d+|\D+", version)]


def parameters(version: str | None = None, *, on: date, store: Store | None = None) -> ParameterSet:
    """The parameters of a version (None: the newest with anything in force) on a day.

    `effective_from` is the first day, `effective_to` the day after the last; empty ones are open. A
    district's own version holds only what differs: the rest is that of the newest shipped version.
    Two rows in force for one code are an InputError.
    """
    day = on.isoformat()
    rows = [
        row
        for row in _all(store)
        if (row["effective_from"] or day) <= day and (not row["effective_to"] or day < row["effective_to"])
    ]
    versions = sorted({str(row["version"]) for row in rows}, key=_in_order)
    if version is None:
        if not versions:
            raise NotFound(f"no parameters are in force on {day}")
        version = versions[-1]
    if version not in versions:
        raise NotFound(f"parameter version '{version}' is not in force on {day}; there are: {', '.join(versions)}")
    shipped = max((str(row["version"]) for row in _shipped()), key=_in_order)
    found: dict[str, dict[str, Any]] = {}
    for layer in dict.fromkeys((shipped, version)):
        seen: set[str] = set()
        for row in rows:
            if row["version"] != layer:
                continue
            if row["code"] in seen:
                raise InputError(f"parameter '{row['code']}' has two rows in force on {day} in version {layer}")
            seen.add(row["code"])
            found[row["code"]] = row
    return ParameterSet(version, found)
