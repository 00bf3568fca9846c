"""What lies around an incident on paper: one A4 sheet with a map to scale, the numbers, and the rows by distance."""

import json
import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import geopandas as gpd
import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from reportlab.lib.colors import Color, HexColor, white
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import CondPageBreak, Flowable, Spacer

from data.kinds import RISK_LEVELS, SKILLS
from geo.crs import to_metric
from geo.speeds import ROAD_SPEEDS
from layers import paper
from layers.analyses.around import around, around_area
from layers.catalogue import LAYERS, ROAD_CLASS_TEXTS
from layers.district import District, metric_geometries
from layers.fonts import SheetFonts, register_fonts
from layers.html import mark_for
from layers.layer import Lang, Role, Text, choice_texts
from layers.listing import moment_text, number_text
from layers.pens import Pens, crs_name
from layers.whatif.layers import SHELTER_OUT

MAX_ROWS = 12
"""Rows of a list on paper; how many more there are is said below it."""

_MAP_MM = 100.0
_SCALES: tuple[int, ...] = (
    1000,
    2000,
    2500,
    5000,
    7500,
    10_000,
    15_000,
    20_000,
    25_000,
    30_000,
    40_000,
    50_000,
    75_000,
    100_000,
)
_SCALES += (150_000, 200_000, 300_000, 500_000)
_AREA, _WATER, _WATER_LINE = HexColor("#c4001a"), HexColor("#cfe3f1"), HexColor("#8fb7d3")
_STREET, _CLOSED = HexColor("#5b4b8a"), HexColor("#c4001a")
_ROAD_MM = {"motorway": 1.0, "trunk": 0.9, "primary": 0.8, "secondary": 0.6, "tertiary": 0.45}
_DRAWN = ("lifelines", "shelters", "depots", "enterprises", "hospitals", "teams")
"""Points on the map, what matters most on top."""

_T = {
    "title": Text("周边分析", "Around an incident"),
    "radius": Text("半径 {n} m 以内 (含)", "within {n} m (included)"),
    "minutes": Text(
        "行车 {n} 分钟以内 (含, 封闭路段按此刻; 含步行最后一段)",
        "within {n} min of driving (included; closures as of now; last leg on foot)",
    ),
    "place": Text("地点", "Place"),
    "at": Text("时刻", "Moment"),
    "night": Text("夜间常住人口", "Persons at night"),
    "day": Text("白天人口", "Persons by day"),
    "persons": Text("{n} 人", "{n}"),
    "unknown": Text("没有数据", "no data"),
    "day_unknown": Text("{n} 人, {k} 个村没有白天人口", "{n}; {k} villages without a number by day"),
    "enterprises": Text("企业", "Enterprises"),
    "workers": Text("当班人数", "Workers on shift"),
    "shelters": Text("避难场所", "Shelters"),
    "shelter_sum": Text("{n} 处, 可用 {k} 处, 可安置 {p} 人", "{n}, {k} serve, places for {p}"),
    "teams": Text("救援队伍", "Teams"),
    "team_sum": Text("{n} 支, 此刻在岗 {k} 支", "{n}, {k} on duty now"),
    "hospitals": Text("医院", "Hospitals"),
    "hospital_sum": Text("{n} 家, 床位 {k} 张", "{n} with {k} beds"),
    "schools": Text("学校", "Schools"),
    "school_sum": Text("{n} 所, {k} 人", "{n} with {k} persons"),
    "depots": Text("物资仓库", "Depots"),
    "depot_sum": Text("{n} 座, 可用物资 {k} 种", "{n} with {k} kinds of items"),
    "kinds": Text("可用物资 {n} 种", "{n} kinds of items"),
    "roads": Text("道路", "Roads"),
    "nothing": Text("没有", "none"),
    "by_skill": Text("队伍按能力 (在岗/全部)", "Teams by skill (on duty/all)"),
    "substances": Text("危险物质合计", "Substances in all"),
    "items": Text("可用物资合计", "Items in all"),
    "name": Text("名称", "Name"),
    "distance": Text("直线, m", "Straight, m"),
    "drive": Text("到达, 分", "There in, min"),
    "about": Text("内容", "What"),
    "ring": Text("联系人 电话", "Contact"),
    "more": Text("另有 {n} 处未列", "{n} more are not listed"),
    "out": Text("不可用: {reason}", "does not serve: {reason}"),
    "takes": Text("可安置 {n} 人", "places for {n}"),
    "duty": Text("在岗", "on duty"),
    "no_duty": Text("不在岗", "off duty"),
    "beds": Text("床位 {n} 张", "{n} beds"),
    "here": Text("事发地点", "incident"),
    "area": Text("分析范围", "area"),
    "closed": Text("道路封闭", "road closed"),
    "source": Text(
        "来源: {sources}; 数据版本 {revision}; {crs}。"
        "人口按村内人口格网点分摊 (没有格网点的按面积); 道路按图上线长, 双线道路计两次。",
        "Sources: {sources}; revision {revision}; {crs}. Persons by the cells of each village (by area where it has "
        "none); roads by the length drawn, dual carriageways twice.",
    ),
    "internal": Text("内部使用, 未经审图, 不得公开", "internal; no map number; not for the public"),
}


def around_sheet(
    district: District,
    *,
    lonlat: tuple[float, float],
    fonts: SheetFonts,
    radius_m: float | None = None,
    minutes: float | None = None,
    at: datetime | None = None,
    title: str = "",
    role: Role = "viewer",
    lang: Lang = "zh",
) -> bytes:
    """The answer of `around` as a PDF; contacts stand on it where the role may see them.

    The same question at one moment gives the same bytes.
    """
    question: dict[str, Any] = {"lonlat": lonlat, "radius_m": radius_m, "minutes": minutes, "at": at}
    found = around(district, **question, role=role)
    area = around_area(district, **question)["geometry"]
    register_fonts(fonts)
    words = _Words(district, found, lang)
    mark = f"{lonlat[0]:.5f}, {lonlat[1]:.5f}"
    content: list[Flowable] = [
        paper.head(district, title or words.t("title"), words.head(), code=f"geo:{lonlat[1]:.6f},{lonlat[0]:.6f}"),
        Spacer(1, 3 * mm),
        _Sketch(district, found, area, lang),
        Spacer(1, 2 * mm),
        paper.facts(words.sums()),
        Spacer(1, 2 * mm),
        *(paper.text(line, 8.5) for line in words.together()),
        Spacer(1, 1.5 * mm),
        paper.text(words.source(), 7.5, soft=True),
        paper.text(words.t("internal"), 8, bold=True),
    ]
    for kind in ("enterprises", "shelters", "teams", "depots", "hospitals", "lifelines"):
        content += words.listed(kind)
    return paper.document(
        district, content, title=title or words.t("title"), mark=mark, fonts=fonts, made=district.now(), lang=lang
    )


class _Words:
    """The answer in words of one language."""

    def __init__(self, district: District, found: Mapping[str, Any], lang: Lang) -> None:
        self.district, self.found, self.lang = district, found, lang
        self.parts: Mapping[str, Any] = found["summary"]

    def t(self, name: str, **values: Any) -> str:
        return _T[name].to(self.lang).format(**values)

    def _comma(self, parts: Sequence[str]) -> str:
        return ("、" if self.lang == "zh" else ", ").join(parts) or self.t("nothing")

    def head(self) -> list[str]:
        found = self.found
        area = " · ".join(str(part) for part in (found["street"], found["village"]) if part)
        name = "radius" if "radius_m" in found else "minutes"
        bound = self.t(name, n=f"{found['radius_m' if name == 'radius' else 'minutes']:,g}")
        lon, lat = found["place"]
        moment = moment_text(found["at"], self.district.timezone)
        return [bound, f"{area}  {lon:.5f}, {lat:.5f} (WGS 84)", f"{self.t('at')} {moment}"]

    def sums(self) -> list[tuple[str, Any, str, Any]]:
        """The numbers, two in a row."""
        p = self.parts
        persons, shelters, teams = p["persons"], p["shelters"], p["teams"]
        schools, hospitals, depots = p["lifelines"]["schools"], p["hospitals"], p["depots"]
        day = (
            self.t("unknown")
            if persons["day"] is None
            else self.t("day_unknown", n=f"{persons['day']:,}", k=persons["day_unknown"])
            if persons["day_unknown"]
            else self.t("persons", n=f"{persons['day']:,}")
        )
        levels = choice_texts(RISK_LEVELS, self.lang)
        by_level = self._comma(
            [f"{levels.get(code, '—')} {n}" for code, n in p["enterprises"]["by_level"].items() if n]
        )
        roads = self._comma(
            [
                f"{ROAD_CLASS_TEXTS[row['class']].to(self.lang)} {row['length_m'] / 1000:.1f} km"
                for row in p["roads"]["by_class"]
            ]
        )
        t = self.t
        return [
            (t("night"), t("persons", n=f"{persons['resident']:,}"), t("day"), day),
            (t("enterprises"), f"{p['enterprises']['count']}: {by_level}", t("workers"), self._workers()),
            (
                t("shelters"),
                t("shelter_sum", n=shelters["count"], k=shelters["serving"], p=f"{shelters['places']:,}"),
                t("teams"),
                t("team_sum", n=teams["count"], k=teams["on_duty"]),
            ),
            (
                t("hospitals"),
                t("hospital_sum", n=hospitals["count"], k=f"{hospitals['beds']:,}"),
                t("schools"),
                t("school_sum", n=schools["count"], k=f"{schools['capacity']:,}"),
            ),
            (t("depots"), t("depot_sum", n=depots["count"], k=len(depots["items"])), t("roads"), roads),
        ]

    def _workers(self) -> str:
        return self.t("persons", n=f"{self.parts['enterprises']['workers_on_shift']:,}")

    def together(self) -> list[str]:
        """What is there of each skill, substance and item."""
        skills = choice_texts(SKILLS, self.lang)
        by_skill = [f"{skills[r['skill']]} {r['on_duty']}/{r['teams']}" for r in self.parts["teams"]["by_skill"]]
        substances = [
            f"{row['name']} {number_text(row['quantity_t'])} t" for row in self.parts["enterprises"]["substances"]
        ]
        items = [f"{r['name']} {number_text(r['available'])} {r['unit']}" for r in self.parts["depots"]["items"]]
        return [
            f"{self.t(name)}: {self._comma(values)}"
            for name, values in (("by_skill", by_skill), ("substances", substances), ("items", items))
        ]

    def source(self) -> str:
        zone = self.district.timezone
        told = {
            f"{one['source']} {moment_text(one['updated_utc'], zone)[:10]}"
            for one in self.found["sources"].values()
            if one["rows"]
        }
        crs = crs_name(pyproj.CRS.from_epsg(self.district.epsg), self.lang)
        return self.t("source", sources=", ".join(sorted(told)), revision=self.found["revision"], crs=crs)

    def listed(self, kind: str) -> list[Flowable]:
        """The rows of a kind as a table; nothing where there are none."""
        rows = [row for row in self.found["facilities"] if row["kind"] == kind]
        if not rows:
            return []
        has_contact = any("phone" in row["attributes"] for row in rows)
        titles = [self.t(name) for name in ("name", "distance", "drive", "about", *(["ring"] if has_contact else []))]
        cells = []
        for row in rows[:MAX_ROWS]:
            minutes = "—" if row["total_s"] is None else f"{row['total_s'] / 60:.1f}"
            cell = [row["name"] or row["id"], f"{row['distance_m']:,.0f}", minutes, self._about(kind, row)]
            if has_contact:
                ring = (row["attributes"].get("contact"), row["attributes"].get("phone"))
                cell.append(" ".join(str(part) for part in ring if part))
            cells.append(cell)
        title = f"{LAYERS[kind].title.to(self.lang)} ({len(rows)})"
        table = paper.lines(titles, [48, 16, 15, 66, 32][: len(titles)], cells, numeric=(1, 2))
        parts: list[Flowable] = [CondPageBreak(45 * mm), Spacer(1, 3 * mm), paper.text(title, 10, bold=True)]
        parts += [Spacer(1, 1 * mm), table]
        if len(rows) > MAX_ROWS:
            parts.append(paper.text(self.t("more", n=len(rows) - MAX_ROWS), 8, soft=True))
        return parts

    def _about(self, kind: str, row: Mapping[str, Any]) -> str:
        fields = {field.name: field for field in LAYERS[kind].fields}
        own = row["attributes"]

        def choice(name: str) -> list[str]:
            codes = [code for code in str(own.get(name) or "").split(";") if code]
            return [fields[name].choices[code].to(self.lang) for code in codes if code in fields[name].choices]

        match kind:
            case "enterprises":
                held = [f"{one['name']} {number_text(one['quantity_t'])} t" for one in row.get("substances", ())]
                return "; ".join([*choice("risk_level"), *choice("categories"), *held])
            case "shelters":
                if row["out"]:
                    return self.t("out", reason=SHELTER_OUT[row["out"]].to(self.lang))
                return "; ".join([*choice("class"), self.t("takes", n=f"{row['places']:,}")])
            case "teams":
                return "; ".join(
                    [self.t("duty" if own.get("on_duty") else "no_duty"), *choice("type"), *choice("skills")]
                )
            case "depots":
                return "; ".join([*choice("level"), self.t("kinds", n=len(row["items"]))])
            case "hospitals":
                return self.t("beds", n=number_text(own.get("beds"))) if own.get("beds") else ""
            case _:
                size = f"{number_text(own.get('capacity'))} {own.get('capacity_unit') or ''}".strip()
                return "; ".join([*choice("type"), *([size] if size else [])])


class _Sketch(Flowable):  # type: ignore[misc]
    """The map of the sheet, as wide as the page."""

    def __init__(self, district: District, found: Mapping[str, Any], area: Any, lang: Lang) -> None:
        super().__init__()
        self.ground = (district, found, area, lang)

    def __deepcopy__(self, memo: Any) -> "_Sketch":
        return _Sketch(*self.ground)  # laying out does not change what is drawn

    def wrap(self, width: float, height: float) -> tuple[float, float]:
        return paper.WIDTH, _MAP_MM * mm

    def draw(self) -> None:
        _Map(self.canv, *self.ground).draw()


class _Map(Pens):
    """The map itself: millimetres from the lower left corner of the flowable."""

    def __init__(self, canvas: Canvas, district: District, found: Mapping[str, Any], area: Any, lang: Lang) -> None:
        super().__init__(canvas, lang)
        self.district, self.found = district, found
        self.wide, self.tall = paper.WIDTH / mm, _MAP_MM - 6.0
        self.here = to_metric([found["place"]], epsg=district.epsg)[0]
        shape = shapely.Point(found["place"]) if area is None else shapely.from_geojson(json.dumps(area))
        self.area = metric_geometries(gpd.GeoDataFrame(geometry=[shape], crs=4326), district.epsg)[0]
        self.scale, self.window = self._extent()

    def _extent(self) -> tuple[int, Any]:
        """The largest of the usual scales that holds the area, and what is shown."""
        min_x, min_y, max_x, max_y = shapely.union(self.area, shapely.Point(self.here)).bounds
        spare = 4.0
        needed = max((max_x - min_x) / (self.wide - 2 * spare), (max_y - min_y) / (self.tall - 2 * spare)) * 1000.0
        scale = next((s for s in _SCALES if s >= needed), math.ceil(needed / 1e5) * 100_000)
        cx, cy = (min_x + max_x) / 2, (min_y + max_y) / 2
        half_x, half_y = self.wide * scale / 2000.0, self.tall * scale / 2000.0
        return scale, shapely.box(cx - half_x, cy - half_y, cx + half_x, cy + half_y)

    def _at(self, xy: Any) -> NDArray[np.float64]:
        points = np.asarray(xy, dtype=np.float64).reshape(-1, 2)
        k = 1000.0 / self.scale
        left, bottom = self.window.bounds[:2]
        return np.column_stack([(points[:, 0] - left) * k, 6.0 + (points[:, 1] - bottom) * k])

    def _path(self, shapes: Any) -> Any:
        path = self.canvas.beginPath()
        for part in shapely.get_parts(shapes):
            is_area = shapely.get_dimensions(part) == 2
            for ring in shapely.get_rings(part) if is_area else [part]:
                points = self._at(shapely.get_coordinates(ring)) * mm
                if len(points) > 1:
                    path.moveTo(*points[0])
                    for x, y in points[1:].tolist():
                        path.lineTo(x, y)
                    if is_area:
                        path.close()
        return path

    def _shape(self, shape: Any, stroke: Color, width: float, fill: Color | None = None) -> None:
        if shape is None or not shapely.intersects(shape, self.window):
            return
        self.canvas.setStrokeColor(stroke)
        self.canvas.setLineWidth(width * mm)
        if fill is not None:
            self.canvas.setFillColor(fill)
        fine = shapely.simplify(shape, self.scale / 1000.0 * 0.05)
        is_area = fill is not None and shapely.get_dimensions(shape) == 2
        self.canvas.drawPath(self._path(fine), stroke=1, fill=int(is_area), fillMode=0)

    def draw(self) -> None:
        """Ground, area, facilities, frame, arrow, bar, and one row of legend."""
        canvas, view, epsg = self.canvas, self.district.view(), self.district.epsg
        canvas.saveState()
        frame = canvas.beginPath()
        frame.rect(0, 6.0 * mm, self.wide * mm, self.tall * mm)
        canvas.clipPath(frame, stroke=0, fill=0)
        canvas.setFillColor(HexColor("#fbfaf7"))
        canvas.rect(0, 0, self.wide * mm, _MAP_MM * mm, stroke=0, fill=1)
        for water in metric_geometries(view.frame("water"), epsg):
            self._shape(water, _WATER_LINE, 0.1, _WATER)
        self._shape(self.area, _AREA, 0.35, Color(*_AREA.rgb(), alpha=0.1))
        self._roads()
        canvas.setDash([2.2 * mm, 0.8 * mm, 0.4 * mm, 0.8 * mm])
        for street in metric_geometries(view.frame("street"), epsg):
            self._shape(street, _STREET, 0.25)
        canvas.setDash()
        self._shape(self.area, _AREA, 0.35)
        at = datetime.fromisoformat(self.found["at"])
        closures = metric_geometries(view.frame("closure").iloc[view.closures_in_force(at)], epsg)
        closed = [c for c in closures if c is not None and shapely.intersects(c, self.window)]
        for closure in closed:
            self._cross(*self._at(shapely.get_coordinates(shapely.point_on_surface(closure)))[0])
        kinds = self._points()
        self._incident(*self._at(self.here)[0])
        canvas.restoreState()
        self._box(0, 6.0, self.wide, self.tall, 0.4)
        self._arrow(self.wide - 7.0, _MAP_MM - 17.5)
        canvas.setFillColor(Color(1, 1, 1, alpha=0.88))
        canvas.roundRect(1.5 * mm, 7.5 * mm, 62 * mm, 12.5 * mm, 1 * mm, stroke=0, fill=1)
        self._scale_bar(4.0, 9.2, 56.0, self.scale)
        self._legend(kinds, has_closures=bool(closed))

    def _roads(self) -> None:
        """Every road as a grey line, the greater ones wider and on top."""
        network, canvas = self.district.view().network, self.canvas
        lines = network.edge_lines()
        seen = np.flatnonzero(shapely.intersects(lines, self.window)) if len(lines) else np.empty(0, dtype=np.intp)
        widths = np.array([_ROAD_MM.get(row.highway.removesuffix("_link"), 0.2) for row in ROAD_SPEEDS])
        edge_mm = widths[network.edge_class]
        canvas.setLineCap(1)
        canvas.setLineJoin(1)
        for width in np.unique(edge_mm[seen]):
            chosen = seen[edge_mm[seen] == width]
            canvas.setStrokeColor(HexColor("#c4bfb4" if width < 0.4 else "#9d968a"))
            canvas.setLineWidth(width * mm)
            canvas.drawPath(self._path(shapely.multilinestrings(lines[chosen])), stroke=1, fill=0)

    def _points(self) -> list[str]:
        drawn = []
        for kind in _DRAWN:
            rows = [row for row in self.found["facilities"] if row["kind"] == kind]
            for row in rows:
                x, y = self._at(to_metric([row["place"]], epsg=self.district.epsg))[0]
                self._mark(x, y, mark_for(LAYERS[kind], row["attributes"]), 1.5)
            drawn += [kind] if rows else []
        return drawn

    def _incident(self, x: float, y: float) -> None:
        canvas = self.canvas
        for radius, width, color in ((2.6, 1.0, white), (2.6, 0.5, _AREA)):
            canvas.setStrokeColor(color)
            canvas.setLineWidth(width * mm)
            canvas.circle(x * mm, y * mm, radius * mm, stroke=1, fill=0)
        self._line(x - 4.2, y, x + 4.2, y, 0.35, _AREA)
        self._line(x, y - 4.2, x, y + 4.2, 0.35, _AREA)

    def _cross(self, x: float, y: float) -> None:
        for turn in (1.4, -1.4):
            self._line(x - 1.4, y - turn, x + 1.4, y + turn, 0.7, _CLOSED)

    def _legend(self, kinds: Sequence[str], *, has_closures: bool) -> None:
        x = 0.0
        self._incident_mark(x + 2.0)
        x = self._word(x + 5.0, _T["here"].to(self.lang))
        self.canvas.setStrokeColor(_AREA)
        self.canvas.setFillColor(Color(*_AREA.rgb(), alpha=0.1))
        self.canvas.setLineWidth(0.4 * mm)
        self.canvas.rect(x * mm, 1.2 * mm, 4.5 * mm, 2.6 * mm, stroke=1, fill=1)
        x = self._word(x + 6.0, _T["area"].to(self.lang))
        for kind in reversed(kinds):
            self._mark(x + 1.6, 2.5, LAYERS[kind].marks()[0], 1.5)
            x = self._word(x + 4.2, LAYERS[kind].title.to(self.lang).split("(")[0])
        if has_closures:
            self._cross(x + 1.6, 2.5)
            self._word(x + 4.2, _T["closed"].to(self.lang))

    def _incident_mark(self, x: float) -> None:
        self.canvas.setStrokeColor(_AREA)
        self.canvas.setLineWidth(0.45 * mm)
        self.canvas.circle(x * mm, 2.5 * mm, 1.4 * mm, stroke=1, fill=0)
        self._line(x - 2, 2.5, x + 2, 2.5, 0.3, _AREA)
        self._line(x, 0.5, x, 4.5, 0.3, _AREA)

    def _word(self, x: float, words: str) -> float:
        self._say(x, 1.6, words, 7.5)
        return x + self._width(words, 7.5) + 3.0
