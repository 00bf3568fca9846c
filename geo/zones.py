"""Zones on a map: from levels on a grid to named areas within streets, and what prevention each calls for."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.features import shapes as raster_shapes

from geo.errors import InputError
from geo.grid import Grid

PREVENTION = ("none", "management", "general", "secondary", "key")
"""Prevention classes by number: 0 no data, 1 一般管理区, 2 一般防治区, 3 次重点防治区, 4 重点防治区."""

_SECTORS = ("东", "东北", "北", "西北", "西", "西南", "南", "东南")
_CENTRAL_SHARE = 0.3  # nearer to the street's middle than this share of its radius is "中部"


def majority(values: NDArray[np.integer[Any]], *, size: int = 3, empty: int = 0) -> NDArray[np.int64]:
    """Each cell takes the value that most cells of its window hold.

    Parameters
    ----------
    values : (rows, cols) integers
    size : side of the window in cells, odd, >= 1
    empty : the value of cells without data; they neither vote nor change

    Returns
    -------
    (rows, cols); a cell whose own value is among the most frequent keeps it, else the smallest of those wins

    Raises
    ------
    InputError
        for an even or negative `size`

    Notes
    -----
    CRS: none.
    Cost: O(cells x distinct values).
    Invariant: the cells with data stay the same cells; a grid of one value does not change.
    Source: none; the usual mode filter with ties said.
    """
    if size < 1 or size % 2 == 0:
        raise InputError(f"size={size}: expected an odd number of cells, 1 or more")
    found = np.asarray(values, dtype=np.int64)
    if size == 1:
        return found.copy()
    reach = size // 2
    best = np.zeros(found.shape, dtype=np.int32)
    own = np.zeros(found.shape, dtype=np.int32)
    result = found.copy()
    for value in np.unique(found[found != empty]).tolist():
        votes = np.zeros(found.shape, dtype=np.int32)
        here = np.pad((found == value).astype(np.int32), reach)
        for row in range(size):
            for col in range(size):
                votes += here[row : row + found.shape[0], col : col + found.shape[1]]
        own = np.where(found == value, votes, own)
        better = votes > best
        result[better] = value
        best = np.maximum(best, votes)
    keep = (own >= best) | (found == empty)
    return np.where(keep, found, result)


def dissolved(keys: NDArray[np.integer[Any]], grid: Grid, *, empty: int = -1) -> gpd.GeoDataFrame:
    """Cells of one key that share a side, as one polygon.

    Parameters
    ----------
    keys : (rows, cols) integers
    grid : where the cells lie
    empty : cells of this key are left out

    Returns
    -------
    Frame with `key` and polygons along the cell sides, in the grid's CRS; empty where no cell has a key

    Notes
    -----
    CRS: the grid's.
    Cost: O(cells).
    Invariant: the areas add up to those of the cells; the polygons do not overlap.
    Source: GDAL's polygoniser through rasterio, 4-connected.
    """
    values = np.asarray(keys, dtype=np.int32)
    found: list[int] = []
    rings: list[Any] = []
    of_ring: list[int] = []
    for shape, value in raster_shapes(values, mask=values != empty, connectivity=4, transform=grid.transform):
        rings += shape["coordinates"]
        of_ring += [len(found)] * len(shape["coordinates"])
        found.append(int(value))
    xy = np.array([point for ring in rings for point in ring], dtype=np.float64).reshape(-1, 2)
    of_point = np.repeat(np.arange(len(rings)), [len(ring) for ring in rings])
    # The first ring of a polygon is its outline, the others are its holes.
    polygons = shapely.polygons(shapely.linearrings(xy, indices=of_point), indices=of_ring) if rings else []
    return gpd.GeoDataFrame({"key": np.array(found, dtype=np.int64)}, geometry=list(polygons), crs=f"EPSG:{grid.epsg}")


def clipped(areas: gpd.GeoDataFrame, streets: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Areas cut at street boundaries; one row for each part of one area in one street.

    Parameters
    ----------
    areas : polygons with attributes
    streets : polygons with `name`, same CRS

    Returns
    -------
    The attributes of `areas` and `street`; single polygons, nothing outside the streets

    Notes
    -----
    CRS: that of the frames, which must be one.
    Cost: O(pairs that meet).
    Invariant: the areas add up to what the areas and the streets have in common.
    Source: none.
    """
    area_shapes = areas.geometry.to_numpy(dtype=object)
    street_shapes = streets.geometry.to_numpy(dtype=object)
    left, right = shapely.STRtree(street_shapes).query(area_shapes, predicate="intersects")
    parts = shapely.intersection(area_shapes[left], street_shapes[right])
    pieces, of = shapely.get_parts(parts, return_index=True)
    keep = (shapely.get_dimensions(pieces) == 2) & (shapely.area(pieces) > 0)
    pieces, of = pieces[keep], of[keep]
    # Parts of collections come one by one; polygons of one pair that touch no more stay apart.
    frame = areas.drop(columns="geometry").iloc[left[of]].reset_index(drop=True)
    frame["street"] = streets["name"].to_numpy(dtype=object)[right[of]]
    return gpd.GeoDataFrame(frame, geometry=pieces, crs=areas.crs)


def without_slivers(areas: gpd.GeoDataFrame, *, least_m2: float, within: str = "street") -> gpd.GeoDataFrame:
    """Areas below a size join the neighbour with which they share the longest boundary.

    Parameters
    ----------
    areas : single polygons that do not overlap, with `key` and the column `within`
    least_m2 : m2, > 0; an area of exactly this size stays
    within : neighbours must agree in this column

    Returns
    -------
    Fewer or as many rows; a joined area has the neighbour's attributes. An area with no neighbour stays.

    Raises
    ------
    InputError
        for `least_m2` <= 0

    Notes
    -----
    CRS: metric.
    Cost: O(areas x neighbours x rounds); the smallest first, so that the result does not depend on the order.
    Invariant: the total area is the same to 1e-9; nothing is lost.
    Source: none; the larger neighbour wins at equal length, then the smaller key.
    """
    if not least_m2 > 0:
        raise InputError(f"least_m2={least_m2}: expected an area greater than 0")
    shapes = list(areas.geometry.to_numpy(dtype=object))
    group = areas[within].to_numpy(dtype=object)
    keys = areas["key"].to_numpy(dtype=np.int64)
    size = shapely.area(np.asarray(shapes, dtype=object)) if shapes else np.empty(0)
    near = _neighbours(shapes, group)
    alive = np.ones(len(shapes), dtype=bool)
    members = [[k] for k in range(len(shapes))]
    waiting = sorted(np.flatnonzero(size < least_m2).tolist(), key=lambda k: (size[k], k))
    while waiting:
        k = waiting.pop(0)
        if not alive[k] or size[k] >= least_m2 or not near[k]:
            continue
        best = max(near[k], key=lambda j: (round(near[k][j], 6), size[j], -keys[j], -j))
        members[best] += members[k]
        size[best] += size[k]
        alive[k] = False
        for j, length in near.pop(k).items():
            near[j].pop(k, None)
            if j != best:
                near[best][j] = near[best].get(j, 0.0) + length
                near[j][best] = near[j].get(best, 0.0) + length
    kept = np.flatnonzero(alive)
    frame = areas.drop(columns="geometry").iloc[kept].reset_index(drop=True)
    joined = [
        shapes[k] if len(members[k]) == 1 else shapely.union_all([shapes[j] for j in members[k]]) for k in kept.tolist()
    ]
    return gpd.GeoDataFrame(frame, geometry=joined, crs=areas.crs)


def _neighbours(shapes: Sequence[Any], group: NDArray[np.object_]) -> dict[int, dict[int, float]]:
    """For each polygon the neighbours of its group with the length of the common boundary."""
    near: dict[int, dict[int, float]] = {k: {} for k in range(len(shapes))}
    if not shapes:
        return near
    array = np.asarray(shapes, dtype=object)
    left, right = shapely.STRtree(array).query(array, predicate="intersects")
    keep = (left < right) & (group[left] == group[right])
    left, right = left[keep], right[keep]
    edges = shapely.boundary(array)  # once a polygon: a large one has thousands of neighbours
    length = shapely.length(shapely.intersection(edges[left], edges[right]))
    for a, b, shared in zip(left.tolist(), right.tolist(), length.tolist(), strict=True):
        if shared > 1e-6:
            near[a][b] = near[b][a] = shared
    return near


def merged_by_key(areas: gpd.GeoDataFrame, by: Sequence[str]) -> gpd.GeoDataFrame:
    """Neighbouring areas that became alike are one area.

    Parameters
    ----------
    areas : polygons with the columns of `by`
    by : areas alike in these columns are joined where they touch along a line

    Returns
    -------
    Single polygons with the columns of `by`, in the order of those columns

    Notes
    -----
    CRS: that of the frame.
    Cost: O(vertices log vertices).
    Invariant: the total area is the same to 1e-9.
    Source: none.
    """
    rows: list[dict[str, Any]] = []
    shapes: list[Any] = []
    for values, part in areas.groupby(list(by), sort=True, dropna=False):
        union = shapely.union_all(part.geometry.to_numpy(dtype=object))
        for shape in shapely.get_parts(union):
            rows.append(dict(zip(by, values, strict=True)))
            shapes.append(shape)
    frame = gpd.pd.DataFrame(rows, columns=list(by))
    return gpd.GeoDataFrame(frame, geometry=shapes, crs=areas.crs)


def position_in(point_xy: tuple[float, float], outline: Any) -> str:
    """In which part of an area a point lies, in words: 中部 or one of eight directions with 部.

    Parameters
    ----------
    point_xy : m, the point
    outline : polygon of the area, m

    Returns
    -------
    '中部' within 0.3 (bound included) of the radius of the circle of the same area around the centroid, else
    the direction

    Notes
    -----
    CRS: metric.
    Cost: O(vertices).
    Invariant: turning both by 45 degrees turns the direction by one.
    Source: none.
    """
    centre = shapely.centroid(outline)
    radius = math.sqrt(shapely.area(outline) / math.pi)
    dx, dy = point_xy[0] - centre.x, point_xy[1] - centre.y
    if math.hypot(dx, dy) <= _CENTRAL_SHARE * radius * (1 + 1e-12):
        return "中部"
    return _SECTORS[round(math.atan2(dy, dx) / (math.pi / 4)) % 8] + "部"


def zone_names(
    zones: gpd.GeoDataFrame, streets: gpd.GeoDataFrame, *, hazards: Mapping[int, str], levels: Mapping[int, str]
) -> list[str]:
    """A name in three parts for each zone: street and position, dominant hazard, level.

    Parameters
    ----------
    zones : polygons with `street`, `dominant`, `level`
    streets : polygons with `name`
    hazards : dominant -> its name; one that is missing is left out of the name
    levels : level -> its name

    Returns
    -------
    (n,) names, each used once: alike ones are numbered from the largest down

    Notes
    -----
    CRS: one metric CRS for both.
    Cost: O(zones).
    Invariant: no two names are equal.
    Source: the three-tier naming of the national zoning, order as proposed (to be confirmed).
    """
    outline = dict(zip(streets["name"], streets.geometry.to_numpy(dtype=object), strict=True))
    shapes = zones.geometry.to_numpy(dtype=object)
    inside = shapely.point_on_surface(shapes)
    plain = []
    for street, dominant, level, point in zip(zones["street"], zones["dominant"], zones["level"], inside, strict=True):
        where = f"{street}{position_in((point.x, point.y), outline[street])}"
        parts = [where, hazards.get(int(dominant), ""), levels[int(level)]]
        plain.append("·".join(part for part in parts if part))
    order = sorted(range(len(plain)), key=lambda k: (plain[k], -shapes[k].area, shapes[k].bounds))
    names = list(plain)
    for name in {name for name in plain if plain.count(name) > 1}:
        for number, k in enumerate([k for k in order if plain[k] == name], start=1):
            names[k] = f"{name}({number})"
    return names


@dataclass(frozen=True)
class PreventionRule:
    """Numbers of the decision table (proposed, to be confirmed).

    `key_level` and above is 重点; `high_level` with a capacity grade <= `weak_grade` too, as is a unit in
    the impact area of a hidden danger over at least `danger_persons` residents, or with at least
    `spots_per_km2` known spots of at least `spot_depth_m`. `high_level`, or `middle_level` with weak
    capacity, is 次重点. `middle_level`, or `facility_level` with a key facility, is 一般; the rest is
    一般管理区. Capacity grades run from 1 (weak) to 5 (strong).
    """

    key_level: int = 5
    high_level: int = 4
    middle_level: int = 3
    facility_level: int = 2
    weak_grade: int = 2
    danger_persons: int = 500
    spots_per_km2: float = 3.0
    spot_depth_m: float = 0.5


def prevention(
    level: NDArray[np.integer[Any]],
    capacity_grade: NDArray[np.integer[Any]],
    danger_persons: NDArray[Any],
    deep_spots_per_km2: NDArray[Any],
    key_facilities: NDArray[Any],
    rule: PreventionRule,
) -> NDArray[np.int8]:
    """The prevention class of each unit by the decision table.

    Parameters
    ----------
    level : 0..5 composite level, 0 no data
    capacity_grade : 1 (weak) .. 5 (strong), 0 where there is none (counts as not weak)
    danger_persons : persons in the impact area of the hidden dangers that reach the unit, the largest
    deep_spots_per_km2 : known waterlogging spots at least as deep as the rule says, per km2
    key_facilities : hospitals, schools, homes for the aged, pumping stations, substations in the unit
    rule : the numbers of the table

    Returns
    -------
    0 no data, 1 management (一般管理), 2 general (一般), 3 secondary (次重点), 4 key (重点)

    Notes
    -----
    CRS: none.
    Cost: O(units).
    Invariant: a higher level, a weaker capacity, more persons, spots or facilities never lower the class.
    Source: proposed decision table, class names as in the published geological scheme; to be confirmed.
    """
    level = np.asarray(level)
    grade = np.asarray(capacity_grade)
    weak = (grade >= 1) & (grade <= rule.weak_grade)
    key = (
        (level >= rule.key_level)
        | ((level >= rule.high_level) & weak)
        | (np.asarray(danger_persons) >= rule.danger_persons)
        | (np.asarray(deep_spots_per_km2) >= rule.spots_per_km2)
    )
    secondary = (level >= rule.high_level) | ((level >= rule.middle_level) & weak)
    facility = np.asarray(key_facilities) > 0
    general = (level >= rule.middle_level) | ((level >= rule.facility_level) & facility)
    found = np.select([level == 0, key, secondary, general], [0, 4, 3, 2], 1)
    return np.asarray(found, dtype=np.int8)
