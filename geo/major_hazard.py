"""Major hazard installations (重大危险源): identification by S and grading by R."""

from collections.abc import Sequence
from dataclasses import dataclass

from geo.errors import InputError

ALPHA_PERSONS = ((100, 2.0), (50, 1.5), (30, 1.2), (1, 1.0), (0, 0.5))
"""Least number of persons within 500 m of the plant's outline, and the exposure factor alpha."""

GRADE_R = ((100.0, 1), (50.0, 2), (10.0, 3))
"""Least R of the grades 1 (一级, highest) to 3; below the last it is 4."""


@dataclass(frozen=True)
class GradingRule:
    """The tables by which an installation is graded, both from the top down: (persons, alpha) and (R, grade)."""

    alpha_persons: tuple[tuple[float, float], ...] = ALPHA_PERSONS
    grade_r: tuple[tuple[float, int], ...] = GRADE_R


_RULE = GradingRule()


@dataclass(frozen=True)
class Substance:
    """One substance of an installation: design maximum q, critical quantity Q and correction factor beta."""

    name: str
    quantity_t: float
    threshold_t: float
    beta: float


@dataclass(frozen=True)
class MajorHazard:
    """S, R, alpha and level: 1 (highest) .. 4, 0 where S is below 1; `rows` are the proof: name, q, Q, beta, q/Q."""

    s: float
    r: float
    alpha: float
    persons: int
    level: int
    rows: tuple[tuple[str, float, float, float, float], ...]


def exposure_alpha(persons: int, rule: GradingRule = _RULE) -> float:
    """The factor for the persons around a plant.

    Parameters
    ----------
    persons : within 500 m outside the plant's outline, >= 0
    rule : the tables

    Returns
    -------
    2.0 from 100, 1.5 from 50, 1.2 from 30, 1.0 from 1, 0.5 for nobody

    Raises
    ------
    InputError
        for a negative number

    Notes
    -----
    CRS: none.
    Cost: O(1).
    Invariant: more persons never lower it.
    Source: GB 18218-2018, table 5.
    """
    if persons < 0:
        raise InputError(f"persons={persons}: expected 0 or more")
    return next(alpha for least, alpha in rule.alpha_persons if persons >= least)


def major_hazard(substances: Sequence[Substance], persons: int, rule: GradingRule = _RULE) -> MajorHazard:
    """Identify and grade one unit (production or storage).

    Parameters
    ----------
    substances : what the unit holds
    persons : within 500 m outside the plant's outline
    rule : the tables

    Returns
    -------
    MajorHazard; a unit without substances has S = 0 and level 0

    Raises
    ------
    InputError
        for a negative quantity, or a critical quantity or factor that is not above 0

    Notes
    -----
    CRS: none.
    Cost: O(substances).
    Invariant: more of a substance never lowers S, R or the grade.
    Source: GB 18218-2018: S = sum q/Q, a major hazard from S = 1 (included); R = alpha sum beta q/Q, bounds included.
    """
    rows = []
    for item in substances:
        if not item.quantity_t >= 0:
            raise InputError(f"quantity_t={item.quantity_t} of '{item.name}': expected 0 or more tonnes")
        if not (item.threshold_t > 0 and item.beta > 0):
            raise InputError(f"threshold_t={item.threshold_t}, beta={item.beta} of '{item.name}': expected above 0")
        rows.append((item.name, item.quantity_t, item.threshold_t, item.beta, item.quantity_t / item.threshold_t))
    s = sum(row[4] for row in rows)
    alpha = exposure_alpha(persons, rule)
    r = alpha * sum(row[3] * row[4] for row in rows)
    level = 0
    if s >= 1.0:
        level = next((grade for least, grade in rule.grade_r if r >= least), 4)
    return MajorHazard(s, r, alpha, persons, level, tuple(rows))
