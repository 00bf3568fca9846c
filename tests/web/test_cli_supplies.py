"""Commands of the stock as a planner types them: their output, their JSON and their exit codes."""

import json
from typing import Any

import pytest
from click.testing import CliRunner

from layers.district import District
from tests.layers.conftest import EPSG, NOW, lonlat
from tests.layers.test_boards import stocked
from web.cli import cli, run_command

AT = ["--at", "2026-07-01T10:00+08:00"]


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("cli") / "town.gpkg"
    district: District = stocked(path)
    district.store.close()
    assert (district.epsg, district.now().timestamp()) == (EPSG, NOW.timestamp())
    return str(path)


COMMANDS = {
    ("stock", "low"): "rows",
    ("stock", "expiring"): "rows",
    ("stock", "uncounted"): "rows",
    ("stock", "item", "quilt"): "rows",
    ("availability", "quilt"): "points",
    ("needs", "--affected", "100", "--evacuated", "20", "--days", "3"): "rows",
    ("reserves",): "rows",
    ("outstanding",): "rows",
    ("kpis",): "rows",
}


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_board_prints_a_table_and_json(command: tuple[str, ...], db: str) -> None:
    text = CliRunner().invoke(cli, [*command, "--db", db, *AT])
    assert text.exit_code == 0, text.output
    found = CliRunner().invoke(cli, [*command, "--db", db, *AT, "--json"])
    assert found.exit_code == 0, found.output
    rows: list[Any] = json.loads(found.stdout)[COMMANDS[command]]
    lines = text.stdout.strip().splitlines()
    extra = 6 if command == ("reserves",) else 0  # the list and its triggers come first
    assert lines[extra:] == ["none"] if not rows else len(lines) == len(rows) + 1 + extra


def test_a_plan_own_level_first_with_substitutes(db: str) -> None:
    lon, lat = lonlat(1, 0)
    command = ["supply", "--db", db, "--to", f"{lon},{lat}", "--need", "pump=5", "--way", "own_level", *AT]
    plain = CliRunner().invoke(cli, command)
    assert plain.exit_code == 0, plain.output
    assert "2 of 5" in plain.stdout
    found = CliRunner().invoke(cli, [*command, "--substitutes"])
    assert "5 of 5" in found.stdout
    assert "big pump 大泵 for" in found.stdout
    assert "later than the earliest plan (own_level)" in found.stdout or "own_level" not in found.stdout


def test_what_is_not_there_is_said_and_ends_with_2(db: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["availability", "pillow", "--db", db]) == 2
    assert "there is no item 'pillow'" in capsys.readouterr().err
    assert run_command(["needs", "--affected", "1", "--evacuated", "2", "--days", "1", "--db", db]) == 2
    assert "evacuated=2" in capsys.readouterr().err
    assert run_command(["reserves", "--version", "1999", "--db", db]) == 2
    assert "1999" in capsys.readouterr().err
    assert run_command(["outstanding", "--request", "x", "--db", db]) == 2


def test_balances_as_true_and_as_known(db: str) -> None:
    runner = CliRunner()
    table = runner.invoke(cli, ["stock", "balances", "--db", db, "--item", "quilt"], catch_exceptions=False).stdout
    assert table.splitlines()[0].split() == [
        *("item", "name", "depot", "lot", "account", "order", "quantity", "unit"),
    ]
    before = ["--true-at", "2020-01-01T00:00+08:00", "--json"]
    found = json.loads(runner.invoke(cli, ["stock", "balances", "--db", db, *before], catch_exceptions=False).stdout)
    assert found["rows"] == []
