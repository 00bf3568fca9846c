"""The web side over the small town of the layer tests."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer
from jinja2 import FileSystemBytecodeCache

from data import accounts
from data.settings import Settings
from data.store import Store
from layers.actions.accounts import COMMAND_LINE, add_account
from layers.district import District
from layers.layer import Role
from layers.zoning import runs
from layers.zoning.result import ZoningRun
from layers.zoning.run import run_zoning
from layers.zoning.scheme import parse_scheme
from tests.layers.conftest import EPSG, NOW, clock, fill, lonlat, own_town, town
from web import create_app

__all__ = ["SCHEME", "Browser", "app", "ask", "browser", "client", "clock", "own_town", "place", "town", "zoned"]

PASSWORD = "a long test sentence"

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
formula = "clip(1 - ((x - 580096)**2 + (y - 3544142)**2) / 2250000, 0, 1)"

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


@pytest.fixture(scope="session", autouse=True)
def quick_hashes() -> Iterator[None]:
    """Passwords of tests are hashed with little work; tests/data has the true parameters."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(accounts, "HASHER", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
        yield


@pytest.fixture(scope="session", autouse=True)
def kept_templates(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Every app of the tests has the same templates: they are compiled once."""
    with pytest.MonkeyPatch.context() as patch:
        kept = FileSystemBytecodeCache(str(tmp_path_factory.mktemp("templates")))
        patch.setattr(Flask, "jinja_options", {**Flask.jinja_options, "bytecode_cache": kept})
        yield


class Browser(FlaskClient):
    """A browser on this machine that sends the token of the page with every change, as the page's scripts do."""

    csrf = "0123456789abcdef"

    def log_in(self, role: Role, base_url: str = "http://localhost") -> "Browser":
        """Be logged in as somebody of this role; the password form has tests of its own."""
        district: District = self.application.extensions["onemap"]
        name = f"test-{role}"
        with district.store.reading() as conn:
            is_new = name not in {one.id for one in accounts.accounts(conn)}
        if is_new:
            depot = "d1" if role == "keeper" else None
            add_account(
                district,
                COMMAND_LINE,
                name,
                name=f"测试 {role}",
                role=role,
                password=PASSWORD,
                depot_id=depot,
                must_change=False,
            )
        with district.store.writing() as conn:
            secret = accounts.open_session(conn, name, address="127.0.0.1", now_utc=district.now())
        with self.session_transaction(base_url=base_url) as kept:
            kept["secret"] = secret
        return self

    def open(self, *args: Any, **kwargs: Any) -> Any:
        """Any request."""
        if kwargs.get("method", "GET") not in ("GET", "HEAD", "OPTIONS") and self.csrf:
            with self.session_transaction() as kept:
                kept["csrf_token"] = self.csrf
            signed = URLSafeTimedSerializer(self.application.secret_key, salt="wtf-csrf-token").dumps(self.csrf)
            kwargs["headers"] = {"X-CSRFToken": signed, **dict(kwargs.get("headers") or {})}
        return super().open(*args, **kwargs)


@pytest.fixture
def db(tmp_path: Path) -> str:
    """The file of a town of its own, for the command line."""
    path = str(tmp_path / "town.gpkg")
    with Store.create(path, name="小镇", epsg=EPSG) as store:
        fill(store)
    return path


def browser(app: Flask, role: Role | None = "administrator") -> Browser:
    """A browser before an app, logged in unless `role` is None."""
    app.test_client_class = Browser
    found = app.test_client()
    assert isinstance(found, Browser)
    return found if role is None else found.log_in(role)


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
def client(app: Flask) -> Browser:
    """A browser on this machine, logged in as an administrator."""
    return browser(app)


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
