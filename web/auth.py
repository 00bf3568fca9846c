"""Who asks, what they may, and by which name the server may be called. Every request passes here first.

A person carries a cookie with the secret of a server-side session, a device the header
``Authorization: Bearer TOKEN``. Every route declares its action of `layers.permissions.ACTIONS`, or that
it is public; one that declares nothing is answered to nobody.
"""

import contextlib
import ipaddress
import logging
import os
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flask import Flask, Request, Response, after_this_request, current_app, redirect, request, session
from flask.sessions import SecureCookieSessionInterface
from flask_login import LoginManager, UserMixin, current_user
from flask_wtf.csrf import CSRFError, CSRFProtect, generate_csrf
from itsdangerous import URLSafeTimedSerializer
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wrappers import Response as BaseResponse

from data.accounts import KNOWN_FOR, LOCKED_FOR, MAX_FAILURES, MAX_PASSWORD, MIN_PASSWORD, Account, secret_hash
from geo.errors import Forbidden, OneMapError, Unauthenticated
from layers import permissions
from layers.actions import accounts, gate
from layers.actions.accounts import LoggedIn
from layers.district import District
from layers.layer import Role
from layers.permissions import ACTIONS, Actor
from web.problems import wants_page

V = TypeVar("V", bound=Callable[..., Any])

FIRST_ROLE: Role = "viewer"
"""The role of whoever has not logged in, where that is allowed at all."""

PUBLIC = "public"
"""What a route declares instead of an action when it is open to everybody: log-in, health, static files."""

ANONYMOUS = Actor("anonymous", "", FIRST_ROLE)
"""Somebody on this machine before a demo district."""

_EVERY_ADDRESS = ("0.0.0.0", "::")
CSRF_HEADER = "X-CSRFToken"
_LONGEST_SECRET = 200
_SECRET = "secret"  # the name in the cookie under which the session's secret stands
_DISTRICT = "onemap"
_SERVING = "onemap.serving"
_log = logging.getLogger("onemap.web")


@lru_cache(maxsize=1_000)
def is_loopback(host: str) -> bool:
    """Whether a host name or address (without port) is this machine itself."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


@dataclass(frozen=True)
class Serving:
    """How the server is reached: its address and further names, with TLS or behind a proxy that has it."""

    host: str = "127.0.0.1"
    port: int = 0
    names: tuple[str, ...] = ()
    tls: bool = False
    behind_proxy: bool = False

    @property
    def is_local(self) -> bool:
        """Whether nobody but this machine itself can ask."""
        return is_loopback(self.host) and not self.behind_proxy

    @property
    def is_encrypted(self) -> bool:
        """Whether the browser speaks TLS, so that cookies may be kept to it."""
        return self.tls or self.behind_proxy

    def answers_to(self, name: str) -> bool:
        """Whether a request for this host name is answered.

        A page elsewhere may point a name of its own at this server and read what the browser
        fetches (DNS rebinding). An address cannot be pointed anywhere.
        """
        name = name.lower().rstrip(".")
        if name in {known.lower() for known in (self.host, *self.names)}:
            return True
        if self.is_local:
            return is_loopback(name)
        if self.behind_proxy:
            return is_loopback(name) or _is_address(name)
        return self.host in _EVERY_ADDRESS and _is_address(name)


@dataclass(frozen=True)
class Visitor(UserMixin):  # type: ignore[misc]
    """Whoever asks, as Flask-Login keeps it for the time of a request."""

    actor: Actor
    account: Account | None = None

    def get_id(self) -> str:
        """The actor's id; sessions are found by their secret, not by this."""
        return self.actor.id


# -- what a route declares --------------------------------------------------------------------------


def needs(action: str) -> Callable[[V], V]:
    """Declare what a route does, by an action of `ACTIONS` or `PUBLIC`; the decorator below the route's."""
    if action != PUBLIC and action not in ACTIONS:
        raise LookupError(f"action={action}: not in layers.permissions.ACTIONS")

    def declare(view: V) -> V:
        view.action = action  # type: ignore[attr-defined]
        return view

    return declare


def action_of(app: Flask, endpoint: str) -> str | None:
    """What the route behind an endpoint declares; None for one that declares nothing."""
    return getattr(app.view_functions.get(endpoint), "action", None)


# -- who asks ---------------------------------------------------------------------------------------


def actor_of_request() -> Actor:
    """Who asks; Unauthenticated where nobody has logged in and that is needed."""
    visitor = current_user._get_current_object()  # every look through the proxy costs as much as the answer
    if visitor.is_authenticated:
        found: Actor = visitor.actor
        return found
    if _bearer(request) is not None:
        raise Unauthenticated("the token is unknown, expired or revoked; `onemap token add` makes another one")
    serving: Serving = current_app.extensions[_SERVING]
    if serving.is_local and current_app.extensions[_DISTRICT].demo:
        return ANONYMOUS
    raise Unauthenticated("nobody is logged in; log in at /login, or send a token in the Authorization header")


def role_of_request() -> Role:
    """The role of whoever asks."""
    return actor_of_request().role


def account_of_request() -> Account | None:
    """The account that is logged in; None for nobody and for a device."""
    visitor = current_user._get_current_object()
    found: Account | None = visitor.account if visitor.is_authenticated else None
    return found


def session_secret() -> str | None:
    """The secret of the session in the cookie."""
    return session.get(_SECRET)


def session_id() -> str | None:
    """The id of the session that is logged in, as the database has it; None for nobody and for a device."""
    secret = session_secret()
    return secret_hash(secret) if secret is not None and account_of_request() is not None else None


def begin_session(opened: LoggedIn) -> None:
    """Put a new session into the cookie in the place of whatever was there, and let the browser be known."""
    session.clear()
    session[_SECRET] = opened.secret

    @after_this_request
    def know(response: Response) -> Response:
        response.set_cookie(
            _browser_cookie(),
            opened.browser,
            max_age=KNOWN_FOR,
            secure=current_app.config["SESSION_COOKIE_SECURE"],
            httponly=True,
            samesite="Strict",
        )
        return response


def known_browser() -> str | None:
    """The secret that an earlier log-in left in this browser."""
    found = request.cookies.get(_browser_cookie())
    return found if found and len(found) <= _LONGEST_SECRET else None


def _browser_cookie() -> str:
    return f"{current_app.config['SESSION_COOKIE_NAME']}_known"


def _bearer(request: Request) -> str | None:
    """The token that the request carries; None for one without."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _visitor(request: Request) -> Visitor | None:
    district: District = current_app.extensions[_DISTRICT]
    token = _bearer(request)
    if token is not None:  # then the cookie does not count
        actor = accounts.token_actor(district, token, address=request.remote_addr)
        return None if actor is None else Visitor(actor)
    secret = session_secret()
    account = accounts.session_account(district, secret) if secret else None
    serving: Serving = current_app.extensions[_SERVING]
    if account is None or (account.demo and not (serving.is_local and district.demo)):
        return None
    return Visitor(accounts.actor_of(account, address=request.remote_addr), account)


def safe_target(wanted: str | None) -> str:
    """Where to go after the log-in: a page of this server, or the map whenever there is the least doubt."""
    if not wanted or not wanted.startswith("/") or wanted[1:2] in ("/", "\\") or not wanted.isprintable():
        return "/"
    parts = urlsplit(wanted)
    if "\\" in wanted or parts.scheme or parts.netloc:
        return "/"
    try:
        endpoint, _ = current_app.url_map.bind("localhost").match(parts.path, method="GET")
    except HTTPException:
        return "/"
    return "/" if action_of(current_app, endpoint) in (None, PUBLIC) else wanted


# -- the gate before every request ------------------------------------------------------------------


class _CookieSessions(SecureCookieSessionInterface):
    """Flask's own, with one signer for all requests in the place of a new one for each."""

    _signer: URLSafeTimedSerializer | None = None

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        self._signer = self._signer or super().get_signing_serializer(app)
        return self._signer


class _Csrf(CSRFProtect):  # type: ignore[misc]
    """Flask-WTF's own; a token in the header is found without reading the body as a form."""

    def _get_csrf_token(self) -> str | None:
        found: str | None = request.headers.get(CSRF_HEADER) or super()._get_csrf_token()
        return found


def register(app: Flask, district: District, serving: Serving) -> None:
    """Put the gate before every request of the app."""
    app.session_interface = _CookieSessions()
    app.extensions[_SERVING] = serving
    app.secret_key = _cookie_key(district.cache)
    name = f"onemap_{serving.port}" if serving.port else "onemap"  # cookies do not tell ports apart
    app.config.update(
        SESSION_COOKIE_NAME=f"__Host-{name}" if serving.is_encrypted else name,
        SESSION_COOKIE_SECURE=serving.is_encrypted,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        WTF_CSRF_CHECK_DEFAULT=False,
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session
        WTF_CSRF_HEADERS=[CSRF_HEADER],
    )
    if serving.behind_proxy:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1)  # type: ignore[method-assign]
    logins = LoginManager(app)
    logins.session_protection = None  # it would compare the browser's name, which is no secret
    logins.request_loader(_visitor)
    csrf = _Csrf(app)
    needs(PUBLIC)(app.view_functions["static"])

    @app.before_request
    def before_every_request() -> BaseResponse | None:
        _require_host(serving)
        if request.endpoint is None:
            return None
        action = action_of(app, request.endpoint)
        if action is None:
            raise Forbidden(f"{request.path}: the route does not say who may use it")
        if action != PUBLIC:
            left = _require_action(action)
            if left is not None:
                return left
        if _bearer(request) is None:
            try:
                csrf.protect()
            except CSRFError as error:
                raise Forbidden(
                    "the request does not carry the token of this page; load the page again and repeat"
                ) from error
        return None

    @app.after_request
    def private(response: Response) -> Response:
        """What depends on who asks is kept by nobody in between."""
        if request.endpoint is None or action_of(app, request.endpoint) != PUBLIC:
            _add(response, "Cache-Control", ("private",))
            _add(response, "Vary", ("Cookie", "Authorization"))
        return response

    def demo_accounts() -> list[Account]:
        return accounts.demo_accounts(district.store) if serving.is_local and district.demo else []

    @app.context_processor
    def about_visitor() -> dict[str, Any]:
        """Functions, so that a page that shows an error asks the database nothing."""
        return {
            "logged_in": account_of_request,
            "demo_accounts": demo_accounts,
            "demo_password": accounts.DEMO_PASSWORD,
            "csrf_token": generate_csrf,
            "lock_rule": (MAX_FAILURES, int(LOCKED_FOR.total_seconds() / 60)),
            "password_lengths": (MIN_PASSWORD, MAX_PASSWORD),
        }


def _add(response: Response, header: str, names: Sequence[str]) -> None:
    """Add to the names that a header lists already."""
    held = [one.strip() for one in response.headers.get(header, "").split(",") if one.strip()]
    known = {one.lower() for one in held}
    response.headers[header] = ", ".join((*held, *(name for name in names if name.lower() not in known)))


def _require_host(serving: Serving) -> None:
    if serving.is_local and request.remote_addr and not is_loopback(request.remote_addr):
        raise _unrecorded(f"{request.remote_addr} is not this machine; the map is served on the loopback address only")
    try:
        name = urlsplit(f"//{request.host}").hostname or ""
    except ValueError:
        name = ""
    if serving.answers_to(name):
        return
    if serving.is_local:
        raise _unrecorded("the Host header is not a loopback name; open http://127.0.0.1 on this machine")
    raise _unrecorded(f"the Host header {name[:100]!r} is no name of this server; start it with --name to add one")


def _unrecorded(text: str) -> Forbidden:
    """A refusal before anybody is known: anybody could fill the audit with it."""
    refusal = Forbidden(text)
    refusal.recorded = True
    return refusal


def _require_action(action: str) -> BaseResponse | None:
    actor = actor_of_request()
    if actor is ANONYMOUS and (ACTIONS[action].changes or not permissions.may_somewhere(actor, action)):
        raise Unauthenticated(f"{action}: nobody is logged in; log in at /login")
    account = account_of_request()
    if account is not None and account.must_change and action != "self.manage":
        if request.method == "GET" and wants_page():
            return redirect("/password", 303)
        raise Forbidden(f"{account.id}: the password must be changed first, at /password")
    permissions.require_somewhere(actor, action)
    return None


def record_refusal(error: OneMapError) -> None:
    """Write a refusal into the audit, unless it is there already or nobody is known to be refused."""
    if error.status != 403 or error.recorded or not current_user.is_authenticated:
        return
    try:
        gate.refuse(current_app.extensions[_DISTRICT], current_user.actor, f"{request.method} {request.path}", error)
    except OneMapError:
        _log.exception("a refusal could not be written into the audit")


def _cookie_key(folder: Path) -> str:
    """The key that signs cookies; kept beside the database so that a restart ends no session.

    It alone opens nothing: the secret in the cookie must be that of a session.
    """
    path = folder / "cookie.key"
    with contextlib.suppress(OSError):
        found = path.read_text(encoding="ascii").strip()
        if len(found) >= 32:
            return found
    made = secrets.token_hex(32)
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.{os.getpid()}.part")
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
            file.write(made)
        part.replace(path)
    return made
