"""Linear programs with whole variables, solved by HiGHS: one thread, one seed, with the proven bound."""

from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np
from numpy.typing import NDArray

from geo.errors import Unavailable

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_TOLERANCE = 1e-9
"""How far a row or a whole variable may be off; HiGHS itself has 1e-6, too much for sums of a million persons."""
_PRICED = 1e-7
"""From here on a dual value counts as one."""


class _Quiet(highspy.Highs):
    def enableCallbacks(self) -> None:
        """None are used, and setting them prints a banner before the output can be switched off."""
        self.setOptionValue("output_flag", False)


class Clock:
    """Seconds of solving that several programs may use together; None: without end."""

    def __init__(self, limit_s: float | None = None) -> None:
        self.left_s = float("inf") if limit_s is None else float(limit_s)

    @property
    def is_out(self) -> bool:
        """Whether nothing is left."""
        return self.left_s <= 0


@dataclass(frozen=True)
class Solved:
    """The best values found, and the bound that no values can beat; equal where `is_optimal`.

    `values` is None where none were found; `is_feasible` is False where it is proven that there are none.
    """

    values: Floats | None
    objective: float
    bound: float
    is_optimal: bool
    is_feasible: bool
    reduced_costs: Floats | None = None
    row_duals: Floats | None = None


class IntegerProgram:
    """A program that grows by blocks of columns and rows and can be solved again for another aim.

    Columns and rows are numbered in the order in which they are added.
    """

    def __init__(self, clock: Clock | None = None, *, presolve: bool = True) -> None:
        self._clock = clock or Clock()
        self._highs = _Quiet()
        # One thread and one seed: the same question gets the same answer.
        options: dict[str, Any] = {
            "threads": 1,
            "parallel": "off",
            "random_seed": 0,
            "presolve": "choose" if presolve else "off",
            "mip_rel_gap": 0.0,
            "mip_abs_gap": 1e-6,
            "primal_feasibility_tolerance": _TOLERANCE,
            "dual_feasibility_tolerance": _TOLERANCE,
            "mip_feasibility_tolerance": _TOLERANCE,
        }
        for name, value in options.items():
            self._highs.setOptionValue(name, value)
        self._is_whole = np.zeros(0, dtype=bool)
        self._relaxed = False

    @property
    def columns(self) -> int:
        """How many columns there are."""
        return len(self._is_whole)

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return int(self._highs.getNumRow())

    def add_columns(self, count: int, *, lower: Any = 0.0, upper: Any = 1.0, is_whole: bool = False) -> Ints:
        """Add columns with their bounds (inf allowed) and return their numbers."""
        first = self.columns
        bounds = [np.ascontiguousarray(np.broadcast_to(np.asarray(b, dtype=np.float64), count)) for b in (lower, upper)]
        if count:
            self._highs.addVars(count, *bounds)
        numbers = np.arange(first, first + count)
        self._is_whole = np.append(self._is_whole, np.full(count, is_whole))
        if is_whole and count:
            self._set_kind(numbers, highspy.HighsVarType.kInteger)
        return numbers

    def add_rows(self, row: Any, column: Any, value: Any, *, lower: Any, upper: Any) -> None:
        """Add rows given as entries (row from 0, column, value), each pair once; bounds may be inf."""
        lower, upper = (np.atleast_1d(np.asarray(b, dtype=np.float64)) for b in (lower, upper))
        count = np.broadcast(lower, upper).size
        if count == 0:
            return
        row = np.asarray(row, dtype=np.int64).reshape(-1)
        order = np.argsort(row, kind="stable")
        column = np.broadcast_to(np.asarray(column), row.shape)[order].astype(np.int32)
        value = np.broadcast_to(np.asarray(value, dtype=np.float64), row.shape)[order]
        starts = np.searchsorted(row[order], np.arange(count)).astype(np.int32)
        low, high = (np.ascontiguousarray(np.broadcast_to(b, count)) for b in (lower, upper))
        self._highs.addRows(count, low, high, len(row), starts, column, np.ascontiguousarray(value))

    def set_bounds(self, columns: Any, lower: Any, upper: Any) -> None:
        """Replace the bounds of columns."""
        numbers = np.asarray(columns, dtype=np.int32).reshape(-1)
        bounds = [
            np.ascontiguousarray(np.broadcast_to(np.asarray(b, dtype=np.float64), numbers.shape))
            for b in (lower, upper)
        ]
        if len(numbers):
            self._highs.changeColsBounds(len(numbers), numbers, *bounds)

    def delete_rows(self, rows: Any) -> None:
        """Delete rows by number; those behind move up."""
        numbers = np.asarray(rows, dtype=np.int32).reshape(-1)
        if len(numbers):
            self._highs.deleteRows(len(numbers), numbers)

    def slack(self) -> Floats:
        """How far above its lower bound every row is at the last solution."""
        lower = np.asarray(self._highs.getLp().row_lower_, dtype=np.float64)
        return np.asarray(self._highs.getSolution().row_value, dtype=np.float64) - lower

    def keep_optimum(self) -> None:
        """After a linear program: keep to its optimal face, whose corners are corners of the whole.

        A column with a reduced cost stays where it is, a row with a price stays at its bound; unlike a row that holds
        the objective, this leaves the whole corners of a network whole.
        """
        solution = self._highs.getSolution()
        values, duals = (np.asarray(v, dtype=np.float64) for v in (solution.col_value, solution.col_dual))
        columns = np.flatnonzero(np.abs(duals) > _PRICED)
        self.set_bounds(columns, values[columns], values[columns])
        values, duals = (np.asarray(v, dtype=np.float64) for v in (solution.row_value, solution.row_dual))
        for row in np.flatnonzero(np.abs(duals) > _PRICED).tolist():
            self._highs.changeRowBounds(row, values[row], values[row])

    def solve(
        self, columns: Any, costs: Any, *, most: bool = False, start: Any = None, is_relaxed: bool = False
    ) -> Solved:
        """Least (or `most`) of the sum of costs times columns; `start` is (columns, values) to begin with.

        Raises
        ------
        Unavailable : the solver gave up for a reason other than the time
        """
        highs = self._highs
        if self._clock.is_out:
            return Solved(None, np.nan, np.inf if most else -np.inf, False, True)
        all_costs = np.zeros(self.columns)
        all_costs[np.asarray(columns)] = costs
        highs.changeColsCost(self.columns, np.arange(self.columns, dtype=np.int32), all_costs)
        highs.changeObjectiveSense(highspy.ObjSense.kMaximize if most else highspy.ObjSense.kMinimize)
        if is_relaxed != self._relaxed:
            kind = highspy.HighsVarType.kContinuous if is_relaxed else highspy.HighsVarType.kInteger
            self._set_kind(np.flatnonzero(self._is_whole), kind)
            self._relaxed = is_relaxed
        if start is not None:
            numbers, values = start
            numbers, values = np.asarray(numbers, dtype=np.int32), np.asarray(values, dtype=np.float64)
            highs.setSolution(len(numbers), numbers, values)
        self._run()
        answer = self._answer(most, is_relaxed or not self._is_whole.any())
        if start is not None and answer.values is not None and not self._clock.is_out:
            told = float(all_costs @ answer.values)
            if abs(told - answer.objective) > 1e-6 * max(1.0, abs(told)):
                # HiGHS 1.16 may shorten a start in presolve and then return its own objective with the old values.
                highs.clearSolver()
                self._run()
                answer = self._answer(most, is_relaxed or not self._is_whole.any())
        return answer

    def _run(self) -> None:
        highs = self._highs
        before_s = highs.getRunTime()
        if np.isfinite(self._clock.left_s):
            highs.setOptionValue("time_limit", before_s + self._clock.left_s)
        highs.run()
        self._clock.left_s -= highs.getRunTime() - before_s

    def _answer(self, most: bool, is_linear: bool) -> Solved:
        highs, info = self._highs, self._highs.getInfo()
        status, kinds = highs.getModelStatus(), highspy.HighsModelStatus
        endless = np.inf if most else -np.inf
        if status in (kinds.kInfeasible, kinds.kUnboundedOrInfeasible):
            return Solved(None, np.nan, np.nan, False, False)
        if status not in (kinds.kOptimal, kinds.kTimeLimit, kinds.kModelEmpty, kinds.kInterrupt):
            raise Unavailable(f"the solver gave up: {highs.modelStatusToString(status)}")
        is_optimal = status in (kinds.kOptimal, kinds.kModelEmpty)
        solution = highs.getSolution()
        found = solution.value_valid and info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
        if not (found or is_optimal):
            return Solved(None, np.nan, endless if is_linear else info.mip_dual_bound, False, True)
        objective = float(info.objective_function_value)
        bound = (objective if is_optimal else endless) if is_linear else float(info.mip_dual_bound)
        values = np.asarray(solution.col_value, dtype=np.float64)
        if not (is_linear and solution.dual_valid):
            return Solved(values, objective, bound, is_optimal, True)
        columns, rows = (np.asarray(duals, dtype=np.float64) for duals in (solution.col_dual, solution.row_dual))
        return Solved(values, objective, bound, is_optimal, True, columns, rows)

    def _set_kind(self, numbers: Any, kind: highspy.HighsVarType) -> None:
        kinds = np.full(len(numbers), int(kind), dtype=np.uint8)
        self._highs.changeColsIntegrality(len(numbers), np.asarray(numbers, dtype=np.int32), kinds)
