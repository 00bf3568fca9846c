"""What the audit says of accounts and lots, held against what is stored of them.

The chain covers the audit and the logs. Accounts and lots are tables that change; what was last said of them stands in
rows that the chain covers, so whoever alters them past the program is found, as far as the rows reach.
"""

import json
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from data import schema

_OF_ACCOUNTS = ("add account", "change role", "disable account", "unlock account")
_RIGHTS = ("role", "street", "depot_id", "disabled")
_TAKEN_IN = "stock.take_in"
_IMPORTED = "import lots"


def _done(conn: Connection, *actions: str) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """Sequence number, action and details of what was done, the oldest first."""
    table = schema.table("audit")
    statement = (
        sa.select(table.c.seq, table.c.action, table.c.details)
        .where(table.c.action.in_(actions), table.c.outcome == "done")
        .order_by(table.c.seq)
    )
    for seq, action, details in conn.execute(statement):
        yield int(seq), str(action), json.loads(details)


def unlike_accounts(conn: Connection) -> list[str]:
    """Accounts whose role, street, depot or standing is not what the audit said last, that it never made, or misses."""
    said: dict[str, dict[str, Any]] = {}
    for _, _, details in _done(conn, *_OF_ACCOUNTS):
        answer = details.get("answer") or {}
        if "id" in answer:
            said[answer["id"]] = {name: answer.get(name) for name in _RIGHTS}
    table = schema.table("account")
    found = conn.execute(sa.select(table.c.id, *(table.c[name] for name in _RIGHTS)).order_by(table.c.id)).mappings()
    stored = {row["id"]: {name: row[name] for name in _RIGHTS} for row in found}
    problems = []
    for account, row in stored.items():
        if account not in said:
            problems.append(f"account {account}: no row of the audit made it; it is {row['role']}")
            continue
        known = said[account]
        problems += [
            f"account {account}: {name} is {_word(row[name])}, the audit said {_word(known[name])}"
            for name in _RIGHTS
            if row[name] != known[name]
        ]
    problems += [f"account {account}: the audit made it, it is not there" for account in said.keys() - stored.keys()]
    return sorted(problems)


def unlike_lots(conn: Connection) -> list[str]:
    """Lots whose state or expiry is not what they were taken in with, or not that of the lot they came from.

    A state counts where no change of it was noted since, an expiry where no list of lots was imported since. Of lots
    that only a list has said nothing is known here.
    """
    lot, change, movement = (schema.table(name) for name in ("lot", "lot_status_change", "movement"))
    names = ("id", "status", "expires_on")
    lots = {row["id"]: dict(row) for row in conn.execute(sa.select(*(lot.c[n] for n in names))).mappings()}
    last_change = dict(
        conn.execute(sa.select(change.c.lot_id, sa.func.max(change.c.recorded_utc)).group_by(change.c.lot_id)).all()
    )
    taken: dict[str, tuple[str, str | None, bool]] = {}
    for _, action, details in _done(conn, _TAKEN_IN, _IMPORTED):
        if action == _IMPORTED:
            taken = {lot_id: (status, expires_on, False) for lot_id, (status, expires_on, _) in taken.items()}
            continue
        for asked, line in zip(details["request"]["lines"], details["answer"]["lines"], strict=True):
            taken[line["lot_id"]] = (asked.get("status") or "usable", line["expires_on"], True)
    problems = []
    for lot_id, (status, expires_on, is_newest) in taken.items():
        row = lots.get(lot_id)
        if row is None:
            problems.append(f"lot {lot_id}: it was taken in, it is not there")
            continue
        if lot_id not in last_change and row["status"] != status:
            problems.append(f"lot {lot_id}: it is {row['status']}, it was taken in {status} and never changed")
        if is_newest and row["expires_on"] != expires_on:
            problems.append(
                f"lot {lot_id}: it expires {_word(row['expires_on'])}, it was taken in as {_word(expires_on)}"
            )
    table = schema.table("audit")
    imported = conn.scalar(
        sa.select(sa.func.max(table.c.recorded_utc)).where(table.c.action == _IMPORTED, table.c.outcome == "done")
    )
    moved = sa.select(movement.c.lot_id, movement.c.to_lot_id, movement.c.recorded_utc).where(
        movement.c.to_lot_id.is_not(None), movement.c.kind != "reversal"
    )
    for source, target, moment in conn.execute(moved.order_by(movement.c.seq)):
        one, other = lots[source], lots[target]
        is_still = all(last_change.get(lot_id, "") < moment for lot_id in (source, target))
        if is_still and one["status"] != other["status"]:
            problems.append(
                f"lot {target}: it is {other['status']}, its goods came from {source}, which is {one['status']};"
                " neither changed since"
            )
        if (imported or "") < moment and one["expires_on"] != other["expires_on"]:
            problems.append(
                f"lot {target}: it expires {_word(other['expires_on'])}, its goods came from {source}, which expires"
                f" {_word(one['expires_on'])}"
            )
    return list(dict.fromkeys(problems))


def _word(value: Any) -> str:
    return "nothing" if value is None else str(value)
