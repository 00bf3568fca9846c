"""避险地图: one A4 page a village with its map, shelters, ways by street names, minutes and whom to ring."""

import io
import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from reportlab.lib.colors import Color, HexColor, white
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable

from data.kinds import SHELTER_CLASSES, STAYS
from geo.errors import InputError, NotFound
from geo.speeds import ROAD_SPEEDS
from layers import paper
from layers.analyses.places import road_names
from layers.catalogue import LAYERS
from layers.district import District, View, metric_geometries
from layers.fonts import REGULAR, SheetFonts, register_fonts
from layers.layer import Lang, Mark, Text
from layers.listing import moment_text
from layers.pens import INK, SOFT, Pens, crs_name
from layers.whatif.layers import NO_PLACE
from layers.whatif.saved import Record, Result
from layers.whatif.village_plans import village_plan, village_plans

MAX_PAGES = 400

_SCALES: tuple[int, ...] = (1000, 1500, 2000, 2500, 3000, 4000, 5000, 6000, 7500, 10_000, 12_500, 15_000)
_SCALES += (20_000, 25_000, 30_000, 40_000, 50_000, 75_000, 100_000, 150_000, 200_000)
_MARGIN = 15.0
_WIDTH, _HEIGHT = A4[0] / mm - 2 * _MARGIN, A4[1] / mm
_LEAST_MAP = 95.0  # mm; a list that leaves less goes on behind the map's page
_FOOT = 19.0
_WAYS = ("#0b5cad", "#7b1fa2", "#b35c00", "#00796b", "#ad1457", "#4e342e")
_ZONE, _WATER, _WARN = HexColor("#c4001a"), HexColor("#cfe3f1"), HexColor("#b10026")
_ROAD_MM = {"motorway": 1.1, "trunk": 1.1, "primary": 1.0, "secondary": 0.85, "tertiary": 0.65}
_HOSPITAL = LAYERS["hospitals"].marks()[0]
_FIRE = Mark(Text("消防站", "fire station"), "#d62728", "star", 14.0)

_T = {
    "title": Text("{village}避险地图", "Evacuation map: {village}"),
    "no": Text("号", "no."),
    "shelter": Text("避难场所", "shelter"),
    "persons": Text("人数", "persons"),
    "way": Text("怎么走", "the way"),
    "length": Text("路程, m", "way, m"),
    "minutes": Text("分钟", "minutes"),
    "keeper": Text("场所联系人", "contact there"),
    "informer": Text("灾害信息员(村联系人)", "contact of the village"),
    "phone": Text("电话", "telephone"),
    "leaving": Text("应转移人数", "persons who leave"),
    "nowhere": Text("暂无安置位置", "without a place"),
    "edition": Text("版本日期", "edition"),
    "inspected": Text("标志检查日期", "signs inspected on"),
    "stay": Text("避难时长", "stay"),
    "zone": Text("危险区", "zone"),
    "on": Text("方式", "how"),
    "foot": Text("步行", "on foot"),
    "bus": Text("乘车, 在集合点上车", "by bus, from the place of assembly"),
    "start": Text("集合点", "assembly"),
    "village": Text("本村(社区)范围", "this village"),
    "closed": Text("道路封闭", "road closed"),
    "route": Text("疏散路线", "way out"),
    "water": Text("水域", "water"),
    "none": Text("没有可安排的避难场所: {reasons}", "no shelter can be given: {reasons}"),
    "sum": Text(
        "分钟 = 预警 {warn} + 准备 {prep} + 途中 + 排队或候车, 到最后一人到达为止, 向上取整; 步行 {speed} m/s。"
        "预警、准备、步速、通行能力为待核对的默认值。",
        "Minutes = warning {warn} + preparation {prep} + travel + queue or waiting, until the last person is there, "
        "rounded up; on foot {speed} m/s. Warning, preparation, speed and width of roads are defaults to be confirmed.",
    ),
    "source": Text(
        "来源: 登记数据与路网, 推演“{plan}”({id}), {made} 计算; {crs}",
        "Source: register and roads, plan '{plan}' ({id}), computed {made}; {crs}",
    ),
    "number": Text("审图号: {number}", "map number: {number}"),
    "internal": Text("内部资料, 无审图号, 不得公开张贴", "internal: no map number, not to be posted in public"),
    "stale": Text("此后数据有改动: {tables}", "the data changed since: {tables}"),
    "ring": Text("紧急电话", "emergency"),
    "numbers": Text("消防 119 · 急救 120 · 公安 110", "fire 119 · ambulance 120 · police 110"),
    "demo": Text("示意数据, 不得用于实际疏散", "Demo data, not for use"),
    "drill": Text("演练用, 不得用于实际疏散", "Drill, not for use"),
    "missing": Text("{persons} 人 ({reasons})", "{persons} persons ({reasons})"),
}


def village_sheets(
    district: District,
    record: Record,
    result: Result,
    *,
    fonts: SheetFonts,
    made: datetime,
    village_id: str | None = None,
    street: str | None = None,
    map_number: str = "",
    lang: Lang = "zh",
) -> bytes:
    """The maps of one village, of one street or of all as a PDF, a page each; a list that is too long goes on behind.

    Without a map number (审图号) the page says that it is internal. NotFound for a village or street of which nobody
    leaves, InputError above `MAX_PAGES` villages, Unavailable where a font is missing. The same plan at one moment
    gives the same bytes.
    """
    view = district.view()
    plans = [village_plan(record, result, village_id)] if village_id else village_plans(record, result, street=street)
    if not plans:
        raise NotFound(f"plan '{record.name}': nobody has to leave" + (f" in street '{street}'" if street else ""))
    if len(plans) > MAX_PAGES:
        raise InputError(f"{len(plans)} villages: at most {MAX_PAGES} are printed at once; name a street")
    register_fonts(fonts)
    stream = io.BytesIO()
    canvas = Canvas(stream, pagesize=A4, invariant=True, pageCompression=1, initialFontName=REGULAR)
    title = _T["title"].to(lang).format(village=plans[0]["village"] if len(plans) == 1 else district.name)
    canvas.setTitle(title)
    canvas.setAuthor(district.name)
    ground = _Ground(district, view, record, result)
    for plan in plans:
        _Page(canvas, lang, ground, plan, made=made, map_number=map_number.strip()).draw()
    canvas.save()
    return stream.getvalue()


class _Ground:
    """What lies on every page: read once."""

    def __init__(self, district: District, view: View, record: Record, result: Result) -> None:
        epsg = district.epsg
        self.district, self.view, self.record, self.result = district, view, record, result
        self.stale = record.stale(view)
        at = district.local(datetime.fromisoformat(record.parameters["at"]))
        self.water = [g for g in metric_geometries(view.frame("water"), epsg) if g is not None]
        villages = view.frame("village")
        self.villages = dict(zip(villages["id"].astype(str), metric_geometries(villages, epsg), strict=True))
        self.edges = view.network.edge_lines()
        self.tree = shapely.STRtree(self.edges)
        rows = road_names(view)["name"].to_numpy(dtype=object)
        self.edge_name = rows[view.network.edge_row] if len(self.edges) else rows[:0]
        classes = [row.highway.removesuffix("_link") for row in ROAD_SPEEDS]
        widths = np.array([_ROAD_MM.get(name, 0.4) for name in classes])
        self.edge_mm = widths[view.network.edge_class]
        self.closures = [
            g for g in metric_geometries(view.frame("closure").iloc[view.closures_in_force(at)], epsg) if g is not None
        ]
        teams = view.frame("team")
        fire = teams["type"].eq("fire").to_numpy(dtype=bool)
        self.points = [(_HOSPITAL, xy) for xy in view.points_m("hospital")]
        self.points += [(_FIRE, xy) for xy in view.points_m("team")[fire]]
        zone = result.layers["evacuation_zone"]
        self.zone = metric_geometries(zone, epsg)[0] if len(zone) else None
        routes = result.layers["evacuation_moves"]
        self.routes = dict(zip(_keys(routes), metric_geometries(routes, epsg), strict=True))
        starts = result.layers["evacuation_villages"]
        self.starts = [
            (str(id_), shape) for id_, shape in zip(starts["village_id"], metric_geometries(starts, epsg), strict=True)
        ]
        self.shelters = result.tables["shelters"].set_index("id").to_dict("index")


def _keys(rows: Any) -> list[tuple[str, str, str]]:
    return list(zip(rows["village_id"].astype(str), rows["part"], rows["shelter_id"].astype(str), strict=True))


class _Page(Pens):
    """The page of one village."""

    def __init__(
        self, canvas: Canvas, lang: Lang, ground: _Ground, plan: Mapping[str, Any], *, made: datetime, map_number: str
    ) -> None:
        super().__init__(canvas, lang)
        self.ground, self.plan, self.made, self.map_number = ground, plan, made, map_number
        self.color = [HexColor(_WAYS[k % len(_WAYS)]) for k in range(len(plan["ways"]))]
        self.lines = [ground.routes[(plan["village_id"], way["part"], way["shelter_id"])] for way in plan["ways"]]

    def _text(self, name: str, **values: Any) -> str:
        return _T[name].to(self.lang).format(**values)

    # -- the page -------------------------------------------------------------------------------------

    def draw(self) -> None:
        """Head, facts, map, legend, list, foot; what of the list does not fit goes on on a further page."""
        top = _HEIGHT - 12.0
        top = self._put(self._head(), top) - 2.5
        top = self._put(self._facts(), top) - 3.0
        foot = _FOOT
        table = self._ways()
        _, tall = table.wrap(_WIDTH * mm, 1e6)
        legend = 11.0
        height = top - foot - legend - tall / mm - 5.0
        if height >= _LEAST_MAP:
            self._map(_MARGIN, top - height, _WIDTH, height)
            below = self._legend(top - height - 4.5)
            self._put(table, below - 1.5)
            self._foot()
        else:
            height = top - foot - legend - 5.0
            self._map(_MARGIN, top - height, _WIDTH, height)
            self._legend(top - height - 4.5)
            self._foot()
            self._pages(table)
        self.canvas.showPage()

    def _pages(self, table: Flowable) -> None:
        """The list on pages of its own behind the map."""
        parts = [table]
        while parts:
            self.canvas.showPage()
            self._say(_MARGIN, _HEIGHT - 14.0, self._text("title", village=self.plan["village"]), 13, bold=True)
            room = _HEIGHT - 20.0 - _FOOT
            first, *parts = parts[0].split(_WIDTH * mm, room * mm)
            self._put(first, _HEIGHT - 20.0)
            self._foot()

    def _put(self, flowable: Flowable, top: float) -> float:
        """Draw below a height; returns where it ends, in mm."""
        _, tall = flowable.wrap(_WIDTH * mm, 1e6)
        flowable.drawOn(self.canvas, _MARGIN * mm, top * mm - tall)
        return float(top - tall / mm)

    def _head(self) -> Flowable:
        plan, zone = self.plan, self.ground.district.timezone
        lines = [
            f"{plan['street'] or ''} · {self._text('edition')} {self.made:%Y-%m-%d}",
            f"{self._text('zone')}: {plan['zone'] or '—'} · {self._text(plan['on'])} · {self._text('stay')}: "
            f"{_stay(plan['stay'], self.lang)} · {moment_text(plan['at'], zone)}",
        ]
        return paper.head(self.ground.district, self._text("title", village=plan["village"]), lines, code=self._code())

    def _code(self) -> str:
        """What the QR code says: where to go and whom to ring, readable without a network."""
        lines = [str(self.plan["village"])]
        for way in self.plan["ways"][:3]:
            place = self.ground.shelters[way["shelter_id"]]
            lines.append(f"→ {way['shelter']} {way['phone'] or ''} geo:{place['lat']},{place['lon']}")
        return "\n".join(lines)

    def _facts(self) -> Flowable:
        plan = self.plan
        reasons = self._reasons()
        missing = self._text("missing", persons=f"{plan['missing']:,}", reasons=reasons) if plan["missing"] else "0"
        return paper.facts(
            [
                (self._text("informer"), plan["contact"], self._text("phone"), plan["phone"]),
                (self._text("leaving"), f"{plan['persons']:,}", self._text("nowhere"), missing),
                (self._text("inspected"), "", self._text("ring"), self._text("numbers")),
            ]
        )

    def _reasons(self) -> str:
        found = [NO_PLACE[reason].to(self.lang) for reason in self.plan["reasons"] if reason in NO_PLACE]
        return ("、" if self.lang == "zh" else ", ").join(found)

    def _ways(self) -> Flowable:
        """The list: each shelter with its number on the map."""
        rows: list[Sequence[Any]] = []
        for k, way in enumerate(self.plan["ways"], start=1):
            place = self.ground.shelters[way["shelter_id"]]
            told = "; ".join(step[f"text_{self.lang}"] for step in way["steps"])
            about = f"{way['shelter']} ({_class(place['class'], self.lang)}, {place['places']:,})"
            ring = " ".join(str(part) for part in (way["contact"], way["phone"]) if part)
            rows.append(
                [k, about, f"{way['persons']:,}", told, f"{way['road_m'] + way['legs_m']:,.0f}", way["minutes"], ring]
            )
        if not rows:
            rows.append(["", self._text("none", reasons=self._reasons()), "", "", "", "", ""])
        titles = [self._text(name) for name in ("no", "shelter", "persons", "way", "length", "minutes", "keeper")]
        return paper.lines(titles, [8, 40, 15, 66, 15, 13, 30], rows, numeric=(0, 2, 4, 5))

    def _legend(self, y: float) -> float:
        """One or two rows of marks under the map; returns where they end."""
        entries: list[tuple[str, Any]] = [
            ("route", "line"),
            ("start", "start"),
            ("shelter", "shelter"),
            ("village", "outline"),
        ]
        entries += [(name, name) for name in ("zone", "closed", "water") if name in self._drawn]
        entries += [(mark.label.to(self.lang), mark) for mark in (_HOSPITAL, _FIRE) if mark.color in self._drawn]
        x = _MARGIN
        for name, kind in entries:
            words = name if isinstance(kind, Mark) else self._text(name)
            wide = 8.0 + self._width(words, 8) + 3.6
            if x + wide - 3.6 > _MARGIN + _WIDTH:
                x, y = _MARGIN, y - 4.8
            self._legend_mark(x, y, kind)
            self._say(x + 8.0, y, words, 8)
            x += wide
        return y - 2.0

    def _legend_mark(self, x: float, y: float, kind: Any) -> None:
        canvas, middle = self.canvas, y + 1.0
        if isinstance(kind, Mark):
            self._mark(x + 3.5, middle, kind, 1.7)
        elif kind == "line":
            self._line(x, middle, x + 7.0, middle, 0.9, HexColor(_WAYS[0]))
        elif kind == "start":
            self._start(x + 3.5, middle)
        elif kind == "shelter":
            self._number(x + 3.5, middle, "1", HexColor(_WAYS[0]))
        elif kind == "closed":
            self._cross(x + 3.5, middle)
        else:
            fill = {"outline": None, "zone": Color(*_ZONE.rgb(), alpha=0.22), "water": _WATER}[kind]
            canvas.setStrokeColor({"outline": INK, "zone": _ZONE, "water": HexColor("#8fb7d3")}[kind])
            canvas.setLineWidth(0.5 * mm if kind != "water" else 0.1 * mm)
            canvas.setDash([1.6 * mm, 0.9 * mm] if kind == "outline" else [])
            if fill is not None:
                canvas.setFillColor(fill)
            canvas.rect(x * mm, (y - 0.6) * mm, 7.0 * mm, 3.2 * mm, stroke=1, fill=int(fill is not None))
            canvas.setDash()

    def _foot(self) -> None:
        ground, plan = self.ground, self.plan
        canvas, district = self.canvas, ground.district
        speed = ground.record.parameters["walk_m_s"]
        summary = ground.record.summary
        crs = crs_name(pyproj.CRS.from_epsg(district.epsg), self.lang)
        lines = [
            *self._wrapped(
                self._text("sum", warn=f"{summary['warn_s'] / 60:g}", prep=f"{summary['prep_s'] / 60:g}", speed=speed),
                7,
                _WIDTH,
            ),
            *self._wrapped(
                self._text(
                    "source",
                    plan=plan["plan"],
                    id=plan["plan_id"][:8],
                    made=moment_text(plan["made_utc"], district.timezone),
                    crs=crs,
                ),
                7,
                _WIDTH,
            ),
        ]
        if ground.stale:
            lines.append(self._text("stale", tables=", ".join(ground.stale)))
        canvas.setStrokeColor(paper.LINE)
        canvas.setLineWidth(0.4)
        top = 4.8 + 3.2 * len(lines) + 4.2
        canvas.line(_MARGIN * mm, (top + 2.6) * mm, (_MARGIN + _WIDTH) * mm, (top + 2.6) * mm)
        for k, words in enumerate(lines):
            self._say(
                _MARGIN, top - 0.6 - 3.2 * k, words, 7, color=_WARN if ground.stale and k + 1 == len(lines) else SOFT
            )
        number = self._text("number", number=self.map_number) if self.map_number else self._text("internal")
        self._say(_MARGIN, 4.4, number, 8, bold=True)
        warning = "drill" if district.drill_of_utc else "demo" if district.demo else ""
        if warning:
            self._say(_MARGIN + _WIDTH / 2, 4.4, self._text(warning), 8, bold=True, align="middle", color=_WARN)
        self._say(_MARGIN + _WIDTH, 4.4, f"{district.name} · {plan['village_id']}", 8, align="right", color=SOFT)

    # -- the map --------------------------------------------------------------------------------------

    def _map(self, x: float, y: float, w: float, h: float) -> None:
        ground, canvas = self.ground, self.canvas
        scale, bounds = self._extent(w, h)
        k = 1000.0 / scale

        def at(xy: Any) -> NDArray[np.float64]:
            points = np.asarray(xy, dtype=np.float64).reshape(-1, 2)
            return np.column_stack([x + (points[:, 0] - bounds[0]) * k, y + (points[:, 1] - bounds[1]) * k])

        self._at, self._window = at, shapely.box(*bounds)
        self._drawn: set[str] = set()  # what the legend has to name
        canvas.saveState()
        frame = canvas.beginPath()
        frame.rect(x * mm, y * mm, w * mm, h * mm)
        canvas.clipPath(frame, stroke=0, fill=0)
        canvas.setFillColor(HexColor("#fbfaf7"))
        canvas.rect(x * mm, y * mm, w * mm, h * mm, stroke=0, fill=1)
        self._fill(ground.water, _WATER, HexColor("#8fb7d3"), 0.1, name="water")
        self._streets()
        if ground.zone is not None:
            self._fill([ground.zone], Color(*_ZONE.rgb(), alpha=0.22), _ZONE, 0.5, name="zone")
        outline = ground.villages.get(self.plan["village_id"])
        if outline is not None and shapely.get_dimensions(outline) == 2:
            canvas.setDash([2.4 * mm, 1.2 * mm])
            self._fill([outline], None, INK, 0.55)
            canvas.setDash()
        for line, color in zip(self.lines[::-1], self.color[::-1], strict=True):
            self._route(line, color)
        for shape in ground.closures:
            if shapely.intersects(shape, self._window):
                self._drawn.add("closed")
                self._cross(*at(shapely.get_coordinates(shapely.point_on_surface(shape)))[0])
        for mark, xy in ground.points:
            if np.isfinite(xy).all() and shapely.intersects(self._window, shapely.Point(xy)):
                self._drawn.add(mark.color)
                px, py = at(xy)[0]
                self._mark(px, py, mark, 2.0)
        self._labels(x, y, w, h)
        canvas.restoreState()
        self._box(x, y, w, h, 0.4)
        self._plate(x + w - 13.0, y + h - 19.5, 11.5, 18.0)
        self._arrow(x + w - 7.2, y + h - 17.0)
        self._plate(x + 1.5, y + 1.5, 62.0, 12.5)
        self._scale_bar(x + 4.0, y + 3.2, 56.0, scale)

    def _plate(self, x: float, y: float, w: float, h: float) -> None:
        self.canvas.setFillColor(Color(1, 1, 1, alpha=0.88))
        self.canvas.roundRect(x * mm, y * mm, w * mm, h * mm, 1 * mm, stroke=0, fill=1)

    def _extent(self, w: float, h: float) -> tuple[int, tuple[float, float, float, float]]:
        """The largest of the usual scales at which the village, the ways and the shelters fit, and what is shown."""
        shapes = list(self.lines)
        outline = self.ground.villages.get(self.plan["village_id"])
        if outline is not None:
            shapes.append(outline)
        shapes += [shape for id_, shape in self.ground.starts if id_ == self.plan["village_id"]]
        if not shapes:
            raise NotFound(f"village '{self.plan['village_id']}' has no place on the map")
        min_x, min_y, max_x, max_y = shapely.total_bounds(np.array(shapes, dtype=object))
        spare = 12.0  # mm on each side
        needed = max((max_x - min_x) / (w - 2 * spare), (max_y - min_y) / (h - 2 * spare)) * 1000.0
        scale = next((s for s in _SCALES if s >= needed), math.ceil(needed / 1e5) * 100_000)
        cx, cy = (min_x + max_x) / 2, (min_y + max_y) / 2
        half = w * scale / 2000.0, h * scale / 2000.0
        return scale, (cx - half[0], cy - half[1], cx + half[0], cy + half[1])

    def _draw_path(self, shape: Any) -> Any:
        path = self.canvas.beginPath()
        for part in shapely.get_parts(shape):
            is_area = shapely.get_dimensions(part) == 2
            for ring in shapely.get_rings(part) if is_area else [part]:
                points = self._at(shapely.get_coordinates(ring)) * mm
                if len(points) < 2:
                    continue
                path.moveTo(points[0, 0], points[0, 1])
                for px, py in points[1:].tolist():
                    path.lineTo(px, py)
                if is_area:
                    path.close()
        return path

    def _fill(
        self, shapes: Sequence[Any], fill: Color | None, stroke: Color, width: float, *, name: str = "village"
    ) -> None:
        for shape in shapes:
            if shapely.intersects(shape, self._window):
                self._drawn.add(name)
                self.canvas.setStrokeColor(stroke)
                self.canvas.setLineWidth(width * mm)
                if fill is not None:
                    self.canvas.setFillColor(fill)
                path = self._draw_path(shape)
                is_area = fill is not None and shapely.get_dimensions(shape) == 2
                self.canvas.drawPath(path, stroke=1, fill=int(is_area), fillMode=0)

    def _streets(self) -> None:
        """Every street as a grey band with a white core, the greater ones over the others."""
        ground, canvas = self.ground, self.canvas
        seen = np.sort(ground.tree.query(self._window, predicate="intersects"))
        canvas.setLineCap(1)
        canvas.setLineJoin(1)
        for color, more in ((HexColor("#b9b4aa"), 0.3), (white, 0.0)):
            for width in np.unique(ground.edge_mm[seen]):
                chosen = seen[ground.edge_mm[seen] == width]
                canvas.setStrokeColor(color)
                canvas.setLineWidth((width + more) * mm)
                canvas.drawPath(self._draw_path(shapely.multilinestrings(ground.edges[chosen])), stroke=1, fill=0)
        self._seen = seen.tolist()

    def _route(self, line: Any, color: Color) -> None:
        """A way with arrows every 22 mm."""
        canvas = self.canvas
        for tint, width in ((white, 2.1), (color, 1.2)):
            canvas.setStrokeColor(tint)
            canvas.setLineWidth(width * mm)
            canvas.drawPath(self._draw_path(line), stroke=1, fill=0)
        xy = self._at(shapely.get_coordinates(line))
        on_page = shapely.LineString(xy)
        for far in np.arange(11.0, on_page.length - 4.0, 22.0):
            tip, back = (
                shapely.get_coordinates(shapely.line_interpolate_point(on_page, d))[0] for d in (far, far - 1.0)
            )
            along = (tip - back) / max(float(np.hypot(*(tip - back))), 1e-9)
            side = np.array([-along[1], along[0]])
            corners = [tip + along * 2.2, tip - along * 0.9 + side * 1.6, tip - along * 0.9 - side * 1.6]
            path = canvas.beginPath()
            path.moveTo(*(corners[0] * mm))
            for corner in corners[1:]:
                path.lineTo(*(corner * mm))
            path.close()
            canvas.setFillColor(color)
            canvas.setStrokeColor(white)
            canvas.setLineWidth(0.2 * mm)
            canvas.drawPath(path, stroke=1, fill=1)

    def _start(self, x: float, y: float) -> None:
        self.canvas.setFillColor(white)
        self.canvas.setStrokeColor(INK)
        self.canvas.setLineWidth(0.7 * mm)
        self.canvas.circle(x * mm, y * mm, 1.5 * mm, stroke=1, fill=1)

    def _number(self, x: float, y: float, words: str, color: Color) -> None:
        """A shelter: a pentagon with its number in the list."""
        radius, canvas = 2.9, self.canvas
        path = canvas.beginPath()
        for k in range(5):
            a = math.radians(90 + 72 * k)
            (path.moveTo if k == 0 else path.lineTo)((x + radius * math.cos(a)) * mm, (y + radius * math.sin(a)) * mm)
        path.close()
        canvas.setFillColor(color)
        canvas.setStrokeColor(white)
        canvas.setLineWidth(0.4 * mm)
        canvas.drawPath(path, stroke=1, fill=1)
        self._say(x, y - 1.05, words, 8.5, bold=True, align="middle", color=white)

    def _cross(self, x: float, y: float) -> None:
        for dx, dy in ((1.6, 1.6), (1.6, -1.6)):
            self._line(x - dx, y - dy, x + dx, y + dy, 0.8, _ZONE)

    def _labels(self, x: float, y: float, w: float, h: float) -> None:
        """Shelters and the start with their names, then street names where there is room."""
        taken = [shapely.box(x + w - 13.5, y + h - 20, x + w, y + h), shapely.box(x, y, x + 64, y + 14.5)]
        for id_, shape in self.ground.starts:
            if id_ == self.plan["village_id"]:
                px, py = self._at(shapely.get_coordinates(shape))[0]
                self._start(px, py)
                self._label(px, py, self._text("start"), 8, taken)
        for k, (line, color) in enumerate(zip(self.lines, self.color, strict=True), start=1):
            px, py = self._at(shapely.get_coordinates(line)[-1:])[0]
            taken.append(shapely.box(px - 3, py - 3, px + 3, py + 3))
            self._number(px, py, str(k), color)
        for k, way in enumerate(self.plan["ways"]):
            px, py = self._at(shapely.get_coordinates(self.lines[k])[-1:])[0]
            self._label(px, py, way["shelter"], 8.5, taken)
        named: dict[str, list[int]] = {}
        for edge in self._seen:
            if name := self.ground.edge_name[edge]:
                named.setdefault(str(name), []).append(edge)
        inner = shapely.buffer(self._window, -0.02 * math.sqrt(self._window.area))
        for name, edges in sorted(named.items()):
            merged = shapely.line_merge(shapely.intersection(shapely.union_all(self.ground.edges[edges]), inner))
            part = max(shapely.get_parts(merged), key=shapely.length, default=None)
            if part is not None and part.length > 0:
                place = shapely.line_interpolate_point(part, 0.5, normalized=True)
                px, py = self._at(shapely.get_coordinates(place))[0]
                self._label(px, py, name, 8, taken, beside=False)

    def _label(self, px: float, py: float, words: str, size: float, taken: list[Any], *, beside: bool = True) -> None:
        """Words with a halo at the first place around a point that is free and on the map; else left out."""
        wide, tall = self._width(words, size, bold=True), size * 0.36
        places = [(0.0, -3.4 - tall), (0.0, 3.4), (wide / 2 + 3.6, -tall / 2), (-wide / 2 - 3.6, -tall / 2)]
        min_x, min_y, max_x, max_y = shapely.bounds(
            shapely.multipoints(self._at([self._window.bounds[:2], self._window.bounds[2:]]))
        )
        for dx, dy in places if beside else [(0.0, -tall / 2), *places]:
            box = shapely.box(px + dx - wide / 2 - 0.4, py + dy - 0.6, px + dx + wide / 2 + 0.4, py + dy + tall + 0.6)
            a, b, c, d = box.bounds
            inside = a >= min_x and b >= min_y and c <= max_x and d <= max_y
            if inside and not any(shapely.intersects(box, other) for other in taken):
                taken.append(box)
                self._halo(px + dx, py + dy, words, size)
                return


def _class(code: str | None, lang: Lang) -> str:
    return next((Text(c.zh, c.en).to(lang) for c in SHELTER_CLASSES if c.code == code), "—")


def _stay(code: str, lang: Lang) -> str:
    return next((Text(c.zh, c.en).to(lang) for c in STAYS if c.code == code), code)
