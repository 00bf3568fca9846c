"""The one column type for geometry: a GeoPackage blob on SQLite, a PostGIS geometry on PostgreSQL.

Whole columns go through `encode` and `decode`; single values through the type itself.
"""

import struct
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.types import UserDefinedType

from geo.crs import STORED_EPSG
from geo.errors import InputError

Encoded = bytes | str | None
"""A stored geometry as the driver carries it: blob on SQLite, hexadecimal EWKB on PostgreSQL."""

_ENVELOPE_BYTES = (0, 32, 48, 48, 64)  # by the envelope code in the flags
_HEADER = np.dtype([("magic", "S2"), ("version", "u1"), ("flags", "u1"), ("srs_id", "<i4"), ("envelope", "<f8", (4,))])
_FLAGS = 0b0000_0011  # little endian, envelope of x and y
_POINT = struct.Struct("<2sBBi4dBI2d")  # header with envelope, then the point as WKB
_WKB_POINT = 1
_FLAGS_EMPTY = 0b0001_0001  # little endian, empty, no envelope


class Geometry(UserDefinedType[Any]):
    """Geometry in EPSG:4326, longitude first; `type_name` is the GeoPackage name of its type."""

    cache_ok = True

    def __init__(self, type_name: str = "GEOMETRY") -> None:
        self.type_name = type_name

    def get_col_spec(self, **_: Any) -> str:
        """The declared type on SQLite, as GeoPackage wants it."""
        return self.type_name

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Encoded]:
        """Shapely geometry to the stored form; what is encoded already passes."""
        name = dialect.name

        def encoded(value: Any) -> Encoded:
            if value is None or isinstance(value, bytes | str):
                return value
            return encode([value], name)[0]

        return encoded

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        """The stored form to a shapely geometry."""
        return lambda value: None if value is None else decode([value])[0]


@compiles(Geometry, "postgresql")
def _postgis(element: Geometry, compiler: Any, **_: Any) -> str:
    return f"geometry({element.type_name},{STORED_EPSG})"


class EncodedGeometry(UserDefinedType[Any]):
    """The same column read without decoding, so that a whole column is decoded at once."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """Never created; only cast to."""
        return "BLOB"


def encode(geometries: Iterable[Any], dialect: str = "sqlite") -> list[Encoded]:
    """A column of shapely geometries in the stored form; None stays None."""
    array = np.array(list(geometries), dtype=object)
    if array.size == 0:
        return []
    missing = shapely.is_missing(array)
    if missing.all():
        return [None] * len(array)
    if dialect == "postgresql":
        hexed = shapely.to_wkb(shapely.set_srid(array, STORED_EPSG), hex=True, include_srid=True, output_dimension=2)
        return [None if gone else value for value, gone in zip(hexed.tolist(), missing, strict=True)]
    header = np.zeros(len(array), dtype=_HEADER)
    header["magic"] = b"GP"
    header["flags"] = _FLAGS
    header["srs_id"] = STORED_EPSG
    header["envelope"] = shapely.bounds(array)[:, [0, 2, 1, 3]]
    heads = header.tobytes()
    size = _HEADER.itemsize
    bodies = shapely.to_wkb(array, output_dimension=2, byte_order=1).tolist()
    blobs: list[Encoded] = [
        None if body is None else heads[i * size : (i + 1) * size] + body for i, body in enumerate(bodies)
    ]
    for i in np.flatnonzero(shapely.is_empty(array) & ~missing):
        blobs[i] = struct.pack("<2sBBi", b"GP", 0, _FLAGS_EMPTY, STORED_EPSG) + bodies[i]
    return blobs


def encode_point(lon: float, lat: float, dialect: str = "sqlite") -> Encoded:
    """One point in the stored form, as `encode` gives it, without the way through arrays."""
    if dialect == "postgresql":
        return encode([shapely.Point(lon, lat)], dialect)[0]
    return _POINT.pack(b"GP", 0, _FLAGS, STORED_EPSG, lon, lon, lat, lat, 1, _WKB_POINT, lon, lat)


def decode_point(value: Encoded) -> tuple[float, float] | None:
    """The longitude and latitude of a stored point; None where there is none."""
    if isinstance(value, bytes) and len(value) == _POINT.size and value[3] == _FLAGS:
        *_, order, kind, lon, lat = _POINT.unpack(value)
        if (order, kind) == (1, _WKB_POINT):
            return lon, lat
    point = decode([value])[0]
    return None if point is None or point.is_empty else (point.x, point.y)


def wkb(value: Encoded) -> bytes | str | None:
    """The geometry without its header: what two stored forms of one geometry have in common."""
    if not isinstance(value, bytes):
        return value
    if value[:2] != b"GP" or len(value) < 8 or (value[3] >> 1 & 7) > 4:
        raise InputError("geom: the value is no GeoPackage geometry; write it with a GeoPackage tool")
    return value[8 + _ENVELOPE_BYTES[value[3] >> 1 & 7] :]


def decode(values: Sequence[Encoded]) -> NDArray[Any]:
    """A stored column as an object array of shapely geometries in two dimensions; None stays None."""
    if not values:
        return np.empty(0, dtype=object)
    bodies = np.empty(len(values), dtype=object)
    bodies[:] = [wkb(value) for value in values]
    try:
        array: NDArray[Any] = shapely.from_wkb(bodies)
    except shapely.GEOSException as error:
        raise InputError(f"geom: a stored geometry cannot be read ({error}); repair the row") from error
    if shapely.has_z(array).any() or shapely.has_m(array).any():
        array = shapely.force_2d(array)
    return array


def bounds(heads: Sequence[bytes]) -> tuple[float, float, float, float] | None:
    """Outer bounds from the first 40 bytes of GeoPackage blobs that carry an envelope of x and y."""
    joined = np.frombuffer(b"".join(heads), dtype=_HEADER)
    if len(joined) == 0:
        return None
    low, high = joined["envelope"].min(axis=0), joined["envelope"].max(axis=0)
    return float(low[0]), float(low[2]), float(high[1]), float(high[3])
