"""The sheet of a kind, empty or with what is there: Chinese headers with units, drop-downs, help."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import openpyxl
import pandas as pd
import shapely
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation

from data.exporters import book_bytes, neutralised
from data.kinds import KINDS, Column, Kind
from data.reading import CRS_LABEL, EXAMPLE_MARK, SETTINGS_SHEET
from data.schema import stored_name
from geo.errors import InputError

ROWS = 5000
"""Rows that carry the drop-downs."""

_CRS_CHOICES = ("EPSG:4490", "EPSG:4326", "EPSG:4549", "GCJ-02", "BD-09")
_HEAD = PatternFill("solid", fgColor="1F4E79")
_REQUIRED = PatternFill("solid", fgColor="C00000")
_EXAMPLE = Font(italic=True, color="808080")


def template_xlsx(kind: str | Kind) -> bytes:
    """The sheet that a clerk fills in for `kind`; the example row is skipped on import.

    A kind that is not stored is given itself.
    """
    declared = kind if isinstance(kind, Kind) else _declared(kind)
    columns = list(declared.columns)
    example = [_example(column) for column in columns] + ([120.86, 32.01] if "Point" in declared.geometry else [])
    example[0] = EXAMPLE_MARK
    book = _book(declared, columns, has_place="Point" in declared.geometry, crs=_CRS_CHOICES[0])
    for number, value in enumerate(example, start=1):
        book.worksheets[0].cell(2, number, value).font = _EXAMPLE
    return book_bytes(book)


def filled_xlsx(kind: str, frame: pd.DataFrame, *, zone: ZoneInfo, warning: str = "") -> bytes:
    """The sheet of `kind` with the rows of its table: to be changed and imported again.

    Imported as it is it changes nothing. Times are those of `zone`, with their offset. The place of what
    reports it by itself is left out, so that an older sheet does not set it back.
    """
    declared = _declared(kind)
    if set(declared.geometry) - {"Point"}:
        raise InputError(f"kind={kind}: its shapes do not fit into a sheet; export its layer as gpkg or geojson")
    columns = [column for column in declared.columns if not (declared.reports_place and column.name == "position_utc")]
    has_place = bool(declared.geometry) and not declared.reports_place
    book = _book(declared, columns, has_place=has_place, crs="EPSG:4326")
    cells = [[_cell(value, column, zone) for value in frame[stored_name(column)].tolist()] for column in columns]
    if has_place:
        cells += _degrees(frame)
    sheet = book.worksheets[0]
    if warning:
        sheet.title = f"{warning.split(',')[0]} {sheet.title}"[:31]
        sheet.sheet_properties.tabColor = _REQUIRED.fgColor
        sheet.oddHeader.center.text = warning
    for row, values in enumerate(zip(*cells, strict=True), start=2):
        for number, value in enumerate(values, start=1):
            if value is not None:
                cell = sheet.cell(row, number, value)
                if isinstance(value, str):
                    cell.data_type, cell.number_format = "s", "@"
    return book_bytes(book)


def _declared(kind: str) -> Kind:
    if kind not in KINDS:
        raise InputError(f"kind={kind}: expected one of {', '.join(KINDS)}")
    if not KINDS[kind].from_sheet:
        raise InputError(f"kind={kind}: it has no sheet; it is brought in as GeoTIFF or NetCDF files")
    return KINDS[kind]


def _book(declared: Kind, columns: Sequence[Column], *, has_place: bool, crs: str) -> openpyxl.Workbook:
    """A workbook with the headers of the columns, without rows."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = declared.zh.replace("/", "")[:31]
    lists = book.create_sheet("选项")
    headers: list[tuple[str, str, bool]] = [
        (_header(column), column.help_zh or column.en, column.required) for column in columns
    ]
    if has_place:
        headers += [
            ("经度", "十进制度, 例如 120.860000", declared.geometry_required),
            ("纬度", "十进制度, 例如 32.010000", declared.geometry_required),
        ]
    for number, (title, help_text, required) in enumerate(headers, start=1):
        cell = sheet.cell(1, number, title)
        cell.font = Font(bold=True, color="FFFFFF")
        cell.fill = _REQUIRED if required else _HEAD
        cell.alignment = Alignment(wrap_text=True, vertical="center", horizontal="center")
        cell.comment = Comment(help_text, "onemap")
        letter = get_column_letter(number)
        sheet.column_dimensions[letter].width = max(12, 2 * len(title) + 2)
    for number, column in enumerate(columns, start=1):
        _prepare(sheet, lists, number, column)
    sheet.freeze_panes = "A2"
    sheet.row_dimensions[1].height = 32
    if has_place:
        _settings(book, crs)
    _help(book, declared, has_place=has_place)
    lists.sheet_state = "hidden"
    return book


def _cell(value: Any, column: Column, zone: ZoneInfo) -> Any:
    """A stored value as the sheet has it; None for nothing."""
    if value is None or pd.isna(value):
        return None
    if column.type == "quantity":
        exact = Decimal(int(value)) / 1000
        return int(exact) if exact == exact.to_integral_value() else exact
    if column.type in ("integer", "number"):
        return int(value) if float(value).is_integer() else float(value)
    if column.type == "boolean":
        return "是" if value else "否"
    if column.type == "datetime":
        return datetime.fromisoformat(str(value)).astimezone(zone).isoformat(sep=" ")
    titles = {choice.code: choice.zh for choice in column.choices}
    text = ";".join(titles.get(code, code) for code in str(value).split(";")) if titles else str(value)
    return neutralised(text)


def _degrees(frame: pd.DataFrame) -> list[list[float | None]]:
    """Longitude and latitude of points, empty where a row has no place."""
    shapes = frame["geometry"].to_numpy(dtype=object)
    there = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    return [
        [float(value) if known else None for value, known in zip(axis(shapes), there, strict=True)]
        for axis in (shapely.get_x, shapely.get_y)
    ]


def _header(column: Column) -> str:
    return f"{column.zh}({column.unit})" if column.unit else column.zh


def _example(column: Column) -> Any:
    if column.choices:
        return column.choices[0].zh
    if column.type in ("integer", "number", "quantity"):
        return 100 if (column.maximum or 1000) >= 100 else 1
    return {
        "date": "2027-12-31",
        "datetime": "2026-07-01 08:00",
        "duty": "08:00-18:00",
        "boolean": "是",
    }.get(column.type, column.zh)


def _prepare(sheet: Any, lists: Any, number: int, column: Column) -> None:
    """Text format for ids (leading zeros stay), drop-downs for choices, bounds for numbers."""
    letter = get_column_letter(number)
    area = f"{letter}2:{letter}{ROWS}"
    options = [choice.zh for choice in column.choices] or (["是", "否"] if column.type == "boolean" else [])
    if options:
        for row, option in enumerate(options, start=1):
            lists.cell(row, number, option)
        rule = DataValidation("list", formula1=f"='{lists.title}'!${letter}$1:${letter}${len(options)}")
        # Several values joined by ; are allowed in a multiple choice, so the list only advises there.
        rule.errorStyle = "warning" if column.type == "choices" else "stop"
        rule.add(area)
        sheet.add_data_validation(rule)
    elif column.minimum is not None:
        kind = "whole" if column.type == "integer" else "decimal"
        rule = DataValidation(
            type=kind, operator="between", formula1=f"{column.minimum:g}", formula2=f"{column.maximum:.0f}"
        )
        rule.add(area)
        sheet.add_data_validation(rule)
    elif column.type == "text":
        sheet.column_dimensions[letter].number_format = "@"
        for row in range(3, 203):
            sheet.cell(row, number).number_format = "@"


def _settings(book: Any, crs: str) -> None:
    sheet = book.create_sheet(SETTINGS_SHEET)
    sheet["A1"] = f"{CRS_LABEL} CRS"
    sheet["B1"] = crs
    sheet["A2"] = "EPSG:4490 = CGCS2000, 天地图和测绘成果; EPSG:4326 = WGS 84, GPS; GCJ-02 = 高德、腾讯; BD-09 = 百度"
    rule = DataValidation("list", formula1='"' + ",".join(_CRS_CHOICES) + '"')
    rule.add("B1")
    sheet.add_data_validation(rule)
    sheet.column_dimensions["A"].width = 18
    sheet.column_dimensions["B"].width = 16


def _help(book: Any, kind: Kind, *, has_place: bool) -> None:
    sheet = book.create_sheet("说明")
    sheet.append(["列", "column", "必填 required", "单位 unit", "可填 allowed", "说明 help"])
    for cell in sheet[1]:
        cell.font = Font(bold=True)
    for column in kind.columns:
        allowed = "; ".join(f"{c.zh} ({c.code})" for c in column.choices)
        if column.type == "choices":
            allowed += " —— 可多选, 用分号隔开; several joined by ;"
        if column.minimum is not None:
            allowed = f"{column.minimum:,.10g} – {column.maximum:,.10g}"
        sheet.append(
            [
                column.zh,
                column.name,
                "是 yes" if column.required else "",
                column.unit,
                allowed,
                " / ".join(t for t in (column.help_zh, column.help_en) if t),
            ]
        )
    if has_place and not kind.geometry_required:
        sheet.append(
            [
                "经度, 纬度",
                "lon, lat",
                "",
                "°",
                "",
                "没有坐标时填地址, 以后落点; empty: to be placed by address",
            ]
        )
    for letter, width in zip("ABCDEF", (16, 18, 14, 10, 60, 40), strict=True):
        sheet.column_dimensions[letter].width = width
