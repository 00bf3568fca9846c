"""The phone in the field: its page, the files that it keeps to work offline, and the service worker that keeps them."""

import hashlib
import json
import mimetypes
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from flask import Flask, Response, render_template, url_for
from flask_wtf.csrf import generate_csrf

from data.settings import Settings
from geo.errors import NotFound
from layers import query
from layers.district import District
from web import texts_field
from web.auth import CSRF_HEADER, PUBLIC, needs
from web.endpoint import Endpoint, Question
from web.kept import Answer, respond
from web.pages import language, page_config, visitor
from web.schemas import TEXT

FILES = "/field/files"
"""Under it stand the files of the page, by a version that is made of their content: one address, one content."""

LAYERS = ("closures", "shelters", "hospitals", "depots", "teams", "vehicles")
"""The layers that matter to a crew, the lowest first."""

_SCRIPTS = ("js/field/main.js", "js/field/worker.js")
_OTHERS = (
    "colours.css",
    "onemap.css",
    "field.css",
    "field_offline.html",
    "icon.svg",
    "vendor/maplibre/maplibre-gl.css",
    "vendor/maplibre/maplibre-gl-csp.js",
    "vendor/maplibre/maplibre-gl-csp-worker.js",
)
_IMPORT = re.compile(r"""(?:from|^import) "(\.[^"]+)";""", re.MULTILINE)
_CONFIG = (
    "lang",
    "timezone",
    "visitor",
    "csrf",
    "district",
    "demo",
    "bounds",
    "order_states",
    "skills",
    "shelter_reasons",
)
_LONGEST_AGE_S = 365 * 86_400


@dataclass(frozen=True)
class Shell:
    """What the page is made of, by its name under `web/static/`, as it was when the server started."""

    files: Mapping[str, Answer]

    @cached_property
    def version(self) -> str:
        """A text that changes when the content of a file does."""
        tags = sorted((name, answer.tag) for name, answer in self.files.items())
        return hashlib.blake2b(json.dumps(tags).encode(), digest_size=8).hexdigest()

    def address(self, name: str) -> str:
        """Where a file is fetched from."""
        if name not in self.files:
            raise LookupError(f"{name}: not among the files of the page in the field")
        return f"{FILES}/{self.version}/{name}"


def read_shell(static: Path) -> Shell:
    """The page's files from the folder of static files; NotFound says which one is not there."""
    names = dict.fromkeys((*_OTHERS, *(name for script in _SCRIPTS for name in _modules(static, script, set()))))
    return Shell({name: Answer(_content(static, name), _media_type(name)) for name in names})


def _modules(static: Path, name: str, seen: set[str]) -> Iterator[str]:
    """A script, and every one that it imports."""
    if name in seen:
        return
    seen.add(name)
    yield name
    for found in _IMPORT.findall(_content(static, name).decode("utf-8")):
        yield from _modules(static, posixpath.normpath(posixpath.join(posixpath.dirname(name), found)), seen)


def _content(static: Path, name: str) -> bytes:
    try:
        return (static / name).read_bytes()
    except FileNotFoundError:
        raise NotFound(f"{name} is not there; run scripts/run once to fetch the browser libraries") from None


def _media_type(name: str) -> str:
    found = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return "text/javascript; charset=utf-8" if name.endswith(".js") else found


def who(q: Question) -> dict[str, Any]:
    """Who asks, the token that a change of theirs carries, and the server's clock."""
    return {
        **visitor(language()),
        "csrf": {"header": CSRF_HEADER, "token": generate_csrf()},
        "keep_keys_days": q.settings.keep_keys_days,
        "now": q.district.now().isoformat(),
    }


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        "/who",
        "Who asks, what they may do, the token that a change carries, and the server's clock",
        who,
        (),
        {"type": "object", "required": ["id", "logged_in", "csrf", "now"], "properties": {"id": TEXT}},
        action="map.read",
    ),
)


def register(app: Flask, district: District, settings: Settings) -> None:
    """Add the page, its files, its service worker and its manifest to the app."""
    assert app.static_folder is not None
    static = Path(app.static_folder)

    @cache
    def shell() -> Shell:
        return read_shell(static)

    @app.get("/field")
    @needs("map.read")
    def field() -> Response:
        found, lang = shell(), language()
        everything = page_config(district, settings, lang)
        config = {
            **{name: everything[name] for name in _CONFIG},
            "layers": [layer for layer in LAYERS if layer in query.permitted(visitor(lang)["role"])],
            "texts": texts_field.chosen(everything["texts"]),
            "worker": found.address("vendor/maplibre/maplibre-gl-csp-worker.js"),
        }
        page = render_template("field.html", config=config, file=found.address)
        response = Response(page, mimetype="text/html")
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Field-Version"] = found.version
        return response

    @app.get(f"{FILES}/<version>/<path:name>")
    @needs(PUBLIC)
    def field_file(version: str, name: str) -> Response:
        found = shell()
        if version != found.version or name not in found.files:
            raise NotFound(f"{FILES}/{version}/{name}: the page in the field is of version {found.version}")
        response = respond(found.files[name])
        response.headers["Cache-Control"] = f"public, max-age={_LONGEST_AGE_S}, immutable"
        response.headers["Vary"] = "Accept-Encoding"
        return response

    @app.get("/sw.js")
    @needs(PUBLIC)
    def service_worker() -> Response:
        found = shell()
        what = json.dumps({"version": found.version, "files": [found.address(name) for name in found.files]})
        text = f'import {{ start }} from "{found.address("js/field/worker.js")}";\nstart({what});\n'
        response = Response(text, content_type="text/javascript; charset=utf-8")
        response.headers["Cache-Control"] = "no-cache"
        return response

    @app.get("/field/manifest.webmanifest")
    @needs(PUBLIC)
    def manifest() -> Response:
        found = {
            "id": "/field",
            "name": f"{district.name} · 现场",
            "short_name": "一张图现场",
            "lang": "zh-CN",
            "start_url": "/field",
            "scope": "/",
            "display": "standalone",
            "background_color": "#eef2f5",
            "theme_color": "#12324f",
            "icons": [
                {
                    "src": url_for("static", filename="icon.svg"),
                    "sizes": "any",
                    "type": "image/svg+xml",
                    "purpose": "any",
                }
            ],
        }
        return Response(json.dumps(found, ensure_ascii=False), content_type="application/manifest+json")
