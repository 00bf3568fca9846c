"""What goes with the depots of the demo district: levels, lists, agreements, standards, vehicles, devices.

Quantities follow from the norms of the starter catalogue, which are proposals (待核对), and say so.
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import numpy as np
import pandas as pd

from data.demo import plan
from data.demo.facilities import PHONE_PREFIX, Sites
from data.item_catalogue import ITEMS, CatalogueItem
from geo.needs import district_target_e3

DESIGN_PERSONS = 6_000
"""Design evacuees of the district."""

CAPABILITY_PERSONS = 11_837
"""Persons, 1 % of the residents, whose needs goods and agreements together should meet within a day."""

CITY_SHARE = "0.3"
"""The part of the city's stock in the district that its list counts on."""

DISTRICT_OWNER = "崇川区(示意)"

_MARK = "待核对; 取自起步目录的定额"

# item | pack | units in it
_PACKS = (
    ("P-1-01-05", "包", 10),
    ("P-1-01-07", "包", 20),
    ("P-1-01-08", "包", 20),
    ("P-1-02-04", "箱", 50),
    ("P-1-02-05", "箱", 20),
    ("P-1-03-01", "箱", 24),
    ("P-1-03-01", "托", 1_440),
    ("P-1-03-02", "箱", 12),
    ("P-1-03-03", "箱", 9.6),
    ("P-1-03-05", "袋", 25),
    ("P-1-04-01", "箱", 6),
    ("P-2-01-02", "箱", 10),
    ("P-2-01-08", "箱", 1_000),
    ("P-2-04-04", "箱", 40),
    ("P-2-05-03", "桶", 20),
    ("P-3-01-03", "捆", 100),
)

# item | substitute | so many | are replaced by so many | why
_SUBSTITUTES = (
    ("P-1-01-05", "P-1-01-07", 1, 2, "一床棉被以两床毛毯代"),
    ("P-1-01-05", "P-1-01-06", 2, 3, "两床棉被以三床薄被代"),
    ("P-1-01-07", "P-1-01-06", 1, 1, "毛毯与薄被等量"),
    ("P-1-01-03", "P-1-01-04", 2, 1, "一套高低床睡两人"),
    ("P-1-01-01", "P-1-01-02", 3, 1, "36 m² 帐篷一顶抵 12 m² 三顶"),
    ("P-1-02-01", "P-1-02-02", 1, 1, "等量"),
    ("P-1-03-02", "P-1-03-03", 10, 3, "十份方便食品以 3 kg 压缩饼干代"),
    ("P-3-01-02", "P-3-01-01", 5, 1, "五台 100 m³/h 泵以一台 500 m³/h 泵车代"),
    ("P-3-01-01", "P-3-01-02", 1, 5, "一台 500 m³/h 泵车以五台 100 m³/h 泵代"),
    ("P-2-04-02", "P-2-04-04", 1, 4, "一个照明灯具以四支手电筒代"),
    ("P-2-02-01", "P-2-02-02", 1, 2, "一艘冲锋舟以两艘橡皮艇代"),
)

# item | persons counted | of each person | every day
_STANDARDS = (
    ("P-1-03-01", "affected", 3, True),
    ("P-1-03-05", "affected", 0.5, True),
    ("P-1-04-01", "affected", 0.25, False),
    ("P-2-01-08", "affected", 1, True),
    ("P-1-03-02", "evacuated", 3, True),
    ("P-1-01-05", "evacuated", 1, False),
    ("P-1-01-08", "evacuated", 1, False),
    ("P-1-01-03", "evacuated", 0.3, False),
    ("P-1-01-01", "evacuated", 0.04, False),
    ("P-1-01-07", "evacuated", 0.6, False),
    ("P-1-02-04", "evacuated", 0.5, False),
    ("P-1-04-02", "evacuated", 1, False),
    ("P-1-04-03", "evacuated", 0.02, False),
    ("P-2-04-04", "evacuated", 0.3, False),
    ("P-2-05-03", "evacuated", 0.017, True),
)

# supplier | item | contract or production | for so many of the design evacuees, or units a day | call-off time in hours
_AGREEMENTS = (
    ("示意商超配送中心1(示意)", "P-1-03-01", "contract", 72_000, 2.0),
    ("示意商超配送中心1(示意)", "P-1-03-02", "contract", 36_000, 2.0),
    ("示意商超配送中心2(示意)", "P-1-03-01", "contract", 48_000, 4.0),
    ("示意粮油储备库(示意)", "P-1-03-05", "contract", 60_000, 4.0),
    ("示意饮用水厂(示意)", "P-1-03-01", "production", 80_000, 12.0),
    ("示意食品厂(示意)", "P-1-03-02", "production", 30_000, 8.0),
    ("示意家纺厂1(示意)", "P-1-01-05", "production", 1_500, 24.0),
    ("示意家纺厂2(示意)", "P-1-01-05", "contract", 3_000, 6.0),
    ("示意家纺厂2(示意)", "P-1-01-07", "contract", 2_000, 6.0),
    ("示意成品油站(示意)", "P-2-04-05", "contract", 20_000, 1.0),
    ("示意工程机械租赁站(示意)", "P-3-02-01", "contract", 24, 3.0),
    ("示意泵业公司(示意)", "P-3-01-02", "contract", 30, 4.0),
    ("示意包装厂(示意)", "P-3-01-03", "production", 20_000, 24.0),
    ("示意包装厂(示意)", "P-3-01-03", "contract", 40_000, 3.0),
    ("示意卫材厂(示意)", "P-2-01-08", "production", 50_000, 24.0),
)


def count_whole_depots(lots: pd.DataFrame, depots: pd.DataFrame, today: date, rng: np.random.Generator) -> pd.DataFrame:
    """Lots whose depots are counted as a whole, each on a day of its own; three were not for long."""
    day = {depot: int(days) for depot, days in zip(depots["id"], rng.integers(4, 80, len(depots)), strict=True)}
    late = rng.choice(depots.loc[depots["level"].isin(["street", "community"]), "id"].to_numpy(), 3, replace=False)
    day |= dict(zip(sorted(late.tolist()), (97, 131, 204), strict=True))
    spot = rng.random(len(lots)) < 0.05  # counted again since
    again = rng.integers(1, 4, len(lots))
    ages = np.where(spot, again, lots["depot_id"].map(day).to_numpy())
    start = _morning(today)
    return lots.assign(counted_utc=[start - timedelta(days=int(age)) for age in ages])


def _morning(today: date) -> datetime:
    return datetime.combine(today, time(1), UTC)


def make_packs() -> pd.DataFrame:
    """How goods are packed."""
    return pd.DataFrame(_PACKS, columns=["item_id", "pack", "quantity"])


def make_substitutes() -> pd.DataFrame:
    """What may stand in for what."""
    columns = ["item_id", "substitute_id", "quantity", "substitute_quantity", "reference"]
    return pd.DataFrame([(*row[:4], f"{row[4]}(待核对)") for row in _SUBSTITUTES], columns=columns)


def make_stock_levels(lots: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """A minimum and a target for what each depot keeps; some depots are below them."""
    held = lots.groupby(["depot_id", "item_id"], sort=True)["quantity"].sum()
    filled = rng.uniform(0.65, 1.5, len(held))
    target = np.maximum(1, np.round(held.to_numpy() / filled)).astype(int)
    frame = held.index.to_frame(index=False)
    return frame.assign(minimum=np.ceil(target / 2).astype(int), target=target, reference=_MARK)


def make_targets(lots: pd.DataFrame, depots: pd.DataFrame, today: date) -> pd.DataFrame:
    """The reserve list in two versions: last year's, and this year's that replaced it on 1 January."""
    city = lots[lots["depot_id"].isin(depots.loc[depots["level"] == "city", "id"])]
    city_has = city.groupby("item_id")["quantity"].sum()
    rows: list[dict[str, Any]] = []
    first, before = date(today.year, 1, 1), date(today.year - 1, 1, 1)
    for version, persons, begins, ends in (
        (f"{before.year}-1", 5_000, before, first),
        (f"{first.year}-1", DESIGN_PERSONS, first, None),
    ):
        common = {"version": version, "valid_from": begins, "valid_to": ends, "provenance": "proposed"}
        for item in ITEMS:
            goods, in_all = _goods(item, persons, int(city_has.get(item.id, 0)))
            if item.basis == "community":
                goods *= plan.VILLAGES
            if item.basis != "street":
                rows.append(_target(common, "district", DISTRICT_OWNER, item, "goods", goods))
            if item.by_agreement and in_all > goods:
                rows.append(_target(common, "district", DISTRICT_OWNER, item, "contract", in_all - goods))
            if item.basis == "street":
                rows += [_target(common, "street", street.name, item, "goods", item.norm) for street in plan.STREETS]
    return pd.DataFrame(rows)


def _goods(item: CatalogueItem, persons: int, city: int) -> tuple[int, int]:
    """What the district keeps, and what it can have within a day with its agreements."""
    if item.basis != "per_1000":
        kept = max(1, round(item.norm * 0.15)) if item.by_agreement else item.norm
        return kept, item.norm
    target_e3 = district_target_e3(item.norm * 1000, design_persons=persons, city_e3=city * 1000, city_share=CITY_SHARE)
    in_all = -(-item.norm * CAPABILITY_PERSONS // 1000)
    kept = -(-target_e3 // 1000)
    return (round(kept * 0.15) if item.by_agreement else kept), in_all


def _target(
    common: dict[str, Any], level: str, owner: str, item: CatalogueItem, mode: str, target: int
) -> dict[str, Any]:
    return {
        **common,
        "level": level,
        "owner": owner,
        "item_id": item.id,
        "mode": mode,
        "minimum": -(-target * 6 // 10),
        "target": target,
        "maximum": -(-target * 3 // 2),
        "reference": _MARK,
    }


def make_agreements(sites: Sites, today: date, rng: np.random.Generator) -> pd.DataFrame:
    """Contract stock and production capacity, each with its supplier, place and call-off time."""
    names = list(dict.fromkeys(row[0] for row in _AGREEMENTS))
    at = dict(zip(names, sites.take(sites.industry + 0.02, len(names), rng).tolist(), strict=True))
    first = date(today.year, 1, 1)
    rows = []
    for number, (name, item, mode, quantity, lead_h) in enumerate(_AGREEMENTS, start=1):
        site = at[name]
        rows.append(
            {
                "id": f"A-{number:02d}",
                "name": name,
                "item_id": item,
                "mode": mode,
                "quantity": quantity,
                "lead_h": lead_h,
                "valid_from": first,
                "valid_to": None if number % 5 else date(today.year + 1, 1, 1),
                "address": f"{plan.STREETS[sites.street[site]].name}(示意地址)",
                "contact": "供应值班室",
                "phone": f"{PHONE_PREFIX}{7000 + names.index(name):04d}",
                "x": sites.xy[site, 0],
                "y": sites.xy[site, 1],
            }
        )
    return pd.DataFrame(rows)


def make_standards() -> pd.DataFrame:
    """What each person is given: the catalogue's norms, a third of them a day for what is used up."""
    rows = []
    for item, basis, quantity, is_daily in _STANDARDS:
        how = "定额÷3 天" if is_daily else "定额÷1000 人"
        rows.append(
            {
                "item_id": item,
                "basis": basis,
                "quantity": quantity,
                "is_daily": is_daily,
                "provenance": "proposed",
                "reference": f"{_MARK}: {how}; 饮水 3 L/人·天 (Sphere 2.5–3 L) 其余由水车供给"
                if item == "P-1-03-01"
                else f"{_MARK}: {how}",
            }
        )
    return pd.DataFrame(rows)


def make_vehicles(depots: pd.DataFrame, today: date) -> pd.DataFrame:
    """Vehicles that stand at the larger depots and at six of the streets; roles, no persons."""
    fleet = (("truck", 42.0), ("truck", 42.0), ("van", 12.0), ("tanker", 10.0))
    upper = depots[depots["level"].isin(["city", "district"])]
    streets = depots[depots["level"] == "street"].head(6)
    kept = [(row, kind, volume) for row in upper.to_dict("records") for kind, volume in fleet]
    kept += [(row, "van", 9.0) for row in streets.to_dict("records")]
    kept.append((upper.to_dict("records")[-1], "boat", 3.0))
    return pd.DataFrame(
        [
            {
                "id": f"VH-{number:02d}",
                "name": f"示意F·{number:04d}" if kind != "boat" else f"示意艇{number:02d}",
                "type": kind,
                "depot_id": row["id"],
                "volume_m3": volume,
                "contact": "车队值班室",
                "phone": f"{PHONE_PREFIX}{8000 + number:04d}",
                "position_utc": _morning(today - timedelta(days=1)),  # a demo made at night has no place of the future
                "x": row["x"],
                "y": row["y"],
            }
            for number, (row, kind, volume) in enumerate(kept, start=1)
        ]
    )


def make_devices(vehicles: pd.DataFrame, depots: pd.DataFrame) -> pd.DataFrame:
    """A tracker in every vehicle; a door contact, a thermometer and a counter of quilts in the larger depots."""
    rows: list[dict[str, Any]] = [
        {"name": f"{name}定位(示意)", "type": "position", "vehicle_id": vehicle}
        for vehicle, name in zip(vehicles["id"], vehicles["name"], strict=True)
    ]
    for depot, name in depots.loc[depots["level"].isin(["city", "district"]), ["id", "name"]].itertuples(index=False):
        rows += [
            {"name": f"{name}门磁", "type": "door", "depot_id": depot, "minimum": 0, "maximum": 1},
            {
                "name": f"{name}温度计",
                "type": "temperature",
                "depot_id": depot,
                "minimum": -40,
                "maximum": 80,
                "alarm_below": 0,
                "alarm_above": 35,
            },
            {
                "name": f"{name}棉被计数器",
                "type": "count",
                "depot_id": depot,
                "item_id": "P-1-01-05",
                "minimum": 0,
                "maximum": 20_000,
            },
        ]
    frame = pd.DataFrame(rows)
    frame.insert(0, "id", [f"DV-{number:02d}" for number in range(1, len(frame) + 1)])
    return frame.astype(object).where(frame.notna(), None)
