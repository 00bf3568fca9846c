"""Places, fitness and balance of shelters against loops."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.errors import InputError
from geo.shelters import (
    PERSON_M2,
    REACH_M,
    SHELTER_CLASSES,
    STAYS,
    fitness,
    places,
    shelter_balance,
)

SEEDS = st.integers(0, 2**32 - 1)
INF, NAN = np.inf, np.nan


def held(*, stay: Any = None, **columns: Any) -> Any:
    one = {
        "classes": ["short"],
        "stays": [None],
        "registered": [NAN],
        "effective_m2": [NAN],
        "gross_m2": [NAN],
        "indoor": [None],
    }
    return places(**{**one, **columns}, stay=stay)


@pytest.mark.parametrize(
    ("class_", "area_m2", "stay", "persons"),
    [
        # The reference's sites, by effective area: 16,000 m2 at 1.0 is not a class here; at 0.5 and 2.0 they are.
        ("short", 7_200.0, None, 3_600),
        ("short", 10_000.0, None, 5_000),  # exactly what its class may hold
        ("medium", 69_000.0, None, 23_000),
        ("long", 405_000.0, None, 90_000),
        ("short", 2_880.0, "short", 1_440),
        ("emergency", 8_400.0, None, 16_800),
        ("emergency", 0.5, "day", 1),
        ("emergency", 0.499, "day", 0),
        ("medium", 3.0, None, 1),
        ("medium", 2.999, None, 0),
        ("long", 45.0, None, 10),
        ("central", 45.0, None, 10),
        ("central", 45.0, "day", 90),
        ("emergency", 45.0, "short", 0),
    ],
)
def test_places_by_area_and_stay(class_: str, area_m2: float, stay: Any, persons: int) -> None:
    found = held(classes=[class_], effective_m2=[area_m2], stay=stay)
    assert found.persons.tolist() == [persons]
    assert found.basis == ("not_for_stay" if class_ == "emergency" and stay == "short" else "effective_area",)


def test_the_lesser_of_register_and_area_holds_for_its_own_stay() -> None:
    assert held(registered=[90.0], effective_m2=[200.0]).persons.tolist() == [90]
    assert held(registered=[100.0], effective_m2=[200.0]).basis == ("registered",)  # exactly what the area holds
    over = held(registered=[101.0], effective_m2=[200.0])
    assert (over.persons.tolist(), over.basis) == ([100], ("effective_area",))
    # For a day the area counts, where it is known; the register was made for longer.
    assert held(registered=[90.0], effective_m2=[200.0], stay="day").persons.tolist() == [400]
    assert held(registered=[90.0], stay="day").persons.tolist() == [90]


@pytest.mark.parametrize(("class_", "most"), [("short", 5_000), ("medium", 23_000), ("long", 90_000)])
@pytest.mark.parametrize("stay", [None, "day"])
def test_no_shelter_holds_more_than_its_class_may(class_: str, most: int, stay: Any) -> None:
    found = held(classes=[class_], effective_m2=[1e6], registered=[1e6], stay=stay)
    assert (found.persons.tolist(), found.basis) == ([most], ("class_limit",))
    assert held(classes=["emergency"], effective_m2=[1e6]).persons.tolist() == [2_000_000]


def test_what_is_known_of_the_size_is_said() -> None:
    outside = held(gross_m2=[1000.0])
    inside = held(gross_m2=[1000.0], indoor=[True])
    assert (outside.persons.tolist(), outside.basis) == ([200], ("gross_area",))
    assert (inside.persons.tolist(), inside.basis) == ([250], ("gross_area",))
    assert (held().persons.tolist(), held().basis) == ([0], ("unknown",))


def test_a_shelter_without_class_goes_by_its_stay_or_serves_for_a_day() -> None:
    assert held(classes=[None], effective_m2=[10.0]).persons.tolist() == [20]
    assert held(classes=[None], effective_m2=[10.0], stay="short").basis == ("not_for_stay",)
    assert held(classes=[None], stays=["short"], effective_m2=[10.0]).persons.tolist() == [5]
    assert held(classes=["long"], stays=["day"], effective_m2=[10.0], stay="short").persons.tolist() == [0]


@given(SEEDS)
@settings(max_examples=100, deadline=None)
def test_places_are_never_more_than_the_area_holds_and_more_for_a_shorter_stay(seed: int) -> None:
    rng = np.random.default_rng(seed)
    m = int(rng.integers(0, 8))
    area = np.round(rng.uniform(0, 500, m), 2)
    columns: dict[str, Any] = {
        "classes": rng.choice(list(SHELTER_CLASSES), m).tolist(),
        "stays": [None] * m,
        "registered": np.where(rng.random(m) < 0.5, NAN, rng.integers(0, 400, m)),
        "effective_m2": area,
        "gross_m2": area * 2,
        "indoor": [None] * m,
    }
    own = held(**columns).persons
    by_stay = {stay: held(**columns, stay=stay).persons for stay in STAYS}
    for j in range(m):
        longest = SHELTER_CLASSES[columns["classes"][j]].stay
        assert own[j] == by_stay[longest][j] <= area[j] / PERSON_M2[longest] + 1e-9
        row = [by_stay[stay][j] for stay in STAYS]
        assert row == sorted(row, reverse=True)
        assert all(row[k] == 0 for k in range(STAYS.index(longest) + 1, 4))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"classes": ["palace"]}, "class='palace'"),
        ({"stays": ["week"]}, "stays='week'"),
        ({"stay": "week"}, "stay='week'"),
        ({"registered": [-1.0]}, "registered=-1"),
        ({"effective_m2": [INF]}, "effective_m2=inf"),
        ({"gross_m2": [-5.0]}, "gross_m2=-5"),
        ({"indoor": []}, "differ in length"),
    ],
)
def test_a_shelter_that_cannot_be_is_refused(change: dict[str, Any], named: str) -> None:
    with pytest.raises(InputError, match=named):
        held(**change)


# -- fitness ----------------------------------------------------------------------------------------

ZONE = shapely.box(0, 0, 100, 100)


def test_the_border_of_the_zone_is_in_it() -> None:
    found = fitness([[50, 50], [100, 50], [100.001, 50], [NAN, NAN]], zone=ZONE)
    assert found.in_zone.tolist() == [True, True, False, False]
    assert found.has_place.tolist() == [True, True, True, False]
    assert found.is_fit.tolist() == [False, False, True, False]


def test_exactly_as_far_as_the_limit_is_too_near() -> None:
    found = fitness([[0, 500], [0, 500.001], [0, 0]], hazard_xy_m=[[0, 0]], hazard_limit_m=[500.0])
    assert found.hazard.tolist() == [0, -1, 0]
    assert found.hazard_m[[0, 2]].tolist() == [500.0, 0.0]
    assert np.isnan(found.hazard_m[1])
    assert found.is_fit.tolist() == [False, True, False]


@given(SEEDS)
@settings(max_examples=100, deadline=None)
def test_fitness_equals_a_loop(seed: int) -> None:
    rng = np.random.default_rng(seed)
    m, k = int(rng.integers(0, 6)), int(rng.integers(0, 5))
    xy = rng.integers(0, 20, (m, 2)).astype(float)
    hazards, limit = rng.integers(0, 20, (k, 2)).astype(float), rng.integers(0, 9, k).astype(float)
    zone = shapely.box(3, 3, 3 + int(rng.integers(1, 9)), 9)
    found = fitness(xy, zone=zone, hazard_xy_m=hazards, hazard_limit_m=limit)
    for j in range(m):
        assert found.in_zone[j] == zone.intersects(shapely.Point(xy[j]))
        near = [(float(np.hypot(*(xy[j] - hazards[h]))), h) for h in range(k)]
        near = [(far, h) for far, h in near if far <= limit[h]]
        assert found.hazard[j] == (min(near)[1] if near else -1)
        assert (not near and np.isnan(found.hazard_m[j])) or found.hazard_m[j] == pytest.approx(min(near)[0])


def test_hazards_that_cannot_be_are_refused() -> None:
    with pytest.raises(InputError, match="1 limits for 0 hazards"):
        fitness([[0, 0]], hazard_limit_m=[5.0])
    with pytest.raises(InputError, match="hazard_limit_m"):
        fitness([[0, 0]], hazard_xy_m=[[0, 0]], hazard_limit_m=[-5.0])
    with pytest.raises(InputError, match="no place"):
        fitness([[0, 0]], hazard_xy_m=[[NAN, 0]], hazard_limit_m=[5.0])


# -- the balance ------------------------------------------------------------------------------------


def people_of(street: list[Any], persons: list[float]) -> pd.DataFrame:
    return pd.DataFrame({"street": pd.Series(street, dtype=object), "persons": persons})


def shelters_of(street: list[Any], stay: list[str], own: list[int]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "street": pd.Series(street, dtype=object),
            "stay": stay,
            "day_places": [4 * n for n in own],
            "own_places": own,
            "effective_m2": [2.0 * n for n in own],
        }
    )


def test_distances_exactly_at_the_standard_count() -> None:
    people = people_of(["A"] * 4, [1, 10, 100, 1000])
    shelters = shelters_of(["A", "A"], ["day", "short"], [5, 5])
    found = shelter_balance(people, shelters, [[500.0, INF], [500.001, 1000.0], [INF, 1000.001], [INF, NAN]]).total
    assert REACH_M == {"day": 500.0, "short": 1000.0, "medium": 1500.0, "long": 2500.0}
    assert (found["near_day_persons"], found["near_short_persons"]) == (1, 10)
    assert (found["near_medium_persons"], found["near_long_persons"]) == (0, 0)
    assert found["without_route_persons"] == 1000
    assert found["nearest_worst_m"] == 1000.001
    assert found["nearest_mean_m"] == pytest.approx((500 + 10 * 500.001 + 100 * 1000.001) / 111)


def test_a_shelter_for_longer_counts_for_a_day_too() -> None:
    found = shelter_balance(people_of(["A"], [7]), shelters_of(["A"], ["long"], [5]), [[499.0]]).total
    assert [found[f"near_{stay}_persons"] for stay in STAYS] == [7, 7, 7, 7]


@pytest.mark.parametrize(
    ("residents", "places_", "needed", "missing"), [(100, 15, 15, 0), (100, 14, 15, 1), (101, 15, 16, 1)]
)
def test_the_share_is_rounded_up_and_the_bound_suffices(
    residents: int, places_: int, needed: int, missing: int
) -> None:
    found = shelter_balance(people_of(["A"], [residents]), shelters_of(["A"], ["short"], [places_]), [[1.0]]).total
    assert (found["fixed_needed"], found["fixed_missing"]) == (needed, missing)
    assert found["missing_m2"] == missing * 2.0


def test_the_districts_acceptance_numbers() -> None:
    found = shelter_balance(people_of(["A"], [1_183_740]), shelters_of([], [], []), np.zeros((1, 0))).total
    assert found["fixed_needed"] == 177_561
    assert round(found["missing_m2"] / 1e4, 1) == 35.5
    assert round(found["day_missing"] * PERSON_M2["day"] / 1e4, 1) == 59.2
    twenty = shelter_balance(
        people_of(["A"], [1_183_740]), shelters_of([], [], []), np.zeros((1, 0)), fixed_share=0.2
    ).total
    assert twenty["fixed_needed"] == 236_748


@given(SEEDS)
@settings(max_examples=100, deadline=None)
def test_streets_add_up_and_equal_a_loop(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(0, 8)), int(rng.integers(0, 6))
    names = np.array(["A", "B", None], dtype=object)
    people = people_of(rng.choice(names, n).tolist(), rng.integers(0, 50, n).tolist())
    shelters = shelters_of(
        rng.choice(names, m).tolist(), rng.choice(STAYS, m).tolist(), rng.integers(0, 30, m).tolist()
    )
    walk = rng.choice([100.0, 500.0, 700.0, 1500.0, 2500.5, INF], (n, m))
    found = shelter_balance(people, shelters, walk)
    for name in ("persons", "shelters", "day_places", "fixed_places", "effective_m2", "without_route_persons"):
        assert found.streets[name].sum() == found.total[name]
    for stay in STAYS:
        assert found.streets[f"near_{stay}_persons"].sum() == found.total[f"near_{stay}_persons"]
    for row in found.streets.to_dict("records"):
        mine = [i for i in range(n) if (people["street"][i] or None) == row["street"]]
        seats = [j for j in range(m) if (shelters["street"][j] or None) == row["street"]]
        assert row["persons"] == sum(people["persons"][i] for i in mine)
        fixed = [j for j in seats if shelters["stay"][j] != "day"]
        assert row["fixed_places"] == sum(shelters["own_places"][j] for j in fixed)
        for k, stay in enumerate(STAYS):
            near = [
                i
                for i in mine
                if any(STAYS.index(shelters["stay"][j]) >= k and walk[i, j] <= REACH_M[stay] for j in range(m))
            ]
            assert row[f"near_{stay}_persons"] == sum(people["persons"][i] for i in near)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"walk_m": [[1.0, 2.0]]}, "walk_m: shape"),
        ({"fixed_share": 1.1}, "fixed_share=1.1"),
        ({"people": people_of(["A"], [0.5])}, "persons"),
        ({"people": people_of(["A"], [-1])}, "persons"),
        ({"shelters": shelters_of(["A"], ["week"], [1])}, "stay='week'"),
    ],
)
def test_a_balance_that_cannot_be_is_refused(change: dict[str, Any], named: str) -> None:
    good: dict[str, Any] = {
        "people": people_of(["A"], [1]),
        "shelters": shelters_of(["A"], ["day"], [1]),
        "walk_m": [[1.0]],
    }
    with pytest.raises(InputError, match=named):
        shelter_balance(**good | change)
