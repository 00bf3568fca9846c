"""One entry in the catalogue: the layer is in list, legend, popup, style, filter, classes, print and atlas."""

import json
import re
from datetime import date
from typing import Any

import pypdfium2
import pytest

from layers import analyses, html, query, render
from layers.catalogue import LAYERS
from layers.district import District
from layers.fonts import SheetFonts
from layers.layer import Categories, Computed, Field, Layer, Mark, Text
from layers.sheet import SheetText
from layers.views.map_view import read_map_view
from layers.views.sheet import view_sheet
from layers.views.shown import answer
from tests.layers.conftest import NOW

ADDED = Layer(
    "water_points",
    Text("取水点", "Water points"),
    Text("新增", "Added"),
    "point",
    Computed("water_points"),
    (
        Field("id", Text("编号", "id")),
        Field("name", Text("名称", "name")),
        Field("kind", Text("种类", "kind"), "choice", "", {"hydrant": Text("消火栓", "hydrant")}),
        Field("flow_l_s", Text("流量", "flow"), "number", "L/s"),
    ),
    Categories(
        "kind",
        {"hydrant": Mark(Text("消火栓", "hydrant"), "#005f73", "pentagon", 12.0)},
        Mark(Text("其他水源", "other source"), "#94d2bd", "circle", 10.0),
    ),
    Text("测试", "test"),
)


@pytest.fixture
def added(town: District, monkeypatch: pytest.MonkeyPatch) -> Layer:
    """The layer, declared; its rows stand where the teams of the town do."""

    def water_points(view: Any, *, at: Any) -> Any:
        frame = view.frame("team")[["id", "geometry"]].copy()
        frame["name"] = [f"<b>{k}</b>号" for k in range(len(frame))]
        frame["kind"] = ["hydrant"] * (len(frame) - 1) + [None]
        frame["flow_l_s"] = [10.0 * (k + 1) for k in range(len(frame))]
        return frame

    monkeypatch.setitem(LAYERS, ADDED.id, ADDED)
    monkeypatch.setitem(analyses.LAYER_FUNCTIONS, "water_points", water_points)
    return ADDED


def test_it_is_everywhere(added: Layer, town: District, fonts: SheetFonts) -> None:
    result = query.read(town, added.id, role="viewer", at=NOW)
    about = render.describe(result)
    assert (about["title"], about["count"]) == ("取水点", 3)
    assert [mark["label"] for mark in about["legend"]] == ["消火栓", "其他水源"]
    specs = [s for s in render.map_style(query.permitted("viewer").values())["layers"] if s["id"].startswith(added.id)]
    assert [s["metadata"]["layer"] for s in specs] == [added.id]
    assert json.loads(render.geojson(result))["features"][0]["properties"]["flow_l_s"] == 10
    record = result.frame.drop(columns="geometry").to_dict("records")[0]
    assert "&lt;b&gt;0&lt;/b&gt;号" in html.popup_html(added, record, "viewer", "zh")

    document = {
        "layers": [
            {
                "id": added.id,
                "filters": [{"field": "kind", "values": ["hydrant"]}],
                "style": {"field": "flow_l_s", "method": "equal", "classes": 2},
            }
        ]
    }
    view = read_map_view(document, role="viewer", timezone=town.timezone)
    (shown,) = answer(town, view, role="viewer", lang="zh")
    assert [f["name"] for f in shown["fields"]] == ["id", "name", "kind", "flow_l_s"]
    assert shown["breaks"]["lower"] == [20.0]
    assert [(m["label"], m["count"]) for m in shown["legend"]] == [("< 20 L/s", 1), ("≥ 20 L/s", 1), ("无数据", 0)]

    sheet = view_sheet(town, view, fonts=fonts, made_on=date(2026, 7, 1), text=SheetText())
    document_of = pypdfium2.PdfDocument(sheet.pdf)
    text = document_of[0].get_textpage().get_text_bounded()
    document_of.close()
    for part in ("取水点", "≥ 20 L/s", "种类 = 消火栓"):
        assert part in text, part

    page = html.atlas(town, leaflet=html.LeafletFiles("", "", {}), role="viewer", at=NOW, layer_ids=[added.id])
    told = re.sub(r"\\u([0-9a-f]{4})", lambda found: chr(int(found[1], 16)), page)
    for part in ("取水点 (3)", "消火栓", "10 L/s", "&lt;b&gt;0&lt;/b&gt;号"):
        assert part in told, part
