"""The administrator's pages: every form, what is shown once, what ends at once, and what the audit keeps of it."""

import io
import re
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
from flask import Flask

from data import accounts, audit
from data.settings import Settings
from layers.actions import accounts as actions
from layers.actions.accounts import COMMAND_LINE
from layers.audit_texts import ACTIONS, action_text
from layers.district import District
from tests.layers.conftest import STAMP
from tests.web.conftest import PASSWORD, Browser, browser
from tests.web.test_board import hidden, page, post
from web import create_app


@pytest.fixture
def app(own_town: District) -> Flask:
    with own_town.store.writing() as conn:
        device = pd.DataFrame({"id": ["g1"], "name": ["<b>门"], "type": ["door"]})
        own_town.store.upsert(conn, "device", device, **STAMP)
    return create_app(Settings(), "", district=own_town)


@pytest.fixture
def admin(app: Flask) -> Browser:
    return browser(app, "administrator")


def known(district: District, name: str) -> accounts.Account:
    with district.store.reading() as conn:
        return accounts.account(conn, name)


def rows(district: District) -> list[audit.Entry]:
    with district.store.reading() as conn:
        assert audit.verify(conn)[2] is None
        return audit.entries(conn)


def secret_of(text: str) -> str:
    found = re.search(r'<code class="secret">([^<]+)</code>', text)
    assert found is not None
    return found[1]


def act(client: Browser, where: str, action: str, status: int = 303, **typed: Any) -> str:
    """Fill in the form of a page and send it."""
    fields = hidden(page(client, f"/admin/{where}"), f"/admin/{action}")
    return post(client, f"/admin/{action}", status, {**fields, **typed})


def let_in(district: District, name: str, password: str) -> bool:
    try:
        actions.log_in(district, name, password)
    except Exception:
        return False
    return True


# -- accounts ---------------------------------------------------------------------------------------


def test_an_account_is_made_and_its_password_shown_once(admin: Browser, own_town: District) -> None:
    text = act(admin, "accounts", "accounts", 200, account="Li.Wei", name="李伟<script>", role="planner")
    password = secret_of(text)
    assert "<script>" not in text.replace('<script type="module"', "")
    assert let_in(own_town, "li.wei", password)
    found = known(own_town, "li.wei")
    assert (found.role, found.must_change, found.name) == ("planner", True, "李伟<script>")
    assert password not in page(admin, "/admin/accounts")
    assert password not in str(rows(own_town))
    made = rows(own_town)[1]
    assert (made.actor, made.action, made.subject) == ("test-administrator", "add account", "li.wei")


def test_the_same_form_twice_makes_one_account_and_shows_nothing(admin: Browser, own_town: District) -> None:
    fields = {**hidden(page(admin, "/admin/accounts"), "/admin/accounts"), "account": "new", "role": "viewer"}
    first = secret_of(post(admin, "/admin/accounts", 200, fields))
    again = post(admin, "/admin/accounts", 200, fields)
    assert "不会再显示" in again
    assert "secret" not in again.split('id="list-accounts"')[0].split("once")[1]
    assert let_in(own_town, "new", first)


@pytest.mark.parametrize(
    ("typed", "status", "said"),
    [
        ({"account": "", "role": "viewer"}, 422, "账号没有填"),
        ({"account": "x y", "role": "viewer"}, 422, "要 2 到 40 个字母"),
        ({"account": "system", "role": "viewer"}, 422, "由系统自己使用"),
        ({"account": "test-administrator", "role": "viewer"}, 409, "已有, 请换一个"),
        ({"account": "new", "role": "keeper"}, 422, "仓库管理员要选一座仓库或一个街道"),
        ({"account": "new", "role": "viewer", "bound": "depot:d1"}, 422, "只给仓库管理员"),
        ({"account": "new", "role": "keeper", "bound": "depot:d9"}, 404, "there is no such depot"),
        ({"account": "new", "role": "keeper", "bound": "nonsense"}, 422, "仓库管理员要选一座仓库或一个街道"),
        ({"account": "new", "role": "emperor"}, 422, "role=emperor"),
    ],
)
def test_what_cannot_be_is_said_and_stays_typed(
    admin: Browser, own_town: District, typed: dict[str, str], status: int, said: str
) -> None:
    before = len(own_town.store.frame("account"))
    text = act(admin, "accounts", "accounts", status, **typed)
    assert said in text.replace("&#39;", "'")
    assert f'value="{typed["account"]}"' in text
    assert len(own_town.store.frame("account")) == before


def test_role_and_place_count_from_the_next_request_on(app: Flask, admin: Browser, own_town: District) -> None:
    other = browser(app, "dispatcher")
    assert other.get("/supplies").status_code == 200
    where = "accounts/test-dispatcher"
    act(admin, where, f"{where}/role", role="keeper", bound="street:西街道")
    found = known(own_town, "test-dispatcher")
    assert (found.role, found.street, found.depot_id) == ("keeper", "西街道", None)
    assert 'value="street:西街道" selected' in page(admin, f"/admin/{where}")
    act(admin, where, f"{where}/role", role="viewer", bound="")
    assert other.get("/supplies").status_code == 403
    assert "已经是这个角色" in act(admin, where, f"{where}/role", 409, role="viewer", bound="")


def test_the_last_administrator_stays(admin: Browser, own_town: District) -> None:
    where = "accounts/test-administrator"
    for change, typed in (("role", {"role": "viewer"}), ("disable", {})):
        assert "最后一个管理员" in act(admin, where, f"{where}/{change}", 409, **typed)
    actions.add_account(own_town, COMMAND_LINE, "boss", name="b", role="administrator", password=PASSWORD)
    act(admin, where, f"{where}/role", role="viewer")
    assert admin.get("/admin/accounts").status_code == 403, "and that at once"


def test_a_reset_password_ends_the_sessions(app: Flask, admin: Browser, own_town: District) -> None:
    other = browser(app, "planner")
    where = "accounts/test-planner"
    assert "127.0.0.1" in page(admin, f"/admin/{where}").split('id="h-sessions"')[1]
    given = secret_of(act(admin, where, f"{where}/password", 200))
    assert other.get("/api/v1/status").status_code == 401
    assert not let_in(own_town, "test-planner", PASSWORD)
    assert let_in(own_town, "test-planner", given)
    assert known(own_town, "test-planner").must_change


def test_sessions_end_without_another_password(app: Flask, admin: Browser, own_town: District) -> None:
    one, two = browser(app, "planner"), browser(app, "planner")
    where = "accounts/test-planner"
    act(admin, where, f"{where}/sessions")
    assert [client.get("/api/v1/status").status_code for client in (one, two)] == [401, 401]
    assert let_in(own_town, "test-planner", PASSWORD)
    entry = next(entry for entry in rows(own_town) if entry.action == "end sessions")
    assert (entry.subject, entry.details["answer"]["ended"]) == ("test-planner", 2)


def test_disabled_and_let_in_again(app: Flask, admin: Browser, own_town: District) -> None:
    other = browser(app, "planner")
    where = "accounts/test-planner"
    act(admin, where, f"{where}/disable")
    assert other.get("/api/v1/status").status_code == 401
    assert not let_in(own_town, "test-planner", PASSWORD)
    assert "停用" in page(admin, "/admin/accounts")
    act(admin, where, f"{where}/unlock")
    assert let_in(own_town, "test-planner", PASSWORD)
    for _ in range(accounts.MAX_FAILURES):
        let_in(own_town, "test-planner", "guess guess")
    assert "锁定到 2026-07-01 10:15" in page(admin, "/admin/accounts")
    act(admin, where, f"{where}/unlock")
    assert let_in(own_town, "test-planner", PASSWORD)


def test_an_account_that_is_not_there(admin: Browser) -> None:
    page(admin, "/admin/accounts/nobody-here", 404)
    for change in ("role", "password", "sessions", "disable", "unlock"):
        post(admin, f"/admin/accounts/nobody-here/{change}", 404, {"key": change, "role": "viewer"})


# -- tokens -----------------------------------------------------------------------------------------


def test_a_token_is_shown_once_works_and_is_revoked(app: Flask, admin: Browser, own_town: District) -> None:
    text = act(admin, "tokens", "tokens", 200, device_id="g1", name="东门", days="30", scope="device.report")
    secret = secret_of(text)
    assert secret.startswith(accounts.TOKEN_PREFIX)
    assert secret not in page(admin, "/admin/tokens")
    assert secret not in str(rows(own_town))
    with own_town.store.reading() as conn:
        token = accounts.tokens(conn)[0]
    assert token.expires_utc == "2026-07-31T02:00:00.000Z"
    device = app.test_client()
    bearer = {"Authorization": f"Bearer {secret}"}
    reading = {"readings": [{"measured_utc": "2026-07-01T02:00:00Z", "open": True}]}
    assert device.post("/api/v1/readings", json=reading, headers=bearer).status_code == 200
    for path in ("/api/v1/supplies/orders", "/api/v1/status", "/supplies", "/admin/tokens", "/admin/audit"):
        assert device.get(path, headers=bearer).status_code == 403, path
    act(admin, "tokens", f"tokens/{token.id}/revoke")
    assert device.post("/api/v1/readings", json=reading, headers=bearer).status_code == 401
    assert "吊销" in page(admin, "/admin/tokens")
    assert "已经吊销" in post(admin, f"/admin/tokens/{token.id}/revoke", 409, {"key": "again"})


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"days": "0"}, "写 1 到 366 的整数"),
        ({"days": "367"}, "写 1 到 366 的整数"),
        ({"days": "-1"}, "写 1 到 366 的整数"),
        ({"days": "１0"}, "写 1 到 366 的整数"),
        ({"days": ""}, "有效天数没有填"),
        ({"device_id": ""}, "终端没有填"),
        ({"scope": []}, "至少选一项权限"),
        ({"scope": ["supply.order"]}, "scope=supply.order"),
    ],
)
def test_tokens_that_cannot_be(admin: Browser, own_town: District, typed: dict[str, Any], said: str) -> None:
    fields = {"device_id": "g1", "days": "1", "scope": ["device.report"], **typed}
    assert said in act(admin, "tokens", "tokens", 422, **fields)
    assert len(own_town.store.frame("token")) == 0


def test_a_device_that_is_not_there_has_no_token(admin: Browser) -> None:
    assert "没有终端 g9" in act(admin, "tokens", "tokens", 404, device_id="g9", days="1", scope="device.report")


# -- the audit --------------------------------------------------------------------------------------


def test_the_audit_is_read_by_subject_and_time(admin: Browser, own_town: District) -> None:
    actions.add_account(own_town, COMMAND_LINE, "ann", name="a", role="viewer", password=PASSWORD)
    text = page(admin, "/admin/audit")
    assert text.count("新建账号") == 2
    assert page(admin, "/admin/audit?subject=ann").count("新建账号") == 1
    assert page(admin, "/admin/audit?since=2026-07-01T10:00").count("新建账号") == 2, "the bound is included"
    assert page(admin, "/admin/audit?since=2026-07-01T10:01").count("新建账号") == 0
    page(admin, "/admin/audit?since=yesterday", 422)
    response = admin.get("/admin/audit.xlsx?subject=ann")
    sheet = openpyxl.load_workbook(io.BytesIO(response.data)).worksheets[0]
    assert [sheet.cell(4, column).value for column in (2, 5, 6)] == ["command line", "新建账号", "ann"]


def test_every_route_of_the_audit_has_words() -> None:
    """Read from the code of the actions: whoever adds one gives it words."""
    code = "".join(path.read_text(encoding="utf-8") for path in sorted(Path(actions.__file__).parent.glob("*.py")))
    code = re.sub(r"\s+", " ", code) + (Path(actions.__file__).parents[1] / "zoning" / "runs.py").read_text("utf-8")
    routes = set(re.findall(r'(?:route=|_managed\( ?district, actor, )"([^"]+)"', code))
    routes |= {f"supplies.{name}" for name in re.findall(r'_on_(?:order|request)\([^"]*"[\w.]+", "(\w+)"', code)}
    routes |= set(re.findall(r'"(stock\.\w+)", change, depot', code)) | {"log in"}
    assert len(routes) > 30
    assert {"supplies.issue", "stock.count", "add account"} <= routes
    assert routes <= set(ACTIONS)
    assert action_text("import stock_levels", "zh") == "导入 库存限额"
    assert action_text("import stock_levels", "en") == "import stock levels"
    assert action_text("POST /supplies/x", "zh") == "POST /supplies/x"


def test_whoever_is_no_administrator_sees_nothing_of_it(app: Flask, own_town: District) -> None:
    with own_town.store.reading() as conn:
        count = audit.verify(conn)[0]
    for role in ("viewer", "dispatcher", "keeper", "planner"):
        client = browser(app, role)
        assert "/admin/" not in page(client, "/")
        for path in ("accounts", "accounts/test-viewer", "tokens", "audit", "audit.xlsx"):
            page(client, f"/admin/{path}", 403)
        post(client, "/admin/accounts", 403, {"key": "k", "account": "mine", "role": "administrator"})
        post(client, "/admin/accounts/test-viewer/role", 403, {"key": "k", "role": "administrator"})
    assert "/admin/accounts" in page(browser(app, "administrator"), "/")
    assert "mine" not in own_town.store.frame("account")["id"].tolist()
    with own_town.store.reading() as conn:
        assert audit.verify(conn)[0] >= count + 4 * 7, "every refusal is in the audit"


@pytest.mark.parametrize("path", ["accounts", "accounts/test-administrator", "tokens", "audit"])
def test_pages_in_english_and_without_anything_inline(admin: Browser, path: str) -> None:
    text = page(admin, f"/admin/{path}?lang=en")
    assert "账号" not in text
    assert " style=" not in text
    assert re.findall(r"<script(?![^>]*(?:src=|type=\"application/json\"))", text) == []
