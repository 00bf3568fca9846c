"""The report of ten lines that the start command prints: what is loaded and what follows from it."""

from collections.abc import Iterator
from datetime import datetime

import numpy as np

from geo.crs import to_lonlat
from layers import analyses
from layers.catalogue import REASON_TEXTS
from layers.district import District, View
from layers.listing import share_text

_SHOWN = 3  # names listed before "and n more"


def _listed(names: list[str]) -> str:
    head = "、".join(names[:_SHOWN])
    return head + (f" 等 {len(names)} 个" if len(names) > _SHOWN else "")


def lines(district: District, *, at: datetime | None = None) -> Iterator[str]:
    """Ten lines in Chinese; every number is computed from the store now."""
    view = district.view()
    moment = district.local(at)
    demo = " 【示意数据】" if district.demo else ""
    yield f"{district.name}{demo}  数据版本 {view.revision}  时刻 {moment:%Y-%m-%d %H:%M %z}"
    count = {
        "街道": "street",
        "村(社区)": "village",
        "企业": "enterprise",
        "避难场所": "shelter",
        "疏散通道": "evacuation_route",
        "仓库": "depot",
        "队伍": "team",
        "医院": "hospital",
    }
    yield "已装入: " + ", ".join(f"{zh} {len(view.frame(table)):,}" for zh, table in count.items())
    network = view.network
    yield (
        f"路网: 路口 {len(network.node_xy_m):,}, 路段 {len(network.edge_tail):,}, "
        f"总长 {float(network.edge_length_m.sum()) / 1000:,.0f} km, 引擎 {view.travel(moment).engine}"
    )
    places = "villages" if len(view.frame("village")) else "cells"
    result = analyses.coverage(district, limit_s=3600.0, skill=None, at=moment, places=places)
    found = result.to_json()
    totals = found["totals"]
    if totals["covered_share"] is None:
        yield "一小时覆盖: 没有村(社区)或人口数据, 无法计算"
    else:
        yield (
            f"一小时覆盖: {totals['covered_persons']:,} / {totals['persons']:,} 人 "
            f"({share_text(totals['covered_share'])}), {totals['covered_places']} / {totals['places']} 处"
        )
    uncovered = [place for place in found["places"] if not place["covered"]]
    named = [f"{p['name'] or p['id']}({REASON_TEXTS[p['reason']].zh})" for p in uncovered]
    yield "未覆盖: " + (_listed(named) if named else "无")
    quick = [p["total_s"] for p in found["places"] if p["total_s"] is not None]
    backup = sum(1 for p in found["places"] if p["backup_teams"] > 0)
    slowest = f", 最慢 {max(quick) / 60:.1f} 分钟" if quick else ""
    yield f"后备: {backup} / {totals['places']} 处另有队伍也能在一小时内到达{slowest}"
    bare = [row["street"] for row in found["by_street"] if row["teams"] == 0 and row["street"]]
    yield "没有队伍的街道(园区): " + (_listed(bare) if bare else "无")
    yield _supply_example(district, view, moment)
    lots = view.frame("lot")
    today = moment.date().isoformat()
    expired = int((lots["expires_on"].fillna("9999") < today).sum()) if len(lots) else 0
    yield f"库存: {len(lots):,} 批, {lots['item_id'].nunique()} 种, 已过期 {expired} 批 (不计入可用)"
    yield f"待落点(有地址无坐标): {len(analyses.unplaced(district))} 处"


def _supply_example(district: District, view: View, at: datetime) -> str:
    """One plan: the first item of the catalogue with much stock, to the point nearest the middle."""
    lots = view.frame("lot")
    if len(lots) == 0 or len(view.network.node_xy_m) == 0:
        return "物资示例: 没有库存或路网"
    item_id = str(lots.groupby("item_id")["on_hand_e3"].sum().sort_index().idxmax())
    stock_e3 = int(lots.loc[lots["item_id"] == item_id, "on_hand_e3"].sum())
    quantity = max(1, stock_e3 // 2000)
    nodes = view.network.node_xy_m
    middle = nodes[int(np.argmin(((nodes - np.median(nodes, axis=0)) ** 2).sum(axis=1)))]
    lon, lat = to_lonlat([middle], epsg=district.epsg)[0]
    plan = analyses.supply(district, lonlat=(float(lon), float(lat)), needs={item_id: quantity}, within_s=3600.0, at=at)
    line = plan["lines"][0]
    item = view.frame("item").set_index("id").loc[item_id]
    depots = len({row["depot_id"] for row in line["from"]})
    ready = "—" if line["ready_s"] is None else f"{line['ready_s'] / 60:.1f} 分钟"
    return (
        f"物资示例: {item['name']} {quantity:,} {item['unit']} 送到 {lon:.4f},{lat:.4f}, 60 分钟内: "
        f"{depots} 个仓库出 {line['allocated']:,}, 全部到达 {ready}, 缺 {line['short']:,}"
    )
