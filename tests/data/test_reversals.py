"""Undone by hand: once, with a reason, and only where nothing stands against it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection

from data import ledger, orders, reversals, schema, stock
from data.ledger import Movement
from data.orders import NewLine, NewRequest, Pick, ReceiptLine, ReturnLine
from data.schema import MOVEMENT_KINDS
from data.store import Store
from geo.errors import Conflict, InputError, NotFound

NOW = datetime(2026, 7, 1, 2, 0, tzinfo=UTC)
OLD, OTHER = "D1/bag/old", "D2/bag/B"
WHY = "typed wrongly"


def at(minutes: float) -> dict[str, Any]:
    return {"actor": "keeper", "now_utc": NOW + timedelta(minutes=minutes)}


@pytest.fixture
def conn(stocked: Store) -> Any:
    with stocked.writing() as conn:
        yield conn
        assert ledger.verify(conn) == []


def lies_there(conn: Connection, lot_id: str = OLD) -> tuple[int, int, int]:
    lot = schema.table("lot")
    row = conn.execute(sa.select(*(lot.c[name] for name in schema.BALANCES)).where(lot.c.id == lot_id)).one()
    return int(row[0]), int(row[1]), int(row[2])


def newest(conn: Connection, kind: str, lot_id: str = OLD) -> str:
    """The id of the last movement of a kind of a lot."""
    movement = schema.table("movement")
    of_lot = (movement.c.lot_id == lot_id) | (movement.c.to_lot_id == lot_id)
    statement = sa.select(movement.c.id).where(movement.c.kind == kind, of_lot)
    return str(conn.scalar(statement.order_by(movement.c.seq.desc()).limit(1)))


def undo(conn: Connection, kind: str, minutes: float = 10, lot_id: str = OLD) -> dict[str, Any]:
    return stock.reverse(conn, newest(conn, kind, lot_id), reason=WHY, **at(minutes))


def undo_of_order(conn: Connection, order_id: str, kind: str, minutes: float = 10) -> dict[str, Any]:
    return orders.reverse(conn, order_id, newest(conn, kind), WHY, **at(minutes))


def sent(conn: Connection, quantity_e3: int = 10_000, *, depart: bool = True, to_depot_id: str | None = None) -> str:
    request = NewRequest("城东街道", "东大街1号", "值班员", (120.83, 32.01), to_depot_id=to_depot_id)
    found = orders.reserve(conn, request, [NewLine("D1", OLD, quantity_e3)], **at(0))
    order_id = str(orders.place(conn, found["id"], **at(0))["orders"][0]["id"])
    orders.issue(conn, order_id, **at(0))
    if depart:
        orders.depart(conn, order_id, travel_s=600, **at(0))
    return order_id


def test_every_kind_is_undone_or_has_a_remedy() -> None:
    kinds = set(MOVEMENT_KINDS)
    assert {*reversals.OF_STOCK, *reversals.OF_ORDERS} | set(reversals._REMEDIES) == kinds
    assert not {*reversals.OF_STOCK, *reversals.OF_ORDERS} & set(reversals._REMEDIES)


# -- of the stock


def book(conn: Connection, kind: str) -> None:
    """One movement of 4, or of what a count found, of a lot of 10, 3 of which were on hold before."""
    stock.hold(conn, OLD, 3000, reason="wet", **at(0))
    match kind:
        case "receipt":
            stock.take_in(conn, [stock.TakenIn("D1", "bag", "old", 4000, None, "2026-08-01")], **at(1))
        case "count_difference":
            stock.count(conn, [stock.CountLine(OLD, 6000, "rats")], checker="neighbour", **at(1))
        case "unhold":
            stock.unhold(conn, OLD, 2000, reason="dry", **at(1))
        case "write_off":
            stock.write_off(conn, OLD, 2000, cause="damaged", reason="torn", held=True, **at(1))


@pytest.mark.parametrize("kind", reversals.OF_STOCK)
def test_what_was_booked_is_undone_once_and_both_are_in_the_trace(conn: Connection, kind: str) -> None:
    book(conn, kind)
    booked = newest(conn, kind)
    found = stock.reverse(conn, booked, reason=f" {WHY} ", **at(10))
    assert lies_there(conn) == ((10_000, 0, 0) if kind == "hold" else (10_000, 0, 3000))
    assert {name: found[name] for name in ("reverses", "kind", "lot_id", "on_hand")} == {
        "reverses": booked,
        "kind": kind,
        "lot_id": OLD,
        "on_hand": 10,
    }
    rows = {row["id"]: row for row in orders.trace_lot(conn, OLD) if row["what"] == "movement"}
    assert (rows[booked]["reversed_by"], rows[booked]["is_reversible"]) == (found["id"], False)
    back = rows[found["id"]]
    assert (back["action"], back["reverses"], back["reversed_kind"]) == ("reversal", booked, kind)
    assert (back["actor"], back["reason"], back["is_reversible"]) == ("keeper", WHY, False)
    with pytest.raises(Conflict, match="is reversed already"):
        stock.reverse(conn, booked, reason=WHY, **at(11))
    with pytest.raises(Conflict, match=r"\(reversal\) is not reversed by hand; book anew"):
        stock.reverse(conn, found["id"], reason=WHY, **at(11))


def test_goods_that_moved_on_are_not_undone(conn: Connection) -> None:
    stock.take_in(conn, [stock.TakenIn("D1", "bag", "old", 4000, None, "2026-08-01")], **at(0))
    sent(conn, 10_001)
    with pytest.raises(Conflict, match=r"lot D1/bag/old: 4 asked from depot, only 3\.999 there"):
        undo(conn, "receipt")
    stock.count(conn, [stock.CountLine(OLD, 4000, "found")], checker="neighbour", occurred_utc=NOW, **at(1))
    undo(conn, "receipt")  # exactly what is there
    assert lies_there(conn) == (0, 0, 0)


def test_a_later_count_stands(conn: Connection) -> None:
    stock.write_off(conn, OLD, 1000, cause="damaged", reason="torn", **at(1))
    stock.hold(conn, OLD, 2000, reason="wet", **at(1))
    stock.count(conn, [stock.CountLine(OLD, 9000)], checker="neighbour", **at(1))  # the very moment: its own
    assert orders.trace_lot(conn, OLD)[-1]["what"] == "count"
    trial = conn.begin_nested()
    undo(conn, "write_off")
    trial.rollback()
    stock.count(conn, [stock.CountLine(OLD, 9000)], checker="neighbour", **at(2))
    moment = schema.utc_text(NOW + timedelta(minutes=2))
    with pytest.raises(Conflict, match=f"lot {OLD} was counted at {moment}, after it"):
        undo(conn, "write_off")
    undo(conn, "hold")  # as much lies there as before
    assert lies_there(conn) == (9000, 0, 0)


def test_a_count_that_is_undone_was_no_count(conn: Connection) -> None:
    lot = schema.table("lot")

    def counted() -> Any:
        return conn.scalar(sa.select(lot.c.counted_utc).where(lot.c.id == OLD))

    first = schema.utc_text(NOW + timedelta(minutes=1))
    stock.count(conn, [stock.CountLine(OLD, 10_000)], checker="neighbour", **at(1))
    stock.count(conn, [stock.CountLine(OLD, 8000, "rats")], checker="neighbour", **at(2))
    assert counted() > first
    undo(conn, "count_difference")
    assert (counted(), lies_there(conn)) == (first, (10_000, 0, 0))
    stock.count(conn, [stock.CountLine(OTHER, 14_000, "rats")], checker="neighbour", **at(12))
    undo(conn, "count_difference", 13, OTHER)
    assert conn.scalar(sa.select(lot.c.counted_utc).where(lot.c.id == OTHER)) is None, "it asks for a count"


def test_what_a_list_brought_is_mended_by_a_list_or_a_count(conn: Connection) -> None:
    ledger.record(conn, [Movement(OLD, 1000, "depot", "reserved", "reserve")], source="list", now_utc=NOW)
    for kind, remedy in (("opening", "count the lot"), ("reserve", "import the list again")):
        with pytest.raises(Conflict, match=rf"\({kind}\) is not reversed by hand; {remedy}"):
            undo(conn, kind)


def test_a_reversal_needs_a_reason_and_a_movement(conn: Connection) -> None:
    stock.hold(conn, OLD, 3000, reason="wet", **at(0))
    with pytest.raises(InputError, match="reason is empty"):
        stock.reverse(conn, newest(conn, "hold"), reason="  ", **at(1))
    with pytest.raises(NotFound, match="no movement 'none'"):
        stock.reverse(conn, "none", reason=WHY, **at(1))
    assert lies_there(conn) == (10_000, 0, 3000)


# -- of orders


def test_a_receipt_that_is_undone_is_on_its_way_again(conn: Connection) -> None:
    order_id = sent(conn)
    orders.receive(conn, order_id, [ReceiptLine(OLD, 9000, 0, 1000)], **at(5))
    found = undo_of_order(conn, order_id, "delivery", 6)
    (line,) = found["lines"]
    assert (found["state"], found["received_utc"]) == ("partly_received", None)
    assert [line[name] for name in ("received", "missing", "in_transit", "at_place")] == [0, 1, 9, 0]
    event = found["events"][-1]
    assert (event["action"], event["from_state"], event["reason"]) == ("reverse", "received", WHY)
    assert event["details"]["lines"] == [{"lot_id": OLD, "quantity": 9}]
    found = undo_of_order(conn, order_id, "write_off", 10)  # the missing one turned up; 10 minutes: not yet late
    assert found["state"] == "in_transit"
    assert found["lines"][0]["in_transit"] == 10
    assert orders.outstanding(conn, found["request_id"])[0]["outstanding"] == 0
    assert orders.receive(conn, order_id, [ReceiptLine(OLD, 10_000)], **at(11))["state"] == "received"


def test_undone_beyond_the_promised_time_it_is_late(conn: Connection) -> None:
    order_id = sent(conn)
    orders.receive(conn, order_id, [ReceiptLine(OLD, 10_000)], **at(5))
    assert undo_of_order(conn, order_id, "delivery", 10.001)["state"] == "late"


def test_undone_before_a_departure_it_is_issued(conn: Connection) -> None:
    order_id = sent(conn, depart=False)
    orders.receive(conn, order_id, [ReceiptLine(OLD, 10_000)], **at(5))
    assert undo_of_order(conn, order_id, "delivery")["state"] == "issued"
    assert orders.depart(conn, order_id, **at(11))["state"] == "in_transit"


def test_what_was_used_by_mistake_is_at_the_place_again(conn: Connection) -> None:
    order_id = sent(conn)
    orders.receive(conn, order_id, [ReceiptLine(OLD, 10_000)], **at(5))
    received = orders.order_of(conn, order_id)["received_utc"]
    orders.use(conn, order_id, [Pick(OLD, 10_000)], **at(6))
    with pytest.raises(Conflict, match=f"10 asked from incident of order {order_id}, only 0 there"):
        undo_of_order(conn, order_id, "delivery")
    found = undo_of_order(conn, order_id, "use")
    assert (found["state"], found["received_utc"]) == ("received", received)
    assert [found["lines"][0][name] for name in ("used", "at_place")] == [0, 10]
    undo_of_order(conn, order_id, "delivery")  # now it lies there


def test_what_came_back_by_mistake_goes_back_step_by_step(conn: Connection) -> None:
    order_id = sent(conn)
    orders.receive(conn, order_id, [ReceiptLine(OLD, 10_000)], **at(5))
    orders.take_back(conn, order_id, [ReturnLine(OLD, 3000, 1000)], to_depot_id="D2", hold=True, **at(6))
    there = "D2/bag/old"
    assert lies_there(conn, there) == (3000, 0, 3000)
    with pytest.raises(Conflict, match=f"4 asked from returned of order {order_id}, only 0 there"):
        undo_of_order(conn, order_id, "return")
    undo_of_order(conn, order_id, "restock")
    undo_of_order(conn, order_id, "write_off")
    assert lies_there(conn, there) == (0, 0, 0)
    found = undo_of_order(conn, order_id, "return")
    assert [found["lines"][0][name] for name in ("at_place", "coming_back", "returned", "damaged")] == [10, 0, 0, 0]
    assert found["state"] == "received"


def test_goods_delivered_to_the_wrong_depot_are_on_their_way_again(conn: Connection) -> None:
    order_id = sent(conn, to_depot_id="D2")
    orders.receive(conn, order_id, [ReceiptLine(OLD, 10_000)], **at(5))
    assert reversals.movement_of(conn, newest(conn, "delivery"), order_id=order_id)["depot_id"] == "D2"
    stock.hold(conn, "D2/bag/old", 1, reason="wet", **at(6))
    with pytest.raises(Conflict, match=r"10 asked from depot, only 9\.999 there"):
        undo_of_order(conn, order_id, "delivery")
    stock.unhold(conn, "D2/bag/old", 1, reason="dry", **at(7))
    found = undo_of_order(conn, order_id, "delivery")
    assert (found["state"], lies_there(conn, "D2/bag/old")) == ("in_transit", (0, 0, 0))
    assert found["lines"][0]["lot_id"] == OLD


def test_what_a_step_of_the_order_undoes_is_not_reversed(conn: Connection) -> None:
    order_id = sent(conn)
    for kind, remedy in (("issue", "take the goods back into the depot"), ("reserve", "cancel the order")):
        with pytest.raises(Conflict, match=rf"\({kind}\) of order {order_id} is not reversed by hand; {remedy}"):
            undo_of_order(conn, order_id, kind)
    with pytest.raises(Conflict, match=f"is of order {order_id}; reverse it on the page of the order"):
        undo(conn, "issue")
    with pytest.raises(NotFound, match=f"no movement .* of order {order_id}"):
        undo_of_order(conn, order_id, "opening")
    assert orders.order_of(conn, order_id)["state"] == "in_transit"


def test_a_settled_order_stays_settled(conn: Connection) -> None:
    order_id = sent(conn)
    orders.receive(conn, order_id, [ReceiptLine(OLD, 10_000)], **at(5))
    orders.use(conn, order_id, [Pick(OLD, 10_000)], **at(6))
    rows = [row for row in orders.trace_order(conn, order_id) if row["what"] == "movement"]
    assert [row["action"] for row in rows if row["is_reversible"]] == ["delivery", "use"]
    orders.settle(conn, order_id, **at(7))
    with pytest.raises(Conflict, match="the order is settled"):
        undo_of_order(conn, order_id, "use")
    assert not any(row["is_reversible"] for row in orders.trace_order(conn, order_id) if row["what"] == "movement")
