"""What a depot's keeper books: goods in, counts, states, holds, write-offs, and what of it is undone."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from data import recalls, reversals, stock
from data.stock import CountLine, TakenIn
from geo.supply import thousandths
from layers.actions.gate import act
from layers.actions.places import depot_street
from layers.district import District
from layers.permissions import Actor

Body = Mapping[str, Any]


def take_in(district: District, actor: Actor, body: Body, *, key: str) -> dict[str, Any]:
    """Take goods in (入库): a lot that is not there is made; packs are converted exactly."""
    depot = body["depot_id"]

    def change(conn: Connection, now: datetime) -> Any:
        lines = [
            TakenIn(
                depot,
                line["item_id"],
                line["lot"],
                _units(conn, line),
                line.get("unit"),
                line.get("expires_on"),
                line.get("status") or "usable",
            )
            for line in body["lines"]
        ]
        return {
            "depot_id": depot,
            "lines": stock.take_in(
                conn,
                lines,
                actor=actor.id,
                now_utc=now,
                reason=body.get("reason"),
                occurred_utc=body.get("occurred"),
            ),
        }

    return _at_depot(district, actor, "stock.receive", "stock.take_in", change, depot, body, key)


def count(district: District, actor: Actor, body: Body, *, key: str) -> dict[str, Any]:
    """Book a physical count (盘点): what differs moves with its reason, what does not is noted as counted."""
    depot = body["depot_id"]

    def change(conn: Connection, now: datetime) -> Any:
        lines = [
            CountLine(line["lot_id"], thousandths(line["counted"], name="lines.counted"), line.get("reason"))
            for line in body["lines"]
        ]
        return {
            "depot_id": depot,
            "lines": stock.count(
                conn,
                lines,
                actor=actor.id,
                checker=body.get("checker"),
                now_utc=now,
                occurred_utc=body.get("occurred"),
                depot_id=depot,
            ),
        }

    return _at_depot(district, actor, "stock.count", "stock.count", change, depot, body, key)


def change_status(district: District, actor: Actor, body: Body, *, key: str) -> dict[str, Any]:
    """Give a lot another state of quality, with the reason; a recall says where the same goods are."""
    depot = body["depot_id"]

    def change(conn: Connection, now: datetime) -> Any:
        return _changed(conn, actor, depot, body, now)

    return _at_depot(district, actor, "stock.change", "stock.status", change, depot, body, key)


def change_statuses(district: District, actor: Actor, body: Body, *, key: str) -> dict[str, Any]:
    """Give several lots of a depot other states, all or none; each line says in which state the lot was seen."""
    depot = body["depot_id"]

    def change(conn: Connection, now: datetime) -> Any:
        return {
            "depot_id": depot,
            "lines": [
                _changed(conn, actor, depot, line, now, from_status=line["from_status"]) for line in body["lines"]
            ],
        }

    return _at_depot(district, actor, "stock.change", "stock.statuses", change, depot, body, key)


def _changed(
    conn: Connection, actor: Actor, depot: str, said: Body, now: datetime, *, from_status: str | None = None
) -> dict[str, Any]:
    """Change the state of one lot; ``same_goods`` are the lots that hold the same goods, itself the first."""
    lot_id, status = said["lot_id"], said["status"]
    answer = stock.change_status(
        conn,
        lot_id,
        status,
        reason=said["reason"],
        actor=actor.id,
        now_utc=now,
        depot_id=depot,
        from_status=from_status,
    )
    if status not in recalls.STATES:
        return answer
    return {**answer, "same_goods": recalls.whereabouts(conn, recalls.same_goods(conn, lot_id))}


def recall(district: District, actor: Actor, body: Body, *, key: str) -> dict[str, Any]:
    """Recall or quarantine a lot and all that holds the same goods, in every depot; all or none."""

    def change(conn: Connection, now: datetime) -> Any:
        return recalls.recall_everywhere(
            conn, body["lot_id"], body["status"], reason=body["reason"], actor=actor.id, now_utc=now
        )

    found: dict[str, Any] = act(
        district, actor, "stock.recall", change, route="stock.recall", key=key, body=dict(body), subject=body["lot_id"]
    )
    return found


def set_aside(district: District, actor: Actor, body: Body, *, key: str) -> dict[str, Any]:
    """Hold a quantity, set it free again, or write it off."""
    depot, what = body["depot_id"], body["what"]

    def change(conn: Connection, now: datetime) -> Any:
        quantity = thousandths(body["quantity"], name="quantity")
        who: dict[str, Any] = {"reason": body["reason"], "actor": actor.id, "now_utc": now, "depot_id": depot}
        if what == "hold":
            return stock.hold(conn, body["lot_id"], quantity, **who)
        if what == "unhold":
            return stock.unhold(conn, body["lot_id"], quantity, **who)
        return stock.write_off(
            conn,
            body["lot_id"],
            quantity,
            cause=body.get("cause") or "other",
            held=bool(body.get("held", False)),
            **who,
        )

    return _at_depot(district, actor, "stock.change", f"stock.{what}", change, depot, body, key)


def reverse(district: District, actor: Actor, body: Body, *, key: str) -> dict[str, Any]:
    """Undo what was booked by mistake (冲销): goods in, a count's difference, a hold, a write-off."""
    movement_id = body["movement_id"]
    with district.store.reading() as conn:
        depot = reversals.movement_of(conn, movement_id)["depot_id"]

    def change(conn: Connection, now: datetime) -> Any:
        return stock.reverse(conn, movement_id, reason=body["reason"], actor=actor.id, now_utc=now)

    return _at_depot(district, actor, "stock.reverse", "stock.reverse", change, depot, body, key)


def _units(conn: Connection, line: Body) -> int:
    """The quantity of a line in thousandths of the item's unit; packs are converted exactly."""
    pack = line.get("pack")
    if not pack:
        return thousandths(line["quantity"], name="lines.quantity")
    return stock.packs_to_units(str(line["quantity"]), stock.pack_of(conn, line["item_id"], pack))


def _at_depot(
    district: District, actor: Actor, action: str, route: str, change: Any, depot: str, body: Body, key: str
) -> dict[str, Any]:
    found: dict[str, Any] = act(
        district,
        actor,
        action,
        change,
        route=route,
        key=key,
        body=dict(body),
        subject=body.get("lot_id") or body.get("movement_id") or depot,
        depot_id=depot,
        street=depot_street(district, depot),
    )
    return found
