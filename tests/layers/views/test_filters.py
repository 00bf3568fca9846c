"""Filters: every kind against a row at its bound, the map's expression against the rows, refusals with their words."""

from typing import Any
from zoneinfo import ZoneInfo

import geopandas as gpd
import numpy as np
import pytest

from geo.errors import InputError
from layers.layer import Field, FieldType, Text
from layers.views.filters import KINDS, Between, Containing, OneOf, expression, matching, read_filter

ZONE = ZoneInfo("Asia/Shanghai")
CODES = {"a": Text("甲", "A"), "b": Text("乙", "B"), "ab": Text("丙", "C")}


def field(kind: FieldType, choices: dict[str, Text] | None = None) -> Field:
    return Field("f", Text("字段", "field"), kind, "", choices or {})


def asked(kind: FieldType, **what: Any) -> Any:
    choices = CODES if kind in ("choice", "choices") else None
    return read_filter(field(kind, choices), {"field": "f", **what}, timezone=ZONE, where="filters[0]")


def evaluated(expr: Any, properties: dict[str, Any]) -> Any:
    """The few expressions of MapLibre that filters use, as its specification has them: the oracle of the map's side."""
    if not isinstance(expr, list):
        return expr
    name, *rest = expr
    if name == "literal":
        return rest[0]
    if name == "get":
        return properties.get(rest[0])
    values = [evaluated(part, properties) for part in rest]
    match name:
        case "all":
            return all(values)
        case "any":
            return any(values)
        case "coalesce":
            return next((v for v in values if v is not None), None)
        case "to-string":
            v = values[0]
            return "" if v is None else str(v).lower() if isinstance(v, bool) else str(v)
        case "to-number":
            return float(values[0]) if isinstance(values[0], int | float | bool) else float(values[1])
        case "typeof":
            v = values[0]
            kinds = ((bool, "boolean"), (int | float, "number"), (str, "string"), (type(None), "null"))
            return next(word for kind, word in kinds if isinstance(v, kind))
        case "in":
            return values[0] in values[1]
        case "concat":
            return "".join(values)
        case "downcase":
            return values[0].lower()
        case "==" | "!=" | "<=" | ">=":
            a, b = values
            return {"==": a == b, "!=": a != b, "<=": name == "<=" and a <= b, ">=": name == ">=" and a >= b}[name]
    raise AssertionError(name)


CASES: list[tuple[Any, list[Any], list[bool]]] = [
    (asked("integer", **{"from": 3, "to": 5}), [2, 3, 4, 5, 6, None], [False, True, True, True, False, False]),
    (asked("number", **{"from": 0}), [-0.5, 0.0, 0.5, np.nan, 1e9], [False, True, True, False, True]),
    (asked("minutes", to=600), [600.0, 600.5, None], [True, False, False]),
    (asked("choice", values=["a"]), ["a", "b", "ab", None], [True, False, False, False]),
    (asked("choice", values=["b", ""]), ["a", "b", None, ""], [False, True, True, True]),
    (asked("choices", values=["b"]), ["a;b", "ab", "b", "a", None], [True, False, True, False, False]),
    (asked("choices", values=[""]), ["a;b", None, ""], [False, True, True]),
    (asked("boolean", values=["true"]), [True, False, None], [True, False, False]),
    (asked("boolean", values=["false", ""]), [True, False, None], [False, True, True]),
    (asked("text", text="Ab厂"), ["xab厂", "AB厂", "厂", None], [True, True, False, False]),
    (
        asked("date", **{"from": "2026-07-01", "to": "2026-07-31"}),
        ["2026-06-30", "2026-07-01", "2026-07-31", "2026-08-01", None],
        [False, True, True, False, False],
    ),
    (
        asked("datetime", **{"from": "2026-07-01T08:00", "to": "2026-07-01T00:00:01Z"}),
        [
            "2026-06-30T23:59:59.999Z",
            "2026-07-01T00:00:00.000Z",
            "2026-07-01T00:00:01.000Z",
            "2026-07-01T00:00:01.001Z",
        ],
        [False, True, True, False],
    ),
]


@pytest.mark.parametrize(("one", "values", "expected"), CASES)
def test_rows_and_the_map_answer_alike_at_every_bound(one: Any, values: list[Any], expected: list[bool]) -> None:
    frame = gpd.GeoDataFrame({"f": np.array(values, dtype=object)}, geometry=[None] * len(values))
    assert matching([one], frame).tolist() == expected
    shown = expression([one])
    on_map = [evaluated(shown, {"f": None if isinstance(v, float) and np.isnan(v) else v}) for v in values]
    assert on_map == expected


def test_several_filters_all_count_and_none_lets_all_through() -> None:
    frame = gpd.GeoDataFrame({"f": [1, 2, 3]}, geometry=[None] * 3)
    both = [asked("integer", **{"from": 2}), asked("integer", to=2)]
    assert matching(both, frame).tolist() == [False, True, False]
    assert [evaluated(expression(both), {"f": v}) for v in (1, 2, 3)] == [False, True, False]
    assert matching([], frame).tolist() == [True] * 3
    assert expression([]) is None


def test_what_is_read() -> None:
    assert asked("integer", **{"from": 3, "to": 3}) == Between(field("integer"), 3.0, 3.0)
    assert asked("choice", values=["a", "a"]) == OneOf(field("choice", CODES), ("a",))
    assert asked("text", text="x") == Containing(field("text"), "x")
    assert set(KINDS) < set(FieldType.__args__)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("kind", "what", "words"),
    [
        ("readings", {"text": "x"}, "type readings cannot be filtered"),
        ("integer", {}, "f is filtered by from and to"),
        ("integer", {"text": "3"}, "f is filtered by from and to"),
        ("integer", {"from": "3"}, r"filters\[0\]\.from=3: expected a number"),
        ("integer", {"from": True}, "expected a number"),
        ("number", {"from": float("inf")}, "expected a number"),
        ("number", {"from": 2, "to": 1}, "from=2 is above to=1"),
        ("date", {"from": "1 July"}, "such as 2026-07-01"),
        ("datetime", {"to": "soon"}, "such as 2026-07-01T08:00"),
        ("choice", {"values": ["c"]}, r"values=c: f is one of a, b, ab or empty"),
        ("boolean", {"values": ["yes"]}, "true, false"),
        ("choice", {"from": 1}, "filtered by values"),
    ],
)
def test_refusals_name_field_value_and_remedy(kind: FieldType, what: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        asked(kind, **what)
