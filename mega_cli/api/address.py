"""Account names and server addresses: text from a person, checked once. Pure, so that every floor may rely on it.

The origin is part of the password salt, of every login statement and of the pins; it must never depend on spelling,
on a default port or on the way a server happens to be reached today.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from mega_cli.errors import UsageError

_ACCOUNT = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}", re.ASCII)
_RESERVED = "me"
"""`/v1/accounts/me` is a route of its own."""
_DEFAULT_PORTS = {"http": 80, "https": 443}
_LOOPBACK = re.compile(r"localhost|\[::1\]|127(\.\d{1,3}){3}", re.ASCII)


def check_account(account: str) -> str:
    """Give the account name back when it follows the rule of crypto.md 1. Raises UsageError."""
    if not _ACCOUNT.fullmatch(account) or account == _RESERVED:
        msg = (
            "an account name is 1 to 63 of a-z, 0-9, '.', '_' and '-', starts with a letter or a digit, and is not `me`"
        )
        raise UsageError(msg)
    return account


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """Where a server is reached: scheme, lower-case host (IPv6 in brackets) and port."""

    scheme: str
    host: str
    port: int

    @property
    def origin(self) -> str:
        """Say `scheme://host[:port unless default]`.

        >>> parse_address("HTTPS://Cloud.Example.org:443/").origin
        'https://cloud.example.org'
        """
        suffix = "" if self.port == _DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{self.host}{suffix}"

    @property
    def is_loopback(self) -> bool:
        """Say whether bytes sent there never leave this machine."""
        return _LOOPBACK.fullmatch(self.host) is not None

    def profile(self, account: str) -> str:
        """Name the folder of an account on this server: unique for each origin, legal on every disk.

        The two common forms are short, and no host that could be mistaken for one of them gets it.

        >>> parse_address("http://127.0.0.1:8484").profile("alice")
        'alice@127.0.0.1_8484'
        >>> parse_address("https://cloud.example.org").profile("alice")
        'alice@cloud.example.org'
        >>> parse_address("https://cloud.example.org:8443").profile("alice")
        'alice@https+cloud.example.org_8443'
        """
        host = self.host.strip("[]")
        if self.scheme == "http" and self.is_loopback:
            return f"{account}@{host.replace(':', '_')}_{self.port}"
        if self.origin == f"https://{host}" and "_" not in host:
            return f"{account}@{host}"
        return f"{account}@{self.scheme}+{host.replace(':', '+')}_{self.port}"


def parse_address(url: str) -> ServerAddress:
    """Read a server's address. Raises UsageError on anything but `http(s)://host[:port]`."""
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError as error:
        raise _wrong(url) from error
    host = parts.hostname or ""
    extra = parts.path not in ("", "/") or parts.query or parts.fragment or "@" in parts.netloc
    if parts.scheme not in _DEFAULT_PORTS or extra or not re.fullmatch(r"[a-z0-9._:-]+", host, re.ASCII) or port == 0:
        raise _wrong(url)
    return ServerAddress(parts.scheme, f"[{host}]" if ":" in host else host, port or _DEFAULT_PORTS[parts.scheme])


def _wrong(url: str) -> UsageError:
    return UsageError(
        f"not a server address: {url!r}", "write it as https://host or https://host:port; other scripts as xn--…"
    )
