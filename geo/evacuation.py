"""Evacuation: persons to shelters within capacity, by least total time or by least last arrival.

As many persons as can be are sheltered first; among those plans the one with the least person-time is taken, or the
one whose last arrival is earliest and whose person-time is then least. Both are minimum-cost flows: the matrix of
the linear program is totally unimodular, so that persons stay whole. HiGHS solves it; its answer is checked in whole
numbers, and its multipliers prove that no plan is better.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_flow

from geo.errors import InputError, Unavailable
from geo.integer_program import Clock, IntegerProgram

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

Objective = Literal["total", "last"]
Reason = Literal["no_way", "too_far", "full", "too_many"]

REASONS: tuple[Reason, ...] = ("no_way", "too_far", "full", "too_many")
"""Why persons have no place: no shelter with places can be reached; none within the cap on the walk; those within
reach are full; the village is kept together and has more persons than any of them holds."""

TOGETHER_S = 30.0
"""How long HiGHS may look for a plan that keeps every village together [proposed]."""

_UNIT = 1000  # milliseconds in a second
_MOST_PERSONS = 2**31 - 1  # the flow is counted in 32 bits
_LONGEST_S = 1e6  # person-milliseconds of everybody fit into 63 bits


@dataclass(frozen=True)
class Evacuation:
    """Who goes where, and who has no place.

    (k,) moves, by origin and shelter: `origin`, `shelter`, `moved` (persons, > 0) and `time_s`. (n,) `missing` are the
    persons without a place, `reason` says why, None where nobody is missing. (m,) `load` are the persons in each
    shelter, `free` the places left. `person_s` is the sum of persons x time, `last_s` the longest time of a move, 0
    without moves. `most_sheltered` and `least_person_s` are the proven bounds: no plan shelters more, and none that
    shelters as many takes less (for ``last``: with no later last arrival). They equal the plan but where villages are
    kept together and the search was stopped.
    """

    objective: Objective
    origin: Ints
    shelter: Ints
    moved: Ints
    time_s: Floats
    missing: Ints
    reason: tuple[Reason | None, ...]
    load: Ints
    free: Ints
    person_s: float
    last_s: float
    most_sheltered: int
    least_person_s: float

    @property
    def sheltered(self) -> int:
        """Persons with a place."""
        return int(self.moved.sum())

    @property
    def split(self) -> Ints:
        """The origins whose persons go to several shelters."""
        origins, shelters = np.unique(self.origin, return_counts=True)
        return origins[shelters > 1]

    @property
    def is_proven(self) -> bool:
        """Whether the plan is the best, or the search was stopped with a gap."""
        return self.sheltered == self.most_sheltered and self.person_s == self.least_person_s


def evacuation(
    persons: Any,
    capacity: Any,
    time_s: Any,
    *,
    objective: Objective = "total",
    walk_m: Any = None,
    most_walk_m: float | None = None,
    together: bool = False,
    limit_s: float = TOGETHER_S,
) -> Evacuation:
    """Shelter as many persons as can be, in the least total time or with the earliest last arrival.

    Parameters
    ----------
    persons : (n,) whole persons of each village, >= 0, at most 2,147,483,647 together
    capacity : (m,) whole persons that each shelter holds, >= 0; 0 takes it out
    time_s : (n, m) s, 0 to 1e6, on the way from i to j; inf or NaN no way; counted in whole milliseconds
    objective : ``total``: least sum of persons x time; ``last``: least longest time, and then the least sum
    walk_m : (n, m) m walked on the way from i to j; needed with `most_walk_m`
    most_walk_m : m, >= 0; nobody walks farther (bound included, on whole millimetres); None: no cap
    together : keep every village in one shelter, or leave it out whole; only with ``total``
    limit_s : s, > 0; how long to look for such a plan before the best so far is taken, with its gap

    Returns
    -------
    Evacuation; nobody moves where there are no persons or no shelters

    Raises
    ------
    InputError : values out of bounds, shapes that do not fit, an unknown objective, `together` with ``last``
    Unavailable : the solver's answer does not stand up to the check in whole numbers

    Notes
    -----
    CRS: none; distances enter only through `time_s` and `walk_m`.
    Cost: a linear program of n m columns, n + m + 1 rows (0.3 s at 200 x 120); ``last`` adds log(n m) maximum flows;
    `together` is an integer program.
    Invariant: persons moved and missing add up to `persons`; no load above its capacity; both objectives equal those
    of an exhaustive search; permuting villages or shelters changes neither.
    Source: transportation problem, Hitchcock (1941), doi:10.1002/sapm1941201224; bottleneck form: Garfinkel & Rao
    (1971), doi:10.1002/nav.3800180404, by threshold search over the distinct times with a maximum flow for each.
    """
    heads = _whole("persons", persons)
    places = _whole("capacity", capacity)
    cost = _milliseconds(time_s, len(heads), len(places))
    if objective not in ("total", "last"):
        raise InputError(f"objective={objective!r}: expected total or last")
    if together and objective == "last":
        raise InputError("together: goes with objective=total only; villages may be split for the least last arrival")
    if not (0 < limit_s < np.inf):
        raise InputError(f"limit_s={limit_s}: expected seconds above 0")
    reachable = (cost >= 0) & (places > 0)[None, :]
    allowed = reachable & _within(walk_m, most_walk_m, cost.shape)
    origin, shelter = np.nonzero(allowed & (heads > 0)[:, None])
    pairs = _Pairs(heads, places, origin, shelter, cost[origin, shelter])
    if together:
        moved, most, least = pairs.together(limit_s)
    else:
        most = pairs.most_sheltered()
        if objective == "last":
            pairs = pairs.until(pairs.earliest_last(most))
        moved, least = pairs.least_cost(most)
    return _answer(objective, pairs, moved, most, least, reachable, allowed, together)


def _whole(name: str, values: Any) -> Ints:
    found = np.asarray(values, dtype=np.float64).reshape(-1)
    bad = ~((found >= 0) & (found == np.floor(found)) & np.isfinite(found))
    if bad.any():
        raise InputError(f"{name}={found[bad][0]:g}: expected whole persons, 0 or more")
    if name == "persons" and found.sum() > _MOST_PERSONS:
        raise InputError(f"persons: {found.sum():.0f} in all; at most {_MOST_PERSONS} are counted")
    return np.minimum(found, _MOST_PERSONS).astype(np.int64)  # no shelter is asked to hold more than everybody


def _milliseconds(time_s: Any, n: int, m: int) -> Ints:
    """(n, m) ms, -1 where there is no way."""
    found = np.asarray(time_s, dtype=np.float64)
    if found.shape != (n, m):
        raise InputError(f"time_s: shape {found.shape}; expected {n} villages by {m} shelters")
    known = np.isfinite(found)
    bad = (known & ((found < 0) | (found > _LONGEST_S))) | np.isneginf(found)
    if bad.any():
        raise InputError(f"time_s={found[bad][0]:g}: expected seconds from 0 to {_LONGEST_S:g}, or inf for no way")
    return np.where(known, np.rint(np.where(known, found, 0.0) * _UNIT), -1).astype(np.int64)


def _within(walk_m: Any, most_walk_m: float | None, shape: tuple[int, ...]) -> Bools:
    if most_walk_m is None:
        return np.ones(shape, dtype=bool)
    if not 0 <= most_walk_m < np.inf:
        raise InputError(f"most_walk_m={most_walk_m}: expected metres, 0 or more")
    walk = np.asarray(np.nan if walk_m is None else walk_m, dtype=np.float64)
    if walk.shape != shape:
        raise InputError(f"walk_m: shape {walk.shape}; expected {shape[0]} villages by {shape[1]} shelters")
    found: Bools = np.round(walk, 3) <= most_walk_m
    return found


@dataclass(frozen=True)
class _Pairs:
    """The moves that are allowed: (k,) origin, shelter and whole milliseconds, with persons and places."""

    persons: Ints
    places: Ints
    origin: Ints
    shelter: Ints
    cost: Ints

    def until(self, longest: int) -> "_Pairs":
        """Those that take at most so long."""
        kept = self.cost <= longest
        return _Pairs(self.persons, self.places, self.origin[kept], self.shelter[kept], self.cost[kept])

    def most_sheltered(self) -> int:
        """How many persons can be sheltered at all: a maximum flow from villages to shelters."""
        n, m = len(self.persons), len(self.places)
        if len(self.origin) == 0:
            return 0
        begin = np.r_[np.zeros(n, dtype=np.int64), 1 + self.origin, 1 + n + np.arange(m)]
        end = np.r_[1 + np.arange(n), 1 + n + self.shelter, np.full(m, 1 + n + m)]
        through = np.r_[self.persons, self.persons[self.origin], self.places].astype(np.int32)
        graph = csr_array((through, (begin, end)), shape=(n + m + 2, n + m + 2))
        return int(maximum_flow(graph, 0, n + m + 1).flow_value)

    def earliest_last(self, most: int) -> int:
        """The least of the distinct times within which as many persons can still be sheltered."""
        times = np.unique(self.cost)
        low, high = 0, len(times) - 1
        while low < high:
            middle = (low + high) // 2
            if self.until(int(times[middle])).most_sheltered() == most:
                high = middle
            else:
                low = middle + 1
        return int(times[low]) if len(times) else 0

    def least_cost(self, most: int) -> tuple[Ints, int]:
        """(k,) persons of each move and the proven least cost of sheltering `most` persons."""
        moved, multipliers = self._flow(most)
        cost, bound = int((moved * self.cost).sum()), self._bound(multipliers, most)
        if bound != cost:
            raise Unavailable(f"evacuation: the plan costs {cost} person-ms, the solver proves only {bound}; ask again")
        return moved, bound

    def _flow(self, most: int) -> tuple[Ints, Ints]:
        """(k,) persons of a cheapest plan for `most`, and the (n + m,) multipliers of villages and shelters."""
        n, m, k = len(self.persons), len(self.places), len(self.origin)
        if most == 0:
            return np.zeros(k, dtype=np.int64), np.zeros(n + m, dtype=np.int64)
        program, columns = self._program(np.ones((3, k)), self.persons, most, most)
        solved = program.solve(columns, self.cost)
        if not solved.is_optimal or solved.values is None or solved.row_duals is None:
            raise Unavailable("evacuation: the solver gave up; ask for fewer villages or shelters")
        moved = _rounded(solved.values)
        self._require(moved, most)
        return moved, _rounded(solved.row_duals)[: n + m]

    def _program(
        self,
        values: Any,
        most_of_village: Any,
        least: int,
        most: int,
        *,
        whole: bool = False,
        clock: Clock | None = None,
    ) -> tuple[IntegerProgram, Ints]:
        """A column for each pair; rows for the villages, the shelters and everybody, with (3, k) `values` in them.

        Presolve is off: it is slower than the search itself for rows like these.
        """
        n, m, k = len(self.persons), len(self.places), len(self.origin)
        program = IntegerProgram(clock, presolve=False)
        columns = program.add_columns(k, upper=1.0 if whole else np.inf, is_whole=whole)
        row = np.concatenate([self.origin, n + self.shelter, np.full(k, n + m)])
        program.add_rows(
            row,
            np.tile(columns, 3),
            np.asarray(values).reshape(-1),
            lower=np.r_[np.zeros(n + m), least],
            upper=np.r_[most_of_village, self.places, most],
        )
        return program, columns

    def _require(self, moved: Ints, total: int) -> None:
        """Whole persons, nobody twice, nobody above capacity."""
        out = np.bincount(self.origin, moved, len(self.persons)).astype(np.int64)
        into = np.bincount(self.shelter, moved, len(self.places)).astype(np.int64)
        sound = (moved >= 0).all() and (out <= self.persons).all() and (into <= self.places).all()
        if not sound or int(moved.sum()) != total:
            raise Unavailable("evacuation: the solver's plan is not one of whole persons within capacity; ask again")

    def _bound(self, multipliers: Ints, most: int) -> int:
        """What every plan for `most` costs at least, by weak duality, in whole numbers."""
        if most == 0:
            return 0
        n = len(self.persons)
        out, into = np.minimum(multipliers[:n], 0), np.minimum(multipliers[n:], 0)
        # The price of a person is lowered until no move is worth more than it costs.
        price = int((self.cost - out[self.origin] - into[self.shelter]).min())
        return int((out * self.persons).sum()) + int((into * self.places).sum()) + price * most

    def together(self, limit_s: float) -> tuple[Ints, int, int]:
        """(k,) persons, each village in one shelter or in none; with the bounds on persons and cost."""
        fits = self.persons[self.origin] <= self.places[self.shelter]
        pairs = _Pairs(self.persons, self.places, self.origin[fits], self.shelter[fits], self.cost[fits])
        n, k = len(self.persons), len(pairs.origin)
        heads = pairs.persons[pairs.origin]
        values, one, everybody = np.array([np.ones(k), heads, heads]), np.ones(n), int(self.persons.sum())
        clock = Clock(limit_s)
        most = pairs.most_sheltered()
        split = pairs._flow(most)[0]
        plans = [pairs._one_by_one(split == heads), pairs._one_by_one(np.zeros(k, dtype=bool))]
        chosen = min(plans, key=lambda plan: (-heads[plan].sum(), (heads * pairs.cost)[plan].sum()))
        if heads[chosen].sum() < most:
            half = Clock(limit_s / 2)
            fullest, columns = pairs._program(values, one, 0, everybody, whole=True, clock=half)
            chosen, bound = _chosen(fullest, columns, -heads, chosen)
            most = min(most, -bound)
            clock = Clock(limit_s / 2 + max(half.left_s, 0.0))
        sheltered = int(heads[chosen].sum())
        least = pairs._bound(pairs._flow(sheltered)[1], sheltered)
        if k and least < (heads * pairs.cost)[chosen].sum():
            quickest, columns = pairs._program(values, one, sheltered, everybody, whole=True, clock=clock)
            chosen, bound = _chosen(quickest, columns, heads * pairs.cost, chosen)
            least = max(least, bound)
        found = np.where(chosen, heads, 0)
        pairs._require(found, int(found.sum()))
        if (np.bincount(pairs.origin[chosen], minlength=n) > 1).any() or found.sum() < sheltered:
            raise Unavailable("evacuation: the solver's plan does not keep every village together; ask again")
        moved = np.zeros(len(self.origin), dtype=np.int64)
        moved[np.flatnonzero(fits)] = found
        return moved, max(most, int(found.sum())), min(least, int((found * pairs.cost).sum()))

    def _one_by_one(self, begin: Bools) -> Bools:
        """(k,) a plan to begin with: these pairs, then the largest villages first, each to its quickest shelter."""
        chosen = begin.copy()
        left = self.places - np.bincount(self.shelter[begin], self.persons[self.origin[begin]], len(self.places))
        first = np.searchsorted(self.origin, np.arange(len(self.persons) + 1))
        done = np.isin(np.arange(len(self.persons)), self.origin[begin])
        for i in np.argsort(-self.persons, kind="stable"):
            own = np.arange(first[i], first[i + 1])
            own = own[left[self.shelter[own]] >= self.persons[i]]
            if len(own) and not done[i]:
                best = own[np.argmin(self.cost[own])]
                chosen[best] = True
                left[self.shelter[best]] -= self.persons[i]
        return chosen


def _chosen(program: IntegerProgram, columns: Ints, cost: Ints, begin: Bools) -> tuple[Bools, int]:
    """(k,) which pairs are taken in the cheapest plan found, and the proven bound on its cost; both whole numbers."""
    solved = program.solve(columns, cost.astype(np.float64), start=(columns, begin.astype(np.float64)))
    chosen = begin if solved.values is None else np.asarray(solved.values > 0.5)
    spent = int(cost[chosen].sum())
    if solved.is_optimal:
        return chosen, spent
    return chosen, int(np.ceil(solved.bound - 1e-6)) if np.isfinite(solved.bound) else -(2**62)


def _rounded(values: Floats) -> Ints:
    """Whole numbers; anything else is not what a totally unimodular program has at a vertex."""
    near = np.rint(values)
    if (np.abs(values - near) > 1e-4).any():
        raise Unavailable("evacuation: the solver's answer is not in whole numbers; ask again")
    return near.astype(np.int64)


def _answer(
    objective: Objective,
    pairs: _Pairs,
    moved: Ints,
    most: int,
    least: int,
    reachable: Bools,
    allowed: Bools,
    together: bool,
) -> Evacuation:
    some = np.flatnonzero(moved)
    origin, shelter = pairs.origin[some], pairs.shelter[some]
    out = np.bincount(origin, moved[some], len(pairs.persons)).astype(np.int64)
    load = np.bincount(shelter, moved[some], len(pairs.places)).astype(np.int64)
    missing = pairs.persons - out
    largest = np.where(allowed, pairs.places[None, :], 0).max(axis=1, initial=0)

    def reason(i: int) -> Reason | None:
        if missing[i] == 0:
            return None
        if not reachable[i].any():
            return "no_way"
        if not allowed[i].any():
            return "too_far"
        return "too_many" if together and largest[i] < pairs.persons[i] else "full"

    return Evacuation(
        objective,
        origin,
        shelter,
        moved[some],
        pairs.cost[some] / _UNIT,
        missing,
        tuple(reason(i) for i in range(len(missing))),
        load,
        pairs.places - load,
        int((moved * pairs.cost).sum()) / _UNIT,
        int(pairs.cost[some].max(initial=0)) / _UNIT,
        most,
        least / _UNIT,
    )
