"""Clearance times against a simulation person by person, and bus trips against every schedule."""

import heapq
import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.clearance import bus_trips, clearance, entrance_m, flow_persons_s, set_out_s
from geo.errors import InputError

SEEDS = st.integers(0, 2**32 - 1)


def simulated(
    persons: list[int], routes: list[list[int]], before_s: list[list[float]], travel_s: Any, flow: Any
) -> Any:
    """Arrival of the last person of each move: persons one by one, first come first served at every link."""
    free = np.zeros(len(flow))
    events: list[tuple[float, int, int, int]] = []  # time at the next link, person, move, position on its route
    number = itertools.count()
    # Persons of the moves take turns, as a crowd that mixes.
    for turn in range(max(persons)):
        for k, count in enumerate(persons):
            if turn < count:
                heapq.heappush(events, (before_s[k][0] if routes[k] else 0.0, next(number), k, 0))
    last = np.array(travel_s, dtype=float)
    while events:
        time, person, k, position = heapq.heappop(events)
        if position == len(routes[k]):
            last[k] = max(last[k], time)
            continue
        link = routes[k][position]
        free[link] = max(free[link], time) + 1.0 / flow[link]
        here = before_s[k][position]
        there = before_s[k][position + 1] if position + 1 < len(routes[k]) else travel_s[k]
        heapq.heappush(events, (free[link] + there - here, person, k, position + 1))
    return last


def case(rng: np.random.Generator, *, merging: bool) -> dict[str, Any]:
    """Moves over a few links; on `merging` routes every link has one next link (a tree towards the shelter)."""
    links, moves = int(rng.integers(1, 7)), int(rng.integers(1, 6))
    next_link = [int(rng.integers(link + 1, links + 1)) for link in range(links)]
    step_s = rng.choice([0.0, 1.0, 5.0, 20.0], links)
    routes, before, travel = [], [], []
    for _ in range(moves):
        if merging:
            link, route = int(rng.integers(0, links)), []
            while link < links:
                route.append(link)
                link = next_link[link]
        else:
            route = rng.permutation(links)[: int(rng.integers(0, links + 1))].tolist()
        begin = float(rng.choice([0.0, 3.0, 50.0]))
        spent = np.r_[0.0, np.cumsum(step_s[route])] + begin
        routes.append(route)
        before.append(spent[:-1].tolist())
        travel.append(float(spent[-1]))
    return {
        "persons": rng.integers(1, 30, moves).tolist(),
        "routes": routes,
        "before_s": before,
        "travel_s": travel,
        "flow": rng.choice([0.1, 0.25, 1.0, 3.0], links),
    }


@given(SEEDS)
@settings(max_examples=150, deadline=None)
def test_the_simulation_lies_between_the_bounds(seed: int) -> None:
    c = case(np.random.default_rng(seed), merging=False)
    found = clearance(c["persons"], c["travel_s"], c["routes"], c["flow"], before_s=c["before_s"])
    last = simulated(c["persons"], c["routes"], c["before_s"], c["travel_s"], c["flow"])
    assert (last <= found.at_most_s + 1e-6).all()
    assert last.max() >= found.at_least_s - 1e-6
    assert found.at_least_s <= found.last_s + 1e-6 <= found.at_most_s.max() + 2e-6
    loose = clearance(c["persons"], c["travel_s"], c["routes"], c["flow"])
    assert loose.at_least_s <= found.at_least_s + 1e-9


@given(SEEDS)
@settings(max_examples=150, deadline=None)
def test_where_routes_only_merge_nobody_is_later_than_said_but_for_a_headway_a_link(seed: int) -> None:
    c = case(np.random.default_rng(seed), merging=True)
    found = clearance(c["persons"], c["travel_s"], c["routes"], c["flow"], before_s=c["before_s"])
    last = simulated(c["persons"], c["routes"], c["before_s"], c["travel_s"], c["flow"])
    headways = max(float((1.0 / c["flow"][route]).sum()) for route in c["routes"])
    assert last.max() <= found.last_s + headways + 1e-6


@given(SEEDS)
@settings(max_examples=100, deadline=None)
def test_a_route_of_ones_own_is_exact(seed: int) -> None:
    rng = np.random.default_rng(seed)
    links = int(rng.integers(1, 5))
    flow = rng.choice([0.1, 0.5, 2.0], links)
    before = np.cumsum(rng.choice([0.0, 4.0], links))
    travel = float(before[-1] + 7.0)
    persons = int(rng.integers(1, 40))
    found = clearance([persons], [travel], [list(range(links))], flow, before_s=[before])
    last = simulated([persons], [list(range(links))], [before.tolist()], [travel], flow)
    narrow = int(found.link[0])
    others = sum(1.0 / flow[e] for e in range(links) if e != narrow)  # the first person passes them too
    assert flow[narrow] == flow.min()
    assert found.queue_s[0] == pytest.approx(persons / flow[narrow])
    assert last[0] == pytest.approx(found.clear_s[0] + others)


def test_a_link_is_shared_by_both_directions_and_the_first_of_equals_is_named() -> None:
    found = clearance([10, 20], [5.0, 6.0], [[0, 1], [1, 0]], [2.0, 2.0])
    assert found.link_persons.tolist() == [30, 30]
    assert found.queue_s.tolist() == [15.0, 15.0]
    assert found.link.tolist() == [0, 1]
    assert found.clear_s.tolist() == [20.0, 21.0]
    assert found.at_most_s.tolist() == [35.0, 36.0]
    assert found.last_s == 21.0


def test_nobody_and_a_way_without_links() -> None:
    assert clearance([], [], [], []).last_s == 0.0
    assert clearance([], [], [], []).at_least_s == 0.0
    alone = clearance([7], [12.5], [[]], [1.0])
    assert (alone.queue_s[0], alone.link[0], alone.clear_s[0], alone.at_least_s) == (0.0, -1, 12.5, 12.5)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"persons": [0, 1]}, "persons"),
        ({"persons": [1.5, 1]}, "persons"),
        ({"persons": [1]}, "moves"),
        ({"travel_s": [np.inf, 1]}, "travel_s"),
        ({"routes": [[0], [2]]}, "routes"),
        ({"routes": [[0, 0], [1]]}, "twice"),
        ({"flow_s": [0.0, 1.0]}, "flow_s"),
        ({"before_s": [[0.0], [9.0]]}, "before_s"),
        ({"before_s": [[0.0], []]}, "before_s"),
    ],
)
def test_what_cannot_be_is_refused(change: dict[str, Any], named: str) -> None:
    good: dict[str, Any] = {"persons": [1, 1], "travel_s": [1.0, 1.0], "routes": [[0], [1]], "flow_s": [1.0, 1.0]}
    with pytest.raises(InputError, match=named):
        clearance(**good | change)


def test_widths_and_entrances() -> None:
    assert flow_persons_s([0.0, 0.6, 1.6, 4.6]).tolist() == pytest.approx([0.0, 0.0, 1.0, 4.0])
    # The reference's sites: park, school field, gym, square.
    assert entrance_m([16_000, 3_600, 1_440, 16_800]).tolist() == pytest.approx([16.0, 3.6, 1.44, 16.8])
    for bad in (-1.0, np.nan, np.inf):
        with pytest.raises(InputError, match="width_m"):
            flow_persons_s(bad)
    with pytest.raises(InputError, match="persons"):
        entrance_m([-1])


@pytest.mark.parametrize(("hour", "seconds"), [(6, 1200.0), (7, 480.0), (18, 480.0), (19, 1200.0), (0, 1200.0)])
def test_before_anybody_moves(hour: int, seconds: float) -> None:
    assert sum(set_out_s(hour)) == seconds


def test_an_hour_of_no_day_is_refused() -> None:
    with pytest.raises(InputError, match="hour=24"):
        set_out_s(24)


def best_return_s(cycles: list[float], buses: int) -> float:
    """When the last bus is back at the earliest: every way of giving trips to buses."""
    return min(
        max(sum(c for c, b in zip(cycles, given, strict=True) if b == bus) for bus in range(buses))
        for given in itertools.product(range(buses), repeat=len(cycles))
    )


@given(SEEDS)
@settings(max_examples=100, deadline=None)
def test_bus_trips_against_every_schedule(seed: int) -> None:
    rng = np.random.default_rng(seed)
    k, buses, seats = int(rng.integers(1, 4)), int(rng.integers(1, 4)), 10
    persons = rng.integers(0, 25, k)
    drive = rng.choice([60.0, 300.0, 500.0], k)
    plan = bus_trips(persons, drive, buses=buses, seats=seats, board_s=30.0, alight_s=20.0)
    assert plan.trips.tolist() == [-(-int(p) // seats) for p in persons]
    cycles = [float(50.0 + 2 * d) for d, t in zip(drive, plan.trips, strict=True) for _ in range(t)]
    best = best_return_s(cycles, buses)
    assert plan.at_least_s <= best + 1e-9
    assert best - 1e-9 <= plan.back_s <= best * (4 / 3 - 1 / (3 * buses)) + 1e-9
    assert (plan.arrival_s[plan.trips > 0] >= 50.0 + drive[plan.trips > 0]).all()
    assert (plan.arrival_s[plan.trips == 0] == 0).all()
    assert (plan.arrival_s + np.where(plan.trips > 0, drive, 0.0)).max() == pytest.approx(plan.back_s)


def test_a_full_bus_is_one_trip_and_one_person_more_is_two() -> None:
    assert bus_trips([45], [600.0], buses=1, seats=45).trips.tolist() == [1]
    two = bus_trips([46], [600.0], buses=1, seats=45, board_s=300.0, alight_s=180.0)
    assert two.trips.tolist() == [2]
    assert two.arrival_s.tolist() == [1680.0 + 1080.0]  # a whole round, then there once more
    assert two.back_s == 3360.0 == two.at_least_s


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"buses": 0}, "buses=0"),
        ({"seats": 1.5}, "seats=1.5"),
        ({"board_s": -1.0}, "board_s"),
        ({"alight_s": np.inf}, "alight_s"),
        ({"drive_s": [np.inf]}, "drive_s"),
        ({"persons": [-1]}, "persons"),
        ({"persons": [1, 2]}, "moves"),
    ],
)
def test_a_fleet_that_cannot_be_is_refused(change: dict[str, Any], named: str) -> None:
    good: dict[str, Any] = {"persons": [1], "drive_s": [60.0], "buses": 1, "seats": 45}
    with pytest.raises(InputError, match=named):
        bus_trips(**good | change)
