"""How long searches and plans took: one row each, for the figures of 找得到、调得出."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection

from data import schema

What = Literal["search", "plan"]
ANSWERS: tuple[What, ...] = ("search", "plan")


class AnswerTime(NamedTuple):
    """One search or plan: who asked when (UTC text), and the seconds until the answer was made."""

    what: What
    actor: str
    asked_utc: str
    took_s: float


def keep(conn: Connection, times: Sequence[AnswerTime]) -> None:
    """Write down times."""
    if times:
        conn.execute(sa.insert(schema.table("answer_time")), [time._asdict() for time in times])


def read(conn: Connection, what: What, *, until_utc: datetime | str) -> list[AnswerTime]:
    """The times of one sort that are kept, asked up to a moment (bound included), the oldest first."""
    table = schema.table("answer_time")
    columns: list[Any] = [table.c[name] for name in AnswerTime._fields]
    statement = sa.select(*columns).where(table.c.what == what, table.c.asked_utc <= schema.utc_text(until_utc))
    return [AnswerTime(*row) for row in conn.execute(statement.order_by(table.c.asked_utc, table.c.seq))]
