"""Impact models against the worked vectors, their own inverses, and bad input."""

import math

import numpy as np
import pytest
import shapely

from geo.errors import InputError
from geo.impact import (
    HEATS_KJ_KG,
    briggs_sigma_m,
    explosion_radii,
    fireball,
    fireball_radiation_kw_m2,
    fireball_reach_m,
    installation_isolation_m,
    overpressure_radius_m,
    plume_mg_m3,
    plume_outline,
    plume_reach_m,
    protective_area,
    protective_distance,
    sadovsky_mpa,
    tnt_equivalent_kg,
)


def test_explosion_vectors() -> None:
    tnt = tnt_equivalent_kg(5000, HEATS_KJ_KG["LPG"])
    assert round(tnt) == 3688
    found = explosion_radii(5000, HEATS_KJ_KG["LPG"])
    values = (found.death_m, found.severe_m, found.light_m, found.property_m)
    assert [round(v, 1) for v in values] == [22.0, 59.7, 107.2, 64.8]
    radii = [overpressure_radius_m(p, tnt) for p in (0.1, 0.05, 0.03, 0.02, 0.01)]
    assert [round(r, 1) for r in radii[:4]] == [42.5, 61.0, 82.2, 106.5]
    assert round(radii[4]) == 175


@pytest.mark.parametrize(("pressure", "z"), [(0.1, 2.75), (0.05, 3.95), (0.03, 5.32), (0.02, 6.89), (0.01, 11.33)])
def test_scaled_distances(pressure: float, z: float) -> None:
    assert overpressure_radius_m(pressure, 1.0) == pytest.approx(z, abs=0.006)
    assert float(sadovsky_mpa(overpressure_radius_m(pressure, 50.0), 50.0)) == pytest.approx(pressure)


@pytest.mark.parametrize(
    ("capacity_kg", "surface", "reaches"),
    [
        (20_000, 270, [119, 154, 228, 407, 637]),
        (20_000, 200, [94, 127, 193, 351, 551]),
        (50_000, 270, [158, 206, 305, 545, 853]),
        (5_000, 270, [77, 99, 146, 262, 410]),
    ],
)
def test_fireball_vectors(capacity_kg: float, surface: float, reaches: list[int]) -> None:
    ball = fireball(capacity_kg)
    found = [fireball_reach_m(q, ball, surface_kw_m2=surface) for q in (37.5, 25, 12.5, 4.0, 1.6)]
    assert [round(v) for v in found] == reaches
    for q, reach in zip((37.5, 25, 12.5, 4.0, 1.6), found, strict=True):
        assert float(fireball_radiation_kw_m2(reach, ball, surface_kw_m2=surface)) == pytest.approx(q)


def test_fireball_sizes() -> None:
    assert (round(fireball(20_000).radius_m, 1), round(fireball(20_000).duration_s, 1)) == (62.5, 9.7)
    assert (round(fireball(50_000).radius_m, 1), round(fireball(50_000).duration_s, 1)) == (84.8, 13.2)
    assert [fireball(100, tanks=n).mass_kg for n in (1, 2, 3)] == pytest.approx([50, 70, 90])
    assert fireball_reach_m(10_000.0, fireball(10)) == 0.0


@pytest.mark.parametrize(
    ("release", "threshold", "wind", "stability", "urban", "metres"),
    [
        (0.1, 770, 3, "D", True, 25),
        (0.1, 110, 3, "D", True, 66),
        (1.0, 770, 3, "D", True, 80),
        (1.0, 110, 3, "D", True, 215),
        (5.0, 770, 3, "D", True, 181),
        (5.0, 110, 3, "D", True, 503),
        (0.1, 770, 1.5, "F", True, 57),
        (0.1, 110, 1.5, "F", True, 159),
        (1.0, 770, 1.5, "F", True, 192),
        (1.0, 110, 1.5, "F", True, 576),
        (5.0, 770, 1.5, "F", True, 472),
        (5.0, 110, 1.5, "F", True, 1612),
        (0.1, 770, 3, "D", False, 55),
        (0.1, 110, 3, "D", False, 150),
        (1.0, 770, 3, "D", False, 181),
        (1.0, 110, 3, "D", False, 525),
        (5.0, 770, 3, "D", False, 434),
        (5.0, 110, 3, "D", False, 1368),
        (0.1, 58, 3, "D", True, 92),
        (0.1, 5.8, 3, "D", True, 300),
        (1.0, 58, 3, "D", True, 300),
        (1.0, 5.8, 3, "D", True, 1057),
        (5.0, 58, 3, "D", True, 714),
        (5.0, 5.8, 3, "D", True, 2853),
        (0.1, 58, 1.5, "F", True, 224),
        (0.1, 5.8, 1.5, "F", True, 853),
        (1.0, 58, 1.5, "F", True, 853),
        (1.0, 5.8, 1.5, "F", True, 4342),
        (5.0, 58, 1.5, "F", True, 2546),
        (5.0, 5.8, 1.5, "F", True, 17536),
    ],
)
def test_plume_vectors(release: float, threshold: float, wind: float, stability: str, urban: bool, metres: int) -> None:
    found = plume_reach_m(threshold, release, wind, stability, urban=urban)  # type: ignore[arg-type]
    assert found == pytest.approx(metres, abs=0.6 + metres * 2e-4)


def test_what_blows_through_a_cross_section_is_what_leaks() -> None:
    y, z = np.linspace(-600, 600, 1201), np.linspace(0, 600, 1201)
    field = plume_mg_m3(800.0, 2.0, 3.0, "D", y_m=y[:, None], z_m=z[None, :], height_m=20.0)
    flux = np.trapezoid(np.trapezoid(field, z, axis=1), y) * 3.0 / 1e6
    assert flux == pytest.approx(2.0, rel=1e-3)


def test_the_outline_holds_what_is_above_the_threshold() -> None:
    area = plume_outline((1000.0, 2000.0), 90.0, 110.0, 1.0, 3.0, "D")
    reach = plume_reach_m(110.0, 1.0, 3.0, "D")
    assert area.bounds[2] == pytest.approx(1000.0 + reach, abs=0.5)
    assert area.bounds[0] == pytest.approx(1000.0)
    rng = np.random.default_rng(1)
    for x, y in rng.random((300, 2)) * [reach * 1.2, 120] - [0, 60]:
        above = float(plume_mg_m3(max(x, 0.1), 1.0, 3.0, "D", y_m=y)) > 110.0 * 1.02
        below = float(plume_mg_m3(max(x, 0.1), 1.0, 3.0, "D", y_m=y)) < 110.0 * 0.98
        inside = shapely.contains(area, shapely.Point(1000.0 + x, 2000.0 + y))
        assert not (above and not inside)
        assert not (below and inside)
    assert plume_outline((0, 0), 0, 5.8, 500.0, 1.5, "F").bounds[3] == pytest.approx(10_000.0)


def test_protective_distances_and_their_area() -> None:
    low = protective_distance("Cl2", "highway tank", wind_m_s=2.0, night=True)
    assert (low.isolation_m, low.downwind_m) == (600, 6400)
    assert protective_distance("NH3", "highway tank", wind_m_s=10 / 3.6, night=False).downwind_m == 500
    assert protective_distance("NH3", "highway tank", wind_m_s=20 / 3.6, night=False).downwind_m == 500
    assert protective_distance("NH3", "highway tank", wind_m_s=5.6, night=False).downwind_m == 400
    area = protective_area((0.0, 0.0), 0.0, low)
    assert area.bounds == pytest.approx((-3200, -600, 3200, 6400), rel=1e-3)
    with pytest.raises(InputError, match="Cl2 in highway tank"):
        protective_distance("Xe", "tank", wind_m_s=1, night=False)
    with pytest.raises(InputError, match="wind_m_s"):
        protective_distance("Cl2", "highway tank", wind_m_s=-1, night=False)


def test_spread_grows() -> None:
    x = np.geomspace(10, 10_000, 50)
    for stability in "ABCDEF":
        for urban in (True, False):
            y, z = briggs_sigma_m(x, stability, urban=urban)  # type: ignore[arg-type]
            assert (np.diff(y) > 0).all()
            assert (np.diff(z) > 0).all() or (stability in "EF" and not urban)
    with pytest.raises(InputError, match="stability"):
        briggs_sigma_m(1.0, "G")  # type: ignore[arg-type]


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf])
def test_numbers_that_make_no_sense_are_named(bad: float) -> None:
    for call in (
        lambda: tnt_equivalent_kg(bad, 46_300),
        lambda: overpressure_radius_m(bad, 10.0),
        lambda: fireball(bad),
        lambda: plume_reach_m(bad, 1.0, 3.0, "D"),
        lambda: plume_mg_m3(100.0, 1.0, bad, "D"),
    ):
        with pytest.raises(InputError, match="expected"):
            call()


@pytest.mark.parametrize(
    ("cas", "quantity_t", "metres"),
    [
        ("7664-41-7", 5.0, 150.0),
        ("7664-41-7", 4.999, 60.0),
        ("7664-41-7", 1.0, 60.0),
        ("7664-41-7", 0.999, 30.0),
        ("7664-41-7", 0.0, 0.0),
        ("7782-50-5", 0.5, 600.0),
        ("7446-09-5", 20.0, 1000.0),
        ("67-56-1", 2054.0, 0.0),
    ],
)
def test_isolation_around_a_fixed_installation(cas: str, quantity_t: float, metres: float) -> None:
    assert installation_isolation_m(cas, quantity_t) == metres
    with pytest.raises(InputError, match="quantity_t"):
        installation_isolation_m(cas, -1.0)
