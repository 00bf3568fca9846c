"""Risk zoning over HTTP and on the command line."""

import csv
import io
import json
import time
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
import rasterio
import shapely
from flask.testing import FlaskClient

from data import audit
from data.store import Store
from layers import query
from layers.analyses.zoning import ZONING_FUNCTIONS
from layers.catalogue import LAYERS
from layers.district import District
from layers.zoning import run as running
from layers.zoning import runs
from layers.zoning.result import ZoningRun
from layers.zoning.scheme import parse_scheme, shipped_scheme
from tests.layers.conftest import EPSG, NOW, fill, lonlat
from tests.web.conftest import SCHEME, browser
from tests.web.test_cli import Onemap, onemap, told
from web import create_app, jobs
from web.pages import sheet_fonts

__all__ = ["onemap"]

Ask = Callable[..., Any]


# -- what was run -----------------------------------------------------------------------------------


def test_runs_are_listed_the_newest_first(ask: Ask, zoned: list[ZoningRun]) -> None:
    assert [row["run"] for row in ask("zoning/runs")] == [run.id for run in reversed(zoned)]


def test_summary_counts_everybody_once(ask: Ask, zoned: list[ZoningRun]) -> None:
    found = ask("zoning/natural/summary")
    assert found["run"] == zoned[-1].id
    assert [row["level"] for row in found["levels"]] == [5, 4, 3, 2, 1, 0]
    assert sum(row["persons"] for row in found["levels"]) == found["persons"] == 3030
    assert sum(row["persons"] for row in found["streets"]) == 3030
    assert found["weights"] == pytest.approx({"waterlogging": 0.3, "fire": 0.7})
    assert len(found["breaks"]) == 4
    assert {row["kind"] for row in found["inside"]} <= {"shelters", "teams", "depots"}


def test_a_street_without_capacity_data_is_null_not_a_number(ask: Ask) -> None:
    assert [row["capacity_score"] for row in ask("zoning/natural/summary")["streets"]] == [None, None]


def test_place_and_street_are_explained_from_raw_value_to_level(ask: Ask, place: Any, zoned: list[ZoningRun]) -> None:
    unit = ask("zoning/natural/explain", at=place(4.5, 2.0))
    assert unit["run"] == zoned[-1].id
    assert unit["street"] == "东街道"
    assert {hazard["id"] for hazard in unit["hazards"]} == {"waterlogging", "fire"}
    assert unit["index"] == pytest.approx(sum(hazard["contribution"] for hazard in unit["hazards"]))
    assert 1 + sum(unit["index"] >= bound for bound in unit["breaks"]) == unit["level_index"]
    street = ask("zoning/natural/explain", street="东街道")
    assert street["street"]["persons"] == 2030
    assert street["highest"]["level"] == street["street"]["highest_level"]


def test_files_are_served_whole(client: FlaskClient) -> None:
    def get(name: str) -> Any:
        response = client.get(f"/api/v1/zoning/natural/files/{name}")
        assert response.status_code == 200
        return response

    rows = list(csv.DictReader(io.StringIO(get("units.csv").data.decode("utf-8-sig"))))
    assert sum(int(float(row["persons"])) for row in rows) == 3030
    assert "attachment" in get("model.csv").headers["Content-Disposition"]
    assert get("zoning.gpkg").data[:15] == b"SQLite format 3"
    for name in ("level.tif", "index.tif", "persons.tif", "stability.tif"):
        with rasterio.MemoryFile(get(name).data) as held, held.open() as raster:
            assert raster.crs.to_epsg() == EPSG
            assert raster.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
            if name == "persons.tif":
                assert raster.read(1, masked=True).sum() == 3030
    report = get("report.html")
    assert "小镇" in report.get_data(as_text=True)
    policy = report.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'"), "its styles stand in the page"
    assert "script-src" not in policy


def test_two_runs_are_compared(ask: Ask, zoned: list[ZoningRun], client: FlaskClient) -> None:
    found = ask("zoning/compare", old=zoned[0].id, new=zoned[1].id)
    assert found["moved_units"] > 0
    assert sum(row["persons"] for row in found["matrix"]) == 3030
    moves = [row for row in found["matrix"] if row["level_old"] != row["level_new"]]
    assert sum(row["units"] for row in moves) == found["moved_units"]
    areas = found["map"]["features"]
    assert {row["level_new"] - row["level_old"] for row in moves} == {area["properties"]["change"] for area in areas}
    west, south, east, north = shapely.total_bounds([shapely.geometry.shape(area["geometry"]) for area in areas])
    assert 73 < west < east < 136
    assert 3 < south < north < 54
    same = ask("zoning/compare", old=zoned[0].id, new=zoned[0].id)
    assert same["moved_units"] == 0
    assert same["map"]["features"] == []


# -- running ----------------------------------------------------------------------------------------


@pytest.fixture
def own(own_town: District) -> FlaskClient:
    """A browser before a town of its own, that nobody has run a scheme on."""
    from data.settings import Settings

    return browser(create_app(Settings(), "", district=own_town))


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The scheme that the town can feed stands in for the shipped one."""
    from layers.zoning import scheme

    monkeypatch.setattr(scheme, "shipped_scheme", lambda name: parse_scheme(SCHEME))


def ended(client: FlaskClient, job: str) -> dict[str, Any]:
    for _ in range(600):
        found: dict[str, Any] = client.get(f"/api/v1/zoning/jobs/{job}").get_json()
        if found["state"] != "running":
            return found
        time.sleep(0.05)
    raise AssertionError("the job does not end")


def order(client: FlaskClient, scheme: str = "natural") -> Any:
    return client.post("/api/v1/zoning/runs", json={"scheme": scheme})


@pytest.mark.usefixtures("small")
def test_an_order_runs_shows_its_progress_and_changes_the_map_at_once(own: FlaskClient) -> None:
    def count() -> int:
        rows: list[dict[str, Any]] = own.get("/api/v1/layers?at=2026-07-01T10:00").get_json()
        return next(int(row["count"]) for row in rows if row["id"] == "zoning_natural")

    assert count() == 0
    answer = order(own)
    assert answer.status_code == 202
    found = ended(own, answer.get_json()["job"])
    assert found["state"] == "done", found
    assert found["share"] == 1.0
    assert found["remaining_s"] is None
    assert own.get("/api/v1/zoning/natural/summary").get_json()["run"] == found["run"]
    assert count() > 0, "kept answers do not outlive a new run"


@pytest.mark.usefixtures("small")
def test_a_second_order_waits_and_a_cancelled_one_leaves_nothing(
    own: FlaskClient, own_town: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = running.run_zoning

    def slow(*arguments: Any, **keywords: Any) -> ZoningRun:
        told_ = keywords["progress"]
        told_("inputs", 0.2)
        while not keywords["cancelled"]():
            time.sleep(0.01)
        return real(*arguments, **keywords)

    monkeypatch.setattr(running, "run_zoning", slow)
    job = order(own).get_json()["job"]
    second = order(own)
    assert second.status_code == 409
    assert "wait for it or cancel it" in second.get_json()["detail"]
    assert own.delete(f"/api/v1/zoning/jobs/{job}").status_code == 200
    assert ended(own, job)["state"] == "cancelled"
    assert runs.records(own_town) == []
    assert not list(runs.folder(own_town).glob("*"))


def test_a_run_that_cannot_be_says_why(own: FlaskClient) -> None:
    found = ended(own, order(own).get_json()["job"])
    assert found["state"] == "failed"
    assert "raster" in found["error"]


@pytest.mark.parametrize(
    ("sent", "status", "words"),
    [
        ({"data": "scheme=natural", "content_type": "application/x-www-form-urlencoded"}, 415, "application/json"),
        ({"data": "scheme=natural", "content_type": "text/plain"}, 415, "application/json"),
        ({"data": "{", "content_type": "application/json"}, 422, "no JSON object"),
        ({"json": ["natural"]}, 422, "no JSON object"),
        ({"json": {}}, 422, "scheme"),
        ({"json": {"scheme": 5}}, 422, "scheme"),
        ({"json": {"scheme": "natural", "out": "/etc"}}, 422, "out is not known"),
        ({"json": {"scheme": "/etc/passwd"}}, 404, "the schemes are"),
    ],
)
def test_a_wrong_order_is_refused(client: FlaskClient, sent: dict[str, Any], status: int, words: str) -> None:
    response = client.post("/api/v1/zoning/runs", **sent)
    assert response.status_code == status
    assert words in response.get_json()["detail"]


def test_remaining_time_follows_the_share() -> None:
    job = jobs.Job("a", "zoning", "scheme", "natural", share=0.25)
    job.started = time.monotonic() - 10.0
    assert job.shown()["remaining_s"] == pytest.approx(30.0, abs=0.5)
    assert replace(job, share=0.05).shown()["remaining_s"] is None, "too early to tell"


# -- layers -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(ZONING_FUNCTIONS))
def test_every_zoning_layer_has_its_columns_with_and_without_a_run(
    name: str, town: District, zoned: list[ZoningRun], own_town: District
) -> None:
    layer = LAYERS[name]
    for district in (town, own_town):
        found = query.read(district, name, role="viewer", at=NOW)
        assert [f.name for f in layer.fields] == [c for c in found.frame.columns if c != "geometry"]
        assert found.frame.crs.to_epsg() == 4326
    assert query.read(own_town, name, role="viewer", at=NOW).count == 0
    shown = query.read(town, name, role="viewer", at=NOW)
    of_scheme = name.endswith("_natural") and not name.startswith("zones_large")  # no large run here
    expected = of_scheme or name == "hazard_waterlogging"
    assert (shown.count > 0) == expected
    if expected:
        assert zoned[-1].id[:8] in shown.source
        assert zoned[-1].parameter_version in shown.source
        assert shown.updated_utc == "2026-07-01T02:01:00+00:00"


def test_the_combined_view_is_the_higher_of_both(own_town: District) -> None:
    natural = parse_scheme(SCHEME)
    other = SCHEME.replace('id = "natural"', 'id = "accident"').replace('kind = "natural"', 'kind = "accident"')
    accident = parse_scheme(other.replace("[0.6, 0.4]", "[0.1, 0.9]"))
    for scheme in (natural, accident):
        runs.publish(own_town, running.run_zoning(own_town, scheme), made_utc=NOW, made_by="test", seconds=1.0)
    found = query.read(own_town, "zoning_combined", role="viewer", at=NOW).frame
    assert (found["level"] == found[["natural", "accident"]].max(axis=1)).all()
    assert (found["natural"] != found["accident"]).any()
    whole = query.read(own_town, "zoning_natural", role="viewer", at=NOW).frame["area_km2"].sum()
    assert found["area_km2"].sum() == pytest.approx(whole, rel=1e-6)
    layer = LAYERS["zoning_combined"]
    assert "自然与事故" in layer.title.zh
    assert "叠加" in layer.note.zh


# -- command line -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The small town as a file."""
    path = str(tmp_path_factory.mktemp("zoning-cli") / "town.gpkg")
    with Store.create(path, name="小镇", epsg=EPSG) as store:
        fill(store)
    return path


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("scheme") / "town.toml"
    path.write_text(SCHEME, encoding="utf-8")
    return str(path)


def test_run_correct_run_again_and_compare(onemap: Onemap, db: str, file: str, tmp_path: Path) -> None:
    first = onemap("zoning", "run", file, "--out", str(tmp_path / "a"), "--db", db, "--json")
    assert first.returncode == 0, told(first)
    made = json.loads(first.stdout)
    assert made["persons"] == 3030
    names = {Path(name).name for name in made["files"]}
    assert {"units.csv", "model.csv", "streets.csv", "zoning.gpkg", "level.tif", "report.html"} <= names
    assert gpd.read_file(tmp_path / "a" / "zoning.gpkg", layer="units")["persons"].sum() == 3030

    # A cluster that does not answer is said, not passed over in silence.
    there = onemap("zoning", "run", file, "--scheduler", "tcp://127.0.0.1:1", "--out", str(tmp_path / "x"), "--db", db)
    assert there.returncode == 1
    assert "no Dask scheduler answers there" in told(there)
    assert not (tmp_path / "x").exists()
    here = onemap("zoning", "run", file, "--scheduler", "local", "--out", str(tmp_path / "x"), "--db", db, "--json")
    assert here.returncode == 0, told(here)
    assert (tmp_path / "x" / "level.tif").is_file()

    again = onemap("zoning", "run", file, "--out", str(tmp_path / "a"), "--db", db)
    assert again.returncode == 2
    assert "not empty" in told(again)

    lon, lat = lonlat(1.0, 1.0)
    why = onemap("zoning", "explain", "natural", "--at", f"{lon},{lat}", "--db", db)
    unit = json.loads(why.stdout)
    corrected = onemap(
        "zoning", "correct", "natural", unit["unit"], "5", "--reason", "下穿通道", "--author", "值班室", "--db", db
    )
    assert corrected.returncode == 0, told(corrected)
    second = onemap("zoning", "run", file, "--db", db, "--json")
    run = json.loads(second.stdout)["run"]
    assert run != made["run"]
    unit = json.loads(onemap("zoning", "explain", run, "--at", f"{lon},{lat}", "--db", db).stdout)
    assert unit["corrected"] is True
    assert unit["level"] == 5
    assert "下穿通道" in unit["reason"]

    compared = onemap("zoning", "compare", made["run"], run, "--out", str(tmp_path / "c"), "--db", db)
    assert compared.returncode == 0, told(compared)
    assert "1 units moved; causes: {'correction': 1}" in compared.stdout.decode()
    assert (tmp_path / "c" / "moved.csv").is_file()
    listed = onemap("zoning", "list", "--db", db).stdout.decode()
    assert listed.index(run) < listed.index(made["run"])
    with Store(db) as store, store.reading() as conn:
        noted = [entry for entry in audit.entries(conn) if entry.action == "run zoning"]
    assert [entry.subject for entry in noted][::2] == [run, made["run"]]  # between them the run block by block
    assert {(entry.actor, entry.outcome) for entry in noted} == {("command line", "done")}


def test_a_run_that_is_not_published_leaves_the_map_alone(onemap: Onemap, file: str, tmp_path: Path) -> None:
    path = str(tmp_path / "town.gpkg")
    with Store.create(path, name="小镇", epsg=EPSG) as store:
        fill(store)
    result = onemap("zoning", "run", file, "--out", str(tmp_path / "o"), "--no-publish", "--db", path)
    assert result.returncode == 0, told(result)
    with Store(path) as store, store.reading() as conn:
        assert audit.entries(conn) == []
    assert onemap("zoning", "list", "--db", path).stdout.decode().strip() == "0 runs"


def test_a_correction_needs_its_reason_and_a_level_from_1_to_5(onemap: Onemap, db: str) -> None:
    assert onemap("zoning", "correct", "natural", "x", "3", "--author", "a", "--db", db).returncode == 2
    blank = onemap("zoning", "correct", "natural", "x", "3", "--reason", " ", "--author", "a", "--db", db)
    assert "reason" in told(blank)
    assert (
        onemap("zoning", "correct", "natural", "x", "6", "--reason", "r", "--author", "a", "--db", db).returncode == 2
    )


def test_schemes_and_parameters_are_printed(onemap: Onemap, tmp_path: Path) -> None:
    assert "natural" in onemap("zoning", "schemes").stdout.decode()
    text = onemap("zoning", "schemes", "accident").stdout.decode()
    assert parse_scheme(text) == shipped_scheme("accident")
    assert tomllib.loads(text)["scheme"]["id"] == "accident"
    rows = json.loads(onemap("zoning", "parameters", "--db", str(tmp_path / "none.gpkg"), "--json").stdout)
    assert any(row["to_confirm"] for row in rows)
    assert onemap("zoning", "run", "nothing.toml").returncode == 2


@pytest.mark.skipif(not sheet_fonts().regular.is_file(), reason="scripts/test fetches the fonts")
def test_a_sheet_is_drawn_from_the_command_line_and_over_http(
    onemap: Onemap, db: str, tmp_path: Path, client: FlaskClient
) -> None:
    for name, start in (("x.pdf", b"%PDF-"), ("x.png", b"\x89PNG")):
        result = onemap("sheet", "streets", "--scale", "100000", "-o", str(tmp_path / name), "--db", db)
        assert result.returncode == 0, told(result)
        assert (tmp_path / name).read_bytes().startswith(start)
    answer = client.get("/api/v1/sheet/zoning_natural.pdf?scale=100000")
    assert answer.status_code == 200, answer.get_data(as_text=True)[:300]
    assert answer.data.startswith(b"%PDF-")
    assert client.get("/api/v1/sheet/streets.png?scale=100000&page=9").status_code == 422
    assert onemap("sheet", "streets", "-o", str(tmp_path / "x.docx"), "--db", db).returncode == 2
    public = onemap("sheet", "streets", "--public", "-o", str(tmp_path / "y.pdf"), "--db", db)
    assert "审图号" in told(public)
