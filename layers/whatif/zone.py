"""The zone that is left: a registered hazard area, levels of a layer, deep cells of a raster, or one that is drawn."""

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from data.rasters import read_raster
from geo.crs import to_metric
from geo.errors import InputError, NotFound
from geo.flooding import CLOSED_DEPTH_M
from geo.zones import dissolved
from layers import query
from layers.district import View, metric_geometries

FORMS = "area:ID, area:ID:METRES, level:LAYER:LEAST, raster:CODE, raster:CODE:METRES, or WKT of an area in WGS 84"
"""How a zone is named."""

_LARGEST_CORNERS = 500_000


@dataclass(frozen=True)
class Zone:
    """An area in the district's metric CRS; `asked` is what it was asked by, `title` what a person calls it.

    `tables` are those of the store that it was taken from.
    """

    asked: str
    title: str
    shape: Any
    tables: tuple[str, ...] = ()


def read_zone(view: View, text: str) -> Zone:
    """The zone that a text names, see `FORMS`.

    ``area`` is a row of the register of hazard areas, widened by so many metres (a line needs some); ``level`` are the
    areas of a layer whose level is at least so much; ``raster`` the cells deeper than so many metres (not included,
    0.30 m where none are said). InputError for another form, NotFound for what is not there.
    """
    kind, _, rest = text.strip().partition(":")
    parts = rest.split(":")
    match kind.strip().lower(), len(parts):
        case "area", 1 | 2:
            return _registered(view, text, parts[0], parts[1] if len(parts) == 2 else "0")
        case "level", 2:
            return _levels(view, text, parts[0], parts[1])
        case "raster", 1 | 2:
            return _deep(view, text, parts[0], parts[1] if len(parts) == 2 else str(CLOSED_DEPTH_M))
    return drawn_zone(view, text)


def drawn_zone(view: View, text: str) -> Zone:
    """A zone that is drawn, as WKT in WGS 84."""
    try:
        shape = shapely.from_wkt(text)
    except shapely.GEOSException:
        shape = None
    if shape is None:
        raise InputError(f"zone={text[:60]!r}: expected {FORMS}")
    corners = shapely.get_coordinates(shape)
    if not (np.isfinite(corners).all() and (np.abs(corners) <= [180, 90]).all()):
        raise InputError(f"zone={text[:60]!r}: expected longitude and latitude in degrees")
    return _checked(view, text, "画定范围", shapely.transform(shape, lambda xy: to_metric(xy, epsg=view.district.epsg)))


def _number(name: str, text: str, low: float, high: float) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not low <= value <= high:
        raise InputError(f"zone: {name}={text!r}: expected a number from {low:g} to {high:g}")
    return value


def _registered(view: View, text: str, area_id: str, metres: str) -> Zone:
    frame = view.frame("hazard_area")
    rows = frame[frame["id"].astype(str) == area_id]
    if len(rows) == 0:
        known = ", ".join(frame["id"].astype(str).tolist()[:20]) or "none yet"
        raise NotFound(f"zone: there is no hazard area '{area_id}'; there are: {known}")
    wider_m = _number("metres", metres, 0.0, 10_000.0)
    shape = metric_geometries(rows, view.district.epsg)[0]
    if shapely.get_dimensions(shape) < 2 and wider_m == 0:
        raise InputError(f"zone: hazard area '{area_id}' is a line; say how wide, such as area:{area_id}:100")
    title = str(rows["name"].iloc[0]) + (f" {wider_m:g} m 内" if wider_m else "")
    return _checked(view, text, title, shape if wider_m == 0 else shapely.buffer(shape, wider_m), "hazard_area")


def _levels(view: View, text: str, layer_id: str, least: str) -> Zone:
    level = _number("level", least, 1, 5)
    result = query.read(view.district, layer_id, role="planner")
    if result.layer.geometry != "polygon" or "level" not in result.frame.columns:
        raise InputError(f"zone: the layer '{layer_id}' has no areas with a level; take one such as zones_natural")
    rows = result.frame[result.frame["level"].astype(float) >= level]
    title = f"{result.layer.title.zh}, {level:g} 级及以上"
    shapes = [shape for shape in metric_geometries(rows, view.district.epsg) if shape is not None]
    return _checked(view, text, title, shapely.union_all(shapes))


def _deep(view: View, text: str, code: str, metres: str) -> Zone:
    deeper_m = _number("metres", metres, 0.0, 100.0)
    register = view.district.store.frame("raster")
    rows = register[register["code"] == code]
    if len(rows) == 0:
        raise NotFound(f"zone: there is no raster '{code}'; there are: {', '.join(register['code'])}")
    if rows["unit"].iloc[0] != "m":
        raise InputError(f"zone: raster '{code}' is in {rows['unit'].iloc[0]!r}; expected a depth in m")
    raster = read_raster(view.district.store, code)
    with np.errstate(invalid="ignore"):
        deep = raster.values > deeper_m  # NaN is not deep
    areas = dissolved(np.where(deep, 1, -1), raster.grid)
    shape = shapely.union_all(np.asarray(areas.geometry.array, dtype=object))
    epsg = view.district.epsg
    if len(areas) and raster.grid.epsg != epsg:
        shape = gpd.GeoSeries([shape], crs=raster.grid.epsg).to_crs(epsg).iloc[0]
    return _checked(view, text, f"{rows['title'].iloc[0]}, 深于 {deeper_m:g} m", shape, "raster")


def _checked(view: View, text: str, title: str, shape: Any, *tables: str) -> Zone:
    """The areas of a shape, valid; InputError where there are none."""
    whole = shape if shapely.is_valid(shape) else shapely.make_valid(shape, method="structure", keep_collapsed=False)
    areas = [part for part in shapely.get_parts(whole) if part.geom_type == "Polygon" and part.area > 0]
    if not areas:
        raise InputError(f"zone={text[:60]!r}: there is no area in it")
    found = shapely.union_all(areas)
    corners = int(shapely.get_num_coordinates(found))
    if corners > _LARGEST_CORNERS:
        raise InputError(f"zone={text[:60]!r}: {corners} corners; at most {_LARGEST_CORNERS}, take a coarser one")
    return Zone(text, title, found, tables)
