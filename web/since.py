"""The API of what changed since a moment."""

from datetime import datetime
from typing import Any

from layers.analyses.dispatch import LONGEST_SHIFT
from layers.layer import Lang, plain_tree
from layers.since import since
from web import parameters as p
from web import schemas as s
from web.endpoint import Endpoint, Question
from web.parameters import Param


def changed(q: Question, *, moment: datetime | None, lang: Lang) -> Any:
    """What changed."""
    return plain_tree(since(q.district, moment, role=q.role, lang=lang))


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        "/since",
        "What was recorded since a moment, the newest first, each change with its place",
        changed,
        (
            Param(
                "from",
                p.moment,
                f"from this moment on, included, at most {LONGEST_SHIFT.days} days ago (default: the last 22:00)",
                {"type": "string", "format": "date-time"},
                into="moment",
            ),
            p.lang("language of the words"),
        ),
        s.SINCE,
        action="map.read",
    ),
)
