"""Regular grids: where the cells lie, how large they are, how a shape or another grid falls on them."""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numba
import numpy as np
import pyproj
import shapely
from affine import Affine
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.warp import reproject

from geo.errors import CrsError, InputError

NATIONAL_CELL_DEG = 30 / 3600
"""Side of a cell of the national 30 arc-second grid, in degrees."""

MAX_CELLS = 2_000_000_000
"""More cells than this are a mistake of the cell size."""


@dataclass(frozen=True)
class Grid:
    """A regular grid with north up: row 0 is the northernmost, column 0 the westernmost.

    `left`, `top` and the cell sides `dx`, `dy` are in units of the CRS (metres, or degrees for
    a geographic one). Cells are numbered row by row: ``row * cols + col``.
    """

    epsg: int
    left: float
    top: float
    dx: float
    dy: float
    rows: int
    cols: int

    def __post_init__(self) -> None:
        if not (self.dx > 0 and self.dy > 0 and np.isfinite([self.left, self.top, self.dx, self.dy]).all()):
            raise InputError(f"dx={self.dx}, dy={self.dy}: expected finite cell sides greater than 0")
        if self.rows < 1 or self.cols < 1 or self.rows * self.cols > MAX_CELLS:
            raise InputError(f"rows={self.rows}, cols={self.cols}: expected 1 to {MAX_CELLS} cells; take larger cells")

    @classmethod
    def covering(cls, bounds: tuple[float, float, float, float], *, cell: float, epsg: int) -> "Grid":
        """The grid of square cells aligned to multiples of `cell` that covers (min_x, min_y, max_x, max_y)."""
        min_x, min_y, max_x, max_y = bounds
        if not (np.isfinite(bounds).all() and min_x <= max_x and min_y <= max_y):
            raise InputError(f"bounds={bounds}: expected min_x, min_y, max_x, max_y with min <= max")
        if not cell > 0:
            raise InputError(f"cell={cell}: expected a cell side greater than 0")
        first_col, first_row = np.floor(min_x / cell), np.ceil(max_y / cell)
        cols = max(int(np.ceil(max_x / cell) - first_col), 1)
        rows = max(int(first_row - np.floor(min_y / cell)), 1)
        return cls(epsg, float(first_col * cell), float(first_row * cell), cell, cell, rows, cols)

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, cols)."""
        return (self.rows, self.cols)

    @property
    def cells(self) -> int:
        """Number of cells."""
        return self.rows * self.cols

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """(min_x, min_y, max_x, max_y)."""
        return (self.left, self.top - self.rows * self.dy, self.left + self.cols * self.dx, self.top)

    @property
    def transform(self) -> Affine:
        """From (col, row) to the upper left corner of the cell."""
        return Affine(self.dx, 0.0, self.left, 0.0, -self.dy, self.top)

    @cached_property
    def x(self) -> NDArray[np.float64]:
        """(cols,) x of the cell centres, west to east."""
        return np.asarray(self.left + (np.arange(self.cols) + 0.5) * self.dx, dtype=np.float64)

    @cached_property
    def y(self) -> NDArray[np.float64]:
        """(rows,) y of the cell centres, north to south."""
        return np.asarray(self.top - (np.arange(self.rows) + 0.5) * self.dy, dtype=np.float64)

    @cached_property
    def is_geographic(self) -> bool:
        """Whether the cell sides are degrees."""
        return bool(pyproj.CRS.from_epsg(self.epsg).is_geographic)

    @cached_property
    def row_area_m2(self) -> NDArray[np.float64]:
        """(rows,) m2 of one cell of each row: exact on the ellipsoid for a geographic grid."""
        if not self.is_geographic:
            return np.full(self.rows, self.dx * self.dy)
        geod = pyproj.CRS.from_epsg(self.epsg).get_geod()
        assert geod is not None
        edges = self.top - np.arange(self.rows + 1) * self.dy
        west, east = self.left, self.left + self.dx
        return np.array(
            [
                abs(geod.polygon_area_perimeter([west, east, east, west], [south, south, north, north])[0])
                for north, south in pairwise(edges)
            ]
        )

    def cell_at(self, xy: NDArray[np.float64]) -> NDArray[np.int64]:
        """(n,) the cell that holds each point, -1 outside; the west and north edges belong to a cell."""
        xy = np.asarray(xy, dtype=np.float64)
        with np.errstate(invalid="ignore"):
            col = np.floor((xy[:, 0] - self.left) / self.dx)
            row = np.floor((self.top - xy[:, 1]) / self.dy)
            inside = (col >= 0) & (col < self.cols) & (row >= 0) & (row < self.rows)
        cell = np.full(len(xy), -1, dtype=np.int64)
        cell[inside] = (row[inside] * self.cols + col[inside]).astype(np.int64)
        return cell

    def centres(self, cells: NDArray[np.int64]) -> NDArray[np.float64]:
        """(n, 2) the centres of cells."""
        return np.column_stack([self.x[cells % self.cols], self.y[cells // self.cols]])

    def boxes(self, cells: NDArray[np.int64]) -> NDArray[np.object_]:
        """(n,) the cells as polygons."""
        left = self.left + (cells % self.cols) * self.dx
        top = self.top - (cells // self.cols) * self.dy
        found: NDArray[np.object_] = shapely.box(left, top - self.dy, left + self.dx, top)
        return found

    def window(self, row: int, col: int, rows: int, cols: int) -> "Grid":
        """The part of the grid that begins at (row, col)."""
        return Grid(self.epsg, self.left + col * self.dx, self.top - row * self.dy, self.dx, self.dy, rows, cols)

    def with_cells(self, factor: int) -> "Grid":
        """The grid of cells `factor` times as large, with the same upper left corner."""
        return Grid(
            self.epsg,
            self.left,
            self.top,
            self.dx * factor,
            self.dy * factor,
            -(-self.rows // factor),
            -(-self.cols // factor),
        )


@dataclass(frozen=True)
class Raster:
    """Values on a grid: float32 (rows, cols), NaN where there is no data; with quantity, unit and vertical datum.

    `vertical_datum` is empty for values that are no heights.
    """

    grid: Grid
    values: NDArray[np.float32]
    quantity: str
    unit: str
    vertical_datum: str = ""

    def __post_init__(self) -> None:
        if self.values.shape != self.grid.shape:
            raise InputError(f"values of shape {self.values.shape}: the grid has {self.grid.shape} rows and columns")


def require_same_datum(*rasters: Raster) -> str:
    """The one vertical datum of several height rasters.

    Parameters
    ----------
    rasters : rasters of heights, each with its declared vertical datum

    Returns
    -------
    The datum that they share; empty for no rasters

    Raises
    ------
    CrsError
        where two differ, or one that others are compared with declares none

    Notes
    -----
    CRS: none.
    Cost: O(rasters).
    Invariant: heights of unlike datums never meet in one computation.
    Source: none; Wusong (吴淞) and 1985 (1985国家高程基准) differ by more than a metre along the Yangtze.
    """
    datums = [raster.vertical_datum for raster in rasters]
    for raster, datum in zip(rasters, datums, strict=True):
        if datum != datums[0] or (not datum and len(rasters) > 1):
            raise CrsError(
                f"vertical_datum of '{raster.quantity}' is '{datum or 'not declared'}', of '{rasters[0].quantity}' "
                f"'{datums[0] or 'not declared'}': convert one of them to the other's datum first"
            )
    return datums[0] if datums else ""


def on_grid(raster: Raster, grid: Grid, *, by: str = "average") -> Raster:
    """A raster carried onto another grid.

    Parameters
    ----------
    raster : values on their own grid
    grid : the wanted grid, any CRS
    by : 'average' (mean of the data weighted by overlap), 'nearest', 'bilinear', 'max' or 'min'

    Returns
    -------
    The raster on `grid`; NaN where the source has no data

    Raises
    ------
    InputError
        for an unknown `by`

    Notes
    -----
    CRS: the source's grid to the target's, by PROJ.
    Cost: O(cells of both).
    Invariant: a constant stays that constant; no data stays no data.
    Source: GDAL's warper through rasterio.
    """
    methods = {
        "average": Resampling.average,
        "nearest": Resampling.nearest,
        "bilinear": Resampling.bilinear,
        "max": Resampling.max,
        "min": Resampling.min,
    }
    if by not in methods:
        raise InputError(f"by={by}: expected one of {', '.join(methods)}")
    if raster.grid == grid:
        return raster
    target = np.full(grid.shape, np.nan, dtype=np.float32)
    reproject(
        np.ascontiguousarray(raster.values, dtype=np.float32),
        target,
        src_transform=raster.grid.transform,
        src_crs=f"EPSG:{raster.grid.epsg}",
        src_nodata=np.nan,
        dst_transform=grid.transform,
        dst_crs=f"EPSG:{grid.epsg}",
        dst_nodata=np.nan,
        resampling=methods[by],
    )
    return Raster(grid, target, raster.quantity, raster.unit, raster.vertical_datum)


@dataclass(frozen=True)
class Shares:
    """How polygons fall on a grid: exact area shares, kept for as long as both are the same.

    Most cells of a large polygon lie wholly within it, so those stand in one label array;
    only the cells at the edges carry a share.
    """

    grid: Grid
    polygons: int
    label: NDArray[np.int32]  # (rows, cols) polygon that holds the whole cell, -1 else
    cell: NDArray[np.int64]  # (m,) partly covered cells
    polygon: NDArray[np.int32]  # (m,)
    share: NDArray[np.float64]  # (m,) 0..1 of the cell's area

    def sums(self, values: Any, *, weights: Any = None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(polygons,) sums of value x share (x weight) and of share (x weight) over the cells with data."""
        flat = np.ascontiguousarray(values).reshape(-1)
        weighing = np.ones(1, dtype=np.float64) if weights is None else np.ascontiguousarray(weights).reshape(-1)
        total, weight = _inner_sums(flat, self.label.reshape(-1), weighing, self.polygons)
        value = flat[self.cell].astype(np.float64)
        share = np.where(np.isfinite(value), self.share * (1.0 if weights is None else weighing[self.cell]), 0.0)
        total += np.bincount(self.polygon, weights=np.where(share > 0, value, 0.0) * share, minlength=self.polygons)
        weight += np.bincount(self.polygon, weights=share, minlength=self.polygons)
        return total, weight

    def mean(self, values: Any, *, weights: Any = None) -> NDArray[np.float64]:
        """(polygons,) mean weighted by area share (x weight); NaN where a polygon has no data."""
        total, weight = self.sums(values, weights=weights)
        found: NDArray[np.float64] = np.divide(total, weight, out=np.full(self.polygons, np.nan), where=weight > 0)
        return found

    def class_shares(self, classes: Any, count: int) -> NDArray[np.float64]:
        """(polygons, count) share of each polygon's area on the grid that holds each class 0 .. count - 1."""
        flat = np.ascontiguousarray(classes).reshape(-1)
        found = _inner_counts(flat, self.label.reshape(-1), self.polygons, count)
        np.add.at(found, (self.polygon, flat[self.cell]), self.share)
        whole = found.sum(axis=1, keepdims=True)
        share: NDArray[np.float64] = np.divide(found, whole, out=np.zeros_like(found), where=whole > 0)
        return share

    def covered(self) -> NDArray[np.float64]:
        """(rows, cols) the share of each cell that any polygon covers, at most 1 for polygons that do not overlap."""
        found = (self.label >= 0).astype(np.float64).reshape(-1)
        np.add.at(found, self.cell, self.share)
        return found.reshape(self.grid.shape)

    def rasterised(self, values: Any, *, empty: float = np.nan) -> NDArray[np.float64]:
        """(rows, cols) the mean of the polygons' values by area share; `empty` where none lies."""
        values = np.asarray(values, dtype=np.float64)
        total = np.zeros(self.grid.cells)
        weight = np.zeros(self.grid.cells)
        inner = self.label.reshape(-1) >= 0
        of = self.label.reshape(-1)[inner]
        there = np.isfinite(values)
        total[inner] = np.where(there[of], values[of], 0.0)
        weight[inner] = there[of]
        edge = there[self.polygon]
        np.add.at(total, self.cell[edge], self.share[edge] * values[self.polygon[edge]])
        np.add.at(weight, self.cell[edge], self.share[edge])
        found: NDArray[np.float64] = np.divide(total, weight, out=np.full(self.grid.cells, empty), where=weight > 0)
        return found.reshape(self.grid.shape)

    def largest(self) -> NDArray[np.int32]:
        """(rows, cols) polygon with the largest share of each cell, the smaller number at equality; -1 where none."""
        found = self.label.reshape(-1).copy()
        order = np.lexsort((self.polygon, -self.share, self.cell))
        cells, first = np.unique(self.cell[order], return_index=True)
        free = found[cells] < 0
        found[cells[free]] = self.polygon[order][first][free]
        return found.reshape(self.grid.shape)


@numba.njit(cache=True, fastmath={"reassoc", "nsz"})
def _inner_sums(flat: Any, label: Any, weighing: Any, polygons: int) -> Any:
    """Sums of value x weight and of weight over the cells that lie wholly in each polygon."""
    total = np.zeros(polygons)
    weight = np.zeros(polygons)
    uniform = len(weighing) == 1
    end = 0
    while end < len(flat):
        begin, of = end, label[end]
        while end < len(flat) and label[end] == of:
            end += 1
        if of < 0:
            continue
        # A run of one polygon adds up in registers, several cells at a time.
        some, share = 0.0, 0.0
        if uniform:
            count = 0
            for k in range(begin, end):
                there = np.isfinite(flat[k])
                some += flat[k] if there else 0.0
                count += 1 if there else 0
            share = float(count)
        else:
            for k in range(begin, end):
                w = weighing[k] if np.isfinite(flat[k]) else 0.0
                some += flat[k] * w if np.isfinite(flat[k]) else 0.0
                share += w
        total[of] += some
        weight[of] += share
    return total, weight


@numba.njit(cache=True)
def _inner_counts(flat: Any, label: Any, polygons: int, count: int) -> Any:
    """Cells of each class that lie wholly in each polygon."""
    found = np.zeros((polygons, count))
    for k in range(len(flat)):
        if label[k] >= 0:
            found[label[k], flat[k]] += 1.0
    return found


def area_shares(polygons: Any, grid: Grid) -> Shares:
    """The exact share of each cell's area that each polygon covers.

    Parameters
    ----------
    polygons : (n,) shapely polygons in the grid's CRS; None and empty ones cover nothing
    grid : the grid

    Returns
    -------
    Shares; a polygon outside the grid has none

    Raises
    ------
    InputError
        for a geometry that is not a polygon

    Notes
    -----
    CRS: the grid's; on a geographic grid shares are of degrees squared (within a cell the same to 1e-6).
    Cost: O(cells of the bounding boxes), run by run of polygons.
    Invariant: the shares of a partition of the grid add up to 1 in each cell.
    Source: exact area coverage by signed trapezia, as in font rasterisers; checked against exactextract and
    clipping cell by cell; no sampling by cell centres.
    """
    shapes = np.asarray(polygons, dtype=object).reshape(-1)
    label = np.full(grid.shape, -1, dtype=np.int32)
    cells: list[NDArray[np.int64]] = []
    owners: list[NDArray[np.int32]] = []
    parts: list[NDArray[np.float64]] = []
    extent = shapely.box(*grid.bounds)
    for k, shape in enumerate(shapes):
        if shape is None or shape.is_empty:
            continue
        if shape.geom_type not in ("Polygon", "MultiPolygon"):
            raise InputError(f"polygons[{k}] is a {shape.geom_type}: expected Polygon or MultiPolygon")
        window = _window(grid, shape.bounds)
        if window is None:
            continue
        if not shapely.covers(extent, shapely.box(*shape.bounds)):
            shape = shapely.intersection(shape, extent)
        edges = _edges(shape, grid)
        row0, col0, part = window
        for first in range(row0, row0 + part.rows, _BAND_ROWS):
            last = min(first + _BAND_ROWS, row0 + part.rows)
            signed = np.zeros((last - first, part.cols + 1))
            room = _accumulate(edges, signed, first, col0)
            count = room + 1
            while count > room:  # more cells than edges touch: another polygon holds some already
                room = max(count, room)
                cell, share = np.empty(room, dtype=np.int64), np.empty(room)
                count = _settle(signed, label, first, col0, k, grid.cols, cell, share)
            cells.append(cell[:count])
            owners.append(np.full(count, k, dtype=np.int32))
            parts.append(share[:count])
    return Shares(
        grid,
        len(shapes),
        label,
        np.concatenate(cells) if cells else np.empty(0, dtype=np.int64),
        np.concatenate(owners) if owners else np.empty(0, dtype=np.int32),
        np.concatenate(parts) if parts else np.empty(0),
    )


_BAND_ROWS = 512  # rows at once: the memory of one polygon as large as the grid
_WHOLE = 1e-9  # a share this near to 0 or 1 is 0 or 1


def _edges(shape: Any, grid: Grid) -> NDArray[np.float64]:
    """(n, 4) the directed edges of a polygon in columns and rows, outer rings turning one way, holes the other."""
    parts = shapely.orient_polygons(shapely.get_parts(shape), exterior_cw=True)
    parts = parts[shapely.get_dimensions(parts) == 2]
    xy, ring = shapely.get_coordinates(shapely.get_rings(parts), return_index=True)
    x = (xy[:, 0] - grid.left) / grid.dx
    y = (grid.top - xy[:, 1]) / grid.dy
    same = ring[:-1] == ring[1:]
    edges: NDArray[np.float64] = np.column_stack([x[:-1], y[:-1], x[1:], y[1:]])[same]
    return edges


@numba.njit(cache=True, nogil=True)
def _accumulate(edges: Any, signed: Any, first: int, col0: int) -> int:
    """Add up, edge by edge, the signed area to the right of each edge within each cell.

    The running sum along a row is then the exact share of each cell: a cell right of an edge gets the
    edge's whole height, a cell that it crosses the area of a trapezium. Returns how many cells were
    touched at most.
    """
    rows, cols = signed.shape[0], signed.shape[1] - 1
    touched = 0
    for k in range(len(edges)):
        x0, y0, x1, y1 = edges[k, 0] - col0, edges[k, 1] - first, edges[k, 2] - col0, edges[k, 3] - first
        if y0 == y1:
            continue
        sign = 1.0
        if y0 > y1:
            x0, y0, x1, y1 = x1, y1, x0, y0
            sign = -1.0
        slope = (x1 - x0) / (y1 - y0)
        top = max(y0, 0.0)
        x = x0 + (top - y0) * slope
        for row in range(max(int(np.floor(y0)), 0), min(int(np.ceil(y1)), rows)):
            upper, lower = max(y0, float(row)), min(y1, row + 1.0)
            if lower <= upper:
                continue
            end = x1 if lower == y1 else x0 + (lower - y0) * slope
            height = (lower - upper) * sign
            left, right = min(x, end), max(x, end)
            left, right = min(max(left, 0.0), cols), min(max(right, 0.0), cols)
            begin, stop = int(np.floor(left)), int(np.ceil(right))
            touched += stop - begin + 2
            if stop <= begin + 1:  # within one column
                middle = 0.5 * (left + right) - begin
                signed[row, begin] += height * (1.0 - middle)
                if begin < cols:
                    signed[row, begin + 1] += height * middle
            else:
                per = height / (right - left)
                done = 0.0  # area right of the edge in the columns so far, as a share of a cell
                for col in range(begin, stop):
                    a, b = max(left, float(col)), min(right, col + 1.0)
                    # Height gained within this column counts for what lies right of it; earlier height in full.
                    inside = per * (b - a)
                    area = per * (a - left) + inside * (col + 1.0 - 0.5 * (a + b))
                    signed[row, col] += area - done
                    done = area
                signed[row, stop] += height - done
            x = end
    return touched


@numba.njit(cache=True, nogil=True)
def _settle(signed: Any, label: Any, first: int, col0: int, polygon: int, cols: int, cell: Any, share: Any) -> int:
    """Whole cells take the label, the others are written as far as there is room; returns how many they are."""
    count = 0
    width = signed.shape[1] - 1
    for row in range(signed.shape[0]):
        total = 0.0
        for col in range(width):
            total += signed[row, col]
            part = abs(total)
            if part <= _WHOLE:
                continue
            if part >= 1.0 - _WHOLE:
                part = 1.0
                held = label[first + row, col0 + col]
                if held == polygon:
                    continue
                if held < 0:  # where polygons overlap the first keeps the label
                    label[first + row, col0 + col] = polygon
                    continue
            if count < len(cell):
                cell[count] = (first + row) * cols + col0 + col
                share[count] = part
            count += 1
    return count


def _window(grid: Grid, bounds: tuple[float, float, float, float]) -> tuple[int, int, Grid] | None:
    """The rows and columns that a bounding box touches."""
    col0 = max(int(np.floor((bounds[0] - grid.left) / grid.dx)), 0)
    col1 = min(int(np.ceil((bounds[2] - grid.left) / grid.dx)), grid.cols)
    row0 = max(int(np.floor((grid.top - bounds[3]) / grid.dy)), 0)
    row1 = min(int(np.ceil((grid.top - bounds[1]) / grid.dy)), grid.rows)
    if col0 >= col1 or row0 >= row1:
        return None
    return row0, col0, grid.window(row0, col0, row1 - row0, col1 - col0)
