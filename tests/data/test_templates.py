"""Templates: each opens, is filled in, and comes back as it was filled in."""

import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import geopandas as gpd
import openpyxl
import pandas as pd
import pytest
import shapely

from data.checking import match_columns
from data.importers import ImportReport, import_file, import_frame
from data.kinds import KINDS, Column
from data.reading import EXAMPLE_MARK, SETTINGS_SHEET
from data.store import Store
from data.templates import filled_xlsx, template_xlsx
from geo.crs import to_metric, wgs84_to_gcj02
from geo.errors import ImportRefused, InputError

NOW = datetime(2026, 7, 1, tzinfo=UTC)
LON, LAT = 120.86, 32.01
SHEETS = sorted(name for name, kind in KINDS.items() if kind.from_sheet)

FILLED: dict[str, dict[str, Any]] = {
    "villages": {"编号": "001", "名称": "东村", "街道": "城东", "常住人口(人)": 1200, "经度": LON, "纬度": LAT},
    "enterprises": {"编号": "002", "名称": "甲厂", "类别": "危险化学品", "风险等级": "重大", "经度": LON, "纬度": LAT},
    "depots": {"编号": "003", "名称": "库", "级别": "街道", "容积(m3)": 12.5, "经度": LON, "纬度": LAT},
    "items": {"编号": "004", "名称": "沙袋", "计量单位": "只"},
    "lots": {"仓库编号": "003", "物资编号": "004", "批号": "A", "数量": 100, "状态": "可用", "有效期至": "2027-12-31"},
    "teams": {
        "编号": "005",
        "名称": "队",
        "类型": "消防站",
        "能力": "灭火;防汛排涝",
        "出动时间(s)": 60,
        "值班时段": "24h",
    },
    "shelters": {"编号": "006", "名称": "园", "类别": "中心", "室内": "否", "可容纳人数(人)": 500},
    "hospitals": {"编号": "007", "名称": "院", "床位(张)": 50, "地址": "路1号"},
    "cells": {"编号": "008", "人口(人)": 5, "经度": LON, "纬度": LAT},
    "substances": {"企业编号": "002", "物质名称": "氨", "设计最大量(t)": 1.5},
    "closures": {"编号": "009", "原因": "积水", "开始时间": "2026-07-01 08:00", "经度": LON, "纬度": LAT},
    "waterlogging_spots": {"编号": "010", "名称": "桥下", "积水深度(m)": 0.4, "经度": LON, "纬度": LAT},
    "storm_tracks": {
        "台风编号": "T01",
        "时间": "2022-09-14T12:00Z",
        "最大风速(m/s)": 38,
        "经度": 128.5,
        "纬度": 24.0,
    },
    "capacity": {"街道": "城东", "年份": 2025, "灾害管理工作人员(人)": 7, "开展风险评估": "是"},
    "lifelines": {"编号": "012", "名称": "站", "类型": "排涝泵站", "经度": LON, "纬度": LAT},
    "hidden_dangers": {"编号": "013", "名称": "坡", "灾种": "地质", "影响半径(m)": 80, "经度": LON, "纬度": LAT},
    "parameters": {
        "版本": "2026.1",
        "代码": "typhoon.b",
        "数值": 1.3,
        "来历": "建议(待核对)",
        "生效日期": "2026-01-01",
    },
    "zoning_corrections": {"方案": "natural", "区划单元": "G-1", "等级": 4, "理由": "现场核查"},
}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.create(tmp_path / "d.gpkg", name="试", epsg=4549) as made:
        yield made


def opened(kind: str) -> Any:
    return openpyxl.load_workbook(io.BytesIO(template_xlsx(kind)))


def filled(folder: Path, kind: str, *rows: dict[str, Any], crs: str | None = None) -> Path:
    book = opened(kind)
    sheet = book.worksheets[0]
    at = {cell.value: cell.column for cell in sheet[1]}
    for number, row in enumerate(rows, start=3):
        for header, value in row.items():
            sheet.cell(number, at[header], value)
    if crs is not None:
        book[SETTINGS_SHEET]["B1"] = crs
    path = folder / f"{kind}.xlsx"
    book.save(path)
    return path


def bring(store: Store, kind: str, path: Path) -> ImportReport:
    return import_file(store, kind, path, now_utc=NOW)


@pytest.mark.parametrize("kind", SHEETS)
def test_every_template_opens_and_its_headers_are_read(kind: str) -> None:
    book = opened(kind)
    headers = [cell.value for cell in book.worksheets[0][1]]
    found, unused = match_columns(headers, KINDS[kind])
    assert unused == []
    wanted = {column.name for column in KINDS[kind].columns}
    assert set(found) == wanted | ({"lon", "lat"} if "Point" in KINDS[kind].geometry else set())
    assert book.worksheets[0]["A2"].value == EXAMPLE_MARK
    assert "说明" in book.sheetnames


@pytest.mark.parametrize("kind", SHEETS)
def test_drop_downs(kind: str) -> None:
    book = opened(kind)
    rules = book.worksheets[0].data_validations.dataValidation
    wanted = sum(bool(c.choices) or c.type == "boolean" for c in KINDS[kind].columns)
    assert sum(rule.type == "list" for rule in rules) == wanted
    for number, column in enumerate(KINDS[kind].columns, start=1):
        listed = [cell.value for cell in book["选项"][openpyxl.utils.get_column_letter(number)] if cell.value]
        assert listed == ([c.zh for c in column.choices] or (["是", "否"] if column.type == "boolean" else []))


def test_the_same_template_is_the_same_bytes() -> None:
    assert template_xlsx("teams") == template_xlsx("teams")


def test_unknown_kind() -> None:
    with pytest.raises(InputError, match="kind=dragons: expected one of boundary"):
        template_xlsx("dragons")


def test_rasters_have_no_sheet() -> None:
    with pytest.raises(InputError, match="kind=rasters: it has no sheet; it is brought in as GeoTIFF or NetCDF"):
        template_xlsx("rasters")


def test_filled_in_and_imported(store: Store, tmp_path: Path) -> None:
    for kind, row in FILLED.items():
        path = filled(tmp_path, kind, row)
        report = bring(store, kind, path)
        assert (report.rows, report.inserted) == (1, 1), kind
        assert "1 example rows of the template are not imported" in report.notices
        revision = store.revision()
        assert bring(store, kind, path).unchanged == 1
        assert store.revision() == revision
    assert store.frame("village")[["id", "street", "persons"]].to_numpy().tolist() == [["001", "城东", 1200]]
    assert store.frame("team")["skills"].tolist() == ["firefighting;flood"]
    assert store.frame("lot")["on_hand_e3"].tolist() == [100_000]
    assert store.frame("enterprise")["source_datum"].tolist() == ["EPSG:4490"]
    assert store.frame("closure")["from_utc"].tolist()[0].startswith("2026-07-01T00:00")


@pytest.mark.parametrize("kind", SHEETS)
def test_a_template_as_it_is_has_no_rows(store: Store, tmp_path: Path, kind: str) -> None:
    before = store.revision()
    with pytest.raises(ImportRefused, match="no data rows"):
        bring(store, kind, filled(tmp_path, kind))
    assert store.revision() == before


def test_the_crs_of_the_settings_sheet(store: Store, tmp_path: Path) -> None:
    lon, lat = wgs84_to_gcj02([(LON, LAT)])[0]
    row = FILLED["enterprises"] | {"经度": float(lon), "纬度": float(lat)}
    bring(store, "enterprises", filled(tmp_path, "enterprises", row, crs="GCJ-02"))
    found = store.frame("enterprise")
    away = to_metric(shapely.get_coordinates(found.geometry.to_numpy()), epsg=4549) - to_metric([(LON, LAT)], epsg=4549)
    assert abs(away).max() < 0.5
    assert found["source_datum"].tolist() == ["GCJ-02"]
    metric = to_metric([(LON, LAT)], epsg=4549)[0]
    row = FILLED["depots"] | {"经度": float(metric[0]), "纬度": float(metric[1])}
    bring(store, "depots", filled(tmp_path, "depots", row, crs="EPSG:4549"))
    assert store.frame("depot").geometry.iloc[0].distance(shapely.Point(LON, LAT)) < 1e-7


def test_the_row_number_is_that_of_the_clerk(store: Store, tmp_path: Path) -> None:
    path = filled(tmp_path, "items", FILLED["items"], {"编号": "010", "计量单位": "只"})
    with pytest.raises(ImportRefused) as caught:
        bring(store, "items", path)
    assert "data row 2 (line 4 of the file), name: '', expected a value" in caught.value.detail


# -- what is there, out and in ----------------------------------------------------------------------

POINTS = [name for name in SHEETS if not set(KINDS[name].geometry) - {"Point"}]
"""The kinds that fit into a sheet."""

NASTY = [
    "=1+1",
    "+86 138 0000",
    "-",
    "@SUM(A1)",
    "'=1",
    "007",
    "<script>alert(1)</script>",
    "1,000",
    "TRUE",
    "2027-1-1",
]
"""Texts that a spreadsheet would run, or take for something else."""


def a_value(column: Column, number: int) -> Any:
    """Some value of a column, another one in each row."""
    if column.choices:
        codes = [choice.code for choice in column.choices]
        return ";".join(codes[:2]) if column.type == "choices" else codes[number % len(codes)]
    if column.type in ("number", "quantity"):
        least = column.minimum or 0
        return min(least + number + 0.125, column.maximum or 1e9)
    return {
        "integer": int(column.minimum or 0) + number % 2,
        "boolean": bool(number % 2),
        "date": f"2027-01-{number + 10}",
        "datetime": f"2026-07-01T{number + 10:02}:00:00.123Z",
        "duty": "1-5 08:00-18:00",
        "text": NASTY[number % len(NASTY)],
    }[column.type]


def fill(store: Store, kind: str, count: int = 10) -> None:
    """Rows with a value in every column, and what they refer to; the last one has only what it must have."""
    declared = KINDS[kind]
    known = {
        column.references: store.frame(column.references.split(".")[0])[column.references.split(".")[1]].tolist()
        for column in declared.columns
        if column.references
    }
    rows = [
        {
            column.name: known[column.references][number] if column.references else a_value(column, number)
            for column in declared.columns
            if column.required or number < count - 1
        }
        for number in range(count)
    ]
    for number, row in enumerate(rows):
        if "id" in row:
            row["id"] = f"{kind}-{NASTY[number]}"
        for low, high in declared.ordered:
            if row.get(low) is not None:
                row[high] = row[low]
        row |= {"reserved": 0, "on_hold": 0, "quantity": number} if kind == "lots" else {}  # of a unit without parts
    frame = pd.DataFrame(rows).astype(object)
    frame = frame.where(frame.notna(), None)
    if declared.geometry:
        places = [shapely.Point(LON + number / 7000, LAT) for number in range(count)]
        if not declared.geometry_required:
            places[-1] = None
        frame = gpd.GeoDataFrame(frame, geometry=places, crs=4326)
    import_frame(store, kind, frame, source="t", source_datum="EPSG:4326", now_utc=NOW, force=True)


@pytest.mark.parametrize("kind", POINTS)
def test_what_goes_out_comes_back_as_it_was(store: Store, tmp_path: Path, kind: str) -> None:
    needed: list[str] = []

    def need(name: str) -> None:
        for column in KINDS[name].columns:
            table = column.references.split(".")[0]
            if table == "street":
                need("villages")
            elif table:
                need(next(k for k, found in KINDS.items() if found.table == table))
        if name not in needed:
            needed.append(name)

    need(kind)
    for name in needed:
        fill(store, name)
    frame = store.frame(KINDS[kind].table)
    assert len(frame) == 10
    path = tmp_path / f"{kind}.xlsx"
    path.write_bytes(filled_xlsx(kind, frame, zone=store.district.zone))
    cells = [cell for row in openpyxl.load_workbook(path).worksheets[0] for cell in row]
    assert [cell.coordinate for cell in cells if cell.data_type == "f"] == []
    revision = store.revision()
    report = bring(store, kind, path)
    assert (report.rows, report.inserted, report.updated, report.unchanged) == (10, 0, 0, 10)
    assert store.revision() == revision
    assert filled_xlsx(kind, frame, zone=store.district.zone) == path.read_bytes()


def test_an_older_sheet_does_not_set_vehicles_back(store: Store, tmp_path: Path) -> None:
    for kind in ("depots", "vehicles"):
        fill(store, kind)
    path = tmp_path / "v.xlsx"
    path.write_bytes(filled_xlsx("vehicles", store.frame("vehicle"), zone=store.district.zone))
    head = [cell.value for cell in openpyxl.load_workbook(path).worksheets[0][1]]
    assert not {"经度", "纬度", "定位时间"} & set(head)
    with store.writing() as conn:
        conn.exec_driver_sql("UPDATE vehicle SET position_utc = '2026-07-02T00:00:00.000Z'")
    assert bring(store, "vehicles", path).updated == 0
    assert set(store.frame("vehicle")["position_utc"]) == {"2026-07-02T00:00:00.000Z"}


def test_shapes_do_not_fit_into_a_sheet(store: Store) -> None:
    with pytest.raises(InputError, match="kind=villages: its shapes do not fit into a sheet; export its layer"):
        filled_xlsx("villages", store.frame("village"), zone=store.district.zone)
