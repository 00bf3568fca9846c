"""Who did what, when: an append-only record in which every row is chained to the row before it.

The hash of a row covers the row, the hash before it, and since then every stock movement, event of an order,
count and change of a lot's state. Whoever alters one of them later must make every hash after it anew, and
`verify` names the first row that differs, and what it covers.
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
_LOGS = {"event_seq": "order_event", "count_seq": "stock_count", "status_seq": "lot_status_change"}
"""Logs besides the movements that a row covers; rows from before this was so have no number there."""

_COLUMNS = {log: tuple(column.name for column in schema.table(log).columns) for log in ("movement", *_LOGS.values())}
_NEWEST = ", ".join(f"(SELECT max(seq) FROM {log})" for log in _COLUMNS)
_LAST = (
    f"SELECT {_NEWEST}, hash, recorded_utc, movement_seq, {', '.join(_LOGS)} FROM (SELECT 1) AS always"
    " LEFT JOIN (SELECT * FROM audit ORDER BY seq DESC LIMIT 1) AS last ON true"
)
"""The newest entry of every log, and the last row of the audit, if there is one."""
_DIGEST_OF_NOTHING = hashlib.sha256().hexdigest()
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
    last = read_rows(conn, _LAST)[0]
    newest_seqs, (before, last_utc, *covered) = last[: len(_COLUMNS)], last[len(_COLUMNS) :]
    before, last_utc = before or FIRST_HASH, last_utc or ""
    (digest, newest), *rest = (
        _digest(conn, log, after or 0) if (seq or 0) > (after or 0) else (_DIGEST_OF_NOTHING, after or 0)
        for log, after, seq in zip(_COLUMNS, covered, newest_seqs, strict=True)
    )
    others = dict(zip(_LOGS, rest, strict=True))
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
    made = _hash(before, row, digest, others)
    insert_rows(conn, "audit", [{**row, **{name: seq for name, (_, seq) in others.items()}, "hash": made}])
    return made


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

    Rows cut off at the end are found by the database's own count, and by what no row covers any more. Whoever knows
    of both leaves no trace; compare the number and the last hash with those noted elsewhere, such as beside a backup.
    """
    table = schema.table("audit")
    names = ("seq", *_FIELDS, *_LOGS, "hash")
    statement = sa.select(*(table.c[name] for name in names)).order_by(table.c.seq)
    before, count, expected_seq = FIRST_HASH, 0, None
    last_utc = "never"
    covers: dict[str, int] = {}
    covered = dict.fromkeys(("movement_seq", *_LOGS), 0)
    for found in conn.execution_options(stream_results=True).execute(statement):
        row = dict(zip(names, found, strict=True))
        seq = int(row["seq"])
        if expected_seq is not None and seq != expected_seq:
            return count, before, Fault(expected_seq, row["recorded_utc"], f"row {expected_seq} is missing")
        covers = {name: row[name] for name in covered if row[name] is not None}
        digests = {
            name: _digest(conn, _LOGS.get(name, "movement"), covered[name], up_to) for name, up_to in covers.items()
        }
        whole = all(newest == covers[name] for name, (_, newest) in digests.items())
        digest, _ = digests.pop("movement_seq")
        if not whole or _hash(before, row, digest, digests) != row["hash"]:
            what = ["the row"] + [
                f"{_LOGS.get(name, 'movement')} {covered[name] + 1} to {up_to}"
                for name, up_to in covers.items()
                if up_to > covered[name]
            ]
            problem = f"row {seq}: altered is {' or '.join(what)}"
            return count, before, Fault(seq, row["recorded_utc"], problem)
        before, count, expected_seq, last_utc = row["hash"], count + 1, seq + 1, str(row["recorded_utc"])
        covered |= covers
    end = expected_seq or 1
    beyond = _beyond_the_end(conn, end, covers)
    return count, before, None if beyond is None else Fault(end, last_utc, beyond)


def _beyond_the_end(conn: Connection, end: int, covers: Mapping[str, int]) -> str | None:
    """What says that the record went on at row `end`, or should have; `covers` is of the row before it."""
    if conn.dialect.name == "sqlite":  # elsewhere what was rolled back leaves a gap in the count
        counted = read_rows(conn, "SELECT seq FROM sqlite_sequence WHERE name = 'audit'")
        if counted and int(counted[0][0]) >= end:
            return f"row {end} is missing; rows were cut off at the end"
    newest = zip(("movement_seq", *_LOGS), read_rows(conn, f"SELECT {_NEWEST}")[0], strict=True)
    beyond = [
        f"{_LOGS.get(name, 'movement')} {covers[name] + 1} to {seq}"
        for name, seq in newest
        if name in covers and (seq or 0) > covers[name]
    ]
    return f"no row covers {' or '.join(beyond)}" if beyond else None


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
    return _digest(conn, "movement", 0)[0]


def _digest(conn: Connection, log: str, after: int, up_to: int | None = None) -> tuple[str, int]:
    """Hash of the rows of a log behind `after`, and the seq of the last of them (`after` where there is none)."""
    digest = hashlib.sha256()
    newest = after
    for row in _rows(conn, log, after, up_to):
        digest.update(repr(row).encode())
        newest = int(row[0])
    return digest.hexdigest(), newest


def _rows(conn: Connection, log: str, after: int, up_to: int | None) -> Iterator[tuple[Any, ...]]:
    end = "" if up_to is None else f" AND seq <= {int(up_to)}"
    text = f"SELECT {', '.join(_COLUMNS[log])} FROM {log} WHERE seq > ?{end} ORDER BY seq LIMIT {_CHUNK}"
    while True:
        rows = read_rows(conn, text, (after,))
        yield from (tuple(row) for row in rows)
        if len(rows) < _CHUNK:
            return
        after = int(rows[-1][0])


def _hash(before: str, row: Mapping[str, Any], movements: str, others: Mapping[str, tuple[str, int]]) -> str:
    """The hash of a row; `others` has digest and last seq of what it covers besides the movements, if anything."""
    parts = [before, [row[name] for name in _FIELDS], movements, *([others] if others else [])]
    text = json.dumps(parts, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
