"""Quick radii of accidents: explosion, fireball, toxic plume, protective distances. For command, not for planning law.

Numbers are defaults from memory unless said otherwise, to be confirmed; every one is an argument or a table here.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.optimize import brentq

from geo.errors import InputError

Floats = NDArray[np.float64]
Stability = Literal["A", "B", "C", "D", "E", "F"]

ATMOSPHERE_PA = 101_325.0
HEATS_KJ_KG: Mapping[str, float] = {
    "LPG": 46_300.0,
    "methane": 50_000.0,
    "hydrogen": 120_000.0,
    "petrol": 43_700.0,
    "acetylene": 48_200.0,
    "toluene": 40_500.0,
    "methanol": 19_900.0,
}
"""Heats of combustion."""

THERMAL_KW_M2 = (37.5, 25.0, 12.5, 4.0, 1.6)
"""Damage to equipment; ignition of wood; 1 % lethal in a minute; pain in 20 s; no discomfort."""

CREDIBLE_M = 10_000.0
"""Beyond this a Gaussian distance is not credible."""

# Briggs: sigma = a x (1 + b x)^c, x in m.
_URBAN = {
    "A": ((0.32, 0.0004, -0.5), (0.24, 0.001, 0.5)),
    "B": ((0.32, 0.0004, -0.5), (0.24, 0.001, 0.5)),
    "C": ((0.22, 0.0004, -0.5), (0.20, 0.0, 0.0)),
    "D": ((0.16, 0.0004, -0.5), (0.14, 0.0003, -0.5)),
    "E": ((0.11, 0.0004, -0.5), (0.08, 0.0015, -0.5)),
    "F": ((0.11, 0.0004, -0.5), (0.08, 0.0015, -0.5)),
}
_RURAL = {
    "A": ((0.22, 0.0001, -0.5), (0.20, 0.0, 0.0)),
    "B": ((0.16, 0.0001, -0.5), (0.12, 0.0, 0.0)),
    "C": ((0.11, 0.0001, -0.5), (0.08, 0.0002, -0.5)),
    "D": ((0.08, 0.0001, -0.5), (0.06, 0.0015, -0.5)),
    "E": ((0.06, 0.0001, -0.5), (0.03, 0.0003, -1.0)),
    "F": ((0.04, 0.0001, -0.5), (0.016, 0.0003, -1.0)),
}


def _require_positive(**values: float) -> None:
    for name, value in values.items():
        if not (math.isfinite(value) and value > 0):
            raise InputError(f"{name}={value}: expected a finite number above 0")


# -- explosion --------------------------------------------------------------------------------------


def tnt_equivalent_kg(
    mass_kg: float,
    heat_kj_kg: float,
    *,
    yield_share: float = 0.04,
    reflection: float = 1.8,
    tnt_kj_kg: float = 4520.0,
) -> float:
    """Mass of TNT that would explode like a cloud of fuel.

    Parameters
    ----------
    mass_kg : kg of fuel in the cloud, > 0
    heat_kj_kg : kJ/kg, > 0
    yield_share : share of the energy that explodes, 0.02 .. 0.149
    reflection : factor for reflection by the ground
    tnt_kj_kg : kJ/kg of TNT

    Returns
    -------
    kg

    Raises
    ------
    InputError
        for a number that is not above 0

    Notes
    -----
    CRS: none.
    Cost: O(1).
    Invariant: proportional to the mass.
    Source: TNT equivalence; defaults from memory, to be confirmed.
    """
    _require_positive(mass_kg=mass_kg, heat_kj_kg=heat_kj_kg, yield_share=yield_share, tnt_kj_kg=tnt_kj_kg)
    return reflection * yield_share * mass_kg * heat_kj_kg / tnt_kj_kg


def sadovsky_mpa(distance_m: Any, tnt_kg: float) -> Floats:
    """Overpressure of an explosion on the ground.

    Parameters
    ----------
    distance_m : m, > 0
    tnt_kg : kg of TNT, > 0

    Returns
    -------
    MPa; within 1 <= Z <= 15 m/kg^(1/3) as measured, beyond extrapolated

    Raises
    ------
    InputError
        for a distance or mass that is not above 0

    Notes
    -----
    CRS: none.
    Cost: O(n).
    Invariant: farther is never more.
    Source: Sadovsky: 0.084/Z + 0.27/Z^2 + 0.7/Z^3 (from memory, to be confirmed).
    """
    _require_positive(tnt_kg=tnt_kg)
    distance = np.asarray(distance_m, dtype=np.float64)
    if not (distance > 0).all():
        raise InputError(f"distance_m={distance_m}: expected above 0")
    z = distance / tnt_kg ** (1 / 3)
    return np.asarray(0.084 / z + 0.27 / z**2 + 0.7 / z**3, dtype=np.float64)


def overpressure_radius_m(pressure_mpa: float, tnt_kg: float) -> float:
    """How far an overpressure reaches.

    Parameters
    ----------
    pressure_mpa : MPa, > 0
    tnt_kg : kg of TNT, > 0

    Returns
    -------
    m

    Raises
    ------
    InputError
        for numbers that are not above 0

    Notes
    -----
    CRS: none.
    Cost: O(log) steps.
    Invariant: `sadovsky_mpa` at the radius is the pressure.
    Source: the inverse of `sadovsky_mpa`.
    """
    _require_positive(pressure_mpa=pressure_mpa, tnt_kg=tnt_kg)
    z = brentq(lambda v: 0.084 / v + 0.27 / v**2 + 0.7 / v**3 - pressure_mpa, 1e-6, 1e9, xtol=1e-12)
    return float(z * tnt_kg ** (1 / 3))


@dataclass(frozen=True)
class ExplosionRadii:
    """m: half of the people die; severe (44 kPa) and light injury (17 kPa); damage to property."""

    death_m: float
    severe_m: float
    light_m: float
    property_m: float


def explosion_radii(
    mass_kg: float, heat_kj_kg: float, *, yield_share: float = 0.04, reflection: float = 1.8
) -> ExplosionRadii:
    """The radii of Chinese practice for a cloud explosion.

    Parameters
    ----------
    mass_kg : kg of fuel, > 0
    heat_kj_kg : kJ/kg, > 0
    yield_share, reflection : as in `tnt_equivalent_kg`

    Returns
    -------
    ExplosionRadii

    Raises
    ------
    InputError
        for numbers that are not above 0

    Notes
    -----
    CRS: none.
    Cost: O(1).
    Invariant: death < severe < light.
    Source: R = 13.6 (W/1000)^0.37; dp/p0 = 0.137 Z^-3 + 0.119 Z^-2 + 0.269 Z^-1 - 0.019 with Z = R (p0/E)^(1/3);
    R = 4.6 W^(1/3) / (1 + (3175/W)^2)^(1/6); from memory, to be confirmed.
    """
    tnt = tnt_equivalent_kg(mass_kg, heat_kj_kg, yield_share=yield_share, reflection=reflection)
    energy_j = reflection * yield_share * mass_kg * heat_kj_kg * 1000.0

    def radius(pressure_pa: float) -> float:
        target = pressure_pa / ATMOSPHERE_PA
        z = brentq(lambda v: 0.137 / v**3 + 0.119 / v**2 + 0.269 / v - 0.019 - target, 1e-3, 100.0, xtol=1e-12)
        return float(z / (ATMOSPHERE_PA / energy_j) ** (1 / 3))

    return ExplosionRadii(
        13.6 * (tnt / 1000.0) ** 0.37,
        radius(44_000.0),
        radius(17_000.0),
        4.6 * tnt ** (1 / 3) / (1 + (3175.0 / tnt) ** 2) ** (1 / 6),
    )


# -- fireball ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fireball:
    """Radius in m and duration in s of a boiling liquid expanding vapour explosion; `mass_kg` takes part."""

    mass_kg: float
    radius_m: float
    duration_s: float


def fireball(capacity_kg: float, *, tanks: int = 1) -> Fireball:
    """The fireball of tanks of liquefied gas.

    Parameters
    ----------
    capacity_kg : kg that the tanks hold, > 0
    tanks : how many; half of one takes part, 0.7 of two, 0.9 of more

    Returns
    -------
    Fireball

    Raises
    ------
    InputError
        for a capacity or number that is not above 0

    Notes
    -----
    CRS: none.
    Cost: O(1).
    Invariant: more mass is larger and longer.
    Source: ILO: R = 2.9 W^(1/3), t = 0.45 W^(1/3); from memory, to be confirmed.
    """
    _require_positive(capacity_kg=capacity_kg, tanks=tanks)
    mass = capacity_kg * (0.5 if tanks == 1 else 0.7 if tanks == 2 else 0.9)
    return Fireball(mass, 2.9 * mass ** (1 / 3), 0.45 * mass ** (1 / 3))


def fireball_radiation_kw_m2(distance_m: Any, ball: Fireball, *, surface_kw_m2: float = 270.0) -> Floats:
    """Thermal radiation at a distance from below the fireball.

    Parameters
    ----------
    distance_m : m, > 0
    ball : the fireball
    surface_kw_m2 : kW/m2: 270 for cylindrical tanks, 200 for spheres

    Returns
    -------
    kW/m2, never below 0

    Raises
    ------
    InputError
        for a distance that is not above 0

    Notes
    -----
    CRS: none.
    Cost: O(n).
    Invariant: beyond the fireball's radius farther is never more.
    Source: q = q0 R^2 r (1 - 0.058 ln r) / (R^2 + r^2)^1.5; from memory, to be confirmed.
    """
    r = np.asarray(distance_m, dtype=np.float64)
    if not (r > 0).all():
        raise InputError(f"distance_m={distance_m}: expected above 0")
    found = surface_kw_m2 * ball.radius_m**2 * r * (1 - 0.058 * np.log(r)) / (ball.radius_m**2 + r**2) ** 1.5
    return np.maximum(np.asarray(found, dtype=np.float64), 0.0)


def fireball_reach_m(threshold_kw_m2: float, ball: Fireball, *, surface_kw_m2: float = 270.0) -> float:
    """How far a thermal radiation reaches.

    Parameters
    ----------
    threshold_kw_m2 : kW/m2, > 0
    ball : the fireball
    surface_kw_m2 : as in `fireball_radiation_kw_m2`

    Returns
    -------
    m; 0 where it is reached nowhere

    Raises
    ------
    InputError
        for a threshold that is not above 0

    Notes
    -----
    CRS: none.
    Cost: O(log) steps.
    Invariant: the radiation at the reach is the threshold.
    Source: the farther root of `fireball_radiation_kw_m2`.
    """
    _require_positive(threshold_kw_m2=threshold_kw_m2)
    grid = np.geomspace(1e-3, 1e6, 4000)
    values = fireball_radiation_kw_m2(grid, ball, surface_kw_m2=surface_kw_m2)
    peak = int(np.argmax(values))
    if values[peak] < threshold_kw_m2:
        return 0.0
    return float(
        brentq(
            lambda r: float(fireball_radiation_kw_m2(r, ball, surface_kw_m2=surface_kw_m2)) - threshold_kw_m2,
            grid[peak],
            1e6,
            xtol=1e-9,
        )
    )


# -- plume ------------------------------------------------------------------------------------------


def briggs_sigma_m(x_m: Any, stability: Stability, *, urban: bool = True) -> tuple[Floats, Floats]:
    """Spread of a plume across and upwards.

    Parameters
    ----------
    x_m : m downwind, >= 0
    stability : Pasquill class A .. F
    urban : over a town, else over open land

    Returns
    -------
    sigma_y, sigma_z in m

    Raises
    ------
    InputError
        for an unknown class

    Notes
    -----
    CRS: none.
    Cost: O(n).
    Invariant: both grow with the distance.
    Source: Briggs (1973); coefficients from memory, to be confirmed.
    """
    table = _URBAN if urban else _RURAL
    if stability not in table:
        raise InputError(f"stability={stability}: expected A to F")
    x = np.asarray(x_m, dtype=np.float64)
    y, z = (np.asarray(a * x * (1 + b * x) ** c, dtype=np.float64) for a, b, c in table[stability])
    return y, z


def plume_mg_m3(
    x_m: Any,
    release_kg_s: float,
    wind_m_s: float,
    stability: Stability,
    *,
    y_m: Any = 0.0,
    z_m: Any = 0.0,
    height_m: float = 0.0,
    urban: bool = True,
) -> Floats:
    """Concentration in a steady Gaussian plume.

    Parameters
    ----------
    x_m : m downwind, > 0
    release_kg_s : kg/s, > 0
    wind_m_s : m/s, > 0
    stability, urban : as in `briggs_sigma_m`
    y_m, z_m : m across and above the ground
    height_m : m, height of the source

    Returns
    -------
    mg/m3, broadcast

    Raises
    ------
    InputError
        for a release or wind that is not above 0

    Notes
    -----
    CRS: none.
    Cost: O(n).
    Invariant: the flux through every cross-section is the release.
    Source: Gaussian plume with reflection at the ground. Cold dense gases spread wider than this says: show the
    larger of it and the protective distance.
    """
    _require_positive(release_kg_s=release_kg_s, wind_m_s=wind_m_s)
    across, up = briggs_sigma_m(x_m, stability, urban=urban)
    y, z = np.asarray(y_m, dtype=np.float64), np.asarray(z_m, dtype=np.float64)
    vertical = np.exp(-((z - height_m) ** 2) / (2 * up**2)) + np.exp(-((z + height_m) ** 2) / (2 * up**2))
    found = release_kg_s * 1e6 / (2 * math.pi * wind_m_s * across * up) * np.exp(-(y**2) / (2 * across**2)) * vertical
    return np.asarray(found, dtype=np.float64)


def plume_reach_m(
    threshold_mg_m3: float, release_kg_s: float, wind_m_s: float, stability: Stability, *, urban: bool = True
) -> float:
    """How far downwind a concentration reaches at the ground, from a source at the ground.

    Parameters
    ----------
    threshold_mg_m3 : mg/m3, > 0
    release_kg_s, wind_m_s, stability, urban : as in `plume_mg_m3`

    Returns
    -------
    m, not capped: beyond `CREDIBLE_M` it is not credible

    Raises
    ------
    InputError
        for numbers that are not above 0

    Notes
    -----
    CRS: none.
    Cost: O(log) steps.
    Invariant: the concentration at the reach is the threshold.
    Source: the root of `plume_mg_m3` on the centre line.
    """
    _require_positive(threshold_mg_m3=threshold_mg_m3)

    def over(x: float) -> float:
        return float(plume_mg_m3(x, release_kg_s, wind_m_s, stability, urban=urban)) - threshold_mg_m3

    return float(brentq(over, 1e-3, 1e7, xtol=1e-6)) if over(1e-3) > 0 else 0.0


def plume_outline(
    source_xy: tuple[float, float],
    wind_to_deg: float,
    threshold_mg_m3: float,
    release_kg_s: float,
    wind_m_s: float,
    stability: Stability,
    *,
    urban: bool = True,
) -> Any:
    """The area at the ground above a concentration.

    Parameters
    ----------
    source_xy : m
    wind_to_deg : degrees clockwise from north, where the wind blows to
    threshold_mg_m3, release_kg_s, wind_m_s, stability, urban : as in `plume_reach_m`

    Returns
    -------
    shapely polygon in the CRS of the source, capped at `CREDIBLE_M`; empty where it is reached nowhere

    Raises
    ------
    InputError
        for numbers that are not above 0

    Notes
    -----
    CRS: metric.
    Cost: 200 points.
    Invariant: the farthest point lies downwind at the reach (or the cap).
    Source: y = sigma_y sqrt(2 ln(C0 / C)).
    """
    reach = min(plume_reach_m(threshold_mg_m3, release_kg_s, wind_m_s, stability, urban=urban), CREDIBLE_M)
    if reach <= 0:
        return shapely.Polygon()
    x = reach * np.linspace(0, 1, 101)[1:] ** 2
    middle = plume_mg_m3(x, release_kg_s, wind_m_s, stability, urban=urban)
    across, _ = briggs_sigma_m(x, stability, urban=urban)
    half = across * np.sqrt(2 * np.log(np.maximum(middle / threshold_mg_m3, 1.0)))
    along = np.concatenate([[0.0], x, x[::-1]])
    side = np.concatenate([[0.0], half, -half[::-1]])
    angle = math.radians(wind_to_deg)
    east = along * math.sin(angle) + side * math.cos(angle)
    north = along * math.cos(angle) - side * math.sin(angle)
    return shapely.make_valid(shapely.Polygon(np.column_stack([source_xy[0] + east, source_xy[1] + north])))


# -- protective distances ----------------------------------------------------------------------------

ERG_TANK_FIRE_M = 1600.0
"""Isolation in all directions where a tank of flammable gas is on fire (emergency response guidebook)."""

ERG_LARGE_SPILL: Mapping[tuple[str, str], tuple[float, tuple[float, float, float], tuple[float, float, float]]] = {
    ("NH3", "rail tank car"): (300, (1600, 1200, 1000), (4100, 2100, 1300)),
    ("NH3", "highway tank"): (150, (800, 500, 400), (1800, 700, 600)),
    ("NH3", "nurse tank"): (60, (500, 300, 300), (1400, 300, 300)),
    ("NH3", "small cylinders"): (30, (300, 200, 100), (700, 300, 200)),
    ("Cl2", "rail tank car"): (1000, (9600, 6300, 5100), (11_000, 8900, 6500)),
    ("Cl2", "highway tank"): (600, (5600, 3300, 2500), (6400, 4700, 3800)),
    ("Cl2", "ton cylinders"): (300, (1900, 1300, 1000), (3500, 2300, 1300)),
    ("Cl2", "small cylinders"): (150, (1300, 700, 500), (2400, 1200, 600)),
    ("SO2", "highway tank"): (1000, (11_000, 6000, 5000), (11_000, 7900, 6000)),
    ("HCl", "highway tank"): (200, (1500, 800, 600), (3700, 1500, 800)),
    ("HF", "highway tank"): (200, (2000, 1000, 900), (3600, 1500, 900)),
    ("ethylene oxide", "highway tank"): (100, (900, 500, 400), (2000, 700, 400)),
}
"""Gas and container -> isolation m; protective distance m by day and by night at low, moderate and high wind."""


@dataclass(frozen=True)
class Protective:
    """m: isolate all around, protect downwind."""

    isolation_m: float
    downwind_m: float


def protective_distance(gas: str, container: str, *, wind_m_s: float, night: bool) -> Protective:
    """The guidebook's distances for a large spill.

    Parameters
    ----------
    gas, container : as in `ERG_LARGE_SPILL`
    wind_m_s : m/s, >= 0; below 10 km/h is low, up to 20 km/h (bound included) moderate
    night : between sunset and sunrise

    Returns
    -------
    Protective

    Raises
    ------
    InputError
        for a pair that is not in the table, or a negative wind

    Notes
    -----
    CRS: none.
    Cost: O(1).
    Invariant: the night is never nearer than the day.
    Source: emergency response guidebook, table 3.
    """
    if (gas, container) not in ERG_LARGE_SPILL:
        known = "; ".join(" in ".join(pair) for pair in ERG_LARGE_SPILL)
        raise InputError(f"gas={gas}, container={container}: the table has {known}")
    if not wind_m_s >= 0:
        raise InputError(f"wind_m_s={wind_m_s}: expected 0 or more")
    isolation, day, dark = ERG_LARGE_SPILL[(gas, container)]
    kmh = wind_m_s * 3.6
    return Protective(isolation, (dark if night else day)[0 if kmh < 10 else 1 if kmh <= 20 else 2])


_ERG_GASES = {
    "7664-41-7": "NH3",
    "7782-50-5": "Cl2",
    "7446-09-5": "SO2",
    "7647-01-0": "HCl",
    "7664-39-3": "HF",
    "75-21-8": "ethylene oxide",
}


def installation_isolation_m(cas: str, quantity_t: float) -> float:
    """How far around a fixed installation people keep away from a large spill of what it holds.

    Parameters
    ----------
    cas : CAS number
    quantity_t : t, >= 0

    Returns
    -------
    m, the isolation distance; 0 for a substance that is not in the table of gases

    Raises
    ------
    InputError
        for a negative quantity

    Notes
    -----
    CRS: none.
    Cost: O(1).
    Invariant: more never lowers it.
    Source: emergency response guidebook, table 3. A fixed installation counts as a highway tank; ammonia below 5 t as
    a nurse tank, below 1 t as small cylinders (bounds: from 5 t and from 1 t on the larger one), proposed.
    """
    if not quantity_t >= 0:
        raise InputError(f"quantity_t={quantity_t}: expected 0 or more")
    gas = _ERG_GASES.get(cas.strip())
    if gas is None or quantity_t == 0:
        return 0.0
    container = "highway tank"
    if gas == "NH3" and quantity_t < 5:
        container = "nurse tank" if quantity_t >= 1 else "small cylinders"
    return float(ERG_LARGE_SPILL[(gas, container)][0])


def protective_area(source_xy: tuple[float, float], wind_to_deg: float, distances: Protective) -> Any:
    """The circle to isolate and the square to protect downwind, as one area.

    Parameters
    ----------
    source_xy : m
    wind_to_deg : degrees clockwise from north, where the wind blows to
    distances : from `protective_distance`

    Returns
    -------
    shapely polygon

    Notes
    -----
    CRS: metric.
    Cost: O(1).
    Invariant: it holds the circle, and a square whose side is the downwind distance.
    Source: emergency response guidebook: a square downwind with the spill in the middle of its upwind side.
    """
    angle = math.radians(wind_to_deg)
    along, side = np.array([math.sin(angle), math.cos(angle)]), np.array([math.cos(angle), -math.sin(angle)])
    source, d = np.array(source_xy), distances.downwind_m
    corners = [
        source + side * d / 2,
        source + side * d / 2 + along * d,
        source - side * d / 2 + along * d,
        source - side * d / 2,
    ]
    return shapely.union(shapely.Point(source_xy).buffer(distances.isolation_m, quad_segs=32), shapely.Polygon(corners))
