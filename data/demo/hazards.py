"""Hazards, buildings and capacity of the demo district: all made, none of it measured.

The heights follow the drawing (a delta plain, a dyke, canals, one hill), so that water stands in
low places and comes over the dyke where that is low. Storms bear numbers, not the names of real ones.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from rasterio.features import rasterize
from scipy.ndimage import distance_transform_edt, gaussian_filter, map_coordinates
from shapely.ops import linemerge, substring

from data.demo import plan
from data.demo.facilities import Sites
from data.demo.ground import Ground, built_share, is_near, local
from data.demo.roads import Roads
from data.demo.town import Town, industry_share, largest_remainder, persons_per_m2
from geo.grid import Grid, Raster

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CELL_M = 30.0
"""Side of a cell of the heights."""

GDP_WAN = 17_371_000
"""Gross product of the district in 2023, in 10,000 yuan (published), spread over the villages at will."""

SPOTS = 52
BUILDINGS = 12_000
STORMS = 20
DANGERS = 12

_COARSE = 3  # smooth fields are made on cells so many times as large
_MARGIN_M = 900.0  # heights are known so far beyond the border
_BANK_STRETCHES_M = (1_500.0, 900.0, 1_200.0, 700.0)
_HILLS = ((2.0, -7.1, 101.0, 190.0), (2.75, -7.35, 62.0, 140.0), (1.35, -6.85, 44.0, 110.0))
"""狼山 and two lower hills beside it: local km, height and half-width in m."""

_HOLLOWS = 70


@dataclass(frozen=True)
class Terrain:
    """The heights and what was put into them; metres in the demo's CRS."""

    grid: Grid
    dem: Floats  # (rows, cols), NaN far from the district
    water: NDArray[np.bool_]
    to_river_m: Floats
    hollow_xy: Floats  # depressions, underpasses first
    hollow_depth_m: Floats
    underpasses: int
    banks: tuple[Any, ...]  # unprotected stretches, LineStrings

    def at(self, xy: Floats) -> Floats:
        """Height at places."""
        cell = self.grid.cell_at(xy)
        found: Floats = np.where(cell >= 0, self.dem.reshape(-1)[np.maximum(cell, 0)], np.nan)
        return found


def _coarse(grid: Grid, make: Callable[[Floats], Floats]) -> Floats:
    """A smooth field of places, computed on a coarse grid and carried to the fine one."""
    far = grid.with_cells(_COARSE)
    xy = np.column_stack([g.ravel() for g in np.meshgrid(far.x, far.y)])
    field = make(xy).reshape(far.shape)
    row, col = np.meshgrid(
        (np.arange(grid.rows) + 0.5) / _COARSE - 0.5, (np.arange(grid.cols) + 0.5) / _COARSE - 0.5, indexing="ij"
    )
    found: Floats = map_coordinates(field, [row, col], order=1, mode="nearest")
    return found


def _burnt(grid: Grid, shapes: list[Any], *, whole: bool = False) -> NDArray[np.bool_]:
    """The cells whose centre lies in a shape, or with `whole` all that it touches, so that canals hold together."""
    parts = [(shape, 1) for shape in shapes if not shape.is_empty]
    found = rasterize(parts, out_shape=grid.shape, transform=grid.transform, dtype="uint8", all_touched=whole)
    return np.asarray(found == 1)


def _distance_m(grid: Grid, inside: NDArray[np.bool_]) -> Floats:
    found: Floats = distance_transform_edt(~inside, sampling=(grid.dy, grid.dx))
    return found


def _bank_stretches(ground: Ground, rng: np.random.Generator) -> tuple[Any, ...]:
    """Stretches of the river bank without protection, apart from each other."""
    bank = ground.mainland.exterior.intersection(ground.yangtze.buffer(2.0, quad_segs=2))
    bank = linemerge(bank) if bank.geom_type == "MultiLineString" else bank
    bank = max(shapely.get_parts(bank), key=lambda line: line.length)
    share = (np.arange(len(_BANK_STRETCHES_M)) + rng.uniform(0.25, 0.6, len(_BANK_STRETCHES_M))) / len(
        _BANK_STRETCHES_M
    )
    return tuple(
        substring(bank, at * bank.length, at * bank.length + length)
        for at, length in zip(share.tolist(), _BANK_STRETCHES_M, strict=True)
    )


def _hollows(roads: Roads, town: Town, rng: np.random.Generator) -> tuple[Floats, Floats, int]:
    """Underpasses (where a street runs below another) and other low places in built-up land."""
    rows = roads.rows
    under = rows.loc[rows["tunnel"].astype(bool), "geometry"].to_numpy()
    tunnels = shapely.get_coordinates(shapely.line_interpolate_point(under, 0.5, normalized=True))
    chance = town.cell_persons.astype(np.float64)
    chosen = rng.choice(len(town.cell_xy), size=_HOLLOWS, replace=False, p=chance / chance.sum())
    xy = town.cell_xy[chosen] + rng.uniform(-90.0, 90.0, (_HOLLOWS, 2))
    depth = np.concatenate([rng.uniform(1.2, 2.6, len(tunnels)), rng.uniform(0.35, 1.1, _HOLLOWS)])
    return np.vstack([tunnels, xy]), depth, len(tunnels)


def _bowls(grid: Grid, xy: Floats, depth_m: Floats, radius_m: Floats) -> Floats:
    """How far bell-shaped hollows (or hills) reach down (up)."""
    found = np.zeros(grid.shape)
    for (x, y), depth, radius in zip(xy.tolist(), depth_m.tolist(), radius_m.tolist(), strict=True):
        reach = int(4 * radius / grid.dx) + 1
        col, row = int((x - grid.left) / grid.dx), int((grid.top - y) / grid.dy)
        rows = slice(max(row - reach, 0), max(row + reach + 1, 0))
        cols = slice(max(col - reach, 0), max(col + reach + 1, 0))
        d2 = (grid.x[cols][None, :] - x) ** 2 + (grid.y[rows][:, None] - y) ** 2
        np.maximum(found[rows, cols], depth * np.exp(-0.5 * d2 / radius**2), out=found[rows, cols])
    return found


def make_terrain(ground: Ground, roads: Roads, town: Town, rng: np.random.Generator) -> Terrain:
    """Heights in the 1985 datum: plain, hollows, canals, hill, and the dyke that keeps the river out."""
    far = Grid.covering(town.outline.buffer(_MARGIN_M).bounds, cell=CELL_M * _COARSE, epsg=plan.EPSG)
    grid = Grid(far.epsg, far.left, far.top, CELL_M, CELL_M, far.rows * _COARSE, far.cols * _COARSE)
    banks = _bank_stretches(ground, rng)
    hollow_xy, hollow_depth, underpasses = _hollows(roads, town, rng)

    broad = gaussian_filter(rng.standard_normal(far.shape), 9.0)
    fine = gaussian_filter(rng.standard_normal(grid.shape), 2.0)
    built = _coarse(grid, built_share)
    north = (grid.y[:, None] - grid.y.mean()) / (grid.top - grid.y.mean())
    row, col = np.meshgrid(np.arange(grid.rows) / _COARSE, np.arange(grid.cols) / _COARSE, indexing="ij")
    wave = map_coordinates(broad / broad.std(), [row, col], order=1, mode="nearest")
    dem = 3.15 + 0.45 * north + 0.4 * wave + 0.55 * built + 0.12 * fine / fine.std()
    dem = np.clip(dem, 2.05, 4.95)

    inner = [shape for _, kind, shape in ground.water if kind != "river"]
    wet = _burnt(grid, inner, whole=True)
    river = _burnt(grid, [ground.yangtze])
    to_canal, to_river = _distance_m(grid, wet), _distance_m(grid, river)
    dem -= 0.35 * np.exp(-to_canal / 60.0)
    radius = np.concatenate([np.full(underpasses, 32.0), np.linspace(45.0, 120.0, _HOLLOWS)])
    dem -= _bowls(grid, hollow_xy, hollow_depth, radius)
    dem = np.where(wet, 0.6, dem)
    hills = np.asarray(_HILLS)
    dem += _bowls(grid, local(hills[:, :2]), hills[:, 2], hills[:, 3])
    # The dyke also closes the mouths of the canals: their gates are shut at high water.
    low = _distance_m(grid, _burnt(grid, [bank.buffer(CELL_M) for bank in banks])) < 150.0
    crest = np.where(low, 3.4, 6.5)
    dyke = 0.8 + (crest - 0.8) * np.clip((75.0 - np.abs(to_river - 75.0)) / 35.0, 0.0, 1.0)
    dem = np.where(to_river <= 75.0, dyke, np.where(to_river <= 150.0, np.maximum(dem, dyke), dem))
    dem = np.where(river, -1.0 - np.minimum(0.012 * _distance_m(grid, ~river), 11.0), dem)
    known = _burnt(grid, [town.outline.buffer(_MARGIN_M - 100.0), ground.yangtze])
    dem = np.where(known, np.round(dem, 2), np.nan)
    return Terrain(grid, dem, wet | river, to_river, hollow_xy, hollow_depth, underpasses, banks)


def make_rasters(ground: Ground, terrain: Terrain, rng: np.random.Generator) -> dict[str, tuple[str, Raster]]:
    """Code -> title and raster."""
    grid = terrain.grid

    def raster(on: Grid, values: Any, quantity: str, unit: str, datum: str = "") -> Raster:
        return Raster(on, np.asarray(values, dtype=np.float32), quantity, unit, datum)

    speckle = gaussian_filter(rng.standard_normal(grid.shape), 1.2)
    sealed = _coarse(grid, lambda xy: 0.06 + 0.8 * built_share(xy) ** 0.8 + 0.35 * industry_share(xy))
    sealed = np.where(terrain.water, 0.0, np.clip(sealed + 0.07 * speckle / speckle.std(), 0.02, 0.98))
    sealed = np.where(np.isnan(terrain.dem), np.nan, np.round(sealed, 3))

    wide = Grid.covering(grid.bounds, cell=500.0, epsg=grid.epsg)
    east = np.broadcast_to((wide.x[None, :] - wide.x.mean()) / 10_000.0, wide.shape)
    up = np.broadcast_to((wide.y[:, None] - wide.y.mean()) / 10_000.0, wide.shape)
    flashes = 2.3 + 0.7 * up - 0.4 * east + 0.8 * _unit(gaussian_filter(rng.standard_normal(wide.shape), 5.0))
    pga = 0.1 + 0.009 * east - 0.007 * up + 0.002 * _unit(gaussian_filter(rng.standard_normal(wide.shape), 6.0))

    sites = Grid.covering(grid.bounds, cell=150.0, epsg=grid.epsg)
    from_river = _distance_m(sites, _burnt(sites, [ground.yangtze]))
    edge = 1_900.0 + 700.0 * _unit(gaussian_filter(rng.standard_normal(sites.shape), 8.0))
    site_class = np.where(from_river < edge, 4.0, 3.0)
    hills = np.asarray(_HILLS)
    site_class[_bowls(sites, local(hills[:, :2]), hills[:, 2], hills[:, 3]) > 8.0] = 1.0
    return {
        "dem": ("地面高程(示意)", raster(grid, terrain.dem, "elevation", "m", "cgvd1985")),
        "impervious": ("不透水率(示意)", raster(grid, sealed, "impervious_share", "1")),
        "lightning": (
            "地闪密度(示意)",
            raster(wide, np.round(np.clip(flashes, 0.2, 6.0), 2), "lightning_density", "1/(km2 a)"),
        ),
        "pga": ("II类场地峰值加速度(示意)", raster(wide, np.round(pga, 4), "peak_ground_acceleration", "g")),
        "site_class": ("场地类别 1-4 (示意)", raster(sites, site_class, "site_class", "")),
    }


def _unit(field: Floats) -> Floats:
    found: Floats = (field - field.mean()) / field.std()
    return found


def make_ages(town: Town, rng: np.random.Generator) -> dict[str, Ints]:
    """Children, the old, and the product of each village."""
    n = len(town.name)
    points = np.array([shape.representative_point().coords[0] for shape in town.polygon])
    built = built_share(points)
    young = np.clip(0.125 + 0.03 * industry_share(points) + 0.018 * rng.standard_normal(n), 0.06, 0.24)
    old = np.clip(0.205 + 0.09 * (built - 0.5) ** 2 + 0.05 * (built < 0.3) + 0.035 * rng.standard_normal(n), 0.08, 0.42)
    earning = town.persons_day * (0.6 + built + 2.2 * industry_share(points)) * np.exp(0.25 * rng.standard_normal(n))
    return {
        "persons_0_14": np.floor(town.persons * young).astype(np.int64),
        "persons_65_over": np.floor(town.persons * old).astype(np.int64),
        "gdp_wan": largest_remainder(earning, GDP_WAN),
    }


def make_spots(terrain: Terrain, town: Town, rng: np.random.Generator) -> pd.DataFrame:
    """Known places of standing water, near the hollows; underpasses first."""
    n = len(terrain.hollow_xy)
    dry = ~np.isin(terrain.grid.cell_at(terrain.hollow_xy), np.flatnonzero(terrain.water))
    dry &= town.village_of(terrain.hollow_xy) >= 0
    under = np.arange(n) < terrain.underpasses
    order = np.argsort(np.where(under, 2.0, 0.0) + rng.random(n), kind="stable")[::-1]
    chosen = order[dry[order]][:SPOTS]
    lowest = terrain.hollow_depth_m[chosen]
    xy = terrain.hollow_xy[chosen] + rng.normal(0.0, 6.0, (len(chosen), 2))
    depth = np.round(np.clip(lowest * rng.uniform(0.35, 0.8, len(chosen)), 0.12, 2.0), 2)
    storm = ("2015-06-27", "2016-10-22", "2020-07-06", "2021-07-26", "2022-09-14", "2023-06-24", "2024-09-20")
    other = np.array(["管网能力不足", "地势低洼", "河水顶托", "雨水口堵塞"])[rng.integers(0, 4, len(chosen))]
    return pd.DataFrame(
        {
            "id": [f"W-{i + 1:03d}" for i in range(len(chosen))],
            "name": [f"积水点{i + 1:02d}(示意)" for i in range(len(chosen))],
            "depth_m": depth,
            "flooded_on": [storm[k] for k in rng.integers(0, len(storm), len(chosen)).tolist()],
            "cause": np.where(under[chosen], "下穿通道", other),
            "persons": np.round(np.exp(rng.normal(4.2, 0.9, len(chosen)))).astype(np.int64),
            "x": xy[:, 0],
            "y": xy[:, 1],
        }
    )


def make_storms(rng: np.random.Generator) -> pd.DataFrame:
    """Tracks that come up from the south-east, pass the district within 450 km and turn away; degrees."""
    lon0, lat0 = plan.CENTRE_LONLAT
    km_per_lat = 111.2
    km_per_lon = km_per_lat * float(np.cos(np.radians(lat0)))
    parts: list[pd.DataFrame] = []
    years = np.sort(rng.choice(np.arange(1985, 2025), size=STORMS, replace=False))
    for k, year in enumerate(years.tolist()):
        away = float(rng.uniform(15.0, 450.0))
        side = np.radians(rng.normal(110.0, 45.0) if rng.random() < 0.75 else rng.normal(270.0, 25.0))
        near = np.array([lon0 + away * np.sin(side) / km_per_lon, lat0 + away * np.cos(side) / km_per_lat])
        start = np.array([rng.uniform(128.0, 138.0), rng.uniform(14.0, 19.0)])
        end = np.array([near[0] + rng.uniform(3.0, 9.0), rng.uniform(40.0, 44.0)])
        pull = 2.0 * near - (start + end) / 2.0
        steps = int(rng.integers(26, 37))
        t = np.linspace(0.0, 1.0, steps)[:, None]
        path = (1 - t) ** 2 * start + 2 * t * (1 - t) * pull + t**2 * end
        peak = float(np.clip(rng.normal(42.0, 9.0), 22.0, 62.0))
        s: Floats = t[:, 0].astype(np.float64)
        wind: Floats = 14.0 + (peak - 14.0) * np.exp(-0.5 * ((s - 0.3) / np.where(s < 0.3, 0.16, 0.22)) ** 2)
        wind = np.round(np.maximum(wind + rng.normal(0.0, 0.5, steps), 9.0)).astype(np.float64)
        pressure = np.round(1010.0 - (wind / 0.5144 / 6.7) ** (1.0 / 0.644))  # wind and pressure go together
        radius = np.round(np.clip(78.0 - 0.75 * wind + rng.normal(0.0, 4.0, steps), 18.0, 90.0))
        begins = np.datetime64(f"{year}-07-05T00", "h") + int(rng.integers(0, 80 * 4)) * 6
        times = begins + np.arange(steps) * 6
        parts.append(
            pd.DataFrame(
                {
                    "storm_id": f"DEMO-{k + 1:02d}",
                    "name": f"示意台风{k + 1:02d}",
                    "time_utc": [f"{moment}:00:00Z" for moment in times.astype(str)],
                    "wind_m_s": wind,
                    "pressure_hpa": pressure,
                    "radius_km": radius,
                    "lon": np.round(path[:, 0], 2),
                    "lat": np.round(path[:, 1], 2),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def make_buildings(ground: Ground, roads: Roads, town: Town, rng: np.random.Generator) -> pd.DataFrame:
    """Footprints on a lattice of slots, so that none overlap; more where more people live."""
    slot = 46.0
    x0, y0, x1, y1 = town.outline.bounds
    xy = np.column_stack([g.ravel() for g in np.meshgrid(np.arange(x0, x1, slot), np.arange(y0, y1, slot))])
    industry = industry_share(xy)
    chance = persons_per_m2(xy) + 0.004 * industry
    order = np.argsort(-np.log(rng.random(len(xy))) / chance, kind="stable")[: 3 * BUILDINGS]
    xy = xy[order]
    village = town.village_of(xy)
    xy, village = xy[village >= 0], village[village >= 0]
    points = shapely.points(xy)
    clear = ~is_near(ground.water_union, points, 32.0)
    lines = roads.edge_lines()
    clear[np.unique(shapely.STRtree(lines).query(points, predicate="dwithin", distance=26.0)[0])] = False
    xy, village = xy[clear][:BUILDINGS], village[clear][:BUILDINGS]
    order = np.lexsort((xy[:, 0], xy[:, 1], village))
    xy, village = xy[order], village[order]
    n = len(xy)
    built, industry = built_share(xy), industry_share(xy)

    dice = rng.random(n)
    use = np.where(
        dice < 0.62 * industry,
        np.where(rng.random(n) < 0.7, "factory", "warehouse"),
        np.where(
            rng.random(n) < 0.84,
            "residential",
            np.array(["office", "commercial", "school", "hospital", "other"])[
                rng.choice(5, size=n, p=[0.34, 0.42, 0.12, 0.03, 0.09])
            ],
        ),
    )
    tall = (rng.random(n) < 0.05 + 0.22 * built) & ((use == "residential") | (use == "office"))
    storeys = np.where(
        tall, rng.integers(11, 33, n), 1 + np.floor(6.2 * built * rng.beta(3.0, 1.6, n)).astype(np.int64)
    )
    storeys = np.where(np.isin(use, ["factory", "warehouse"]), rng.integers(1, 4, n), storeys)
    core = built_share(xy) > 0.85
    year = np.round(rng.normal(np.where(core, 1990.0, 2001.0), 13.0))
    year = np.clip(np.where(tall, np.maximum(year, 1998.0 + 20.0 * rng.random(n)), year), 1936, 2024).astype(np.int64)
    structure = np.where(
        (storeys >= 7) | ((use != "residential") & (year >= 1995)),
        "steel_concrete",
        np.where((storeys <= 2) & (year < 1988), "brick_wood", "mixed"),
    )
    structure = np.where(rng.random(n) < 0.02, "other", structure)
    half = np.column_stack([rng.uniform(7.0, 16.0, n), rng.uniform(5.0, 9.0, n)])
    half[np.isin(use, ["factory", "warehouse"])] = (16.0, 13.0)
    half = np.round(half, 1)
    turn = rng.normal(0.06, 0.05, n)
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]], dtype=np.float64)[None] * half[:, None, :]
    cos, sin = np.cos(turn)[:, None], np.sin(turn)[:, None]
    ring = np.stack([corners[..., 0] * cos - corners[..., 1] * sin, corners[..., 0] * sin + corners[..., 1] * cos], -1)
    floor = np.round(4.0 * half[:, 0] * half[:, 1] * storeys)
    residents = np.zeros(n, dtype=np.int64)
    homes = use == "residential"
    begins = np.searchsorted(village, np.arange(len(town.name) + 1))
    for v, (a, b) in enumerate(zip(begins[:-1].tolist(), begins[1:].tolist(), strict=True)):
        lived = np.flatnonzero(homes[a:b]) + a
        if len(lived):
            residents[lived] = largest_remainder(floor[lived], int(town.persons[v]))
    return pd.DataFrame(
        {
            "id": [f"B-{i + 1:05d}" for i in range(n)],
            "use": use,
            "storeys": storeys,
            "structure": structure,
            "year_built": year,
            "floor_area_m2": floor,
            "residents": residents,
            "geometry": shapely.polygons(ring + xy[:, None, :]),
        }
    )


def make_capacity(town: Town, shelters: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """One row for each street; the places in shelters are those of the shelters in it."""
    names = [street.name for street in plan.STREETS]
    n = len(names)
    persons = np.bincount(town.street, weights=town.persons, minlength=n)
    village = town.village_of(shelters[["x", "y"]].to_numpy(dtype=np.float64))
    held = shelters["capacity"].fillna(0).to_numpy(dtype=np.float64)
    places = np.bincount(town.street[village[village >= 0]], weights=held[village >= 0], minlength=n)

    def around(per_10_000: float, spread: float) -> Ints:
        found: Ints = np.round(persons / 10_000 * per_10_000 * np.exp(spread * rng.standard_normal(n))).astype(np.int64)
        return found

    return pd.DataFrame(
        {
            "street": names,
            "year": 2025,
            "staff": 2 + around(1.3, 0.5),
            "risk_assessed": rng.random(n) < 0.7,
            "funds_wan": 20 + around(42.0, 0.6),
            "supplies_wan": 5 + around(18.0, 0.7),
            "beds": around(48.0, 0.8),
            "firefighters": 6 + around(4.0, 0.5),
            "volunteers": around(95.0, 0.5),
            "militia": 15 + around(11.0, 0.4),
            "drill_persons": around(620.0, 0.6),
            "shelter_places": places.astype(np.int64),
        }
    )


def make_areas(ground: Ground, terrain: Terrain, rng: np.random.Generator) -> pd.DataFrame:
    """Unprotected banks, sinking land, and the dense old quarters where fire spreads."""
    records: list[dict[str, Any]] = [
        {
            "id": f"A-{k + 1:02d}",
            "name": f"未护岸段{k + 1}(示意)",
            "hazard": "geological",
            "kind": "unprotected_bank",
            "level": 4 + k % 2,
            "value": round(float(bank.length)),
            "unit": "m",
            "geometry": bank,
        }
        for k, bank in enumerate(terrain.banks)
    ]
    land = ground.mainland.buffer(-60.0)
    zones = (
        ("地面沉降区一(示意)", "geological", "subsidence", 4, 22.0, "mm/a", (-6.6, 3.2), 900.0),
        ("地面沉降区二(示意)", "geological", "subsidence", 3, 13.0, "mm/a", (3.4, 7.0), 1_200.0),
        ("老旧住宅连片区一(示意)", "fire", "zone", 4, None, None, (-0.5, 0.3), 420.0),
        ("老旧住宅连片区二(示意)", "fire", "zone", 5, None, None, (0.6, -0.2), 300.0),
        ("老旧住宅连片区三(示意)", "fire", "zone", 3, None, None, (-3.4, 5.7), 380.0),
    )
    for name, hazard, kind, level, value, unit, at, radius in zones:
        turn = np.linspace(0.0, 2.0 * np.pi, 25)[:-1]
        reach = radius * (
            1.0 + 0.16 * np.sin(2 * turn + rng.uniform(0, 6)) + 0.1 * np.sin(3 * turn + rng.uniform(0, 6))
        )
        ring = local([at])[0] + reach[:, None] * np.column_stack([np.cos(turn), np.sin(turn)])
        shape = max(shapely.get_parts(shapely.Polygon(ring).intersection(land)), key=lambda part: part.area)
        records.append(
            {
                "id": f"A-{len(records) + 1:02d}",
                "name": name,
                "hazard": hazard,
                "kind": kind,
                "level": level,
                "value": value,
                "unit": unit,
                "geometry": shape,
            }
        )
    return pd.DataFrame(records)


def make_lifelines(ground: Ground, roads: Roads, sites: Sites, rng: np.random.Generator) -> pd.DataFrame:
    """Pumping stations at canals, bridges on main roads, the rest beside streets."""
    records: list[dict[str, Any]] = []

    def add(type_: str, word: str, xy: Floats, size: Floats | None, unit: str | None) -> None:
        for k, (x, y) in enumerate(xy.tolist()):
            records.append(
                {
                    "id": f"L-{len(records) + 1:03d}",
                    "name": f"{word}{k + 1:02d}(示意)",
                    "type": type_,
                    "capacity": None if size is None else float(size[k]),
                    "capacity_unit": unit,
                    "x": x,
                    "y": y,
                }
            )

    canal = is_near(ground.water_union, shapely.points(sites.xy), 95.0)
    even = np.ones(len(sites.xy))
    for type_, word, count, weight, apart, low, high, unit in (
        ("pumping_station", "排涝泵站", 16, np.where(canal, 0.2 + sites.built, 0.0), 500.0, 2, 30, "m3/s"),
        ("substation", "变电站", 14, 0.1 + sites.built + sites.industry, 1_500.0, 50, 240, "MVA"),
        ("water_works", "水厂", 3, np.where(canal, 0.2 + sites.industry, 0.0), 3_000.0, 10, 60, "万m3/d"),
        ("gas_station", "燃气调压站", 6, 0.1 + sites.industry, 1_500.0, 1, 12, "万m3/d"),
        ("telecom", "通信枢纽", 12, 0.05 + sites.built, 1_200.0, 1, 40, "Gbit/s"),
        ("school", "学校", 20, sites.people, 600.0, 500, 2_600, "人"),
        ("other", "污水提升站", 3, even, 1_500.0, 1, 9, "万m3/d"),
    ):
        chosen = sites.take(weight, count, rng, apart_m=apart)
        add(type_, word, sites.xy[chosen], np.round(rng.uniform(low, high, len(chosen))), unit)
    rows = roads.rows
    main = rows["bridge"].astype(bool) & rows["highway"].isin(["trunk", "primary", "secondary"])
    middles = shapely.get_coordinates(
        shapely.line_interpolate_point(rows.loc[main, "geometry"].to_numpy(), 0.5, normalized=True)
    )
    kept: list[int] = []
    for i in rng.permutation(len(middles)).tolist():
        if len(kept) < 8 and (not kept or float(np.hypot(*(middles[kept] - middles[i]).T).min()) > 700.0):
            kept.append(i)
    add("bridge", "桥梁", middles[kept], None, None)
    return pd.DataFrame(records)


def make_dangers(terrain: Terrain, sites: Sites, rng: np.random.Generator) -> pd.DataFrame:
    """Hidden dangers on the books: at the banks, at underpasses, in old quarters, at factories."""
    banks = np.array([bank.interpolate(0.5, normalized=True).coords[0] for bank in terrain.banks[:3]])
    low = terrain.hollow_xy[: min(3, terrain.underpasses)]
    homes = sites.xy[sites.take(sites.people, 3, rng, apart_m=900.0)]
    works = sites.xy[sites.take(sites.industry**2, DANGERS - len(banks) - len(low) - 3, rng, apart_m=900.0)]
    parts = (
        ("geological", "江岸坍塌隐患", banks, (120.0, 300.0)),
        ("waterlogging", "下穿通道积水隐患", low, (80.0, 150.0)),
        ("fire", "老旧住宅火灾隐患", homes, (100.0, 250.0)),
        ("other", "厂房安全隐患", works, (150.0, 500.0)),
    )
    records = [
        {
            "name": f"{word}{k + 1}(示意)",
            "hazard": hazard,
            "impact_radius_m": round(float(rng.uniform(*radius)), -1),
            "reported_on": str(np.datetime64("2023-01-10") + int(rng.integers(0, 1_080))),
            "x": x,
            "y": y,
        }
        for hazard, word, xy, radius in parts
        for k, (x, y) in enumerate(xy.tolist())
    ]
    frame = pd.DataFrame(records)
    frame.insert(0, "id", [f"D-{i + 1:02d}" for i in range(len(frame))])
    frame["state"] = np.where(np.arange(len(frame)) % 6 == 5, "closed", "open")
    return frame
