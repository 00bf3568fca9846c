"""Who asks. For now: anybody on this machine is a viewer, and nobody from elsewhere is answered."""

import ipaddress
from urllib.parse import urlsplit

from flask import Flask, request

from geo.errors import Forbidden
from layers.layer import Role
from layers.permissions import Actor

FIRST_ROLE: Role = "viewer"
"""The role of whoever has not logged in."""


def is_loopback(host: str) -> bool:
    """Whether a host name or address (without port) is this machine itself."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def actor_of_request() -> Actor:
    """Who asks."""
    return Actor("anonymous", "", FIRST_ROLE)


def role_of_request() -> Role:
    """The role of whoever asks."""
    return actor_of_request().role


def register(app: Flask) -> None:
    """Refuse whoever comes from another machine or under another host name.

    The host name is checked as well as the address: a page elsewhere may point its own name at this
    machine and read what the browser fetches (DNS rebinding).
    """

    @app.before_request
    def loopback_only() -> None:
        if request.remote_addr and not is_loopback(request.remote_addr):
            raise Forbidden(
                f"{request.remote_addr} is not this machine; the map is served on the loopback address only"
            )
        try:
            host = urlsplit(f"//{request.host}").hostname or ""
        except ValueError:
            host = ""
        if not is_loopback(host):
            raise Forbidden("the Host header is not a loopback name; open http://127.0.0.1 on this machine")
