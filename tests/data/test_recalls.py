"""Recalls: the same goods are found wherever they went, and every lot of them changes, or none."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from data import ledger, orders, recalls, schema, stock
from data.ledger import Movement
from data.orders import ReceiptLine
from data.stock import TakenIn
from data.store import Store
from geo.errors import Conflict, InputError, NotFound
from tests.data.test_orders import NEW, NOW, OLD, WHO, asked, at, bags, sent

IN_D2, IN_D3 = "D2/bag/old", "D3/bag/old"


@pytest.fixture
def conn(stocked: Store) -> Any:
    with stocked.writing() as conn:
        yield conn
        assert ledger.verify(conn) == []


def moved_on(conn: Connection, lot_id: str, to_depot_id: str, quantity_e3: int) -> str:
    """Goods of a lot brought to another depot; the order."""
    order_id = sent(conn, bags(quantity_e3, lot_id), request=asked(to_depot_id=to_depot_id))
    orders.receive(conn, order_id, [ReceiptLine(lot_id, quantity_e3)], **WHO)
    return order_id


def states(conn: Connection, *lot_ids: str) -> list[str]:
    return [stock.lots_of(conn, [lot_id])[lot_id]["status"] for lot_id in lot_ids]


def test_goods_are_found_from_either_end_over_two_depots(conn: Connection) -> None:
    moved_on(conn, OLD, "D2", 6000)
    moved_on(conn, IN_D2, "D3", 2000)
    for lot_id in (OLD, IN_D2, IN_D3):
        assert recalls.same_goods(conn, lot_id) == [lot_id, *sorted({OLD, IN_D2, IN_D3} - {lot_id})]
    assert recalls.same_goods(conn, NEW) == [NEW]
    with pytest.raises(NotFound, match="there is no lot 'D1/bag/none'"):
        recalls.same_goods(conn, "D1/bag/none")


def test_goods_under_another_number_are_found_by_their_way_and_the_same_number_without_one(conn: Connection) -> None:
    """The depot has that number with another expiry: what comes in is a lot of its own, 'old (D1)'."""
    stock.take_in(conn, [TakenIn("D2", "bag", "old", 1000, expires_on="2028-01-01")], **WHO)
    moved_on(conn, OLD, "D2", 6000)
    assert recalls.same_goods(conn, OLD) == [OLD, "D2/bag/old", "D2/bag/old (D1)"]
    stock.take_in(conn, [TakenIn("D3", "p50", "old", 1000)], **WHO)  # the same number of another item
    assert "D3/p50/old" not in recalls.same_goods(conn, OLD)


def test_a_recall_everywhere_changes_all_and_says_where_the_goods_are(conn: Connection) -> None:
    moved_on(conn, OLD, "D2", 6000)
    kept = orders.reserve(conn, asked(), [bags(1000, IN_D2)], **WHO)["orders"][0]["id"]
    rolling = sent(conn, bags(1500, IN_D2))
    used = sent(conn, bags(500, OLD))
    orders.receive(conn, used, [ReceiptLine(OLD, 500)], **WHO)
    found = recalls.recall_everywhere(conn, OLD, "recalled", reason="letter", **WHO)
    assert found["changed"] == [OLD, IN_D2]
    assert states(conn, OLD, IN_D2, NEW) == ["recalled", "recalled", "usable"]
    first, second = found["lots"]
    names = ("on_hand", "reserved", "on_the_way", "at_place", "coming_back", "orders")
    assert [first[name] for name in names] == [3.5, 0, 0, 0.5, 0, [used]]
    assert [second[name] for name in names] == [4.5, 1, 1.5, 0, 0, [kept, rolling]]
    rows = conn.execute(sa.select(schema.table("lot_status_change").c.lot_id)).scalars().all()
    assert rows == [OLD, IN_D2]
    with pytest.raises(Conflict, match=r"place .*: lot D2/bag/old of order .*: it is recalled"):
        orders.place(conn, kept.replace("DB", "XQ")[:-2], **WHO)  # as one lot that is recalled
    with pytest.raises(Conflict, match="no lot of the same goods is left to be recalled"):
        recalls.recall_everywhere(conn, IN_D2, "recalled", reason="again", **at(1))


def test_a_recall_of_one_lot_is_carried_on_later(conn: Connection) -> None:
    moved_on(conn, OLD, "D2", 6000)
    stock.change_status(conn, OLD, "recalled", reason="letter", **WHO)
    assert recalls.recall_everywhere(conn, OLD, "recalled", reason="letter", **at(1))["changed"] == [IN_D2]


def test_no_state_is_made_milder(conn: Connection) -> None:
    for depot in ("D2", "D3"):
        stock.take_in(conn, [TakenIn(depot, "bag", "old", 1000)], **WHO)
    stock.change_status(conn, IN_D2, "recalled", reason="letter", **WHO)
    stock.change_status(conn, IN_D3, "damaged", reason="wet", **WHO)
    assert recalls.recall_everywhere(conn, OLD, "quarantined", reason="rumour", **at(1))["changed"] == [OLD]
    assert states(conn, OLD, IN_D2, IN_D3) == ["quarantined", "recalled", "damaged"]
    assert recalls.recall_everywhere(conn, OLD, "recalled", reason="letter", **at(2))["changed"] == [OLD]
    assert states(conn, OLD, IN_D2, IN_D3) == ["recalled", "recalled", "damaged"]
    for state in ("usable", "damaged", "expired", "lost"):
        with pytest.raises(InputError, match=f"status={state}: expected one of quarantined, recalled"):
            recalls.recall_everywhere(conn, OLD, state, reason="x", **at(3))
    with pytest.raises(InputError, match="reason is empty"):
        recalls.recall_everywhere(conn, OLD, "recalled", reason=" ", **at(3))


def test_what_is_refused_in_the_middle_changes_nothing(conn: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    moved_on(conn, OLD, "D2", 6000)
    once = stock.change_status

    def full(conn: Connection, lot_id: str, *args: Any, **how: Any) -> Any:
        if lot_id == IN_D2:
            raise Conflict("the disk is full")
        return once(conn, lot_id, *args, **how)

    monkeypatch.setattr(stock, "change_status", full)
    with pytest.raises(Conflict, match="the disk is full"):
        recalls.recall_everywhere(conn, OLD, "recalled", reason="letter", **WHO)
    assert states(conn, OLD, IN_D2) == ["usable", "usable"]
    assert conn.scalar(sa.text("SELECT count(*) FROM lot_status_change")) == 0


def test_a_depot_is_told_of_goods_that_are_recalled_elsewhere(conn: Connection) -> None:
    moved_on(conn, OLD, "D2", 6000)
    assert recalls.concerning(conn, "D2") == []
    stock.change_status(conn, OLD, "recalled", reason="letter", **WHO)
    for depot in ("D1", "D2"):
        rows = recalls.concerning(conn, depot)
        assert [(row["lot_id"], row["status"], row["because"]) for row in rows] == [
            (OLD, "recalled", [OLD]),
            (IN_D2, "usable", [OLD]),
        ]
    assert recalls.concerning(conn, "D3") == []
    # empty at last, a lot is no more told of, and the others are
    stock.write_off(conn, OLD, 4000, cause="recalled", reason="sent back", **at(1))
    assert [row["lot_id"] for row in recalls.concerning(conn, "D1")] == [IN_D2]


@given(pairs=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=12), start=st.integers(0, 9))
@settings(max_examples=40, deadline=None)
def test_the_same_goods_are_those_that_any_chain_of_movements_joins(
    stocked_file: Any, pairs: list[tuple[int, int]], start: int
) -> None:
    """Beside it an oracle: the classes of an equivalence, merged pair by pair."""
    group = {i: {i} for i in range(10)}
    for a, b in pairs:
        merged = group[a] | group[b]
        for i in merged:
            group[i] = merged
    names = [f"D1/p50/n{i}" for i in range(10)]
    with Store(stocked_file) as store, store.writing() as conn:
        nested = conn.begin_nested()
        stock.take_in(conn, [TakenIn("D1", "p50", f"n{i}", 100_000) for i in range(10)], **WHO)
        for a, b in pairs:
            if a == b:
                continue
            out = Movement(names[a], 1000, "depot", "in_transit", "issue", to_ref="o")
            there = Movement(names[a], 1000, "in_transit", "depot", "delivery", from_ref="o", to_lot_id=names[b])
            ledger.record(conn, [out, there], source="t", now_utc=NOW + timedelta(hours=1))
        found = set(recalls.same_goods(conn, names[start]))
        nested.rollback()
    assert found == {names[i] for i in group[start]}
