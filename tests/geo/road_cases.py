"""Small road networks with everything that goes wrong, for the tests of what runs on them."""

from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from hypothesis import strategies as st

from geo.network import RoadNetwork, Snapped, road_network

EPSG = 4549
ORIGIN = np.array([500_000.0, 3_545_000.0])
SEEDS = st.integers(0, 2**32 - 1)
ENGINES: tuple[Any, ...] = ("cch", "scipy")


def network(*lines: Any, **columns: Any) -> RoadNetwork:
    shapes = [shapely.LineString(np.array(line, dtype=float) + ORIGIN) for line in lines]
    table = {"highway": ["residential"] * len(shapes)} | columns  # 20 km/h = 5.56 m/s
    return road_network(gpd.GeoDataFrame(table, geometry=shapes, crs=EPSG), epsg=EPSG)


def random_network(rng: np.random.Generator) -> RoadNetwork:
    """A grid of streets with doubles, loops, points, one-ways and parts that nobody reaches."""
    lines: list[Any] = []
    span = int(rng.integers(2, 6))
    for _ in range(int(rng.integers(1, 40))):
        here = rng.integers(0, span, 2) * 100.0
        there = here + rng.integers(-1, 2, 2) * 100.0
        middle = (here + there) / 2 + rng.uniform(-30, 30, 2)
        roll = rng.random()
        if roll < 0.5:
            lines.append([here, there])
        elif roll < 0.9:
            lines.append([here, middle, there])
        else:
            lines.append([here, middle, here + np.array([40.0, -20.0]), here])
    n = len(lines)
    return network(
        *lines,
        highway=rng.choice(["motorway", "primary", "residential", "service"], n),
        oneway=rng.choice(np.array(["yes", "-1", None], dtype=object), n, p=[0.3, 0.2, 0.5]),
        maxspeed=rng.choice([np.nan, 0.0, 10.0, 120.0], n),
        bridge=rng.random(n) < 0.1,
    )


def random_places(net: RoadNetwork, rng: np.random.Generator, n: int) -> Snapped:
    """Places beside roads, exactly on nodes, on one spot, and far from everything."""
    near = net.node_xy_m[rng.integers(0, len(net.node_xy_m), n)]
    xy = near + np.where(rng.random((n, 1)) < 0.3, 0.0, rng.uniform(-60, 60, (n, 2)))
    xy[rng.random(n) < 0.05] += 10_000.0
    if n > 2:
        xy[1] = xy[0]
    return net.snap(xy)
