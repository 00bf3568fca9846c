"""Streets, villages and people of the demo district."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from data.demo import plan
from data.demo.ground import Ground, built_share, is_near, local

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_BORDER_COST_M = {"trunk": 900.0, "primary": 650.0, "secondary": 250.0, "tertiary": 60.0}
_WATER_COST_M = 500.0
_DAY_PERSONS = 1_221_000
_CELL_M = 250.0
_RIVER_SANDBAR_PERSONS = 146
_BANK_SANDBAR_PERSONS = 612


@dataclass(frozen=True)
class Town:
    """Villages (index into the arrays) and population cells; metres."""

    outline: Any  # union of the villages
    polygon: Any  # (v,) shapely polygons that tile the outline
    point_xy: Floats  # (v, 2) inside the village
    name: list[str]
    street: Ints  # index into plan.STREETS
    persons: Ints
    persons_day: Ints
    cell_xy: Floats
    cell_persons: Ints
    cell_village: Ints

    def village_of(self, xy_m: Floats) -> Ints:
        """Village index of each place, -1 outside every one."""
        tree = shapely.STRtree(self.polygon)
        place, village = tree.query(shapely.points(xy_m), predicate="intersects")
        result = np.full(len(xy_m), -1, dtype=np.int64)
        result[place[::-1]] = village[::-1]
        return result


def largest_remainder(weights: Any, total: int) -> Ints:
    """Whole numbers in proportion to the weights that add up to the total exactly."""
    exact = weights / weights.sum() * total
    whole: Ints = np.floor(exact).astype(np.int64)
    short = total - int(whole.sum())
    whole[np.argsort(-(exact - whole), kind="stable")[:short]] += 1
    return whole


def industry_share(xy_m: Floats) -> Floats:
    """How much of a place is industry, 0 to 1."""
    free = np.ones(len(xy_m))
    for x, y, radius, weight, _ in plan.INDUSTRY:
        d = np.hypot(*(xy_m - local([(x, y)])[0]).T) / (radius * 1000.0)
        free *= 1.0 - weight * np.exp(-((d / 0.8) ** 2))
    return 1.0 - free


def persons_per_m2(xy_m: Floats) -> Floats:
    """Density before scaling: dense in the old town, thin in the fields and between factories."""
    return (0.0007 + 0.024 * built_share(xy_m) ** 1.7) * (1.0 - 0.75 * industry_share(xy_m))


def make_town(ground: Ground, rng: np.random.Generator) -> Town:
    """Gather blocks into villages and villages into streets, then let people move in."""
    mesh = ground.mesh
    polygons = mesh.polygons()
    centre = shapely.get_coordinates(shapely.centroid(polygons))
    area = shapely.area(polygons)
    is_block = np.zeros(len(polygons), dtype=bool)
    is_block[ground.blocks] = True
    on_bar = is_near(ground.bank_sandbar, shapely.points(centre), 1.0)
    graph, left, right = _adjacency(ground, centre, is_block)

    weight = np.where(is_block & ~on_bar, area * persons_per_m2(centre), 0.0)
    streets = np.array([(s.x, s.y) for s in plan.STREETS])
    land = np.flatnonzero(is_block & ~on_bar)
    seeds = [int(land[np.argmin(np.hypot(*(centre[land] - p).T))]) for p in local(streets)]
    street = _nearest_seed(graph, left, right, ~on_bar, seeds)

    counts = _villages_per_street(street, weight, np.where(on_bar, 0.0, area))
    village_seeds: list[int] = []
    for k in range(len(plan.STREETS)):
        members = np.flatnonzero((street == k) & is_block & ~on_bar)
        pull = weight[members] ** 0.75 * area[members] ** 0.25 + 1.0
        village_seeds += [int(i) for i in _spread(centre[members], pull, int(counts[k]), members, rng)]
    same = street[left] == street[right]
    inner = graph[same], left[same], right[same]
    village = _nearest_seed(*inner, ~on_bar, village_seeds)
    village[on_bar] = len(village_seeds)
    seed_street = np.array([*street[village_seeds], 0, 0])
    langshan = next(i for i, s in enumerate(plan.STREETS) if s.name == "狼山镇街道")
    rengang = next(i for i, s in enumerate(plan.STREETS) if s.name == "任港街道")
    seed_street[-2:] = langshan, rengang

    n = len(village_seeds) + 2
    shapes = np.empty(n, dtype=object)
    order = np.argsort(village, kind="stable")
    bounds = np.searchsorted(village[order], np.arange(n))
    for v in range(n - 1):
        shapes[v] = shapely.coverage_union_all(polygons[order[bounds[v] : bounds[v + 1]]])
    shapes[n - 1] = ground.river_sandbar
    shapes = np.array([_whole(shape) for shape in shapes], dtype=object)

    in_village = np.bincount(village, weights=weight, minlength=n)[: n - 2]
    shaken = in_village * np.exp(0.18 * rng.standard_normal(n - 2))
    rest = plan.PERSONS - _BANK_SANDBAR_PERSONS - _RIVER_SANDBAR_PERSONS
    persons = np.concatenate([largest_remainder(shaken, rest), [_BANK_SANDBAR_PERSONS, _RIVER_SANDBAR_PERSONS]])
    points = _centres(shapes, village, centre, weight, n)
    day = persons * (0.62 + 0.5 * built_share(points) ** 2 + 0.9 * industry_share(points))
    day[-2:] = persons[-2:]
    persons_day = largest_remainder(day, _DAY_PERSONS)
    order = _reading_order(seed_street, points)
    shapes, points, persons, persons_day = shapes[order], points[order], persons[order], persons_day[order]
    seed_street = seed_street[order]
    sandbar = {
        int(np.flatnonzero(order == n - 2)[0]): "外滩沙村(示意)",
        int(np.flatnonzero(order == n - 1)[0]): "江心沙村(示意)",
    }
    names = _names(seed_street, built_share(points), sandbar)
    cells = _cells(ground, shapes, points, persons)
    return Town(shapely.coverage_union_all(shapes), shapes, points, names, seed_street, persons, persons_day, *cells)


def _whole(shape: Any) -> Any:
    parts = shapely.get_parts(shape)
    return parts[0] if len(parts) == 1 else shape


def _adjacency(ground: Ground, centre: Floats, is_block: Any) -> tuple[Floats, Ints, Ints]:
    """Pairs of neighbouring faces with what it costs to go from one to the other."""
    mesh = ground.mesh
    left, right, ways, middles = [], [], [], []
    for (a, b), face in mesh.left_face.items():
        if a < b:
            other = mesh.left_face.get((b, a))
            if other is not None and other != face:
                left.append(face)
                right.append(other)
                ways.append(mesh.way_of(a, b))
                middles.append(((mesh.x[a] + mesh.x[b]) / 2.0, (mesh.y[a] + mesh.y[b]) / 2.0))
    by_way = np.array([_BORDER_COST_M.get(w.highway or "", 0.0) for w in mesh.ways])
    lefts, rights = np.asarray(left), np.asarray(right)
    cost = np.hypot(*(centre[lefts] - centre[rights]).T) + by_way[np.asarray(ways)]
    axis = is_near(ground.axes, shapely.points(np.asarray(middles)), 0.5)
    cost += np.where(axis & ~is_block[lefts] & ~is_block[rights], _WATER_COST_M, 0.0)
    return cost, lefts, rights


def _nearest_seed(cost: Floats, left: Ints, right: Ints, allowed: Any, seeds: list[int]) -> Ints:
    """Index of the seed that is nearest to each face through its neighbours."""
    n = len(allowed)
    ok = allowed[left] & allowed[right]
    pair = np.sort(np.column_stack([left[ok], right[ok]]), axis=1)
    order = np.lexsort((cost[ok], pair[:, 1], pair[:, 0]))
    pair, value = pair[order], cost[ok][order]
    first = np.concatenate([[True], (np.diff(pair, axis=0) != 0).any(axis=1)])
    graph = csr_array((value[first], (pair[first, 0], pair[first, 1])), shape=(n, n))
    _, _, source = dijkstra(graph, directed=False, indices=seeds, min_only=True, return_predecessors=True)
    number = np.full(n + 1, -1, dtype=np.int64)
    number[np.asarray(seeds)] = np.arange(len(seeds))
    result: Ints = number[np.where(source < 0, n, source)]
    return np.where(allowed, result, 0)


def _villages_per_street(street: Ints, weight: Floats, area: Floats) -> Ints:
    """How many villages each street has, in proportion to people and a little to land."""
    k = len(plan.STREETS)
    people = np.bincount(street, weights=weight, minlength=k)
    land = np.bincount(street, weights=area, minlength=k)
    share = 0.72 * people / people.sum() + 0.28 * land / land.sum()
    return largest_remainder(share, plan.VILLAGES - 2 - 3 * k) + 3


def _spread(xy: Floats, pull: Floats, k: int, members: Ints, rng: np.random.Generator) -> Ints:
    """The `k` faces around which villages grow (weighted k-means)."""
    at = xy[rng.choice(len(xy), size=k, replace=False, p=pull / pull.sum())]
    for _ in range(14):
        nearest = np.argmin(np.hypot(xy[:, None, 0] - at[:, 0], xy[:, None, 1] - at[:, 1]), axis=1)
        total = np.bincount(nearest, weights=pull, minlength=k)
        for axis in (0, 1):
            mean = np.bincount(nearest, weights=pull * xy[:, axis], minlength=k) / np.maximum(total, 1e-9)
            at[:, axis] = np.where(total > 0, mean, at[:, axis])
    chosen: list[int] = []
    for point in at:
        for i in np.argsort(np.hypot(*(xy - point).T), kind="stable"):
            if int(i) not in chosen:
                chosen.append(int(i))
                break
    return members[chosen]


def _centres(shapes: Any, village: Ints, centre: Floats, weight: Floats, n: int) -> Floats:
    """Where most people of a village live, moved inside it where the mean falls outside."""
    total = np.bincount(village, weights=weight, minlength=n)[:n]
    safe = np.maximum(total, 1e-9)
    mean = np.column_stack(
        [np.bincount(village, weights=weight * centre[:, a], minlength=n)[:n] / safe for a in (0, 1)]
    )
    inside = (total > 0) & shapely.contains(shapes, shapely.points(mean))
    other = shapely.get_coordinates(shapely.point_on_surface(shapes))
    result: Floats = np.where(inside[:, None], mean, other)
    return result


def _reading_order(street: Ints, points: Floats) -> Ints:
    """Street by street, from north to south."""
    return np.lexsort((points[:, 0], -points[:, 1], street))


def _names(street: Ints, built: Floats, special: dict[int, str]) -> list[str]:
    names, seen = [], np.zeros(len(plan.STREETS), dtype=int)
    for i, (k, share) in enumerate(zip(street.tolist(), built.tolist(), strict=True)):
        if i in special:
            names.append(special[i])
            continue
        seen[k] += 1
        word = "村" if share < 0.3 and plan.STREETS[k].rural else "社区"
        names.append(f"{plan.STREETS[k].name}第{seen[k]}{word}(示意)")
    return names


def _cells(ground: Ground, shapes: Any, points: Floats, persons: Ints) -> tuple[Floats, Ints, Ints]:
    """Population on a grid; the cells of a village add up to the village."""
    x0, y0, x1, y1 = shapely.union_all(shapes).bounds
    xs = np.arange(np.floor(x0 / _CELL_M) * _CELL_M + _CELL_M / 2.0, x1, _CELL_M)
    ys = np.arange(np.floor(y0 / _CELL_M) * _CELL_M + _CELL_M / 2.0, y1, _CELL_M)
    xy = np.column_stack([g.ravel() for g in np.meshgrid(xs, ys)])
    shapely.prepare(ground.water_union)
    xy = xy[~shapely.contains_xy(ground.water_union, xy)]
    tree = shapely.STRtree(shapes)
    place, village = tree.query(shapely.points(xy), predicate="within")
    xy = xy[place]
    bare = np.setdiff1d(np.arange(len(shapes)), village)
    xy = np.vstack([xy, points[bare]])
    village = np.concatenate([village, bare])
    order = np.lexsort((xy[:, 0], xy[:, 1], village))
    xy, village = xy[order], village[order]
    weight = persons_per_m2(xy)
    held = np.concatenate([largest_remainder(weight[village == v], int(persons[v])) for v in range(len(shapes))])
    return xy, held, village
