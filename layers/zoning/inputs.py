"""What a zoning run reads: one view of the district, one set of parameters, one analysis grid; all of it recorded."""

import hashlib
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, TypeVar

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from rasterio.warp import transform_bounds

from data.kinds import KINDS
from data.parameters import ParameterSet
from data.rasters import read_raster
from geo.errors import CrsError, InputError
from geo.grid import Grid, Raster, Shares, area_shares, on_grid
from layers.analyses.registers import source_note
from layers.district import View, metric_geometries, metric_points
from layers.layer import Text
from layers.zoning.result import InputRecord

T = TypeVar("T")

MARGIN_M = 5_000.0
"""How far beyond the analysis grid heights in another CRS are read."""

_TITLES = {kind.table: kind.zh for kind in KINDS.values()} | {"street": "街道(园区)"}

_LIVE = ("created_utc",)  # columns that say nothing of the content


@dataclass
class Inputs:
    """The inputs of one run; whoever reads through it leaves a record.

    `at` is the moment for which teams on duty and closures count; `notices` collects what a
    planner must know.
    """

    view: View
    parameters: ParameterSet
    grid: Grid
    at: datetime
    records: dict[str, InputRecord] = field(default_factory=dict)
    notices: list[Text] = field(default_factory=list)

    def notice(self, zh: str, en: str) -> None:
        """Say something once."""
        text = Text(zh, en)
        if text not in self.notices:
            self.notices.append(text)

    def kept(self, key: Hashable, make: Callable[[], T]) -> T:
        """A value kept with the view for this grid and these parameters, with the records and notices of its making."""

        def made() -> tuple[T, dict[str, InputRecord], list[Text]]:
            outer = self.records, self.notices
            self.records, self.notices = {}, []
            try:
                return make(), self.records, self.notices
            finally:
                self.records, self.notices = outer

        value, records, notices = self.view.kept(("zoning", self.grid, self.parameters.hash, key), made)
        self.records.update(records)
        for text in notices:
            self.notice(text.zh, text.en)
        return value

    def frame(self, table: str) -> gpd.GeoDataFrame:
        """The rows of a table, WGS 84, with its record made."""
        store = self.view.district.store
        if table in self.view.frames:
            frame = self.view.frames[table]
        else:
            frame = self.view.kept(("frame", table), lambda: store.frame(table))
        if table not in self.records:
            self.records[table] = InputRecord(
                table,
                self.view.kept(("content hash", table), lambda: content_hash(frame)),
                source_note(frame),
                len(frame),
                newest(frame),
            )
        return frame

    def note_answer(self, name: str, values: Any, source: str) -> None:
        """Record an input that is itself computed, by the hash of its values."""
        digest = hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()
        self.records[name] = InputRecord(name, digest, source, int(np.size(values)), None)

    def note_standard(self, name: str, digest: str, source: str, rows: int) -> None:
        """Record a table of a standard that comes with the software, by the hash of its text."""
        self.records[name] = InputRecord(name, digest, source, rows, None)

    def has_raster(self, code: str) -> bool:
        """Whether a raster of this code was imported."""
        return code in self._register.index

    @cached_property
    def _register(self) -> pd.DataFrame:
        return pd.DataFrame(
            self.view.district.store.frame("raster").drop(columns="geometry", errors="ignore")
        ).set_index("code")

    def raster_row(self, code: str) -> dict[str, Any]:
        """What the register says of a raster; InputError where there is none."""
        if not self.has_raster(code):
            raise InputError(
                f"raster '{code}' was not imported; there are: {', '.join(map(str, self._register.index)) or 'none'}. "
                f"Import it: onemap import rasters FILE --code {code}"
            )
        row: dict[str, Any] = dict(zip(self._register.columns, self._register.loc[code], strict=True))
        self.records[f"raster {code}"] = InputRecord(
            f"raster {code}", row["sha256"], row["source"], int(row["rows"]) * int(row["cols"]), row["updated_utc"]
        )
        return row

    def require_one_datum(self, codes: Iterable[str], *, where: str) -> None:
        """CrsError where heights of unlike vertical datums would meet in one formula."""
        datums = {code: str(self._register.loc[code, "vertical_datum"]) for code in codes if self.has_raster(code)}
        heights = [(code, datum) for code, datum in datums.items() if datum not in ("none", "")]
        for code, datum in heights[1:]:
            first, other = heights[0]
            if datum != other:
                raise CrsError(
                    f"{where}: raster '{first}' is in the vertical datum '{other}' and '{code}' in '{datum}'; heights "
                    "of unlike datums are not laid over each other: convert one of them, then import it again"
                )

    def raster(self, code: str) -> Raster:
        """A raster on its own grid."""
        self.raster_row(code)
        return self.view.kept(("raster", code), lambda: read_raster(self.view.district.store, code))

    def raster_in_metres(self, code: str) -> Raster:
        """A raster in the district's CRS: on its own grid where it is, else on cells of about its own size.

        Carried over is what lies within `MARGIN_M` of the analysis grid, as water flows in from around.
        """
        source = self.raster(code)
        if source.grid.epsg == self.grid.epsg:
            return source

        def make() -> Raster:
            there = transform_bounds(f"EPSG:{source.grid.epsg}", f"EPSG:{self.grid.epsg}", *source.grid.bounds)
            mine = self.grid.bounds
            box = (
                max(there[0], mine[0] - MARGIN_M),
                max(there[1], mine[1] - MARGIN_M),
                min(there[2], mine[2] + MARGIN_M),
                min(there[3], mine[3] + MARGIN_M),
            )
            if box[0] >= box[2] or box[1] >= box[3]:
                raise InputError(f"raster '{code}' does not lie over the district; import one that does")
            cell = max(float(round((there[3] - there[1]) / source.grid.rows)), 1.0)
            self.notice(
                f"{self._title(f'raster {code}')}: 由 EPSG:{source.grid.epsg} 转到本区坐标系, 格网 {cell:g} m (双线性)",
                f"raster '{code}' was carried from EPSG:{source.grid.epsg} to cells of {cell:g} m (bilinear)",
            )
            return on_grid(source, Grid.covering(box, cell=cell, epsg=self.grid.epsg), by="bilinear")

        return self.kept(("raster in metres", code), make)

    def raster_on_grid(self, code: str, *, by: str = "average") -> NDArray[np.float32]:
        """A raster carried onto the analysis grid."""
        source = self.raster(code)
        return self.kept(("raster", code, by), lambda: on_grid(source, self.grid, by=by).values)

    def shapes(self, table: str) -> NDArray[np.object_]:
        """The geometries of a table in the metric CRS."""
        frame = self.frame(table)
        return self.view.kept(("shapes", table, self.grid.epsg), lambda: metric_geometries(frame, self.grid.epsg))

    def points(self, table: str) -> NDArray[np.float64]:
        """(n, 2) m: one point a row."""
        frame = self.frame(table)
        return self.view.kept(("points", table, self.grid.epsg), lambda: metric_points(frame, self.grid.epsg))

    def age(self, *tables: str) -> str | None:
        """The newest change among tables or rasters (as `raster CODE`) that were read."""
        found = [record.updated_utc for name in tables if (record := self.records.get(name)) and record.updated_utc]
        return max(found, default=None)

    def source(self, *tables: str) -> str:
        """The sources of tables or rasters that were read, each named once."""
        found = [f"{self._title(name)}: {self.records[name].source}" for name in tables if name in self.records]
        return "; ".join(found) or "-"

    def _title(self, name: str) -> str:
        """A table or raster (as `raster CODE`) as planners call it."""
        if name.startswith("raster "):
            return str(self._register.loc[name.removeprefix("raster "), "title"])
        return _TITLES.get(name, name)

    # -- areas ------------------------------------------------------------------------------------

    @cached_property
    def streets(self) -> gpd.GeoDataFrame:
        """`name` and outlines of the streets in the metric CRS."""
        return self._areas("street")

    @cached_property
    def villages(self) -> gpd.GeoDataFrame:
        """`id`, `name`, `street`, counts and outlines of the villages in the metric CRS, those with an outline only."""
        return self._areas("village")

    def _areas(self, table: str) -> gpd.GeoDataFrame:
        frame = self.frame(table)
        shapes = self.shapes(table)
        flat = np.array([s is not None and s.geom_type in ("Polygon", "MultiPolygon") for s in shapes], dtype=bool)
        if not flat.any():
            raise InputError(
                f"{table}: no outlines; zoning needs villages with polygons. Import them: onemap import villages"
            )
        if not flat.all():
            lost = int((~flat).sum())
            self.notice(
                f"{_TITLES[table]}: {lost} 行没有边界, 未计入",
                f"{lost} rows of '{table}' have no outline and are left out",
            )
        return gpd.GeoDataFrame(
            frame[flat].drop(columns="geometry").reset_index(drop=True),
            geometry=shapes[flat],
            crs=f"EPSG:{self.grid.epsg}",
        )

    @cached_property
    def street_shares(self) -> Shares:
        """How the streets fall on the analysis grid."""
        return self.kept("street shares", lambda: area_shares(self.streets.geometry.to_numpy(dtype=object), self.grid))

    @cached_property
    def village_shares(self) -> Shares:
        """How the villages fall on the analysis grid."""
        return self.kept(
            "village shares", lambda: area_shares(self.villages.geometry.to_numpy(dtype=object), self.grid)
        )

    @cached_property
    def street_of_cell(self) -> NDArray[np.int32]:
        """(rows, cols) position of the street with the largest share, -1 outside."""
        return self.kept("street of cell", self.street_shares.largest)


def content_hash(frame: pd.DataFrame) -> str:
    """The hash of the rows of a table, in the order of the table."""
    digest = hashlib.sha256()
    for name in sorted(str(column) for column in frame.columns):
        if name in _LIVE:
            continue
        digest.update(name.encode())
        if name == "geometry":
            for wkb in shapely.to_wkb(frame.geometry.to_numpy(dtype=object)):
                digest.update(wkb or b"-")
        else:
            values = pd.util.hash_pandas_object(frame[name].astype("string"), index=False).to_numpy()
            digest.update(values.tobytes())
    return digest.hexdigest()


def newest(frame: pd.DataFrame) -> str | None:
    """The newest change of a table's rows."""
    if "updated_utc" not in frame.columns or len(frame) == 0:
        return None
    return str(frame["updated_utc"].max())
