"""Work in a process of its own."""

import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from geo.errors import Unavailable
from geo.times import contraction_order
from layers import district
from layers.apart import run_apart
from layers.district import District


def test_the_answer_comes_back_whole() -> None:
    values = np.arange(100_000, dtype=np.float64)
    assert np.array_equal(run_apart(np.sqrt, values), np.sqrt(values))


def test_it_is_another_process() -> None:
    assert run_apart(os.getpid) != os.getpid()


def test_a_failure_there_is_said_here(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Unavailable, match="sqrt ended with code 1"):
        run_apart(math.sqrt, -1.0)
    assert "ValueError" in capfd.readouterr().err


@pytest.mark.parametrize(("bound", "apart"), [(24, 0), (23, 1)])
def test_a_small_network_is_ordered_here_and_the_same_way(
    town: District, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: int, apart: int
) -> None:
    calls: list[object] = []

    def run(*asked: Any) -> Any:
        calls.append(asked)
        return run_apart(*asked)

    network = town.view().network
    assert len(network.node_xy_m) == 24
    monkeypatch.setattr(district, "run_apart", run)
    monkeypatch.setattr(district, "_ORDERED_HERE", bound)
    monkeypatch.setattr(town, "cache", tmp_path)
    assert town._order(network) == contraction_order(network)
    assert len(calls) == apart
