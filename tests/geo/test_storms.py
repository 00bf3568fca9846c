"""Storms: the wind profile against one written out, tracks, grades, exceedance and return winds."""

import math

import numpy as np
import pandas as pd
import pytest

from geo.errors import InputError
from geo.storms import (
    Holland,
    annual_exceedance,
    holland_wind,
    maximum_wind,
    return_wind,
    storm_grade,
    storm_tracks,
)


def fixes(**change: object) -> pd.DataFrame:
    table = pd.DataFrame(
        {
            "storm_id": ["a"] * 3 + ["b"] * 2,
            "time_utc": [
                "2000-08-01T00:00Z",
                "2000-08-01T06:00Z",
                "2000-08-01T12:00Z",
                "2003-09-01T00:00Z",
                "2003-09-01T06:00Z",
            ],
            "lon": [121.0, 120.9, 120.8, 125.0, 125.5],
            "lat": [30.5, 31.5, 32.5, 32.0, 33.0],
            "wind_m_s": [45.0, 40.0, 30.0, 35.0, 33.0],
            "pressure_hpa": [950.0, 960.0, 980.0, np.nan, 970.0],
            "radius_km": [40.0, np.nan, 50.0, 60.0, 60.0],
        }
    )
    return table.assign(**change)  # type: ignore[arg-type]


def written_out(r: float, lat: float, wind: float, deficit: float, radius: float) -> float:
    gradient = wind / 0.8
    b = min(max(1.15 * math.e * gradient**2 / deficit, 1.0), 2.5)
    f = 2 * 7.292e-5 * abs(math.sin(math.radians(lat)))
    ratio = (radius / r) ** b
    inner = b / 1.15 * ratio * deficit * math.exp(-ratio) + (r * f / 2) ** 2
    return 0.8 * (math.sqrt(inner) - r * f / 2)


def test_profile_equals_the_formula_and_peaks_near_its_radius() -> None:
    r = np.array([5e3, 20e3, 40e3, 80e3, 300e3])
    found = holland_wind(r, 32.0, 45.0, 6000.0, 40e3)
    np.testing.assert_allclose(found, [written_out(x, 32.0, 45.0, 6000.0, 40e3) for x in r], rtol=1e-12)
    fine = np.linspace(1e3, 400e3, 4000)
    peak = fine[np.argmax(holland_wind(fine, 32.0, 45.0, 6000.0, 40e3))]
    assert peak == pytest.approx(40e3, rel=0.1)
    assert holland_wind(0.0, 32.0, 45.0, 6000.0, 40e3) < 1.0
    assert holland_wind(40e3, 32.0, 45.0, 6000.0, 40e3, Holland(surface_factor=1.0)) > 0


def test_the_greatest_wind_along_a_track() -> None:
    tracks = storm_tracks(fixes())
    places = np.array([[120.86, 32.01], [122.0, 32.0]])
    found = maximum_wind(tracks, places)
    best = 0.0
    for k in range(24 * 2 // 2 + 1):  # half-hourly between the fixes of storm a
        t = k * 0.5
        at = np.interp(t, [0, 6, 12], [0, 1, 2])
        row = [np.interp(at, [0, 1, 2], column) for column in (tracks.lonlat[:3, 0], tracks.lonlat[:3, 1])]
        wind, deficit, radius = (
            np.interp(at, [0, 1, 2], column[:3]) for column in (tracks.wind_m_s, tracks.deficit_pa, tracks.radius_m)
        )
        a = math.radians(row[1])
        b = math.radians(32.01)
        h = math.sin((b - a) / 2) ** 2 + math.cos(a) * math.cos(b) * math.sin(math.radians(120.86 - row[0]) / 2) ** 2
        distance = max(2 * 6_371_000 * math.asin(math.sqrt(h)), 1.0)
        best = max(best, written_out(distance, row[1], float(wind), float(deficit), float(radius)))
    assert found[0, 0] == pytest.approx(best, rel=1e-9)
    assert found.shape == (2, 2)
    far = maximum_wind(tracks, [[0.0, 0.0]])
    assert (far == 0).all()
    assert maximum_wind(tracks, np.empty((0, 2))).shape == (2, 0)


def test_what_is_missing_is_estimated_and_counted() -> None:
    tracks = storm_tracks(fixes())
    assert tracks.estimated == 2
    assert tracks.deficit_pa[3] == pytest.approx(1.15 * math.e * (35 / 0.8) ** 2 / 1.5)
    assert storm_tracks(fixes().drop(columns=["pressure_hpa", "radius_km"])).estimated == 5
    shuffled = storm_tracks(fixes().sample(frac=1.0, random_state=1))
    np.testing.assert_array_equal(shuffled.wind_m_s, tracks.wind_m_s)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"lat": [121.0] * 5, "lon": [31.0] * 5}, "swapped"),
        ({"wind_m_s": [45.0, 40.0, 30.0, 35.0, 180.0]}, "knots"),
        ({"wind_m_s": [-1.0, 40.0, 30.0, 35.0, 33.0]}, "wind_m_s=-1"),
        ({"time_utc": ["2000-08-01T00:00Z"] * 5}, "two fixes"),
    ],
)
def test_bad_tracks_are_named(change: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        storm_tracks(fixes(**change))
    with pytest.raises(InputError, match="lat"):
        storm_tracks(fixes().drop(columns="lat"))


def test_fixes_without_wind_are_left_out() -> None:
    assert len(storm_tracks(fixes(wind_m_s=[45.0, np.nan, 30.0, 35.0, 33.0])).wind_m_s) == 4


def test_grades_at_their_bounds() -> None:
    winds = [10.7, 10.8, 17.1, 17.2, 24.5, 32.6, 32.7, 41.5, 51.0, np.nan]
    assert storm_grade(winds).tolist() == [1, 2, 2, 3, 4, 4, 5, 6, 7, 0]


def test_exceedance_counts_and_return_winds_rise() -> None:
    wind = np.array([[10.0, 20.0], [30.0, 5.0], [20.0, 40.0]])
    found = annual_exceedance(wind, 10.0, [10.0, 20.0, 40.1])
    np.testing.assert_allclose(found, [[0.3, 0.2], [0.2, 0.2], [0.0, 0.0]])
    winds = [return_wind(wind, 10.0, period) for period in (1, 4, 5.5, 8, 11, 100)]
    assert (np.diff(np.array(winds), axis=0) >= 0).all()
    np.testing.assert_allclose(winds[2], [20.0, 20.0])  # rank 2 of 3 returns every 11 / 2 years
    np.testing.assert_allclose(winds[-1], [30.0, 40.0])
    assert winds[0].tolist() == [0.0, 0.0]
    assert return_wind(np.empty((0, 2)), 10.0, 5.0).tolist() == [0.0, 0.0]
    for years, period in ((0, 5), (10, 0)):
        with pytest.raises(InputError):
            return_wind(wind, years, period)
    with pytest.raises(InputError):
        annual_exceedance(wind, 0, [1.0])
