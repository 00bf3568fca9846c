"""Three depots with stock, made once and copied for every test that moves it."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
import shapely
import sqlalchemy as sa

from data import ledger, schema
from data.store import Store

NOW = datetime(2026, 7, 1, 2, 0, tzinfo=UTC)
STAMP: dict[str, Any] = {"source": "test", "source_datum": "none", "now_utc": NOW}

LOTS = pd.DataFrame(
    [
        ("D1", "bag", "old", 10, "2026-08-01"),
        ("D1", "bag", "new", 20, "2027-08-01"),
        ("D1", "p100", "A", 3, None),
        ("D2", "bag", "B", 15, "2027-01-01"),
        ("D2", "p50", "C", 2, None),
        ("D3", "bag", "gone", 5, "2026-06-30"),  # expired the day before
    ],
    columns=["depot_id", "item_id", "lot", "quantity", "expires_on"],
)


def fill(store: Store) -> None:
    """Depots, items, an equivalence, a vehicle, lots."""
    with store.writing() as conn:
        places = [shapely.Point(120.80, 32.0), shapely.Point(120.85, 32.0), shapely.Point(120.9, 32.0)]
        depots = {"id": ["D1", "D2", "D3"], "name": ["一库", "二库", "三库"], "level": "street"}
        store.upsert(conn, "depot", gpd.GeoDataFrame(depots, geometry=places, crs=4326), **STAMP)
        items = {"id": ["bag", "p50", "p100"], "name": ["沙袋", "水泵 50", "水泵 100"], "unit": ["t", "台", "台"]}
        store.upsert(conn, "item", pd.DataFrame(items), **STAMP)
        vehicle = {"id": ["V1"], "name": ["苏F 00001"], "contact": ["驾驶员甲"], "phone": ["000"]}
        store.upsert(conn, "vehicle", pd.DataFrame(vehicle), **STAMP)
        equal = {"id": "p50/p100", "item_id": "p50", "substitute_id": "p100"}  # one large pump for two small ones
        conn.execute(
            sa.insert(schema.table("substitute")), {**equal, "quantity_e3": 2000, "substitute_quantity_e3": 1000}
        )
        conn.execute(
            sa.insert(schema.table("pack")), {"id": "bag/box", "item_id": "bag", "pack": "箱", "quantity_e3": 12_000}
        )
        ledger.apply_lots(conn, LOTS, source="list", now_utc=NOW)


@pytest.fixture(scope="session")
def stocked_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database that is copied."""
    path = tmp_path_factory.mktemp("stocked") / "d.gpkg"
    with Store.create(path, name="试", epsg=4549) as store:
        fill(store)
    return path


@pytest.fixture
def stocked(stocked_file: Path, tmp_path: Path) -> Iterator[Store]:
    """A district of its own with three depots and their stock."""
    path = tmp_path / "stocked.gpkg"
    shutil.copyfile(stocked_file, path)
    with Store(path) as store:
        yield store
