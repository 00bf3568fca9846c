"""Who has to leave, and from where: the persons of each village, those inside a zone apart from those outside."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.coverage import DAY_HOURS
from geo.errors import InputError
from layers.district import View, metric_geometries
from layers.whatif.zone import Zone

Who = Literal["zone", "all"]
Part = Literal["in", "out"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Movers:
    """(n,) parts of villages with somebody who has to leave.

    `table` has village_id, village, street, part (in or out of the zone), persons, share_in (of the village's persons
    inside the zone), contact, phone; `xy_m` is where they set out, NaN without a place. `by_day` says which number of
    persons was taken.
    """

    table: pd.DataFrame
    xy_m: Floats
    by_day: bool

    @property
    def in_zone(self) -> NDArray[np.bool_]:
        """(n,) whether the part lies inside the zone."""
        return self.table["part"].eq("in").to_numpy(dtype=bool)


def movers(view: View, zone: Zone | None, *, who: Who, hour: int, share: float = 1.0) -> Movers:
    """The persons who have to leave at an hour of the day.

    By day (`geo.coverage.DAY_HOURS`) the daytime persons of the register count where they are known, by night the
    residents. Of a village that lies partly in the zone the persons are parted by the population cells inside and
    outside, else by area; they set out where most of them live. `share` of them leaves, rounded up.
    """
    if not 0 < share <= 1:
        raise InputError(f"share={share}: expected a share above 0, at most 1")
    if who == "zone" and zone is None:
        raise InputError("who=zone: name a zone, or let everybody leave (who=all)")
    by_day = DAY_HOURS[0] <= hour < DAY_HOURS[1]
    frame = view.frame("village")
    persons = frame["persons"].fillna(0).to_numpy(dtype=np.float64)
    if by_day:
        persons = frame["persons_day"].fillna(frame["persons"]).fillna(0).to_numpy(dtype=np.float64)
    points = view.points_m("village")
    rows: list[dict[str, Any]] = []
    places: list[Floats] = []
    shapes = metric_geometries(frame, view.district.epsg)
    split = _Split(view, zone) if zone is not None else None
    for i, record in enumerate(frame.drop(columns="geometry").to_dict("records")):
        share_in, spots = (0.0, {}) if split is None else split.of(shapes[i])
        inside = int(np.floor(persons[i] * share_in + 0.5))
        counts: dict[Part, int] = {"in": inside, "out": int(persons[i]) - inside}
        for part, count in counts.items():
            if count == 0 or (part == "out" and who == "zone"):
                continue
            rows.append(
                {
                    "village_id": str(record["id"]),
                    "village": str(record["name"]),
                    "street": record["street"],
                    "part": part,
                    "persons": int(np.ceil(round(count * share, 6))),
                    "share_in": round(share_in, 6),
                    "contact": record.get("contact"),
                    "phone": record.get("phone"),
                }
            )
            places.append(spots.get(part, points[i]) if 0 < inside < persons[i] else points[i])
    columns = ["village_id", "village", "street", "part", "persons", "share_in", "contact", "phone"]
    return Movers(pd.DataFrame(rows, columns=columns), np.array(places, dtype=np.float64).reshape(-1, 2), by_day)


class _Split:
    """Which share of a village's persons lives inside the zone, and where those inside and outside set out."""

    def __init__(self, view: View, zone: Zone) -> None:
        self._zone = zone.shape
        shapely.prepare(self._zone)
        cells = view.frame("cell")
        self._xy = view.points_m("cell")
        self._persons = cells["persons"].fillna(0).to_numpy(dtype=np.float64)
        self._points = shapely.points(self._xy)
        self._inside = shapely.intersects(self._zone, self._points)
        self._tree = shapely.STRtree(self._points)

    def of(self, shape: Any) -> tuple[float, dict[Part, Floats]]:
        """The share inside, 0 to 1, and a place for each part where it is known."""
        if shape is None or not shapely.intersects(self._zone, shape):
            return 0.0, {}
        if shapely.get_dimensions(shape) < 2:
            return 1.0, {}
        own = self._tree.query(shape, predicate="intersects")
        total = self._persons[own].sum()
        if total > 0:
            inner = own[self._inside[own]]
            outer = own[~self._inside[own]]
            parts: dict[Part, Any] = {"in": inner, "out": outer}
            return float(self._persons[inner].sum() / total), {
                part: self._spot(cells) for part, cells in parts.items() if self._persons[cells].sum() > 0
            }
        inner_shape = shapely.intersection(shape, self._zone)
        outer_shape = shapely.difference(shape, self._zone)
        areas: dict[Part, Any] = {"in": inner_shape, "out": outer_shape}
        return float(inner_shape.area / shape.area), {
            part: shapely.get_coordinates(shapely.point_on_surface(area))[0]
            for part, area in areas.items()
            if area.area > 0
        }

    def _spot(self, cells: Any) -> Floats:
        """The cell nearest to the middle of the persons."""
        middle = np.average(self._xy[cells], axis=0, weights=self._persons[cells])
        found: Floats = self._xy[cells[np.argmin(np.hypot(*(self._xy[cells] - middle).T))]]
        return found
