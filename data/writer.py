"""The connection of a process that writes: writers take turns, and brief ones that wait share one durable commit.

A durable commit costs nearly the same for one change as for twenty. So whoever has done its part while the next one
waits hands the open transaction on, and the last one commits for all (group commit). Nobody goes on before that
commit, not even with a refusal, which may rest on what another one wrote. A part that fails is undone alone; a
commit that fails undoes every part, and every one is told.
"""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress

from sqlalchemy import Connection, Engine

from data.turn import Turn
from geo.errors import Conflict, Unavailable

MOST_PARTS = 64
"""How many writers share a commit."""

OPEN_FOR_S = 0.05
"""How long a transaction is handed on: who waits for its commit, and other processes, wait no longer than that."""


def busy(timeout_s: float) -> Unavailable:
    """The error of who waited for others that write."""
    return Unavailable(f"the database is being written by somebody else for more than {timeout_s:g} s; try again")


def driver_of(conn: Connection) -> sqlite3.Connection | None:
    """SQLite's own connection, in the same transaction: a statement costs a tenth there. None for another driver."""
    found = conn.connection.dbapi_connection
    return found if isinstance(found, sqlite3.Connection) else None


@contextmanager
def whole(conn: Connection) -> Iterator[None]:
    """A part of a transaction: all that is written inside stays, or after an exception nothing of it."""
    driver = driver_of(conn)
    if driver is None:
        with conn.begin_nested():
            yield
        return
    driver.execute("SAVEPOINT part")
    try:
        yield
        driver.execute("RELEASE part")
    except BaseException:
        with suppress(sqlite3.Error):  # after some errors SQLite has undone the whole transaction by itself
            driver.execute("ROLLBACK TO part")
            driver.execute("RELEASE part")
        raise


class _Transaction:
    """One transaction with the parts of one or several writers."""

    def __init__(self, engine: Engine) -> None:
        self.conn = engine.connect()
        try:
            self._root = self.conn.begin()
        except BaseException:
            self.conn.close()
            raise
        self._begun = time.monotonic()
        self._parts = 0
        self._error: BaseException | None = None
        self._ended = threading.Event()

    @contextmanager
    def part(self) -> Iterator[None]:
        """The part of one writer, undone alone where others have done theirs before."""
        try:
            with whole(self.conn) if self._parts else nullcontext():
                yield
            if self._is_gone():
                raise Unavailable("the database undid the change by itself, nothing was written; try again")
            self._parts += 1
        except BaseException as error:
            if self._is_gone():
                self._error = error
            raise

    def _is_gone(self) -> bool:
        """Whether SQLite has undone everything by itself, as it may do when the disk is full."""
        driver = driver_of(self.conn)
        return driver is not None and not driver.in_transaction

    def is_to_go_on(self) -> bool:
        """Whether another part may be added."""
        return self._error is None and 0 < self._parts < MOST_PARTS and time.monotonic() - self._begun < OPEN_FOR_S

    def end(self) -> None:
        """Commit what the parts have written."""
        try:
            if self._error is None and self._parts:
                self._root.commit()
        except BaseException as error:
            self._error = error
        finally:
            with suppress(Exception):  # a connection that cannot be used again is not kept
                self.conn.close()  # what is not committed is undone

    def tell(self) -> None:
        """Let everybody go on who waits for the commit."""
        self._ended.set()

    def outcome(self) -> None:
        """Wait for the commit; its error where it failed."""
        self._ended.wait()
        if self._error is not None:
            raise self._error


class Writer:
    """Gives out the one connection that writes, to one thread after the other; each process has its own."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._shares = engine.dialect.name == "sqlite"  # a server has a group commit of its own
        self._turn = Turn()
        self._open: _Transaction | None = None  # what the thread takes over that gets the turn

    @contextmanager
    def turn(self, timeout_s: float, *, brief: bool = False) -> Iterator[Connection]:
        """Write when it is one's turn: durable at the end, or after an exception nothing of it.

        Unavailable where the turn does not come in time. Who is `brief` may share its commit.
        """
        if self._turn.is_mine():
            raise Conflict("this thread is writing already; use the connection that it has")
        brief = brief and self._shares
        if not self._turn.take(timeout_s, brief=brief):
            raise busy(timeout_s)
        try:
            transaction, self._open = self._open or _Transaction(self._engine), None
        except BaseException:
            self._turn.give()
            raise
        try:
            with transaction.part():
                yield transaction.conn
        except BaseException:
            self._leave(transaction, brief=brief)
            raise
        self._leave(transaction, brief=brief)

    def _leave(self, transaction: _Transaction, *, brief: bool) -> None:
        """Hand the transaction on or commit it; back when it is committed, or with the error of the commit."""
        if not (brief and transaction.is_to_go_on() and self._handed_on(transaction)):
            transaction.end()
            self._turn.give()
            transaction.tell()
        transaction.outcome()

    def _handed_on(self, transaction: _Transaction) -> bool:
        self._open = transaction
        if self._turn.give_to_brief():
            return True
        self._open = None
        return False

    def close(self, *, forget: bool = False) -> None:
        """Close the connection; in a forked process it is the parent's, and only forgotten."""
        self._engine.dispose(close=not forget)
