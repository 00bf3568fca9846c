"""Words of what-if results: kinds, tables, columns and codes, in both languages."""

from typing import Any

from data.kinds import KINDS as RECORD_KINDS
from data.kinds import RISK_LEVELS, SHELTER_CLASSES, SKILLS
from layers.actions.accounts import COMMAND_LINE
from layers.catalogue import REASON_TEXTS
from layers.layer import Lang, Text
from layers.permissions import SYSTEM
from layers.whatif.layers import CANDIDATE_SOURCES, NO_PLACE, ROAD_CLASSES, SHELTER_OUT, SHORTFALLS
from layers.whatif.scenario import AS_IT_IS, shipped_scenarios
from layers.whatif.scenarios import BANDS, MEASURE_TEXTS

KINDS: dict[str, Text] = {
    "scenarios": Text("各情景覆盖", "coverage under scenarios"),
    "n_minus_1": Text("N-1 薄弱环节", "N-1: what breaks the coverage"),
    "siting": Text("选址", "siting"),
    "stocking": Text("储备布局", "stocking"),
    "evacuation": Text("疏散", "evacuation"),
}

TABLES: dict[str, Text] = {
    "shares": Text("一小时份额", "shares within the hour"),
    "bands": Text("按时段", "by band of time"),
    "places": Text("逐地点", "place by place"),
    "links": Text("路段", "links"),
    "teams": Text("队伍", "teams"),
    "moves": Text("去向", "who goes where"),
    "steps": Text("走法", "the ways, street by street"),
    "missing": Text("没有位置", "without a place"),
    "shelters": Text("避难场所", "shelters"),
    "villages": Text("村(社区)", "villages"),
    "link_places": Text("断路后变差的地点", "places worse off without a link"),
    "team_places": Text("缺队后变差的地点", "places worse off without a team"),
    "villages_on_one_road": Text("单路维系的村(社区)", "villages on one road"),
    "sites": Text("选中的点", "chosen sites"),
    "given_up": Text("不再保留的队伍", "teams given up"),
    "curve": Text("覆盖曲线", "curve of coverage"),
    "candidates": Text("备选点", "candidates"),
    "packs": Text("应购清单", "packs to buy"),
    "depots": Text("各仓库", "depots"),
    "deliveries": Text("谁从哪里得到什么", "who gets what from where"),
    "short": Text("缺口与超时", "short or late"),
}

COLUMNS: dict[str, Text] = {
    "scenario": Text("情景", "scenario"),
    "skill": Text("能力", "skill"),
    "measure": Text("统计量", "measure"),
    "unit": Text("单位", "unit"),
    "total": Text("总量", "total"),
    "within_hour": Text("一小时内", "within the hour"),
    "share": Text("份额", "share"),
    "second_within_hour": Text("第二支一小时内", "second team within the hour"),
    "second_share": Text("第二支份额", "share, second team"),
    "band": Text("时段 (分)", "band (min)"),
    "first": Text("首支到达", "first team"),
    "second": Text("第二支到达", "second team"),
    "first_share": Text("首支份额", "share, first team"),
    "id": Text("编号", "id"),
    "name": Text("名称", "name"),
    "street": Text("街道", "street"),
    "persons": Text("人口", "persons"),
    "amount": Text("权重", "weight"),
    "change": Text("变化", "change"),
    "village_id": Text("村(社区)编号", "village id"),
    "village": Text("村(社区)", "village"),
    "part": Text("危险区内外", "in or out of the zone"),
    "shelter_id": Text("场所编号", "shelter id"),
    "shelter": Text("避难场所", "shelter"),
    "shelter_street": Text("场所街道", "street of the shelter"),
    "road_m": Text("路程 (m)", "on roads (m)"),
    "legs_m": Text("路外 (m)", "off roads (m)"),
    "walk_m": Text("步行 (m)", "walked (m)"),
    "travel_s": Text("途中 (秒)", "travel (s)"),
    "wait_s": Text("排队或候车 (秒)", "queue or waiting (s)"),
    "clear_s": Text("途中与排队 (秒)", "travel and queue (s)"),
    "at_most_s": Text("至多 (秒)", "at most (s)"),
    "warn_s": Text("预警 (秒)", "warning (s)"),
    "prep_s": Text("准备 (秒)", "preparation (s)"),
    "total_s": Text("全部到达 (秒)", "all there (s)"),
    "narrow_road": Text("最窄处", "narrowest road"),
    "narrow_m": Text("其宽度 (m)", "its width (m)"),
    "narrow_persons": Text("经过它的人数", "persons on it"),
    "trips": Text("车次", "trips"),
    "beyond_standard": Text("超过标准距离", "beyond the standard"),
    "reenters": Text("再次经过危险区", "touches the zone again"),
    "route": Text("经过", "by way of"),
    "step": Text("步", "step"),
    "distance_m": Text("米", "m"),
    "turn": Text("转向", "turn"),
    "heading": Text("朝向", "heading"),
    "by_day": Text("按白天人口", "daytime persons"),
    "sheltered": Text("有位置 (人)", "with a place"),
    "shelters_used": Text("启用的场所", "shelters used"),
    "shelters_full": Text("已满的场所", "shelters full"),
    "person_h": Text("总人时 (小时)", "person-hours"),
    "mean_s": Text("平均途中 (秒)", "mean travel (s)"),
    "last_travel_s": Text("最远一程 (秒)", "longest travel (s)"),
    "at_least_s": Text("不会早于 (秒)", "not before (s)"),
    "villages": Text("村(社区)数", "villages"),
    "villages_split": Text("拆分的村(社区)", "villages split"),
    "reentering": Text("再次经过危险区的起点", "starts that touch the zone again"),
    "is_proven": Text("已证明最优", "proven best"),
    "most_sheltered": Text("至多有位置 (人)", "at most with a place"),
    "least_person_h": Text("人时下界 (小时)", "least person-hours"),
    "contact": Text("联系人", "contact"),
    "phone": Text("电话", "telephone"),
    "shelter_contact": Text("场所联系人", "contact of the shelter"),
    "shelter_phone": Text("场所电话", "telephone of the shelter"),
    "missing": Text("没有位置 (人)", "without a place"),
    "reason": Text("原因", "reason"),
    "nearest": Text("最近的场所", "nearest shelter"),
    "nearest_s": Text("到它 (秒)", "to it (s)"),
    "moved": Text("有位置 (人)", "with a place"),
    "share_in": Text("在危险区内的份额", "share in the zone"),
    "shelters": Text("场所数", "shelters"),
    "class": Text("类别", "class"),
    "stay": Text("避难时长", "stay"),
    "effective_m2": Text("有效面积 (m²)", "effective area (m2)"),
    "places": Text("容量 (人)", "places"),
    "basis": Text("容量依据", "the places rest on"),
    "load": Text("安置 (人)", "load"),
    "free": Text("余位 (人)", "free"),
    "entrance_m": Text("需要的出入口净宽 (m)", "entrance needed (m)"),
    "out": Text("不启用的原因", "why it is out"),
    "near": Text("邻近的重大危险源", "major hazard near by"),
    "near_m": Text("距离 (m)", "distance (m)"),
    "limit_m": Text("应大于 (m)", "to be more than (m)"),
    "lon": Text("经度", "longitude"),
    "lat": Text("纬度", "latitude"),
    "address": Text("地址", "address"),
    # N-1
    "rank": Text("名次", "rank"),
    "link": Text("路段", "link"),
    "link_name": Text("路名", "road"),
    "highway": Text("道路等级", "class of road"),
    "is_bridge": Text("桥梁", "bridge"),
    "length_m": Text("长度 (m)", "length (m)"),
    "used_by_persons": Text("首到队伍经过此路 (人)", "first team comes this way (persons)"),
    "lost_persons": Text("失去时限 (人)", "lose the limit (persons)"),
    "lost_places": Text("失去时限的地点数", "places that lose the limit"),
    "lost_beyond_persons": Text("断后超时, 不在路上 (人)", "late without it, not on it (persons)"),
    "lost_on_link_persons": Text("断后超时, 就在路上 (人)", "late without it, on it (persons)"),
    "cut_persons": Text("无队伍可达 (人)", "reached by no team (persons)"),
    "cut_places": Text("无队伍可达的地点数", "places reached by no team"),
    "delay_person_min": Text("增加的人·分钟", "person-minutes later"),
    "team_id": Text("队伍编号", "team id"),
    "first_for_persons": Text("由它最先到达 (人)", "it is first for (persons)"),
    "place_id": Text("地点编号", "place id"),
    "place_name": Text("地点", "place"),
    "outcome": Text("断后", "without it"),
    "was_within": Text("原在时限内", "was within the limit"),
    "on_link": Text("就在路上", "on the link"),
    "is_own": Text("自己门前的路", "its own road"),
    "before_s": Text("原来 (秒)", "before (s)"),
    "after_s": Text("之后 (秒)", "after (s)"),
    "team_before": Text("原来最快", "first team before"),
    "team_after": Text("之后最快", "first team after"),
    "covered_persons": Text("时限内 (人)", "within the limit (persons)"),
    "teams": Text("队伍数", "teams"),
    "links": Text("路段数", "links"),
    "links_in_use": Text("在用路段", "links in use"),
    "links_recounted": Text("重算的路段", "links recounted"),
    "bridges": Text("桥梁", "bridges"),
    "bridges_in_use": Text("在用桥梁", "bridges in use"),
    "links_with_loss": Text("断后有人失去时限的路段", "links that cost somebody the limit"),
    "bridges_with_loss": Text("其中桥梁", "bridges of them"),
    "teams_with_loss": Text("缺了有人失去时限的队伍", "teams that cost somebody the limit"),
    "most_lost_persons": Text("一处最多失去 (人)", "most lost by one (persons)"),
    "places_on_one_road": Text("单路维系的地点", "places on one road"),
    "persons_on_one_road": Text("单路维系 (人)", "persons on one road"),
    "places_on_one_other_road": Text("其中不是自己门前的路", "of them on a road not their own"),
    # siting
    "model": Text("目标", "aim"),
    "source": Text("来源", "source"),
    "on_road": Text("可接入道路", "on a road"),
    "added_persons": Text("单独增加 (人)", "added alone (persons)"),
    "served_persons": Text("由它最先到达 (人)", "it is first for (persons)"),
    "new_sites": Text("新增队伍", "new teams"),
    "given_up": Text("不再保留的队伍", "teams given up"),
    "bound": Text("界", "bound"),
    "is_optimal": Text("已证明最优", "proven best"),
    "backup_is_optimal": Text("后备已证明最优", "backup proven best"),
    "sites": Text("点", "sites"),
    "total_before_s": Text("原来到达 (秒)", "arrival before (s)"),
    "total_after_s": Text("之后到达 (秒)", "arrival after (s)"),
    "covered_before": Text("原来覆盖", "covered before"),
    "covered_after": Text("之后覆盖", "covered after"),
    "teams_before": Text("原来时限内队伍", "teams within before"),
    "teams_after": Text("之后时限内队伍", "teams within after"),
    "reason_before": Text("原来的原因", "reason before"),
    "reason_after": Text("之后的原因", "reason after"),
    "beyond": Text("选哪里都到不了", "beyond every site"),
    "teams_there": Text("计入的现有队伍", "teams that count"),
    "before_travel_s": Text("新队伍接警到出动 (秒)", "alarm to departure of a new team (s)"),
    "candidates": Text("备选点数", "candidates"),
    "covered_share_before": Text("原来覆盖份额", "share covered before"),
    "covered_share_after": Text("之后覆盖份额", "share covered after"),
    "gain_persons": Text("新增覆盖 (人)", "persons gained"),
    "backup_before": Text("原来有第二支 (人)", "second team before (persons)"),
    "backup_after": Text("之后有第二支 (人)", "second team after (persons)"),
    "mean_before_s": Text("原来平均 (秒)", "mean before (s)"),
    "mean_after_s": Text("之后平均 (秒)", "mean after (s)"),
    "worst_before_s": Text("原来最远 (秒)", "worst before (s)"),
    "worst_after_s": Text("之后最远 (秒)", "worst after (s)"),
    "has_capacity": Text("有可服务人数", "with persons served"),
    "no_site_persons": Text("无路可达 (人)", "reached from nowhere (persons)"),
    "too_far_persons": Text("到处超时 (人)", "too far from everywhere (persons)"),
    "objective": Text("目标值", "value of the aim"),
    "gap": Text("差距", "gap"),
    "new_cost": Text("造价合计", "cost of the new sites"),
    # stocking
    "depot_id": Text("仓库编号", "depot id"),
    "depot": Text("仓库", "depot"),
    "item_id": Text("物资编号", "item id"),
    "item": Text("物资", "item"),
    "packs": Text("应购 (包)", "packs to buy"),
    "units": Text("数量", "units"),
    "held_packs": Text("已有 (包)", "packs held"),
    "volume_m3": Text("体积 (m³)", "volume (m3)"),
    "cost": Text("费用", "cost"),
    "used_before_m3": Text("已占 (m³)", "in use (m3)"),
    "used_after_m3": Text("备齐后占 (m³)", "in use afterwards (m3)"),
    "takes_more": Text("可再入库", "takes more"),
    "arrival_s": Text("送达 (秒)", "arrival (s)"),
    "in_time": Text("时限内", "in time"),
    "need": Text("需要", "needed"),
    "short": Text("缺", "short"),
    "late": Text("超时", "late"),
    "depots": Text("仓库数", "depots"),
    "depots_without_room": Text("不再增加的仓库", "depots that take no more"),
    "persons_times_items": Text("人口 × 物资", "persons times items"),
    "in_time_share": Text("时限内满足", "met in time"),
    "delivered_share": Text("总共满足", "met at all"),
    "in_time_bound": Text("时限内至多满足", "met in time at most"),
    "short_units": Text("缺 (件)", "short (units)"),
    "late_units": Text("超时 (件)", "late (units)"),
    "budget": Text("预算 (元)", "budget (yuan)"),
    "villages_short": Text("有缺口的村(社区)", "villages that are short"),
}

ASKED: dict[str, Text] = {
    "at": Text("时刻", "moment"),
    "scenario": Text("情景", "scenario"),
    "scenarios": Text("情景", "scenarios"),
    "limit_s": Text("时限", "limit"),
    "skill": Text("能力", "skill"),
    "places": Text("覆盖对象", "who is reached"),
    "busiest": Text("重算的路段数", "links to recount"),
    "network": Text("路网", "roads"),
    "add": Text("新增数量", "new teams"),
    "budget": Text("预算", "budget"),
    "model": Text("目标", "aim"),
    "type": Text("新队伍类型", "type of the new teams"),
    "turnout_s": Text("出动时间", "turnout"),
    "covers": Text("每处需要的队伍数", "teams that each place needs"),
    "keep_teams": Text("现有队伍固定", "teams that are there stay"),
    "time_limit_s": Text("求解时限", "time for solving"),
    "candidates": Text("备选点", "candidates"),
    "candidate_ids": Text("备选点编号", "ids of the candidates"),
    "items": Text("物资", "items"),
    "affected_share": Text("受灾比例", "share affected"),
    "evacuated_share": Text("转移比例", "share evacuated"),
    "days": Text("天数", "days"),
    "needs": Text("需求", "needs"),
    "zone": Text("危险区", "zone"),
    "zone_title": Text("危险区名称", "name of the zone"),
    "who": Text("谁撤离", "who leaves"),
    "share": Text("转移比例", "share that leaves"),
    "stay": Text("避难时长", "stay"),
    "on": Text("方式", "on foot or by bus"),
    "walk_m_s": Text("步行速度", "walking speed"),
    "most_walk_m": Text("步行上限", "cap on the walk"),
    "objective": Text("目标", "aim"),
    "together": Text("不拆分", "kept together"),
    "buses": Text("车辆数", "buses"),
    "seats": Text("每车座位", "seats"),
}
"""What a question asked for."""

MAKERS: dict[str, Text] = {
    COMMAND_LINE.id: Text(COMMAND_LINE.name, "command line"),
    SYSTEM.id: Text(SYSTEM.name, "system"),
    "onemap run": Text("首次启动", "first start"),
}
"""Who makes a result without an account."""

PLACES: dict[str, Text] = {
    "villages": Text("村(社区)", "villages"),
    "cells": Text("人口单元", "population cells"),
    "enterprises": Text("企业", "enterprises"),
}

BEYOND: dict[str, Text] = {
    "no_site": Text("没有道路可达", "no road from any team or candidate"),
    "too_far": Text("任何队伍和备选点都超过时限", "later than the limit from every team and candidate"),
}
"""Why no choice of sites covers a place."""

PHASES: dict[str, Text] = {
    "waiting": Text("准备", "getting ready"),
    "sites": Text("选点", "choosing the sites"),
    "proof": Text("逐地点核算", "proving place by place"),
    "curve": Text("覆盖曲线", "the curve of coverage"),
    "packs": Text("分配", "placing the packs"),
    "saving": Text("保存", "saving"),
}
"""What a question is at while it is solved."""

YES, NO = Text("是", "yes"), Text("否", "no")

CODES: dict[str, Text] = {
    "any": Text("任一队伍", "any team"),
    **{choice.code: Text(choice.zh, choice.en) for choice in (*SKILLS, *RISK_LEVELS)},
    **{scenario.id: scenario.title for scenario in (AS_IT_IS, *shipped_scenarios().values())},
    **MEASURE_TEXTS,
    "gained": Text("新出现", "new"),
    "lost": Text("不再有", "gone"),
    "changed": Text("改变", "changed"),
    BANDS[-1]: Text("60 以上", BANDS[-1]),
    "in": Text("内", "in"),
    "out": Text("外", "out"),
    **NO_PLACE,
    **SHELTER_OUT,
    "registered": Text("登记", "register"),
    "effective_area": Text("有效面积", "effective area"),
    "gross_area": Text("占地面积", "gross area"),
    "class_limit": Text("该类上限", "limit of its class"),
    "day": Text("1天内", "up to 1 day"),
    "short": Text("短期", "short stay"),
    "medium": Text("中期", "medium stay"),
    "long": Text("长期", "long stay"),
    **{
        choice.code: Text(choice.zh, choice.en) for choice in SHELTER_CLASSES if choice.code in ("emergency", "central")
    },
}

_CODES_OF: dict[str, dict[str, Text]] = {
    "siting": {**REASON_TEXTS, **CANDIDATE_SOURCES, **BEYOND},
    "stocking": dict(SHORTFALLS),
    "n_minus_1": {**ROAD_CLASSES, "cut": Text("无队伍可达", "no team comes"), "late": Text("超过时限", "too late")},
}
"""Codes that mean something else, or only anything, in one kind of result."""

_OF_TABLE = {kind.table: Text(kind.zh, kind.en) for kind in RECORD_KINDS.values()}
_CODED = (
    *("scenario", "skill", "measure", "band", "change", "part", "reason", "basis", "out", "class", "stay"),
    *("reason_before", "reason_after", "source", "beyond", "outcome", "highway"),
)
_ENDINGS = (
    ("_first_s", Text("首支 (秒)", "first (s)")),
    ("_second_s", Text("第二支 (秒)", "second (s)")),
    ("_old", Text("原", "old")),
    ("_new", Text("新", "new")),
    ("_change", Text("差", "difference")),
)


def word(table: dict[str, Text], key: str, lang: Lang) -> str:
    """What a key is called; itself where it has no words."""
    return table[key].to(lang) if key in table else key


def column_title(name: str, lang: Lang) -> str:
    """What a column is called: one of its own, or a skill or column with an ending."""
    if name in COLUMNS:
        return COLUMNS[name].to(lang)
    for ending, text in _ENDINGS:
        stem = name.removesuffix(ending)
        if stem != name and (stem in COLUMNS or stem in CODES or any(stem.endswith(other) for other, _ in _ENDINGS)):
            known = word(CODES, stem, lang) if stem in CODES else column_title(stem, lang)
            return f"{known} {text.to(lang)}"
    return name


def shown(name: str, value: Any, lang: Lang, *, kind: str = "") -> Any:
    """A value of a column of a kind of result: codes in words, all else as it is."""
    if isinstance(value, bool):
        return (YES if value else NO).to(lang)
    if name not in _CODED or not isinstance(value, str):
        return value
    own = _CODES_OF.get(kind, {})
    return own[value].to(lang) if value in own else word(CODES, value, lang)


def maker(made_by: str, lang: Lang) -> str:
    """Who made a result: an account as it is, the command line and the system in words."""
    return word(MAKERS, made_by, lang)


def store_tables(names: list[str], lang: Lang) -> list[str]:
    """Tables of the store by what their records are called."""
    return [word(_OF_TABLE, name, lang) for name in names]
