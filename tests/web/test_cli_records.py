"""backup, restore and audit on the command line: what is printed, and the exit code."""

import json
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from data import audit, ledger
from data.ledger import Movement
from data.store import Store
from web.cli import run_command

NOW = datetime(2026, 7, 1, 2, 0, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A district with one lot and three rows in its audit."""
    stamp: dict[str, Any] = {"source": "test", "source_datum": "none", "now_utc": NOW}
    with Store.create(tmp_path / "d.gpkg", name="试", epsg=4549) as store:
        with store.writing() as conn:
            store.upsert(conn, "depot", pd.DataFrame({"id": ["D1"], "name": ["一库"], "level": "street"}), **stamp)
            store.upsert(conn, "item", pd.DataFrame({"id": ["bag"], "name": ["沙袋"], "unit": ["只"]}), **stamp)
            rows = pd.DataFrame([{"depot_id": "D1", "item_id": "bag", "lot": "A", "quantity": 10}])
            ledger.apply_lots(conn, rows, source="list", now_utc=NOW)
        for number in range(3):
            with store.writing() as conn:
                ledger.record(conn, [Movement("D1/bag/A", 1000, "depot", "hold", "hold")], source="t", now_utc=NOW)
                audit.append(conn, actor="u", role="keeper", action=f"a{number}", subject="s", now_utc=NOW)
    return tmp_path / "d.gpkg"


def onemap(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    try:
        code = run_command([str(argument) for argument in arguments])
    except SystemExit as leaving:
        code = int(leaving.code or 0)
    said = capsys.readouterr()
    return code, said.out + said.err


def alter(path: Path, statement: str) -> None:
    db = sqlite3.connect(path)
    for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        db.execute(f"DROP TRIGGER {name}")
    db.execute(statement)
    db.commit()
    db.close()


def test_a_whole_record_is_said_to_be_whole(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = onemap(capsys, "audit", "verify", "--db", path)
    assert code == 0
    assert "audit: 3 rows, hash " in said
    assert "0 balances differ" in said
    code, said = onemap(capsys, "audit", "list", "--db", path, "--limit", 2, "--json")
    assert [row["action"] for row in json.loads(said)] == ["a2", "a1"]
    assert onemap(capsys, "audit", "list", "--db", path)[1].count("\n") == 3


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE audit SET actor = 'x' WHERE seq = 2", "audit: row 2"),
        ("DELETE FROM audit WHERE seq = 2", "audit: row 2 is missing"),
        ("DELETE FROM audit WHERE seq = 3", "audit: row 3 is missing; rows were cut off at the end"),
        ("DELETE FROM audit", "audit: row 1 is missing; rows were cut off at the end"),
        ("UPDATE movement SET reason = 'x' WHERE seq = 3", "audit: row 2"),
        ("UPDATE lot SET on_hand_e3 = 9000", "ledger: lot D1/bag/A, on_hand_e3: 9 stored, the movements make 10"),
    ],
)
def test_the_first_bad_row_is_named_and_the_exit_code_is_1(
    path: Path, capsys: pytest.CaptureFixture[str], statement: str, said: str
) -> None:
    alter(path, statement)
    code, text = onemap(capsys, "audit", "verify", "--db", path)
    assert (code, said in text) == (1, True)
    code, text = onemap(capsys, "audit", "verify", "--db", path, "--json")
    assert code == 1
    assert said in json.loads(text)["problems"][0]


def test_rows_cut_off_show_against_a_backup(path: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, said = onemap(capsys, "backup", tmp_path, "--db", path)
    assert code == 0
    archive = next(tmp_path.glob("d-*.zip"))
    assert str(archive) in said
    assert onemap(capsys, "audit", "verify", "--db", path, "--against", archive)[0] == 0
    alter(path, "DELETE FROM audit WHERE seq = 3")
    alter(path, "UPDATE sqlite_sequence SET seq = 2 WHERE name = 'audit'")
    code, said = onemap(capsys, "audit", "verify", "--db", path)
    assert (code, "no row covers movement 4 to 4" in said) == (1, True)
    alter(path, "DELETE FROM movement WHERE seq = 4")
    alter(path, "UPDATE lot SET on_hold_e3 = 2000")
    assert onemap(capsys, "audit", "verify", "--db", path)[0] == 0, "nothing is left that could tell of it"
    code, said = onemap(capsys, "audit", "verify", "--db", path, "--against", archive)
    assert code == 1
    assert "rows were cut off" in said


def test_backup_and_restore(path: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    archive, copy = tmp_path / "b.zip", tmp_path / "new" / "d.gpkg"
    code, made = onemap(capsys, "backup", archive, "--db", path, "--json")
    assert code == 0
    code, said = onemap(capsys, "restore", archive, "--db", copy, "--json")
    assert code == 0
    assert {**json.loads(said), "path": ""} == {**json.loads(made), "path": ""}
    assert onemap(capsys, "audit", "verify", "--db", copy, "--against", archive)[0] == 0
    code, said = onemap(capsys, "restore", archive, "--db", copy)
    assert code == 2
    assert "exists already" in said
    archive.write_bytes(archive.read_bytes()[:-100])
    assert onemap(capsys, "restore", archive, "--db", tmp_path / "x.gpkg")[0] == 2
    assert onemap(capsys, "backup", tmp_path / "b2.zip", "--db", tmp_path / "none.gpkg")[0] == 2
