"""The API of evacuation: a plan that is computed and kept, its villages, the maps to print, the shelter balance."""

import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from geo.clearance import WALK_SPEEDS_M_S
from geo.errors import InputError
from geo.shelters import STAYS
from layers.actions.whatif import keep
from layers.district import District
from layers.layer import Lang
from layers.permissions import Actor
from layers.whatif.asked import asked_scenario
from layers.whatif.balance import balance
from layers.whatif.evacuation import BUSES, SEATS, Asked, evacuate
from layers.whatif.village_plans import plan_of, village_plan, village_plans
from layers.whatif.village_sheet import village_sheets
from layers.whatif.zone import FORMS
from web import parameters as p
from web import schemas as s
from web.endpoint import Endpoint, Question
from web.kept import Answer
from web.pages import sheet_fonts
from web.parameters import Param
from web.scenarios import COVERAGE_ASKED, body_moment

_PARTS = COVERAGE_ASKED["properties"]

EVACUATION_ORDER: dict[str, Any] = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 80},
        "replace": {"type": "boolean", "description": "replace a result of this name"},
        **{name: _PARTS[name] for name in ("scenario", "closures", "at")},
        "zone": {"type": ["string", "null"], "maxLength": 1_000_000, "description": f"the zone that is left: {FORMS}"},
        "who": {"enum": ["zone", "all"], "description": "only those in the zone (default with a zone), or everybody"},
        "share": {"type": "number", "exclusiveMinimum": 0, "maximum": 1, "description": "of them who leave"},
        "stay": {"enum": list(STAYS)},
        "on": {"enum": ["foot", "bus"]},
        "walk_m_s": {"type": "number", "exclusiveMinimum": 0, "maximum": 5},
        "most_walk_m": {"type": ["number", "null"], "minimum": 0, "description": "nobody walks farther (included)"},
        "objective": {"enum": ["total", "last"]},
        "together": {"type": "boolean", "description": "keep every village in one shelter"},
        "buses": {"type": "integer", "minimum": 1, "maximum": 10_000},
        "seats": {"type": "integer", "minimum": 1, "maximum": 1_000},
    },
}


def asked_of(district: District, body: Mapping[str, Any]) -> Asked:
    """The question of a body; what is left out takes its default."""
    zone = str(body.get("zone") or "")
    return Asked(
        scenario=asked_scenario(district.view(), body),
        zone=zone,
        who=body.get("who") or ("zone" if zone.strip() else "all"),
        share=float(body.get("share", 1.0)),
        stay=body.get("stay", "day"),
        on=body.get("on", "foot"),
        walk_m_s=float(body.get("walk_m_s", WALK_SPEEDS_M_S["adult"])),
        most_walk_m=None if body.get("most_walk_m") is None else float(body["most_walk_m"]),
        objective=body.get("objective", "total"),
        together=bool(body.get("together")),
        buses=int(body.get("buses", BUSES)),
        seats=int(body.get("seats", SEATS)),
    )


def save_evacuation(district: District, actor: Actor, body: Mapping[str, Any]) -> dict[str, Any]:
    """Work an evacuation out and keep it under a name."""
    began = time.monotonic()
    moment = district.local(body_moment(district, body.get("at")))
    found = evacuate(district.view(), asked_of(district, body), at=moment, name=body["name"])
    return keep(district, actor, found, seconds=time.monotonic() - began, replace=bool(body.get("replace")))


def evacuation_saved(q: Question, *, body: dict[str, Any]) -> Any:
    """An evacuation, saved."""
    return save_evacuation(q.district, q.actor, body)


def evacuation_villages(q: Question, *, name: str, street: str | None) -> Any:
    """What every village head reads."""
    return village_plans(*plan_of(q.district, name), street=street)


def evacuation_village(q: Question, *, name: str, village: str) -> Any:
    """What one village head reads."""
    return village_plan(*plan_of(q.district, name), village)


def evacuation_sheet(
    q: Question, *, name: str, village: str | None, street: str | None, lang: Lang, map_number: str | None
) -> Answer:
    """The maps to print."""
    record, result = plan_of(q.district, name)
    content = village_sheets(
        q.district,
        record,
        result,
        fonts=sheet_fonts(),
        made=q.district.now(),
        village_id=village,
        street=street,
        map_number=map_number or "",
        lang=lang,
    )
    return Answer(content, "application/pdf", {"Content-Disposition": 'inline; filename="evacuation.pdf"'})


def shelter_balance(q: Question, *, zone: str | None, at: datetime | None) -> Any:
    """Shelter places and distances by street."""
    return balance(q.district, zone=zone or "", at=at)


def _zone(name: str, value: str, district: District) -> str:
    """A zone in words, or a short outline; longer ones go into the body of a plan."""
    if len(value) > 4_000:
        raise InputError(f"{name}: {len(value)} characters; expected at most 4000")
    return value.strip()


_NAME = Param("name", p.text, "name of a saved evacuation", required=True)
_STREET = Param("street", p.text, "only the villages of this street")
_WAY = {
    "type": "object",
    "required": ["shelter_id", "shelter", "persons", "road_m", "legs_m", "travel_minutes", "minutes", "steps"],
}
VILLAGE_PLAN: dict[str, Any] = {
    "type": "object",
    "required": [
        "village_id",
        "village",
        "street",
        "persons",
        "moved",
        "missing",
        "reasons",
        "minutes",
        "ways",
        "plan",
    ],
    "properties": {"ways": s.array(_WAY), "minutes": {"type": ["integer", "null"]}},
}

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        "/whatif/evacuation",
        "Work out who goes to which shelter, and keep the plan under a name",
        evacuation_saved,
        schema=s.WHATIF_SAVED,
        method="POST",
        body=EVACUATION_ORDER,
        status=201,
        action="whatif.run",
    ),
    Endpoint(
        "/whatif/evacuation/villages",
        "The villages of a saved evacuation: from, to, by which streets, in how many minutes, whom to ring",
        evacuation_villages,
        (_NAME, _STREET),
        s.array(VILLAGE_PLAN),
        action="whatif.read",
    ),
    Endpoint(
        "/whatif/evacuation/village",
        "One village of a saved evacuation",
        evacuation_village,
        (_NAME, Param("village", p.text, "id of the village", required=True)),
        VILLAGE_PLAN,
        action="whatif.read",
    ),
    Endpoint(
        "/whatif/evacuation/sheet",
        "Evacuation maps to print, an A4 page a village: of one village, of one street or of all",
        evacuation_sheet,
        (
            _NAME,
            Param("village", p.text, "id of the village"),
            _STREET,
            p.lang("language of the page"),
            Param("map_number", p.text, "map number (审图号) of pages for the public"),
        ),
        media_types=("application/pdf",),
        action="whatif.read",
    ),
    Endpoint(
        "/shelters/balance",
        "Shelter places a person and distances by street, against the standard",
        shelter_balance,
        (
            Param("zone", _zone, f"leave out the shelters in this zone: {FORMS}"),
            p.when(summary="the moment that the answer names"),
        ),
        {"type": "object", "required": ["total", "streets", "out", "small", "standard"]},
        action="map.read",
    ),
)
