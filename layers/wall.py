"""The figures of the wall of a command centre: what needs somebody now, each with its rows, their places and its age.

A figure is a number that the system already has, from where the map and the boards have it. What the role may not read
is named as withheld, so that nobody takes its absence for an empty list.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Literal

import geopandas as gpd
import shapely

from layers import analyses, query, render
from layers.analyses import dispatch
from layers.analyses.places import PLACES, asked
from layers.analyses.stock import depots_of
from layers.boards import STATES
from layers.catalogue import ALARMS, LAYERS, REASON_TEXTS
from layers.changes import may_read_supplies
from layers.district import District, View
from layers.layer import Lang, Role, Text, plain
from layers.listing import share_text

Tone = Literal["bad", "warn", ""]

MAX_ROWS = 200
"""Rows of one figure; `count` says how many there are."""


@dataclass(frozen=True)
class Asked:
    """For whom and of what moment the figures are."""

    district: District
    view: View
    now: datetime
    role: Role
    lang: Lang
    limit_s: float

    @cached_property
    def orders(self) -> list[tuple[dict[str, Any], dict[str, Any] | None]]:
        """The open orders, the most urgent first, each with its way on the map."""
        frame, _ = _frame(self, "supply_orders")
        ways = dict(zip(frame["id"].astype(str), frame.geometry, strict=True))
        return [(row, _feature(ways.get(str(row["id"])))) for row in dispatch.open_orders(self.district)]


@dataclass(frozen=True)
class Row:
    """One row behind a figure: what of it is short enough to stand beside its title, since when it is so, and where."""

    id: str
    title: str
    detail: str = ""
    amount: str = ""
    since_utc: str | None = None
    geometry: dict[str, Any] | None = None


@dataclass(frozen=True)
class Told:
    """What a figure says: its number, a sentence beside it, its rows, and how old the newest datum is."""

    value: int
    said: str = ""
    rows: list[Row] = field(default_factory=list)
    updated_utc: str | None = None


@dataclass(frozen=True)
class Figure:
    """One figure; `tone` is how grave it is when it is not zero, `layers` show it on the map."""

    id: str
    title: Text
    unit: Text
    source: Text
    tell: Callable[[Asked], Told]
    tone: Tone = ""
    layers: tuple[str, ...] = ()
    is_of_supplies: bool = False


_MOVING = ("supply_orders", "supply_requests", "vehicles")
_NAMELESS = Text("无名地点", "place without a name")
_COVERED = Text("{share} 的人口在 {limit} 分钟内可到", "{share} of the persons are within {limit} min")
_NOBODY = Text("没有登记人口", "no persons are registered")
_CLOSED, _SLOWED = Text("封闭", "closed"), Text("慢行, 剩余速度 {share}%", "slowed to {share}%")
_REGISTERS, _LEDGER = Text("登记数据", "registers"), Text("台账", "ledger")
_ROADS = Text("按队伍与路网计算", "from teams and roads")
_DEVICES = Text("监测终端", "devices")
_PERSONS, _PLACES, _ORDERS = Text("人", "persons"), Text("处", "places"), Text("单", "orders")
_ALARMS, _LAYERS = Text("个", "alarms"), Text("个", "layers")
_LATE = Text("晚点", "late")
_IN_FORCE = Text("另有 {n} 处未到时间", "{n} more have not begun")


def _feature(geometry: Any) -> dict[str, Any] | None:
    if geometry is None or geometry.is_empty:
        return None
    return dict(shapely.geometry.mapping(shapely.set_precision(geometry, 1e-7, mode="pointwise")))


def _uncovered(ask: Asked) -> Told:
    """Persons of the villages (population cells where there are none) whom no team reaches within the limit."""
    places = "villages" if len(ask.view.frame("village")) else "cells"
    answer = analyses.coverage(ask.district, limit_s=ask.limit_s, at=ask.now, places=places, view=ask.view)
    totals = answer.result.totals()
    frame = ask.view.frame(PLACES[places])
    points = shapely.point_on_surface(frame.geometry.to_numpy(dtype=object))
    table = answer.table.assign(point=points)
    out = table[~table["covered"].to_numpy(dtype=bool)].sort_values(["persons", "id"], ascending=[False, True])
    rows = []
    for place in out.to_dict("records"):
        reason = REASON_TEXTS.get(str(place["reason"]))
        parts = (place["street"], None if reason is None else reason.to(ask.lang))
        name = str(place["name"] or _NAMELESS.to(ask.lang))
        detail = " · ".join(str(part) for part in parts if part)
        persons = f"{int(place['persons']):,} {_PERSONS.to(ask.lang)}"
        rows.append(Row(str(place["id"]), name, detail, persons, geometry=_feature(place["point"])))
    said = _NOBODY.to(ask.lang)
    if totals["covered_share"] is not None:
        share = share_text(totals["covered_share"])
        said = _COVERED.to(ask.lang).format(share=share, limit=f"{ask.limit_s / 60:g}")
    return Told(int(totals["persons"] - totals["covered_persons"]), said, rows)


def _frame(ask: Asked, layer: str) -> tuple[gpd.GeoDataFrame, str | None]:
    found = query.read(ask.district, layer, role=ask.role, at=ask.now)
    return found.frame, found.updated_utc


def _closures(ask: Asked) -> Told:
    """What is closed or slowed at this moment, the newest first."""
    frame, updated_utc = _frame(ask, "closures")
    now = frame[frame["state"] == "now"].sort_values(["from_utc", "id"], ascending=[False, True])
    coming = int((frame["state"] == "coming").sum())
    rows = []
    for closure in now.to_dict("records"):
        factor = plain(closure["factor"]) or 0
        mode = _SLOWED.to(ask.lang).format(share=f"{100 * factor:g}") if factor else _CLOSED.to(ask.lang)
        rows.append(
            Row(
                str(closure["id"]),
                str(closure["reason"]),
                mode,
                since_utc=plain(closure["from_utc"]),
                geometry=_feature(closure["geometry"]),
            )
        )
    return Told(len(rows), _IN_FORCE.to(ask.lang).format(n=coming) if coming else "", rows, updated_utc)


def _order_rows(ask: Asked, *, late: bool) -> Told:
    """The open orders, or those that are late or lost, the most urgent first; `since` is when they were due."""
    rows = []
    for order, way in ask.orders:
        if late and order["tone"] != "bad":
            continue
        state = STATES[order["state"]].to(ask.lang)
        is_late = order["late_min"] is not None
        parts = (
            f"{order['depot_name']} → {order['place']}",
            state,
            _LATE.to(ask.lang) if is_late and order["state"] != "late" else None,
        )
        rows.append(
            Row(
                str(order["id"]),
                f"{order['place']} {order['goods']}".strip(),
                " · ".join(part for part in parts if part),
                state,
                order["due_utc"] if is_late else None,
                way,
            )
        )
    return Told(len(rows), "", rows)


def _alarms(ask: Asked) -> Told:
    """What devices call for, the newest first."""
    _, names, places = depots_of(ask.view)
    rows = []
    for alarm in analyses.alarms(ask.district):
        depot = str(alarm.get("depot_id"))
        point = places.get(depot)
        spot = None
        if point is not None and math.isfinite(point[0]):
            spot = {"type": "Point", "coordinates": [round(v, 7) for v in point]}
        rows.append(
            Row(
                str(alarm["id"]),
                f"{ALARMS[alarm['kind']].to(ask.lang)} · {names.get(depot, '')}".rstrip(" ·"),
                str(alarm["name"]),
                since_utc=alarm["since_utc"],
                geometry=spot,
            )
        )
    return Told(len(rows), "", rows, max((row.since_utc or "" for row in rows), default=None))


def _stale(ask: Asked) -> Told:
    """The layers that are older than they may be, the oldest first."""
    rows = []
    for name, layer in query.permitted(ask.role).items():
        if layer.stale_after_s is None:
            continue
        about = render.describe(query.summary(ask.district, name, role=ask.role, at=ask.now), ask.lang)
        if about["stale"]:
            rows.append(Row(name, about["title"], str(about["source"]), since_utc=about["stale_since_utc"]))
    rows.sort(key=lambda row: row.since_utc or "")
    return Told(len(rows), "", rows)


FIGURES: tuple[Figure, ...] = (
    Figure(
        "uncovered",
        Text("时限内到不了的人口", "Persons out of reach"),
        _PERSONS,
        _ROADS,
        _uncovered,
        "bad",
        ("uncovered_places",),
    ),
    Figure(
        "late",
        Text("晚点或失联的调拨", "Orders late or lost"),
        _ORDERS,
        _LEDGER,
        lambda ask: _order_rows(ask, late=True),
        "bad",
        _MOVING,
        is_of_supplies=True,
    ),
    Figure("alarms", Text("监测告警", "Alarms of devices"), _ALARMS, _DEVICES, _alarms, "bad", is_of_supplies=True),
    Figure(
        "closures", Text("生效中的道路封闭", "Closures in force"), _PLACES, _REGISTERS, _closures, "warn", ("closures",)
    ),
    Figure("stale", Text("过期的图层", "Stale layers"), _LAYERS, _REGISTERS, _stale, "warn"),
    Figure(
        "orders",
        Text("在办的调拨", "Orders under way"),
        _ORDERS,
        _LEDGER,
        lambda ask: _order_rows(ask, late=False),
        layers=_MOVING,
        is_of_supplies=True,
    ),
)
"""All figures, the gravest first."""


def wall(district: District, *, role: Role, lang: Lang = "zh", limit_s: float) -> dict[str, Any]:
    """Every figure that the role may read, the gravest first, and the names of those that it may not."""
    view, now = district.view(), district.now()
    ask = Asked(district, view, now, role, lang, limit_s)
    may = [figure for figure in FIGURES if not figure.is_of_supplies or may_read_supplies(role)]
    return {
        **asked(view, now),
        "figures": [_told(figure, figure.tell(ask), role, lang) for figure in may],
        "withheld": [figure.title.to(lang) for figure in FIGURES if figure not in may],
    }


def _told(figure: Figure, told: Told, role: Role, lang: Lang) -> dict[str, Any]:
    return {
        "id": figure.id,
        "title": figure.title.to(lang),
        "unit": figure.unit.to(lang),
        "source": figure.source.to(lang),
        "layers": [name for name in figure.layers if role in LAYERS[name].roles],
        "tone": figure.tone if told.value else "",
        "value": told.value,
        "said": told.said,
        "updated_utc": told.updated_utc,
        "count": len(told.rows),
        "rows": [{**vars(row)} for row in told.rows[:MAX_ROWS]],
    }
