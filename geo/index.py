"""The live R-tree of facilities: what stands within a radius, in a polygon, or nearest.

Kept current row by row, so that a moved depot is found at its new place by the next question.
The tree narrows down by bounding box; every answer is decided by the true geometry, in metres.
"""

import math
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from rtree.index import Index
from shapely.geometry.base import BaseGeometry

from geo.errors import Conflict, InputError, NotFound

Where = Callable[[Mapping[str, Any]], bool]
"""A condition on the attributes of a facility."""

_BRUTE_BELOW = 2_000  # so few candidates are measured one and all, without asking the tree
_FIRST_ASKED = 8  # nearest neighbours asked of the tree at first, beyond `k`
_GROWTH = 8
_NO_KIND = -1  # the kind code of a slot that holds nothing
_PAD_SHARE = 1e-12  # boxes are widened by this share of the coordinates: rounding must not lose a bound


@dataclass(frozen=True, slots=True, eq=False)
class Facility:
    """One entry of the index: what it is, where it is (metric CRS), and what is known of it."""

    kind: str
    id: str
    geometry: BaseGeometry
    attributes: Mapping[str, Any] = field(default_factory=dict)


Found = list[tuple[Facility, float]]
"""Facilities with their distance in metres."""


class FacilityIndex:
    """Every facility of a district by place, kind and attribute, changed one by one.

    Parameters
    ----------
    entries : facilities to begin with; geometries in one metric CRS, finite, not empty

    Raises
    ------
    InputError : a geometry is missing, empty or not finite
    Conflict : two entries have the same kind and id

    Notes
    -----
    CRS: the metric CRS of the deployment, in and out; distances are planar metres.
    Cost: O(n log n) to load, O(log n) to change one, O(log n + answers) to ask; a condition that few
    entries meet makes `nearest` O(n). Memory O(n).
    Invariant: every answer equals that of measuring all entries one by one, bounds included.
    Source: Guttman (1984), R-trees; bulk loading by sort-tile-recursive packing (libspatialindex).

    Safe for many threads: one lock guards the tree. A reader holds it while the tree names the
    candidates and measures them outside; a writer while it changes one entry, so an answer is of
    the state at one moment. Entries are never altered, only replaced. After a bulk load the tree
    is packed by the first question.
    """

    def __init__(self, entries: Iterable[Facility] = ()) -> None:
        self._lock = threading.RLock()
        self._slots: dict[tuple[str, str], int] = {}
        self._codes_of: dict[str, int] = {}
        self._count_of: dict[str, int] = {}
        self._entries: NDArray[np.object_] = np.empty(0, dtype=object)
        self._geometries: NDArray[np.object_] = np.empty(0, dtype=object)
        self._bounds: NDArray[np.float64] = np.empty((0, 4))
        self._codes: NDArray[np.int32] = np.empty(0, dtype=np.int32)
        self._free: list[int] = []
        self._rtree: Any = None  # None: to be packed from the slots by the next question
        self._load(list(entries))

    def __len__(self) -> int:
        return len(self._slots)

    def __contains__(self, key: tuple[str, str]) -> bool:
        return key in self._slots

    @property
    def counts(self) -> dict[str, int]:
        """Number of entries by kind, without kinds that have none."""
        with self._lock:
            return {kind: n for kind, n in sorted(self._count_of.items()) if n}

    def entry(self, kind: str, id: str) -> Facility:
        """The entry of that kind and id; NotFound where there is none."""
        with self._lock:
            slot = self._slots.get((kind, id))
            if slot is None:
                raise NotFound(f"the index holds no {kind} with id {id!r}")
            found: Facility = self._entries[slot]
            return found

    # -- changing

    def replace(self, kind: str, entries: Iterable[Facility]) -> None:
        """Make `entries` everything of one kind, loaded in bulk; all or nothing."""
        members = list(entries)
        for entry in members:
            if entry.kind != kind:
                raise InputError(f"entry {entry.id!r} is of kind {entry.kind!r}, expected {kind!r}")
        with self._lock:
            others = [self._entries[slot] for (of, _), slot in self._slots.items() if of != kind]
            self._load(others + members)

    def insert(self, entry: Facility) -> None:
        """Add one entry; Conflict where its kind and id are taken."""
        bounds = _bounds_of([entry])[0]
        with self._lock:
            if (entry.kind, entry.id) in self._slots:
                raise Conflict(f"the index holds {entry.kind} {entry.id!r} already; delete or move it")
            self._put(entry, bounds)

    def delete(self, kind: str, id: str) -> Facility:
        """Take one entry out and return it; NotFound where there is none."""
        with self._lock:
            found = self.entry(kind, id)
            self._take(kind, id)
            return found

    def discard(self, kind: str, id: str) -> bool:
        """Take one entry out if it is there; whether it was."""
        with self._lock:
            if (kind, id) not in self._slots:
                return False
            self._take(kind, id)
            return True

    def move(self, kind: str, id: str, geometry: BaseGeometry) -> Facility:
        """Put one entry in another place, its attributes kept; NotFound where there is none."""
        with self._lock:
            new = Facility(kind, id, geometry, self.entry(kind, id).attributes)
            bounds = _bounds_of([new])[0]
            self._take(kind, id)
            self._put(new, bounds)
            return new

    # -- asking

    def within_radius(
        self,
        xy_m: Any,
        radius_m: float,
        kinds: Collection[str] | None = None,
        where: Where | None = None,
    ) -> Found:
        """Facilities at most `radius_m` away (bound included), the nearest first, then by kind and id.

        The distance to a line or an area is that to its nearest point; inside an area it is 0.
        """
        x, y = _require_point(xy_m)
        radius = float(radius_m)
        if not (math.isfinite(radius) and radius >= 0.0):
            raise InputError(f"radius_m={radius_m}: expected finite metres, 0 or more")
        reach = radius + _pad(x, y, radius)
        entries, geometries = self._in_box((x - reach, y - reach, x + reach, y + reach), kinds)
        distance_m = shapely.distance(geometries, shapely.Point(x, y))
        near = np.flatnonzero(distance_m <= radius)
        near = near[np.argsort(distance_m[near], kind="stable")]
        pairs = zip(entries[near].tolist(), distance_m[near].tolist(), strict=True)
        if where is None:
            return _ties_ordered(list(pairs))
        return _ties_ordered([(entry, d) for entry, d in pairs if where(entry.attributes)])

    def within_polygon(
        self,
        polygon: BaseGeometry,
        kinds: Collection[str] | None = None,
        where: Where | None = None,
    ) -> list[Facility]:
        """Facilities that meet the polygon, by kind and id; what only touches its boundary is in.

        A line or an area counts when any point of it does (`shapely.intersects`).
        """
        if not isinstance(polygon, BaseGeometry) or polygon.geom_type not in ("Polygon", "MultiPolygon"):
            raise InputError(f"polygon: expected a Polygon or MultiPolygon, not {_named(polygon)}")
        if polygon.is_empty or not np.isfinite(shapely.get_coordinates(polygon)).all():
            raise InputError("polygon: expected finite coordinates; it is empty or holds NaN")
        if not polygon.is_valid:
            raise InputError(f"polygon: {shapely.is_valid_reason(polygon)}; repair it first")
        # A copy: preparing would write into the caller's geometry, which other threads may read.
        area = shapely.from_wkb(shapely.to_wkb(polygon))
        shapely.prepare(area)
        entries, geometries = self._in_box(polygon.bounds, kinds)
        inside = entries[shapely.intersects(area, geometries)].tolist()
        found = [entry for entry in inside if where is None or where(entry.attributes)]
        return sorted(found, key=lambda entry: (entry.kind, entry.id))

    def nearest(
        self,
        xy_m: Any,
        k: int = 1,
        kinds: Collection[str] | None = None,
        where: Where | None = None,
    ) -> Found:
        """The `k` nearest facilities, ties by kind and id; fewer only where there are fewer.

        With a condition that few meet the search grows until it has `k` of them or has seen all.
        """
        x, y = _require_point(xy_m)
        if isinstance(k, bool) or not isinstance(k, int | np.integer) or k < 1:
            raise InputError(f"k={k}: expected a whole number, at least 1")
        wanted = int(k)
        codes = self._codes_for(kinds)
        point = shapely.Point(x, y)
        asked = wanted + _FIRST_ASKED
        while True:
            entries, geometries, beyond_m = self._near(x, y, asked, codes)
            distance_m = shapely.distance(geometries, point)
            found: Found = []
            for i in np.argsort(distance_m, kind="stable").tolist():
                distance = float(distance_m[i])
                if len(found) >= wanted and distance > found[wanted - 1][1]:
                    break
                if where is None or where(entries[i].attributes):
                    found.append((entries[i], distance))
            # What the tree has not named is at least `beyond_m` away.
            if beyond_m == math.inf or (len(found) >= wanted and found[wanted - 1][1] < beyond_m):
                return _ties_ordered(found)[:wanted]
            asked *= _GROWTH

    # -- the slots that the ids of the tree point into; the lock is held

    def _load(self, entries: list[Facility]) -> None:
        bounds = _bounds_of(entries)
        slots: dict[tuple[str, str], int] = {}
        counts: dict[str, int] = {}
        for slot, entry in enumerate(entries):
            key = (entry.kind, entry.id)
            if key in slots:
                raise Conflict(f"{entry.kind} {entry.id!r} occurs twice; ids must differ within a kind")
            slots[key] = slot
            counts[entry.kind] = counts.get(entry.kind, 0) + 1
        codes = [self._codes_of.setdefault(entry.kind, len(self._codes_of)) for entry in entries]
        self._slots, self._count_of, self._bounds = slots, counts, bounds
        self._entries = np.empty(len(entries), dtype=object)
        self._entries[:] = entries
        self._geometries = _geometries_of(entries)
        self._codes = np.array(codes, dtype=np.int32)
        self._free = []
        self._rtree = None

    def _put(self, entry: Facility, bounds: NDArray[np.float64]) -> None:
        if not self._free:
            self._grow()
        slot = self._free.pop()
        self._entries[slot] = entry
        self._geometries[slot] = entry.geometry
        self._bounds[slot] = bounds
        self._codes[slot] = self._codes_of.setdefault(entry.kind, len(self._codes_of))
        self._slots[entry.kind, entry.id] = slot
        self._count_of[entry.kind] = self._count_of.get(entry.kind, 0) + 1
        if self._rtree is not None:
            self._rtree.insert(slot, bounds.tolist())

    def _take(self, kind: str, id: str) -> None:
        slot = self._slots.pop((kind, id))
        if self._rtree is not None:
            self._rtree.delete(slot, self._bounds[slot].tolist())
        self._entries[slot] = self._geometries[slot] = None
        self._codes[slot] = _NO_KIND
        self._count_of[kind] -= 1
        self._free.append(slot)

    def _grow(self) -> None:
        old = len(self._entries)
        more = max(64, old // 2)
        nothing: NDArray[np.object_] = np.empty(more, dtype=object)
        self._entries = np.concatenate([self._entries, nothing])
        self._geometries = np.concatenate([self._geometries, nothing])
        self._bounds = np.concatenate([self._bounds, np.zeros((more, 4))])
        self._codes = np.concatenate([self._codes, np.full(more, _NO_KIND, dtype=np.int32)])
        self._free = list(range(old + more - 1, old - 1, -1))

    def _tree(self) -> Any:
        if self._rtree is None:
            slots = np.flatnonzero(self._codes != _NO_KIND)
            bounds = self._bounds[slots]
            self._rtree = Index((slots, bounds[:, :2].copy(), bounds[:, 2:].copy()))
        return self._rtree

    # -- candidates; what is returned is copied, so that it can be measured without the lock

    def _codes_for(self, kinds: Collection[str] | None) -> list[int] | None:
        if kinds is None:
            return None
        if isinstance(kinds, str):
            raise InputError(f"kinds={kinds!r}: expected a collection of kinds, such as [{kinds!r}]")
        return [self._codes_of[kind] for kind in kinds if kind in self._codes_of]

    def _in_box(self, box: tuple[float, float, float, float], kinds: Collection[str] | None) -> Any:
        """Entries whose bounding box meets `box`, and their geometries."""
        codes = self._codes_for(kinds)
        with self._lock:
            if not self._slots:
                return self._entries[:0], self._geometries[:0]
            ids, _ = self._tree().intersection_v(np.array([box[:2]]), np.array([box[2:]]))
            slots = self._of_kinds(ids, codes)
            return self._entries[slots], self._geometries[slots]

    def _near(self, x: float, y: float, asked: int, codes: list[int] | None) -> Any:
        """Entries with the nearest boxes, their geometries, and how far away all others are at least."""
        with self._lock:
            kinds = self._count_of if codes is None else [k for k, c in self._codes_of.items() if c in codes]
            count = sum(self._count_of.get(kind, 0) for kind in kinds)
            share = count / max(1, len(self._slots))
            if count <= max(_BRUTE_BELOW, asked * _GROWTH):
                slots = self._of_kinds(np.flatnonzero(self._codes != _NO_KIND), codes)
                return self._entries[slots], self._geometries[slots], math.inf
            point = np.array([[x, y]])
            ids, _ = self._tree().nearest_v(point, point.copy(), num_results=math.ceil(asked / share))
            gap = np.maximum(np.maximum(self._bounds[ids, :2] - point, point - self._bounds[ids, 2:]), 0.0)
            beyond_m = float(np.hypot(gap[:, 0], gap[:, 1]).max())
            slots = self._of_kinds(ids, codes)
            return self._entries[slots], self._geometries[slots], beyond_m - _pad(x, y, beyond_m)

    def _of_kinds(self, slots: NDArray[np.int64], codes: Sequence[int] | None) -> NDArray[np.int64]:
        if codes is None:
            return slots
        of = self._codes[slots]
        keep = np.zeros(len(slots), dtype=np.bool_)
        for code in codes:
            keep |= of == code
        return slots[keep]


def _ties_ordered(found: Found) -> Found:
    """`found`, sorted by distance already, with equal distances put in order of kind and id."""
    if any(a[1] == b[1] for a, b in pairwise(found)):
        return sorted(found, key=lambda pair: (pair[1], pair[0].kind, pair[0].id))
    return found


def _pad(x: float, y: float, reach: float) -> float:
    return _PAD_SHARE * (abs(x) + abs(y) + reach)


def _require_point(xy_m: Any) -> tuple[float, float]:
    point = np.asarray(xy_m, dtype=np.float64).ravel()
    if point.shape != (2,) or not np.isfinite(point).all():
        raise InputError(f"xy_m={point.tolist()}: expected two finite metric coordinates, easting first")
    return float(point[0]), float(point[1])


def _geometries_of(entries: list[Facility]) -> NDArray[np.object_]:
    geometries: NDArray[np.object_] = np.empty(len(entries), dtype=object)
    geometries[:] = [entry.geometry for entry in entries]
    return geometries


def _bounds_of(entries: list[Facility]) -> NDArray[np.float64]:
    """(n, 4) m; every geometry checked to be there, not empty and finite."""
    geometries = _geometries_of(entries)
    no_place = ~shapely.is_geometry(geometries)
    no_place[~no_place] = shapely.is_empty(geometries[~no_place])
    strange = np.flatnonzero(no_place)
    if len(strange):
        entry = entries[strange[0]]
        raise InputError(
            f"{entry.kind} {entry.id!r}: {_named(entry.geometry)} is no place; "
            "leave it out of the index until it is placed"
        )
    bounds: NDArray[np.float64] = shapely.bounds(geometries).reshape(-1, 4)
    # Bounds skip a NaN that is not the first ordinate, so every ordinate is looked at.
    coordinates, owner = shapely.get_coordinates(geometries, return_index=True)
    bad = owner[~np.isfinite(coordinates).all(axis=1)]
    if len(bad):
        entry = entries[bad[0]]
        raise InputError(f"{entry.kind} {entry.id!r}: coordinates must be finite, not NaN or inf")
    return bounds


def _named(geometry: Any) -> str:
    if geometry is None:
        return "no geometry"
    if isinstance(geometry, BaseGeometry):
        return f"an empty {geometry.geom_type}" if geometry.is_empty else f"a {geometry.geom_type}"
    return f"a {type(geometry).__name__}"
