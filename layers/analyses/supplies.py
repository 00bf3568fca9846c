"""N of item X at P within T: the plan over depots."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from geo.errors import InputError
from geo.supply import Arrivals, arrivals, plan_supply
from geo.times import last_leg_s
from layers.analyses.places import LonLat, asked, lonlats, snapped_places
from layers.district import District, View


def parse_needs(texts: Sequence[str]) -> dict[str, str]:
    """Read ITEM=QTY, each item once; the quantity stays text, so that it stays exact."""
    needs: dict[str, str] = {}
    for text in texts:
        item, found, quantity = text.rpartition("=")
        if not found or not item.strip() or not quantity.strip():
            raise InputError(f"need={text}: expected ITEM=QUANTITY, such as P-3-01-03=2000")
        if item.strip() in needs:
            raise InputError(f"need={text}: {item.strip()} is asked for twice; add the quantities up")
        needs[item.strip()] = quantity.strip()
    return needs


def supply(
    district: District,
    *,
    lonlat: LonLat,
    needs: Mapping[str, Any],
    within_s: float | None = None,
    at: datetime | None = None,
) -> dict[str, Any]:
    """N of item X at P within T: the plan over depots, with a reason for every depot refused."""
    view = district.view()
    moment = district.local(at)
    _, names, places = depots_of(view)
    plan = plan_supply(view.stock, arrivals_at(view, moment, lonlat), needs, at=moment, within_s=within_s)
    used = [plan.arrivals.position[depot] for depot in plan.depots_used]
    snapped, place = view.snapped("depot"), snapped_places(view, [lonlat], "to")
    metres = view.travel(moment).distance_m(snapped.take(np.array(used, dtype=np.intp)), place)[:, 0].tolist()
    distance_m: dict[str, float | None] = dict(zip(plan.depots_used, metres, strict=True))
    answer = plan.to_json(distance_m)
    titles = view.kept("items", lambda: item_titles(view))
    for line in answer["lines"]:
        line["name"], line["unit"] = titles[line["item"]]
        for row in (*line["from"], *line["spare"], *([line["next_best"]] if line["next_best"] else [])):
            row["depot_name"] = names[row["depot_id"]]
            row["place"] = places[row["depot_id"]]
    for row in answer["refused"]:
        row["depot_name"] = names[row["depot_id"]]
    return {**asked(view, moment), "to": list(lonlat), **answer}


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


def supply_lines(answer: Mapping[str, Any]) -> Iterator[str]:
    """A plan as a person reads it on a terminal."""

    def minutes(seconds: float | None) -> str:
        return "-" if seconds is None else f"{seconds / 60:.1f} min"

    for line in answer["lines"]:
        yield (
            f"{line['item']} {line['name']}: {line['allocated']} of {line['requested']} {line['unit']}, "
            f"complete after {minutes(line['ready_s'])}, short {line['short']}"
        )
        for row in line["from"]:
            km = "" if row["distance_m"] is None else f"  {row['distance_m'] / 1000:.2f} km"
            yield (
                f"  {minutes(row['arrival_s']):>10}  {row['quantity']:>10}  {row['depot_id']} "
                f"{row['depot_name']}  lot {row['lot']}{km}"
            )
        if line["next_best"]:
            best = line["next_best"]
            yield (
                f"  next: {best['depot_id']} {best['depot_name']} could give {best['quantity']} "
                f"after {minutes(best['arrival_s'])} ({best['reason']})"
            )
    for row in answer["refused"]:
        yield f"  not used: {row['depot_id']} {row['depot_name']} [{row['reason']}] {row['detail']}"


def items(district: District) -> list[dict[str, Any]]:
    """The item catalogue with what is on hand and available in the whole district."""
    view = district.view()
    lots = view.frame("lot")
    on_hand = lots.groupby("item_id")["on_hand_e3"].sum() if len(lots) else pd.Series(dtype=float)
    return [
        {"id": i, "name": name, "unit": unit, "on_hand": int(on_hand.get(i, 0)) / 1000}
        for i, name, unit in view.frame("item")[["id", "name", "unit"]].itertuples(index=False)
    ]
