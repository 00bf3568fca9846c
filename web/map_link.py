"""Links to the map: one opens its panel of supplies with a question filled in, one restores a view."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from werkzeug.datastructures import MultiDict

from data import map_views
from geo.errors import InputError, NotFound
from geo.supply import number_of, thousandths
from layers import analyses
from layers.analyses.stock import item_titles
from layers.district import District
from layers.permissions import Actor
from layers.query import layer_for
from layers.views.map_view import SCHEMA, readable
from web import parameters as p
from web.endpoint import require_schema
from web.parameters import Param

PANEL = "panel"
"""The parameter that says that the address has a question in it."""

MAX_WITHIN_MIN = 100_000

SCREEN = Param("screen", p.one_of("wall"), "how the page is laid out: for a wall, or (none) for a desk")

PARAMS: tuple[Param, ...] = (
    Param(PANEL, p.one_of("supply"), "which panel opens"),
    Param("lang", p.text, "the language of the page"),
    SCREEN,
    Param("theme", p.text, "light, dark or auto: the colours of the page"),
    Param("to", p.lonlat, "where the supplies are needed"),
    Param("place", p.text, "what the place is called"),
    Param("need", p.text, "ITEM=QUANTITY, once per item", many=True, default=()),
    Param("within", p.whole(1, MAX_WITHIN_MIN), "deadline in minutes (none: no deadline)"),
    Param("substitutes", p.one_of("yes", "no"), "fill from substitutes too", default="no"),
    Param("own", p.one_of("yes", "no"), "show the plan of the own level first", default="no"),
    Param("to_depot", p.text, "the depot that receives"),
)
"""As those of ``/supply/plans``, with the name of the place and what the page shows first."""


def address(
    *,
    needs: Mapping[str, Any],
    to: Sequence[float] | None = None,
    place: str | None = None,
    within: int | None = None,
    to_depot: str | None = None,
) -> str:
    """The address of the map with the question in it; `within` in minutes."""
    pairs = [
        (PANEL, "supply"),
        ("to", None if to is None else f"{to[0]},{to[1]}"),
        ("place", None if place is None else place[:200]),
        *(("need", f"{item}={quantity}") for item, quantity in needs.items()),
        ("within", None if within is None else min(within, MAX_WITHIN_MIN)),
        ("to_depot", to_depot),
    ]
    return f"/?{urlencode([(name, value) for name, value in pairs if value is not None])}"


def screen(query: MultiDict[str, str], district: District) -> str:
    """How the page is laid out: "wall", or "" for a desk; InputError for another word."""
    value = query.get(SCREEN.name, "")
    return str(SCREEN.read(SCREEN.name, value, district)) if value else ""


def question(query: MultiDict[str, str], district: District) -> dict[str, Any] | None:
    """The question in an address, checked; None where there is none. InputError and NotFound name what is wrong."""
    if PANEL not in query:
        return None
    values = p.read_query(PARAMS, query, district, "/")
    view = district.view()
    titles = item_titles(view)
    if values["to"] is not None:
        analyses.require_place(view, values["to"], "to")
    if values["to_depot"] is not None and values["to_depot"] not in set(view.frame("depot")["id"]):
        raise NotFound(f"to_depot={values['to_depot']}: there is no such depot")
    needs = []
    for item, quantity in analyses.parse_needs(values["need"]).items():
        if item not in titles:
            raise NotFound(f"need={item}={quantity}: there is no such item in the catalogue")
        amount = thousandths(quantity, name=f"need={item}")
        if amount <= 0:
            raise InputError(f"need={item}={quantity}: expected a quantity above 0")
        needs.append({"id": item, "name": titles[item][0], "unit": titles[item][1], "quantity": number_of(amount)})
    return {
        "to": values["to"],
        "place": values["place"],
        "needs": needs,
        "within": values["within"],
        "substitutes": values["substitutes"] == "yes",
        "own": values["own"] == "yes",
        "to_depot": values["to_depot"],
    }


def require_layers(query: MultiDict[str, str], actor: Actor) -> None:
    """NotFound unless every layer that an address switches on is there for whoever asks."""
    for name in filter(None, query.get("layers", "").split(",")):
        layer_for(name, actor.role)


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


def view_param(summary: str, *, example: str, required: bool = False) -> Param:
    """A view in the address of the API, as `document`."""
    schema = {"type": "string", "maxLength": MAX_TEXT}
    return Param("view", read_view_text, summary, schema, required=required, into="document", example=example)


def view(
    query: MultiDict[str, str], district: District, actor: Actor
) -> tuple[dict[str, Any] | None, list[InputError | NotFound]]:
    """The view that an address restores, and why layers of it are left out.

    ``view`` is its document, ``saved`` the id of a named one; None where there is neither. InputError and NotFound
    name what is wrong with the whole.
    """
    if "saved" in query:
        with district.store.reading() as conn:
            named = map_views.read(conn, query["saved"], actor.id, all_views=actor.role == "administrator")
        document = named.document or {}
    elif "view" in query:
        document = read_view_text("view", query["view"], district)
    else:
        return None, []
    return readable(document, role=actor.role, timezone=district.timezone)
