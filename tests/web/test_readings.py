"""Devices report over HTTP with their token; staff read what they say."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from data import audit
from data.settings import Settings
from data.watching import TOKEN, session_roles
from geo.errors import Forbidden, InputError
from layers.actions import accounts
from layers.actions.readings import report
from layers.district import District
from layers.permissions import Actor
from tests.layers.conftest import NOW, lonlat
from tests.web.conftest import browser
from web import create_app

ADMINISTRATOR = Actor("root", "root", "administrator")
TRACKER = Actor("tok", "tok", "viewer", device_id="gps", scopes=frozenset({"device.report"}))


@pytest.fixture
def fleet(own_town: District) -> District:
    """The town with one vehicle and its tracker, a door and a thermometer."""
    stamp = "'test', 'EPSG:4326'"
    with own_town.store.writing() as conn:
        conn.exec_driver_sql(
            f"INSERT INTO vehicle (id, name, type, source, source_datum) VALUES ('v1', '苏F·示01', 'truck', {stamp})"
        )
        for identity, kind, vehicle in (("gps", "position", "v1"), ("door", "door", None)):
            conn.exec_driver_sql(
                f"INSERT INTO device (id, name, type, vehicle_id, source, source_datum) VALUES (?, ?, ?, ?, {stamp})",
                (identity, identity, kind, vehicle),
            )
    return own_town


@pytest.fixture
def app(fleet: District) -> Iterator[Flask]:
    app = create_app(Settings(), "", district=fleet)
    app.testing = False
    yield app
    app.extensions["onemap_events"].close()


def place(seconds: int = 0, x_km: float = 1.0, y_km: float = 1.0) -> dict[str, Any]:
    lon, lat = lonlat(x_km, y_km)
    return {"measured_utc": NOW.replace(second=seconds).isoformat(), "lon": lon, "lat": lat}


def test_a_tracker_moves_its_vehicle(fleet: District) -> None:
    answer = report(fleet, TRACKER, {"readings": [place(), {"lon": 1}]})
    assert (answer["taken"], len(answer["refused"])) == (1, 1)
    assert answer["position"]["vehicle"] == "v1"
    (row,) = fleet.view().frame("vehicle").to_dict("records")
    assert [row["geometry"].x, row["geometry"].y] == answer["position"]["place"]
    with fleet.store.reading() as conn:
        entry = audit.entries(conn, limit=1)[0]
    # The audit names the batch by its hash; the readings themselves stand among the readings.
    assert entry.details["request"].keys() == {"device", "readings", "sha256"}
    assert entry.details["answer"]["refused"] == 1
    assert (entry.actor, entry.subject, entry.action) == ("tok", "gps", "report readings")


def test_a_token_speaks_for_its_own_device_only(fleet: District) -> None:
    with pytest.raises(Forbidden, match="the token is for gps only"):
        report(fleet, TRACKER, {"device": "door", "readings": [place()]})
    with pytest.raises(Forbidden, match="device\\.report"):
        report(fleet, Actor("t", "t", "viewer", device_id="gps"), {"readings": [place()]})
    with pytest.raises(Forbidden, match="the role planner may not"):
        report(fleet, Actor("p", "p", "planner"), {"device": "gps", "readings": [place()]})
    assert report(fleet, ADMINISTRATOR, {"device": "gps", "readings": [place()]})["taken"] == 1


@pytest.mark.parametrize("device", [None, "", " ", 7, "x" * 201, "a\0", "\ud800"])
def test_who_is_no_device_names_one(fleet: District, device: Any) -> None:
    with pytest.raises(InputError, match="device: expected the id"):
        report(fleet, ADMINISTRATOR, {"device": device, "readings": [place()]})


def test_over_http_with_a_token(app: Flask, fleet: District) -> None:
    made, secret = accounts.add_token(fleet, ADMINISTRATOR, "gps", name="gps", scopes=["device.report"], days=1)
    bearer = {"Authorization": f"Bearer {secret}"}
    device = app.test_client()
    first = device.post("/api/v1/readings", json={"readings": [place(), place(1, 0, 0) | {"lat": "x"}]}, headers=bearer)
    assert first.status_code == 200, first.get_data(as_text=True)
    answer = first.get_json()
    assert (answer["taken"], answer["known"], [row["index"] for row in answer["refused"]]) == (1, 0, [1])
    again = device.post("/api/v1/readings", json={"readings": [place()]}, headers=bearer).get_json()
    assert (again["taken"], again["known"]) == (0, 1)
    many = device.post("/api/v1/readings", json={"readings": [place()] * 1001}, headers=bearer)
    assert many.status_code == 413
    nan = b'{"readings": [{"measured_utc": "2026-07-01T00:00:00Z", "lon": NaN, "lat": 1}]}'
    told = device.post("/api/v1/readings", data=nan, headers={**bearer, "Content-Type": "application/json"})
    assert "finite number" in told.get_json()["refused"][0]["reason"]
    assert device.get("/api/v1/devices", headers=bearer).status_code == 403
    assert device.get("/api/v1/events", headers=bearer).status_code == 403
    assert app.test_client().post("/api/v1/readings", json={"readings": [place()]}).status_code in (401, 403)
    assert session_roles(fleet.store, [f"{TOKEN}{made['id']}", f"{TOKEN}none"], now_utc=NOW) == {
        f"{TOKEN}{made['id']}": "viewer"
    }
    accounts.revoke_token(fleet, ADMINISTRATOR, made["id"])
    assert session_roles(fleet.store, [f"{TOKEN}{made['id']}"], now_utc=NOW) == {}
    assert device.post("/api/v1/readings", json={"readings": [place()]}, headers=bearer).status_code == 401


def test_staff_read_devices_alarms_and_what_was_kept_aside(app: Flask, fleet: District) -> None:
    report(
        fleet, ADMINISTRATOR, {"device": "door", "readings": [{"measured_utc": place()["measured_utc"], "value": 1}]}
    )
    report(fleet, TRACKER, {"readings": [{"lon": 1}]})
    staff = browser(app, "dispatcher")
    (alarm,) = staff.get("/api/v1/alarms").get_json()
    assert (alarm["kind"], alarm["id"]) == ("door_open", "door")
    assert "门未关" in staff.get("/supplies?lang=zh").get_data(as_text=True)
    found = {row["id"]: row for row in staff.get("/api/v1/devices").get_json()}
    assert (found["door"]["value"], found["gps"]["age_s"]) == (1, None)
    (refused,) = staff.get("/api/v1/readings/refused").get_json()
    assert (refused["device_id"], json.loads(refused["body"])) == ("gps", {"lon": 1})
    viewer = browser(app, "viewer")
    for path in ("alarms", "devices", "readings/refused"):
        assert viewer.get(f"/api/v1/{path}").status_code == 403
