"""The live state of one district: frames, road network, travel times, facility index, stock.

Everything derived knows the revision it was computed from. `District.refresh` replays what is
new before an answer; a state once handed out does not change, so that one answer is of one
revision.
"""

import hashlib
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Set
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeVar
from zoneinfo import ZoneInfo

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from data.store import Store
from geo.changed_times import changed_matrix_s
from geo.crs import to_metric
from geo.index import Facility, FacilityIndex
from geo.network import DEFAULT_SNAP_M, RoadNetwork, Snapped, road_network
from geo.speeds import DEFAULT_SPEEDS
from geo.supply import StockTable, stock_table
from geo.times import TravelTimes, contraction_order
from layers.apart import run_apart
from layers.catalogue import FACILITY_LAYERS, LAYERS
from layers.closures import closure_factors
from layers.layer import Table, Text

T = TypeVar("T")

FACILITY_TABLES: dict[str, str] = {
    layer.source.name: layer.id
    for layer in (LAYERS[name] for name in FACILITY_LAYERS)
    if isinstance(layer.source, Table)
}
"""Table -> layer id of everything that stands in the facility index."""

_FRAMES = (
    "boundary",
    "water",
    "street",
    "village",
    "cell",
    "enterprise",
    "substance",
    "shelter",
    "evacuation_route",
    "depot",
    "item",
    "lot",
    "pack",
    "substitute",
    "stock_level",
    "reserve_target",
    "agreement",
    "relief_standard",
    "vehicle",
    "device",
    "team",
    "hospital",
    "closure",
    "waterlogging_spot",
    "capacity",
    "hazard_area",
    "lifeline",
    "hidden_danger",
    "zoning_correction",
    "vehicle",
    "supply_request",
    "supply_order",
    "supply_order_line",
)
_APART = frozenset({"vehicle", "reading", "reading_refused", "order_event"})
"""Tables from which nothing is derived: what was computed before a change in them stays good."""

_OF_PLACES = frozenset({"points", "snapped", "open times", "flooded"})
"""What is kept under these depends on the roads and the tables that its key names, and on nothing else."""

_FEW_CHANGES = 2_000  # above that many changed rows the index is loaded anew
_ORDERED_HERE = 5_000  # nodes; up to so many are ordered sooner (0.15 s) than a process starts
_KEPT_TIMES = 12  # customised metrics kept: hours of the day x closures in force x scenarios


@dataclass(frozen=True, eq=False)
class Assumed:
    """What a view takes as given beyond the store, as a scenario has it.

    key : what tells it from every other, '' for nothing assumed
    hour : local hour of the day by which speeds, turnout and duty go; None: that of the moment asked about
    speed_factor : share of every speed that is left, 0 < .. <= 1
    edge_factor : (edges,) share of the speed that further closures leave, 0 closed .. 1 open; None: no further ones
    """

    key: str = ""
    hour: int | None = None
    speed_factor: float = 1.0
    edge_factor: NDArray[np.float64] | None = None


AS_STORED = Assumed()
"""Nothing is assumed."""


@dataclass
class View:
    """The district at one revision: an answer computed from one view is of that revision.

    What is derived from it is made once, on demand, and kept with it.
    """

    district: "District"
    revision: int
    frames: dict[str, gpd.GeoDataFrame]
    network: RoadNetwork
    seqs: dict[str, int]  # table -> seq of its newest change
    order: list[int] | None
    stock: StockTable
    index: FacilityIndex
    assumed: Assumed = AS_STORED
    _kept: dict[Hashable, Any] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def kept(self, key: Hashable, make: Callable[[], T]) -> T:
        """The value kept for `key`, made once."""
        if key not in self._kept:
            with self._lock:
                if key not in self._kept:
                    self._kept[key] = make()
        found: T = self._kept[key]
        return found

    def apart(self) -> "View":
        """The same district with what is kept so far; what is kept from now on goes away with it."""
        return replace(self, _kept=dict(self._kept), _lock=threading.RLock())

    def assuming(self, assumed: Assumed, frames: Mapping[str, gpd.GeoDataFrame]) -> "View":
        """The same district as `assumed` has it, with other rows in some tables; the facility index stays as it is."""
        kept: dict[Hashable, Any] = {
            key: value
            for key, value in dict(self._kept).items()
            if isinstance(key, tuple) and key[0] in _OF_PLACES and frames.keys().isdisjoint(key)
        }
        return replace(self, frames={**self.frames, **frames}, assumed=assumed, _kept=kept, _lock=threading.RLock())

    def local(self, at: datetime) -> datetime:
        """The local moment by whose hour speeds, turnout and duty go; closures go by `at` itself."""
        local = self.district.local(at)
        return local if self.assumed.hour is None else local.replace(hour=self.assumed.hour, minute=0)

    def frame(self, table: str) -> gpd.GeoDataFrame:
        """The rows of one table, WGS 84; the caller must not write into it."""
        if table == "road":
            return self.district.store.frame("road")
        return self.frames[table]

    def points_m(self, table: str) -> NDArray[np.float64]:
        """(n, 2) m: one point per row (inside polygons), NaN where a row has no place."""
        epsg = self.district.epsg
        return self.kept(("points", table, epsg), lambda: metric_points(self.frame(table), epsg))

    def snapped(self, table: str) -> Snapped:
        """The rows of one table on the road network."""
        return self.kept(
            ("snapped", table), lambda: self.network.snap(self.points_m(table), max_m=self.district.snap_m)
        )

    def open_times_s(self, origins: str, destinations: str, at: datetime) -> NDArray[np.float64]:
        """(n, m) s between the rows of two tables without closures; the caller must not write into it."""
        key = (
            "open times",
            origins,
            destinations,
            DEFAULT_SPEEDS.profile(self.local(at).hour),
            self.assumed.speed_factor,
        )
        return self.kept(
            key,
            lambda: self.travel(at, closed=False).matrix_s(self.snapped(origins), self.snapped(destinations)),
        )

    def times_s(self, origins: str, destinations: str, at: datetime) -> NDArray[np.float64]:
        """(n, m) s between the rows of two tables; with closures only what they can change is computed anew."""
        travel, open_travel = self.travel(at), self.travel(at, closed=False)
        open_s = self.open_times_s(origins, destinations, at)
        if travel is open_travel:
            return open_s
        return changed_matrix_s(travel, open_travel, open_s, self.snapped(origins), self.snapped(destinations))

    def snap_lonlat(self, lonlat: Any) -> Snapped:
        """Places given as (n, 2) degrees, on the road network."""
        return self.network.snap(to_metric(lonlat, epsg=self.district.epsg), max_m=self.district.snap_m)

    def closures_in_force(self, at: datetime) -> NDArray[np.intp]:
        """Positions of the closures with from <= at < to; an empty bound is open."""

        def bounds() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
            frame = self.frame("closure")
            begins, ends = (
                pd.DatetimeIndex(pd.to_datetime(frame[name], utc=True, format="ISO8601"))
                for name in ("from_utc", "to_utc")
            )
            lowest, highest = np.iinfo(np.int64).min, np.iinfo(np.int64).max
            return (
                np.where(begins.isna(), lowest, begins.as_unit("us").asi8),
                np.where(ends.isna(), highest, ends.as_unit("us").asi8),
            )

        first, last = self.kept("closure bounds", bounds)
        moment = int(at.timestamp() * 1_000_000)
        return np.flatnonzero((first <= moment) & (moment < last))

    def travel(self, at: datetime, *, closed: bool = True, distance: bool = False) -> TravelTimes:
        """Travel times at a moment: the hour's speeds, and the closures in force unless `closed` is off."""
        return self.district.travel(self, at, closed=closed, distance=distance)

    def edge_factors(self, at: datetime, *, closed: bool = True) -> NDArray[np.float64] | None:
        """(edges,) the share of the speed left by closures and by what is assumed, None where all of it is.

        Of several closures the one that leaves least counts; the weather slows what they leave.
        """
        assumed = self.assumed
        found = None
        closures = self.closures_in_force(at) if closed else ()
        if len(closures):
            found = closure_factors(self, self.frame("closure").iloc[closures])
        if closed and assumed.edge_factor is not None:
            found = assumed.edge_factor if found is None else np.minimum(found, assumed.edge_factor)
        if assumed.speed_factor == 1.0:
            return found
        return (np.ones(len(self.network.edge_tail)) if found is None else found) * assumed.speed_factor

    @property
    def bounds(self) -> tuple[float, float, float, float] | None:
        """(min_lon, min_lat, max_lon, max_lat) of what is drawn, None for an empty district."""

        def measure() -> tuple[float, float, float, float] | None:
            for table in ("boundary", "village", "road", "cell"):
                geometry = self.frame(table).geometry.dropna()
                if len(geometry):
                    box = geometry.total_bounds
                    return (float(box[0]), float(box[1]), float(box[2]), float(box[3]))
            return None

        return self.kept("bounds", measure)


DRILL = Text("演练用, 不得用于实际指挥调拨", "Drill, not for use")
DEMO = Text("示意数据, 不得用于实际指挥调拨", "Demo data, not for use")


class District:
    """One store and what is derived from it, safe for many threads.

    Parameters are the store, the folder for caches (None: beside the database file), the
    snapping distance in metres, whether one-way streets may be driven against (blue light), the
    clock, and who is told of long steps.
    """

    def __init__(
        self,
        store: Store,
        *,
        cache: Path | None = None,
        snap_m: float = DEFAULT_SNAP_M,
        ignore_oneway: bool = False,
        clock: Callable[[], datetime] | None = None,
        progress: Callable[[str], None] | None = None,
    ) -> None:
        self.store = store
        self.snap_m = snap_m
        self.ignore_oneway = ignore_oneway
        info = store.district
        self.name: str = info.name
        self.epsg: int = info.epsg
        self.demo: bool = info.demo
        self.drill_of_utc = info.drill_of_utc
        self.timezone = ZoneInfo(info.timezone)
        self.cache = cache or store.cache_folder()
        self._clock = clock or partial(datetime.now, UTC)
        self._say = progress or (lambda text: None)
        self._lock = threading.RLock()
        self._view: View | None = None
        self._index = FacilityIndex()
        self._times: OrderedDict[Hashable, TravelTimes] = OrderedDict()

    @property
    def warning(self) -> Text | None:
        """What everything that leaves the screen says where it is not the real district."""
        return DRILL if self.drill_of_utc else DEMO if self.demo else None

    def now(self) -> datetime:
        """This moment, in the district's time zone."""
        return self._clock().astimezone(self.timezone)

    def local(self, at: datetime | None) -> datetime:
        """`at` in the district's time zone, or now."""
        return self.now() if at is None else at.astimezone(self.timezone)

    def local_text(self, utc: str) -> str:
        """A stored moment as people here read it."""
        return f"{datetime.fromisoformat(utc).astimezone(self.timezone):%Y-%m-%d %H:%M}"

    def view(self) -> View:
        """The district at the newest committed revision; replays what is new."""
        view = self._view
        if view is not None and self.store.revision() == view.revision:
            return view
        with self._lock:
            return self._refreshed()

    def known_view(self) -> View:
        """The view as it was last replayed: for what does not change with every movement of stock, such as places."""
        return self._view or self.view()

    def refresh(self) -> int:
        """Replay what is new in the store; returns the revision now answered for."""
        return self.view().revision

    @property
    def revision(self) -> int:
        """The newest revision."""
        return self.view().revision

    @property
    def bounds(self) -> tuple[float, float, float, float] | None:
        """(min_lon, min_lat, max_lon, max_lat) of what is drawn, None for an empty district."""
        return self.view().bounds

    def _refreshed(self) -> View:
        old = self._view
        with self.store.reading() as conn:
            revision = self.store.revision(conn)
            if old is not None and old.revision == revision:
                return old
            touched = self.store.touched(old.revision if old else 0, conn)
            frames = dict(old.frames) if old else {}
            seqs = {**(old.seqs if old else {}), **touched}
            for table in _FRAMES:
                if old is None or table in touched:
                    frames[table] = self.store.frame(table, conn=conn)
            if old is None or "road" in touched:
                self._say("building the road network")
                network = road_network(
                    self.store.frame("road", conn=conn), epsg=self.epsg, ignore_oneway=self.ignore_oneway
                )
                order = self._order(network)
            else:
                network, order = old.network, old.order
            changed = {
                table: None if old is None else self.store.changed_ids(table, old.revision, conn)
                for table in FACILITY_TABLES
                if old is None or table in touched
            }
        for table, ids in changed.items():
            self._replay(table, frames[table], ids)
        if old is None or touched.keys() & {"lot", "movement", "depot", "item"}:
            stock = stock_table(frames["lot"], items=frames["item"]["id"].tolist())
        else:
            stock = old.stock
        if old is None or "road" in touched:
            self._times.clear()
        self._view = View(self, revision, frames, network, seqs, order, stock, self._index)
        if old is not None:
            # A copy: who still reads the old view may go on filling its own.
            self._view._kept.update(
                (key, value) for key, value in dict(old._kept).items() if _still_good(key, touched.keys())
            )
        return self._view

    def _order(self, network: RoadNetwork) -> list[int] | None:
        if len(network.arc_tail) == 0:
            return None
        kept = self.cache / f"order-{network.hash[:32]}.npy"
        if kept.is_file():
            order = np.load(kept, allow_pickle=False)
            if len(order) == len(network.node_xy_m):
                return [int(i) for i in order]
        self._say("ordering the road network (once per network)")
        is_small = len(network.node_xy_m) <= _ORDERED_HERE
        found = contraction_order(network) if is_small else run_apart(contraction_order, replace(network))
        if not found:
            self._say("no wheel of routingkit-cch on this platform: SciPy stands in, slower")
            return None
        self.cache.mkdir(parents=True, exist_ok=True)
        part = kept.with_suffix(f".{os.getpid()}.part.npy")
        np.save(part, np.asarray(found, dtype=np.int32))
        part.replace(kept)
        return found

    def _replay(self, table: str, frame: gpd.GeoDataFrame, ids: set[str] | None) -> None:
        """Row by row: what changed leaves the index, and what is still there comes back as it is now.

        `ids` None, or very many, means everything of the table.
        """
        kind = FACILITY_TABLES[table]
        if ids is None or len(ids) > _FEW_CHANGES:
            self._index.replace(kind, self._facilities(table, frame))
            return
        for i in ids:
            self._index.discard(kind, i)
        for entry in self._facilities(table, frame[frame["id"].isin(ids)]):
            self._index.insert(entry)

    def _facilities(self, table: str, frame: gpd.GeoDataFrame) -> list[Facility]:
        layer = LAYERS[FACILITY_TABLES[table]]
        names = [f.name for f in layer.fields if f.name in frame.columns]
        records = frame[names].to_dict("records")
        geometries = metric_geometries(frame, self.epsg)
        return [
            Facility(layer.id, str(i), geometry, record)
            for i, geometry, record in zip(frame["id"].tolist(), geometries, records, strict=True)
            if geometry is not None and not geometry.is_empty
        ]

    def travel(self, view: View, at: datetime, *, closed: bool = True, distance: bool = False) -> TravelTimes:
        """Travel times of one view at a moment; see `View.travel`."""
        hour = view.local(at).hour
        closures = _closures_key(view, view.closures_in_force(at)) if closed else ()
        with self._lock:
            key = (view.seqs.get("road", 0), DEFAULT_SPEEDS.profile(hour), distance)
            base = self._keep_times((key, ()), lambda: self._open_times(view, hour, "distance" if distance else "time"))
            if not closures and not view.assumed.key:
                return base
            return self._keep_times(
                (key, closures, view.assumed.key, closed),
                lambda: (
                    base if (factors := view.edge_factors(at, closed=closed)) is None else base.with_factors(factors)
                ),
            )

    def _open_times(self, view: View, hour: int, weight: Literal["time", "distance"]) -> TravelTimes:
        """Times with every edge open; the hierarchy is built once per network."""
        known = next((times for times in self._times.values() if times.network is view.network), None)
        if known is not None:
            return known.retimed(hour=hour, weight=weight)
        return TravelTimes(view.network, hour=hour, order=view.order, weight=weight)

    def travel_key(self, view: View, at: datetime) -> Hashable:
        """What the travel times at a moment depend on besides the roads: the hour's profile, closures, the assumed."""
        closures = _closures_key(view, view.closures_in_force(at))
        return DEFAULT_SPEEDS.profile(view.local(at).hour), closures, view.assumed.key

    def _keep_times(self, key: Hashable, make: Callable[[], TravelTimes]) -> TravelTimes:
        if key not in self._times:
            self._times[key] = make()
            while len(self._times) > _KEPT_TIMES:
                self._times.popitem(last=False)
        self._times.move_to_end(key)
        return self._times[key]


def _closures_key(view: View, closures: NDArray[np.intp]) -> tuple[Hashable, ...]:
    """What the closures in force do, whichever rows they are: one that is undone leaves what was known before it."""
    if len(closures) == 0:
        return ()

    def make() -> list[str]:
        frame = view.frame("closure")
        shapes = shapely.to_wkb(np.asarray(frame.geometry.array, dtype=object))
        rows = zip(shapes, frame["factor"], frame["raster"], strict=True)
        return [hashlib.sha256(repr(row).encode()).hexdigest()[:32] for row in rows]

    told = view.kept("closure digests", make)
    return (*sorted({told[k] for k in closures.tolist()}), view.seqs.get("raster", 0))


def _still_good(key: Hashable, touched: Set[str]) -> bool:
    """Whether what is kept under a key holds after changes in some tables: keys name the tables they depend on."""
    parts = {part for part in key if isinstance(part, str)} if isinstance(key, tuple) else set()
    if touched & parts:
        return False
    return touched <= _APART or ("road" not in touched and not parts.isdisjoint(_OF_PLACES))


def metric_geometries(frame: gpd.GeoDataFrame, epsg: int) -> NDArray[np.object_]:
    """The geometries of a WGS 84 frame in the metric CRS; None stays None.

    An area with a gap of a hair's breadth may cross itself once its coordinates are rounded: it is mended.
    """
    geometry = np.asarray(frame.geometry.array, dtype=object)
    found: NDArray[np.object_] = shapely.transform(geometry, lambda xy: to_metric(xy, epsg=epsg))
    crossed = (shapely.get_dimensions(found) == 2) & ~shapely.is_valid(found)
    found[crossed] = shapely.make_valid(found[crossed], method="structure", keep_collapsed=False)
    return found


def metric_points(frame: gpd.GeoDataFrame, epsg: int) -> NDArray[np.float64]:
    """(n, 2) m: a point of each row that lies on it; NaN where there is no geometry."""
    if len(frame) == 0:
        return np.empty((0, 2))
    points = shapely.point_on_surface(np.asarray(frame.geometry.array, dtype=object))
    lonlat = np.column_stack([shapely.get_x(points), shapely.get_y(points)])
    result = np.full((len(frame), 2), np.nan)
    there = np.isfinite(lonlat).all(axis=1)
    result[there] = to_metric(lonlat[there], epsg=epsg)
    return result
