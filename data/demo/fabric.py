"""Blocks and streets by repeated splitting of a planar subdivision.

Faces are loops of nodes; a split adds one street across a face and puts its ends into the
neighbours' loops too, so streets meet at shared vertices by construction and nothing crosses.
"""

import itertools
import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import shapely
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_MIN_ANGLE = math.radians(32)
_SNAP_M = 16.0
_MIN_SIDE_M = 74.0


@dataclass
class Way:
    """A street before it becomes rows: class (None is no road at all), name, what it may carry."""

    highway: str | None
    name: str | None = None
    maxspeed_kmh: float | None = None
    dual: bool = False
    kind: str = ""  # "main", "bank", "street", "lane", "cut"


@dataclass
class Mesh:
    """Nodes, ways, edges (undirected, by node pair) and faces (anticlockwise node loops)."""

    x: list[float] = field(default_factory=list)
    y: list[float] = field(default_factory=list)
    ways: list[Way] = field(default_factory=list)
    edge_way: dict[tuple[int, int], int] = field(default_factory=dict)
    faces: list[list[int]] = field(default_factory=list)
    left_face: dict[tuple[int, int], int] = field(default_factory=dict)
    degree: list[int] = field(default_factory=list)  # roads only
    loose: list[tuple[list[int], int]] = field(default_factory=list)  # roads that bound no face
    _index: dict[tuple[int, int], int] = field(default_factory=dict)

    def node(self, x: float, y: float) -> int:
        """The node at a place (to the millimetre), made where there is none."""
        key = (round(x * 1000), round(y * 1000))
        found = self._index.get(key)
        if found is None:
            found = self._index[key] = len(self.x)
            self.x.append(x)
            self.y.append(y)
            self.degree.append(0)
        return found

    def add_way(self, way: Way) -> int:
        """Keep a way, give its number."""
        self.ways.append(way)
        return len(self.ways) - 1

    def set_edge(self, a: int, b: int, way: int) -> None:
        """Put an edge between two nodes, or give it another way."""
        key = (a, b) if a < b else (b, a)
        before = self.edge_way.get(key)
        was = before is not None and self.ways[before].highway is not None
        now = self.ways[way].highway is not None
        self.edge_way[key] = way
        if now and not was:
            self.degree[a] += 1
            self.degree[b] += 1
        elif was and not now:
            self.degree[a] -= 1
            self.degree[b] -= 1

    def way_of(self, a: int, b: int) -> int:
        """Number of the way between two neighbouring nodes."""
        return self.edge_way[(a, b) if a < b else (b, a)]

    def add_face(self, loop: Sequence[int]) -> int:
        """Keep an anticlockwise loop as a face."""
        number = len(self.faces)
        self.faces.append(list(loop))
        self._own(number)
        return number

    def _own(self, number: int) -> None:
        loop = self.faces[number]
        for a, b in zip(loop, loop[1:] + loop[:1], strict=True):
            self.left_face[(a, b)] = number

    def cut_edge(self, a: int, b: int, x: float, y: float) -> int:
        """Put a node into the edge from a to b, in the loops of both faces beside it."""
        key = (a, b) if a < b else (b, a)
        way = self.edge_way.pop(key)
        new = self.node(x, y)
        for start, end in ((a, b), (b, a)):
            face = self.left_face.pop((start, end), None)
            if face is not None:
                loop = self.faces[face]
                loop.insert(_position(loop, start, end) + 1, new)
                self.left_face[(start, new)] = face
                self.left_face[(new, end)] = face
        first, second = ((a, new) if a < new else (new, a)), ((b, new) if b < new else (new, b))
        self.edge_way[first] = way
        self.edge_way[second] = way
        if self.ways[way].highway is not None:
            self.degree[new] += 2
        return new

    def split_face(self, face: int, chain: Sequence[int], way: int) -> int:
        """Split a face along a chain of nodes between two nodes of its loop; the new face's number."""
        loop = self.faces[face]
        i, j = loop.index(chain[0]), loop.index(chain[-1])
        ahead = loop[i : j + 1] if i < j else loop[i:] + loop[: j + 1]
        behind = loop[j : i + 1] if j < i else loop[j:] + loop[: i + 1]
        inner = list(chain[1:-1])
        self.faces[face] = ahead + inner[::-1]
        other = self.add_face(behind + inner)
        self._own(face)
        for a, b in itertools.pairwise(chain):
            self.set_edge(a, b, way)
        return other

    def polygons(self) -> NDArray[np.object_]:
        """Every face as a shapely polygon."""
        sizes = np.array([len(loop) for loop in self.faces], dtype=np.int64)
        flat = np.concatenate([np.asarray(loop + loop[:1], dtype=np.int64) for loop in self.faces])
        xy = np.column_stack([np.asarray(self.x), np.asarray(self.y)])[flat]
        rings = shapely.linearrings(xy, indices=np.repeat(np.arange(len(sizes)), sizes + 1))
        result: NDArray[np.object_] = shapely.polygons(rings)
        return result


def _position(loop: list[int], start: int, end: int) -> int:
    """Where in a loop the step from start to end begins (a node may stand in it twice)."""
    at = -1
    while True:
        at = loop.index(start, at + 1)
        if loop[(at + 1) % len(loop)] == end:
            return at


def _crosses(px: float, py: float, qx: float, qy: float, ax: float, ay: float, bx: float, by: float) -> bool:
    d1 = (qx - px) * (ay - py) - (qy - py) * (ax - px)
    d2 = (qx - px) * (by - py) - (qy - py) * (bx - px)
    if d1 * d2 > 0:
        return False
    d3 = (bx - ax) * (py - ay) - (by - ay) * (px - ax)
    d4 = (bx - ax) * (qy - ay) - (by - ay) * (qx - ax)
    return d3 * d4 <= 0


@dataclass
class Grower:
    """Splits faces until each is as small as the place asks for.

    `target_m2` gives the wished block area at a place; `highway` the class of a street that splits
    a face of so many square metres there.
    """

    mesh: Mesh
    target_m2: Callable[[float, float], float]
    highway: Callable[[float, float, float, float], str]
    bend_share: Callable[[float, float], float]
    rng: np.random.Generator
    leaves: list[int] = field(default_factory=list)

    def grow(self, faces: Sequence[int]) -> None:
        """Split the faces, first in first out."""
        noise = _Noise(self.rng)
        queue = deque((face, math.exp(0.45 * noise.normal())) for face in faces)
        while queue:
            face, factor = queue.popleft()
            other = self._split(face, factor, noise)
            if other is None:
                self.leaves.append(face)
                continue
            drift = math.exp(0.1 * noise.normal())
            queue.append((face, factor * drift))
            queue.append((other, factor / drift))

    def _split(self, face: int, factor: float, noise: "_Noise") -> int | None:
        mesh = self.mesh
        loop = mesh.faces[face]
        xs = [mesh.x[i] for i in loop]
        ys = [mesh.y[i] for i in loop]
        n = len(loop)
        twice = cx = cy = 0.0
        quad = 0j
        for i in range(n):
            k = i + 1 if i + 1 < n else 0
            cross = xs[i] * ys[k] - xs[k] * ys[i]
            twice += cross
            cx += (xs[i] + xs[k]) * cross
            cy += (ys[i] + ys[k]) * cross
            step = complex(xs[k] - xs[i], ys[k] - ys[i])
            length = abs(step)
            if length > 0:
                unit = step / length
                quad += length * unit**4
        area = twice / 2.0
        if area <= 0:
            return None
        cx, cy = cx / (3.0 * twice), cy / (3.0 * twice)
        if area < factor * self.target_m2(cx, cy):
            return None
        turn = math.atan2(quad.imag, quad.real) / 4.0
        for attempt in range(5):
            angle = turn + (0.0 if attempt < 2 else 0.22 * noise.normal()) + 0.03 * noise.normal()
            done = self._try(face, xs, ys, area, (cx, cy), angle, attempt, noise)
            if done is not None:
                return done
        return None

    def _try(
        self,
        face: int,
        xs: list[float],
        ys: list[float],
        area: float,
        centre: tuple[float, float],
        angle: float,
        attempt: int,
        noise: "_Noise",
    ) -> int | None:
        mesh, loop = self.mesh, self.mesh.faces[face]
        n = len(loop)
        ux, uy = math.cos(angle), math.sin(angle)
        along = [ux * x + uy * y for x, y in zip(xs, ys, strict=True)]
        across = [-uy * x + ux * y for x, y in zip(xs, ys, strict=True)]
        extent_u, extent_v = max(along) - min(along), max(across) - min(across)
        wide = extent_u >= extent_v
        if attempt == 4:
            wide = not wide
        if not wide:
            ux, uy = -uy, ux
            along, across = across, [-a for a in along]
            extent_u, extent_v = extent_v, extent_u
        if extent_u < 2.0 * _MIN_SIDE_M:
            return None
        middle = 0.5 * (max(along) + min(along)) if attempt % 2 == 0 else ux * centre[0] + uy * centre[1]
        cut = middle + 0.09 * extent_u * noise.normal()
        if noise.uniform() < 0.6:  # meet a street of the other side, as crossroads do
            near = [
                (abs(along[i] - middle), along[i])
                for i in range(n)
                if mesh.degree[loop[i]] >= 3 and abs(along[i] - middle) < 0.22 * extent_u
            ]
            if near:
                cut = min(near)[1] + 0.01
        hits: list[tuple[float, int, float]] = []
        for i in range(n):
            k = i + 1 if i + 1 < n else 0
            a, b = along[i] - cut, along[k] - cut
            if (a < 0) != (b < 0):
                t = a / (a - b)
                hits.append((across[i] + t * (across[k] - across[i]), i, t))
        if len(hits) < 2 or len(hits) % 2:
            return None
        hits.sort()
        best = max(range(0, len(hits), 2), key=lambda h: hits[h + 1][0] - hits[h][0])
        ends: list[tuple[float, float, int, float]] = []
        for _, i, t in (hits[best], hits[best + 1]):
            k = i + 1 if i + 1 < n else 0
            length = math.hypot(xs[k] - xs[i], ys[k] - ys[i])
            if t * length < _SNAP_M:
                ends.append((xs[i], ys[i], i, -1.0))
            elif (1.0 - t) * length < _SNAP_M:
                ends.append((xs[k], ys[k], k, -1.0))
            else:
                ends.append((xs[i] + t * (xs[k] - xs[i]), ys[i] + t * (ys[k] - ys[i]), i, t))
        (px, py, pi, pt), (qx, qy, qi, qt) = ends
        length = math.hypot(qx - px, qy - py)
        if length < _MIN_SIDE_M:
            return None
        for x, y, i, t, ox, oy in ((px, py, pi, pt, qx, qy), (qx, qy, qi, qt, px, py)):
            beside = (i, (i + 1) % n) if t >= 0 else ((i - 1) % n, (i + 1) % n)
            for other in beside:
                if _angle(ox - x, oy - y, xs[other] - x, ys[other] - y) < _MIN_ANGLE:
                    return None
        inner = self._bend(px, py, qx, qy, length, centre, noise)
        path = [(px, py), *inner, (qx, qy)]
        skip_p = {pi} if pt >= 0 else {pi, (pi - 1) % n}
        skip_q = {qi} if qt >= 0 else {qi, (qi - 1) % n}
        last = len(path) - 2
        for s in range(last + 1):
            (ax, ay), (bx, by) = path[s], path[s + 1]
            for i in range(n):
                if (s == 0 and i in skip_p) or (s == last and i in skip_q):
                    continue
                k = i + 1 if i + 1 < n else 0
                if _crosses(ax, ay, bx, by, xs[i], ys[i], xs[k], ys[k]):
                    return None
        one = _piece_area(xs, ys, pi, pt, qi, qt, path)
        if not 0.2 * area < one < 0.8 * area:
            return None
        nodes = list(loop)  # cutting an edge changes the loop
        p = nodes[pi] if pt < 0 else mesh.cut_edge(nodes[pi], nodes[(pi + 1) % n], px, py)
        q = nodes[qi] if qt < 0 else mesh.cut_edge(nodes[qi], nodes[(qi + 1) % n], qx, qy)
        chain = [p, *(mesh.node(x, y) for x, y in inner), q]
        way = mesh.add_way(Way(self.highway(area, length, *centre), kind="street"))
        return mesh.split_face(face, chain, way)

    def _bend(
        self,
        px: float,
        py: float,
        qx: float,
        qy: float,
        length: float,
        centre: tuple[float, float],
        noise: "_Noise",
    ) -> list[tuple[float, float]]:
        """Shape points between the ends: streets are seldom dead straight."""
        if length < 130.0:
            return []
        nx, ny = -(qy - py) / length, (qx - px) / length
        sway = self.bend_share(*centre)
        count = 1 if length < 320 else 2 if length < 700 else 4
        bow = sway * length * noise.normal()
        points = []
        for step in range(1, count + 1):
            t = step / (count + 1)
            off = bow * math.sin(math.pi * t) + 0.4 * sway * length * noise.normal() / count
            off = max(-45.0, min(45.0, off))
            points.append((px + t * (qx - px) + off * nx, py + t * (qy - py) + off * ny))
        return points


def _angle(ax: float, ay: float, bx: float, by: float) -> float:
    la, lb = math.hypot(ax, ay), math.hypot(bx, by)
    if la == 0 or lb == 0:
        return 0.0
    return math.acos(max(-1.0, min(1.0, (ax * bx + ay * by) / (la * lb))))


def _piece_area(
    xs: list[float],
    ys: list[float],
    pi: int,
    pt: float,
    qi: int,
    qt: float,
    path: list[tuple[float, float]],
) -> float:
    """Area of the part of a loop from the chain's start forward to its end."""
    n = len(xs)
    points = []
    i = (pi + 1) % n
    stop = qi if qt >= 0 else (qi - 1) % n
    while True:
        points.append((xs[i], ys[i]))
        if i == stop:
            break
        i = (i + 1) % n
        if len(points) > n:
            return -1.0
    points.extend(path[::-1])
    total = 0.0
    for (ax, ay), (bx, by) in zip(points, points[1:] + points[:1], strict=True):
        total += ax * by - bx * ay
    return total / 2.0


class _Noise:
    """Random numbers drawn in blocks; one at a time they cost more than the splitting."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._normal: list[float] = []
        self._uniform: list[float] = []

    def normal(self) -> float:
        if not self._normal:
            self._normal = self._rng.standard_normal(4096).tolist()
        return self._normal.pop()

    def uniform(self) -> float:
        if not self._uniform:
            self._uniform = self._rng.random(4096).tolist()
        return self._uniform.pop()
