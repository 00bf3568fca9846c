"""The one gate through which everything changes: permission, idempotency, the change, the audit; all or nothing."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from data import audit, idempotency
from geo.errors import Conflict, Forbidden, OneMapError
from layers import permissions
from layers.district import District
from layers.layer import plain_tree
from layers.permissions import ACTIONS, Actor

Change = Callable[[Connection, datetime], Any]
"""Does the work in the transaction it is given, at the moment it is given (UTC); returns plain values."""


def act(
    district: District,
    actor: Actor,
    action: str,
    change: Change,
    *,
    route: str,
    key: str | None = None,
    body: Any = None,
    subject: str | None = None,
    depot_id: str | None = None,
    street: str | None = None,
    brief: bool = True,
) -> Any:
    """Do one change, once.

    With a `key`, the same request again gets the answer of the first time and nothing happens; the same key
    with another body is a Conflict. A change that is refused leaves nothing behind but its row in the audit.
    One that may take long is not `brief`: others would wait for it with theirs.
    """
    assert ACTIONS[action].changes, action
    now = district.now().astimezone(UTC)
    digest = idempotency.body_hash(body)
    try:
        permissions.require(actor, action, depot_id=depot_id, street=street)
        with district.store.writing(brief=brief) as conn:
            if key is not None:
                found = idempotency.answered(conn, actor=actor.id, key=key, route=route, body=digest)
                if found is not None:
                    return found
            answer = plain_tree(change(conn, now))
            audit.append(
                conn,
                actor=actor.id,
                role=actor.role,
                address=actor.address,
                action=route,
                subject=subject or _subject(answer),
                details={"request": body, "answer": answer},
                now_utc=now,
            )
            if key is not None:
                idempotency.keep(conn, actor=actor.id, key=key, route=route, body=digest, answer=answer, now_utc=now)
    except (Forbidden, Conflict) as error:
        refuse(district, actor, route, error, subject=subject, body=body)
        raise
    return answer


def refuse(
    district: District, actor: Actor, route: str, error: OneMapError, *, subject: str | None = None, body: Any = None
) -> None:
    """Record that something was refused, and why."""
    with district.store.writing(brief=True) as conn:
        audit.append(
            conn,
            actor=actor.id,
            role=actor.role,
            address=actor.address,
            action=route,
            subject=subject,
            outcome="refused",
            details={"request": body, "problem": error.detail},
            now_utc=district.now().astimezone(UTC),
        )
    error.recorded = True


def _subject(answer: Any) -> str | None:
    return str(answer["id"]) if isinstance(answer, Mapping) and answer.get("id") else None
