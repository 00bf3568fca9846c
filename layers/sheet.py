"""Printed map sheets: a layer at an exact scale on paper, as vector PDF, and as PNG from the same PDF.

A district that is larger than the paper is split into numbered sheets with an index map; nothing is cropped.
"""

import io
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from itertools import takewhile
from typing import Any

import geopandas as gpd
import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from reportlab.lib.colors import Color, HexColor, white
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from geo.crs import to_lonlat
from geo.errors import InputError, NotFound
from layers import query
from layers.district import District, metric_geometries
from layers.fonts import BOLD, REGULAR, SheetFonts, register_fonts
from layers.html import mark_for
from layers.layer import Hatch, Lang, Layer, LayerFrame, Mark, Role, Text
from layers.pens import INK, SOFT, Pens, crs_name
from layers.zoning.result import ZoningRun
from layers.zoning.runs import latest, newest

PAPERS_MM = {"A0": (841, 1189), "A1": (594, 841), "A2": (420, 594), "A3": (297, 420), "A4": (210, 297)}
"""Short and long side."""

SCALES = (10_000, 25_000, 50_000, 100_000, 250_000)
"""Usual scales; others between 1:1,000 and 1:1,000,000 are possible."""

MAX_SHEETS = 60
_MARGIN_MM = 10.0
_TITLE_MM = 17.0
_FOOT_MM = 13.0
_SIDE_MM = 62.0
_ENLARGED = {"A0": 2.1, "A1": 1.6, "A2": 1.25, "A3": 1.0, "A4": 0.75}
_TICK_MM = 5.5  # between the inner and the outer neat line
_WATER, _WATER_LINE = HexColor("#cfe3f1"), HexColor("#8fb7d3")
_PAPER = HexColor("#ffffff")
_OUTSIDE = HexColor("#f3f1ec")
_ROADS = {
    "secondary": (0.4, "#8d8d8d"),
    "primary": (0.6, "#777777"),
    "trunk": (0.75, "#8a5a14"),
    "motorway": (0.9, "#8a5a14"),
}
"""Width in mm and colour, the least first: the greater roads are drawn over the others."""
_RIVER = HexColor("#1f6497")
_STREET_LINE, _DISTRICT_LINE = HexColor("#5b4b8a"), HexColor("#3d2f66")
_INPUTS = {
    "village": Text("村(社区)人口", "population by village"),
    "building": Text("房屋", "buildings"),
    "raster dem": Text("地形", "terrain"),
    "raster impervious": Text("不透水面", "impervious cover"),
    "waterlogging_spot": Text("积水点", "waterlogging spots"),
    "storm_track": Text("台风路径", "storm tracks"),
    "raster pga": Text("地震动参数", "ground motion"),
    "raster lightning": Text("雷电", "lightning"),
    "hazard_area": Text("灾害影响区", "hazard areas"),
    "enterprise": Text("企业", "enterprises"),
    "substance": Text("危险化学品", "hazardous substances"),
    "capacity": Text("减灾能力", "capacity"),
}
_DATUMS = {"cgvd1985": Text("1985国家高程基准", "1985 National Height Datum"), "wusong": Text("吴淞高程", "Wusong")}


@dataclass(frozen=True)
class SheetText:
    """What a sheet says beside the map; empty ones are left to what the layer knows.

    `map_number` is the approval number (审图号) that a public sheet needs.
    """

    title: str = ""
    subtitle: str = ""
    maker: str = ""
    map_number: str = ""
    public: bool = False


@dataclass(frozen=True)
class Frame:
    """Where one sheet lies: its number, neighbours and extent in the metric CRS."""

    number: int
    row: int
    col: int
    bounds: tuple[float, float, float, float]


@dataclass(frozen=True)
class Plan:
    """How an extent falls on sheets of a paper at a scale; sizes in mm."""

    paper: str
    scale: int
    width_mm: float
    height_mm: float
    map_mm: tuple[float, float]
    frames: tuple[Frame, ...]
    rows: int
    cols: int

    @property
    def k(self) -> float:
        """How much larger than on A3 everything around the map is drawn."""
        return _ENLARGED[self.paper]

    def to_page_mm(self, frame: Frame, xy: Any) -> NDArray[np.float64]:
        """(n, 2) mm on the page, from the lower left corner, of places in the metric CRS."""
        points = np.asarray(xy, dtype=np.float64).reshape(-1, 2)
        k = 1000.0 / self.scale
        left, bottom = _MARGIN_MM + _TICK_MM, _MARGIN_MM + _FOOT_MM * self.k + _TICK_MM
        return np.column_stack(
            [left + (points[:, 0] - frame.bounds[0]) * k, bottom + (points[:, 1] - frame.bounds[1]) * k]
        )


def plan_sheets(bounds: tuple[float, float, float, float], *, paper: str, scale: int, single: bool = False) -> Plan:
    """Lay an extent (metric CRS) out on sheets, landscape or upright, whichever takes fewer.

    InputError for an unknown paper or scale, for too many sheets, and with `single` where one sheet does not hold
    it: the sentence names the paper and the scale that would.
    """
    if paper not in PAPERS_MM:
        raise InputError(f"paper={paper}: expected one of {', '.join(PAPERS_MM)}")
    if not 1_000 <= scale <= 1_000_000:
        raise InputError(f"scale={scale}: expected 1000 to 1000000, such as 50000 for 1:50,000")
    found = min(
        (_plan(bounds, paper, scale, upright) for upright in (False, True)),
        key=lambda plan: (len(plan.frames), plan.width_mm < plan.height_mm),
    )
    if single and len(found.frames) > 1:
        raise InputError(
            f"paper={paper}, scale={scale}: the district needs {len(found.frames)} sheets. It fits on "
            f"{_fitting(bounds, paper, scale)}"
        )
    if len(found.frames) > MAX_SHEETS:
        raise InputError(
            f"paper={paper}, scale={scale}: {len(found.frames)} sheets, more than {MAX_SHEETS}. It fits on "
            f"{_fitting(bounds, paper, scale)}"
        )
    return found


def _map_mm(paper: str, upright: bool) -> tuple[float, float]:
    """Width and height of the map on a paper."""
    short, long = PAPERS_MM[paper]
    width, height = (short, long) if upright else (long, short)
    enlarged = _ENLARGED[paper]
    return (
        width - 2 * _MARGIN_MM - _SIDE_MM * enlarged - 2 * _TICK_MM,
        height - 2 * _MARGIN_MM - (_TITLE_MM + _FOOT_MM) * enlarged - 2 * _TICK_MM,
    )


def _rows_and_cols(bounds: tuple[float, float, float, float], paper: str, scale: int, upright: bool) -> tuple[int, int]:
    min_x, min_y, max_x, max_y = bounds
    # A margin of 3 mm of paper around the district, so that its outline does not touch the neat line.
    spare = 3.0 * scale / 1000.0
    cover_w, cover_h = (side * scale / 1000.0 for side in _map_mm(paper, upright))
    rows = max(math.ceil((max_y - min_y + 2 * spare) / cover_h), 1)
    return rows, max(math.ceil((max_x - min_x + 2 * spare) / cover_w), 1)


def _plan(bounds: tuple[float, float, float, float], paper: str, scale: int, upright: bool) -> Plan:
    short, long = PAPERS_MM[paper]
    width, height = (short, long) if upright else (long, short)
    map_w, map_h = _map_mm(paper, upright)
    cover_w, cover_h = map_w * scale / 1000.0, map_h * scale / 1000.0
    min_x, min_y, max_x, max_y = bounds
    rows, cols = _rows_and_cols(bounds, paper, scale, upright)
    left = (min_x + max_x) / 2 - cols * cover_w / 2
    top = (min_y + max_y) / 2 + rows * cover_h / 2
    frames: list[Frame] = []
    for row in range(rows):
        for col in range(cols):
            x, y = left + col * cover_w, top - row * cover_h
            frames.append(Frame(len(frames) + 1, row, col, (x, y - cover_h, x + cover_w, y)))
    return Plan(paper, scale, width, height, (map_w, map_h), tuple(frames), rows, cols)


_STEPS = (10, 12, 15, 20, 25, 30, 40, 50, 60, 75)
_USUAL = (*(step * 10**power for power in (2, 3, 4) for step in _STEPS), 1_000_000)
"""Denominators among which a scale is chosen for an extent."""


def fitting_scale(bounds: tuple[float, float, float, float], *, paper: str) -> int:
    """The largest usual scale at which an extent (metric CRS) fits on one sheet; InputError where none does."""
    for scale in _USUAL:
        if any(_rows_and_cols(bounds, paper, scale, upright) == (1, 1) for upright in (False, True)):
            return scale
    raise InputError(f"bounds: too large for one sheet of {paper} at 1:{_USUAL[-1]:,}; zoom in")


def _fitting(bounds: tuple[float, float, float, float], paper: str, scale: int) -> str:
    def fits(one: str, other: int) -> bool:
        return any(len(_plan(bounds, one, other, upright).frames) == 1 for upright in (False, True))

    larger = next((name for name in reversed(PAPERS_MM) if fits(name, scale)), None)
    smaller = next((number for number in SCALES if number >= scale and fits(paper, number)), None)
    parts = [f"{larger} at 1:{scale:,}"] if larger else []
    parts += [f"{paper} at 1:{smaller:,}"] if smaller else []
    return " or ".join(parts) or "no paper at this scale; take a smaller scale"


@dataclass(frozen=True)
class Sheet:
    """The finished sheets: one PDF with a page each."""

    plan: Plan
    pdf: bytes

    def png(self, page: int = 1, *, dpi: int = 200) -> bytes:
        """One page as PNG, drawn from the PDF."""
        import pypdfium2

        document = pypdfium2.PdfDocument(self.pdf)
        try:
            if not 1 <= page <= len(document):
                raise InputError(f"page={page}: there are {len(document)} sheets")
            image = document[page - 1].render(scale=dpi / 72.0).to_pil()
        finally:
            document.close()
        stream = io.BytesIO()
        image.save(stream, "PNG", dpi=(dpi, dpi))
        return stream.getvalue()


def sheet(
    district: District,
    layer_id: str,
    *,
    fonts: SheetFonts,
    made_on: date,
    paper: str = "A3",
    scale: int = 100_000,
    role: Role = "viewer",
    lang: Lang = "zh",
    text: SheetText = SheetText(),
    single: bool = False,
    at: datetime | None = None,
) -> Sheet:
    """Draw a layer of the one map on paper.

    Raises NotFound for an unknown or empty layer or a district without an extent, InputError for a public sheet
    without its map number and for paper or scale that do not fit, Unavailable where a font is missing.
    """
    if text.public and not text.map_number.strip():
        raise InputError("map_number: a sheet for the public needs its map number (审图号); without it, it is internal")
    result = query.read(district, layer_id, role=role, at=at)
    whole = district_land(district)
    if result.count == 0:
        raise NotFound(f"layer '{layer_id}' holds nothing to print; import its data or run its scheme first")
    plan = plan_sheets(whole.bounds, paper=paper, scale=scale, single=single)
    stream = io.BytesIO()
    canvas = paper_canvas(stream, plan, fonts)
    drawing = Drawing(district, [drawn_on_paper(district, result)], plan, canvas, whole, lang, text, made_on)
    canvas.setTitle(drawing.title)
    canvas.setSubject(f"1:{scale:,}")
    for frame in plan.frames:
        drawing.page(frame)
        canvas.showPage()
    canvas.save()
    return Sheet(plan, stream.getvalue())


class PaperCanvas(Canvas):  # type: ignore[misc]
    """Everything is drawn as faint as `opacity` says: a colour that is set brings an alpha of its own along."""

    opacity = 1.0

    def setFillAlpha(self, a: float) -> None:
        super().setFillAlpha(a * self.opacity)

    def setStrokeAlpha(self, a: float) -> None:
        super().setStrokeAlpha(a * self.opacity)


def paper_canvas(stream: io.BytesIO, plan: Plan, fonts: SheetFonts) -> PaperCanvas:
    """A PDF of a plan's pages with the fonts registered; the same drawing gives the same bytes."""
    register_fonts(fonts)
    return PaperCanvas(
        stream,
        pagesize=(plan.width_mm * mm, plan.height_mm * mm),
        invariant=True,
        pageCompression=1,
        initialFontName=REGULAR,
    )


def district_land(district: District) -> Any:
    """The district's land in the metric CRS; NotFound where it has no extent."""
    view = district.view()
    if view.bounds is None:
        raise NotFound("the district has no extent yet; import its boundary or villages first")
    land = [g for g in metric_geometries(view.frame("boundary"), district.epsg) if g is not None] or [
        g for g in metric_geometries(view.frame("street"), district.epsg) if g is not None
    ]
    if land:
        return shapely.union_all(land)
    return metric_geometries(gpd.GeoDataFrame(geometry=[shapely.box(*view.bounds)], crs=4326), district.epsg)[0]


@dataclass(frozen=True)
class Drawn:
    """A layer as it lies on paper: its rows with their shapes in the metric CRS."""

    result: LayerFrame
    shapes: NDArray[np.object_]
    records: list[dict[str, Any]]
    opacity: float = 1.0

    @property
    def layer(self) -> Layer:
        """The layer, with its style."""
        return self.result.layer


def drawn_on_paper(district: District, result: LayerFrame, opacity: float = 1.0) -> Drawn:
    """A layer that was read, ready to be drawn."""
    shapes = metric_geometries(result.frame, district.epsg)
    return Drawn(result, shapes, result.frame.drop(columns="geometry").to_dict("records"), opacity)


class Drawing(Pens):
    """One map on several pages; everything is in millimetres from the lower left corner of the page.

    The layers lie one over the other, the last one on top; that one gives the title.
    """

    def __init__(
        self,
        district: District,
        drawn: Sequence[Drawn],
        plan: Plan,
        canvas: PaperCanvas,
        land: Any,
        lang: Lang,
        text: SheetText,
        made_on: date,
    ) -> None:
        super().__init__(canvas, lang)
        self.district, self.drawn, self.plan = district, drawn, plan
        self.result = drawn[-1].result
        self.layer: Layer = self.result.layer
        self.land, self.text, self.made_on = land, text, made_on
        self.title = text.title or self._t(
            f"{district.name}{self.layer.title.zh}图", f"{district.name} · {self.layer.title.en}"
        )
        view = district.view()
        self.water = [g for g in metric_geometries(view.frame("water"), district.epsg) if g is not None]
        streets = view.frame("street")
        self.streets = [
            (str(name), shape)
            for name, shape in zip(streets["name"], metric_geometries(streets, district.epsg), strict=True)
            if shape is not None
        ]
        roads = view.frame("road")
        self.roads = [
            (highway, shape)
            for highway in _ROADS
            for shape in metric_geometries(roads[roads["highway"] == highway], district.epsg)
            if shape is not None
        ]
        rivers = view.frame("water")
        self.rivers = [
            (str(name), shape)
            for name, shape in zip(rivers["name"], metric_geometries(rivers, district.epsg), strict=True)
            if name and shape is not None and shapely.get_dimensions(shape) == 2
        ]

    # -- pens -----------------------------------------------------------------------------------------

    def _path(self, frame: Frame, shape: Any) -> Any:
        """A polygon or line as a path of the page."""
        path = self.canvas.beginPath()
        for part in shapely.get_parts(shape):
            rings = shapely.get_rings(part) if shapely.get_dimensions(part) == 2 else [part]
            for ring in rings:
                points = self.plan.to_page_mm(frame, shapely.get_coordinates(ring)) * mm
                if len(points) < 2:
                    continue
                path.moveTo(points[0, 0], points[0, 1])
                for x, y in points[1:].tolist():
                    path.lineTo(x, y)
                if shapely.get_dimensions(part) == 2:
                    path.close()
        return path

    # -- one page -------------------------------------------------------------------------------------

    def page(self, frame: Frame) -> None:
        """Draw everything of one sheet."""
        plan = self.plan
        w, h = plan.map_mm
        k = plan.k
        x0, y0 = _MARGIN_MM + _TICK_MM, _MARGIN_MM + _FOOT_MM * k + _TICK_MM
        self.canvas.saveState()
        clip = self.canvas.beginPath()
        clip.rect(x0 * mm, y0 * mm, w * mm, h * mm)
        self.canvas.clipPath(clip, stroke=0, fill=0)
        self._map(frame)
        self.canvas.restoreState()
        self._neat_line(frame, x0, y0, w, h)
        self._arrow(x0 + w - 9.0, y0 + h - 20.0)
        with self._enlarged(_MARGIN_MM, plan.height_mm - _MARGIN_MM):
            self._head(frame, (plan.width_mm - 2 * _MARGIN_MM) / k)
        with self._enlarged(x0 + w + _TICK_MM + 4.0 * k, y0 - _TICK_MM):
            self._side(frame, 0.0, 0.0, (h + 2 * _TICK_MM) / k)
        with self._enlarged(_MARGIN_MM, _MARGIN_MM):
            self._foot((plan.width_mm - 2 * _MARGIN_MM) / k)

    @contextmanager
    def _enlarged(self, x: float, y: float) -> Iterator[None]:
        """What stands around the map grows with the paper: millimetres of A3 from (x, y) on."""
        self.canvas.saveState()
        self.canvas.translate(x * mm, y * mm)
        self.canvas.scale(self.plan.k, self.plan.k)
        yield
        self.canvas.restoreState()

    def _near(self, frame: Frame) -> Any:
        spare = 5.0 * self.plan.scale / 1000.0
        min_x, min_y, max_x, max_y = frame.bounds
        return shapely.box(min_x - spare, min_y - spare, max_x + spare, max_y + spare)

    def _map(self, frame: Frame) -> None:
        canvas, near = self.canvas, self._near(frame)
        fine = self.plan.scale / 1000.0 * 0.05  # a twentieth of a millimetre on paper
        canvas.setFillColor(_OUTSIDE)
        canvas.rect(0, 0, self.plan.width_mm * mm, self.plan.height_mm * mm, stroke=0, fill=1)
        self._areas(frame, [self.land], near, fine, fill=_PAPER)
        self._areas(frame, [g for g in self.water if shapely.get_dimensions(g) == 2], near, fine, fill=_WATER)
        # Areas at the bottom lie below the lines of the base map, everything else above them.
        below = list(takewhile(lambda one: one.layer.geometry == "polygon", self.drawn))
        for one in below:
            self._layer(frame, one, near, fine)
        canvas.setStrokeColor(_WATER_LINE)
        canvas.setLineWidth(0.15 * mm)
        for shape in self.water:
            part = shapely.intersection(shapely.simplify(shape, fine), near)
            if not shapely.is_empty(part):
                lines = shapely.boundary(part) if shapely.get_dimensions(part) == 2 else part
                canvas.drawPath(self._path(frame, lines), stroke=1, fill=0)
        for highway, shape in self.roads:
            if not shapely.intersects(shape, near):
                continue
            width, color = _ROADS[highway]
            canvas.setStrokeColor(HexColor(color))
            canvas.setLineWidth(width * (0.35 if self.plan.scale > 60_000 else 0.55) * mm)
            part = shapely.intersection(shapely.simplify(shape, fine), self.land)
            if not shapely.is_empty(part):
                canvas.drawPath(self._path(frame, part), stroke=1, fill=0)
        canvas.setDash([2.2 * mm, 0.8 * mm, 0.4 * mm, 0.8 * mm])
        canvas.setStrokeColor(_STREET_LINE)
        canvas.setLineWidth(0.28 * mm)
        for _, shape in self.streets:
            if shapely.intersects(shape, near):
                canvas.drawPath(self._path(frame, shapely.simplify(shapely.boundary(shape), fine)), stroke=1, fill=0)
        canvas.setDash()
        canvas.setLineWidth(0.6 * mm)
        canvas.setStrokeColor(_DISTRICT_LINE)
        canvas.drawPath(self._path(frame, shapely.simplify(shapely.boundary(self.land), fine)), stroke=1, fill=0)
        for one in self.drawn[len(below) :]:
            self._layer(frame, one, near, fine)
        self._labels(frame)

    def _layer(self, frame: Frame, drawn: Drawn, near: Any, fine: float) -> None:
        self.canvas.saveState()
        self.canvas.opacity = drawn.opacity
        match drawn.layer.geometry:
            case "polygon":
                self._polygons(frame, drawn, near)
            case "line":
                self._lines(frame, drawn, near, fine)
            case "point":
                self._points(frame, drawn, near)
        self.canvas.opacity = 1.0
        self.canvas.restoreState()

    def _areas(self, frame: Frame, shapes: Sequence[Any], near: Any, fine: float, *, fill: Color) -> None:
        self.canvas.setFillColor(fill)
        for shape in shapes:
            part = shapely.intersection(shapely.simplify(shape, fine), near)
            if not shapely.is_empty(part) and shapely.get_dimensions(part) == 2:
                self.canvas.drawPath(self._path(frame, part), stroke=0, fill=1, fillMode=0)

    def _polygons(self, frame: Frame, drawn: Drawn, near: Any) -> None:
        for shape, record in zip(drawn.shapes, drawn.records, strict=True):
            if shape is None or not shapely.intersects(shape, near):
                continue
            mark = mark_for(drawn.layer, record)
            part = shapely.intersection(shape, near)
            if shapely.get_dimensions(part) == 2:
                fill = mark.shape == "fill"
                self.canvas.setFillColor(_paper_color(mark))
                # A hairline of its own colour closes the seams between neighbours.
                self.canvas.setStrokeColor(_paper_color(mark) if fill else HexColor(mark.color))
                self.canvas.setLineWidth((0.03 if fill else 0.35) * mm)
                self.canvas.drawPath(self._path(frame, part), stroke=1, fill=int(fill), fillMode=0)
                for hatch in drawn.layer.hatches:
                    if record.get(hatch.field) is True:
                        self._hatched(frame, part, hatch)

    def _hatched(self, frame: Frame, shape: Any, hatch: Hatch) -> None:
        step = 1.3 * self.plan.scale / 1000.0
        min_x, min_y, max_x, max_y = shapely.bounds(shape)
        sign = 1.0 if hatch.direction == "up" else -1.0
        lines = []
        low, high = (min_y - max_x, max_y - min_x) if sign > 0 else (min_y + min_x, max_y + max_x)
        for k in range(math.floor(low / step), math.ceil(high / step) + 1):
            c = k * step
            lines.append([(min_x, sign * min_x + c), (max_x, sign * max_x + c)])
        cut = shapely.intersection(shapely.multilinestrings(lines), shape)
        self.canvas.setStrokeColor(HexColor(hatch.color))
        self.canvas.setLineWidth(0.1 * mm)
        if not shapely.is_empty(cut):
            parts = shapely.get_parts(cut)
            self.canvas.drawPath(
                self._path(frame, shapely.multilinestrings(parts[shapely.get_dimensions(parts) == 1])), stroke=1, fill=0
            )

    def _lines(self, frame: Frame, drawn: Drawn, near: Any, fine: float) -> None:
        for shape, record in zip(drawn.shapes, drawn.records, strict=True):
            if shape is None or not shapely.intersects(shape, near):
                continue
            mark = mark_for(drawn.layer, record)
            self.canvas.setStrokeColor(HexColor(mark.color))
            self.canvas.setLineWidth(0.16 * mark.size * mm)
            self.canvas.setDash([1.5 * mm, 0.8 * mm] if mark.shape == "dash" else [])
            if shapely.get_dimensions(shape) == 0:
                self._symbol(frame, shape, mark)
            else:
                lines = shapely.boundary(shape) if shapely.get_dimensions(shape) == 2 else shape
                self.canvas.drawPath(self._path(frame, shapely.simplify(lines, fine)), stroke=1, fill=0)
        self.canvas.setDash()

    def _points(self, frame: Frame, drawn: Drawn, near: Any) -> None:
        marks = [mark_for(drawn.layer, record) for record in drawn.records]
        order = sorted(range(len(marks)), key=lambda k: -drawn.layer.marks().index(marks[k]))
        for k in order:
            shape = drawn.shapes[k]
            if shape is not None and shapely.intersects(shape, near):
                self._symbol(frame, shapely.centroid(shape), marks[k])

    def _symbol(self, frame: Frame, point: Any, mark: Mark) -> None:
        x, y = self.plan.to_page_mm(frame, [(point.x, point.y)])[0]
        self._mark(x, y, mark, 0.09 * mark.size + 0.6)

    def _labels(self, frame: Frame) -> None:
        """Street names with a halo; one that would lie on another moves, or is left out."""
        size = (8.5 if self.plan.scale <= 60_000 else 7.0) * max(1.0, self.plan.k * 0.8)
        taken: list[Any] = []
        inside = shapely.box(*frame.bounds)
        for name, shape in sorted(self.streets, key=lambda item: -item[1].area):
            seen = shapely.intersection(shape, inside)
            if shapely.is_empty(seen) or shapely.area(seen) < 0.15 * shapely.area(shape):
                continue
            centre = shapely.point_on_surface(seen)
            x, y = self.plan.to_page_mm(frame, [(centre.x, centre.y)])[0]
            w, h = self._width(name, size, bold=True), size / mm * 1.1
            for dx, dy in ((0, 0), (0, h), (0, -h), (w / 3, 0), (-w / 3, 0), (0, 2 * h), (0, -2 * h)):
                place = shapely.box(x + dx - w / 2 - 0.4, y + dy - h / 2, x + dx + w / 2 + 0.4, y + dy + h / 2)
                if not any(shapely.intersects(place, other) for other in taken):
                    taken.append(place)
                    self._halo(x + dx, y + dy - size / mm * 0.35, name, size)
                    break
        self._river_labels(frame, inside, taken)

    def _river_labels(self, frame: Frame, inside: Any, taken: list[Any]) -> None:
        """The names of waters that are wide enough to hold them, along their course."""
        size = 11.0 * max(1.0, self.plan.k * 0.8)
        for name, shape in sorted(self.rivers, key=lambda item: -item[1].area):
            free = shapely.difference(shapely.intersection(shape, inside), self.land)
            parts = shapely.get_parts(free)
            parts = parts[shapely.get_dimensions(parts) == 2]
            if not len(parts):
                continue
            part = max(parts, key=shapely.area)
            w = self._width("  ".join(name), size, bold=True)
            if shapely.area(part) < (w * self.plan.scale / 1000.0) ** 2:
                continue
            # The middle of the widest place, away from the edges of the sheet.
            circle = shapely.maximum_inscribed_circle(part, tolerance=self.plan.scale / 1000.0)
            wide_mm = shapely.length(circle) * 2 * 1000 / self.plan.scale
            if wide_mm < max(w, size / mm * 2.5):
                continue
            x, y = self.plan.to_page_mm(frame, shapely.get_coordinates(circle)[:1])[0]
            place = shapely.box(x - w / 2, y - size / mm / 2, x + w / 2, y + size / mm / 2)
            if any(shapely.intersects(place, other) for other in taken):
                continue
            taken.append(place)
            self._say(x, y - size / mm * 0.35, "  ".join(name), size, bold=True, align="middle", color=_RIVER)

    # -- around the map -------------------------------------------------------------------------------

    def _neat_line(self, frame: Frame, x: float, y: float, w: float, h: float) -> None:
        self._box(x, y, w, h, 0.2)
        self._box(x - _TICK_MM, y - _TICK_MM, w + 2 * _TICK_MM, h + 2 * _TICK_MM, 0.7)
        size = 6.0 * min(self.plan.k, 1.3)  # the band of the numbers does not grow with the paper
        min_x, min_y, max_x, max_y = frame.bounds
        step = next(s for s in (500, 1000, 2000, 5000, 10_000, 20_000, 50_000) if s * 1000 / self.plan.scale >= 28)
        for value in range(math.ceil(min_x / step) * step, math.floor(max_x) + 1, step):
            at = x + (value - min_x) * 1000 / self.plan.scale
            for edge, end in ((y, y - 1.8), (y + h, y + h + 1.8)):
                self._line(at, edge, at, end)
            if 30 < at - x < w - 30:
                self._say(at, y - 4.2, f"{value / 1000:g}", size, align="middle", color=SOFT)
                self._say(at, y + h + 2.4, f"{value / 1000:g}", size, align="middle", color=SOFT)
            for other in range(math.ceil(min_y / step) * step, math.floor(max_y) + 1, step):
                up = y + (other - min_y) * 1000 / self.plan.scale
                self._line(at - 1.0, up, at + 1.0, up, 0.08, SOFT)
                self._line(at, up - 1.0, at, up + 1.0, 0.08, SOFT)
        for value in range(math.ceil(min_y / step) * step, math.floor(max_y) + 1, step):
            up = y + (value - min_y) * 1000 / self.plan.scale
            for edge, end in ((x, x - 1.8), (x + w, x + w + 1.8)):
                self._line(edge, up, end, up)
            if 6 < up - y < h - 6:
                for place in (x - 2.6, x + w + 4.4):
                    self.canvas.saveState()
                    self.canvas.translate(place * mm, up * mm)
                    self.canvas.rotate(90)
                    self._say(0, 0, f"{value / 1000:g}", size, align="middle", color=SOFT)
                    self.canvas.restoreState()
        corners = to_lonlat([(min_x, min_y), (max_x, min_y), (min_x, max_y), (max_x, max_y)], epsg=self.district.epsg)
        places = (
            (x, y - 4.2, "left"),
            (x + w, y - 4.2, "right"),
            (x, y + h + 2.4, "left"),
            (x + w, y + h + 2.4, "right"),
        )
        for (lon, lat), (px, py, align) in zip(corners, places, strict=True):
            self._say(px, py, f"{_dms(lon)}E {_dms(lat)}N", size - 0.5, align=align, color=SOFT)
        self._joins(frame, x, y, w, h)

    def _joins(self, frame: Frame, x: float, y: float, w: float, h: float) -> None:
        """On each edge the number of the sheet that goes on there."""
        numbers = {(other.row, other.col): other.number for other in self.plan.frames}
        for row, col, px, py, turned in (
            (-1, 0, x + w / 2, y + h + 1.8, False),
            (1, 0, x + w / 2, y - 3.9, False),
            (0, -1, x - 1.8, y + h / 2, True),
            (0, 1, x + w + 3.9, y + h / 2, True),
        ):
            number = numbers.get((frame.row + row, frame.col + col))
            if number is None:
                continue
            words = self._t(f"接第 {number} 幅", f"joins sheet {number}")
            room = self._width(words, 7, bold=True) / 2 + 1
            self.canvas.saveState()
            self.canvas.translate(px * mm, py * mm)
            self.canvas.rotate(90 if turned else 0)
            self.canvas.setFillColor(white)
            self.canvas.rect(-room * mm, -0.8 * mm, 2 * room * mm, 3.4 * mm, stroke=0, fill=1)
            self._say(0, 0, words, 7, bold=True, align="middle", color=HexColor("#9b1c1c"))
            self.canvas.restoreState()

    def _head(self, frame: Frame, width: float) -> None:
        size = 22.0
        room = width - 90
        while self._width(self.title, size, bold=True) > room and size > 9:
            size -= 0.5
        self._say(width / 2, -8.0, self._fitted(self.title, size, room + 20), size, bold=True, align="middle")
        about = self.text.subtitle or self._about()
        self._say(width / 2, -13.8, self._fitted(about, 8.5, width - 30), 8.5, align="middle", color=SOFT)
        secret = "" if self.text.public else self._t("内部资料 注意保存", "INTERNAL · keep safe")
        self._say(width, -5.5, secret, 9, bold=True, align="right", color=HexColor("#9b1c1c"))
        warning = self.district.warning
        if warning is not None:
            self._say(0, -5.5, self._t(warning.zh, warning.en), 9, bold=True, color=HexColor("#9b1c1c"))
        if len(self.plan.frames) > 1:
            words = self._t(
                f"第 {frame.number} 幅 / 共 {len(self.plan.frames)} 幅",
                f"sheet {frame.number} of {len(self.plan.frames)}",
            )
            self._say(width, -11.0, words, 8.5, align="right", color=SOFT)

    def _about(self) -> str:
        record = self._record()
        if record is None:
            return f"{self.layer.note.to(self.lang)} · {self._t('来源', 'source')} {self.result.source}"
        return self._t(
            f"{record.title} · 运行 {record.run} · 参数版本 {record.parameter_version} · 部分参数为待核对默认值",
            f"run {record.run} · parameters {record.parameter_version} · some parameters are defaults to be confirmed",
        )

    def _record(self) -> Any:
        scheme = self._scheme()
        return None if scheme is None else newest(self.district, scheme)

    def _run(self) -> ZoningRun | None:
        scheme = self._scheme()
        return None if scheme is None else latest(self.district, scheme)

    def _scheme(self) -> str | None:
        """The scheme that the layer shows a result of."""
        for scheme in ("natural", "accident"):
            if self.layer.id.endswith(f"_{scheme}"):
                return scheme
            run = latest(self.district, scheme) if self.layer.id.startswith("hazard_") else None
            if run is not None and self.layer.id[len("hazard_") :] in [hazard.id for hazard in run.scheme.hazards]:
                return scheme
        return None

    @staticmethod
    def _side_room() -> float:
        return _SIDE_MM - 4.0 - 0.5

    def _side(self, frame: Frame, x: float, y: float, h: float) -> None:
        room = self._side_room()
        self._box(x, y, room, h, 0.3)
        top = y + h
        top = self._legend(x + 3.5, top - 7.5, room - 7.0)
        bottom = y + 4.0
        lines = [line for words in self._facts() for line in self._wrapped(words, 6.6, room - 7.0)]
        for k, line in enumerate(lines):
            self._say(x + 3.5, bottom + 3.3 * (len(lines) - 1 - k), line, 6.6, color=SOFT)
        bottom += 3.3 * len(lines)
        bottom += 2.0
        self._scale_bar(x + 3.5, bottom, room - 7.0, self.plan.scale, enlarged=self.plan.k)
        bottom += 13.0
        self._inset(frame, x + 3.5, bottom, room - 7.0, min(room - 7.0, top - bottom - 6.0))

    def _legend(self, x: float, top: float, room: float) -> float:
        self._say(x, top, self._t("图例", "Legend"), 11, bold=True)
        (drawn,) = self.drawn
        measured = self._measured(drawn)
        if self.layer.geometry == "polygon":
            whole = self._t("全区面积", "whole district")
            self._say(x + room, top, whole, 6.5, align="right", color=SOFT)
        top -= 6.5
        for mark in self._shown_marks(drawn, measured):
            top = self._legend_entry(x, top, room, mark, measured.get(mark, ""))
        return self._base_legend(x, top, room)

    def _legend_entry(self, x: float, top: float, room: float, mark: Mark, about: str) -> float:
        """One mark with its name and how much there is of it; where the next one stands."""
        if mark.shape in ("fill", "hatch-up", "hatch-down"):
            self.canvas.setStrokeColor(INK)
            self.canvas.setLineWidth(0.12 * mm)
            fill = mark.shape == "fill"
            self.canvas.setFillColor(_paper_color(mark) if fill else _PAPER)
            self.canvas.rect(x * mm, (top - 0.8) * mm, 7.5 * mm, 4.2 * mm, stroke=1, fill=1)
            if not fill:
                self._legend_hatch(x, top - 0.8, 7.5, 4.2, mark)
        elif mark.shape in ("line", "dash"):
            self.canvas.setDash([1.5 * mm, 0.8 * mm] if mark.shape == "dash" else [])
            self._line(x, top + 1.2, x + 7.5, top + 1.2, 0.16 * mark.size, HexColor(mark.color))
            self.canvas.setDash()
        else:
            self._mark(x + 3.7, top + 1.2, mark, 1.6)
        lines = self._wrapped(mark.label.to(self.lang), 8, room - 10.5 - (self._width(about, 7) + 2 if about else 0))
        for k, line in enumerate(lines):
            self._say(x + 10.0, top - 3.6 * k, line, 8)
        if about:
            self._say(x + room, top, about, 7, align="right", color=SOFT)
        return top - 6.0 - 3.6 * (len(lines) - 1)

    def _base_legend(self, x: float, top: float, room: float) -> float:
        self._line(x, top + 2.0, x + room, top + 2.0, 0.1, SOFT)
        top -= 3.0
        thin = 0.35 if self.plan.scale > 60_000 else 0.55
        there = {highway for highway, _ in self.roads}
        for words, line, width, dash in (
            (self._t("区界", "district boundary"), _DISTRICT_LINE, 0.6, []),
            (self._t("街道(园区)界", "street boundary"), _STREET_LINE, 0.28, [2.2, 0.8, 0.4, 0.8]),
            *(
                (words, HexColor(_ROADS[highway][1]), _ROADS[highway][0] * thin, [])
                for words, highway in (
                    (self._t("高速公路、快速路", "motorway, trunk road"), "motorway"),
                    (self._t("主干道", "primary road"), "primary"),
                    (self._t("次干道", "secondary road"), "secondary"),
                )
                if highway in there
            ),
        ):
            self.canvas.setDash([d * mm for d in dash])
            self._line(x, top + 1.2, x + 7.5, top + 1.2, width, line)
            self.canvas.setDash()
            self._say(x + 10.0, top, words, 8)
            top -= 5.2
        if self.water:
            self.canvas.setFillColor(_WATER)
            self.canvas.setStrokeColor(_WATER_LINE)
            self.canvas.setLineWidth(0.15 * mm)
            self.canvas.rect(x * mm, (top - 0.5) * mm, 7.5 * mm, 3.4 * mm, stroke=1, fill=1)
            self._say(x + 10.0, top, self._t("水系", "water"), 8)
            top -= 5.2
        return top

    def _shown_marks(self, drawn: Drawn, measured: dict[Mark, str]) -> list[Mark]:
        """The marks of the legend: all classes, of the rest (no data, hatches) what is on the map."""
        marks = drawn.layer.marks()
        classes = marks if len(marks) == 1 else [mark for mark in marks if mark in measured or mark != marks[-1]]
        hatches = [h for h in drawn.layer.hatches if any(record.get(h.field) is True for record in drawn.records)]
        return [*classes, *(hatch.mark() for hatch in hatches)]

    def _legend_hatch(self, x: float, y: float, w: float, h: float, mark: Mark) -> None:
        lines = []
        for k in range(-4, 12):
            a, b = (k * 1.3, k * 1.3 + h) if mark.shape == "hatch-up" else (k * 1.3 + h, k * 1.3)
            lines.append([(a, 0), (b, h)])
        cut = shapely.intersection(shapely.multilinestrings(lines), shapely.box(0, 0, w, h))
        for part in shapely.get_parts(cut):
            (ax, ay), (bx, by) = shapely.get_coordinates(part)[:2]
            self._line(x + ax, y + ay, x + bx, y + by, 0.1, HexColor(mark.color))

    def _measured(self, drawn: Drawn) -> dict[Mark, str]:
        """How much there is of each mark: area of polygons, number of the others."""
        sums: dict[Mark, float] = {}
        for shape, record in zip(drawn.shapes, drawn.records, strict=True):
            if shape is not None:
                mark = mark_for(drawn.layer, record)
                sums[mark] = sums.get(mark, 0.0) + (shape.area / 1e6 if drawn.layer.geometry == "polygon" else 1.0)
        unit = " km²" if self.layer.geometry == "polygon" else ""
        return {mark: (f"{value:.2f}{unit}" if unit else f"{value:.0f}") for mark, value in sums.items()}

    def _inset(self, frame: Frame, x: float, y: float, w: float, h: float) -> None:
        """Where this sheet lies in the district, with the numbers of its neighbours."""
        if h < 15:
            return
        min_x, min_y, max_x, max_y = self.land.bounds
        for other in self.plan.frames:
            min_x, min_y = min(min_x, other.bounds[0]), min(min_y, other.bounds[1])
            max_x, max_y = max(max_x, other.bounds[2]), max(max_y, other.bounds[3])
        k = min(w / (max_x - min_x), (h - 4) / (max_y - min_y))
        base = y + h - 4 - (max_y - min_y) * k

        def at(px: float, py: float) -> tuple[float, float]:
            return (x + (px - min_x) * k) * mm, (base + (py - min_y) * k) * mm

        self._say(
            x,
            y + h - 2.5,
            self._t("接图表", "Index to sheets") if len(self.plan.frames) > 1 else self._t("位置示意", "Location"),
            7.5,
            bold=True,
        )
        canvas = self.canvas
        for shapes, fill, line in (
            ([g for g in self.water if shapely.get_dimensions(g) == 2], _WATER, None),
            ([self.land], HexColor("#e4dff0"), HexColor("#3d2f66")),
        ):
            for shape in shapes:
                clipped = shapely.intersection(
                    shapely.simplify(shape, 0.2 / k), shapely.box(min_x, min_y, max_x, max_y)
                )
                if shapely.is_empty(clipped) or shapely.get_dimensions(clipped) != 2:
                    continue
                path = canvas.beginPath()
                for part in shapely.get_parts(clipped):
                    if shapely.get_dimensions(part) != 2:
                        continue
                    for ring in shapely.get_rings(part):
                        points = [at(px, py) for px, py in shapely.get_coordinates(ring).tolist()]
                        path.moveTo(*points[0])
                        for point in points[1:]:
                            path.lineTo(*point)
                        path.close()
                canvas.setFillColor(fill)
                canvas.setStrokeColor(line or fill)
                canvas.setLineWidth(0.15 * mm)
                canvas.drawPath(path, stroke=int(line is not None), fill=1, fillMode=0)
        canvas.setStrokeColor(white)
        canvas.setLineWidth(0.2 * mm)
        for _, shape in self.streets:
            for ring in shapely.get_parts(shapely.boundary(shapely.simplify(shape, 0.2 / k))):
                path = canvas.beginPath()
                points = [at(px, py) for px, py in shapely.get_coordinates(ring).tolist()]
                path.moveTo(*points[0])
                for point in points[1:]:
                    path.lineTo(*point)
                canvas.drawPath(path, stroke=1, fill=0)
        if len(self.plan.frames) == 1:
            self._graticule((min_x, min_y, max_x, max_y), at)
        for other in self.plan.frames:
            (ax, ay), (bx, by) = at(*other.bounds[:2]), at(*other.bounds[2:])
            here = other.number == frame.number
            canvas.setStrokeColor(HexColor("#9b1c1c") if here else SOFT)
            canvas.setLineWidth((0.5 if here else 0.15) * mm)
            canvas.rect(ax, ay, bx - ax, by - ay, stroke=1, fill=0)
            if len(self.plan.frames) > 1:
                canvas.setFont(BOLD if here else REGULAR, 7)
                canvas.setFillColor(INK)
                canvas.drawCentredString((ax + bx) / 2, (ay + by) / 2 - 2.5, str(other.number))

    def _graticule(self, bounds: tuple[float, float, float, float], at: Any) -> None:
        """Meridians and parallels every six minutes or more, named at the lower and the left edge."""
        min_x, min_y, max_x, max_y = bounds
        corners = to_lonlat([(x, y) for x in (min_x, max_x) for y in (min_y, max_y)], epsg=self.district.epsg)
        (west, south), (east, north) = corners.min(axis=0), corners.max(axis=0)
        step = next((s for s in (0.1, 0.2, 0.5, 1.0) if max(east - west, north - south) / s <= 4), 2.0)
        ahead = pyproj.Transformer.from_crs(4326, self.district.epsg, always_xy=True)
        canvas = self.canvas
        (left, low), (right, high) = at(min_x, min_y), at(max_x, max_y)
        canvas.saveState()
        clip = canvas.beginPath()
        clip.rect(left, low, right - left, high - low)
        canvas.clipPath(clip, stroke=0, fill=0)
        canvas.setStrokeColor(HexColor("#a9b1ba"))
        canvas.setLineWidth(0.08 * mm)
        for first, last, is_meridian in ((west, east, True), (south, north, False)):
            for number in range(math.ceil(first / step), math.floor(last / step) + 1):
                value = number * step
                along = np.linspace(south, north, 9) if is_meridian else np.linspace(west, east, 9)
                fixed = np.full(9, value)
                xs, ys = ahead.transform(*((fixed, along) if is_meridian else (along, fixed)))
                line = [at(px, py) for px, py in zip(xs, ys, strict=True)]
                path = canvas.beginPath()
                path.moveTo(*line[0])
                for point in line[1:]:
                    path.lineTo(*point)
                canvas.drawPath(path, stroke=1, fill=0)
                words = f"{_degrees(value)}{'E' if is_meridian else 'N'}"
                if is_meridian:
                    self._say(line[0][0] / mm + 0.4, low / mm + 0.7, words, 4.5, color=SOFT)
                else:
                    self._say(left / mm + 0.5, line[0][1] / mm + 0.5, words, 4.5, color=SOFT)
        canvas.restoreState()

    def _facts(self) -> list[str]:
        epsg = self.district.epsg
        updated = (self.result.updated_utc or "")[:10] or "-"
        middle = shapely.centroid(shapely.box(*self.plan.frames[0].bounds))
        lon, lat = to_lonlat([(middle.x, middle.y)], epsg=epsg)[0]
        turn = pyproj.Proj(epsg).get_factors(lon, lat).meridian_convergence
        about = f"{'+' if turn >= 0 else '−'}{_degrees(abs(turn))}"
        run = self._run()
        facts = [
            f"{self._t('坐标系', 'CRS')}: {crs_name(pyproj.CRS.from_epsg(epsg), self.lang)} (EPSG:{epsg})",
            self._t(
                f"图廓数字为公里网坐标(km); 北为坐标北, 子午线收敛角 {about}",
                f"grid in km; north is grid north, convergence {about}",
            ),
        ]
        sources = self.result.source
        if run is not None:
            facts.append(f"{self._t('高程基准', 'Heights')}: {self._heights()}")
            named = [_INPUTS[record.name].to(self.lang) for record in run.inputs if record.name in _INPUTS]
            origins = sorted({record.source for record in run.inputs if record.source not in ("", "-")})
            sources = f"{self._t('、', ', ').join(named)} ({', '.join(origins[:3])}{' …' if len(origins) > 3 else ''})"
            updated = max((record.updated_utc or "" for record in run.inputs), default="")[:10] or updated
        return [
            *facts,
            f"{self._t('资料来源', 'Sources')}: {sources}",
            self._t(
                f"数据时点: {updated}    数据版本: {self.result.revision}",
                f"Data as of {updated}, revision {self.result.revision}",
            ),
        ]

    def _heights(self) -> str:
        """The vertical datum of the terrain that the run stood on."""
        rasters = self.district.store.frame("raster")
        found = sorted(
            {str(datum) for datum in rasters["vertical_datum"] if datum and str(datum) not in ("nan", "None", "none")}
        )
        return ", ".join(_DATUMS[d].to(self.lang) if d in _DATUMS else d for d in found) or self._t(
            "不涉及", "none used"
        )

    def _foot(self, width: float) -> None:
        number = self.text.map_number.strip() or self._t("(未取得, 仅限内部使用)", "(none yet; internal use only)")
        self._say(0, 7.5, f"{self._t('审图号', 'Map approval number')}: {number}", 8.5, bold=True)
        maker = self.text.maker or "____________________"
        made = self._t("制图时间", "Made on")
        words = f"{self._t('制图单位', 'Made by')}: {maker}    {made}: {self.made_on.isoformat()}"
        self._say(0, 2.5, words, 7.5, color=SOFT)
        x = width
        for words in (self._t("批准", "Approved"), self._t("审核", "Checked"), self._t("制图", "Drawn")):
            self._line(x - 26, 1.7, x, 1.7, 0.15)
            self._say(x - 27.5, 2.5, words, 8, align="right")
            x -= 42 if self.lang == "zh" else 46


def _paper_color(mark: Mark) -> Color:
    """The colour on white paper of a mark that lets the base map through on the screen.

    On paper waters, roads and borders lie on top, so a class colour (opacity of a half and more) is printed as it is
    declared: those of the levels are official. A light wash stays one.
    """
    full = HexColor(mark.color)
    k = 1.0 if mark.opacity >= 0.5 else mark.opacity + 0.25
    return Color(1 - k * (1 - full.red), 1 - k * (1 - full.green), 1 - k * (1 - full.blue))


def _dms(value: float) -> str:
    seconds = round(abs(value) * 3600)
    return f"{seconds // 3600}°{seconds // 60 % 60:02d}′{seconds % 60:02d}″"


def _degrees(value: float) -> str:
    minutes = round(value * 60)
    return f"{minutes // 60}°{minutes % 60:02d}′"
