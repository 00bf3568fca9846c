"""The addresses of tiles and counts, and of single rows."""

import json
import math
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask

from data.importers import import_frame
from data.settings import Settings
from layers.catalogue import LAYERS
from layers.district import District
from layers.layer import TILES_MAX_ZOOM
from tests.layers.conftest import STAMP
from tests.web.conftest import Browser, browser
from web import create_app
from web.kept import Answer
from web.layer_tiles import MEDIA_TYPE

ENTERPRISES = "/api/v1/layers/enterprises"
Z = 12


@pytest.fixture
def spot(ask: Any) -> str:
    """The tile on which the one enterprise of the town is."""
    lon, lat = ask("layers/enterprises.geojson")["features"][0]["geometry"]["coordinates"]
    row = (1 - math.log(math.tan(math.pi / 4 + math.radians(lat) / 2)) / math.pi) / 2
    return f"{Z}/{math.floor((lon + 180) / 360 * 2**Z)}/{math.floor(row * 2**Z)}"


def test_a_tile_has_a_type_a_tag_and_can_be_asked_again(client: Browser, spot: str) -> None:
    found = client.get(f"{ENTERPRISES}/tiles/{spot}.mvt")
    assert found.status_code == 200
    assert found.content_type == "application/vnd.mapbox-vector-tile"
    assert b"enterprises" in found.data
    assert found.headers["Cache-Control"] == "private, no-cache"
    again = client.get(f"{ENTERPRISES}/tiles/{spot}.mvt", headers={"If-None-Match": found.headers["ETag"]})
    assert again.status_code == 304
    empty = client.get(f"{ENTERPRISES}/tiles/{Z}/0/0.mvt")
    assert (empty.status_code, empty.data) == (200, b"")


@pytest.mark.parametrize(("size", "packed"), [(999, False), (1000, True)])
def test_a_large_tile_travels_compressed(size: int, packed: bool) -> None:
    assert Answer(b"x" * size, MEDIA_TYPE).is_packable is packed


def test_what_a_role_may_not_know_of_has_no_tiles(app: Flask) -> None:
    hidden = next(layer for layer in LAYERS.values() if "viewer" not in layer.roles)
    for path in (f"{hidden.id}/tiles/0/0/0.mvt", f"{hidden.id}/tiles/counts?bbox=1,1,2,2&zoom=1"):
        response = browser(app, "viewer").get(f"/api/v1/layers/{path}")
        assert response.status_code == 404
        assert f"there is no layer '{hidden.id}'" in response.get_json()["detail"]
        assert browser(app, "administrator").get(f"/api/v1/layers/{path}").status_code == 200


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        (f"enterprises/tiles/{TILES_MAX_ZOOM + 1}/0/0.mvt", 404, "0 <= Z <= 16"),
        ("enterprises/tiles/2/4/0.mvt", 404, "X, Y < 2 ** Z"),
        ("enterprises/tiles/2/0/4.mvt", 404, "X, Y < 2 ** Z"),
        ("enterprises/tiles/2/-1/0.mvt", 404, "there is no tile 2/-1/0"),
        ("enterprises/tiles/a/0/0.mvt", 404, "there is no tile a/0/0"),
        ("nothing/tiles/0/0/0.mvt", 404, "there is no layer 'nothing'"),
        ("roads/tiles/0/0/0.mvt", 404, "those of the base map"),
        ("enterprises/tiles/0/0/0.mvt?lang=zh", 422, "lang"),
        (f"enterprises/tiles/0/0/0.mvt?view={quote(json.dumps({'layers': []}))}", 422, "expected enterprises alone"),
        (
            f"enterprises/tiles/0/0/0.mvt?view={quote(json.dumps({'layers': [{'id': 'teams'}]}))}",
            422,
            "view.layers: teams",
        ),
        (
            "enterprises/tiles/0/0/0.mvt?view="
            + quote(json.dumps({"layers": [{"id": "enterprises", "filters": [{"field": "nobody", "text": "1"}]}]})),
            422,
            "no such field",
        ),
        ("enterprises/tiles/counts?bbox=120,31,121,32", 422, "zoom: is needed"),
        ("enterprises/tiles/counts?bbox=120,31,121,32&zoom=25", 422, "zoom=25"),
        ("enterprises/tiles/counts?bbox=121,31,120,32&zoom=24", 422, "bbox"),
        ("response_time.geojson?id=1", 422, "have no id"),
    ],
)
def test_bad_questions_are_answered_with_a_sentence(client: Browser, path: str, status: int, words: str) -> None:
    response = client.get(f"/api/v1/layers/{path}")
    assert response.status_code == status, response.get_data(as_text=True)
    assert words in response.get_json()["detail"]


def test_the_last_zoom_and_the_edge_of_the_world_are_tiles(client: Browser) -> None:
    last = 2**TILES_MAX_ZOOM - 1
    assert client.get(f"{ENTERPRISES}/tiles/{TILES_MAX_ZOOM}/{last}/{last}.mvt").status_code == 200
    assert client.get(f"{ENTERPRISES}/tiles/0/0/0.mvt").status_code == 200


def test_rows_are_read_by_their_ids(ask: Any) -> None:
    whole = ask("layers/teams.geojson")["features"]
    some = ask("layers/teams.geojson", id=["t2", "nobody", "t1"])
    assert [one["id"] for one in some["features"]] == ["t1", "t2"]
    assert some["features"] == [one for one in whole if one["id"] in ("t1", "t2")]
    assert (some["onemap"]["count"], some["onemap"]["matched"]) == (len(whole), 2)


def test_counts_say_what_is_drawn_of_what_is_in_view(ask: Any) -> None:
    whole = ask("layers/teams.geojson")["onemap"]["count"]
    found = ask("layers/teams/tiles/counts", bbox="100,20,130,50", zoom=TILES_MAX_ZOOM)
    assert found == {"count": whole, "matched": whole, "in_view": whole, "drawn": whole}
    assert ask("layers/teams/tiles/counts", bbox="1,2,3,4", zoom=0)["in_view"] == 0


def test_a_tile_changes_with_its_rows(own_town: District) -> None:
    client = browser(create_app(Settings(), "", district=own_town))
    address = f"{ENTERPRISES}/tiles/0/0/0.mvt"
    before = client.get(address)
    frame = own_town.view().frame("enterprise")
    other = frame[["id", "name", "geometry"]].assign(risk_level="low")
    import_frame(own_town.store, "enterprises", other, **STAMP)
    after = client.get(address, headers={"If-None-Match": before.headers["ETag"]})
    assert after.status_code == 200
    assert b"low" in after.data
    assert b"low" not in before.data
