"""What nobody presses: reservations that run out, arrivals that follow vehicles and closures; the drill's screens."""

from datetime import datetime, timedelta
from typing import Any

import geopandas as gpd
import pytest

from data import audit, ledger, orders, stock
from layers.actions import supplies
from layers.analyses import dispatch
from layers.district import District
from layers.permissions import Actor
from tests.layers.conftest import NOW, STAMP, Clock, line, lonlat

DISPATCHER = Actor("somebody", "somebody", "dispatcher")
_KEYS = iter(range(10**9))


@pytest.fixture
def district(own_town: District, clock: Clock) -> District:
    return District(own_town.store, clock=clock)


def key() -> str:
    return f"k{next(_KEYS)}"


def wanted(quantity: int = 5) -> dict[str, Any]:
    return {
        "to": list(lonlat(4.0, 1.0)),
        "unit": "street office",
        "place": "pumping station",
        "contact": "duty officer",
        "needs": [{"item_id": "quilt", "quantity": quantity}],
        "lines": [{"depot_id": "d1", "item_id": "quilt", "lot": "A", "quantity": quantity}],
    }


def reserved(district: District, quantity: int = 5) -> dict[str, Any]:
    return supplies.reserve(district, DISPATCHER, wanted(quantity), key=key())


def on_the_way(district: District) -> dict[str, Any]:
    request = reserved(district)
    supplies.place(district, DISPATCHER, request["id"], key=key())
    order = request["orders"][0]["id"]
    supplies.issue(district, DISPATCHER, order, {"vehicle_id": "v1"}, key=key())
    return supplies.depart(district, DISPATCHER, order, key=key())


@pytest.fixture
def with_vehicle(district: District) -> District:
    vehicle = gpd.GeoDataFrame({"id": ["v1"], "name": ["v1"], "type": ["truck"]}, geometry=[None], crs=4326)
    with district.store.writing() as conn:
        district.store.upsert(conn, "vehicle", vehicle, **STAMP)
    return district


def shown(district: District, order_id: str) -> dict[str, Any]:
    with district.store.reading() as conn:
        return orders.order_of(conn, order_id)


def test_a_reservation_runs_out_at_its_time_and_not_before(district: District, clock: Clock) -> None:
    order = reserved(district)["orders"][0]
    clock.go_on(minutes=30, milliseconds=-1)
    assert supplies.tend(district) == {"expired": [], "arrivals": []}
    clock.go_on(milliseconds=1)
    assert supplies.tend(district)["expired"] == [order["id"]]
    assert shown(district, order["id"])["state"] == "expired"
    with district.store.reading() as conn:
        assert district.store.frame("lot", conn=conn, where={"id": "d1/quilt/A"})["reserved_e3"].item() == 30_000
        assert ledger.verify(conn) == []
        assert audit.entries(conn)[0].actor == "system"
    assert supplies.tend(district) == {"expired": [], "arrivals": []}


def test_what_is_planned_before_midnight_and_arrives_after_it_is_reserved(district: District, clock: Clock) -> None:
    clock.now = NOW.astimezone(district.timezone).replace(hour=23, minute=50)
    last = stock.TakenIn("d2", "quilt", "last day", 5000, expires_on=clock.now.date().isoformat())
    with district.store.writing() as conn:
        stock.take_in(conn, [last], actor="keeper", now_utc=clock.now)
    (order,) = supplies.request_planned(district, DISPATCHER, wanted(), key=key())["orders"]
    assert [line["lot_id"] for line in order["lines"]] == ["d2/quilt/A"], "the other one is no good when it arrives"


def test_papers_are_overdue_after_48_hours_and_not_at_them(district: District, clock: Clock) -> None:
    supplies.post_by_telephone(district, DISPATCHER, wanted(), key=key())
    clock.go_on(hours=48)
    (row,) = dispatch.papers(district)
    assert (row["left_min"], row["overdue_min"], row["tone"]) == (0, None, "warn")
    clock.go_on(seconds=6)
    (row,) = dispatch.papers(district)
    assert (row["left_min"], row["overdue_min"], row["tone"]) == (None, pytest.approx(0.1), "bad")


def test_nothing_to_do_writes_nothing(with_vehicle: District) -> None:
    on_the_way(with_vehicle)
    before = with_vehicle.store.revision()
    assert supplies.tend(with_vehicle) == {"expired": [], "arrivals": []}
    assert with_vehicle.store.revision() == before


def test_a_closure_moves_the_arrival_and_makes_it_late(with_vehicle: District, clock: Clock) -> None:
    order = on_the_way(with_vehicle)
    closure = gpd.GeoDataFrame(
        {
            "id": ["slow"],
            "reason": ["water on the road"],
            "from_utc": [None],
            "to_utc": [None],
            "factor": [0.2],
        },
        geometry=[line((-1, -1), (6, 4))],
        crs=4326,
    )
    everywhere = closure.set_geometry([closure.geometry.iloc[0].buffer(0.2)], crs=4326)
    with with_vehicle.store.writing() as conn:
        with_vehicle.store.upsert(conn, "closure", everywhere, **STAMP)
    assert supplies.tend(with_vehicle)["arrivals"] == [order["id"]]
    later = shown(with_vehicle, order["id"])
    assert later["eta_utc"] > order["eta_utc"]
    assert (order["state"], later["state"]) == ("in_transit", "late")
    assert later["promised_utc"] == order["promised_utc"]
    with with_vehicle.store.writing() as conn:
        conn.exec_driver_sql("DELETE FROM closure WHERE id = 'slow'")
    assert supplies.tend(with_vehicle)["arrivals"] == [order["id"]]
    again = shown(with_vehicle, order["id"])
    assert (again["state"], again["eta_utc"]) == ("in_transit", order["eta_utc"])


def test_without_a_way_there_is_no_time_of_arrival(with_vehicle: District) -> None:
    order = on_the_way(with_vehicle)
    closure = gpd.GeoDataFrame(
        {"id": ["shut"], "reason": ["bridges shut"], "from_utc": [None], "to_utc": [None], "factor": [0.0]},
        geometry=[line((2.5, -1), (2.5, 4))],
        crs=4326,
    ).set_geometry([line((2.5, -1), (2.5, 4)).buffer(0.001)], crs=4326)
    with with_vehicle.store.writing() as conn:
        with_vehicle.store.upsert(conn, "closure", closure, **STAMP)
    assert supplies.tend(with_vehicle)["arrivals"] == [order["id"]]
    stuck = shown(with_vehicle, order["id"])
    assert (stuck["state"], stuck["eta_utc"]) == ("late", None)
    assert supplies.tend(with_vehicle)["arrivals"] == []
    with with_vehicle.store.writing() as conn:
        conn.exec_driver_sql("DELETE FROM closure WHERE id = 'shut'")
    assert supplies.tend(with_vehicle)["arrivals"] == [order["id"]]
    assert shown(with_vehicle, order["id"])["eta_utc"] == order["eta_utc"]


@pytest.mark.parametrize("ahead_h", [0, 4], ids=["seen now", "said to be seen later than now"])
def test_the_arrival_follows_the_vehicle(with_vehicle: District, clock: Clock, ahead_h: int) -> None:
    order = on_the_way(with_vehicle)
    clock.go_on(minutes=10)
    lon, lat = lonlat(0.5, 0.0)  # ten minutes later it still stands at the depot
    seen = gpd.GeoDataFrame(
        {"id": ["v1"], "name": ["v1"], "type": ["truck"], "position_utc": [clock.now + timedelta(hours=ahead_h)]},
        geometry=gpd.points_from_xy([lon], [lat]),
        crs=4326,
    )
    with with_vehicle.store.writing() as conn:
        with_vehicle.store.upsert(conn, "vehicle", seen, **STAMP)
    assert supplies.tend(with_vehicle)["arrivals"] == [order["id"]]
    moved = shown(with_vehicle, order["id"])
    delay = datetime.fromisoformat(moved["eta_utc"]) - datetime.fromisoformat(order["eta_utc"])
    assert abs(delay - timedelta(minutes=10)) < timedelta(seconds=2)
    assert moved["state"] == "late"


def test_off_the_map_the_known_time_stays_and_others_are_looked_after(with_vehicle: District, clock: Clock) -> None:
    first, second = on_the_way(with_vehicle), on_the_way(with_vehicle)
    assert first["position"] is None
    supplies.report_lost(with_vehicle, DISPATCHER, second["id"], {"reason": "no radio"}, key=key())
    clock.go_on(minutes=1)
    lon, lat = lonlat(100.0, 1.0)  # outside the boundary
    seen = {"id": ["v1"], "name": ["v1"], "type": ["truck"], "position_utc": [clock.now]}
    away = gpd.GeoDataFrame(seen, geometry=gpd.points_from_xy([lon], [lat]), crs=4326)
    with with_vehicle.store.writing() as conn:
        with_vehicle.store.upsert(conn, "vehicle", away, **STAMP)
    assert supplies.tend(with_vehicle)["arrivals"] == []
    clock.now = datetime.fromisoformat(first["promised_utc"])
    assert supplies.tend(with_vehicle)["arrivals"] == [], "at that very moment it is on time"
    clock.go_on(milliseconds=1)
    assert supplies.tend(with_vehicle)["arrivals"] == [first["id"]]
    late = shown(with_vehicle, first["id"])
    assert (late["state"], late["eta_utc"], late["events"][-1]["reason"]) == ("late", first["eta_utc"], None)


def test_a_load_leaves_a_depot_that_has_no_place(with_vehicle: District) -> None:
    request = reserved(with_vehicle)
    with with_vehicle.store.writing() as conn:
        conn.exec_driver_sql("UPDATE depot SET geom = NULL WHERE id = 'd1'")
    supplies.place(with_vehicle, DISPATCHER, request["id"], key=key())
    order = request["orders"][0]["id"]
    supplies.issue(with_vehicle, DISPATCHER, order, {}, key=key())
    left = supplies.depart(with_vehicle, DISPATCHER, order, key=key())
    assert (left["state"], left["eta_utc"], left["promised_utc"]) == ("in_transit", None, None)
    assert supplies.tend(with_vehicle)["arrivals"] == []


def test_lost_is_not_late(with_vehicle: District, clock: Clock) -> None:
    order = on_the_way(with_vehicle)["id"]
    supplies.report_lost(with_vehicle, DISPATCHER, order, {"reason": "no radio"}, key=key())
    clock.go_on(hours=5)
    assert supplies.tend(with_vehicle)["arrivals"] == []
    assert shown(with_vehicle, order)["state"] == "lost"
    found = supplies.report_found(with_vehicle, DISPATCHER, order, {"reason": "it called"}, key=key())
    assert found["state"] == "late"
