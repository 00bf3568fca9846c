"""The stock ledger: every change of stock is a movement of one lot from one account to another.

Movements are appended, never altered. A trigger keeps the balances of the lot (`on_hand_e3`,
`reserved_e3`, `on_hold_e3`, whole thousandths) and the accounts of each order (`holding`) in the same
transaction, and constraints keep every one of them from becoming negative. A hold is a quantity in an
account; a lot's status is a state of quality.

Every movement has two clocks: when it happened (`occurred_utc`) and when we were told (`recorded_utc`).
The recorded times never go back, whatever the clock of the machine does; what happened may be told
late, but not where it would leave less than nothing at some moment since.
"""

from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import Connection

from data import schema
from data.schema import ACCOUNTS, BALANCES, CAUSES, HELD_ACCOUNTS, MOVEMENT_KINDS, ON_HAND_ACCOUNTS
from data.store import Counts, cell, chunks, insert_many, marks, read_rows, translated
from data.writer import whole
from geo import supply
from geo.errors import Conflict, InputError, NotFound

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
    "from_ref",
    "to_ref",
    "to_lot_id",
    "cause",
    "actor",
)
_LIMIT_E3 = supply.MAX_QUANTITY * 1000
_DEPOT_ACCOUNTS = ("depot", "hold")  # kept with the lot; reserved is kept for each order

Key = tuple[str, str, str]
"""An account that is never negative: lot, account, and the order that it is kept for ("" for none)."""

PAIRS: dict[str, frozenset[tuple[str, str]]] = {
    "opening": frozenset({("opening", "depot")}),
    "count_difference": frozenset({("count_difference", "depot"), ("depot", "count_difference")}),
    "reserve": frozenset({("depot", "reserved")}),
    "release": frozenset({("reserved", "depot")}),
    "hold": frozenset({("depot", "hold")}),
    "unhold": frozenset({("hold", "depot")}),
    "receipt": frozenset({("supplier", "depot")}),
    "issue": frozenset({("depot", "in_transit"), ("reserved", "in_transit")}),
    "delivery": frozenset({("in_transit", "incident"), ("in_transit", "depot")}),
    "use": frozenset({("incident", "consumed")}),
    "return": frozenset({("incident", "returned"), ("in_transit", "returned")}),
    "restock": frozenset({("returned", "depot"), ("returned", "hold")}),
    "write_off": frozenset(
        (account, "written_off") for account in ("depot", "hold", "in_transit", "incident", "returned")
    ),
}
"""Between which accounts each kind of movement goes; a reversal goes back the way it came."""


@dataclass(frozen=True)
class Movement:
    """A quantity of one lot on its way from one account to another.

    `occurred_utc` is when it happened (None: when it is recorded). `from_ref` and `to_ref` are the order that an
    account is kept for. `to_lot_id` is the lot that the goods come to lie with in another depot. `id` may be given
    by the caller, so that the same movement cannot be recorded twice.
    """

    lot_id: str
    quantity_e3: int
    from_account: str
    to_account: str
    kind: str
    occurred_utc: datetime | str | None = None
    reason: str | None = None
    id: str | None = None
    reverses: str | None = None
    from_ref: str | None = None
    to_ref: str | None = None
    to_lot_id: str | None = None
    cause: str | None = None
    actor: str | None = None

    @property
    def from_key(self) -> Key:
        """The account that it takes from."""
        return self.lot_id, self.from_account, self.from_ref or ""

    @property
    def to_key(self) -> Key:
        """The account that it brings to."""
        return self.to_lot_id or self.lot_id, self.to_account, self.to_ref or ""

    @property
    def lots_changed(self) -> set[str]:
        """The lots of which more or less lies in a depot afterwards; bound, free or on hold is the same."""
        took = {self.lot_id} if self.from_account in ON_HAND_ACCOUNTS else set()
        brought = {self.to_lot_id or self.lot_id} if self.to_account in ON_HAND_ACCOUNTS else set()
        return took ^ brought


@dataclass(frozen=True)
class Discrepancy:
    """A balance that is not what the movements say; `ref` is the order of an account that is kept for one."""

    lot_id: str
    balance: str
    stored_e3: int
    moved_e3: int
    ref: str | None = None


def thousandths(value: Any, name: str = "quantity") -> int:
    """A quantity of the ledger as whole thousandths, exactly; finer, negative or not a number is refused."""
    found = supply.thousandths(value, name=name)
    if found < 0:
        raise InputError(f"{name}={value}: expected 0 or more")
    return found


def shown(quantity_e3: int) -> str:
    """Thousandths as a plain decimal number: 2500 is 2.5."""
    return (
        f"{Decimal(quantity_e3) / 1000:f}".rstrip("0").rstrip(".") if quantity_e3 % 1000 else str(quantity_e3 // 1000)
    )


def require_quantity(name: str, quantity_e3: int, *, low_e3: int = 1) -> None:
    """InputError, in the unit of the item, for a quantity below `low_e3` or above what a lot can hold."""
    if type(quantity_e3) is not int:
        raise InputError(f"{name}={quantity_e3!r}: expected a whole number of thousandths")
    if not low_e3 <= quantity_e3 <= _LIMIT_E3:
        low = "more than 0" if low_e3 else "0 or more"
        raise InputError(f"{name}={shown(quantity_e3)}: expected {low}, up to {_LIMIT_E3 // 1000}")


def recorded_utc(conn: Connection, now_utc: datetime | str, *logs: str) -> str:
    """The time under which a movement is recorded now: never before that of the last one, for clocks are set back.

    With `logs`, neither before that of the last entry of these.
    """
    newest = (f"(SELECT recorded_utc FROM {log} ORDER BY seq DESC LIMIT 1)" for log in ("movement", *logs))
    last = read_rows(conn, f"SELECT {', '.join(newest)}")[0]
    return max(schema.utc_text(now_utc), *(moment or "" for moment in last))


def record(
    conn: Connection,
    movements: Iterable[Movement],
    *,
    source: str,
    now_utc: datetime | str,
    import_run: str | None = None,
) -> int:
    """Append movements, all or none; the balances follow. How many were recorded.

    Conflict where an account would become negative, now or at any moment since the movement happened, and where a
    lot of which more or less lies there was counted since: the count says what lay there.
    """
    wanted = list(movements)
    if not wanted:
        return 0
    recorded = recorded_utc(conn, now_utc)
    items, there = _known(conn, wanted)
    for movement in wanted:
        _require_valid(conn, movement, items)
    occurred = [recorded if m.occurred_utc is None else schema.utc_text(m.occurred_utc) for m in wanted]
    for moment in occurred:
        if moment > recorded:
            raise InputError(f"occurred_utc={moment}: it lies after the time of recording, {recorded}; check the clock")
    _require_not_counted_since(conn, wanted, occurred, recorded)
    _require_there(wanted, there)
    _require_there_since(conn, wanted, occurred, recorded)
    rows = [
        (
            m.lot_id,
            m.quantity_e3,
            m.from_account,
            m.to_account,
            m.kind,
            m.reason,
            moment,
            recorded,
            source,
            import_run,
            m.reverses,
            m.from_ref,
            m.to_ref,
            m.to_lot_id,
            m.cause,
            m.actor,
            *(() if m.id is None else (m.id,)),
        )
        for m, moment in zip(wanted, occurred, strict=True)
    ]
    with translated(), whole(conn) if len(rows) > 1 else nullcontext():
        for has_id, part in groupby(rows, key=lambda row: len(row) > len(_COLUMNS)):
            names = [*_COLUMNS, "id"] if has_id else _COLUMNS
            insert_many(conn, schema.table("movement"), names, list(part))
    return len(rows)


def reverse(
    conn: Connection,
    movement_id: str,
    *,
    reason: str,
    source: str,
    now_utc: datetime | str,
    actor: str | None = None,
) -> str:
    """Undo one movement by a movement back, which names it; a second time is refused. The id of the movement back."""
    table = schema.table("movement")
    row = conn.execute(sa.select(table).where(table.c.id == movement_id)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"there is no movement {movement_id!r}")
    if conn.scalar(sa.select(sa.func.count()).where(table.c.reverses == movement_id)):
        raise Conflict(f"movement {movement_id} is reversed already")
    back = Movement(
        row["to_lot_id"] or row["lot_id"],
        int(row["quantity_e3"]),
        row["to_account"],
        row["from_account"],
        "reversal",
        None,
        reason,
        reverses=movement_id,
        from_ref=row["to_ref"],
        to_ref=row["from_ref"],
        to_lot_id=row["lot_id"] if row["to_lot_id"] else None,
        actor=actor,
    )
    record(conn, [back], source=source, now_utc=now_utc)
    return str(conn.scalar(sa.select(table.c.id).where(table.c.reverses == movement_id)))


def balances(
    conn: Connection,
    *,
    true_at: datetime | str | None = None,
    known_at: datetime | str | None = None,
    lot_ids: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Every account as it was at `true_at`, by what was known at `known_at`; both bounds included, None is now.

    Columns lot_id, account, ref ("" for no order), quantity_e3; accounts at 0 are left out. Accounts outside
    (supplier, consumed, ...) are in it, so that the sum over everything is 0.
    """
    table = schema.table("movement")
    conditions: list[Any] = []
    if true_at is not None:
        conditions.append(table.c.occurred_utc <= schema.utc_text(true_at))
    if known_at is not None:
        conditions.append(table.c.recorded_utc <= schema.utc_text(known_at))
    names = ["lot_id", "account", "ref", "quantity_e3"]
    rows: list[Any] = []
    parts = [None] if lot_ids is None else list(chunks(list(dict.fromkeys(lot_ids))))
    for part in parts:
        ends = sa.union_all(
            *(
                sa.select(
                    lot.label("lot_id"),
                    account.label("account"),
                    sa.func.coalesce(ref, "").label("ref"),
                    quantity.label("quantity_e3"),
                ).where(*conditions, *(() if part is None else (lot.in_(part),)))
                for lot, account, ref, quantity in (
                    (table.c.lot_id, table.c.from_account, table.c.from_ref, -table.c.quantity_e3),
                    (
                        sa.func.coalesce(table.c.to_lot_id, table.c.lot_id),
                        table.c.to_account,
                        table.c.to_ref,
                        table.c.quantity_e3,
                    ),
                )
            )
        ).subquery()
        total = sa.func.sum(ends.c.quantity_e3)
        keys = (ends.c.lot_id, ends.c.account, ends.c.ref)
        rows += conn.execute(sa.select(*keys, total).group_by(*keys).having(total != 0).order_by(*keys)).fetchall()
    frame = pd.DataFrame([tuple(row) for row in rows], columns=names)
    return frame.astype({"quantity_e3": "int64"})


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
    for chunk in chunks(list(wanted)):
        statement = sa.select(*(lot.c[name] for name in columns)).where(lot.c.id.in_(chunk))
        known.update({row["id"]: dict(row) for row in conn.execute(statement).mappings()})
    now = recorded_utc(conn, now_utc)
    counted_late = {lot_id: row["counted_utc"] for lot_id, row in wanted.items() if row.get("counted_utc")}
    moved_last = _last_moved(conn, [lot_id for lot_id in counted_late if lot_id in known])
    bound = _bound_to_orders(conn, list(known))
    movements: list[Movement] = []
    states: list[dict[str, Any]] = []
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
        if after["reserved_e3"] < bound.get(lot_id, 0):
            raise Conflict(
                f"lot {lot_id}: the list says {shown(after['reserved_e3'])} reserved, orders bind"
                f" {shown(bound[lot_id])}; cancel those orders, or leave the column out"
            )
        counted = row.get("counted_utc")
        occurred = now
        # a count that is older than the last movement cannot be told apart from it: its difference is booked now
        if counted is not None and moved_last.get(lot_id, "") <= counted <= now:
            is_new_count = old is None or counted != old.get("counted_utc")
            occurred = counted if is_new_count else now
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
            if "status" in attributes and old["status"] != row["status"]:
                states.append(
                    {
                        "lot_id": lot_id,
                        "from_status": old["status"],
                        "to_status": row["status"],
                        "reason": source or "list",
                        "actor": "import",
                        "occurred_utc": now,
                        "recorded_utc": now,
                    }
                )
        elif not steps:
            untouched += 1
        movements += steps
    with translated(), whole(conn):
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
        if states:
            conn.execute(sa.insert(schema.table("lot_status_change")), states)
        record(conn, movements, source=source, now_utc=now, import_run=import_run)
    return Counts(len(new), len(wanted) - len(new) - untouched, untouched)


def verify(conn: Connection) -> list[Discrepancy]:
    """Every stored balance that differs from the sum of its movements; empty when all is well."""
    moved: dict[Key, int] = {}
    now = balances(conn)
    columns = (now[name].tolist() for name in ("lot_id", "account", "ref", "quantity_e3"))
    for lot_id, account, ref, quantity_e3 in zip(*columns, strict=True):
        moved[(lot_id, account, ref)] = quantity_e3
    sums: dict[tuple[str, str], int] = {}
    for (lot_id, account, _), quantity_e3 in moved.items():
        for name, accounts in (
            ("on_hand_e3", ON_HAND_ACCOUNTS),
            ("reserved_e3", ("reserved",)),
            ("on_hold_e3", ("hold",)),
        ):
            if account in accounts:
                sums[(lot_id, name)] = sums.get((lot_id, name), 0) + quantity_e3
    lot, holding = schema.table("lot"), schema.table("holding")
    found = [
        Discrepancy(row[0], name, int(stored), sums.get((row[0], name), 0))
        for row in conn.execute(sa.select(lot.c.id, *(lot.c[name] for name in BALANCES)).order_by(lot.c.id))
        for name, stored in zip(BALANCES, row[1:], strict=True)
        if int(stored) != sums.get((row[0], name), 0)
    ]
    held = {key: quantity_e3 for key, quantity_e3 in moved.items() if key[1] in HELD_ACCOUNTS}
    stored_holdings = {
        (row[0], row[1], row[2]): int(row[3])
        for row in conn.execute(sa.select(holding.c.lot_id, holding.c.account, holding.c.ref, holding.c.quantity_e3))
    }
    found += [
        Discrepancy(key[0], key[1], stored_holdings.get(key, 0), held.get(key, 0), key[2])
        for key in sorted(stored_holdings.keys() | held.keys())
        if stored_holdings.get(key, 0) != held.get(key, 0)
    ]
    return found


def _last_moved(conn: Connection, lot_ids: list[str]) -> dict[str, str]:
    """When the last movement of each lot happened."""
    table = schema.table("movement")
    found: dict[str, str] = {}
    for lot in (table.c.lot_id, table.c.to_lot_id):
        for chunk in chunks(lot_ids):
            statement = sa.select(lot, sa.func.max(table.c.occurred_utc)).where(lot.in_(chunk)).group_by(lot)
            for lot_id, moment in conn.execute(statement):
                found[lot_id] = max(moment, found.get(lot_id, ""))
    return found


def _bound_to_orders(conn: Connection, lot_ids: list[str]) -> dict[str, int]:
    """What of each lot is reserved for orders."""
    table = schema.table("holding")
    is_bound = (table.c.account == "reserved") & (table.c.ref != "") & (table.c.quantity_e3 > 0)
    columns = (table.c.lot_id, sa.func.sum(table.c.quantity_e3))
    return {
        lot_id: int(quantity_e3)
        for chunk in chunks(lot_ids)
        for lot_id, quantity_e3 in conn.execute(
            sa.select(*columns).where(is_bound, table.c.lot_id.in_(chunk)).group_by(table.c.lot_id)
        )
    }


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


def _require_valid(conn: Connection, movement: Movement, items: dict[str, str]) -> None:
    pair = (movement.from_account, movement.to_account)
    for account in pair:
        if account not in ACCOUNTS:
            raise InputError(f"account {account!r}: expected one of {', '.join(ACCOUNTS)}")
    if movement.kind not in MOVEMENT_KINDS:
        raise InputError(f"kind {movement.kind!r}: expected one of {', '.join(MOVEMENT_KINDS)}")
    require_quantity(f"lot {movement.lot_id}: quantity", movement.quantity_e3)
    if (movement.kind == "reversal") != (movement.reverses is not None):
        raise InputError("a reversal names the movement that it reverses, and only a reversal does")
    for lot_id in (movement.lot_id, movement.to_lot_id):
        if lot_id is not None and lot_id not in items:
            raise NotFound(f"there is no lot {lot_id!r}; import it first")
    if movement.kind == "reversal":
        _require_mirror(conn, movement)
        return
    if pair not in PAIRS[movement.kind]:
        allowed = " or ".join(f"{a} to {b}" for a, b in sorted(PAIRS[movement.kind]))
        raise InputError(f"{movement.kind} from {pair[0]} to {pair[1]}: expected {allowed}")
    for account, ref in zip(pair, (movement.from_ref, movement.to_ref), strict=True):
        if ref is not None and (account not in HELD_ACCOUNTS or not ref):
            raise InputError(f"{account} of order {ref!r}: only {', '.join(HELD_ACCOUNTS)} are kept for an order")
    if all(account in HELD_ACCOUNTS for account in pair) and movement.from_ref != movement.to_ref:
        raise InputError(f"goods of order {movement.from_ref!r} do not become those of order {movement.to_ref!r}")
    if movement.cause is not None and (movement.kind != "write_off" or movement.cause not in CAUSES):
        raise InputError(f"cause={movement.cause!r}: expected one of {', '.join(CAUSES)}, for a write_off only")
    _require_transfer(movement, items)


def _require_transfer(movement: Movement, items: dict[str, str]) -> None:
    """Goods come to lie with another lot where they are delivered to a depot, and may where they come back."""
    lot_id, to_lot_id = movement.lot_id, movement.to_lot_id
    if to_lot_id is None:
        if (movement.from_account, movement.to_account) == ("in_transit", "depot"):
            raise InputError(f"delivery of lot {lot_id} to a depot: expected the lot that it comes to lie with")
        return
    if movement.kind not in ("delivery", "restock") or movement.to_account not in _DEPOT_ACCOUNTS:
        raise InputError(f"{movement.kind} of lot {lot_id}: only what comes into a depot comes to another lot")
    if to_lot_id == lot_id:
        raise InputError(
            f"to_lot_id={to_lot_id}: expected another lot than the goods are of; leave it out for the same"
        )
    if items[to_lot_id] != items[lot_id]:
        raise InputError(f"to_lot_id={to_lot_id}: it is of {items[to_lot_id]}, lot {lot_id} is of {items[lot_id]}")


def _require_mirror(conn: Connection, movement: Movement) -> None:
    table = schema.table("movement")
    row = conn.execute(sa.select(table).where(table.c.id == movement.reverses)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"there is no movement {movement.reverses!r}")
    there = (row["lot_id"], row["from_account"], row["from_ref"] or "")
    back = (row["to_lot_id"] or row["lot_id"], row["to_account"], row["to_ref"] or "")
    if (movement.from_key, movement.to_key, movement.quantity_e3) != (back, there, row["quantity_e3"]):
        raise InputError(f"the reversal of {movement.reverses} must take the same quantity back the same way")


def _is_kept(account: str) -> bool:
    return account in _DEPOT_ACCOUNTS or account in HELD_ACCOUNTS


def _of_order(ref: str) -> str:
    return f" of order {ref}" if ref else ""


def _require_there(wanted: Sequence[Movement], there: dict[Key, int]) -> None:
    """Each movement in turn finds what it takes, after those before it."""
    for movement in wanted:
        if _is_kept(movement.from_account):
            key = movement.from_key
            if movement.quantity_e3 > there.get(key, 0):
                raise Conflict(
                    f"lot {key[0]}: {shown(movement.quantity_e3)} asked from {key[1]}{_of_order(key[2])}, only"
                    f" {shown(there.get(key, 0))} there; nothing was recorded"
                )
            there[key] -= movement.quantity_e3
        there[movement.to_key] = there.get(movement.to_key, 0) + movement.quantity_e3


def _require_there_since(conn: Connection, wanted: Sequence[Movement], occurred: Sequence[str], recorded: str) -> None:
    """What is told late finds what it takes at every moment since it happened."""
    first: dict[Key, str] = {}
    for movement, moment in zip(wanted, occurred, strict=True):
        if moment < recorded and _is_kept(movement.from_account):
            key = movement.from_key
            first[key] = min(moment, first.get(key, moment))
    if not first:
        return
    steps: dict[Key, list[tuple[str, int]]] = {key: [] for key in first}
    ends = [(m.from_key, m.to_key, m.quantity_e3, moment) for m, moment in zip(wanted, occurred, strict=True)]
    for from_key, to_key, quantity_e3, moment in [*_ends_of(conn, [key[0] for key in first]), *ends]:
        if from_key in steps:
            steps[from_key].append((moment, -quantity_e3))
        if to_key in steps:
            steps[to_key].append((moment, quantity_e3))
    for key, changes in steps.items():
        left = 0
        for moment, part in groupby(sorted(changes), key=lambda change: change[0]):
            left += sum(change for _, change in part)
            if left < 0 and moment >= first[key]:
                raise Conflict(
                    f"lot {key[0]}: what is said to have happened at {first[key]} would have left {shown(left)} in"
                    f" {key[1]}{_of_order(key[2])} at {moment}; nothing was recorded"
                )


def _require_not_counted_since(
    conn: Connection, wanted: Sequence[Movement], occurred: Sequence[str], recorded: str
) -> None:
    """A count says what lay there, whatever is told of the time before it; else it would count twice."""
    first: dict[str, str] = {}
    for movement, moment in zip(wanted, occurred, strict=True):
        if moment < recorded:
            for lot_id in movement.lots_changed:
                first[lot_id] = min(moment, first.get(lot_id, moment))
    lot = schema.table("lot")
    for chunk in chunks(list(first)):
        for lot_id, counted in conn.execute(sa.select(lot.c.id, lot.c.counted_utc).where(lot.c.id.in_(chunk))):
            if (counted or "") > first[lot_id]:
                raise Conflict(
                    f"lot {lot_id} was counted at {counted}, after {first[lot_id]}; what lay there then is known. Give"
                    " a time after it and count again"
                )


def _ends_of(conn: Connection, lot_ids: Sequence[str]) -> Iterable[tuple[Key, Key, int, str]]:
    """Every movement of some lots: from where, to where, how much, when it happened."""
    table = schema.table("movement")
    names = ("lot_id", "to_lot_id", "from_account", "from_ref", "to_account", "to_ref", "quantity_e3", "occurred_utc")
    for chunk in chunks(list(dict.fromkeys(lot_ids))):
        statement = sa.select(*(table.c[name] for name in names)).where(
            table.c.lot_id.in_(chunk) | table.c.to_lot_id.in_(chunk)
        )
        for lot_id, to_lot_id, source, from_ref, target, to_ref, quantity_e3, moment in conn.execute(statement):
            yield (lot_id, source, from_ref or ""), (to_lot_id or lot_id, target, to_ref or ""), quantity_e3, moment


def _known(conn: Connection, wanted: Sequence[Movement]) -> tuple[dict[str, str], dict[Key, int]]:
    """The item of every lot that is named, and what the accounts hold now that something is taken from."""
    items: dict[str, str] = {}
    there: dict[Key, int] = {}
    ids = dict.fromkeys(lot_id for m in wanted for lot_id in (m.lot_id, m.to_lot_id) if lot_id is not None)
    columns = ", ".join(("id", "item_id", *BALANCES))
    for chunk in chunks(list(ids)):
        for lot_id, item_id, on_hand, reserved, held in read_rows(
            conn, f"SELECT {columns} FROM lot WHERE id IN ({marks(chunk)})", chunk
        ):
            items[lot_id] = item_id
            there[(lot_id, "depot", "")] = int(on_hand) - int(reserved) - int(held)
            there[(lot_id, "hold", "")] = int(held)
    keys = sorted({m.from_key for m in wanted if m.from_account in HELD_ACCOUNTS})
    for part in chunks(keys):
        places = ", ".join(["(?, ?, ?)"] * len(part))
        for lot_id, account, ref, quantity_e3 in read_rows(
            conn,
            f"SELECT lot_id, account, ref, quantity_e3 FROM holding WHERE (lot_id, account, ref) IN (VALUES {places})",
            [value for key in part for value in key],
        ):
            there[(lot_id, account, ref)] = int(quantity_e3)
    return items, there


__all__ = [
    "ON_HAND_ACCOUNTS",
    "PAIRS",
    "Discrepancy",
    "Key",
    "Movement",
    "apply_lots",
    "balances",
    "record",
    "recorded_utc",
    "require_quantity",
    "reverse",
    "shown",
    "thousandths",
    "verify",
]
