"""Nearest supplies: N of an item at a place within a time, from which depots, and why not from the others.

The plan only; nothing is booked. Quantities are whole thousandths (``_e3``) inside, so sums are exact.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.errors import InputError, NotFound

ORDER_S = 300.0
"""From the decision to the order at the depot (proposed; a parameter)."""

LOADING_S = 1200.0
"""Loading at the depot (proposed, 20 to 30 min)."""

MAX_QUANTITY = 1_000_000_000
"""The largest quantity of a need or a lot, in units of the item."""

Reason = Literal[
    "reserved",
    "expired",
    "on_hold",
    "out_of_stock",
    "no_road",
    "closed",
    "too_far",
    "not_needed",
    "ranked_down",
    "higher_level",
    "more_depots",
]
REASONS: tuple[Reason, ...] = (
    "reserved",
    "expired",
    "on_hold",
    "out_of_stock",
    "no_road",
    "closed",
    "too_far",
    "not_needed",
    "ranked_down",
    "higher_level",
    "more_depots",
)
"""Why a depot does not give, or gives less than it holds; the last three only in plans made in another way."""

Way = Literal["earliest", "own_level", "fewest_depots"]
"""What a plan puts first: the last piece early, the own level, or few depots."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_LOT_COLUMNS = (
    "depot_id",
    "item_id",
    "lot",
    "on_hand_e3",
    "reserved_e3",
    "on_hold_e3",
    "status",
    "expires_on",
)
_NEVER = date.max.toordinal() + 1  # the expiry of what does not expire
_LAST_DAY_COUNTED = 3_660  # days of arrival beyond this count as this one


def thousandths(value: Any, *, name: str = "quantity") -> int:
    """A quantity as whole thousandths, exactly.

    Parameters
    ----------
    value : int, Decimal, text, or float (taken as it is printed); at most 3 decimals, |value| <= 1e9
    name : what the value is called in the error

    Returns
    -------
    1000 times the value

    Raises
    ------
    InputError : no number, NaN, infinite, too large, or more than 3 decimals

    Notes
    -----
    CRS: none.
    Cost: O(1).
    Invariant: ``Decimal(thousandths(v)) / 1000 == v``.
    Source: none.
    """
    if type(value) is int and abs(value) <= MAX_QUANTITY:  # most are; a decimal number costs ten times as much
        return 1000 * value
    expected = f"{name}={value}: expected a number with at most 3 decimals, up to {MAX_QUANTITY}"
    if isinstance(value, bool | np.bool_):
        raise InputError(expected)
    try:
        number = value if isinstance(value, Decimal) else Decimal(str(value).strip())
    except InvalidOperation:
        raise InputError(expected) from None
    if not number.is_finite():
        raise InputError(expected)
    # Before it is made exact: a long number must not take long.
    if number != 0 and (number.adjusted() > 12 or number.adjusted() < -3 or len(number.as_tuple().digits) > 40):
        raise InputError(expected)
    scaled = Fraction(number) * 1000 if number else Fraction(0)
    if scaled.denominator != 1 or abs(scaled) > MAX_QUANTITY * 1000:
        raise InputError(expected)
    return int(scaled)


def number_of(quantity_e3: int) -> int | float:
    """Thousandths as a JSON number: whole where it is whole.

    Parameters
    ----------
    quantity_e3 : thousandths of a unit

    Returns
    -------
    int where the quantity is whole, else the nearest float, which prints with at most 3 decimals

    Notes
    -----
    CRS: none.
    Cost: O(1).
    Invariant: `thousandths` undoes it up to 1e9 units.
    Source: none.
    """
    return quantity_e3 / 1000 if quantity_e3 % 1000 else quantity_e3 // 1000


# -- arrivals -------------------------------------------------------------------------------------


SPARE_SHOWN = 10
"""Depots listed with what they could give beyond the plan, the earliest first."""


@dataclass(frozen=True)
class Arrivals:
    """When each depot's load would be at the place, and the parts of that time; made by `arrivals`."""

    depot_id: tuple[str, ...]
    order_s: float
    loading_s: float
    travel_s: Floats
    last_leg_s: Floats
    open_travel_s: Floats = field(repr=False)

    @cached_property
    def arrival_s(self) -> Floats:
        """(m,) s, inf where the load cannot arrive."""
        return self._sum(self.travel_s)

    @cached_property
    def open_arrival_s(self) -> Floats:
        """(m,) s, were no road closed; inf where even then it cannot arrive."""
        return self._sum(self.open_travel_s)

    @cached_property
    def position(self) -> dict[str, int]:
        """Depot id -> its place in the arrays."""
        return {depot: j for j, depot in enumerate(self.depot_id)}

    def parts(self, depot: str) -> dict[str, float | None]:
        """The parts of one depot's arrival in seconds, None where there is none."""
        j = self.position[depot]
        return {
            "order_s": self.order_s,
            "loading_s": self.loading_s,
            "travel_s": _rounded(self.travel_s[j]),
            "last_leg_s": _rounded(self.last_leg_s[j]),
        }

    def _sum(self, travel_s: Floats) -> Floats:
        total = self.order_s + self.loading_s + travel_s + self.last_leg_s
        return np.where(np.isfinite(total), total, np.inf)


def arrivals(
    depot_id: Sequence[str],
    travel_s: Any,
    last_leg_s: Any,
    *,
    open_travel_s: Any = None,
    order_s: float = ORDER_S,
    loading_s: float = LOADING_S,
) -> Arrivals:
    """The time at which each depot's load is at the place: order, loading, travel, last leg.

    Parameters
    ----------
    depot_id : (m,) ids, each once; every depot of the stock table must be among them
    travel_s : (m,) s, >= 0, on the road with the closures in force; inf no route, NaN no road near
    last_leg_s : (m,) s, >= 0, both legs off the road (at the depot and at the place); NaN no road near
    open_travel_s : (m,) s, the same without closures, to tell `closed` from `no_road`; None: `travel_s`
    order_s, loading_s : s, >= 0, finite; unloading is not counted

    Returns
    -------
    Arrivals; of length 0 for no depots

    Raises
    ------
    InputError : lengths differ, an id occurs twice, a time is negative

    Notes
    -----
    CRS: none; distances enter only through the times.
    Cost: O(m).
    Invariant: ``arrival_s`` is the sum of its parts where all are finite, else inf.
    Source: order 5 min, loading 20 min: proposed for this project, not from a standard.
    """
    ids = tuple(depot_id)
    if len(set(ids)) != len(ids):
        twice = next(i for i in ids if ids.count(i) > 1)
        raise InputError(f"depot_id: {twice!r} occurs twice; one arrival for each depot")
    columns: dict[str, Floats] = {}
    given = {"travel_s": travel_s, "last_leg_s": last_leg_s, "open_travel_s": open_travel_s}
    for name, values in given.items():
        array = columns["travel_s"] if values is None else np.array(values, dtype=np.float64)
        if array.shape != (len(ids),):
            raise InputError(f"{name}: expected {len(ids)} values, one for each depot, not {array.shape}")
        if (array < 0).any():
            raise InputError(f"{name}={np.nanmin(array)}: expected seconds, 0 or more")
        columns[name] = array
    for name, value in {"order_s": order_s, "loading_s": loading_s}.items():
        if not (math.isfinite(value) and value >= 0):
            raise InputError(f"{name}={value}: expected finite seconds, 0 or more")
    return Arrivals(ids, float(order_s), float(loading_s), **columns)


# -- stock ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Item:
    """The lots of one item, by depot id, then expiry (none last), then lot."""

    depots: tuple[str, ...]  # (g,)
    start: Ints  # (g,) first lot of each depot
    stop: Ints
    group: Ints  # (l,) depot of each lot
    lot: tuple[str, ...]
    on_hand: Ints
    reserved: Ints
    on_hold: Ints
    is_usable: NDArray[np.bool_]
    is_expired: NDArray[np.bool_]  # by its status, whatever the date
    expires: Ints  # day number, the last day on which it is usable


@dataclass(frozen=True)
class StockTable:
    """Lots arranged for planning; made by `stock_table`, once for each revision."""

    lots: int
    _items: Mapping[str, _Item] = field(repr=False)

    @property
    def items(self) -> frozenset[str]:
        """Every item that can be asked for."""
        return frozenset(self._items)

    def available(self, on: date) -> dict[str, int | float]:
        """What each item could give in all on a day, wherever it stands."""
        day = on.toordinal()
        return {name: number_of(int(_split(item, day).available.sum())) for name, item in self._items.items()}


def stock_table(lots: pd.DataFrame, *, items: Iterable[str] | None = None) -> StockTable:
    """Arrange lots by item, depot and expiry, so that a plan is a few passes over arrays.

    Parameters
    ----------
    lots : (l,) rows with depot_id, item_id, lot, on_hand_e3, reserved_e3, on_hold_e3 (whole
        thousandths, >= 0, reserved + on hold <= on hand), status (``usable`` gives, ``expired`` is
        expired, any other holds it back), expires_on (ISO date or date; empty: does not expire)
    items : ids of the catalogue, also those of which there is no lot; None: those of the lots

    Returns
    -------
    StockTable; without lots, one that knows the items only

    Raises
    ------
    InputError : a column is missing, a quantity or a date is not what it must be, a lot occurs twice

    Notes
    -----
    CRS: none.
    Cost: O(l log l) once.
    Invariant: the order of the rows does not matter.
    Source: none.
    """
    missing = [name for name in _LOT_COLUMNS if name not in lots.columns]
    if missing:
        raise InputError(f"lots: column {', '.join(missing)} is missing")
    if len(lots) == 0:
        return StockTable(0, dict.fromkeys(items or (), _EMPTY_ITEM))
    quantities = {name: _whole(lots, name) for name in ("on_hand_e3", "reserved_e3", "on_hold_e3")}
    over = np.flatnonzero(quantities["reserved_e3"] + quantities["on_hold_e3"] > quantities["on_hand_e3"])
    keys = [
        (str(item), str(depot), str(lot))
        for item, depot, lot in zip(lots["item_id"], lots["depot_id"], lots["lot"], strict=True)
    ]
    if len(over):
        raise InputError(f"lots: {keys[over[0]]} has more reserved and on hold than on hand")
    if len(set(keys)) != len(keys):
        twice = next(key for key in keys if keys.count(key) > 1)
        raise InputError(f"lots: {twice} occurs twice; one row for each lot")
    days = _expiry_days(lots["expires_on"].tolist())
    status = lots["status"].to_numpy(dtype=object)
    order = sorted(range(len(keys)), key=lambda i: (keys[i][0], keys[i][1], days[i], keys[i][2]))
    found: dict[str, _Item] = dict.fromkeys(items or (), _EMPTY_ITEM)
    begin = 0
    for end in range(1, len(order) + 1):
        if end == len(order) or keys[order[end]][0] != keys[order[begin]][0]:
            rows = np.array(order[begin:end], dtype=np.int64)
            names = [keys[i][1] for i in order[begin:end]]
            is_first = np.array([True, *(a != b for a, b in pairwise(names))])
            start = np.flatnonzero(is_first)
            found[keys[order[begin]][0]] = _Item(
                depots=tuple(names[i] for i in start),
                start=start,
                stop=np.append(start[1:], len(rows)),
                group=np.cumsum(is_first) - 1,
                lot=tuple(keys[i][2] for i in order[begin:end]),
                on_hand=quantities["on_hand_e3"][rows],
                reserved=quantities["reserved_e3"][rows],
                on_hold=quantities["on_hold_e3"][rows],
                is_usable=status[rows] == "usable",
                is_expired=status[rows] == "expired",
                expires=np.array([days[i] for i in rows], dtype=np.int64),
            )
            begin = end
    return StockTable(len(keys), found)


def _whole(lots: pd.DataFrame, name: str) -> Ints:
    values = pd.to_numeric(lots[name], errors="coerce").to_numpy(dtype=np.float64)
    bad = np.flatnonzero(~((values >= 0) & (values <= MAX_QUANTITY * 1000) & (values == np.floor(values))))
    if len(bad):
        raise InputError(
            f"lots.{name}: row {bad[0] + 1} is {lots[name].iloc[bad[0]]!r}; expected whole thousandths, 0 or more"
        )
    found: Ints = values.astype(np.int64)  # exact: below 2^53
    return found


def _expiry_days(values: list[Any]) -> list[int]:
    known: dict[Any, int] = {}
    days = []
    for row, value in enumerate(values):
        if value is None or value is pd.NaT or (isinstance(value, float) and math.isnan(value)) or value == "":
            days.append(_NEVER)
            continue
        day = known.get(value)
        if day is None:
            try:
                parsed = value if isinstance(value, date) else date.fromisoformat(str(value))
            except ValueError:
                raise InputError(
                    f"lots.expires_on: row {row + 1} is {value!r}; expected a date such as 2026-07-01"
                ) from None
            day = known[value] = parsed.toordinal()
        days.append(day)
    return days


_NO_INTS = np.empty(0, dtype=np.int64)
_NO_BOOLS = np.empty(0, dtype=np.bool_)
_EMPTY_ITEM = _Item((), _NO_INTS, _NO_INTS, _NO_INTS, (), _NO_INTS, _NO_INTS, _NO_INTS, _NO_BOOLS, _NO_BOOLS, _NO_INTS)


@dataclass(frozen=True)
class _Split:
    """Where the quantity on hand of each depot is: the four add up to it."""

    lot_available: Ints  # (l,)
    available: Ints  # (g,)
    reserved: Ints
    expired: Ints
    on_hold: Ints
    on_hand: Ints


def _split(item: _Item, day: Ints | int) -> _Split:
    """`day` is the local day on which each depot's load is there, or one day for all.

    An expired lot is expired, whatever else; a lot of bad status is on hold, whatever is reserved.
    """
    of_lot = day[item.group] if isinstance(day, np.ndarray) else day
    is_expired = item.is_expired | (item.expires < of_lot)
    is_good = item.is_usable & ~is_expired
    reserved = np.where(is_good, item.reserved, 0)
    held = np.where(is_good, item.on_hold, np.where(is_expired, 0, item.on_hand))
    expired = np.where(is_expired, item.on_hand, 0)
    available = item.on_hand - reserved - held - expired
    if len(item.depots) == 0:
        return _Split(available, _NO_INTS, _NO_INTS, _NO_INTS, _NO_INTS, _NO_INTS)
    sums = (np.add.reduceat(column, item.start) for column in (available, reserved, expired, held, item.on_hand))
    return _Split(available, *sums)


# -- the plan -------------------------------------------------------------------------------------


class Piece(NamedTuple):
    """So much of one lot of one depot; where it is a substitute, so much of that."""

    depot_id: str
    lot: str
    quantity_e3: int
    arrival_s: float
    expires_on: date | None
    substitute: str | None = None  # the item handed over instead of the one asked for
    covers_e3: Fraction | None = None  # how much of the item asked for a substitute stands for


class Later(NamedTuple):
    """A depot that stands later in the rank, by how much and why; its arrival stays what it is."""

    later_s: float
    detail: str
    detail_zh: str


class RankedDown(NamedTuple):
    """A depot of a plan that stood later in the rank."""

    depot_id: str
    later_s: float
    is_used: bool
    detail: str
    detail_zh: str


class Refusal(NamedTuple):
    """Why a depot does not give what it holds of an item, in one code and one sentence."""

    depot_id: str
    item: str
    reason: Reason
    detail: str
    detail_zh: str
    quantity_e3: int  # what would be there but for the reason
    arrival_s: float  # inf where it cannot arrive


class Spare(NamedTuple):
    """What a depot could still give in time when the plan has taken its part."""

    depot_id: str
    item: str
    quantity_e3: int
    arrival_s: float


class NextBest(NamedTuple):
    """The next depot that could give what is short, and what stands in the way."""

    depot_id: str
    quantity_e3: int
    available_e3: int
    arrival_s: float
    reason: Reason


@dataclass(frozen=True)
class SupplyLine:
    """The plan for one item."""

    item: str
    requested_e3: int
    pieces: tuple[Piece, ...]
    allocated_e3: int
    ready_s: float | None  # arrival of the last piece; None where nothing is allocated
    _case: "_Case" = field(repr=False, compare=False)

    @property
    def short_e3(self) -> int:
        """What is asked for and cannot be there in time."""
        return self.requested_e3 - self.allocated_e3

    @cached_property
    def next_best(self) -> NextBest | None:
        """Where to turn for what is short: the earliest beyond the deadline, else the earliest closed."""
        return self._case.next_best(self)

    @cached_property
    def refused(self) -> tuple[Refusal, ...]:
        """Every holder not used, and every quicker depot that holds none, in order of arrival."""
        return tuple(self._case.refused(self))

    @cached_property
    def withheld(self) -> tuple[Refusal, ...]:
        """Why depots that are used give less than they have on hand, one row for each reason."""
        return tuple(self._case.withheld(self))

    @cached_property
    def spare(self) -> tuple[Spare, ...]:
        """What more could be there in time, in order of arrival: the reserve of this plan."""
        return tuple(self._case.spare(self))


@dataclass(frozen=True)
class SupplyPlan:
    """Which depots give how much of what is needed; made by `plan_supply`."""

    at: datetime
    within_s: float | None
    arrivals: Arrivals
    lines: tuple[SupplyLine, ...]
    way: Way = "earliest"
    ranked_down: tuple[RankedDown, ...] = ()

    @property
    def ready_s(self) -> float | None:
        """When the last piece of every line is there; None where nothing is allocated."""
        return max((line.ready_s for line in self.lines if line.ready_s is not None), default=None)

    @cached_property
    def depots_used(self) -> tuple[str, ...]:
        """Depots that give something, each once, in order of first mention: those to route from."""
        return tuple(dict.fromkeys(piece.depot_id for line in self.lines for piece in line.pieces))

    @property
    def refused(self) -> tuple[Refusal, ...]:
        """The refusals of all lines, line by line."""
        return tuple(row for line in self.lines for row in line.refused)

    def to_json(self, distance_m: Mapping[str, float | None] | None = None) -> dict[str, Any]:
        """The plan as plain values; `distance_m` is the on-road distance of the depots used, where known."""
        known = distance_m or {}
        return {
            "within_s": self.within_s,
            "way": self.way,
            "ready_s": _rounded(self.ready_s),
            "depots": len(self.depots_used),
            "ranked_down": [row._asdict() for row in self.ranked_down],
            "lines": [self._line(line, known) for line in self.lines],
            "refused": [
                {
                    "depot_id": row.depot_id,
                    "item": row.item,
                    "reason": row.reason,
                    "detail": row.detail,
                    "detail_zh": row.detail_zh,
                    "quantity": number_of(row.quantity_e3),
                    "arrival_s": _rounded(row.arrival_s),
                }
                for row in self.refused
            ],
        }

    def _line(self, line: SupplyLine, distance_m: Mapping[str, float | None]) -> dict[str, Any]:
        best = line.next_best
        return {
            "item": line.item,
            "requested": number_of(line.requested_e3),
            "allocated": number_of(line.allocated_e3),
            "short": number_of(line.short_e3),
            "ready_s": _rounded(line.ready_s),
            "from": [
                {
                    "depot_id": piece.depot_id,
                    "item": piece.substitute or line.item,
                    "instead_of": line.item if piece.substitute else None,
                    "lot": piece.lot,
                    "quantity": number_of(piece.quantity_e3),
                    "covers": number_of(piece.quantity_e3) if piece.covers_e3 is None else _covers(piece.covers_e3),
                    "arrival_s": _rounded(piece.arrival_s),
                    "distance_m": _rounded(distance_m.get(piece.depot_id)),
                    **self.arrivals.parts(piece.depot_id),
                    "expires_on": piece.expires_on.isoformat() if piece.expires_on else None,
                }
                for piece in line.pieces
            ],
            "next_best": None
            if best is None
            else {
                "depot_id": best.depot_id,
                "quantity": number_of(best.quantity_e3),
                "available": number_of(best.available_e3),
                "arrival_s": _rounded(best.arrival_s),
                "reason": best.reason,
            },
            "withheld": [
                {
                    "depot_id": row.depot_id,
                    "reason": row.reason,
                    "quantity": number_of(row.quantity_e3),
                    "detail": row.detail,
                    "detail_zh": row.detail_zh,
                }
                for row in line.withheld
            ],
            "spare": [
                {
                    "depot_id": row.depot_id,
                    "quantity": number_of(row.quantity_e3),
                    "arrival_s": _rounded(row.arrival_s),
                }
                for row in line.spare[:SPARE_SHOWN]
            ],
        }


def plan_supply(
    stock: StockTable,
    depots: Arrivals,
    needs: Mapping[str, Any] | Sequence[tuple[str, Any]],
    *,
    at: datetime,
    within_s: float | None = None,
) -> SupplyPlan:
    """Split what is needed over depots so that the last piece arrives as early as can be.

    Parameters
    ----------
    stock : lots, arranged
    depots : (m,) arrivals of every depot at the place
    needs : item -> quantity, > 0, at most 3 decimals; or pairs, each item once
    at : the moment of the decision, aware, in the district's time zone: its date is the local date
    within_s : s, > 0; a depot counts when ``arrival_s <= within_s`` (bound included); None: no deadline

    Returns
    -------
    SupplyPlan; one line for each need, in the order given

    Raises
    ------
    NotFound : an item is not in the catalogue
    InputError : no needs, an item twice, a quantity or a time out of range, a depot without arrival

    Notes
    -----
    CRS: none.
    Cost: O(m log m + l) for each item with l lots, below 1 ms at 1,000 depots and 10,000 lots;
    reasons and their sentences are made when they are read.
    Invariant: no choice of depots brings the whole quantity earlier than ``ready_s``, and where the
    quantity cannot be met all that can arrive in time is taken; lines do not influence each other.
    Source: for one item and one place, taking in order of arrival minimises the arrival of the last
    piece: dropping any depot used can only make a later one necessary.

    Available is on hand - reserved - on hold of usable lots that are not expired on the local day on
    which that depot's load arrives (a lot is usable on its day of expiry). Depots with equal arrival
    are taken by id; inside a depot the earliest expiry first, then by lot; what does not expire last.

    The reason of a depot that holds the item and is not used is the first of these that applies:
    nothing available (``out_of_stock`` with nothing on hand, else whichever of ``reserved``,
    ``expired``, ``on_hold`` holds back most, in this order where equal); ``closed`` (a route exists
    but for closures); ``no_road``; ``too_far``: it arrives after the deadline; ``not_needed``: the last
    piece is there before it (it is in ``spare`` too). A quicker depot that holds none of it is
    ``out_of_stock``; where the need is not met, every depot in time is a quicker one. A used depot that
    gives less than it has on hand says why in ``withheld``.
    """
    if at.tzinfo is None or at.utcoffset() is None:
        raise InputError(f"at={at.isoformat()}: expected a moment with its time zone")
    if within_s is not None and not (math.isfinite(within_s) and within_s > 0):
        raise InputError(f"within_s={within_s}: expected finite seconds above 0, or none for no deadline")
    pairs = list(needs.items()) if isinstance(needs, Mapping) else [(str(i), q) for i, q in needs]
    if not pairs:
        raise InputError("needs: expected at least one item with its quantity")
    asked: dict[str, int] = {}
    for name, quantity in pairs:
        if name in asked:
            raise InputError(f"needs: {name!r} is asked for twice; add the quantities up")
        if name not in stock._items:
            raise NotFound(f"there is no item {name!r} in the catalogue")
        asked[name] = thousandths(quantity, name=f"needs: {name}")
        if asked[name] <= 0:
            raise InputError(f"needs: {name}={quantity}: expected a quantity above 0")
    deadline_s = math.inf if within_s is None else float(within_s)
    days = _days_of_arrival(depots, at)
    lines = tuple(_line(name, asked[name], stock._items[name], depots, days, deadline_s) for name in asked)
    return SupplyPlan(at, within_s, depots, lines)


def _days_of_arrival(depots: Arrivals, at: datetime) -> Ints:
    """(m,) day number of the local day of arrival; of `at` itself where nothing arrives.

    A closed depot is judged by the day on which it would arrive were the roads open.
    """
    after_s = np.where(np.isfinite(depots.arrival_s), depots.arrival_s, depots.open_arrival_s)
    after_s = np.where(np.isfinite(after_s), after_s, 0.0)
    today = at.date()
    latest = float(after_s.max()) if len(after_s) else 0.0
    midnights_s: list[float] = []
    moment = at.astimezone(UTC)
    while len(midnights_s) < _LAST_DAY_COUNTED and (not midnights_s or midnights_s[-1] <= latest):
        try:
            day = today + timedelta(days=len(midnights_s) + 1)
        except OverflowError:  # the calendar ends with the year 9999
            break
        midnight = datetime.combine(day, time(), at.tzinfo).astimezone(UTC)
        midnights_s.append((midnight - moment).total_seconds())
    found: Ints = today.toordinal() + np.searchsorted(np.array(midnights_s), after_s, side="right")
    return found


def _line(name: str, asked_e3: int, item: _Item, depots: Arrivals, days: Ints, deadline_s: float) -> SupplyLine:
    position = depots.position
    try:
        at = np.fromiter((position[d] for d in item.depots), dtype=np.int64, count=len(item.depots))
    except KeyError as error:
        raise InputError(f"depots: there is no arrival for depot {error.args[0]!r}, which holds {name}") from None
    arrival_s = depots.arrival_s[at]
    split = _split(item, days[at])
    in_time = np.isfinite(arrival_s) & (arrival_s <= deadline_s)
    givers = np.flatnonzero(in_time & (split.available > 0))
    givers = givers[np.argsort(arrival_s[givers], kind="stable")]  # groups are in order of depot id
    sums = np.cumsum(split.available[givers])
    used = givers[: int(np.searchsorted(sums, asked_e3, side="left")) + 1]
    pieces: list[Piece] = []
    rest = asked_e3
    for g in used.tolist():
        for i in range(int(item.start[g]), int(item.stop[g])):
            quantity = min(rest, int(split.lot_available[i]))
            if quantity > 0:
                day = int(item.expires[i])
                expires_on = None if day == _NEVER else date.fromordinal(day)
                pieces.append(Piece(item.depots[g], item.lot[i], quantity, float(arrival_s[g]), expires_on))
                rest -= quantity
    ready_s = pieces[-1].arrival_s if pieces else None
    case = _Case(item, depots, at, arrival_s, in_time, split, used, deadline_s, days)
    return SupplyLine(name, asked_e3, tuple(pieces), asked_e3 - rest, ready_s, case)


class _Holder(NamedTuple):
    """A depot that holds lots of the item, when the load of it would arrive."""

    depot: str
    available: int
    reserved: int
    expired: int
    on_hold: int
    on_hand: int
    arrival_s: float
    open_s: float
    is_in_time: bool
    last_expiry: int  # the latest day among its lots expired by date, 0 where there is none

    def portions(self) -> list[tuple[Reason, int]]:
        """What holds back how much, without what holds back nothing."""
        every: tuple[tuple[Reason, int], ...] = (
            ("reserved", self.reserved),
            ("expired", self.expired),
            ("on_hold", self.on_hold),
        )
        return [pair for pair in every if pair[1]]

    def portion_text(self, reason: Reason, quantity_e3: int) -> tuple[str, str]:
        n = number_of(quantity_e3)
        if reason == "expired" and self.last_expiry:
            day = date.fromordinal(self.last_expiry)
            return f"{n} expired (usable to {day})", f"{n} 已过期（{day} 止）"
        en, zh = _HELD_BACK[reason]
        return f"{n} {en}", f"{n} {zh}"

    def road_text(self) -> tuple[str, str]:
        if self.arrival_s < math.inf:
            minutes = _minutes(self.arrival_s)
            return f"it would arrive after {minutes} min", f"{minutes} 分钟可到"
        if self.open_s < math.inf:
            return "every road to the place is closed", "道路封闭，无法到达"
        return "no road leads from it to the place", "无道路可达"


_HELD_BACK: dict[Reason, tuple[str, str]] = {
    "reserved": ("reserved", "已预留"),
    "expired": ("expired", "已过期"),
    "on_hold": ("on hold", "冻结或待检"),
}


@dataclass(frozen=True)
class _Case:
    """What one line was decided from; the reasons are read off it."""

    item: _Item
    depots: Arrivals
    at: Ints  # (g,) place of each holder in the arrivals
    arrival_s: Floats  # (g,)
    in_time: NDArray[np.bool_]  # (g,)
    split: _Split
    used: Ints  # groups, in order of arrival
    deadline_s: float
    days: Ints  # (m,)
    passed_over: Mapping[str, tuple[Reason, str, str]] = field(default_factory=dict)  # depot -> why, though in time
    others: frozenset[str] = frozenset()  # depots that give a substitute

    @cached_property
    def holders(self) -> list[_Holder]:
        item, split = self.item, self.split
        if not item.depots:
            return []
        past = np.where(item.expires < self.days[self.at][item.group], item.expires, 0)
        columns = (
            split.available,
            split.reserved,
            split.expired,
            split.on_hold,
            split.on_hand,
            self.arrival_s,
            self.depots.open_arrival_s[self.at],
            self.in_time,
            np.maximum.reduceat(past, item.start),
        )
        return list(map(_Holder, item.depots, *(column.tolist() for column in columns)))

    def refused(self, line: SupplyLine) -> list[Refusal]:
        used = set(self.used.tolist())
        left = ((g, h) for g, h in enumerate(self.holders) if h.depot not in self.others)
        rows = [self._of_holder(line, h) for g, h in left if g not in used]
        rows += self._quicker_without(line)
        return sorted(rows, key=lambda row: (row.arrival_s, row.depot_id))

    def _of_holder(self, line: SupplyLine, h: _Holder) -> Refusal:
        reason: Reason
        if h.available == 0:
            road_en, road_zh = h.road_text()
            portions = h.portions()
            if not portions:
                en, zh = f"nothing on hand; {road_en}", f"库存为 0；{road_zh}"
                return Refusal(h.depot, line.item, "out_of_stock", en, zh, 0, h.arrival_s)
            reason, quantity = max(portions, key=lambda pair: pair[1])  # the first of equals
            texts = [h.portion_text(*pair) for pair in portions]
            n = number_of(h.on_hand)
            en = f"{n} on hand: {', '.join(text[0] for text in texts)}; {road_en}"
            zh = f"在库 {n}：{'、'.join(text[1] for text in texts)}；{road_zh}"
            return Refusal(h.depot, line.item, reason, en, zh, quantity, h.arrival_s)
        n = number_of(h.available)
        if h.arrival_s == math.inf:
            road_en, road_zh = h.road_text()
            reason = "closed" if h.open_s < math.inf else "no_road"
            en, zh = f"{n} available, but {road_en}", f"可调 {n}，但{road_zh}"
            return Refusal(h.depot, line.item, reason, en, zh, h.available, h.arrival_s)
        minutes = _minutes(h.arrival_s)
        reason = "not_needed"
        if not h.is_in_time:
            reason = "too_far"
            limit = _minutes(self.deadline_s)
            en = f"{n} available, but it arrives after {minutes} min; the deadline is {limit} min"
            zh = f"可调 {n}，但需 {minutes} 分钟到达，超过时限 {limit} 分钟"
        elif h.depot in self.passed_over and h.arrival_s <= (line.ready_s or 0.0):
            reason, en, zh = self.passed_over[h.depot]
            en = f"{n} available after {minutes} min, not needed: {en}"
            zh = f"可调 {n}，{minutes} 分钟可到，本次不需要：{zh}"
        else:
            ready = _minutes(line.ready_s or 0.0)
            en = f"{n} available, not needed: it arrives after {minutes} min, the last piece after {ready} min"
            zh = f"可调 {n}，本次不需要：{minutes} 分钟到达，最后一批 {ready} 分钟已到"
        return Refusal(h.depot, line.item, reason, en, zh, h.available, h.arrival_s)

    def _quicker_without(self, line: SupplyLine) -> list[Refusal]:
        arrival_s = self.depots.arrival_s
        if line.short_e3 or line.ready_s is None:
            quicker = np.isfinite(arrival_s) & (arrival_s <= self.deadline_s)
        else:
            quicker = arrival_s < line.ready_s
        quicker[self.at] = False
        quicker[[self.depots.position[depot] for depot in self.others]] = False
        rows = []
        for j in np.flatnonzero(quicker).tolist():
            after_s = float(arrival_s[j])
            en = f"holds none of it; it would arrive after {_minutes(after_s)} min"
            zh = f"无此物资；{_minutes(after_s)} 分钟可到"
            depot = self.depots.depot_id[j]
            rows.append(Refusal(depot, line.item, "out_of_stock", en, zh, 0, after_s))
        return rows

    def withheld(self, line: SupplyLine) -> list[Refusal]:
        rows = []
        for h in (self.holders[g] for g in self.used.tolist()):
            n = number_of(h.on_hand)
            for reason, quantity in h.portions():
                en, zh = h.portion_text(reason, quantity)
                en, zh = f"{en} of {n} on hand", f"在库 {n}，{zh}"
                rows.append(Refusal(h.depot, line.item, reason, en, zh, quantity, h.arrival_s))
        return rows

    def spare(self, line: SupplyLine) -> list[Spare]:
        taken: dict[str, int] = {}
        for piece in (piece for piece in line.pieces if piece.substitute is None):
            taken[piece.depot_id] = taken.get(piece.depot_id, 0) + piece.quantity_e3
        left = ((h, h.available - taken.get(h.depot, 0)) for h in self.holders if h.is_in_time)
        rows = [Spare(h.depot, line.item, quantity, h.arrival_s) for h, quantity in left if quantity]
        return sorted(rows, key=lambda row: (row.arrival_s, row.depot_id))

    def next_best(self, line: SupplyLine) -> NextBest | None:
        if line.short_e3 == 0:
            return None
        has = self.split.available > 0
        late = np.flatnonzero(has & np.isfinite(self.arrival_s) & ~self.in_time)
        open_s = self.depots.open_arrival_s[self.at]
        closed = np.flatnonzero(has & np.isinf(self.arrival_s) & np.isfinite(open_s))
        reason: Reason
        if len(late):
            g, reason, when = int(late[np.argmin(self.arrival_s[late])]), "too_far", self.arrival_s
        elif len(closed):
            g, reason, when = int(closed[np.argmin(open_s[closed])]), "closed", open_s
        else:
            return None
        available = int(self.split.available[g])
        return NextBest(self.item.depots[g], min(available, line.short_e3), available, float(when[g]), reason)


def _minutes(seconds: float) -> str:
    """Minutes with one decimal, rounded up: 60 min must not be said of what misses the hour."""
    tenths = math.ceil(seconds / 6.0 - 1e-9)
    return f"{tenths // 10}.{tenths % 10}" if tenths % 10 else str(tenths // 10)


def _covers(quantity_e3: Fraction) -> int | float:
    """A fraction of thousandths as a JSON number, rounded down to a thousandth."""
    return number_of(math.floor(quantity_e3))


def _rounded(value: Any) -> float | None:
    return round(float(value), 3) if value is not None and math.isfinite(value) else None
