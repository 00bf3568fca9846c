"""Named views over the API: who keeps, opens, changes and deletes; what a link may hold; measuring."""

import json
import re
from typing import Any

import pypdfium2
import pytest
from flask import Flask

from data import map_views
from layers.district import District
from layers.views.map_view import MAX_VERTICES, PANELS
from tests.web.conftest import Browser, browser, lonlat
from web import create_app
from web.map_link import MAX_TEXT
from web.measure import MAX_POINTS

DOCUMENT: dict[str, Any] = {
    "center": [120.85, 32.0],
    "zoom": 11.5,
    "layers": [{"id": "teams", "opacity": 0.5}, {"id": "villages", "style": {"field": "persons", "method": "equal"}}],
    "drawing": [{"label": "<b>甲</b>", "geometry": {"type": "Point", "coordinates": [120.8, 32.0]}}],
    "panel": "around",
    "place": {"lonlat": [180, -85], "name": "n" * 200},
    "around": {"radius_m": 100_000},
    "coverage": {"places": "cells", "limit_s": 86_400, "skill": "hazmat"},
}

COVERAGE = {"places": "villages", "limit_s": 3600}


@pytest.fixture
def app(own_town: District) -> Flask:
    from data.settings import Settings

    return create_app(Settings(), "", district=own_town)


def post(client: Browser, path: str, body: Any, key: str = "k" * 16) -> Any:
    return client.open(f"/api/v1{path}", method="POST", json=body, headers={"Idempotency-Key": key})


def save(client: Browser, name: str, *, key: str | None = None, **more: Any) -> Any:
    return post(client, "/views", {"name": name, "document": DOCUMENT, **more}, key or f"key-of-{name}-000000")


def test_a_planner_keeps_a_view_and_a_viewer_opens_it(app: Flask) -> None:
    planner = browser(app, "planner")
    mine, shared = save(planner, "own").json, save(planner, "all", shared=True)
    assert shared.status_code == 201
    assert shared.json["own"]
    assert shared.json["shared"]
    assert [v["name"] for v in planner.get("/api/v1/views").json] == ["all", "own"]
    viewer = browser(app, "viewer")
    (listed,) = viewer.get("/api/v1/views").json
    assert (listed["name"], listed["own"], listed["made_by"]) == ("all", False, "test-planner")
    opened = viewer.get(f"/api/v1/views/{shared.json['id']}").json
    assert opened["document"] == DOCUMENT
    assert viewer.get(f"/api/v1/views/{mine['id']}").status_code == 404, "another's own view is not known of"
    assert save(viewer, "mine").status_code == 403


def test_what_a_role_may_not_see_is_left_out_of_a_view_and_told(app: Flask) -> None:
    secret = {"id": "teams", "filters": [{"field": "phone", "text": "139"}]}
    document = {"layers": [{"id": "vehicles"}, secret, {"id": "supply_orders"}]}
    planner, viewer = browser(app, "planner"), browser(app, "viewer")
    body = {"name": "x", "document": document, "shared": True}
    view = post(planner, "/views", body).json["id"]
    assert planner.get(f"/api/v1/views/{view}").json["document"] == document
    opened = viewer.get(f"/api/v1/views/{view}").json
    assert opened["document"] == {"layers": [{"id": "vehicles"}]}
    assert len(opened["left_out"]) == 2
    assert "phone" in opened["left_out"][0]
    for query in ({"saved": view}, {"view": json.dumps(document)}):
        page = viewer.get("/", query_string=query)
        assert page.status_code == 422
        assert '"layers": [{"id": "vehicles"}]' in page.get_data(as_text=True)
        assert planner.get("/", query_string=query).status_code == 200
    assert viewer.get("/", query_string={"saved": "nowhere"}).status_code == 404


def test_the_same_request_keeps_one_view_and_a_name_is_taken_once(app: Flask) -> None:
    planner = browser(app, "planner")
    first, again = save(planner, "a"), save(planner, "a")
    assert first.json["id"] == again.json["id"]
    assert save(planner, "a", key="another-key-00000").status_code == 409
    assert save(browser(app, "administrator"), "a").status_code == 201, "names are one account's"


def test_only_whoever_made_it_or_an_administrator_changes_and_deletes(app: Flask, own_town: District) -> None:
    planner, administrator = browser(app, "planner"), browser(app, "administrator")
    view = save(administrator, "theirs", shared=True).json["id"]
    assert post(planner, f"/views/{view}", {"name": "x"}).status_code == 403
    assert planner.open(f"/api/v1/views/{view}", method="DELETE").status_code == 403
    own = save(planner, "mine").json["id"]
    renamed = post(planner, f"/views/{own}", {"name": " new ", "shared": True}).json
    assert (renamed["name"], renamed["shared"]) == ("new", True)
    assert planner.get(f"/api/v1/views/{own}").json["document"] == DOCUMENT
    smaller = {"layers": [{"id": "teams"}]}
    assert post(planner, f"/views/{own}", {"document": smaller}).status_code == 200
    assert planner.get(f"/api/v1/views/{own}").json["document"] == smaller
    assert administrator.open(f"/api/v1/views/{own}", method="DELETE").status_code == 200
    assert planner.get(f"/api/v1/views/{own}").status_code == 404
    assert post(planner, f"/views/{own}", {"name": "x"}).status_code == 404
    frame = own_town.store.frame("audit")
    told = [tuple(row) for row in frame[["action", "outcome"]].to_numpy().tolist()]
    for expected in (
        ("save view", "done"),
        ("change view", "done"),
        ("change view", "refused"),
        ("delete view", "done"),
    ):
        assert expected in told


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"name": "x"}, "document: is missing"),
        ({"name": "", "document": DOCUMENT}, "expected text that is not empty"),
        ({"name": "   ", "document": DOCUMENT}, "expected 1 to 80 characters"),
        ({"name": "x" * 81, "document": DOCUMENT}, "at most 80 characters"),
        ({"name": "x", "document": {"layers": [{"id": "teams", "colour": "red"}]}}, "colour is not known"),
        ({"name": "x", "document": {"layers": [{"id": "teams", "opacity": 1.01}]}}, "expected 1 or less"),
        ({"name": "x", "document": {"layers": [], "panel": "layers"}}, "document.panel"),
        ({"name": "x", "document": {"layers": [], "place": {"name": "x"}}}, "place.lonlat: is missing"),
        ({"name": "x", "document": {"layers": [], "place": {"lonlat": [1, 2], "name": "x" * 201}}}, "at most 200"),
        ({"name": "x", "document": {"layers": [], "around": {}}}, "around"),
        ({"name": "x", "document": {"layers": [], "around": {"radius_m": 1, "minutes": 1}}}, "around"),
        ({"name": "x", "document": {"layers": [], "around": {"minutes": 100_001}}}, "expected 100000 or less"),
        ({"name": "x", "document": {"layers": [], "coverage": {"places": "villages"}}}, "coverage.limit_s: is missing"),
        ({"name": "x", "document": {"layers": [], "coverage": COVERAGE | {"places": "moon"}}}, "coverage.places"),
        ({"name": "x", "document": {"layers": [], "coverage": COVERAGE | {"skill": ""}}}, "coverage.skill"),
        ({"name": "x", "document": {"layers": [], "coverage": COVERAGE | {"limit_s": 0.5}}}, "expected 1 or more"),
        (
            {"name": "x", "document": {"layers": [], "coverage": COVERAGE | {"limit_s": 86_401}}},
            "expected 86400 or less",
        ),
    ],
)
def test_what_is_no_view_is_not_kept(app: Flask, body: Any, words: str) -> None:
    planner = browser(app, "planner")
    answer = post(planner, "/views", body)
    assert answer.status_code == 422
    assert words in answer.json["detail"]
    assert planner.get("/api/v1/views").json == []


def test_bounds_of_what_is_kept(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    planner = browser(app, "planner")
    assert save(planner, "n" * 80).status_code == 201
    monkeypatch.setattr(map_views, "MAX_OF_ONE", 2)
    assert save(planner, "second").status_code == 201
    assert save(planner, "third").status_code == 413
    monkeypatch.setattr(map_views, "MAX_OF_ONE", 3)
    size = len(json.dumps(DOCUMENT, ensure_ascii=False, separators=(",", ":")))
    monkeypatch.setattr(map_views, "MAX_DOCUMENT", size - 1)
    assert save(planner, "third").status_code == 413
    monkeypatch.setattr(map_views, "MAX_DOCUMENT", size)
    assert save(planner, "third", key="once-more-0000000").status_code == 201


def test_what_a_view_shows(app: Flask) -> None:
    client = browser(app, "viewer")
    document = {"layers": [{"id": "villages", "style": {"field": "persons", "method": "equal", "classes": 2}}]}
    (found,) = client.get("/api/v1/views/shown", query_string={"view": json.dumps(document)}).json
    assert found["breaks"]["lower"] == [1015.0]
    assert [m["count"] for m in found["legend"]] == [2, 1, 0]
    assert found["matched"] == 3
    persons = next(f for f in found["fields"] if f["name"] == "persons")
    assert (persons["low"], persons["high"], persons["filter"]) == (30, 2000, "range")
    assert "natural" in persons["methods"]
    assert not {"contact", "phone"} & {f["name"] for f in found["fields"]}


@pytest.mark.parametrize(
    ("view", "words"),
    [
        ("", "as the map writes it"),
        ("[1]", "as the map writes it"),
        ("{", "as the map writes it"),
        ("[" * 5000, "as the map writes it"),
        ('{"layers":[{"id":"teams","id2":1}]}', "id2 is not known"),
        ('{"layers":[{"id":"te\\u0007ams"}]}', "control characters"),
    ],
)
def test_a_link_that_is_none_says_so(app: Flask, view: str, words: str) -> None:
    answer = browser(app, "viewer").get("/api/v1/views/shown", query_string={"view": view})
    assert answer.status_code == 422
    assert words in answer.json["detail"]


def test_a_link_is_as_long_as_is_said(app: Flask) -> None:
    client = browser(app, "viewer")
    text = '{"layers":[]}'
    longest = text + " " * (MAX_TEXT - len(text))
    assert client.get("/api/v1/views/shown", query_string={"view": longest}).status_code == 200
    answer = client.get("/api/v1/views/shown", query_string={"view": longest + " "})
    assert answer.status_code == 422
    assert "save the view under a name" in answer.json["detail"]


def drawn(corners: int) -> dict[str, Any]:
    """A view with a line of so many corners."""
    line = [[120.8 + k * 1e-5, 32.0] for k in range(corners)]
    return {
        "layers": [{"id": "teams"}],
        "drawing": [{"label": "堤", "geometry": {"type": "LineString", "coordinates": line}}],
    }


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"document": drawn(MAX_VERTICES)}, 200),
        ({"document": drawn(MAX_VERTICES + 1)}, 422),
        ({"document": drawn(2), "title": "长" * 200}, 200),
        ({"document": drawn(2), "title": "长" * 201}, 422),
        ({"document": drawn(2), "paper": "B5"}, 422),
        ({"document": {"layers": []}}, 422),
        ({"document": {"layers": [{"id": "supply_orders"}]}}, 404),  # not for a viewer
        ({}, 422),
    ],
)
def test_what_is_printed_may_be_longer_than_an_address(app: Flask, body: Any, status: int) -> None:
    viewer = browser(app, "viewer")
    answer = viewer.open("/api/v1/views/sheet.pdf?lang=en", method="POST", json=body)
    assert answer.status_code == status, answer.json
    if status == 200:
        assert answer.mimetype == "application/pdf"
        document = pypdfium2.PdfDocument(answer.data)
        text = document[0].get_textpage().get_text_bounded()
        document.close()
        assert "堤" in text
    else:
        assert answer.json["detail"]


def test_measuring_the_town(app: Flask) -> None:
    client = browser(app, "viewer")
    corners = [lonlat(0, 0), lonlat(2, 0), lonlat(2, 1), lonlat(0, 1)]
    points = [f"{x},{y}" for x, y in corners]
    way = client.get("/api/v1/measure", query_string={"point": points}).json
    assert way["length_m"] == pytest.approx(5000, rel=2e-4)
    assert way["legs_m"] == pytest.approx([2000, 1000, 2000], rel=2e-4)
    assert way["area_m2"] is None
    area = client.get("/api/v1/measure", query_string={"point": points, "shape": "area"}).json
    assert area["area_m2"] == pytest.approx(2e6, rel=4e-4)
    assert area["length_m"] == pytest.approx(6000, rel=2e-4)


@pytest.mark.parametrize(("many", "shape", "status"), [(1, "line", 422), (2, "line", 200), (2, "area", 422)])
def test_fewest_and_most_corners(app: Flask, many: int, shape: str, status: int) -> None:
    client = browser(app, "viewer")
    for n, expected in ((many, status), (MAX_POINTS, 200), (MAX_POINTS + 1, 422)):
        points = [f"{120.8 + k * 1e-4:.4f},32" for k in range(n)]
        answer = client.get("/api/v1/measure", query_string={"point": points, "shape": shape})
        assert answer.status_code == expected, (n, answer.json)


def test_the_panels_of_a_view_are_those_of_the_page(app: Flask) -> None:
    page = browser(app, "planner").get("/").get_data(as_text=True)
    tabs = re.findall(r'id="tab-(\w+)"', page)
    assert tabs == ["layers", *PANELS], "the layer tree is a tab on a phone only"
