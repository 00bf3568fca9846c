"""What a depot's keeper does with the stock: take goods in, count them, hold them, write them off, pick them.

Everything here is booked through `data.ledger`. Quantities are whole thousandths; a pack is an exact number
of units.
"""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy import Connection

from data import ledger, reversals, schema
from data.item_catalogue import DIVISIBLE_UNITS
from data.kinds import LOT_STATUSES
from data.ledger import Movement, require_quantity, shown, thousandths
from data.store import cell, chunks, marks, read_rows, translated
from data.writer import whole
from geo.errors import Conflict, InputError, NotFound
from geo.supply import number_of

SOURCE = "stock"
"""The source of what a keeper books."""

NEVER = "9999-12-31"
_LOT_COLUMNS = ("id", "depot_id", "item_id", "lot", "status", "expires_on", "counted_utc", *schema.BALANCES)
_LOT_NAMES = (*_LOT_COLUMNS, "item_name", "unit", "depot_name")
_LOTS = (
    f"SELECT {', '.join(f'lot.{name}' for name in _LOT_COLUMNS)}, item.name, item.unit, depot.name FROM lot"
    " JOIN item ON item.id = lot.item_id JOIN depot ON depot.id = lot.depot_id"
)
_STATUSES = tuple(choice.code for choice in LOT_STATUSES)


@dataclass(frozen=True)
class CountLine:
    """What was found of one lot: everything that lies there, reserved and on hold included."""

    lot_id: str
    counted_e3: int
    reason: str | None = None


@dataclass(frozen=True)
class TakenIn:
    """Goods that a supplier brings to a depot."""

    depot_id: str
    item_id: str
    lot: str
    quantity_e3: int
    unit: str | None = None
    expires_on: str | None = None
    status: str = "usable"


class Taken(NamedTuple):
    """What is taken of one lot, and why where another one expires earlier."""

    lot_id: str
    quantity_e3: int
    reason: str | None = None


def local_day(conn: Connection, moment: datetime | str) -> str:
    """The district's date at a moment, as ISO text: a lot is usable on the day until which it is good."""
    return day_in(zone_of(conn), moment)


def zone_of(conn: Connection) -> ZoneInfo:
    """The time zone of the district."""
    return ZoneInfo(str(read_rows(conn, "SELECT timezone FROM district")[0][0]))


def day_in(zone: ZoneInfo, moment: datetime | str) -> str:
    """The date in a time zone at a moment, as ISO text."""
    return datetime.fromisoformat(schema.utc_text(moment)).astimezone(zone).date().isoformat()


def require_text(name: str, value: str | None, purpose: str) -> str:
    """The text without blanks around it; InputError where there is none."""
    if value is None or not value.strip():
        raise InputError(f"{name} is empty; {purpose}")
    return value.strip()


def require_once(lot_ids: Iterable[str]) -> None:
    """InputError where a lot is named twice."""
    seen: set[str] = set()
    for lot_id in lot_ids:
        if lot_id in seen:
            raise InputError(f"lot {lot_id} is there twice; one line for each lot")
        seen.add(lot_id)


def require_whole(name: str, quantity_e3: int, unit: str, *, there_e3: int = 0) -> None:
    """InputError for a part of what there are whole units of only.

    What lies there in parts already (`there_e3`), as older lists said, may go as it is.
    """
    if quantity_e3 % 1000 and not there_e3 % 1000 and unit not in DIVISIBLE_UNITS:
        raise InputError(
            f"{name}={shown(quantity_e3)}: the unit {unit} has no parts; give a whole number, or packs that make one"
        )


def lots_of(conn: Connection, lot_ids: Iterable[str], *, depot_id: str | None = None) -> dict[str, dict[str, Any]]:
    """The rows of some lots with the names of item and depot; NotFound for one that is not there, or lies elsewhere."""
    wanted = list(dict.fromkeys(lot_ids))
    found: dict[str, dict[str, Any]] = {}
    for chunk in chunks(wanted):
        text = f"{_LOTS} WHERE lot.id IN ({marks(chunk)})"
        found.update((row[0], dict(zip(_LOT_NAMES, row, strict=True))) for row in read_rows(conn, text, chunk))
    for lot_id in wanted:
        if lot_id not in found:
            raise NotFound(f"there is no lot {lot_id!r}; take it in or import it first")
        if depot_id is not None and found[lot_id]["depot_id"] != depot_id:
            raise NotFound(f"lot {lot_id!r} does not lie in depot {depot_id}; it is in {found[lot_id]['depot_id']}")
    return found


# -- counting


def count(
    conn: Connection,
    lines: Sequence[CountLine],
    *,
    actor: str,
    now_utc: datetime,
    checker: str | None = None,
    occurred_utc: datetime | str | None = None,
    depot_id: str | None = None,
) -> list[dict[str, Any]]:
    """Book what a physical count found: the difference to what should lie there at that moment, with its reason.

    It takes two persons, whoever books it: `checker` names the second. A line is kept for every lot, also where
    nothing differs. With `depot_id` lots elsewhere are refused. Conflict for a difference that is told after a
    newer count: that one says what lies there.
    """
    if not lines:
        raise InputError("lines is empty; a count has at least one lot")
    checked_by = _second_person(conn, actor, checker)
    require_once([line.lot_id for line in lines])
    recorded = ledger.recorded_utc(conn, now_utc)
    occurred = recorded if occurred_utc is None else schema.utc_text(occurred_utc)
    if occurred > recorded:
        raise InputError(f"occurred_utc={occurred}: it lies after the time of recording, {recorded}; check the clock")
    lots = lots_of(conn, [line.lot_id for line in lines], depot_id=depot_id)
    there = in_depot(conn, lots, None if occurred_utc is None else occurred)
    table = schema.table("stock_count")
    number = int(conn.scalar(sa.select(sa.func.max(table.c.seq))) or 0)
    rows: list[dict[str, Any]] = []
    movements: list[Movement] = []
    for line in lines:
        require_quantity(f"lot {line.lot_id}: counted", line.counted_e3, low_e3=0)
        require_whole(f"lot {line.lot_id}: counted", line.counted_e3, lots[line.lot_id]["unit"])
        free, reserved, held = there[line.lot_id]
        expected = free + reserved + held
        difference = line.counted_e3 - expected
        if line.counted_e3 < reserved + held:
            raise Conflict(
                f"lot {line.lot_id}: counted {shown(line.counted_e3)}, but {shown(reserved)} are reserved and"
                f" {shown(held)} on hold; cancel reservations or lift the hold first, then book the count"
            )
        if difference and not (line.reason or "").strip():
            raise InputError(
                f"lot {line.lot_id}: counted {shown(line.counted_e3)}, expected {shown(expected)}; a difference needs"
                " a reason"
            )
        number += 1
        identity = f"count-{number:06d}"
        if difference:
            ends = ("count_difference", "depot") if difference > 0 else ("depot", "count_difference")
            movements.append(
                Movement(
                    line.lot_id,
                    abs(difference),
                    *ends,
                    "count_difference",
                    occurred,
                    line.reason,
                    id=identity,
                    actor=actor,
                )
            )
        rows.append(
            {
                "id": identity,
                "lot_id": line.lot_id,
                "expected_e3": expected,
                "counted_e3": line.counted_e3,
                "reason": (line.reason or "").strip() or None,
                "actor": actor,
                "checker": checked_by,
                "movement_id": identity if difference else None,
                "occurred_utc": occurred,
                "recorded_utc": recorded,
            }
        )
    lot = schema.table("lot")
    with translated(), whole(conn):
        ledger.record(conn, movements, source=SOURCE, now_utc=recorded)
        conn.execute(sa.insert(table), rows)
        newer = [row["lot_id"] for row in rows if (lots[row["lot_id"]]["counted_utc"] or "") < occurred]
        if newer:
            conn.execute(
                sa.update(lot)
                .where(lot.c.id.in_(newer))
                .values(counted_utc=occurred, updated_utc=schema.as_given(recorded))
            )
    return [
        {
            **named(lots[row["lot_id"]]),
            "id": row["id"],
            "expected": number_of(row["expected_e3"]),
            "counted": number_of(row["counted_e3"]),
            "difference": number_of(row["counted_e3"] - row["expected_e3"]),
            "reason": row["reason"],
            "occurred_utc": occurred,
        }
        for row in rows
    ]


def _second_person(conn: Connection, actor: str, checker: str | None) -> str:
    """The name of who checked; InputError where there is none, or it is that of who counted, as account or by name."""
    said = require_text("checker", checker, "a count takes two persons: who counts and who checks")
    account = schema.table("account")
    mine = {actor, *conn.scalars(sa.select(account.c.name).where(account.c.id == actor))}
    if _name_key(said) in {_name_key(name) for name in mine}:
        raise InputError(f"checker={said}: expected somebody else than who counted")
    return said


def _name_key(name: str) -> str:
    """A name without what tells no two persons apart: blanks, case, width of letters."""
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())


def in_depot(
    conn: Connection, lots: Mapping[str, Mapping[str, Any]], true_at: str | None
) -> dict[str, tuple[int, int, int]]:
    """Free, reserved and on hold of lots as `lots_of` gives them: now (None), or at a moment, bound included."""
    if true_at is None:
        return {
            lot_id: (row["on_hand_e3"] - row["reserved_e3"] - row["on_hold_e3"], row["reserved_e3"], row["on_hold_e3"])
            for lot_id, row in lots.items()
        }
    was = ledger.balances(conn, true_at=true_at, lot_ids=list(lots))
    sums = was.groupby(["lot_id", "account"])["quantity_e3"].sum().to_dict()
    return {
        lot_id: (
            int(sums.get((lot_id, "depot"), 0)),
            int(sums.get((lot_id, "reserved"), 0)),
            int(sums.get((lot_id, "hold"), 0)),
        )
        for lot_id in lots
    }


def named(row: Mapping[str, Any]) -> dict[str, Any]:
    """What every answer says of a lot."""
    return {
        "lot_id": row["id"],
        "lot": row["lot"],
        "depot_id": row["depot_id"],
        "depot_name": row["depot_name"],
        "item_id": row["item_id"],
        "item_name": row["item_name"],
        "unit": row["unit"],
    }


# -- states of quality, holds, write-offs


def change_status(
    conn: Connection,
    lot_id: str,
    status: str,
    *,
    reason: str,
    actor: str,
    now_utc: datetime,
    depot_id: str | None = None,
    from_status: str | None = None,
) -> dict[str, Any]:
    """Give a lot another state of quality, with the reason; what is reserved of it stays bound, but is not issued.

    Conflict where it is not in `from_status`, the state that somebody saw (None: whatever it was).
    """
    if status not in _STATUSES:
        raise InputError(f"status={status}: expected one of {', '.join(_STATUSES)}")
    said = require_text("reason", reason, "say why the state changes")
    row = lots_of(conn, [lot_id], depot_id=depot_id)[lot_id]
    if row["status"] == status:
        raise Conflict(f"lot {lot_id} is {status} already")
    if from_status not in (None, row["status"]):
        raise Conflict(f"lot {lot_id} is {row['status']} by now, not {from_status}; take a new sheet")
    recorded = ledger.recorded_utc(conn, now_utc, "lot_status_change")
    lot = schema.table("lot")
    with translated(), whole(conn):
        conn.execute(
            sa.insert(schema.table("lot_status_change")),
            {
                "lot_id": lot_id,
                "from_status": row["status"],
                "to_status": status,
                "reason": said,
                "actor": actor,
                "occurred_utc": recorded,
                "recorded_utc": recorded,
            },
        )
        conn.execute(
            sa.update(lot).where(lot.c.id == lot_id).values(status=status, updated_utc=schema.as_given(recorded))
        )
    return {**named(row), "from_status": row["status"], "status": status, "reason": said, "recorded_utc": recorded}


def status_since(conn: Connection, lot_ids: Iterable[str], moment: str) -> dict[str, dict[str, Any]]:
    """Of the lots that changed their state after a moment, the first change since: from_status, to_status, when, why.

    A change at that very moment had happened.
    """
    change = schema.table("lot_status_change")
    names = ("lot_id", "from_status", "to_status", "occurred_utc", "reason")
    statement = (
        sa.select(*(change.c[name] for name in names))
        .where(change.c.lot_id.in_(list(lot_ids)), change.c.occurred_utc > moment)
        .order_by(change.c.seq.desc())
    )
    return {row["lot_id"]: dict(row) for row in conn.execute(statement).mappings()}


def unlike_their_changes(conn: Connection) -> list[tuple[str, str, str]]:
    """Lots whose state is not what their last change says: id, state, and what the change says."""
    lot, change = schema.table("lot"), schema.table("lot_status_change")
    last = sa.select(sa.func.max(change.c.seq)).group_by(change.c.lot_id)
    rows = conn.execute(
        sa.select(lot.c.id, lot.c.status, change.c.to_status)
        .join(change, change.c.lot_id == lot.c.id)
        .where(change.c.seq.in_(last), change.c.to_status != lot.c.status)
        .order_by(lot.c.fid)
    )
    return [(str(row[0]), str(row[1]), str(row[2])) for row in rows]


def hold(
    conn: Connection,
    lot_id: str,
    quantity_e3: int,
    *,
    reason: str,
    actor: str,
    now_utc: datetime,
    depot_id: str | None = None,
) -> dict[str, Any]:
    """Set a quantity aside, so that nobody reserves it."""
    move = Movement(lot_id, quantity_e3, "depot", "hold", "hold", None, reason, actor=actor)
    return _moved(conn, move, now_utc, depot_id)


def unhold(
    conn: Connection,
    lot_id: str,
    quantity_e3: int,
    *,
    reason: str,
    actor: str,
    now_utc: datetime,
    depot_id: str | None = None,
) -> dict[str, Any]:
    """Set a quantity free that was on hold."""
    move = Movement(lot_id, quantity_e3, "hold", "depot", "unhold", None, reason, actor=actor)
    return _moved(conn, move, now_utc, depot_id)


def write_off(
    conn: Connection,
    lot_id: str,
    quantity_e3: int,
    *,
    cause: str,
    reason: str,
    actor: str,
    now_utc: datetime,
    held: bool = False,
    depot_id: str | None = None,
) -> dict[str, Any]:
    """Write a quantity off that is damaged, missing, expired or recalled; `held` takes it from what is on hold."""
    account = "hold" if held else "depot"
    move = Movement(lot_id, quantity_e3, account, "written_off", "write_off", None, reason, cause=cause, actor=actor)
    return _moved(conn, move, now_utc, depot_id)


def _moved(conn: Connection, movement: Movement, now_utc: datetime, depot_id: str | None) -> dict[str, Any]:
    """Book one movement in the depot; what lies there of the lot afterwards."""
    require_text("reason", movement.reason, "say why")
    row = lots_of(conn, [movement.lot_id], depot_id=depot_id)[movement.lot_id]
    free = row["on_hand_e3"] - row["reserved_e3"] - row["on_hold_e3"]
    there = row["on_hold_e3"] if movement.from_account == "hold" else free
    require_whole(f"lot {movement.lot_id}: quantity", movement.quantity_e3, row["unit"], there_e3=there)
    ledger.record(conn, [movement], source=SOURCE, now_utc=now_utc)
    return _lies_there(conn, movement.lot_id)


def _lies_there(conn: Connection, lot_id: str) -> dict[str, Any]:
    row = lots_of(conn, [lot_id])[lot_id]
    on_hand, reserved, held = (row[name] for name in schema.BALANCES)
    return {
        **named(row),
        "on_hand": number_of(on_hand),
        "reserved": number_of(reserved),
        "on_hold": number_of(held),
        "available": number_of(on_hand - reserved - held),
    }


def reverse(conn: Connection, movement_id: str, *, reason: str, actor: str, now_utc: datetime) -> dict[str, Any]:
    """Undo what was booked by mistake apart from orders, as `reversals.OF_STOCK` says; what lies there afterwards.

    Conflict where the goods have moved on, or the lot was counted since.
    """
    said = require_text("reason", reason, "say why it is undone")
    recorded = ledger.recorded_utc(conn, now_utc)
    row = reversals.movement_of(conn, movement_id)
    with translated(), whole(conn):
        reversal = reversals.undo(conn, row, reason=said, actor=actor, source=SOURCE, now_utc=recorded)
    return {"id": reversal, "reverses": movement_id, "kind": row["kind"], **_lies_there(conn, row["lot_id"])}


# -- goods taken in


def take_in(
    conn: Connection,
    lines: Sequence[TakenIn],
    *,
    actor: str,
    now_utc: datetime,
    reason: str | None = None,
    occurred_utc: datetime | str | None = None,
) -> list[dict[str, Any]]:
    """Goods come from a supplier to a depot; a lot that is not there is made. Unit and expiry must fit.

    Conflict where the lot was counted after the goods are said to have come.
    """
    if not lines:
        raise InputError("lines is empty; expected at least one lot that comes in")
    recorded = ledger.recorded_utc(conn, now_utc)
    today = local_day(conn, recorded)
    lot, item, depot = schema.table("lot"), schema.table("item"), schema.table("depot")
    units = {str(item_id): str(unit) for item_id, unit in conn.execute(sa.select(item.c.id, item.c.unit))}
    depots = set(conn.scalars(sa.select(depot.c.id)))
    ids = [schema.id_of((line.depot_id, line.item_id, line.lot)) for line in lines]
    known = {
        row["id"]: dict(row)
        for row in conn.execute(
            sa.select(lot.c.id, lot.c.expires_on, lot.c.status, lot.c.counted_utc).where(lot.c.id.in_(ids))
        ).mappings()
    }
    occurred = recorded if occurred_utc is None else schema.utc_text(occurred_utc)
    new: dict[str, dict[str, Any]] = {}
    movements: list[Movement] = []
    for identity, line in zip(ids, lines, strict=True):
        require_text("lot", line.lot, "give the number of the lot, or the day it came in")
        if line.depot_id not in depots:
            raise NotFound(f"there is no depot {line.depot_id!r}")
        if line.item_id not in units:
            raise NotFound(f"there is no item {line.item_id!r} in the catalogue")
        if line.unit is not None and line.unit != units[line.item_id]:
            raise InputError(
                f"unit={line.unit}: {line.item_id} is counted in {units[line.item_id]}; convert the quantity first"
            )
        require_whole(f"lot {line.lot}: quantity", line.quantity_e3, units[line.item_id])
        if line.status not in _STATUSES:
            raise InputError(f"status={line.status}: expected one of {', '.join(_STATUSES)}")
        expires_on = cell("date", "expires_on", line.expires_on)
        if expires_on is not None and expires_on < today and line.status == "usable":
            raise InputError(f"expires_on={expires_on}: the goods have expired; take them in as expired, or send back")
        there = known.get(identity) or new.get(identity)
        if there is None:
            new[identity] = {
                "id": identity,
                "depot_id": line.depot_id,
                "item_id": line.item_id,
                "lot": line.lot,
                "unit": units[line.item_id],
                "status": line.status,
                "expires_on": expires_on,
                "source": SOURCE,
                "source_datum": "none",
                "updated_utc": recorded,
            }
        elif (there["expires_on"], there["status"]) != (expires_on, line.status):
            raise Conflict(
                f"lot {identity} is there: {there['status']}, good until {there['expires_on'] or 'any day'}; what comes"
                f" in is {line.status}, good until {expires_on or 'any day'}: give it another lot number"
            )
        movements.append(
            Movement(identity, line.quantity_e3, "supplier", "depot", "receipt", occurred, reason, actor=actor)
        )
    with translated(), whole(conn):
        if new:
            conn.execute(sa.insert(lot), list(new.values()))
        ledger.record(conn, movements, source=SOURCE, now_utc=recorded)
    found = lots_of(conn, ids)
    return [
        {**named(found[identity]), "expires_on": found[identity]["expires_on"], "quantity": number_of(m.quantity_e3)}
        for identity, m in zip(ids, movements, strict=True)
    ]


# -- packs


def packs_to_units(packs: int | str | Decimal, per_pack_e3: int) -> int:
    """Thousandths of a unit in a number of packs, exactly; a float or what is no whole thousandth is refused."""
    if isinstance(packs, float):
        raise InputError(f"packs={packs!r}: expected a whole number or a decimal number, not a float")
    units_e3 = Fraction(thousandths(packs, "packs") * _per_pack(per_pack_e3), 1000)
    if units_e3.denominator != 1:
        raise InputError(f"packs={packs}: at {shown(per_pack_e3)} a pack that is no whole thousandth of a unit")
    require_quantity(f"packs={packs}: quantity", int(units_e3), low_e3=0)
    return int(units_e3)


def units_to_packs(quantity_e3: int, per_pack_e3: int) -> Decimal:
    """How many packs a quantity is, exactly; a number of packs that is no whole thousandth is refused."""
    packs_e3 = Fraction(quantity_e3 * 1000, _per_pack(per_pack_e3))
    if packs_e3.denominator != 1:
        raise InputError(
            f"quantity={shown(quantity_e3)}: at {shown(per_pack_e3)} a pack that is no whole thousandth of a pack;"
            " say it in units"
        )
    return Decimal(int(packs_e3)) / 1000


def packs_and_rest(quantity_e3: int, per_pack_e3: int) -> tuple[int, int]:
    """Whole packs, and the thousandths of a unit left over."""
    return divmod(quantity_e3, _per_pack(per_pack_e3))


def pack_of(conn: Connection, item_id: str, pack: str) -> int:
    """Thousandths of a unit in one pack of an item; NotFound where that pack is not declared."""
    table = schema.table("pack")
    found = conn.execute(sa.select(table.c.pack, table.c.quantity_e3).where(table.c.item_id == item_id))
    sizes = {str(name): int(quantity_e3) for name, quantity_e3 in found}
    if pack not in sizes:
        known = ", ".join(sorted(sizes)) or "no pack"
        raise NotFound(f"{item_id} has no pack {pack!r}; it has {known}")
    return sizes[pack]


def _per_pack(per_pack_e3: int) -> int:
    if type(per_pack_e3) is not int or per_pack_e3 <= 0:
        raise InputError(f"per_pack_e3={per_pack_e3!r}: expected whole thousandths, more than 0")
    return per_pack_e3


# -- picking: what expires first goes first


_FREE = (
    "SELECT id, item_id, expires_on, on_hand_e3 - reserved_e3 - on_hold_e3 FROM lot WHERE depot_id = ?"
    " AND status = 'usable' AND on_hand_e3 - reserved_e3 - on_hold_e3 > 0"
    f" AND coalesce(expires_on, '{NEVER}') >= ?"
)


class FreeLot(NamedTuple):
    """What may be taken of a lot."""

    lot_id: str
    item_id: str
    expires_on: str | None
    free_e3: int


def free_lots(
    conn: Connection, depot_id: str, item_ids: Sequence[str], *, day: str, before: str | None = None
) -> list[FreeLot]:
    """What may be taken of some items in a depot on a day: usable, not expired, neither reserved nor on hold.

    What expires first comes first, what never does last; then by lot. With `before`, only what expires before that day.
    """
    items = list(dict.fromkeys(item_ids))
    earlier = "" if before is None else " AND expires_on < ?"
    text = f"{_FREE} AND item_id IN ({marks(items)}){earlier} ORDER BY coalesce(expires_on, '{NEVER}'), lot"
    given = (depot_id, day, *items, *([] if before is None else [before]))
    return [FreeLot(*row) for row in read_rows(conn, text, given)]


def first_expiry_first(lots: Iterable[FreeLot], quantity_e3: int) -> list[Taken]:
    """Take a quantity from lots as `free_lots` gives them; less than the quantity where they hold less."""
    found: list[Taken] = []
    left = quantity_e3
    for lot in lots:
        if left <= 0:
            break
        found.append(Taken(lot.lot_id, min(left, lot.free_e3)))
        left -= min(left, lot.free_e3)
    return found


def propose(conn: Connection, depot_id: str, item_id: str, quantity_e3: int, *, now_utc: datetime) -> list[Taken]:
    """Which lots of a depot to take for a quantity of an item; less than the quantity where there is less."""
    return first_expiry_first(free_lots(conn, depot_id, [item_id], day=local_day(conn, now_utc)), quantity_e3)


def require_reasons(
    taken: Sequence[Taken], lots: Mapping[str, Mapping[str, Any]], left_behind: Sequence[FreeLot]
) -> None:
    """InputError for whatever is taken without a reason while a lot that expires earlier is left behind.

    `lots` are the rows of the lots taken.
    """
    for line in taken:
        row = lots[line.lot_id]
        earlier = [
            (lot.expires_on or NEVER, lot.lot_id)
            for lot in left_behind
            if lot.free_e3 > 0
            and lot.item_id == row["item_id"]
            and (lot.expires_on or NEVER) < (row["expires_on"] or NEVER)
        ]
        if earlier and not (line.reason or "").strip():
            expires_on, lot_id = min(earlier)
            raise InputError(
                f"lot {line.lot_id}: lot {lot_id} expires earlier, on {expires_on}; take that one, or give a reason"
            )
