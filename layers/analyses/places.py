"""Places as they are asked about: checked, put on the road network, and said back."""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from geo.crs import to_lonlat, to_metric
from geo.errors import InputError
from geo.network import Snapped
from geo.times import last_leg_s
from layers.catalogue import ROAD_CLASS_TEXTS
from layers.district import FACILITY_TABLES, View, metric_geometries

LonLat = tuple[float, float]

TABLE_OF = {layer: table for table, layer in FACILITY_TABLES.items()}

PLACES = {"villages": "village", "cells": "cell", "enterprises": "enterprise"}


def require_place(view: View, lonlat: LonLat, name: str) -> LonLat:
    """A place inside the district's extent; InputError names the value and the extent."""
    lon, lat = lonlat
    if not (math.isfinite(lon) and math.isfinite(lat) and abs(lon) <= 180 and abs(lat) <= 90):
        swapped = math.isfinite(lon) and math.isfinite(lat) and abs(lon) <= 90 and abs(lat) <= 180
        hint = "; they look swapped" if swapped else ""
        raise InputError(f"{name}={lon},{lat}: expected longitude,latitude in degrees{hint}")
    extent = view.kept("extent", view.district.store.extent)
    if extent is None:
        raise InputError(f"{name}={lon},{lat}: the district is empty; import a boundary, roads or villages first")
    min_x, min_y, max_x, max_y = extent
    if not (min_x <= lon <= max_x and min_y <= lat <= max_y):
        hint = "; they look swapped" if min_x <= lat <= max_x and min_y <= lon <= max_y else ""
        raise InputError(
            f"{name}={lon},{lat}: outside the district's extent "
            f"({min_x:.4f},{min_y:.4f} to {max_x:.4f},{max_y:.4f}){hint}"
        )
    return lonlat


def snapped_places(view: View, places: Sequence[LonLat], name: str) -> Snapped:
    """Places given as degrees, checked and put on the road network."""
    return view.snap_lonlat([require_place(view, place, name) for place in places])


def last_legs(snapped: Snapped) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The last leg off the road of each place, in metres and in seconds; NaN without a road."""
    return snapped.access_m, last_leg_s(snapped.access_m)


def snapped_lonlats(view: View, snapped: Snapped) -> list[list[float] | None]:
    """Where each place stands on its road, as [lon, lat]; None without a road."""
    lonlat = to_lonlat(snapped.xy_m, epsg=view.district.epsg)
    return [
        [round(float(x), 7), round(float(y), 7)] if edge >= 0 else None
        for (x, y), edge in zip(lonlat, snapped.edge, strict=True)
    ]


def lonlats(frame: gpd.GeoDataFrame) -> list[tuple[float, float]]:
    """A point of each row as (lon, lat); NaN where a row has no place."""
    points = shapely.point_on_surface(np.asarray(frame.geometry.array, dtype=object))
    return list(zip(shapely.get_x(points).tolist(), shapely.get_y(points).tolist(), strict=True))


def containing(view: View, lonlat: LonLat) -> dict[str, str | None]:
    """The village and the street that a place lies in; None outside every outline."""
    villages = view.frame("village")
    tree = view.kept("village tree", lambda: shapely.STRtree(np.asarray(villages.geometry.array, dtype=object)))
    hit = np.sort(tree.query(shapely.Point(lonlat), predicate="intersects"))
    if len(hit) == 0:
        return {"village": None, "street": None}
    row = villages.iloc[int(hit[0])]
    return {"village": row["name"], "street": row["street"]}


def drive_s(view: View, place: Snapped, table: str, at: datetime) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(n,) s on the road and (n,) s off it, from one place to every row of a table; inf where no road leads."""
    snapped = view.snapped(table)
    travel_s = view.travel(at).matrix_s(place, snapped)[0] if len(snapped) else np.empty(0)
    return travel_s, last_leg_s(place.access_m)[0] + last_leg_s(snapped.access_m)


def road_names(view: View) -> pd.DataFrame:
    """Name (None where there is none) and class of every row of the roads."""

    def make() -> pd.DataFrame:
        roads = view.district.store.frame("road", columns=["name", "highway"])
        names = roads["name"].where(roads["name"].notna(), None)
        return pd.DataFrame({"name": names.astype(object), "highway": roads["highway"].astype(object)})

    return view.kept(("points", "road names", "road"), make)


def road_class(highway: Any) -> str:
    """The class that a road counts with, a key of `ROAD_CLASS_TEXTS`."""
    name = str(highway).removesuffix("_link")
    return name if name in ROAD_CLASS_TEXTS else "other"


def outline_m(view: View) -> Any:
    """The district's outline in metres: of its boundary, else its streets, else its villages; None without any."""

    def make() -> Any:
        for table in ("boundary", "street", "village"):
            shapes = metric_geometries(view.frame(table), view.district.epsg)
            shapes = shapes[~(shapely.is_missing(shapes) | shapely.is_empty(shapes))]
            if len(shapes):
                return shapely.union_all(shapes)
        return None

    return view.kept(("points", "outline", "boundary", "street", "village"), make)


def provenance(view: View, record: "Mapping[str, Any] | pd.Series[Any]") -> dict[str, Any]:
    """Where a row of the store comes from, when it was last changed, and its age in seconds."""
    found = record.get("updated_utc")
    updated = found if isinstance(found, str) else None
    age_s = None if updated is None else (view.district.now() - datetime.fromisoformat(updated)).total_seconds()
    return {
        "source": record.get("source"),
        "updated_utc": updated,
        "age_s": None if age_s is None else round(age_s),
    }


def asked(view: View, at: datetime) -> dict[str, Any]:
    """What every answer says of itself: the moment asked about and the revision it is of."""
    return {"at": at.isoformat(), "revision": view.revision}


def nulls(values: NDArray[np.float64]) -> Any:
    """Numbers rounded to a millimetre or millisecond; inf and NaN become None."""
    rounded = np.round(values, 3).astype(object)
    rounded[~np.isfinite(values)] = None
    return rounded.tolist()


def nearest_villages(view: View, xy_m: NDArray[np.float64]) -> list[str | None]:
    """The name of the village nearest in a straight line to each place (k, 2) m; None where there is none."""
    frame = view.frame("village")
    places = np.array(lonlats(frame), dtype=np.float64).reshape(-1, 2)
    there = np.isfinite(places).all(axis=1) & frame["name"].notna().to_numpy(dtype=bool)
    if not there.any() or len(xy_m) == 0:
        return [None] * len(xy_m)
    names = frame["name"].to_numpy(dtype=object)[there]
    nearest = cKDTree(to_metric(places[there], epsg=view.district.epsg)).query(xy_m)[1]
    return [str(name) for name in names[nearest]]
