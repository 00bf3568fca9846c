"""Query parameters: declared once, read with a sentence for every way to get them wrong."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from datetime import datetime
from typing import Any

from werkzeug.datastructures import MultiDict

from data.kinds import SKILLS
from geo.errors import InputError
from layers.analyses.places import PLACES
from layers.district import District
from layers.listing import read_moment
from layers.query import Bbox

Reader = Callable[[str, str, District], Any]
"""(name, text, district) -> value; raises InputError."""


@dataclass(frozen=True)
class Param:
    """One parameter of the query string: what it is called, how it is read, how it is documented.

    `many` parameters may be repeated and give a list. `into` is the keyword of the handler.
    """

    name: str
    read: Reader
    summary: str
    schema: Mapping[str, Any] = dataclass_field(default_factory=lambda: {"type": "string"})
    required: bool = False
    many: bool = False
    default: Any = None
    into: str = ""
    example: str = ""

    @property
    def keyword(self) -> str:
        """The keyword argument under which the handler receives the value."""
        return self.into or self.name


def place(name: str, summary: str, into: str, *, many: bool = False) -> Param:
    """A place as LON,LAT."""
    return Param(
        name,
        lonlat,
        f"{summary}, LON,LAT in degrees",
        {"type": "string", "pattern": r"^[^,]+,[^,]+$"},
        required=True,
        many=many,
        into=into,
        example="120.86,32.01",
    )


_WHEN = "the moment asked about; without an offset it is the district's local time (default: now)"
_MOMENT = {"type": "string", "format": "date-time"}


def when(name: str = "at", summary: str = _WHEN) -> Param:
    """A moment, which the handler receives as `at`."""
    return Param(name, moment, summary, _MOMENT, into="at", example="2026-07-01T08:00+08:00")


_WINDOW = "120.80,31.95,120.95,32.05"


def lang(summary: str = "language of labels") -> Param:
    """The language of what is answered."""
    return Param("lang", one_of("zh", "en"), summary, {"type": "string", "enum": ["zh", "en"]}, default="zh")


def window(summary: str, *, required: bool = False) -> Param:
    """A window of the map, in degrees."""
    return Param("bbox", bbox, f"{summary}: MIN_LON,MIN_LAT,MAX_LON,MAX_LAT", required=required, example=_WINDOW)


def theme() -> Param:
    """Light or dark: how what is drawn is coloured."""
    words = ("light", "dark")
    return Param(
        "theme", one_of(*words), "on which ground it is drawn", {"type": "string", "enum": [*words]}, default="light"
    )


def covered_by() -> tuple[Param, ...]:
    """What every question about a coverage may say: the limit, the skill, who is to be reached."""
    return (
        Param(
            "limit",
            number(1, 86_400, "s"),
            "response time limit in seconds, bound included (default: ONEMAP_LIMIT_S)",
            {"type": "number", "minimum": 1, "maximum": 86_400},
            into="limit_s",
        ),
        Param(
            "skill",
            one_of(*(skill.code for skill in SKILLS)),
            "only teams with this skill count",
            {"type": "string", "enum": [skill.code for skill in SKILLS]},
        ),
        Param(
            "places",
            one_of(*PLACES),
            "which places are to be reached",
            {"type": "string", "enum": list(PLACES)},
            default="villages",
        ),
    )


def read_query(params: Sequence[Param], query: MultiDict[str, str], district: District, path: str) -> dict[str, Any]:
    """The values of all parameters; InputError for unknown, repeated, missing or unreadable ones."""
    known = {param.name: param for param in params}
    for name in query:
        if name not in known:
            expected = ", ".join(known) if known else "none"
            raise InputError(f"{name}: {path} has no such parameter; the parameters are: {expected}")
    values: dict[str, Any] = {}
    for param in params:
        texts = query.getlist(param.name)
        if not texts:
            if param.required:
                like = f", such as {param.name}={param.example}" if param.example else ""
                raise InputError(f"{param.name}: is needed{like}")
            values[param.keyword] = param.default
        elif param.many:
            values[param.keyword] = [param.read(param.name, text, district) for text in texts]
        elif len(texts) > 1:
            raise InputError(f"{param.name}: given {len(texts)} times; expected once")
        else:
            values[param.keyword] = param.read(param.name, texts[0], district)
    return values


def text(name: str, value: str, district: District) -> str:
    """Any text of at most 200 characters that is not blank."""
    if not value.strip():
        raise InputError(f"{name}: is empty; leave it out or give a value")
    if len(value) > 200:
        raise InputError(f"{name}: {len(value)} characters; expected at most 200")
    return value.strip()


def names(name: str, value: str, district: District) -> list[str]:
    """Names separated by commas."""
    return [part.strip() for part in text(name, value, district).split(",") if part.strip()]


def one_of(*choices: str) -> Reader:
    """A reader for one of a few words."""

    def read(name: str, value: str, district: District) -> str:
        if value not in choices:
            raise InputError(f"{name}={value}: expected one of {', '.join(choices)}")
        return value

    return read


def _number(name: str, value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or "_" in value:
        raise InputError(f"{name}={value}: expected a number")
    return number


def number(low: float, high: float, unit: str) -> Reader:
    """A reader for a number with bounds, both included."""

    def read(name: str, value: str, district: District) -> float:
        found = _number(name, value)
        if not low <= found <= high:
            raise InputError(f"{name}={value}: expected {low:g} to {high:g} {unit}")
        return found

    return read


def whole(low: int, high: int) -> Reader:
    """A reader for a whole number with bounds, both included."""

    def read(name: str, value: str, district: District) -> int:
        if not re.fullmatch(r"-?[0-9]{1,12}", value) or not low <= int(value) <= high:
            raise InputError(f"{name}={value}: expected a whole number from {low} to {high}")
        return int(value)

    return read


def lonlat(name: str, value: str, district: District) -> tuple[float, float]:
    """A place as LON,LAT in degrees; whether it is in the district is checked by the answer itself."""
    parts = value.split(",")
    if len(parts) != 2:
        raise InputError(f"{name}={value}: expected LON,LAT in degrees, such as 120.86,32.01")
    try:
        lon, lat = (_number(name, part) for part in parts)
    except InputError as error:
        raise InputError(f"{name}={value}: expected LON,LAT in degrees, such as 120.86,32.01") from error
    return lon, lat


def bbox(name: str, value: str, district: District) -> Bbox:
    """A window MIN_LON,MIN_LAT,MAX_LON,MAX_LAT in degrees with min < max."""
    expected = "expected MIN_LON,MIN_LAT,MAX_LON,MAX_LAT in degrees with min < max"
    try:
        found = [_number(name, part) for part in value.split(",")]
    except InputError as error:
        raise InputError(f"{name}={value}: {expected}") from error
    if len(found) != 4 or not (-180 <= found[0] < found[2] <= 180 and -90 <= found[1] < found[3] <= 90):
        raise InputError(f"{name}={value}: {expected}")
    return (found[0], found[1], found[2], found[3])


def moment(name: str, value: str, district: District) -> datetime:
    """A time; one without an offset is the district's local time."""
    # An unescaped + in an address arrives as a space.
    mended = re.sub(r" (\d\d:?\d\d)$", r"+\1", value) if "T" in value else value
    return read_moment(name, mended, district.timezone).astimezone(district.timezone)
