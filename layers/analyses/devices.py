"""What the devices say now: newest readings with their age, and what calls for somebody."""

from datetime import UTC
from typing import Any

from data import readings
from layers.district import District, View


def devices(district: District) -> list[dict[str, Any]]:
    """Every device with its newest reading and the age of it."""
    with district.store.reading() as conn:
        return readings.latest(conn, now_utc=district.now().astimezone(UTC))


def alarms(district: District) -> list[dict[str, Any]]:
    """Open doors, temperatures beyond their limits, counts that ask for a check; the newest first."""
    with district.store.reading() as conn:
        return readings.alarms(conn, now_utc=district.now().astimezone(UTC))


def depot_devices(view: View) -> dict[str, list[dict[str, Any]]]:
    """Depot -> its devices with their newest reading (None: never reported) and what they call for."""
    units = dict(zip(view.frame("item")["id"], view.frame("item")["unit"], strict=True))
    ringing = {row["id"]: row["kind"] for row in alarms(view.district)}
    found: dict[str, list[dict[str, Any]]] = {}
    for row in devices(view.district):
        if row["depot_id"] is None or row["type"] == "position":
            continue
        is_door, value = row["type"] == "door", row["value"]
        found.setdefault(row["depot_id"], []).append(
            {
                "name": row["name"],
                "type": row["type"],
                "value": None if is_door else value,
                "state": {0.0: "shut", 1.0: "open"}.get(value) if is_door else None,
                "unit": "°C" if row["type"] == "temperature" else units.get(row["item_id"], ""),
                "measured_utc": row["measured_utc"],
                "alarm": ringing.get(row["id"]),
            }
        )
    return found


def refused_readings(district: District, *, limit: int) -> list[dict[str, Any]]:
    """Readings that were kept aside, with the reason; the newest first."""
    with district.store.reading() as conn:
        return readings.refused_entries(conn, limit=limit)
