"""The boards of supplies: every page, every form, who may what, sheets out and in, two at once."""

import io
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

import openpyxl
import pandas as pd
import pytest
from flask import Flask

from data import orders, readings
from data.settings import Settings
from data.store import Store
from layers import entries
from layers.actions import supplies
from layers.boards import LISTINGS
from layers.district import District
from layers.permissions import Actor
from tests.layers.conftest import EPSG, NOW, STAMP, fill, lonlat
from tests.web.conftest import Browser, browser
from web import create_app, refusals

ONE = Actor("one", "甲", "dispatcher")
LOT = "d1/quilt/A"
ZONE = ZoneInfo("Asia/Shanghai")
REQUEST: dict[str, Any] = {
    "to": list(lonlat(5.0, 1.0)),
    "unit": "东街道办",
    "place": "东村",
    "contact": "值班室",
    "phone": "110",
    "needs": [{"item_id": "quilt", "quantity": "80"}],
    "lines": [
        {"depot_id": "d1", "item_id": "quilt", "lot": "A", "quantity": "30"},
        {"depot_id": "d2", "item_id": "quilt", "lot": "A", "quantity": "40"},
    ],
}


def stock(town: District) -> District:
    """Packs, levels, a relief standard and a vehicle for the town."""
    with town.store.writing() as conn:
        for table, frame in {
            "pack": pd.DataFrame({"item_id": ["quilt"], "pack": ["包"], "quantity": ["12"]}),
            "stock_level": pd.DataFrame(
                {"depot_id": ["d1"], "item_id": ["quilt"], "minimum": ["90"], "target": ["200"]}
            ),
            "relief_standard": pd.DataFrame(
                {
                    "item_id": ["quilt", "pump"],
                    "basis": ["evacuated", "affected"],
                    "quantity": ["1", "0.01"],
                    "is_daily": [False, False],
                    "provenance": ["proposed", "proposed"],
                }
            ),
            "vehicle": pd.DataFrame(
                {"id": ["v1"], "name": ["苏F00001"], "type": ["truck"], "depot_id": ["d1"], "contact": ["驾驶员甲"]}
            ),
        }.items():
            town.store.upsert(conn, table, frame, **STAMP)
    return town


@pytest.fixture
def stocked(own_town: District) -> District:
    """A town of its own for a test that changes it."""
    return stock(own_town)


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Browser, Browser, str, str]]:
    """A dispatcher and a viewer before a town with a request, which nobody changes; the request and an order."""
    with Store.create(str(tmp_path_factory.mktemp("shown") / "town.gpkg"), name="小镇", epsg=EPSG) as store:
        fill(store)
        town = stock(District(store, clock=lambda: NOW))
        made = supplies.reserve(town, ONE, REQUEST, key="first")
        app = create_app(Settings(), "", district=town)
        yield browser(app, "dispatcher"), browser(app, "viewer"), made["id"], made["orders"][0]["id"]


@pytest.fixture
def board(stocked: District) -> Flask:
    """The app over it."""
    return create_app(Settings(), "", district=stocked)


@pytest.fixture
def desk(board: Flask) -> Browser:
    """A dispatcher before the boards."""
    return browser(board, "dispatcher")


@pytest.fixture
def request_id(stocked: District) -> str:
    """A request of which a part is reserved."""
    return str(supplies.reserve(stocked, ONE, REQUEST, key="first")["id"])


def page(client: Browser, path: str, status: int = 200) -> str:
    response = client.get(path, headers={"Accept": "text/html"})
    assert response.status_code == status, response.get_data(as_text=True)[:600]
    return str(response.get_data(as_text=True))


def hidden(text: str, action: str) -> dict[str, str]:
    """The hidden fields of the form that posts to `action`, with the rows that it names."""
    found = re.search(rf'<form method="post"[^>]*action="{re.escape(action)}"[^>]*>(.*?)</form>', text, re.S)
    assert found is not None, action
    fields = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', found.group(1))
    return {name: value for name, value in fields if name != "csrf_token"}


def send(client: Browser, where: str, action: str, code: int = 303, **typed: Any) -> str:
    """Open a page, fill its form in and send it; the page that comes of it, or the target of the redirect."""
    fields = hidden(page(client, where), action)
    return post(client, action, code, {**fields, **typed})


def post(client: Browser, action: str, status: int, fields: dict[str, Any]) -> str:
    response = client.post(action, data=fields, headers={"Accept": "text/html"}, content_type="multipart/form-data")
    assert response.status_code == status, response.get_data(as_text=True)[:900]
    return str(response.headers.get("Location") or response.get_data(as_text=True))


def order_of(district: District, order_id: str) -> dict[str, Any]:
    with district.store.reading() as conn:
        return orders.order_of(conn, order_id)


def order_ids(district: District, request: str) -> list[str]:
    with district.store.reading() as conn:
        return [order["id"] for order in orders.request_of(conn, request)["orders"]]


def free(district: District, lot: str) -> float:
    frame = district.view().frame("lot")
    row = frame[frame["id"] == lot].iloc[0]
    return float((row["on_hand_e3"] - row["reserved_e3"] - row["on_hold_e3"]) / 1000)


# -- pages ------------------------------------------------------------------------------------------

LISTS = tuple(LISTINGS)
PAGES = (
    "/supplies",
    "/supplies?item=quilt",
    "/supplies/lists/orders",
    "/supplies/lists/low",
    "/supplies/handover",
    "/supplies/handover?since=2026-06-30T22:00",
    "/supplies/kpis",
    "/supplies/needs",
    "/supplies/needs?affected=500&evacuated=90&days=2",
    "/supplies/lots",
    "/supplies/balances",
    f"/supplies/lots?lot={LOT}",
    "/supplies/balances",
    "/supplies/balances?depot=d1&true_at=2026-07-01T08:00",
    "/supplies/depots",
    "/supplies/depots/d1",
    "/supplies/depots/d1/count",
    "/supplies/depots/d1/in",
    "/supplies/sheets",
    "/supplies/sheets?done=import&kind=items",
)
SHEETS = (
    "/supplies/lists/orders.xlsx",
    "/supplies/lists/expiring.xlsx",
    "/supplies/lists/movements.xlsx?since=2026-06-30T22:00",
    "/supplies/kpis.xlsx",
    "/supplies/needs.xlsx?affected=500&evacuated=90&days=2",
    "/supplies/needs.xlsx?affected=500&evacuated=90&days=2&form=1",
    f"/supplies/lots.xlsx?lot={LOT}",
    "/supplies/balances.xlsx?depot=d1",
    "/supplies/depots/d1/stock.xlsx",
    "/supplies/depots/d1/count.xlsx",
    "/supplies/depots/d1/in.xlsx",
    "/supplies/depots/d1/states.xlsx",
)


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_page_opens(shown: Any, path: str, lang: str) -> None:
    desk = shown[0]
    joint = "&" if "?" in path else "?"
    text = page(desk, f"{path}{joint}lang={lang}")
    assert ("看板" in text) == (lang == "zh")
    assert " style=" not in text
    assert " onclick" not in text
    assert re.findall(r"<script(?![^>]*(?:src=|type=\"application/json\"))", text) == []
    unlabelled = [
        field
        for field in re.findall(r"<(?:input|select|textarea)[^>]*>", text)
        if 'type="hidden"' not in field
        and "aria-label" not in field
        and not re.search(rf'for="{re.escape((re.search(r"id=.([^ >]*).[ >]", field) or ["", "-"])[1])}"', text)
        and 'type="checkbox"' not in field
    ]
    assert unlabelled == []


@pytest.mark.parametrize("path", SHEETS)
def test_every_sheet_says_what_it_is(shown: Any, path: str) -> None:
    response = shown[0].get(f"{path}{'&' if '?' in path else '?'}lang=zh")
    assert response.status_code == 200
    sheet = openpyxl.load_workbook(io.BytesIO(response.data)).active
    assert sheet is not None
    assert str(sheet["A1"].value).startswith("小镇 · ")
    assert sheet["A2"].value
    assert "attachment" in response.headers["Content-Disposition"]


def test_order_and_request_pages_open_in_both_languages(shown: Any) -> None:
    desk, _, request, order = shown
    for lang, word in (("zh", "每一件在哪里"), ("en", "Where every piece is")):
        assert "东街道办" in page(desk, f"/supplies/requests/{request}?lang={lang}")
        assert word in page(desk, f"/supplies/orders/{order}?lang={lang}")
    assert desk.get(f"/supplies/requests/{request}/upward.pdf").data.startswith(b"%PDF-")
    assert desk.get("/supplies/depots/d1/count.pdf").data.startswith(b"%PDF-")


def test_what_is_not_there_is_not_found(shown: Any) -> None:
    desk = shown[0]
    for path in ("orders/x", "requests/x", "depots/x", "depots/x/count", "lists/x", "lists/x.xlsx"):
        page(desk, f"/supplies/{path}", 404)
    assert "没有这样的批次" in page(desk, "/supplies/lots?lot=nothing&lang=zh")
    for since in ("yesterday", "2030-01-01T00:00", "2020-01-01T00:00"):
        page(desk, f"/supplies/handover?since={since}", 422)


def test_board_tells_what_waits(shown: Any) -> None:
    desk, _, request, order = shown
    text = page(desk, "/supplies?lang=zh")
    assert f'href="/supplies/orders/{order}"' in text
    assert "已预留" in text
    assert f'href="/supplies/requests/{request}"' in text
    assert "低于下限" in text, "40 of 90 are free in d1"
    assert "已过期" in text
    for kind in ("实物", "协议储备", "产能储备"):
        assert kind in text


def test_stock_at_a_moment_by_both_clocks(shown: Any) -> None:
    desk, viewer, _, order = shown
    every = page(desk, "/supplies/balances?item=quilt&depot=d1&lang=zh")
    assert f'<a href="/supplies/orders/{order}">{order}</a>' in every
    assert re.findall(r'class="num" data-label="数量">([\d,]+)<', every) == ["40", "30", "30", "50"]
    moment = NOW.astimezone(ZONE)
    for clock in ("true_at", "known_at"):
        at = page(desk, f"/supplies/balances?item=quilt&depot=d1&{clock}={moment:%Y-%m-%dT%H:%M:%S}&lang=zh")
        assert re.findall(r'class="num" data-label="数量">([\d,]+)<', at) == ["40", "30", "30", "50"]
        before = (moment - timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%S")
        assert "那时这里没有库存。" in page(desk, f"/supplies/balances?item=quilt&depot=d1&{clock}={before}&lang=zh")
    sheet = openpyxl.load_workbook(io.BytesIO(desk.get("/supplies/balances.xlsx?item=quilt&depot=d1").data)).active
    assert sheet is not None
    assert [row[5] for row in sheet.iter_rows(min_row=5, values_only=True)] == [40, 30, 30, 50]
    for wrong, said in (("true_at=gestern", "已发生到: 时间 gestern"), ("item=nothing", "nothing")):
        status = 404 if "item" in wrong else 422
        assert said in page(desk, f"/supplies/balances?{wrong}&lang=zh", status)
    page(viewer, "/supplies/balances", 403)


def test_hand_over_tells_what_happened_since(shown: Any) -> None:
    desk, _, _, order = shown
    text = page(desk, "/supplies/handover?since=2026-07-01T09:59&lang=zh")
    assert order in text
    moved = text.split('id="moved"')[1].split("</section>")[0]
    assert re.search(r"棉被.*?>70<", moved, re.S), "30 and 40 were reserved"
    assert order in page(desk, "/supplies/handover?since=2026-07-01T10:00"), "the bound is included"


# -- who may what -------------------------------------------------------------------------------------


def test_viewer_and_strangers_see_nothing(shown: Any) -> None:
    _, viewer, request, order = shown
    paths = [*PAGES, *SHEETS, f"/supplies/requests/{request}", f"/supplies/orders/{order}"]
    assert {viewer.get(path).status_code for path in paths} == {403}
    assert {browser(viewer.application, None).get(path).status_code for path in paths} == {401}


def test_keeper_changes_the_own_depot_only(board: Flask, request_id: str, stocked: District) -> None:
    first, second = order_ids(stocked, request_id)
    supplies.place(stocked, ONE, request_id, key="placed")
    keeper = browser(board, "keeper")
    assert "确认出库" in page(keeper, f"/supplies/orders/{first}")
    other = page(keeper, f"/supplies/orders/{second}")
    assert "确认出库" not in other
    assert "取消这张单" not in other
    fields = {"key": "k1", "lot_id.0": "d2/quilt/A", "quantity.0": "40"}
    post(keeper, f"/supplies/orders/{second}/issue", 403, fields)
    assert order_of(stocked, second)["state"] == "ordered"
    post(keeper, f"/supplies/orders/{first}/cancel", 403, {"key": "k2", "reason": "x"})
    for path, typed in (
        ("count", {"checker": "李", "lot_id.0": "d2/quilt/A", "counted.0": "200"}),
        ("in", {"reason": "采购", "item_id.0": "pump", "lot.0": "n1", "quantity.0": "1"}),
        ("status", {"lot_id": "d2/quilt/A", "status": "damaged", "reason": "水"}),
        ("aside", {"lot_id": "d2/quilt/A", "what": "hold", "quantity": "1", "reason": "查"}),
    ):
        post(keeper, f"/supplies/depots/d2/{path}", 403, {"key": f"k-{path}", **typed})
    assert free(stocked, "d2/quilt/A") == 160
    send(keeper, f"/supplies/orders/{first}", f"/supplies/orders/{first}/issue", **{"quantity.0": "30"})
    assert order_of(stocked, first)["state"] == "issued"


def test_a_form_without_the_token_of_its_page_is_refused(board: Flask, request_id: str) -> None:
    client = browser(board, "dispatcher")
    client.csrf = ""
    post(client, f"/supplies/requests/{request_id}/order", 403, {"key": "k"})
    text = page(client, f"/supplies/requests/{request_id}")
    token = re.search(r'name="csrf_token" value="([^"]+)"', text)
    assert token is not None
    fields = {**hidden(text, f"/supplies/requests/{request_id}/order"), "csrf_token": token[1]}
    post(client, f"/supplies/requests/{request_id}/order", 303, fields)


# -- an order from the reservation to the settlement ----------------------------------------------------


def test_whole_life_of_an_order_through_its_forms(desk: Browser, stocked: District, request_id: str) -> None:
    where = f"/supplies/requests/{request_id}"
    send(desk, where, f"{where}/renew")
    send(desk, where, f"{where}/order")
    order = order_ids(stocked, request_id)[0]
    at = f"/supplies/orders/{order}"
    target = send(desk, at, f"{at}/issue", **{"quantity.0": "30", "vehicle_id": "v1"})
    assert target == f"{at}?done=issue"
    assert order_of(stocked, order)["driver"] == "驾驶员甲"
    assert "已登记" in page(desk, target)
    send(desk, at, f"{at}/depart")
    assert order_of(stocked, order)["eta_utc"] is not None
    partly = {"received.0": "20", "damaged.0": "2", "missing.0": "1", "note.0": "雨淋"}
    send(desk, at, f"{at}/receive", **partly)
    found = order_of(stocked, order)
    assert found["state"] == "partly_received"
    assert {k: found["lines"][0][k] for k in ("received", "damaged", "missing", "in_transit", "at_place")} == {
        "received": 20,
        "damaged": 2,
        "missing": 1,
        "in_transit": 7,
        "at_place": 20,
    }
    send(desk, at, f"{at}/receive", **{"received.0": "7"})
    send(desk, at, f"{at}/use", **{"quantity.0": "15"})
    send(desk, at, f"{at}/return", **{"quantity.0": "11", "damaged.0": "1", "to_depot_id": "d1", "hold": "1"})
    send(desk, at, f"{at}/settle")
    assert order_of(stocked, order)["state"] == "settled"
    frame = stocked.view().frame("lot").set_index("id").loc[LOT]
    assert (frame["on_hand_e3"], frame["on_hold_e3"]) == (81_000, 11_000)
    text = page(desk, at)
    assert "已结清" in text
    assert "确认签收" not in text
    life = page(desk, f"/supplies/lots?lot={LOT}")
    for step in ("预留", "出库", "签收", "使用", "退库入账", "报废"):
        assert step in life
    assert desk.get(f"{at}/trace.xlsx").status_code == 200


def test_lost_found_cancelled_need_a_reason(desk: Browser, stocked: District, request_id: str) -> None:
    supplies.place(stocked, ONE, request_id, key="placed")
    first, second = order_ids(stocked, request_id)
    supplies.issue(stocked, ONE, first, {}, key="i")
    supplies.depart(stocked, ONE, first, {}, key="d")
    at = f"/supplies/orders/{first}"
    assert "原因没有填" in send(desk, at, f"{at}/lost", 422, reason="  ")
    send(desk, at, f"{at}/lost", reason="两小时没有消息")
    assert "失联" in page(desk, "/supplies")
    send(desk, at, f"{at}/found", reason="电话联系上了")
    assert order_of(stocked, first)["state"] == "in_transit"
    send(desk, f"/supplies/orders/{second}", f"/supplies/orders/{second}/cancel", reason="改由市级调")
    assert free(stocked, "d2/quilt/A") == 200


def test_what_was_outstanding_is_planned_anew(desk: Browser, stocked: District, request_id: str) -> None:
    where = f"/supplies/requests/{request_id}"
    text = page(desk, where)
    assert "棉被" in text.split('id="upward-text"')[1]
    assert "10 床" in text.split('id="upward-text"')[1], "what is lacking, not the 80 that were asked"
    send(desk, where, f"{where}/again")
    assert len(order_ids(stocked, request_id)) == 3
    assert "upward-text" not in page(desk, where)


def test_telephone_order_and_its_papers(desk: Browser, stocked: District) -> None:
    request = supplies.post_by_telephone(stocked, ONE, REQUEST, key="t")["id"]
    where = f"/supplies/requests/{request}"
    assert "还有 2 天 0 小时" in page(desk, where)
    assert request in page(desk, "/supplies").split('id="papers"')[1]
    assert "文号或手续没有填" in send(desk, where, f"{where}/papers", 422, papers="")
    send(desk, where, f"{where}/papers", papers="应急调〔2026〕7号")
    assert "应急调〔2026〕7号" in page(desk, where)
    assert "手续已经补齐了" in post(desk, f"{where}/papers", 409, {"key": "again", "papers": "x"})


# -- refusals ---------------------------------------------------------------------------------------------


def test_refused_form_keeps_what_was_typed(desk: Browser, stocked: District, request_id: str) -> None:
    supplies.place(stocked, ONE, request_id, key="placed")
    order = order_ids(stocked, request_id)[0]
    at = f"/supplies/orders/{order}"
    text = send(desk, at, f"{at}/issue", 422, **{"quantity.0": "20", "driver": "驾驶员乙<b>"})
    assert "少发 10, 要写少发原因" in text
    assert 'value="20"' in text
    assert 'value="驾驶员乙&lt;b&gt;"' in text
    assert '<details class="step" id="step-issue" open>' in text
    text = send(desk, at, f"{at}/issue", 422, **{"quantity.0": "二十"})
    assert "0 以上的数" in text
    assert "出库数量" in text
    for nothing in ("", "0", "0.0", " 00 "):
        assert "没有填数量" in send(desk, at, f"{at}/issue", 422, **{"quantity.0": nothing})
    assert "看不懂" in send(desk, at, f"{at}/issue", 422, **{"quantity.0": "30", "occurred": "昨天"})
    late = send(desk, at, f"{at}/issue", 422, **{"quantity.0": "30", "occurred": "2026-07-01T10:01"})
    assert "实际发生时间晚于现在" in late
    assert order_of(stocked, order)["state"] == "ordered"


def test_somebody_was_quicker(desk: Browser, stocked: District, request_id: str) -> None:
    supplies.place(stocked, ONE, request_id, key="placed")
    order = order_ids(stocked, request_id)[0]
    at = f"/supplies/orders/{order}"
    fields = hidden(page(desk, at), f"{at}/issue")
    supplies.cancel(stocked, Actor("li", "李", "dispatcher"), order, {"reason": "重复下单"}, key="quick")
    text = post(desk, f"{at}/issue", 409, {**fields, "quantity.0": "30"})
    assert "没有登记: 情况已经变了" in text
    assert "这张单现在是“已取消”, 不能再出库。" in text
    assert "li: 取消 → 已取消 (重复下单)" in text, "who, what and why"


def test_one_form_twice_happens_once(desk: Browser, stocked: District, request_id: str) -> None:
    supplies.place(stocked, ONE, request_id, key="placed")
    order = order_ids(stocked, request_id)[0]
    at = f"/supplies/orders/{order}"
    fields = {**hidden(page(desk, at), f"{at}/issue"), "quantity.0": "30"}
    assert [post(desk, f"{at}/issue", 303, fields) for _ in range(2)] == [f"{at}?done=issue"] * 2
    assert len([e for e in order_of(stocked, order)["events"] if e["action"] == "issue"]) == 1
    changed = {**fields, "quantity.0": "29", "reason": "少"}
    assert "这张表单已经提交过" in post(desk, f"{at}/issue", 409, changed)
    assert post(desk, f"{at}/issue", 422, {**fields, "key": ""})


def test_two_at_the_last_units(board: Flask, stocked: District) -> None:
    """Both ask for all 270; the second gets nothing of it and keeps what was typed."""
    typed = {"unit": "甲", "place": "广场", "contact": "乙", "affected": "270", "evacuated": "270", "days": "1"}
    lines = {"item_id.0": "quilt", "quantity.0": "270", "specification.0": ""}
    one, two = browser(board, "dispatcher"), browser(board, "administrator")
    assert "/requests/" in post(one, "/supplies/needs", 303, {"key": "1", **typed, **lines})
    text = post(two, "/supplies/needs", 409, {"key": "2", **typed, **lines})
    assert "现在没有仓库能给" in text
    assert 'value="广场"' in text
    assert free(stocked, LOT) == free(stocked, "d2/quilt/A") == 0


def test_scanning_ticks_the_lot_and_stops_a_wrong_one(desk: Browser, stocked: District, request_id: str) -> None:
    supplies.place(stocked, ONE, request_id, key="placed")
    order = order_ids(stocked, request_id)[0]
    at = f"/supplies/orders/{order}"
    text = send(desk, at, f"{at}/issue", 200, do="scan", scan="A", **{"quantity.0": "30"})
    assert re.search(r'name="checked.0" value="1" checked', text)
    wrong = send(desk, at, f"{at}/issue", 422, do="scan", scan="Z9", **{"quantity.0": "30"})
    assert "不要装车" in wrong
    assert order_of(stocked, order)["state"] == "ordered", "a scan issues nothing"


# -- stock ------------------------------------------------------------------------------------------------


def count_fields(client: Browser) -> dict[str, str]:
    return hidden(page(client, "/supplies/depots/d1/count"), "/supplies/depots/d1/count")


def test_count_does_not_tell_and_asks_for_the_reason(board: Flask, stocked: District) -> None:
    keeper = browser(board, "keeper")
    text = page(keeper, "/supplies/depots/d1/count")
    assert ">100<" not in text
    assert 'value="100"' not in text
    lots = {k: v for k, v in count_fields(keeper).items() if k.startswith("lot_id")}
    assert list(lots.values()) == ["d1/quilt/B", "d1/quilt/A"]
    fields = {**count_fields(keeper), "counted.1": "98", "counted.0": "", "checker": "李"}
    text = post(keeper, "/supplies/depots/d1/count", 422, fields)
    assert "与账面不符: 请复点" in text
    assert "d1/quilt/A" in text
    problem = text.split('id="problem"')[1].split("</table>")[0]
    assert "100" not in problem, "how much is expected is not told"
    assert 'value="98"' in text
    alone = post(keeper, "/supplies/depots/d1/count", 422, {**fields, "reason.1": "少", "checker": ""})
    assert "复核人没有填" in alone
    same = post(keeper, "/supplies/depots/d1/count", 422, {**fields, "reason.1": "少", "checker": "test-keeper"})
    assert "复核人不能是盘点人本人" in same
    target = post(keeper, "/supplies/depots/d1/count", 303, {**fields, "reason.1": "破损丢弃"})
    assert target.endswith("/supplies/depots/d1?done=count")
    assert free(stocked, LOT) == 68
    few = post(keeper, "/supplies/depots/d1/count", 409, {**fields, "key": "n", "counted.1": "10", "reason.1": "x"})
    assert "少于预留 30" in few


def test_count_sheet_comes_back(board: Flask, stocked: District) -> None:
    keeper = browser(board, "keeper")
    for lang, head in (("zh", "实点数量"), ("en", "Counted")):
        book = openpyxl.load_workbook(io.BytesIO(keeper.get(f"/supplies/depots/d1/count.xlsx?lang={lang}").data))
        sheet = book.active
        assert sheet is not None
        row = next(r for r in range(1, 10) if head in [c.value for c in sheet[r]])
        titles = [c.value for c in sheet[row]]
        column = titles.index(head) + 1
        assert sheet.cell(row + 2, 1).value == LOT
        assert sheet.cell(row + 2, column).value is None, "what is expected is not on the sheet"
        sheet.cell(row + 2, column, "多")
        text = upload(keeper, book, status=422, checker="李")
        assert f"<td>{row + 2}</td>" in text, "the row of the fault"
        assert head in text, "its column"
        sheet.cell(row + 2, column, 100)
        upload(keeper, book, checker="李", lang="zh")
    assert stocked.view().frame("lot").set_index("id").loc[LOT, "counted_utc"] is not None


def upload(client: Browser, book: Any, status: int = 303, path: str = "depots/d1/count", **typed: Any) -> str:
    content = io.BytesIO()
    book.save(content)
    content.seek(0)
    fields = {"key": f"k{id(content)}{status}", "sheet": (content, "sheet.xlsx"), **typed}
    return post(client, f"/supplies/{path}", status, fields)


def test_bad_files_are_refused_whole(board: Flask, stocked: District, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entries, "MAX_SHEET_BYTES", 20_000)
    keeper = browser(board, "keeper")
    for content, name in (
        (b"", "a.xlsx"),
        (b"PK\x03\x04 not a zip", "a.xlsx"),
        (b"lot,counted\n", "a.csv"),
        (b"x" * (entries.MAX_SHEET_BYTES + 1), "a.xlsx"),
    ):
        fields = {"key": "k", "checker": "李", "sheet": (io.BytesIO(content), name)}
        post(keeper, "/supplies/depots/d1/count", 422, fields)
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.append(["别的", "表"])
    upload(keeper, book, 422, checker="李")
    formula = openpyxl.load_workbook(io.BytesIO(keeper.get("/supplies/depots/d1/in.xlsx").data))
    assert formula.active is not None
    formula.active.append(["pump", "n1", "=1+1"])
    assert "填数值, 不能是公式" in upload(keeper, formula, 422, "depots/d1/in", reason="采购")
    assert free(stocked, LOT) == 70


def test_goods_in_by_the_pack(board: Flask, stocked: District) -> None:
    keeper = browser(board, "keeper")
    where = "/supplies/depots/d1/in"
    line = {"item_id.0": "quilt", "lot.0": "N1", "quantity.0": "2.5", "pack.0": "包", "expires_on.0": "2030-01-31"}
    assert "来源或单据号没有填" in send(keeper, where, where, 422, **line)
    send(keeper, where, where, reason="采购 12 号", **line)
    assert free(stocked, "d1/quilt/N1") == 30, "2.5 packs of 12"
    for fault, said in (
        ({"item_id.0": "none"}, "物资目录里的编码"),
        ({"pack.0": "箱"}, "<td>箱</td><td>包</td>"),
        ({"expires_on.0": "soon"}, "日期, 如"),
        ({"expires_on.0": "2030-02-01"}, "已有, 但状态或有效期不一样"),
        ({"lot.0": ""}, "必填"),
        ({"quantity.0": "1.2345"}, "小数不超过三位"),
    ):
        text = post(
            keeper, where, 409 if "2030-02-01" in fault.values() else 422, {"key": "f", "reason": "r", **line, **fault}
        )
        assert said in text.replace("&lt;", "<"), fault
    old = post(keeper, where, 422, {"key": "g", "reason": "r", **line, "lot.0": "N2", "expires_on.0": "2026-06-30"})
    assert "已过; 状态改为" in old
    assert free(stocked, "d1/quilt/N1") == 30


def test_states_holds_and_write_offs(board: Flask, stocked: District) -> None:
    keeper = browser(board, "keeper")
    where = "/supplies/depots/d1"
    send(keeper, where, f"{where}/aside", lot_id=LOT, what="hold", quantity="10", reason="抽检")
    assert free(stocked, LOT) == 60
    send(keeper, where, f"{where}/aside", lot_id=LOT, what="write_off_held", quantity="4", cause="damaged", reason="坏")
    send(keeper, where, f"{where}/aside", lot_id=LOT, what="unhold", quantity="6", reason="合格")
    assert free(stocked, LOT) == 66
    much = send(keeper, where, f"{where}/aside", 409, lot_id=LOT, what="write_off", quantity="67", reason="坏")
    assert f"批次 {LOT}: 要 67, 只有 66" in much
    send(keeper, where, f"{where}/status", lot_id=LOT, status="quarantined", reason="待检")
    assert "已经是“待检”" in send(keeper, where, f"{where}/status", 409, lot_id=LOT, status="quarantined", reason="x")
    assert "待检" in page(keeper, where)


def test_an_order_says_that_its_goods_were_recalled(
    board: Flask, desk: Browser, request_id: str, stocked: District
) -> None:
    first, second = (f"/supplies/orders/{order}" for order in order_ids(stocked, request_id))
    keeper, where = browser(board, "keeper"), "/supplies/depots/d1"
    assert "请追回" not in page(desk, first)
    send(keeper, where, f"{where}/status", lot_id=LOT, status="recalled", reason="来函")
    assert re.search(r"请追回.{0,200}棉被 A</a>: 召回", page(desk, first), re.S)
    assert "请追回" not in page(desk, second), "the goods of the other depot are usable"


def test_a_recall_is_told_in_every_depot_and_made_in_all(board: Flask, desk: Browser, stocked: District) -> None:
    keeper, where, there = browser(board, "keeper"), "/supplies/depots/d1", "/supplies/depots/d2"
    assert "list-recalls" not in page(keeper, where)
    assert "step-recall" not in page(keeper, where)
    send(keeper, where, f"{where}/status", lot_id=LOT, status="recalled", reason="来函")
    told = page(keeper, where)
    assert "各仓库一起召回由调度员或管理员登记" in told
    assert re.search(r'<tr data-key="[^"]*" class="tone-bad">.{0,400}d2%2Fquilt%2FA', told, re.S), (
        "still usable elsewhere"
    )
    assert "list-recalls" in page(desk, there), "the other depot is told too"
    post(keeper, f"{where}/recall", 403, {"key": "k", "lot_id": LOT, "status": "recalled", "reason": "来函"})
    target = send(desk, there, f"{there}/recall", lot_id="d2/quilt/A", status="recalled", reason="来函")
    assert "各仓库一起召回或待检" in page(desk, target)
    assert "tone-bad" not in re.sub(r'.*id="list-recalls"', "", page(desk, there), flags=re.S).split("</table>")[0]
    again = send(desk, there, f"{there}/recall", 409, lot_id=LOT, status="recalled", reason="来函")
    assert "各仓库里的同一批货没有可改为“召回”的了" in again


# -- needs ------------------------------------------------------------------------------------------------


def test_affected_and_evacuated_are_two_numbers(desk: Browser) -> None:
    text = page(desk, "/supplies/needs?affected=500&evacuated=90&days=2")
    rows = dict(re.findall(r'name="item_id\.(\d)" value="(\w+)"', text))
    amounts = dict(re.findall(r'name="quantity\.(\d)" value="([\d,]+)"', text))
    assert {rows[k]: amounts[k] for k in rows} == {"quilt": "90", "pump": "5"}
    for query in ("affected=-1", "affected=x", "evacuated=1&days=366", "affected=99999999"):
        page(desk, f"/supplies/needs?{query}", 422)


def test_needs_become_a_request(desk: Browser, stocked: District) -> None:
    where, action = "/supplies/needs?affected=500&evacuated=90&days=2", "/supplies/needs"
    typed = {"unit": "东街道办", "contact": "值班室", "quantity.0": "90", "quantity.1": "5"}
    assert "地图上没有叫" in send(desk, where, action, 422, place="火星", **typed)
    assert "不在本区范围内" in send(desk, where, action, 422, place="外地", to="100,20", **typed)
    target = send(desk, where, action, place="广场", deadline="2026-07-01T12:00", **typed)
    with stocked.store.reading() as conn:
        found = orders.request_of(conn, target.split("/")[-1].split("?")[0])
    assert {line["item_id"]: (line["requested"], line["outstanding"]) for line in found["lines"]} == {
        "quilt": (90, 0),
        "pump": (5, 5),
    }
    assert found["deadline_utc"] == "2026-07-01T04:00:00.000Z"


def test_needs_from_a_sheet(desk: Browser, stocked: District) -> None:
    book = openpyxl.load_workbook(
        io.BytesIO(desk.get("/supplies/needs.xlsx?affected=300&evacuated=300&days=2&form=1").data)
    )
    assert book.active is not None
    lines = [[cell.value for cell in row] for row in book.active.iter_rows(min_row=4)]
    assert lines == [["quilt", 30, "棉被"], ["pump", 3, "水泵"]], "300 less the 270 that are there"
    typed = {"unit": "甲", "place": "广场", "contact": "乙"}
    book.active.cell(4, 2, -3)
    assert "大于 0 的数" in upload(desk, book, 422, "needs", **typed)
    book.active.cell(4, 2, 7)
    assert "/requests/" in upload(desk, book, 303, "needs", **typed)


# -- sentences ----------------------------------------------------------------------------------------------


def test_what_a_keeper_or_a_device_is_refused_is_said_in_chinese(board: Flask, stocked: District) -> None:
    """The refusals themselves, over the API; a word of English in one of them is a sentence that nobody wrote."""
    keeper, admin = browser(board, "keeper"), browser(board, "administrator")

    def told(client: Browser, path: str, body: dict[str, Any]) -> str:
        answer = client.post(f"/api/v1/{path}", json=body, headers={"Idempotency-Key": f"{path}{body}"[:100]})
        assert answer.status_code in (409, 422), answer.get_json()
        return str(answer.get_json()["said"])

    counted = {"depot_id": "d1", "checker": "李"}
    line = {"lot_id": LOT, "counted": 33}
    assert (
        told(keeper, "stock/counts", {**counted, "lines": [line, line]}) == f"批次 {LOT} 写了两次; 每个批次只写一行。"
    )
    assert told(keeper, "stock/counts", {**counted, "lines": [line]}) == (
        f"批次 {LOT}: 实点 33, 账面 100; 有差异要写原因。"
    )
    pump = {"item_id": "quilt", "lot": "n", "quantity": "0.5"}
    assert told(keeper, "stock/receipts", {"depot_id": "d1", "lines": [pump]}) == (
        "批次 n: 数量 0.5 不对, “床”不能拆开; 请填整数, 按包装填时折算后要是整数。"
    )
    past = {**REQUEST, "deadline": "2020-01-01T08:00:00+08:00"}
    assert re.fullmatch(
        r"要求送达时间 .*2020.* 已过 \(现在 .*\); 写现在以后的时间。", told(admin, "supplies/requests", past)
    )


@pytest.mark.parametrize(
    "entry",
    [
        3,
        {"colour": "red"},
        {"quantity": "door"},
        {"measured_utc": 5},
        {"measured_utc": "soon"},
        {"measured_utc": "2020-01-01T00:00:00Z"},
        {"measured_utc": "2027-01-01T00:00:00Z"},
        {"value": 1},
        {"lon": "x"},
        {"lon": float("inf")},
        {"lon": 32.0, "lat": 120.8},
        {"lon": 0.0, "lat": 0.0},
        {"lon": 500.0},
        {"lon": 100.0},
    ],
)
def test_every_refused_reading_is_said_in_chinese(entry: Any) -> None:
    device = readings.Device("V-1", "position", vehicle_id="v1")
    good = {"lon": 120.8, "lat": 32.0, "measured_utc": NOW.isoformat()}
    given = entry if not isinstance(entry, dict) else {**good, **entry}
    extent = (120.7, 31.9, 120.9, 32.1)
    assert readings.checked(good, device, now_utc=NOW, extent=extent).lon == 120.8
    with pytest.raises(readings.Refused) as refused:
        readings.checked(given, device, now_utc=NOW, extent=extent)
    said = refusals.sentence(str(refused.value), "zh", ZONE)
    assert said != str(refused.value)
    assert re.search("[一-鿿]", said), said


def test_refusals_are_said_in_the_language_of_the_page() -> None:
    detail = "nothing was reserved; lot d1/quilt/A: 80 asked, 70 available; lot d1/quilt/B: it expired on 2026-06-30"
    assert refusals.sentence(detail, "en", ZONE) == detail
    assert refusals.sentence(detail, "zh", ZONE) == (
        "没有预留: 批次 d1/quilt/A 要 80, 只剩 70; 批次 d1/quilt/B 已于 2026-06-30 过期。别人可能先用了, 请重新排方案。"
    )
    assert refusals.sentence("something new", "zh", ZONE) == "something new"
    detail = "lot d1/quilt/A: damaged=-1.5: expected 0 or more, up to 1000000000"
    assert refusals.sentence(detail, "zh", ZONE) == "批次 d1/quilt/A: 数量 -1.5 不对, 要填 0 以上。"
    detail = "quilt: 80 to be reserved, only 7.5 are asked for"
    assert "quilt: 要预留 80, 但只缺 7.5" in refusals.sentence(detail, "zh", ZONE)


def test_a_late_entry_is_refused_with_the_moment_in_both_languages() -> None:
    detail = (
        "lot d1/quilt/A: what is said to have happened at 2026-06-30T00:00:00.000Z would have left -1 in depot"
        " at 2026-07-01T08:30:00.000Z; nothing was recorded"
    )
    assert "would have left -1 in depot at 2026-07-01 16:30:00; nothing" in refusals.sentence(detail, "en", ZONE)
    said = refusals.sentence(detail, "zh", ZONE)
    assert [word for word in ("d1/quilt/A", "2026-07-01 16:30:00", "-1", "库内可用") if word not in said] == []


# -- needs: by telephone, into a depot, on the map ------------------------------------------------------


def needs_form(desk: Browser, action: str, status: int = 303, **typed: Any) -> str:
    """Fill in what the standards draft and send it somewhere; where it leads."""
    text = page(desk, "/supplies/needs?affected=500&evacuated=90&days=2")
    fields = {**hidden(text, "/supplies/needs"), "quantity.0": "12", "quantity.1": "", **typed}
    return post(desk, action, status, fields)


CALLED = {"unit": "街道办", "place": "东村", "to": ",".join(map(str, lonlat(5.0, 1.0))), "contact": "值班室"}


def test_needs_are_ordered_by_telephone(desk: Browser, stocked: District) -> None:
    target = needs_form(desk, "/supplies/needs", telephone="1", **{"specification.0": "2 kg 棉被"}, **CALLED)
    assert target.endswith("?done=place")
    text = page(desk, target)
    assert "电话调拨手续" in text
    assert "2 kg 棉被" in text
    request = target.split("/")[-1].split("?")[0]
    assert {order_of(stocked, order)["state"] for order in order_ids(stocked, request)} == {"ordered"}
    again = page(desk, needs_form(desk, "/supplies/needs", **CALLED))
    assert "电话调拨手续" not in again
    assert "还没下单" in again


def test_a_planner_has_no_telephone(board: Flask) -> None:
    text = page(browser(board, "planner"), "/supplies/needs?affected=500&evacuated=90&days=2")
    assert 'name="telephone"' not in text
    assert "/supplies/needs/map" not in text
    post(browser(board, "planner"), "/supplies/needs", 403, {"key": "k", "telephone": "1", **CALLED})


def test_the_depot_that_receives_gives_nothing(desk: Browser, stocked: District) -> None:
    """Without it the nearest depot would give its own goods to itself."""
    at = {**CALLED, "to": ",".join(map(str, lonlat(0.0, 1.0)))}
    plain = needs_form(desk, "/supplies/needs", **at).split("/")[-1].split("?")[0]
    from_ = {order_of(stocked, order)["depot_id"] for order in order_ids(stocked, plain)}
    receiver = min(from_)
    into = needs_form(desk, "/supplies/needs", to_depot_id=receiver, **at).split("/")[-1].split("?")[0]
    found = [order_of(stocked, order) for order in order_ids(stocked, into)]
    assert found
    assert receiver not in {order["depot_id"] for order in found}
    assert {order["to_depot_id"] for order in found} == {receiver}
    assert sum(line["reserved"] for order in found for line in order["lines"]) == 12
    assert "没有找到" in needs_form(desk, "/supplies/needs", 404, to_depot_id="nowhere", **at)


def test_needs_are_shown_on_the_map(desk: Browser, stocked: District) -> None:
    soon = f"{stocked.now() + pd.Timedelta(minutes=90):%Y-%m-%dT%H:%M}"
    target = needs_form(desk, "/supplies/needs/map", deadline=soon, to_depot_id="d2", **CALLED)
    query = parse_qs(target.split("?")[1])
    assert query == {
        "panel": ["supply"],
        "to": [CALLED["to"]],
        "place": ["东村"],
        "need": ["quilt=12"],
        "within": ["90"],
        "to_depot": ["d2"],
    }
    bare = needs_form(desk, "/supplies/needs/map")
    assert parse_qs(bare.split("?")[1]) == {"panel": ["supply"], "need": ["quilt=12"]}
    assert "没有叫“火星”的地点" in needs_form(desk, "/supplies/needs/map", 422, place="火星")
    assert 'value="77x"' in needs_form(desk, "/supplies/needs/map", 422, **{"quantity.0": "77x"})
