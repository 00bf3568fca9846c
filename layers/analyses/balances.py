"""The ledger with its two clocks: what lay where at a moment, by what was known at another."""

from datetime import datetime
from typing import Any

from data import ledger
from geo.errors import NotFound
from geo.supply import number_of
from layers.district import District

SHOWN = ("depot", "reserved", "hold", "in_transit", "incident", "returned")
"""The accounts in which goods can be; those outside the stock are left out."""


def balances(
    district: District,
    *,
    true_at: datetime | None = None,
    known_at: datetime | None = None,
    item: str | None = None,
    depot: str | None = None,
) -> dict[str, Any]:
    """Every lot by account as it was at `true_at`, by what was recorded until `known_at`.

    Both bounds are included, None is now.
    """
    view = district.view()
    lots = view.frame("lot")
    for name, value, table in (("item", item, "item"), ("depot", depot, "depot")):
        if value is not None and value not in set(view.frame(table)["id"]):
            raise NotFound(f"there is no {name} '{value}'")
    mine = lots if item is None else lots[lots["item_id"] == item]
    mine = mine if depot is None else mine[mine["depot_id"] == depot]
    with district.store.reading() as conn:
        found = ledger.balances(conn, true_at=true_at, known_at=known_at, lot_ids=mine["id"].tolist())
    found = found[found["account"].isin(SHOWN)]
    about = mine.set_index("id")[["depot_id", "item_id", "lot"]].to_dict("index")
    items = view.frame("item")
    names = dict(zip(items["id"], zip(items["name"], items["unit"], strict=True), strict=True))
    depots = dict(view.frame("depot")[["id", "name"]].itertuples(index=False, name=None))
    rows = []
    for lot_id, account, ref, quantity_e3 in found.itertuples(index=False):
        row = about[lot_id]
        name, unit = names[row["item_id"]]
        rows.append(
            {
                "lot_id": lot_id,
                **row,
                "item_name": name,
                "depot_name": depots[row["depot_id"]],
                "account": account,
                "order": ref or None,
                "quantity": number_of(int(quantity_e3)),
                "unit": unit,
            }
        )
    order = ("depot_id", "item_id", "lot")
    rows.sort(key=lambda row: (*(row[name] for name in order), SHOWN.index(row["account"]), row["order"] or ""))
    return {
        "true_at": None if true_at is None else true_at.isoformat(),
        "known_at": None if known_at is None else known_at.isoformat(),
        "revision": view.revision,
        "rows": rows,
    }
