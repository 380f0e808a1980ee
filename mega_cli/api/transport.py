"""HTTP/1.1 over httpx: one thread-safe pool of kept-alive connections to one server. The only importer of httpx.

It must never follow a redirect, accept an encoded or partial answer, read more than the request allows, or speak plain
HTTP beyond loopback unless told to. A cut connection, broken framing and an answer that hardly moves are temporary; it
relies on `operations` to judge what is well-framed, and on a `Pace` for how fast bytes may move.
"""

from __future__ import annotations

import os
import ssl
import sys
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

# httpx's own command line would pull in rich and pygments here: 40 of 100 ms of start-up, for nothing we use.
if "httpx" not in sys.modules:
    sys.modules["httpx._main"] = None  # type: ignore[assignment]  # makes httpx take its documented ImportError path

import httpcore
import httpx

from mega_cli.api.address import parse_address
from mega_cli.api.operations import Request, Response, check_head, error_of
from mega_cli.api.pace import Pace
from mega_cli.api.retry import RetryableError
from mega_cli.errors import (
    IntegrityError,
    MegaError,
    PermissionRefusedError,
    PolicyError,
    UntrustedKeyError,
    UsageError,
)
from mega_cli.model import Network
from mega_server.protocol import headers, limits

POOL_CONNECTIONS: Final = 16
"""Beside the one on which the feed waits."""
_PIECE_BYTES: Final = 256 * 1024
_LEAST_BYTES: Final = 4 * 1024
"""An answer that brings less than this in a read timeout's time of waiting has stalled, however it trickles."""
_LEAST_TIMEOUT_S, _MOST_TIMEOUT_S = 0.1, 3600.0
_SOFTWARE: Final = "mega-cli/1"

_READ_BYTES: Final = limits.MIB
"""A read of 1 MiB instead of 64 KiB makes a `get` of 1 GiB 10 % faster (2.8 to 2.5 s)."""
httpcore.HTTP11Connection.READ_NUM_BYTES = _READ_BYTES  # httpx has no setting for it; a limit makes it smaller


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds without any progress before a step counts as failed."""

    connect_s: float = 10.0
    read_s: float = 60.0
    write_s: float = 60.0


def timeouts_from(environ: Mapping[str, str]) -> Timeouts:
    """Read MEGA_TIMEOUT, in seconds, for all three; without it the defaults hold. Raises UsageError."""
    text = environ.get("MEGA_TIMEOUT", "")
    if not text:
        return Timeouts()
    try:
        timeout_s = float(text)
    except ValueError:
        timeout_s = 0.0
    if not _LEAST_TIMEOUT_S <= timeout_s <= _MOST_TIMEOUT_S:
        message = f"MEGA_TIMEOUT is {text!r}, and not a number of seconds from {_LEAST_TIMEOUT_S} to {_MOST_TIMEOUT_S}"
        raise UsageError(message, "leave it away: unset MEGA_TIMEOUT")
    return Timeouts(timeout_s, timeout_s, timeout_s)


class HttpTransport:
    """The member of `Transport` that uses the network."""

    def __init__(
        self,
        base_url: str,
        network: Network | None = None,
        *,
        timeouts: Timeouts | None = None,
        wire: httpx.BaseTransport | None = None,
        pace: Pace | None = None,
    ) -> None:
        """Open nothing yet. `wire` replaces the sockets (an application in this process).

        Raises PolicyError, UsageError for a proxy or a file of authorities that cannot be used.
        """
        address = parse_address(base_url)
        network = network or Network()
        if address.scheme == "http" and not address.is_loopback and not network.insecure_http:
            message = f"{address.origin} is plain http: what is sent there can be read and changed on its way"
            raise PolicyError(message, "use https, or add --insecure-http on a network you trust")
        times = timeouts or Timeouts()
        self._base_url = address.origin
        self._times = times
        self._pace = pace
        self._client = _client(
            base_url=address.origin,
            verify=_authorities(network.ca_file, is_needed=address.scheme == "https"),
            trust_env=not address.is_loopback,
            proxy=network.proxy or None,
            follow_redirects=False,
            timeout=_timeout(times),
            limits=httpx.Limits(max_connections=POOL_CONNECTIONS + 1, max_keepalive_connections=POOL_CONNECTIONS + 1),
            headers={
                "Accept-Encoding": "identity",
                "User-Agent": _SOFTWARE,
                headers.VERSION: str(limits.PROTOCOL_MAJOR),
            },
            transport=wire,
        )

    @property
    def base_url(self) -> str:
        """Say where requests go."""
        return self._base_url

    def close(self) -> None:
        """Close the idle connections."""
        self._client.close()

    def send(self, request: Request, token: str = "") -> Response:
        """Send and read the whole answer."""
        with self._answer(request, token) as answer:
            body = self._read_whole(answer, request.most_bytes)
            return Response(answer.status_code, _lowered(answer), body)

    def stream(self, request: Request, token: str = "") -> Generator[bytes, None, None]:
        """Send, then yield the body as it arrives."""
        with self._answer(request, token) as answer:
            yield from self._read(answer)

    @contextmanager
    def _answer(self, request: Request, token: str) -> Iterator[httpx.Response]:
        """Open an answer that is the one expected, its body unread; raise its error otherwise."""
        fields = {"Authorization": f"Bearer {token}"} if token else {}
        if request.parts:
            fields |= {"Content-Type": request.media_type, "Content-Length": str(sum(map(len, request.parts)))}
        self._size_reads()  # the answer's head is read with the first of its body
        try:
            with self._client.stream(
                request.method,
                request.path,
                content=self._paced(_pieces(request.parts)) if request.parts else None,
                headers=fields | dict(request.extra),
                timeout=_timeout(self._times, request.wait_s),
            ) as answer:
                if not check_head(answer.status_code, _lowered(answer), request.expects):
                    body = self._read_whole(answer, limits.JSON_BYTES)
                    raise error_of(Response(answer.status_code, _lowered(answer), body))
                yield answer
        except httpx.TransportError as error:
            raise self._translated(error) from error

    def _paced(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """Cut pieces into slices and pay for each before it is sent, while there is a limit."""
        for piece in pieces:
            at = 0
            while self._pace is not None and at < len(piece) and (size := self._pace.slice_bytes("up")) is not None:
                part = piece[at : at + size]
                self._pace.pay("up", len(part))
                yield part
                at += len(part)
            if at < len(piece):
                yield piece[at:] if at else piece

    def _read(self, answer: httpx.Response) -> Iterator[bytes]:
        """Yield the body as it arrives. Raises RetryableError when it hardly moves; only time spent waiting counts."""
        pieces = answer.iter_raw()
        waited_s, size_bytes = 0.0, 0
        while True:
            self._size_reads()
            since_s = time.monotonic()
            piece = next(pieces, None)
            if piece is None:
                return
            waited_s, size_bytes = waited_s + time.monotonic() - since_s, size_bytes + len(piece)
            if size_bytes >= _LEAST_BYTES:
                waited_s, size_bytes = 0.0, 0
            elif waited_s > self._times.read_s:
                reason = f"{self._base_url} hardly sends anything"
                raise RetryableError(reason)
            if self._pace is not None:
                self._pace.pay("down", len(piece))
            yield piece

    def _size_reads(self) -> None:
        """Have the sockets read no more at once than may be paid for at once. All transports share it, as the pace."""
        if self._pace is not None:
            httpcore.HTTP11Connection.READ_NUM_BYTES = self._pace.slice_bytes("down") or _READ_BYTES

    def _read_whole(self, answer: httpx.Response, most_bytes: int) -> bytes:
        """Read a body of at most `most_bytes`. Raises IntegrityError, before anything beyond the bound is kept."""
        announced = answer.headers.get("content-length", "")
        if announced.isdecimal() and int(announced) > most_bytes:
            raise IntegrityError
        body = bytearray()
        for data in self._read(answer):
            body += data
            if len(body) > most_bytes:
                raise IntegrityError
        return bytes(body)

    def _translated(self, error: httpx.TransportError) -> MegaError:
        """Turn httpx's exception into ours."""
        root = _root(error)
        if isinstance(root, ssl.SSLCertVerificationError):
            message = f"the certificate of {self._base_url} is not trusted: {root.verify_message}"
            hint = "check the address; for an authority of your own: mega login --ca-file FILE, or SSL_CERT_FILE=FILE"
            return UntrustedKeyError(message, hint)
        if isinstance(error, httpx.ProxyError):
            return _refused_by_proxy(str(error))
        if isinstance(error, httpx.ConnectError):
            return self._unreached(is_refused=isinstance(root, ConnectionRefusedError))
        if isinstance(error, httpx.TimeoutException):
            return RetryableError(f"{self._base_url} does not answer in time")
        return RetryableError(f"the connection to {self._base_url} was cut")

    def _unreached(self, *, is_refused: bool) -> RetryableError:
        """Say that there is no connection, and a command that helps."""
        message = f"{self._base_url} cannot be reached"
        address = parse_address(self._base_url)
        if address.is_loopback and is_refused:
            start = f"mega-server serve --data ./mega-data --port {address.port}"
            hint = f"no server runs there; start it: mega quickstart, if that made it, else: {start}"
            return RetryableError(message, hint, is_absent=True)
        return RetryableError(
            message, f"check address and network; to see when it is back: curl {self._base_url}/healthz"
        )


def _timeout(times: Timeouts, wait_s: float = 0.0) -> httpx.Timeout:
    return httpx.Timeout(connect=times.connect_s, read=times.read_s + wait_s, write=times.write_s, pool=None)


def _client(**settings: Any) -> httpx.Client:  # noqa: ANN401 -- httpx's own settings
    """Make httpx's client. Raises UsageError for a proxy, of an option or a variable, that it cannot use."""
    try:
        return httpx.Client(**settings)
    except (ValueError, ImportError, httpx.InvalidURL) as error:
        message = (
            "the proxy of this network cannot be used: mega knows proxies as http://host:port and https://host:port"
        )
        raise UsageError(message, "see what --proxy, HTTPS_PROXY, HTTP_PROXY and ALL_PROXY say") from error


def _authorities(ca_file: str, *, is_needed: bool) -> ssl.SSLContext:
    """Choose whom to trust: the named file alone, else what SSL_CERT_FILE or SSL_CERT_DIR name, else the well-known.

    Plain http needs none, and loading them costs 35 ms: the empty store trusts nobody. Raises UsageError.
    """
    if not is_needed:
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        return ssl.create_default_context(cafile=ca_file) if ca_file else httpx.create_ssl_context()
    except OSError as error:  # ssl.SSLError is one: a file that holds no certificate
        named = ca_file or os.environ.get("SSL_CERT_FILE") or os.environ.get("SSL_CERT_DIR")
        message = f"no certificates of authorities can be read from {named}"
        raise UsageError(message, "name a file of PEM certificates: --ca-file FILE, or SSL_CERT_FILE=FILE") from error


def _refused_by_proxy(answer: str) -> MegaError:
    """Judge what a proxy answered instead of connecting: a refusal stays one, a failure may pass."""
    message = "the proxy did not connect to the server: " + "".join(c if c.isprintable() else "?" for c in answer[:100])
    if answer.startswith("5"):
        return RetryableError(message)
    return PermissionRefusedError(message, "see HTTPS_PROXY and --proxy; hosts to reach directly: NO_PROXY")


def _pieces(parts: Sequence[bytes]) -> Iterator[bytes]:
    """Join small parts and pass large ones on: a write costs 20 µs, joining 1 MiB costs 200 µs.

    Measured on packs of 8 MiB: 2.5 GB/s for 1 MiB blobs, 2.4 for 4 KiB ones; sent one by one those made 0.4.
    """
    gathered: list[bytes] = []
    size_bytes = 0
    for part in parts:
        gathered.append(part)
        size_bytes += len(part)
        if size_bytes >= _PIECE_BYTES:
            yield gathered[0] if len(gathered) == 1 else b"".join(gathered)
            gathered.clear()
            size_bytes = 0
    if gathered:
        yield b"".join(gathered)


def _lowered(answer: httpx.Response) -> Mapping[str, str]:
    return {name.lower(): value for name, value in answer.headers.items()}


def _root(error: BaseException) -> BaseException:
    """Find the exception that started it."""
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return error
