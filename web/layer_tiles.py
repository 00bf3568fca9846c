"""The API of layers with many rows: vector tiles made on demand, and how many rows are drawn of how many in view."""

import re
from collections.abc import Hashable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from geo.errors import InputError, NotFound
from layers import query
from layers.layer import TILES_MAX_ZOOM
from layers.layer_tiles import DrawnLayer, drawn_layer, version
from layers.views.map_view import ShownLayer, read_map_view
from web import parameters as p
from web.endpoint import Endpoint, Question
from web.kept import Answer
from web.map_link import view_param
from web.parameters import Param

MEDIA_TYPE = "application/vnd.mapbox-vector-tile"

_SHOWN = (
    view_param(
        "how the layer is filtered and styled: a view of this one layer as JSON",
        example='{"layers":[{"id":"enterprises","filters":[{"field":"risk_level","values":["major"]}]}]}',
    ),
    p.when(),
)
COUNTED: dict[str, Any] = {
    "type": "object",
    "required": ["count", "matched", "in_view", "drawn"],
    "properties": {
        "count": {"type": "integer", "description": "rows of the layer"},
        "matched": {"type": "integer", "description": "rows with a place that the filters leave"},
        "in_view": {"type": "integer", "description": "of these, rows that touch the window"},
        "drawn": {"type": "integer", "description": "of these, rows that are on the tiles of the zoom"},
    },
}


def _asked(q: Question, layer: str, document: dict[str, Any] | None) -> ShownLayer:
    found = query.layer_for(layer, q.role)
    if found.tiled:
        raise NotFound(f"{layer} has no tiles of its own; it is on those of the base map")
    if document is None:
        return ShownLayer(found)
    shown = read_map_view(document, role=q.role, timezone=q.district.timezone).layers
    if [one.layer.id for one in shown] != [layer]:
        raise InputError(f"view.layers: {', '.join(one.layer.id for one in shown) or 'none'}; expected {layer} alone")
    return shown[0]


def _drawn(q: Question, layer: str, document: dict[str, Any] | None, at: datetime | None) -> DrawnLayer:
    return drawn_layer(q.district, _asked(q, layer, document), role=q.role, at=at)


def _version(q: Question, *, layer: str, at: datetime | None, **_: Any) -> Hashable:
    return version(q.district, query.layer_for(layer, q.role), at)


def tile(
    q: Question, *, layer: str, z: str, x: str, y: str, document: dict[str, Any] | None, at: datetime | None
) -> Answer:
    """One vector tile of a layer: ids, names from the zoom where they are drawn, and what its style asks."""
    drawn = _drawn(q, layer, document, at)
    numbers = [int(text) if re.fullmatch(r"[0-9]{1,6}", text) else -1 for text in (z, x, y)]
    if not 0 <= numbers[0] <= TILES_MAX_ZOOM or not all(0 <= one < 2 ** numbers[0] for one in numbers[1:]):
        raise NotFound(
            f"there is no tile {z}/{x}/{y}; a tile is Z/X/Y.mvt with 0 <= Z <= {TILES_MAX_ZOOM}, 0 <= X, Y < 2 ** Z"
        )
    return Answer(drawn.tile(*numbers), MEDIA_TYPE)


def counts(
    q: Question, *, layer: str, document: dict[str, Any] | None, at: datetime | None, bbox: query.Bbox, zoom: int
) -> dict[str, Any]:
    """How many rows of a layer are in a window, and how many of them the tiles of a zoom hold."""
    return asdict(_drawn(q, layer, document, at).counted(zoom, bbox))


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        "/layers/{layer}/tiles/{z}/{x}/{y}.mvt",
        "One vector tile of a layer, thinned by zoom",
        tile,
        _SHOWN,
        {},
        {
            "layer": "id of a layer",
            "z": f"zoom, 0 to {TILES_MAX_ZOOM}",
            "x": "column from the west",
            "y": "row from the north",
        },
        (MEDIA_TYPE,),
        kept=True,
        version=_version,
        action="map.read",
    ),
    Endpoint(
        "/layers/{layer}/tiles/counts",
        "How many rows are in a window, and how many of them the tiles of a zoom hold",
        counts,
        (
            *_SHOWN,
            p.window("the window", required=True),
            Param(
                "zoom",
                p.whole(0, 24),
                "the zoom of the tiles",
                {"type": "integer", "minimum": 0, "maximum": 24},
                required=True,
                example="12",
            ),
        ),
        COUNTED,
        {"layer": "id of a layer"},
        kept=True,
        version=_version,
        action="map.read",
    ),
)
