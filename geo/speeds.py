"""Driving speeds as data: by road class, with factors by the hour."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo.errors import InputError

PROPOSED = "proposed, to be confirmed by measured runs"


@dataclass(frozen=True)
class RoadSpeed:
    """The speed of one road class in km/h, free and as a share of it at peak hours."""

    highway: str
    free_kmh: float
    peak_factor: float
    source: str = PROPOSED


def _with_link(name: str, free_kmh: float, link_kmh: float, peak_factor: float) -> tuple[RoadSpeed, ...]:
    return RoadSpeed(name, free_kmh, peak_factor), RoadSpeed(f"{name}_link", link_kmh, peak_factor)


ROAD_SPEEDS: tuple[RoadSpeed, ...] = (
    *_with_link("motorway", 80.0, 45.0, 0.85),
    *_with_link("trunk", 60.0, 40.0, 0.7),
    *_with_link("primary", 45.0, 30.0, 0.7),
    *_with_link("secondary", 40.0, 25.0, 0.7),
    *_with_link("tertiary", 30.0, 20.0, 0.75),
    RoadSpeed("unclassified", 20.0, 0.85),
    RoadSpeed("residential", 20.0, 0.85),
    RoadSpeed("living_street", 12.0, 1.0),
    RoadSpeed("service", 12.0, 1.0),
    RoadSpeed("track", 10.0, 1.0),
    RoadSpeed("pedestrian", 8.0, 1.0),
)
"""Emergency vehicles, deliberately below the free flow of cars (large vehicles, slowing at junctions)."""


@dataclass(frozen=True)
class SpeedTable:
    """Speeds in force: by class, at peak hours, at night. Hours are local; the first is in, the last out."""

    classes: tuple[RoadSpeed, ...] = ROAD_SPEEDS
    peak_hours: tuple[tuple[int, int], ...] = ((7, 9), (17, 19))
    night_hours: tuple[int, int] = (22, 6)
    night_factor: float = 1.1

    def __post_init__(self) -> None:
        if [row.highway for row in self.classes] != [row.highway for row in ROAD_SPEEDS]:
            raise InputError("classes: expected the classes of ROAD_SPEEDS in their order")
        numbers = [self.night_factor, *(v for row in self.classes for v in (row.free_kmh, row.peak_factor))]
        if not all(0 < value < np.inf for value in numbers):
            raise InputError("classes: expected speeds and factors above 0")

    def profile(self, hour: int | None) -> str:
        """Which profile an hour of the day falls into: free, peak or night; None is free."""
        if hour is None:
            return "free"
        if not 0 <= hour <= 23:
            raise InputError(f"hour={hour}: expected 0 to 23, or none for free flow")
        if any(first <= hour < last for first, last in self.peak_hours):
            return "peak"
        first, last = self.night_hours
        return "night" if hour >= first or hour < last else "free"

    def class_m_s(self, hour: int | None) -> NDArray[np.float64]:
        """(classes,) m/s at an hour of the day."""
        profile = self.profile(hour)
        factor = {
            "free": [1.0] * len(self.classes),
            "peak": [row.peak_factor for row in self.classes],
            "night": [self.night_factor] * len(self.classes),
        }[profile]
        kmh = np.array([row.free_kmh for row in self.classes], dtype=np.float64)
        found: NDArray[np.float64] = kmh * np.array(factor, dtype=np.float64) / 3.6
        return found

    def to_json(self) -> dict[str, Any]:
        """The table as plain values, in km/h."""
        return {
            "classes": [row.__dict__ for row in self.classes],
            "peak_hours": [list(hours) for hours in self.peak_hours],
            "night_hours": list(self.night_hours),
            "night_factor": self.night_factor,
            "notes": [
                "never above a tagged speed limit",
                "no turn costs and no turn restrictions for now",
                "hours are local; the first is in, the last is out",
                "classes that are not listed drive as unclassified",
            ],
        }


DEFAULT_SPEEDS = SpeedTable()
