"""Who did what, when: an append-only record in which every row is chained to the row before it.

The hash of a row covers the row, the hash before it, and every stock movement since. Whoever alters
a row or a movement later must make every hash after it anew, and `verify` names the first that differs.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy import Connection

from data import schema
from data.store import insert_rows, read_rows

Outcome = Literal["done", "refused", "failed"]

FIRST_HASH = "0" * 64
"""What the first row is chained to."""

AT_HAND = "command line"
"""Who works on the database itself; the system knows who that is, this software does not."""

_FIELDS = ("id", "recorded_utc", "actor", "role", "address", "action", "subject", "outcome", "details", "movement_seq")
_MOVEMENT = tuple(column.name for column in schema.table("movement").columns)
_CHUNK = 5_000


@dataclass(frozen=True)
class Entry:
    """One row of the audit."""

    seq: int
    id: str
    recorded_utc: str
    actor: str
    role: str
    address: str | None
    action: str
    subject: str | None
    outcome: Outcome
    details: dict[str, Any]
    hash: str


@dataclass(frozen=True)
class Fault:
    """The first row whose hash is not what its content says."""

    seq: int
    utc: str
    problem: str


def append(
    conn: Connection,
    *,
    actor: str,
    role: str,
    action: str,
    now_utc: datetime | str,
    subject: str | None = None,
    outcome: Outcome = "done",
    details: Mapping[str, Any] | None = None,
    address: str | None = None,
) -> str:
    """Add one row in the transaction of the change itself; returns its hash.

    A clock that was set back does not turn the order round: the time is never before that of the last row.
    """
    last = read_rows(conn, "SELECT hash, movement_seq, recorded_utc FROM audit ORDER BY seq DESC LIMIT 1")
    before, covered, last_utc = last[0] if last else (FIRST_HASH, 0, "")
    digest, newest = _movements(conn, covered)
    identity = hashlib.blake2b(f"{before}{action}{subject}".encode(), digest_size=8).hexdigest()
    row = {
        "id": identity,
        "recorded_utc": max(schema.utc_text(now_utc), last_utc),
        "actor": actor,
        "role": role,
        "address": address,
        "action": action,
        "subject": subject,
        "outcome": outcome,
        "details": json.dumps(details or {}, ensure_ascii=False, sort_keys=True, default=str),
        "movement_seq": newest,
    }
    found = _hash(before, row, digest)
    insert_rows(conn, "audit", [{**row, "hash": found}])
    return found


def append_import(
    conn: Connection, run: str, *, kind: str, file: str | None, sha256: str | None, rows: int, now_utc: datetime | str
) -> None:
    """Note that somebody with the database at hand brought a file in."""
    append(
        conn,
        actor=AT_HAND,
        role="administrator",
        action=f"import {kind}",
        subject=run,
        details={"file": file, "sha256": sha256, "rows": rows},
        now_utc=now_utc,
    )


def verify(conn: Connection) -> tuple[int, str, Fault | None]:
    """Read the whole chain: how many rows, the last hash, and the first row that does not fit (None: all do).

    Rows cut off at the end leave no gap; compare the number and the last hash with those noted elsewhere,
    such as beside a backup.
    """
    table = schema.table("audit")
    statement = sa.select(table.c.seq, *(table.c[name] for name in _FIELDS), table.c.hash).order_by(table.c.seq)
    before, covered, count, expected_seq = FIRST_HASH, 0, 0, None
    for found in conn.execution_options(stream_results=True).execute(statement):
        row = dict(zip(_FIELDS, found[1:-1], strict=True))
        if expected_seq is not None and found[0] != expected_seq:
            return count, before, Fault(expected_seq, row["recorded_utc"], f"row {expected_seq} is missing")
        digest, newest = _movements(conn, covered, row["movement_seq"])
        if newest != row["movement_seq"] or _hash(before, row, digest) != found[-1]:
            what = "the row, or a stock movement that it covers, was altered"
            return count, before, Fault(int(found[0]), row["recorded_utc"], f"row {found[0]}: {what}")
        before, covered, count, expected_seq = found[-1], int(row["movement_seq"]), count + 1, int(found[0]) + 1
    return count, before, None


def hash_of(conn: Connection, number: int) -> str | None:
    """The hash of the row with that number, counted from 1; None where there are fewer rows."""
    table = schema.table("audit")
    found = conn.scalar(sa.select(table.c.hash).order_by(table.c.seq).offset(number - 1).limit(1))
    return None if found is None else str(found)


def entries(conn: Connection, *, since: str | None = None, subject: str | None = None, limit: int = 200) -> list[Entry]:
    """The newest rows, the newest first; `since` is a time in UTC, bound included."""
    table = schema.table("audit")
    statement = (
        sa.select(table.c.seq, *(table.c[name] for name in _FIELDS[:-1]), table.c.hash)
        .order_by(table.c.seq.desc())
        .limit(limit)
    )
    if since is not None:
        statement = statement.where(table.c.recorded_utc >= since)
    if subject is not None:
        statement = statement.where(table.c.subject == subject)
    return [Entry(**{**row, "details": json.loads(row["details"])}) for row in conn.execute(statement).mappings().all()]


def ledger_hash(conn: Connection) -> str:
    """One hash over every stock movement: the same before and after whatever must not touch the stock."""
    return _movements(conn, 0)[0]


def _movements(conn: Connection, after: int, up_to: int | None = None) -> tuple[str, int]:
    """Hash of the movements behind `after`, and the seq of the last of them (`after` where there is none)."""
    digest = hashlib.sha256()
    newest = after
    for row in _movement_rows(conn, after, up_to):
        digest.update(repr(row).encode())
        newest = int(row[0])
    return digest.hexdigest(), newest


def _movement_rows(conn: Connection, after: int, up_to: int | None) -> Iterator[tuple[Any, ...]]:
    end = "" if up_to is None else f" AND seq <= {int(up_to)}"
    text = f"SELECT {', '.join(_MOVEMENT)} FROM movement WHERE seq > ?{end} ORDER BY seq LIMIT {_CHUNK}"
    while True:
        rows = read_rows(conn, text, (after,))
        yield from (tuple(row) for row in rows)
        if len(rows) < _CHUNK:
            return
        after = int(rows[-1][0])


def _hash(before: str, row: Mapping[str, Any], movements: str) -> str:
    text = json.dumps([before, [row[name] for name in _FIELDS], movements], ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
