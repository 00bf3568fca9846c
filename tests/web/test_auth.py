"""Who asks: log-in, cookies, tokens, the page's token, demo accounts, host names, and what the audit keeps of it."""

import contextlib
import re
import shutil
import sqlite3
import statistics
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient

from data import accounts, audit
from data.settings import Settings
from data.store import Store
from geo.errors import Conflict, Unauthenticated
from layers.actions import accounts as actions
from layers.actions.accounts import COMMAND_LINE, DEMO_PASSWORD
from layers.district import District
from tests.layers.conftest import EPSG, STAMP, Clock, fill
from tests.web.conftest import PASSWORD, Browser, browser
from web import MAX_REQUEST_BYTES, create_app
from web.auth import Serving, is_loopback

HTML = {"Accept": "text/html"}


@pytest.fixture(scope="module")
def town_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The town with a device as a file, its road network ordered; tests take copies."""
    path = tmp_path_factory.mktemp("town") / "town.gpkg"
    with Store.create(str(path), name="小镇", epsg=EPSG) as store:
        fill(store)
        with store.writing() as conn:
            store.upsert(conn, "device", pd.DataFrame({"id": ["g1"], "name": ["门"], "type": ["door"]}), **STAMP)
        District(store).view()
    return path


def copied(town_file: Path, path: Path, clock: Clock, *, demo: bool) -> District:
    shutil.copy(town_file, path)
    shutil.copytree(town_file.with_suffix(".cache"), path.with_suffix(".cache"))
    if demo:
        with contextlib.closing(sqlite3.connect(path)) as conn:
            conn.execute("UPDATE district SET demo = 1")
            conn.commit()
    return District(Store(str(path)), clock=clock)


@pytest.fixture
def house(town_file: Path, tmp_path: Path, clock: Clock) -> Iterator[District]:
    """A town of its own with one administrator and one dispatcher."""
    district = copied(town_file, tmp_path / "house.gpkg", clock, demo=False)
    for name, role in (("boss", "administrator"), ("ann", "dispatcher")):
        actions.add_account(
            district, COMMAND_LINE, name, name=f"{name} 的名字", role=role, password=PASSWORD, must_change=False
        )
    yield district
    district.store.close()


@pytest.fixture
def demo_town(town_file: Path, tmp_path: Path, clock: Clock) -> Iterator[District]:
    """A town that is a demo district."""
    district = copied(town_file, tmp_path / "demo.gpkg", clock, demo=True)
    yield district
    district.store.close()


def app_of(district: District, **serving: Any) -> Flask:
    return create_app(Settings(), "", district=district, serving=Serving(**serving))


def form_token(page: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found is not None
    return found.group(1)


def stranger(district: District, **serving: Any) -> FlaskClient:
    """A browser that carries nothing yet, and adds nothing by itself."""
    app = app_of(district, **serving)
    app.test_client_class = FlaskClient
    return app.test_client()


def log_in(client: FlaskClient, name: str = "ann", password: str = PASSWORD, **fields: str) -> Any:
    token = form_token(client.get("/login").get_data(as_text=True))
    return client.post("/login", data={"name": name, "password": password, "csrf_token": token, **fields})


def rows(district: District) -> list[audit.Entry]:
    """The audit, the oldest first; the accounts that the fixtures make are left out."""
    with district.store.reading() as conn:
        assert audit.verify(conn)[2] is None
        return [entry for entry in reversed(audit.entries(conn)) if entry.actor != COMMAND_LINE.id]


def told(district: District) -> list[tuple[str, str, str]]:
    return [(entry.actor, entry.action, entry.outcome) for entry in rows(district)]


# -- by which name and from where ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "ok"),
    [
        ("localhost", True),
        ("LOCALHOST", True),
        ("127.0.0.1", True),
        ("127.255.0.9", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("192.168.1.5", False),
        ("localhost.example", False),
        ("127.0.0.1.example", False),
        ("", False),
    ],
)
def test_loopback(host: str, ok: bool) -> None:
    assert is_loopback(host) is ok


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost:8000", "[::1]:8000", "127.0.0.1", "localhost"])
def test_this_machine_is_answered(host: str, client: FlaskClient) -> None:
    assert client.get("/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["map.example:8000", "10.0.0.2:8000", "127.0.0.1.example", "[::2]:80"])
@pytest.mark.parametrize("path", ["/", "/api/v1/status", "/tiles/base/5/1/1.pbf", "/static/onemap.css", "/login"])
def test_another_host_name_is_refused(host: str, path: str, client: FlaskClient) -> None:
    response = client.get(path, headers={"Host": host})
    assert response.status_code == 403


def test_another_machine_is_refused(client: FlaskClient) -> None:
    response = client.get("/api/v1/status", environ_base={"REMOTE_ADDR": "192.168.1.9"})
    assert response.status_code == 403
    assert "192.168.1.9" in response.get_json()["detail"]
    ok = client.get("/api/v1/status", environ_base={"REMOTE_ADDR": "127.0.0.1"})
    assert ok.status_code == 200


@pytest.mark.parametrize(
    ("serving", "names"),
    [
        ({"host": "192.168.1.5", "tls": True}, {"192.168.1.5": 1, "localhost": 0, "192.168.1.6": 0, "evil.example": 0}),
        ({"host": "0.0.0.0", "tls": True}, {"192.168.1.5": 1, "127.0.0.1": 1, "[fe80::1]": 1, "evil.example": 0}),
        (
            {"host": "0.0.0.0", "tls": True, "names": ("map.bureau",)},
            {"map.bureau": 1, "MAP.bureau:8443": 1, "map.bureau.": 1, "map.bureau.example": 0, "amap.bureau": 0},
        ),
        (
            {"host": "127.0.0.1", "behind_proxy": True, "names": ("map.bureau",)},
            {"map.bureau": 1, "localhost": 1, "10.0.0.9": 1, "evil.example": 0, "": 0},
        ),
        ({"host": "127.0.0.1", "names": ("map.local",)}, {"map.local": 1, "localhost": 1, "10.0.0.9": 0}),
    ],
)
def test_names_that_are_answered(serving: dict[str, Any], names: dict[str, int], house: District) -> None:
    client = stranger(house, **serving)
    found = {name: client.get("/healthz", headers={"Host": name}).status_code for name in names if name}
    assert found == {name: 200 if ok else 403 for name, ok in names.items() if name}
    assert not Serving(**serving).answers_to("")


def test_one_proxy_is_believed_and_no_second_one(house: District) -> None:
    client = stranger(house, behind_proxy=True, names=("map.bureau",))
    sent = {
        "X-Forwarded-For": "6.6.6.6, 192.168.1.20",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "map.bureau",
    }
    page = client.get("/login", headers=sent)
    assert "Secure" in page.headers["Set-Cookie"]
    data = {"name": "ann", "password": PASSWORD, "csrf_token": form_token(page.get_data(as_text=True))}
    assert client.post("/login", data=data, headers=sent).status_code == 403, "over TLS the referring page is asked for"
    there = {**sent, "Referer": "https://map.bureau/login"}
    assert client.post("/login", data=data, headers=there).status_code == 303
    assert [entry.address for entry in rows(house)] == ["192.168.1.20"]
    assert client.get("/healthz", headers={**sent, "X-Forwarded-Host": "evil.example"}).status_code == 403
    local = stranger(house)
    assert local.get("/healthz", headers={"X-Forwarded-Host": "evil.example"}).status_code == 200, "not believed here"


# -- log-in -------------------------------------------------------------------------------------------


def test_log_in_work_and_log_out(house: District) -> None:
    client = stranger(house)
    refused = client.get("/", headers=HTML)
    assert refused.status_code == 401
    assert 'name="password"' in refused.get_data(as_text=True), "the log-in stands in the place of the page"
    assert client.get("/api/v1/status").status_code == 401
    assert log_in(client).headers["Location"] == "/"
    status = client.get("/api/v1/status")
    assert status.get_json()["account"] == "ann"
    assert status.get_json()["role"] == "dispatcher"
    page = client.get("/").get_data(as_text=True)
    assert "ann 的名字" in page
    out = client.post("/logout", data={"csrf_token": form_token(page)})
    assert (out.status_code, out.headers["Location"]) == (303, "/login")
    assert client.get("/api/v1/status").status_code == 401
    assert told(house) == [("ann", "log in", "done"), ("ann", "log out", "done")]
    assert rows(house)[0].address == "127.0.0.1"


def test_an_old_cookie_opens_nothing_after_log_out(house: District) -> None:
    client = stranger(house)
    log_in(client)
    kept = client.get_cookie("onemap")
    assert kept is not None
    client.post("/logout", data={"csrf_token": form_token(client.get("/").get_data(as_text=True))})
    client.set_cookie("onemap", kept.value)
    assert client.get("/api/v1/status").status_code == 401


def test_a_session_known_before_the_log_in_is_worth_nothing_after_it(house: District) -> None:
    client = stranger(house)
    client.get("/login")
    planted = client.get_cookie("onemap")
    log_in(client)
    mine = client.get_cookie("onemap")
    assert planted is not None
    assert mine is not None
    assert planted.value != mine.value
    other = stranger(house)
    other.set_cookie("onemap", planted.value)
    assert other.get("/api/v1/status").status_code == 401
    with client.session_transaction() as kept:
        first = dict(kept)
    log_in(client)
    with client.session_transaction() as kept:
        assert kept["secret"] != first["secret"]
        assert "csrf_token" not in kept, "the token of the page is another one too"


def test_nobody_learns_whether_an_account_exists(house: District) -> None:
    actions.add_account(house, COMMAND_LINE, "gone", name="走了", role="viewer", password=PASSWORD)
    actions.disable_account(house, COMMAND_LINE, "gone")
    client = stranger(house)
    answers = set()
    for name, password in (("ann", "wrong"), ("nobody-at-all", "wrong"), ("gone", PASSWORD), ("' OR 1=1 --", "x")):
        response = log_in(client, name, password)
        page = re.sub(r'value="[^"]*"', "", response.get_data(as_text=True))
        answers.add((response.status_code, page, tuple(sorted(response.headers.keys()))))
    assert len(answers) == 1
    assert next(iter(answers))[0] == 401


def test_nor_by_the_clock(house: District, monkeypatch: pytest.MonkeyPatch) -> None:
    strong = PasswordHasher()
    monkeypatch.setattr(accounts, "HASHER", strong)
    monkeypatch.setattr(accounts, "_NOBODY", [])
    actions.reset_password(house, COMMAND_LINE, "ann", password="for this test only")
    verified: list[str] = []
    real = accounts.HASHER.verify

    class Counting:
        """The hasher, counting."""

        def __getattr__(self, name: str) -> Any:
            return getattr(accounts_hasher, name)

        def verify(self, kept: str, password: str) -> bool:
            verified.append(password)
            return real(kept, password)

    accounts_hasher = accounts.HASHER
    monkeypatch.setattr(accounts, "HASHER", Counting())
    took: dict[str, list[float]] = {"ann": [], "nobody-at-all": []}
    accounts.is_right("warm", None)
    verified.clear()
    for _ in range(4):
        for name, found in took.items():
            began = time.perf_counter()
            with pytest.raises(Unauthenticated):
                actions.log_in(house, name, "wrong")
            found.append(time.perf_counter() - began)
    assert len(verified) == 8, "one hash for every try, whether there is such an account or not"
    known, unknown = (statistics.median(found) for found in took.values())
    assert known == pytest.approx(unknown, rel=0.9), "a hash is nearly all the time it takes"


def test_five_wrong_passwords_lock_for_a_quarter_of_an_hour(house: District, clock: Clock) -> None:
    client = stranger(house)
    for _ in range(accounts.MAX_FAILURES):
        assert log_in(client, password="wrong wrong").status_code == 401
    assert log_in(client).status_code == 401, "the right one too"
    assert log_in(stranger(house), "boss").status_code == 303, "others are not"
    clock.now += accounts.LOCKED_FOR - timedelta(seconds=1)
    assert log_in(client).status_code == 401
    clock.now += timedelta(seconds=1)
    assert log_in(client).status_code == 303
    failed = [entry for entry in rows(house) if entry.outcome == "failed"]
    assert [entry.details["locked"] for entry in failed] == [False] * 4 + [True] * 3


def test_others_do_not_keep_an_account_locked_for_its_owner(house: District, clock: Clock) -> None:
    """Strangers at many addresses try without end; from the browser that was let in before its owner is."""
    mine = stranger(house)
    assert log_in(mine).status_code == 303
    for k in range(40):
        clock.now += accounts.LOCKED_FOR / 10
        other = stranger(house)
        other.environ_base["REMOTE_ADDR"] = f"127.0.0.{k + 2}"
        assert log_in(other, password=f"guess number {k}").status_code == 401
    assert log_in(stranger(house)).status_code == 401, "it is locked for everybody else, with the right one too"
    token = form_token(mine.get("/").get_data(as_text=True))
    assert mine.post("/logout", data={"csrf_token": token}).status_code == 303
    assert log_in(mine).status_code == 303
    assert log_in(stranger(house)).status_code == 401, "and stays so"
    assert log_in(mine, "boss").status_code == 303, "one browser is known to several accounts"
    assert audit_is_whole(house)


def audit_is_whole(house: District) -> bool:
    with house.store.reading() as conn:
        return audit.verify(conn)[2] is None


def test_a_known_browser_guesses_no_more_often_than_another(house: District) -> None:
    thief = stranger(house)
    log_in(thief)
    thief.post("/logout", data={"csrf_token": form_token(thief.get("/").get_data(as_text=True))})
    for _ in range(accounts.MAX_FAILURES):
        assert log_in(thief, password="guess guess").status_code == 401
    assert len(house.store.frame("known_browser")) == 0, "it is not known any more"
    for _ in range(accounts.MAX_FAILURES):
        assert log_in(thief, password="guess guess").status_code == 401
    assert log_in(thief).status_code == 401, "then the lock of the account is for it too"


@pytest.mark.parametrize("end", ["reset", "disable", "other account", "long ago", "made up"])
def test_when_a_browser_is_not_known(house: District, clock: Clock, end: str) -> None:
    mine, given = stranger(house), PASSWORD
    log_in(mine)
    if end == "reset":
        given = actions.reset_password(house, COMMAND_LINE, "ann")[1] or ""
    if end == "disable":
        actions.disable_account(house, COMMAND_LINE, "ann")
        actions.unlock_account(house, COMMAND_LINE, "ann")
    if end == "long ago":
        clock.now += accounts.KNOWN_FOR + timedelta(milliseconds=1)
    if end == "made up":
        mine.set_cookie("onemap_known", "x" * 201)
    name = "boss" if end == "other account" else "ann"
    for _ in range(accounts.MAX_FAILURES):
        log_in(stranger(house), name, "guess guess")
    assert log_in(mine, name, given).status_code == 401


def test_an_administrator_unlocks(house: District) -> None:
    client = stranger(house)
    for _ in range(accounts.MAX_FAILURES):
        log_in(client, password="wrong wrong")
    actions.unlock_account(house, COMMAND_LINE, "ann")
    assert log_in(client).status_code == 303


def test_what_was_typed_as_a_name_is_not_written_down_where_it_is_no_account(house: District) -> None:
    log_in(stranger(house), name="my-secret-password", password="ann")
    assert told(house) == [("nobody", "log in", "failed")]
    assert "my-secret" not in str(rows(house))


def test_a_first_password_must_be_changed(house: District) -> None:
    _, given = actions.add_account(house, COMMAND_LINE, "new", name="新人", role="planner")
    client = stranger(house)
    assert log_in(client, "new", given).headers["Location"] == "/password"
    assert client.get("/", headers=HTML).headers["Location"] == "/password"
    assert client.get("/api/v1/status").status_code == 403
    page = client.get("/password").get_data(as_text=True)
    mine = "three words are long"

    def change(old: str, new: str, again: str | None = None) -> Any:
        token = form_token(client.get("/password").get_data(as_text=True))
        return client.post(
            "/password", data={"old": old, "new": new, "again": new if again is None else again, "csrf_token": token}
        )

    assert "请先换成自己的" in page
    for status, text, answer in (
        (403, "现在的密码不对", change("not it at all", mine)),
        (422, "不一样", change(given, mine, mine + "x")),
        (422, "不合要求", change(given, "short")),
        (422, "不合要求", change(given, given)),
    ):
        assert answer.status_code == status
        assert text in answer.get_data(as_text=True)
    other = stranger(house)
    log_in(other, "new", given)
    done = change(given, mine)
    assert (done.status_code, done.headers["Location"]) == (303, "/")
    assert client.get("/api/v1/status").status_code == 200
    assert other.get("/api/v1/status").status_code == 401, "every other session is over"
    assert log_in(stranger(house), "new", given).status_code == 401
    assert log_in(stranger(house), "new", mine).status_code == 303
    with house.store.reading() as conn:
        kept = str(audit.entries(conn))
    assert mine not in kept
    assert given not in kept


def test_wrong_old_passwords_lock_too(house: District) -> None:
    client = stranger(house)
    log_in(client)
    for _ in range(accounts.MAX_FAILURES):
        token = form_token(client.get("/password").get_data(as_text=True))
        data = {"old": "guess guess", "new": "three words are long", "again": "three words are long"}
        assert client.post("/password", data={**data, "csrf_token": token}).status_code == 403
    assert client.get("/api/v1/status").status_code == 401, "whoever sits there has to come in again"
    assert log_in(client).status_code == 401


def test_a_session_ends_by_idling(house: District, clock: Clock) -> None:
    client = stranger(house)
    log_in(client)
    for _ in range(5):
        clock.now += accounts.IDLE - timedelta(minutes=1)
        assert client.get("/api/v1/status").status_code == 200, "every request keeps it"
    clock.now += accounts.IDLE
    assert client.get("/api/v1/status").status_code == 401


def test_a_restart_ends_no_session(house: District) -> None:
    client = stranger(house)
    log_in(client)
    kept = client.get_cookie("onemap")
    assert kept is not None
    again = stranger(house)
    again.set_cookie("onemap", kept.value)
    assert again.get("/api/v1/status").status_code == 200
    key = house.cache / "cookie.key"
    assert key.stat().st_mode & 0o077 == 0, "nobody else reads it"
    key.unlink()
    other = stranger(house)
    other.set_cookie("onemap", kept.value)
    assert other.get("/api/v1/status").status_code == 401


def test_a_better_hash_takes_the_place_of_an_old_one(house: District, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts, "HASHER", PasswordHasher(time_cost=2, memory_cost=64, parallelism=1))
    with house.store.reading() as conn:
        before = accounts.password_hash(conn, "ann")
    assert log_in(stranger(house)).status_code == 303
    with house.store.reading() as conn:
        after = accounts.password_hash(conn, "ann")
    assert before is not None
    assert after is not None
    assert "t=1" in before
    assert "t=2" in after
    assert log_in(stranger(house)).status_code == 303


@pytest.mark.parametrize(
    ("wanted", "goes_to"),
    [
        ("/?lang=en", "/?lang=en"),
        ("/atlas", "/atlas"),
        ("/api/v1/layers/teams.csv", "/api/v1/layers/teams.csv"),
        ("", "/"),
        ("//evil.example/", "/"),
        ("/\\evil.example/", "/"),
        ("\\\\evil.example", "/"),
        ("https://evil.example/", "/"),
        ("javascript:alert(1)", "/"),
        ("/\t/evil.example", "/"),
        ("/%2f/evil.example", "/"),
        ("/no/such/page", "/"),
        ("/logout", "/"),
        ("/login", "/"),
        ("/static/onemap.css", "/"),
        ("/\r\nSet-Cookie: a=b", "/"),
    ],
)
def test_after_the_log_in_one_stays_on_this_server(wanted: str, goes_to: str, house: District) -> None:
    response = log_in(stranger(house), next=wanted)
    assert response.status_code == 303
    assert response.headers["Location"] == goes_to


def test_the_page_that_was_asked_for_comes_after_the_log_in(house: District) -> None:
    client = stranger(house)
    page = client.get("/atlas?lang=zh", headers=HTML).get_data(as_text=True)
    assert 'name="next" value="/atlas?lang=zh"' in page


def test_forms_work_without_a_script_and_in_english(house: District) -> None:
    client = stranger(house)
    page = client.get("/login?lang=en").get_data(as_text=True)
    scripts = re.findall(r"<script[^>]*>", page)
    assert [tag for tag in scripts if "js/theme.js" not in tag] == [], "only what makes the choice of a theme handier"
    assert '<form method="post"' in page
    assert "Log in" in page
    assert "演示" not in page
    assert client.get("/login").headers["Cache-Control"] == "no-store"


# -- cookies ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("serving", "name", "secure"),
    [
        ({}, "onemap", False),
        ({"port": 8001}, "onemap_8001", False),
        ({"tls": True}, "__Host-onemap", True),
        ({"behind_proxy": True}, "__Host-onemap", True),
        ({"host": "10.0.0.2", "tls": True, "port": 8443}, "__Host-onemap_8443", True),
    ],
)
def test_cookies_are_kept_to_this_server(serving: dict[str, Any], name: str, secure: bool, house: District) -> None:
    host = serving.get("host", "localhost")
    cookie = stranger(house, **serving).get("/login", headers={"Host": host}).headers["Set-Cookie"]
    assert cookie.startswith(f"{name}=")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie
    assert ("Secure" in cookie) is secure


def test_answers_that_depend_on_who_asks_are_private(client: Browser) -> None:
    for path in ("/", "/api/v1/status", "/api/v1/layers", "/tiles/base/12/3422/1663.pbf", "/atlas", "/no/such"):
        response = client.get(path)
        assert "private" in response.headers["Cache-Control"], path
        assert "Cookie" in response.headers["Vary"], path
    with client.get("/static/onemap.css") as file:
        assert "private" not in file.headers.get("Cache-Control", "")


# -- the page's token ---------------------------------------------------------------------------------


def test_a_change_needs_the_token_of_the_page(house: District) -> None:
    client = browser(app_of(house))
    client.csrf = ""
    job = "/api/v1/zoning/jobs/none"
    refused = client.delete(job)
    assert refused.status_code == 403
    assert "load the page again" in refused.get_json()["detail"]
    wrong = client.delete(job, headers={"X-CSRFToken": "made up"})
    assert wrong.status_code == 403
    assert client.post("/api/v1/zoning/runs", json={"scheme": "natural"}).status_code == 403
    foreign = stranger(house)
    log_in(foreign)
    token = form_token(foreign.get("/").get_data(as_text=True))
    assert client.delete(job, headers={"X-CSRFToken": token}).status_code == 403, "somebody else's is none"
    client.csrf = Browser.csrf
    assert client.delete(job).status_code == 404
    assert told(house)[:3] == [
        ("test-administrator", "DELETE /api/v1/zoning/jobs/none", "refused"),
        ("test-administrator", "DELETE /api/v1/zoning/jobs/none", "refused"),
        ("test-administrator", "POST /api/v1/zoning/runs", "refused"),
    ]


def test_log_in_needs_it_too(house: District) -> None:
    client = stranger(house)
    assert client.post("/login", data={"name": "ann", "password": PASSWORD}).status_code == 403
    assert client.get("/api/v1/status").status_code == 401
    assert client.get("/logout").status_code == 405


def test_the_page_gives_its_scripts_the_token(house: District) -> None:
    client = stranger(house)
    log_in(client, "boss")
    page = client.get("/").get_data(as_text=True)
    token = re.search(r'"csrf": \{"header": "X-CSRFToken", "token": "([^"]+)"\}', page)
    assert token is not None
    answer = client.delete("/api/v1/zoning/jobs/none", headers={"X-CSRFToken": token.group(1)})
    assert answer.status_code == 404


def test_over_tls_the_page_must_be_this_server_s(house: District) -> None:
    client = browser(app_of(house, tls=True), None).log_in("administrator", "https://localhost")
    job = "/api/v1/zoning/jobs/none"
    here = "https://localhost"
    assert client.delete(job, base_url=here).status_code == 403
    assert client.delete(job, base_url=here, headers={"Referer": "https://evil.example/"}).status_code == 403
    assert client.delete(job, base_url=here, headers={"Referer": "https://localhost/"}).status_code == 404


# -- tokens of devices --------------------------------------------------------------------------------


def token(district: District, *scopes: str) -> tuple[str, dict[str, str]]:
    found, secret = actions.add_token(district, COMMAND_LINE, "g1", name="", scopes=scopes, days=30)
    return found["id"], {"Authorization": f"Bearer {secret}"}


def test_a_token_does_what_its_scopes_name(house: District, clock: Clock) -> None:
    client = stranger(house)
    name, reads = token(house, "map.read")
    _, reports = token(house, "device.report")
    status = client.get("/api/v1/status", headers=reads)
    assert status.get_json()["account"] == name
    assert status.get_json()["role"] == "viewer"
    assert "Set-Cookie" not in status.headers
    refused = client.get("/api/v1/status", headers=reports)
    assert refused.status_code == 403
    assert "device.report" in refused.get_json()["detail"]
    assert client.delete("/api/v1/zoning/jobs/x", headers=reads).status_code == 403
    assert [entry[1:] for entry in told(house)] == [
        ("GET /api/v1/status", "refused"),
        ("DELETE /api/v1/zoning/jobs/x", "refused"),
    ]
    assert client.get("/password", headers=reads).status_code == 403
    actions.revoke_token(house, COMMAND_LINE, name)
    assert client.get("/api/v1/status", headers=reads).status_code == 401
    _, later = token(house, "map.read")
    clock.now += timedelta(days=30)
    assert client.get("/api/v1/status", headers=later).status_code == 401


def test_beside_a_token_the_cookie_does_not_count(house: District) -> None:
    client = browser(app_of(house))
    assert client.get("/api/v1/status", headers={"Authorization": "Bearer nonsense"}).status_code == 401
    client.csrf = ""
    wrong = client.delete("/api/v1/zoning/jobs/x", headers={"Authorization": "Bearer nonsense"})
    assert wrong.status_code == 401, "no way around the page's token"
    basic = client.delete("/api/v1/zoning/jobs/x", headers={"Authorization": "Basic YTpi"})
    assert basic.status_code == 403


def test_a_token_has_no_more_than_a_device_needs(house: District) -> None:
    from geo.errors import InputError

    for scope in ("account.manage", "supply.issue", "self.manage"):
        with pytest.raises(InputError, match="a token may have"):
            actions.add_token(house, COMMAND_LINE, "g1", name="", scopes=[scope], days=1)
    for days in (0, 367):
        with pytest.raises(InputError, match="1 to 366"):
            actions.add_token(house, COMMAND_LINE, "g1", name="", scopes=["map.read"], days=days)


def test_the_audit_knows_tokens_and_accounts_without_their_secrets(house: District) -> None:
    name, headers = token(house, "map.read")
    actions.reset_password(house, COMMAND_LINE, "ann", password="a new one for ann")
    with house.store.reading() as conn:
        found = audit.entries(conn)
    text = str(found)
    assert headers["Authorization"].split()[1] not in text
    assert "a new one for ann" not in text
    assert "$argon2" not in text
    assert [entry.action for entry in found[:2]] == ["reset password", "add token"]
    assert found[1].subject == name
    assert [entry.subject for entry in found if entry.action == "add account"] == ["ann", "boss"]


# -- demo ---------------------------------------------------------------------------------------------


def test_a_demo_opens_as_a_viewer_on_this_machine_and_writing_needs_an_account(demo_town: District) -> None:
    printed = actions.first_start(demo_town, local=True)
    assert DEMO_PASSWORD in printed[0]
    client = stranger(demo_town)
    page = client.get("/", headers=HTML)
    assert page.status_code == 200
    assert DEMO_PASSWORD not in page.get_data(as_text=True)
    assert client.get("/api/v1/status").get_json()["account"] == "anonymous"
    assert client.delete("/api/v1/zoning/jobs/x").status_code == 401
    assert client.get("/password", headers=HTML).status_code == 401
    shown = client.get("/login").get_data(as_text=True)
    for name in ("demo-viewer", "demo-dispatcher", "demo-keeper", "demo-planner", "demo-admin"):
        assert name in shown
        assert name in printed[0]
    assert DEMO_PASSWORD in shown
    assert log_in(client, "demo-planner", DEMO_PASSWORD).status_code == 303
    page_text = client.get("/").get_data(as_text=True)
    assert client.delete("/api/v1/zoning/jobs/x", headers={"X-CSRFToken": form_token(page_text)}).status_code == 404
    assert client.post("/logout", data={"csrf_token": form_token(page_text)}).headers["Location"] == "/"
    assert client.get("/api/v1/status").get_json()["account"] == "anonymous"
    with demo_town.store.reading() as conn:
        assert accounts.account(conn, "demo-keeper").depot_id == "d1"
    assert actions.first_start(demo_town, local=True) == printed, "printed at every start, made once"


def test_a_demo_password_stays_as_it_is_printed(demo_town: District) -> None:
    actions.first_start(demo_town, local=True)
    client = stranger(demo_town)
    log_in(client, "demo-viewer", DEMO_PASSWORD)
    assert "不能修改" in client.get("/password").get_data(as_text=True)
    token = form_token(client.get("/").get_data(as_text=True))
    data = {"old": DEMO_PASSWORD, "new": "three words are long", "again": "three words are long", "csrf_token": token}
    assert client.post("/password", data=data).status_code == 409
    with pytest.raises(Conflict, match="stays"):
        actions.reset_password(demo_town, COMMAND_LINE, "demo-viewer")


@pytest.mark.parametrize(
    "serving", [{"host": "192.168.1.5", "tls": True}, {"behind_proxy": True}, {"host": "0.0.0.0", "tls": True}]
)
def test_elsewhere_a_demo_is_closed(serving: dict[str, Any], demo_town: District) -> None:
    actions.first_start(demo_town, local=True)
    with pytest.raises(Conflict, match="user disable --demo"):
        actions.first_start(demo_town, local=False)
    # and should such a server run all the same:
    here = "https://192.168.1.5"
    client = stranger(demo_town, **serving)
    assert client.get("/api/v1/status", base_url=here).status_code == 401
    page = client.get("/login", base_url=here).get_data(as_text=True)
    assert DEMO_PASSWORD not in page
    data = {"name": "demo-admin", "password": DEMO_PASSWORD, "csrf_token": form_token(page)}
    referer = {"Referer": f"{here}/"}
    assert client.post("/login", data=data, base_url=here, headers=referer).status_code == 401
    assert sorted(actions.disable_demo_accounts(demo_town, COMMAND_LINE))[0] == "demo-admin"
    printed = actions.first_start(demo_town, local=False)
    assert "the first administrator: account admin" in printed[0]
    assert actions.first_start(demo_town, local=False) == []
    assert actions.first_start(demo_town, local=True) == [], "disabled demo accounts do not come back"


def test_the_first_start_makes_one_administrator_and_says_the_password_once(
    town_file: Path, tmp_path: Path, clock: Clock
) -> None:
    district = copied(town_file, tmp_path / "new.gpkg", clock, demo=False)
    printed = actions.first_start(district, local=True)
    password = printed[0].split("password ")[1]
    assert actions.first_start(district, local=True) == []
    assert log_in(stranger(district), "admin", password).headers["Location"] == "/password"
    with district.store.reading() as conn:
        assert [(one.id, one.role, one.must_change) for one in accounts.accounts(conn)] == [
            ("admin", "administrator", True)
        ]
        assert password not in str(audit.entries(conn))
    district.store.close()


# -- limits -------------------------------------------------------------------------------------------


def test_what_is_too_large_is_said(house: District) -> None:
    client = browser(app_of(house))
    client.application.config["MAX_CONTENT_LENGTH"] = 1_000
    sent = client.post("/api/v1/zoning/runs", data="x" * 1_001, content_type="application/json")
    assert sent.status_code == 413
    assert "1,000 bytes" in sent.get_json()["detail"]
    fits = client.post("/api/v1/zoning/runs", data="x" * 1_000, content_type="application/json")
    assert fits.status_code == 422
    assert app_of(house).config["MAX_CONTENT_LENGTH"] == MAX_REQUEST_BYTES


def test_a_refusal_is_written_once(house: District) -> None:
    client = browser(app_of(house), "viewer")
    assert client.post("/api/v1/zoning/runs", json={"scheme": "natural"}).status_code == 403
    assert told(house) == [("test-viewer", "POST /api/v1/zoning/runs", "refused")]
    assert "zoning.run" in rows(house)[0].details["problem"]


def test_a_crowd_at_the_door_gets_no_more_tries_than_one(house: District) -> None:
    """Thirty guesses at once, the right one among them from the start: whoever is let in came before the lock."""
    from concurrent.futures import ThreadPoolExecutor

    def guess(k: int) -> bool:
        try:
            actions.log_in(house, "ann", PASSWORD if k >= 15 else f"guess number {k}")
        except Unauthenticated:
            return False
        return True

    for _ in range(accounts.MAX_FAILURES):
        guess(0)
    with ThreadPoolExecutor(12) as pool:
        assert not any(pool.map(guess, range(30)))
    outcomes = [entry.outcome for entry in rows(house)]
    assert outcomes == ["failed"] * (accounts.MAX_FAILURES + 30)
    with house.store.reading() as conn:
        assert accounts.account(conn, "ann").failures == accounts.MAX_FAILURES
