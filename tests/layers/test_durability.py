"""It must hold: the last units of a lot, a process that is killed, a full disk."""

import importlib.util
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa

from data import audit, ledger, orders, stock
from data import store as store_module
from data.store import Store
from geo.errors import Unavailable
from layers.district import District

WORKER = Path(__file__).with_name("ledger_worker.py")
LOT = "D1/bag/A"


def load_worker() -> Any:
    spec = importlib.util.spec_from_file_location("ledger_worker", WORKER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


worker = load_worker()


def start(*arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(WORKER), *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )


def made(path: Path, quantity: int) -> Path:
    """A district with one lot."""
    stamp: dict[str, Any] = {"source": "test", "source_datum": "none", "now_utc": datetime(2026, 1, 1, tzinfo=UTC)}
    with Store.create(path, name="试", epsg=4549) as store, store.writing() as conn:
        store.upsert(conn, "depot", pd.DataFrame({"id": ["D1"], "name": ["一库"], "level": "street"}), **stamp)
        store.upsert(conn, "item", pd.DataFrame({"id": ["bag"], "name": ["沙袋"], "unit": ["只"]}), **stamp)
        rows = pd.DataFrame([{"depot_id": "D1", "item_id": "bag", "lot": "A", "quantity": quantity}])
        ledger.apply_lots(conn, rows, source="list", now_utc=stamp["now_utc"])
    return path


def require_sound(store: Store) -> None:
    """Nothing negative, every balance the sum of its movements, the chain of the audit unbroken."""
    with store.reading() as conn:
        assert ledger.verify(conn) == []
        _, _, fault = audit.verify(conn)
        assert fault is None
        lowest = conn.execute(sa.text("SELECT min(on_hand_e3 - reserved_e3 - on_hold_e3), min(on_hand_e3) FROM lot"))
        assert all(value >= 0 for value in lowest.one())
        assert conn.scalar(sa.text("SELECT count(*) FROM holding WHERE quantity_e3 < 0")) == 0
        assert conn.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"


# -- the last units


def test_exactly_as_many_reservations_succeed_as_there_are_units(tmp_path: Path) -> None:
    units, processes, threads = 37, 4, 50
    path = made(tmp_path / "d.gpkg", units)
    running = [start("rush", path, f"p{number}", threads) for number in range(processes)]
    outcomes = [outcome for one in running for outcome in json.loads(one.communicate(timeout=300)[0])]
    taken = [outcome for outcome in outcomes if outcome.startswith("DB-")]
    refused = [outcome for outcome in outcomes if not outcome.startswith("DB-")]
    assert len(outcomes) == processes * threads
    assert (len(taken), len(set(taken))) == (units, units)
    assert set(refused) == {f"409 nothing was reserved; lot {LOT}: 1 asked, 0 available"}
    with Store(path) as store:
        require_sound(store)
        row = store.frame("lot").iloc[0]
        assert (row["on_hand_e3"], row["reserved_e3"]) == (units * 1000, units * 1000)
        said = store.frame("audit")["outcome"].value_counts().to_dict()
        assert said == {"done": units, "refused": processes * threads - units}


# -- killed


def test_a_process_killed_at_random_moments_loses_and_doubles_nothing(tmp_path: Path) -> None:
    path = made(tmp_path / "d.gpkg", 10**6)
    rng = random.Random(7)
    acknowledged: dict[int, Any] = {}
    deadline = time.monotonic() + 60
    kills = 0
    while kills < 4 and time.monotonic() < deadline:
        # what was asked last and not answered is asked again, with its key
        child = start("work", path, max(0, len(acknowledged) - 3), 1000)
        assert child.stdout is not None
        wanted = len(acknowledged) + rng.randrange(5, 30)
        for line in child.stdout:
            found = json.loads(line)
            number, answer = found["number"], found["answer"]
            assert acknowledged.setdefault(number, answer) == answer  # the same request twice: the same answer
            if len(acknowledged) >= wanted:
                time.sleep(rng.random() * 0.02)
                break
        os.kill(child.pid, signal.SIGKILL)
        for line in child.stdout:  # what it said with its last breath is acknowledged too
            if line.endswith("\n"):
                found = json.loads(line)
                assert acknowledged.setdefault(found["number"], found["answer"]) == found["answer"]
        child.wait()
        child.stdout.close()
        kills += 1
        with Store(path) as store:
            require_sound(store)
            require_whole(store, acknowledged)
    assert kills >= 3
    with Store(path) as store:  # what was under way when it was killed is done, or can be: once
        district = District(store)
        before = len(store.frame("idempotency"))
        assert before - len(acknowledged) in (0, 1)
        worker.operation(district, len(acknowledged))
        worker.operation(district, len(acknowledged))
        assert len(store.frame("idempotency")) == len(acknowledged) + 1
        require_sound(store)


def test_a_crowd_that_shares_commits_is_killed_in_the_middle(tmp_path: Path) -> None:
    path = made(tmp_path / "d.gpkg", 10**6)
    rng = random.Random(11)
    acknowledged: dict[int, Any] = {}
    first = 0
    for _ in range(4):
        child = start("crowd", path, first, first + 2000, 20)
        assert child.stdout is not None
        wanted = len(acknowledged) + rng.randrange(20, 120)
        for line in child.stdout:
            found = json.loads(line)
            acknowledged[found["number"]] = found["answer"]
            if len(acknowledged) >= wanted:
                time.sleep(rng.random() * 0.02)
                break
        os.kill(child.pid, signal.SIGKILL)
        for line in child.stdout:
            if line.endswith("\n"):
                found = json.loads(line)
                acknowledged[found["number"]] = found["answer"]
        child.wait()
        child.stdout.close()
        first += 2000
        with Store(path) as store:
            require_sound(store)
            there = set(store.frame("idempotency")["id"])
            known = set(store.frame("supply_request")["id"])
            done = {number: answer for number, answer in acknowledged.items() if answer is not None}
            assert {f"dispatcher/op-{number}" for number in done} <= there
            assert set(done.values()) <= known
            assert len(set(done.values())) == len(done)
            # none is half there: a request, its order, movement, event, key and row in the audit, or nothing
            audited = store.frame("audit")["outcome"].value_counts().to_dict()
            counts = store.counts()
            assert len(there) == len(known) == audited["done"] == counts["supply_order"] == counts["order_event"]
            assert audited["refused"] >= len(acknowledged) - len(done) > 0
            moved = store.frame("movement")
            assert (moved["kind"] == "reserve").sum() == len(known)


def require_whole(store: Store, acknowledged: dict[int, Any]) -> None:
    """Every acknowledged operation is there, once, and none is half there."""
    keys = Counter(store.frame("idempotency")["id"])
    assert {f"dispatcher/op-{number}" for number in acknowledged} <= keys.keys()
    assert set(keys.values()) <= {1}
    known = store.frame("supply_order").set_index("id")["state"].to_dict()
    counted = set(store.frame("stock_count")["id"])
    for number, answer in acknowledged.items():
        kind = ("reserve", "count", "whole", "hold")[number % 4]
        if kind in ("reserve", "whole"):
            assert known[answer["id"]] == {"reserve": "reserved", "whole": "received"}[kind]
        if kind == "count":
            assert answer["id"] in counted
    with store.reading() as conn:
        for order in orders.open_orders(conn):
            line = order["lines"][0]
            there = line["reserved"] if order["state"] == "reserved" else line["at_place"]
            assert there == line["quantity"]
    # one row in the audit for each key: what was done is on record, what is on record was done
    done = store.frame("audit")
    assert len(done) == len(keys)
    assert len(known) == sum(1 for action in done["action"] if action in ("reserve", "whole"))


# -- a full disk


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Databases opened from now on may grow by so many pages and no more."""
    connect = store_module._connect
    room = {"pages": 10**6}

    def limited(path: Path, busy_timeout_s: float, *, mode: str = "rw") -> sqlite3.Connection:
        found = connect(path, busy_timeout_s, mode=mode)
        pages = found.execute("PRAGMA page_count").fetchone()[0]
        found.execute(f"PRAGMA max_page_count = {pages + room['pages']}")
        return found

    monkeypatch.setattr(store_module, "_connect", limited)
    return room


def test_a_full_disk_says_so_and_nothing_is_lost(tmp_path: Path, full_disk: dict[str, int]) -> None:
    path = made(tmp_path / "d.gpkg", 10**6)
    full_disk["pages"] = 12
    acknowledged: list[int] = []
    with Store(path) as store:
        district = District(store)

        def fill() -> None:
            while True:
                worker.operation(district, len(acknowledged))
                acknowledged.append(len(acknowledged))

        with pytest.raises(Unavailable, match="full, nothing was written; make room"):
            fill()
        assert len(acknowledged) > 4
        require_sound(store)
        with pytest.raises(Unavailable, match="full"):
            worker.operation(district, len(acknowledged))
        assert len(store.frame("idempotency")) == len(acknowledged)
    full_disk["pages"] = 10**6  # somebody made room
    with Store(path) as store:
        district = District(store)
        before = store.revision()
        for number in acknowledged:
            worker.operation(district, number)  # all are there: nothing happens
        assert store.revision() == before
        worker.operation(district, len(acknowledged))
        assert store.revision() > before
        require_sound(store)


# -- a clock that is set back


def test_a_clock_set_back_keeps_the_order_of_the_record(tmp_path: Path) -> None:
    path = made(tmp_path / "d.gpkg", 100)
    times = iter([12, 9, 10, 15])
    moment = {"now": datetime(2026, 7, 1, 8, tzinfo=UTC)}
    with Store(path) as store:
        district = District(store, clock=lambda: moment["now"])
        for number, hour in enumerate(times):
            moment["now"] = datetime(2026, 7, 1, hour, tzinfo=UTC)
            worker.reserve_one(district, f"k{number}")
        for table in ("movement", "order_event", "audit"):
            told = store.frame(table)["recorded_utc"].tolist()
            assert told == sorted(told)
        moment["now"] = datetime(2026, 7, 1, 9, tzinfo=UTC)
        with store.writing() as conn:
            stock.count(conn, [stock.CountLine(LOT, 100_000)], checker="v", actor="k", now_utc=moment["now"])
            audit.append(conn, actor="k", role="keeper", action="count", now_utc=moment["now"])
        require_sound(store)
