"""What devices report: positions, counts, doors, temperatures; in batches, late, out of order, and twice.

Every entry of a batch stands for itself: a good one is taken, a bad one is kept aside with its reason, and the
answer says which. A reading never changes the stock ledger.
"""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from shapely import Point
from sqlalchemy import Connection

from data import schema
from data.schema import balance_sql
from geo.errors import InputError, TooLarge

MAX_READINGS = 1_000
"""Entries of one batch, bound included."""

FUTURE_S = 120.0
"""A device's clock may be ahead by so much, bound included."""

OLDEST = timedelta(days=366)
"""Readings that waited longer, bound excluded, come from a clock that was never set."""

FAR_DEG = 5.0
"""A position farther than this from the district's extent is no position of its vehicles."""

MOVED_M = 15.0
"""A vehicle that moved less keeps its place on the map ..."""

STILL = timedelta(seconds=60)
"""... until its last place on the map is older than this."""

COUNT_TOLERANCE_E3 = 0
"""A counter may differ from the ledger by so many thousandths before a check is asked for."""

_PLAUSIBLE = {"count": (0.0, 1e9), "door": (0.0, 1.0), "temperature": (-90.0, 150.0)}
_NAMES = frozenset({"quantity", "measured_utc", "value", "lon", "lat"})
_LONGEST_BODY = 1_000
_EARTH_M_PER_DEG = 111_320.0

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Device:
    """A registered device, as far as its readings are checked against it."""

    id: str
    type: str
    minimum: float | None = None
    maximum: float | None = None
    vehicle_id: str | None = None
    depot_id: str | None = None
    item_id: str | None = None


@dataclass(frozen=True)
class Reading:
    """One checked reading; `value` for everything but a position."""

    quantity: str
    measured_utc: str
    value: float | None = None
    lon: float | None = None
    lat: float | None = None

    @property
    def content(self) -> tuple[float | None, float | None, float | None]:
        """What was measured."""
        return self.value, self.lon, self.lat


class Refused(ValueError):
    """Why one entry is kept aside."""


# -- checking: pure


def checked(entry: Any, device: Device, *, now_utc: datetime, extent: Box | None) -> Reading:
    """One entry as a reading; `Refused` says what is wrong with it.

    `extent` is where the district lies (min_lon, min_lat, max_lon, max_lat).
    """
    if not isinstance(entry, Mapping):
        raise Refused(f"expected an object, got {type(entry).__name__}")
    unknown = sorted(set(map(str, entry)) - _NAMES)
    if unknown:
        raise Refused(f"{unknown[0][:40]}: not known; a reading has {', '.join(sorted(_NAMES))}")
    quantity = entry.get("quantity", device.type)
    if quantity != device.type:
        raise Refused(f"quantity={str(quantity)[:40]}: {device.id} reports {device.type}")
    measured = _moment(entry.get("measured_utc"), now_utc)
    if quantity == "position":
        if entry.get("value") is not None:
            raise Refused("value: a position has lon and lat only")
        lon, lat = _number("lon", entry.get("lon")), _number("lat", entry.get("lat"))
        _require_place(lon, lat, extent)
        return Reading(quantity, measured, lon=lon, lat=lat)
    if entry.get("lon") is not None or entry.get("lat") is not None:
        raise Refused(f"lon, lat: a reading of {quantity} has a value only")
    value = entry.get("value")
    if quantity == "door" and isinstance(value, bool):
        value = int(value)  # open or shut
    number = _number("value", value)
    if quantity == "door" and number not in (0.0, 1.0):
        raise Refused(f"value={number:g}: a door is 0 (shut) or 1 (open)")
    if quantity == "count" and not float(number * 1000).is_integer():
        raise Refused(f"value={number!r}: a count has at most three digits after the point")
    low, high = _PLAUSIBLE[quantity]
    low = low if device.minimum is None else max(low, device.minimum)
    high = high if device.maximum is None else min(high, device.maximum)
    if not low <= number <= high:
        raise Refused(f"value={number:g}: outside the range of {device.id}, {low:g} to {high:g}")
    return Reading(quantity, measured, value=number)


def _moment(text: Any, now_utc: datetime) -> str:
    if not isinstance(text, str):
        raise Refused("measured_utc: expected a time such as 2026-07-01T08:00:00+08:00")
    try:
        moment = datetime.fromisoformat(schema.utc_text(text))
    except (InputError, OverflowError, ValueError):
        raise Refused(
            f"measured_utc={text[:40]!r}: expected ISO 8601 with a time zone, such as 2026-07-01T08:00:00+08:00"
        ) from None
    ahead_s = (moment - now_utc).total_seconds()
    if ahead_s > FUTURE_S:
        raise Refused(f"measured_utc={text[:40]}: {ahead_s:.0f} s in the future; at most {FUTURE_S:.0f} s are accepted")
    if moment < now_utc - OLDEST:
        raise Refused(f"measured_utc={text[:40]}: more than {OLDEST.days} days ago; the device's clock is not set")
    return schema.utc_text(moment)


def _number(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        shown = "nothing" if value is None else f"{str(value)[:40]!r}"
        raise Refused(f"{name}: expected a number, got {shown}")
    try:
        found = float(value)
    except OverflowError:
        found = math.inf
    if not math.isfinite(found):
        raise Refused(f"{name}={found}: expected a finite number")
    return found


def _require_place(lon: float, lat: float, extent: Box | None) -> None:
    if _is_near(lon, lat, extent):
        return
    if _is_near(lat, lon, extent):
        raise Refused(f"lon={lon:g}, lat={lat:g}: longitude and latitude are swapped")
    if lon == 0.0 and lat == 0.0:
        raise Refused("lon=0, lat=0: the device has no fix")
    if not (-180.0 <= lon <= 180.0 and -90.0 <= lat <= 90.0):
        raise Refused(f"lon={lon:g}, lat={lat:g}: no place on the earth")
    raise Refused(f"lon={lon:g}, lat={lat:g}: more than {FAR_DEG:g} degrees from the district")


def _is_near(lon: float, lat: float, extent: Box | None) -> bool:
    if not (-180.0 <= lon <= 180.0 and -90.0 <= lat <= 90.0):
        return False
    if extent is None:
        return (lon, lat) != (0.0, 0.0)
    low_x, low_y, high_x, high_y = extent
    return low_x - FAR_DEG <= lon <= high_x + FAR_DEG and low_y - FAR_DEG <= lat <= high_y + FAR_DEG


def moves_on_map(old_utc: str | None, old: tuple[float, float] | None, new_utc: str, new: tuple[float, float]) -> bool:
    """Whether a vehicle's row follows a newer position: never back in time, and not for a few metres at once."""
    if old_utc is None or old is None:
        return True
    if new_utc <= old_utc:
        return False
    dy = (new[1] - old[1]) * _EARTH_M_PER_DEG
    dx = (new[0] - old[0]) * _EARTH_M_PER_DEG * math.cos(math.radians(new[1]))
    if math.hypot(dx, dy) >= MOVED_M:
        return True
    return datetime.fromisoformat(new_utc) - datetime.fromisoformat(old_utc) >= STILL


# -- taking


def require_batch(entries: Any) -> Sequence[Any]:
    """The entries of a batch; a batch that is none, or too large, is refused whole."""
    if not isinstance(entries, list) or not entries:
        raise InputError("readings: expected a list of at least one reading")
    if len(entries) > MAX_READINGS:
        raise TooLarge(f"readings: {len(entries)} entries; at most {MAX_READINGS} go into one batch")
    return entries


def device_of(conn: Connection, device_id: str) -> Device | None:
    """The registered device; None where there is none."""
    table = schema.table("device")
    names = ("id", "type", "minimum", "maximum", "vehicle_id", "depot_id", "item_id")
    row = conn.execute(sa.select(*(table.c[name] for name in names)).where(table.c.id == device_id)).one_or_none()
    return None if row is None else Device(*row)


def take(
    conn: Connection, device_id: str, entries: Sequence[Any], *, now_utc: datetime, extent: Box | None
) -> dict[str, Any]:
    """Take one batch of a device in the transaction of the caller.

    The answer: ``taken`` (new), ``known`` (were there already), ``refused`` (each with its `index` in the batch
    and its `reason`), the ``position`` that the vehicle has on the map when it moved, and the ``check`` that the
    count asks for.
    """
    require_batch(entries)
    now_utc = now_utc.astimezone(UTC)
    device = device_of(conn, device_id)
    refused: list[tuple[int, Any, str]] = []
    found: dict[str, tuple[int, Reading]] = {}
    known = 0
    for index, entry in enumerate(entries):
        try:
            if device is None:
                raise Refused(f"there is no device {device_id}")
            reading = checked(entry, device, now_utc=now_utc, extent=extent)
            first = found.get(reading.measured_utc)
            if first is None:
                found[reading.measured_utc] = (index, reading)
            elif first[1].content == reading.content:
                known += 1
            else:
                raise Refused(f"measured_utc={reading.measured_utc}: the batch has another reading of this moment")
        except Refused as error:
            refused.append((index, entry, _storable(str(error))))
    there = {} if device is None else _there(conn, device, list(found))
    new = []
    for moment, (index, reading) in found.items():
        if moment not in there:
            new.append(reading)
        elif there[moment] == reading.content:
            known += 1
        else:
            refused.append((index, entries[index], f"measured_utc={moment}: another reading of this moment is there"))
    recorded = schema.utc_text(now_utc)
    if new:
        conn.execute(
            sa.insert(schema.table("reading")),
            [
                {
                    "id": schema.id_of((device_id, reading.quantity, reading.measured_utc)),
                    "device_id": device_id,
                    "quantity": reading.quantity,
                    "value": reading.value,
                    "lon": reading.lon,
                    "lat": reading.lat,
                    "measured_utc": reading.measured_utc,
                    "recorded_utc": recorded,
                }
                for reading in sorted(new, key=lambda reading: reading.measured_utc)
            ],
        )
    refused.sort(key=lambda row: row[0])
    _keep_aside(conn, device_id, refused, recorded)
    answer: dict[str, Any] = {
        "device": device_id,
        "taken": len(new),
        "known": known,
        "refused": [{"index": index, "reason": reason} for index, _, reason in refused],
    }
    if device is not None and new:
        newest = max(new, key=lambda reading: reading.measured_utc)
        if device.type == "position" and device.vehicle_id is not None:
            answer["position"] = _move(conn, device.vehicle_id, newest, recorded)
        if device.type == "count":
            answer["check"] = next(iter(count_checks(conn, device_id=device.id)), None)
    return answer


def _there(conn: Connection, device: Device, moments: Sequence[str]) -> dict[str, tuple[Any, ...]]:
    """Moment -> what was measured then, of the moments that are known already."""
    table = schema.table("reading")
    found: dict[str, tuple[Any, ...]] = {}
    for k in range(0, len(moments), 500):
        rows = conn.execute(
            sa.select(table.c.measured_utc, table.c.value, table.c.lon, table.c.lat).where(
                table.c.device_id == device.id,
                table.c.quantity == device.type,
                table.c.measured_utc.in_(moments[k : k + 500]),
            )
        )
        found |= {str(row[0]): tuple(row[1:]) for row in rows}
    return found


def _keep_aside(conn: Connection, device_id: str, refused: Sequence[tuple[int, Any, str]], recorded: str) -> None:
    """Each bad entry once, however often it is sent."""
    rows = {}
    for _, entry, reason in refused:
        body = _storable(json.dumps(entry, ensure_ascii=False, sort_keys=True, default=str))[:_LONGEST_BODY]
        identity = hashlib.blake2b(json.dumps([device_id, body]).encode(), digest_size=10).hexdigest()
        rows[identity] = {
            "id": identity,
            "device_id": device_id,
            "body": body,
            "reason": reason,
            "recorded_utc": recorded,
        }
    table, wanted = schema.table("reading_refused"), list(rows)
    for k in range(0, len(wanted), 500):
        for identity in conn.scalars(sa.select(table.c.id).where(table.c.id.in_(wanted[k : k + 500]))).all():
            del rows[identity]
    if rows:
        conn.execute(sa.insert(table), list(rows.values()))


def _storable(text: str) -> str:
    """Text without what no database takes: half characters and NUL."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "?")


def _move(conn: Connection, vehicle_id: str, newest: Reading, recorded: str) -> dict[str, Any] | None:
    """Let the vehicle's row follow; where it is now, or None where the row stays as it is."""
    vehicle = schema.table("vehicle")
    row = conn.execute(
        sa.select(vehicle.c.position_utc, vehicle.c.geom).where(vehicle.c.id == vehicle_id)
    ).one_or_none()
    if row is None or newest.lon is None or newest.lat is None:
        return None
    place = None if row[1] is None else (float(row[1].x), float(row[1].y))
    # A place of the future, from a list with a wrong clock, would hold the vehicle until then.
    ahead = schema.utc_text(datetime.fromisoformat(recorded) + timedelta(seconds=FUTURE_S))
    known_utc = None if (row[0] or "") > ahead else row[0]
    if not moves_on_map(known_utc, place, newest.measured_utc, (newest.lon, newest.lat)):
        return None
    conn.execute(
        sa.update(vehicle)
        .where(vehicle.c.id == vehicle_id)
        .values(
            position_utc=newest.measured_utc,
            geom=Point(newest.lon, newest.lat),
            updated_utc=schema.as_given(recorded),
        )
    )
    return {"vehicle": vehicle_id, "position_utc": newest.measured_utc, "place": [newest.lon, newest.lat]}


# -- what they say now


def latest(conn: Connection, *, now_utc: datetime) -> list[dict[str, Any]]:
    """Every device with its newest reading and how old that is; devices that never reported too."""
    device, reading = schema.table("device"), schema.table("reading")
    newest = (
        sa.select(sa.func.max(reading.c.measured_utc))
        .where(reading.c.device_id == device.c.id, reading.c.quantity == device.c.type)
        .correlate(device)
        .scalar_subquery()
    )
    names = ("id", "name", "type", "vehicle_id", "depot_id", "item_id", "alarm_below", "alarm_above")
    shown = ("measured_utc", "recorded_utc", "value", "lon", "lat")
    rows = conn.execute(
        sa.select(*(device.c[name] for name in names), *(reading.c[name] for name in shown))
        .select_from(
            device.outerjoin(
                reading,
                sa.and_(
                    reading.c.device_id == device.c.id,
                    reading.c.quantity == device.c.type,
                    reading.c.measured_utc == newest,
                ),
            )
        )
        .order_by(device.c.id)
    ).mappings()
    found = []
    for row in rows:
        measured = row["measured_utc"]
        age_s = None
        if measured is not None:
            age_s = max(0.0, (now_utc - datetime.fromisoformat(measured)).total_seconds())
        found.append({**row, "age_s": age_s})
    return found


def alarms(conn: Connection, *, now_utc: datetime) -> list[dict[str, Any]]:
    """What calls for somebody: open doors, temperatures beyond their limits, counts that ask for a check.

    An alarm lasts from the first reading of its kind to the first one that is none; the newest comes first.
    """
    found = []
    for row in latest(conn, now_utc=now_utc):
        kind = _alarm_of(row["type"], row["value"], row["alarm_below"], row["alarm_above"])
        if kind is not None:
            since = _alarm_since(conn, row, kind)
            found.append({"kind": kind, "since_utc": since, **row})
    found += [{"kind": "count_check", "since_utc": check["measured_utc"], **check} for check in count_checks(conn)]
    return sorted(found, key=lambda row: str(row["since_utc"]), reverse=True)


def _alarm_of(type_: str, value: float | None, below: float | None, above: float | None) -> str | None:
    if value is None:
        return None
    if type_ == "door":
        return "door_open" if value == 1.0 else None
    if type_ == "temperature":
        if below is not None and value < below:
            return "temperature_low"
        if above is not None and value > above:
            return "temperature_high"
    return None


def _alarm_since(conn: Connection, row: Mapping[str, Any], kind: str) -> str:
    """When the unbroken run of readings with this alarm began."""
    reading = schema.table("reading")
    ours = sa.and_(reading.c.device_id == row["id"], reading.c.quantity == row["type"])
    quiet: sa.ColumnElement[bool]
    match kind:
        case "door_open":
            quiet = reading.c.value != 1.0
        case "temperature_low":
            quiet = reading.c.value >= row["alarm_below"]
        case _:
            quiet = reading.c.value <= row["alarm_above"]
    before = conn.scalar(sa.select(sa.func.max(reading.c.measured_utc)).where(ours, quiet)) or ""
    return str(conn.scalar(sa.select(sa.func.min(reading.c.measured_utc)).where(ours, reading.c.measured_utc > before)))


def count_checks(conn: Connection, *, device_id: str | None = None) -> list[dict[str, Any]]:
    """Counters whose newest reading is not what the ledger had at its depot at that moment.

    A count by hand since then settles it, and so does a reading that agrees.
    """
    device, reading = schema.table("device"), schema.table("reading")
    last = (
        sa.select(sa.func.max(reading.c.measured_utc))
        .where(reading.c.device_id == device.c.id, reading.c.quantity == "count")
        .correlate(device)
        .scalar_subquery()
    )
    statement = (
        sa.select(
            device.c.id, device.c.name, device.c.depot_id, device.c.item_id, reading.c.measured_utc, reading.c.value
        )
        .join(
            reading,
            sa.and_(reading.c.device_id == device.c.id, reading.c.quantity == "count", reading.c.measured_utc == last),
        )
        .where(device.c.type == "count", device.c.depot_id.is_not(None), device.c.item_id.is_not(None))
        .order_by(device.c.id)
    )
    if device_id is not None:
        statement = statement.where(device.c.id == device_id)
    found = []
    for row in conn.execute(statement).mappings().all():
        counted_e3 = round(row["value"] * 1000)
        ledger_e3 = _on_hand_e3(conn, row["depot_id"], row["item_id"], row["measured_utc"])
        if abs(counted_e3 - ledger_e3) <= COUNT_TOLERANCE_E3:
            continue
        if _was_counted(conn, row["depot_id"], row["item_id"], row["measured_utc"]):
            continue
        found.append(
            {
                **row,
                "type": "count",
                "counted": counted_e3 / 1000,
                "ledger": ledger_e3 / 1000,
                "difference": (counted_e3 - ledger_e3) / 1000,
            }
        )
    return found


def _on_hand_e3(conn: Connection, depot_id: str, item_id: str, at_utc: str) -> int:
    """What lay in a depot of an item, by all movements that had happened up to a moment, bound included."""
    movement, lot = schema.table("movement"), schema.table("lot")
    ours = sa.select(lot.c.id).where(lot.c.depot_id == depot_id, lot.c.item_id == item_id).scalar_subquery()
    total = 0
    for end, where in (
        ("from", movement.c.lot_id.in_(ours)),
        ("to", sa.func.coalesce(movement.c.to_lot_id, movement.c.lot_id).in_(ours)),
    ):
        moved: sa.ColumnElement[Any] = sa.func.sum(sa.literal_column(balance_sql("on_hand_e3", "movement.", end)))
        total += int(conn.scalar(sa.select(moved).where(where, movement.c.occurred_utc <= at_utc)) or 0)
    return total


def _was_counted(conn: Connection, depot_id: str, item_id: str, since_utc: str) -> bool:
    count, lot = schema.table("stock_count"), schema.table("lot")
    statement = (
        sa.select(count.c.seq)
        .join(lot, lot.c.id == count.c.lot_id)
        .where(lot.c.depot_id == depot_id, lot.c.item_id == item_id, count.c.occurred_utc >= since_utc)
        .limit(1)
    )
    return conn.scalar(statement) is not None


def refused_entries(conn: Connection, *, limit: int = 100) -> list[dict[str, Any]]:
    """What was kept aside, the newest first."""
    table = schema.table("reading_refused")
    names = ("device_id", "body", "reason", "recorded_utc")
    rows = conn.execute(sa.select(*(table.c[name] for name in names)).order_by(table.c.seq.desc()).limit(limit))
    return [dict(row) for row in rows.mappings()]
