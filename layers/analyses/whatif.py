"""The newest saved results of what-if questions as layers of the map."""

from collections.abc import Callable
from datetime import datetime
from functools import partial

import geopandas as gpd

from layers.actions.accounts import COMMAND_LINE
from layers.district import View
from layers.layer import Layer
from layers.whatif.layers import LAYERS_OF_KIND
from layers.whatif.saved import layer_rows, newest


def whatif_rows(view: View, *, at: datetime, kind: str, layer: Layer) -> gpd.GeoDataFrame:
    """The rows of the newest saved result of a kind, with its name, maker and what changed since as the source."""
    record = newest(view.district, kind)
    rows = None if record is None else layer_rows(view.district, record, layer.id)
    if record is None or rows is None:
        return gpd.GeoDataFrame({f.name: [] for f in layer.fields}, geometry=[], crs=4326)
    for field in layer.fields:
        if field.name not in rows:
            rows[field.name] = None  # saved before there was this field
    stale = record.stale(view)
    rows["updated_utc"] = record.made_utc
    rows.attrs["source"] = (
        f"推演“{record.name}” ({COMMAND_LINE.name if record.made_by == COMMAND_LINE.id else record.made_by})"
        + (f", 此后有改动: {', '.join(stale)}" if stale else "")
    )
    return rows


WHATIF_FUNCTIONS: dict[str, Callable[..., gpd.GeoDataFrame]] = {
    layer.id: partial(whatif_rows, kind=kind, layer=layer)
    for kind, layers in LAYERS_OF_KIND.items()
    for layer in layers
}
"""The functions that the what-if layers name."""
