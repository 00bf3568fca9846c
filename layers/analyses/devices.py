"""What the devices say now: newest readings with their age, and what calls for somebody."""

from datetime import UTC
from typing import Any

from data import readings
from layers.district import District


def devices(district: District) -> list[dict[str, Any]]:
    """Every device with its newest reading and the age of it."""
    with district.store.reading() as conn:
        return readings.latest(conn, now_utc=district.now().astimezone(UTC))


def alarms(district: District) -> list[dict[str, Any]]:
    """Open doors, temperatures beyond their limits, counts that ask for a check; the newest first."""
    with district.store.reading() as conn:
        return readings.alarms(conn, now_utc=district.now().astimezone(UTC))


def refused_readings(district: District, *, limit: int) -> list[dict[str, Any]]:
    """Readings that were kept aside, with the reason; the newest first."""
    with district.store.reading() as conn:
        return readings.refused_entries(conn, limit=limit)
