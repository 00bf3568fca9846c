"""Depots of the demo district and the lots that they hold."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import numpy as np
import pandas as pd

from data.demo import plan
from data.demo.facilities import PHONE_PREFIX, Sites
from data.demo.ground import local
from data.item_catalogue import ITEMS, CatalogueItem

# level, place in local km, design evacuees whose norm is held there, volume in cubic metres
_UPPER = (
    ("city", (5.3, 0.9), 3_500, 5_200.0),
    ("district", (-2.2, 3.4), 3_600, 2_600.0),
    ("district", (2.7, -3.4), 2_400, 1_900.0),
)
_STREET_DEPOTS = 12
_COMMUNITY_DEPOTS = 10
# What a community keeps: enough for a night, no machines but a pump and a loudhailer.
_COMMUNITY_ITEMS = (
    "P-1-01-05",
    "P-1-01-08",
    "P-1-02-04",
    "P-1-03-01",
    "P-1-03-03",
    "P-1-04-01",
    "P-2-01-03",
    "P-2-03-03",
    "P-2-04-04",
    "P-2-05-01",
    "P-3-01-02",
    "P-3-01-03",
)


def make_depots(sites: Sites, rng: np.random.Generator) -> pd.DataFrame:
    """25 depots: one of the city, two of the district, twelve of streets, ten of communities."""
    records: list[dict[str, Any]] = []

    def add(level: str, name: str, site: int, volume_m3: float) -> None:
        number = len(records) + 1
        records.append(
            {
                "id": f"D-{number:02d}",
                "name": name,
                "level": level,
                "volume_m3": volume_m3,
                "address": f"{plan.STREETS[sites.street[site]].name}(示意地址)",
                "contact": "仓库值班室",
                "phone": f"{PHONE_PREFIX}{2000 + number:04d}",
                "x": sites.xy[site, 0],
                "y": sites.xy[site, 1],
            }
        )

    for k, (level, at, _, volume_m3) in enumerate(_UPPER):
        name = "市级应急物资库(示意)" if level == "city" else f"崇川区应急物资库{k}(示意)"
        add(level, name, sites.near(local([at])[0]), volume_m3)
    streets = np.sort(rng.choice(len(plan.STREETS), size=_STREET_DEPOTS, replace=False))
    for s in streets.tolist():
        weight = np.where((sites.street == s) & sites.is_main_road, sites.built + 0.05, 0.0)
        site = int(sites.take(weight, 1, rng)[0])
        add("street", f"{plan.STREETS[s].name}应急物资库(示意)", site, round(float(rng.uniform(180, 420)), -1))
    for site in sites.take(sites.people**0.5, _COMMUNITY_DEPOTS, rng, apart_m=1800.0).tolist():
        name = f"{plan.STREETS[sites.street[site]].name}社区物资点{len(records) + 1}(示意)"
        add("community", name, int(site), round(float(rng.uniform(25, 70)), 0))
    return pd.DataFrame(records)


def make_items() -> pd.DataFrame:
    """The catalogue as rows."""
    return pd.DataFrame(
        [{"id": i.id, "name": i.name, "unit": i.unit, "other_names": i.other_names or None} for i in ITEMS]
    )


def make_lots(depots: pd.DataFrame, today: date, rng: np.random.Generator) -> pd.DataFrame:
    """Stock from the norms: mostly in order, some reserved, on hold, waiting, expired or nearly so."""
    records: list[dict[str, Any]] = []
    upper = iter(_UPPER)
    for depot, level in zip(depots["id"].tolist(), depots["level"].tolist(), strict=True):
        evacuees = float(next(upper)[2]) if level in ("city", "district") else 0.0
        if level == "street":
            evacuees = float(rng.uniform(70, 240))
        elif level == "community":
            evacuees = float(rng.uniform(25, 60))
        for item in ITEMS:
            total = _kept(item, level, evacuees, rng)
            if total > 0:
                records += _lots(depot, item, total, today, rng)
    return pd.DataFrame(records)


def _kept(item: CatalogueItem, level: str, evacuees: float, rng: np.random.Generator) -> int:
    """How much of an item a depot keeps."""
    if item.by_agreement and level in ("street", "community") and item.id != "P-1-03-01":
        return 0
    if level == "community":
        if item.id not in _COMMUNITY_ITEMS:
            return 0
        amount = item.norm * evacuees / 1000.0 if item.basis == "per_1000" else item.norm * 0.1
    elif level == "street":
        if item.basis == "district" or rng.random() < 0.14:
            return 0
        amount = item.norm * evacuees / 1000.0 if item.basis == "per_1000" else float(item.norm)
    elif item.basis == "per_1000":
        amount = item.norm * evacuees / 1000.0
    elif item.basis == "district":
        amount = item.norm * (1.0 if level == "city" else 0.6)
    else:
        amount = item.norm * (6.0 if level == "city" else 4.0)
    if item.by_agreement:
        amount *= 0.15
    filled = float(rng.uniform(0.55, 1.15))
    return max(1, round(amount * filled))


def _lots(depot: str, item: CatalogueItem, total: int, today: date, rng: np.random.Generator) -> list[dict[str, Any]]:
    """One to three lots of an item, of different age and state."""
    count = 1 if total < 6 else int(rng.choice([1, 2, 3], p=[0.5, 0.35, 0.15]))
    cuts = np.sort(rng.integers(1, total, size=count - 1)) if count > 1 else np.array([], dtype=np.int64)
    parts = np.diff(np.concatenate([[0], cuts, [total]])).astype(int).tolist()
    result: list[dict[str, Any]] = []
    for quantity in parts:
        if quantity <= 0:
            continue
        expires, status = _state(item, today, rng)
        reserved = on_hold = 0
        if status == "usable" and quantity >= 4:
            dice = float(rng.random())
            if dice < 0.12:
                reserved = max(1, round(quantity * float(rng.uniform(0.1, 0.6))))
            elif dice < 0.17:
                on_hold = max(1, round(quantity * float(rng.uniform(0.1, 0.4))))
            elif dice < 0.185:
                reserved = quantity
        counted = datetime.combine(today, time(1), UTC) - timedelta(days=int(rng.integers(2, 120)))
        made = today - timedelta(days=int(rng.integers(30, 900)))
        result.append(
            {
                "depot_id": depot,
                "item_id": item.id,
                "lot": f"{made:%y%m}-{len(result) + 1}",
                "quantity": quantity,
                "unit": item.unit,
                "reserved": reserved,
                "on_hold": on_hold,
                "status": status,
                "expires_on": expires,
                "counted_utc": counted,
            }
        )
    return result


def _state(item: CatalogueItem, today: date, rng: np.random.Generator) -> tuple[date | None, str]:
    """Until when a lot may be used, and its state of quality."""
    dice, other = float(rng.random()), float(rng.random())
    expires: date | None = None
    if item.life_months is not None:
        days = item.life_months * 30
        if dice < 0.03:
            expires = today - timedelta(days=int(rng.integers(3, 150)))
        elif dice < 0.09:
            expires = today + timedelta(days=int(rng.integers(0, 30)))
        else:
            expires = today + timedelta(days=int(rng.integers(min(31, days - 1), days)))
    if expires is not None and expires < today:
        return expires, "expired" if other < 0.5 else "usable"
    if other < 0.025:
        return expires, "quarantined"
    if other < 0.035:
        return expires, "damaged"
    if other < 0.04:
        return expires, "recalled"
    return expires, "usable"
