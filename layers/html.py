"""The atlas: the same layers through folium as one HTML file that needs no network.

Everything the page loads is inside it. Texts are escaped here, before folium sees them, and only
finished popups and marks travel into the page: no attribute of a feature reaches a script.
"""

import base64
import html
import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import branca.element
import folium
import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from layers import query
from layers.catalogue import LAYERS
from layers.district import District
from layers.layer import (
    Categories,
    Classes,
    Lang,
    Layer,
    LayerFrame,
    Mark,
    Role,
    Single,
    Steps,
    Text,
    plain,
    value_text,
)
from layers.render import display

MAX_DRAWN = 4_000
"""Features of one layer in the atlas; above that points and lines are thinned, as its name says, areas are joined."""

_SIMPLIFY_DEG = 2e-5  # about 2 m: below what the atlas can show
_OUTSIDE = re.compile(r"""(?:src|href)\s*=\s*["']?\s*(?:https?:)?//|url\(\s*["']?(?:https?:)?//|@import""", re.I)


@dataclass(frozen=True)
class LeafletFiles:
    """The text of Leaflet's script and style sheet, and its images by file name."""

    script: str
    style: str
    images: dict[str, bytes]

    def style_inlined(self) -> str:
        """The style sheet with its images inside."""

        def inline(match: re.Match[str]) -> str:
            name = match.group(1).rsplit("/", 1)[-1]
            data = base64.b64encode(self.images[name]).decode()
            return f"url(data:image/png;base64,{data})"

        return re.sub(r"url\(\s*[\"']?((?:images/)[^\"')]+)[\"']?\s*\)", inline, self.style)


def _data_uri(text: str, media_type: str) -> str:
    return f"data:{media_type};base64,{base64.b64encode(text.encode()).decode()}"


def mark_for(layer: Layer, record: dict[str, Any]) -> Mark:
    """The mark of one feature by the layer's style."""
    match layer.style:
        case Single(mark):
            return mark
        case Categories(field, marks, other):
            return marks.get(value_text(plain(record.get(field))), other)
        case Steps(field, upper, marks, other):
            value = plain(record.get(field))
            for bound, mark in zip(upper, marks, strict=True):
                if value is not None and value <= bound:
                    return mark
            return other
        case Classes(field, lower, marks, other):
            value = plain(record.get(field))
            if isinstance(value, bool) or not isinstance(value, int | float):
                return other
            return marks[bisect_right(lower, value)]


def mark_places(layer: Layer, frame: pd.DataFrame) -> NDArray[np.intp]:
    """(n,) the place of each row's mark in `layer.marks()`: what `mark_for` says, asked once for each value."""
    marks = layer.marks()
    field = None if isinstance(layer.style, Single) else layer.style.field
    if field is None or field not in frame.columns:
        return np.full(len(frame), marks.index(mark_for(layer, {})), dtype=np.intp)
    codes, values = pd.factorize(frame[field].astype(object), use_na_sentinel=False)
    places = {mark: k for k, mark in reversed(list(enumerate(marks)))}
    found: NDArray[np.intp] = np.array(
        [places[mark_for(layer, {field: value})] for value in values.tolist()], dtype=np.intp
    )
    return found[codes]


_POINTS: dict[str, str] = {
    "square": "2,2 14,2 14,14 2,14",
    "triangle": "8,1 15,14 1,14",
    "diamond": "8,0 16,8 8,16 0,8",
    "pentagon": "8,0.5 15.5,6 12.7,15 3.3,15 0.5,6",
    "truck": "0.5,3 9.5,3 9.5,6 13,6 15.5,9 15.5,12.5 14,12.5 14,15 11,15 11,12.5 5,12.5 5,15 2,15 2,12.5 0.5,12.5",
    "star": "8,0 10,5.6 16,5.8 11.3,9.4 13,15.2 8,11.8 3,15.2 4.7,9.4 0,5.8 6,5.6",
    "cross": "5.5,1 10.5,1 10.5,5.5 15,5.5 15,10.5 10.5,10.5 10.5,15 5.5,15 5.5,10.5 1,10.5 1,5.5 5.5,5.5",
}


def mark_outline(shape: str) -> list[tuple[float, float]] | None:
    """The corners of a point mark in a square of 16, y downwards; None for a circle."""
    if shape not in _POINTS:
        return None
    pairs = (pair.split(",") for pair in _POINTS[shape].split())
    return [(float(x), float(y)) for x, y in pairs]


def mark_svg(mark: Mark, *, size: float | None = None) -> str:
    """A mark as a small SVG picture (legend and markers)."""
    px = size or mark.size * 1.15
    color = html.escape(mark.color, quote=True)
    match mark.shape:
        case "fill":
            body = f'<rect x="1" y="1" width="14" height="14" fill="{color}" fill-opacity="{mark.opacity}"/>'
        case "line" | "dash":
            dash = ' stroke-dasharray="4 2"' if mark.shape == "dash" else ""
            width = min(5.0, mark.size)
            body = f'<path d="M0 8H16" stroke="{color}" stroke-width="{width}"{dash}/>'
        case "hatch-up" | "hatch-down":
            path = "M1 8L8 1M1 15L15 1M8 15L15 8" if mark.shape == "hatch-up" else "M1 8L8 15M1 1L15 15M8 1L15 8"
            body = f'<path d="{path}" stroke="{color}" stroke-width="1.3" fill="none"/>'
        case "circle":
            body = f'<circle cx="8" cy="8" r="7" fill="{color}" stroke="#fff" stroke-width="1.2"/>'
        case shape:
            body = f'<polygon points="{_POINTS[shape]}" fill="{color}" stroke="#fff" stroke-width="1"/>'
    return f'<svg width="{px:g}" height="{px:g}" viewBox="0 0 16 16" aria-hidden="true">{body}</svg>'


def popup_html(layer: Layer, record: dict[str, Any], role: Role, lang: Lang) -> str:
    """The popup of one feature: escaped labels and values, empty ones left out."""
    rows = []
    for f in layer.fields:
        if role not in f.roles or f.name not in record:
            continue
        value = plain(record[f.name])
        if value is None or value == "":
            continue
        label = html.escape(f.label.to(lang))
        rows.append(f"<tr><th>{label}</th><td>{html.escape(display(f, value, lang))}</td></tr>")
    return f"<h4>{html.escape(layer.title.to(lang))}</h4><table>{''.join(rows)}</table>"


def _joined(layer: Layer, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Areas drawn alike as one feature: a map with areas left out would have holes."""
    if isinstance(layer.style, Steps):
        return frame  # a joined area would have one number for many
    by = [layer.style.field] if isinstance(layer.style, Categories) else []
    keys = [name for name in (*by, *(hatch.field for hatch in layer.hatches)) if name in frame.columns]
    groups = frame.groupby(keys, dropna=False, sort=True) if keys else [((), frame)]
    rows = []
    for values, group in groups:
        parts = shapely.get_parts(group.geometry.array)
        rows.append({**dict(zip(keys, values, strict=True)), "geometry": shapely.multipolygons(parts)})
    return gpd.GeoDataFrame(rows, geometry="geometry", crs=frame.crs)


def _thinned(result: LayerFrame) -> gpd.GeoDataFrame:
    """At most `MAX_DRAWN` features: the longest lines, every k-th point; areas are joined, none is left out."""
    frame = result.frame[~result.frame.geometry.isna()]
    if len(frame) > MAX_DRAWN and result.layer.geometry == "polygon":
        frame = _joined(result.layer, frame)
    elif len(frame) > MAX_DRAWN:
        geometry = frame.geometry.array
        if result.layer.geometry == "point":
            frame = frame.iloc[:: -(-len(frame) // MAX_DRAWN)]
        else:
            weight = shapely.length(geometry)
            if result.layer.tiled and "highway" in frame.columns:
                major = frame["highway"].isin(("motorway", "trunk", "primary", "secondary"))
                weight = weight + major.to_numpy() * 1e3
            frame = frame.iloc[sorted((-weight).argsort()[:MAX_DRAWN])]
    if result.layer.geometry != "point":
        frame = frame.set_geometry(frame.geometry.simplify(_SIMPLIFY_DEG))
    return frame


def _features(result: LayerFrame, frame: gpd.GeoDataFrame, role: Role, lang: Lang) -> dict[str, Any]:
    records = frame.drop(columns="geometry").to_dict("records")
    shapes = shapely.set_precision(frame.geometry.array, 1e-6, mode="pointwise")
    features = []
    for record, shape in zip(records, shapes, strict=True):
        mark = mark_for(result.layer, record)
        # Leaflet has no patterns: what is hatched elsewhere has a broken outline here, as the legend says.
        hatched = any(record.get(hatch.field) is True for hatch in result.layer.hatches)
        features.append(
            {
                "type": "Feature",
                "geometry": shapely.geometry.mapping(shape),
                "properties": {
                    "popup": popup_html(result.layer, record, role, lang),
                    "color": mark.color,
                    "weight": mark.size,
                    "opacity": mark.opacity,
                    "dash": "6 4" if mark.shape == "dash" or hatched else None,
                    "hatched": hatched,
                    "fill": mark.shape == "fill",
                    "svg": mark_svg(mark) if result.layer.geometry == "point" else None,
                },
            }
        )
    return {"type": "FeatureCollection", "features": features}


def _style(feature: dict[str, Any]) -> dict[str, Any]:
    p = feature["properties"]
    if p["svg"]:
        return {"html": p["svg"], "className": "mark", "iconSize": [18, 18]}
    return {
        "color": p["color"],
        "weight": (1.6 if p["hatched"] else 0.6) if p["fill"] else min(4.0, p["weight"]),
        "opacity": 0.9,
        "fillColor": p["color"],
        "fillOpacity": p["opacity"] if p["fill"] else 0.0,
        "dashArray": p["dash"],
    }


_PAGE_STYLE = """
html, body {font-family: "Noto Sans CJK SC", "Noto Sans SC", "Microsoft YaHei", sans-serif}
.onemap-title, .onemap-legend {position: fixed; z-index: 1000; background: #fff; border-radius: 6px;
 box-shadow: 0 1px 5px #0005}
.onemap-title {top: 10px; left: 60px; padding: 8px 14px; max-width: calc(100vw - 340px)}
.onemap-title h1 {font-size: 18px; margin: 0 0 2px}
.onemap-title p {font-size: 12px; margin: 0; color: #444}
.onemap-title .demo {color: #8a4b00; font-weight: 600}
.folium-map.leaflet-container {background: #f4f2ec}
.leaflet-control-scale-line:nth-child(2) {display: none}
.onemap-legend {left: 10px; bottom: 48px; padding: 6px 12px; max-height: 46vh; overflow: auto;
 font-size: 12px}
.onemap-legend summary {font-size: 14px; font-weight: 600; cursor: pointer}
.onemap-legend h2 {font-size: 12px; margin: 8px 0 2px}
.onemap-legend div {display: flex; gap: 6px; align-items: center}
.leaflet-popup-content table {border-collapse: collapse; font-size: 13px}
.leaflet-popup-content h4 {margin: 0 0 4px}
.leaflet-popup-content th {text-align: left; font-weight: 500; color: #555; padding: 1px 8px 1px 0;
 white-space: nowrap}
.mark {background: none; border: 0}
@media (max-width: 640px) {
 .leaflet-top.leaflet-right {top: auto; bottom: 24px}
 .leaflet-control-layers-expanded {max-height: 34vh; overflow: auto}
 .onemap-legend {max-height: 34vh; max-width: 40vw}
 .onemap-title {left: 50px; max-width: calc(100vw - 120px)}
 .onemap-title h1 {font-size: 15px}
}
"""


def atlas(
    district: District,
    *,
    leaflet: LeafletFiles,
    role: Role,
    lang: Lang = "zh",
    at: datetime | None = None,
    layer_ids: Sequence[str] | None = None,
) -> str:
    """Every permitted layer (or those named) as one HTML page with all it needs inside."""
    moment = district.local(at)
    chosen = list(layer_ids) if layer_ids is not None else list(query.permitted(role))
    page = folium.Map(tiles=None, prefer_canvas=True, max_zoom=19, control_scale=True, zoom_control=True)
    # On this object, not on folium's class: changing the class changes every other map.
    page.default_js = [("leaflet", _data_uri(leaflet.script, "text/javascript"))]
    page.default_css = [("leaflet_css", _data_uri(leaflet.style_inlined(), "text/css"))]
    _add_water(page, district)
    legend: list[str] = []
    rank = {"polygon": 0, "line": 1, "point": 2}
    for layer_id in sorted(chosen, key=lambda i: rank[LAYERS[i].geometry]):
        result = query.read(district, layer_id, role=role, at=moment)
        frame = _thinned(result)
        if len(frame) == 0:
            continue
        title = result.layer.title.to(lang)
        there = int((~result.frame.geometry.isna()).sum())
        fewer = len(frame) < there and result.layer.geometry != "polygon"
        count = f"{len(frame):,}/{there:,}" if fewer else f"{there:,}"
        thinned = Text(" 已抽稀", " thinned").to(lang) if fewer else ""
        shown = result.layer.visible or layer_ids is not None
        is_point = result.layer.geometry == "point"
        folium.GeoJson(
            _features(result, frame, role, lang),
            name=html.escape(f"{title} ({count}{thinned})"),
            show=shown,
            style_function=_style,
            marker=folium.Marker(icon=folium.DivIcon()) if is_point else folium.CircleMarker(radius=6),
            popup=folium.GeoJsonPopup(fields=["popup"], labels=False, max_width=360),
            smooth_factor=1.2,
            zoom_on_click=False,
        ).add_to(page)
        legend.append(_legend(result, lang))
    folium.LayerControl(collapsed=False).add_to(page)
    if (box := district.bounds) is not None:
        page.fit_bounds([[box[1], box[0]], [box[3], box[2]]])
    figure: Any = page.get_root()
    figure.title = html.escape(district.name)
    figure.header.add_child(branca.element.Element(f"<style>{_PAGE_STYLE}</style>"))
    figure.html.add_child(
        branca.element.Element("{% raw %}" + _title(district, moment, lang) + _frame(legend, lang) + "{% endraw %}")
    )
    text: str = figure.render()
    text = text.replace("<html>", f'<html lang="{"zh-CN" if lang == "zh" else "en"}">', 1)
    require_self_contained(text)
    return text


def _no_template(text: str) -> str:
    """HTML whose braces folium's templates leave alone (a name may hold any character)."""
    return text.replace("{", "&#123;").replace("}", "&#125;")


def require_self_contained(text: str) -> None:
    """Refuse a page that would load anything from outside."""
    found = _OUTSIDE.search(re.sub(r"data:[a-z/-]+;base64,[A-Za-z0-9+/=]+", "", text))
    if found:
        raise RuntimeError(f"the atlas would load from outside: {found.group(0)!r}")


def _add_water(page: folium.Map, district: District) -> None:
    """Water and the district's outline under everything: the atlas has no other base map."""
    view = district.view()
    for table, style in (
        ("boundary", {"color": "#6d5f8d", "weight": 2, "fillColor": "#fbfaf6", "fillOpacity": 1}),
        ("water", {"color": "#a3c7de", "weight": 1.5, "fillColor": "#b5d3e7", "fillOpacity": 1}),
    ):
        geometry = view.frame(table).geometry.dropna()
        if len(geometry):
            folium.GeoJson(
                shapely.geometry.mapping(shapely.GeometryCollection(list(geometry.simplify(_SIMPLIFY_DEG)))),
                style_function=lambda feature, style=style: style,
                control=False,
                interactive=False,
            ).add_to(page)


def _legend(result: LayerFrame, lang: Lang) -> str:
    rows = "".join(
        f"<div>{mark_svg(m, size=14)}<span>{html.escape(m.label.to(lang))}</span></div>" for m in result.layer.legend()
    )
    return f"<h2>{html.escape(result.layer.title.to(lang))}</h2>{rows}"


def _frame(legend: list[str], lang: Lang) -> str:
    head = Text("图例", "Legend").to(lang)
    return f'<details class="onemap-legend"><summary>{head}</summary>{"".join(legend)}</details>'


def _title(district: District, moment: datetime, lang: Lang) -> str:
    stamp = moment.strftime("%Y-%m-%d %H:%M %z")
    about = Text(
        f"应急一张图 · 数据版本 {district.revision} · {stamp} · 内部使用",
        f"Emergency one map · revision {district.revision} · {stamp} · internal use",
    )
    note = "" if district.warning is None else f'<p class="demo">{district.warning.to(lang)}</p>'
    return (
        f'<div class="onemap-title"><h1>{html.escape(district.name)}</h1>'
        f"<p>{html.escape(about.to(lang))}</p>{note}</div>"
    )
