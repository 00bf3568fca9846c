"""Every kind of record that can be imported, declared once.

The import template, the validation of a file, the database columns, the docs page and the
layer fields all follow from this table. A column has one name from the file to the map.
"""

from dataclasses import dataclass
from typing import Literal

FieldType = Literal["text", "integer", "number", "quantity", "boolean", "choice", "choices", "date", "datetime", "duty"]


@dataclass(frozen=True)
class Choice:
    """One allowed value: the stored code, its Chinese and English name, other spellings accepted."""

    code: str
    zh: str
    en: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Column:
    """One column of a kind: stored name, Chinese header, type, unit and bounds (both included)."""

    name: str
    zh: str
    en: str
    type: FieldType = "text"
    required: bool = False
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[Choice, ...] = ()
    default: str | int | float | bool | None = None
    help_zh: str = ""
    help_en: str = ""
    references: str = ""  # "table.column": the value must be there already (or in the same file)
    aliases: tuple[str, ...] = ()  # other headers accepted on import


@dataclass(frozen=True)
class Kind:
    """One kind of record: the import's name, its table, geometry and columns.

    ``geometry`` lists the accepted geometry types, empty for kinds without a place.
    ``replaces`` is true where the file has no external ids, so that an import replaces the
    whole set unless it is told to append.
    """

    name: str
    table: str
    zh: str
    en: str
    geometry: tuple[str, ...]
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ("id",)
    replaces: bool = False
    geometry_required: bool = True

    def column(self, name: str) -> Column:
        """The column called `name`; KeyError where there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


RISK_LEVELS = (
    Choice("major", "重大", "major", ("重大风险", "红", "红色", "red", "1", "Ⅰ", "I", "一级")),
    Choice("considerable", "较大", "considerable", ("较大风险", "橙", "橙色", "orange", "2", "Ⅱ", "II", "二级")),
    Choice("general", "一般", "general", ("一般风险", "黄", "黄色", "yellow", "3", "Ⅲ", "III", "三级")),
    Choice("low", "低", "low", ("低风险", "蓝", "蓝色", "blue", "4", "Ⅳ", "IV", "四级")),
)

ENTERPRISE_CATEGORIES = (
    Choice("hazardous_chemicals", "危险化学品", "hazardous chemicals", ("危化品", "危化")),
    Choice("ammonia_refrigeration", "涉氨制冷", "ammonia refrigeration"),
    Choice("combustible_dust", "粉尘涉爆", "combustible dust", ("涉爆粉尘",)),
    Choice(
        "aluminium_casting",
        "铝加工(深井铸造)",
        "deep-well aluminium casting",
        ("深井铸造", "铝加工（深井铸造）"),
    ),
    Choice("induction_furnace", "中频炉", "induction furnace"),
    Choice("confined_space", "有限空间", "confined space"),
    Choice("explosive_workplace", "易燃易爆作业场所", "flammable or explosive workplace", ("高危作业场所",)),
    Choice("rented_factory", "出租厂房", "rented factory building"),
    Choice("energy_storage", "储能电站", "energy storage station"),
    Choice("private_cinema", "私人影院", "private cinema"),
    Choice("gas_user", "燃气使用场所", "gas-using place", ("瓶改电", "瓶改管", "餐饮燃气")),
    Choice("fireworks_wholesale", "烟花爆竹批发", "fireworks wholesale"),
    Choice("other_industry", "其他工贸", "other industry and trade", ("工贸", "一般工贸")),
)

SHELTER_CLASSES = (
    Choice("emergency", "紧急", "emergency", ("紧急避难场所", "临时疏散点")),
    Choice("short", "固定·短期", "fixed, short stay", ("固定短期", "短期")),
    Choice("medium", "固定·中期", "fixed, medium stay", ("固定中期", "中期")),
    Choice("long", "固定·长期", "fixed, long stay", ("固定长期", "长期")),
    Choice("central", "中心", "central", ("中心避难场所",)),
)

DEPOT_LEVELS = (
    Choice("community", "社区", "community", ("村", "村(社区)", "社区级")),
    Choice("street", "街道", "street", ("街道级", "街道(园区)")),
    Choice("district", "区", "district", ("区级",)),
    Choice("city", "市", "city", ("市级",)),
)

TEAM_TYPES = (
    Choice("fire", "消防站", "fire station", ("消防", "消防救援站")),
    Choice("enterprise", "企业专职队", "enterprise team", ("企业", "企业队")),
    Choice("street", "街道专业队", "street professional team", ("街道", "街道(园区)专业队")),
    Choice("social", "社会救援力量", "volunteer rescue force", ("社会", "社会力量")),
)

SKILLS = (
    Choice("firefighting", "灭火", "firefighting"),
    Choice("hazmat", "危化堵漏洗消", "hazmat leak control and decontamination", ("危化", "堵漏", "洗消")),
    Choice("flood", "防汛排涝", "flood control and pumping", ("防汛", "排涝")),
    Choice("water_rescue", "水上救援", "water rescue"),
    Choice("collapse", "破拆", "breaking and earthquake rescue", ("地震", "破拆/地震", "地震破拆")),
    Choice("confined_space", "有限空间", "confined-space rescue"),
    Choice("power_repair", "电力抢修", "power repair"),
    Choice("gas_repair", "燃气抢修", "gas repair"),
    Choice("medical", "医疗转运", "medical transfer", ("医疗",)),
    Choice("communications", "通信保障", "communications support", ("通信",)),
    Choice("road_clearing", "道路抢通", "road clearing"),
)

LOT_STATUSES = (
    Choice("usable", "可用", "usable", ("在库-可用", "正常", "合格")),
    Choice("quarantined", "待检", "quarantined", ("隔离",)),
    Choice("recalled", "召回", "recalled"),
    Choice("damaged", "损坏", "damaged"),
    Choice("expired", "过期", "expired"),
)

STAYS = (
    Choice("day", "1天内", "up to 1 day"),
    Choice("short", "短期", "short stay"),
    Choice("medium", "中期", "medium stay"),
    Choice("long", "长期", "long stay"),
)

LEVEL_BOUND = 1_000_000_000

_ID = Column("id", "编号", "id", required=True, help_zh="长期不变的唯一编号", aliases=("ID", "编码", "代码", "code"))
_NAME = Column("name", "名称", "name", required=True, aliases=("名字", "Name", "单位名称", "企业名称"))
_CONTACT = Column("contact", "联系人", "contact", aliases=("负责人", "管理人"))
_PHONE = Column("phone", "电话", "phone", aliases=("联系电话", "手机"))
_ADDRESS = Column("address", "地址", "address", aliases=("详细地址",), help_zh="没有坐标时据此落点")


def _persons(name: str, zh: str, en: str, required: bool = False) -> Column:
    return Column(name, zh, en, "integer", required, "人", 0, LEVEL_BOUND)


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "boundary",
            "boundary",
            "行政边界",
            "district boundary",
            ("Polygon", "MultiPolygon"),
            (Column("name", "名称", "name", aliases=("名字", "Name")),),
            key=(),
            replaces=True,
        ),
        Kind(
            "water",
            "water",
            "水系",
            "water",
            ("Polygon", "MultiPolygon", "LineString", "MultiLineString"),
            (
                Column("name", "名称", "name"),
                Column("kind", "类别", "kind", aliases=("类型", "waterway", "natural")),
            ),
            key=(),
            replaces=True,
        ),
        Kind(
            "villages",
            "village",
            "村(社区)",
            "villages and communities",
            ("Polygon", "MultiPolygon", "Point"),
            (
                _ID,
                _NAME,
                Column(
                    "street",
                    "街道",
                    "street",
                    required=True,
                    aliases=("街道(园区)", "所属街道", "乡镇"),
                    help_zh="街道(园区)名称, 没有的会自动建立",
                ),
                _persons("persons", "常住人口", "resident persons", required=True),
                _persons("persons_day", "白天人口", "daytime persons"),
                _CONTACT,
                _PHONE,
            ),
        ),
        Kind(
            "cells",
            "cell",
            "人口格网点",
            "population cells",
            ("Point",),
            (_ID, _persons("persons", "人口", "persons", required=True)),
        ),
        Kind(
            "enterprises",
            "enterprise",
            "企业",
            "enterprises",
            ("Point",),
            (
                _ID,
                _NAME,
                Column("categories", "类别", "categories", "choices", choices=ENTERPRISE_CATEGORIES),
                Column(
                    "risk_level",
                    "风险等级",
                    "risk level",
                    "choice",
                    choices=RISK_LEVELS,
                    help_zh="重大/较大/一般/低 (红橙黄蓝)",
                ),
                Column("workers_on_shift", "当班人数", "workers on shift", "integer", False, "人", 0, 1_000_000),
                Column(
                    "substances",
                    "危险物质",
                    "substances",
                    help_zh="简要列出, 数量另见“危险物质”表",
                    aliases=("物质",),
                ),
                _ADDRESS,
                _CONTACT,
                _PHONE,
            ),
            geometry_required=False,
        ),
        Kind(
            "substances",
            "substance",
            "危险物质",
            "hazardous substances",
            (),
            (
                Column(
                    "enterprise_id",
                    "企业编号",
                    "enterprise id",
                    required=True,
                    references="enterprise.id",
                ),
                Column("cas", "CAS号", "CAS number"),
                Column("name", "物质名称", "substance name", required=True),
                Column("hazard_class", "危险类别", "hazard class"),
                Column("quantity_t", "设计最大量", "design maximum quantity", "number", True, "t", 0, LEVEL_BOUND),
            ),
            key=("enterprise_id", "name"),
        ),
        Kind(
            "shelters",
            "shelter",
            "避难场所",
            "shelters",
            ("Point",),
            (
                _ID,
                _NAME,
                Column(
                    "class",
                    "类别",
                    "class",
                    "choice",
                    choices=SHELTER_CLASSES,
                    help_zh="GB 51143 类别 (待核对)",
                    aliases=("场所类别",),
                ),
                Column("area_m2", "占地面积", "gross area", "number", False, "m2", 0, LEVEL_BOUND),
                Column(
                    "effective_area_m2",
                    "有效避难面积",
                    "effective area",
                    "number",
                    False,
                    "m2",
                    0,
                    LEVEL_BOUND,
                ),
                Column("capacity", "可容纳人数", "capacity", "integer", False, "人", 0, LEVEL_BOUND),
                Column("stay", "避难时长", "stay", "choice", choices=STAYS),
                Column("indoor", "室内", "indoor", "boolean"),
                _ADDRESS,
                _CONTACT,
                _PHONE,
            ),
            geometry_required=False,
        ),
        Kind(
            "evacuation_routes",
            "evacuation_route",
            "疏散通道",
            "evacuation routes",
            ("LineString", "MultiLineString"),
            (
                _ID,
                _NAME,
                Column("shelter_id", "避难场所编号", "shelter id", required=True, references="shelter.id"),
                Column("width_m", "宽度", "width", "number", False, "m", 0, 1000),
            ),
        ),
        Kind(
            "depots",
            "depot",
            "物资仓库",
            "supply depots",
            ("Point",),
            (
                _ID,
                _NAME,
                Column("level", "级别", "level", "choice", True, choices=DEPOT_LEVELS),
                Column("volume_m3", "容积", "volume", "number", False, "m3", 0, LEVEL_BOUND),
                _ADDRESS,
                _CONTACT,
                _PHONE,
            ),
            geometry_required=False,
        ),
        Kind(
            "items",
            "item",
            "物资目录",
            "item catalogue",
            (),
            (
                _ID,
                _NAME,
                Column("unit", "计量单位", "unit", required=True, aliases=("单位",)),
            ),
        ),
        Kind(
            "lots",
            "lot",
            "库存批次",
            "stock lots",
            (),
            (
                Column("depot_id", "仓库编号", "depot id", required=True, references="depot.id"),
                Column("item_id", "物资编号", "item id", required=True, references="item.id"),
                Column("lot", "批号", "lot", required=True, aliases=("批次", "批次号")),
                Column("quantity", "数量", "quantity", "quantity", True, "", 0, LEVEL_BOUND),
                Column("unit", "计量单位", "unit", aliases=("单位",), help_zh="须与目录一致"),
                Column("reserved", "已预留", "reserved", "quantity", False, "", 0, LEVEL_BOUND, default=0),
                Column("on_hold", "冻结", "on hold", "quantity", False, "", 0, LEVEL_BOUND, default=0),
                Column("status", "状态", "status", "choice", choices=LOT_STATUSES, default="usable"),
                Column(
                    "expires_on",
                    "有效期至",
                    "expires on",
                    "date",
                    help_zh="当日仍可用",
                    help_en="usable on that day",
                ),
                Column("counted_utc", "盘点时间", "counted at", "datetime"),
            ),
            key=("depot_id", "item_id", "lot"),
        ),
        Kind(
            "teams",
            "team",
            "救援队伍",
            "rescue teams",
            ("Point",),
            (
                _ID,
                _NAME,
                Column("type", "类型", "type", "choice", choices=TEAM_TYPES, default="street"),
                Column("street", "街道", "street", aliases=("街道(园区)", "所属街道")),
                Column("skills", "能力", "skills", "choices", choices=SKILLS),
                Column(
                    "turnout_s",
                    "出动时间",
                    "turnout time",
                    "integer",
                    False,
                    "s",
                    0,
                    86_400,
                    help_zh="空着时按队伍类型取默认值",
                ),
                Column(
                    "duty",
                    "值班时段",
                    "duty hours",
                    "duty",
                    default="24h",
                    help_zh="24h 或 08:00-18:00;20:00-22:00, 可加星期: 1-5 08:00-18:00 (1=周一)",
                ),
                _ADDRESS,
                _CONTACT,
                _PHONE,
            ),
            geometry_required=False,
        ),
        Kind(
            "hospitals",
            "hospital",
            "医院",
            "hospitals",
            ("Point",),
            (
                _ID,
                _NAME,
                Column("beds", "床位", "beds", "integer", False, "张", 0, 1_000_000),
                _ADDRESS,
                _CONTACT,
                _PHONE,
            ),
            geometry_required=False,
        ),
        Kind(
            "closures",
            "closure",
            "道路封闭",
            "road closures",
            ("Point", "LineString", "MultiLineString", "Polygon", "MultiPolygon"),
            (
                _ID,
                Column("reason", "原因", "reason", required=True),
                Column("from_utc", "开始时间", "from", "datetime", help_zh="含此刻"),
                Column("to_utc", "结束时间", "to", "datetime", help_zh="不含此刻; 空着为未定"),
                Column(
                    "factor",
                    "通行系数",
                    "factor",
                    "number",
                    False,
                    "",
                    0,
                    1,
                    default=0,
                    help_zh="0 封闭, 0.4 为速度的四成",
                ),
            ),
        ),
        Kind(
            "roads",
            "road",
            "道路",
            "roads",
            ("LineString", "MultiLineString"),
            (
                Column("highway", "道路等级", "road class", required=True, aliases=("fclass", "class", "等级")),
                Column("maxspeed", "限速", "speed limit", "number", False, "km/h", 0, 200),
                Column("oneway", "单行", "one-way", help_zh="yes / no / -1 (与画线方向相反)"),
                Column("bridge", "桥梁", "bridge", "boolean"),
                Column("tunnel", "隧道", "tunnel", "boolean"),
                Column("layer", "层", "level", "integer", False, "", -20, 20),
                Column("name", "路名", "name"),
            ),
            key=(),
            replaces=True,
        ),
    )
}
