"""The API of supplies that move: requests, orders, the ledger. Every change carries an Idempotency-Key."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from data import orders
from data.kinds import LOT_STATUSES
from data.recalls import STATES as RECALL_STATES
from data.schema import CAUSES
from layers import analyses, waybill
from layers.actions import stock, supplies
from layers.analyses.dispatch import due_and_late
from web import parameters as p
from web import schemas as s
from web.endpoint import Endpoint, Question
from web.kept import Answer
from web.pages import sheet_fonts
from web.parameters import Param

_ID = {"type": "string", "minLength": 1, "maxLength": 200}
_LINE_TEXT = {"type": "string", "minLength": 1, "maxLength": 500}
_NOTE = {"type": ["string", "null"], "maxLength": 2_000}
_QUANTITY = {"type": ["number", "string"], "description": "units, at most 3 decimals; text keeps it exact"}
_MOMENT = {"type": ["string", "null"], "format": "date-time"}
_OCCURRED = {**_MOMENT, "description": "when it happened; left out: now"}

_NEED = {
    "type": "object",
    "required": ["item_id", "quantity"],
    "additionalProperties": False,
    "properties": {"item_id": _ID, "quantity": _QUANTITY, "specification": _NOTE},
}
_TAKEN = {
    "type": "object",
    "required": ["depot_id", "item_id", "lot", "quantity"],
    "additionalProperties": False,
    "properties": {
        "depot_id": _ID,
        "item_id": _ID,
        "lot": _ID,
        "quantity": _QUANTITY,
        "instead_of": {"type": ["string", "null"]},
        "reason": _NOTE,
    },
}
REQUEST: dict[str, Any] = {
    "type": "object",
    "required": ["to", "unit", "place", "contact", "needs", "lines"],
    "properties": {
        "to": {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2},
        "unit": _LINE_TEXT,
        "place": _LINE_TEXT,
        "contact": _LINE_TEXT,
        "phone": _NOTE,
        "incident": _NOTE,
        "note": _NOTE,
        "deadline": _MOMENT,
        "to_depot_id": {"type": ["string", "null"]},
        "level": {"enum": ["community", "street", "district", "city", None]},
        "needs": {"type": "array", "minItems": 1, "maxItems": 200, "items": _NEED},
        "lines": {"type": "array", "minItems": 1, "maxItems": 2_000, "items": _TAKEN},
    },
}


def _lines(*required: str, **properties: Any) -> dict[str, Any]:
    """The lines of a change, one for each lot; `required` are the properties that each must have."""
    return {
        "type": "object",
        "required": ["lines"],
        "properties": {
            "lines": {
                "type": "array",
                "minItems": 1,
                "maxItems": 2_000,
                "items": {
                    "type": "object",
                    "required": ["lot_id", *required],
                    "additionalProperties": False,
                    "properties": {"lot_id": _ID, **properties},
                },
            },
            "occurred": _OCCURRED,
        },
    }


_REASON = {"type": "object", "required": ["reason"], "properties": {"reason": _LINE_TEXT}}
_TOLD = {**_REASON, "properties": {"reason": _LINE_TEXT, "occurred": _OCCURRED}}
_REVERSED = {
    "type": "object",
    "required": ["movement_id", "reason"],
    "properties": {"movement_id": _ID, "reason": _LINE_TEXT},
}
_CARRIER = {"vehicle_id": {"type": ["string", "null"]}, "driver": _NOTE, "phone": _NOTE}
_DEPART = {"type": "object", "properties": {**_CARRIER, "occurred": _OCCURRED}}
_AGAIN = {
    "type": "object",
    "properties": {
        "lines": {
            "type": ["array", "null"],
            "minItems": 1,
            "maxItems": 2_000,
            "items": _TAKEN,
            "description": "left out: planned anew for what is outstanding",
        }
    },
}
_NOTHING: dict[str, Any] = {"type": "object", "properties": {}}
_RECEIPT = _lines(received=_QUANTITY, damaged=_QUANTITY, missing=_QUANTITY, note=_NOTE)
_USED = _lines("quantity", quantity=_QUANTITY, note=_NOTE)
_BACK = _lines(quantity=_QUANTITY, damaged=_QUANTITY, note=_NOTE)
_RETURNED = {
    **_BACK,
    "properties": {
        **_BACK["properties"],
        "to_depot_id": {"type": ["string", "null"]},
        "hold": {"type": "boolean"},
    },
}
_ISSUE = {
    "type": "object",
    "properties": {
        "picks": {
            "type": ["array", "null"],
            "maxItems": 2_000,
            "items": {
                "type": "object",
                "required": ["lot_id", "quantity"],
                "additionalProperties": False,
                "properties": {"lot_id": _ID, "quantity": _QUANTITY, "reason": _NOTE},
            },
        },
        **_CARRIER,
        "reason": _NOTE,
        "occurred": _OCCURRED,
    },
}
_PAPERS = {"type": "object", "required": ["papers"], "properties": {"papers": _LINE_TEXT}}

TAKEN_IN: dict[str, Any] = {
    "type": "object",
    "required": ["depot_id", "lines"],
    "properties": {
        "depot_id": _ID,
        "reason": _NOTE,
        "occurred": _OCCURRED,
        "lines": {
            "type": "array",
            "minItems": 1,
            "maxItems": 2_000,
            "items": {
                "type": "object",
                "required": ["item_id", "lot", "quantity"],
                "additionalProperties": False,
                "properties": {
                    "item_id": _ID,
                    "lot": _ID,
                    "quantity": _QUANTITY,
                    "pack": {"type": ["string", "null"], "description": "the quantity is in these packs"},
                    "unit": {"type": ["string", "null"]},
                    "expires_on": {"type": ["string", "null"], "format": "date"},
                    "status": {"enum": [choice.code for choice in LOT_STATUSES]},
                },
            },
        },
    },
}
COUNT: dict[str, Any] = {
    "type": "object",
    "required": ["depot_id", "checker", "lines"],
    "properties": {
        "depot_id": _ID,
        "checker": {"type": "string", "maxLength": 200, "description": "who checked: another person than who counted"},
        **_lines("counted", counted=_QUANTITY, reason=_NOTE)["properties"],
    },
}
STATUS: dict[str, Any] = {
    "type": "object",
    "required": ["depot_id", "lot_id", "status", "reason"],
    "properties": {
        "depot_id": _ID,
        "lot_id": _ID,
        "status": {"enum": [choice.code for choice in LOT_STATUSES]},
        "reason": _LINE_TEXT,
    },
}
RECALL: dict[str, Any] = {
    "type": "object",
    "required": ["lot_id", "status", "reason"],
    "properties": {
        "lot_id": _ID,
        "status": {"enum": list(RECALL_STATES)},
        "reason": _LINE_TEXT,
    },
}
SET_ASIDE: dict[str, Any] = {
    "type": "object",
    "required": ["depot_id", "lot_id", "what", "quantity", "reason"],
    "properties": {
        "depot_id": _ID,
        "lot_id": _ID,
        "what": {"enum": ["hold", "unhold", "write_off"]},
        "quantity": _QUANTITY,
        "cause": {"enum": list(CAUSES)},
        "held": {"type": "boolean", "description": "write off what is on hold"},
        "reason": _LINE_TEXT,
    },
}

STOCK_CHANGED: dict[str, Any] = {"type": "object"}
SUPPLY_REQUEST = {"type": "object", "required": ["id", "number", "orders"]}
SUPPLY_ORDER = {"type": "object", "required": ["id", "number", "state", "lines"]}


def _key(q: Question) -> str:
    assert q.key is not None
    return q.key


def reserve(q: Question, *, body: dict[str, Any]) -> Any:
    """Bind a plan for 30 minutes, all of its lines or none."""
    return supplies.reserve(q.district, q.actor, body, key=_key(q))


def post_by_telephone(q: Question, *, body: dict[str, Any]) -> Any:
    """Reserve and order at once; the papers are due in 48 hours."""
    return supplies.post_by_telephone(q.district, q.actor, body, key=_key(q))


def request_shown(q: Question, request: str) -> Any:
    """One request with its orders and what is outstanding."""
    with q.district.store.reading() as conn:
        return orders.request_of(conn, request)


def renew(q: Question, request: str, *, body: dict[str, Any]) -> Any:
    """Hold a reservation for another 30 minutes."""
    return supplies.renew(q.district, q.actor, request, key=_key(q))


def place(q: Question, request: str, *, body: dict[str, Any]) -> Any:
    """Order what is reserved."""
    return supplies.place(q.district, q.actor, request, key=_key(q))


def again(q: Question, request: str, *, body: dict[str, Any]) -> Any:
    """Reserve what a request still lacks, for the same request."""
    return supplies.reserve_outstanding(q.district, q.actor, request, body, key=_key(q))


def complete_papers(q: Question, request: str, *, body: dict[str, Any]) -> Any:
    """Complete the papers of an order by telephone."""
    return supplies.complete_papers(q.district, q.actor, request, body, key=_key(q))


def orders_open(q: Question) -> Any:
    """The orders that are not settled, the most urgent first, each with what whoever asks may do to it next."""
    with q.district.store.reading() as conn:
        found = orders.open_orders(conn)
    told = []
    for order in found:
        due, late = due_and_late(order, q.district.now())
        steps = supplies.next_steps(q.district, q.actor, order)
        told.append({**order, "due_utc": due, "late_min": late, "next": steps})
    return told


def order_shown(q: Question, order: str) -> Any:
    """One order with its lines, where every piece is, and what happened to it."""
    with q.district.store.reading() as conn:
        return orders.order_of(conn, order)


def order_trace(q: Question, order: str) -> Any:
    """The whole life of an order."""
    with q.district.store.reading() as conn:
        return orders.trace_order(conn, order)


def lot_trace(q: Question, *, lot: str) -> Any:
    """The whole life of a lot: bought, stored, moved, used, returned, written off."""
    with q.district.store.reading() as conn:
        return orders.trace_lot(conn, lot)


def trace_way(q: Question, *, order: str | None, lot: str | None) -> Any:
    """The way of an order, or of the orders that took goods of a lot out, as lines on the map."""
    return analyses.trace_way(q.district, order=order, lot=lot)


def stock_balances(
    q: Question, *, true_at: datetime | None, known_at: datetime | None, item: str | None, depot: str | None
) -> Any:
    """Every lot by account as it was at a moment, by what was known at another."""
    return analyses.balances(q.district, true_at=true_at, known_at=known_at, item=item, depot=depot)


def order_waybill(q: Question, order: str) -> Answer:
    """The waybill of an order, to print and to sign, with its number as a QR code."""
    drawn = waybill.waybill(q.district, order, fonts=sheet_fonts())
    headers = {"Content-Disposition": f'inline; filename="{order}.pdf"'}
    return Answer(drawn, "application/pdf", headers)


def take_in(q: Question, *, body: dict[str, Any]) -> Any:
    """Take goods in (入库)."""
    return stock.take_in(q.district, q.actor, body, key=_key(q))


def count(q: Question, *, body: dict[str, Any]) -> Any:
    """Book a physical count (盘点)."""
    return stock.count(q.district, q.actor, body, key=_key(q))


def change_status(q: Question, *, body: dict[str, Any]) -> Any:
    """Give a lot another state of quality."""
    return stock.change_status(q.district, q.actor, body, key=_key(q))


def recall(q: Question, *, body: dict[str, Any]) -> Any:
    """Recall or quarantine the same goods in every depot."""
    return stock.recall(q.district, q.actor, body, key=_key(q))


def set_aside(q: Question, *, body: dict[str, Any]) -> Any:
    """Hold a quantity, set it free again, or write it off."""
    return stock.set_aside(q.district, q.actor, body, key=_key(q))


def reverse(q: Question, *, body: dict[str, Any]) -> Any:
    """Undo what was booked of the stock by mistake (冲销)."""
    return stock.reverse(q.district, q.actor, body, key=_key(q))


_STEPS: dict[str, tuple[str, str, Callable[..., Any], dict[str, Any]]] = {
    # name: summary, action, function, body
    "cancel": ("Give up an order before its goods leave", "supply.order", supplies.cancel, _REASON),
    "issue": ("Hand the goods out (出库)", "supply.issue", supplies.issue, _ISSUE),
    "depart": ("Send the vehicle off", "supply.issue", supplies.depart, _DEPART),
    "lost": ("Report the vehicle as lost", "supply.order", supplies.report_lost, _TOLD),
    "found": ("Report a lost vehicle as found", "supply.order", supplies.report_found, _TOLD),
    "receive": ("Sign for what came", "supply.receive", supplies.receive, _RECEIPT),
    "use": ("Note what was used up", "supply.settle", supplies.use, _USED),
    "return": ("Take back what was not used", "supply.settle", supplies.take_back, _RETURNED),
    "send_back": ("Send back what was not used", "supply.settle", supplies.send_back, _BACK),
    "reverse": ("Undo what was booked of an order by mistake", "supply.reverse", supplies.reverse, _REVERSED),
    "settle": (
        "Close an order of which every piece is accounted for",
        "supply.settle",
        supplies.settle,
        {"type": "object", "properties": {"reason": _NOTE}},
    ),
}


def _step_handler(name: str) -> Callable[..., Any]:
    function = _STEPS[name][2]

    def handler(q: Question, order: str, *, body: dict[str, Any]) -> Any:
        return function(q.district, q.actor, order, body, key=_key(q))

    handler.__name__ = f"order_{name}"
    handler.__doc__ = f"{_STEPS[name][0]}."
    return handler


def _change(
    path: str, summary: str, handler: Callable[..., Any], action: str, body: dict[str, Any], **path_params: str
) -> Endpoint:
    return Endpoint(
        path,
        summary,
        handler,
        (),
        SUPPLY_ORDER if "/orders/" in path else STOCK_CHANGED if path.startswith("/stock/") else SUPPLY_REQUEST,
        path_params,
        method="POST",
        body=body,
        action=action,
        needs_key=True,
    )


_UTC = {"type": "string", "format": "date-time"}
_REQUEST_ID, _ORDER_ID = "id of a request", "id of an order"

ENDPOINTS: tuple[Endpoint, ...] = (
    _change("/supplies/requests", "Reserve supplies: all lines or none", reserve, "supply.reserve", REQUEST),
    _change("/supplies/telephone", "Order by telephone, papers later", post_by_telephone, "supply.order", REQUEST),
    Endpoint(
        "/supplies/requests/{request}",
        "One request, its orders, what is outstanding",
        request_shown,
        (),
        SUPPLY_REQUEST,
        {"request": _REQUEST_ID},
        action="supply.read",
    ),
    _change(
        "/supplies/requests/{request}/renew",
        "Hold a reservation for another 30 minutes",
        renew,
        "supply.reserve",
        _NOTHING,
        request=_REQUEST_ID,
    ),
    _change(
        "/supplies/requests/{request}/order",
        "Order what is reserved",
        place,
        "supply.order",
        _NOTHING,
        request=_REQUEST_ID,
    ),
    _change(
        "/supplies/requests/{request}/again",
        "Reserve what is outstanding, for the same request",
        again,
        "supply.reserve",
        _AGAIN,
        request=_REQUEST_ID,
    ),
    _change(
        "/supplies/requests/{request}/papers",
        "Complete the papers of an order by telephone",
        complete_papers,
        "supply.papers",
        _PAPERS,
        request=_REQUEST_ID,
    ),
    Endpoint("/supplies/orders", "The open orders", orders_open, (), s.array(SUPPLY_ORDER), action="supply.read"),
    Endpoint(
        "/supplies/orders/{order}",
        "One order",
        order_shown,
        (),
        SUPPLY_ORDER,
        {"order": _ORDER_ID},
        action="supply.read",
    ),
    Endpoint(
        "/supplies/orders/{order}/trace",
        "The whole life of an order",
        order_trace,
        (),
        s.array({"type": "object"}),
        {"order": _ORDER_ID},
        action="supply.read",
    ),
    Endpoint(
        "/supplies/orders/{order}/waybill.pdf",
        "The waybill of an order",
        order_waybill,
        (),
        {},
        {"order": _ORDER_ID},
        ("application/pdf",),
        action="supply.read",
    ),
    Endpoint(
        "/stock/balances",
        "What lay where: as true at one moment, as known at another",
        stock_balances,
        (
            Param("true_at", p.moment, "what had happened until then, bound included (default: now)", _UTC),
            Param("known_at", p.moment, "what was recorded until then, bound included (default: now)", _UTC),
            Param("item", p.text, "only this item", example="P-3-01-03"),
            Param("depot", p.text, "only this depot", example="D-01"),
        ),
        {"type": "object", "required": ["rows"]},
        action="supply.read",
    ),
    Endpoint(
        "/supplies/trace",
        "The whole life of a lot",
        lot_trace,
        (Param("lot", p.text, "id of a lot: DEPOT/ITEM/LOT", required=True, example="D-01/P-3-01-03/2401-1"),),
        s.array({"type": "object"}),
        action="supply.read",
    ),
    Endpoint(
        "/supplies/trace/way",
        "The way of an order, or of the orders that took goods of a lot out, as GeoJSON lines",
        trace_way,
        (
            Param("order", p.text, "id of an order, open or closed", example="DB-20260701-001-1"),
            Param("lot", p.text, "or id of a lot: DEPOT/ITEM/LOT", example="D-01/P-3-01-03/2401-1"),
        ),
        {"type": "object", "required": ["type", "features"]},
        action="supply.read",
    ),
    *(
        _change(f"/supplies/orders/{{order}}/{name}", summary, _step_handler(name), action, body, order=_ORDER_ID)
        for name, (summary, action, _, body) in _STEPS.items()
    ),
    _change("/stock/receipts", "Take goods in", take_in, "stock.receive", TAKEN_IN),
    _change("/stock/counts", "Book a physical count", count, "stock.count", COUNT),
    _change("/stock/states", "Give a lot another state of quality", change_status, "stock.change", STATUS),
    _change("/stock/recalls", "Recall or quarantine the same goods in every depot", recall, "stock.recall", RECALL),
    _change("/stock/aside", "Hold, set free or write off a quantity", set_aside, "stock.change", SET_ASIDE),
    _change("/stock/reversals", "Undo what was booked of the stock by mistake", reverse, "stock.reverse", _REVERSED),
)
