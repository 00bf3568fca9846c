"""Duty hours against a minute-by-minute week."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.duty import ALWAYS, is_on_duty, parse_duty
from geo.errors import InputError

ZONE = ZoneInfo("Asia/Shanghai")
MONDAY = datetime(2026, 6, 29, tzinfo=ZONE)


def at(day: int, clock: str) -> datetime:
    """Day 1 is Monday."""
    hour, minute, *second = (int(part) for part in clock.split(":"))
    return MONDAY + timedelta(days=day - 1, hours=hour, minutes=minute, seconds=second[0] if second else 0)


@pytest.mark.parametrize("text", ["24h", "24H", " 24小时 ", "全天", "", None])
def test_around_the_clock(text: str | None) -> None:
    assert parse_duty(text) == ALWAYS
    assert all(is_on_duty(parse_duty(text), MONDAY + timedelta(minutes=37 * k)) for k in range(300))


@pytest.mark.parametrize(
    ("text", "on", "off"),
    [
        ("08:00-18:00", ["1 08:00", "7 17:59:59"], ["1 07:59:59", "1 18:00"]),
        ("8:00-12:00; 13:30-18:00", ["3 11:59", "3 13:30"], ["3 12:00", "3 13:29"]),
        ("1-5 08:00-18:00", ["1 08:00", "5 08:00"], ["6 08:00", "7 12:00"]),
        ("6-1 08:00-18:00", ["6 08:00", "7 08:00", "1 08:00"], ["2 08:00", "5 08:00"]),
        ("1,3,6-7 00:00-24:00", ["1 00:00", "3 23:59:59", "7 12:00"], ["2 00:00", "4 00:00", "5 23:59"]),
        ("22:00-06:00", ["1 22:00", "1 00:00", "1 05:59:59"], ["1 06:00", "1 21:59:59"]),
        ("5 22:00-06:00", ["5 22:00", "6 05:59"], ["5 05:59", "6 22:00", "6 06:00"]),
        ("7 20:00-02:00", ["7 23:00", "1 01:59"], ["1 02:00", "7 01:59"]),
        ("18:00-00:00", ["2 23:59:59"], ["2 00:00", "2 17:59"]),
        ("08：00-18：00；20:00-21:00", ["1 20:30"], ["1 19:00"]),
    ],
)
def test_starts_are_in_and_ends_are_out(text: str, on: list[str], off: list[str]) -> None:
    duty = parse_duty(text)
    for moment in on:
        day, clock = moment.split()
        assert is_on_duty(duty, at(int(day), clock)), moment
    for moment in off:
        day, clock = moment.split()
        assert not is_on_duty(duty, at(int(day), clock)), moment


@given(st.integers(1, 7), st.integers(1, 7), st.integers(0, 1439), st.integers(1, 1440), st.integers(0, 7 * 1440 - 1))
def test_a_period_against_marking_every_minute_of_the_week(a: int, b: int, start: int, length: int, asked: int) -> None:
    length = min(length, 1439)
    end = (start + length) % 1440
    text = f"{a}-{b} {start // 60:02}:{start % 60:02}-{end // 60:02}:{end % 60:02}"
    days = range(a, b + 1) if a <= b else [*range(a, 8), *range(1, b + 1)]
    marked = {((day - 1) * 1440 + start + k) % (7 * 1440) for day in days for k in range(length)}
    assert is_on_duty(parse_duty(text), MONDAY + timedelta(minutes=asked, seconds=59)) == (asked in marked)


@pytest.mark.parametrize(
    "text",
    [
        "8-18", "08:00", "08:00-08:00", "08:60-09:00", "08:00-09:60", "24:00-08:00", "08:00-25:00", "0 08:00-09:00",
        "8 08:00-09:00", "1- 08:00-09:00", "08:00-09:00;", "night", "08:00-18:00, 20:00-22:00", "-08:00-09:00",
    ],
)  # fmt: skip
def test_what_is_no_period_is_refused_with_the_text(text: str) -> None:
    with pytest.raises(InputError, match="duty="):
        parse_duty(text)
