"""Every commit reaches every listener once, whoever wrote it, and only whom it may reach."""

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from data import keeping, schema
from data.keeping import Bounds
from data.store import Store
from data.watching import read_news, session_roles
from geo.errors import InputError, Unavailable
from layers.district import District
from tests.layers.conftest import EPSG, NOW, fill
from tests.program import ROOT, serve
from tests.web.conftest import browser
from web import create_app, events
from web.events import EventStreams, Stream, TooManyListeners, Viewer, read_since

VIEWER, DISPATCHER = Viewer("viewer"), Viewer("dispatcher")

WRITER = """
import sys
from data.store import Store
with Store(sys.argv[1]) as store:
    for k in range(int(sys.argv[3])):
        with store.writing() as conn:
            for part in "ab":
                conn.exec_driver_sql(
                    "INSERT INTO hospital (id, name, source, source_datum) VALUES (?, 'x', 'test', 'EPSG:4326')",
                    (f"{sys.argv[2]}-{k}-{part}",),
                )
"""


def writer(path: Path, name: str, commits: int) -> subprocess.Popen[bytes]:
    """Another process that commits two rows at a time."""
    return subprocess.Popen([sys.executable, "-c", WRITER, str(path), name, str(commits)], cwd=ROOT)


def parsed(text: bytes) -> list[tuple[str | None, str, Any]]:
    """(id, event, data) of each block of a stream, by the rules of the standard; a heartbeat is left out."""
    found = []
    for block in text.decode().split("\n\n"):
        fields: dict[str, str] = {}
        for line in block.split("\n"):
            name, _, value = line.partition(":")
            if name:
                fields[name] = value.removeprefix(" ")
        if fields.get("event", "beat") != "beat":
            found.append((fields.get("id"), fields["event"], json.loads(fields["data"])))
    return found


@pytest.fixture
def streams(own_town: District) -> Iterator[EventStreams]:
    """Streams over the town with a short heartbeat, so that no test waits long."""
    made = EventStreams(own_town, cap=3, tick_s=0.01, beat_s=0.1, session_s=0.02)
    yield made
    made.close()
    if made._thread is not None:
        made._thread.join(10)


def until(stream: Stream, found: Callable[[list[tuple[str | None, str, Any]]], bool]) -> list[Any]:
    """What a stream says until `found` is true of it."""
    said: list[tuple[str | None, str, Any]] = []
    end = time.monotonic() + 60
    while not found(said):
        assert time.monotonic() < end, said[-3:]
        try:
            said += parsed(next(stream))
        except StopIteration:
            return said
    return said


def has(name: str) -> Callable[[list[tuple[str | None, str, Any]]], bool]:
    return lambda said: any(event == name for _, event, _ in said)


def write(district: District, statement: str) -> int:
    with district.store.writing() as conn:
        conn.exec_driver_sql(statement)
    return district.store.revision()


# -- without a server ---------------------------------------------------------------------------------


def test_a_change_is_told_with_its_revision(streams: EventStreams, own_town: District) -> None:
    stream = streams.open(VIEWER)
    before = own_town.store.revision()
    (_, _, hello) = until(stream, has("hello"))[0]
    assert (hello["revision"], hello["role"]) == (before, "viewer")
    after = write(own_town, "UPDATE depot SET name = '新' WHERE id = 'd1'")
    identity, _, data = until(stream, has("change"))[-1]
    assert identity == str(after)
    assert data == {"since": before, "revision": after, "layers": {"depots": ["d1"]}}
    stream.close()
    assert streams.count == 0


def test_a_silent_stream_has_a_heartbeat(streams: EventStreams) -> None:
    stream = streams.open(VIEWER)
    said = [next(stream) for _ in range(4)]
    assert said[-1].startswith(b": beat\nevent: beat\ndata: ")


@pytest.mark.parametrize(("viewer", "hears"), [(VIEWER, False), (DISPATCHER, True)])
def test_orders_and_readings_are_for_staff(
    streams: EventStreams, own_town: District, viewer: Viewer, hears: bool
) -> None:
    stream = streams.open(viewer)
    device = "INSERT INTO device (id, name, type, source, source_datum) VALUES ('dev-7', 'x', 'door', 't', '')"
    after = write(own_town, device)
    identity, _, data = until(stream, has("change"))[-1]
    assert (identity, data["revision"]) == (str(after), after)
    assert ("dev-7" in json.dumps(data)) is hears
    assert ("device" in data.get("tables", {})) is hears


def test_who_comes_back_hears_what_was_missed_and_nothing_twice(streams: EventStreams, own_town: District) -> None:
    first = streams.open(VIEWER)
    start = own_town.store.revision()
    next(first)
    write(own_town, "UPDATE depot SET name = 'a' WHERE id = 'd1'")
    middle = write(own_town, "UPDATE team SET name = 'b' WHERE id = 't1'")
    until(first, lambda said: bool(said) and said[-1][2].get("revision") == middle)
    first.close()
    last = write(own_town, "UPDATE hospital SET name = 'c' WHERE id = 'h1'")
    for since, layers in ((start, {"depots", "teams", "hospitals"}), (middle, {"hospitals"}), (last, set())):
        with_id = streams.open(VIEWER, since)
        final = write(own_town, "UPDATE shelter SET name = 'd' WHERE id = (SELECT id FROM shelter LIMIT 1)")
        said = [
            data
            for _, name, data in until(with_id, lambda s, f=final: bool(s) and s[-1][2]["revision"] == f)
            if name == "change"
        ]
        assert [data["since"] for data in said] == [since, *(data["revision"] for data in said[:-1])]
        assert {layer for data in said for layer in data.get("layers", {})} >= layers
        assert ("depots" in str(said)) is ("depots" in layers)
        with_id.close()


def test_a_client_may_be_ahead_of_the_thread_that_looks(own_town: District) -> None:
    slow = EventStreams(own_town, tick_s=5.0)
    slow.open(VIEWER).close()
    after = write(own_town, "UPDATE depot SET name = 'a' WHERE id = 'd1'")
    said = b"".join(next(stream) for stream in [slow.open(VIEWER, after)] * 2)
    assert b"event: reset" not in said
    slow.close()


@pytest.mark.parametrize("since", [10**6, -1])
def test_too_far_behind_or_from_another_database_reads_all_anew(
    own_town: District, streams: EventStreams, since: int
) -> None:
    if since < 0:
        streams._max_behind = 5
        since = own_town.store.revision() - 6
    said = until(streams.open(VIEWER, since), has("reset"))
    assert [name for _, name, _ in said] == ["hello", "reset"]
    assert said[1][0] == str(own_town.store.revision())


def test_who_knows_less_than_the_log_still_tells_reads_all_anew(own_town: District, streams: EventStreams) -> None:
    """The log was pruned: what is gone cannot be told, and half of it must not be."""
    head = [write(own_town, f"UPDATE depot SET name = '{k}' WHERE id = 'd1'") for k in range(4)][-1]
    keeping.forget(own_town.store, Bounds(*[timedelta(0)] * 4), now_utc=NOW + timedelta(days=36_500))
    assert [change.seq for change in own_town.store.changes(head - 1)] == [head]
    with own_town.store.reading() as conn:
        assert keeping.floor_of(conn, "change") == head
    for since, event in ((head - 1, "change"), (head - 2, "reset"), (0, "reset")):
        stream = streams.open(VIEWER, since)
        identity, name, data = until(stream, has(event))[-1]
        assert (identity, name, data["revision"]) == (str(head), event, head)
        stream.close()


def test_just_within_the_bound_is_told_again(own_town: District, streams: EventStreams) -> None:
    streams._max_behind = 5
    said = until(streams.open(VIEWER, own_town.store.revision() - 5), has("change"))
    assert [name for _, name, _ in said] == ["hello", "change"]


def test_a_listener_that_fell_behind_the_shelf_reads_all_anew(own_town: District, streams: EventStreams) -> None:
    stream = streams.open(VIEWER)
    next(stream), next(stream)
    with streams._lock:
        streams._next += events._KEPT_BATCHES + 1  # as if so many batches had come while its socket was full
    after = write(own_town, "UPDATE depot SET name = 'a' WHERE id = 'd1'")
    said = until(stream, has("reset"))
    assert said[-1][0] == str(after)


def test_very_many_changes_name_the_tables_only(own_town: District) -> None:
    before = own_town.store.revision()
    write(own_town, "UPDATE depot SET name = 'a'")
    assert read_news(own_town.store, before).rows == {"depot": ("d1", "d2")}
    assert read_news(own_town.store, before, most=1).rows == {"depot": None}
    assert read_news(own_town.store, before, until=before + 1).rows == {"depot": ("d1",)}
    assert read_news(own_town.store, before + 2).rows == {}


def test_all_places_taken_is_said_and_a_place_left_is_given_again(streams: EventStreams) -> None:
    held = [streams.open(VIEWER) for _ in range(3)]
    with pytest.raises(TooManyListeners, match="3 event streams are open"):
        streams.open(VIEWER)
    held[0].close()  # nothing was ever read from it
    held[0].close()
    assert streams.count == 2
    streams.open(VIEWER)


def test_a_place_is_given_back_where_the_start_fails(streams: EventStreams, monkeypatch: pytest.MonkeyPatch) -> None:
    streams.open(VIEWER).close()

    def fail(*_: Any, **__: Any) -> Any:
        raise Unavailable("the database is away")

    monkeypatch.setattr(events, "read_news", fail)
    for _ in range(5):
        with pytest.raises(Unavailable, match="away"):
            streams.open(VIEWER, 1)
    assert streams.count == 0


def test_a_stream_ends_when_its_session_does(own_town: District) -> None:
    roles = {"s1": "dispatcher", "s2": "dispatcher"}
    made = EventStreams(own_town, tick_s=0.01, beat_s=5.0, session_s=0.02, roles=lambda asked: roles)
    first, second = (made.open(Viewer("dispatcher", name)) for name in ("s1", "s2"))
    anonymous = made.open(VIEWER)
    del roles["s1"]
    assert until(first, has("end"))[-1][2] == {"reason": "session"}
    assert list(first) == []
    roles["s2"] = "viewer"  # another role is another stream
    assert until(second, has("end"))[-1][2] == {"reason": "session"}
    assert made._listeners - {first._listener, second._listener} == {anonymous._listener}
    third = made.open(Viewer("keeper", "s3"))
    made.end_session("s3")
    assert until(third, has("end"))[-1][1] == "end"
    made.close()
    assert until(anonymous, has("end"))[-1][2] == {"reason": "shutdown"}
    with pytest.raises(Unavailable, match="being stopped"):
        made.open(VIEWER)


def test_sessions_hold_until_they_expire_or_their_account_is_disabled(own_town: District) -> None:
    account, session = schema.table("account"), schema.table("session")
    times = {"created_utc": schema.utc_text(NOW), "seen_utc": schema.utc_text(NOW)}
    with own_town.store.writing() as conn:
        for name, role, disabled in (("a", "keeper", 0), ("b", "planner", 1)):
            row = {"id": name, "name": name, "role": role, "password_hash": "-", "disabled": disabled}
            stamps = {"created_utc": times["created_utc"], "password_utc": times["created_utc"]}
            conn.execute(sa.insert(account), {**row, **stamps})
        for name, owner, expires in (("s1", "a", 1), ("s2", "a", 0), ("s3", "b", 1)):
            until_utc = schema.utc_text(NOW.replace(year=NOW.year + expires))
            conn.execute(sa.insert(session), {"id": name, "account_id": owner, "expires_utc": until_utc, **times})
    asked = ["s1", "s2", "s3", "s4", *(f"x{k}" for k in range(600))]
    assert session_roles(own_town.store, asked, now_utc=NOW) == {"s1": "keeper"}
    assert session_roles(own_town.store, [], now_utc=NOW) == {}


@pytest.mark.parametrize(
    ("header", "query", "since"),
    [(None, None, None), (None, "", None), ("", "7", 7), ("5", "7", 5), (" 5 ", None, 5), (None, "0", 0)],
)
def test_where_to_go_on_from(header: str | None, query: str | None, since: int | None) -> None:
    assert read_since(header, query) == since


@pytest.mark.parametrize("text", ["-1", "x", "1.5", "٣", "1" * 19])
def test_an_id_that_is_none(text: str) -> None:
    with pytest.raises(InputError, match="last_event_id="):
        read_since(None, text)
    assert read_since(text, None) == -events.MAX_BEHIND - 1  # a browser cannot mend it: everything anew


@pytest.fixture
def own_app(own_town: District) -> Iterator[Flask]:
    from data.settings import Settings

    app = create_app(Settings(listeners=1), "", district=own_town)
    app.testing = False
    yield app
    app.extensions["onemap_events"].close()


def test_the_answer_is_a_stream_that_nothing_holds_back(own_app: Flask) -> None:
    client = browser(own_app, "viewer")
    with client.get("/api/v1/events", headers={"Accept-Encoding": "gzip"}, buffered=False) as response:
        assert response.status_code == 200
        assert response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        assert "Content-Encoding" not in response.headers
        assert "no-transform" in response.headers["Cache-Control"]
        assert response.headers["X-Accel-Buffering"] == "no"
        full = client.get("/api/v1/events")
        assert full.status_code == 503
        assert full.headers["Retry-After"] == "10"
        assert full.headers["Content-Type"] == "application/problem+json"
        assert full.get_json()["code"] == "unavailable"
        assert client.head("/api/v1/events").status_code == 200  # takes no place
    assert own_app.extensions["onemap_events"].count == 0
    assert client.get("/api/v1/events?last_event_id=x").status_code == 422
    assert client.get("/api/v1/events?since=3").status_code == 422


# -- the real server ------------------------------------------------------------------------------------


class Served:
    """The town behind a real gunicorn."""

    def __init__(self, path: Path, listeners: int) -> None:
        self.path = path
        self.process, address, _ = serve(path, settings={"ONEMAP_LISTENERS": str(listeners)})
        self.port = int(address.rsplit(":", 1)[1])

    def listen(self, since: int | None = None) -> "Client":
        return Client(self.port, since)


class Client:
    """One listener over a plain socket."""

    def __init__(self, port: int, since: int | None) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        header = f"Last-Event-ID: {since}\r\n" if since is not None else ""
        self.socket.sendall(f"GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\n{header}\r\n".encode())
        self.file = self.socket.makefile("rb")
        self.status = int(self.file.readline().split()[1])
        while self.file.readline().strip():
            pass
        self._rest = b""

    def read(self) -> list[tuple[str | None, str, Any]]:
        """The events of the next chunk; StopIteration at the end."""
        size = int(self.file.readline().strip() or b"0", 16)
        if size == 0:
            raise StopIteration
        text = self._rest + self.file.read(size)
        self.file.readline()
        whole, _, self._rest = text.rpartition(b"\n\n")
        return parsed(whole)

    def close(self) -> None:
        self.file.close()
        self.socket.close()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Callable[[int], Served]]:
    path = tmp_path / "town.gpkg"
    with Store.create(str(path), name="小镇", epsg=EPSG, demo=True) as store:  # listened to without a log-in
        fill(store)
    started: list[Served] = []

    def start(listeners: int) -> Served:
        started.append(Served(path, listeners))
        return started[-1]

    yield start
    for server in started:
        if server.process.poll() is None:
            server.process.kill()
        server.process.wait(20)
        assert server.process.stderr is not None
        server.process.stderr.close()


@pytest.mark.timeout(600)
def test_thousands_of_changes_by_two_processes_with_breaks_have_no_gap_and_no_double(
    served: Callable[[int], Served],
) -> None:
    server = served(20)
    commits = 1000
    with Store(server.path) as store:
        start = store.revision()
        writers = [writer(server.path, name, commits) for name in ("p", "q")]
        steady, broken = server.listen(start), server.listen(start)
        heard: dict[str, list[dict[str, Any]]] = {"steady": [], "broken": []}
        last, breaks = start, 0
        total = start + 2 * 2 * commits
        while last < total:
            new = [data for _, name, data in broken.read() if name == "change"]
            heard["broken"] += new
            last = new[-1]["revision"] if new else last
            if new and last < total:
                broken.close()
                breaks += 1
                time.sleep(0.05 * (breaks % 4))
                broken = server.listen(last)
        while not heard["steady"] or heard["steady"][-1]["revision"] < total:
            heard["steady"] += [data for _, name, data in steady.read() if name == "change"]
        assert [process.wait(60) for process in writers] == [0, 0]
        expected = {f"{name}-{k}-{part}" for name in "pq" for k in range(commits) for part in "ab"}
        for who, found in heard.items():
            # Each event begins where the one before ended: no revision is left out or told twice.
            assert [data["since"] for data in found] == [start, *(data["revision"] for data in found[:-1])], who
            ids = [identity for data in found for identity in data["layers"]["hospitals"] or []]
            assert len(ids) == len(set(ids)), who
            if all(data["layers"]["hospitals"] is not None for data in found):
                assert set(ids) == expected, who
            else:  # more than are named at once: then the layer as a whole
                assert set(ids) <= expected
        assert store.revision() == total
        sys.stdout.write(
            f"\n{total - start} changes, {breaks} breaks, {len(heard['steady'])} events to a steady listener"
        )
        assert breaks > 3
    steady.close()
    broken.close()


@pytest.mark.timeout(300)
def test_cap_disconnect_arrival_and_a_clean_end(served: Callable[[int], Served]) -> None:
    server = served(20)
    clients = [server.listen() for _ in range(20)]
    for client in clients:
        assert client.status == 200
        assert client.read()[0][1] == "hello"
    full = server.listen()
    assert full.status == 503
    full.close()
    clients.pop().close()
    end = time.monotonic() + 60  # its place is free as soon as it hung up, without a heartbeat
    while (again := server.listen()).status != 200:
        again.close()
        assert time.monotonic() < end
        time.sleep(0.05)
    clients.append(again)
    with Store(server.path) as store, store.writing() as conn:
        conn.exec_driver_sql("UPDATE depot SET name = 'x' WHERE id = 'd1'")
    committed = time.monotonic()
    for client in clients:
        said: list[Any] = []
        while not any(name == "change" and data["layers"] == {"depots": ["d1"]} for _, name, data in said):
            said += client.read()
    sys.stdout.write(
        f"\ncommit -> the last of {len(clients)} listeners: {(time.monotonic() - committed) * 1000:.0f} ms"
    )
    server.process.send_signal(signal.SIGTERM)
    ends = []
    for client in clients:
        said = []
        try:
            while True:
                said += client.read()
        except StopIteration:
            ends.append(said[-1][1:])
        client.close()
    assert ends == [("end", {"reason": "shutdown"})] * len(clients)
    assert server.process.wait(30) == 0
    assert server.process.stderr is not None
    assert "Traceback" not in server.process.stderr.read()
