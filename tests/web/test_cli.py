"""The command line as a user types it: its output and its exit code."""

import io
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import openpyxl
import pytest

from data.store import Store
from layers import query, render
from layers.district import District
from tests.layers.conftest import EPSG, NOW, fill, lonlat
from web.cli import run_command


@dataclass
class Ran:
    """What a command printed and how it ended."""

    returncode: int
    stdout: bytes
    stderr: bytes


Onemap = Callable[..., Ran]


@pytest.fixture
def onemap(capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> Onemap:
    """Run one command as the entry point does, in this process."""

    def run(*args: str, **env: str) -> Ran:
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        try:
            code = run_command(list(args))
        except SystemExit as stop:
            code = int(stop.code or 0)
        sys.stdout.flush()
        sys.stderr.flush()
        out, err = capfdbinary.readouterr()
        return Ran(code, out, err)

    return run


def told(result: Ran) -> str:
    return result.stderr.decode()


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The small town as a file."""
    path = str(tmp_path_factory.mktemp("cli") / "town.gpkg")
    with Store.create(path, name="小镇", epsg=EPSG) as store:
        fill(store)
    return path


def at(x: float, y: float) -> str:
    lon, lat = lonlat(x, y)
    return f"{lon},{lat}"


WHEN = "2026-07-01T10:00+08:00"


def test_times_takes_several_places_after_one_option(onemap: Onemap, db: str) -> None:
    result = onemap("times", "--from", at(0, 0), at(1, 0), "--to", at(2, 0), "--db", db, "--at", WHEN, "--json")
    assert result.returncode == 0, told(result)
    found = json.loads(result.stdout)
    assert [row[0] for row in found["time_s"]] == pytest.approx([240.0, 120.0], abs=0.1)
    assert found["at"] == "2026-07-01T10:00:00+08:00"


def test_database_from_the_environment_and_negative_longitudes(onemap: Onemap, db: str) -> None:
    result = onemap("times", "--from", "-51.2,-30.0", "--to", at(0, 0), ONEMAP_DATABASE=db)
    assert result.returncode == 2
    assert "outside the district's extent" in told(result)


def test_a_place_without_a_road_is_null_and_not_an_error(onemap: Onemap, db: str) -> None:
    result = onemap("route", "--from", at(10, 1), "--to", at(0, 0), "--db", db, "--json")
    assert result.returncode == 0
    found = json.loads(result.stdout)
    assert found["time_s"] is None
    assert found["reason"] == "no_road"


def test_coverage_json_has_the_promised_keys(onemap: Onemap, db: str) -> None:
    found = json.loads(onemap("coverage", "--db", db, "--at", WHEN, "--json").stdout)
    assert {"limit_s", "revision", "totals", "by_street", "places", "at"} <= set(found)
    assert set(found["places"][0]) == {
        "id",
        "name",
        "street",
        "persons",
        "covered",
        "team_id",
        "handling_s",
        "turnout_s",
        "travel_s",
        "last_leg_s",
        "total_s",
        "backup_teams",
        "reason",
    }


def test_supply_json_and_the_sentence_for_a_wrong_item(onemap: Onemap, db: str) -> None:
    to = at(1, 0)
    found = json.loads(onemap("supply", "--db", db, "--to", to, "--need", "quilt=90", "--at", WHEN, "--json").stdout)
    assert found["lines"][0]["allocated"] == 90
    wrong = onemap("supply", "--db", db, "--to", to, "--need", "pillow=1")
    assert wrong.returncode == 2
    assert "pillow" in told(wrong)
    assert "Traceback" not in told(wrong)


def test_around_speeds_layers_and_unplaced_print(onemap: Onemap, db: str, tmp_path: Path) -> None:
    near = json.loads(onemap("around", "--db", db, "--at", at(0, 0), "--radius-m", "600", "--json").stdout)
    assert [row["id"] for row in near["facilities"]] == ["t1", "d1"]
    told_rows = onemap("around", "--db", db, "--at", at(0, 0), "--minutes", "2").stdout.decode()
    assert "teams: 1, 1 on duty" in told_rows
    assert told_rows.splitlines()[-1] == "2 found"
    onemap("around", "--db", db, "--at", at(0, 0), "--radius-m", "600", "--pdf", str(tmp_path / "around.pdf"))
    assert (tmp_path / "around.pdf").read_bytes().startswith(b"%PDF")
    speeds = json.loads(onemap("speeds", "--json").stdout)
    assert {row["highway"]: row["free_kmh"] for row in speeds["classes"]}["tertiary"] == 30.0
    assert b"hospitals" in onemap("layers", "--db", db).stdout
    assert "1 to be placed" in onemap("unplaced", "--db", db).stdout.decode()


def test_export_is_byte_for_byte_what_the_renderer_makes(onemap: Onemap, db: str, tmp_path: Path) -> None:
    district = District(Store(db), clock=lambda: NOW)
    for form in ("geojson", "csv", "xlsx"):
        path = tmp_path / f"x.{form}"
        result = onemap("export", "hospitals", "-f", form, "-o", str(path), "--db", db)
        assert result.returncode == 0, told(result)
        expected = render.render(query.read(district, "hospitals", role="administrator", at=NOW), form)
        assert path.read_bytes() == expected


def test_export_of_an_unknown_layer_lists_the_layers(onemap: Onemap, db: str) -> None:
    result = onemap("export", "castles", "--db", db)
    assert result.returncode == 2
    assert "hospitals" in told(result)


def test_template_opens_and_goes_back_in(onemap: Onemap, tmp_path: Path) -> None:
    sheet = onemap("template", "hospitals").stdout
    book = openpyxl.load_workbook(io.BytesIO(sheet))
    page = book.worksheets[0]
    names = [cell.value for cell in page[1]]
    values = {"编号": "007", "名称": "示意医院", "床位(张)": 12, "经度": lonlat(1, 1)[0], "纬度": lonlat(1, 1)[1]}
    for column, name in enumerate(names, start=1):
        page.cell(3, column, values.get(name))
    path = tmp_path / "hospitals.xlsx"
    book.save(path)
    db = str(tmp_path / "new.gpkg")
    assert onemap("init", "--db", db, "--name", "新区", "--epsg", "4549").returncode == 0
    result = onemap("import", "hospitals", str(path), "--db", db)
    assert result.returncode == 0, told(result)
    with Store(db) as store:
        assert store.frame("hospital")["id"].tolist() == ["007"]


def test_init_refuses_what_is_there_and_a_crs_in_degrees(onemap: Onemap, db: str, tmp_path: Path) -> None:
    again = onemap("init", "--db", db)
    assert again.returncode == 2
    degrees = onemap("init", "--db", str(tmp_path / "x.gpkg"), "--epsg", "4326")
    assert degrees.returncode == 2
    assert "metres" in told(degrees)
    assert not (tmp_path / "x.gpkg").exists()


def test_missing_database_names_the_remedy(onemap: Onemap, tmp_path: Path) -> None:
    result = onemap("coverage", "--db", str(tmp_path / "none.gpkg"))
    assert result.returncode == 2
    assert "onemap init" in told(result)


def test_unknown_setting_is_an_error(onemap: Onemap, db: str) -> None:
    result = onemap("settings", ONEMAP_DATABSE=db)
    assert result.returncode == 2
    assert "ONEMAP_DATABSE" in told(result)


def test_doctor_finds_a_sound_town(onemap: Onemap, db: str) -> None:
    result = onemap("doctor", "--db", db)
    text = result.stdout.decode()
    assert "ok   stock" in text
    assert "ok   database" in text


def test_atlas_is_one_file_without_outside_addresses(onemap: Onemap, db: str, tmp_path: Path) -> None:
    path = tmp_path / "atlas.html"
    result = onemap("export", "all", "-f", "html", "-o", str(path), "--db", db)
    assert result.returncode == 0, told(result)
    text = path.read_text(encoding="utf-8")
    assert "<script>alert(1)" not in text
    assert "小镇" in text


def test_an_empty_district_answers_everything(onemap: Onemap, tmp_path: Path) -> None:
    db = str(tmp_path / "empty.gpkg")
    assert onemap("init", "--db", db).returncode == 0
    covered = onemap("coverage", "--db", db, "--json")
    assert covered.returncode == 0, told(covered)
    assert json.loads(covered.stdout)["totals"]["covered_share"] is None
    layers = onemap("layers", "--db", db)
    assert layers.returncode == 0, told(layers)
    nowhere = onemap("supply", "--db", db, "--to", "120.8,32.0", "--need", "a=1")
    assert nowhere.returncode == 2
    assert "empty" in told(nowhere)


def test_the_installed_entry_point_ends_with_the_exit_code(onemap: Onemap, tmp_path: Path) -> None:
    program = str(Path(sys.executable).with_name("onemap"))
    ended = subprocess.run(
        [program, "coverage", "--db", str(tmp_path / "none.gpkg")], capture_output=True, timeout=60, check=False
    )
    assert ended.returncode == onemap("coverage", "--db", str(tmp_path / "none.gpkg")).returncode == 2
    assert b"Traceback" not in ended.stderr
