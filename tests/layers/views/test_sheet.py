"""A view on paper says what the API says: every layer, class and count; and it is a map with all that one needs."""

import re
from datetime import date
from typing import Any

import numpy as np
import pypdfium2
import pytest

from geo.crs import to_metric
from geo.errors import InputError
from layers.catalogue import LAYERS as ALL
from layers.district import District
from layers.fonts import SheetFonts
from layers.sheet import PAPERS_MM, SheetText, fitting_scale, plan_sheets
from layers.views.map_view import MapView, read_map_view
from layers.views.sheet import view_sheet
from layers.views.shown import answer
from tests.layers.conftest import DEMO_NOW

DAY = date(2026, 11, 2)
LAYERS: list[dict[str, Any]] = [
    {"id": "hospitals"},
    {"id": "shelters", "opacity": 0.6},
    {
        "id": "enterprises",
        "filters": [{"field": "risk_level", "values": ["major", "considerable"]}],
        "style": {"field": "workers_on_shift", "method": "natural", "classes": 4},
    },
    {"id": "streets", "style": {"field": "persons", "method": "quantile", "classes": 3}},
]
RING = [[120.85, 32.0], [120.87, 32.0], [120.87, 32.01], [120.85, 32.0]]
DRAWN = [
    {"label": "集结点", "geometry": {"type": "Point", "coordinates": [120.86, 32.01]}},
    {"label": "警戒区", "geometry": {"type": "Polygon", "coordinates": [RING]}},
]


def view_of(demo: District, layers: list[dict[str, Any]], **more: Any) -> MapView:
    document = {"layers": layers, "at": DEMO_NOW.isoformat(), **more}
    return read_map_view(document, role="planner", timezone=demo.timezone)


def made(demo: District, fonts: SheetFonts, view: MapView, **knobs: Any) -> Any:
    return view_sheet(
        demo,
        view,
        fonts=fonts,
        made_on=DAY,
        role="planner",
        **{"text": SheetText(map_number="苏F(2026)001号"), **knobs},
    )


def pages(pdf: bytes) -> list[str]:
    document = pypdfium2.PdfDocument(pdf)
    found = [page.get_textpage().get_text_bounded() for page in document]
    document.close()
    return found


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


@pytest.mark.parametrize("paper", ["A3", "A4"])
def test_the_legend_on_paper_is_the_answer_of_the_api(demo: District, fonts: SheetFonts, paper: str) -> None:
    view = view_of(demo, LAYERS, drawing=DRAWN)
    sheet = made(demo, fonts, view, paper=paper)
    text = squeezed("".join(pages(sheet.pdf)))
    told = answer(demo, view, role="planner", lang="zh")
    assert [one["id"] for one in told] == [one["id"] for one in LAYERS]
    lines = 0
    place = text.index("图例")
    for one in told:
        title = squeezed(one["title"])
        assert f"{title}{one['matched']:,}" in text
        place = text.index(f"{title}{one['matched']:,}", place)
        for mark in one["legend"]:
            if mark["count"]:
                lines += 1
                place = text.index(squeezed(f"{mark['label']}{mark['count']:,}"), place)
        assert sum(mark["count"] for mark in one["legend"]) == one["matched"]
    assert lines > 10
    for part in ("崇川区(示意)医院图", "北", "比例尺", "苏F(2026)001号", "2026-11-02", "资料来源", "集结点", "警戒区"):
        assert squeezed(part) in text, part
    assert "图上情形:2026-11-0212:00" in text, "the moment that was chosen, by the district's clock"
    assert "风险等级=重大、较大" in text
    assert "自然断点(Jenks)" in text
    assert f"1:{sheet.plan.scale:,}" in text


def test_the_paper_is_the_paper_and_the_extent_is_on_it(demo: District, fonts: SheetFonts) -> None:
    bounds = (120.84, 31.98, 120.88, 32.02)
    sheet = made(demo, fonts, view_of(demo, LAYERS[:1], bounds=list(bounds)), paper="A4")
    document = pypdfium2.PdfDocument(sheet.pdf)
    size = tuple(sorted(round(v / 72 * 25.4) for v in document[0].get_size()))
    document.close()
    assert size == PAPERS_MM["A4"]
    (frame,) = sheet.plan.frames
    west, south, east, north = frame.bounds
    for x, y in to_metric([bounds[:2], bounds[2:]], epsg=demo.epsg):
        assert west < x < east
        assert south < y < north


def test_the_scale_is_the_largest_usual_one_that_holds_the_extent(demo: District) -> None:
    found = fitting_scale((0.0, 0.0, 10_000.0, 10_000.0), paper="A3")
    assert len(plan_sheets((0.0, 0.0, 10_000.0, 10_000.0), paper="A3", scale=found).frames) == 1
    assert len(plan_sheets((0.0, 0.0, 10_000.0, 10_000.0), paper="A3", scale=found * 4 // 5).frames) > 1
    assert fitting_scale((0.0, 0.0, 1.0, 1.0), paper="A3") == 1000
    with pytest.raises(InputError, match="zoom in"):
        fitting_scale((0.0, 0.0, 1e6, 1e6), paper="A3")


def test_a_legend_without_room_goes_on_overleaf_and_loses_nothing(demo: District, fonts: SheetFonts) -> None:
    ids = [key for key, layer in ALL.items() if layer.geometry == "point" and "planner" in layer.roles]
    view = view_of(demo, [{"id": key} for key in ids])
    sheet = made(demo, fonts, view, paper="A4")
    found = pages(sheet.pdf)
    assert len(found) > 1
    assert "图例续下页" in squeezed(found[0])
    text = squeezed("".join(found))
    for one in answer(demo, view, role="planner", lang="zh"):
        assert f"{squeezed(one['title'])}{one['matched']:,}" in text
        for mark in one["legend"]:
            assert not mark["count"] or squeezed(f"{mark['label']}{mark['count']:,}") in text


def test_fonts_are_embedded_and_english_is_english(demo: District, fonts: SheetFonts) -> None:
    pdf = made(demo, fonts, view_of(demo, LAYERS), lang="en").pdf
    assert pdf.count(b"/FontFile2") >= 2
    text = squeezed(pages(pdf)[0])
    for part in ("Legend", "Scale", "Mapapprovalnumber", "naturalbreaks(Jenks)", "risklevel="):
        assert part in text, part


@pytest.mark.parametrize(
    "layer",
    [
        {"id": "villages", "style": {"field": "persons", "method": "quantile"}},
        {"id": "hospitals"},
        {"id": "evacuation_routes"},
    ],
)
def test_a_layer_is_as_faint_on_paper_as_on_the_screen(
    demo: District, fonts: SheetFonts, layer: dict[str, Any]
) -> None:
    """Half as opaque is half way between not there and there; what lies beside it stays as it is."""

    def picture(opacity: float) -> Any:
        pdf = pypdfium2.PdfDocument(made(demo, fonts, view_of(demo, [{**layer, "opacity": opacity}])).pdf)
        found = pdf[0].render(scale=1.0).to_numpy().astype(float)
        pdf.close()
        return found[:, : found.shape[1] * 4 // 5]  # without the legend

    none, half, whole = picture(0.0), picture(0.5), picture(1.0)
    step = np.abs(whole - none).max(axis=2)
    there = step > 60
    assert there.sum() > 50
    share = ((half - none) * (whole - none)).sum(axis=2)[there] / ((whole - none) ** 2).sum(axis=2)[there]
    assert np.median(share) == pytest.approx(0.5, abs=0.05)
    assert (half[step == 0] == none[step == 0]).all()


def test_refusals(demo: District, fonts: SheetFonts) -> None:
    with pytest.raises(InputError, match="without layers has nothing to print"):
        made(demo, fonts, view_of(demo, []))
    with pytest.raises(InputError, match="paper=A5: expected A3 or A4"):
        made(demo, fonts, view_of(demo, LAYERS[:1]), paper="A5")
    with pytest.raises(InputError, match="bounds"):
        made(demo, fonts, view_of(demo, LAYERS[:1], bounds=[100, 20, 130, 50]))
