"""What a first run needs is made in the background once, and nothing is published by it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from layers.district import District
from layers.zoning import modules, runs
from layers.zoning.result import ZoningRun
from layers.zoning.run import run_zoning, warm_schemes
from layers.zoning.scheme import shipped_scheme

NOW = datetime(2026, 11, 2, 4, 0, tzinfo=UTC)


def test_a_warm_district_runs_without_computing_its_hazards_anew(
    demo: District, natural: ZoningRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("layers.zoning.run.SHIPPED", ("natural",))
    fresh = District(demo.store, clock=lambda: NOW)
    before = runs.records(fresh)
    warm_schemes(fresh)
    assert runs.records(fresh) == before

    def again(inputs: Any) -> Any:
        raise AssertionError("computed anew")

    for name in modules.MODULE_FUNCTIONS:
        monkeypatch.setitem(modules.MODULE_FUNCTIONS, name, again)
    assert run_zoning(fresh, shipped_scheme("natural")).id == natural.id


def test_a_scheme_that_was_never_run_is_left_alone(own_town: District, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*args: Any, **knobs: Any) -> Any:
        raise AssertionError("run")

    monkeypatch.setattr("layers.zoning.run.run_zoning", refused)
    warm_schemes(own_town)
