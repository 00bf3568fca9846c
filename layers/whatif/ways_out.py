"""The roads of an evacuation: times and routes on foot or by bus, out of the zone, and how wide each road is."""

from functools import cached_property
from typing import Any, Literal

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.clearance import EDGE_LOSS_M, ROAD_WIDTHS_M
from geo.leaving import leaving
from geo.speeds import ROAD_SPEEDS
from geo.times import Route, TravelTimes, last_leg_s
from geo.walking import foot_network, walked_factors, walking_speeds
from layers.district import View, metric_geometries
from layers.whatif.zone import Zone

On = Literal["foot", "bus"]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

TABLES = ("evacuation_route",)
"""What the answer rests on beyond the roads of its scenario."""

_SLACK_M = 2.0  # times are rounded edge by edge
_OTHER_WIDTH_M = min(ROAD_WIDTHS_M.values())


def road_widths_m(view: View) -> Floats:
    """(edges,) m: the widest registered evacuation route along an edge, else by road class.

    A registered width that is not above what the edges of a road take counts as not known.
    """

    def make() -> Floats:
        by_class = np.array([ROAD_WIDTHS_M.get(row.highway, _OTHER_WIDTH_M) for row in ROAD_SPEEDS])
        registered = np.zeros(len(view.network.edge_tail))
        routes = view.frame("evacuation_route")
        shapes = metric_geometries(routes, view.district.epsg)
        for shape, width_m in zip(shapes, routes["width_m"].to_numpy(dtype=np.float64), strict=True):
            for part in shapely.get_parts(shape) if shape is not None and width_m > EDGE_LOSS_M else ():
                on = view.network.edges_met(part)
                registered[on] = np.maximum(registered[on], width_m)
        found: Floats = np.where(registered > 0, registered, by_class[view.network.edge_class])
        return found

    return view.kept("road widths", make)


class WaysOut:
    """Ways at one moment under what the view assumes, from places that stand still.

    Whoever is in the zone may leave it; nobody enters it. Where somebody in the zone has no other way, he may cross it
    again on the way out.
    """

    def __init__(
        self,
        view: View,
        zone: Zone | None,
        *,
        at: Any,
        on: On,
        walk_m_s: float,
        origin_xy_m: Floats,
        in_zone: Bools,
        shelter_xy_m: Floats,
    ) -> None:
        self._view, self.on, self._walk_m_s = view, on, walk_m_s
        base = foot_network(view.network) if on == "foot" else view.network
        self.left = leaving(base, None if zone is None else zone.shape)
        every = np.ones(len(base.edge_tail))
        told = view.edge_factors(at)
        walked = walked_factors(base) if on == "foot" else every
        self._open = self.left.pieces(walked)
        self.factor: Floats = self.left.pieces(walked * (every if told is None else told))
        self._hour = view.local(at).hour
        self._times = self._on(self.left.network, self.factor)
        snap_m = view.district.snap_m
        taken = self._open > 0  # nobody sets out on a motorway on foot
        self.origins = self.left.snap(origin_xy_m, in_zone, max_m=snap_m, usable=taken)
        nowhere = np.zeros(len(shelter_xy_m), dtype=bool)
        self.shelters = self.left.snap(shelter_xy_m, nowhere, max_m=snap_m, usable=taken)
        self.in_zone = in_zone

    def _on(self, network: Any, factor: Floats) -> TravelTimes:
        order = self.left.order(self._view.order or []) or None
        if self.on == "bus":
            return TravelTimes(network, hour=self._hour, order=order, edge_factor=factor)
        speeds = walking_speeds(self._walk_m_s)
        return TravelTimes(network, speeds=speeds, order=order, edge_factor=factor, respect_maxspeed=False)

    @cached_property
    def _reentering(self) -> TravelTimes:
        return self._on(self.left.reentering, self.factor)

    def legs_s(self) -> tuple[Floats, Floats]:
        """(n,) and (m,) s of the legs off the road, walked; NaN without a road."""
        return (
            last_leg_s(self.origins.access_m, walk_m_s=self._walk_m_s),
            last_leg_s(self.shelters.access_m, walk_m_s=self._walk_m_s),
        )

    @cached_property
    def _road(self) -> tuple[Floats, Bools]:
        road_s = self._times.matrix_s(self.origins, self.shelters)
        reenters: Bools = self.in_zone & ~np.isfinite(road_s).any(axis=1) & (self.origins.edge >= 0)
        if reenters.any():
            again = np.flatnonzero(reenters)
            road_s[again] = self._reentering.matrix_s(self.origins.take(again), self.shelters)
            reenters &= np.isfinite(road_s).any(axis=1)
        return road_s, reenters

    @property
    def reenters(self) -> Bools:
        """(n,) whether the only way out of the zone touches it again."""
        return self._road[1]

    @cached_property
    def time_s(self) -> Floats:
        """(n, m) s of the whole way from every part of a village to every shelter; inf or NaN where there is none."""
        legs = self.legs_s()
        found: Floats = self._road[0] + legs[0][:, None] + legs[1][None, :]
        return found

    def walk_m(self, most_m: float) -> Floats:
        """(n, m) m walked on the way, in any case on the same side of `most_m` as in truth.

        On foot that is the quickest way with the legs off the road, by bus the legs. A way is measured along its roads
        where its time and the speeds on them do not tell on which side it is.
        """
        legs_m: Floats = self.origins.access_m[:, None] + self.shelters.access_m[None, :]
        if self.on == "bus":
            return legs_m
        road_s, reenters = self._road
        speeds = self.factor[self.factor > 0] * self._walk_m_s
        if len(speeds) == 0:
            return np.full(road_s.shape, np.inf)
        least = legs_m + road_s * speeds.min()
        found: Floats = legs_m + road_s * speeds.max()
        unsure = ~((found <= most_m - _SLACK_M) | ~(least <= most_m + _SLACK_M))
        for i in np.flatnonzero(unsure.any(axis=1)):
            times = self._reentering if reenters[i] else self._times
            j = np.flatnonzero(unsure[i])
            found[i, j] = legs_m[i, j] + times.distance_m(self.origins.take([i]), self.shelters.take(j))[0]
        return found

    def route(self, i: int, j: int) -> Route:
        """The way from part i to shelter j, which there must be."""
        times = self._reentering if self.reenters[i] else self._times
        found = times.path(self.origins, self.shelters, i, j)
        assert found is not None
        return found

    def is_reached_when_open(self, rows: NDArray[np.intp]) -> Bools:
        """(k,) whether these parts would reach some shelter with every closure and the zone lifted."""
        times = self._on(self.left.reentering, self._open)
        road_s = times.matrix_s(self.origins.take(rows), self.shelters)
        found: Bools = np.asarray(np.isfinite(road_s).any(axis=1))
        return found
