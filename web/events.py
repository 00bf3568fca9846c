"""The one event stream: every committed change reaches every open map, whoever wrote it.

One thread looks at the change log a few times a second and lays what is new on a short shelf; every
listener has a thread of its own that takes from the shelf where it left off, so a slow one holds up nobody.
The id of an event is the revision up to which it tells: who comes back with it misses nothing and gets nothing twice.
"""

import json
import logging
import select
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

from flask import Flask, Response, current_app, request

from data.keeping import floor_of
from data.watching import TOKEN, Glance, News, read_news, session_roles
from geo.errors import InputError, OneMapError, Unavailable
from layers import changes
from layers.district import District
from layers.layer import Role
from layers.zoning import runs
from web.auth import actor_of_request, session_id

log = logging.getLogger("onemap.web")

LISTENERS = 1_000
"""Event streams held at once."""

MEDIA_TYPES = ("text/event-stream",)

TICK_S = 0.12
"""How often the change log is looked at."""

BEAT_S = 10.0
"""A listener who hears nothing for so long gets a heartbeat; the page takes three missed ones for a lost connection."""

SESSION_S = 2.0
"""How often it is asked whether the sessions behind the streams still hold."""

MAX_BEHIND = 20_000
"""Revisions that are told again to who comes back; who missed more reads everything anew."""

_KEPT_BATCHES = 256
_RETRY_MS = 1_500
_RETRY_AFTER_S = 10
# Telling a thousand listeners takes time on one processor: after that the server answers others for a while.
_REST_PER_LISTENER_S, _LONGEST_REST_S = 0.0004, 0.4
_UNACKNOWLEDGED_MS = 45_000

End = Literal["", "gone", "session", "shutdown"]
Roles = Callable[[Collection[str]], Mapping[str, str]]


class TooManyListeners(Unavailable):
    """All event streams are taken."""

    retry_after_s = _RETRY_AFTER_S


@dataclass(frozen=True)
class Viewer:
    """Who listens: the role, and the session that it comes from (None: nobody logged in)."""

    role: Role
    session: str | None = None


def event(name: str, data: Mapping[str, Any], identity: int | None = None) -> bytes:
    """One event as it is sent."""
    head = f"id: {identity}\n" if identity is not None else ""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return f"{head}event: {name}\ndata: {text}\n\n".encode()


def change_event(news: News, role: Role) -> bytes:
    """What one role hears of the news; where nothing is for it, it hears that the revision is another one."""
    return event("change", {"since": news.since, "revision": news.head, **changes.told(news.rows, role)}, news.head)


@dataclass
class _Batch:
    """What was new at one look, and the bytes of it for each role that listens."""

    news: News | None  # None: not a change of data, the same for everybody
    common: bytes = b""
    texts: dict[Role, bytes] = field(default_factory=dict)

    def text(self, role: Role) -> bytes:
        if self.news is None:
            return self.common
        found = self.texts.get(role)
        if found is None:
            found = self.texts[role] = change_event(self.news, role)
        return found


@dataclass(eq=False)
class _Listener:
    viewer: Viewer
    next: int  # number of the batch that it has not had yet
    wake: threading.Event = field(default_factory=threading.Event)
    end: End = ""
    watched: int = -1  # file descriptor


class EventStreams:
    """All open streams of one district.

    `cap` is how many there may be; `roles` tells which sessions still hold and with which role;
    `alive` says whether the server goes on (asked at every look).
    """

    def __init__(
        self,
        district: District,
        *,
        cap: int = LISTENERS,
        roles: Roles | None = None,
        tick_s: float = TICK_S,
        beat_s: float = BEAT_S,
        session_s: float = SESSION_S,
        max_behind: int = MAX_BEHIND,
    ) -> None:
        self.district = district
        self.cap = cap
        self.beat_s = beat_s
        self.alive: Callable[[], bool] = lambda: True
        self._roles = roles or partial(_session_roles, district)
        self._tick_s, self._session_s, self._max_behind = tick_s, session_s, max_behind
        self._lock = threading.Lock()
        self._telling = threading.Lock()
        self._glance = Glance(district.store)
        self._listeners: set[_Listener] = set()
        self._shelf: deque[_Batch] = deque(maxlen=_KEPT_BATCHES)
        self._next = 0  # number of the batch to come; the shelf ends with the one before
        self._head = 0
        self._drawn = 0
        self._closed = False
        self._thread: threading.Thread | None = None
        self._sockets: dict[int, _Listener] = {}
        self._poll = select.epoll() if hasattr(select, "epoll") else None

    @property
    def count(self) -> int:
        """How many listen."""
        return len(self._listeners)

    # -- one listener

    def open(self, viewer: Viewer, since: int | None = None, sock: socket.socket | None = None) -> "Stream":
        """A stream of bytes from revision `since` on (None: from now on); TooManyListeners beyond the cap.

        `sock` is the client's socket where it is known: then it is noticed at once when the client leaves.
        """
        if since is not None and self._thread is not None and since > self._head:
            self._tell()  # the client read a commit that the thread has yet to look at
        with self._lock:
            if self._closed:
                raise Unavailable("the server is being stopped; try again in a moment")
            if len(self._listeners) >= self.cap:
                raise TooManyListeners(
                    f"{self.cap} event streams are open, more are not held; the page asks now and then instead"
                )
            self._start()
            listener = _Listener(viewer, self._next)
            head = self._head
            self._listeners.add(listener)
        try:
            first = [self._hello(viewer, head), *self._missed(viewer, since, head)]
        except BaseException:
            self._leave(listener)
            raise
        self._watch(listener, sock)
        return Stream(self, listener, first)

    def _hello(self, viewer: Viewer, head: int) -> bytes:
        told = {"revision": head, "role": viewer.role, "drawn": str(self._drawn), "beat_s": self.beat_s}
        return f"retry: {_RETRY_MS}\n".encode() + event("hello", told)

    def _missed(self, viewer: Viewer, since: int | None, head: int) -> list[bytes]:
        if since is None or since == head:
            return [f"id: {head}\n\n".encode()]
        if since > head or head - since > self._max_behind or since + 1 < self._floor():
            return [event("reset", {"revision": head}, head)]
        return [change_event(read_news(self.district.store, since, until=head), viewer.role)]

    def _floor(self) -> int:
        """From which revision on the log is whole."""
        with self.district.store.reading() as conn:
            return floor_of(conn, "change")

    def _watch(self, listener: _Listener, sock: socket.socket | None) -> None:
        if sock is None:
            return
        with suppress(OSError, AttributeError):
            # A peer that fell off the network acknowledges nothing: do not hold its place for a quarter of an hour.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNACKNOWLEDGED_MS)
        if self._poll is None:
            return
        with suppress(OSError, ValueError), self._lock:
            fd = sock.fileno()
            self._poll.register(fd, select.EPOLLRDHUP)
            self._sockets[fd] = listener
            listener.watched = fd

    def _leave(self, listener: _Listener) -> None:
        with self._lock:
            self._listeners.discard(listener)
            if listener.watched >= 0:
                self._sockets.pop(listener.watched, None)
                if self._poll is not None:
                    with suppress(OSError, ValueError):
                        self._poll.unregister(listener.watched)
                listener.watched = -1

    def _take(self, listener: _Listener) -> list[_Batch] | None:
        """The batches that a listener has not had; None where some are no longer on the shelf."""
        with self._lock:
            behind = self._next - listener.next
            listener.next = self._next
            if behind > len(self._shelf):
                return None
            return [self._shelf[k] for k in range(len(self._shelf) - behind, len(self._shelf))] if behind else []

    def follow(self, listener: _Listener) -> Iterator[bytes]:
        """The events of one listener, for as long as it listens; a heartbeat where there are none."""
        while True:
            heard = listener.wake.wait(self.beat_s)
            # Cleared before the shelf is read: what is laid there meanwhile wakes it again.
            listener.wake.clear()
            batches = self._take(listener)
            if batches is None:
                yield event("reset", {"revision": self._head}, self._head)
            elif batches:
                yield b"".join(batch.text(listener.viewer.role) for batch in batches)
            elif not heard:
                yield b": beat\n" + event("beat", {"revision": self._head})
            if listener.end:
                if listener.end != "gone":
                    yield event("end", {"reason": listener.end})
                return

    # -- the one thread that looks

    def _start(self) -> None:
        if self._thread is None:
            self._head = self.district.store.revision()
            self._drawn = runs.stamp(self.district)
            self._thread = threading.Thread(target=self._look, daemon=True, name="events")
            self._thread.start()

    def _look(self) -> None:
        asked = time.monotonic()
        failing = False
        while not self._closed:
            if not self.alive():
                self.close()
                break
            rest = self._tick_s
            try:
                self._hang_up()
                if self._tell():
                    rest += min(_LONGEST_REST_S, len(self._listeners) * _REST_PER_LISTENER_S)
                if time.monotonic() - asked >= self._session_s:
                    asked = time.monotonic()
                    self._ask_sessions()
                failing = False
            except Exception as error:
                if not failing:  # said once, not eight times a second
                    log.error("events: %s", error, exc_info=not isinstance(error, OneMapError))
                failing = True
            time.sleep(rest)
        with self._telling:
            self._glance.close()

    def _tell(self) -> bool:
        """Lay what is new on the shelf and wake everybody; whether there was anything."""
        with self._telling:
            return self._told()

    def _told(self) -> bool:
        found = []
        try:
            # First the glance, then the log: a commit between the two shows at the next glance.
            committed = self._glance()
            news = read_news(self.district.store, self._head) if committed else News(self._head, self._head, {})
        except BaseException:
            self._glance.close()  # what was not read is looked at again
            raise
        if news.head > news.since:
            found.append(_Batch(news))
        elif news.head < news.since:
            found.append(_Batch(None, event("reset", {"revision": news.head}, news.head)))
        drawn = runs.stamp(self.district)
        if drawn != self._drawn:
            found.append(_Batch(None, event("drawn", {"drawn": str(drawn)})))
        if not found:
            return False
        with self._lock:
            self._shelf.extend(found)
            self._next += len(found)
            self._head, self._drawn = news.head, drawn
            listeners = list(self._listeners)
        for role in {listener.viewer.role for listener in listeners}:
            for batch in found:
                batch.text(role)  # once here, not by the first of many threads
        for listener in listeners:
            listener.wake.set()
        return True

    def _hang_up(self) -> None:
        """Let go of the clients that closed their end."""
        if self._poll is None or not self._sockets:
            return
        for fd, _ in self._poll.poll(0):
            with self._lock:
                listener = self._sockets.pop(fd, None)
                with suppress(OSError, ValueError):
                    self._poll.unregister(fd)
                if listener is not None:
                    listener.watched = -1
            if listener is not None:
                self._end(listener, "gone")

    def _ask_sessions(self) -> None:
        with self._lock:
            held = [listener for listener in self._listeners if listener.viewer.session is not None]
        if not held:
            return
        now = self._roles({str(listener.viewer.session) for listener in held})
        for listener in held:
            if now.get(str(listener.viewer.session)) != listener.viewer.role:
                self._end(listener, "session")

    @staticmethod
    def _end(listener: _Listener, why: End) -> None:
        listener.end = listener.end or why
        listener.wake.set()

    def end_session(self, session: str) -> None:
        """End the streams of a session at once (it was logged out)."""
        with self._lock:
            found = [listener for listener in self._listeners if listener.viewer.session == session]
        for listener in found:
            self._end(listener, "session")

    def close(self) -> None:
        """End every stream and take no more."""
        with self._lock:
            self._closed = True
            listeners = list(self._listeners)
        for listener in listeners:
            self._end(listener, "shutdown")


class Stream:
    """The body of one answer. `close` frees the place, also where nothing was ever read."""

    def __init__(self, streams: EventStreams, listener: _Listener, first: list[bytes]) -> None:
        self._streams, self._listener = streams, listener
        self._first = deque(first)
        self._rest = streams.follow(listener)

    def __iter__(self) -> "Stream":
        return self

    def __next__(self) -> bytes:
        return self._first.popleft() if self._first else next(self._rest)

    def close(self) -> None:
        """No longer listen."""
        self._streams._leave(self._listener)
        self._rest.close()  # type: ignore[attr-defined]


def _session_roles(district: District, sessions: Collection[str]) -> Mapping[str, str]:
    return session_roles(district.store, sessions, now_utc=district.now())


# -- the request


def viewer_of_request() -> Viewer:
    """Who listens, by the request."""
    actor = actor_of_request()
    return Viewer(actor.role, session_id() if actor.device_id is None else f"{TOKEN}{actor.id}")


def read_since(header: str | None, query: str | None) -> int | None:
    """The revision up to which the client knows all; the header of a reconnecting browser goes first.

    What a browser sends by itself and nobody can mend counts as far too old; the parameter is refused.
    """
    if header is not None and header.strip():
        return int(header) if _is_whole(header.strip()) else -MAX_BEHIND - 1
    if query is None or query == "":
        return None
    if not _is_whole(query):
        raise InputError(f"last_event_id={query}: expected a whole number, the id of the last event")
    return int(query)


def _is_whole(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 18


def answer(last_event_id: str | None) -> Response:
    """The stream as the answer to this request."""
    streams: EventStreams = current_app.extensions["onemap_events"]
    since = read_since(request.headers.get("Last-Event-ID"), last_event_id)
    headers = {
        "Cache-Control": "no-store, no-transform",
        "X-Accel-Buffering": "no",  # a proxy in front passes every event on at once
    }
    if request.method == "HEAD":
        return Response(b"", content_type="text/event-stream; charset=utf-8", headers=headers)
    stream = streams.open(viewer_of_request(), since, request.environ.get("gunicorn.socket"))
    return Response(stream, content_type="text/event-stream; charset=utf-8", headers=headers, direct_passthrough=True)


def register(app: Flask, district: District, *, cap: int = LISTENERS) -> EventStreams:
    """Make the streams of an app."""
    streams = EventStreams(district, cap=cap)
    app.extensions["onemap_events"] = streams
    return streams
