"""Lengths and areas on the ellipsoid against published values, a series of its own and the metric CRS."""

import math

import numpy as np
import pyproj
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.errors import InputError
from geo.geodesic import geodesic_area_m2, geodesic_lengths_m

A, F = 6_378_137.0, 1 / 298.257223563
HERE = st.tuples(st.floats(120.5, 121.2), st.floats(31.8, 32.4))


def vincenty_m(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Vincenty's inverse formula (1975), written out: another algorithm than the one under test."""
    minor = A * (1 - F)
    (lon1, lat1), (lon2, lat2) = (tuple(map(math.radians, p)) for p in (a, b))
    u1, u2 = (math.atan((1 - F) * math.tan(lat)) for lat in (lat1, lat2))
    lam = length = lon2 - lon1
    for _ in range(100):
        sin_s = math.hypot(
            math.cos(u2) * math.sin(lam),
            math.cos(u1) * math.sin(u2) - math.sin(u1) * math.cos(u2) * math.cos(lam),
        )
        if sin_s == 0:
            return 0.0
        cos_s = math.sin(u1) * math.sin(u2) + math.cos(u1) * math.cos(u2) * math.cos(lam)
        sigma = math.atan2(sin_s, cos_s)
        sin_a = math.cos(u1) * math.cos(u2) * math.sin(lam) / sin_s
        cos2_a = 1 - sin_a**2
        mid = cos_s - 2 * math.sin(u1) * math.sin(u2) / cos2_a if cos2_a else 0.0
        c = F / 16 * cos2_a * (4 + F * (4 - 3 * cos2_a))
        before, lam = lam, length + (1 - c) * F * sin_a * (sigma + c * sin_s * (mid + c * cos_s * (-1 + 2 * mid**2)))
        if abs(lam - before) < 1e-13:
            break
    u = cos2_a * (A**2 - minor**2) / minor**2
    big_a = 1 + u / 16384 * (4096 + u * (-768 + u * (320 - 175 * u)))
    big_b = u / 1024 * (256 + u * (-128 + u * (74 - 47 * u)))
    delta = (
        big_b
        * sin_s
        * (mid + big_b / 4 * (cos_s * (-1 + 2 * mid**2) - big_b / 6 * mid * (-3 + 4 * sin_s**2) * (-3 + 4 * mid**2)))
    )
    return minor * big_a * (sigma - delta)


def test_a_degree_at_the_equator_and_a_quarter_of_the_meridian() -> None:
    assert geodesic_lengths_m([(0, 0), (1, 0)])[0] == pytest.approx(2 * math.pi * A / 360, abs=1e-6)
    assert geodesic_lengths_m([(0, 0), (0, 90)])[0] == pytest.approx(10_001_965.729, abs=0.001)


@settings(max_examples=200, deadline=None)
@given(HERE, HERE)
def test_lengths_are_those_of_another_formula(a: tuple[float, float], b: tuple[float, float]) -> None:
    found = geodesic_lengths_m([a, b])[0]
    assert found == pytest.approx(vincenty_m(a, b), abs=0.001)
    assert found == pytest.approx(geodesic_lengths_m([b, a])[0], abs=1e-6)


@settings(max_examples=100, deadline=None)
@given(HERE, HERE, HERE)
def test_a_detour_is_no_shorter(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> None:
    assert geodesic_lengths_m([a, c])[0] <= geodesic_lengths_m([a, b, c]).sum() + 1e-6


def test_an_octant_is_an_eighth_of_the_ellipsoid() -> None:
    e = math.sqrt(F * (2 - F))
    whole = 2 * math.pi * A**2 * (1 + (1 - e**2) / e * math.atanh(e))
    assert geodesic_area_m2([(0, 0), (90, 0), (0, 90)]) == pytest.approx(whole / 8, rel=1e-12)


def test_an_area_is_near_that_of_the_metric_crs_and_parts_add_up() -> None:
    to_degrees = pyproj.Transformer.from_crs(4549, 4326, always_xy=True)
    x, y = 580_000.0, 3_544_000.0
    square = [(x, y), (x + 2000, y), (x + 2000, y + 1000), (x, y + 1000)]
    lonlat = [to_degrees.transform(*p) for p in square]
    scale = pyproj.Proj(4549).get_factors(*lonlat[0]).areal_scale
    whole = geodesic_area_m2(lonlat)
    assert whole == pytest.approx(2e6 / scale, rel=1e-5)
    assert whole == pytest.approx(geodesic_area_m2(lonlat[::-1]), rel=1e-12)
    assert whole == pytest.approx(geodesic_area_m2(lonlat[1:] + lonlat[:1]), rel=1e-9)
    assert whole == pytest.approx(geodesic_area_m2(lonlat[:3]) + geodesic_area_m2([lonlat[0], *lonlat[2:]]), rel=1e-9)


def test_equal_places_are_nothing_apart() -> None:
    assert geodesic_lengths_m([(120.8, 32.0)] * 3).tolist() == [0.0, 0.0]
    assert geodesic_area_m2([(120.8, 32.0)] * 3) == 0.0


@pytest.mark.parametrize("bad", [[], [(1, 2)], [(1, 2), (1, np.nan)], [(1, 2), (1, 90.1)], [(1, 2), (180.1, 0)], "x"])
def test_what_cannot_be_measured_is_refused(bad: object) -> None:
    with pytest.raises(InputError):
        geodesic_lengths_m(bad)
    with pytest.raises(InputError):
        geodesic_area_m2(bad)


def test_the_bounds_of_degrees_are_included() -> None:
    assert geodesic_lengths_m([(-180, 0), (180, 0)])[0] == pytest.approx(0, abs=1e-6)
    assert geodesic_lengths_m([(0, 90), (0, -90)])[0] > 2e7
