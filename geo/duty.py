"""Duty hours as text: when a team is there.

``24h``, or periods joined by ``;``: ``08:00-18:00;20:00-22:00``, each with week days before it
where it does not hold on all: ``1-5 08:00-18:00`` (1 is Monday). A period may run over midnight; it
belongs to the day on which it begins.
"""

import re
from dataclasses import dataclass
from datetime import datetime

from geo.errors import InputError

_PERIOD = re.compile(r"(?:([1-7](?:-[1-7])?(?:,[1-7](?:-[1-7])?)*)\s+)?(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})")
_ALWAYS = ("24h", "24小时", "全天", "")
_DAY_MIN = 1440


@dataclass(frozen=True)
class Duty:
    """Periods of (week days 1..7, first minute, last minute excluded); the end may pass midnight."""

    periods: tuple[tuple[frozenset[int], int, int], ...]


ALWAYS = Duty(((frozenset(range(1, 8)), 0, _DAY_MIN),))


def parse_duty(text: str | None) -> Duty:
    """Read duty hours.

    Parameters
    ----------
    text : see the module; empty or None means around the clock

    Returns
    -------
    Duty

    Raises
    ------
    InputError : the text is not of that form

    Notes
    -----
    CRS: none.
    Cost: O(length of the text).
    Invariant: ``parse_duty("24h")`` is on at every moment.
    Source: none; a form proposed here.

    Examples
    --------
    >>> parse_duty("1-5 08:00-18:00").periods[0][1:]
    (480, 1080)
    """
    plain = "" if text is None else text.strip().lower().replace("；", ";").replace("：", ":").replace("，", ",")
    if plain in _ALWAYS:
        return ALWAYS
    periods = []
    for part in plain.split(";"):
        match = _PERIOD.fullmatch(part.strip())
        if match is None:
            raise InputError(
                f"duty={text!r}: expected 24h or periods such as 08:00-18:00;20:00-22:00 or 1-5 08:00-18:00"
            )
        days, *clock = match.groups()
        h1, m1, h2, m2 = (int(number) for number in clock)
        start, end = 60 * h1 + m1, 60 * h2 + m2
        if m1 > 59 or m2 > 59 or start >= _DAY_MIN or end > _DAY_MIN or start == end:
            raise InputError(f"duty={text!r}: {part.strip()} is not a period of the day")
        periods.append((_days(days), start, end if end > start else end + _DAY_MIN))
    return Duty(tuple(periods))


def _days(text: str | None) -> frozenset[int]:
    if text is None:
        return frozenset(range(1, 8))
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        a, b = int(first), int(last or first)
        found |= set(range(a, b + 1)) if a <= b else set(range(a, 8)) | set(range(1, b + 1))
    return frozenset(found)


def is_on_duty(duty: Duty, local: datetime) -> bool:
    """Whether a team is there at a moment of local time.

    Parameters
    ----------
    duty : duty hours
    local : moment in the district's time zone

    Returns
    -------
    True from the first minute of a period (included) to its last (excluded)

    Notes
    -----
    CRS: none.
    Cost: O(periods).
    Invariant: `ALWAYS` gives True.
    Source: none.

    Examples
    --------
    >>> night = parse_duty("22:00-06:00")
    >>> [is_on_duty(night, datetime(2026, 7, 1, h)) for h in (21, 22, 5, 6)]
    [False, True, True, False]
    """
    minute = local.hour * 60 + local.minute + (local.second + local.microsecond / 1e6) / 60
    today = local.isoweekday()
    yesterday = 7 if today == 1 else today - 1
    return any(
        (today in days and start <= minute < end) or (yesterday in days and start <= minute + _DAY_MIN < end)
        for days, start, end in duty.periods
    )
