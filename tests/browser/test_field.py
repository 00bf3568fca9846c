"""The phone in the field: what is read and entered without a network, and that it is booked once, by who entered it.

The server is a process of its own that is really stopped and started again on the same port.
"""

import re
import secrets
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from data.store import Store
from layers.actions import supplies
from layers.actions.accounts import DEMO_PASSWORD
from layers.district import District
from layers.permissions import Actor
from tests.browser.conftest import PATIENCE_MS, SCREENSHOTS, wait_until
from tests.browser.test_accessible import broken
from tests.browser.test_supplies import fits
from tests.program import ROOT, end, serve
from web.field import LAYERS

pytestmark = pytest.mark.browser

VIEWS = ("map", "nearest", "position", "receive", "queue")
ADMINISTRATOR = Actor("demo-admin", "demo-admin", "administrator")
FIX = {"longitude": 120.861, "latitude": 32.011, "accuracy": 25}
ITEM = "P-1-01-05"


class House:
    """A server over a district of its own, that can be stopped."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self.address = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        self.process, _, _ = serve(self.path, port=self.port)
        self._warm_up()

    def _warm_up(self) -> None:
        """The first question of each kind takes long on a busy machine; nothing here is about that."""
        for path in (
            "layers",
            *(f"layers/{name}.geojson" for name in LAYERS),
            "around?at=120.86,32.01&minutes=180&kinds=shelters",
            "around?at=120.86,32.01&radius_m=200000&kinds=depots",
        ):
            with urllib.request.urlopen(f"{self.address}/api/v1/{path}", timeout=180) as answer:
                assert answer.read()

    def stop(self) -> None:
        assert self.process is not None
        end(self.process)
        self.process = None

    def order(self, quantity: int, *, to_depot: str | None = None) -> str:
        """An order of quilts that is on its way with the vehicle of the tests; its number."""
        with Store(self.path) as store:
            district = District(store)
            body = {
                "to": [120.86, 32.01],
                "unit": "钟秀街道办",
                "place": "示意安置点",
                "contact": "值班室",
                "needs": [{"item_id": ITEM, "quantity": quantity}],
                "to_depot_id": to_depot,
            }
            key = secrets.token_hex(8)
            made = supplies.request_planned(district, ADMINISTRATOR, body, key=key, by_telephone=True)
            (order,) = made["orders"]
            supplies.issue(district, ADMINISTRATOR, order["id"], {"vehicle_id": "veh-f"}, key=f"{key}i")
            supplies.depart(district, ADMINISTRATOR, order["id"], {}, key=f"{key}d")
            return str(order["id"])

    def receive(self, order: str, quantity: int) -> None:
        """Somebody else signs for a part."""
        with Store(self.path) as store, store.reading() as conn:
            lot = conn.exec_driver_sql("SELECT lot_id FROM supply_order_line WHERE order_id = ?", (order,)).scalar_one()
        with Store(self.path) as store:
            body = {"lines": [{"lot_id": lot, "received": quantity}]}
            supplies.receive(District(store), ADMINISTRATOR, order, body, key=secrets.token_hex(8))

    def booked(self, order: str) -> list[tuple[int, str, str]]:
        """(quantity, actor, when it happened) of every delivery of an order in the ledger."""
        text = (
            "SELECT quantity_e3, actor, occurred_utc FROM movement WHERE kind = 'delivery'"
            " AND (from_ref = ? OR to_ref = ?) ORDER BY seq"
        )
        with Store(self.path) as store, store.reading() as conn:
            return [(row[0] // 1000, row[1], row[2]) for row in conn.exec_driver_sql(text, (order, order))]

    def positions(self) -> list[tuple[float, float, str]]:
        text = "SELECT lon, lat, measured_utc FROM reading WHERE device_id = 'hand-f' ORDER BY measured_utc"
        with Store(self.path) as store, store.reading() as conn:
            return [tuple(row) for row in conn.exec_driver_sql(text)]

    def end_sessions(self, account: str) -> None:
        with Store(self.path) as store, store.writing() as conn:
            conn.exec_driver_sql("DELETE FROM session WHERE account_id = ?", (account,))


@pytest.fixture(scope="module")
def house(database: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    path = tmp_path_factory.mktemp("field") / "district.gpkg"
    with Store(database) as store:
        store.snapshot(path)
    for suffix in (".rasters", ".zoning"):
        if database.with_suffix(suffix).exists():
            shutil.copytree(database.with_suffix(suffix), path.with_suffix(suffix))
    with Store(path) as store, store.writing() as conn:
        for table, names, values in (
            ("vehicle", "id, name, type", "'veh-f', '苏F·示09', 'truck'"),
            ("device", "id, name, type, vehicle_id", "'hand-f', '人工报位', 'position', 'veh-f'"),
        ):
            conn.exec_driver_sql(
                f"INSERT INTO {table} ({names}, source, source_datum) VALUES ({values}, 'demo', 'EPSG:4326')"
            )
    found = House(path)
    found.start()
    yield found
    if found.process is not None:
        found.stop()


class Phone:
    """A phone with one browser; its pages come and go, what it keeps stays."""

    def __init__(self, context: BrowserContext, house: House) -> None:
        self.context, self.house = context, house
        self.errors: list[str] = []
        self.outside: list[str] = []
        self.posts: list[str] = []
        context.on("weberror", lambda found: self.errors.append(str(found.error)))
        context.on("request", self._request)
        self.page = context.new_page()

    def _request(self, request: Any) -> None:
        if not request.url.startswith((f"{self.house.address}/", "data:", "blob:")):
            self.outside.append(request.url)
        if request.method == "POST" and "/api/" in request.url:
            self.posts.append(request.url)

    def log_in(self, account: str, page: Page | None = None) -> None:
        where = page or self.page
        where.goto(f"{self.house.address}/login?next=/field")
        where.fill("#name", account)
        where.fill("#password", DEMO_PASSWORD)
        where.keyboard.press("Enter")
        where.wait_for_url("**/field")
        ready(where)

    def open(self, view: str = "map") -> Page:
        """Open the page anew, as after the browser was closed."""
        self.page.close()
        self.page = self.context.new_page()
        self.page.goto(f"{self.house.address}/field#{view}")
        ready(self.page)
        return self.page

    def shot(self, name: str) -> None:
        if SCREENSHOTS:
            folder = ROOT / SCREENSHOTS
            folder.mkdir(parents=True, exist_ok=True)
            self.page.wait_for_timeout(1500)
            self.page.screenshot(path=folder / f"field-{name}.png")


def ready(page: Page) -> None:
    page.wait_for_selector("body[data-ready=true]", timeout=PATIENCE_MS)
    assert page.evaluate("Boolean(navigator.serviceWorker.controller)"), "the worker keeps the page from the first time"


@pytest.fixture
def pick_up(chromium: Browser, house: House) -> Iterator[Callable[..., Phone]]:
    """Phones before the server; none may fail in a script or ask another host."""
    phones: list[Phone] = []

    def make(width: int = 390) -> Phone:
        if house.process is None:
            house.start()
        context = chromium.new_context(
            viewport={"width": width, "height": 844},
            has_touch=True,
            reduced_motion="reduce",
            permissions=["geolocation"],
            geolocation=FIX,  # type: ignore[arg-type]
        )
        context.set_default_timeout(PATIENCE_MS)
        phones.append(Phone(context, house))
        return phones[-1]

    yield make
    for phone in phones:
        phone.context.close()
    assert [phone.errors for phone in phones if phone.errors] == []
    assert [phone.outside for phone in phones if phone.outside] == []


def view(page: Page, name: str) -> None:
    page.click(f"nav a[href='#{name}']" if name != "queue" else "#to-queue")


def sign(page: Page, order: str, received: str, **others: str) -> None:
    """Enter what came of an order of one lot."""
    view(page, "receive")
    page.locator(f"#receive [data-order='{order}'] button").click()
    page.fill("#received-0", received)
    for name, value in others.items():
        page.fill(f"#{name}-0", value)
    page.click("#receive button[type=submit]")
    expect(page.locator(f"#receive [data-order='{order}'], #receive .empty").first).to_be_visible()


def states(page: Page) -> list[str]:
    """The states of the entries, the newest first."""
    view(page, "queue")
    return [str(card.get_attribute("data-state")) for card in page.locator("#queue .entry").all()]


def expect_states(page: Page, *wanted: str) -> None:
    view(page, "queue")
    for k, state in enumerate(wanted):
        expect(page.locator("#queue .entry").nth(k)).to_have_attribute("data-state", state)
    expect(page.locator("#queue .entry")).to_have_count(len(wanted))


def offline(page: Page) -> None:
    expect(page.locator("body")).to_have_attribute("data-live", "offline")


def online(page: Page) -> None:
    expect(page.locator("body")).to_have_attribute("data-live", "online")


# -- reading


def test_every_view_is_usable_by_all_at_every_width(pick_up: Callable[..., Phone], house: House) -> None:
    house.order(3)
    for width, lang in ((360, "zh"), (430, "en")):
        phone = pick_up(width)
        phone.log_in("demo-dispatcher")
        page = phone.page
        page.goto(f"{house.address}/field?lang={lang}")
        ready(page)
        view(page, "nearest")
        page.locator("#nearest .picker button").first.click()
        expect(page.locator("#nearest p.live")).to_be_visible()
        expect(page.locator("#nearest ol li").first).to_be_visible()
        for name in VIEWS:
            view(page, name)
            fits(page)
            small = page.evaluate(
                """[...document.querySelectorAll('header a, header summary, nav a, main button, main select,'
                    + 'main summary, main input')].filter((one) => one.checkVisibility() && !one.closest('[inert]'))
                    .map((one) => [(one.closest('label') ?? one).getBoundingClientRect(), one.outerHTML.slice(0, 80)])
                    .filter(([box]) => box.height < 44 || box.width < 44).map(([, html]) => html)"""
            )
            assert (name, small) == (name, [])
            assert (name, broken(page)) == (name, [])
            phone.shot(f"{name}-{lang}-{width}")


def test_reading_without_a_network(pick_up: Callable[..., Phone], house: House) -> None:
    order = house.order(4)
    phone = pick_up()
    phone.log_in("demo-dispatcher")
    page = phone.page
    page.wait_for_function("caches.open('field-tiles').then((kept) => kept.keys()).then((keys) => keys.length > 0)")
    view(page, "nearest")
    page.locator("#nearest .picker button").first.click()
    by_road = page.locator("#nearest ol li .far").first
    expect(by_road).to_contain_text("分钟")
    phone.context.set_offline(True)
    page = phone.open("nearest")
    offline(page)
    expect(page.locator("#state")).to_contain_text("离线 · 数据截至")
    page.locator("#nearest .picker button").first.click()
    kept = page.locator("#nearest p.kept")
    expect(kept).to_contain_text("按直线距离, 不是路程")
    expect(page.locator("#nearest ol li .far").first).to_contain_text(re.compile(r"\d m|\d km"))
    phone.shot("nearest-offline")
    view(page, "receive")
    expect(page.locator(f"#receive [data-order='{order}']")).to_contain_text("在途")
    view(page, "map")
    assert page.locator(".switch-layer").count() == 6
    phone.shot("map-offline")
    # Of the desktop nothing is kept: neither its page nor its answers.
    assert page.evaluate("fetch('/api/v1/layers').then(() => 'answered', () => 'no network')") == "no network"
    assert page.evaluate("fetch('/api/v1/supplies/orders').then(() => 'answered', () => 'no network')") == "no network"
    addresses = page.evaluate(
        "caches.keys().then((names) => Promise.all(names.map((name) => caches.open(name).then((one) => one.keys()))))"
        ".then((found) => found.flat().map((request) => new URL(request.url).pathname))"
    )
    assert addresses
    assert [path for path in addresses if not re.match(r"/field$|/field/files/|/tiles/base/", path)] == []
    page.goto(f"{house.address}/")
    expect(page.locator("h1")).to_have_text("没有网络")
    phone.shot("desktop-offline")
    page.goto(f"{house.address}/supplies")
    expect(page.locator("h1")).to_have_text("没有网络")
    phone.context.set_offline(False)
    page.goto(f"{house.address}/")
    page.wait_for_selector("body[data-ready=true]", timeout=PATIENCE_MS)


def test_reading_while_the_server_is_really_stopped(pick_up: Callable[..., Phone], house: House) -> None:
    order = house.order(2)
    phone = pick_up()
    phone.log_in("demo-keeper")
    house.stop()
    page = phone.open("receive")
    offline(page)
    expect(page.locator("#receive .empty")).to_contain_text("没有在途")  # it does not come to this keeper's depot
    assert order
    page.goto(f"{house.address}/")
    expect(page.locator("h1")).to_have_text("没有网络")
    house.start()
    page = phone.open()
    online(page)


# -- writing


def test_entered_offline_closed_opened_again_and_booked_once(pick_up: Callable[..., Phone], house: House) -> None:
    order = house.order(12, to_depot="D-01")
    phone = pick_up()
    phone.log_in("demo-dispatcher")
    house.stop()
    sign(phone.page, order, "10", missing="1", note="箱子湿了")
    before = len(house.positions())
    view(phone.page, "position")
    phone.page.locator("#position .picker button").first.click()
    phone.page.click("#position button[type=submit]")
    expect(phone.page.locator("#position")).to_contain_text("已记下")
    assert states(phone.page) == ["waiting", "waiting"]
    entered = phone.page.evaluate("new Date().toISOString()")
    phone.shot("queue-offline")
    page = phone.open("queue")
    expect_states(page, "waiting", "waiting")
    assert house.booked(order) == []
    time.sleep(2.5)  # what was entered is older than when it is sent
    house.start()
    page = phone.open("queue")
    online(page)
    expect_states(page, "sent", "sent")
    phone.shot("queue-sent")
    ((quantity, actor, occurred),) = house.booked(order)
    assert (quantity, actor) == (10, "demo-dispatcher")
    assert occurred <= entered, "the moment is that of the entry"
    found = house.positions()[before:]
    assert [(lon, lat) for lon, lat, _ in found] == [(FIX["longitude"], FIX["latitude"])]
    assert found[0][2] <= entered
    with Store(house.path) as store, store.reading() as conn:
        note = conn.exec_driver_sql(
            "SELECT details FROM order_event WHERE order_id = ? AND action = 'receive'", (order,)
        ).scalar_one()
    assert "箱子湿了" in note


def test_an_answer_that_was_lost_is_not_booked_twice(pick_up: Callable[..., Phone], house: House) -> None:
    order = house.order(6)
    phone = pick_up()
    phone.log_in("demo-dispatcher")
    keys: list[str] = []

    def swallow(route: Any) -> None:
        """The server books it; the browser dies before the answer."""
        keys.append(route.request.headers["idempotency-key"])
        answer = route.fetch()
        assert answer.ok, answer.text()
        route.abort()

    phone.page.route("**/receive", swallow)
    sign(phone.page, order, "6")
    page = phone.page
    page.wait_for_function("document.getElementById('to-queue').dataset.waiting === '1'")
    wait_until(page, lambda: house.booked(order))
    assert [row[0] for row in house.booked(order)] == [6]
    assert states(page) == ["waiting"]
    sent: list[str] = []

    def listen(request: Any) -> None:
        if request.url.endswith("/receive"):
            sent.append(request.headers["idempotency-key"])

    phone.context.on("request", listen)
    page = phone.open("queue")
    expect_states(page, "sent")
    assert [row[0] for row in house.booked(order)] == [6], "the same key twice books once"
    assert sent
    assert {*sent, *keys} == {keys[0]}


def test_what_is_refused_says_why_and_is_mended(pick_up: Callable[..., Phone], house: House) -> None:
    order = house.order(12)
    phone = pick_up()
    phone.log_in("demo-dispatcher")
    page = phone.page
    phone.context.set_offline(True)
    sign(page, order, "12")
    house.receive(order, 5)
    phone.context.set_offline(False)
    expect_states(page, "refused")
    card = page.locator("#queue .entry")
    expect(card).to_contain_text("12")
    expect(card).to_contain_text("7")
    expect(card).to_contain_text("没有登记")
    phone.shot("queue-refused")
    assert [row[0] for row in house.booked(order)] == [5]
    page = phone.open("queue")
    expect_states(page, "refused")  # it is there until a person has decided
    page.get_by_role("button", name="改一改").click()
    expect(page.locator("#received-0")).to_have_value("12")
    page.click("#receive button[type=submit]")
    expect(page.locator("#receive fieldset .failure")).to_contain_text("在途只有 7")
    page.fill("#received-0", "7")
    page.click("#receive button[type=submit]")
    expect_states(page, "sent")
    assert [row[0] for row in house.booked(order)] == [5, 7]


def test_an_entry_is_discarded_by_hand_and_after_a_question(pick_up: Callable[..., Phone], house: House) -> None:
    order = house.order(3)
    phone = pick_up()
    phone.log_in("demo-dispatcher")
    page = phone.page
    phone.context.set_offline(True)
    sign(page, order, "3")
    view(page, "queue")
    page.get_by_role("button", name="丢弃", exact=True).click()
    page.get_by_role("button", name="留着").click()
    assert states(page) == ["waiting"]
    page.get_by_role("button", name="丢弃", exact=True).click()
    page.get_by_role("button", name="确定丢弃").click()
    expect(page.locator("#queue .entry")).to_have_count(0)
    phone.context.set_offline(False)
    page = phone.open("queue")
    assert states(page) == []
    assert house.booked(order) == []


# -- whose it is


def test_what_one_account_entered_is_never_sent_as_another(pick_up: Callable[..., Phone], house: House) -> None:
    order = house.order(8)
    phone = pick_up()
    phone.log_in("demo-dispatcher")
    page = phone.page
    page.route("**/api/v1/who", lambda route: route.abort())  # it cannot be sent yet
    sign(page, order, "8")
    page.click(".menu summary")
    page.click("#log-out button")
    expect(page.locator("#log-out-warning")).to_contain_text("还有 1 条")
    phone.shot("log-out-warning")
    with page.expect_navigation():
        page.click("#log-out button")
    page.wait_for_function("caches.has('field-page').then((found) => !found)")
    answers = """new Promise((resolve) => { const asked = indexedDB.open('onemap-field'); asked.onsuccess = () => {
        const all = asked.result.transaction('answers').objectStore('answers').getAll();
        all.onsuccess = () => resolve(all.result.length); }; })"""
    assert page.evaluate(answers) == 0
    page.unroute("**/api/v1/who")
    phone.log_in("demo-admin")
    page.wait_for_timeout(1_500)
    assert states(page) == []
    expect(page.locator("#queue")).to_contain_text("账号 demo-dispatcher 在这部手机里还有 1 条")
    assert "8" not in page.locator("#queue .entries").all_inner_texts()
    assert house.booked(order) == []
    phone.log_in("demo-dispatcher")
    expect_states(phone.page, "sent")
    assert [(row[0], row[1]) for row in house.booked(order)] == [(8, "demo-dispatcher")]


def test_whoever_logs_in_between_lends_no_name(pick_up: Callable[..., Phone], house: House) -> None:
    """Asked who is there the server says one account; before the change arrives another one has logged in."""
    order = house.order(5)
    phone = pick_up()
    phone.log_in("demo-dispatcher")
    page = phone.page
    phone.context.set_offline(True)
    sign(page, order, "5")
    phone.context.set_offline(False)
    swapped: list[str] = []

    def swap(route: Any) -> None:
        answer = route.fetch()
        if not swapped:
            swapped.append("once")
            api = phone.context.request
            form = api.get(f"{house.address}/login").text()
            token = re.search(r'name="csrf_token" value="([^"]+)"', form)
            assert token is not None
            api.post(
                f"{house.address}/login",
                form={"csrf_token": token[1], "name": "demo-admin", "password": DEMO_PASSWORD, "next": "/field"},
            )
        route.fulfill(response=answer)

    page.close()
    phone.page = page = phone.context.new_page()
    page.route("**/api/v1/who", swap)
    page.goto(f"{house.address}/field#queue")
    expect(page.locator("#queue")).to_contain_text("账号 demo-dispatcher 在这部手机里还有 1 条")
    assert swapped
    assert house.booked(order) == []
    page.unroute("**/api/v1/who")
    phone.log_in("demo-dispatcher")
    expect_states(phone.page, "sent")
    assert [(row[0], row[1]) for row in house.booked(order)] == [(5, "demo-dispatcher")]


def test_a_session_that_ended_keeps_the_queue_and_asks_to_log_in(pick_up: Callable[..., Phone], house: House) -> None:
    order = house.order(9)
    phone = pick_up()
    phone.log_in("demo-planner")
    phone.log_in("demo-dispatcher")
    page = phone.page
    house.end_sessions("demo-dispatcher")
    sign(page, order, "9")
    expect(page.locator("#ended")).to_be_visible()
    phone.shot("session-ended")
    assert states(page) == ["waiting"]
    assert house.booked(order) == []
    with page.expect_navigation():
        page.click("#ended a")
    page.fill("#name", "demo-dispatcher")
    page.fill("#password", DEMO_PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/field")
    ready(page)
    expect_states(page, "sent")
    assert [row[0] for row in house.booked(order)] == [9]


def test_two_tabs_send_once(pick_up: Callable[..., Phone], house: House) -> None:
    order = house.order(7)
    phone = pick_up()
    phone.log_in("demo-dispatcher")
    other = phone.context.new_page()
    other.goto(f"{house.address}/field#queue")
    ready(other)
    phone.context.set_offline(True)
    sign(phone.page, order, "7")
    expect_states(other, "waiting")  # the other tab hears of it
    phone.posts.clear()
    phone.context.set_offline(False)
    expect_states(phone.page, "sent")
    expect_states(other, "sent")
    assert len([url for url in phone.posts if url.endswith("/receive")]) <= 1, phone.posts
    assert [row[0] for row in house.booked(order)] == [7]


def test_a_full_storage_is_said(pick_up: Callable[..., Phone], house: House) -> None:
    phone = pick_up()
    phone.log_in("demo-dispatcher")
    devtools = phone.context.new_cdp_session(phone.page)
    devtools.send("Storage.overrideQuotaForOrigin", {"origin": house.address, "quotaSize": 1000})
    phone.page.mouse.move(200, 420)
    for _ in range(4):  # nearer: tiles that are not kept yet
        phone.page.mouse.wheel(0, -400)
        phone.page.wait_for_timeout(500)
    expect(phone.page.locator("#notices")).to_contain_text("手机存储已满")
    phone.shot("full")


def test_what_does_not_fit_into_the_storage_is_said_and_stays_in_the_form(
    pick_up: Callable[..., Phone], house: House
) -> None:
    order = house.order(6)
    phone = pick_up()
    phone.log_in("demo-dispatcher")
    page = phone.open("receive")
    page.locator(f"#receive [data-order='{order}'] button").click()
    page.fill("#received-0", "6")
    devtools = phone.context.new_cdp_session(page)
    devtools.send("Storage.overrideQuotaForOrigin", {"origin": house.address, "quotaSize": 1000})
    page.wait_for_timeout(31_000)  # so long the browser goes by the room that it knew of
    page.click("#receive button[type=submit]")
    expect(page.locator("#receive")).to_contain_text("手机存储已满, 没有记下")
    assert page.input_value("#received-0") == "6"
    assert house.booked(order) == []
    devtools.send("Storage.overrideQuotaForOrigin", {"origin": house.address})
    page.click("#receive button[type=submit]")
    expect_states(page, "sent")
    assert [row[0] for row in house.booked(order)] == [6]


def test_a_phone_without_an_account_reads_and_enters_nothing(pick_up: Callable[..., Phone], house: House) -> None:
    phone = pick_up()
    page = phone.page
    page.goto(f"{house.address}/field#receive")
    ready(page)
    expect(page.locator("#receive .empty")).to_contain_text("要有权限的账号")
    view(page, "position")
    expect(page.locator("#position .empty")).to_contain_text("要有权限的账号")
    view(page, "nearest")
    page.locator("#nearest .picker button").first.click()
    expect(page.locator("#nearest ol li").first).to_be_visible()
    assert phone.posts == []
