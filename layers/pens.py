"""What maps on paper are drawn with: words, lines, marks, the north arrow and the scale bar, all in millimetres."""

import re

import pyproj
from reportlab.lib.colors import Color, HexColor, white
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfgen.canvas import Canvas

from layers.fonts import BOLD, REGULAR
from layers.html import mark_outline
from layers.layer import Lang, Mark

INK = HexColor("#1b2430")
SOFT = HexColor("#56616e")


class Pens:
    """Draws on a canvas in one language; places are millimetres from the lower left corner of the page."""

    def __init__(self, canvas: Canvas, lang: Lang) -> None:
        self.canvas, self.lang = canvas, lang

    def _t(self, zh: str, en: str) -> str:
        return zh if self.lang == "zh" else en

    def _say(
        self,
        x: float,
        y: float,
        words: str,
        size: float,
        *,
        bold: bool = False,
        align: str = "left",
        color: Color = INK,
    ) -> None:
        self.canvas.setFont(BOLD if bold else REGULAR, size)
        self.canvas.setFillColor(color)
        draw = {
            "left": self.canvas.drawString,
            "right": self.canvas.drawRightString,
            "middle": self.canvas.drawCentredString,
        }[align]
        draw(x * mm, y * mm, words)

    def _width(self, words: str, size: float, *, bold: bool = False) -> float:
        return float(pdfmetrics.stringWidth(words, BOLD if bold else REGULAR, size) / mm)

    def _fitted(self, words: str, size: float, room: float) -> str:
        """The words, cut with an ellipsis where they are too long for the room."""
        if self._width(words, size) <= room:
            return words
        while words and self._width(words + "…", size) > room:
            words = words[:-1]
        return words + "…"

    def _line(self, x0: float, y0: float, x1: float, y1: float, width: float = 0.2, color: Color = INK) -> None:
        self.canvas.setStrokeColor(color)
        self.canvas.setLineWidth(width * mm)
        self.canvas.line(x0 * mm, y0 * mm, x1 * mm, y1 * mm)

    def _box(self, x: float, y: float, w: float, h: float, width: float = 0.2) -> None:
        self.canvas.setStrokeColor(INK)
        self.canvas.setLineWidth(width * mm)
        self.canvas.rect(x * mm, y * mm, w * mm, h * mm, stroke=1, fill=0)

    def _mark(self, x: float, y: float, mark: Mark, radius: float) -> None:
        """A point mark around (x, y), radius in mm."""
        canvas = self.canvas
        canvas.setFillColor(HexColor(mark.color))
        canvas.setStrokeColor(white)
        canvas.setLineWidth(0.12 * mm)
        outline = mark_outline(mark.shape)
        if outline is None:
            canvas.circle(x * mm, y * mm, radius * mm, stroke=1, fill=1)
            return
        path = canvas.beginPath()
        for k, (px, py) in enumerate(outline):
            at = ((x + (px - 8) / 8 * radius) * mm, (y - (py - 8) / 8 * radius) * mm)
            (path.moveTo if k == 0 else path.lineTo)(*at)
        path.close()
        canvas.drawPath(path, stroke=1, fill=1)

    def _halo(self, x: float, y: float, words: str, size: float) -> None:
        canvas = self.canvas
        canvas.saveState()
        text = canvas.beginText()
        text.setTextOrigin((x - self._width(words, size, bold=True) / 2) * mm, y * mm)
        text.setFont(BOLD, size)
        text.setTextRenderMode(1)
        canvas.setStrokeColor(white)
        canvas.setLineWidth(0.7 * mm)
        canvas.setLineJoin(1)
        text.textOut(words)
        canvas.drawText(text)
        canvas.restoreState()
        self._say(x, y, words, size, bold=True, align="middle")

    def _arrow(self, x: float, y: float) -> None:
        canvas = self.canvas
        # On a sheet that is full of colour the arrow stands on paper of its own.
        canvas.setFillColor(Color(1, 1, 1, alpha=0.85))
        canvas.roundRect((x - 4.5) * mm, (y - 1.5) * mm, 9 * mm, 16 * mm, 1 * mm, stroke=0, fill=1)
        for side, fill in ((-1, INK), (1, white)):
            path = canvas.beginPath()
            path.moveTo(x * mm, (y + 9) * mm)
            path.lineTo((x + side * 2.6) * mm, y * mm)
            path.lineTo(x * mm, (y + 2.2) * mm)
            path.close()
            canvas.setFillColor(fill)
            canvas.setStrokeColor(INK)
            canvas.setLineWidth(0.15 * mm)
            canvas.drawPath(path, stroke=1, fill=1)
        self._say(x, y + 9.8, self._t("北", "N"), 8, bold=True, align="middle")

    def _scale_bar(self, x: float, y: float, room: float, scale: int, *, enlarged: float = 1.0) -> None:
        """The bar of a scale, with its number; `enlarged` is by how much everything around it is."""
        k = 1000.0 / scale / enlarged  # mm for a metre, before everything here is enlarged
        step = next((s for s in (5000, 2000, 1000, 500, 250, 200, 100, 50, 25) if 4 * s * k <= room - 6), 25)
        for part in range(4):
            self.canvas.setFillColor(INK if part % 2 == 0 else white)
            self.canvas.setStrokeColor(INK)
            self.canvas.setLineWidth(0.15 * mm)
            self.canvas.rect((x + part * step * k) * mm, y * mm, step * k * mm, 1.4 * mm, stroke=1, fill=1)
        for part in (0, 1, 2, 4):
            at = x + part * step * k
            words = f"{part * step / 1000:g}" + (" km" if part == 4 else "")
            self._say(at, y + 2.3, words, 6.5, align="left" if part == 0 else "middle")
        self._say(x, y + 6.2, f"{self._t('比例尺', 'Scale')} 1:{scale:,}", 8.5, bold=True)
        on_ground = scale / 100.0
        words = f"{on_ground:g} m" if on_ground < 1000 else f"{on_ground / 1000:g} km"
        self._say(
            x + room, y + 6.2, self._t(f"图上 1 cm = 实地 {words}", f"1 cm = {words}"), 6.5, align="right", color=SOFT
        )

    def _wrapped(self, words: str, size: float, room: float) -> list[str]:
        """Words on as many lines as they need; Chinese breaks anywhere, a Latin word or a number only where it must."""
        lines, line = [], ""
        for token in re.findall(r"[!-~°′″−]+|.[、,;)]?", words):
            for piece in [token] if self._width(token, size) <= room else list(token):
                if line and self._width(line + piece, size) > room:
                    lines.append(line.rstrip())
                    line = ""
                line += piece if line or piece != " " else ""
        return [*lines, line] if line else lines or [""]


def crs_name(crs: pyproj.CRS, lang: Lang) -> str:
    """A metric CRS as a map says it."""
    found = re.fullmatch(r"CGCS2000 / 3-degree Gauss-Kruger CM (\d+)E", crs.name)
    if found is None or lang == "en":
        return crs.name
    return f"2000国家大地坐标系, 高斯-克吕格投影3°带, 中央经线 {found.group(1)}°E"
