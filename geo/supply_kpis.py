"""Found, moved, used (找得到、调得出、用得上) as figures, each with numerator, denominator and the rows behind it.

A figure without data is no figure: it says so, and is neither 0 nor 100 %.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any, Literal, NamedTuple

import pandas as pd

from geo.errors import InputError
from geo.supply import number_of

Word = Literal["find", "move", "use"]

WORDS: dict[Word, tuple[str, str]] = {
    "find": ("found", "找得到"),
    "move": ("moved", "调得出"),
    "use": ("used", "用得上"),
}


class Proof(NamedTuple):
    """One row that was counted: what it is, whether it is in the numerator, and why."""

    id: str
    is_counted: bool
    detail: str


@dataclass(frozen=True)
class Kpi:
    """One figure. `value` is None where there is no data; `is_met` then is None too."""

    code: str
    word: Word
    title: str
    title_zh: str
    unit: str
    target: float
    at_least: bool  # else at most
    numerator: Fraction
    denominator: int
    value: Fraction | None
    proof: tuple[Proof, ...]

    @property
    def is_met(self) -> bool | None:
        """Whether the target is met, itself included; None without data."""
        if self.value is None:
            return None
        target = Fraction(str(self.target))
        return self.value >= target if self.at_least else self.value <= target

    def to_json(self) -> dict[str, Any]:
        """Plain values; without data the value is null and `no_data` true."""
        return {
            "code": self.code,
            "word": self.word,
            "word_zh": WORDS[self.word][1],
            "title": self.title,
            "title_zh": self.title_zh,
            "unit": self.unit,
            "target": self.target,
            "at_least": self.at_least,
            "value": None if self.value is None else round(float(self.value), 6),
            "no_data": self.value is None,
            "numerator": _plain(self.numerator),
            "denominator": self.denominator,
            "is_met": self.is_met,
            "proof": [row._asdict() for row in self.proof],
        }


def _plain(value: Fraction) -> int | float:
    return int(value) if value.denominator == 1 else round(float(value), 6)


@dataclass(frozen=True)
class KpiFrames:
    """What the figures are counted from; a frame that is None is not there.

    depots : id, has_place, has_contact; last_stock (when its stock was last said or counted, empty: never)
    lots : id, on_hand_e3, reserved_e3, on_hold_e3, is_qualified, is_expired
    counts : id, expected_e3, counted_e3
    events : order_id, to_state, occurred_utc (ISO text or moments, aware)
    arrivals : order_id, occurred_utc; one row or more for each order of which anything came to its end, fit for use or
        damaged; what is missing came nowhere
    orders : id, state
    receipts : order_id, lot_id, sent_e3, lost_e3 (damaged or missing), one row for each line that was received
    contacts : depot_id, verified_utc
    searches, plans : id, took_s (seconds), detail; one row for each search and each plan
    """

    depots: pd.DataFrame | None = None
    lots: pd.DataFrame | None = None
    counts: pd.DataFrame | None = None
    events: pd.DataFrame | None = None
    arrivals: pd.DataFrame | None = None
    orders: pd.DataFrame | None = None
    receipts: pd.DataFrame | None = None
    contacts: pd.DataFrame | None = None
    searches: pd.DataFrame | None = None
    plans: pd.DataFrame | None = None


TARGETS: dict[str, float] = {
    "geocoded": 1.0,
    "contact": 1.0,
    "contact_verified": 1.0,
    "fresh": 1.0,
    "count_match": 0.98,
    "search_p95": 3.0,
    "plan_p95": 10.0,
    "issued_in_time": 1.0,
    "arrived_in_time": 0.8,
    "over_allocated": 0.0,
    "qualified": 0.98,
    "expired": 0.0,
    "received": 1.0,
    "difference": 0.005,
    "traced": 1.0,
}
"""Targets proposed for this project; parameters replace them."""


def supply_kpis(
    frames: KpiFrames,
    *,
    moment: datetime,
    targets: Mapping[str, float] = TARGETS,
    contact_days: float = 90.0,
    fresh_h: float = 24.0,
    issue_min: float = 30.0,
    arrival_min: float = 60.0,
) -> list[Kpi]:
    """Every figure of supplies, in the order of the words: found, moved, used.

    Parameters
    ----------
    frames : what is counted; a frame that is missing gives figures without data
    moment : the moment asked about, aware
    targets : code -> target, as a share, a number of lots or seconds; missing ones are those of `TARGETS`
    contact_days, fresh_h : a contact verified, a stock said so long ago or less is good (bound included)
    issue_min, arrival_min : minutes from the order to its issue and to its first arrival (bound included); an order
        not issued or arrived yet counts, against it, as soon as it is later than this, and one that ended without
        any arrival, everything missing, counts against it at once

    Returns
    -------
    one `Kpi` for each code of `TARGETS`; ``value`` None where the denominator would be 0

    Raises
    ------
    InputError : a limit that is no finite number of 0 or more, a moment without time zone

    Notes
    -----
    CRS: none.
    Cost: O(rows).
    Invariant: the numerator is the sum of the proof rows that count, the denominator their number; nothing that
    is not there makes a figure better or worse.
    Source: measures of 找得到、调得出、用得上 proposed for this project.

    Lots and lines count one each, whatever their unit: a sum of quilts and litres would mean nothing.
    """
    if moment.tzinfo is None:
        raise InputError(f"moment={moment.isoformat()}: expected a moment with its time zone")
    limits = {"contact_days": contact_days, "fresh_h": fresh_h, "issue_min": issue_min, "arrival_min": arrival_min}
    for name, value in limits.items():
        if not (math.isfinite(value) and value >= 0):
            raise InputError(f"{name}={value}: expected a finite number, 0 or more")
    known = {**TARGETS, **targets}
    depots, lots = _rows(frames.depots), _rows(frames.lots)
    orders = _order_times(frames.events, frames.arrivals, frames.orders)

    def share(code: str, word: Word, title: str, title_zh: str, rows: Iterable[Proof] | None) -> Kpi:
        proof = tuple(rows or ())
        counted = Fraction(sum(row.is_counted for row in proof))
        value = counted / len(proof) if proof else None
        return Kpi(code, word, title, title_zh, "share", known[code], True, counted, len(proof), value, proof)

    def number(code: str, word: Word, title: str, title_zh: str, rows: Iterable[Proof] | None) -> Kpi:
        proof = tuple(rows or ())
        counted = Fraction(sum(row.is_counted for row in proof))
        value = counted if proof else None
        return Kpi(code, word, title, title_zh, "lots", known[code], False, counted, len(proof), value, proof)

    return [
        share(
            "geocoded",
            "find",
            "depots with a place on the map",
            "有坐标的仓库",
            (Proof(r["id"], bool(r["has_place"]), "on the map" if r["has_place"] else "no place") for r in depots),
        ),
        share(
            "contact",
            "find",
            "depots with a contact and a phone",
            "有联系人和电话的仓库",
            (Proof(r["id"], bool(r["has_contact"]), "given" if r["has_contact"] else "missing") for r in depots),
        ),
        share(
            "contact_verified",
            "find",
            f"contacts verified within {contact_days:g} days",
            f"{contact_days:g} 天内核实过的联系人",
            _since(_rows(frames.contacts), "depot_id", "verified_utc", moment, timedelta(days=contact_days)),
        ),
        share(
            "fresh",
            "find",
            f"depots whose stock was said or counted within {fresh_h:g} h",
            f"{fresh_h:g} 小时内有库存数据的仓库",
            _since(depots, "id", "last_stock", moment, timedelta(hours=fresh_h)),
        ),
        share(
            "count_match",
            "find",
            "lines of counts without a difference",
            "盘点账实相符",
            (
                Proof(
                    str(r["id"]),
                    int(r["expected_e3"]) == int(r["counted_e3"]),
                    f"expected {number_of(int(r['expected_e3']))}, counted {number_of(int(r['counted_e3']))}",
                )
                for r in _rows(frames.counts)
            ),
        ),
        _p95("search_p95", "find", "search, 95 of 100", "查询用时 P95", known, frames.searches),
        _p95("plan_p95", "move", "plan, 95 of 100", "方案用时 P95", known, frames.plans),
        share(
            "issued_in_time",
            "move",
            f"orders issued within {issue_min:g} min",
            f"下单后 {issue_min:g} 分钟内出库",
            _in_time(orders, "issued", moment, issue_min),
        ),
        share(
            "arrived_in_time",
            "move",
            f"orders at the place within {arrival_min:g} min",
            f"下单后 {arrival_min:g} 分钟内到达",
            _in_time(orders, "arrived", moment, arrival_min),
        ),
        number("over_allocated", "move", "lots promised beyond what is there", "超配批次", map(_over_allocated, lots)),
        share(
            "qualified",
            "use",
            "lots on hand that are fit for use",
            "在库合格批次",
            (
                Proof(r["id"], bool(r["is_qualified"]), "fit" if r["is_qualified"] else "not fit")
                for r in lots
                if r["on_hand_e3"] > 0
            ),
        ),
        number(
            "expired",
            "use",
            "expired lots on hand",
            "在库过期批次",
            (
                Proof(r["id"], bool(r["is_expired"]), "expired" if r["is_expired"] else "in date")
                for r in lots
                if r["on_hand_e3"] > 0
            ),
        ),
        share(
            "received",
            "use",
            "issued orders that were received",
            "出库单签收",
            (
                Proof(i, "arrived" in o.times, _NOTHING if _came_to_nothing(o) else o.state)
                for i, o in orders.items()
                if "issued" in o.times and o.state not in ("issued", "in_transit")
            ),
        ),
        _difference(frames.receipts, known),
        share(
            "traced",
            "use",
            "finished orders with issue and receipt",
            "出库和签收成对的调拨单",
            (
                Proof(
                    i,
                    {"issued", "arrived"} <= o.times.keys(),
                    ", ".join(word for step, word in _TRACE if step in o.times) or "neither",
                )
                for i, o in orders.items()
                if o.state in _ENDED
            ),
        ),
    ]


class _Order(NamedTuple):
    state: str
    times: dict[str, datetime]  # ordered, issued, arrived: the first time


_STEPS = ("ordered", "issued")
_ENDED = ("received", "settled")
_TRACE = (("issued", "issued"), ("arrived", "received"))
_NOTHING = "nothing arrived"


def _came_to_nothing(order: _Order) -> bool:
    """Whether an order ended and no piece of it reached its place."""
    return order.state in _ENDED and "arrived" not in order.times


def _rows(frame: pd.DataFrame | None) -> list[dict[str, Any]]:
    return [] if frame is None else [{str(k): v for k, v in row.items()} for row in frame.to_dict("records")]


def _moment(value: Any) -> datetime | None:
    if value is None or value == "" or pd.isna(value):
        return None
    found: datetime = pd.Timestamp(value).tz_convert("UTC").to_pydatetime()
    return found


def _since(
    rows: Iterable[Mapping[str, Any]], key: str, column: str, moment: datetime, limit: timedelta
) -> Iterable[Proof]:
    for row in rows:
        when = _moment(row[column])
        good = when is not None and moment - when <= limit
        yield Proof(str(row[key]), good, "never" if when is None else when.isoformat())


def _over_allocated(row: Mapping[str, Any]) -> Proof:
    on_hand, bound = int(row["on_hand_e3"]), int(row["reserved_e3"]) + int(row["on_hold_e3"])
    return Proof(str(row["id"]), bound > on_hand or on_hand < 0, f"{number_of(bound)} bound of {number_of(on_hand)}")


def _order_times(
    events: pd.DataFrame | None, arrivals: pd.DataFrame | None, orders: pd.DataFrame | None
) -> dict[str, _Order]:
    """Each order with its state and the first time that it was ordered and issued, and that something arrived."""
    if events is None or orders is None:
        return {}
    found = {str(row["id"]): _Order(str(row["state"]), {}) for row in _rows(orders)}
    steps = [(str(row["to_state"]), row) for row in _rows(events) if row["to_state"] in _STEPS]
    for step, row in [*steps, *(("arrived", row) for row in _rows(arrivals))]:
        order = found.get(str(row["order_id"]))
        when = _moment(row["occurred_utc"])
        if order is None or when is None:
            continue
        if step not in order.times or when < order.times[step]:
            order.times[step] = when
    return found


def _in_time(orders: Mapping[str, _Order], step: str, moment: datetime, limit_min: float) -> Iterable[Proof]:
    """Orders that reached a step, or are late for it; what was called off or may still be in time does not count."""
    limit = timedelta(minutes=limit_min)
    for name, order in orders.items():
        begun = order.times.get("ordered")
        if begun is None:
            continue
        reached = order.times.get(step)
        if reached is None and step == "arrived" and _came_to_nothing(order):
            yield Proof(name, False, _NOTHING)
            continue
        if reached is None and (order.state in ("cancelled", "expired") or moment - begun <= limit):
            continue
        took = (reached if reached is not None else moment) - begun
        minutes = took / timedelta(minutes=1)
        yield Proof(name, reached is not None and took <= limit, f"{minutes:.1f} min" + ("" if reached else " so far"))


def _difference(receipts: pd.DataFrame | None, targets: Mapping[str, float]) -> Kpi:
    """The mean over lines of the share that was damaged or missing."""
    rows = [row for row in _rows(receipts) if int(row["sent_e3"]) > 0]
    shares = [Fraction(int(row["lost_e3"]), int(row["sent_e3"])) for row in rows]
    proof = tuple(
        Proof(f"{row['order_id']}/{row['lot_id']}", lost > 0, f"{float(lost) * 100:g} %")
        for row, lost in zip(rows, shares, strict=True)
    )
    total = sum(shares, Fraction(0))
    return Kpi(
        "difference",
        "use",
        "damaged or missing, mean over lines",
        "途中损失(各行平均)",
        "share",
        targets["difference"],
        False,
        total,
        len(rows),
        total / len(rows) if rows else None,
        proof,
    )


def _p95(
    code: str, word: Word, title: str, title_zh: str, targets: Mapping[str, float], frame: pd.DataFrame | None
) -> Kpi:
    """The smallest time that at least 95 of 100 do not exceed; the rows behind it are the slowest first."""
    rows = sorted(_rows(frame), key=lambda row: -float(row["took_s"]))
    rank = len(rows) - -(-len(rows) * 95 // 100)
    value = Fraction(float(rows[rank]["took_s"])) if rows else None
    proof = tuple(
        Proof(
            str(row["id"]),
            value is not None and float(row["took_s"]) <= value,
            f"{row['took_s']:.3f} s, {row['detail']}",
        )
        for row in rows
    )
    counted = Fraction(sum(row.is_counted for row in proof))
    return Kpi(code, word, title, title_zh, "s", targets[code], False, counted, len(rows), value, proof)
