"""The layers that show the newest saved result of each kind; the catalogue takes them from here."""

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

_SHELTER_STATES = {
    "full": Text("已满", "full"),
    "room": Text("有余位", "with places left"),
    "unused": Text("未用", "not used"),
    "out": Text("不启用", "out"),
}
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
        "evacuation_routes",
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
            Field("name", Text("名称", "name")),
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

LAYERS_OF_KIND: dict[str, tuple[Layer, ...]] = {"evacuation": _EVACUATION}
"""Kind of result -> its layers. A kind becomes a layer of the map by one entry here."""
