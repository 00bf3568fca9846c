"""`onemap bench supplies`: durable reservations through the API with many clients, beside what the disk itself can do.

The clients are a process of their own before a real server; on two processors the figures are of both together.
"""

import json
import multiprocessing
import os
import platform
import re
import sqlite3
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

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
            took, times, refused = _load(job, clients, requests)
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


def _load(job: Job, clients: int, requests: int) -> tuple[float, list[float], int]:
    """Seconds, sorted milliseconds of every reservation that was made, and how many were refused."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_clients, (job, clients, requests))


def _clients(job: Job, clients: int, requests: int) -> tuple[float, list[float], int]:
    port, cookie, header, token, depot, item, to = job
    times: list[list[float]] = [[] for _ in range(clients)]
    refused = [0] * clients
    start = threading.Barrier(clients + 1)
    end = time.monotonic() + _LONGEST_S
    run = os.urandom(4).hex()

    def client(k: int) -> None:
        conn = HTTPConnection("127.0.0.1", port, timeout=60)
        body = json.dumps(
            {
                "to": to,
                "unit": "bench",
                "place": "bench",
                "contact": "bench",
                "needs": [{"item_id": item, "quantity": 1}],
                "lines": [
                    {"depot_id": depot, "item_id": item, "lot": f"{_BENCH_LOT}-{k}", "quantity": 1, "reason": "bench"}
                ],
            }
        )
        headers = {"Content-Type": "application/json", "Cookie": cookie, header: token}
        start.wait()
        for n in range(requests // clients):
            if time.monotonic() > end:
                break
            begun = time.perf_counter()
            headers["Idempotency-Key"] = f"{run}-{k}-{n}"
            conn.request("POST", "/api/v1/supplies/requests", body, headers)
            response = conn.getresponse()
            response.read()
            if response.status == 200:
                times[k].append((time.perf_counter() - begun) * 1000)
            else:
                refused[k] += 1
        conn.close()

    threads = [threading.Thread(target=client, args=(k,)) for k in range(clients)]
    for thread in threads:
        thread.start()
    start.wait()
    begun = time.perf_counter()
    for thread in threads:
        thread.join()
    return time.perf_counter() - begun, sorted(t for one in times for t in one), sum(refused)


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
