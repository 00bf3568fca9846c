"""The one gate through which every layer is read: permission, window, field whitelist, limit."""

from collections.abc import Collection
from datetime import datetime

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from geo.errors import InputError, NotFound
from layers import analyses
from layers.catalogue import LAYERS
from layers.district import District
from layers.layer import Layer, LayerFrame, Role, Table

MAX_FEATURES = 20_000
"""Features in one answer; above that the answer is cut and says so."""

Bbox = tuple[float, float, float, float]


def permitted(role: Role) -> dict[str, Layer]:
    """The layers that a role may know of."""
    return {key: layer for key, layer in LAYERS.items() if role in layer.roles}


def layer_for(layer_id: str, role: Role) -> Layer:
    """The layer called `layer_id`; NotFound where there is none or the role may not know of it."""
    layer = permitted(role).get(layer_id)
    if layer is None:
        raise NotFound(f"there is no layer '{layer_id}'; the layers are: {', '.join(permitted(role))}")
    return layer


def read(
    district: District,
    layer_id: str,
    *,
    role: Role,
    bbox: Bbox | None = None,
    ids: Collection[str] | None = None,
    limit: int | None = None,
    at: datetime | None = None,
) -> LayerFrame:
    """Read one layer for one role.

    `bbox` is (min_lon, min_lat, max_lon, max_lat) in degrees; rows that touch it are in. `ids` are the rows wanted;
    one that is not there is left out.
    Without `limit` everything is read (exports); pages pass a limit of at most `MAX_FEATURES`.
    """
    layer = layer_for(layer_id, role)
    moment = district.local(at)
    view = district.view()
    if limit is not None and limit < 1:
        raise InputError(f"limit={limit}: must be at least 1")
    if isinstance(layer.source, Table):
        frame = analyses.table_layer(view, layer.source.name, at=moment)
        source = analyses.source_note(frame)
    else:
        frame = analyses.LAYER_FUNCTIONS[layer.source.name](view, at=moment)
        source = str(frame.attrs.get("source", f"计算, 数据版本 {view.revision}"))
    count = len(frame)
    if ids is not None:
        if not any(field.name == "id" for field in layer.fields):
            raise InputError(f"id={next(iter(ids), '')}: the rows of {layer_id} have no id")
        frame = frame[frame["id"].isin(list(ids))]
    if bbox is not None:
        frame = frame[touching(frame, bbox)]
    matched = len(frame)
    truncated = limit is not None and matched > limit
    if truncated:
        frame = frame.iloc[:limit]
    updated = frame["updated_utc"].max() if "updated_utc" in frame.columns and len(frame) else None
    columns = [f.name for f in layer.fields if f.name in frame.columns and role in f.roles]
    return LayerFrame(
        layer,
        frame[[*columns, "geometry"]],
        count,
        matched,
        truncated,
        source,
        str(updated) if updated is not None else None,
        view.revision,
        moment,
    )


def touching(frame: gpd.GeoDataFrame, bbox: Bbox) -> NDArray[np.bool_]:
    """(n,) whether a row of a frame in degrees touches a window."""
    min_x, min_y, max_x, max_y = bbox
    if not (min_x < max_x and min_y < max_y):
        raise InputError(f"bbox={bbox}: expected min_lon,min_lat,max_lon,max_lat with min < max")
    found: NDArray[np.bool_] = shapely.intersects(frame.geometry.array, shapely.box(*bbox))
    return found


def summary(district: District, layer_id: str, *, role: Role, at: datetime | None = None) -> LayerFrame:
    """What `read` says of a layer, with its columns but without the rows of one that is drawn from tiles."""
    layer = layer_for(layer_id, role)
    if not (layer.tiled and isinstance(layer.source, Table)):
        return read(district, layer_id, role=role, at=at)
    view = district.view()
    moment = district.local(at)
    table = layer.source.name
    about = view.kept(
        ("about", table),
        lambda: district.store.frame(table, columns=["source", "updated_utc"]).drop(columns="geometry"),
    )

    columns = [f.name for f in layer.fields if role in f.roles]
    updated = about["updated_utc"].max() if len(about) else None
    return LayerFrame(
        layer,
        gpd.GeoDataFrame({name: [] for name in columns}, geometry=[], crs=4326),
        len(about),
        len(about),
        False,
        analyses.source_note(about),
        str(updated) if updated is not None else None,
        view.revision,
        moment,
    )
