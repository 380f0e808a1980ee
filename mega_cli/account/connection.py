"""Connect to a server: which address is asked, which origin keys are bound to. The one place flows get a client from.

The origin is what the user named, never what a server claims: a server that could choose it could relay a login to
another server (attacks.md T15).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mega_cli.api.address import check_account, parse_address
from mega_cli.api.client import ServerClient
from mega_cli.api.transport import HttpTransport
from mega_cli.errors import PolicyError
from mega_cli.model import Secret


@dataclass(frozen=True, slots=True)
class Place:
    """An account at an origin, and the address that reaches it today."""

    account: str
    origin: str
    profile: str
    """The name of its folder on this device."""
    server_url: str
    insecure_http: bool


def place_of(account: str, server_url: str, connect_to: str, *, insecure_http: bool) -> Place:
    """Check what the user named. `connect_to` reaches the same origin elsewhere; "" is the origin itself."""
    address = parse_address(server_url)
    reached = parse_address(connect_to) if connect_to else address
    profile = address.profile(check_account(account))
    return Place(account, address.origin, profile, reached.origin, insecure_http)


def connect(
    server_url: str,
    *,
    insecure_http: bool,
    token: Secret | None = None,
    on_wait: Callable[[str], None] = lambda _reason: None,
) -> ServerClient:
    """Make a client; nothing is sent yet. Raises PolicyError for plain http beyond loopback."""
    return ServerClient(HttpTransport(server_url, insecure_http=insecure_http), token, on_wait=on_wait)


def check_origin(client: ServerClient, origin: str) -> None:
    """Ask whether the server's accounts live under `origin`. Raises PolicyError when it says another."""
    claimed = client.server_info().origin
    if claimed not in ("", origin):
        message = f"the accounts of the server at {client.base_url} belong to another address than {origin}"
        raise PolicyError(message, "name the server as its accounts know it, and reach it with --connect-to URL")
