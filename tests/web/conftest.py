"""The web side over the small town of the layer tests."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from data.settings import Settings
from layers.district import District
from tests.layers.conftest import lonlat, own_town, town
from web import create_app

__all__ = ["app", "ask", "client", "own_town", "place", "town"]


@pytest.fixture(scope="session")
def app(town: District) -> Flask:
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
