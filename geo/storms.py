"""Tropical storms: the Holland wind field along a track, grades, and how often a wind is exceeded."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.errors import InputError

Floats = NDArray[np.float64]

GRADE_LOWER_M_S = (10.8, 17.2, 24.5, 32.7, 41.5, 51.0)
"""Lower bounds of 热带低压, 热带风暴, 强热带风暴, 台风, 强台风, 超强台风 (GB/T 19201-2006, to be confirmed)."""

ENVIRONMENT_HPA = 1010.0
"""Pressure far from a storm."""

EARTH_M = 6_371_000.0
EARTH_TURN_S = 7.292e-5
KNOT_M_S = 0.514444
_STEP_S = 1800.0
_AT_ONCE = 4_000_000
_FARTHEST_M = 1_000_000.0
_ESTIMATED_B = 1.5


@dataclass(frozen=True)
class Holland:
    """Numbers of the profile (to be confirmed): air density, bounds of B, factor from gradient to surface wind."""

    air_density_kg_m3: float = 1.15
    b_min: float = 1.0
    b_max: float = 2.5
    surface_factor: float = 0.8


@dataclass(frozen=True)
class StormTracks:
    """Fixes of storms, in order of storm and time.

    storm : (n,) number of the storm 0 ..; time_s : (n,) s; lonlat : (n, 2) degrees; wind_m_s : (n,) greatest sustained
    surface wind; deficit_pa : (n,) pressure deficit; radius_m : (n,) radius of the greatest wind.
    `estimated` counts fixes whose pressure or radius is estimated from the wind.
    """

    ids: tuple[str, ...]
    storm: NDArray[np.int64]
    time_s: Floats
    lonlat: Floats
    wind_m_s: Floats
    deficit_pa: Floats
    radius_m: Floats
    estimated: int


def storm_tracks(table: pd.DataFrame, shape: Holland = Holland()) -> StormTracks:
    """Check a table of fixes and fill what can be estimated.

    Parameters
    ----------
    table : columns storm_id, time_utc, lon, lat, wind_m_s and, where known, pressure_hpa and radius_km
    shape : air density and surface factor for what is estimated

    Returns
    -------
    StormTracks; fixes without wind are left out

    Raises
    ------
    InputError
        for a missing column, a place that is no lon/lat, two fixes of one storm at one time, or winds that are
        negative or above 150 m/s

    Notes
    -----
    CRS: WGS 84 degrees.
    Cost: O(n log n).
    Invariant: the order of the rows does not matter.
    Source: missing pressure: deficit = air density e (V / surface factor)^2 / B with B = 1.5 (Holland 1980);
    missing radius: ln Rm = 2.636 - 0.00005086 dp^2 + 0.0394899 |lat|, dp in hPa (Vickery & Wadhera 2008,
    doi:10.1175/2008JAMC1837.1).
    """
    for name in ("storm_id", "time_utc", "lon", "lat", "wind_m_s"):
        if name not in table.columns:
            raise InputError(f"storm tracks: column '{name}' is missing")
    frame = table.assign(
        time=pd.to_datetime(table["time_utc"], utc=True, format="ISO8601"),
        wind=pd.to_numeric(table["wind_m_s"], errors="coerce"),
    )
    frame = frame[frame["wind"].notna()].sort_values(["storm_id", "time"], kind="stable").reset_index(drop=True)
    if (frame["lat"].abs() > 90).any() or (frame["lon"].abs() > 360).any():
        bad = frame[(frame["lat"].abs() > 90) | (frame["lon"].abs() > 360)].iloc[0]
        raise InputError(
            f"storm {bad['storm_id']}: lon={bad['lon']}, lat={bad['lat']}: no place on earth; are they swapped?"
        )
    if ((frame["wind"] < 0) | (frame["wind"] > 150)).any():
        bad = frame[(frame["wind"] < 0) | (frame["wind"] > 150)].iloc[0]
        raise InputError(f"storm {bad['storm_id']}: wind_m_s={bad['wind']:g}: expected 0 to 150 (are they knots?)")
    twice = frame.duplicated(["storm_id", "time"])
    if twice.any():
        bad = frame[twice].iloc[0]
        raise InputError(f"storm {bad['storm_id']} has two fixes at {bad['time']}; keep one")
    wind = frame["wind"].to_numpy(dtype=np.float64)
    none = pd.Series(np.nan, index=frame.index)
    pressure = pd.to_numeric(frame.get("pressure_hpa", none), errors="coerce").to_numpy(dtype=np.float64)
    pressure = np.where((pressure > 800) & (pressure < ENVIRONMENT_HPA), pressure, np.nan)
    deficit = (ENVIRONMENT_HPA - pressure) * 100.0
    by_wind = shape.air_density_kg_m3 * math.e * (wind / shape.surface_factor) ** 2 / _ESTIMATED_B
    deficit = np.where(np.isnan(deficit), np.maximum(by_wind, 100.0), deficit)
    radius = pd.to_numeric(frame.get("radius_km", none), errors="coerce").to_numpy(dtype=np.float64) * 1000.0
    lat = frame["lat"].to_numpy(dtype=np.float64)
    by_deficit = np.exp(2.636 - 0.00005086 * (deficit / 100.0) ** 2 + 0.0394899 * np.abs(lat)) * 1000.0
    estimated = int((np.isnan(pressure) | ~(radius > 0)).sum())
    radius = np.where(radius > 0, radius, by_deficit)
    codes, ids = pd.factorize(frame["storm_id"].astype(str))
    seconds = (frame["time"] - pd.Timestamp(0, tz="UTC")).dt.total_seconds().to_numpy().astype(np.float64)
    return StormTracks(
        tuple(str(name) for name in ids),
        codes.astype(np.int64),
        seconds,
        frame[["lon", "lat"]].to_numpy(dtype=np.float64),
        wind,
        deficit,
        radius,
        estimated,
    )


def holland_wind(
    distance_m: Any, lat: Any, wind_m_s: Any, deficit_pa: Any, radius_m: Any, shape: Holland = Holland()
) -> Floats:
    """Surface wind at a distance from the centre of a storm (Holland profile with the earth's turning).

    Parameters
    ----------
    distance_m : m, >= 0
    lat : degrees, of the centre
    wind_m_s : m/s, greatest surface wind, from which B follows
    deficit_pa : Pa, > 0
    radius_m : m, > 0, of the greatest wind
    shape : numbers of the profile

    Returns
    -------
    m/s, broadcast; 0 at the centre

    Notes
    -----
    CRS: none.
    Cost: O(n).
    Invariant: it is greatest near `radius_m` and falls outwards.
    Source: Holland (1980), Monthly Weather Review 108, 1212-1218; B = air density e Vg^2 / deficit within its bounds.
    """
    r = np.maximum(np.asarray(distance_m, dtype=np.float64), 1.0)
    gradient = np.asarray(wind_m_s, dtype=np.float64) / shape.surface_factor
    deficit = np.asarray(deficit_pa, dtype=np.float64)
    b = np.clip(shape.air_density_kg_m3 * math.e * gradient**2 / deficit, shape.b_min, shape.b_max)
    turning = 2.0 * EARTH_TURN_S * np.abs(np.sin(np.deg2rad(lat)))
    ratio = np.minimum((np.asarray(radius_m, dtype=np.float64) / r) ** b, 700.0)
    pressure = b / shape.air_density_kg_m3 * ratio * deficit * np.exp(-ratio)
    found = np.sqrt(pressure + (r * turning / 2.0) ** 2) - r * turning / 2.0
    return np.asarray(shape.surface_factor * found, dtype=np.float64)


def maximum_wind(tracks: StormTracks, lonlat: Any, shape: Holland = Holland()) -> Floats:
    """The greatest surface wind that each storm brings to each place.

    Parameters
    ----------
    tracks : the storms
    lonlat : (m, 2) degrees
    shape : numbers of the profile

    Returns
    -------
    (storms, m) m/s; 0 farther than 1,000 km from every fix

    Notes
    -----
    CRS: WGS 84 degrees; great-circle distances.
    Cost: O(fixes of half an hour x places), in blocks of bounded memory.
    Invariant: more fixes on the same course never lower it.
    Source: `holland_wind` along the track, linear between fixes at steps of at most half an hour.
    """
    places = np.deg2rad(np.asarray(lonlat, dtype=np.float64).reshape(-1, 2))
    found = np.zeros((len(tracks.ids), len(places)))
    if len(places) == 0:
        return found
    middle = places.mean(axis=0)
    span = float(_distance_m(middle[0], middle[1], places[:, 0], places[:, 1]).max())
    for k in range(len(tracks.ids)):
        fixes = _dense(tracks, k)
        lon, lat = np.deg2rad(fixes[:, 0]), np.deg2rad(fixes[:, 1])
        near = _distance_m(middle[0], middle[1], lon, lat) <= _FARTHEST_M + span
        fixes, lon, lat = fixes[near], lon[near], lat[near]
        step = max(_AT_ONCE // len(places), 1)
        for first in range(0, len(fixes), step):
            part = slice(first, first + step)
            far = _distance_m(lon[part, None], lat[part, None], places[None, :, 0], places[None, :, 1])
            wind = holland_wind(
                far,
                fixes[part, 1][:, None],
                fixes[part, 2][:, None],
                fixes[part, 3][:, None],
                fixes[part, 4][:, None],
                shape,
            )
            wind[far > _FARTHEST_M] = 0.0
            found[k] = np.maximum(found[k], wind.max(axis=0))
    return found


def _dense(tracks: StormTracks, k: int) -> Floats:
    """(n, 5) lon, lat, wind, deficit, radius of one storm at steps of at most half an hour."""
    mine = tracks.storm == k
    columns = np.column_stack(
        [tracks.lonlat[mine], tracks.wind_m_s[mine], tracks.deficit_pa[mine], tracks.radius_m[mine]]
    )
    time = tracks.time_s[mine]
    if len(time) < 2:
        return columns
    at = np.unique(np.concatenate([time, np.arange(time[0], time[-1], _STEP_S)]))
    return np.column_stack([np.interp(at, time, column) for column in columns.T])


def _distance_m(lon0: Any, lat0: Any, lon1: Any, lat1: Any) -> Any:
    """Great-circle distance of places in radians."""
    half = np.sin((lat1 - lat0) / 2) ** 2 + np.cos(lat0) * np.cos(lat1) * np.sin((lon1 - lon0) / 2) ** 2
    return 2.0 * EARTH_M * np.arcsin(np.sqrt(np.minimum(half, 1.0)))


def storm_grade(wind_m_s: Any, lower_m_s: tuple[float, ...] = GRADE_LOWER_M_S) -> NDArray[np.int8]:
    """Grade of a wind: 1 below a tropical depression, 2 热带低压 .. 7 超强台风.

    Parameters
    ----------
    wind_m_s : m/s, NaN without data
    lower_m_s : ascending lower bounds, each included

    Returns
    -------
    int8, 0 without data

    Notes
    -----
    CRS: none.
    Cost: O(n).
    Invariant: more wind never has a lower grade.
    Source: GB/T 19201-2006 (bounds from memory, to be confirmed).
    """
    wind = np.asarray(wind_m_s, dtype=np.float64)
    found = 1 + np.searchsorted(np.asarray(lower_m_s), wind, side="right")
    return np.where(np.isnan(wind), 0, found).astype(np.int8)


def annual_exceedance(max_wind_m_s: Any, years: float, thresholds_m_s: Any) -> Floats:
    """How many storms a year bring at least each wind.

    Parameters
    ----------
    max_wind_m_s : (storms, m) m/s, from `maximum_wind`
    years : length of the catalogue, > 0; years without a storm count
    thresholds_m_s : (t,) m/s, included

    Returns
    -------
    (t, m) storms per year

    Raises
    ------
    InputError
        for `years` that is not above 0

    Notes
    -----
    CRS: none.
    Cost: O(storms x m x t).
    Invariant: a higher threshold is never exceeded more often.
    Source: counting over the catalogue.
    """
    if not years > 0:
        raise InputError(f"years={years}: expected more than 0")
    wind = np.asarray(max_wind_m_s, dtype=np.float64)
    return np.array([(wind >= threshold).sum(axis=0) / years for threshold in np.atleast_1d(thresholds_m_s)])


def return_wind(max_wind_m_s: Any, years: float, return_period_a: float) -> Floats:
    """The wind of a return period at each place, from the ranked storms.

    Parameters
    ----------
    max_wind_m_s : (storms, m) m/s
    years : length of the catalogue, > 0
    return_period_a : years, > 0

    Returns
    -------
    (m,) m/s; 0 where storms come too rarely, the greatest wind of the catalogue beyond its length

    Raises
    ------
    InputError
        for lengths that are not above 0

    Notes
    -----
    CRS: none.
    Cost: O(storms log storms x m).
    Invariant: a longer period never has less wind.
    Source: Weibull plotting position: the storm of rank k returns every (years + 1) / k; linear in the logarithm of
    the period between ranks.
    """
    if not (years > 0 and return_period_a > 0):
        raise InputError(f"years={years}, return_period_a={return_period_a}: expected more than 0")
    wind = np.sort(np.asarray(max_wind_m_s, dtype=np.float64), axis=0)
    n = wind.shape[0]
    if n == 0:
        return np.zeros(wind.shape[1])
    period = np.log((years + 1.0) / np.arange(n, 0, -1))
    at = np.log(return_period_a)
    if at < period[0]:
        return np.zeros(wind.shape[1])
    upper = int(np.clip(np.searchsorted(period, at, side="left"), 1, n - 1)) if n > 1 else 0
    if n == 1 or at >= period[-1]:
        return np.array(wind[-1], dtype=np.float64)
    share = (at - period[upper - 1]) / (period[upper] - period[upper - 1])
    return np.asarray(wind[upper - 1] + share * (wind[upper] - wind[upper - 1]), dtype=np.float64)
