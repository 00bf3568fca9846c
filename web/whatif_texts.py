"""Words of what-if results: kinds, tables, columns and codes, in both languages."""

from typing import Any

from data.kinds import KINDS as RECORD_KINDS
from data.kinds import RISK_LEVELS, SKILLS
from layers.layer import Lang, Text
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
}

_OF_TABLE = {kind.table: Text(kind.zh, kind.en) for kind in RECORD_KINDS.values()}
_CODED = ("scenario", "skill", "measure", "band", "change")
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
