"""The server as it really runs: a process of its own, many idle connections, a clean end."""

import http.client
import json
import re
import shutil
import signal
import socket
import ssl
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from data.store import Store
from geo.errors import Conflict, InputError
from layers.actions.accounts import COMMAND_LINE, add_account, first_start
from layers.district import District
from tests.layers.conftest import EPSG, fill
from tests.program import ROOT, clean_environment, program, serve
from tests.web.conftest import PASSWORD
from web import server

PLAIN = {"tls_cert": None, "tls_key": None, "behind_proxy": False}


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.2", "map.example", "::"])
def test_passwords_do_not_cross_the_network_unencrypted(host: str) -> None:
    with pytest.raises(InputError, match=r"--tls-cert and --tls-key, or --behind-proxy"):
        server.require_safe(host, **PLAIN)
    serving, certificate = server.require_safe(host, **{**PLAIN, "behind_proxy": True})
    assert certificate is None
    assert not serving.is_local
    assert serving.is_encrypted


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_this_machine_needs_no_tls(host: str) -> None:
    serving, certificate = server.require_safe(host, **PLAIN)
    assert certificate is None
    assert serving.is_local
    assert not serving.is_encrypted
    assert not server.require_safe(host, **{**PLAIN, "behind_proxy": True})[0].is_local


@pytest.mark.parametrize("name", ["", "https://map.example", "map.example:8000", "map example", "*.example"])
def test_a_name_is_a_host_name(name: str) -> None:
    with pytest.raises(InputError, match="name of a host"):
        server.require_safe("127.0.0.1", **PLAIN, names=(name,))


@dataclass(frozen=True)
class Papers:
    """A certificate authority of the bureau, and the certificate that it gave to this machine."""

    authority: str
    cert: str
    key: str


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    found = authority.issue_cert("127.0.0.1", "localhost", "map.bureau")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    found.private_key_pem.write_to_path(folder / "key.pem")
    for k, pem in enumerate(found.cert_chain_pems):
        pem.write_to_path(folder / "cert.pem", append=k > 0)
    return Papers(*(str(folder / name) for name in ("ca.pem", "cert.pem", "key.pem")))


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl on this machine")
def test_the_authority_that_the_documents_make(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "security.md").read_text(encoding="utf-8").split("### A certificate authority")[1]
    commands = "\n".join(line[4:] for line in text.split("`ca.pem`, never")[0].splitlines() if line.startswith("    "))
    assert "openssl verify" in commands
    for asks, answers in (("openssl req -x509", "-passout pass:test"), ("openssl x509 -req", "-passin pass:test")):
        commands = commands.replace(asks, f"{asks} {answers}")
    done = subprocess.run(["bash", "-euc", commands], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "map.pem: OK" in done.stdout
    cert, key = str(tmp_path / "map.pem"), str(tmp_path / "map.key")
    _, certificate = server.require_safe("0.0.0.0", tls_cert=cert, tls_key=key, behind_proxy=False)
    assert certificate is not None
    inside, outside = ssl.MemoryBIO(), ssl.MemoryBIO()
    strict = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
    strict.verify_flags |= ssl.VERIFY_X509_STRICT
    serves = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serves.load_cert_chain(cert, key)
    asking = strict.wrap_bio(inside, outside, server_hostname="map.bureau")
    answering = serves.wrap_bio(outside, inside, server_side=True)
    for side in (asking, answering, asking, answering):
        with suppress(ssl.SSLWantReadError):
            side.do_handshake()
    assert asking.version() in ("TLSv1.2", "TLSv1.3")


def test_what_is_wrong_with_a_certificate_is_said_before_anything_starts(papers: Papers, tmp_path: Path) -> None:
    other = trustme.CA().issue_cert("127.0.0.1")
    other.private_key_pem.write_to_path(tmp_path / "other.pem")
    (tmp_path / "text.pem").write_text("no certificate", encoding="ascii")
    for cert, key, words in (
        (papers.cert, None, "give both"),
        (None, papers.key, "give both"),
        (papers.cert, str(tmp_path / "none.pem"), "none.pem: there is no such file"),
        (papers.cert, str(tmp_path / "other.pem"), "MISMATCH"),
        (str(tmp_path / "text.pem"), papers.key, "expected a PEM certificate"),
    ):
        with pytest.raises(InputError, match=words):
            server.require_safe("0.0.0.0", tls_cert=cert, tls_key=key, behind_proxy=False)
    serving, certificate = server.require_safe("0.0.0.0", tls_cert=papers.cert, tls_key=papers.key, behind_proxy=False)
    assert serving.tls
    assert certificate == server.Certificate(papers.cert, papers.key)


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


Served = tuple[subprocess.Popen[str], str, str]
"""The process, its address, and what it said at the start."""


@contextmanager
def serving(path: Path, *arguments: str) -> Iterator[Served]:
    """The real server before the town, in a process of its own."""
    with Store.create(str(path), name="小镇", epsg=EPSG) as store:
        fill(store)
        add_account(
            District(store), COMMAND_LINE, "ann", name="安", role="viewer", password=PASSWORD, must_change=False
        )
    process, address, said = serve(path, *arguments)
    try:
        yield process, f"{address}/", said
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(10)
        process.stderr.close()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """The town behind the real server."""
    with serving(tmp_path / "town.gpkg") as found:
        yield found


def visitor(address: str, context: ssl.SSLContext | None = None) -> urllib.request.OpenerDirector:
    """A browser without scripts that has logged in with the form."""
    opener = urllib.request.build_opener(
        urllib.request.HTTPCookieProcessor(), urllib.request.HTTPSHandler(context=context)
    )
    opener.addheaders = [("Accept", "text/html"), ("Referer", address)]
    with opener.open(f"{address}login", timeout=20) as page:
        token = re.search(r'name="csrf_token" value="([^"]+)"', page.read().decode())
    assert token is not None
    form = urllib.parse.urlencode({"name": "ann", "password": PASSWORD, "csrf_token": token.group(1), "next": "/login"})
    with opener.open(f"{address}login", form.encode(), timeout=20) as page:
        assert page.status == 200
    return opener


def test_idle_connections_do_not_lock_it_and_ctrl_c_ends_it(served: Served) -> None:
    process, address, said = served
    assert "password" not in said, "somebody can log in already"
    host, port = address.removeprefix("http://").strip("/").split(":")
    idle = []
    for _ in range(150):
        waiting = socket.create_connection((host, int(port)), timeout=10)
        waiting.sendall(b"GET /healthz HTTP/1.1\r\n")  # never finished
        idle.append(waiting)
    with visitor(address).open(f"{address}api/v1/status", timeout=20) as response:
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


def test_over_tls_by_the_bureau_s_own_authority(papers: Papers, tmp_path: Path) -> None:
    tls = ["--host", "0.0.0.0", "--name", "localhost", "--tls-cert", papers.cert, "--tls-key", papers.key]
    with serving(tmp_path / "town.gpkg", *tls) as (process, shown, said):
        assert shown.startswith("https://localhost:")
        assert "demo" not in said
        address = shown
        known = ssl.create_default_context(cafile=papers.authority)
        with visitor(address, known).open(f"{address}api/v1/status", timeout=20) as response:
            assert json.load(response)["account"] == "ann"
        with urllib.request.urlopen(f"{address}login", context=known, timeout=20) as page:
            cookie = page.headers["Set-Cookie"]
        assert cookie.startswith("__Host-onemap_")
        assert "Secure" in cookie
        with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
            urllib.request.urlopen(address, timeout=20)  # by whoever does not know the authority
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(f"{address}api/v1/status", context=known, timeout=20)
        request = urllib.request.Request(f"{address}healthz", headers={"Host": "evil.example"})
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(request, context=known, timeout=20)
        plain = address.replace("https:", "http:")
        with pytest.raises((urllib.error.URLError, http.client.HTTPException, OSError)):
            urllib.request.urlopen(f"{plain}healthz", timeout=20)
        port = int(address.rsplit(":", 1)[1].strip("/"))
        idle = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(50)]  # no handshake
        with urllib.request.urlopen(f"{address}healthz", context=known, timeout=20) as health:
            assert json.load(health)["ok"] is True
        for waiting in idle:
            waiting.close()
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        rest = process.stderr.read()
        assert process.wait(20) == 0
        assert "Traceback" not in rest, rest


def test_demo_accounts_do_not_leave_this_machine(tmp_path: Path, papers: Papers) -> None:
    path = tmp_path / "demo.gpkg"
    with Store.create(str(path), name="示意", epsg=EPSG, demo=True) as store:
        fill(store)
        assert first_start(District(store), local=True)
    tls = ["--host", "0.0.0.0", "--tls-cert", papers.cert, "--tls-key", papers.key]
    refused = subprocess.run(
        program("serve", "--db", str(path), "--port", "0", *tls),
        cwd=ROOT,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert refused.returncode == 2
    assert "onemap user disable --demo" in refused.stderr
