"""Map sheets: exact scale, embedded fonts, everything on the paper, nothing cropped, the same bytes again."""

import io
import re
from datetime import date
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pypdfium2
import pytest
import shapely

from data.importers import import_frame
from data.store import Store
from geo.errors import InputError, NotFound, Unavailable
from layers.district import District
from layers.fonts import SheetFonts
from layers.sheet import PAPERS_MM, SheetText, plan_sheets, sheet
from layers.zoning.result import ZoningRun
from tests.layers.conftest import DEMO_NOW

FONTS_AT = Path(__file__).resolve().parents[2] / "web" / "static" / "vendor" / "fonts"
FONTS = SheetFonts(FONTS_AT / "NotoSansSC-Regular.ttf", FONTS_AT / "NotoSansSC-Bold.ttf")
DAY = date(2026, 11, 2)


def made(demo: District, layer: str = "streets", **knobs: Any) -> Any:
    return sheet(demo, layer, fonts=FONTS, made_on=DAY, **knobs)


def words(pdf: bytes, page: int = 0) -> str:
    document = pypdfium2.PdfDocument(pdf)
    text = document[page].get_textpage().get_text_bounded()
    document.close()
    return text.replace("\r\n", "").replace("\n", "")


def test_everything_stands_on_the_sheet(demo: District) -> None:
    text = words(made(demo, text=SheetText(map_number="苏F(2026)001号", public=True, maker="应急管理局")).pdf)
    for part in (
        "崇川区(示意)街道(园区)图",
        "图例",
        "1:100,000",
        "北",
        "EPSG:4549",
        "苏F(2026)001号",
        "2026-11-02",
        "应急管理局",
        "制图",
        "审核",
        "批准",
        "示意数据",
        "城东街道",
        "位置示意",
    ):
        assert part in text, part
    assert "内部资料" not in text
    assert "内部资料" in words(made(demo).pdf)


def test_a_public_sheet_needs_its_number(demo: District) -> None:
    with pytest.raises(InputError, match="审图号"):
        made(demo, text=SheetText(public=True, map_number="  "))


@pytest.mark.parametrize(("paper", "scale"), [("A3", 100_000), ("A1", 50_000), ("A4", 250_000), ("A3", 50_000)])
def test_paper_and_scale_are_exact(demo: District, paper: str, scale: int) -> None:
    found = made(demo, paper=paper, scale=scale)
    document = pypdfium2.PdfDocument(found.pdf)
    sizes = {tuple(round(v / 72 * 25.4) for v in page.get_size()) for page in document}
    assert {tuple(sorted(size)) for size in sizes} == {PAPERS_MM[paper]}
    assert len(document) == len(found.plan.frames)
    document.close()
    frame = found.plan.frames[0]
    x, y = frame.bounds[0] + 1000.0, frame.bounds[1] + 2000.0
    there = found.plan.to_page_mm(frame, [(x, y), (x + 3000.0, y + 4000.0)])
    assert np.hypot(*(there[1] - there[0])) == pytest.approx(5000.0 * 1000 / scale)


def test_the_district_is_where_the_scale_says(demo: District) -> None:
    """The white land and the outside meet at the outline, to half a millimetre on paper."""
    found = made(demo, "closures")
    image = _picture(found.png(dpi=100))
    plan = found.plan
    land = shapely.union_all([s for _, s in _streets(demo)])
    for point, inside in (
        (shapely.point_on_surface(land), True),
        (shapely.Point(land.bounds[0] + 300, land.bounds[3] - 300), False),
    ):
        assert shapely.contains(land, point) is np.bool_(inside)
        x, y = plan.to_page_mm(plan.frames[0], [(point.x, point.y)])[0]
        patch = image[
            image.shape[0] - int((y + 3) / 25.4 * 100) : image.shape[0] - int((y - 3) / 25.4 * 100),
            int((x - 3) / 25.4 * 100) : int((x + 3) / 25.4 * 100),
        ].reshape(-1, 3)
        assert ((patch == 255).all(axis=1).mean() > 0.5) == inside


def _streets(demo: District) -> list[tuple[str, Any]]:
    from layers.district import metric_geometries

    frame = demo.view().frame("street")
    return list(zip(frame["name"], metric_geometries(frame, 4549), strict=True))


def _picture(png: bytes) -> Any:
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def test_fonts_are_embedded_in_part(demo: District) -> None:
    pdf = made(demo).pdf
    assert len(pdf) < 2_000_000 < FONTS.regular.stat().st_size
    names = set(re.findall(rb"/BaseFont /([A-Za-z0-9+\-]+)", pdf))
    assert any(b"+NotoSansSC" in name for name in names)
    assert pdf.count(b"/FontFile2") >= 2


def test_a_missing_font_is_said(demo: District, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="scripts/run"):
        sheet(demo, "streets", fonts=SheetFonts(tmp_path / "x.ttf", FONTS.bold), made_on=DAY)


def test_the_same_input_gives_the_same_bytes(demo: District) -> None:
    assert made(demo).pdf == made(demo).pdf


def test_sheets_cover_the_district_without_a_gap(demo: District) -> None:
    found = made(demo, paper="A4", scale=50_000)
    frames = found.plan.frames
    assert len(frames) > 4
    union = shapely.union_all([shapely.box(*frame.bounds) for frame in frames])
    assert all(shapely.covers(union, shape) for _, shape in _streets(demo))
    assert sum(shapely.box(*frame.bounds).area for frame in frames) == pytest.approx(union.area)
    for number in (1, len(frames)):
        text = words(found.pdf, number - 1)
        assert f"第 {number} 幅 / 共 {len(frames)} 幅" in text
        assert "接图表" in text
    assert found.png(2, dpi=40)[:4] == b"\x89PNG"
    with pytest.raises(InputError, match="sheets"):
        found.png(len(frames) + 1)


def test_one_sheet_is_refused_where_it_does_not_fit(demo: District) -> None:
    with pytest.raises(InputError, match=r"A1 at 1:50,000 or A3 at 1:100,000"):
        made(demo, paper="A3", scale=50_000, single=True)
    assert len(made(demo, paper="A3", scale=100_000, single=True).plan.frames) == 1


@pytest.mark.parametrize(
    ("paper", "scale", "words_"),
    [("A7", 50_000, "paper=A7"), ("A3", 0, "scale=0"), ("A3", 2_000_000, "scale"), ("A4", 1_000, "sheets")],
)
def test_impossible_papers_and_scales_are_named(demo: District, paper: str, scale: int, words_: str) -> None:
    with pytest.raises(InputError, match=words_):
        made(demo, paper=paper, scale=scale)


def test_unknown_layers_and_empty_districts(demo: District, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        made(demo, "nothing")
    with Store.create(str(tmp_path / "b.gpkg"), name="空", epsg=4549) as store:
        box = gpd.GeoDataFrame({"name": ["x"]}, geometry=[shapely.box(120.8, 32.0, 120.9, 32.1)], crs=4326)
        import_frame(store, "boundary", box, source="t", source_datum="WGS 84", now_utc=DEMO_NOW)
        with pytest.raises(NotFound, match="nothing to print"):
            made(District(store), "zoning_natural")
    empty = District(Store.create(str(tmp_path / "e.gpkg"), name="空", epsg=4549))
    with pytest.raises(NotFound, match="extent"):
        made(empty)


@pytest.mark.parametrize(
    "layer", ["response_time", "enterprises", "closures", "zoning_natural", "hazard_areas", "roads"]
)
def test_every_kind_of_layer_is_drawn(demo: District, natural: ZoningRun, layer: str) -> None:
    image = _picture(made(demo, layer, text=SheetText(title="<b>&很长的图名" * 12)).png(dpi=40))
    assert len(np.unique(image.reshape(-1, 3), axis=0)) > 20


def test_a_plan_is_centred_and_no_larger_than_needed() -> None:
    plan = plan_sheets((0.0, 0.0, 10_000.0, 5_000.0), paper="A3", scale=50_000)
    assert len(plan.frames) == 1
    min_x, min_y, max_x, max_y = plan.frames[0].bounds
    assert ((min_x + max_x) / 2, (min_y + max_y) / 2) == pytest.approx((5_000.0, 2_500.0))


def test_classes_are_printed_in_the_official_colours(demo: District, natural: ZoningRun) -> None:
    """The colour on paper is the colour of the table, not a lighter one of the screen."""
    image = _picture(made(demo, f"zoning_{natural.scheme.id}").png(dpi=60)).reshape(-1, 3)
    for rgb in ((177, 9, 9), (221, 83, 30), (236, 152, 0), (254, 217, 99), (151, 232, 173)):
        assert (image == rgb).all(axis=1).sum() > 20, rgb


def test_only_embedded_fonts_are_named(demo: District) -> None:
    names = set(re.findall(rb"/BaseFont /([A-Za-z0-9+\-]+)", made(demo).pdf))
    assert names
    assert [name for name in names if b"+NotoSansSC" not in name] == []


def test_a_sheet_says_its_heights_grid_and_sources(demo: District, natural: ZoningRun) -> None:
    text = words(made(demo, f"zoning_{natural.scheme.id}").pdf)
    for part in (
        "1985国家高程基准",
        "子午线收敛角",
        "中央经线 120°E",
        "图上 1 cm = 实地 1 km",
        "积水点",
        "长  江",
        "水系",
    ):
        assert part.replace(" ", "") in text.replace(" ", ""), part
    assert "人工修正" not in text, "the legend names only hatches that are on the map"


def test_a_sheet_names_the_sheets_that_go_on_beside_it(demo: District) -> None:
    found = made(demo, scale=50_000)
    assert (found.plan.rows, found.plan.cols) == (2, 2)
    first = words(found.pdf).replace(" ", "")
    assert [number for number in range(1, 5) if f"接第{number}幅" in first] == [2, 3]


def test_an_english_sheet_has_no_chinese_but_names(demo: District, natural: ZoningRun) -> None:
    text = words(made(demo, f"zoning_{natural.scheme.id}", lang="en").pdf)
    for part in ("Legend", "Scale 1:100,000", "Location", "high risk", "INTERNAL", "Approved", "Map approval number"):
        assert part in text, part
    for part in ("图例", "比例尺", "批准", "内部资料", "审图号", "资料来源"):
        assert part not in text, part
