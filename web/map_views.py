"""The API of views: what a view shows, and the views that are kept under a name."""

import json
from typing import Any

from data import map_views
from data.map_views import MAX_NAME
from geo.errors import InputError
from layers.actions import map_views as actions
from layers.district import District
from layers.layer import Lang, plain_tree
from layers.views import shown
from layers.views.map_view import SCHEMA, read_map_view
from web import parameters as p
from web import schemas as s
from web.endpoint import Endpoint, Question, require_schema
from web.parameters import Param

MAX_TEXT = 6_000
"""Characters of a view in an address, bound included; a larger one is kept under a name."""


def read_view_text(name: str, value: str, district: District) -> dict[str, Any]:
    """A view in an address: JSON that fits the schema. InputError names what is wrong."""
    if len(value) > MAX_TEXT:
        raise InputError(f"{name}: {len(value)} characters; expected at most {MAX_TEXT}, save the view under a name")
    try:
        document = json.loads(value)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise InputError(f"{name}={value[:40]}: expected a view as the map writes it into its links")
    require_schema(document, SCHEMA)
    return document


VIEW = Param(
    "view",
    read_view_text,
    "the layers top first, their filters and styles, the moment: the document of a view as JSON",
    {"type": "string", "maxLength": MAX_TEXT},
    required=True,
    into="document",
    example='{"layers":[{"id":"teams","opacity":0.5}]}',
)
LANG = Param("lang", p.one_of("zh", "en"), "language of labels", {"type": "string", "enum": ["zh", "en"]}, default="zh")

SHOWN = s.array(
    {
        "type": "object",
        "required": ["id", "title", "count", "matched", "legend", "breaks", "map_layers", "fields"],
        "properties": {
            "count": {"type": "integer", "description": "rows of the layer"},
            "matched": {"type": "integer", "description": "rows that the filters leave"},
            "legend": s.array({"type": "object", "required": ["label", "color", "shape", "count"]}),
            "breaks": {
                "type": ["object", "null"],
                "description": "where classes of numbers begin, and by which method",
            },
            "map_layers": s.array({"type": "object", "required": ["id", "type"]}),
            "fields": s.array({"type": "object", "required": ["name", "label", "filter", "methods"]}),
        },
    }
)

_NAME = {"type": "string", "minLength": 1, "maxLength": MAX_NAME}
_SHARED = {"type": "boolean", "description": "for all who may see the map, not only for whoever keeps it"}
NAMED: dict[str, Any] = {
    "type": "object",
    "required": ["id", "name", "made_by", "shared", "created_utc", "updated_utc", "own"],
}
NEW: dict[str, Any] = {
    "type": "object",
    "required": ["name", "document"],
    "properties": {"name": _NAME, "shared": _SHARED, "document": SCHEMA},
}
CHANGED: dict[str, Any] = {
    "type": "object",
    "properties": {
        "name": {**_NAME, "type": ["string", "null"]},
        "shared": {**_SHARED, "type": ["boolean", "null"]},
        "document": {**SCHEMA, "type": ["object", "null"]},
    },
}


def layers_shown(q: Question, *, document: dict[str, Any], lang: Lang) -> Any:
    """What each layer of a view shows: counts, classes, legend, how it is drawn."""
    view = read_map_view(document, role=q.role, timezone=q.district.timezone)
    return plain_tree(shown.answer(q.district, view, role=q.role, lang=lang))


def named_views(q: Question) -> Any:
    """The views that whoever asks may open."""
    with q.district.store.reading() as conn:
        return [actions.told(view, q.actor) for view in map_views.listed(conn, q.actor.id)]


def named_view(q: Question, view: str) -> Any:
    """One view with its document."""
    with q.district.store.reading() as conn:
        found = map_views.read(conn, view, q.actor.id, all_views=q.role == "administrator")
    return actions.told(found, q.actor)


def view_saved(q: Question, *, body: dict[str, Any]) -> Any:
    """Keep a view."""
    return actions.save(q.district, q.actor, body, key=str(q.key))


def view_changed(q: Question, view: str, *, body: dict[str, Any]) -> Any:
    """Rename a view, share it, or keep the map in it as it is now."""
    return actions.change(q.district, q.actor, view, body)


def view_deleted(q: Question, view: str) -> Any:
    """Delete a view."""
    return actions.delete(q.district, q.actor, view)


_ID = {"view": "id of a named view"}

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        "/views/shown",
        "What each layer of a view shows: counts, class breaks, colours, legend, how the map draws it",
        layers_shown,
        (VIEW, LANG),
        SHOWN,
        kept=True,
        action="map.read",
    ),
    Endpoint(
        "/views",
        "The named views: the own ones and those for all",
        named_views,
        schema=s.array(NAMED),
        action="map.read",
    ),
    Endpoint("/views/{view}", "One named view with its document", named_view, (), NAMED, _ID, action="map.read"),
    Endpoint(
        "/views",
        "Keep a view under a name",
        view_saved,
        schema=NAMED,
        method="POST",
        body=NEW,
        status=201,
        needs_key=True,
        action="view.save",
    ),
    Endpoint(
        "/views/{view}",
        "Rename a named view, share it or not, or keep the map in it as it is now",
        view_changed,
        (),
        NAMED,
        _ID,
        method="POST",
        body=CHANGED,
        action="view.save",
    ),
    Endpoint(
        "/views/{view}",
        "Delete a named view",
        view_deleted,
        (),
        NAMED,
        _ID,
        method="DELETE",
        action="view.save",
    ),
)
