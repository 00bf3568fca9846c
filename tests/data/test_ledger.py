"""The ledger: nothing negative, nothing altered, balances that are the sum of their movements."""

import threading
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data import ledger, schema
from data.ledger import Movement
from data.store import Counts, Store
from geo.errors import Conflict, InputError, NotFound, OneMapError

NOW = "2026-07-01T00:00:00.000Z"
LATER = "2026-07-02T00:00:00.000Z"
LOT = "D1/I1/A"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.create(tmp_path / "d.gpkg", name="试", epsg=4549) as made:
        with made.writing() as conn:
            depots = pd.DataFrame({"id": ["D1", "D2"], "name": ["一库", "二库"], "level": "street"})
            made.upsert(conn, "depot", depots, source="t", source_datum="none", now_utc=NOW)
            items = pd.DataFrame({"id": ["I1", "I2"], "name": ["沙袋", "水泵"], "unit": ["只", "台"]})
            made.upsert(conn, "item", items, source="t", source_datum="none", now_utc=NOW)
        yield made


def lots(quantity: Any = 10, **columns: Any) -> pd.DataFrame:
    return pd.DataFrame([{"depot_id": "D1", "item_id": "I1", "lot": "A", "quantity": quantity, **columns}])


def apply(store: Store, rows: pd.DataFrame, now_utc: datetime | str = NOW) -> Counts:
    with store.writing() as conn:
        return ledger.apply_lots(conn, rows, source="list.xlsx", now_utc=now_utc)


def balances(store: Store, lot_id: str = LOT) -> tuple[int, int, int]:
    row = store.frame("lot", where={"id": lot_id}).iloc[0]
    return int(row["on_hand_e3"]), int(row["reserved_e3"]), int(row["on_hold_e3"])


def moved(store: Store) -> list[tuple[str, str, str, int]]:
    found = store.frame("movement")
    return list(
        zip(
            found["kind"],
            found["from_account"],
            found["to_account"],
            found["quantity_e3"].tolist(),
            strict=True,
        )
    )


def record(store: Store, *movements: Movement) -> int:
    with store.writing() as conn:
        return ledger.record(conn, movements, source="test", now_utc=NOW)


# -- lists of stock


def test_the_first_list_is_an_opening_balance(store: Store) -> None:
    counts = apply(store, lots(10.5, reserved=2, on_hold=1, unit="只", expires_on="2027-01-31"))
    assert counts == Counts(inserted=1)
    assert balances(store) == (10_500, 2000, 1000)
    assert moved(store) == [
        ("opening", "opening", "depot", 10_500),
        ("reserve", "depot", "reserved", 2000),
        ("hold", "depot", "hold", 1000),
    ]
    row = store.frame("lot").iloc[0]
    assert (row["id"], row["unit"], row["status"], row["expires_on"]) == (LOT, "只", "usable", "2027-01-31")
    assert set(store.frame("movement")["source"]) == {"list.xlsx"}


def test_the_same_list_twice_moves_nothing(store: Store) -> None:
    rows = lots(10, reserved=3, counted_utc="2026-06-30T08:00+08:00", status=None)
    apply(store, rows)
    before = store.revision()
    assert apply(store, rows, LATER) == Counts(unchanged=1)
    assert store.revision() == before


def test_a_changed_quantity_is_a_count_difference(store: Store) -> None:
    apply(store, lots(10))
    assert apply(store, lots(15)) == Counts(updated=1)
    apply(store, lots(10))
    apply(store, lots(10))
    assert [(a, b, q) for kind, a, b, q in moved(store) if kind == "count_difference"] == [
        ("count_difference", "depot", 5000),
        ("depot", "count_difference", 5000),
    ]
    assert balances(store) == (10_000, 0, 0)


def test_less_stock_and_less_reserved_at_once(store: Store) -> None:
    apply(store, lots(10, reserved=6, on_hold=4))
    apply(store, lots(3, reserved=1, on_hold=2))
    assert balances(store) == (3000, 1000, 2000)
    apply(store, lots(3, reserved=3, on_hold=0))
    assert balances(store) == (3000, 3000, 0)
    with store.reading() as conn:
        assert ledger.verify(conn) == []


def test_columns_that_the_list_lacks_stay(store: Store) -> None:
    apply(store, lots(10, reserved=6, status="quarantined", unit="只"))
    apply(store, lots(12))
    row = store.frame("lot").iloc[0]
    assert balances(store) == (12_000, 6000, 0)
    assert (row["status"], row["unit"]) == ("quarantined", "只")


def test_the_time_of_a_lot_is_that_of_its_last_movement(store: Store) -> None:
    apply(store, lots(10))
    assert store.frame("lot")["updated_utc"].tolist() == [NOW]
    apply(store, lots(10, status="damaged"))
    assert store.frame("lot")["updated_utc"].tolist() == [NOW]
    apply(store, lots(11), LATER)
    assert store.frame("lot")["updated_utc"].tolist() == [LATER]


def test_lots_that_the_list_lacks_stay(store: Store) -> None:
    apply(store, lots(10))
    assert apply(store, lots(7, lot="B")) == Counts(inserted=1)
    assert balances(store) == (10_000, 0, 0)
    assert balances(store, "D1/I1/B") == (7000, 0, 0)


def test_a_state_of_quality_moves_nothing(store: Store) -> None:
    apply(store, lots(10))
    before = len(moved(store))
    assert apply(store, lots(10, status="recalled"), LATER) == Counts(updated=1)
    assert len(moved(store)) == before
    assert store.frame("lot")["status"].tolist() == ["recalled"]


def test_a_count_happened_when_it_was_counted(store: Store) -> None:
    apply(store, lots(10, counted_utc="2026-06-29T10:00Z"))
    apply(store, lots(8, counted_utc="2026-06-30T10:00Z"), LATER)
    apply(store, lots(9, counted_utc="2999-01-01T00:00Z"), LATER)  # a count of the future happened now
    movements = store.frame("movement")
    assert movements["occurred_utc"].tolist() == [
        "2026-06-29T10:00:00.000Z",
        "2026-06-30T10:00:00.000Z",
        LATER,
    ]
    assert movements["recorded_utc"].tolist() == [NOW, LATER, LATER]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (lots(5, reserved=3, on_hold=3), "more than the quantity 5"),
        (lots(None), "quantity is empty"),
        (lots(np.nan), "quantity is empty"),
        (lots(-1), "expected 0 or more"),
        (lots("zehn"), "expected a number"),
        (lots(0.0001), "at most 3 decimals"),
        (lots(float("inf")), "expected a number"),
        (lots(1e10), "up to 1000000000"),
        (lots(5, lot=None), "lots.lot: row 2 is empty"),
        (pd.concat([lots(5), lots(6)]), "occurs twice"),
        (lots(5).drop(columns="item_id"), "item_id is missing"),
        (lots(5, depot_id="D9"), "not there"),
        (lots(5, status="lost"), "ck_lot_status"),
    ],
)
def test_a_wrong_list_is_refused_whole(store: Store, rows: pd.DataFrame, said: str) -> None:
    before = store.revision()
    with pytest.raises(OneMapError, match=said):
        apply(store, pd.concat([lots(1, lot="good"), rows]) if said != "item_id is missing" else rows)
    assert store.revision() == before


def test_an_empty_list_does_nothing(store: Store) -> None:
    assert apply(store, lots(1).iloc[:0]) == Counts()


# -- exact quantities


@pytest.mark.parametrize(
    ("value", "whole"),
    [(0, 0), (0.1, 100), ("2.5", 2500), (Decimal("0.001"), 1), (1_000_000_000, 10**12), (np.int64(7), 7000)],
)
def test_quantities_become_whole_thousandths(value: Any, whole: int) -> None:
    assert ledger.thousandths(value) == whole


@pytest.mark.parametrize(
    "value", ["1e999998", "1e-999999999", f"1.{'0' * 30}1", Decimal("0.0005"), "-0.001", True, "1/2"]
)
def test_no_quantity_is_rounded_and_none_takes_long(value: Any) -> None:
    with pytest.raises(InputError, match="quantity="):
        ledger.thousandths(value)


@given(st.integers(0, 10**12))
def test_what_is_shown_reads_back_exactly(quantity_e3: int) -> None:
    assert ledger.thousandths(ledger.shown(quantity_e3)) == quantity_e3
    assert Decimal(ledger.shown(quantity_e3)) * 1000 == quantity_e3


# -- movements


def test_a_movement_beyond_what_is_there_is_refused_and_named(store: Store) -> None:
    apply(store, lots(10, reserved=4))
    with pytest.raises(Conflict, match=r"D1/I1/A: 6\.001 asked from depot, only 6 there"):
        record(store, Movement(LOT, 6001, "depot", "in_transit", "issue", NOW))
    assert record(store, Movement(LOT, 6000, "depot", "in_transit", "issue", NOW)) == 1
    assert balances(store) == (4000, 4000, 0)


def test_movements_are_recorded_all_or_none(store: Store) -> None:
    apply(store, lots(10))
    before = store.revision()
    with store.writing() as conn:
        with pytest.raises(Conflict):
            ledger.record(
                conn,
                [
                    Movement(LOT, 9000, "depot", "reserved", "reserve", NOW),
                    Movement(LOT, 2000, "depot", "reserved", "reserve", NOW),
                ],
                source="t",
                now_utc=NOW,
            )
        with pytest.raises(Conflict, match="there already"):  # found by the database itself
            ledger.record(
                conn,
                [
                    Movement(LOT, 1, "depot", "reserved", "reserve", NOW, id="x"),
                    Movement(LOT, 1, "depot", "reserved", "reserve", NOW, id="x"),
                ],
                source="t",
                now_utc=NOW,
            )
    assert store.revision() == before


def test_the_life_of_a_piece(store: Store) -> None:
    apply(store, lots(0))
    steps = [
        ("receipt", "supplier", "depot", (5, 0, 0)),
        ("hold", "depot", "hold", (5, 0, 5)),
        ("unhold", "hold", "depot", (5, 0, 0)),
        ("reserve", "depot", "reserved", (5, 5, 0)),
        ("issue", "reserved", "in_transit", (0, 0, 0)),
        ("delivery", "in_transit", "incident", (0, 0, 0)),
        ("return", "incident", "returned", (0, 0, 0)),
        ("restock", "returned", "depot", (5, 0, 0)),
        ("write_off", "depot", "written_off", (0, 0, 0)),
    ]
    for kind, source, target, after in steps:
        record(store, Movement(LOT, 5, source, target, kind, NOW))
        assert balances(store) == after
    with store.reading() as conn:
        assert ledger.verify(conn) == []


def test_a_reversal_undoes_once(store: Store) -> None:
    apply(store, lots(10))
    record(store, Movement(LOT, 4000, "depot", "reserved", "reserve", NOW, id="m1"))
    with store.writing() as conn:
        ledger.reverse(conn, "m1", reason="typed wrongly", source="desk 2", now_utc=LATER)
    assert balances(store) == (10_000, 0, 0)
    last = store.frame("movement").iloc[-1]
    assert (last["kind"], last["reverses"], last["reason"]) == ("reversal", "m1", "typed wrongly")
    with pytest.raises(Conflict, match="reversed already"), store.writing() as conn:
        ledger.reverse(conn, "m1", reason="again", source="t", now_utc=LATER)
    with pytest.raises(NotFound, match="m9"), store.writing() as conn:
        ledger.reverse(conn, "m9", reason="x", source="t", now_utc=LATER)


def test_a_reversal_that_the_stock_does_not_allow_is_refused(store: Store) -> None:
    apply(store, lots(0))
    record(store, Movement(LOT, 5000, "supplier", "depot", "receipt", NOW, id="r"))
    record(store, Movement(LOT, 5000, "depot", "in_transit", "issue", NOW))
    with pytest.raises(Conflict, match="only 0 there"), store.writing() as conn:
        ledger.reverse(conn, "r", reason="x", source="t", now_utc=NOW)


@pytest.mark.parametrize(
    ("movement", "said"),
    [
        (Movement(LOT, 1, "depot", "moon", "issue", NOW), "moon"),
        (Movement(LOT, 1, "depot", "reserved", "theft", NOW), "theft"),
        (Movement(LOT, 1, "supplier", "reserved", "reserve", NOW), "depot to reserved"),
        (Movement(LOT, 0, "depot", "reserved", "reserve", NOW), "more than 0"),
        (Movement(LOT, -5, "depot", "reserved", "reserve", NOW), "more than 0"),
        (Movement(LOT, 1.5, "depot", "reserved", "reserve", NOW), "whole number of thousandths"),  # type: ignore[arg-type]
        (Movement(LOT, 1, "reserved", "depot", "reversal", NOW), "names the movement"),
        (Movement(LOT, 1, "depot", "reserved", "reserve", NOW, reverses="m1"), "names the movement"),
        (Movement(LOT, 2, "reserved", "depot", "reversal", NOW, reverses="m1"), "same quantity"),
        (Movement(LOT, 1, "depot", "reserved", "reversal", NOW, reverses="m1"), "same way"),
        (Movement(LOT, 1, "depot", "reserved", "reserve", "2026-07-01"), "time zone"),
    ],
)
def test_a_wrong_movement_is_refused(store: Store, movement: Movement, said: str) -> None:
    apply(store, lots(10))
    record(store, Movement(LOT, 1, "depot", "reserved", "reserve", NOW, id="m1"))
    before = store.revision()
    with pytest.raises(InputError, match=said):
        record(store, movement)
    assert store.revision() == before


def test_a_lot_that_is_not_there_is_not_found(store: Store) -> None:
    with pytest.raises(NotFound, match="no lot"):
        record(store, Movement("D1/I1/none", 1, "supplier", "depot", "receipt", NOW))
    assert record(store) == 0


def test_a_balance_written_past_the_ledger_is_found(store: Store) -> None:
    apply(store, pd.concat([lots(10, reserved=2), lots(5, lot="B")]))
    with store.writing() as conn:
        conn.execute(sa.text("UPDATE lot SET on_hand_e3 = 11000 WHERE id = :id"), {"id": LOT})
        assert ledger.verify(conn) == [ledger.Discrepancy(LOT, "on_hand_e3", 11_000, 10_000)]


def test_the_database_itself_keeps_the_balances_and_refuses_less_than_nothing(store: Store) -> None:
    apply(store, lots(10))
    insert = sa.insert(schema.table("movement"))
    row = {
        "lot_id": LOT,
        "quantity_e3": 10_000,
        "from_account": "depot",
        "to_account": "consumed",
        "kind": "use",
        "occurred_utc": NOW,
        "recorded_utc": NOW,
        "source": "raw",
    }
    with store.writing() as conn:
        conn.execute(insert, row)
        assert ledger.verify(conn) == []
    assert balances(store) == (0, 0, 0)
    with pytest.raises(Conflict, match="negative"), store.writing() as conn:
        conn.execute(insert, {**row, "quantity_e3": 1})


def test_two_at_once_take_exactly_what_is_there(store: Store) -> None:
    apply(store, lots(7))
    outcomes: list[str] = []

    def take() -> None:
        for _ in range(4):
            try:
                record(store, Movement(LOT, 1000, "depot", "reserved", "reserve"))
                outcomes.append("taken")
            except Conflict:
                outcomes.append("refused")

    threads = [threading.Thread(target=take) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["refused"] * 5 + ["taken"] * 7
    assert balances(store) == (7000, 7000, 0)
    with store.reading() as conn:
        assert ledger.verify(conn) == []


sheets = st.lists(st.tuples(st.sampled_from("AB"), st.integers(0, 9), st.integers(0, 9), st.integers(0, 9)), max_size=8)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=sheets)
def test_any_series_of_lists_ends_where_the_last_one_says(store: Store, steps: list[tuple[str, int, int, int]]) -> None:
    model = {row["lot"]: balances(store, row["id"]) for _, row in store.frame("lot").iterrows()}
    for name, quantity, reserved, held in steps:
        rows = lots(quantity, lot=name, reserved=reserved, on_hold=held)
        if reserved + held > quantity:
            with pytest.raises(InputError):
                apply(store, rows)
        else:
            apply(store, rows)
            model[name] = (quantity * 1000, reserved * 1000, held * 1000)
    assert {row["lot"]: balances(store, row["id"]) for _, row in store.frame("lot").iterrows()} == model
    with store.reading() as conn:
        assert ledger.verify(conn) == []
