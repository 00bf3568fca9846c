"""The API of siting and of stocking: a question is checked, solved in the background and kept under a name."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from data.kinds import TEAM_TYPES
from data.reading import UPLOADED
from geo.siting import MODELS
from layers.district import District
from layers.whatif import siting, stocking
from layers.whatif.asked import asked_scenario
from layers.whatif.candidates import BUILDINGS, GRID, MAX_CANDIDATES, MAX_SPACING_M, MIN_SPACING_M, candidate_sites
from layers.whatif.stocking import MAX_ITEMS, StockItem
from web import schemas as s
from web import whatif_jobs
from web.endpoint import Endpoint, Question
from web.scenarios import COVERAGE_ASKED, body_moment

SOURCES = ("shelter", "hospital")
"""The candidates where a question names none."""

MAX_MONEY = 10**15

_PARTS = COVERAGE_ASKED["properties"]
_KEPT = {
    "name": {"type": "string", "minLength": 1, "maxLength": 80},
    "replace": {"type": "boolean", "description": "replace a result of this name"},
}
_UNDER = {name: _PARTS[name] for name in ("scenario", "closures", "teams_out", "sites", "at", "limit_s")}


def _time_limit(most_s: float) -> dict[str, Any]:
    told = "seconds of solving; stopped then, the answer has its proven bound"
    return {"type": ["number", "null"], "minimum": 1, "maximum": most_s, "description": told}


SITING_ORDER: dict[str, Any] = {
    "type": "object",
    "required": ["name"],
    "properties": {
        **_KEPT,
        **_UNDER,
        "skill": _PARTS["skill"],
        "places": _PARTS["places"],
        "model": {"enum": list(MODELS)},
        "add": {
            "type": ["integer", "null"],
            "minimum": 0,
            "maximum": siting.MAX_ADDED,
            "description": "new teams (default: 1); not with a budget, nor with fewest_sites",
        },
        "budget": {
            "type": ["integer", "null"],
            "minimum": 0,
            "maximum": MAX_MONEY,
            "description": "what the new sites may cost together, instead of add; every candidate needs its cost",
        },
        "candidates": {
            "type": "array",
            "items": {"enum": [*BUILDINGS, GRID]},
            "description": f"tables of buildings, or grid (default: {', '.join(SOURCES)}, none with own_candidates)",
        },
        "spacing_m": {"type": ["number", "null"], "minimum": MIN_SPACING_M, "maximum": MAX_SPACING_M},
        "own_candidates": {
            "type": "array",
            "maxItems": MAX_CANDIDATES,
            "items": {
                "type": "object",
                "required": ["id", "name", "lon", "lat"],
                "additionalProperties": False,
                "properties": {
                    "id": {"type": "string", "minLength": 1, "maxLength": 80},
                    "name": {"type": "string", "minLength": 1, "maxLength": 200},
                    "lon": {"type": "number", "minimum": -180, "maximum": 180},
                    "lat": {"type": "number", "minimum": -90, "maximum": 90},
                    "cost": {"type": "integer", "minimum": 0, "maximum": MAX_MONEY},
                    "capacity": {"type": "integer", "minimum": 0, "description": "persons that it serves"},
                },
            },
        },
        "type": {"enum": [choice.code for choice in TEAM_TYPES], "description": "of the new teams (default: street)"},
        "turnout_s": {"type": ["number", "null"], "minimum": 0, "maximum": siting.MAX_TURNOUT_S},
        "covers": {
            "type": "integer",
            "minimum": 1,
            "maximum": siting.MAX_COVERS,
            "description": "teams that each place needs within the limit to count",
        },
        "keep_teams": {
            "type": "boolean",
            "description": "the teams that are there stay (default); false: each may be given up for a site",
        },
        "time_limit_s": _time_limit(siting.MAX_TIME_LIMIT_S),
    },
}

STOCKING_ORDER: dict[str, Any] = {
    "type": "object",
    "required": ["name", "items", "budget"],
    "properties": {
        **_KEPT,
        **_UNDER,
        "items": {
            "type": "array",
            "minItems": 1,
            "maxItems": MAX_ITEMS,
            "items": {
                "type": "object",
                "required": ["item_id", "units", "volume_m3", "price"],
                "additionalProperties": False,
                "properties": {
                    "item_id": {"type": "string"},
                    "units": {"type": "integer", "minimum": 1, "maximum": 10**9, "description": "in a pack"},
                    "volume_m3": {"type": "number", "minimum": 0, "maximum": 10**6, "description": "of a pack"},
                    "price": {"type": "number", "minimum": 0, "maximum": 10**9, "description": "of a pack, yuan"},
                },
            },
        },
        "budget": {"type": "number", "minimum": 0, "maximum": 10**12, "description": "yuan for all packs"},
        "affected_share": {"type": "number", "minimum": 0, "maximum": 1},
        "evacuated_share": {"type": "number", "minimum": 0, "maximum": 1},
        "days": {"type": "integer", "minimum": 1, "description": "that the needs by shares are for (default: 3)"},
        "needs": {
            "type": ["array", "null"],
            "description": "instead of the shares",
            "items": {
                "type": "object",
                "required": ["village_id", "item_id", "quantity"],
                "additionalProperties": False,
                "properties": {
                    "village_id": {"type": "string"},
                    "item_id": {"type": "string"},
                    "quantity": {"type": "integer", "minimum": 0, "maximum": 10**9},
                },
            },
        },
        "time_limit_s": _time_limit(stocking.MAX_TIME_LIMIT_S),
    },
}


def _given(body: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """What a body has of these; seconds and shares as floats, so that 700 and 700.0 are one question."""
    found = {name: body[name] for name in names if body.get(name) is not None}
    return {name: float(v) if name.endswith(("_s", "_share")) else v for name, v in found.items()}


def posed_siting(district: District, body: Mapping[str, Any], *, file: Path | None = None) -> siting.Posed:
    """The question of a body, and of a file of candidates that was sent; what is left out takes its default."""
    model, budget = body.get("model", "most_covered"), body.get("budget")
    add = body.get("add")
    if add is None and budget is None and model != "fewest_sites":
        add = 1
    asked = siting.Asked(
        district.local(body_moment(district, body.get("at"))),
        add,
        budget,
        model,
        asked_scenario(district.view(), body),
        **_given(body, "limit_s", "skill", "places", "type", "turnout_s", "covers", "time_limit_s", "keep_teams"),
    )
    own = body.get("own_candidates") or ()
    default: Sequence[str] = () if own or file is not None else SOURCES
    sources = body.get("candidates", default)
    spacing_m = body.get("spacing_m")
    found = candidate_sites(district.view(), sources, spacing_m=spacing_m, given=own, file=file, bounds=UPLOADED)
    return siting.posed(district, body["name"], asked, found)


def posed_stocking(district: District, body: Mapping[str, Any]) -> stocking.Posed:
    """The question of a body; what is left out takes its default."""
    needs = body.get("needs")
    asked = stocking.Asked(
        district.local(body_moment(district, body.get("at"))),
        tuple(StockItem(i["item_id"], i["units"], float(i["volume_m3"]), float(i["price"])) for i in body["items"]),
        float(body["budget"]),
        needs=None if needs is None else {(n["village_id"], n["item_id"]): n["quantity"] for n in needs},
        scenario=asked_scenario(district.view(), body),
        **_given(body, "limit_s", "affected_share", "evacuated_share", "days", "time_limit_s"),
    )
    return stocking.posed(district, body["name"], asked)


def siting_started(q: Question, *, body: dict[str, Any]) -> Any:
    """Sites, being chosen."""
    began = time.monotonic()
    return whatif_jobs.start(q.jobs, q.district, q.actor, posed_siting(q.district, body), body, began=began).shown()


def stocking_started(q: Question, *, body: dict[str, Any]) -> Any:
    """A stocking plan, being made."""
    began = time.monotonic()
    return whatif_jobs.start(q.jobs, q.district, q.actor, posed_stocking(q.district, body), body, began=began).shown()


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        "/whatif/siting",
        "Choose sites for new teams among candidates; the job says how far it is, the result is kept under its name",
        siting_started,
        schema=s.WHATIF_JOB,
        method="POST",
        body=SITING_ORDER,
        status=202,
        action="whatif.run",
    ),
    Endpoint(
        "/whatif/stocking",
        "Place packs at the depots within volume and budget; the job says how far it is, the plan is kept",
        stocking_started,
        schema=s.WHATIF_JOB,
        method="POST",
        body=STOCKING_ORDER,
        status=202,
        action="whatif.run",
    ),
)
