"""Transfer orders: reserve, order, issue, send off, receive, use, take back, settle; and every step on record.

A request says what is needed where. Its orders are the shares of single depots. What an order binds, has on
its way or has at the place are accounts of the ledger kept for it, so that no step can book what is not there.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection

from data import geometry, ledger, reversals, schema, stock
from data.kinds import DEPOT_LEVELS
from data.ledger import Movement, require_quantity, shown
from data.order_answers import (
    BOUND_ACCOUNTS,
    CLOSED_STATES,
    new_request,
    on_the_way,
    open_orders,
    open_requests,
    order_of,
    outstanding,
    papers_due,
    request_of,
    substitution,
    trace_lot,
    trace_order,
    upward_draft,
)
from data.stock import Taken, require_once, require_text
from data.store import insert_rows, read_rows, translated
from data.writer import whole
from geo.errors import Conflict, InputError, NotFound
from geo.supply import number_of

RESERVED_FOR = timedelta(minutes=30)
"""How long a reservation binds its goods; at the end of it, the bound included, they are free again."""

PAPERS_WITHIN = timedelta(hours=48)
"""How long the papers of an order by telephone may take, the bound included."""

ON_THE_ROAD = timedelta(hours=6)
"""How long a load may take: a lot that may run out on the way need not be taken first, as plans leave it too."""

NEWS_S = timedelta(seconds=60)
"""A new time of arrival that differs by less is no news."""

SOURCE = "orders"
"""The source of what orders book."""

SYSTEM = "system"
"""Who does what happens by itself."""

Pick = Taken


@dataclass(frozen=True)
class Transition:
    """One way from state to state; `()` before the first state. Where it can end in several, the goods decide."""

    action: str
    from_states: tuple[str, ...]
    to_states: tuple[str, ...]
    needs_reason: bool = False


_ROLLING = ("in_transit", "late")
_OUT = ("issued", "in_transit", "late", "lost", "partly_received")

TRANSITIONS: dict[str, Transition] = {
    step.action: step
    for step in (
        Transition("reserve", (), ("reserved",)),
        Transition("renew", ("reserved",), ("reserved",)),
        Transition("place", ("reserved",), ("ordered",)),
        Transition("cancel", ("reserved", "ordered"), ("cancelled",), needs_reason=True),
        Transition("expire", ("reserved",), ("expired",)),
        Transition("issue", ("ordered",), ("issued",)),
        Transition("depart", ("issued",), _ROLLING),
        Transition("eta", (*_ROLLING, "partly_received"), (*_ROLLING, "partly_received")),
        Transition("lose", (*_ROLLING, "partly_received"), ("lost",), needs_reason=True),
        Transition("find", ("lost",), (*_ROLLING, "partly_received"), needs_reason=True),
        Transition("receive", _OUT, ("partly_received", "received")),
        Transition("use", ("partly_received", "received"), ("partly_received", "received")),
        Transition("send_back", (*_OUT, "received"), (*_OUT, "received")),
        Transition("take_back", (*_OUT, "received"), (*_OUT, "received", "cancelled")),
        Transition("reverse", (*_OUT, "received"), (*_OUT, "received"), needs_reason=True),
        Transition("settle", ("received",), ("settled",)),
    )
}
"""The whole life of an order. Late is behind the promised time; lost is not heard of; neither moves goods."""


class Need(NamedTuple):
    """How much of an item is needed, and of what kind."""

    item_id: str
    quantity_e3: int
    specification: str | None = None


@dataclass(frozen=True)
class NewRequest:
    """What is needed where (`lonlat` in degrees); without `needs` it is what the orders bind."""

    unit: str
    place: str
    contact: str
    lonlat: tuple[float, float]
    needs: Sequence[tuple[str, int] | tuple[str, int, str | None]] = ()
    phone: str | None = None
    deadline_utc: datetime | str | None = None
    incident: str | None = None
    note: str | None = None
    to_depot_id: str | None = None
    level: str | None = None


@dataclass(frozen=True)
class NewLine:
    """A quantity of one lot of a depot; `instead_of` is the item that it stands for."""

    depot_id: str
    lot_id: str
    quantity_e3: int
    instead_of: str | None = None
    reason: str | None = None


class ReceiptLine(NamedTuple):
    """What arrived of one lot: fit for use, damaged, and missing."""

    lot_id: str
    received_e3: int
    damaged_e3: int = 0
    missing_e3: int = 0
    note: str | None = None


class Carrier(NamedTuple):
    """Who carries an order: a vehicle of the register or none, its driver, and how to reach the driver."""

    vehicle_id: str | None = None
    driver: str | None = None
    phone: str | None = None


NOBODY = Carrier()
"""Nobody is named yet."""


class ReturnLine(NamedTuple):
    """What comes back of one lot: fit for use, and damaged."""

    lot_id: str
    quantity_e3: int
    damaged_e3: int = 0
    note: str | None = None


# -- reserve


def reserve(
    conn: Connection, request: NewRequest | str, lines: Sequence[NewLine], *, actor: str, now_utc: datetime
) -> dict[str, Any]:
    """Bind goods for a request, one order for each depot: all lines or none.

    `request` is a new one, or the id of one of which something is outstanding. Conflict where a lot does not
    hold enough, is not usable, or has expired. What binds longer than it may is set free before.
    """
    expire_due(conn, actor=SYSTEM, now_utc=now_utc)
    with translated(), whole(conn):
        answer = _reserve(conn, request, lines, actor=actor, now_utc=now_utc, by_telephone=False)
    return answer()


def post_by_telephone(
    conn: Connection, request: NewRequest, lines: Sequence[NewLine], *, actor: str, now_utc: datetime
) -> dict[str, Any]:
    """Reserve and order at once, by the six fields of a transfer instruction; its papers are due in 48 h.

    The six are unit, place, item, specification (the name in the catalogue where none is given), quantity, contact.
    """
    expire_due(conn, actor=SYSTEM, now_utc=now_utc)
    with translated(), whole(conn):
        request_id = str(_reserve(conn, request, lines, actor=actor, now_utc=now_utc, by_telephone=True)()["id"])
        _place(conn, request_id, actor=actor, now_utc=now_utc)
    return request_of(conn, request_id)


def _reserve(
    conn: Connection,
    request: NewRequest | str,
    lines: Sequence[NewLine],
    *,
    actor: str,
    now_utc: datetime,
    by_telephone: bool,
) -> Callable[[], dict[str, Any]]:
    """Reserve; what comes back makes the answer, which needs no second look at what was just written."""
    if not lines:
        raise InputError("lines is empty; expected at least one lot to reserve")
    require_once([line.lot_id for line in lines])
    for line in lines:
        require_quantity(f"lot {line.lot_id}: quantity", line.quantity_e3)
    clock = _clock(conn, now_utc)
    zone = stock.zone_of(conn)
    day = stock.day_in(zone, now_utc)
    lots = stock.lots_of(conn, [line.lot_id for line in lines])
    _require_free(lines, lots, day)
    _require_order_of_expiry(conn, lines, lots, stock.day_in(zone, now_utc + ON_THE_ROAD))
    if isinstance(request, str):
        row = _row(conn, "supply_request", request)
        rest = {line["item_id"]: line["outstanding_e3"] for line in outstanding(conn, request, as_e3=True)}
        _require_asked(_covered(conn, lines, lots), rest, Conflict)
        if row["closed_utc"] is not None:
            _update(conn, "supply_request", request, clock, closed_utc=None)
        before = read_rows(conn, "SELECT count(*) FROM supply_order WHERE request_id = ?", (request,))[0][0]
        _make_orders(conn, row, lines, lots, clock, actor, now_utc, before=int(before))
        return lambda: request_of(conn, request)
    row, needs = _make_request(conn, request, lines, lots, day, clock, actor, now_utc, by_telephone)
    orders, order_lines = _make_orders(conn, row, lines, lots, clock, actor, now_utc)
    return lambda: new_request(conn, row, request.lonlat, needs, orders, order_lines, lots)


def _require_free(lines: Sequence[NewLine], lots: Mapping[str, Mapping[str, Any]], day: str) -> None:
    """Conflict that names every lot which cannot give what is asked."""
    problems = []
    for line in lines:
        row = lots[line.lot_id]
        if row["depot_id"] != line.depot_id:
            raise InputError(f"lot {line.lot_id} lies in depot {row['depot_id']}, not in {line.depot_id}")
        free = row["on_hand_e3"] - row["reserved_e3"] - row["on_hold_e3"]
        stock.require_whole(f"lot {line.lot_id}: quantity", line.quantity_e3, row["unit"], there_e3=free)
        problem = _unfit(row, day)
        if problem is None and free < line.quantity_e3:
            problem = f"{shown(line.quantity_e3)} asked, {shown(free)} available"
        if problem is not None:
            problems.append(f"lot {line.lot_id}: {problem}")
    if problems:
        more = f"; and {len(problems) - 5} more" if len(problems) > 5 else ""
        raise Conflict(f"nothing was reserved; {'; '.join(problems[:5])}{more}")


def _unfit(row: Mapping[str, Any], day: str) -> str | None:
    """Why a lot must not be given out, None where it may; it is good on the day on which it expires."""
    if row["status"] != "usable":
        return f"it is {row['status']}"
    if row["expires_on"] is not None and row["expires_on"] < day:
        return f"it expired on {row['expires_on']}"
    return None


def _require_order_of_expiry(
    conn: Connection, lines: Sequence[NewLine], lots: Mapping[str, Mapping[str, Any]], day: str
) -> None:
    """No lot is taken without a reason while one that expires earlier, and is good on a day, is left behind."""
    taken = {line.lot_id: line.quantity_e3 for line in lines}
    for depot_id in dict.fromkeys(line.depot_id for line in lines):
        here = [line for line in lines if line.depot_id == depot_id]
        rows = [lots[line.lot_id] for line in here]
        latest = max(row["expires_on"] or stock.NEVER for row in rows)
        free = stock.free_lots(conn, depot_id, [row["item_id"] for row in rows], day=day, before=latest)
        left = [lot._replace(free_e3=lot.free_e3 - taken.get(lot.lot_id, 0)) for lot in free]
        stock.require_reasons([Pick(line.lot_id, line.quantity_e3, line.reason) for line in here], lots, left)


def _covered(
    conn: Connection, lines: Sequence[NewLine], lots: Mapping[str, Mapping[str, Any]]
) -> dict[str, tuple[int, Fraction | int, Fraction | int]]:
    """What the lines give of each item asked: as the item itself, in all, and the largest share of one unit."""
    found: dict[str, tuple[int, Fraction | int, Fraction | int]] = {}
    for line in lines:
        item_id = lots[line.lot_id]["item_id"]
        asked = line.instead_of or item_id
        rate = substitution(conn, asked, item_id)
        own, total, unit = found.get(asked, (0, 0, 0))
        own += line.quantity_e3 if asked == item_id else 0
        one = 0 if asked == item_id else 1000 * rate
        found[asked] = own, total + line.quantity_e3 * rate, max(unit, one)
    return found


def _require_asked(
    covered: Mapping[str, tuple[int, Fraction | int, Fraction | int]],
    asked_e3: Mapping[str, int],
    error: type[Conflict] | type[InputError],
) -> None:
    """No more than is asked; a substitute may overshoot by less than one unit of it gives."""
    for item_id, (own, total, unit) in covered.items():
        asked = asked_e3.get(item_id)
        if asked is None:
            raise InputError(f"{item_id} is not asked for; the request asks for {', '.join(asked_e3)}")
        excess = total - asked
        if own > asked or (excess > 0 and excess >= unit):
            raise error(f"{item_id}: {shown(int(total))} to be reserved, only {shown(asked)} are asked for")


def _make_request(
    conn: Connection,
    request: NewRequest,
    lines: Sequence[NewLine],
    lots: Mapping[str, Mapping[str, Any]],
    day: str,
    clock: str,
    actor: str,
    now_utc: datetime,
    by_telephone: bool,
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Insert a request and what it needs; the rows."""
    covered = _covered(conn, lines, lots)
    wanted = [Need(*need) for need in request.needs]
    for need in wanted:
        if need.quantity_e3 % 1000:
            unit = _row(conn, "item", need.item_id)["unit"]
            stock.require_whole(f"item {need.item_id}: quantity", need.quantity_e3, unit)
    if not wanted:
        wanted = [Need(item_id, int(total)) for item_id, (_, total, _) in covered.items()]
    if by_telephone:
        wanted = [need._replace(specification=need.specification or _item_name(conn, need.item_id)) for need in wanted]
    asked: dict[str, int] = {}
    for line in wanted:
        require_quantity(f"item {line.item_id}: quantity", line.quantity_e3)
        if line.item_id in asked:
            raise InputError(f"item {line.item_id} is asked for twice; add the quantities up")
        asked[line.item_id] = line.quantity_e3
    _require_asked(covered, asked, InputError)
    lon, lat = request.lonlat
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):
        raise InputError(f"lonlat={lon},{lat}: expected degrees, longitude first")
    levels = [choice.code for choice in DEPOT_LEVELS]
    if request.level is not None and request.level not in levels:
        raise InputError(f"level={request.level}: expected one of {', '.join(levels)}")
    deadline = None if request.deadline_utc is None else schema.utc_text(request.deadline_utc)
    if deadline is not None and deadline <= schema.utc_text(now_utc):
        raise InputError(f"deadline={deadline}: expected a time after now, {schema.utc_text(now_utc)}")
    if request.to_depot_id is not None:
        _row(conn, "depot", request.to_depot_id)
    number = _next_number(conn, day)
    row = {
        "id": number,
        "number": number,
        "unit": require_text("unit", request.unit, "say which unit receives"),
        "place": require_text("place", request.place, "say where the goods go"),
        "contact": require_text("contact", request.contact, "say who takes the goods over"),
        "phone": request.phone,
        "incident": request.incident,
        "note": request.note,
        "by_telephone": int(by_telephone),
        "to_depot_id": request.to_depot_id,
        "level": request.level,
        "created_by": actor,
        "created_utc": clock,
        "deadline_utc": deadline,
        "papers_due_utc": schema.utc_text(now_utc + PAPERS_WITHIN) if by_telephone else None,
        "geom": geometry.encode_point(lon, lat, conn.dialect.name),
        **_stamp(clock),
    }
    needs = [
        {
            "id": schema.id_of((number, need.item_id)),
            "request_id": number,
            "item_id": need.item_id,
            "specification": need.specification,
            "quantity_e3": need.quantity_e3,
            **_stamp(clock),
        }
        for need in wanted
    ]
    insert_rows(conn, "supply_request", [row])
    insert_rows(conn, "supply_request_line", needs)
    return row, needs


def _item_name(conn: Connection, item_id: str) -> str:
    return str(_row(conn, "item", item_id)["name"])


def _next_number(conn: Connection, day: str) -> str:
    """The next number of the day, such as XQ-20260701-001; writers come one after the other, so it is unique."""
    prefix = f"XQ-{day.replace('-', '')}-"
    last = read_rows(conn, "SELECT number FROM supply_request ORDER BY fid DESC LIMIT 1")
    known = [str(row[0]) for row in last]
    if not (known and known[0].startswith(prefix)):  # the clock was set back over midnight, or a day begins
        text = "SELECT number FROM supply_request WHERE number BETWEEN ? AND ?"
        known = [str(row[0]) for row in read_rows(conn, text, (prefix, f"{prefix}~"))]
    return f"{prefix}{max((int(number[len(prefix) :]) for number in known), default=0) + 1:03d}"


def _make_orders(
    conn: Connection,
    request: Mapping[str, Any],
    lines: Sequence[NewLine],
    lots: Mapping[str, Mapping[str, Any]],
    clock: str,
    actor: str,
    now_utc: datetime,
    *,
    before: int = 0,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Insert one order for each depot and bind its goods; the rows of the orders and of their lines.

    `before` is how many orders the request has already.
    """
    request_id = request["id"]
    orders: list[dict[str, Any]] = []
    order_lines: list[dict[str, Any]] = []
    movements: list[Movement] = []
    for k, depot_id in enumerate(dict.fromkeys(line.depot_id for line in lines), start=before + 1):
        if depot_id == request["to_depot_id"]:
            raise InputError(f"depot {depot_id} is where the goods are to go; take them from another one")
        order_id = f"DB{request_id[2:]}-{k}"
        orders.append(
            {
                "id": order_id,
                "number": order_id,
                "request_id": request_id,
                "depot_id": depot_id,
                "state": "reserved",
                "expires_utc": schema.utc_text(now_utc + RESERVED_FOR),
                "promised_utc": request["deadline_utc"],
                "created_by": actor,
                "created_utc": clock,
                **_stamp(clock),
            }
        )
        for line in lines:
            if line.depot_id != depot_id:
                continue
            order_lines.append(
                {
                    "id": schema.id_of((order_id, line.lot_id)),
                    "order_id": order_id,
                    "lot_id": line.lot_id,
                    "quantity_e3": line.quantity_e3,
                    "instead_of": line.instead_of if line.instead_of != lots[line.lot_id]["item_id"] else None,
                    "reason": line.reason,
                    **_stamp(clock),
                }
            )
            movements.append(
                Movement(
                    line.lot_id,
                    line.quantity_e3,
                    "depot",
                    "reserved",
                    "reserve",
                    None,
                    line.reason,
                    to_ref=order_id,
                    actor=actor,
                )
            )
    insert_rows(conn, "supply_order", orders)
    insert_rows(conn, "supply_order_line", order_lines)
    ledger.record(conn, movements, source=SOURCE, now_utc=clock)
    for order in orders:
        taken = [m for m in movements if m.to_ref == order["id"]]
        _note(conn, order["id"], "reserve", None, "reserved", actor, clock, details=_quantities(taken))
    return orders, order_lines


# -- renew, place, cancel, expire


def renew(conn: Connection, request_id: str, *, actor: str, now_utc: datetime) -> dict[str, Any]:
    """Bind the reserved goods of a request for another 30 minutes from now on."""
    clock = _clock(conn, now_utc)
    for order in _reserved_orders(conn, request_id, "renew", now_utc):
        until = schema.utc_text(now_utc + RESERVED_FOR)
        _step(conn, order, "renew", "reserved", actor, clock, changes={"expires_utc": until})
    return request_of(conn, request_id)


def place(conn: Connection, request_id: str, *, actor: str, now_utc: datetime) -> dict[str, Any]:
    """Order what is reserved for a request: its depots are to issue it.

    Conflict where a lot must not be given out any more: it was recalled, say, or expired since it was reserved.
    """
    _place(conn, request_id, actor=actor, now_utc=now_utc)
    return request_of(conn, request_id)


def _place(conn: Connection, request_id: str, *, actor: str, now_utc: datetime) -> None:
    clock = _clock(conn, now_utc)
    reserved = _reserved_orders(conn, request_id, "place", now_utc)
    _require_fit(conn, request_id, reserved, stock.local_day(conn, now_utc))
    for order in reserved:
        _step(conn, order, "place", "ordered", actor, clock, changes={"expires_utc": None})


def _require_fit(conn: Connection, request_id: str, orders: Sequence[Mapping[str, Any]], day: str) -> None:
    """Conflict that names every reserved lot which must not be given out any more."""
    bound = [(order["id"], lot_id) for order in orders for lot_id, _ in _holdings(conn, order["id"])]
    lots = stock.lots_of(conn, [lot_id for _, lot_id in bound])
    unfit = [(order_id, lot_id, _unfit(lots[lot_id], day)) for order_id, lot_id in bound]
    said = [f"lot {lot_id} of order {order_id}: {problem}" for order_id, lot_id, problem in unfit if problem]
    if said:
        cancelled = ", ".join(dict.fromkeys(order_id for order_id, _, problem in unfit if problem))
        raise Conflict(
            f"place {request_id}: {'; '.join(said)}; cancel {cancelled}, then reserve other lots for the request"
        )


def _reserved_orders(conn: Connection, request_id: str, action: str, now_utc: datetime) -> list[dict[str, Any]]:
    """The reserved orders of a request; Conflict where there is none, or one has run out."""
    _row(conn, "supply_request", request_id)
    found = _found(conn, schema.table("supply_order").c.request_id == request_id)
    reserved = [row for row in found if row["state"] == "reserved"]
    if not reserved:
        states = ", ".join(f"{row['number']} is {row['state']}" for row in found)
        raise Conflict(f"{action} {request_id}: nothing of it is reserved; {states}")
    now = schema.utc_text(now_utc)
    for row in reserved:
        if row["expires_utc"] is not None and row["expires_utc"] <= now:
            raise Conflict(f"{action} {request_id}: the reservation ended at {row['expires_utc']}; reserve again")
    return reserved


def cancel(conn: Connection, order_id: str, reason: str, *, actor: str, now_utc: datetime) -> dict[str, Any]:
    """Give up an order that is not issued yet; its goods are free again."""
    order = _require(conn, order_id, "cancel", reason)
    clock = _clock(conn, now_utc)
    _release(conn, order, "cancel", "cancelled", reason.strip(), actor, clock)
    return order_of(conn, order_id)


def expire_due(conn: Connection, *, now_utc: datetime, actor: str = SYSTEM) -> list[str]:
    """Set free what is reserved until now or earlier and was neither renewed nor ordered; the orders' ids."""
    if not due_to_expire(conn, now_utc=now_utc):
        return []
    table = schema.table("supply_order")
    due = _found(conn, (table.c.expires_utc <= schema.utc_text(now_utc)) & (table.c.state == "reserved"))
    clock = _clock(conn, now_utc)
    for order in due:
        _release(conn, order, "expire", "expired", f"reserved until {order['expires_utc']}", actor, clock)
    return [str(order["id"]) for order in due]


def _release(
    conn: Connection, order: Mapping[str, Any], action: str, to_state: str, reason: str, actor: str, clock: str
) -> None:
    moves = [
        Movement(lot_id, quantity_e3, "reserved", "depot", "release", None, reason, from_ref=order["id"], actor=actor)
        for (lot_id, account), quantity_e3 in _holdings(conn, order["id"]).items()
        if account == "reserved"
    ]
    ledger.record(conn, moves, source=SOURCE, now_utc=clock)
    _step(
        conn,
        order,
        action,
        to_state,
        actor,
        clock,
        reason=reason,
        details=_quantities(moves),
        changes={"expires_utc": None},
    )
    _close_request(conn, order["request_id"], clock)


def complete_papers(conn: Connection, request_id: str, papers: str, *, actor: str, now_utc: datetime) -> dict[str, Any]:
    """Note the papers of an order by telephone; the ledger is not touched."""
    row = _row(conn, "supply_request", request_id)
    said = require_text("papers", papers, "give the number of the papers")
    if not row["by_telephone"]:
        raise Conflict(f"request {request_id} was not made by telephone; it has no papers to complete")
    if row["papers_done_utc"] is not None:
        raise Conflict(f"request {request_id}: its papers were completed at {row['papers_done_utc']}")
    clock = _clock(conn, now_utc)
    _update(conn, "supply_request", request_id, clock, papers=said, papers_by=actor, papers_done_utc=clock)
    return request_of(conn, request_id)


# -- issue, depart, on the way


def issue(
    conn: Connection,
    order_id: str,
    picks: Sequence[Pick | tuple[str, int]] | None = None,
    *,
    actor: str,
    now_utc: datetime,
    carrier: Carrier = NOBODY,
    reason: str | None = None,
    occurred_utc: datetime | str | None = None,
) -> dict[str, Any]:
    """Give the goods out: as reserved, or the lots that were picked. What is not picked is set free, with a reason.

    What is told late is held against the states of the lots as they were then; ``changed_since`` of the answer names
    the lots that went out and are not usable any more.
    """
    order = _require(conn, order_id, "issue")
    clock, occurred = _clocks(conn, now_utc, occurred_utc)
    bound = {
        lot_id: quantity_e3
        for (lot_id, account), quantity_e3 in _holdings(conn, order_id).items()
        if account == "reserved"
    }
    taken = [Pick(*line) for line in (bound.items() if picks is None else picks)]
    if not taken:
        raise InputError(f"issue {order_id}: nothing is picked; cancel the order instead")
    require_once([pick.lot_id for pick in taken])
    lots = stock.lots_of(conn, [*bound, *(pick.lot_id for pick in taken)], depot_id=order["depot_id"])
    since = {} if occurred_utc is None else stock.status_since(conn, lots, occurred)
    now = {lot_id: row["status"] for lot_id, row in lots.items()}
    lots = {i: {**row, "status": since[i]["from_status"] if i in since else now[i]} for i, row in lots.items()}
    moves = _issued(order, taken, bound, lots, stock.local_day(conn, occurred), reason, occurred, actor)
    changes = _carried_by(conn, carrier)
    ledger.record(conn, moves, source=SOURCE, now_utc=clock)
    said = (reason or "").strip() or next((p.reason for p in taken if p.reason), None)
    out = [m for m in moves if m.kind == "issue"]
    _step(
        conn,
        order,
        "issue",
        "issued",
        actor,
        clock,
        occurred=occurred,
        reason=said,
        details=_quantities(out),
        changes=changes,
    )
    gone = [change for i, change in since.items() if now[i] != "usable" and any(m.lot_id == i for m in out)]
    changed = [{"lot_id": c["lot_id"], "status": now[c["lot_id"]], "since_utc": c["occurred_utc"]} for c in gone]
    return {**order_of(conn, order_id), "changed_since": changed}


def _issued(
    order: Mapping[str, Any],
    taken: Sequence[Pick],
    bound: Mapping[str, int],
    lots: Mapping[str, Mapping[str, Any]],
    day: str,
    reason: str | None,
    occurred: str,
    actor: str,
) -> list[Movement]:
    """The movements of an issue, after every check."""
    order_id = order["id"]
    rest: dict[str, int] = {}
    for lot_id, quantity_e3 in bound.items():
        item_id = lots[lot_id]["item_id"]
        rest[item_id] = rest.get(item_id, 0) + quantity_e3
    ordered = dict(rest)
    moves: list[Movement] = []
    reasons: dict[str, str] = {}
    for pick in taken:
        row = lots[pick.lot_id]
        item_id = row["item_id"]
        require_quantity(f"lot {pick.lot_id}: quantity", pick.quantity_e3)
        there = bound.get(pick.lot_id, row["on_hand_e3"])
        stock.require_whole(f"lot {pick.lot_id}: quantity", pick.quantity_e3, row["unit"], there_e3=there)
        problem = _unfit(row, day)
        if problem is not None:
            raise Conflict(f"issue {order_id}: lot {pick.lot_id}: {problem}; pick another lot, with a reason")
        if item_id not in rest:
            raise InputError(f"lot {pick.lot_id} is of {item_id}, order {order_id} is of {', '.join(ordered)}")
        rest[item_id] -= pick.quantity_e3
        if rest[item_id] < 0:
            raise InputError(
                f"issue {order_id}: more of {item_id} is picked than the {shown(ordered[item_id])} ordered"
            )
        said = (pick.reason or "").strip() or None
        if said is not None:
            reasons[item_id] = said
        reserved = min(pick.quantity_e3, bound.get(pick.lot_id, 0))
        if pick.quantity_e3 > reserved and said is None:
            raise InputError(
                f"lot {pick.lot_id}: {shown(bound.get(pick.lot_id, 0))} of it are reserved for order {order_id},"
                f" {shown(pick.quantity_e3)} are picked; taking another lot needs a reason"
            )
        for account, quantity_e3 in (("reserved", reserved), ("depot", pick.quantity_e3 - reserved)):
            if quantity_e3:
                ref = order_id if account == "reserved" else None
                moves.append(
                    Movement(
                        pick.lot_id,
                        quantity_e3,
                        account,
                        "in_transit",
                        "issue",
                        occurred,
                        said,
                        from_ref=ref,
                        to_ref=order_id,
                        actor=actor,
                    )
                )
    picked = {pick.lot_id: pick.quantity_e3 for pick in taken}
    for lot_id, quantity_e3 in bound.items():
        left = quantity_e3 - min(quantity_e3, picked.get(lot_id, 0))
        if left:
            item_id = lots[lot_id]["item_id"]
            said = (reason or "").strip() or reasons.get(item_id)
            if said is None:
                raise InputError(
                    f"issue {order_id}: {shown(left)} of lot {lot_id} are not picked; give the reason for which they"
                    " are set free"
                )
            moves.append(
                Movement(lot_id, left, "reserved", "depot", "release", occurred, said, from_ref=order_id, actor=actor)
            )
    return moves


def _carried_by(conn: Connection, carrier: Carrier) -> dict[str, str | None]:
    """What the order says of its vehicle; driver and phone are those of the vehicle where none are given."""
    if carrier.vehicle_id is None:
        return carrier._asdict()
    row = _row(conn, "vehicle", carrier.vehicle_id)
    return {
        "vehicle_id": carrier.vehicle_id,
        "driver": carrier.driver or row["contact"],
        "phone": carrier.phone or row["phone"],
    }


def depart(
    conn: Connection,
    order_id: str,
    *,
    actor: str,
    now_utc: datetime,
    eta_utc: datetime | str | None = None,
    travel_s: float | None = None,
    distance_m: float | None = None,
    geom: Any = None,
    carrier: Carrier | None = None,
    occurred_utc: datetime | str | None = None,
) -> dict[str, Any]:
    """The vehicle leaves. Without a deadline of the request, the first time of arrival is the promised one.

    `carrier` is who carries the goods after all; None for whom the issue named. What it leaves open of the same
    vehicle stays as it was.
    """
    order = _require(conn, order_id, "depart")
    clock, occurred = _clocks(conn, now_utc, occurred_utc)
    _require_after(conn, order_id, "depart", occurred)
    for name, value in (("travel_s", travel_s), ("distance_m", distance_m)):
        if value is not None and not 0 <= value < float("inf"):
            raise InputError(f"{name}={value}: expected 0 or more")
    if eta_utc is None and travel_s is not None:
        eta_utc = datetime.fromisoformat(occurred) + timedelta(seconds=travel_s)
    eta = None if eta_utc is None else schema.utc_text(eta_utc)
    promised = order["promised_utc"] or eta
    changes: dict[str, Any] = {
        "departed_utc": occurred,
        "eta_utc": eta,
        "promised_utc": promised,
        "travel_s": travel_s,
        "distance_m": distance_m,
        "geom": _line(geom),
    }
    details: dict[str, Any] = {"eta_utc": eta, "promised_utc": promised}
    if carrier is not None:
        if carrier.vehicle_id == order["vehicle_id"]:
            carrier = Carrier(carrier.vehicle_id, carrier.driver or order["driver"], carrier.phone or order["phone"])
        changes |= _carried_by(conn, carrier)
        details |= {"vehicle_id": changes["vehicle_id"], "driver": changes["driver"]}
    to_state = "late" if _is_late(promised, eta, schema.utc_text(now_utc)) else "in_transit"
    _step(conn, order, "depart", to_state, actor, clock, occurred=occurred, details=details, changes=changes)
    return order_of(conn, order_id)


def update_eta(
    conn: Connection,
    order_id: str,
    eta_utc: datetime | str | None,
    *,
    actor: str,
    now_utc: datetime,
    geom: Any = None,
    reason: str | None = None,
    has_way: bool = True,
) -> dict[str, Any]:
    """A new time of arrival, None for the one that is known: late beyond the promised time, else on its way.

    Without a way (`has_way` off: the roads are closed) there is no time of arrival, and the order is late.
    """
    order = _require(conn, order_id, "eta")
    clock = _clock(conn, now_utc)
    eta = None if not has_way else order["eta_utc"] if eta_utc is None else schema.utc_text(eta_utc)
    promised = order["promised_utc"] or eta
    state = order["state"]
    if state in _ROLLING:
        is_late = not has_way or _is_late(promised, eta, schema.utc_text(now_utc))
        state = "late" if is_late else "in_transit"
    changes: dict[str, Any] = {"eta_utc": eta, "promised_utc": promised}
    if geom is not None:
        changes["geom"] = _line(geom)
    details = {"eta_utc": eta, "promised_utc": promised}
    _step(conn, order, "eta", state, actor, clock, reason=reason, details=details, changes=changes)
    return order_of(conn, order_id)


def _is_late(promised: str | None, eta: str | None, now: str) -> bool:
    """Beyond the promised time; at that very moment it is on time."""
    return promised is not None and max(now, eta or "") > promised


def due_to_expire(conn: Connection, *, now_utc: datetime) -> list[str]:
    """The orders that `expire_due` would set free."""
    # Only what is reserved has a time at which it ends; asked for the state too, SQLite would read all that is.
    text = "SELECT id, state FROM supply_order WHERE expires_utc <= ?"
    found = read_rows(conn, text, (schema.utc_text(now_utc),))
    return [str(order_id) for order_id, state in found if state == "reserved"]


def is_news(
    order: Mapping[str, Any], eta_utc: datetime | str | None, *, now_utc: datetime, has_way: bool = True
) -> bool:
    """Whether an arrival computed anew is worth a note: a minute apart, another state, or a way lost or found.

    `order` as `on_the_way` gives it; `has_way` is off where the roads are closed.
    """
    eta = None if eta_utc is None else schema.utc_text(eta_utc)
    known = order["eta_utc"]
    if order["state"] in _ROLLING:
        is_late = not has_way or _is_late(order["promised_utc"] or eta, eta, schema.utc_text(now_utc))
        if is_late != (order["state"] == "late"):
            return True
    if eta is None or known is None:
        return bool(eta != known)
    apart = datetime.fromisoformat(eta) - datetime.fromisoformat(known)
    return abs(apart) >= NEWS_S


def report_lost(
    conn: Connection,
    order_id: str,
    reason: str,
    *,
    actor: str,
    now_utc: datetime,
    occurred_utc: datetime | str | None = None,
) -> dict[str, Any]:
    """Nobody knows where the vehicle is. Its goods stay on their way, but are asked for again."""
    order = _require(conn, order_id, "lose", reason)
    clock, occurred = _clocks(conn, now_utc, occurred_utc)
    _require_after(conn, order_id, "lose", occurred)
    _step(conn, order, "lose", "lost", actor, clock, occurred=occurred, reason=reason.strip())
    return order_of(conn, order_id)


def report_found(
    conn: Connection,
    order_id: str,
    reason: str,
    *,
    actor: str,
    now_utc: datetime,
    occurred_utc: datetime | str | None = None,
) -> dict[str, Any]:
    """The vehicle is heard of again."""
    order = _require(conn, order_id, "find", reason)
    clock, occurred = _clocks(conn, now_utc, occurred_utc)
    _require_after(conn, order_id, "find", occurred)
    state = "partly_received" if _has_arrived(conn, order_id) else _rolling_state(order, now_utc)
    _step(conn, order, "find", state, actor, clock, occurred=occurred, reason=reason.strip())
    return order_of(conn, order_id)


def _rolling_state(order: Mapping[str, Any], now_utc: datetime) -> str:
    is_late = _is_late(order["promised_utc"], order["eta_utc"], schema.utc_text(now_utc))
    return "late" if is_late else "in_transit"


# -- receive, use, take back, settle


def receive(
    conn: Connection,
    order_id: str,
    lines: Sequence[ReceiptLine],
    *,
    actor: str,
    now_utc: datetime,
    occurred_utc: datetime | str | None = None,
) -> dict[str, Any]:
    """Goods arrive, all or a part: fit for use, damaged and missing apart. The rest stays on its way."""
    order = _require(conn, order_id, "receive")
    if not lines:
        raise InputError(f"receive {order_id}: lines is empty; say what arrived")
    require_once([line.lot_id for line in lines])
    clock, occurred = _clocks(conn, now_utc, occurred_utc)
    _require_after(conn, order_id, "receive", occurred)
    holdings = _holdings(conn, order_id)
    moves: list[Movement] = []
    for line in lines:
        parts = (("received", line.received_e3), ("damaged", line.damaged_e3), ("missing", line.missing_e3))
        total = _total(line.lot_id, parts)
        there = holdings.get((line.lot_id, "in_transit"), 0)
        _require_whole(conn, line.lot_id, parts, there)
        if total > there:
            raise Conflict(
                f"receive {order_id}: {shown(total)} of lot {line.lot_id}, only {shown(there)} of it are on their way"
            )
        for what, quantity_e3 in parts:
            if quantity_e3:
                moves.append(_arrival(conn, order, line, what, quantity_e3, occurred, actor, clock))
    ledger.record(conn, moves, source=SOURCE, now_utc=clock)
    on_the_way = any(account == "in_transit" for _, account in _holdings(conn, order_id))
    to_state = "partly_received" if on_the_way else "received"
    details = {
        "lines": [
            {
                "lot_id": line.lot_id,
                "received": number_of(line.received_e3),
                "damaged": number_of(line.damaged_e3),
                "missing": number_of(line.missing_e3),
                "note": line.note,
            }
            for line in lines
        ]
    }
    changes = {"received_utc": occurred} if to_state == "received" else {}
    _step(conn, order, "receive", to_state, actor, clock, occurred=occurred, details=details, changes=changes)
    return order_of(conn, order_id)


def _arrival(
    conn: Connection,
    order: Mapping[str, Any],
    line: ReceiptLine,
    what: str,
    quantity_e3: int,
    occurred: str,
    actor: str,
    clock: str,
) -> Movement:
    order_id, to_depot_id = order["id"], order["to_depot_id"]
    if what != "received":
        return Movement(
            line.lot_id,
            quantity_e3,
            "in_transit",
            "written_off",
            "write_off",
            occurred,
            line.note,
            from_ref=order_id,
            cause=what,
            actor=actor,
        )
    return Movement(
        line.lot_id,
        quantity_e3,
        "in_transit",
        "incident" if to_depot_id is None else "depot",
        "delivery",
        occurred,
        line.note,
        from_ref=order_id,
        to_ref=order_id if to_depot_id is None else None,
        to_lot_id=None if to_depot_id is None else _lot_in(conn, line.lot_id, to_depot_id, clock),
        actor=actor,
    )


def use(
    conn: Connection,
    order_id: str,
    lines: Sequence[Pick | tuple[str, int]],
    *,
    actor: str,
    now_utc: datetime,
    occurred_utc: datetime | str | None = None,
) -> dict[str, Any]:
    """Note what was used up at the place, or stays there for good."""
    order = _require(conn, order_id, "use")
    if not lines:
        raise InputError(f"use {order_id}: lines is empty; say what was used")
    clock, occurred = _clocks(conn, now_utc, occurred_utc)
    holdings = _holdings(conn, order_id)
    moves = []
    for line in [Pick(*line) for line in lines]:
        require_quantity(f"lot {line.lot_id}: quantity", line.quantity_e3)
        there = holdings.get((line.lot_id, "incident"), 0)
        _require_whole(conn, line.lot_id, [("quantity", line.quantity_e3)], there)
        if line.quantity_e3 > there:
            raise Conflict(
                f"use {order_id}: {shown(line.quantity_e3)} of lot {line.lot_id}, only {shown(there)} are at the place"
            )
        moves.append(
            Movement(
                line.lot_id,
                line.quantity_e3,
                "incident",
                "consumed",
                "use",
                occurred,
                line.reason,
                from_ref=order_id,
                actor=actor,
            )
        )
    ledger.record(conn, moves, source=SOURCE, now_utc=clock)
    _step(conn, order, "use", order["state"], actor, clock, occurred=occurred, details=_quantities(moves))
    return order_of(conn, order_id)


def send_back(
    conn: Connection,
    order_id: str,
    lines: Sequence[ReturnLine | tuple[str, int]],
    *,
    actor: str,
    now_utc: datetime,
    occurred_utc: datetime | str | None = None,
) -> dict[str, Any]:
    """Goods leave the place, or turn round on their way, for a depot; `take_back` says that they are there."""
    order = _require(conn, order_id, "send_back")
    clock, occurred = _clocks(conn, now_utc, occurred_utc)
    moves = _sent_back(conn, order, [ReturnLine(*line) for line in lines], occurred, actor)
    ledger.record(conn, moves, source=SOURCE, now_utc=clock)
    to_state = _state_now(conn, order, now_utc)
    _step(conn, order, "send_back", to_state, actor, clock, occurred=occurred, details=_quantities(moves))
    return order_of(conn, order_id)


def take_back(
    conn: Connection,
    order_id: str,
    lines: Sequence[ReturnLine | tuple[str, int]],
    *,
    actor: str,
    now_utc: datetime,
    to_depot_id: str | None = None,
    hold: bool = False,
    occurred_utc: datetime | str | None = None,
) -> dict[str, Any]:
    """A depot takes goods back, its own or another: free, or on hold until they are looked at; damaged ones are
    written off. What was not sent back before is taken from the place, then from what is on its way."""
    order = _require(conn, order_id, "take_back")
    clock, occurred = _clocks(conn, now_utc, occurred_utc)
    depot_id = to_depot_id or order["depot_id"]
    _row(conn, "depot", depot_id)
    back = [ReturnLine(*line) for line in lines]
    moves = _sent_back(conn, order, back, occurred, actor, sent_already=True)
    for line in back:
        lies_in = stock.lots_of(conn, [line.lot_id])[line.lot_id]["depot_id"]
        if line.quantity_e3:
            moves.append(
                Movement(
                    line.lot_id,
                    line.quantity_e3,
                    "returned",
                    "hold" if hold else "depot",
                    "restock",
                    occurred,
                    line.note,
                    from_ref=order_id,
                    to_lot_id=None if lies_in == depot_id else _lot_in(conn, line.lot_id, depot_id, clock),
                    actor=actor,
                )
            )
        if line.damaged_e3:
            moves.append(
                Movement(
                    line.lot_id,
                    line.damaged_e3,
                    "returned",
                    "written_off",
                    "write_off",
                    occurred,
                    line.note,
                    from_ref=order_id,
                    cause="damaged",
                    actor=actor,
                )
            )
    ledger.record(conn, moves, source=SOURCE, now_utc=clock)
    to_state = _state_now(conn, order, now_utc)
    details = {
        "depot_id": depot_id,
        "on_hold": hold,
        **_quantities([m for m in moves if m.kind == "restock"]),
        "damaged": _quantities([m for m in moves if m.kind == "write_off"])["lines"],
    }
    _step(conn, order, "take_back", to_state, actor, clock, occurred=occurred, details=details)
    _close_request(conn, order["request_id"], clock)
    return order_of(conn, order_id)


def _sent_back(
    conn: Connection,
    order: Mapping[str, Any],
    lines: Sequence[ReturnLine],
    occurred: str,
    actor: str,
    *,
    sent_already: bool = False,
) -> list[Movement]:
    """The movements that bring what comes back into the account of returns."""
    order_id = order["id"]
    if not lines:
        raise InputError(f"order {order_id}: lines is empty; say what comes back")
    require_once([line.lot_id for line in lines])
    holdings = _holdings(conn, order_id)
    moves: list[Movement] = []
    for line in lines:
        parts = (("quantity", line.quantity_e3), ("damaged", line.damaged_e3))
        left = _total(line.lot_id, parts)
        out = (holdings.get((line.lot_id, account), 0) for account in ("incident", "in_transit", "returned"))
        _require_whole(conn, line.lot_id, parts, next((quantity for quantity in out if quantity % 1000), 0))
        if sent_already:
            left -= min(left, holdings.get((line.lot_id, "returned"), 0))
        for account in ("incident", "in_transit"):
            part = min(left, holdings.get((line.lot_id, account), 0))
            if part:
                left -= part
                moves.append(
                    Movement(
                        line.lot_id,
                        part,
                        account,
                        "returned",
                        "return",
                        occurred,
                        line.note,
                        from_ref=order_id,
                        to_ref=order_id,
                        actor=actor,
                    )
                )
        if left:
            total = line.quantity_e3 + line.damaged_e3
            raise Conflict(
                f"order {order_id}: {shown(total)} of lot {line.lot_id} are to come back, only {shown(total - left)} of"
                " it are out"
            )
    return moves


def settle(
    conn: Connection, order_id: str, reason: str | None = None, *, actor: str, now_utc: datetime
) -> dict[str, Any]:
    """Close an order. Conflict while anything of it is bound, on its way, at the place, or on its way back."""
    order = _require(conn, order_id, "settle")
    left = [
        f"{shown(quantity_e3)} of lot {lot_id} {account}"
        for (lot_id, account), quantity_e3 in sorted(_holdings(conn, order_id).items())
    ]
    if left:
        raise Conflict(f"settle {order_id}: {'; '.join(left[:5])} are left; note them as used, back or missing first")
    clock = _clock(conn, now_utc)
    _step(conn, order, "settle", "settled", actor, clock, reason=reason)
    _close_request(conn, order["request_id"], clock)
    return order_of(conn, order_id)


def reverse(
    conn: Connection, order_id: str, movement_id: str, reason: str, *, actor: str, now_utc: datetime
) -> dict[str, Any]:
    """Undo what was booked of an order by mistake, as `reversals.OF_ORDERS` says; its state follows the goods.

    Conflict where the goods have moved on, or where only another step of the order can undo it.
    """
    order = _require(conn, order_id, "reverse", reason)
    row = reversals.movement_of(conn, movement_id, order_id=order_id)
    clock = _clock(conn, now_utc)
    with whole(conn):
        reversals.undo(conn, row, reason=reason.strip(), actor=actor, source=SOURCE, now_utc=clock)
        to_state = _state_now(conn, order, now_utc)
        details = {
            "kind": row["kind"],
            "cause": row["cause"],
            "lines": [{"lot_id": row["lot_id"], "quantity": number_of(int(row["quantity_e3"]))}],
        }
        changes = {} if to_state == "received" else {"received_utc": None}
        _step(conn, order, "reverse", to_state, actor, clock, reason=reason, details=details, changes=changes)
    return order_of(conn, order_id)


# -- what all steps share


def _found(conn: Connection, condition: sa.ColumnElement[bool]) -> list[dict[str, Any]]:
    """Orders without their line on the map, with what their request says of the destination; the oldest first."""
    order, request = schema.table("supply_order"), schema.table("supply_request")
    names = [column for column in order.columns if column.name != "geom"]
    statement = sa.select(*names, request.c.to_depot_id).join(request, request.c.id == order.c.request_id)
    return [dict(row) for row in conn.execute(statement.where(condition).order_by(order.c.fid)).mappings()]


def _require(conn: Connection, order_id: str, action: str, reason: str | None = None) -> dict[str, Any]:
    """The order, where its state allows the action and a reason is given that it needs."""
    found = _found(conn, schema.table("supply_order").c.id == order_id)
    if not found:
        raise NotFound(f"there is no order {order_id!r}")
    _require_allowed(found[0], action)
    if TRANSITIONS[action].needs_reason:
        require_text("reason", reason, f"{action} needs one")
    return found[0]


def _require_allowed(order: Mapping[str, Any], action: str) -> None:
    allowed = TRANSITIONS[action].from_states
    if order["state"] not in allowed:
        raise Conflict(f"{action} {order['id']}: the order is {order['state']}; expected {' or '.join(allowed)}")


def _step(
    conn: Connection,
    order: Mapping[str, Any],
    action: str,
    to_state: str,
    actor: str,
    clock: str,
    *,
    occurred: str | None = None,
    reason: str | None = None,
    details: Mapping[str, Any] | None = None,
    changes: Mapping[str, Any] | None = None,
) -> None:
    """Bring an order from one state to another, and note it; what the table does not hold is a mistake of ours."""
    _require_allowed(order, action)
    assert to_state in TRANSITIONS[action].to_states, (action, to_state)
    _update(conn, "supply_order", order["id"], clock, state=to_state, **(changes or {}))
    _note(
        conn,
        order["id"],
        action,
        order["state"],
        to_state,
        actor,
        clock,
        occurred=occurred,
        reason=reason,
        details=details,
    )


def _note(
    conn: Connection,
    order_id: str,
    action: str,
    from_state: str | None,
    to_state: str,
    actor: str,
    clock: str,
    *,
    occurred: str | None = None,
    reason: str | None = None,
    details: Mapping[str, Any] | None = None,
) -> None:
    row = {
        "order_id": order_id,
        "action": action,
        "from_state": from_state,
        "to_state": to_state,
        "actor": actor,
        "reason": (reason or "").strip() or None,
        "details": None if details is None else json.dumps(details, ensure_ascii=False),
        "occurred_utc": occurred or clock,
        "recorded_utc": clock,
    }
    insert_rows(conn, "order_event", [row])


def _update(conn: Connection, table: str, row_id: str, clock: str, **changes: Any) -> None:
    target = schema.table(table)
    conn.execute(sa.update(target).where(target.c.id == row_id).values(**changes, updated_utc=schema.as_given(clock)))


def _row(conn: Connection, table: str, row_id: str) -> dict[str, Any]:
    target = schema.table(table)
    columns = [column for column in target.columns if column.name != "geom"]
    found = conn.execute(sa.select(*columns).where(target.c.id == row_id)).mappings().one_or_none()
    if found is None:
        noun = table.removeprefix("supply_")
        raise NotFound(f"there is no {noun} {row_id!r}")
    return dict(found)


def _stamp(clock: str) -> dict[str, str]:
    return {"source": SOURCE, "source_datum": "EPSG:4326", "updated_utc": clock}


def _clock(conn: Connection, now_utc: datetime) -> str:
    """The time under which a step is recorded: never before that of the last step or movement."""
    return ledger.recorded_utc(conn, now_utc, "order_event")


def _clocks(conn: Connection, now_utc: datetime, occurred_utc: datetime | str | None) -> tuple[str, str]:
    """When a step is recorded, and when it happened."""
    clock = _clock(conn, now_utc)
    occurred = clock if occurred_utc is None else schema.utc_text(occurred_utc)
    if occurred > clock:
        raise InputError(f"occurred_utc={occurred}: it lies after the time of recording, {clock}; check the clock")
    return clock, occurred


_FOLLOWS = {"depart": ("issue",), "lose": ("depart", "find"), "find": ("lose",), "receive": ("depart",)}
"""What a step cannot have happened before; where goods move, the ledger sees to the rest."""


def _require_after(conn: Connection, order_id: str, action: str, occurred: str) -> None:
    """Conflict where a step is said to have happened before one that it follows; at the same moment it is fine."""
    event = schema.table("order_event")
    statement = (
        sa.select(event.c.action, event.c.occurred_utc)
        .where(event.c.order_id == order_id, event.c.action.in_(_FOLLOWS[action]), event.c.occurred_utc > occurred)
        .order_by(event.c.occurred_utc.desc(), event.c.seq.desc())
    )
    for before, moment in conn.execute(statement.limit(1)):
        raise Conflict(
            f"{action} {order_id}: said to have happened at {occurred}, but {before} was at {moment}; check the time"
        )


def _holdings(conn: Connection, order_id: str) -> dict[tuple[str, str], int]:
    """What the accounts of an order hold, by lot and account; empty accounts are left out."""
    table = schema.table("holding")
    statement = sa.select(table.c.lot_id, table.c.account, table.c.quantity_e3)
    rows = conn.execute(statement.where(table.c.ref == order_id, table.c.quantity_e3 > 0).order_by(table.c.fid))
    return {(lot_id, account): int(quantity_e3) for lot_id, account, quantity_e3 in rows}


def _has_arrived(conn: Connection, order_id: str) -> bool:
    """Whether anything of an order came to its end: delivered, damaged or missing."""
    table = schema.table("movement")
    undone = sa.select(table.c.reverses).where(table.c.reverses.is_not(None))
    statement = sa.select(table.c.seq).where(
        table.c.from_ref == order_id,
        table.c.from_account == "in_transit",
        table.c.kind.in_(("delivery", "write_off")),
        table.c.id.not_in(undone),
    )
    return conn.scalar(statement.limit(1)) is not None


def _state_now(conn: Connection, order: Mapping[str, Any], now_utc: datetime) -> str:
    """The state that follows from where the goods are."""
    accounts = {account for _, account in _holdings(conn, order["id"])}
    arrived = _has_arrived(conn, order["id"])
    if "in_transit" in accounts:
        if arrived and order["state"] != "lost":
            return "partly_received"
        if order["state"] in ("partly_received", "received"):  # its receipt was undone
            return "issued" if order["departed_utc"] is None else _rolling_state(order, now_utc)
        return str(order["state"])
    if arrived:
        return "received"
    return str(order["state"]) if "returned" in accounts else "cancelled"


def _close_request(conn: Connection, request_id: str, clock: str) -> None:
    """A request is closed with its last order."""
    table = schema.table("supply_order")
    is_open = table.c.state.not_in(CLOSED_STATES)
    if conn.scalar(sa.select(table.c.id).where(table.c.request_id == request_id, is_open).limit(1)) is None:
        _update(conn, "supply_request", request_id, clock, closed_utc=clock)


def _lot_in(conn: Connection, lot_id: str, depot_id: str, clock: str) -> str:
    """The lot that goods come to lie with in another depot; one that differs in expiry or state is a lot of its own."""
    lot = schema.table("lot")
    names = ("item_id", "lot", "unit", "status", "expires_on", "depot_id")
    row = conn.execute(sa.select(*(lot.c[name] for name in names)).where(lot.c.id == lot_id)).mappings().one()
    for number in (row["lot"], f"{row['lot']} ({row['depot_id']})", f"{row['lot']} ({row['depot_id']}) {clock}"):
        identity = schema.id_of((depot_id, row["item_id"], number))
        there = conn.execute(sa.select(lot.c.expires_on, lot.c.status).where(lot.c.id == identity)).one_or_none()
        if there is None:
            conn.execute(
                sa.insert(lot),
                {
                    **row,
                    "id": identity,
                    "depot_id": depot_id,
                    "lot": number,
                    "source": SOURCE,
                    "source_datum": "none",
                    "updated_utc": clock,
                },
            )
            return identity
        if tuple(there) == (row["expires_on"], row["status"]):
            return identity
    raise Conflict(f"lot {lot_id}: depot {depot_id} holds it in other states; count that depot first")


def _total(lot_id: str, parts: Sequence[tuple[str, int]]) -> int:
    for name, quantity_e3 in parts:
        require_quantity(f"lot {lot_id}: {name}", quantity_e3, low_e3=0)
    total = sum(quantity_e3 for _, quantity_e3 in parts)
    if total == 0:
        raise InputError(f"lot {lot_id}: every quantity is 0; leave the line out")
    return total


def _require_whole(conn: Connection, lot_id: str, parts: Sequence[tuple[str, int]], there_e3: int) -> None:
    """No part of a unit of an order's goods that has none, as `stock.require_whole`."""
    for name, quantity_e3 in parts:
        if quantity_e3 % 1000:
            unit = stock.lots_of(conn, [lot_id])[lot_id]["unit"]
            stock.require_whole(f"lot {lot_id}: {name}", quantity_e3, unit, there_e3=there_e3)


def _quantities(moves: Sequence[Movement]) -> dict[str, Any]:
    """What an event says of the goods."""
    return {
        "lines": [
            {
                "lot_id": m.lot_id,
                "quantity": number_of(m.quantity_e3),
                **({"to_lot_id": m.to_lot_id} if m.to_lot_id else {}),
            }
            for m in moves
        ]
    }


def _line(geom: Any) -> Any:
    """A line of [lon, lat] as a shape; None, or fewer than two points, for none."""
    from shapely import LineString

    if geom is None or isinstance(geom, LineString):
        return geom
    points = [(float(lon), float(lat)) for lon, lat in geom]
    return LineString(points) if len(points) > 1 else None


__all__ = [
    "BOUND_ACCOUNTS",
    "CLOSED_STATES",
    "NEWS_S",
    "NOBODY",
    "PAPERS_WITHIN",
    "RESERVED_FOR",
    "SYSTEM",
    "TRANSITIONS",
    "Carrier",
    "Need",
    "NewLine",
    "NewRequest",
    "Pick",
    "ReceiptLine",
    "ReturnLine",
    "Transition",
    "cancel",
    "complete_papers",
    "depart",
    "due_to_expire",
    "expire_due",
    "is_news",
    "issue",
    "on_the_way",
    "open_orders",
    "open_requests",
    "order_of",
    "outstanding",
    "papers_due",
    "place",
    "post_by_telephone",
    "receive",
    "renew",
    "report_found",
    "report_lost",
    "request_of",
    "reserve",
    "reverse",
    "send_back",
    "settle",
    "take_back",
    "trace_lot",
    "trace_order",
    "update_eta",
    "upward_draft",
    "use",
]
