"""Sheets of supplies: what goes out comes back, what is wrong is told cell by cell, nothing is half written."""

import io
from collections.abc import Iterator
from typing import Any

import openpyxl
import pandas as pd
import pytest
from flask import Flask

from data import audit
from data.kinds import KINDS
from data.settings import Settings
from data.store import Store
from layers import entries
from layers.actions import registers, supplies
from layers.district import District
from tests.layers.conftest import EPSG, NOW, STAMP, fill
from tests.web.conftest import Browser, browser
from tests.web.test_board import LISTS, LOT, ONE, REQUEST, order_ids, order_of, page, post, stock
from web import create_app, refusals
from web.board_forms import BACK, PICKS, RECEIPT, USED


@pytest.fixture
def stocked(own_town: District) -> District:
    """A town of its own for a test that changes it."""
    return registered(own_town)


def registered(own_town: District) -> District:
    """A row in every register that is kept in a sheet."""
    with own_town.store.writing() as conn:
        for table, frame in {
            "substitute": {"item_id": "pump", "substitute_id": "quilt", "quantity": "1", "substitute_quantity": "0.5"},
            "reserve_target": {
                "version": "2026",
                "level": "district",
                "owner": "区",
                "item_id": "quilt",
                "mode": "goods",
                "target": "500",
                "valid_from": "2026-01-01",
                "provenance": "proposed",
            },
            "agreement": {"id": "a1", "name": "=供应商", "item_id": "quilt", "mode": "contract", "quantity": "9"}
            | {"lead_h": 4.0, "geometry": None},
            "device": {"id": "t1", "name": "温度", "type": "temperature", "depot_id": "d1", "alarm_above": 30.5},
        }.items():
            own_town.store.upsert(conn, table, pd.DataFrame([frame]), **STAMP)
    return stock(own_town)


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A planner before a town that no test changes."""
    with Store.create(str(tmp_path_factory.mktemp("calm") / "town.gpkg"), name="小镇", epsg=EPSG) as store:
        fill(store)
        town = registered(District(store, clock=lambda: NOW))
        yield browser(create_app(Settings(), "", district=town), "planner")


def town_of(client: Browser) -> District:
    found: District = client.application.extensions["onemap"]
    return found


@pytest.fixture
def app_of(stocked: District) -> Flask:
    return create_app(Settings(), "", district=stocked)


@pytest.fixture
def planner(app_of: Flask) -> Browser:
    return browser(app_of, "planner")


def opened(client: Browser, path: str) -> Any:
    response = client.get(f"/supplies/{path}")
    assert response.status_code == 200, response.get_data(as_text=True)[:300]
    return openpyxl.load_workbook(io.BytesIO(response.data))


def sent(client: Browser, book: Any, path: str = "sheets", status: int = 303, **typed: Any) -> str:
    content = book
    if not isinstance(book, bytes):
        stream = io.BytesIO()
        book.save(stream)
        content = stream.getvalue()
    name = typed.pop("name", "表.xlsx")
    fields = {
        "key": f"k{hash((content, path, str(typed)))}",
        "do": "import",
        **typed,
        "sheet": (io.BytesIO(content), name),
    }
    return post(client, f"/supplies/{path}", status, fields)


def cell(book: Any, header: str, row: int) -> Any:
    """The cell of a column in a row of the first sheet."""
    sheet = book.worksheets[0]
    head = next(line for line in sheet.iter_rows(max_row=6) if header in [c.value for c in line])
    return sheet.cell(row, next(c.column for c in head if c.value == header))


def told(district: District) -> tuple[int, int]:
    """The revision and the rows of the audit."""
    with district.store.reading() as conn:
        return district.store.revision(conn), audit.verify(conn)[0]


# -- registers --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", registers.SHEETS)
def test_every_register_goes_out_and_comes_back(calm: Browser, kind: str) -> None:
    assert len(town_of(calm).store.frame(KINDS[kind].table)) > 0
    revision = told(town_of(calm))[0]
    book = opened(calm, f"sheets/{kind}.xlsx")
    assert sent(calm, book, kind=kind).startswith("/supplies/sheets?done=import")
    assert told(town_of(calm))[0] == revision, "as it went out it changes nothing"
    with calm.get(f"/supplies/sheets/{kind}/empty.xlsx") as empty:
        text = sent(calm, empty.data, status=422, kind=kind)
    assert "表里没有数据行" in text


def test_levels_are_changed_in_a_sheet(planner: Browser, stocked: District) -> None:
    book = opened(planner, "sheets/stock_levels.xlsx")
    cell(book, "下限", 2).value = 95.5
    for column, value in zip("ABCD", ("d2", "quilt", 10, 20), strict=True):
        book.worksheets[0][f"{column}3"] = value
    before = told(stocked)
    text = sent(planner, book, status=200, kind="stock_levels", do="check")
    assert "检查通过, 还没有写入: 共 2 行, 新增 1, 更改 1, 不变 0" in text
    assert told(stocked) == before
    sent(planner, book, kind="stock_levels")
    found = stocked.store.frame("stock_level").set_index(["depot_id", "item_id"])["minimum_e3"].to_dict()
    assert found == {("d1", "quilt"): 95_500, ("d2", "quilt"): 10_000}
    with stocked.store.reading() as conn:
        row = audit.entries(conn, limit=1)[0]
        assert audit.verify(conn)[2] is None
    assert (row.actor, row.action, row.outcome) == ("test-planner", "import stock_levels", "done")
    assert row.details["answer"]["inserted"] == row.details["answer"]["updated"] == 1
    text = page(planner, "/supplies/sheets?done=import&kind=stock_levels")
    assert "已导入: 库存限额" in text
    assert "表.xlsx (test-planner)" in text


def test_one_sheet_twice_is_brought_in_once(planner: Browser, stocked: District) -> None:
    book = opened(planner, "sheets/packs.xlsx")
    cell(book, "每包数量", 2).value = 24
    stream = io.BytesIO()
    book.save(stream)
    for _ in range(2):
        sent(planner, stream.getvalue(), kind="packs", key="same")
    assert told(stocked)[1] == 2, "the account, and one import"


WRONG: dict[str, tuple[str, str, Any, str]] = {
    "a formula": ("stock_levels", "下限", "=40+50", "填数值, 不能是公式"),
    "a unit": ("stock_levels", "下限", "90床", "0 到 1,000,000,000 的数, 小数不超过三位, 不带单位"),
    "a fourth decimal": ("stock_levels", "下限", 0.0001, "小数不超过三位"),
    "the two swapped": ("stock_levels", "下限", 250, "不小于“minimum”的 250; 两列是不是填反了"),
    "another unit of what is in stock": ("items", "计量单位", "箱", "库存已按“床”计量, 不能改单位"),
    "an unknown depot": ("stock_levels", "仓库编号", "d9", "已经登记的编号 (depot.id)"),
    "an unknown choice": ("devices", "类型", "雷达", "定位终端 (position)"),
    "no date": ("reserve_targets", "生效日期", "明年", "日期, 如"),
    "nothing": ("depots", "名称", None, "必填"),
    "places swapped": ("depots", "经度", 32.0, "像是填反了"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_cell_is_told_with_its_row_and_column(calm: Browser, case: str) -> None:
    kind, header, value, said = WRONG[case]
    book = opened(calm, f"sheets/{kind}.xlsx")
    if case == "places swapped":
        cell(book, "纬度", 2).value = cell(book, "经度", 2).value
    cell(book, header, 2).value = value
    before = told(town_of(calm))
    for do in ("check", "import"):
        text = sent(calm, book, status=422, kind=kind, do=do)
        problem = text.split('id="problem"')[1].split("</table>")[0]
        assert said in problem
        assert "<td>2</td>" in problem
    assert told(town_of(calm)) == before, "nothing is written"


def test_the_same_row_twice_is_refused(calm: Browser) -> None:
    book = opened(calm, "sheets/stock_levels.xlsx")
    for column in "ABCD":
        book.worksheets[0][f"{column}3"] = book.worksheets[0][f"{column}2"].value
    assert "每个编号只能有一行; 第 1 条数据里已有" in sent(calm, book, status=422, kind="stock_levels")


def test_columns_in_another_order_are_the_same_columns(calm: Browser) -> None:
    book = opened(calm, "sheets/stock_levels.xlsx")
    sheet = book.worksheets[0]
    rows = [[c.value for c in row] for row in sheet.iter_rows()]
    for number, row in enumerate(rows, start=1):
        for at, value in enumerate(reversed(row), start=1):
            sheet.cell(number, at).value = value
    before = town_of(calm).store.revision()
    sent(calm, book, kind="stock_levels")
    assert town_of(calm).store.revision() == before


FILES: dict[str, tuple[bytes, str, str]] = {
    "empty": (b"", "表.xlsx", "表.xlsx: 文件是空的"),
    "text": (b"a,b\n1,2\n", "表.csv", "只读 .xlsx"),
    "old": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "表.xls", "另存为不带宏、不加密的 .xlsx"),
    "old under another name": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "表.xlsx", "另存为不带宏"),
    "macros": (b"PK\x03\x04", "表.xlsm", "另存为不带宏"),
    "no workbook": (b"PK\x03\x04 not a zip", "表.xlsx", "文件不完整"),
    "too large": (b"PK\x03\x04" + bytes(50_000), "表.xlsx", "文件超过"),
    "a page": (b"<script>alert(1)</script>", "<script>alert(1)</script>.xlsx", "不是 Excel 工作簿"),
    "a way out": (b"x", "../../district.xlsx", "district.xlsx: 内容不是"),
    "a long name": (b"x", "长" * 300 + ".xlsx", "内容不是 Excel 工作簿"),
    "a long ending": (b"x", "a." + "长" * 300, "只读 .xlsx"),
}


@pytest.mark.parametrize("case", FILES)
def test_a_file_that_is_no_sheet_is_told_what_to_do(calm: Browser, case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entries, "MAX_SHEET_BYTES", 20_000)
    content, name, said = FILES[case]
    before = told(town_of(calm))
    text = sent(calm, content, status=422, name=name, kind="depots")
    assert said in text
    assert "<script>alert" not in text
    assert told(town_of(calm)) == before


def test_a_table_or_a_file_that_was_not_chosen(calm: Browser) -> None:
    assert "表: 选一张" in post(calm, "/supplies/sheets", 422, {"key": "k", "kind": "lots", "do": "import"})
    assert "没有选文件" in post(calm, "/supplies/sheets", 422, {"key": "k", "kind": "items", "do": "check"})
    for path in ("sheets/lots.xlsx", "sheets/account.xlsx", "sheets/lots/empty.xlsx"):
        page(calm, f"/supplies/{path}", 404)


def test_names_that_run_are_text_on_the_way_out(calm: Browser) -> None:
    book = opened(calm, "sheets/agreements.xlsx")
    name = cell(book, "供应单位", 2)
    assert (name.value, name.data_type) == ("'=供应商", "s")
    assert town_of(calm).store.frame("agreement")["name"].tolist() == ["=供应商"]


def test_only_planners_bring_registers_in(app_of: Flask, stocked: District) -> None:
    book = opened(browser(app_of, "dispatcher"), "sheets/items.xlsx")
    cell(book, "名称", 2).value = "另名"
    before = stocked.store.revision()
    for role in ("dispatcher", "keeper", "viewer"):
        client = browser(app_of, role)
        sent(client, book, status=403, kind="items")
        if role != "viewer":
            assert 'id="form-import"' not in page(client, "/supplies/sheets")
    assert stocked.store.revision() == before
    sent(browser(app_of, "administrator"), book, kind="items")
    assert "另名" in stocked.store.frame("item")["name"].tolist()


# -- what is out only -------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["", "/handover", "/kpis", *(f"/lists/{name}" for name in LISTS)])
def test_what_is_computed_says_that_it_is_out_only(calm: Browser, path: str) -> None:
    assert "Excel 只供导出" in page(calm, f"/supplies{path}")


def test_so_does_its_sheet(calm: Browser) -> None:
    assert "只供导出" in opened(calm, "lists/low.xlsx").worksheets[0]["A2"].value


# -- states of lots ---------------------------------------------------------------------------------


def test_states_of_several_lots_from_a_sheet(app_of: Flask, stocked: District) -> None:
    keeper = browser(app_of, "keeper")
    book = opened(keeper, "depots/d1/states.xlsx")
    line = next(r for r in range(5, 9) if book.worksheets[0].cell(r, 1).value == LOT)
    assert cell(book, "现状态", line).value == "可用"
    where = "depots/d1/states"
    assert "至少填一行" in sent(keeper, book, where, 422), "nothing to change"
    cell(book, "改为", line).value = "待检"
    assert "必填" in sent(keeper, book, where, 422), "the reason"
    cell(book, "原因 *", line).value = "包装受潮"
    cell(book, "改为", line).value = "坏了"
    assert "可用, 待检, 召回, 损坏, 过期 之一" in sent(keeper, book, where, 422)
    cell(book, "改为", line).value = "待检"
    sent(keeper, book, where)
    lots = stocked.store.frame("lot").set_index("id")["status"]
    assert lots[LOT] == "quarantined"
    cell(book, "改为", line).value = "损坏"
    text = sent(keeper, book, where, 409)
    assert f"批次 {LOT} 现在是“待检”, 不是表上的“可用”; 请重新下载" in text
    assert stocked.store.frame("lot").set_index("id")["status"][LOT] == "quarantined"


def test_states_are_changed_all_or_none(app_of: Flask, stocked: District) -> None:
    keeper = browser(app_of, "keeper")
    book = opened(keeper, "depots/d1/states.xlsx")
    rows = [r for r in range(5, 9) if str(book.worksheets[0].cell(r, 1).value).startswith("d1/")]
    assert len(rows) == 2
    for row, state in zip(rows, ("损坏", cell(book, "现状态", rows[1]).value), strict=True):
        cell(book, "改为", row).value = state
        cell(book, "原因 *", row).value = "r"
    before = stocked.store.frame("lot")["status"].tolist()
    assert "已经是" in sent(keeper, book, "depots/d1/states", 409)
    assert stocked.store.frame("lot")["status"].tolist() == before
    book.worksheets[0].cell(rows[0], 1).value = "d2/quilt/A"
    assert "本库的批次" in sent(keeper, book, "depots/d1/states", 422)
    sent(keeper, opened(keeper, "depots/d2/states.xlsx"), "depots/d2/states", 422)


# -- steps of orders --------------------------------------------------------------------------------


def test_an_order_is_issued_received_used_and_returned_by_sheets(app_of: Flask, stocked: District) -> None:
    desk = browser(app_of, "dispatcher")
    request = str(supplies.reserve(stocked, ONE, REQUEST, key="first")["id"])
    supplies.place(stocked, ONE, request, key="placed")
    order = order_ids(stocked, request)[0]
    at = f"orders/{order}"
    assert page(desk, f"/supplies/{at}/receive.xlsx", 422)
    assert page(desk, f"/supplies/{at}/settle.xlsx", 404)
    sent(desk, opened(desk, f"{at}/issue.xlsx"), f"{at}/issue")
    assert order_of(stocked, order)["lines"][0]["issued"] == 30
    supplies.depart(stocked, ONE, order, {}, key="d")
    book = opened(desk, f"{at}/receive.xlsx")
    row = 5
    assert [cell(book, name, row).value for name in ("批次编号 *", "完好", "单位")] == [LOT, 30, "床"]
    cell(book, "完好", row).value = "二十"
    text = sent(desk, book, f"{at}/receive", 422)
    assert "0 以上的数" in text
    assert f"<td>{row}</td>" in text
    for name, value in (("完好", 20), ("损坏", 2), ("缺失", "1"), ("备注", "雨淋")):
        cell(book, name, row).value = value
    sent(desk, book, f"{at}/receive")
    sent(desk, opened(desk, f"{at}/receive.xlsx"), f"{at}/receive")
    book = opened(desk, f"{at}/use.xlsx")
    assert cell(book, "使用", row).value == 27
    cell(book, "使用", row).value = 15
    sent(desk, book, f"{at}/use")
    book = opened(desk, f"{at}/return.xlsx")
    cell(book, "完好退回", row).value, cell(book, "损坏报废", row).value = 11, 1
    sent(desk, book, f"{at}/return", to_depot_id="d1")
    found = order_of(stocked, order)["lines"][0]
    assert {k: found[k] for k in ("received", "damaged", "missing", "used", "at_place", "in_transit")} == {
        "received": 27,
        "damaged": 3,
        "missing": 1,
        "used": 15,
        "at_place": 0,
        "in_transit": 0,
    }
    with stocked.store.reading() as conn:
        lines = audit.entries(conn, subject=order, limit=1)[0].details["request"]["lines"]
    assert set(lines[0]) == {"lot_id", "quantity", "damaged", "note"}, "what the sheet only shows is no entry"


def test_a_lot_that_is_not_of_the_order_is_refused(app_of: Flask, stocked: District) -> None:
    desk = browser(app_of, "dispatcher")
    request = str(supplies.reserve(stocked, ONE, REQUEST, key="first")["id"])
    supplies.place(stocked, ONE, request, key="placed")
    order = order_ids(stocked, request)[0]
    book = opened(desk, f"orders/{order}/issue.xlsx")
    cell(book, "批次编号 *", 5).value = "<script>x</script>"
    text = sent(desk, book, f"orders/{order}/issue", 404)
    assert "没有找到" in text
    assert "<script>x" not in text
    cell(book, "批次编号 *", 5).value = LOT
    book.worksheets[0].cell(7, 1, LOT)
    book.worksheets[0].cell(7, [c.value for c in book.worksheets[0][4]].index("出库数量") + 1, 1)
    assert "每个只填一行" in sent(desk, book, f"orders/{order}/issue", 422)
    assert order_of(stocked, order)["state"] == "ordered"


@pytest.mark.parametrize("declared", [PICKS, RECEIPT, USED, BACK])
def test_headers_of_a_sheet_are_told_apart(declared: Any) -> None:
    for lang in ("zh", "en"):
        titles = [entry.title.to(lang) for entry in declared]
        assert len(set(titles)) == len(titles)


# -- words ------------------------------------------------------------------------------------------


def test_what_a_cell_should_hold_is_said_in_chinese() -> None:
    rows = [{"row": 1, "column": "minimum", "value": "x", "expected": "a value, not a formula"}]
    assert refusals.faults(rows, "zh")[0]["expected"] == "填数值, 不能是公式"
    assert refusals.faults(rows, "en") == rows
    unknown = [{**rows[0], "expected": "something new"}]
    assert refusals.faults(unknown, "zh") == unknown
