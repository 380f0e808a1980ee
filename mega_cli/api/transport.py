"""HTTP/1.1 over httpx: one thread-safe pool of kept-alive connections to one server. The only importer of httpx.

It must never follow a redirect, accept an encoded or partial answer, read more than the request allows, or speak plain
HTTP beyond loopback unless told to. A cut connection and broken framing are temporary; it relies on `operations` to
judge what is well-framed.
"""

from __future__ import annotations

import ssl
import sys
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

# httpx's own command line would pull in rich and pygments here: 40 of 100 ms of start-up, for nothing we use.
if "httpx" not in sys.modules:
    sys.modules["httpx._main"] = None  # type: ignore[assignment]  # makes httpx take its documented ImportError path

import httpcore
import httpx

from mega_cli.api.address import parse_address
from mega_cli.api.operations import Request, Response, check_head, error_of
from mega_cli.api.retry import RetryableError
from mega_cli.errors import IntegrityError, MegaError, PolicyError, UntrustedKeyError
from mega_server.protocol import headers, limits

POOL_CONNECTIONS: Final = 16
_PIECE_BYTES: Final = 256 * 1024
_SOFTWARE: Final = "mega-cli/1"

# A read of 1 MiB instead of 64 KiB makes a `get` of 1 GiB 10 % faster (2.8 to 2.5 s); httpx has no setting for it.
httpcore.HTTP11Connection.READ_NUM_BYTES = limits.MIB


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds without any progress before a step counts as failed."""

    connect_s: float = 10.0
    read_s: float = 60.0
    write_s: float = 60.0


class HttpTransport:
    """The member of `Transport` that uses the network."""

    def __init__(
        self,
        base_url: str,
        *,
        insecure_http: bool = False,
        timeouts: Timeouts | None = None,
        wire: httpx.BaseTransport | None = None,
    ) -> None:
        """Open nothing yet. `wire` replaces the sockets (an application in this process). Raises PolicyError."""
        address = parse_address(base_url)
        if address.scheme == "http" and not address.is_loopback and not insecure_http:
            message = f"{address.origin} is plain http: what is sent there can be read and changed on its way"
            raise PolicyError(message, "use https, or add --insecure-http on a network you trust")
        times = timeouts or Timeouts()
        self._base_url = address.origin
        self._client = httpx.Client(
            base_url=address.origin,
            # Loopback needs neither proxies nor certificates; loading both costs 35 ms. The empty store trusts nobody.
            verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if address.scheme == "http" else True,
            trust_env=not address.is_loopback,
            follow_redirects=False,
            timeout=httpx.Timeout(connect=times.connect_s, read=times.read_s, write=times.write_s, pool=None),
            limits=httpx.Limits(max_connections=POOL_CONNECTIONS, max_keepalive_connections=POOL_CONNECTIONS),
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
            body = _read(answer, request.most_bytes)
            return Response(answer.status_code, _lowered(answer), body)

    def stream(self, request: Request, token: str = "") -> Generator[bytes, None, None]:
        """Send, then yield the body as it arrives."""
        with self._answer(request, token) as answer:
            yield from answer.iter_raw()

    @contextmanager
    def _answer(self, request: Request, token: str) -> Iterator[httpx.Response]:
        """Open an answer that is the one expected, its body unread; raise its error otherwise."""
        fields = {"Authorization": f"Bearer {token}"} if token else {}
        if request.parts:
            fields |= {"Content-Type": request.media_type, "Content-Length": str(sum(map(len, request.parts)))}
        try:
            with self._client.stream(
                request.method,
                request.path,
                content=_pieces(request.parts) if request.parts else None,
                headers=fields | dict(request.extra),
            ) as answer:
                if not check_head(answer.status_code, _lowered(answer), request.expects):
                    body = _read(answer, limits.JSON_BYTES)
                    raise error_of(Response(answer.status_code, _lowered(answer), body))
                yield answer
        except httpx.TransportError as error:
            raise self._translated(error) from error

    def _translated(self, error: httpx.TransportError) -> MegaError:
        """Turn httpx's exception into ours."""
        root = _root(error)
        if isinstance(root, ssl.SSLCertVerificationError):
            message = f"the certificate of {self._base_url} is not trusted: {root.verify_message}"
            return UntrustedKeyError(message, "check the address; set SSL_CERT_FILE for an authority of your own")
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


def _read(answer: httpx.Response, most_bytes: int) -> bytes:
    """Read a body of at most `most_bytes`. Raises IntegrityError, before anything beyond the bound is kept."""
    announced = answer.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > most_bytes:
        raise IntegrityError
    body = bytearray()
    for data in answer.iter_raw():
        body += data
        if len(body) > most_bytes:
            raise IntegrityError
    return bytes(body)


def _root(error: BaseException) -> BaseException:
    """Find the exception that started it."""
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return error
