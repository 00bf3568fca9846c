"""Accounts and tokens changed, log-in and log-out: each with its row in the audit, none with a password in it."""

import contextlib
from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from data import accounts, audit
from data.accounts import Account, Token
from data.store import Store
from geo.errors import Conflict, Forbidden, InputError, Unauthenticated, Unavailable
from layers.actions.gate import Change, act
from layers.district import District
from layers.layer import ROLES
from layers.permissions import TOKEN_SCOPES, Actor

COMMAND_LINE = Actor(audit.AT_HAND, "命令行", "administrator")
"""Whoever may write the database file may manage its accounts."""

DEMO_PASSWORD = "onemap-demo"
"""The password of every demo account; it is no secret, and they exist on the loopback address only."""

LOCK_RULE = (
    f"{accounts.MAX_FAILURES} wrong passwords in a row lock an account for "
    f"{int(accounts.LOCKED_FOR.total_seconds() / 60)} minutes"
)
NOT_LET_IN = f"name or password is wrong, or the account is locked or disabled; {LOCK_RULE}"
"""Said to everybody who is not let in, whatever the reason."""


@dataclass(frozen=True)
class LoggedIn:
    """A session that was opened: the secret for the cookie, whose it is, and the secret of the browser."""

    secret: str
    account: Account
    browser: str


def actor_of(account: Account, *, address: str | None = None) -> Actor:
    """Who an account is when it acts."""
    return Actor(
        account.id, account.name, _role(account), street=account.street, depot_id=account.depot_id, address=address
    )


def device_actor(token: Token, *, address: str | None = None) -> Actor:
    """Who a token is when it acts: its device, with what its scopes name."""
    return Actor(token.id, token.name, "viewer", device_id=token.device_id, address=address, scopes=token.scope)


def _role(account: Account) -> Any:
    assert account.role in ROLES, account.role
    return account.role


def _now(district: District) -> datetime:
    return district.now().astimezone(UTC)


# -- log-in -----------------------------------------------------------------------------------------


def log_in(
    district: District,
    account_id: str,
    password: str,
    *,
    address: str | None = None,
    demo: bool = False,
    browser: str | None = None,
) -> LoggedIn:
    """Open a session; Unauthenticated, always in the same words and after the same work, where nobody is let in.

    `demo` says whether demo accounts are let in. `browser` is the secret that an earlier log-in left in the
    browser: from a known one the account is let in though wrong passwords from elsewhere keep it locked.
    """
    key = accounts.normal_id(account_id)[:100]
    with district.store.reading() as conn:
        kept = accounts.password_hash(conn, key)
    # Outside the transaction: hashing takes long, and writers wait for one another.
    right = accounts.is_right(password, kept)
    renewed = accounts.hashed(password) if right and kept and accounts.HASHER.check_needs_rehash(kept) else None
    now = _now(district)
    with district.store.writing() as conn:
        found = {one.id: one for one in accounts.accounts(conn)}.get(key)
        known = accounts.knows_browser(conn, key, browser, now_utc=now)
        let_in = (
            right
            and found is not None
            and not found.disabled
            and (known or not found.is_locked(now))
            and (demo or not found.demo)
            and accounts.password_hash(conn, key) == kept
        )
        locked = found is not None and found.is_locked(now)
        if not known:
            locked = accounts.note_attempt(conn, key, let_in=let_in, now_utc=now)
        elif not let_in and not right:
            accounts.doubt_browser(conn, key, browser or "")
        secret = accounts.open_session(conn, key, address=address, now_utc=now) if let_in else ""
        held = browser or accounts.new_browser()
        if let_in:
            accounts.know_browser(conn, key, held, now_utc=now)
        if let_in and renewed is not None:
            accounts.rehash(conn, key, renewed)
        # What was typed for a name that is no account may be a password: it is not written down.
        audit.append(
            conn,
            actor=found.id if found is not None else "nobody",
            role=found.role if found is not None else "-",
            address=address,
            action="log in",
            subject=found.id if found is not None else None,
            outcome="done" if let_in else "failed",
            details={"locked": locked} if found is not None and not let_in else {},
            now_utc=now,
        )
    if not let_in or found is None:
        raise Unauthenticated(NOT_LET_IN)
    return LoggedIn(secret, found, held)


def log_out(district: District, actor: Actor, secret: str) -> None:
    """End a session."""

    def change(conn: Any, now: datetime) -> dict[str, Any]:
        accounts.end_session(conn, secret)
        return {"id": actor.id}

    act(district, actor, "self.manage", change, route="log out")


def session_account(district: District, secret: str) -> Account | None:
    """The account behind a cookie's secret; the session's last use is written down now and then."""
    now = _now(district)
    found = accounts.session_account(district.store, secret, now_utc=now)
    if found is None:
        return None
    account, seen = found
    if accounts.is_seen_long_ago(seen, now_utc=now):
        # A long import must not keep those who read from reading; the next request tries again.
        with contextlib.suppress(Unavailable), district.store.writing() as conn:
            accounts.mark_seen(conn, secret, now_utc=now)
    return account


def token_actor(district: District, secret: str, *, address: str | None = None) -> Actor | None:
    """The device behind a token; None for one that opens nothing."""
    with district.store.reading() as conn:
        found = accounts.token_of(conn, secret, now_utc=_now(district))
    return None if found is None else device_actor(found, address=address)


def change_own_password(
    district: District, actor: Actor, old: str, new: str, *, browser: str | None = None
) -> LoggedIn:
    """Another password for oneself, with the old one as proof; every session ends and a new one begins.

    A wrong old password counts as a failed log-in.
    """
    with district.store.reading() as conn:
        mine = accounts.account(conn, actor.id)
        kept = accounts.password_hash(conn, actor.id)
        known = accounts.knows_browser(conn, actor.id, browser, now_utc=_now(district))
    text = accounts.require_password(new, account_id=mine.id, name=mine.name)
    if accounts.normal_password(old) == text:
        raise InputError("password: it is the old one; choose another")
    if mine.demo:
        raise Conflict(f"account={mine.id}: the password of a demo account is printed on the log-in page and stays")
    may_try = known or not mine.is_locked(_now(district))
    if not (accounts.is_right(old, kept) and may_try):
        _failed_change(district, actor, browser)
        refusal = Forbidden(f"old password: it is wrong; {LOCK_RULE}")
        refusal.recorded = True
        raise refusal
    digest = accounts.hashed(text)
    secrets: list[str] = []
    held = browser or accounts.new_browser()

    def change(conn: Any, now: datetime) -> dict[str, Any]:
        accounts.set_password(conn, mine.id, digest, must_change=False, now_utc=now)
        secrets.append(accounts.open_session(conn, mine.id, address=actor.address, now_utc=now))
        accounts.know_browser(conn, mine.id, held, now_utc=now)
        return {"id": mine.id}

    act(district, actor, "self.manage", change, route="change own password")
    return LoggedIn(secrets[-1], mine, held)


def _failed_change(district: District, actor: Actor, browser: str | None) -> None:
    now = _now(district)
    with district.store.writing() as conn:
        accounts.doubt_browser(conn, actor.id, browser or "")
        locked = accounts.note_attempt(conn, actor.id, let_in=False, now_utc=now)
        if locked:
            accounts.end_sessions(conn, actor.id)
        audit.append(
            conn,
            actor=actor.id,
            role=actor.role,
            address=actor.address,
            action="change own password",
            subject=actor.id,
            outcome="failed",
            details={"locked": locked},
            now_utc=now,
        )


# -- management -------------------------------------------------------------------------------------


def shown(account: Account) -> dict[str, Any]:
    """An account as lists and the audit show it."""
    return asdict(account)


def shown_token(token: Token) -> dict[str, Any]:
    """A token as lists and the audit show it."""
    return {**asdict(token), "scope": sorted(token.scope)}


def add_account(
    district: District,
    actor: Actor,
    account_id: str,
    *,
    name: str,
    role: str,
    password: str | None = None,
    street: str | None = None,
    depot_id: str | None = None,
    demo: bool = False,
    must_change: bool = True,
    key: str | None = None,
) -> tuple[dict[str, Any], str | None]:
    """Make an account; returns it with its password, which nobody can ask for later.

    The same request again (the same `key`) makes no other one and returns no password.
    """
    identity = accounts.require_id(account_id)
    given = accounts.new_password() if password is None else password
    text = accounts.require_password(given, account_id=identity, name=name)
    digest = accounts.hashed(text)
    told: list[str] = []

    def change(conn: Any, now: datetime) -> dict[str, Any]:
        told.append(given)
        made = accounts.add(
            conn,
            identity,
            name=name,
            role=role,
            password_hash=digest,
            street=street,
            depot_id=depot_id,
            demo=demo,
            must_change=must_change,
            now_utc=now,
        )
        return shown(made)

    asked = {"account": identity, "name": name, "role": role, "street": street, "depot_id": depot_id}
    made = _managed(district, actor, "add account", change, identity, key=key, body=asked)
    return made, told[0] if told else None


def _managed(
    district: District,
    actor: Actor,
    route: str,
    change: Change,
    subject: str | None,
    *,
    key: str | None = None,
    body: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """A change of accounts or tokens; what the audit keeps of the request has no secret in it."""
    body = {"id": subject} if body is None else body
    found: dict[str, Any] = act(
        district, actor, "account.manage", change, route=route, key=key, body=body, subject=subject
    )
    return found


def reset_password(
    district: District, actor: Actor, account_id: str, *, password: str | None = None, key: str | None = None
) -> tuple[dict[str, Any], str | None]:
    """A new password that must be changed at the next log-in; every session of the account is over.

    The same request again makes no other one and returns none.
    """
    with district.store.reading() as conn:
        found = accounts.account(conn, account_id)
    given = accounts.new_password() if password is None else password
    digest = accounts.hashed(accounts.require_password(given, account_id=found.id, name=found.name))
    told: list[str] = []

    def change(conn: Any, now: datetime) -> dict[str, Any]:
        told.append(given)
        return shown(accounts.set_password(conn, found.id, digest, must_change=True, now_utc=now))

    made = _managed(district, actor, "reset password", change, found.id, key=key)
    return made, told[0] if told else None


def change_role(
    district: District,
    actor: Actor,
    account_id: str,
    role: str,
    *,
    street: str | None = None,
    depot_id: str | None = None,
    key: str | None = None,
) -> dict[str, Any]:
    """Give an account another role, or bind a keeper to another place; it counts from the next request on."""

    def change(conn: Any, now: datetime) -> dict[str, Any]:
        return shown(accounts.set_role(conn, account_id, role, street=street, depot_id=depot_id))

    asked = {"account": account_id, "role": role, "street": street, "depot_id": depot_id}
    return _managed(district, actor, "change role", change, accounts.normal_id(account_id), key=key, body=asked)


def end_sessions(district: District, actor: Actor, account_id: str, *, key: str | None = None) -> dict[str, Any]:
    """End every session of an account; whoever has its password comes in again."""

    def change(conn: Any, now: datetime) -> dict[str, Any]:
        found = accounts.account(conn, account_id)
        return {"id": found.id, "ended": accounts.end_sessions(conn, found.id)}

    return _managed(district, actor, "end sessions", change, accounts.normal_id(account_id), key=key)


def disable_account(district: District, actor: Actor, account_id: str, *, key: str | None = None) -> dict[str, Any]:
    """Let an account in no more."""

    def change(conn: Any, now: datetime) -> dict[str, Any]:
        return shown(accounts.disable(conn, account_id))

    return _managed(district, actor, "disable account", change, accounts.normal_id(account_id), key=key)


def unlock_account(district: District, actor: Actor, account_id: str, *, key: str | None = None) -> dict[str, Any]:
    """Let an account in again, whether it was locked or disabled."""

    def change(conn: Any, now: datetime) -> dict[str, Any]:
        return shown(accounts.unlock(conn, account_id))

    return _managed(district, actor, "unlock account", change, accounts.normal_id(account_id), key=key)


def add_token(
    district: District,
    actor: Actor,
    device_id: str,
    *,
    name: str,
    scopes: Collection[str],
    days: int,
    key: str | None = None,
) -> tuple[dict[str, Any], str | None]:
    """Make a token of a device; returns it with its secret, which nobody can ask for later.

    The same request again makes no other one and returns no secret.
    """
    for scope in scopes:
        if scope not in TOKEN_SCOPES:
            raise InputError(f"scope={scope}: a token may have {', '.join(TOKEN_SCOPES)}")
    if not 1 <= days <= accounts.LONGEST_TOKEN.days:
        raise InputError(f"days={days}: expected 1 to {accounts.LONGEST_TOKEN.days}")
    secret = accounts.new_secret()
    told: list[str] = []

    def change(conn: Any, now: datetime) -> dict[str, Any]:
        told.append(secret)
        made = accounts.add_token(
            conn,
            device_id=device_id,
            name=name,
            scopes=scopes,
            secret=secret,
            expires_utc=now + timedelta(days=days),
            created_by=actor.id,
            now_utc=now,
        )
        return shown_token(made)

    asked = {"device": device_id, "name": name, "scopes": sorted(scopes), "days": days}
    made = _managed(district, actor, "add token", change, None, key=key, body=asked)
    return made, told[0] if told else None


def revoke_token(district: District, actor: Actor, token_id: str, *, key: str | None = None) -> dict[str, Any]:
    """Let a token open nothing from now on."""

    def change(conn: Any, now: datetime) -> dict[str, Any]:
        return shown_token(accounts.revoke_token(conn, token_id, now_utc=now))

    return _managed(district, actor, "revoke token", change, token_id, key=key)


# -- the first start --------------------------------------------------------------------------------

_DEMO = (
    ("demo-viewer", "演示: 查看", "viewer"),
    ("demo-dispatcher", "演示: 调度员", "dispatcher"),
    ("demo-keeper", "演示: 仓库管理员", "keeper"),
    ("demo-planner", "演示: 规划员", "planner"),
    ("demo-admin", "演示: 管理员", "administrator"),
)


def demo_accounts(store: Store) -> list[Account]:
    """The demo accounts that are let in."""
    with store.reading() as conn:
        return [one for one in accounts.accounts(conn) if one.demo and not one.disabled]


def first_start(district: District, *, local: bool) -> list[str]:
    """See to it that somebody can log in; returns what is to be printed once.

    A demo district on the loopback address gets its demo accounts, any other one administrator.
    Conflict where demo accounts would be open to others than this machine.
    """
    with district.store.reading() as conn:
        known = accounts.accounts(conn)
    demo = [one for one in known if one.demo and not one.disabled]
    if demo and not (local and district.demo):
        raise Conflict(
            f"{', '.join(one.id for one in demo)}: demo accounts have a password that everybody knows and are for the "
            "loopback address of a demo district only; end them first: onemap user disable --demo"
        )
    if district.demo and local:
        if not known:
            _make_demo_accounts(district)
            demo = demo_accounts(district.store)
        if not demo:
            return []
        names = ", ".join(f"{one.id} ({one.role})" for one in demo)
        return [f"demo accounts, password {DEMO_PASSWORD}: {names}"]
    if any(not one.demo for one in known):
        return []
    _, password = add_account(district, COMMAND_LINE, "admin", name="管理员", role="administrator")
    return [
        f"the first administrator: account admin, password {password}",
        "it is shown this once; the first log-in asks for another one",
    ]


def _make_demo_accounts(district: District) -> None:
    depots = district.store.frame("depot", columns=["id"])["id"].tolist()
    for account_id, name, role in _DEMO:
        if role == "keeper" and not depots:
            continue
        add_account(
            district,
            COMMAND_LINE,
            account_id,
            name=name,
            role=role,
            password=DEMO_PASSWORD,
            depot_id=sorted(depots)[0] if role == "keeper" else None,
            demo=True,
            must_change=False,
        )


def disable_demo_accounts(district: District, actor: Actor) -> list[str]:
    """End every demo account; their names."""
    return [disable_account(district, actor, one.id)["id"] for one in demo_accounts(district.store)]
