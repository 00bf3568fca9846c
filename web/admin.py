"""Pages of the administrator: accounts, tokens of devices, and who did what. Plain forms that need no script."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from data import accounts, audit, schema
from data.accounts import Account
from geo.errors import InputError
from layers import boards
from layers.actions import accounts as actions
from layers.analyses import dispatch
from layers.audit_texts import action_text
from layers.district import District
from layers.layer import ROLES
from layers.permissions import ACTIONS, ROLE_TEXTS, TOKEN_SCOPES
from web import board_forms as forms
from web.auth import actor_of_request, needs
from web.board import Pages, note_revision, view_of_its_own
from web.board_forms import Problem, Typed
from web.pages import language

SHOWN = 200
"""The newest rows of the audit on its page; the spreadsheet has more."""

IN_SHEET = 10_000
"""The most rows of the audit in a spreadsheet."""


def blueprint(district: District) -> Blueprint:
    """The pages under /admin over one district."""
    pages = Blueprint("admin", __name__, url_prefix="/admin")
    note_revision(pages, district)
    Admin(district).register(pages)
    return pages


class Admin:
    """The pages over one district."""

    def __init__(self, district: District) -> None:
        self.district, self.pages = district, Pages(district)

    def register(self, pages: Blueprint) -> None:
        """Add every route with the action that it takes."""

        def route(rule: str, view: Callable[..., Any], action: str = "account.manage", method: str = "GET") -> None:
            pages.add_url_rule(
                rule, view.__name__, needs(action)(view_of_its_own(view, view.__name__)), methods=[method]
            )

        def changes(rule: str, view: Callable[..., Any]) -> None:
            route(rule, view, method="POST")

        route("/accounts", self.accounts)
        changes("/accounts", self.add)
        route("/accounts/<account_id>", self.account)
        changes("/accounts/<account_id>/role", self.role)
        changes("/accounts/<account_id>/password", self.password)
        changes("/accounts/<account_id>/sessions", self.end_sessions)
        changes("/accounts/<account_id>/disable", self.disable)
        changes("/accounts/<account_id>/unlock", self.unlock)
        route("/tokens", self.tokens)
        changes("/tokens", self.add_token)
        changes("/tokens/<token_id>/revoke", self.revoke)
        route("/audit", self.audit, "audit.read")
        route("/audit.xlsx", self.audit_xlsx, "audit.read")

    def _page(self, template: str, problem: Problem | None, **values: Any) -> Response:
        lang = language()
        return self.pages.page(
            template,
            problem.status if problem else 200,
            follows={},  # accounts and the audit are in no log of changes
            problem=problem,
            outcomes={code: found.to(lang) for code, found in boards.AUDIT_OUTCOMES.items()},
            roles={role: ROLE_TEXTS[role].to(lang) for role in ROLES},
            **values,
        )

    # -- accounts -------------------------------------------------------------------------------------

    def accounts(
        self, problem: Problem | None = None, typed: Typed | None = None, told: Mapping[str, str] | None = None
    ) -> Response:
        """Every account with its role, where it is bound to, and its state; and the form for another one."""
        with self.district.store.reading() as conn:
            found = accounts.accounts(conn)
        now = self.district.now().astimezone(UTC)
        return self._page(
            "accounts",
            problem,
            rows=[{**actions.shown(one), "is_locked": one.is_locked(now)} for one in found],
            **self._places(),
            told=told,
            typed=typed or Typed(),
        )

    def add(self) -> BaseResponse:
        """Make an account; its password is shown this once."""
        name = forms.text("name") or ""

        def work(key: str) -> Response:
            identity = forms.required("account", _("账号"))
            made, password = actions.add_account(
                self.district, actor_of_request(), identity, name=name or identity, **self._role_typed(), key=key
            )
            return self.accounts(told=_told(made["id"], password))

        return self._attempt(work, lambda problem, typed: self.accounts(problem, typed), "add")

    def account(
        self,
        account_id: str,
        problem: Problem | None = None,
        typed: Typed | None = None,
        told: Mapping[str, str] | None = None,
    ) -> Response:
        """One account: role and place, password, sessions, and what was done to it."""
        now = self.district.now().astimezone(UTC)
        with self.district.store.reading() as conn:
            found = accounts.account(conn, account_id)
            open_sessions = accounts.sessions(conn, found.id, now_utc=now)
            last = audit.entries(conn, subject=found.id, limit=20)
        return self._page(
            "account",
            problem,
            account={**actions.shown(found), "is_locked": found.is_locked(now)},
            bound=_bound(found),
            sessions=open_sessions,
            entries=[_in_words(entry) for entry in last],
            **self._places(),
            told=told,
            typed=typed or Typed(),
        )

    def role(self, account_id: str) -> BaseResponse:
        """Give an account another role or place."""
        return self._change(
            account_id,
            "role",
            lambda key: actions.change_role(
                self.district, actor_of_request(), account_id, **self._role_typed(), key=key
            ),
        )

    def password(self, account_id: str) -> BaseResponse:
        """Give an account a new password, which is shown this once."""

        def work(key: str) -> Response:
            made, password = actions.reset_password(self.district, actor_of_request(), account_id, key=key)
            return self.account(account_id, told=_told(made["id"], password))

        return self._attempt(work, lambda problem, typed: self.account(account_id, problem, typed), "password")

    def end_sessions(self, account_id: str) -> BaseResponse:
        """End every session of an account."""
        return self._change(
            account_id,
            "sessions",
            lambda key: actions.end_sessions(self.district, actor_of_request(), account_id, key=key),
        )

    def disable(self, account_id: str) -> BaseResponse:
        """Let an account in no more."""
        return self._change(
            account_id,
            "disable",
            lambda key: actions.disable_account(self.district, actor_of_request(), account_id, key=key),
        )

    def unlock(self, account_id: str) -> BaseResponse:
        """Let an account in again."""
        return self._change(
            account_id,
            "unlock",
            lambda key: actions.unlock_account(self.district, actor_of_request(), account_id, key=key),
        )

    def _change(self, account_id: str, name: str, work: Callable[[str], Any]) -> BaseResponse:
        def change(key: str) -> BaseResponse:
            work(key)
            return redirect(url_for("admin.account", account_id=account_id, done=name), 303)

        return self._attempt(change, lambda problem, typed: self.account(account_id, problem, typed), name)

    def _attempt(
        self, work: Callable[[str], BaseResponse], again: Callable[[Problem, Typed], Response], form: str
    ) -> BaseResponse:
        """Do what a form asks; else the page again with what was typed."""
        try:
            return work(forms.key_of_form())
        except forms.REFUSED as error:
            return again(forms.problem_of(error, form, self.district.timezone), Typed(request.form, form))

    def _role_typed(self) -> dict[str, Any]:
        """The role of a form, and for a keeper the one place that was chosen."""
        role = request.form.get("role", "")
        bound = request.form.get("bound", "")
        what, _colon, place = bound.partition(":")
        return {
            "role": role,
            "street": place if what == "street" else None,
            "depot_id": place if what == "depot" else None,
        }

    def _places(self) -> dict[str, Any]:
        """Where a keeper may be bound to."""
        return {
            "depots": dispatch.depots(self.district),
            "streets": sorted(self.district.view().frame("street")["name"].astype(str)),
        }

    # -- tokens ---------------------------------------------------------------------------------------

    def tokens(
        self, problem: Problem | None = None, typed: Typed | None = None, told: Mapping[str, str] | None = None
    ) -> Response:
        """Every token of a device with its scope and expiry, and the form for another one."""
        now, lang = self.district.now().astimezone(UTC), language()
        with self.district.store.reading() as conn:
            found = accounts.tokens(conn)
        devices = self.district.view().frame("device")
        return self._page(
            "tokens",
            problem,
            rows=[{**actions.shown_token(one), "is_good": one.is_good(now)} for one in found],
            devices=list(zip(devices["id"].astype(str), devices["name"].astype(str), strict=True)),
            scopes={scope: ACTIONS[scope].title.to(lang) for scope in TOKEN_SCOPES},
            longest=accounts.LONGEST_TOKEN.days,
            told=told,
            typed=typed or Typed(),
        )

    def add_token(self) -> BaseResponse:
        """Make a token; its secret is shown this once."""

        def work(key: str) -> Response:
            days = forms.required("days", _("有效天数"))
            if not days.isascii() or not days.isdigit() or len(days) > 4:
                raise InputError(f"days={days[:20]}: expected 1 to {accounts.LONGEST_TOKEN.days}")
            made, secret = actions.add_token(
                self.district,
                actor_of_request(),
                forms.required("device_id", _("终端")),
                name=forms.text("name") or "",
                scopes=request.form.getlist("scope"),
                days=int(days),
                key=key,
            )
            return self.tokens(told=_told(made["id"], secret))

        return self._attempt(work, lambda problem, typed: self.tokens(problem, typed), "token")

    def revoke(self, token_id: str) -> BaseResponse:
        """Let a token open nothing from now on."""

        def work(key: str) -> BaseResponse:
            actions.revoke_token(self.district, actor_of_request(), token_id, key=key)
            return redirect(url_for("admin.tokens", done="revoke"), 303)

        return self._attempt(work, lambda problem, typed: self.tokens(problem, typed), "revoke")

    # -- the audit ------------------------------------------------------------------------------------

    def audit(self) -> Response:
        """The newest rows of the audit, of one subject where that is asked for."""
        rows = self._entries(SHOWN + 1)
        return self._page(
            "audit",
            None,
            listing=boards.AUDIT,
            rows=rows[:SHOWN],
            has_more=len(rows) > SHOWN,
            subject=request.args.get("subject", "").strip(),
            since=request.args.get("since", "").strip(),
            query=request.query_string.decode("ascii", "ignore"),
        )

    def audit_xlsx(self) -> Response:
        """The same as a spreadsheet."""
        return self.pages.xlsx(boards.AUDIT, self._entries(IN_SHEET))

    def _entries(self, limit: int) -> list[dict[str, Any]]:
        since: str | None = request.args.get("since", "").strip() or None
        subject = request.args.get("subject", "").strip() or None
        if since is not None:
            try:
                moment = datetime.fromisoformat(since.replace(" ", "T"))
            except ValueError:
                raise InputError(_("时间 %(value)s 看不懂, 写成 2026-07-01 08:30。", value=since[:40])) from None
            since = schema.utc_text(moment if moment.tzinfo else moment.replace(tzinfo=self.district.timezone))
        with self.district.store.reading() as conn:
            found = audit.entries(conn, since=since, subject=subject, limit=limit)
        return [_in_words(entry) for entry in found]


def _in_words(entry: audit.Entry) -> dict[str, Any]:
    return {**entry.__dict__, "action": action_text(entry.action, language())}


def _told(identity: str, secret: str | None) -> dict[str, str]:
    """What is shown once; without it where the form was sent a second time."""
    return {"id": identity, "secret": secret or ""}


def _bound(account: Account) -> str:
    """Where an account is bound to, as its form has it."""
    if account.depot_id is not None:
        return f"depot:{account.depot_id}"
    return f"street:{account.street}" if account.street is not None else ""
