"""Filters of a layer by its declared fields: the same question put to rows here and to features on the map."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data.schema import utc_text
from geo.errors import InputError
from layers.layer import Field, FieldType, plain, value_text

Kind = Literal["values", "range", "text"]

KINDS: dict[FieldType, Kind] = {
    "choice": "values",
    "choices": "values",
    "boolean": "values",
    "integer": "range",
    "number": "range",
    "minutes": "range",
    "date": "range",
    "datetime": "range",
    "text": "text",
}
"""How a field of each type is filtered; one of another type is not."""

NUMBERS: frozenset[FieldType] = frozenset({"integer", "number", "minutes"})
"""The types whose values are numbers."""

MAX_VALUES, MAX_TEXT = 60, 80


@dataclass(frozen=True)
class OneOf:
    """The value is one of some codes, '' for a missing one; of a list of codes, at least one is among them."""

    field: Field
    values: tuple[str, ...]


@dataclass(frozen=True)
class Between:
    """low <= value <= high in the field's own unit; None is no bound. A missing value is outside."""

    field: Field
    low: float | str | None
    high: float | str | None


@dataclass(frozen=True)
class Containing:
    """The text holds these letters, small or capital."""

    field: Field
    text: str


Filter = OneOf | Between | Containing


def read_filter(field: Field, asked: dict[str, Any], *, timezone: ZoneInfo, where: str) -> Filter:
    """The filter that is asked for by ``values``, ``from`` and ``to``, or ``text``; InputError names what is wrong."""
    kind = KINDS.get(field.type)
    given = {key: asked[key] for key in ("values", "from", "to", "text") if asked.get(key) not in (None, "")}
    if kind is None:
        raise InputError(f"{where}.field={field.name}: a field of type {field.type} cannot be filtered")
    expected = {"values": {"values"}, "range": {"from", "to"}, "text": {"text"}}[kind]
    if not given or not given.keys() <= expected:
        raise InputError(f"{where}: {field.name} is filtered by {' and '.join(sorted(expected))}")
    if kind == "values":
        return _one_of(field, given["values"], where)
    if kind == "text":
        return Containing(field, str(given["text"]))
    low, high = (_bound(field, given.get(key), timezone, f"{where}.{key}") for key in ("from", "to"))
    if low is not None and high is not None and low > high:  # type: ignore[operator]
        raise InputError(f"{where}: from={given['from']} is above to={given['to']}; nothing lies between")
    return Between(field, low, high)


def _one_of(field: Field, values: Sequence[str], where: str) -> OneOf:
    known = ["true", "false", ""] if field.type == "boolean" else [*field.choices, ""]
    for value in values:
        if value not in known:
            raise InputError(f"{where}.values={value}: {field.name} is one of {', '.join(known[:-1])} or empty")
    return OneOf(field, tuple(dict.fromkeys(values)))


def _bound(field: Field, value: Any, timezone: ZoneInfo, where: str) -> float | str | None:
    if value is None:
        return None
    if field.type in NUMBERS:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise InputError(f"{where}={value}: expected a number")
        return float(value)
    try:
        if field.type == "date":
            return date.fromisoformat(str(value)).isoformat()
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        like = "2026-07-01" if field.type == "date" else "2026-07-01T08:00+08:00"
        raise InputError(f"{where}={value}: expected a time such as {like}") from None
    return utc_text(moment if moment.tzinfo is not None else moment.replace(tzinfo=timezone))


def matching(filters: Sequence[Filter], frame: gpd.GeoDataFrame) -> NDArray[np.bool_]:
    """(n,) whether a row meets every filter, by the values that the map is given."""
    found: NDArray[np.bool_] = np.ones(len(frame), dtype=bool)
    for one in filters:
        codes, values = pd.factorize(frame[one.field.name].astype(object), use_na_sentinel=False)
        met = np.array([_meets(one, plain(value)) for value in values.tolist()], dtype=bool)
        found &= met[codes]
    return found


def _meets(one: Filter, value: Any) -> bool:
    match one:
        case OneOf(field, values):
            text = value_text(value)
            if field.type == "choices" and text:
                return any(code in values for code in text.split(";"))
            return text in values
        case Between(field, low, high):
            if field.type in NUMBERS:
                if isinstance(value, bool) or not isinstance(value, int | float):
                    return False
            else:
                value = value_text(value)
                if not value:
                    return False
            return (low is None or low <= value) and (high is None or value <= high)
        case Containing(_, text):
            return text.lower() in value_text(value).lower()


def expression(filters: Sequence[Filter]) -> list[Any] | None:
    """The filters as one MapLibre expression, None where there are none."""
    parts = [_expression(one) for one in filters]
    return None if not parts else parts[0] if len(parts) == 1 else ["all", *parts]


def _expression(one: Filter) -> list[Any]:
    raw = ["get", one.field.name]
    text = ["to-string", ["coalesce", raw, ""]]
    match one:
        case OneOf(field, values):
            if field.type != "choices":
                return ["in", text, ["literal", list(values)]]
            listed = ["concat", ";", text, ";"]
            return ["any", *(["in", f";{value};" if value else ";;", listed] for value in values)]
        case Between(field, low, high):
            is_number = field.type in NUMBERS
            value = ["to-number", raw, 0] if is_number else text
            there = ["==", ["typeof", raw], "number"] if is_number else ["!=", text, ""]
            bounds = [[sign, value, bound] for sign, bound in ((">=", low), ("<=", high)) if bound is not None]
            return ["all", there, *bounds]
        case Containing(_, wanted):
            return ["in", wanted.lower(), ["downcase", text]]
