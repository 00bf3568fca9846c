"""Frames to files: CSV, spreadsheet, GeoPackage. Cells that a spreadsheet would run are neutralised."""

import csv
import io
import re
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pyogrio
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter

from data.reading import RUNS

_ILLEGAL = dict.fromkeys([*range(9), 11, 12, *range(14, 32), 127, *range(0xD800, 0xE000), 0xFFFE, 0xFFFF], "")
_MOMENT = (2000, 1, 1, 0, 0, 0)


def neutralised(value: Any) -> Any:
    """A text that a spreadsheet would take for a formula gets an apostrophe before it; numbers stay.

    So does one that has such apostrophes already, so that taking one off gives the text again.
    """
    if isinstance(value, str):
        value = value.translate(_ILLEGAL)
        if value.lstrip("'").startswith(RUNS):
            return "'" + value
    return value


def _cells(frame: pd.DataFrame) -> list[list[Any]]:
    columns = []
    for name in frame.columns:
        cells: list[Any] = []
        for value in frame[name].astype(object).tolist():
            if isinstance(value, np.generic):
                value = value.item()
            missing = value is None or value is pd.NaT or value is pd.NA
            if missing or (isinstance(value, float) and not np.isfinite(value)):
                cells.append("")
            elif isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
                cells.append(int(value))
            elif isinstance(value, (str, bool, int, float, Decimal)):
                cells.append(neutralised(value))
            else:  # dates as ISO text, lists as their text: the same in every format
                cells.append(neutralised(value.isoformat() if hasattr(value, "isoformat") else str(value)))
        columns.append(cells)
    return [list(row) for row in zip(*columns, strict=True)]


def to_csv(frame: pd.DataFrame, labels: Mapping[str, str]) -> bytes:
    """The columns of `labels` as CSV in UTF-8 with a mark, so that spreadsheets read Chinese."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow([neutralised(label) for label in labels.values()])
    writer.writerows(_cells(frame[list(labels)]))
    return stream.getvalue().encode("utf-8-sig")


def to_xlsx(frame: pd.DataFrame, labels: Mapping[str, str], *, title: str, head: Sequence[str] = ()) -> bytes:
    """The columns of `labels` as a spreadsheet with one sheet and a frozen header.

    The lines of `head` (what it is, units, source, time) stand above the header.
    """
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "".join(c for c in title if c not in "[]:*?/\\")[:31] or "data"
    for number, line in enumerate(head):
        sheet.append([neutralised(line)])
        sheet.cell(number + 1, 1).font = Font(bold=number == 0, size=13 if number == 0 else 10)
    sheet.append([neutralised(label) for label in labels.values()])
    top = len(head) + 1
    for cell in sheet[top]:
        cell.font = Font(bold=True)
        cell.fill = PatternFill("solid", fgColor="DDE6F0")
        cell.alignment = Alignment(wrap_text=True, vertical="top")
    for row in _cells(frame[list(labels)]):
        sheet.append(row)
    for row in sheet.iter_rows():
        for cell in row:
            if cell.data_type == "f":
                cell.data_type = "s"
    for number, label in enumerate(labels.values(), start=1):
        sheet.column_dimensions[get_column_letter(number)].width = max(10, min(40, 2 * len(label) + 2))
    sheet.freeze_panes = f"A{top + 1}"
    return book_bytes(book)


def book_bytes(book: openpyxl.Workbook) -> bytes:
    """The workbook as a file without the moment of writing: the same content gives the same bytes."""
    book.properties.created = datetime(*_MOMENT)  # noqa: DTZ001 (the format has no zone)
    written = io.BytesIO()
    book.save(written)
    stream = io.BytesIO()
    with zipfile.ZipFile(written) as source, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as target:
        for member in source.infolist():
            content = source.read(member)
            if member.filename == "docProps/core.xml":
                content = re.sub(rb"(<dcterms:modified[^>]*>)[^<]*", rb"\g<1>2000-01-01T00:00:00Z", content)
            plain = zipfile.ZipInfo(member.filename, _MOMENT)
            plain.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(plain, content)
    return stream.getvalue()


def to_gpkg(frame: gpd.GeoDataFrame, *, layer: str) -> bytes:
    """The frame as a GeoPackage of one layer, written to a folder of its own and read back as bytes."""
    return layers_to_gpkg({layer: frame})


def layers_to_gpkg(frames: Mapping[str, gpd.GeoDataFrame]) -> bytes:
    """Several frames as the layers of one GeoPackage; the same content gives the same bytes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "export.gpkg"
        before = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": "2000-01-01T00:00:00.000Z"})
        try:
            for layer, frame in frames.items():
                table = frame.copy()
                for name in table.columns:
                    if name != "geometry" and table[name].dtype == object:
                        table[name] = [None if v is None else v if isinstance(v, str) else str(v) for v in table[name]]
                pyogrio.write_dataframe(
                    table.rename(columns={"fid": "fid_"}),
                    path,
                    layer=layer,
                    driver="GPKG",
                    geometry_type=_shape(table),
                )
        finally:
            pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": before})
        return path.read_bytes()


def _shape(frame: gpd.GeoDataFrame) -> str:
    kinds = {str(kind) for kind in frame.geometry.geom_type.dropna().unique()}
    if len(kinds) == 1:
        return kinds.pop()
    return "Unknown"
