"""What is forgotten after a time: old changes, readings, keys, times, sessions. Stock, orders and audit are kept.

Done in small steps, so that nobody who writes waits long. What is left of a log is whole from its floor on
(`log_floor`): who asks for something older is told to read everything anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from data import accounts, schema
from data.settings import Settings
from data.store import Store

STEP = 2_000
"""The most rows that one transaction deletes."""

MOST_CHANGES = 1_000_000
"""Of the newest changes so many are kept whole; before them what devices reported is left out of the log."""

MOST_TIMES = 20_000
"""The most times of searches that are kept, and of plans."""

REPORTED = ("reading", "reading_refused", "vehicle")
"""Tables that change by themselves all day."""


@dataclass(frozen=True)
class Bounds:
    """How long something is kept; what is exactly so old is kept still."""

    changes: timedelta
    readings: timedelta
    keys: timedelta
    times: timedelta

    @classmethod
    def of(cls, settings: Settings) -> "Bounds":
        """The bounds that are set."""
        return cls(
            timedelta(days=settings.keep_changes_days),
            timedelta(days=settings.keep_readings_days),
            timedelta(days=settings.keep_keys_days),
            timedelta(days=settings.keep_times_days),
        )


def forget(store: Store, bounds: Bounds, *, now_utc: datetime) -> dict[str, int]:
    """Delete what is older than its bound; table -> how many rows, where there were any."""

    def before(kept_for: timedelta) -> str:
        return schema.utc_text(now_utc - kept_for)

    found = {
        "change": _forget_changes(store, before(bounds.changes)),
        **{log: _forget_log(store, log, before(bounds.readings)) for log in ("reading", "reading_refused")},
        "idempotency": _delete(store, "idempotency", "created_utc < :before", before=before(bounds.keys)),
        "answer_time": _forget_times(store, before(bounds.times)),
        "known_browser": _delete(store, "known_browser", "seen_utc < :before", before=before(accounts.KNOWN_FOR)),
        "session": _delete(
            store,
            "session",
            "expires_utc <= :now OR seen_utc <= :idle",
            now=schema.utc_text(now_utc),
            idle=before(accounts.IDLE),
        ),
    }
    return {table: rows for table, rows in found.items() if rows}


def floor_of(conn: Connection, log: str) -> int:
    """From which seq on a log is whole; 0 for one of which nothing was forgotten."""
    table = schema.table("log_floor")
    return int(conn.scalar(sa.select(table.c.from_seq).where(table.c.log == log)) or 0)


def _forget_changes(store: Store, before: str) -> int:
    """The newest change of every table stays: what was computed from a table is told stale by it."""
    with store.reading() as conn:
        change = schema.table("change")
        newest = conn.scalars(sa.select(sa.func.max(change.c.seq)).group_by(change.c.table)).all()
        by_age = _first_since(conn, "change", "utc", before)
    by_count = max(newest, default=0) - MOST_CHANGES + 1
    _set_floor(store, "change", max(by_age, by_count))
    kept = f"seq NOT IN ({', '.join(str(seq) for seq in newest) or '0'})"
    old = _delete(store, "change", f"seq < :seq AND {kept}", seq=by_age)
    names = ", ".join(f"'{name}'" for name in REPORTED)
    reported = f'seq < :seq AND "table" IN ({names}) AND {kept}'
    return old + _delete(store, "change", reported, seq=by_count)


def _forget_log(store: Store, log: str, before: str) -> int:
    with store.reading() as conn:
        first = _first_since(conn, log, "recorded_utc", before)
    _set_floor(store, log, first)
    return _delete(store, log, "seq < :seq", seq=first)


def _first_since(conn: Connection, log: str, clock: str, before: str) -> int:
    """The first row that is not older; the newest where all are older, so that the numbers go on from it."""
    table = schema.table(log)
    first = sa.select(table.c.seq).where(table.c[clock] >= before).order_by(table.c.seq).limit(1)
    return int(conn.scalar(first) or conn.scalar(sa.select(sa.func.max(table.c.seq))) or 0)


def _set_floor(store: Store, log: str, seq: int) -> None:
    """A floor only rises."""
    table = schema.table("log_floor")
    with store.reading() as conn:
        if seq <= floor_of(conn, log) or seq <= 1:
            return
    with store.writing() as conn:
        if conn.execute(sa.update(table).where(table.c.log == log).values(from_seq=seq)).rowcount == 0:
            conn.execute(sa.insert(table), {"log": log, "from_seq": seq})


def _forget_times(store: Store, before: str) -> int:
    gone = _delete(store, "answer_time", "asked_utc < :before", before=before)
    for what in ("search", "plan"):
        newest = f"SELECT seq FROM answer_time WHERE what = '{what}' ORDER BY seq DESC LIMIT {MOST_TIMES}"
        gone += _delete(store, "answer_time", f"what = '{what}' AND seq NOT IN ({newest})")
    return gone


def _delete(store: Store, table: str, where: str, **values: Any) -> int:
    """Delete rows in steps, each in a transaction of its own; how many."""
    key = next(iter(schema.table(table).primary_key)).name
    chosen = sa.text(f"SELECT {key} FROM {table} WHERE {where} ORDER BY {key} LIMIT {STEP}")
    gone = 0
    while True:
        with store.reading() as conn:  # most of the time there is nothing to do, and nobody has to wait for it
            keys: Sequence[Any] = conn.scalars(chosen, values).all()
        if not keys:
            return gone
        with store.writing() as conn:
            column = schema.table(table).c[key]
            gone += int(conn.execute(sa.delete(schema.table(table)).where(column.in_(keys))).rowcount)
        if len(keys) < STEP:
            return gone
