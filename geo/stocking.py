"""Which depot should hold how much of what (前置储备): packs placed so that needs are met soonest.

Row i of every matrix is a place, column j a depot, k an item. Everything that is counted is whole: units, packs,
volume, money. Aims, each kept while the next is sought: the most that arrives within the limit, then the most that
arrives at all, then the least time; each need counts by the persons who wait for it and by the share that is met, so
that a tent and a bottle weigh alike.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geo.coverage import LIMIT_S
from geo.errors import InputError, Unavailable
from geo.integer_program import Clock, IntegerProgram, Solved

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Shortfall = Literal["no_road", "too_far", "volume", "budget", "volume_and_budget", "unfinished"]

SHORTFALLS: tuple[Shortfall, ...] = ("no_road", "too_far", "volume", "budget", "volume_and_budget", "unfinished")
"""Why a need is not met in time: no depot reaches the place; none within the limit; those that do are full; the money
is spent; both; or none of these, and the solver was stopped early."""

_ROOM = 1e-9  # relative: what an aim may lose to the solver's tolerance while the next is sought


@dataclass(frozen=True)
class StockingProblem:
    """n places, m depots and q items as arrays, checked; made by `stocking_problem`."""

    time_s: Floats
    need: Ints
    persons: Ints
    pack: Ints
    pack_volume: Ints
    pack_cost: Ints
    volume: Ints
    held: Ints
    budget: int
    limit_s: float

    @property
    def volume_left(self) -> Ints:
        """(m,) what the packs held already leave."""
        return np.asarray(self.volume - self.held @ self.pack_volume, dtype=np.int64)


class Stage(NamedTuple):
    """One aim: its value, and what no plan can beat; persons x share of their need, or seconds per person."""

    name: Literal["in_time", "at_all", "mean_s"]
    value: float
    bound: float
    is_optimal: bool


@dataclass(frozen=True)
class StockPlan:
    """Packs to buy by depot and item, who gets what from where, and what is missing with its reason.

    `packs` (m, q) are bought beside `problem.held`; `delivered` (n, m, q) units.
    """

    problem: StockingProblem
    packs: Ints
    delivered: Ints
    stages: tuple[Stage, ...]

    @property
    def is_optimal(self) -> bool:
        """Whether every aim is proven."""
        return all(stage.is_optimal for stage in self.stages)

    @property
    def cost(self) -> int:
        """What the packs to buy cost."""
        return int((self.packs @ self.problem.pack_cost).sum())

    @property
    def volume_used(self) -> Ints:
        """(m,) of packs held and to buy."""
        return np.asarray((self.packs + self.problem.held) @ self.problem.pack_volume, dtype=np.int64)

    @property
    def short(self) -> Ints:
        """(n, q) units that do not arrive at all."""
        return np.asarray(self.problem.need - self.delivered.sum(axis=1), dtype=np.int64)

    @property
    def late(self) -> Ints:
        """(n, q) units that arrive after the limit."""
        slow = self.problem.time_s > self.problem.limit_s
        return np.asarray((self.delivered * slow[:, :, None]).sum(axis=1), dtype=np.int64)

    @property
    def mean_s(self) -> float:
        """Mean seconds by persons and the share of their need; NaN where nothing is delivered."""
        weight = self.delivered * _weights(self.problem)[:, None, :]
        total = float(weight.sum())
        times = np.where(np.isfinite(self.problem.time_s), self.problem.time_s, 0.0)
        return float((weight * times[:, :, None]).sum()) / total if total else math.nan

    @cached_property
    def reasons(self) -> list[list[Shortfall | None]]:
        """n rows of q: why units are short or late, None where all arrive in time.

        It is what stands against one pack more: of the depots within the limit, none has the volume, or the money
        left does not buy one, or both. Volume and money went to needs that weigh more or to nearer depots.
        """
        problem = self.problem
        left = problem.volume - self.volume_used
        money = problem.budget - self.cost
        missing = (self.short + self.late) > 0
        found: list[list[Shortfall | None]] = []
        for i in range(len(problem.need)):
            near = problem.time_s[i] <= problem.limit_s
            row: list[Shortfall | None] = []
            for k in range(len(problem.pack)):
                has_room = bool((left[near] >= problem.pack_volume[k]).any())
                has_money = money >= problem.pack_cost[k]
                row.append(_shortfall(near, problem.time_s[i], has_room, has_money) if missing[i, k] else None)
            found.append(row)
        return found


def _shortfall(near: Any, time_s: Floats, has_room: bool, has_money: bool) -> Shortfall:
    if not near.any():
        return "too_far" if np.isfinite(time_s).any() else "no_road"
    if has_room:
        return "unfinished" if has_money else "budget"
    return "volume" if has_money else "volume_and_budget"


def _weights(problem: StockingProblem) -> Floats:
    """(n, q) persons for each unit: all units of a need together weigh its persons."""
    weights: Floats = problem.persons[:, None] / np.maximum(problem.need, 1)
    return weights


def stocking_problem(
    time_s: Any,
    need: Any,
    persons: Any,
    *,
    pack: Any,
    pack_volume: Any,
    pack_cost: Any,
    volume: Any,
    budget: int,
    held: Any = None,
    limit_s: float = LIMIT_S,
) -> StockingProblem:
    """Depots, places and what they need, checked.

    Parameters
    ----------
    time_s : (n, m) s, >= 0, from depot j to place i, order and loading included; inf no route, NaN counts as none
    need : (n, q) units, whole, >= 0
    persons : (n,) persons who wait, whole; above 0 where anything is needed
    pack : (q,) units in a pack, whole, >= 1; only whole packs are stored
    pack_volume : (q,) volume of a pack, whole, >= 0, in any one unit
    pack_cost : (q,) price of a pack, whole, >= 0, in any one unit
    volume : (m,) volume of a depot, whole, >= 0, in the unit of `pack_volume`
    budget : money for all packs, whole, >= 0 (bound included), in the unit of `pack_cost`
    held : (m, q) packs that are there and stay, whole, >= 0; they take volume and cost nothing; None: none
    limit_s : s, > 0, finite; in time when the time is at most this (bound included)

    Returns
    -------
    StockingProblem

    Raises
    ------
    InputError : a shape that does not fit, a value that is negative or not whole, an empty pack, needs of nobody, a
        depot whose packs do not fit into it

    Notes
    -----
    CRS: none; distances enter only through the times.
    Cost: O(n m + n q).
    Invariant: none of the given arrays is written to.
    Source: none.
    """
    times = np.asarray(time_s, dtype=np.float64)
    needs = np.asarray(need, dtype=np.float64)
    if times.ndim != 2 or needs.ndim != 2 or len(times) != len(needs):
        raise InputError(f"time_s, need: shapes {times.shape}, {needs.shape}; expected a row for each place in both")
    (n, m), q = times.shape, needs.shape[1]
    if (times < 0).any():
        raise InputError(f"time_s={times[times < 0].flat[0]:g}: expected seconds, 0 or more")
    if not 0 < limit_s < math.inf:
        raise InputError(f"limit_s={limit_s}: expected seconds above 0")
    if m == 0:
        raise InputError("time_s: there is no depot; name at least one")
    problem = StockingProblem(
        np.where(np.isnan(times), np.inf, times),
        _whole("need", needs, (n, q)),
        _whole("persons", persons, (n,)),
        _whole("pack", pack, (q,)),
        _whole("pack_volume", pack_volume, (q,)),
        _whole("pack_cost", pack_cost, (q,)),
        _whole("volume", volume, (m,)),
        np.zeros((m, q), dtype=np.int64) if held is None else _whole("held", held, (m, q)),
        int(_whole("budget", [budget], (1,))[0]),
        float(limit_s),
    )
    if (problem.pack == 0).any():
        raise InputError(f"pack=0 of item {int(np.argmin(problem.pack))}: expected 1 unit or more")
    nobody = (problem.persons == 0) & (problem.need > 0).any(axis=1)
    if nobody.any():
        raise InputError(f"persons=0 of place {int(np.argmax(nobody))}, which has needs: say who waits for them")
    if (problem.volume_left < 0).any():
        j = int(np.argmin(problem.volume_left))
        raise InputError(f"held: the packs of depot {j} take {-problem.volume_left[j]} more than its volume")
    return problem


def _whole(name: str, values: Any, shape: tuple[int, ...]) -> Ints:
    found = np.asarray(values, dtype=np.float64)
    if found.shape != shape:
        raise InputError(f"{name}: shape {found.shape}; expected {shape}")
    bad = ~((found >= 0) & (found == np.floor(found)) & (found < 2**53))
    if bad.any():
        raise InputError(f"{name}={found[bad].flat[0]:g}: expected a whole number, 0 or more")
    return found.astype(np.int64)


# -- the plan ---------------------------------------------------------------------------------------


def plan_stocking(problem: StockingProblem, *, time_limit_s: float | None = None) -> StockPlan:
    """The packs that each depot should hold beside what it holds.

    Parameters
    ----------
    problem : StockingProblem
    time_limit_s : s of solving, > 0; None: until every aim is proven

    Returns
    -------
    StockPlan; within the volume of every depot and the budget by whole numbers

    Raises
    ------
    InputError : a time limit not above 0
    Unavailable : the solver found nothing in its time

    Notes
    -----
    CRS: none.
    Cost: three integer programs with m q whole columns and n m q others; NP-hard (a knapsack is one depot).
    Invariant: no plan delivers more within the limit; of those that deliver as much none delivers more at all; of
    those none is quicker, by persons and share of need. No pack is bought that nobody gets anything of.
    Source: prepositioning as in Rawls & Turnquist (2010), Transportation Research Part B 44(4), 521-534, with one
    scenario at a time, whole packs and aims in order instead of penalties.
    """
    if time_limit_s is not None and not time_limit_s > 0:
        raise InputError(f"time_limit_s={time_limit_s}: expected seconds above 0")
    clock = Clock(time_limit_s)
    model = _Model(problem, clock)
    proven, left_s = [], clock.left_s
    for k, aim in enumerate(_AIMS):
        # Each aim gets its part of the time: a proof of the first is worth less than any answer to the last.
        part_s = clock.left_s = left_s / (len(_AIMS) - k)
        proven.append(model.sought(aim))
        left_s -= part_s - clock.left_s if math.isfinite(part_s) else 0.0
    packs = model.packs
    delivered = _deliveries(problem, packs)
    # Whole packs of what is delivered; what the volume and money of idle ones would have bought is nothing better.
    wanted = -(-delivered.sum(axis=0) // problem.pack)
    packs = np.maximum(wanted - problem.held, 0)
    plan = StockPlan(problem, packs, delivered, _stages(problem, delivered, proven))
    if (plan.volume_used > problem.volume).any() or plan.cost > problem.budget or (plan.short < 0).any():
        raise Unavailable("the solver's plan does not add up in whole numbers")
    return plan


_AIMS = ("in_time", "at_all", "mean_s")


class _Model:
    """Columns: packs h of depot and item, and s, the share of a need that a depot meets."""

    def __init__(self, problem: StockingProblem, clock: Clock) -> None:
        self.problem, self.program = problem, IntegerProgram(clock)
        (n, m), q = problem.time_s.shape, len(problem.pack)
        left = problem.volume_left
        wanted = -(-problem.need.sum(axis=0) // problem.pack)
        most = np.broadcast_to(wanted, (m, q)).astype(np.int64)
        for limit, each in ((left[:, None], problem.pack_volume), (np.array([[problem.budget]]), problem.pack_cost)):
            most = np.where(each > 0, np.minimum(most, limit // np.maximum(each, 1)), most)
        self.h = self.program.add_columns(m * q, upper=most.reshape(-1), is_whole=True).reshape(m, q)
        i, j, k = np.nonzero(np.isfinite(problem.time_s)[:, :, None] & (problem.need > 0)[:, None, :])
        self.i, self.j, self.k = i, j, k
        self.s = self.program.add_columns(len(i))
        # No more of a need than all of it.
        self.program.add_rows(i * q + k, self.s, 1.0, lower=-np.inf, upper=np.ones(n * q))
        # No more from a depot than its packs have.
        need = problem.need[i, k].astype(np.float64)
        pack = np.broadcast_to(problem.pack, (m, q)).reshape(-1)
        self.program.add_rows(
            np.append(j * q + k, np.arange(m * q)),
            np.append(self.s, self.h.reshape(-1)),
            np.append(need, -pack.astype(np.float64)),
            lower=-np.inf,
            upper=(problem.held * problem.pack).reshape(-1),
        )
        depots = np.repeat(np.arange(m), q)
        volumes = np.broadcast_to(problem.pack_volume, (m, q)).reshape(-1)
        self.program.add_rows(depots, self.h.reshape(-1), volumes, lower=-np.inf, upper=left)
        costs = np.broadcast_to(problem.pack_cost, (m, q)).reshape(-1)
        self.program.add_rows(np.zeros(m * q), self.h.reshape(-1), costs, lower=-np.inf, upper=problem.budget)
        self.packs = np.zeros((m, q), dtype=np.int64)
        self._last = Solved(None, 0.0, 0.0, True, True)

    def sought(self, aim: str) -> Solved:
        """Solve for one aim and hold it."""
        problem = self.problem
        weight = problem.persons[self.i].astype(np.float64)
        times = problem.time_s[self.i, self.j]
        if aim == "in_time":
            weight = weight * (times <= problem.limit_s)
        if aim == "mean_s":
            weight = weight * times
        if aim == "at_all" and (times <= problem.limit_s).all():
            return self._last  # whatever arrives is in time
        most = aim != "mean_s"
        solved = self.program.solve(
            self.s, weight, most=most, start=(self.h.reshape(-1), self.packs.reshape(-1).astype(np.float64))
        )
        if solved.values is None:
            if aim == "in_time":
                raise Unavailable("the solver found no plan in its time; give it more")
            return solved
        self._last = solved
        self.packs = np.round(solved.values[self.h]).astype(np.int64)
        self._trim()
        room = _ROOM * max(1.0, abs(solved.objective))
        low, high = (solved.objective - room, np.inf) if most else (-np.inf, solved.objective + room)
        self.program.add_rows(np.zeros(len(self.s)), self.s, weight, lower=low, upper=high)
        return solved

    def _trim(self) -> None:
        """Take packs out where the solver's tolerance let one too many in; it has not been seen to happen."""
        problem = self.problem
        for j in range(len(self.packs)):
            while self.packs[j] @ problem.pack_volume > problem.volume_left[j]:
                self.packs[j, int(np.argmax(np.where(self.packs[j] > 0, problem.pack_volume, -1)))] -= 1
        while (self.packs @ problem.pack_cost).sum() > problem.budget:
            at = np.argmax(np.where(self.packs > 0, problem.pack_cost[None, :], -1))
            self.packs[np.unravel_index(int(at), self.packs.shape)] -= 1


def _deliveries(problem: StockingProblem, packs: Ints) -> Ints:
    """(n, m, q) units, whole: item by item a transport problem, the aims one after another on its optimal faces."""
    delivered = np.zeros((*problem.time_s.shape, len(problem.pack)), dtype=np.int64)
    stock = (packs + problem.held) * problem.pack
    weights = _weights(problem)
    for k in range(len(problem.pack)):
        i, j = np.nonzero(np.isfinite(problem.time_s) & (problem.need[:, k] > 0)[:, None] & (stock[:, k] > 0)[None, :])
        if len(i) == 0:
            continue
        program = IntegerProgram()
        x = program.add_columns(len(i), upper=np.minimum(problem.need[i, k], stock[j, k]))
        for axis, upper in ((i, problem.need[:, k]), (j, stock[:, k])):
            program.add_rows(axis, x, 1.0, lower=-np.inf, upper=upper)
        weight, times = weights[i, k] / weights[i, k].max(), problem.time_s[i, j]
        aims: Sequence[tuple[Floats, bool]] = (
            (weight * (times <= problem.limit_s), True),
            (weight, True),
            (weight * times, False),
        )
        values = np.zeros(len(i))
        for costs, most in aims:
            solved = program.solve(x, costs, most=most)
            if solved.values is None:
                raise Unavailable("the solver could not share the packs out")
            values = solved.values
            program.keep_optimum()
        delivered[i, j, k] = np.round(values).astype(np.int64)
        if (delivered[:, :, k].sum(axis=0) > stock[:, k]).any() or np.abs(delivered[i, j, k] - values).max() > 1e-6:
            raise Unavailable("the solver's deliveries are not whole")
    return delivered


def _stages(problem: StockingProblem, delivered: Ints, proven: Sequence[Solved]) -> tuple[Stage, ...]:
    """The aims by recount, each beside the solver's bound."""
    weight = delivered * _weights(problem)[:, None, :]
    times = np.where(np.isfinite(problem.time_s), problem.time_s, 0.0)
    near = (problem.time_s <= problem.limit_s)[:, :, None]
    at_all = float(weight.sum())
    total_s = float((weight * times[:, :, None]).sum())
    values = {"in_time": float((weight * near).sum()), "at_all": at_all, "mean_s": total_s}
    found, is_sure = [], True
    for name, solved in zip(_AIMS, proven, strict=True):
        value, bound = values[name], solved.bound
        # An aim is proven only after those before it.
        is_sure = is_sure and solved.is_optimal and abs(value - bound) <= 1e-6 * max(1.0, abs(bound))
        if is_sure:
            bound = value
        per = (1.0 / at_all if at_all else math.nan) if name == "mean_s" else 1.0
        found.append(Stage(name, value * per, bound * per, is_sure))  # type: ignore[arg-type]
    return tuple(found)
