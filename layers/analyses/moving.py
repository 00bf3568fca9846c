"""Supplies on the move, as layers: orders from depot to place, and the places that wait for them."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import shapely.geometry

from data.orders import CLOSED_STATES, trace_lot, trace_order
from geo.errors import InputError
from geo.supply import number_of
from layers.district import District, View


def supply_orders_layer(view: View, *, at: datetime) -> gpd.GeoDataFrame:
    """The open orders as lines along the road where the way is known, else straight from depot to place."""
    orders = view.frame("supply_order")
    return _lines(view, orders[~orders["state"].isin(CLOSED_STATES)])


def trace_way(district: District, *, order: str | None = None, lot: str | None = None) -> dict[str, Any]:
    """The way of an order, open or closed, or of every order that took goods of a lot out, as GeoJSON lines.

    `is_straight` where the road is not known: the line goes straight from the depot to the place.
    """
    if (order is None) == (lot is None):
        raise InputError(f"order={order}, lot={lot}: expected exactly one of them")
    with district.store.reading() as conn:
        if lot is None:
            ids = {row["order_id"] for row in trace_order(conn, str(order))}
        else:
            ids = {
                row["order_id"]
                for row in trace_lot(conn, lot)
                if row["what"] == "movement" and row["action"] == "issue" and row["reversed_by"] is None
            }
    view = district.view()
    orders = view.frame("supply_order")
    orders = orders[orders["id"].isin(ids)]
    by_road = {i: not (line is None or line.is_empty) for i, line in zip(orders["id"], orders.geometry, strict=True)}
    features = [
        {
            "type": "Feature",
            "properties": {
                **{name: row[name] for name in ("id", "number", "state", "depot", "place", "unit", "goods")},
                "is_straight": not by_road[row["id"]],
            },
            "geometry": None if row["geometry"] is None else shapely.geometry.mapping(row["geometry"]),
        }
        for row in _lines(view, orders).to_dict("records")
    ]
    return {"type": "FeatureCollection", "revision": view.revision, "features": features}


def _lines(view: View, orders: pd.DataFrame) -> gpd.GeoDataFrame:
    requests = view.frame("supply_request")
    found = orders.merge(
        pd.DataFrame(requests.drop(columns="geometry")).assign(_place=requests.geometry.array)[
            ["id", "place", "unit", "_place", "number"]
        ],
        left_on="request_id",
        right_on="id",
        suffixes=("", "_request"),
    )
    depots = view.frame("depot")
    names = dict(zip(depots["id"], depots["name"], strict=True))
    points = dict(zip(depots["id"], depots.geometry.array, strict=True))
    vehicles = view.frame("vehicle")
    plates = dict(zip(vehicles["id"], vehicles["name"], strict=True))
    lines = [
        line if line is not None and not line.is_empty else _straight(points.get(depot), place)
        for line, depot, place in zip(found["geometry"].array, found["depot_id"], found["_place"], strict=True)
    ]
    goods = _goods(view)
    return gpd.GeoDataFrame(
        {
            "id": found["id"],
            "number": found["number"],
            "state": found["state"],
            "depot": [names.get(depot, depot) for depot in found["depot_id"]],
            "place": found["place"],
            "unit": found["unit"],
            "goods": [goods.get(order, "") for order in found["id"]],
            "vehicle": [plates.get(vehicle) for vehicle in found["vehicle_id"]],
            "eta_utc": found["eta_utc"],
            "promised_utc": found["promised_utc"],
            "updated_utc": found["updated_utc"],
        },
        geometry=lines,
        crs=4326,
    )


def supply_requests_layer(view: View, *, at: datetime) -> gpd.GeoDataFrame:
    """The places whose requests are open, and how much of each is on its way or there."""
    requests, orders = view.frame("supply_request"), view.frame("supply_order")
    states = orders.groupby("request_id")["state"].agg(list).to_dict()
    is_open = np.array([not set(states.get(i, ())) <= set(CLOSED_STATES) for i in requests["id"]], dtype=bool)
    kept = requests[is_open]

    def state(identity: str) -> str:
        there = [found for found in states[identity] if found not in CLOSED_STATES]
        for wanted in ("lost", "late", "reserved", "ordered", "issued", "in_transit", "partly_received"):
            if wanted in there:
                return wanted
        return "received"

    return gpd.GeoDataFrame(
        {
            "id": kept["id"],
            "number": kept["number"],
            "state": [state(i) for i in kept["id"]],
            "place": kept["place"],
            "unit": kept["unit"],
            "contact": kept["contact"],
            "phone": kept["phone"],
            "incident": kept["incident"],
            "deadline_utc": kept["deadline_utc"],
            "updated_utc": kept["updated_utc"],
        },
        geometry=kept.geometry.array,
        crs=4326,
    )


def _straight(start: shapely.Point | None, end: shapely.Point) -> shapely.LineString | None:
    return None if start is None or start.is_empty else shapely.LineString([start, end])


def _goods(view: View) -> dict[str, str]:
    """What each order carries, in words."""
    lots, items = view.frame("lot"), view.frame("item")
    item_of = dict(zip(lots["id"], lots["item_id"], strict=True))
    names = {i: (name, unit) for i, name, unit in zip(items["id"], items["name"], items["unit"], strict=True)}
    sums: dict[tuple[str, str], int] = {}
    lines = view.frame("supply_order_line")
    for order, lot, quantity in zip(lines["order_id"], lines["lot_id"], lines["quantity_e3"], strict=True):
        key = (order, item_of[lot])
        sums[key] = sums.get(key, 0) + int(quantity)
    words: dict[str, list[str]] = {}
    for (order, item), quantity in sums.items():
        name, unit = names[item]
        words.setdefault(order, []).append(f"{name} {number_of(quantity)} {unit}")
    return {order: "; ".join(parts) for order, parts in words.items()}


MOVING_FUNCTIONS: dict[str, Callable[..., gpd.GeoDataFrame]] = {
    "supply_orders": supply_orders_layer,
    "supply_requests": supply_requests_layer,
}
