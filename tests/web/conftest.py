"""The web side over the small town of the layer tests."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from data.settings import Settings
from layers.district import District
from layers.zoning import runs
from layers.zoning.result import ZoningRun
from layers.zoning.run import run_zoning
from layers.zoning.scheme import parse_scheme
from tests.layers.conftest import NOW, lonlat, own_town, town
from web import create_app

__all__ = ["SCHEME", "app", "ask", "client", "own_town", "place", "town", "zoned"]

SCHEME = """
[scheme]
id = "natural"
title = "小镇风险"
title_en = "Risk of the town"
kind = "natural"

[unit]
size_m = 250

[[hazard]]
id = "waterlogging"
title = "暴雨内涝"
title_en = "Waterlogging"
formula = "clip((x - 575000) / 6000, 0, 1)"

[[hazard]]
id = "fire"
title = "城市火灾"
title_en = "Fire"
points = "enterprise"
bandwidth_m = 1500
high = 0.3

[[exposure]]
indicator = "persons"
weight = 1.0

[weights]
method = "given"
values = [0.6, 0.4]

[stability]
runs = 8
"""
"""A scheme that the town's few tables can feed: water rises to the east, fire around the one enterprise."""


@pytest.fixture(scope="session")
def zoned(town: District) -> list[ZoningRun]:
    """Two runs of the town, the second with other weights; the map shows the second."""
    found = []
    for k, text in enumerate((SCHEME, SCHEME.replace("[0.6, 0.4]", "[0.3, 0.7]"))):
        run = run_zoning(town, parse_scheme(text))
        made_utc = NOW + timedelta(minutes=k)
        runs.publish(town, run, made_utc=made_utc, made_by="test", seconds=1.0)
        found.append(run)
    return found


@pytest.fixture(scope="session")
def app(town: District, zoned: list[ZoningRun]) -> Flask:
    """The app over the town."""
    app = create_app(Settings(), "", district=town)
    app.testing = False
    return app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser on this machine."""
    return app.test_client()


@pytest.fixture
def place() -> Any:
    """Kilometres in the town -> the text LON,LAT."""
    return lambda x_km, y_km: ",".join(f"{v:.7f}" for v in lonlat(x_km, y_km))


@pytest.fixture
def ask(client: FlaskClient) -> Any:
    """Ask the API; returns the JSON and checks that the answer is one."""

    def call(path: str, **query: Any) -> Any:
        response = client.get(f"/api/v1/{path}", query_string=query)
        assert response.status_code == 200, response.get_data(as_text=True)
        return response.get_json()

    return call
