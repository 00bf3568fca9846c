"""Work in a process of its own."""

import math
import os

import numpy as np
import pytest

from geo.errors import Unavailable
from layers.apart import run_apart


def test_the_answer_comes_back_whole() -> None:
    values = np.arange(100_000, dtype=np.float64)
    assert np.array_equal(run_apart(np.sqrt, values), np.sqrt(values))


def test_it_is_another_process() -> None:
    assert run_apart(os.getpid) != os.getpid()


def test_a_failure_there_is_said_here(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Unavailable, match="sqrt ended with code 1"):
        run_apart(math.sqrt, -1.0)
    assert "ValueError" in capfd.readouterr().err
