"""The API of what lies around an incident: the answer, the area to draw, the sheet to print."""

from datetime import datetime
from typing import Any

from layers import analyses
from layers.around_sheet import around_sheet
from layers.layer import Lang, plain_tree
from web import parameters as p
from web import schemas as s
from web.endpoint import Endpoint, Question
from web.kept import Answer
from web.pages import sheet_fonts
from web.parameters import Param


def around(
    q: Question,
    *,
    lonlat: tuple[float, float],
    radius_m: float | None,
    minutes: float | None,
    kinds: list[str] | None,
    at: datetime | None,
) -> Any:
    """What lies within a radius, or within minutes of driving."""
    return plain_tree(
        analyses.around(q.district, lonlat=lonlat, radius_m=radius_m, minutes=minutes, kinds=kinds, at=at, role=q.role)
    )


def around_area(
    q: Question, *, lonlat: tuple[float, float], radius_m: float | None, minutes: float | None, at: datetime | None
) -> Any:
    """The ring, or the area reached."""
    return analyses.around_area(q.district, lonlat=lonlat, radius_m=radius_m, minutes=minutes, at=at)


def sheet(
    q: Question,
    *,
    lonlat: tuple[float, float],
    radius_m: float | None,
    minutes: float | None,
    at: datetime | None,
    title: str,
    lang: Lang,
) -> Answer:
    """The answer on A4."""
    content = around_sheet(
        q.district,
        lonlat=lonlat,
        radius_m=radius_m,
        minutes=minutes,
        at=at,
        title=title,
        role=q.role,
        lang=lang,
        fonts=sheet_fonts(),
    )
    return Answer(content, "application/pdf", {"Content-Disposition": 'inline; filename="around.pdf"'})


_BOUND = (
    p.place("at", "the place", "lonlat"),
    Param(
        "radius_m",
        p.number(0, 1_000_000, "m"),
        "within this distance in metres, bound included",
        {"type": "number", "minimum": 0, "maximum": 1_000_000},
    ),
    Param(
        "minutes",
        p.number(0, 100_000, "minutes"),
        "or within this driving time, bound included",
        {"type": "number", "minimum": 0, "maximum": 100_000},
    ),
    p.when("when"),
)

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        "/around",
        "What lies around a place, by metres or by minutes of driving: persons, facilities, stock, roads",
        around,
        (*_BOUND, Param("kinds", p.names, "layers to look in, separated by commas (default: all facilities)")),
        s.AROUND,
        action="map.read",
    ),
    Endpoint(
        "/around/area",
        "The ring around a place, or the area that is reached within the minutes, to draw",
        around_area,
        _BOUND,
        s.AROUND_AREA,
        action="map.read",
    ),
    Endpoint(
        "/around/sheet",
        "What lies around a place as an A4 sheet to print",
        sheet,
        (
            *_BOUND,
            Param("title", p.text, "title of the sheet (default: 周边分析)", default=""),
            p.lang("language of the sheet"),
        ),
        media_types=("application/pdf",),
        action="map.read",
    ),
)
