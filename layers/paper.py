"""Papers on A4: a head with a code, facts, tables that go on over pages, boxes to sign; in one style."""

import copy
import io
from collections.abc import Sequence
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
from reportlab.platypus import BaseDocTemplate, Flowable, Frame, PageTemplate, Paragraph, Spacer, Table, TableStyle

from layers.district import District
from layers.fonts import BOLD, REGULAR, SheetFonts, register_fonts
from layers.layer import Lang, Text
from layers.pens import INK, SOFT

LINE, SHADE = HexColor("#8a94a0"), HexColor("#eef1f4")
_WARN = HexColor("#b10026")
MARGIN = 15 * mm
WIDTH = A4[0] - 2 * MARGIN
_TOP, _FOOT = 14 * mm, 17 * mm

_T = {
    "printed": Text("打印于", "printed"),
    "page": Text("第 {n} 页, 共 {all} 页", "page {n} of {all}"),
    "date": Text("日期时间", "Date, time"),
    "continued": Text("续", "continued"),
}


def text(value: Any, size: float = 9, *, bold: bool = False, right: bool = False, soft: bool = False) -> Paragraph:
    """A piece of text that wraps, between words where it is Latin; nothing in it is taken for markup."""
    words = "" if value is None else str(value)
    style = ParagraphStyle(
        f"s{size}{bold}{right}{soft}",
        fontName=BOLD if bold else REGULAR,
        fontSize=size,
        leading=size * 1.35,
        textColor=SOFT if soft else INK,
        alignment=TA_RIGHT if right else 0,
        wordWrap=None if words.isascii() else "CJK",
    )
    return Paragraph(escape(words), style)


def qr(content: str, size: float) -> Drawing:
    """A QR code of a text; the quiet zone of four modules is a part of it."""
    code = QrCodeWidget(content, barLevel="M", barBorder=4)
    left, bottom, right, top = code.getBounds()
    drawing = Drawing(size, size, transform=[size / (right - left), 0, 0, size / (top - bottom), -left, -bottom])
    drawing.add(code)
    return drawing


def head(district: District, title: str, lines: Sequence[str], *, code: str | None = None) -> Table:
    """The head of the first page: whose paper it is, what it is, its number, and the code at the right."""
    first, *others = lines
    words: list[Any] = [
        text(district.name, 10, soft=True),
        Spacer(1, 1 * mm),
        text(title, 19, bold=True),
        Spacer(1, 2.5 * mm),
        text(first, 12, bold=True),
        *(text(line, 9, soft=True) for line in others),
    ]
    size = 30 * mm if code else 0
    cells = [[words, qr(code, size)]] if code else [[words]]
    return Table(
        cells,
        colWidths=[WIDTH - size, size] if code else [WIDTH],
        style=TableStyle(
            [
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LEFTPADDING", (0, 0), (-1, -1), 0),
                ("RIGHTPADDING", (0, 0), (-1, -1), 0),
                ("TOPPADDING", (0, 0), (-1, -1), 0),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
                ("LINEBELOW", (0, 0), (-1, -1), 1.2, INK),
            ]
        ),
    )


def facts(rows: Sequence[tuple[str, Any, str, Any]]) -> Table:
    """Labels with their values, two in a row."""
    cells = [[text(a, 8.5, soft=True), text(left), text(b, 8.5, soft=True), text(right)] for a, left, b, right in rows]
    label = 23 * mm
    return Table(
        cells,
        colWidths=[label, WIDTH / 2 - label, label, WIDTH / 2 - label],
        style=TableStyle(
            [
                ("GRID", (0, 0), (-1, -1), 0.5, LINE),
                ("BACKGROUND", (0, 0), (0, -1), SHADE),
                ("BACKGROUND", (2, 0), (2, -1), SHADE),
                ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
                ("TOPPADDING", (0, 0), (-1, -1), 3),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 4),
            ]
        ),
    )


def lines(
    titles: Sequence[str],
    widths: Sequence[float],
    rows: Sequence[Sequence[Any]],
    *,
    numeric: Sequence[int] = (),
    total: Sequence[Any] | None = None,
    height: float | None = None,
) -> Table:
    """A table whose head is repeated on every page; `numeric` columns stand at the right. Widths are shares."""
    body = [[text(v, 8.5, right=k in numeric) for k, v in enumerate(row)] for row in rows]
    if total is not None:
        body.append([text(v, 8.5, bold=True, right=k in numeric) for k, v in enumerate(total)])
    unit = WIDTH / sum(widths)
    style = [
        ("GRID", (0, 0), (-1, -1), 0.5, LINE),
        ("BACKGROUND", (0, 0), (-1, 0), SHADE),
        ("LINEBELOW", (0, 0), (-1, 0), 1, INK),
        ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
        ("LEFTPADDING", (0, 0), (-1, -1), 3),
        ("RIGHTPADDING", (0, 0), (-1, -1), 3),
        ("TOPPADDING", (0, 0), (-1, -1), 2.5),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 3.5),
    ]
    return Table(
        [[text(t, 8.5, bold=True, right=k in numeric) for k, t in enumerate(titles)], *body],
        colWidths=[width * unit for width in widths],
        rowHeights=None if height is None else [None, *[height] * len(body)],
        repeatRows=1,
        style=TableStyle(style),
    )


def signatures(names: Sequence[str], lang: Lang) -> Table:
    """Boxes to sign in, one for each hand through which the goods go."""
    date = _T["date"].to(lang)
    return Table(
        [
            [text(name, 8.5, soft=True) for name in names],
            [""] * len(names),
            [text(f"{date}:", 8, soft=True)] * len(names),
        ],
        colWidths=[WIDTH / len(names)] * len(names),
        rowHeights=[6.5 * mm, 15 * mm, 7.5 * mm],
        style=TableStyle(
            [
                ("BOX", (0, 0), (-1, -1), 0.7, INK),
                ("LINEAFTER", (0, 0), (-2, -1), 0.5, LINE),
                ("LINEBELOW", (0, 0), (-1, 0), 0.25, LINE),
                ("BACKGROUND", (0, 0), (-1, 0), SHADE),
                ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
            ]
        ),
    )


def document(
    district: District,
    content: Sequence[Flowable],
    *,
    title: str,
    mark: str,
    fonts: SheetFonts,
    made: datetime,
    lang: Lang,
) -> bytes:
    """The paper as a PDF; `mark` (number, depot) stands at the foot and from the second page on at the head.

    The same content at one moment gives the same bytes.
    """
    register_fonts(fonts)
    # Laid out once to count the pages: laying out changes the content.
    pages = _built(district, copy.deepcopy(content), title, mark, made, lang, 0)[1]
    return _built(district, content, title, mark, made, lang, pages)[0]


class _Counted(BaseDocTemplate):  # type: ignore[misc]
    """A document that knows how many pages it got."""

    pages = 0

    def afterPage(self) -> None:
        self.pages = self.page


def _built(
    district: District,
    content: Sequence[Flowable],
    title: str,
    mark: str,
    made: datetime,
    lang: Lang,
    pages: int,
) -> tuple[bytes, int]:
    into = io.BytesIO()
    made_of = _Counted(into, pagesize=A4, title=title, author=district.name, invariant=True)

    def frame(canvas: Canvas, doc: Any) -> None:
        canvas.saveState()
        canvas.setFont(REGULAR, 8)
        canvas.setFillColor(SOFT)
        if doc.page > 1:
            canvas.drawString(MARGIN, A4[1] - 11 * mm, f"{title}  ({_T['continued'].to(lang)})")
            canvas.drawRightString(A4[0] - MARGIN, A4[1] - 11 * mm, mark)
        canvas.setStrokeColor(LINE)
        canvas.setLineWidth(0.4)
        canvas.line(MARGIN, 13 * mm, A4[0] - MARGIN, 13 * mm)
        canvas.drawString(MARGIN, 8.5 * mm, f"{district.name} · {mark}")
        right = f"{_T['printed'].to(lang)} {made:%Y-%m-%d %H:%M} · {_T['page'].to(lang).format(n=doc.page, all=pages)}"
        canvas.drawRightString(A4[0] - MARGIN, 8.5 * mm, right)
        if district.warning is not None:
            canvas.setFont(BOLD, 8)
            canvas.setFillColor(_WARN)
            canvas.drawCentredString(A4[0] / 2, 4 * mm, district.warning.to(lang))
        canvas.restoreState()

    def template(name: str, top: float) -> PageTemplate:
        area = Frame(MARGIN, _FOOT, WIDTH, A4[1] - _FOOT - top, 0, 0, 0, 0, id=name)
        return PageTemplate(name, [area], onPage=frame, autoNextPageTemplate="later")

    made_of.addPageTemplates([template("first", _TOP), template("later", _TOP + 4 * mm)])
    made_of.build([*content])
    return into.getvalue(), made_of.pages
