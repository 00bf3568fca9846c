"""Whatever changes a page of the boards is told to it: each operation, each page, what it shows before and after."""

import json
import re
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from flask import Flask

from data.settings import Settings
from data.watching import read_news
from layers import changes
from layers.actions import readings, stock, supplies
from layers.district import District
from layers.permissions import Actor
from tests.layers.conftest import NOW, STAMP
from tests.web.conftest import Browser, browser
from tests.web.test_board import LOT, ONE, REQUEST, order_ids, page, post
from tests.web.test_board import stock as stock_up
from web import create_app

KEEPER = Actor("k", "管", "administrator")
VARIES = re.compile(r'name="(?:key|csrf_token)" value="[^"]*"|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d')


def config_of(text: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="config">(.*?)</script>', text, re.S)
    assert found is not None
    config: dict[str, Any] = json.loads(found.group(1))
    return config


def live_part(text: str) -> str:
    return VARIES.sub("", text.split('<div id="live">')[1])


def concerns(follows: dict[str, list[str] | None] | None, told: dict[str, Any]) -> bool:
    """What the page's script decides from an event."""
    if follows is None:
        return True
    for name, wanted in follows.items():
        for part in (told.get("layers", {}), told.get("tables", {})):
            if name in part and (wanted is None or part[name] is None or set(wanted) & set(part[name])):
                return True
    return False


class Watched:
    """The pages as they are, and what is told of a change."""

    def __init__(self, app: Flask, town: District, paths: list[str]) -> None:
        self.desk: Browser = browser(app, "dispatcher")
        self.town, self.paths = town, paths
        self.shown = self.seen()

    def seen(self) -> dict[str, tuple[str, Any]]:
        found = {}
        for path in self.paths:
            text = page(self.desk, path)
            found[path] = (live_part(text), config_of(text)["page"]["follows"])
        return found

    def after(self, change: Callable[[], Any]) -> tuple[set[str], set[str]]:
        """Which pages became others by a change, and which of them were told that they may."""
        before, since = self.shown, self.town.store.revision()
        change()
        told = changes.told(read_news(self.town.store, since).rows, "dispatcher")
        now = self.shown = self.seen()
        changed = {path for path in self.paths if now[path][0] != before[path][0]}
        heard = {path for path in self.paths if concerns(before[path][1], told)}
        return changed, heard


def test_whatever_changes_a_page_is_told_to_it(own_town: District) -> None:
    town = stock_up(own_town)
    with town.store.writing() as conn:
        device = pd.DataFrame({"id": ["t1"], "name": ["门磁"], "type": ["door"], "depot_id": ["d1"]})
        town.store.upsert(conn, "device", device, **STAMP)
    first = supplies.reserve(town, ONE, REQUEST, key="1")
    other = supplies.post_by_telephone(
        town, ONE, {**REQUEST, "lines": [{**REQUEST["lines"][0], "quantity": "5"}]}, key="2"
    )
    order, others = first["orders"][0]["id"], other["orders"][0]["id"]
    app = create_app(Settings(), "", district=town)
    lists = ["orders", "reservations", "papers", "outstanding", "requests", "low", "expiring", "uncounted", "alarms"]
    watched = Watched(
        app,
        town,
        [
            "/supplies",
            "/supplies?item=quilt",
            *(f"/supplies/lists/{name}" for name in lists),
            "/supplies/handover",
            "/supplies/kpis",
            "/supplies/needs?affected=500&evacuated=90&days=2",
            f"/supplies/requests/{first['id']}",
            f"/supplies/requests/{other['id']}",
            f"/supplies/orders/{order}",
            f"/supplies/orders/{others}",
            f"/supplies/lots?lot={LOT}",
            "/supplies/lots?lot=quilt",
            "/supplies/depots",
            "/supplies/depots/d1",
            "/supplies/depots/d2",
            "/supplies/depots/d1/count",
            "/supplies/depots/d1/in",
        ],
    )

    def sql(statement: str) -> None:
        with town.store.writing() as conn:
            conn.exec_driver_sql(statement)

    d = town
    body = {"lines": [{"lot_id": LOT, "received": "28", "damaged": "1", "missing": "1"}]}
    steps: list[tuple[str, Callable[[], Any], set[str]]] = [
        # what happens, and some of the pages that it must change
        ("renew", lambda: supplies.renew(d, ONE, first["id"], key="a"), set()),
        ("place", lambda: supplies.place(d, ONE, first["id"], key="b"), {"/supplies", f"/supplies/orders/{order}"}),
        ("issue", lambda: supplies.issue(d, ONE, order, {"vehicle_id": "v1"}, key="c"), {f"/supplies/lots?lot={LOT}"}),
        ("depart", lambda: supplies.depart(d, ONE, order, {}, key="d"), {"/supplies/lists/orders"}),
        ("lost", lambda: supplies.report_lost(d, ONE, order, {"reason": "x"}, key="e"), {"/supplies/handover"}),
        ("found", lambda: supplies.report_found(d, ONE, order, {"reason": "y"}, key="f"), set()),
        ("receive", lambda: supplies.receive(d, ONE, order, body, key="g"), {f"/supplies/requests/{first['id']}"}),
        (
            "use",
            lambda: supplies.use(d, ONE, order, {"lines": [{"lot_id": LOT, "quantity": "20"}]}, key="h"),
            {f"/supplies/lots?lot={LOT}"},
        ),
        (
            "return",
            lambda: supplies.take_back(d, ONE, order, {"lines": [{"lot_id": LOT, "quantity": "8"}]}, key="i"),
            {"/supplies/depots/d1"},
        ),
        ("settle", lambda: supplies.settle(d, ONE, order, {}, key="j"), {"/supplies/lists/orders"}),
        (
            "again",
            lambda: supplies.reserve_outstanding(d, ONE, first["id"], key="k"),
            {f"/supplies/requests/{first['id']}"},
        ),
        (
            "papers",
            lambda: supplies.complete_papers(d, ONE, other["id"], {"papers": "7号"}, key="l"),
            {"/supplies/lists/papers"},
        ),
        ("cancel", lambda: supplies.cancel(d, ONE, others, {"reason": "z"}, key="m"), {f"/supplies/orders/{others}"}),
        (
            "count",
            lambda: stock.count(
                d,
                KEEPER,
                {"depot_id": "d1", "checker": "李", "lines": [{"lot_id": LOT, "counted": "70", "reason": "点"}]},
                key="n",
            ),
            {"/supplies/depots/d1", "/supplies/handover"},
        ),
        (
            "state",
            lambda: stock.change_status(
                d, KEEPER, {"depot_id": "d1", "lot_id": LOT, "status": "quarantined", "reason": "潮"}, key="o"
            ),
            {"/supplies/depots/d1"},
        ),
        (
            "goods in",
            lambda: stock.take_in(
                d,
                KEEPER,
                {
                    "depot_id": "d1",
                    "reason": "买",
                    "lines": [{"item_id": "quilt", "lot": "N", "quantity": "9", "expires_on": "2026-07-20"}],
                },
                key="p",
            ),
            {"/supplies/lists/expiring", "/supplies/depots/d1/count", "/supplies/lots?lot=quilt"},
        ),
        (
            "reading",
            lambda: readings.report(
                d, KEEPER, {"device": "t1", "readings": [{"measured_utc": NOW.isoformat(), "value": 1}]}
            ),
            {"/supplies", "/supplies/lists/alarms"},
        ),
        (
            "depot",
            lambda: sql("UPDATE depot SET name = '新名' WHERE id = 'd1'"),
            {"/supplies/depots", f"/supplies/orders/{order}"},
        ),
        (
            "item",
            lambda: sql("UPDATE item SET name = '被' WHERE id = 'quilt'"),
            {"/supplies/depots/d1/in", "/supplies/lists/low"},
        ),
        ("level", lambda: sql("UPDATE stock_level SET minimum_e3 = 500000"), {"/supplies/lists/low"}),
        (
            "standard",
            lambda: sql("UPDATE relief_standard SET quantity_e3 = quantity_e3 * 2"),
            {"/supplies/needs?affected=500&evacuated=90&days=2"},
        ),
    ]
    for name, change, expected in steps:
        changed, heard = watched.after(change)
        assert changed - heard == set(), f"{name} changes pages that are not told of it"
        assert expected <= changed, name


def test_what_happens_to_one_order_is_no_news_to_another(own_town: District) -> None:
    town = stock_up(own_town)
    made = [
        supplies.post_by_telephone(
            town, ONE, {**REQUEST, "needs": [{"item_id": "quilt", "quantity": "70"}]}, key=str(k)
        )
        for k in range(1)
    ]
    first, second = order_ids(town, made[0]["id"])
    for k, order in enumerate((first, second)):
        supplies.issue(town, ONE, order, {}, key=f"i{k}")
    watched = Watched(
        create_app(Settings(), "", district=town), town, [f"/supplies/orders/{o}" for o in (first, second)]
    )
    _, heard = watched.after(lambda: supplies.depart(town, ONE, first, {}, key="d"))
    assert heard == {f"/supplies/orders/{first}"}


def test_the_answer_to_a_form_is_followed_from_its_page(own_town: District) -> None:
    town = stock_up(own_town)
    desk = browser(create_app(Settings(), "", district=town), "dispatcher")
    order = supplies.post_by_telephone(town, ONE, REQUEST, key="1")["orders"][0]["id"]
    text = post(desk, f"/supplies/orders/{order}/cancel", 422, {"key": "k", "reason": " "})
    assert config_of(text)["page"]["address"] == f"/supplies/orders/{order}"
    assert 'name="key" value=' in text
    assert "data-typed" in text
    asked = {"key": "k", "affected": "50", "evacuated": "9", "days": "2", "item_id.0": "quilt", "quantity.0": "5"}
    address = config_of(post(desk, "/supplies/needs", 422, asked))["page"]["address"]
    assert address == "/supplies/needs?affected=50&evacuated=9&days=2"
    assert "data-typed" not in page(desk, address)


@pytest.mark.parametrize("role", ["dispatcher", "keeper", "planner", "administrator"])
def test_every_name_that_a_page_follows_is_one_that_its_reader_is_told_of(own_town: District, role: Any) -> None:
    desk = browser(create_app(Settings(), "", district=own_town), role)
    for path in ("/supplies", "/supplies/handover", "/supplies/kpis", "/supplies/depots/d1", "/supplies/needs"):
        told = changes.told(
            dict.fromkeys([*changes.SUPPLY_TABLES, *changes.NAMED_TABLES, "depot", "agreement", "closure"]), role
        )
        follows = config_of(page(desk, path))["page"]["follows"]
        assert follows
        assert set(follows) <= {*told["layers"], *told["tables"]}, path


def test_every_form_is_answered_with_the_address_of_its_page(own_town: District) -> None:
    """Whatever form is refused: its page is fetched again from an address that is there."""
    town = stock_up(own_town)
    app = create_app(Settings(), "", district=town)
    desk = browser(app, "administrator")
    order = supplies.post_by_telephone(town, ONE, REQUEST, key="1")["orders"][0]
    values = {"order_id": order["id"], "request_id": order["request_id"], "depot_id": "d1"}
    posted = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/supplies") and "POST" in rule.methods]
    assert len(posted) > 15
    answered = 0
    for rule in posted:
        path = rule.rule
        for name, value in values.items():
            path = path.replace(f"<{name}>", value)
        response = desk.post(path, data={"key": f"k{answered}", "lot": LOT}, headers={"Accept": "text/html"})
        if response.status_code < 400:
            continue
        answered += 1
        address = config_of(response.get_data(as_text=True))["page"]["address"]
        assert address, path
        assert '<div id="live">' in page(desk, address), path
    assert answered > 10
