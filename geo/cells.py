"""Voronoi cells of points, each cut to a circle round its point, and the outline of their union.

Cells and circles are never made as polygons: what bounds the union is read off the triangulation,
pieces of ridges and arcs of circles, and linked into rings. Half a million points take seconds.
"""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import Delaunay

from geo.errors import InputError

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Indices = NDArray[np.intp]

CHORD_M = 0.2
"""An arc is drawn by chords inside the circle, at most this far from it."""

SAME_M = 1e-3
"""Points nearer to each other than about this are one; the first stands."""

_LEAST_M2 = 1e-2  # rings smaller than that are rounding
_FRAME = 16  # points far around that close the outer cells
_BLOCK = 1 << 18


@dataclass(frozen=True)
class Cells:
    """The Voronoi diagram of k points as arrays of its ridges.

    Ridge i parts the cells `a` and `b`; seen from `a` it runs counter-clockwise from corner `start`
    to corner `end`. All cells are closed by points far around, which have no cell of their own:
    `a` and `b` may be k or more there.
    """

    sites_m: Floats
    a: Indices
    b: Indices
    start: Indices
    end: Indices
    foot2: Floats
    nearest2: Floats
    corner_m: Floats
    corner_r2: Floats
    middle_m: Floats

    def __len__(self) -> int:
        return len(self.sites_m) - _FRAME


def voronoi_cells(sites_m: Floats, *, reach_m: float) -> Cells:
    """The Voronoi diagram of points, right within reach of each of them.

    Parameters
    ----------
    sites_m : (k, 2) m, finite, metric; of points within `SAME_M` the first has the whole cell
    reach_m : m, > 0, the largest circle that will be asked for

    Returns
    -------
    Cells; without ridges for no points

    Raises
    ------
    InputError : coordinates that are not finite, a reach that is not above 0

    Notes
    -----
    CRS: metric, any.
    Cost: O(k log k).
    Invariant: every place belongs to the cell of its nearest point.
    Source: dual of the Delaunay triangulation (Qhull: Barber, Dobkin & Huhdanpaa 1996,
    doi:10.1145/235815.235821).
    """
    sites = np.asarray(sites_m, dtype=np.float64).reshape(-1, 2)
    if not np.isfinite(sites).all():
        raise InputError("sites_m: a coordinate is not a finite number")
    if not 0 < reach_m < np.inf:
        raise InputError(f"reach_m={reach_m}: expected metres above 0")
    if len(sites) == 0:
        none, nothing = np.empty(0, dtype=np.intp), np.empty(0)
        far = np.full((_FRAME, 2), np.inf)
        return Cells(far, none, none, none, none, nothing, far[:, 0], nothing.reshape(0, 2), nothing, np.zeros(2))
    low, high = sites.min(axis=0), sites.max(axis=0)
    middle = (low + high) / 2
    # Far enough that the frame's own cells stay out of reach of every point.
    radius = 8 * reach_m + 2 * float((high - low).max())
    turns = 2 * np.pi * (np.arange(_FRAME) + 0.3) / _FRAME
    xy = np.vstack([sites - middle, radius * np.column_stack([np.cos(turns), np.sin(turns)])])
    kept = _first_of_each(xy)
    mesh = Delaunay(xy[kept])
    corners = kept[mesh.simplices]
    corner, r2 = _circumcentres(xy, corners)
    # A half edge for each side of each triangle; each ridge is taken where its first cell is the lower.
    triangle, side = np.divmod(np.arange(3 * len(corners)), 3)
    a, b = corners[triangle, (side + 1) % 3], corners[triangle, (side + 2) % 3]
    beyond = mesh.neighbors[triangle, side].astype(np.intp)
    own = (a < b) & (beyond >= 0)
    a, b = a[own], b[own]
    gap = xy[b] - xy[a]
    foot2 = (gap * gap).sum(axis=1) / 4
    nearest2 = np.full(len(xy), np.inf)
    np.minimum.at(nearest2, a, foot2)
    np.minimum.at(nearest2, b, foot2)
    return Cells(xy, a, b, beyond[own], triangle[own], foot2, nearest2, corner, r2, middle)


def _first_of_each(xy: Floats) -> Indices:
    """The first of the points that share a square of `SAME_M`."""
    square = np.round(xy / SAME_M).astype(np.int64)
    first: Indices = np.sort(np.unique(square, axis=0, return_index=True)[1])
    return first


def _circumcentres(xy: Floats, corners: Indices) -> tuple[Floats, Floats]:
    """(t, 2) m centre and (t,) m2 squared radius of the circle through each triangle."""
    origin = xy[corners[:, 0]]
    p, q = xy[corners[:, 1]] - origin, xy[corners[:, 2]] - origin
    double = 2 * (p[:, 0] * q[:, 1] - p[:, 1] * q[:, 0])
    p2, q2 = (p * p).sum(axis=1), (q * q).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        offset = np.column_stack([q[:, 1] * p2 - p[:, 1] * q2, p[:, 0] * q2 - q[:, 0] * p2]) / double[:, None]
    # A triangle without area has no circle; far away is where it tends to.
    flat = ~np.isfinite(offset).all(axis=1)
    offset[flat] = 0.0
    r2 = np.where(flat, np.inf, (offset * offset).sum(axis=1))
    return origin + offset, r2


@dataclass(frozen=True)
class _Pieces:
    """Directed pieces of an outline, the inside on their left: from node to node, bent round a centre.

    `radius` is 0 for straight pieces; an arc runs counter-clockwise by `turn`.
    """

    source: Indices
    target: Indices
    xy: Floats
    centre: Floats
    radius: Floats
    turn: Floats


def outline(cells: Cells, radius_m: Floats) -> shapely.MultiPolygon:
    """The union of the cells, each cut to the circle of its radius round its point.

    Parameters
    ----------
    cells : diagram of k points
    radius_m : (k,) m; 0 or less leaves the cell out

    Returns
    -------
    MultiPolygon in the CRS of the points; empty where no radius is above 0

    Raises
    ------
    InputError : lengths that differ, a radius that is NaN or inf

    Notes
    -----
    CRS: that of the points.
    Cost: O(k) and the length of the outline.
    Invariant: a place is inside where it is at most the radius of its nearest point away from it,
    but for a strip of `CHORD_M` along the arcs, which is outside.
    Source: own method. On the ridge between two cells both circles cut intervals round its foot, so
    one lies in the other; round a corner of three cells either none or two of the three ridges
    bound the union. So pieces always close to rings.
    """
    radius = np.asarray(radius_m, dtype=np.float64)
    if radius.shape != (len(cells),) or not np.isfinite(radius).all():
        raise InputError(f"radius_m: expected {len(cells)} finite metres")
    r = np.append(np.maximum(radius, 0.0), np.zeros(_FRAME))
    if not (r > 0).any():
        return shapely.MultiPolygon()
    pieces = _pieces(cells, r)
    return _polygons(pieces, cells.middle_m)


def _pieces(cells: Cells, r: Floats) -> _Pieces:
    r2 = np.where(r > 0, r * r, -1.0)
    # Ridges on which something happens: not out of reach of both circles, not all inside both.
    reach2, least2 = np.maximum(r2[cells.a], r2[cells.b]), np.minimum(r2[cells.a], r2[cells.b])
    one2, other2 = cells.corner_r2[cells.start], cells.corner_r2[cells.end]
    nearest2 = np.minimum(cells.foot2, np.minimum(one2, other2))  # rounding may put a corner before the foot
    on = np.flatnonzero((reach2 >= nearest2) & (least2 < np.maximum(one2, other2)))
    a, b, start, end = cells.a[on], cells.b[on], cells.start[on], cells.end[on]
    gap, foot2 = cells.sites_m[b] - cells.sites_m[a], cells.foot2[on]
    length = 2 * np.sqrt(foot2)
    along = np.column_stack([-gap[:, 1], gap[:, 0]]) / length[:, None]
    middle = (cells.sites_m[a] + cells.sites_m[b]) / 2
    s_start = ((cells.corner_m[start] - middle) * along).sum(axis=1)
    s_end = ((cells.corner_m[end] - middle) * along).sum(axis=1)
    spans = (s_start < 0) & (s_end > 0)

    # Where each of the two circles comes in and goes out on the way from start to end.
    is_in, cut_in, cut_out, s_in, s_out = [], [], [], [], []
    low, high = np.minimum(s_start, s_end), np.maximum(s_start, s_end)
    for own in (a, b):
        at_start, at_end = r2[own] >= cells.corner_r2[start], r2[own] >= cells.corner_r2[end]
        twice = ~at_start & ~at_end & spans & (r2[own] > foot2)
        half = np.sqrt(np.maximum(r2[own] - foot2, 0.0))
        is_in.append(at_start)
        cut_in.append(~at_start & (at_end | twice))
        cut_out.append(~at_end & (at_start | twice))
        s_in.append(np.clip(-half, low, high))
        s_out.append(np.clip(half, low, high))

    # Nodes: corners of the diagram by their number, then four cuts for each ridge.
    corners = len(cells.corner_r2)
    cut = corners + 4 * np.arange(len(on))
    node_in, node_out = (cut, cut + 2), (cut + 1, cut + 3)

    parts: list[tuple[Indices, Indices, Floats]] = []
    for big, small in ((0, 1), (1, 0)):
        mine = (r2[a] >= r2[b]) if big == 0 else (r2[a] < r2[b])
        # Before the small circle comes in, or all along where it never does.
        first = mine & ~is_in[small] & (is_in[big] | cut_in[big])
        begin = np.where(is_in[big], start, node_in[big])
        begin_s = np.where(is_in[big], s_start, s_in[big])
        stop = np.where(cut_out[big], node_out[big], end)
        stop_s = np.where(cut_out[big], s_out[big], s_end)
        until = np.where(cut_in[small], node_in[small], stop)
        until_s = np.where(cut_in[small], s_in[small], stop_s)
        # After the small circle has gone out.
        last = mine & cut_out[small]
        for chosen, one, one_s, other, other_s in (
            (first, begin, begin_s, until, until_s),
            (last, node_out[small], s_out[small], stop, stop_s),
        ):
            k = np.flatnonzero(chosen)
            source, target, at = (one, other, one_s) if big == 0 else (other, one, other_s)
            parts.append((source[k], target[k], middle[k] + at[k, None] * along[k]))

    straight = sum(len(part[0]) for part in parts)
    arcs = _arcs(cells, r, a, b, gap, middle, along, cut_in, cut_out, s_in, s_out, node_in, node_out)
    whole = _whole_circles(cells, r, r2, corners + 4 * len(on))
    return _Pieces(
        np.concatenate([*(part[0] for part in parts), arcs.source, whole.source]),
        np.concatenate([*(part[1] for part in parts), arcs.target, whole.target]),
        np.vstack([*(part[2] for part in parts), arcs.xy, whole.xy]),
        np.vstack([np.zeros((straight, 2)), arcs.centre, whole.centre]),
        np.concatenate([np.zeros(straight), arcs.radius, whole.radius]),
        np.concatenate([np.zeros(straight), arcs.turn, whole.turn]),
    )


def _arcs(
    cells: Cells,
    r: Floats,
    a: Indices,
    b: Indices,
    gap: Floats,
    middle: Floats,
    along: Floats,
    cut_in: list[Bools],
    cut_out: list[Bools],
    s_in: list[Floats],
    s_out: list[Floats],
    node_in: tuple[Indices, Indices],
    node_out: tuple[Indices, Indices],
) -> _Pieces:
    """The arcs of each circle inside its cell, between the cuts in their order round the cell."""
    cell, angle, rank, node, leaves, ridge, xy = [], [], [], [], [], [], []
    for k, own in enumerate((a, b)):
        # Round its own cell, b meets the ridge from the other end.
        ahead = k == 0
        direction = np.arctan2(gap[:, 1], gap[:, 0]) if ahead else np.arctan2(-gap[:, 1], -gap[:, 0])
        for there, nodes, s, is_out in (
            (cut_in[k], node_in[k], s_in[k], False),
            (cut_out[k], node_out[k], s_out[k], True),
        ):
            i = np.flatnonzero(there)
            cell.append(own[i])
            angle.append(direction[i])
            leaving = is_out if ahead else not is_out
            rank.append(np.full(len(i), int(leaving)))
            leaves.append(np.full(len(i), leaving))
            node.append(nodes[i])
            ridge.append(i)
            xy.append(middle[i] + s[i, None] * along[i])
    cells_, leaves_ = np.concatenate(cell), np.concatenate(leaves)
    order = np.lexsort((np.concatenate(rank), np.concatenate(angle), cells_))
    cells_, leaves_ = cells_[order], leaves_[order]
    nodes_, ridges_, points = np.concatenate(node)[order], np.concatenate(ridge)[order], np.vstack(xy)[order]
    n = len(order)
    if n == 0:
        none = np.empty(0, dtype=np.intp)
        return _Pieces(none, none, np.empty((0, 2)), np.empty((0, 2)), np.empty(0), np.empty(0))
    begins = np.flatnonzero(np.r_[True, cells_[1:] != cells_[:-1]])
    following = np.arange(1, n + 1)
    following[np.r_[begins[1:] - 1, n - 1]] = begins
    out = np.flatnonzero(leaves_)
    back = following[out]
    centre = cells.sites_m[cells_[out]]
    one, other = points[out] - centre, points[back] - centre
    turn = np.arctan2(other[:, 1], other[:, 0]) - np.arctan2(one[:, 1], one[:, 0])
    turn = np.where(turn < 0, turn + 2 * np.pi, turn)
    # A corner that just sticks out: no turn at all, which rounding may make a whole one.
    turn[(turn > 2 * np.pi - 1e-6) & (ridges_[out] != ridges_[back])] = 0.0
    return _Pieces(nodes_[out], nodes_[back], points[out], centre, r[cells_[out]], turn)


def _whole_circles(cells: Cells, r: Floats, r2: Floats, first_node: int) -> _Pieces:
    """Circles that do not reach the border of their cell."""
    i = np.flatnonzero((r2 > 0) & (r2 <= cells.nearest2) & np.isfinite(cells.nearest2))
    nodes = first_node + np.arange(len(i))
    xy = cells.sites_m[i] + np.column_stack([r[i], np.zeros(len(i))])
    return _Pieces(nodes, nodes, xy, cells.sites_m[i], r[i], np.full(len(i), 2 * np.pi))


def _polygons(pieces: _Pieces, middle: Floats) -> shapely.MultiPolygon:
    """Link the pieces to rings, the rings to polygons with their holes."""
    if len(pieces.source) == 0:
        return shapely.MultiPolygon()
    order, ring = _rings(pieces.source, pieces.target)
    # Each piece gives its first point and, bent, the points between.
    radius, turn = pieces.radius[order], pieces.turn[order]
    step = 2 * np.arccos(np.maximum(1 - CHORD_M / np.maximum(radius, CHORD_M), 0.5))
    counts = np.where(radius > 0, np.maximum(np.ceil(turn / step), 1), 1).astype(np.intp)
    piece = np.repeat(np.arange(len(order)), counts)
    nth = np.arange(len(piece)) - np.repeat(np.cumsum(counts) - counts, counts)
    xy = pieces.xy[order][piece]
    bent = np.flatnonzero(nth)
    of = piece[bent]
    centre = pieces.centre[order][of]
    start = xy[bent] - centre
    by = turn[of] * nth[bent] / counts[of]
    cos, sin = np.cos(by), np.sin(by)
    xy[bent] = centre + np.column_stack([start[:, 0] * cos - start[:, 1] * sin, start[:, 0] * sin + start[:, 1] * cos])
    of_ring = ring[piece]
    new = np.r_[True, (np.abs(np.diff(xy, axis=0)) > 1e-6).any(axis=1) | (np.diff(of_ring) > 0)]
    xy, of_ring = xy[new], of_ring[new]
    area = _signed_areas(xy, of_ring)
    kept = (np.abs(area) >= _LEAST_M2) & (np.bincount(of_ring, minlength=len(area)) >= 3)
    xy, of_ring = xy[kept[of_ring]], (np.cumsum(kept) - 1)[of_ring[kept[of_ring]]]
    area = area[kept]
    if len(area) == 0:
        return shapely.MultiPolygon()
    return _nested(shapely.linearrings(xy + middle, indices=of_ring), area)


def _rings(source: Indices, target: Indices) -> tuple[Indices, Indices]:
    """The pieces ring after ring, each ring in its order, and the number of the ring of each."""
    by_source = np.argsort(source, kind="stable")
    at = np.searchsorted(source[by_source], target)
    following = by_source[np.minimum(at, len(source) - 1)]
    if not np.array_equal(source[following], target) or len(np.unique(following)) != len(source):
        raise InputError("cells: the outline does not close; points are too close to one line or to one another")
    after = following.tolist()
    seen = bytearray(len(after))
    order: list[int] = []
    lengths: list[int] = []
    for first in range(len(after)):
        if not seen[first]:
            begin = len(order)
            k = first
            while not seen[k]:
                seen[k] = 1
                order.append(k)
                k = after[k]
            lengths.append(len(order) - begin)
    return np.array(order, dtype=np.intp), np.repeat(np.arange(len(lengths)), lengths)


def _signed_areas(xy: Floats, ring: Indices) -> Floats:
    """(rings,) m2, above 0 counter-clockwise."""
    begins = np.flatnonzero(np.r_[True, np.diff(ring) > 0])
    following = np.arange(1, len(xy) + 1)
    following[np.r_[begins[1:] - 1, len(xy) - 1]] = begins
    # Near its own first point, so that far coordinates do not eat the digits.
    near = xy - xy[begins][np.repeat(np.arange(len(begins)), np.diff(np.r_[begins, len(xy)]))]
    cross = near[:, 0] * near[following, 1] - near[:, 1] * near[following, 0]
    found = np.zeros(int(ring[-1]) + 1)
    np.add.at(found, ring, cross / 2)
    return found


def _nested(rings: NDArray[np.object_], area: Floats) -> shapely.MultiPolygon:
    """Polygons of shells (area above 0) and holes (below): a hole goes to the smallest shell round it."""
    shells, holes = np.flatnonzero(area > 0), np.flatnonzero(area < 0)
    filled = shapely.polygons(rings[shells])
    inside: list[list[int]] = [[] for _ in shells]
    if len(holes):
        points = shapely.point_on_surface(shapely.polygons(rings[holes]))
        shell, hole = shapely.STRtree(points).query(filled, predicate="contains_properly")
        around = area[shells[shell]] > -area[holes[hole]]
        hole, shell = hole[around], shell[around]
        order = np.lexsort((area[shells[shell]], hole))
        hole, shell = hole[order], shell[order]
        first = np.flatnonzero(np.r_[True, np.diff(hole) > 0]) if len(hole) else order
        for h, s in zip(hole[first].tolist(), shell[first].tolist(), strict=True):
            inside[s].append(int(holes[h]))
    polygons = np.array(
        [
            shapely.Polygon(rings[s], [rings[h] for h in own]) if own else shell
            for s, own, shell in zip(shells.tolist(), inside, filled.tolist(), strict=True)
        ],
        dtype=object,
    )
    # Rings that meet themselves within rounding.
    bad = ~shapely.is_valid(polygons)
    if bad.any():
        mended = shapely.get_parts(shapely.make_valid(polygons[bad], method="structure", keep_collapsed=False))
        parts = shapely.get_parts(mended)
        polygons = np.r_[polygons[~bad], parts[shapely.get_type_id(parts) == 3]]
    found = shapely.multipolygons(polygons)
    if found.is_valid:
        return found
    # Corners that rounding has put on or across a neighbouring line: less than a millimetre of area.
    sound = shapely.make_valid(found, method="structure", keep_collapsed=False)
    return shapely.multipolygons([part for part in shapely.get_parts(sound) if part.geom_type == "Polygon"])
