"""The declarations of every layer. Adding a layer is one entry here and nothing elsewhere."""

from data.kinds import (
    AGREEMENT_MODES,
    DEPOT_LEVELS,
    DEVICE_TYPES,
    KINDS,
    ORDER_STATES,
    RISK_LEVELS,
    SHELTER_CLASSES,
    TEAM_TYPES,
    Choice,
)
from layers.layer import (
    Categories,
    Computed,
    Field,
    FieldType,
    Hatch,
    Layer,
    Mark,
    Role,
    Shape,
    Single,
    Steps,
    Table,
    Text,
)
from layers.whatif.layers import LAYERS_OF_KIND

_STAFF: frozenset[Role] = frozenset({"dispatcher", "keeper", "planner", "administrator"})
_PRIVATE = {"contact", "phone"}
_TYPES: dict[str, FieldType] = {
    "text": "text",
    "integer": "integer",
    "number": "number",
    "quantity": "number",
    "boolean": "boolean",
    "choice": "choice",
    "choices": "choices",
    "date": "date",
    "datetime": "datetime",
    "duty": "text",
}

_AREA = Text("行政区", "Administrative")
_RISK = Text("企业风险", "Enterprise risk")
_REFUGE = Text("避难疏散", "Shelter and evacuation")
_RESCUE = Text("救援力量与物资", "Rescue and supplies")
_ROADS = Text("道路", "Roads")
_RESULT = Text("一小时覆盖", "One-hour coverage")
_NATURAL = Text("自然灾害风险区划", "Risk zoning: natural hazards")
_ACCIDENT = Text("事故灾难风险区划", "Risk zoning: accidents")
_TOGETHER = Text("城市综合风险(自然+事故)", "Combined urban risk (natural and accidents)")
_HAZARDS = Text("致灾因子登记", "Registers of hazards")

_MOVING = Text("物资调拨", "Supplies on the move")

_REGISTER = Text("登记数据", "register")
_LEDGER = Text("台账与调拨单", "ledger and orders")
_COMPUTED = Text("按当前队伍与路网计算", "computed from teams and roads now in force")


def _choice_texts(choices: tuple[Choice, ...]) -> dict[str, Text]:
    return {choice.code: Text(choice.zh, choice.en) for choice in choices}


def _fields(kind: str) -> tuple[Field, ...]:
    """The columns of an import kind as fields; names and telephones are for staff."""
    result = []
    for column in KINDS[kind].columns:
        hidden = column.name in _PRIVATE
        result.append(
            Field(
                column.name,
                Text(column.zh, column.en),
                _TYPES[column.type],
                column.unit,
                _choice_texts(column.choices),
                _STAFF if hidden else Field("", Text("", "")).roles,
            )
        )
    return tuple(result)


def _marks(choices: tuple[Choice, ...], drawn: dict[str, tuple[str, str]], size: float) -> dict[str, Mark]:
    return {
        choice.code: Mark(Text(choice.zh, choice.en), drawn[choice.code][0], drawn[choice.code][1], size)  # type: ignore[arg-type]
        for choice in choices
    }


_UNKNOWN = Text("未填", "not stated")

# Risk colours: red, orange, yellow, blue by national usage (domain: proposed hex), told apart by shape too.
RISK_MARKS = _marks(
    RISK_LEVELS,
    {
        "major": ("#e60012", "diamond"),
        "considerable": ("#ff7f00", "triangle"),
        "general": ("#ffd400", "square"),
        "low": ("#0066cc", "circle"),
    },
    11.0,
)

# What needs somebody's eye is warm, what goes well is cool; each is told apart by its label too.
_ORDER_COLORS = {
    "reserved": "#8a6d00",
    "ordered": "#b35c00",
    "issued": "#5b3fa0",
    "in_transit": "#0b5cad",
    "late": "#e05a00",
    "lost": "#c4001a",
    "partly_received": "#2a8a8a",
    "received": "#2e7d32",
}
_ORDER_STATE = Field("state", Text("状态", "state"), "choice", "", _choice_texts(ORDER_STATES))


def _order_marks(shape: Shape) -> dict[str, Mark]:
    return {
        choice.code: Mark(
            Text(choice.zh, choice.en), _ORDER_COLORS[choice.code], shape, 4.0 if shape == "line" else 14.0
        )
        for choice in ORDER_STATES
        if choice.code in _ORDER_COLORS
    }


ALARMS: dict[str, Text] = {
    "door_open": Text("门未关", "door open"),
    "temperature_low": Text("温度过低", "too cold"),
    "temperature_high": Text("温度过高", "too warm"),
    "count_check": Text("计数与台账不符", "count differs from the ledger"),
}
"""What a device calls for."""

_READING_TEXTS = {
    **_choice_texts(DEVICE_TYPES),
    "open": Text("开", "open"),
    "shut": Text("关", "shut"),
    **ALARMS,
}

BAND_LIMITS_S = (900.0, 1800.0, 2700.0, 3600.0)
"""Upper bounds of the response-time bands, each included (15, 30, 45, 60 min)."""

_BAND_MARKS = (
    Mark(Text("15 分钟内", "within 15 min"), "#1a9850", "fill", opacity=0.22),
    Mark(Text("30 分钟内", "within 30 min"), "#91cf60", "fill", opacity=0.26),
    Mark(Text("45 分钟内", "within 45 min"), "#fee08b", "fill", opacity=0.34),
    Mark(Text("60 分钟内", "within 60 min"), "#fc8d59", "fill", opacity=0.40),
)

CONFIRMED_S = 400 * 86_400.0
"""A register of which nothing was confirmed or changed for longer is stale: once a year, with a month of grace."""

POSITION_LIVE_S, POSITION_LATE_S = 300.0, 3600.0
"""A vehicle's position is live up to the first age, late up to the second (both included), then stale."""

_POSITION_MARKS = {
    "live": Mark(Text("5 分钟内有定位", "position within 5 min"), "#0b3d91", "truck", 17.0),
    "late": Mark(Text("1 小时内有定位", "position within 1 h"), "#c77700", "truck", 16.0),
    "stale": Mark(Text("定位过旧", "stale position"), "#8a8a8a", "truck", 15.0),
}

_REASONS = {
    "no_road": Text("附近没有可通行道路", "no road near or no connection"),
    "closed": Text("道路封闭", "roads closed"),
    "no_team": Text("没有队伍", "no team"),
    "no_skill": Text("没有具备该能力的队伍", "no team with the skill"),
    "off_duty": Text("队伍不在值班时段", "teams off duty"),
    "too_far": Text("太远, 超过时限", "too far for the limit"),
}
REASON_TEXTS: dict[str, Text] = _REASONS

# Official colours of the five levels (graded forecast maps); they are not the enterprises' four colours.
_LEVELS = {
    5: ("高风险", "high risk", "#b10909"),
    4: ("中高风险", "upper middle risk", "#dd531e"),
    3: ("中风险", "middle risk", "#ec9800"),
    2: ("中低风险", "lower middle risk", "#fed963"),
    1: ("低风险", "low risk", "#97e8ad"),
}
_NO_DATA = Mark(Text("无数据", "no data"), "#bdbdbd", "fill", opacity=0.55)
LEVEL_COLORS: dict[int, str] = {k: color for k, (_, _, color) in _LEVELS.items()} | {0: _NO_DATA.color}
"""The colour of each level, 0 for no data."""

_LEVEL_CHOICES = {str(k): Text(zh, en) for k, (zh, en, _) in _LEVELS.items()} | {"0": Text("无数据", "no data")}
_PREVENTION_CHOICES = {
    "4": Text("重点防治区", "key prevention"),
    "3": Text("次重点防治区", "secondary prevention"),
    "2": Text("一般防治区", "general prevention"),
    "1": Text("一般管理区", "general management"),
    "0": Text("无数据", "no data"),
}
_ZONED = Text(
    "按方案最近一次运行; 参数中有待核对的默认值, 见报告",
    "newest run of the scheme; some parameters are defaults to be confirmed, see the report",
)
_HATCHES = (
    Hatch(
        "fragile", Text("不稳定单元(换权重、分级或尺度会变级)", "fragile: changes under other choices"), "#3b3b3b", "up"
    ),
    Hatch("corrected", Text("人工修正", "corrected by hand"), "#123c8c", "down"),
)


def _level_style(field: str) -> Categories:
    return Categories(
        field,
        {str(k): Mark(Text(zh, en), color, "fill", opacity=0.6) for k, (zh, en, color) in _LEVELS.items()},
        _NO_DATA,
    )


def _level_field(name: str, zh: str, en: str) -> Field:
    return Field(name, Text(zh, en), "choice", "", _LEVEL_CHOICES)


_AREA_FIELD = Field("area_km2", Text("面积", "area"), "number", "km2")
_PERSONS_FIELD = Field("persons", Text("人口", "persons"), "integer", "人")
_DOMINANT_FIELD = Field("dominant", Text("主导灾种", "dominant hazard"))


def _zoning_layers(scheme: str, group: Text, zh: str, en: str) -> tuple[Layer, ...]:
    """Levels, zones, prevention and streets of one scheme."""
    return (
        Layer(
            f"zoning_{scheme}",
            Text(f"{zh}综合风险等级", f"{en}: composite level"),
            group,
            "polygon",
            Computed(f"zoning_{scheme}"),
            (
                _level_field("level", "等级", "level"),
                Field("level_name", Text("名称", "name")),
                Field("fragile", Text("不稳定", "fragile"), "boolean"),
                Field("corrected", Text("人工修正", "corrected"), "boolean"),
                _AREA_FIELD,
            ),
            _level_style("level"),
            _ZONED,
            label_field="level_name",
            hatches=_HATCHES,
        ),
        Layer(
            f"zones_{scheme}",
            Text(f"{zh}综合风险区划", f"{en}: risk zones"),
            group,
            "polygon",
            Computed(f"zones_{scheme}"),
            (
                Field("zone_id", Text("编号", "id")),
                Field("name", Text("区划名称", "zone")),
                Field("street", Text("街道", "street")),
                _level_field("level", "等级", "level"),
                _DOMINANT_FIELD,
                Field("prevention", Text("防治分区", "prevention")),
                _AREA_FIELD,
                _PERSONS_FIELD,
                Field("fragile_share", Text("不稳定单元占比", "share of fragile units"), "number"),
            ),
            _level_style("level"),
            _ZONED,
        ),
        Layer(
            f"zones_large_{scheme}",
            Text(f"{zh}综合风险区划(细格网)", f"{en}: risk zones of a fine grid"),
            group,
            "polygon",
            Computed(f"zones_large_{scheme}"),
            (
                Field("street", Text("街道", "street")),
                _level_field("level", "等级", "level"),
                _AREA_FIELD,
                _PERSONS_FIELD,
                Field("cell_m", Text("格网", "cell"), "number", "m"),
            ),
            _level_style("level"),
            Text(
                "最近一次分块运行(细格网), 边界经简化; 面积与人口为简化前数值",
                "newest run block by block (fine grid), outlines simplified; areas and persons are those before it",
            ),
            label_field="street",
        ),
        Layer(
            f"prevention_{scheme}",
            Text(f"{zh}防治区划", f"{en}: prevention zoning"),
            group,
            "polygon",
            Computed(f"prevention_{scheme}"),
            (
                Field("prevention", Text("防治分区", "prevention"), "choice", "", _PREVENTION_CHOICES),
                Field("street", Text("街道", "street")),
                _DOMINANT_FIELD,
                _AREA_FIELD,
                _PERSONS_FIELD,
                Field("measures", Text("防治措施(待核对)", "measures (to be confirmed)")),
            ),
            Categories(
                "prevention",
                {
                    "4": Mark(Text("重点防治区", "key prevention"), "#7b1fa2", "fill", opacity=0.5),
                    "3": Mark(Text("次重点防治区", "secondary prevention"), "#b57edc", "fill", opacity=0.5),
                    "2": Mark(Text("一般防治区", "general prevention"), "#e0c8f5", "fill", opacity=0.5),
                    "1": Mark(Text("一般管理区", "general management"), "#f4f1f7", "fill", opacity=0.5),
                },
                _NO_DATA,
            ),
            _ZONED,
            label_field="street",
        ),
        Layer(
            f"streets_risk_{scheme}",
            Text(f"{zh}街道风险等级", f"{en}: level by street"),
            group,
            "polygon",
            Computed(f"streets_risk_{scheme}"),
            (
                Field("name", Text("街道", "street")),
                _PERSONS_FIELD,
                _level_field("level_persons", "人口加权等级", "level weighted by persons"),
                _level_field("level_area", "面积加权等级", "level weighted by area"),
                Field("high_share", Text("中高以上面积占比", "share at level 4 or 5"), "number"),
                _level_field("highest_level", "最高单元", "highest unit"),
                _DOMINANT_FIELD,
                Field("capacity_grade", Text("减灾能力(1弱-5强)", "capacity (1 weak - 5 strong)"), "integer"),
                Field("prevention", Text("防治分区", "prevention"), "choice", "", _PREVENTION_CHOICES),
                Field("fragile_share", Text("不稳定单元占比", "share of fragile units"), "number"),
            ),
            _level_style("level_persons"),
            _ZONED,
        ),
    )


def _hazard_layer(hazard: str, group: Text, zh: str, en: str) -> Layer:
    return Layer(
        f"hazard_{hazard}",
        Text(f"单灾种: {zh}", f"Hazard: {en}"),
        group,
        "polygon",
        Computed(f"hazard_{hazard}"),
        (
            Field("native", Text("本灾种等级", "own class")),
            _level_field("level", "统一五级", "common level"),
            _AREA_FIELD,
        ),
        _level_style("level"),
        _ZONED,
        label_field="native",
    )


def _by_id(layers: tuple[Layer, ...]) -> dict[str, Layer]:
    found = {layer.id: layer for layer in layers}
    assert len(found) == len(layers), sorted(layer.id for layer in layers)
    return found


LAYERS: dict[str, Layer] = _by_id(
    (
        Layer(
            "response_time",
            Text("响应时间", "Response time"),
            _RESULT,
            "polygon",
            Computed("response_time_layer"),
            (
                Field("band", Text("时限", "band")),
                Field("limit_s", Text("上限(含)", "upper bound (included)"), "minutes"),
                Field("area_km2", Text("面积", "area"), "number", "km2"),
            ),
            Steps(
                "limit_s",
                BAND_LIMITS_S,
                _BAND_MARKS,
                Mark(Text("60 分钟以上", "over 60 min"), "#d73027", "fill", opacity=0.4),
            ),
            _COMPUTED,
            label_field="band",
            visible=True,
        ),
        Layer(
            "team_territories",
            Text("队伍最快到达区", "Territory of each team"),
            _RESULT,
            "polygon",
            Computed("team_territories_layer"),
            (
                Field("team_id", Text("队伍编号", "team id")),
                Field("name", Text("队伍", "team")),
                Field("type", Text("类型", "type"), "choice", "", _choice_texts(TEAM_TYPES)),
                Field("area_km2", Text("面积", "area"), "number", "km2"),
            ),
            Categories(
                "type",
                {
                    "fire": Mark(Text("消防站", "fire station"), "#d62728", "fill", opacity=0.15),
                    "enterprise": Mark(Text("企业专职队", "enterprise team"), "#9467bd", "fill", opacity=0.15),
                    "street": Mark(Text("街道专业队", "street professional team"), "#1f77b4", "fill", opacity=0.15),
                    "social": Mark(Text("社会救援力量", "volunteer rescue force"), "#2ca02c", "fill", opacity=0.15),
                },
                Mark(_UNKNOWN, "#7f7f7f", "fill", opacity=0.15),
            ),
            _COMPUTED,
        ),
        Layer(
            "uncovered_places",
            Text("一小时未覆盖", "Not covered within the hour"),
            _RESULT,
            "point",
            Computed("uncovered_places_layer"),
            (
                Field("id", Text("编号", "id")),
                Field("name", Text("名称", "name")),
                Field("street", Text("街道", "street")),
                Field("persons", Text("人口", "persons"), "integer", "人"),
                Field("reason", Text("原因", "reason"), "choice", "", _REASONS),
                Field("total_s", Text("最快到达", "quickest"), "minutes"),
            ),
            Single(Mark(Text("未覆盖", "not covered"), "#b10026", "cross", 14.0)),
            _COMPUTED,
            visible=True,
        ),
        Layer(
            "streets",
            Text("街道(园区)", "Streets and zones"),
            _AREA,
            "polygon",
            Table("street"),
            (
                Field("id", Text("编号", "id")),
                Field("name", Text("名称", "name")),
                Field("persons", Text("常住人口", "resident persons"), "integer", "人"),
                Field("villages", Text("村(社区)数", "villages"), "integer"),
                Field("teams", Text("专业队伍数", "teams"), "integer"),
            ),
            Single(Mark(Text("街道界", "street boundary"), "#5b4b8a", "line", 2.0)),
            Text("由村(社区)边界合并", "merged from the villages"),
            visible=True,
        ),
        Layer(
            "villages",
            Text("村(社区)", "Villages and communities"),
            _AREA,
            "polygon",
            Table("village"),
            _fields("villages"),
            Single(Mark(Text("村(社区)界", "village boundary"), "#8a8a8a", "dash", 1.0)),
            _REGISTER,
            min_zoom=11.0,
        ),
        Layer(
            "roads",
            Text("道路", "Roads"),
            _ROADS,
            "line",
            Table("road"),
            _fields("roads"),
            Categories(
                "highway",
                {
                    "motorway": Mark(Text("高速公路", "motorway"), "#d9822b", "line", 4.0),
                    "trunk": Mark(Text("快速路", "trunk"), "#e0a030", "line", 3.5),
                    "primary": Mark(Text("主干路", "primary"), "#d8b95a", "line", 3.0),
                    "secondary": Mark(Text("次干路", "secondary"), "#b9b9b9", "line", 2.2),
                    "tertiary": Mark(Text("支路", "tertiary"), "#c8c8c8", "line", 1.6),
                },
                Mark(Text("其他道路", "other roads"), "#d6d6d6", "line", 1.0),
            ),
            _REGISTER,
            visible=True,
            tiled=True,
        ),
        Layer(
            "closures",
            Text("道路封闭", "Road closures"),
            _ROADS,
            "line",
            Table("closure"),
            (
                *_fields("closures"),
                Field(
                    "state",
                    Text("状态", "state"),
                    "choice",
                    "",
                    {
                        "now": Text("生效中", "in force"),
                        "coming": Text("未开始", "not begun"),
                        "over": Text("已结束", "over"),
                    },
                ),
            ),
            Categories(
                "state",
                {
                    "now": Mark(Text("生效中", "in force"), "#c1121f", "line", 5.0),
                    "coming": Mark(Text("未开始", "not begun"), "#e09f3e", "dash", 4.0),
                },
                Mark(Text("已结束", "over"), "#9a9a9a", "dash", 3.0),
            ),
            _REGISTER,
            label_field="reason",
            visible=True,
            counted=Text("含已结束", "with those over"),
        ),
        Layer(
            "enterprises",
            Text("企业安全风险(红橙黄蓝四色)", "Enterprises: safety risk in four colours"),
            _RISK,
            "point",
            Table("enterprise"),
            _fields("enterprises"),
            Categories("risk_level", RISK_MARKS, Mark(_UNKNOWN, "#808080", "circle", 9.0)),
            _REGISTER,
            visible=True,
            min_zoom=10.0,
            stale_after_s=CONFIRMED_S,
        ),
        Layer(
            "shelters",
            Text("避难场所", "Shelters"),
            _REFUGE,
            "point",
            Table("shelter"),
            _fields("shelters"),
            Categories(
                "class",
                _marks(
                    SHELTER_CLASSES,
                    {
                        "emergency": ("#66bd63", "pentagon"),
                        "short": ("#1a9850", "pentagon"),
                        "medium": ("#00796b", "pentagon"),
                        "long": ("#005b4f", "pentagon"),
                        "central": ("#003d33", "star"),
                    },
                    12.0,
                ),
                Mark(_UNKNOWN, "#808080", "pentagon", 12.0),
            ),
            _REGISTER,
            visible=True,
            stale_after_s=CONFIRMED_S,
        ),
        Layer(
            "evacuation_routes",
            Text("疏散通道", "Evacuation routes"),
            _REFUGE,
            "line",
            Table("evacuation_route"),
            _fields("evacuation_routes"),
            Single(Mark(Text("疏散通道", "evacuation route"), "#1a9850", "dash", 3.0)),
            _REGISTER,
            min_zoom=11.0,
            stale_after_s=CONFIRMED_S,
        ),
        Layer(
            "depots",
            Text("物资仓库", "Supply depots"),
            _RESCUE,
            "point",
            Table("depot"),
            (
                *_fields("depots"),
                Field("items", Text("物资种类", "kinds of items"), "integer"),
                Field("counted_utc", Text("最近盘点", "last count"), "datetime"),
                Field("devices", Text("监测终端", "devices"), "readings", choices=_READING_TEXTS, roles=_STAFF),
            ),
            Categories(
                "level",
                _marks(
                    DEPOT_LEVELS,
                    {
                        "community": ("#b58bd6", "square"),
                        "street": ("#9254c8", "square"),
                        "district": ("#6a1fb0", "square"),
                        "city": ("#3f0d73", "star"),
                    },
                    13.0,
                ),
                Mark(_UNKNOWN, "#808080", "square", 12.0),
            ),
            _REGISTER,
            visible=True,
            stale_after_s=CONFIRMED_S,
        ),
        Layer(
            "supply_orders",
            Text("调拨单", "Transfer orders"),
            _MOVING,
            "line",
            Computed("supply_orders"),
            (
                Field("id", Text("编号", "id")),
                Field("number", Text("单号", "number")),
                _ORDER_STATE,
                Field("depot", Text("发货仓库", "from depot")),
                Field("place", Text("送达地点", "place")),
                Field("unit", Text("接收单位", "receiving unit")),
                Field("goods", Text("物资", "goods")),
                Field("vehicle", Text("车辆", "vehicle")),
                Field("eta_utc", Text("预计到达", "expected"), "datetime"),
                Field("promised_utc", Text("应到", "due"), "datetime"),
            ),
            Categories("state", _order_marks("line"), Mark(_UNKNOWN, "#808080", "line", 3.0)),
            _LEDGER,
            label_field="number",
            visible=True,
            roles=_STAFF,
        ),
        Layer(
            "supply_requests",
            Text("待送地点", "Places that wait for supplies"),
            _MOVING,
            "point",
            Computed("supply_requests"),
            (
                Field("id", Text("编号", "id")),
                Field("number", Text("单号", "number")),
                _ORDER_STATE,
                Field("place", Text("送达地点", "place")),
                Field("unit", Text("接收单位", "receiving unit")),
                Field("contact", Text("联系人", "contact")),
                Field("phone", Text("电话", "phone")),
                Field("incident", Text("事件", "incident")),
                Field("deadline_utc", Text("要求送达", "wanted by"), "datetime"),
            ),
            Categories("state", _order_marks("diamond"), Mark(_UNKNOWN, "#808080", "diamond", 13.0)),
            _LEDGER,
            label_field="place",
            visible=True,
            roles=_STAFF,
        ),
        Layer(
            "agreements",
            Text("协议与产能储备", "Contract stock and production"),
            _MOVING,
            "point",
            Table("agreement"),
            _fields("agreements"),
            Categories(
                "mode",
                _marks(
                    AGREEMENT_MODES,
                    {"contract": ("#00695c", "diamond"), "production": ("#6d4c41", "pentagon")},
                    12.0,
                ),
                Mark(_UNKNOWN, "#808080", "diamond", 12.0),
            ),
            Text("到调用时间才算有货, 不计入库存", "counts from its call-off time on, never as stock"),
            roles=_STAFF,
            stale_after_s=CONFIRMED_S,
        ),
        Layer(
            "teams",
            Text("救援队伍", "Rescue teams"),
            _RESCUE,
            "point",
            Table("team"),
            (*_fields("teams"), Field("on_duty", Text("此刻在岗", "on duty now"), "boolean")),
            Categories(
                "type",
                _marks(
                    TEAM_TYPES,
                    {
                        "fire": ("#d62728", "star"),
                        "enterprise": ("#9467bd", "star"),
                        "street": ("#1f77b4", "star"),
                        "social": ("#2ca02c", "star"),
                    },
                    15.0,
                ),
                Mark(_UNKNOWN, "#808080", "star", 14.0),
            ),
            _REGISTER,
            visible=True,
            stale_after_s=CONFIRMED_S,
        ),
        Layer(
            "vehicles",
            Text("运输车辆", "Vehicles"),
            _RESCUE,
            "point",
            Table("vehicle"),
            (
                *_fields("vehicles"),
                Field(
                    "position",
                    Text("定位", "position"),
                    "choice",
                    choices={state: mark.label for state, mark in _POSITION_MARKS.items()},
                ),
            ),
            Categories(
                "position", _POSITION_MARKS, Mark(Text("从未定位", "never positioned"), "#c9c9c9", "truck", 14.0)
            ),
            Text("车载终端上报的最新位置", "the newest position that its tracker reported"),
            visible=True,
        ),
        Layer(
            "hospitals",
            Text("医院", "Hospitals"),
            _RESCUE,
            "point",
            Table("hospital"),
            _fields("hospitals"),
            Single(Mark(Text("医院", "hospital"), "#c2185b", "cross", 12.0)),
            _REGISTER,
            visible=True,
            stale_after_s=CONFIRMED_S,
        ),
        *_zoning_layers("natural", _NATURAL, "自然灾害", "Natural hazards"),
        *(
            _hazard_layer(hazard, _NATURAL, zh, en)
            for hazard, zh, en in (
                ("waterlogging", "暴雨内涝", "waterlogging"),
                ("typhoon", "台风", "typhoon wind"),
                ("storm_surge", "长江高潮位/风暴潮", "storm surge"),
                ("convection", "强对流", "severe convection"),
                ("earthquake", "地震", "earthquake"),
                ("geological", "地质(江岸坍塌、地面沉降)", "bank collapse, subsidence"),
            )
        ),
        *_zoning_layers("accident", _ACCIDENT, "事故灾难", "Accidents"),
        *(
            _hazard_layer(hazard, _ACCIDENT, zh, en)
            for hazard, zh, en in (
                ("major_hazard", "危险化学品企业", "major hazards"),
                ("enterprise_risk", "企业安全风险", "enterprise risk"),
                ("fire", "城市火灾", "urban fire"),
            )
        ),
        Layer(
            "zoning_combined",
            Text("城市综合风险(自然与事故取高)", "Combined urban risk (the higher of both)"),
            _TOGETHER,
            "polygon",
            Computed("zoning_combined"),
            (
                _level_field("level", "等级(取高)", "level (the higher)"),
                _level_field("natural", "自然灾害", "natural hazards"),
                _level_field("accident", "事故灾难", "accidents"),
                _AREA_FIELD,
            ),
            _level_style("level"),
            Text(
                "两个方案最近运行叠加取高; 两者尺度不同, 仅供总览",
                "the higher level of the two newest runs; unlike scales, for an overview only",
            ),
            label_field="level",
        ),
        Layer(
            "waterlogging_spots",
            Text("积水点", "Waterlogging spots"),
            _HAZARDS,
            "point",
            Table("waterlogging_spot"),
            _fields("waterlogging_spots"),
            Single(Mark(Text("积水点", "waterlogging spot"), "#1c3ba9", "triangle", 11.0)),
            _REGISTER,
            min_zoom=11.0,
            stale_after_s=CONFIRMED_S,
        ),
        Layer(
            "hidden_dangers",
            Text("重点隐患", "Hidden dangers"),
            _HAZARDS,
            "point",
            Table("hidden_danger"),
            _fields("hidden_dangers"),
            Single(Mark(Text("重点隐患", "hidden danger"), "#7b1fa2", "diamond", 12.0)),
            _REGISTER,
            stale_after_s=CONFIRMED_S,
        ),
        Layer(
            "hazard_areas",
            Text("灾害分区与岸段", "Hazard areas and banks"),
            _HAZARDS,
            "line",
            Table("hazard_area"),
            _fields("hazard_areas"),
            Single(Mark(Text("灾害分区与岸段", "hazard area or bank"), "#8d5524", "line", 3.0)),
            _REGISTER,
            stale_after_s=CONFIRMED_S,
        ),
        Layer(
            "lifelines",
            Text("生命线设施", "Lifelines"),
            _HAZARDS,
            "point",
            Table("lifeline"),
            _fields("lifelines"),
            Single(Mark(Text("生命线设施", "lifeline"), "#00838f", "square", 9.0)),
            _REGISTER,
            min_zoom=11.0,
            stale_after_s=CONFIRMED_S,
        ),
        *(layer for layers in LAYERS_OF_KIND.values() for layer in layers),
    )
)

_ROAD_STYLE = LAYERS["roads"].style
assert isinstance(_ROAD_STYLE, Categories)
ROAD_CLASS_TEXTS: dict[str, Text] = {code: mark.label for code, mark in _ROAD_STYLE.marks.items()} | {
    "other": _ROAD_STYLE.other.label
}
"""Classes of roads from the greatest down; links count with their road, what is smaller is ``other``."""

FACILITY_LAYERS: tuple[str, ...] = (
    "enterprises",
    "shelters",
    "evacuation_routes",
    "depots",
    "teams",
    "hospitals",
    "lifelines",
)
"""The layers whose rows stand in the facility index."""
