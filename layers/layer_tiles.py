"""A layer with many rows as vector tiles made on demand: which rows stand on a tile, thinned by zoom.

What the filters of a view leave is thinned before it is drawn: of what would lie within a few pixels of one another,
the row that lies on top is drawn. From `TILES_MAX_ZOOM` on every row is there. Counts never come from tiles.
"""

import threading
from collections import OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from weakref import WeakKeyDictionary

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from geo.thinning import thinned
from geo.vector_tile import EXTENT, tile_layer, world_xy
from layers import analyses
from layers.district import District
from layers.html import mark_places
from layers.layer import TILES_MAX_ZOOM, Layer, Role, Single, Table, plain
from layers.query import Bbox, touching
from layers.views.map_view import ShownLayer
from layers.views.shown import Shown, show
from layers.whatif import saved
from layers.zoning import runs

TILE_PX = 512
"""Pixels along the side of a tile on the page."""

CELL_PX: Mapping[str, int] = {"point": 8, "line": 2, "polygon": 2}
"""Pixels along the side of a cell that draws one feature: marks are about 8 wide, lines and areas need not be seen
nearer than 2."""

LABELS_FROM_ZOOM: Mapping[str, int] = {"point": 13, "line": 13, "polygon": 10}
"""The zoom of the first tiles that hold names."""

BUFFER = 64
"""Units of a tile by which lines and areas reach over its edge; a point is on one tile only."""

_KEPT_ROWS = 600_000
"""Rows of all layers that are kept as they are drawn, of each district; the newest one is kept however many it has."""

_EQUATOR_M = 40_075_016.7
_SMOOTH = 2.0  # units of a tile, a quarter of a pixel

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Counted:
    """How many rows of a layer are in a window, and how many of them are drawn at a zoom."""

    count: int
    matched: int
    in_view: int
    drawn: int


@dataclass(frozen=True, eq=False)
class DrawnLayer:
    """The rows that a view shows of a layer, ready to be put on tiles."""

    layer: Layer
    count: int
    frame: gpd.GeoDataFrame  # WGS 84, what the filters leave
    _kept: dict[int, Ints] = field(default_factory=dict)

    @classmethod
    def of(cls, shown: Shown) -> "DrawnLayer":
        """What is drawn of a layer of a view; rows without a place are on no tile."""
        result = shown.result
        frame = result.frame
        there = ~(frame.geometry.isna() | frame.geometry.is_empty).to_numpy()
        return cls(result.layer, result.count, frame[there].reset_index(drop=True))

    @cached_property
    def _boxes(self) -> Floats:
        """(n, 4) west, north, east, south on the square of the world map."""
        west, south, east, north = shapely.bounds(self.frame.geometry.array).T
        return np.hstack([world_xy(np.column_stack([west, north])), world_xy(np.column_stack([east, south]))])

    @cached_property
    def _marks(self) -> NDArray[np.intp]:
        return mark_places(self.layer, self.frame)

    def _fields(self, z: int) -> list[str]:
        """What stands on a tile: the id, the name and what the style asks; all there is where there is no id."""
        fields = [one.name for one in self.layer.fields if one.name in self.frame.columns and one.type != "readings"]
        if "id" not in fields:
            return fields
        style = self.layer.style
        wanted = {"id", *(hatch.field for hatch in self.layer.hatches)}
        if not isinstance(style, Single):
            wanted.add(style.field)
        if z >= LABELS_FROM_ZOOM[self.layer.geometry]:
            wanted.add(self.layer.label_field)
        return [name for name in fields if name in wanted]

    def drawn_at(self, zoom: int) -> Ints:
        """The positions of the rows that are drawn at a zoom, ascending."""
        if zoom >= TILES_MAX_ZOOM:
            return np.arange(len(self.frame))
        found = self._kept.get(zoom)
        if found is None:
            box = self._boxes
            middle = (box[:, :2] + box[:, 2:]) / 2
            size = np.maximum(box[:, 2] - box[:, 0], box[:, 3] - box[:, 1])
            found = self._kept[zoom] = thinned(middle, self._marks, size, cells=self._cells(zoom))
        return found

    def drawn_apart(self, apart_m: float) -> Ints:
        """The positions of the rows that are drawn where cells are at least so many metres wide, ascending."""
        if len(self.frame) == 0:
            return np.arange(0)
        _, south, _, north = self.frame.total_bounds
        around_m = _EQUATOR_M * np.cos(np.radians(max(abs(south), abs(north))))
        widest = around_m * CELL_PX[self.layer.geometry] / TILE_PX / apart_m
        return self.drawn_at(int(np.clip(np.floor(np.log2(widest)), 0, TILES_MAX_ZOOM)))

    def _cells(self, zoom: int) -> int:
        return int(2**zoom) * TILE_PX // CELL_PX[self.layer.geometry]

    def tile(self, z: int, x: int, y: int) -> bytes:
        """The rows on one tile; empty where there are none. `z` above `TILES_MAX_ZOOM` is not made."""
        tiles = 2.0**z
        box = self._boxes
        drawn = self.drawn_at(z)
        mine = box[drawn]
        over = BUFFER / EXTENT
        near = (
            (mine[:, 2] * tiles >= x - over)
            & (mine[:, 0] * tiles < x + 1 + over)
            & (mine[:, 3] * tiles >= y - over)
            & (mine[:, 1] * tiles < y + 1 + over)
        )
        rows = drawn[near]
        if len(rows) == 0:
            return b""
        shapes = np.asarray(self.frame.geometry.array, dtype=object)[rows]
        on_tile = shapely.transform(shapes, lambda lonlat: (world_xy(lonlat) * tiles - (x, y)) * EXTENT)
        rows, on_tile = _cut(rows, self._coarse(on_tile, z))
        properties = {
            name: [plain(value) for value in self.frame[name].to_numpy(dtype=object)[rows].tolist()]
            for name in self._fields(z)
        }
        return tile_layer(self.layer.id, on_tile, properties)

    def _coarse(self, shapes: NDArray[np.object_], z: int) -> NDArray[np.object_]:
        """Shapes in units of a tile, without the bends that nobody can see; a small area is drawn as its cell."""
        if z >= TILES_MAX_ZOOM:
            return shapes
        bent = shapely.get_dimensions(shapes) > 0
        shapes = shapes.copy()
        shapes[bent] = shapely.simplify(shapes[bent], _SMOOTH)
        if self.layer.geometry != "polygon":
            return shapes
        cell = EXTENT * CELL_PX["polygon"] / TILE_PX
        box = shapely.bounds(shapes)
        small = (shapely.get_dimensions(shapes) == 2) & (
            np.maximum(box[:, 2] - box[:, 0], box[:, 3] - box[:, 1]) < cell
        )
        corner = np.floor((box[small, :2] + box[small, 2:]) / 2 / cell) * cell
        shapes[small] = shapely.box(*corner.T, *(corner + cell).T)
        return shapes

    def counted(self, zoom: int, bbox: Bbox) -> Counted:
        """How many rows touch a window, and how many of them are drawn at a zoom."""
        inside = touching(self.frame, bbox)
        return Counted(self.count, len(self.frame), int(inside.sum()), int(inside[self.drawn_at(zoom)].sum()))


def _cut(rows: Ints, shapes: NDArray[np.object_]) -> tuple[Ints, NDArray[np.object_]]:
    """What of the shapes is on the tile: points by where they are, the others cut a little beyond its edge."""
    is_point = shapely.get_dimensions(shapes) == 0
    single = shapely.get_type_id(shapes) == 0
    x, y = shapely.get_x(shapes), shapely.get_y(shapes)
    inside = ~single | ((x >= 0) & (x < EXTENT) & (y >= 0) & (y < EXTENT))
    shapes = shapes.copy()
    shapes[~is_point] = shapely.clip_by_rect(shapes[~is_point], -BUFFER, -BUFFER, EXTENT + BUFFER, EXTENT + BUFFER)
    inside &= ~shapely.is_empty(shapes)
    return rows[inside], shapes[inside]


# -- what is kept ---------------------------------------------------------------------------------


def version(district: District, layer: Layer, at: datetime | None) -> Hashable:
    """What the rows of a layer at a moment depend on: it changes whenever they may."""
    view = district.view()
    source = layer.source
    if isinstance(source, Table) and source.name not in analyses.DERIVED:
        return view.seqs.get(source.name, 0)
    minute = district.local(at).strftime("%Y%m%d%H%M%z")
    return view.revision, runs.stamp(district), saved.stamp(district), minute


class _Shelf:
    """The layers of one district that were drawn last."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.found: OrderedDict[Hashable, DrawnLayer] = OrderedDict()


_shelves: WeakKeyDictionary[District, _Shelf] = WeakKeyDictionary()
_shelves_lock = threading.Lock()


def drawn_layer(district: District, asked: ShownLayer, *, role: Role, at: datetime | None) -> DrawnLayer:
    """What a view shows of a layer, made once for as long as the rows stay as they are."""
    with _shelves_lock:
        shelf = _shelves.setdefault(district, _Shelf())
    key = (asked.layer.id, repr((asked.filters, asked.styling)), role, version(district, asked.layer, at))
    with shelf.lock:
        if key not in shelf.found:
            shelf.found[key] = DrawnLayer.of(show(district, asked, role=role, at=at))
            while len(shelf.found) > 1 and sum(len(one.frame) for one in shelf.found.values()) > _KEPT_ROWS:
                shelf.found.popitem(last=False)
        shelf.found.move_to_end(key)
        return shelf.found[key]
