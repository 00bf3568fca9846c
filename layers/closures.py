"""What the closures of the register leave of each road: by their geometry, or by the depth of water in a raster."""

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from data.rasters import read_raster
from geo.crs import to_lonlat
from geo.errors import InputError, NotFound
from geo.flooding import SLOW_DEPTH_M, FloodedRoads, flooded_roads
from geo.grid import Raster
from geo.zones import dissolved

if TYPE_CHECKING:
    from layers.district import View


def closure_factors(view: "View", closures: gpd.GeoDataFrame) -> NDArray[np.float64]:
    """(edges,) the share of the speed that some closures leave, the least where several.

    One that names a raster goes by its water; where there is no such raster, by its own geometry and factor.
    """
    from layers.district import metric_geometries

    waters = [flooded(view, str(code)) if code else None for code in closures["raster"]]
    drawn = closures[[water is None for water in waters]]
    found = view.network.closure_factors(
        metric_geometries(drawn, view.district.epsg), drawn["factor"].to_numpy(dtype=np.float64)
    )
    for water in waters:
        if water is not None:
            found = np.minimum(found, water.edge_factor)
    return found


def flooded(view: "View", code: str) -> FloodedRoads | None:
    """The roads in the water of a stored raster, None where there is no such raster of a depth."""

    def make() -> FloodedRoads | None:
        try:
            return flooded_roads(view.network, read_raster(view.district.store, code))
        except (NotFound, InputError):
            return None

    return view.kept(("flooded", "raster", code), make)


def require_flooded(view: "View", code: str) -> FloodedRoads:
    """The roads in the water of a stored raster; NotFound or InputError where it is not there or no depth."""
    return flooded(view, code) or flooded_roads(view.network, read_raster(view.district.store, code))


def wet_area(water: Raster) -> shapely.MultiPolygon:
    """Where the water slows or closes, along the sides of the cells, WGS 84; InputError where it does so nowhere."""
    wet = water.values >= np.float32(SLOW_DEPTH_M)
    if not wet.any():
        raise InputError(f"raster: no water of {SLOW_DEPTH_M} m or more in it; it closes nothing")
    parts = dissolved(wet.astype(np.int32), water.grid, empty=0).geometry.to_numpy(dtype=object)
    if not water.grid.is_geographic:
        parts = shapely.transform(parts, lambda xy: to_lonlat(xy, epsg=water.grid.epsg))
    return shapely.MultiPolygon(list(parts))
