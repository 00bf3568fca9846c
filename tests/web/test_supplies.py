"""Supplies over the API: from the reservation to the settlement, once each, by whom it is permitted."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from data import audit, ledger
from data.settings import Settings
from layers.district import District
from layers.layer import Role
from tests.layers.conftest import NOW, lonlat
from tests.web.conftest import Browser, browser
from web import create_app

_KEYS = iter(range(10**9))


@pytest.fixture
def district(own_town: District) -> Iterator[District]:
    yield own_town
    with own_town.store.reading() as conn:
        assert ledger.verify(conn) == []
        assert audit.verify(conn)[2] is None


@pytest.fixture
def app(district: District) -> Flask:
    return create_app(Settings(), "", district=district)


@pytest.fixture
def dispatcher(app: Flask) -> Browser:
    return browser(app, "dispatcher")


def post(who: Browser, path: str, body: dict[str, Any] | None = None, key: str | None = None) -> Any:
    headers = {"Idempotency-Key": key or f"k{next(_KEYS)}"}
    return who.post(f"/api/v1/{path}", json=body or {}, headers=headers)


def wanted(**changes: Any) -> dict[str, Any]:
    return {
        "to": list(lonlat(2.0, 1.0)),
        "unit": "street office",
        "place": "pumping station",
        "contact": "duty officer",
        "needs": [{"item_id": "quilt", "quantity": 5}],
        "lines": [{"depot_id": "d1", "item_id": "quilt", "lot": first_lot("d1"), "quantity": 5}],
        **changes,
    }


def first_lot(depot: str) -> str:
    """The lot of the depot that goes first."""
    return {"d1": "A", "d2": "A"}[depot]


def good(response: Any) -> Any:
    assert response.status_code == 200, response.get_json()
    return response.get_json()


def test_the_whole_way_of_an_order(district: District, dispatcher: Browser) -> None:
    request = good(post(dispatcher, "supplies/requests", wanted()))
    (order,) = request["orders"]
    assert (order["state"], order["depot_id"], order["lines"][0]["reserved"]) == ("reserved", "d1", 5)
    assert good(post(dispatcher, f"supplies/requests/{request['id']}/renew"))["orders"][0]["expires_utc"]
    assert good(post(dispatcher, f"supplies/requests/{request['id']}/order"))["orders"][0]["state"] == "ordered"
    path = f"supplies/orders/{order['id']}"
    lot = order["lines"][0]["lot_id"]
    assert good(post(dispatcher, f"{path}/issue"))["state"] == "issued"
    moving = good(post(dispatcher, f"{path}/depart"))
    assert moving["state"] == "in_transit"
    assert moving["eta_utc"] > moving["departed_utc"]
    assert moving["distance_m"] > 0
    lines = [{"lot_id": lot, "received": 2, "damaged": 1, "missing": 1}]
    assert good(post(dispatcher, f"{path}/receive", {"lines": lines}))["state"] == "partly_received"
    refused = post(dispatcher, f"{path}/settle")
    assert refused.status_code == 409
    assert good(post(dispatcher, f"{path}/receive", {"lines": [{"lot_id": lot, "received": 1}]}))["state"] == "received"
    good(post(dispatcher, f"{path}/use", {"lines": [{"lot_id": lot, "quantity": 2}]}))
    good(post(dispatcher, f"{path}/return", {"lines": [{"lot_id": lot, "quantity": 1}]}))
    done = good(post(dispatcher, f"{path}/settle"))
    assert done["state"] == "settled"
    (line,) = done["lines"]
    assert {name: line[name] for name in ("issued", "received", "damaged", "missing", "used", "returned")} == {
        "issued": 5,
        "received": 3,
        "damaged": 1,
        "missing": 1,
        "used": 2,
        "returned": 1,
    }
    shown = good(dispatcher.get(f"/api/v1/supplies/requests/{request['id']}"))
    assert [row["outstanding"] for row in shown["lines"]] == [2]
    assert len(good(dispatcher.get(f"/api/v1/{path}/trace"))) >= 8
    assert good(dispatcher.get("/api/v1/supplies/trace", query_string={"lot": lot}))
    assert good(dispatcher.get("/api/v1/supplies/orders")) == []
    with district.store.reading() as conn:
        entries = audit.entries(conn)
    assert {entry.actor for entry in entries if entry.action.startswith("supplies.")} == {"test-dispatcher"}
    assert any(entry.outcome == "refused" and entry.action == "supplies.settle" for entry in entries)


def test_the_same_request_twice_happens_once(district: District, dispatcher: Browser) -> None:
    first = good(post(dispatcher, "supplies/requests", wanted(), key="twice"))
    again = good(post(dispatcher, "supplies/requests", wanted(), key="twice"))
    assert again == first
    other = post(dispatcher, "supplies/requests", wanted(unit="another"), key="twice")
    assert other.status_code == 409
    assert "another request" in other.get_json()["detail"]
    frame = district.store.frame("supply_order")
    assert len(frame) == 1


def test_a_change_without_a_key_is_refused(dispatcher: Browser) -> None:
    found = dispatcher.post("/api/v1/supplies/requests", json=wanted())
    assert found.status_code == 422
    assert "Idempotency-Key" in found.get_json()["detail"]


def test_more_than_is_there_is_a_conflict_and_binds_nothing(district: District, dispatcher: Browser) -> None:
    before = district.store.frame("lot")["reserved_e3"].tolist()
    body = wanted(
        needs=[{"item_id": "quilt", "quantity": 100_000}],
        lines=[{"depot_id": "d1", "item_id": "quilt", "lot": first_lot("d1"), "quantity": 100_000}],
    )
    refused = post(dispatcher, "supplies/requests", body)
    assert refused.status_code == 409
    assert "available" in refused.get_json()["detail"]
    assert district.store.frame("lot")["reserved_e3"].tolist() == before
    assert len(district.store.frame("supply_request")) == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"to": [32.0, 120.0]}, "swapped"),
        ({"to": [120.0]}, "to"),
        ({"unit": ""}, "unit"),
        ({"lines": []}, "lines"),
        ({"needs": [{"item_id": "quilt", "quantity": "many"}]}, "needs.quantity=many"),
        ({"needs": [{"item_id": "quilt", "quantity": 0.0001}]}, "3 decimals"),
        ({"deadline": "soon"}, "a time such as"),
        ({"price": 5}, "price is not known"),
        ({"lines": [{"depot_id": "d1", "item_id": "quilt", "lot": "nowhere", "quantity": 1}]}, "nowhere"),
    ],
)
def test_bad_requests_name_field_and_value(dispatcher: Browser, change: dict[str, Any], words: str) -> None:
    found = post(dispatcher, "supplies/requests", wanted(**change))
    assert found.status_code in (404, 422)
    assert words in found.get_json()["detail"]


@pytest.mark.parametrize("role", ["viewer", "planner", "keeper"])
def test_who_may_not_reserve_is_refused_and_noted(app: Flask, district: District, role: Role) -> None:
    found = post(browser(app, role), "supplies/requests", wanted())
    assert found.status_code == 403
    with district.store.reading() as conn:
        assert any(entry.outcome == "refused" and entry.actor == f"test-{role}" for entry in audit.entries(conn))
    assert len(district.store.frame("supply_request")) == 0


def test_a_keeper_issues_at_the_own_depot_only(app: Flask, dispatcher: Browser) -> None:
    keeper = browser(app, "keeper")  # of d1
    for depot, status in (("d1", 200), ("d2", 403)):
        lines = [{"depot_id": depot, "item_id": "quilt", "lot": first_lot(depot), "quantity": 1}]
        body = wanted(needs=[{"item_id": "quilt", "quantity": 1}], lines=lines)
        request = good(post(dispatcher, "supplies/requests", body))
        good(post(dispatcher, f"supplies/requests/{request['id']}/order"))
        order = request["orders"][0]["id"]
        assert post(keeper, f"supplies/orders/{order}/issue").status_code == status
    count = {
        "depot_id": "d2",
        "checker": "neighbour",
        "lines": [{"lot_id": f"d2/quilt/{first_lot('d2')}", "counted": 1}],
    }
    assert post(keeper, "stock/counts", count).status_code == 403


def test_by_telephone_the_papers_come_later(dispatcher: Browser) -> None:
    request = good(post(dispatcher, "supplies/telephone", wanted()))
    assert request["orders"][0]["state"] == "ordered"
    assert request["papers_due_utc"] > request["created_utc"]
    done = good(post(dispatcher, f"supplies/requests/{request['id']}/papers", {"papers": "No. 7"}))
    assert done["papers"] == "No. 7"
    assert post(dispatcher, f"supplies/requests/{request['id']}/papers", {"papers": "No. 8"}).status_code == 409


def test_the_keeper_takes_in_counts_holds_and_writes_off(app: Flask, district: District) -> None:
    keeper = browser(app, "keeper")
    taken = {"depot_id": "d1", "lines": [{"item_id": "pump", "lot": "new", "quantity": "10"}]}
    good(post(keeper, "stock/receipts", taken))
    lot = "d1/pump/new"
    short = {"depot_id": "d1", "checker": "neighbour", "lines": [{"lot_id": lot, "counted": 8}]}
    assert "reason" in post(keeper, "stock/counts", short).get_json()["detail"]
    short["lines"][0]["reason"] = "two are broken"  # type: ignore[index]
    assert good(post(keeper, "stock/counts", short))["lines"][0]["difference"] == -2
    aside = {"depot_id": "d1", "lot_id": lot, "what": "hold", "quantity": 3, "reason": "to be looked at"}
    assert good(post(keeper, "stock/aside", aside))["available"] == 5
    off = {**aside, "what": "write_off", "quantity": 1, "cause": "damaged", "held": True}
    assert good(post(keeper, "stock/aside", off))["on_hand"] == 7
    state = {"depot_id": "d1", "lot_id": lot, "status": "quarantined", "reason": "recall rumoured"}
    assert good(post(keeper, "stock/states", state))["status"] == "quarantined"
    row = district.store.frame("lot", where={"id": lot}).iloc[0]
    assert (row["on_hand_e3"], row["on_hold_e3"], row["status"]) == (7_000, 2_000, "quarantined")


def test_a_recall_says_where_the_same_goods_are_and_a_dispatcher_recalls_them_all(
    app: Flask, dispatcher: Browser, district: District
) -> None:
    keeper = browser(app, "keeper")
    order = good(post(dispatcher, "supplies/requests", wanted()))["orders"][0]["id"]
    state = {"depot_id": "d1", "lot_id": "d1/quilt/A", "status": "recalled", "reason": "letter"}
    one, other = good(post(keeper, "stock/states", state))["same_goods"]
    assert (one["lot_id"], one["status"], order in one["orders"]) == ("d1/quilt/A", "recalled", True)
    assert (other["lot_id"], other["status"], other["depot_name"]) == ("d2/quilt/A", "usable", "东库")
    everywhere = {"lot_id": "d1/quilt/A", "status": "recalled", "reason": "letter"}
    assert post(keeper, "stock/recalls", everywhere).status_code == 403
    assert post(dispatcher, "stock/recalls", {**everywhere, "status": "damaged"}).status_code == 422
    found = good(post(dispatcher, "stock/recalls", everywhere))
    assert found["changed"] == ["d2/quilt/A"]
    assert [lot["status"] for lot in found["lots"]] == ["recalled", "recalled"]
    again = post(dispatcher, "stock/recalls", everywhere)
    assert again.status_code == 409
    assert set(district.store.frame("lot", where={"lot": "A", "item_id": "quilt"})["status"]) == {"recalled"}


def test_orders_and_requests_are_layers_for_staff_only(app: Flask, dispatcher: Browser) -> None:
    request = good(post(dispatcher, "supplies/requests", wanted()))
    for layer in ("supply_orders", "supply_requests"):
        found = good(dispatcher.get(f"/api/v1/layers/{layer}.geojson"))
        assert [f["properties"]["state"] for f in found["features"]] == ["reserved"]
        assert browser(app, "viewer").get(f"/api/v1/layers/{layer}.geojson").status_code == 404
    assert good(dispatcher.get(f"/api/v1/supplies/requests/{request['id']}"))["number"] == request["number"]


def test_the_waybill_is_a_pdf(dispatcher: Browser) -> None:
    order = good(post(dispatcher, "supplies/requests", wanted()))["orders"][0]["id"]
    found = dispatcher.get(f"/api/v1/supplies/orders/{order}/waybill.pdf")
    assert found.status_code == 200
    assert found.mimetype == "application/pdf"
    assert found.data.startswith(b"%PDF-")


def test_balances_as_true_and_as_known(dispatcher: Browser, district: District) -> None:
    good(post(dispatcher, "supplies/requests", wanted()))

    def quantities(**query: str) -> dict[str, float]:
        rows = good(dispatcher.get("/api/v1/stock/balances", query_string={"item": "quilt", "depot": "d1", **query}))
        return {f"{row['lot']} {row['account']} {row['order'] or ''}".strip(): row["quantity"] for row in rows["rows"]}

    order = district.store.frame("supply_order")["id"].item()
    now = quantities()
    assert now == {"A depot": 65, "A reserved": 30, f"A reserved {order}": 5, "B depot": 50}
    moment = NOW.isoformat()
    before = (NOW - timedelta(milliseconds=1)).isoformat()
    assert quantities(true_at=moment, known_at=moment) == now
    assert quantities(true_at=before) == quantities(known_at=before) == {}
    assert dispatcher.get("/api/v1/stock/balances?item=x").status_code == 404


def test_the_way_of_an_order_and_of_a_lot_stays_on_the_map_when_the_order_is_closed(dispatcher: Browser) -> None:
    request = good(post(dispatcher, "supplies/telephone", wanted()))
    order = request["orders"][0]["id"]
    lot = request["orders"][0]["lines"][0]["lot_id"]

    def way(**query: str) -> list[Any]:
        return list(good(dispatcher.get("/api/v1/supplies/trace/way", query_string=query))["features"])

    (planned,) = way(order=order)
    assert (planned["properties"]["is_straight"], len(planned["geometry"]["coordinates"])) == (True, 2)
    assert way(lot=lot) == [], "nothing of it was sent out"
    path = f"supplies/orders/{order}"
    for step in ("issue", "depart"):
        good(post(dispatcher, f"{path}/{step}"))
    good(post(dispatcher, f"{path}/receive", {"lines": [{"lot_id": lot, "received": 5}]}))
    good(post(dispatcher, f"{path}/use", {"lines": [{"lot_id": lot, "quantity": 5}]}))
    assert good(post(dispatcher, f"{path}/settle"))["state"] == "settled"
    (driven,) = way(order=order)
    assert driven["properties"] == {**planned["properties"], "state": "settled", "is_straight": False}
    assert len(driven["geometry"]["coordinates"]) > 2
    assert way(lot=lot) == [driven]
    assert f'href="/?order={order}"' in dispatcher.get(f"/supplies/orders/{order}").get_data(as_text=True)
    assert 'href="/?lot=d1' in dispatcher.get(f"/supplies/lots?lot={lot}").get_data(as_text=True)
    for query, status in (({}, 422), ({"order": order, "lot": lot}, 422), ({"order": "x"}, 404), ({"lot": "x"}, 404)):
        assert dispatcher.get("/api/v1/supplies/trace/way", query_string=query).status_code == status
