"""The page in the field: its files by version, its worker, who may report a position, what may be done to an order."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from data.settings import Settings
from geo.errors import Forbidden, NotFound
from layers.actions.readings import report
from layers.district import District
from layers.permissions import Actor
from tests.layers.conftest import Clock
from tests.web.conftest import browser
from tests.web.test_board import LOT, stock
from tests.web.test_readings import place
from tests.web.test_supplies import good, post, wanted
from web import create_app
from web.field import LAYERS, read_shell

STATIC = Path(__file__).parents[2] / "web" / "static"
DISPATCHER = Actor("d", "d", "dispatcher")


@pytest.fixture
def district(own_town: District, clock: Clock) -> District:
    """A town with stock, a vehicle of depot d2, and devices."""
    found = stock(District(own_town.store, clock=clock))
    stamp = "'test', 'EPSG:4326'"
    with found.store.writing() as conn:
        conn.exec_driver_sql(
            f"INSERT INTO vehicle (id, name, type, source, source_datum) VALUES ('vf', '苏F·示09', 'truck', {stamp})"
        )
        for identity, kind, vehicle, depot in (
            ("gps", "position", "vf", None),
            ("of-d1", "position", None, "d1"),
            ("door", "door", None, "d1"),
        ):
            conn.exec_driver_sql(
                "INSERT INTO device (id, name, type, vehicle_id, depot_id, source, source_datum)"
                f" VALUES (?, ?, ?, ?, ?, {stamp})",
                (identity, identity, kind, vehicle, depot),
            )
    return found


@pytest.fixture
def app(district: District) -> Iterator[Flask]:
    app = create_app(Settings(), "", district=district)
    yield app
    app.extensions["onemap_events"].close()


# -- the page and what it is made of


def test_every_file_that_the_page_names_is_there_under_its_version(app: Flask) -> None:
    staff = browser(app, "dispatcher")
    page = staff.get("/field")
    assert page.status_code == 200
    assert page.headers["Cache-Control"].startswith("no-store")
    version = page.headers["X-Field-Version"]
    text = page.get_data(as_text=True)
    named = set(re.findall(r'(?:href|src)="(/field/files/[^"]+)"', text))
    worker = staff.get("/sw.js")
    assert worker.content_type.startswith("text/javascript")
    assert worker.headers["Cache-Control"] == "no-cache"
    kept = set(re.findall(r'"(/field/files/[^"]+)"', worker.get_data(as_text=True)))
    assert named
    assert named <= kept, "what the page names is kept"
    stranger = app.test_client()
    for address in sorted(kept):
        assert address.startswith(f"/field/files/{version}/")
        found = stranger.get(address)
        assert found.status_code == 200, address
        assert "immutable" in found.headers["Cache-Control"]
        assert found.get_data() == (STATIC / address.split(f"/{version}/")[1]).read_bytes()
    assert stranger.get(sorted(kept)[0].replace(version, "0" * 16)).status_code == 404
    assert stranger.get(f"/field/files/{version}/../../../web/field.py").status_code == 404
    assert stranger.get(f"/field/files/{version}/vendor/fonts/LICENSE").status_code == 404


def test_what_a_script_imports_is_among_the_files() -> None:
    """An oracle of its own: every address in an import, followed by hand, is a file that is kept."""
    shell = read_shell(STATIC)
    scripts = [name for name in shell.files if name.endswith(".js") and name.startswith("js/")]
    assert {"js/field/main.js", "js/field/worker.js", "js/field/sender.js", "js/api.js"} <= set(scripts)
    found = 0
    for name in scripts:
        for line in (STATIC / name).read_text(encoding="utf-8").splitlines():
            if not line.startswith("import ") and not line.startswith("} from "):
                continue
            target = line.split('"')[1]
            assert os.path.normpath(f"{Path(name).parent}/{target}") in shell.files, line
            found += 1
    assert found > 20
    assert "vendor/idb/index.js" in shell.files
    # Scripts that look for parts of the full map when they are loaded would stop this page.
    assert {"js/map.js", "js/moment.js", "js/layers.js", "js/live.js"} & set(scripts) == set()


def test_the_version_is_that_of_the_content(tmp_path: Path) -> None:
    def made(text: str) -> str:
        for name in read_shell(STATIC).files:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes((STATIC / name).read_bytes())
        (tmp_path / "field.css").write_text(text, encoding="utf-8")
        return read_shell(tmp_path).version

    one, other = made("a {}"), made("b {}")
    assert one != other
    assert one == made("a {}")
    (tmp_path / "vendor" / "idb" / "index.js").unlink()
    with pytest.raises(NotFound, match=r"vendor/idb/index\.js is not there; run scripts/run"):
        read_shell(tmp_path)


def test_the_page_needs_whom_the_map_needs_and_names_no_other_place(app: Flask, district: District) -> None:
    assert not district.demo
    assert app.test_client().get("/field", headers={"Accept": "text/html"}).status_code == 401
    for role in ("viewer", "keeper", "administrator"):
        text = browser(app, role).get("/field").get_data(as_text=True)
        assert re.findall(r"https?://(?!localhost)", text) == []
    manifest = app.test_client().get("/field/manifest.webmanifest")
    assert manifest.content_type == "application/manifest+json"
    assert (manifest.get_json()["start_url"], manifest.get_json()["scope"]) == ("/field", "/")
    with app.test_client().get(manifest.get_json()["icons"][0]["src"]) as icon:
        assert icon.status_code == 200
    assert 'href="/field"' in browser(app, "viewer").get("/").get_data(as_text=True)
    assert set(LAYERS) == {"closures", "shelters", "hospitals", "depots", "teams", "vehicles"}


def test_who_asks_is_said_with_the_token_of_a_change(app: Flask) -> None:
    staff = browser(app, "dispatcher")
    staff.csrf = ""  # the token comes from the answer alone
    found = staff.get("/api/v1/who")
    assert found.headers["Cache-Control"].startswith("no-store")
    who = found.get_json()
    assert (who["id"], who["logged_in"], who["keep_keys_days"]) == ("test-dispatcher", True, 7)
    assert "supply.receive" in who["may"]
    body = {"device": "gps", "readings": [place()]}
    assert staff.post("/api/v1/readings", json=body).status_code == 403
    token = {who["csrf"]["header"]: who["csrf"]["token"]}
    assert staff.post("/api/v1/readings", json=body, headers=token).get_json()["taken"] == 1
    # Another session, though of the same browser, does not take it.
    other = browser(app, "administrator")
    other.csrf = ""
    assert other.get("/api/v1/who").get_json()["id"] == "test-administrator"
    assert other.post("/api/v1/readings", json=body, headers=token).status_code == 403
    assert app.test_client().get("/api/v1/who").status_code == 401


def test_a_refusal_says_its_detail_in_the_language_of_the_request(app: Flask) -> None:
    staff = browser(app, "dispatcher")
    body = {"lines": [{"lot_id": LOT, "received": 1}]}
    chinese = post(staff, "supplies/orders/none/receive", body).get_json()
    assert chinese["detail"] == "there is no order 'none'"
    assert chinese["said"] == "没有找到这张单、这个批次或这辆车。"
    staff.set_cookie("lang", "en")
    english = post(staff, "supplies/orders/none/receive", body).get_json()
    assert english["said"] == english["detail"]


# -- what an order lets one do, and who reports where its vehicle is


def under_way(app: Flask, **changes: Any) -> str:
    desk = browser(app, "dispatcher")
    made = good(post(desk, "supplies/telephone", wanted(**changes)))
    path = f"supplies/orders/{made['orders'][0]['id']}"
    good(post(desk, f"{path}/issue", {"vehicle_id": "vf"}))
    good(post(desk, f"{path}/depart"))
    return str(made["orders"][0]["id"])


def test_open_orders_say_what_whoever_asks_may_do_next(app: Flask) -> None:
    number = under_way(app)
    (mine,) = good(browser(app, "dispatcher").get("/api/v1/supplies/orders"))
    assert mine["id"] == number
    assert set(mine["next"]) >= {"receive", "lost"}
    assert "issue" not in mine["next"]
    (read,) = good(browser(app, "planner").get("/api/v1/supplies/orders"))
    assert read["next"] == []


def test_people_report_positions_and_nothing_that_an_instrument_measures(district: District) -> None:
    assert report(district, DISPATCHER, {"device": "gps", "readings": [place()]})["taken"] == 1
    shut = [{"measured_utc": place()["measured_utc"], "value": 0}]
    with pytest.raises(Forbidden, match="door measures door and reports by itself; people report positions"):
        report(district, DISPATCHER, {"device": "door", "readings": shut})
    root = Actor("root", "root", "administrator")
    assert report(district, root, {"device": "door", "readings": shut})["taken"] == 1
    for role in ("viewer", "planner"):
        with pytest.raises(Forbidden, match=f"the role {role} may not"):
            report(district, Actor("p", "p", role), {"device": "gps", "readings": [place(1)]})


def test_a_keeper_reports_what_leaves_the_depot_comes_to_it_or_is_its_own(app: Flask, district: District) -> None:
    here, there = Actor("k", "k", "keeper", depot_id="d1"), Actor("k2", "k2", "keeper", depot_id="d2")
    assert report(district, here, {"device": "of-d1", "readings": [place()]})["taken"] == 1
    with pytest.raises(Forbidden, match="not at d1"):
        report(district, there, {"device": "of-d1", "readings": [place(1)]})
    for keeper in (here, there):
        with pytest.raises(Forbidden, match="only at"):
            report(district, keeper, {"device": "gps", "readings": [place()]})
    under_way(app, to_depot_id="d2")
    for k, keeper in enumerate((here, there)):
        assert report(district, keeper, {"device": "gps", "readings": [place(k)]})["taken"] == 1
    with pytest.raises(Forbidden, match="not at d1"):
        report(district, Actor("k3", "k3", "keeper", depot_id="d3"), {"device": "gps", "readings": [place(5)]})
