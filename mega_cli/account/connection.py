"""Connect to a server: which address is asked, which origin keys are bound to. The one place flows get a client from.

The origin is what the user named, never what a server claims: a server that could choose it could relay a login to
another server (attacks.md T15).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field

from mega_cli.api.address import check_account, parse_address
from mega_cli.api.client import ServerClient
from mega_cli.api.pace import Pace
from mega_cli.api.transport import HttpTransport, timeouts_from
from mega_cli.errors import PolicyError
from mega_cli.model import Network, Secret
from mega_cli.state.session import Session


@dataclass(frozen=True, slots=True)
class Place:
    """An account at an origin, and the address that reaches it today."""

    account: str
    origin: str
    profile: str
    """The name of its folder on this device."""
    server_url: str
    network: Network = field(default_factory=Network)


def place_of(account: str, server_url: str, connect_to: str = "", network: Network | None = None) -> Place:
    """Check what the user named. `connect_to` reaches the same origin elsewhere; "" is the origin itself."""
    address = parse_address(server_url)
    reached = parse_address(connect_to) if connect_to else address
    profile = address.profile(check_account(account))
    return Place(account, address.origin, profile, reached.origin, network or Network())


def connect(
    server_url: str,
    network: Network,
    *,
    token: Secret | None = None,
    on_wait: Callable[[str], None] = lambda _reason: None,
    pace: Pace | None = None,
) -> ServerClient:
    """Make a client; nothing is sent yet. Raises PolicyError for plain http beyond loopback, UsageError."""
    transport = HttpTransport(server_url, network, timeouts=timeouts_from(os.environ), pace=pace)
    return ServerClient(transport, token, on_wait=on_wait)


def connect_session(
    session: Session, *, on_wait: Callable[[str], None] = lambda _reason: None, pace: Pace | None = None
) -> ServerClient:
    """Make a client of a logged-in device, on the network that its login chose. Raises as `connect`."""
    return connect(session.server_url, session.network, token=session.token, on_wait=on_wait, pace=pace)


def check_origin(client: ServerClient, origin: str) -> None:
    """Ask whether the server's accounts live under `origin`. Raises PolicyError when it says another.

    A server that was told no origin takes the address it is reached at; reached elsewhere, it would refuse every login.
    """
    claimed = client.server_info().origin
    if not claimed and parse_address(client.base_url).origin != origin:
        message = f"the server at {client.base_url} was not told that its accounts belong to {origin}"
        raise PolicyError(message, f"ask its administrator to start it with: mega-server serve --origin {origin}")
    if claimed not in ("", origin):
        message = f"the accounts of the server at {client.base_url} belong to another address than {origin}"
        raise PolicyError(message, "name the server as its accounts know it, and reach it with --connect-to URL")
