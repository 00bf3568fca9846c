"""A small town whose answers can be worked out by hand.

Roads run on a grid of 1 km, 6 by 4, 30 km/h tertiary; a canal between the columns x=2 and x=3
is crossed by one bridge, in row y=1. Everything is placed in EPSG:4549 around 120.8 E 32.0 N.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from data import ledger
from data.demo import load_demo
from data.store import Store
from geo.crs import to_lonlat, to_metric
from layers.district import District
from layers.fonts import SheetFonts
from layers.zoning import runs
from layers.zoning.result import ZoningRun
from layers.zoning.run import run_zoning
from layers.zoning.scheme import shipped_scheme

EPSG = 4549
ORIGIN_M = to_metric([[120.8, 32.0]], epsg=EPSG)[0]
NOW = datetime(2026, 7, 1, 2, 0, tzinfo=UTC)  # a Wednesday, 10:00 in the town
KM = 1000.0
STAMP: dict[str, Any] = {"source": "town", "source_datum": "WGS 84", "now_utc": NOW}


class Clock:
    """A clock that is turned by hand."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def go_on(self, **how: float) -> None:
        self.now += timedelta(**how)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def fonts() -> SheetFonts:
    """The fonts that scripts/setup.sh fetches."""
    folder = Path(__file__).resolve().parents[2] / "web/static/vendor/fonts"
    found = SheetFonts(folder / "NotoSansSC-Regular.ttf", folder / "NotoSansSC-Bold.ttf")
    if not found.regular.is_file():
        pytest.skip("the fonts are not there; run scripts/setup.sh")
    return found


def lonlat(x_km: float, y_km: float) -> tuple[float, float]:
    """Kilometres east and north of the town's corner, as degrees."""
    lon, lat = to_lonlat([ORIGIN_M + np.array([x_km, y_km]) * KM], epsg=EPSG)[0]
    return float(lon), float(lat)


def point(x_km: float, y_km: float) -> shapely.Point:
    return shapely.Point(lonlat(x_km, y_km))


def line(*corners: tuple[float, float]) -> shapely.LineString:
    return shapely.LineString([lonlat(x, y) for x, y in corners])


def area(x1: float, y1: float, x2: float, y2: float) -> shapely.Polygon:
    return shapely.Polygon([lonlat(*c) for c in ((x1, y1), (x2, y1), (x2, y2), (x1, y2))])


def roads() -> gpd.GeoDataFrame:
    shapes, names, bridges = [], [], []
    for y in range(4):
        for x in range(5):
            if x == 2 and y != 1:
                continue
            shapes.append(line((x, y), (x + 1, y)))
            names.append(f"{y}号路")
            bridges.append(x == 2)
    for x in range(6):
        for y in range(3):
            shapes.append(line((x, y), (x, y + 1)))
            names.append(f"{x}号街")
            bridges.append(False)
    return gpd.GeoDataFrame(
        {"highway": "tertiary", "maxspeed": None, "oneway": None, "bridge": bridges, "name": names},
        geometry=shapes,
        crs=4326,
    )


def frames() -> dict[str, Any]:
    """Every table of the town; lots come apart, through the ledger."""
    return {
        "boundary": gpd.GeoDataFrame({"name": ["小镇"]}, geometry=[area(-1, -1, 12, 4)], crs=4326),
        "village": gpd.GeoDataFrame(
            {
                "id": ["v1", "v2", "v3"],
                "name": ["西村", "东村", "远村"],
                "street": ["西街道", "东街道", "东街道"],
                "persons": [1000, 2000, 30],
                "contact": ["值班室"] * 3,
            },
            geometry=[area(-0.5, -0.5, 2.4, 3.5), area(2.6, -0.5, 5.5, 3.5), area(9, 0, 11, 2)],
            crs=4326,
        ),
        "enterprise": gpd.GeoDataFrame(
            {
                "id": ["e1", "e2"],
                "name": ["<script>alert(1)</script>厂", "乙厂"],
                "risk_level": ["major", "low"],
                "categories": ["hazardous_chemicals;confined_space", ""],
                "workers_on_shift": [9, 3],
                "address": [None, "某路1号"],
            },
            geometry=[point(4.5, 2.01), None],
            crs=4326,
        ),
        "shelter": gpd.GeoDataFrame(
            {"id": ["s1"], "name": ["广场"], "class": ["emergency"], "capacity": [500]},
            geometry=[point(1.0, 1.5)],
            crs=4326,
        ),
        "evacuation_route": gpd.GeoDataFrame(
            {"id": ["r1"], "name": ["通道"], "shelter_id": ["s1"]},
            geometry=[line((1, 1), (1, 2))],
            crs=4326,
        ),
        "depot": gpd.GeoDataFrame(
            {"id": ["d1", "d2"], "name": ["西库", "东库"], "level": ["district", "street"]},
            geometry=[point(0.5, 0.0), point(5.0, 2.5)],
            crs=4326,
        ),
        "item": pd.DataFrame({"id": ["quilt", "pump"], "name": ["棉被", "水泵"], "unit": ["床", "台"]}),
        "team": gpd.GeoDataFrame(
            {
                "id": ["t1", "t2", "t3"],
                "name": ["消防站", "夜班队", "社会队"],
                "type": ["fire", "street", "social"],
                "street": ["西街道", "西街道", None],
                "skills": ["firefighting;collapse", "flood", "water_rescue"],
                "duty": ["24h", "20:00-08:00", "24h"],
            },
            geometry=[point(0.0, 0.0), point(5.0, 0.0), point(1.0, 3.0)],
            crs=4326,
        ),
        "hospital": gpd.GeoDataFrame(
            {"id": ["h1"], "name": ["医院"], "beds": [100]}, geometry=[point(2.0, 2.0)], crs=4326
        ),
        "closure": gpd.GeoDataFrame(
            {
                "id": ["c1"],
                "reason": ["桥梁检修"],
                "from_utc": ["2026-07-02T00:00:00.000Z"],
                "to_utc": ["2026-07-03T00:00:00.000Z"],
                "factor": [0.0],
            },
            geometry=[line((2.5, 0.9), (2.5, 1.1))],
            crs=4326,
        ),
    }


LOTS = pd.DataFrame(
    {
        "depot_id": ["d1", "d1", "d2"],
        "item_id": ["quilt", "quilt", "quilt"],
        "lot": ["A", "B", "A"],
        "quantity": ["100", "50", "200"],
        "reserved": ["30", "0", "0"],
        "on_hold": ["0", "0", "0"],
        "status": ["usable", "usable", "usable"],
        "expires_on": [None, "2026-06-30", None],
        "counted_utc": [None, None, None],
    }
)


def fill(store: Store) -> None:
    """Write the town into an empty store."""
    tables = frames()
    with store.writing() as conn:
        store.replace(conn, "boundary", tables.pop("boundary"), **STAMP)
        store.replace(conn, "road", roads(), **STAMP)
        for table, frame in tables.items():
            store.upsert(conn, table, frame, **STAMP)
        ledger.apply_lots(conn, LOTS, source="town", now_utc=NOW)


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[District]:
    """The town, read only."""
    with Store.create(str(tmp_path_factory.mktemp("town") / "town.gpkg"), name="小镇", epsg=EPSG) as store:
        fill(store)
        yield District(store, clock=lambda: NOW)


@pytest.fixture
def own_town(tmp_path: Path) -> Iterator[District]:
    """A town of its own for a test that changes it."""
    with Store.create(str(tmp_path / "town.gpkg"), name="小镇", epsg=EPSG) as store:
        fill(store)
        yield District(store, clock=lambda: NOW)


RECEIVER: dict[str, Any] = {
    "to": list(lonlat(5.0, 1.0)),
    "unit": "东街道办",
    "place": "<script>学校",
    "contact": "值班室",
    "phone": "0513-0",
}
"""Whom a request is for, as it is filled in."""

BRIDGE: dict[str, Any] = {"type": "LineString", "coordinates": [lonlat(2.5, 0.9), lonlat(2.5, 1.1)]}
"""Across the one bridge of the town, as a closure is drawn."""


# -- the demo district, with both shipped schemes run -----------------------------------------------

DEMO_NOW = datetime(2026, 11, 2, 4, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[District]:
    """The demo district at noon of one day."""
    store = Store.create(str(tmp_path_factory.mktemp("zoning") / "d.gpkg"), name="崇川区(示意)", epsg=4549, demo=True)
    load_demo(store, now_utc=DEMO_NOW)
    yield District(store, clock=lambda: DEMO_NOW)
    store.close()


def _run(demo: District, name: str) -> ZoningRun:
    found = run_zoning(demo, shipped_scheme(name))
    runs.publish(demo, found, made_utc=DEMO_NOW, made_by="test", seconds=1.0)
    return found


@pytest.fixture(scope="session")
def natural(demo: District) -> ZoningRun:
    """The shipped scheme of natural hazards."""
    return _run(demo, "natural")


@pytest.fixture(scope="session")
def accident(demo: District) -> ZoningRun:
    """The shipped scheme of accidents."""
    return _run(demo, "accident")
