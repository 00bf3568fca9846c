"""The pages: the one map, the atlas, the base tiles."""

import gzip
import hashlib
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any

from flask import Flask, Response, current_app, redirect, render_template, request, session, url_for
from flask_babel import Babel
from flask_wtf.csrf import generate_csrf
from werkzeug.wrappers import Response as BaseResponse

from data.kinds import DEPOT_LEVELS, ORDER_STATES, RISK_LEVELS, SKILLS, STAYS, TEAM_TYPES
from data.settings import Settings
from geo.errors import Forbidden, InputError, NotFound, Unauthenticated, Unavailable
from layers import html, tiles
from layers.actions import accounts
from layers.analyses.zoning import SCHEME_HAZARDS
from layers.catalogue import LAYERS, LEVEL_COLORS, REASON_TEXTS, ROAD_CLASS_TEXTS
from layers.district import District
from layers.fonts import SheetFonts
from layers.layer import Computed, Lang, Text, choice_texts
from layers.permissions import ACTIONS, ROLE_TEXTS, may, may_somewhere
from layers.whatif.layers import SHELTER_OUT
from layers.zoning import runs
from layers.zoning.result import LEVEL_TEXTS
from layers.zoning.scheme import SHIPPED, shipped_scheme
from web import map_link, texts
from web.auth import (
    ANONYMOUS,
    CSRF_HEADER,
    PUBLIC,
    Serving,
    account_of_request,
    actor_of_request,
    begin_session,
    known_browser,
    needs,
    role_of_request,
    safe_target,
    session_id,
    session_secret,
)
from web.kept import Answer, Kept, accepts_gzip, respond
from web.problems import problem_body

# The atlas carries all it needs inside; it may run that and nothing else, apart from this site.
ATLAS_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' data:; style-src 'unsafe-inline' data:; "
    "img-src data: blob:; font-src data:; frame-ancestors 'none'; sandbox allow-scripts allow-downloads"
)
_COOKIE = "lang"
_THEME_COOKIE = "theme"
_THEMES = ("auto", "light", "dark")
_YEAR_S = 365 * 86_400


def language() -> Lang:
    """Chinese unless the address or the cookie asks for English."""
    wanted = request.args.get("lang") or request.cookies.get(_COOKIE)
    return "en" if wanted == "en" else "zh"


def chosen_theme() -> str:
    """What the address or the cookie asks for: light, dark, or auto for what the visitor's system has."""
    for wanted in (request.args.get("theme"), request.cookies.get(_THEME_COOKIE)):
        if wanted in _THEMES:
            return str(wanted)
    return "auto"


def _locale() -> str:
    return "en" if language() == "en" else "zh_Hans_CN"


_ZONING_PARTS = {
    "zoning": Text("综合风险等级", "Composite level"),
    "zones": Text("风险区划", "Risk zones"),
    "prevention": Text("防治区划", "Prevention zoning"),
    "streets_risk": Text("街道等级", "Level by street"),
}


def _zoning_config(lang: Lang) -> dict[str, Any]:
    """The shipped schemes with their hazards and layers, and how the levels are named and coloured."""
    schemes = []
    for name in SHIPPED:
        scheme = shipped_scheme(name)
        schemes.append(
            {
                "id": name,
                "title": scheme.title.to(lang),
                "hazards": {hazard.id: hazard.title.to(lang) for hazard in scheme.hazards},
                "layers": [[f"{part}_{name}", title.to(lang)] for part, title in _ZONING_PARTS.items()],
                "hazard_layers": [
                    [f"hazard_{hazard.id}", hazard.title.to(lang)]
                    for hazard in scheme.hazards
                    if hazard.id in SCHEME_HAZARDS[name]
                ],
            }
        )
    areas = [
        layer.id for layer in LAYERS.values() if isinstance(layer.source, Computed) and layer.geometry == "polygon"
    ]
    return {
        "schemes": schemes,
        "sheets": True,
        "combined": [["zoning_combined", LAYERS["zoning_combined"].title.to(lang)]],
        "area_layers": areas,
        "levels": {str(k): {"name": LEVEL_TEXTS[k].to(lang), "color": color} for k, color in LEVEL_COLORS.items()},
    }


def live_config(district: District, lang: Lang, *, revision: int) -> dict[str, Any]:
    """What the scripts of every page need to know; it stands in the page as JSON.

    What the page shows is of `revision` or newer: from there on the event stream tells it.
    """
    return {
        "lang": lang,
        "timezone": str(district.timezone),
        "revision": revision,
        "drawn": str(runs.stamp(district)),
        "role": role_of_request(),
        "visitor": visitor(lang),
        "csrf": {"header": CSRF_HEADER, "token": generate_csrf()},
    }


def page_config(district: District, settings: Settings, lang: Lang) -> dict[str, Any]:
    """What the scripts of the map page need to know."""
    return {
        **live_config(district, lang, revision=district.revision),
        "district": district.name,
        "demo": district.demo,
        "bounds": list(district.bounds) if district.bounds else None,
        "limit_s": settings.limit_s,
        "skills": choice_texts(SKILLS, lang),
        "team_types": choice_texts(TEAM_TYPES, lang),
        "depot_levels": choice_texts(DEPOT_LEVELS, lang),
        "risk_levels": choice_texts(RISK_LEVELS, lang),
        "stays": choice_texts(STAYS, lang),
        "shelter_reasons": {code: text.to(lang) for code, text in SHELTER_OUT.items()},
        "road_classes": {code: text.to(lang) for code, text in ROAD_CLASS_TEXTS.items()},
        "order_states": choice_texts(ORDER_STATES, lang),
        "reasons": {code: text.to(lang) for code, text in REASON_TEXTS.items()},
        "zoning": _zoning_config(lang),
        "layers": {layer.id: layer.title.to(lang) for layer in LAYERS.values()},
        "texts": texts.for_scripts(),
        "worker": url_for("static", filename="vendor/maplibre/maplibre-gl-csp-worker.js"),
    }


def visitor(lang: Lang) -> dict[str, Any]:
    """Who asks, and what they may do somewhere; the page offers nothing else."""
    actor = actor_of_request()
    known = actor is not ANONYMOUS
    return {
        "id": actor.id,
        "name": actor.name,
        "role": actor.role,
        "role_name": ROLE_TEXTS[actor.role].to(lang),
        "logged_in": known,
        "depot_id": actor.depot_id,
        "street": actor.street,
        "may": [
            name for name, action in ACTIONS.items() if may_somewhere(actor, name) and (known or not action.changes)
        ],
    }


def sheet_fonts() -> SheetFonts:
    """The fonts of printed sheets from the folder of browser libraries."""
    folder = Path(__file__).parent / "static" / "vendor" / "fonts"
    return SheetFonts(folder / "NotoSansSC-Regular.ttf", folder / "NotoSansSC-Bold.ttf")


def leaflet_files(folder: Path) -> html.LeafletFiles:
    """The files of the atlas from the folder of browser libraries."""
    try:
        return html.LeafletFiles(
            (folder / "leaflet.js").read_text(encoding="utf-8"),
            (folder / "leaflet.css").read_text(encoding="utf-8"),
            {path.name: path.read_bytes() for path in (folder / "images").iterdir()},
        )
    except FileNotFoundError as error:
        raise NotFound("the browser libraries are not there; run scripts/run once to fetch them") from error


def register(app: Flask, district: District, settings: Settings, serving: Serving) -> None:
    """Add the pages to the app."""
    app.config["BABEL_DEFAULT_LOCALE"] = "zh_Hans_CN"
    Babel(app, locale_selector=_locale)
    kept = Kept(32 * 2**20)
    assert app.static_folder is not None
    static = Path(app.static_folder)

    @app.context_processor
    def common() -> dict[str, Any]:
        lang = language()
        return {
            "lang": lang,
            "theme": chosen_theme(),
            "district": district,
            "role_name": lambda role: ROLE_TEXTS[role].to(lang),
            "can": lambda action: may(actor_of_request(), action),
        }

    @app.after_request
    def remember_choices(response: Response) -> Response:
        if request.path.startswith(("/api/", "/tiles/")):
            return response
        if request.args.get("lang") in ("zh", "en"):
            response.set_cookie(_COOKIE, request.args["lang"], max_age=_YEAR_S, samesite="Lax", httponly=True)
        if request.args.get("theme") in _THEMES:  # the switch of the page writes it as well
            response.set_cookie(_THEME_COOKIE, request.args["theme"], max_age=_YEAR_S, samesite="Lax")
        return response

    @app.get("/")
    @needs("map.read")
    def index() -> Response:
        config, status, screen = page_config(district, settings, language()), HTTPStatus.OK, ""
        try:
            screen = map_link.screen(request.args, district)
            map_link.require_layers(request.args, actor_of_request())
            config["supply"] = map_link.question(request.args, district)
            config["view"], problems = map_link.view(request.args, district, actor_of_request())
            if problems:
                raise problems[0]
        except (InputError, NotFound) as error:
            # The map is of use without the question; what is wrong with it stands above.
            config["problem"], status = problem_body(error, request.path), HTTPStatus(error.status)
        response = Response(
            render_template("map.html", config=config, screen=screen), status=status, mimetype="text/html"
        )
        response.headers["Cache-Control"] = "no-store"
        return response

    @app.get("/atlas")
    @needs("map.read")
    def atlas() -> Response:
        lang, role = language(), role_of_request()
        key = ("atlas", lang, role, district.refresh(), district.now().strftime("%Y%m%d%H%M"))

        def make() -> Answer:
            files = leaflet_files(static / "vendor" / "leaflet")
            page = html.atlas(district, leaflet=files, role=role, lang=lang)
            return Answer(page.encode(), "text/html; charset=utf-8")

        response = respond(kept.answer(key, make))
        response.headers["Content-Security-Policy"] = ATLAS_POLICY
        return response

    @app.get("/healthz")
    @needs(PUBLIC)
    def healthz() -> dict[str, Any]:
        return {"ok": True, "revision": district.refresh()}

    @app.get("/favicon.ico")
    @needs(PUBLIC)
    def favicon() -> BaseResponse:
        return redirect(url_for("static", filename="icon.svg"), 301)

    @app.get("/tiles/base/<int:z>/<int:x>/<int:y>.pbf")
    @needs("map.read")
    def base_tile(z: int, x: int, y: int) -> Response:
        if request.args:
            raise InputError(f"{next(iter(request.args))}: a tile takes no parameters")
        return tile_response(district, z, x, y, tiles.base_tile)

    app.add_url_rule("/tiles/base/<path:rest>", "not_a_tile", _not_a_tile)
    _log_in_pages(app, district, serving)


def _log_in_pages(app: Flask, district: District, serving: Serving) -> None:
    """Log-in, log-out and the own password: plain forms that need no script."""

    def form(template: str, status: int = 200, **values: Any) -> Response:
        response = Response(render_template(template, **values), status=status, mimetype="text/html")
        response.headers["Cache-Control"] = "no-store"
        return response

    @app.get("/login")
    @needs(PUBLIC)
    def login() -> Response:
        return form("login.html", wrong="", name="", target=safe_target(request.args.get("next")))

    @app.post("/login")
    @needs(PUBLIC)
    def login_post() -> BaseResponse:
        name, target = request.form.get("name", ""), safe_target(request.form.get("next"))
        try:
            opened = accounts.log_in(
                district,
                name,
                request.form.get("password", ""),
                address=request.remote_addr,
                demo=serving.is_local and district.demo,
                browser=known_browser(),
            )
        except Unauthenticated:
            return form("login.html", HTTPStatus.UNAUTHORIZED, wrong="wrong", name=name[:40], target=target)
        except Unavailable:
            return form("login.html", HTTPStatus.SERVICE_UNAVAILABLE, wrong="busy", name=name[:40], target=target)
        begin_session(opened)
        return redirect(url_for("password") if opened.account.must_change else target, 303)

    @app.post("/logout")
    @needs("self.manage")
    def logout() -> BaseResponse:
        secret, streams = session_secret(), current_app.extensions["onemap_events"]
        if secret is not None:
            ended = session_id()
            accounts.log_out(district, actor_of_request(), secret)
            if ended is not None:
                streams.end_session(ended)
        session.clear()
        return redirect("/login" if not (serving.is_local and district.demo) else "/", 303)

    @app.get("/password")
    @needs("self.manage")
    def password() -> Response:
        return form("password.html", wrong="")

    @app.post("/password")
    @needs("self.manage")
    def password_post() -> BaseResponse:
        if account_of_request() is None:
            raise Forbidden("self.manage: a token has no password")
        old, new, again = (request.form.get(field, "") for field in ("old", "new", "again"))
        if new != again:
            return form("password.html", HTTPStatus.UNPROCESSABLE_ENTITY, wrong="again")
        try:
            opened = accounts.change_own_password(district, actor_of_request(), old, new, browser=known_browser())
        except Forbidden:
            return form("password.html", HTTPStatus.FORBIDDEN, wrong="old")
        except InputError:
            return form("password.html", HTTPStatus.UNPROCESSABLE_ENTITY, wrong="new")
        begin_session(opened)
        return redirect("/", 303)


@needs("map.read")
def _not_a_tile(rest: str) -> Response:
    raise NotFound(f"there is no tile {rest}; a tile is Z/X/Y.pbf with whole numbers")


TileSource = Callable[[District, int, int, int], bytes | None]


def tile_response(district: District, z: int, x: int, y: int, source: TileSource) -> Response:
    """One gzipped vector tile; 204 where there is nothing to draw."""
    tag = hashlib.blake2b(f"{tiles.base_tag(district)}/{z}/{x}/{y}".encode(), digest_size=12).hexdigest()
    body = source(district, z, x, y)
    if body is None:
        response = Response(status=204)
    else:
        response = Response(
            body if accepts_gzip() else gzip.decompress(body),
            content_type="application/vnd.mapbox-vector-tile",
        )
        if accepts_gzip():
            response.headers["Content-Encoding"] = "gzip"
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Vary"] = "Accept-Encoding, Cookie, Authorization"
    response.set_etag(tag, weak=True)
    if body is not None:
        response.make_conditional(request)
    return response
