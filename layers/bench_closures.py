"""`onemap bench`: from a closure that is drawn to the new coverage and who loses by it."""

from collections.abc import Callable
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

CLOSED_AROUND_M = 100.0
"""All roads within so many metres of a random junction are closed, another one each time."""

_CHECKED = 3  # closures whose answers are compared

Floats = NDArray[np.float64]


def closure_tasks(
    opened: Any, teams: Any, places: Any, covered: Callable[[Floats, Floats], Any]
) -> dict[str, Callable[[], Any]]:
    """What is timed: with the open times known and only what can change computed, with all pairs, and from nothing.

    `opened` are travel times without closures, `covered` makes a coverage of (teams, places) s with and without them.
    """
    import shapely

    from geo.changed_times import changed_matrix_s
    from geo.coverage_change import coverage_change
    from geo.times import TravelTimes

    network, order = opened.network, opened._order
    drawn = network.node_xy_m[np.random.default_rng(2).integers(0, len(network.node_xy_m), 1_000)]
    open_s = opened.matrix_s(teams, places)
    before = covered(open_s, open_s)

    def factors(turn: int) -> Floats:
        place = shapely.Point(*drawn[turn % len(drawn)]).buffer(CLOSED_AROUND_M)
        left: Floats = network.closure_factors([place], [0.0])
        return left

    def change(turn: int) -> Any:
        closed = opened.with_factors(factors(turn))
        return coverage_change(before, covered(changed_matrix_s(closed, opened, open_s, teams, places), open_s))

    def all_pairs(turn: int) -> Any:
        closed = opened.with_factors(factors(turn))
        return coverage_change(before, covered(closed.matrix_s(teams, places), open_s))

    def recount(turn: int) -> Any:
        first = TravelTimes(network, order=order).matrix_s(teams, places)
        closed = TravelTimes(network, order=order, edge_factor=factors(turn))
        return coverage_change(covered(first, first), covered(closed.matrix_s(teams, places), first))

    for turn in range(_CHECKED):
        found = change(turn)
        if not all(found.table.equals(other(turn).table) for other in (all_pairs, recount)):
            raise AssertionError("coverage after a closure differs from a full recount")

    def timed(task: Callable[[int], Any]) -> Callable[[], Any]:
        turns = count()
        return lambda: task(next(turns))

    tasks = {"closure_ms": change, "closure_all_pairs_ms": all_pairs, "closure_recount_ms": recount}
    return {name: timed(task) for name, task in tasks.items()}


def closure_line(ours: dict[str, Any]) -> str:
    """The figures of `closure_tasks` as a sentence."""
    known, pairs, nothing = (ours[f"closure{name}_ms"] for name in ("", "_all_pairs", "_recount"))
    return (
        f"all roads within {CLOSED_AROUND_M:g} m closed, to the new proof table and who loses by it {known:.1f} ms; "
        f"with all pairs anew {pairs:.1f} ms ({pairs / known:.1f} times), "
        f"from the network alone {nothing:.1f} ms ({nothing / known:.1f} times)"
    )
