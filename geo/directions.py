"""A route as a person is told it: along which street, how far, and which way to turn."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from geo.errors import InputError

Floats = NDArray[np.float64]
Turn = Literal["start", "straight", "left", "right", "back"]
Heading = Literal["n", "ne", "e", "se", "s", "sw", "w", "nw"]

HEADINGS: tuple[Heading, ...] = ("n", "ne", "e", "se", "s", "sw", "w", "nw")

TURN_DEG, BACK_DEG = 30.0, 150.0
"""From the first angle (included) on it is a turn, from the second (included) on a turn back [proposed]."""

_LOOKED_AT_M = 20.0  # a kink at the junction itself says nothing of the direction


@dataclass(frozen=True)
class Step:
    """One street of a route: its name (None: it has none), m on it, the turn into it and where it leads."""

    name: str | None
    distance_m: float
    turn: Turn
    heading: Heading


def directions(pieces: Sequence[Any], names: Sequence[str | None]) -> list[Step]:
    """The steps of a route.

    Parameters
    ----------
    pieces : k lines of (v, 2) m, each beginning where the one before ends
    names : k names of the streets; None or blank for one without a name

    Returns
    -------
    steps in order; pieces of one name are one step, pieces without a name up to the next turn; empty for no pieces and
    for pieces without length

    Raises
    ------
    InputError : lengths that differ

    Notes
    -----
    CRS: one metric CRS, y to the north.
    Cost: O(vertices).
    Invariant: the distances of the steps add up to the length of the pieces.
    Source: own rule; angles proposed.
    """
    if len(pieces) != len(names):
        raise InputError(f"names: {len(names)} names for {len(pieces)} pieces")
    lines = [np.asarray(piece, dtype=np.float64).reshape(-1, 2) for piece in pieces]
    told = [(name or "").strip() or None for name in names]
    groups: list[tuple[str | None, list[Floats]]] = []
    for line, name in zip(lines, told, strict=True):
        if _length_m(line) <= 0:
            continue
        if groups and groups[-1][0] == name:
            before = groups[-1][1]
            if name is not None or _turn(_angle_deg(before, [line])) == "straight":
                before.append(line)
                continue
        groups.append((name, [line]))
    return [
        Step(
            name,
            sum(_length_m(line) for line in found),
            "start" if k == 0 else _turn(_angle_deg(groups[k - 1][1], found)),
            _heading(_direction(found, at_end=False)),
        )
        for k, (name, found) in enumerate(groups)
    ]


def _length_m(line: Floats) -> float:
    return float(np.hypot(*np.diff(line, axis=0).T).sum())


def _direction(lines: Sequence[Floats], *, at_end: bool) -> Floats:
    """The direction over the first (or last) metres of some lines in a row."""
    xy = np.vstack(lines)
    xy = xy[::-1] if at_end else xy
    along = np.r_[0.0, np.cumsum(np.hypot(*np.diff(xy, axis=0).T))]
    at = min(_LOOKED_AT_M, float(along[-1]))
    there = np.array([np.interp(at, along, xy[:, 0]), np.interp(at, along, xy[:, 1])])
    found: Floats = xy[0] - there if at_end else there - xy[0]
    return found


def _angle_deg(before: Sequence[Floats], after: Sequence[Floats]) -> float:
    """The angle from one direction to the next, to the left above 0."""
    a, b = _direction(before, at_end=True), _direction(after, at_end=False)
    return math.degrees(math.atan2(a[0] * b[1] - a[1] * b[0], float(a @ b)))


def _turn(angle_deg: float) -> Turn:
    size = round(abs(angle_deg), 6)
    if size < TURN_DEG:
        return "straight"
    if size >= BACK_DEG:
        return "back"
    return "left" if angle_deg > 0 else "right"


def _heading(direction: Floats) -> Heading:
    clockwise = math.degrees(math.atan2(direction[0], direction[1]))
    return HEADINGS[round(clockwise / 45.0) % 8]
