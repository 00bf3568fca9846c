"""The drawing of the curve: its points are where the numbers say, and it is readable."""

import itertools
import re
import xml.etree.ElementTree as ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layers.whatif.curve import HEIGHT, WIDTH, _ticks, curve_svg

_NS = "{http://www.w3.org/2000/svg}"


def drawn(
    persons: list[int], *, bounds: list[float | None] | None = None, chosen: int | None = None
) -> ElementTree.Element:
    text = curve_svg(
        list(range(len(persons))),
        persons,
        max(persons),
        bounds=bounds or [None] * len(persons),
        chosen=chosen,
        keeps=True,
        lang="zh",
    )
    return ElementTree.fromstring(text)


@given(st.lists(st.integers(0, 10**7), min_size=1, max_size=36).map(sorted))
def test_the_dots_rise_with_the_persons_and_stay_inside(persons: list[int]) -> None:
    dots = drawn(persons).findall(f"{_NS}circle")
    places = [(float(dot.get("cx", "")), float(dot.get("cy", ""))) for dot in dots]
    assert len(places) == len(persons)
    assert all(0 < x < WIDTH and 0 < y < HEIGHT for x, y in places)
    assert all(one[0] < other[0] and one[1] >= other[1] for one, other in itertools.pairwise(places))
    # In proportion, to the tenth of a pixel that is written.
    if persons[-1] - persons[0] > 0:
        height = places[0][1] - places[-1][1]
        for count, (_, y) in zip(persons, places, strict=True):
            expected = places[0][1] - height * (count - persons[0]) / (persons[-1] - persons[0])
            assert y == pytest.approx(expected, abs=0.2)


@given(st.integers(0, 10**9), st.integers(1, 10**9))
def test_ticks_are_round_few_and_around(low: int, more: int) -> None:
    found = _ticks(low, low + more)
    step = found[1] - found[0]
    assert found[0] <= low < low + more <= found[-1]
    assert {b - a for a, b in itertools.pairwise(found)} == {step}
    assert re.fullmatch(r"[125]0*", str(step))
    assert 3 <= len(found) <= 7


def test_no_letter_is_small_and_the_chosen_number_is_filled() -> None:
    svg = drawn([1_000, 3_000, 3_000], chosen=1)
    assert int(svg.get("font-size", "")) >= 12
    assert not [node for node in svg.iter() if "font-size" in node.attrib and node is not svg]
    fills = [dot.get("fill") for dot in svg.findall(f"{_NS}circle")]
    assert [fill == "#ffffff" for fill in fills] == [True, False, True]
    texts = [node.text or "" for node in svg.findall(f"{_NS}text")]
    assert {"1,000", "3,000", "新增队伍数"} <= set(texts)
    assert "未证明" not in " ".join(texts)


def test_a_point_that_is_not_proven_shows_its_bound() -> None:
    svg = drawn([1_000, 2_000], bounds=[None, 2_600.0])
    dashed = [path for path in svg.findall(f"{_NS}path") if path.get("stroke-dasharray") == "3 3"]
    assert len(dashed) == 1
    assert any("未证明" in (node.text or "") for node in svg.findall(f"{_NS}text"))
