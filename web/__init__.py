"""The edge: Flask app, API, pages, command line. Parse, call, render."""

from typing import TYPE_CHECKING

from flask import Flask, Response

from data.settings import Settings

if TYPE_CHECKING:
    from layers.district import District
    from web.auth import Serving

MAX_REQUEST_BYTES = 32 * 2**20
"""The largest request that is taken, bound included: a sheet to import, with room to spare."""

# Styles that scripts set one by one are allowed by CSP; style attributes in HTML and inline scripts are not.
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "worker-src 'self'; connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)


def create_app(
    settings: Settings, store_url: str, *, district: "District | None" = None, serving: "Serving | None" = None
) -> Flask:
    """The app over one store; `district` may be handed in (tests), else it is opened here.

    `serving` says how it is reached (None: on the loopback address).
    """
    from data.store import Store
    from layers.district import District
    from web import (
        admin,
        api,
        auth,
        board,
        evacuation_pages,
        events,
        field,
        guide_pages,
        lane,
        pages,
        problems,
        refusals,
        siting_pages,
        timing,
        whatif_pages,
    )
    from web.jobs import Jobs

    if district is None:
        district = District(Store(store_url), snap_m=settings.snap_m)
    app = Flask(__name__)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.extensions["onemap"] = district
    app.config["MAX_CONTENT_LENGTH"] = MAX_REQUEST_BYTES
    problems.register(
        app,
        on_refusal=auth.record_refusal,
        said=lambda detail: refusals.sentence(detail, pages.language(), district.timezone),
    )
    serving = serving or auth.Serving()
    jobs = Jobs()
    timing.register(app, district)
    lane.register(app)
    auth.register(app, district, serving)
    events.register(app, district, cap=settings.listeners)
    pages.register(app, district, settings, serving)
    field.register(app, district, settings)
    guide_pages.register(app)
    app.register_blueprint(board.blueprint(district))
    app.register_blueprint(whatif_pages.blueprint(district))
    app.register_blueprint(evacuation_pages.blueprint(district))
    app.register_blueprint(siting_pages.blueprint(district, jobs))
    app.register_blueprint(admin.blueprint(district))
    app.register_blueprint(api.blueprint(district, settings, jobs))

    @app.after_request
    def safe_headers(response: Response) -> Response:
        response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Referrer-Policy", "same-origin")
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        return response

    return app
