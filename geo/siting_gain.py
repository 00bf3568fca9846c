"""What sites bring: the persons covered over the number of sites, and the persons that each site adds."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geo.errors import InputError
from geo.siting import Siting, SitingProblem, most_covered
from geo.siting_models import _covered_persons

Ints = NDArray[np.int64]


class CurvePoint(NamedTuple):
    """The most persons that so many sites can cover, and the sites that do; `bound` is proven."""

    sites: int
    persons: int
    bound: float
    is_optimal: bool
    chosen: tuple[int, ...]


@dataclass(frozen=True)
class Gains:
    """Persons that sites bring.

    `added` (m,): by a candidate alone beside the existing sites; 0 for existing and excluded ones. `lost`, one for each
    of the chosen sites: what is no longer covered without it.
    """

    added: Ints
    lost: Ints


def coverage_curve(
    problem: SitingProblem, *, up_to: int | None = None, covers: int = 1, time_limit_s: float | None = None
) -> Iterator[CurvePoint]:
    """The most persons covered by each number of sites, from those that exist until all that can be are covered.

    Parameters
    ----------
    problem : SitingProblem
    up_to : sites in all at which the curve ends at the latest; None: all candidates
    covers : a place counts when at least so many sites are within the limit, >= 1
    time_limit_s : s of solving, > 0, for each point; None: until it is proven

    Returns
    -------
    iterator of CurvePoint, in order of `sites`, each solved when it is asked for; the first is what exists, 0 sites
    where nothing does

    Raises
    ------
    InputError : up_to below what exists or above the candidates, covers below 1, a time limit not above 0

    Notes
    -----
    CRS: none.
    Cost: one `most_covered` for each point.
    Invariant: persons never fall from one point to the next; each point is the optimum of its own, so that the sites
    of one need not be among those of the next.
    Source: Church & ReVelle (1974), Papers in Regional Science 32(1), 101-118.
    """
    there = np.flatnonzero(problem.existing)
    free = int(np.count_nonzero(problem.allowed))
    last = free if up_to is None else up_to
    if not len(there) <= last <= free:
        raise InputError(f"up_to={last}: expected {len(there)} sites that exist to {free} that are not excluded")
    if covers < 1:
        raise InputError(f"covers={covers}: expected 1 or more")
    return _points(problem, there, last, covers, time_limit_s)


def _points(
    problem: SitingProblem, there: Ints, last: int, covers: int, time_limit_s: float | None
) -> Iterator[CurvePoint]:
    now, most = (_persons(problem, chosen, covers) for chosen in (there, np.flatnonzero(problem.allowed)))
    point = CurvePoint(len(there), now, now, True, tuple(there.tolist()))
    yield point
    for sites in range(len(there) + 1, last + 1):
        if point.persons == most:
            return
        if sites < covers:
            # Too few to cover any place so often, whichever they are.
            point = CurvePoint(sites, 0, 0, True, _first(problem, sites))
        else:
            found = most_covered(problem, sites=sites, covers=covers, time_limit_s=time_limit_s)
            point = CurvePoint(sites, int(found.objective), found.bound, found.is_optimal, found.sites)
        yield point


def _persons(problem: SitingProblem, chosen: Ints, covers: int) -> int:
    flags = np.isin(np.arange(len(problem.existing)), chosen)
    return _covered_persons(problem, flags, covers)


def _first(problem: SitingProblem, sites: int) -> tuple[int, ...]:
    """The existing sites and the first candidates, so many in all."""
    order = np.argsort(~problem.existing, kind="stable")
    return tuple(sorted(order[problem.allowed[order]][:sites].tolist()))


def gains(found: Siting) -> Gains:
    """Persons within the limit that each candidate adds alone, and that each chosen site would leave behind.

    Parameters
    ----------
    found : Siting

    Returns
    -------
    Gains

    Notes
    -----
    CRS: none.
    Cost: O(n m); with capacities one flow for each candidate.
    Invariant: none is below 0; a place counts when as many sites cover it as the siting asked for.
    Source: marginal contribution; none.
    """
    problem = found.problem

    def covered(chosen: Ints) -> int:
        return _persons(problem, chosen, found.covers)

    there = np.flatnonzero(problem.existing)
    now = covered(there)
    added = np.zeros(len(problem.existing), dtype=np.int64)
    for j in np.flatnonzero(~problem.existing & problem.allowed):
        added[j] = covered(np.append(there, j)) - now
    chosen = np.asarray(found.sites, dtype=np.int64)
    total = covered(chosen)
    lost = [total - covered(chosen[chosen != j]) for j in chosen]
    return Gains(added, np.asarray(lost, dtype=np.int64))
