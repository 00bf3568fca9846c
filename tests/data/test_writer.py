"""Writers that wait share one commit: all of each part or nothing of it, and nobody is told before it is durable."""

import resource
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection

from data import writer as module
from data.store import Store
from data.writer import driver_of
from geo.errors import OneMapError, Unavailable

STAMP = "2026-01-01T00:00:00.000Z"

Part = Callable[[Connection], None]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.create(tmp_path / "d.gpkg", name="试", epsg=4549) as made:
        yield made


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine, a transaction is handed on to those who wait."""
    monkeypatch.setattr(module, "OPEN_FOR_S", 1e9)


def add(name: str) -> Part:
    """A part that writes one hospital, and is the second one to write it where it is there."""

    def part(conn: Connection) -> None:
        conn.exec_driver_sql(
            "INSERT INTO hospital (id, name, source, source_datum, updated_utc) VALUES (?, ?, 'test', '', ?)",
            (name, name, STAMP),
        )

    return part


def refused(name: str) -> Part:
    """A part that writes, sees what those before it wrote, and is then refused."""

    def part(conn: Connection) -> None:
        add(name)(conn)
        count = conn.exec_driver_sql("SELECT count(*) FROM hospital").scalar()
        raise LookupError(f"{name}: there are {count}")

    return part


def names(store: Store) -> list[str]:
    return [row[0] for row in store.ask("SELECT id FROM hospital ORDER BY id")]


class Line:
    """Writers that come one after the other while the first of them still has the turn."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.statements: list[str] = []
        self.ended: dict[int, BaseException | None] = {}
        self.threads: list[threading.Thread] = []
        self.go = threading.Event()

    def first(self, part: Part, *, brief: bool = True) -> None:
        inside = threading.Event()

        def held(conn: Connection) -> None:
            driver = driver_of(conn)
            assert driver is not None
            driver.set_trace_callback(self.statements.append)
            try:
                part(conn)
            finally:
                inside.set()
                assert self.go.wait(30)

        self._start(held, brief)
        assert inside.wait(30), self.ended

    def then(self, part: Part, *, brief: bool = True) -> None:
        waiting = self.store._writer._turn._waiting
        before = len(waiting)
        self._start(part, brief)
        while len(waiting) == before:
            time.sleep(0.001)

    def _start(self, part: Part, brief: bool) -> None:
        number = len(self.threads)

        def run() -> None:
            try:
                with self.store.writing(brief=brief) as conn:
                    part(conn)
                self.ended[number] = None
            except BaseException as error:
                self.ended[number] = error

        self.threads.append(threading.Thread(target=run))
        self.threads[-1].start()

    def finish(self) -> list[BaseException | None]:
        """What became of each, in the order in which they came."""
        self.go.set()
        for thread in self.threads:
            thread.join(60)
        return [self.ended[number] for number in range(len(self.threads))]

    def count(self, statement: str) -> int:
        return sum(said.startswith(statement) for said in self.statements)


def test_those_who_wait_share_one_commit(store: Store) -> None:
    line = Line(store)
    line.first(add("a"))
    for name in "bcdefgh":
        line.then(add(name))
    assert names(store) == []
    assert line.finish() == [None] * 8
    assert names(store) == list("abcdefgh")
    assert (line.count("BEGIN"), line.count("COMMIT")) == (0, 1)  # the first began before it was listened to


def test_nobody_goes_on_before_the_commit(store: Store) -> None:
    line = Line(store)
    inside, go = threading.Event(), threading.Event()

    def slow(conn: Connection) -> None:
        assert [row[0] for row in conn.exec_driver_sql("SELECT id FROM hospital ORDER BY id")] == ["a", "c"]
        inside.set()
        assert go.wait(30)

    line.first(add("a"))
    line.then(refused("b"))
    line.then(add("c"))
    line.then(slow)
    line.go.set()
    assert inside.wait(30)
    assert line.ended == {}  # all have done their part, the refused one too, and wait
    assert names(store) == []
    go.set()
    outcome = line.finish()
    assert [str(error) for error in outcome if error] == ["b: there are 2"]
    assert names(store) == ["a", "c"]


def test_who_is_refused_is_undone_alone(store: Store) -> None:
    line = Line(store)
    line.first(add("a"))
    for part in (refused("b"), add("c"), add("a"), add("d"), refused("e")):
        line.then(part)
    outcome = line.finish()
    assert [type(error).__name__ for error in outcome] == [
        "NoneType",
        "LookupError",
        "NoneType",
        "Conflict",  # the id is there already, by one of the same transaction
        "NoneType",
        "LookupError",
    ]
    assert names(store) == ["a", "c", "d"]
    assert line.count("COMMIT") == 1


def test_a_transaction_whose_first_part_is_refused_goes_no_further(store: Store) -> None:
    line = Line(store)
    line.first(refused("a"))
    line.then(add("b"))
    line.then(add("c"))
    assert [type(error).__name__ for error in line.finish()] == ["LookupError", "NoneType", "NoneType"]
    assert names(store) == ["b", "c"]
    assert (line.count("ROLLBACK"), line.count("COMMIT")) == (1, 1)


def test_who_may_take_long_shares_with_nobody(store: Store) -> None:
    line = Line(store)
    inside, go = threading.Event(), threading.Event()

    def long(conn: Connection) -> None:
        add("b")(conn)
        inside.set()
        assert go.wait(30)

    line.first(add("a"))
    line.then(long, brief=False)
    line.then(add("c"))
    line.then(add("d"))
    line.go.set()
    assert inside.wait(30)
    line.threads[0].join(30)
    assert line.ended == {0: None}  # did not wait for the long one
    assert names(store) == ["a"]
    go.set()
    assert line.finish() == [None] * 4
    assert names(store) == list("abcd")
    assert line.count("COMMIT") == 3


@pytest.mark.parametrize(("most", "commits"), [(1, 6), (2, 3), (3, 2), (5, 2), (6, 1), (7, 1)])
def test_as_many_share_as_may(store: Store, monkeypatch: pytest.MonkeyPatch, most: int, commits: int) -> None:
    monkeypatch.setattr(module, "MOST_PARTS", most)
    line = Line(store)
    line.first(add("a"))
    for name in "bcdef":
        line.then(add(name))
    assert line.finish() == [None] * 6
    assert names(store) == list("abcdef")
    assert line.count("COMMIT") == commits


@pytest.mark.parametrize(("after_s", "commits"), [(0.0, 1), (0.0499, 1), (0.05, 2), (9.0, 2)])
def test_a_transaction_is_not_held_open_for_long(
    store: Store, monkeypatch: pytest.MonkeyPatch, after_s: float, commits: int
) -> None:
    now = 0.0

    class Clock:
        @staticmethod
        def monotonic() -> float:
            return now

    def lasts(conn: Connection) -> None:
        nonlocal now
        add("a")(conn)
        now = after_s

    monkeypatch.setattr(module, "time", Clock)
    monkeypatch.setattr(module, "OPEN_FOR_S", 0.05)
    line = Line(store)
    line.first(lasts)
    line.then(add("b"))
    line.then(add("c"))
    assert line.finish() == [None] * 3
    assert line.count("COMMIT") == commits
    assert names(store) == list("abc")


# -- when it fails


@contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    """As on a full disk, no file of this process may grow beyond a size."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_commit_that_fails_undoes_every_part_and_all_are_told(store: Store) -> None:
    with store.writing() as conn:
        add("before")(conn)
    log = Path(f"{store.path}-wal")
    line = Line(store)
    line.first(add("a"))
    line.then(add("b"))
    line.then(refused("c"))  # its refusal rests on what is not kept: it is told that, too
    line.then(add("d"))
    with files_no_larger_than(log.stat().st_size + 100):
        outcome = line.finish()
    assert all(isinstance(error, Unavailable) for error in outcome), outcome
    assert {error.detail for error in outcome if isinstance(error, OneMapError)} == {
        f"reading or writing {store.path} failed; check the disk and its free space"
    }
    assert len({id(error) for error in outcome}) == 4  # each an error of its own
    assert names(store) == ["before"]
    again = Line(store)  # there is room again
    again.first(add("a"))
    again.then(add("b"))
    assert again.finish() == [None, None]
    assert names(store) == ["a", "b", "before"]
    with store.reading() as conn:
        assert conn.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"


def test_a_full_disk_in_the_middle_undoes_every_part(store: Store) -> None:
    with store.writing() as conn:
        conn.exec_driver_sql("CREATE TABLE filler (body BLOB)")

    def fill(conn: Connection) -> None:
        driver = driver_of(conn)
        assert driver is not None
        pages = driver.execute("PRAGMA page_count").fetchone()[0]
        driver.execute(f"PRAGMA max_page_count = {pages + 3}")
        try:
            conn.exec_driver_sql("INSERT INTO filler VALUES (zeroblob(1000000))")
        finally:
            assert not driver.in_transaction  # SQLite undid it all by itself
            driver.execute("PRAGMA max_page_count = 1000000")

    line = Line(store)
    line.first(add("a"))
    line.then(add("b"))
    line.then(fill)
    line.then(add("c"))
    outcome = line.finish()
    assert [type(error).__name__ for error in outcome] == ["Unavailable", "Unavailable", "Unavailable", "NoneType"]
    assert all("full, nothing was written; make room" in str(error) for error in outcome[:3])
    assert names(store) == ["c"]


def test_a_change_that_hides_such_an_error_is_not_kept_in_part(store: Store) -> None:
    def hides(conn: Connection) -> None:
        driver = driver_of(conn)
        assert driver is not None
        add("b")(conn)
        driver.execute("ROLLBACK")  # as SQLite does it by itself

    line = Line(store)
    line.first(add("a"))
    line.then(hides)
    line.then(add("c"))
    outcome = line.finish()
    assert isinstance(outcome[0], Unavailable | sqlite3.Error)
    assert isinstance(outcome[1], Unavailable | sqlite3.Error)
    assert outcome[2] is None
    assert names(store) == ["c"]


def test_who_waits_too_long_is_refused_and_those_behind_go_on(store: Store) -> None:
    line = Line(store)
    line.first(add("a"))
    store._busy_timeout_s = 0.05
    line.then(add("b"))
    line.threads[1].join(30)
    store._busy_timeout_s = 30.0
    line.then(add("c"))
    outcome = line.finish()
    assert [type(error).__name__ for error in outcome] == ["NoneType", "Unavailable", "NoneType"]
    assert names(store) == ["a", "c"]
