"""The bench of siting compares what it times."""

import json
from pathlib import Path

import pytest

from geo.errors import InputError, Unavailable
from layers import bench_siting
from layers.bench_siting import run_bench_siting


def test_every_model_is_measured_and_agrees_with_the_peer_where_it_is_there(tmp_path: Path) -> None:
    said: list[str] = []
    found = run_bench_siting(sizes=((40, 10, 3),), say=said.append, output=tmp_path / "s.json")
    assert json.loads((tmp_path / "s.json").read_text(encoding="utf-8")) == found
    assert [row["model"] for row in found["rows"]] == [model[0] for model in bench_siting._MODELS]
    assert all(row["is_optimal"] for row in found["rows"])
    if found["peer"] is not None:
        for row in found["rows"]:
            assert row["peer_is_proven"]
            assert row["peer_objective"] == pytest.approx(row["objective"])
    assert sum(line.startswith("most_covered") for line in said) == 1


@pytest.mark.parametrize(
    ("model", "theirs", "is_proven"),
    [
        ("most_covered", 11.0, True),
        ("most_covered", 9.0, True),
        ("most_covered", 11.0, False),
        ("least_mean_time", 9.0, False),
    ],
)
def test_another_result_stops_the_bench(model: str, theirs: float, is_proven: bool) -> None:
    row = {"model": model, "objective": 10.0, "peer_objective": theirs, "peer_is_proven": is_proven}
    with pytest.raises(Unavailable, match=f"spopt has {theirs}"):
        bench_siting._compared(row)


def test_a_peer_that_was_stopped_may_be_worse() -> None:
    for model, theirs in (("most_covered", 9.0), ("least_mean_time", 11.0), ("least_mean_time", None)):
        row = {"model": model, "objective": 10.0, "peer_objective": theirs, "peer_is_proven": False}
        bench_siting._compared(row)
        assert row["peer_objective"] == theirs


def test_senseless_sizes_are_refused() -> None:
    for sizes in ((), ((0, 3, 1),), ((5, 3, 4),)):
        with pytest.raises(InputError, match="sizes"):
            run_bench_siting(sizes=sizes, say=str)
