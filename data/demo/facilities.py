"""Enterprises, shelters with their routes, teams, hospitals and closures of the demo district."""

import itertools
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from data.demo import plan
from data.demo.ground import Ground, built_share, is_near, local
from data.demo.roads import Roads
from data.demo.town import Town, industry_share, persons_per_m2
from geo.clearance import ROAD_WIDTHS_M

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_NEAR_M, _FAR_M = 10.0, 80.0
_CHINA = timezone(timedelta(hours=8))
PHONE_PREFIX = "0513-0000"
"""No exchange begins with 0000, so nobody has such a number."""


@dataclass
class Sites:
    """Places beside a street where a facility may stand; each is taken once."""

    xy: Floats
    village: Ints
    street: Ints
    built: Floats
    industry: Floats
    people: Floats
    is_main_road: NDArray[np.bool_]
    free: NDArray[np.bool_]

    def take(self, weight: Floats, count: int, rng: np.random.Generator, *, apart_m: float = 0.0) -> Ints:
        """Draw places in proportion to a weight, at least so far from each other."""
        w = np.where(self.free, weight, 0.0)
        order = np.argsort(-np.log(rng.random(len(w))) / np.maximum(w, 1e-300), kind="stable")
        order = order[w[order] > 0]
        if apart_m <= 0:
            chosen = order[:count]
        else:
            kept: list[int] = []
            for i in order.tolist():
                if not kept or float(np.hypot(*(self.xy[kept] - self.xy[i]).T).min()) >= apart_m:
                    kept.append(i)
                    if len(kept) == count:
                        break
            chosen = np.asarray(kept, dtype=np.int64)
        self.free[chosen] = False
        return chosen

    def near(self, xy: Floats) -> int:
        """The free place nearest to a point."""
        d = np.where(self.free, np.hypot(*(self.xy - xy).T), np.inf)
        best = int(np.argmin(d))
        self.free[best] = False
        return best


def make_sites(ground: Ground, roads: Roads, town: Town, rng: np.random.Generator) -> Sites:
    """Places 10 to 80 m from a street, on dry land inside the district."""
    rows = roads.rows
    lines = roads.edge_lines()
    length = shapely.length(lines)
    highway = rows["highway"].to_numpy(dtype=str)[roads.edge_row]
    level = rows["layer"].to_numpy(dtype=np.int64)[roads.edge_row]
    fit = np.isin(
        highway,
        ["primary", "secondary", "tertiary", "unclassified", "residential", "living_street", "service"],
    )
    fit &= (level == 0) & (length > 24.0)
    chance = np.where(fit, np.minimum(length, 150.0), 0.0)
    chosen = rng.choice(len(lines), size=18_000, p=chance / chance.sum())
    t = rng.uniform(0.12, 0.88, len(chosen))
    side = np.where(rng.random(len(chosen)) < 0.5, 1.0, -1.0) * rng.uniform(14.0, 46.0, len(chosen))
    a, b = roads.node_xy[roads.tail[chosen]], roads.node_xy[roads.head[chosen]]
    d = (b - a) / length[chosen, None]
    xy = a + t[:, None] * (b - a) + side[:, None] * np.column_stack([-d[:, 1], d[:, 0]])
    points = shapely.points(xy)
    (found, _), distance = shapely.STRtree(lines).query_nearest(points, return_distance=True, all_matches=False)
    nearest = np.full(len(xy), np.inf)
    nearest[found] = distance
    good = (nearest >= _NEAR_M) & (nearest <= _FAR_M)
    good &= ~is_near(ground.water_union, points, 10.0)
    village = town.village_of(xy)
    good &= village >= 0
    xy, village = xy[good], village[good]
    main = np.isin(highway[chosen[good]], ["primary", "secondary", "tertiary"])
    return Sites(
        xy,
        village,
        town.street[village],
        built_share(xy),
        industry_share(xy),
        persons_per_m2(xy),
        main,
        np.ones(len(xy), dtype=bool),
    )


@dataclass(frozen=True)
class _Trade:
    """A sort of enterprise: category codes, word in the name, how many, where, how risky."""

    categories: str
    word: str
    count: int
    where: str  # "port", "industry", "people", "road"
    risk: tuple[float, float, float, float]  # major, considerable, general, low
    workers: tuple[float, float]  # median and spread of the logarithm
    second: tuple[tuple[str, float], ...] = ()


_TRADES = (
    _Trade(
        "hazardous_chemicals",
        "化工厂",
        18,
        "port",
        (0.34, 0.5, 0.16, 0.0),
        (48, 0.7),
        (("confined_space", 0.5), ("explosive_workplace", 0.5)),
    ),
    _Trade(
        "hazardous_chemicals",
        "危化品仓储",
        12,
        "port",
        (0.25, 0.55, 0.2, 0.0),
        (22, 0.5),
        (("explosive_workplace", 0.6),),
    ),
    _Trade("hazardous_chemicals;explosive_workplace", "加油站", 34, "road", (0.0, 0.3, 0.7, 0.0), (4, 0.3)),
    _Trade(
        "hazardous_chemicals",
        "水厂(氯)",
        3,
        "port",
        (0.0, 1.0, 0.0, 0.0),
        (14, 0.3),
        (("confined_space", 1.0),),
    ),
    _Trade(
        "ammonia_refrigeration",
        "冷库(氨)",
        18,
        "industry",
        (0.1, 0.55, 0.35, 0.0),
        (36, 0.7),
        (("confined_space", 0.2),),
    ),
    _Trade(
        "combustible_dust",
        "木业",
        30,
        "industry",
        (0.0, 0.3, 0.6, 0.1),
        (26, 0.7),
        (("rented_factory", 0.25),),
    ),
    _Trade(
        "combustible_dust",
        "金属抛光厂",
        26,
        "industry",
        (0.04, 0.5, 0.46, 0.0),
        (18, 0.6),
        (("rented_factory", 0.25),),
    ),
    _Trade(
        "combustible_dust",
        "粮食加工厂",
        8,
        "industry",
        (0.0, 0.4, 0.6, 0.0),
        (24, 0.5),
        (("confined_space", 0.5),),
    ),
    _Trade(
        "aluminium_casting",
        "铝业",
        6,
        "industry",
        (0.3, 0.6, 0.1, 0.0),
        (60, 0.5),
        (("induction_furnace", 0.3),),
    ),
    _Trade("induction_furnace", "铸造厂", 24, "industry", (0.0, 0.35, 0.65, 0.0), (38, 0.6)),
    _Trade("confined_space", "印染厂", 22, "industry", (0.0, 0.25, 0.65, 0.1), (85, 0.7)),
    _Trade("confined_space", "污水处理站", 16, "port", (0.0, 0.2, 0.8, 0.0), (8, 0.4)),
    _Trade("confined_space", "酱腌菜厂", 14, "industry", (0.0, 0.1, 0.7, 0.2), (20, 0.6)),
    _Trade("confined_space", "造纸厂", 8, "industry", (0.0, 0.3, 0.7, 0.0), (54, 0.6)),
    _Trade(
        "explosive_workplace",
        "喷涂厂",
        22,
        "industry",
        (0.0, 0.4, 0.6, 0.0),
        (12, 0.5),
        (("rented_factory", 0.3),),
    ),
    _Trade("rented_factory", "出租厂房", 94, "industry", (0.0, 0.06, 0.5, 0.44), (55, 0.8)),
    _Trade("energy_storage", "储能电站", 9, "industry", (0.0, 0.3, 0.7, 0.0), (3, 0.3)),
    _Trade("private_cinema", "影院", 20, "people", (0.0, 0.0, 0.3, 0.7), (6, 0.4)),
    _Trade("gas_user", "餐馆(燃气)", 104, "people", (0.0, 0.0, 0.35, 0.65), (9, 0.6)),
    _Trade("fireworks_wholesale", "烟花爆竹批发库", 2, "field", (0.5, 0.5, 0.0, 0.0), (6, 0.2)),
    _Trade("other_industry", "机械厂", 54, "industry", (0.0, 0.05, 0.45, 0.5), (44, 0.8)),
    _Trade(
        "other_industry",
        "纺织厂",
        44,
        "industry",
        (0.0, 0.04, 0.5, 0.46),
        (70, 0.8),
        (("rented_factory", 0.2),),
    ),
    _Trade(
        "other_industry",
        "船舶配套厂",
        12,
        "port",
        (0.0, 0.3, 0.6, 0.1),
        (120, 0.7),
        (("confined_space", 0.8),),
    ),
)
_RISK_CODES = ("major", "considerable", "general", "low")


@dataclass(frozen=True)
class _Substance:
    """A substance: critical quantity of GB 18218-2018 in tonnes (to be confirmed), CAS, class."""

    name: str
    cas: str
    hazard_class: str
    critical_t: float


_SUBSTANCES = {
    s.name: s
    for s in (
        _Substance("液氨", "7664-41-7", "毒性气体", 10),
        _Substance("液氯", "7782-50-5", "毒性气体", 5),
        _Substance("二氧化硫", "7446-09-5", "毒性气体", 20),
        _Substance("环氧乙烷", "75-21-8", "毒性/易燃气体", 10),
        _Substance("氯化氢(无水)", "7647-01-0", "毒性气体", 20),
        _Substance("氢", "1333-74-0", "易燃气体", 5),
        _Substance("天然气", "8006-14-2", "易燃气体", 50),
        _Substance("液化石油气", "68476-85-7", "易燃气体", 50),
        _Substance("乙炔", "74-86-2", "易燃气体", 1),
        _Substance("汽油", "86290-81-5", "易燃液体", 200),
        _Substance("柴油", "68334-30-5", "易燃液体", 5000),
        _Substance("甲醇", "67-56-1", "易燃液体", 500),
        _Substance("乙醇", "64-17-5", "易燃液体", 500),
        _Substance("丙酮", "67-64-1", "易燃液体", 500),
        _Substance("甲苯", "108-88-3", "易燃液体", 500),
        _Substance("苯乙烯", "100-42-5", "易燃液体", 500),
        _Substance("乙酸乙酯", "141-78-6", "易燃液体", 500),
        _Substance("环氧丙烷", "75-56-9", "易燃液体", 10),
        _Substance("丙烯腈", "107-13-1", "易燃液体", 50),
        _Substance("氧(液化)", "7782-44-7", "氧化性气体", 200),
        _Substance("硝酸(>70%)", "7697-37-2", "氧化性液体", 100),
        _Substance("氯酸钠", "7775-09-9", "氧化性固体", 100),
        _Substance("TDI", "26471-62-5", "毒性液体", 100),
    )
}
_CHEMICALS = tuple(n for n in _SUBSTANCES if n not in ("汽油", "柴油", "天然气", "乙炔", "液氯", "氧(液化)"))
_BY_WORD: dict[str, tuple[tuple[str, ...], ...]] = {
    "化工厂": (_CHEMICALS, _CHEMICALS, _CHEMICALS),
    "危化品仓储": (_CHEMICALS, _CHEMICALS, _CHEMICALS, _CHEMICALS),
    "加油站": (("汽油",), ("柴油",)),
    "水厂(氯)": (("液氯",),),
    "冷库(氨)": (("液氨",),),
    "铝业": (("天然气",),),
    "金属抛光厂": (("乙炔",),),
    "喷涂厂": (("甲苯", "乙酸乙酯", "丙酮"),),
    "船舶配套厂": (("乙炔",), ("氧(液化)",)),
}
_SHARE_OF_CRITICAL = {
    "major": (1.6, 0.45),
    "considerable": (0.45, 0.5),
    "general": (0.12, 0.6),
    "low": (0.03, 0.4),
}


def _industry_ports() -> Floats:
    return local([(x, y) for x, y, _, _, port in plan.INDUSTRY if port])


def make_enterprises(sites: Sites, rng: np.random.Generator) -> tuple[pd.DataFrame, pd.DataFrame]:
    """600 enterprises and what they hold; the riskiest near the river and in the industrial zones."""
    port = np.zeros(len(sites.xy))
    for p in _industry_ports():
        port = np.maximum(port, np.exp(-((np.hypot(*(sites.xy - p).T) / 1100.0) ** 2)))
    where = {
        "port": port**2 + 0.02 * sites.industry,
        "industry": sites.industry**1.5 + 0.02 * (1.0 - sites.built),
        "people": sites.people,
        "road": np.where(sites.is_main_road, 0.2 + sites.built, 0.0),
        "field": np.where((sites.built < 0.12) & (sites.industry < 0.1), 1.0, 0.0),
    }
    records: list[dict[str, Any]] = []
    held: list[dict[str, Any]] = []
    for trade in _TRADES:
        chosen = sites.take(where[trade.where], trade.count, rng, apart_m=900.0 if trade.word == "加油站" else 60.0)
        risks = rng.choice(4, size=trade.count, p=trade.risk)
        workers = np.maximum(
            1,
            np.round(np.exp(np.log(trade.workers[0]) + trade.workers[1] * rng.standard_normal(trade.count))),
        )
        for k, (site, risk, worker) in enumerate(zip(chosen.tolist(), risks.tolist(), workers.tolist(), strict=True)):
            extra = [code for code, chance in trade.second if rng.random() < chance]
            number = len(records) + 1
            level = _RISK_CODES[risk]
            identity = f"E-{number:04d}"
            stock = _stock(trade.word, level, rng)
            held += [
                {
                    "enterprise_id": identity,
                    "cas": s.cas,
                    "name": s.name,
                    "hazard_class": s.hazard_class,
                    "quantity_t": quantity,
                }
                for s, quantity in stock
            ]
            records.append(
                {
                    "id": identity,
                    "name": f"示意{trade.word}{k + 1:02d}号",
                    "categories": ";".join([trade.categories, *extra]),
                    "risk_level": level,
                    "workers_on_shift": int(worker),
                    "substances": "; ".join(f"{s.name} {quantity:g} t" for s, quantity in stock) or None,
                    "address": f"{plan.STREETS[sites.street[site]].name}(示意地址)",
                    "contact": "安全值班室",
                    "phone": f"{PHONE_PREFIX}{1000 + number:04d}",
                    "x": sites.xy[site, 0],
                    "y": sites.xy[site, 1],
                }
            )
    return pd.DataFrame(records), pd.DataFrame(held)


def _stock(word: str, level: str, rng: np.random.Generator) -> list[tuple[_Substance, float]]:
    """What an enterprise holds: a lognormal share of the critical quantity, by its risk."""
    stock: dict[str, float] = {}
    for choices in _BY_WORD.get(word, ()):
        name = choices[int(rng.integers(len(choices)))]
        median, spread = _SHARE_OF_CRITICAL[level]
        critical = _SUBSTANCES[name].critical_t
        if name == "柴油":
            median, spread = 0.012, 0.3
        elif name == "汽油":
            median, spread = 0.42, 0.2
        share = float(np.exp(np.log(median) + spread * rng.standard_normal()))
        quantity = share * critical
        stock[name] = round(quantity, 0 if quantity >= 20 else 1 if quantity >= 1 else 2)
    return [(_SUBSTANCES[name], quantity) for name, quantity in stock.items() if quantity > 0]


@dataclass(frozen=True)
class _ShelterSort:
    """A class of shelter: how many, gross area, share that can be used, area a person needs."""

    code: str
    stay: str
    count: int
    area_m2: tuple[float, float]
    sorts: tuple[tuple[str, float, bool], ...]  # word, usable share of the gross area, indoor
    person_m2: float


# Class areas a person: GB 51143-2015 as remembered, usable shares proposed; both to be confirmed.
_SHELTER_SORTS = (
    _ShelterSort("central", "long", 1, (420_000, 460_000), (("中心公园", 0.5, False),), 4.5),
    _ShelterSort("long", "long", 4, (96_000, 128_000), (("体育公园", 0.5, False),), 4.5),
    _ShelterSort("medium", "medium", 14, (15_000, 26_000), (("中学操场", 0.8, False), ("公园", 0.5, False)), 3.0),
    _ShelterSort(
        "short",
        "short",
        30,
        (4_000, 11_000),
        (("小学操场", 0.8, False), ("体育馆", 0.6, True), ("学校教学楼", 0.55, True)),
        2.0,
    ),
    _ShelterSort(
        "emergency",
        "day",
        71,
        (2_000, 13_000),
        (("广场", 0.7, False), ("街头绿地", 0.4, False), ("小区活动场地", 0.7, False)),
        0.5,
    ),
)


def make_shelters(sites: Sites, enterprises: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """120 shelters where people live, away from the dangerous enterprises."""
    risky = enterprises[enterprises["risk_level"].isin(["major"])][["x", "y"]].to_numpy()
    safe = ~is_near(shapely.MultiPoint(risky), shapely.points(sites.xy), 600.0)
    records: list[dict[str, Any]] = []
    for sort in _SHELTER_SORTS:
        apart = {"central": 0.0, "long": 3000.0, "medium": 1500.0, "short": 800.0}.get(sort.code, 450.0)
        weight = np.where(safe, sites.people**0.6, 0.0)
        if sort.code in ("central", "long"):
            weight = np.where(safe & (sites.built > 0.15) & (sites.built < 0.6), 1.0, 0.0)
        chosen = sites.take(weight, sort.count, rng, apart_m=apart)
        area = np.round(rng.uniform(*sort.area_m2, len(chosen)), -1)
        kinds = rng.integers(len(sort.sorts), size=len(chosen))
        for site, gross, kind in zip(chosen.tolist(), area.tolist(), kinds.tolist(), strict=True):
            word, usable, indoor = sort.sorts[kind]
            number = len(records) + 1
            effective = round(gross * usable, 1)
            street = plan.STREETS[sites.street[site]].name
            records.append(
                {
                    "id": f"S-{number:03d}",
                    "name": f"{street}示意{word}{number:03d}",
                    "class": sort.code,
                    "area_m2": gross,
                    "effective_area_m2": effective,
                    "capacity": int(np.floor(effective / sort.person_m2)),
                    "stay": sort.stay,
                    "indoor": indoor,
                    "address": f"{street}(示意地址)",
                    "contact": "场所管理值班室",
                    "phone": f"{PHONE_PREFIX}{3000 + number:04d}",
                    "x": sites.xy[site, 0],
                    "y": sites.xy[site, 1],
                }
            )
    return pd.DataFrame(records)


def make_routes(roads: Roads, town: Town, shelters: pd.DataFrame) -> pd.DataFrame:
    """From every village along the streets to its nearest shelter, and one to every other shelter."""
    highway = roads.rows["highway"].to_numpy(dtype=str)
    walk = ~np.char.startswith(highway[roads.edge_row], "motorway")
    tail, head, row = roads.tail[walk], roads.head[walk], roads.edge_row[walk]
    n = len(roads.node_xy)
    length = np.maximum(np.hypot(*(roads.node_xy[tail] - roads.node_xy[head]).T), 0.01)
    low, high = np.minimum(tail, head), np.maximum(tail, head)
    order = np.lexsort((length, high, low))
    low, high, length, row = low[order], high[order], length[order], row[order]
    first = np.concatenate([[True], (np.diff(low) != 0) | (np.diff(high) != 0)])
    low, high, length, row = low[first], high[first], length[first], row[first]
    graph = csr_array((length, (low, high)), shape=(n, n))
    width = {
        (a, b): ROAD_WIDTHS_M[h] for a, b, h in zip(low.tolist(), high.tolist(), highway[row].tolist(), strict=True)
    }
    on_foot = np.unique(np.concatenate([low, high]))
    shelter_node = on_foot[_nearest(roads.node_xy[on_foot], shelters[["x", "y"]].to_numpy())]
    village_node = on_foot[_nearest(roads.node_xy[on_foot], town.point_xy)]
    reachable = np.hypot(*(roads.node_xy[village_node] - town.point_xy).T) < 500.0
    shelter_at = {int(node): k for k, node in reversed(list(enumerate(shelter_node)))}
    _, back, source = dijkstra(
        graph, directed=False, indices=np.unique(shelter_node), min_only=True, return_predecessors=True
    )
    found: list[tuple[int, int, list[int]]] = []
    for v in np.flatnonzero(reachable).tolist():
        path = _path(back, int(village_node[v]))
        if len(path) > 1:
            found.append((v, shelter_at[int(source[village_node[v]])], path))
    served = {shelter for _, shelter, _ in found}
    for k in range(len(shelters)):
        if k in served:
            continue
        distance, before = dijkstra(
            graph, directed=False, indices=shelter_node[k : k + 1], return_predecessors=True, limit=15_000.0
        )
        walked = distance[0, village_node]
        away = np.where(reachable & (walked > 0), walked, np.inf)
        v = int(np.argmin(away))
        found.append((v, k, _path(before[0], int(village_node[v]))))
    found.sort(key=lambda item: (item[1], item[0]))
    ids, names = shelters["id"].tolist(), shelters["name"].tolist()
    records = []
    for number, (v, shelter, path) in enumerate(found, 1):
        widths = [width[(a, b) if a < b else (b, a)] for a, b in itertools.pairwise(path)]
        records.append(
            {
                "id": f"R-{number:03d}",
                "name": f"{town.name[v].removesuffix('(示意)')}至{names[shelter]}",
                "shelter_id": ids[shelter],
                "width_m": min(widths),
                "geometry": shapely.LineString(roads.node_xy[path]),
            }
        )
    return pd.DataFrame(records)


def _nearest(xy: Floats, places: Floats) -> Ints:
    (place, node) = shapely.STRtree(shapely.points(xy)).query_nearest(shapely.points(places), all_matches=False)
    result = np.zeros(len(places), dtype=np.int64)
    result[place] = node
    return result


def _path(back: Any, node: int) -> list[int]:
    path = [node]
    while (node := int(back[node])) >= 0:
        path.append(node)
    return path


# street, type, skills, duty, own turnout in seconds; three streets are left without any team.
_TEAMS: tuple[tuple[str, str, str, str, int | None], ...] = (
    ("和平桥街道", "fire", "firefighting;collapse;water_rescue;medical", "24h", None),
    ("钟秀街道", "fire", "firefighting;collapse", "24h", None),
    ("学田街道", "fire", "firefighting;confined_space;collapse", "24h", None),
    ("唐闸镇街道", "fire", "firefighting;collapse;flood", "24h", None),
    ("观音山街道", "fire", "firefighting;hazmat;confined_space", "24h", None),
    ("港闸开发区", "fire", "firefighting;hazmat;water_rescue", "24h", 75),
    ("天生港镇街道", "enterprise", "firefighting;hazmat", "24h", None),
    ("港闸开发区", "enterprise", "hazmat;confined_space;gas_repair", "08:00-20:00", 240),
    ("城东街道", "street", "flood;road_clearing", "24h", None),
    ("和平桥街道", "street", "flood;power_repair", "24h", None),
    ("任港街道", "street", "flood;water_rescue", "24h", None),
    ("新城桥街道", "street", "flood;gas_repair", "24h", None),
    ("虹桥街道", "street", "flood;road_clearing;power_repair", "24h", None),
    ("学田街道", "street", "flood;communications", "1-5 08:00-18:00", None),
    ("钟秀街道", "street", "flood;road_clearing", "24h", 720),
    ("文峰街道", "street", "flood;confined_space", "07:00-21:00", None),
    ("永兴街道", "street", "flood;road_clearing", "24h", None),
    ("唐闸镇街道", "street", "flood;collapse", "1-5 08:00-18:00;6-7 09:00-17:00", None),
    ("天生港镇街道", "street", "flood;water_rescue", "24h", None),
    ("秦灶街道", "street", "flood;road_clearing", "07:00-22:00", None),
    ("幸福街道", "street", "flood;road_clearing;medical", "24h", 900),
    ("市北高新区", "street", "communications;power_repair", "1-5 08:30-17:30", None),
    ("城东街道", "social", "water_rescue;medical", "08:00-22:00", None),
    ("虹桥街道", "social", "collapse;medical;communications", "24h", 2400),
)
_TEAM_WORDS = {
    "fire": "消防救援站",
    "enterprise": "企业专职队",
    "street": "应急救援队",
    "social": "社会救援队",
}


def make_teams(sites: Sites, rng: np.random.Generator) -> pd.DataFrame:
    """24 teams beside main roads."""
    records: list[dict[str, Any]] = []
    for number, (street, sort, skills, duty, turnout) in enumerate(_TEAMS, 1):
        s = next(i for i, known in enumerate(plan.STREETS) if known.name == street)
        here = (sites.street == s) & sites.is_main_road
        weight = np.where(here, sites.industry + 0.05 if sort == "enterprise" else sites.built + 0.05, 0.0)
        site = int(sites.take(weight, 1, rng)[0])
        records.append(
            {
                "id": f"T-{number:02d}",
                "name": f"{street}示意{_TEAM_WORDS[sort]}",
                "type": sort,
                "street": street,
                "skills": skills,
                "turnout_s": turnout,
                "duty": duty,
                "address": f"{street}(示意地址)",
                "contact": "值班室",
                "phone": f"{PHONE_PREFIX}{4000 + number:04d}",
                "x": sites.xy[site, 0],
                "y": sites.xy[site, 1],
            }
        )
    frame = pd.DataFrame(records)
    frame["turnout_s"] = frame["turnout_s"].astype("Int64")
    return frame


_HOSPITALS = (
    ("三级", 1900, 2),
    ("二级", 680, 4),
    ("社区卫生", 90, 6),
)


def make_hospitals(sites: Sites, rng: np.random.Generator) -> pd.DataFrame:
    """12 hospitals where people live."""
    records: list[dict[str, Any]] = []
    for grade, beds, count in _HOSPITALS:
        weight = np.where(sites.is_main_road, sites.people ** (0.5 if grade == "社区卫生" else 1.0), 0.0)
        for site in sites.take(weight, count, rng, apart_m=1600.0).tolist():
            number = len(records) + 1
            street = plan.STREETS[sites.street[site]].name
            word = "社区卫生服务中心" if grade == "社区卫生" else f"{grade}医院"
            records.append(
                {
                    "id": f"H-{number:02d}",
                    "name": f"示意{word}{number:02d}",
                    "beds": int(round(beds * rng.uniform(0.75, 1.25), -1)),
                    "address": f"{street}(示意地址)",
                    "contact": "总值班室",
                    "phone": f"{PHONE_PREFIX}{5000 + number:04d}",
                    "x": sites.xy[site, 0],
                    "y": sites.xy[site, 1],
                }
            )
    return pd.DataFrame(records)


def _utc(today: date, days: int, hour: int) -> datetime:
    """A local hour so many days from today, in UTC."""
    return (datetime.combine(today, time(hour), _CHINA) + timedelta(days=days)).astimezone(UTC)


def make_closures(roads: Roads, today: date) -> pd.DataFrame:
    """One closure that is over, two in force (one slows only), one to come."""
    rows = roads.rows
    lines = rows["geometry"].to_numpy()

    def piece(name: str, *, bridge: bool, at: tuple[float, float]) -> Any:
        fit = np.flatnonzero((rows["name"] == name).to_numpy() & (rows["bridge"].to_numpy() == bridge))
        place = shapely.Point(local([at])[0])
        return lines[int(fit[np.argmin(shapely.distance(lines[fit], place))])]

    bridge = piece("外滩桥路", bridge=True, at=(-1.45, -7.4))
    ahead = piece("工农路", bridge=True, at=(-1.6, 3.5))
    works = shapely.line_interpolate_point(piece("钟秀路", bridge=False, at=(0.9, 2.3)), 0.5, normalized=True)
    slow = piece("滨江路", bridge=False, at=(0.5, -7.3))
    slow = shapely.LineString(shapely.get_coordinates(slow)[:6])
    records = [
        ("C-01", "危桥封闭检修: 外滩桥(示意)", _utc(today, -2, 6), _utc(today, 9, 6), 0.0, bridge),
        ("C-02", "沥青摊铺, 单侧通行: 滨江路(示意)", _utc(today, -1, 7), _utc(today, 3, 19), 0.5, slow),
        ("C-03", "桥面夜间施工: 工农路通吕运河桥(示意)", _utc(today, 2, 22), _utc(today, 3, 6), 0.0, ahead),
        ("C-04", "管道抢修, 已结束: 钟秀路(示意)", _utc(today, -20, 8), _utc(today, -18, 18), 0.0, works),
    ]
    return pd.DataFrame(records, columns=["id", "reason", "from_utc", "to_utc", "factor", "geometry"])
