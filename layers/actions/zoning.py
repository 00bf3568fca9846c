"""Zoning runs shown on the map by whoever works on the database itself: published, and noted in the audit."""

from datetime import UTC
from typing import TYPE_CHECKING

from layers.actions.accounts import COMMAND_LINE
from layers.actions.gate import act
from layers.district import District
from layers.zoning import runs
from layers.zoning.result import ZoningRun
from layers.zoning.scheme import Scheme

if TYPE_CHECKING:
    from layers.zoning.large import LargeRun


def publish(district: District, run: ZoningRun, *, made_by: str, seconds: float) -> None:
    """Keep a run and show it on the map from now on."""
    runs.publish(district, run, made_utc=district.now().astimezone(UTC), made_by=made_by, seconds=seconds)
    _note(district, run.id, run.scheme.id, len(run.units))


def publish_large(district: District, large: "LargeRun", *, scheme: Scheme, made_by: str) -> str:
    """Show the zones of a large run on the map; returns '' or, where it cannot be shown, why not."""
    why = runs.publish_large(district, large, scheme=scheme, made_utc=district.now().astimezone(UTC), made_by=made_by)
    if not why:
        _note(district, large.id, scheme.id, large.found.units)
    return why


def _note(district: District, run: str, scheme: str, units: int) -> None:
    body = {"scheme": scheme}
    answer = {"id": run, "scheme": scheme, "units": units}
    act(district, COMMAND_LINE, "zoning.run", lambda conn, now: answer, route="run zoning", body=body)
