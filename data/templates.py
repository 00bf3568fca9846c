"""The empty sheet of a kind: Chinese headers with units, drop-downs, an example row, help."""

from typing import Any

import openpyxl
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation

from data.exporters import book_bytes
from data.kinds import KINDS, Column, Kind
from data.reading import CRS_LABEL, EXAMPLE_MARK, SETTINGS_SHEET
from geo.errors import InputError

ROWS = 5000
"""Rows that carry the drop-downs."""

_CRS_CHOICES = ("EPSG:4490", "EPSG:4326", "EPSG:4549", "GCJ-02", "BD-09")
_HEAD = PatternFill("solid", fgColor="1F4E79")
_REQUIRED = PatternFill("solid", fgColor="C00000")
_EXAMPLE = Font(italic=True, color="808080")


def template_xlsx(kind: str) -> bytes:
    """The sheet that a clerk fills in for `kind`; the example row is skipped on import."""
    if kind not in KINDS:
        raise InputError(f"kind={kind}: expected one of {', '.join(KINDS)}")
    declared = KINDS[kind]
    if not declared.from_sheet:
        raise InputError(f"kind={kind}: it has no sheet; it is brought in as GeoTIFF or NetCDF files")
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = declared.zh.replace("/", "")[:31]
    lists = book.create_sheet("选项")
    columns = list(declared.columns)
    has_place = "Point" in declared.geometry
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
    example = [_example(column) for column in columns] + ([120.86, 32.01] if has_place else [])
    example[0] = EXAMPLE_MARK
    for number, value in enumerate(example, start=1):
        sheet.cell(2, number, value).font = _EXAMPLE
    for number, column in enumerate(columns, start=1):
        _prepare(sheet, lists, number, column)
    sheet.freeze_panes = "A2"
    sheet.row_dimensions[1].height = 32
    _settings(book, declared)
    _help(book, declared)
    lists.sheet_state = "hidden"
    return book_bytes(book)


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
    area = f"{letter}3:{letter}{ROWS}"
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


def _settings(book: Any, kind: Kind) -> None:
    if "Point" not in kind.geometry:
        return
    sheet = book.create_sheet(SETTINGS_SHEET)
    sheet["A1"] = f"{CRS_LABEL} CRS"
    sheet["B1"] = _CRS_CHOICES[0]
    sheet["A2"] = "EPSG:4490 = CGCS2000, 天地图和测绘成果; EPSG:4326 = WGS 84, GPS; GCJ-02 = 高德、腾讯; BD-09 = 百度"
    rule = DataValidation("list", formula1='"' + ",".join(_CRS_CHOICES) + '"')
    rule.add("B1")
    sheet.add_data_validation(rule)
    sheet.column_dimensions["A"].width = 18
    sheet.column_dimensions["B"].width = 16


def _help(book: Any, kind: Kind) -> None:
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
    if "Point" in kind.geometry and not kind.geometry_required:
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
