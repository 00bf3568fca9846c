"""Candidate sites: public buildings in the store, a grid on the roads, or a file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from data.importers import checked_file
from data.kinds import LEVEL_BOUND, Column, Kind
from data.reading import AT_HAND, SheetBounds
from geo.crs import to_lonlat
from geo.errors import InputError, TooLarge
from geo.grid import Grid
from geo.network import Snapped
from layers.analyses.places import containing, lonlats, nearest_villages, outline_m, require_place
from layers.district import View
from layers.whatif.layers import CANDIDATE_SOURCES

MAX_CANDIDATES = 600
"""Candidates of one question."""

MIN_SPACING_M, MAX_SPACING_M = 100.0, 20_000.0

GRID = "grid"

BUILDINGS = tuple(source for source in CANDIDATE_SOURCES if source not in (GRID, "file"))
"""Tables of buildings that a team could stand at."""

FILE_KIND = Kind(
    "candidates",
    "candidate",
    "备选点",
    "candidate sites",
    ("Point",),
    (
        Column("id", "编号", "id", required=True, aliases=("ID", "编码", "代码", "code")),
        Column("name", "名称", "name", required=True, aliases=("名字", "Name")),
        Column("cost", "造价", "cost", "integer", False, "", 0, LEVEL_BOUND, help_zh="整数, 单位自定"),
        Column("capacity", "可服务人数", "capacity", "integer", False, "人", 0, LEVEL_BOUND),
    ),
)
"""What a file of candidates holds; none of it is stored."""


@dataclass(frozen=True)
class Candidates:
    """m candidates: `table` has id, name, source, street, lon, lat, cost, capacity (None where unknown)."""

    table: pd.DataFrame
    snapped: Snapped

    def __len__(self) -> int:
        return len(self.table)


def candidate_sites(
    view: View,
    sources: Sequence[str],
    *,
    spacing_m: float | None = None,
    file: str | Path | None = None,
    crs: str | None = None,
    bounds: SheetBounds = AT_HAND,
    given: Sequence[Mapping[str, Any]] = (),
) -> Candidates:
    """The candidates of tables of buildings, of a grid on the roads (`grid`), of a file and `given` ones, together.

    Grid: the centres of squares of `spacing_m` inside the district, each moved to the nearest road; a square without
    a road has none. Such a point goes by the name of the nearest village. A building without a place is left out.
    Each of `given` has id, name, lon, lat (WGS 84) and may have cost and capacity, like a row of the file.
    InputError names what is unknown or missing; TooLarge where there are more than `MAX_CANDIDATES`.
    """
    unknown = [source for source in sources if source not in (*BUILDINGS, GRID)]
    if unknown or len(set(sources)) != len(sources):
        raise InputError(
            f"candidates={', '.join(sources)}: expected some of {', '.join((*BUILDINGS, GRID))}, each once"
        )
    if not sources and file is None and not given:
        raise InputError(f"candidates: name some of {', '.join((*BUILDINGS, GRID))}, or a file")
    if (GRID in sources) != (spacing_m is not None):
        raise InputError("spacing_m: a grid needs its spacing, and only a grid has one")
    parts = [_grid(view, spacing_m) if spacing_m is not None and s == GRID else _buildings(view, s) for s in sources]
    if file is not None:
        parts.append(_file(view, file, crs, bounds))
    if given:
        parts.append(_given(view, given))
    table = pd.concat(parts, ignore_index=True)
    if len(table) > MAX_CANDIDATES:
        raise TooLarge(
            f"candidates: {len(table)} of them; expected at most {MAX_CANDIDATES}: a wider grid, or fewer kinds"
        )
    if len(table) == 0:
        raise InputError("candidates: there is none with a place in the district")
    places = table[["lon", "lat"]].to_numpy(dtype=np.float64)
    table["street"] = [containing(view, (lon, lat))["street"] for lon, lat in places.tolist()]
    return Candidates(table, view.snap_lonlat(places))


def _rows(source: str, ids: Sequence[str], names: Sequence[Any], places: Any, **more: Any) -> pd.DataFrame:
    xy = np.asarray(places, dtype=np.float64).reshape(-1, 2)
    columns: dict[str, Any] = {"id": list(ids), "name": list(names), "source": [source] * len(xy), "street": None}
    columns |= {"lon": xy[:, 0], "lat": xy[:, 1], "cost": None, "capacity": None, **more}
    found = pd.DataFrame(columns, index=pd.RangeIndex(len(xy)))
    placed = np.flatnonzero(np.isfinite(xy).all(axis=1))
    objects = dict.fromkeys(("id", "name", "source", "street", "cost", "capacity"), object)
    return found.astype(objects).iloc[placed]


def _buildings(view: View, table: str) -> pd.DataFrame:
    frame = view.frame(table)
    ids = frame["id"].astype(str).tolist()
    return _rows(table, [f"{table}:{i}" for i in ids], frame["name"].tolist(), lonlats(frame))


def _grid(view: View, spacing_m: float) -> pd.DataFrame:
    if not MIN_SPACING_M <= spacing_m <= MAX_SPACING_M:
        raise InputError(f"spacing_m={spacing_m:g}: expected {MIN_SPACING_M:g} to {MAX_SPACING_M:g}")
    xy = _cells(view, spacing_m)
    snapped = view.network.snap(xy, max_m=spacing_m / 2)
    on_road = snapped.edge >= 0
    places = to_lonlat(snapped.xy_m[on_road], epsg=view.district.epsg)
    centres = xy[on_road].round().astype(int).tolist()
    names = nearest_villages(view, snapped.xy_m[on_road])
    return _rows(GRID, [f"grid:{x}-{y}" for x, y in centres], names, np.round(places, 7))


def _cells(view: View, spacing_m: float) -> NDArray[np.float64]:
    """(n, 2) m: centres of the squares inside the district's outline, or over its roads where it has none."""
    outline = outline_m(view)
    bounds = outline.bounds if outline is not None else None
    if bounds is None:
        nodes = view.network.node_xy_m
        if len(nodes) == 0:
            return np.empty((0, 2))
        bounds = (*nodes.min(axis=0).tolist(), *nodes.max(axis=0).tolist())
    grid = Grid.covering(bounds, cell=spacing_m, epsg=view.district.epsg)
    xy: NDArray[np.float64] = grid.centres(np.arange(grid.cells))
    return xy if outline is None else xy[shapely.contains_xy(outline, xy)]


def _file(view: View, path: str | Path, crs: str | None, bounds: SheetBounds) -> pd.DataFrame:
    frame = checked_file(view.district.store, FILE_KIND, path, crs=crs, bounds=bounds)
    numbers = {
        name: pd.Series([None if v is None or v != v else int(v) for v in frame[name].tolist()], dtype=object)
        if name in frame  # a column that is not required may be missing as a whole
        else None
        for name in ("cost", "capacity")
    }
    points = np.asarray(frame.geometry, dtype=object)
    places = list(zip(shapely.get_x(points).tolist(), shapely.get_y(points).tolist(), strict=True))
    ids = [f"file:{i}" for i in frame["id"].tolist()]
    return _rows("file", ids, frame["name"].tolist(), places, **numbers)


def _given(view: View, sites: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    ids = [str(site["id"]) for site in sites]
    if len(set(ids)) != len(ids):
        raise InputError("own_candidates: an id stands twice")
    places = [(float(site["lon"]), float(site["lat"])) for site in sites]
    for number, place in enumerate(places, start=1):
        require_place(view, place, f"own_candidates {number}")
    numbers = {name: pd.Series([site.get(name) for site in sites], dtype=object) for name in ("cost", "capacity")}
    return _rows("file", [f"file:{i}" for i in ids], [str(site["name"]) for site in sites], places, **numbers)
