"""Supplies from the reservation to the settlement: who may, what is booked, when it will be there."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import shapely
from sqlalchemy import Connection

from data import orders, reversals, schema
from data.orders import NOBODY, Carrier, NewLine, NewRequest, Pick, ReceiptLine, ReturnLine
from geo.errors import Conflict, InputError
from geo.supply import thousandths
from layers import analyses
from layers.actions.gate import act
from layers.actions.places import depot_street
from layers.district import District
from layers.permissions import SYSTEM, Actor, may

Body = Mapping[str, Any]


def reserve(district: District, actor: Actor, body: Body, *, key: str) -> dict[str, Any]:
    """Bind every line of a plan to a new request, all or nothing; it holds for 30 minutes."""
    return _reserved(district, actor, body, body["lines"], key=key)


def request_planned(
    district: District, actor: Actor, body: Body, *, key: str, by_telephone: bool = False
) -> dict[str, Any]:
    """A request by its needs alone: what the depots can give now is planned and reserved, the rest is outstanding."""
    needs = {need["item_id"]: need["quantity"] for need in body["needs"]}
    lines = planned_lines(district, body["to"], needs, to_depot=body.get("to_depot_id"))
    return (_ordered if by_telephone else _reserved)(district, actor, body, lines, key=key)


def _reserved(district: District, actor: Actor, body: Body, lines: Sequence[Body], *, key: str) -> dict[str, Any]:
    wanted, taken = _new_request(district, body), _new_lines(lines)

    def change(conn: Connection, now: datetime) -> Any:
        return orders.reserve(conn, wanted, _some(taken), actor=actor.id, now_utc=now)

    return _done(act(district, actor, "supply.reserve", change, route="supplies.reserve", key=key, body=body))


def reserve_outstanding(
    district: District, actor: Actor, request_id: str, body: Body | None = None, *, key: str
) -> dict[str, Any]:
    """Reserve what a request still lacks, for the same request: the lines given, else what a new plan takes."""
    with district.store.reading() as conn:
        request = orders.request_of(conn, request_id)
    given = (body or {}).get("lines")
    lacking = {line["item_id"]: line["outstanding"] for line in request["lines"] if line["outstanding"]}
    if given is None:
        to_depot = request["to_depot_id"]
        given = planned_lines(district, request["to"], lacking, to_depot=to_depot) if lacking else []
    lines = _new_lines(given)

    def change(conn: Connection, now: datetime) -> Any:
        if not lacking:
            raise Conflict(f"request {request_id}: nothing of it is outstanding")
        return orders.reserve(conn, request_id, _some(lines), actor=actor.id, now_utc=now)

    return _done(
        act(
            district,
            actor,
            "supply.reserve",
            change,
            route="supplies.again",
            key=key,
            body={"request": request_id, **(body or {})},
            subject=request_id,
        )
    )


def planned_lines(
    district: District, to: Sequence[float], needs: Mapping[str, Any], *, to_depot: str | None = None
) -> list[dict[str, Any]]:
    """What the plan for a place takes of which lots; nothing where no depot can give anything.

    The depot that receives gives nothing itself.
    """
    lon, lat = to
    plan = analyses.supply(district, lonlat=(float(lon), float(lat)), needs=needs, to_depot=to_depot)
    return [
        {
            "depot_id": row["depot_id"],
            "item_id": row.get("item") or line["item"],
            "lot": row["lot"],
            "quantity": row["quantity"],
            **({"instead_of": line["item"]} if row.get("item") not in (None, line["item"]) else {}),
        }
        for line in plan["lines"]
        for row in line["from"]
    ]


def _some(lines: Sequence[NewLine]) -> Sequence[NewLine]:
    """The lines; Conflict, told inside the change so that the same request twice is answered once, where none are."""
    if not lines:
        raise Conflict("no depot can give any of it now; ask the next level, the draft stands on the request's page")
    return lines


def post_by_telephone(district: District, actor: Actor, body: Body, *, key: str) -> dict[str, Any]:
    """Reserve and order at once on a call; the papers are due within 48 hours."""
    return _ordered(district, actor, body, body["lines"], key=key)


def _ordered(district: District, actor: Actor, body: Body, lines: Sequence[Body], *, key: str) -> dict[str, Any]:
    wanted, taken = _new_request(district, body), _new_lines(lines)

    def change(conn: Connection, now: datetime) -> Any:
        return orders.post_by_telephone(conn, wanted, _some(taken), actor=actor.id, now_utc=now)

    return _done(act(district, actor, "supply.order", change, route="supplies.telephone", key=key, body=body))


def renew(district: District, actor: Actor, request_id: str, *, key: str) -> dict[str, Any]:
    """Hold a reservation for another 30 minutes."""
    return _on_request(district, actor, request_id, "supply.reserve", "renew", orders.renew, key=key)


def place(district: District, actor: Actor, request_id: str, *, key: str) -> dict[str, Any]:
    """Order what is reserved: every depot of the request has to issue now."""
    return _on_request(district, actor, request_id, "supply.order", "order", orders.place, key=key)


def complete_papers(district: District, actor: Actor, request_id: str, body: Body, *, key: str) -> dict[str, Any]:
    """Note the papers of an order by telephone; the ledger does not change."""

    def change(conn: Connection, *, actor: str, now_utc: datetime) -> Any:
        return orders.complete_papers(conn, request_id, body["papers"], actor=actor, now_utc=now_utc)

    return _on_request(
        district,
        actor,
        request_id,
        "supply.papers",
        "papers",
        lambda conn, _, **who: change(conn, **who),
        key=key,
        body=body,
    )


def cancel(district: District, actor: Actor, order_id: str, body: Body, *, key: str) -> dict[str, Any]:
    """Give up an order before its goods leave; what was bound is free again."""

    def change(conn: Connection, now: datetime) -> Any:
        return orders.cancel(conn, order_id, body["reason"], actor=actor.id, now_utc=now)

    return _on_order(district, actor, order_id, "supply.order", "cancel", change, key=key, body=body)


def issue(district: District, actor: Actor, order_id: str, body: Body, *, key: str) -> dict[str, Any]:
    """Hand the goods out (出库): the lots picked, or those that the order names."""
    picks = body.get("picks")
    chosen = (
        None
        if picks is None
        else [
            Pick(pick["lot_id"], thousandths(pick["quantity"], name="picks.quantity"), pick.get("reason"))
            for pick in picks
        ]
    )

    def change(conn: Connection, now: datetime) -> Any:
        return orders.issue(
            conn,
            order_id,
            chosen,
            carrier=_carrier(body) or NOBODY,
            reason=body.get("reason"),
            occurred_utc=body.get("occurred"),
            actor=actor.id,
            now_utc=now,
        )

    return _on_order(district, actor, order_id, "supply.issue", "issue", change, key=key, body=body)


def depart(district: District, actor: Actor, order_id: str, body: Body | None = None, *, key: str) -> dict[str, Any]:
    """The vehicle leaves, the one named at the issue or another; when it will be there follows from the roads now."""
    said = body or {}
    with district.store.reading() as conn:
        order = orders.order_of(conn, order_id)
    way = _way(district, {**order, "position": None, "departed_utc": said.get("occurred")})

    def change(conn: Connection, now: datetime) -> Any:
        return orders.depart(
            conn,
            order_id,
            **_arrival(way, now),
            carrier=_carrier(said),
            occurred_utc=said.get("occurred"),
            actor=actor.id,
            now_utc=now,
        )

    return _on_order(district, actor, order_id, "supply.issue", "depart", change, key=key, body=body)


def report_lost(district: District, actor: Actor, order_id: str, body: Body, *, key: str) -> dict[str, Any]:
    """Nobody knows where the vehicle is: a state of its own, not merely late."""

    def change(conn: Connection, now: datetime) -> Any:
        return orders.report_lost(
            conn, order_id, body["reason"], occurred_utc=body.get("occurred"), actor=actor.id, now_utc=now
        )

    return _on_order(district, actor, order_id, "supply.order", "lost", change, key=key, body=body)


def report_found(district: District, actor: Actor, order_id: str, body: Body, *, key: str) -> dict[str, Any]:
    """A lost vehicle is found; it goes on from where it was."""

    def change(conn: Connection, now: datetime) -> Any:
        return orders.report_found(
            conn, order_id, body["reason"], occurred_utc=body.get("occurred"), actor=actor.id, now_utc=now
        )

    return _on_order(district, actor, order_id, "supply.order", "found", change, key=key, body=body)


def receive(district: District, actor: Actor, order_id: str, body: Body, *, key: str) -> dict[str, Any]:
    """Sign for what came: good, damaged and missing apart; it may be a part of the load."""
    lines = [
        ReceiptLine(
            line["lot_id"],
            thousandths(line.get("received", 0), name="lines.received"),
            thousandths(line.get("damaged", 0), name="lines.damaged"),
            thousandths(line.get("missing", 0), name="lines.missing"),
            line.get("note"),
        )
        for line in body["lines"]
    ]

    def change(conn: Connection, now: datetime) -> Any:
        return orders.receive(conn, order_id, lines, occurred_utc=body.get("occurred"), actor=actor.id, now_utc=now)

    return _on_order(district, actor, order_id, "supply.receive", "receive", change, key=key, body=body, receiving=True)


def use(district: District, actor: Actor, order_id: str, body: Body, *, key: str) -> dict[str, Any]:
    """Note what was used up at the place."""
    lines = [
        Pick(line["lot_id"], thousandths(line["quantity"], name="lines.quantity"), line.get("note"))
        for line in body["lines"]
    ]

    def change(conn: Connection, now: datetime) -> Any:
        return orders.use(conn, order_id, lines, occurred_utc=body.get("occurred"), actor=actor.id, now_utc=now)

    return _on_order(district, actor, order_id, "supply.settle", "use", change, key=key, body=body, receiving=True)


def send_back(district: District, actor: Actor, order_id: str, body: Body, *, key: str) -> dict[str, Any]:
    """What was not used leaves the place, or turns round on its way."""
    lines = _coming_back(body)

    def change(conn: Connection, now: datetime) -> Any:
        return orders.send_back(conn, order_id, lines, occurred_utc=body.get("occurred"), actor=actor.id, now_utc=now)

    return _on_order(
        district, actor, order_id, "supply.settle", "send_back", change, key=key, body=body, receiving=True
    )


def take_back(district: District, actor: Actor, order_id: str, body: Body, *, key: str) -> dict[str, Any]:
    """What was not used comes back into a depot, on hold where it has to be looked at first."""
    lines, depot = _coming_back(body), body.get("to_depot_id") or None

    def change(conn: Connection, now: datetime) -> Any:
        return orders.take_back(
            conn,
            order_id,
            lines,
            to_depot_id=depot,
            hold=bool(body.get("hold", False)),
            occurred_utc=body.get("occurred"),
            actor=actor.id,
            now_utc=now,
        )

    return _on_order(district, actor, order_id, "supply.settle", "return", change, key=key, body=body, depot_id=depot)


def settle(district: District, actor: Actor, order_id: str, body: Body, *, key: str) -> dict[str, Any]:
    """Close an order of which every piece is accounted for."""

    def change(conn: Connection, now: datetime) -> Any:
        return orders.settle(conn, order_id, reason=body.get("reason"), actor=actor.id, now_utc=now)

    return _on_order(district, actor, order_id, "supply.settle", "settle", change, key=key, body=body, receiving=True)


def reverse(district: District, actor: Actor, order_id: str, body: Body, *, key: str) -> dict[str, Any]:
    """Undo what was booked of an order by mistake (冲销); its state follows the goods."""
    movement_id = body["movement_id"]
    with district.store.reading() as conn:
        row = reversals.movement_of(conn, movement_id, order_id=order_id)
    depot = row["depot_id"] if row["kind"] == "restock" else None  # undone where the goods were taken back

    def change(conn: Connection, now: datetime) -> Any:
        return orders.reverse(conn, order_id, movement_id, body["reason"], actor=actor.id, now_utc=now)

    return _on_order(
        district,
        actor,
        order_id,
        "supply.reverse",
        "reverse",
        change,
        key=key,
        body=body,
        receiving=True,
        depot_id=depot,
    )


def tend(district: District) -> dict[str, list[str]]:
    """What time and roads do by themselves: reservations that ran out, arrivals on the roads as they are now.

    Cheap when there is nothing to do; the server calls it every few seconds and after every change of a closure.
    """
    now = district.now().astimezone(UTC)
    with district.store.reading() as conn:
        ended = orders.due_to_expire(conn, now_utc=now)
        moving = orders.on_the_way(conn)
    done: dict[str, list[str]] = {"expired": [], "arrivals": []}
    if ended:

        def expire(conn: Connection, now: datetime) -> Any:
            return {"expired": orders.expire_due(conn, actor=SYSTEM.id, now_utc=now)}

        done["expired"] = act(district, SYSTEM, "supply.order", expire, route="supplies.expire")["expired"]
    for order in moving:
        way = _way(district, order)
        has_way = way is None or way["time_s"] is not None
        # off the map nothing is computed: the time that is known stays, and is late when it is over
        arrival = {"eta_utc": order["eta_utc"], "geom": None} if way is None else _arrival(way, now)
        if orders.is_news(order, arrival["eta_utc"], now_utc=now, has_way=has_way):
            _tell(district, order["id"], arrival, has_way)
            done["arrivals"].append(order["id"])
    return done


def _tell(district: District, order_id: str, arrival: Mapping[str, Any], has_way: bool) -> None:
    def update(conn: Connection, now: datetime) -> Any:
        return orders.update_eta(
            conn,
            order_id,
            arrival["eta_utc"],
            geom=arrival["geom"],
            has_way=has_way,
            reason=None if has_way else "no way on the roads as they are",
            actor=SYSTEM.id,
            now_utc=now,
        )

    act(district, SYSTEM, "supply.order", update, route="supplies.eta", subject=order_id)


# -- parts ----------------------------------------------------------------------------------------


def _carrier(body: Body) -> Carrier | None:
    """Who carries the goods, where a body says anything of it."""
    names = Carrier._fields
    return Carrier(*(body.get(name) or None for name in names)) if any(name in body for name in names) else None


def _coming_back(body: Body) -> list[ReturnLine]:
    return [
        ReturnLine(
            line["lot_id"],
            thousandths(line.get("quantity", 0), name="lines.quantity"),
            thousandths(line.get("damaged", 0), name="lines.damaged"),
            line.get("note"),
        )
        for line in body["lines"]
    ]


def _new_request(district: District, body: Body) -> NewRequest:
    lon, lat = body["to"]
    view = district.known_view()
    analyses.require_place(view, (lon, lat), "to")
    deadline = body.get("deadline")
    titles = view.kept("names of items", lambda: dict(view.frame("item")[["id", "name"]].itertuples(index=False)))
    return NewRequest(
        unit=body["unit"],
        place=body["place"],
        contact=body["contact"],
        phone=body.get("phone"),
        incident=body.get("incident"),
        note=body.get("note"),
        lonlat=(float(lon), float(lat)),
        deadline_utc=None if deadline is None else schema.utc_text(deadline),
        to_depot_id=body.get("to_depot_id"),
        level=body.get("level"),
        needs=[
            (
                need["item_id"],
                thousandths(need["quantity"], name="needs.quantity"),
                # Nothing else said, the item is meant as the catalogue describes it.
                need.get("specification") or titles.get(need["item_id"]),
            )
            for need in body["needs"]
        ],
    )


def _new_lines(lines: Sequence[Body]) -> list[NewLine]:
    return [
        NewLine(
            line["depot_id"],
            schema.id_of((line["depot_id"], line["item_id"], line["lot"])),
            thousandths(line["quantity"], name="lines.quantity"),
            instead_of=line.get("instead_of"),
            reason=line.get("reason"),
        )
        for line in lines
    ]


def _on_request(
    district: District,
    actor: Actor,
    request_id: str,
    action: str,
    name: str,
    step: Callable[..., Any],
    *,
    key: str,
    body: Body | None = None,
) -> dict[str, Any]:
    def change(conn: Connection, now: datetime) -> Any:
        return step(conn, request_id, actor=actor.id, now_utc=now)

    return _done(
        act(
            district,
            actor,
            action,
            change,
            route=f"supplies.{name}",
            key=key,
            body={"request": request_id, **(body or {})},
            subject=request_id,
        )
    )


def _on_order(
    district: District,
    actor: Actor,
    order_id: str,
    action: str,
    name: str,
    change: Callable[[Connection, datetime], Any],
    *,
    key: str,
    body: Body | None = None,
    receiving: bool = False,
    depot_id: str | None = None,
) -> dict[str, Any]:
    """A step of one order; a keeper may do it at the depot it leaves, or where it is received or taken back."""
    with district.store.reading() as conn:
        found = orders.order_of(conn, order_id)
    depot = depot_id or acting_depot(found, receiving=receiving)
    return _done(
        act(
            district,
            actor,
            action,
            change,
            route=f"supplies.{name}",
            key=key,
            body={"order": order_id, **(body or {})},
            subject=order_id,
            depot_id=depot,
            street=depot_street(district, depot),
        )
    )


@dataclass(frozen=True)
class Step:
    """Something that can be done to an order next: its way in `orders.TRANSITIONS` and what has to be permitted."""

    name: str
    transition: str
    action: str
    receiving: bool = False
    needs: tuple[str, ...] = ()  # one of these has to hold something


STEPS: tuple[Step, ...] = (
    Step("issue", "issue", "supply.issue"),
    Step("depart", "depart", "supply.issue"),
    Step("receive", "receive", "supply.receive", True, ("in_transit",)),
    Step("use", "use", "supply.settle", True, ("at_place",)),
    Step("send_back", "send_back", "supply.settle", True, ("at_place", "in_transit")),
    Step("return", "take_back", "supply.settle", True, ("at_place", "in_transit", "coming_back")),
    Step("settle", "settle", "supply.settle", True),
    Step("found", "find", "supply.order"),
    Step("lost", "lose", "supply.order"),
    Step("cancel", "cancel", "supply.order"),
)


def next_steps(district: District, actor: Actor, order: Mapping[str, Any]) -> list[str]:
    """What somebody may do to an order as it is now, in the order in which it is usually done."""
    found = []
    held = {part for line in order["lines"] for part in HELD if line[part]}
    for step in STEPS:
        if order["state"] not in orders.TRANSITIONS[step.transition].from_states:
            continue
        if step.needs and not held & set(step.needs):
            continue
        if step.name == "settle" and held:
            continue
        depots = {acting_depot(order, receiving=step.receiving)}
        if step.name == "return" and actor.depot_id is not None:
            depots.add(actor.depot_id)  # goods may come back to another depot than they left
        if any(may(actor, step.action, depot_id=depot, street=depot_street(district, depot)) for depot in depots):
            found.append(step.name)
    return found


HELD = ("reserved", "in_transit", "at_place", "coming_back")
"""Where something of an order can be of which an account has still to be given."""


def acting_depot(order: Mapping[str, Any], *, receiving: bool) -> str:
    """The depot whose keeper does a step: the one that the goods leave, or the one that they are brought to."""
    return str(order["to_depot_id"] if receiving and order["to_depot_id"] else order["depot_id"])


def _done(answer: Any) -> dict[str, Any]:
    found: dict[str, Any] = answer
    return found


def _way(district: District, order: Mapping[str, Any]) -> dict[str, Any] | None:
    """How the load of an order gets to its place: from where its vehicle was last seen, else from the depot.

    ``left_utc`` is when the load was where the way begins. None where it begins off the map: the depot has no place, or
    the vehicle is outside the district.
    """
    start, left = order["depot_place"], order["departed_utc"]
    if order["position"] is not None:
        start, left = order["position"], order["position_utc"]
    if start is None:
        return None
    try:
        way = analyses.route(district, origin=tuple(start), destination=tuple(order["to"]), weight="time", at=None)
    except InputError:
        return None
    return {**way, "left_utc": left}


def _arrival(way: Mapping[str, Any] | None, now: datetime) -> dict[str, Any]:
    """When a load is there that left at ``left_utc``, now at the latest; no time where there is no way."""
    if way is None or way["time_s"] is None:
        return {"eta_utc": None, "travel_s": None, "distance_m": None, "geom": None}
    seconds = way["from_last_leg_s"] + way["time_s"] + way["to_last_leg_s"]
    # a list or a device whose clock is ahead may say that the vehicle was seen later than now
    left = now if way["left_utc"] is None else min(now, datetime.fromisoformat(schema.utc_text(way["left_utc"])))
    return {
        "eta_utc": left + timedelta(seconds=seconds),
        "travel_s": seconds,
        "distance_m": way["distance_m"],
        "geom": shapely.LineString(way["geometry"]["coordinates"]),
    }
