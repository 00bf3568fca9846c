"""The API of measuring: how long a line is and how large an area, on the ellipsoid."""

from typing import Any

from geo.errors import InputError
from geo.geodesic import geodesic_area_m2, geodesic_lengths_m
from web import parameters as p
from web import schemas as s
from web.endpoint import Endpoint, Question
from web.parameters import Param

MAX_POINTS = 200
"""Corners of one measurement, bound included."""

MEASURED: dict[str, Any] = {
    "type": "object",
    "required": ["length_m", "legs_m", "area_m2", "ellipsoid"],
    "properties": {
        "length_m": {"type": "number", "description": "of the line; of an area with the leg that closes it"},
        "legs_m": s.array({"type": "number"}),
        "area_m2": {"type": ["number", "null"], "description": "null for a line"},
        "ellipsoid": {"type": "string"},
    },
}


def measured(q: Question, *, points: list[tuple[float, float]], shape: str) -> dict[str, Any]:
    """Length and area by geodesics."""
    if len(points) > MAX_POINTS:
        raise InputError(f"point: {len(points)} corners; expected at most {MAX_POINTS}")
    if shape == "area" and len(points) < 3:
        raise InputError(f"point: {len(points)} corners; an area has 3 or more")
    legs = geodesic_lengths_m([*points, points[0]] if shape == "area" else points)
    return {
        "length_m": float(legs.sum()),
        "legs_m": [float(leg) for leg in legs],
        "area_m2": geodesic_area_m2(points) if shape == "area" else None,
        "ellipsoid": "WGS 84",
    }


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        "/measure",
        "Length of a line or area of a ring, by geodesics on the ellipsoid",
        measured,
        (
            p.place("point", "a corner, in order", "points", many=True),
            Param(
                "shape",
                p.one_of("line", "area"),
                "whether the last corner goes back to the first",
                {"type": "string", "enum": ["line", "area"]},
                default="line",
            ),
        ),
        MEASURED,
        action="map.read",
    ),
)
