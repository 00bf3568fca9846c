"""Where to put sites (选址): fewest that cover all, most covered, least mean time, least worst time.

The four standard models: set covering (LSCP, 集合覆盖), maximal covering (MCLP, 最大覆盖), p-median (p-中位)
and p-center (p-中心). Row i of every matrix is a place, column j a candidate. Times are judged in whole
milliseconds, as coverage does, so that sums are whole numbers and a place at exactly the limit counts.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from geo.coverage import LIMIT_S
from geo.errors import InputError
from geo.integer_program import Clock
from geo.siting_models import Ask, Case, Found, _center, _cover_all, _cover_most, _median

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Model = Literal["fewest_sites", "most_covered", "least_mean_time", "least_worst_time"]

MODELS: tuple[Model, ...] = ("fewest_sites", "most_covered", "least_mean_time", "least_worst_time")
"""LSCP, MCLP, p-median, p-center."""


@dataclass(frozen=True)
class SitingProblem(Case):
    """n places and m candidates as arrays, checked; made by `siting_problem`.

    `ms` is the time in whole milliseconds, inf where there is no route or the candidate is excluded.
    `cost` and `capacity` are None where they play no part.
    """

    @property
    def unreachable(self) -> Ints:
        """Places that no candidate reaches at all, whatever the time."""
        return np.flatnonzero(~np.isfinite(self.ms).any(axis=1))

    @property
    def too_far(self) -> Ints:
        """Places that some candidate reaches but none within the limit."""
        return np.flatnonzero(np.isfinite(self.ms).any(axis=1) & ~self.within.any(axis=1))


@dataclass(frozen=True)
class Siting:
    """The sites chosen, how good they are by recount, and how good any choice can be at most.

    `sites` are the candidates chosen, existing ones included, in order; `assigned[i, j]` the persons of
    place i that site ``sites[j]`` serves: all of them the quickest site (the first of equals), or, with
    capacities, split as they fit. `objective` and `bound` are in the unit of the model: sites (or cost),
    persons, seconds. `backup_is_optimal` is None where no backup was asked for.
    """

    model: Model
    problem: SitingProblem
    sites: tuple[int, ...]
    assigned: Ints
    objective: float
    bound: float
    is_optimal: bool
    backup_is_optimal: bool | None
    covers: int

    @property
    def gap(self) -> float:
        """How far the objective may be from the best there is, as a share of the objective; 0 when proven.

        Infinite while there is no bound, or one above 0 for an objective of 0.
        """
        apart = abs(self.objective - self.bound)
        if self.is_optimal or apart == 0:
            return 0.0
        return apart / abs(self.objective) if self.objective else math.inf

    @cached_property
    def times_s(self) -> Floats:
        """(n,) s to the quickest chosen site, inf where none reaches the place."""
        chosen = self.problem.ms[:, list(self.sites)]
        return np.asarray(chosen.min(axis=1, initial=np.inf) / 1000.0, dtype=np.float64)

    @cached_property
    def covered_times(self) -> Ints:
        """(n,) how many of the chosen sites are within the limit."""
        return np.asarray(np.count_nonzero(self.problem.within[:, list(self.sites)], axis=1), dtype=np.int64)

    @property
    def covered_persons(self) -> int:
        """Persons served within the limit."""
        return int(self.assigned[self.problem.within[:, list(self.sites)]].sum())

    def persons_covered(self, times: int) -> int:
        """Persons of the places that at least so many of the chosen sites reach within the limit."""
        return int(self.problem.persons[self.covered_times >= times].sum())

    @property
    def backup_persons(self) -> int:
        """Persons covered once more than asked for: by two sites where one is enough."""
        return self.persons_covered(self.covers + 1)

    @property
    def total_person_ms(self) -> int:
        """Persons times milliseconds to the site that serves them; whole."""
        ms = self.problem.ms[:, list(self.sites)]
        served = self.assigned > 0
        return int((self.assigned[served] * ms[served].astype(np.int64)).sum())

    @property
    def mean_s(self) -> float:
        """Mean seconds of the persons served; NaN where there are none."""
        persons = int(self.assigned.sum())
        return self.total_person_ms / persons / 1000.0 if persons else math.nan

    @property
    def worst_s(self) -> float:
        """The longest seconds of the persons served; NaN where there are none."""
        ms = self.problem.ms[:, list(self.sites)][self.assigned > 0]
        return float(ms.max()) / 1000.0 if len(ms) else math.nan

    @property
    def unserved(self) -> Ints:
        """(n,) persons that no chosen site serves: out of reach, or capacity is used up."""
        return np.asarray(self.problem.persons - self.assigned.sum(axis=1), dtype=np.int64)

    @property
    def short_of_backup(self) -> Ints:
        """Places with persons that fewer than `covers` of all candidates can cover."""
        able = np.count_nonzero(self.problem.within, axis=1)
        return np.flatnonzero((able < self.covers) & (self.problem.persons > 0))

    @property
    def new_cost(self) -> int | None:
        """Cost of the chosen sites that do not exist yet; None without costs."""
        if self.problem.cost is None:
            return None
        return int(sum(self.problem.cost[j] for j in self.sites if not self.problem.existing[j]))


def siting_problem(
    time_s: Any,
    persons: Any,
    *,
    limit_s: float = LIMIT_S,
    existing: Any = None,
    excluded: Any = None,
    cost: Any = None,
    capacity: Any = None,
) -> SitingProblem:
    """Places, candidates and what binds the choice, checked once for every model.

    Parameters
    ----------
    time_s : (n, m) s, >= 0, from candidate j to place i; inf no route, NaN unknown, which counts as none
    persons : (n,) persons (or any whole weight), >= 0; a place with 0 has no say in any model
    limit_s : s, > 0, finite; within when the time is at most this (bound included)
    existing : (m,) bool, sites that are there and stay; None: none
    excluded : (m,) bool, candidates that must not be chosen; None: none
    cost : (m,) whole, >= 0, of building at a candidate, in any one unit; existing sites are paid for already
    capacity : (m,) persons, whole, >= 0, that a site can serve; None: without end

    Returns
    -------
    SitingProblem

    Raises
    ------
    InputError : no candidate, a shape that does not fit, a value that is negative or not whole, a limit not above
        0, a candidate that both exists and is excluded

    Notes
    -----
    CRS: none; distances enter only through the times.
    Cost: O(n m).
    Invariant: times differ from the given ones by half a millisecond at most.
    Source: none.
    """
    times = np.asarray(time_s, dtype=np.float64)
    if times.ndim != 2:
        raise InputError(f"time_s: shape {times.shape}; expected places by candidates")
    n, m = times.shape
    if m == 0:
        raise InputError("time_s: there is no candidate; name at least one")
    if (times < 0).any():
        raise InputError(f"time_s={times[times < 0].flat[0]:g}: expected seconds, 0 or more")
    if not 0 < limit_s < math.inf:
        raise InputError(f"limit_s={limit_s}: expected seconds above 0")
    is_there, is_out = _flags("existing", existing, m), _flags("excluded", excluded, m)
    if (is_there & is_out).any():
        raise InputError(f"excluded: candidate {int(np.argmax(is_there & is_out))} exists and cannot be excluded")
    ms = np.round(np.where(np.isnan(times), np.inf, times) * 1000.0)
    ms[:, is_out] = np.inf
    whole = _whole("persons", persons, n)
    finite = ms[np.isfinite(ms)]
    if float(whole.sum()) * float(finite.max(initial=0.0)) >= 2.0**62:
        raise InputError("time_s, persons: their products are too large to be added exactly; use larger units")
    return SitingProblem(
        ms,
        whole,
        round(limit_s * 1000.0),
        is_there,
        ~is_out,
        None if cost is None else _whole("cost", cost, m),
        None if capacity is None else _whole("capacity", capacity, m),
    )


def _flags(name: str, values: Any, m: int) -> Bools:
    found = np.zeros(m, dtype=bool) if values is None else np.asarray(values, dtype=bool)
    if found.shape != (m,):
        raise InputError(f"{name}: {found.shape} values for {m} candidates")
    return found


def _whole(name: str, values: Any, n: int) -> Ints:
    found = np.asarray(values, dtype=np.float64)
    if found.shape != (n,):
        raise InputError(f"{name}: {found.shape} values; expected {n}")
    bad = ~((found >= 0) & (found == np.floor(found)) & (found < 2**53))
    if bad.any():
        raise InputError(f"{name}={found[bad][0]:g}: expected a whole number, 0 or more")
    return found.astype(np.int64)


# -- the four models --------------------------------------------------------------------------------


def fewest_sites(
    problem: SitingProblem, *, covers: int = 1, most_backup: bool = False, time_limit_s: float | None = None
) -> Siting:
    """The fewest sites that cover all that can be covered (LSCP), or the least cost where costs are given.

    Parameters
    ----------
    problem : SitingProblem
    covers : how many sites each place must have within the limit, >= 1, or as many as there are candidates for it
    most_backup : among the fewest, cover the most persons once more than `covers`
    time_limit_s : s of solving, > 0; None: until it is proven

    Returns
    -------
    Siting; `objective` counts all sites, existing ones included (or the cost of the new ones)

    Raises
    ------
    InputError : covers below 1, a time limit not above 0
    Unavailable : the solver found nothing in its time

    Notes
    -----
    CRS: none.
    Cost: NP-hard; about a second for 200 candidates and 2,000 places.
    Invariant: every place that some candidate covers is covered; with capacities as many persons are served
    as by all candidates together; nothing smaller is left out (proven bound).
    Source: Toregas, Swain, ReVelle & Bergman (1971), Operations Research 19(6), 1363-1373; backup among the
    optimum: Daskin & Stern (1981), Transportation Science 15(2), 137-152, counted by persons, not by places (give
    each place a weight of 1 to count places).
    """
    return _sited("fewest_sites", problem, Ask(None, None, covers, most_backup), _cover_all, time_limit_s)


def most_covered(
    problem: SitingProblem,
    *,
    sites: int | None = None,
    budget: int | None = None,
    covers: int = 1,
    most_backup: bool = False,
    time_limit_s: float | None = None,
) -> Siting:
    """The sites that cover the most persons (MCLP).

    Parameters
    ----------
    problem : SitingProblem
    sites : how many sites in all, existing ones included; or
    budget : what the new ones may cost together (bound included)
    covers : a place counts when at least so many chosen sites are within the limit
    most_backup : among the optimum, cover the most persons once more than `covers`
    time_limit_s : s of solving, > 0; None: until it is proven

    Returns
    -------
    Siting; `objective` is in persons. With a budget, the cheapest of the optimum

    Raises
    ------
    InputError : not exactly one of sites and budget; more sites than candidates, fewer than exist; a budget below
        the cheapest candidate; covers below 1 or above sites; a time limit not above 0
    Unavailable : the solver found nothing in its time

    Notes
    -----
    CRS: none.
    Cost: NP-hard; up to half a minute for 200 candidates and 2,000 places.
    Invariant: no other choice covers more persons than `bound`.
    Source: Church & ReVelle (1974), Papers in Regional Science 32(1), 101-118; backup: Hogan & ReVelle (1986),
    Management Science 32(11), 1434-1444.
    """
    ask = _ask(problem, sites, budget, covers, most_backup)
    return _sited("most_covered", problem, ask, _cover_most, time_limit_s)


def least_mean_time(
    problem: SitingProblem,
    *,
    sites: int | None = None,
    budget: int | None = None,
    covers: int = 0,
    most_backup: bool = False,
    time_limit_s: float | None = None,
) -> Siting:
    """The sites with the least mean time over all persons (p-median), after reaching as many as can be reached.

    Parameters
    ----------
    problem : SitingProblem
    sites, budget, time_limit_s : as for `most_covered`
    covers : so many sites must be within the limit of each place, as far as there are candidates for it; 0: none
    most_backup : among the optimum, the most persons within the limit of one site more than `covers` (at least two)

    Returns
    -------
    Siting; `objective` in seconds. With a budget, the cheapest of the optimum

    Raises
    ------
    InputError : as for `most_covered`
    Infeasible : no choice has `covers` sites for every place; the text names the fewest that have
    Unavailable : the solver found nothing in its time

    Notes
    -----
    CRS: none.
    Cost: NP-hard; about a minute until proven for 200 candidates and 2,000 places.
    Invariant: where no choice reaches everybody, the most persons are reached first, and the mean is over those.
    Source: Hakimi (1964), Operations Research 12(3), 450-459; solved by cuts on the time of each place, Cornuejols,
    Nemhauser & Wolsey (1980), Operations Research 28(4), 847-861, separated as Duran-Mateluna, Ales & Elloumi (2023),
    European Journal of Operational Research 307(1), 84-96.
    """
    ask = _ask(problem, sites, budget, covers, most_backup, least=0)
    return _sited("least_mean_time", problem, ask, _median, time_limit_s)


def least_worst_time(
    problem: SitingProblem,
    *,
    sites: int | None = None,
    budget: int | None = None,
    covers: int = 0,
    most_backup: bool = False,
    time_limit_s: float | None = None,
) -> Siting:
    """The sites with the least longest time (p-center), after reaching as many persons as can be reached.

    Parameters
    ----------
    problem, sites, budget, covers, most_backup, time_limit_s : as for `least_mean_time`

    Returns
    -------
    Siting; `objective` in seconds. With a budget, the cheapest of the optimum

    Raises
    ------
    InputError : as for `most_covered`
    Infeasible : no choice has `covers` sites for every place; the text names the fewest that have
    Unavailable : the solver found nothing in its time

    Notes
    -----
    CRS: none.
    Cost: about log2(n m) covering problems, one for each time that is tried.
    Invariant: the objective is one of the times; for the next smaller time no choice reaches as many persons.
    Source: Hakimi (1964); search over the distinct times: Minieka (1970), SIAM Review 12(1), 138-139.
    """
    ask = _ask(problem, sites, budget, covers, most_backup, least=0)
    return _sited("least_worst_time", problem, ask, _center, time_limit_s)


def _ask(
    problem: SitingProblem, sites: int | None, budget: int | None, covers: int, most_backup: bool, *, least: int = 1
) -> Ask:
    if (sites is None) == (budget is None):
        raise InputError("sites, budget: give exactly one of them")
    if covers < least:
        raise InputError(f"covers={covers}: expected {least} or more")
    free = int(np.count_nonzero(problem.allowed))
    there = int(np.count_nonzero(problem.existing))
    if sites is not None:
        if sites < 1:
            raise InputError(f"sites={sites}: expected 1 or more")
        if sites > free:
            raise InputError(f"sites={sites}: there are {free} candidates that are not excluded")
        if sites < there:
            raise InputError(f"sites={sites}: {there} exist and stay; ask for that many or more")
        if covers > sites:
            raise InputError(f"covers={covers}: {sites} sites cannot cover a place that often")
        return Ask(int(sites), None, covers, most_backup)
    if problem.cost is None:
        raise InputError("budget: the candidates have no costs")
    new = problem.cost[problem.allowed & ~problem.existing]
    if budget is not None and len(new) and budget < new.min():
        raise InputError(f"budget={budget}: the cheapest candidate costs {new.min()}")
    return Ask(None, budget, covers, most_backup)


def _sited(
    model: Model,
    problem: SitingProblem,
    ask: Ask,
    solver: Callable[[Case, Ask, Clock], Found],
    time_limit_s: float | None,
) -> Siting:
    if model == "fewest_sites" and ask.covers < 1:
        raise InputError(f"covers={ask.covers}: expected 1 or more")
    if time_limit_s is not None and not time_limit_s > 0:
        raise InputError(f"time_limit_s={time_limit_s}: expected seconds above 0")
    # A place without persons or that nobody reaches has no say.
    says = (problem.persons > 0) & np.isfinite(problem.ms).any(axis=1)
    part = replace(problem, ms=problem.ms[says], persons=problem.persons[says])
    found = solver(part, ask, Clock(time_limit_s))
    assigned = np.zeros((len(problem.persons), len(found.sites)), dtype=np.int64)
    assigned[says] = found.assigned
    return Siting(
        model,
        problem,
        found.sites,
        assigned,
        found.objective,
        found.bound,
        found.is_optimal,
        found.backup_is_optimal,
        max(1, ask.covers),
    )
