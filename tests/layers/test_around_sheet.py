"""The printed sheet of what lies around an incident says what the answer says."""

import re
from typing import Any

import pypdfium2
import pytest
import shapely

from geo.errors import InputError
from layers import analyses
from layers.around_sheet import MAX_ROWS, _Map, around_sheet
from layers.district import District
from layers.fonts import SheetFonts
from layers.layer import Lang, Role
from tests.layers.conftest import DEMO_NOW, NOW, lonlat

SPOT = (120.866, 32.01)


def pages(content: bytes) -> list[str]:
    document = pypdfium2.PdfDocument(content)
    try:
        return [page.get_textpage().get_text_range() for page in document]
    finally:
        document.close()


def printed(district: District, fonts: SheetFonts, **question: Any) -> str:
    return re.sub(r"\s+", "", "".join(pages(around_sheet(district, fonts=fonts, **question))))


@pytest.mark.parametrize("bound", [{"radius_m": 1500.0}, {"minutes": 5.0}], ids=str)
def test_every_number_is_that_of_the_answer(demo: District, fonts: SheetFonts, bound: dict[str, float]) -> None:
    question: dict[str, Any] = {"lonlat": SPOT, "at": DEMO_NOW, **bound}
    found = analyses.around(demo, **question, role="dispatcher")
    words = printed(demo, fonts, **question, role="dispatcher")
    parts = found["summary"]
    assert "周边分析" in words
    assert ("半径1,500m" if "radius_m" in bound else "行车5分钟以内") in words
    assert f"{parts['persons']['resident']:,}人" in words
    assert f"{parts['persons']['day']:,}人" in words
    for level, name in (("general", "一般"), ("low", "低")):
        assert f"{name}{parts['enterprises']['by_level'][level]}" in words
    assert f"{parts['shelters']['count']}处,可用{parts['shelters']['serving']}处" in words
    assert f"{parts['teams']['count']}支,此刻在岗{parts['teams']['on_duty']}支" in words
    assert f"床位{parts['hospitals']['beds']:,}张" in words
    for row in parts["roads"]["by_class"]:
        assert f"{row['length_m'] / 1000:.1f}km" in words
    for row in parts["enterprises"]["substances"]:
        assert f"{row['name']}{row['quantity_t']:,.10g}t" in words
    for row in parts["depots"]["items"]:
        assert re.sub(r"\s+", "", f"{row['name']}{row['available']:,}{row['unit']}") in words
    for part in ("比例尺1:", "km", "北", "来源:demo", "2000国家大地坐标系", "未经审图", "2026-11-02"):
        assert part in words
    for kind in ("enterprises", "shelters", "teams"):
        rows = [row for row in found["facilities"] if row["kind"] == kind]
        assert rows
        for row in rows[:MAX_ROWS]:
            assert row["name"] in words
            assert f"{row['distance_m']:,.0f}" in words
            assert row["attributes"]["phone"] in words
        if len(rows) > MAX_ROWS:
            assert f"另有{len(rows) - MAX_ROWS}处未列" in words


def test_contacts_stand_on_it_for_staff_only(town: District, fonts: SheetFonts) -> None:
    question: dict[str, Any] = {"lonlat": lonlat(4.5, 2.0), "radius_m": 500.0, "at": NOW}
    roles: tuple[Role, ...] = ("viewer", "dispatcher")
    told = {role: printed(town, fonts, **question, role=role) for role in roles}
    assert "联系人电话" in told["dispatcher"]
    assert "联系人电话" not in told["viewer"]
    for words in told.values():
        assert "<script>alert(1)</script>厂" in words, "a name is text, never markup"


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_same_question_at_one_moment_gives_the_same_bytes(town: District, fonts: SheetFonts, lang: Lang) -> None:
    question: dict[str, Any] = {"lonlat": lonlat(1, 1), "minutes": 3.0, "at": NOW, "fonts": fonts, "lang": lang}
    first = around_sheet(town, **question)
    assert first == around_sheet(town, **question)
    assert b"/FontFile2" in first, "the font is inside"
    titled = around_sheet(town, **question, title="暴雨夜")
    assert "暴雨夜" in pages(titled)[0]


def test_the_map_is_to_scale_and_holds_the_area(town: District) -> None:
    for radius_m in (1.0, 450.0, 3000.0, 80_000.0):
        found = analyses.around(town, lonlat=lonlat(1, 1), radius_m=radius_m, at=NOW)
        area = analyses.around_area(town, lonlat=lonlat(1, 1), radius_m=radius_m, at=NOW)["geometry"]
        drawn = _Map(None, town, found, area, "zh")
        assert shapely.contains(drawn.window, drawn.area)
        min_x, min_y, max_x, max_y = drawn.window.bounds
        assert (max_x - min_x) / drawn.scale * 1000 == pytest.approx(drawn.wide)
        assert (max_y - min_y) / drawn.scale * 1000 == pytest.approx(drawn.tall)
        assert drawn._at(drawn.here)[0].tolist() == pytest.approx([drawn.wide / 2, 6 + drawn.tall / 2], abs=0.1)


def test_nothing_around_is_said_too(town: District, fonts: SheetFonts) -> None:
    words = printed(town, fonts, lonlat=lonlat(10, 1), minutes=5.0, at=NOW)
    assert "夜间常住人口0人" in words
    assert "没有" in words
    with pytest.raises(InputError, match="exactly one"):
        around_sheet(town, lonlat=lonlat(1, 1), fonts=fonts)
