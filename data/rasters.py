"""Rasters of the district: GeoTIFF and NetCDF in, checked; kept as Cloud-Optimized GeoTIFF beside the database.

The values stand in a file whose name carries their hash, and a row of the register names it. The
file is complete before the row is committed, so a row never leads to half a file, and a file
that no row names does no harm. No data is NaN from here on; it never becomes zero.
"""

import hashlib
import math
import os
import re
import threading
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
import pandas as pd
import rasterio
import xarray as xr
from affine import Affine
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError as UnknownCrs
from rasterio._err import CPLE_BaseError  # what GDAL says on closing a file is raised bare
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.windows import Window

from data import audit
from data.importers import ImportReport
from data.kinds import VERTICAL_DATUMS
from data.store import Counts, Store
from geo.crs import STORED_EPSG
from geo.errors import CrsError, InputError, NotFound, TooLarge, Unavailable
from geo.grid import Grid, Raster

MAX_CELLS = 250_000_000
"""More cells than this are not read from one file (1 GB of values)."""

HEIGHTS = ("elevation", "water_level")
"""Quantities that mean nothing without their vertical datum."""

ORPHAN_AGE_S = 86_400.0
"""A file that no row names is removed once it is older than this."""

MAX_UNEVEN = 1e-3
"""Largest departure of NetCDF coordinates from even steps, as a share of a step, beyond their own rounding."""

_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")
_SENTINELS = (-999.0, -9999.0, -99999.0, -999999.0, -32767.0, -32768.0, -2147483648.0)
_ABSURD = 1e20  # no quantity of a district is as large: fill values of NetCDF and the bounds of float32
_REPROJECT = "reproject it, e.g. gdalwarp -t_srs EPSG:4549 IN OUT"
_X_NAMES = ("x", "lon", "longitude", "easting", "long", "xc", "rlon")
_Y_NAMES = ("y", "lat", "latitude", "northing", "yc", "rlat")

Floats = NDArray[np.float32]
Nodata = float | str | None


@dataclass
class _Read:
    """One band as it was found: NaN where the file itself says no data."""

    values: NDArray[Any]
    transform: Affine
    crs: CRS | None
    integers: np.dtype[Any] | None  # the stored type, where it is one of whole numbers
    notices: list[str]


# -- in ------------------------------------------------------------------------------------------------


def import_raster(
    store: Store,
    path: str | os.PathLike[str],
    *,
    code: str,
    title: str,
    quantity: str,
    unit: str,
    vertical_datum: str | None = None,
    band: int | None = None,
    variable: str | None = None,
    crs: str | None = None,
    nodata: Nodata = None,
    source: str | None = None,
    dry_run: bool = False,
    max_cells: int = MAX_CELLS,
    now_utc: datetime,
) -> ImportReport:
    """Import one GeoTIFF or NetCDF file as the raster `code`; a raster of that code is replaced.

    `nodata` names a value that means no data though the file does not say so; "none" says that a
    value which looks like that is a value. Raises InputError (CrsError, TooLarge) with the file,
    the value and the remedy; then nothing is written.
    """
    began = monotonic()
    path = Path(path)
    _require_words(code, title, quantity)
    datum = _require_datum(path.name, quantity, unit, vertical_datum)
    mark, seems_marked = _mark(nodata)
    try:
        is_file = path.is_file()
    except OSError:
        is_file = False
    if not is_file:
        raise InputError(f"{path.name}: there is no such file")
    store.require_not_live(path)
    with path.open("rb") as stream:
        head = stream.read(8)
    if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        if variable is not None:
            raise InputError(f"variable={variable}: {path.name} is a GeoTIFF; its bands are named with band")
        read = _read_geotiff(path, band, mark, max_cells)
    elif head[:3] == b"CDF" or head == b"\x89HDF\r\n\x1a\n":
        if band is not None:
            raise InputError(f"band={band}: {path.name} is a NetCDF file; its layers are named with variable")
        read = _read_netcdf(path, variable, mark, head, max_cells)
    else:
        raise InputError(
            f"{path.name}: neither a GeoTIFF nor a NetCDF file; convert it, e.g. gdal_translate IN OUT.tif"
        )
    grid, values = _north_up(path.name, read, crs)
    values = _without_nodata(path.name, values, read.integers, seems_marked=seems_marked)
    raster = Raster(grid, values, quantity, unit, "" if datum == "none" else datum)
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return _keep(
        store,
        code,
        title,
        raster,
        source=source or path.name,
        file=path.name,
        file_sha256=digest,
        notices=read.notices,
        dry_run=dry_run,
        now_utc=now_utc,
        began=began,
    )


def import_values(
    store: Store, raster: Raster, *, code: str, title: str, source: str, now_utc: datetime, dry_run: bool = False
) -> ImportReport:
    """Import values that are in memory, through the same checks as a file."""
    began = monotonic()
    _require_words(code, title, raster.quantity)
    _require_datum(code, raster.quantity, raster.unit, raster.vertical_datum or None)
    _require_metric_or_degrees(code, CRS.from_epsg(raster.grid.epsg))
    values = _without_nodata(code, np.asarray(raster.values), None)
    checked = Raster(raster.grid, values, raster.quantity, raster.unit, raster.vertical_datum)
    return _keep(
        store,
        code,
        title,
        checked,
        source=source,
        file=None,
        file_sha256=None,
        notices=[],
        dry_run=dry_run,
        now_utc=now_utc,
        began=began,
    )


def _require_words(code: str, title: str, quantity: str) -> None:
    if not _CODE.fullmatch(code):
        raise InputError(f"code={code!r}: expected a letter, then up to 39 letters, digits or _; such as dem")
    for name, value in (("title", title), ("quantity", quantity)):
        if not value.strip():
            raise InputError(f"{name} is empty; say what the raster holds, such as elevation")


def _require_datum(name: str, quantity: str, unit: str, datum: str | None) -> str:
    choices = ", ".join(f"{choice.code} ({choice.zh})" for choice in VERTICAL_DATUMS if choice.code != "none")
    known = {
        spelling.casefold(): choice.code
        for choice in VERTICAL_DATUMS
        for spelling in (choice.code, choice.zh, choice.en, *choice.aliases)
    }
    found = known.get((datum or "none").strip().casefold())
    if found is None:
        raise InputError(f"{name}: vertical_datum={datum}: expected one of {choices}, or none for what is no height")
    if quantity in HEIGHTS:
        if found == "none":
            raise CrsError(
                f"{name}: its vertical_datum is not declared, and heights of unlike datums differ by more than a metre "
                f"here; declare it (--datum) as one of {choices}"
            )
        if unit != "m":
            raise InputError(f"{name}: unit={unit}: expected m for {quantity}; convert the heights to metres")
    return found


@contextmanager
def _reading(name: str) -> Iterator[None]:
    """What goes wrong within a file's bytes, as one sentence; nothing is warned of twice."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            warnings.simplefilter("ignore", xr.SerializationWarning)
            yield
    except (InputError, Unavailable, MemoryError):
        raise
    except (
        RasterioError,
        CPLE_BaseError,
        OSError,
        ValueError,
        KeyError,
        IndexError,
        TypeError,
        RuntimeError,
        EOFError,
    ) as error:
        said = str(error).strip().splitlines()
        reason = f" ({said[0][:120]})" if said else ""
        raise InputError(
            f"{name}: it is damaged or cut off, and cannot be read{reason}; fetch the file anew"
        ) from error


def _require_size(name: str, rows: int, cols: int, max_cells: int) -> None:
    if rows * cols > max_cells:
        raise TooLarge(
            f"{name}: {rows:,} x {cols:,} cells are more than {max_cells:,}; "
            "cut it to the district (gdalwarp -te) or take larger cells (gdalwarp -tr)"
        )
    if rows < 1 or cols < 1:
        raise InputError(f"{name}: it has no cells")


def _read_geotiff(path: Path, band: int | None, nodata: float | None, max_cells: int) -> _Read:
    notices: list[str] = []
    with _reading(path.name), rasterio.open(path, driver="GTiff") as src:
        _require_size(path.name, src.height, src.width, max_cells)
        if band is None:
            if src.count != 1:
                listed = ", ".join(f"{k} {text or ''}".strip() for k, text in enumerate(src.descriptions, start=1))
                raise InputError(f"{path.name}: it has {src.count} bands ({listed}); name one with band")
            band = 1
        if not 1 <= band <= src.count:
            raise InputError(f"band={band}: {path.name} has the bands 1 to {src.count}")
        stored = np.dtype(src.dtypes[band - 1])
        if stored.kind not in "iuf":
            raise InputError(f"{path.name}: its values are {stored.name}; expected real numbers")
        if src.transform == Affine.identity() and not src.gcps[0]:
            raise CrsError(f"{path.name}: it says nowhere where it lies; add a world file or write it as GeoTIFF")
        if src.transform == Affine.identity():
            raise CrsError(f"{path.name}: it has control points but no regular grid; {_REPROJECT}")
        raw = src.read(band)
        gone = src.read_masks(band) == 0
        if stored.kind == "f":
            gone |= np.isnan(raw)
        if nodata is not None:
            gone |= _equals(raw, nodata)
        tagged = src.nodatavals[band - 1]
        if tagged == 0 and gone.any():
            notices.append(f"the file marks 0 as no data: {int(gone.sum()):,} cells have none")
        scale, offset = float(src.scales[band - 1]), float(src.offsets[band - 1])
        values: NDArray[Any] = raw
        if (scale, offset) != (1.0, 0.0):
            values = raw.astype(np.float64) * scale + offset
            notices.append(f"values are stored x {scale:g} + {offset:g}, as the file says")
        elif stored.kind != "f":
            values = raw.astype(np.float64 if stored.itemsize > 2 else np.float32)
        values[gone] = np.nan
        found = None if src.crs is None else _crs_of(path.name, src.crs.to_wkt())
        integers = stored if stored.kind in "iu" and (scale, offset) == (1.0, 0.0) else None
        return _Read(values, src.transform, found, integers, notices)


def _equals(values: NDArray[Any], value: float) -> NDArray[np.bool_]:
    """Which cells hold a value, as it looks in the type of the cells."""
    if values.dtype.kind == "f":
        with np.errstate(over="ignore"):
            return np.asarray(values == values.dtype.type(value))
    bounds = np.iinfo(values.dtype)
    if not (float(value).is_integer() and bounds.min <= value <= bounds.max):
        return np.zeros(values.shape, dtype=bool)
    return np.asarray(values == values.dtype.type(int(value)))


def _crs_of(name: str, text: Any) -> CRS:
    try:
        return CRS.from_user_input(text)
    except (UnknownCrs, ValueError) as error:
        raise CrsError(f"{name}: its CRS cannot be read; declare it, e.g. --crs EPSG:4549") from error


def _read_netcdf(path: Path, variable: str | None, nodata: float | None, head: bytes, max_cells: int) -> _Read:
    if head[:3] == b"CDF" and head[3] not in (1, 2):
        raise InputError(f"{path.name}: NetCDF of the 64-bit data format; convert it, e.g. nccopy -k nc4 IN OUT")
    engine: Any = "scipy" if head[:3] == b"CDF" else "h5netcdf"
    with (
        _reading(path.name),
        path.open("rb") as stream,  # ours to close, whatever the reader thinks of what it holds
        xr.open_dataset(stream, engine=engine, decode_times=False, decode_coords="all", cache=False) as found,
    ):
        chosen = _variable(path.name, found, variable)
        x_dim, y_dim = _spatial(chosen)
        _require_size(path.name, chosen.sizes[y_dim], chosen.sizes[x_dim], max_cells)
        x, y = _axis(path.name, found, x_dim), _axis(path.name, found, y_dim)
        for dim in chosen.dims:
            if dim not in (x_dim, y_dim) and chosen.sizes[dim] != 1:
                raise InputError(
                    f"{path.name}: '{chosen.name}' has {chosen.sizes[dim]} steps along {dim}; write the wanted one "
                    "into a file of its own"
                )
        rest = {dim: 0 for dim in chosen.dims if dim not in (x_dim, y_dim)}
        values = np.array(chosen.isel(rest).transpose(y_dim, x_dim).values)
        if values.dtype.kind not in "iuf":
            raise InputError(f"{path.name}: the values of '{chosen.name}' are {values.dtype.name}; expected numbers")
        integers = values.dtype if values.dtype.kind in "iu" else None
        if integers is not None:
            values = values.astype(np.float64)
        if nodata is not None:
            values[_equals(values, nodata)] = np.nan
        notices: list[str] = []
        crs = _cf_crs(path.name, found, chosen)
        if crs is None and all(str(found[dim].attrs.get("units", "")).startswith("degree") for dim in (x_dim, y_dim)):
            crs = CRS.from_epsg(STORED_EPSG)
            notices.append(f"coordinates are degrees without a datum; taken as EPSG:{STORED_EPSG}")
        dx, dy = (x[-1] - x[0]) / (len(x) - 1), (y[-1] - y[0]) / (len(y) - 1)
        transform = Affine(dx, 0.0, x[0] - dx / 2, 0.0, dy, y[0] - dy / 2)
        return _Read(values, transform, crs, integers, notices)


def _is_axis(name: str, attrs: Mapping[str, Any], names: tuple[str, ...], axis: str, units: str) -> bool:
    return name.casefold() in names or attrs.get("axis") == axis or str(attrs.get("units", "")).startswith(units)


def _dims(of: xr.DataArray) -> tuple[str | None, str | None]:
    x_dim = y_dim = None
    for dim in map(str, of.dims):
        attrs = of.coords[dim].attrs if dim in of.coords else {}
        if x_dim is None and _is_axis(dim, attrs, _X_NAMES, "X", "degrees_east"):
            x_dim = dim
        elif y_dim is None and _is_axis(dim, attrs, _Y_NAMES, "Y", "degrees_north"):
            y_dim = dim
    return x_dim, y_dim


def _spatial(of: xr.DataArray) -> tuple[str, str]:
    x_dim, y_dim = _dims(of)
    assert x_dim is not None
    assert y_dim is not None
    return x_dim, y_dim


def _variable(name: str, found: xr.Dataset, variable: str | None) -> xr.DataArray:
    fitting = [str(key) for key, array in found.data_vars.items() if None not in _dims(array)]
    listed = ", ".join(fitting)
    if not fitting:
        raise InputError(f"{name}: no variable lies on a grid of x and y, or lon and lat")
    if variable is None:
        if len(fitting) > 1:
            raise InputError(f"{name}: it has the variables {listed}; name one with variable")
        variable = fitting[0]
    if variable not in fitting:
        raise InputError(f"variable={variable}: {name} has {listed}")
    return found[variable]


def _axis(name: str, found: xr.Dataset, dim: str) -> NDArray[np.float64]:
    if dim not in found.coords or found[dim].ndim != 1:
        raise InputError(f"{name}: {dim} has no coordinates; write them, or convert the file to GeoTIFF")
    stored = np.asarray(found[dim].values)
    rounding = float(np.spacing(np.abs(stored).max())) if stored.dtype == np.float32 and stored.size else 0.0
    at = stored.astype(np.float64)
    if len(at) < 2:
        raise InputError(f"{name}: one cell along {dim} does not say how wide it is; convert the file to GeoTIFF")
    step = (at[-1] - at[0]) / (len(at) - 1)
    even = at[0] + step * np.arange(len(at))
    if not (np.isfinite(at).all() and step != 0 and np.abs(at - even).max() <= MAX_UNEVEN * abs(step) + rounding):
        raise InputError(f"{name}: the steps along {dim} are not even; resample it to a regular grid first")
    return at


def _cf_crs(name: str, found: xr.Dataset, chosen: xr.DataArray) -> CRS | None:
    mapping = chosen.encoding.get("grid_mapping") or chosen.attrs.get("grid_mapping")
    candidates = [str(mapping)] if mapping else ["spatial_ref", "crs"]
    for candidate in candidates:
        if candidate in found.variables:
            attrs = dict(found[candidate].attrs)
            for key in ("crs_wkt", "spatial_ref"):
                if attrs.get(key):
                    return _crs_of(name, attrs[key])
            if "grid_mapping_name" in attrs:
                return _crs_of(name, CRS.from_cf(attrs))
    return None


# -- where it lies -------------------------------------------------------------------------------------


def _require_metric_or_degrees(name: str, crs: CRS) -> None:
    for axis in crs.axis_info:
        factor = axis.unit_conversion_factor
        wanted = math.radians(1.0) if crs.is_geographic else 1.0
        if abs(factor - wanted) > 1e-9 * wanted:
            raise CrsError(f"{name}: '{crs.name}' counts in {axis.unit_name}; expected metres or degrees; {_REPROJECT}")
    operation = crs.coordinate_operation
    if operation is not None and "Mercator" in operation.method_name and "Transverse" not in operation.method_name:
        raise CrsError(
            f"{name}: '{crs.name}' is no metric CRS: its metres are stretched with the latitude, by 18 % at 32 degrees "
            f"north; {_REPROJECT}"
        )


def _epsg(name: str, read: _Read, declared: str | None) -> int:
    crs = read.crs
    if declared is not None:
        stated = _crs_of(f"crs={declared[:60]}", declared)
        if crs is not None and not stated.equals(crs, ignore_axis_order=True):
            read.notices.append(f"the file says '{crs.name}', '{stated.name}' was declared and is taken")
        crs = stated
    if crs is None:
        raise CrsError(f"{name}: it has no CRS; declare it, e.g. --crs EPSG:4549 or --crs EPSG:4326")
    if crs.is_compound:
        crs = crs.sub_crs_list[0]
    if crs.is_bound and crs.source_crs is not None:
        crs = crs.source_crs
    if not (crs.is_projected or crs.is_geographic):
        raise CrsError(f"{name}: '{crs.name}' is not a system of places on the map; declare it, e.g. --crs EPSG:4549")
    _require_metric_or_degrees(name, crs)
    found = crs.to_epsg(min_confidence=70)
    if found is None:
        raise CrsError(f"{name}: '{crs.name}' has no EPSG code; declare the one that is meant, e.g. --crs EPSG:4549")
    return int(found)


def _north_up(name: str, read: _Read, declared: str | None) -> tuple[Grid, NDArray[Any]]:
    """The grid with row 0 in the north and column 0 in the west, and the values on it."""
    t = read.transform
    if not np.isfinite(list(t)).all() or t.a == 0 or t.e == 0:
        raise CrsError(f"{name}: its geotransform {tuple(t)[:6]} is no grid; {_REPROJECT}")
    if t.b != 0 or t.d != 0:
        raise CrsError(f"{name}: its grid is rotated or sheared ({t.b:g}, {t.d:g}); {_REPROJECT}")
    epsg = _epsg(name, read, declared)
    values = read.values
    rows, cols = values.shape
    left, top = t.c, t.f
    if t.e > 0:
        values, top = values[::-1], t.f + t.e * rows
        read.notices.append("the rows ran from south to north; turned over")
    if t.a < 0:
        values, left = values[:, ::-1], t.c + t.a * cols
        read.notices.append("the columns ran from east to west; turned over")
    grid = Grid(epsg, float(left), float(top), abs(float(t.a)), abs(float(t.e)), rows, cols)
    if grid.is_geographic:
        min_x, min_y, max_x, max_y = grid.bounds
        if min_x < -180 - grid.dx or max_x > 180 + grid.dx or min_y < -90 - grid.dy or max_y > 90 + grid.dy:
            raise CrsError(
                f"{name}: it reaches from {min_x:g}, {min_y:g} to {max_x:g}, {max_y:g}; expected degrees from -180 to "
                "180 and -90 to 90; declare the right CRS with --crs, or cut the file to the district"
            )
    return grid, values


def _require_near(store: Store, name: str, grid: Grid) -> None:
    """The raster and the district meet."""
    extent = store.extent()
    if extent is None:
        return
    to_degrees = Transformer.from_crs(grid.epsg, STORED_EPSG, always_xy=True)
    with suppress(Exception):  # beyond the projection's domain there is no answer: the raster is not here
        box = to_degrees.transform_bounds(*grid.bounds, densify_pts=21, errcheck=True)
        if box[0] <= extent[2] and box[2] >= extent[0] and box[1] <= extent[3] and box[3] >= extent[1]:
            return
    min_x, min_y, max_x, max_y = grid.bounds
    raise InputError(
        f"{name}: it lies at {min_x:.6g}, {min_y:.6g} to {max_x:.6g}, {max_y:.6g} in EPSG:{grid.epsg}, outside the "
        f"district ({extent[0]:.4f},{extent[1]:.4f} to {extent[2]:.4f},{extent[3]:.4f}); "
        "declare the right CRS with --crs"
    )


# -- what is no data -----------------------------------------------------------------------------------


def _mark(nodata: Nodata) -> tuple[float | None, bool]:
    """The value that means no data, and whether to refuse what looks like another such mark."""
    if nodata is None or (isinstance(nodata, str) and nodata.strip().casefold() == "none"):
        return None, nodata is None
    try:
        return float(nodata), True
    except ValueError:
        raise InputError(f"nodata={nodata}: expected a number, or none") from None


def _without_nodata(
    name: str, values: NDArray[Any], integers: np.dtype[Any] | None, *, seems_marked: bool = True
) -> Floats:
    """float32 with NaN for no data; InputError for infinity, for nothing, and for what looks like an untagged mark."""
    infinite = int(np.isinf(values).sum())
    if infinite:
        raise InputError(
            f"{name}: {infinite:,} cells are infinite; write them as no data, or give --nodata inf if they mean that"
        )
    there = np.isfinite(values)
    if not there.any():
        raise InputError(f"{name}: no cell has data; check the band, the no-data value and the cut")
    if seems_marked:
        found = _sentinel(values, there, integers)
        if found is not None:
            value, count, low, high = found
            raise InputError(
                f"{name}: {count:,} cells hold {value:.10g} while the others lie from {low:.6g} to {high:.6g}: "
                f"it looks like no data that is not marked; give --nodata {value:.10g}, or --nodata none if not so"
            )
    largest = float(np.max(np.abs(values), where=there, initial=0.0))
    if largest > float(np.finfo(np.float32).max):
        raise InputError(f"{name}: it holds {largest:.6g}, more than float32 can; give --nodata if it means no data")
    made: Floats = np.ascontiguousarray(values, dtype=np.float32)
    return made


def _sentinel(
    values: NDArray[Any], there: NDArray[np.bool_], integers: np.dtype[Any] | None
) -> tuple[float, int, float, float] | None:
    """An extreme value that looks like a mark of no data: the value, its count, and the range of the rest."""
    low = float(np.min(values, where=there, initial=np.inf))
    high = float(np.max(values, where=there, initial=-np.inf))
    if low == high:
        return (low, int(there.sum()), low, high) if abs(low) >= _ABSURD or low in _SENTINELS else None
    for value in (low, high):
        same = values == (values.dtype.type(value) if values.dtype.kind == "f" else value)
        rest = there & ~same
        low_rest = float(np.min(values, where=rest, initial=np.inf))
        high_rest = float(np.max(values, where=rest, initial=-np.inf))
        width = high_rest - low_rest
        gap = low_rest - value if value < low_rest else value - high_rest
        count = int(same.sum())
        at_bound = integers is not None and value in (float(np.iinfo(integers).max), float(np.iinfo(integers).min))
        known = value in _SENTINELS or (at_bound and value != 0)
        if (
            abs(value) >= _ABSURD
            or (known and (gap > width or (value < 0 <= low_rest)))
            or (count >= 2 and abs(value) >= 900 and width > 0 and gap > 1000 * width)
        ):
            return value, count, low_rest, high_rest
    return None


# -- kept ----------------------------------------------------------------------------------------------


def content_hash(raster: Raster) -> str:
    """SHA-256 of what the raster says: grid, quantity, unit, datum and values; not of how a file writes it."""
    g = raster.grid
    words = (g.epsg, g.rows, g.cols, *(float(v).hex() for v in (g.left, g.top, g.dx, g.dy)))
    digest = hashlib.sha256(repr((*words, raster.quantity, raster.unit, raster.vertical_datum)).encode())
    for row in range(0, g.rows, 256):
        part = np.array(raster.values[row : row + 256], dtype="<f4")
        part[np.isnan(part)] = np.nan  # one NaN of the many
        digest.update(part.tobytes())
    return digest.hexdigest()


def _keep(
    store: Store,
    code: str,
    title: str,
    raster: Raster,
    *,
    source: str,
    file: str | None,
    file_sha256: str | None,
    notices: list[str],
    dry_run: bool,
    now_utc: datetime,
    began: float,
) -> ImportReport:
    _require_near(store, file or code, raster.grid)
    digest = content_hash(raster)
    target = store.raster_folder() / f"{code}-{digest[:12]}.tif"
    grid = raster.grid
    row = {
        "id": code,
        "code": code,
        "title": title.strip(),
        "quantity": raster.quantity,
        "unit": raster.unit or None,
        "vertical_datum": raster.vertical_datum or "none",
        "epsg": grid.epsg,
        "rows": grid.rows,
        "cols": grid.cols,
        "left": grid.left,
        "top": grid.top,
        "dx": grid.dx,
        "dy": grid.dy,
        "sha256": digest,
        "file": target.name,
    }
    if dry_run:
        return ImportReport("rasters", 1, 0, 0, 0, 0, (), tuple(notices), True, monotonic() - began)
    if not _is_kept(target, raster):
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Unavailable(f"{target.parent} cannot be made: {error.strerror or error}") from error
        write_cog(target, raster, level=1, tags={"TITLE": title.strip(), "SOURCE": source})
    stamp: dict[str, Any] = {"source": source, "source_datum": f"EPSG:{grid.epsg}", "now_utc": now_utc}
    with store.writing() as conn:
        counts: Counts = store.upsert(conn, "raster", pd.DataFrame([row]), **stamp)
        if counts.inserted or counts.updated:
            run = store.record_import(
                conn,
                kind="rasters",
                counts=counts,
                rows=1,
                file=file,
                sha256=file_sha256,
                notices=notices,
                **stamp,
            )
            audit.append_import(conn, run, kind="rasters", file=file, sha256=file_sha256, rows=1, now_utc=now_utc)
    with suppress(OSError):
        remove_orphans(store)
    return ImportReport(
        "rasters",
        1,
        counts.inserted,
        counts.updated,
        counts.unchanged,
        counts.deleted,
        (),
        tuple(notices),
        False,
        monotonic() - began,
    )


def _is_kept(path: Path, raster: Raster) -> bool:
    """Whether the file is there and sound already; then it is young again, so that nobody tidies it away."""
    if not path.is_file():
        return False
    try:
        with rasterio.open(path, driver="GTiff") as src:
            _require_grid(path, src, raster.grid)
            same = np.array_equal(src.read(1), raster.values, equal_nan=True)
        if same:
            os.utime(path)
    except (RasterioError, CPLE_BaseError, OSError, Unavailable):
        return False
    return same


def remove_orphans(store: Store, *, older_than_s: float = ORPHAN_AGE_S) -> list[Path]:
    """Remove the files that no row names and that nobody can be reading any more; their paths."""
    folder = store.raster_folder()
    if not folder.is_dir():
        return []
    before = time.time() - older_than_s
    named = set(store.frame("raster", columns=["file"])["file"])
    gone = []
    for path in sorted(folder.iterdir()):
        is_ours = path.suffix in (".tif", ".part") and path.name not in named
        if is_ours and path.stat().st_mtime < before:
            path.unlink(missing_ok=True)
            gone.append(path)
    return gone


# -- out -----------------------------------------------------------------------------------------------


def _found(store: Store, code: str) -> tuple[Path, Grid, dict[str, Any]]:
    rows = store.frame("raster", where={"code": code}).to_dict("records")
    if not rows:
        known = ", ".join(store.frame("raster", columns=["code"])["code"]) or "none"
        raise NotFound(f"there is no raster {code!r}; there are: {known}; import it: onemap import rasters FILE")
    row = rows[0]
    grid = Grid(int(row["epsg"]), row["left"], row["top"], row["dx"], row["dy"], int(row["rows"]), int(row["cols"]))
    path = store.raster_folder() / str(row["file"])
    if not path.is_file():
        raise Unavailable(f"the file of raster {code!r} is missing: {path}; copy it there or import the raster again")
    return path, grid, row


def _require_grid(path: Path, src: Any, grid: Grid) -> None:
    if (src.height, src.width) != grid.shape or not src.transform.almost_equals(grid.transform, precision=1e-9):
        raise Unavailable(f"{path} is not the file that the register describes; import the raster again")


@contextmanager
def _of_store(path: Path) -> Iterator[None]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PendingDeprecationWarning)  # rioxarray's own
            yield
    except (RasterioError, CPLE_BaseError) as error:
        raise Unavailable(f"{path} cannot be read; import the raster again") from error


def raster_path(store: Store, code: str) -> Path:
    """The file of a raster; NotFound lists the codes there are."""
    return _found(store, code)[0]


def read_raster(store: Store, code: str) -> Raster:
    """The raster of that code, whole: float32, NaN where there is no data."""
    path, grid, row = _found(store, code)
    with _of_store(path), rasterio.open(path, driver="GTiff") as src:
        _require_grid(path, src, grid)
        values: Floats = src.read(1, out_dtype=np.float32)
    datum = str(row["vertical_datum"])
    return Raster(grid, values, str(row["quantity"]), str(row["unit"] or ""), "" if datum == "none" else datum)


def read_window(store: Store, code: str, row: int, col: int, rows: int, cols: int) -> Raster:
    """The part of a raster that begins at (row, col), without reading the rest."""
    path, grid, of = _found(store, code)
    if row < 0 or col < 0 or rows < 1 or cols < 1 or row + rows > grid.rows or col + cols > grid.cols:
        raise InputError(
            f"window {row}, {col}, {rows}, {cols}: the raster has {grid.rows} rows and {grid.cols} columns"
        )
    with _of_store(path), rasterio.open(path, driver="GTiff") as src:
        _require_grid(path, src, grid)
        values: Floats = src.read(1, window=Window(col, row, cols, rows), out_dtype=np.float32)
    datum = str(of["vertical_datum"])
    part = grid.window(row, col, rows, cols)
    return Raster(part, values, str(of["quantity"]), str(of["unit"] or ""), "" if datum == "none" else datum)


def open_lazily(store: Store, code: str, chunks: int | tuple[int, int] = 2048) -> xr.DataArray:
    """The raster as a Dask-backed array (y, x) of float32 that reads a chunk when it is asked for.

    Coordinates are cell centres; attrs hold quantity, unit, vertical_datum, epsg and sha256.
    """
    import rioxarray

    path, grid, row = _found(store, code)
    size_y, size_x = (chunks, chunks) if isinstance(chunks, int) else chunks
    with _of_store(path):
        opened = rioxarray.open_rasterio(path, chunks={"band": 1, "y": size_y, "x": size_x}, masked=True, lock=False)
    assert isinstance(opened, xr.DataArray)
    if opened.shape[1:] != grid.shape:
        raise Unavailable(f"{path} is not the file that the register describes; import the raster again")
    found = opened.isel(band=0, drop=True).astype(np.float32).rename(code)
    found = found.assign_coords(x=grid.x, y=grid.y)
    datum = str(row["vertical_datum"])
    found.attrs = {
        "quantity": row["quantity"],
        "unit": row["unit"] or "",
        "vertical_datum": "" if datum == "none" else datum,
        "epsg": grid.epsg,
        "sha256": row["sha256"],
    }
    return found


def write_cog(
    path: str | os.PathLike[str],
    raster: Raster,
    *,
    nodata: float | None = None,
    colours: Mapping[int, tuple[int, int, int, int]] | None = None,
    tags: Mapping[str, str] | None = None,
    level: int = 6,
) -> Path:
    """Write a raster as Cloud-Optimized GeoTIFF, complete or not at all; the same values give the same bytes.

    Values keep their type where it is float32, uint8 or int16 (int8 classes become uint8).
    `nodata` is NaN for real values and 0 for classes unless it is given. A colour table (value ->
    red, green, blue, alpha) needs classes. `level` is how hard DEFLATE tries, 1 to 9.
    """
    target = Path(path)
    values = raster.values
    if values.dtype == np.int8:
        if values.size and int(values.min()) < 0:
            raise InputError(f"values go down to {int(values.min())}: expected classes from 0")
        values = values.astype(np.uint8)  # readers of 8-bit signed GeoTIFF are few
    if values.dtype not in (np.float32, np.uint8, np.int16):
        raise InputError(f"values are {values.dtype.name}: expected float32, int16, uint8 or int8")
    classes = values.dtype.kind in "iu"
    if colours is not None and values.dtype != np.uint8:
        raise InputError("a colour table needs classes of 8 bits")
    grid = raster.grid
    part = target.with_name(f".{target.name}.{os.getpid()}.{threading.get_ident()}.part")
    kept = {"QUANTITY": raster.quantity, "UNIT": raster.unit, "VERTICAL_DATUM": raster.vertical_datum, **(tags or {})}
    try:
        with rasterio.open(
            part,
            "w",
            driver="COG",
            height=grid.rows,
            width=grid.cols,
            count=1,
            dtype=values.dtype.name,
            crs=f"EPSG:{grid.epsg}",
            transform=grid.transform,
            nodata=(0.0 if classes else math.nan) if nodata is None else nodata,
            compress="DEFLATE",
            level=level,
            predictor="YES",
            blocksize=512,
            bigtiff="IF_SAFER",
            overview_resampling="MODE" if classes else "AVERAGE",
        ) as dst:
            dst.write(values, 1)
            if colours is not None:
                dst.write_colormap(1, dict(colours))
            dst.update_tags(**{name: value for name, value in sorted(kept.items()) if value})
        with part.open("rb+") as stream:
            os.fsync(stream.fileno())
        part.replace(target)
        with suppress(OSError):
            folder = os.open(target.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
    except (RasterioError, CPLE_BaseError, OSError) as error:
        said = error.strerror if isinstance(error, OSError) and error.strerror else str(error).splitlines()[0][:120]
        raise Unavailable(f"{target} cannot be written: {said}; check the disk's free space and permissions") from error
    finally:
        for left in (part, part.with_name(part.name + ".aux.xml")):
            with suppress(OSError):
                left.unlink()
    return target
