"""`onemap bench evacuation`: villages to shelters within capacity, beside SciPy, networkx and the usual rule of thumb.

Objectives are compared before anything is printed: persons sheltered and person-seconds must be equal, but for the rule
of thumb (each in turn to the nearest with room), whose loss is said.
"""

import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo.errors import InputError, Unavailable
from geo.evacuation import evacuation

VILLAGES, SHELTERS = 200, 120
AIM_S = 2.0
_EXTENT_M = 16_000.0
_DETOUR = 1.3
_WALK_M_S = 1.1

Longs = NDArray[np.int64]
_Case = tuple[Longs, Longs, Longs]  # persons, capacity, milliseconds
_Found = tuple[int, int]  # persons sheltered, person-milliseconds


def _case(villages: int, shelters: int, share: float, seed: int) -> _Case:
    """Villages and shelters spread over a square, places for a share of the persons."""
    rng = np.random.default_rng(seed)
    persons = rng.integers(500, 9_000, villages)
    capacity = rng.integers(200, 20_000, shelters)
    capacity = (capacity * (persons.sum() * share / capacity.sum())).astype(np.int64)
    a, b = rng.uniform(0, _EXTENT_M, (villages, 2)), rng.uniform(0, _EXTENT_M, (shelters, 2))
    apart_m = np.hypot(*(a[:, None] - b[None]).transpose(2, 0, 1)) * _DETOUR
    return persons, capacity, np.rint(apart_m / _WALK_M_S * 1000).astype(np.int64)


def _ours(case: _Case) -> _Found:
    found = evacuation(case[0], case[1], case[2] / 1000.0)
    return found.sheltered, round(found.person_s * 1000)


def _linprog(case: _Case) -> _Found:
    """As one would write it: everybody left has a price that no rearrangement can save."""
    from scipy import optimize
    from scipy.sparse import csr_array

    persons, capacity, ms = case
    n, m = ms.shape
    i, j = (index.reshape(-1) for index in np.indices((n, m)))
    k = n * m
    out = csr_array((np.ones(k + n), (np.r_[i, np.arange(n)], np.arange(k + n))), shape=(n, k + n))
    into = csr_array((np.ones(k), (j, np.arange(k))), shape=(m, k + n))
    price = float(ms.max()) * 2 * (n + m)
    cost = np.r_[ms.reshape(-1), np.full(n, price)]
    solve: Any = optimize.linprog
    found = solve(cost, A_ub=into, b_ub=capacity, A_eq=out, b_eq=persons, method="highs")
    moved = np.rint(found.x[:k]).astype(np.int64)
    return int(moved.sum()), int((moved * ms.reshape(-1)).sum())


def _networkx(case: _Case) -> _Found:
    import networkx as nx

    persons, capacity, ms = case
    n, m = ms.shape
    price = int(ms.max()) * 2 * (n + m)
    graph = nx.DiGraph()
    for i, count in enumerate(persons.tolist()):
        graph.add_node(("village", i), demand=-count)
        graph.add_edge(("village", i), "left", weight=price)
        for j, cost in enumerate(ms[i].tolist()):
            graph.add_edge(("village", i), ("shelter", j), weight=cost)
    for j, count in enumerate(capacity.tolist()):
        graph.add_edge(("shelter", j), "there", capacity=count, weight=0)
    graph.add_edge("left", "there", weight=0)
    graph.add_node("there", demand=int(persons.sum()))
    _, flow = nx.network_simplex(graph)
    moved = np.array([[flow[("village", i)].get(("shelter", j), 0) for j in range(m)] for i in range(n)])
    return int(moved.sum()), int((moved * ms).sum())


def _nearest_with_room(case: _Case) -> _Found:
    """The rule of thumb: the nearest pairs first, as long as there is room."""
    persons, capacity, ms = case
    left, room = persons.copy(), capacity.copy()
    sheltered = cost = 0
    for pair in np.argsort(ms, axis=None, kind="stable").tolist():
        i, j = divmod(pair, ms.shape[1])
        count = int(min(left[i], room[j]))
        left[i] -= count
        room[j] -= count
        sheltered, cost = sheltered + count, cost + count * int(ms[i, j])
    return sheltered, cost


_SOLVERS: tuple[tuple[str, str, Callable[[_Case], _Found], bool], ...] = (
    ("onemap", "geo.evacuation", _ours, True),
    ("scipy linprog", "scipy", _linprog, True),
    ("networkx network simplex", "networkx", _networkx, True),
    ("nearest with room", "numpy", _nearest_with_room, False),
)
"""Name, module that must be there, solver, whether it is exact."""


def run_bench_evacuation(
    *,
    say: Callable[[str], Any],
    output: Path | None = None,
    sizes: tuple[int, int] = (VILLAGES, SHELTERS),
    runs: int = 5,
    seed: int = 1,
) -> dict[str, Any]:
    """Time every solver with scarce and with ample places; saved as JSON on demand."""
    villages, shelters = sizes
    if min(villages, shelters, runs) < 1:
        raise InputError(f"sizes={sizes}, runs={runs}: expected numbers above 0")
    rows: list[dict[str, Any]] = []
    for name, share in (("scarce", 0.8), ("ample", 2.0)):
        case = _case(villages, shelters, share, seed)
        best = _ours(case)
        for solver, module, work, is_exact in _SOLVERS:
            row: dict[str, Any] = {"places": name, "share": share, "solver": solver}
            rows.append(row)
            if find_spec(module) is None:
                row["absent"] = "not installed; the extra [bench] brings it"
                continue
            say(f"measuring {solver}, {name} places")
            taken, found = _timed(work, case, runs)
            if is_exact and found != best:
                raise Unavailable(f"bench: {solver} has {found} where ours has {best}; nothing is compared")
            row |= {"s": taken, "sheltered": found[0], "person_h": round(found[1] / 3.6e6, 1)}
            row["more_time"] = round(found[1] / best[1] - 1, 6) if best[1] and found[0] == best[0] else None
    report = {
        "villages": villages,
        "shelters": shelters,
        "seed": seed,
        "runs": runs,
        "machine": {"platform": platform.platform(), "processors": os.cpu_count()},
        "aim_s": AIM_S,
        "rows": rows,
    }
    for line in _lines(report):
        say(line)
    if output is not None:
        output.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return report


def _timed(work: Callable[[_Case], _Found], case: _Case, runs: int) -> tuple[float, _Found]:
    """Median seconds of some runs; one run suffices where it is slow."""
    taken: list[float] = []
    while len(taken) < runs and sum(taken) < 10.0:
        begun = time.perf_counter()
        found = work(case)
        taken.append(time.perf_counter() - begun)
    return round(statistics.median(taken), 4), found


def _lines(report: dict[str, Any]) -> list[str]:
    head = f"{report['villages']} villages x {report['shelters']} shelters, seed {report['seed']}, aim {AIM_S:g} s"
    lines = [head, f"{'places':<8}{'solver':<26}{'s':>9}{'ratio':>8}{'sheltered':>12}{'person-hours':>14}{'more':>9}"]
    for row in report["rows"]:
        first = f"{row['places']:<8}{row['solver']:<26}"
        if "absent" in row:
            lines.append(f"{first} absent: {row['absent']}")
            continue
        ours = next(r["s"] for r in report["rows"] if r["places"] == row["places"])
        more = "-" if row["more_time"] is None else f"{row['more_time']:.2%}"
        lines.append(
            f"{first}{row['s']:>9.3f}{row['s'] / ours:>8.1f}{row['sheltered']:>12,}{row['person_h']:>14,.1f}{more:>9}"
        )
    return lines
