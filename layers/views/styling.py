"""A layer styled by another of its fields: classes of numbers by a method, or a mark for each value.

Where a field has the codes of a scale that a layer declares (the four risk colours, the five levels), it keeps the
colours of that scale. All other colours keep clear of red, orange, yellow and blue.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Literal, cast

import geopandas as gpd
import numpy as np

from geo.classify import CLASSES, Breaks, equal_breaks, natural_breaks, quantile_breaks
from geo.errors import InputError
from layers.catalogue import LAYERS
from layers.layer import Categories, Classes, Field, FieldType, Layer, Mark, Shape, Text, plain, value_text
from layers.views.filters import NUMBERS

Method = Literal["equal", "quantile", "natural", "values"]

METHODS: dict[Method, Text] = {
    "natural": Text("自然断点(Jenks)", "natural breaks (Jenks)"),
    "quantile": Text("分位数", "quantiles"),
    "equal": Text("等间距", "equal intervals"),
    "values": Text("按取值", "by value"),
}

_BY_VALUE: frozenset[FieldType] = frozenset({"choice", "boolean", "text"})
_MOST_VALUES = 9  # of a text; the others share a mark
_OTHER, _NOTHING = Text("其他", "other"), Text("无数据", "no data")
_GREY = "#8c8c8c"

# From light to dark, so that the order is seen in grey as well.
_RAMP = ((0.0, (196, 174, 220)), (0.5, (140, 92, 170)), (1.0, (45, 8, 75)))
_HUES = ("#332288", "#44aa99", "#882255", "#999933", "#aa4499", "#117733", "#88ccee", "#6b4c2a", "#cc6677")
_SHAPES: tuple[Shape, ...] = ("circle", "square", "triangle", "diamond", "pentagon", "star", "cross")


@dataclass(frozen=True)
class Styling:
    """By which field a layer is styled, and how; `classes` is for numbers."""

    field: Field
    method: Method
    classes: int = 5


def methods_of(field: Field) -> tuple[Method, ...]:
    """How a layer can be styled by a field; empty where it cannot."""
    if field.type in NUMBERS:
        return ("natural", "quantile", "equal")
    return ("values",) if field.type in _BY_VALUE else ()


def read_styling(field: Field, asked: Mapping[str, Any], *, where: str) -> Styling:
    """The styling that a view asks for; InputError where the method does not fit the field."""
    methods = methods_of(field)
    if not methods:
        raise InputError(f"{where}.field={field.name}: a field of type {field.type} gives no classes")
    method = asked.get("method") or methods[0]
    if method not in methods:
        raise InputError(f"{where}.method={method}: {field.name} is classed by {', '.join(methods)}")
    classes = asked.get("classes") or 5
    if not CLASSES[0] <= classes <= CLASSES[1]:
        raise InputError(f"{where}.classes={classes}: expected {CLASSES[0]} to {CLASSES[1]}")
    return Styling(field, cast(Method, method), classes)


@dataclass(frozen=True)
class Styled:
    """A layer as it is drawn, and the breaks where they are of numbers."""

    layer: Layer
    breaks: Breaks | None = None


def styled(layer: Layer, frame: gpd.GeoDataFrame, styling: Styling) -> Styled:
    """The layer with another style, its classes computed from the rows given.

    InputError where the numbers cannot be classed, with the reason.
    """
    field = styling.field
    values = [plain(value) for value in frame[field.name].astype(object).tolist()]
    if field.type in NUMBERS:
        breaks = _breaks(values, styling)
        marks = tuple(_class_mark(layer, text, k, breaks.k) for k, text in enumerate(_class_texts(field, breaks.lower)))
        other = _mark(layer, _NOTHING, _GREY, 0, opacity=0.25)
        return Styled(_with(layer, Classes(field.name, breaks.lower, marks, other)), breaks)
    if isinstance(layer.style, Categories) and layer.style.field == field.name:
        return Styled(layer)
    return Styled(_with(layer, Categories(field.name, _value_marks(layer, field, values), _other_mark(layer, field))))


def _with(layer: Layer, style: Classes | Categories) -> Layer:
    return replace(layer, style=style)


def _breaks(values: list[Any], styling: Styling) -> Breaks:
    numbers = np.array(
        [float(v) if isinstance(v, int | float) and not isinstance(v, bool) else np.nan for v in values], dtype=float
    )
    if styling.method == "equal":
        return equal_breaks(numbers, styling.classes)
    make = natural_breaks if styling.method == "natural" else quantile_breaks
    return make(numbers, styling.classes, fewer="merge")


def _class_texts(field: Field, lower: tuple[float, ...]) -> list[Text]:
    """`< 12`, `12 – < 34`, `>= 34`, with the unit."""

    def text(zh: str, en: str, unit_zh: str, unit_en: str) -> Text:
        return Text(f"{zh} {unit_zh}".strip(), f"{en} {unit_en}".strip())

    per = 60.0 if field.type == "minutes" else 1.0
    units = ("分钟", "min") if field.type == "minutes" else (field.unit, field.unit)
    said = [f"{bound / per:,.6g}" for bound in lower]
    middle = [f"{a} ≤ … < {b}" for a, b in pairwise(said)]
    return [text(words, words, *units) for words in (f"< {said[0]}", *middle, f"≥ {said[-1]}")]


def _class_mark(layer: Layer, text: Text, k: int, of: int) -> Mark:
    found = _mark(layer, text, ramp(k / max(of - 1, 1)), 0)
    return replace(found, size=found.size + 6.0 * k / max(of - 1, 1)) if layer.geometry == "point" else found


def ramp(share: float) -> str:
    """The colour at a share, 0 light to 1 dark, of the one scale of numbers."""
    for (low, a), (high, b) in pairwise(_RAMP):
        if share <= high:
            t = (share - low) / (high - low)
            return "#" + "".join(f"{round(x + (y - x) * t):02x}" for x, y in zip(a, b, strict=True))
    raise InputError(f"share={share}: expected 0 to 1")


def _mark(layer: Layer, text: Text, color: str, k: int, *, opacity: float = 0.65) -> Mark:
    match layer.geometry:
        case "polygon":
            return Mark(text, color, "fill", opacity=opacity)
        case "line":
            return Mark(text, color, "line", max(layer.marks()[0].size, 2.0))
        case "point":
            return Mark(text, color, _SHAPES[k % len(_SHAPES)], 10.0)


def scale_of(field: Field) -> Mapping[str, Mark] | None:
    """The marks of the scale that a layer declares for the codes of this field, None where there is none."""
    if not field.choices:
        return None
    for layer in LAYERS.values():
        if isinstance(layer.style, Categories):
            name, marks = layer.style.field, layer.style.marks
            own = next((f for f in layer.fields if f.name == name), None)
            if own is not None and own.choices == field.choices and marks.keys() <= own.choices.keys():
                return marks
    return None


def _value_marks(layer: Layer, field: Field, values: list[Any]) -> dict[str, Mark]:
    if field.choices:
        scale = scale_of(field) or {}
        found = {}
        for k, (code, text) in enumerate(field.choices.items()):
            mark = _mark(layer, text, scale[code].color if code in scale else _hue(k), k)
            declared = scale.get(code)
            if declared is not None and layer.geometry == "point" and declared.shape in _SHAPES:
                mark = replace(mark, shape=declared.shape, size=declared.size)
            found[code] = mark
        return found
    if field.type == "boolean":
        yes, no = Text("是", "yes"), Text("否", "no")
        return {"true": _mark(layer, yes, _HUES[0], 0), "false": _mark(layer, no, _HUES[1], 1)}
    counted = Counter(value_text(value) for value in values if value_text(value))
    common = sorted(counted, key=lambda text: (-counted[text], text))[:_MOST_VALUES]
    return {text: _mark(layer, Text(text, text), _hue(k), k) for k, text in enumerate(common)}


def _hue(k: int) -> str:
    return _HUES[k % len(_HUES)]


def _other_mark(layer: Layer, field: Field) -> Mark:
    return _mark(layer, _NOTHING if field.choices or field.type == "boolean" else _OTHER, _GREY, 0, opacity=0.25)
