"""The index of facilities against measuring every one of them."""

import math
import threading
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry.base import BaseGeometry

from geo import index
from geo.errors import Conflict, InputError, NotFound
from geo.index import Facility, FacilityIndex

KINDS = ("depots", "evacuation_routes", "shelters", "teams")
ORIGIN_M = (500_000.0, 3_545_000.0)  # the size of real metric coordinates
Key = tuple[str, str]


def place(rng: np.random.Generator, span: int = 12) -> BaseGeometry:
    """A point, line or area on a small integer grid: ties and exact bounds are the rule there."""

    def corner() -> Any:
        return rng.integers(0, span, 2) + ORIGIN_M

    roll = rng.random()
    if roll < 0.6:
        return shapely.Point(corner())
    if roll < 0.75:
        return shapely.LineString([corner() for _ in range(int(rng.integers(2, 5)))])
    if roll < 0.85:
        low = corner()
        return shapely.box(*low, *(low + rng.integers(1, 4, 2)))
    if roll < 0.95:
        return shapely.MultiPoint([corner() for _ in range(3)])
    return shapely.Point(rng.uniform(0, span, 2) + ORIGIN_M)


def entry(rng: np.random.Generator, number: int) -> Facility:
    return Facility(KINDS[rng.integers(len(KINDS))], f"f{number:04d}", place(rng), {"level": int(rng.integers(4))})


class Oracle:
    """The same answers by measuring everything."""

    def __init__(self) -> None:
        self.entries: dict[Key, Facility] = {}

    def chosen(self, kinds: Any, where: Any) -> list[Facility]:
        return [
            e
            for e in self.entries.values()
            if (kinds is None or e.kind in kinds) and (where is None or where(e.attributes))
        ]

    def measured(self, xy: Any, kinds: Any, where: Any) -> list[tuple[float, str, str]]:
        point = shapely.Point(xy)
        return sorted((e.geometry.distance(point), e.kind, e.id) for e in self.chosen(kinds, where))


def keys(found: list[tuple[Facility, float]]) -> list[tuple[float, str, str]]:
    return [(d, e.kind, e.id) for e, d in found]


def agree(live: FacilityIndex, oracle: Oracle, rng: np.random.Generator) -> None:
    """One question of each sort, at places and distances where bounds are met exactly."""
    xy = rng.integers(-2, 14, 2) + ORIGIN_M
    kinds = None if rng.random() < 0.4 else [k for k in (*KINDS, "none such") if rng.random() < 0.5]
    level = int(rng.integers(5))
    where = None if rng.random() < 0.4 else lambda attributes: attributes["level"] == level
    expected = oracle.measured(xy, kinds, where)
    # The radius is the exact distance of one of the entries, or 3-4-5.
    radius = expected[int(rng.integers(len(expected)))][0] if expected and rng.random() < 0.7 else 5.0
    within = [row for row in expected if row[0] <= radius]
    assert keys(live.within_radius(xy, radius, kinds, where)) == within
    k = int(rng.integers(1, 12))
    assert keys(live.nearest(xy, k, kinds, where)) == expected[:k]
    corners = rng.integers(0, 12, (3, 2)) + ORIGIN_M
    polygon = shapely.Polygon(corners)
    if polygon.is_valid and polygon.area > 0:
        found = [(e.kind, e.id) for e in live.within_polygon(polygon, kinds, where)]
        chosen = oracle.chosen(kinds, where)
        assert found == sorted((e.kind, e.id) for e in chosen if polygon.intersects(e.geometry))
    assert len(live) == len(oracle.entries)


@pytest.mark.parametrize("brute_below", [0, 2_000], ids=["tree", "measured"])
@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_equals_brute_force_after_any_changes(seed: int, brute_below: int) -> None:
    rng = np.random.default_rng(seed)
    live, oracle = FacilityIndex(), Oracle()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index, "_BRUTE_BELOW", brute_below)
        patch.setattr(index, "_FIRST_ASKED", 1)
        patch.setattr(index, "_GROWTH", 2)
        agree(live, oracle, rng)
        start = [entry(rng, i) for i in range(int(rng.integers(0, 90)))]
        live = FacilityIndex(start)
        oracle.entries = {(e.kind, e.id): e for e in start}
        for number in range(100, 100 + int(rng.integers(0, 60))):
            roll = rng.random()
            if roll < 0.4 or not oracle.entries:
                new = entry(rng, number)
                live.insert(new)
                oracle.entries[new.kind, new.id] = new
            else:
                key = sorted(oracle.entries)[int(rng.integers(len(oracle.entries)))]
                if roll < 0.6:
                    assert live.delete(*key) is oracle.entries.pop(key)
                elif roll < 0.95:
                    oracle.entries[key] = live.move(*key, place(rng))
                    assert live.entry(*key) is oracle.entries[key]
                else:
                    members = [Facility(key[0], f"r{number}-{i}", place(rng), {"level": 1}) for i in range(5)]
                    live.replace(key[0], members)
                    oracle.entries = {k: e for k, e in oracle.entries.items() if k[0] != key[0]}
                    oracle.entries |= {(e.kind, e.id): e for e in members}
            agree(live, oracle, rng)


def test_large_index_uses_the_tree_and_equals_brute_force() -> None:
    rng = np.random.default_rng(7)
    n = 20_000
    points = shapely.points(rng.integers(0, 4_000, (n, 2)) + ORIGIN_M)
    entries = [Facility(KINDS[i % 4], f"{i:05d}", points[i], {"i": i}) for i in range(n)]
    live = FacilityIndex(entries)
    for i in range(0, n, 7):
        entries[i] = live.move(entries[i].kind, entries[i].id, points[(i * 31 + 5) % n])
    geometries = np.array([e.geometry for e in entries])
    for _ in range(25):
        xy = rng.integers(0, 4_000, 2) + ORIGIN_M
        distance = shapely.distance(geometries, shapely.Point(xy))
        for kinds in (None, ["teams"], ["teams", "depots"]):
            rows = sorted(
                (float(distance[i]), e.kind, e.id) for i, e in enumerate(entries) if kinds is None or e.kind in kinds
            )
            assert keys(live.nearest(xy, 40, kinds)) == rows[:40]
            radius = rows[60][0]
            assert keys(live.within_radius(xy, radius, kinds)) == [r for r in rows if r[0] <= radius]
    # One entry in 20,000 meets the condition, and it is the farthest of all.
    corner = np.array(ORIGIN_M)
    far = int(np.argmax(shapely.distance(geometries, shapely.Point(corner))))
    assert [e.id for e, _ in live.nearest(corner, 3, where=lambda a: a["i"] == far)] == [entries[far].id]


def test_radius_bound_is_included_exactly() -> None:
    x, y = ORIGIN_M
    live = FacilityIndex([Facility("teams", "a", shapely.Point(x + 3.0, y + 4.0))])
    assert keys(live.within_radius((x, y), 5.0)) == [(5.0, "teams", "a")]
    assert live.within_radius((x, y), math.nextafter(5.0, 0.0)) == []
    assert keys(live.within_radius((x + 3.0, y + 4.0), 0.0)) == [(0.0, "teams", "a")]


def test_polygon_boundary_counts_for_points_lines_and_areas() -> None:
    square = shapely.box(0, 0, 10, 10).difference(shapely.box(4, 4, 6, 6))
    live = FacilityIndex(
        [
            Facility("p", "corner", shapely.Point(0, 0)),
            Facility("p", "edge", shapely.Point(10, 3)),
            Facility("p", "hole", shapely.Point(5, 5)),
            Facility("p", "hole edge", shapely.Point(4, 5)),
            Facility("p", "outside", shapely.Point(10.0000001, 3)),
            Facility("r", "touches", shapely.LineString([(10, 0), (20, 10)])),
            Facility("r", "passes", shapely.LineString([(-5, 12), (12, -5)])),
            Facility("r", "box only", shapely.LineString([(9, 12), (12, 9)])),
        ]
    )
    found = [e.id for e in live.within_polygon(square)]
    assert found == ["corner", "edge", "hole edge", "passes", "touches"]


def test_a_line_is_as_far_as_its_nearest_point_not_its_box() -> None:
    diagonal = shapely.LineString([(0, 0), (100, 100)])
    live = FacilityIndex([Facility("evacuation_routes", "r", diagonal), Facility("teams", "t", shapely.Point(90, 0))])
    found = live.nearest((100, 0), 2)
    assert [(e.id, d) for e, d in found] == [("t", 10.0), ("r", pytest.approx(math.sqrt(5_000)))]
    assert [e.id for e, _ in live.within_radius((100, 0), 70.0)] == ["t"]


def test_a_moved_depot_is_found_at_its_new_place_only() -> None:
    live = FacilityIndex([Facility("depots", "d1", shapely.Point(0, 0), {"name": "一号库"})])
    live.nearest((0, 0))  # the tree is packed by now
    live.move("depots", "d1", shapely.Point(5_000, 0))
    assert live.within_radius((0, 0), 100.0) == []
    [(found, distance)] = live.within_radius((5_000, 0), 100.0)
    assert (found.attributes["name"], distance) == ("一号库", 0.0)


def test_ties_are_ordered_by_kind_then_id() -> None:
    here = shapely.Point(1, 1)
    live = FacilityIndex(Facility(k, i, here) for k, i in [("b", "1"), ("a", "9"), ("a", "10"), ("b", "0")])
    order = [("a", "10"), ("a", "9"), ("b", "0"), ("b", "1")]
    assert [(e.kind, e.id) for e, _ in live.within_radius((0, 0), 9.0)] == order
    assert [(e.kind, e.id) for e, _ in live.nearest((0, 0), 3)] == order[:3]


def test_many_entries_at_one_place_never_shorten_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "_BRUTE_BELOW", 0)
    here = [Facility("a", f"{i:04d}", shapely.Point(0, 0), {"i": i}) for i in range(700)]
    live = FacilityIndex([*here, Facility("a", "far", shapely.Point(9, 9), {"i": -1})])
    assert [e.id for e, _ in live.nearest((0, 0), 3)] == ["0000", "0001", "0002"]
    assert [e.id for e, _ in live.nearest((0, 0), 2, where=lambda a: a["i"] in (650, -1))] == ["0650", "far"]


def test_an_empty_index_answers_with_nothing() -> None:
    live = FacilityIndex()
    assert live.within_radius((0, 0), 1e6) == []
    assert live.nearest((0, 0), 5) == []
    assert live.within_polygon(shapely.box(0, 0, 1, 1)) == []
    assert (len(live), live.counts) == (0, {})


def broken_line() -> BaseGeometry:
    """A line with NaN in the middle, which its bounds do not show."""
    with np.errstate(invalid="ignore"):
        return shapely.LineString([(0, 0), (math.nan, 1), (2, 2)])


BAD_PLACES = {
    "none": None,
    "text": "POINT (1 1)",
    "empty": shapely.Point(),
    "nan": shapely.Point(math.nan, 1.0),
    "nan inside": broken_line(),
    "inf": shapely.Point(math.inf, 1.0),
}


@pytest.mark.parametrize("bad", BAD_PLACES.values(), ids=BAD_PLACES.keys())
def test_no_place_no_entry_and_nothing_changes(bad: Any) -> None:
    good = Facility("teams", "t", shapely.Point(0, 0))
    live = FacilityIndex([good])
    with pytest.raises(InputError, match="'x'"):
        FacilityIndex([good, Facility("teams", "x", bad)])
    with pytest.raises(InputError, match="'x'"):
        live.insert(Facility("teams", "x", bad))
    with pytest.raises(InputError, match="'x'"):
        live.replace("teams", [Facility("teams", "x", bad)])
    with pytest.raises(InputError, match="'t'"):
        live.move("teams", "t", bad)
    assert live.nearest((0, 0), 5) == [(good, 0.0)]
    assert live.counts == {"teams": 1}


def test_taken_and_missing_keys_are_refused() -> None:
    live = FacilityIndex([Facility("teams", "t", shapely.Point(0, 0))])
    with pytest.raises(Conflict, match="'t'"):
        live.insert(Facility("teams", "t", shapely.Point(1, 1)))
    with pytest.raises(Conflict, match="twice"):
        live.replace("depots", [Facility("depots", "d", shapely.Point(1, 1))] * 2)
    with pytest.raises(InputError, match="kind"):
        live.replace("depots", [Facility("teams", "d", shapely.Point(1, 1))])
    for change in (
        lambda: live.delete("teams", "no"),
        lambda: live.entry("depots", "t"),
        lambda: live.move("depots", "t", shapely.Point(1, 1)),
    ):
        with pytest.raises(NotFound):
            change()
    assert live.discard("teams", "no") is False
    assert live.discard("teams", "t") is True
    assert ("teams", "t") not in live


@pytest.mark.parametrize(
    "question",
    [
        lambda live: live.within_radius((math.nan, 0), 1.0),
        lambda live: live.within_radius((0, 0, 0), 1.0),
        lambda live: live.within_radius((0, 0), -1.0),
        lambda live: live.within_radius((0, 0), math.nan),
        lambda live: live.within_radius((0, 0), math.inf),
        lambda live: live.within_radius((0, 0), 1.0, kinds="teams"),
        lambda live: live.nearest((0, math.inf)),
        lambda live: live.nearest((0, 0), 0),
        lambda live: live.nearest((0, 0), 1.5),
        lambda live: live.nearest((0, 0), True),
        lambda live: live.within_polygon(shapely.Point(0, 0)),
        lambda live: live.within_polygon(shapely.Polygon()),
        lambda live: live.within_polygon(shapely.Polygon([(0, 0), (1, 1), (0, 1), (1, 0)])),
        lambda live: live.within_polygon(None),
    ],
)
def test_questions_that_make_no_sense_are_refused(question: Any) -> None:
    with pytest.raises(InputError):
        question(FacilityIndex([Facility("teams", "t", shapely.Point(0, 0))]))


def test_readers_beside_a_writer_see_whole_states(monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry hops between two places: every answer has it exactly once."""
    monkeypatch.setattr(index, "_BRUTE_BELOW", 0)
    rng = np.random.default_rng(3)
    crowd = [
        Facility("teams", f"{i:04d}", shapely.Point(rng.uniform(0, 1_000, 2)), {"hops": False}) for i in range(3_000)
    ]
    live = FacilityIndex([*crowd, Facility("depots", "d", shapely.Point(1, 1), {"hops": True})])
    stop = threading.Event()
    wrong: list[object] = []

    def read() -> None:
        while not stop.is_set():
            try:
                seen = live.within_radius((500, 500), 1_000.0, where=lambda a: a["hops"])
                near = live.nearest((500, 500), 1, kinds=["depots"])
                if len(seen) != 1 or len(near) != 1 or len(live.nearest((500, 500), 50)) != 50:
                    wrong.append((seen, near))
            except BaseException as error:
                wrong.append(error)

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    for i in range(300):
        live.move("depots", "d", shapely.Point(999 if i % 2 else 1, 500))
    stop.set()
    for reader in readers:
        reader.join()
    assert wrong == []
