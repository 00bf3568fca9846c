"""The same goods wherever they are: a recall of one lot concerns the lots that its goods came from and went to.

Lots hold the same goods where a movement brought goods of one to the other (`to_lot_id`), in either direction and
over any number of depots, and where they are of the same item and lot number.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from data import schema, stock
from data.store import chunks, marks, read_rows, translated
from data.writer import whole
from geo.errors import Conflict, InputError
from geo.supply import number_of

STATES = ("quarantined", "recalled")
"""States that concern the goods themselves, not the one place where some of them lie."""

_OVERRIDES = {"quarantined": ("usable",), "recalled": ("usable", "quarantined")}
"""From which states a recall everywhere takes a lot; what is damaged or expired is not given out anyhow."""

_OUT = {"reserved": "reserved", "in_transit": "on_the_way", "incident": "at_place", "returned": "coming_back"}


def same_goods(conn: Connection, lot_id: str) -> list[str]:
    """The lots that hold the same goods as one, itself the first, the others by id."""
    stock.lots_of(conn, [lot_id])
    return [lot_id, *sorted(_neighbours(conn, [lot_id]).keys() - {lot_id})]


def _neighbours(conn: Connection, lot_ids: Iterable[str]) -> dict[str, set[str]]:
    """Every lot that is reached from some, with those that share a movement or a number with it."""
    found: dict[str, set[str]] = {}
    new = list(dict.fromkeys(lot_ids))
    while new:
        found.update((lot_id, set()) for lot_id in new)
        pairs: set[tuple[str, str]] = set()
        for part in chunks(new):
            places = marks(part)
            for mine, other in (("lot_id", "to_lot_id"), ("to_lot_id", "lot_id")):
                text = f"SELECT DISTINCT {mine}, {other} FROM movement WHERE {mine} IN ({places})"
                pairs.update((a, b) for a, b in read_rows(conn, f"{text} AND to_lot_id IS NOT NULL", part))
            text = "SELECT a.id, b.id FROM lot AS a JOIN lot AS b ON b.item_id = a.item_id AND b.lot = a.lot"
            pairs.update((a, b) for a, b in read_rows(conn, f"{text} AND b.id <> a.id WHERE a.id IN ({places})", part))
        for one, other in pairs:
            found[one].add(other)
        new = sorted({other for _, other in pairs} - found.keys())
    return found


def whereabouts(conn: Connection, lot_ids: Sequence[str]) -> list[dict[str, Any]]:
    """Each lot with its state and where its goods are: in the depot, reserved, on their way, at places, coming back.

    ``orders`` names the orders that hold something of it.
    """
    lots = stock.lots_of(conn, lot_ids)
    out: dict[str, dict[str, int]] = {lot_id: dict.fromkeys(_OUT.values(), 0) for lot_id in lots}
    orders: dict[str, list[str]] = {lot_id: [] for lot_id in lots}
    for part in chunks(list(lots)):
        text = f"SELECT lot_id, account, ref, quantity_e3 FROM holding WHERE lot_id IN ({marks(part)})"
        for lot_id, account, ref, quantity_e3 in read_rows(conn, f"{text} AND quantity_e3 > 0 ORDER BY fid", part):
            out[lot_id][_OUT[account]] += int(quantity_e3)
            if ref and ref not in orders[lot_id]:
                orders[lot_id].append(ref)
    found = []
    for lot_id in lot_ids:
        row = lots[lot_id]
        on_hand, _, held = (int(row[name]) for name in schema.BALANCES)
        found.append(
            {
                **stock.named(row),
                "status": row["status"],
                "expires_on": row["expires_on"],
                "on_hand": number_of(on_hand),
                "on_hold": number_of(held),
                **{name: number_of(quantity_e3) for name, quantity_e3 in out[lot_id].items()},
                "orders": orders[lot_id],
            }
        )
    return found


def recall_everywhere(
    conn: Connection, lot_id: str, status: str, *, reason: str, actor: str, now_utc: datetime
) -> dict[str, Any]:
    """Recall or quarantine a lot and every lot of the same goods, all or none; what is reserved stays bound.

    A lot that is damaged, expired or in that state already stays as it is; a recalled one is not merely quarantined.
    Conflict where no lot is left to change.
    """
    if status not in STATES:
        raise InputError(f"status={status}: expected one of {', '.join(STATES)}; other states are of one lot alone")
    said = stock.require_text("reason", reason, "say why the state changes")
    reached = same_goods(conn, lot_id)
    lots = stock.lots_of(conn, reached)
    changed = [one for one in reached if lots[one]["status"] in _OVERRIDES[status]]
    if not changed:
        states = ", ".join(f"{one} is {lots[one]['status']}" for one in reached)
        raise Conflict(f"lot {lot_id}: no lot of the same goods is left to be {status}; {states}")
    with translated(), whole(conn):
        for one in changed:
            last = stock.change_status(conn, one, status, reason=said, actor=actor, now_utc=now_utc)
    return {
        "lot_id": lot_id,
        "status": status,
        "reason": said,
        "recorded_utc": last["recorded_utc"],
        "changed": changed,
        "lots": whereabouts(conn, reached),
    }


def concerning(conn: Connection, depot_id: str) -> list[dict[str, Any]]:
    """The lots of goods that are recalled or quarantined somewhere and of which some lie, or lay, in a depot.

    As `whereabouts` gives them, with ``because``, the lots of the same goods that are recalled or quarantined. Lots of
    which nothing is anywhere are left out; lots of the same goods follow each other.
    """
    places = marks(STATES)
    bad = [str(row[0]) for row in read_rows(conn, f"SELECT id FROM lot WHERE status IN ({places}) ORDER BY id", STATES)]
    joined = _neighbours(conn, bad)
    groups: list[list[str]] = []
    met: set[str] = set()
    for first in bad:
        if first in met:
            continue
        group, new = {first}, [first]
        while new:
            for other in joined[new.pop()] - group:
                group.add(other)
                new.append(other)
        met |= group
        groups.append([first, *sorted(group - {first})])
    rows = {row["lot_id"]: row for row in whereabouts(conn, [one for group in groups for one in group])}
    found = []
    for members in groups:
        own = [rows[one] for one in members]
        if all(row["depot_id"] != depot_id for row in own):
            continue
        because = [row["lot_id"] for row in own if row["status"] in STATES]
        found += [{**row, "because": because} for row in own if _is_anywhere(row)]
    return found


def _is_anywhere(row: Mapping[str, Any]) -> bool:
    return any(row[name] for name in ("on_hand", *_OUT.values()))
