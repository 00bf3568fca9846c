"""The layers that show the newest saved result of each kind; the catalogue takes them from here."""

from geo.bands import BAND_LIMITS_S
from layers.layer import Computed, Field, Layer, Mark, Role, Steps, Style, Text

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

SCENARIO_LAYERS = (
    whatif_layer(
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
        Steps(
            "worst_s", BAND_LIMITS_S, _BANDS, Mark(Text("60 分钟以上", "over 60 min"), "#d73027", "fill", opacity=0.5)
        ),
    ),
)

LAYERS_OF_KIND: dict[str, tuple[Layer, ...]] = {
    "scenarios": SCENARIO_LAYERS,
}
"""Kind of result -> its layers. A kind becomes a layer of the map by one entry here."""
