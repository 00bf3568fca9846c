"""Foreign files to raw frames: bounded, checked to be what they claim, nothing run, nothing guessed."""

import csv
import io
import json
import re
import tempfile
import warnings
import zipfile
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import geopandas as gpd
import openpyxl
import pandas as pd
import pyogrio

from data.checking import Problems
from data.osm import read_osm
from geo.errors import ImportRefused

MAX_TABLE_BYTES = 100 * 2**20
MAX_SPATIAL_BYTES = 2 * 2**30
MAX_UNPACKED_BYTES = 400 * 2**20
MAX_PACK_RATIO = 200
"""Bounds of what is opened at all; a spreadsheet of 100,000 rows is about 10 MiB."""


@dataclass(frozen=True)
class SheetBounds:
    """How much of a spreadsheet is opened: its bytes, what it unpacks to, its cells with the empty ones."""

    bytes: int = MAX_TABLE_BYTES
    unpacked: int = MAX_UNPACKED_BYTES
    cells: int | None = None


AT_HAND = SheetBounds()
"""For whoever works at the machine itself."""

UPLOADED = SheetBounds(5 * 2**20, 60 * 2**20, 500_000)
"""For whoever sends a sheet through a page; one of 2,000 rows has about 100 KiB."""

RUNS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a spreadsheet may take for the beginning of a formula."""

OTHER_BOOKS = (".xls", ".xlsm", ".xlsb", ".xltx", ".xltm", ".et", ".ett", ".ods")
"""Workbooks that are not read: old ones, ones with macros, those of other programs."""

_SAVE_AS_XLSX = "an old workbook, or one with macros or a password; open it and save it as .xlsx without them"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # what .xls and locked workbooks begin with

_HEAD_ROWS = 20
"""So far down the header of a filled sheet is looked for."""

EXAMPLE_MARK = "示例(此行不导入)"
"""A template's example row has this in its first cell and is skipped."""

SETTINGS_SHEET = "设置"
CRS_LABEL = "坐标系"

TABLE_FORMATS = (".xlsx", ".csv", ".geojson", ".json", ".gpkg", ".shp", ".zip")
ROAD_FORMATS = (".pbf", ".osm", ".osm.gz", ".parquet", ".geoparquet")


@dataclass(frozen=True)
class RawFrame:
    """A file as it was found: values untouched, geometry where the file has it.

    `crs` is the EPSG text of the file's CRS, or the one that a template names; `lines` has the line
    of the file or the row of the sheet in which each data row stands, where the file has such.
    """

    frame: pd.DataFrame
    geometry: Any = None
    crs: str | None = None
    notices: tuple[str, ...] = field(default=())
    lines: tuple[int, ...] | None = None


def read_file(path: Path, *, roads: bool, bounds: SheetBounds = AT_HAND) -> RawFrame:
    """Read one file by its content and its ending; ImportRefused says what was expected."""
    if not path.is_file():
        raise ImportRefused(f"file={path}: there is no such file")
    size = path.stat().st_size
    if size == 0:
        raise ImportRefused(f"{path.name}: the file is empty")
    name = path.name.lower()
    formats = (*TABLE_FORMATS, *ROAD_FORMATS) if roads else TABLE_FORMATS
    ending = next((e for e in sorted(formats, key=len, reverse=True) if name.endswith(e)), None)
    if name.endswith(OTHER_BOOKS):
        raise ImportRefused(f"{path.name}: {_SAVE_AS_XLSX}")
    if ending is None:
        raise ImportRefused(f"{path.name}: this kind is read from {', '.join(formats)}")
    limit = MAX_TABLE_BYTES if ending in (".xlsx", ".csv", ".geojson", ".json", ".zip") else MAX_SPATIAL_BYTES
    if roads and ending in (".geojson", ".json", ".zip"):
        limit = MAX_SPATIAL_BYTES
    if ending == ".xlsx":
        limit = bounds.bytes
    if size > limit:
        raise ImportRefused(f"{path.name}: {size:,} bytes; a {ending} file may have at most {limit:,}")
    _require_magic(path, ending, bounds)
    if ending in (".pbf", ".osm", ".osm.gz"):
        frame, notices = read_osm(path)
        return _spatial(frame, "EPSG:4326", tuple(notices))
    if ending == ".xlsx":
        return _read_xlsx(path, bounds)
    if ending == ".csv":
        return _read_csv(path)
    if ending in (".parquet", ".geoparquet"):
        return _read_parquet(path)
    return _read_vector(path, ending)


def _require_magic(path: Path, ending: str, bounds: SheetBounds) -> None:
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
    if ending == ".xlsx" and head.startswith(_OLE):
        raise ImportRefused(f"{path.name}: {_SAVE_AS_XLSX}")
    if wanted is not None and not head.startswith(wanted):
        raise ImportRefused(f"{path.name}: the content is not that of a {ending} file; save it again as {ending}")
    if ending in (".geojson", ".json") and not head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        raise ImportRefused(f"{path.name}: the content is not GeoJSON; it must begin with {{")
    if ending in (".xlsx", ".zip"):
        _require_no_bomb(path, bounds)


def _require_no_bomb(path: Path, bounds: SheetBounds) -> None:
    """Sizes are read from the directory and checked while unpacking XML parts for entities."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            total = sum(member.file_size for member in members)
            packed = max(1, sum(member.compress_size for member in members))
            if total > bounds.unpacked or (total > 20 * 2**20 and total / packed > MAX_PACK_RATIO):
                raise ImportRefused(
                    f"{path.name}: unpacks to {total:,} bytes from {packed:,}; "
                    f"at most {bounds.unpacked:,} and {MAX_PACK_RATIO} times are opened"
                )
            if path.name.lower().endswith(".xlsx"):
                for member in members:
                    if member.filename.lower().endswith("vbaproject.bin"):
                        raise ImportRefused(f"{path.name}: {_SAVE_AS_XLSX}")
                    with archive.open(member) as part:
                        if not member.filename.startswith("xl/media/") and _has_entities(part):
                            raise ImportRefused(
                                f"{path.name}: {member.filename} has a document type or entities; save it anew"
                            )
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError) as error:
        raise ImportRefused(f"{path.name}: not a whole file ({error}); save or copy it again") from error


def _has_entities(part: IO[bytes]) -> bool:
    """Whether XML declares a document type, in UTF-8 or UTF-16, however far down."""
    before = b""
    while block := part.read(2**20):
        text = before + block.replace(b"\x00", b"")
        if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
            return True
        before = text[-16:]
    return False


def read_filled(path: Path, header: Sequence[str], *, bounds: SheetBounds = UPLOADED) -> RawFrame:
    """A sheet that was given out to be filled in: its header is the first row that has all of `header`.

    What stands above it (title, time, source) is passed over.
    """
    name = path.name
    if name.lower().endswith(OTHER_BOOKS):
        raise ImportRefused(f"{name}: {_SAVE_AS_XLSX}")
    if not name.lower().endswith(".xlsx"):
        raise ImportRefused(f"{name}: expected the .xlsx file that the page gives out")
    size = path.stat().st_size
    if size == 0:
        raise ImportRefused(f"{name}: the file is empty")
    if size > bounds.bytes:
        raise ImportRefused(f"{name}: {size:,} bytes; a sheet of this kind may have at most {bounds.bytes:,}")
    _require_magic(path, ".xlsx", bounds)
    return _read_xlsx(path, bounds, tuple(header))


def _read_xlsx(path: Path, bounds: SheetBounds, header: tuple[str, ...] = ()) -> RawFrame:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # parts of a workbook that are not read, such as its styles
            return _sheet(path, header, bounds.cells)
    except ImportRefused:
        raise
    except Exception as error:  # openpyxl raises many kinds on damaged files
        raise ImportRefused(f"{path.name}: cannot be opened as a spreadsheet; save it again as .xlsx") from error


def _sheet(path: Path, header: tuple[str, ...], max_cells: int | None) -> RawFrame:
    book = openpyxl.load_workbook(path, read_only=True, data_only=False)
    try:
        crs = None
        if SETTINGS_SHEET in book.sheetnames:
            for row in book[SETTINGS_SHEET].iter_rows(max_row=50, values_only=True):
                if row and row[0] is not None and str(row[0]).startswith(CRS_LABEL) and len(row) > 1 and row[1]:
                    crs = str(row[1]).strip().split(" ")[0]
        if not book.worksheets:
            raise ImportRefused(f"{path.name}: has no sheet of cells")
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # what the file says of its size may be wrong, and cells would be lost
        head: list[str] | None = None
        rows: list[list[Any]] = []
        lines: list[int] = []
        running: list[tuple[int, int, str, str]] = []
        seen = 0
        for line, cells in enumerate(sheet.iter_rows(), start=1):
            seen += 1 + len(cells)
            if max_cells is not None and seen > max_cells:
                raise ImportRefused(
                    f"{path.name}: more than {max_cells:,} cells, empty ones included, in {line:,} rows; "
                    "delete the empty rows and columns around the table, or split it"
                )
            values = [_cell_value(cell) for cell in cells]
            if all(v is None or (isinstance(v, str) and not v.strip()) for v in values):
                continue
            if head is None:
                names = ["" if v is None else str(v).strip() for v in values]
                if set(header) <= set(names):
                    head = names
                elif line > _HEAD_ROWS:
                    break
                continue
            for at, cell in enumerate(cells):
                if cell.data_type in ("f", "e"):
                    expected = "a value, not a formula" if cell.data_type == "f" else "a value, not an error"
                    running.append((len(rows), at, _formula(cell.value), expected))
            rows.append(values)
            lines.append(line)
    finally:
        book.close()
    if head is None and header:
        raise ImportRefused(f"{path.name}: no row has the headers {', '.join(header)}; fill in the file of the page")
    if head is None:
        raise ImportRefused(f"{path.name}: the first sheet is empty; expected a header row")
    return _table(path, head, rows, lines, running, crs)


def _cell_value(cell: Any) -> Any:
    """The value of a cell; a number shown with leading zeros is the text that is shown."""
    value = cell.value
    if isinstance(value, str):
        return _unmarked(value)
    if type(value) is int and value >= 0 and re.fullmatch("0{2,}", cell.number_format or ""):
        return str(value).zfill(len(cell.number_format))
    return value


def _formula(value: Any) -> str:
    """A formula as it is typed, also one over several cells."""
    text = getattr(value, "text", None)
    return str(text) if text else value if isinstance(value, str) else "="


def _unmarked(text: str) -> str:
    """A text without the apostrophe that our own exports put before what a spreadsheet would run."""
    return text[1:] if text.startswith("'") and text.lstrip("'").startswith(RUNS) else text


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
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    head: list[str] | None = None
    rows: list[list[Any]] = []
    lines: list[int] = []
    running: list[tuple[int, int, str, str]] = []
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        begins = 1
        for row in reader:
            line, begins = begins, reader.line_num + 1
            if not any(value.strip() for value in row):
                continue
            if head is None:
                head = [c.strip() for c in row]
                continue
            for at, value in enumerate(row):
                if _runs(value):
                    running.append((len(rows), at, value, "a value, not a formula"))
            rows.append([_unmarked(value) for value in row])
            lines.append(line)
    except csv.Error as error:
        raise ImportRefused(f"{path.name}: line {begins}: not a CSV table ({error})") from error
    if head is None:
        raise ImportRefused(f"{path.name}: the file is empty")
    return _table(path, head, rows, lines, running, None)


def _runs(value: str) -> bool:
    """Whether a spreadsheet would run the text; -3, +5, - and +86 138 are none."""
    text = value.lstrip()
    if text.startswith(("=", "@")):
        return True
    return (
        text.startswith(("+", "-"))
        and re.search(r"[A-Za-z]+\$?[0-9]*\s*[(!|]|^[+-]\s*\$?[A-Za-z]{1,3}\$?[0-9]+\b", text) is not None
    )


def _table(
    path: Path,
    head: list[str],
    rows: list[list[Any]],
    lines: list[int],
    running: list[tuple[int, int, str, str]],
    crs: str | None,
) -> RawFrame:
    """Header and cells as a frame, without the example row; `running` has (row, column, value, expected)."""
    named = [column for column in head if column]
    if not named:
        raise ImportRefused(f"{path.name}: the header row is empty")
    twice = [column for column, count in Counter(named).items() if count > 1]
    if twice:
        raise ImportRefused(f"{path.name}: the column {twice[0]} stands twice in the header")
    kept = [at for at, row in enumerate(rows) if not str(row[0] or "").startswith(EXAMPLE_MARK)]
    skipped = len(rows) - len(kept)
    notices = (f"{skipped} example rows of the template are not imported",) if skipped else ()
    number = {at: count for count, at in enumerate(kept, start=1)}
    places = tuple(lines[at] for at in kept)
    width = len(head)
    problems = Problems(lines=places)
    for at, column, value, expected in running:
        if at in number:
            problems.add(number[at], head[column] if column < width else None, value, expected)
    problems.raise_if_any(path.name, "; put in their values")
    for at in kept:
        row = rows[at]
        over = next((v for v in row[width:] if v not in (None, "")), None)
        if over is not None:
            problems.add(number[at], None, f"{len(row)} cells, {over}", f"{width} cells as in the header")
        for name, value in zip(head, row, strict=False):
            if not name and value not in (None, ""):
                problems.add(number[at], None, value, "no value under an empty header")
        if [str(v).strip() for v in row[:width] if v is not None] == head:
            problems.add(number[at], None, ", ".join(head)[:60], "a data row, not the header once more")
    problems.raise_if_any(path.name)
    padded = [[*rows[at][:width], *[None] * (width - len(rows[at]))] for at in kept]
    frame = pd.DataFrame(padded, columns=head, dtype=object)[named]
    return RawFrame(frame, crs=crs, notices=notices, lines=places)


def _read_parquet(path: Path) -> RawFrame:
    try:
        frame = gpd.read_parquet(path)
    except Exception as error:  # pyarrow raises many kinds on damaged files
        raise ImportRefused(f"{path.name}: not a whole GeoParquet file; write it again") from error
    return _spatial(frame, _epsg_text(frame))


def _read_vector(path: Path, ending: str) -> RawFrame:
    if ending in (".geojson", ".json"):
        _require_geojson(path)
    if ending == ".gpkg":
        _require_whole_sqlite(path)
    with tempfile.TemporaryDirectory() as folder:
        source = path
        if ending == ".zip":
            source = _unpacked_shapefile(path, Path(folder))
        encoding = None
        if source.suffix.lower() == ".shp":
            _require_whole_shp(path, source)
            encoding = _dbf_encoding(source)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)  # GDAL's remarks on files that it can read
                layers = pyogrio.list_layers(source)
                spatial = [str(name) for name, kind in layers if kind is not None]
                if len(spatial) != 1:
                    raise ImportRefused(
                        f"{path.name}: {len(spatial)} layers with geometry ({', '.join(spatial[:5])}); expected one"
                    )
                frame = pyogrio.read_dataframe(source, layer=spatial[0], encoding=encoding)
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
    try:
        return _unpack(path, folder)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError) as error:
        raise ImportRefused(f"{path.name}: cannot be unpacked ({error}); pack it again without a password") from error


def _require_whole_sqlite(path: Path) -> None:
    """A GeoPackage that was cut off is told by its own count of pages."""
    with path.open("rb") as stream:
        head = stream.read(100)
    page = int.from_bytes(head[16:18], "big")
    page = 65536 if page == 1 else page
    pages = int.from_bytes(head[28:32], "big")
    counted = head[24:28] == head[92:96]
    if len(head) < 100 or page < 512:
        raise ImportRefused(f"{path.name}: cannot be read as .gpkg; it is damaged or incomplete; copy it again")
    if counted and path.stat().st_size < page * pages:
        raise ImportRefused(
            f"{path.name}: cannot be read as .gpkg; it is cut off at {path.stat().st_size:,} "
            f"of {page * pages:,} bytes; copy it again"
        )


def _require_whole_shp(path: Path, source: Path) -> None:
    with source.open("rb") as stream:
        head = stream.read(100)
    wanted, size = 2 * int.from_bytes(head[24:28], "big"), source.stat().st_size
    if len(head) < 100 or size < wanted:
        raise ImportRefused(f"{path.name}: the .shp is cut off at {size:,} of {wanted:,} bytes; copy it again")
    missing = [e for e in (".dbf", ".shx") if not any(source.with_suffix(x).is_file() for x in (e, e.upper()))]
    if missing:
        raise ImportRefused(f"{path.name}: the file {missing[0]} that belongs to the shapefile is missing")


def _dbf_encoding(source: Path) -> str | None:
    """What the attributes are written in, where the shapefile does not say: UTF-8, else GB18030."""
    if any(source.with_suffix(e).is_file() for e in (".cpg", ".CPG")):
        return None
    path = next(p for e in (".dbf", ".DBF") if (p := source.with_suffix(e)).is_file())
    content = path.read_bytes()
    if len(content) < 32 or content[29] not in (0, 0x57):
        return None
    begin = int.from_bytes(content[8:10], "little")
    names = b" ".join(content[at : at + 11].split(b"\0")[0] for at in range(32, max(32, begin - 1), 32))
    body = names + b" " + content[begin:]
    for encoding in ("utf-8", "gb18030"):
        try:
            body.decode(encoding)
        except UnicodeDecodeError:
            continue
        return encoding
    return None


def _unpack(path: Path, folder: Path) -> Path:
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
    if frame.crs.equals("OGC:CRS84"):
        return "EPSG:4326"
    code = frame.crs.to_epsg()
    return f"EPSG:{code}" if code else frame.crs.to_wkt()


def _spatial(frame: gpd.GeoDataFrame, crs: str | None, notices: tuple[str, ...] = ()) -> RawFrame:
    geometry = frame.geometry.to_numpy(dtype=object)
    table = pd.DataFrame(frame.drop(columns=frame.geometry.name)).astype(object)
    return RawFrame(table.where(table.notna(), None), geometry, crs, notices)
