"""Which depot should hold how much of what, for what a scenario needs: packs, who gets them when, what is missing."""

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_CEILING, Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from data.importers import checked_file
from data.kinds import LEVEL_BOUND, Column, Kind
from data.reading import AT_HAND, SheetBounds
from geo.coverage import LIMIT_S
from geo.errors import Cancelled, InputError
from geo.needs import needs
from geo.stocking import StockingProblem, StockPlan, plan_stocking, stocking_problem
from geo.supply import arrivals
from geo.times import last_leg_s
from layers.analyses.boards import relief_standards
from layers.analyses.places import lonlats
from layers.analyses.stock import depots_of, item_titles, lots_on
from layers.district import District, View
from layers.listing import share_text
from layers.whatif.saved import Result, seqs_of
from layers.whatif.scenario import AS_IT_IS, Scenario, scenario_tables, under

KIND = "stocking"

TIME_LIMIT_S, MAX_TIME_LIMIT_S = 60.0, 300.0
"""Seconds of solving."""

MAX_ITEMS = 60

_TABLES = ("depot", "village", "item", "lot", "pack", "relief_standard")

_ITEM = Column("item_id", "物资编号", "item id", required=True)
ITEMS_KIND = Kind(
    "stocking_items",
    "stocking_item",
    "备储物资",
    "items to stock",
    (),
    (
        _ITEM,
        Column("units", "每包数量", "units per pack", "integer", True, "", 1, LEVEL_BOUND),
        Column("volume_m3", "每包体积", "volume per pack", "number", True, "m3", 0, LEVEL_BOUND),
        Column("price", "每包价格", "price per pack", "number", True, "元", 0, LEVEL_BOUND, help_zh="最多两位小数"),
    ),
    key=("item_id",),
)
"""What a file of items to stock holds; none of it is stored."""

NEEDS_KIND = Kind(
    "stocking_needs",
    "stocking_need",
    "需求",
    "needs",
    (),
    (
        Column("village_id", "村(社区)编号", "village id", required=True),
        _ITEM,
        Column("quantity", "数量", "quantity", "integer", True, "", 0, LEVEL_BOUND),
    ),
    key=("village_id", "item_id"),
)
"""What a file of needs holds; none of it is stored."""


@dataclass(frozen=True)
class StockItem:
    """What a pack of an item is: whole units, its volume and its price."""

    item_id: str
    units: int
    volume_m3: float
    price: float


@dataclass(frozen=True)
class Asked:
    """A question of stocking.

    budget : yuan for all packs, two decimals at most
    affected_share, evacuated_share : of the persons of every village; needs are persons x standard x days
    needs : (village, item) -> whole units; instead of the shares
    """

    at: datetime
    items: tuple[StockItem, ...]
    budget: float
    affected_share: float = 0.0
    evacuated_share: float = 0.0
    days: int = 3
    needs: Mapping[tuple[str, str], int] | None = None
    scenario: Scenario = AS_IT_IS
    limit_s: float = LIMIT_S
    time_limit_s: float | None = TIME_LIMIT_S

    def __post_init__(self) -> None:
        _require(self)


def items_of_file(district: District, path: str | Path, *, bounds: SheetBounds = AT_HAND) -> tuple[StockItem, ...]:
    """The items of a file of packs."""
    rows = checked_file(district.store, ITEMS_KIND, path, bounds=bounds).to_dict("records")
    return tuple(StockItem(str(r["item_id"]), int(r["units"]), float(r["volume_m3"]), float(r["price"])) for r in rows)


def needs_of_file(district: District, path: str | Path, *, bounds: SheetBounds = AT_HAND) -> dict[tuple[str, str], int]:
    """The needs of a file, by village and item."""
    rows = checked_file(district.store, NEEDS_KIND, path, bounds=bounds).to_dict("records")
    return {(str(r["village_id"]), str(r["item_id"])): int(r["quantity"]) for r in rows}


@dataclass(frozen=True)
class _Places:
    """The villages that need something: their rows, persons who wait, and units by item."""

    rows: NDArray[np.int64]
    persons: NDArray[np.int64]
    need: NDArray[np.int64]


@dataclass(frozen=True)
class _Depots:
    """The depots: litres in all and in use, packs on hand, and those whose volume is not known or is overfull."""

    ids: list[str]
    litres: NDArray[np.int64]
    held: NDArray[np.int64]
    unknown: list[str]


@dataclass(frozen=True)
class Posed:
    """A question that can be answered: everything is checked and all times are known; only the solving is left."""

    name: str
    asked: Asked
    view: View
    places: _Places
    depots: _Depots
    problem: StockingProblem

    @property
    def kind(self) -> str:
        """Of the result."""
        return KIND

    def solved(
        self,
        *,
        progress: Callable[[str, float], None] = lambda phase, share: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Result:
        """Place packs at the depots beside what they hold.

        Tables: `packs` (by depot and item), `depots`, `deliveries` (who gets what from where and when) and `short`
        (what is short or late by village and item, with its reason). Cancelled, between two steps, when `cancelled`
        says so.
        """
        asked, view, places, depots = self.asked, self.view, self.places, self.depots
        progress("packs", 0.05)
        plan = plan_stocking(self.problem, time_limit_s=asked.time_limit_s)
        if cancelled():
            raise Cancelled("stopped; nothing of it is kept")
        progress("saving", 0.95)
        tables = _tables(view, asked, plan, places, depots)
        return Result(
            KIND,
            self.name,
            _parameters(asked),
            _summary(plan, places, depots, tables),
            tables,
            {
                "packs": ("depot_id", "item_id"),
                "depots": ("depot_id",),
                "deliveries": ("village_id", "item_id", "depot_id"),
                "short": ("village_id", "item_id"),
            },
            {
                "stocking_depots": _drawn_depots(view, tables["depots"]),
                "stocking_short": _drawn_short(view, tables["short"]),
            },
            seqs_of(view, *_TABLES, *scenario_tables(asked.scenario)),
        )


def posed(district: District, name: str, asked: Asked) -> Posed:
    """The question of stocking, checked, with all times; InputError says what cannot be."""
    # One moment is one question, whatever the offset that it is written with.
    asked = dataclasses.replace(asked, at=district.local(asked.at))
    view, moment, items = district.view(), asked.at, asked.items
    _require_known(view, items)
    places, depots = _needing(view, asked), _depots(view, moment, items)
    problem = stocking_problem(
        _arrival_s(under(view, asked.scenario, moment), moment, depots.ids, places.rows),
        places.need,
        places.persons,
        pack=[item.units for item in items],
        pack_volume=[_litres(item.volume_m3) for item in items],
        pack_cost=[_fen("price", item.price) for item in items],
        volume=depots.litres,
        budget=_fen("budget", asked.budget),
        held=depots.held,
        limit_s=asked.limit_s,
    )
    return Posed(name, asked, view, places, depots, problem)


def stock_depots(district: District, name: str, asked: Asked) -> Result:
    """A stocking plan: the question posed and solved."""
    return posed(district, name, asked).solved()


def _require(asked: Asked) -> None:
    ids = [item.item_id for item in asked.items]
    if not 1 <= len(ids) <= MAX_ITEMS or len(set(ids)) != len(ids):
        raise InputError(f"items: {len(ids)} of them; expected 1 to {MAX_ITEMS}, each once")
    for item in asked.items:
        if item.units < 1 or not 0 <= item.volume_m3 < math.inf or not 0 <= item.price < math.inf:
            raise InputError(
                f"items: {item.item_id}: units={item.units}, volume_m3={item.volume_m3:g}, price={item.price:g}; "
                "expected at least 1 unit, and no negative volume or price"
            )
    for name in ("affected_share", "evacuated_share"):
        if not 0 <= getattr(asked, name) <= 1:
            raise InputError(f"{name}={getattr(asked, name)}: expected a share from 0 to 1")
    if (asked.needs is None) == (asked.affected_share == 0 and asked.evacuated_share == 0):
        raise InputError("needs: give either the needs or the shares of persons affected and evacuated")
    if asked.time_limit_s is not None and not 1 <= asked.time_limit_s <= MAX_TIME_LIMIT_S:
        raise InputError(f"time_limit_s={asked.time_limit_s:g}: expected 1 to {MAX_TIME_LIMIT_S:g}")


def _require_known(view: View, items: Sequence[StockItem]) -> None:
    known = item_titles(view)
    for item in items:
        if item.item_id not in known:
            raise InputError(f"items: there is no item {item.item_id!r} in the catalogue")


def _litres(volume_m3: float) -> int:
    """Whole litres of a pack, rounded up: it must fit."""
    return int((Decimal(str(volume_m3)) * 1000).to_integral_value(ROUND_CEILING))


def _fen(name: str, yuan: float) -> int:
    """Whole fen; InputError where there are more than two decimals."""
    found = Decimal(str(yuan)) * 100
    if not (found.is_finite() and found >= 0 and found == found.to_integral_value()):
        raise InputError(f"{name}={yuan}: expected yuan, 0 or more, with two decimals at most")
    return int(found)


def _needing(view: View, asked: Asked) -> _Places:
    frame, ids = view.frame("village"), [item.item_id for item in asked.items]
    persons = frame["persons"].to_numpy(dtype=np.int64)
    villages = {str(village): i for i, village in enumerate(frame["id"])}
    need = np.zeros((len(frame), len(ids)), dtype=np.int64)
    if asked.needs is not None:
        for (village, item), quantity in asked.needs.items():
            if village not in villages or item not in ids:
                raise InputError(f"needs: {village}, {item}: expected a village of the district and one of the items")
            need[villages[village], ids.index(item)] = quantity
        waiting = persons
    else:
        standards = [standard for standard in relief_standards(view) if standard.item_id in ids]
        without = sorted(set(ids) - {standard.item_id for standard in standards})
        if without:
            raise InputError(f"items: there is no relief standard for {', '.join(without)}; give the needs in a file")
        shares = [Fraction(str(share)) for share in (asked.affected_share, asked.evacuated_share)]
        waiting = np.zeros(len(frame), dtype=np.int64)
        for i, count in enumerate(persons.tolist()):
            affected, evacuated = (math.ceil(count * share) for share in shares)
            waiting[i] = affected = max(affected, evacuated)
            for row in needs(standards, {}, affected=affected, evacuated=evacuated, days=asked.days):
                need[i, ids.index(row.item_id)] = -(-row.needed_e3 // 1000)
    rows = np.flatnonzero((need > 0).any(axis=1))
    nobody = rows[waiting[rows] == 0]
    if len(nobody):
        raise InputError(f"needs: village {frame['id'].iloc[int(nobody[0])]} has needs and no persons")
    return _Places(rows, waiting[rows], need[rows])


def _depots(view: View, moment: datetime, items: Sequence[StockItem]) -> _Depots:
    ids = depots_of(view)[0]
    if not ids:
        raise InputError("depots: there is none in the district; import the kind depots first")
    stock = lots_on(view, moment.date()).groupby(["depot_id", "item_id"])["available_e3"].sum()
    units = np.array([[int(stock.get((d, item.item_id), 0)) // 1000 for item in items] for d in ids])
    held = units // np.array([item.units for item in items])
    used = held @ np.array([_litres(item.volume_m3) for item in items])
    volume = view.frame("depot")["volume_m3"].astype(float).to_numpy()
    known = np.floor(np.where(np.isnan(volume), 0.0, volume) * 1000).astype(np.int64)
    # A depot of unknown volume, or one that is overfull, keeps what it holds and takes nothing more.
    unknown = [d for d, v, k, u in zip(ids, volume, known, used, strict=True) if np.isnan(v) or k < u]
    return _Depots(ids, np.maximum(known, used), held.astype(np.int64), unknown)


def _arrival_s(view: View, moment: datetime, depots: Sequence[str], rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """(places, depots) s from the order to the load at the place."""
    origins, places = view.snapped("depot"), view.snapped("village").take(rows)
    travel_s = view.travel(moment).matrix_s(origins, places)
    legs_s = last_leg_s(origins.access_m)[:, None] + last_leg_s(places.access_m)[None, :]
    found = [arrivals(depots, travel, legs).arrival_s for travel, legs in zip(travel_s.T, legs_s.T, strict=True)]
    return np.array(found).reshape(len(rows), len(depots))


# -- what came out ----------------------------------------------------------------------------------


def _tables(view: View, asked: Asked, plan: StockPlan, places: _Places, depots: _Depots) -> dict[str, pd.DataFrame]:
    problem, items, titles = plan.problem, asked.items, item_titles(view)
    frame, names = view.frame("village").iloc[places.rows], depots_of(view)[1]
    villages = frame["id"].astype(str).tolist()
    packs = [
        {
            "depot_id": depots.ids[j],
            "depot": names[depots.ids[j]],
            "item_id": items[k].item_id,
            "item": titles[items[k].item_id][0],
            "unit": titles[items[k].item_id][1],
            "packs": int(plan.packs[j, k]),
            "units": int(plan.packs[j, k]) * items[k].units,
            "held_packs": int(problem.held[j, k]),
            "volume_m3": float(plan.packs[j, k] * problem.pack_volume[k]) / 1000,
            "cost": float(plan.packs[j, k] * problem.pack_cost[k]) / 100,
        }
        for j, k in zip(*np.nonzero(plan.packs + problem.held), strict=True)
    ]
    deliveries = [
        {
            "village_id": villages[i],
            "village": frame["name"].iloc[i],
            "item_id": items[k].item_id,
            "depot_id": depots.ids[j],
            "units": int(plan.delivered[i, j, k]),
            "arrival_s": round(float(problem.time_s[i, j]), 3),
            "in_time": bool(problem.time_s[i, j] <= problem.limit_s),
        }
        for i, j, k in zip(*np.nonzero(plan.delivered), strict=True)
    ]
    short = [
        {
            "village_id": villages[i],
            "village": frame["name"].iloc[i],
            "street": frame["street"].iloc[i],
            "persons": int(places.persons[i]),
            "item_id": items[k].item_id,
            "item": titles[items[k].item_id][0],
            "need": int(problem.need[i, k]),
            "short": int(plan.short[i, k]),
            "late": int(plan.late[i, k]),
            "reason": plan.reasons[i][k],
        }
        for i, k in zip(*np.nonzero(plan.short + plan.late), strict=True)
    ]
    used = [(problem.held @ problem.pack_volume), plan.volume_used]
    of_depots = {
        "depot_id": depots.ids,
        "name": [names[d] for d in depots.ids],
        "volume_m3": problem.volume / 1000,
        "used_before_m3": used[0] / 1000,
        "used_after_m3": used[1] / 1000,
        "packs": plan.packs.sum(axis=1),
        "cost": (plan.packs @ problem.pack_cost) / 100,
        "takes_more": [d not in depots.unknown for d in depots.ids],
    }
    columns = {
        "packs": ("depot_id", "depot", "item_id", "item", "unit", "packs", "units", "held_packs", "volume_m3", "cost"),
        "deliveries": ("village_id", "village", "item_id", "depot_id", "units", "arrival_s", "in_time"),
        "short": ("village_id", "village", "street", "persons", "item_id", "item", "need", "short", "late", "reason"),
    }
    rows = {"packs": packs, "deliveries": deliveries, "short": short}
    found = {name: pd.DataFrame(rows[name], columns=list(columns[name])) for name in rows}
    return {**found, "depots": pd.DataFrame(of_depots)}


def _parameters(asked: Asked) -> dict[str, Any]:
    given = None if asked.needs is None else [[v, i, q] for (v, i), q in sorted(asked.needs.items())]
    return {
        **{field.name: getattr(asked, field.name) for field in dataclasses.fields(asked)},
        "at": asked.at.isoformat(),
        "items": [dataclasses.asdict(item) for item in asked.items],
        "needs": given,
        "scenario": asked.scenario.plain(),
    }


def _summary(plan: StockPlan, places: _Places, depots: _Depots, tables: Mapping[str, pd.DataFrame]) -> dict[str, Any]:
    problem = plan.problem
    # Every need of a village counts its persons once; so many there are in all.
    wanted = int((places.persons[:, None] * (problem.need > 0)).sum())
    in_time, at_all, mean = plan.stages
    return {
        "villages": len(places.rows),
        "depots": len(depots.ids),
        "depots_without_room": len(depots.unknown),
        "persons_times_items": wanted,
        "in_time_share": in_time.value / wanted if wanted else None,
        "delivered_share": at_all.value / wanted if wanted else None,
        "in_time_bound": min(1.0, in_time.bound / wanted) if wanted and math.isfinite(in_time.bound) else None,
        "mean_s": mean.value if math.isfinite(mean.value) else None,
        "short_units": int(plan.short.sum()),
        "late_units": int(plan.late.sum()),
        "packs": int(plan.packs.sum()),
        "cost": plan.cost / 100,
        "budget": problem.budget / 100,
        "is_optimal": plan.is_optimal,
        "villages_short": int(tables["short"]["village_id"].nunique()),
    }


def _drawn_depots(view: View, depots: pd.DataFrame) -> gpd.GeoDataFrame:
    table = depots.rename(columns={"depot_id": "id"})
    table["used_share"] = (table["used_after_m3"] / table["volume_m3"].where(table["volume_m3"] > 0)).fillna(0.0)
    points = shapely.points(np.array(lonlats(view.frame("depot")), dtype=np.float64).reshape(-1, 2))
    placed = np.isfinite(shapely.get_x(points))
    return gpd.GeoDataFrame(table[placed].reset_index(drop=True), geometry=list(points[placed]), crs=4326)


def _drawn_short(view: View, short: pd.DataFrame) -> gpd.GeoDataFrame:
    """One point a village that is short of something or gets it late."""
    rows = []
    for village, of in short.groupby("village_id", sort=False):
        first = of.iloc[0]
        what = ", ".join(
            f"{item} {count + late}" for item, count, late in zip(of["item"], of["short"], of["late"], strict=True)
        )
        rows.append(
            {
                "id": village,
                "name": first["village"],
                "street": first["street"],
                "persons": int(first["persons"]),
                "state": "short" if of["short"].sum() else "late",
                "missing": what,
                "reason": first["reason"],
            }
        )
    frame = view.frame("village")
    at = dict(zip(frame["id"].astype(str), lonlats(frame), strict=True))
    columns = ["id", "name", "street", "persons", "state", "missing", "reason"]
    points = shapely.points([at[str(row["id"])] for row in rows]) if rows else []
    return gpd.GeoDataFrame(pd.DataFrame(rows, columns=columns), geometry=list(points), crs=4326)


def stocking_lines(result: Result, *, shown: int = 20) -> Iterator[str]:
    """The result as a person reads it on a terminal."""
    told, limit = result.summary, result.parameters["limit_s"] / 60
    share_now, most = told["in_time_share"], told["in_time_bound"]
    proof = "proven best" if told["is_optimal"] else "stopped early"
    if not told["is_optimal"] and most is not None:
        proof += f", no plan has more than {most:.3%} in time: proven within {100 * (most - share_now):.2g} points"

    def share(name: str) -> str:
        return "-" if told[name] is None else share_text(told[name])

    yield (
        f"{result.name}: {told['packs']:,} packs for {told['cost']:,.2f} of {told['budget']:,.2f} yuan at "
        f"{told['depots']} depots; {proof}"
    )
    mean = "-" if told["mean_s"] is None else f"{told['mean_s'] / 60:.1f} min"
    yield (
        f"  needs met within {limit:g} min {share('in_time_share')}, at all {share('delivered_share')} "
        f"(by persons and item); mean {mean}"
    )
    for row in result.tables["depots"].to_dict("records"):
        if row["packs"]:
            yield (
                f"  {row['depot_id']} {row['name']}: {row['packs']} packs, {row['used_after_m3']:,.1f} of "
                f"{row['volume_m3']:,.1f} m3, {row['cost']:,.2f} yuan"
            )
    if told["depots_without_room"]:
        yield f"  {told['depots_without_room']} depots take nothing more: their volume is not known or used up"
    short = result.tables["short"]
    for row in short.head(shown).to_dict("records"):
        parts = [f"{row[name]} of {row['need']} {name}" for name in ("short", "late") if row[name]]
        yield f"  {row['village_id']} {row['village'] or ''}, {row['item']}: {', '.join(parts)}, {row['reason']}"
    if len(short) > shown:
        yield f"  and {len(short) - shown} more"
