"""`onemap user` and `onemap token`: what they print, what they refuse, and what stands in the audit afterwards."""

import io
import json
import sys
from pathlib import Path

import pandas as pd
import pytest

from data import accounts, audit
from data.store import Store
from tests.layers.conftest import EPSG, NOW, STAMP, fill
from tests.web.test_cli import Onemap, onemap, told

__all__ = ["onemap"]


@pytest.fixture
def db(tmp_path: Path) -> str:
    """The small town as a file, with one device."""
    path = str(tmp_path / "town.gpkg")
    with Store.create(path, name="小镇", epsg=EPSG) as store:
        fill(store)
        with store.writing() as conn:
            store.upsert(conn, "device", pd.DataFrame({"id": ["g1"], "name": ["门"], "type": ["door"]}), **STAMP)
    return path


def test_an_account_from_the_first_day_to_the_last(onemap: Onemap, db: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = onemap("user", "add", "li.wei", "--name", "李伟", "--role", "administrator", "--db", db)
    assert made.returncode == 0, told(made)
    password = made.stdout.decode().split("password of li.wei: ")[1].strip()
    assert "shown this once" in told(made)
    with Store(db) as store, store.reading() as conn:
        assert accounts.is_right(password, accounts.password_hash(conn, "li.wei"))
    keeper = onemap("user", "add", "ck-1", "--role", "keeper", "--depot", "d1", "--db", db)
    assert keeper.returncode == 0, told(keeper)
    listed = onemap("user", "list", "--db", db).stdout.decode()
    assert "李伟" in listed
    assert "password to be changed" in listed
    assert "d1" in listed
    assert "2 accounts" in listed
    rows = json.loads(onemap("user", "list", "--db", db, "--json").stdout)
    assert [row["id"] for row in rows] == ["ck-1", "li.wei"]
    assert "password_hash" not in rows[0]

    monkeypatch.setattr(sys, "stdin", io.StringIO("three words are long\nignored"))
    given = onemap("user", "password", "li.wei", "--stdin", "--db", db)
    assert given.returncode == 0, told(given)
    assert given.stdout == b"", "what came from elsewhere is not repeated"
    with Store(db) as store, store.reading() as conn:
        assert accounts.is_right("three words are long", accounts.password_hash(conn, "li.wei"))

    assert onemap("user", "disable", "ck-1", "--db", db).returncode == 0
    assert "disabled" in onemap("user", "list", "--db", db).stdout.decode()
    assert onemap("user", "unlock", "ck-1", "--db", db).returncode == 0
    assert "disabled" not in onemap("user", "list", "--db", db).stdout.decode()
    with Store(db) as store, store.reading() as conn:
        found = audit.entries(conn)
        assert [entry.action for entry in reversed(found)] == [
            "add account",
            "add account",
            "reset password",
            "disable account",
            "unlock account",
        ]
        assert {entry.actor for entry in found} == {"command line"}
        assert password not in str(found)
        assert audit.verify(conn)[2] is None


def test_a_token_is_shown_once(onemap: Onemap, db: str) -> None:
    made = onemap("token", "add", "g1", "--scope", "device.report", "--scope", "map.read", "--days", "7", "--db", db)
    assert made.returncode == 0, told(made)
    secret = made.stdout.decode().strip()
    assert secret.startswith("onemap_")
    row = json.loads(onemap("token", "list", "--db", db, "--json").stdout)[0]
    assert row["scope"] == ["device.report", "map.read"]
    assert row["device_id"] == "g1"
    assert "good" in onemap("token", "list", "--db", db).stdout.decode()
    assert onemap("token", "revoke", row["id"], "--db", db).returncode == 0
    assert "revoked" in onemap("token", "list", "--db", db).stdout.decode()
    with Store(db) as store, store.reading() as conn:
        assert accounts.token_of(conn, secret, now_utc=NOW) is None
    assert secret not in onemap("token", "list", "--db", db, "--json").stdout.decode()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["user", "add", "a b"], "2 to 40 letters"),
        (["user", "add", "ann", "--role", "keeper"], "bound to a depot or to a street"),
        (["user", "add", "ann", "--role", "keeper", "--depot", "d9"], "depot=d9"),
        (["user", "add", "ann", "--role", "king"], "king"),
        (["user", "disable", "nobody-here"], "there is no account"),
        (["user", "disable"], "give exactly one"),
        (["user", "disable", "ann", "--demo"], "give exactly one"),
        (["user", "password", "nobody-here"], "there is no account"),
        (["token", "add", "g9"], "device=g9"),
        (["token", "add", "g1", "--days", "0"], "days=0"),
        (["token", "add", "g1", "--days", "367"], "days=367"),
        (["token", "add", "g1", "--scope", "account.manage"], "account.manage"),
        (["token", "revoke", "token:none"], "there is no token"),
        (["serve", "--host", "0.0.0.0"], "--tls-cert and --tls-key"),
        (["serve", "--tls-cert", "x.pem"], "give both"),
        (["serve", "--name", "https://x"], "name of a host"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(words: list[str], said: str, onemap: Onemap, db: str) -> None:
    result = onemap(*words, "--db", db)
    assert result.returncode == 2
    assert said in told(result)
    assert "Traceback" not in told(result)
