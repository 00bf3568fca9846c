"""Which layers a changed table touches, and who may hear of it. Pure: rows in, plain values out."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from data.watching import Rows
from layers import permissions
from layers.catalogue import LAYERS
from layers.layer import Role, Table

_AREAS = ("response_time", "team_territories")
_TIMES = (*_AREAS, "uncovered_places")

FURTHER: dict[str, tuple[str, ...]] = {
    "boundary": _AREAS,
    "road": _TIMES,
    "closure": _TIMES,
    "raster": _TIMES,
    "team": (*_TIMES, "streets"),
    "street": ("uncovered_places",),
    "village": ("uncovered_places", "streets"),
    "cell": ("uncovered_places",),
    "enterprise": ("uncovered_places",),
    "lot": ("depots", "supply_orders"),
    "item": ("supply_orders", "depots"),
    "movement": ("depots",),
    "stock_count": ("depots",),
    "supply_order": ("supply_orders", "supply_requests"),
    "supply_order_line": ("supply_orders",),
    "supply_request": ("supply_orders", "supply_requests"),
    "depot": ("supply_orders",),
    "vehicle": ("supply_orders",),
}
"""Table -> the layers that show something of it besides the layer of its own rows."""

STAFF_FURTHER: dict[str, tuple[str, ...]] = {"device": ("depots",), "reading": ("depots",)}
"""The same of fields that only who may `supply.read` sees."""

BASE_TABLES = ("boundary", "road", "water")
"""What the base map is drawn from."""

SUPPLY_TABLES = frozenset(
    {
        "device",
        "lot_status_change",
        "movement",
        "order_event",
        "pack",
        "reading",
        "reading_refused",
        "reserve_target",
        "stock_count",
        "stock_level",
        "substitute",
        "supply_order",
        "supply_order_line",
        "supply_request",
        "supply_request_line",
    }
)
"""Told only to who may `supply.read`."""

NAMED_TABLES = frozenset(
    {
        "building",
        "capacity",
        "cell",
        "district",
        "item",
        "lot",
        "parameter",
        "raster",
        "relief_standard",
        "storm_track",
        "substance",
        "zoning_correction",
    }
)
"""Tables without a layer that everybody's questions are answered from: told by name, their ids to staff only."""

REGISTER_TABLES = frozenset({"import_run"})
"""Told only to who may `register.import`."""

_BY_TABLE: dict[str, tuple[str, ...]] = {}
for _layer in LAYERS.values():
    if isinstance(_layer.source, Table):
        _BY_TABLE[_layer.source.name] = (*_BY_TABLE.get(_layer.source.name, ()), _layer.id)


def names_told(tables: Iterable[str]) -> list[str]:
    """Under which names `told` speaks of tables: their own, or those of the layers that are drawn from them."""
    own = SUPPLY_TABLES | NAMED_TABLES | REGISTER_TABLES
    return sorted({name for table in tables for name in ((table,) if table in own else _BY_TABLE[table])})


def may_read_supplies(role: Role) -> bool:
    """Whether a role may hear of orders, readings and the ledger."""
    return role in permissions.ACTIONS["supply.read"].roles


def told(rows: Rows, role: Role) -> dict[str, Any]:
    """What a role hears of changed rows: ``layers``, ``tables`` and whether the ``base`` map is another.

    A layer maps to the ids of its changed rows, or to None where all of it may have changed. Nothing at all
    is an empty value.
    """
    staff = may_read_supplies(role)
    importer = role in permissions.ACTIONS["register.import"].roles
    layers: dict[str, list[str] | None] = {}
    tables: dict[str, list[str] | None] = {}
    for table, ids in rows.items():
        named = None if ids is None else list(ids)
        for layer_id in _BY_TABLE.get(table, ()):
            if role in LAYERS[layer_id].roles:
                layers[layer_id] = _both(layers, layer_id, named)
        for layer_id in FURTHER.get(table, ()):
            if layer_id in LAYERS and role in LAYERS[layer_id].roles:
                layers[layer_id] = None
        for layer_id in STAFF_FURTHER.get(table, ()) if staff and not _is_position(table, ids) else ():
            layers[layer_id] = None
        if table in SUPPLY_TABLES:
            if staff:
                tables[table] = named
        elif table in REGISTER_TABLES:
            if importer:
                tables[table] = named
        elif table in NAMED_TABLES:
            tables[table] = named if staff else None
    found: dict[str, Any] = {}
    if layers:
        found["layers"] = layers
    if tables:
        found["tables"] = tables
    if any(table in BASE_TABLES for table in rows):
        found["base"] = True
    return found


def _is_position(table: str, ids: Collection[str] | None) -> bool:
    """Whether all that is new are positions: they move vehicles all day, and no depot shows them.

    The id of a reading is device/quantity/moment.
    """
    return table == "reading" and ids is not None and all(name.split("/")[1:2] == ["position"] for name in ids)


def _both(layers: Mapping[str, list[str] | None], layer_id: str, ids: list[str] | None) -> list[str] | None:
    if layer_id not in layers:
        return ids
    before = layers[layer_id]
    return None if before is None or ids is None else [*before, *ids]
