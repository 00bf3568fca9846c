"""Whose turn it is to write: threads wait in the order in which they came."""

import threading
from collections import deque


class Turn:
    """A lock that is handed on in order. Python's own may pass over a waiter again and again under load."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()
        self._taken = False
        self._thread: int | None = None

    def is_mine(self) -> bool:
        """Whether the calling thread has the turn."""
        return self._thread == threading.get_ident()

    def take(self, timeout_s: float) -> bool:
        """Wait for the turn; False where it does not come in time."""
        with self._guard:
            if not self._taken:
                self._taken = True
                self._thread = threading.get_ident()
                return True
            mine = threading.Lock()
            mine.acquire()
            self._waiting.append(mine)
        if not mine.acquire(timeout=timeout_s):
            with self._guard:
                if mine in self._waiting:
                    self._waiting.remove(mine)
                    return False
            # It was handed over between the end of the wait and the guard.
        self._thread = threading.get_ident()
        return True

    def give(self) -> None:
        """Hand the turn to whoever has waited longest."""
        with self._guard:
            self._thread = None
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._taken = False
