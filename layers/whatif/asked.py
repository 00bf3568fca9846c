"""A scenario as somebody asks for it: one that is shipped, with closures, lost teams and new sites of their own."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from data.schema import utc_text
from geo.errors import InputError
from layers.actions.closures import drawn_geometry
from layers.district import View
from layers.whatif.scenario import AS_IT_IS, FLOOD, Closure, Scenario, parse_site, shipped_scenarios

MAX_CLOSURES = 200
"""Closures of one question."""


def scenario_by_id(name: str) -> Scenario:
    """A shipped scenario, or ``as_it_is``; InputError lists them."""
    known = {AS_IT_IS.id: AS_IT_IS, **shipped_scenarios()}
    if name not in known:
        raise InputError(f"scenario={name}: expected one of {', '.join(known)}")
    return known[name]


def asked_scenario(view: View, body: Mapping[str, Any]) -> Scenario:
    """The scenario of a question: `scenario`, `closures`, `teams_out`, `sites`; checked field by field."""
    scenario = scenario_by_id(str(body.get("scenario") or AS_IT_IS.id))
    closures: Sequence[Mapping[str, Any]] = body.get("closures") or ()
    if len(closures) > MAX_CLOSURES:
        raise InputError(f"closures: {len(closures)} of them; expected at most {MAX_CLOSURES}")
    return replace(
        scenario,
        closures=(*scenario.closures, *(_closure(view, k, closure) for k, closure in enumerate(closures, start=1))),
        teams_out=(*scenario.teams_out, *map(str, body.get("teams_out") or ())),
        sites=(
            *scenario.sites,
            *(parse_site(f"sites {k}", site) for k, site in enumerate(body.get("sites") or (), start=1)),
        ),
    )


def _closure(view: View, number: int, asked: Mapping[str, Any]) -> Closure:
    raster, geometry = asked.get("raster"), asked.get("geometry")
    if (raster is None) == (geometry is None):
        raise InputError(f"closures {number}: expected one of geometry, raster")
    begins, ends = (
        None if asked.get(name) is None else datetime.fromisoformat(utc_text(str(asked[name])))
        for name in ("from", "to")
    )
    if begins is not None and ends is not None and ends <= begins:
        raise InputError(f"closures {number}: to={asked['to']}: expected a moment after from")
    factor = float(asked.get("factor") or 0.0)
    if not 0 <= factor <= 1:
        raise InputError(f"closures {number}: factor={factor:g}: expected 0 (closed) to 1 (open)")
    where = f"{FLOOD}{raster}" if raster is not None else drawn_geometry(view, geometry)
    return Closure(where, factor, str(asked.get("reason") or ""), begins, ends)
