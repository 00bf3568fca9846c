"""Accounts: rules of passwords, lock-out, sessions and tokens at their bounds."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa

from data import accounts, schema
from data.store import Store
from geo.errors import Conflict, InputError, NotFound

NOW = datetime(2026, 7, 1, 2, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
STAMP: dict[str, Any] = {"source": "test", "source_datum": "EPSG:4326", "now_utc": NOW}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.create(str(tmp_path / "d.gpkg"), name="小区", epsg=4549) as store:
        with store.writing() as conn:
            store.upsert(conn, "street", pd.DataFrame({"id": ["s"], "name": ["西街道"]}), **STAMP)
            depot = pd.DataFrame({"id": ["d1"], "name": ["西库"], "level": ["street"]})
            store.upsert(conn, "depot", depot, **STAMP)
            store.upsert(conn, "device", pd.DataFrame({"id": ["g1"], "name": ["门"], "type": ["door"]}), **STAMP)
        yield store


def add(store: Store, account_id: str = "ann", **changed: Any) -> accounts.Account:
    given = {"name": "安", "role": "dispatcher", "password_hash": "-", "now_utc": NOW, **changed}
    with store.writing() as conn:
        return accounts.add(conn, account_id, **given)


# -- passwords


@pytest.mark.parametrize(
    ("password", "problem"),
    [
        ("x7Kq-2mN9", "9 characters; expected 10 to 200"),
        ("x7Kq-2mN9v", ""),
        ("ab3" * 66 + "xy", ""),
        ("ab3" * 66 + "xyz", "201 characters"),
        ("", "0 characters"),
        ("long.account", "name of the account"),
        ("LONG-ACCOUNT", "name of the account"),
        ("long account", "name of the account"),
        ("A Long Name Indeed", "name of the account"),
        ("aaaaaaaaaaaa", "very few characters"),
        ("西门外的第三棵大槐树", ""),
    ],
)
def test_rules_of_passwords(password: str, problem: str) -> None:
    def check() -> str:
        return accounts.require_password(password, account_id="long.account", name="a long name indeed")

    if not problem:
        assert check() == password
        return
    with pytest.raises(InputError, match=problem) as caught:
        check()
    assert not password or password not in caught.value.detail, "an error never repeats the password"


def test_full_width_letters_are_the_same_password() -> None:
    kept = accounts.hashed("ｐａｓｓ－word－２０２６")
    assert kept.startswith("$argon2id$")
    assert accounts.is_right("pass-word-2026", kept)
    assert not accounts.is_right("pass-word-2027", kept)


def test_no_password_fits_no_hash_and_a_broken_one() -> None:
    assert not accounts.is_right("whatever it is", None)
    assert not accounts.is_right("whatever it is", "no hash at all")
    assert not accounts.is_right("", accounts.hashed("something else"))


def test_made_passwords_differ_and_keep_the_rules() -> None:
    made = {accounts.new_password() for _ in range(200)}
    assert len(made) == 200
    for password in made:
        accounts.require_password(password, account_id="ann", name="安")


def test_only_a_few_passwords_are_hashed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from geo.errors import Unavailable

    monkeypatch.setattr(accounts, "_HASHING_PATIENCE_S", 0.01)
    for _ in range(accounts._AT_ONCE):
        assert accounts._HASHING.acquire(timeout=1)
    try:
        with pytest.raises(Unavailable, match="too many log-ins"):
            accounts.is_right("a password", None)
    finally:
        for _ in range(accounts._AT_ONCE):
            accounts._HASHING.release()


# -- accounts


@pytest.mark.parametrize(
    ("changed", "error", "words"),
    [
        ({"account_id": "x"}, InputError, "2 to 40 letters"),
        ({"account_id": "a b"}, InputError, "2 to 40 letters"),
        ({"account_id": "System"}, InputError, "used by the program"),
        ({"account_id": "token:1a"}, InputError, "2 to 40 letters"),
        ({"name": " "}, InputError, "name: is empty"),
        ({"role": "king"}, InputError, "role=king"),
        ({"role": "keeper"}, InputError, "bound to a depot or to a street"),
        ({"role": "keeper", "depot_id": "d1", "street": "西街道"}, InputError, "bound to a depot or to a street"),
        ({"role": "keeper", "depot_id": "d9"}, NotFound, "depot=d9"),
        ({"role": "keeper", "street": "无"}, NotFound, "street=无"),
        ({"role": "planner", "depot_id": "d1"}, InputError, "belongs to a keeper"),
    ],
)
def test_what_is_no_account_is_said(changed: dict[str, Any], error: type, words: str, store: Store) -> None:
    with pytest.raises(error, match=words):
        add(store, **changed)
    with store.reading() as conn:
        assert accounts.accounts(conn) == []


def test_names_that_look_alike_are_one_account(store: Store) -> None:
    assert add(store, " Ann.Lee ").id == "ann.lee"
    with pytest.raises(Conflict, match=r"'ann\.lee' already"):
        add(store, "ＡＮＮ.lee")
    assert add(store, "值班室").id == "值班室"


def test_keepers_are_bound_to_one_place(store: Store) -> None:
    assert add(store, "k1", role="keeper", depot_id="d1").depot_id == "d1"
    assert add(store, "k2", role="keeper", street="西街道").street == "西街道"


def test_the_last_administrator_stays(store: Store) -> None:
    add(store, "boss", role="administrator")
    with store.writing() as conn, pytest.raises(Conflict, match="last administrator"):
        accounts.disable(conn, "boss")
    add(store, "deputy", role="administrator")
    with store.writing() as conn:
        assert accounts.disable(conn, "boss").disabled
        with pytest.raises(Conflict, match="last administrator"):
            accounts.disable(conn, "deputy")
        assert not accounts.unlock(conn, "boss").disabled
        accounts.disable(conn, "deputy")


# -- lock-out


def attempt(store: Store, now: datetime, *, let_in: bool = False, name: str = "ann") -> bool:
    with store.writing() as conn:
        return accounts.note_attempt(conn, name, let_in=let_in, now_utc=now)


def test_five_wrong_ones_lock_for_fifteen_minutes_and_no_longer(store: Store) -> None:
    add(store)
    assert [attempt(store, NOW + k * SECOND) for k in range(5)] == [False] * 4 + [True]
    last = NOW + 4 * SECOND

    def is_locked(now: datetime) -> bool:
        with store.reading() as conn:
            return accounts.account(conn, "ann").is_locked(now)

    assert is_locked(last)
    attempt(store, last + timedelta(minutes=14))  # does not make it longer
    assert is_locked(last + accounts.LOCKED_FOR - SECOND)
    assert not is_locked(last + accounts.LOCKED_FOR)
    again = last + accounts.LOCKED_FOR
    assert [attempt(store, again + k * SECOND) for k in range(5)] == [False] * 4 + [True]


def test_a_right_one_begins_the_count_anew_and_others_have_their_own(store: Store) -> None:
    add(store)
    add(store, "bob")
    for _ in range(4):
        attempt(store, NOW)
    assert not attempt(store, NOW, let_in=True)
    assert not any(attempt(store, NOW) for _ in range(4))
    assert not attempt(store, NOW, name="bob")
    assert not attempt(store, NOW, name="no such account")
    with store.writing() as conn:
        assert accounts.unlock(conn, "ann").failures == 0


def test_lock_out_against_a_model_of_ten_lines(store: Store) -> None:
    add(store)
    rng = random.Random(4)
    now, wrong, until = NOW, 0, NOW
    for _ in range(300):
        now += timedelta(seconds=rng.choice([1, 30, 600, 901]))
        let_in = now >= until and rng.random() < 0.2
        if let_in:
            wrong = 0
        elif now >= until:
            wrong += 1
        if wrong == accounts.MAX_FAILURES:
            wrong, until = 0, now + accounts.LOCKED_FOR
        assert attempt(store, now, let_in=let_in) == (now < until)


# -- sessions


def open_session(store: Store, name: str = "ann", now: datetime = NOW) -> str:
    with store.writing() as conn:
        return accounts.open_session(conn, name, address="127.0.0.1", now_utc=now)


def who(store: Store, secret: str, now: datetime = NOW) -> str | None:
    found = accounts.session_account(store, secret, now_utc=now)
    return found[0].id if found else None


def test_the_database_does_not_hold_the_secret(store: Store) -> None:
    add(store)
    secret = open_session(store)
    assert who(store, secret) == "ann"
    assert who(store, secret + "x") is None
    assert who(store, "") is None
    with store.reading() as conn:
        rows = [str(tuple(row)) for row in conn.execute(sa.select(schema.table("session")))]
    assert len(rows) == 1
    assert secret not in rows[0]


def test_a_session_ends_by_idling_and_by_age(store: Store) -> None:
    add(store)
    secret = open_session(store)
    assert who(store, secret, NOW + accounts.IDLE - SECOND) == "ann"
    assert who(store, secret, NOW + accounts.IDLE) is None
    now = NOW
    while now + timedelta(hours=1) < NOW + accounts.ABSOLUTE:
        now += timedelta(hours=1)
        assert who(store, secret, now) == "ann"
        with store.writing() as conn:
            accounts.mark_seen(conn, secret, now_utc=now)
    assert who(store, secret, NOW + accounts.ABSOLUTE - SECOND) == "ann"
    assert who(store, secret, NOW + accounts.ABSOLUTE) is None


def test_use_is_written_down_now_and_then(store: Store) -> None:
    seen = schema.utc_text(NOW)
    assert not accounts.is_seen_long_ago(seen, now_utc=NOW + accounts.SEEN_EVERY - SECOND)
    assert accounts.is_seen_long_ago(seen, now_utc=NOW + accounts.SEEN_EVERY)


def test_log_out_disabling_and_a_new_password_end_sessions(store: Store) -> None:
    add(store, "boss", role="administrator")
    add(store)
    first, second, other = open_session(store), open_session(store), open_session(store, "boss")
    with store.writing() as conn:
        accounts.end_session(conn, first)
    assert [who(store, s) for s in (first, second, other)] == [None, "ann", "boss"]
    with store.writing() as conn:
        accounts.set_password(conn, "ann", "other", must_change=True, now_utc=NOW)
    assert [who(store, s) for s in (first, second, other)] == [None, None, "boss"]
    third = open_session(store)
    with store.writing() as conn:
        accounts.disable(conn, "ann")
    assert who(store, third) is None
    with store.writing() as conn:
        accounts.unlock(conn, "ann")
    assert who(store, third) is None, "what was ended does not come back"


def test_sessions_that_are_over_are_swept_away(store: Store) -> None:
    add(store)
    open_session(store)
    open_session(store, now=NOW + accounts.IDLE)
    with store.reading() as conn:
        assert conn.scalar(sa.select(sa.func.count()).select_from(schema.table("session"))) == 1


def test_the_password_of_a_demo_account_stays(store: Store) -> None:
    add(store, "demo", demo=True)
    with store.writing() as conn, pytest.raises(Conflict, match="demo account"):
        accounts.set_password(conn, "demo", "other", must_change=False, now_utc=NOW)


# -- tokens


def add_token(store: Store, **changed: Any) -> tuple[accounts.Token, str]:
    secret = accounts.new_secret()
    given: dict[str, Any] = {
        "device_id": "g1",
        "name": "",
        "scopes": ["device.report"],
        "secret": secret,
        "expires_utc": NOW + timedelta(days=30),
        "created_by": "boss",
        "now_utc": NOW,
    }
    with store.writing() as conn:
        return accounts.add_token(conn, **{**given, **changed}), secret


def test_a_token_is_good_until_it_expires_or_is_revoked(store: Store) -> None:
    made, secret = add_token(store)
    assert secret.startswith("onemap_")
    end = NOW + timedelta(days=30)

    def good(now: datetime, text: str = secret) -> bool:
        with store.reading() as conn:
            return accounts.token_of(conn, text, now_utc=now) is not None

    assert good(NOW)
    assert good(end - SECOND)
    assert not good(end)
    assert not good(NOW, secret[:-1])
    assert not good(NOW, made.id)
    with store.reading() as conn:
        assert secret not in str(conn.execute(sa.select(schema.table("token"))).all())
    with store.writing() as conn:
        accounts.revoke_token(conn, made.id, now_utc=NOW)
        with pytest.raises(Conflict, match="was revoked"):
            accounts.revoke_token(conn, made.id, now_utc=NOW)
    assert not good(NOW)


@pytest.mark.parametrize(
    ("changed", "error", "words"),
    [
        ({"device_id": "g9"}, NotFound, "device=g9"),
        ({"scopes": []}, InputError, "scope: is empty"),
        ({"expires_utc": NOW}, InputError, "expected a day from tomorrow"),
        ({"expires_utc": NOW + accounts.LONGEST_TOKEN + SECOND}, InputError, "at most 366 days"),
    ],
)
def test_what_is_no_token_is_said(changed: dict[str, Any], error: type, words: str, store: Store) -> None:
    with pytest.raises(error, match=words):
        add_token(store, **changed)


def test_the_longest_token_is_one(store: Store) -> None:
    made, _ = add_token(store, expires_utc=NOW + accounts.LONGEST_TOKEN)
    assert made.device_id == "g1"
    with store.reading() as conn:
        assert [one.id for one in accounts.tokens(conn)] == [made.id]
        with pytest.raises(NotFound, match="token list"):
            accounts.token(conn, "token:none")
