"""Steps told late, the rest planned again, vehicles that change, reversals: over the API and on the pages."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from data import audit, ledger, schema
from data.settings import Settings
from layers.analyses import dispatch
from layers.district import District
from layers.layer import Role
from tests.layers.conftest import NOW, Clock
from tests.web.conftest import PASSWORD, Browser, browser
from tests.web.test_board import LOT, hidden, order_of, page, send, stock
from tests.web.test_board import post as post_form
from tests.web.test_supplies import good, post, wanted
from web import create_app


@pytest.fixture
def district(own_town: District, clock: Clock) -> Any:
    town = stock(District(own_town.store, clock=clock))
    yield town
    with town.store.reading() as conn:
        assert ledger.verify(conn) == []
        assert audit.verify(conn)[2] is None


@pytest.fixture
def app(district: District) -> Flask:
    return create_app(Settings(), "", district=district)


@pytest.fixture
def desk(app: Flask) -> Browser:
    return browser(app, "dispatcher")


def utc(moment: datetime) -> str:
    return schema.utc_text(moment.astimezone(UTC))


def ordered(desk: Browser, **changes: Any) -> str:
    """The address of an order of 5 that is to be issued."""
    request = good(post(desk, "supplies/telephone", wanted(**changes)))
    return f"supplies/orders/{request['orders'][0]['id']}"


def sent(desk: Browser, **changes: Any) -> str:
    path = ordered(desk, **changes)
    good(post(desk, f"{path}/issue"))
    good(post(desk, f"{path}/depart"))
    return path


def movement(desk: Browser, path: str, kind: str) -> str:
    """The id of the last movement of a kind of an order or a lot, as its trace says."""
    rows = good(desk.get(f"/api/v1/{path}"))
    return str([row["id"] for row in rows if row["what"] == "movement" and row["action"] == kind][-1])


def refused(response: Any, status: int) -> str:
    assert response.status_code == status, response.get_json()
    return str(response.get_json()["detail"])


# -- the rest of a request


def test_what_is_outstanding_is_reserved_for_the_same_request(desk: Browser) -> None:
    path = sent(desk)
    order = good(desk.get(f"/api/v1/{path}"))
    again = f"supplies/requests/{order['request_id']}/again"
    assert "nothing of it is outstanding" in refused(post(desk, again), 409)
    good(post(desk, f"{path}/receive", {"lines": [{"lot_id": LOT, "received": 3, "missing": 2}]}))
    other = {"depot_id": "d2", "item_id": "quilt", "lot": "A", "quantity": 1}
    mine = good(post(desk, again, {"lines": [other]}))
    assert [(line["received"], line["bound"], line["outstanding"]) for line in mine["lines"]] == [(3, 1, 1)]
    assert mine["orders"][1]["depot_id"] == "d2"
    planned = good(post(desk, again, key="again"))
    assert planned["id"] == order["request_id"]
    assert [(line["received"], line["bound"], line["outstanding"]) for line in planned["lines"]] == [(3, 2, 0)]
    assert good(post(desk, again, key="again")) == planned, "the same request twice happens once"
    assert "more" not in refused(post(desk, again, {"lines": [other]}), 409)


def test_a_request_that_is_planned_is_answered_once_whatever_the_stock_is_since(
    desk: Browser, district: District
) -> None:
    """The plan would be another one the second time; the answer is that of the first."""
    form = {"unit": "甲", "place": "东村", "contact": "乙", "key": "twice"}
    lines = {"item_id.0": "quilt", "quantity.0": "250", "specification.0": ""}
    first = post_form(desk, "/supplies/needs", 303, {**form, **lines})
    assert post_form(desk, "/supplies/needs", 303, {**form, **lines}) == first
    assert len(district.store.frame("supply_request")) == 1


def test_what_went_bad_is_not_ordered_on_the_page_either(desk: Browser, app: Flask) -> None:
    request = good(post(desk, "supplies/requests", wanted()))
    admin = browser(app, "administrator")
    state = {"depot_id": "d1", "lot_id": LOT, "status": "recalled", "reason": "letter"}
    good(post(admin, "stock/states", state))
    where, order = f"/supplies/requests/{request['id']}", request["orders"][0]["id"]
    assert f"lot {LOT} of order {order}: it is recalled" in refused(
        post(desk, f"supplies/requests/{request['id']}/order"), 409
    )
    text = send(desk, where, f"{where}/order", 409)
    assert f"没有下单: 批次 {LOT} 是“召回”。先取消 {order}, 再在这张需求单上另排方案预留。" in text


# -- told late


def test_every_step_in_the_world_may_be_told_late(desk: Browser, clock: Clock) -> None:
    path = ordered(desk)
    clock.go_on(hours=5)
    desk.log_in("dispatcher")
    lines = {"lines": [{"lot_id": LOT, "quantity": 1}]}
    steps: tuple[tuple[str, dict[str, Any]], ...] = (
        ("issue", {}),
        ("depart", {}),
        ("lost", {"reason": "no radio"}),
        ("found", {"reason": "it called"}),
        ("receive", {"lines": [{"lot_id": LOT, "received": 5}]}),
        ("use", lines),
        ("send_back", lines),
        ("return", lines),
    )
    for k, (step, body) in enumerate(steps, start=1):
        occurred = utc(NOW + timedelta(minutes=10 * k))
        told = good(post(desk, f"{path}/{step}", {**body, "occurred": occurred}))["events"][-1]
        assert (told["occurred_utc"], told["recorded_utc"]) == (occurred, utc(clock.now)), step
    order = good(desk.get(f"/api/v1/{path}"))
    assert order["departed_utc"] == utc(NOW + timedelta(minutes=20))
    left, eta = (datetime.fromisoformat(order[name]) for name in ("departed_utc", "eta_utc"))
    assert abs(eta - left - timedelta(seconds=order["travel_s"])) < timedelta(milliseconds=2)
    future = {**lines, "occurred": utc(clock.now + timedelta(seconds=1))}
    assert "after the time of recording" in refused(post(desk, f"{path}/use", future), 422)
    early = {**lines, "occurred": utc(NOW + timedelta(minutes=49))}
    said = refused(post(desk, f"{path}/use", early), 409)
    assert f"would have left -1 in incident of order {path.split('/')[-1]} at {early['occurred']}" in said


def test_a_load_without_a_device_keeps_its_time_of_arrival(desk: Browser, district: District, clock: Clock) -> None:
    """Time goes by, the roads do not change: there is no news, until it is late."""
    from layers.actions import supplies

    path = sent(desk)
    order = good(desk.get(f"/api/v1/{path}"))
    eta = datetime.fromisoformat(order["eta_utc"])
    clock.now = NOW + (eta - NOW) / 2
    assert supplies.tend(district)["arrivals"] == []
    clock.now = eta
    assert supplies.tend(district)["arrivals"] == [], "at that very moment it is on time"
    clock.go_on(milliseconds=1)
    assert supplies.tend(district)["arrivals"] == [order["id"]]
    late = good(desk.get(f"/api/v1/{path}"))
    assert (late["state"], late["eta_utc"]) == ("late", order["eta_utc"])
    clock.go_on(hours=1)
    assert supplies.tend(district)["arrivals"] == []


def test_stock_told_late_on_the_page_and_over_the_api(app: Flask, district: District, clock: Clock) -> None:
    clock.go_on(hours=2)
    keeper = browser(app, "keeper")
    then = NOW + timedelta(hours=1)
    local = f"{then.astimezone(district.timezone):%Y-%m-%dT%H:%M}"
    goods = {"item_id": "quilt", "lot": "late", "quantity": 7}
    good(post(keeper, "stock/receipts", {"depot_id": "d1", "occurred": utc(then), "lines": [goods]}))
    row = {"item_id.0": "quilt", "lot.0": "late", "quantity.0": "5", "reason": "单 7", "occurred": local}
    send(keeper, "/supplies/depots/d1/in", "/supplies/depots/d1/in", **row)
    with district.store.reading() as conn:
        booked = [
            (row["quantity"], row["occurred_utc"], row["recorded_utc"])
            for row in good(keeper.get("/api/v1/supplies/trace?lot=d1/quilt/late"))
        ]
        assert booked == [(n, utc(then), utc(clock.now)) for n in (7, 5)]
        was = ledger.balances(conn, true_at=then - timedelta(milliseconds=1), lot_ids=["d1/quilt/late"])
    assert was.empty
    clock.go_on(hours=1)
    keeper.log_in("keeper")
    good(post(keeper, "stock/aside", {**OFF, "lot_id": "d1/quilt/late", "quantity": 2}))
    # Twelve lay there then, ten do now: a count of then finds what lay there then.
    count = {"depot_id": "d1", "checker": "李", "occurred": utc(then + timedelta(hours=1))}
    early = {**count, "occurred": utc(then), "lines": [{"lot_id": "d1/quilt/late", "counted": 1, "reason": "x"}]}
    assert "11 asked from depot, only 10 there" in refused(post(keeper, "stock/counts", early), 409)
    found = good(post(keeper, "stock/counts", {**count, "lines": [{"lot_id": "d1/quilt/late", "counted": 12}]}))
    assert found["lines"][0]["difference"] == 0
    assert f"was counted at {count['occurred']}, after" in refused(post(keeper, "stock/counts", early), 409)
    row = {"item_id.0": "quilt", "lot.0": "late", "quantity.0": "5", "reason": "单 8", "occurred": local}
    text = send(keeper, "/supplies/depots/d1/in", "/supplies/depots/d1/in", 409, **row)
    assert "批次 d1/quilt/late 在" in text
    assert "以盘点为准" in text
    where = "/supplies/depots/d1/count"
    fields = hidden(page(keeper, where), where)
    at = next(name for name, value in fields.items() if value == "d1/quilt/late").replace("lot_id", "counted")
    form = {**fields, at: "12", "checker": "李", "occurred": local}
    assert post_form(keeper, where, 303, form).endswith("done=count"), "it is held against what lay there then"
    text = post_form(keeper, where, 422, {**form, "key": "n", at: "10"})
    assert "与账面不符" in text
    assert len(district.store.frame("stock_count")) == 2


OFF = {"depot_id": "d1", "what": "write_off", "cause": "damaged", "reason": "torn"}


# -- two persons count


@pytest.mark.parametrize(
    ("checker", "said"),
    [
        ("", "checker is empty; a count takes two persons"),
        ("test-keeper", "checker=test-keeper: expected somebody else"),
        ("Test-Keeper ", "expected somebody else"),
        ("测试keeper", "expected somebody else"),  # the name of the account, without its blank
    ],
)
def test_who_counts_does_not_check(app: Flask, district: District, checker: str, said: str) -> None:
    keeper = browser(app, "keeper")
    body = {"depot_id": "d1", "checker": checker, "lines": [{"lot_id": LOT, "counted": 100}]}
    assert said in refused(post(keeper, "stock/counts", body), 422)
    where = "/supplies/depots/d1/count"
    fields = hidden(page(keeper, where), where)
    at = next(name for name, value in fields.items() if value == LOT).replace("lot_id", "counted")
    text = post_form(keeper, where, 422, {**fields, at: "100", "checker": checker})
    assert ("复核人没有填" if not checker else "复核人不能是盘点人本人") in text
    assert len(district.store.frame("stock_count")) == 0
    del body["checker"]
    assert "checker: is missing" in refused(post(keeper, "stock/counts", body), 422)


# -- quantities in the unit of the item


def test_a_negative_quantity_is_refused_in_the_unit_of_the_item(app: Flask, desk: Browser) -> None:
    admin = browser(app, "administrator")
    path = sent(desk)
    goods = {"item_id": "quilt", "lot": "x", "quantity": -1}
    asked: tuple[tuple[str, dict[str, Any]], ...] = (
        (f"{path}/receive", {"lines": [{"lot_id": LOT, "received": -1}]}),
        (f"{path}/receive", {"lines": [{"lot_id": LOT, "received": 1, "damaged": -1}]}),
        (f"{path}/send_back", {"lines": [{"lot_id": LOT, "quantity": -1}]}),
        (f"{path}/return", {"lines": [{"lot_id": LOT, "quantity": -1}]}),
        ("supplies/requests", wanted(needs=[{"item_id": "quilt", "quantity": -1}])),
        ("supplies/requests", wanted(lines=[{"depot_id": "d1", "item_id": "quilt", "lot": "A", "quantity": -1}])),
        ("stock/receipts", {"depot_id": "d1", "lines": [goods]}),
        ("stock/counts", {"depot_id": "d1", "checker": "李", "lines": [{"lot_id": LOT, "counted": -1}]}),
        ("stock/aside", {**OFF, "lot_id": LOT, "quantity": -1}),
        ("stock/aside", {**OFF, "lot_id": LOT, "what": "hold", "quantity": -1}),
    )
    for where, body in asked:
        said = refused(post(admin, where, body), 422)
        assert "=-1: expected " in said, (where, said)
        assert "1000" not in said.replace("1000000000", ""), (where, said)
        assert "_e3" not in said
    picks = {"picks": [{"lot_id": LOT, "quantity": -1}]}
    assert "quantity=-1: expected more than 0" in refused(post(admin, f"{ordered(desk)}/issue", picks), 422)
    good(post(desk, f"{path}/receive", {"lines": [{"lot_id": LOT, "received": 5}]}))
    use = {"lines": [{"lot_id": LOT, "quantity": -1.5}]}
    assert "quantity=-1.5: expected more than 0" in refused(post(desk, f"{path}/use", use), 422)


# -- vehicles and the way back


def test_the_vehicle_is_chosen_or_changed_at_the_departure(desk: Browser, district: District) -> None:
    path = ordered(desk)
    good(post(desk, f"{path}/issue"))
    assert "no vehicle 'v9'" in refused(post(desk, f"{path}/depart", {"vehicle_id": "v9"}), 404)
    left = good(post(desk, f"{path}/depart", {"vehicle_id": "v1", "phone": "139"}))
    assert (left["vehicle_name"], left["driver"], left["phone"]) == ("苏F00001", "驾驶员甲", "139")
    assert left["events"][-1]["details"]["vehicle_id"] == "v1"
    other = ordered(desk)
    good(post(desk, f"{other}/issue", {"vehicle_id": "v1"}))
    at = f"/supplies/orders/{other.split('/')[-1]}"
    text = page(desk, at)
    assert '<option value="v1" selected>' in text.split('id="step-depart"')[1]
    send(desk, at, f"{at}/depart", vehicle_id="", driver="苏F99999 驾驶员乙")
    left = order_of(district, other.split("/")[-1])
    assert (left["state"], left["vehicle_id"], left["driver"]) == ("in_transit", None, "苏F99999 驾驶员乙")


def test_on_its_way_back_on_the_page(desk: Browser, district: District) -> None:
    path = sent(desk)
    order = path.split("/")[-1]
    at = f"/supplies/orders/{order}"
    good(post(desk, f"{path}/receive", {"lines": [{"lot_id": LOT, "received": 5}]}))
    send(desk, at, f"{at}/send_back", **{"quantity.0": "2", "damaged.0": "1"})
    found = order_of(district, order)
    assert [found["lines"][0][name] for name in ("at_place", "coming_back")] == [2, 3]
    text = page(desk, at)
    assert "结清" not in text.split('id="h-pieces"')[0], "something is on its way"
    assert "退回 3, 但在外只有 2" in send(desk, at, f"{at}/send_back", 409, **{"quantity.0": "3"})
    send(desk, at, f"{at}/return", **{"quantity.0": "4", "damaged.0": "1", "to_depot_id": "d1"})
    assert "step-send_back" not in page(desk, at), "nothing is out any more"
    send(desk, at, f"{at}/settle")
    assert order_of(district, order)["state"] == "settled"


# -- who settles


def test_the_receiving_depot_settles_and_a_third_one_does_not(app: Flask, desk: Browser, district: District) -> None:
    from layers.actions.accounts import COMMAND_LINE, add_account
    from tests.layers.conftest import STAMP, frames

    third = frames()["depot"].iloc[[1]].assign(id="d3", name="三库")
    with district.store.writing() as conn:
        district.store.upsert(conn, "depot", third, **STAMP)
    for depot in ("d2", "d3"):
        add_account(
            district,
            COMMAND_LINE,
            f"of-{depot}",
            name=f"库管 {depot}",
            role="keeper",
            password=PASSWORD,
            depot_id=depot,
            must_change=False,
        )
    path = sent(desk, to_depot_id="d2")

    def keeper(depot: str) -> Browser:
        from data import accounts

        with district.store.writing() as conn:
            secret = accounts.open_session(conn, f"of-{depot}", address="127.0.0.1", now_utc=district.now())
        found = browser(app, None)
        with found.session_transaction(base_url="http://localhost") as kept:
            kept["secret"] = secret
        return found

    sender, receiver, stranger = browser(app, "keeper"), keeper("d2"), keeper("d3")
    receipt = {"lines": [{"lot_id": LOT, "received": 5}]}
    for who in (sender, stranger):
        assert "may do this only at" in refused(post(who, f"{path}/receive", receipt), 403)
    good(post(receiver, f"{path}/receive", receipt))
    for who in (sender, stranger):
        assert "may do this only at" in refused(post(who, f"{path}/settle"), 403)
    at = f"/supplies/orders/{path.split('/')[-1]}"
    assert ['id="step-settle"' in page(who, at) for who in (sender, receiver, stranger)] == [False, True, False]
    undone = {"movement_id": movement(desk, f"{path}/trace", "delivery"), "reason": "typed wrongly"}
    assert ['name="movement_id"' in page(who, at) for who in (sender, receiver, stranger)] == [False, True, False]
    for who in (sender, stranger):
        assert "may do this only at" in refused(post(who, f"{path}/reverse", undone), 403)
    assert good(post(receiver, f"{path}/reverse", undone))["state"] == "in_transit"
    good(post(receiver, f"{path}/receive", receipt))
    assert good(post(receiver, f"{path}/settle"))["state"] == "settled"


# -- undone by hand


def test_what_was_booked_of_the_stock_is_reversed_on_the_page_of_its_lot(app: Flask, district: District) -> None:
    keeper = browser(app, "keeper")
    good(
        post(
            keeper,
            "stock/receipts",
            {"depot_id": "d1", "lines": [{"item_id": "quilt", "lot": "A", "quantity": 9}]},
        )
    )
    booked = movement(keeper, f"supplies/trace?lot={LOT}", "receipt")
    where = f"/supplies/lots?lot={LOT}"
    text = page(keeper, where)
    assert f'value="{booked}"' in text
    fields = {"key": "r", "movement_id": booked, "lot": LOT, "reason": ""}
    typed = post_form(keeper, "/supplies/lots/reverse", 422, fields)
    assert "原因没有填" in typed
    assert LOT in typed
    target = post_form(keeper, "/supplies/lots/reverse", 303, {**fields, "reason": "登错了"})
    assert post_form(keeper, "/supplies/lots/reverse", 303, {**fields, "reason": "登错了"}) == target, "once"
    after = page(keeper, target)
    assert "已冲销" in after
    assert "冲销 (入库)" in after
    assert "登错了" in after
    assert f'value="{booked}"' not in after
    again = post_form(keeper, "/supplies/lots/reverse", 409, {**fields, "key": "s", "reason": "又一次"})
    assert "这一笔已经冲销过了" in again
    with district.store.reading() as conn:
        done, *_ = [
            entry for entry in audit.entries(conn) if entry.action == "stock.reverse" and entry.outcome == "done"
        ]
    assert (done.actor, done.details["answer"]["reverses"]) == ("test-keeper", booked)
    english = page(keeper, f"{where}&lang=en")
    assert "reversed (goods in)" in english


@pytest.mark.parametrize(
    ("role", "status"), [("viewer", 403), ("planner", 403), ("dispatcher", 403), ("administrator", 200)]
)
def test_who_may_reverse_what_was_booked_of_the_stock(app: Flask, role: Role, status: int) -> None:
    keeper = browser(app, "keeper")
    good(post(keeper, "stock/aside", {**OFF, "lot_id": LOT, "what": "hold", "quantity": 3}))
    body = {"movement_id": movement(keeper, f"supplies/trace?lot={LOT}", "hold"), "reason": "wrong lot"}
    assert post(browser(app, role), "stock/reversals", body).status_code == status
    other = {**OFF, "depot_id": "d2", "lot_id": "d2/quilt/A", "quantity": 1}
    good(post(browser(app, "administrator"), "stock/aside", other))
    theirs = movement(keeper, "supplies/trace?lot=d2/quilt/A", "write_off")
    said = refused(post(keeper, "stock/reversals", {"movement_id": theirs, "reason": "x"}), 403)
    assert "only at d1, not at d2" in said
    assert "没有找到" in post_form(
        keeper, "/supplies/lots/reverse", 404, {"key": "k", "movement_id": "m", "lot": LOT, "reason": "x"}
    )


def test_a_wrong_receipt_is_reversed_on_the_page_of_its_order(desk: Browser, district: District) -> None:
    path = sent(desk)
    order = path.split("/")[-1]
    at = f"/supplies/orders/{order}"
    good(post(desk, f"{path}/receive", {"lines": [{"lot_id": LOT, "received": 5}]}))
    good(post(desk, f"{path}/use", {"lines": [{"lot_id": LOT, "quantity": 1}]}))
    delivery, used = (movement(desk, f"{path}/trace", kind) for kind in ("delivery", "use"))
    assert at + "#ledger" in page(desk, f"/supplies/lots?lot={LOT}")
    fields = {"movement_id": delivery, "reason": "数错了"}
    text = post_form(desk, f"{at}/reverse", 409, {"key": "1", **fields})
    assert f"批次 {LOT}: 要 5, 只有 4。" in text
    assert 'id="ledger" open' in text
    target = post_form(desk, f"{at}/reverse", 303, {"key": "2", **fields, "movement_id": used})
    assert target.endswith("done=reverse")
    assert "已登记: 冲销" in page(desk, target)
    post_form(desk, f"{at}/reverse", 303, {"key": "3", **fields})
    assert order_of(district, order)["state"] == "in_transit"
    text = page(desk, at)
    assert "冲销</strong> → 在途" in text
    assert text.count("已冲销") == 2
    issued = movement(desk, f"{path}/trace", "issue")
    text = post_form(desk, f"{at}/reverse", 409, {"key": "4", **fields, "movement_id": issued})
    assert "“出库”不能手工冲销; 请把货退库。" in text
    moved = dispatch.handover(district, NOW - timedelta(hours=1))["moved"]
    assert [(row["issued"], row["received"], row["used"]) for row in moved] == [(5, 0, 0)], (
        "what was undone is taken off"
    )


def test_a_clock_set_back_hides_nothing_from_the_shift_that_comes(
    desk: Browser, district: District, clock: Clock
) -> None:
    order = ordered(desk).rsplit("/", 1)[1]
    clock.go_on(hours=-1)
    path = ordered(desk)
    good(post(desk, f"{path}/issue"))
    events = dispatch.handover(district, NOW - timedelta(hours=2))["events"]
    assert {row["order_id"] for row in events} == {order, path.rsplit("/", 1)[1]}
    assert {row["recorded_utc"] for row in events} == {utc(NOW)}, "recorded in order, ahead of the clock"
    assert path.rsplit("/", 1)[1] in page(desk, "/supplies/handover")
