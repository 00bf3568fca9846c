"""Coverage under a scenario, and what becomes of it from one scenario to another."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from data.importers import checked_file
from data.kinds import KINDS
from geo.coverage import LIMIT_S
from geo.coverage_change import CHANGES, CoverageChange, coverage_change
from geo.errors import NotFound
from layers.analyses.response import CoverageAnswer, coverage
from layers.district import Assumed, District
from layers.whatif.scenario import AS_IT_IS, Closure, Scenario, read_scenario, under


@dataclass(frozen=True)
class ScenarioCoverage:
    """A coverage under a scenario; with what it is compared, and what becomes of every place from there to here."""

    scenario: Scenario
    answer: CoverageAnswer
    compared: Scenario | None = None
    change: CoverageChange | None = None

    def to_json(self) -> dict[str, Any]:
        """The coverage as plain values with its scenario, and the difference where one was asked for."""
        found = {**self.answer.to_json(), "scenario": self.scenario.plain()}
        if self.compared is not None and self.change is not None:
            found["difference"] = {"from": self.compared.plain(), **self.change.to_json()}
        return found


def scenario_coverage(
    district: District,
    scenario: Scenario = AS_IT_IS,
    *,
    compare: Scenario | None = None,
    at: datetime | None = None,
    limit_s: float = LIMIT_S,
    skill: str | None = None,
    places: str = "villages",
) -> ScenarioCoverage:
    """Who is reached within the limit under a scenario, and how that differs from another; both of one revision."""
    view, moment = district.view(), district.local(at)

    def asked(of: Scenario) -> CoverageAnswer:
        return coverage(district, view=under(view, of, moment), at=moment, limit_s=limit_s, skill=skill, places=places)

    answer = asked(scenario)
    if compare is None:
        return ScenarioCoverage(scenario, answer)
    return ScenarioCoverage(scenario, answer, compare, coverage_change(asked(compare).result, answer.result))


@dataclass(frozen=True)
class ClosureEffect:
    """What a closure of the register takes from the coverage at a moment: from without it to with it."""

    asked: Mapping[str, Any]
    closure: Mapping[str, Any]
    is_in_force: bool
    change: CoverageChange

    def to_json(self) -> dict[str, Any]:
        """The effect as plain values."""
        closure = {**self.closure, "in_force": self.is_in_force}
        return {**self.asked, "closure": closure, "difference": self.change.to_json()}


def closure_effect(
    district: District,
    closure_id: str,
    *,
    at: datetime | None = None,
    limit_s: float = LIMIT_S,
    skill: str | None = None,
    places: str = "villages",
) -> ClosureEffect:
    """Who is reached later, or no longer within the limit, because of one closure; the others hold in both.

    Without a moment it is asked for now, of one that is still to come for its beginning.
    """
    view = district.view()
    frame = view.frame("closure")
    own = frame["id"] == closure_id
    if not own.any():
        raise NotFound(f"there is no closure '{closure_id}'")
    names = ["id", "reason", "from_utc", "to_utc", "factor"]
    row = frame.loc[own, names].astype(object).where(frame.loc[own, names].notna(), None).iloc[0].to_dict()
    moment = district.local(at)
    if at is None and row["from_utc"] is not None:
        moment = max(moment, district.local(datetime.fromisoformat(row["from_utc"])))
    without = view.assuming(Assumed(f"without closure {closure_id}"), {"closure": frame[~own].reset_index(drop=True)})
    old, new = (
        coverage(district, view=one, at=moment, limit_s=limit_s, skill=skill, places=places) for one in (without, view)
    )
    is_in_force = bool(own.to_numpy()[view.closures_in_force(moment)].any())
    return ClosureEffect(new.asked, row, is_in_force, coverage_change(old.result, new.result))


def named_scenario(source: str) -> Scenario:
    """A scenario by id or file; ``as_it_is`` is the district as it is."""
    return AS_IT_IS if source == AS_IT_IS.id else read_scenario(source)


def closures_of_file(district: District, path: str | Path, *, crs: str | None = None) -> tuple[Closure, ...]:
    """The closures in a file of the kind `closures`, read as an import would, nothing written."""
    found = checked_file(district.store, "closures", path, crs=crs)
    columns = [*(column.name for column in KINDS["closures"].columns), "geometry"]
    frame = found.reindex(columns=columns).astype(object)
    frame = frame.where(frame.notna(), None)
    moments = {
        name: [None if v is None else datetime.fromisoformat(v) for v in frame[name]] for name in ("from_utc", "to_utc")
    }
    return tuple(
        Closure(
            f"flood:{raster}" if raster else shape,
            0.0 if factor is None else float(factor),
            str(reason),
            begins,
            ends,
            Path(path).name,
        )
        for shape, factor, reason, raster, begins, ends in zip(
            frame["geometry"],
            frame["factor"],
            frame["reason"],
            frame["raster"],
            moments["from_utc"],
            moments["to_utc"],
            strict=True,
        )
    )


def change_lines(found: ScenarioCoverage, *, shown: int = 40) -> Iterator[str]:
    """The difference as a person reads it on a terminal."""
    if found.change is None or found.compared is None:
        return
    totals = found.change.totals()
    yield f"from '{found.compared.id}' to '{found.scenario.id}':"
    for name in CHANGES:
        yield f"  {name}: {totals[f'{name}_places']} places, {totals[f'{name}_persons']:,} persons"
    if totals["cut_off_places"]:
        yield f"  not reached at all any more: {totals['cut_off_places']} places"
    rows: Sequence[dict[Any, Any]] = found.change.table.head(shown).to_dict("records")
    for row in rows:
        minutes = [
            f"{row[key] / 60:.1f}" if np.isfinite(row[key]) else "never" for key in ("total_old_s", "total_new_s")
        ]
        what = f"{row['id']} {row['name'] or ''}, {row['persons']:,} persons"
        reason = f" [{row['reason_new']}]" if row["reason_new"] else ""
        yield f"  {row['change']}: {what}, {minutes[0]} -> {minutes[1]} min{reason}"
    if len(found.change.table) > shown:
        yield f"  and {len(found.change.table) - shown} more (--json lists them all)"
