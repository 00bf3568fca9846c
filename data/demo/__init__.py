"""The demo district: Chongchuan-like, made from a seed, and honest about it.

Outline, streets, people and facilities are synthetic; only the names of streets and main roads
and the total population are public facts. Every row is stored with ``source = demo``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from data.demo import facilities, hazards, plan, reserves, supplies
from data.demo.ground import Ground, make_ground
from data.demo.roads import Roads, make_roads
from data.demo.town import Town, make_town
from data.importers import ImportReport, import_frame
from data.rasters import import_values
from data.store import Store
from geo.crs import STORED_EPSG, to_lonlat
from geo.grid import Raster

SEED = 20220101
"""The seed of the demo that everyone sees."""

SOURCE = "demo"
"""The source of every row of it."""

KINDS_IN_ORDER = (
    "boundary",
    "water",
    "roads",
    "villages",
    "cells",
    "enterprises",
    "substances",
    "shelters",
    "evacuation_routes",
    "depots",
    "items",
    "lots",
    "teams",
    "hospitals",
    "closures",
    "waterlogging_spots",
    "hazard_areas",
    "lifelines",
    "hidden_dangers",
    "capacity",
    "storm_tracks",
    "buildings",
    "packs",
    "substitutes",
    "stock_levels",
    "reserve_targets",
    "agreements",
    "relief_standards",
    "vehicles",
    "devices",
)
"""What is loaded, each after what it refers to."""

Frames = dict[str, pd.DataFrame]
Rasters = dict[str, tuple[str, Raster]]
Progress = Callable[[str], None]

_DECIMALS = 7  # a centimetre
_CHINA = timezone(timedelta(hours=8))


@dataclass(frozen=True)
class Demo:
    """The demo district: frames by kind (EPSG:4326), and title and raster by code (metric)."""

    frames: Frames
    rasters: Rasters


def demo_frames(seed: int = SEED, *, today: date, progress: Progress | None = None) -> Frames:
    """Every frame of the demo district, by kind, in the columns of `data.kinds`, EPSG:4326."""
    return make_demo(seed, today=today, progress=progress).frames


def make_demo(seed: int = SEED, *, today: date, progress: Progress | None = None) -> Demo:
    """The whole demo district.

    The same seed and day give the same frames and rasters to the byte. `today` moves expiry
    dates, counts, closures and the years of lists and agreements only.
    """
    say = progress or _silent

    def stream(number: int) -> np.random.Generator:
        return np.random.default_rng([seed, number])

    say("demo: river, canals, main roads and blocks")
    ground = make_ground(stream(1))
    say("demo: streets and bridges")
    roads = make_roads(ground, stream(2))
    say("demo: villages and people")
    town = make_town(ground, stream(3))
    say("demo: enterprises, shelters, depots, teams")
    sites = facilities.make_sites(ground, roads, town, stream(4))
    teams = facilities.make_teams(sites, stream(5))
    hospitals = facilities.make_hospitals(sites, stream(6))
    depots = supplies.make_depots(sites, stream(7))
    lots = reserves.count_whole_depots(supplies.make_lots(depots, today, stream(10)), depots, today, stream(21))
    vehicles = reserves.make_vehicles(depots, today)
    enterprises, substances = facilities.make_enterprises(sites, stream(8))
    shelters = facilities.make_shelters(sites, enterprises, stream(9))
    say("demo: heights, hazards, buildings")
    terrain = hazards.make_terrain(ground, roads, town, stream(12))
    rasters = hazards.make_rasters(ground, terrain, stream(13))
    frames: Frames = {
        "boundary": _placed(pd.DataFrame({"name": ["崇川区(示意)"], "geometry": [town.outline]})),
        "water": _water(ground),
        "roads": _roads(roads),
        "villages": _villages(town).assign(**hazards.make_ages(town, stream(11))),
        "cells": _cells(town),
        "enterprises": _placed(enterprises),
        "substances": substances,
        "shelters": _placed(shelters),
        "evacuation_routes": _placed(facilities.make_routes(roads, town, shelters)),
        "depots": _placed(depots),
        "items": supplies.make_items(),
        "lots": lots,
        "teams": _placed(teams),
        "hospitals": _placed(hospitals),
        "closures": _placed(facilities.make_closures(roads, today)),
        "waterlogging_spots": _placed(hazards.make_spots(terrain, town, stream(14))),
        "hazard_areas": _placed(hazards.make_areas(ground, terrain, stream(15))),
        "lifelines": _placed(hazards.make_lifelines(ground, roads, sites, stream(16))),
        "hidden_dangers": _placed(hazards.make_dangers(terrain, sites, stream(17))),
        "capacity": hazards.make_capacity(town, shelters, stream(18)),
        "storm_tracks": _in_degrees(hazards.make_storms(stream(19))),
        "buildings": _placed(hazards.make_buildings(ground, roads, town, stream(20))),
        "packs": reserves.make_packs(),
        "substitutes": reserves.make_substitutes(),
        "stock_levels": reserves.make_stock_levels(lots, stream(22)),
        "reserve_targets": reserves.make_targets(lots, depots, today),
        "agreements": _placed(reserves.make_agreements(sites, today, stream(23))),
        "relief_standards": reserves.make_standards(),
        "vehicles": _placed(vehicles),
        "devices": reserves.make_devices(vehicles, depots),
    }
    return Demo(frames, rasters)


def load_demo(
    store: Store, *, now_utc: datetime, seed: int = SEED, progress: Progress | None = None
) -> dict[str, ImportReport]:
    """Make the demo district and import it, with the checks that every file gets; reports by kind."""
    say = progress or _silent
    made = make_demo(seed, today=now_utc.astimezone(_CHINA).date(), progress=progress)
    frames = made.frames
    reports: dict[str, ImportReport] = {}
    for kind in KINDS_IN_ORDER:
        say(f"demo: importing {kind} ({len(frames[kind])} rows)")
        reports[kind] = import_frame(
            store, kind, frames[kind], source=SOURCE, source_datum=f"EPSG:{STORED_EPSG}", now_utc=now_utc
        )
    say(f"demo: importing rasters ({len(made.rasters)})")
    parts = [
        import_values(store, raster, code=code, title=title, source=SOURCE, now_utc=now_utc)
        for code, (title, raster) in made.rasters.items()
    ]
    reports["rasters"] = ImportReport(
        "rasters",
        len(parts),
        sum(part.inserted for part in parts),
        sum(part.updated for part in parts),
        sum(part.unchanged for part in parts),
        0,
        seconds=sum(part.seconds for part in parts),
    )
    return reports


def _silent(_: str) -> None:
    return None


def _lonlat(geometry: Any) -> Any:
    """Metric geometries in degrees, rounded; the same vertex always lands on the same place."""

    def degrees(xy: Any) -> Any:
        return np.round(to_lonlat(xy, epsg=plan.EPSG), _DECIMALS)

    return shapely.transform(geometry, degrees)


def _placed(frame: pd.DataFrame) -> gpd.GeoDataFrame:
    """A frame with `x`, `y` or `geometry` in metres as a GeoDataFrame in EPSG:4326."""
    if "x" in frame:
        shapes = shapely.points(frame[["x", "y"]].to_numpy(dtype=np.float64))
        frame = frame.drop(columns=["x", "y"])
    else:
        shapes = frame["geometry"].to_numpy()
        frame = frame.drop(columns="geometry")
    return gpd.GeoDataFrame(frame, geometry=_lonlat(shapes), crs=f"EPSG:{STORED_EPSG}")


def _in_degrees(frame: pd.DataFrame) -> gpd.GeoDataFrame:
    """A frame with `lon`, `lat` as a GeoDataFrame in EPSG:4326."""
    shapes = shapely.points(frame[["lon", "lat"]].to_numpy(dtype=np.float64))
    return gpd.GeoDataFrame(frame.drop(columns=["lon", "lat"]), geometry=shapes, crs=f"EPSG:{STORED_EPSG}")


def _water(ground: Ground) -> gpd.GeoDataFrame:
    names, kinds, shapes = zip(*ground.water, strict=True)
    return _placed(pd.DataFrame({"name": names, "kind": kinds, "geometry": list(shapes)}))


def _roads(roads: Roads) -> gpd.GeoDataFrame:
    columns = ["highway", "maxspeed", "oneway", "bridge", "tunnel", "layer", "name", "geometry"]
    return _placed(roads.rows[columns])


def _villages(town: Town) -> gpd.GeoDataFrame:
    n = len(town.name)
    return _placed(
        pd.DataFrame(
            {
                "id": [f"V-{i + 1:03d}" for i in range(n)],
                "name": town.name,
                "street": [plan.STREETS[k].name for k in town.street.tolist()],
                "persons": town.persons,
                "persons_day": town.persons_day,
                "contact": ["村值班室" if "村" in name else "社区值班室" for name in town.name],
                "phone": [f"{facilities.PHONE_PREFIX}{6000 + i:04d}" for i in range(n)],
                "geometry": list(town.polygon),
            }
        )
    )


def _cells(town: Town) -> gpd.GeoDataFrame:
    return _placed(
        pd.DataFrame(
            {
                "id": [f"G-{i + 1:05d}" for i in range(len(town.cell_xy))],
                "persons": town.cell_persons,
                "geometry": list(shapely.points(town.cell_xy)),
            }
        )
    )
