"""Boards of the stock: what is low, expires, was not counted, is at hand when; needs, requests, reserve list.

Each reads a view (and the ledger), calls `geo` and returns plain rows. Every line drawn is a parameter.
"""

import hashlib
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa

from data import answer_times, schema
from data.answer_times import ANSWERS
from data.item_catalogue import DIVISIBLE_UNITS, FOOD
from data.order_answers import outstanding
from geo.availability import Contract, Goods, Production, availability
from geo.errors import InputError, NotFound
from geo.needs import (
    Outstanding,
    Standard,
    expiry_class,
    needs,
    review_triggers,
    stock_state,
    upward_request,
)
from geo.supply import number_of
from geo.supply_kpis import TARGETS, KpiFrames, supply_kpis
from layers.analyses.places import LonLat, asked, containing, lonlats
from layers.analyses.stock import (
    SupplyLines,
    arrivals_at,
    depots_of,
    item_titles,
    lots_on,
    uncounted_depots,
)
from layers.district import District, View


def uncounted(district: District, *, days: int | None = None, at: datetime | None = None) -> dict[str, Any]:
    """Depots to be counted: the oldest count of what they hold is more than N days ago."""
    view, moment = district.view(), district.local(at)
    lines = SupplyLines.of(view, moment.date())
    limit = _days(days, lines.uncounted_days)
    rows = [
        {"depot_id": depot, **_depot(view, depot), **row}
        for depot, row in uncounted_depots(view, moment, limit).items()
    ]
    rows.sort(key=lambda row: (row["age_days"] is not None, -(row["age_days"] or 0), row["depot_id"]))
    return {**asked(view, moment), "days": limit, "rows": rows}


def _days(given: int | None, default: int) -> int:
    if given is not None and given < 0:
        raise InputError(f"days={given}: expected 0 or more")
    return default if given is None else given


# -- low, expiring, at a glance -------------------------------------------------------------------


def low_stock(
    district: District, *, item: str | None = None, depot: str | None = None, at: datetime | None = None
) -> dict[str, Any]:
    """Stock below its minimum, or below the red or the yellow line of its target; the worst first."""
    view, moment = district.view(), district.local(at)
    lines = SupplyLines.of(view, moment.date())
    lots = lots_on(view, moment.date())
    sums = lots.groupby(["depot_id", "item_id"])[["on_hand_e3", "available_e3"]].sum()
    there = {key: (int(a), int(b)) for key, a, b in sums.itertuples(name=None)}
    rows = []
    levels = view.frame("stock_level")[["depot_id", "item_id", "minimum_e3", "target_e3"]]
    for depot_id, item_id, minimum, target in levels.itertuples(index=False, name=None):
        key = (depot_id, item_id)
        if (item is not None and item != key[1]) or (depot is not None and depot != key[0]):
            continue
        on_hand, available = there.get(key, (0, 0))
        minimum, target = int(minimum), int(target)
        state = stock_state(available, target, red_share=lines.red_share, yellow_share=lines.yellow_share)
        below = available < minimum
        if state == "ok" and not below:
            continue
        rows.append(
            {
                "depot_id": key[0],
                **_depot(view, key[0]),
                "item_id": key[1],
                **_item(view, key[1]),
                "on_hand": number_of(on_hand),
                "available": number_of(available),
                "minimum": number_of(minimum),
                "target": number_of(target),
                "to_minimum": number_of(max(0, minimum - available)),
                "to_target": number_of(max(0, target - available)),
                "is_below_minimum": below,
                "state": state,
                "share": available / target if target else None,
            }
        )
    rows.sort(
        key=lambda row: (
            not row["is_below_minimum"],
            ("red", "yellow", "ok").index(row["state"]),
            1.0 if row["share"] is None else row["share"],
            row["item_id"],
            row["depot_id"],
        )
    )
    return {
        **asked(view, moment),
        "red_share": lines.red_share,
        "yellow_share": lines.yellow_share,
        "rows": rows,
    }


def expiring(
    district: District, *, days: int | None = None, item: str | None = None, at: datetime | None = None
) -> dict[str, Any]:
    """Lots on hand that are expired or expire soon, each in its class of days; food has one class more."""
    view, moment = district.view(), district.local(at)
    lines = SupplyLines.of(view, moment.date())
    today = moment.date()
    classes = lines.expiring_days
    widest = _days(days, max(classes))
    rows = []
    lots = lots_on(view, today)
    last = (today + timedelta(days=widest)).isoformat()
    lots = lots[(lots["on_hand_e3"] > 0) & (lots["expires_on"].fillna("9999-12-31") <= last)]
    for lot in lots.to_dict("records"):
        if item is not None and lot["item_id"] != item:
            continue
        expires = date.fromisoformat(lot["expires_on"])
        own = (*classes, lines.expiring_food_days) if str(lot["item_id"]).startswith(FOOD) else classes
        found = expiry_class(expires, today, days=(*own, widest))
        left = (expires - today).days
        assert found is not None
        rows.append(
            {
                "lot_id": lot["id"],
                "depot_id": lot["depot_id"],
                **_depot(view, lot["depot_id"]),
                "item_id": lot["item_id"],
                **_item(view, lot["item_id"]),
                "lot": lot["lot"],
                "on_hand": number_of(int(lot["on_hand_e3"])),
                "available": number_of(int(lot["available_e3"])),
                "status": lot["status"],
                "expires_on": expires.isoformat(),
                "days_left": left,
                "class": found,
                "is_expired": left < 0,
            }
        )
    rows.sort(key=lambda row: (row["expires_on"], row["item_id"], row["depot_id"], row["lot"]))
    return {
        **asked(view, moment),
        "classes": [*classes],
        "food_days": lines.expiring_food_days,
        "rows": rows,
    }


def glance(district: District, item: str, *, at: datetime | None = None) -> dict[str, Any]:
    """Each depot for one item: `enough`, `low`, `none`, or `uncounted` where the number is not to be trusted.

    `level` is the state by the book alone. Low is below the minimum or below the red line of the target; a depot
    for which neither is set has enough with anything. A depot with none is `none` also where it was not counted.
    `expiring` is what of the available expires within `expires_days`, the least class that holds any of it.
    """
    view, moment = district.view(), district.local(at)
    _require_item(view, item)
    lines = SupplyLines.of(view, moment.date())
    lots = lots_on(view, moment.date())
    lots = lots[lots["item_id"] == item]
    table = view.frame("stock_level")
    levels = {
        row["depot_id"]: (int(row["minimum_e3"]), int(row["target_e3"]))
        for row in table[table["item_id"] == item].to_dict("records")
    }
    ids, names, places = depots_of(view)
    late = uncounted_depots(view, moment, lines.uncounted_days)
    food_days = (lines.expiring_food_days,) if item.startswith(FOOD) else ()
    rows = []
    for depot in ids:
        own = lots[lots["depot_id"] == depot]
        available = int(own["available_e3"].sum())
        minimum, target = levels.get(depot, (0, 0))
        state = stock_state(available, target, red_share=lines.red_share, yellow_share=lines.yellow_share)
        level = "none" if available == 0 else "low" if available < minimum or state == "red" else "enough"
        expires_days, expiring_e3 = _soonest(own, moment.date(), (*lines.expiring_days, *food_days))
        rows.append(
            {
                "depot_id": depot,
                "depot_name": names[depot],
                "place": places[depot] if np.isfinite(places[depot]).all() else None,
                "state": "uncounted" if depot in late and level != "none" else level,
                "level": level,
                "is_uncounted": depot in late,
                "age_days": late[depot]["age_days"] if depot in late else None,
                "on_hand": number_of(int(own["on_hand_e3"].sum())),
                "available": number_of(available),
                "minimum": number_of(minimum),
                "target": number_of(target),
                "expires_days": expires_days,
                "expiring": number_of(expiring_e3),
            }
        )
    return {**asked(view, moment), "item_id": item, **_item(view, item), "rows": rows}


def _soonest(lots: pd.DataFrame, today: date, classes: Sequence[int]) -> tuple[int | None, int]:
    """The least class of days within which any of the available expires, and how much in thousandths."""
    found: dict[int, int] = {}
    good = lots[(lots["available_e3"] > 0) & lots["expires_on"].notna()]
    for expires_on, quantity in zip(good["expires_on"], good["available_e3"], strict=True):
        days = expiry_class(date.fromisoformat(expires_on), today, days=classes)
        if days is not None:
            found[days] = found.get(days, 0) + int(quantity)
    return min(found.items(), default=(None, 0))


# -- when there will be how much ------------------------------------------------------------------


def availability_curve(
    district: District, item: str, *, lonlat: LonLat | None = None, at: datetime | None = None
) -> dict[str, Any]:
    """What there is of an item over the hours: in the district, or at a place (goods count as they arrive there)."""
    view, moment = district.view(), district.local(at)
    _require_item(view, item)
    lines = SupplyLines.of(view, moment.date())
    day = moment.date()
    lots = lots_on(view, day)
    held = lots[(lots["item_id"] == item) & (lots["available_e3"] > 0)]
    if lonlat is None:
        arrival_s: Mapping[str, float] = dict.fromkeys(held["depot_id"].astype(str), 0.0)
    else:
        found = arrivals_at(view, moment, lonlat)
        arrival_s = dict(zip(found.depot_id, found.arrival_s.tolist(), strict=True))
    goods = [
        Goods(depot, int(quantity), arrival_s.get(depot, math.inf), _until_expired_s(expires_on, moment))
        for depot, quantity, expires_on in sorted(
            held[["depot_id", "available_e3", "expires_on"]].itertuples(index=False, name=None), key=lambda row: row[0]
        )
    ]
    agreements = agreements_on(view, day, item)
    unit = _item(view, item)["unit"]
    curve = availability(
        goods,
        [Contract(a["id"], int(a["quantity_e3"]), a["lead_h"]) for a in agreements if a["mode"] == "contract"],
        [Production(a["id"], int(a["quantity_e3"]), a["lead_h"]) for a in agreements if a["mode"] == "production"],
        hours=lines.hours,
        step_e3=1 if unit in DIVISIBLE_UNITS else 1000,
    )
    answer = curve.to_json()
    names = depots_of(view)[1]
    suppliers = {a["id"]: a for a in agreements}
    for source in answer["sources"]:
        supplier = suppliers.get(source["id"]) if source["kind"] != "goods" else None
        source["name"] = names[source["id"]] if supplier is None else supplier["name"]
        after_s = arrival_s.get(source["id"], 0.0) if supplier is None else supplier["lead_h"] * 3600.0
        source["arrival_s"] = round(after_s, 3) if np.isfinite(after_s) else None
    return {
        **asked(view, moment),
        "item_id": item,
        **_item(view, item),
        "to": None if lonlat is None else list(lonlat),
        **answer,
    }


def _until_expired_s(expires_on: str | None, moment: datetime) -> float:
    """How long after `moment` a lot may still be used: until the midnight after its last day."""
    if not expires_on:
        return math.inf
    end = datetime.combine(date.fromisoformat(expires_on) + timedelta(days=1), time(), moment.tzinfo)
    return (end.astimezone(UTC) - moment.astimezone(UTC)).total_seconds()


def agreements_on(view: View, day: date, item: str | None = None) -> list[dict[str, Any]]:
    """Agreements in force on a day: from their first day to the day before `valid_to`."""
    text = day.isoformat()
    rows = pd.DataFrame(view.frame("agreement")).drop(columns="geometry", errors="ignore").to_dict("records")
    return [
        {str(name): value for name, value in row.items()}
        for row in rows
        if (item is None or row["item_id"] == item)
        and (row["valid_from"] or text) <= text
        and (not row["valid_to"] or text < row["valid_to"])
    ]


# -- needs and requests ---------------------------------------------------------------------------


def relief_standards(view: View) -> list[Standard]:
    """The standards by which needs are computed; NotFound where there are none."""
    frame = view.frame("relief_standard")
    if len(frame) == 0:
        raise NotFound("there are no relief standards; import the kind relief_standards first")
    return [
        Standard(
            row["item_id"],
            row["basis"],
            int(row["quantity_e3"]),
            bool(row["is_daily"]),
            str(row["provenance"] or ""),
            str(row["reference"] or ""),
        )
        for row in frame.to_dict("records")
    ]


def needs_draft(
    district: District, *, affected: int, evacuated: int, days: int, at: datetime | None = None
) -> dict[str, Any]:
    """Drafted lines of a request: persons x standard x days, less what is available in the district."""
    view, moment = district.view(), district.local(at)
    standards = relief_standards(view)
    there = lots_on(view, moment.date()).groupby("item_id")["available_e3"].sum()
    found = needs(
        standards,
        {str(i): int(q) for i, q in there.items()},
        affected=affected,
        evacuated=evacuated,
        days=days,
    )
    rows = []
    for need in found:
        row = need.to_json()
        title = _item(view, need.item_id)
        if title["unit"] not in DIVISIBLE_UNITS:  # nobody can be given a part of it
            row["draft"] = number_of(-(-need.draft_e3 // 1000) * 1000)
        rows.append({**row, **title, "to_confirm": any(_to_confirm(line.provenance) for line in need.lines)})
    return {
        **asked(view, moment),
        "affected": affected,
        "evacuated": evacuated,
        "days": days,
        "rows": rows,
    }


def _to_confirm(provenance: str) -> bool:
    return provenance in ("remembered", "proposed")


def upward(district: District, *, request_id: str | None = None, at: datetime | None = None) -> dict[str, Any]:
    """The request to the next level, drafted from what is outstanding of one request, or of all that are open.

    Outstanding is requested - received usable - bound in open orders. A lost order binds nothing; a substitute
    counts with its stated equivalence.
    """
    view, moment = district.view(), district.local(at)
    lines = outstanding_lines(view, request_id)
    drafted = upward_request([line for _, _, line in lines])
    proof = [
        {
            "request_id": request,
            "number": number,
            "item_id": line.item_id,
            **_item(view, line.item_id),
            "requested": number_of(line.requested_e3),
            "received": number_of(line.received_e3),
            "bound": number_of(line.bound_e3),
            "outstanding": number_of(line.outstanding_e3),
        }
        for request, number, line in lines
    ]
    rows = [{"item_id": i, **_item(view, i), "quantity": number_of(q)} for i, q in drafted.items()]
    return {**asked(view, moment), "rows": rows, "lines": proof}


def outstanding_lines(view: View, request_id: str | None = None) -> list[tuple[str, str, Outstanding]]:
    """(request, its number, line) of one request, or of every one that is not closed, from the ledger."""
    request = schema.table("supply_request")
    wanted = sa.select(request.c.id, request.c.number).order_by(request.c.fid)
    wanted = wanted.where(request.c.closed_utc.is_(None) if request_id is None else request.c.id == request_id)
    found = []
    with view.district.store.reading() as conn:
        numbers = [(row[0], row[1]) for row in conn.execute(wanted)]
        if request_id is not None and not numbers:
            raise NotFound(f"there is no request {request_id!r}")
        for identity, number in numbers:
            for row in outstanding(conn, identity, as_e3=True):
                line = Outstanding(row["item_id"], row["requested_e3"], row["received_e3"], row["bound_e3"])
                found.append((identity, number, line))
    return found


# -- the reserve list -----------------------------------------------------------------------------


def reserve_list(
    district: District,
    *,
    version: str | None = None,
    level: str | None = None,
    at: datetime | None = None,
) -> dict[str, Any]:
    """The reserve list of a version (None: the one in force) against what is there, with the triggers of a review."""
    view, moment = district.view(), district.local(at)
    today = moment.date()
    lines = SupplyLines.of(view, today)
    frame = view.frame("reserve_target")
    if len(frame) == 0:
        raise NotFound("there is no reserve list; import the kind reserve_targets first")
    rows = frame.to_dict("records")
    versions = sorted({str(row["version"]) for row in rows})
    text = today.isoformat()
    if version is None:
        valid = [r for r in rows if r["valid_from"] <= text and (not r["valid_to"] or text < r["valid_to"])]
        if not valid:
            raise NotFound(f"no reserve list is in force on {text}; there are: {', '.join(versions)}")
        version = str(max(valid, key=lambda r: (r["valid_from"], r["version"]))["version"])
    if version not in versions:
        raise NotFound(f"there is no reserve list {version!r}; there are: {', '.join(versions)}")
    chosen = [row for row in rows if row["version"] == version]
    there = _in_place(view, today)
    answer = []
    for row in chosen:
        if level is not None and row["level"] != level:
            continue
        key = (row["level"], row["owner"] if row["level"] in ("street", "community") else "", row["item_id"])
        in_place = there.get((*key, row["mode"]), 0)
        target = int(row["target_e3"])
        answer.append(
            {
                "level": row["level"],
                "owner": row["owner"],
                "item_id": row["item_id"],
                **_item(view, row["item_id"]),
                "mode": row["mode"],
                "minimum": number_of(int(row["minimum_e3"])),
                "target": number_of(target),
                "maximum": number_of(int(row["maximum_e3"])),
                "in_place": number_of(in_place),
                "short": number_of(max(0, target - in_place)),
                "state": stock_state(in_place, target, red_share=lines.red_share, yellow_share=lines.yellow_share),
                "provenance": row["provenance"],
                "reference": row["reference"],
                "to_confirm": _to_confirm(str(row["provenance"])),
            }
        )
    begins = min(date.fromisoformat(row["valid_from"]) for row in chosen)
    table = lines.table
    then = table.prefix("supply.review.residents").get("")
    villages = view.frame("village")
    reviews = review_triggers(
        valid_from=begins,
        today=today,
        residents_then=None if then is None else int(then),
        residents_now=int(villages["persons"].sum()) if len(villages) else None,
        consumed_e3=_consumed(district, moment),
        stock_e3={str(i): int(q) for i, q in lots_on(view, today).groupby("item_id")["on_hand_e3"].sum().items()},
        catalogue_then=_catalogue(row["item_id"] for row in chosen),
        catalogue_now=_catalogue(view.frame("item")["id"].tolist()),
        after_months=int(table["supply.review.months"]),
        response_level=int(table["supply.review.response_level"]),
        population_share=table["supply.review.population_share"],
        consumption_share=table["supply.review.consumption_share"],
    )
    return {
        **asked(view, moment),
        "version": version,
        "versions": versions,
        "valid_from": begins.isoformat(),
        "is_due": any(review.is_due for review in reviews),
        "reviews": [review._asdict() for review in reviews],
        "rows": answer,
    }


def _in_place(view: View, today: date) -> dict[tuple[str, str, str, str], int]:
    """(level, owner of a street or community, item, mode) -> thousandths that are available or agreed."""
    depots = view.frame("depot")
    level = dict(zip(depots["id"], depots["level"], strict=True))
    streets = depot_streets(view)
    found: dict[tuple[str, str, str, str], int] = {}

    def add(level_: str, owner: str, item: str, mode: str, quantity: int) -> None:
        key = (level_, owner, item, mode)
        found[key] = found.get(key, 0) + quantity

    sums = lots_on(view, today).groupby(["depot_id", "item_id"])["available_e3"].sum()
    for depot, item, quantity in sums.reset_index().itertuples(index=False, name=None):
        own = str(level[depot])
        add(own, (streets.get(depot) or "") if own in ("street", "community") else "", item, "goods", int(quantity))
    for row in agreements_on(view, today):
        add("district", "", row["item_id"], row["mode"], int(row["quantity_e3"]))
    return found


def depot_streets(view: View) -> dict[str, str | None]:
    """Depot -> the street that it stands in; None off the map."""

    def make() -> dict[str, str | None]:
        frame = view.frame("depot")
        return {
            str(depot): containing(view, place)["street"] if np.isfinite(place).all() else None
            for depot, place in zip(frame["id"], lonlats(frame), strict=True)
        }

    return view.kept("depot streets", make)


def _consumed(district: District, moment: datetime) -> dict[str, int]:
    """Item -> thousandths consumed in the 12 months up to a moment, reversals taken off."""
    movement, lot = schema.table("movement"), schema.table("lot")
    since = schema.utc_text(moment - timedelta(days=365))
    until = schema.utc_text(moment)
    sign = sa.case((movement.c.to_account == "consumed", 1), else_=-1)
    statement = (
        sa.select(lot.c.item_id, sa.func.sum(movement.c.quantity_e3 * sign))
        .join(lot, lot.c.id == movement.c.lot_id)
        .where(
            sa.or_(movement.c.to_account == "consumed", movement.c.from_account == "consumed"),
            movement.c.occurred_utc > since,
            movement.c.occurred_utc <= until,
        )
        .group_by(lot.c.item_id)
    )
    with district.store.reading() as conn:
        return {row[0]: int(row[1]) for row in conn.execute(statement)}


def _catalogue(items: Iterable[str]) -> str:
    """A catalogue as a version: how many items, and which."""
    known = sorted({str(i) for i in items})
    return f"{len(known)} ({hashlib.sha256(chr(10).join(known).encode()).hexdigest()[:6]})"


# -- found, moved, used ---------------------------------------------------------------------------


def kpis(district: District, *, at: datetime | None = None) -> dict[str, Any]:
    """The figures of 找得到、调得出、用得上 from the ledger and the times of answers that are kept."""
    view, moment = district.view(), district.local(at)
    lines = SupplyLines.of(view, moment.date())
    table = lines.table
    found = supply_kpis(
        _kpi_frames(view, moment),
        moment=moment,
        targets={code: value for code, value in table.prefix("supply.kpi.target.").items() if code in TARGETS},
        contact_days=table["supply.kpi.contact_days"],
        fresh_h=table["supply.kpi.fresh_h"],
        issue_min=table["supply.kpi.issue_min"],
        arrival_min=table["supply.kpi.arrival_min"],
    )
    return {**asked(view, moment), "rows": [kpi.to_json() for kpi in found]}


def _kpi_frames(view: View, moment: datetime) -> KpiFrames:
    lots = lots_on(view, moment.date())
    depots = view.frame("depot")
    movement, lot, order = schema.table("movement"), schema.table("lot"), schema.table("supply_order")
    event, count = schema.table("order_event"), schema.table("stock_count")
    until = schema.utc_text(moment)
    with view.district.store.reading() as conn:

        def frame(statement: Any) -> pd.DataFrame:
            result = conn.execute(statement)
            return pd.DataFrame(result.all(), columns=list(result.keys()), dtype=object)

        times = {what: _answer_times(view, conn, what, moment) for what in ANSWERS}
        said = frame(
            sa.select(lot.c.depot_id, sa.func.max(movement.c.recorded_utc).label("utc"))
            .join(lot, lot.c.id == sa.func.coalesce(movement.c.to_lot_id, movement.c.lot_id))
            .where(movement.c.recorded_utc <= until)
            .group_by(lot.c.depot_id)
        )
        undone = sa.select(movement.c.reverses).where(movement.c.reverses.is_not(None))
        counts = frame(
            sa.select(count.c.id, count.c.expected_e3, count.c.counted_e3).where(
                count.c.occurred_utc <= until, sa.func.coalesce(count.c.movement_id, "").not_in(undone)
            )
        )
        orders = frame(sa.select(order.c.id, order.c.state))
        events = frame(
            sa.select(event.c.order_id, event.c.to_state, event.c.occurred_utc).where(event.c.occurred_utc <= until)
        )
        is_lost = sa.and_(movement.c.to_account == "written_off", movement.c.cause.in_(("damaged", "missing")))
        came = sa.and_(
            movement.c.from_account == "in_transit",
            movement.c.from_ref.is_not(None),
            movement.c.kind != "reversal",
            movement.c.occurred_utc <= until,
            movement.c.id.not_in(undone),
            sa.or_(movement.c.to_account.in_(("incident", "depot")), is_lost),
        )
        receipts = frame(
            sa.select(
                movement.c.from_ref.label("order_id"),
                movement.c.lot_id,
                sa.func.sum(movement.c.quantity_e3).label("sent_e3"),
                sa.func.sum(sa.case((is_lost, movement.c.quantity_e3), else_=0)).label("lost_e3"),
            )
            .where(came)
            .group_by(movement.c.from_ref, movement.c.lot_id)
        )
        arrivals = frame(
            sa.select(movement.c.from_ref.label("order_id"), sa.func.min(movement.c.occurred_utc).label("occurred_utc"))
            .where(came, sa.func.coalesce(movement.c.cause, "") != "missing")
            .group_by(movement.c.from_ref)
        )
    last = dict(zip(said["depot_id"], pd.to_datetime(said["utc"], utc=True, format="ISO8601"), strict=True))
    counted = lots.groupby("depot_id")["counted"].max()
    places = lonlats(depots)
    return KpiFrames(
        depots=pd.DataFrame(
            {
                "id": depots["id"].astype(str),
                "has_place": [bool(np.isfinite(place).all()) for place in places],
                "has_contact": [
                    bool(contact) and bool(phone)
                    for contact, phone in zip(depots["contact"], depots["phone"], strict=True)
                ],
                "last_stock": [_later_of(last.get(i), counted.get(i)) for i in depots["id"]],
            }
        ),
        lots=lots.assign(is_qualified=(lots["status"] == "usable") & ~lots["is_expired"]),
        counts=counts,
        events=events,
        arrivals=arrivals,
        orders=orders,
        receipts=receipts,
        searches=times["search"],
        plans=times["plan"],
    )


def _answer_times(view: View, conn: sa.Connection, what: answer_times.What, moment: datetime) -> pd.DataFrame:
    """Each search or plan by the time on the district's clock at which it was asked, and who asked."""
    zone = view.district.timezone
    found = answer_times.read(conn, what, until_utc=moment)
    return pd.DataFrame(
        {
            "id": [f"{datetime.fromisoformat(t.asked_utc).astimezone(zone):%Y-%m-%d %H:%M:%S}" for t in found],
            "took_s": [t.took_s for t in found],
            "detail": [t.actor for t in found],
        }
    )


def _later_of(one: Any, other: Any) -> Any:
    """The later of two moments, of which either may not be there."""
    there = [moment for moment in (one, other) if moment is not None and not pd.isna(moment)]
    return max(there) if there else None


# -- names ----------------------------------------------------------------------------------------


def _item(view: View, item: str) -> dict[str, str]:
    name, unit = view.kept("items", lambda: item_titles(view)).get(item, (item, ""))
    return {"name": name, "unit": unit}


def _require_item(view: View, item: str) -> None:
    if item not in view.kept("items", lambda: item_titles(view)):
        raise NotFound(f"there is no item {item!r} in the catalogue")


def _depot(view: View, depot: str) -> dict[str, Any]:
    def make() -> dict[str, dict[str, Any]]:
        frame = view.frame("depot")
        return {
            str(i): {"depot_name": name, "depot_level": level}
            for i, name, level in zip(frame["id"], frame["name"], frame["level"], strict=True)
        }

    return view.kept("depot titles", make)[depot]


# -- as a person reads them on a terminal ---------------------------------------------------------


def board_lines(rows: Iterable[Mapping[str, Any]], columns: Mapping[str, str]) -> Iterator[str]:
    """Rows as a table of text: heading -> column."""
    table = [list(columns)]
    table += [["-" if row[name] is None else _text(row[name]) for name in columns.values()] for row in rows]
    if len(table) == 1:
        yield "none"
        return
    widths = [max(_width(line[k]) for line in table) for k in range(len(columns))]
    for line in table:
        yield "  ".join(cell + " " * (width - _width(cell)) for cell, width in zip(line, widths, strict=True)).rstrip()


def _text(value: Any) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".") if isinstance(value, float) else f"{value}"


def _width(text: str) -> int:
    """Columns on a terminal: a Chinese character takes two."""
    return sum(2 if ord(c) > 0x2E7F else 1 for c in text)
