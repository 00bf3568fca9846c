"""The API of views: what a view shows, and the views that are kept under a name."""

from typing import Any

from data import map_views
from data.map_views import MAX_NAME
from layers.actions import map_views as actions
from layers.ground import Theme
from layers.layer import Lang, plain_tree
from layers.sheet import SheetText
from layers.views import sheet, shown
from layers.views.map_view import SCHEMA, read_map_view, readable
from web import parameters as p
from web import schemas as s
from web.endpoint import Endpoint, Question
from web.kept import Answer
from web.map_link import view_param
from web.pages import sheet_fonts

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
_LINE = {"type": "string", "maxLength": 200}
PRINTED: dict[str, Any] = {
    "type": "object",
    "required": ["document"],
    "properties": {
        "document": SCHEMA,
        "paper": {"enum": list(sheet.PAPERS), "description": "size of the paper (default: A3)"},
        "title": {**_LINE, "description": "title of the map (default: that of the top layer)"},
        "map_number": {**_LINE, "description": "map approval number (default: none, for internal use)"},
        "maker": {**_LINE, "description": "who makes the map"},
    },
}


def layers_shown(q: Question, *, document: dict[str, Any], lang: Lang, theme: Theme) -> Any:
    """What each layer of a view shows: counts, classes, legend, how it is drawn."""
    view = read_map_view(document, role=q.role, timezone=q.district.timezone)
    return plain_tree(shown.answer(q.district, view, role=q.role, lang=lang, theme=theme))


def view_on_paper(q: Question, *, body: dict[str, Any], lang: Lang) -> Answer:
    """A view as a map sheet, with the legend that `layers_shown` tells."""
    view = read_map_view(body["document"], role=q.role, timezone=q.district.timezone)
    map_number = body.get("map_number", "").strip()
    drawn = sheet.view_sheet(
        q.district,
        view,
        fonts=sheet_fonts(),
        made_on=q.district.now().date(),
        paper=body.get("paper", sheet.PAPERS[0]),
        role=q.role,
        lang=lang,
        text=SheetText(
            title=body.get("title", "").strip(),
            map_number=map_number,
            maker=body.get("maker", "").strip(),
            public=bool(map_number),
        ),
    )
    return Answer(drawn.pdf, "application/pdf", {"Content-Disposition": 'attachment; filename="map.pdf"'})


def named_views(q: Question) -> Any:
    """The views that whoever asks may open."""
    with q.district.store.reading() as conn:
        return [actions.told(view, q.actor) for view in map_views.listed(conn, q.actor.id)]


def named_view(q: Question, view: str) -> Any:
    """One view with its document."""
    with q.district.store.reading() as conn:
        found = map_views.read(conn, view, q.actor.id, all_views=q.role == "administrator")
    document, problems = readable(found.document or {}, role=q.role, timezone=q.district.timezone)
    return {**actions.told(found, q.actor), "document": document, "left_out": [error.detail for error in problems]}


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
        (
            view_param(
                "the layers top first, their filters and styles, the moment: the document of a view as JSON",
                required=True,
                example='{"layers":[{"id":"teams","opacity":0.5}]}',
            ),
            p.lang(),
            p.theme(),
        ),
        SHOWN,
        kept=True,
        action="map.read",
    ),
    Endpoint(
        "/views/sheet.pdf",
        "A view on one sheet of paper: title, legend with counts, scale bar, north arrow, date, sources, map number",
        view_on_paper,
        (p.lang(),),
        media_types=("application/pdf",),
        method="POST",  # of a view with much drawn in it no address is long enough
        body=PRINTED,
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
