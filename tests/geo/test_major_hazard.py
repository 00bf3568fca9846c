"""Major hazards: the published vectors, every bound at equality, bad input."""

import pytest

from geo.errors import InputError
from geo.major_hazard import GradingRule, Substance, exposure_alpha, major_hazard


def test_published_vectors() -> None:
    ammonia = major_hazard([Substance("氨", 12, 10, 2)], 4000)
    assert (ammonia.s, ammonia.level) == (1.2, 4)
    assert ammonia.r == pytest.approx(4.8)
    sulphur = major_hazard([Substance("二氧化硫", 200, 20, 2)], 60)
    assert (sulphur.alpha, sulphur.level) == (1.5, 3)
    assert sulphur.r == pytest.approx(30)
    chlorine = major_hazard([Substance("氯", 5, 5, 4)], 4000)
    assert (chlorine.s, chlorine.r, chlorine.level) == (1.0, 8.0, 4)
    station = major_hazard([Substance("汽油", 90, 200, 1), Substance("柴油", 60, 5000, 1)], 4000)
    assert station.s == pytest.approx(0.462)
    assert station.level == 0


@pytest.mark.parametrize(
    ("persons", "alpha"), [(0, 0.5), (1, 1.0), (29, 1.0), (30, 1.2), (49, 1.2), (50, 1.5), (99, 1.5), (100, 2.0)]
)
def test_alpha_at_its_bounds(persons: int, alpha: float) -> None:
    assert exposure_alpha(persons) == alpha


@pytest.mark.parametrize(("r", "level"), [(100, 1), (99.99, 2), (50, 2), (49.99, 3), (10, 3), (9.99, 4), (1, 4)])
def test_grades_at_their_bounds(r: float, level: int) -> None:
    assert major_hazard([Substance("x", r, 1.0, 1.0)], 1).level == level


def test_s_of_one_is_a_major_hazard_and_nothing_is_none() -> None:
    assert major_hazard([Substance("x", 1.0, 1.0, 1.0)], 0).level == 4
    assert major_hazard([Substance("x", 0.999999, 1.0, 1.0)], 0).level == 0
    assert major_hazard([], 5).level == 0


@pytest.mark.parametrize(
    "bad",
    [Substance("x", -1, 1, 1), Substance("x", 1, 0, 1), Substance("x", 1, 1, 0), Substance("x", float("nan"), 1, 1)],
)
def test_bad_substances_are_refused(bad: Substance) -> None:
    with pytest.raises(InputError, match="x"):
        major_hazard([bad], 1)
    with pytest.raises(InputError):
        exposure_alpha(-1)


def test_other_tables_grade_otherwise() -> None:
    rule = GradingRule(alpha_persons=((10, 3.0), (0, 1.0)), grade_r=((20.0, 1), (8.0, 2), (2.0, 3)))
    chlorine = major_hazard([Substance("氯", 5, 5, 4)], 10, rule)
    assert (chlorine.alpha, chlorine.r, chlorine.level) == (3.0, 12.0, 2)
