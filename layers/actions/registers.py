"""The registers of supplies as sheets: what is there goes out, is changed in a spreadsheet, and comes back."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from data import importers, reading, templates
from data.importers import ImportReport, Prepared
from data.kinds import KINDS
from geo.errors import ImportRefused, NotFound
from layers.actions.gate import act
from layers.district import District
from layers.permissions import Actor

SHEETS = (
    "depots",
    "items",
    "packs",
    "stock_levels",
    "reserve_targets",
    "agreements",
    "substitutes",
    "relief_standards",
    "vehicles",
    "devices",
)
"""The kinds that a bureau keeps in sheets. Stock is none: it moves by counts, goods in and orders."""

_LONGEST_NAME = 60  # characters; a file system takes 255 bytes


def require_sheet(kind: str) -> str:
    """The kind; NotFound where it is none of `SHEETS`."""
    if kind not in SHEETS:
        raise NotFound(f"there is no sheet {kind!r}; there are: {', '.join(SHEETS)}")
    return kind


def sheet_of(district: District, kind: str) -> bytes:
    """What is in a register, as the sheet that is imported again."""
    frame = district.store.frame(KINDS[require_sheet(kind)].table)
    warning = "" if district.warning is None else district.warning.zh
    return templates.filled_xlsx(kind, frame, zone=district.timezone, warning=warning)


def check_sheet(district: District, kind: str, content: bytes, *, name: str) -> ImportReport:
    """What importing a sheet would do; ImportRefused lists what is wrong. Nothing is written."""
    with as_file(content, name) as path:
        return importers.import_file(
            district.store, require_sheet(kind), path, dry_run=True, bounds=reading.UPLOADED, now_utc=district.now()
        )


def import_sheet(district: District, actor: Actor, kind: str, content: bytes, *, name: str, key: str) -> dict[str, Any]:
    """Write a sheet into its register, all rows or none; rows that it lacks stay as they are."""
    with as_file(content, name) as path:
        prepared = importers.prepare_file(
            district.store, require_sheet(kind), path, bounds=reading.UPLOADED, source=f"{name} ({actor.id})"
        )

    def change(conn: Connection, now: datetime) -> dict[str, Any]:
        report, run = importers.write_prepared(district.store, conn, prepared, now_utc=now)
        return {"id": run, **_told(report)}

    found: dict[str, Any] = act(
        district,
        actor,
        "register.import",
        change,
        route=f"import {kind}",
        key=key,
        body=_body(prepared),
        brief=False,
    )
    return found


def _told(report: ImportReport) -> dict[str, Any]:
    """What came of it, the same for the same sheet."""
    return {name: value for name, value in report.to_json().items() if name not in ("seconds", "dry_run")}


def _body(prepared: Prepared) -> dict[str, Any]:
    return {"kind": prepared.kind.name, "file": prepared.file, "sha256": prepared.sha256}


@contextmanager
def as_file(content: bytes, name: str) -> Iterator[Path]:
    """The content as a file of that name, as long as it is read."""
    plain = "".join(letter for letter in Path(name.replace("\\", "/")).name if letter.isprintable())[-_LONGEST_NAME:]
    if not plain.lower().endswith((".xlsx", *reading.OTHER_BOOKS)):
        raise ImportRefused(f"{plain}: expected the .xlsx file that the page gives out")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / plain
        path.write_bytes(content)
        yield path
