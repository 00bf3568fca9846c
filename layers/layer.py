"""What a layer is: one frozen value from which legend, popup, exports, styles and permissions follow."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import pandas as pd

from data.kinds import Choice

Lang = Literal["zh", "en"]
Role = Literal["viewer", "dispatcher", "keeper", "planner", "administrator"]
ROLES: tuple[Role, ...] = ("viewer", "dispatcher", "keeper", "planner", "administrator")
Shape = Literal[
    "circle",
    "square",
    "triangle",
    "diamond",
    "cross",
    "star",
    "pentagon",
    "truck",
    "line",
    "dash",
    "fill",
    "hatch-up",
    "hatch-down",
]
FieldType = Literal[
    "text", "integer", "number", "choice", "choices", "boolean", "minutes", "date", "datetime", "readings"
]


@dataclass(frozen=True)
class Text:
    """A label in both languages."""

    zh: str
    en: str

    def to(self, lang: Lang) -> str:
        """The label in one language."""
        return self.zh if lang == "zh" else self.en


def choice_texts(choices: Iterable[Choice], lang: Lang) -> dict[str, str]:
    """What choices are called in a language, by their codes."""
    return {choice.code: choice.zh if lang == "zh" else choice.en for choice in choices}


@dataclass(frozen=True)
class Field:
    """One attribute of a layer: its label, unit, type, and the roles that may see it.

    ``readings`` is a list: of each device its ``name``, ``type``, ``value`` or ``state``, ``unit``, ``measured_utc``
    and ``alarm``; types, states and alarms are named by `choices`.
    """

    name: str
    label: Text
    type: FieldType = "text"
    unit: str = ""
    choices: Mapping[str, Text] = field(default_factory=dict)
    roles: frozenset[Role] = frozenset(ROLES)


@dataclass(frozen=True)
class Mark:
    """How one class of features is drawn and named in the legend."""

    label: Text
    color: str
    shape: Shape = "circle"
    size: float = 10.0
    opacity: float = 1.0


@dataclass(frozen=True)
class Hatch:
    """Areas whose boolean `field` is true are hatched on top of their colour."""

    field: str
    label: Text
    color: str
    direction: Literal["up", "down"] = "up"

    def mark(self) -> Mark:
        """The hatch as an entry of the legend."""
        return Mark(self.label, self.color, "hatch-up" if self.direction == "up" else "hatch-down")


@dataclass(frozen=True)
class Single:
    """Every feature drawn alike."""

    mark: Mark


@dataclass(frozen=True)
class Categories:
    """A mark by the value of a field; `other` for values that are not listed or missing."""

    field: str
    marks: Mapping[str, Mark]
    other: Mark


@dataclass(frozen=True)
class Steps:
    """A mark by number: the first class whose `upper` bound is >= the value; `other` above or missing."""

    field: str
    upper: tuple[float, ...]
    marks: tuple[Mark, ...]
    other: Mark


@dataclass(frozen=True)
class Classes:
    """A mark by number as `geo.classify` has it: class j holds lower_j <= value < lower_(j + 1).

    `lower` holds the bounds of the classes 2..k; `other` is for what has no number.
    """

    field: str
    lower: tuple[float, ...]
    marks: tuple[Mark, ...]
    other: Mark


TILES_ABOVE = 5_000
"""Rows above which a layer is drawn from tiles of its own instead of one GeoJSON."""

TILES_MAX_ZOOM = 16
"""The zoom at which every row is on its tile; the page enlarges these tiles beyond it."""


Style = Single | Categories | Steps | Classes


@dataclass(frozen=True)
class Table:
    """The layer is a table of the store."""

    name: str


@dataclass(frozen=True)
class Computed:
    """The layer is the result of a function of `layers.analyses`."""

    name: str


@dataclass(frozen=True)
class Layer:
    """One layer of the one map.

    `stale_after_s` is the age above which the layer is shown as stale (None: it does not age);
    `counted` says what the number of rows holds where that is not plain; `tiled` layers are drawn from the base tiles;
    the others from GeoJSON, or with more than `tiles_above` rows from tiles of their own.
    """

    id: str
    title: Text
    group: Text
    geometry: Literal["point", "line", "polygon"]
    source: Table | Computed
    fields: tuple[Field, ...]
    style: Style
    note: Text
    label_field: str = "name"
    visible: bool = False
    min_zoom: float = 0.0
    tiled: bool = False
    tiles_above: int = TILES_ABOVE
    hatches: tuple[Hatch, ...] = ()
    stale_after_s: float | None = None
    roles: frozenset[Role] = frozenset(ROLES)
    counted: Text | None = None

    def is_drawn_in_tiles(self, rows: int) -> bool:
        """Whether so many rows are drawn from tiles of their own."""
        return not self.tiled and rows > self.tiles_above

    def marks(self) -> list[Mark]:
        """The legend, top down."""
        match self.style:
            case Single(mark):
                return [mark]
            case Categories(_, marks, other):
                return [*marks.values(), other]
            case Steps(_, _, marks, other) | Classes(_, _, marks, other):
                return [*marks, other]

    def legend(self) -> list[Mark]:
        """The legend with its hatches, top down."""
        return [*self.marks(), *(hatch.mark() for hatch in self.hatches)]


@dataclass(frozen=True)
class LayerFrame:
    """What the gate lets through: the rows and only the columns that the role may see.

    `count` is the number of rows of the whole layer, `matched` of those in the window;
    the frame holds at most `limit` of them and `truncated` says whether some were cut.
    """

    layer: Layer
    frame: gpd.GeoDataFrame
    count: int
    matched: int
    truncated: bool
    source: str
    updated_utc: str | None
    revision: int
    at: datetime


def plain(value: Any) -> Any:
    """A value as JSON knows it: NaN, NaT and infinities become null, numpy scalars become Python's."""
    if value is None or value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return int(value) if value.is_integer() and abs(value) < 2**53 else round(value, 6)
    if isinstance(value, datetime):
        return value.isoformat()
    return value


def value_text(value: Any) -> str:
    """A plain value as text, as the map turns it into text: '' for nothing, 'true' and 'false'."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


_JSON_KNOWS = (str, int, bool, type(None))


def plain_tree(value: Any) -> Any:
    """Nested values as JSON knows them, unrounded: what is not finite or missing becomes null."""
    if type(value) in _JSON_KNOWS:
        return value
    if type(value) is dict or isinstance(value, Mapping):  # the second asks for ten times as long
        return {str(key): plain_tree(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain_tree(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return plain(value)
