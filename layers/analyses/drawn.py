"""Computed layers: response bands, territories, uncovered places."""

import hashlib
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from itertools import pairwise

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from geo.crs import to_lonlat
from geo.network import RoadNetwork, Snapped
from geo.surface import EMPTY_SAMPLES, contours, road_samples, territories
from geo.times import TravelTimes
from layers.analyses.places import PLACES
from layers.analyses.response import coverage, teams_at
from layers.apart import run_apart
from layers.catalogue import BAND_LIMITS_S, LAYERS
from layers.district import View, metric_geometries

DRAWN_TOLERANCE_M = 4.0
"""Areas are drawn to about this many metres; counts never come from them."""

_KEPT_FILES = 8  # drawn results kept on disk: profiles of the day x closures


def _areas(
    name: str,
    network: RoadNetwork,
    order: list[int] | None,
    hour: int,
    factors: NDArray[np.float64] | None,
    stations: Snapped,
    before_travel_s: NDArray[np.float64],
    snap_m: float,
) -> gpd.GeoDataFrame:
    """Bands or territories in the metric CRS; called in a process of its own, it takes seconds and much memory."""
    if len(network.edge_tail) == 0:
        samples = replace(EMPTY_SAMPLES, epsg=network.epsg)
    else:
        travel = TravelTimes(network, hour=hour, order=order, edge_factor=factors)
        samples = road_samples(travel, stations, before_travel_s)
    if name == "response_time":
        return contours(samples, BAND_LIMITS_S, snap_m=snap_m)
    return territories(samples, snap_m=snap_m)


def _areas_apart(view: View, name: str, at: datetime) -> gpd.GeoDataFrame:
    """The areas at a moment; `team` is the position in the table of teams."""
    teams = teams_at(view, None, at)
    # Equal times go to the smallest id, as in the proof table.
    by_id = np.argsort(np.asarray(teams.id, dtype=object), kind="stable")
    counted = by_id[teams.eligible[by_id]]
    areas = run_apart(
        _areas,
        name,
        replace(view.network),
        view.order,
        view.local(at).hour,
        view.edge_factors(at),
        view.snapped("team").take(counted),
        teams.before_travel_s[counted],
        view.district.snap_m,
    )
    if "team" in areas.columns:
        areas["team"] = counted[areas["team"].to_numpy(dtype=np.int64)]
    return areas


def _drawn(
    view: View, name: str, at: datetime, make: Callable[[gpd.GeoDataFrame], gpd.GeoDataFrame]
) -> gpd.GeoDataFrame:
    """A drawn result in WGS 84, kept in memory and on disk for as long as what it depends on is the same."""
    teams = teams_at(view, None, at)
    parts = (
        name,
        view.seqs.get("road", 0),
        view.seqs.get("team", 0),
        view.seqs.get("boundary", 0),
        view.district.snap_m,
        view.district.ignore_oneway,
        view.district.travel_key(view, at),
        teams.on_duty.tolist(),
        teams.turnout_s.tolist(),
    )
    digest = hashlib.sha256(repr(parts).encode()).hexdigest()[:24]

    def load() -> gpd.GeoDataFrame:
        path = view.district.cache / f"{name}-{digest}.parquet"
        if path.is_file():
            return gpd.read_parquet(path)
        frame = make(_areas_apart(view, name, at))
        frame = _inside_boundary(view, frame)
        frame["area_km2"] = np.round(frame.geometry.area / 1e6, 3)
        # Neighbours keep their common line; a few metres are below what a map shows.
        frame = frame.set_geometry(
            shapely.coverage_simplify(frame.geometry.to_numpy(dtype=object), DRAWN_TOLERANCE_M), crs=frame.crs
        )
        frame = frame.set_geometry(
            shapely.transform(frame.geometry.to_numpy(dtype=object), lambda xy: to_lonlat(xy, epsg=view.district.epsg)),
            crs=4326,
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        kept = sorted(path.parent.glob(f"{name}-*.parquet"), key=lambda old: old.stat().st_mtime)
        for old in kept[:-_KEPT_FILES]:
            old.unlink(missing_ok=True)
        part = path.with_suffix(f".{os.getpid()}.part")
        frame.to_parquet(part)
        part.replace(path)
        return frame

    return view.kept(("drawn", name, digest), load)


def _inside_boundary(view: View, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """What is drawn is the district's own: areas are cut at its boundary, where there is one."""
    outline = metric_geometries(view.frame("boundary"), view.district.epsg)
    if len(outline) == 0:
        return frame
    shapes = shapely.intersection(frame.geometry.to_numpy(dtype=object), shapely.union_all(outline))
    frame = frame.set_geometry(gpd.GeoSeries(shapes, index=frame.index, crs=frame.crs))
    return frame[~frame.geometry.is_empty].reset_index(drop=True)


def response_time_layer(view: View, *, at: datetime) -> gpd.GeoDataFrame:
    """The bands of response time as polygons that do not overlap: each without the quicker ones."""

    def make(areas: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        shapes = areas.geometry.to_numpy(dtype=object)
        rings = [shapes[0], *(shapely.difference(b, a) for a, b in pairwise(shapes))]
        names = [mark.label.zh for mark in LAYERS["response_time"].marks()]
        frame = gpd.GeoDataFrame(
            {"limit_s": areas["limit_s"], "band": names[: len(areas)]}, geometry=rings, crs=areas.crs
        )
        return frame[~frame.geometry.is_empty].reset_index(drop=True)

    return _drawn(view, "response_time", at, make)


def team_territories_layer(view: View, *, at: datetime) -> gpd.GeoDataFrame:
    """Where each team on duty is the first to arrive."""
    teams = view.frame("team")

    def make(areas: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        rows = teams.iloc[areas["team"].to_numpy(dtype=np.int64)]
        return gpd.GeoDataFrame(
            {"team_id": rows["id"].tolist(), "name": rows["name"].tolist(), "type": rows["type"].tolist()},
            geometry=areas.geometry.to_numpy(dtype=object),
            crs=areas.crs,
        )

    return _drawn(view, "team_territories", at, make)


def uncovered_places_layer(view: View, *, at: datetime) -> gpd.GeoDataFrame:
    """The villages (population cells where there are none) beyond the hour, with the reason."""
    places = "villages" if len(view.frame("village")) else "cells"
    table = coverage(view.district, at=at, places=places, view=view).table
    frame = view.frame(PLACES[places])
    points = shapely.point_on_surface(frame.geometry.to_numpy(dtype=object))
    out = ~table["covered"].to_numpy(dtype=bool)
    columns = ["id", "name", "street", "persons", "reason", "total_s"]
    return gpd.GeoDataFrame(table.loc[out, columns].reset_index(drop=True), geometry=points[out], crs=4326)


DRAWN_FUNCTIONS: dict[str, Callable[..., gpd.GeoDataFrame]] = {
    function.__name__: function for function in (response_time_layer, team_territories_layer, uncovered_places_layer)
}
"""The functions that computed layers name."""
