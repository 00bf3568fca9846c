"""A view on paper: the layers of the screen with their filters, classes and counts, at a scale that fits."""

import io
import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import geopandas as gpd
import shapely
from reportlab.lib.colors import HexColor
from reportlab.lib.units import mm

from geo.errors import InputError
from layers.district import District, metric_geometries
from layers.fonts import SheetFonts
from layers.layer import Lang, LayerFrame, Mark, Role, Table
from layers.layer_tiles import DrawnLayer
from layers.pens import SOFT
from layers.sheet import (
    Drawing,
    Frame,
    PaperCanvas,
    Plan,
    Sheet,
    SheetText,
    district_land,
    drawn_on_paper,
    fitting_scale,
    paper_canvas,
    plan_sheets,
)
from layers.views.filters import Between, Containing, Filter, OneOf
from layers.views.map_view import MapView
from layers.views.shown import Shown, show
from layers.views.styling import METHODS

PAPERS = ("A3", "A4")
APART_MM = 2.0
"""Of a layer with many points, about how far those that are drawn stand apart on paper, at least."""

_INK = HexColor("#8a1f5c")
_HEAD_MM, _LINE_MM = 7.2, 3.3


def view_sheet(
    district: District,
    view: MapView,
    *,
    fonts: SheetFonts,
    made_on: date,
    paper: str = "A3",
    role: Role = "viewer",
    lang: Lang = "zh",
    text: SheetText,
) -> Sheet:
    """Draw a view on one page; what its legend has no room for goes on a page of its own.

    The scale is the largest usual one at which the extent of the view fits. InputError for a view without layers,
    NotFound for a district without an extent, Unavailable where a font is missing.
    """
    if paper not in PAPERS:
        raise InputError(f"paper={paper}: expected {' or '.join(PAPERS)}")
    if not view.layers:
        raise InputError("layers: a view without layers has nothing to print; switch one on")
    land = district_land(district)
    shown = [show(district, asked, role=role, at=view.at) for asked in view.layers]
    extent = land.bounds if view.bounds is None else _metric_bounds(district, view.bounds)
    scale = fitting_scale(extent, paper=paper)
    plan = plan_sheets(extent, paper=paper, scale=scale, single=True)
    stream = io.BytesIO()
    canvas = paper_canvas(stream, plan, fonts)
    thin = [_thinned(one, scale) for one in shown]
    drawing = _ViewDrawing(district, shown, thin, view, plan, canvas, land, lang, text, made_on)
    canvas.setTitle(drawing.title)
    canvas.setSubject(f"1:{scale:,}")
    drawing.page(plan.frames[0])
    canvas.showPage()
    while drawing.left:
        drawing.legend_page()
        canvas.showPage()
    canvas.save()
    return Sheet(plan, stream.getvalue())


def _thinned(one: Shown, scale: int) -> LayerFrame:
    """The rows that are drawn on paper; of a layer with many points those that do not lie on one another."""
    if one.result.layer.geometry != "point" or not one.result.layer.is_drawn_in_tiles(one.result.count):
        return one.result
    drawn = DrawnLayer.of(one)
    return replace(one.result, frame=drawn.frame.iloc[drawn.drawn_apart(APART_MM / 1000.0 * scale)])


def _metric_bounds(district: District, bounds: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    box = gpd.GeoDataFrame(geometry=[shapely.segmentize(shapely.box(*bounds), 0.1)], crs=4326)
    west, south, east, north = shapely.bounds(metric_geometries(box, district.epsg)[0])
    if not all(map(math.isfinite, (west, south, east, north))):
        raise InputError(f"bounds={list(bounds)}: lies outside the district's coordinate system; move the map nearer")
    return (float(west), float(south), float(east), float(north))


Entry = tuple[str, Mark | None, int]
"""A line of the legend: a mark with its count, or the title of a layer with its number of rows."""


class _ViewDrawing(Drawing):
    """Several layers on one sheet; the legend says how many rows each mark has."""

    def __init__(
        self,
        district: District,
        shown: Sequence[Shown],
        thin: Sequence[LayerFrame],
        view: MapView,
        plan: Plan,
        canvas: PaperCanvas,
        land: Any,
        lang: Lang,
        text: SheetText,
        made_on: date,
    ) -> None:
        self.shown, self.thin, self.sketches = shown, thin, view.drawing
        self.moment = f"{district.local(view.at):%Y-%m-%d %H:%M}"
        drawn = [
            drawn_on_paper(district, result, one.asked.opacity)
            for one, result in reversed(list(zip(shown, thin, strict=True)))
        ]
        named = text if text.title else replace(text, title=self._named(district, shown, lang))
        super().__init__(district, drawn, plan, canvas, land, lang, named, made_on)
        tables = {one.layer.source.name for one in drawn if isinstance(one.layer.source, Table)}
        if "road" in tables:
            self.roads = []  # they are a layer of the view
        frame = gpd.GeoDataFrame(geometry=[sketch.geometry for sketch in self.sketches], crs=4326)
        self.sketched = list(metric_geometries(frame, district.epsg))
        self.left = [entry for one in shown for entry in self._entries(one)]

    @staticmethod
    def _named(district: District, shown: Sequence[Shown], lang: Lang) -> str:
        top = shown[0].result.layer.title
        return f"{district.name}{top.zh}图" if lang == "zh" else f"{district.name} · {top.en}"

    def _entries(self, one: Shown) -> list[Entry]:
        title = one.result.layer.title.to(self.lang)
        marks: list[Entry] = [(mark.label.to(self.lang), mark, count) for mark, count in one.legend()]
        there = [entry for k, entry in enumerate(marks) if entry[2] or not self._is_rest(one, k)]
        return [(title, None, one.result.matched), *there]

    @staticmethod
    def _is_rest(one: Shown, k: int) -> bool:
        """Whether a mark of the legend is the one for everything else, or a hatch."""
        classes = len(dict.fromkeys(one.result.layer.marks()))
        return (k >= classes - 1 and classes > 1) or k >= classes

    def _about(self) -> str:
        parts = []
        for one in self.shown:
            said = [_filter_words(f, self.lang) for f in one.asked.filters]
            if one.breaks is not None and one.asked.styling is not None:
                styling = one.asked.styling
                said.append(f"{styling.field.label.to(self.lang)}: {METHODS[styling.method].to(self.lang)}")
            if said:
                parts.append(f"{one.result.layer.title.to(self.lang)} ({'; '.join(said)})")
        return " · ".join(parts) or self._t(f"{len(self.shown)} 个图层", f"{len(self.shown)} layers")

    def _scheme(self) -> str | None:
        return None

    def _facts(self) -> list[str]:
        about = super()._facts()
        sources = self._t("、", ", ").join(dict.fromkeys(one.result.source for one in self.shown))
        ages = [one.result.updated_utc[:10] for one in self.shown if one.result.updated_utc]
        revision = self.result.revision
        fewer = [
            self._t(
                f"{result.layer.title.zh}: 密处每 {APART_MM:g} mm 画一个, 共画 {len(result.frame):,} 个",
                f"{result.layer.title.en}: one in {APART_MM:g} mm is drawn, {len(result.frame):,} in all",
            )
            for one, result in zip(self.shown, self.thin, strict=True)
            if len(result.frame) < len(one.result.frame)
        ]
        return [
            *about[:2],
            self._t(f"图上情形: {self.moment}", f"As things stand at {self.moment}"),
            *fewer,
            f"{self._t('资料来源', 'Sources')}: {sources}",
            self._t(
                f"数据时点: {max(ages, default='-')}    数据版本: {revision}    图例计数为全区",
                f"Data as of {max(ages, default='-')}, revision {revision}; the legend counts the whole district",
            ),
        ]

    def _map(self, frame: Frame) -> None:
        super()._map(frame)
        self._sketches(frame)

    def _sketches(self, frame: Frame) -> None:
        for shape, sketch in zip(self.sketched, self.sketches, strict=True):
            self.canvas.saveState()
            self.canvas.setStrokeColor(_INK)
            self.canvas.setFillColor(_INK)
            self.canvas.setLineWidth(0.6 * mm)
            if shapely.get_dimensions(shape) == 0:
                x, y = self.plan.to_page_mm(frame, shapely.get_coordinates(shape))[0]
                self.canvas.circle(x * mm, y * mm, 1.3 * mm, stroke=0, fill=1)
            else:
                is_area = shapely.get_dimensions(shape) == 2
                self.canvas.setFillAlpha(0.15)
                self.canvas.drawPath(self._path(frame, shape), stroke=1, fill=int(is_area))
            self.canvas.restoreState()
            if sketch.label:
                middle = shapely.point_on_surface(shape)
                x, y = self.plan.to_page_mm(frame, [(middle.x, middle.y)])[0]
                self._halo(x, y - 4.6, sketch.label, 8.5)

    # -- the legend -----------------------------------------------------------------------------------

    def _side(self, frame: Frame, x: float, y: float, h: float) -> None:
        room = self._side_room()
        lines = sum(len(self._wrapped(words, 6.6, room - 7.0)) for words in self._facts())
        self._lowest = y + 4.0 + _LINE_MM * lines + 2.0 + 13.0 + 6.0 + self._base_height()
        super()._side(frame, x, y, h)

    def _base_height(self) -> float:
        return 5.0 + 5.2 * (2 + len({highway for highway, _ in self.roads}) + bool(self.water))

    def _legend(self, x: float, top: float, room: float) -> float:
        self._say(x, top, self._t("图例", "Legend"), 11, bold=True)
        self._say(x + room, top, self._t("全区计数", "count, whole district"), 6.5, align="right", color=SOFT)
        top = self._legend_part(x, top - 6.5, room, self._lowest)
        if self.left:
            self._say(x, top, self._t("图例续下页", "legend goes on overleaf"), 7, color=SOFT)
            top -= 5.0
        return self._base_legend(x, top, room)

    def _legend_part(self, x: float, top: float, room: float, lowest: float) -> float:
        """As many entries as there is room for, down to `lowest`; a title does not stand without a mark."""
        while self.left:
            words, mark, count = self.left[0]
            need = (_HEAD_MM + 6.0 if mark is None else 6.0) + 3.6 * (len(self._wrapped(words, 8, room - 20)) - 1)
            if top - need < lowest:
                break
            self.left.pop(0)
            if mark is None:
                top = self._legend_title(x, top, room, words, count)
            else:
                top = self._legend_entry(x, top, room, mark, f"{count:,}")
        return top

    def _legend_title(self, x: float, top: float, room: float, words: str, count: int) -> float:
        lines = self._wrapped(words, 8, room - 14)
        for k, line in enumerate(lines):
            self._say(x, top - 3.6 * k, line, 8, bold=True)
        self._say(x + room, top, f"{count:,}", 7, align="right", color=SOFT)
        return top - _HEAD_MM + 1.6 - 3.6 * (len(lines) - 1)

    def legend_page(self) -> None:
        """What of the legend had no room beside the map, in columns on a page of its own."""
        k = self.plan.k
        with self._enlarged(10.0, 10.0):
            width, height = (self.plan.width_mm - 20.0) / k, (self.plan.height_mm - 20.0) / k
            self._say(
                0, height - 6.0, self._t(f"{self.title}: 图例(续)", f"{self.title}: legend, continued"), 14, bold=True
            )
            room = 80.0
            for column in range(max(1, int(width // (room + 8.0)))):
                self._legend_part(column * (room + 8.0), height - 18.0, room, 6.0)


def _filter_words(one: Filter, lang: Lang) -> str:
    label = one.field.label.to(lang)
    match one:
        case OneOf(field, values):
            empty = "空" if lang == "zh" else "empty"
            names = [field.choices[v].to(lang) if v in field.choices else v or empty for v in values]
            return f"{label} = {('、' if lang == 'zh' else ', ').join(names)}"
        case Between(field, low, high):
            per = 60.0 if field.type == "minutes" else 1.0
            unit = ("分钟" if lang == "zh" else "min") if field.type == "minutes" else field.unit
            said = [f"{v / per:,.6g}" if isinstance(v, float) else v for v in (low, high)]
            bounds = [f"{sign} {v}" for sign, v in (("≥", said[0]), ("≤", said[1])) if v is not None]
            return f"{label} {', '.join(bounds)} {unit}".strip()
        case Containing(_, text):
            return f"{label} ∋ {text}"
