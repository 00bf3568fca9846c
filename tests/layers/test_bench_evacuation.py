"""The bench of evacuation compares what it times."""

import json
from pathlib import Path

import pytest

from geo.errors import InputError, Unavailable
from layers import bench_evacuation
from layers.bench_evacuation import run_bench_evacuation


def test_exact_solvers_agree_and_the_rule_of_thumb_is_never_better(tmp_path: Path) -> None:
    said: list[str] = []
    found = run_bench_evacuation(sizes=(20, 12), runs=1, say=said.append, output=tmp_path / "e.json")
    assert json.loads((tmp_path / "e.json").read_text(encoding="utf-8")) == found
    measured = [row for row in found["rows"] if "absent" not in row]
    assert {row["solver"] for row in measured} >= {"onemap", "scipy linprog", "nearest with room"}
    for name in ("scarce", "ample"):
        rows = {row["solver"]: row for row in measured if row["places"] == name}
        assert rows["scipy linprog"]["person_h"] == rows["onemap"]["person_h"]
        assert rows["nearest with room"]["person_h"] > rows["onemap"]["person_h"]
        assert all(row["s"] > 0 for row in rows.values())
    assert any(line.startswith("scarce  nearest with room") for line in said)


def test_a_solver_with_another_result_stops_the_bench() -> None:
    with pytest.MonkeyPatch.context() as patch:
        wrong = ("scipy linprog", "scipy", lambda case: (1, 1), True)
        patch.setattr(bench_evacuation, "_SOLVERS", (bench_evacuation._SOLVERS[0], wrong))
        with pytest.raises(Unavailable, match="scipy linprog has"):
            run_bench_evacuation(sizes=(5, 3), runs=1, say=str)


def test_senseless_sizes_are_refused() -> None:
    with pytest.raises(InputError, match="sizes"):
        run_bench_evacuation(sizes=(0, 3), say=str)
