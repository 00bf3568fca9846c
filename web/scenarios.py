"""The API of scenarios: which there are, coverage under one, and all of them side by side as a saved result."""

import time
from datetime import datetime
from typing import Any

from data.kinds import SKILLS
from geo.errors import InputError
from layers.actions.whatif import keep
from layers.district import District
from layers.layer import plain_tree
from layers.permissions import Actor
from layers.whatif import scenarios
from layers.whatif.asked import asked_scenario, scenario_by_id
from layers.whatif.coverage import scenario_coverage
from layers.whatif.scenario import shipped_scenarios
from web import schemas as s
from web.endpoint import Endpoint, Question

_CLOSURES = {
    "type": ["array", "null"],
    "description": "further closures: geometry (GeoJSON) or raster (code), factor, from, to, reason",
    "items": {"type": "object"},
}
_AT = {
    "type": ["string", "null"],
    "maxLength": 40,
    "description": "the moment asked about, such as 2026-07-01T08:00+08:00 (default: now)",
}

COVERAGE_ASKED: dict[str, Any] = {
    "type": "object",
    "properties": {
        "scenario": {"type": ["string", "null"], "description": "as_it_is (default) or the id of a shipped scenario"},
        "compare": {"type": ["string", "null"], "description": "the scenario from which the difference is told"},
        "closures": _CLOSURES,
        "teams_out": {
            "type": ["array", "null"],
            "items": {"type": "string"},
            "description": "ids of teams that are lost",
        },
        "sites": {"type": ["array", "null"], "items": {"type": "object"}, "description": "teams that are added"},
        "at": _AT,
        "limit_s": {"type": ["number", "null"], "minimum": 1, "maximum": 86_400},
        "skill": {"enum": [None, *(choice.code for choice in SKILLS)]},
        "places": {"enum": ["villages", "cells", "enterprises"]},
    },
}

SCENARIOS_ORDER: dict[str, Any] = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 80},
        "scenarios": {"type": ["array", "null"], "items": {"type": "string"}, "description": "ids (default: all)"},
        "at": _AT,
        "replace": {"type": "boolean", "description": "replace a result of this name"},
    },
}


def body_moment(district: District, text: str | None) -> datetime | None:
    """The moment that a body asks about, in the district's time zone where it names none."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(f"at={text}: expected a time such as 2026-07-01T08:00+08:00") from None
    return found if found.tzinfo is not None else found.replace(tzinfo=district.timezone)


def scenario_list(q: Question) -> Any:
    """The shipped scenarios, each number with its source."""
    return [{**scenario.plain(), "title_en": scenario.title.en} for scenario in shipped_scenarios().values()]


def coverage_asked(q: Question, *, body: dict[str, Any]) -> Any:
    """Coverage under a scenario of one's own, and the difference from another."""
    found = scenario_coverage(
        q.district,
        asked_scenario(q.district.view(), body),
        compare=None if body.get("compare") is None else scenario_by_id(body["compare"]),
        at=body_moment(q.district, body.get("at")),
        limit_s=q.settings.limit_s if body.get("limit_s") is None else body["limit_s"],
        skill=body.get("skill"),
        places=body.get("places", "villages"),
    )
    return plain_tree(found.to_json())


def save_scenarios(district: District, actor: Actor, body: dict[str, Any]) -> dict[str, Any]:
    """Work the scenarios out and keep them under a name."""
    began = time.monotonic()
    wanted = body.get("scenarios")
    found = scenarios.run_scenarios(
        district,
        body["name"],
        scenarios=None if wanted is None else [scenario_by_id(name) for name in wanted],
        at=body_moment(district, body.get("at")),
    )
    return keep(district, actor, found, seconds=time.monotonic() - began, replace=bool(body.get("replace")))


def scenarios_saved(q: Question, *, body: dict[str, Any]) -> Any:
    """The scenarios side by side, saved."""
    return save_scenarios(q.district, q.actor, body)


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        "/whatif/scenarios",
        "The scenarios that come along, each number with its source",
        scenario_list,
        schema=s.array({"type": "object", "required": ["id", "title", "sources"]}),
        action="whatif.read",
    ),
    Endpoint(
        "/whatif/scenarios",
        "Work the scenarios out by capability, persons, area and enterprise risk, and keep them under a name",
        scenarios_saved,
        schema=s.WHATIF_SAVED,
        method="POST",
        body=SCENARIOS_ORDER,
        status=201,
        action="whatif.run",
    ),
    Endpoint(
        "/whatif/coverage",
        "Coverage under a scenario with closures, lost teams and new sites, and the difference from another",
        coverage_asked,
        schema=s.COVERAGE,
        method="POST",
        body=COVERAGE_ASKED,
        action="whatif.run",
    ),
)
