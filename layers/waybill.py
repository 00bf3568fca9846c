"""The waybill of an order (调拨单): what a depot hands out and a receiver signs for, on A4, with a QR code."""

import io
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from xml.sax.saxutils import escape

from reportlab.graphics.barcode.qr import QrCodeWidget
from reportlab.graphics.shapes import Drawing
from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Frame, KeepTogether, PageTemplate, Paragraph, Spacer, Table, TableStyle

from data import orders
from data.kinds import ORDER_STATES
from layers.district import District
from layers.fonts import BOLD, REGULAR, SheetFonts, register_fonts
from layers.layer import Lang, Text

_INK, _SOFT, _LINE, _SHADE = HexColor("#1b2430"), HexColor("#56616e"), HexColor("#8a94a0"), HexColor("#eef1f4")
_MARGIN = 15 * mm
_WIDTH = A4[0] - 2 * _MARGIN

_T = {
    "title": Text("应急物资调拨单", "Waybill of emergency supplies"),
    "number": Text("单号", "Number"),
    "request": Text("需求单", "Request"),
    "state": Text("状态", "State"),
    "unit": Text("接收单位", "Receiving unit"),
    "place": Text("送达地点", "Place"),
    "contact": Text("联系人", "Contact"),
    "deadline": Text("要求送达", "Wanted by"),
    "depot": Text("发货仓库", "From depot"),
    "vehicle": Text("车辆/驾驶员", "Vehicle, driver"),
    "departed": Text("发车时间", "Departed"),
    "eta": Text("预计到达", "Expected"),
    "line": Text("序号", "No."),
    "item": Text("物资", "Item"),
    "lot": Text("批号", "Lot"),
    "expires": Text("有效期至", "Expires"),
    "unit_of": Text("单位", "Unit"),
    "ordered": Text("应发", "Ordered"),
    "issued": Text("实发", "Issued"),
    "good": Text("完好", "Good"),
    "damaged": Text("损坏", "Damaged"),
    "missing": Text("缺失", "Missing"),
    "signs": Text("发货人(签字)|复核人(签字)|驾驶员(签字)|收货人(签字)", "Issued by|Checked by|Driver|Received by"),
    "date": Text("日期时间", "Date, time"),
    "demo": Text("示意数据, 不得用于实际调拨", "Demo data, not for use"),
    "drill": Text("演练单据, 不得用于实际调拨", "Drill, not for use"),
    "printed": Text("打印于", "printed"),
    "page": Text("第 {n} 页", "page {n}"),
    "telephone": Text("电话调拨, 手续待补", "Ordered by telephone, papers to follow"),
    "route": Text("路程", "Distance"),
}


def waybill(district: District, order_id: str, *, fonts: SheetFonts, lang: Lang = "zh") -> bytes:
    """One order as a PDF; a long list goes on over several pages under the same head.

    Columns that are not filled yet are left empty for the pen. The same order prints the same bytes at one moment.
    """
    with district.store.reading() as conn:
        order = orders.order_of(conn, order_id)
        request = orders.request_of(conn, order["request_id"])
    register_fonts(fonts)
    into = io.BytesIO()
    made, is_drill = district.now(), district.drill_of_utc is not None
    document = BaseDocTemplate(
        into,
        pagesize=A4,
        title=f"{_T['title'].to(lang)} {order['number']}",
        author=district.name,
        invariant=True,
        leftMargin=_MARGIN,
        rightMargin=_MARGIN,
        topMargin=12 * mm,
        bottomMargin=16 * mm,
    )
    frame = Frame(_MARGIN, 16 * mm, _WIDTH, A4[1] - 28 * mm, 0, 0, 0, 0)

    def foot(canvas: Canvas, doc: Any) -> None:
        canvas.setFont(REGULAR, 7.5)
        canvas.setFillColor(_SOFT)
        canvas.drawString(_MARGIN, 9 * mm, f"{district.name} · {order['number']}")
        right = f"{_T['printed'].to(lang)} {made:%Y-%m-%d %H:%M} · {_T['page'].to(lang).format(n=doc.page)}"
        canvas.drawRightString(A4[0] - _MARGIN, 9 * mm, right)
        marks = [_T[name].to(lang) for name, applies in (("demo", district.demo), ("drill", is_drill)) if applies]
        canvas.setFillColor(HexColor("#b10026"))
        canvas.drawCentredString(A4[0] / 2, 9 * mm, " · ".join(marks))

    document.addPageTemplates([PageTemplate("page", [frame], onPage=foot)])
    document.build(
        [
            _head(district, order, lang),
            Spacer(1, 4 * mm),
            _facts(district, order, request, lang),
            Spacer(1, 4 * mm),
            _lines(order, lang),
            Spacer(1, 6 * mm),
            KeepTogether(_signatures(lang)),
        ]
    )
    return into.getvalue()


def _style(size: float, *, bold: bool = False, right: bool = False, soft: bool = False) -> ParagraphStyle:
    return ParagraphStyle(
        f"s{size}{bold}{right}{soft}",
        fontName=BOLD if bold else REGULAR,
        fontSize=size,
        leading=size * 1.35,
        textColor=_SOFT if soft else _INK,
        alignment=TA_RIGHT if right else 0,
        wordWrap="CJK",
    )


def _text(value: Any, size: float = 9, **how: bool) -> Paragraph:
    return Paragraph(escape("" if value is None else str(value)), _style(size, **how))


def _head(district: District, order: Mapping[str, Any], lang: Lang) -> Table:
    code = QrCodeWidget(order["number"], barLevel="M", barBorder=2)
    left, bottom, right, top = code.getBounds()
    size = 26 * mm
    drawing = Drawing(size, size, transform=[size / (right - left), 0, 0, size / (top - bottom), -left, -bottom])
    drawing.add(code)
    state = next(choice for choice in ORDER_STATES if choice.code == order["state"])
    words = [
        _text(district.name, 10, soft=True),
        _text(_T["title"].to(lang), 19, bold=True),
        Spacer(1, 2 * mm),
        _text(f"{_T['number'].to(lang)} {order['number']}", 11, bold=True),
        _text(f"{_T['state'].to(lang)} {state.zh if lang == 'zh' else state.en}", 9, soft=True),
    ]
    return Table(
        [[words, drawing]],
        colWidths=[_WIDTH - size, size],
        style=TableStyle(
            [
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LEFTPADDING", (0, 0), (-1, -1), 0),
                ("RIGHTPADDING", (0, 0), (-1, -1), 0),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
                ("LINEBELOW", (0, 0), (-1, -1), 1.2, _INK),
            ]
        ),
    )


def _facts(district: District, order: Mapping[str, Any], request: Mapping[str, Any], lang: Lang) -> Table:
    def moment(value: str | None) -> str:
        return "" if not value else f"{datetime.fromisoformat(value).astimezone(district.timezone):%Y-%m-%d %H:%M}"

    def joined(*parts: Any) -> str:
        return "  ".join(str(part) for part in parts if part)

    distance = order.get("distance_m")
    rows = [
        ("unit", request["unit"], "depot", joined(order["depot_id"], order.get("depot_name"))),
        (
            "place",
            request["place"],
            "vehicle",
            joined(order.get("vehicle_name"), order.get("driver"), order.get("phone")),
        ),
        ("contact", joined(request["contact"], request.get("phone")), "departed", moment(order.get("departed_utc"))),
        ("deadline", moment(request.get("deadline_utc")), "eta", moment(order.get("eta_utc"))),
        (
            "request",
            joined(request["number"], _T["telephone"].to(lang) if request.get("by_telephone") else ""),
            "route",
            "" if distance is None else f"{distance / 1000:.1f} km",
        ),
    ]
    cells = [
        [_text(_T[a].to(lang), 8.5, soft=True), _text(left), _text(_T[b].to(lang), 8.5, soft=True), _text(right)]
        for a, left, b, right in rows
    ]
    return Table(
        cells,
        colWidths=[20 * mm, _WIDTH / 2 - 20 * mm, 22 * mm, _WIDTH / 2 - 22 * mm],
        style=TableStyle(
            [
                ("GRID", (0, 0), (-1, -1), 0.5, _LINE),
                ("BACKGROUND", (0, 0), (0, -1), _SHADE),
                ("BACKGROUND", (2, 0), (2, -1), _SHADE),
                ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
            ]
        ),
    )


def _lines(order: Mapping[str, Any], lang: Lang) -> Table:
    names = ("line", "item", "lot", "expires", "unit_of", "ordered", "issued", "good", "damaged", "missing")
    widths = [10, 44, 24, 21, 11, 15, 15, 14, 13, 13]
    numeric = {"ordered", "issued", "good", "damaged", "missing"}
    head = [_text(_T[name].to(lang), 8.5, bold=True, right=name in numeric) for name in names]
    rows = [head]
    for k, line in enumerate(order["lines"], start=1):
        values = {
            "line": k,
            "item": f"{line['item_name']} {line['item_id']}",
            "lot": line["lot"],
            "expires": line.get("expires_on"),
            "unit_of": line["unit"],
            "ordered": line["quantity"],
            "issued": line.get("issued") or None,
            "good": line.get("received") or None,
            "damaged": line.get("damaged") or None,
            "missing": line.get("missing") or None,
        }
        rows.append([_text(values[name], 8.5, right=name in numeric) for name in names])
    scale = _WIDTH / (sum(widths) * mm)
    return Table(
        rows,
        colWidths=[width * mm * scale for width in widths],
        repeatRows=1,
        style=TableStyle(
            [
                ("GRID", (0, 0), (-1, -1), 0.5, _LINE),
                ("BACKGROUND", (0, 0), (-1, 0), _SHADE),
                ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
                ("LEFTPADDING", (0, 0), (-1, -1), 3),
                ("RIGHTPADDING", (0, 0), (-1, -1), 3),
            ]
        ),
    )


def _signatures(lang: Lang) -> Table:
    names = _T["signs"].to(lang).split("|")
    rows = [
        [_text(name, 8.5, soft=True) for name in names],
        [""] * len(names),
        [_text(_T["date"].to(lang), 8, soft=True)] * len(names),
    ]
    return Table(
        rows,
        colWidths=[_WIDTH / len(names)] * len(names),
        rowHeights=[6.5 * mm, 14 * mm, 6.5 * mm],
        style=TableStyle(
            [
                ("BOX", (0, 0), (-1, -1), 0.5, _LINE),
                ("INNERGRID", (0, 0), (-1, -1), 0.25, _LINE),
                ("LINEBELOW", (0, 0), (-1, 0), 0, _LINE),
                ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
            ]
        ),
    )
