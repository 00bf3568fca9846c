"""Nobody from elsewhere is answered, by address or by name."""

import pytest
from flask.testing import FlaskClient

from web.auth import is_loopback


@pytest.mark.parametrize(
    ("host", "ok"),
    [
        ("localhost", True),
        ("LOCALHOST", True),
        ("127.0.0.1", True),
        ("127.255.0.9", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("192.168.1.5", False),
        ("localhost.example", False),
        ("127.0.0.1.example", False),
        ("", False),
    ],
)
def test_loopback(host: str, ok: bool) -> None:
    assert is_loopback(host) is ok


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost:8000", "[::1]:8000", "127.0.0.1", "localhost"])
def test_this_machine_is_answered(host: str, client: FlaskClient) -> None:
    assert client.get("/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["map.example:8000", "10.0.0.2:8000", "127.0.0.1.example", "[::2]:80"])
@pytest.mark.parametrize("path", ["/", "/api/v1/status", "/tiles/base/5/1/1.pbf", "/static/onemap.css"])
def test_another_host_name_is_refused(host: str, path: str, client: FlaskClient) -> None:
    response = client.get(path, headers={"Host": host})
    assert response.status_code == 403


def test_another_machine_is_refused(client: FlaskClient) -> None:
    response = client.get("/api/v1/status", environ_base={"REMOTE_ADDR": "192.168.1.9"})
    assert response.status_code == 403
    assert "192.168.1.9" in response.get_json()["detail"]
    ok = client.get("/api/v1/status", environ_base={"REMOTE_ADDR": "127.0.0.1"})
    assert ok.status_code == 200
