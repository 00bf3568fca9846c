"""What somebody sends who means no good: refused in words, never an error of ours, and nothing is written."""

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
from flask import Flask

from data import audit
from data.settings import Settings
from geo.errors import InputError
from layers.district import District
from tests.web.conftest import PASSWORD, Browser, browser
from tests.web.test_board import REQUEST, post, stock
from web import create_app
from web.api import ENDPOINTS
from web.auth import PUBLIC, Serving, action_of
from web.endpoint import Endpoint, read_body

NASTY = (
    "..%2f..%2fdistrict.gpkg",
    "%2e%2e",
    "..\\..\\x",
    "%00",
    "x%00.xlsx",
    "%0d%0aSet-Cookie:x=1",
    "' OR 1=1 --",
    "<script>alert(1)</script>",
    "x" * 3000,
    "%F0%9F%98%80",
    "%ed%a0%80",
    "{{7*7}}",
    "%25s%25n",
    "-1",
    "1e400",
)
"""Parts of addresses that mean something to a file system, a database, a header, a page or a number."""


@pytest.fixture
def house(own_town: District) -> District:
    return stock(own_town)


@pytest.fixture
def own_app(house: District) -> Flask:
    return create_app(Settings(), "", district=house)


def filled(rule: str, value: str) -> str:
    """A rule with every part of the address made this value."""
    return re.sub(r"<(?:\w+:)?\w+>", lambda _: value, rule)


# -- addresses --------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", NASTY, ids=range(len(NASTY)))
def test_nasty_parts_of_addresses(app: Flask, value: str) -> None:
    """Every route with such a part, as an administrator: refused or not found, and nothing of it runs on a page."""
    client = browser(app)
    asked = 0
    for rule in app.url_map.iter_rules():
        if "<" not in rule.rule or "GET" not in (rule.methods or ()):
            continue
        with client.get(filled(rule.rule, value), headers={"Accept": "text/html"}) as response:
            asked += 1
            assert response.status_code < 500, rule.rule
            assert response.status_code >= 300, rule.rule
            assert "Set-Cookie" not in response.headers or "x=1" not in response.headers["Set-Cookie"]
            text = response.get_data(as_text=True)
            assert "<script>alert" not in text or response.mimetype == "application/problem+json"
            assert "SQLite format" not in text
            assert ">49<" not in text
    assert asked > 25


@pytest.mark.parametrize("value", NASTY, ids=range(len(NASTY)))
def test_nasty_questions(app: Flask, value: str) -> None:
    client = browser(app)
    for path in (
        "/api/v1/search?q=",
        "/api/v1/stock/glance?item=",
        "/api/v1/supply?to=120.85,32.02&need=",
        "/api/v1/supply?need=quilt=1&to=",
        "/api/v1/coverage?at=",
        "/api/v1/events?last_event_id=x",
        "/api/v1/stock/balances?true_at=",
        "/supplies?item=",
        "/supplies/lots?lot=",
        "/supplies/needs?days=1&evacuated=0&affected=",
        "/supplies/handover?since=",
        "/admin/audit?subject=",
        "/admin/audit?since=",
        "/login?next=",
        "/login?lang=",
    ):
        response = client.get(path + value, headers={"Accept": "text/html"})
        assert response.status_code < 500, path
        text = response.get_data(as_text=True)
        assert "<script>alert" not in text or "json" in response.mimetype, path
        assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("moment", ["0001-01-01T00:00", "9999-12-31T23:59", "0001-01-01T00:00:00+08:00"])
def test_the_ends_of_the_calendar(app: Flask, own_app: Flask, moment: str) -> None:
    client = browser(app)
    for path in (
        "/supplies/handover?since=",
        "/admin/audit?since=",
        "/api/v1/coverage?at=",
        "/api/v1/stock/balances?true_at=",
    ):
        assert client.get(path + moment.replace("+", "%2B")).status_code in (200, 422), path
    keeper = browser(own_app, "keeper")
    line = {"item_id.0": "pump", "lot.0": "n1", "quantity.0": "1", "reason": "r", "occurred": moment}
    post(keeper, "/supplies/depots/d1/in", 422, {"key": "k", **line})
    desk = browser(own_app, "dispatcher")
    body = {**REQUEST, "deadline": moment if "+" in moment else f"{moment}:00+08:00"}
    answer = desk.post("/api/v1/supplies/requests", json=body, headers={"Idempotency-Key": "k"})
    assert answer.status_code in (200, 422), answer.get_data(as_text=True)


@pytest.mark.parametrize("host", ["x" * 5000, "a b", "evil.example", "127.0.0.1@evil.example", "[::1", "%00", "-"])
def test_host_headers_that_are_none(app: Flask, host: str) -> None:
    for path in ("/", "/login", "/healthz", "/no/such", "/api/v1/status"):
        response = app.test_client().get(path, headers={"Host": host, "Accept": "text/html"})
        assert response.status_code in (400, 403), path
        assert host not in response.get_data(as_text=True) or len(host) < 100


# -- bodies -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", ["[" * 100_000, '{"a":' * 50_000 + "1" + "}" * 50_000, "{", '"x"', "[]", ""])
def test_bodies_that_are_no_object(own_app: Flask, body: str) -> None:
    client = browser(own_app, "dispatcher")
    headers = {"Content-Type": "application/json", "Idempotency-Key": "k"}
    response = client.post("/api/v1/supplies/requests", data=body, headers=headers)
    assert response.status_code == 422
    assert response.get_json()["code"] == "input"


def least(schema: Mapping[str, Any]) -> Any:
    """The smallest value that a schema takes: what is required, and nothing else."""
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type", "string")
    match kind if isinstance(kind, str) else kind[0]:
        case "object":
            known = schema.get("properties", {})
            return {name: least(known.get(name, {})) for name in schema.get("required", ())}
        case "array":
            return [least(schema.get("items", {}))] * schema.get("minItems", 0)
        case "number" | "integer":
            return schema.get("minimum", 1)
        case "boolean":
            return False
        case _:
            return "x"


@pytest.mark.parametrize("endpoint", [e for e in ENDPOINTS if e.body is not None], ids=lambda e: e.path)
def test_the_least_body_that_a_schema_takes(own_app: Flask, endpoint: Endpoint) -> None:
    """What the schema lets through is answered or refused in words, never an error of ours."""
    assert endpoint.body is not None
    client = browser(own_app)
    path = re.sub(r"{\w+}", "x", f"/api/v1{endpoint.path}")
    headers = {"Idempotency-Key": "least"}
    answer = client.open(path, method=endpoint.method, json=least(endpoint.body), headers=headers)
    assert answer.status_code < 500, answer.get_data(as_text=True)


@pytest.mark.parametrize("unit", ["a\x00b", "a\x1b[31m", "a\ud800", "a\x7f"])
def test_control_characters_are_no_text(own_app: Flask, house: District, unit: str) -> None:
    client = browser(own_app, "dispatcher")
    headers = {"Content-Type": "application/json", "Idempotency-Key": "k"}
    text = json.dumps({**REQUEST, "unit": unit})
    response = client.post("/api/v1/supplies/requests", data=text, headers=headers)
    assert response.status_code == 422
    assert "unit=" in response.get_json()["detail"]
    keeper = browser(own_app, "keeper")
    fields = {
        "key": "k",
        "reason": "r",
        "item_id.0": "pump",
        "quantity.0": "1",
        "lot.0": unit.replace("\ud800", "\x00"),
    }
    assert "控制字符" in post(keeper, "/supplies/depots/d1/in", 422, fields)
    assert "控制字符" in post(keeper, "/supplies/depots/d1/in", 422, {**fields, "lot.0": "n", "reason": "a\x00"})
    assert len(house.store.frame("supply_request")) == 0
    assert len(house.store.frame("lot")) == 3


def test_line_breaks_are_text() -> None:
    schema = {"type": "object", "properties": {"note": {"type": "string"}, "lines": {"type": "array"}}}
    app = Flask("t")
    with app.test_request_context("/", method="POST", json={"note": "one\n\ttwo"}):
        assert read_body(schema) == {"note": "one\n\ttwo"}
    with (
        app.test_request_context("/", method="POST", json={"lines": [{"x": "a"}, {"x": "b\x00"}]}),
        pytest.raises(InputError, match=r"lines\[1\]\.x='b\\x00'"),
    ):
        read_body(schema)


def test_names_of_accounts_are_short_and_can_be_read(own_app: Flask) -> None:
    admin = browser(own_app)
    for name, status in (("x" * 101, 422), ("x" * 100, 200), ("a\x00", 422)):
        post(admin, "/admin/accounts", status, {"key": name, "account": "ab", "name": name, "role": "viewer"})


# -- the token of the page, and cookies -------------------------------------------------------------


def test_every_change_needs_the_token_of_the_page(own_app: Flask, house: District) -> None:
    """Every form and every JSON route, with the cookie of an administrator and without the token."""
    client = browser(own_app)
    client.csrf = ""
    revision = house.store.revision()
    walked = 0
    for rule in own_app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) & {"POST", "PUT", "PATCH", "DELETE"}):
            for extra in ({"data": {"key": "k"}}, {"json": {}}):
                path = filled(rule.rule, "1")
                response = client.open(path, method=method, headers={"Idempotency-Key": "k"}, **extra)
                assert response.status_code == 403, (method, rule.rule)
                walked += 1
    assert walked > 60
    assert house.store.revision() == revision
    with house.store.reading() as conn:
        refused = [entry for entry in audit.entries(conn, limit=1000) if entry.outcome == "refused"]
    public = sum(
        2 * len((rule.methods or set()) & {"POST"})
        for rule in own_app.url_map.iter_rules()
        if action_of(own_app, rule.endpoint) == PUBLIC
    )
    assert len(refused) >= walked - public


@pytest.mark.parametrize(
    ("serving", "name", "secure"),
    [
        ({}, "onemap_known", False),
        ({"port": 8000}, "onemap_8000_known", False),
        ({"tls": True}, "__Host-onemap_known", True),
        ({"behind_proxy": True}, "__Host-onemap_known", True),
    ],
)
def test_the_cookie_of_a_known_browser(house: District, serving: dict[str, Any], name: str, secure: bool) -> None:
    app = create_app(Settings(), "", district=house, serving=Serving(**serving))
    base = "https://localhost" if secure else "http://localhost"
    browser(app, "viewer")
    client: Browser = browser(app, None)
    client.csrf = ""
    page = client.get("/login", base_url=base).get_data(as_text=True)
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token is not None
    typed = {"name": "test-viewer", "password": PASSWORD, "csrf_token": token[1]}
    response = client.post("/login", data=typed, base_url=base, headers={"Referer": f"{base}/login"})
    assert response.status_code == 303
    cookie = next(line for line in response.headers.getlist("Set-Cookie") if line.startswith(f"{name}="))
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
    assert ("Secure" in cookie.split("; ")) is secure
    assert "Domain" not in cookie
