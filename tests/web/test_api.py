"""The API: the same values as the command line prints, every parameter checked, answers kept."""

import gzip
import json
from typing import Any
from urllib.parse import unquote

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient
from openapi_schema_validator import OAS31Validator

from layers import query, render
from layers.district import District
from layers.layer import ROLES, Role
from tests.layers.conftest import NOW, point
from tests.web.conftest import browser
from web import api
from web.api import ENDPOINTS
from web.cli import cli
from web.endpoint import Endpoint, to_json

AT = "2026-07-01T10:00+08:00"
OWN_LEVEL = ("--way", "own_level", "--substitutes")


def asked(place: Any) -> dict[str, tuple[dict[str, Any], list[str] | None]]:
    """Endpoint path -> query of a good request, and the same question on the command line."""
    west, east = place(0.3, 0.4), place(4.2, 2.6)
    return {
        "/status": ({}, None),
        "/layers": ({"at": AT}, None),
        "/layers/teams.geojson": ({"at": AT}, ["export", "teams", "--at", AT]),
        "/style.json": ({}, None),
        "/search": ({"q": "村"}, None),
        "/reach": ({"at": east, "when": AT}, None),
        "/route": ({"from": west, "to": east, "at": AT}, ["route", "--from", west, "--to", east, "--at", AT]),
        "/times": (
            {"from": [west, east], "to": [east], "at": AT, "weight": "distance"},
            ["times", "--from", west, east, "--to", east, "--at", AT, "--weight", "distance"],
        ),
        "/coverage": (
            {"limit": "900", "skill": "flood", "at": AT},
            ["coverage", "--limit", "900", "--skill", "flood", "--at", AT],
        ),
        "/supply": (
            {"to": east, "need": ["quilt=150"], "within": "45", "at": AT, "way": "own_level", "substitutes": "yes"},
            ["supply", "--to", east, "--need", "quilt=150", "--within", "45", "--at", AT, *OWN_LEVEL],
        ),
        "/supply/plans": ({"to": east, "need": ["quilt=150"], "substitutes": "yes", "at": AT}, None),
        "/around": (
            {"at": west, "radius_m": "2500", "when": AT},
            ["around", "--at", west, "--radius-m", "2500", "--when", AT],
        ),
        "/around/area": ({"at": west, "minutes": "4", "when": AT}, None),
        "/since": ({"from": "2026-06-30T22:00", "lang": "en"}, None),
        "/wall": ({"lang": "en"}, None),
        "/items": ({}, None),
        "/speeds": ({}, ["speeds"]),
        "/zoning/runs": ({}, ["zoning", "list"]),
        "/zoning/natural/summary": ({}, None),
        "/zoning/natural/explain": ({"at": east}, ["zoning", "explain", "natural", "--at", east]),
        "/openapi.json": ({}, None),
    }


PATHS = sorted(asked(lambda x, y: "0,0"))


def test_every_endpoint_is_asked_here() -> None:
    # Asked in test_supplies.py, test_events.py, test_whatif.py, test_map_views.py, test_layer_tiles.py and others.
    elsewhere = ("/supplies", "/stock", "/devices", "/alarms", "/readings", "/events", "/whatif", "/shelters")
    elsewhere += ("/views", "/measure", "/who")
    templates = {_asked_as(e) for e in ENDPOINTS if e.method == "GET" and not e.path.startswith(elsewhere)}
    # Files, sheets, comparisons and jobs have tests of their own in test_zoning.py.
    apart = {
        "/zoning/compare",
        "/zoning/jobs/{job}",
        "/zoning/natural/files/{file}",
        "/sheet/teams.geojson",
        "/around/sheet",
        "/closures/{closure}/difference",
        "/layers/{layer}/tiles/{z}/{x}/{y}.mvt",
        "/layers/{layer}/tiles/counts",
    }
    assert templates == set(PATHS) | apart


def _asked_as(endpoint: Endpoint) -> str:
    return endpoint.path.replace("{layer}.{form}", "teams.geojson").replace("{scheme}", "natural")


def endpoint_of(path: str) -> Any:
    return next(e for e in ENDPOINTS if e.method == "GET" and _asked_as(e) == path)


@pytest.mark.parametrize("path", PATHS)
def test_answer_is_what_the_document_says(path: str, client: FlaskClient, place: Any) -> None:
    response = client.get(f"/api/v1{path}", query_string=asked(place)[path][0])
    assert response.status_code == 200, response.get_data(as_text=True)
    assert response.headers["X-Revision"].isdigit()
    OAS31Validator(endpoint_of(path).schema).validate(response.get_json())


@pytest.mark.parametrize("path", [p for p in PATHS if asked(lambda x, y: "0,0")[p][1]])
def test_answer_is_what_the_command_line_prints(path: str, client: FlaskClient, place: Any, town: District) -> None:
    sent, words = asked(place)[path]
    assert words is not None
    told = client.get(f"/api/v1{path}", query_string=sent).get_json()
    extra = [] if path.startswith("/layers/") or path.endswith("/explain") else ["--json"]
    db = [] if path == "/speeds" else ["--db", str(town.store.path)]
    printed = CliRunner().invoke(cli, [*words, *db, *extra], catch_exceptions=False)
    assert printed.exit_code == 0, printed.output
    assert _ageless(json.loads(printed.stdout)) == _ageless(told)


def _ageless(answer: Any) -> Any:
    """The answer without ages, which go by the clock of who answers."""
    if isinstance(answer, list):
        return [_ageless(part) for part in answer]
    if isinstance(answer, dict):
        return {key: _ageless(part) for key, part in answer.items() if key != "age_s"}
    return answer


@pytest.mark.parametrize("role", ROLES)
def test_download_and_export_are_equal_bytes(role: Role, app: Flask, town: District) -> None:
    for form in ("csv", "geojson"):
        told = browser(app, role).get(f"/api/v1/layers/depots.{form}", query_string={"at": AT}).data
        mine = render.render(query.read(town, "depots", role=role, at=NOW), form)
        assert told == mine


BAD: list[tuple[str, dict[str, Any], int, str]] = [
    ("/reach", {}, 422, "at: is needed"),
    ("/reach", {"at": "120.8"}, 422, "LON,LAT"),
    ("/reach", {"at": "120.8,north"}, 422, "LON,LAT"),
    ("/reach", {"at": "nan,32"}, 422, "LON,LAT"),
    ("/reach", {"at": "inf,32"}, 422, "LON,LAT"),
    ("/reach", {"at": "32.0,120.8"}, 422, "swapped"),
    ("/reach", {"at": "2,2"}, 422, "outside the district"),
    ("/reach", {"at": ["120.8,32.0", "120.8,32.0"]}, 422, "given 2 times"),
    ("/reach", {"at": "120.8,32.0", "speed": "1"}, 422, "no such parameter"),
    ("/reach", {"at": "120.8,32.0", "when": "yesterday"}, 422, "expected a time"),
    ("/reach", {"at": "120.8,32.0", "when": "0001-01-01T00:00"}, 422, "expected a year"),
    ("/route", {"from": "120.8,32.0", "to": "120.81,32.0", "weight": "fuel"}, 422, "time, distance"),
    ("/coverage", {"limit": "0"}, 422, "expected 1 to 86400 s"),
    ("/coverage", {"limit": "1e9"}, 422, "expected 1 to 86400 s"),
    ("/coverage", {"limit": "soon"}, 422, "expected a number"),
    ("/coverage", {"limit": ""}, 422, "expected a number"),
    ("/coverage", {"skill": "flying"}, 422, "firefighting"),
    ("/coverage", {"places": "houses"}, 422, "villages, cells, enterprises"),
    ("/supply", {"to": "120.8,32.0"}, 422, "need: is needed"),
    ("/supply", {"to": "120.8,32.0", "need": "quilt"}, 422, "ITEM=QUANTITY"),
    ("/supply", {"to": "120.8,32.0", "need": "quilt=-1"}, 422, "-1"),
    ("/supply", {"to": "120.8,32.0", "need": "gold=1"}, 404, "gold"),
    ("/supply", {"to": "120.8,32.0", "need": "quilt=1", "within": "-5"}, 422, "minutes"),
    ("/around", {"at": "120.8,32.0"}, 422, "exactly one"),
    ("/around", {"at": "120.8,32.0", "radius_m": "1", "minutes": "1"}, 422, "exactly one"),
    ("/around", {"at": "120.8,32.0", "radius_m": "1", "kinds": "ufos"}, 422, "ufos"),
    ("/search", {}, 422, "q: is needed"),
    ("/search", {"q": "  "}, 422, "is empty"),
    ("/search", {"q": "x" * 201}, 422, "at most 200"),
    ("/search", {"q": "村", "limit": "0"}, 422, "1 to 100"),
    ("/search", {"q": "村", "limit": "2.5"}, 422, "whole number"),
    ("/layers", {"lang": "fr"}, 422, "zh, en"),
    ("/layers/nothing.geojson", {}, 404, "there is no layer"),
    ("/layers/teams.kml", {}, 404, "geojson, csv, xlsx, gpkg"),
    ("/layers/teams.geojson", {"bbox": "1,2,3"}, 422, "MIN_LON"),
    ("/layers/teams.geojson", {"bbox": "121,32,120,33"}, 422, "MIN_LON"),
    ("/layers/teams.geojson", {"bbox": "120,nan,121,33"}, 422, "MIN_LON"),
    ("/layers/teams.geojson", {"limit": "0"}, 422, "whole number"),
    ("/layers/teams.geojson", {"limit": "20001"}, 413, "at most 20000"),
    ("/times", {"from": ["120.8,32.0"] * 51, "to": ["120.8,32.0"] * 50}, 413, "at most 2500"),
    ("/zoning/natural/explain", {}, 422, "either at=LON,LAT or street=NAME"),
    ("/zoning/natural/explain", {"at": "120.8,32.0", "street": "西街道"}, 422, "either"),
    ("/zoning/natural/explain", {"at": "121.8,32.0"}, 404, "lies in no unit"),
    ("/zoning/natural/explain", {"street": "<script>"}, 404, "西街道"),
    ("/zoning/accident/summary", {}, 404, "has not been run yet"),
    ("/zoning/..%2f..%2fetc/summary", {}, 404, "Nothing matches"),
    ("/zoning/natural/files/run.json", {}, 404, "units.csv"),
    ("/zoning/compare", {"old": "x"}, 422, "new: is needed"),
    ("/zoning/compare", {"old": "../../etc", "new": "y"}, 404, "there is no zoning run"),
    ("/zoning/jobs/none", {}, 404, "there is no job"),
    ("/sheet/nothing.pdf", {}, 404, "there is no layer"),
    ("/sheet/teams.gif", {}, 404, ".pdf or .png"),
    ("/sheet/teams.pdf", {"paper": "B5"}, 422, "A3"),
    ("/sheet/teams.pdf", {"scale": "10"}, 422, "whole number"),
    ("/status", {"q": "1"}, 422, "no such parameter"),
    ("/nowhere", {}, 404, "GET /api/v1/nowhere"),
]


@pytest.mark.parametrize(("path", "sent", "status", "words"), BAD)
def test_what_is_wrong_is_said(path: str, sent: dict[str, Any], status: int, words: str, client: FlaskClient) -> None:
    response = client.get(f"/api/v1{path}", query_string=sent)
    assert response.status_code == status, response.get_data(as_text=True)
    assert response.content_type == "application/problem+json"
    problem = response.get_json()
    assert words in problem["detail"]
    assert problem["status"] == status
    assert problem["instance"] == unquote(f"/api/v1{path}")
    assert {"type", "title", "code"} <= set(problem)


def test_writing_methods_are_refused(client: FlaskClient) -> None:
    response = client.post("/api/v1/status")
    assert response.status_code == 405
    assert response.get_json()["code"] == "method-not-allowed"
    assert "GET" in response.headers["Allow"]


def test_more_features_than_are_served_at_once_is_said(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(query, "MAX_FEATURES", 2)
    whole = client.get("/api/v1/layers/teams.geojson?lang=en&at=2026-07-01T01:01")
    assert whole.status_code == 413
    assert "3 features match, at most 2" in whole.get_json()["detail"]
    part = client.get("/api/v1/layers/teams.geojson?limit=2&at=2026-07-01T01:01")
    assert part.headers["X-Truncated"] == "true"
    assert part.get_json()["onemap"] | {"source": ""} == part.get_json()["onemap"] | {
        "source": "",
        "count": 3,
        "matched": 3,
        "truncated": True,
    }
    assert len(part.get_json()["features"]) == 2


def test_bbox_takes_what_touches_it(client: FlaskClient, ask: Any) -> None:
    station = point(0, 0)
    box = f"{station.x},{station.y},{station.x + 0.001},{station.y + 0.001}"
    found = ask("layers/teams.geojson", bbox=box)
    assert [f["id"] for f in found["features"]] == ["t1"]
    assert found["onemap"]["count"] == 3


def test_a_plus_that_arrives_as_a_space_is_understood(ask: Any) -> None:
    plain, spaced = (ask("coverage", at=at) for at in (AT, AT.replace("+", " ")))
    assert plain == spaced
    assert plain["at"] == "2026-07-01T10:00:00+08:00"


def test_a_time_without_offset_is_the_districts(ask: Any) -> None:
    assert ask("coverage", at="2026-07-01T10:00")["at"] == "2026-07-01T10:00:00+08:00"


def test_answers_are_packed_once_and_known_again(client: FlaskClient) -> None:
    path = "/api/v1/layers/villages.geojson?at=2026-07-01T10:00"
    plain = client.get(path)
    packed = client.get(path, headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data
    assert plain.headers["ETag"] == packed.headers["ETag"]
    assert set(packed.headers["Cache-Control"].split(", ")) == {"private", "no-cache"}
    assert "Accept-Encoding" in packed.headers["Vary"]
    again = client.get(path, headers={"If-None-Match": packed.headers["ETag"], "Accept-Encoding": "gzip"})
    assert again.status_code == 304
    assert again.data == b""
    other = client.get(path, headers={"If-None-Match": '"something else"'})
    assert other.status_code == 200


def test_a_change_makes_a_new_answer(own_town: District) -> None:
    from data.settings import Settings
    from web import create_app

    client = browser(create_app(Settings(), "", district=own_town))
    before = client.get("/api/v1/layers/depots.geojson?at=2026-07-01T10:00")
    depots = own_town.store.frame("depot")[["id", "name", "level", "geometry"]]
    with own_town.store.writing() as conn:
        own_town.store.upsert(
            conn,
            "depot",
            depots.assign(name=["新库", "东库"]),
            source="test",
            source_datum="WGS 84",
            now_utc=NOW,
        )
    after = client.get(
        "/api/v1/layers/depots.geojson?at=2026-07-01T10:00", headers={"If-None-Match": before.headers["ETag"]}
    )
    assert after.status_code == 200
    names = {f["properties"]["name"] for f in after.get_json()["features"]}
    assert names == {"新库", "东库"}
    assert int(after.headers["X-Revision"]) > int(before.headers["X-Revision"])


def test_an_answer_is_made_once(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    real = api.scenario_coverage

    def counted(*values: Any, **words: Any) -> Any:
        calls.append(1)
        return real(*values, **words)

    monkeypatch.setattr(api, "scenario_coverage", counted)
    for _ in range(3):
        assert client.get("/api/v1/coverage?at=2026-07-01T11:11").status_code == 200
    assert len(calls) == 1


def test_a_viewer_sees_no_telephone(app: Flask, town: District) -> None:
    client = browser(app, "viewer")
    assert "contact" in town.view().frame("village").columns
    told = client.get("/api/v1/layers/villages.geojson").get_json()
    assert all("contact" not in f["properties"] for f in told["features"])
    around = client.get("/api/v1/around?radius_m=100000&at=120.8,32.0").get_json()
    assert around["count"] > 0
    assert not any("phone" in row["attributes"] for row in around["facilities"])
    listed = client.get("/api/v1/layers").get_json()
    fields = {row["id"]: {f["name"] for f in row["fields"]} for row in listed}
    assert "phone" not in fields["villages"]


def test_what_a_closure_takes_from_the_coverage(client: FlaskClient) -> None:
    path = "/closures/{closure}/difference"
    found = client.get("/api/v1/closures/c1/difference?limit=3600").get_json()
    OAS31Validator(endpoint_of(path).schema).validate(found)
    assert found["closure"]["in_force"], "without a moment it is asked about for its beginning"
    assert found["difference"]["totals"]["lost_persons"] == 2000
    before = client.get("/api/v1/closures/c1/difference", query_string={"at": AT}).get_json()
    assert (before["closure"]["in_force"], before["difference"]["places"]) == (False, [])
    assert client.get("/api/v1/closures/no-such/difference").status_code == 404


def test_what_lies_around_is_printed(client: FlaskClient) -> None:
    found = client.get("/api/v1/around/sheet?radius_m=900&at=120.8,32.0")
    assert (found.status_code, found.mimetype) == (200, "application/pdf")
    assert found.data.startswith(b"%PDF")
    wrong = client.get("/api/v1/around/sheet?at=120.8,32.0")
    assert (wrong.status_code, wrong.get_json()["code"]) == (422, "input")


def test_labels_follow_the_language(ask: Any) -> None:
    titles = [{row["id"]: row["title"] for row in ask("layers", lang=lang)}["teams"] for lang in ("zh", "en")]
    assert titles == ["救援队伍", "Rescue teams"]


def test_status_says_what_is_served(ask: Any, town: District) -> None:
    status = ask("status")
    assert status["name"] == "小镇"
    assert status["demo"] is False
    assert status["revision"] == town.revision
    assert status["role"] == "administrator"
    assert status["account"] == "test-administrator"


def test_style_fetches_its_tiles_from_here(app: Flask) -> None:
    here = "http://127.0.0.1:8000"
    client = browser(app, None).log_in("viewer", here)
    text = client.get("/api/v1/style.json", base_url=here).get_data(as_text=True)
    style = json.loads(text)
    assert style["sources"]["base"]["tiles"] == ["http://127.0.0.1:8000/tiles/base/{z}/{x}/{y}.pbf"]
    assert "glyphs" not in style
    assert "sprite" not in style


def test_json_has_no_nan() -> None:
    with pytest.raises(ValueError, match="JSON"):
        to_json({"a": float("nan")})


def test_head_is_answered(app: Flask) -> None:
    response = browser(app).head("/api/v1/status")
    assert response.status_code == 200
    assert response.data == b""
