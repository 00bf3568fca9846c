"""The same request twice happens once: the answer is kept with the change, under the key of the request.

`data.keeping` forgets answers after a time; a key may be used anew afterwards.
"""

import hashlib
import json
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from data import schema
from data.store import insert_rows, read_rows
from geo.errors import Conflict, InputError

_LONGEST = 200


def body_hash(body: Any) -> str:
    """A hash that is equal for equal bodies, whatever the order of their names."""
    text = json.dumps(body, ensure_ascii=False, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def require_key(key: str | None) -> str:
    """The key as it is kept; InputError without one."""
    if key is None or not key.strip():
        raise InputError("Idempotency-Key: every change carries one, so that the same request twice happens once")
    if len(key) > _LONGEST:
        raise InputError(f"Idempotency-Key: {len(key)} characters; expected at most {_LONGEST}")
    return key.strip()


def answered(conn: Connection, *, actor: str, key: str, route: str, body: str) -> Any | None:
    """The answer that this request got already; None for a new one, Conflict for another one with its key."""
    found = read_rows(conn, "SELECT route, body_hash, answer FROM idempotency WHERE id = ?", (_id(actor, key),))
    if not found:
        return None
    row = found[0]
    if (row[0], row[1]) != (route, body):
        raise Conflict(f"Idempotency-Key={key}: it was used for another request; take a new key for each")
    return json.loads(row[2])


def keep(conn: Connection, *, actor: str, key: str, route: str, body: str, answer: Any, now_utc: datetime) -> None:
    """Keep an answer in the transaction of the change."""
    row = {
        "id": _id(actor, key),
        "route": route,
        "body_hash": body,
        "status": 200,
        "answer": json.dumps(answer, ensure_ascii=False, default=str),
        "created_utc": schema.utc_text(now_utc),
    }
    insert_rows(conn, "idempotency", [row])


def _id(actor: str, key: str) -> str:
    return schema.id_of((actor, key))
