"""Orders: one table of transitions, all or nothing, and every piece accounted for."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection

from data import kinds, ledger, orders, schema, stock
from data.orders import Carrier, NewLine, NewRequest, Pick, ReceiptLine, ReturnLine
from data.store import Store
from geo.errors import Conflict, InputError, NotFound, OneMapError

NOW = datetime(2026, 7, 1, 2, 0, tzinfo=UTC)
OLD, NEW, OTHER, LARGE, SMALL = "D1/bag/old", "D1/bag/new", "D2/bag/B", "D1/p100/A", "D2/p50/C"
NOON = datetime(2026, 7, 1, 4, 0, tzinfo=UTC)
WHO: dict[str, Any] = {"actor": "dispatcher", "now_utc": NOW}


def at(minutes: float) -> dict[str, Any]:
    return {"actor": "dispatcher", "now_utc": NOW + timedelta(minutes=minutes)}


def asked(*needs: tuple[Any, ...], **fields: Any) -> NewRequest:
    return NewRequest("城东街道", "东大街1号", "值班员", (120.83, 32.01), needs, **fields)


def bags(quantity_e3: int = 5000, lot_id: str = OLD, **fields: Any) -> NewLine:
    return NewLine(lot_id.split("/")[0], lot_id, quantity_e3, **fields)


def ordered(conn: Connection, *lines: NewLine, request: NewRequest | None = None, minutes: float = 0) -> str:
    """The id of the first order of a new request, which is ordered."""
    found = orders.reserve(conn, request or asked(), lines or [bags()], **at(minutes))
    return str(orders.place(conn, found["id"], **at(minutes))["orders"][0]["id"])


def sent(conn: Connection, *lines: NewLine, request: NewRequest | None = None, **how: Any) -> str:
    order_id = ordered(conn, *lines, request=request)
    orders.issue(conn, order_id, **WHO)
    orders.depart(conn, order_id, **{**WHO, **how})
    return order_id


def balances(conn: Connection, lot_id: str) -> tuple[int, int, int]:
    lot = schema.table("lot")
    row = conn.execute(sa.select(*(lot.c[name] for name in schema.BALANCES)).where(lot.c.id == lot_id)).one()
    return int(row[0]), int(row[1]), int(row[2])


def held(conn: Connection, order_id: str) -> dict[str, int]:
    table = schema.table("holding")
    rows = conn.execute(
        sa.select(table.c.account, sa.func.sum(table.c.quantity_e3))
        .where(table.c.ref == order_id, table.c.quantity_e3 > 0)
        .group_by(table.c.account)
    )
    return {account: int(total) for account, total in rows}


def last_movement(conn: Connection, order_id: str) -> str:
    return [str(row["id"]) for row in orders.trace_order(conn, order_id) if row["what"] == "movement"][-1]


def line_of(order: Mapping[str, Any], lot_id: str) -> dict[str, Any]:
    return next(dict(line) for line in order["lines"] if line["lot_id"] == lot_id)


@pytest.fixture
def conn(stocked: Store) -> Any:
    with stocked.writing() as conn:
        yield conn
        assert ledger.verify(conn) == []


# -- the table


def test_the_states_are_those_of_the_schema_and_every_one_is_reached() -> None:
    states = {choice.code for choice in kinds.ORDER_STATES}
    steps = orders.TRANSITIONS.values()
    assert {state for step in steps for state in (*step.from_states, *step.to_states)} == states
    assert {state for step in steps for state in step.to_states} == states
    assert not {state for step in steps for state in step.from_states} & set(orders.CLOSED_STATES)


STEPS: dict[str, Callable[[Connection, str], Any]] = {
    "renew": lambda conn, i: orders.renew(conn, i.replace("DB", "XQ")[:-2], **WHO),
    "place": lambda conn, i: orders.place(conn, i.replace("DB", "XQ")[:-2], **WHO),
    "cancel": lambda conn, i: orders.cancel(conn, i, "no need", **WHO),
    "issue": lambda conn, i: orders.issue(conn, i, **WHO),
    "depart": lambda conn, i: orders.depart(conn, i, **WHO),
    "eta": lambda conn, i: orders.update_eta(conn, i, None, **WHO),
    "lose": lambda conn, i: orders.report_lost(conn, i, "silent", **WHO),
    "find": lambda conn, i: orders.report_found(conn, i, "called", **WHO),
    "receive": lambda conn, i: orders.receive(conn, i, [ReceiptLine(OLD, 1000)], **WHO),
    "use": lambda conn, i: orders.use(conn, i, [Pick(OLD, 1000)], **WHO),
    "send_back": lambda conn, i: orders.send_back(conn, i, [ReturnLine(OLD, 1000)], **WHO),
    "take_back": lambda conn, i: orders.take_back(conn, i, [ReturnLine(OLD, 1000)], **WHO),
    "settle": lambda conn, i: orders.settle(conn, i, **WHO),
    "reverse": lambda conn, i: orders.reverse(conn, i, last_movement(conn, i), "typed wrongly", **WHO),
}


def bring_to(conn: Connection, state: str) -> str:
    """An order of 5 in a state, by the steps that lead there."""
    order_id = str(orders.reserve(conn, asked(), [bags()], **WHO)["orders"][0]["id"])
    path = {
        "reserved": "",
        "expired": "expire",
        "cancelled": "cancel",
        "ordered": "place",
        "issued": "place issue",
        "in_transit": "place issue depart",
        "late": "place issue depart delay",
        "lost": "place issue depart lose",
        "partly_received": "place issue depart receive",
        "received": "place issue depart receive all",
        "settled": "place issue depart receive all used settle",
    }[state]
    for step in path.split():
        match step:
            case "expire":
                orders.expire_due(conn, now_utc=NOW + timedelta(minutes=30))
            case "delay":
                orders.update_eta(conn, order_id, NOW, **WHO)
                orders.update_eta(conn, order_id, NOW + timedelta(minutes=1), **WHO)
            case "all":
                orders.receive(conn, order_id, [ReceiptLine(OLD, 4000)], **WHO)
            case "used":
                orders.use(conn, order_id, [Pick(OLD, 5000)], **WHO)
            case _:
                STEPS[step](conn, order_id)
    assert orders.order_of(conn, order_id)["state"] == state
    return order_id


@pytest.mark.parametrize("state", [choice.code for choice in kinds.ORDER_STATES])
def test_every_step_in_every_state_is_allowed_or_refused_as_the_table_says(stocked: Store, state: str) -> None:
    with stocked.writing() as conn:
        order_id = bring_to(conn, state)
        for action, step in STEPS.items():
            allowed = state in orders.TRANSITIONS[action].from_states
            before = conn.scalar(sa.text("SELECT count(*) FROM change"))
            trial = conn.begin_nested()
            refused = ""
            try:
                step(conn, order_id)
            except Conflict as error:
                refused = error.detail
            if refused:
                goods_missing = action in ("use", "send_back", "take_back", "settle", "receive", "reverse")
                assert not allowed or goods_missing, (state, action, refused)
                assert order_id in refused or order_id.replace("DB", "XQ")[:-2] in refused
                trial.rollback()
                assert conn.scalar(sa.text("SELECT count(*) FROM change")) == before
                continue
            assert allowed, (state, action)
            event = orders.order_of(conn, order_id)["events"][-1]
            assert event["action"] == action
            assert event["to_state"] in orders.TRANSITIONS[action].to_states
            assert (event["from_state"], event["actor"]) == (state, "dispatcher")
            trial.rollback()


@pytest.mark.parametrize("action", [step.action for step in orders.TRANSITIONS.values() if step.needs_reason])
def test_what_needs_a_reason_is_refused_without_one(conn: Connection, action: str) -> None:
    order_id = bring_to(conn, orders.TRANSITIONS[action].from_states[0])
    call: Callable[..., Any] = {
        "cancel": orders.cancel,
        "lose": orders.report_lost,
        "find": orders.report_found,
        "reverse": lambda conn, i, reason, **who: orders.reverse(conn, i, last_movement(conn, i), reason, **who),
    }[action]
    with pytest.raises(InputError, match="reason is empty"):
        call(conn, order_id, " ", **WHO)


# -- reserve


def test_a_request_has_one_order_for_each_depot_and_binds_its_goods(conn: Connection) -> None:
    found = orders.reserve(conn, asked(("bag", 20_000, "加厚")), [bags(10_000), bags(8000, OTHER)], **WHO)
    assert found["id"] == found["number"] == "XQ-20260701-001"
    assert [order["id"] for order in found["orders"]] == ["DB-20260701-001-1", "DB-20260701-001-2"]
    assert [order["depot_id"] for order in found["orders"]] == ["D1", "D2"]
    assert {order["expires_utc"] for order in found["orders"]} == {schema.utc_text(NOW + timedelta(minutes=30))}
    assert balances(conn, OLD) == (10_000, 10_000, 0)
    assert balances(conn, OTHER) == (15_000, 8000, 0)
    line = found["lines"][0]
    assert [line[name] for name in ("item_name", "unit", "specification")] == ["沙袋", "t", "加厚"]
    assert [line[name] for name in ("requested", "bound", "received", "outstanding")] == [20, 18, 0, 2]
    assert found["to"] == [120.83, 32.01]


@pytest.mark.parametrize("by_telephone", [False, True])
def test_the_answer_is_what_stands_in_the_database(conn: Connection, by_telephone: bool) -> None:
    wanted = asked(("bag", 20_000, "加厚"), ("p50", 5000), phone="1", deadline_utc=NOON, to_depot_id="D3", level="city")
    lines = [bags(10_000), bags(8000, OTHER), bags(1500, NEW), NewLine("D1", LARGE, 2000, instead_of="p50")]
    call = orders.post_by_telephone if by_telephone else orders.reserve
    found = call(conn, wanted, lines, **WHO)
    assert found == orders.request_of(conn, found["id"])
    assert [line["outstanding"] for line in found["lines"]] == [0.5, 1]


def test_a_request_without_needs_asks_for_what_it_binds(conn: Connection) -> None:
    found = orders.reserve(conn, asked(), [bags(10_000), bags(2500, NEW)], **WHO)
    assert [(line["item_id"], line["requested"]) for line in found["lines"]] == [("bag", 12.5)]


def test_all_lines_or_none(conn: Connection) -> None:
    before = conn.scalar(sa.text("SELECT count(*) FROM change"))
    with pytest.raises(Conflict, match=r"nothing was reserved; lot D2/bag/B: 16 asked, 15 available"):
        orders.reserve(conn, asked(), [bags(10_000), bags(16_000, OTHER)], **WHO)
    with pytest.raises(Conflict, match="it expired on 2026-06-30"):
        orders.reserve(conn, asked(), [bags(10_000), bags(1000, "D3/bag/gone")], **WHO)
    stock.change_status(conn, OTHER, "recalled", reason="letter", **WHO)
    with pytest.raises(Conflict, match="lot D2/bag/B: it is recalled"):
        orders.reserve(conn, asked(), [bags(10_000), bags(1000, OTHER)], **WHO)
    assert conn.scalar(sa.text("SELECT count(*) FROM change")) == before + 2  # the recall
    assert balances(conn, OLD) == (10_000, 0, 0)


def test_exactly_what_is_there_can_be_reserved_and_no_thousandth_more(conn: Connection) -> None:
    ledger.record(conn, [ledger.Movement(OLD, 3000, "depot", "hold", "hold")], source="t", now_utc=NOW)
    with pytest.raises(Conflict, match=r"7\.001 asked, 7 available"):
        orders.reserve(conn, asked(), [bags(7001)], **WHO)
    orders.reserve(conn, asked(), [bags(7000)], **WHO)
    with pytest.raises(Conflict, match="1 asked, 0 available"):
        orders.reserve(conn, asked(), [bags(1000)], **WHO)


def test_a_lot_is_good_on_its_last_day(conn: Connection) -> None:
    last = {"actor": "d", "now_utc": datetime(2026, 8, 1, 15, 59, tzinfo=UTC)}  # 23:59 in the district
    orders.reserve(conn, asked(), [bags(1000)], **last)
    with pytest.raises(Conflict, match="it expired on 2026-08-01"):
        orders.reserve(conn, asked(), [bags(1000)], actor="d", now_utc=last["now_utc"] + timedelta(minutes=1))


def test_taking_a_lot_that_expires_later_needs_a_reason(conn: Connection) -> None:
    with pytest.raises(InputError, match="lot D1/bag/old expires earlier, on 2026-08-01"):
        orders.reserve(conn, asked(), [bags(1000, NEW)], **WHO)
    with pytest.raises(InputError, match="expires earlier"):
        orders.reserve(conn, asked(), [bags(9999), bags(1000, NEW)], **WHO)
    orders.reserve(conn, asked(), [bags(10_000), bags(1000, NEW)], **WHO)
    found = orders.reserve(conn, asked(), [bags(1000, NEW)], **WHO)  # nothing earlier is left
    assert found["orders"][0]["lines"][0]["reason"] is None


def test_a_lot_that_may_run_out_on_the_way_need_not_go_first(conn: Connection) -> None:
    conn.execute(sa.update(schema.table("lot")).where(schema.table("lot").c.id == OLD).values(expires_on="2026-07-01"))
    midnight = datetime(2026, 7, 1, 16, 0, tzinfo=UTC)  # in the district
    before = midnight - orders.ON_THE_ROAD - timedelta(milliseconds=1)
    with pytest.raises(InputError, match="lot D1/bag/old expires earlier, on 2026-07-01"):
        orders.reserve(conn, asked(), [bags(1000, NEW)], actor="d", now_utc=before)
    then = midnight - orders.ON_THE_ROAD
    assert orders.reserve(conn, asked(), [bags(1000, NEW)], actor="d", now_utc=then)["orders"][0]["state"] == "reserved"
    assert orders.reserve(conn, asked(), [bags(1000)], actor="d", now_utc=then)["orders"][0]["state"] == "reserved"


def test_a_later_lot_with_a_reason_keeps_it(conn: Connection) -> None:
    found = orders.reserve(conn, asked(), [bags(1000, NEW, reason="stands in front")], **WHO)
    assert found["orders"][0]["lines"][0]["reason"] == "stands in front"
    assert orders.trace_lot(conn, NEW)[-1]["reason"] == "stands in front"


@pytest.mark.parametrize(
    ("request_", "lines", "error", "said"),
    [
        (asked(), [], InputError, "lines is empty"),
        (asked(), [bags(), bags()], InputError, "there twice"),
        (asked(), [bags(0)], InputError, "more than 0"),
        (asked(), [bags(lot_id="D1/bag/none")], NotFound, "no lot"),
        (asked(), [NewLine("D2", OLD, 1000)], InputError, "lies in depot D1, not in D2"),
        (asked(("bag", 4000)), [bags(4001)], InputError, r"4\.001 to be reserved, only 4 are asked"),
        (asked(("p50", 4000)), [bags()], InputError, "bag is not asked for"),
        (asked(("bag", 4000), ("bag", 4000)), [bags(4000)], InputError, "asked for twice"),
        (asked(("bag", 0)), [bags(4000)], InputError, "more than 0"),
        (asked(("bag", 9000)), [bags(), NewLine("D1", LARGE, 1000, instead_of="bag")], InputError, "no equivalence"),
        (asked(level="village"), [bags()], InputError, "level=village"),
        (asked(to_depot_id="D9"), [bags()], NotFound, "no depot 'D9'"),
        (asked(to_depot_id="D1"), [bags()], InputError, "where the goods are to go"),
        (NewRequest(" ", "p", "c", (120, 32)), [bags()], InputError, "unit is empty"),
        (NewRequest("u", "", "c", (120, 32)), [bags()], InputError, "place is empty"),
        (NewRequest("u", "p", "", (120, 32)), [bags()], InputError, "contact is empty"),
        (NewRequest("u", "p", "c", (32, 120)), [bags()], InputError, "longitude first"),
        ("XQ-1", [bags()], NotFound, "no request 'XQ-1'"),
    ],
)
def test_a_wrong_request_is_refused_whole(
    conn: Connection, request_: NewRequest | str, lines: list[NewLine], error: type[Exception], said: str
) -> None:
    before = conn.scalar(sa.text("SELECT count(*) FROM change"))
    with pytest.raises(error, match=said):
        orders.reserve(conn, request_, lines, **WHO)
    assert conn.scalar(sa.text("SELECT count(*) FROM change")) == before


def test_one_large_pump_stands_for_two_small_ones(conn: Connection) -> None:
    wanted = asked(("p50", 5000))
    lines = [NewLine("D2", SMALL, 2000), NewLine("D1", LARGE, 2000, instead_of="p50")]  # 2 + 4 for 5: one over is fine
    found = orders.reserve(conn, wanted, lines, **WHO)
    assert [found["lines"][0][name] for name in ("requested", "bound", "outstanding")] == [5, 6, 0]
    for order in found["orders"]:
        orders.cancel(conn, order["id"], "again", **WHO)
    with pytest.raises(InputError, match="8 to be reserved, only 5 are asked"):  # a whole pump too many
        orders.reserve(conn, wanted, [lines[0], NewLine("D1", LARGE, 3000, instead_of="p50")], **WHO)


def test_the_open_requests_are_each_as_it_is_read_alone(conn: Connection) -> None:
    assert orders.open_requests(conn) == []
    pumps = [NewLine("D2", SMALL, 2000), NewLine("D1", LARGE, 1000, instead_of="p50")]
    orders.reserve(conn, asked(("p50", 5000)), pumps, **WHO)
    lost = sent(conn)
    orders.report_lost(conn, lost, "nobody answers", **WHO)
    gone = orders.reserve(conn, asked(), [bags(1000)], **WHO)
    orders.cancel(conn, gone["orders"][0]["id"], "a mistake", **WHO)
    table = schema.table("supply_request")
    ids = conn.scalars(sa.select(table.c.id).where(table.c.closed_utc.is_(None)).order_by(table.c.fid)).all()
    assert len(ids) > 1
    alone = [{name: part for name, part in orders.request_of(conn, i).items() if name != "orders"} for i in ids]
    assert orders.open_requests(conn) == alone


def test_a_deadline_lies_ahead(conn: Connection) -> None:
    for deadline in (datetime(2020, 1, 1, tzinfo=UTC), NOW - timedelta(milliseconds=1), NOW):  # now is too late
        with pytest.raises(
            InputError, match=r"deadline=20\d\d-.*: expected a time after now, 2026-07-01T02:00:00.000Z"
        ):
            orders.reserve(conn, asked(deadline_utc=deadline), [bags()], **WHO)
    assert conn.scalar(sa.text("SELECT count(*) FROM supply_request")) == 0
    soon = NOW + timedelta(milliseconds=1)
    found = orders.post_by_telephone(conn, asked(deadline_utc=soon), [bags()], **WHO)
    assert found["deadline_utc"] == schema.utc_text(soon)


def test_numbers_go_on_within_a_day_and_begin_anew_on_the_next(conn: Connection) -> None:
    day = timedelta(days=1)
    midnight = datetime(2026, 7, 1, 16, 0, tzinfo=UTC)  # 00:00 on the 2nd in the district
    moments = [NOW, NOW, midnight, midnight - timedelta(milliseconds=1), midnight + day, NOW]
    found = [orders.reserve(conn, asked(), [bags(100)], actor="d", now_utc=moment)["number"] for moment in moments]
    assert [number[3:] for number in found] == [
        "20260701-001",
        "20260701-002",
        "20260702-001",
        "20260701-003",
        "20260703-001",
        "20260701-004",
    ]


# -- reservations end


def test_a_reservation_ends_after_30_minutes_the_bound_included(conn: Connection) -> None:
    found = orders.reserve(conn, asked(), [bags(10_000)], **WHO)
    order_id = found["orders"][0]["id"]
    end = NOW + timedelta(minutes=30)
    assert orders.expire_due(conn, now_utc=end - timedelta(milliseconds=1)) == []
    assert orders.due_to_expire(conn, now_utc=end) == [order_id]
    for step in (orders.place, orders.renew):
        with pytest.raises(Conflict, match="ended at"):
            step(conn, found["id"], actor="d", now_utc=end)
    assert orders.expire_due(conn, now_utc=end) == [order_id]
    assert balances(conn, OLD) == (10_000, 0, 0)
    order = orders.order_of(conn, order_id)
    assert (order["state"], order["expires_utc"], order["events"][-1]["actor"]) == ("expired", None, "system")
    assert orders.request_of(conn, found["id"])["closed_utc"] is not None
    assert orders.expire_due(conn, now_utc=end) == []


def test_what_ran_out_is_free_for_the_next_at_once(conn: Connection) -> None:
    orders.reserve(conn, asked(), [bags(10_000)], **WHO)
    with pytest.raises(Conflict, match="0 available"):
        orders.reserve(conn, asked(), [bags(1000)], **at(29.9))
    orders.reserve(conn, asked(), [bags(10_000)], **at(30))


def test_a_renewed_reservation_holds_from_then_on(conn: Connection) -> None:
    found = orders.reserve(conn, asked(), [bags()], **WHO)
    again = orders.renew(conn, found["id"], **at(20))
    assert again["orders"][0]["expires_utc"] == schema.utc_text(NOW + timedelta(minutes=50))
    assert orders.expire_due(conn, now_utc=NOW + timedelta(minutes=49)) == []
    orders.place(conn, found["id"], **at(49))
    assert orders.expire_due(conn, now_utc=NOW + timedelta(days=9)) == []
    with pytest.raises(Conflict, match="DB-20260701-001-1 is ordered"):
        orders.renew(conn, found["id"], **at(50))


def test_cancelling_sets_free(conn: Connection) -> None:
    order_id = ordered(conn, bags(10_000))
    order = orders.cancel(conn, order_id, "rain stopped", **WHO)
    assert (order["state"], order["events"][-1]["reason"]) == ("cancelled", "rain stopped")
    assert balances(conn, OLD) == (10_000, 0, 0)
    assert held(conn, order_id) == {}


# -- what went bad since it was reserved


@pytest.mark.parametrize("status", ["quarantined", "recalled", "damaged", "expired"])
def test_a_lot_that_went_bad_since_it_was_reserved_is_not_ordered(conn: Connection, status: str) -> None:
    found = orders.reserve(conn, asked(), [bags(10_000), bags(1000, OTHER)], **WHO)
    stock.change_status(conn, OLD, status, reason="letter", **WHO)
    bad, good = (order["id"] for order in found["orders"])
    said = f"lot {OLD} of order {bad}: it is {status}; cancel {bad}, then reserve other lots for the request"
    with pytest.raises(Conflict, match=f"^place {found['id']}: {said}$"):
        orders.place(conn, found["id"], **WHO)
    assert {order["state"] for order in orders.request_of(conn, found["id"])["orders"]} == {"reserved"}
    orders.cancel(conn, bad, "it is not fit", **WHO)  # what the sentence says
    assert orders.place(conn, found["id"], **WHO)["orders"][1]["state"] == "ordered"
    again = orders.reserve(conn, found["id"], [bags(10_000, NEW)], **WHO)
    assert [line["outstanding"] for line in again["lines"]] == [0]
    assert orders.place(conn, found["id"], **WHO)["orders"][2]["state"] == "ordered"
    assert orders.order_of(conn, good)["state"] == "ordered"


def test_what_is_reserved_on_its_last_day_is_ordered_on_that_day_only(conn: Connection) -> None:
    midnight = datetime(2026, 8, 1, 16, 0, tzinfo=UTC)  # the lot is good on 1 August, which ends now in the district
    before = {"actor": "d", "now_utc": midnight - timedelta(milliseconds=1)}
    late, early = (orders.reserve(conn, asked(), [bags(1000)], **before) for _ in range(2))
    assert orders.place(conn, early["id"], **before)["orders"][0]["state"] == "ordered"
    with pytest.raises(Conflict, match=r"lot D1/bag/old of order .*: it expired on 2026-08-01; cancel"):
        orders.place(conn, late["id"], actor="d", now_utc=midnight)


def test_an_order_by_telephone_asks_the_same(conn: Connection) -> None:
    stock.change_status(conn, OLD, "recalled", reason="letter", **WHO)
    with pytest.raises(Conflict, match="lot D1/bag/old: it is recalled"):
        orders.post_by_telephone(conn, asked(), [bags()], **WHO)
    assert conn.scalar(sa.text("SELECT count(*) FROM supply_request")) == 0


# -- by telephone


def test_an_order_by_telephone_is_ordered_at_once_and_its_papers_are_due_in_48_hours(conn: Connection) -> None:
    found = orders.post_by_telephone(conn, asked(("bag", 5000)), [bags()], **WHO)
    assert [order["state"] for order in found["orders"]] == ["ordered"]
    assert found["by_telephone"] is True
    assert found["papers_due_utc"] == schema.utc_text(NOW + timedelta(hours=48))
    assert found["lines"][0]["specification"] == "沙袋"
    assert [request["id"] for request in orders.papers_due(conn)] == [found["id"]]
    moved = conn.scalar(sa.text("SELECT count(*) FROM movement"))
    done = orders.complete_papers(conn, found["id"], "文 2026-17", **at(60))
    assert (done["papers"], done["papers_by"]) == ("文 2026-17", "dispatcher")
    assert conn.scalar(sa.text("SELECT count(*) FROM movement")) == moved
    assert orders.papers_due(conn) == []
    with pytest.raises(Conflict, match="were completed at"):
        orders.complete_papers(conn, found["id"], "again", **at(61))


def test_papers_belong_to_orders_by_telephone(conn: Connection) -> None:
    found = orders.reserve(conn, asked(), [bags()], **WHO)
    with pytest.raises(Conflict, match="not made by telephone"):
        orders.complete_papers(conn, found["id"], "x", **WHO)
    with pytest.raises(InputError, match="papers is empty"):
        orders.complete_papers(conn, found["id"], "", **WHO)


# -- issue


def test_issue_gives_out_what_is_reserved(conn: Connection) -> None:
    order_id = ordered(conn, bags(6000))
    order = orders.issue(conn, order_id, carrier=Carrier("V1"), **WHO)
    assert (order["state"], order["vehicle_name"], order["driver"], order["phone"]) == (
        "issued",
        "苏F 00001",
        "驾驶员甲",
        "000",
    )
    assert line_of(order, OLD)["issued"] == 6
    assert balances(conn, OLD) == (4000, 0, 0)
    assert held(conn, order_id) == {"in_transit": 6000}


def test_another_lot_is_picked_with_a_reason_and_the_rest_is_set_free(conn: Connection) -> None:
    order_id = ordered(conn, bags(6000))
    with pytest.raises(InputError, match="taking another lot needs a reason"):
        orders.issue(conn, order_id, [Pick(OLD, 4000), Pick(NEW, 2000)], **WHO)
    with pytest.raises(InputError, match="2 of lot D1/bag/old are not picked"):
        orders.issue(conn, order_id, [Pick(OLD, 4000)], **WHO)
    with pytest.raises(InputError, match="more of bag is picked than the 6 ordered"):
        orders.issue(conn, order_id, [Pick(OLD, 6000), Pick(NEW, 1, "x")], **WHO)
    order = orders.issue(conn, order_id, [Pick(OLD, 4000), Pick(NEW, 1000, "torn")], **WHO)
    assert (line_of(order, OLD)["issued"], line_of(order, NEW)["issued"]) == (4, 1)
    assert balances(conn, OLD) == (6000, 0, 0)
    assert balances(conn, NEW) == (19_000, 0, 0)
    released = [row for row in orders.trace_order(conn, order_id) if row.get("action") == "release"]
    assert [(row["quantity"], row["reason"]) for row in released] == [(2, "torn")]
    assert orders.outstanding(conn, order["request_id"])[0]["outstanding"] == 1


def test_a_lot_that_was_recalled_meanwhile_is_not_given_out(conn: Connection) -> None:
    order_id = ordered(conn, bags(6000))
    stock.change_status(conn, OLD, "recalled", reason="letter", **WHO)
    with pytest.raises(Conflict, match="lot D1/bag/old: it is recalled; pick another lot"):
        orders.issue(conn, order_id, **WHO)
    order = orders.issue(conn, order_id, [Pick(NEW, 6000, "the other is recalled")], **WHO)
    assert order["state"] == "issued"
    assert balances(conn, OLD) == (10_000, 0, 0)


def test_goods_that_left_before_the_recall_are_booked_and_the_recall_is_told(conn: Connection) -> None:
    order_id = ordered(conn, bags(6000))
    stock.change_status(conn, OLD, "quarantined", reason="rumour", **at(30))
    stock.change_status(conn, OLD, "recalled", reason="letter", **at(40))
    moment = NOW + timedelta(minutes=30)
    for minutes, state in ((30, "quarantined"), (39, "quarantined"), (40, "recalled")):  # the bound: it had happened
        told = {**at(60), "occurred_utc": NOW + timedelta(minutes=minutes)}
        with pytest.raises(Conflict, match=f"lot D1/bag/old: it is {state}; pick another lot"):
            orders.issue(conn, order_id, **told)
    with pytest.raises(Conflict, match="it is recalled"):
        orders.issue(conn, order_id, **at(60))  # said of now
    order = orders.issue(conn, order_id, **at(60), occurred_utc=moment - timedelta(milliseconds=1))
    assert order["state"] == "issued"
    assert order["changed_since"] == [{"lot_id": OLD, "status": "recalled", "since_utc": schema.utc_text(moment)}]
    assert balances(conn, OLD) == (4000, 0, 0)


def test_a_lot_that_was_not_fit_then_is_refused_though_it_is_now(conn: Connection) -> None:
    order_id = ordered(conn, bags(6000))
    stock.change_status(conn, OLD, "quarantined", reason="rumour", **at(10))
    stock.change_status(conn, OLD, "usable", reason="looked at", **at(30))
    with pytest.raises(Conflict, match="it is quarantined"):
        orders.issue(conn, order_id, **at(60), occurred_utc=NOW + timedelta(minutes=20))
    assert orders.issue(conn, order_id, **at(60), occurred_utc=NOW + timedelta(minutes=5))["changed_since"] == []


def test_with_a_clock_that_was_set_back_a_recall_stays_a_recall(conn: Connection) -> None:
    order_id = ordered(conn, bags(6000))
    stock.change_status(conn, OLD, "recalled", reason="letter", **at(30))
    with pytest.raises(Conflict, match="it is recalled"):
        orders.issue(conn, order_id, **at(10))


def test_an_issue_told_late_is_held_against_the_day_on_which_it_happened(conn: Connection) -> None:
    last = datetime(2026, 7, 1, 15, 59, 59, tzinfo=UTC)  # a second before midnight in the district
    conn.execute(sa.update(schema.table("lot")).where(schema.table("lot").c.id == OLD).values(expires_on="2026-07-01"))
    order_id = ordered(conn, bags(6000))
    told = {"actor": "keeper", "now_utc": last + timedelta(minutes=5)}
    with pytest.raises(Conflict, match="it expired on 2026-07-01"):
        orders.issue(conn, order_id, occurred_utc=last + timedelta(seconds=1), **told)
    assert orders.issue(conn, order_id, occurred_utc=last, **told)["state"] == "issued"


def test_a_step_told_late_does_not_count_twice_what_a_count_has_found(conn: Connection) -> None:
    order_id = ordered(conn)
    on_hand = balances(conn, OLD)[0]
    counted = NOW + timedelta(minutes=10)
    stock.count(conn, [stock.CountLine(OLD, on_hand - 5000, "gone")], checker="neighbour", actor="k", now_utc=counted)
    late = at(60)
    before = counted - timedelta(milliseconds=1)
    with pytest.raises(Conflict, match=f"lot {OLD} was counted at .*, after .* a time after it and count again"):
        orders.issue(conn, order_id, occurred_utc=before, **late)
    assert orders.issue(conn, order_id, occurred_utc=counted, **late)["state"] == "issued"
    again = stock.count(
        conn,
        [stock.CountLine(OLD, on_hand - 5000, "it was the order")],
        checker="n",
        actor="k",
        now_utc=late["now_utc"],
    )
    assert (again[0]["difference"], balances(conn, OLD)[0]) == (5, on_hand - 5000)
    orders.depart(conn, order_id, occurred_utc=counted, **late)
    with pytest.raises(Conflict, match=f"lot {OLD} was counted at"):
        orders.take_back(conn, order_id, [ReturnLine(OLD, 5000)], occurred_utc=counted, **late)
    orders.take_back(conn, order_id, [ReturnLine(OLD, 5000)], **late)
    assert balances(conn, OLD)[0] == on_hand


@pytest.mark.parametrize(
    ("picks", "error", "said"),
    [
        ([], InputError, "nothing is picked"),
        ([Pick(OLD, 1000), Pick(OLD, 1000)], InputError, "there twice"),
        ([Pick(OTHER, 1000)], NotFound, "does not lie in depot D1"),
        ([Pick(LARGE, 1000, "x")], InputError, "is of p100, order .* is of bag"),
        ([Pick(OLD, 0)], InputError, "more than 0"),
    ],
)
def test_a_wrong_pick_is_refused(conn: Connection, picks: list[Pick], error: type[Exception], said: str) -> None:
    order_id = ordered(conn)
    with pytest.raises(error, match=said):
        orders.issue(conn, order_id, picks, **WHO)
    with pytest.raises(NotFound, match="no vehicle"):
        orders.issue(conn, order_id, carrier=Carrier("V9"), **WHO)


# -- on the way


def test_late_is_beyond_the_promised_time(conn: Connection) -> None:
    order_id = ordered(conn)
    orders.issue(conn, order_id, **WHO)
    order = orders.depart(conn, order_id, travel_s=600, distance_m=5000, geom=[[120.8, 32], [120.83, 32.01]], **WHO)
    promised = NOW + timedelta(minutes=10)
    assert (order["state"], order["eta_utc"], order["promised_utc"]) == ("in_transit", *[schema.utc_text(promised)] * 2)
    assert order["route"] == [[120.8, 32.0], [120.83, 32.01]]
    assert orders.update_eta(conn, order_id, promised, **WHO)["state"] == "in_transit"  # at that moment: on time
    assert orders.update_eta(conn, order_id, promised + timedelta(milliseconds=1), **WHO)["state"] == "late"
    assert orders.update_eta(conn, order_id, promised, **WHO)["state"] == "in_transit"
    assert orders.update_eta(conn, order_id, None, **at(10))["state"] == "in_transit"
    (order,) = orders.on_the_way(conn)
    # nothing new on the roads, but time goes by
    assert not orders.is_news(order, promised, now_utc=promised)
    assert orders.is_news(order, promised, now_utc=promised + timedelta(milliseconds=1))
    late = orders.update_eta(conn, order_id, None, actor="d", now_utc=promised + timedelta(milliseconds=1))
    assert late["state"] == "late"
    assert [order["id"] for order in orders.on_the_way(conn)] == [order_id]


def test_the_vehicle_may_change_at_the_departure(conn: Connection) -> None:
    def left(carrier: Carrier | None, issued: Carrier = orders.NOBODY) -> list[Any]:
        order_id = ordered(conn, bags(100))
        orders.issue(conn, order_id, carrier=issued, **WHO)
        order = orders.depart(conn, order_id, carrier=carrier, **WHO)
        assert order["state"] == "in_transit"
        return [order[name] for name in ("vehicle_id", "driver", "phone")]

    registered = ["V1", "驾驶员甲", "000"]
    by_hand = Carrier(None, "苏F 99999 驾驶员乙", "111")
    assert left(None) == [None, None, None]
    assert left(None, Carrier("V1")) == registered
    assert left(Carrier("V1")) == registered
    assert left(Carrier("V1", "驾驶员丙")) == ["V1", "驾驶员丙", "000"]
    assert left(Carrier("V1"), Carrier("V1", "驾驶员丙", "222")) == ["V1", "驾驶员丙", "222"], "the same vehicle"
    assert left(Carrier("V1"), by_hand) == registered, "another vehicle, another driver"
    assert left(by_hand, Carrier("V1")) == list(by_hand), "a vehicle that is in no register"
    order_id = ordered(conn, bags(100))
    orders.issue(conn, order_id, **WHO)
    with pytest.raises(NotFound, match="no vehicle 'V9'"):
        orders.depart(conn, order_id, carrier=Carrier("V9"), **WHO)


def test_no_step_happened_before_the_one_it_follows(conn: Connection) -> None:
    order_id = ordered(conn, minutes=0)

    def told(call: Any, *args: Any, minutes: float, later: float) -> Any:
        """Told at `later` as what happened at `minutes`."""
        occurred = NOW + timedelta(minutes=minutes)
        return call(conn, order_id, *args, occurred_utc=occurred, **at(later))["events"][-1]["occurred_utc"]

    told(orders.issue, minutes=10, later=12)
    for call, args, first, before in (
        (orders.depart, (), 10, "issue"),
        (orders.report_lost, ("silent",), 10, "depart"),
        (orders.report_found, ("called",), 10, "lose"),
        (orders.report_lost, ("silent again",), 10, "find"),
        (orders.receive, ([ReceiptLine(OLD, 5000)],), 10, "depart"),
    ):
        with pytest.raises(Conflict, match=f"said to have happened at .*01:59.*, but {before} was at") as refused:
            told(call, *args, minutes=-1, later=20)
        assert order_id in refused.value.detail
        # at the very moment it is fine
        assert told(call, *args, minutes=first, later=20) == schema.utc_text(NOW + timedelta(minutes=first))
    assert orders.order_of(conn, order_id)["state"] == "received"


def test_a_deadline_is_the_promise(conn: Connection) -> None:
    deadline = NOW + timedelta(minutes=60)
    order_id = ordered(conn, request=asked(deadline_utc=deadline))
    orders.issue(conn, order_id, **WHO)
    assert orders.depart(conn, order_id, eta_utc=NOW + timedelta(minutes=61), **WHO)["state"] == "late"
    assert orders.update_eta(conn, order_id, deadline, **WHO)["state"] == "in_transit"


def test_lost_is_not_late_and_its_goods_are_asked_for_again(conn: Connection) -> None:
    order_id = sent(conn, travel_s=600)
    request_id = orders.order_of(conn, order_id)["request_id"]
    assert orders.outstanding(conn, request_id)[0]["outstanding"] == 0
    assert orders.report_lost(conn, order_id, "does not answer", **WHO)["state"] == "lost"
    assert held(conn, order_id) == {"in_transit": 5000}
    line = orders.outstanding(conn, request_id)[0]
    assert (line["lost"], line["bound"], line["outstanding"]) == (5, 0, 5)
    assert orders.report_found(conn, order_id, "answers", **at(11))["state"] == "late"
    assert orders.outstanding(conn, request_id)[0]["outstanding"] == 0
    orders.receive(conn, order_id, [ReceiptLine(OLD, 1000)], **at(12))
    orders.report_lost(conn, order_id, "again", **at(13))
    assert orders.report_found(conn, order_id, "answers", **at(14))["state"] == "partly_received"


def test_news_is_a_minute_or_another_state(conn: Connection) -> None:
    order_id = sent(conn, travel_s=600)
    order = next(order for order in orders.on_the_way(conn) if order["id"] == order_id)
    eta = NOW + timedelta(minutes=10)

    def news(seconds: float | None, minutes: float = 0) -> bool:
        arrival = None if seconds is None else eta + timedelta(seconds=seconds)
        now = NOW + timedelta(minutes=minutes)
        return orders.is_news(order, arrival, now_utc=now, has_way=arrival is not None)

    assert not news(0)
    assert news(0.001)  # it would be late
    assert not news(-59.999)
    assert news(-60)
    assert news(None)  # the roads are closed
    assert news(None, minutes=10.1)
    unknown = {**order, "eta_utc": None}  # it left from a depot without a place
    assert not orders.is_news(unknown, None, now_utc=eta)
    assert orders.is_news(unknown, None, now_utc=eta + timedelta(milliseconds=1))


# -- receive, use, return, settle


def test_damaged_and_missing_are_told_apart_and_the_rest_stays_on_its_way(conn: Connection) -> None:
    order_id = sent(conn, bags(10_000))
    order = orders.receive(conn, order_id, [ReceiptLine(OLD, 5000, 1000, 2000, "wet")], **WHO)
    line = line_of(order, OLD)
    assert order["state"] == "partly_received"
    assert [line[name] for name in ("received", "damaged", "missing", "in_transit", "at_place")] == [5, 1, 2, 2, 5]
    with pytest.raises(Conflict, match=r"2\.001 of lot D1/bag/old, only 2 of it are on their way"):
        orders.receive(conn, order_id, [ReceiptLine(OLD, 2000, 1)], **WHO)
    outstanding = orders.outstanding(conn, order["request_id"])[0]
    assert [outstanding[name] for name in ("received", "bound", "outstanding")] == [5, 2, 3]
    order = orders.receive(conn, order_id, [ReceiptLine(OLD, 0, 0, 2000)], **at(5))
    assert (order["state"], order["received_utc"]) == ("received", schema.utc_text(NOW + timedelta(minutes=5)))
    causes = {row["cause"]: row["quantity"] for row in orders.trace_order(conn, order_id) if row.get("cause")}
    assert causes == {"damaged": 1, "missing": 2}


def test_the_rest_goes_to_a_new_plan_of_the_same_request(conn: Connection) -> None:
    order_id = sent(conn, bags(10_000))
    orders.receive(conn, order_id, [ReceiptLine(OLD, 4000, 6000)], **WHO)
    request_id = orders.order_of(conn, order_id)["request_id"]
    with pytest.raises(Conflict, match="7 to be reserved, only 6 are asked"):
        orders.reserve(conn, request_id, [bags(7000, OTHER)], **WHO)
    found = orders.reserve(conn, request_id, [bags(6000, OTHER)], **WHO)
    assert [order["id"] for order in found["orders"]] == [f"DB{request_id[2:]}-1", f"DB{request_id[2:]}-2"]
    assert found["lines"][0]["outstanding"] == 0


def test_every_piece_is_accounted_for_before_an_order_is_settled(conn: Connection) -> None:
    order_id = sent(conn, bags(10_000))
    with pytest.raises(Conflict, match="the order is in_transit"):
        orders.settle(conn, order_id, **WHO)
    orders.receive(conn, order_id, [ReceiptLine(OLD, 10_000)], **WHO)
    orders.use(conn, order_id, [(OLD, 7000)], **WHO)
    with pytest.raises(Conflict, match="3 of lot D1/bag/old incident are left"):
        orders.settle(conn, order_id, **WHO)
    with pytest.raises(Conflict, match="4 of lot D1/bag/old, only 3 are at the place"):
        orders.use(conn, order_id, [(OLD, 4000)], **WHO)
    orders.send_back(conn, order_id, [(OLD, 1000)], **WHO)
    with pytest.raises(Conflict, match="1 of lot D1/bag/old returned"):
        orders.settle(conn, order_id, **WHO)
    order = orders.take_back(conn, order_id, [ReturnLine(OLD, 2000, 500)], hold=True, **WHO)
    assert balances(conn, OLD) == (2000, 0, 2000)
    assert [line_of(order, OLD)[name] for name in ("used", "returned", "damaged", "at_place")] == [7, 2.5, 0.5, 0.5]
    orders.take_back(conn, order_id, [(OLD, 500)], to_depot_id="D2", **WHO)
    order = orders.settle(conn, order_id, **WHO)
    assert (order["state"], held(conn, order_id)) == ("settled", {})
    assert balances(conn, "D2/bag/old") == (500, 0, 0)
    assert orders.request_of(conn, order["request_id"])["closed_utc"] is not None
    with pytest.raises(Conflict, match="the order is settled"):
        orders.take_back(conn, order_id, [(OLD, 1)], **WHO)


def test_a_load_that_turns_round_before_it_arrives_ends_as_cancelled(conn: Connection) -> None:
    order_id = sent(conn, bags(10_000))
    assert orders.send_back(conn, order_id, [(OLD, 10_000)], **WHO)["state"] == "in_transit"
    assert orders.take_back(conn, order_id, [(OLD, 4000)], **WHO)["state"] == "in_transit"
    with pytest.raises(Conflict, match="7 of lot D1/bag/old are to come back, only 6"):
        orders.take_back(conn, order_id, [(OLD, 7000)], **WHO)
    order = orders.take_back(conn, order_id, [(OLD, 6000)], **WHO)
    assert (order["state"], balances(conn, OLD)) == ("cancelled", (10_000, 0, 0))
    assert orders.outstanding(conn, order["request_id"])[0]["outstanding"] == 10


def test_goods_for_another_depot_come_to_lie_there(conn: Connection) -> None:
    order_id = sent(conn, bags(10_000), request=asked(to_depot_id="D2"))
    order = orders.receive(conn, order_id, [ReceiptLine(OLD, 9000, 1000)], **WHO)
    assert (order["state"], held(conn, order_id)) == ("received", {})
    assert balances(conn, "D2/bag/old") == (9000, 0, 0)
    expiry = conn.scalar(sa.text("SELECT expires_on FROM lot WHERE id = 'D2/bag/old'"))
    assert expiry == "2026-08-01"
    assert orders.settle(conn, order_id, **WHO)["state"] == "settled"
    where = [(row["lot_id"], row["to_lot_id"]) for row in orders.trace_lot(conn, "D2/bag/old") if "to_lot_id" in row]
    assert (OLD, "D2/bag/old") in where


def test_goods_that_differ_from_the_lot_of_the_same_number_get_one_of_their_own(conn: Connection) -> None:
    line = stock.TakenIn("D2", "bag", "old", 1000, None, "2026-09-01")
    stock.take_in(conn, [line], **WHO)
    order_id = sent(conn, bags(10_000), request=asked(to_depot_id="D2"))
    orders.receive(conn, order_id, [ReceiptLine(OLD, 10_000)], **WHO)
    assert balances(conn, "D2/bag/old") == (1000, 0, 0)
    assert balances(conn, "D2/bag/old (D1)") == (10_000, 0, 0)


def test_a_receipt_told_late_keeps_both_clocks(conn: Connection) -> None:
    order_id = sent(conn)
    orders.receive(conn, order_id, [ReceiptLine(OLD, 5000)], occurred_utc=NOW, **at(120))
    event = orders.order_of(conn, order_id)["events"][-1]
    late = schema.utc_text(NOW + timedelta(minutes=120))
    assert (event["occurred_utc"], event["recorded_utc"]) == (schema.utc_text(NOW), late)
    with pytest.raises(Conflict, match="incident of order"):  # used before it came
        orders.use(conn, order_id, [(OLD, 1000)], occurred_utc=NOW - timedelta(minutes=1), **at(121))
    with pytest.raises(InputError, match="after the time of recording"):
        orders.use(conn, order_id, [(OLD, 1000)], occurred_utc=NOW + timedelta(minutes=122), **at(121))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (ReceiptLine(OLD, 0), "every quantity is 0"),
        (ReceiptLine(OLD, -1000), "received=-1: expected 0 or more"),
        (ReceiptLine(OLD, 1, -1500), r"damaged=-1\.5: expected 0 or more"),
        (ReceiptLine(OLD, 1, 0.5), "whole number of thousandths"),  # type: ignore[arg-type]
        (ReceiptLine(NEW, 1), "only 0 of it are on their way"),
    ],
)
def test_a_wrong_receipt_is_refused(conn: Connection, line: ReceiptLine, said: str) -> None:
    order_id = sent(conn)
    with pytest.raises(OneMapError, match=said):
        orders.receive(conn, order_id, [line], **WHO)
    with pytest.raises(InputError, match="lines is empty"):
        orders.receive(conn, order_id, [], **WHO)


# -- what is short, and the whole life


def test_the_upward_request_asks_for_what_is_outstanding(conn: Connection) -> None:
    wanted = asked(("bag", 50_000, "加厚"), ("p50", 2000), level="street")
    found = orders.reserve(conn, wanted, [bags(10_000), NewLine("D2", SMALL, 2000)], **WHO)
    draft = orders.upward_draft(conn, found["id"])
    assert (draft["from_level"], draft["to_level"]) == ("street", "district")
    assert [(line["item_id"], line["requested"], line["quantity"]) for line in draft["lines"]] == [("bag", 50, 40)]
    assert draft["lines"][0]["unit"] == "t"
    assert draft["unit"] == "城东街道"
    with pytest.raises(InputError, match="to_level=moon"):
        orders.upward_draft(conn, found["id"], to_level="moon")


def test_the_whole_life_of_a_lot_and_of_an_order(conn: Connection) -> None:
    order_id = sent(conn, bags(10_000), travel_s=60)
    orders.receive(conn, order_id, [ReceiptLine(OLD, 9000, 1000)], **at(2))
    orders.use(conn, order_id, [(OLD, 8000)], **at(3))
    orders.take_back(conn, order_id, [(OLD, 1000)], to_depot_id="D3", **at(4))
    stock.count(conn, [stock.CountLine(OLD, 0)], checker="neighbour", **at(5))
    stock.change_status(conn, OLD, "damaged", reason="wet", **at(6))
    life = orders.trace_lot(conn, OLD)
    assert [row.get("action", row["what"]) for row in life] == [
        "opening",
        "reserve",
        "issue",
        "delivery",
        "write_off",
        "use",
        "return",
        "restock",
        "count",
        "status",
    ]
    assert {row["order_id"] for row in life if row["what"] == "movement"} == {None, order_id}
    assert life == orders.trace_lot(conn, "D3/bag/old")  # from either end
    assert all(row["occurred_utc"] <= row["recorded_utc"] for row in life)
    assert {(row["item_name"], row["unit"]) for row in life} == {("沙袋", "t")}
    steps = [row["action"] for row in orders.trace_order(conn, order_id) if row["what"] == "order"]
    assert steps == ["reserve", "place", "issue", "depart", "receive", "use", "take_back"]
    for trace in (orders.trace_lot, orders.trace_order):
        with pytest.raises(NotFound):
            trace(conn, "none")


def test_what_is_not_there_is_not_found(conn: Connection) -> None:
    for call in (orders.order_of, orders.request_of, orders.outstanding, orders.upward_draft):
        with pytest.raises(NotFound):
            call(conn, "none")
    with pytest.raises(NotFound):
        orders.issue(conn, "none", **WHO)


def test_open_orders_are_those_that_are_neither_settled_nor_given_up(conn: Connection) -> None:
    for state in ("expired", "cancelled", "settled"):
        bring_to(conn, state)
    kept = [ordered(conn, bags(100), minutes=60), sent(conn, bags(100))]
    assert [order["id"] for order in orders.open_orders(conn)] == kept
