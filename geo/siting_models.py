"""The integer programs behind `geo.siting`, each solved aim after aim: first the model's own, then backup, then cost.

A column y of 0 or 1 says whether a candidate is chosen. Every answer is counted again in whole numbers, and an aim
is held while the next is sought: a choice that breaks one by recount is cut off.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo.errors import Infeasible, Unavailable
from geo.integer_program import Clock, IntegerProgram

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_S_PER_MS = 1e-3
_MOST_COMPARED = 6_000  # places that are compared pair by pair
_PRICE_ROUNDS = 600
_LP_ROUNDS = 60  # of cuts before whole solutions are sought
_CUT_S = 1e-8  # by so much a cut is violated
_SLACK_S = 1e-3  # by so much a cut is idle


@dataclass(frozen=True)
class Case:
    """The places that have a say and all candidates; `ms` inf for no route."""

    ms: Floats
    persons: Ints
    limit_ms: float
    existing: Bools
    allowed: Bools
    cost: Ints | None
    capacity: Ints | None

    @property
    def within(self) -> Bools:
        """(n, m) within the limit."""
        return self.ms <= self.limit_ms

    @property
    def new_cost(self) -> Ints:
        """(m,) what choosing costs: existing sites nothing, every other 1 where there are no costs."""
        cost = np.ones(len(self.existing), dtype=np.int64) if self.cost is None else self.cost
        return np.where(self.existing, 0, cost)


@dataclass(frozen=True)
class Ask:
    """How many sites in all, or for how much; how often a place is to be covered; whether backup settles ties."""

    sites: int | None
    budget: int | None
    covers: int
    most_backup: bool


@dataclass(frozen=True)
class Found:
    """What `geo.siting` tells of an answer; `assigned` (n, sites) persons."""

    sites: tuple[int, ...]
    assigned: Ints
    objective: float
    bound: float
    is_optimal: bool
    backup_is_optimal: bool | None


@dataclass(frozen=True)
class _Aim:
    """A sum to make least or most, and its exact value in whole units for a choice."""

    columns: Ints
    costs: Any
    most: bool
    value: Callable[[Bools], int]
    unit: float = 1.0

    def is_as_good(self, value: int, other: int) -> bool:
        return value >= other if self.most else value <= other


@dataclass(frozen=True)
class _Best:
    chosen: Bools
    value: int
    bound: float
    is_optimal: bool


class _NoPlan(Exception):
    """The rows cannot be met."""


class _Program:
    """The columns y with the rows that hold for every model, and aims that are held."""

    def __init__(self, case: Case, ask: Ask, clock: Clock) -> None:
        self.case, self.ask = case, ask
        self.program = IntegerProgram(clock)
        m = len(case.existing)
        self.y = self.program.add_columns(m, lower=case.existing, upper=case.allowed, is_whole=True)
        self.refine: Callable[[Floats], int] | None = None
        self.relax: Callable[[_Aim, int], None] | None = None
        self._held: list[tuple[_Aim, int]] = []
        if ask.sites is not None:
            self.program.add_rows(np.zeros(m), self.y, 1.0, lower=-np.inf, upper=ask.sites)
        if ask.budget is not None:
            self.program.add_rows(np.zeros(m), self.y, case.new_cost, lower=-np.inf, upper=ask.budget)

    def require(self, within: Bools, times: Ints) -> None:
        """So many chosen sites for every place."""
        rows = _binding(within, times)
        within, times = within[rows], times[rows]
        i, j = np.nonzero(within & (times > 0)[:, None])
        self.program.add_rows(i, self.y[j], 1.0, lower=times, upper=np.inf)

    def counted(self, within: Bools, times: int, *, is_whole: bool) -> tuple[Ints, Ints, Ints]:
        """Columns u, at most 1 and above 0 only where so many are chosen; their persons, and the u of each place."""
        first, of_place = _patterns(within)
        rows = within[first]
        persons = np.bincount(of_place, self.case.persons, len(first)).astype(np.int64)
        able = np.count_nonzero(rows, axis=1) >= times
        u = self.program.add_columns(len(first), upper=able, is_whole=is_whole)
        i, j = np.nonzero(rows)
        k = np.arange(len(first))
        self.program.add_rows(
            np.append(k, i),
            np.append(u, self.y[j]),
            np.append(np.full(len(k), float(times)), np.full(len(i), -1.0)),
            lower=-np.inf,
            upper=np.zeros(len(k)),
        )
        return u, persons, of_place

    def flows(self, within: Bools, open_to: tuple[Ints, Ints] | None = None) -> tuple[Ints, Ints, Ints]:
        """Columns x, persons of place i served by site j; where `open_to` is given only in places with that u."""
        case, capacity = self.case, self.case.capacity
        assert capacity is not None
        i, j = np.nonzero(within & case.allowed)
        most = np.minimum(case.persons[i], capacity[j]).astype(np.float64)
        x = self.program.add_columns(len(i), upper=most)
        n, m = within.shape
        rows, columns, values = i, x, np.ones(len(i))
        upper = case.persons.astype(np.float64)
        if open_to is not None:
            u, of_place = open_to
            rows, columns = np.append(rows, np.arange(n)), np.append(columns, u[of_place])
            values, upper = np.append(values, -upper), np.zeros(n)
        self.program.add_rows(rows, columns, values, lower=-np.inf, upper=upper)
        self.program.add_rows(
            np.append(j, np.arange(m)),
            np.append(x, self.y),
            np.append(np.ones(len(j)), -capacity.astype(np.float64)),
            lower=-np.inf,
            upper=np.zeros(m),
        )
        # Implied by the rows above for whole y; without them the bound is weak.
        pair = np.arange(len(i))
        self.program.add_rows(
            np.append(pair, pair),
            np.append(x, self.y[j]),
            np.append(np.ones(len(i)), -most),
            lower=-np.inf,
            upper=np.zeros(len(i)),
        )
        return x, i, j

    def hold(self, aim: _Aim, value: int, *, room: float = 0.5) -> None:
        """From now on no choice is worse in this aim.

        Values are whole: half a unit is room for the solver's tolerance and lets nothing worse in. Where the next
        aim would gain by half a person less, there must be none.
        """
        low, high = ((value - room) * aim.unit, np.inf) if aim.most else (-np.inf, (value + room) * aim.unit)
        self.program.add_rows(np.zeros(len(aim.columns)), aim.columns, aim.costs, lower=low, upper=high)
        self._held.append((aim, value))

    def best(self, aim: _Aim, start: Bools | None) -> _Best:
        """The best choice in an aim; `start` is one that meets the rows."""
        kept = None if start is None else (start, aim.value(start))
        bound = math.inf if aim.most else -math.inf
        if self.relax is not None and kept is not None:
            self.relax(aim, kept[1])
        while True:
            begin = None if kept is None else (self.y, kept[0].astype(np.float64))
            solved = self.program.solve(aim.columns, aim.costs, most=aim.most, start=begin)
            if not solved.is_feasible:
                if kept is None:
                    raise _NoPlan
                # Nothing better than what was cut off meets the rows.
                return _Best(*kept, kept[1], True)
            if not math.isnan(solved.bound):
                bound = solved.bound / aim.unit
            if solved.values is None:
                break
            chosen = solved.values[self.y] > 0.5
            cuts = self.refine(solved.values) if self.refine is not None else 0
            if all(held.is_as_good(held.value(chosen), value) for held, value in self._held):
                value = aim.value(chosen)
                if kept is None or aim.is_as_good(value, kept[1]):
                    kept = chosen, value
                if not cuts:
                    break
            elif not cuts:
                self._forbid(chosen)
            if kept is not None and _closes(kept[1], bound, aim.most):
                break
            if not solved.is_optimal:
                break
        if kept is None:
            raise Unavailable("the solver found no plan in its time; give it more")
        is_optimal = _closes(kept[1], bound, aim.most)
        return _Best(*kept, kept[1] if is_optimal else _whole_bound(bound, aim.most), is_optimal)

    def _forbid(self, chosen: Bools) -> None:
        """Never this choice again."""
        m = len(self.y)
        signs = np.where(chosen, -1.0, 1.0)
        self.program.add_rows(np.zeros(m), self.y, signs, lower=1.0 - np.count_nonzero(chosen), upper=np.inf)


def _closes(value: int, bound: float, most: bool) -> bool:
    """Whether no whole value lies between; beyond 1e9 floats cannot tell closer than their last digits."""
    apart = bound - value if most else value - bound
    return apart < max(1.0 - 1e-6, 1e-9 * abs(value))


def _whole_bound(bound: float, most: bool) -> float:
    if not math.isfinite(bound):
        return bound
    return math.floor(bound + 1e-6) if most else math.ceil(bound - 1e-6)


def _patterns(within: Bools) -> tuple[Ints, Ints]:
    """The first place of every different row, and which of them each place is like."""
    packed = np.ascontiguousarray(np.packbits(within, axis=1))
    _, first, of_place = np.unique(packed, axis=0, return_index=True, return_inverse=True)
    return first, of_place.reshape(-1)


def _binding(within: Bools, times: Ints) -> Ints:
    """Places whose cover implies that of all: of those with more candidates for as many times the rest need no row."""
    first, _ = _patterns(within)
    first = first[times[first] > 0]
    if len(first) > _MOST_COMPARED:
        return first
    rows = within[first].astype(np.float32)
    has = np.diag(both := rows @ rows.T)
    implied = (both >= has[None, :]) & (has[None, :] < has[:, None]) & (times[first][None, :] >= times[first][:, None])
    return first[~implied.any(axis=1)]


def _undominated(case: Case, within: Bools) -> Bools:
    """(m,) candidates left when those go that another replaces: it covers all that they do and costs no more."""
    done: Bools = np.asarray(within[:, case.existing].any(axis=1))
    open_ = within & ~done[:, None]
    covers = open_[:, case.allowed & ~case.existing]
    cost = case.new_cost[case.allowed & ~case.existing]
    both = covers.T.astype(np.float32) @ covers.astype(np.float32)
    size = np.diag(both)
    replaces = (both >= size[:, None]) & (cost[None, :] <= cost[:, None])
    equal = replaces & replaces.T
    # Of equals the first stays.
    replaces &= ~equal | (np.arange(len(size))[None, :] < np.arange(len(size))[:, None])
    left = case.existing.copy()
    left[np.flatnonzero(case.allowed & ~case.existing)[~replaces.any(axis=1)]] = True
    return left


def _covered(case: Case, within: Bools, times: int) -> Callable[[Bools], int]:
    """Persons with so many chosen sites, by recount."""
    return lambda chosen: int(case.persons[np.count_nonzero(within[:, chosen], axis=1) >= times].sum())


def _greedy(case: Case, ask: Ask, within: Bools) -> Bools:
    """Site after site that covers the most persons not yet covered, as far as the number or the budget goes."""
    chosen = case.existing.copy()
    left = np.where(within[:, chosen].any(axis=1), 0, case.persons)
    cost = case.new_cost
    while True:
        open_ = case.allowed & ~chosen
        if ask.budget is not None:
            open_ &= cost <= ask.budget - cost[chosen].sum()
        gain = np.where(open_, left @ within, 0)
        j = int(np.argmax(gain / np.maximum(cost, 1) if ask.budget is not None else gain))
        if gain[j] == 0 or (ask.sites is not None and np.count_nonzero(chosen) == ask.sites):
            return chosen
        chosen[j] = True
        left[within[:, j]] = 0


def _covered_once(case: Case, within: Bools) -> Bools:
    """Enough sites for every place: greedily, without those that prove idle."""
    chosen = _greedy(case, Ask(None, None, 1, False), within)
    times = np.count_nonzero(within[:, chosen], axis=1)
    for j in np.flatnonzero(chosen & ~case.existing)[::-1]:
        if not (within[:, j] & (times == 1)).any():
            chosen[j] = False
            times -= within[:, j]
    return chosen


def _filled(case: Case, ask: Ask, chosen: Bools) -> tuple[int, ...]:
    """The choice, with idle sites where a number was asked for: each the one that adds most cover, then most backup."""
    within = case.within
    chosen = chosen.copy()
    while ask.sites is not None and np.count_nonzero(chosen) < ask.sites:
        times = np.count_nonzero(within[:, chosen], axis=1)
        once, more = (case.persons * flag @ within for flag in (times == 0, times == 1))
        open_ = np.flatnonzero(case.allowed & ~chosen)
        chosen[max(open_, key=lambda j: (once[j], more[j], -j))] = True
    return tuple(np.flatnonzero(chosen).tolist())


# -- who is served ----------------------------------------------------------------------------------


def _nearest(case: Case, sites: tuple[int, ...], within: Bools) -> Ints:
    """(n, sites) persons at the quickest site, the first of equals."""
    assigned = np.zeros((len(case.persons), len(sites)), dtype=np.int64)
    if sites and len(assigned):
        ms = np.where(within, case.ms, np.inf)[:, sites]
        first = ms.argmin(axis=1)
        served = np.isfinite(ms.min(axis=1))
        assigned[np.flatnonzero(served), first[served]] = case.persons[served]
    return assigned


def _transport(case: Case, sites: tuple[int, ...], within: Bools) -> Ints:
    """(n, sites) persons: as many as fit, and among those the least total time; exact, a network has whole optima."""
    part = replace(case, existing=np.zeros(len(sites), dtype=bool), allowed=np.ones(len(sites), dtype=bool))
    part = replace(part, ms=case.ms[:, sites], capacity=None if case.capacity is None else case.capacity[list(sites)])
    inside = within[:, sites]
    program = _Program(part, Ask(None, None, 0, False), Clock())
    program.program.set_bounds(program.y, 1.0, 1.0)
    x, i, j = program.flows(inside)
    assigned = np.zeros(inside.shape, dtype=np.int64)
    if len(x) == 0:
        return assigned
    most = program.program.solve(x, 1.0, most=True)
    served = round(most.objective)
    program.program.add_rows(np.zeros(len(x)), x, 1.0, lower=served, upper=np.inf)
    least = program.program.solve(x, part.ms[i, j] * _S_PER_MS)
    if least.values is None:
        raise Unavailable("the solver could not assign persons to sites")
    assigned[i, j] = np.round(least.values[x]).astype(np.int64)
    fits = part.capacity is not None and (assigned.sum(axis=0) <= part.capacity).all()
    if not (fits and (assigned.sum(axis=1) <= case.persons).all() and assigned.sum() == served):
        raise Unavailable("the solver's assignment of persons to sites does not add up")
    return assigned


def _assigned(case: Case, sites: tuple[int, ...], within: Bools) -> Ints:
    return _nearest(case, sites, within) if case.capacity is None else _transport(case, sites, within)


def _served(case: Case, within: Bools) -> Callable[[Bools], int]:
    """Persons that a choice serves; with capacities a flow."""
    if case.capacity is None:
        return _covered(case, within, 1)
    return lambda chosen: int(_transport(case, tuple(np.flatnonzero(chosen).tolist()), within).sum())


def _counting(case: Case, chosen: Bools, covers: int) -> Bools:
    """The pairs within the limit, of the places that so many of the chosen sites cover."""
    counts: Bools = np.count_nonzero(case.within[:, chosen], axis=1) >= covers
    return np.asarray(case.within & counts[:, None])


def _covered_persons(case: Case, chosen: Bools, covers: int) -> int:
    """Persons of the places that so many of these sites cover; with capacities as many of them as fit."""
    if case.capacity is None:
        return _covered(case, case.within, covers)(chosen)
    return _served(case, _counting(case, chosen, covers))(chosen)


# -- what follows the model's own aim ---------------------------------------------------------------


def _settled(program: _Program, best: _Best, aim: _Aim | None, backup: _Aim | None) -> tuple[Bools, bool | None]:
    """Among the optimum the most backup, then with a budget the least cost; both only once the optimum is proven.

    `aim` None: the rows hold it already.
    """
    chosen, is_backed = best.chosen, None if backup is None else False
    if not best.is_optimal:
        return chosen, is_backed
    if aim is not None:
        program.hold(aim, best.value)
    if backup is not None:
        most = program.best(backup, chosen)
        chosen, is_backed = most.chosen, most.is_optimal
        program.hold(backup, most.value)
    if program.ask.budget is not None:
        cost = program.case.new_cost
        cheapest = _Aim(program.y, cost, False, lambda own: int(cost[own].sum()))
        chosen = program.best(cheapest, chosen).chosen
    return chosen, is_backed


def _backup(program: _Program, times: int) -> _Aim:
    """Persons with so many sites within the limit."""
    within = program.case.within
    v, persons, _ = program.counted(within, times, is_whole=True)
    return _Aim(v, persons, True, _covered(program.case, within, times))


def _backup_over(program: _Program, covers: int) -> _Aim:
    """The same where every place has `covers` sites already: what is above them needs no whole columns."""
    case, within = program.case, program.case.within
    first, of_place = _patterns(within)
    rows = within[first]
    persons = np.bincount(of_place, case.persons, len(first)).astype(np.int64)
    able = np.count_nonzero(rows, axis=1) > covers
    rows, persons = rows[able], persons[able]
    v = program.program.add_columns(len(rows))
    i, j = np.nonzero(rows)
    program.program.add_rows(
        np.append(np.arange(len(rows)), i),
        np.append(v, program.y[j]),
        np.append(np.ones(len(rows)), np.full(len(i), -1.0)),
        lower=-np.inf,
        upper=np.full(len(rows), -float(covers)),
    )
    return _Aim(v, persons, True, _covered(case, within, covers + 1))


def _required(case: Case, covers: int) -> Ints:
    """(n,) sites that a place must have within the limit: as many as asked, or as there are."""
    return np.asarray(np.minimum(covers, np.count_nonzero(case.within & case.allowed, axis=1)), dtype=np.int64)


# -- the models -------------------------------------------------------------------------------------


def _cover_all(case: Case, ask: Ask, clock: Clock) -> Found:
    """The fewest sites, or the least cost, that cover all that can be covered (LSCP)."""
    within, required = case.within, _required(case, ask.covers)
    program = _Program(case, ask, clock)
    program.require(within, required)
    is_plain = ask.covers == 1 and case.capacity is None
    if is_plain and not ask.most_backup:
        program.program.set_bounds(program.y, case.existing, _undominated(case, within))
    if case.capacity is not None:
        x, _, _ = program.flows(within)
        served = _served(case, within)
        program.hold(_Aim(x, 1.0, True, served), served(case.allowed))
    cost = case.new_cost
    aim = _Aim(program.y, cost, False, lambda chosen: int(cost[chosen].sum()))
    best = program.best(aim, _covered_once(case, within) if is_plain else case.allowed)
    backup = _backup_over(program, ask.covers) if ask.most_backup and best.is_optimal else None
    chosen, is_backed = _settled(program, best, aim, backup)
    there = 0 if case.cost is not None else int(np.count_nonzero(case.existing))
    sites = tuple(np.flatnonzero(chosen).tolist())
    return Found(
        sites,
        _assigned(case, sites, within),
        best.value + there,
        best.bound + there,
        best.is_optimal,
        is_backed if ask.most_backup else None,
    )


def _cover_most(case: Case, ask: Ask, clock: Clock) -> Found:
    """The sites that cover the most persons (MCLP)."""
    within = case.within
    program = _Program(case, ask, clock)
    is_once = ask.covers == 1
    if is_once and not ask.most_backup and case.capacity is None:
        program.program.set_bounds(program.y, case.existing, _undominated(case, within))

    def value(chosen: Bools) -> int:
        return _covered_persons(case, chosen, ask.covers)

    if case.capacity is None:
        u, persons, _ = program.counted(within, ask.covers, is_whole=not is_once)
        aim = _Aim(u, persons, True, value)
    else:
        u, _, of_place = program.counted(within, ask.covers, is_whole=not is_once)
        x, _, _ = program.flows(within, None if is_once else (u, of_place))
        aim = _Aim(x, 1.0, True, value)
    best = program.best(aim, _greedy(case, ask, within))
    backup = _backup(program, ask.covers + 1) if ask.most_backup and best.is_optimal else None
    chosen, is_backed = _settled(program, best, aim, backup)
    sites = _filled(case, ask, chosen)
    return Found(
        sites,
        _assigned(case, sites, _counting(case, np.isin(np.arange(len(chosen)), sites), ask.covers)),
        best.value,
        best.bound,
        best.is_optimal,
        is_backed if ask.most_backup else None,
    )


def _reached(case: Case, ask: Ask, clock: Clock) -> _Best:
    """The most persons that the sites can reach in whatever time, capacities and required cover kept."""
    program = _Program(case, ask, clock)
    program.require(case.within, _required(case, ask.covers))
    aim = _serving(program, np.isfinite(case.ms))
    start = _greedy(case, ask, np.isfinite(case.ms)) if ask.covers == 0 else None
    try:
        best = program.best(aim, start)
    except _NoPlan:
        fewest = _cover_all(
            case if ask.budget is not None else replace(case, cost=None),
            replace(ask, sites=None, budget=None, most_backup=False),
            clock,
        )
        unit = "sites" if ask.budget is None else "of cost"
        raise Infeasible(
            f"covers={ask.covers}: no choice within {'sites' if ask.budget is None else 'budget'}="
            f"{ask.sites if ask.budget is None else ask.budget} has so many sites within the limit of every place; "
            f"the least that has is {fewest.objective:g} {unit}"
        ) from None
    return best


def _serving(program: _Program, within: Bools) -> _Aim:
    """Persons served over these pairs."""
    case = program.case
    if case.capacity is None:
        u, persons, _ = program.counted(within, 1, is_whole=False)
        return _Aim(u, persons, True, _covered(case, within, 1))
    x, _, _ = program.flows(within)
    return _Aim(x, 1.0, True, _served(case, within))


def _backup_for(program: _Program) -> _Aim | None:
    """The aim of backup where covers are required or none are."""
    ask = program.ask
    if not ask.most_backup:
        return None
    return _backup(program, 2) if ask.covers == 0 else _backup_over(program, ask.covers)


def _center(case: Case, ask: Ask, clock: Clock) -> Found:
    """The sites with the least longest time (p-center), by search over the distinct times."""
    reached = _reached(case, ask, clock)

    is_all = case.capacity is None and reached.value == case.persons.sum()

    def program_at(ms: float) -> _Program:
        """A program in which every choice reaches as many within this time."""
        program = _Program(case, ask, clock)
        within = case.ms <= ms
        if ask.covers == 0 and not ask.most_backup and case.capacity is None:
            program.program.set_bounds(program.y, case.existing, _undominated(case, within))
        program.require(case.within, _required(case, ask.covers))
        if is_all:
            program.require(within, np.ones(len(within), dtype=np.int64))
        else:
            program.hold(_serving(program, within), reached.value)
        return program

    def worst(chosen: Bools) -> float:
        if case.capacity is None:
            ms = case.ms[:, chosen].min(axis=1, initial=np.inf)
            return float(ms[np.isfinite(ms)].max(initial=0.0))
        sites = tuple(np.flatnonzero(chosen).tolist())
        return float(case.ms[:, sites][_transport(case, sites, np.isfinite(case.ms)) > 0].max(initial=0.0))

    times = np.unique(case.ms[np.isfinite(case.ms)])
    chosen, high = reached.chosen, worst(reached.chosen)
    low = 0  # index of the smallest time that may do
    if case.capacity is None and reached.value == case.persons.sum() and len(times):
        low = int(np.searchsorted(times, case.ms.min(axis=1).max()))
    is_known = reached.is_optimal
    nothing = np.zeros(0, dtype=np.int64)
    while is_known and len(times) and times[low] < high:
        middle = (low + int(np.searchsorted(times, high))) // 2
        program = program_at(times[middle])
        try:
            found = program.best(_Aim(nothing, np.zeros(0), False, lambda own: 0), None).chosen
        except _NoPlan:
            low = middle + 1
        except Unavailable:
            is_known = False
        else:
            chosen, high = found, min(times[middle], worst(found)) if case.capacity is None else times[middle]
    bound = high if is_known else (times[low] if reached.is_optimal and len(times) else -math.inf)
    is_backed: bool | None = False if ask.most_backup else None
    if is_known and (ask.most_backup or ask.budget is not None):
        program = program_at(high)
        best = _Best(chosen, reached.value, reached.value, True)
        chosen, is_backed = _settled(program, best, None, _backup_for(program))
    sites = _filled(case, ask, chosen)
    if not is_known:
        # Idle sites that fill the number up may lie nearer than those of a search that was stopped.
        high = worst(np.isin(np.arange(len(chosen)), sites))
    second = _S_PER_MS if reached.value else math.nan  # nobody is reached: there is no longest time
    return Found(sites, _assigned(case, sites, case.ms <= high), high * second, bound * second, is_known, is_backed)


def _median(case: Case, ask: Ask, clock: Clock) -> Found:
    """The sites with the least mean time (p-median)."""
    reached = _reached(case, ask, clock)
    program = _Program(case, ask, clock)
    program.require(case.within, _required(case, ask.covers))
    finite = np.isfinite(case.ms)
    start = reached.chosen
    if case.capacity is None:
        u, persons, of_place = program.counted(finite, 1, is_whole=False)
        if reached.value == case.persons.sum():
            program.program.set_bounds(u, 1.0, 1.0)
        else:
            program.hold(_Aim(u, persons, True, _covered(case, finite, 1)), reached.value, room=0.0)
        left = case
        if ask.covers == 0 and ask.sites is not None and reached.value == case.persons.sum() and len(case.persons):
            left, start = _narrowed(case, ask.sites, start)
            program.program.set_bounds(program.y, left.existing, left.allowed)
        aim = _Cuts(program, left, u[of_place]).aim
    else:
        x, i, j = program.flows(finite)
        program.hold(_Aim(x, 1.0, True, _served(case, finite)), reached.value, room=0.0)
        aim = _Aim(x, case.ms[i, j] * _S_PER_MS, False, _flow_time(case, finite), _S_PER_MS)
    best = program.best(aim, start)
    is_optimal = best.is_optimal and reached.is_optimal
    backup = _backup_for(program) if best.is_optimal else None
    chosen, is_backed = _settled(program, best, aim, backup)
    sites = _filled(case, ask, chosen)
    persons_served = reached.value
    per_person = _S_PER_MS / persons_served if persons_served else math.nan
    return Found(
        sites,
        _assigned(case, sites, finite),
        best.value * per_person,
        best.bound * per_person if reached.is_optimal else -math.inf,
        is_optimal,
        is_backed if ask.most_backup else None,
    )


def _flow_time(case: Case, finite: Bools) -> Callable[[Bools], int]:
    def total(chosen: Bools) -> int:
        sites = tuple(np.flatnonzero(chosen).tolist())
        assigned = _transport(case, sites, finite)
        served = assigned > 0
        return int((assigned[served] * case.ms[:, sites][served].astype(np.int64)).sum())

    return total


def _interchanged(case: Case, sites: int, start: Bools) -> Bools:
    """A good p-median to begin with: sites added, then one exchanged for another, while the total falls."""
    ms, persons = case.ms, case.persons.astype(np.float64)
    chosen = start.copy()

    def totals(base: Floats) -> Floats:
        """(m,) person-ms when a candidate is added to what gives these times."""
        found: Floats = persons @ np.minimum(base[:, None], ms)
        found[~case.allowed | chosen] = np.inf
        return found

    for _ in range(sites - int(np.count_nonzero(chosen))):
        chosen[int(np.argmin(totals(ms[:, chosen].min(axis=1, initial=np.inf))))] = True
    improves = True
    while improves:
        improves = False
        for old in np.flatnonzero(chosen & ~case.existing):
            total = persons @ ms[:, chosen].min(axis=1)
            rest = chosen.copy()
            rest[old] = False
            found = totals(ms[:, rest].min(axis=1, initial=np.inf))
            new = int(np.argmin(found))
            if found[new] < total:
                chosen[old], chosen[new], improves = False, True, True
    return chosen


def _narrowed(case: Case, sites: int, start: Bools) -> tuple[Case, Bools]:
    """The candidates that a best p-median can still have, and a good choice: by Lagrangian multipliers on the places.

    For any price of being served, each place takes the sites cheaper than it, and the best sites by what they save
    give a bound; whoever lifts the bound above a known total when put in, or left out, is out, or in.
    """
    saved = case.persons[:, None] * case.ms * _S_PER_MS
    allowed, existing = case.allowed.copy(), case.existing.copy()
    chosen = _interchanged(case, sites, start)

    def total(own: Bools) -> float:
        return float(saved[:, own].min(axis=1).sum())

    known = total(chosen)
    price = saved[:, chosen].min(axis=1)
    bound, pace, since = -math.inf, 2.0, 0
    for number in range(_PRICE_ROUNDS):
        worth = np.minimum(saved - price[:, None], 0.0).sum(axis=0)
        free = np.flatnonzero(allowed & ~existing)
        free = free[np.argsort(worth[free], kind="stable")]
        count = sites - int(np.count_nonzero(existing))
        own = existing.copy()
        own[free[:count]] = True
        reached = float(price.sum() + worth[own].sum())
        tried = own if number % 40 else _interchanged(case, sites, own)
        if (found := total(tried)) < known:
            chosen, known = tried, found
        room = known - reached + 1e-9 * known
        if 0 < count < len(free):
            last, following = worth[free[count - 1]], worth[free[count]]
            allowed[free[count:][worth[free[count:]] - last > room]] = False
            existing[free[:count][following - worth[free[:count]] > room]] = True
        since = 0 if reached > bound else since + 1
        bound = max(bound, reached)
        if since > 20:
            pace, since = pace / 2, 0
        slope = 1.0 - np.count_nonzero(saved[:, own] < price[:, None], axis=1)
        steep = float(slope @ slope)
        if steep == 0 or pace < 0.005 or known - bound <= 1e-9 * known or count >= len(free):
            break
        price = price + pace * (1.01 * known - reached) / steep * slope
    return replace(case, allowed=allowed, existing=existing), _interchanged(case, sites, chosen)


class _Cuts:
    """The time of each place as one column, held up by cuts instead of by a column for each pair.

    For any D: time >= D - sum over candidates nearer than D of (D - their time) * y; for whole y the one with D at
    the nearest chosen site is exact. An existing site caps the times of its places: none slower is ever used.
    """

    def __init__(self, program: _Program, case: Case, reached: Ints) -> None:
        self.program, self.case, self.reached = program, case, reached
        ms = case.ms.copy()
        ms[:, ~case.allowed] = np.inf
        if case.existing.any():
            ms = np.minimum(ms, ms[:, case.existing].min(axis=1)[:, None])
        self.order = np.argsort(ms, axis=1, kind="stable")
        self.time_s = np.take_along_axis(ms, self.order, axis=1) * _S_PER_MS
        self.last = np.count_nonzero(np.isfinite(self.time_s), axis=1) - 1
        self.time_s[~np.isfinite(self.time_s)] = 0.0  # behind `last`, never read as a time
        self.theta = program.program.add_columns(len(ms), upper=np.inf)

        def total(chosen: Bools) -> int:
            nearest = case.ms[:, chosen].min(axis=1, initial=np.inf)
            there = np.isfinite(nearest)
            return int((case.persons[there] * nearest[there].astype(np.int64)).sum())

        self.aim = _Aim(self.theta, case.persons, False, total, _S_PER_MS)
        program.refine, program.relax = self.add, self.relax

        self.first_row = program.program.rows

    def add(self, values: Floats) -> int:
        """Add the cuts that these values violate; how many."""
        if len(self.theta) == 0:
            return 0
        level = values[self.reached]
        y = values[self.program.y][self.order]
        sums = np.cumsum(y, axis=1)
        full = sums >= (level - 1e-9)[:, None]
        at = np.minimum(np.where(full.any(axis=1), full.argmax(axis=1), self.last), self.last)
        top = np.take_along_axis(self.time_s, at[:, None], axis=1)
        nearer = np.arange(self.order.shape[1])[None, :] < at[:, None]
        slope = np.where(nearer, top - self.time_s, 0.0)
        lower = top[:, 0] * level - (slope * y).sum(axis=1)
        rows = np.flatnonzero(lower > values[self.theta] + _CUT_S * np.maximum(1.0, top[:, 0]))
        if len(rows) == 0:
            return 0
        i, rank = np.nonzero(slope[rows] > 0)
        count = np.arange(len(rows))
        self.program.program.add_rows(
            np.concatenate([i, count, count]),
            np.concatenate([self.program.y[self.order[rows[i], rank]], self.theta[rows], self.reached[rows]]),
            np.concatenate([slope[rows[i], rank], np.ones(len(rows)), -top[rows, 0]]),
            lower=np.zeros(len(rows)),
            upper=np.inf,
        )
        return len(rows)

    def relax(self, aim: _Aim, known: int) -> None:
        """Gather cuts on the linear program, and fix candidates that a choice as good as the known one cannot have."""
        if aim is not self.aim:
            return
        program = self.program.program
        last = -math.inf
        for _ in range(_LP_ROUNDS):
            solved = program.solve(aim.columns, aim.costs, is_relaxed=True)
            if solved.values is None or solved.reduced_costs is None:
                return
            self._fix(solved.values, solved.reduced_costs, solved.objective, known * aim.unit)
            if solved.objective <= last + 1e-9 * abs(last) or not self.add(solved.values):
                break
            last = solved.objective
        # Cuts with slack cost more than they will save; those that are missed later are found again.
        program.delete_rows(np.flatnonzero(program.slack()[self.first_row :] > _SLACK_S) + self.first_row)

    def _fix(self, values: Floats, reduced: Floats, bound: float, known: float) -> None:
        y = self.program.y
        room = known - bound + 1e-6 * abs(known) + 1e-6
        case = self.case
        out = y[(values[y] < 1e-9) & (reduced[y] > room) & ~case.existing]
        into = y[(values[y] > 1 - 1e-9) & (-reduced[y] > room) & case.allowed]
        self.program.program.set_bounds(out, 0.0, 0.0)
        self.program.program.set_bounds(into, 1.0, 1.0)
