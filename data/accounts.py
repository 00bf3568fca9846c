"""Accounts, sessions and tokens: who may come in, and how long.

Passwords are kept as argon2id hashes; of the secrets in cookies and tokens only the SHA-256 is kept
(they are random and long, so that nothing slower is needed). Nothing here writes to the audit;
`layers.actions.accounts` does, in the transaction of the change.
"""

import hashlib
import re
import secrets
import threading
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from sqlalchemy import Connection

from data import schema
from data.kinds import ACCOUNT_ROLES
from data.store import Store
from geo.errors import Conflict, InputError, NotFound, Unavailable

MIN_PASSWORD = 10
"""Fewest characters of a password, bound included."""

MAX_PASSWORD = 200
"""Most characters of a password, bound included; hashing endless ones would be work for nothing."""

MAX_NAME = 100
"""Most characters of the name of a person or post, bound included."""

MAX_FAILURES = 5
"""Wrong passwords in a row that lock an account."""

LOCKED_FOR = timedelta(minutes=15)
"""How long it stays locked; then the count begins anew."""

IDLE = timedelta(hours=2)
"""A session without any request for this long is over. A page that stays open asks by itself."""

ABSOLUTE = timedelta(hours=24)
"""A session is over this long after the log-in, whatever happens."""

KNOWN_FOR = timedelta(days=180)
"""How long a browser is known after its last log-in. From a known one its owner gets in while others keep the
account locked; wrong passwords from it count for itself, and as many as lock an account make it unknown."""

SEEN_EVERY = timedelta(minutes=5)
"""How often the last request of a session is written down."""

LONGEST_TOKEN = timedelta(days=366)
"""The farthest expiry of a token."""

HASHER = PasswordHasher()
"""argon2id with the parameters of RFC 9106 for little memory (64 MiB)."""

TOKEN_PREFIX = "onemap_"
"""What a token begins with, so that one that got lost is recognised for what it is."""

_AT_ONCE = 4  # every hash takes 64 MiB
_HASHING = threading.BoundedSemaphore(_AT_ONCE)
_HASHING_PATIENCE_S = 20.0
_NOBODY: list[str] = []  # the hash that is tried where there is no account, made at first need
_ID = re.compile(r"[\w.@-]{2,40}")
_RESERVED = frozenset({"system", "anonymous", "nobody", "device"})


@dataclass(frozen=True)
class Account:
    """An account without its password."""

    id: str
    name: str
    role: str
    street: str | None
    depot_id: str | None
    demo: bool
    disabled: bool
    must_change: bool
    failures: int
    locked_until_utc: str | None
    created_utc: str
    password_utc: str

    def is_locked(self, now_utc: datetime) -> bool:
        """Whether the account is locked at a moment; the moment at which the lock ends is free."""
        return self.locked_until_utc is not None and schema.utc_text(now_utc) < self.locked_until_utc


@dataclass(frozen=True)
class Token:
    """A token without its secret."""

    id: str
    name: str
    scope: frozenset[str]
    device_id: str
    created_by: str
    created_utc: str
    expires_utc: str
    revoked_utc: str | None

    def is_good(self, now_utc: datetime) -> bool:
        """Whether the token opens anything at a moment; it does not at the moment of its expiry."""
        return self.revoked_utc is None and schema.utc_text(now_utc) < self.expires_utc


_ACCOUNT = tuple(Account.__dataclass_fields__)
_TOKEN = tuple(Token.__dataclass_fields__)


# -- passwords --------------------------------------------------------------------------------------


def normal_id(text: str) -> str:
    """The id of an account as it is kept: one spelling for what looks alike."""
    return unicodedata.normalize("NFKC", text).strip().casefold()


def normal_password(text: str) -> str:
    """A password as it is hashed: an input method that writes full-width letters is no other password."""
    return unicodedata.normalize("NFKC", text)


def require_password(password: str, *, account_id: str, name: str) -> str:
    """The password as it is hashed; InputError where it is too short, too long or the account's own name."""
    text = normal_password(password)
    if not MIN_PASSWORD <= len(text) <= MAX_PASSWORD:
        raise InputError(
            f"password: {len(text)} characters; expected {MIN_PASSWORD} to {MAX_PASSWORD}, such as a short sentence"
        )
    plain = re.sub(r"\W", "", text.casefold())
    if plain in {re.sub(r"\W", "", normal_id(known)) for known in (account_id, name)}:
        raise InputError("password: it is the name of the account; choose another")
    if len(set(text)) < 4:
        raise InputError("password: it repeats very few characters; choose another")
    return text


def new_password() -> str:
    """A password that nobody chose: four groups of letters and digits that are not taken for each other."""
    letters = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(letters) for _ in range(4)) for _ in range(4))


def hashed(password: str) -> str:
    """The argon2 hash of a password, with its parameters and salt."""
    with _hashing():
        return HASHER.hash(normal_password(password))


def is_right(password: str, kept: str | None) -> bool:
    """Whether a password fits a hash; without a hash it takes as long and is False."""
    text = normal_password(password[: 2 * MAX_PASSWORD])
    with _hashing():
        if not _NOBODY:
            _NOBODY.append(HASHER.hash(secrets.token_hex(16)))
        try:
            return HASHER.verify(kept or _NOBODY[0], text) and kept is not None
        except (Argon2Error, InvalidHashError):
            return False


class _hashing:
    """Few at once: a crowd at the door must not take all memory."""

    def __enter__(self) -> None:
        if not _HASHING.acquire(timeout=_HASHING_PATIENCE_S):
            raise Unavailable("too many log-ins at once; try again in a minute")

    def __exit__(self, *_: object) -> None:
        _HASHING.release()


def secret_hash(secret: str) -> str:
    """What is kept of a secret that a cookie or a token holds."""
    return hashlib.sha256(secret.encode()).hexdigest()


# -- accounts ---------------------------------------------------------------------------------------


def _account_columns() -> list[Any]:
    table = schema.table("account")
    return [table.c[name] for name in _ACCOUNT]


def _as_account(row: Any) -> Account:
    found = dict(zip(_ACCOUNT, row, strict=True))
    return Account(**{**found, **{name: bool(found[name]) for name in ("demo", "disabled", "must_change")}})


def accounts(conn: Connection) -> list[Account]:
    """Every account by id."""
    table = schema.table("account")
    return [_as_account(row) for row in conn.execute(sa.select(*_account_columns()).order_by(table.c.id))]


def account(conn: Connection, account_id: str) -> Account:
    """The account called `account_id`; NotFound where there is none."""
    table = schema.table("account")
    key = normal_id(account_id)
    row = conn.execute(sa.select(*_account_columns()).where(table.c.id == key)).one_or_none()
    if row is None:
        raise NotFound(f"there is no account '{key}'; `onemap user list` names them")
    return _as_account(row)


def password_hash(conn: Connection, account_id: str) -> str | None:
    """The hash of an account's password; None where there is no such account."""
    table = schema.table("account")
    found = conn.scalar(sa.select(table.c.password_hash).where(table.c.id == normal_id(account_id)))
    return None if found is None else str(found)


def add(
    conn: Connection,
    account_id: str,
    *,
    name: str,
    role: str,
    password_hash: str,
    now_utc: datetime,
    street: str | None = None,
    depot_id: str | None = None,
    demo: bool = False,
    must_change: bool = True,
) -> Account:
    """Make an account; the street or the depot is where a keeper may act."""
    key = require_id(account_id)
    if not name.strip():
        raise InputError("name: is empty; give the name of the person or the post")
    if len(name.strip()) > MAX_NAME or not name.isprintable():
        raise InputError(f"name: expected at most {MAX_NAME} characters that can be read")
    _require_role(conn, role, street, depot_id)
    table = schema.table("account")
    if conn.scalar(sa.select(sa.func.count()).where(table.c.id == key)):
        raise Conflict(f"there is an account '{key}' already; choose another name")
    now = schema.utc_text(now_utc)
    conn.execute(
        sa.insert(table),
        {
            "id": key,
            "name": name.strip(),
            "role": role,
            "password_hash": password_hash,
            "street": street,
            "depot_id": depot_id,
            "demo": int(demo),
            "must_change": int(must_change),
            "created_utc": now,
            "password_utc": now,
        },
    )
    return account(conn, key)


def require_id(account_id: str) -> str:
    """The id of a new account as it is kept; InputError where it cannot be one."""
    key = normal_id(account_id)
    if not _ID.fullmatch(key):
        raise InputError(f"account={account_id}: expected 2 to 40 letters, digits, dots, dashes or underscores")
    if key in _RESERVED:
        raise InputError(f"account={key}: the name is used by the program itself; choose another")
    return key


def set_password(
    conn: Connection, account_id: str, password_hash: str, *, must_change: bool, now_utc: datetime
) -> Account:
    """Give an account another password; every session of it is over."""
    found = account(conn, account_id)
    if found.demo:
        raise Conflict(f"account={found.id}: the password of a demo account is printed on the log-in page and stays")
    _update(
        conn,
        found.id,
        password_hash=password_hash,
        must_change=int(must_change),
        password_utc=schema.utc_text(now_utc),
        failures=0,
        locked_until_utc=None,
    )
    end_sessions(conn, found.id)
    _forget_browsers(conn, found.id)
    return account(conn, found.id)


def rehash(conn: Connection, account_id: str, password_hash: str) -> None:
    """Keep the same password under newer parameters."""
    _update(conn, account_id, password_hash=password_hash)


def disable(conn: Connection, account_id: str) -> Account:
    """Let an account in no more; its sessions are over. The last administrator stays."""
    found = account(conn, account_id)
    _require_another_administrator(conn, found)
    _update(conn, found.id, disabled=1)
    end_sessions(conn, found.id)
    _forget_browsers(conn, found.id)
    return account(conn, found.id)


def _require_another_administrator(conn: Connection, found: Account) -> None:
    others = [one for one in accounts(conn) if one.role == "administrator" and not one.disabled and one.id != found.id]
    if found.role == "administrator" and not found.disabled and not others and not found.demo:
        raise Conflict(f"account={found.id}: it is the last administrator; add another one first")


def set_role(
    conn: Connection, account_id: str, role: str, *, street: str | None = None, depot_id: str | None = None
) -> Account:
    """Give an account another role; the street or the depot is where a keeper may act. It counts from the next
    request on. The last administrator stays one."""
    found = account(conn, account_id)
    _require_role(conn, role, street, depot_id)
    if (found.role, found.street, found.depot_id) == (role, street, depot_id):
        raise Conflict(f"account={found.id}: it is {role} already")
    if role != "administrator":
        _require_another_administrator(conn, found)
    _update(conn, found.id, role=role, street=street, depot_id=depot_id)
    return account(conn, found.id)


def _require_role(conn: Connection, role: str, street: str | None, depot_id: str | None) -> None:
    if role not in ACCOUNT_ROLES:
        raise InputError(f"role={role}: expected one of {', '.join(ACCOUNT_ROLES)}")
    if (street is not None or depot_id is not None) and role != "keeper":
        raise InputError(f"role={role}: a street or a depot belongs to a keeper only; leave it out")
    if role == "keeper" and (street is None) == (depot_id is None):
        raise InputError("role=keeper: a keeper is bound to a depot or to a street; give one of the two")
    for target, column, value in (("street", "name", street), ("depot", "id", depot_id)):
        known = schema.table(target)
        if value is not None and not conn.scalar(sa.select(sa.func.count()).where(known.c[column] == value)):
            raise NotFound(f"{target}={value}: there is no such {target}; import it first")


def unlock(conn: Connection, account_id: str) -> Account:
    """Let an account in again: neither locked nor disabled."""
    found = account(conn, account_id)
    _update(conn, found.id, disabled=0, failures=0, locked_until_utc=None)
    return account(conn, found.id)


def note_attempt(conn: Connection, account_id: str, *, let_in: bool, now_utc: datetime) -> bool:
    """Count a log-in; returns whether the account is locked by it.

    The same statement is run where there is no such account, so that the time tells nothing.
    """
    key = normal_id(account_id)
    table = schema.table("account")
    row = conn.execute(sa.select(table.c.failures, table.c.locked_until_utc).where(table.c.id == key)).one_or_none()
    failures, locked_until = row if row is not None else (0, None)
    now = schema.utc_text(now_utc)
    if let_in:
        failures, locked_until = 0, None
    elif locked_until is None or locked_until <= now:
        failures = 1 if locked_until is not None else failures + 1
        locked_until = schema.utc_text(now_utc + LOCKED_FOR) if failures >= MAX_FAILURES else None
    else:
        locked_until = str(locked_until)  # a try while locked neither counts nor makes it longer
    _update(conn, key, failures=failures, locked_until_utc=locked_until)
    return row is not None and locked_until is not None


def _update(conn: Connection, account_id: str, **values: Any) -> None:
    table = schema.table("account")
    conn.execute(sa.update(table).where(table.c.id == account_id).values(**values))


# -- sessions ---------------------------------------------------------------------------------------


def open_session(conn: Connection, account_id: str, *, address: str | None, now_utc: datetime) -> str:
    """Begin a session; returns the secret for the cookie. What is over is swept away."""
    secret = secrets.token_urlsafe(32)
    table = schema.table("session")
    now = schema.utc_text(now_utc)
    idle_since = schema.utc_text(now_utc - IDLE)
    conn.execute(sa.delete(table).where((table.c.expires_utc <= now) | (table.c.seen_utc <= idle_since)))
    conn.execute(
        sa.insert(table),
        {
            "id": secret_hash(secret),
            "account_id": account_id,
            "address": address,
            "created_utc": now,
            "seen_utc": now,
            "expires_utc": schema.utc_text(now_utc + ABSOLUTE),
        },
    )
    return secret


_SESSION_SQL = (
    f"SELECT s.seen_utc, s.expires_utc, {', '.join(f'a.{name}' for name in _ACCOUNT)} "
    "FROM session s JOIN account a ON a.id = s.account_id WHERE s.id = ?"
)


def session_account(store: Store, secret: str, *, now_utc: datetime) -> tuple[Account, str] | None:
    """The account behind a cookie's secret, and when it was last seen; None for a session that is over.

    A session is good before its bounds and no more at them. Every request asks this.
    """
    rows = store.ask(_SESSION_SQL, (secret_hash(secret),))
    if not rows:
        return None
    row = rows[0]
    seen, expires = str(row[0]), str(row[1])
    found = _as_account(row[2:])
    if found.disabled or schema.utc_text(now_utc) >= expires or seen <= schema.utc_text(now_utc - IDLE):
        return None
    return found, seen


def is_seen_long_ago(seen_utc: str, *, now_utc: datetime) -> bool:
    """Whether the last request of a session is to be written down again."""
    return seen_utc <= schema.utc_text(now_utc - SEEN_EVERY)


def mark_seen(conn: Connection, secret: str, *, now_utc: datetime) -> None:
    """Write down that a session is in use."""
    table = schema.table("session")
    statement = sa.update(table).where(table.c.id == secret_hash(secret))
    conn.execute(statement.values(seen_utc=schema.utc_text(now_utc)))


def end_session(conn: Connection, secret: str) -> None:
    """End one session."""
    table = schema.table("session")
    conn.execute(sa.delete(table).where(table.c.id == secret_hash(secret)))


def end_sessions(conn: Connection, account_id: str) -> int:
    """End every session of an account; how many there were."""
    table = schema.table("session")
    return int(conn.execute(sa.delete(table).where(table.c.account_id == account_id)).rowcount)


def sessions(conn: Connection, account_id: str, *, now_utc: datetime) -> list[dict[str, str | None]]:
    """The sessions of an account that are not over, the newest first: from where, since when, last seen."""
    table = schema.table("session")
    names = ("address", "created_utc", "seen_utc", "expires_utc")
    rows = conn.execute(
        sa.select(*(table.c[name] for name in names))
        .where(
            table.c.account_id == normal_id(account_id),
            table.c.expires_utc > schema.utc_text(now_utc),
            table.c.seen_utc > schema.utc_text(now_utc - IDLE),
        )
        .order_by(table.c.fid.desc())
    )
    return [dict(zip(names, row, strict=True)) for row in rows]


# -- browsers ---------------------------------------------------------------------------------------


def new_browser() -> str:
    """The secret that a browser keeps after a log-in."""
    return secrets.token_urlsafe(32)


def _browser_id(account_id: str, secret: str) -> str:
    return secret_hash(f"{secret} {account_id}")


def knows_browser(conn: Connection, account_id: str, secret: str | None, *, now_utc: datetime) -> bool:
    """Whether an account was let in from the browser that holds this secret, not too long ago."""
    table = schema.table("known_browser")
    found = conn.scalar(sa.select(table.c.seen_utc).where(table.c.id == _browser_id(account_id, secret or "")))
    return found is not None and str(found) >= schema.utc_text(now_utc - KNOWN_FOR)


def know_browser(conn: Connection, account_id: str, secret: str, *, now_utc: datetime) -> None:
    """Remember that an account was let in from a browser."""
    table = schema.table("known_browser")
    key, now = _browser_id(account_id, secret), schema.utc_text(now_utc)
    if conn.execute(sa.update(table).where(table.c.id == key).values(failures=0, seen_utc=now)).rowcount == 0:
        conn.execute(sa.insert(table), {"id": key, "account_id": account_id, "seen_utc": now})


def doubt_browser(conn: Connection, account_id: str, secret: str) -> None:
    """Count a wrong password from a known browser; too many make it unknown."""
    table = schema.table("known_browser")
    ours = table.c.id == _browser_id(account_id, secret)
    conn.execute(sa.update(table).where(ours).values(failures=table.c.failures + 1))
    conn.execute(sa.delete(table).where(ours, table.c.failures >= MAX_FAILURES))


def _forget_browsers(conn: Connection, account_id: str) -> None:
    table = schema.table("known_browser")
    conn.execute(sa.delete(table).where(table.c.account_id == account_id))


# -- tokens -----------------------------------------------------------------------------------------


def new_secret() -> str:
    """The secret of a new token."""
    return TOKEN_PREFIX + secrets.token_urlsafe(32)


def add_token(
    conn: Connection,
    *,
    device_id: str,
    name: str,
    scopes: Collection[str],
    secret: str,
    expires_utc: datetime,
    created_by: str,
    now_utc: datetime,
) -> Token:
    """Make a token of a device; of the secret only the hash is kept."""
    table, device = schema.table("token"), schema.table("device")
    if not scopes:
        raise InputError("scope: is empty; name at least one action")
    if not now_utc < expires_utc <= now_utc + LONGEST_TOKEN:
        raise InputError(
            f"expires={expires_utc.astimezone(UTC).date()}: expected a day from tomorrow on, "
            f"at most {LONGEST_TOKEN.days} days ahead"
        )
    if not conn.scalar(sa.select(sa.func.count()).where(device.c.id == device_id)):
        raise NotFound(f"device={device_id}: there is no such device; import it first (`onemap import devices`)")
    key = f"token:{secrets.token_hex(4)}"
    conn.execute(
        sa.insert(table),
        {
            "id": key,
            "name": name.strip() or device_id,
            "secret_hash": secret_hash(secret),
            "scope": ";".join(sorted(scopes)),
            "device_id": device_id,
            "created_by": created_by,
            "created_utc": schema.utc_text(now_utc),
            "expires_utc": schema.utc_text(expires_utc),
        },
    )
    return token(conn, key)


def _token_rows(conn: Connection, condition: Any = None) -> list[Token]:
    table = schema.table("token")
    statement = sa.select(*(table.c[name] for name in _TOKEN)).order_by(table.c.fid)
    rows = conn.execute(statement if condition is None else statement.where(condition))
    return [
        Token(**{**(found := dict(zip(_TOKEN, row, strict=True))), "scope": frozenset(found["scope"].split(";"))})
        for row in rows
    ]


def tokens(conn: Connection) -> list[Token]:
    """Every token, the oldest first."""
    return _token_rows(conn)


def token(conn: Connection, token_id: str) -> Token:
    """The token called `token_id`; NotFound where there is none."""
    found = _token_rows(conn, schema.table("token").c.id == token_id)
    if not found:
        raise NotFound(f"there is no token '{token_id}'; `onemap token list` names them")
    return found[0]


def token_of(conn: Connection, secret: str, *, now_utc: datetime) -> Token | None:
    """The token with a secret; None for one that is unknown, expired or revoked."""
    found = _token_rows(conn, schema.table("token").c.secret_hash == secret_hash(secret))
    return found[0] if found and found[0].is_good(now_utc) else None


def revoke_token(conn: Connection, token_id: str, *, now_utc: datetime) -> Token:
    """Let a token open nothing from now on."""
    found = token(conn, token_id)
    if found.revoked_utc is not None:
        raise Conflict(f"token={found.id}: it was revoked at {found.revoked_utc}")
    table = schema.table("token")
    conn.execute(sa.update(table).where(table.c.id == found.id).values(revoked_utc=schema.utc_text(now_utc)))
    return token(conn, found.id)
