"""N-1 against the naive recount: close the link, or take the team away, and count everything again."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from geo.coverage import RESPONSE_TIMES, Teams, coverage
from geo.criticality import (
    Outages,
    ResponseTree,
    hanging_places,
    joined_outages,
    link_outages,
    response_tree,
    team_outages,
)
from geo.errors import InputError
from geo.links import Links, road_links
from geo.network import RoadNetwork, Snapped
from geo.times import TravelTimes, last_leg_s
from tests.geo.road_cases import ENGINES, ORIGIN, SEEDS, network, random_network, random_places

HANDLING_S = RESPONSE_TIMES["fire"].handling_s


@dataclass(frozen=True)
class Case:
    """A small district; `factor` is the share of the speed left on each edge."""

    net: RoadNetwork
    factor: Any
    stations: Snapped
    places: Snapped
    turnout_s: Any
    persons: Any
    engine: Any = "auto"

    def travel(self, factor: Any = None) -> TravelTimes:
        return TravelTimes(self.net, edge_factor=self.factor if factor is None else factor, engine=self.engine)

    def counted(self, limit_s: float, *, factor: Any = None, without: int | None = None) -> pd.DataFrame:
        """The proof table of the coverage, with the whole of matrices and rules, as the product counts."""
        m = len(self.stations)
        table = pd.DataFrame({"id": range(len(self.places)), "name": None, "street": None, "persons": self.persons})
        every = np.ones(m, dtype=bool)
        teams = Teams(
            tuple(f"t{j:02}" for j in range(m)),
            np.full(m, HANDLING_S),
            self.turnout_s,
            np.zeros(m),
            every,
            np.arange(m) != (-1 if without is None else without),
        )
        legs = last_leg_s(self.places.access_m)[:, None] + last_leg_s(self.stations.access_m)[None, :]
        return coverage(
            table,
            teams,
            travel_s=self.travel(factor).matrix_s(self.stations, self.places).T,
            last_leg_s=legs,
            has_road=self.places.edge >= 0,
            limit_s=limit_s,
        ).table

    def tree(self, limit_s: float) -> ResponseTree:
        return response_tree(
            self.travel(),
            self.stations,
            self.places,
            before_travel_s=HANDLING_S + self.turnout_s,
            persons=self.persons,
            limit_s=limit_s,
        )


def case(seed: int, engine: Any = "auto") -> tuple[Case, float, np.random.Generator]:
    """A random district, and a limit that one of its responses meets exactly."""
    rng = np.random.default_rng(seed)
    net = random_network(rng)
    n, m = int(rng.integers(1, 14)), int(rng.integers(1, 5))
    stations, places = random_places(net, rng, m), random_places(net, rng, n)
    if (
        rng.random() < 0.5 and places.edge[0] >= 0 and stations.edge[0] >= 0
    ):  # on the edge of a team: before, behind, on its spot
        places.edge[0] = stations.edge[0]
        places.fraction[0] = rng.choice([stations.fraction[0], rng.random(), 0.0, 1.0])
    factor = rng.choice([0.0, 0.4, 1.0], len(net.edge_tail), p=[0.08, 0.22, 0.7])
    found = Case(net, factor, stations, places, rng.integers(0, 4, m) * 5.0, rng.integers(0, 900, n), engine)
    totals = found.counted(1e6)["total_s"].to_numpy()
    totals = totals[np.isfinite(totals)]
    return found, float(rng.choice(totals)) if len(totals) else 300.0, rng


def plain(table: pd.DataFrame) -> tuple[Any, Any, Any]:
    """Totals (inf for none), first teams (-1 for none) and coverage of a proof table."""
    total = table["total_s"].fillna(np.inf).to_numpy()
    team = np.array([-1 if name is None else int(name[1:]) for name in table["team_id"]])
    return total, team, table["covered"].to_numpy(dtype=bool)


def check(found: Outages, k: int, before: pd.DataFrame, after: pd.DataFrame, persons: Any, on_link: Any) -> None:
    """One outage against two full counts."""
    old_s, _, was = plain(before)
    new_s, team, is_ = plain(after)
    lost, cut = was & ~is_, np.isfinite(old_s) & np.isinf(new_s)
    assert (new_s >= old_s).all()
    assert found.lost_places[k] == lost.sum()
    assert found.lost_persons[k] == persons[lost].sum()
    assert found.lost_on_link_persons[k] == persons[lost & on_link].sum()
    assert (found.cut_places[k], found.cut_persons[k]) == (cut.sum(), persons[cut].sum())
    still = np.isfinite(new_s)
    assert found.delay_person_s[k] == pytest.approx((persons[still] * (new_s[still] - old_s[still])).sum(), abs=1e-6)
    rows = np.flatnonzero(found.row_outage == k)
    assert found.row_place[rows].tolist() == np.flatnonzero(lost | cut).tolist()
    assert found.row_after_s[rows].tolist() == new_s[lost | cut].tolist()
    assert found.row_after_team[rows].tolist() == team[lost | cut].tolist()
    assert found.row_on_link[rows].tolist() == on_link[lost | cut].tolist()


@pytest.mark.parametrize("engine", ENGINES)
@settings(max_examples=60, deadline=None)
@given(seed=SEEDS)
def test_every_link_out_equals_the_naive_recount(engine: Any, seed: int) -> None:
    here, limit_s, _ = case(seed, engine)
    tree, links, before = here.tree(limit_s), road_links(here.net), here.counted(limit_s)
    total, team, covered = plain(before)
    assert np.array_equal(tree.total_s, total)
    assert np.array_equal(tree.first_team, team)
    assert np.array_equal(tree.within, covered)
    assert covered.any() or np.isinf(total).all()  # the limit is met exactly by one of them
    found = joined_outages(list(link_outages(tree, links, np.arange(len(links)), at_once=3)))
    used = tree.links_in_use(links)
    place_link = np.where(here.places.edge >= 0, links.edge_link[here.places.edge], -1)
    for k in range(len(links)):
        open_ = links.edge_link != k
        check(found, k, before, here.counted(limit_s, factor=here.factor * open_), here.persons, place_link == k)
        if k not in used:
            assert found.lost_places[k] == found.cut_places[k] == found.delay_person_s[k] == 0
    assert (found.lost_persons <= tree.link_loads(links)).all()  # the bound from above


@pytest.mark.parametrize("engine", ENGINES)
@settings(max_examples=40, deadline=None)
@given(seed=SEEDS)
def test_every_team_out_equals_the_naive_recount(engine: Any, seed: int) -> None:
    here, limit_s, _ = case(seed, engine)
    found, before = team_outages(here.tree(limit_s)), here.counted(limit_s)
    assert found.out.tolist() == list(range(len(here.stations)))
    for j in range(len(here.stations)):
        nobody = np.zeros(len(here.places), dtype=bool)
        check(found, j, before, here.counted(limit_s, without=j), here.persons, nobody)


# -- on one road ------------------------------------------------------------------------------------


def broken_beside(here: Case, i: int, *, before: bool) -> float:
    """The total of place i when the road is broken just before (or behind) it; every place and team a node."""
    net, travel = here.net, here.travel()
    nodes, m = len(net.node_xy_m), len(here.stations)
    size = nodes + m + 1
    arcs: dict[tuple[int, int], float] = {}

    def arc(tail: int, head: int, cost: float) -> None:
        arcs[tail, head] = min(arcs.get((tail, head), np.inf), cost)

    team_ms, place_ms = travel.along(here.stations), travel.along(here.places.take([i]))
    for edge, weight in enumerate(travel.edge_cost.tolist()):
        tail, head = int(net.edge_tail[edge]), int(net.edge_head[edge])
        on = [
            (float(here.stations.fraction[j]), 0, float(team_ms[j]), nodes + j)
            for j in range(m)
            if here.stations.edge[j] == edge
        ]
        own = here.places.edge[i] == edge
        if own:
            on.append((float(here.places.fraction[i]), 0, float(place_ms[0]), nodes + m))
        chain = [(0.0, -1, 0.0, tail), *on, (1.0, 1, 0.0 if np.isinf(weight) else weight, head)]
        chain.sort(key=lambda stop: stop[:2])
        spot = float(here.places.fraction[i]) if own else -1.0
        for one, other in pairwise(chain):
            same, cost = one[0] == other[0], abs(other[2] - one[2])
            on_node = same and (one[1] or other[1])
            if not on_node and np.isinf(weight):
                continue
            crosses = own and not same and (other[0] == spot if before else one[0] == spot)
            if crosses:
                continue
            if net.edge_forward[edge] or same:
                arc(one[3], other[3], cost)
            if net.edge_backward[edge] or same:
                arc(other[3], one[3], cost)
    tail, head = np.array(list(arcs), dtype=int).reshape(-1, 2).T
    graph = coo_array((np.array(list(arcs.values())) + 1e-6, (tail, head)), shape=(size, size)).tocsr()
    far = np.rint(dijkstra(graph, indices=np.arange(nodes, nodes + m))[:, nodes + m])
    legs = last_leg_s(here.stations.access_m) + last_leg_s(here.places.access_m)[i]
    total = HANDLING_S + here.turnout_s + far / 1000.0 + legs
    there = (here.stations.edge >= 0) & (here.places.edge[i] >= 0)
    return float(np.round(np.where(there & np.isfinite(total), total, np.inf).min(), 3))


@settings(max_examples=100, deadline=None)
@given(SEEDS)
def test_places_on_one_road_are_those_of_a_break_on_either_side(seed: int) -> None:
    here, limit_s, _ = case(seed)
    tree, links = here.tree(limit_s), road_links(here.net)
    outages = joined_outages(list(link_outages(tree, links, tree.links_in_use(links))))
    found = hanging_places(tree, links, outages)
    own = {int(p): float(s) for p, s, is_own in zip(found.place, found.after_s, found.is_own, strict=True) if is_own}
    expected = {}
    for i in range(len(here.places)):
        if here.places.edge[i] < 0 or not 0 < here.places.fraction[i] < 1 or np.isinf(tree.total_s[i]):
            continue
        worse = max(broken_beside(here, i, before=True), broken_beside(here, i, before=False))
        if np.isinf(worse) or (tree.within[i] and worse > limit_s):
            expected[i] = worse
    assert own == expected
    other = {
        (int(i), int(outages.out[o]))
        for i, o, on_link in zip(outages.row_place, outages.row_outage, outages.row_on_link, strict=True)
        if not on_link
    }
    rows = list(zip(found.place.tolist(), found.link.tolist(), found.is_own.tolist(), strict=True))
    assert {(i, link) for i, link, is_own in rows if not is_own} == other
    assert [row[:2] for row in rows] == sorted(row[:2] for row in rows)
    assert np.array_equal(found.was_within, tree.within[found.place])
    for i, link, is_own in rows:
        assert not is_own or link == links.edge_link[here.places.edge[i]]


def street(*places: tuple[float, float], teams: Any = ((0.0, 0.0),), **more: Any) -> Case:
    """A road from a junction over a bridge to a crossing, with a stub and a way round; 20 km/h."""
    lines = [
        [(0, 0), (300, 0)],  # 0
        [(300, 0), (400, 0)],  # 1 the bridge
        [(400, 0), (700, 0)],  # 2
        [(700, 0), (900, 0)],  # 3 a stub
        [(700, 0), (700, 300), (1000, 300), (1000, 0), (700, 0)],  # 4 a loop at the end
    ]
    net = network(*lines, bridge=[False, True, False, False, False], **more)
    stations, spots = (net.snap(ORIGIN + np.array(xy, dtype=float).reshape(-1, 2)) for xy in (teams, places))
    return Case(net, np.ones(5), stations, spots, np.zeros(len(stations)), 100 + np.arange(len(spots)), "auto")


def test_a_bridge_is_all_that_holds_the_far_bank() -> None:
    here = street((250.0, 0.0), (600.0, 0.0), (800.0, 0.0), (1000.0, 150.0))
    tree, links = here.tree(3600.0), road_links(here.net)
    assert tree.links_in_use(links).tolist() == [0, 1, 2, 4, 3]  # by persons behind them: 103 beyond, then 102
    found = joined_outages(list(link_outages(tree, links, [1])))
    assert links.is_bridge[found.out].tolist() == [True]
    assert (found.lost_places[0], found.lost_persons[0], found.cut_persons[0]) == (3, 306, 306)
    assert (found.lost_on_link_persons[0], found.delay_person_s[0]) == (0, 0.0)
    everything = joined_outages(list(link_outages(tree, links, tree.links_in_use(links))))
    hanging = hanging_places(tree, links, everything)
    rows = set(zip(hanging.place.tolist(), hanging.link.tolist(), hanging.is_own.tolist(), strict=True))
    # The near bank hangs on its own road, the far one on the road, the bridge and the road behind it; the
    # stub's village also on its stub; in the loop each side can be reached from the other.
    assert rows == {
        (0, 0, True),
        *((1, link, link == 2) for link in (0, 1, 2)),
        *((2, link, link == 3) for link in (0, 1, 2, 3)),
        *((3, link, False) for link in (0, 1, 2)),
    }


def test_persons_on_the_link_itself_rank_behind_those_beyond() -> None:
    here = street((150.0, 0.0), (450.0, 0.0), teams=((0.0, 0.0), (700.0, 0.0)))
    tree, links = here.tree(3600.0), road_links(here.net)
    found = joined_outages(list(link_outages(tree, links, [0, 1, 2])))
    assert found.lost_persons.tolist() == [100, 0, 101]
    assert found.lost_on_link_persons.tolist() == [100, 0, 101]
    assert found.lost_beyond_persons.tolist() == [0, 0, 0]
    assert found.ranked().tolist() == [2, 0, 1]
    beyond = joined_outages(list(link_outages(street((150.0, 0.0), (600.0, 0.0)).tree(3600.0), links, [0, 1, 2])))
    assert beyond.lost_beyond_persons.tolist() == [101, 101, 0]
    assert beyond.ranked().tolist() == [0, 1, 2]  # of equals the one with more on it


@pytest.mark.parametrize("over_s,lost", [(0.0, 0), (0.001, 100)])
def test_the_bound_after_the_outage_is_included(over_s: float, lost: int) -> None:
    """Team out, and the next one comes exactly at the limit, or a millisecond later."""
    here = street((600.0, 0.0), teams=((700.0, 0.0), (0.0, 0.0)))
    second_s = float(here.counted(1e6, without=0)["total_s"][0])
    found = team_outages(here.tree(round(second_s - over_s, 3)))
    assert found.lost_persons.tolist() == [lost, 0]
    assert found.row_after_team.tolist() == ([1] if lost else [])
    hour = Case(here.net, here.factor, here.stations, here.places, here.turnout_s, here.persons)
    hour.turnout_s[1] += 3600.0 - second_s + over_s  # the same at exactly 3600 s
    assert team_outages(hour.tree(3600.0)).lost_persons.tolist() == [lost, 0]


def test_a_slower_way_round_costs_minutes() -> None:
    net = network(
        [(0, 0), (100, 0)], [(100, 0), (600, 0)], [(100, 0), (100, 500), (600, 500), (600, 0)], [(600, 0), (700, 0)]
    )
    places = net.snap(ORIGIN + np.array([(700.0, 0.0)]))
    here = Case(net, np.ones(4), net.snap(ORIGIN + np.zeros((1, 2))), places, np.zeros(1), np.array([50]))
    found = joined_outages(list(link_outages(here.tree(3600.0), road_links(net), [1])))
    assert found.lost_persons.tolist() == [0]
    assert found.delay_person_s[0] / 60.0 == pytest.approx(50 * (1000 / (20 / 3.6)) / 60.0, abs=0.01)


# -- in pieces --------------------------------------------------------------------------------------


@settings(max_examples=30, deadline=None)
@given(SEEDS)
def test_pieces_and_a_late_start_make_the_same_whole(seed: int) -> None:
    here, limit_s, rng = case(seed)
    tree, links = here.tree(limit_s), road_links(here.net)
    chosen = rng.permutation(len(links))
    whole = joined_outages(list(link_outages(tree, links, chosen)))
    stopped = link_outages(tree, links, chosen, at_once=2)
    done = [piece for piece, _ in zip(stopped, range(int(rng.integers(1, 4))), strict=False)]
    stopped.close()
    rest = chosen[sum(len(piece) for piece in done) :]
    again = joined_outages([*done, *link_outages(tree, links, rest, at_once=1)])
    for name, values in vars(whole).items():
        assert np.array_equal(values, getattr(again, name)), name


def test_nothing_asked_nothing_answered() -> None:
    here = street((600.0, 0.0))
    tree, links = here.tree(3600.0), road_links(here.net)
    none = joined_outages(list(link_outages(tree, links, [])))
    assert len(none) == len(none.row_place) == 0
    assert len(none.ranked()) == 0


def test_no_teams_no_places_no_roads() -> None:
    here = street((600.0, 0.0), teams=())
    assert np.isinf(here.tree(3600.0).total_s).all()
    assert len(team_outages(here.tree(3600.0))) == 0
    empty = street()
    assert len(empty.tree(3600.0).links_in_use(road_links(empty.net))) == 0
    net = network()
    bare = Case(
        net,
        np.ones(0),
        net.snap(ORIGIN + np.zeros((1, 2))),
        net.snap(ORIGIN + np.zeros((2, 2))),
        np.zeros(1),
        np.ones(2),
    )
    tree, links = bare.tree(3600.0), road_links(net)
    assert tree.links_in_use(links).tolist() == []
    assert team_outages(tree).lost_persons.tolist() == [0]
    assert len(hanging_places(tree, links, joined_outages(list(link_outages(tree, links, []))))) == 0


@pytest.mark.parametrize(
    "change,match",
    [
        ({"limit_s": 0.0}, "limit_s"),
        ({"limit_s": float("inf")}, "limit_s"),
        ({"before_travel_s": [1.0, 2.0]}, "before_travel_s: 2 values for 1 teams"),
        ({"before_travel_s": [-1.0]}, "before_travel_s"),
        ({"before_travel_s": [0.0001]}, "whole milliseconds"),
        ({"before_travel_s": [float("nan")]}, "before_travel_s"),
        ({"persons": [1, 2]}, "persons: 2 values for 1 places"),
        ({"persons": [-1]}, "persons"),
        ({"persons": [0.5]}, "persons"),
    ],
)
def test_what_is_no_district_is_refused(change: Any, match: str) -> None:
    here = street((600.0, 0.0))
    good = {"before_travel_s": [0.0], "persons": [1], "limit_s": 3600.0}
    with pytest.raises(InputError, match=match):
        response_tree(here.travel(), here.stations, here.places, **(good | change))


def test_what_are_no_links_is_refused() -> None:
    here = street((600.0, 0.0))
    tree, links = here.tree(3600.0), road_links(here.net)
    for wrong in (-1, len(links)):
        with pytest.raises(InputError, match="numbers of links, 0 to 4"):
            link_outages(tree, links, [wrong])
    with pytest.raises(InputError, match="at_once=0"):
        link_outages(tree, links, [0], at_once=0)
    with pytest.raises(InputError, match="of 1 edges; the network has 5"):
        link_outages(tree, road_links(network([(0, 0), (1, 0)])), [0])


def test_loads_count_each_place_once_for_a_link_that_is_driven_twice() -> None:
    # Over the bridge, round the end and back over its other carriageway to a place on the way.
    net = network(
        [(0, 0), (200, 0)],
        [(200, 0), (260, 6), (200, 12)],
        [(200, 12), (0, 12)],
        [(0, 12), (-100, 12)],
        [(-300, 0), (0, 0)],
        bridge=[True, False, True, False, False],
        oneway=["yes"] * 5,
    )
    links = road_links(net)
    assert isinstance(links, Links)
    assert links.edge_link[0] == links.edge_link[2]
    places = net.snap(ORIGIN + np.array([(-60.0, 12.0), (230.0, 3.0)]))
    here = Case(net, np.ones(5), net.snap(ORIGIN + np.array([(-200.0, 0.0)])), places, np.zeros(1), np.array([7, 11]))
    assert here.tree(3600.0).link_loads(links)[links.edge_link[[0, 1, 3]]].tolist() == [18, 18, 7]
