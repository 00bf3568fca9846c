"""Blocks, cores and a cluster give what one array in memory gives."""

from collections.abc import Iterator
from pathlib import Path

import dask.array as da
import numpy as np
import pytest
import shapely
import xarray as xr

from geo.errors import Cancelled, InputError, Unavailable
from geo.grid import Grid, area_shares
from geo.zoning import HazardTerm, Term, ZoningModel, evaluate, fit
from layers.district import District
from layers.zoning import chunked
from layers.zoning.chunked import Remaining, zonal_table, zone_large
from layers.zoning.large import run_large
from tests.layers.zoning.test_large import scheme

ROWS, COLS = 90, 70
GRID = Grid(4549, 500_000.0, 3_500_000.0, 30.0, 30.0, ROWS, COLS)
MODEL = ZoningModel(
    hazards=(HazardTerm("a", "a", 0.7), HazardTerm("b", "b", 0.3)),
    exposure=(Term("persons", 1.0),),
    score="cardinal",
)


def raw() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(4)
    found = {name: rng.random((ROWS, COLS)).astype(np.float32) for name in ("a", "b")}
    found["persons"] = rng.integers(0, 900, (ROWS, COLS)).astype(np.float32)
    found["a"][:5, :7] = np.nan
    return found


def dataset() -> xr.Dataset:
    return xr.Dataset({name: (("y", "x"), da.from_array(values, chunks=(32, 33))) for name, values in raw().items()})


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunked, "BLOCK_CELLS", 700)


def test_blocks_equal_one_array() -> None:
    found = zone_large(dataset(), MODEL, GRID)
    whole = fit([raw], MODEL)
    expected = evaluate(raw(), whole.model)
    assert found.model == whole.model
    np.testing.assert_array_equal(found.level, expected["level"])
    np.testing.assert_array_equal(found.index, expected["index"].astype(np.float32))
    assert (found.level[:5, :7] == 0).all()
    assert found.units == ROWS * COLS - 35


def test_binned_breaks_stay_within_their_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    exact = zone_large(dataset(), MODEL, GRID)
    monkeypatch.setattr(chunked, "EXACT_UNITS", 100)
    binned = zone_large(dataset(), MODEL, GRID)
    assert binned.model.breaks is not None
    assert 0 < binned.model.breaks.error_bound <= 1 / 65_536
    assert (binned.level == exact.level).mean() > 0.98


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    import warnings

    from distributed import LocalCluster

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with LocalCluster(  # type: ignore[no-untyped-call]
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0", host="127.0.0.1"
        ) as running:
            yield running.scheduler_address


@pytest.mark.filterwarnings("ignore")
def test_two_workers_equal_one_process(cluster: str) -> None:
    alone = zone_large(dataset(), MODEL, GRID)
    found = zone_large(dataset(), MODEL, GRID, scheduler=cluster)
    assert found.model == alone.model
    np.testing.assert_array_equal(found.level, alone.level)
    np.testing.assert_array_equal(found.index, alone.index)


@pytest.mark.filterwarnings("ignore")
def test_a_scheme_on_rasters_of_the_store_writes_the_same_bytes_on_two_workers(
    cluster: str, demo: District, tmp_path: Path
) -> None:
    for name, scheduler in (("alone", None), ("cluster", cluster)):
        run_large(demo, scheme(), tmp_path / name, scheduler=scheduler)
    for path in (tmp_path / "alone").iterdir():
        assert path.read_bytes() == (tmp_path / "cluster" / path.name).read_bytes(), path.name


@pytest.mark.filterwarnings("ignore")
def test_no_scheduler_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunked, "CONNECT_S", 0.5)
    with pytest.raises(Unavailable, match="no Dask scheduler"):
        zone_large(dataset(), MODEL, GRID, scheduler="tcp://127.0.0.1:1")


def test_progress_runs_to_the_end_and_a_cancel_is_heard() -> None:
    heard: list[float] = []
    zone_large(dataset(), MODEL, GRID, progress=lambda phase, share: heard.append(share))
    assert heard == sorted(heard)
    assert heard[-1] == pytest.approx(1.0)
    calls = iter(range(100))
    with pytest.raises(Cancelled):
        zone_large(dataset(), MODEL, GRID, cancelled=lambda: next(calls) > 3)


def test_zones_of_a_large_run() -> None:
    found = zone_large(dataset(), MODEL, GRID)
    min_x, min_y, max_x, max_y = GRID.bounds
    zones = [shapely.box(min_x, min_y, min_x + 310, max_y), shapely.box(min_x + 310, min_y, max_x, max_y)]
    table = zonal_table(found, area_shares(zones, GRID), ["west", "east"])
    column = np.minimum(np.maximum((310 - np.arange(COLS) * 30) / 30, 0), 1)
    weight = np.broadcast_to(column, GRID.shape)
    there = np.isfinite(found.index)
    assert table["index"][0] == pytest.approx((found.index * weight)[there].sum() / weight[there].sum(), abs=1e-6)
    assert table[[f"share_{k}" for k in range(6)]].sum(axis=1).tolist() == pytest.approx([1.0, 1.0], abs=1e-5)


def test_a_dataset_of_another_shape_is_refused() -> None:
    with pytest.raises(InputError, match="rows and columns"):
        zone_large(dataset().isel(y=slice(0, 5)), MODEL, GRID)


def test_remaining_time() -> None:
    times = iter([0.0, 10.0, 10.0])
    left = Remaining(lambda: next(times))
    assert left(0.25) == pytest.approx(30.0)
    assert left(0.0) is None
