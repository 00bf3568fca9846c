"""Figures of supplies by hand, with and without data."""

import json
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.errors import InputError
from geo.supply_kpis import TARGETS, Kpi, KpiFrames, supply_kpis

NOW = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)


def ago(**parts: float) -> str:
    return (NOW - timedelta(**parts)).isoformat().replace("+00:00", "Z")


def of(code: str, frames: KpiFrames, **keywords: Any) -> Kpi:
    return next(kpi for kpi in supply_kpis(frames, moment=NOW, **keywords) if kpi.code == code)


def orders(*rows: tuple[str, str, dict[str, float]]) -> KpiFrames:
    """(order, state, {state it came to, or "arrived": minutes ago})."""
    return KpiFrames(
        orders=pd.DataFrame([(i, state) for i, state, _ in rows], columns=["id", "state"]),
        events=pd.DataFrame(
            [(i, to, ago(minutes=m)) for i, _, steps in rows for to, m in steps.items() if to != "arrived"],
            columns=["order_id", "to_state", "occurred_utc"],
        ),
        arrivals=pd.DataFrame(
            [(i, ago(minutes=steps["arrived"])) for i, _, steps in rows if "arrived" in steps],
            columns=["order_id", "occurred_utc"],
        ),
    )


def test_without_data_every_figure_says_so() -> None:
    empty = KpiFrames(*(pd.DataFrame() for _ in range(10)))
    for frames in (KpiFrames(), empty):
        found = supply_kpis(frames, moment=NOW)
        assert [kpi.code for kpi in found] == list(TARGETS)
        for kpi in found:
            assert (kpi.value, kpi.is_met, kpi.denominator, kpi.proof) == (None, None, 0, ())
            assert kpi.to_json()["no_data"] is True


def test_depots() -> None:
    frames = KpiFrames(
        depots=pd.DataFrame(
            {
                "id": ["A", "B", "C"],
                "has_place": [True, True, False],
                "has_contact": [True, False, False],
                "last_stock": [ago(hours=24), ago(hours=24, seconds=1), None],
            }
        ),
        contacts=pd.DataFrame({"depot_id": ["A", "B"], "verified_utc": [ago(days=90), ago(days=90, seconds=1)]}),
    )
    assert of("geocoded", frames).value == Fraction(2, 3)
    assert of("contact", frames).value == Fraction(1, 3)
    assert of("fresh", frames).value == Fraction(1, 3)  # the bound is in
    assert of("contact_verified", frames).value == Fraction(1, 2)
    assert [row.id for row in of("fresh", frames).proof if row.is_counted] == ["A"]


def test_counts_and_targets_at_equality() -> None:
    counts = pd.DataFrame({"id": range(50), "expected_e3": [5000] * 50, "counted_e3": [5000] * 49 + [4000]})
    kpi = of("count_match", KpiFrames(counts=counts))
    assert (kpi.numerator, kpi.denominator, kpi.value, kpi.is_met) == (49, 50, Fraction(98, 100), True)
    assert of("count_match", KpiFrames(counts=counts), targets={"count_match": 0.99}).is_met is False


def test_lots() -> None:
    lots = pd.DataFrame(
        {
            "id": ["1", "2", "3"],
            "on_hand_e3": [5000, 5000, 0],
            "reserved_e3": [5000, 3000, 0],
            "on_hold_e3": [0, 2001, 0],
            "is_qualified": [True, False, False],
            "is_expired": [False, True, True],
        }
    )
    frames = KpiFrames(lots=lots)
    assert of("over_allocated", frames).value == 1
    assert of("qualified", frames).value == Fraction(1, 2)  # nothing on hand does not count
    assert (of("expired", frames).value, of("expired", frames).is_met) == (1, False)
    clean = of("expired", KpiFrames(lots=lots.assign(is_expired=False)))
    assert (clean.value, clean.is_met) == (0, True)


def test_orders_in_time() -> None:
    frames = orders(
        ("exact", "received", {"ordered": 100, "issued": 70, "arrived": 40, "received": 10}),
        ("slow", "received", {"ordered": 100, "issued": 69.9, "arrived": 39.9}),
        ("waiting", "ordered", {"ordered": 30}),
        ("late", "ordered", {"ordered": 30.1}),
        ("called off", "cancelled", {"ordered": 500}),
        ("never", "expired", {"reserved": 500}),
    )
    issued = of("issued_in_time", frames)
    assert {row.id: row.is_counted for row in issued.proof} == {"exact": True, "slow": False, "late": False}
    arrived = of("arrived_in_time", frames)
    assert {row.id: row.is_counted for row in arrived.proof} == {"exact": True, "slow": False}
    assert (arrived.value, arrived.is_met) == (Fraction(1, 2), False)


def test_receipts() -> None:
    frames = orders(
        ("done", "settled", {"ordered": 90, "issued": 80, "arrived": 50}),
        ("half", "received", {"ordered": 90, "arrived": 50}),
        ("lost", "lost", {"ordered": 90, "issued": 80}),
        ("on its way", "in_transit", {"ordered": 90, "issued": 80}),
    )
    assert of("received", frames).value == Fraction(1, 2)
    assert of("traced", frames).value == Fraction(1, 2)
    receipts = pd.DataFrame(
        {"order_id": ["a", "b"], "lot_id": ["1", "2"], "sent_e3": [100_000, 3000], "lost_e3": [1000, 0]}
    )
    kpi = of("difference", KpiFrames(receipts=receipts))
    assert (kpi.value, kpi.is_met) == (Fraction(5, 1000), True)  # 1 % and 0 %, at the target
    assert of("difference", KpiFrames(receipts=receipts.assign(lost_e3=[1001, 0]))).is_met is False


def test_an_order_of_which_everything_is_missing_is_a_failure_of_all_three() -> None:
    missing = {"ordered": 90.0, "issued": 80, "partly_received": 60, "received": 50}
    frames = orders(
        ("all missing", "received", missing),
        ("settled so", "settled", missing),
        ("at once", "received", {"ordered": 5, "issued": 4, "received": 3}),  # no time is left in which it may come
        ("found after all", "received", {**missing, "arrived": 30}),  # at the bound
        ("too late", "received", {**missing, "arrived": 29.9}),
    )
    good = {"all missing": False, "settled so": False, "at once": False, "found after all": True}
    for code, last in (("arrived_in_time", False), ("received", True), ("traced", True)):
        kpi = of(code, frames)
        assert {row.id: row.is_counted for row in kpi.proof} == {**good, "too late": last}, code
    assert [row.detail for row in of("arrived_in_time", frames).proof][:2] == ["nothing arrived"] * 2
    assert [row.detail for row in of("received", frames).proof][:4] == ["nothing arrived"] * 3 + ["received"]
    assert [row.detail for row in of("traced", frames).proof][2:4] == ["issued", "issued, received"]


def took(*seconds: float) -> pd.DataFrame:
    return pd.DataFrame([(f"t{k}", s, "who") for k, s in enumerate(seconds)], columns=["id", "took_s", "detail"])


@pytest.mark.parametrize(
    ("seconds", "value"), [([7.0], 7), ([*range(1, 21)], 19), ([*range(1, 22)], 20), ([1.0] * 19 + [9.0], 1)]
)
def test_the_95th_of_100_by_hand(seconds: list[float], value: float) -> None:
    kpi = of("search_p95", KpiFrames(searches=took(*seconds)))
    assert (kpi.value, kpi.denominator) == (value, len(seconds))
    assert [row.is_counted for row in kpi.proof] == [s <= value for s in sorted(seconds, reverse=True)]
    assert kpi.proof[0].detail == f"{max(seconds):.3f} s, who"


def test_a_time_at_the_target_meets_it() -> None:
    assert of("search_p95", KpiFrames(searches=took(3.0))).is_met is True
    assert of("search_p95", KpiFrames(searches=took(3.001))).is_met is False


@settings(max_examples=200, deadline=None)
@given(seconds=st.lists(st.floats(0, 100), min_size=1, max_size=60))
def test_95_of_100_do_not_take_longer(seconds: list[float]) -> None:
    kpi = of("plan_p95", KpiFrames(plans=took(*seconds)))
    assert kpi.value is not None
    within = [s for s in seconds if s <= kpi.value]
    below = [s for s in seconds if s < kpi.value]
    assert len(within) * 100 >= 95 * len(seconds) > len(below) * 100 - 100 * (len(below) == 0)
    assert len(below) * 100 < 95 * len(seconds)


def test_json_has_proof_and_plain_values() -> None:
    lots = pd.DataFrame(
        {"id": ["1"], "on_hand_e3": [1], "reserved_e3": [0], "on_hold_e3": [0], "is_qualified": [1], "is_expired": [0]}
    )
    found = [kpi.to_json() for kpi in supply_kpis(KpiFrames(lots=lots, plans=took(0.5)), moment=NOW)]
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert {row["word"] for row in found} == {"find", "move", "use"}


@pytest.mark.parametrize("keywords", [{"issue_min": -1}, {"fresh_h": float("nan")}, {"contact_days": float("inf")}])
def test_limits_that_cannot_be_are_refused(keywords: dict[str, float]) -> None:
    with pytest.raises(InputError, match=next(iter(keywords))):
        supply_kpis(KpiFrames(), moment=NOW, **keywords)
    with pytest.raises(InputError, match="time zone"):
        supply_kpis(KpiFrames(), moment=datetime(2026, 7, 1))  # noqa: DTZ001
