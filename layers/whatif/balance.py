"""Shelter balance by street: places, area and distances against the standard, and which shelters do not count."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from geo.leaving import leaving
from geo.shelters import FIXED_SHARE, REACH_M, SHELTER_CLASSES, STAYS, shelter_balance
from geo.times import TravelTimes
from geo.walking import foot_network, walked_factors
from layers.analyses.places import asked
from layers.district import District, View
from layers.layer import Text, plain_tree
from layers.listing import Column, Listing
from layers.whatif.refuges import TABLES, refuges, streets_of
from layers.whatif.zone import read_zone

STANDARD = Text(
    "GB 51143-2015(凭记忆, 待核对): 固定避难容量不少于常住人口 15%, "
    "每人有效面积 1 天 0.5、短期 2、中期 3、长期 4.5 m², "
    "沿街步行距离 紧急 500、短期 1000、中期 1500、长期 2500 m(含)",
    "GB 51143-2015 (from memory, to be confirmed): places for more than a day for 15% of the residents; effective area "
    "a person 0.5 m2 for a day, 2 short, 3 medium, 4.5 long stay; along the streets at most 500 m to an emergency "
    "shelter, 1000, 1500 and 2500 m for the longer stays (bounds included)",
)


def balance(district: District, *, zone: str = "", at: datetime | None = None) -> dict[str, Any]:
    """Shelter places a person and distances by street, against the standard; shelters that are not fit are left out.

    Residents count by population cell where there are cells, else by village; distances run along the streets on foot,
    every street open, with the legs off the road. `zone` takes out the shelters in it (see `layers.whatif.zone`).
    """
    view = district.view()
    moment = district.local(at)
    where = read_zone(view, zone) if zone.strip() else None
    told = refuges(view, where, stay=None).table
    fit = told["out"].isna().to_numpy(dtype=bool)
    source = "cell" if len(view.frame("cell")) else "village"
    frame = view.frame(source)
    people = pd.DataFrame(
        {
            "street": pd.Series(
                streets_of(view, "cell") if source == "cell" else frame["street"].tolist(), dtype=object
            ),
            "persons": frame["persons"].fillna(0).to_numpy(dtype=np.int64),
        }
    )
    held = told[fit].reset_index(drop=True)
    found = shelter_balance(people, held, _walks_m(view, source)[:, fit])
    is_small = [_is_small(row) for row in held[["class", "effective_m2"]].to_dict("records")]
    small = held[np.array(is_small, dtype=bool)]
    return {
        **asked(view, moment),
        "zone": zone.strip() or None,
        "zone_title": None if where is None else where.title,
        "standard": {
            "fixed_share": FIXED_SHARE,
            "reach_m": dict(REACH_M),
            "note_zh": STANDARD.zh,
            "note_en": STANDARD.en,
        },
        "persons_by": source,
        "total": plain_tree(found.total),
        "streets": [plain_tree(row) for row in found.streets.to_dict("records")],
        "out": plain_tree(
            told.loc[~fit, ["id", "name", "street", "class", "out", "near", "near_m", "limit_m"]].to_dict("records")
        ),
        "small": plain_tree(
            [
                {**row, "least_m2": SHELTER_CLASSES[row["class"]].least_m2}
                for row in small[["id", "name", "street", "class", "effective_m2"]].to_dict("records")
            ]
        ),
        "tables": [source, "road", *TABLES],
    }


def _is_small(row: Mapping[Any, Any]) -> bool:
    """Whether a shelter is smaller than the least of its class; exactly as large is enough."""
    return row["class"] is not None and row["effective_m2"] < SHELTER_CLASSES[row["class"]].least_m2


def _walks_m(view: View, source: str) -> Any:
    """(n, m) m along the streets from every place to every shelter, with the legs off the road."""

    def make() -> Any:
        network = foot_network(view.network)
        taken = walked_factors(network)
        times = TravelTimes(network, weight="distance", order=view.order, edge_factor=taken)
        roads = leaving(network, None)
        a, b = (
            roads.snap(xy, np.zeros(len(xy), dtype=bool), max_m=view.district.snap_m, usable=taken > 0)
            for xy in (view.points_m(source), view.points_m("shelter"))
        )
        return times.matrix_s(a, b) + a.access_m[:, None] + b.access_m[None, :]

    return view.kept(("walks to shelters", source), make)


_BALANCE_COLUMNS = (
    Column("street", Text("街道", "street"), main=True),
    Column("persons", Text("常住人口, 人", "residents"), "number"),
    Column("shelters", Text("避难场所, 处", "shelters"), "number"),
    Column("day_places", Text("1 天容量, 人", "places for a day"), "number"),
    Column("places_per_person", Text("人均容量(1 天)", "places a person (a day)"), "number"),
    Column("fixed_places", Text("固定容量, 人", "places for longer"), "number"),
    Column("fixed_needed", Text("固定容量要求, 人", "needed for longer"), "number"),
    Column("fixed_missing", Text("固定容量缺口, 人", "missing for longer"), "number"),
    Column("missing_m2", Text("缺有效面积, m²", "missing area, m2"), "number"),
    Column("effective_m2", Text("有效面积, m²", "effective area, m2"), "number"),
    Column("nearest_mean_m", Text("最近距离均值, m", "mean distance, m"), "number"),
    Column("nearest_worst_m", Text("最远, m", "farthest, m"), "number"),
    *(
        Column(f"near_{stay}_share", Text(f"{reach:g} m 内有{name}", f"within {reach:g} m of {en}"), "share")
        for stay, name, en, reach in (
            ("day", "避难场所", "a shelter", REACH_M["day"]),
            ("short", "短期及以上", "one for a short stay", REACH_M["short"]),
            ("medium", "中期及以上", "one for a medium stay", REACH_M["medium"]),
            ("long", "长期", "one for a long stay", REACH_M["long"]),
        )
    ),
    Column("without_route_persons", Text("无路可达, 人", "without a way"), "number"),
)

LISTING = Listing(
    "shelter-balance",
    Text("避难场所供需平衡", "Shelter balance"),
    _BALANCE_COLUMNS,
    lambda answer, total: rows(answer, total),
    Text("没有街道", "no streets"),
    STANDARD,
    Text("登记数据与路网", "register and roads"),
)
"""The balance as a list: a page and a spreadsheet follow from it."""


def rows(answer: Mapping[str, Any], total: str) -> list[dict[str, Any]]:
    """The streets and, under the name `total`, the district as rows of `LISTING`: whole metres, shares of persons."""
    found = [*answer["streets"], {"street": total, **answer["total"]}]
    return [_row(row) for row in found]


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    persons = row["persons"]
    rounded = {
        name: None if row[name] is None else round(row[name])
        for name in ("effective_m2", "missing_m2", "nearest_mean_m", "nearest_worst_m")
    }
    return {
        **row,
        **rounded,
        "places_per_person": None if row["places_per_person"] is None else round(row["places_per_person"], 2),
        **{f"near_{stay}_share": row[f"near_{stay}_persons"] / persons if persons else None for stay in STAYS},
    }


def balance_lines(answer: Mapping[str, Any]) -> Iterator[str]:
    """The balance as a person reads it on a terminal."""
    for row in rows(answer, "all"):
        share = row["near_day_share"]
        near = "-" if share is None else f"{share:.1%}"
        yield (
            f"{row['street'] or '-'}: {row['persons']:,} residents, {row['shelters']} shelters, "
            f"{row['day_places']:,} places for a day, {row['fixed_places']:,} for longer of "
            f"{row['fixed_needed']:,} needed, {row['fixed_missing']:,} missing; {near} within {REACH_M['day']:g} m"
        )
    for row in answer["out"]:
        near_by = f", {row['near']} at {row['near_m']:g} m (limit {row['limit_m']:g} m)" if row["near"] else ""
        yield f"does not count: {row['id']} {row['name']}, {row['out']}{near_by}"
    for row in answer["small"]:
        yield f"small: {row['id']} {row['name']}, {row['effective_m2']:,.0f} m2, at least {row['least_m2']:,.0f} m2"
