"""Foreign files: what they claim to be, whole, bounded, and nothing run."""

import io
import os
import struct
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import geopandas as gpd
import openpyxl
import pyogrio
import pytest
from shapely import LineString, Point

from data.importers import import_file
from data.reading import EXAMPLE_MARK, MAX_TABLE_BYTES, OTHER_BOOKS, UPLOADED, SheetBounds, read_file
from data.store import Store
from geo.errors import ImportRefused


def refused(path: Path, *words: str, roads: bool = False) -> str:
    with pytest.raises(ImportRefused) as caught:
        read_file(path, roads=roads)
    for word in words:
        assert word in caught.value.detail, caught.value.detail
    return caught.value.detail


def sheet_bytes(*rows: list[Any]) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows or (["编号", "名称"], ["E1", "甲"]):
        sheet.append(row)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def with_part(content: bytes, name: str, change: Callable[[bytes], bytes]) -> bytes:
    """The zip with one member changed."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.infolist():
            body = old.read(member)
            new.writestr(member.filename, change(body) if member.filename == name else body)
    return stream.getvalue()


def made(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def roads(n: int = 200) -> gpd.GeoDataFrame:
    lines = [LineString([(120 + i / 1000, 32), (120.5, 32.5)]) for i in range(n)]
    return gpd.GeoDataFrame({"highway": ["primary"] * n}, geometry=lines, crs=4326)


@pytest.mark.parametrize("name", ["a.xlsx", "a.csv", "a.geojson", "a.gpkg", "a.shp", "a.zip"])
def test_empty_and_missing_files(tmp_path: Path, name: str) -> None:
    refused(tmp_path / name, "there is no such file")
    refused(made(tmp_path, name, b""), name, "the file is empty")
    (tmp_path / "folder.csv").mkdir(exist_ok=True)
    refused(tmp_path / "folder.csv", "there is no such file")


@pytest.mark.parametrize("name", ["a.txt", "a.pdf", "a", "a.parquet", "a.osm.pbf", "xlsx"])
def test_endings_that_are_not_read(tmp_path: Path, name: str) -> None:
    refused(made(tmp_path, name, b"x"), ".xlsx, .csv, .geojson")


@pytest.mark.parametrize("name", ["a.xlsx", "a.zip", "a.gpkg", "a.shp", "a.parquet", "a.osm.gz", "a.geojson"])
def test_the_content_must_be_what_the_ending_says(tmp_path: Path, name: str) -> None:
    path = made(tmp_path, name, "编号,名称\n1,甲\n".encode() * 20)
    refused(path, name, "the content is not", roads=True)


@pytest.mark.parametrize("ending", [".xlsx", ".gpkg", ".geojson", ".parquet", ".shp", ".zip"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.95, 0.999])
def test_truncated_files(tmp_path: Path, ending: str, share: float) -> None:
    path = tmp_path / f"a{ending}"
    if ending == ".xlsx":
        path.write_bytes(sheet_bytes(["a", "b"], *([i, f"{i}x"] for i in range(500))))
    elif ending == ".parquet":
        roads().to_parquet(path)
    elif ending == ".zip":
        pyogrio.write_dataframe(roads(), tmp_path / "r.shp")
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for part in tmp_path.glob("r.*"):
                archive.write(part, part.name)
    else:
        pyogrio.write_dataframe(roads(), path)
    assert len(read_file(path, roads=True).frame) > 0
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    refused(path, path.name, roads=True)


def test_a_damaged_part_of_a_whole_zip(tmp_path: Path) -> None:
    cut = with_part(sheet_bytes(), "xl/worksheets/sheet1.xml", lambda body: body[: len(body) // 2])
    refused(made(tmp_path, "a.xlsx", cut), "cannot be opened as a spreadsheet")
    refused(made(tmp_path, "b.xlsx", with_part(sheet_bytes(), "xl/workbook.xml", lambda _: b"<x/>")), "b.xlsx")
    content = bytearray(sheet_bytes())
    at = content.index(b"xl/worksheets/sheet1.xml") + 60
    content[at : at + 40] = b"\xff" * 40
    refused(made(tmp_path, "c.xlsx", bytes(content)), "c.xlsx")


def test_a_table_that_is_no_sheet(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("hello.txt", "hello")
    refused(made(tmp_path, "a.xlsx", stream.getvalue()), "cannot be opened as a spreadsheet")
    refused(made(tmp_path, "a.zip", stream.getvalue()), "holds 0 .shp files")
    refused(made(tmp_path, "b.xlsx", sheet_bytes([None])), "the first sheet is empty")


def sparse(path: Path, size: int, head: bytes = b"") -> Path:
    with path.open("wb") as stream:
        stream.write(head)
        os.truncate(path, size)
    return path


@pytest.mark.parametrize(
    "name, head, words",
    [
        ("a.csv", b"", f"at most {MAX_TABLE_BYTES:,}"),
        ("a.xlsx", b"PK\x03\x04", f"at most {MAX_TABLE_BYTES:,}"),
        ("a.geojson", b"{", f"at most {MAX_TABLE_BYTES:,}"),
        ("a.gpkg", b"", "the content is not that of a .gpkg"),
        ("a.gpkg", b"SQLite format 3\x00", "cannot be read as .gpkg"),
        ("a.shp", struct.pack(">i", 9994), "a.shp"),
    ],
)
def test_200_megabytes_of_nonsense(tmp_path: Path, name: str, head: bytes, words: str) -> None:
    refused(sparse(tmp_path / name, 200 * 2**20, head), words)


@pytest.mark.parametrize("size", [1000, 5000, 50_000_000])
def test_zeros_called_csv(tmp_path: Path, size: int) -> None:
    refused(sparse(tmp_path / "a.csv", size), "this is not a text file")


@pytest.mark.parametrize("name", ["a.xlsx", "a.zip"])
def test_zip_bomb(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("xl/worksheets/sheet1.xml" if name == "a.xlsx" else "a.shp", "w", force_zip64=True) as part,
    ):
        block = bytes(2**22)
        for _ in range(101):
            part.write(block)
    assert path.stat().st_size < 4 * 2**20
    refused(path, "unpacks to 423,624,704 bytes", "at most 419,430,400")


ENTITIES = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'


@pytest.mark.parametrize("part", ["xl/worksheets/sheet1.xml", "xl/workbook.xml", "[Content_Types].xml"])
@pytest.mark.parametrize("before", [b"", b"<!--" + b"x" * 1_100_000 + b"-->"])
def test_entity_bomb(tmp_path: Path, part: str, before: bytes) -> None:
    def change(body: bytes) -> bytes:
        at = body.index(b"?>") + 2 if body.startswith(b"<?xml") else 0
        return body[:at] + before + ENTITIES + body[at:]

    path = made(tmp_path, "a.xlsx", with_part(sheet_bytes(), part, change))
    refused(path, "a document type or entities")


def test_entity_bomb_in_utf16(tmp_path: Path) -> None:
    def change(_: bytes) -> bytes:
        return (ENTITIES.decode() + "<worksheet>&b;</worksheet>").encode("utf-16")

    path = made(tmp_path, "a.xlsx", with_part(sheet_bytes(), "xl/worksheets/sheet1.xml", change))
    refused(path, "a document type or entities")


def test_a_sheet_that_lies_about_its_size_is_read_whole(tmp_path: Path) -> None:
    def change(body: bytes) -> bytes:
        assert b'ref="A1:B3"' in body
        return body.replace(b'ref="A1:B3"', b'ref="A1"')

    content = sheet_bytes(["编号", "名称"], ["E1", "甲"], ["E2", "乙"])
    path = made(tmp_path, "a.xlsx", with_part(content, "xl/worksheets/sheet1.xml", change))
    assert read_file(path, roads=False).frame.to_numpy().tolist() == [["E1", "甲"], ["E2", "乙"]]


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
"""What an old workbook, and one that is locked with a password, begins with."""


@pytest.mark.parametrize("ending", [*OTHER_BOOKS, ".xlsx"])
def test_other_workbooks_are_told_what_to_do(tmp_path: Path, ending: str) -> None:
    refused(made(tmp_path, f"a{ending}", OLE), "save it as .xlsx without them")


def test_macros_are_not_taken_under_another_name(tmp_path: Path) -> None:
    stream = io.BytesIO(sheet_bytes())
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr("xl/vbaProject.bin", OLE)
    refused(made(tmp_path, "a.xlsx", stream.getvalue()), "macros", "save it as .xlsx without them")


def rows_below(count: int, cells: str = "") -> Callable[[bytes], bytes]:
    """Rows without values under the table, as a spreadsheet leaves them where a format was put on them."""

    def change(body: bytes) -> bytes:
        rows = "".join(f'<row r="{r}">{cells.replace("#", str(r))}</row>' for r in range(3, 3 + count))
        return body.replace(b"</sheetData>", rows.encode() + b"</sheetData>")

    return change


def test_the_bound_of_cells_counts_empty_ones_and_is_included(tmp_path: Path) -> None:
    """Two rows of two cells and three of none are 1+2, 1+2, 1, 1, 1."""
    path = made(tmp_path, "a.xlsx", with_part(sheet_bytes(), "xl/worksheets/sheet1.xml", rows_below(3)))
    assert len(read_file(path, roads=False, bounds=SheetBounds(cells=9)).frame) == 1
    with pytest.raises(ImportRefused, match="more than 8 cells, empty ones included, in 5 rows; delete the empty rows"):
        read_file(path, roads=False, bounds=SheetBounds(cells=8))


@pytest.mark.parametrize(
    "part",
    [
        rows_below(1_000_000),
        rows_below(100_000, '<c r="A#" s="0"/><c r="T#" s="0"/>'),
        lambda body: body.replace(b"</sheetData>", b'<row r="1048576"><c r="XFD1048576"/></row></sheetData>'),
    ],
    ids=["a million empty rows", "formatted rows", "one cell in the farthest corner"],
)
def test_endless_sheets_end(tmp_path: Path, part: Callable[[bytes], bytes]) -> None:
    path = made(tmp_path, "a.xlsx", with_part(sheet_bytes(), "xl/worksheets/sheet1.xml", part))
    with pytest.raises(ImportRefused, match=r"more than 500,000 cells|unpacks to"):
        read_file(path, roads=False, bounds=UPLOADED)


FORMULAS = {
    '<c r="B3" t="str"><f>1+1</f><v>2</v></c>': "=1+1",
    '<c r="B3"><f t="array" ref="B3:B3">SUM(1)</f><v>1</v></c>': "=SUM(1)",
    '<c r="B3"><f t="shared" ref="B3:B9" si="0">1+1</f><v>2</v></c>': "=1+1",
    '<c r="B3"><f t="shared" si="0"/><v>2</v></c>': "=",
    '<c r="B3"><f t="dataTable" ref="B3:B4" dt2D="1" dtr="1" r1="A1" r2="A2"/><v>2</v></c>': "=",
    '<c r="B3"><f></f><v>2</v></c>': "=",
}
"""Cells that are computed, each with the value that was computed last."""


@pytest.mark.parametrize("cell", FORMULAS)
def test_no_formula_is_taken_for_the_value_it_last_had(tmp_path: Path, cell: str) -> None:
    row = f'<row r="3"><c r="A3" t="inlineStr"><is><t>E9</t></is></c>{cell}</row></sheetData>'.encode()
    content = with_part(sheet_bytes(), "xl/worksheets/sheet1.xml", lambda body: body.replace(b"</sheetData>", row))
    with pytest.raises(ImportRefused) as caught:
        read_file(made(tmp_path, "a.xlsx", content), roads=False)
    assert caught.value.rows == [
        {"row": 2, "column": "名称", "value": FORMULAS[cell], "expected": "a value, not a formula", "line": 3}
    ]


def test_lines_skip_the_example_and_blank_rows(tmp_path: Path) -> None:
    rows: list[list[Any]] = [["编号", "名称"], [EXAMPLE_MARK, "名称"], ["E1", "甲"], [None, " "], ["E2", None]]
    raw = read_file(made(tmp_path, "a.xlsx", sheet_bytes(*rows)), roads=False)
    assert raw.frame["编号"].tolist() == ["E1", "E2"]
    assert raw.lines == (3, 5)
    assert "1 example rows" in raw.notices[0]
    text = f'编号,名称\n{EXAMPLE_MARK},x\n\nE1,"甲\n厂"\nE2,乙\n'
    raw = read_file(made(tmp_path, "a.csv", text.encode()), roads=False)
    assert raw.frame["名称"].tolist() == ["甲\n厂", "乙"]
    assert raw.lines == (4, 6)


def test_a_row_whose_id_begins_like_the_example_is_no_example(tmp_path: Path) -> None:
    raw = read_file(made(tmp_path, "a.csv", "名称\n示例村\n".encode()), roads=False)
    assert raw.frame["名称"].tolist() == ["示例村"]


@pytest.mark.parametrize(
    "content, words",
    [
        (b"{", "not whole JSON"),
        (b"{}", "expected a GeoJSON FeatureCollection"),
        (b'{"type": "Point", "coordinates": [1, 2]}', "expected a GeoJSON FeatureCollection"),
        (b'{"a":' * 100_000, "not whole JSON"),
    ],
)
def test_geojson_that_is_none(tmp_path: Path, content: bytes, words: str) -> None:
    path = made(tmp_path, "a.geojson", content)
    refused(path, words)


@pytest.mark.parametrize("features", ["[]", "7", "[null]", '[{"type": "Feature"}]'])
def test_geojson_of_nothing(tmp_path: Path, features: str) -> None:
    path = made(tmp_path, "a.geojson", f'{{"type": "FeatureCollection", "features": {features}}}'.encode())
    with pytest.raises(ImportRefused), Store.create(tmp_path / "d.gpkg", name="x", epsg=4549) as store:
        import_file(store, "enterprises", path, now_utc=datetime(2026, 7, 1, tzinfo=UTC))


def test_csv_that_is_none(tmp_path: Path) -> None:
    refused(made(tmp_path, "a.csv", "编号,名称".encode("utf-16")), "not a text file")
    refused(made(tmp_path, "a.csv", b"\xff\xff\xff"), "neither UTF-8 nor GB18030")
    refused(made(tmp_path, "a.csv", b"\r\n , \r\n"), "the file is empty")
    refused(made(tmp_path, "a.csv", b"a,b\n" + b"x" * 2_000_000 + b",1"), "not a CSV table")


def test_shapefile_without_its_parts(tmp_path: Path) -> None:
    pyogrio.write_dataframe(roads(3), tmp_path / "a.shp")
    (tmp_path / "a.dbf").unlink()
    refused(tmp_path / "a.shp", "the file .dbf that belongs to the shapefile is missing", roads=True)


def test_two_layers_and_two_shapefiles(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    pyogrio.write_dataframe(roads(2), path, layer="a")
    pyogrio.write_dataframe(roads(2), path, layer="b", append=True)
    refused(path, "2 layers with geometry (a, b); expected one", roads=True)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.shp", "x")
        archive.writestr("b.SHP", "x")
    refused(tmp_path / "a.zip", "holds 2 .shp files")


def test_nothing_is_unpacked_outside(tmp_path: Path) -> None:
    inner = tmp_path / "in"
    inner.mkdir()
    pyogrio.write_dataframe(roads(2), inner / "a.shp")
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for part in inner.iterdir():
            archive.write(part, f"../../{part.name}")
    assert len(read_file(path, roads=True).frame) == 2
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.zip", "in"]


def test_crs_of_the_file(tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame({"a": [1]}, geometry=[Point(120.86, 32.01)], crs="OGC:CRS84")
    frame.to_parquet(tmp_path / "a.parquet")
    assert read_file(tmp_path / "a.parquet", roads=True).crs == "EPSG:4326"
    pyogrio.write_dataframe(frame.to_crs(4549), tmp_path / "a.shp")
    assert read_file(tmp_path / "a.shp", roads=True).crs == "EPSG:4549"
