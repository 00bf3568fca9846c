"""What was committed since, told in short: for whoever follows the change log while it grows.

The log is written by triggers, so it does not matter who wrote: this process, the command line, QGIS.
"""

import sqlite3
from collections.abc import Collection, Iterable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

import sqlalchemy as sa

from data import accounts, schema
from data.store import Store, translated
from geo.errors import NotFound

MOST_CHANGES = 5_000
"""Changes that are read one by one; above that only the tables are named."""

MOST_IDS = 100
"""Row ids named of one table; above that it is the table as a whole."""

TOKEN = "token "
"""What the name of a token's session begins with."""

Rows = Mapping[str, tuple[str, ...] | None]
"""Table -> the external ids of its changed rows in the order of the log, each once; None: too many to name."""


class Glance:
    """Whether anybody committed since the last glance: a few microseconds, where reading the log takes a thousand.

    It may say yes where nothing is new in the log. A server of a database is asked each time.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._conn: sqlite3.Connection | None = None
        self._version: int | None = None

    def __call__(self) -> bool:
        path = self._store.path
        if path is None:
            return True
        with translated(self._store.url):
            if self._conn is None:
                self._conn = sqlite3.connect(
                    f"file:{quote(str(path))}?mode=rw", uri=True, isolation_level=None, check_same_thread=False
                )
            with closing(self._conn.execute("PRAGMA data_version")) as found:
                version = int(found.fetchone()[0])
        changed, self._version = version != self._version, version
        return changed

    def close(self) -> None:
        """Let go of the file."""
        if self._conn is not None:
            self._conn.close()
        self._conn = self._version = None


@dataclass(frozen=True)
class News:
    """What was committed after revision `since` up to revision `head`, that one included."""

    since: int
    head: int
    rows: Rows


def gathered(changes: Iterable[tuple[str, str]], *, most_ids: int = MOST_IDS) -> Rows:
    """Pairs of table and id as `Rows`."""
    found: dict[str, dict[str, None]] = {}
    for table, identity in changes:
        found.setdefault(table, {})[identity] = None
    return {table: tuple(ids) if len(ids) <= most_ids else None for table, ids in found.items()}


def read_news(store: Store, since: int, *, until: int | None = None, most: int = MOST_CHANGES) -> News:
    """What is new after `since`, up to `until` or to the newest revision, from one state of the database.

    A head below `since` means that the log is another one (a restored copy).
    """
    change = schema.table("change")
    with store.reading() as conn:
        head = store.revision(conn) if until is None else until
        if head <= since:
            return News(since, head, {})
        span = sa.and_(change.c.seq > since, change.c.seq <= head)
        if head - since > most:
            tables = conn.scalars(sa.select(change.c.table).where(span).distinct())
            return News(since, head, dict.fromkeys(sorted(str(table) for table in tables)))
        rows = conn.execute(sa.select(change.c.table, change.c.id).where(span).order_by(change.c.seq))
        return News(since, head, gathered((str(table), str(identity)) for table, identity in rows))


def session_roles(store: Store, sessions: Collection[str], *, now_utc: datetime | str) -> dict[str, str]:
    """Session id -> the role of its account now; a session that has ended is not in it.

    One ends when it is logged out or expires, and when its account is disabled. What begins with `TOKEN` is the
    id of a device's token, which ends when it expires or is revoked.
    """
    session, account = schema.table("session"), schema.table("account")
    wanted = sorted(name for name in sessions if not name.startswith(TOKEN))
    tokens = {name.removeprefix(TOKEN): name for name in sessions if name.startswith(TOKEN)}
    found: dict[str, str] = {}
    moment = datetime.fromisoformat(schema.utc_text(now_utc))
    idle_since = schema.utc_text(moment - accounts.IDLE)
    with store.reading() as conn:
        for k in range(0, len(wanted), 500):
            rows = conn.execute(
                sa.select(session.c.id, account.c.role)
                .join(account, account.c.id == session.c.account_id)
                .where(
                    session.c.id.in_(wanted[k : k + 500]),
                    session.c.expires_utc > schema.utc_text(now_utc),
                    session.c.seen_utc > idle_since,
                    account.c.disabled == 0,
                )
            )
            found |= {str(identity): str(role) for identity, role in rows}
        for token_id, name in tokens.items():
            with suppress(NotFound):
                if accounts.token(conn, token_id).is_good(moment):
                    found[name] = "viewer"
    return found
