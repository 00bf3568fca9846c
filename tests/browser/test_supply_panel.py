"""The map's panel of supplies: by keyboard alone, by a link, by telephone, into a depot; what a depot's devices say."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.sync_api import Page, expect

from data.store import Store
from tests.browser.conftest import PATIENCE_MS, Watched
from tests.browser.test_boards_live import NEEDS, ask_for, ordered
from tests.browser.test_live import elsewhere
from tests.browser.test_map import number
from tests.browser.test_supplies import log_in, press, street_of
from tests.program import ROOT, clean_environment

pytestmark = pytest.mark.browser
Watch = Callable[..., Watched]
QUILT = "P-1-01-05"


def tab_to(page: Page, selector: str, most: int = 150) -> None:
    """Press the tabulator until the wanted control has the focus."""
    for _ in range(most):
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{selector} cannot be reached by keyboard")


def test_from_the_place_to_the_order_by_keyboard_alone(watch: Watch, address: str, database: Path) -> None:
    page = watch().page
    log_in(page, address, "demo-dispatcher")
    page.wait_for_selector("body[data-ready=true]", timeout=PATIENCE_MS)
    tab_to(page, "#search")
    page.keyboard.type(street_of(database))
    expect(page.locator(".suggestions:not([hidden]) [role=option]").first).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator("#reach .verdict")).to_be_visible()
    tab_to(page, "#tab-reach")
    for name in ("around", "closures", "since", "supply"):
        page.keyboard.press("ArrowRight")
        expect(page.locator(f"#tab-{name}")).to_be_focused()
    tab_to(page, "#supply-rows input.item")
    page.keyboard.type("棉被")
    expect(page.locator(".suggestions:not([hidden]) [role=option]").first).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator("#supply-rows input.amount")).to_be_focused()
    page.keyboard.type("7")
    page.keyboard.press("Enter")
    expect(page.locator("#dispatch form")).to_be_visible()
    for field, text in (("unit", "钟秀街道办"), ("contact", "值班室")):
        tab_to(page, f"#dispatch-{field}")
        page.keyboard.type(text)
    tab_to(page, "#dispatch .goods input")
    page.keyboard.type("2 kg")
    tab_to(page, "#dispatch button.primary")
    page.keyboard.press("Enter")
    expect(page.locator("#dispatch .clock")).to_be_visible()
    expect(page.locator("#dispatch h3")).to_be_focused()
    tab_to(page, "#dispatch button.primary", 3)
    page.keyboard.press("Enter")
    expect(page.locator("#dispatch .order .state-badge").first).to_have_text("已下单")
    tab_to(page, "#dispatch a[href^='/supplies/requests/']", 12)
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page.locator("#h-needs ~ div")).to_contain_text("2 kg")


def test_the_open_orders_follow_what_others_do_and_say_what_is_late(watch: Watch, address: str, database: Path) -> None:
    watched = watch("desktop")
    watched.log_in("demo-dispatcher")
    page = watched.page
    expect(page.locator("body")).to_have_attribute("data-live", "live")
    page.click("#tab-orders")
    expect(page.locator("#orders .hint")).to_be_visible()
    before = page.locator("#orders article.order").count()

    other = watch().page
    log_in(other, address, "demo-admin", NEEDS)
    path = ordered(other)
    order = path.rsplit("/", 1)[1]
    card = page.locator(f"#orders article.order:has(a.number[href='{path}'])")
    expect(card.locator(".state-badge")).to_have_text("已下单")
    assert page.locator("#orders article.order").count() > before
    assert card.locator(".warn").count() == 0
    button = card.get_by_role("button", name="按单出库")
    button.focus()
    elsewhere(database, f"UPDATE supply_order SET promised_utc = '2026-01-01T04:00:00.000Z' WHERE id = '{order}'")
    expect(card.locator(".warn")).to_contain_text("晚点, 应于 2026-01-01 12:00 到")
    expect(button).to_be_focused()  # what is drawn anew takes no focus away
    other.goto(f"{address}{path}")
    other.click("#step-cancel summary")
    other.fill("#step-cancel [name=reason]", "不用了")
    press(other, "取消这张单")
    expect(card).to_have_count(0)


@pytest.mark.parametrize(("typed", "unit"), [("棉被", "床"), (QUILT, "床"), ("棉", ""), ("没有这种", "")])
def test_a_whole_name_or_number_needs_no_choosing(watch: Watch, typed: str, unit: str) -> None:
    """Whoever goes on with the tabulator has chosen; a part of a name may mean several and is asked about."""
    page = watch().open("/?panel=supply&to=120.86,32.01")
    item = page.locator("#supply-rows input.item")
    item.fill(typed)
    page.keyboard.press("Tab")
    page.locator("#supply-rows input.amount").fill("7")
    if unit:
        expect(page.locator("#supply-rows .unit")).to_have_text(unit)
        expect(item).to_have_value("棉被")
    page.keyboard.press("Enter")
    if unit:
        expect(page.locator("#supply .ways, #supply table").first).to_be_visible()
    else:
        expect(page.locator("#supply .failure")).to_contain_text("请从列表中选择第 1 行的物资")


def test_one_of_three_plans_by_keyboard(watch: Watch, ask: Callable[..., Any]) -> None:
    wanted = {"to": "120.86,32.01", "need": "P-3-01-03=60000"}
    page = watch().open(f"/?panel=supply&{urlencode(wanted)}")
    ways = page.locator("#supply .ways [role=radio]")
    plans = ask("supply/plans", **wanted)["plans"]
    assert len(plans) == 3, "the demo district has an early, a near and a simple plan for so many"
    expect(ways).to_have_count(3)
    for k, plan in enumerate(plans):
        expect(ways.nth(k)).to_contain_text(f"{plan['depots']} 个仓库")
    tab_to(page, "#supply .ways .chosen")
    expect(ways.nth(0)).to_have_attribute("aria-checked", "true")
    for k, key in ((1, "ArrowRight"), (2, "ArrowRight"), (0, "ArrowRight"), (2, "ArrowLeft")):
        page.keyboard.press(key)
        expect(ways.nth(k)).to_have_attribute("aria-checked", "true")
        expect(ways.nth(k)).to_be_focused()
        # Its rows, not those of another plan.
        first = plans[k]["lines"][0]["from"]
        expect(page.locator("#supply table.plan tbody tr")).to_have_count(len(first))


def test_the_six_fields_of_an_instruction_by_telephone_are_seen(watch: Watch, address: str, database: Path) -> None:
    page = watch().page
    place = street_of(database)
    log_in(page, address, "demo-dispatcher", f"/%3Fpanel=supply%26to={at(database)}%26place={place}%26need={QUILT}=6")
    form = page.locator("#dispatch form")
    expect(form).to_be_visible()
    for field in ("#dispatch-unit", "#dispatch-place", "#dispatch-contact"):
        expect(page.locator(field)).to_be_visible()
    row = form.locator(".goods tbody tr")
    expect(row.locator("td").nth(0)).to_have_text("棉被")
    expect(row.locator("td").nth(1)).to_have_text("6 床")
    expect(row.locator("input")).to_have_attribute("placeholder", "棉被")
    page.fill("#dispatch-unit", "钟秀街道办")
    page.fill("#dispatch-contact", "值班室")
    row.locator("input").fill("双人, 2 kg")
    # A depot that receives gives nothing: the plan is made anew, and what was filled in stays.
    giver = page.locator("#supply .plan tbody tr button.link").first.inner_text()
    page.select_option("#dispatch-depot", label=giver)
    expect(page.locator("#supply .plan")).not_to_contain_text(giver)
    expect(page.locator("#dispatch-depot")).to_be_focused()
    expect(page.locator("#dispatch-depot option:checked")).to_have_text(giver)
    expect(page.locator("#dispatch-unit")).to_have_value("钟秀街道办")
    expect(page.locator("#dispatch-contact")).to_have_value("值班室")
    expect(form.locator(".goods input")).to_have_value("双人, 2 kg")
    page.check("#dispatch-telephone")
    page.get_by_role("button", name="立即下单").click()
    expect(page.locator("#dispatch .order .state-badge").first).to_have_text("已下单")
    with page.expect_navigation():
        page.locator("#dispatch .order a.number").first.click()
    expect(page.locator(".facts-list")).to_contain_text(giver)


def at(database: Path) -> str:
    """The place of `street_of` as LON,LAT."""
    with Store(database) as store:
        frame = store.frame("shelter")
    point = frame[frame["name"] == street_of(database)].geometry.iloc[0].representative_point()
    return f"{point.x:.6f},{point.y:.6f}"


def test_from_the_needs_to_the_map_and_by_its_link_to_another_desk(watch: Watch, address: str, chromium: Any) -> None:
    page = watch().page
    log_in(page, address, "demo-dispatcher", NEEDS.replace("?", "%3F").replace("&", "%26"))
    ask_for(page, "9")
    place = page.input_value("#request-place")
    page.locator("main input.amount").nth(1).fill("4")
    names = page.locator("table.entry tbody th").all_inner_texts()
    with page.expect_navigation():
        page.get_by_role("button", name="在地图上看").click()
    expect(page.locator("#supply .plan-line")).to_have_count(2)
    expect(page.locator("#supply-place")).to_contain_text(place)
    items, amounts = page.locator("#supply-rows input.item"), page.locator("#supply-rows input.amount")
    assert [box.input_value() for box in items.all()] == [name.rsplit(" ", 1)[0] for name in names[:2]]
    assert [box.input_value() for box in amounts.all()] == ["9", "4"]
    expect(page.locator("#dispatch-place")).to_have_value(place)
    page.fill("#supply-within", "75")
    page.check("#supply-substitutes")
    page.click("#supply-form button.primary")
    expect(page.locator("#supply .link-line a")).to_have_attribute("href", re.compile("within=75"))
    link = page.locator("#supply .link-line a").get_attribute("href") or ""
    assert page.url == address + link, "the bar has the same address"
    query = parse_qs(urlsplit(link).query)
    assert (query["place"], query["within"], query["substitutes"]) == ([place], ["75"], ["yes"])
    plans = page.locator("#supply .plan-line").all_inner_texts()
    other = watch()
    shown = other.open(link)
    expect(shown.locator("#supply .plan-line")).to_have_count(2)
    assert shown.locator("#supply .plan-line").all_inner_texts() == plans
    assert shown.input_value("#supply-within") == "75"
    assert shown.is_checked("#supply-substitutes")
    assert shown.locator("#dispatch form").count() == 0, "a viewer sees the plan and reserves nothing"


def test_a_link_with_a_fault_says_so_on_the_map(watch: Watch) -> None:
    watched = watch()
    page = watched.open("/?panel=supply&to=10,10&need=P-1-01-05=3")
    expect(page.locator("#notices .failure")).to_contain_text("地点 10.0,10.0 不在本区范围内")
    expect(page.locator(".layer").first).to_be_visible()
    assert len(watched.errors) == 1, "the browser reports the refusal"
    watched.errors.clear()


def report(database: Path, device: str, minutes_ago: int, value: float) -> None:
    """A device reports, from another process."""
    script = (
        "import sys\nfrom datetime import timedelta\nfrom data.store import Store\n"
        "from layers.actions import readings\nfrom layers.district import District\n"
        "from layers.permissions import Actor\n"
        "with Store(sys.argv[1]) as store:\n"
        "    town = District(store)\n"
        "    moment = town.now() - timedelta(minutes=int(sys.argv[3]))\n"
        "    entry = {'measured_utc': moment.isoformat(), 'value': float(sys.argv[4])}\n"
        "    body = {'device': sys.argv[2], 'readings': [entry]}\n"
        "    assert readings.report(town, Actor('t', 't', 'administrator'), body)['taken'] == 1\n"
    )
    arguments = [str(database), device, str(minutes_ago), str(value)]
    subprocess.run(
        [sys.executable, "-c", script, *arguments], cwd=ROOT, env=clean_environment(), check=True, timeout=120
    )


def test_a_depot_says_what_its_devices_said_last(watch: Watch, address: str, database: Path) -> None:
    """The popup has the last reading with its age and alarm, and follows the next one; a viewer has none of it."""
    with Store(database) as store, store.reading() as conn:
        sql = "SELECT id, type FROM device WHERE depot_id = 'D-01'"
        devices = {str(kind): str(name) for name, kind in conn.exec_driver_sql(sql).all()}
        (depot,) = conn.exec_driver_sql("SELECT name FROM depot WHERE id = 'D-01'").one()
    report(database, devices["temperature"], 20, 12.5)
    report(database, devices["door"], 10, 0)
    page = watch().page
    log_in(page, address, "demo-keeper")
    card = depot_card(page, str(depot))
    told = card.locator(".readings li")
    expect(told.filter(has_text="温度计")).to_contain_text(re.compile(r"12\.5 °C 2[0-5] 分钟前"))
    expect(told.filter(has_text="门磁")).to_contain_text(re.compile("关 1[0-5] 分钟前"))
    expect(told.filter(has_text="计数器")).to_contain_text("还没有读数")
    assert told.locator(".badge").count() == 0
    report(database, devices["door"], 0, 1)
    expect(told.filter(has_text="门磁")).to_contain_text("开 刚刚")
    expect(told.filter(has_text="门磁").locator(".badge")).to_have_text("门未关")
    assert number(told.filter(has_text="温度计").inner_text()) == 12.5
    viewer = watch()
    viewer.open()
    seen = depot_card(viewer.page, str(depot))
    expect(seen).to_contain_text("物资种类")
    assert seen.locator(".readings").count() == 0


def depot_card(page: Page, name: str) -> Any:
    """What the popup says of a depot; it may lie under the vehicles that park there."""
    page.wait_for_selector("body[data-ready=true]", timeout=PATIENCE_MS)
    page.fill("#search", name)
    expect(page.locator(".suggestions:not([hidden]) [role=option]").first).to_be_visible()
    page.press("#search", "Enter")
    expect(page.locator("#reach .verdict")).to_be_visible()
    canvas = page.locator("#map .maplibregl-canvas")
    card = page.locator(".maplibregl-popup details", has=page.locator("summary", has_text=name))
    for _ in range(20):  # until the map has flown there and drawn it
        page.wait_for_timeout(500)
        canvas.focus()
        page.keyboard.press("Enter")
        if card.count():
            break
    expect(card).to_be_visible()
    if not card.evaluate("node => node.open"):
        card.locator("summary").click()
    return card


def test_needs_by_telephone_from_the_page(watch: Watch, address: str) -> None:
    page = watch().page
    log_in(page, address, "demo-dispatcher", NEEDS.replace("?", "%3F").replace("&", "%26"))
    ask_for(page, "2")
    page.locator("[name='specification.0']").fill("1.5 L")
    page.get_by_label("电话调拨").check()
    press(page, "立即下单")
    expect(page.locator("#papers")).to_contain_text("还有 1 天 23 小时")
    expect(page.locator("table.list").first).to_contain_text("1.5 L")
    expect(page.locator("section#orders .state-badge").first).to_have_text("已下单")
