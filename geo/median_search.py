"""The least mean time (p-median) by branch and bound, with Lagrangian multipliers on the places as its bound.

For any prices of being served, each place takes the sites cheaper than its price, and the best sites by what they
save give a bound that no choice beats (Cornuejols, Fisher & Nemhauser 1977, Management Science 23(8), 789-810).
Whoever lifts the bound above a known total when put in, or when left out, is out, or in.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

_ROOT_ROUNDS, _NODE_ROUNDS = 600, 120  # of prices
_ROOT_PACE, _NODE_PACE, _LEAST_PACE = 2.0, 0.5, 0.02
_IDLE_ROUNDS = 20  # after so many without a better bound the pace is halved
_AIMED = 1.002  # times the known total, at which the prices aim
_REMEMBERED = 0.95  # share of the choices before in the running mean by which the tree branches
_NEAR = 1.001  # times the known total: a choice as near is worth an exchange of sites

WORK_PER_S = 2e8
"""Pairs of places and candidates that a second looks through, on a slow machine."""


@dataclass(frozen=True)
class MedianSearch:
    """The best choice found, its total, what no choice beats, and the candidates that a best choice can still have.

    `chosen`, `allowed` and `fixed` are (m,); `total` and `bound` in person-seconds; `work` in pairs looked through.
    """

    chosen: Bools
    total: float
    bound: float
    allowed: Bools
    fixed: Bools
    work: float


def median_search(
    cost: Floats, *, sites: int, allowed: Bools, fixed: Bools, start: Bools, unit: float, most_work: float
) -> MedianSearch:
    """The best choice of so many sites, proven where the work suffices.

    Parameters
    ----------
    cost : (n, m) person-s, >= 0, of place i at candidate j; inf where there is no route
    sites : how many in all, the fixed ones included
    allowed, fixed : (m,) candidates that may be chosen, and that must be
    start : (m,) a choice of at most so many that reaches every place
    unit : person-s; totals are whole multiples of it
    most_work : pairs of places and candidates that may be looked through

    Returns
    -------
    MedianSearch; proven where `bound` is not a unit (or a thousand-millionth, what floats can tell) below `total`

    Notes
    -----
    CRS: none.
    Cost: O(n m) a round of prices; a few hundred nodes of 120 rounds for 200 candidates and 2,000 places.
    Invariant: no choice has a total below `bound`; `allowed` and `fixed` leave every best choice.
    Source: Beasley (1993), European Journal of Operational Research 65(3), 383-399; branching by the running mean of
    the choices, Barahona & Anbil (2000), Mathematical Programming 87(3), 385-399.
    """
    columns = np.flatnonzero(allowed)
    search = _Search(cost[:, columns], sites, fixed[columns], start[columns], unit)
    search.run(most_work)
    chosen, root_allowed, root_fixed = (np.zeros(len(allowed), dtype=bool) for _ in range(3))
    for whole, part in ((chosen, search.chosen), (root_allowed, search.allowed), (root_fixed, search.fixed)):
        whole[columns] = part
    return MedianSearch(chosen, search.total, search.bound, root_allowed, root_fixed, search.work)


@dataclass(frozen=True)
class _Node:
    """What may and must be chosen, the prices and the bound of its parent."""

    allowed: Bools
    fixed: Bools
    price: Floats
    bound: float


class _Search:
    """Depth first; what is known gets better on the way."""

    def __init__(self, cost: Floats, sites: int, fixed: Bools, start: Bools, unit: float) -> None:
        self.cost, self.sites, self.unit = cost, sites, unit
        self.allowed, self.fixed = np.ones(cost.shape[1], dtype=bool), fixed
        self.chosen = _exchanged(cost, sites, fixed, start)
        self.total = self._total(self.chosen)
        self.bound, self.work = -np.inf, 0.0

    def _total(self, chosen: Bools) -> float:
        return float(self.cost[:, chosen].min(axis=1, initial=np.inf).sum())

    @property
    def _enough(self) -> float:
        """A bound from which on nothing better can come."""
        return self.total - max((1 - 1e-6) * self.unit, 1e-9 * self.total)

    def run(self, most_work: float) -> None:
        root = _Node(self.allowed, self.fixed, self.cost[:, self.chosen].min(axis=1), -np.inf)
        is_root, open_ = True, [root]
        while open_ and (is_root or self.work < most_work):
            node = open_.pop()
            if node.bound >= self._enough:
                continue
            bound, node, share = self._priced(node, is_root=is_root)
            if is_root:
                self.allowed, self.fixed, is_root = node.allowed, node.fixed, False
            free = np.flatnonzero(node.allowed & ~node.fixed)
            if bound >= self._enough:
                continue
            left = self.sites - np.count_nonzero(node.fixed)
            if left <= 0 or left >= len(free):
                self._try(node.fixed if left <= 0 else node.allowed)
                continue
            open_ += _branches(node, free[np.argmin(np.abs(share[free] - 0.5))], share)
        least = min((node.bound for node in open_), default=np.inf)
        self.bound = self.total if least >= self._enough else least

    def _priced(self, node: _Node, *, is_root: bool) -> tuple[float, _Node, Floats]:
        """The bound by better and better prices, what that rules out, and how often each candidate was taken."""
        allowed, fixed, price, best = node.allowed.copy(), node.fixed.copy(), node.price, node.price
        bound, share = node.bound, fixed.astype(np.float64)
        pace, idle = _ROOT_PACE if is_root else _NODE_PACE, 0
        columns = np.flatnonzero(allowed)
        cost = self.cost[:, columns]
        for number in range(_ROOT_ROUNDS if is_root else _NODE_ROUNDS):
            if len(columns) > np.count_nonzero(allowed):
                columns = np.flatnonzero(allowed)
                cost = self.cost[:, columns]
            left = self.sites - int(np.count_nonzero(fixed))
            free = np.flatnonzero(~fixed[columns])
            if left < 0 or left > len(free):
                return np.inf, node, share
            self.work += cost.size
            worth = np.minimum(cost - price[:, None], 0.0).sum(axis=0)
            free = free[np.argsort(worth[free], kind="stable")]
            own = np.zeros(len(allowed), dtype=bool)
            own[columns[free[:left]]] = True
            own |= fixed
            reached = float(price.sum() + worth[own[columns]].sum())
            share = own.astype(np.float64) if number == 0 else _REMEMBERED * share + (1 - _REMEMBERED) * own
            idle = 0 if reached > bound + 1e-7 * self.total else idle + 1
            if reached > bound:
                bound, best = reached, price
                if number % 40 == 0 or self._total(own) < _NEAR * self.total:
                    self._try(_exchanged(self.cost, self.sites, self.fixed, own))
            room = self.total - reached + 1e-9 * self.total
            if 0 < left < len(free):
                last, following = worth[free[left - 1]], worth[free[left]]
                allowed[columns[free[left:][worth[free[left:]] - last > room]]] = False
                fixed[columns[free[:left][following - worth[free[:left]] > room]]] = True
            if idle > _IDLE_ROUNDS:
                pace, idle, price = pace / 2, 0, best
            slope = 1.0 - np.count_nonzero(self.cost[:, own] < price[:, None], axis=1)
            steep = float(slope @ slope)
            if bound >= self._enough or left in (0, len(free)) or steep == 0 or pace < _LEAST_PACE:
                break
            price = price + pace * (_AIMED * self.total - reached) / steep * slope
        return bound, _Node(allowed, fixed, best, bound), share

    def _try(self, chosen: Bools) -> None:
        total = self._total(chosen)
        if total < self.total:
            self.chosen, self.total = chosen, total


def _branches(node: _Node, candidate: np.intp, share: Floats) -> list[_Node]:
    """Without the candidate and with it; the last is looked at first: the way that the prices took more often."""
    out, into = node.allowed.copy(), node.fixed.copy()
    out[candidate], into[candidate] = False, True
    without = _Node(out, node.fixed, node.price, node.bound)
    with_it = _Node(node.allowed, into, node.price, node.bound)
    return [with_it, without] if share[candidate] < 0.5 else [without, with_it]


def _exchanged(cost: Floats, sites: int, fixed: Bools, start: Bools) -> Bools:
    """A good choice: sites added to a start, then one exchanged for another, while the total falls.

    `cost` (n, m) person-s of the candidates that are allowed; `fixed` and `start` (m,).
    """
    chosen = start.copy()

    def totals(base: Floats) -> Floats:
        """(m,) person-s when a candidate is added to what gives these."""
        found: Floats = np.minimum(base[:, None], cost).sum(axis=0)
        found[chosen] = np.inf
        return found

    for _ in range(sites - int(np.count_nonzero(chosen))):
        chosen[int(np.argmin(totals(cost[:, chosen].min(axis=1, initial=np.inf))))] = True
    improves = True
    while improves:
        improves = False
        for old in np.flatnonzero(chosen & ~fixed):
            total = cost[:, chosen].min(axis=1).sum()
            rest = chosen.copy()
            rest[old] = False
            found = totals(cost[:, rest].min(axis=1, initial=np.inf))
            new = int(np.argmin(found))
            if found[new] < total:
                chosen[old], chosen[new], improves = False, True, True
    return chosen
