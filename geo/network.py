"""The road graph as arrays: noding, strong components, snapping, closures.

Roads meet at shared vertices. An interior vertex of a bridge, a tunnel or another level does not
meet the road that it crosses; end points meet.
"""

import hashlib
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

from geo.crs import STORED_EPSG, metric_crs, to_metric
from geo.errors import CrsError, InputError
from geo.speeds import ROAD_SPEEDS

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Bools = NDArray[np.bool_]

DEFAULT_SNAP_M = 500.0
"""A place farther than this from every road has no road (bound included) [proposed]."""

MAIN_SHARE = 0.05
"""A strong component with at least this share of the nodes counts as main network [proposed]."""

POINT_CLOSURE_M = 30.0
"""A closure drawn as a point closes the nearest edge within this distance (bound included) [proposed]."""

LINE_CLOSURE_M = 1.0
"""A closure drawn as a line follows an edge when it runs this near to it [proposed]."""

_GRID_M = 0.01  # vertices this near are one
_MAX_LEVEL = 500  # levels beyond are no levels; they must fit into a node's key
_CLASS_OF = {row.highway: i for i, row in enumerate(ROAD_SPEEDS)}


@dataclass(frozen=True)
class NetworkReport:
    """What became of the rows: nothing is dropped in silence."""

    rows: int
    without_geometry: int
    edges: int
    nodes: int
    zero_length: int
    self_loops: int
    one_way: int
    components: int
    main_components: int
    nodes_off_main: int
    unknown_classes: tuple[tuple[str, int], ...]

    def to_json(self) -> dict[str, Any]:
        """The report as plain values."""
        return {**self.__dict__, "unknown_classes": dict(self.unknown_classes)}


@dataclass(frozen=True)
class Snapped:
    """n places on the road network.

    `edge` is -1 where no road is near enough; `fraction` runs from the edge's tail (0) to its head
    (1); `access_m` is the straight distance from the place to the road, NaN without a road;
    `is_fragment` says that the edge does not belong to a main component.
    """

    edge: Ints
    fraction: Floats
    xy_m: Floats
    access_m: Floats
    is_fragment: Bools

    def __len__(self) -> int:
        return len(self.edge)

    def take(self, indices: Any) -> "Snapped":
        """The places at these positions."""
        return Snapped(
            self.edge[indices],
            self.fraction[indices],
            self.xy_m[indices],
            self.access_m[indices],
            self.is_fragment[indices],
        )


@dataclass(frozen=True, eq=False)
class RoadNetwork:
    """A road graph: nodes, undirected edges with their geometry, and directed arcs."""

    epsg: int
    node_xy_m: Floats
    edge_tail: Ints
    edge_head: Ints
    edge_length_m: Floats
    edge_coords_m: Floats
    edge_start: NDArray[np.int64]
    edge_row: Ints
    edge_class: NDArray[np.int16]
    edge_maxspeed_kmh: Floats
    edge_forward: Bools
    edge_backward: Bools
    edge_bridge: Bools
    arc_tail: Ints
    arc_head: Ints
    arc_edge: Ints
    arc_is_forward: Bools
    component: Ints
    is_main: Bools
    hash: str
    report: NetworkReport = field(repr=False)

    def __getstate__(self) -> dict[str, Any]:
        """What another process needs; lines and trees are made anew there."""
        return {item.name: self.__dict__[item.name] for item in fields(self)}

    @cached_property
    def forward_arc(self) -> Ints:
        """(e,) the arc that runs along each edge from tail to head, -1 where there is none."""
        return self._arc_of(forward=True)

    @cached_property
    def backward_arc(self) -> Ints:
        """(e,) the arc that runs along each edge from head to tail, -1 where there is none."""
        return self._arc_of(forward=False)

    def _arc_of(self, *, forward: bool) -> Ints:
        found = np.full(len(self.edge_tail), -1, dtype=np.int32)
        arcs = np.flatnonzero(self.arc_is_forward == forward)
        found[self.arc_edge[arcs]] = arcs
        return found

    def edge_lines(self) -> NDArray[np.object_]:
        """(e,) LineStrings in the metric CRS, each from tail to head."""
        return self._lines

    @cached_property
    def _lines(self) -> NDArray[np.object_]:
        if len(self.edge_tail) == 0:
            return np.array([], dtype=object)
        counts = np.diff(self.edge_start)
        owner = np.repeat(np.arange(len(counts)), counts)
        found: NDArray[np.object_] = shapely.linestrings(self.edge_coords_m, indices=owner)
        return found

    @cached_property
    def edge_is_main(self) -> Bools:
        """(e,) whether both ends of the edge belong to a main component."""
        return self.is_main[self.edge_tail] & self.is_main[self.edge_head]

    @cached_property
    def _trees(self) -> tuple[tuple[NDArray[np.intp], shapely.STRtree], ...]:
        groups = (np.flatnonzero(self.edge_is_main), np.flatnonzero(~self.edge_is_main))
        return tuple((group, shapely.STRtree(self._lines[group])) for group in groups)

    @cached_property
    def _tree(self) -> shapely.STRtree:
        return shapely.STRtree(self._lines)

    def snap(self, xy_m: Any, *, max_m: float = DEFAULT_SNAP_M) -> Snapped:
        """Put places on their nearest edge, at most `max_m` away (bound included).

        (n, 2) m in the network's CRS; a place with NaN has no road. An edge of a main component is
        taken where one lies within `max_m`, else the nearest of a fragment; equal distances go to
        the lowest edge.
        """
        points = np.asarray(xy_m, dtype=np.float64).reshape(-1, 2)
        n = len(points)
        edge = np.full(n, -1, dtype=np.int32)
        finite: Bools = np.asarray(np.isfinite(points).all(axis=1))
        shapes = shapely.points(np.where(finite[:, None], points, 0.0))
        for group, tree in self._trees:
            open_ = np.flatnonzero(finite & (edge < 0))
            if len(open_) == 0 or len(group) == 0:
                continue
            asked, found = tree.query_nearest(shapes[open_], max_distance=_above(max_m), all_matches=True)
            order = np.lexsort((group[found], asked))
            first = order[np.r_[True, np.diff(asked[order]) > 0]] if len(order) else order
            edge[open_[asked[first]]] = group[found[first]]
        there = np.flatnonzero(edge >= 0)
        fraction = np.zeros(n)
        snapped_xy = np.full((n, 2), np.nan)
        access_m = np.full(n, np.nan)
        is_fragment = np.zeros(n, dtype=bool)
        if len(there):
            lines = self._lines[edge[there]]
            with np.errstate(invalid="ignore"):
                located = shapely.line_locate_point(lines, shapes[there], normalized=True)
            fraction[there] = np.clip(np.nan_to_num(located), 0.0, 1.0)
            on_road = shapely.line_interpolate_point(lines, fraction[there], normalized=True)
            snapped_xy[there] = shapely.get_coordinates(on_road)
            access_m[there] = shapely.distance(lines, shapes[there])
            is_fragment[there] = ~self.edge_is_main[edge[there]]
            far = there[access_m[there] > max_m]
            edge[far], fraction[far], snapped_xy[far], access_m[far] = -1, 0.0, np.nan, np.nan
            is_fragment[far] = False
        return Snapped(edge, fraction, snapped_xy, access_m, is_fragment)

    def closure_factors(self, geometries_m: Any, factors: Any) -> Floats:
        """(e,) the share of the speed that is left on each edge: 1 open, 0 closed, the least where several.

        Lines and areas act on every edge whose inside they meet, a line also on every edge that it
        follows (within `LINE_CLOSURE_M` over half of the edge or over 10 m, so that a line traced
        along a road need not hit it exactly); a point acts on the nearest edge within
        `POINT_CLOSURE_M`, and on all that are equally near (a street drawn once for each direction,
        a junction). All grades are closed where several cross. Edges that are only touched,
        as those that end at the border of an area, stay open.
        """
        result = np.ones(len(self.edge_tail))
        shapes = np.asarray(geometries_m, dtype=object).reshape(-1)
        values = np.asarray(factors, dtype=np.float64).reshape(-1)
        if len(shapes) != len(values):
            raise InputError(f"factors: {len(values)} values for {len(shapes)} geometries")
        if not ((values >= 0) & (values <= 1)).all():
            raise InputError("factors: expected numbers from 0 (closed) to 1 (open)")
        if len(result) == 0:
            return result
        for shape, value in zip(shapes, values, strict=True):
            if shape is None or shape.is_empty:
                continue
            for part in shapely.get_parts(shape):
                hit = self.edges_met(part)
                result[hit] = np.minimum(result[hit], value)
        return result

    def edges_met(self, shape: Any) -> NDArray[np.intp]:
        """The edges on which a closure drawn as this point, line or area acts, in order; see `closure_factors`."""
        found: NDArray[np.intp]
        if shape.geom_type == "Point":
            found = self._tree.query_nearest(shape, max_distance=_above(POINT_CLOSURE_M), all_matches=True)
            found = np.sort(found[shapely.distance(self._lines[found], shape) <= POINT_CLOSURE_M])
            return found
        found = self._tree.query(shape, predicate="intersects")
        found = found[~shapely.touches(self._lines[found], shape)]
        if shape.geom_type == "LineString":
            beside = shapely.buffer(shape, LINE_CLOSURE_M, cap_style="flat")
            near = self._tree.query(beside, predicate="intersects")
            shared = shapely.intersection(self._lines[near], beside)
            shared_m = shapely.length(shared)
            follows = shared_m >= np.minimum(0.5 * self.edge_length_m[near], 10.0)
            follows &= (shared_m > 0) & (_span_m(shape, shared) >= 0.5 * shared_m)
            found = np.union1d(found, near[follows])
        return found


def _span_m(line: Any, pieces: NDArray[np.object_]) -> Floats:
    """(n,) m, how much of a line each piece runs beside; little for a piece that runs across."""
    xy, piece = shapely.get_coordinates(pieces, return_index=True)
    along = shapely.line_locate_point(line, shapely.points(xy))
    low, high = np.full(len(pieces), np.inf), np.full(len(pieces), -np.inf)
    np.minimum.at(low, piece, along)
    np.maximum.at(high, piece, along)
    return np.where(high >= low, high - low, 0.0)


def _above(value: float) -> float:
    """A little above, so that a bound is included whatever the rounding."""
    return value * (1 + 1e-9) + 1e-9


def road_network(roads: gpd.GeoDataFrame, *, epsg: int, ignore_oneway: bool = False) -> RoadNetwork:
    """Build the road graph of a frame of roads.

    Parameters
    ----------
    roads : rows with LineString or MultiLineString geometry in EPSG:4326 or `epsg`, and the columns
        highway, maxspeed (km/h), oneway (yes, no, -1), bridge, tunnel, layer, name, of which all
        but the geometry may be missing
    epsg : EPSG code of the metric CRS
    ignore_oneway : drive against one-way streets too (blue light)

    Returns
    -------
    RoadNetwork; one without nodes for an empty frame

    Raises
    ------
    CrsError : the frame has no CRS or another than the two
    InputError : a geometry is not a line or not finite

    Notes
    -----
    CRS: EPSG:4326 or `epsg` in, `epsg` inside.
    Cost: O(v log v) for v vertices.
    Invariant: the lengths of the edges add up to the length of the roads; every row with geometry
    is in at least one edge.
    Source: none; grade separation by the tags bridge, tunnel and layer of OpenStreetMap.
    """
    metric_crs(epsg)
    geometry = np.asarray(roads.geometry.array, dtype=object) if len(roads) else np.array([], dtype=object)
    missing = shapely.is_missing(geometry) | shapely.is_empty(geometry)
    if len(geometry) and not np.isin(shapely.get_type_id(geometry[~missing]), (1, 5)).all():
        raise InputError("roads: expected LineString or MultiLineString geometry")
    parts, part_row = shapely.get_parts(geometry[~missing], return_index=True)
    row_of_part = np.flatnonzero(~missing)[part_row].astype(np.int32)
    coords, line_of = shapely.get_coordinates(parts, return_index=True)
    coords = _metric_coords(roads, coords, epsg)

    grade = _grades(roads)[row_of_part][line_of] if len(coords) else np.empty(0, dtype=np.int64)
    is_first = np.r_[True, line_of[1:] != line_of[:-1]] if len(coords) else np.empty(0, dtype=bool)
    is_end = is_first | np.r_[is_first[1:], True] if len(coords) else is_first
    node_of = _nodes(coords, grade, is_end)
    at = np.flatnonzero(node_of >= 0)
    same_line = line_of[at[1:]] == line_of[at[:-1]]
    first, last = at[:-1][same_line], at[1:][same_line]
    numbers, compact = np.unique(node_of[np.r_[first, last]], return_inverse=True)
    tail, head = compact[: len(first)].astype(np.int32), compact[len(first) :].astype(np.int32)
    node_xy = np.empty((len(numbers), 2))
    node_xy[compact] = coords[np.r_[first, last]]

    counts = last - first + 1
    start = np.r_[0, np.cumsum(counts)].astype(np.int64)
    vertex = np.arange(start[-1]) - np.repeat(start[:-1], counts) + np.repeat(first, counts)
    step_m = np.hypot(*np.diff(coords, axis=0).T) if len(coords) > 1 else np.empty(0)
    along_m = np.r_[0.0, np.cumsum(step_m)]
    length_m = along_m[last] - along_m[first] if len(first) else np.empty(0)
    row = row_of_part[line_of[first]] if len(first) else np.empty(0, dtype=np.int32)

    classes, unknown = _classes(roads)
    forward, backward = _directions(roads, ignore_oneway)
    loops = tail == head
    useless = loops & (length_m <= 0)
    forward_arcs = np.flatnonzero(forward[row] & ~useless)
    backward_arcs = np.flatnonzero(backward[row] & ~useless)
    arc_edge = np.r_[forward_arcs, backward_arcs].astype(np.int32)
    arc_is_forward = np.r_[np.ones(len(forward_arcs), dtype=bool), np.zeros(len(backward_arcs), dtype=bool)]
    arc_tail = np.where(arc_is_forward, tail[arc_edge], head[arc_edge]).astype(np.int32)
    arc_head = np.where(arc_is_forward, head[arc_edge], tail[arc_edge]).astype(np.int32)

    n = len(node_xy)
    component, is_main, sizes = _components(n, arc_tail, arc_head)
    edge_coords = coords[vertex] if len(vertex) else np.empty((0, 2))
    digest = hashlib.sha256()
    for array in (np.round(node_xy * 100).astype(np.int64), arc_tail, arc_head, np.round(edge_coords * 100)):
        digest.update(np.ascontiguousarray(array).tobytes())
    report = NetworkReport(
        rows=len(roads),
        without_geometry=int(missing.sum()),
        edges=len(tail),
        nodes=n,
        zero_length=int((length_m <= 0).sum()),
        self_loops=int((loops & ~useless).sum()),
        one_way=int((forward[row] ^ backward[row]).sum()),
        components=len(sizes),
        main_components=len(np.unique(component[is_main])),
        nodes_off_main=int((~is_main).sum()),
        unknown_classes=unknown,
    )
    return RoadNetwork(
        epsg,
        node_xy,
        tail,
        head,
        length_m,
        edge_coords,
        start,
        row.astype(np.int32),
        classes[row],
        _maxspeeds(roads)[row],
        forward[row],
        backward[row],
        _flags(roads, "bridge")[row],
        arc_tail,
        arc_head,
        arc_edge,
        arc_is_forward,
        component,
        is_main,
        digest.hexdigest(),
        report,
    )


def _metric_coords(roads: gpd.GeoDataFrame, coords: Floats, epsg: int) -> Floats:
    if len(coords) == 0:
        return np.empty((0, 2))
    if not np.isfinite(coords).all():
        raise InputError("roads: a coordinate is not a finite number")
    if roads.crs is None:
        raise CrsError("roads: the frame has no CRS; set EPSG:4326 or the metric one")
    code = roads.crs.to_epsg()
    if code == epsg:
        return coords
    if code != STORED_EPSG:
        raise CrsError(f"roads: EPSG:{code}; expected EPSG:{STORED_EPSG} or EPSG:{epsg}")
    metric = to_metric(coords, epsg=epsg)
    if not np.isfinite(metric).all():
        raise CrsError(f"roads: a coordinate cannot be projected to EPSG:{epsg}")
    return metric


def _column(roads: gpd.GeoDataFrame, name: str) -> pd.Series:
    return roads[name] if name in roads.columns else pd.Series([None] * len(roads), dtype=object)


def _flags(roads: gpd.GeoDataFrame, name: str) -> Bools:
    values = _column(roads, name)
    no = values.isna() | values.astype(str).str.lower().isin(("", "0", "0.0", "no", "false", "none", "nan"))
    return ~no.to_numpy(dtype=bool)


def _grades(roads: gpd.GeoDataFrame) -> NDArray[np.int64]:
    """One number for each combination of level, bridge and tunnel; 0 is the plain ground."""
    told = pd.to_numeric(_column(roads, "layer"), errors="coerce").fillna(0).to_numpy(dtype=np.float64)
    level = np.clip(told, -_MAX_LEVEL, _MAX_LEVEL).astype(np.int64)
    found: NDArray[np.int64] = level * 4 + _flags(roads, "bridge") * 1 + _flags(roads, "tunnel") * 2
    return found


def _nodes(coords: Floats, grade: NDArray[np.int64], is_end: Bools) -> NDArray[np.int64]:
    """(v,) node number of each vertex, -1 for a vertex that only gives shape."""
    if len(coords) == 0:
        return np.empty(0, dtype=np.int64)
    cell = np.round(coords / _GRID_M).astype(np.int64)
    cell -= cell.min(axis=0)
    place = np.unique(cell[:, 0] * (int(cell[:, 1].max()) + 1) + cell[:, 1], return_inverse=True)[1]
    place = _merged(coords, place)
    places = int(place.max()) + 1
    inner = ~is_end
    # Places where inner vertices of several grades meet: each grade is a node of its own.
    low = np.full(places, np.iinfo(np.int64).max)
    high = np.full(places, np.iinfo(np.int64).min)
    np.minimum.at(low, place[inner], grade[inner])
    np.maximum.at(high, place[inner], grade[inner])
    apart = (high > low)[place]
    own = np.where(apart, grade, 0)
    if apart.any():
        inner_keys = set(zip(place[apart & inner].tolist(), grade[apart & inner].tolist(), strict=True))
        ground: dict[int, int] = {}
        for p, g in sorted(inner_keys, key=lambda pair: (pair[0], abs(pair[1]), pair[1])):
            ground.setdefault(p, g)
        for k in np.flatnonzero(apart & is_end):
            if (int(place[k]), int(grade[k])) not in inner_keys:
                own[k] = ground[int(place[k])]
    keys = place * 4096 + (own + 2048)
    number, uses = np.unique(keys, return_inverse=True, return_counts=True)[1:]
    ends = np.zeros(len(uses), dtype=bool)
    ends[number[is_end]] = True
    is_node = (uses > 1) | ends
    return np.where(is_node[number], number, -1).astype(np.int64)


def _merged(coords: Floats, place: NDArray[np.int64]) -> NDArray[np.int64]:
    """Cells as places, joined where vertices on both sides of a cell's border are one."""
    one = np.unique(place, return_index=True)[1]
    pairs = KDTree(coords[one], balanced_tree=False, compact_nodes=False).query_pairs(_GRID_M, output_type="ndarray")
    if len(pairs) == 0:
        return place
    near = coo_array((np.ones(len(pairs), dtype=np.int8), (pairs[:, 0], pairs[:, 1])), shape=(len(one), len(one)))
    label = connected_components(near, directed=False)[1].astype(np.int64)
    found: NDArray[np.int64] = label[place]
    return found


def _classes(roads: gpd.GeoDataFrame) -> tuple[NDArray[np.int16], tuple[tuple[str, int], ...]]:
    names = _column(roads, "highway").fillna("").astype(str)
    codes = names.map(_CLASS_OF)
    unknown = names[codes.isna()].value_counts()
    fallback = _CLASS_OF["unclassified"]
    numbers: NDArray[np.int16] = np.asarray(codes.fillna(fallback), dtype=np.int16)
    return numbers, tuple((str(k), int(v)) for k, v in sorted(unknown.items()))


def _maxspeeds(roads: gpd.GeoDataFrame) -> Floats:
    """(rows,) km/h, NaN where there is none; 0 is no limit but a missing one."""
    values = pd.to_numeric(_column(roads, "maxspeed"), errors="coerce").to_numpy(dtype=np.float64)
    return np.where(values > 0, values, np.nan)


def _directions(roads: gpd.GeoDataFrame, ignore_oneway: bool) -> tuple[Bools, Bools]:
    text = _column(roads, "oneway").astype(object).map(lambda v: str(v).strip().lower())
    against = text.isin(("-1", "-1.0", "reverse")).to_numpy()
    along = text.isin(("yes", "true", "1", "1.0", "y", "是")).to_numpy()
    if ignore_oneway:
        both = np.ones(len(roads), dtype=bool)
        return both, both.copy()
    return ~against, ~along


def _components(n: int, tail: Ints, head: Ints) -> tuple[Ints, Bools, NDArray[np.int64]]:
    if n == 0:
        return np.empty(0, dtype=np.int32), np.empty(0, dtype=bool), np.empty(0, dtype=np.int64)
    graph = coo_array((np.ones(len(tail), dtype=np.int8), (tail, head)), shape=(n, n)).tocsr()
    label = connected_components(graph, directed=True, connection="strong")[1]
    sizes = np.bincount(label)
    main = sizes >= MAIN_SHARE * n
    main[np.argmax(sizes)] = True
    return label.astype(np.int32), main[label], sizes
