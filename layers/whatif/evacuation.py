"""Evacuation of the district: who goes to which shelter, by which streets, how long it takes, who has no place."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.clearance import (
    WALK_SPEEDS_M_S,
    bus_trips,
    clearance,
    entrance_m,
    flow_persons_s,
    set_out_s,
)
from geo.crs import to_lonlat
from geo.directions import Step, directions
from geo.errors import InputError
from geo.evacuation import TOGETHER_S, Evacuation, Objective, evacuation
from geo.shelters import REACH_M, STAYS, Stay
from geo.times import Route
from layers.analyses.places import road_names
from layers.district import View
from layers.whatif import refuges as shelters
from layers.whatif import ways_out
from layers.whatif.movers import Movers, Who, movers
from layers.whatif.refuges import Refuges, refuges
from layers.whatif.saved import Result, seqs_of
from layers.whatif.scenario import AS_IT_IS, Scenario, scenario_tables, under
from layers.whatif.ways_out import On, WaysOut, road_widths_m
from layers.whatif.zone import Zone, read_zone

KIND = "evacuation"
TABLES = ("village", "cell", *shelters.TABLES, *ways_out.TABLES)
"""What every plan rests on beyond the roads of its scenario."""

BUSES, SEATS = 60, 45
"""The fleet where none is said [proposed]."""


@dataclass(frozen=True)
class Asked:
    """What is asked of an evacuation.

    zone : see `layers.whatif.zone.FORMS`; empty: nobody has to leave a zone
    who : ``zone`` only those inside it, ``all`` everybody
    share : of them who leave, 0 < .. <= 1
    stay : how long they stay: which shelters serve, and how many persons each holds
    walk_m_s : on foot, and on the legs off the road
    most_walk_m : nobody walks farther (bound included); None: no cap
    buses, seats : the fleet, by bus
    """

    scenario: Scenario = AS_IT_IS
    zone: str = ""
    who: Who = "zone"
    share: float = 1.0
    stay: Stay = "day"
    on: On = "foot"
    walk_m_s: float = WALK_SPEEDS_M_S["adult"]
    most_walk_m: float | None = None
    objective: Objective = "total"
    together: bool = False
    buses: int = BUSES
    seats: int = SEATS

    def plain(self, at: datetime) -> dict[str, Any]:
        """The question as plain values."""
        told = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "scenario"}
        fleet = () if self.on == "bus" else ("buses", "seats")
        return {
            "scenario": self.scenario.plain(),
            "at": at.isoformat(),
            **{name: value for name, value in told.items() if name not in fleet},
        }


def evacuate(view: View, asked: Asked, *, at: datetime, name: str) -> Result:
    """The plan as a result with its proof tables, ready to be kept.

    Tables: ``moves`` (village_id, part, shelter_id), their ``steps`` (and step), ``missing`` (village_id, part),
    ``shelters`` (id), ``villages`` (village_id, part). Layers: evacuation_moves, evacuation_shelters,
    evacuation_villages, evacuation_zone.
    """
    if asked.stay not in STAYS:
        raise InputError(f"stay={asked.stay!r}: expected one of {', '.join(STAYS)}")
    moment = view.district.local(at)
    told = under(view, asked.scenario, moment)
    zone = read_zone(view, asked.zone) if asked.zone.strip() else None
    hour = told.local(moment).hour
    who = movers(view, zone, who=asked.who, hour=hour, share=asked.share)
    where = refuges(view, zone, stay=asked.stay)
    usable = np.flatnonzero(where.places > 0)
    ways = WaysOut(
        told,
        zone,
        at=moment,
        on=asked.on,
        walk_m_s=asked.walk_m_s,
        origin_xy_m=who.xy_m,
        in_zone=who.in_zone,
        shelter_xy_m=view.points_m("shelter")[usable],
    )
    found = evacuation(
        who.table["persons"],
        where.places[usable],
        ways.time_s,
        objective=asked.objective,
        walk_m=None if asked.most_walk_m is None else ways.walk_m(asked.most_walk_m),
        most_walk_m=asked.most_walk_m,
        together=asked.together,
        limit_s=TOGETHER_S,
    )
    plan = _Plan(view, asked, hour, zone, who, where, usable, ways, found)
    parameters = asked.plain(moment) | {"zone_title": None if zone is None else zone.title}
    if zone is not None:
        lonlat = shapely.transform(zone.shape, lambda xy: to_lonlat(xy, epsg=view.district.epsg))
        parameters["zone_wkt"] = shapely.to_wkt(lonlat, rounding_precision=7)
    return Result(
        KIND,
        name,
        parameters,
        plan.summary(),
        plan.tables(),
        {
            "moves": ("village_id", "part", "shelter_id"),
            "steps": ("village_id", "part", "shelter_id", "step"),
            "missing": ("village_id", "part"),
            "shelters": ("id",),
            "villages": ("village_id", "part"),
        },
        plan.layers(),
        seqs_of(view, *TABLES, *scenario_tables(asked.scenario), *(() if zone is None else zone.tables)),
    )


class _Plan:
    """A plan that is found, and what is told of it."""

    def __init__(
        self,
        view: View,
        asked: Asked,
        hour: int,
        zone: Zone | None,
        who: Movers,
        where: Refuges,
        usable: NDArray[np.intp],
        ways: WaysOut,
        found: Evacuation,
    ) -> None:
        self.view, self.asked, self.zone = view, asked, zone
        self.who, self.where, self.usable, self.ways, self.found = who, where, usable, ways, found
        self.routes = [ways.route(i, j) for i, j in zip(found.origin.tolist(), found.shelter.tolist(), strict=True)]
        self.warn_s, self.prep_s = set_out_s(hour)
        legs = ways.legs_s()
        self.leg_out_s, self.leg_in_s = legs[0][found.origin], legs[1][found.shelter]
        self.load = np.zeros(len(where.table), dtype=np.int64)
        self.load[usable] = found.load
        self.cleared = self._on_foot() if asked.on == "foot" else self._by_bus()
        self.steps = [self._told(route) for route in self.routes]
        self.moves = self._moves()

    def _on_foot(self) -> pd.DataFrame:
        """Of each move clear_s, at_most_s and the narrowest road; the frame's attrs have what holds of all of them."""
        flow_s = flow_persons_s(self.ways.left.pieces(road_widths_m(self.view)))
        links, before = [], []
        for k, route in enumerate(self.routes):
            metres = np.array([np.hypot(*np.diff(piece, axis=0).T).sum() for piece in route.pieces])
            seconds = metres / (self.asked.walk_m_s * self.ways.factor[route.edge])
            begins = self.leg_out_s[k] + np.r_[0.0, np.cumsum(seconds)[:-1]]
            # A place on a junction stands on a piece without length, and may stand on another road than it takes.
            kept = np.flatnonzero(metres > 0)
            kept = kept[np.sort(np.unique(route.edge[kept], return_index=True)[1])]
            links.append(route.edge[kept])
            before.append(np.minimum(begins[kept], self.found.time_s[k]))
        told = clearance(self.found.moved, self.found.time_s, links, flow_s, before_s=before)
        rows = np.append(self.view.network.edge_row[self.ways.left.edge_of], -1)[told.link]
        roads = road_names(self.view)
        widths = np.append(self.ways.left.pieces(road_widths_m(self.view)), np.nan)
        on_link = np.append(told.link_persons, 0)
        frame = pd.DataFrame(
            {
                "clear_s": told.clear_s,
                "at_most_s": told.at_most_s,
                "narrow_road": pd.Series(
                    [None if row < 0 else roads["name"].iloc[row] or roads["highway"].iloc[row] for row in rows],
                    dtype=object,
                ),
                "narrow_m": widths[told.link],
                "narrow_persons": on_link[told.link],
                "trips": np.full(len(rows), np.nan),
            }
        )
        frame.attrs = {"at_least_s": told.at_least_s}
        return frame

    def _by_bus(self) -> pd.DataFrame:
        drive_s = np.array([route.time_s for route in self.routes])
        told = bus_trips(self.found.moved, drive_s, buses=self.asked.buses, seats=self.asked.seats)
        clear_s = self.leg_out_s + told.arrival_s + self.leg_in_s
        none = np.full(len(drive_s), np.nan)
        frame = pd.DataFrame(
            {
                "clear_s": clear_s,
                "at_most_s": clear_s,
                "narrow_road": pd.Series([None] * len(drive_s), dtype=object),
                "narrow_m": none,
                "narrow_persons": none,
                "trips": told.trips.astype(np.float64),
            }
        )
        frame.attrs = {"at_least_s": float(self.found.time_s.max(initial=0.0)), "back_s": told.back_s}
        return frame

    def _moves(self) -> pd.DataFrame:
        found, cleared = self.found, self.cleared
        who = self.who.table.iloc[found.origin].reset_index(drop=True)
        where = self.where.table.iloc[self.usable[found.shelter]].reset_index(drop=True)
        road_m = np.array([route.distance_m for route in self.routes])
        legs_m = self.ways.origins.access_m[found.origin] + self.ways.shelters.access_m[found.shelter]
        walk_m = legs_m + road_m if self.asked.on == "foot" else legs_m
        frame = pd.DataFrame(
            {
                **{name: who[name] for name in ("village_id", "village", "street", "part")},
                "shelter_id": where["id"],
                "shelter": where["name"],
                "shelter_street": where["street"],
                "persons": found.moved,
                "road_m": np.round(road_m, 1),
                "legs_m": np.round(legs_m, 1),
                "walk_m": np.round(walk_m, 1),
                "travel_s": np.round(found.time_s, 1),
                "wait_s": np.round(cleared["clear_s"] - found.time_s, 1),
                "clear_s": np.round(cleared["clear_s"], 1),
                "at_most_s": np.round(cleared["at_most_s"], 1),
                "warn_s": self.warn_s,
                "prep_s": self.prep_s,
                "total_s": np.round(self.warn_s + self.prep_s + cleared["clear_s"], 1),
                "narrow_road": cleared["narrow_road"],
                "narrow_m": cleared["narrow_m"],
                "narrow_persons": cleared["narrow_persons"],
                "trips": cleared["trips"],
                "beyond_standard": np.round(walk_m, 3) > REACH_M[self.asked.stay],
                "reenters": self.ways.reenters[found.origin],
                "route": pd.Series([_route_text(told) for told in self.steps], dtype=object),
                "contact": who["contact"],
                "phone": who["phone"],
                "shelter_contact": where["contact"],
                "shelter_phone": where["phone"],
            }
        )
        frame["move"] = np.arange(len(frame))  # which of the moves of the plan it is
        return frame.sort_values(["street", "village_id", "part", "persons"], ascending=[True, True, True, False])

    def _told(self, route: Route) -> list[Step]:
        rows = self.view.network.edge_row[self.ways.left.edge_of[route.edge]]
        return directions(route.pieces, road_names(self.view)["name"].to_numpy(dtype=object)[rows].tolist())

    def _steps(self) -> pd.DataFrame:
        """Street by street, in the order of the moves; metres whole."""
        rows: list[dict[str, Any]] = [
            {
                **{name: move[name] for name in ("village_id", "part", "shelter_id")},
                "step": number,
                "name": step.name,
                "distance_m": round(step.distance_m),
                "turn": step.turn,
                "heading": step.heading,
            }
            for move in self.moves.to_dict("records")
            for number, step in enumerate(self.steps[int(move["move"])], start=1)
        ]
        columns = ["village_id", "part", "shelter_id", "step", "name", "distance_m", "turn", "heading"]
        return pd.DataFrame(rows, columns=columns).astype({"name": object})

    # -- what is kept ---------------------------------------------------------------------------------

    def tables(self) -> dict[str, pd.DataFrame]:
        """The proof tables."""
        return {
            "moves": self.moves.drop(columns="move").reset_index(drop=True),
            "steps": self._steps(),
            "missing": self._missing(),
            "shelters": self._shelters(),
            "villages": self._villages(),
        }

    def _reasons(self) -> list[str | None]:
        """Why persons have no place; who has no way is told apart: no road, roads closed, no shelter that serves."""
        reasons: list[str | None] = [*self.found.reason]
        stuck = np.array([i for i, reason in enumerate(reasons) if reason == "no_way"], dtype=np.intp)
        if len(stuck) == 0:
            return reasons
        opened = self.ways.is_reached_when_open(stuck)
        for i, is_open in zip(stuck.tolist(), opened.tolist(), strict=True):
            reasons[i] = "no_shelter" if len(self.usable) == 0 else "closed" if is_open else "no_road"
        return reasons

    def _villages(self) -> pd.DataFrame:
        table = self.who.table
        n = len(table)
        last_s = np.full(n, np.nan)
        total_s = self.warn_s + self.prep_s + self.cleared["clear_s"].to_numpy(dtype=np.float64)
        np.fmax.at(last_s, self.found.origin, np.round(total_s, 1))
        lonlat = to_lonlat(self.who.xy_m, epsg=self.view.district.epsg)
        return pd.DataFrame(
            {
                **{name: table[name] for name in ("village_id", "part", "village", "street", "persons", "share_in")},
                "moved": table["persons"] - self.found.missing,
                "missing": self.found.missing,
                "reason": pd.Series(self._reasons(), dtype=object),
                "shelters": np.bincount(self.found.origin, minlength=n),
                "total_s": last_s,
                "lon": np.round(lonlat[:, 0], 6),
                "lat": np.round(lonlat[:, 1], 6),
                "contact": table["contact"],
                "phone": table["phone"],
            }
        )

    def _missing(self) -> pd.DataFrame:
        """Those without a place, and the nearest shelter that serves, full or too far as it may be."""
        villages = self._villages()
        rows = np.flatnonzero(self.found.missing > 0)
        time_s = np.where(np.isfinite(self.ways.time_s), self.ways.time_s, np.inf)[rows]
        nearest = np.argmin(time_s, axis=1) if time_s.size else np.full(len(rows), -1)
        known = np.isfinite(time_s[np.arange(len(rows)), nearest]) if time_s.size else np.zeros(len(rows), dtype=bool)
        names = self.where.table["name"].to_numpy(dtype=object)
        frame = villages.iloc[rows][["village_id", "part", "village", "street", "persons", "missing", "reason"]]
        return frame.assign(
            nearest=pd.Series(
                [names[self.usable[j]] if is_known else None for j, is_known in zip(nearest, known, strict=True)],
                index=frame.index,
                dtype=object,
            ),
            nearest_s=[
                round(float(time_s[k, nearest[k]]), 1) if is_known else np.nan for k, is_known in enumerate(known)
            ],
        ).reset_index(drop=True)

    def _shelters(self) -> pd.DataFrame:
        table = self.where.table
        lonlat = to_lonlat(self.view.points_m("shelter"), epsg=self.view.district.epsg)
        return pd.DataFrame(
            {
                **{name: table[name] for name in ("id", "name", "street", "class", "stay", "effective_m2")},
                **{name: table[name] for name in ("places", "basis")},
                "load": self.load,
                "free": table["places"] - self.load,
                "entrance_m": np.round(entrance_m(self.load), 2),
                **{name: table[name] for name in ("out", "near", "near_m", "limit_m")},
                "lon": np.round(lonlat[:, 0], 6),
                "lat": np.round(lonlat[:, 1], 6),
                **{name: table[name] for name in ("address", "contact", "phone")},
            }
        )

    def summary(self) -> dict[str, Any]:
        """The figures that matter."""
        found, cleared = self.found, self.cleared
        served = int((self.load > 0).sum())
        out = self.where.table["out"].dropna()
        last_s = float(cleared["clear_s"].max()) if len(cleared) else 0.0
        before_s = self.warn_s + self.prep_s
        return {
            "persons": int(self.who.table["persons"].sum()),
            "by_day": self.who.by_day,
            "sheltered": found.sheltered,
            "missing": int(found.missing.sum()),
            "places": int(self.where.places.sum()),
            "shelters": len(self.where.table),
            "shelters_used": served,
            "shelters_full": int(((self.load > 0) & (self.load == self.where.places)).sum()),
            "shelters_out": {str(reason): int(count) for reason, count in out.value_counts().items()},
            "person_h": round(found.person_s / 3600.0, 1),
            "mean_s": round(found.person_s / found.sheltered, 1) if found.sheltered else None,
            "last_travel_s": round(found.last_s, 1),
            "warn_s": self.warn_s,
            "prep_s": self.prep_s,
            "clear_s": round(last_s, 1),
            "total_s": round(before_s + last_s, 1),
            "at_least_s": round(before_s + cleared.attrs["at_least_s"], 1),
            "at_most_s": round(before_s + (float(cleared["at_most_s"].max()) if len(cleared) else 0.0), 1),
            "villages": int(self.who.table["village_id"].nunique()),
            "villages_split": len(found.split),
            "reentering": int(self.ways.reenters.sum()),
            "beyond_standard": int(self.moves.loc[self.moves["beyond_standard"], "persons"].sum()),
            "is_proven": found.is_proven,
            "most_sheltered": found.most_sheltered,
            "least_person_h": round(found.least_person_s / 3600.0, 1),
            "trips": int(cleared["trips"].sum()) if self.asked.on == "bus" else None,
        }

    def layers(self) -> dict[str, gpd.GeoDataFrame]:
        """What the map shows, in WGS 84."""
        moves, shelters_, villages = self.moves, self._shelters(), self._villages()
        villages["state"] = np.where(
            villages["missing"] == 0, "placed", np.where(villages["moved"] == 0, "nowhere", "partly")
        )
        shelters_["state"] = [
            "out" if out is not None else "unused" if load == 0 else "full" if free == 0 else "room"
            for out, load, free in zip(shelters_["out"], shelters_["load"], shelters_["free"], strict=True)
        ]
        lines = [self._line(int(k)) for k in moves["move"]]
        zones = (
            {"title": [], "area_km2": []}
            if self.zone is None
            else {
                "title": [self.zone.title],
                "area_km2": [round(self.zone.shape.area / 1e6, 3)],
            }
        )
        return {
            "evacuation_moves": _in_wgs84(moves.drop(columns="move"), lines),
            "evacuation_shelters": _in_wgs84(shelters_, _points(shelters_)),
            "evacuation_villages": _in_wgs84(villages, _points(villages)),
            "evacuation_zone": _in_wgs84(pd.DataFrame(zones), [] if self.zone is None else [self._zone_lonlat()]),
        }

    def _zone_lonlat(self) -> Any:
        assert self.zone is not None
        return shapely.transform(self.zone.shape, lambda xy: to_lonlat(xy, epsg=self.view.district.epsg))

    def _line(self, k: int) -> Any:
        """The way of one move from where people live to the shelter, with the legs off the road."""
        begin = self.who.xy_m[self.found.origin[k]]
        end = self.view.points_m("shelter")[self.usable[self.found.shelter[k]]]
        xy = np.vstack([begin, self.routes[k].xy_m, end])
        return shapely.LineString(np.round(to_lonlat(xy, epsg=self.view.district.epsg), 7))


def _points(frame: pd.DataFrame) -> list[Any]:
    return [shapely.Point(*xy) if np.isfinite(xy).all() else None for xy in frame[["lon", "lat"]].to_numpy()]


def _in_wgs84(frame: pd.DataFrame, shapes: list[Any]) -> gpd.GeoDataFrame:
    """The rows that have a place."""
    there = np.array([shape is not None for shape in shapes], dtype=bool)
    drawn = [shape for shape in shapes if shape is not None]
    rows = frame.reset_index(drop=True)[there].reset_index(drop=True)
    return gpd.GeoDataFrame(rows, geometry=gpd.GeoSeries(drawn, crs=4326), crs=4326)


def _route_text(steps: Sequence[Step]) -> str:
    """The names of the streets in order; a dash where a street has none."""
    names: list[str] = []
    for step in steps:
        name = step.name or "—"
        if not names or names[-1] != name:
            names.append(name)
    return " → ".join(names)
