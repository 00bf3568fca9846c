"""Lengths and areas on the ellipsoid, for what is measured on the map."""

from typing import Any

import numpy as np
import pyproj
from numpy.typing import NDArray

from geo.errors import InputError

_WGS84 = pyproj.Geod(ellps="WGS84")


def _checked(lonlat: Any, fewest: int) -> NDArray[np.float64]:
    try:
        points = np.asarray(lonlat, dtype=np.float64).reshape(-1, 2)
    except (TypeError, ValueError):
        raise InputError("lonlat: expected pairs of longitude and latitude in degrees") from None
    if len(points) < fewest:
        raise InputError(f"lonlat: {len(points)} places; expected {fewest} or more")
    if not (np.isfinite(points).all() and (np.abs(points) <= (180.0, 90.0)).all()):
        raise InputError("lonlat: expected longitudes of -180 to 180 and latitudes of -90 to 90 degrees")
    return points


def geodesic_lengths_m(lonlat: Any) -> NDArray[np.float64]:
    """Lengths of the legs of a line on the ellipsoid.

    Parameters
    ----------
    lonlat : (n, 2) degrees, n >= 2

    Returns
    -------
    (n - 1,) m, each leg along its geodesic; 0 between equal places

    Raises
    ------
    InputError : fewer than two places, or not degrees

    Notes
    -----
    CRS: degrees of WGS 84 (EPSG:4326). The ellipsoid of CGCS2000 (EPSG:4490) differs by 0.1 mm in the polar
        semi-axis, far below the last digit that is shown.
    Cost: O(n).
    Invariant: the same there and back; never shorter than zero; a leg is never longer than the way over a third place.
    Source: Karney (2013), Journal of Geodesy 87, 43-55, doi:10.1007/s00190-012-0578-z, by PROJ's geodesic routines.
    """
    points = _checked(lonlat, 2)
    found = _WGS84.inv(points[:-1, 0], points[:-1, 1], points[1:, 0], points[1:, 1])[2]
    return np.asarray(found, dtype=np.float64)


def geodesic_area_m2(lonlat: Any) -> float:
    """Area of a ring on the ellipsoid.

    Parameters
    ----------
    lonlat : (n, 2) degrees, n >= 3; the ring closes by itself and does not cross itself

    Returns
    -------
    m2, 0 or more, whichever way round; sides are geodesics

    Raises
    ------
    InputError : fewer than three places, or not degrees

    Notes
    -----
    CRS: degrees of WGS 84 (EPSG:4326); for CGCS2000 as in `geodesic_lengths_m`.
    Cost: O(n).
    Invariant: the same from every first place and either way round; two parts of a ring add up to it.
    Source: Karney (2013), section 6, as above.
    """
    points = _checked(lonlat, 3)
    area, _ = _WGS84.polygon_area_perimeter(points[:, 0], points[:, 1])
    return abs(float(area))
