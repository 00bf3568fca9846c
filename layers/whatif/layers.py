"""The layers that show the newest saved result of each kind; the catalogue takes them from here."""

from layers.layer import Computed, Field, Layer, Role, Style, Text

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


LAYERS_OF_KIND: dict[str, tuple[Layer, ...]] = {}
"""Kind of result -> its layers. A kind becomes a layer of the map by one entry here."""
