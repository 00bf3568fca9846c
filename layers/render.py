"""Pure renderers: a layer's frame in, bytes or a description out.

Marks that are not circles are named ``mark:SHAPE:COLOUR:SIZE`` in the map style; the page draws
such an image when the map asks for it, so that a new mark needs no script.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from data import exporters
from data.schema import utc_text
from geo.errors import InputError
from layers.ground import GROUNDS, Theme, name_color, on_ground
from layers.layer import (
    TILES_MAX_ZOOM,
    Categories,
    Classes,
    Field,
    Lang,
    Layer,
    LayerFrame,
    Mark,
    Role,
    Single,
    Steps,
    plain,
)

FORMATS = ("geojson", "csv", "xlsx", "gpkg")
MEDIA_TYPES = {
    "geojson": "application/geo+json",
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "gpkg": "application/geopackage+sqlite3",
    "html": "text/html; charset=utf-8",
}


def geojson(result: LayerFrame, lang: Lang = "zh") -> bytes:
    """The layer as RFC 7946 GeoJSON; the collection carries count, source, age and whether it was cut."""
    frame = result.frame
    columns = [c for c in frame.columns if c != "geometry"]
    values = [[plain(v) for v in frame[c].tolist()] for c in columns]
    shapes = shapely.to_geojson(shapely.set_precision(frame.geometry.array, 1e-7, mode="pointwise"))
    ids = frame["id"].tolist() if "id" in columns else [None] * len(frame)
    parts = []
    for i, shape in enumerate(shapes):
        properties = {c: values[k][i] for k, c in enumerate(columns)}
        head = f'"id":{json.dumps(ids[i], ensure_ascii=False)},' if ids[i] is not None else ""
        parts.append(
            '{"type":"Feature",'
            + head
            + f'"geometry":{shape if shape is not None else "null"},"properties":'
            + json.dumps(properties, ensure_ascii=False, separators=(",", ":"))
            + "}"
        )
    about = {
        "layer": result.layer.id,
        "title": result.layer.title.to(lang),
        "count": result.count,
        "matched": result.matched,
        "truncated": result.truncated,
        "source": result.source,
        "updated_utc": result.updated_utc,
        "revision": result.revision,
    }
    text = json.dumps(about, ensure_ascii=False, separators=(",", ":"))
    return ('{"type":"FeatureCollection","onemap":' + text + ',"features":[' + ",\n".join(parts) + "]}").encode()


def display(field: Field, value: Any, lang: Lang) -> str:
    """A value as a person reads it: choices by name, seconds as minutes, nothing as a dash."""
    value = plain(value)
    if value is None or value == "":
        return "—"
    match field.type:
        case "choice":
            text = field.choices.get(str(value))
            return text.to(lang) if text else str(value)
        case "choices":
            codes = str(value).split(";")
            return "、".join(field.choices[c].to(lang) if c in field.choices else c for c in codes)
        case "readings":
            return "; ".join(_reading_text(field, reading, lang) for reading in value)
        case "boolean":
            return ("是" if value else "否") if lang == "zh" else ("yes" if value else "no")
        case "minutes":
            return f"{float(value) / 60:.1f} " + ("分钟" if lang == "zh" else "min")
        case "integer" | "number":
            return f"{value:,} {field.unit}".strip() if not isinstance(value, str) else value
        case _:
            return str(value)


def _reading_text(field: Field, reading: Mapping[str, Any], lang: Lang) -> str:
    """One device: what it measures, what it said and when, and what it calls for."""

    def word(code: str) -> str:
        return field.choices[code].to(lang)

    kind = word(reading["type"])
    if reading["measured_utc"] is None:
        return f"{kind}: {'还没有读数' if lang == 'zh' else 'no reading yet'}"
    said = word(reading["state"]) if reading["state"] else f"{reading['value']:g} {reading['unit']}"
    alarm = f", {word(reading['alarm'])}" if reading["alarm"] else ""
    return f"{kind}: {said} ({reading['measured_utc']}){alarm}"


def _table(result: LayerFrame, lang: Lang) -> tuple[pd.DataFrame, dict[str, str]]:
    """The frame as a clerk reads it, with the header of each column (unit in brackets)."""
    frame = result.frame
    fields = [f for f in result.layer.fields if f.name in frame.columns]
    table = pd.DataFrame(index=frame.index)
    labels = {}
    for f in fields:
        column = frame[f.name]
        if f.type in ("choice", "choices", "boolean", "readings"):
            table[f.name] = ["" if plain(v) is None else display(f, v, lang) for v in column.astype(object).tolist()]
        else:
            table[f.name] = column
        unit = f.unit or ("s" if f.type == "minutes" else "")
        labels[f.name] = f.label.to(lang) + (f"({unit})" if unit else "")
    points = shapely.point_on_surface(frame.geometry.array) if len(frame) else np.array([], dtype=object)
    table["lon"] = np.round(shapely.get_x(points), 7)
    table["lat"] = np.round(shapely.get_y(points), 7)
    labels |= {"lon": "lon", "lat": "lat"}
    return table, labels


def _flat(result: LayerFrame) -> gpd.GeoDataFrame:
    """The frame with its lists as JSON text: a table has no room for them."""
    lists = [f.name for f in result.layer.fields if f.type == "readings" and f.name in result.frame.columns]
    texts = {
        name: [None if v is None else json.dumps(v, ensure_ascii=False) for v in result.frame[name]] for name in lists
    }
    return result.frame.assign(**texts)


def render(result: LayerFrame, form: str, lang: Lang = "zh") -> bytes:
    """The layer in one of `FORMATS`; InputError names the formats for another."""
    match form:
        case "geojson":
            return geojson(result, lang)
        case "csv":
            return exporters.to_csv(*_table(result, lang))
        case "xlsx":
            return exporters.to_xlsx(*_table(result, lang), title=result.layer.title.to(lang))
        case "gpkg":
            return exporters.to_gpkg(_flat(result), layer=result.layer.id)
    raise InputError(f"format={form}: expected one of {', '.join((*FORMATS, 'html'))}")


def _age_s(updated_utc: str | None, now: datetime) -> float | None:
    if updated_utc is None:
        return None
    return max(0.0, (now - datetime.fromisoformat(updated_utc)).total_seconds())


def _stale_since(result: LayerFrame, age_s: float | None) -> str | None:
    """When the layer became older than it may be (at that age it is not yet); None where it is not."""
    bound_s = result.layer.stale_after_s
    if result.updated_utc is None or age_s is None or bound_s is None or age_s <= bound_s:
        return None
    return utc_text(datetime.fromisoformat(result.updated_utc) + timedelta(seconds=bound_s))


def describe(result: LayerFrame, lang: Lang = "zh", theme: Theme = "light") -> dict[str, Any]:
    """What the layer list and the popups need to know of a layer, with count, source and age."""
    layer = on_ground(result.layer, theme)
    age_s = _age_s(result.updated_utc, result.at.astimezone(UTC))
    stale_since_utc = _stale_since(result, age_s)
    shown = [f for f in layer.fields if f.name in result.frame.columns]
    return {
        "id": layer.id,
        "title": layer.title.to(lang),
        "group": layer.group.to(lang),
        "geometry": layer.geometry,
        "count": result.count,
        "counted": layer.counted.to(lang) if layer.counted else None,
        "source": result.source,
        "note": layer.note.to(lang),
        "updated_utc": result.updated_utc,
        "age_s": age_s,
        "stale": stale_since_utc is not None,
        "stale_since_utc": stale_since_utc,
        "visible": layer.visible,
        "tiled": layer.tiled,
        "tiles": TILES_MAX_ZOOM if layer.is_drawn_in_tiles(result.count) else None,
        "min_zoom": layer.min_zoom,
        "label_field": layer.label_field,
        "fields": [
            {
                "name": f.name,
                "label": f.label.to(lang),
                "type": f.type,
                "unit": f.unit,
                "choices": {code: text.to(lang) for code, text in f.choices.items()},
            }
            for f in shown
        ],
        "legend": [
            {
                "label": m.label.to(lang),
                "color": m.color,
                "shape": m.shape,
                "size": m.size,
                "opacity": m.opacity,
            }
            for m in layer.legend()
        ],
    }


def _by_style(layer: Layer, pick: Any) -> Any:
    """A MapLibre expression that chooses `pick(mark)` for a feature by the layer's style."""
    match layer.style:
        case Single(mark):
            return pick(mark)
        case Categories(field, marks, other):
            if not marks:
                return pick(other)
            pairs = [x for value, mark in marks.items() for x in (value, pick(mark))]
            return ["match", ["to-string", ["coalesce", ["get", field], ""]], *pairs, pick(other)]
        case Steps(field, upper, marks, other):
            cases = [
                x
                for bound, mark in zip(upper, marks, strict=True)
                for x in (["<=", ["to-number", ["coalesce", ["get", field], 1e300], 1e300], bound], pick(mark))
            ]
            return ["case", *cases, pick(other)]
        case Classes(field, lower, marks, other):
            first, *more = (pick(mark) for mark in marks)
            steps = [x for bound, picked in zip(lower, more, strict=True) for x in (bound, picked)]
            by_class = ["step", ["to-number", ["get", field], 0], first, *steps]
            return ["case", ["==", ["typeof", ["get", field]], "number"], by_class, pick(other)]


def mark_name(mark: Mark) -> str:
    """The image name under which the map asks for a mark."""
    return f"mark:{mark.shape}:{mark.color}:{mark.size:g}"


def map_layers(layer: Layer, theme: Theme = "light") -> list[dict[str, Any]]:
    """The MapLibre layers that draw one layer on a ground, bottom first.

    A tiled layer is drawn from the base tiles, where its minor features stand in a tile layer of their own.
    """
    layer = on_ground(layer, theme)
    if layer.tiled:
        minor = _map_layers(layer, {"source": "base", "source-layer": f"{layer.id}_minor"}, theme)
        major = _map_layers(layer, {"source": "base", "source-layer": layer.id}, theme)
        return [{**spec, "id": f"{spec['id']}-minor"} for spec in minor] + major
    return _map_layers(layer, {"source": layer.id, "minzoom": layer.min_zoom}, theme)


def _map_layers(layer: Layer, common: dict[str, Any], theme: Theme) -> list[dict[str, Any]]:
    ground = GROUNDS[theme]
    shapes = {mark.shape for mark in layer.marks()}
    found: list[dict[str, Any]] = []
    if "fill" in shapes:
        found.append(
            {
                "id": f"{layer.id}-fill",
                "type": "fill",
                **common,
                "paint": {
                    "fill-color": _by_style(layer, lambda m: m.color),
                    "fill-opacity": _by_style(layer, lambda m: m.opacity),
                    # A smoothed edge lies on its own fill: small areas would look darker than large ones.
                    "fill-antialias": False,
                },
            }
        )
    found += [
        {
            "id": f"{layer.id}-hatch-{hatch.field}",
            "type": "fill",
            **common,
            "filter": ["==", ["get", hatch.field], True],
            "paint": {"fill-pattern": mark_name(hatch.mark()), "fill-antialias": False},
        }
        for hatch in layer.hatches
    ]
    if layer.geometry == "line" or shapes & {"line", "dash"}:
        found.append(
            {
                "id": f"{layer.id}-line",
                "type": "line",
                **common,
                "layout": {"line-cap": "round" if "dash" not in shapes else "butt", "line-join": "round"},
                "paint": {
                    "line-color": _by_style(layer, lambda m: m.color),
                    "line-width": _line_width(layer),
                    **({"line-dasharray": [3, 2]} if "dash" in shapes and layer.id != "closures" else {}),
                },
            }
        )
    if layer.geometry != "point" and not layer.tiled:
        # A village may be registered as a point, a closure may be one.
        found.append(
            {
                "id": f"{layer.id}-spot",
                "type": "circle",
                **common,
                "filter": ["==", ["geometry-type"], "Point"],
                "paint": {
                    "circle-radius": 6,
                    "circle-color": _by_style(layer, lambda m: m.color),
                    "circle-stroke-color": ground.halo,
                    "circle-stroke-width": 1.5,
                },
            }
        )
    if layer.geometry == "point":
        found.append(
            {
                "id": f"{layer.id}-point",
                "type": "symbol",
                **common,
                "layout": {
                    "icon-image": _by_style(layer, mark_name),
                    "icon-allow-overlap": True,
                    "icon-ignore-placement": True,
                    "icon-size": ["interpolate", ["linear"], ["zoom"], 9, 0.4, 12, 0.65, 14.5, 1.0],
                    # The first mark of the legend is the gravest and lies on top.
                    "symbol-sort-key": _by_style(layer, lambda m: -layer.marks().index(m)),
                    "text-field": [
                        "step",
                        ["zoom"],
                        "",
                        13.5,
                        ["coalesce", ["get", layer.label_field], ""],
                    ],
                    "text-size": 12,
                    "text-offset": [0, 1.1],
                    "text-anchor": "top",
                    "text-optional": True,
                    "text-max-width": 9,
                },
                "paint": {"text-color": ground.name, "text-halo-color": ground.halo, "text-halo-width": 1.4},
            }
        )
    if layer.geometry == "polygon" and layer.id in ("streets", "villages"):
        found.append(
            {
                "id": f"{layer.id}-label",
                "type": "symbol",
                **common,
                "minzoom": max(layer.min_zoom, 10.0 if layer.id == "streets" else 13.0),
                "layout": {
                    "text-field": ["coalesce", ["get", layer.label_field], ""],
                    "text-size": 14 if layer.id == "streets" else 12,
                    "text-max-width": 8,
                },
                "paint": {
                    "text-color": name_color(layer.marks()[0].color, theme),
                    "text-halo-color": ground.halo,
                    "text-halo-width": 1.6,
                },
            }
        )
    return found


def _line_width(layer: Layer) -> Any:
    widths = _by_style(layer, lambda m: m.size)
    if not layer.tiled:
        return widths
    half = _by_style(layer, lambda m: m.size * 0.35)
    wide = _by_style(layer, lambda m: m.size * 2.6)
    return ["interpolate", ["exponential", 1.4], ["zoom"], 9, half, 13, widths, 17, wide]


def map_style(layers: Iterable[Layer], lang: Lang = "zh", *, root: str = "", theme: Theme = "light") -> dict[str, Any]:
    """The MapLibre style of the one map: base map from the district's own tiles, then every layer.

    `root` is the address the tiles are fetched from (scheme and host). GeoJSON sources start
    empty; ``metadata.url`` says where the page finds them once the layer is switched on.
    """
    layers = list(layers)
    ground = GROUNDS[theme]
    sources: dict[str, Any] = {
        "base": {
            "type": "vector",
            "tiles": [root + "/tiles/base/{z}/{x}/{y}.pbf"],
            "minzoom": 5,
            "maxzoom": 14,
        }
    }
    specs: list[dict[str, Any]] = [
        {"id": "background", "type": "background", "paint": {"background-color": ground.outside}},
        {
            "id": "boundary-fill",
            "type": "fill",
            "source": "base",
            "source-layer": "boundary",
            "paint": {"fill-color": ground.district, "fill-antialias": False},
        },
        {
            "id": "water-fill",
            "type": "fill",
            "source": "base",
            "source-layer": "water",
            "filter": ["==", ["geometry-type"], "Polygon"],
            "paint": {"fill-color": ground.water},
        },
        {
            "id": "water-line",
            "type": "line",
            "source": "base",
            "source-layer": "water",
            "filter": ["==", ["geometry-type"], "LineString"],
            "paint": {"line-color": ground.river, "line-width": 2},
        },
    ]
    # Areas below lines below names of areas below points, in the order of the catalogue.
    names: list[dict[str, Any]] = []
    rank = {"polygon": 0, "line": 1, "point": 2}
    drawn = [(rank[layer.geometry], layer) for layer in layers]
    for level in (0, 1, 2):
        for at, layer in drawn:
            if at != level:
                continue
            for spec in map_layers(layer, theme):
                spec.setdefault("layout", {})["visibility"] = "visible" if layer.visible else "none"
                spec["metadata"] = {"layer": layer.id}
                (names if level == 0 and spec["type"] == "symbol" else specs).append(spec)
            if not layer.tiled:
                sources[layer.id] = {
                    "type": "geojson",
                    "data": {"type": "FeatureCollection", "features": []},
                }
        if level == 1:
            specs.append(
                {
                    "id": "road-names",
                    "type": "symbol",
                    "source": "base",
                    "source-layer": "roads",
                    "minzoom": 13,
                    "filter": ["!=", ["coalesce", ["get", "name"], ""], ""],
                    "layout": {
                        "symbol-placement": "line",
                        "text-field": ["get", "name"],
                        "text-size": 12,
                        "symbol-spacing": 350,
                    },
                    "paint": {
                        "text-color": ground.road_name,
                        "text-halo-color": ground.halo,
                        "text-halo-width": 1.4,
                    },
                }
            )
            specs.append(
                {
                    "id": "boundary-line",
                    "type": "line",
                    "source": "base",
                    "source-layer": "boundary",
                    "paint": {"line-color": ground.boundary, "line-width": 2.5},
                }
            )
            specs += names
    return {
        "version": 8,
        "name": "one map",
        "sources": sources,
        "layers": specs,
        "metadata": {"urls": {layer.id: f"/api/v1/layers/{layer.id}.geojson" for layer in layers if not layer.tiled}},
    }


def visible_fields(layer: Layer, role: Role) -> list[Field]:
    """The fields of a layer that a role may see."""
    return [f for f in layer.fields if role in f.roles]
