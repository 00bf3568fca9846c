"""Changes are read and checked one after the other; nobody stays in the lane, and nobody is kept out for long."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask, g

from data.settings import Settings
from data.turn import Turn
from layers.district import District
from tests.layers.conftest import lonlat
from tests.web.conftest import browser
from web import create_app

BODY: dict[str, Any] = {
    "to": list(lonlat(2.0, 1.0)),
    "unit": "street office",
    "place": "pumping station",
    "contact": "duty officer",
    "needs": [{"item_id": "quilt", "quantity": 1}],
    "lines": [{"depot_id": "d1", "item_id": "quilt", "lot": "A", "quantity": 1}],
}
PATH = "/api/v1/supplies/requests"


@pytest.fixture
def app(own_town: District) -> Flask:
    return create_app(Settings(), "", district=own_town)


@pytest.fixture
def lane(app: Flask) -> Iterator[Turn]:
    found: Turn = app.extensions["onemap_lane"]
    yield found
    assert found.take(0), "somebody stayed in the lane"


def reserve(app: Flask, key: str, body: Any = BODY, role: Any = "dispatcher") -> int:
    return int(browser(app, role).post(PATH, json=body, headers={"Idempotency-Key": key}).status_code)


def test_whoever_is_answered_or_refused_has_left(app: Flask, lane: Turn) -> None:
    taken = {**BODY, "lines": [{**BODY["lines"][0], "quantity": 2}]}
    for key, body, role, status in (
        ("made", BODY, "dispatcher", 200),
        ("made", BODY, "dispatcher", 200),  # answered again
        ("made", taken, "dispatcher", 409),
        ("viewer", BODY, "viewer", 403),
        ("empty", {}, "dispatcher", 422),
        ("", BODY, "dispatcher", 422),
        ("more than asked", taken, "dispatcher", 422),
    ):
        assert reserve(app, key, body, role) == status, key
        assert lane.take(0), key
        lane.give()


def test_a_change_goes_on_beside_one_that_stays_in_the_lane(app: Flask, lane: Turn) -> None:
    assert lane.take(0)
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(reserve(app, "beside")))
    thread.start()
    thread.join(60)
    assert found == [200]
    assert lane.is_mine()  # it did not give away what it did not have
    lane.give()


def test_the_lane_is_left_before_the_change_itself(app: Flask, lane: Turn, own_town: District) -> None:
    who = browser(app, "dispatcher")
    found: list[int] = []

    def ask() -> None:
        found.append(who.post(PATH, json=BODY, headers={"Idempotency-Key": "waits"}).status_code)

    thread = threading.Thread(target=ask)
    with own_town.store.writing():
        thread.start()
        while not own_town.store._writer._turn._waiting:
            time.sleep(0.001)
        assert lane.take(0)
        lane.give()
    thread.join(60)
    assert found == [200]


def test_who_asks_does_not_enter(app: Flask, lane: Turn) -> None:
    with browser(app, "dispatcher") as who:
        assert who.get("/api/v1/supplies/orders").status_code == 200
        assert "in_lane" not in g
