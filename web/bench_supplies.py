"""`onemap bench supplies`: durable reservations through the API with many clients, beside what the disk itself can do.

The clients are a process of their own before a real server; on two processors the figures are of both together.
"""

import json
import multiprocessing
import os
import platform
import re
import selectors
import socket
import sqlite3
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple

from data import audit, ledger, stock
from data.stock import TakenIn
from data.store import Store
from geo.errors import Unavailable
from layers.actions.accounts import DEMO_PASSWORD
from web.bench_events import Listeners, copied, cpu_s, memory_mb, served, settle, share_of

CLIENTS = 50
REQUESTS = 3_000
LISTENERS = 500
_RAW_S = 2.0
_LONGEST_S = 120.0
_BENCH_LOT = "bench"


def run_bench_supplies(
    database: str,
    *,
    clients: int = CLIENTS,
    requests: int = REQUESTS,
    listeners: int = LISTENERS,
    output: Path | None = None,
    say: Callable[[str], Any],
) -> dict[str, Any]:
    """Reserve, count, compare, and say the figures; the district itself is not touched."""
    with copied(database) as copy:
        raw = _raw_commits(copy.with_name("raw.sqlite"))
        say(f"raw SQLite commits, synchronous=FULL: {raw:,.0f} a second")
        with Store(copy) as store:
            depot, item, to = _prepare(store, clients, requests)
        with served(copy, listeners + clients) as (port, pid), Store(copy) as store:
            settle(pid)
            cookie, header, token = _logged_in(port)
            job = (port, cookie, header, token, depot, item, to)
            _load(job, clients, 2 * clients)  # warm
            before, used = _reserved(store), cpu_s(pid)
            took, times, refused, clients_used = _load(job, clients, requests)
            used = cpu_s(pid) - used
            if not times:
                raise Unavailable(f"none of {requests} reservations was accepted; see the server's log")
            done = _reserved(store) - before
            if done != 1000 * len(times):
                raise Unavailable(f"{len(times)} reservations were answered, {done / 1000:.0f} are in the ledger")
            fan_out = _fan_out(job, port, listeners)
            with store.reading() as conn:
                faults = ledger.verify(conn)
                fault = audit.verify(conn)[2]
            if faults or fault:
                raise Unavailable(f"the ledger does not add up after the load: {faults[0] if faults else fault}")
            report: dict[str, Any] = {
                "measured_utc": datetime.now(UTC).isoformat(timespec="seconds"),
                "machine": {
                    "platform": platform.platform(),
                    "python": platform.python_version(),
                    "processors": os.cpu_count(),
                },
                "clients": clients,
                "reservations": len(times),
                "refused": refused,
                "server_cpu_ms": round(1000 * used / len(times), 2),
                "clients_cpu_ms": round(1000 * clients_used / len(times), 2),
                "machine_share": {
                    "server": round(used / took / (os.cpu_count() or 1), 3),
                    "clients": round(clients_used / took / (os.cpu_count() or 1), 3),
                },
                "seconds": round(took, 2),
                "per_second": round(len(times) / took, 1),
                "raw_commits_per_second": round(raw, 1),
                "share_of_raw": round(len(times) / took / raw, 4),
                "ms": {"p50": statistics.median(times), "p99": share_of(times, 0.99), "max": times[-1]},
                "listeners": listeners,
                "fan_out_ms": fan_out,
                "memory_mb": memory_mb(pid),
            }
    for line in bench_lines(report):
        say(line)
    if output is not None:
        output.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return report


def bench_lines(report: dict[str, Any]) -> Iterator[str]:
    """The figures of a run as a person reads them."""
    ms = report["ms"]
    yield f"{report['machine']['processors']} processors, {report['clients']} clients, server {report['memory_mb']} MB"
    yield (
        f"{report['reservations']:,} durable reservations in {report['seconds']} s: "
        f"{report['per_second']:,.0f} a second, "
        f"1/{1 / report['share_of_raw']:.1f} of {report['raw_commits_per_second']:,.0f} raw commits, "
        f"{report['server_cpu_ms']:.1f} ms of the server's processor each"
    )
    share = report["machine_share"]
    yield f"of the machine's processors the server had {share['server']:.0%}, the clients {share['clients']:.0%}"
    yield f"answer p50 {ms['p50']:.0f} ms, p99 {ms['p99']:.0f} ms, longest {ms['max']:.0f} ms"
    heard = report["fan_out_ms"]
    yield (
        f"{report['listeners']} open maps hear of a reservation: first {heard['first']:.0f} ms, "
        f"median {heard['median']:.0f} ms, last {heard['last']:.0f} ms after its answer"
    )


def _raw_commits(path: Path) -> float:
    """Commits a second of one row each, durable, by one writer: what no server over this file can exceed."""
    conn = sqlite3.connect(path, isolation_level=None)
    conn.execute("PRAGMA journal_mode = WAL")
    conn.execute("PRAGMA synchronous = FULL")
    conn.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)")
    count, end = 0, time.perf_counter() + _RAW_S
    while time.perf_counter() < end:
        conn.execute("BEGIN IMMEDIATE")
        conn.execute("INSERT INTO t (v) VALUES ('x')")
        conn.execute("COMMIT")
        count += 1
    conn.close()
    return count / _RAW_S


def _prepare(store: Store, clients: int, requests: int) -> tuple[str, str, list[float]]:
    """A lot for each client in one depot of the district, large enough for all."""
    extent = store.extent()
    if extent is None:
        raise Unavailable("the district is empty; the bench needs one with a boundary, such as the demo")
    now = datetime.now(UTC)
    with store.writing() as conn:
        depot = str(conn.exec_driver_sql("SELECT id FROM depot WHERE geom IS NOT NULL ORDER BY id").scalar())
        item = str(conn.exec_driver_sql("SELECT id FROM item ORDER BY id").scalar())
        lines = [TakenIn(depot, item, f"{_BENCH_LOT}-{k}", 10_000 * (requests + clients)) for k in range(clients)]
        stock.take_in(conn, lines, actor=_BENCH_LOT, now_utc=now)
    return depot, item, [(extent[0] + extent[2]) / 2, (extent[1] + extent[3]) / 2]


def _reserved(store: Store) -> int:
    with store.reading() as conn:
        found = conn.exec_driver_sql(f"SELECT sum(reserved_e3) FROM lot WHERE lot LIKE '{_BENCH_LOT}-%'").scalar()
    return int(found or 0)


def _logged_in(port: int) -> tuple[str, str, str]:
    """The cookie of a dispatcher of the demo, and the header and token that changes carry."""
    conn = HTTPConnection("127.0.0.1", port, timeout=30)

    def ask(method: str, path: str, body: str | None = None, cookie: str = "") -> tuple[str, str]:
        headers = {"Cookie": cookie, "Accept": "text/html"}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        conn.request(method, path, body, headers)
        response = conn.getresponse()
        text = response.read().decode()
        cookies = "; ".join(value.split(";")[0] for value in response.headers.get_all("Set-Cookie") or [])
        return text, cookies or cookie

    page, cookie = ask("GET", "/login")
    match = re.search(r'name="csrf_token" value="([^"]+)"', page)
    if match is None:
        raise Unavailable("the log-in page has no form; the bench needs the demo district")
    form = f"csrf_token={match[1]}&name=demo-dispatcher&password={DEMO_PASSWORD}&next=/"
    _, cookie = ask("POST", "/login", form, cookie)
    page, cookie = ask("GET", "/", cookie=cookie)
    found = re.search(r'<script type="application/json" id="config">(.*?)</script>', page, re.DOTALL)
    if found is None:
        raise Unavailable("the page has no configuration; the log-in of the demo's dispatcher failed")
    csrf = json.loads(found[1])["csrf"]
    conn.close()
    return cookie, csrf["header"], csrf["token"]


Job = tuple[int, str, str, str, str, str, list[float]]


class Load(NamedTuple):
    """What the clients saw: seconds, sorted milliseconds of what was accepted, how many were refused, and their own
    processor seconds."""

    took_s: float
    times_ms: list[float]
    refused: int
    cpu_s: float


def _load(job: Job, clients: int, requests: int) -> Load:
    """Reserve with many clients, from a process of their own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_clients, (job, clients, requests))


class _Client:
    """One connection that is kept open: whole requests are sent, whole answers are read."""

    def __init__(self, job: Job, number: int, run: str) -> None:
        port, cookie, header, token, depot, item, to = job
        self._body = json.dumps(
            {
                "to": to,
                "unit": "bench",
                "place": "bench",
                "contact": "bench",
                "needs": [{"item_id": item, "quantity": 1}],
                "lines": [
                    {
                        "depot_id": depot,
                        "item_id": item,
                        "lot": f"{_BENCH_LOT}-{number}",
                        "quantity": 1,
                        "reason": "bench",
                    }
                ],
            }
        ).encode()
        self._head = (
            f"POST /api/v1/supplies/requests HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nCookie: {cookie}\r\n"
            f"{header}: {token}\r\nContent-Type: application/json\r\nContent-Length: {len(self._body)}\r\n"
            f"Idempotency-Key: {run}-{number}-"
        )
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=_LONGEST_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sent = 0
        self._read = b""
        self.begun = 0.0

    def ask(self) -> None:
        """Send the next request."""
        self._sent += 1
        self.begun = time.perf_counter()
        self.socket.sendall(f"{self._head}{self._sent}\r\n\r\n".encode() + self._body)

    def status(self) -> int | None:
        """The status of the answer once all of it is there."""
        data = self.socket.recv(65_536)
        if not data:
            raise Unavailable("the server ended a connection under load")
        self._read += data
        head, end, body = self._read.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
        if not end or (length is not None and len(body) < int(length[1])):
            return None
        if length is None or len(body) > int(length[1]):
            raise Unavailable("an answer has no length, or is longer than it says")
        self._read = b""
        return int(head.split(maxsplit=2)[1])


def _clients(job: Job, clients: int, requests: int) -> Load:
    """One thread serves all clients; each sends its next request when it has its answer."""
    run = os.urandom(4).hex()
    each, times, refused = max(1, requests // clients), [], 0
    with selectors.DefaultSelector() as selector, ExitStack() as held:
        for k in range(clients):
            one = _Client(job, k, run)
            held.enter_context(one.socket)
            selector.register(one.socket, selectors.EVENT_READ, (one, [each]))
        used, begun = time.process_time(), time.perf_counter()
        end = begun + _LONGEST_S
        for key in list(selector.get_map().values()):
            key.data[0].ask()
        while selector.get_map():
            for key, _ in selector.select(_LONGEST_S):
                one, left = key.data
                status = one.status()
                if status is None:
                    continue
                if status == 200:
                    times.append((time.perf_counter() - one.begun) * 1000)
                else:
                    refused += 1
                left[0] -= 1
                if left[0] and time.perf_counter() < end:
                    one.ask()
                else:
                    selector.unregister(one.socket)
        return Load(time.perf_counter() - begun, sorted(times), refused, time.process_time() - used)


def _fan_out(job: Job, port: int, count: int) -> dict[str, float]:
    """How long after the answer of a reservation every open map has heard of it."""
    listeners = Listeners(port)
    firsts, medians, lasts = [], [], []
    try:
        listeners.hold(count)
        time.sleep(1.0)
        for _ in range(5):
            listeners.expect(b"depots")
            _clients(job, 1, 1)
            answered = time.perf_counter()
            heard = [(at - answered) * 1000 for at in listeners.arrivals()]
            firsts.append(heard[0])
            medians.append(statistics.median(heard))
            lasts.append(heard[-1])
            time.sleep(1.0)
    finally:
        listeners.close()
    return {"first": statistics.median(firsts), "median": statistics.median(medians), "last": max(lasts)}
