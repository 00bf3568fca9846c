"""Raw columns of a large run: made over the grid one after the other, kept as files, read back block by block."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import dask.array as da
import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from data.raster_bands import open_on_grid
from geo.errors import InputError
from geo.zoning import rounded
from layers.zoning.hazards import SAME, fifths, hazard_map, module_map, raster_index
from layers.zoning.indicators import measured, persons_spread
from layers.zoning.inputs import Inputs
from layers.zoning.result import Dimension
from layers.zoning.run import district_cells, measured_by
from layers.zoning.scheme import INDICATORS, MODULES, HazardSpec, IndicatorSpec, Scheme, formula_value, require_formula

Told = Callable[[str, float], None]


@dataclass(frozen=True)
class StoredArray:
    """A (rows, cols) array in a file. Sent to a worker it is a path: whoever sees the same files reads its own rows."""

    path: Path
    shape: tuple[int, int]
    dtype: np.dtype[Any]
    ndim: int = 2

    def __getitem__(self, key: Any) -> NDArray[Any]:
        return np.array(np.load(self.path, mmap_mode="r")[key])


@contextmanager
def column_folder(out: Path) -> Iterator[Path]:
    """A folder for column files beside `out`, where workers of a cluster see it too; gone however the run ends."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{out.name}.columns.", dir=out.parent, ignore_cleanup_errors=True) as name:
        yield Path(name).resolve()


class Columns:
    """The raw columns of a scheme over the whole grid, without the whole grid in memory more than for one of them.

    What is a raster or a formula is read lazily. What is a module, a vector, points or an indicator of the
    district is computed by the function that the run in memory takes, on inputs of its own that are let go at
    once, and written as a file: in float32 where that gives back the same number of six decimals, else in
    float64; unrounded where a formula names it. So a block holds what the run in memory holds.
    """

    def __init__(self, inputs: Inputs, scheme: Scheme, folder: Path, *, band_rows: int, told: Told) -> None:
        self._inputs = inputs
        self._scheme = scheme
        self._folder = folder
        self._band = band_rows
        self._told = told
        self._named = _names_in_formulas(scheme)
        self._hazards: dict[str, Any] = {}  # id -> index as a formula reads it
        self._native: dict[str, tuple[Any, Mapping[int, int]]] = {}  # id -> own classes, their place on the five
        self._lazy: dict[str, Any] = {}  # raster, module or indicator that formulas name
        self._done = 0

    @cached_property
    def inside(self) -> StoredArray:
        """Which cells are units of the district."""

        def make(inputs: Inputs) -> NDArray[np.bool_]:
            return district_cells(inputs, persons_spread(inputs).persons).reshape(self._inputs.grid.shape)

        values = self._apart(make)
        np.save(self._folder / "inside.npy", values)
        return StoredArray(self._folder / "inside.npy", values.shape, values.dtype)

    def dataset(self) -> dict[str, Any]:
        """Column -> lazy array, NaN outside the district."""
        scheme = self._scheme
        groups: dict[Dimension, tuple[IndicatorSpec, ...]] = {
            "exposure": scheme.exposure,
            "vulnerability": scheme.vulnerability,
            "capacity": scheme.capacity,
        }
        count = 1 + len(scheme.hazards) + sum(map(len, groups.values()))
        self._step("which cells are of the district", count)
        inside = self.lazy(self.inside)
        found: dict[str, Any] = {}
        for hazard in scheme.hazards:
            self._step(f"hazard {hazard.id}", count)
            found[f"h_{hazard.id}"] = da.where(inside, self._hazard(hazard), np.float32(np.nan))
        for dimension, group in groups.items():
            for spec in group:
                self._step(f"{dimension} {spec.name}", count)
                found[f"i_{spec.name}"] = da.where(inside, self._indicator(spec, dimension), np.float32(np.nan))
        return found

    def native_classes(self, hazard: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """(rows, cols) own classes of a hazard, 0 without data; and for each of them its place on the common five."""
        lazy, level5 = self._native[hazard]
        values = np.zeros(self._inputs.grid.shape, dtype=np.uint8)
        for first in range(0, len(values), self._band):
            band = slice(first, first + self._band)
            inside = self.inside[band]
            values[band] = np.where(inside, lazy[band].compute(scheduler="synchronous"), 0)
        five = np.zeros(max(int(values.max(initial=0)), *level5) + 1, dtype=np.uint8)
        five[list(level5)] = list(level5.values())
        return values, five

    def writable(self, name: str) -> NDArray[np.uint8]:
        """An array of classes of the grid in a file, to be filled."""
        shape = self._inputs.grid.shape
        return open_memmap(self._folder / f"{name}.npy", mode="w+", dtype=np.uint8, shape=shape)

    def classes(self, name: str) -> NDArray[np.uint8]:
        """What was filled in."""
        return np.array(np.load(self._folder / f"{name}.npy", mmap_mode="r"))

    def lazy(self, stored: StoredArray) -> Any:
        """A file as a lazy array in bands of whole rows."""
        return da.from_array(
            stored, chunks=(self._band, self._inputs.grid.cols), name=f"stored-{stored.path}", asarray=False
        )

    # -- one column -------------------------------------------------------------------------------

    def _step(self, phase: str, count: int) -> None:
        self._told(phase, self._done / count)
        self._done += 1

    def _apart(self, make: Callable[[Inputs], Any]) -> Any:
        """Something computed on inputs whose intermediate values go away with it."""
        return make(replace(self._inputs, view=self._inputs.view.apart()))

    def _hazard(self, spec: HazardSpec) -> Any:
        if spec.kind in ("raster", "formula"):
            where = f"hazard '{spec.id}'.formula"
            if spec.kind == "raster":
                index = raster_index(self._raster(spec.source), spec)
            else:
                index = self._formula(spec.source, where)
            self._hazards[spec.id] = index
            self._native[spec.id] = (da.map_blocks(fifths, index, dtype=np.int8), SAME)
            return index
        exact = spec.id in self._named
        found = self._apart(lambda inputs: hazard_map(inputs, spec, {}))
        index = self.lazy(self._store(f"h_{spec.id}", found.index, exact=exact))
        native = self._store(f"native_{spec.id}", found.native, exact=True)
        self._native[spec.id] = (self.lazy(native), dict(found.level5))
        self._hazards[spec.id] = index
        return index

    def _indicator(self, spec: IndicatorSpec, dimension: Dimension) -> Any:
        if spec.kind == "raster":
            return self._raster(spec.source)
        if spec.kind == "formula":
            return self._formula(spec.source, f"{dimension} '{spec.name}'")
        found = self._apart(lambda inputs: measured_by(inputs, spec, dimension, {}))
        return self.lazy(self._store(f"i_{spec.name}", found.values, exact=False))

    def _formula(self, text: str, where: str) -> Any:
        """A formula as a lazy array; names mean what they mean in memory (`formula_scope`), in the same order."""
        grid = self._inputs.grid
        names = require_formula(text, where=where)
        self._inputs.require_one_datum(names, where=where)
        values: dict[str, Any] = {}
        for name in names:
            if name == "x":
                values[name] = da.from_array(grid.x[None, :], chunks=(1, grid.cols))
            elif name == "y":
                values[name] = da.from_array(grid.y[:, None], chunks=(self._band, 1))
            elif name in self._hazards:
                values[name] = self._hazards[name]
            elif name in MODULES:
                values[name] = self._named_file(f"m_{name}", partial(_module, name))
            elif name in INDICATORS:
                values[name] = self._named_file(f"n_{name}", partial(_factor, name))
            elif self._inputs.has_raster(name):
                values[name] = self._raster(name)
            else:
                raise InputError(
                    f"{where}: '{name}' is no raster, hazard or indicator; known are x, y, {', '.join(INDICATORS)}"
                )
        found: Any = da.asarray(formula_value(text, values))
        wide: Any = da.broadcast_to(found.astype(np.float64), grid.shape)
        return wide.rechunk((self._band, grid.cols))

    def _named_file(self, name: str, make: Callable[[Inputs], Any]) -> Any:
        if name not in self._lazy:
            self._lazy[name] = self.lazy(self._store(name, self._apart(make), exact=True))
        return self._lazy[name]

    def _raster(self, code: str) -> Any:
        self._inputs.raster_row(code)
        if code not in self._lazy:
            found: Any = open_on_grid(self._inputs.view.district.store, code, self._inputs.grid, band_rows=self._band)
            self._lazy[code] = found.astype(np.float64)
        return self._lazy[code]

    def _store(self, name: str, values: NDArray[Any], *, exact: bool) -> StoredArray:
        """Write a column, NaN outside the district where it holds numbers; in bands, so that no second one is made."""
        path = self._folder / f"{name}.npy"
        bands = [slice(first, first + self._band) for first in range(0, len(values), self._band)]
        dtype = values.dtype if exact else np.dtype(np.float32)
        if not exact and not all(_fits(values[band]) for band in bands):
            dtype = np.dtype(np.float64)
        written = open_memmap(path, mode="w+", dtype=dtype, shape=values.shape)
        for band in bands:
            written[band] = values[band] if exact else rounded(values[band])
        written.flush()
        return StoredArray(path, values.shape, dtype)


def _module(name: str, inputs: Inputs) -> NDArray[np.float64]:
    return module_map(inputs, name).index


def _factor(name: str, inputs: Inputs) -> NDArray[np.float64]:
    return measured(inputs, name, "factor").values


def _fits(values: NDArray[Any]) -> bool:
    """Whether float32 gives back the same numbers of six decimals."""
    whole = rounded(values)
    with np.errstate(over="ignore"):
        return np.array_equal(rounded(whole.astype(np.float32)), whole, equal_nan=True)


def _names_in_formulas(scheme: Scheme) -> frozenset[str]:
    specs: list[HazardSpec | IndicatorSpec] = [
        *scheme.hazards,
        *scheme.exposure,
        *scheme.vulnerability,
        *scheme.capacity,
    ]
    return frozenset(
        name for spec in specs if spec.kind == "formula" for name in require_formula(spec.source, where="formula")
    )
