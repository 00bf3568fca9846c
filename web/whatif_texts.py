"""Words of what-if results: kinds, tables, columns and codes, in both languages."""

from typing import Any

from data.kinds import KINDS as RECORD_KINDS
from data.kinds import RISK_LEVELS, SHELTER_CLASSES, SKILLS
from layers.layer import Lang, Text
from layers.whatif.layers import NO_PLACE, SHELTER_OUT
from layers.whatif.scenario import AS_IT_IS, shipped_scenarios
from layers.whatif.scenarios import BANDS, MEASURE_TEXTS

KINDS: dict[str, Text] = {
    "scenarios": Text("各情景覆盖", "coverage under scenarios"),
    "n_minus_1": Text("N-1 薄弱环节", "N-1: what breaks the coverage"),
    "siting": Text("选址", "siting"),
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
}

CODES: dict[str, Text] = {
    "any": Text("任一队伍", "any team"),
    **{choice.code: Text(choice.zh, choice.en) for choice in (*SKILLS, *RISK_LEVELS)},
    **{scenario.id: scenario.title for scenario in (AS_IT_IS, *shipped_scenarios().values())},
    **MEASURE_TEXTS,
    "gained": Text("新增", "gained"),
    "lost": Text("减少", "lost"),
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

_OF_TABLE = {kind.table: Text(kind.zh, kind.en) for kind in RECORD_KINDS.values()}
_CODED = ("scenario", "skill", "measure", "band", "change", "part", "reason", "basis", "out", "class", "stay")
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


def shown(name: str, value: Any, lang: Lang) -> Any:
    """A value of a column: codes in words, all else as it is."""
    return word(CODES, value, lang) if name in _CODED and isinstance(value, str) else value


def store_tables(names: list[str], lang: Lang) -> list[str]:
    """Tables of the store by what their records are called."""
    return [word(_OF_TABLE, name, lang) for name in names]
