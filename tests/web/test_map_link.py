"""Links that open the map with a question about supplies."""

from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from werkzeug.datastructures import MultiDict

from geo.errors import InputError, NotFound
from layers.district import District
from layers.layer import Role
from tests.layers.conftest import lonlat
from tests.web.conftest import browser
from tests.web.test_pages import config_of
from web import map_link

TO = ",".join(map(str, lonlat(5.0, 1.0)))


def read(text: str, town: District) -> dict[str, object] | None:
    return map_link.question(MultiDict([(k, v) for k, vs in parse_qs(text, True).items() for v in vs]), town)


def test_what_is_written_is_read_again(town: District) -> None:
    address = map_link.address(
        to=lonlat(5.0, 1.0), place="东村 & 西村?", needs={"quilt": "12.5", "pump": 2}, within=90, to_depot="d1"
    )
    found = read(urlsplit(address).query, town)
    assert found == {
        "to": lonlat(5.0, 1.0),
        "place": "东村 & 西村?",
        "needs": [
            {"id": "quilt", "name": "棉被", "unit": "床", "quantity": 12.5},
            {"id": "pump", "name": "水泵", "unit": "台", "quantity": 2},
        ],
        "within": 90,
        "substitutes": False,
        "own": False,
        "to_depot": "d1",
    }


def test_without_a_question_there_is_none(town: District) -> None:
    assert read("", town) is None
    assert read("lang=en&need=quilt=x&anything=1", town) is None
    empty = read("panel=supply", town)
    assert empty is not None
    assert empty["needs"] == []
    assert empty["to"] is None


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("panel=zoning", "panel=zoning"),
        ("panel=supply&colour=red", "colour"),
        ("panel=supply&to=1", "to=1"),
        ("panel=supply&to=10,10", "to=10"),
        ("panel=supply&need=quilt", "need=quilt"),
        ("panel=supply&need=quilt=many", "need=quilt"),
        ("panel=supply&need=quilt=0", "need=quilt=0"),
        ("panel=supply&need=quilt=-1", "need=quilt=-1"),
        ("panel=supply&need=quilt=1.0001", "need=quilt"),
        ("panel=supply&need=quilt=1&need=quilt=2", "quilt is asked for twice"),
        ("panel=supply&within=0", "within=0"),
        ("panel=supply&within=100001", "within=100001"),
        ("panel=supply&within=1&within=2", "within: given 2 times"),
        ("panel=supply&substitutes=perhaps", "substitutes=perhaps"),
        ("panel=supply&place=", "place: is empty"),
        (f"panel=supply&place={'x' * 201}", "place: 201 characters"),
    ],
)
def test_a_fault_is_named(text: str, names: str, town: District) -> None:
    with pytest.raises(InputError, match=names):
        read(text, town)


@pytest.mark.parametrize("text", ["need=gold=1", "to_depot=nowhere"])
def test_what_is_not_there_is_said(text: str, town: District) -> None:
    with pytest.raises(NotFound, match=text):
        read(f"panel=supply&{text}", town)


def test_bounds_are_included(town: District) -> None:
    for within in (1, 100_000):
        found = read(f"panel=supply&within={within}&place={'x' * 200}&need=quilt=0.001", town)
        assert found is not None
        assert found["within"] == within


def test_the_map_opens_with_the_question_or_with_what_is_wrong(app: Flask) -> None:
    client = browser(app)
    response = client.get(f"/?panel=supply&to={TO}&need=quilt=3")
    config = config_of(response.get_data(as_text=True))
    assert response.status_code == 200
    assert config["supply"]["needs"][0]["quantity"] == 3  # type: ignore[index]
    assert "problem" not in config
    response = client.get("/?panel=supply&need=gold=3", headers={"Accept": "text/html"})
    config = config_of(response.get_data(as_text=True))
    assert response.status_code == 404
    assert "supply" not in config
    assert config["problem"]["detail"].startswith("need=gold=3")  # type: ignore[index]


@pytest.mark.parametrize(
    ("role", "layers", "missing"),
    [
        ("viewer", "teams,depots", None),
        ("viewer", "nowhere", "nowhere"),
        ("viewer", "teams,nowhere", "nowhere"),
        ("viewer", "supply_orders", "supply_orders"),
        ("dispatcher", "supply_orders", None),
    ],
)
def test_a_layer_that_is_not_there_is_said(app: Flask, role: Role, layers: str, missing: str | None) -> None:
    response = browser(app, role).get(f"/?layers={layers}", headers={"Accept": "text/html"})
    config = config_of(response.get_data(as_text=True))
    assert response.status_code == (404 if missing else 200)
    assert (missing is None) == ("problem" not in config)
    if missing:
        assert f"'{missing}'" in config["problem"]["detail"]  # type: ignore[index]
