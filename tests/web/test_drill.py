"""In a drill everything says so: every page, and everything that leaves the screen."""

import io
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pypdfium2
import pytest
from flask import Flask

from data.drill import make_drill
from data.settings import Settings
from data.store import Store
from layers.actions import supplies
from layers.actions.registers import SHEETS as SHEETS_OF_REGISTERS
from layers.district import DEMO, DRILL, District
from tests.layers.conftest import EPSG, NOW, fill
from tests.web.conftest import Browser, browser
from tests.web.test_board import ONE, PAGES, REQUEST, SHEETS, stock
from web import create_app


@pytest.fixture(scope="module")
def drilled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Flask, str, str]]:
    """The app over the drill of a town with a request and an order."""
    folder = tmp_path_factory.mktemp("drill")
    with Store.create(str(folder / "town.gpkg"), name="小镇", epsg=EPSG) as store:
        fill(store)
        real = stock(District(store, clock=lambda: NOW))
        made = supplies.reserve(real, ONE, REQUEST, key="first")
        copy = make_drill(store, now_utc=NOW)
    with Store(copy) as store:
        app = create_app(Settings(), "", district=District(store, clock=lambda: NOW))
        yield app, made["id"], made["orders"][0]["id"]


@pytest.fixture
def admin(drilled: tuple[Flask, str, str]) -> Browser:
    return browser(drilled[0])


def text_of(pdf: bytes) -> list[str]:
    document = pypdfium2.PdfDocument(pdf)
    try:
        return [page.get_textpage().get_text_bounded() for page in document]
    finally:
        document.close()


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_page_says_so(drilled: tuple[Flask, str, str], admin: Browser, lang: str) -> None:
    _, request, order = drilled
    more = ["/", "/login", "/password", "/no/such", "/admin/accounts", "/admin/tokens", "/admin/audit"]
    for path in (*PAGES, *more, f"/supplies/requests/{request}", f"/supplies/orders/{order}"):
        joint = "&" if "?" in path else "?"
        text = admin.get(f"{path}{joint}lang={lang}", headers={"Accept": "text/html"}).get_data(as_text=True)
        assert '<body class="drill-mode">' in text, path
        assert ("演练" if lang == "zh" else "DRILL") in text.split("<body")[1].split("</p>")[0], path


@pytest.mark.parametrize("path", SHEETS)
def test_every_sheet_says_so(admin: Browser, path: str) -> None:
    sheet = openpyxl.load_workbook(io.BytesIO(admin.get(path).data)).worksheets[0]
    assert DRILL.zh in f"{sheet['A1'].value} {sheet['A2'].value}"


@pytest.mark.parametrize("kind", SHEETS_OF_REGISTERS)
def test_a_register_says_so_and_is_imported_again_as_it_is(admin: Browser, kind: str) -> None:
    content = admin.get(f"/supplies/sheets/{kind}.xlsx").data
    sheet = openpyxl.load_workbook(io.BytesIO(content)).worksheets[0]
    assert sheet.title.startswith("演练用 ")
    assert sheet.oddHeader.center.text == DRILL.zh
    form = {"kind": kind, "do": "check", "sheet": (io.BytesIO(content), "a.xlsx")}
    answer = admin.post("/supplies/sheets", data=form, content_type="multipart/form-data")
    if sheet["A2"].value is None:
        assert "表里没有数据行。" in answer.get_data(as_text=True)
    else:
        assert "新增 0, 更改 0" in answer.get_data(as_text=True)


def test_papers_and_the_atlas_say_so(drilled: tuple[Flask, str, str], admin: Browser) -> None:
    _, request, order = drilled
    papers = (
        f"/supplies/requests/{request}/upward.pdf",
        "/supplies/depots/d1/count.pdf",
        f"/api/v1/supplies/orders/{order}/waybill.pdf",
        "/api/v1/sheet/depots.pdf",
    )
    for path in papers:
        response = admin.get(path)
        assert response.status_code == 200, path
        assert all(DRILL.zh in page for page in text_of(response.data)), path
    assert DRILL.zh in admin.get("/atlas").get_data(as_text=True)


def test_the_real_one_and_a_demo_do_not(tmp_path: Path) -> None:
    with Store.create(str(tmp_path / "town.gpkg"), name="小镇", epsg=EPSG) as store:
        fill(store)
        town = District(store, clock=lambda: NOW)
        assert town.warning is None
        client = browser(create_app(Settings(), "", district=town))
        assert "drill-mode" not in client.get("/supplies").get_data(as_text=True)
        sheet = openpyxl.load_workbook(io.BytesIO(client.get("/supplies/lists/low.xlsx").data)).worksheets[0]
        assert DRILL.zh not in str(sheet["A2"].value)
        with store.writing() as conn:
            conn.exec_driver_sql("UPDATE district SET demo = 1")
    with Store(tmp_path / "town.gpkg") as store:
        assert District(store).warning is DEMO
