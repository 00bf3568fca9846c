"""The starter catalogue of emergency supplies: 62 items with unit, norm and shelf life.

The codes are the project's own. GB/T 38565-2020 codes are seven digits and not filled in: its
code table was not at hand. Norms and shelf lives are proposals, to be confirmed (待核对).
"""

from dataclasses import dataclass
from typing import Literal

NormBasis = Literal["per_1000", "district", "street", "community"]

PROVENANCE = "proposed, to be confirmed (待核对)"
"""Where norms, shelf lives and the units that are not official come from."""


@dataclass(frozen=True)
class CatalogueItem:
    """One item: norm per 1,000 evacuees, per district, per street or per community.

    ``life_months`` is None where nothing expires. ``by_agreement`` items are mostly promised by
    suppliers rather than kept. ``also`` names what is counted beside the unit, ``other_names`` what
    people call it, parted by semicolons.
    """

    id: str
    name: str
    unit: str
    norm: int
    basis: NormBasis
    life_months: int | None
    is_official_unit: bool = False
    by_agreement: bool = False
    also: str = ""
    other_names: str = ""


# id | name | unit (* official) | norm (D district, S street, C community) | life in months | flags
_TABLE = """
P-1-01-01 | 12 m² 救灾帐篷 | 顶* | 40 | 96
P-1-01-02 | 36 m² 指挥/医疗帐篷 | 顶* | 1 | 96
P-1-01-03 | 折叠床 | 张* | 300 | 96
P-1-01-04 | 高低床 | 套* | 50 | 120
P-1-01-05 | 棉被 | 床* | 1000 | 72
P-1-01-06 | 夏凉被/其他被子 | 床* | 600 | 72
P-1-01-07 | 毛毯 | 床* | 600 | 72
P-1-01-08 | 防潮垫 | 张* | 1000 | 72
P-1-01-09 | 凉席/枕头 | 套 | 500 | 48
P-1-01-10 | 彩条布 | 包* | 20 | 36
P-1-02-01 | 棉衣裤 | 套* | 300 | 72
P-1-02-02 | 棉大衣 | 件* | 300 | 72
P-1-02-03 | 其他衣物(含内衣) | 件* | 300 | 60
P-1-02-04 | 雨衣 | 件* | 500 | 48
P-1-02-05 | 雨靴 | 双* | 300 | 36
P-1-03-01 | 瓶装饮用水(550 mL) | 瓶 | 9000 | 12 | agreement
P-1-03-02 | 方便食品(面/饭) | 份 | 9000 | 6 | agreement
P-1-03-03 | 压缩饼干/自热食品 | kg | 500 | 24
P-1-03-04 | 婴儿奶粉/尿不湿 | 套 | 20 | 12
P-1-03-05 | 大米/食用油 | kg | 1500 | 12 | agreement | 食用油 90 L
P-1-04-01 | 家庭应急包 | 个 | 250 | 24
P-1-04-02 | 洗漱/卫生包(含女性用品) | 套 | 1000 | 24
P-1-04-03 | 移动厕所 | 座 | 20 | 120
P-1-04-04 | 净水设备 | 台 | D 2 | 60
P-1-04-05 | 炊事车/野战厨房 | 套 | D 1 | 120
P-2-01-01 | 安全帽 | 顶 | S 50 | 30
P-2-01-02 | 救生衣 | 件 | 200 | 60
P-2-01-03 | 反光背心 | 件 | S 50 | 36
P-2-01-04 | 防护手套/护目镜 | 副 | S 100 | 36
P-2-01-05 | 正压式空气呼吸器 | 套 | D 20 | 36
P-2-01-06 | 重型防化服 | 套 | D 10 | 60
P-2-01-07 | 防毒面具+滤毒罐(NH3 K型, Cl2 B/E型) | 套 | D 100 | 60
P-2-01-08 | 医用/N95 口罩 | 只 | 3000 | 24
P-2-02-01 | 冲锋舟(含机) | 艘 | D 6 | 120
P-2-02-02 | 橡皮艇 | 艘 | S 1 | 96
P-2-02-03 | 救生圈/抛绳器 | 个 | S 20 | 60 | | 抛绳器 2 套
P-2-02-04 | 生命探测仪 | 台 | D 2 | 60
P-2-02-05 | 液压破拆工具组 | 套 | D 4 | 96
P-2-02-06 | 链锯/油锯 | 台 | S 2 | 96
P-2-02-07 | 三脚架+全身安全带(有限空间) | 套 | S 1 | 60
P-2-02-08 | 四合一气体检测仪 | 台 | S 2 | 24
P-2-02-09 | 防爆堵漏工具 | 套 | D 3 | 96
P-2-02-10 | 洗消帐篷/药剂 | 套 | D 2 | 36 | | 药剂 500 kg
P-2-03-01 | 卫星电话 | 部 | D 6 | 60
P-2-03-02 | 数字/模拟对讲机 | 部 | S 10 | 60
P-2-03-03 | 手摇警报器/喊话器 | 个 | C 1 | 60
P-2-03-04 | 单兵图传/布控球 | 套 | S 1 | 60
P-2-03-05 | 无人机 | 架 | D 3 | 36
P-2-04-01 | 发电机 5–10 kW | 台* | S 2 | 96
P-2-04-02 | 照明灯具 | 个* | S 20 | 60
P-2-04-03 | 照明灯组(移动灯塔) | 套* | D 6 | 96
P-2-04-04 | 手电筒 | 支* | 300 | 36
P-2-04-05 | 燃油(定点协议) | L | D 5000 | - | agreement
P-2-05-01 | 急救包/AED | 个 | S 20 | 24 | | AED 1 台
P-2-05-02 | 担架 | 副 | S 4 | 96
P-2-05-03 | 消毒剂 | kg | 50 | 24
P-3-01-01 | 移动泵车 ≥ 500 m³/h | 台 | D 6 | 120
P-3-01-02 | 潜水泵 50–200 m³/h | 台 | S 4 | 96
P-3-01-03 | 编织袋/麻袋 | 只 | S 5000 | 36
P-3-01-04 | 土工布/防雨布 | m² | S 1000 | 48
P-3-01-05 | 砂石料/吸水膨胀袋 | m³ | D 500 | - | | 吸水膨胀袋 5000 只
P-3-02-01 | 挖掘机·装载机·吊车(协议) | 台 | D 24 | - | agreement | 挖掘机 10, 装载机 10, 吊车 4
"""

# As crews ask for it.
_OTHER_NAMES = {
    "P-1-01-03": "行军床",
    "P-1-02-02": "军大衣",
    "P-1-03-01": "矿泉水",
    "P-1-03-02": "方便面",
    "P-1-04-03": "流动厕所",
    "P-2-01-05": "空呼",
    "P-2-02-01": "冲锋艇",
    "P-2-02-02": "皮划艇",
    "P-2-03-01": "卫星手机",
    "P-2-04-03": "移动照明灯塔",
    "P-2-04-04": "手电;电筒",
    "P-2-04-05": "柴油;汽油",
    "P-3-01-01": "龙吸水;排水车",
    "P-3-01-02": "抽水泵;水泵",
    "P-3-01-03": "沙袋;防汛袋",
    "P-3-01-04": "雨布",
}

_BASES: dict[str, NormBasis] = {"D": "district", "S": "street", "C": "community"}


def _parsed(line: str) -> CatalogueItem:
    cells = [cell.strip() for cell in line.split("|")] + [""] * 2
    code, name, unit, norm, life, flags, also = cells[:7]
    letter, _, number = norm.rpartition(" ")
    return CatalogueItem(
        id=code,
        name=name,
        unit=unit.rstrip("*"),
        norm=int(number),
        basis=_BASES.get(letter, "per_1000"),
        life_months=None if life == "-" else int(life),
        is_official_unit=unit.endswith("*"),
        by_agreement=flags == "agreement",
        also=also,
        other_names=_OTHER_NAMES.get(code, ""),
    )


ITEMS: tuple[CatalogueItem, ...] = tuple(_parsed(line) for line in _TABLE.strip().splitlines())
"""All 62 items, in the order of the catalogue."""

FOOD = "P-1-03-"
"""How the codes of food and drinking water begin."""

DIVISIBLE_UNITS = frozenset(
    {"kg", "g", "t", "L", "l", "mL", "ml", "m", "km", "m²", "m2", "m³", "m3"}
    | {"吨", "千克", "公斤", "斤", "克", "升", "毫升", "米", "公里", "平方米", "立方米"}
)
"""Units of which there can be a part; of every other there are whole ones only."""
