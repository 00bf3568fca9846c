"""The API of the wall of a command centre."""

from typing import Any

from layers.layer import Lang, plain_tree
from layers.wall import wall
from web import parameters as p
from web import schemas as s
from web.endpoint import Endpoint, Question


def figures(q: Question, *, lang: Lang) -> Any:
    """What needs somebody now."""
    return plain_tree(wall(q.district, role=q.role, lang=lang, limit_s=q.settings.limit_s))


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        "/wall",
        "The figures of a wall: what needs somebody now, with rows and their places; what is withheld is named",
        figures,
        (p.lang("language of the words"),),
        s.WALL,
        action="map.read",
    ),
)
