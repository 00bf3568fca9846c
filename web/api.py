"""The JSON API: one table of endpoints from which routes, checks and the OpenAPI document follow."""

from datetime import datetime
from importlib.metadata import version
from typing import Any

from flask import Blueprint, Response, request

from data.settings import Settings
from geo.errors import NotFound, TooLarge
from geo.supply import Way
from geo.supply_ways import WAYS
from layers import analyses, query, render, sheet
from layers.actions.readings import report
from layers.district import District
from layers.ground import Theme
from layers.layer import Lang, plain_tree
from layers.whatif.asked import scenario_by_id
from layers.whatif.coverage import scenario_coverage
from layers.whatif.scenario import AS_IT_IS, shipped_scenarios
from layers.zoning import answers as zoning_answers
from web import (
    around,
    closures,
    evacuation,
    events,
    field,
    layer_tiles,
    map_views,
    measure,
    refusals,
    scenarios,
    since,
    siting,
    supplies,
    wall,
    whatif,
    whatif_jobs,
    zoning_runs,
)
from web import parameters as p
from web import schemas as s
from web.endpoint import PREFIX, Endpoint, Question, view_of
from web.jobs import Jobs
from web.kept import Answer, Kept
from web.pages import language, sheet_fonts
from web.parameters import Param

MAX_DOWNLOAD = 200_000
"""Rows in one downloaded file."""

# The report carries its styles inside; it runs nothing and loads nothing.
_REPORT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; sandbox"
SCENARIOS = [AS_IT_IS.id, *shipped_scenarios()]
"""What a coverage may be asked under."""


# -- parameters -----------------------------------------------------------------------------------

LANG, THEME, AT = p.lang(), p.theme(), p.when()
WEIGHT = Param(
    "weight",
    p.one_of("time", "distance"),
    "quickest or shortest",
    {"type": "string", "enum": ["time", "distance"]},
    default="time",
)


# -- handlers -------------------------------------------------------------------------------------


def status(q: Question) -> dict[str, Any]:
    """What is served, of which revision; cheap enough to be asked every few seconds."""
    district = q.district
    return {
        "name": district.name,
        "demo": district.demo,
        "epsg": district.epsg,
        "timezone": str(district.timezone),
        "revision": district.revision,
        "now": district.now().isoformat(timespec="seconds"),
        "bounds": list(district.bounds) if district.bounds else None,
        "role": q.role,
        "account": q.actor.id,
        "version": version("district-onemap"),
        "limit_s": q.settings.limit_s,
    }


def layer_list(q: Question, *, lang: Lang, theme: Theme, at: datetime | None) -> list[dict[str, Any]]:
    """Every layer that the role may see, with count, source, age, fields and legend."""
    return [
        render.describe(query.summary(q.district, name, role=q.role, at=at), lang, theme)
        for name in query.permitted(q.role)
    ]


def layer_file(
    q: Question,
    *,
    layer: str,
    form: str,
    lang: Lang,
    bbox: query.Bbox | None,
    ids: list[str],
    limit: int | None,
    at: datetime | None,
) -> Answer:
    """One layer as a file: GeoJSON for the map, the others to take away."""
    query.layer_for(layer, q.role)
    if form not in render.FORMATS:
        raise NotFound(f"{layer}.{form}: the formats are {', '.join(render.FORMATS)}")
    most = query.MAX_FEATURES if form == "geojson" else MAX_DOWNLOAD
    if limit is not None and limit > most:
        raise TooLarge(f"limit={limit}: at most {most} features of .{form} are served at once")
    found = query.read(q.district, layer, role=q.role, bbox=bbox, ids=ids or None, limit=limit or most, at=at)
    if found.truncated and limit is None:
        raise TooLarge(
            f"{layer}: {found.matched} features match, at most {most} of .{form} are served at once; "
            "give a smaller bbox, or limit to accept a part"
        )
    headers = {"X-Truncated": "true"} if found.truncated else {}
    if form != "geojson":
        headers["Content-Disposition"] = f'attachment; filename="{layer}.{form}"'
    return Answer(render.render(found, form, lang), render.MEDIA_TYPES[form], headers)


def style(q: Question, *, lang: Lang, theme: Theme) -> dict[str, Any]:
    """The MapLibre style of the one map."""
    layers = query.permitted(q.role).values()
    return render.map_style(layers, lang, root=request.host_url.rstrip("/"), theme=theme)


def search(q: Question, *, q_text: str, limit: int) -> list[dict[str, Any]]:
    """Whatever has the text in its name or id."""
    return analyses.search(q.district, q_text, limit, q.role)


def reach(q: Question, *, lonlat: tuple[float, float], at: datetime | None) -> Any:
    """Who reaches a place and when, and what is nearest to it."""
    return _plain(analyses.reach(q.district, lonlat=lonlat, at=at))


def route(
    q: Question,
    *,
    origin: tuple[float, float],
    destination: tuple[float, float],
    weight: str,
    at: datetime | None,
) -> Any:
    """The quickest or shortest route with its geometry."""
    return _plain(analyses.route(q.district, origin=origin, destination=destination, weight=weight, at=at))


def times(
    q: Question,
    *,
    origins: list[tuple[float, float]],
    destinations: list[tuple[float, float]],
    weight: str,
    at: datetime | None,
) -> Any:
    """Travel times and on-road distances from every origin to every destination."""
    return _plain(analyses.times(q.district, origins=origins, destinations=destinations, weight=weight, at=at))


def coverage(
    q: Question,
    *,
    limit_s: float | None,
    skill: str | None,
    at: datetime | None,
    places: str,
    scenario: str,
    compare: str | None,
) -> Any:
    """Who is reached within the limit, with the proof row of every place; under a scenario, beside another."""
    return plain_tree(
        scenario_coverage(
            q.district,
            scenario_by_id(scenario),
            compare=None if compare is None else scenario_by_id(compare),
            limit_s=q.settings.limit_s if limit_s is None else limit_s,
            skill=skill,
            at=at,
            places=places,
        ).to_json()
    )


def supply(
    q: Question,
    *,
    lonlat: tuple[float, float],
    needs: list[str],
    within_min: float | None,
    way: Way,
    substitutes: str,
    at: datetime | None,
) -> Any:
    """N of item X at P within T: which depots give how much, and when it is there."""
    return _plain(
        analyses.supply(
            q.district,
            lonlat=lonlat,
            needs=analyses.parse_needs(needs),
            within_s=None if within_min is None else within_min * 60.0,
            at=at,
            way=way,
            with_substitutes=substitutes == "yes",
        )
    )


def supply_plans(
    q: Question,
    *,
    lonlat: tuple[float, float],
    needs: list[str],
    within_min: float | None,
    substitutes: str,
    to_depot: str | None,
    at: datetime | None,
) -> Any:
    """Up to three plans side by side: the earliest, own level first, the fewest depots."""
    return _plain(
        analyses.supply_plans(
            q.district,
            lonlat=lonlat,
            needs=analyses.parse_needs(needs),
            within_s=None if within_min is None else within_min * 60.0,
            at=at,
            with_substitutes=substitutes == "yes",
            to_depot=to_depot,
        )
    )


def stock_glance(q: Question, *, item: str, at: datetime | None) -> Any:
    """Each depot by what it has of one item."""
    return _plain(analyses.glance(q.district, item, at=at))


def items(q: Question, *, q_text: str) -> Any:
    """The catalogue of items with what is on hand, or what a text finds in it."""
    return analyses.items(q.district, q_text)


def speeds(q: Question) -> Any:
    """The speed table in force."""
    return analyses.speed_table()


def zoning_summary(q: Question, scheme: str) -> Any:
    """The newest run of a scheme in numbers."""
    return plain_tree(zoning_answers.summary(q.district, scheme))


def zoning_explain(q: Question, scheme: str, *, lonlat: tuple[float, float] | None, street: str | None) -> Any:
    """Why a unit or a street has its level, from raw indicators to class."""
    return plain_tree(zoning_answers.explain(q.district, scheme, lonlat=lonlat, street=street))


def zoning_file(q: Question, scheme: str, file: str) -> Answer:
    """A product of the newest run of a scheme."""
    content, media_type = zoning_answers.product(q.district, scheme, file)
    headers = (
        {"Content-Security-Policy": _REPORT_POLICY}
        if file.endswith(".html")
        else {"Content-Disposition": f'attachment; filename="{scheme}-{file}"'}
    )
    return Answer(content, media_type, headers)


def zoning_compare(q: Question, *, old: str, new: str) -> Any:
    """What moved class between two runs, and why."""
    return plain_tree(zoning_answers.comparison(q.district, old, new))


def map_sheet(
    q: Question,
    *,
    layer: str,
    form: str,
    paper: str,
    scale: int,
    page: int,
    title: str,
    lang: Lang,
    at: datetime | None,
) -> Answer:
    """One layer drawn to scale on paper; every sheet is a page."""
    query.layer_for(layer, q.role)
    if form not in ("pdf", "png"):
        raise NotFound(f"{layer}.{form}: a sheet is .pdf or .png")
    drawn = sheet.sheet(
        q.district,
        layer,
        fonts=sheet_fonts(),
        made_on=q.district.now().date(),
        paper=paper,
        scale=scale,
        role=q.role,
        lang=lang,
        text=sheet.SheetText(title=title),
        at=at,
    )
    headers = {"Content-Disposition": f'attachment; filename="{layer}-{scale}.{form}"'}
    if form == "png":
        return Answer(drawn.png(page, dpi=150), "image/png", headers)
    return Answer(drawn.pdf, "application/pdf", headers)


def devices(q: Question) -> Any:
    """Every device with its newest reading."""
    return plain_tree(analyses.devices(q.district))


def alarms(q: Question) -> Any:
    """What the devices call for."""
    return plain_tree(analyses.alarms(q.district))


def readings_report(q: Question, *, body: dict[str, Any]) -> Any:
    """Take a batch of readings of a device; why an entry was kept aside, in the language of the request too."""
    found = plain_tree(report(q.district, q.actor, body))
    for row in found["refused"]:
        row["said"] = refusals.sentence(row["reason"], language(), q.district.timezone)
    return found


def readings_refused(q: Question, *, limit: int) -> Any:
    """Readings that were kept aside."""
    return plain_tree(analyses.refused_readings(q.district, limit=limit))


def event_stream(q: Question, *, last_event_id: str | None) -> Response:
    """Every change as server-sent events, for as long as the client listens."""
    return events.answer(last_event_id)


def openapi(q: Question) -> Any:
    """This document."""
    from web.openapi import document

    return document()


def _plain(result: Any) -> Any:
    return result.to_json() if hasattr(result, "to_json") else result


# -- the table ------------------------------------------------------------------------------------

_SUPPLY = (
    p.place("to", "where the supplies are needed", "lonlat"),
    Param(
        "need",
        p.text,
        "ITEM=QUANTITY, once per item",
        required=True,
        many=True,
        into="needs",
        example="P-3-01-03=2000",
    ),
    Param(
        "within",
        p.number(0, 100_000, "minutes"),
        "deadline in minutes, bound included (default: none)",
        {"type": "number", "minimum": 0, "maximum": 100_000},
        into="within_min",
    ),
    Param(
        "substitutes",
        p.one_of("yes", "no"),
        "fill from substitutes too",
        {"type": "string", "enum": ["yes", "no"]},
        default="no",
    ),
)

_NAMED = "part of a name, an id, or how the name is spelt in pinyin: whole, from any character, or its initials"

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("/status", "What is served and of which revision", status, schema=s.STATUS, action="map.read"),
    Endpoint(
        "/layers",
        "The layers with count, source, age, fields and legend",
        layer_list,
        (LANG, THEME, AT),
        s.array(s.LAYER),
        kept=True,
        action="map.read",
    ),
    Endpoint(
        "/layers/{layer}.{form}",
        "One layer as a file",
        layer_file,
        (
            LANG,
            p.window("only features that touch this window"),
            Param("id", p.text, "only the rows with these ids", many=True, default=(), into="ids", example="E-0001"),
            Param(
                "limit",
                p.whole(1, 10_000_000),
                f"accept a part: at most this many features ({query.MAX_FEATURES} of GeoJSON)",
                {"type": "integer", "minimum": 1},
            ),
            AT,
        ),
        s.FEATURES,
        {"layer": "id of a layer", "form": ", ".join(render.FORMATS)},
        tuple(render.MEDIA_TYPES[form] for form in render.FORMATS),
        kept=True,
        action="map.read",
    ),
    Endpoint(
        "/style.json", "The MapLibre style of the map", style, (LANG, THEME), s.STYLE, kept=True, action="map.read"
    ),
    Endpoint(
        "/search",
        "Places and facilities by name or id",
        search,
        (
            Param("q", p.text, _NAMED, required=True, into="q_text", example="狼山"),
            Param(
                "limit",
                p.whole(1, 100),
                "at most this many",
                {"type": "integer", "minimum": 1, "maximum": 100},
                default=20,
            ),
        ),
        s.array(s.FOUND),
        action="map.read",
    ),
    Endpoint(
        "/reach",
        "Who reaches a place and when, nearest hospital and shelter",
        reach,
        (p.place("at", "the place", "lonlat"), p.when("when")),
        s.REACH,
        action="map.read",
    ),
    Endpoint(
        "/route",
        "The quickest or shortest route",
        route,
        (p.place("from", "start", "origin"), p.place("to", "end", "destination"), WEIGHT, AT),
        s.ROUTE,
        action="map.read",
    ),
    Endpoint(
        "/times",
        "Travel times and distances from every origin to every destination",
        times,
        (
            p.place("from", "an origin", "origins", many=True),
            p.place("to", "a destination", "destinations", many=True),
            WEIGHT,
            AT,
        ),
        s.TIMES,
        action="map.read",
    ),
    Endpoint(
        "/coverage",
        "Coverage within the limit, with the proof row of every place",
        coverage,
        (
            *p.covered_by(),
            AT,
            Param(
                "scenario",
                p.one_of(*SCENARIOS),
                "under which",
                {"type": "string", "enum": SCENARIOS},
                default="as_it_is",
            ),
            Param(
                "compare",
                p.one_of(*SCENARIOS),
                "and the difference from this one",
                {"type": "string", "enum": SCENARIOS},
            ),
        ),
        s.COVERAGE,
        kept=True,
        action="map.read",
    ),
    Endpoint(
        "/supply",
        "A plan: quantities of items at a place within a time",
        supply,
        (
            *_SUPPLY,
            Param(
                "way",
                p.one_of(*WAYS),
                "what the plan puts first",
                {"type": "string", "enum": list(WAYS)},
                default="earliest",
            ),
            AT,
        ),
        s.SUPPLY,
        action="map.read",
    ),
    Endpoint(
        "/supply/plans",
        "Up to three plans side by side: the earliest, own level first, the fewest depots",
        supply_plans,
        (*_SUPPLY, Param("to_depot", p.text, "the depot that receives, which gives nothing (default: none)"), AT),
        s.SUPPLY_PLANS,
        action="map.read",
    ),
    Endpoint(
        "/stock/glance",
        "Each depot by what it has of one item: enough, low, none, not counted for long",
        stock_glance,
        (Param("item", p.text, "id of an item", required=True, example="P-3-01-03"), AT),
        {"type": "object", "required": ["item_id", "rows"]},
        action="map.read",
    ),
    Endpoint(
        "/items",
        "The item catalogue with what is on hand",
        items,
        (Param("q", p.text, _NAMED, default="", into="q_text", example="sd"),),
        s.array(s.ITEM),
        kept=True,
        action="map.read",
    ),
    Endpoint("/speeds", "The speed table in force", speeds, schema=s.SPEEDS, kept=True, action="map.read"),
    *zoning_runs.ENDPOINTS,
    Endpoint(
        "/zoning/compare",
        "What moved class between two runs, and why",
        zoning_compare,
        (
            Param("old", p.text, "id of the earlier run", required=True),
            Param("new", p.text, "id of the later run", required=True),
        ),
        {"type": "object"},
        action="map.read",
    ),
    Endpoint(
        "/zoning/{scheme}/summary",
        "The newest run of a scheme in numbers",
        zoning_summary,
        (),
        {"type": "object"},
        {"scheme": "id of a scheme"},
        action="map.read",
    ),
    Endpoint(
        "/zoning/{scheme}/explain",
        "Why a unit or a street has its level",
        zoning_explain,
        (
            Param(
                "at",
                p.lonlat,
                "a place, LON,LAT in degrees",
                {"type": "string", "pattern": r"^[^,]+,[^,]+$"},
                into="lonlat",
                example="120.86,32.01",
            ),
            Param("street", p.text, "or the name of a street", example="城东街道"),
        ),
        {"type": "object"},
        {"scheme": "id of a scheme"},
        action="map.read",
    ),
    Endpoint(
        "/zoning/{scheme}/files/{file}",
        "A product of the newest run of a scheme",
        zoning_file,
        (),
        {},
        {"scheme": "id of a scheme", "file": ", ".join(zoning_answers.FILES)},
        ("text/csv", "application/geopackage+sqlite3", "image/tiff", "text/html"),
        action="map.read",
    ),
    Endpoint(
        "/sheet/{layer}.{form}",
        "One layer as a map sheet for internal use, to scale; larger districts take several pages",
        map_sheet,
        (
            Param(
                "paper",
                p.one_of(*sheet.PAPERS_MM),
                "size of the paper",
                {"type": "string", "enum": list(sheet.PAPERS_MM)},
                default="A3",
            ),
            Param(
                "scale",
                p.whole(1_000, 1_000_000),
                "denominator of the scale",
                {"type": "integer", "minimum": 1_000, "maximum": 1_000_000},
                default=100_000,
            ),
            Param(
                "page",
                p.whole(1, sheet.MAX_SHEETS),
                "which sheet, for png",
                {"type": "integer", "minimum": 1, "maximum": sheet.MAX_SHEETS},
                default=1,
            ),
            Param("title", p.text, "title of the map (default: the layer's)", default=""),
            LANG,
            AT,
        ),
        {},
        {"layer": "id of a layer", "form": "pdf or png"},
        ("application/pdf", "image/png"),
        kept=True,
        action="map.read",
    ),
    Endpoint(
        "/devices",
        "Every device with its newest reading and its age",
        devices,
        schema=s.array(s.DEVICE),
        action="supply.read",
    ),
    Endpoint(
        "/alarms",
        "Open doors, temperatures beyond their limits, counts that ask for a check",
        alarms,
        schema=s.array(s.ALARM),
        action="supply.read",
    ),
    Endpoint(
        "/readings",
        "A device reports a batch of readings; what is bad is kept aside and named in the answer",
        readings_report,
        schema=s.READINGS_TAKEN,
        method="POST",
        body=s.READINGS,
        action="device.report",
    ),
    Endpoint(
        "/readings/refused",
        "Readings that were kept aside, with the reason",
        readings_refused,
        (
            Param(
                "limit",
                p.whole(1, 1_000),
                "at most this many",
                {"type": "integer", "minimum": 1, "maximum": 1_000},
                default=100,
            ),
        ),
        s.array({"type": "object"}),
        action="supply.read",
    ),
    Endpoint(
        "/events",
        "Every committed change as server-sent events, resumed by Last-Event-ID",
        event_stream,
        (
            Param(
                "last_event_id",
                p.text,
                "tell again from this revision on; a header Last-Event-ID goes before it",
                {"type": "string", "pattern": "^[0-9]{1,18}$"},
                example="1200",
            ),
        ),
        {},
        media_types=events.MEDIA_TYPES,
        action="map.read",
    ),
    Endpoint(
        "/openapi.json",
        "The OpenAPI document of this API",
        openapi,
        schema={"type": "object"},
        kept=True,
        action="map.read",
    ),
    *layer_tiles.ENDPOINTS,
    *around.ENDPOINTS,
    *since.ENDPOINTS,
    *wall.ENDPOINTS,
    *supplies.ENDPOINTS,
    *whatif.ENDPOINTS,
    *whatif_jobs.ENDPOINTS,
    *siting.ENDPOINTS,
    *scenarios.ENDPOINTS,
    *closures.ENDPOINTS,
    *evacuation.ENDPOINTS,
    *map_views.ENDPOINTS,
    *measure.ENDPOINTS,
    *field.ENDPOINTS,
)


def blueprint(district: District, settings: Settings, jobs: Jobs) -> Blueprint:
    """The routes of the API over one district."""
    api = Blueprint("api", __name__, url_prefix=PREFIX)
    kept = Kept()
    for endpoint in ENDPOINTS:
        name = endpoint.path.strip("/").replace("/", "_").replace(".", "_").replace("{", "").replace("}", "")
        rule = endpoint.path.replace("{", "<").replace("}", ">")
        name = name if endpoint.method == "GET" else f"{name}_{endpoint.method.lower()}"
        api.add_url_rule(rule, name, view_of(endpoint, district, settings, kept, jobs), methods=[endpoint.method])
    return api
