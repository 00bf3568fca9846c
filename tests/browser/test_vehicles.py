"""A vehicle moves on the open map as its tracker reports."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from data import readings
from data.store import Store
from tests.browser.conftest import Watched

pytestmark = pytest.mark.browser


def test_a_vehicle_moves_on_the_open_map(watch: Callable[..., Watched], ask: Any, database: Path) -> None:
    box = ask("status")["bounds"]
    lon, lat = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    begun = datetime.now(UTC) - timedelta(seconds=30)
    with Store(database) as store:
        with store.writing() as conn:
            for table, names, values in (
                ("vehicle", "id, name, type", "'veh-t', '苏F·示01', 'truck'"),
                ("device", "id, name, type, vehicle_id", "'gps-t', '定位终端', 'position', 'veh-t'"),
            ):
                conn.exec_driver_sql(
                    f"INSERT INTO {table} ({names}, source, source_datum) VALUES ({values}, 'demo', 'EPSG:4326')"
                )
        watched = watch()
        page = watched.open()
        expect(page.locator("body")).to_have_attribute("data-live", "live")

        def report(k: int) -> None:
            entry = {
                "measured_utc": (begun + timedelta(seconds=k)).isoformat(),
                "lon": lon + k * 0.002,
                "lat": lat + k * 0.001,
            }
            with store.writing() as conn:
                answer = readings.take(conn, "gps-t", [entry], now_utc=datetime.now(UTC), extent=tuple(box))
            assert answer["taken"] == 1

        for k in (0, 5, 10):
            with page.expect_response(lambda r: "/layers/vehicles.geojson" in r.url) as found:
                report(k)
            features = json.loads(found.value.text())["features"]
            feature = next(one for one in features if one["id"] == "veh-t")
            assert feature["geometry"]["coordinates"] == pytest.approx([lon + k * 0.002, lat + k * 0.001], abs=1e-6)
            assert feature["properties"]["position"] == "live"
            assert "contact" not in feature["properties"]  # the driver is for staff
        # The count follows with the list of layers, a few seconds later.
        expect(page.locator(".layer:has(#layer-vehicles) .count")).to_have_text(str(len(features)))
        watched.shot("vehicles")
        page.evaluate("document.getElementById('layer-vehicles').scrollIntoView()")
        watched.shot("vehicles-legend")
