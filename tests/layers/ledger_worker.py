"""What the tests of durability run in processes of their own: `python ledger_worker.py NAME ARGUMENTS`."""

import json
import random
import sys
import threading
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from data import orders, stock
from data.orders import NewLine, NewRequest, ReceiptLine
from data.stock import CountLine
from data.store import Store
from geo.errors import Conflict, OneMapError
from layers.actions.gate import act
from layers.district import District
from layers.permissions import Actor

DISPATCHER = Actor("dispatcher", "调度员", "administrator")
LOT = "D1/bag/A"
PLACE = NewRequest("城东街道", "东大街1号", "值班员", (120.83, 32.01))


def reserve_one(district: District, key: str, quantity_e3: int = 1000) -> Any:
    """One unit of the one lot, or another quantity, through the gate."""

    def change(conn: Connection, now: datetime) -> Any:
        return orders.reserve(conn, PLACE, [NewLine("D1", LOT, quantity_e3)], actor="dispatcher", now_utc=now)

    return act(district, DISPATCHER, "supply.reserve", change, route="reserve", key=key, body={"key": key})


def rush(path: str, name: str, threads: str) -> None:
    """Many threads reserve one unit each at once; print what became of each."""
    outcomes: list[str] = []
    with Store(path, busy_timeout_s=60.0) as store:
        district = District(store)
        ready = threading.Barrier(int(threads))

        def one(number: int) -> None:
            ready.wait()
            try:
                outcomes.append(reserve_one(district, f"{name}-{number}")["orders"][0]["id"])
            except Conflict as error:
                outcomes.append(f"409 {error.detail}")
            except OneMapError as error:
                outcomes.append(f"{error.status} {error.detail}")

        workers = [threading.Thread(target=one, args=(number,)) for number in range(int(threads))]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    sys.stdout.write(json.dumps(outcomes))


def work(path: str, first: str, last: str) -> None:
    """One operation after the other, each with its key; a line is printed only when it is committed."""
    with Store(path, busy_timeout_s=60.0) as store:
        district = District(store)
        for number in range(int(first), int(last)):
            answer = operation(district, number)
            sys.stdout.write(json.dumps({"number": number, "answer": answer}) + "\n")
            sys.stdout.flush()


def crowd(path: str, first: str, last: str, threads: str) -> None:
    """As `work`, by many threads at once, which share commits; a third of what they ask is refused."""
    sys.setswitchinterval(0.0002)  # as the server has it
    said = threading.Lock()
    with Store(path, busy_timeout_s=60.0) as store:
        district = District(store)

        def one(offset: int) -> None:
            for number in range(int(first) + offset, int(last), int(threads)):
                try:
                    answer: Any = reserve_one(district, f"op-{number}", 10**12 if number % 3 == 2 else 1000)
                except Conflict:
                    answer = None
                with said:
                    sys.stdout.write(json.dumps({"number": number, "answer": answer and answer["id"]}) + "\n")
                    sys.stdout.flush()

        workers = [threading.Thread(target=one, args=(offset,)) for offset in range(int(threads))]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()


def operation(district: District, number: int) -> Any:
    """Number says what is done: the same number is the same request, with the same key."""
    rng = random.Random(number)
    kind = ("reserve", "count", "whole", "hold")[number % 4]
    quantity = rng.randrange(1, 5) * 1000

    def change(conn: Connection, now: datetime) -> Any:
        who: dict[str, Any] = {"actor": "dispatcher", "now_utc": now}
        if kind == "count":
            line = CountLine(LOT, 10**9 + quantity, f"count {number}")
            return {"id": stock.count(conn, [line], checker="neighbour", **who)[0]["id"]}
        if kind == "hold":
            return stock.hold(conn, LOT, quantity, reason=f"hold {number}", **who)
        found = orders.reserve(conn, PLACE, [NewLine("D1", LOT, quantity)], **who)
        if kind == "reserve":
            return {"id": found["orders"][0]["id"]}
        order_id = found["orders"][0]["id"]  # a whole life at once: many rows of many tables
        orders.place(conn, found["id"], **who)
        orders.issue(conn, order_id, **who)
        orders.depart(conn, order_id, travel_s=60, **who)
        orders.receive(conn, order_id, [ReceiptLine(LOT, quantity)], **who)
        return {"id": order_id}

    body = {"number": number, "kind": kind, "quantity": quantity}
    return act(district, DISPATCHER, "supply.reserve", change, route=kind, key=f"op-{number}", body=body)


if __name__ == "__main__":
    {"rush": rush, "work": work, "crowd": crowd}[sys.argv[1]](*sys.argv[2:])
