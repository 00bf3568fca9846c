"""The base map as vector tiles, built from the district's own roads, water and boundary."""

import os
import threading
from pathlib import Path

import freestiler
import geopandas as gpd
import pandas as pd
from pmtiles.reader import MmapSource, Reader

from layers.district import District, View

MIN_ZOOM, MAX_ZOOM = 5, 14
MINOR_FROM_ZOOM = 12
MAJOR_CLASSES = frozenset(
    f"{name}{suffix}"
    for name in ("motorway", "trunk", "primary", "secondary", "tertiary")
    for suffix in ("", "_link")
    if name != "tertiary" or not suffix
)
"""Road classes drawn at every zoom; the others appear from `MINOR_FROM_ZOOM`."""

ROAD_FIELDS = ("highway", "name", "bridge")
"""What the tiles hold of a road."""

_FORM = 2
"""Counted up when other things are put on the tiles, or from other zooms: tiles of before are built anew."""

_open: dict[Path, Reader] = {}
_lock = threading.Lock()
_building = threading.Lock()


def base_path(view: View) -> Path:
    """Where the base tiles of one view stand; the name follows the newest change of what they show."""
    key = "-".join(str(view.seqs.get(table, 0)) for table in ("road", "water", "boundary"))
    return view.district.cache / f"base-{_FORM}-{key}.pmtiles"


def build_base(district: District) -> Path:
    """Build the base tiles unless they are there; returns their path."""
    view = district.view()
    path = base_path(view)
    if not path.is_file():
        with _building:
            if not path.is_file():
                _build(view, path)
    return path


def _build(view: View, path: Path) -> None:
    roads = view.frame("road")
    columns = [c for c in (*ROAD_FIELDS, "geometry") if c in roads.columns]
    roads = roads[columns]
    major = roads["highway"].isin(MAJOR_CLASSES)
    wanted = {
        "roads": (roads[major], MIN_ZOOM),
        "roads_minor": (roads[~major], MINOR_FROM_ZOOM),
        "water": (view.frame("water")[["kind", "name", "geometry"]], MIN_ZOOM),
        "boundary": (view.frame("boundary")[["name", "geometry"]], MIN_ZOOM),
    }
    parts = {
        name: freestiler.freestile_layer(_without_nulls(frame), min_zoom=zoom, max_zoom=MAX_ZOOM)
        for name, (frame, zoom) in wanted.items()
        if len(frame)
    }
    if not parts:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.stem}.{os.getpid()}.part.pmtiles")
    freestiler.freestile(parts, part, min_zoom=MIN_ZOOM, max_zoom=MAX_ZOOM, coalesce=True, quiet=True)
    part.replace(path)
    for old in path.parent.glob("base-*.pmtiles"):
        if old != path and not old.name.endswith(".part.pmtiles"):
            old.unlink()


def _without_nulls(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Texts without nulls (a null would become the text 'None' in a tile)."""
    frame = frame.copy()
    for name in frame.columns:
        if name != "geometry" and not pd.api.types.is_numeric_dtype(frame[name]):
            frame[name] = frame[name].fillna("").astype(str)
        elif name != "geometry":
            frame[name] = frame[name].fillna(0)
    return frame[~frame.geometry.isna()]


def base_tile(district: District, z: int, x: int, y: int) -> bytes | None:
    """One gzipped vector tile, None where there is nothing to draw."""
    path = build_base(district)
    if not path.is_file() or not (MIN_ZOOM <= z <= MAX_ZOOM and 0 <= x < 2**z and 0 <= y < 2**z):
        return None
    with _lock:
        reader = _open.get(path)
        if reader is None:
            _open.clear()
            with path.open("rb") as file:  # the map of the file stays when the file is closed
                reader = _open[path] = Reader(MmapSource(file))
        tile: bytes | None = reader.get(z, x, y)
    return tile


def base_tag(district: District) -> str:
    """A text that changes when the base tiles do (for ETags)."""
    return base_path(district.view()).stem
