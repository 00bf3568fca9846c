"""Random sequences of everything that moves stock, against a model that is one dictionary and one function."""

import shutil
import tempfile
from collections import Counter
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from data import audit, ledger, orders, reversals, schema, stock
from data.orders import NewLine, NewRequest, Pick, ReceiptLine, ReturnLine
from data.store import Store
from geo.errors import Conflict, InputError

NOW = datetime(2026, 7, 1, 2, 0, tzinfo=UTC)
LOTS = ("D1/bag/old", "D1/bag/new", "D2/bag/B")
HERE = ("depot", "reserved", "hold")
SHUT = orders.CLOSED_STATES
WHOLE = st.integers(1, 12).map(lambda units: units * 1000)
PART = st.integers(0, 4).map(lambda units: units * 1000)


class Model:
    """Where every thousandth is: (lot, account, order) -> quantity."""

    def __init__(self) -> None:
        self.at: Counter[tuple[str, str, str]] = Counter()

    def move(self, *moves: tuple[int, tuple[str, str, str], tuple[str, str, str]]) -> bool:
        """All of the moves or none; whether they could be made."""
        before = Counter(self.at)
        for quantity, source, target in moves:
            self.at[source] -= quantity
            self.at[target] += quantity
            if self.at[source] < 0 and source[1] != "outside":
                self.at = before
                return False
        return True


class Stock(RuleBasedStateMachine):
    template: Path

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        shutil.copyfile(self.template, folder / "d.gpkg")
        store = self.stack.enter_context(Store(folder / "d.gpkg"))
        self.conn = self.stack.enter_context(store.writing())
        self.now = NOW
        self.model = Model()
        for row in ledger.balances(self.conn, lot_ids=LOTS).to_dict("records"):
            if row["account"] in HERE:
                self.model.at[(row["lot_id"], row["account"], row["ref"])] = row["quantity_e3"]
        self.state: dict[str, str] = {}
        self.lots_of: dict[str, list[str]] = {}
        self.ends: dict[str, datetime] = {}
        self.promised: dict[str, datetime] = {}
        self.arrived: Counter[str] = Counter()

    def teardown(self) -> None:
        self.stack.close()

    # -- helping hands

    @property
    def who(self) -> dict[str, Any]:
        return {"actor": "u", "now_utc": self.now}

    def free(self, lot: str, account: str = "depot", order: str = "") -> tuple[str, str, str]:
        return lot, account, order

    def held(self, order: str, account: str) -> dict[str, int]:
        return {lot: n for (lot, a, o), n in self.model.at.items() if (a, o) == (account, order) and n > 0}

    def some_order(self, data: st.DataObject, *states: str) -> str | None:
        found = sorted(order for order, state in self.state.items() if state in states)
        return data.draw(st.sampled_from(found)) if found else None

    def expect(self, fits: bool, call: Any) -> Any:
        """What the model allows happens, what it does not is refused and changes nothing."""
        if fits:
            return call()
        before = self.conn.scalar(sa.text("SELECT max(seq) FROM change"))
        with pytest.raises(Conflict):
            call()
        assert self.conn.scalar(sa.text("SELECT max(seq) FROM change")) == before
        return None

    # -- the keeper

    @rule(lot=st.sampled_from(LOTS), quantity=WHOLE)
    def take_in(self, lot: str, quantity: int) -> None:
        depot, item, name = lot.split("/")
        expiry = self.conn.scalar(sa.select(schema.table("lot").c.expires_on).where(schema.table("lot").c.id == lot))
        stock.take_in(self.conn, [stock.TakenIn(depot, item, name, quantity, None, expiry)], **self.who)
        self.model.move((quantity, ("", "outside", ""), self.free(lot)))

    @rule(lot=st.sampled_from(LOTS), counted=PART)
    def count(self, lot: str, counted: int) -> None:
        bound = sum(n for (found, a, _), n in self.model.at.items() if found == lot and a in ("reserved", "hold"))
        fits = counted >= bound
        self.expect(
            fits,
            lambda: stock.count(self.conn, [stock.CountLine(lot, counted, "counted")], checker="neighbour", **self.who),
        )
        if fits:
            self.model.at[self.free(lot)] = counted - bound

    @rule(lot=st.sampled_from(LOTS), quantity=WHOLE)
    def hold(self, lot: str, quantity: int) -> None:
        fits = self.model.move((quantity, self.free(lot), self.free(lot, "hold")))
        self.expect(fits, lambda: stock.hold(self.conn, lot, quantity, reason="wet", **self.who))

    @rule(lot=st.sampled_from(LOTS), quantity=WHOLE)
    def unhold(self, lot: str, quantity: int) -> None:
        fits = self.model.move((quantity, self.free(lot, "hold"), self.free(lot)))
        self.expect(fits, lambda: stock.unhold(self.conn, lot, quantity, reason="dry", **self.who))

    @rule(lot=st.sampled_from(LOTS), quantity=WHOLE, held=st.booleans())
    def write_off(self, lot: str, quantity: int, held: bool) -> None:
        source = self.free(lot, "hold" if held else "depot")
        fits = self.model.move((quantity, source, ("", "outside", "")))
        how: dict[str, Any] = {"cause": "damaged", "reason": "torn", "held": held, **self.who}
        self.expect(fits, lambda: stock.write_off(self.conn, lot, quantity, **how))

    # -- the dispatcher

    @rule(asked=st.dictionaries(st.sampled_from(LOTS), WHOLE, min_size=1), to_depot=st.booleans())
    def reserve(self, asked: dict[str, int], to_depot: bool) -> None:
        self.let_expire()
        number = 1 + len({order.rsplit("-", 1)[0] for order in self.state})
        depots = list(dict.fromkeys(lot.split("/")[0] for lot in asked))
        name = {depot: f"DB-20260701-{number:03d}-{k}" for k, depot in enumerate(depots, start=1)}
        moves = [(n, self.free(lot), (lot, "reserved", name[lot.split("/")[0]])) for lot, n in asked.items()]
        request = NewRequest("u", "p", "c", (120.8, 32.0), to_depot_id="D3" if to_depot else None)
        lines = [NewLine(lot.split("/")[0], lot, n, reason="at hand") for lot, n in asked.items()]
        fits = self.model.move(*moves)
        found = self.expect(fits, lambda: orders.reserve(self.conn, request, lines, **self.who))
        if fits:
            assert [order["id"] for order in found["orders"]] == list(name.values())
            for depot, order in name.items():
                self.state[order] = "reserved"
                self.ends[order] = self.now + timedelta(minutes=30)
                self.lots_of[order] = [lot for lot in asked if lot.startswith(depot)]

    def let_expire(self) -> list[str]:
        due = [order for order, state in self.state.items() if state == "reserved" and self.ends[order] <= self.now]
        for order in due:
            self.state[order] = "expired"
            for lot, n in self.held(order, "reserved").items():
                self.model.move((n, (lot, "reserved", order), self.free(lot)))
        return due

    @rule(minutes=st.sampled_from((0, 1, 10, 30)))
    def wait(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)
        assert orders.expire_due(self.conn, now_utc=self.now) == self.let_expire()

    @rule(data=st.data())
    def place(self, data: st.DataObject) -> None:
        order = self.some_order(data, "reserved")
        if order is not None:
            request = f"XQ{order[2:-2]}"
            mine = [o for o, s in self.state.items() if s == "reserved" and o.startswith(f"DB{request[2:]}-")]
            fits = all(self.ends[o] > self.now for o in mine)
            self.expect(fits, lambda: orders.place(self.conn, request, **self.who))
            for found in mine if fits else ():
                self.state[found] = "ordered"

    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        order = self.some_order(data, "reserved", "ordered", "issued")
        if order is not None:
            fits = self.state[order] != "issued"
            self.expect(fits, lambda: orders.cancel(self.conn, order, "no need", **self.who))
            if fits:
                self.state[order] = "cancelled"
                for lot, n in self.held(order, "reserved").items():
                    self.model.move((n, (lot, "reserved", order), self.free(lot)))

    @rule(data=st.data(), less=st.booleans())
    def issue(self, data: st.DataObject, less: bool) -> None:
        order = self.some_order(data, "ordered")
        if order is not None:
            bound = self.held(order, "reserved")
            picks = {lot: n - 500 if less else n for lot, n in bound.items()}
            lines = [Pick(*line) for line in picks.items()]
            orders.issue(self.conn, order, lines, reason="van is full", **self.who)
            for lot, n in bound.items():
                self.model.move(
                    (picks[lot], (lot, "reserved", order), (lot, "in_transit", order)),
                    (n - picks[lot], (lot, "reserved", order), self.free(lot)),
                )
            self.state[order] = "issued"

    @rule(data=st.data())
    def depart(self, data: st.DataObject) -> None:
        order = self.some_order(data, "issued")
        if order is not None:
            self.promised[order] = self.now + timedelta(minutes=10)
            self.state[order] = orders.depart(self.conn, order, travel_s=600, **self.who)["state"]
            assert self.state[order] == "in_transit"

    @rule(data=st.data())
    def lose_or_find(self, data: st.DataObject) -> None:
        order = self.some_order(data, "in_transit", "lost")
        if order is not None:
            call = orders.report_lost if self.state[order] == "in_transit" else orders.report_found
            self.state[order] = call(self.conn, order, "radio", **self.who)["state"]

    @rule(data=st.data(), received=PART, damaged=PART, missing=PART)
    def receive(self, data: st.DataObject, received: int, damaged: int, missing: int) -> None:
        order = self.some_order(data, "issued", "in_transit", "late", "lost", "partly_received")
        if order is not None and received + damaged + missing:
            lot = data.draw(st.sampled_from(self.lots_of[order]))
            source = (lot, "in_transit", order)
            to_depot = orders.order_of(self.conn, order)["to_depot_id"]
            there = ("D3/" + lot.split("/", 1)[1], "depot", "") if to_depot else (lot, "incident", order)
            fits = self.model.move((received, source, there), (damaged + missing, source, ("", "outside", "")))
            line = ReceiptLine(lot, received, damaged, missing)
            self.expect(fits, lambda: orders.receive(self.conn, order, [line], **self.who))
            if fits:
                self.arrived[order] += received + damaged + missing
                self.state[order] = "partly_received" if self.held(order, "in_transit") else "received"

    @rule(data=st.data(), quantity=WHOLE)
    def use(self, data: st.DataObject, quantity: int) -> None:
        order = self.some_order(data, "partly_received", "received")
        if order is not None:
            lot = data.draw(st.sampled_from(self.lots_of[order]))
            fits = self.model.move((quantity, (lot, "incident", order), ("", "outside", "")))
            self.expect(fits, lambda: orders.use(self.conn, order, [(lot, quantity)], **self.who))

    @rule(data=st.data(), quantity=PART, damaged=PART, hold=st.booleans())
    def take_back(self, data: st.DataObject, quantity: int, damaged: int, hold: bool) -> None:
        order = self.some_order(data, "partly_received", "received")
        if order is not None and quantity + damaged:
            lot = data.draw(st.sampled_from(self.lots_of[order]))
            at_place = min(quantity + damaged, self.held(order, "incident").get(lot, 0))
            back = (lot, "returned", order)
            fits = self.model.move(
                (at_place, (lot, "incident", order), back),
                (quantity + damaged - at_place, (lot, "in_transit", order), back),
                (quantity, back, self.free(lot, "hold" if hold else "depot")),
                (damaged, back, ("", "outside", "")),
            )
            line = ReturnLine(lot, quantity, damaged)
            self.expect(fits, lambda: orders.take_back(self.conn, order, [line], hold=hold, **self.who))
            if fits and not self.held(order, "in_transit"):
                self.state[order] = "received"

    @rule(data=st.data())
    def settle(self, data: st.DataObject) -> None:
        order = self.some_order(data, "received")
        if order is not None:
            fits = not any(n for (_, _, found), n in self.model.at.items() if found == order)
            self.expect(fits, lambda: orders.settle(self.conn, order, **self.who))
            if fits:
                self.state[order] = "settled"

    @rule(data=st.data())
    def reverse(self, data: st.DataObject) -> None:
        movement = schema.table("movement")
        back = movement.alias()
        rows = self.conn.execute(
            sa.select(movement).where(~sa.exists().where(back.c.reverses == movement.c.id)).order_by(movement.c.seq)
        )
        open_ones = [
            row for row in rows.mappings() if self.state.get(row["from_ref"] or row["to_ref"] or "") not in SHUT
        ]
        row = data.draw(st.sampled_from(open_ones))
        order, quantity = row["from_ref"] or row["to_ref"], row["quantity_e3"]
        came = self.place_of(row["lot_id"], row["from_account"], row["from_ref"])
        went = self.place_of(row["to_lot_id"] or row["lot_id"], row["to_account"], row["to_ref"])
        by_hand = row["kind"] in (reversals.OF_ORDERS if order else reversals.OF_STOCK)
        lot = schema.table("lot")
        counted = {row[0]: row[1] for row in self.conn.execute(sa.select(lot.c.id, lot.c.counted_utc))}
        moved = {came[0]: came[1] in HERE, went[0]: went[1] in HERE}
        stays = came[0] == went[0] and came[1] in HERE and went[1] in HERE
        since = not stays and any(
            is_here and (counted[i] or "") > row["occurred_utc"] for i, is_here in moved.items() if i
        )
        fits = by_hand and not since and self.model.move((quantity, went, came))
        if order is None:
            self.expect(fits, lambda: stock.reverse(self.conn, row["id"], reason="typed wrongly", **self.who))
        else:
            self.expect(fits, lambda: orders.reverse(self.conn, order, row["id"], "typed wrongly", **self.who))
        if fits and order is not None:
            if row["from_account"] == "in_transit" and row["kind"] != "return":
                self.arrived[order] -= quantity
            self.state[order] = self.state_after(order)

    def place_of(self, lot: str, account: str, ref: str | None) -> tuple[str, str, str]:
        kept = account in (*HERE, "in_transit", "incident", "returned")
        return (lot, account, ref or "") if kept else ("", "outside", "")

    def state_after(self, order: str) -> str:
        before = self.state[order]
        if not self.held(order, "in_transit"):
            return "received" if self.arrived[order] else before
        if before == "lost":
            return before
        if self.arrived[order]:
            return "partly_received"
        if before not in ("partly_received", "received"):
            return before
        if order not in self.promised:
            return "issued"
        return "late" if self.now > self.promised[order] else "in_transit"

    @precondition(lambda self: self.state)
    @rule(data=st.data())
    def a_wrong_step_is_refused(self, data: st.DataObject) -> None:
        order = data.draw(st.sampled_from(sorted(self.state)))
        if self.state[order] not in orders.TRANSITIONS["issue"].from_states:
            self.expect(False, lambda: orders.issue(self.conn, order, **self.who))
        with pytest.raises(InputError):
            orders.use(self.conn, order, [], **self.who) if self.state[order] == "received" else orders.reserve(
                self.conn, NewRequest("u", "p", "c", (0, 0)), [], **self.who
            )

    # -- what holds after every step (domain.md 6.4)

    @invariant()
    def the_ledger_is_the_model(self) -> None:
        found = ledger.balances(self.conn)
        mine = {
            (lot, account, ref): n
            for lot, account, ref, n in found.itertuples(index=False)
            if account in (*HERE, "in_transit", "incident", "returned") and lot.split("/")[1] == "bag"
        }
        mine = {key: n for key, n in mine.items() if key[0] != "D3/bag/gone"}
        assert mine == {key: n for key, n in self.model.at.items() if n and key[1] != "outside"}
        assert found["quantity_e3"].sum() == 0  # what is anywhere came from somewhere
        assert ledger.verify(self.conn) == []

    @invariant()
    def nothing_is_negative_and_available_is_what_is_left(self) -> None:
        lot = schema.table("lot")
        for identity, on_hand, reserved, held in self.conn.execute(
            sa.select(lot.c.id, *(lot.c[name] for name in schema.BALANCES))
        ):
            assert 0 <= reserved + held <= on_hand
            if identity in LOTS:
                assert on_hand - reserved - held == self.model.at[self.free(identity)]

    @invariant()
    def an_order_is_where_its_goods_are(self) -> None:
        for order, state in self.state.items():
            found = orders.order_of(self.conn, order)
            assert found["state"] == state
            for line in found["lines"]:
                lost = line["damaged"] + line["missing"]
                gone_back = line["returned"]
                assert line["issued"] >= line["received"]
                on_its_way = line["issued"] - line["received"]
                assert on_its_way - lost - gone_back <= line["in_transit"] <= on_its_way
            if state in orders.CLOSED_STATES:
                assert not any(n for (_, _, ref), n in self.model.at.items() if ref == order)

    @invariant()
    def the_record_only_grows(self) -> None:
        seqs = [row[0] for row in self.conn.execute(sa.text("SELECT seq FROM movement ORDER BY seq"))]
        assert seqs == list(range(1, len(seqs) + 1))
        times = [row[0] for row in self.conn.execute(sa.text("SELECT recorded_utc FROM movement ORDER BY seq"))]
        assert times == sorted(times)
        assert audit.ledger_hash(self.conn) == audit.ledger_hash(self.conn)


def test_random_sequences_of_everything_agree_with_the_model(stocked_file: Path) -> None:
    machine = type("Machine", (Stock,), {"template": stocked_file})
    run_state_machine_as_test(
        machine, settings=settings(max_examples=12, stateful_step_count=25, deadline=None, derandomize=True)
    )
