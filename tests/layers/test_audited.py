"""Accounts and lots that were altered past the program are named, as far as rows of the audit speak of them."""

from datetime import timedelta
from typing import Any

import pandas as pd
import pytest

from data import audited, ledger, stock
from layers.actions import accounts as managed
from layers.actions import stock as keeping
from layers.actions import supplies
from layers.actions.accounts import COMMAND_LINE, add_account
from layers.district import District
from layers.permissions import Actor
from tests.data.test_audit import alter
from tests.layers.conftest import NOW, clock, lonlat, own_town, town

__all__ = ["clock", "own_town", "town"]
KEEPER = Actor("k", "k", "administrator")
TAKEN = "d1/quilt/N"


def problems(district: District) -> list[str]:
    with district.store.reading() as conn:
        return [*audited.unlike_accounts(conn), *audited.unlike_lots(conn)]


@pytest.fixture
def house(own_town: District) -> District:
    """Accounts and a lot that was taken in and sent to the other depot, all through the program."""
    add_account(own_town, COMMAND_LINE, "chief", name="c", role="administrator", password="a long test sentence")
    add_account(own_town, COMMAND_LINE, "desk", name="d", role="viewer", password="a long test sentence")
    managed.change_role(own_town, COMMAND_LINE, "desk", "dispatcher")
    line = {"item_id": "quilt", "lot": "N", "quantity": "9", "expires_on": "2027-07-20"}
    keeping.take_in(own_town, KEEPER, {"depot_id": "d1", "lines": [line]}, key="in")
    body: dict[str, Any] = {
        "to": list(lonlat(5.0, 1.0)), "unit": "u", "place": "p", "contact": "c", "to_depot_id": "d2", "needs": [],
        "lines": [{"depot_id": "d1", "item_id": "quilt", "lot": "N", "quantity": "4", "reason": "r"}],
    }  # fmt: skip
    order = supplies.post_by_telephone(own_town, KEEPER, body, key="call")["orders"][0]["id"]
    supplies.issue(own_town, KEEPER, order, {}, key="issue")
    supplies.receive(own_town, KEEPER, order, {"lines": [{"lot_id": TAKEN, "received": "4"}]}, key="receive")
    assert problems(own_town) == []
    return own_town


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE account SET role = 'administrator' WHERE id = 'desk'", "account desk: role is administrator, the"),
        ("UPDATE account SET disabled = 1 WHERE id = 'desk'", "account desk: disabled is"),
        ("UPDATE account SET street = 'x' WHERE id = 'desk'", "account desk: street is x, the audit said nothing"),
        ("DELETE FROM account WHERE id = 'desk'", "account desk: the audit made it, it is not there"),
        ("UPDATE account SET id = 'other' WHERE id = 'desk'", "account other: no row of the audit made it"),
        (f"UPDATE lot SET status = 'quarantined' WHERE id = '{TAKEN}'", "it was taken in usable and never changed"),
        (f"UPDATE lot SET expires_on = '2029-01-01' WHERE id = '{TAKEN}'", "it was taken in as 2027-07-20"),
        (f"UPDATE lot SET expires_on = NULL WHERE id = '{TAKEN}'", f"lot {TAKEN}: it expires nothing"),
        ("UPDATE lot SET status = 'damaged' WHERE id = 'd2/quilt/N'", "lot d2/quilt/N: it is damaged, its goods came"),
        ("UPDATE lot SET expires_on = NULL WHERE id = 'd2/quilt/N'", "lot d2/quilt/N: it expires nothing, its goods"),
    ],
)
def test_what_was_altered_past_the_program_is_named(house: District, statement: str, said: str) -> None:
    alter(house.store, statement)
    assert any(said in problem for problem in problems(house)), problems(house)


def test_what_the_program_does_is_no_alteration(house: District) -> None:
    managed.disable_account(house, COMMAND_LINE, "desk")
    managed.unlock_account(house, COMMAND_LINE, "desk")
    managed.change_role(house, COMMAND_LINE, "desk", "keeper", depot_id="d1")
    change = {"depot_id": "d1", "lot_id": TAKEN, "status": "recalled", "reason": "letter"}
    keeping.change_status(house, KEEPER, change, key="one")
    keeping.change_status(house, KEEPER, {**change, "status": "usable", "reason": "mistake"}, key="two")
    assert problems(house) == []


def test_an_imported_list_may_say_another_expiry(house: District) -> None:
    """From then on the list is what is known of it: the file, whose hash stands in the audit."""
    from data import audit

    row = ("d1", "quilt", "N", "5", "2028-01-01")
    frame = pd.DataFrame([row], columns=["depot_id", "item_id", "lot", "quantity", "expires_on"])
    later = NOW + timedelta(hours=1)
    with house.store.writing() as conn:
        ledger.apply_lots(conn, frame, source="list", now_utc=later)
        audit.append_import(conn, "run", kind="lots", file="f", sha256="0", rows=1, now_utc=later)
    assert problems(house) == []
    with house.store.writing() as conn:
        stock.change_status(conn, TAKEN, "damaged", reason="wet", actor="k", now_utc=later)
    alter(house.store, "UPDATE lot SET status = 'damaged' WHERE id = 'd2/quilt/N'")
    assert problems(house) == [], "the goods changed since; what is left says nothing of the other lot"
