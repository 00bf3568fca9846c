"""The same model on rasters too large for memory: block by block, on this machine's cores or on a Dask cluster."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from geo.errors import Cancelled, InputError, Unavailable
from geo.grid import Grid, Shares
from geo.zoning import EXACT_UNITS, Block, Fitted, Mapper, ZoningModel, fit, hazard_levels, rated

BLOCK_CELLS = 1 << 21
"""Cells of a block: few enough to be in memory several times, many enough that the graph stays small."""

WORKERS = 2
CONNECT_S = 10.0

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Window:
    """Some rows of a dataset; called, it reads their raw columns."""

    dataset: xr.Dataset
    first: int
    last: int

    def __call__(self) -> dict[str, NDArray[Any]]:
        """The raw columns of these rows."""
        part = self.dataset.isel(y=slice(self.first, self.last)).compute(scheduler="synchronous")
        return {str(name): part[name].to_numpy() for name in part}


_Each = tuple[NDArray[np.int8], NDArray[np.int8]]


@dataclass(frozen=True)
class _Rated:
    """Index and level of one window and, where they are asked for, level of each hazard and dominant one."""

    model: ZoningModel
    each: bool

    def __call__(self, block: Block) -> tuple[NDArray[np.float32], NDArray[np.uint8], _Each | None]:
        raw = block()
        index, level = rated(raw, self.model)
        return index.astype(np.float32), level, hazard_levels(raw, self.model) if self.each else None


@dataclass(frozen=True)
class LargeZoning:
    """Index and level of every cell, the model that was fitted, and what was noticed."""

    grid: Grid
    model: ZoningModel
    index: NDArray[np.float32]
    level: NDArray[np.uint8]
    units: int
    notices: tuple[str, ...]
    dominant: NDArray[np.int8] | None = None


Fitter = Callable[[Sequence[Block], Mapper, bool], Fitted]
"""Finds the model on blocks: (blocks, mapper, binned)."""


def windows(dataset: xr.Dataset) -> list[Window]:
    """The dataset in bands of whole rows."""
    rows, cols = dataset.sizes["y"], dataset.sizes["x"]
    step = max(BLOCK_CELLS // cols, 1)
    return [Window(dataset, first, min(first + step, rows)) for first in range(0, rows, step)]


@contextmanager
def mapper(
    scheduler: str | None = None,
    *,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
    passes: int = 4,
) -> Iterator[Mapper]:
    """Run a function over blocks with progress and cancelling.

    `scheduler` is the address of a Dask scheduler; None takes this machine's cores. `passes` is the
    number of calls over which the shares of progress run.
    """
    tell = progress or (lambda phase, share: None)
    stop = cancelled or (lambda: False)
    done = 0

    def watched(results: Iterable[Any], count: int) -> Iterator[Any]:
        nonlocal done
        for k, result in enumerate(results, start=1):
            if stop():
                raise Cancelled("the zoning run was cancelled; nothing was kept")
            tell(f"pass {min(done + 1, passes)} of {passes}", min((done + k / count) / passes, 1.0))
            yield result
        done += 1

    if scheduler is None:
        with ThreadPoolExecutor(WORKERS) as pool:

            def here(function: Callable[[Block], Any], blocks: Sequence[Block]) -> Iterator[Any]:
                return watched(_ahead(pool, (function,), blocks), len(blocks))

            yield here
        return
    from distributed import Client

    try:
        client = Client(scheduler, timeout=CONNECT_S, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise Unavailable(
            f"scheduler={scheduler}: no Dask scheduler answers there; start one or leave it out"
        ) from error
    with client:

        def there(function: Callable[[Block], Any], blocks: Sequence[Block]) -> Iterator[Any]:
            sent = client.scatter(function, broadcast=True, hash=False)  # a model may hold many knots: once a worker
            return watched(_ahead(client, (_call, sent), blocks), len(blocks))

        yield there


def _call(function: Callable[[Block], Any], block: Block) -> Any:
    return function(block)


def _ahead(pool: Any, call: tuple[Any, ...], blocks: Sequence[Block]) -> Iterator[Any]:
    """Results in order, with only a few blocks ahead in memory."""
    waiting: list[Any] = []
    ahead = 4 * WORKERS
    try:
        for block in blocks:
            waiting.append(pool.submit(*call, block))
            if len(waiting) >= ahead:
                yield waiting.pop(0).result()
        while waiting:
            yield waiting.pop(0).result()
    finally:
        for future in waiting:
            future.cancel()


def zone_large(
    dataset: xr.Dataset,
    model: ZoningModel | None,
    grid: Grid,
    *,
    scheduler: str | None = None,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
    fitter: Fitter | None = None,
    levels: Sequence[NDArray[Any]] | None = None,
) -> LargeZoning:
    """Fit the model on the cells of a dataset (y, x) and rate every cell.

    The dataset holds the raw columns of the model, lazily or in memory; NaN is no data. Up to
    `EXACT_UNITS` cells the breaks are exact and equal to those of a run in memory. A `fitter` stands for the model.
    `levels` are arrays of the grid, one a hazard, to be filled with its levels; the dominant hazard is then found too.
    """
    if (dataset.sizes["y"], dataset.sizes["x"]) != grid.shape:
        raise InputError(f"dataset of {dict(dataset.sizes)}: the grid has {grid.shape} rows and columns")
    blocks = windows(dataset if model is None else dataset[list(model.columns)])
    index = np.empty(grid.shape, dtype=np.float32)
    level = np.empty(grid.shape, dtype=np.uint8)
    dominant = None if levels is None else np.empty(grid.shape, dtype=np.int8)
    with mapper(scheduler, progress=progress, cancelled=cancelled) as over:
        binned = grid.cells > EXACT_UNITS
        if fitter is not None:
            fitted = fitter(blocks, over, binned)
        else:
            assert model is not None, "a model or a fitter"
            fitted = fit(blocks, model, binned=binned, mapper=over)
        results = over(_Rated(fitted.model, levels is not None), blocks)
        for window, (some, classes, each) in zip(blocks, results, strict=True):
            index[window.first : window.last] = some
            level[window.first : window.last] = classes
            if levels is not None and dominant is not None:
                dominant[window.first : window.last] = each[1]
                for array, own in zip(levels, each[0], strict=True):
                    array[window.first : window.last] = own
    notices = tuple(n.text for n in fitted.notices)
    return LargeZoning(grid, fitted.model, index, level, fitted.units, notices, dominant)


def zonal_table(found: LargeZoning, shares: Shares, names: Sequence[str]) -> pd.DataFrame:
    """Per zone the mean index by exact area share and the share of its area at each level."""
    mean = shares.mean(found.index)
    classes = shares.class_shares(found.level, 6)
    rows: dict[str, Any] = {"zone": list(names), "index": np.round(mean, 9)}
    rows |= {f"share_{level}": np.round(classes[:, level], 6) for level in range(6)}
    return pd.DataFrame(rows)


class Remaining:
    """The time that is left, from the share that is done and the time that it took."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._start = clock()

    def __call__(self, share: float) -> float | None:
        """Seconds left, None while it cannot be told."""
        if share <= 0.01:
            return None
        return (self._clock() - self._start) * (1.0 - share) / share
