"""Shelters (应急避难场所): places by stay and area, which of them are not fit, and the balance by street.

A place (避难容量) is the effective area over the area that a person needs for the stay. A shelter that is laid
out for a longer stay serves shorter ones too, never the other way round.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.errors import InputError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

Stay = Literal["day", "short", "medium", "long"]
STAYS: tuple[Stay, ...] = ("day", "short", "medium", "long")
"""From the shortest to the longest."""

PERSON_M2: dict[Stay, float] = {"day": 0.5, "short": 2.0, "medium": 3.0, "long": 4.5}
"""Effective area that a person needs, m2 [GB 51143-2015, from memory]."""


@dataclass(frozen=True)
class ShelterClass:
    """A class of GB 51143-2015: the longest stay, how far people walk to it, its least size and the most it holds.

    `reach_m` is None where no distance is said; it is measured along the streets. `least_m2` is of effective area.
    `most_persons` holds whatever the stay; None: by the site.
    """

    code: str
    stay: Stay
    reach_m: float | None
    least_m2: float
    open_days: int
    exits: int
    most_persons: int | None
    source: str = "GB 51143-2015, from memory; to be confirmed"


SHELTER_CLASSES: dict[str, ShelterClass] = {
    row.code: row
    for row in (
        ShelterClass("emergency", "day", 500.0, 1_000.0, 1, 2, None),
        ShelterClass("short", "short", 1_000.0, 2_000.0, 15, 2, 5_000),
        ShelterClass("medium", "medium", 1_500.0, 10_000.0, 30, 2, 23_000),
        ShelterClass("long", "long", 2_500.0, 50_000.0, 100, 4, 90_000),
        ShelterClass("central", "long", None, 200_000.0, 100, 4, None),
    )
}

REACH_M: dict[Stay, float] = {row.stay: row.reach_m for row in SHELTER_CLASSES.values() if row.reach_m is not None}
"""Evacuation distance (疏散距离) by stay, m along the streets, bound included."""

FIXED_SHARE = 0.15
"""Places for more than a day that a district must hold, as a share of its residents [GB 51143-2015]."""

USABLE_SHARE = {True: 0.50, False: 0.40}
"""Indoor or not -> share of the gross area that can be used, where no effective area is known [proposed, the least
of its kind]."""

Basis = Literal["registered", "effective_area", "gross_area", "class_limit", "not_for_stay", "unknown"]


@dataclass(frozen=True)
class Places:
    """(m,) persons that each shelter holds, and what the number rests on."""

    persons: Ints
    basis: tuple[Basis, ...]


def places(
    classes: Sequence[str | None],
    stays: Sequence[str | None],
    registered: Any,
    effective_m2: Any,
    gross_m2: Any,
    indoor: Sequence[Any],
    *,
    stay: Stay | None = None,
) -> Places:
    """How many persons each shelter holds for a stay.

    Parameters
    ----------
    classes : (m,) keys of `SHELTER_CLASSES`, None where not known
    stays : (m,) the longest stay that each is laid out for; None takes that of its class, else a day
    registered : (m,) persons, as the register has it for the longest stay; NaN not known
    effective_m2 : (m,) m2 of effective area; NaN not known
    gross_m2 : (m,) m2; used where there is no effective area, by `USABLE_SHARE`
    indoor : (m,) whether it is indoors; None counts as outdoors
    stay : the stay asked for; None: of each shelter its own longest

    Returns
    -------
    Places; 0 where a shelter is not laid out for the stay or nothing is known of its size

    Raises
    ------
    InputError : an unknown class or stay, a size below 0, lengths that differ

    Notes
    -----
    CRS: none.
    Cost: O(m).
    Invariant: never more than its class may hold; for its own stay never more than registered and never more than the
    area holds; a shorter stay never holds fewer, where the area is known.
    Source: ``floor(effective area / area a person)``, GB 51143-2015 from memory; shares of the gross area proposed.
    """
    number = np.asarray(registered, dtype=np.float64).reshape(-1)
    effective = np.asarray(effective_m2, dtype=np.float64).reshape(-1)
    gross = np.asarray(gross_m2, dtype=np.float64).reshape(-1)
    m = len(number)
    if {len(classes), len(stays), len(effective), len(gross), len(indoor)} != {m}:
        raise InputError("shelters: classes, stays, sizes and indoor differ in length")
    for name, values in (("registered", number), ("effective_m2", effective), ("gross_m2", gross)):
        if (values < 0).any() or np.isinf(values).any():
            raise InputError(f"{name}={values[(values < 0) | np.isinf(values)][0]:g}: expected 0 or more")
    if stay is not None:
        _require_stay("stay", stay)
    persons = np.zeros(m, dtype=np.int64)
    basis: list[Basis] = []
    for j in range(m):
        found = _places_of(
            _own_stay(classes[j], stays[j]),
            stay,
            registered=number[j],
            effective_m2=effective[j],
            usable_m2=gross[j] * USABLE_SHARE[bool(indoor[j]) if indoor[j] is not None else False],
        )
        class_ = classes[j]
        most = None if class_ is None else SHELTER_CLASSES[class_].most_persons
        if most is not None and found[0] > most:
            found = most, "class_limit"
        persons[j] = found[0]
        basis.append(found[1])
    return Places(persons, tuple(basis))


def _require_stay(name: str, stay: Any) -> None:
    if stay not in STAYS:
        raise InputError(f"{name}={stay!r}: expected one of {', '.join(STAYS)}")


def _own_stay(class_: str | None, stay: str | None) -> Stay:
    if class_ is not None and class_ not in SHELTER_CLASSES:
        raise InputError(f"class={class_!r}: expected one of {', '.join(SHELTER_CLASSES)}")
    if stay is None:
        return "day" if class_ is None else SHELTER_CLASSES[class_].stay
    _require_stay("stays", stay)
    return STAYS[STAYS.index(stay)]


def _places_of(
    own: Stay, asked: Stay | None, *, registered: float, effective_m2: float, usable_m2: float
) -> tuple[int, Basis]:
    stay = own if asked is None else asked
    if STAYS.index(stay) > STAYS.index(own):
        return 0, "not_for_stay"
    has_area = not np.isnan(effective_m2)
    area_m2 = effective_m2 if has_area else usable_m2
    # A quotient that is whole but for the last bits of a float is whole.
    by_area = None if np.isnan(area_m2) else int(np.floor(round(area_m2 / PERSON_M2[stay], 6)))
    known = None if np.isnan(registered) else int(registered)
    if known is not None and (by_area is None or (stay == own and known <= by_area)):
        return known, "registered"
    if by_area is not None:
        return by_area, "effective_area" if has_area else "gross_area"
    return 0, "unknown"


@dataclass(frozen=True)
class Fitness:
    """(m,) what speaks against each shelter; `hazard` is -1 and `hazard_m` NaN where no hazard is too near."""

    has_place: Bools
    in_zone: Bools
    hazard: Ints
    hazard_m: Floats

    @property
    def is_fit(self) -> Bools:
        """(m,) whether nothing speaks against it."""
        return self.has_place & ~self.in_zone & (self.hazard < 0)


def fitness(xy_m: Any, *, zone: Any = None, hazard_xy_m: Any = (), hazard_limit_m: Any = ()) -> Fitness:
    """Which shelters lie in a hazard zone or too near to a major hazard (重大危险源).

    Parameters
    ----------
    xy_m : (m, 2) m; NaN has no place
    zone : area in the same CRS; None or empty: none. On its border is in
    hazard_xy_m : (k, 2) m
    hazard_limit_m : (k,) m, >= 0, of each hazard; exactly as far is too near

    Returns
    -------
    Fitness; of several hazards that are too near the nearest is named, of equals the first

    Raises
    ------
    InputError : a limit below 0, lengths that differ, a hazard without a place

    Notes
    -----
    CRS: one metric CRS for all.
    Cost: O(m k).
    Invariant: a larger zone or limit never makes a shelter fit again.
    Source: distance to hazardous installations: outside the isolation distance, proposed; the rest own rule.
    """
    xy = np.asarray(xy_m, dtype=np.float64).reshape(-1, 2)
    sources = np.asarray(hazard_xy_m, dtype=np.float64).reshape(-1, 2)
    limit = np.asarray(hazard_limit_m, dtype=np.float64).reshape(-1)
    if len(sources) != len(limit):
        raise InputError(f"hazard_limit_m: {len(limit)} limits for {len(sources)} hazards")
    if not ((limit >= 0) & np.isfinite(limit)).all():
        raise InputError("hazard_limit_m: expected metres, 0 or more")
    if not np.isfinite(sources).all():
        raise InputError("hazard_xy_m: a hazard has no place")
    there: Bools = np.asarray(np.isfinite(xy).all(axis=1))
    in_zone = np.zeros(len(xy), dtype=bool)
    if zone is not None and not shapely.is_empty(zone):
        shapely.prepare(zone)
        in_zone[there] = shapely.intersects(zone, shapely.points(xy[there]))
    hazard, hazard_m = np.full(len(xy), -1, dtype=np.int64), np.full(len(xy), np.nan)
    if len(sources):
        apart = np.hypot(xy[:, :1] - sources[None, :, 0], xy[:, 1:] - sources[None, :, 1])
        apart = np.where(np.round(apart, 3) <= limit[None, :], apart, np.inf)  # NaN is not near
        nearest = np.argmin(apart, axis=1)
        found = np.isfinite(apart[np.arange(len(xy)), nearest])
        hazard[found] = nearest[found]
        hazard_m[found] = apart[np.flatnonzero(found), nearest[found]]
    return Fitness(there, in_zone, hazard, hazard_m)


@dataclass(frozen=True)
class ShelterBalance:
    """Places and distances by street against the standard.

    `streets` has one row a street, the row None for what has no street; `total` is the same of the district. Columns:
    street, persons, shelters, day_places, fixed_places, effective_m2, places_per_person (none without persons),
    fixed_needed, fixed_missing, missing_m2 (at the area of a short stay), day_missing, nearest_mean_m (by persons) and
    nearest_worst_m of those who reach a shelter at all, without_route_persons, and for each stay
    ``near_{stay}_persons`` within `REACH_M` of a shelter for it.
    """

    fixed_share: float
    streets: pd.DataFrame
    total: dict[str, Any]


def shelter_balance(
    people: pd.DataFrame, shelters: pd.DataFrame, walk_m: Any, *, fixed_share: float = FIXED_SHARE
) -> ShelterBalance:
    """Shelter places a person, and who has a shelter near enough, by street.

    Parameters
    ----------
    people : (n,) rows with street (None: without) and persons (whole, >= 0)
    shelters : (m,) rows with street, stay (the longest, of `STAYS`), day_places and own_places (persons, for a day and
        for the longest stay), effective_m2 (NaN not known)
    walk_m : (n, m) m along the streets from i to j; inf or NaN no route
    fixed_share : places for more than a day, as a share of the persons, 0 to 1

    Returns
    -------
    ShelterBalance; streets in order of name, the row None last where it occurs

    Raises
    ------
    InputError : shapes that do not fit, a share outside 0 to 1, persons below 0 or not whole, an unknown stay

    Notes
    -----
    CRS: none; distances enter only through `walk_m`.
    Cost: O(n m).
    Invariant: persons, shelters and places of the streets add up to those of the district (what is missing need not:
    a surplus of one street does not fill the gap of another).
    Source: ``needed = ceil(share x persons)``; distances and areas GB 51143-2015, from memory; a place is near when the
    way is at most the distance (bound included); a shelter for a longer stay counts for the shorter ones, proposed.
    """
    n, m = len(people), len(shelters)
    walk = np.asarray(walk_m, dtype=np.float64)
    if walk.shape != (n, m):
        raise InputError(f"walk_m: shape {walk.shape}; expected {n} places by {m} shelters")
    if not 0 <= fixed_share <= 1:
        raise InputError(f"fixed_share={fixed_share}: expected 0 to 1")
    persons = np.asarray(people["persons"], dtype=np.float64)
    if not ((persons >= 0) & (persons == np.floor(persons))).all():
        raise InputError("persons: expected whole numbers, 0 or more")
    for stay in shelters["stay"]:
        _require_stay("stay", stay)
    walk = np.where(np.isnan(walk), np.inf, walk)
    rank = np.array([STAYS.index(stay) for stay in shelters["stay"]], dtype=np.int64)
    nearest = walk.min(axis=1, initial=np.inf)
    near = {
        stay: np.round(walk[:, rank >= k].min(axis=1, initial=np.inf), 3) <= REACH_M[stay]
        for k, stay in enumerate(STAYS)
    }
    counted = _Counted(persons, nearest, near, shelters, rank, fixed_share)
    homes = _keys(people["street"])
    seats = _keys(shelters["street"])
    names: list[str | None] = [*sorted({name for name in (*homes, *seats) if name is not None})]
    if None in homes or None in seats:
        names.append(None)
    rows = [{"street": name, **counted.of(_equals(homes, name), _equals(seats, name))} for name in names]
    every = counted.of(np.ones(n, dtype=bool), np.ones(m, dtype=bool))
    streets = pd.DataFrame(rows, columns=["street", *every])
    streets["street"] = pd.Series(names, dtype=object)  # None stays None
    return ShelterBalance(fixed_share, streets, every)


def _keys(column: pd.Series) -> list[str | None]:
    return [None if pd.isna(value) else str(value) for value in column]


def _equals(keys: Sequence[str | None], name: str | None) -> Bools:
    return np.array([key == name for key in keys], dtype=bool)


@dataclass(frozen=True)
class _Counted:
    """What is known of every place and every shelter; `of` counts some of them."""

    persons: Floats
    nearest_m: Floats
    near: dict[Stay, Bools]
    shelters: pd.DataFrame
    rank: Ints
    fixed_share: float

    def of(self, homes: Bools, seats: Bools) -> dict[str, Any]:
        persons = int(self.persons[homes].sum())
        held = self.shelters[seats]
        day_places = int(held["day_places"].sum())
        fixed = self.rank[seats] >= STAYS.index("short")
        fixed_places = int(held["own_places"].to_numpy()[fixed].sum())
        needed = int(np.ceil(round(self.fixed_share * persons, 6)))
        missing = max(0, needed - fixed_places)
        there = homes & np.isfinite(self.nearest_m) & (self.persons > 0)
        weight, metres = self.persons[there], self.nearest_m[there]
        return {
            "persons": persons,
            "shelters": int(seats.sum()),
            "day_places": day_places,
            "fixed_places": fixed_places,
            "effective_m2": float(held["effective_m2"].sum()),
            "places_per_person": day_places / persons if persons else None,
            "fixed_needed": needed,
            "fixed_missing": missing,
            "missing_m2": missing * PERSON_M2["short"],
            "day_missing": max(0, persons - day_places),
            "nearest_mean_m": float((weight * metres).sum() / weight.sum()) if len(weight) else None,
            "nearest_worst_m": float(metres.max()) if len(metres) else None,
            "without_route_persons": int(self.persons[homes & ~np.isfinite(self.nearest_m)].sum()),
            **{f"near_{stay}_persons": int(self.persons[homes & near].sum()) for stay, near in self.near.items()},
        }
