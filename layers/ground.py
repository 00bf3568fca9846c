"""The ground under the layers, light or dark: base map, names, and how lines stay legible on it.

Areas and point marks keep their colours in both: an area lets the ground through, a mark has a light edge of its own.
"""

from dataclasses import dataclass, replace
from typing import Literal

from layers.layer import Categories, Classes, Layer, Mark, Single, Steps

Theme = Literal["light", "dark"]

LINE_CONTRAST = 3.0
"""The least contrast of a line with a dark ground (WCAG 2.2, 1.4.11), bound included."""
NAME_CONTRAST = 7.0
"""The least contrast of a name with its halo on a dark ground (WCAG 2.2, 1.4.6), bound included."""

_LIFTED = frozenset({"line", "dash", "hatch-up", "hatch-down"})


@dataclass(frozen=True)
class Ground:
    """The colours of the base map; `name` and `road_name` are of texts, `halo` is around them."""

    outside: str
    district: str
    water: str
    river: str
    boundary: str
    name: str
    road_name: str
    halo: str


GROUNDS: dict[Theme, Ground] = {
    "light": Ground("#f4f2ec", "#fbfaf6", "#b5d3e7", "#a3c7de", "#6d5f8d", "#222222", "#555555", "#ffffff"),
    "dark": Ground("#11171d", "#1a222a", "#1d3a50", "#28506d", "#a495cf", "#eef3f7", "#b9c4ce", "#10171e"),
}


def luminance(color: str) -> float:
    """Relative luminance of ``#rrggbb``, 0..1 (WCAG 2.2, relative luminance)."""
    parts = [int(color[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, 1..21 (WCAG 2.2, contrast ratio)."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def mixed(color: str, other: str, share: float) -> str:
    """`share` (0..1) of a colour, the rest of another."""
    pairs = ((int(color[k : k + 2], 16), int(other[k : k + 2], 16)) for k in (1, 3, 5))
    return "#" + "".join(f"{round(a * share + b * (1 - share)):02x}" for a, b in pairs)


def lifted(color: str, against: str, least: float) -> str:
    """A colour with as little white in it as gives it the `least` contrast with a dark one, in steps of 5 %."""
    for part in range(20, -1, -1):
        found = mixed(color, "#ffffff", part / 20)
        if contrast(found, against) >= least:
            return found
    return "#ffffff"


def as_faint(color: str, dark: str) -> str:
    """A colour mixed into the dark ground until its contrast with it is that with the light one, in steps of 5 %."""
    wanted = contrast(color, GROUNDS["light"].district)
    for part in range(20):
        found = mixed(color, dark, part / 20)
        if contrast(found, dark) >= wanted:
            return found
    return color


def name_color(color: str, theme: Theme) -> str:
    """The colour of a name that has the colour of its layer."""
    return color if theme == "light" else lifted(color, GROUNDS[theme].halo, NAME_CONTRAST)


def mark_on_ground(mark: Mark, theme: Theme, *, is_road: bool = False) -> Mark:
    """A mark as it is drawn on a ground; a road of the base map stays as faint as it is on the light one."""
    if theme == "light" or mark.shape not in _LIFTED:
        return mark
    ground = GROUNDS[theme].district
    color = as_faint(mark.color, ground) if is_road else lifted(mark.color, ground, LINE_CONTRAST)
    return replace(mark, color=color)


def on_ground(layer: Layer, theme: Theme) -> Layer:
    """The layer as it is drawn on a ground: on a dark one its lines and hatches are lifted from it."""
    if theme == "light":
        return layer

    def mark(found: Mark) -> Mark:
        return mark_on_ground(found, theme, is_road=layer.tiled)

    match layer.style:
        case Single():
            style: Single | Categories | Steps | Classes = Single(mark(layer.style.mark))
        case Categories(_, marks, other):
            style = replace(layer.style, marks={k: mark(one) for k, one in marks.items()}, other=mark(other))
        case Steps(_, _, classes, other) | Classes(_, _, classes, other):
            style = replace(layer.style, marks=tuple(mark(one) for one in classes), other=mark(other))
    hatches = tuple(replace(hatch, color=mark(hatch.mark()).color) for hatch in layer.hatches)
    return replace(layer, style=style, hatches=hatches)
