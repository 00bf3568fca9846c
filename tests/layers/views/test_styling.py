"""Styles by another field: classes of geo.classify, a mark for every row, national scales kept, colours apart."""

from itertools import pairwise
from typing import Any

import geopandas as gpd
import numpy as np
import pytest

from geo.classify import classify, fixed_breaks
from geo.errors import InputError
from layers.catalogue import LAYERS, RISK_MARKS
from layers.html import mark_for
from layers.layer import Categories, Classes, Layer, plain
from layers.render import map_layers
from layers.views.styling import Styling, methods_of, ramp, read_styling, scale_of, styled


def field_of(layer: Layer, name: str) -> Any:
    return next(f for f in layer.fields if f.name == name)


def rows(layer: Layer, name: str, values: list[Any]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({name: np.array(values, dtype=object)}, geometry=[None] * len(values))


@pytest.mark.parametrize("method", ["equal", "quantile", "natural"])
def test_every_row_has_the_mark_of_its_class(method: Any) -> None:
    layer = LAYERS["villages"]
    values = [None, 0, 5, 5, 7, 11, 12, 40, 41, 300, 301.5]
    frame = rows(layer, "persons", values)
    found = styled(layer, frame, Styling(field_of(layer, "persons"), method, 4))
    assert found.breaks is not None
    style = found.layer.style
    assert isinstance(style, Classes)
    assert style.lower == found.breaks.lower
    numbers = [np.nan if v is None else float(v) for v in values]
    expected = classify(numbers, fixed_breaks(style.lower)).tolist()
    marks = found.layer.marks()
    for value, of in zip(values, expected, strict=True):
        assert mark_for(found.layer, {"persons": value}) == (marks[of - 1] if of else marks[-1])
    for k, bound in enumerate(style.lower):
        assert mark_for(found.layer, {"persons": bound}) == marks[k + 1], "a value on a bound is in the upper class"
    assert found.layer.fields == layer.fields
    assert "人" in marks[0].label.zh


def test_the_map_steps_at_the_same_bounds() -> None:
    layer = LAYERS["villages"]
    found = styled(layer, rows(layer, "persons", [1, 2, 3, 9]), Styling(field_of(layer, "persons"), "natural", 3)).layer
    fill = next(spec for spec in map_layers(found) if spec["type"] == "fill")
    case = fill["paint"]["fill-color"]
    assert case[:2] == ["case", ["==", ["typeof", ["get", "persons"]], "number"]]
    step = case[2]
    assert step[0] == "step"
    style = found.style
    assert isinstance(style, Classes)
    assert step[2::2] == [mark.color for mark in style.marks]
    assert tuple(step[3::2]) == style.lower
    assert case[3] == style.other.color


def test_risk_colours_stay_national_wherever_their_codes_are() -> None:
    enterprises = LAYERS["enterprises"]
    risk = field_of(enterprises, "risk_level")
    assert styled(enterprises, rows(enterprises, "risk_level", ["major"]), Styling(risk, "values")).layer is enterprises
    streets = LAYERS["streets_risk_natural"]
    level = field_of(streets, "highest_level")
    found = styled(streets, rows(streets, "highest_level", ["5"]), Styling(level, "values")).layer
    assert isinstance(found.style, Categories)
    assert isinstance(streets.style, Categories)
    assert {code: found.style.marks[code].color for code in streets.style.marks} == {
        code: mark.color for code, mark in streets.style.marks.items()
    }
    assert scale_of(risk) == RISK_MARKS


def test_other_colours_keep_clear_of_the_four_and_grow_darker() -> None:
    def light(color: str) -> float:
        r, g, b = (int(color[k : k + 2], 16) for k in (1, 3, 5))
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    shades = [ramp(k / 8) for k in range(9)]
    assert [light(c) for c in shades] == sorted((light(c) for c in shades), reverse=True)
    assert min(a - b for a, b in pairwise(map(light, shades))) > 8
    assert not set(shades) & {mark.color for mark in RISK_MARKS.values()}
    assert ramp(0.0) == "#c4aedc"
    assert ramp(1.0) == "#2d084b"


def test_texts_take_the_most_frequent_and_the_rest_is_other() -> None:
    layer = LAYERS["teams"]
    values = [f"街{k}" for k in range(12) for _ in range(12 - k)] + [None]
    found = styled(layer, rows(layer, "street", values), Styling(field_of(layer, "street"), "values")).layer
    style = found.style
    assert isinstance(style, Categories)
    assert list(style.marks) == [f"街{k}" for k in range(9)]
    assert mark_for(found, {"street": "街9"}) == mark_for(found, {"street": None}) == style.other
    assert len({(m.color, m.shape) for m in style.marks.values()}) == 9


@pytest.mark.parametrize(("value", "label"), [(True, "是"), (False, "否"), (None, "无数据")])
def test_yes_no_and_nothing(value: bool | None, label: str) -> None:
    layer = LAYERS["shelters"]
    found = styled(layer, rows(layer, "indoor", [True, False, None]), Styling(field_of(layer, "indoor"), "values"))
    assert mark_for(found.layer, {"indoor": value}).label.zh == label


def test_minutes_are_said_in_minutes() -> None:
    layer = LAYERS["uncovered_places"]
    found = styled(
        layer, rows(layer, "total_s", [600.0, 1200.0]), Styling(field_of(layer, "total_s"), "equal", 2)
    ).layer
    assert [m.label.zh for m in found.marks()] == ["< 15 分钟", "≥ 15 分钟", "无数据"]


@pytest.mark.parametrize("layer_id", sorted(LAYERS))
def test_every_field_of_every_layer_can_be_tried(layer_id: str) -> None:
    layer = LAYERS[layer_id]
    for field in layer.fields:
        values = {"integer": [1, 2, 5], "number": [0.5, 2, None], "minutes": [60, 90]}.get(field.type, ["x", None])
        for method in methods_of(field):
            found = styled(layer, rows(layer, field.name, values), Styling(field, method, 2)).layer
            specs = map_layers(found)
            assert len({s["id"] for s in specs}) == len(specs) > 0
            for value in values:
                assert mark_for(found, {field.name: plain(value)}) in found.marks()


def test_refusals() -> None:
    layer = LAYERS["enterprises"]
    persons, categories = field_of(layer, "workers_on_shift"), field_of(layer, "categories")
    with pytest.raises(InputError, match="type choices gives no classes"):
        read_styling(categories, {}, where="style")
    with pytest.raises(InputError, match=r"style\.method=values: workers_on_shift is classed by natural"):
        read_styling(persons, {"method": "values"}, where="style")
    for classes in (1, 10):
        with pytest.raises(InputError, match=r"style\.classes=\d+: expected 2 to 9"):
            read_styling(persons, {"classes": classes}, where="style")
    assert [read_styling(persons, {"classes": k}, where="style").classes for k in (2, 9)] == [2, 9]
    assert read_styling(persons, {}, where="style") == Styling(persons, "natural", 5)
    with pytest.raises(InputError):
        styled(layer, rows(layer, "workers_on_shift", [3, 3]), Styling(persons, "natural", 3))
