"""Response time over the ground: a grid, time bands as polygons, and each team's own territory.

The polygons come from the Voronoi cells of points sampled along every road edge, each cut to the
circle that can still be walked within the limit. A raster cannot say that the two banks of a
canal or the two carriageways of a road differ by minutes; these cells follow the nearest edge,
as the router does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import Voronoi

from geo.errors import InputError
from geo.network import DEFAULT_SNAP_M, RoadNetwork, Snapped
from geo.times import WALK_M_S, TravelTimes, last_leg_s

Floats = NDArray[np.float64]

SAMPLE_STEP_M = 20.0
"""Distance of the samples along an edge where there are few enough roads."""

MAX_SAMPLES = 400_000
"""Above that many samples the step grows, and with it the stated tolerance."""

MAX_CELLS = 200_000
"""Cells of a response grid; above that the step grows."""

_TEAMS_AT_ONCE = 8
_ARC_SEGMENTS = 8  # straight pieces of a quarter circle


@dataclass(frozen=True)
class ResponseGrid:
    """Response times at the centres of square cells, NaN where no road is near or no team comes.

    `values_s[r, c]` belongs to the centre ``origin_m + (c + 0.5, r + 0.5) * step_m``: rows run north.
    """

    values_s: Floats
    origin_m: tuple[float, float]
    step_m: float
    epsg: int

    def centres_m(self) -> Floats:
        """(rows * columns, 2) m, row by row."""
        return _centres(self.origin_m, self.step_m, self.values_s.shape)


@dataclass(frozen=True)
class RoadSamples:
    """Points along the roads with the response time at each, and the team that is first there.

    `team` is -1 and `time_s` inf where no team comes. `tolerance_m` bounds how much farther a
    point's nearest sample is than its nearest road: such a strip between two edges may go to either.
    """

    xy_m: Floats
    edge: NDArray[np.int32]
    time_s: Floats
    team: NDArray[np.int32]
    step_m: float
    epsg: int

    def tolerance_m(self, distance_m: float) -> float:
        """How much farther than the road the nearest sample can be, for a point this far from the road."""
        return float(np.hypot(distance_m, self.step_m / 2) - distance_m)


EMPTY_SAMPLES = RoadSamples(
    np.empty((0, 2)), np.empty(0, dtype=np.int32), np.empty(0), np.empty(0, dtype=np.int32), SAMPLE_STEP_M, 4326
)
"""Samples of a network without roads."""


def _centres(origin_m: tuple[float, float], step_m: float, shape: tuple[int, ...]) -> Floats:
    rows, columns = shape
    x = origin_m[0] + (np.arange(columns) + 0.5) * step_m
    y = origin_m[1] + (np.arange(rows) + 0.5) * step_m
    grid = np.meshgrid(x, y)
    return np.column_stack([grid[0].ravel(), grid[1].ravel()])


def response_grid(
    travel: TravelTimes,
    stations: Snapped,
    before_travel_s: Any,
    *,
    extent_m: tuple[float, float, float, float],
    step_m: float = 100.0,
    snap_m: float = DEFAULT_SNAP_M,
) -> ResponseGrid:
    """The quickest response at the centre of every cell, last leg included.

    Parameters
    ----------
    travel : travel times with the closures in force
    stations : (m,) eligible teams on the network
    before_travel_s : (m,) s, handling and turnout of each
    extent_m : (min_x, min_y, max_x, max_y) m in the network's metric CRS
    step_m : m, > 0; grows where the extent would have more than `MAX_CELLS` cells
    snap_m : m, how far from a road a place may be

    Returns
    -------
    ResponseGrid covering the extent; all NaN without teams

    Raises
    ------
    InputError : an empty extent or a step that is not above 0

    Notes
    -----
    CRS: the network's metric CRS.
    Cost: one snapping and one one-to-many search for each team.
    Invariant: each value is the router's own answer at the cell's centre.
    Source: none.
    """
    min_x, min_y, max_x, max_y = extent_m
    if not (max_x > min_x and max_y > min_y and step_m > 0):
        raise InputError(f"extent_m={extent_m}, step_m={step_m}: expected an area and a step above 0")
    step_m = max(step_m, float(np.sqrt((max_x - min_x) * (max_y - min_y) / MAX_CELLS)))
    shape = (int(np.ceil((max_y - min_y) / step_m)), int(np.ceil((max_x - min_x) / step_m)))
    origin = (min_x, min_y)
    places = travel.network.snap(_centres(origin, step_m, shape), max_m=snap_m)
    best = _quickest(travel, stations, before_travel_s, places)[0]
    values = np.where(np.isfinite(best), best, np.nan).reshape(shape)
    return ResponseGrid(values, origin, step_m, travel.network.epsg)


def _quickest(
    travel: TravelTimes, stations: Snapped, before_travel_s: Any, places: Snapped
) -> tuple[Floats, NDArray[np.int32]]:
    """(n,) s response time at each place with its last leg, and the team's position; inf and -1 for none."""
    before = np.asarray(before_travel_s, dtype=np.float64).reshape(-1)
    if len(before) != len(stations):
        raise InputError(f"before_travel_s: {len(before)} values for {len(stations)} teams")
    if len(stations) == 0:
        return np.full(len(places), np.inf), np.full(len(places), -1, dtype=np.int32)
    best = np.full(len(places), np.inf)
    first = np.full(len(places), -1, dtype=np.int32)
    start_s = before + last_leg_s(stations.access_m)
    leg_s = last_leg_s(places.access_m)
    # A few teams at a time: one matrix of all teams by all samples would take gigabytes.
    for begin in range(0, len(stations), _TEAMS_AT_ONCE):
        block = np.arange(begin, min(begin + _TEAMS_AT_ONCE, len(stations)))
        total = travel.matrix_s(stations.take(block), places)
        total += start_s[block][:, None]
        total += leg_s[None, :]
        total[~np.isfinite(total)] = np.inf
        nearest = np.argmin(total, axis=0)
        value = total[nearest, np.arange(len(places))]
        better = value < best
        best[better] = value[better]
        first[better] = block[nearest[better]]
    return best, first


def road_samples(
    travel: TravelTimes,
    stations: Snapped,
    before_travel_s: Any,
    *,
    snap_m: float = DEFAULT_SNAP_M,
    step_m: float = SAMPLE_STEP_M,
) -> RoadSamples:
    """Points along every edge that a place could be snapped to, with the quickest response at each.

    Parameters
    ----------
    travel : travel times with the closures in force
    stations : (m,) eligible teams on the network
    before_travel_s : (m,) s, handling and turnout of each
    snap_m : m, how far from a road a place may be: edges of a fragment are left out within this
        distance of a main edge, as in snapping
    step_m : m, > 0, distance of the samples; grows where there would be more than `MAX_SAMPLES`

    Returns
    -------
    RoadSamples; empty for an empty network

    Raises
    ------
    InputError : a step that is not above 0

    Notes
    -----
    CRS: the network's metric CRS.
    Cost: O(teams x samples).
    Invariant: `time_s` at a sample is the router's answer for a place on that spot of that edge.
    Source: none.
    """
    if not step_m > 0:
        raise InputError(f"step_m={step_m}: expected metres above 0")
    network = travel.network
    length = network.edge_length_m
    step_m = max(step_m, float(length.sum()) / MAX_SAMPLES)
    pieces = np.maximum(np.ceil(length / step_m), 1).astype(np.int64)
    # Samples in the middle of equal pieces: none on a node, where edges would tie.
    edge: NDArray[np.int32] = np.repeat(np.arange(len(length), dtype=np.int32), pieces)
    nth = np.arange(len(edge)) - np.repeat(np.r_[0, np.cumsum(pieces)[:-1]], pieces)
    fraction = (nth + 0.5) / pieces[edge] if len(edge) else np.empty(0)
    points = shapely.line_interpolate_point(network.edge_lines()[edge], fraction, normalized=True)
    xy = shapely.get_coordinates(points).reshape(-1, 2)
    stands = _as_snapping_would(network, xy, edge, snap_m)
    xy, edge, fraction = xy[stands], edge[stands], fraction[stands]
    on_road = Snapped(edge, fraction, xy, np.zeros(len(edge)), ~network.edge_is_main[edge])
    time_s, team = _quickest(travel, stations, before_travel_s, on_road)
    return RoadSamples(xy, edge, time_s, team, step_m, network.epsg)


def _as_snapping_would(network: RoadNetwork, xy: Floats, edge: NDArray[np.int32], snap_m: float) -> NDArray[np.bool_]:
    """A sample of a fragment counts only where no main edge is near enough to be taken instead."""
    stands: NDArray[np.bool_] = network.edge_is_main[edge].copy()
    fragment = np.flatnonzero(~stands)
    if len(fragment) and network.edge_is_main.any():
        taken = network.snap(xy[fragment], max_m=snap_m)
        stands[fragment] = taken.is_fragment
    else:
        stands[fragment] = True
    return stands


def _cells(samples: RoadSamples, reach_m: float) -> tuple[NDArray[np.object_], NDArray[np.intp]]:
    """Voronoi cells of the samples as polygons, and the sample that each belongs to.

    A frame of far points closes the outer cells; coincident samples share a cell, which the
    quickest of them gets.
    """
    order = np.lexsort((samples.time_s, samples.xy_m[:, 1], samples.xy_m[:, 0]))
    xy = samples.xy_m[order]
    new = np.r_[True, (np.abs(np.diff(xy, axis=0)) > 1e-6).any(axis=1)]
    keep = order[new]
    sites = samples.xy_m[keep]
    low, high = sites.min(axis=0), sites.max(axis=0)
    # Far enough that no cell is cut short within reach of its sample.
    far = 4 * reach_m + (high - low).max() + 1.0
    middle = (low + high) / 2
    turns = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    frame = middle + np.column_stack([np.cos(turns), np.sin(turns)]) * 2 * far
    diagram = Voronoi(np.vstack([sites, frame]) - middle)
    regions = [diagram.regions[diagram.point_region[k]] for k in range(len(sites))]
    counts = np.fromiter((len(region) for region in regions), dtype=np.int64, count=len(regions))
    flat = np.fromiter((v for region in regions for v in region), dtype=np.int64, count=int(counts.sum()))
    rings = shapely.linearrings(diagram.vertices[flat] + middle, indices=np.repeat(np.arange(len(sites)), counts))
    return shapely.polygons(rings), keep


def contours(
    samples: RoadSamples,
    limits_s: Sequence[float],
    *,
    snap_m: float = DEFAULT_SNAP_M,
    walk_m_s: float = WALK_M_S,
) -> gpd.GeoDataFrame:
    """The area reached within each limit (bound included), the last leg on foot included.

    Parameters
    ----------
    samples : road samples with their response times
    limits_s : s, > 0, ascending
    snap_m : m, how far from a road a place may be
    walk_m_s : m/s, walking speed of the last leg

    Returns
    -------
    GeoDataFrame with limit_s and geometry (MultiPolygon or Polygon, empty where nothing is reached),
    one row a limit; each area holds those of the lower limits

    Raises
    ------
    InputError : limits that do not ascend or are not above 0

    Notes
    -----
    CRS: the samples' metric CRS.
    Cost: O(s log s) for s samples, and the union of the cells that are cut.
    Invariant: at any point whose nearest edge is clear by more than the samples' tolerance, the
    area and the router agree to within the walk of one sampling step.
    Source: Voronoi cells of road samples; own method.
    """
    limits = [float(limit) for limit in limits_s]
    if any(b <= a for a, b in zip([0.0, *limits], limits, strict=False)):
        raise InputError(f"limits_s={limits}: expected seconds above 0, ascending")
    shapes: list[Any] = []
    if len(samples.xy_m) >= 1 and np.isfinite(samples.time_s).any():
        cells, owner = _cells(samples, snap_m)
        time_s = samples.time_s[owner]
        xy = samples.xy_m[owner]
        farthest = _farthest(cells, xy)
        for limit in limits:
            radius = np.minimum((limit - time_s) * walk_m_s, snap_m)
            shapes.append(_area(cells, xy, farthest, radius))
    else:
        shapes = [shapely.Polygon() for _ in limits]
    return gpd.GeoDataFrame({"limit_s": limits}, geometry=shapes, crs=samples.epsg)


def territories(samples: RoadSamples, *, snap_m: float = DEFAULT_SNAP_M) -> gpd.GeoDataFrame:
    """The area in which each team is the first to arrive, whatever the limit.

    Parameters
    ----------
    samples : road samples with the team that is first at each
    snap_m : m, how far from a road a place may be

    Returns
    -------
    GeoDataFrame with team (position in the stations) and geometry, teams that are first nowhere
    left out

    Notes
    -----
    CRS: the samples' metric CRS.
    Cost: as `contours`.
    Invariant: territories do not overlap, and together cover what some team reaches.
    Source: own method.
    """
    found: dict[int, Any] = {}
    if len(samples.xy_m) and (samples.team >= 0).any():
        cells, owner = _cells(samples, snap_m)
        team, xy = samples.team[owner], samples.xy_m[owner]
        farthest = _farthest(cells, xy)
        for number in np.unique(team[team >= 0]):
            of = team == number
            found[int(number)] = _area(cells[of], xy[of], farthest[of], np.full(int(of.sum()), snap_m))
    return gpd.GeoDataFrame({"team": list(found)}, geometry=list(found.values()), crs=samples.epsg)


def _farthest(cells: NDArray[np.object_], xy: Floats) -> Floats:
    """(k,) m from each sample to the farthest corner of its cell."""
    corners, owner = shapely.get_coordinates(cells, return_index=True)
    far = np.zeros(len(cells))
    np.maximum.at(far, owner, np.hypot(*(corners - xy[owner]).T))
    return far


def _area(cells: NDArray[np.object_], xy: Floats, farthest: Floats, radius: Floats) -> Any:
    """The union of the cells, each cut to the circle of its radius; none where that is 0 or less."""
    whole = radius >= farthest
    cut = (radius > 0) & ~whole
    circles = shapely.buffer(shapely.points(xy[cut]), radius[cut], quad_segs=_ARC_SEGMENTS)
    parts = [shapely.disjoint_subset_union_all(shapely.intersection(cells[cut], circles))]
    if whole.any():
        parts.append(shapely.coverage_union_all(cells[whole]))
    return shapely.union_all(parts)
