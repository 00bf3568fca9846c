"""Errors as RFC 9457 problem details; a page gets the same facts as a page."""

import json
import logging
import uuid
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, render_template, request
from flask.globals import request_ctx
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from geo.errors import OneMapError
from web.texts import for_scripts

log = logging.getLogger("onemap.web")

MEDIA_TYPE = "application/problem+json"

_LIKE = {
    400: "input",
    404: "not-found",
    409: "conflict",
    413: "too-large",
    415: "input",
    422: "input",
    503: "unavailable",
}
"""The code whose title and remedy a page shows where a status has none of its own."""


def problem_body(error: OneMapError, instance: str) -> dict[str, Any]:
    """The problem details of an error raised on purpose."""
    body: dict[str, Any] = {
        "type": f"urn:onemap:problem:{error.code}",
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "instance": instance,
        "code": error.code,
    }
    rows = getattr(error, "rows", None)
    return {**body, "rows": rows} if rows else body


def wants_page() -> bool:
    """Whether the answer is for a person, as a page, and not for a program."""
    if request_ctx.url_adapter is None:  # a Host header that is none: no page can name an address
        return False
    return not request.path.startswith(("/api/", "/tiles/", "/static/")) and (
        request.accept_mimetypes.best_match(["application/json", "text/html"]) == "text/html"
    )


def _page(body: dict[str, Any], said: str, remedy: str | None) -> str:
    """The problem as a page: what it is, what was said of it, what to do."""
    texts = for_scripts()
    code = body["code"] if f"problem.{body['code']}" in texts else _LIKE.get(body["status"], "other")
    remedy = remedy or texts.get(f"remedy.{code}", texts["remedy.other"])
    return render_template("error.html", problem=body, title=texts[f"problem.{code}"], remedy=remedy, said=said)


def _answer(body: dict[str, Any], said: str, remedy: str | None = None) -> Response:
    if wants_page():
        # Who is not logged in gets the log-in in the place of the page, and the page afterwards.
        target = request.full_path.rstrip("?") if request.method == "GET" else "/"
        page = (
            render_template("login.html", wrong="", name="", target=target)
            if body["status"] == HTTPStatus.UNAUTHORIZED
            else _page(body, said, remedy)
        )
        response = Response(page, mimetype="text/html")
    else:
        response = Response(json.dumps(body, ensure_ascii=False), content_type=MEDIA_TYPE)
    response.status_code = int(body["status"])
    response.headers["Cache-Control"] = "no-store"
    if body["status"] == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = 'Bearer realm="onemap"'
    return response


def _unknown(error: BaseException) -> Response:
    """Log an error nobody foresaw under a urn; only the urn leaves the house."""
    urn = uuid.uuid4().urn
    log.error("%s %s %s", urn, request.method, request.path, exc_info=error)
    body = {
        "type": "about:blank",
        "title": "Internal error",
        "status": 500,
        "detail": f"Something went wrong here; the log has it under {urn}. Try again, then report it.",
        "instance": urn,
        "code": "internal",
    }
    return _answer(body, urn)


def register(
    app: Flask, *, on_refusal: Callable[[OneMapError], None], said: Callable[[str], str] = lambda detail: detail
) -> None:
    """Answer every error of the app with problem details; `on_refusal` is told what was not permitted.

    `said` says a detail in the language of the request; a program reads `detail`, which is English always.
    """

    @app.errorhandler(OneMapError)
    def known(error: OneMapError) -> Response:
        after_s = getattr(error, "retry_after_s", None)
        if error.status >= 500 and after_s is None:
            log.error("%s: %s", request.path, error.detail, exc_info=error)
        if error.status == HTTPStatus.FORBIDDEN:
            on_refusal(error)
        words = said(error.detail)
        # Who may do it, and only sent an old page, needs no administrator.
        remedy = _("刷新页面后再试。") if isinstance(error.__cause__, CSRFError) else None
        response = _answer({**problem_body(error, request.path), "said": words}, words, remedy)
        if after_s is not None:
            response.headers["Retry-After"] = str(after_s)
        return response

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> Response:
        if error.code is not None and error.code < 400:
            return error.get_response(request.environ)  # type: ignore[return-value]
        status = HTTPStatus(error.code or 500)
        # The only one of these that we raise ourselves, with a sentence of our own.
        why = error.description if status == HTTPStatus.UNSUPPORTED_MEDIA_TYPE else status.description
        words, remedy = f"{request.method} {request.path}", None
        if status != HTTPStatus.NOT_FOUND:
            remedy = _("回到上一页再试。")
        if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            words = _("交来的超过 %(most)s 字节, 收不下。", most=f"{app.config['MAX_CONTENT_LENGTH']:,}")
            remedy = _("分成几份再交。")
            why = f"the request is larger than {app.config['MAX_CONTENT_LENGTH']:,} bytes, the most that is taken"
        response = _answer(
            {
                "type": "about:blank",
                "title": status.phrase,
                "status": int(status),
                "detail": f"{request.method} {request.path}: {why or status.phrase}.",
                "instance": request.path,
                "code": status.phrase.lower().replace(" ", "-"),
            },
            words,
            remedy,
        )
        for name, value in error.get_headers(request.environ):
            if name == "Allow":
                response.headers[name] = value
        return response

    @app.errorhandler(Exception)
    def unknown(error: Exception) -> Response:
        return _unknown(error)

    app.wsgi_app = _PanicGuard(app, app.wsgi_app)  # type: ignore[method-assign]


class _PanicGuard:
    """A panic inside native code is no ordinary Exception; without this the connection would hang."""

    def __init__(self, app: Flask, inner: Callable[..., Iterable[bytes]]) -> None:
        self.app, self.inner = app, inner

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        try:
            return self.inner(environ, start_response)
        except (Exception, SystemExit, KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as panic:
            with self.app.request_context(environ):
                return _unknown(panic)(environ, start_response)
