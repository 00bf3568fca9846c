"""Made-up enterprises in any number, all over a district: for measures and tests of what is slow with many rows."""

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import shapely

from data.kinds import FIRE_CLASSES, RISK_LEVELS, Choice
from data.store import Store
from geo.errors import InputError

_SHARES = (0.02, 0.08, 0.3, 0.6)  # of the risk levels, the gravest first


def crowd(store: Store, rows: int, *, seed: int) -> gpd.GeoDataFrame:
    """So many enterprises with the ids X-000000 and on, at random places within the boundary of the district, WGS 84.

    InputError where the district has no boundary or `rows` is below 1.
    """
    if rows < 1:
        raise InputError(f"rows={rows}: expected 1 or more")
    boundary = store.frame("boundary")
    if len(boundary) == 0:
        raise InputError("the district has no boundary to put enterprises in; import one first")
    land = boundary.union_all()
    random = np.random.default_rng(seed)
    west, south, east, north = land.bounds
    lonlat = np.empty((0, 2))
    while len(lonlat) < rows:
        tried = random.uniform((west, south), (east, north), (2 * rows, 2))
        lonlat = np.concatenate([lonlat, tried[shapely.contains_xy(land, *tried.T)]])

    def one_of(choices: Sequence[Choice], shares: Sequence[float] | None = None) -> list[str]:
        found: list[str] = random.choice([choice.code for choice in choices], rows, p=shares).tolist()
        return found

    return gpd.GeoDataFrame(
        {
            "id": [f"X-{k:06d}" for k in range(rows)],
            "name": [f"示意企业{k:06d}" for k in range(rows)],
            "risk_level": one_of(RISK_LEVELS, _SHARES),
            "fire_class": one_of(FIRE_CLASSES),
            "workers_on_shift": random.integers(0, 500, rows),
            "address": [f"示意路{k}号" for k in range(rows)],
        },
        geometry=shapely.points(np.round(lonlat[:rows], 6)),
        crs="EPSG:4326",
    )
