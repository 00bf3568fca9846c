"""`onemap bench siting`: the four location models beside spopt and its default solver, in one run.

Objectives are compared before anything is printed: equal where the peer proves its optimum, and no better than ours
where it is stopped. Times are from the arrays to the answer, the building of the model included; the ratio is of
seconds of the processor, which other work on the machine does not lengthen.
"""

import importlib
import importlib.metadata
import json
import os
import platform
import time
import warnings
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo.errors import InputError, Unavailable
from geo.siting import Siting, fewest_sites, least_mean_time, least_worst_time, most_covered, siting_problem

SIZES: tuple[tuple[int, int, int], ...] = ((200, 30, 4), (400, 50, 5), (800, 80, 6))
"""Places, candidates, sites."""

PEER_S = 60.0
"""Seconds after which the peer's solver is stopped."""

_CPU_TICK_S = 0.01
_EXTENT_M = 10_000.0
_LIMIT_M = 1_200.0

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
_Model = tuple[str, Callable[..., Siting], str]

_MODELS: tuple[_Model, ...] = (
    ("fewest_sites", fewest_sites, "LSCP"),
    ("most_covered", most_covered, "MCLP"),
    ("least_mean_time", least_mean_time, "PMedian"),
    ("least_worst_time", least_worst_time, "PCenter"),
)


def _instance(places: int, candidates: int, seed: int) -> tuple[Floats, Longs]:
    """Distances in whole millimetres between points spread over a square, and persons."""
    rng = np.random.default_rng(seed)
    a, b = rng.uniform(0, _EXTENT_M, (places, 2)), rng.uniform(0, _EXTENT_M, (candidates, 2))
    dx, dy = (a[:, None] - b[None]).transpose(2, 0, 1)
    apart_m: Floats = np.round(np.hypot(dx, dy), 3)
    return apart_m, rng.integers(1, 2_000, places)


def _ours(model: _Model, apart_m: Floats, persons: Longs, sites: int) -> tuple[float, bool]:
    name, solver, _ = model
    problem = siting_problem(apart_m, persons, limit_s=_LIMIT_M)
    found = solver(problem) if name == "fewest_sites" else solver(problem, sites=sites)
    return found.objective, found.is_optimal


def _spopt(model: _Model, apart_m: Floats, persons: Longs, sites: int, limit_s: float) -> tuple[float, bool]:
    """The peer's objective, and whether it proves it."""
    locate, pulp = importlib.import_module("spopt.locate"), importlib.import_module("pulp")
    name, _, peer = model
    make = getattr(locate, peer).from_cost_matrix
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # between the peer and its own library
        built = _built(make, name, apart_m, persons, sites)
        built.problem.solve(pulp.PULP_CBC_CMD(msg=False, timeLimit=limit_s))
    # Stopped before a whole solution, it leaves the values of a relaxed one behind.
    is_whole = built.problem.sol_status in (pulp.LpSolutionOptimal, pulp.LpSolutionIntegerFeasible)
    value = built.problem.objective.value() if is_whole else None
    is_proven = built.problem.sol_status == pulp.LpSolutionOptimal and built.problem.solutionTime < limit_s
    if value is None:
        return float("nan"), False
    return float(value) / (int(persons.sum()) if name == "least_mean_time" else 1), bool(is_proven)


def _built(make: Any, name: str, apart_m: Floats, persons: Longs, sites: int) -> Any:
    if name == "fewest_sites":
        # Its program has no answer where some place is out of reach of all; ours lists such places.
        return make(apart_m[(apart_m <= _LIMIT_M).any(axis=1)], _LIMIT_M)
    if name == "most_covered":
        return make(apart_m, persons, _LIMIT_M, p_facilities=sites)
    if name == "least_mean_time":
        return make(apart_m, persons, p_facilities=sites)
    return make(apart_m, p_facilities=sites)


def run_bench_siting(
    *,
    say: Callable[[str], Any],
    output: Path | None = None,
    sizes: tuple[tuple[int, int, int], ...] = SIZES,
    peer_s: float = PEER_S,
    seed: int = 1,
) -> dict[str, Any]:
    """Time ours and the peer's for every model and size; saved as JSON on demand."""
    if not sizes or any(min(size) < 1 or size[2] > size[1] for size in sizes) or not peer_s > 0:
        raise InputError(f"sizes={sizes}, peer_s={peer_s}: expected numbers above 0, and no more sites than candidates")
    peer = importlib.metadata.version("spopt") if find_spec("spopt") is not None else None
    rows: list[dict[str, Any]] = []
    report: dict[str, Any] = {
        "seed": seed,
        "peer": None if peer is None else f"spopt {peer} with CBC, stopped after {peer_s:g} s",
        "machine": {"platform": platform.platform(), "processors": os.cpu_count()},
        "rows": rows,
    }
    for line in _head(report):
        say(line)
    for places, candidates, sites in sizes:
        apart_m, persons = _instance(places, candidates, seed)
        for model in _MODELS:
            (ours, is_optimal), took = _timed(partial(_ours, model, apart_m, persons, sites))
            row: dict[str, Any] = {"model": model[0], "places": places, "candidates": candidates, "sites": sites}
            row |= {"objective": ours, "is_optimal": is_optimal, **took}
            rows.append(row)
            if peer is not None:
                (found, is_proven), took = _timed(partial(_spopt, model, apart_m, persons, sites, peer_s))
                row |= {f"peer_{name}": value for name, value in took.items()}
                row |= {"peer_is_proven": is_proven, "peer_objective": None if np.isnan(found) else found}
                _compared(row)
            say(_line(row))
    if output is not None:
        output.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return report


def _timed(task: Callable[[], tuple[float, bool]]) -> tuple[tuple[float, bool], dict[str, float]]:
    """An answer with its seconds, and those of the processor; those of programs that it starts count."""
    begun, before = time.perf_counter(), sum(os.times()[:4])
    found = task()
    return found, {
        "s": round(time.perf_counter() - begun, 4),
        "cpu_s": round(max(sum(os.times()[:4]) - before, _CPU_TICK_S), 4),
    }


def _compared(row: dict[str, Any]) -> None:
    """Unavailable where the peer and ours contradict each other."""
    theirs, ours = row["peer_objective"], row["objective"]
    if theirs is None:
        return
    better = theirs - ours if row["model"] == "most_covered" else ours - theirs
    room = 1e-6 * max(1.0, abs(ours))
    differs = abs(better) > room if row["peer_is_proven"] else better > room
    if differs:
        raise Unavailable(f"bench: {row['model']}: spopt has {theirs} where ours has {ours}; nothing is compared")


def _head(report: dict[str, Any]) -> tuple[str, str]:
    """What stands above the rows; a ratio of 10 means that ours is ten times as fast, > that the peer was stopped."""
    peer = report["peer"] or "spopt is not installed; the extra [bench] brings it"
    head = f"{'model':<18}{'places':>8}{'candidates':>12}{'sites':>7}{'objective':>16}{'s':>9}{'cpu s':>9}"
    return (
        f"seed {report['seed']}, {report['machine']['processors']} processors; {peer}",
        f"{head}{'peer s':>10}{'cpu s':>10}{'ratio':>9}  peer's objective",
    )


def _line(row: dict[str, Any]) -> str:
    """One row of the table."""
    first = (
        f"{row['model']:<18}{row['places']:>8,}{row['candidates']:>12,}{row['sites']:>7}"
        f"{row['objective']:>16,.3f}{row['s']:>9.2f}{row['cpu_s']:>9.2f}"
    )
    if "peer_s" not in row:
        return first
    mark = "" if row["peer_is_proven"] else ">"
    theirs = row["peer_objective"]
    told = "equal" if row["peer_is_proven"] else "none" if theirs is None else f"{theirs:,.3f}, not proven"
    taken = [f"{mark}{row[name]:.2f}" for name in ("peer_s", "peer_cpu_s")]
    ratio = f"{mark}{row['peer_cpu_s'] / row['cpu_s']:.1f}"
    return f"{first}{taken[0]:>10}{taken[1]:>10}{ratio:>9}  {told}"
