"""The edge: Flask app, API, pages, command line. Parse, call, render."""

from typing import TYPE_CHECKING

from flask import Flask, Response

from data.settings import Settings

if TYPE_CHECKING:
    from layers.district import District

# Styles that scripts set one by one are allowed by CSP; style attributes in HTML and inline scripts are not.
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "worker-src 'self'; connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)


def create_app(settings: Settings, store_url: str, *, district: "District | None" = None) -> Flask:
    """The app over one store; `district` may be handed in (tests), else it is opened here."""
    from data.store import Store
    from layers.district import District
    from web import api, auth, events, pages, problems

    if district is None:
        district = District(Store(store_url), snap_m=settings.snap_m)
    app = Flask(__name__)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.extensions["onemap"] = district
    problems.register(app)
    auth.register(app)
    events.register(app, district, cap=settings.listeners)
    pages.register(app, district, settings)
    app.register_blueprint(api.blueprint(district, settings))

    @app.after_request
    def safe_headers(response: Response) -> Response:
        response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Referrer-Policy", "same-origin")
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        return response

    return app
