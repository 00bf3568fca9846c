"""What was booked by mistake, undone by hand: which movements may be, and what stands against it.

A reversal goes back the way the movement came. It is refused where the goods have moved on (the ledger sees to
that), where a later count of the lot has said what lies there, and where only a step of the order can undo it.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from data import ledger, schema
from geo.errors import Conflict, NotFound

OF_STOCK = ("receipt", "count_difference", "hold", "unhold", "write_off")
"""Kinds that may be undone where they were booked apart from orders."""

OF_ORDERS = ("delivery", "use", "return", "restock", "write_off")
"""Kinds that may be undone of an order; its state follows the goods."""

_REMEDIES = {
    "opening": "count the lot, or import the list again",
    "reserve": "cancel the order",
    "release": "reserve again",
    "issue": "take the goods back into the depot",
    "reversal": "book anew what should not have been undone",
}
_REMEDIES_OF_LISTS = {"reserve": "import the list again", "release": "import the list again"}


def may_be_undone(kind: str, order_id: str | None) -> bool:
    """Whether a movement of this kind may be undone by hand at all; what else stands against it is told by `undo`."""
    return kind in (OF_STOCK if order_id is None else OF_ORDERS)


def movement_of(conn: Connection, movement_id: str, *, order_id: str | None = None) -> dict[str, Any]:
    """The movement, with the depot in which its goods lie; NotFound where it is none, or none of this order.

    Without `order_id` one that belongs to an order is a Conflict.
    """
    movement, lot = schema.table("movement"), schema.table("lot")
    statement = (
        sa.select(movement, lot.c.depot_id)
        .join(lot, lot.c.id == sa.func.coalesce(movement.c.to_lot_id, movement.c.lot_id))
        .where(movement.c.id == movement_id)
    )
    row = conn.execute(statement).mappings().one_or_none()
    if row is None:
        raise NotFound(f"there is no movement {movement_id!r}")
    of_order = row["from_ref"] or row["to_ref"]
    if order_id is not None and of_order != order_id:
        raise NotFound(f"there is no movement {movement_id!r} of order {order_id}")
    if order_id is None and of_order is not None:
        raise Conflict(f"movement {movement_id} is of order {of_order}; reverse it on the page of the order")
    return dict(row)


def undo(
    conn: Connection, row: Mapping[str, Any], *, reason: str, actor: str, source: str, now_utc: datetime | str
) -> str:
    """Undo a movement as `movement_of` gives it; the id of the reversal. Conflict says what stands against it."""
    kind, order_id = str(row["kind"]), row["from_ref"] or row["to_ref"]
    if not may_be_undone(kind, order_id):
        remedy = (_REMEDIES if order_id or kind not in _REMEDIES_OF_LISTS else _REMEDIES_OF_LISTS)[kind]
        owner = f" of order {order_id}" if order_id else ""
        raise Conflict(f"movement {row['id']} ({kind}){owner} is not reversed by hand; {remedy}")
    _require_not_counted_since(conn, row)
    reversal = ledger.reverse(conn, row["id"], reason=reason, source=source, now_utc=now_utc, actor=actor)
    if kind == "count_difference":
        _forget_count(conn, row, now_utc)
    return reversal


def _require_not_counted_since(conn: Connection, row: Mapping[str, Any]) -> None:
    """A count says what lies there, whatever was booked before it; at the very moment of the count it is its own."""
    booked = ledger.Movement(
        row["lot_id"],
        row["quantity_e3"],
        row["from_account"],
        row["to_account"],
        row["kind"],
        to_lot_id=row["to_lot_id"],
    )
    lot, lots = schema.table("lot"), booked.lots_changed
    counted = sa.select(lot.c.id, lot.c.counted_utc).where(lot.c.id.in_(lots), lot.c.counted_utc > row["occurred_utc"])
    for lot_id, moment in conn.execute(counted):
        raise Conflict(
            f"movement {row['id']}: lot {lot_id} was counted at {moment}, after it; if the count is wrong, count again"
        )


def _forget_count(conn: Connection, row: Mapping[str, Any], now_utc: datetime | str) -> None:
    """The lot was last counted when it was counted before; without such a count it asks for one."""
    count, lot, movement = schema.table("stock_count"), schema.table("lot"), schema.table("movement")
    undone = sa.select(movement.c.reverses).where(movement.c.reverses.is_not(None))
    stands = sa.or_(count.c.movement_id.is_(None), count.c.movement_id.not_in(undone))
    before = conn.scalar(sa.select(sa.func.max(count.c.occurred_utc)).where(count.c.lot_id == row["lot_id"], stands))
    conn.execute(
        sa.update(lot)
        .where(lot.c.id == row["lot_id"], lot.c.counted_utc == row["occurred_utc"])
        .values(counted_utc=before, updated_utc=schema.as_given(schema.utc_text(now_utc)))
    )
