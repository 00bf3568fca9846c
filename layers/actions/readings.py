"""A device, or somebody for it, reports a batch of readings."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from data import orders, readings
from geo.errors import Forbidden, InputError
from layers.actions.gate import act
from layers.actions.places import depot_street
from layers.district import District
from layers.permissions import Actor, may


def report(district: District, actor: Actor, body: Mapping[str, Any]) -> dict[str, Any]:
    """Take a batch: ``{"readings": [...]}``, and ``"device"`` where the actor is none; the answer says what was taken.

    A person who is no administrator tells where a vehicle is, and nothing that an instrument measures; a keeper that of
    a vehicle which leaves the depot, is on its way to it or belongs to it.
    The audit keeps how many entries there were and the hash of the batch; the entries stand among the readings.
    """
    device_id = body.get("device", actor.device_id)
    if not isinstance(device_id, str) or not device_id.strip() or len(device_id) > 200 or not device_id.isprintable():
        raise InputError("device: expected the id of a device; a token for a device needs none")
    if actor.device_id is not None and device_id != actor.device_id:
        raise Forbidden(f"device={device_id}: the token is for {actor.device_id} only")
    entries = readings.require_batch(body.get("readings"))
    depot = None if actor.device_id is not None else _depot_of_report(district, actor, device_id)
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
        depot_id=depot,
        street=None if depot is None else depot_street(district, depot),
    )
    return full


def _depot_of_report(district: District, actor: Actor, device_id: str) -> str | None:
    """The depot for which a person reports: of those that the device has to do with one where the person may."""
    with district.store.reading() as conn:
        device = readings.device_of(conn, device_id)
        if actor.role != "administrator" and device is not None and device.type != "position":
            raise Forbidden(
                f"device.report: {device_id} measures {device.type} and reports by itself; people report positions"
            )
        vehicle = None if device is None else device.vehicle_id
        loads = [] if vehicle is None else [o for o in orders.open_orders(conn) if o["vehicle_id"] == vehicle]
    own = None if device is None else device.depot_id
    found = [own, *(load[name] for load in loads for name in ("depot_id", "to_depot_id"))]
    depots = [depot for depot in dict.fromkeys(found) if depot is not None]
    mine = (d for d in depots if may(actor, "device.report", depot_id=d, street=depot_street(district, d)))
    return next(mine, next(iter(depots), None))
