"""The two coordinate reference systems of a deployment, and the shifted Chinese datums.

Stored: EPSG:4326. Measured: the deployment's metric CRS. GCJ-02 and BD-09 belong to a source
and are undone on import.
"""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS, Transformer

from geo.errors import CrsError

STORED_EPSG = 4326
"""EPSG code of every stored coordinate (WGS 84, longitude before latitude)."""

Floats = NDArray[np.float64]

_GCJ_A_M = 6_378_245.0
_GCJ_EE = 0.00669342162296594323
_BD_K = np.pi * 3000.0 / 180.0


@lru_cache(maxsize=64)
def metric_crs(epsg: int) -> CRS:
    """The CRS in which a deployment measures, checked to be fit for it.

    Parameters
    ----------
    epsg : EPSG code of a projected CRS whose axes are in metres

    Returns
    -------
    pyproj CRS

    Raises
    ------
    CrsError : unknown code, degrees, feet, or Web Mercator

    Notes
    -----
    CRS: the result; lon/lat order is forced wherever it is used.
    Cost: one look-up in PROJ's database, kept.
    Invariant: none.
    Source: none (Web Mercator's scale at 32 N is 1.18, so it does not measure).
    """
    try:
        crs = CRS.from_epsg(epsg)
    except Exception as error:
        raise CrsError(f"epsg={epsg}: no such CRS is known; name a projected CRS in metres, such as 4549") from error
    if not crs.is_projected:
        raise CrsError(f"epsg={epsg}: {crs.name} is not in metres; name a projected CRS, such as 4549")
    if any(abs(axis.unit_conversion_factor - 1.0) > 1e-9 for axis in crs.axis_info):
        raise CrsError(f"epsg={epsg}: {crs.name} is not in metres but in {crs.axis_info[0].unit_name}")
    if epsg in (3857, 3785, 900913) or "Pseudo-Mercator" in crs.name:
        raise CrsError(f"epsg={epsg}: Web Mercator does not measure; name a local CRS, such as 4549")
    return crs


@lru_cache(maxsize=64)
def _transformer(source: int, target: int) -> Transformer:
    return Transformer.from_crs(source, target, always_xy=True)


def to_metric(lonlat: Any, *, epsg: int) -> Floats:
    """Project longitude and latitude to the metric CRS.

    Parameters
    ----------
    lonlat : (n, 2) deg, WGS 84, longitude first
    epsg : EPSG code of the metric CRS

    Returns
    -------
    (n, 2) m, easting first; (0, 2) for empty input; inf where a point cannot be projected

    Raises
    ------
    CrsError : `epsg` is not fit for measuring

    Notes
    -----
    CRS: EPSG:4326 in, `epsg` out.
    Cost: O(n).
    Invariant: `to_lonlat` undoes it to 1e-9 deg inside the CRS's area.
    Source: PROJ.
    """
    metric_crs(epsg)
    points = np.asarray(lonlat, dtype=np.float64).reshape(-1, 2)
    x, y = _transformer(STORED_EPSG, epsg).transform(points[:, 0], points[:, 1])
    return np.column_stack([x, y]).astype(np.float64)


def to_lonlat(xy_m: Any, *, epsg: int) -> Floats:
    """Undo the projection: metric coordinates to longitude and latitude.

    Parameters
    ----------
    xy_m : (n, 2) m, easting first
    epsg : EPSG code of the metric CRS

    Returns
    -------
    (n, 2) deg, WGS 84, longitude first; (0, 2) for empty input

    Raises
    ------
    CrsError : `epsg` is not fit for measuring

    Notes
    -----
    CRS: `epsg` in, EPSG:4326 out.
    Cost: O(n).
    Invariant: undoes `to_metric`.
    Source: PROJ.
    """
    metric_crs(epsg)
    points = np.asarray(xy_m, dtype=np.float64).reshape(-1, 2)
    x, y = _transformer(epsg, STORED_EPSG).transform(points[:, 0], points[:, 1])
    return np.column_stack([x, y]).astype(np.float64)


def wgs84_to_gcj02(lonlat: Any) -> Floats:
    """Shift WGS 84 to GCJ-02 (the datum of Chinese consumer maps).

    Parameters
    ----------
    lonlat : (n, 2) deg, WGS 84, longitude first

    Returns
    -------
    (n, 2) deg, GCJ-02

    Notes
    -----
    CRS: WGS 84 in, GCJ-02 out. Applied everywhere, also outside China.
    Cost: O(n).
    Invariant: `gcj02_to_wgs84` undoes it to 1e-9 deg.
    Source: the published algorithm (the official one is not published; they differ by some metres).
    """
    p = np.asarray(lonlat, dtype=np.float64).reshape(-1, 2)
    x, y = p[:, 0] - 105.0, p[:, 1] - 35.0
    wave = (20.0 * np.sin(6.0 * np.pi * x) + 20.0 * np.sin(2.0 * np.pi * x)) * 2.0 / 3.0
    root = np.sqrt(np.abs(x))
    t_lat = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + wave
    t_lat += (20.0 * np.sin(np.pi * y) + 40.0 * np.sin(np.pi / 3.0 * y)) * 2.0 / 3.0
    t_lat += (160.0 * np.sin(np.pi / 12.0 * y) + 320.0 * np.sin(np.pi / 30.0 * y)) * 2.0 / 3.0
    t_lon = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + wave
    t_lon += (20.0 * np.sin(np.pi * x) + 40.0 * np.sin(np.pi / 3.0 * x)) * 2.0 / 3.0
    t_lon += (150.0 * np.sin(np.pi / 12.0 * x) + 300.0 * np.sin(np.pi / 30.0 * x)) * 2.0 / 3.0
    phi = np.radians(p[:, 1])
    m = 1.0 - _GCJ_EE * np.sin(phi) ** 2
    d_lat = np.degrees(t_lat * m * np.sqrt(m) / (_GCJ_A_M * (1.0 - _GCJ_EE)))
    d_lon = np.degrees(t_lon * np.sqrt(m) / (_GCJ_A_M * np.cos(phi)))
    return np.column_stack([p[:, 0] + d_lon, p[:, 1] + d_lat])


def gcj02_to_wgs84(lonlat: Any) -> Floats:
    """Undo the GCJ-02 shift by fixed-point iteration.

    Parameters
    ----------
    lonlat : (n, 2) deg, GCJ-02, longitude first

    Returns
    -------
    (n, 2) deg, WGS 84

    Notes
    -----
    CRS: GCJ-02 in, WGS 84 out.
    Cost: O(n), eight steps.
    Invariant: undoes `wgs84_to_gcj02` to 1e-9 deg.
    Source: fixed-point iteration on the published algorithm.
    """
    target = np.asarray(lonlat, dtype=np.float64).reshape(-1, 2)
    guess = target.copy()
    for _ in range(8):
        guess = guess + (target - wgs84_to_gcj02(guess))
    return guess


def gcj02_to_bd09(lonlat: Any) -> Floats:
    """Shift GCJ-02 to BD-09 (the datum of one consumer map).

    Parameters
    ----------
    lonlat : (n, 2) deg, GCJ-02, longitude first

    Returns
    -------
    (n, 2) deg, BD-09

    Notes
    -----
    CRS: GCJ-02 in, BD-09 out.
    Cost: O(n).
    Invariant: `bd09_to_gcj02` undoes it to 1e-9 deg.
    Source: the published algorithm.
    """
    p = np.asarray(lonlat, dtype=np.float64).reshape(-1, 2)
    lon, lat = p[:, 0], p[:, 1]
    z = np.hypot(lon, lat) + 2e-5 * np.sin(lat * _BD_K)
    theta = np.arctan2(lat, lon) + 3e-6 * np.cos(lon * _BD_K)
    return np.column_stack([z * np.cos(theta) + 0.0065, z * np.sin(theta) + 0.006])


def bd09_to_gcj02(lonlat: Any) -> Floats:
    """Undo the BD-09 shift by fixed-point iteration.

    Parameters
    ----------
    lonlat : (n, 2) deg, BD-09, longitude first

    Returns
    -------
    (n, 2) deg, GCJ-02

    Notes
    -----
    CRS: BD-09 in, GCJ-02 out.
    Cost: O(n), eight steps.
    Invariant: undoes `gcj02_to_bd09` to 1e-9 deg.
    Source: fixed-point iteration; the usual closed form errs by up to 0.13 m.
    """
    target = np.asarray(lonlat, dtype=np.float64).reshape(-1, 2)
    guess = target.copy()
    for _ in range(8):
        guess = guess + (target - gcj02_to_bd09(guess))
    return guess


def bd09_to_wgs84(lonlat: Any) -> Floats:
    """Undo BD-09 and GCJ-02 at once.

    Parameters
    ----------
    lonlat : (n, 2) deg, BD-09, longitude first

    Returns
    -------
    (n, 2) deg, WGS 84

    Notes
    -----
    CRS: BD-09 in, WGS 84 out.
    Cost: O(n).
    Invariant: undoes `gcj02_to_bd09` after `wgs84_to_gcj02`.
    Source: both inverses.
    """
    return gcj02_to_wgs84(bd09_to_gcj02(lonlat))
