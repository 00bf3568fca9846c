"""N of item X at P within T: the plan over depots."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from data.item_catalogue import DIVISIBLE_UNITS
from geo.errors import InputError, NotFound
from geo.supply import Later, Piece, StockTable, SupplyPlan, Way, number_of, stock_table
from geo.supply_ways import WAYS, Substitute, plan_in_way
from layers.analyses.places import LonLat, asked, snapped_places
from layers.analyses.stock import SupplyLines, arrivals_at, depots_of, item_titles, uncounted_depots
from layers.district import District, View
from layers.spelling import name_rank


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
    way: Way = "earliest",
    with_substitutes: bool = False,
    rank_uncounted: bool = True,
    to_depot: str | None = None,
) -> dict[str, Any]:
    """N of item X at P within T: the plan over depots, with a reason for every depot refused.

    Depots not counted for long stand later in the rank (`rank_uncounted`); the depot that receives (`to_depot`)
    gives nothing; `lost_s` is how much later than the earliest plan this one is complete.
    """
    asking = _Asking(district, lonlat, needs, within_s, at, with_substitutes, rank_uncounted, to_depot)
    return asking.answer(asking.plan(way))


def supply_plans(
    district: District,
    *,
    lonlat: LonLat,
    needs: Mapping[str, Any],
    within_s: float | None = None,
    at: datetime | None = None,
    ways: Sequence[Way] = WAYS,
    with_substitutes: bool = False,
    rank_uncounted: bool = True,
    to_depot: str | None = None,
) -> dict[str, Any]:
    """Up to three plans side by side, each with the ways that lead to it; `lost_s` against the earliest."""
    asking = _Asking(district, lonlat, needs, within_s, at, with_substitutes, rank_uncounted, to_depot)
    plans: list[tuple[SupplyPlan, list[Way]]] = []
    for way in dict.fromkeys(ways):
        plan = asking.plan(way)
        same = next((known for known, _ in plans if _pieces(known) == _pieces(plan)), None)
        if same is None:
            plans.append((plan, [way]))
        else:
            next(ways_ for known, ways_ in plans if known is same).append(way)
    return {
        **asked(asking.view, asking.moment),
        "to": list(lonlat),
        "plans": [{**asking.answer(plan), "ways": list(ways_)} for plan, ways_ in plans],
    }


def _pieces(plan: SupplyPlan) -> list[set[Piece]]:
    return [set(line.pieces) for line in plan.lines]


class _Asking:
    """One question about supplies, answered in several ways from one view."""

    def __init__(
        self,
        district: District,
        lonlat: LonLat,
        needs: Mapping[str, Any],
        within_s: float | None,
        at: datetime | None,
        with_substitutes: bool,
        rank_uncounted: bool,
        to_depot: str | None,
    ) -> None:
        self.view = district.view()
        self.moment = district.local(at)
        self.lonlat, self.needs, self.within_s = lonlat, needs, within_s
        self.arrivals = arrivals_at(self.view, self.moment, lonlat)
        self.lines = SupplyLines.of(self.view, self.moment.date())
        self.later = later_depots(self.view, self.moment, self.lines) if rank_uncounted else {}
        self.substitutes = substitutes_of(self.view) if with_substitutes else {}
        self.stock = self.view.stock if to_depot is None else stock_without(self.view, to_depot)
        self._earliest: SupplyPlan | None = None

    def plan(self, way: Way) -> SupplyPlan:
        """The plan in one way."""
        if way == "earliest" and self._earliest is not None:
            return self._earliest
        levels = self.view.frame("depot")
        plan = plan_in_way(
            self.stock,
            self.arrivals,
            self.needs,
            at=self.moment,
            within_s=self.within_s,
            way=way,
            levels=dict(zip(levels["id"], levels["level"], strict=True)) if way == "own_level" else None,
            later=self.later,
            substitutes=self.substitutes,
            whole=whole_items(self.view),
        )
        if way == "earliest":
            self._earliest = plan
        return plan

    def answer(self, plan: SupplyPlan) -> dict[str, Any]:
        """A plan as plain values with names, places and distances."""
        view = self.view
        _, names, places = depots_of(view)
        used = [plan.arrivals.position[depot] for depot in plan.depots_used]
        snapped, place = view.snapped("depot"), snapped_places(view, [self.lonlat], "to")
        travel = view.travel(self.moment)
        metres = travel.distance_m(snapped.take(np.array(used, dtype=np.intp)), place)[:, 0].tolist()
        distance_m: dict[str, float | None] = dict(zip(plan.depots_used, metres, strict=True))
        answer = plan.to_json(distance_m)
        titles = view.kept("items", lambda: item_titles(view))
        for line in answer["lines"]:
            line["name"], line["unit"] = titles[line["item"]]
            for row in (*line["from"], *line["spare"], *([line["next_best"]] if line["next_best"] else [])):
                row["depot_name"] = names[row["depot_id"]]
                row["place"] = places[row["depot_id"]]
            for row in line["from"]:
                row["name"], row["unit"] = titles[row["item"]]
                row["equivalence"] = None
                for known in self.substitutes.get(line["item"], ()) if row["instead_of"] else ():
                    if known.item_id == row["item"]:
                        row["equivalence"] = {
                            "quantity": number_of(known.quantity_e3),
                            "substitute_quantity": number_of(known.substitute_quantity_e3),
                        }
        for row in (*answer["refused"], *answer["ranked_down"]):
            row["depot_name"] = names[row["depot_id"]]
        ready_s, best_s = plan.ready_s, self.plan("earliest").ready_s
        lost_s = None if ready_s is None or best_s is None else round(ready_s - best_s, 3)
        return {**asked(view, self.moment), "to": list(self.lonlat), **answer, "lost_s": lost_s}


def stock_without(view: View, depot_id: str) -> StockTable:
    """The stock of every depot but one; NotFound where there is no such depot."""
    if depot_id not in set(view.frame("depot")["id"]):
        raise NotFound(f"to_depot={depot_id}: there is no such depot")
    lots = view.frame("lot")
    return stock_table(lots[lots["depot_id"] != depot_id], items=view.frame("item")["id"].tolist())


def later_depots(view: View, moment: datetime, lines: SupplyLines) -> dict[str, Later]:
    """Depots not counted for long, each with how much later it stands in the rank, and why."""
    found = {}
    for depot, row in uncounted_depots(view, moment, lines.uncounted_days).items():
        age = row["age_days"]
        en = "never counted" if age is None else f"not counted for {age} days"
        zh = "从未盘点" if age is None else f"{age} 天未盘点"
        found[depot] = Later(lines.rank_down_s, en, zh)
    return found


def whole_items(view: View) -> frozenset[str]:
    """Items of which there are whole units only."""

    def make() -> frozenset[str]:
        return frozenset(item for item, (_, unit) in item_titles(view).items() if unit not in DIVISIBLE_UNITS)

    return view.kept("whole items", make)


def substitutes_of(view: View) -> dict[str, list[Substitute]]:
    """Item -> what may stand in for it, in the order of the register."""

    def make() -> dict[str, list[Substitute]]:
        whole = whole_items(view)
        found: dict[str, list[Substitute]] = {}
        for row in view.frame("substitute").to_dict("records"):
            other, quantities = row["substitute_id"], (int(row["quantity_e3"]), int(row["substitute_quantity_e3"]))
            found.setdefault(row["item_id"], []).append(Substitute(other, *quantities, other in whole))
        return found

    return view.kept("substitutes", make)


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
            stands = "" if row["instead_of"] is None else f"  {row['item']} {row['name']} for {row['covers']}"
            km = "" if row["distance_m"] is None else f"  {row['distance_m'] / 1000:.2f} km"
            yield (
                f"  {minutes(row['arrival_s']):>10}  {row['quantity']:>10}  {row['depot_id']} "
                f"{row['depot_name']}  lot {row['lot']}{km}{stands}"
            )
        if line["next_best"]:
            best = line["next_best"]
            yield (
                f"  next: {best['depot_id']} {best['depot_name']} could give {best['quantity']} "
                f"after {minutes(best['arrival_s'])} ({best['reason']})"
            )
    if (answer["lost_s"] or 0) > 0:
        yield f"complete {minutes(answer['lost_s'])} later than the earliest plan ({answer['way']})"
    for row in answer["ranked_down"]:
        used = "used" if row["is_used"] else "not used"
        depot = f"{row['depot_id']} {row['depot_name']}"
        yield f"  ranked {minutes(row['later_s'])} later: {depot}, {row['detail']} ({used})"
    for row in answer["refused"]:
        yield f"  not used: {row['depot_id']} {row['depot_name']} [{row['reason']}] {row['detail']}"


def items(district: District, q: str = "") -> list[dict[str, Any]]:
    """The item catalogue with what is on hand in the whole district; with `q` what it finds, the best first.

    An item is found by its name, its id and by whatever else it is called.
    """
    view = district.view()
    lots = view.frame("lot")
    on_hand = lots.groupby("item_id")["on_hand_e3"].sum() if len(lots) else pd.Series(dtype=float)
    rows = [
        {"id": i, "name": name, "unit": unit, "on_hand": int(on_hand.get(i, 0)) / 1000, "other_names": names_of(other)}
        for i, name, unit, other in view.frame("item")[["id", "name", "unit", "other_names"]].itertuples(index=False)
    ]
    if not q.strip():
        return rows
    found = [
        (min(ranks), len(row["name"]), row)
        for row in rows
        if (
            ranks := [
                r for name in (row["name"], *row["other_names"]) if (r := name_rank(q, name, row["id"])) is not None
            ]
        )
    ]
    return [row for _, _, row in sorted(found, key=lambda one: one[:2])]


def names_of(text: object) -> list[str]:
    """The other names of an item as they are kept: parted by semicolons of either width."""
    if not isinstance(text, str):
        return []
    return [name.strip() for name in text.replace("\uff1b", ";").split(";") if name.strip()]
