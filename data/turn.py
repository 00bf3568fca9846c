"""Whose turn it is, to write or in the lane of changes: threads wait in the order in which they came."""

import threading
from collections import deque


class Turn:
    """A lock that is handed on in order. Python's own may pass over a waiter again and again under load."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._waiting: deque[tuple[threading.Lock, bool]] = deque()
        self._taken = False
        self._thread: int | None = None

    def is_mine(self) -> bool:
        """Whether the calling thread has the turn."""
        return self._thread == threading.get_ident()

    def take(self, timeout_s: float, *, brief: bool = False) -> bool:
        """Wait for the turn; False where it does not come in time. `brief` says that it will not be kept for long."""
        with self._guard:
            if not self._taken:
                self._taken = True
                self._thread = threading.get_ident()
                return True
            mine = threading.Lock()
            mine.acquire()
            self._waiting.append((mine, brief))
        if not mine.acquire(timeout=timeout_s):
            with self._guard:
                if (mine, brief) in self._waiting:
                    self._waiting.remove((mine, brief))
                    return False
            # It was handed over between the end of the wait and the guard.
        self._thread = threading.get_ident()
        return True

    def give(self) -> None:
        """Hand the turn to whoever has waited longest."""
        with self._guard:
            self._thread = None
            if self._waiting:
                self._waiting.popleft()[0].release()
            else:
                self._taken = False

    def give_to_brief(self) -> bool:
        """Hand the turn to whoever has waited longest if that one is brief; else it is kept, and False."""
        with self._guard:
            if not self._waiting or not self._waiting[0][1]:
                return False
            self._thread = None
            self._waiting.popleft()[0].release()
            return True
