"""What a view shows: of each layer the rows that its filters leave, its legend with counts, and how it is drawn."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import geopandas as gpd
import numpy as np

from geo.classify import Breaks
from geo.errors import InputError
from layers import query
from layers.district import District
from layers.ground import Theme, mark_on_ground
from layers.html import mark_places
from layers.layer import Lang, LayerFrame, Mark, Role, plain
from layers.render import describe, map_layers
from layers.views.filters import KINDS, NUMBERS, expression, matching
from layers.views.map_view import MapView, ShownLayer, usable_fields
from layers.views.styling import METHODS, methods_of, styled


@dataclass(frozen=True)
class Shown:
    """A layer of a view with its rows: `result.layer` is styled as asked, `result.frame` is what the filters leave."""

    asked: ShownLayer
    result: LayerFrame
    whole: gpd.GeoDataFrame  # before the filters
    breaks: Breaks | None = None

    def legend(self) -> list[tuple[Mark, int]]:
        """Each mark of the legend with the number of rows that are drawn so, top down; hatches lie over marks."""
        layer, frame = self.result.layer, self.result.frame
        declared = layer.marks()
        counted = np.bincount(mark_places(layer, frame), minlength=len(declared))
        marks = [(mark, int(counted[declared.index(mark)])) for mark in dict.fromkeys(declared)]
        hatches = [
            (h.mark(), sum(plain(v) is True for v in frame[h.field]) if h.field in frame.columns else 0)
            for h in layer.hatches
        ]
        return [*marks, *hatches]


def show(district: District, asked: ShownLayer, *, role: Role, at: datetime | None) -> Shown:
    """Read one layer of a view. Classes are those of the whole layer, so that a filter does not move them."""
    result = query.read(district, asked.layer.id, role=role, at=at)
    breaks, layer = None, result.layer
    if asked.styling is not None and len(result.frame):
        try:
            found = styled(layer, result.frame, asked.styling)
        except InputError as error:
            raise InputError(f"{asked.styling.field.name}: {error.detail}") from None
        layer, breaks = found.layer, found.breaks
    frame = result.frame
    if asked.filters:
        frame = frame[matching(asked.filters, frame)]
    return Shown(asked, replace(result, layer=layer, frame=frame, matched=len(frame)), result.frame, breaks)


def answer(
    district: District, view: MapView, *, role: Role, lang: Lang, theme: Theme = "light"
) -> list[dict[str, Any]]:
    """What the map, the workbench and a printed legend say of each layer of a view, top first."""
    return [_described(show(district, asked, role=role, at=view.at), role, lang, theme) for asked in view.layers]


def _described(shown: Shown, role: Role, lang: Lang, theme: Theme) -> dict[str, Any]:
    asked, result = shown.asked, shown.result
    about = describe(result, lang)
    in_tiles = result.layer.is_drawn_in_tiles(result.count)
    # Tiles hold only what is left, and not the fields by which it was chosen.
    where = None if in_tiles else expression(asked.filters)
    return {
        **{
            name: about[name] for name in ("id", "title", "geometry", "count", "source", "note", "updated_utc", "tiled")
        },
        "matched": result.matched,
        "opacity": asked.opacity,
        "revision": result.revision,
        "legend": [
            {
                "label": mark.label.to(lang),
                "color": mark.color,
                "shape": mark.shape,
                "size": mark.size,
                "opacity": mark.opacity,
                "count": count,
            }
            for mark, count in (
                (mark_on_ground(mark, theme, is_road=result.layer.tiled), count) for mark, count in shown.legend()
            )
        ],
        "breaks": None if shown.breaks is None else _breaks(shown, shown.breaks, lang),
        "map_layers": [_filtered(result.layer.id, spec, where) for spec in map_layers(result.layer, theme)],
        "fields": _fields(shown, role, lang),
    }


def _breaks(shown: Shown, breaks: Breaks, lang: Lang) -> dict[str, Any]:
    styling = shown.asked.styling
    assert styling is not None
    return {
        "field": styling.field.name,
        "method": styling.method,
        "method_name": METHODS[styling.method].to(lang),
        "lower": [float(bound) for bound in breaks.lower],
        "classes": breaks.k,
        "merged": breaks.merged,
    }


def _filtered(layer_id: str, spec: dict[str, Any], where: list[Any] | None) -> dict[str, Any]:
    found = {**spec, "layout": spec.get("layout", {}), "metadata": {"layer": layer_id}}
    if where is not None:
        found["filter"] = ["all", spec["filter"], where] if "filter" in spec else where
    return found


def _fields(shown: Shown, role: Role, lang: Lang) -> list[dict[str, Any]]:
    """What the workbench offers to filter and to style by; the range of numbers is that of the whole layer."""
    whole = shown.whole
    found = []
    for field in usable_fields(shown.asked.layer, role).values():
        one: dict[str, Any] = {
            "name": field.name,
            "label": field.label.to(lang),
            "type": field.type,
            "unit": field.unit,
            "filter": KINDS.get(field.type),
            "methods": {name: METHODS[name].to(lang) for name in methods_of(field)},
            "choices": {code: text.to(lang) for code, text in field.choices.items()},
        }
        if field.type in NUMBERS and field.name in whole.columns:
            numbers = [plain(value) for value in whole[field.name].astype(object).tolist()]
            numbers = [n for n in numbers if isinstance(n, int | float) and not isinstance(n, bool)]
            one |= {"low": min(numbers, default=None), "high": max(numbers, default=None)}
        found.append(one)
    return found
