"""Links in words: against a walk along the edges of every link."""

from typing import Any

import numpy as np
import pytest

from geo.links import road_links
from geo.speeds import ROAD_SPEEDS
from layers.district import District
from layers.whatif.layers import ROAD_CLASSES
from layers.whatif.link_names import BETWEEN, road_words, surroundings
from layers.whatif.roads import road_tags


@pytest.mark.parametrize(
    ("row", "zh", "en"),
    [
        ({"name": "人民路"}, "人民路", "人民路"),
        ({"name": "人民路", "near": "东村"}, "人民路 (近 东村)", "人民路 (near 东村)"),
        (
            {"name": "人民路", "between": "一路 / 二路", "near": "东村"},
            "人民路 (一路—二路 之间)",
            "人民路 (between 一路 and 二路)",
        ),
        (
            {"name": "", "between": "一路", "near": "东村", "highway": "tertiary"},
            "无名道路 (接 一路，近 东村，支路)",
            "unnamed road (off 一路, near 东村, tertiary road)",
        ),
        ({"name": None, "highway": "primary"}, "无名道路 (主干路)", "unnamed road (primary road)"),
        ({"name": float("nan"), "between": float("nan"), "highway": "x"}, "无名道路 (x)", "unnamed road (x)"),
        ({}, "无名道路", "unnamed road"),
    ],
)
def test_a_link_is_said_by_what_is_known_of_it(row: dict[str, Any], zh: str, en: str) -> None:
    assert (road_words(row, "zh"), road_words(row, "en")) == (zh, en)


def test_every_class_of_the_speed_table_has_words() -> None:
    assert set(ROAD_CLASSES) == {row.highway for row in ROAD_SPEEDS}


def test_the_roads_at_the_ends_are_those_that_a_walk_finds(demo: District) -> None:
    view = demo.view()
    network, tags = view.network, road_tags(view)
    names = tags["name"].fillna("").to_numpy(dtype=object)[network.edge_row]
    links = road_links(network, names=tags["name"].tolist())
    chosen = np.random.default_rng(7).choice(len(links), 2_500, replace=False)
    found = surroundings(view, links, chosen, names)
    at_node: dict[int, set[int]] = {}
    for edge, (tail, head) in enumerate(zip(network.edge_tail.tolist(), network.edge_head.tolist(), strict=True)):
        at_node.setdefault(tail, set()).add(edge)
        at_node.setdefault(head, set()).add(edge)
    several = 0
    for link, between, near in zip(chosen.tolist(), found["between"], found["near"], strict=True):
        own = set(np.flatnonzero(links.edge_link == link).tolist())
        nodes = [n for e in own for n in (int(network.edge_tail[e]), int(network.edge_head[e]))]
        ends = {n for n in nodes if len(at_node[n] & own) == 1}
        own_names = {names[e] for e in own}
        met = {names[e] for n in ends for e in at_node[n] - own} - {""}
        told = set(between.split(BETWEEN)) if between else set()
        assert told <= met
        assert len(told) == min(2, len(met - own_names)) or len(own_names) > 1
        assert near is not None
        several += len(told) == 2
    assert several > 0


def test_of_no_link_nothing_is_said(demo: District) -> None:
    view = demo.view()
    links = road_links(view.network)
    names = np.full(len(links.edge_link), "", dtype=object)
    assert len(surroundings(view, links, np.empty(0, dtype=np.int64), names)) == 0
    assert surroundings(view, links, [0], names)["between"].tolist() == [None]
