"""Of what there are whole units only no part comes in, is counted, bound, given out, received or brought back."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa
from sqlalchemy import Connection

from data import ledger, orders, schema, stock
from data.orders import Pick, ReceiptLine, ReturnLine
from data.stock import CountLine, TakenIn
from data.store import Store
from geo.errors import Conflict, InputError
from tests.data.test_orders import LARGE, NOW, OLD, WHO, asked, bags, ordered, sent

COUNT: dict[str, Any] = {**WHO, "checker": "neighbour"}


@pytest.fixture
def conn(stocked: Store) -> Any:
    with stocked.writing() as conn:
        yield conn
        assert ledger.verify(conn) == []


def received(conn: Connection) -> str:
    order_id = sent(conn, bags(2000, LARGE))
    orders.receive(conn, order_id, [ReceiptLine(LARGE, 2000)], **WHO)
    return order_id


WAYS: dict[str, tuple[Callable[[Connection], Callable[[int], Any]], str]] = {
    "goods in": (lambda c: lambda q: stock.take_in(c, [TakenIn("D1", "p100", "n", q)], **WHO), "lot n: quantity"),
    "count": (lambda c: lambda q: stock.count(c, [CountLine(LARGE, q, "x")], **COUNT), f"lot {LARGE}: counted"),
    "hold": (lambda c: lambda q: stock.hold(c, LARGE, q, reason="x", **WHO), f"lot {LARGE}: quantity"),
    "write-off": (
        lambda c: lambda q: stock.write_off(c, LARGE, q, cause="damaged", reason="x", **WHO),
        f"lot {LARGE}: quantity",
    ),
    "reserve": (lambda c: lambda q: orders.reserve(c, asked(), [bags(q, LARGE)], **WHO), f"lot {LARGE}: quantity"),
    "need": (
        lambda c: lambda q: orders.reserve(c, asked(("bag", 5000), ("p100", q)), [bags()], **WHO),
        "item p100: quantity",
    ),
    "issue": (
        lambda c: (lambda i: lambda q: orders.issue(c, i, [Pick(LARGE, q)], reason="less", **WHO))(
            ordered(c, bags(2000, LARGE))
        ),
        f"lot {LARGE}: quantity",
    ),
    "receive": (
        lambda c: (lambda i: lambda q: orders.receive(c, i, [ReceiptLine(LARGE, q)], **WHO))(
            sent(c, bags(2000, LARGE))
        ),
        f"lot {LARGE}: received",
    ),
    "damaged": (
        lambda c: (lambda i: lambda q: orders.receive(c, i, [ReceiptLine(LARGE, 1000, q)], **WHO))(
            sent(c, bags(2000, LARGE))
        ),
        f"lot {LARGE}: damaged",
    ),
    "use": (
        lambda c: (lambda i: lambda q: orders.use(c, i, [Pick(LARGE, q)], **WHO))(received(c)),
        f"lot {LARGE}: quantity",
    ),
    "back": (
        lambda c: (lambda i: lambda q: orders.take_back(c, i, [ReturnLine(LARGE, q)], **WHO))(received(c)),
        f"lot {LARGE}: quantity",
    ),
    "sent back": (
        lambda c: (lambda i: lambda q: orders.send_back(c, i, [ReturnLine(LARGE, q)], **WHO))(received(c)),
        f"lot {LARGE}: quantity",
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_no_part_of_a_pump_is_booked(conn: Connection, way: str) -> None:
    book, name = WAYS[way][0](conn), WAYS[way][1]
    for quantity_e3, said in ((500, "0.5"), (999, "0.999"), (1001, "1.001")):
        with pytest.raises(InputError, match=f"{name}={said}: the unit 台 has no parts; give a whole number"):
            book(quantity_e3)
    book(1000)


def test_what_is_weighed_has_parts(conn: Connection) -> None:
    orders.reserve(conn, asked(("bag", 1)), [bags(1)], **WHO)
    stock.count(conn, [CountLine(OLD, 9_999, "wet")], **COUNT)


def test_a_pack_that_makes_no_whole_unit_is_refused(conn: Connection) -> None:
    """0.001 of a box of 24 bottles are 0.024 bottles; an eighth of it is three."""
    for packs, quantity_e3 in (("0.001", 24), ("0.125", 3000)):
        assert stock.packs_to_units(packs, 24_000) == quantity_e3
    with pytest.raises(InputError, match=r"quantity=0\.024: the unit 台 has no parts; .* packs that make one"):
        stock.take_in(conn, [TakenIn("D1", "p100", "n", 24)], **WHO)
    stock.take_in(conn, [TakenIn("D1", "p100", "n", 3000)], **WHO)


def test_parts_that_older_lists_said_may_go_and_are_counted_away(conn: Connection) -> None:
    """A list from before this rule said 2.5 pumps; it is lent, received and counted without a way round."""
    ledger.apply_lots(
        conn, pd.DataFrame([("D1", "p100", "A", 2.5)], columns=["depot_id", "item_id", "lot", "quantity"]),
        source="list", now_utc=NOW,
    )  # fmt: skip
    order_id = sent(conn, bags(1500, LARGE))
    with pytest.raises(InputError, match="the unit 台 has no parts"):
        orders.reserve(conn, asked(), [bags(500, LARGE)], **WHO)  # one is left now, whole
    orders.receive(conn, order_id, [ReceiptLine(LARGE, 500, 1000)], **WHO)
    orders.take_back(conn, order_id, [ReturnLine(LARGE, 500)], **WHO)
    with pytest.raises(InputError, match=r"counted=1\.5: the unit"):
        stock.count(conn, [CountLine(LARGE, 1500)], **COUNT)
    assert stock.count(conn, [CountLine(LARGE, 1000, "half a pump is none")], **COUNT)[0]["difference"] == -0.5
    lot = schema.table("lot")
    assert conn.scalar(sa.select(lot.c.on_hand_e3).where(lot.c.id == LARGE)) == 1000


def test_more_than_there_is_stays_a_conflict(conn: Connection) -> None:
    with pytest.raises(Conflict, match="4 asked, 3 available"):
        orders.reserve(conn, asked(), [bags(4000, LARGE)], **WHO)
