"""Needs, targets, lines and triggers: by hand, at their bounds, against counting one by one."""

import math
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.errors import InputError
from geo.needs import (
    Outstanding,
    Standard,
    design_persons,
    district_target_e3,
    expiry_class,
    needs,
    review_triggers,
    safety_stock,
    stock_state,
    upward_request,
)

# -- needs ----------------------------------------------------------------------------------------


@given(
    standards=st.lists(
        st.tuples(
            st.sampled_from("AB"), st.sampled_from(["affected", "evacuated"]), st.integers(0, 2000), st.booleans()
        ),
        max_size=4,
        unique_by=lambda row: row[:2],
    ),
    there=st.dictionaries(st.sampled_from("AB"), st.integers(0, 50_000)),
    evacuated=st.integers(0, 6),
    more=st.integers(0, 6),
    days=st.integers(1, 4),
)
def test_needs_are_what_counting_everybody_gives(
    standards: Any, there: dict[str, int], evacuated: int, more: int, days: int
) -> None:
    found = needs(
        [Standard(*row) for row in standards], there, affected=evacuated + more, evacuated=evacuated, days=days
    )
    counted: dict[str, int] = {item: 0 for item, _, _, _ in standards}
    for person in range(evacuated + more):
        for item, basis, quantity, is_daily in standards:
            if basis == "affected" or person < evacuated:
                counted[item] += sum(quantity for _ in range(days if is_daily else 1))
    assert {need.item_id: need.needed_e3 for need in found} == counted
    for need in found:
        assert need.draft_e3 == max(0, counted[need.item_id] - there.get(need.item_id, 0))
        assert sum(line.quantity_e3 for line in need.lines) == need.needed_e3


def test_affected_and_evacuated_stay_apart_and_are_labelled() -> None:
    standards = [Standard("water", "affected", 3000, True, "proposed", "x"), Standard("water", "evacuated", 500, False)]
    (need,) = needs(standards, {"water": 1000}, affected=10, evacuated=4, days=3)
    row = need.to_json()
    assert (row["needed"], row["there"], row["draft"]) == (92, 1, 91)
    assert [(line["basis_zh"], line["persons"], line["days"], line["quantity"]) for line in row["lines"]] == [
        ("受灾人口", 10, 3, 90),
        ("转移安置人口", 4, None, 2),
    ]


@pytest.mark.parametrize(
    "keywords, named",
    [
        ({"affected": -1}, "affected=-1"),
        ({"affected": 1.5}, "affected=1.5"),
        ({"affected": True}, "affected"),
        ({"evacuated": 11}, "evacuated=11"),
        ({"days": 0}, "days=0"),
        ({"days": 3661}, "days=3661"),
        ({"standards": [Standard("A", "all", 1, True)]}, "basis"),  # type: ignore[arg-type]
        ({"standards": [Standard("A", "affected", -1, True)]}, "quantity of A"),
        ({"standards": [Standard("A", "affected", 1, True)] * 2}, "twice"),
    ],
)
def test_needs_that_cannot_be_are_refused(keywords: dict[str, Any], named: str) -> None:
    standards = keywords.pop("standards", [])
    with pytest.raises(InputError, match=named):
        needs(standards, {}, **{"affected": 10, "evacuated": 5, "days": 1, **keywords})


def test_the_upward_request_is_the_outstanding_not_the_requested() -> None:
    lines = [
        Outstanding("A", 10_000, 3000, 2000),
        Outstanding("B", 5000, 5000, 0),
        Outstanding("A", 1000, 0, 4000),  # a surplus here does not lessen the other line
    ]
    assert upward_request(lines) == {"A": 5000}
    assert upward_request([]) == {}
    with pytest.raises(InputError, match="A"):
        upward_request([Outstanding("A", 1, -1, 0)])


# -- targets and lines ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "norm, persons, city, share, target",
    [
        (1_000_000, 6000, 0, 0, 6_000_000),
        (1_000_000, 6000, 3_500_000, "0.3", 4_950_000),
        (1_000_000, 6000, 20_000_000, "0.3", 0),  # exactly covered
        (1_000_000, 6000, 30_000_000, "0.3", 0),  # never below 0
        (1000, 1, 0, 0, 1),  # a thousandth, rounded up
        (1, 1, 0, 0, 1),
        (0, 6000, 0, 0, 0),
    ],
)
def test_district_target(norm: int, persons: int, city: int, share: Any, target: int) -> None:
    assert district_target_e3(norm, design_persons=persons, city_e3=city, city_share=share) == target


@given(st.integers(0, 10**7), st.integers(0, 20_000), st.integers(0, 10**9), st.integers(0, 100))
def test_district_target_is_rounded_up_by_less_than_one(norm: int, persons: int, city: int, percent: int) -> None:
    exact = Fraction(norm * persons, 1000) - Fraction(city * percent, 100)
    found = district_target_e3(norm, design_persons=persons, city_e3=city, city_share=percent / 100)
    assert found == max(0, math.ceil(exact))


def test_design_evacuees_are_the_largest_of_three() -> None:
    assert design_persons(floor=6000, relocation_estimate=0, residents=1_183_740, residents_share="0.005") == 6000
    assert design_persons(floor=5000, relocation_estimate=0, residents=1_183_740, residents_share="0.005") == 5919
    assert design_persons(floor=6000, relocation_estimate=9000, residents=1_183_740, residents_share=0.005) == 9000


@pytest.mark.parametrize(
    "available, state",
    [(0, "red"), (5999, "red"), (6000, "yellow"), (7999, "yellow"), (8000, "ok"), (20_000, "ok")],
)
def test_stock_on_a_line_is_not_below_it(available: int, state: str) -> None:
    assert stock_state(available, 10_000, red_share=0.6, yellow_share=0.8) == state


def test_without_a_target_nothing_is_below_it() -> None:
    assert stock_state(0, 0, red_share=0.6, yellow_share=0.8) == "ok"
    with pytest.raises(InputError, match="red_share"):
        stock_state(0, 1, red_share=0.9, yellow_share=0.8)
    with pytest.raises(InputError, match="yellow_share"):
        stock_state(0, 1, red_share=0.9, yellow_share=float("nan"))


@pytest.mark.parametrize(
    "left, found",
    [(-1, -1), (0, 15), (15, 15), (16, 30), (30, 30), (31, 90), (90, 90), (91, 180), (180, 180), (181, None)],
)
def test_expiry_classes_include_their_bound(left: int, found: int | None) -> None:
    today = date(2026, 7, 1)
    assert expiry_class(today + timedelta(days=left), today, days=(30, 90, 180, 15)) == found


def test_what_does_not_expire_is_in_no_class() -> None:
    assert expiry_class(None, date(2026, 7, 1), days=(30,)) is None
    with pytest.raises(InputError, match="days"):
        expiry_class(None, date(2026, 7, 1), days=())


def test_safety_stock_of_the_book() -> None:
    found = safety_stock(daily_demand=20, deviation=6, lead_days=4, z=1.65)
    assert found.safety == pytest.approx(19.8, abs=1e-12)
    assert found.reorder == pytest.approx(99.8, abs=1e-12)
    assert safety_stock(daily_demand=20, deviation=6, lead_days=0, z=1.65).reorder == 0
    for name in ("daily_demand", "deviation", "lead_days", "z"):
        values = {"daily_demand": 20.0, "deviation": 6.0, "lead_days": 4.0, "z": 1.65, name: -1.0}
        with pytest.raises(InputError, match=name):
            safety_stock(**values)


# -- review ---------------------------------------------------------------------------------------

FROM = date(2026, 1, 1)


def due(**keywords: Any) -> dict[str, bool]:
    found = review_triggers(**{"valid_from": FROM, "today": date(2026, 7, 1), **keywords})
    assert [row.trigger for row in found] == ["annual", "response", "population", "consumption", "catalogue"]
    return {row.trigger: row.is_due for row in found}


def test_without_data_nothing_is_due_and_it_says_so() -> None:
    found = review_triggers(valid_from=FROM, today=date(2026, 7, 1))
    assert not any(row.is_due for row in found)
    assert [row.value for row in found[1:]] == ["no data"] * 4


@pytest.mark.parametrize(
    "valid_from, today, is_due",
    [
        (FROM, date(2026, 12, 31), False),
        (FROM, date(2027, 1, 1), True),
        (date(2024, 2, 29), date(2025, 2, 27), False),
        (date(2024, 2, 29), date(2025, 2, 28), True),
        (date(2026, 12, 31), date(2027, 12, 30), False),
        (date(2026, 12, 31), date(2027, 12, 31), True),
    ],
)
def test_a_list_is_due_on_its_anniversary(valid_from: date, today: date, is_due: bool) -> None:
    assert due(valid_from=valid_from, today=today)["annual"] is is_due


@pytest.mark.parametrize(
    "day, level, is_due",
    [
        (date(2026, 3, 1), 3, True),
        (date(2026, 3, 1), 4, False),
        (date(2026, 3, 1), 1, True),
        (FROM, 3, True),
        (date(2025, 12, 31), 1, False),
        (date(2026, 7, 1), 3, True),
        (date(2026, 7, 2), 1, False),
    ],
)
def test_a_response_of_level_3_or_above_is_a_reason(day: date, level: int, is_due: bool) -> None:
    assert due(responses=[(day, level)])["response"] is is_due


@pytest.mark.parametrize("now, is_due", [(103_000, False), (103_001, True), (97_000, False), (96_999, True)])
def test_residents_changed_by_more_than_3_percent(now: int, is_due: bool) -> None:
    assert due(residents_then=100_000, residents_now=now)["population"] is is_due


@pytest.mark.parametrize("used, is_due", [(3000, False), (3001, True)])
def test_more_than_30_percent_consumed(used: int, is_due: bool) -> None:
    assert due(consumed_e3={"A": used}, stock_e3={"A": 10_000})["consumption"] is is_due


def test_consumption_of_what_is_not_in_stock_is_a_reason() -> None:
    assert due(consumed_e3={"A": 1}, stock_e3={})["consumption"]
    assert not due(consumed_e3={"A": 0}, stock_e3={})["consumption"]


def test_another_catalogue_is_a_reason() -> None:
    assert due(catalogue_then="1", catalogue_now="2")["catalogue"]
    assert not due(catalogue_then="1", catalogue_now="1")["catalogue"]


@pytest.mark.parametrize(
    "keywords, named",
    [
        ({"after_months": 0}, "after_months"),
        ({"responses": [(FROM, 5)]}, "level 5"),
        ({"population_share": 2}, "population_share"),
        ({"consumption_share": "x"}, "consumption_share"),
    ],
)
def test_triggers_that_cannot_be_are_refused(keywords: dict[str, Any], named: str) -> None:
    with pytest.raises(InputError, match=named):
        due(**keywords)
