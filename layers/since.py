"""What changed since a moment as one list, the newest first, each change with its place: the hand-over on the map.

Orders, stock, counts and closures are those of the hand-over sheet; what was changed in the registers comes beside.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from data import schema
from geo.errors import InputError
from layers.analyses import dispatch
from layers.analyses.places import TABLE_OF, asked, lonlats
from layers.analyses.stock import depots_of
from layers.boards import LISTINGS, OPERATIONS
from layers.catalogue import FACILITY_LAYERS, LAYERS
from layers.changes import may_read_supplies
from layers.district import District, View
from layers.layer import Lang, Role, Text
from layers.listing import cell_text, moment_text

MAX_ROWS = 500
"""Rows of one answer; the newest stay."""

TOGETHER = 5
"""More rows of one register than this, changed in one way, are told in one row."""

_TITLES: dict[str, tuple[str, ...]] = {
    "events": ("number", "action"),
    "movements": ("kind", "item_name"),
    "counts": ("item_name",),
    "states": ("item_name", "to_status"),
    "closures": ("operation", "reason"),
}
_DETAILS: dict[str, tuple[str, ...]] = {
    "events": ("to_state", "depot_name", "place", "reason", "actor"),
    "movements": ("quantity", "unit", "movements", "depot_name", "lot", "reason", "actor"),
    "counts": ("difference", "unit", "depot_name", "lot", "reason", "actor"),
    "states": ("from_status", "depot_name", "lot", "actor"),
    "closures": ("id",),
}
_REGISTERS = ("villages", *FACILITY_LAYERS)
_SPAN = ("from_utc", "to_utc")
_OPEN = Text("未定", "open")
_ROWS = Text("{n} 条", "{n} rows")
_REGISTER = Text("登记数据", "Registers")
_TABLES = {TABLE_OF.get(kind, "village"): kind for kind in _REGISTERS}


def since(
    district: District, moment: datetime | None = None, *, role: Role = "viewer", lang: Lang = "zh"
) -> dict[str, Any]:
    """What was recorded since a moment (bound included; None: since the last 22:00), the newest first.

    Who may not read supplies hears of closures and registers only. InputError for a moment that is to come, or longer
    ago than `dispatch.LONGEST_SHIFT`.
    """
    view, now = district.view(), district.now()
    begin = dispatch.shift_begin(now) if moment is None else district.local(moment)
    if not now - dispatch.LONGEST_SHIFT <= begin <= now:
        raise InputError(f"since={begin.isoformat()}: expected a moment of the last {dispatch.LONGEST_SHIFT.days} days")
    parts = dispatch.handover(district, begin)
    told = tuple(_TITLES) if may_read_supplies(role) else ("closures",)
    rows = [_row(view, part, row, lang) for part in told for row in parts[part]]
    rows += _registers(view, begin, role, lang)
    rows.sort(key=lambda row: (row["recorded_utc"], row["part"], row["id"]), reverse=True)
    return {
        **asked(view, now),
        "since": begin.isoformat(),
        "count": len(rows),
        "truncated": len(rows) > MAX_ROWS,
        "rows": rows[:MAX_ROWS],
    }


def _row(view: View, part: str, row: Mapping[str, Any], lang: Lang) -> dict[str, Any]:
    """One change of the hand-over in words, with its place and its page."""
    listing = LISTINGS[part]
    if part == "closures" and row["operation"] == "update" and (row["to_utc"] or "9") <= row["recorded_utc"]:
        row = {**row, "operation": "delete"}  # ended by hand: the road is open again
    columns = {column.name: column for column in listing.columns}

    def words(names: tuple[str, ...]) -> list[str]:
        found = [cell_text(columns[name], row, lang=lang, zone=view.district.timezone) for name in names]
        return [text for text in found if text]

    detail = words(_DETAILS[part])
    if part == "closures":
        begins, ends = (moment_text(row[name], view.district.timezone) or _OPEN.to(lang) for name in _SPAN)
        detail = [f"{begins} – {ends}", *detail]
    page = None
    if part == "events":
        page = f"/supplies/orders/{row['order_id']}"
    elif row.get("lot_id"):
        page = f"/supplies/lots?lot={row['lot_id']}"
    return {
        "part": part,
        "group": listing.title.to(lang),
        "id": str(row.get("order_id") or row.get("lot_id") or row.get("id") or ""),
        "recorded_utc": row["recorded_utc"],
        "title": " ".join(words(_TITLES[part])),
        "detail": " · ".join(detail),
        "tone": row.get("tone") or "",
        "place": _place(view, part, row),
        "page": page,
    }


def _place(view: View, part: str, row: Mapping[str, Any]) -> list[float] | None:
    """Where it happened: where an order goes, the depot of a lot, a closure itself; None without a place."""
    if part == "closures":
        return _places_of(view, "closure").get(str(row["id"]))
    if part == "events":
        return view.kept("places of orders", lambda: _places_of_orders(view)).get(str(row["order_id"]))
    return _known(depots_of(view)[2].get(str(row.get("depot_id"))))


def _places_of_orders(view: View) -> dict[str, list[float] | None]:
    requests = _places_of(view, "supply_request")
    orders = view.frame("supply_order")
    return {
        str(order): requests.get(str(request))
        for order, request in zip(orders["id"], orders["request_id"], strict=True)
    }


def _places_of(view: View, table: str) -> dict[str, list[float] | None]:
    """Id -> a point of each row of a table."""

    def make() -> dict[str, list[float] | None]:
        frame = view.frame(table)
        ids = frame["id"].astype(str)
        return {id_: _known(list(place)) for id_, place in zip(ids, lonlats(frame), strict=True)}

    return view.kept(("places of", table), make)


def _known(place: list[float] | None) -> list[float] | None:
    return None if place is None or place[0] != place[0] else [round(v, 7) for v in place]  # NaN differs from itself


def _registers(view: View, begin: datetime, role: Role, lang: Lang) -> list[dict[str, Any]]:
    """What was entered, changed or lifted in the registers, each row once with what was done last."""
    change = schema.table("change")
    tables = [table for table, kind in _TABLES.items() if role in LAYERS[kind].roles]
    statement = (
        sa.select(change.c.table, change.c.id, change.c.operation, change.c.utc)
        .where(change.c.table.in_(tables), change.c.utc >= schema.utc_text(begin.astimezone(UTC)))
        .order_by(change.c.seq)
    )
    done: dict[tuple[str, str], tuple[str, str]] = {}
    with view.district.store.reading() as conn:
        for table, id_, operation, utc in conn.execute(statement):
            done[(table, id_)] = (operation, utc)
    groups: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for (table, id_), (operation, utc) in done.items():
        groups.setdefault((table, operation), []).append((utc, id_))
    rows = []
    for (table, operation), members in groups.items():
        layer = LAYERS[_TABLES[table]]
        told: dict[str, Any] = {"part": "registers", "group": _REGISTER.to(lang), "tone": "", "page": None}
        title = f"{layer.title.to(lang)} {OPERATIONS[operation].to(lang)}"
        if len(members) > TOGETHER:
            words = _ROWS.to(lang).format(n=f"{len(members):,}")
            rows.append({**told, "id": layer.id, "recorded_utc": max(members)[0], "title": title, "detail": words})
            rows[-1]["place"] = None
            continue
        frame = view.frame(table)
        names = dict(zip(frame["id"].astype(str), frame["name"], strict=True))
        rows += [
            {
                **told,
                "id": id_,
                "recorded_utc": utc,
                "title": title,
                "detail": f"{names.get(id_) or ''} {id_}".strip(),
                "place": _places_of(view, table).get(id_),
            }
            for utc, id_ in members
        ]
    return rows
