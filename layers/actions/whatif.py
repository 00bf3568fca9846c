"""A what-if result is kept under a name, and who did it stands in the audit."""

from datetime import UTC, datetime
from typing import Any

from geo.errors import Conflict
from layers import permissions
from layers.actions.gate import act, refuse
from layers.district import District
from layers.layer import plain_tree
from layers.permissions import Actor
from layers.whatif.saved import Result, delete, require_free, save

_ACTION = "whatif.run"
_ROUTE = "save what-if result"


def begin(district: District, actor: Actor, kind: str, name: str, *, replace: bool) -> None:
    """Before what takes long: whoever asks may keep a result, and its name is free or may be replaced."""
    permissions.require(actor, _ACTION)
    if replace:
        return
    try:
        require_free(district, kind, name)
    except Conflict as error:
        refuse(district, actor, _ROUTE, error, subject=name, body={"kind": kind, "name": name, "replace": replace})
        raise


def keep(district: District, actor: Actor, result: Result, *, seconds: float, replace: bool = False) -> dict[str, Any]:
    """Keep a result; Conflict where its name is taken by another and `replace` is off."""
    permissions.require(actor, _ACTION)
    route, asked = _ROUTE, {"kind": result.kind, "name": result.name, "replace": replace}
    try:
        record = save(district, result, made_utc=datetime.now(UTC), made_by=actor.id, seconds=seconds, replace=replace)
    except Conflict as error:
        refuse(district, actor, route, error, subject=result.name, body=asked)
        raise
    told = {"id": record.id, "kind": record.kind, "name": record.name, "seconds": record.seconds}
    done: dict[str, Any] = act(
        district, actor, _ACTION, lambda conn, now: told, route=route, body=asked, subject=record.name
    )
    return {**done, "summary": plain_tree(record.summary)}


def throw_away(district: District, actor: Actor, kind: str, name: str) -> dict[str, Any]:
    """Delete a saved result; NotFound where there is none."""
    permissions.require(actor, _ACTION)
    delete(district, kind, name)
    told = {"kind": kind, "name": name}
    done: dict[str, Any] = act(
        district, actor, _ACTION, lambda conn, now: told, route="delete what-if result", body=told, subject=name
    )
    return done
