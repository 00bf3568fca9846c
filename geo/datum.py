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

_CAP_M = 100.0  # farther off is off the road, however far: one far place must not decide
_TOLD_CAP_M = 250.0  # the same for the mean distances that are told
_MAX_PLACES = 1000
_CONTROLS = 16  # turns of the shift, to see whether any shift of that length would do as well
_Z = 3.5  # standard errors by which the places must be nearer to the roads after the shift
_Z_CONTROL = 2.0  # and nearer than after every turned shift
_BLOCK_M = 300.0  # places within one block of this size count as one witness
_MIN_BLOCKS = 6

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
    Source: own method. A shift is believed when it brings the places nearer to the roads by more
    than 3.5 standard errors, and nearer than the same length in any other direction by more than 2:
    in a dense town any place is near some road. Places of one neighbourhood move together, so the
    errors are those of blocks, not of places. Below some 20 places only a part is found.
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
        return np.asarray(found[1], dtype=np.float64)

    block = np.unique(np.floor(declared / _BLOCK_M), axis=0, return_inverse=True)[1].reshape(-1)
    if block.max() + 1 < _MIN_BLOCKS:
        return None
    here = distance(declared)
    best: ShiftEvidence | None = None
    nearest = np.inf
    for datum, undo in CANDIDATES.items():
        shifted = to_metric(undo(points), epsg=epsg)
        if not np.isfinite(shifted).all():
            continue
        there = distance(shifted)
        mean = float(np.minimum(there, _CAP_M).mean())
        if mean >= nearest or _gain(here, there, block) < _Z:
            continue
        offset = (shifted - declared).mean(axis=0)
        turns = np.arange(1, _CONTROLS) * 2 * np.pi / _CONTROLS
        if all(_gain(distance(declared + _turned(offset, turn)), there, block) >= _Z_CONTROL for turn in turns):
            nearest = mean
            told, told_there = (float(np.minimum(far, _TOLD_CAP_M).mean()) for far in (here, there))
            best = ShiftEvidence(datum, float(np.hypot(*offset)), told, told_there, len(points))
    return best


def _turned(offset: Floats, turn: float) -> Floats:
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    found: Floats = rotation @ offset
    return found


def _gain(before: Floats, after: Floats, block: NDArray[np.intp]) -> float:
    """By how many standard errors the places are nearer to the roads after than before."""
    gain = np.minimum(before, _CAP_M) - np.minimum(after, _CAP_M)
    n, blocks = len(gain), int(block.max()) + 1
    together = np.bincount(block, gain - gain.mean())
    of_blocks = float(np.sqrt(float((together**2).sum()) * blocks / (blocks - 1))) / n
    of_places = float(gain.std(ddof=1) / np.sqrt(n))
    error = max(of_blocks, of_places) + 1e-9
    return float(gain.mean()) / error
