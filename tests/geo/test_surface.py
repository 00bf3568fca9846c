"""Grid, time bands and territories against the router, at thousands of places."""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely

from geo import surface
from geo.errors import InputError
from geo.network import RoadNetwork, Snapped, road_network
from geo.surface import EMPTY_SAMPLES, RoadSamples, contours, response_grid, road_samples, territories
from geo.times import WALK_M_S, TravelTimes, last_leg_s

EPSG = 4549
ORIGIN = np.array([500_000.0, 3_545_000.0])
SNAP_M = 500.0
SLOWED = 0.3


@dataclass(frozen=True)
class Town:
    """A town with all that parts the nearest road from the quickest way."""

    travel: TravelTimes
    stations: Snapped
    before_s: Any
    slowest_m_s: float

    @property
    def network(self) -> RoadNetwork:
        return self.travel.network

    def answers(self, places: Snapped) -> Any:
        """(teams, places) s by the router, last legs included; inf where it has no answer."""
        total = self.travel.matrix_s(self.stations, places) + self.before_s[:, None]
        total += last_leg_s(self.stations.access_m)[:, None] + last_leg_s(places.access_m)[None, :]
        return np.where(np.isfinite(total), total, np.inf)

    def samples(self, **more: Any) -> RoadSamples:
        return road_samples(self.travel, self.stations, self.before_s, **more)

    def slack_s(self, step_m: float) -> float:
        """One step's walk; half by walking, half by driving where that is slower."""
        return step_m / 2 * (1 / WALK_M_S + 1 / min(self.slowest_m_s, WALK_M_S))


def at(x: float, y: float) -> Any:
    return np.array([x, y])


def town(seed: int, *, shift_m: Any = (0.0, 0.0)) -> Town:
    """Streets with a canal and one bridge, a dual carriageway, one-ways, closures, islands and stubs."""
    rng = np.random.default_rng(seed)
    columns, rows, step = 11, 8, 160.0
    node = {
        (c, r): np.array([c * step, r * step]) + rng.uniform(-35, 35, 2) for c in range(columns) for r in range(rows)
    }
    lines: list[Any] = []
    ways: list[Any] = []

    def road(*points: Any, oneway: Any = None) -> None:
        lines.append(np.array(points, dtype=float))
        ways.append(oneway)

    for (c, r), here in node.items():
        if c + 1 < columns and (c != 5 or r == 3) and rng.random() < 0.93:
            there = node[c + 1, r]
            road(
                here, (here + there) / 2 + rng.uniform(-12, 12, 2), there, oneway=rng.choice([None, None, None, "yes"])
            )
        if r + 1 < rows and rng.random() < 0.93:
            road(here, node[c, r + 1], oneway=rng.choice([None, None, None, "-1"]))
    # A dual carriageway north of all, eight metres apart, joined at its ends only.
    west, east = np.array([0.0, rows * step]), np.array([(columns - 1) * step, rows * step])
    road(west, east, oneway="yes")
    road(east + at(0, 8.0), west + at(0, 8.0), oneway="yes")
    road(west, west + at(0, 8.0))
    road(east, east + at(0, 8.0))
    road(node[0, rows - 1], west)
    road(node[columns - 1, rows - 1], east)
    # Stubs that can only be entered, an island far off with its own team, and one that nobody reaches.
    for c in (2, 6, 8):
        road(node[c, 0], node[c, 0] - at(20.0, 700.0), oneway="yes")
    island = np.array([(columns + 3) * step, 300.0])
    road(island, island + at(250.0, 40.0), island + at(250.0, 300.0))
    road(island + at(250.0, 300.0), island + at(0.0, 260.0), island)
    road(island + at(900.0, 0.0), island + at(900.0, 500.0))
    # Two roads drawn one over the other: the first is the one that counts.
    road(node[0, 0] - at(300.0, 0.0), node[0, 0])
    road(node[0, 0] - at(300.0, 0.0), node[0, 0], oneway="yes")
    shapes = [shapely.LineString(line + ORIGIN + np.asarray(shift_m)) for line in lines]
    frame = gpd.GeoDataFrame(
        {"highway": rng.choice(["residential", "tertiary", "service"], len(shapes)), "oneway": ways},
        geometry=shapes,
        crs=EPSG,
    )
    network = road_network(frame, epsg=EPSG)
    factor = rng.choice([1.0, SLOWED, 0.0], len(network.edge_tail), p=[0.85, 0.08, 0.07])
    travel = TravelTimes(network, edge_factor=factor)
    spots = np.array([[250.0, 300.0], [1500.0, 900.0], [820.0, rows * step + 1], island + at(100.0, 0.0)])
    spots = np.vstack([spots, [820.0, rows * step + 9], [700.0, 20.0]])
    stations = network.snap(spots + ORIGIN + np.asarray(shift_m))
    assert (stations.edge >= 0).all()
    return Town(travel, stations, np.array([60.0, 90.0, 200.0, 30.0, 210.0, 150.0]), 12 / 3.6 * SLOWED)


@pytest.fixture(scope="module", params=[1, 2, 3])
def place(request: pytest.FixtureRequest) -> Town:
    return town(request.param)


def random_places(network: RoadNetwork, rng: np.random.Generator, areas: Any = ()) -> Any:
    """Anywhere, beside roads, and on both sides of the borders of what is drawn."""
    low, high = network.edge_coords_m.min(axis=0) - 600, network.edge_coords_m.max(axis=0) + 600
    found = [rng.uniform(low, high, (3000, 2))]
    lines = network.edge_lines()
    for spread in (0.5, 6.0, 60.0):
        on = shapely.line_interpolate_point(lines[rng.integers(0, len(lines), 1500)], rng.random(1500), normalized=True)
        found.append(shapely.get_coordinates(on) + rng.normal(0, spread, (1500, 2)))
    for area in areas:
        border = shapely.boundary(area)
        if not border.is_empty:
            on = shapely.line_interpolate_point(border, rng.random(400), normalized=True)
            found.append(shapely.get_coordinates(on) + rng.normal(0, 8, (400, 2)))
    return np.vstack(found)


@dataclass(frozen=True)
class Asked:
    """What the router says of places, over all edges that are the nearest within the tolerance."""

    xy: Any
    least_s: Any  # (teams, places)
    most_s: Any
    judged: Any  # not on the very border of the snapping distance


def ask(where: Town, samples: RoadSamples, xy: Any) -> Asked:
    network = where.network
    snapped = network.snap(xy, max_m=SNAP_M)
    lines = network.edge_lines()
    points = shapely.points(xy)
    nearest_main = np.full(len(xy), np.inf)
    main = shapely.STRtree(lines[network.edge_is_main])
    got, distance = main.query_nearest(points, max_distance=2 * SNAP_M, all_matches=False, return_distance=True)
    nearest_main[got[0]] = distance
    judged = ~(np.abs(nearest_main - SNAP_M) < 1.0)
    on = snapped.edge >= 0
    judged &= ~(on & (snapped.access_m > SNAP_M - 1.0))
    # Beside a team in a one-way street the time jumps.
    for edge, fraction in zip(where.stations.edge, where.stations.fraction, strict=True):
        along_m = np.abs(snapped.fraction - fraction) * network.edge_length_m[edge]
        judged &= ~((snapped.edge == edge) & (along_m < 1.0))
    least = np.full((len(where.stations), len(xy)), np.inf)
    most = least.copy()
    there = np.flatnonzero(on)
    limit_m = snapped.access_m[there] + samples.tolerance_m(snapped.access_m[there]) + 1e-6
    # By straight pieces: on the inside of a bend a road is as near on both sides of it.
    pieces, piece_edge, begin, length = straight_pieces(network)
    pair, piece = shapely.STRtree(pieces).query(points[there], predicate="dwithin", distance=limit_m)
    same_kind = network.edge_is_main[piece_edge[piece]] == ~snapped.is_fragment[there[pair]]
    pair, piece = pair[same_kind], piece[same_kind]
    i, edge = there[pair], piece_edge[piece]
    along = begin[piece] + np.nan_to_num(shapely.line_locate_point(pieces[piece], points[i]))
    beside = Snapped(
        edge.astype(np.int32),
        np.where(along > length[edge] - 1e-6, 1.0, along / np.maximum(length[edge], 1e-9)),
        xy[i],
        shapely.distance(pieces[piece], points[i]),
        ~network.edge_is_main[edge],
    )
    answers = where.answers(beside)
    most[:, there] = -np.inf
    for j in range(len(least)):
        np.minimum.at(least[j], i, answers[j])
        np.maximum.at(most[j], i, answers[j])
    return Asked(xy, least, most, judged)


def straight_pieces(network: RoadNetwork) -> tuple[Any, Any, Any, Any]:
    """The pieces between vertices, the edge of each, where on it each begins; the length of the edges."""
    xy = network.edge_coords_m
    owner = np.repeat(np.arange(len(network.edge_tail)), np.diff(network.edge_start))
    k = np.flatnonzero(owner[1:] == owner[:-1])
    step = np.hypot(*(xy[k + 1] - xy[k]).T)
    so_far = np.cumsum(step) - step
    edge = owner[k]
    begin = so_far - so_far[np.searchsorted(edge, edge)]
    return shapely.linestrings(np.stack([xy[k], xy[k + 1]], axis=1)), edge, begin, network.edge_length_m


def judge(where: Town, samples: RoadSamples, rng: np.random.Generator, limits: Any) -> dict[str, float]:
    """Hold the bands against the router both ways; the shares of places left open."""
    areas = contours(samples, limits, snap_m=SNAP_M)
    assert areas.crs.to_epsg() == where.network.epsg
    assert areas.geometry.is_valid.all()
    asked = ask(where, samples, random_places(where.network, rng, areas.geometry))
    slack = where.slack_s(samples.step_m)
    least, most = asked.least_s.min(axis=0), asked.most_s.min(axis=0)
    open_share = 0.0
    for limit, area in zip(limits, areas.geometry, strict=True):
        inside = shapely.contains_xy(area, asked.xy)
        wrongly_in = asked.judged & inside & (least > limit + slack)
        wrongly_out = asked.judged & ~inside & (most < limit - slack)
        assert not wrongly_in.any(), asked.xy[wrongly_in][:3] - ORIGIN
        assert not wrongly_out.any(), asked.xy[wrongly_out][:3] - ORIGIN
        open_share = max(open_share, float(((least <= limit - slack) & (most > limit + slack)).mean()))
    return {"tied": open_share, "border": float(1 - asked.judged.mean())}


def test_no_place_in_a_band_is_beyond_it_and_none_inside_is_left_out(place: Town) -> None:
    samples = place.samples()
    shares = judge(place, samples, np.random.default_rng(5), [120.0, 240.0, 400.0, 700.0, 3600.0])
    assert shares["tied"] < 0.06
    assert shares["border"] < 0.02


def test_a_coarser_step_keeps_its_own_wider_promise(place: Town) -> None:
    samples = place.samples(step_m=40.0)
    assert samples.step_m == 40.0
    judge(place, samples, np.random.default_rng(6), [200.0, 500.0])


def test_territories_belong_to_the_quickest_team(place: Town) -> None:
    samples = place.samples()
    areas = territories(samples, snap_m=SNAP_M)
    assert areas.geometry.is_valid.all()
    assert set(areas["team"]) == set(np.unique(samples.team[samples.team >= 0]))
    asked = ask(place, samples, random_places(place.network, np.random.default_rng(7), areas.geometry))
    # Half a step's drive for the one team and for the other.
    slack = samples.step_m / min(place.slowest_m_s, WALK_M_S)
    quickest = asked.most_s.min(axis=0)
    owned = np.zeros(len(asked.xy), dtype=int)
    for team, area in zip(areas["team"], areas.geometry, strict=True):
        inside = shapely.contains_xy(area, asked.xy)
        owned += inside
        assert not (asked.judged & inside & (asked.least_s[team] > quickest + slack)).any()
        assert not (asked.judged & inside & ~np.isfinite(asked.least_s[team])).any()
    assert (owned <= 1).all()
    assert (owned[asked.judged & np.isfinite(asked.most_s).any(axis=0) & (quickest < np.inf)] == 1).all()


def test_territories_part_the_ground_that_is_reached(place: Town) -> None:
    samples = place.samples()
    areas = territories(samples, snap_m=SNAP_M)
    whole = contours(samples, [1e7], snap_m=SNAP_M).geometry.iloc[0]
    assert areas.area.sum() == pytest.approx(whole.area, rel=1e-6)
    assert shapely.union_all(areas.geometry).symmetric_difference(whole).area < 1e-4 * whole.area
    assert (areas["step_m"] == samples.step_m).all()


def test_samples_say_what_the_router_says_there(place: Town) -> None:
    samples = place.samples()
    n = len(samples.edge)
    where = shapely.line_locate_point(
        place.network.edge_lines()[samples.edge], shapely.points(samples.xy_m), normalized=True
    )
    spots = Snapped(samples.edge, where, samples.xy_m, np.zeros(n), samples.is_fragment)
    answers = place.answers(spots)
    found = np.isfinite(samples.time_s)
    np.testing.assert_array_equal(found, np.isfinite(answers.min(axis=0)))
    np.testing.assert_allclose(samples.time_s[found], answers.min(axis=0)[found], atol=0.01)
    assert (samples.team[~found] == -1).all()
    chosen = np.flatnonzero(found)
    np.testing.assert_allclose(answers[samples.team[chosen], chosen], samples.time_s[chosen], atol=0.01)


def test_every_spot_of_every_road_is_near_a_sample_of_that_road(place: Town) -> None:
    samples = place.samples(step_m=25.0)
    rng = np.random.default_rng(8)
    lines = place.network.edge_lines()
    edge = rng.integers(0, len(lines), 3000)
    spots = shapely.get_coordinates(shapely.line_interpolate_point(lines[edge], rng.random(3000), normalized=True))
    for k in np.unique(edge):
        ends = [place.network.edge_tail[k], place.network.edge_head[k]]
        own = np.vstack([samples.xy_m[samples.edge == k], place.network.node_xy_m[ends]])
        gap = np.hypot(*(spots[edge == k][:, None, :] - own[None, :, :]).transpose(2, 0, 1))
        assert gap.min(axis=1).max() <= 12.5 + 1e-6


def test_bands_hold_each_other_and_follow_the_town_when_it_moves(place: Town) -> None:
    limits = [100.0, 300.0, 301.0, 900.0]
    areas = contours(place.samples(), limits, snap_m=SNAP_M)
    assert areas["limit_s"].tolist() == limits
    shapes = areas.geometry.tolist()
    for small, large in pairwise(shapes):
        assert small.difference(large).area <= 0.3 * small.length
        assert small.area <= large.area + 1.0


def test_a_moved_town_and_teams_in_another_order_give_the_same_bands() -> None:
    by = np.array([3000.0, -700.0])
    here, there = town(1), town(1, shift_m=by)
    one = contours(here.samples(), [300.0]).geometry.iloc[0]
    other = contours(there.samples(), [300.0]).geometry.iloc[0]
    assert shapely.transform(one, lambda c: c + by).symmetric_difference(other).area < 0.01 * one.area
    order = np.array([3, 5, 0, 4, 2, 1])
    turned = Town(here.travel, here.stations.take(order), here.before_s[order], here.slowest_m_s)
    again = contours(turned.samples(), [300.0]).geometry.iloc[0]
    assert one.symmetric_difference(again).area < 1e-6 * one.area
    areas = territories(here.samples()).set_index("team").geometry
    turned_areas = territories(turned.samples()).set_index("team").geometry
    for k, team in enumerate(order):
        if team in areas.index:
            assert turned_areas[k].area == pytest.approx(areas[team].area, rel=1e-3)


def test_two_banks_of_a_canal_are_minutes_apart() -> None:
    # 30 m apart, joined a kilometre to the east.
    lines = [[[0, 0], [1000, 0]], [[0, 30], [1000, 30]], [[1000, 0], [1000, 30]]]
    frame = gpd.GeoDataFrame(
        {"highway": ["residential"] * 3}, geometry=[shapely.LineString(np.array(v) + ORIGIN) for v in lines], crs=EPSG
    )
    travel = TravelTimes(road_network(frame, epsg=EPSG))
    station = travel.network.snap([ORIGIN + at(5.0, 0.0)])
    area = contours(road_samples(travel, station, [0.0]), [60.0]).geometry.iloc[0]
    assert area.contains(shapely.Point(ORIGIN + at(5.0, 14.5)))
    assert not area.intersects(shapely.Point(ORIGIN + at(5.0, 15.5)))
    assert not area.intersects(shapely.Point(ORIGIN + at(5.0, 30.0)))


# -- grid -------------------------------------------------------------------------------------------


def test_the_grid_is_the_routers_answer_at_each_centre(place: Town) -> None:
    extent = (*(ORIGIN - 900.0), *(ORIGIN + at(2400.0, 2150.0)))
    grid = response_grid(place.travel, place.stations, place.before_s, extent_m=extent)
    assert grid.step_m == 100.0
    assert grid.values_s.shape == (31, 33)
    centres = grid.centres_m()
    np.testing.assert_allclose(centres[0], ORIGIN - 850.0)
    np.testing.assert_allclose(centres[33 + 2], ORIGIN + at(-650.0, -750.0))
    places = place.network.snap(centres)
    expected = place.answers(places).min(axis=0).reshape(grid.values_s.shape)
    found = np.isfinite(grid.values_s)
    np.testing.assert_array_equal(found, np.isfinite(expected))
    np.testing.assert_allclose(grid.values_s[found], expected[found], atol=1e-6)
    assert np.isnan(grid.values_s.reshape(-1)[places.edge < 0]).all()
    assert found.any()
    assert not found.all()


def test_a_grid_that_would_be_too_large_has_larger_cells(place: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surface, "MAX_CELLS", 90)
    extent = (*ORIGIN, *(ORIGIN + at(1000.0, 1990.0)))
    grid = response_grid(place.travel, place.stations, place.before_s, extent_m=extent, step_m=10.0)
    assert grid.values_s.size <= 90
    assert grid.step_m * grid.values_s.shape[0] >= 1990.0
    assert grid.step_m * grid.values_s.shape[1] >= 1000.0


@pytest.mark.parametrize(
    "extent", [(0.0, 0.0, 0.0, 10.0), (0.0, 10.0, 10.0, 0.0), (0.0, 0.0, np.nan, 1.0), (0.0, 0.0, np.inf, 1.0)]
)
def test_an_extent_without_area_is_refused(place: Town, extent: Any) -> None:
    with pytest.raises(InputError, match="extent_m"):
        response_grid(place.travel, place.stations, place.before_s, extent_m=extent)


# -- corners ----------------------------------------------------------------------------------------


def test_without_teams_nothing_is_reached(place: Town) -> None:
    nobody = place.stations.take([])
    samples = road_samples(place.travel, nobody, [])
    assert len(samples.edge) > 0
    assert (samples.team == -1).all()
    assert contours(samples, [3600.0]).geometry.is_empty.all()
    assert len(territories(samples)) == 0
    grid = response_grid(place.travel, nobody, [], extent_m=(*ORIGIN, *(ORIGIN + 500.0)))
    assert np.isnan(grid.values_s).all()


def test_a_team_without_road_reaches_nothing(place: Town) -> None:
    nowhere = place.network.snap([ORIGIN - 50_000.0])
    samples = road_samples(place.travel, nowhere, [0.0])
    assert not np.isfinite(samples.time_s).any()
    assert contours(samples, [3600.0]).geometry.is_empty.all()


def test_without_roads_nothing_is_reached() -> None:
    empty = road_network(gpd.GeoDataFrame({"highway": []}, geometry=[], crs=EPSG), epsg=EPSG)
    travel = TravelTimes(empty)
    nobody = empty.snap([ORIGIN])
    for samples in (road_samples(travel, nobody, [0.0]), EMPTY_SAMPLES):
        assert len(samples.edge) == 0
        areas = contours(samples, [60.0, 120.0])
        assert areas["limit_s"].tolist() == [60.0, 120.0]
        assert areas.geometry.is_empty.all()
        assert len(territories(samples)) == 0
    grid = response_grid(travel, nobody, [0.0], extent_m=(*ORIGIN, *(ORIGIN + 500.0)))
    assert np.isnan(grid.values_s).all()


def test_no_limits_no_bands(place: Town) -> None:
    assert len(contours(place.samples(step_m=60.0), [])) == 0


def test_the_step_grows_with_the_roads_and_is_told(place: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surface, "MAX_SAMPLES", 200)
    samples = place.samples()
    few = place.samples(step_m=1e6)
    assert len(few.edge) < len(samples.edge) <= 200 + len(few.edge)
    assert samples.step_m == pytest.approx(place.network.edge_length_m.sum() / 200)
    assert contours(samples, [300.0])["step_m"].tolist() == [samples.step_m]
    assert samples.tolerance_m(0.0) == pytest.approx(samples.step_m / 2, rel=0.1)


@pytest.mark.parametrize("limits", [[0.0], [-1.0, 5.0], [10.0, 10.0], [20.0, 10.0], [np.nan], [np.inf]])
def test_limits_that_do_not_ascend_are_refused(place: Town, limits: Any) -> None:
    with pytest.raises(InputError, match="limits_s"):
        contours(place.samples(step_m=60.0), limits)


def test_arguments_that_cannot_be_are_refused(place: Town) -> None:
    samples = place.samples(step_m=60.0)
    for wrong in (0.0, -1.0, np.nan, np.inf):
        with pytest.raises(InputError, match="step_m"):
            place.samples(step_m=wrong)
        with pytest.raises(InputError, match="snap_m"):
            territories(samples, snap_m=wrong)
        with pytest.raises(InputError, match="walk_m_s"):
            contours(samples, [60.0], walk_m_s=wrong)
    with pytest.raises(InputError, match="before_travel_s"):
        road_samples(place.travel, place.stations, [0.0])


@pytest.mark.realdata
def test_the_middle_of_nanjing_both_ways(realdata: Path) -> None:
    roads = gpd.read_parquet(realdata / "nanjing" / "roads.parquet").cx[118.74:118.84, 32.01:32.09]
    network = road_network(roads, epsg=EPSG)
    rng = np.random.default_rng(11)
    stations = network.snap(network.node_xy_m[rng.integers(0, len(network.node_xy_m), 6)] + rng.normal(0, 30, (6, 2)))
    city = Town(TravelTimes(network), stations, np.full(6, 270.0), 8 / 3.6)
    shares = judge(city, city.samples(), rng, [500.0, 700.0, 900.0])
    assert shares["tied"] < 0.06
    assert shares["border"] < 0.02
