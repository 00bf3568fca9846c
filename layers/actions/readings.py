"""A device, or somebody for it, reports a batch of readings."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from data import readings
from geo.errors import Forbidden, InputError
from layers.actions.gate import act
from layers.district import District
from layers.permissions import Actor


def report(district: District, actor: Actor, body: Mapping[str, Any]) -> dict[str, Any]:
    """Take a batch: ``{"readings": [...]}``, and ``"device"`` where the actor is none; the answer says what was taken.

    The audit keeps how many entries there were and the hash of the batch; the entries stand among the readings.
    """
    device_id = body.get("device", actor.device_id)
    if not isinstance(device_id, str) or not device_id.strip() or len(device_id) > 200 or not device_id.isprintable():
        raise InputError("device: expected the id of a device; a token for a device needs none")
    if actor.device_id is not None and device_id != actor.device_id:
        raise Forbidden(f"device={device_id}: the token is for {actor.device_id} only")
    entries = readings.require_batch(body.get("readings"))
    digest = hashlib.sha256(json.dumps(entries, sort_keys=True, default=str).encode()).hexdigest()
    extent = district.bounds
    full: dict[str, Any] = {}

    def change(conn: Connection, now: datetime) -> dict[str, Any]:
        full.update(readings.take(conn, device_id, entries, now_utc=now, extent=extent))
        return {**full, "refused": len(full["refused"])}

    act(
        district,
        actor,
        "device.report",
        change,
        route="report readings",
        body={"device": device_id, "readings": len(entries), "sha256": digest},
        subject=device_id,
    )
    return full
