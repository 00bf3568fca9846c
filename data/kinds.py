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
    stored: str = ""  # the database column, where it is not the name (quantities: the name and _e3)


@dataclass(frozen=True)
class Kind:
    """One kind of record: the import's name, its table, geometry and columns.

    ``geometry`` lists the accepted geometry types, empty for kinds without a place.
    ``replaces`` is true where the file has no external ids, so that an import replaces the
    whole set unless it is told to append. ``anywhere`` is true where places far outside the
    district belong to it. ``from_sheet`` is false where the rows are not typed or drawn but made
    when a file of another sort is brought in. ``reports_place`` is true where a device tells the
    place (``position_utc`` says of when it is). ``ordered`` names pairs of columns of which the
    first is at most the second, where both are given; a bound of 0 that stands for none is none.
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
    anywhere: bool = False
    from_sheet: bool = True
    reports_place: bool = False
    ordered: tuple[tuple[str, str], ...] = ()

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

AGREEMENT_MODES = (
    Choice("contract", "协议储备", "contract stock", ("协议", "代储")),
    Choice("production", "产能储备", "production capacity", ("产能", "生产能力")),
)

RESERVE_MODES = (Choice("goods", "实物储备", "goods in the depot", ("实物",)), *AGREEMENT_MODES)

VEHICLE_TYPES = (
    Choice("van", "厢式货车", "van", ("厢货",)),
    Choice("truck", "载货汽车", "truck", ("货车", "卡车")),
    Choice("tanker", "罐车", "tanker", ("水车", "油罐车")),
    Choice("boat", "船艇", "boat", ("冲锋舟", "船")),
    Choice("other", "其他", "other"),
)

DEVICE_TYPES = (
    Choice("position", "定位终端", "position tracker", ("定位", "GPS", "北斗")),
    Choice("count", "计数器", "counter", ("计数", "RFID")),
    Choice("door", "门磁", "door contact", ("门",)),
    Choice("temperature", "温度计", "thermometer", ("温度",)),
)

RELIEF_BASES = (
    Choice("affected", "受灾人口", "persons affected", ("受灾", "影响人口")),
    Choice("evacuated", "转移安置人口", "persons evacuated", ("转移", "安置人口", "转移人口")),
)

ORDER_STATES = (
    Choice("reserved", "已预留", "reserved"),
    Choice("expired", "预留已过期", "reservation expired"),
    Choice("cancelled", "已取消", "cancelled"),
    Choice("ordered", "已下单", "ordered"),
    Choice("issued", "已出库", "issued"),
    Choice("in_transit", "在途", "in transit"),
    Choice("late", "晚点", "late"),
    Choice("lost", "失联", "lost"),
    Choice("partly_received", "部分签收", "partly received"),
    Choice("received", "已签收", "received"),
    Choice("settled", "已结清", "settled"),
)
"""What a transfer order can be; `data.orders.TRANSITIONS` says how it gets from one to the other."""

ACCOUNT_ROLES = ("viewer", "dispatcher", "keeper", "planner", "administrator")

STAYS = (
    Choice("day", "1天内", "up to 1 day"),
    Choice("short", "短期", "short stay"),
    Choice("medium", "中期", "medium stay"),
    Choice("long", "长期", "long stay"),
)

FIRE_CLASSES = (
    Choice("A", "甲类", "class A", ("甲",)),
    Choice("B", "乙类", "class B", ("乙",)),
    Choice("C", "丙类", "class C", ("丙",)),
    Choice("D", "丁类", "class D", ("丁",)),
    Choice("E", "戊类", "class E", ("戊",)),
)

HAZARDS = (
    Choice("waterlogging", "暴雨内涝", "waterlogging", ("内涝", "积水")),
    Choice("typhoon", "台风", "typhoon"),
    Choice("storm_surge", "长江高潮位/风暴潮", "Yangtze high tide, storm surge", ("风暴潮", "高潮位", "洪水")),
    Choice("convection", "强对流", "severe convection", ("雷电",)),
    Choice("earthquake", "地震", "earthquake"),
    Choice("geological", "地质", "geological", ("坍江", "江岸坍塌", "地面沉降")),
    Choice("fire", "火灾", "fire"),
    Choice("other", "其他", "other"),
)

HAZARD_AREA_KINDS = (
    Choice("zone", "区划", "zone", ("分区",)),
    Choice("unprotected_bank", "未护岸段", "unprotected bank", ("无护岸", "未防护岸段")),
    Choice("subsidence", "地面沉降区", "land subsidence", ("沉降",)),
    Choice("site_class", "场地类别区", "site class", ("场地类别",)),
    Choice("intensity", "地震动参数区", "earthquake intensity zone", ("烈度区",)),
    Choice("underpass", "下穿通道", "underpass", ("下立交",)),
    Choice("inundation", "淹没区", "inundation area", ("淹没范围",)),
    Choice("other", "其他", "other"),
)

BUILDING_USES = (
    Choice("residential", "住宅", "residential", ("居住", "民居")),
    Choice("office", "办公", "office"),
    Choice("commercial", "商业", "commercial", ("商铺", "商场")),
    Choice("school", "学校", "school", ("教育",)),
    Choice("hospital", "医院", "hospital", ("医疗",)),
    Choice("factory", "厂房", "factory", ("工业",)),
    Choice("warehouse", "仓库", "warehouse", ("仓储",)),
    Choice("other", "其他", "other"),
)

STRUCTURES = (
    Choice("steel_concrete", "钢混", "steel and concrete", ("钢筋混凝土", "钢混结构", "钢结构")),
    Choice("mixed", "混合", "mixed", ("砖混", "混合结构")),
    Choice("brick_wood", "砖木", "brick and wood", ("砖木结构", "木结构")),
    Choice("other", "其他", "other"),
)

LIFELINE_TYPES = (
    Choice("pumping_station", "排涝泵站", "pumping station", ("泵站",)),
    Choice("substation", "变电站", "substation", ("变电所",)),
    Choice("water_works", "水厂", "water works", ("自来水厂",)),
    Choice("gas_station", "燃气门站/调压站", "gas station", ("燃气站", "门站", "调压站")),
    Choice("telecom", "通信枢纽", "telecommunication site", ("通信", "基站")),
    Choice("bridge", "桥梁", "bridge"),
    Choice("school", "学校", "school"),
    Choice("other", "其他", "other"),
)

DANGER_STATES = (
    Choice("open", "未消除", "open", ("在册", "整改中")),
    Choice("closed", "已消除", "closed", ("销号", "已整改")),
)

VERTICAL_DATUMS = (
    Choice("none", "无", "none", ("不是高程",)),
    Choice("wusong", "吴淞高程", "Wusong", ("吴淞", "吴淞基面")),
    Choice("cgvd1985", "1985国家高程基准", "1985 national height datum", ("85高程", "1985", "国家85")),
    Choice("other", "其他", "other"),
)

PROVENANCES = (
    Choice("standard", "标准规范", "standard", ("标准", "规范")),
    Choice("cited", "文献", "cited", ("引用", "F")),
    Choice("computed", "计算", "computed", ("推算", "C")),
    Choice("remembered", "记忆(待核对)", "remembered, to be confirmed", ("待核对", "M")),
    Choice("proposed", "建议(待核对)", "proposed, to be confirmed", ("建议", "P")),
    Choice("decided", "本区确定", "decided here", ("本地", "本区")),
)

LEVEL_BOUND = 1_000_000_000

_ID = Column("id", "编号", "id", required=True, help_zh="长期不变的唯一编号", aliases=("ID", "编码", "代码", "code"))
_NAME = Column("name", "名称", "name", required=True, aliases=("名字", "Name", "单位名称", "企业名称"))
_CONTACT = Column("contact", "联系人", "contact", aliases=("负责人", "管理人"))
_PHONE = Column("phone", "电话", "phone", aliases=("联系电话", "手机"))
_ADDRESS = Column("address", "地址", "address", aliases=("详细地址",), help_zh="没有坐标时据此落点")


_ITEM = Column("item_id", "物资编号", "item id", required=True, references="item.id")
_REFERENCE = Column("reference", "出处", "reference", aliases=("来源", "依据"))
_PROVENANCE = Column(
    "provenance",
    "来历",
    "provenance",
    "choice",
    True,
    choices=PROVENANCES,
    help_zh="记忆和建议的数值须核对后才能当作标准",
    help_en="what is remembered or proposed is no standard until it is confirmed",
)


def _persons(name: str, zh: str, en: str, required: bool = False, aliases: tuple[str, ...] = ()) -> Column:
    return Column(name, zh, en, "integer", required, "人", 0, LEVEL_BOUND, aliases=aliases)


def _wan(name: str, zh: str, en: str, aliases: tuple[str, ...] = ()) -> Column:
    return Column(name, zh, en, "number", False, "万元", 0, LEVEL_BOUND, aliases=aliases)


_HAZARD = Column("hazard", "灾种", "hazard", "choice", True, choices=HAZARDS, aliases=("灾害类型", "灾害种类"))


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
                _persons(
                    "persons_0_14", "0-14岁人口", "persons of 0 to 14", aliases=("0-14岁人数", "少儿人口", "0-14岁")
                ),
                _persons(
                    "persons_65_over",
                    "65岁及以上人口",
                    "persons of 65 and over",
                    aliases=("65岁及以上人数", "65岁（含）以上人数", "65岁(含)以上人数", "老年人口", "65岁以上人口"),
                ),
                _wan("gdp_wan", "地区生产总值", "gross product", aliases=("GDP", "生产总值")),
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
                Column(
                    "fire_class",
                    "火灾危险性类别",
                    "fire hazard class",
                    "choice",
                    choices=FIRE_CLASSES,
                    help_zh="生产或储存的火灾危险性, 甲、乙、丙、丁、戊类",
                    help_en="of production or storage, A (highest) to E",
                    aliases=("火灾危险性", "火险类别"),
                ),
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
                Column(
                    "other_names",
                    "又名",
                    "other names",
                    help_zh="人们怎么叫它, 用分号隔开, 例如: 沙袋;防汛袋; 检索时一并查找",
                    help_en="what people call it, parted by semicolons; found in searches too",
                    aliases=("别名", "俗称"),
                ),
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
                _ITEM,
                Column("lot", "批号", "lot", required=True, aliases=("批次", "批次号")),
                Column("quantity", "数量", "quantity", "quantity", True, "", 0, LEVEL_BOUND, stored="on_hand_e3"),
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
            "packs",
            "pack",
            "包装规格",
            "packs",
            (),
            (
                _ITEM,
                Column("pack", "包装", "pack", required=True, aliases=("包装名称",), help_zh="如 箱、托"),
                Column("quantity", "每包数量", "units per pack", "quantity", True, "", 0.001, LEVEL_BOUND),
            ),
            key=("item_id", "pack"),
        ),
        Kind(
            "substitutes",
            "substitute",
            "替代物资",
            "substitutes",
            (),
            (
                _ITEM,
                Column("substitute_id", "替代物资编号", "substitute id", required=True, references="item.id"),
                Column(
                    "quantity",
                    "原物资数量",
                    "quantity replaced",
                    "quantity",
                    True,
                    "",
                    0.001,
                    LEVEL_BOUND,
                    help_zh="如两台",
                    help_en="such as two pumps",
                ),
                Column(
                    "substitute_quantity",
                    "替代数量",
                    "substitute quantity",
                    "quantity",
                    True,
                    "",
                    0.001,
                    LEVEL_BOUND,
                    help_zh="由一台大泵替代",
                    help_en="replaced by one larger pump",
                ),
                _REFERENCE,
            ),
            key=("item_id", "substitute_id"),
        ),
        Kind(
            "stock_levels",
            "stock_level",
            "库存限额",
            "stock levels",
            (),
            (
                Column("depot_id", "仓库编号", "depot id", required=True, references="depot.id"),
                _ITEM,
                Column("minimum", "下限", "minimum", "quantity", True, "", 0, LEVEL_BOUND, help_zh="低于下限即报缺"),
                Column("target", "目标", "target", "quantity", False, "", 0, LEVEL_BOUND, default=0),
                _REFERENCE,
            ),
            key=("depot_id", "item_id"),
            ordered=(("minimum", "target"),),
        ),
        Kind(
            "reserve_targets",
            "reserve_target",
            "储备目录清单",
            "reserve list",
            (),
            (
                Column("version", "版本", "version", required=True),
                Column("level", "级别", "level", "choice", True, choices=DEPOT_LEVELS),
                Column("owner", "责任单位", "owner", required=True, help_zh="区、街道(园区)或村(社区)名称"),
                _ITEM,
                Column("mode", "储备方式", "mode", "choice", True, choices=RESERVE_MODES, default="goods"),
                Column("minimum", "下限", "minimum", "quantity", False, "", 0, LEVEL_BOUND, default=0),
                Column("target", "目标", "target", "quantity", True, "", 0, LEVEL_BOUND),
                Column("maximum", "上限", "maximum", "quantity", False, "", 0, LEVEL_BOUND, default=0),
                Column("valid_from", "生效日期", "valid from", "date", True, help_zh="含当日"),
                Column("valid_to", "失效日期", "valid to", "date", help_zh="不含当日; 空着为长期"),
                _PROVENANCE,
                _REFERENCE,
            ),
            key=("version", "level", "owner", "item_id", "mode"),
            ordered=(("minimum", "target"), ("target", "maximum"), ("valid_from", "valid_to")),
        ),
        Kind(
            "agreements",
            "agreement",
            "协议与产能储备",
            "contract stock and production capacity",
            ("Point",),
            (
                _ID,
                Column("name", "供应单位", "supplier", required=True, aliases=("名称", "企业名称", "单位名称")),
                _ITEM,
                Column("mode", "储备方式", "mode", "choice", True, choices=AGREEMENT_MODES),
                Column(
                    "quantity",
                    "数量",
                    "quantity",
                    "quantity",
                    True,
                    "",
                    0,
                    LEVEL_BOUND,
                    help_zh="协议储备为总量, 产能储备为每天产量",
                    help_en="contract stock: in all; production: a day",
                ),
                Column("lead_h", "调用时间", "call-off time", "number", True, "h", 0, 8_760, help_zh="到此时才算有货"),
                Column("valid_from", "生效日期", "valid from", "date", help_zh="含当日"),
                Column("valid_to", "失效日期", "valid to", "date", help_zh="不含当日; 空着为长期"),
                _ADDRESS,
                _CONTACT,
                _PHONE,
            ),
            geometry_required=False,
            anywhere=True,
            ordered=(("valid_from", "valid_to"),),
        ),
        Kind(
            "relief_standards",
            "relief_standard",
            "救助标准",
            "relief standards",
            (),
            (
                _ITEM,
                Column("basis", "计算人口", "counted persons", "choice", True, choices=RELIEF_BASES),
                Column("quantity", "每人数量", "per person", "quantity", True, "", 0, LEVEL_BOUND),
                Column(
                    "is_daily",
                    "按天",
                    "a day",
                    "boolean",
                    default=True,
                    help_zh="是: 每人每天; 否: 每人一次",
                    help_en="yes: per person and day; no: per person once",
                ),
                _PROVENANCE,
                _REFERENCE,
            ),
            key=("item_id", "basis"),
        ),
        Kind(
            "vehicles",
            "vehicle",
            "运输车辆",
            "vehicles",
            ("Point",),
            (
                _ID,
                Column("name", "车牌", "number plate", required=True, aliases=("名称", "车牌号", "船名")),
                Column("type", "类型", "type", "choice", choices=VEHICLE_TYPES, default="truck"),
                Column("depot_id", "所属仓库", "depot id", references="depot.id", aliases=("仓库编号",)),
                Column("volume_m3", "容积", "volume", "number", False, "m3", 0, LEVEL_BOUND),
                Column("contact", "驾驶员", "driver", aliases=("联系人", "司机")),
                _PHONE,
                Column("position_utc", "定位时间", "position at", "datetime"),
            ),
            geometry_required=False,
            anywhere=True,
            reports_place=True,
        ),
        Kind(
            "devices",
            "device",
            "监测终端",
            "devices",
            (),
            (
                _ID,
                _NAME,
                Column("type", "类型", "type", "choice", True, choices=DEVICE_TYPES),
                Column("vehicle_id", "车辆编号", "vehicle id", references="vehicle.id"),
                Column("depot_id", "仓库编号", "depot id", references="depot.id"),
                Column("item_id", "物资编号", "item id", references="item.id", help_zh="计数器所数的物资"),
                Column("minimum", "量程下限", "lowest reading", "number", help_zh="更低的读数不采信"),
                Column("maximum", "量程上限", "highest reading", "number", help_zh="更高的读数不采信"),
                Column("alarm_below", "低于即报警", "alarm below", "number"),
                Column("alarm_above", "高于即报警", "alarm above", "number"),
            ),
            ordered=(("minimum", "maximum"), ("alarm_below", "alarm_above")),
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
                Column(
                    "raster",
                    "积水深度栅格",
                    "raster of water depth",
                    help_zh="填已导入的水深栅格代码时按水深逐段封闭或减速, 图形只用于显示",
                ),
            ),
            ordered=(("from_utc", "to_utc"),),
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
        Kind(
            "waterlogging_spots",
            "waterlogging_spot",
            "积水点",
            "waterlogging spots",
            ("Point",),
            (
                _ID,
                _NAME,
                Column("depth_m", "积水深度", "depth of water", "number", False, "m", 0, 10),
                Column("flooded_on", "积水日期", "flooded on", "date", aliases=("发生日期", "日期")),
                Column("cause", "原因", "cause", aliases=("积水原因",)),
                _persons("persons", "受影响人数", "persons concerned", aliases=("影响人数",)),
            ),
        ),
        Kind(
            "buildings",
            "building",
            "房屋建筑",
            "buildings",
            ("Polygon", "MultiPolygon"),
            (
                _ID,
                Column("name", "名称", "name", aliases=("名字", "Name", "建筑名称")),
                Column(
                    "use", "用途", "use", "choice", choices=BUILDING_USES, aliases=("房屋用途", "建筑用途", "building")
                ),
                Column(
                    "storeys",
                    "层数",
                    "storeys",
                    "integer",
                    False,
                    "层",
                    0,
                    200,
                    aliases=("地上层数", "building:levels"),
                ),
                Column(
                    "structure", "结构", "structure", "choice", choices=STRUCTURES, aliases=("结构类型", "房屋结构")
                ),
                Column(
                    "year_built",
                    "建成年份",
                    "year built",
                    "integer",
                    False,
                    "",
                    1000,
                    2200,
                    aliases=("建造年代", "年代"),
                ),
                Column("floor_area_m2", "建筑面积", "floor area", "number", False, "m2", 0, LEVEL_BOUND),
                _persons("residents", "居住人数", "residents", aliases=("居住人口",)),
            ),
        ),
        Kind(
            "storm_tracks",
            "storm_track",
            "台风路径",
            "storm tracks",
            ("Point",),
            (
                Column("storm_id", "台风编号", "storm id", required=True, aliases=("编号", "SID", "sid")),
                Column("name", "台风名称", "storm name", aliases=("名称", "NAME")),
                Column(
                    "time_utc",
                    "时间",
                    "time",
                    "datetime",
                    True,
                    help_zh="请写时区, 例如 2022-09-14T12:00Z; 不写按本区时区",
                    help_en="with its zone, such as 2022-09-14T12:00Z; without one the district's is taken",
                    aliases=("时间(UTC)", "ISO_TIME"),
                ),
                Column(
                    "wind_m_s", "最大风速", "maximum wind", "number", False, "m/s", 0, 150, help_zh="近中心最大持续风速"
                ),
                Column("pressure_hpa", "中心气压", "central pressure", "number", False, "hPa", 800, 1100),
                Column(
                    "radius_km",
                    "最大风速半径",
                    "radius of maximum wind",
                    "number",
                    False,
                    "km",
                    0,
                    2000,
                    aliases=("Rmax",),
                ),
            ),
            key=("storm_id", "time_utc"),
            anywhere=True,
        ),
        Kind(
            "capacity",
            "capacity",
            "减灾能力",
            "disaster-reduction capacity",
            (),
            (
                Column(
                    "street",
                    "街道",
                    "street",
                    required=True,
                    references="street.name",
                    aliases=("街道(园区)", "所属街道", "乡镇"),
                ),
                Column("year", "年份", "year", "integer", True, "", 1949, 2200, aliases=("年度",)),
                _persons("staff", "灾害管理工作人员", "disaster management staff", aliases=("灾害管理工作人员数",)),
                Column("risk_assessed", "开展风险评估", "risk assessed", "boolean", aliases=("是否开展风险评估",)),
                _wan("funds_wan", "防灾减灾救灾资金", "funds of the past year", ("上年防灾减灾救灾资金",)),
                _wan("supplies_wan", "储备物资折合金额", "value of the supplies held", ("现有储备物资折合金额",)),
                Column(
                    "beds",
                    "住院床位",
                    "hospital beds",
                    "integer",
                    False,
                    "张",
                    0,
                    LEVEL_BOUND,
                    aliases=("实有住院床位数",),
                ),
                _persons("firefighters", "消防员", "firefighters", aliases=("消防员数",)),
                _persons("volunteers", "志愿者", "volunteers", aliases=("志愿者数",)),
                _persons("militia", "民兵预备役", "militia and reserve", aliases=("民兵",)),
                Column(
                    "drill_persons",
                    "培训和演练人次",
                    "attendances at training and drills",
                    "integer",
                    False,
                    "人次",
                    0,
                    LEVEL_BOUND,
                    help_zh="上年",
                    help_en="in the past year",
                    aliases=("上年培训和演练参与人次",),
                ),
                _persons("shelter_places", "避难场所容量", "places in shelters", aliases=("本级避难场所容量",)),
            ),
            key=("street", "year"),
        ),
        Kind(
            "hazard_areas",
            "hazard_area",
            "灾害分区",
            "hazard areas",
            ("Polygon", "MultiPolygon", "LineString"),
            (
                _ID,
                _NAME,
                _HAZARD,
                Column(
                    "kind",
                    "类别",
                    "kind",
                    "choice",
                    choices=HAZARD_AREA_KINDS,
                    default="zone",
                    help_zh="线只用于岸段等, 分析时按缓冲距离展开",
                    aliases=("类型",),
                ),
                Column(
                    "level",
                    "等级",
                    "level",
                    "integer",
                    False,
                    "",
                    1,
                    5,
                    help_zh="1 低 … 5 高",
                    help_en="1 low to 5 high",
                ),
                Column("value", "数值", "value", "number", help_zh="例如峰值加速度、沉降速率, 单位另填"),
                Column("unit", "数值单位", "unit of the value", aliases=("单位",)),
            ),
        ),
        Kind(
            "lifelines",
            "lifeline",
            "生命线设施",
            "lifelines",
            ("Point", "LineString"),
            (
                _ID,
                _NAME,
                Column("type", "类型", "type", "choice", True, choices=LIFELINE_TYPES, aliases=("类别",)),
                Column("capacity", "规模", "capacity", "number", False, "", 0, LEVEL_BOUND, aliases=("能力",)),
                Column("capacity_unit", "规模单位", "unit of the capacity", aliases=("单位",)),
            ),
        ),
        Kind(
            "hidden_dangers",
            "hidden_danger",
            "重点隐患",
            "hidden dangers",
            ("Point",),
            (
                _ID,
                _NAME,
                _HAZARD,
                Column("impact_radius_m", "影响半径", "radius of impact", "number", False, "m", 0, 100_000),
                Column("reported_on", "上报日期", "reported on", "date", aliases=("排查日期",)),
                Column("state", "状态", "state", "choice", choices=DANGER_STATES, default="open"),
            ),
        ),
        Kind(
            "rasters",
            "raster",
            "栅格数据",
            "rasters",
            (),
            (
                Column("code", "代码", "code", required=True, aliases=("栅格代码",)),
                Column("title", "标题", "title", required=True),
                Column("quantity", "要素", "quantity", required=True),
                Column("unit", "单位", "unit", help_zh="无量纲时空着"),
                Column("vertical_datum", "高程基准", "vertical datum", "choice", True, choices=VERTICAL_DATUMS),
                Column("epsg", "EPSG代码", "EPSG code", "integer", True, "", 1024, 998_999),
                Column("rows", "行数", "rows", "integer", True, "", 1, LEVEL_BOUND),
                Column("cols", "列数", "columns", "integer", True, "", 1, LEVEL_BOUND),
                Column("left", "左边界", "left edge", "number", True),
                Column("top", "上边界", "upper edge", "number", True),
                Column("dx", "格宽", "cell width", "number", True),
                Column("dy", "格高", "cell height", "number", True),
                Column("sha256", "数值摘要", "hash of the values", required=True),
                Column("file", "文件", "file", required=True),
            ),
            key=("code",),
            from_sheet=False,
        ),
        Kind(
            "parameters",
            "parameter",
            "参数",
            "parameters",
            (),
            (
                Column("version", "版本", "version", required=True, aliases=("参数版本",)),
                Column("code", "代码", "code", required=True, aliases=("参数代码",)),
                Column("value", "数值", "value", "number", True),
                Column("unit", "单位", "unit"),
                _PROVENANCE,
                _REFERENCE,
                Column("effective_from", "生效日期", "effective from", "date", True, help_zh="含当日"),
                Column("effective_to", "失效日期", "effective to", "date", help_zh="不含当日; 空着为长期"),
            ),
            key=("version", "code", "effective_from"),
        ),
        Kind(
            "zoning_corrections",
            "zoning_correction",
            "区划修正",
            "zoning corrections",
            (),
            (
                Column("scheme", "方案", "scheme", required=True),
                Column("unit", "区划单元", "zoning unit", required=True, aliases=("单元",)),
                Column(
                    "level",
                    "等级",
                    "level",
                    "integer",
                    True,
                    "",
                    1,
                    5,
                    help_zh="1 低 … 5 高",
                    help_en="1 low to 5 high",
                ),
                Column("reason", "理由", "reason", required=True, aliases=("修正理由",)),
                Column("author", "修正人", "author", aliases=("姓名",)),
                Column("decided_on", "修正日期", "decided on", "date", aliases=("日期",)),
            ),
            key=("scheme", "unit"),
        ),
    )
}
