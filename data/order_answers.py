"""What requests and orders are, in plain values; what is outstanding; the whole life of a lot or an order."""

import json
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from data import geometry, schema
from data.geometry import EncodedGeometry
from data.kinds import DEPOT_LEVELS
from data.reversals import may_be_undone
from data.store import chunks, marks, read_rows
from geo.errors import InputError, NotFound
from geo.supply import number_of

_ON_THE_WAY = ("in_transit", "late", "partly_received")
CLOSED_STATES = ("expired", "cancelled", "settled")
"""States after which nothing happens to an order."""

BOUND_ACCOUNTS = ("reserved", "in_transit")
"""What an open order still has to bring; a lost one is not counted on."""

_LEVELS = tuple(choice.code for choice in DEPOT_LEVELS)
_PARTS = ("issued", "received", "damaged", "missing", "used", "returned")
_HELD = {"reserved": "reserved", "in_transit": "in_transit", "at_place": "incident", "coming_back": "returned"}


def substitution(conn: Connection, item_id: str, given_id: str) -> Fraction | int:
    """How much of an item one unit of what is given stands for; 1 for the item itself."""
    if item_id == given_id:
        return 1
    table = schema.table("substitute")
    row = conn.execute(
        sa.select(table.c.quantity_e3, table.c.substitute_quantity_e3).where(
            table.c.item_id == item_id, table.c.substitute_id == given_id
        )
    ).one_or_none()
    if row is None:
        raise InputError(f"instead_of={item_id}: no equivalence says that {given_id} may stand for it; import one")
    return Fraction(int(row[0]), int(row[1]))


# -- requests and orders


def request_of(conn: Connection, request_id: str) -> dict[str, Any]:
    """A request with what is outstanding of each line, and its orders."""
    requests = _requests(conn, [request_id])
    if not requests:
        raise NotFound(f"there is no request {request_id!r}")
    table = schema.table("supply_order")
    ids = list(conn.scalars(sa.select(table.c.id).where(table.c.request_id == request_id).order_by(table.c.fid)))
    orders = _orders(conn, ids)
    return {
        **requests[request_id],
        "lines": _outstanding(conn, request_id, orders, as_e3=False),
        "orders": [_plain(order) for order in orders],
    }


def open_requests(conn: Connection) -> list[dict[str, Any]]:
    """Every request that is not closed, the oldest first, as `request_of` has it, without its orders."""
    request, order = schema.table("supply_request"), schema.table("supply_order")
    ids = list(conn.scalars(sa.select(request.c.id).where(request.c.closed_utc.is_(None)).order_by(request.c.fid)))
    order_ids: list[str] = []
    for chunk in chunks(ids):
        order_ids += conn.scalars(sa.select(order.c.id).where(order.c.request_id.in_(chunk)))
    orders: dict[str, list[dict[str, Any]]] = {request_id: [] for request_id in ids}
    for found in _orders(conn, order_ids):
        orders[found["request_id"]].append(found)
    requests = _requests(conn, ids)
    return [{**requests[i], "lines": _outstanding(conn, i, orders[i], as_e3=False)} for i in ids]


def new_request(
    conn: Connection,
    request: Mapping[str, Any],
    lonlat: Sequence[float],
    needs: Sequence[Mapping[str, Any]],
    orders: Sequence[Mapping[str, Any]],
    order_lines: Sequence[Mapping[str, Any]],
    lots: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    """What `request_of` says of a request whose rows were just written, without reading them again."""
    to_depot_id = request["to_depot_id"]
    depots = list(dict.fromkeys((*(order["depot_id"] for order in orders), *([to_depot_id] if to_depot_id else []))))
    text = f"SELECT id, name, geom FROM depot WHERE id IN ({marks(depots)})"
    depot = {row[0]: row for row in read_rows(conn, text, depots)}
    made = _request(
        {**dict.fromkeys(_REQUEST_COLUMNS), **{name: request[name] for name in _REQUEST_COLUMNS if name in request}}
        | {"to_depot_name": depot[to_depot_id][1] if to_depot_id else None},
        lonlat,
    )
    answer = []
    for order in orders:
        lines = []
        for line in order_lines:
            if line["order_id"] == order["id"]:
                entry = _empty(line["lot_id"], line["instead_of"], line["reason"])
                entry |= {"quantity": line["quantity_e3"], "reserved": line["quantity_e3"]}
                lines.append(entry | {name: lots[line["lot_id"]][name] for name in _LOT_SAID})
        row = {**dict.fromkeys(_ORDER_COLUMNS), **{name: order[name] for name in _ORDER_COLUMNS if name in order}}
        row |= {"depot_name": depot[order["depot_id"]][1], "vehicle_name": None, "position_utc": None}
        answer.append(_order(row, None, geometry.decode_point(depot[order["depot_id"]][2]), None, made, lines))
    lines_of_request = _outstanding(conn, request["id"], answer, as_e3=False)
    return {**made, "lines": lines_of_request, "orders": [_plain(order) for order in answer]}


def order_of(conn: Connection, order_id: str) -> dict[str, Any]:
    """An order with its lines, where its goods are, and everything that happened to it."""
    found = _orders(conn, [order_id])
    if not found:
        raise NotFound(f"there is no order {order_id!r}")
    order = _plain(found[0])
    return {**order, "events": _events(conn, order_id)}


def open_orders(conn: Connection) -> list[dict[str, Any]]:
    """Every order that is neither settled nor given up, the oldest first."""
    return _orders_where(conn, schema.table("supply_order").c.state.not_in(CLOSED_STATES))


def on_the_way(conn: Connection) -> list[dict[str, Any]]:
    """The orders whose vehicle is on its way and heard of, as `open_orders` gives them."""
    return _orders_where(conn, schema.table("supply_order").c.state.in_(_ON_THE_WAY))


def _orders_where(conn: Connection, condition: sa.ColumnElement[bool]) -> list[dict[str, Any]]:
    table = schema.table("supply_order")
    ids = conn.scalars(sa.select(table.c.id).where(condition).order_by(table.c.fid))
    return [_plain(order) for order in _orders(conn, list(ids))]


def unlike_their_events(conn: Connection) -> list[tuple[str, str, str | None]]:
    """Orders whose state is not what their last event says: id, state, and what the event says."""
    order, event = schema.table("supply_order"), schema.table("order_event")
    last = sa.select(event.c.order_id, sa.func.max(event.c.seq).label("seq")).group_by(event.c.order_id).subquery()
    rows = conn.execute(
        sa.select(order.c.id, order.c.state, event.c.to_state)
        .outerjoin(last, last.c.order_id == order.c.id)
        .outerjoin(event, event.c.seq == last.c.seq)
        .where(sa.func.coalesce(event.c.to_state, "") != order.c.state)
        .order_by(order.c.fid)
    )
    return [(str(row[0]), str(row[1]), row[2]) for row in rows]


def papers_due(conn: Connection) -> list[dict[str, Any]]:
    """The requests by telephone whose papers are not there yet, the first due first."""
    table = schema.table("supply_request")
    statement = (
        sa.select(table.c.id)
        .where(table.c.papers_due_utc.is_not(None), table.c.papers_done_utc.is_(None))
        .order_by(table.c.papers_due_utc, table.c.fid)
    )
    ids = list(conn.scalars(statement))
    found = _requests(conn, ids)
    return [found[request_id] for request_id in ids]


def outstanding(conn: Connection, request_id: str, *, as_e3: bool = False) -> list[dict[str, Any]]:
    """For each item of a request: asked, bound in open orders, received fit for use, lost, and what is still short.

    Substitutes count as what they stand for. Numbers are plain; with `as_e3` whole thousandths named ``*_e3``.
    """
    table = schema.table("supply_order")
    ids = list(conn.scalars(sa.select(table.c.id).where(table.c.request_id == request_id).order_by(table.c.fid)))
    if not ids and not _requests(conn, [request_id]):
        raise NotFound(f"there is no request {request_id!r}")
    return _outstanding(conn, request_id, _orders(conn, ids), as_e3=as_e3)


def upward_draft(conn: Connection, request_id: str, *, to_level: str | None = None) -> dict[str, Any]:
    """What to ask of the next level up (or of `to_level`): what is outstanding of a request, not what was asked."""
    request = request_of(conn, request_id)
    own = request["level"] or "street"
    if to_level is None:
        to_level = _LEVELS[min(_LEVELS.index(own) + 1, len(_LEVELS) - 1)]
    if to_level not in _LEVELS:
        raise InputError(f"to_level={to_level}: expected one of {', '.join(_LEVELS)}")
    names = ("unit", "place", "to", "contact", "phone", "incident", "deadline_utc")
    lines = [
        {
            **{name: line[name] for name in ("item_id", "item_name", "unit", "specification", "requested")},
            "quantity": line["outstanding"],
        }
        for line in request["lines"]
        if line["outstanding"]
    ]
    return {
        "request_id": request_id,
        "from_level": request["level"],
        "to_level": to_level,
        **{name: request[name] for name in names},
        "lines": lines,
    }


_REQUEST_COLUMNS = tuple(
    column.name
    for column in schema.table("supply_request").columns
    if column.name not in ("fid", "geom", "source", "source_datum")
)
_ORDER_COLUMNS = tuple(
    column.name
    for column in schema.table("supply_order").columns
    if column.name not in ("fid", "geom", "source", "source_datum")
)
_LOT_SAID = ("lot", "item_id", "item_name", "unit", "expires_on")
_OF_REQUEST = (
    "unit",
    "place",
    "to",
    "contact",
    "incident",
    "note",
    "by_telephone",
    "to_depot_id",
    "to_depot_name",
    "deadline_utc",
    "papers_due_utc",
    "papers_done_utc",
)
"""What an order says of its request."""


def _request(row: Mapping[str, Any], lonlat: Sequence[float]) -> dict[str, Any]:
    return {**row, "by_telephone": bool(row["by_telephone"]), "to": [float(lonlat[0]), float(lonlat[1])]}


def _order(
    row: Mapping[str, Any],
    line: Any,
    depot_place: tuple[float, float] | None,
    position: Any,
    request: Mapping[str, Any],
    lines: list[dict[str, Any]],
) -> dict[str, Any]:
    # where the vehicle was before it left says nothing of this order
    is_seen = position is not None and (row["position_utc"] or "") >= (row["departed_utc"] or "9")
    return {
        **row,
        "route": None if line is None else [list(place) for place in line.coords],
        "depot_place": None if depot_place is None else list(depot_place),
        "position": [position.x, position.y] if is_seen else None,
        **{name: request[name] for name in _OF_REQUEST},
        "contact_phone": request["phone"],  # the order's own is the driver's
        "lines": lines,
    }


def _requests(conn: Connection, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    table, depot = schema.table("supply_request"), schema.table("depot")
    found: dict[str, dict[str, Any]] = {}
    for chunk in chunks(ids):
        statement = (
            sa.select(*(table.c[name] for name in _REQUEST_COLUMNS), depot.c.name.label("to_depot_name"), table.c.geom)
            .outerjoin(depot, depot.c.id == table.c.to_depot_id)
            .where(table.c.id.in_(chunk))
        )
        for row in conn.execute(statement).mappings():
            request = dict(row)
            point = request.pop("geom")
            found[request["id"]] = _request(request, (point.x, point.y))
    return found


def _orders(conn: Connection, ids: Sequence[str]) -> list[dict[str, Any]]:
    """Orders in the order of `ids`; their quantities are still whole thousandths."""
    order, depot, vehicle = schema.table("supply_order"), schema.table("depot"), schema.table("vehicle")
    rows: dict[str, dict[str, Any]] = {}
    for chunk in chunks(ids):
        statement = (
            sa.select(
                *(order.c[name] for name in _ORDER_COLUMNS),
                depot.c.name.label("depot_name"),
                vehicle.c.name.label("vehicle_name"),
                vehicle.c.position_utc,
                order.c.geom,
                sa.type_coerce(depot.c.geom, EncodedGeometry()).label("depot_point"),
                vehicle.c.geom.label("position"),
            )
            .join(depot, depot.c.id == order.c.depot_id)
            .outerjoin(vehicle, vehicle.c.id == order.c.vehicle_id)
            .where(order.c.id.in_(chunk))
        )
        rows.update({row["id"]: dict(row) for row in conn.execute(statement).mappings()})
    requests = _requests(conn, list(dict.fromkeys(row["request_id"] for row in rows.values())))
    lines = _lines(conn, list(rows))
    return [
        _order(
            row,
            row.pop("geom"),
            geometry.decode_point(row.pop("depot_point")),
            row.pop("position"),
            requests[row["request_id"]],
            lines.get(order_id, []),
        )
        for order_id in ids
        if (row := rows.get(order_id)) is not None
    ]


def _lines(conn: Connection, ids: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """The lots of some orders: what was ordered, and where it is by the ledger; in whole thousandths."""
    line, lot, item = schema.table("supply_order_line"), schema.table("lot"), schema.table("item")
    found: dict[str, dict[str, dict[str, Any]]] = {order_id: {} for order_id in ids}
    for chunk in chunks(ids):
        statement = (
            sa.select(line.c.order_id, line.c.lot_id, line.c.quantity_e3, line.c.instead_of, line.c.reason)
            .where(line.c.order_id.in_(chunk))
            .order_by(line.c.fid)
        )
        for order_id, lot_id, quantity_e3, instead_of, reason in conn.execute(statement):
            found[order_id][lot_id] = {**_empty(lot_id, instead_of, reason), "quantity": int(quantity_e3)}
        for order_id, lot_id, part, quantity_e3 in _moved(conn, chunk):
            # a lot that was picked in place of another one
            entry = found[order_id].setdefault(lot_id, _empty(lot_id, None, None))
            entry[part] += quantity_e3
    names: dict[str, Mapping[str, Any]] = {}
    for chunk in chunks(list({lot_id for entries in found.values() for lot_id in entries})):
        wanted = (lot.c.id, lot.c.lot, lot.c.item_id, lot.c.expires_on, item.c.name.label("item_name"), item.c.unit)
        statement = sa.select(*wanted).join(item, item.c.id == lot.c.item_id).where(lot.c.id.in_(chunk))
        names.update({row["id"]: row for row in conn.execute(statement).mappings()})
    for entries in found.values():
        stands_for = {names[lot_id]["item_id"]: e["instead_of"] for lot_id, e in entries.items() if e["quantity"]}
        for lot_id, entry in entries.items():
            row = names[lot_id]
            entry.update({name: row[name] for name in _LOT_SAID})
            if not entry["quantity"]:
                entry["instead_of"] = stands_for.get(row["item_id"])
    return {order_id: list(entries.values()) for order_id, entries in found.items()}


def _empty(lot_id: str, instead_of: str | None, reason: str | None) -> dict[str, Any]:
    parts = dict.fromkeys(("quantity", *_PARTS, *_HELD), 0)
    return {"lot_id": lot_id, "instead_of": instead_of, "reason": reason, **parts}


def _moved(conn: Connection, order_ids: Sequence[str]) -> Iterable[tuple[str, str, str, int]]:
    """Order, lot, part of `_empty`, thousandths: what the ledger says of some orders; what was undone counts back."""
    movement, holding = schema.table("movement"), schema.table("holding")
    undone = movement.alias("undone")
    names = ("lot_id", "to_lot_id", "kind", "cause", "from_ref", "to_ref", "quantity_e3")
    for ref in (movement.c.to_ref, movement.c.from_ref):
        statement = (
            sa.select(
                ref,
                *(movement.c[name] for name in names),
                undone.c.lot_id,
                undone.c.kind,
                undone.c.cause,
            )
            .outerjoin(undone, undone.c.id == movement.c.reverses)
            .where(ref.in_(list(order_ids)))
        )
        if ref is movement.c.from_ref:  # both ends are of the same order: counted once
            statement = statement.where(movement.c.to_ref.is_(None))
        for order_id, lot_id, _, kind, cause, _, _, quantity_e3, old_lot, old_kind, old_cause in conn.execute(
            statement
        ):
            part = _part(old_kind or kind, old_cause if old_kind else cause)
            if part is not None:
                yield order_id, old_lot or lot_id, part, -int(quantity_e3) if old_kind else int(quantity_e3)
    held = sa.select(holding.c.ref, holding.c.lot_id, holding.c.account, holding.c.quantity_e3)
    name_of = {account: name for name, account in _HELD.items()}
    for order_id, lot_id, account, quantity_e3 in conn.execute(
        held.where(holding.c.ref.in_(list(order_ids)), holding.c.quantity_e3 > 0)
    ):
        yield order_id, lot_id, name_of[account], int(quantity_e3)


def _part(kind: str, cause: str | None) -> str | None:
    match kind:
        case "issue":
            return "issued"
        case "delivery":
            return "received"
        case "use":
            return "used"
        case "return":
            return "returned"
        case "write_off":
            return "missing" if cause == "missing" else "damaged"
        case _:
            return None


def _plain(order: Mapping[str, Any]) -> dict[str, Any]:
    """An order with its quantities as plain numbers."""
    numbers = ("quantity", *_PARTS, *_HELD)
    lines = [{**line, **{name: number_of(line[name]) for name in numbers}} for line in order["lines"]]
    return {**order, "lines": lines}


def _outstanding(
    conn: Connection, request_id: str, orders: Sequence[Mapping[str, Any]], *, as_e3: bool
) -> list[dict[str, Any]]:
    sums: dict[str, dict[str, Fraction | int]] = {}
    for order in orders:
        for line in order["lines"]:
            asked = line["instead_of"] or line["item_id"]
            rate = substitution(conn, asked, line["item_id"])
            sum_of = sums.setdefault(asked, dict.fromkeys(("bound", "received", "lost"), 0))
            bound = sum(line[account] for account in BOUND_ACCOUNTS)
            sum_of["lost" if order["state"] == "lost" else "bound"] += bound * rate
            sum_of["received"] += line["received"] * rate
    rows = read_rows(
        conn,
        "SELECT line.item_id, item.name, item.unit, line.specification, line.quantity_e3"
        " FROM supply_request_line AS line"
        " JOIN item ON item.id = line.item_id WHERE line.request_id = ? ORDER BY line.fid",
        (request_id,),
    )
    found = []
    for item_id, name, unit, specification, requested in rows:
        parts = {part: int(value) for part, value in sums.get(item_id, {}).items()}
        numbers = {
            "requested": int(requested),
            **{part: parts.get(part, 0) for part in ("bound", "received", "lost")},
            "outstanding": max(0, int(requested) - parts.get("bound", 0) - parts.get("received", 0)),
        }
        shown = {f"{k}_e3": v for k, v in numbers.items()} if as_e3 else {k: number_of(v) for k, v in numbers.items()}
        found.append({"item_id": item_id, "item_name": name, "unit": unit, "specification": specification, **shown})
    return found


def _events(conn: Connection, order_id: str) -> list[dict[str, Any]]:
    table = schema.table("order_event")
    rows = conn.execute(sa.select(table).where(table.c.order_id == order_id).order_by(table.c.seq)).mappings()
    return [
        {**{k: v for k, v in row.items() if k != "details"}, "details": json.loads(row["details"] or "{}")}
        for row in rows
    ]


# -- tracing


def trace_lot(conn: Connection, lot_id: str) -> list[dict[str, Any]]:
    """The whole life of a lot, and of the lots that it came from or went to in other depots, as it happened.

    Each row says what happened (`what`), when, when it was told, by whom, why, and for which order; a movement also
    what undid it (`reversed_by`), what it undid (`reverses`, `reversed_kind`), and whether it may be undone by hand.
    """
    lot, movement = schema.table("lot"), schema.table("movement")
    if conn.scalar(sa.select(lot.c.id).where(lot.c.id == lot_id)) is None:
        raise NotFound(f"there is no lot {lot_id!r}")
    lots, new = {lot_id}, {lot_id}
    while new:
        chunk = list(new)
        pairs = conn.execute(
            sa.select(movement.c.lot_id, movement.c.to_lot_id).where(
                movement.c.to_lot_id.is_not(None), movement.c.lot_id.in_(chunk) | movement.c.to_lot_id.in_(chunk)
            )
        )
        new = {one for pair in pairs for one in pair} - lots
        lots |= new
    ids = list(lots)
    names = _lot_names(conn, ids)
    rows = _movement_rows(conn, movement.c.lot_id.in_(ids) | movement.c.to_lot_id.in_(ids))
    counts, states = schema.table("stock_count"), schema.table("lot_status_change")
    for row in conn.execute(sa.select(counts).where(counts.c.lot_id.in_(ids)).order_by(counts.c.seq)).mappings():
        rows.append(
            {
                **_trace_row(dict(row), "count"),
                "quantity": number_of(row["counted_e3"]),
                "expected": number_of(row["expected_e3"]),
                "checker": row["checker"],
            }
        )
    for row in conn.execute(sa.select(states).where(states.c.lot_id.in_(ids)).order_by(states.c.seq)).mappings():
        rows.append({**_trace_row(dict(row), "status"), "from": row["from_status"], "to": row["to_status"]})
    return _in_order([{**row, **names[row["lot_id"]]} for row in rows])


def trace_order(conn: Connection, order_id: str) -> list[dict[str, Any]]:
    """Everything that happened to an order and to its goods, as it happened."""
    order = schema.table("supply_order")
    request_id = conn.scalar(sa.select(order.c.request_id).where(order.c.id == order_id))
    if request_id is None:
        raise NotFound(f"there is no order {order_id!r}")
    request = _requests(conn, [request_id])[request_id]
    made = {"occurred_utc": request["created_utc"], "recorded_utc": request["created_utc"], "reason": None}
    rows: list[dict[str, Any]] = [
        {**made, "what": "request", "id": request_id, "actor": request["created_by"], "seq": 0, "order_id": order_id}
    ]
    if request["papers_done_utc"] is not None:
        done = {"occurred_utc": request["papers_done_utc"], "recorded_utc": request["papers_done_utc"]}
        rows.append(
            {**done, "what": "papers", "id": request_id, "actor": request["papers_by"], "reason": request["papers"]}
            | {"seq": 0, "order_id": order_id}
        )
    rows += [
        {
            **_trace_row(event, "order"),
            "action": event["action"],
            "from": event["from_state"],
            "to": event["to_state"],
            "order_id": order_id,
            "details": event["details"],
        }
        for event in _events(conn, order_id)
    ]
    movement = schema.table("movement")
    moves = _movement_rows(conn, (movement.c.from_ref == order_id) | (movement.c.to_ref == order_id))
    names = _lot_names(conn, list({row["lot_id"] for row in moves}))
    rows += [{**row, **names[row["lot_id"]]} for row in moves]
    return _in_order(rows)


def _movement_rows(conn: Connection, condition: sa.ColumnElement[bool]) -> list[dict[str, Any]]:
    movement, order = schema.table("movement"), schema.table("supply_order")
    back, undone, lot = movement.alias("back"), movement.alias("undone"), schema.table("lot")
    joined = (back.c.id.label("reversed_by"), undone.c.kind.label("reversed_kind"), order.c.state, lot.c.depot_id)
    statement = (
        sa.select(movement, *joined)
        .join(lot, lot.c.id == sa.func.coalesce(movement.c.to_lot_id, movement.c.lot_id))
        .outerjoin(back, back.c.reverses == movement.c.id)
        .outerjoin(undone, undone.c.id == movement.c.reverses)
        .outerjoin(order, order.c.id == sa.func.coalesce(movement.c.from_ref, movement.c.to_ref))
        .where(condition)
        .order_by(movement.c.seq)
    )
    return [
        {
            **_trace_row(dict(row), "movement"),
            "action": row["kind"],
            "from": row["from_account"],
            "to": row["to_account"],
            "quantity": number_of(row["quantity_e3"]),
            "to_lot_id": row["to_lot_id"],
            "order_id": row["from_ref"] or row["to_ref"],
            "cause": row["cause"],
            "reverses": row["reverses"],
            "to_depot_id": row["depot_id"],
            "reversed_by": row["reversed_by"],
            "reversed_kind": row["reversed_kind"],
            "is_reversible": row["reversed_by"] is None
            and row["state"] not in CLOSED_STATES
            and may_be_undone(row["kind"], row["from_ref"] or row["to_ref"]),
            "source": row["source"],
            "import_run": row["import_run"],
        }
        for row in conn.execute(statement).mappings()
    ]


def _trace_row(row: Mapping[str, Any], what: str) -> dict[str, Any]:
    names = ("id", "seq", "occurred_utc", "recorded_utc", "actor", "reason")
    return {
        "what": what,
        **{name: row[name] for name in names},
        **({"lot_id": row["lot_id"]} if "lot_id" in row else {}),
    }


def _in_order(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    kinds = ("request", "order", "papers", "movement", "count", "status")
    rows.sort(key=lambda row: (row["occurred_utc"], row["recorded_utc"], kinds.index(row["what"]), row["seq"]))
    return [{name: value for name, value in row.items() if name != "seq"} for row in rows]


def _lot_names(conn: Connection, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    lot, item, depot = schema.table("lot"), schema.table("item"), schema.table("depot")
    found: dict[str, dict[str, Any]] = {}
    for chunk in chunks(ids):
        statement = (
            sa.select(
                lot.c.id,
                lot.c.lot,
                lot.c.item_id,
                item.c.name.label("item_name"),
                item.c.unit,
                lot.c.depot_id,
                depot.c.name.label("depot_name"),
            )
            .join(item, item.c.id == lot.c.item_id)
            .join(depot, depot.c.id == lot.c.depot_id)
            .where(lot.c.id.in_(chunk))
        )
        for row in conn.execute(statement).mappings():
            found[row["id"]] = {name: value for name, value in row.items() if name != "id"}
    return found
