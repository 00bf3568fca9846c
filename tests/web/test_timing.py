"""Times of searches and plans: whose, of what, written without anybody waiting, and in the figures."""

from typing import Any

import pytest
from flask import Flask

from data import answer_times, keeping, schema
from data.answer_times import ANSWERS, AnswerTime
from data.keeping import Bounds
from data.settings import Settings
from geo.errors import Unavailable
from layers import analyses
from layers.district import District
from tests.layers.conftest import NOW, lonlat
from tests.web.conftest import browser
from web import create_app, tending
from web.timing import TIMED, Times

TO = ",".join(str(part) for part in lonlat(5.0, 1.0))
NEEDS = {"unit": "甲", "place": "广场", "contact": "乙", "affected": "1", "evacuated": "1", "days": "1"}


@pytest.fixture
def app(own_town: District) -> Flask:
    return create_app(Settings(), "", district=own_town)


def waiting(app: Flask) -> list[tuple[str, str]]:
    """What waits to be written, which is then gone."""
    times: Times = app.extensions["onemap_times"]
    found = [(time.what, time.actor) for time in times._waiting]
    times._waiting.clear()
    return found


def test_every_timed_route_is_there(app: Flask) -> None:
    assert set(TIMED) <= set(app.view_functions)
    assert {timed.what for timed in TIMED.values()} == set(ANSWERS)


@pytest.mark.parametrize(
    ("path", "what"),
    [
        ("/api/v1/search?q=村", "search"),
        ("/api/v1/stock/glance?item=quilt", "search"),
        (f"/api/v1/supply?to={TO}&need=quilt=10", "plan"),
        (f"/api/v1/supply/plans?to={TO}&need=quilt=10", "plan"),
        ("/supplies?item=quilt", "search"),
        ("/supplies/lots?lot=A", "search"),
        ("/supplies", None),
        ("/supplies/lots", None),
        ("/supplies/lots?lot=%20", None),
        ("/api/v1/items", None),
        ("/api/v1/search", None),  # refused
        ("/api/v1/stock/glance?item=nothing", None),
    ],
)
def test_what_is_timed(app: Flask, path: str, what: str | None) -> None:
    browser(app, "dispatcher").get(path)
    assert waiting(app) == ([] if what is None else [(what, "test-dispatcher")])


def test_a_plan_of_the_pages_is_timed(app: Flask) -> None:
    desk = browser(app, "dispatcher")
    form = {"key": "1", **NEEDS, "item_id.0": "quilt", "quantity.0": "5", "specification.0": ""}
    assert desk.post("/supplies/needs", data=form).status_code == 303
    assert waiting(app) == [("plan", "test-dispatcher")]
    assert desk.post("/supplies/needs", data={**form, "key": "2", "place": "火星"}).status_code == 422
    assert waiting(app) == []


@pytest.mark.parametrize("role", ["viewer", "keeper", "planner", None])
def test_only_who_dispatches_is_timed(app: Flask, role: Any) -> None:
    browser(app, role).get("/api/v1/search?q=村")
    assert waiting(app) == []


def test_times_are_kept_and_make_the_figures(app: Flask, own_town: District) -> None:
    figures = {row["code"]: row for row in analyses.kpis(own_town)["rows"]}
    assert figures["search_p95"]["no_data"]
    assert figures["plan_p95"]["no_data"]
    revision = own_town.store.revision()
    desk = browser(app, "dispatcher")
    for path in ("/api/v1/search?q=村", "/api/v1/search?q=库", f"/api/v1/supply?to={TO}&need=quilt=1"):
        assert desk.get(path).status_code == 200
    times: Times = app.extensions["onemap_times"]
    assert times.keep(own_town) == 3
    assert times.keep(own_town) == 0
    assert own_town.store.revision() == revision, "nobody has to draw anything anew"
    kept = own_town.store.frame("answer_time")
    assert kept["asked_utc"].tolist() == [schema.utc_text(NOW)] * 3
    assert (kept["took_s"] > 0).all()
    figures = {row["code"]: row for row in analyses.kpis(own_town)["rows"]}
    assert figures["search_p95"]["denominator"] == 2
    assert figures["search_p95"]["value"] == max(kept["took_s"][:2])
    assert figures["plan_p95"]["value"] == kept["took_s"].iloc[2]
    proof = figures["plan_p95"]["proof"][0]
    assert (proof["id"], proof["detail"]) == (
        "2026-07-01 10:00:00",
        f"{kept['took_s'].iloc[2]:.3f} s, test-dispatcher",
    )
    assert "2026-07-01 10:00:00" in desk.get("/supplies/kpis").get_data(as_text=True)


def test_what_cannot_be_written_waits(app: Flask, own_town: District, monkeypatch: pytest.MonkeyPatch) -> None:
    times: Times = app.extensions["onemap_times"]
    for k in range(3):
        times.note(AnswerTime("plan", "a", schema.utc_text(NOW), float(k)))

    def full(*_: Any) -> None:
        raise Unavailable("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(answer_times, "keep", full)
        with pytest.raises(Unavailable):
            times.keep(own_town)
    times.note(AnswerTime("plan", "a", schema.utc_text(NOW), 3.0))
    assert times.keep(own_town) == 4
    assert own_town.store.frame("answer_time")["took_s"].tolist() == [0.0, 1.0, 2.0, 3.0]


def test_who_tends_keeps_times_and_forgets(app: Flask, own_town: District, monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread itself, until it has done both."""
    done: list[str] = []
    forget = keeping.forget
    monkeypatch.setattr(keeping, "forget", lambda *args, **how: (done.append("forgot"), forget(*args, **how))[1])
    times: Times = app.extensions["onemap_times"]
    times.note(AnswerTime("plan", "a", schema.utc_text(NOW), 1.0))
    stop = tending.start(own_town, times, Bounds.of(Settings()), every_s=0.01)
    try:
        for _ in range(2_000):
            if done and len(own_town.store.frame("answer_time")):
                break
            stop.wait(0.01)
    finally:
        stop.set()
    assert done == ["forgot"], "at the start, and then once an hour"
    assert own_town.store.frame("answer_time")["took_s"].tolist() == [1.0]
