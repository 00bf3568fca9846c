"""The layers that show the newest saved result of each kind; the catalogue takes them from here."""

from geo.bands import BAND_LIMITS_S
from layers.layer import Categories, Computed, Field, Layer, Mark, Role, Single, Steps, Style, Text

WHATIF_GROUP = Text("情景推演", "What if")
_STAFF: frozenset[Role] = frozenset({"dispatcher", "keeper", "planner", "administrator"})
_SAVED = Text("最近保存的推演结果", "the newest saved result")


def whatif_layer(
    layer_id: str, title: Text, geometry: str, fields: tuple[Field, ...], style: Style, label_field: str = "name"
) -> Layer:
    """A layer of the newest saved result of a kind: the one that has rows for this id in `Result.layers`."""
    return Layer(
        layer_id,
        title,
        WHATIF_GROUP,
        geometry,  # type: ignore[arg-type]
        Computed(layer_id),
        fields,
        style,
        _SAVED,
        label_field=label_field,
        roles=_STAFF,
    )


_PERSONS = Field("persons", Text("人数", "persons"), "integer", "人")
_ID = Field("id", Text("编号", "id"))
_NAME = Field("name", Text("名称", "name"))
_STREET = Field("street", Text("街道", "street"))
_CONTACT = (Field("contact", Text("联系人", "contact")), Field("phone", Text("电话", "phone")))
SHELTER_OUT: dict[str, Text] = {
    "no_place": Text("没有位置", "it has no place"),
    "in_zone": Text("在危险区内", "it lies in the zone"),
    "near_hazard": Text("离重大危险源太近", "too near to a major hazard"),
    "not_for_stay": Text("不供这样长的避难", "not laid out for so long a stay"),
    "unknown": Text("容量不明", "its size is not known"),
}
"""Why a shelter does not serve."""

NO_PLACE: dict[str, Text] = {
    "no_road": Text("没有道路可达", "no road leads to a shelter"),
    "closed": Text("道路封闭或被危险区隔断", "roads closed, or cut off by the zone"),
    "no_shelter": Text("没有可用的避难场所", "no shelter serves"),
    "too_far": Text("步行上限内没有避难场所", "no shelter within the cap on the walk"),
    "full": Text("能到的避难场所已满", "the shelters within reach are full"),
    "too_many": Text("整村人数超过任何一处容量", "more persons than any one shelter holds"),
}
"""Why persons have no place."""

ROAD_CLASSES: dict[str, Text] = {
    "motorway": Text("高速公路", "motorway"),
    "motorway_link": Text("高速匝道", "motorway ramp"),
    "trunk": Text("快速路", "trunk road"),
    "trunk_link": Text("快速路匝道", "trunk road ramp"),
    "primary": Text("主干路", "primary road"),
    "primary_link": Text("主干路连接道", "primary road link"),
    "secondary": Text("次干路", "secondary road"),
    "secondary_link": Text("次干路连接道", "secondary road link"),
    "tertiary": Text("支路", "tertiary road"),
    "tertiary_link": Text("支路连接道", "tertiary road link"),
    "unclassified": Text("乡村道路", "minor road"),
    "residential": Text("居住区道路", "residential road"),
    "living_street": Text("生活街", "living street"),
    "service": Text("内部通道", "service road"),
    "track": Text("机耕路", "track"),
    "pedestrian": Text("步行街", "pedestrian street"),
}
"""The classes of the speed table in words."""

_SHELTER_STATES = {
    "full": Text("已满", "full"),
    "room": Text("有余位", "with places left"),
    "unused": Text("未用", "not used"),
    "out": Text("不启用", "out"),
}
_SITE_STATES = {"chosen": Text("选中", "chosen"), "candidate": Text("备选", "candidate")}
_NEED_STATES = {"short": Text("有缺口", "short"), "late": Text("超时才到", "late")}
_VILLAGE_STATES = {
    "placed": Text("全部有位置", "everybody has a place"),
    "partly": Text("部分没有位置", "some have no place"),
    "nowhere": Text("全部没有位置", "nobody has a place"),
}

_EVACUATION: tuple[Layer, ...] = (
    whatif_layer(
        "evacuation_zone",
        Text("疏散: 危险区", "Evacuation: zone"),
        "polygon",
        (Field("title", Text("危险区", "zone")), Field("area_km2", Text("面积", "area"), "number", "km2")),
        Single(Mark(Text("须撤离的范围", "to be left"), "#c4001a", "fill", opacity=0.25)),
        "title",
    ),
    whatif_layer(
        "evacuation_moves",
        Text("疏散: 路线", "Evacuation: routes"),
        "line",
        (
            Field("village", Text("村(社区)", "village")),
            _STREET,
            Field("shelter", Text("避难场所", "shelter")),
            _PERSONS,
            Field("road_m", Text("路程", "way"), "number", "m"),
            Field("travel_s", Text("途中", "travel"), "minutes"),
            Field("wait_s", Text("排队或候车", "queue or waiting"), "minutes"),
            Field("total_s", Text("全部到达(含预警准备)", "all there, with warning and preparation"), "minutes"),
            Field("route", Text("经过", "by way of")),
            Field("reenters", Text("再次经过危险区", "touches the zone again"), "boolean"),
            *_CONTACT,
        ),
        Steps(
            "total_s",
            (1800.0, 3600.0, 7200.0),
            (
                Mark(Text("30 分钟内全部到达", "all there within 30 min"), "#1a7a3c", "line", 3.0),
                Mark(Text("1 小时内", "within 1 h"), "#2b6cb0", "line", 3.0),
                Mark(Text("2 小时内", "within 2 h"), "#b35c00", "line", 3.0),
            ),
            Mark(Text("2 小时以上", "more than 2 h"), "#c4001a", "line", 3.5),
        ),
        "village",
    ),
    whatif_layer(
        "evacuation_shelters",
        Text("疏散: 避难场所负荷", "Evacuation: load of the shelters"),
        "point",
        (
            _NAME,
            _STREET,
            Field("places", Text("容量", "places"), "integer", "人"),
            Field("load", Text("安置", "load"), "integer", "人"),
            Field("free", Text("余位", "free"), "integer", "人"),
            Field("entrance_m", Text("需要的出入口净宽", "entrance needed"), "number", "m"),
            Field("out", Text("不启用的原因", "why it is out"), "choice", "", SHELTER_OUT),
            Field("near", Text("邻近的重大危险源", "major hazard near by")),
            Field("near_m", Text("距离", "distance"), "number", "m"),
            Field("state", Text("状态", "state"), "choice", "", _SHELTER_STATES),
            *_CONTACT,
        ),
        Categories(
            "state",
            {
                "full": Mark(_SHELTER_STATES["full"], "#b10026", "pentagon", 14.0),
                "room": Mark(_SHELTER_STATES["room"], "#1a9850", "pentagon", 14.0),
                "unused": Mark(_SHELTER_STATES["unused"], "#8a94a0", "pentagon", 11.0),
                "out": Mark(_SHELTER_STATES["out"], "#1b2430", "cross", 11.0),
            },
            Mark(Text("未知", "not known"), "#8a94a0", "pentagon", 11.0),
        ),
    ),
    whatif_layer(
        "evacuation_villages",
        Text("疏散: 待撤离的村(社区)", "Evacuation: villages that leave"),
        "point",
        (
            Field("village", Text("村(社区)", "village")),
            _STREET,
            _PERSONS,
            Field("moved", Text("已安排", "with a place"), "integer", "人"),
            Field("missing", Text("没有位置", "without a place"), "integer", "人"),
            Field("reason", Text("原因", "reason"), "choice", "", NO_PLACE),
            Field("total_s", Text("全部到达(含预警准备)", "all there, with warning and preparation"), "minutes"),
            Field("state", Text("状态", "state"), "choice", "", _VILLAGE_STATES),
            *_CONTACT,
        ),
        Categories(
            "state",
            {
                "placed": Mark(_VILLAGE_STATES["placed"], "#1a7a3c", "circle", 10.0),
                "partly": Mark(_VILLAGE_STATES["partly"], "#e07b00", "circle", 13.0),
                "nowhere": Mark(_VILLAGE_STATES["nowhere"], "#c4001a", "circle", 14.0),
            },
            Mark(Text("未知", "not known"), "#8a94a0", "circle", 10.0),
        ),
        "village",
    ),
)

_SCENARIOS = {
    "off_peak": Text("平峰", "off-peak"),
    "peak": Text("高峰", "peak"),
    "night": Text("夜间", "night"),
    "heavy_rain": Text("暴雨积水", "heavy rain"),
    "bridge_out": Text("大桥中断", "bridge out"),
}

_BANDS = (
    Mark(Text("5 分钟内", "within 5 min"), "#1a9850", "fill", opacity=0.35),
    Mark(Text("15 分钟内", "within 15 min"), "#91cf60", "fill", opacity=0.35),
    Mark(Text("30 分钟内", "within 30 min"), "#fee08b", "fill", opacity=0.4),
    Mark(Text("60 分钟内", "within 60 min"), "#fc8d59", "fill", opacity=0.45),
)

_WORST_ARRIVAL = whatif_layer(
    "whatif_scenarios",
    Text("各情景最差到达时间", "Worst arrival over the scenarios"),
    "polygon",
    (
        _ID,
        _NAME,
        Field("street", Text("街道", "street")),
        Field("persons", Text("人口", "persons"), "integer", "人"),
        Field("worst_s", Text("最差情景到达", "arrival in the worst scenario"), "minutes"),
        Field("worst", Text("最差情景", "worst scenario"), "choice", "", _SCENARIOS),
        Field("second_worst_s", Text("第二支队伍最差到达", "second team in the worst scenario"), "minutes"),
        *(Field(f"{name}_s", title, "minutes") for name, title in _SCENARIOS.items()),
    ),
    Steps("worst_s", BAND_LIMITS_S, _BANDS, Mark(Text("60 分钟以上", "over 60 min"), "#d73027", "fill", opacity=0.5)),
)


def _persons(name: str, zh: str, en: str) -> Field:
    return Field(name, Text(zh, en), "integer", "人")


_LIMIT = Field("limit_min", Text("时限", "limit"), "number", "min")

_CRITICAL_LINKS = whatif_layer(
    "critical_links",
    Text("关键路段(N-1)", "critical links (N-1)"),
    "line",
    (
        Field("id", Text("路段编号", "link")),
        Field("name", Text("路名", "road")),
        Field("label", Text("称呼", "called")),
        Field("highway", Text("道路等级", "class of road"), "choice", "", ROAD_CLASSES),
        Field("between", Text("两端的道路", "roads at its ends")),
        Field("near", Text("最近的村(社区)", "nearest village")),
        Field("is_bridge", Text("桥梁", "bridge"), "boolean"),
        Field("rank", Text("名次", "rank"), "integer"),
        _persons("lost_beyond_persons", "断后超时(不在路上)", "late without it, not on the road itself"),
        _persons("lost_on_link_persons", "断后超时(就在路上)", "late without it, on the road itself"),
        _persons("cut_persons", "断后无队伍可达", "reached by no team"),
        Field("delay_person_min", Text("增加的人·分钟", "person-minutes later"), "number", "人·min"),
        _persons("used_by_persons", "首到队伍经过此路", "first team comes this way"),
        Field("length_m", Text("长度", "length"), "number", "m"),
        _LIMIT,
    ),
    Steps(
        "lost_beyond_persons",
        (0, 500, 2_000, 10_000),
        (
            Mark(Text("仅本已超时者断绝", "only cut off, late before"), "#8a8f98", "line", 3.0),
            Mark(Text("1–500 人", "1 to 500 persons"), "#e8b33b", "line", 4.0),
            Mark(Text("501–2000 人", "501 to 2,000"), "#e07b2a", "line", 5.0),
            Mark(Text("2001–10000 人", "2,001 to 10,000"), "#cc3d2e", "line", 6.0),
        ),
        Mark(Text("10000 人以上", "more than 10,000"), "#7d1030", "line", 7.0),
    ),
    "label",
)

_ONE_ROAD = whatif_layer(
    "villages_on_one_road",
    Text("单路维系的村(社区)", "villages on one road"),
    "point",
    (
        _ID,
        _NAME,
        Field("street", Text("街道", "street")),
        _persons("persons", "人口", "persons"),
        Field(
            "hangs",
            Text("断后", "without the road"),
            "choice",
            choices={
                "cut": Text("无队伍可达", "no team comes"),
                "late": Text("超过时限", "later than the limit"),
                "dead_end": Text("仅本路一端可进", "a dead end"),
            },
        ),
        Field("links", Text("维系的路段数", "links it hangs on"), "integer"),
        Field("bridges", Text("其中桥梁", "bridges of them"), "integer"),
        Field("roads", Text("路名", "roads")),
        _LIMIT,
    ),
    Categories(
        "hangs",
        {
            "cut": Mark(Text("断路即无队伍可达", "cut off"), "#b3122e", "diamond", 12.0),
            "late": Mark(Text("断路即超时", "later than the limit"), "#e07b2a", "diamond", 11.0),
            "dead_end": Mark(Text("在断头路上", "in a dead end"), "#8a8f98", "diamond", 9.0),
        },
        Mark(Text("其他", "other"), "#8a8f98", "diamond", 9.0),
    ),
)

CANDIDATE_SOURCES: dict[str, Text] = {
    "shelter": Text("避难场所", "shelters"),
    "hospital": Text("医院", "hospitals"),
    "depot": Text("物资仓库", "supply depots"),
    "enterprise": Text("企业", "enterprises"),
    "grid": Text("道路上的网格点", "grid on the roads"),
    "file": Text("文件", "file"),
}
"""Where a candidate site comes from; the tables of buildings first."""

COVERAGE_CHANGES: dict[str, Text] = {
    "gained": Text("得到覆盖", "gained"),
    "quicker": Text("变快", "quicker"),
    "slower": Text("变慢", "slower"),
    "lost": Text("失去覆盖", "lost"),
}

_SITING: tuple[Layer, ...] = (
    whatif_layer(
        "new_sites",
        Text("选址: 备选点与选中点", "Siting: candidates and chosen sites"),
        "point",
        (
            _ID,
            _NAME,
            _STREET,
            Field("state", Text("状态", "state"), "choice", "", _SITE_STATES),
            Field("source", Text("来源", "kind of candidate"), "choice", "", CANDIDATE_SOURCES),
            Field("on_road", Text("可接入道路", "on a road"), "boolean"),
            _persons("added_persons", "单独增加的覆盖人口", "persons covered by it alone"),
        ),
        Categories(
            "state",
            {"chosen": Mark(_SITE_STATES["chosen"], "#b3122e", "diamond", 15.0)},
            Mark(_SITE_STATES["candidate"], "#5b6570", "circle", 7.0),
        ),
    ),
    whatif_layer(
        "new_sites_gain",
        Text("选址: 到达时间变化的地点", "Siting: places reached otherwise"),
        "point",
        (
            _ID,
            _NAME,
            _STREET,
            _PERSONS,
            Field("change", Text("变化", "change"), "choice", "", COVERAGE_CHANGES),
            Field("team_new", Text("最快队伍或新点", "first team or new site")),
            Field("total_old_s", Text("原来到达", "arrival before"), "minutes"),
            Field("total_new_s", Text("之后到达", "arrival after"), "minutes"),
        ),
        Categories(
            "change",
            {
                "gained": Mark(Text("得到覆盖", "gained"), "#1a7f37", "circle", 11.0),
                "quicker": Mark(Text("变快", "quicker"), "#6fae7d", "circle", 8.0),
            },
            Mark(Text("其他", "other"), "#8a8f98", "circle", 8.0),
        ),
    ),
)

SHORTFALLS: dict[str, Text] = {
    "no_road": Text("没有道路可达", "no road from any depot"),
    "too_far": Text("时限内没有仓库可达", "no depot within the limit"),
    "volume": Text("时限内的仓库已满", "the depots within the limit are full"),
    "budget": Text("预算用完", "the money is spent"),
    "volume_and_budget": Text("仓库已满且预算用完", "full depots and no money"),
    "unfinished": Text("求解提前停止", "the solver was stopped early"),
}
"""Why a need is short or late."""

_STOCKING: tuple[Layer, ...] = (
    whatif_layer(
        "stocking_depots",
        Text("储备: 各仓库应备", "Stocking: what depots should hold"),
        "point",
        (
            _ID,
            _NAME,
            Field("packs", Text("应购包数", "packs to buy"), "integer"),
            Field("cost", Text("费用", "cost"), "number", "元"),
            Field("volume_m3", Text("容积", "volume"), "number", "m3"),
            Field("used_before_m3", Text("已占", "in use"), "number", "m3"),
            Field("used_after_m3", Text("备齐后占用", "in use afterwards"), "number", "m3"),
            Field("used_share", Text("占用比例 (1 为占满)", "share in use (1 is full)"), "number"),
            Field("takes_more", Text("可再入库", "takes more"), "boolean"),
        ),
        Steps(
            "used_share",
            (0.5, 0.8, 0.95),
            (
                Mark(Text("不到一半", "up to a half"), "#5b8fb9", "circle", 8.0),
                Mark(Text("50%–80%", "50% to 80%"), "#3c6e9c", "circle", 10.0),
                Mark(Text("80%–95%", "80% to 95%"), "#e07b2a", "circle", 12.0),
            ),
            Mark(Text("95% 以上", "over 95%"), "#b3122e", "circle", 13.0),
        ),
    ),
    whatif_layer(
        "stocking_short",
        Text("储备: 缺口", "Stocking: what is missing"),
        "point",
        (
            _ID,
            _NAME,
            _STREET,
            _PERSONS,
            Field("state", Text("状态", "state"), "choice", "", _NEED_STATES),
            Field("missing", Text("缺少或迟到", "short or late")),
            Field("reason", Text("原因", "reason"), "choice", "", SHORTFALLS),
        ),
        Categories(
            "state",
            {
                "short": Mark(_NEED_STATES["short"], "#b3122e", "diamond", 12.0),
                "late": Mark(_NEED_STATES["late"], "#e07b2a", "diamond", 10.0),
            },
            Mark(Text("其他", "other"), "#8a8f98", "diamond", 9.0),
        ),
    ),
)

LAYERS_OF_KIND: dict[str, tuple[Layer, ...]] = {
    "scenarios": (_WORST_ARRIVAL,),
    "n_minus_1": (_CRITICAL_LINKS, _ONE_ROAD),
    "evacuation": _EVACUATION,
    "siting": _SITING,
    "stocking": _STOCKING,
}
"""Kind of result -> its layers. A kind becomes a layer of the map by one entry here."""
