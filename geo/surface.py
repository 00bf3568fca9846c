"""Response time over the ground: a grid, time bands as polygons, and each team's own territory.

The polygons come from the Voronoi cells of points sampled along every road edge, each cut to the
circle that can still be walked within the limit. A raster cannot say that the two banks of a
canal or the two carriageways of a road differ by minutes; these cells follow the nearest edge,
as the router does.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from geo.cells import Cells, outline, voronoi_cells
from geo.errors import InputError
from geo.network import DEFAULT_SNAP_M, RoadNetwork, Snapped
from geo.times import WALK_M_S, TravelTimes, last_leg_s

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]

SAMPLE_STEP_M = 10.0
"""Distance of the samples along an edge where there are few enough roads."""

MAX_SAMPLES = 400_000
"""Above about that many samples the step grows, and with it the stated tolerance."""

MAX_CELLS = 200_000
"""Cells of a response grid; above that the step grows."""

_TEAMS_AT_ONCE = 8
_BESIDE_M = 0.5  # samples so near to where the time jumps
_BEND_DEG = 10.0  # a sharper bend has a sample at its corner


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

    `team` is -1 and `time_s` inf where no team comes. `step_m` is the longest distance between two
    samples of one edge. What is drawn from the samples agrees with the router to within the walk of one
    step (or the drive of half a step, on a road that is slowed to less than walking pace), except
    where the two nearest edges of a place are equally near to within `tolerance_m`: such a strip may
    go to either.
    """

    xy_m: Floats
    edge: Ints
    time_s: Floats
    team: Ints
    is_fragment: NDArray[np.bool_]
    step_m: float
    epsg: int

    def take(self, positions: Any) -> "RoadSamples":
        """The samples at these positions."""
        return replace(
            self,
            xy_m=self.xy_m[positions],
            edge=self.edge[positions],
            time_s=self.time_s[positions],
            team=self.team[positions],
            is_fragment=self.is_fragment[positions],
        )

    def tolerance_m(self, distance_m: Any) -> Any:
        """How much farther than the road the nearest sample can be, for a place this far from the road."""
        half = self.step_m / 2
        return np.hypot(distance_m, half) - distance_m + half * np.sin(np.radians(_BEND_DEG / 2))


def _no_samples(step_m: float, epsg: int) -> RoadSamples:
    whole = np.empty(0, dtype=np.int32)
    return RoadSamples(np.empty((0, 2)), whole, np.empty(0), whole, np.empty(0, dtype=bool), step_m, epsg)


EMPTY_SAMPLES = _no_samples(SAMPLE_STEP_M, 4326)
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
    walk_m_s: float = WALK_M_S,
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
    walk_m_s : m/s, > 0, walking speed of the last leg

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
    if not (np.isfinite(extent_m).all() and max_x > min_x and max_y > min_y and 0 < step_m < np.inf):
        raise InputError(f"extent_m={extent_m}, step_m={step_m}: expected an area and a step above 0")
    shape = _shape(extent_m, step_m)
    while shape[0] * shape[1] > MAX_CELLS:
        step_m *= max(1.001, float(np.sqrt(shape[0] * shape[1] / MAX_CELLS)))
        shape = _shape(extent_m, step_m)
    origin = (min_x, min_y)
    places = travel.network.snap(_centres(origin, step_m, shape), max_m=snap_m)
    best = _quickest(travel, stations, before_travel_s, places, walk_m_s)[0]
    values = np.where(np.isfinite(best), best, np.nan).reshape(shape)
    return ResponseGrid(values, origin, step_m, travel.network.epsg)


def _shape(extent_m: tuple[float, float, float, float], step_m: float) -> tuple[int, int]:
    min_x, min_y, max_x, max_y = extent_m
    return int(np.ceil((max_y - min_y) / step_m)), int(np.ceil((max_x - min_x) / step_m))


def _quickest(
    travel: TravelTimes, stations: Snapped, before_travel_s: Any, places: Snapped, walk_m_s: float
) -> tuple[Floats, Ints]:
    """(n,) s response time at each place with its last leg, and the team's position; inf and -1 for none.

    Equal times go to the first of the stations.
    """
    before = np.asarray(before_travel_s, dtype=np.float64).reshape(-1)
    if len(before) != len(stations):
        raise InputError(f"before_travel_s: {len(before)} values for {len(stations)} teams")
    best = np.full(len(places), np.inf)
    first = np.full(len(places), -1, dtype=np.int32)
    start_s = before + last_leg_s(stations.access_m, walk_m_s=walk_m_s)
    leg_s = last_leg_s(places.access_m, walk_m_s=walk_m_s)
    # A few teams at a time: one matrix of all teams by all samples would take gigabytes.
    for begin in range(0, len(stations), _TEAMS_AT_ONCE):
        block = np.arange(begin, min(begin + _TEAMS_AT_ONCE, len(stations)))
        total = travel.matrix_s(stations.take(block), places)
        total += start_s[block][:, None]
        for j, row in zip(block, total, strict=True):
            better = row < best  # never where it is NaN
            best[better] = row[better]
            first[better] = j
    return best + np.where(first >= 0, leg_s, 0.0), first


def road_samples(
    travel: TravelTimes,
    stations: Snapped,
    before_travel_s: Any,
    *,
    step_m: float = SAMPLE_STEP_M,
    walk_m_s: float = WALK_M_S,
) -> RoadSamples:
    """Points at every node and along every edge, reached or not, with the quickest response at each.

    Parameters
    ----------
    travel : travel times with the closures in force
    stations : (m,) eligible teams on the network; equal times go to the first
    before_travel_s : (m,) s, handling and turnout of each
    step_m : m, > 0, the longest distance between samples; grows where there would be more than
        `MAX_SAMPLES`
    walk_m_s : m/s, > 0, walking speed of the teams' own way to the road

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
    if not 0 < step_m < np.inf:
        raise InputError(f"step_m={step_m}: expected metres above 0")
    network = travel.network
    if len(network.edge_length_m) == 0:
        return _no_samples(step_m, network.epsg)
    step_m = max(step_m, float(network.edge_length_m.sum()) / MAX_SAMPLES)
    edge, fraction = _inside_edges(network, stations, step_m)
    node_edge, node_fraction = _nodes(network)
    spots = _on_road(network, np.r_[edge, node_edge], np.r_[fraction, node_fraction])
    time_s, team = _quickest(travel, stations, before_travel_s, spots, walk_m_s)

    # A node may be reached where a road that ends there is not: closed, or one-way against.
    ends = np.flatnonzero(np.diff(edge, append=-1))
    begins = np.r_[0, ends[:-1] + 1]
    share = _BESIDE_M / np.maximum(network.edge_length_m, 3 * _BESIDE_M)
    more: list[tuple[Ints, Floats]] = []
    for node, sample, at in ((network.edge_tail, begins, share), (network.edge_head, ends, 1 - share)):
        there, here = time_s[len(edge) + node], time_s[sample]
        with np.errstate(invalid="ignore"):
            jumps = np.flatnonzero(np.abs(here - there) > step_m / 2 / walk_m_s)
        more.append((jumps.astype(np.int32), at[jumps]))
    beside = _on_road(network, np.concatenate([k for k, _ in more]), np.concatenate([at for _, at in more]))
    beside_s, beside_team = _quickest(travel, stations, before_travel_s, beside, walk_m_s)
    return RoadSamples(
        np.vstack([spots.xy_m, beside.xy_m]),
        np.r_[spots.edge, beside.edge],
        np.r_[time_s, beside_s],
        np.r_[team, beside_team],
        np.r_[spots.is_fragment, beside.is_fragment],
        step_m,
        network.epsg,
    )


def _inside_edges(network: RoadNetwork, stations: Snapped, step_m: float) -> tuple[Ints, Floats]:
    """Edges and fractions of the samples between the nodes, edge by edge, at least one on each.

    At every bend, where a place may have the corner as its nearest spot; in equal pieces between;
    and close on both sides of each team.
    """
    xy, length = network.edge_coords_m, network.edge_length_m
    counts = np.diff(network.edge_start)
    owner = np.repeat(np.arange(len(counts)), counts)
    is_first = np.r_[True, owner[1:] != owner[:-1]]
    is_last = np.r_[is_first[1:], True]
    leg = np.vstack([np.diff(xy, axis=0), [[0.0, 0.0]]])
    leg[is_last] = 0.0
    along = np.cumsum(np.r_[0.0, np.hypot(*leg[:-1].T)])
    along -= along[network.edge_start[:-1]][owner]
    before = np.vstack([[[0.0, 0.0]], leg[:-1]])
    cross = before[:, 0] * leg[:, 1] - before[:, 1] * leg[:, 0]
    turn = np.abs(np.arctan2(cross, (before * leg).sum(axis=1)))
    inner = ~is_first & ~is_last
    # Where a team stands, time may jump within the edge: no bend is too slight there.
    with_team = np.zeros(len(length), dtype=bool)
    with_team[stations.edge[stations.edge >= 0]] = True
    kept = np.flatnonzero(~inner | (turn > np.radians(np.where(with_team[owner], 0.01, _BEND_DEG))))

    # From each kept vertex to the next of its edge; the last of an edge begins no stretch.
    begin, stop = kept[:-1][~is_last[kept[:-1]]], kept[1:][~is_first[kept[1:]]]
    stretch_m = along[stop] - along[begin]
    pieces = np.maximum(np.ceil(stretch_m / step_m), 1).astype(np.int64)
    pieces[is_first[begin] & is_last[stop] & (pieces == 1)] = 2
    of = np.repeat(np.arange(len(begin)), pieces)
    nth = np.arange(len(of)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    is_node = is_first[begin[of]] & (nth == 0)
    of, nth = of[~is_node], nth[~is_node]
    edge = owner[begin[of]]
    at_m = along[begin[of]] + stretch_m[of] * nth / pieces[of]

    # Time jumps at a team inside a one-way street.
    there = np.flatnonzero(stations.edge >= 0)
    here = stations.edge[there]
    spot_m = stations.fraction[there] * length[here]
    for near_m in _BESIDE_M * np.array([1.0, 3.0, 7.0, 15.0]):
        edge = np.r_[edge, here, here]
        at_m = np.r_[at_m, spot_m - near_m, spot_m + near_m]
    inside = (at_m >= 0) & (at_m <= length[edge])
    edge, at_m = edge[inside], at_m[inside]
    order = np.lexsort((at_m, edge))
    edge, at_m = edge[order], at_m[order]
    fraction = np.where(length[edge] > 0, at_m / np.where(length[edge] > 0, length[edge], 1.0), 0.5)
    return edge.astype(np.int32), np.clip(fraction, 0.0, 1.0)


def _on_road(network: RoadNetwork, edge: Ints, fraction: Floats) -> Snapped:
    points = shapely.line_interpolate_point(network.edge_lines()[edge], fraction, normalized=True)
    xy = shapely.get_coordinates(points).reshape(-1, 2)
    return Snapped(edge, fraction, xy, np.zeros(len(edge)), ~network.edge_is_main[edge])


def _nodes(network: RoadNetwork) -> tuple[Ints, Floats]:
    """Every node as the end of one of its edges, a main one where there is one."""
    nodes = np.r_[network.edge_tail, network.edge_head]
    edge: Ints = np.tile(np.arange(len(network.edge_tail), dtype=np.int32), 2)
    order = np.lexsort((edge, ~network.edge_is_main[edge], nodes))
    first = order[np.r_[True, np.diff(nodes[order]) > 0]]
    return edge[first], (first >= len(network.edge_tail)).astype(np.float64)


def nodes_on_road(network: RoadNetwork) -> Snapped:
    """Every node of a network as a place at the end of one of its edges.

    Parameters
    ----------
    network : road network

    Returns
    -------
    Snapped, one place a node in their order

    Raises
    ------
    none

    Notes
    -----
    CRS: the network's metric CRS.
    Cost: O(e log e).
    Invariant: each place stands where its node does.
    Source: none.
    """
    return _on_road(network, *_nodes(network))


@dataclass(frozen=True)
class _Ground:
    """The cells of the main network's samples, and of the fragments' where no main edge is near."""

    main: NDArray[np.intp]
    main_cells: Cells
    fragment: NDArray[np.intp]
    fragment_cells: Cells
    taken: Any

    def area(self, radius_m: Floats) -> Any:
        """The union of the samples' cells, each cut to the circle of its radius."""
        found = outline(self.main_cells, radius_m[self.main])
        beyond = outline(self.fragment_cells, radius_m[self.fragment])
        return found if beyond.is_empty else shapely.union(found, shapely.difference(beyond, self.taken))


def _ground(samples: RoadSamples, snap_m: float) -> _Ground:
    main, fragment = np.flatnonzero(~samples.is_fragment), np.flatnonzero(samples.is_fragment)
    if not np.isfinite(samples.time_s[fragment]).any():
        fragment = fragment[:0]
    main_cells = voronoi_cells(samples.xy_m[main], reach_m=snap_m)
    # As in snapping: a main edge within snap_m takes a place from a nearer fragment.
    taken = outline(main_cells, np.full(len(main), snap_m)) if len(fragment) else None
    return _Ground(main, main_cells, fragment, voronoi_cells(samples.xy_m[fragment], reach_m=snap_m), taken)


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
    walk_m_s : m/s, > 0, walking speed of the last leg

    Returns
    -------
    GeoDataFrame with limit_s, step_m (the samples' step) and geometry (MultiPolygon, empty where
    nothing is reached), one row a limit; each area holds those of the lower limits, but for the
    chords of their arcs

    Raises
    ------
    InputError : limits that do not ascend or are not above 0

    Notes
    -----
    CRS: the samples' metric CRS.
    Cost: O(s log s) for s samples, O(s) a limit.
    Invariant: at any place whose nearest edge is clear by more than the samples' tolerance, area
    and router agree to within the walk of one step.
    Source: Voronoi cells of road samples; own method.
    """
    limits = [float(limit) for limit in limits_s]
    if not all(a < b < np.inf for a, b in pairwise([0.0, *limits])):
        raise InputError(f"limits_s={limits}: expected seconds above 0, ascending")
    _require_reach(snap_m, walk_m_s)
    shapes: list[Any] = [shapely.MultiPolygon()] * len(limits)
    reached = np.isfinite(samples.time_s)
    if reached.any():
        ground = _ground(samples, snap_m)
        time_s = np.where(reached, samples.time_s, np.max(limits, initial=0.0))
        shapes = [ground.area(np.minimum((limit - time_s) * walk_m_s, snap_m)) for limit in limits]
    return gpd.GeoDataFrame({"limit_s": limits, "step_m": samples.step_m}, geometry=shapes, crs=samples.epsg)


def territories(samples: RoadSamples, *, snap_m: float = DEFAULT_SNAP_M) -> gpd.GeoDataFrame:
    """The area in which each team is the first to arrive, whatever the limit.

    Parameters
    ----------
    samples : road samples with the team that is first at each
    snap_m : m, how far from a road a place may be

    Returns
    -------
    GeoDataFrame with team (position in the stations), step_m (the samples' step) and geometry
    (MultiPolygon), teams that are first nowhere left out

    Raises
    ------
    InputError : `snap_m` is not above 0

    Notes
    -----
    CRS: the samples' metric CRS.
    Cost: as `contours`, a team for a limit.
    Invariant: territories do not overlap, and together cover what some team reaches.
    Source: own method.
    """
    _require_reach(snap_m, WALK_M_S)
    teams = np.unique(samples.team[samples.team >= 0])
    shapes: list[Any] = []
    if len(teams):
        ground = _ground(samples, snap_m)
        shapes = [ground.area(np.where(samples.team == team, snap_m, 0.0)) for team in teams]
    return gpd.GeoDataFrame({"team": teams, "step_m": samples.step_m}, geometry=shapes, crs=samples.epsg)


def _require_reach(snap_m: float, walk_m_s: float) -> None:
    if not 0 < snap_m < np.inf:
        raise InputError(f"snap_m={snap_m}: expected metres above 0")
    if not 0 < walk_m_s < np.inf:
        raise InputError(f"walk_m_s={walk_m_s}: expected metres per second above 0")
