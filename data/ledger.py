"""The stock ledger: every change of stock is a movement of one lot from one account to another.

Movements are appended, never altered. A trigger keeps the balances of the lot (`on_hand_e3`,
`reserved_e3`, `on_hold_e3`, whole thousandths) in the same transaction, and constraints keep every
account in the depot from becoming negative. A hold is a quantity in an account; a lot's
status is a state of quality.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from itertools import groupby
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import Connection

from data import schema
from data.schema import ACCOUNTS, BALANCES, MOVEMENT_KINDS, ON_HAND_ACCOUNTS
from data.store import Counts, cell, insert_many, translated
from geo.errors import Conflict, InputError, NotFound

_CHUNK = 500
_COLUMNS = (
    "lot_id",
    "quantity_e3",
    "from_account",
    "to_account",
    "kind",
    "reason",
    "occurred_utc",
    "recorded_utc",
    "source",
    "import_run",
    "reverses",
)
_LIMIT_E3 = 10**12

PAIRS: dict[str, frozenset[tuple[str, str]]] = {
    "opening": frozenset({("opening", "depot")}),
    "count_difference": frozenset({("count_difference", "depot"), ("depot", "count_difference")}),
    "reserve": frozenset({("depot", "reserved")}),
    "release": frozenset({("reserved", "depot")}),
    "hold": frozenset({("depot", "hold")}),
    "unhold": frozenset({("hold", "depot")}),
    "receipt": frozenset({("supplier", "depot")}),
    "issue": frozenset({("depot", "in_transit"), ("reserved", "in_transit")}),
    "delivery": frozenset({("in_transit", "incident")}),
    "use": frozenset({("incident", "consumed")}),
    "return": frozenset({("incident", "returned"), ("in_transit", "returned")}),
    "restock": frozenset({("returned", "depot"), ("returned", "hold")}),
    "write_off": frozenset((account, "written_off") for account in ("depot", "hold", "in_transit", "returned")),
}
"""Between which accounts each kind of movement goes; a reversal goes back the way it came."""


@dataclass(frozen=True)
class Movement:
    """A quantity of one lot on its way from one account to another.

    `occurred_utc` is when it happened, the recording time is when we were told. `id` may be
    given by the caller, so that the same movement cannot be recorded twice.
    """

    lot_id: str
    quantity_e3: int
    from_account: str
    to_account: str
    kind: str
    occurred_utc: datetime | str
    reason: str | None = None
    id: str | None = None
    reverses: str | None = None


@dataclass(frozen=True)
class Discrepancy:
    """A balance that is not what the movements say."""

    lot_id: str
    balance: str
    stored_e3: int
    moved_e3: int


def thousandths(value: Any, name: str = "quantity") -> int:
    """A quantity as whole thousandths, exactly; finer, negative or not a number is refused."""
    try:
        found = Decimal(str(value)) * 1000
        whole = int(found)
    except (InvalidOperation, ValueError, OverflowError):
        raise InputError(f"{name}={value!r}: expected a number") from None
    if found != whole:
        raise InputError(f"{name}={value}: expected at most three digits after the point")
    if not 0 <= whole <= _LIMIT_E3:
        raise InputError(f"{name}={value}: expected 0 to {_LIMIT_E3 // 1000}")
    return whole


def shown(quantity_e3: int) -> str:
    """Thousandths as a plain decimal number: 2500 is 2.5."""
    return (
        f"{Decimal(quantity_e3) / 1000:f}".rstrip("0").rstrip(".") if quantity_e3 % 1000 else str(quantity_e3 // 1000)
    )


def record(
    conn: Connection,
    movements: Iterable[Movement],
    *,
    source: str,
    now_utc: datetime | str,
    import_run: str | None = None,
) -> int:
    """Append movements, all or none; the balances follow. How many were recorded."""
    wanted = list(movements)
    if not wanted:
        return 0
    accounts = {
        lot_id: {"depot": on_hand - reserved - held, "reserved": reserved, "hold": held}
        for lot_id, (on_hand, reserved, held) in _balances_of(conn, [m.lot_id for m in wanted]).items()
    }
    for movement in wanted:
        _require_valid(conn, movement)
        stock = accounts.get(movement.lot_id)
        if stock is None:
            raise NotFound(f"there is no lot {movement.lot_id!r}; import it first")
        if movement.from_account in stock:
            there = stock[movement.from_account]
            if movement.quantity_e3 > there:
                raise Conflict(
                    f"lot {movement.lot_id}: {shown(movement.quantity_e3)} asked from"
                    f" {movement.from_account}, only {shown(there)} there; nothing was recorded"
                )
            stock[movement.from_account] -= movement.quantity_e3
        if movement.to_account in stock:
            stock[movement.to_account] += movement.quantity_e3
    recorded_utc = schema.utc_text(now_utc)
    rows = [
        (
            m.lot_id,
            m.quantity_e3,
            m.from_account,
            m.to_account,
            m.kind,
            m.reason,
            schema.utc_text(m.occurred_utc),
            recorded_utc,
            source,
            import_run,
            m.reverses,
            *(() if m.id is None else (m.id,)),
        )
        for m in wanted
    ]
    with translated(), conn.begin_nested():
        for has_id, part in groupby(rows, key=lambda row: len(row) > len(_COLUMNS)):
            names = [*_COLUMNS, "id"] if has_id else _COLUMNS
            insert_many(conn, schema.table("movement"), names, list(part))
    return len(rows)


def reverse(conn: Connection, movement_id: str, *, reason: str, source: str, now_utc: datetime | str) -> None:
    """Undo one movement by a movement back, which names it; a second time is refused."""
    table = schema.table("movement")
    row = conn.execute(sa.select(table).where(table.c.id == movement_id)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"there is no movement {movement_id!r}")
    if conn.scalar(sa.select(sa.func.count()).where(table.c.reverses == movement_id)):
        raise Conflict(f"movement {movement_id} is reversed already")
    record(
        conn,
        [
            Movement(
                row["lot_id"],
                int(row["quantity_e3"]),
                row["to_account"],
                row["from_account"],
                "reversal",
                now_utc,
                reason,
                reverses=movement_id,
            )
        ],
        source=source,
        now_utc=now_utc,
    )


def apply_lots(
    conn: Connection,
    rows: pd.DataFrame,
    *,
    source: str,
    now_utc: datetime | str,
    import_run: str | None = None,
) -> Counts:
    """Bring stock to what a list says, by movements; lots that the list lacks stay as they are.

    Columns as kind "lots" in `data.kinds`. A new lot gets an opening balance; a changed quantity is a
    count difference; changed reserved and on_hold move between accounts. Equal rows do nothing.
    """
    wanted = _wanted(rows)
    lot = schema.table("lot")
    attributes = [name for name in ("unit", "status", "expires_on", "counted_utc") if name in rows.columns]
    columns = ["id", *BALANCES, *attributes]
    known: dict[str, dict[str, Any]] = {}
    for chunk in _chunks(list(wanted)):
        statement = sa.select(*(lot.c[name] for name in columns)).where(lot.c.id.in_(chunk))
        known.update({row["id"]: dict(row) for row in conn.execute(statement).mappings()})
    now = schema.utc_text(now_utc)
    movements: list[Movement] = []
    new: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    untouched = 0
    for lot_id, row in wanted.items():
        old = known.get(lot_id)
        before = {name: int(old[name]) for name in BALANCES} if old else dict.fromkeys(BALANCES, 0)
        after = {name: before[name] if row[name] is None else row[name] for name in BALANCES}
        if after["reserved_e3"] + after["on_hold_e3"] > after["on_hand_e3"]:
            raise InputError(
                f"lot {lot_id}: reserved {shown(after['reserved_e3'])} and on hold"
                f" {shown(after['on_hold_e3'])} are more than the quantity {shown(after['on_hand_e3'])}"
            )
        counted = row.get("counted_utc")
        occurred = now
        if counted is not None and counted <= now and (old is None or counted != old.get("counted_utc")):
            occurred = counted
        steps = list(_steps(lot_id, before, after, occurred, is_new=old is None))
        if old is None:
            new.append(
                {
                    "id": lot_id,
                    **{name: row[name] for name in ("depot_id", "item_id", "lot", *attributes)},
                    "source": source,
                    "source_datum": "none",
                    "updated_utc": now,
                }
            )
        elif any(old[name] != row[name] for name in attributes):
            changed.append({"_id": lot_id, **{name: row[name] for name in attributes}})
        elif not steps:
            untouched += 1
        movements += steps
    with translated(), conn.begin_nested():
        if new:
            conn.execute(sa.insert(lot), new)
        if changed:
            conn.execute(
                sa.update(lot)
                .where(lot.c.id == sa.bindparam("_id"))
                .values(
                    {name: sa.bindparam(name) for name in attributes}
                    | {"source": source, "updated_utc": schema.as_given(now)}
                ),
                changed,
            )
        record(conn, movements, source=source, now_utc=now, import_run=import_run)
    return Counts(len(new), len(wanted) - len(new) - untouched, untouched)


def verify(conn: Connection) -> list[Discrepancy]:
    """Every stored balance that differs from the sum of its movements; empty when all is well."""
    lot, movement = schema.table("lot"), schema.table("movement")
    sums: list[Any] = [
        sa.func.coalesce(sa.func.sum(sa.literal_column(schema.balance_sql(name, "movement."))), 0) for name in BALANCES
    ]
    statement = (
        sa.select(lot.c.id, *(lot.c[name] for name in BALANCES), *sums)
        .select_from(lot.outerjoin(movement, movement.c.lot_id == lot.c.id))
        .group_by(lot.c.id, *(lot.c[name] for name in BALANCES))
        .order_by(lot.c.id)
    )
    found = []
    for row in conn.execute(statement):
        stored, moved = row[1 : 1 + len(BALANCES)], row[1 + len(BALANCES) :]
        found += [
            Discrepancy(row[0], name, int(a), int(b))
            for name, a, b in zip(BALANCES, stored, moved, strict=True)
            if int(a) != int(b)
        ]
    return found


def _wanted(rows: pd.DataFrame) -> dict[str, dict[str, Any]]:
    keys = ("depot_id", "item_id", "lot")
    missing = [name for name in keys if name not in rows.columns]
    if missing:
        raise InputError(f"lots: column {', '.join(missing)} is missing")
    kind = schema.kind_of("lot")
    assert kind is not None
    cells: dict[str, list[Any]] = {}
    for column in kind.columns:
        name = schema.stored_name(column)
        given = rows[column.name].tolist() if column.name in rows.columns else None
        if column.type == "quantity":
            if given is None:
                cells[name] = [None] * len(rows)
            else:
                cells[name] = [_quantity(value, column.name, column.default) for value in given]
        elif given is not None:
            found = [cell(column.type, name, value) for value in given]
            cells[name] = [column.default if cell is None else cell for cell in found]
    for name in keys:
        if None in cells[name]:
            raise InputError(f"lots.{name}: row {cells[name].index(None) + 1} is empty; a value is required")
    wanted: dict[str, dict[str, Any]] = {}
    for i in range(len(rows)):
        row = {name: values[i] for name, values in cells.items()}
        lot_id = schema.id_of(row[name] for name in keys)
        if lot_id in wanted:
            raise InputError(f"lots: {lot_id} occurs twice, again in row {i + 1}; one row for each lot")
        wanted[lot_id] = row
    return wanted


def _quantity(value: Any, name: str, default: Any) -> int:
    if cell("text", name, value) is not None:
        return thousandths(value, name)
    if default is None:
        raise InputError(f"{name} is empty; a quantity is required, 0 for none")
    return thousandths(default, name)


def _steps(
    lot_id: str, before: dict[str, int], after: dict[str, int], occurred_utc: str, *, is_new: bool
) -> Iterable[Movement]:
    """The movements from one state to the other: set free first, then count, then bind again."""

    def move(quantity_e3: int, source: str, target: str, kind: str) -> Iterable[Movement]:
        if quantity_e3 > 0:
            yield Movement(lot_id, quantity_e3, source, target, kind, occurred_utc)

    yield from move(before["reserved_e3"] - after["reserved_e3"], "reserved", "depot", "release")
    yield from move(before["on_hold_e3"] - after["on_hold_e3"], "hold", "depot", "unhold")
    more = after["on_hand_e3"] - before["on_hand_e3"]
    if is_new:
        yield from move(more, "opening", "depot", "opening")
    else:
        yield from move(more, "count_difference", "depot", "count_difference")
        yield from move(-more, "depot", "count_difference", "count_difference")
    yield from move(after["reserved_e3"] - before["reserved_e3"], "depot", "reserved", "reserve")
    yield from move(after["on_hold_e3"] - before["on_hold_e3"], "depot", "hold", "hold")


def _require_valid(conn: Connection, movement: Movement) -> None:
    pair = (movement.from_account, movement.to_account)
    for account in pair:
        if account not in ACCOUNTS:
            raise InputError(f"account {account!r}: expected one of {', '.join(ACCOUNTS)}")
    if movement.kind not in MOVEMENT_KINDS:
        raise InputError(f"kind {movement.kind!r}: expected one of {', '.join(MOVEMENT_KINDS)}")
    if type(movement.quantity_e3) is not int or not 0 < movement.quantity_e3 <= _LIMIT_E3:
        raise InputError(f"quantity_e3={movement.quantity_e3!r}: expected whole thousandths, more than 0")
    if (movement.kind == "reversal") != (movement.reverses is not None):
        raise InputError("a reversal names the movement that it reverses, and only a reversal does")
    if movement.kind == "reversal":
        _require_mirror(conn, movement)
    elif pair not in PAIRS[movement.kind]:
        allowed = " or ".join(f"{a} to {b}" for a, b in sorted(PAIRS[movement.kind]))
        raise InputError(f"{movement.kind} from {pair[0]} to {pair[1]}: expected {allowed}")


def _require_mirror(conn: Connection, movement: Movement) -> None:
    table = schema.table("movement")
    row = conn.execute(sa.select(table).where(table.c.id == movement.reverses)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"there is no movement {movement.reverses!r}")
    if (row["lot_id"], row["quantity_e3"], row["to_account"], row["from_account"]) != (
        movement.lot_id,
        movement.quantity_e3,
        movement.from_account,
        movement.to_account,
    ):
        raise InputError(f"the reversal of {movement.reverses} must take the same quantity back the same way")


def _balances_of(conn: Connection, lot_ids: Sequence[str]) -> dict[str, tuple[int, int, int]]:
    lot = schema.table("lot")
    found: dict[str, tuple[int, int, int]] = {}
    for chunk in _chunks(list(dict.fromkeys(lot_ids))):
        statement = sa.select(lot.c.id, *(lot.c[name] for name in BALANCES)).where(lot.c.id.in_(chunk))
        found.update({row[0]: (int(row[1]), int(row[2]), int(row[3])) for row in conn.execute(statement)})
    return found


def _chunks(values: list[str]) -> Iterable[list[str]]:
    return (values[i : i + _CHUNK] for i in range(0, len(values), _CHUNK))


__all__ = [
    "ON_HAND_ACCOUNTS",
    "PAIRS",
    "Discrepancy",
    "Movement",
    "apply_lots",
    "record",
    "reverse",
    "shown",
    "thousandths",
    "verify",
]
