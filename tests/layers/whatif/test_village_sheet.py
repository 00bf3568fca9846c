"""The page that hangs in the village says what the plan says, on one page with its fonts, scale and code."""

import re
from pathlib import Path
from typing import Any

import geopandas as gpd
import pypdfium2
import pytest
import zxingcpp

from geo.errors import InputError, NotFound, Unavailable
from layers.district import District
from layers.fonts import SheetFonts
from layers.whatif import village_sheet
from layers.whatif.evacuation import Asked, evacuate
from layers.whatif.saved import Record, Result, save
from layers.whatif.village_plans import (
    evacuation_lines,
    minutes_up,
    plan_of,
    step_text,
    village_plan,
    village_plans,
)
from layers.whatif.village_sheet import village_sheets
from tests.layers.conftest import NOW, STAMP, area, point


@pytest.fixture
def kept(own_town: District) -> tuple[District, Record, Result]:
    """A town whose two villages leave to three shelters."""
    with own_town.store.writing() as conn:
        own_town.store.upsert(
            conn,
            "shelter",
            gpd.GeoDataFrame(
                {
                    "id": ["s2", "s3"],
                    "name": ["东场", "北校"],
                    "class": ["emergency", "short"],
                    "capacity": [1500, 900],
                    "contact": ["老王", None],
                    "phone": ["0513-7", None],
                },
                geometry=[point(4.0, 0.4), point(4.6, 2.9)],
                crs=4326,
            ),
            **STAMP,
        )
    found = evacuate(own_town.view(), Asked(zone=str(area(3.8, 1.2, 4.3, 1.9).wkt), who="all"), at=NOW, name="演练")
    save(own_town, found, made_utc=NOW, made_by="试")
    return own_town, *plan_of(own_town, "演练")


def pages(pdf: bytes) -> list[str]:
    """The text of each page, without blanks and line breaks."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        return [re.sub(r"\s", "", page.get_textpage().get_text_range()) for page in document]
    finally:
        document.close()


def squeezed(words: Any) -> str:
    return re.sub(r"\s", "", str(words))


def sheet(kept: tuple[District, Record, Result], fonts: SheetFonts, **asked: Any) -> bytes:
    district, record, result = kept
    return village_sheets(district, record, result, fonts=fonts, **{"made": district.now(), **asked})


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_what_is_printed_is_what_the_plan_says(
    kept: tuple[District, Record, Result], fonts: SheetFonts, lang: Any
) -> None:
    plan = village_plan(*kept[1:], "v2")
    (text,) = pages(sheet(kept, fonts, village_id="v2", lang=lang))
    assert squeezed(plan["village"]) in text
    assert f"{plan['persons']:,}" in text
    for way in plan["ways"]:
        assert squeezed(way["shelter"]) in text
        assert f"{way['persons']:,}" in text
        assert str(way["minutes"]) in text
        assert f"{way['road_m'] + way['legs_m']:,.0f}" in text
        for step in way["steps"]:
            assert squeezed(step[f"text_{lang}"]) in text
    assert len(plan["ways"]) >= 2
    assert "老王0513-7" in text
    assert squeezed(plan["contact"]) in text
    assert "2026-07-01" in text
    assert squeezed("演练") in text
    assert squeezed("2000国家大地坐标系" if lang == "zh" else "CGCS2000") in text
    assert re.search(r"1:[\d,]+", text)
    assert ("北" if lang == "zh" else "N") in text
    assert squeezed("无审图号" if lang == "zh" else "no map number") in text


def test_a_map_number_makes_it_fit_for_the_public(kept: tuple[District, Record, Result], fonts: SheetFonts) -> None:
    (text,) = pages(sheet(kept, fonts, village_id="v2", map_number="苏F(2026)7号"))
    assert "审图号:苏F(2026)7号" in text
    assert "内部资料" not in text


def test_all_villages_have_a_page_each_in_the_order_of_the_list(
    kept: tuple[District, Record, Result], fonts: SheetFonts
) -> None:
    plans = village_plans(*kept[1:])
    texts = pages(sheet(kept, fonts))
    assert len(texts) == len(plans) == 3
    for plan, text in zip(plans, texts, strict=True):
        assert text.startswith(squeezed(f"小镇{plan['village']}避险地图"))
    east = village_plans(*kept[1:], street="东街道")
    assert len(pages(sheet(kept, fonts, street="东街道"))) == len(east) == 2


def test_who_has_no_place_is_told_so(kept: tuple[District, Record, Result], fonts: SheetFonts) -> None:
    plan = village_plan(*kept[1:], "v3")
    (text,) = pages(sheet(kept, fonts, village_id="v3"))
    assert (plan["ways"], plan["missing"], plan["minutes"]) == ([], 30, None)
    assert "30人(没有道路可达)" in text
    assert "没有可安排的避难场所:没有道路可达" in text


def test_the_code_says_where_to_go_and_whom_to_ring(kept: tuple[District, Record, Result], fonts: SheetFonts) -> None:
    document = pypdfium2.PdfDocument(sheet(kept, fonts, village_id="v2"))
    image = document[0].render(scale=4).to_pil()
    document.close()
    (code,) = [found.text for found in zxingcpp.read_barcodes(image) if found.format == zxingcpp.BarcodeFormat.QRCode]
    plan = village_plan(*kept[1:], "v2")
    assert code.startswith("东村\n")
    for way in plan["ways"]:
        assert f"→ {way['shelter']} {way['phone'] or ''} geo:" in code


def test_fonts_are_embedded_and_the_same_moment_gives_the_same_bytes(
    kept: tuple[District, Record, Result], fonts: SheetFonts
) -> None:
    pdf = sheet(kept, fonts, village_id="v2")
    assert pdf == sheet(kept, fonts, village_id="v2")
    assert len(re.findall(rb"/FontFile2 ", pdf)) >= 2
    with pytest.raises(Unavailable, match=r"none\.ttf"):
        sheet(kept, SheetFonts(Path("none.ttf"), Path("none.ttf")), village_id="v2")


def test_a_long_list_goes_on_behind_the_map(
    kept: tuple[District, Record, Result], fonts: SheetFonts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(village_sheet, "_LEAST_MAP", 190.0)
    first, second = pages(sheet(kept, fonts, village_id="v2"))
    assert "怎么走" not in first
    assert "怎么走" in second
    assert second.startswith("东村避险地图")


def test_what_changed_since_is_said(kept: tuple[District, Record, Result], fonts: SheetFonts) -> None:
    district = kept[0]
    with district.store.writing() as conn:
        district.store.upsert(
            conn,
            "shelter",
            gpd.GeoDataFrame({"id": ["s9"], "name": ["新场"]}, geometry=[point(0.0, 0.0)], crs=4326),
            **STAMP,
        )
    assert "此后数据有改动:shelter" in pages(sheet(kept, fonts, village_id="v2"))[0]


def test_what_is_not_in_the_plan_is_not_found(
    kept: tuple[District, Record, Result], fonts: SheetFonts, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NotFound, match="village 'v9'"):
        sheet(kept, fonts, village_id="v9")
    with pytest.raises(NotFound, match="street '无街道'"):
        sheet(kept, fonts, street="无街道")
    monkeypatch.setattr(village_sheet, "MAX_PAGES", 2)
    with pytest.raises(InputError, match="at most 2"):
        sheet(kept, fonts)


@pytest.mark.parametrize(
    ("seconds", "minutes"),
    [(0.0, 0), (0.1, 1), (60.0, 1), (60.001, 2), (60.0001, 1), (None, None), (float("nan"), None)],
)
def test_minutes_are_rounded_up(seconds: float | None, minutes: int | None) -> None:
    assert minutes_up(seconds) == minutes


def test_steps_are_said_in_both_languages() -> None:
    step = {"name": "濠东路", "distance_m": 120, "turn": "left", "heading": "n"}
    assert step_text(step, "zh") == "左转沿濠东路走 120 米"
    assert step_text(step, "en") == "turn left into 濠东路, 120 m"
    first = {"name": None, "distance_m": 5, "turn": "start", "heading": "sw"}
    assert step_text(first, "zh") == "向西南沿无名路走 5 米"
    assert step_text(first, "en") == "south-west along a road without a name, 5 m"


def test_the_lines_of_the_terminal_have_every_village(kept: tuple[District, Record, Result]) -> None:
    lines = list(evacuation_lines(kept[2]))
    assert (
        "3,000 of 3,030 persons by day have a place, on foot" in lines[0] or "persons by day have a place" in lines[0]
    )
    for row in kept[2].tables["moves"].to_dict("records"):
        assert any(f"{row['village']} -> {row['shelter']}: {row['persons']:,} persons" in line for line in lines)
    assert any(line.startswith("  without a place: 远村, 30 of 30 persons, no_road") for line in lines)
