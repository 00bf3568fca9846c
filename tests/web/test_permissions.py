"""The whole matrix: role x route over every rule of the app, role x field over every layer and format."""

import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
import shapely
from flask import Flask
from flask.testing import FlaskClient

from data.kinds import KINDS
from data.settings import Settings
from data.store import Store
from geo.errors import NotFound
from layers import analyses, html, permissions, query, render
from layers.catalogue import LAYERS
from layers.district import District
from layers.layer import ROLES, Role, Table
from layers.permissions import ACTIONS, TOKEN_SCOPES, Actor
from tests.layers.conftest import EPSG, NOW, STAMP, fill, frames, point
from tests.web.conftest import browser
from web import create_app
from web.api import ENDPOINTS, PREFIX
from web.auth import PUBLIC, Serving, action_of, needs

WHO_MAY = """
                  viewer  dispatcher  keeper  planner  administrator
map.read          +       +           +       +        +
self.manage       +       +           +       +        +
supply.read       .       +           +       +        +
supply.reserve    .       +           .       .        +
supply.order      .       +           .       .        +
supply.issue      .       +           own     .        +
supply.receive    .       +           own     .        +
supply.settle     .       +           own     .        +
supply.reverse    .       +           own     .        +
supply.papers     .       +           .       .        +
stock.receive     .       .           own     .        +
stock.count       .       .           own     .        +
stock.change      .       .           own     .        +
stock.recall      .       +           .       .        +
stock.reverse     .       .           own     .        +
register.import   .       .           .       +        +
closure.change    .       +           .       +        +
whatif.run        .       +           .       +        +
view.save         .       .           .       +        +
zoning.run        .       .           .       +        +
whatif.read       .       +           +       +        +
device.report     .       +           own     .        +
account.manage    .       .           .       .        +
audit.read        .       .           .       .        +
"""
"""Written down a second time on purpose: who changes what a role may do changes it here too."""

_GUIDE = {"/help/", "/help/<name>", "/help/images/<name>"}
_FIELD = {"/sw.js", "/field/manifest.webmanifest", "/field/files/<version>/<path:name>"}
OPEN = {"/login", "/healthz", "/favicon.ico", "/static/<path:filename>"} | _GUIDE | _FIELD
"""The only routes that are open to everybody."""


def table() -> dict[str, dict[str, str]]:
    head, *lines = [line.split() for line in WHO_MAY.strip().splitlines()]
    return {action: dict(zip(head, marks, strict=True)) for action, *marks in lines}


def test_the_declaration_is_the_table_above() -> None:
    word = {"anywhere": "+", "own": "own", None: "."}
    assert {a.id: {role: word[a.roles.get(role)] for role in ROLES} for a in ACTIONS.values()} == table()


@pytest.mark.parametrize("action", sorted(ACTIONS))
@pytest.mark.parametrize("role", ROLES)
def test_may_and_may_somewhere(role: Role, action: str) -> None:
    mark = table()[action][role]
    free = Actor("a", "a", role)
    depot, street = Actor("a", "a", role, depot_id="d1"), Actor("a", "a", role, street="西街道")
    assert permissions.may(free, action) is (mark == "+")
    assert permissions.may_somewhere(free, action) is (mark == "+"), "bound to nothing is allowed nowhere"
    for actor, here, there in (
        (depot, {"depot_id": "d1"}, {"depot_id": "d2"}),
        (street, {"street": "西街道"}, {"street": "东街道"}),
    ):
        assert permissions.may_somewhere(actor, action) is (mark != ".")
        assert permissions.may(actor, action, **here) is (mark != ".")
        assert permissions.may(actor, action, **there) is (mark == "+")
        assert permissions.may(actor, action) is (mark == "+")


# -- role x route -------------------------------------------------------------------------------------


class Stand:
    """The app with every view taken out and the gate left in: what passes answers 204."""

    def __init__(self, district: District, **serving: Any) -> None:
        self.app = create_app(Settings(), "", district=district, serving=Serving(**serving))
        for endpoint, action in [(e, action_of(self.app, e)) for e in self.app.view_functions]:
            if action not in (None, PUBLIC):
                self.app.view_functions[endpoint] = needs(str(action))(lambda **values: ("", 204))

    def routes(self) -> list[tuple[str, str, str]]:
        """Every rule with each of its methods, filled in."""
        found = []
        for rule in self.app.url_map.iter_rules():
            path = re.sub(r"<int:\w+>", "1", rule.rule)
            path = re.sub(r"<(?:\w+:)?\w+>", "x", path)
            found += [(rule.endpoint, method, path) for method in sorted(rule.methods or ())]
        return found


@pytest.fixture(scope="module")
def stand(town: District) -> Stand:
    return Stand(town)


def test_every_route_says_what_it_does(app: Flask) -> None:
    undeclared = [rule.rule for rule in app.url_map.iter_rules() if action_of(app, rule.endpoint) is None]
    assert undeclared == []
    known = {PUBLIC, *ACTIONS}
    assert {action_of(app, rule.endpoint) for rule in app.url_map.iter_rules()} <= known
    public = {rule.rule for rule in app.url_map.iter_rules() if action_of(app, rule.endpoint) == PUBLIC}
    assert public == OPEN


READ_BY_POST = {"/api/v1/views/sheet.pdf"}
"""What is asked for with more than an address holds; it changes nothing."""


def test_what_changes_something_is_declared_as_a_change(app: Flask) -> None:
    for rule in app.url_map.iter_rules():
        action = action_of(app, rule.endpoint)
        if (rule.methods or set()) & {"POST", "PUT", "PATCH", "DELETE"} and action != PUBLIC:
            assert ACTIONS[str(action)].changes is (rule.rule not in READ_BY_POST), rule.rule
    told = {(e.method, PREFIX + e.path): e.action for e in ENDPOINTS}
    assert len(told) == len(ENDPOINTS)
    assert set(told.values()) <= set(ACTIONS)


def test_a_route_that_says_nothing_is_answered_to_nobody(town: District) -> None:
    app = create_app(Settings(), "", district=town)
    app.add_url_rule("/forgotten", "forgotten", lambda: "secret")
    assert "/forgotten" in {r.rule for r in app.url_map.iter_rules() if action_of(app, r.endpoint) is None}
    response = browser(app).get("/forgotten")
    assert response.status_code == 403
    with pytest.raises(LookupError, match=r"map\.reed"):
        needs("map.reed")


@pytest.mark.parametrize("role", [None, *ROLES])
def test_role_x_route(role: Role | None, stand: Stand) -> None:
    client = browser(stand.app, role)
    marks = table()
    wrong, seen = [], 0
    for endpoint, method, path in stand.routes():
        action = action_of(stand.app, endpoint)
        if action == PUBLIC:
            continue
        expected = 401 if role is None else 403 if marks[str(action)][role] == "." else 204
        if method == "OPTIONS" and role is not None:
            continue  # it says which methods there are, for the first rule of the path
        status = client.open(path, method=method).status_code
        seen += 1
        wrong += [] if status == expected else [(method, path, action, status, expected)]
    assert wrong == []
    assert seen > 50


def test_open_routes_are_open(stand: Stand) -> None:
    client = browser(stand.app, None)
    for path in ("/login", "/healthz", "/favicon.ico"):
        assert client.get(path).status_code in (200, 301)
    with client.get("/static/onemap.css") as file:
        assert file.status_code == 200


@pytest.mark.parametrize("scope", TOKEN_SCOPES)
def test_token_x_route(scope: str, stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    from layers.actions import accounts

    actor = Actor("token:1", "门", "viewer", device_id="g1", scopes=frozenset([scope]))
    monkeypatch.setattr(accounts, "token_actor", lambda *_, **__: actor)
    client = stand.app.test_client()
    for endpoint, method, path in stand.routes():
        action = action_of(stand.app, endpoint)
        if action != PUBLIC and method != "OPTIONS":
            status = client.open(path, method=method, headers={"Authorization": "Bearer x"}).status_code
            assert status == (204 if action == scope else 403), (method, path)


def test_nobody_x_route_of_a_demo(town: District, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(town, "demo", True)
    stand = Stand(town)
    client = browser(stand.app, None)
    for endpoint, method, path in stand.routes():
        action = action_of(stand.app, endpoint)
        if action != PUBLIC and method != "OPTIONS":
            reads = not ACTIONS[str(action)].changes and table()[str(action)]["viewer"] == "+"
            assert client.open(path, method=method).status_code == (204 if reads else 401), (method, path)


# -- role x field -------------------------------------------------------------------------------------

SECRETS = {"contact": "PlantedPerson", "phone": "13900000000"}
STAFF = [role for role in ROLES if role != "viewer"]
FORMS = [*render.FORMATS, "popup", "atlas"]
PLANTED = sorted(
    layer.id
    for layer in LAYERS.values()
    if isinstance(layer.source, Table) and {f.name for f in layer.fields} & set(SECRETS)
)


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[District]:
    """The town with a name and a telephone in every row that has room for them."""
    with Store.create(str(tmp_path_factory.mktemp("p") / "t.gpkg"), name="小镇", epsg=EPSG) as store:
        fill(store)
        with store.writing() as conn:
            for name, frame in frames().items():
                kind = next((k for k in KINDS.values() if k.table == name), None)
                if kind is not None and {c.name for c in kind.columns} >= set(SECRETS):
                    store.upsert(conn, name, frame.assign(**SECRETS), **STAMP)
            deal = {
                "id": ["a1"],
                "name": ["供应商"],
                "item_id": ["quilt"],
                "mode": ["contract"],
                "quantity_e3": [1_000],
            }
            deal |= {"lead_h": [4.0], **{name: [value] for name, value in SECRETS.items()}}
            store.upsert(conn, "agreement", gpd.GeoDataFrame(deal, geometry=[point(1, 2)], crs=4326), **STAMP)
            truck = {"id": ["x1"], "name": ["苏F00001"], **{name: [value] for name, value in SECRETS.items()}}
            store.upsert(conn, "vehicle", gpd.GeoDataFrame(truck, geometry=[point(1, 1)], crs=4326), **STAMP)
        yield District(store, clock=lambda: NOW)


def unpacked(content: bytes) -> bytes:
    """The bytes of a file, and of what is packed in it."""
    if not content.startswith(b"PK"):
        return content
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        return b"".join(packed.read(name) for name in packed.namelist())


def drawn(district: District, layer: str, form: str, role: Role) -> bytes:
    if form == "atlas":
        files = html.LeafletFiles("", "", {})
        page = html.atlas(district, leaflet=files, role=role, at=NOW, layer_ids=[layer])
        return page.encode()
    found = query.read(district, layer, role=role, at=NOW)
    if form == "popup":
        # what the popup is given may even be too much: it asks again
        record = {**found.frame.drop(columns="geometry").to_dict("records")[0], **SECRETS}
        return html.popup_html(found.layer, record, role, "zh").encode()
    return unpacked(render.render(found, form))


def test_planted_layers() -> None:
    assert PLANTED == ["agreements", "depots", "enterprises", "hospitals", "shelters", "teams", "vehicles", "villages"]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("layer", PLANTED)
def test_role_x_field(layer: str, form: str, planted: District) -> None:
    for role in ROLES:
        if role not in LAYERS[layer].roles:
            with pytest.raises(NotFound):
                query.layer_for(layer, role)
            continue
        content = drawn(planted, layer, form, role)
        assert len(content) > 50
        for name, value in SECRETS.items():
            assert (value.encode() in content) is (role != "viewer"), (role, name)


@pytest.mark.parametrize("layer", sorted(LAYERS))
def test_no_layer_shows_a_viewer_whom_to_call(layer: str, planted: District) -> None:
    """Every layer, whatever it is made of; a field for staff is in no column, legend or description either."""
    for field in LAYERS[layer].fields:
        if field.name in SECRETS or "phone" in field.name or "contact" in field.name:
            assert field.roles & LAYERS[layer].roles == set(STAFF)
    if "viewer" not in LAYERS[layer].roles:
        with pytest.raises(NotFound):
            query.read(planted, layer, role="viewer", at=NOW)
        return
    hidden = {f.name for f in LAYERS[layer].fields if "viewer" not in f.roles}
    found = query.read(planted, layer, role="viewer", at=NOW)
    assert not hidden & set(found.frame.columns)
    assert not hidden & {f["name"] for f in render.describe(found)["fields"]}
    for form in FORMS:
        if len(found.frame) or form not in ("popup", "atlas"):
            content = drawn(planted, layer, form, "viewer")
            assert not [value for value in SECRETS.values() if value.encode() in content], form


def test_nor_do_the_answers_of_the_api(planted: District) -> None:
    app = create_app(Settings(), "", district=planted)
    x, y = shapely.get_coordinates(frames()["team"].geometry.array)[0]
    at = f"{x},{y}"
    asked = [
        f"/around?at={at}&radius_m=100000",
        f"/around?at={at}&minutes=600",
        f"/around/area?at={at}&minutes=100",
        f"/reach?at={at}",
        "/coverage",
        "/coverage?places=enterprises",
        f"/supply?to={at}&need=quilt=10",
        "/layers",
        "/items",
        "/search?q=村",
        *(f"/search?q={value}" for value in SECRETS.values()),
        *(f"/layers/{i}.{form}" for i in PLANTED if "viewer" in LAYERS[i].roles for form in render.FORMATS),
    ]
    told = {role: [ask(browser(app, role), path) for path in asked] for role in ("viewer", "dispatcher")}
    for path, content in zip(asked, told["viewer"], strict=True):
        assert not [value for value in SECRETS.values() if value.encode() in content], path
    # The plan of the answer above: whoever may see them does, in the layers and around a place.
    seen = {
        path for path, content in zip(asked, told["dispatcher"], strict=True) if SECRETS["phone"].encode() in content
    }
    assert {path for path in asked if path.startswith(("/layers/", "/around?"))} <= seen
    assert analyses.search(planted, SECRETS["contact"], role="administrator") == [], "a search is by name only"


def ask(client: FlaskClient, path: str) -> bytes:
    response = client.get(f"/api/v1{path}")
    assert response.status_code == 200, (path, response.get_data(as_text=True)[:200])
    return unpacked(response.data)


def test_what_a_role_may_not_know_of_is_not_found(planted: District) -> None:
    app = create_app(Settings(), "", district=planted)
    for layer in LAYERS.values():
        for role in ROLES:
            client = browser(app, role)
            status = {client.get(f"/api/v1/layers/{layer.id}.{form}").status_code for form in render.FORMATS}
            assert status == ({200} if role in layer.roles else {404}), (layer.id, role)
            listed = layer.id in client.get("/api/v1/style.json").get_data(as_text=True)
            assert listed is (role in layer.roles) or layer.tiled


def test_kept_answers_are_kept_for_each_role(planted: District) -> None:
    """The same address, asked by turns: what staff got is not given to a viewer, and the other way round."""
    app = create_app(Settings(), "", district=planted)
    path = "/layers/teams.geojson"
    for role in ("administrator", "viewer", "dispatcher", "viewer", "keeper"):
        content = ask(browser(app, role), path)
        assert (SECRETS["phone"].encode() in content) is (role != "viewer"), role


def test_the_district_s_own_files_are_no_route(stand: Stand, planted: District) -> None:
    assert isinstance(planted.store.path, Path)
    for path in ("/static/../district.gpkg", "/static/%2e%2e/__init__.py", "/static/..%2f__init__.py"):
        assert browser(stand.app).get(path).status_code == 404
