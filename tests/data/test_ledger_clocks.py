"""When it happened and when we were told: balances at any two moments, and nothing negative at any of them."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa
from sqlalchemy import Connection

from data import ledger, schema
from data.ledger import Key, Movement
from data.schema import HELD_ACCOUNTS
from data.store import Store
from geo.errors import Conflict, InputError

NOW = datetime(2026, 7, 1, 2, 0, tzinfo=UTC)
LOT = "D1/bag/old"  # 10 of them since NOW


def minutes(count: float) -> datetime:
    return NOW + timedelta(minutes=count)


def record(store: Store, *movements: Movement, now_utc: datetime = NOW) -> int:
    with store.writing() as conn:
        return ledger.record(conn, movements, source="test", now_utc=now_utc)


def amounts(frame: pd.DataFrame) -> dict[Key, int]:
    columns = (frame[name].tolist() for name in ("lot_id", "account", "ref", "quantity_e3"))
    return {(lot, account, ref): quantity for lot, account, ref, quantity in zip(*columns, strict=True)}


def at(store: Store, **clocks: Any) -> dict[Key, int]:
    with store.reading() as conn:
        return amounts(ledger.balances(conn, lot_ids=[LOT], **clocks))


# -- bounds


def test_what_is_told_late_counts_from_when_it_happened(stocked: Store) -> None:
    record(stocked, Movement(LOT, 4000, "depot", "reserved", "reserve", minutes(10), to_ref="o1"), now_utc=minutes(60))
    key, bound = (LOT, "depot", ""), (LOT, "reserved", "o1")
    assert at(stocked)[key] == 6000
    assert at(stocked, true_at=minutes(10))[bound] == 4000  # both bounds are included
    assert bound not in at(stocked, true_at=minutes(10) - timedelta(milliseconds=1))
    assert at(stocked, known_at=minutes(60))[bound] == 4000
    assert bound not in at(stocked, known_at=minutes(60) - timedelta(milliseconds=1))
    assert bound not in at(stocked, true_at=minutes(70), known_at=minutes(59))
    assert at(stocked, true_at=NOW - timedelta(days=1)) == {}


def test_a_late_movement_that_would_have_left_minus_one_is_refused_with_the_moment(stocked: Store) -> None:
    record(stocked, Movement(LOT, 9000, "depot", "reserved", "reserve", to_ref="o1"), now_utc=minutes(30))
    record(stocked, Movement(LOT, 9000, "reserved", "depot", "release", from_ref="o1"), now_utc=minutes(50))
    late = Movement(LOT, 2000, "depot", "in_transit", "issue", minutes(20), to_ref="o2")
    with pytest.raises(Conflict, match=r"happened at .*02:20.* left -1 in depot at 2026-07-01T02:30:00.000Z"):
        record(stocked, late, now_utc=minutes(60))
    assert at(stocked)[(LOT, "depot", "")] == 10_000
    fits = Movement(LOT, 1000, "depot", "in_transit", "issue", minutes(20), to_ref="o2")  # leaves 0: allowed
    assert record(stocked, fits, now_utc=minutes(60)) == 1


def test_the_account_of_an_order_is_never_negative_in_the_past_either(stocked: Store) -> None:
    record(stocked, Movement(LOT, 5000, "depot", "in_transit", "issue", minutes(20), to_ref="o1"), now_utc=minutes(20))
    early = Movement(LOT, 5000, "in_transit", "incident", "delivery", minutes(19), from_ref="o1", to_ref="o1")
    with pytest.raises(Conflict, match=r"left -5 in in_transit of order o1 at .*02:19"):
        record(stocked, early, now_utc=minutes(60))
    record(
        stocked,
        Movement(LOT, 5000, "in_transit", "incident", "delivery", minutes(20), from_ref="o1", to_ref="o1"),
        now_utc=minutes(60),
    )
    with stocked.reading() as conn:
        assert ledger.verify(conn) == []


def test_the_future_is_refused_and_this_moment_is_not(stocked: Store) -> None:
    ahead = Movement(LOT, 1, "depot", "hold", "hold", NOW + timedelta(milliseconds=1))
    with pytest.raises(InputError, match="after the time of recording"):
        record(stocked, ahead)
    assert record(stocked, Movement(LOT, 1, "depot", "hold", "hold", NOW)) == 1


def test_a_clock_set_back_does_not_turn_the_order_round(stocked: Store) -> None:
    for now in (minutes(10), minutes(-300), minutes(5), minutes(11)):
        record(stocked, Movement(LOT, 1000, "depot", "hold", "hold"), now_utc=now)
    rows = stocked.frame("movement", where={"kind": "hold"})
    said = [schema.utc_text(minutes(count)) for count in (10, 10, 10, 11)]
    assert rows["recorded_utc"].tolist() == said
    assert rows["occurred_utc"].tolist() == said


def test_the_database_keeps_the_accounts_of_orders_from_becoming_negative(stocked: Store) -> None:
    row = {"lot_id": LOT, "quantity_e3": 1, "from_account": "in_transit", "to_account": "incident", "kind": "delivery"}
    row |= {"from_ref": "o1", "to_ref": "o1", "source": "raw"}
    stamp = schema.utc_text(NOW)
    with pytest.raises(Conflict, match="negative"), stocked.writing() as conn:
        conn.execute(sa.insert(schema.table("movement")), {**row, "occurred_utc": stamp, "recorded_utc": stamp})


@pytest.mark.parametrize(
    ("movement", "said"),
    [
        (Movement(LOT, 1, "depot", "hold", "hold", to_ref="o1"), "kept for an order"),
        (Movement(LOT, 1, "depot", "reserved", "reserve", to_ref=""), "kept for an order"),
        (Movement(LOT, 1, "reserved", "in_transit", "issue", from_ref="o1", to_ref="o2"), "do not become"),
        (Movement(LOT, 1, "depot", "written_off", "write_off", cause="stolen"), "cause='stolen'"),
        (Movement(LOT, 1, "depot", "hold", "hold", cause="damaged"), "for a write_off only"),
        (Movement(LOT, 1, "in_transit", "depot", "delivery", from_ref="o1"), "expected the lot"),
        (Movement(LOT, 1, "depot", "hold", "hold", to_lot_id="D2/bag/B"), "only what comes into a depot"),
        (Movement(LOT, 1, "in_transit", "depot", "delivery", to_lot_id=LOT), "another lot"),
        (Movement(LOT, 1, "in_transit", "depot", "delivery", to_lot_id="D2/p50/C"), "it is of p50"),
        (Movement(LOT, 1, "in_transit", "depot", "delivery", to_lot_id="none"), "no lot 'none'"),
    ],
)
def test_accounts_of_orders_causes_and_transfers_are_checked(stocked: Store, movement: Movement, said: str) -> None:
    with pytest.raises((InputError, LookupError), match=said):
        record(stocked, movement)


def test_a_transfer_has_two_lots_and_can_be_undone(stocked: Store) -> None:
    other = "D2/bag/B"
    record(stocked, Movement(LOT, 4000, "depot", "in_transit", "issue", to_ref="o1"))
    record(stocked, Movement(LOT, 3000, "in_transit", "depot", "delivery", from_ref="o1", to_lot_id=other, id="m"))
    rows = stocked.frame("lot").set_index("id")["on_hand_e3"]
    assert (rows[LOT], rows[other]) == (6000, 18_000)
    with stocked.writing() as conn:
        assert ledger.verify(conn) == []
        ledger.reverse(conn, "m", reason="wrong depot", source="test", now_utc=NOW, actor="u")
        assert ledger.verify(conn) == []
    rows = stocked.frame("lot").set_index("id")["on_hand_e3"]
    assert (rows[LOT], rows[other]) == (6000, 15_000)
    assert at(stocked)[(LOT, "in_transit", "o1")] == 4000


def test_a_holding_written_past_the_ledger_is_found(stocked: Store) -> None:
    record(stocked, Movement(LOT, 4000, "depot", "reserved", "reserve", to_ref="o1"))
    with stocked.writing() as conn:
        conn.execute(sa.text("UPDATE holding SET quantity_e3 = 5000"))
        assert ledger.verify(conn) == [ledger.Discrepancy(LOT, "reserved", 5000, 4000, "o1")]


def test_a_list_cannot_take_what_an_order_binds(stocked: Store) -> None:
    record(stocked, Movement(LOT, 4000, "depot", "reserved", "reserve", to_ref="o1"))
    rows = pd.DataFrame([{"depot_id": "D1", "item_id": "bag", "lot": "old", "quantity": 10, "reserved": 3}])
    with pytest.raises(Conflict, match="3 reserved, orders bind 4"), stocked.writing() as conn:
        ledger.apply_lots(conn, rows, source="list", now_utc=NOW)
    with stocked.writing() as conn:
        ledger.apply_lots(conn, rows.assign(reserved=4, quantity=4), source="list", now_utc=NOW)


# -- the oracle


def kept(account: str) -> bool:
    return account in ("depot", "hold", *HELD_ACCOUNTS)


class Oracle:
    """Every movement in a list; every question is answered by going through it."""

    def __init__(self) -> None:
        self.rows: list[tuple[Key, Key, int, datetime, datetime]] = []

    def balance(self, key: Key, true_at: datetime | None = None, known_at: datetime | None = None) -> int:
        rows = [
            row
            for row in self.rows
            if (true_at is None or row[3] <= true_at) and (known_at is None or row[4] <= known_at)
        ]
        return sum(row[2] for row in rows if row[1] == key) - sum(row[2] for row in rows if row[0] == key)

    def takes(self, batch: list[tuple[Key, Key, int, datetime, datetime]]) -> bool:
        before = list(self.rows)
        ok = True
        for row in batch:
            self.rows.append(row)
            ok = ok and (not kept(row[0][1]) or self.balance(row[0]) >= 0)
        keys = {row[0] for row in batch if kept(row[0][1])}
        ok = ok and all(self.balance(key, true_at=row[3]) >= 0 for key in keys for row in self.rows)
        if not ok:
            self.rows = before
        return ok


STEPS = (
    ("supplier", "depot", "receipt"),
    ("depot", "hold", "hold"),
    ("hold", "depot", "unhold"),
    ("depot", "reserved", "reserve"),
    ("reserved", "depot", "release"),
    ("reserved", "in_transit", "issue"),
    ("in_transit", "incident", "delivery"),
    ("in_transit", "depot", "delivery"),
    ("incident", "returned", "return"),
    ("returned", "depot", "restock"),
    ("incident", "consumed", "use"),
)


def a_movement(rng: random.Random, lots: list[str], began: datetime, now: datetime) -> Movement:
    source, target, kind = rng.choice(STEPS)
    lot = rng.choice(lots)
    ref = rng.choice(("o1", "o2"))
    transfer = (source, target) == ("in_transit", "depot")
    return Movement(
        lot,
        rng.randrange(1, 5) * 500,
        source,
        target,
        kind,
        rng.choice((None, now, began + (now - began) * rng.random())),
        from_ref=ref if source in HELD_ACCOUNTS else None,
        to_ref=ref if target in HELD_ACCOUNTS else None,
        to_lot_id=next(other for other in lots if other != lot) if transfer else None,
    )


def run_case(conn: Connection, lots: list[str], rng: random.Random, began: datetime) -> tuple[int, int, datetime]:
    oracle = Oracle()
    taken = refused = 0
    now = began
    for _ in range(9):
        now += timedelta(minutes=rng.choice((0, 0, 1, 7)))
        batch = [a_movement(rng, lots, began, now) for _ in range(rng.choice((1, 1, 1, 2, 3)))]
        if now == began:  # something to move
            batch = [Movement(lot, 4000, "supplier", "depot", "receipt") for lot in lots]
        rows = [
            (m.from_key, m.to_key, m.quantity_e3, floor(m.occurred_utc or now), now)  # type: ignore[arg-type]
            for m in batch
        ]
        if oracle.takes(rows):
            assert ledger.record(conn, batch, source="test", now_utc=now) == len(batch)
            taken += 1
        else:
            with pytest.raises(Conflict):
                ledger.record(conn, batch, source="test", now_utc=now)
            refused += 1
    moments = [None, began, now, *(began + (now - began) * rng.random() for _ in range(3))]
    keys = {key for row in oracle.rows for key in row[:2]}
    for _ in range(3):
        true_at, known_at = (moment and floor(moment) for moment in rng.choices(moments, k=2))
        found = amounts(ledger.balances(conn, lot_ids=lots, true_at=true_at, known_at=known_at))
        assert found == {key: total for key in keys if (total := oracle.balance(key, true_at, known_at))}
        assert sum(found.values()) == 0
        assert all(total >= 0 for key, total in found.items() if kept(key[1]))
    return taken, refused, now


def floor(moment: datetime) -> datetime:
    """As it is stored: whole milliseconds."""
    return datetime.fromisoformat(schema.utc_text(moment))


def lots_of(case: int) -> list[str]:
    return [f"{depot}/bag/case{case}" for depot in ("D1", "D2")]


@pytest.mark.parametrize("seed", range(4))
def test_balances_at_any_two_moments_are_those_of_the_oracle(stocked: Store, seed: int) -> None:
    rng = random.Random(seed)
    taken = refused = 0
    now = NOW
    with stocked.writing() as conn:
        for case in range(50):
            for lot in lots_of(case):
                depot, _, name = lot.split("/")
                row = {"id": lot, "depot_id": depot, "item_id": "bag", "lot": name, "source": "test"}
                conn.execute(sa.insert(schema.table("lot")), {**row, "updated_utc": schema.utc_text(NOW)})
            more_taken, more_refused, now = run_case(conn, lots_of(case), rng, now)
            taken, refused = taken + more_taken, refused + more_refused
        assert ledger.verify(conn) == []
    assert taken > 50
    assert refused > 50
