"""The API of closures: roads are closed, slowed and opened by hand, and what that takes from the coverage.

Every change carries an Idempotency-Key.
"""

from datetime import datetime
from typing import Any

from layers.actions import closures
from layers.layer import plain_tree
from layers.whatif.coverage import closure_effect
from web import parameters as p
from web import schemas as s
from web.endpoint import Endpoint, Question

_MOMENT = {"type": ["string", "null"], "maxLength": 40}

CLOSURE: dict[str, Any] = {
    "type": "object",
    "required": ["reason"],
    "properties": {
        "reason": {"type": "string", "minLength": 1, "maxLength": 500},
        "geometry": {"type": ["object", "null"], "description": "GeoJSON point, line or polygon in WGS 84"},
        "raster": {"type": ["string", "null"], "description": "instead: code of a raster of water depth in m"},
        "from": {**_MOMENT, "description": "in force from this moment on, included, with offset (default: now)"},
        "to": {**_MOMENT, "description": "until this moment, not included (default: no end)"},
        "factor": {"type": ["number", "null"], "minimum": 0, "maximum": 1, "description": "share of the speed left"},
    },
}

REOPENED: dict[str, Any] = {
    "type": "object",
    "properties": {"to": {**_MOMENT, "description": "when it ends (default: now)"}},
}


def close(q: Question, *, body: dict[str, Any]) -> Any:
    """Close or slow roads."""
    return closures.close(q.district, q.actor, body, key=str(q.key))


def reopen(q: Question, closure: str, *, body: dict[str, Any]) -> Any:
    """End a closure."""
    return closures.reopen(q.district, q.actor, closure, body, key=str(q.key))


def closure_difference(
    q: Question, closure: str, *, limit_s: float | None, skill: str | None, places: str, at: datetime | None
) -> Any:
    """What a closure takes from the coverage."""
    found = closure_effect(
        q.district,
        closure,
        at=at,
        limit_s=q.settings.limit_s if limit_s is None else limit_s,
        skill=skill,
        places=places,
    )
    return plain_tree(found.to_json())


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        "/closures",
        "Close or slow the roads that a geometry meets, or that lie in the water of a raster",
        close,
        schema=s.CLOSURE_MADE,
        method="POST",
        body=CLOSURE,
        status=201,
        needs_key=True,
        action="closure.change",
    ),
    Endpoint(
        "/closures/{closure}/end",
        "End a closure now or at a moment; one that has not begun never begins",
        reopen,
        (),
        s.CLOSURE_ENDED,
        {"closure": "id of a closure"},
        method="POST",
        body=REOPENED,
        needs_key=True,
        action="closure.change",
    ),
    Endpoint(
        "/closures/{closure}/difference",
        "Who is reached later, or no longer within the limit, because of a closure",
        closure_difference,
        (
            *p.covered_by(),
            p.when(summary="the moment asked about (default: now, or when the closure begins)"),
        ),
        s.CLOSURE_DIFFERENCE,
        {"closure": "id of a closure"},
        action="map.read",
    ),
)
