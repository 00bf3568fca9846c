"""Routes as steps."""

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.directions import HEADINGS, directions
from geo.errors import InputError


def told(*pieces: Any, names: Any) -> list[tuple[Any, ...]]:
    return [(s.name, s.distance_m, s.turn, s.heading) for s in directions(pieces, names)]


def test_one_street_is_one_step_and_the_turn_leads_into_the_next() -> None:
    found = told(
        [(0, 0), (100, 0)],
        [(100, 0), (100, 50), (180, 50)],  # the street itself bends; nobody turns
        [(180, 50), (180, 90)],
        [(180, 90), (280, 90)],
        [(280, 90), (200, 90)],
        names=["A", "A", "B", "C", "D"],
    )
    assert found == [
        ("A", 230.0, "start", "e"),
        ("B", 40.0, "left", "n"),
        ("C", 100.0, "right", "e"),
        ("D", 80.0, "back", "w"),
    ]


def test_streets_without_a_name_are_told_up_to_the_next_turn() -> None:
    found = told(
        [(0, 0), (0, 40)], [(0, 40), (5, 90)], [(5, 90), (60, 90)], [(60, 90), (99, 90)], names=[None, "", " ", None]
    )
    assert [(row[0], row[2], row[3]) for row in found] == [(None, "start", "n"), (None, "right", "e")]
    assert found[1][1] == 94.0


@pytest.mark.parametrize(
    ("degrees", "turn"),
    [
        (0.0, "straight"),
        (29.999, "straight"),
        (30.0, "left"),
        (-29.999, "straight"),
        (-30.0, "right"),
        (149.999, "left"),
        (150.0, "back"),
        (-150.0, "back"),
        (-149.999, "right"),
        (180.0, "back"),
    ],
)
def test_the_bounds_of_a_turn(degrees: float, turn: str) -> None:
    a = math.radians(degrees)
    found = told([(0, 0), (100, 0)], [(100, 0), (100 + 100 * math.cos(a), 100 * math.sin(a))], names=["A", "B"])
    assert found[1][2] == turn


def test_a_kink_at_the_junction_is_no_turn() -> None:
    found = told([(0, 0), (100, 0)], [(100, 0), (100, 1), (200, 1)], names=["A", "B"])
    assert found[1][2:] == ("straight", "e")


def test_headings() -> None:
    for k, heading in enumerate(HEADINGS):
        a = math.radians(45 * k)
        assert told([(0, 0), (50 * math.sin(a), 50 * math.cos(a))], names=["A"])[0][3] == heading


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=100, deadline=None)
def test_distances_add_up_and_a_shift_changes_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    xy = np.cumsum(rng.integers(-50, 50, (int(rng.integers(2, 12)), 2)), axis=0).astype(float)
    pieces = [xy[k : k + 2] for k in range(len(xy) - 1)]
    names = rng.choice(np.array(["A", "B", None], dtype=object), len(pieces)).tolist()
    found = directions(pieces, names)
    assert sum(s.distance_m for s in found) == pytest.approx(np.hypot(*np.diff(xy, axis=0).T).sum())
    other = directions([p + np.array([1000.0, -2000.0]) for p in pieces], names)
    assert [(s.name, s.turn, s.heading) for s in other] == [(s.name, s.turn, s.heading) for s in found]
    assert all(a.name != b.name or a.name is None for a, b in itertools.pairwise(found))


def test_nothing_and_what_does_not_fit() -> None:
    assert directions([], []) == []
    assert directions([[(5, 5), (5, 5)]], ["A"]) == []
    with pytest.raises(InputError, match="names"):
        directions([[(0, 0), (1, 1)]], [])
