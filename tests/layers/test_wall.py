"""The figures of the wall against what they are made of: each number is the number of its rows, or of their persons."""

from datetime import UTC, timedelta
from typing import Any

import pandas as pd
import pytest

from layers import analyses, query, render
from layers.actions import readings, supplies
from layers.actions.closures import close
from layers.catalogue import LAYERS
from layers.district import District
from layers.layer import ROLES, Lang, Role
from layers.permissions import Actor
from layers.wall import FIGURES, MAX_ROWS, wall
from tests.layers.conftest import BRIDGE, NOW, RECEIVER, STAMP, Clock, lonlat

WANG = Actor("wang", "王", "dispatcher")
HOUR_S = 3600.0
OF_SUPPLIES = {"late", "alarms", "orders"}


def figures(district: District, role: Role = "dispatcher", lang: Lang = "zh") -> dict[str, dict[str, Any]]:
    return {one["id"]: one for one in wall(district, role=role, lang=lang, limit_s=HOUR_S)["figures"]}


def reserve(district: District, key: str, deadline: str | None = None) -> str:
    body = {
        **RECEIVER,
        "needs": [{"item_id": "quilt", "quantity": "1"}],
        "lines": [{"depot_id": "d1", "item_id": "quilt", "lot": "A", "quantity": "1"}],
        **({} if deadline is None else {"deadline": deadline}),
    }
    return str(supplies.reserve(district, WANG, body, key=key)["orders"][0]["id"])


def test_persons_out_of_reach_are_those_of_the_coverage_and_add_up(own_town: District) -> None:
    close(own_town, WANG, {"reason": "积水", "geometry": BRIDGE}, key="a-key-of-the-form")
    told = figures(own_town)["uncovered"]
    answer = analyses.coverage(own_town, limit_s=HOUR_S, places="villages")
    out = answer.table[~answer.table["covered"]]
    assert told["value"] == out["persons"].sum() > 0
    assert [row["id"] for row in told["rows"]] == list(out.sort_values("persons", ascending=False)["id"])
    assert sum(int(row["amount"].split()[0].replace(",", "")) for row in told["rows"]) == told["value"]
    assert all(row["geometry"]["type"] == "Point" for row in told["rows"])
    assert told["tone"] == "bad"
    assert {row["id"] for row in told["rows"]} == set(
        query.read(own_town, "uncovered_places", role="viewer").frame["id"]
    )


def test_a_figure_of_nothing_is_quiet(own_town: District) -> None:
    told = wall(own_town, role="dispatcher", limit_s=1e7)
    quiet = {one["id"] for one in told["figures"] if not one["value"]}
    assert {"late", "alarms", "closures", "stale", "orders"} <= quiet
    assert {one["tone"] for one in told["figures"] if not one["value"]} == {""}


def test_closures_in_force_with_since_when(own_town: District, clock: Clock) -> None:
    district = District(own_town.store, clock=clock)
    told = figures(district)["closures"]
    assert (told["value"], told["rows"], told["tone"]) == (0, [], "")
    assert told["said"] == "另有 1 处未到时间"
    made = close(district, WANG, {"reason": "<b>积水", "geometry": BRIDGE, "factor": 0.5}, key="a-key-of-the-form")[
        "id"
    ]
    told = figures(district)["closures"]
    (row,) = told["rows"]
    assert (row["id"], row["title"], row["detail"]) == (made, "<b>积水", "慢行, 剩余速度 50%")
    assert row["since_utc"][:16] == clock.now.astimezone(UTC).isoformat()[:16]
    assert row["geometry"]["type"] == "LineString"
    assert told["tone"] == "warn"
    clock.go_on(hours=24)  # the other one begins, bound included at 00:00 UTC on July 2
    assert {row["id"] for row in figures(district)["closures"]["rows"]} == {made, "c1"}


def test_an_order_is_late_after_its_moment_and_not_at_it(own_town: District, clock: Clock) -> None:
    district = District(own_town.store, clock=clock)
    due = clock.now + timedelta(minutes=20)
    order = reserve(district, "a-key-of-the-form", due.isoformat())
    free = reserve(district, "another-key-of-it")
    clock.go_on(minutes=20)
    told = figures(district)
    assert (told["late"]["value"], told["orders"]["value"]) == (0, 2)
    clock.go_on(minutes=1)
    told = figures(district)
    (row,) = told["late"]["rows"]
    assert row["id"] == order
    assert row["since_utc"][:16] == due.astimezone(UTC).isoformat()[:16]
    assert row["geometry"] is not None
    assert "<script>学校" in row["title"], "told as it is; who shows it escapes it"
    assert [one["id"] for one in told["orders"]["rows"]] == [order, free], "the late one stands first"
    assert (told["late"]["tone"], told["orders"]["tone"]) == ("bad", "")


def test_alarms_of_devices_with_their_depot(own_town: District) -> None:
    frame = pd.DataFrame({"id": ["door"], "name": ["门磁"], "type": ["door"], "depot_id": ["d1"], "item_id": [None]})
    with own_town.store.writing() as conn:
        own_town.store.upsert(conn, "device", frame, **STAMP)
    assert figures(own_town)["alarms"]["value"] == 0
    opened = NOW - timedelta(minutes=5)
    entry = {"measured_utc": opened.isoformat(), "value": 1}
    readings.report(own_town, Actor("k", "管", "administrator"), {"device": "door", "readings": [entry]})
    (row,) = figures(own_town)["alarms"]["rows"]
    assert (row["title"], row["detail"]) == ("门未关 · 西库", "门磁")
    assert row["since_utc"][:16] == opened.isoformat()[:16]
    assert row["geometry"]["coordinates"] == pytest.approx(lonlat(0.5, 0.0), abs=1e-6)


def test_registers_are_stale_beyond_their_age_and_not_at_it(own_town: District, clock: Clock) -> None:
    district = District(own_town.store, clock=clock)
    bounds = {layer.id: layer.stale_after_s for layer in LAYERS.values() if layer.stale_after_s is not None}
    found = {name: query.summary(district, name, role="administrator").updated_utc for name in bounds}
    updated = {name: pd.Timestamp(told) for name, told in found.items() if told is not None}
    assert {"enterprises", "shelters", "depots", "teams"} <= updated.keys()
    for name, told in updated.items():
        bound_s = bounds[name]
        assert bound_s is not None
        clock.now = told.to_pydatetime() + timedelta(seconds=bound_s)
        about = render.describe(query.summary(district, name, role="administrator"))
        assert (about["stale"], about["stale_since_utc"], about["age_s"]) == (False, None, bound_s)
        assert name not in {row["id"] for row in figures(district)["stale"]["rows"]}
        since = clock.now
        clock.now += timedelta(milliseconds=1)
        rows = {row["id"]: row["since_utc"] for row in figures(district)["stale"]["rows"]}
        assert pd.Timestamp(rows[name]) == pd.Timestamp(since)


@pytest.mark.parametrize("role", ROLES)
def test_what_a_role_may_not_read_is_named_as_withheld(own_town: District, role: Role) -> None:
    reserve(own_town, "a-key-of-the-form")
    answer = wall(own_town, role=role, lang="en", limit_s=HOUR_S)
    titles = {figure.id: figure.title.en for figure in FIGURES}
    shown = {one["id"] for one in answer["figures"]}
    assert shown == set(titles) - (OF_SUPPLIES if role == "viewer" else set())
    assert answer["withheld"] == [titles[name] for name in titles if name not in shown]
    for one in answer["figures"]:
        assert set(one["layers"]) <= set(query.permitted(role))
        assert len(one["rows"]) == min(one["count"], MAX_ROWS)
        assert one["unit"]
        assert one["source"]
