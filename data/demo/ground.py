"""The ground of the demo district: outline, water, main roads, and the blocks between them."""

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from shapely.ops import substring

from data.demo import plan
from data.demo.fabric import Grower, Mesh, Way
from geo.crs import to_metric

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_BANK_ROAD_M = 24.0  # from the water's edge to a road along it
_DYKE_M = 130.0  # from the Yangtze to the nearest street
_BORDER_M = 45.0
MOTORWAY_HALF_M = 58.0
RAMP_M = 33.0
"""From the motorway's axis to where its ramps meet the crossing road."""

_RANK = {"trunk": 0, "primary": 1, "secondary": 2, "tertiary": 3}


@dataclass(frozen=True)
class Ground:
    """Everything that is fixed before people and facilities come; metres in the demo's CRS."""

    outline: Any  # MultiPolygon: mainland and two sandbars
    mainland: Any
    river_sandbar: Any
    bank_sandbar: Any
    yangtze: Any
    water: tuple[tuple[str, str, Any], ...]  # name, kind, polygon
    water_union: Any
    motorway: Any  # axis, LineString
    axes: Any  # centre lines of canals, moat and motorway, MultiLineString
    interchange_xy: Floats
    mesh: Mesh
    blocks: Ints  # faces that people use
    leaf_m2: Floats


def origin_m() -> Floats:
    """The demo's origin in its metric CRS."""
    origin: Floats = to_metric([plan.CENTRE_LONLAT], epsg=plan.EPSG)[0]
    return origin


def local(points: Any) -> Floats:
    """Local kilometres to metres in the metric CRS."""
    result: Floats = np.asarray(points, dtype=np.float64).reshape(-1, 2) * 1000.0 + origin_m()
    return result


def curve(points: Any, *, closed: bool = False, step_m: float = 90.0) -> Floats:
    """A smooth line through control points (metres), a vertex about every `step_m`."""
    xy = np.asarray(points, dtype=np.float64)
    if closed:
        xy = np.vstack([xy, xy[:1]])
    if len(xy) < 3:
        return xy
    s = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(xy, axis=0).T) ** 0.75)])
    spline = CubicSpline(s, xy, bc_type="periodic" if closed else "natural")
    fine = spline(np.linspace(0.0, s[-1], 60 * len(xy)))
    length = shapely.LineString(fine).length
    at = np.linspace(0.0, 1.0, max(3, round(length / step_m)) + 1)
    result: Floats = shapely.get_coordinates(
        shapely.line_interpolate_point(shapely.LineString(fine), at, normalized=True)
    )
    return result


def is_near(shape: Any, places: Any, distance_m: float) -> NDArray[np.bool_]:
    """Whether each place is within a distance of one (large) shape, which is prepared for it."""
    shapely.prepare(shape)
    result: NDArray[np.bool_] = shapely.dwithin(shape, places, distance_m)
    return result


def built_share(xy_m: Floats) -> Floats:
    """How densely a place is built, 0 in the fields to 1 in the old town."""
    xy = np.asarray(xy_m, dtype=np.float64).reshape(-1, 2)
    empty = np.ones(len(xy))
    for x, y, radius, strength in plan.CENTRES:
        d = np.hypot(*(xy - local([(x, y)])[0]).T) / (radius * 1000.0)
        empty *= 1.0 - strength * np.exp(-0.5 * d**2)
    result: Floats = 1.0 - empty
    return result


def _built(x: float, y: float, centres: list[tuple[float, float, float, float]]) -> float:
    """`built_share` of one place; called some ten thousand times, so plain numbers."""
    empty = 1.0
    for cx, cy, scale, strength in centres:
        empty *= 1.0 - strength * 2.718281828459045 ** (-scale * ((x - cx) ** 2 + (y - cy) ** 2))
    return 1.0 - empty


def _outline() -> tuple[Any, Any, Any, Any]:
    """Mainland, the two sandbars and the Yangtze; the land border is moved until the area is right."""
    river_bar = shapely.Polygon(curve(local(plan.RIVER_SANDBAR), closed=True, step_m=60))
    bank_bar = shapely.Polygon(curve(local(plan.BANK_SANDBAR), closed=True, step_m=60))
    whole_bank = curve(local(plan.BANK_UPSTREAM + plan.BANK + plan.BANK_DOWNSTREAM), step_m=110)
    start, end = local([plan.BANK[0]])[0], local([plan.BANK[-1]])[0]
    i = int(np.argmin(np.hypot(*(whole_bank - start).T)))
    j = int(np.argmin(np.hypot(*(whole_bank - end).T)))
    bank = whole_bank[i : j + 1]
    border = np.asarray(plan.LAND_BORDER)
    wanted = plan.AREA_KM2 * 1e6 - river_bar.area - bank_bar.area
    low, high = 0.7, 1.3
    pivot = np.array([-1.0, 0.0])
    mainland = None
    for _ in range(40):
        scale = (low + high) / 2.0
        line = curve(np.vstack([bank[-1:], local(pivot + scale * (border - pivot)), bank[:1]]), step_m=130)
        mainland = shapely.Polygon(np.vstack([bank, line[1:-1]]))
        low, high = (scale, high) if mainland.area < wanted else (low, scale)
    far = curve(local(plan.FAR_BANK), step_m=200)
    river = shapely.Polygon(np.vstack([whole_bank, far])).buffer(0)
    river = river.difference(shapely.union_all([mainland, river_bar, bank_bar]))
    if river.geom_type == "MultiPolygon":
        river = max(river.geoms, key=lambda g: g.area)
    return mainland, river_bar, bank_bar, river


def _moat() -> tuple[Any, Any]:
    """The moat as a ring of changing width, and its centre line."""
    centre = curve(local(plan.OLD_TOWN_MOAT), closed=True, step_m=40)
    control = np.asarray(plan.MOAT_HALF_WIDTH_M)
    t = np.linspace(0, len(control), len(centre))
    half = CubicSpline(np.arange(len(control) + 1), np.append(control, control[0]), bc_type="periodic")(t)
    tangent = np.gradient(centre, axis=0)
    tangent[0] = tangent[-1] = centre[1] - centre[-2]
    tangent /= np.hypot(*tangent.T)[:, None]
    normal = np.column_stack([-tangent[:, 1], tangent[:, 0]])
    outer, inner = centre - normal * half[:, None], centre + normal * half[:, None]
    ring = shapely.Polygon(outer).buffer(0).difference(shapely.Polygon(inner).buffer(0))
    return ring, shapely.LineString(centre)


def _cross_cuts(line: Any, half_m: float, every_m: float) -> list[Any]:
    """Short lines across a long one, so that a long strip of water has handy pieces."""
    at = np.arange(every_m / 2.0, line.length, every_m)
    p = shapely.get_coordinates(shapely.line_interpolate_point(line, at))
    q = shapely.get_coordinates(shapely.line_interpolate_point(line, np.minimum(at + 1.0, line.length)))
    d = q - p
    d /= np.hypot(*d.T)[:, None]
    n = np.column_stack([-d[:, 1], d[:, 0]]) * half_m
    return list(shapely.linestrings(np.stack([p - n, p + n], axis=1)))


def _main_road_lines(rng: np.random.Generator) -> list[tuple[Way, Any]]:
    """Main roads as lines; the control points are shaken a little by the seed."""
    result = []
    for road in plan.MAIN_ROADS:
        points = local(road.points)
        shake = rng.normal(0.0, 35.0, points.shape)
        if not road.closed:
            shake[0] = shake[-1] = 0.0
        line = shapely.LineString(curve(points + shake, closed=road.closed))
        if road.closed:
            parts = _ring_sides(line)
        else:
            parts = [(road.name, line)]
        result += [(Way(road.highway, name, road.maxspeed_kmh, road.dual, "main"), part) for name, part in parts]
    return result


def _ring_sides(ring: Any) -> list[tuple[str, Any]]:
    """The ring road in its four sides, each with its name."""
    xy = shapely.get_coordinates(ring)
    x, y = (xy - origin_m()).T / 1000.0
    corners = [
        int(np.argmax(-x - y)),
        int(np.argmax(-x + y)),
        int(np.argmax(x + y)),
        int(np.argmax(x - y)),
    ]
    names = ["外环西路", "外环北路", "外环东路", "外环南路"]
    loop = xy[:-1]
    sides = []
    for k, name in enumerate(names):
        i, j = corners[k], corners[(k + 1) % 4]
        index = np.arange(i, j + 1 if j > i else j + len(loop) + 1) % len(loop)
        sides.append((name, shapely.LineString(loop[index])))
    return sides


def make_ground(rng: np.random.Generator) -> Ground:
    """Draw the district's ground from a random generator."""
    mainland, river_bar, bank_bar, yangtze = _outline()
    moat, moat_line = _moat()
    motorway = shapely.LineString(curve(local(plan.MOTORWAY), step_m=110))
    canals = [(c, shapely.LineString(curve(local(c.points), step_m=70))) for c in plan.CANALS]
    near = mainland.buffer(500)
    water: list[tuple[str, str, Any]] = [("长江", "river", yangtze), ("濠河", "moat", moat)]
    taken = shapely.union_all([yangtze, moat])
    for canal, line in canals:
        body = line.buffer(canal.width_m / 2.0, quad_segs=4).intersection(near).difference(taken)
        body = _largest(body)
        water.append((canal.name, "canal", body))
        taken = taken.union(body)

    strips = [line.buffer(c.width_m / 2.0 + _BANK_ROAD_M, quad_segs=3, cap_style="flat") for c, line in canals]
    strip_water = shapely.union_all([*strips, moat.buffer(_BANK_ROAD_M + 4, quad_segs=3)])
    strip_motorway = motorway.buffer(MOTORWAY_HALF_M, quad_segs=3)
    inner = mainland.buffer(-_BORDER_M).difference(yangtze.buffer(_DYKE_M, quad_segs=3))
    inner = inner.difference(strip_water).difference(strip_motorway)
    inner = shapely.union_all([inner, bank_bar.buffer(-110.0, quad_segs=3)])
    inner = shapely.simplify(inner.buffer(-12.0).buffer(12.0, quad_segs=3), 4.0)
    parts = [p for p in shapely.get_parts(inner) if p.area > 25_000]
    inner = shapely.MultiPolygon(parts)

    roads = _main_road_lines(rng)
    dry = near.difference(yangtze)
    lines: list[tuple[Any, int]] = []
    mesh = Mesh()
    for way, line in sorted(roads, key=lambda r: _RANK.get(r[0].highway or "", 9)):
        clipped = line if way.name == "外滩桥路" else line.intersection(shapely.union_all([dry, bank_bar]))
        number = mesh.add_way(way)
        lines += [(part, number) for part in shapely.get_parts(clipped)]
    no_road = mesh.add_way(Way(None, kind="cut"))
    axes = [line for _, line in canals]
    cuts: list[Any] = [shapely.boundary(inner), mainland.exterior, bank_bar.exterior]
    cuts += [*axes, moat_line, motorway]
    for canal, line in canals:
        cuts += _cross_cuts(line, canal.width_m / 2.0 + _BANK_ROAD_M + 4.0, 260.0)
    cuts += _cross_cuts(moat_line, 120.0, 240.0)
    cuts += _cross_cuts(motorway, MOTORWAY_HALF_M + 4.0, 450.0)
    for rim, deep in ((mainland.exterior, _DYKE_M + 12.0), (bank_bar.exterior, 130.0)):
        cuts += _cross_cuts(rim, deep, 300.0)
    interchange_xy, ramp_cuts = _interchanges(motorway, roads)
    cuts += ramp_cuts
    land = shapely.union_all([mainland, bank_bar])
    for cut in cuts:
        lines += [(part, no_road) for part in shapely.get_parts(cut.intersection(land.buffer(0.001)))]
    _arrange(mesh, lines, no_road, land)
    ways_on_water(mesh, yangtze, bank_bar, no_road)

    polygons = mesh.polygons()
    inside = shapely.contains_xy(inner, shapely.get_coordinates(shapely.point_on_surface(polygons)))
    blocks = np.flatnonzero(inside)
    _bank_roads(mesh, blocks, polygons, rng, moat, [b for _, k, b in water if k == "canal"], yangtze, no_road)
    leaves = _grow(mesh, blocks, rng)
    entered = _lanes(mesh, leaves, rng)
    polygons = mesh.polygons()
    leaf_m2 = shapely.area(polygons[leaves])
    lakes = _lakes(polygons[leaves[~entered]], leaf_m2[~entered], rng)
    water += lakes
    return Ground(
        shapely.MultiPolygon([mainland, river_bar, bank_bar]),
        mainland,
        river_bar,
        bank_bar,
        yangtze,
        tuple(water),
        shapely.union_all([w for _, _, w in water]),
        motorway,
        shapely.MultiLineString([*axes, moat_line, motorway]),
        interchange_xy,
        mesh,
        leaves,
        leaf_m2,
    )


def _largest(geometry: Any) -> Any:
    parts = shapely.get_parts(geometry)
    return parts[int(np.argmax(shapely.area(parts)))]


def _interchanges(motorway: Any, roads: list[tuple[Way, Any]]) -> tuple[Floats, list[Any]]:
    """Where main roads with ramps cross the motorway, and the cuts that put the ramps' nodes there."""
    xy, cuts = [], []
    for way, line in roads:
        if way.name not in plan.INTERCHANGES:
            continue
        crossing = shapely.get_coordinates(motorway.intersection(line))
        if not len(crossing):
            continue
        xy.append(crossing[0])
        s = motorway.project(shapely.Point(crossing[0]))
        piece = substring(motorway, s - 60.0, s + 60.0)
        cuts += [piece.offset_curve(RAMP_M), piece.offset_curve(-RAMP_M)]
    return np.asarray(xy).reshape(-1, 2), cuts


def _arrange(mesh: Mesh, lines: list[tuple[Any, int]], no_road: int, land: Any) -> None:
    """Node all lines, keep the faces and the ways of their edges."""
    sources = np.array([line for line, _ in lines], dtype=object)
    way_of = np.array([way for _, way in lines])
    noded = shapely.get_parts(shapely.union_all(sources, grid_size=0.01))
    middles = shapely.line_interpolate_point(noded, 0.5, normalized=True)
    tree = shapely.STRtree(sources)
    part, source = tree.query(middles, predicate="dwithin", distance=0.05)
    best = np.full(len(noded), no_road)
    np.minimum.at(best, part, way_of[source])  # roads come before cuts, high classes before low ones
    polygons = shapely.get_parts(shapely.polygonize(noded))
    if any(shapely.get_num_interior_rings(polygons)):
        polygons = polygons[shapely.get_num_interior_rings(polygons) == 0]
    polygons = shapely.orient_polygons(polygons)
    order = np.lexsort(shapely.bounds(polygons).T[::-1])
    bounding = set()
    for polygon in polygons[order]:
        xy = shapely.get_coordinates(polygon)[:-1].tolist()
        loop = [mesh.node(x, y) for x, y in xy]
        mesh.add_face(loop)
        for a, b in zip(loop, loop[1:] + loop[:1], strict=True):
            bounding.add((a, b) if a < b else (b, a))
    for geometry, way in zip(noded, best.tolist(), strict=True):
        nodes = [mesh.node(x, y) for x, y in shapely.get_coordinates(geometry).tolist()]
        pairs = [(a, b) if a < b else (b, a) for a, b in itertools.pairwise(nodes)]
        if all(pair in bounding for pair in pairs):
            for a, b in pairs:
                mesh.set_edge(a, b, way)
        elif mesh.ways[way].highway is not None and not land.contains(geometry.centroid):
            mesh.loose.append((nodes, way))  # over the river, or out of the district


def ways_on_water(mesh: Mesh, yangtze: Any, bank_bar: Any, no_road: int) -> None:
    """No main road runs on over the dyke into the river (the one bridge to the sandbar does)."""
    edges = [(pair, way) for pair, way in mesh.edge_way.items() if mesh.ways[way].highway is not None]
    middles = np.array([((mesh.x[a] + mesh.x[b]) / 2.0, (mesh.y[a] + mesh.y[b]) / 2.0) for (a, b), _ in edges])
    wet = is_near(yangtze, shapely.points(middles), _DYKE_M - 14.0)
    for ((a, b), way), is_wet in zip(edges, wet.tolist(), strict=True):
        if is_wet and mesh.ways[way].name != "外滩桥路":
            mesh.set_edge(a, b, no_road)


def _bank_roads(
    mesh: Mesh,
    blocks: Ints,
    polygons: Any,
    rng: np.random.Generator,
    moat: Any,
    canals: list[Any],
    yangtze: Any,
    no_road: int,
) -> None:
    """Roads along the water and the motorway: one decision per block and kind of bank."""
    inside = set(blocks.tolist())
    canal = shapely.union_all(canals)
    names = {"moat": "环濠路(示意)", "yangtze": "江堤路(示意)"}
    for face in blocks.tolist():
        loop = mesh.faces[face]
        pairs = [
            (a, b)
            for a, b in zip(loop, loop[1:] + loop[:1], strict=True)
            if mesh.ways[mesh.way_of(a, b)].highway is None and mesh.left_face.get((b, a)) not in inside
        ]
        if not pairs:
            continue
        middles = shapely.points([((mesh.x[a] + mesh.x[b]) / 2.0, (mesh.y[a] + mesh.y[b]) / 2.0) for a, b in pairs])
        kinds = np.full(len(pairs), "border", dtype=object)
        kinds[is_near(yangtze, middles, _DYKE_M + 30.0)] = "yangtze"
        kinds[is_near(canal, middles, _BANK_ROAD_M + 14.0)] = "canal"
        kinds[is_near(moat, middles, _BANK_ROAD_M + 14.0)] = "moat"
        x, y = shapely.get_coordinates(shapely.centroid(polygons[face]))[0]
        built = float(built_share(np.array([[x, y]]))[0])
        chances = {
            "moat": ("tertiary", 1.0),
            "canal": ("residential" if built > 0.5 else "unclassified", 0.35 + 0.5 * built),
            "yangtze": ("tertiary", 1.0),
            "border": ("unclassified", 0.25),
        }
        for kind, (highway, chance) in chances.items():
            chosen = [pair for pair, k in zip(pairs, kinds.tolist(), strict=True) if k == kind]
            if chosen and rng.random() < chance:
                way = mesh.add_way(Way(highway, names.get(kind), kind="bank"))
                for a, b in chosen:
                    mesh.set_edge(a, b, way)


# Wished block area in square metres, in the fields and in the old town.
_FIELD_M2, _TOWN_M2 = 122_000.0, 10_600.0


def _grow(mesh: Mesh, blocks: Ints, rng: np.random.Generator) -> Ints:
    centres = [(*local([(x, y)])[0].tolist(), 0.5 / (r * 1000.0) ** 2, strength) for x, y, r, strength in plan.CENTRES]

    def built(x: float, y: float) -> float:
        return _built(x, y, centres)

    def target_m2(x: float, y: float) -> float:
        return float(_FIELD_M2 * (_TOWN_M2 / _FIELD_M2) ** built(x, y))

    dice = iter(rng.random(60_000).tolist())

    def highway(area: float, length: float, x: float, y: float) -> str:
        share = built(x, y)
        if area > 1_600_000 and length > 500:
            return "secondary" if share > 0.4 else "tertiary"
        if area > 280_000 and length > 250:
            return "tertiary"
        if share < 0.3:
            return "unclassified" if area > 90_000 or next(dice) < 0.4 else "residential"
        if area > 40_000:
            return "residential"
        if share > 0.85:
            return "living_street" if next(dice) < 0.35 else "residential"
        return "service" if next(dice) < 0.3 else "residential"

    grower = Grower(mesh, target_m2, highway, lambda x, y: 0.045 - 0.02 * built(x, y), rng)
    grower.grow(blocks.tolist())
    return np.asarray(sorted(grower.leaves), dtype=np.int64)


def _lanes(mesh: Mesh, leaves: Ints, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Dead-end lanes into some of the larger blocks; which blocks have one now."""
    entered = np.zeros(len(leaves), dtype=bool)
    polygons = mesh.polygons()[leaves]
    area = shapely.area(polygons)
    centre = shapely.get_coordinates(shapely.point_on_surface(polygons))
    chosen = np.flatnonzero((area > 14_000) & (rng.random(len(leaves)) < 0.16))
    for k in chosen.tolist():
        face = int(leaves[k])
        loop = mesh.faces[face]
        cx, cy = centre[k].tolist()
        best, pair = 60.0, None
        for a, b in zip(loop, loop[1:] + loop[:1], strict=True):
            way = mesh.ways[mesh.way_of(a, b)]
            length = float(np.hypot(mesh.x[a] - mesh.x[b], mesh.y[a] - mesh.y[b]))
            if way.highway is not None and not way.dual and length > best:
                best, pair = length, (a, b)
        if pair is None:
            continue
        a, b = pair
        px, py = (mesh.x[a] + mesh.x[b]) / 2.0, (mesh.y[a] + mesh.y[b]) / 2.0
        far = float(np.hypot(cx - px, cy - py))
        reach = 0.75 if far < 140 else 110.0 / far
        tip = (px + reach * (cx - px), py + reach * (cy - py))
        if far * reach < 25.0 or not shapely.LineString([(px, py), tip]).within(polygons[k].buffer(0.01)):
            continue
        p = mesh.cut_edge(a, b, px, py)
        way_number = mesh.add_way(Way("service", kind="lane"))
        q = mesh.node(*tip)
        mesh.loose.append(([p, q], way_number))
        mesh.degree[p] += 1
        mesh.degree[q] += 1
        entered[k] = True
    return entered


def _lakes(polygons: Any, area: Floats, rng: np.random.Generator) -> list[tuple[str, str, Any]]:
    """A few lakes and ponds, each within one block, so that no street crosses them."""
    built = built_share(shapely.get_coordinates(shapely.centroid(polygons)))
    result: list[tuple[str, str, Any]] = []
    for kind, count, low, high in (("lake", 5, 0.3, 0.8), ("pond", 24, 0.0, 0.3)):
        fit = np.flatnonzero((built > low) & (built <= high))
        fit = fit[np.argsort(-area[fit], kind="stable")][: count * 4]
        for k in rng.permutation(fit)[:count].tolist():
            shrink = 38.0 if kind == "lake" else 70.0
            body = polygons[k].buffer(-shrink - 14).buffer(14)
            if body.is_empty or body.area < 3_000:
                continue
            number = sum(1 for _, other, _ in result if other == kind) + 1
            name = f"示意湖{number}" if kind == "lake" else f"示意塘{number:02d}"
            result.append((name, kind, _largest(body)))
    return result
