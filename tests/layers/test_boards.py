"""Boards of the stock on the small town, by hand; the noon of 1 July 2026 is 10:00 there."""

import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from data import ledger, orders, stock
from data.store import Store
from geo.errors import InputError, NotFound
from geo.supply import thousandths
from layers import analyses
from layers.analyses import dispatch
from layers.district import District
from tests.layers.conftest import EPSG, NOW, STAMP, fill, lonlat

LOTS = pd.DataFrame(
    [
        # d1 was counted 90 days ago to the second, d2 a second earlier
        ("d1", "quilt", "A", "100", "30", "usable", None, NOW - timedelta(days=90)),
        ("d1", "quilt", "B", "50", "0", "usable", "2026-06-30", NOW - timedelta(days=1)),
        ("d1", "P-1-03-01", "W", "40", "0", "usable", "2026-07-16", NOW),
        ("d1", "pump", "P", "2", "0", "usable", "2026-07-31", NOW),
        ("d2", "quilt", "A", "200", "0", "usable", "2026-12-28", NOW - timedelta(days=90, seconds=1)),
        ("d2", "big pump", "P", "3", "0", "usable", None, NOW - timedelta(days=100)),
    ],
    columns=["depot_id", "item_id", "lot", "quantity", "reserved", "status", "expires_on", "counted_utc"],
)


def tables() -> dict[str, pd.DataFrame]:
    return {
        "item": pd.DataFrame({"id": ["P-1-03-01", "big pump"], "name": ["瓶装水", "大泵"], "unit": ["瓶", "台"]}),
        "stock_level": pd.DataFrame(
            [
                ("d1", "quilt", 70, 70),  # available 70: at the minimum and at the target
                ("d1", "P-1-03-01", 41, 50),  # below the minimum, exactly on the yellow line
                ("d1", "pump", 0, 3),  # above the red line, below the yellow one
                ("d2", "quilt", 0, 400),  # below the red line
                ("d2", "pump", 1, 1),  # nothing there
            ],
            columns=["depot_id", "item_id", "minimum", "target"],
        ),
        "substitute": pd.DataFrame(
            {"item_id": ["pump"], "substitute_id": ["big pump"], "quantity": [2], "substitute_quantity": [1]}
        ),
        "relief_standard": pd.DataFrame(
            [
                ("quilt", "evacuated", 1, False, "proposed"),
                ("P-1-03-01", "affected", 3, True, "standard"),
                ("P-1-03-01", "evacuated", "0.5", True, "standard"),
            ],
            columns=["item_id", "basis", "quantity", "is_daily", "provenance"],
        ),
        "agreement": pd.DataFrame(
            [
                ("a1", "供应商", "quilt", "contract", 500, 4, "2026-07-01", None),
                ("a2", "供应商", "quilt", "contract", 900, 4, None, "2026-07-01"),  # over since today
                ("a3", "供应商", "quilt", "contract", 900, 4, "2026-07-02", None),  # from tomorrow on
                ("a4", "工厂", "quilt", "production", 10, 12, None, None),
            ],
            columns=["id", "name", "item_id", "mode", "quantity", "lead_h", "valid_from", "valid_to"],
        ),
        "reserve_target": pd.DataFrame(
            [
                ("2025-1", "district", "区", "quilt", "goods", 999, "2025-07-01", "2026-07-01"),
                ("2026-1", "district", "区", "quilt", "goods", 100, "2026-07-01", None),
                ("2026-1", "street", "东街道", "quilt", "goods", 200, "2026-07-01", None),
                ("2026-1", "street", "西街道", "quilt", "goods", 10, "2026-07-01", None),
                ("2026-1", "district", "区", "quilt", "contract", 800, "2026-07-01", None),
                ("2027-1", "district", "区", "quilt", "goods", 1, "2026-07-02", None),
            ],
            columns=["version", "level", "owner", "item_id", "mode", "target", "valid_from", "valid_to"],
        ).assign(provenance="proposed"),
    }


def stocked(path: Path) -> District:
    store = Store.create(str(path), name="小镇", epsg=EPSG)
    fill(store)
    with store.writing() as conn:
        made = tables()
        store.upsert(conn, "item", made.pop("item"), **STAMP)
        lots = LOTS.assign(
            reserved=LOTS["reserved"], counted_utc=[t.isoformat() for t in LOTS["counted_utc"]], on_hold="0"
        )
        ledger.apply_lots(conn, lots, source="town", now_utc=NOW)
        for table, frame in made.items():
            store.upsert(conn, table, frame, **STAMP)
    return District(store, clock=lambda: NOW)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[District]:
    district = stocked(tmp_path_factory.mktemp("boards") / "town.gpkg")
    yield district
    district.store.close()


@pytest.fixture
def own(tmp_path: Path) -> Iterator[District]:
    district = stocked(tmp_path / "town.gpkg")
    yield district
    district.store.close()


def plain(answer: Any) -> Any:
    assert json.loads(json.dumps(answer, allow_nan=False)) == answer
    return answer


# -- counted --------------------------------------------------------------------------------------


def test_a_depot_counted_exactly_so_many_days_ago_is_counted(town: District) -> None:
    found = plain(analyses.uncounted(town))
    assert found["days"] == 90
    assert [(r["depot_id"], r["depot_name"], r["age_days"], r["lots"], r["lots_uncounted"]) for r in found["rows"]] == [
        ("d2", "东库", 100, 2, 2)
    ]
    later = analyses.uncounted(town, at=NOW + timedelta(seconds=1))
    assert [row["depot_id"] for row in later["rows"]] == ["d2", "d1"]
    assert analyses.uncounted(town, days=100)["rows"] == []
    with pytest.raises(InputError, match="days=-1"):
        analyses.uncounted(town, days=-1)


def test_a_lot_never_counted_asks_for_a_count_and_goods_that_come_in_do_not(own: District) -> None:
    with own.store.writing() as conn:
        never = LOTS.iloc[[0]].assign(depot_id="d1", lot="N", counted_utc=None, on_hold="0", reserved="0")
        ledger.apply_lots(conn, never, source="town", now_utc=NOW)
    (row,) = [r for r in analyses.uncounted(own)["rows"] if r["depot_id"] == "d1"]
    assert (row["counted_utc"], row["age_days"], row["lots_uncounted"]) == (None, None, 1)
    with own.store.writing() as conn:
        lot = own.store.frame("lot", conn=conn, where={"depot_id": "d1", "item_id": "quilt", "lot": "N"})["id"][0]
        stock.count(conn, [stock.CountLine(lot, 100_000)], checker="neighbour", actor="somebody", now_utc=NOW)
        stock.take_in(conn, [stock.TakenIn("d1", "quilt", "new", 5000)], actor="somebody", now_utc=NOW)
    assert [r["depot_id"] for r in analyses.uncounted(own)["rows"]] == ["d2"]


# -- low, expiring, at a glance -------------------------------------------------------------------


def test_low_stock_is_below_a_line_and_not_on_it(town: District) -> None:
    found = plain(analyses.low_stock(town))
    rows = {(r["depot_id"], r["item_id"]): r for r in found["rows"]}
    assert [(*key, r["is_below_minimum"], r["state"]) for key, r in rows.items()] == [
        ("d2", "pump", True, "red"),
        ("d1", "P-1-03-01", True, "ok"),
        ("d2", "quilt", False, "red"),
        ("d1", "pump", False, "yellow"),
    ]
    assert rows["d1", "P-1-03-01"]["to_minimum"] == 1
    assert (rows["d2", "quilt"]["available"], rows["d2", "quilt"]["to_target"]) == (200, 200)
    assert [r["depot_id"] for r in analyses.low_stock(town, depot="d1", item="pump")["rows"]] == ["d1"]


def test_expiring_in_classes_and_food_has_one_more(town: District) -> None:
    found = plain(analyses.expiring(town))
    assert [(r["item_id"], r["class"], r["days_left"]) for r in found["rows"]] == [
        ("quilt", -1, -1),
        ("P-1-03-01", 15, 15),
        ("pump", 30, 30),
        ("quilt", 180, 180),
    ]
    assert [r["days_left"] for r in analyses.expiring(town, days=15)["rows"]] == [-1, 15]
    assert [r["days_left"] for r in analyses.expiring(town, item="pump")["rows"]] == [30]


def test_one_item_at_a_glance(town: District) -> None:
    def states(item: str) -> dict[str, tuple[str, str]]:
        return {r["depot_id"]: (r["state"], r["level"]) for r in plain(analyses.glance(town, item))["rows"]}

    assert states("quilt") == {"d1": ("enough", "enough"), "d2": ("uncounted", "low")}
    assert states("pump") == {"d1": ("enough", "enough"), "d2": ("none", "none")}
    assert states("P-1-03-01")["d1"] == ("low", "low")
    with pytest.raises(NotFound, match="pillow"):
        analyses.glance(town, "pillow")


def test_at_a_glance_what_of_the_available_expires_first(town: District, own: District) -> None:
    def soonest(district: District, item: str) -> dict[str, tuple[int | None, float]]:
        rows = plain(analyses.glance(district, item))["rows"]
        return {r["depot_id"]: (r["expires_days"], r["expiring"]) for r in rows}

    assert soonest(town, "quilt") == {"d1": (None, 0), "d2": (180, 200)}  # what has expired is not available
    assert soonest(town, "pump") == {"d1": (30, 2), "d2": (None, 0)}
    assert soonest(town, "P-1-03-01")["d1"] == (15, 40)
    days = (29, 30, 30, 90, 180, 181)
    with own.store.writing() as conn:
        lots = [
            stock.TakenIn("d2", "pump", f"L{k}", 1000 << k, expires_on=(NOW.date() + timedelta(days=day)).isoformat())
            for k, day in enumerate(days)
        ]
        stock.take_in(conn, lots, actor="keeper", now_utc=NOW)
    assert soonest(own, "pump")["d2"] == (30, 1 + 2 + 4)


# -- availability ---------------------------------------------------------------------------------


def test_availability_of_the_district_tells_the_three_kinds_apart(town: District) -> None:
    found = plain(analyses.availability_curve(town, "quilt"))
    assert [(p["hour"], p["goods"], p["contract"], p["production"], p["total"]) for p in found["points"]] == [
        (0, 270, 0, 0, 270),
        (1, 270, 0, 0, 270),
        (4, 270, 500, 0, 770),
        (24, 270, 500, 5, 775),
        (72, 270, 500, 25, 795),
    ]
    assert {s["id"] for s in found["sources"]} == {"d1", "d2", "a1", "a4"}


def test_availability_at_a_place_waits_for_the_road(town: District) -> None:
    found = plain(analyses.availability_curve(town, "quilt", lonlat=lonlat(1, 0)))
    assert [p["goods"] for p in found["points"]] == [0, 270, 270, 270, 270]
    arrival = {s["id"]: s["arrival_s"] for s in found["sources"] if s["kind"] == "goods"}
    assert 1500 < arrival["d1"] < arrival["d2"] < 3600


def test_what_expires_meanwhile_does_not_count_to_the_end(own: District) -> None:
    with own.store.writing() as conn:
        lots = [
            stock.TakenIn("d1", "pump", f"L{k}", 1000 << k, expires_on=(NOW.date() + timedelta(days=k)).isoformat())
            for k in range(4)
        ]
        stock.take_in(conn, lots, actor="keeper", now_utc=NOW)
    before = plain(analyses.glance(own, "pump"))["rows"]
    always = sum(row["available"] for row in before) - 1 - 2 - 4 - 8
    midnight = NOW.astimezone(own.timezone).replace(hour=0) + timedelta(days=1)
    at = midnight - timedelta(hours=1)
    goods = [p["goods"] - always for p in plain(analyses.availability_curve(own, "pump", at=at))["points"]]
    assert goods == [
        15,
        14,
        14,
        14,
        8,
    ]  # the last day ends at midnight: after 1 h to the second, 4, 24 (not 25) and 72 h
    late = plain(analyses.availability_curve(own, "pump", at=midnight - timedelta(seconds=1), lonlat=lonlat(1, 0)))
    assert [p["goods"] - always for p in late["points"]][1:3] == [14, 14]


# -- needs and requests ---------------------------------------------------------------------------


def test_needs_less_what_is_there(town: District) -> None:
    found = plain(analyses.needs_draft(town, affected=100, evacuated=21, days=3))
    rows = {row["item_id"]: row for row in found["rows"]}
    assert (rows["quilt"]["needed"], rows["quilt"]["there"], rows["quilt"]["draft"]) == (21, 270, 0)
    water = rows["P-1-03-01"]
    assert (water["needed"], water["there"], water["draft"]) == (931.5, 40, 892)  # whole bottles
    assert [line["basis_zh"] for line in water["lines"]] == ["受灾人口", "转移安置人口"]
    assert (rows["quilt"]["to_confirm"], water["to_confirm"]) == (True, False)
    with pytest.raises(InputError, match="evacuated=101"):
        analyses.needs_draft(town, affected=100, evacuated=101, days=3)


def test_the_request_upwards_asks_for_what_is_outstanding(own: District) -> None:
    assert analyses.upward(own)["rows"] == []
    frame = own.store.frame("lot").set_index(["depot_id", "item_id", "lot"])["id"]
    who: dict[str, Any] = {"actor": "somebody", "now_utc": NOW}
    with own.store.writing() as conn:
        request = orders.NewRequest(
            "安置点", "某路1号", "值班室", lonlat(1, 0), needs=[("quilt", 100_000), ("pump", 9_000)]
        )
        made = orders.reserve(
            conn,
            request,
            [
                orders.NewLine("d2", frame["d2", "quilt", "A"], 60_000),
                orders.NewLine("d2", frame["d2", "big pump", "P"], 3_000, instead_of="pump"),
            ],
            **who,
        )
    found = plain(analyses.upward(own))
    assert [(r["item_id"], r["quantity"]) for r in found["rows"]] == [("quilt", 40), ("pump", 3)]  # 3 stand for 6
    assert [(r["requested"], r["bound"], r["received"]) for r in found["lines"]] == [(100, 60, 0), (9, 6, 0)]
    order = made["orders"][0]["id"]
    with own.store.writing() as conn:
        orders.place(conn, made["id"], **who)
        orders.issue(conn, order, None, **who)
        lot = frame["d2", "quilt", "A"]
        orders.depart(conn, order, **who)
        orders.receive(conn, order, [orders.ReceiptLine(lot, 50_000, damaged_e3=4_000)], **who)
        orders.report_lost(conn, order, "没有消息", **who)
    found = analyses.upward(own, request_id=made["id"])
    assert [(r["item_id"], r["quantity"]) for r in found["rows"]] == [("quilt", 50), ("pump", 9)]
    with pytest.raises(NotFound, match="nowhere"):
        analyses.upward(own, request_id="nowhere")
    figures = {row["code"]: row for row in plain(analyses.kpis(own))["rows"]}
    assert (figures["issued_in_time"]["numerator"], figures["issued_in_time"]["denominator"]) == (1, 1)
    assert figures["difference"]["denominator"] == 1
    assert figures["difference"]["numerator"] == pytest.approx(4 / 54, abs=1e-6)
    assert figures["received"]["value"] == 1


def test_a_receipt_that_was_undone_reached_nobody(own: District) -> None:
    lot = str(own.store.frame("lot").set_index(["depot_id", "item_id", "lot"])["id"]["d2", "quilt", "A"])
    who: dict[str, Any] = {"actor": "somebody", "now_utc": NOW}

    def received() -> tuple[int, int]:
        figures = {row["code"]: row for row in plain(analyses.kpis(own))["rows"]}
        return figures["received"]["numerator"], figures["received"]["denominator"]

    with own.store.writing() as conn:
        request = orders.NewRequest("安置点", "某路1号", "值班室", lonlat(1, 0))
        made = orders.post_by_telephone(conn, request, [orders.NewLine("d2", lot, 60_000)], **who)
        order = made["orders"][0]["id"]
        orders.issue(conn, order, None, **who)
        orders.receive(conn, order, [orders.ReceiptLine(lot, 60_000)], **who)
        delivery = next(row for row in orders.trace_order(conn, order) if row.get("action") == "delivery")
    assert received() == (1, 1)
    with own.store.writing() as conn:
        orders.reverse(conn, order, delivery["id"], "another order", **who)
    assert received() == (0, 0), "it may still come in time"
    with own.store.writing() as conn:
        orders.receive(conn, order, [orders.ReceiptLine(lot, 60_000)], **who)
    assert received() == (1, 1)


def test_missing_goods_arrived_nowhere_and_damaged_ones_did(own: District) -> None:
    lot = str(own.store.frame("lot").set_index(["depot_id", "item_id", "lot"])["id"]["d2", "quilt", "A"])
    who: dict[str, Any] = {"actor": "somebody", "now_utc": NOW}
    codes = ("arrived_in_time", "received", "traced")

    def figures() -> list[tuple[int, int]]:
        rows = {row["code"]: row for row in plain(analyses.kpis(own))["rows"]}
        return [(rows[code]["numerator"], rows[code]["denominator"]) for code in codes]

    with own.store.writing() as conn:
        for number, line in enumerate(
            (orders.ReceiptLine(lot, 0, missing_e3=9_000), orders.ReceiptLine(lot, 0, damaged_e3=9_000)), start=1
        ):
            request = orders.NewRequest("安置点", f"某路{number}号", "值班室", lonlat(1, 0))
            made = orders.post_by_telephone(conn, request, [orders.NewLine("d2", lot, 9_000)], **who)
            order = made["orders"][0]["id"]
            orders.issue(conn, order, None, **who)
            orders.receive(conn, order, [line], **who)
            if number == 1:
                lost = order
    assert figures() == [(1, 2)] * 3
    with own.store.writing() as conn:
        off = next(row for row in orders.trace_order(conn, lost) if row.get("action") == "write_off")
        orders.reverse(conn, lost, off["id"], "found in the yard", **who)
        orders.receive(conn, lost, [orders.ReceiptLine(lot, 1_000, missing_e3=8_000)], **who)
    assert figures() == [(2, 2)] * 3


def test_a_count_that_was_undone_is_no_count(own: District) -> None:
    lot = str(own.store.frame("lot").set_index(["depot_id", "item_id", "lot"])["id"]["d2", "quilt", "A"])

    def matched(counted_e3: int | None, undone: str | None = None) -> tuple[int, int]:
        with own.store.writing() as conn:
            if counted_e3 is not None:
                line = stock.CountLine(lot, counted_e3, "counted anew")
                stock.count(conn, [line], actor="u", checker="v", now_utc=NOW)
            if undone is not None:
                stock.reverse(conn, undone, reason="another lot", actor="u", now_utc=NOW)
        figure = next(row for row in plain(analyses.kpis(own))["rows"] if row["code"] == "count_match")
        return figure["numerator"], figure["denominator"]

    with own.store.reading() as conn:
        there = stock.lots_of(conn, [lot])[lot]["on_hand_e3"]
    assert matched(there) == (1, 1)
    assert matched(there - 1000) == (1, 2)
    assert matched(None, undone="count-000002") == (1, 1)


# -- the reserve list -----------------------------------------------------------------------------


def test_the_list_in_force_against_what_is_in_place(town: District) -> None:
    found = plain(analyses.reserve_list(town))
    assert (found["version"], found["versions"]) == ("2026-1", ["2025-1", "2026-1", "2027-1"])
    rows = {(r["owner"], r["mode"]): (r["in_place"], r["target"], r["state"]) for r in found["rows"]}
    assert rows == {
        ("区", "goods"): (70, 100, "yellow"),
        ("东街道", "goods"): (200, 200, "ok"),
        ("西街道", "goods"): (0, 10, "red"),
        ("区", "contract"): (500, 800, "yellow"),
    }
    reviews = {review["trigger"]: review for review in found["reviews"]}
    assert reviews["response"]["value"] == "no data"
    assert reviews["catalogue"]["is_due"]  # the list names one item of four
    assert not reviews["annual"]["is_due"]
    assert [r["level"] for r in analyses.reserve_list(town, level="street")["rows"]] == ["street", "street"]
    with pytest.raises(NotFound, match="1999"):
        analyses.reserve_list(town, version="1999")


def test_the_list_is_due_a_year_later_and_when_much_is_consumed(own: District) -> None:
    year = analyses.reserve_list(own, version="2026-1", at=datetime(2027, 7, 1, tzinfo=NOW.tzinfo))
    assert {r["trigger"]: r["is_due"] for r in year["reviews"]}["annual"]
    assert year["valid_from"] == date(2026, 7, 1).isoformat()
    frame = own.store.frame("lot").set_index(["depot_id", "item_id", "lot"])["id"]
    who: dict[str, Any] = {"actor": "somebody", "now_utc": NOW}
    with own.store.writing() as conn:
        request = orders.NewRequest("安置点", "某路1号", "值班室", lonlat(1, 0))
        lot = frame["d2", "quilt", "A"]
        made = orders.post_by_telephone(conn, request, [orders.NewLine("d2", lot, 100_000)], **who)
        order = made["orders"][0]["id"]
        orders.issue(conn, order, None, **who)
        orders.receive(conn, order, [orders.ReceiptLine(lot, 100_000)], **who)
        orders.use(conn, order, [stock.Taken(lot, 100_000)], **who)
    found = {r["trigger"]: r for r in analyses.reserve_list(own)["reviews"]}
    assert found["consumption"]["is_due"]  # 100 of the 250 left
    assert "quilt" in found["consumption"]["detail"]


# -- plans ----------------------------------------------------------------------------------------


def test_plans_side_by_side(town: District) -> None:
    found = plain(analyses.supply_plans(town, lonlat=lonlat(1, 0), needs={"quilt": "90"}, at=NOW))
    by_way = {way: plan for plan in found["plans"] for way in plan["ways"]}
    assert set(by_way) == {"earliest", "own_level", "fewest_depots"}
    assert [p["depot_id"] for p in by_way["earliest"]["lines"][0]["from"]] == ["d1", "d2"]
    few = by_way["fewest_depots"]
    assert [p["depot_id"] for p in few["lines"][0]["from"]] == ["d2"]
    assert few["lost_s"] == 0  # the last piece came from d2 anyway
    own_level = by_way["own_level"]
    assert [(p["depot_id"], p["quantity"]) for p in own_level["lines"][0]["from"]] == [("d2", 90)]
    assert own_level is few


def test_own_level_first_costs_time_and_a_depot_not_counted_stands_back(town: District) -> None:
    quick = plain(analyses.supply(town, lonlat=lonlat(1, 0), needs={"quilt": "50"}, at=NOW))
    own_level = plain(analyses.supply(town, lonlat=lonlat(1, 0), needs={"quilt": "50"}, at=NOW, way="own_level"))
    assert quick["lines"][0]["from"][0]["depot_id"] == "d1"
    assert own_level["lines"][0]["from"][0]["depot_id"] == "d2"
    assert own_level["lost_s"] == pytest.approx(own_level["ready_s"] - quick["ready_s"])
    assert own_level["lost_s"] > 0
    (moved,) = quick["ranked_down"]
    assert (moved["depot_id"], moved["depot_name"], moved["later_s"], moved["is_used"]) == ("d2", "东库", 600.0, False)
    assert moved["detail"] == "not counted for 100 days"
    at_d2 = {"lonlat": lonlat(5, 2), "needs": {"quilt": "50"}, "at": NOW}
    near = analyses.supply(town, **at_d2)
    trusting = analyses.supply(town, **at_d2, rank_uncounted=False)
    assert trusting["lines"][0]["from"][0]["depot_id"] == "d2"
    assert trusting["ranked_down"] == []
    assert near["lines"][0]["from"][0]["depot_id"] in ("d1", "d2")
    assert "lost_s" in near


def test_a_plan_fills_from_substitutes_and_says_so(town: District) -> None:
    plan = plain(analyses.supply(town, lonlat=lonlat(1, 0), needs={"pump": "5"}, at=NOW, with_substitutes=True))
    rows = plan["lines"][0]["from"]
    assert [(r["item"], r["instead_of"], r["quantity"], r["covers"]) for r in rows] == [
        ("pump", None, 2, 2),
        ("big pump", "pump", 2, 3),
    ]
    assert (rows[1]["name"], rows[1]["unit"]) == ("大泵", "台")
    assert rows[1]["equivalence"] == {"quantity": 2, "substitute_quantity": 1}
    assert any("big pump" in line for line in analyses.supply_lines(plan))
    assert analyses.supply(town, lonlat=lonlat(1, 0), needs={"pump": "5"}, at=NOW)["lines"][0]["short"] == 3


def test_figures_without_orders_say_no_data(town: District) -> None:
    rows = {row["code"]: row for row in plain(analyses.kpis(town))["rows"]}
    assert rows["issued_in_time"]["no_data"]
    assert rows["issued_in_time"]["value"] is None
    assert rows["geocoded"]["value"] == 1
    assert (rows["expired"]["value"], rows["expired"]["is_met"]) == (1, False)
    assert (rows["qualified"]["numerator"], rows["qualified"]["denominator"]) == (5, 6)


@pytest.mark.parametrize(
    ("value", "said"),
    [(8_396.024, "8396.024"), (128_000.5, "128000.5"), (1e9, "1000000000"), (0.001, "0.001"), (-0.5, "-0.5"), (7, "7")],
)
def test_no_digit_of_a_quantity_is_left_out(value: float, said: str) -> None:
    """Three digits of 8,396 would say 8.4e+03, and the draft beside it would not fit."""
    assert list(analyses.board_lines([{"n": value}], {"n": "n"})) == ["n".ljust(len(said)).rstrip(), said]
    line = {"item_name": "bag", "unit": "each", "quantity": value}
    if value > 0:
        assert dispatch.goods_text([line]) == f"bag {said} each"
        twice = ledger.shown(2 * thousandths(value))
        assert dispatch.goods_text([line, line]) == f"bag {twice} each"


def test_boards_as_text() -> None:
    rows = [{"a": "棉被", "b": 1.25, "c": None}, {"a": "x", "b": 100, "c": True}]
    assert list(analyses.board_lines(rows, {"name": "a", "n": "b", "is": "c"})) == [
        "name  n     is",
        "棉被  1.25  -",
        "x     100   True",
    ]
    assert list(analyses.board_lines([], {"name": "a"})) == ["none"]
