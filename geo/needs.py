"""What people will need, what a reserve should hold, and when its list is due for a review.

Persons affected (受灾人口) and persons evacuated (转移安置人口) are different numbers and stay so. Quantities
are whole thousandths (``_e3``); whatever is divided is rounded up, because a reserve must not be short by a fraction.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from geo.errors import InputError
from geo.supply import number_of

Basis = Literal["affected", "evacuated"]
"""Which persons a standard counts."""

MAX_PERSONS = 1_000_000_000
MAX_DAYS = 3_660

BASIS_TEXTS: dict[Basis, tuple[str, str]] = {
    "affected": ("persons affected", "受灾人口"),
    "evacuated": ("persons evacuated", "转移安置人口"),
}


class Standard(NamedTuple):
    """So much of an item for each person, a day or once."""

    item_id: str
    basis: Basis
    quantity_e3: int
    is_daily: bool
    provenance: str = ""
    reference: str = ""


@dataclass(frozen=True)
class NeedLine:
    """What one standard asks for: persons x per person x days."""

    item_id: str
    basis: Basis
    persons: int
    per_person_e3: int
    days: int | None  # None: once
    quantity_e3: int
    provenance: str
    reference: str


@dataclass(frozen=True)
class ItemNeed:
    """What is needed of an item in all, what is there, and what is to be asked for."""

    item_id: str
    needed_e3: int
    there_e3: int
    lines: tuple[NeedLine, ...]

    @property
    def draft_e3(self) -> int:
        """The quantity of the drafted line: needed - there, never below 0."""
        return max(0, self.needed_e3 - self.there_e3)

    def to_json(self) -> dict[str, Any]:
        """Plain values, with the proof: every standard that asks for it, by whom it counts."""
        return {
            "item_id": self.item_id,
            "needed": number_of(self.needed_e3),
            "there": number_of(self.there_e3),
            "draft": number_of(self.draft_e3),
            "lines": [
                {
                    "basis": line.basis,
                    "basis_zh": BASIS_TEXTS[line.basis][1],
                    "basis_en": BASIS_TEXTS[line.basis][0],
                    "persons": line.persons,
                    "per_person": number_of(line.per_person_e3),
                    "days": line.days,
                    "quantity": number_of(line.quantity_e3),
                    "provenance": line.provenance,
                    "reference": line.reference,
                }
                for line in self.lines
            ],
        }


def needs(
    standards: Sequence[Standard],
    there_e3: Mapping[str, int],
    *,
    affected: int,
    evacuated: int,
    days: int,
) -> list[ItemNeed]:
    """What persons affected and persons evacuated need for some days, less what is there.

    Parameters
    ----------
    standards : each item and basis once; a daily one counts every day, another once
    there_e3 : item -> thousandths that are there already, >= 0; an item that is missing has 0
    affected : persons affected (受灾人口), whole, 0 to 1e9
    evacuated : persons evacuated and sheltered (转移安置人口), whole, 0 to `affected`
    days : whole days, 1 to 3660

    Returns
    -------
    one row for each item that a standard names, in the order of first mention; empty without standards

    Raises
    ------
    InputError : persons or days out of range, more evacuated than affected, a standard twice or below 0

    Notes
    -----
    CRS: none.
    Cost: O(standards).
    Invariant: ``needed_e3`` is the sum of its lines; ``draft_e3 + there_e3 >= needed_e3``, with equality where
    anything is drafted.
    Source: persons x standard x days - stock; the standards are data with their own source.
    """
    for name, persons in {"affected": affected, "evacuated": evacuated}.items():
        _require_whole(name, persons, 0, MAX_PERSONS, "persons")
    _require_whole("days", days, 1, MAX_DAYS, "days")
    if evacuated > affected:
        raise InputError(
            f"evacuated={evacuated}: more than affected={affected}; persons affected include those evacuated"
        )
    counted: dict[Basis, int] = {"affected": affected, "evacuated": evacuated}
    lines: dict[str, list[NeedLine]] = {}
    seen: set[tuple[str, str]] = set()
    for standard in standards:
        key = (standard.item_id, standard.basis)
        if standard.basis not in counted:
            raise InputError(f"basis={standard.basis!r} of {standard.item_id}: expected affected or evacuated")
        if key in seen:
            raise InputError(f"standards: {standard.item_id} for persons {standard.basis} occurs twice")
        if standard.quantity_e3 < 0:
            raise InputError(f"quantity of {standard.item_id}: expected 0 or more, not {standard.quantity_e3 / 1000}")
        seen.add(key)
        times = days if standard.is_daily else 1
        persons = counted[standard.basis]
        lines.setdefault(standard.item_id, []).append(
            NeedLine(
                standard.item_id,
                standard.basis,
                persons,
                standard.quantity_e3,
                days if standard.is_daily else None,
                persons * standard.quantity_e3 * times,
                standard.provenance,
                standard.reference,
            )
        )
    return [
        ItemNeed(item, sum(line.quantity_e3 for line in found), max(0, int(there_e3.get(item, 0))), tuple(found))
        for item, found in lines.items()
    ]


class Outstanding(NamedTuple):
    """One line of a request and what became of it."""

    item_id: str
    requested_e3: int
    received_e3: int  # usable
    bound_e3: int  # in open orders

    @property
    def outstanding_e3(self) -> int:
        """What is neither received nor on its way."""
        return max(0, self.requested_e3 - self.received_e3 - self.bound_e3)


def upward_request(lines: Sequence[Outstanding]) -> dict[str, int]:
    """What the next level up is asked for: the outstanding, not the requested, quantity of each item.

    Parameters
    ----------
    lines : lines of requests, each with what was requested, received usable and is bound in open orders, >= 0

    Returns
    -------
    item -> thousandths, in the order of first mention, items with nothing outstanding left out; empty without lines

    Raises
    ------
    InputError : a quantity below 0

    Notes
    -----
    CRS: none.
    Cost: O(lines).
    Invariant: never more than what is requested; a surplus of one line does not lessen another.
    Source: none.
    """
    found: dict[str, int] = {}
    for line in lines:
        if min(line.requested_e3, line.received_e3, line.bound_e3) < 0:
            raise InputError(f"{line.item_id}: requested, received and bound must be 0 or more")
        if line.outstanding_e3:
            found[line.item_id] = found.get(line.item_id, 0) + line.outstanding_e3
    return found


# -- the reserve list -----------------------------------------------------------------------------


def district_target_e3(norm_e3: int, *, design_persons: int, city_e3: int = 0, city_share: Any = 0) -> int:
    """What the district should keep of an item, given what the city keeps for it.

    Parameters
    ----------
    norm_e3 : thousandths per 1,000 design evacuees, >= 0
    design_persons : design evacuees N_des, whole, >= 0
    city_e3 : thousandths that the city has put in place, >= 0
    city_share : 0..1, the part of it that the district may count on; text or Decimal stays exact

    Returns
    -------
    ``max(0, norm * N_des / 1000 - city * share)`` in thousandths, rounded up

    Raises
    ------
    InputError : a value out of range

    Notes
    -----
    CRS: none.
    Cost: O(1).
    Invariant: falls with `city_e3` and `city_share`, rises with the others; 0 where the city covers it.
    Source: rule proposed for this project: the district's list builds on the reserve of the city.
    """
    share = _share("city_share", city_share)
    for name, value in {"norm": norm_e3, "city": city_e3}.items():
        if value < 0:
            raise InputError(f"{name}={value / 1000}: expected 0 or more")
    _require_whole("design_persons", design_persons, 0, MAX_PERSONS, "persons")
    return max(0, math.ceil(Fraction(norm_e3 * design_persons, 1000) - city_e3 * share))


def design_persons(*, floor: int, relocation_estimate: int, residents: int, residents_share: Any) -> int:
    """Design evacuees of a district: the largest of a floor, an estimate and a share of the residents.

    Parameters
    ----------
    floor : persons, whole, >= 0
    relocation_estimate : persons relocated in the own level's response III, whole, >= 0; 0 where not known
    residents : persons, whole, >= 0
    residents_share : 0..1

    Returns
    -------
    persons, the share rounded up

    Raises
    ------
    InputError : a value out of range

    Notes
    -----
    CRS: none.
    Cost: O(1).
    Invariant: at least each of the three.
    Source: proposed for this project: max(6,000; estimate; 0.5 % of residents).
    """
    values = {"floor": floor, "relocation_estimate": relocation_estimate, "residents": residents}
    for name, value in values.items():
        _require_whole(name, value, 0, MAX_PERSONS, "persons")
    return max(floor, relocation_estimate, math.ceil(residents * _share("residents_share", residents_share)))


StockState = Literal["red", "yellow", "ok"]


def stock_state(available_e3: int, target_e3: int, *, red_share: Any, yellow_share: Any) -> StockState:
    """Whether stock is below the red or the yellow line of its target.

    Parameters
    ----------
    available_e3, target_e3 : thousandths, >= 0
    red_share, yellow_share : 0..1, red <= yellow; text or Decimal stays exact

    Returns
    -------
    ``red`` where ``available < red * target``, ``yellow`` where ``< yellow * target``, else ``ok``: stock on
    a line is not below it, and without a target it is never below

    Raises
    ------
    InputError : shares out of range or the wrong way round

    Notes
    -----
    CRS: none.
    Cost: O(1).
    Invariant: more stock is never a worse state.
    Source: lines of 0.6 and 0.8 of the target proposed for this project, for stock without statistics of demand.
    """
    red, yellow = _share("red_share", red_share), _share("yellow_share", yellow_share)
    if red > yellow:
        raise InputError(f"red_share={red_share}: above yellow_share={yellow_share}; the red line is the lower one")
    if available_e3 < red * target_e3:
        return "red"
    return "yellow" if available_e3 < yellow * target_e3 else "ok"


def expiry_class(expires_on: date | None, today: date, *, days: Sequence[int]) -> int | None:
    """Within how many days a lot expires: the least of the classes that holds it.

    Parameters
    ----------
    expires_on : the last day on which it is usable; None does not expire
    today : the day asked about
    days : classes in days, whole, >= 0, such as 30, 90, 180 (food also 15)

    Returns
    -------
    the smallest class with ``expires_on - today <= class`` (bound included: a lot that expires in 30 days is in
    class 30); -1 for one that is expired (``expires_on < today``); None for one beyond every class

    Raises
    ------
    InputError : no classes, or one below 0

    Notes
    -----
    CRS: none.
    Cost: O(classes log classes).
    Invariant: a lot with a later expiry is never in a smaller class.
    Source: 30, 90, 180 days and 15 for food, proposed for this project.
    """
    if not days or min(days) < 0:
        raise InputError(f"days={list(days)}: expected at least one class, 0 or more days")
    if expires_on is None:
        return None
    left = (expires_on - today).days
    if left < 0:
        return -1
    return next((limit for limit in sorted(days) if left <= limit), None)


@dataclass(frozen=True)
class SafetyStock:
    """Safety stock and the level at which to order, in units of the item."""

    safety: float
    reorder: float


def safety_stock(*, daily_demand: float, deviation: float, lead_days: float, z: float) -> SafetyStock:
    """Safety stock SS = z sigma sqrt(L) and reorder level ROP = d L + SS for an item with statistics of demand.

    Parameters
    ----------
    daily_demand : units a day, finite, >= 0
    deviation : standard deviation of the daily demand, units a day, finite, >= 0
    lead_days : days from order to delivery, finite, >= 0
    z : quantile of the normal distribution for the service wanted, finite, >= 0 (1.65 is 95 %, 2.33 is 99 %)

    Returns
    -------
    SafetyStock, unrounded

    Raises
    ------
    InputError : a value below 0 or not finite

    Notes
    -----
    CRS: none.
    Cost: O(1).
    Invariant: ``reorder - safety == daily_demand * lead_days``; all three rise with every argument.
    Source: textbook formula; checked on d 20, sigma 6, L 4, z 1.65: 19.8 and 99.8.
    """
    values = {"daily_demand": daily_demand, "deviation": deviation, "lead_days": lead_days, "z": z}
    for name, value in values.items():
        if not (math.isfinite(value) and value >= 0):
            raise InputError(f"{name}={value}: expected a finite number, 0 or more")
    safety = z * deviation * math.sqrt(lead_days)
    return SafetyStock(safety, daily_demand * lead_days + safety)


# -- when the list is due for a review ------------------------------------------------------------

Trigger = Literal["annual", "response", "population", "consumption", "catalogue"]


class Review(NamedTuple):
    """One trigger of a review: whether it has come, and why."""

    trigger: Trigger
    is_due: bool
    value: str  # what was found
    limit: str
    detail: str
    detail_zh: str


def review_triggers(
    *,
    valid_from: date,
    today: date,
    responses: Sequence[tuple[date, int]] | None = None,
    residents_then: int | None = None,
    residents_now: int | None = None,
    consumed_e3: Mapping[str, int] | None = None,
    stock_e3: Mapping[str, int] | None = None,
    catalogue_then: str | None = None,
    catalogue_now: str | None = None,
    after_months: int = 12,
    response_level: int = 3,
    population_share: Any = "0.03",
    consumption_share: Any = "0.3",
) -> list[Review]:
    """Whether a reserve list is due for a review, trigger by trigger, with the figures.

    Parameters
    ----------
    valid_from : the first day of the list's version
    today : the day asked about
    responses : (day, level 1..4) of each emergency response, 1 is the highest (Ⅰ级); None: not known
    residents_then, residents_now : persons, when the list was made and now; None: not known
    consumed_e3, stock_e3 : item -> thousandths consumed in 12 months, and on hand
    catalogue_then, catalogue_now : versions of the item catalogue; None: not known
    after_months : a list is due on the same day of the month so many months on (that day included)
    response_level : due after a response of this level or higher (``level <= response_level``) since `valid_from`
        (that day included), up to today
    population_share : due where residents changed by more than this share (``>``; equality is not due)
    consumption_share : due where an item's consumption is more than this share of its stock (``>``)

    Returns
    -------
    the five triggers, in a fixed order; a trigger without data says "no data" and is not due

    Raises
    ------
    InputError : a share or a number of months out of range

    Notes
    -----
    CRS: none.
    Cost: O(items + responses).
    Invariant: at equality population and consumption are not due, the anniversary and the response level are.
    Source: triggers proposed for this project: yearly, after a response of level III or above, population change
    above 3 %, consumption in 12 months above 30 % of stock, another version of the catalogue.
    """
    if after_months < 1:
        raise InputError(f"after_months={after_months}: expected 1 or more")
    due_on = _months_on(valid_from, after_months)
    found = [
        Review(
            "annual",
            today >= due_on,
            valid_from.isoformat(),
            due_on.isoformat(),
            f"in force since {valid_from}; due on {due_on}",
            f"{valid_from} 起施行，{due_on} 应复核",
        )
    ]
    found.append(_response(responses, valid_from, today, response_level))
    found.append(_population(residents_then, residents_now, _share("population_share", population_share)))
    share = _share("consumption_share", consumption_share)
    stock = stock_e3 or {}
    used = sorted(i for i, quantity in (consumed_e3 or {}).items() if quantity > share * max(0, stock.get(i, 0)))
    named, more = ", ".join(used[:5]), f" +{len(used) - 5}" if len(used) > 5 else ""
    percent = _percent(share)
    no_data = consumed_e3 is None or stock_e3 is None
    found.append(
        Review(
            "consumption",
            bool(used) and not no_data,
            "no data" if no_data else str(len(used)),
            f"> {percent}",
            "no data" if no_data else f"items consumed beyond {percent} of stock in 12 months: {named or 'none'}{more}",
            "无数据" if no_data else f"12 个月消耗超过库存 {percent} 的物资：{named or '无'}{more}",
        )
    )
    known = catalogue_then is not None and catalogue_now is not None
    changed = known and catalogue_then != catalogue_now
    found.append(
        Review(
            "catalogue",
            changed,
            "no data" if not known else str(catalogue_now),
            str(catalogue_then) if known else "",
            f"catalogue {catalogue_then} -> {catalogue_now}" if known else "no data",
            f"目录版本 {catalogue_then} → {catalogue_now}" if known else "无数据",
        )
    )
    return found


def _response(responses: Sequence[tuple[date, int]] | None, since: date, today: date, lowest: int) -> Review:
    limit = f"level <= {lowest}"
    if responses is None:
        return Review("response", False, "no data", limit, "no data", "无数据")
    for _, level in responses:
        if not 1 <= level <= 4:
            raise InputError(f"responses: level {level}; expected 1 (the highest) to 4")
    last = max(((day, level) for day, level in responses if since <= day <= today and level <= lowest), default=None)
    if last is None:
        return Review("response", False, "", limit, "no response of that level since", "其间无相应级别响应")
    day, level = last
    return Review(
        "response",
        True,
        f"{day} level {level}",
        limit,
        f"a response of level {level} on {day}",
        f"{day} 启动{'ⅠⅡⅢⅣ'[level - 1]}级响应",
    )


def _population(then: int | None, now: int | None, share: Fraction) -> Review:
    limit = f"> {_percent(share)}"
    if then is None or now is None or then <= 0:
        return Review("population", False, "no data", limit, "no data", "无数据")
    change = Fraction(now - then, then)
    shown = f"{float(change) * 100:+.2f} %"
    return Review(
        "population",
        abs(change) > share,
        shown,
        limit,
        f"residents {then} -> {now} ({shown})",
        f"常住人口 {then} → {now}（{shown}）",
    )


def _months_on(day: date, months: int) -> date:
    """The same day so many months on, or the last of that month where it has no such day."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    for number in (day.day, 30, 29, 28):
        try:
            return date(year, month + 1, min(number, day.day))
        except ValueError:
            continue
    raise InputError(f"after_months={months}: beyond the calendar from {day}")


def _percent(share: Fraction) -> str:
    return f"{float(share) * 100:g} %"


def _share(name: str, value: Any) -> Fraction:
    """A share as the decimal number that it is printed as: 0.6 is exactly six tenths."""
    return _exact_share(name, str(value))


@lru_cache(maxsize=64)
def _exact_share(name: str, value: str) -> Fraction:
    try:
        found = Fraction(Decimal(value))
    except (ArithmeticError, ValueError):
        raise InputError(f"{name}={value}: expected a share from 0 to 1") from None
    if not 0 <= found <= 1:
        raise InputError(f"{name}={value}: expected a share from 0 to 1")
    return found


def _require_whole(name: str, value: Any, low: int, high: int, what: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise InputError(f"{name}={value}: expected whole {what}, {low} to {high}")
