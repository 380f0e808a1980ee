"""What an administrator may choose, once, as a frozen value.

It never reads the environment itself: `cli.py` does, and passes the result down. It relies on `protocol.limits`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from mega_server.protocol.limits import MIB, QUOTA_BYTES

_DEFAULT_PORTS = {"http": 80, "https": 443}


class Signup(StrEnum):
    """Who may make an account."""

    OPEN = "open"
    INVITE = "invite"
    CLOSED = "closed"


class Storage(StrEnum):
    """Where packs are kept."""

    FILESYSTEM = "filesystem"
    MEMORY = "memory"


@dataclass(frozen=True, slots=True)
class Config:
    """The settings of one server. It is pickled into every worker, so it holds plain values and no secret."""

    data_dir: Path
    origin: str = ""
    """Normalised by `normal_origin`; empty: the origin of each request is used."""
    signup: Signup = Signup.INVITE
    quota_bytes: int = QUOTA_BYTES
    storage: Storage = Storage.FILESYSTEM
    is_verbose: bool = False
    log_file: Path | None = None
    log_bytes: int = 10 * MIB
    """The log file is put aside when it is so long."""
    log_count: int = 5
    """So many old ones are kept."""
    metrics_token_file: Path | None = None
    """Whoever shows its content may read the metrics from anywhere."""
    contact: str = ""
    """Where people report abuse; whoever opens a link is shown it."""
    trusted_proxies: int = 0
    """So many reverse proxies stand before the server; each one's X-Forwarded-For and -Proto are believed."""

    @property
    def database_url(self) -> str:
        """Say where SQLite keeps accounts, records and the blob index."""
        return f"sqlite:///{self.data_dir / 'mega.db'}"

    @property
    def store_dir(self) -> Path:
        """Say under which folder the filesystem store keeps `v/<volume>/<pack>`."""
        return self.data_dir / "store"


def normal_origin(text: str) -> str:
    """Write an origin the one way both sides sign it: scheme, lower-case host, port unless default.

    Raises ValueError on anything but http and https, and on a user name, path, query or fragment.

    >>> normal_origin("HTTPS://Cloud.Example.org:443/")
    'https://cloud.example.org'
    >>> normal_origin("http://[::1]:8420")
    'http://[::1]:8420'
    """
    parts = urlsplit(text)
    host = parts.hostname
    if parts.scheme not in _DEFAULT_PORTS or not host or parts.path.strip("/") or parts.query or parts.fragment:
        msg = "an origin is http:// or https://, a host, and perhaps a port"
        raise ValueError(msg)
    if parts.username is not None or parts.password is not None:
        msg = "an origin holds no user name"
        raise ValueError(msg)
    host = f"[{host}]" if ":" in host else host
    port = "" if parts.port in {None, _DEFAULT_PORTS[parts.scheme]} else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"
