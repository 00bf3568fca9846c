"""Errors: problem details for programs, a page for people, a urn instead of a stack."""

import logging

import pytest
from flask import Flask

from data.settings import Settings
from geo.errors import ImportRefused, NotFound, Unavailable
from layers.district import District
from web import create_app
from web.auth import PUBLIC, needs


class Panic(BaseException):
    """As native code raises it."""


@pytest.fixture
def broken(town: District) -> Flask:
    app = create_app(Settings(), "", district=town)

    @app.get("/api/v1/secret")
    @needs(PUBLIC)
    def secret() -> str:
        raise RuntimeError("password=hunter2")

    @app.get("/api/v1/panic")
    @needs(PUBLIC)
    def panic() -> str:
        raise Panic("at src/lib.rs:1")

    @app.get("/api/v1/refused")
    @needs(PUBLIC)
    def refused() -> str:
        raise ImportRefused("teams.csv: refused", [{"row": 3, "column": "lon", "value": "x", "expected": "a number"}])

    @app.get("/broken-page")
    @needs(PUBLIC)
    def broken_page() -> str:
        raise RuntimeError("password=hunter2")

    @app.get("/nothing-there")
    @needs(PUBLIC)
    def nothing_there() -> str:
        raise NotFound("there is no closure 'C-<9>'")

    @app.get("/api/v1/away")
    @needs(PUBLIC)
    def away() -> str:
        raise Unavailable("the database is locked; try again")

    return app


@pytest.mark.parametrize("path", ["/api/v1/secret", "/api/v1/panic"])
def test_unknown_error_is_answered_by_its_number_only(
    path: str, broken: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        response = broken.test_client().get(path)
    assert response.status_code == 500
    assert response.content_type == "application/problem+json"
    problem = response.get_json()
    text = response.get_data(as_text=True)
    assert "hunter2" not in text
    assert "lib.rs" not in text
    assert problem["instance"].startswith("urn:uuid:")
    assert problem["instance"] in problem["detail"]
    assert problem["instance"] in caplog.text
    assert response.headers["Cache-Control"] == "no-store"


def test_rows_of_a_refused_file_are_told(broken: Flask) -> None:
    problem = broken.test_client().get("/api/v1/refused").get_json()
    assert problem["code"] == "import-refused"
    assert problem["rows"] == [{"row": 3, "column": "lon", "value": "x", "expected": "a number"}]


def test_unavailable_is_503(broken: Flask) -> None:
    response = broken.test_client().get("/api/v1/away")
    assert response.status_code == 503
    assert response.get_json()["type"] == "urn:onemap:problem:unavailable"


def test_a_person_gets_a_page(broken: Flask) -> None:
    response = broken.test_client().get("/no/<b>such</b>/page", headers={"Accept": "text/html"})
    assert response.status_code == 404
    assert response.content_type.startswith("text/html")
    text = response.get_data(as_text=True)
    assert "<b>such" not in text
    assert "回到一张图" in text


@pytest.mark.parametrize(
    ("method", "path", "status", "zh", "en"),
    [
        ("GET", "/no/such/page", 404, ("没有找到", "检查名称或编号。"), ("Not found", "Check the name or the id.")),
        ("DELETE", "/login", 405, ("出错了", "DELETE /login", "回到上一页再试。"), ("Something went wrong", "Go back")),
        ("POST", "/login", 413, ("数据太多", "超过 10 字节", "分成几份"), ("larger than 10 bytes", "in parts")),
        ("POST", "/login", 403, ("不允许", "这一页已过期", "刷新页面后再试。"), ("load the page again",)),
        (
            "GET",
            "/nothing-there",
            404,
            ("没有找到", "没有找到封闭 C-&lt;9&gt;。", "检查名称或编号。"),
            ("there is no closure &#39;C-&lt;9&gt;&#39;", "Check the name or the id."),
        ),
        ("GET", "/broken-page", 500, ("内部错误", "urn:uuid:", "把编号报给维护人员"), ("Internal error", "urn:uuid:")),
    ],
)
def test_the_page_says_what_went_wrong_and_what_to_do(
    method: str, path: str, status: int, zh: tuple[str, ...], en: tuple[str, ...], broken: Flask
) -> None:
    if status == 413:
        broken.config["MAX_CONTENT_LENGTH"] = 10
    for lang, words in (("zh", zh), ("en", en)):
        response = broken.test_client().open(
            f"{path}?lang={lang}", method=method, data={"text": "longer than that"}, headers={"Accept": "text/html"}
        )
        assert response.status_code == status
        text = response.get_data(as_text=True)
        for one in (str(status), *words):
            assert one in text, one
        assert "hunter2" not in text
        assert ("urn:uuid:" in text) == (status == 500)


def test_a_program_gets_problem_details_even_for_a_page(broken: Flask) -> None:
    response = broken.test_client().get("/nothing", headers={"Accept": "application/json"})
    assert response.status_code == 404
    assert response.get_json()["status"] == 404
