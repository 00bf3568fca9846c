"""Every layer is fit for every renderer."""

import json

import pytest

from data.kinds import KINDS
from layers.catalogue import LAYERS, RISK_MARKS
from layers.html import mark_for, mark_svg
from layers.layer import ROLES, Categories, Steps, Table
from layers.render import map_layers, map_style

IDS = sorted(LAYERS)


@pytest.mark.parametrize("layer_id", IDS)
def test_layer_is_whole(layer_id: str) -> None:
    layer = LAYERS[layer_id]
    assert layer.id == layer_id
    assert layer.title.zh != layer.title.en
    names = [f.name for f in layer.fields]
    assert len(names) == len(set(names)) > 0
    assert layer.label_field in names
    if isinstance(layer.style, Categories | Steps):
        assert layer.style.field in names
    assert layer.roles <= frozenset(ROLES)
    if isinstance(layer.source, Table):
        assert layer.source.name in {k.table for k in KINDS.values()} | {"street"}


@pytest.mark.parametrize("layer_id", IDS)
def test_map_layers_have_unique_ids_and_a_source(layer_id: str) -> None:
    specs = map_layers(LAYERS[layer_id])
    assert specs
    assert len({s["id"] for s in specs}) == len(specs)
    assert {s["source"] for s in specs} == {"base" if LAYERS[layer_id].tiled else layer_id}


def test_style_is_json_and_knows_every_source_it_uses() -> None:
    style = json.loads(json.dumps(map_style(LAYERS.values())))
    used = {layer["source"] for layer in style["layers"] if "source" in layer}
    assert used == set(style["sources"])
    assert len({layer["id"] for layer in style["layers"]}) == len(style["layers"])
    assert "glyphs" not in style
    assert set(style["metadata"]["urls"]) == used - {"base"}


def test_areas_are_drawn_below_lines_below_points() -> None:
    order = [
        LAYERS[layer["metadata"]["layer"]].geometry
        for layer in map_style(LAYERS.values())["layers"]
        if "metadata" in layer and not layer["id"].endswith("-label")
    ]
    assert order == sorted(order, key=["polygon", "line", "point"].index)


def test_risk_levels_differ_in_colour_and_in_shape() -> None:
    assert len({m.color for m in RISK_MARKS.values()}) == 4
    assert len({m.shape for m in RISK_MARKS.values()}) == 4


@pytest.mark.parametrize(
    ("value", "position"), [(900.0, 0), (900.1, 1), (1800.0, 1), (3600.0, 3), (3600.1, 4), (None, 4)]
)
def test_steps_include_their_upper_bound(value: float | None, position: int) -> None:
    layer = LAYERS["response_time"]
    assert mark_for(layer, {"limit_s": value}) is layer.marks()[position]


@pytest.mark.parametrize("layer_id", IDS)
def test_every_mark_is_a_wellformed_picture(layer_id: str) -> None:
    from xml.etree import ElementTree

    for mark in LAYERS[layer_id].marks():
        assert ElementTree.fromstring(mark_svg(mark)).tag == "svg"
