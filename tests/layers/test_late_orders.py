"""When an order is due and when it is late."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from layers.analyses.dispatch import due_and_late

NOW = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)


def text(minutes: float) -> str:
    return (NOW + timedelta(minutes=minutes)).isoformat()


@pytest.mark.parametrize(
    ("order", "late"),
    [
        ({"promised_utc": text(0)}, None),  # to the minute is in time
        ({"promised_utc": text(-0.5)}, 0.5),
        ({"promised_utc": text(10), "eta_utc": text(10)}, None),
        ({"promised_utc": text(10), "eta_utc": text(13)}, 3.0),
        ({"promised_utc": text(-5), "eta_utc": text(-7)}, 5.0),  # should have been there, and is not
        ({"deadline_utc": text(-5)}, 5.0),
        ({"promised_utc": text(5), "deadline_utc": text(-5)}, None),  # what was promised counts
        ({"promised_utc": text(-5), "state": "received"}, None),
        ({"promised_utc": text(-5), "state": "cancelled"}, None),
        ({}, None),
    ],
)
def test_late_is_beyond_what_was_promised(order: dict[str, Any], late: float | None) -> None:
    whole = {"state": "ordered", "promised_utc": None, "deadline_utc": None, "eta_utc": None, **order}
    due, found = due_and_late(whole, NOW)
    assert due == (whole["promised_utc"] or whole["deadline_utc"])
    assert found == (None if late is None else pytest.approx(late))
