"""A shift of datum is seen where places are bound to roads, and nowhere else."""

from datetime import date
from typing import Any

import numpy as np
import pytest
import shapely

from data.demo import demo_frames
from geo.crs import bd09_to_wgs84, gcj02_to_bd09, gcj02_to_wgs84, to_lonlat, to_metric, wgs84_to_gcj02
from geo.datum import MIN_PLACES, shift_evidence
from geo.errors import InputError

EPSG = 4549
CORNER = to_metric([(120.86, 32.01)], epsg=EPSG)[0]
MISTAKES: dict[str, Any] = {
    "GCJ-02": wgs84_to_gcj02,
    "BD-09": lambda lonlat: gcj02_to_bd09(wgs84_to_gcj02(lonlat)),
    "WGS 84, shifted once too often": gcj02_to_wgs84,
    "WGS 84, shifted twice too often": bd09_to_wgs84,
}


def streets(rng: np.random.Generator) -> Any:
    """Streets across a town of 12 km, at uneven distances and slightly turned."""
    lines = []
    for turned in (False, True):
        for at in np.cumsum(rng.uniform(300, 900, 18)):
            line = np.array([[0.0, at], [12_000.0, at + rng.uniform(-400, 400)]])
            lines.append(shapely.LineString(CORNER + (line[:, ::-1] if turned else line)))
    return np.array(lines, dtype=object)


def beside(roads: Any, rng: np.random.Generator, n: int) -> Any:
    """(n, 2) deg, places 10 to 60 m off the roads."""
    on = shapely.line_interpolate_point(rng.choice(roads, n), rng.uniform(0.05, 0.95, n), normalized=True)
    angle = rng.uniform(0, 2 * np.pi, n)
    off = np.column_stack([np.cos(angle), np.sin(angle)]) * rng.uniform(10, 60, (n, 1))
    return to_lonlat(shapely.get_coordinates(on) + off, epsg=EPSG)


@pytest.mark.parametrize("datum", MISTAKES)
@pytest.mark.parametrize("seed", range(4))
def test_a_shift_is_seen_and_named(datum: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    roads = streets(rng)
    true = beside(roads, rng, 60)
    given = MISTAKES[datum](true)
    found = shift_evidence(given, roads, epsg=EPSG)
    assert found is not None
    assert (found.datum, found.places) == (datum, 60)
    moved = (to_metric(given, epsg=EPSG) - to_metric(true, epsg=EPSG)).mean(axis=0)
    assert found.shift_m == pytest.approx(np.hypot(*moved), abs=5)
    assert found.mean_distance_shifted_m < 60 < found.mean_distance_m
    assert shift_evidence(given, roads[::-1], epsg=EPSG) == found


@pytest.mark.parametrize("seed", range(12))
def test_no_false_alarm(seed: int) -> None:
    rng = np.random.default_rng(seed)
    roads = streets(rng)
    n = int(rng.choice([8, 15, 60, 300]))
    middle = CORNER + 5_000
    for places in (
        beside(roads, rng, n),
        to_lonlat(CORNER + rng.uniform(0, 11_000, (n, 2)), epsg=EPSG),  # anywhere
        to_lonlat(middle + rng.normal(0, 120, (n, 2)), epsg=EPSG),  # one neighbourhood
        to_lonlat(middle + rng.normal(0, 900, (3, 2))[np.arange(n) % 3] + rng.normal(0, 90, (n, 2)), epsg=EPSG),
        to_lonlat(middle + 40_000 + rng.uniform(0, 9_000, (n, 2)), epsg=EPSG),  # far from every road
        np.tile(to_lonlat([middle], epsg=EPSG), (n, 1)),
    ):
        assert shift_evidence(places, roads, epsg=EPSG) is None


def test_one_neighbourhood_is_one_witness() -> None:
    """All places of one block go to one road together: that says nothing."""
    roads = np.array([shapely.LineString([CORNER, CORNER + np.array([9_000, 0])])], dtype=object)
    true = to_lonlat(CORNER + np.random.default_rng(2).normal((4_000, 0), 25, (500, 2)), epsg=EPSG)
    assert shift_evidence(wgs84_to_gcj02(true), roads, epsg=EPSG) is None


def test_one_far_place_does_not_decide() -> None:
    rng = np.random.default_rng(9)
    roads = streets(rng)
    given = wgs84_to_gcj02(beside(roads, rng, 80))
    given[0] = (121.9, 32.9)
    found = shift_evidence(given, roads, epsg=EPSG)
    assert found is not None
    assert found.datum == "GCJ-02"
    assert found.mean_distance_m < 260


def test_many_places_are_sampled() -> None:
    rng = np.random.default_rng(5)
    roads = streets(rng)
    found = shift_evidence(wgs84_to_gcj02(beside(roads, rng, 2_500)), roads, epsg=EPSG)
    assert found is not None
    assert (found.datum, found.places) == ("GCJ-02", 1_000)


def test_too_little_is_no_evidence() -> None:
    rng = np.random.default_rng(3)
    roads = streets(rng)
    given = wgs84_to_gcj02(beside(roads, rng, MIN_PLACES - 1))
    assert shift_evidence(given, roads, epsg=EPSG) is None
    assert shift_evidence(np.empty((0, 2)), roads, epsg=EPSG) is None
    assert shift_evidence(wgs84_to_gcj02(beside(roads, rng, 60)), [], epsg=EPSG) is None


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_no_place_is_refused(bad: float) -> None:
    with pytest.raises(InputError, match="finite"):
        shift_evidence([(bad, 32.0)] * 9, [shapely.LineString([(0, 0), (1, 1)])], epsg=EPSG)


def test_the_demo_stands_on_its_roads_and_a_shift_of_it_is_seen() -> None:
    frames: Any = demo_frames(today=date(2026, 7, 1))
    roads = shapely.transform(
        frames["roads"].geometry.to_numpy(dtype=object), lambda lonlat: to_metric(lonlat, epsg=EPSG)
    )
    for kind in ("enterprises", "shelters", "depots", "teams", "hospitals", "villages"):
        places = shapely.centroid(frames[kind].geometry.to_numpy(dtype=object))
        assert shift_evidence(shapely.get_coordinates(places), roads, epsg=EPSG) is None
    enterprises = shapely.get_coordinates(frames["enterprises"].geometry.to_numpy(dtype=object))
    for datum in ("GCJ-02", "BD-09"):
        found = shift_evidence(MISTAKES[datum](enterprises), roads, epsg=EPSG)
        assert found is not None
        assert found.datum == datum
