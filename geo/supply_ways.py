"""Supply plans in other ways: with substitutes, with depots ranked down, own level first, by the fewest depots.

A layer over `geo.supply.plan_supply`: where none of this is asked for, that is what answers.
"""

import heapq
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from fractions import Fraction
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geo.errors import InputError, NotFound
from geo.integer_program import IntegerProgram
from geo.supply import (
    _NEVER,
    Arrivals,
    Ints,
    Later,
    Piece,
    RankedDown,
    Reason,
    StockTable,
    SupplyLine,
    SupplyPlan,
    Way,
    _Case,
    _Item,
    _Split,
    _split,
    plan_supply,
)

LEVELS: tuple[str, ...] = ("community", "street", "district", "city")
"""Levels of depots from the own one upwards (社区、街道、区、市)."""

WAYS: tuple[Way, ...] = ("earliest", "own_level", "fewest_depots")
"""What a plan can put first."""


class Substitute(NamedTuple):
    """What may stand in for an item: `quantity_e3` of it are replaced by `substitute_quantity_e3` of this."""

    item_id: str
    quantity_e3: int
    substitute_quantity_e3: int
    is_whole: bool = True  # only whole units of it can be handed over


def plan_in_way(
    stock: StockTable,
    depots: Arrivals,
    needs: Mapping[str, Any] | Sequence[tuple[str, Any]],
    *,
    at: datetime,
    within_s: float | None = None,
    way: Way = "earliest",
    levels: Mapping[str, str] | None = None,
    later: Mapping[str, Later] | None = None,
    substitutes: Mapping[str, Sequence[Substitute]] | None = None,
    whole: Collection[str] = (),
) -> SupplyPlan:
    """Split what is needed over depots in one of several ways, from what is asked for and from substitutes.

    Parameters
    ----------
    stock, depots, needs, at, within_s : as for `plan_supply`
    way : ``earliest`` (the last piece as early as can be), ``own_level`` (all that community depots have in time,
        then street, then district, then city, never up a level before the lower ones are used up) or
        ``fewest_depots`` (as few depots for all lines together as can be, among those the earliest)
    levels : depot -> one of `LEVELS`; needed for ``own_level``; a depot without one comes last
    later : depot -> seconds, >= 0, that it stands later in the rank, with the reason; the deadline and the
        arrivals shown are those it has
    substitutes : item -> what may stand in for it, the preferred first; each substitute serves one line only: none that
        is asked for itself, and the first line that names it
    whole : items of which only whole units can be handed over: what substitutes leave of one is rounded up

    Returns
    -------
    SupplyPlan; pieces by arrival, what is asked for before a substitute; ``ready_s`` is the latest arrival

    Raises
    ------
    NotFound : an item is not in the catalogue
    InputError : as `plan_supply`; an unknown way, level, or equivalence; a depot ranked earlier
    Unavailable : the solver of the fewest depots gave up

    Notes
    -----
    CRS: none.
    Cost: as `plan_supply` where nothing of this is asked for; else O(m log m) for each line and substitute; the
    fewest depots for several lines are found by about log2(m) integer programs: below a second for 100 depots and
    5 lines, some ten seconds for 300.
    Invariant: what is allocated is the same in every way; no choice of depots has an earlier last place in the
    rank (``earliest``), gets more from the lower levels (``own_level``) or has fewer depots (``fewest_depots``). A
    substitute is taken only as far as what is asked for cannot be there by that time. Substitutes count by exact
    fractions; of a whole one whole units are taken, the last rounded up.
    Source: order of arrival as in `plan_supply`; set multicover for the fewest depots of several lines (integer
    program, checked in whole numbers); equivalences are data with their own reference.
    """
    if way not in WAYS:
        raise InputError(f"way={way!r}: expected {', '.join(WAYS)}")
    plan = plan_supply(stock, depots, needs, at=at, within_s=within_s)
    later = later or {}
    serving = _serving([line.item for line in plan.lines], substitutes or {}, stock)
    if way == "earliest" and not later and not any(serving.values()):
        return plan
    key_s = _ranked(depots, later)
    rank = _level_ranks(depots, levels) if way == "own_level" else None
    tables = [_table(line, serving[line.item], stock, depots, key_s, line.item in whole) for line in plan.lines]
    chosen: frozenset[int] | None = None
    if way == "fewest_depots":
        chosen = _fewest(tables, key_s)
    lines = []
    for line, table in zip(plan.lines, tables, strict=True):
        if chosen is not None:
            steps = [[entry for entry in table.entries if entry.depot in chosen]]
        elif rank is not None:
            by_rank = sorted(table.entries, key=lambda entry: rank[entry.depot])
            steps = [list(group) for _, group in groupby(by_rank, key=lambda entry: rank[entry.depot])]
        else:
            steps = [table.entries]
        lines.append(_planned(line, table, steps, depots, way, rank, later, key_s))
    used = {piece.depot_id for line in lines for piece in line.pieces}
    holding = {depots.depot_id[entry.depot] for table in tables for entry in table.entries}
    moved = tuple(
        RankedDown(depot, row.later_s, depot in used, row.detail, row.detail_zh)
        for depot, row in sorted(later.items())
        if depot in holding and row.later_s > 0
    )
    return SupplyPlan(plan.at, plan.within_s, depots, tuple(lines), way, moved)


def _serving(
    asked: Sequence[str], substitutes: Mapping[str, Sequence[Substitute]], stock: StockTable
) -> dict[str, list[Substitute]]:
    """Which substitutes serve which line: none that is asked for itself, each the first line that names it."""
    taken = set(asked)
    found: dict[str, list[Substitute]] = {}
    for item in asked:
        found[item] = []
        for substitute in substitutes.get(item, ()):
            if min(substitute.quantity_e3, substitute.substitute_quantity_e3) <= 0:
                raise InputError(f"substitute {substitute.item_id} of {item}: expected quantities above 0")
            if substitute.item_id not in stock.items:
                raise NotFound(
                    f"there is no item {substitute.item_id!r} in the catalogue, named as substitute of {item}"
                )
            if substitute.item_id not in taken:
                taken.add(substitute.item_id)
                found[item].append(substitute)
    return found


def _ranked(depots: Arrivals, later: Mapping[str, Later]) -> NDArray[np.float64]:
    """(m,) s: the arrival, and how much later the depot stands in the rank."""
    key_s = depots.arrival_s.copy()
    for depot, row in later.items():
        if not (math.isfinite(row.later_s) and row.later_s >= 0):
            raise InputError(f"later={row.later_s} of {depot}: expected finite seconds, 0 or more")
        if depot in depots.position:
            key_s[depots.position[depot]] += row.later_s
    return key_s


def _level_ranks(depots: Arrivals, levels: Mapping[str, str] | None) -> list[int]:
    if levels is None:
        raise InputError("levels: own level first needs the level of every depot")
    unknown = sorted(set(levels.values()) - set(LEVELS))
    if unknown:
        raise InputError(f"levels: {unknown[0]!r}: expected {', '.join(LEVELS)}")
    return [LEVELS.index(levels[d]) if d in levels else len(LEVELS) for d in depots.depot_id]


class _Entry(NamedTuple):
    """What one depot could give in time of the item asked for or of one substitute."""

    key_s: float
    source: int  # 0: what is asked for
    depot: int
    group: int
    cap_e3: int
    covers: int  # of all of it, in parts of a thousandth


class _Source(NamedTuple):
    """An item that can serve a line, with what one thousandth of it covers."""

    item_id: str
    item: _Item
    split: _Split
    at: Ints
    each: int  # parts of a thousandth
    step_e3: int


class _Sources(NamedTuple):
    """All that can serve one line."""

    asked: int  # in parts of a thousandth
    parts: int  # so many parts are a thousandth of what is asked for
    sources: list[_Source]
    entries: list[_Entry]  # in order of rank


def _table(
    line: SupplyLine,
    serving: Sequence[Substitute],
    stock: StockTable,
    depots: Arrivals,
    key_s: NDArray[np.float64],
    is_whole: bool,
) -> _Sources:
    ratios = [Fraction(s.quantity_e3, s.substitute_quantity_e3) for s in serving]
    parts = math.lcm(*(ratio.denominator for ratio in ratios))
    case = line._case
    step = 1000 if is_whole else 1
    sources = [_Source(line.item, case.item, case.split, case.at, parts, step)]
    for substitute, ratio in zip(serving, ratios, strict=True):
        item = stock._items[substitute.item_id]
        missing = next((d for d in item.depots if d not in depots.position), None)
        if missing is not None:
            raise InputError(f"depots: there is no arrival for depot {missing!r}, which holds {substitute.item_id}")
        at = np.fromiter((depots.position[d] for d in item.depots), dtype=np.int64, count=len(item.depots))
        split = _split(item, case.days[at])
        step = 1000 if substitute.is_whole else 1
        sources.append(_Source(substitute.item_id, item, split, at, int(ratio * parts), step))
    entries = []
    for number, source in enumerate(sources):
        arrival_s = depots.arrival_s[source.at]
        able = np.flatnonzero(np.isfinite(arrival_s) & (arrival_s <= case.deadline_s) & (source.split.available > 0))
        for g in able.tolist():
            j = int(source.at[g])
            cap = int(source.split.available[g])
            cap -= cap % source.step_e3 if number else 0
            if cap:
                entries.append(_Entry(float(key_s[j]), number, j, g, cap, cap * source.each))
    entries.sort(key=lambda entry: (entry.key_s, entry.source, depots.depot_id[entry.depot]))
    return _Sources(line.requested_e3 * parts, parts, sources, entries)


def _taken(
    entries: Sequence[_Entry], asked: int, table: _Sources, *, after_substitutes: bool
) -> list[tuple[_Entry, int, int]]:
    """(entry, thousandths taken, parts covered): what is there by the earliest place in the rank that suffices.

    By that place what is asked for goes first; substitutes fill what is left. Where substitutes were taken before,
    what is left of a whole unit is a whole one.
    """
    covered = 0
    last_s = math.inf
    for entry in entries:
        covered += entry.covers
        if covered >= asked:
            last_s = entry.key_s
            break
    by_then = [entry for entry in entries if entry.key_s <= last_s]
    by_then.sort(key=lambda entry: entry.source > 0)  # stable: in order of rank otherwise
    found = []
    left = asked
    for entry in by_then:
        if left <= 0:
            break
        source = table.sources[entry.source]
        wanted = -(-left // source.each)
        step_e3 = source.step_e3 if entry.source or after_substitutes else 1
        quantity = min(entry.cap_e3, -(-wanted // step_e3) * step_e3)
        credit = min(left, quantity * source.each)
        found.append((entry, quantity, credit))
        left -= credit
    return found


def _planned(
    line: SupplyLine,
    table: _Sources,
    steps: Sequence[Sequence[_Entry]],
    depots: Arrivals,
    way: Way,
    rank: Sequence[int] | None,
    later: Mapping[str, Later],
    key_s: NDArray[np.float64],
) -> SupplyLine:
    left = table.asked
    taken: list[tuple[_Entry, int, int]] = []
    for entries in steps:
        stood_in = any(entry.source for entry, _, _ in taken)
        found = _taken(entries, left, table, after_substitutes=stood_in)
        taken += found
        left -= sum(credit for _, _, credit in found)
        if left <= 0:
            break
    taken.sort(key=lambda row: (depots.arrival_s[row[0].depot], row[0].source, depots.depot_id[row[0].depot]))
    pieces = tuple(piece for row in taken for piece in _pieces(row, table, depots))
    used = np.array([entry.group for entry, _, _ in taken if entry.source == 0], dtype=np.int64)
    others = frozenset(depots.depot_id[entry.depot] for entry, _, _ in taken if entry.source)
    top = max((rank[entry.depot] for entry, _, _ in taken), default=0) if rank is not None else 0
    last_key_s = max((entry.key_s for entry, _, _ in taken), default=0.0)
    passed: dict[str, tuple[Reason, str, str]] = {}
    for entry in table.entries:
        depot = depots.depot_id[entry.depot]
        if entry.source:
            continue
        if rank is not None and rank[entry.depot] > top:
            passed[depot] = ("higher_level", "lower levels have it all", "下级仓库已够")
        elif way == "fewest_depots":
            passed[depot] = ("more_depots", "fewer depots bring it all", "更少的仓库已够")
        elif depot in later and key_s[entry.depot] >= last_key_s:
            row = later[depot]
            passed[depot] = ("ranked_down", f"ranked later, {row.detail}", f"排序靠后，{row.detail_zh}")
        elif rank is not None and rank[entry.depot] == top:
            passed[depot] = ("not_needed", "nearer depots of its level have it all", "同级更近的仓库已够")
    case: _Case = replace(line._case, used=used, passed_over=passed, others=others)
    allocated = (table.asked - left) // table.parts
    ready_s = max((piece.arrival_s for piece in pieces), default=None)
    return SupplyLine(line.item, line.requested_e3, pieces, allocated, ready_s, case)


def _pieces(row: tuple[_Entry, int, int], table: _Sources, depots: Arrivals) -> Iterable[Piece]:
    """The lots of one depot that give a quantity, the earliest expiry first."""
    entry, rest, credit = row
    source = table.sources[entry.source]
    item = source.item
    for i in range(int(item.start[entry.group]), int(item.stop[entry.group])):
        quantity = min(rest, int(source.split.lot_available[i]))
        if quantity <= 0:
            continue
        covers = min(credit, quantity * source.each)
        rest -= quantity
        credit -= covers
        day = int(item.expires[i])
        yield Piece(
            item.depots[entry.group],
            item.lot[i],
            quantity,
            float(depots.arrival_s[entry.depot]),
            None if day == _NEVER else date.fromordinal(day),
            source.item_id if entry.source else None,
            Fraction(covers, table.parts) if entry.source else None,
        )


# -- the fewest depots ----------------------------------------------------------------------------


def _fewest(tables: Sequence[_Sources], key_s: NDArray[np.float64]) -> frozenset[int]:
    """The smallest set of depots that covers every line as far as it can be, among those the earliest in rank."""
    covers: list[dict[int, int]] = []
    wanted: list[int] = []
    for table in tables:
        sums: dict[int, int] = {}
        for entry in table.entries:
            sums[entry.depot] = sums.get(entry.depot, 0) + entry.covers
        covers.append(sums)
        wanted.append(min(table.asked, sum(sums.values())))
    order = sorted({j for sums in covers for j in sums}, key=lambda j: (key_s[j], j))
    if not order:
        return frozenset()
    if len(tables) == 1:
        return _fewest_of_one(order, covers[0], wanted[0], key_s)
    best = _cover(order, covers, wanted)
    assert best is not None  # all of them suffice
    places = sorted({float(key_s[j]) for j in order})
    low, high = 0, places.index(max(float(key_s[j]) for j in best))
    while low < high:
        middle = (low + high) // 2
        within = [j for j in order if key_s[j] <= places[middle]]
        found = _cover(within, covers, wanted, len(best)) if _suffices(within, covers, wanted) else None
        if found is not None:
            best, high = found, middle
        else:
            low = middle + 1
    return frozenset(best)


def _fewest_of_one(
    order: Sequence[int], covers: Mapping[int, int], wanted: int, key_s: NDArray[np.float64]
) -> frozenset[int]:
    """For one line: the largest suffice, and the earliest place in the rank by which as many suffice."""
    count = _count_of_largest(order, covers, wanted)
    largest: list[tuple[int, int, int]] = []  # the largest so far; of equals the earlier stays
    total = 0
    for place, j in enumerate(order):
        heapq.heappush(largest, (covers[j], -place, j))
        total += covers[j]
        if len(largest) > count:
            total -= heapq.heappop(largest)[0]
        is_last_of_place = place + 1 == len(order) or key_s[order[place + 1]] > key_s[j]
        if is_last_of_place and total >= wanted:
            break
    return frozenset(j for _, _, j in largest)


def _suffices(depots: Iterable[int], covers: Sequence[Mapping[int, int]], wanted: Sequence[int]) -> bool:
    chosen = list(depots)
    return all(sum(sums.get(j, 0) for j in chosen) >= need for sums, need in zip(covers, wanted, strict=True))


def _cover(
    order: Sequence[int], covers: Sequence[Mapping[int, int]], wanted: Sequence[int], at_most: int | None = None
) -> list[int] | None:
    """A smallest set of these depots that covers every line, None where it takes more than `at_most`.

    An integer program, checked in whole numbers: the solver works with floats, and a set that falls short
    by a hair is cut off and asked for again. Where adding the best one by one takes no more than the hardest
    line alone does, there is nothing to solve.
    """
    lines = [(sums, need) for sums, need in zip(covers, wanted, strict=True) if need > 0]
    least = max((_count_of_largest(order, sums, need) for sums, need in lines), default=0)
    known = _one_by_one(order, lines)
    if len(known) == least:
        return known if at_most is None or least <= at_most else None
    most = len(known) if at_most is None else min(at_most, len(known))
    if least > most:
        return None
    shares = np.array([[min(sums.get(j, 0), need) / need for j in order] for sums, need in lines])
    program = IntegerProgram()
    columns = program.add_columns(len(order), is_whole=True)
    row, column = np.nonzero(shares)
    program.add_rows(row, column, shares[row, column], lower=np.ones(len(lines)), upper=np.inf)
    program.add_rows(np.zeros(len(order), dtype=np.int64), columns, 1.0, lower=float(least), upper=float(most))
    in_known = set(known)
    start = (columns, [float(j in in_known) for j in order]) if len(known) <= most else None
    while True:
        found = program.solve(columns, np.ones(len(order)), start=start)
        if found.values is None:
            return known if len(known) <= most else None
        inside = found.values > 0.5
        chosen = [j for j, is_in in zip(order, inside.tolist(), strict=True) if is_in]
        if _suffices(chosen, covers, wanted):
            return chosen
        outside = np.flatnonzero(~inside)
        program.add_rows(np.zeros(len(outside), dtype=np.int64), outside, 1.0, lower=1.0, upper=np.inf)
        start = None


def _count_of_largest(depots: Iterable[int], sums: Mapping[int, int], need: int) -> int:
    """How many of the largest it takes for one line."""
    count = total = 0
    for quantity in sorted((sums.get(j, 0) for j in depots), reverse=True):
        if total >= need:
            break
        count, total = count + 1, total + quantity
    return count


def _one_by_one(order: Sequence[int], lines: Sequence[tuple[Mapping[int, int], int]]) -> list[int]:
    """Depots that cover every line, each the one that adds most; of equals the earlier. Those not needed are left."""
    gives = np.array([[sums.get(j, 0) for j in order] for sums, _ in lines], dtype=object).reshape(len(lines), -1)
    left = np.array([need for _, need in lines], dtype=object)
    needs = left.copy()
    chosen: list[int] = []
    while (left > 0).any():
        adds = (np.minimum(gives, left[:, None]) / needs[:, None]).astype(np.float64).sum(axis=0)
        adds[chosen] = -1.0
        best = int(np.argmax(adds))
        chosen.append(best)
        left = np.maximum(left - gives[:, best], 0)
    for k in list(chosen):
        rest = [j for j in chosen if j != k]
        if all(gives[i, rest].sum() >= needs[i] for i in range(len(lines))):
            chosen = rest
    return [order[k] for k in sorted(chosen)]
