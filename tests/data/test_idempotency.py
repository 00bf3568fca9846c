"""The same request twice happens once."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from data import idempotency, keeping
from data.keeping import Bounds
from data.settings import Settings
from data.store import Store
from geo.errors import Conflict, InputError

NOW = datetime(2026, 7, 1, 2, 0, tzinfo=UTC)


def keep(store: Store, key: str = "k", actor: str = "u", **fields: Any) -> None:
    with store.writing() as conn:
        row: dict[str, Any] = {"route": "r", "body": "b", "answer": {"n": [1, None]}, "now_utc": NOW, **fields}
        idempotency.keep(conn, actor=actor, key=key, **row)


def answered(store: Store, key: str = "k", actor: str = "u", route: str = "r", body: str = "b") -> Any:
    with store.reading() as conn:
        return idempotency.answered(conn, actor=actor, key=key, route=route, body=body)


def test_a_kept_answer_comes_back_as_it_was(stocked: Store) -> None:
    assert answered(stocked) is None
    keep(stocked)
    assert answered(stocked) == {"n": [1, None]}


def test_a_key_belongs_to_one_actor_and_one_request(stocked: Store) -> None:
    keep(stocked)
    assert answered(stocked, actor="v") is None
    assert answered(stocked, actor="u/k", key="") is None  # parts are told apart
    for other in ({"route": "x"}, {"body": "x"}):
        with pytest.raises(Conflict, match="used for another request"):
            answered(stocked, **other)
    with pytest.raises(Conflict, match="there already"):
        keep(stocked)


def test_bodies_are_equal_whatever_the_order_of_their_names() -> None:
    assert idempotency.body_hash({"a": 1, "b": [2]}) == idempotency.body_hash({"b": [2], "a": 1})
    assert idempotency.body_hash({"a": 1}) != idempotency.body_hash({"a": "1"})
    assert idempotency.body_hash([1, 2]) != idempotency.body_hash([2, 1])


@pytest.mark.parametrize("key", [None, "", "  ", "x" * 201])
def test_a_change_carries_a_key(key: str | None) -> None:
    with pytest.raises(InputError, match="Idempotency-Key"):
        idempotency.require_key(key)


def test_a_key_is_kept_as_it_is() -> None:
    assert idempotency.require_key(" k ") == "k"
    assert idempotency.require_key("x" * 200) == "x" * 200  # the bound


def test_a_forgotten_key_may_be_used_anew(stocked: Store) -> None:
    keep(stocked)
    keeping.forget(stocked, Bounds.of(Settings()), now_utc=NOW + timedelta(days=7, milliseconds=1))
    assert answered(stocked) is None
    keep(stocked)
