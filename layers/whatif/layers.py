"""The layers that show the newest saved result of each kind; the catalogue takes them from here."""

from geo.bands import BAND_LIMITS_S
from layers.layer import Categories, Computed, Field, Layer, Mark, Role, Steps, Style, Text

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
        Field("id", Text("编号", "id")),
        Field("name", Text("名称", "name")),
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
)

_ONE_ROAD = whatif_layer(
    "villages_on_one_road",
    Text("单路维系的村(社区)", "villages on one road"),
    "point",
    (
        Field("id", Text("编号", "id")),
        Field("name", Text("名称", "name")),
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

LAYERS_OF_KIND: dict[str, tuple[Layer, ...]] = {
    "scenarios": (_WORST_ARRIVAL,),
    "n_minus_1": (_CRITICAL_LINKS, _ONE_ROAD),
}
"""Kind of result -> its layers. A kind becomes a layer of the map by one entry here."""
