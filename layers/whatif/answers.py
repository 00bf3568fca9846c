"""Saved results as plain values: the list, one with its proof rows, the difference of two."""

from typing import Any

import pandas as pd

from data.exporters import to_csv
from geo.errors import InputError, NotFound
from layers.district import District
from layers.layer import plain_tree
from layers.whatif.saved import Result, difference, load, records

MAX_ROWS = 20_000
"""Rows of a proof table in one answer."""


def result_list(district: District, kind: str | None = None) -> list[dict[str, Any]]:
    """What is kept, the newest first, with what changed in the district since."""
    view = district.view()
    return [record.to_json(view) for record in records(district, kind)]


def saved_result(
    district: District, kind: str, name: str, *, table: str | None = None, limit: int = 1_000
) -> dict[str, Any]:
    """One result: the question, the figures, how many rows each table has, and the first rows of one."""
    record, result = load(district, kind, name)
    found = {**record.to_json(district.view()), "tables": {key: len(rows) for key, rows in result.tables.items()}}
    return found if table is None else {**found, **_rows(_table(result, table), limit)}


def compared_results(
    district: District, kind: str, old: str, new: str, *, table: str, limit: int = 1_000
) -> dict[str, Any]:
    """What differs between two results of a kind: the question, the figures, and the rows of one table."""
    (one, before), (other, after) = load(district, kind, old), load(district, kind, new)
    keys = set(before.parameters) | set(after.parameters)
    rows = difference(_table(before, table), _table(after, table), keys=before.keys[table])
    return {
        "kind": kind,
        "old": {"name": one.name, "made_utc": one.made_utc},
        "new": {"name": other.name, "made_utc": other.made_utc},
        "asked_otherwise": sorted(k for k in keys if before.parameters.get(k) != after.parameters.get(k)),
        "summary": {
            key: {"old": value, "new": other.summary[key], "change": other.summary[key] - value}
            for key, value in one.summary.items()
            if isinstance(value, int | float) and isinstance(other.summary.get(key), int | float)
        },
        "table": table,
        "keys": list(before.keys[table]),
        **_rows(rows, limit),
    }


def _table(result: Result, table: str) -> pd.DataFrame:
    if table not in result.tables:
        raise NotFound(f"table={table}: the tables of '{result.name}' are {', '.join(result.tables)}")
    return result.tables[table]


def _rows(table: pd.DataFrame, limit: int) -> dict[str, Any]:
    if not 0 <= limit <= MAX_ROWS:
        raise InputError(f"limit={limit}: expected 0 to {MAX_ROWS}")
    return {
        "count": len(table),
        "truncated": len(table) > limit,
        "rows": plain_tree(table.head(limit).astype(object).to_dict("records")),
    }


def table_csv(district: District, kind: str, name: str, table: str) -> str:
    """One whole proof table of a saved result as CSV."""
    _, result = load(district, kind, name)
    rows = _table(result, table)
    return to_csv(rows, {column: column for column in rows.columns}).decode("utf-8-sig")
