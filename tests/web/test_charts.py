"""What the charts are told: the numbers of the tables beside them, nothing else."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask_babel import Babel
from hypothesis import given
from hypothesis import strategies as st

from web import charts


@pytest.fixture(scope="module", autouse=True)
def _words() -> Iterator[None]:
    app = Flask(__name__)
    Babel(app, default_locale="en")
    with app.test_request_context():
        yield


def siting(*, proven: bool = True, keeps: bool = True, chosen: int = 2) -> dict[str, Any]:
    rows = [
        {"new_sites": n, "teams": 5 + n, "persons": 100 * n, "bound": 100 * n + 0.9, "is_optimal": proven or n < 2}
        for n in range(4)
    ]
    summary = {"new_sites": chosen, "teams_there": 5, "given_up": 0, "persons": 1000}
    return charts.siting(summary, rows, keeps_teams=keeps)


def test_the_curve_of_siting_is_the_table() -> None:
    chart = siting()
    assert [one["points"] for one in chart["series"]] == [[[0, 0], [1, 100], [2, 200], [3, 300]]]
    assert chart["x"]["values"] == [0, 1, 2, 3]
    assert [mark["x"] for mark in chart["marks"]] == [2]
    assert "2: 200; 3: 300" in chart["label"]


def test_what_is_not_proven_has_its_bound_rounded_down() -> None:
    _sure, bound = siting(proven=False)["series"]
    assert bound["points"] == [[2, 200], [3, 300]]
    assert bound["is_bound"]


def test_teams_that_may_move_are_counted_in_all() -> None:
    chart = siting(keeps=False)
    assert chart["x"]["values"] == [5, 6, 7, 8]
    assert [mark["x"] for mark in chart["marks"]] == [7]


def test_a_choice_off_the_curve_has_no_mark() -> None:
    assert siting(chosen=4)["marks"] == []
    assert siting(chosen=3)["marks"] != []


def test_the_availability_has_a_bar_for_each_source() -> None:
    points = [
        {"hour": 0, "goods": 5, "contract": 0, "production": 0, "total": 5},
        {"hour": 4, "goods": 5, "contract": 2.5, "production": 1, "total": 8.5},
    ]
    modes = {"goods": "g", "contract": "c", "production": "p"}
    chart = charts.availability({"name": "bag", "unit": "bags", "points": points}, modes)
    drawn = {one["name"]: one["points"] for one in chart["series"]}
    assert drawn == {
        "g": [["+0 h", 5], ["+4 h", 5]],
        "c": [["+0 h", 0], ["+4 h", 2.5]],
        "p": [["+0 h", 0], ["+4 h", 1]],
    }
    assert all(one["is_stacked"] for one in chart["series"])


@given(st.lists(st.tuples(st.integers(20, 200), st.integers(1, 5000)), min_size=1, max_size=40))
def test_whoever_has_arrived_is_counted_from_the_minute_on(moves: list[tuple[int, int]]) -> None:
    points = charts.arrivals(moves, told_min=20)["series"][0]["points"]
    assert points[0] == [0, 0]
    assert all(one[0] < other[0] for one, other in itertools.pairwise(points))
    for minute, there in points:
        assert there == sum(n for when, n in moves if when <= minute)
    assert {minute for minute, _n in points} == {0, *(when for when, _n in moves)}
