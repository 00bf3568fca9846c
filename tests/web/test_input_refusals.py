"""What an address or a request gets wrong is said in Chinese in the Chinese page, and names the field and the value."""

import json
import re
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask

from layers.district import District
from tests.web.conftest import browser
from web import create_app
from web.input_refusals import input_sentence

VIEW = "/api/v1/views/shown"


@pytest.fixture(scope="module")
def app(town: District) -> Flask:
    from data.settings import Settings

    return create_app(Settings(), "", district=town)


def view(**document: Any) -> dict[str, str]:
    return {"view": json.dumps({"layers": [], **document})}


def layer(**asked: Any) -> dict[str, str]:
    return view(layers=[{"id": "enterprises", **asked}])


ASKED: tuple[tuple[str, dict[str, str], str], ...] = (
    # links to the map
    ("/api/v1/layers/nowhere.geojson", {}, "没有图层“nowhere”"),
    (VIEW, {}, "缺少 view, 如 view="),
    (VIEW, {"view": "x"}, "view=x: 应为地图写进链接里的视图。"),
    (VIEW, {"view": "x" * 6001}, "view 有 6001 字: 应为最多 6000 字, 请存为视图。"),
    (VIEW, view(colour=1), "不认识 colour; 可用的有 center"),
    (VIEW, view(zoom=25), "zoom=25: 应为 24 或更小的数。"),
    (VIEW, view(zoom="x"), 'zoom="x": 应为数。'),
    (VIEW, view(at=7), "at=7: 应为文字或空。"),
    (VIEW, view(at="noon"), "at=noon: 应为时间, 如 2026"),
    (VIEW, view(at="1969-12-31T23:59"), "应为 1970 到 2200 年之间。"),
    (VIEW, view(center=[181, 0]), "center=[181, 0]: 应为以度计的经度,纬度。"),
    (VIEW, view(bounds=[1, 2, 1, 3]), "应为以度计的最小经度,最小纬度,最大经度,最大纬度, 小的在前。"),
    (VIEW, view(panel="nowhere"), 'panel="nowhere": 应为 reach, around'),
    (VIEW, view(place={}), "缺少 place.lonlat。"),
    (VIEW, view(swipe={}), "swipe.left: 应为两个图层, 或另一个时刻。"),
    (VIEW, view(swipe={"left": "x", "right": "y"}), "swipe.left=x: 应为视图里的图层。"),
    (VIEW, view(layers=[{"id": "teams"}, {"id": "teams"}]), "layers[1].id=teams 写了两次: 应为每个图层只写一次。"),
    (VIEW, view(drawing=[{"geometry": {"type": "MultiPoint"}}]), "应为 Point、LineString 或 Polygon。"),
    (VIEW, view(drawing=[{"geometry": {"type": "Point"}}]), "应为以度计经纬度的 GeoJSON。"),
    # filters and styles
    (VIEW, layer(opacity=1.5), "layers[0].opacity=1.5: 应为 1 或更小的数。"),
    (VIEW, layer(filters=[{"field": "x"}]), "图层 enterprises 没有此账号可用的字段“x”; 有: "),
    (VIEW, layer(filters=[{"field": "risk_level", "text": "a"}]), "字段“risk_level”只能按 values 筛选。"),
    (VIEW, layer(filters=[{"field": "risk_level", "values": ["a"]}]), "risk_level 应为"),
    (VIEW, layer(filters=[{"field": "workers_on_shift", "from": 2, "to": 1}]), "下限 2 大于上限 1"),
    (VIEW, layer(filters=[{"field": "workers_on_shift", "from": "a"}]), "应为数。"),
    (VIEW, layer(style={"field": "risk_level", "method": "equal"}), "risk_level 可按 values 分级。"),
    (VIEW, layer(style={"field": "workers_on_shift", "classes": 10}), "classes=10: 应为 2 到 9。"),
    # places, moments, bounds of numbers
    ("/api/v1/reach", {"at": "x"}, "at=x: 应为以度计的经度,纬度, 如 120.86,32.01。"),
    ("/api/v1/reach", {"at": "200,10"}, "at=200.0,10.0: 应为以度计的经度,纬度。"),
    ("/api/v1/reach", {"at": "10,10"}, "地点 10.0,10.0 不在本区范围内 ("),
    ("/api/v1/reach", {"at": "120.8,32", "when": "noon"}, "when=noon: 应为时间, 如"),
    ("/api/v1/reach", {"at": "1,1", "k": "x"}, "不认识参数 k; 可用的有 at"),
    ("/api/v1/around", {"at": "120.8,32"}, "半径和分钟填一个, 只能填一个。"),
    ("/api/v1/around", {"at": "120.8,32", "radius_m": "x"}, "radius_m=x: 应为数。"),
    ("/api/v1/around", {"at": "120.8,32", "minutes": "-1"}, "minutes=-1: 应为 0 到 100000 分钟。"),
    ("/api/v1/search", {"q": " "}, "q 是空的; 不用就去掉, 要用就填上。"),
    ("/api/v1/search", {"q": "x" * 201}, "q 有 201 字: 应为最多 200。"),
    ("/api/v1/search", {"q": "x", "limit": "0"}, "limit=0: 应为 1 到 "),
)


@pytest.mark.parametrize(("path", "query", "words"), ASKED, ids=[words for *_, words in ASKED])
def test_it_is_said_in_chinese(app: Flask, path: str, query: dict[str, str], words: str) -> None:
    client = browser(app, "planner")
    problem = client.get(f"{path}?{urlencode(query)}").json
    assert problem["status"] in (404, 422), problem
    assert words in problem["said"]
    assert not re.search("[一-龥]", problem["detail"]), "a program reads English"
    english = client.get(f"{path}?{urlencode(query)}", headers={"Cookie": "lang=en"}).json
    assert english["detail"] == problem["detail"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"reason": "x", "from": "noon"}, "time='noon': 应为时间, 如 "),
        ({}, "缺少 reason。"),
        ({"reason": "x", "geometry": {"type": "Point", "coordinates": [10, 10]}}, "地点不在本区范围内。"),
        ({"reason": "x", "geometry": 7}, "geometry=7: 应为一组字段"),
        ({"reason": "x", "factor": 2}, "factor=2: 应为 1 或更小的数。"),
    ],
)
def test_a_closure_too(app: Flask, body: dict[str, Any], words: str) -> None:
    headers = {"Idempotency-Key": "k" * 16}
    problem = browser(app, "dispatcher").open("/api/v1/closures", method="POST", json=body, headers=headers).json
    assert problem["status"] == 422
    assert words in problem["said"]
    assert re.search("[一-龥]", problem["said"]), problem["said"]


@pytest.mark.parametrize("query", [{"panel": "nowhere"}, {"layers": "nowhere"}, {"saved": "nowhere"}, {"screen": "x"}])
def test_the_page_has_both(app: Flask, query: dict[str, str]) -> None:
    page = browser(app, "planner").get("/", query_string=query).get_data(as_text=True)
    found = re.search(r'"said": ("[^"]*")', page)
    assert found is not None
    assert re.search("应为|没有", json.loads(found[1]))
    assert '"detail": ' in page


def test_what_is_not_known_stays_as_it_is() -> None:
    for detail in ("", "x", "x=1: expected the unexpected", "disk full; free some room", "x=1: y"):
        assert input_sentence(detail) is None
