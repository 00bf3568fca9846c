"""Files into the district: all or nothing, checked row by row, the same file twice changes nothing."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj import CRS
from sqlalchemy import Connection

from data import audit, ledger
from data.checking import (
    Problems,
    match_columns,
    nearly_twins,
    points_from_columns,
    require_ordered,
    require_unique,
    typed_columns,
)
from data.item_catalogue import DIVISIBLE_UNITS
from data.kinds import KINDS, Column, Kind
from data.reading import AT_HAND, RawFrame, SheetBounds, read_file
from data.schema import stored_name
from data.store import Store
from geo.crs import STORED_EPSG, bd09_to_wgs84, gcj02_to_wgs84, to_metric
from geo.datum import MIN_PLACES, shift_evidence
from geo.errors import CrsError, ImportRefused, InputError

ROAD_BOUND = frozenset({"enterprises", "shelters", "depots", "teams", "hospitals"})
"""Kinds whose rows stand at roads, so that a wrong datum shows."""

_FRAMING = frozenset({"boundary", "roads", "villages", "water", "cells", "closures"})
_SHIFTED = {"GCJ-02": gcj02_to_wgs84, "GCJ02": gcj02_to_wgs84, "BD-09": bd09_to_wgs84, "BD09": bd09_to_wgs84}
_SHOWN = 5
_LONG_NAME = 60  # a system that is given in full is called by its name

_TYPES = np.array(
    [
        "Point",
        "LineString",
        "LinearRing",
        "Polygon",
        "MultiPoint",
        "MultiLineString",
        "MultiPolygon",
        "GeometryCollection",
        "",  # -1, no geometry
    ],
    dtype=object,
)

MAX_MENDED_SHARE = 0.001
"""An outline that crosses itself is mended where that changes its area by at most this share [proposed]."""


@dataclass(frozen=True)
class ImportReport:
    """What came of a file."""

    kind: str
    rows: int
    inserted: int
    updated: int
    unchanged: int
    deleted: int
    unplaced: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    dry_run: bool = False
    seconds: float = field(default=0.0, compare=False)

    def to_json(self) -> dict[str, Any]:
        """The report as plain values."""
        return {**self.__dict__, "unplaced": list(self.unplaced), "notices": list(self.notices)}

    def to_text(self) -> str:
        """The report as a person reads it."""
        head = "checked only, nothing written: " if self.dry_run else ""
        text = (
            f"{head}{self.kind}: {self.rows:,} rows; {self.inserted:,} new, {self.updated:,} changed, "
            f"{self.unchanged:,} as before, {self.deleted:,} removed ({self.seconds:.1f} s)"
        )
        for notice in self.notices:
            text += f"\n  note: {notice}"
        if self.unplaced:
            more = f" and {len(self.unplaced) - _SHOWN} more" if len(self.unplaced) > _SHOWN else ""
            text += f"\n  to be placed: {', '.join(self.unplaced[:_SHOWN])}{more} (see: onemap unplaced)"
        return text


class _DryRun(Exception):
    """Ends a transaction that must leave nothing."""


def _kind(name: str) -> Kind:
    if name not in KINDS:
        raise InputError(f"kind={name}: expected one of {', '.join(KINDS)}")
    if not KINDS[name].from_sheet:
        raise InputError(
            f"kind={name}: its rows are made from GeoTIFF or NetCDF files; "
            f"use `onemap import {name} FILE --code CODE --title TITLE --quantity QUANTITY --unit UNIT`"
        )
    return KINDS[name]


@dataclass(frozen=True)
class Prepared:
    """A file that was read and checked as far as that is possible without the transaction that writes it."""

    kind: Kind
    frame: pd.DataFrame
    source: str
    source_datum: str
    problems: Problems
    notices: tuple[str, ...] = ()
    file: str | None = None
    sha256: str | None = None
    began: float = field(default_factory=monotonic)


def import_file(
    store: Store,
    kind: str,
    path: str | Path,
    *,
    crs: str | None = None,
    column_map: Mapping[str, str] | None = None,
    dry_run: bool = False,
    force: bool = False,
    append: bool = False,
    source: str | None = None,
    bounds: SheetBounds = AT_HAND,
    now_utc: datetime,
) -> ImportReport:
    """Import one file as `kind`; ImportRefused lists what is wrong and nothing is written."""
    prepared = prepare_file(
        store, kind, path, crs=crs, column_map=column_map, force=force, source=source, bounds=bounds
    )
    return _import(store, prepared, now_utc=now_utc, dry_run=dry_run, append=append)


def prepare_file(
    store: Store,
    kind: str,
    path: str | Path,
    *,
    crs: str | None = None,
    column_map: Mapping[str, str] | None = None,
    force: bool = False,
    source: str | None = None,
    bounds: SheetBounds = AT_HAND,
) -> Prepared:
    """Read one file as `kind`, within bounds for a sheet; ImportRefused where it cannot be one."""
    began = monotonic()
    declared = _kind(kind)
    path = Path(path)
    if path.exists():
        store.require_not_live(path)
    raw = read_file(path, roads=kind == "roads", bounds=bounds)
    digest = _sha256(path)
    problems = Problems(lines=raw.lines)
    frame, datum, notices = _placed(raw, declared, crs, column_map, store, problems)
    if declared.name in ROAD_BOUND and not force and problems.count == 0:
        _require_datum(store, declared, frame)
    return Prepared(
        declared,
        frame,
        source or path.name,
        datum,
        problems,
        (*raw.notices, *notices),
        file=path.name,
        sha256=digest,
        began=began,
    )


def import_frame(
    store: Store,
    kind: str,
    frame: pd.DataFrame,
    *,
    source: str,
    source_datum: str,
    now_utc: datetime,
    dry_run: bool = False,
    force: bool = False,
    append: bool = False,
) -> ImportReport:
    """Import a frame in the declared columns, through the same checks as a file."""
    began = monotonic()
    declared = _kind(kind)
    geometry = None
    crs = None
    table = pd.DataFrame(frame)
    if isinstance(frame, gpd.GeoDataFrame):
        geometry = frame.geometry.to_numpy(dtype=object)
        crs = None if frame.crs is None else f"EPSG:{frame.crs.to_epsg()}"
        table = pd.DataFrame(frame.drop(columns=frame.geometry.name))
    table = table.astype(object).reset_index(drop=True)
    raw = RawFrame(table.where(table.notna(), None), geometry, crs)
    problems = Problems()
    placed, datum, notices = _placed(raw, declared, None, None, store, problems)
    if declared.name in ROAD_BOUND and not force and problems.count == 0:
        _require_datum(store, declared, placed)
    prepared = Prepared(declared, placed, source, source_datum or datum, problems, tuple(notices), began=began)
    return _import(store, prepared, now_utc=now_utc, dry_run=dry_run, append=append)


def checked_file(
    store: Store, kind: str | Kind, path: str | Path, *, crs: str | None = None, bounds: SheetBounds = AT_HAND
) -> pd.DataFrame:
    """The rows of a file in the declared columns, checked as for an import; ImportRefused, and nothing is written.

    A kind that is not stored is given itself.
    """
    declared, path = kind if isinstance(kind, Kind) else _kind(kind), Path(path)
    raw = read_file(path, roads=declared.name == "roads", bounds=bounds)
    problems = Problems(lines=raw.lines)
    frame, _, _ = _placed(raw, declared, crs, None, store, problems)
    problems.raise_if_any(declared.name)
    return frame


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


# -- columns and places ---------------------------------------------------------------------------


def _placed(
    raw: RawFrame,
    kind: Kind,
    crs: str | None,
    column_map: Mapping[str, str] | None,
    store: Store,
    problems: Problems,
) -> tuple[pd.DataFrame, str, list[str]]:
    """Typed columns with WGS 84 geometry, the source's datum, and notices."""
    if len(raw.frame) == 0:
        raise ImportRefused(f"{kind.name}: the file has no data rows")
    found, unused = match_columns([str(c) for c in raw.frame.columns], kind, column_map)
    notices = [f"columns not used: {', '.join(unused[:20])}"] if unused else []
    typed = typed_columns(raw.frame, kind, found, store.district.zone, problems)
    if kind.key == () and "id" in raw.frame.columns:
        ids = [None if v is None else str(v) for v in raw.frame["id"].tolist()]
        if any(ids):
            typed["id"] = ids
    require_unique(typed, kind, problems)
    require_ordered(typed, kind, problems)
    notices += nearly_twins(typed, kind)
    if not kind.geometry:
        return typed, "none", notices
    geometry = raw.geometry
    told = np.zeros(len(raw.frame), dtype=bool)
    if geometry is None:
        if "lon" not in found or "lat" not in found:
            if kind.geometry_required or "lon" in found or "lat" in found:
                raise ImportRefused(
                    f"{kind.name}: the file has no geometry; expected the columns lon and lat, "
                    f"it has {', '.join(map(str, raw.frame.columns))}"
                )
            geometry = np.full(len(raw.frame), None, dtype=object)
        else:
            geometry, told = points_from_columns(raw.frame, found, problems)
    if (crs or raw.crs) is None and not _there(geometry).any():
        datum, shapes = "none", geometry
    else:
        of_shapes = problems.count
        shapes, datum = _to_wgs84(geometry, raw.crs, crs, kind, problems)
        if problems.count > of_shapes:  # coordinates that are no place: nothing can be said of the shapes
            problems.raise_if_any(kind.name)
    shapes = _sound_shapes(shapes, told, kind, problems, notices)
    return gpd.GeoDataFrame(typed, geometry=shapes, crs=STORED_EPSG), datum, notices


def _there(geometry: NDArray[np.object_]) -> NDArray[np.bool_]:
    return np.asarray(~(shapely.is_missing(geometry) | shapely.is_empty(geometry)), dtype=bool)


def _to_wgs84(
    geometry: NDArray[np.object_], of_file: str | None, declared: str | None, kind: Kind, problems: Problems
) -> tuple[NDArray[np.object_], str]:
    name = declared or of_file
    remedy = "declare it, e.g. --crs EPSG:4490, --crs EPSG:4326, --crs GCJ-02 or --crs BD-09"
    if name is None:
        problems.raise_if_any(kind.name)
        raise ImportRefused(f"{kind.name}: the file has no coordinate reference system; {remedy}")
    coords, owner = shapely.get_coordinates(geometry, return_index=True)
    infinite = np.unique(owner[~np.isfinite(coords).all(axis=1)])
    for row in infinite:
        problems.add(int(row) + 1, "geometry", "NaN or infinite", "finite coordinates")
    undo = _SHIFTED.get(name.upper())
    if undo is not None:
        if _require_degrees(geometry, problems) or len(infinite):
            return geometry, name
        return shapely.transform(geometry, undo), name.upper()
    crs = _crs(name)
    datum = crs.name if len(name) > _LONG_NAME else name
    if not (crs.is_geographic or crs.is_projected):
        raise CrsError(f"crs={crs.name[:60]}: not a system of places on the map; {remedy}")
    if crs.is_geographic and _require_degrees(geometry, problems):
        return geometry, datum
    if len(infinite) or crs.to_epsg() == STORED_EPSG:
        return geometry, datum
    moved = gpd.GeoSeries(geometry, crs=crs).to_crs(STORED_EPSG).to_numpy(dtype=object)
    coords, owner = shapely.get_coordinates(moved, return_index=True)
    for row in np.unique(owner[~np.isfinite(coords).all(axis=1)]):
        problems.add(int(row) + 1, "geometry", shapely.to_wkt(geometry[row])[:60], f"coordinates in {datum}")
    return moved, datum


def _crs(name: str) -> CRS:
    try:
        return CRS.from_user_input(name)
    except Exception as error:
        raise CrsError(f"crs={name[:60]}: not known; expected EPSG:CODE, GCJ-02 or BD-09") from error


def _require_degrees(geometry: NDArray[np.object_], problems: Problems) -> bool:
    """Note what cannot be degrees; whether there is any."""
    bounds = shapely.bounds(geometry)
    lon_bad = (bounds[:, 0] < -180) | (bounds[:, 2] > 180)
    lat_bad = (bounds[:, 1] < -90) | (bounds[:, 3] > 90)
    swapped = lat_bad & (bounds[:, 3] <= 180) & (bounds[:, 1] >= -180) & (np.abs(bounds[:, 0]) <= 90)
    for row in np.flatnonzero(lon_bad | lat_bad):
        shown = f"{bounds[row, 0]:.5f}, {bounds[row, 1]:.5f}"
        hint = "longitude, latitude in degrees; they look swapped" if swapped[row] else "longitude, latitude in degrees"
        problems.add(int(row) + 1, "lon, lat", shown, hint)
    return bool((lon_bad | lat_bad).any())


def _mended(shape: Any) -> Any:
    """A valid outline; lines and points that fall off are left out."""
    better = shapely.make_valid(shape)
    if better.geom_type == "GeometryCollection":
        better = shapely.union_all([part for part in shapely.get_parts(better) if "Polygon" in part.geom_type])
    return better


def _sound_shapes(
    shapes: NDArray[np.object_], told: NDArray[np.bool_], kind: Kind, problems: Problems, notices: list[str]
) -> NDArray[np.object_]:
    """Accepted types only, valid outlines; an outline that can be mended without loss is mended."""
    missing = np.asarray(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    shapes = np.asarray(shapely.force_2d(shapes), dtype=object).copy()
    shapes[missing] = None
    if kind.geometry_required:
        for row in np.flatnonzero(missing & ~told):
            problems.add(int(row) + 1, "geometry", "", f"a {kind.geometry[0]}")
    types = _TYPES[shapely.get_type_id(shapes)]
    for row in np.flatnonzero(~missing & ~np.isin(types.astype(str), kind.geometry)):
        problems.add(int(row) + 1, "geometry", types[row], " or ".join(kind.geometry))
    fits = np.isin(types.astype(str), kind.geometry)
    invalid = np.flatnonzero(~missing & fits & ~shapely.is_valid(shapes))
    mended, largest = 0, 0.0
    for row in invalid:
        if "Polygon" not in str(types[row]):
            if kind.name != "roads":  # a line of one point twice is a known road of no length
                problems.add(int(row) + 1, "geometry", shapely.is_valid_reason(shapes[row]), "a valid line")
            continue
        better = _mended(shapes[row])
        change = abs(better.area - abs(shapes[row].area)) / max(better.area, 1e-300)
        if better.geom_type in kind.geometry and change <= MAX_MENDED_SHARE:
            shapes[row] = better
            mended += 1
            largest = max(largest, change)
        else:
            problems.add(int(row) + 1, "geometry", shapely.is_valid_reason(shapes[row]), "a valid outline")
    if mended:
        notices.append(
            f"{mended} outlines crossed themselves and have been mended; an area changed by at most {largest:.4%}"
        )
    return shapes


# -- the transaction ------------------------------------------------------------------------------


def _import(store: Store, prepared: Prepared, *, now_utc: datetime, dry_run: bool, append: bool) -> ImportReport:
    """Write in a transaction of its own, with the row in the audit of whoever is at the machine."""
    try:
        with store.writing() as conn:
            report, run = write_prepared(store, conn, prepared, now_utc=now_utc, append=append)
            if run is not None:
                audit.append_import(
                    conn,
                    run,
                    kind=prepared.kind.name,
                    file=prepared.file,
                    sha256=prepared.sha256,
                    rows=report.rows,
                    now_utc=now_utc,
                )
            if dry_run:
                raise _DryRun
    except _DryRun:
        pass
    return replace(report, dry_run=dry_run, seconds=monotonic() - prepared.began)


def write_prepared(
    store: Store, conn: Connection, prepared: Prepared, *, now_utc: datetime, append: bool = False
) -> tuple[ImportReport, str | None]:
    """Check what was read against what is there and write it, in the transaction of the caller.

    Returns what came of it and the id of the import's record, None where nothing changed. The row in the
    audit is the caller's.
    """
    kind, frame, problems = prepared.kind, prepared.frame, prepared.problems
    notices = [*prepared.notices]
    if isinstance(frame, gpd.GeoDataFrame):
        _require_inside(store, conn, kind, frame, problems, notices)
    _require_references(store, conn, kind, frame, problems)
    if kind.name == "lots":
        _require_lots(store, conn, frame, problems)
    if kind.name == "items":
        _require_units_kept(store, conn, frame, problems)
    if kind.name == "reserve_targets":
        _require_versions_kept(store, conn, kind, frame, problems, now_utc)
    problems.raise_if_any(kind.name)
    unplaced: tuple[str, ...] = ()
    if isinstance(frame, gpd.GeoDataFrame) and not kind.geometry_required:
        frame = _kept_places(store, conn, kind, frame)
        unplaced = tuple(frame.loc[frame.geometry.isna(), "id"].astype(str))
    stamp: Any = {"source": prepared.source, "source_datum": prepared.source_datum, "now_utc": now_utc}
    if kind.name == "lots":
        counts = ledger.apply_lots(conn, frame, source=prepared.source, now_utc=now_utc)
    elif kind.replaces and not append:
        counts = store.replace(conn, kind.table, frame, **stamp)
    else:
        counts = store.upsert(conn, kind.table, frame, **stamp)
    run = None
    if counts.inserted or counts.updated or counts.deleted:
        run = store.record_import(
            conn,
            kind=kind.name,
            counts=counts,
            rows=len(frame),
            file=prepared.file,
            sha256=prepared.sha256,
            unplaced=len(unplaced),
            notices=notices,
            **stamp,
        )
    report = ImportReport(
        kind.name,
        len(frame),
        counts.inserted,
        counts.updated,
        counts.unchanged,
        counts.deleted,
        unplaced,
        tuple(notices),
    )
    return report, run


def _kept_places(store: Store, conn: Connection, kind: Kind, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """A row without coordinates says nothing of its place: one that was found before stays."""
    shapes = frame.geometry.to_numpy(dtype=object).copy()
    missing = np.flatnonzero(shapely.is_missing(shapes))
    if len(missing) == 0:
        return frame
    old = store.frame(kind.table, conn=conn, columns=["id", "geometry"])
    known = dict(zip(old["id"].tolist(), old.geometry.to_numpy(dtype=object), strict=True))
    ids = frame["id"].tolist()
    for row in missing:
        shapes[row] = known.get(ids[row])
    return frame.set_geometry(gpd.GeoSeries(shapes, index=frame.index, crs=STORED_EPSG))


def _require_datum(store: Store, kind: Kind, frame: pd.DataFrame) -> None:
    placed = frame[~frame.geometry.isna()]
    if len(placed) < MIN_PLACES:
        return
    epsg = store.district.epsg
    roads = store.frame("road", columns=["geometry"])
    lines = shapely.transform(roads.geometry.to_numpy(dtype=object), lambda xy: to_metric(xy, epsg=epsg))
    found = shift_evidence(shapely.get_coordinates(placed.geometry.to_numpy(dtype=object)), lines, epsg=epsg)
    if found is not None:
        remedy = f"--crs {found.datum}" if found.datum in _SHIFTED else "--crs EPSG:4326"
        raise ImportRefused(
            f"{kind.name}: the places lie {found.mean_distance_m:.0f} m from the roads on average, and "
            f"{found.mean_distance_shifted_m:.0f} m if they are {found.datum} (a shift of {found.shift_m:.0f} m): "
            f"the declared datum looks wrong; use {remedy}, or --force if it is right"
        )


def _require_inside(
    store: Store,
    conn: Connection,
    kind: Kind,
    frame: gpd.GeoDataFrame,
    problems: Problems,
    notices: list[str],
) -> None:
    """Nothing outside the district's extent; what frames the district is held against its boundary only."""
    if kind.name == "boundary" or kind.anywhere:
        return
    if kind.name in _FRAMING and len(store.frame("boundary", conn=conn, columns=["name"])) == 0:
        return
    extent = store.extent(conn)
    if extent is None:
        return
    min_x, min_y, max_x, max_y = extent
    bounds = shapely.bounds(frame.geometry.to_numpy(dtype=object))
    with np.errstate(invalid="ignore"):
        outside = (bounds[:, 2] < min_x) | (bounds[:, 0] > max_x) | (bounds[:, 3] < min_y) | (bounds[:, 1] > max_y)
        swapped = (bounds[:, 1] >= min_x) & (bounds[:, 3] <= max_x) & (bounds[:, 0] >= min_y) & (bounds[:, 2] <= max_y)
    rows = np.flatnonzero(outside)
    # A road or water extract reaches beyond the district; only one that lies elsewhere is a mistake.
    if kind.name in ("roads", "water") and 0 < len(rows) <= len(frame) / 2:
        notices.append(f"{len(rows)} of {len(frame)} lie wholly outside the district's extent and are kept")
        return
    inside = f"inside the district's extent ({min_x:.4f},{min_y:.4f} to {max_x:.4f},{max_y:.4f})"
    for row in rows:
        hint = "; longitude and latitude look swapped" if swapped[row] else ""
        shown = f"{bounds[row, 0]:.5f}, {bounds[row, 1]:.5f}"
        problems.add(int(row) + 1, "geometry", shown, inside + hint)


def _require_references(store: Store, conn: Connection, kind: Kind, frame: pd.DataFrame, problems: Problems) -> None:
    for column in kind.columns:
        if not column.references or column.name not in frame.columns:
            continue
        table, name = column.references.split(".")
        known = set(store.frame(table, conn=conn, columns=[name])[name])
        _report_unknown(frame[column.name], known, column, problems)


def _report_unknown(values: pd.Series, known: set[Any], column: Column, problems: Problems) -> None:
    for row, value in enumerate(values.tolist(), start=1):
        if not pd.isna(value) and value not in known:
            problems.add(row, column.name, value, f"an id that is there already ({column.references})")


def _require_lots(store: Store, conn: Connection, frame: pd.DataFrame, problems: Problems) -> None:
    units = store.frame("item", conn=conn, columns=["id", "unit"]).set_index("id")["unit"].to_dict()
    for row, record in enumerate(frame.to_dict("records"), start=1):
        unit, item = record.get("unit"), record["item_id"]
        if not pd.isna(unit) and item in units and unit != units[item]:
            problems.add(row, "unit", unit, f"the item's unit, {units[item]}")
        quantity = record.get("quantity")
        if item in units and units[item] not in DIVISIBLE_UNITS:
            for name in ("quantity", "reserved", "on_hold"):
                value = record.get(name)
                if value is not None and value % 1:
                    problems.add(row, name, value, f"a whole number: the unit {units[item]} has no parts")
        taken = (record.get("reserved") or 0) + (record.get("on_hold") or 0)
        if quantity is not None and taken > quantity:
            problems.add(row, "reserved, on_hold", taken, f"together at most the quantity, {quantity}")


def _require_versions_kept(
    store: Store, conn: Connection, kind: Kind, frame: pd.DataFrame, problems: Problems, now_utc: datetime
) -> None:
    """A version that has come into force stays as it was decided; only its end may be set."""
    old = store.frame(kind.table, conn=conn)
    begun: dict[str, str] = old.groupby("version")["valid_from"].min().to_dict()
    today = now_utc.astimezone(store.district.zone).date().isoformat()
    fixed = [column for column in kind.columns if column.name not in (*kind.key, "valid_to", "reference")]
    rows = {tuple(row[name] for name in kind.key): row for row in old.to_dict("records")}
    for number, record in enumerate(frame.to_dict("records"), start=1):
        version = record["version"]
        if begun.get(version, "9999") > today:
            continue
        remedy = f"a new version, for {version} has been in force since {begun[version]}"
        there = rows.get(tuple(record[name] for name in kind.key))
        if there is None:
            problems.add(number, "version", version, remedy)
            continue
        for column in fixed:
            value = record.get(column.name)
            if value is not None and column.type == "quantity":
                value = ledger.thousandths(value, column.name)
            if value is not None and value != there[stored_name(column)]:
                problems.add(number, column.name, record[column.name], remedy)


def _require_units_kept(store: Store, conn: Connection, frame: pd.DataFrame, problems: Problems) -> None:
    """An item keeps its unit once there are lots of it: every quantity of them would mean something else."""
    units = store.frame("item", conn=conn, columns=["id", "unit"]).set_index("id")["unit"].to_dict()
    stocked = set(store.frame("lot", conn=conn, columns=["item_id"])["item_id"])
    for row, record in enumerate(frame.to_dict("records"), start=1):
        item, unit = record["id"], record["unit"]
        if item in stocked and unit is not None and unit != units[item]:
            problems.add(row, "unit", unit, f"the unit in which its stock is counted, {units[item]}")
