"""The atlas leaves no area out, however many there are."""

import pytest

from layers import html, query
from layers.district import District
from layers.zoning.result import ZoningRun


@pytest.mark.parametrize("layer", ["zoning_natural", "villages", "zones_natural"])
def test_areas_are_joined_and_none_is_left_out(
    layer: str, demo: District, natural: ZoningRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(html, "_SIMPLIFY_DEG", 0.0)
    monkeypatch.setattr(html, "MAX_DRAWN", 1_000_000)
    result = query.read(demo, layer, role="planner")
    whole = html._thinned(result)
    monkeypatch.setattr(html, "MAX_DRAWN", 20)
    joined = html._thinned(result)
    assert len(joined) < len(whole) == result.count
    assert joined.geometry.to_crs(4549).area.sum() == pytest.approx(whole.geometry.to_crs(4549).area.sum(), rel=1e-9)
    drawn = html._features(result, joined, "planner", "zh")["features"]
    before = html._features(result, whole, "planner", "zh")["features"]
    looks = [{(f["properties"]["color"], f["properties"]["hatched"]) for f in features} for features in (drawn, before)]
    assert looks[0] == looks[1]


def test_points_and_lines_are_thinned(demo: District, natural: ZoningRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html, "MAX_DRAWN", 50)
    for layer in ("enterprises", "roads"):
        assert 25 <= len(html._thinned(query.read(demo, layer, role="planner"))) <= 50
