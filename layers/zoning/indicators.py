"""Indicators of exposure, vulnerability and capacity on the analysis grid, each with its unit, source and age."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.errors import InputError
from geo.exposure import (
    Dasymetric,
    count_in_cells,
    dasymetric,
    footprint_area_in_cells,
    line_length_in_cells,
    split_group,
)
from geo.grid import Grid, Raster, on_grid
from geo.hazards import kernel_density
from geo.indicators import grade_mean_sigma, topsis
from geo.surface import response_grid
from layers.analyses.response import teams_at
from layers.layer import Text
from layers.zoning.inputs import Inputs
from layers.zoning.result import Column, Dimension

Floats = NDArray[np.float64]
OLD_BEFORE = 1980  # domain: year classes of the building survey, < 1980 the oldest
RESPONSE_STEP_M = 100.0


@dataclass(frozen=True)
class Measured:
    """One indicator on the grid.

    `spread` says how it is carried to larger units: an 'amount' adds up, a 'mean' is averaged by area.
    """

    values: Floats
    column: Column
    spread: Literal["amount", "mean"]


def measured(inputs: Inputs, name: str, dimension: Dimension) -> Measured:
    """One indicator by its name; InputError says what has to be imported for it."""
    function, label, unit, spread, tables, to_confirm = _INDICATORS[name]
    moment = moment_key(inputs) if name == "response_time" else None
    values = inputs.kept(("indicator", name, moment), lambda: function(inputs))
    if name == "response_time":  # it follows the moment, not the tables alone
        inputs.note_answer(name, values, "computed from teams on duty, roads, speeds and closures of the moment")
    for table in tables:
        inputs.frame(table)
    column = Column(name, label, unit, dimension, inputs.source(*tables), inputs.age(*tables), to_confirm)
    return Measured(np.asarray(values, dtype=np.float64), column, spread)


def moment_key(inputs: Inputs) -> Hashable:
    """What of the moment the response depends on: speeds and closures, who is on duty."""
    teams = teams_at(inputs.view, None, inputs.at)
    return inputs.view.district.travel_key(inputs.view, inputs.at), tuple(teams.on_duty.tolist())


def persons_in_cells(inputs: Inputs) -> NDArray[np.int64]:
    """Residents of each cell: every village's number spread over its cells, none lost."""
    return persons_spread(inputs).persons


def persons_spread(inputs: Inputs) -> Dasymetric:
    """Residents of each cell, and of which village they are."""

    def make() -> Dasymetric:
        villages = inputs.villages
        spread = dasymetric(villages["persons"].to_numpy(dtype=np.int64), inputs.village_shares, _density(inputs))
        if len(spread.unplaced):
            names = ", ".join(villages["name"].iloc[spread.unplaced[:3]].astype(str))
            inputs.notice(
                f"{len(spread.unplaced)} 个村(社区)的人口落不到任何格网单元({names})",
                f"persons of {len(spread.unplaced)} villages lie in no cell of the grid ({names})",
            )
        return spread

    inputs.frame("village")
    return inputs.kept("persons", make)


def _density(inputs: Inputs) -> Floats:
    """Where people live within a village: residential floor area, else known population points, else roads."""

    def make() -> Floats:
        floor = floor_area(inputs, only="residential")
        if floor.sum() > 0:
            return floor
        cells = inputs.frame("cell")
        if len(cells):
            return np.asarray(
                count_in_cells(inputs.points("cell"), inputs.grid, weights=cells["persons"].to_numpy(dtype=np.float64)),
                dtype=np.float64,
            )
        roads = [shape for shape in inputs.shapes("road") if shape is not None]
        if roads:
            return line_length_in_cells(np.asarray(roads, dtype=object), inputs.grid)
        inputs.notice(
            "没有建筑、人口格网点和道路: 人口在村(社区)内平均分布",
            "no buildings, population points or roads: people are spread evenly over their village",
        )
        return np.ones(inputs.grid.shape)

    return inputs.kept("density", make)


def _buildings(inputs: Inputs) -> tuple[pd.DataFrame, NDArray[np.object_]]:
    frame = inputs.frame("building")
    shapes = inputs.shapes("building")
    there = np.array([shape is not None for shape in shapes], dtype=bool)
    return pd.DataFrame(frame[there].drop(columns="geometry")), shapes[there]


def floor_area(inputs: Inputs, *, only: str | None = None, least_storeys: int = 0) -> Floats:
    """(rows, cols) m2 of floor: given, else footprint times storeys (one where they are not known)."""

    def make() -> Floats:
        frame, shapes = _buildings(inputs)
        if only is not None:
            chosen = (frame["use"] == only).to_numpy(dtype=bool)
            frame, shapes = frame[chosen], shapes[chosen]
        if least_storeys:
            tall = (pd.to_numeric(frame["storeys"], errors="coerce") >= least_storeys).to_numpy(dtype=bool)
            frame, shapes = frame[tall], shapes[tall]
        if len(frame) == 0:
            return np.zeros(inputs.grid.shape)
        footprint = shapely.area(shapes)
        storeys = pd.to_numeric(frame["storeys"], errors="coerce").fillna(1).to_numpy(dtype=np.float64)
        floor = pd.to_numeric(frame["floor_area_m2"], errors="coerce").to_numpy(dtype=np.float64)
        floor = np.where(np.isfinite(floor), floor, footprint * storeys)
        ratio = np.divide(floor, footprint, out=np.zeros(len(floor)), where=footprint > 0)
        return np.asarray(footprint_area_in_cells(shapes, inputs.grid, weights=ratio), dtype=np.float64)

    return inputs.kept(("floor", only, least_storeys), make)


def weak_share_by_village(inputs: Inputs) -> Floats:
    """(villages,) share of the footprint that is of brick and wood, of unknown structure, or built before 1980.

    NaN for a village with residents of which no building is known.
    """
    frame, shapes = _buildings(inputs)
    villages = inputs.villages
    if len(frame) == 0:
        raise InputError("weak_building_share: there are no buildings. Import them: onemap import buildings")
    tree = shapely.STRtree(villages.geometry.to_numpy(dtype=object))
    point, village = tree.query(shapely.centroid(shapes), predicate="intersects")
    area = shapely.area(shapes)[point]
    year = pd.to_numeric(frame["year_built"], errors="coerce").to_numpy(dtype=np.float64)
    structure = frame["structure"].to_numpy(dtype=object)
    weak = (structure == "brick_wood") | (structure == "other") | (year < OLD_BEFORE)
    total = np.bincount(village, weights=area, minlength=len(villages))
    part = np.bincount(village, weights=area * weak[point], minlength=len(villages))
    share: Floats = np.divide(part, total, out=np.full(len(villages), np.nan), where=total > 0)
    persons = villages["persons"].to_numpy(dtype=np.int64)
    unknown = np.isnan(share) & (persons > 0)
    if unknown.any():
        names = ", ".join(villages["name"][unknown].iloc[:3].astype(str))
        inputs.notice(
            f"{unknown.sum()} 个村(社区)没有房屋资料, 易损房屋占比无数据 ({names})",
            f"there are no buildings in {unknown.sum()} villages with residents ({names}): no share of weak buildings",
        )
    share[np.isnan(share) & (persons == 0)] = 0.0  # nobody lives there, so nobody is at risk
    return share


def _require_part(villages: pd.DataFrame, name: str, group: Floats) -> None:
    """No village has more members of a group than residents."""
    persons = villages["persons"].to_numpy(dtype=np.float64)
    if (group > persons).any():
        k = int(np.flatnonzero(group > persons)[0])
        raise InputError(
            f"villages.{name}={group[k]:.0f} of '{villages['name'].iloc[k]}': more than {persons[k]:.0f} persons"
        )


def _share_of_persons(name: str) -> Callable[[Inputs], Floats]:
    def make(inputs: Inputs) -> Floats:
        villages = inputs.villages
        group = pd.to_numeric(villages[name], errors="coerce").to_numpy(dtype=np.float64)
        persons = villages["persons"].to_numpy(dtype=np.float64)
        if not np.isfinite(group).any():
            raise InputError(f"villages.{name} is empty everywhere: import villages with that column")
        _require_part(villages, name, group)
        share = np.divide(group, persons, out=np.zeros(len(group)), where=persons > 0)
        share[np.isnan(group)] = np.nan
        return inputs.village_shares.rasterised(share)

    return make


def _group(name: str, label: str) -> Callable[[Inputs], Floats]:
    """An age group by cell, in whole persons; no data where a village does not say."""

    def make(inputs: Inputs) -> Floats:
        villages = inputs.villages
        group = pd.to_numeric(villages[name], errors="coerce").to_numpy(dtype=np.float64)
        known = np.isfinite(group)
        if not known.any():
            raise InputError(f"villages.{name} is empty everywhere: import villages with that column")
        _require_part(villages, name, group)
        if not known.all():
            names = ", ".join(villages["name"][~known].iloc[:3].astype(str))
            inputs.notice(
                f"{(~known).sum()} 个村(社区)没有「{label}」, 其各单元无数据 ({names})",
                f"villages.{name} is empty for {(~known).sum()} villages ({names}): their cells have no data",
            )
        spread = persons_spread(inputs)
        found = split_group(spread, np.nan_to_num(group, nan=0.0).astype(np.int64)).astype(np.float64)
        found.reshape(-1)[spread.cell[~known[spread.polygon]]] = np.nan
        return found

    return make


def _gdp(inputs: Inputs) -> Floats:
    """Every village's product spread over its cells by floor area, else by persons."""
    villages = inputs.villages
    gdp = pd.to_numeric(villages["gdp_wan"], errors="coerce").to_numpy(dtype=np.float64)
    if not np.isfinite(gdp).any():
        raise InputError("villages.gdp_wan is empty everywhere: import villages with that column")
    floor = floor_area(inputs)
    weight = floor if floor.sum() > 0 else persons_in_cells(inputs).astype(np.float64)
    weight = weight + 1e-9  # a village without any floor area still has its product
    per_weight = inputs.village_shares.sums(weight)[0]
    density = np.divide(gdp, per_weight, out=np.full(len(gdp), np.nan), where=per_weight > 0)
    shares = inputs.village_shares
    total = np.zeros(inputs.grid.cells)
    label = shares.label.reshape(-1)
    inner = label >= 0
    total[inner] = density[label[inner]] * weight.reshape(-1)[inner]
    np.add.at(total, shares.cell, shares.share * density[shares.polygon] * weight.reshape(-1)[shares.cell])
    return total.reshape(inputs.grid.shape)


def _lifelines(inputs: Inputs) -> Floats:
    points = [inputs.points("lifeline"), inputs.points("hospital")]
    xy = np.concatenate(points)
    xy = xy[np.isfinite(xy).all(axis=1)]
    if len(xy) == 0:
        raise InputError("lifelines: there are no lifelines and no hospitals. Import them: onemap import lifelines")
    return np.asarray(
        kernel_density(xy, np.ones(len(xy)), inputs.parameters["exposure.lifeline_bandwidth_m"], inputs.grid),
        dtype=np.float64,
    )


def capacity_table(inputs: Inputs) -> pd.DataFrame:
    """Per street the eight indicators of the township method, TOPSIS score and grade (5 strong .. 1 weak)."""

    def make() -> pd.DataFrame:
        rows = inputs.frame("capacity")
        if len(rows) == 0:
            raise InputError("township_capacity: there are no capacity rows. Import them: onemap import capacity")
        newest = pd.DataFrame(rows.drop(columns="geometry", errors="ignore")).sort_values(["street", "year"])
        newest = newest.groupby("street", as_index=False).last()
        villages = inputs.frame("village")
        persons = villages.groupby("street")["persons"].sum()
        table = pd.DataFrame({"street": inputs.streets["name"].to_numpy(dtype=object)})
        table["persons"] = table["street"].map(persons).fillna(0).astype(np.int64)
        table = table.merge(newest.drop(columns=["persons"], errors="ignore"), on="street", how="left")
        head = table["persons"].where(table["persons"] > 0).astype(np.float64)

        def number(name: str) -> "pd.Series[float]":
            return pd.to_numeric(table[name], errors="coerce").astype(np.float64)

        table["i_staff"] = number("staff") / head * 10_000
        table["i_assessed"] = number("risk_assessed")
        table["i_funds"] = number("funds_wan") / head * 10_000
        table["i_supplies"] = number("supplies_wan") / head * 10_000
        table["i_beds"] = number("beds") / head * 10_000
        table["i_rescuers"] = (number("firefighters") + number("volunteers") + number("militia")) / head * 10_000
        table["i_drills"] = number("drill_persons") / head * 100
        table["i_places"] = number("shelter_places") / head
        p = inputs.parameters
        first = {name: p[f"capacity.weight.{name}"] for name in ("management", "preparation", "self_rescue")}
        weights = [
            first[group] * p[f"capacity.weight.{group}.{name}"]
            for group, names in (
                ("management", ("staff", "assessment", "funds")),
                ("preparation", ("supplies", "beds")),
                ("self_rescue", ("rescuers", "drills", "places")),
            )
            for name in names
        ]
        columns = ["i_staff", "i_assessed", "i_funds", "i_supplies", "i_beds", "i_rescuers", "i_drills", "i_places"]
        complete = table[columns].notna().all(axis=1).to_numpy(dtype=bool)
        table["score"] = np.nan
        table["grade"] = 0
        if complete.any():
            score = topsis(table.loc[complete, columns].to_numpy(dtype=np.float64), np.asarray(weights)).score
            table.loc[complete, "score"] = score
            table.loc[complete, "grade"] = grade_mean_sigma(score)
        if not complete.all():
            names = ", ".join(table.loc[~complete, "street"].astype(str))
            inputs.notice(f"减灾能力资料不全: {names}", f"capacity is not known for: {names}")
        return table

    for table in ("capacity", "street", "village"):
        inputs.frame(table)
    return inputs.kept("capacity", make)


def _by_street(inputs: Inputs, values: NDArray[np.float64]) -> Floats:
    return inputs.street_shares.rasterised(values)


def _township_capacity(inputs: Inputs) -> Floats:
    return _by_street(inputs, capacity_table(inputs)["score"].to_numpy(dtype=np.float64))


def _per_person(
    table: str, amount: Callable[[Inputs], NDArray[np.float64]], zh: str, en: str
) -> Callable[[Inputs], Floats]:
    """An amount at points, added up by street and divided by the street's residents.

    No data where nobody lives, and where there are points but no amount of any is known; where some are known
    these count, and how many are not is told. A street without any such point has 0.
    """

    def make(inputs: Inputs) -> Floats:
        streets = inputs.streets
        xy = inputs.points(table)
        there = np.flatnonzero(np.isfinite(xy).all(axis=1))
        tree = shapely.STRtree(streets.geometry.to_numpy(dtype=object))
        point, street = tree.query(shapely.points(xy[there]), predicate="intersects")
        point, first = np.unique(point, return_index=True)
        amounts, home = amount(inputs)[there[point]], street[first]
        known = np.isfinite(amounts)
        total = np.bincount(home[known], weights=amounts[known], minlength=len(streets))
        some = np.bincount(home[known], minlength=len(streets)) > 0
        total[(np.bincount(home, minlength=len(streets)) > 0) & ~some] = np.nan
        if not known.all():
            unknown = int((~known).sum())
            inputs.notice(
                f"{unknown} 个{zh}未填数量, 未计入人均值; 所在街道全都未填的为无数据",
                f"{unknown} {en} do not say how much they hold and are not counted per resident; a street where none "
                "says so has no data",
            )
        if outside := len(xy) - len(point):
            inputs.notice(
                f"{outside} 个{zh}没有位置或不在街道内, 未计入人均值",
                f"{outside} {en} have no place or lie in no street; they are not counted per resident",
            )
        villages = inputs.frame("village")
        persons = streets["name"].map(villages.groupby("street")["persons"].sum()).fillna(0).to_numpy(dtype=np.float64)
        if (persons == 0).any():
            names = ", ".join(streets["name"][persons == 0].iloc[:3].astype(str))
            inputs.notice(
                f"{(persons == 0).sum()} 个街道没有常住人口, 人均值无数据 ({names})",
                f"{(persons == 0).sum()} streets have no residents ({names}): amounts per resident have no data",
            )
        share = np.divide(total, persons, out=np.full(len(streets), np.nan), where=persons > 0)
        return _by_street(inputs, share)

    return make


def _numbers(table: str, name: str) -> Callable[[Inputs], NDArray[np.float64]]:
    return lambda inputs: pd.to_numeric(inputs.frame(table)[name], errors="coerce").to_numpy(dtype=np.float64)


def _lot_quantities(inputs: Inputs) -> NDArray[np.float64]:
    """Pieces on hand and not on hold of the usable lots in each depot; kinds of goods are not told apart.

    NaN where no lot says how many it holds.
    """
    lots = inputs.frame("lot")
    usable = lots[lots["status"].fillna("usable") == "usable"]
    quantity = pd.to_numeric(usable["on_hand_e3"], errors="coerce") / 1000.0
    quantity -= pd.to_numeric(usable["on_hold_e3"], errors="coerce").fillna(0) / 1000.0
    if unknown := int(quantity.isna().sum()):
        inputs.notice(
            f"{unknown} 批物资未填数量, 未计入人均值",
            f"{unknown} lots do not say how many they hold and are not counted",
        )
    held = quantity.groupby(usable["depot_id"]).sum(min_count=1)
    ids = inputs.frame("depot")["id"]
    return np.where(ids.isin(set(usable["depot_id"])), ids.map(held), 0.0).astype(np.float64)


def _response_time(inputs: Inputs) -> Floats:
    """s to the first team at each cell; where none comes, or later than two hours, two hours."""
    view, grid = inputs.view, inputs.grid
    teams = teams_at(view, None, inputs.at)
    counted = np.flatnonzero(teams.eligible)
    step = max(RESPONSE_STEP_M, grid.dx)
    coarse = Grid.covering(grid.bounds, cell=step, epsg=grid.epsg)
    found = response_grid(
        view.travel(inputs.at),
        view.snapped("team").take(counted),
        teams.before_travel_s[counted],
        extent_m=coarse.bounds,
        step_m=step,
        snap_m=view.district.snap_m,
    )
    values = np.where(np.isfinite(found.values_s), np.minimum(found.values_s, 7200.0), 7200.0)[::-1]
    raster = Raster(
        Grid(
            grid.epsg,
            found.origin_m[0],
            found.origin_m[1] + values.shape[0] * found.step_m,
            found.step_m,
            found.step_m,
            values.shape[0],
            values.shape[1],
        ),
        np.ascontiguousarray(values, dtype=np.float32),
        "response_time",
        "s",
    )
    return np.asarray(np.round(on_grid(raster, grid, by="average").values, 1), dtype=np.float64)


_Function = Callable[[Inputs], Floats]
_INDICATORS: dict[str, tuple[_Function, Text, str, Literal["amount", "mean"], tuple[str, ...], bool]] = {
    "persons": (
        lambda inputs: persons_in_cells(inputs).astype(np.float64),
        Text("常住人口", "residents"),
        "人",
        "amount",
        ("village", "building"),
        False,
    ),
    "persons_0_14": (
        _group("persons_0_14", "0-14岁人口"),
        Text("0-14岁人口", "residents of 0 to 14"),
        "人",
        "amount",
        ("village", "building"),
        False,
    ),
    "persons_65_over": (
        _group("persons_65_over", "65岁及以上人口"),
        Text("65岁及以上人口", "residents of 65 and over"),
        "人",
        "amount",
        ("village", "building"),
        False,
    ),
    "building_area": (floor_area, Text("建筑面积", "floor area"), "m2", "amount", ("building",), False),
    "gdp": (_gdp, Text("地区生产总值", "gross product"), "万元", "amount", ("village", "building"), False),
    "lifelines": (
        _lifelines,
        Text("生命线设施密度", "density of lifelines"),
        "个/km2",
        "mean",
        ("lifeline", "hospital"),
        True,
    ),
    "elderly_share": (
        _share_of_persons("persons_65_over"),
        Text("65岁及以上人口比重(村/社区)", "share of residents of 65 and over (by village)"),
        "",
        "mean",
        ("village",),
        False,
    ),
    "children_share": (
        _share_of_persons("persons_0_14"),
        Text("0-14岁人口比重(村/社区)", "share of residents of 0 to 14 (by village)"),
        "",
        "mean",
        ("village",),
        False,
    ),
    "weak_building_share": (
        lambda inputs: inputs.village_shares.rasterised(weak_share_by_village(inputs)),
        Text("易损房屋占比(村/社区)", "share of weak buildings (by village)"),
        "",
        "mean",
        ("building", "village"),
        True,
    ),
    "township_capacity": (
        _township_capacity,
        Text("街道综合减灾能力得分", "township disaster-reduction capacity"),
        "",
        "mean",
        ("capacity", "street", "village"),
        True,
    ),
    "response_time": (
        _response_time,
        Text("最快救援到达时间", "quickest response"),
        "s",
        "mean",
        ("team", "road", "closure"),
        True,
    ),
    "shelter_places_per_person": (
        _per_person("shelter", _numbers("shelter", "capacity"), "避难场所", "shelters"),
        Text("人均避难场所容量(街道)", "shelter places per resident (by street)"),
        "个/人",
        "mean",
        ("shelter", "street", "village"),
        False,
    ),
    "supplies_per_person": (
        _per_person("depot", _lot_quantities, "物资仓库", "depots"),
        Text("人均应急物资件数(街道)", "pieces of supplies per resident (by street)"),
        "件/人",
        "mean",
        ("depot", "lot", "street", "village"),
        False,
    ),
    "beds_per_person": (
        _per_person("hospital", _numbers("hospital", "beds"), "医院", "hospitals"),
        Text("人均医院床位(街道)", "hospital beds per resident (by street)"),
        "张/人",
        "mean",
        ("hospital", "street", "village"),
        False,
    ),
}
