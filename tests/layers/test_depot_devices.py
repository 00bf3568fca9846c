"""What a depot's devices said last, as the layer of depots carries it."""

import json

import pandas as pd
import pytest

from layers import html, query, render
from layers.actions import readings
from layers.district import District
from layers.layer import ROLES
from layers.permissions import Actor
from tests.layers.conftest import NOW, STAMP

KEEPER = Actor("k", "管", "administrator")
FIVE = (NOW - pd.Timedelta(minutes=5)).isoformat()
TEN = (NOW - pd.Timedelta(minutes=10)).isoformat()


@pytest.fixture
def watched(own_town: District) -> District:
    """A door, a thermometer with limits and a silent counter in d1; a tracker that nobody put on a vehicle."""
    frame = pd.DataFrame(
        {
            "id": ["door", "cold", "gate", "gps"],
            "name": ["门磁", "冷库", "计数门", "定位"],
            "type": ["door", "temperature", "count", "position"],
            "depot_id": "d1",
            "item_id": [None, None, "quilt", None],
            "alarm_above": [None, 8.0, None, None],
        }
    )
    with own_town.store.writing() as conn:
        own_town.store.upsert(conn, "device", frame, **STAMP)
    for device, *values in (("door", (TEN, 0), (FIVE, 1)), ("cold", (FIVE, 8.0), (TEN, 30.0))):
        entries = [{"measured_utc": moment, "value": value} for moment, value in values]
        assert readings.report(own_town, KEEPER, {"device": device, "readings": entries})["taken"] == 2
    return own_town


def told(town: District) -> dict[str, dict[str, object]]:
    """The devices of d1 by type, as GeoJSON has them; the other depots have none."""
    found = json.loads(render.geojson(query.read(town, "depots", role="keeper")))
    by_id = {row["properties"]["id"]: row["properties"]["devices"] for row in found["features"]}
    devices = by_id.pop("d1")
    assert set(by_id.values()) == {None}
    return {row["type"]: row for row in devices}


def test_the_newest_reading_of_each_and_what_it_calls_for(watched: District) -> None:
    found = told(watched)
    assert set(found) == {"door", "temperature", "count"}
    assert (found["door"]["state"], found["door"]["value"], found["door"]["alarm"]) == ("open", None, "door_open")
    assert str(found["door"]["measured_utc"])[:16] == FIVE[:16]
    # At the limit, bound included, it is not too warm.
    cold = found["temperature"]
    assert (cold["value"], cold["unit"], cold["alarm"], cold["state"]) == (8, "°C", None, None)
    assert (found["count"]["measured_utc"], found["count"]["unit"], found["count"]["alarm"]) == (None, "床", None)
    later = {"measured_utc": NOW.isoformat(), "value": 8.1}
    readings.report(watched, KEEPER, {"device": "cold", "readings": [later]})
    readings.report(watched, KEEPER, {"device": "door", "readings": [{**later, "value": 0}]})
    again = told(watched)
    assert again["temperature"]["alarm"] == "temperature_high"
    assert (again["door"]["state"], again["door"]["alarm"]) == ("shut", None)


def test_every_form_says_it_and_a_viewer_never_sees_it(watched: District) -> None:
    for role in ROLES:
        result = query.read(watched, "depots", role=role)
        record = result.frame.drop(columns="geometry").to_dict("records")[0]
        texts = [
            html.popup_html(result.layer, record, role, "zh"),
            render.render(result, "csv").decode("utf-8-sig"),
            render.render(result, "geojson").decode(),
            render.render(result, "gpkg").decode("utf-8", "ignore"),
        ]
        for text in texts:
            assert ("temperature" in text or "温度计: 8 °C" in text) is (role != "viewer")
    result = query.read(watched, "depots", role="keeper")
    field = next(f for f in result.layer.fields if f.name == "devices")
    value = result.frame["devices"].iloc[0]
    assert render.display(field, value, "zh").startswith("温度计: 8 °C (2026-07-01T01:55:00.000Z); ")
    assert "门磁: 开 (2026-07-01T01:55:00.000Z), 门未关" in render.display(field, value, "zh")
    assert "door contact: open (2026-07-01T01:55:00.000Z), door open" in render.display(field, value, "en")
    assert render.display(field, value, "zh").endswith("计数器: 还没有读数")
    assert render.display(field, None, "zh") == "—"
