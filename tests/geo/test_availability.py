"""The availability curve against counting minute by minute."""

import math
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.availability import HOURS, Contract, Goods, Production, availability
from geo.errors import InputError

QUANTITY = st.integers(0, 5_000_000)
LEAD = st.sampled_from([0, 0.5, 1, 3.9, 4, 4.1, 24, 25, 71.9, 72, 100])
SOURCES = st.tuples(
    st.lists(
        st.tuples(
            QUANTITY,
            st.sampled_from([0.0, 3600.0, 3600.1, 14_400.0, 90_000.0, math.inf, math.nan]),
            st.sampled_from([0.0, 3600.0, 86_399.9, 86_400.0, 86_400.1, math.inf]),
        )
    ),
    st.lists(st.tuples(QUANTITY, LEAD)),
    st.lists(st.tuples(st.integers(0, 40_000), LEAD), max_size=4),
)


def counted(sources: Any, hour: int, step_e3: int) -> tuple[int, int, int]:
    """What is there at an hour, straight from the words."""
    goods, contracts, productions = sources
    there = sum(q for q, arrival_s, expires_s in goods if arrival_s <= hour * 3600 and not hour * 3600 >= expires_s)
    called = sum(q for q, lead in contracts if lead <= hour)
    made = 0
    for per_day, lead in productions:
        minutes = max(0, hour * 60 - round(lead * 60))  # leads are whole minutes
        units = 0
        while (units + 1) * step_e3 * 1440 <= per_day * minutes:
            units += 1
        made += units * step_e3
    return there, called, made


@settings(max_examples=300, deadline=None)
@given(sources=SOURCES, step_e3=st.sampled_from([250, 1000]))
def test_every_hour_is_what_counting_gives(sources: Any, step_e3: int) -> None:
    goods, contracts, productions = sources
    curve = availability(
        [Goods(f"D{i}", *row) for i, row in enumerate(goods)],
        [Contract(f"C{i}", *row) for i, row in enumerate(contracts)],
        [Production(f"P{i}", *row) for i, row in enumerate(productions)],
        step_e3=step_e3,
    )
    for k, hour in enumerate(HOURS):
        found = (curve.goods_e3[k], curve.contract_e3[k], curve.production_e3[k])
        assert found == counted(sources, hour, step_e3)
        assert curve.total_e3[k] == sum(found)
    for kind in ("contract_e3", "production_e3"):
        assert list(getattr(curve, kind)) == sorted(getattr(curve, kind))
    assert all(isinstance(q, int) for share in curve.shares for q in share.quantity_e3)


def test_a_contract_counts_at_its_lead_time_and_never_before() -> None:
    curve = availability([], [Contract("C", 5000, 4)], hours=(0, "3.999", 4, 5))
    assert curve.contract_e3 == (0, 0, 5000, 5000)
    assert availability([], [Contract("C", 5000, 0)], hours=(0,)).contract_e3 == (5000,)


def test_goods_count_when_they_arrive() -> None:
    curve = availability([Goods("D", 1000, 3600.0), Goods("E", 2000, 3600.1)], hours=(0, 1, 2))
    assert curve.goods_e3 == (0, 1000, 3000)


def test_goods_count_until_they_expire() -> None:
    curve = availability(
        [Goods("D", 1000, 0.0, 3600.0), Goods("D", 2000), Goods("E", 400, 3600.0, 3600.1)], hours=(0, 1, 2)
    )
    assert curve.goods_e3 == (3000, 2400, 2000)
    assert [share[:1] + share[2:] for share in curve.shares] == [("D", (3000, 2000, 2000)), ("E", (0, 400, 0))]


def test_production_is_made_after_its_lead_time_in_whole_units() -> None:
    # 10 a day from the 12th hour on: one in 2.4 h
    hours = (0, 12, "14.3", "14.4", 24, 36)
    curve = availability([], [], [Production("P", 10_000, 12)], hours=hours)
    assert curve.production_e3 == (0, 0, 0, 1000, 5000, 10_000)
    fine = availability([], [], [Production("P", 10_000, 12)], hours=hours, step_e3=1)
    assert fine.production_e3 == (0, 0, 958, 1000, 5000, 10_000)
    # two makers of half a unit have no unit
    twins = availability([], [], [Production("P", 500, 0), Production("Q", 500, 0)], hours=(24,))
    assert twins.production_e3 == (0,)


def test_hours_are_exact() -> None:
    curve = availability([], [Contract("C", 1000, "0.1")], hours=("0.1", "0.3"))
    assert curve.hours == (Fraction(1, 10), Fraction(3, 10))
    assert curve.contract_e3 == (1000, 1000)


def test_json_tells_the_kinds_apart() -> None:
    curve = availability([Goods("D", 2500)], [Contract("C", 1000, 4)], [Production("P", 24_000, 0)], hours=(0, 4))
    assert curve.to_json() == {
        "points": [
            {"hour": 0, "goods": 2.5, "contract": 0, "production": 0, "total": 2.5},
            {"hour": 4, "goods": 2.5, "contract": 1, "production": 4, "total": 7.5},
        ],
        "sources": [
            {"id": "D", "kind": "goods", "quantity": [2.5, 2.5]},
            {"id": "C", "kind": "contract", "quantity": [0, 1]},
            {"id": "P", "kind": "production", "quantity": [0, 4]},
        ],
    }


def test_nothing_gives_nothing() -> None:
    assert availability([]).total_e3 == (0,) * len(HOURS)


@pytest.mark.parametrize(
    "keywords, named",
    [
        ({"hours": ()}, "hours"),
        ({"hours": (1, 1)}, "rising"),
        ({"hours": (4, 1)}, "rising"),
        ({"hours": (-1,)}, "hours=-1"),
        ({"hours": ("nan",)}, "hours"),
        ({"hours": (8761,)}, "8760"),
        ({"step_e3": 0}, "step_e3"),
        ({"goods": [Goods("D", -1)]}, "quantity of D"),
        ({"goods": [Goods("D", 1, -1.0)]}, "arrival_s"),
        ({"goods": [Goods("D", 1, 0.0, -1.0)]}, "expires_s"),
        ({"contracts": [Contract("C", 1, -1)]}, "lead_h"),
        ({"contracts": [Contract("C", 1, "inf")]}, "lead_h"),
        ({"productions": [Production("P", 1.5, 1)]}, "quantity of P"),  # type: ignore[arg-type]
    ],
)
def test_what_cannot_be_is_refused(keywords: dict[str, Any], named: str) -> None:
    with pytest.raises(InputError, match=named):
        availability(**{"goods": [], **keywords})
