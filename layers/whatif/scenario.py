"""A scenario: hour, weather, closures, teams lost and sites added, on top of the stored district.

A view under a scenario is a view like any other: every answer that takes a view can be asked of it.
"""

import hashlib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from data.kinds import SKILLS, TEAM_TYPES
from geo.crs import to_metric
from geo.duty import parse_duty
from geo.errors import InputError, NotFound
from geo.network import POINT_CLOSURE_M
from layers.analyses.places import require_place
from layers.closures import require_flooded
from layers.district import Assumed, View
from layers.fields import Fields
from layers.layer import Text
from layers.whatif.roads import busiest_bridge, underpasses, waterlogging_factors

Selection = Literal["underpasses", "waterlogging_spots", "busiest_bridge"]
SELECTIONS: tuple[Selection, ...] = ("underpasses", "waterlogging_spots", "busiest_bridge")
"""Closures that are found in the district's own data."""

FLOOD = "flood:"
"""Before the code of a raster of water depth."""


@dataclass(frozen=True)
class Closure:
    """One closure of a scenario.

    where : geometry in WGS 84, a `Selection`, or ``flood:CODE``, the roads in the water of a stored raster
    factor : share of the speed that is left, 0 closed .. 1 open; waterlogging spots go by their depth instead
    from_utc, to_utc : in force when from <= T < to; None: open
    """

    where: Any
    factor: float = 0.0
    reason: str = ""
    from_utc: datetime | None = None
    to_utc: datetime | None = None
    source: str = ""

    def is_in_force(self, at: datetime) -> bool:
        """Whether it holds at a moment: from <= at < to."""
        return (self.from_utc is None or self.from_utc <= at) and (self.to_utc is None or at < self.to_utc)


@dataclass(frozen=True)
class Site:
    """A team that is not there yet; `turnout_s` None takes the default of its type for the hour."""

    id: str
    name: str
    lon: float
    lat: float
    type: str = "street"
    skills: tuple[str, ...] = ()
    turnout_s: float | None = None
    duty: str = "24h"
    street: str | None = None


@dataclass(frozen=True)
class Scenario:
    """What is assumed beyond the store.

    hour : local hour by which speeds, turnout and duty go; None: that of the moment asked about
    speed_factor : share of every speed that is left, 0 < .. <= 1
    sources : where each number comes from
    """

    id: str
    title: Text
    hour: int | None = None
    speed_factor: float = 1.0
    closures: tuple[Closure, ...] = ()
    teams_out: tuple[str, ...] = ()
    sites: tuple[Site, ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """The scenario as plain values, geometry as WKT: what a saved result says of its inputs."""
        return {
            "id": self.id,
            "title": self.title.zh,
            "hour": self.hour,
            "speed_factor": self.speed_factor,
            "closures": [
                {
                    "where": c.where if isinstance(c.where, str) else shapely.to_wkt(c.where, rounding_precision=7),
                    "factor": c.factor,
                    "reason": c.reason,
                    "from_utc": None if c.from_utc is None else c.from_utc.isoformat(),
                    "to_utc": None if c.to_utc is None else c.to_utc.isoformat(),
                }
                for c in self.closures
            ],
            "teams_out": list(self.teams_out),
            "sites": [{**site.__dict__, "skills": list(site.skills)} for site in self.sites],
            "sources": dict(self.sources),
        }


AS_IT_IS = Scenario("as_it_is", Text("现状", "as it is"))
"""Nothing is assumed."""


def scenario_tables(scenario: Scenario) -> tuple[str, ...]:
    """The tables of the store that the roads of a scenario rest on."""
    found = ["road", "closure", "raster"]  # a closure of the register may name a raster
    named = {closure.where for closure in scenario.closures if isinstance(closure.where, str)}
    if "waterlogging_spots" in named:
        found.append("waterlogging_spot")
    if "busiest_bridge" in named:
        found += ["team", "village", "cell"]
    return tuple(found)


def under(view: View, scenario: Scenario, at: datetime) -> View:
    """The district as a scenario has it at a moment: ask it for that moment (`.travel(at)`, `teams_at(view, ...)`).

    InputError for a team out that is not there, a site with the id of a team or outside the district's extent,
    values out of bounds. What the scenario does not touch is shared with `view`, which must be one of the store; the
    facility index knows nothing of scenarios.
    """
    moment = view.district.local(at)
    frames: dict[str, gpd.GeoDataFrame] = {}
    for site in scenario.sites:
        require_place(view, (site.lon, site.lat), f"sites.id={site.id!r}: lon,lat")
    if scenario.teams_out or scenario.sites:
        frames["team"] = _teams(view.frame("team"), scenario)
    factor = _edge_factor(view, [c for c in scenario.closures if c.is_in_force(moment)], moment)
    if not 0 < scenario.speed_factor <= 1:
        raise InputError(f"speed_factor={scenario.speed_factor}: expected a share above 0, at most 1")
    if scenario.hour is not None and scenario.hour not in range(24):
        raise InputError(f"hour={scenario.hour}: expected 0 to 23")
    parts = (scenario.hour, scenario.speed_factor, scenario.teams_out, scenario.sites)
    digest = hashlib.sha256(repr(parts).encode() + (b"" if factor is None else factor.tobytes()))
    return view.assuming(Assumed(digest.hexdigest()[:24], scenario.hour, scenario.speed_factor, factor), frames)


def _teams(teams: gpd.GeoDataFrame, scenario: Scenario) -> gpd.GeoDataFrame:
    known = set(teams["id"].astype(str))
    lost = [team for team in scenario.teams_out if team not in known]
    if lost:
        raise InputError(f"teams_out={lost[0]!r}: there is no such team; the teams are {', '.join(sorted(known)[:20])}")
    left = teams[~teams["id"].isin(scenario.teams_out)]
    if not scenario.sites:
        return left.reset_index(drop=True)
    ids = [site.id for site in scenario.sites]
    twice = next((i for k, i in enumerate(ids) if i in known or i in ids[:k]), None)
    if twice is not None:
        raise InputError(f"sites.id={twice!r}: a team or another site has this id; give another")
    rows = pd.DataFrame(
        {
            "id": ids,
            "name": [site.name for site in scenario.sites],
            "type": [site.type for site in scenario.sites],
            "street": [site.street for site in scenario.sites],
            "skills": [";".join(site.skills) for site in scenario.sites],
            "turnout_s": [np.nan if site.turnout_s is None else site.turnout_s for site in scenario.sites],
            "duty": [site.duty for site in scenario.sites],
        }
    ).reindex(columns=[name for name in teams.columns if name != teams.geometry.name])
    places = shapely.points([(site.lon, site.lat) for site in scenario.sites])
    added = gpd.GeoDataFrame(rows.astype(object), geometry=places, crs=4326)
    columns = {
        name: np.concatenate([left[name].to_numpy(dtype=object), added[name].to_numpy(dtype=object)])
        for name in rows.columns
    }
    found = gpd.GeoDataFrame(
        columns,
        geometry=[*left.geometry.tolist(), *places.tolist()],
        crs=4326,
        index=pd.RangeIndex(len(left) + len(rows)),
    )
    return found.astype({"turnout_s": np.float64})


def _edge_factor(view: View, closures: Sequence[Closure], at: datetime) -> NDArray[np.float64] | None:
    """(edges,) the share of the speed that the closures leave, the least where several; None without closures."""
    if not closures:
        return None
    network, epsg = view.network, view.district.epsg
    drawn = [c for c in closures if not isinstance(c.where, str)]
    found = np.ones(len(network.edge_tail))
    for closure in drawn:
        shape = shapely.transform(closure.where, lambda xy: to_metric(xy, epsg=epsg))
        left = network.closure_factors([shape], [closure.factor])
        if closure.factor < 1 and not (left < 1).any():
            where = closure.reason or shapely.to_wkt(closure.where, rounding_precision=5)[:60]
            raise InputError(
                f"closure '{where}': it meets no road; a point must lie within {POINT_CLOSURE_M:g} m of one, a line or "
                "area must cross it"
            )
        found = np.minimum(found, left)
    for closure in closures:
        match closure.where:
            case str(text) if text.startswith(FLOOD):
                found = np.minimum(found, require_flooded(view, text.removeprefix(FLOOD)).edge_factor)
            case "underpasses":
                low = underpasses(view)
                found[low] = np.minimum(found[low], closure.factor)
            case "busiest_bridge":
                bridge = busiest_bridge(view, at)
                found[bridge] = np.minimum(found[bridge], closure.factor)
            case "waterlogging_spots":
                found = np.minimum(found, waterlogging_factors(view))
    return found


# -- as data ------------------------------------------------------------------------------------------


@cache
def shipped_scenarios() -> dict[str, Scenario]:
    """The scenarios that come with the software, by id, in their order."""
    text = (resources.files("layers.whatif") / "scenarios.toml").read_text(encoding="utf-8")
    return {scenario.id: scenario for scenario in parse_scenarios(text, name="scenarios.toml")}


def read_scenario(source: str) -> Scenario:
    """A scenario by the id of a shipped one, or the path of a TOML file with one [[scenario]]."""
    shipped = shipped_scenarios()
    if source in shipped:
        return shipped[source]
    path = Path(source)
    if not path.is_file():
        raise NotFound(f"scenario '{source}': there is no such file; those that come along are {', '.join(shipped)}")
    if path.stat().st_size > 1_000_000:
        raise InputError(f"scenario '{source}': {path.stat().st_size} bytes; a scenario has a few kilobytes")
    try:
        found = parse_scenarios(path.read_text(encoding="utf-8"), name=path.name)
    except UnicodeDecodeError:
        raise InputError(f"scenario '{source}' is not UTF-8 text; save it as UTF-8") from None
    if len(found) != 1:
        raise InputError(f"scenario '{source}': {len(found)} scenarios; expected one [[scenario]]")
    return found[0]


def parse_scenarios(text: str, *, name: str = "scenarios") -> list[Scenario]:
    """Read scenarios from TOML; InputError names the field, the value and what was expected."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{name}: not valid TOML: {error}") from None
    if set(data) != {"scenario"} or not isinstance(data["scenario"], list):
        raise InputError(f"{name}: expected [[scenario]] tables and nothing else")
    found = [_scenario(f"scenario {k + 1}", table) for k, table in enumerate(data["scenario"])]
    if len({scenario.id for scenario in found}) != len(found):
        raise InputError(f"{name}: an id stands twice")
    return found


def _scenario(where: str, table: Any) -> Scenario:
    fields = Fields(where, table)
    sources = fields.left.pop("sources", {})
    closures = fields.left.pop("closure", [])
    sites = fields.left.pop("site", [])
    out = fields.left.pop("teams_out", [])
    for key, value in (("closure", closures), ("site", sites), ("teams_out", out)):
        if not isinstance(value, list):
            raise InputError(f"{where}.{key}={value!r}: expected a list")
    if not isinstance(sources, dict) or not all(isinstance(v, str) for v in sources.values()):
        raise InputError(f"{where}.sources: expected a table of texts")
    title = fields.text("title")
    scenario = Scenario(
        fields.text("id"),
        Text(title, fields.text("title_en", title)),
        fields.whole("hour", 0, 0, 23) if "hour" in fields.left else None,
        fields.number("speed_factor", 1.0, 0.01, 1.0),
        tuple(_closure(f"{where}.closure {k + 1}", row) for k, row in enumerate(closures)),
        tuple(str(team) for team in out),
        tuple(parse_site(f"{where}.site {k + 1}", row) for k, row in enumerate(sites)),
        sources,
    )
    fields.end()
    return scenario


def _closure(where: str, table: Any) -> Closure:
    fields = Fields(where, table)
    text = fields.text("where")
    place: Any = text
    if text not in SELECTIONS and not text.startswith(FLOOD):
        try:
            place = shapely.from_wkt(text)
        except shapely.GEOSException:
            place = None
        if place is None or place.is_empty or not (np.abs(shapely.get_coordinates(place)) <= [180.0, 90.0]).all():
            raise InputError(
                f"{where}.where={text[:60]!r}: expected one of {', '.join(SELECTIONS)}, {FLOOD}CODE or WKT in WGS 84, "
                "longitude before latitude"
            )
    bounds = [fields.left.pop(name, None) for name in ("from", "to")]
    for name, value in zip(("from", "to"), bounds, strict=True):
        if value is not None and (not isinstance(value, datetime) or value.tzinfo is None):
            raise InputError(
                f"{where}.{name}={value!r}: expected a date and time with offset, 2026-07-01T08:00:00+08:00"
            )
    if None not in bounds and bounds[0] >= bounds[1]:
        raise InputError(f"{where}.to={bounds[1]}: expected a moment after 'from', {bounds[0]}; were the two swapped?")
    closure = Closure(
        place,
        fields.number("factor", 0.0, 0.0, 1.0),
        fields.text("reason", ""),
        bounds[0],
        bounds[1],
        fields.text("source", ""),
    )
    fields.end()
    return closure


def parse_site(where: str, table: Any) -> Site:
    """A new site from a table of its fields; InputError names the field under `where`."""
    fields = Fields(where, table)
    skills = fields.left.pop("skills", [])
    codes = {choice.code for choice in SKILLS}
    if not isinstance(skills, list) or not set(map(str, skills)) <= codes:
        raise InputError(f"{where}.skills={skills!r}: expected a list of {', '.join(sorted(codes))}")
    site = Site(
        fields.text("id"),
        fields.text("name"),
        fields.number("lon", None, -180.0, 180.0),
        fields.number("lat", None, -90.0, 90.0),
        fields.one_of("type", [choice.code for choice in TEAM_TYPES], "street"),
        tuple(skills),
        fields.number("turnout_s", None, 0.0, 86_400.0) if "turnout_s" in fields.left else None,
        fields.text("duty", "24h"),
        fields.text("street", "") or None,
    )
    parse_duty(site.duty)
    fields.end()
    return site


def with_closures(scenario: Scenario, closures: Sequence[Closure]) -> Scenario:
    """The scenario with further closures."""
    return replace(scenario, closures=(*scenario.closures, *closures))
