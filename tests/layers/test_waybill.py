"""The papers of supplies: what stands on them, over how many pages, and the code that a phone reads."""

import io
from pathlib import Path
from typing import Any

import pandas as pd
import pypdfium2
import pytest
import zxingcpp
from reportlab.graphics.barcode.qr import QrCodeWidget

from geo.errors import Conflict, NotFound, Unavailable
from layers import paper, waybill
from layers.actions import supplies
from layers.district import District
from layers.fonts import SheetFonts
from layers.permissions import Actor
from tests.layers.conftest import NOW, STAMP, lonlat

WANG = Actor("wang", "王", "dispatcher")


def pages(content: bytes) -> list[str]:
    """The text of each page of a PDF."""
    document = pypdfium2.PdfDocument(io.BytesIO(content))
    try:
        return [page.get_textpage().get_text_range() for page in document]
    finally:
        document.close()


def reserved(town: District, *, lots: int = 1, **changes: Any) -> dict[str, Any]:
    """A request that takes one unit of each of several lots of d1."""
    if lots > 1:
        from data import ledger

        with town.store.writing() as conn:
            more = pd.DataFrame(
                {
                    "depot_id": "d1",
                    "item_id": "pump",
                    "lot": [f"P-{k:03d}" for k in range(lots)],
                    "quantity": "2",
                    "reserved": "0",
                    "on_hold": "0",
                    "status": "usable",
                    "expires_on": None,
                    "counted_utc": None,
                }
            )
            ledger.apply_lots(conn, more, source="town", now_utc=NOW)
    names = ["A"] if lots == 1 else [f"P-{k:03d}" for k in range(lots)]
    item = "quilt" if lots == 1 else "pump"
    body = {
        "to": list(lonlat(5.0, 1.0)),
        "unit": "东街道办",
        "place": "东村 <b>3 组</b> & 学校",
        "contact": "值班室",
        "phone": "0513-0",
        "needs": [{"item_id": item, "quantity": str(10 * len(names))}],
        "lines": [{"depot_id": "d1", "item_id": item, "lot": name, "quantity": "1.5"} for name in names],
        **changes,
    }
    with town.store.writing() as conn:
        conn.exec_driver_sql("UPDATE item SET unit = 'kg'")  # so that there are parts of it
    return supplies.reserve(town, WANG, body, key="k")


def test_waybill_says_who_what_where(own_town: District, fonts: SheetFonts) -> None:
    made = reserved(own_town)
    order = made["orders"][0]["id"]
    text = "".join(pages(waybill.waybill(own_town, order, fonts=fonts)))
    for part in (
        "应急物资调拨单",
        order,
        made["id"],
        "东街道办",
        "东村 <b>3 组</b> & 学校",
        "西库",
        "棉被",
        "1.5",
        "kg",
    ):
        assert part in text, part
    assert "第 1 页, 共 1 页" in text
    assert "示意数据" not in text, "the town is no demo"
    english = "".join(pages(waybill.waybill(own_town, order, fonts=fonts, lang="en")))
    assert "Waybill of emergency supplies" in english
    assert "Received by" in english


def test_what_is_not_known_stays_empty_for_the_pen(own_town: District, fonts: SheetFonts) -> None:
    made = reserved(own_town)
    order = made["orders"][0]["id"]
    supplies.place(own_town, WANG, made["id"], key="p")
    before = "".join(pages(waybill.waybill(own_town, order, fonts=fonts)))
    assert before.count("1.5") == 1, "ordered, and nothing else yet"
    supplies.issue(own_town, WANG, order, {"driver": "李师傅"}, key="i")
    supplies.depart(own_town, WANG, order, {}, key="d")
    supplies.receive(
        own_town, WANG, order, {"lines": [{"lot_id": "d1/quilt/A", "received": "1", "damaged": "0.5"}]}, key="r"
    )
    after = "".join(pages(waybill.waybill(own_town, order, fonts=fonts)))
    assert after.count("1.5") == 2
    assert "0.5" in after
    assert "李师傅" in after
    assert " km" in after


def test_long_orders_go_on_under_the_same_head(own_town: District, fonts: SheetFonts) -> None:
    made = reserved(own_town, lots=95)
    order = made["orders"][0]["id"]
    found = pages(waybill.waybill(own_town, order, fonts=fonts))
    assert len(found) >= 3
    for number, text in enumerate(found, start=1):
        assert f"第 {number} 页, 共 {len(found)} 页" in text
        assert order in text
    listed = [f"P-{k:03d}" for k in range(95)]
    assert [sum(name in text for text in found) for name in listed] == [1] * 95, "each lot once"
    assert all("批号" in text for text in found if "P-0" in text), "the head of the table on every page"
    assert "收货人 (签字)" in found[-1], "the signatures stand at the end"


def test_same_moment_same_bytes(own_town: District, fonts: SheetFonts) -> None:
    order = reserved(own_town)["orders"][0]["id"]
    one, two = (waybill.waybill(own_town, order, fonts=fonts) for _ in range(2))
    assert one == two
    with pytest.raises(NotFound):
        waybill.waybill(own_town, "DB-none", fonts=fonts)
    with pytest.raises(Unavailable, match="font"):
        waybill.waybill(own_town, order, fonts=SheetFonts(Path("none.ttf"), Path("none.ttf")))


def test_code_is_the_number_of_the_order() -> None:
    number = "DB-20260701-001-1"
    drawn = paper.qr(number, 80.0)
    widget = drawn.contents[0]
    assert isinstance(widget, QrCodeWidget)
    assert widget.value == number
    assert widget.barBorder == 4, "the quiet zone that the standard asks for"
    left, bottom, right, top = widget.getBounds()
    assert (right - left) * drawn.transform[0] == pytest.approx(80.0)
    assert (top - bottom) * drawn.transform[3] == pytest.approx(80.0)


def test_code_is_read_back_by_a_decoder(own_town: District, fonts: SheetFonts) -> None:
    order = reserved(own_town)["orders"][0]["id"]
    document = pypdfium2.PdfDocument(io.BytesIO(waybill.waybill(own_town, order, fonts=fonts)))
    page = document[0].render(scale=100 / 72).to_pil()
    document.close()
    assert [found.text for found in zxingcpp.read_barcodes(page)] == [order], "100 dots per inch are enough"


def test_count_sheet_is_blind(own_town: District, fonts: SheetFonts) -> None:
    text = "".join(pages(waybill.count_sheet(own_town, "d1", fonts=fonts)))
    assert "盘点表" in text
    assert "棉被" in text
    assert "100" not in text, "what should be there is not on it"
    assert "70" not in text
    with own_town.store.writing() as conn:
        own_town.store.upsert(
            conn, "depot", pd.DataFrame({"id": ["d9"], "name": ["空库"], "level": ["street"]}), **STAMP
        )
    with pytest.raises(Conflict, match="holds nothing"):
        waybill.count_sheet(own_town, "d9", fonts=fonts)


def test_upward_request_asks_for_what_is_lacking(own_town: District, fonts: SheetFonts) -> None:
    made = reserved(own_town)
    text = "".join(pages(waybill.upward_request(own_town, made["id"], fonts=fonts)))
    assert "物资支援请求" in text
    assert "市级应急指挥机构" in text
    assert "8.5" in text, "10 less 1.5"
    with own_town.store.reading() as conn:
        draft = waybill.upward_draft(conn, made["id"])
    copied = waybill.upward_text(draft, own_town, "zh")
    assert "1. 棉被 8.5 kg" in copied
    assert "接收单位：东街道办" in copied
    assert waybill.upward_text({**draft, "lines": []}, own_town, "zh") == ""
    whole = {"needs": [{"item_id": "quilt", "quantity": "1.5"}]}
    own = supplies.reserve(
        own_town,
        WANG,
        {
            "to": list(lonlat(5.0, 1.0)),
            "unit": "甲",
            "place": "乙",
            "contact": "丙",
            "lines": [{"depot_id": "d2", "item_id": "quilt", "lot": "A", "quantity": "1.5"}],
            **whole,
        },
        key="k2",
    )
    with pytest.raises(Conflict, match="nothing to ask for"):
        waybill.upward_request(own_town, own["id"], fonts=fonts)
