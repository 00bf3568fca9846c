"""The server: gunicorn with one process and a thread for every listener.

``python -m web.server`` is started in the place of the calling process, so that nothing of it
(database connections, locks, threads, memory) is inherited by the worker.
"""

import dataclasses
import errno
import gc
import json
import logging
import os
import socket
import ssl
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from data.settings import Settings
from geo.errors import Conflict, InputError, Unavailable
from web.auth import Serving, is_loopback
from web.events import LISTENERS

if TYPE_CHECKING:
    from layers.district import District

SWITCH_S = 0.0002
"""How long a thread may keep the interpreter while others wait for it."""

GARBAGE = (20_000, 20, 100)
"""Objects and rounds after which Python looks for circles of garbage: at 700 it would do so within every request."""

SPARE_THREADS = 30
"""Threads that stay free for everything else when all listeners are there."""


@dataclasses.dataclass(frozen=True)
class Certificate:
    """The files of a TLS certificate with its chain, and of its key (PEM)."""

    cert: str
    key: str


FILES_BESIDE = 400
"""Open files besides the connections: the database and its readers, tiles, logs."""


def options(fd: int, certificate: Certificate | None = None, *, listeners: int = LISTENERS) -> dict[str, Any]:
    """The settings of gunicorn."""
    threads = listeners + SPARE_THREADS
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
        # What a proxy says is read by the app, and only where it is told that there is one.
        "forwarded_allow_ips": "",
        **({} if certificate is None else {"certfile": certificate.cert, "keyfile": certificate.key}),
    }


def require_safe(
    host: str, *, tls_cert: str | None, tls_key: str | None, behind_proxy: bool, names: tuple[str, ...] = ()
) -> tuple[Serving, Certificate | None]:
    """How the map is served; InputError where passwords would cross the network unencrypted."""
    if (tls_cert is None) != (tls_key is None):
        raise InputError("--tls-cert, --tls-key: give both, the certificate and its key")
    certificate = None if tls_cert is None or tls_key is None else Certificate(tls_cert, tls_key)
    if certificate is not None:
        _require_readable(certificate)
    if not is_loopback(host) and certificate is None and not behind_proxy:
        raise InputError(
            f"host={host}: passwords would cross the network for everybody to read; give --tls-cert and --tls-key, "
            "or --behind-proxy where a proxy in front has TLS (docs/security.md shows both)"
        )
    for name in names:
        if not name or any(letter in name for letter in "/:@ *"):
            raise InputError(f"name={name}: expected the name of a host without port, such as map.example")
    return Serving(host, names=names, tls=certificate is not None, behind_proxy=behind_proxy), certificate


def _require_readable(certificate: Certificate) -> None:
    """InputError where the certificate and the key cannot be used together."""
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(
            certificate.cert, certificate.key, password=lambda: ""
        )
    except FileNotFoundError as error:
        missing = next(
            (name for name in (certificate.cert, certificate.key) if not Path(name).is_file()), certificate.cert
        )
        raise InputError(f"{missing}: there is no such file; expected a certificate or key in PEM") from error
    except (OSError, ssl.SSLError, ValueError) as error:
        raise InputError(
            f"{certificate.cert}, {certificate.key}: {getattr(error, 'reason', None) or error}; expected a PEM "
            "certificate with its chain, and the key that belongs to it without a passphrase"
        ) from error


def raise_file_limit(listeners: int) -> str | None:
    """Let this process hold so many connections; a sentence where the system does not allow it."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return None
    needed = 2 * (listeners + SPARE_THREADS) + FILES_BESIDE
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return None
    if allowed > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed >= needed:
        return None
    held = max(1, (allowed - FILES_BESIDE) // 2 - SPARE_THREADS)
    return (
        f"{listeners} open maps need {needed} open files, the system allows {allowed} (about {held} maps); "
        f"raise it with `ulimit -n {needed}` or set ONEMAP_LISTENERS={held}"
    )


def listen(host: str, port: int) -> socket.socket:
    """A socket bound to an address; a sentence instead of a traceback when that fails."""
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


def address_of(bound: socket.socket, serving: Serving | None = None) -> str:
    """The address to open in a browser."""
    host, port = bound.getsockname()[:2]
    scheme = "https" if serving is not None and serving.tls else "http"
    if serving is not None and serving.names and not serving.is_local:
        host = serving.names[0]
    return f"{scheme}://[{host}]:{port}/" if ":" in host else f"{scheme}://{host}:{port}/"


def serve(
    settings: Settings,
    store_url: str,
    *,
    port: int,
    serving: Serving | None = None,
    certificate: Certificate | None = None,
) -> NoReturn:
    """Serve one district until Ctrl-C; does not return. `port` 0 takes a free one."""
    serving = serving or Serving()
    bound = listen(serving.host, port)
    bound.set_inheritable(True)
    handed = {
        "settings": dataclasses.asdict(settings),
        "store": store_url,
        "socket": bound.fileno(),
        "serving": dataclasses.asdict(dataclasses.replace(serving, port=bound.getsockname()[1])),
        "certificate": None if certificate is None else dataclasses.asdict(certificate),
    }
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
    from layers import analyses, query, tiles
    from layers.zoning.run import warm_schemes
    from web.auth import FIRST_ROLE

    try:
        tiles.build_base(district)
        for name in query.permitted(FIRST_ROLE):
            query.read(district, name, role=FIRST_ROLE)
        warm_schemes(district)
        analyses.search(district, "a")  # spells every name
    except Exception:
        logging.getLogger("onemap.web").exception("warming up failed; the first page will say why")


def main(pipe: int) -> None:
    """Run gunicorn on the socket that `serve` bound; `pipe` says with which settings and store."""
    from gunicorn.app.base import BaseApplication

    from data.keeping import Bounds
    from web import create_app, tending

    with os.fdopen(pipe, "rb") as handed:
        given = json.load(handed)
    settings = Settings(**given["settings"])
    bound = socket.socket(fileno=os.dup(given["socket"]))
    serving = Serving(**{**given["serving"], "names": tuple(given["serving"]["names"])})
    certificate = None if given["certificate"] is None else Certificate(**given["certificate"])
    address = address_of(bound, serving)
    bound.close()
    if (warning := raise_file_limit(settings.listeners)) is not None:
        sys.stderr.write(f"onemap: {warning}\n")

    # Every statement lets go of the interpreter; by default its thread may wait 5 ms to get it back.
    sys.setswitchinterval(SWITCH_S)
    gc.set_threshold(*GARBAGE)

    class Served(BaseApplication):  # type: ignore[misc]
        def load_config(self) -> None:
            chosen = options(given["socket"], certificate, listeners=settings.listeners)
            for name, value in {**chosen, "post_worker_init": ready}.items():
                self.cfg.set(name, value)

        def load(self) -> Any:
            app = create_app(settings, given["store"], serving=serving)
            app.extensions["onemap"].refresh()
            threading.Thread(target=warm, args=[app.extensions["onemap"]], daemon=True).start()
            tending.start(app.extensions["onemap"], app.extensions["onemap_times"], Bounds.of(settings))
            return app

    def ready(worker: Any) -> None:
        # Streams end by themselves when the server does, or it would wait for every open map.
        worker.wsgi.extensions["onemap_events"].alive = lambda: worker.alive
        sys.stderr.write(f"onemap: the map is at {address}  (Ctrl-C ends it)\n")
        sys.stderr.flush()

    Served().run()


if __name__ == "__main__":
    main(int(sys.argv[1]))
