"""How much of an item there is now, in an hour, tomorrow: one curve from three kinds of reserve, told apart.

Goods lie in depots (实物储备), contract stock is called off (协议储备), production begins when it is asked
for (产能储备). Quantities are whole thousandths (``_e3``).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from itertools import pairwise
from typing import Any, NamedTuple

from geo.errors import InputError
from geo.supply import number_of

HOURS: tuple[int, ...] = (0, 1, 4, 24, 72)
"""The hours of the curve where nothing else is asked (a parameter)."""

MAX_HOURS = 8_760


class Goods(NamedTuple):
    """What one depot could give, when it is at the place (0 where no place is asked about), and when it expires."""

    source_id: str
    quantity_e3: int
    arrival_s: float = 0.0  # inf or NaN: it cannot arrive
    expires_s: float = math.inf  # from then on it does not count


class Contract(NamedTuple):
    """Stock kept under contract: there from its call-off time on."""

    source_id: str
    quantity_e3: int
    lead_h: Any


class Production(NamedTuple):
    """What a maker can make each day, beginning when its lead time is over."""

    source_id: str
    per_day_e3: int
    lead_h: Any


class Share(NamedTuple):
    """What one source has at each hour."""

    source_id: str
    kind: str  # goods, contract, production
    quantity_e3: tuple[int, ...]


@dataclass(frozen=True)
class Curve:
    """Availability hour by hour, each kind of reserve by itself; made by `availability`."""

    hours: tuple[Fraction, ...]
    goods_e3: tuple[int, ...]
    contract_e3: tuple[int, ...]
    production_e3: tuple[int, ...]
    shares: tuple[Share, ...]

    @property
    def total_e3(self) -> tuple[int, ...]:
        """The three kinds together."""
        columns = zip(self.goods_e3, self.contract_e3, self.production_e3, strict=True)
        return tuple(sum(column) for column in columns)

    def to_json(self) -> dict[str, Any]:
        """Plain values; `points` hour by hour, `sources` with what each has at each hour."""
        hours = [int(h) if h.denominator == 1 else float(h) for h in self.hours]
        return {
            "points": [
                {
                    "hour": hour,
                    "goods": number_of(goods),
                    "contract": number_of(contract),
                    "production": number_of(production),
                    "total": number_of(goods + contract + production),
                }
                for hour, goods, contract, production in zip(
                    hours, self.goods_e3, self.contract_e3, self.production_e3, strict=True
                )
            ],
            "sources": [
                {"id": s.source_id, "kind": s.kind, "quantity": [number_of(q) for q in s.quantity_e3]}
                for s in self.shares
            ],
        }


def availability(
    goods: Sequence[Goods],
    contracts: Sequence[Contract] = (),
    productions: Sequence[Production] = (),
    *,
    hours: Sequence[Any] = HOURS,
    step_e3: int = 1000,
) -> Curve:
    """What there is of an item after so many hours, in goods, under contract and from production.

    Parameters
    ----------
    goods : quantities >= 0 with their arrival and the end of their last day, s, >= 0; there when
        ``arrival <= hour < expires`` (the arrival included, the end not); those of one source are one share
    contracts : quantities >= 0 with their call-off time, h, 0 to 8760; all of it is there when
        ``lead <= hour`` (bound included), nothing before
    productions : quantities a day >= 0 with their lead time, h; made evenly after it, so nothing at the lead time
        itself
    hours : h, 0 to 8760, rising; numbers or text with decimals stay exact
    step_e3 : thousandths, >= 1: production counts in whole steps, 1000 for what is not divided, 1 for what is

    Returns
    -------
    Curve; all 0 without sources

    Raises
    ------
    InputError : a quantity, hour, lead time or step out of range, hours not rising

    Notes
    -----
    CRS: none; distances enter only through the arrivals.
    Cost: O(sources x hours).
    Invariant: falls only where goods expire; each kind is the sum of its shares; each maker's product is a whole
    number of steps, rounded down.
    Source: three kinds of reserve as in provincial lists of reserves; formula of this project.
    """
    moments = tuple(_hours("hours", hour) for hour in hours)
    if not moments or any(b <= a for a, b in pairwise(moments)):
        raise InputError(f"hours={[str(h) for h in hours]}: expected at least one hour, rising")
    if step_e3 < 1:
        raise InputError(f"step_e3={step_e3}: expected 1 or more thousandths")
    shares = _of_goods(goods, moments)
    shares += [_of_contract(source, moments) for source in contracts]
    shares += [_of_production(source, moments, step_e3) for source in productions]

    def sums(kind: str) -> tuple[int, ...]:
        columns = [share.quantity_e3 for share in shares if share.kind == kind]
        return tuple(sum(column[k] for column in columns) for k in range(len(moments)))

    return Curve(moments, sums("goods"), sums("contract"), sums("production"), tuple(shares))


def _of_goods(goods: Sequence[Goods], moments: tuple[Fraction, ...]) -> list[Share]:
    """One share for each source, in the order of their first."""
    there: dict[str, list[int]] = {}
    for source in goods:
        quantity = _quantity(source.source_id, source.quantity_e3)
        for name, seconds in (("arrival_s", source.arrival_s), ("expires_s", source.expires_s)):
            if seconds < 0:
                raise InputError(f"{name}={seconds} of {source.source_id}: expected 0 or more")
        held = there.setdefault(source.source_id, [0] * len(moments))
        if math.isfinite(source.arrival_s):
            for k, hour in enumerate(moments):
                held[k] += quantity if source.arrival_s <= hour * 3600 < source.expires_s else 0
    return [Share(source_id, "goods", tuple(held)) for source_id, held in there.items()]


def _of_contract(source: Contract, moments: tuple[Fraction, ...]) -> Share:
    quantity, lead = _quantity(source.source_id, source.quantity_e3), _hours("lead_h", source.lead_h)
    return Share(source.source_id, "contract", tuple(quantity if lead <= hour else 0 for hour in moments))


def _of_production(source: Production, moments: tuple[Fraction, ...], step_e3: int) -> Share:
    per_day, lead = _quantity(source.source_id, source.per_day_e3), _hours("lead_h", source.lead_h)
    made = (max(Fraction(0), hour - lead) * per_day / 24 for hour in moments)
    return Share(source.source_id, "production", tuple(math.floor(m / step_e3) * step_e3 for m in made))


def _quantity(source: str, quantity_e3: int) -> int:
    if isinstance(quantity_e3, bool) or int(quantity_e3) != quantity_e3 or quantity_e3 < 0:
        raise InputError(f"quantity of {source}: expected whole thousandths, 0 or more, not {quantity_e3!r}")
    return int(quantity_e3)


def _hours(name: str, value: Any) -> Fraction:
    """Hours as the decimal number that is written: 0.1 is a tenth."""
    try:
        found = Fraction(Decimal(str(value)))
    except (InvalidOperation, ValueError, OverflowError):
        raise InputError(f"{name}={value!r}: expected hours, 0 to {MAX_HOURS}") from None
    if not 0 <= found <= MAX_HOURS:
        raise InputError(f"{name}={value}: expected hours, 0 to {MAX_HOURS}")
    return found
