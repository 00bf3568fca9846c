"""Whether places stand on the roads as declared, or only after a shift of datum."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.crs import bd09_to_wgs84, gcj02_to_bd09, gcj02_to_wgs84, to_metric, wgs84_to_gcj02
from geo.errors import InputError

Floats = NDArray[np.float64]

MIN_PLACES = 8
"""Fewer places than this are no evidence [proposed]."""

_CAP_M = 250.0  # one far place must not decide
_MAX_PLACES = 1000
_CONTROLS = 16  # turns of the shift, to see whether any shift of that length would do as well
_Z = 4.0  # standard errors by which the shifted places must be nearer to the roads

CANDIDATES: dict[str, Callable[[Any], Floats]] = {
    "GCJ-02": gcj02_to_wgs84,
    "BD-09": bd09_to_wgs84,
    "WGS 84, shifted once too often": wgs84_to_gcj02,
    "WGS 84, shifted twice too often": lambda lonlat: gcj02_to_bd09(wgs84_to_gcj02(lonlat)),
}
"""What the places may be in truth, and what brings them to WGS 84."""


@dataclass(frozen=True)
class ShiftEvidence:
    """The places stand on the roads only after a shift."""

    datum: str
    shift_m: float
    mean_distance_m: float
    mean_distance_shifted_m: float
    places: int


def shift_evidence(lonlat: Any, roads_m: Any, *, epsg: int) -> ShiftEvidence | None:
    """Say whether road-bound places lie off the roads by just the shift of a Chinese datum.

    Parameters
    ----------
    lonlat : (n, 2) deg, as declared WGS 84
    roads_m : (r,) road lines in the metric CRS
    epsg : EPSG code of the metric CRS

    Returns
    -------
    ShiftEvidence, or None where the places are as near to the roads as they are, or too few

    Raises
    ------
    InputError : coordinates that are not finite

    Notes
    -----
    CRS: WGS 84 in, measured in `epsg`.
    Cost: O(20 n log r).
    Invariant: none.
    Source: own method. A shift is believed when the places come nearer to the roads by more than
    four standard errors and to less than 0.6 of the distance, and when no shift of the same length
    in another direction does as well: in a dense town any place is near some road.
    """
    points = np.asarray(lonlat, dtype=np.float64).reshape(-1, 2)
    if not np.isfinite(points).all():
        raise InputError("lonlat: a coordinate is not a finite number")
    lines = np.asarray(roads_m, dtype=object)
    if len(points) < MIN_PLACES or len(lines) == 0:
        return None
    if len(points) > _MAX_PLACES:
        points = points[np.linspace(0, len(points) - 1, _MAX_PLACES).astype(int)]
    tree = shapely.STRtree(lines)
    declared = to_metric(points, epsg=epsg)

    def distance(xy: Floats) -> Floats:
        found = tree.query_nearest(shapely.points(xy), all_matches=False, return_distance=True)
        return np.minimum(np.asarray(found[1], dtype=np.float64), _CAP_M)

    here = distance(declared)
    best: ShiftEvidence | None = None
    for datum, undo in CANDIDATES.items():
        shifted = to_metric(undo(points), epsg=epsg)
        if not np.isfinite(shifted).all():
            continue
        there = distance(shifted)
        gain = here - there
        error = float(gain.std(ddof=1)) / np.sqrt(len(gain)) + 1e-9
        if gain.mean() < _Z * error or there.mean() > 0.6 * here.mean():
            continue
        offset = (shifted - declared).mean(axis=0)
        controls = []
        for turn in np.arange(1, _CONTROLS) * 2 * np.pi / _CONTROLS:
            rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
            controls.append(float(distance(declared + rotation @ offset).mean()))
        if there.mean() > 0.75 * min(controls):
            continue
        found = ShiftEvidence(datum, float(np.hypot(*offset)), float(here.mean()), float(there.mean()), len(points))
        if best is None or found.mean_distance_shifted_m < best.mean_distance_shifted_m:
            best = found
    return best
