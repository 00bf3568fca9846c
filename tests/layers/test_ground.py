"""On a dark ground lines, hatches and names stay legible, and the four risk colours stay what they are."""

import itertools

import numpy as np
import pytest

from layers.catalogue import LAYERS, LEVEL_COLORS, RISK_MARKS
from layers.ground import (
    GROUNDS,
    LINE_CONTRAST,
    NAME_CONTRAST,
    as_faint,
    contrast,
    lifted,
    luminance,
    mark_on_ground,
    mixed,
    name_color,
    on_ground,
)
from layers.layer import Mark, Text
from layers.render import map_layers, map_style

DARK = GROUNDS["dark"]


def test_contrast_at_its_ends() -> None:
    assert luminance("#000000") == 0
    assert luminance("#ffffff") == pytest.approx(1)
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#123456", "#123456") == 1
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)  # the grey that just fails 4.5


def test_mixing_at_its_ends() -> None:
    assert mixed("#ff8000", "#000000", 1) == "#ff8000"
    assert mixed("#ff8000", "#000000", 0) == "#000000"
    assert mixed("#ffffff", "#000000", 0.5) == "#808080"


def test_what_is_legible_already_is_left_alone() -> None:
    exact = contrast("#8a8a8a", DARK.district)
    assert lifted("#8a8a8a", DARK.district, exact) == "#8a8a8a"
    assert lifted("#8a8a8a", DARK.district, exact + 1e-9) != "#8a8a8a"
    assert lifted("#101010", "#ffffff", 1.5) == "#101010"


@pytest.mark.parametrize("layer_id", sorted(LAYERS))
def test_lines_and_hatches_are_legible_on_a_dark_ground(layer_id: str) -> None:
    layer = LAYERS[layer_id]
    assert on_ground(layer, "light") is layer
    for mark, dark in zip(layer.legend(), on_ground(layer, "dark").legend(), strict=True):
        if mark.shape not in ("line", "dash", "hatch-up", "hatch-down"):
            assert dark == mark
        elif not layer.tiled:
            assert contrast(dark.color, DARK.district) >= LINE_CONTRAST
        else:
            assert contrast(dark.color, DARK.district) == pytest.approx(
                contrast(mark.color, GROUNDS["light"].district), rel=0.25
            )


def test_a_road_is_as_faint_as_on_the_light_ground() -> None:
    light = GROUNDS["light"].district
    assert contrast(as_faint("#d6d6d6", DARK.district), DARK.district) >= contrast("#d6d6d6", light)
    mark = Mark(Text("路", "road"), "#d6d6d6", "line")
    assert mark_on_ground(mark, "dark", is_road=True).color == as_faint("#d6d6d6", DARK.district)
    assert mark_on_ground(mark, "dark").color == "#d6d6d6"


def test_names_are_legible_on_both_grounds() -> None:
    for ground in GROUNDS.values():
        assert contrast(ground.name, ground.halo) >= NAME_CONTRAST
        assert contrast(ground.road_name, ground.halo) >= NAME_CONTRAST
    for spec in map_style(LAYERS.values(), theme="dark")["layers"]:
        if "text-color" in spec.get("paint", {}):
            assert contrast(spec["paint"]["text-color"], spec["paint"]["text-halo-color"]) >= NAME_CONTRAST
    assert name_color("#5b4b8a", "light") == "#5b4b8a"


def test_only_colours_differ_between_the_grounds() -> None:
    light, dark = (map_style(LAYERS.values(), theme=theme)["layers"] for theme in ("light", "dark"))
    assert [spec["id"] for spec in light] == [spec["id"] for spec in dark]
    for one, other in zip(light, dark, strict=True):
        assert {k: v for k, v in one.items() if k != "paint"} == {k: v for k, v in other.items() if k != "paint"}
        for name in {**one.get("paint", {}), **other.get("paint", {})}:
            if not name.endswith("-color") and name != "fill-pattern":
                assert one["paint"][name] == other["paint"][name]


# What the two common kinds of colour blindness see, on linear RGB (Vienot, Brettel & Mollon 1999,
# doi:10.1002/(SICI)1520-6378(199908)24:4<243::AID-COL5>3.0.CO;2-3, as matrices for sRGB).
BLINDNESS = {
    "none": np.eye(3),
    "protan": np.array([[0.11238, 0.88762, 0.0], [0.11238, 0.88762, 0.0], [0.00401, -0.00401, 1.0]]),
    "deutan": np.array([[0.29275, 0.70725, 0.0], [0.29275, 0.70725, 0.0], [-0.02234, 0.02234, 1.0]]),
}
LINEAR_TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def lab(color: str, blindness: str, opacity: float = 1.0, below: str = "#ffffff") -> np.ndarray:
    """CIE L*a*b* (D65) of a colour over a ground, as it is seen."""
    rgb = np.array([int(mixed(color, below, opacity)[k : k + 2], 16) / 255 for k in (1, 3, 5)])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(BLINDNESS[blindness] @ linear, 0, 1)
    x, y, z = LINEAR_TO_XYZ @ seen / np.array([0.9505, 1.0, 1.089])
    fx, fy, fz = (np.cbrt(v) if v > 0.008856 else 7.787 * v + 16 / 116 for v in (x, y, z))
    return np.array([116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)])


@pytest.mark.parametrize("blindness", BLINDNESS)
def test_the_risk_colours_are_told_apart_on_both_grounds(blindness: str) -> None:
    """By shape always; by colour with a CIE 1976 difference of at least 15 (2.3 is just noticeable)."""
    assert len({mark.shape for mark in RISK_MARKS.values()}) == len(RISK_MARKS)
    for theme in GROUNDS:
        marks = [mark_on_ground(mark, theme) for mark in RISK_MARKS.values()]
        assert [mark.color for mark in marks] == [mark.color for mark in RISK_MARKS.values()]
        for one, other in itertools.combinations(marks, 2):
            assert np.linalg.norm(lab(one.color, blindness) - lab(other.color, blindness)) >= 15, (one, other)


@pytest.mark.parametrize("blindness", BLINDNESS)
def test_neighbouring_levels_of_areas_are_told_apart_on_the_dark_ground(blindness: str) -> None:
    """Areas let the ground through, so that on a dark one their colours are others."""
    colors = [LEVEL_COLORS[level] for level in (5, 4, 3, 2, 1)]
    opacity = min(mark.opacity for mark in LAYERS["zoning_combined"].marks())
    seen = [lab(color, blindness, opacity, DARK.district) for color in colors]
    for one, other in itertools.pairwise(seen):
        assert np.linalg.norm(one - other) >= 6


def test_a_layer_is_drawn_on_the_ground_that_is_asked_for() -> None:
    (spot,) = (spec for spec in map_layers(LAYERS["villages"], "dark") if spec["id"] == "villages-spot")
    assert spot["paint"]["circle-stroke-color"] == DARK.halo
