"""The streets of the demo district as rows: two carriageways, bridges, ramps, one-way pairs."""

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from data.demo import plan
from data.demo.ground import RAMP_M, Ground, built_share, is_near

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_CARRIAGEWAY_M = 7.5  # from the axis of a main road to the middle of one carriageway
_MOTORWAY_M = 12.0
_TAPER_M = 330.0  # from an interchange to where its ramps leave the motorway


@dataclass(frozen=True)
class Roads:
    """Rows of the road network and the graph that they make (metres)."""

    rows: pd.DataFrame  # columns of the kind "roads", `geometry` in metres
    node_xy: Floats
    tail: Ints
    head: Ints
    edge_row: Ints

    def edge_lines(self) -> Any:
        """The straight pieces as shapely lines."""
        return shapely.linestrings(np.stack([self.node_xy[self.tail], self.node_xy[self.head]], axis=1))


@dataclass
class _Pieces:
    """Straight pieces of road on their way to becoming rows."""

    x: list[float]
    y: list[float]
    tail: list[int]
    head: list[int]
    way: list[int]
    oneway: list[bool]
    link: list[bool]
    twin_of: dict[int, int]  # node beside a main road: the node of the mesh that it stands for

    def node(self, x: float, y: float, twin_of: int) -> int:
        self.x.append(x)
        self.y.append(y)
        self.twin_of[len(self.x) - 1] = twin_of
        return len(self.x) - 1

    def add(self, tail: int, head: int, way: int, *, oneway: bool = False, link: bool = False) -> None:
        self.tail.append(tail)
        self.head.append(head)
        self.way.append(way)
        self.oneway.append(oneway)
        self.link.append(link)


def make_roads(ground: Ground, rng: np.random.Generator) -> Roads:
    """Turn the mesh into rows, and see to it that one can drive from everywhere to everywhere."""
    mesh = ground.mesh
    plain: list[tuple[int, int, int]] = [
        (a, b, way) for (a, b), way in mesh.edge_way.items() if mesh.ways[way].highway is not None
    ]
    for nodes, way in mesh.loose:
        plain += [(a, b, way) for a, b in itertools.pairwise(nodes)]
    dice = rng.random(len(mesh.x)).tolist()
    narrow: set[int] = set()
    for _ in range(12):  # where two carriageways would run across another street, keep them together
        pieces = _two_carriageways(ground, plain, dice, narrow)
        tangled = _tangled_nodes(pieces, len(mesh.x))
        if not tangled:
            break
        narrow |= tangled
    rows = _rows(ground, pieces)
    rows = pd.concat([rows, _motorway_rows(ground, rows)], ignore_index=True)
    rows["oneway"] = rows["oneway"].astype(object)
    roads = _graph(rows)
    roads = _without_islands(roads)
    return _one_way_pairs(roads, rng)


def _two_carriageways(
    ground: Ground, plain: list[tuple[int, int, int]], dice: list[float], narrow: set[int]
) -> _Pieces:
    """Give every dual road a carriageway a direction; other roads keep their one line."""
    mesh = ground.mesh
    pieces = _Pieces(list(mesh.x), list(mesh.y), [], [], [], [], [], {})
    around: dict[int, list[tuple[int, int]]] = {}
    for a, b, way in plain:
        around.setdefault(a, []).append((b, way))
        around.setdefault(b, []).append((a, way))
    beside: dict[int, tuple[int, int, int, int]] = {}  # node: before, after, left, right
    xs, ys = pieces.x, pieces.y
    is_dual = [way.dual for way in mesh.ways]
    on_dual = {node for a, b, way in plain if is_dual[way] for node in (a, b)}
    for node in sorted(on_dual - narrow):
        ends = around[node]
        dual = [other for other, way in ends if is_dual[way]]
        if len(dual) != 2:
            continue
        p, q = dual
        dx, dy = xs[q] - xs[p], ys[q] - ys[p]
        length = float(np.hypot(dx, dy))
        ux, uy = xs[node] - xs[p], ys[node] - ys[p]
        if length < 1.0 or (dx * ux + dy * uy) < 0.2 * length * float(np.hypot(ux, uy)):
            continue
        nx, ny = -dy / length * _CARRIAGEWAY_M, dx / length * _CARRIAGEWAY_M
        left = pieces.node(xs[node] + nx, ys[node] + ny, node)
        right = pieces.node(xs[node] - nx, ys[node] - ny, node)
        beside[node] = (p, q, left, right)
        sides: dict[bool, list[int]] = {True: [], False: []}
        for other, way in ends:
            if not is_dual[way]:
                sides[dx * (ys[other] - ys[node]) - dy * (xs[other] - xs[node]) > 0].append(way)
        crossing = min(sides[True] + sides[False], default=-1)
        if (sides[True] and sides[False]) or (crossing >= 0 and dice[node] < 0.5):
            pieces.add(left, right, crossing, link=not (sides[True] and sides[False]))

    def end(node: int, other: int, side: str) -> int:
        """The node at one side of a piece from `node` towards `other`, seen in that direction."""
        if node not in beside:
            return node
        _, q, left, right = beside[node]
        if side == "right":
            return right if other == q else left
        return left if other == q else right

    for a, b, way in plain:
        if is_dual[way] and (a in beside or b in beside):
            # Traffic keeps to the right: a to b on the right of that direction, and back on its left.
            pieces.add(end(a, b, "right"), end(b, a, "left"), way, oneway=True)
            pieces.add(end(b, a, "right"), end(a, b, "left"), way, oneway=True)
            continue
        own = []
        for node, other in ((a, b), (b, a)):
            if node in beside:
                p, q, left, right = beside[node]
                dx, dy = xs[q] - xs[p], ys[q] - ys[p]
                is_left = dx * (ys[other] - ys[node]) - dy * (xs[other] - xs[node]) > 0
                own.append(left if is_left else right)
            else:
                own.append(node)
        pieces.add(own[0], own[1], way)
    return pieces


def _tangled_nodes(pieces: _Pieces, mesh_nodes: int) -> set[int]:
    """Nodes of the mesh whose carriageways lie across a street that they do not meet."""
    xy = np.column_stack([pieces.x, pieces.y])
    tail, head = np.asarray(pieces.tail), np.asarray(pieces.head)
    lines = shapely.linestrings(np.stack([xy[tail], xy[head]], axis=1))
    split = np.flatnonzero((tail >= mesh_nodes) | (head >= mesh_nodes))
    i, b = shapely.STRtree(lines).query(lines[split], predicate="intersects")
    a = split[i]
    apart = (tail[a] != tail[b]) & (tail[a] != head[b]) & (head[a] != tail[b]) & (head[a] != head[b])
    ends = np.unique(np.concatenate([x[apart] for x in (tail[a], head[a], tail[b], head[b])]))
    return {pieces.twin_of[int(node)] for node in ends if int(node) in pieces.twin_of}


def _rows(ground: Ground, pieces: _Pieces) -> pd.DataFrame:
    """Merge pieces of one way with the same attributes into lines."""
    mesh = ground.mesh
    xy = np.column_stack([pieces.x, pieces.y])
    tail, head = np.asarray(pieces.tail), np.asarray(pieces.head)
    lines = shapely.linestrings(np.stack([xy[tail], xy[head]], axis=1))
    way, link, oneway = np.asarray(pieces.way), np.asarray(pieces.link), np.asarray(pieces.oneway)
    bridge = is_near(ground.water_union, lines, 1.0)
    is_main = np.array([w.kind == "main" for w in mesh.ways])[way]
    middles = shapely.line_interpolate_point(lines, 0.5, normalized=True)
    under = is_main & is_near(ground.motorway, middles, RAMP_M + 1.0)
    along = shapely.line_locate_point(ground.motorway, middles[under])
    under[under] = (along > 90.0) & (along < ground.motorway.length - 90.0)
    over = under & is_near(shapely.MultiPoint(ground.interchange_xy), middles, 70.0)
    bridge |= over
    tunnel = under & ~bridge
    frame = pd.DataFrame({"way": way, "link": link, "bridge": bridge, "tunnel": tunnel, "oneway": oneway})
    group = frame.groupby(list(frame.columns), sort=True).ngroup().to_numpy()
    order = np.argsort(group, kind="stable")
    firsts = order[np.unique(group[order], return_index=True)[1]]
    multi = shapely.multilinestrings(lines[order], indices=group[order])
    is_oneway = oneway[firsts]
    merged = np.where(is_oneway, shapely.line_merge(multi, directed=True), shapely.line_merge(multi, directed=False))
    parts, owner = shapely.get_parts(merged, return_index=True)
    first = firsts[owner]
    highways = np.array([w.highway or "" for w in mesh.ways], dtype=object)[way[first]]
    linked = np.where(
        link[first] & np.isin(highways.astype(str), ["trunk", "primary", "secondary", "tertiary"]),
        "_link",
        "",
    )
    names = np.array([w.name for w in mesh.ways], dtype=object)[way[first]]
    return pd.DataFrame(
        {
            "highway": [h + s for h, s in zip(highways, linked, strict=True)],
            "maxspeed": np.array([w.maxspeed_kmh or np.nan for w in mesh.ways])[way[first]],
            "oneway": np.where(oneway[first], "yes", "no"),
            "bridge": bridge[first],
            "tunnel": tunnel[first],
            "layer": np.where(bridge[first], 1, np.where(tunnel[first], -1, 0)),
            "name": names,
            "geometry": parts,
            "kind": np.array([w.kind for w in mesh.ways], dtype=object)[way[first]],
        }
    )


def _cut(line: Any, at: list[float]) -> list[Any]:
    """A line in pieces that share their end points exactly."""
    xy = shapely.get_coordinates(line)
    s = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(xy, axis=0).T))])
    stops = np.array(sorted({a for a in at if 2.0 < a < s[-1] - 2.0}))
    points = np.column_stack([np.interp(stops, s, xy[:, 0]), np.interp(stops, s, xy[:, 1])])
    everything = np.concatenate([s, stops])
    order = np.argsort(everything, kind="stable")
    everything, coordinates = everything[order], np.vstack([xy, points])[order]
    bounds = [0, *np.searchsorted(everything, stops).tolist(), len(everything) - 1]
    return [shapely.LineString(_distinct(coordinates[i : j + 1])) for i, j in itertools.pairwise(bounds)]


def _distinct(xy: Floats) -> Floats:
    keep = np.concatenate([[True], np.hypot(*np.diff(xy, axis=0).T) > 1e-6])
    keep[-1] = True
    if len(xy) > 2 and not np.hypot(*(xy[-1] - xy[-2])) > 1e-6:
        keep[-2] = False
    result: Floats = xy[keep]
    return result


def _motorway_rows(ground: Ground, rows: pd.DataFrame) -> pd.DataFrame:
    """The motorway's two carriageways and its ramps, joined to the main roads at interchanges."""
    axis = ground.motorway
    main = rows[(rows["kind"] == "main").to_numpy()]
    vertices = shapely.get_coordinates(main["geometry"].to_numpy())
    records: list[tuple[str, float, str, Any]] = []
    first, last = (
        vertices[int(np.argmin(np.hypot(*(vertices - end).T)))] for end in shapely.get_coordinates(axis)[[0, -1]]
    )
    centres = sorted(axis.project(shapely.Point(p)) for p in ground.interchange_xy)
    for side in (1, -1):  # 1 the carriageway on the left of the axis, which runs against it
        lane = axis.offset_curve(side * _MOTORWAY_M)
        coordinates = shapely.get_coordinates(lane)[2:-2]
        lane = shapely.LineString(np.vstack([first, coordinates, last]))
        stops: list[float] = []
        ramps: list[tuple[float, float]] = []
        for centre in centres:
            for step in (-_TAPER_M, _TAPER_M):
                p = axis.interpolate(centre + step)
                ramps.append((centre, step))
                stops.append(lane.project(p))
        wet = shapely.get_parts(lane.intersection(ground.water_union))
        for piece in wet:
            ends = sorted(lane.project(shapely.Point(c)) for c in shapely.get_coordinates(piece)[[0, -1]])
            stops += [ends[0] - 12.0, ends[1] + 12.0]
        for piece in _cut(lane, stops):
            line = piece if side == -1 else piece.reverse()
            records.append(("motorway", 100.0, plan.MOTORWAY_NAME, line))
        ends_xy = {round(s, 3): lane.interpolate(s) for s in stops}
        ramp_line = axis.offset_curve(side * RAMP_M)
        for (centre, step), stop in zip(ramps, stops[: len(ramps)], strict=True):
            crossing = axis.interpolate(centre)
            near = vertices[np.hypot(*(vertices - np.array([crossing.x, crossing.y])).T) < 75.0]
            join = near[int(np.argmin(shapely.distance(shapely.points(near), ramp_line)))]
            leave = ends_xy[round(stop, 3)]
            from_s, to_s = ramp_line.project(leave), ramp_line.project(shapely.Point(join))
            sign = 1.0 if to_s > from_s else -1.0
            along = np.linspace(from_s + sign * 110.0, to_s - sign * 25.0, 4)
            middle = [ramp_line.interpolate(float(s)) for s in along]
            xy = [(leave.x, leave.y), *((p.x, p.y) for p in middle), tuple(join)]
            # On the left carriageway traffic runs against the axis: one leaves it from ahead.
            leaving = (step < 0) == (side == -1)
            line = shapely.LineString(xy if leaving else xy[::-1])
            records.append(("motorway_link", 40.0, f"{plan.MOTORWAY_NAME}匝道", line))
    lines = np.array([r[3] for r in records], dtype=object)
    bridge = shapely.intersects(ground.water_union, lines)
    return pd.DataFrame(
        {
            "highway": [r[0] for r in records],
            "maxspeed": [r[1] for r in records],
            "oneway": "yes",
            "bridge": bridge,
            "tunnel": False,
            "layer": np.where(bridge, 1, 0),
            "name": [r[2] for r in records],
            "geometry": lines,
            "kind": "motorway",
        }
    )


def _graph(rows: pd.DataFrame) -> Roads:
    """Graph of every straight piece; nodes are the distinct vertices."""
    xy, row = shapely.get_coordinates(rows["geometry"].to_numpy(), return_index=True)
    keys = np.round(xy * 1000.0).astype(np.int64)
    _, index, inverse = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    inverse = inverse.reshape(-1)
    same = row[1:] == row[:-1]
    tail, head = inverse[:-1][same], inverse[1:][same]
    return Roads(rows.reset_index(drop=True), xy[index], tail, head, row[1:][same])


def _without_islands(roads: Roads) -> Roads:
    """Drop rows that hang together with nothing (a block whose only streets were left out)."""
    n = len(roads.node_xy)
    graph = coo_array((np.ones(len(roads.tail)), (roads.tail, roads.head)), shape=(n, n))
    _, label = connected_components(graph, directed=False)
    main = int(np.argmax(np.bincount(label)))
    keep = np.zeros(len(roads.rows), dtype=bool)
    keep[roads.edge_row[label[roads.tail] == main]] = True
    return roads if keep.all() else _graph(roads.rows[keep])


def _stuck_nodes(roads: Roads, oneway: Any) -> Bools:
    """Nodes from which or to which one cannot drive."""
    n = len(roads.node_xy)
    back = oneway[roads.edge_row] == "no"
    against = oneway[roads.edge_row] == "-1"
    tail = np.concatenate([np.where(against, roads.head, roads.tail), roads.head[back]])
    head = np.concatenate([np.where(against, roads.tail, roads.head), roads.tail[back]])
    graph = coo_array((np.ones(len(tail)), (tail, head)), shape=(n, n))
    _, label = connected_components(graph, directed=True, connection="strong")
    stuck: Bools = label != np.argmax(np.bincount(label))
    return stuck


def _one_way_pairs(roads: Roads, rng: np.random.Generator) -> Roads:
    """Parallel streets of the inner city in opposite directions, as far as nobody gets stuck."""
    rows = roads.rows
    lines = rows["geometry"].to_numpy()
    length = shapely.length(lines)
    middle = shapely.get_coordinates(shapely.line_interpolate_point(lines, 0.5, normalized=True))
    ends = shapely.get_coordinates(shapely.get_point(lines, -1)) - shapely.get_coordinates(shapely.get_point(lines, 0))
    bearing = np.arctan2(ends[:, 1], ends[:, 0])
    fit = np.flatnonzero(
        np.isin(rows["highway"].astype(str), ["residential", "tertiary"])
        & (rows["kind"] == "street").to_numpy()
        & (length > 170.0)
        & (length < 1100.0)
        & (built_share(middle) > 0.62)
    )
    oneway = rows["oneway"].to_numpy(dtype=object).copy()
    free = np.zeros(len(rows), dtype=bool)
    free[fit] = True
    pairs = 0
    for i in rng.permutation(fit).tolist():
        if pairs == 85:
            break
        if not free[i]:
            continue
        d = np.hypot(*(middle[fit] - middle[i]).T)
        turn = np.abs(np.sin(bearing[fit] - bearing[i]))
        good = fit[free[fit] & (d > 45.0) & (d < 190.0) & (turn < 0.2)]
        if not len(good):
            continue
        j = int(good[np.argmin(np.hypot(*(middle[good] - middle[i]).T))])
        along = np.cos(bearing[j] - bearing[i]) > 0
        oneway[i] = "yes"
        oneway[j] = "-1" if along else "yes"
        free[i] = free[j] = False
        pairs += 1
    chosen = np.zeros(len(rows), dtype=bool)
    chosen[fit] = True
    for _ in range(30):
        stuck = _stuck_nodes(roads, oneway)
        if not stuck.any():
            break
        touched = np.unique(roads.edge_row[stuck[roads.tail] | stuck[roads.head]])
        mend = touched[chosen[touched] & (oneway[touched] != "no")]
        if not len(mend):
            mend = touched[oneway[touched] != "no"]
        oneway[mend] = "no"
    result = rows.assign(oneway=oneway)
    return Roads(result, roads.node_xy, roads.tail, roads.head, roads.edge_row)


def junctions(roads: Roads) -> int:
    """Nodes where other than two pieces of road meet."""
    degree = np.bincount(roads.tail, minlength=len(roads.node_xy))
    degree += np.bincount(roads.head, minlength=len(roads.node_xy))
    return int((degree != 2).sum())
