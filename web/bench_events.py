"""`onemap bench events`: a thousand idle listeners before a real server, and how long a commit takes to reach them all.

The server is a process of its own over a copy of the district; listeners, questions and commits come from here,
so that on two processors the figures are of both sides together.
"""

import json
import os
import platform
import selectors
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from data.store import Store, live_copy
from geo.errors import Unavailable
from web.server import SPARE_THREADS, raise_file_limit

COUNTS = (0, 500, 1000)
"""Listeners held one after the other."""

_QUESTIONS = 300
_COMMITS = 8
_PAUSE_S = 1.2
_LONGEST_S = 30.0
_IDLE_S = 0.05  # processor seconds in a second
_REQUEST = "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n"


class Listeners:
    """Many connections to the event stream, read by one thread."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._selector = selectors.DefaultSelector()
        self._sockets: list[socket.socket] = []
        self._lock = threading.Lock()
        self._mark = b""
        self._arrived: dict[int, float] = {}
        self._greeted: set[int] = set()
        self._lost = 0
        self._stopped = False
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def hold(self, count: int) -> float:
        """Hold as many as `count`; seconds until every one was greeted."""
        begun = time.perf_counter()
        while len(self._sockets) < count:
            one = socket.create_connection(("127.0.0.1", self._port), timeout=_LONGEST_S)
            one.sendall(_REQUEST.format(path="/api/v1/events").encode())
            one.setblocking(False)
            self._sockets.append(one)
            with self._lock:
                self._selector.register(one, selectors.EVENT_READ)
        _until(lambda: len(self._greeted) >= count, f"{count} listeners are not all greeted")
        return time.perf_counter() - begun

    def expect(self, mark: bytes) -> None:
        """From now on note when each hears `mark`."""
        with self._lock:
            self._mark, self._arrived = mark, {}

    def arrivals(self) -> list[float]:
        """When each heard it, sorted, once all have."""
        _until(lambda: len(self._arrived) >= len(self._sockets), "a commit did not reach every listener")
        return sorted(self._arrived.values())

    @property
    def lost(self) -> int:
        """Connections that the server ended."""
        return self._lost

    def close(self) -> None:
        """Let go of all."""
        self._stopped = True
        self._thread.join(_LONGEST_S)
        for one in self._sockets:
            one.close()

    def _read(self) -> None:
        while not self._stopped:
            with self._lock:
                ready = self._selector.select(0) if self._sockets else []
            if not ready:
                time.sleep(0.0005)
            for key, _ in ready:
                found: Any = key.fileobj
                try:
                    data = found.recv(65_536)
                except BlockingIOError:
                    continue
                except OSError:
                    data = b""
                now = time.perf_counter()
                with self._lock:
                    if not data:
                        self._lost += 1
                        self._selector.unregister(found)
                    if b"event: hello" in data:
                        self._greeted.add(key.fd)
                    if self._mark and self._mark in data:
                        self._arrived.setdefault(key.fd, now)


def _until(ready: Callable[[], bool], problem: str) -> None:
    end = time.monotonic() + _LONGEST_S
    while not ready():
        if time.monotonic() > end:
            raise Unavailable(f"{problem} after {_LONGEST_S:.0f} s")
        time.sleep(0.005)


@contextmanager
def served(database: Path, listeners: int) -> Iterator[tuple[int, int]]:
    """A server over `database`: its port and the process that holds the streams."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("ONEMAP_")}
    environment["ONEMAP_LISTENERS"] = str(listeners)
    root = str(Path(__file__).resolve().parents[1])
    environment["PYTHONPATH"] = os.pathsep.join([root, *filter(None, [environment.get("PYTHONPATH")])])
    process = subprocess.Popen(
        [sys.executable, "-c", "from web.cli import main; main()", "serve", "--db", str(database), "--port", "0"],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    drain: threading.Thread | None = None
    try:
        said = ""
        for line in process.stderr:
            said += line
            if "the map is at " in line:
                break
        if "the map is at " not in said:
            raise Unavailable(f"the server did not start: {said.strip().splitlines()[-1] if said.strip() else '-'}")
        port = int(said.split("the map is at ")[1].split()[0].rstrip("/").rsplit(":", 1)[1])
        drain = threading.Thread(target=lambda: [None for _ in process.stderr or ()], daemon=True)
        drain.start()
        yield port, _worker(process.pid)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
        if drain is not None:
            drain.join(10)
        process.stderr.close()


@contextmanager
def copied(database: str) -> Iterator[Path]:
    """A copy of a district in a folder that goes away."""
    with tempfile.TemporaryDirectory(prefix="onemap-bench-") as name:
        copy = Path(name) / "district.gpkg"
        with Store(database) as live:
            live.snapshot(copy)
            live_copy(copy)
            cache = live.cache_folder()
        if cache.is_dir():  # the order of the road network is not computed again
            shutil.copytree(cache, copy.with_suffix(".cache"))
        yield copy


def _worker(pid: int) -> int:
    """The process that answers: the only child of the one that was started."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    found = children.read_text().split() if children.exists() else []
    return int(found[0]) if found else pid


def memory_mb(pid: int) -> float:
    """What a process holds in memory."""
    held: int = psutil.Process(pid).memory_info().rss
    return round(held / 2**20, 1)


def cpu_s(pid: int) -> float:
    """Processor seconds that a process has used so far, with the processes that it has started."""
    process = psutil.Process(pid)
    return sum(sum(one.cpu_times()[:2]) for one in (process, *process.children(recursive=True)))


def settle(pid: int) -> None:
    """Wait until a server that has just started has nothing more to prepare."""
    end = time.monotonic() + _LONGEST_S
    while time.monotonic() < end:
        before = cpu_s(pid)
        time.sleep(1.0)
        if cpu_s(pid) - before < _IDLE_S:
            return


def _questions(port: int, count: int) -> list[float]:
    """Milliseconds of small questions one after the other over one connection."""
    from http.client import HTTPConnection

    asking = HTTPConnection("127.0.0.1", port, timeout=_LONGEST_S)
    taken = []
    for _ in range(count):
        begun = time.perf_counter()
        asking.request("GET", "/api/v1/status")
        asking.getresponse().read()
        taken.append((time.perf_counter() - begun) * 1000)
    asking.close()
    return sorted(taken)


def share_of(values: Sequence[float], share: float) -> float:
    """The value below which a share of the sorted values lies."""
    return values[min(len(values) - 1, int(len(values) * share))]


@contextmanager
def _open_to_all(store: Store) -> Iterator[None]:
    """Mark the copy as a demonstration, which is listened to without a log-in."""
    with store.writing() as conn:
        conn.exec_driver_sql("UPDATE district SET demo = 1")
    yield


def run_bench_events(
    database: str,
    *,
    counts: Sequence[int] = COUNTS,
    questions: int = _QUESTIONS,
    commits: int = _COMMITS,
    output: Path | None = None,
    say: Callable[[str], Any],
) -> dict[str, Any]:
    """Hold listeners, ask small questions meanwhile, commit, and say the table; the district itself is not touched."""
    most = max(counts)
    if (warning := raise_file_limit(most)) is not None:
        say(warning)
    rows = []
    with copied(database) as copy, Store(copy) as store, _open_to_all(store), served(copy, most) as (port, pid):
        _questions(port, 20)
        listeners = Listeners(port)
        try:
            for count in sorted(counts):
                rows.append(_measured(store, listeners, port, pid, count, questions, commits))
                say(f"{count} listeners: measured")
        finally:
            listeners.close()
    report = {
        "measured_utc": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "platform": platform.platform(),
            "python": platform.python_version(),
            "processors": os.cpu_count(),
        },
        "threads": most + SPARE_THREADS,
        "rows": rows,
    }
    for line in bench_lines(report):
        say(line)
    if output is not None:
        output.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return report


def _measured(
    store: Store, listeners: Listeners, port: int, pid: int, count: int, questions: int, commits: int
) -> dict[str, Any]:
    opened_s = listeners.hold(count)
    time.sleep(1.0)
    asked = _questions(port, questions)
    firsts, medians, lasts = [], [], []
    for k in range(commits if count else 0):
        mark = f"bench-{count}-{k}"
        listeners.expect(mark.encode())
        with store.writing() as conn:
            stamp = "2026-01-01T00:00:00.000Z"
            conn.exec_driver_sql(
                "INSERT INTO hospital (id, name, source, source_datum, updated_utc) VALUES (?, ?, 'bench', '', ?)",
                (mark, mark, stamp),
            )
        committed = time.perf_counter()
        heard = [(at - committed) * 1000 for at in listeners.arrivals()]
        firsts.append(heard[0])
        medians.append(statistics.median(heard))
        lasts.append(heard[-1])
        time.sleep(_PAUSE_S)
    row: dict[str, Any] = {
        "listeners": count,
        "opened_s": round(opened_s, 2),
        "lost": listeners.lost,
        "memory_mb": memory_mb(pid),
        "question_ms": {"p50": asked[len(asked) // 2], "p99": share_of(asked, 0.99), "max": asked[-1]},
    }
    if lasts:
        row["heard_ms"] = {
            "first": statistics.median(firsts),
            "median": statistics.median(medians),
            "last": statistics.median(lasts),
            "last_max": max(lasts),
        }
    return row


def bench_lines(report: dict[str, Any]) -> Iterator[str]:
    """The table of a run."""
    yield (
        f"{report['machine']['processors']} processors, {report['threads']} threads; commit -> listener "
        "with the look at the log (every 120 ms) in it"
    )
    yield (
        f"{'listeners':>9}{'opened s':>10}{'lost':>6}{'memory MB':>11}{'JSON p50':>10}{'p99':>8}{'max ms':>8}"
        f"{'first ms':>10}{'median':>8}{'last':>8}{'last max':>10}"
    )
    for row in report["rows"]:
        asked, heard = row["question_ms"], row.get("heard_ms")
        line = (
            f"{row['listeners']:>9}{row['opened_s']:>10.2f}{row['lost']:>6}{row['memory_mb']:>11.0f}"
            f"{asked['p50']:>10.1f}{asked['p99']:>8.1f}{asked['max']:>8.1f}"
        )
        if heard:
            line += f"{heard['first']:>10.0f}{heard['median']:>8.0f}{heard['last']:>8.0f}{heard['last_max']:>10.0f}"
        yield line
