"""The pages: languages, policy, tiles, nothing from outside."""

import gzip
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from flask import Flask
from flask.testing import FlaskClient

from data.settings import Settings
from layers import tiles
from layers.district import District
from tests.web.conftest import browser
from web import create_app, texts
from web.pages import ATLAS_POLICY, tile_response

FAMILIES = ("change", "col", "phase", "dim", "kind", "file", "cause")  # of texts that the zoning panel names by a value
WEB = Path(__file__).resolve().parents[2] / "web"


def config_of(page: str) -> dict[str, object]:
    found = re.search(r'<script type="application/json" id="config">(.*?)</script>', page, re.S)
    assert found is not None
    config: dict[str, object] = json.loads(found.group(1))
    return config


def test_chinese_unless_asked_otherwise(app: Flask) -> None:
    client = browser(app)
    assert "谁能到" in client.get("/", headers={"Accept-Language": "en"}).get_data(as_text=True)
    english = client.get("/?lang=en")
    assert "Who gets there" in english.get_data(as_text=True)
    assert 'lang="en"' in english.get_data(as_text=True)
    again = client.get("/").get_data(as_text=True)
    assert "Who gets there" in again, "the cookie remembers the language"
    assert config_of(again)["texts"]["again"] == "Try again"  # type: ignore[index]
    assert "谁能到" in client.get("/?lang=zh").get_data(as_text=True)
    assert "谁能到" in client.get("/?lang=xx", headers={"Cookie": ""}).get_data(as_text=True)


def test_every_text_is_translated() -> None:
    with (WEB / "translations/en/LC_MESSAGES/messages.po").open("rb") as file:
        english = {message.id: message for message in read_po(file) if message.id}
    methods = [("**.py", "python"), ("templates/**.html", "jinja2")]
    found = {str(row[2]) for row in extract_from_dir(str(WEB), method_map=methods)}
    assert found
    assert {text for text in found if text not in english or not english[text].string} == set()
    assert set(map(str, english)) - found == set(), "translations of texts that are no more"
    for text, message in english.items():
        blanks = [set(re.findall(r"\{\w+\}|%\(\w+\)s", str(t))) for t in (text, message.string)]
        assert blanks[0] == blanks[1], text


def test_no_text_stands_inside_an_f_string() -> None:
    """It would not be found for translation."""
    assert [path.name for path in WEB.glob("*.py") if "{_(" in path.read_text(encoding="utf-8")] == []


def test_every_text_that_a_script_names_is_there(app: Flask) -> None:
    with app.test_request_context("/"):
        have = texts.for_scripts()
    named, written, begun = set(), set(), set()
    for path in (WEB / "static/js").glob("*.js"):
        script = path.read_text(encoding="utf-8")
        named |= set(re.findall(r"""(?<![\w.])t\(["']([\w.-]+)["']""", script))
        written |= set(re.findall(r"""["'`]([\w.-]+)["'`]""", script))  # t(a ? "b" : "c")
        begun |= set(re.findall(r"`([\w.-]+\.)\$\{", script))  # t(`state.${name}`)
    assert len(named) > 30
    assert named - set(have) == set()
    families = ("problem.", "remedy.", "refused.", "reach.col.", *(f"zoning.{k}." for k in FAMILIES))
    assert {key for key in have if not key.startswith((*families, *begun))} - named - written == set()


class Tags(HTMLParser):
    """Collects what a strict policy would refuse."""

    def __init__(self) -> None:
        super().__init__()
        self.bad: list[str] = []
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.bad += [f"{tag} {name}" for name in given if name == "style" or name.startswith("on")]
        if tag == "style" or (tag == "script" and "src" not in given and given.get("type") != "application/json"):
            self.bad.append(tag)
        self.loads += [str(given[name]) for name in ("src", "href") if given.get(name)]


def test_nothing_inline_and_nothing_from_outside(client: FlaskClient) -> None:
    response = client.get("/")
    page = response.get_data(as_text=True)
    tags = Tags()
    tags.feed(page)
    assert tags.bad == []
    assert tags.loads
    assert [url for url in tags.loads if not url.startswith(("/", "#"))] == []
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    for url in tags.loads:
        if url.startswith("/static/"):
            with client.get(url) as file:
                assert file.status_code == 200, f"{url} (run scripts/test once to fetch the libraries)"


def test_page_of_a_register_has_no_demo_badge(client: FlaskClient) -> None:
    assert 'class="demo"' not in client.get("/").get_data(as_text=True)


def test_district_name_is_escaped(town: District, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(town, "name", "</script><script>alert(1)</script>")
    page = browser(create_app(Settings(), "", district=town)).get("/").get_data(as_text=True)
    assert "<script>alert(1)" not in page
    assert config_of(page)["district"] == "</script><script>alert(1)</script>"


def test_tile_is_packed_and_known_again(client: FlaskClient, app: Flask, town: District) -> None:
    z, x, y = 12, 3422, 1663
    tile = client.get(f"/tiles/base/{z}/{x}/{y}.pbf", headers={"Accept-Encoding": "gzip"})
    assert tile.status_code == 200
    assert tile.headers["Content-Encoding"] == "gzip"
    assert tile.content_type == "application/vnd.mapbox-vector-tile"
    plain = client.get(f"/tiles/base/{z}/{x}/{y}.pbf")
    assert plain.data == gzip.decompress(tile.data)
    assert b"roads" in plain.data
    known = client.get(f"/tiles/base/{z}/{x}/{y}.pbf", headers={"If-None-Match": tile.headers["ETag"]})
    assert known.status_code == 304


def test_tile_of_nothing_is_no_content(client: FlaskClient) -> None:
    assert client.get("/tiles/base/12/1/1.pbf").status_code == 204
    assert client.get("/tiles/base/3/0/0.pbf").status_code == 204
    assert client.get("/tiles/base/12/999999/1.pbf").status_code == 204


@pytest.mark.parametrize("path", ["/tiles/base/a/b/c.pbf", "/tiles/base/1/2.pbf", "/tiles/base/1/2/-3.pbf"])
def test_no_tile_address_is_a_problem(path: str, client: FlaskClient) -> None:
    response = client.get(path)
    assert response.status_code == 404
    assert response.get_json()["code"] == "not-found"


def test_a_tile_takes_no_parameters(client: FlaskClient) -> None:
    assert client.get("/tiles/base/12/1/1.pbf?a=1").status_code == 422


def test_new_roads_make_new_tags(app: Flask, town: District, monkeypatch: pytest.MonkeyPatch) -> None:
    with app.test_request_context("/"):
        one = tile_response(town, 9, 1, 1, lambda *_: gzip.compress(b"x")).headers["ETag"]
        monkeypatch.setattr(tiles, "base_tag", lambda district: "base-99-0-0")
        two = tile_response(town, 9, 1, 1, lambda *_: gzip.compress(b"x")).headers["ETag"]
    assert one != two


def test_atlas_is_one_page_that_asks_for_nothing(client: FlaskClient) -> None:
    response = client.get("/atlas")
    assert response.status_code == 200
    assert response.headers["Content-Security-Policy"] == ATLAS_POLICY
    page = response.get_data(as_text=True)
    assert "小镇" in page
    assert not re.search(r"""(?:src|href)=["']?(?:https?:)?//""", page)
    assert "<script>alert(1)" not in page


def test_health(client: FlaskClient, town: District) -> None:
    assert client.get("/healthz").get_json() == {"ok": True, "revision": town.revision}
