"""The document of a view: which layers, in which order, filtered and styled how, where and when; read and checked.

Links, named views and printed sheets carry the same document::

    {"center": [120.86, 32.01], "zoom": 11.5, "at": "2026-07-01T09:30",
     "layers": [{"id": "enterprises", "opacity": 0.8,
                 "filters": [{"field": "risk_level", "values": ["major"]}],
                 "style": {"field": "workers_on_shift", "method": "natural", "classes": 5}}],
     "drawing": [{"label": "...", "geometry": {...}}],
     "swipe": {"left": "enterprises", "right": "shelters", "share": 50},
     "panel": "around", "place": {"lonlat": [120.86, 32.01], "name": "..."}, "around": {"minutes": 15},
     "coverage": {"places": "villages", "limit_s": 3600, "skill": "hazmat"}}

The first layer lies on top. The panel beside the map is asked again about the place. A swipe is between two layers, or
between the moment of the view and another one (``at``). On paper there is neither swipe, panel nor place. What is left
out is as the catalogue declares it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import shapely

from data.kinds import SKILLS
from geo.errors import InputError, NotFound
from layers import query
from layers.analyses.places import PLACES
from layers.layer import Field, Layer, Role
from layers.listing import read_moment
from layers.tiles import ROAD_FIELDS
from layers.views.filters import KINDS, MAX_TEXT, MAX_VALUES, Filter, read_filter
from layers.views.styling import METHODS, Styling, methods_of, read_styling

MAX_LAYERS, MAX_FILTERS, MAX_DRAWN, MAX_LABEL = 60, 12, 500, 80
MAX_VERTICES = 5_000
"""Of all that is drawn by hand, bound included."""

PANELS = ("reach", "around", "closures", "since", "supply", "orders", "coverage", "zoning")
"""The panels beside the map, by their names on the page."""

MAX_NAME = 200
MAX_AROUND = 100_000
"""Metres or minutes around a place, bound included; as ``/around`` has it."""

_TIME = {"type": ["string", "null"], "maxLength": 40}
_FIELD = {"type": "string", "minLength": 1, "maxLength": 60}

SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["layers"],
    "properties": {
        "center": {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2},
        "zoom": {"type": "number", "minimum": 0, "maximum": 24},
        "bounds": {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 4},
        "at": _TIME,
        "layers": {
            "type": "array",
            "maxItems": MAX_LAYERS,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["id"],
                "properties": {
                    "id": _FIELD,
                    "opacity": {"type": "number", "minimum": 0, "maximum": 1},
                    "filters": {
                        "type": "array",
                        "maxItems": MAX_FILTERS,
                        "items": {
                            "type": "object",
                            "additionalProperties": False,
                            "required": ["field"],
                            "properties": {
                                "field": _FIELD,
                                "values": {
                                    "type": "array",
                                    "maxItems": MAX_VALUES,
                                    "items": {"type": "string", "maxLength": MAX_TEXT},
                                },
                                "from": {"type": ["number", "string", "null"]},
                                "to": {"type": ["number", "string", "null"]},
                                "text": {"type": "string", "maxLength": MAX_TEXT},
                            },
                        },
                    },
                    "style": {
                        "type": ["object", "null"],
                        "additionalProperties": False,
                        "required": ["field"],
                        "properties": {
                            "field": _FIELD,
                            "method": {"enum": list(METHODS)},
                            "classes": {"type": "integer"},
                        },
                    },
                },
            },
        },
        "drawing": {
            "type": "array",
            "maxItems": MAX_DRAWN,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["geometry"],
                "properties": {
                    "label": {"type": "string", "maxLength": MAX_LABEL},
                    "geometry": {"type": "object"},
                },
            },
        },
        "swipe": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "left": _FIELD,
                "right": _FIELD,
                "at": {"type": "string", "minLength": 1, "maxLength": 40},
                "share": {"type": "number", "minimum": 0, "maximum": 100},
            },
        },
        "panel": {"enum": list(PANELS)},
        "place": {
            "type": "object",
            "additionalProperties": False,
            "required": ["lonlat"],
            "properties": {
                "lonlat": {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2},
                "name": {"type": "string", "maxLength": MAX_NAME},
            },
        },
        "around": {
            "type": "object",
            "additionalProperties": False,
            "minProperties": 1,
            "maxProperties": 1,
            "properties": {
                "radius_m": {"type": "number", "minimum": 0, "maximum": MAX_AROUND},
                "minutes": {"type": "number", "minimum": 0, "maximum": MAX_AROUND},
            },
        },
        "coverage": {
            "type": "object",
            "additionalProperties": False,
            "required": ["places", "limit_s"],
            "properties": {
                "places": {"enum": list(PLACES)},
                "limit_s": {"type": "number", "minimum": 1, "maximum": 86_400},
                "skill": {"enum": [skill.code for skill in SKILLS]},
            },
        },
    },
}
"""The JSON schema of a view; what it does not say is checked by `read_map_view`."""


@dataclass(frozen=True)
class ShownLayer:
    """A layer of a view."""

    layer: Layer
    opacity: float = 1.0
    filters: tuple[Filter, ...] = ()
    styling: Styling | None = None


@dataclass(frozen=True)
class Sketch:
    """Something drawn by hand: point, line or polygon in WGS 84, and what is written at it."""

    label: str
    geometry: Any


@dataclass(frozen=True)
class MapView:
    """A view that was read: the layers top first, `bounds` (min_lon, min_lat, max_lon, max_lat) where it is known."""

    layers: tuple[ShownLayer, ...]
    drawing: tuple[Sketch, ...] = ()
    bounds: tuple[float, float, float, float] | None = None
    at: datetime | None = None


def usable_fields(layer: Layer, role: Role) -> dict[str, Field]:
    """The fields by which a role may filter or style a layer: those that it sees and that the map is given."""
    there = ROAD_FIELDS if layer.tiled else [field.name for field in layer.fields]
    return {
        field.name: field
        for field in layer.fields
        if field.name in there and role in field.roles and (field.type in KINDS or methods_of(field))
    }


def read_map_view(document: Mapping[str, Any], *, role: Role, timezone: ZoneInfo) -> MapView:
    """A view from its document, which fits `SCHEMA`.

    NotFound for a layer that is not there for the role; InputError names the field, the value and what was expected.
    """
    shown: list[ShownLayer] = []
    for k, asked in enumerate(document["layers"]):
        where = f"layers[{k}]"
        layer = query.layer_for(asked["id"], role)
        if layer.id in {one.layer.id for one in shown}:
            raise InputError(f"{where}.id={layer.id}: is there twice; expected each layer once")
        fields = usable_fields(layer, role)
        filters = tuple(
            read_filter(
                _field(layer, fields, one["field"], f"{where}.filters[{n}]"),
                one,
                timezone=timezone,
                where=f"{where}.filters[{n}]",
            )
            for n, one in enumerate(asked.get("filters") or ())
        )
        style = asked.get("style")
        styling = (
            None
            if style is None
            else read_styling(_field(layer, fields, style["field"], f"{where}.style"), style, where=f"{where}.style")
        )
        shown.append(ShownLayer(layer, float(asked.get("opacity", 1.0)), filters, styling))
    _require_swipe(document.get("swipe"), [one.layer.id for one in shown], timezone)
    return MapView(
        tuple(shown), _drawing(document.get("drawing") or ()), _bounds(document), _at(document.get("at"), timezone)
    )


def readable(
    document: Mapping[str, Any], *, role: Role, timezone: ZoneInfo
) -> tuple[dict[str, Any], list[InputError | NotFound]]:
    """What of a document a role may see, and why each layer that is left out is.

    A view made by a planner may show layers, or filter by fields, that are not for everybody: such a layer is left
    out whole, for without its filter it would show something else. InputError for what is not about a layer.
    """
    swipe = document.get("swipe")
    document = {name: value for name, value in document.items() if name != "swipe"}
    read_map_view({**document, "layers": []}, role=role, timezone=timezone)
    layers, problems = [], []
    for one in document["layers"]:
        try:
            read_map_view({"layers": [one]}, role=role, timezone=timezone)
        except (InputError, NotFound) as error:
            problems.append(error)
        else:
            layers.append(one)
    _require_swipe(swipe, [one["id"] for one in document["layers"]], timezone)
    ids = {one["id"] for one in layers}
    if swipe and (swipe.get("at") or {swipe["left"], swipe["right"]} <= ids):
        document["swipe"] = swipe
    return {**document, "layers": layers}, problems


def _require_swipe(swipe: Mapping[str, Any] | None, ids: Sequence[str], timezone: ZoneInfo) -> None:
    """A swipe is between two layers of the view, or to another moment."""
    if swipe is None:
        return
    if "at" in swipe:
        read_moment("swipe.at", swipe["at"], timezone)
    for side in ("left", "right"):
        if ("at" in swipe) == (side in swipe):
            raise InputError(f"swipe.{side}: expected two layers, or another moment (at)")
        if side in swipe and swipe[side] not in ids:
            raise InputError(f"swipe.{side}={swipe[side]}: expected a layer of the view")


def _field(layer: Layer, fields: Mapping[str, Field], name: str, where: str) -> Field:
    if name not in fields:
        what = "its tiles hold" if layer.tiled else "the fields are"
        raise InputError(f"{where}.field={name}: {layer.id} has no such field; {what} {', '.join(fields)}")
    return fields[name]


def _at(text: str | None, timezone: ZoneInfo) -> datetime | None:
    return read_moment("at", text, timezone) if text else None


def _bounds(document: Mapping[str, Any]) -> tuple[float, float, float, float] | None:
    center, bounds = document.get("center"), document.get("bounds")
    place = (document.get("place") or {}).get("lonlat")
    for name, lonlat in (("center", center), ("place.lonlat", place)):
        if lonlat is not None and not (-180 <= lonlat[0] <= 180 and -85 <= lonlat[1] <= 85):
            raise InputError(f"{name}={lonlat}: expected longitude and latitude in degrees")
    if bounds is None:
        return None
    west, south, east, north = bounds
    if not (-180 <= west < east <= 180 and -85 <= south < north <= 85):
        raise InputError(f"bounds={bounds}: expected min_lon, min_lat, max_lon, max_lat in degrees with min < max")
    return (west, south, east, north)


def _drawing(asked: Sequence[Mapping[str, Any]]) -> tuple[Sketch, ...]:
    found = []
    vertices = 0
    for k, one in enumerate(asked):
        where = f"drawing[{k}].geometry"
        kind = one["geometry"].get("type")
        if kind not in ("Point", "LineString", "Polygon"):
            raise InputError(f"{where}.type={kind}: expected Point, LineString or Polygon")
        try:
            shape = shapely.from_geojson(json.dumps(one["geometry"]))
        except (shapely.errors.GEOSException, ValueError):
            shape = None
        if shape is None or shapely.is_empty(shape) or not _in_degrees(shape):
            raise InputError(f"{where}: expected GeoJSON with longitudes and latitudes in degrees")
        vertices += int(shapely.get_num_coordinates(shape))
        found.append(Sketch(str(one.get("label") or ""), shape))
    if vertices > MAX_VERTICES:
        raise InputError(f"drawing: {vertices} vertices; expected at most {MAX_VERTICES}")
    return tuple(found)


def _in_degrees(shape: Any) -> bool:
    west, south, east, north = shapely.bounds(shape)
    return bool(-180 <= west <= east <= 180 and -85 <= south <= north <= 85)
