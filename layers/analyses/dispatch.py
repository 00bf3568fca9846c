"""Supplies on the move as rows for people: what is open and what comes next, what changed since, where a piece is."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import Connection

from data import orders, recalls, schema, stock
from data.ledger import shown
from geo.errors import NotFound
from geo.supply import number_of, thousandths
from layers.district import District

PARTS = ("quantity", "issued", "received", "damaged", "missing", "used", "returned")
HELD = ("reserved", "in_transit", "at_place", "coming_back")

NEXT_STEPS: dict[str, str] = {
    "reserved": "place",
    "ordered": "issue",
    "issued": "depart",
    "in_transit": "receive",
    "late": "receive",
    "lost": "find",
    "partly_received": "receive",
    "received": "use",
}
"""What an order waits for; `order_row` puts ``settle`` where nothing of a received one is left open."""


def goods_text(lines: Iterable[Mapping[str, Any]], part: str = "quantity") -> str:
    """What an order carries, item by item, in words."""
    sums_e3: dict[tuple[str, str], int] = {}
    for line in lines:
        key = (line["item_name"], line["unit"])
        sums_e3[key] = sums_e3.get(key, 0) + thousandths(line[part] or 0)
    return "; ".join(f"{name} {shown(amount_e3)} {unit}" for (name, unit), amount_e3 in sums_e3.items() if amount_e3)


def due_and_late(order: Mapping[str, Any], now: datetime) -> tuple[str | None, float | None]:
    """When an order is due, and by how many minutes it is late or will be; None where it is not."""
    due = order["promised_utc"] or order["deadline_utc"]
    if due is None or order["state"] in ("received", *orders.CLOSED_STATES):
        return due, None
    last = max(now, now if order["eta_utc"] is None else datetime.fromisoformat(order["eta_utc"]))
    beyond = (last - datetime.fromisoformat(due)) / timedelta(minutes=1)
    return due, beyond if beyond > 0 else None


def order_row(order: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """One order for a list: when it is due, by how much it is late, what comes next."""
    due, late = due_and_late(order, now)
    is_there = order["state"] in ("received", "settled")
    eta = None if is_there else order["eta_utc"]
    step = NEXT_STEPS.get(order["state"])
    if order["state"] == "received" and not any(line[name] for line in order["lines"] for name in HELD):
        step = "settle"
    return {
        **{
            name: order[name]
            for name in ("id", "number", "state", "request_id", "depot_id", "depot_name", "place", "unit", "contact")
        },
        "goods": goods_text(order["lines"]) or goods_text(order["lines"], "issued"),
        "vehicle": order["vehicle_name"],
        "driver": order["driver"],
        "driver_phone": order["phone"],
        "eta_utc": eta,
        "due_utc": due,
        "late_min": late,
        "next": step,
        "expires_utc": order["expires_utc"],
        "left_min": None if order["expires_utc"] is None else _minutes_to(order["expires_utc"], now),
        "tone": "bad"
        if order["state"] == "lost" or late is not None
        else "warn"
        if order["state"] in ("reserved", "partly_received")
        else "",
    }


_URGENCY = ("lost", "late", "reserved", "ordered", "issued", "in_transit", "partly_received", "received")


def open_orders(district: District) -> list[dict[str, Any]]:
    """Every open order: the lost and late first, then what waits for somebody, then by when it is due."""
    now = district.now()
    with district.store.reading() as conn:
        found = orders.open_orders(conn)
    rows = [order_row(order, now) for order in found]
    rows.sort(
        key=lambda row: (
            row["tone"] != "bad",
            _URGENCY.index(row["state"]),
            row["due_utc"] or "9999",
            row["request_id"],
            len(row["number"]),
            row["number"],
        )
    )
    return rows


def reservations(district: District, found: Sequence[Mapping[str, Any]] | None = None) -> list[dict[str, Any]]:
    """What is reserved and not yet ordered, the first to run out first; of the open orders where they are known."""
    rows = [dict(row) for row in (open_orders(district) if found is None else found) if row["state"] == "reserved"]
    for row in rows:
        row["tone"] = "bad" if row["left_min"] is not None and row["left_min"] <= 5 else "warn"
    return sorted(rows, key=lambda row: row["expires_utc"] or "")


def papers(district: District) -> list[dict[str, Any]]:
    """Orders by telephone whose papers are missing, with the clock of 48 hours."""
    now = district.now()
    with district.store.reading() as conn:
        found = orders.papers_due(conn)
    rows = []
    for request in found:
        left = _minutes_to(request["papers_due_utc"], now)
        rows.append(
            {
                **{
                    name: request[name]
                    for name in ("id", "number", "unit", "place", "contact", "created_utc", "created_by")
                },
                "papers_due_utc": request["papers_due_utc"],
                "left_min": left if left >= 0 else None,
                "overdue_min": -left if left < 0 else None,
                "tone": "bad" if left < 0 else "warn" if left < 12 * 60 else "",
            }
        )
    return rows


def open_requests(district: District) -> list[dict[str, Any]]:
    """Requests that are open, item by item, with what is outstanding; the greatest lack first within a request."""
    with district.store.reading() as conn:
        found = orders.open_requests(conn)
    return [
        {
            **{name: request[name] for name in ("id", "number", "unit", "place", "deadline_utc", "created_utc")},
            **{
                name: line[name]
                for name in ("item_id", "item_name", "requested", "bound", "received", "lost", "outstanding")
            },
            "item_unit": line["unit"],
            "tone": "bad" if line["outstanding"] else "",
        }
        for request in found
        for line in request["lines"]
    ]


def requests_outstanding(district: District) -> list[dict[str, Any]]:
    """What nobody brings yet: lines of open requests of which something is outstanding."""
    return [row for row in open_requests(district) if row["outstanding"]]


# -- one order ------------------------------------------------------------------------------------


def order_pieces(order: Mapping[str, Any], trace: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Where every piece of an order is, lot by lot; `restocked` is what a depot took back."""
    restocked: dict[str, float] = {}
    released: dict[str, float] = {}
    for row in trace:
        if row["what"] == "movement" and row["reversed_by"] is None:
            if row["action"] == "restock":
                restocked[row["lot_id"]] = restocked.get(row["lot_id"], 0) + row["quantity"]
            if row["action"] == "release":
                released[row["lot_id"]] = released.get(row["lot_id"], 0) + row["quantity"]
    return [
        {**line, "restocked": restocked.get(line["lot_id"], 0), "released": released.get(line["lot_id"], 0)}
        for line in order["lines"]
    ]


def unfit_pieces(district: District, pieces: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Lots of an order that are recalled or quarantined by now while it still binds or has out something of them."""
    held = [
        p["lot_id"] for p in pieces if any(p[part] for part in ("reserved", "in_transit", "at_place", "coming_back"))
    ]
    with district.store.reading() as conn:
        lots = stock.lots_of(conn, held)
    return [
        {name: row[name] for name in ("id", "lot", "item_name", "status")}
        for row in lots.values()
        if row["status"] in recalls.STATES
    ]


def issue_rows(conn: Connection, order: Mapping[str, Any], *, now: datetime) -> list[dict[str, Any]]:
    """Which lots to hand out for an order: those reserved where they are fit, else others that expire first.

    Every lot of the depot that may be taken is a row; `proposed` is what is to be taken of it.
    """
    day = stock.local_day(conn, now)
    reserved_e3 = {line["lot_id"]: thousandths(line["reserved"]) for line in order["lines"] if line["reserved"]}
    items = list(dict.fromkeys(line["item_id"] for line in order["lines"] if line["reserved"]))
    free = {lot.lot_id: lot.free_e3 for lot in stock.free_lots(conn, order["depot_id"], items, day=day)}
    lots = stock.lots_of(conn, [*reserved_e3, *free])
    rows: list[dict[str, Any]] = []
    lacking: dict[str, int] = {}
    for lot_id, quantity_e3 in reserved_e3.items():
        row = lots[lot_id]
        problem = _unfit(row, day)
        if problem:
            lacking[row["item_id"]] = lacking.get(row["item_id"], 0) + quantity_e3
        rows.append(_issue_row(row, quantity_e3, 0 if problem else quantity_e3, free.get(lot_id, 0), problem))
    for lot_id, free_e3 in free.items():
        row = lots[lot_id]
        if lot_id not in reserved_e3:
            take = min(lacking.get(row["item_id"], 0), free_e3)
            lacking[row["item_id"]] = lacking.get(row["item_id"], 0) - take
            rows.append(_issue_row(row, 0, take, free_e3, None))
    rows.sort(key=lambda row: (row["item_id"], not row["reserved"], row["expires_on"] or "9999", row["lot"]))
    return rows


def _issue_row(
    row: Mapping[str, Any], reserved_e3: int, proposed_e3: int, free_e3: int, problem: str | None
) -> dict[str, Any]:
    return {
        **{name: row[name] for name in ("lot", "item_id", "item_name", "unit", "expires_on", "status")},
        "lot_id": row["id"],
        "reserved": number_of(reserved_e3),
        "proposed": number_of(proposed_e3),
        "free": number_of(free_e3),
        "problem": problem,
    }


def _unfit(row: Mapping[str, Any], day: str) -> str | None:
    if row["status"] != "usable":
        return str(row["status"])
    return "expired" if row["expires_on"] is not None and row["expires_on"] < day else None


# -- what changed -----------------------------------------------------------------------------------


_NO_END = "9999"


LONGEST_SHIFT = timedelta(days=31)
"""How far back a hand-over may begin, bound included."""


def shift_begin(now: datetime, hour: int = 22) -> datetime:
    """The last time that it was a certain full hour: the beginning of the shift that ends now."""
    found = now.replace(hour=hour, minute=0, second=0, microsecond=0)
    return found if found <= now else found - timedelta(days=1)


def handover(district: District, since: datetime, until: datetime | None = None) -> dict[str, list[dict[str, Any]]]:
    """What was recorded since a moment (bounds included): steps of orders, stock, counts, states, closures.

    Without `until` up to the last: after a clock was set back, what is recorded keeps its order and lies ahead of it.
    """
    first = schema.utc_text(since.astimezone(UTC))
    last = _NO_END if until is None else schema.utc_text(until.astimezone(UTC))
    with district.store.reading() as conn:
        return {
            "events": _events(conn, first, last),
            "moved": _moved(conn, first, last),
            "movements": _movements(conn, first, last),
            "counts": _counts(conn, first, last),
            "states": _states(conn, first, last),
            "closures": _closures(conn, first, last),
        }


def _events(conn: Connection, first: str, last: str) -> list[dict[str, Any]]:
    event, order = schema.table("order_event"), schema.table("supply_order")
    request, depot = schema.table("supply_request"), schema.table("depot")
    statement = (
        sa.select(
            event.c.recorded_utc,
            event.c.occurred_utc,
            event.c.order_id,
            order.c.number,
            event.c.action,
            event.c.from_state,
            event.c.to_state,
            event.c.actor,
            event.c.reason,
            depot.c.name.label("depot_name"),
            request.c.place,
        )
        .join(order, order.c.id == event.c.order_id)
        .join(request, request.c.id == order.c.request_id)
        .join(depot, depot.c.id == order.c.depot_id)
        .where(
            event.c.recorded_utc >= first,
            event.c.recorded_utc <= last,
            # An arrival that is computed anew is news only where the order turns late or punctual.
            sa.or_(event.c.action != "eta", event.c.from_state != event.c.to_state),
        )
        .order_by(event.c.seq)
    )
    return [
        {**row, "tone": "bad" if row["to_state"] in ("lost", "late") else ""}
        for row in conn.execute(statement).mappings()
    ]


def _movements(conn: Connection, first: str, last: str) -> list[dict[str, Any]]:
    """What was booked apart from orders; what came by a file is one row for each kind."""
    movement = schema.table("movement")
    statement = (
        _of_lots(
            movement,
            movement.c.recorded_utc,
            movement.c.occurred_utc,
            movement.c.kind,
            movement.c.quantity_e3,
            movement.c.from_account,
            movement.c.to_account,
            movement.c.actor,
            movement.c.reason,
            movement.c.source,
        )
        .where(
            movement.c.recorded_utc >= first,
            movement.c.recorded_utc <= last,
            movement.c.from_ref.is_(None),
            movement.c.to_ref.is_(None),
        )
        .order_by(movement.c.seq)
    )
    rows: list[dict[str, Any]] = []
    files: dict[tuple[str, str], dict[str, Any]] = {}
    for row in conn.execute(statement).mappings():
        if row["actor"] is not None:
            rows.append({**row, "quantity": number_of(int(row["quantity_e3"]))})
            continue
        names = ("recorded_utc", "kind", "from_account", "to_account")
        key = (row["source"], row["kind"])
        if key not in files:
            files[key] = {**{n: row[n] for n in names}, "actor": row["source"], "movements": 0}
            rows.append(files[key])
        files[key]["movements"] += 1
    return rows


_MOVED = {
    "reserve": "reserved",
    "release": "released",
    "issue": "issued",
    "delivery": "received",
    "use": "used",
    "restock": "restocked",
    "write_off": "written_off",
}


def _moved(conn: Connection, first: str, last: str) -> list[dict[str, Any]]:
    """Item by item, what orders reserved, issued, delivered, used, brought back and lost, less what was undone."""
    movement, lot, item = schema.table("movement"), schema.table("lot"), schema.table("item")
    undone = movement.alias("undone")
    kind = sa.func.coalesce(undone.c.kind, movement.c.kind)
    quantity = movement.c.quantity_e3 * sa.case((movement.c.reverses.is_not(None), -1), else_=1)
    statement = (
        sa.select(item.c.id, item.c.name, item.c.unit, kind, sa.func.sum(quantity))
        .join(lot, lot.c.id == movement.c.lot_id)
        .join(item, item.c.id == lot.c.item_id)
        .outerjoin(undone, undone.c.id == movement.c.reverses)
        .where(
            movement.c.recorded_utc >= first,
            movement.c.recorded_utc <= last,
            kind.in_(tuple(_MOVED)),
            sa.or_(movement.c.from_ref.is_not(None), movement.c.to_ref.is_not(None)),
        )
        .group_by(item.c.id, item.c.name, item.c.unit, kind)
        .order_by(item.c.id)
    )
    found: dict[str, dict[str, Any]] = {}
    for item_id, name, unit, what, total in conn.execute(statement):
        row = found.setdefault(item_id, {"item_id": item_id, "item_name": name, "unit": unit})
        row[_MOVED[what]] = number_of(int(total))
    return list(found.values())


def _counts(conn: Connection, first: str, last: str) -> list[dict[str, Any]]:
    count = schema.table("stock_count")
    statement = (
        _of_lots(
            count,
            *(count.c[n] for n in ("recorded_utc", "occurred_utc", "expected_e3", "counted_e3")),
            *(count.c[n] for n in ("reason", "actor", "checker")),
        )
        .where(count.c.recorded_utc >= first, count.c.recorded_utc <= last)
        .order_by(count.c.seq)
    )
    return [
        {
            **row,
            "expected": number_of(int(row["expected_e3"])),
            "counted": number_of(int(row["counted_e3"])),
            "difference": number_of(int(row["counted_e3"]) - int(row["expected_e3"])),
            "tone": "warn" if row["counted_e3"] != row["expected_e3"] else "",
        }
        for row in conn.execute(statement).mappings()
    ]


def _states(conn: Connection, first: str, last: str) -> list[dict[str, Any]]:
    change = schema.table("lot_status_change")
    names = ("recorded_utc", "occurred_utc", "from_status", "to_status", "reason", "actor")
    statement = (
        _of_lots(change, *(change.c[n] for n in names))
        .where(change.c.recorded_utc >= first, change.c.recorded_utc <= last)
        .order_by(change.c.seq)
    )
    return [dict(row) for row in conn.execute(statement).mappings()]


def _of_lots(table: sa.Table, *columns: Any) -> Any:
    """A select of rows about lots, with the names of lot, item and depot."""
    lot, item, depot = schema.table("lot"), schema.table("item"), schema.table("depot")
    return (
        sa.select(
            *columns,
            table.c.lot_id,
            lot.c.lot,
            lot.c.depot_id,
            depot.c.name.label("depot_name"),
            lot.c.item_id,
            item.c.name.label("item_name"),
            item.c.unit,
        )
        .join(lot, lot.c.id == table.c.lot_id)
        .join(item, item.c.id == lot.c.item_id)
        .join(depot, depot.c.id == lot.c.depot_id)
    )


def _closures(conn: Connection, first: str, last: str) -> list[dict[str, Any]]:
    """Closures that were entered, changed or lifted; each once, with what was done last."""
    change, closure = schema.table("change"), schema.table("closure")
    names = ("id", "reason", "from_utc", "to_utc", "factor")
    rows = {row["id"]: dict(row) for row in conn.execute(sa.select(*(closure.c[n] for n in names))).mappings()}
    statement = (
        sa.select(change.c.id, change.c.operation, change.c.utc)
        .where(change.c.table == "closure", change.c.utc >= first, change.c.utc <= last)
        .order_by(change.c.seq)
    )
    found: dict[str, dict[str, Any]] = {}
    for identity, operation, utc in conn.execute(statement):
        found[identity] = {
            "id": identity,
            "operation": operation,
            "recorded_utc": utc,
            **rows.get(identity, dict.fromkeys(names[1:])),
        }
    return list(found.values())


# -- depots and lots ----------------------------------------------------------------------------------


def depots(district: District) -> list[dict[str, Any]]:
    """The depots with how many lots they hold and when the oldest of these was counted."""
    view = district.view()
    frame, lots = view.frame("depot"), view.frame("lot")
    held = lots[lots["on_hand_e3"] > 0].groupby("depot_id")
    numbers = held.size().to_dict()
    counted = {depot: None if own["counted_utc"].isna().any() else own["counted_utc"].min() for depot, own in held}
    return [
        {
            **{name: row[name] for name in ("id", "name", "level", "contact", "phone")},
            "lots": numbers.get(row["id"], 0),
            "counted_utc": counted.get(row["id"]),
        }
        for row in pd.DataFrame(frame.drop(columns="geometry")).sort_values("id").to_dict("records")
    ]


def depot_of(district: District, depot_id: str) -> dict[str, Any]:
    """One depot; NotFound where there is none."""
    for row in depots(district):
        if row["id"] == depot_id:
            return row
    raise NotFound(f"there is no depot {depot_id!r}")


def depot_stock(district: District, depot_id: str, *, empty: bool = False) -> list[dict[str, Any]]:
    """The lots of a depot: on hand, reserved, on hold, available, state, expiry, last count."""
    now = district.now()
    day = now.date()
    with district.store.reading() as conn:
        lot, item = schema.table("lot"), schema.table("item")
        names = ("id", "depot_id", "item_id", "lot", "status", "expires_on", "counted_utc", *schema.BALANCES)
        statement = (
            sa.select(*(lot.c[n] for n in names), item.c.name.label("item_name"), item.c.unit)
            .join(item, item.c.id == lot.c.item_id)
            .where(lot.c.depot_id == depot_id)
            .order_by(lot.c.item_id, sa.func.coalesce(lot.c.expires_on, "9999"), lot.c.lot)
        )
        found = [dict(row) for row in conn.execute(statement).mappings()]
    rows = []
    for row in found:
        on_hand, reserved, held = (int(row[name]) for name in schema.BALANCES)
        if not on_hand and not empty:
            continue
        left = None if row["expires_on"] is None else (date.fromisoformat(row["expires_on"]) - day).days
        is_good = row["status"] == "usable" and (left is None or left >= 0)
        rows.append(
            {
                **{name: row[name] for name in names[:7]},
                "lot_id": row["id"],
                "item_name": row["item_name"],
                "unit": row["unit"],
                "on_hand": number_of(on_hand),
                "reserved": number_of(reserved),
                "on_hold": number_of(held),
                "available": number_of(on_hand - reserved - held) if is_good else 0,
                "days_left": left,
                "tone": "" if is_good and (left is None or left > 30) else "bad" if not is_good else "warn",
            }
        )
    return rows


def recalled_goods(district: District, depot_id: str) -> list[dict[str, Any]]:
    """Where the goods are of which a lot is recalled or quarantined, as far as they concern a depot."""
    with district.store.reading() as conn:
        found = recalls.concerning(conn, depot_id)
    return [
        {
            **row,
            "orders_text": ", ".join(row["orders"]),
            "because_text": ", ".join(row["because"]),
            "tone": "bad" if row["status"] == "usable" else "",
        }
        for row in found
    ]


def lot_life(district: District, lot_id: str) -> dict[str, Any]:
    """A lot with everything that happened to it, as it happened."""
    with district.store.reading() as conn:
        trace = orders.trace_lot(conn, lot_id)
        row = stock.lots_of(conn, [lot_id])[lot_id]
        held = schema.table("holding")
        statement = (
            sa.select(held.c.account, held.c.ref, held.c.quantity_e3)
            .where(held.c.lot_id == lot_id, held.c.quantity_e3 > 0)
            .order_by(held.c.fid)
        )
        holdings = [
            {"account": account, "ref": ref, "quantity": number_of(int(quantity))}
            for account, ref, quantity in conn.execute(statement)
        ]
    on_hand, reserved, on_hold = (int(row[name]) for name in schema.BALANCES)
    return {
        "lot": {
            **{name: value for name, value in row.items() if name not in schema.BALANCES},
            "on_hand": number_of(on_hand),
            "reserved": number_of(reserved),
            "on_hold": number_of(on_hold),
            "available": number_of(on_hand - reserved - on_hold),
        },
        "holdings": holdings,
        "trace": trace,
    }


def lots_like(district: District, text: str, *, limit: int = 50) -> list[dict[str, Any]]:
    """Lots whose id, number or item has the text in it, for whoever scans or remembers a part."""
    lot, item, depot = schema.table("lot"), schema.table("item"), schema.table("depot")
    wanted = f"%{text.replace('!', '!!').replace('%', '!%').replace('_', '!_')}%"
    statement = (
        sa.select(
            lot.c.id.label("lot_id"),
            lot.c.lot,
            lot.c.depot_id,
            depot.c.name.label("depot_name"),
            item.c.id.label("item_id"),
            item.c.name.label("item_name"),
            item.c.unit,
            lot.c.on_hand_e3,
            lot.c.expires_on,
            lot.c.status,
        )
        .join(item, item.c.id == lot.c.item_id)
        .join(depot, depot.c.id == lot.c.depot_id)
        .where(sa.or_(*(column.like(wanted, escape="!") for column in (lot.c.id, lot.c.lot, item.c.name, item.c.id))))
        .order_by(lot.c.id)
        .limit(limit)
    )
    with district.store.reading() as conn:
        return [
            {**row, "on_hand": number_of(int(row["on_hand_e3"]))} for row in conn.execute(statement).mappings().all()
        ]


def packs_of_items(district: District) -> dict[str, list[dict[str, Any]]]:
    """Item -> its packs, each with how many units are in one."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in pd.DataFrame(district.view().frame("pack")).to_dict("records"):
        found.setdefault(row["item_id"], []).append(
            {"pack": row["pack"], "quantity": number_of(int(row["quantity_e3"]))}
        )
    return found


def vehicles(district: District) -> list[dict[str, Any]]:
    """The vehicles that may carry an order."""
    frame = district.view().frame("vehicle")
    return [
        {name: row[name] for name in ("id", "name", "type", "depot_id", "contact", "phone")}
        for row in pd.DataFrame(frame.drop(columns="geometry")).sort_values("name").to_dict("records")
    ]


def differing(
    district: District, depot_id: str, counted_e3: Mapping[str, int], *, true_at: str | None = None
) -> set[str]:
    """The lots of a depot whose count is not what the ledger says of now, or of the moment; how much is not told."""
    with district.store.reading() as conn:
        lots = stock.lots_of(conn, list(counted_e3), depot_id=depot_id)
        there = stock.in_depot(conn, lots, true_at)
    return {lot_id for lot_id, counted in counted_e3.items() if sum(there[lot_id]) != counted}


def _minutes_to(moment: str, now: datetime) -> float:
    return (datetime.fromisoformat(moment) - now) / timedelta(minutes=1)
