"""Coverage in bands of time: how much of something is reached first, and by a second team, within each."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo.coverage import TIME_DIGITS, Coverage, Teams
from geo.errors import InputError

Floats = NDArray[np.float64]

BAND_LIMITS_S = (300.0, 900.0, 1800.0, 3600.0)
"""Upper bounds of the bands, each included: 5, 15, 30, 60 min; what is later stands above the last."""


@dataclass(frozen=True)
class Arrivals:
    """The first and the second team at each place.

    `first_s` and `second_s` are (n,) s, inf where there is none; `first_team` is (n,) its position, -1 without.
    """

    first_s: Floats
    second_s: Floats
    first_team: NDArray[np.intp]


def first_arrivals(teams: Teams, *, travel_s: Any, last_leg_s: Any, has_road: Any) -> Arrivals:
    """When the first and the second eligible team are at each place.

    Parameters
    ----------
    teams : (m,) teams
    travel_s : (n, m) s on the road, inf no route, NaN unknown
    last_leg_s : (n, m) s off the road at both ends; NaN no road
    has_road : (n,) bool, whether a road is near enough to the place

    Returns
    -------
    Arrivals; all inf without eligible teams

    Raises
    ------
    InputError : shapes that do not fit

    Notes
    -----
    CRS: none.
    Cost: O(n m).
    Invariant: `first_s` and `first_team` are total_s and team_id of `coverage` on the same input; a place has
    a second team within a limit where `coverage` counts one or more backup teams.
    Source: as `coverage`; of equal times the smallest team id is first.
    """
    travel, legs = np.asarray(travel_s, dtype=np.float64), np.asarray(last_leg_s, dtype=np.float64)
    road = np.asarray(has_road, dtype=bool)
    n, m = len(road), len(teams)
    if travel.shape != (n, m) or legs.shape != (n, m):
        raise InputError(f"travel_s, last_leg_s: {travel.shape}, {legs.shape}; expected {n} places by {m} teams")
    first_s, second_s = np.full(n, np.inf), np.full(n, np.inf)
    first = np.full(n, -1, dtype=np.intp)
    for j in np.argsort(np.asarray(teams.id, dtype=object), kind="stable"):
        if not teams.eligible[j]:
            continue
        parts = np.round(travel[:, j], TIME_DIGITS) + np.round(legs[:, j], TIME_DIGITS)
        total = np.round(teams.before_travel_s[j] + parts, TIME_DIGITS)
        total = np.where(road & np.isfinite(total), total, np.inf)
        sooner = total < first_s
        second_s = np.where(sooner, first_s, np.minimum(second_s, total))
        first_s = np.where(sooner, total, first_s)
        first[sooner] = j
    return Arrivals(first_s, second_s, first)


def amounts_by_band(times_s: Any, amounts: Any, *, limits_s: Any = BAND_LIMITS_S) -> Floats:
    """How much is reached in each band.

    Parameters
    ----------
    times_s : (n,) s, inf never
    amounts : (n,) of anything that adds up, >= 0: persons, km2, weights
    limits_s : (k,) s, ascending; a time equal to a bound is in the band that the bound ends

    Returns
    -------
    (k + 1,) amounts; the last is what is later than every bound, or never reached

    Raises
    ------
    InputError : lengths that differ, bounds that do not ascend, amounts below 0 or not finite

    Notes
    -----
    CRS: none.
    Cost: O(n log k).
    Invariant: the bands add up to the sum of the amounts.
    Source: bands 5, 15, 30, 60 min as the district's plan is reported.
    """
    times, values = np.asarray(times_s, dtype=np.float64), np.asarray(amounts, dtype=np.float64)
    limits = np.asarray(limits_s, dtype=np.float64)
    if times.shape != values.shape or times.ndim != 1:
        raise InputError(f"times_s, amounts: {times.shape}, {values.shape}; expected one amount a time")
    if np.isnan(times).any():
        raise InputError("times_s: not a number; expected seconds, inf for never")
    if len(limits) == 0 or (np.diff(limits) <= 0).any():
        raise InputError(f"limits_s={limits.tolist()}: expected ascending seconds")
    if not (np.isfinite(values) & (values >= 0)).all():
        raise InputError("amounts: expected finite numbers, 0 or more")
    band = np.searchsorted(limits, times, side="left")
    return np.bincount(band, weights=values, minlength=len(limits) + 1).astype(np.float64)


def backed_up(coverage: Coverage) -> dict[str, Any]:
    """Places and persons that two teams or more reach within the limit, counted one by one.

    Parameters
    ----------
    coverage : a coverage

    Returns
    -------
    ``places`` and ``persons`` backed up, and their shares of all; a share is None where there is nothing

    Notes
    -----
    CRS: none.
    Cost: O(places).
    Invariant: never more than are covered.
    Source: Hogan and ReVelle (1986), Management Science 32(11), 1434-1444, doi:10.1287/mnsc.32.11.1434:
    the second coverage of a place that is covered once already.
    """
    table = coverage.table
    twice = table["covered"].to_numpy(dtype=bool) & (table["backup_teams"].to_numpy(dtype=np.int64) >= 1)
    persons = table["persons"].to_numpy(dtype=np.int64)
    places, all_persons = int(twice.sum()), int(persons.sum())
    return {
        "places": places,
        "persons": int(persons[twice].sum()),
        "places_share": places / len(table) if len(table) else None,
        "persons_share": int(persons[twice].sum()) / all_persons if all_persons else None,
    }
