"""The server: gunicorn with one process and a thread for every listener.

``python -m web.server`` is started in the place of the calling process, so that nothing of it
(database connections, locks, threads, memory) is inherited by the worker.
"""

import dataclasses
import errno
import json
import logging
import os
import socket
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from data.settings import Settings
from geo.errors import Conflict, InputError, Unavailable
from web.auth import is_loopback

if TYPE_CHECKING:
    from layers.district import District

LISTENERS = 1_000
"""Idle event streams held at once."""

SPARE_THREADS = 30
"""Threads that stay free for everything else when all listeners are there."""


def options(fd: int) -> dict[str, Any]:
    """The settings of gunicorn."""
    threads = LISTENERS + SPARE_THREADS
    return {
        "bind": f"fd://{fd}",
        "workers": 1,
        "worker_class": "gthread",
        "threads": threads,
        "worker_connections": 2 * threads,
        "preload_app": False,
        "keepalive": 30,
        "timeout": 300,
        "graceful_timeout": 3,
        "limit_request_line": 8190,
        "loglevel": "warning",
        "control_socket_disable": True,
        "worker_tmp_dir": "/dev/shm" if os.path.isdir("/dev/shm") else None,
    }


def listen(host: str, port: int) -> socket.socket:
    """A socket bound to a loopback address; a sentence instead of a traceback when that fails."""
    if not is_loopback(host):
        raise InputError(f"host={host}: for now the map is served on the loopback address only; use 127.0.0.1")
    bound = None
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family, socket.SOCK_STREAM)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.listen(1024)
    except OSError as error:
        if bound is not None:
            bound.close()
        if error.errno == errno.EADDRINUSE:
            raise Conflict(f"port={port} is in use on {host}; choose another with --port") from error
        if error.errno == errno.EACCES:
            raise Conflict(f"port={port} may not be opened by this user; choose one above 1023") from error
        raise Unavailable(f"cannot listen on {host}:{port}: {error.strerror or error}") from error
    return bound


def address_of(bound: socket.socket) -> str:
    """The address to open in a browser."""
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def serve(settings: Settings, store_url: str, *, host: str, port: int) -> NoReturn:
    """Serve one district until Ctrl-C; does not return. `port` 0 takes a free one."""
    bound = listen(host, port)
    bound.set_inheritable(True)
    handed = {"settings": dataclasses.asdict(settings), "store": store_url, "socket": bound.fileno()}
    # Through a pipe: arguments can be read by every user of the machine, and a URL may hold a password.
    reads, writes = os.pipe()
    os.write(writes, json.dumps(handed).encode())
    os.close(writes)
    os.set_inheritable(reads, True)
    sys.stdout.flush()
    sys.stderr.flush()
    # -P: what lies in the current folder is no part of the program; where this file lies is.
    root = str(Path(__file__).resolve().parents[1])
    paths = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
    command = [sys.executable, "-P", "-m", "web.server", str(reads)]
    os.execve(sys.executable, command, {**os.environ, "PYTHONPATH": paths})


def warm(district: "District") -> None:
    """Compute what the first page asks for before it is asked for."""
    from layers import query, tiles
    from web.auth import FIRST_ROLE

    try:
        tiles.build_base(district)
        for name in query.permitted(FIRST_ROLE):
            query.read(district, name, role=FIRST_ROLE)
    except Exception:
        logging.getLogger("onemap.web").exception("warming up failed; the first page will say why")


def main(pipe: int) -> None:
    """Run gunicorn on the socket that `serve` bound; `pipe` says with which settings and store."""
    from gunicorn.app.base import BaseApplication

    from web import create_app, tending

    with os.fdopen(pipe, "rb") as handed:
        given = json.load(handed)
    settings = Settings(**given["settings"])
    bound = socket.socket(fileno=os.dup(given["socket"]))
    address = address_of(bound)
    bound.close()

    class Served(BaseApplication):  # type: ignore[misc]
        def load_config(self) -> None:
            for name, value in {**options(given["socket"]), "post_worker_init": ready}.items():
                self.cfg.set(name, value)

        def load(self) -> Any:
            app = create_app(settings, given["store"])
            app.extensions["onemap"].refresh()
            threading.Thread(target=warm, args=[app.extensions["onemap"]], daemon=True).start()
            tending.start(app.extensions["onemap"])
            return app

    def ready(worker: Any) -> None:
        sys.stderr.write(f"onemap: the map is at {address}  (Ctrl-C ends it)\n")
        sys.stderr.flush()

    Served().run()


if __name__ == "__main__":
    main(int(sys.argv[1]))
