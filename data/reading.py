"""Foreign files to raw frames: bounded, checked to be what they claim, nothing run, nothing guessed."""

import csv
import io
import json
import tempfile
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas as gpd
import openpyxl
import pandas as pd
import pyogrio

from data.osm import read_osm
from geo.errors import ImportRefused

MAX_TABLE_BYTES = 100 * 2**20
MAX_SPATIAL_BYTES = 2 * 2**30
MAX_UNPACKED_BYTES = 400 * 2**20
MAX_PACK_RATIO = 200
"""Bounds of what is opened at all; a spreadsheet of 100,000 rows is about 10 MiB."""

EXAMPLE_MARK = "示例(此行不导入)"
"""A template's example row has this in its first cell and is skipped."""

SETTINGS_SHEET = "设置"
CRS_LABEL = "坐标系"

TABLE_FORMATS = (".xlsx", ".csv", ".geojson", ".json", ".gpkg", ".shp", ".zip")
ROAD_FORMATS = (".pbf", ".osm", ".osm.gz", ".parquet", ".geoparquet")


@dataclass(frozen=True)
class RawFrame:
    """A file as it was found: values untouched, geometry where the file has it.

    `row` counts data rows from 1, headers excluded; `crs` is the EPSG text of the file's CRS, or
    the one that a template names.
    """

    frame: pd.DataFrame
    geometry: Any = None
    crs: str | None = None
    notices: tuple[str, ...] = field(default=())


def read_file(path: Path, *, roads: bool) -> RawFrame:
    """Read one file by its content and its ending; ImportRefused says what was expected."""
    if not path.is_file():
        raise ImportRefused(f"file={path}: there is no such file")
    size = path.stat().st_size
    if size == 0:
        raise ImportRefused(f"{path.name}: the file is empty")
    name = path.name.lower()
    formats = (*TABLE_FORMATS, *ROAD_FORMATS) if roads else TABLE_FORMATS
    ending = next((e for e in sorted(formats, key=len, reverse=True) if name.endswith(e)), None)
    if ending is None:
        raise ImportRefused(f"{path.name}: this kind is read from {', '.join(formats)}")
    limit = MAX_TABLE_BYTES if ending in (".xlsx", ".csv", ".geojson", ".json", ".zip") else MAX_SPATIAL_BYTES
    if roads and ending in (".geojson", ".json", ".zip"):
        limit = MAX_SPATIAL_BYTES
    if size > limit:
        raise ImportRefused(f"{path.name}: {size:,} bytes; a {ending} file may have at most {limit:,}")
    _require_magic(path, ending)
    if ending in (".pbf", ".osm", ".osm.gz"):
        frame, notices = read_osm(path)
        return _spatial(frame, "EPSG:4326", tuple(notices))
    if ending == ".xlsx":
        return _read_xlsx(path)
    if ending == ".csv":
        return _read_csv(path)
    if ending in (".parquet", ".geoparquet"):
        return _read_parquet(path)
    return _read_vector(path, ending)


def _require_magic(path: Path, ending: str) -> None:
    with path.open("rb") as stream:
        head = stream.read(64)
    wanted = {
        ".xlsx": b"PK\x03\x04",
        ".zip": b"PK\x03\x04",
        ".gpkg": b"SQLite format 3\x00",
        ".parquet": b"PAR1",
        ".geoparquet": b"PAR1",
        ".shp": b"\x00\x00\x27\x0a",
        ".osm.gz": b"\x1f\x8b",
    }.get(ending)
    if wanted is not None and not head.startswith(wanted):
        raise ImportRefused(f"{path.name}: the content is not that of a {ending} file; save it again as {ending}")
    if ending in (".geojson", ".json") and not head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        raise ImportRefused(f"{path.name}: the content is not GeoJSON; it must begin with {{")
    if ending in (".xlsx", ".zip"):
        _require_no_bomb(path)


def _require_no_bomb(path: Path) -> None:
    """Sizes are read from the directory and checked while unpacking XML parts for entities."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            total = sum(member.file_size for member in members)
            packed = max(1, sum(member.compress_size for member in members))
            if total > MAX_UNPACKED_BYTES or (total > 20 * 2**20 and total / packed > MAX_PACK_RATIO):
                raise ImportRefused(
                    f"{path.name}: unpacks to {total:,} bytes from {packed:,}; "
                    f"at most {MAX_UNPACKED_BYTES:,} and {MAX_PACK_RATIO} times are opened"
                )
            for member in members:
                if member.filename.endswith((".xml", ".rels", ".vml")):
                    with archive.open(member) as part:
                        head = part.read(65_536)
                    if b"<!DOCTYPE" in head or b"<!ENTITY" in head:
                        raise ImportRefused(
                            f"{path.name}: {member.filename} has a document type or entities; save it anew"
                        )
    except (zipfile.BadZipFile, EOFError, OSError, RuntimeError) as error:
        raise ImportRefused(f"{path.name}: not a whole file ({error}); save or copy it again") from error


def _read_xlsx(path: Path) -> RawFrame:
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=False)
    except Exception as error:  # openpyxl raises many kinds on damaged files
        raise ImportRefused(f"{path.name}: cannot be opened as a spreadsheet; save it again as .xlsx") from error
    crs = None
    if SETTINGS_SHEET in book.sheetnames:
        for row in book[SETTINGS_SHEET].iter_rows(max_row=50, values_only=True):
            if row and row[0] is not None and str(row[0]).startswith(CRS_LABEL) and len(row) > 1 and row[1]:
                crs = str(row[1]).split(" ")[0].strip()
    sheet = book[book.sheetnames[0]]
    rows: list[list[Any]] = []
    formulas: list[dict[str, object]] = []
    head: list[str] | None = None
    for number, cells in enumerate(sheet.iter_rows()):
        values = [cell.value for cell in cells]
        if all(v is None or v == "" for v in values):
            continue
        if head is None:
            head = ["" if v is None else str(v).strip() for v in values]
            continue
        if str(values[0] or "").startswith(EXAMPLE_MARK):
            continue
        for column, cell in zip(head, cells, strict=False):
            if cell.data_type == "f":
                formulas.append(
                    {
                        "row": number,
                        "column": column,
                        "value": str(cell.value),
                        "expected": "a value, not a formula",
                    }
                )
        rows.append(values)
    book.close()
    if head is None:
        raise ImportRefused(f"{path.name}: the first sheet is empty; expected a header row")
    if formulas:
        raise ImportRefused(f"{path.name}: {len(formulas)} cells hold formulas; paste them as values", formulas[:200])
    return RawFrame(_table(path, head, rows), crs=crs)


def _read_csv(path: Path) -> RawFrame:
    content = path.read_bytes()
    if b"\x00" in content[:4096]:
        raise ImportRefused(f"{path.name}: this is not a text file; save it as CSV in UTF-8")
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise ImportRefused(f"{path.name}: neither UTF-8 nor GB18030; save it as CSV in UTF-8")
    csv.field_size_limit(1_000_000)
    try:
        delimiter = ";" if text.partition("\n")[0].count(";") > text.partition("\n")[0].count(",") else ","
        lines = [row for row in csv.reader(io.StringIO(text), delimiter=delimiter, strict=True) if any(row)]
    except csv.Error as error:
        raise ImportRefused(f"{path.name}: not a CSV table ({error})") from error
    if not lines:
        raise ImportRefused(f"{path.name}: the file is empty")
    head, rows = [c.strip() for c in lines[0]], lines[1:]
    formulas: list[dict[str, object]] = []
    for number, row in enumerate(rows, start=1):
        for column, value in zip(head, row, strict=False):
            if value.lstrip().startswith(("=", "@")):
                formulas.append(
                    {
                        "row": number,
                        "column": column,
                        "value": value[:80],
                        "expected": "a value, not a formula",
                    }
                )
    if formulas:
        raise ImportRefused(f"{path.name}: {len(formulas)} cells hold formulas; put in their values", formulas[:200])
    rows = [row for row in rows if not row[0].startswith(EXAMPLE_MARK)]
    return RawFrame(_table(path, head, rows))


def _table(path: Path, head: list[str], rows: list[list[Any]]) -> pd.DataFrame:
    named = [column for column in head if column]
    twice = sorted({column for column in named if named.count(column) > 1})
    if twice:
        raise ImportRefused(f"{path.name}: the column {twice[0]} stands twice in the header")
    if not named:
        raise ImportRefused(f"{path.name}: the header row is empty")
    width = len(head)
    bad: list[dict[str, object]] = [
        {
            "row": number,
            "column": None,
            "value": f"{len(row)} cells",
            "expected": f"{width} cells as in the header",
        }
        for number, row in enumerate(rows, start=1)
        if len(row) > width and any(v not in (None, "") for v in row[width:])
    ]
    if bad:
        raise ImportRefused(f"{path.name}: {len(bad)} rows have more cells than the header", bad[:200])
    padded = [[*row[:width], *[None] * (width - len(row))] for row in rows]
    return pd.DataFrame(padded, columns=head, dtype=object)[named]


def _read_parquet(path: Path) -> RawFrame:
    try:
        frame = gpd.read_parquet(path)
    except Exception as error:  # pyarrow raises many kinds on damaged files
        raise ImportRefused(f"{path.name}: not a whole GeoParquet file; write it again") from error
    return _spatial(frame, _epsg_text(frame))


def _read_vector(path: Path, ending: str) -> RawFrame:
    if ending in (".geojson", ".json"):
        _require_geojson(path)
    with tempfile.TemporaryDirectory() as folder:
        source = path
        if ending == ".zip":
            source = _unpacked_shapefile(path, Path(folder))
        try:
            layers = pyogrio.list_layers(source)
            spatial = [str(name) for name, kind in layers if kind is not None]
            if len(spatial) != 1:
                raise ImportRefused(
                    f"{path.name}: {len(spatial)} layers with geometry ({', '.join(spatial[:5])}); expected one"
                )
            frame = pyogrio.read_dataframe(source, layer=spatial[0])
        except ImportRefused:
            raise
        except Exception as error:  # GDAL raises many kinds on damaged files
            raise ImportRefused(f"{path.name}: cannot be read as {ending}; it is damaged or incomplete") from error
    return _spatial(frame, _epsg_text(frame))


def _require_geojson(path: Path) -> None:
    try:
        found = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise ImportRefused(f"{path.name}: not whole JSON ({str(error)[:80]})") from error
    if not isinstance(found, dict) or found.get("type") != "FeatureCollection":
        raise ImportRefused(f"{path.name}: expected a GeoJSON FeatureCollection")


def _unpacked_shapefile(path: Path, folder: Path) -> Path:
    with zipfile.ZipFile(path) as archive:
        shapes = [m for m in archive.namelist() if m.lower().endswith(".shp")]
        if len(shapes) != 1:
            raise ImportRefused(f"{path.name}: holds {len(shapes)} .shp files; expected one")
        stem = Path(shapes[0]).stem
        for member in archive.infolist():
            inner = Path(member.filename)
            if inner.stem == stem and inner.suffix.lower() in (".shp", ".shx", ".dbf", ".prj", ".cpg"):
                (folder / inner.name).write_bytes(archive.read(member))
    return folder / Path(shapes[0]).name


def _epsg_text(frame: gpd.GeoDataFrame) -> str | None:
    if frame.crs is None:
        return None
    code = frame.crs.to_epsg() or frame.crs.to_epsg(min_confidence=20)
    return f"EPSG:{code}" if code else frame.crs.to_wkt()


def _spatial(frame: gpd.GeoDataFrame, crs: str | None, notices: tuple[str, ...] = ()) -> RawFrame:
    geometry = frame.geometry.to_numpy(dtype=object)
    table = pd.DataFrame(frame.drop(columns=frame.geometry.name)).astype(object)
    return RawFrame(table.where(table.notna(), None), geometry, crs, notices)
