"""The gate: permitted, done once, recorded, all or nothing."""

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa
from sqlalchemy import Connection

from data import audit, ledger
from data.ledger import Movement
from data.store import Store
from geo.errors import Conflict, Forbidden, Unavailable
from layers import permissions
from layers.actions.gate import act
from layers.district import District
from layers.layer import ROLES
from layers.permissions import ACTIONS, Actor

NOW = datetime(2026, 7, 1, 2, 0, tzinfo=UTC)
LOT = "D1/bag/A"
ADMIN = Actor("chief", "负责人", "administrator", address="127.0.0.1")
KEEPER = Actor("keeper", "保管员", "keeper", depot_id="D1")


@pytest.fixture
def town(tmp_path: Path) -> Iterator[District]:
    stamp: dict[str, Any] = {"source": "test", "source_datum": "none", "now_utc": NOW}
    with Store.create(tmp_path / "d.gpkg", name="试", epsg=4549) as store:
        with store.writing() as conn:
            store.upsert(conn, "depot", pd.DataFrame({"id": ["D1"], "name": ["一库"], "level": "street"}), **stamp)
            store.upsert(conn, "item", pd.DataFrame({"id": ["bag"], "name": ["沙袋"], "unit": ["只"]}), **stamp)
            rows = pd.DataFrame([{"depot_id": "D1", "item_id": "bag", "lot": "A", "quantity": 10}])
            ledger.apply_lots(conn, rows, source="list", now_utc=NOW)
        yield District(store, clock=lambda: NOW)


def hold(
    district: District, actor: Actor = ADMIN, *, quantity: int = 1000, key: str | None = "k", depot_id: str = "D1"
) -> Any:
    """Put some of the lot aside, and say how much."""

    def change(conn: Connection, now: datetime) -> Any:
        assert now == NOW
        move = Movement(LOT, quantity, "depot", "hold", "hold", actor=actor.id)
        ledger.record(conn, [move], source="test", now_utc=now)
        return {"id": LOT, "quantity": quantity, "none": None}

    body = {"quantity": quantity}
    return act(district, actor, "stock.change", change, route="stock.hold", key=key, body=body, depot_id=depot_id)


def held(district: District) -> int:
    return int(district.store.frame("lot")["on_hold_e3"].iloc[0])


def records(district: District) -> list[audit.Entry]:
    with district.store.reading() as conn:
        assert audit.verify(conn)[2] is None
        return audit.entries(conn)


def test_what_is_done_is_done_once_and_recorded(town: District) -> None:
    first = hold(town)
    assert hold(town) == first == {"id": LOT, "quantity": 1000, "none": None}
    assert held(town) == 1000
    entry = records(town)[0]
    assert (entry.actor, entry.role, entry.address) == ("chief", "administrator", "127.0.0.1")
    assert (entry.action, entry.subject, entry.outcome) == ("stock.hold", LOT, "done")
    assert entry.details == {"request": {"quantity": 1000}, "answer": first}
    assert len(records(town)) == 1


def test_the_same_request_twice_at_once_happens_once(town: District) -> None:
    """Both wait for one commit; the second finds the answer of the first, which is not durable yet."""
    answers: list[Any] = []
    waiting = town.store._writer._turn._waiting
    threads = [threading.Thread(target=lambda: answers.append(hold(town, key="twice"))) for _ in range(4)]
    with town.store.writing(brief=True):
        for number, thread in enumerate(threads):
            thread.start()
            while len(waiting) <= number:
                time.sleep(0.001)
    for thread in threads:
        thread.join(30)
    assert answers == [answers[0]] * 4
    assert held(town) == 1000
    assert [entry.outcome for entry in records(town)] == ["done"]


def test_another_key_or_another_actor_is_another_request(town: District) -> None:
    hold(town)
    hold(town, key="l")
    hold(town, KEEPER)
    hold(town, key=None)
    hold(town, key=None)
    assert held(town) == 5000


def test_the_same_key_with_another_body_is_refused_and_recorded(town: District) -> None:
    hold(town)
    with pytest.raises(Conflict, match="used for another request"):
        hold(town, quantity=2000)
    assert held(town) == 1000
    assert [entry.outcome for entry in records(town)] == ["refused", "done"]


def test_a_refused_change_leaves_nothing_but_its_record_and_may_be_tried_again(town: District) -> None:
    with pytest.raises(Conflict, match="only 10 there"):
        hold(town, quantity=11_000)
    entry = records(town)[0]
    assert entry.outcome == "refused"
    assert "only 10 there" in entry.details["problem"]
    assert len(town.store.frame("idempotency")) == 0
    hold(town, quantity=10_000)
    assert held(town) == 10_000


def test_a_change_that_fails_half_way_leaves_nothing(town: District) -> None:
    def change(conn: Connection, now: datetime) -> Any:
        ledger.record(conn, [Movement(LOT, 1000, "depot", "hold", "hold")], source="test", now_utc=now)
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        act(town, ADMIN, "stock.change", change, route="stock.hold", key="k")
    assert held(town) == 0
    assert records(town) == []
    hold(town)


def test_a_keeper_acts_only_at_the_own_depot(town: District) -> None:
    hold(town, KEEPER)
    with pytest.raises(Forbidden, match="keeper may do this only at D1, not at D2"):
        hold(town, KEEPER, depot_id="D2", key="l")
    assert held(town) == 1000
    assert [entry.outcome for entry in records(town)] == ["refused", "done"]


def test_only_what_changes_goes_through_the_gate(town: District) -> None:
    with pytest.raises(AssertionError):
        act(town, ADMIN, "map.read", lambda conn, now: None, route="x")


def test_a_database_that_cannot_be_written_says_so(town: District) -> None:
    with town.store.writing() as conn:
        conn.execute(sa.text("SELECT 1"))
        impatient = Store(town.store.url, busy_timeout_s=0.05)
        with impatient, pytest.raises(Unavailable, match="try again"):
            hold(District(impatient, clock=lambda: NOW))
    assert held(town) == 0


# -- permissions


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("action", ACTIONS)
def test_the_table_says_who_may(role: Any, action: str) -> None:
    scope = ACTIONS[action].roles.get(role)
    for actor, depot_id, allowed in (
        (Actor("a", "a", role), "D1", scope == "anywhere"),  # bound to nothing
        (Actor("a", "a", role, depot_id="D1"), "D1", scope is not None),
        (Actor("a", "a", role, depot_id="D1"), "D2", scope == "anywhere"),
        (Actor("a", "a", role, depot_id="D1"), None, scope == "anywhere"),
    ):
        assert permissions.may(actor, action, depot_id=depot_id) is allowed
        if allowed:
            permissions.require(actor, action, depot_id=depot_id)
        else:
            with pytest.raises(Forbidden, match=action):
                permissions.require(actor, action, depot_id=depot_id)


def test_a_keeper_of_a_street_acts_in_the_street() -> None:
    actor = Actor("a", "a", "keeper", street="东街道")
    assert permissions.may(actor, "stock.count", depot_id="D1", street="东街道")
    assert not permissions.may(actor, "stock.count", depot_id="D1", street="西街道")
    assert not permissions.may(actor, "stock.count", depot_id="D1")


def test_a_device_does_what_its_token_names_and_nothing_else() -> None:
    device = Actor("t1", "终端", "administrator", device_id="dev", scopes=frozenset({"device.report"}))
    assert permissions.may(device, "device.report")
    assert [action for action in ACTIONS if permissions.may(device, action)] == ["device.report"]


def test_a_viewer_changes_nothing_of_the_stock() -> None:
    viewer = Actor("v", "v", "viewer")
    allowed = {action for action in ACTIONS if permissions.may(viewer, action)}
    assert allowed == {"map.read", "self.manage"}
