"""The server as it really runs: a process of its own, many idle connections, a clean end."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from data.store import Store
from geo.errors import Conflict, InputError
from tests.layers.conftest import EPSG, fill
from web import server

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.2", "map.example", "::"])
def test_only_the_loopback_address_is_served(host: str) -> None:
    with pytest.raises(InputError, match="loopback address only"):
        server.listen(host, 0)


def test_a_port_in_use_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Conflict, match=f"port={port} is in use"):
            server.listen("127.0.0.1", port)


def test_a_free_port_is_found() -> None:
    with server.listen("127.0.0.1", 0) as bound:
        port = bound.getsockname()[1]
        assert port > 0
        assert server.address_of(bound) == f"http://127.0.0.1:{port}/"


def test_there_are_more_threads_than_listeners() -> None:
    options = server.options(3)
    assert options["threads"] >= server.LISTENERS + 30
    assert options["worker_connections"] > options["threads"]
    assert options["workers"] == 1
    assert options["preload_app"] is False


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The town behind the real server; the process and its address."""
    path = tmp_path / "town.gpkg"
    with Store.create(str(path), name="小镇", epsg=EPSG) as store:
        fill(store)
    process = subprocess.Popen(
        [sys.executable, "-c", "from web.cli import main; main()", "serve", "--db", str(path), "--port", "0"],
        cwd=ROOT,
        env={k: v for k, v in os.environ.items() if not k.startswith("ONEMAP_")},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    said = ""
    for line in process.stderr:
        said += line
        if "the map is at " in line:
            break
    if "the map is at " not in said:
        process.wait(10)
        process.stderr.close()
        pytest.fail(said)
    yield process, said.split("the map is at ")[1].split()[0]
    if process.poll() is None:
        process.kill()
    process.wait(10)
    process.stderr.close()


def test_idle_connections_do_not_lock_it_and_ctrl_c_ends_it(served: tuple[subprocess.Popen[str], str]) -> None:
    process, address = served
    host, port = address.removeprefix("http://").strip("/").split(":")
    idle = []
    for _ in range(150):
        waiting = socket.create_connection((host, int(port)), timeout=10)
        waiting.sendall(b"GET /healthz HTTP/1.1\r\n")  # never finished
        idle.append(waiting)
    with urllib.request.urlopen(f"{address}api/v1/status", timeout=20) as response:
        assert json.load(response)["name"] == "小镇"
    for waiting in idle:
        waiting.close()
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    rest = process.stderr.read()
    assert process.wait(20) == 0
    assert "Traceback" not in rest
    with pytest.raises(OSError):
        socket.create_connection((host, int(port)), timeout=2)
