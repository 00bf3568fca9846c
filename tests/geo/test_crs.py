"""The metric CRS that is fit for measuring, and the shifted datums against published numbers."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.crs import (
    bd09_to_gcj02,
    bd09_to_wgs84,
    gcj02_to_bd09,
    gcj02_to_wgs84,
    metric_crs,
    to_lonlat,
    to_metric,
    wgs84_to_gcj02,
)
from geo.errors import CrsError

EPSG = 4549
WGS, GCJ, BD = (120.86, 32.01), (120.864253555, 32.007856046), (120.870705885, 32.013958418)
SEEDS = st.integers(0, 2**32 - 1)


def random_places(seed: int, n: int = 500) -> Any:
    """Places in and around Nantong."""
    return np.random.default_rng(seed).uniform((120.70, 31.85), (121.00, 32.20), (n, 2))


def metres(one: Any, other: Any) -> Any:
    return np.hypot(*(to_metric(one, epsg=EPSG) - to_metric(other, epsg=EPSG)).T)


# -- the metric CRS ---------------------------------------------------------------------------------


@pytest.mark.parametrize("epsg", [4549, 4528, 32651, 31982, 2326])
def test_projected_metres_are_fit(epsg: int) -> None:
    assert metric_crs(epsg).is_projected


@pytest.mark.parametrize(
    "epsg,reason",
    [
        (4326, "not in metres"),
        (4490, "not in metres"),
        (2263, "foot"),
        (3857, "Web Mercator"),
        (4978, "not in metres"),
        (999999, "no such CRS"),
        (0, "no such CRS"),
        (-1, "no such CRS"),
    ],
)
def test_what_does_not_measure_is_refused(epsg: int, reason: str) -> None:
    for ask in (lambda: metric_crs(epsg), lambda: to_metric([WGS], epsg=epsg), lambda: to_lonlat([WGS], epsg=epsg)):
        with pytest.raises(CrsError, match=rf"epsg={epsg}: .*{reason}"):
            ask()


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_projecting_there_and_back(seed: int) -> None:
    places = random_places(seed)
    there = to_metric(places, epsg=EPSG)
    assert np.abs(to_lonlat(there, epsg=EPSG) - places).max() < 1e-9
    assert ((there[:, 0] > 4e5) & (there[:, 0] < 6e5) & (there[:, 1] > 3.5e6)).all()  # easting first


def test_a_degree_of_latitude_is_as_long_as_on_the_ellipsoid() -> None:
    assert metres([(120.0, 31.5)], [(120.0, 32.5)])[0] == pytest.approx(110_886.8, abs=0.5)


def test_no_places_and_one_place() -> None:
    for function in (wgs84_to_gcj02, gcj02_to_wgs84, gcj02_to_bd09, bd09_to_gcj02, bd09_to_wgs84):
        assert function(np.empty((0, 2))).shape == (0, 2)
        assert function(WGS).shape == (1, 2)
    assert to_metric([], epsg=EPSG).shape == to_lonlat([], epsg=EPSG).shape == (0, 2)


def test_what_cannot_be_projected_is_not_a_number() -> None:
    found = to_metric([(120.86, 95.0), (np.nan, 32.0), WGS], epsg=EPSG)
    assert np.isfinite(found).all(axis=1).tolist() == [False, False, True]


# -- the shifted datums -----------------------------------------------------------------------------


def test_the_published_vectors() -> None:
    assert wgs84_to_gcj02(WGS)[0] == pytest.approx(GCJ, abs=1e-9)
    assert gcj02_to_bd09(GCJ)[0] == pytest.approx(BD, abs=1e-9)
    assert gcj02_to_wgs84(GCJ)[0] == pytest.approx(WGS, abs=2e-9)
    assert bd09_to_gcj02(BD)[0] == pytest.approx(GCJ, abs=2e-9)
    assert bd09_to_wgs84(BD)[0] == pytest.approx(WGS, abs=3e-9)


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_the_shift_around_nantong(seed: int) -> None:
    places = random_places(seed)
    by = wgs84_to_gcj02(places) - places
    assert ((by > (0.00419, -0.00222)) & (by < (0.00447, -0.00195))).all()
    shift_m = metres(wgs84_to_gcj02(places), places)
    assert ((shift_m > 462) & (shift_m < 478)).all()


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS, everywhere=st.booleans())
def test_shifts_are_undone(seed: int, everywhere: bool) -> None:
    places = random_places(seed)
    if everywhere:
        places = np.random.default_rng(seed).uniform((73, 18), (135, 53), (500, 2))
    gcj = wgs84_to_gcj02(places)
    assert np.abs(gcj02_to_wgs84(gcj) - places).max() < 1e-9
    bd = gcj02_to_bd09(gcj)
    assert np.abs(bd09_to_gcj02(bd) - gcj).max() < 1e-9
    assert np.abs(bd09_to_wgs84(bd) - places).max() < 1e-9


def test_each_place_is_shifted_by_itself() -> None:
    places = random_places(1, 7)
    for function in (wgs84_to_gcj02, gcj02_to_wgs84, gcj02_to_bd09, bd09_to_gcj02, bd09_to_wgs84):
        kept = places.copy()
        together = function(places)
        assert np.array_equal(places, kept)
        assert np.array_equal(together, np.vstack([function(place) for place in places]))
