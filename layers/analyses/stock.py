"""What boards and plans share: the stock usable on a day, when it was counted, when a depot's load arrives."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa

from data import schema
from data.parameters import ParameterSet, parameters
from geo.supply import Arrivals, arrivals
from geo.times import last_leg_s
from layers.analyses.places import LonLat, lonlats, snapped_places
from layers.district import View

INWARD_ACCOUNTS = ("supplier", "in_transit", "returned")
"""Goods that come from there are counted as they come in; an opening balance is not."""


@dataclass(frozen=True)
class SupplyLines:
    """The parameters of supplies in force on a day."""

    red_share: float
    yellow_share: float
    uncounted_days: int
    rank_down_s: float
    expiring_days: tuple[int, ...]
    expiring_food_days: int
    hours: tuple[float, ...]
    table: ParameterSet

    @classmethod
    def of(cls, view: View, on: date) -> "SupplyLines":
        """Read from the table of parameters: the district's own where it has one."""
        return view.kept(("supply lines", on), lambda: cls._of(parameters(on=on, store=view.district.store)))

    @classmethod
    def _of(cls, table: ParameterSet) -> "SupplyLines":
        return cls(
            red_share=table["supply.red_share"],
            yellow_share=table["supply.yellow_share"],
            uncounted_days=int(table["supply.uncounted_days"]),
            rank_down_s=table["supply.rank_down_min"] * 60.0,
            expiring_days=tuple(sorted(int(v) for v in table.prefix("supply.expiring_days.").values())),
            expiring_food_days=int(table["supply.expiring_food_days"]),
            hours=tuple(sorted(table.prefix("supply.curve_h.").values())),
            table=table,
        )


# -- stock as it can be used ----------------------------------------------------------------------


def lots_on(view: View, day: date) -> pd.DataFrame:
    """Every lot with ``available_e3`` on a day and ``counted`` (when it was last counted, NaT: never).

    Available is on hand - reserved - on hold of a usable lot that is not expired (usable on its last day).
    """

    def make() -> pd.DataFrame:
        lots = pd.DataFrame(view.frame("lot"))
        expires = lots["expires_on"].astype(object).where(lots["expires_on"].notna(), "9999-12-31").astype(str)
        is_expired = (lots["status"] == "expired") | (expires < day.isoformat())
        is_good = (lots["status"] == "usable") & ~is_expired
        free = lots["on_hand_e3"] - lots["reserved_e3"] - lots["on_hold_e3"]
        return lots.assign(
            available_e3=np.where(is_good, free, 0).astype(np.int64),
            is_expired=is_expired,
            counted=_counted(view, lots),
        )

    return view.kept(("lots on", day), make)


def _counted(view: View, lots: pd.DataFrame) -> "pd.Series[Any]":
    """When each lot was last counted; of one never counted, when it first came in and was counted in."""
    counted = pd.to_datetime(lots["counted_utc"].astype(object), utc=True, format="ISO8601")
    never = lots.loc[counted.isna(), "id"].tolist()
    if not never:
        return counted
    movement = schema.table("movement")
    first: dict[str, str] = {}
    with view.district.store.reading() as conn:
        for begin in range(0, len(never), 500):
            part = never[begin : begin + 500]
            for to_lot in (movement.c.lot_id, movement.c.to_lot_id):
                statement = (
                    sa.select(to_lot, sa.func.min(movement.c.occurred_utc))
                    .where(
                        to_lot.in_(part),
                        movement.c.to_account.in_(("depot", "hold")),
                        movement.c.from_account.in_(INWARD_ACCOUNTS),
                    )
                    .group_by(to_lot)
                )
                first |= {row[0]: row[1] for row in conn.execute(statement)}
    if not first:
        return counted
    came = pd.to_datetime(lots["id"].map(first).astype(object), utc=True, format="ISO8601")
    return counted.where(counted.notna(), came)


def is_uncounted(counted: datetime | None, moment: datetime, days: int) -> bool:
    """Whether the last count is more than `days` days ago (exactly so many is not), or never was."""
    return counted is None or moment - counted > timedelta(days=days)


def uncounted_depots(view: View, moment: datetime, days: int) -> dict[str, dict[str, Any]]:
    """Depots with something on hand whose oldest count is more than `days` days ago, or that were never counted."""
    counts = view.kept(("counts", moment.date()), lambda: _counts(view, moment.date()))
    found = {}
    for depot, times in counts.items():
        oldest = times[0]
        if is_uncounted(oldest, moment, days):
            found[depot] = {
                "counted_utc": None if oldest is None else schema.utc_text(oldest),
                "age_days": None if oldest is None else int((moment - oldest) / timedelta(days=1)),
                "lots": len(times),
                "lots_uncounted": sum(is_uncounted(time, moment, days) for time in times),
            }
    return found


def _counts(view: View, day: date) -> dict[str, list[datetime | None]]:
    """Depot -> when each of the lots on hand was counted, never (None) first, then the oldest."""
    lots = lots_on(view, day)
    lots = lots[lots["on_hand_e3"] > 0]
    found: dict[str, list[datetime | None]] = {}
    for depot, counted in sorted(
        zip(lots["depot_id"].astype(str), lots["counted"], strict=True),
        key=lambda row: (row[0], 0.0 if pd.isna(row[1]) else row[1].timestamp()),
    ):
        found.setdefault(depot, []).append(None if pd.isna(counted) else counted.to_pydatetime())
    return found


def arrivals_at(view: View, moment: datetime, lonlat: LonLat) -> Arrivals:
    """When a load of each depot would be at a place, with and without the closures in force."""
    place = snapped_places(view, [lonlat], "to")
    snapped = view.snapped("depot")
    travel = view.travel(moment)
    open_travel = view.travel(moment, closed=False)
    travel_s = travel.matrix_s(snapped, place)[:, 0]
    open_s = travel_s if open_travel is travel else open_travel.matrix_s(snapped, place)[:, 0]
    legs_s = last_leg_s(snapped.access_m) + last_leg_s(place.access_m)[0]
    return arrivals(depots_of(view)[0], travel_s, legs_s, open_travel_s=open_s)


def depots_of(view: View) -> tuple[list[str], dict[str, str], dict[str, list[float]]]:
    """The ids of the depots, their names and their places."""

    def read() -> tuple[list[str], dict[str, str], dict[str, list[float]]]:
        frame = view.frame("depot")
        ids = frame["id"].astype(str).tolist()
        places = [list(place) for place in lonlats(frame)]
        return ids, dict(zip(ids, frame["name"].tolist(), strict=True)), dict(zip(ids, places, strict=True))

    return view.kept("depots", read)


def item_titles(view: View) -> dict[str, tuple[str, str]]:
    """Item -> name and unit."""
    frame = view.frame("item")
    return {i: (name, unit) for i, name, unit in frame[["id", "name", "unit"]].itertuples(index=False)}
