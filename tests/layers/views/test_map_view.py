"""The document of a view: what it may say, what it shows, and what a role never learns through it."""

from collections import Counter
from typing import Any

import pytest

from geo.errors import InputError, NotFound
from layers import query
from layers.catalogue import LAYERS
from layers.district import District
from layers.html import mark_for
from layers.tiles import ROAD_FIELDS
from layers.views.map_view import MAX_VERTICES, read_map_view, readable, usable_fields
from layers.views.shown import answer
from tests.layers.conftest import NOW


def view_of(town: District, *layers: dict[str, Any], role: Any = "planner", **more: Any) -> Any:
    return read_map_view({"layers": list(layers), **more}, role=role, timezone=town.timezone)


def shown(town: District, *layers: dict[str, Any], role: Any = "planner") -> list[dict[str, Any]]:
    view = view_of(town, *layers, role=role, at=NOW.isoformat())
    return answer(town, view, role=role, lang="zh")


def test_what_is_left_out_is_as_declared(demo: District) -> None:
    (found,) = shown(demo, {"id": "enterprises"})
    layer = LAYERS["enterprises"]
    rows = query.read(demo, "enterprises", role="planner", at=NOW)
    assert found["count"] == found["matched"] == rows.count > 0
    counted = Counter(mark_for(layer, r).label.zh for r in rows.frame.drop(columns="geometry").to_dict("records"))
    assert [(m["label"], m["count"]) for m in found["legend"]] == [
        (mark.label.zh, counted[mark.label.zh]) for mark in layer.marks()
    ]
    assert sum(m["count"] for m in found["legend"]) == found["matched"]
    assert found["breaks"] is None
    assert found["opacity"] == 1.0
    assert all("filter" not in spec for spec in found["map_layers"])


def test_filters_count_and_breaks_are_of_the_whole_layer(demo: District) -> None:
    style = {"field": "workers_on_shift", "method": "quantile", "classes": 4}
    only = {
        "id": "enterprises",
        "filters": [{"field": "risk_level", "values": ["major", "considerable"]}],
        "style": style,
    }
    (all_of,), (some,) = shown(demo, {"id": "enterprises", "style": style}), shown(demo, only)
    frame = query.read(demo, "enterprises", role="planner", at=NOW).frame
    assert some["matched"] == int(frame["risk_level"].isin(["major", "considerable"]).sum()) < all_of["matched"]
    assert some["breaks"] == all_of["breaks"]
    assert [m["label"] for m in some["legend"]] == [m["label"] for m in all_of["legend"]]
    assert sum(m["count"] for m in some["legend"]) == some["matched"]
    assert all(spec["filter"] for spec in some["map_layers"])
    bounds = [float(frame["workers_on_shift"].min()), *some["breaks"]["lower"]]
    numbers = frame["workers_on_shift"].astype(float)
    for k, mark in enumerate(all_of["legend"][:-1]):
        upper = bounds[k + 1] if k + 1 < len(bounds) else float("inf")
        assert mark["count"] == int(((numbers >= bounds[k]) & (numbers < upper)).sum())


def test_areas_that_are_drawn_as_lines_are_filled_when_styled(demo: District) -> None:
    (found,) = shown(demo, {"id": "streets", "style": {"field": "persons"}})
    assert {"streets-fill", "streets-label"} <= {spec["id"] for spec in found["map_layers"]}
    assert {spec["metadata"]["layer"] for spec in found["map_layers"]} == {"streets"}


def test_a_tiled_layer_offers_what_its_tiles_hold(town: District) -> None:
    assert set(usable_fields(LAYERS["roads"], "planner")) <= set(ROAD_FIELDS)
    with pytest.raises(InputError, match=r"layers\[0\]\.filters\[0\]\.field=maxspeed: .* its tiles hold"):
        view_of(town, {"id": "roads", "filters": [{"field": "maxspeed", "from": 30}]})


@pytest.mark.parametrize("layer_id", sorted(LAYERS))
def test_no_role_filters_by_what_it_may_not_see(layer_id: str, town: District) -> None:
    for field in LAYERS[layer_id].fields:
        if "viewer" not in field.roles or "viewer" not in LAYERS[layer_id].roles:
            with pytest.raises((InputError, NotFound)):
                view_of(town, {"id": layer_id, "filters": [{"field": field.name, "text": "1"}]}, role="viewer")


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"layers": [{"id": "nowhere"}]}, "no layer 'nowhere'"),
        ({"layers": [{"id": "teams"}, {"id": "teams"}]}, r"layers\[1\]\.id=teams: is there twice"),
        ({"layers": [{"id": "teams", "style": {"field": "x"}}]}, r"layers\[0\]\.style\.field=x: teams has no such"),
        ({"layers": [], "at": "noon"}, "at=noon: expected a time"),
        ({"layers": [], "at": "1969-12-31T23:59"}, "expected a year from 1970"),
        ({"layers": [], "center": [181, 0]}, "center="),
        ({"layers": [], "bounds": [1, 2, 1, 3]}, "bounds="),
        ({"layers": [], "drawing": [{"geometry": {"type": "MultiPoint"}}]}, r"drawing\[0\]\.geometry\.type=MultiPoint"),
        ({"layers": [], "drawing": [{"geometry": {"type": "Point", "coordinates": ["a"]}}]}, r"drawing\[0\]\.geometry"),
        ({"layers": [], "drawing": [{"geometry": {"type": "Point", "coordinates": [500, 0]}}]}, "in degrees"),
        ({"layers": [], "drawing": [{"geometry": {"type": "Point", "coordinates": []}}]}, "in degrees"),
        ({"layers": [{"id": "teams"}], "swipe": {}}, r"swipe\.left: expected two layers"),
        ({"layers": [{"id": "teams"}], "swipe": {"left": "teams"}}, r"swipe\.right: expected two layers"),
        ({"layers": [{"id": "teams"}], "swipe": {"left": "teams", "right": "x"}}, r"swipe\.right=x: expected a layer"),
        ({"layers": [{"id": "teams"}], "swipe": {"left": "teams", "right": "teams", "at": "2026"}}, r"swipe\."),
        ({"layers": [], "swipe": {"at": "noon"}}, r"swipe\.at=noon: expected a time"),
    ],
)
def test_refusals(document: dict[str, Any], words: str, town: District) -> None:
    with pytest.raises((InputError, NotFound), match=words):
        read_map_view(document, role="planner", timezone=town.timezone)


@pytest.mark.parametrize(
    ("swipe", "left"),
    [
        ({"left": "teams", "right": "depots"}, True),
        ({"left": "teams", "right": "supply_orders", "share": 100}, False),  # that layer is not for a viewer
        ({"at": "2026-07-01T09:30"}, True),
    ],
)
def test_a_swipe_is_left_out_with_its_layers(swipe: dict[str, Any], left: bool, town: District) -> None:
    document = {"layers": [{"id": name} for name in ("teams", "depots", "supply_orders")], "swipe": swipe}
    read_map_view(document, role="planner", timezone=town.timezone)
    found, problems = readable(document, role="viewer", timezone=town.timezone)
    assert found.get("swipe") == (swipe if left else None)
    assert len(problems) == 1
    assert found["layers"] == document["layers"][:2]


def test_as_much_may_be_drawn_as_is_said(town: District) -> None:
    def line(n: int) -> dict[str, Any]:
        return {"geometry": {"type": "LineString", "coordinates": [[120 + k * 1e-5, 32] for k in range(n)]}}

    assert len(view_of(town, drawing=[line(MAX_VERTICES)]).drawing) == 1
    with pytest.raises(InputError, match=f"{MAX_VERTICES + 2} vertices"):
        view_of(town, drawing=[line(MAX_VERTICES), line(2)])
