"""The httpx transport against a server that sends literal bytes."""

from __future__ import annotations

import gzip
import hashlib
import ssl

import httpx
import pytest

from mega_cli.api import operations
from mega_cli.api.client import ServerClient
from mega_cli.api.operations import Request
from mega_cli.api.retry import RetryableError
from mega_cli.api.transport import HttpTransport, Timeouts
from mega_cli.errors import IntegrityError, PolicyError, UntrustedKeyError
from mega_cli.model import BlobId, Network, VolumeId
from mega_server.protocol.frames import END, frame_header
from tests.kit.raw_server import STALL, RawServer, http
from tests.kit.wire import patient

VOLUME = VolumeId(bytes(16))
QUICK = Timeouts(connect_s=2.0, read_s=0.1, write_s=2.0)
ASK = Request("GET", "/v1/thing", most_bytes=1000)


def ask(server: RawServer, request: Request = ASK) -> operations.Response:
    """Send one request."""
    transport = HttpTransport(server.url, timeouts=QUICK)
    try:
        return transport.send(request, "a-token")
    finally:
        transport.close()


def test_an_answer_arrives() -> None:
    """Status, headers and body come back."""
    with RawServer([http(b"hello")]) as server:
        answer = ask(server)

    assert (answer.status, answer.body) == (200, b"hello")


def test_a_request_names_version_token_and_no_encoding() -> None:
    """The head of a request says what we speak, who asks, and that nothing may be encoded."""
    with RawServer([http()]) as server:
        ask(server)

    head = server.requests[0].lower()
    assert b"x-mega-version: 1\r\n" in head
    assert b"authorization: bearer a-token\r\n" in head
    assert b"accept-encoding: identity\r\n" in head


def test_parts_arrive_joined_with_their_length() -> None:
    """A body of many small and large parts is sent once, with its length, in order."""
    parts = [b"a" * 10, b"b" * 300_000, b"c" * 10, b"d" * 10]
    with RawServer([http()]) as server:
        ask(server, Request("POST", "/v1/thing", parts))

    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert b"content-length: 300030" in head.lower()
    assert b"transfer-encoding" not in head.lower()
    assert body == b"".join(parts)


def test_connections_are_kept() -> None:
    """Two requests use one connection."""
    with RawServer([http(b"1")], [http(b"2")], keeps=True) as server:
        transport = HttpTransport(server.url, timeouts=QUICK)
        bodies = [transport.send(ASK).body for _ in range(2)]
        transport.close()

    assert bodies == [b"1", b"2"]
    assert server.connections == 1


@pytest.mark.parametrize(
    "script",
    [
        pytest.param([http(b"hello")[:-2]], id="cut inside the body"),
        pytest.param([b"HTTP/1.1 200 OK\r\nX-Me"], id="cut inside the head"),
        pytest.param([b"no http at all\r\n\r\n"], id="no http"),
        pytest.param([http(b"hello")[:-2], STALL], id="stalled inside the body"),
        pytest.param([STALL], id="stalled at once"),
    ],
)
def test_broken_framing_is_temporary(script: list[bytes]) -> None:
    """A cut or stalled connection may pass."""
    with RawServer(script) as server, pytest.raises(RetryableError):
        ask(server)


def test_an_absent_server_is_temporary() -> None:
    """A refused connection may pass; on this machine nothing listens, and the hint says how to start it."""
    with RawServer() as server:
        pass
    with pytest.raises(RetryableError, match="cannot be reached") as caught:
        ask(server)
    assert caught.value.is_absent
    assert caught.value.hint.endswith(f"mega-server serve --data ./mega-data --port {server.url.rpartition(':')[2]}")


def test_an_address_that_is_not_found_is_temporary() -> None:
    """It may be the network, so it has the whole budget; the hint is a command that tells."""
    transport = HttpTransport("https://nowhere.invalid")
    with pytest.raises(RetryableError, match="cannot be reached") as caught:
        transport.send(operations.server_info())
    assert not caught.value.is_absent
    assert caught.value.hint.endswith("curl https://nowhere.invalid/healthz")


def test_a_failed_answer_then_a_good_one() -> None:
    """500, a cut, and then the head: the client gets it, and says what it waited for."""
    heard: list[str] = []
    failed = http(b'{"error":{"code":"internal","message":"a bug"}}', "500 X", "Connection: close")
    with RawServer([failed], [http(bytes(746))[:-1]], [http(bytes(746))]) as server:
        client = ServerClient(HttpTransport(server.url, timeouts=QUICK), retry=patient(heard.append))
        head = client.head(VOLUME)
        client.close()

    assert head == bytes(746)
    assert len(heard) == 2


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(http(gzip.compress(b"{}"), "200 OK", "Content-Encoding: gzip"), id="gzip"),
        pytest.param(http(b"{}", "206 Partial", "Content-Range: bytes 0-1/2"), id="206"),
        pytest.param(http(b"x" * 1001), id="announced too long"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nX-Mega-Version: 1\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n" + b"x" * 1001,
            id="too long",
        ),
    ],
)
@pytest.mark.attack("T31")
def test_well_framed_wrong_answers_are_integrity_errors(answer: bytes) -> None:
    """An encoded, partial or overlong answer is wrong, whatever it holds."""
    with RawServer([answer]) as server, pytest.raises(IntegrityError):
        ask(server)


def test_a_length_that_nobody_could_hold_is_refused_unread() -> None:
    """The bound is checked before the body: the server never sends it."""
    head = b"HTTP/1.1 200 OK\r\nX-Mega-Version: 1\r\nContent-Length: 99999999999\r\n\r\n"
    with RawServer([head, STALL]) as server, pytest.raises(IntegrityError):
        ask(server)


@pytest.mark.parametrize("line", [b"", b"X-Mega-Version: 2\r\n"])
def test_another_version_is_a_policy_error(line: bytes) -> None:
    """A server of another version, and a server of something else, are refused clearly."""
    with (
        RawServer([b"HTTP/1.1 200 OK\r\n" + line + b"Content-Length: 0\r\n\r\n"]) as server,
        pytest.raises(PolicyError),
    ):
        ask(server)


def test_redirects_are_not_followed() -> None:
    """A redirect is no answer: the token would go elsewhere."""
    with RawServer([http(b"", "302 Found", "Location: /elsewhere")], [http(b"stolen")]) as server:
        with pytest.raises(IntegrityError):
            ask(server)
        assert len(server.requests) == 1


@pytest.mark.parametrize("url", ["http://cloud.example.org", "http://10.0.0.1:8420"])
def test_plain_http_is_for_loopback(url: str) -> None:
    """Anything beyond this machine needs https or the user's word."""
    with pytest.raises(PolicyError, match="plain http"):
        HttpTransport(url)
    HttpTransport(url, Network(insecure_http=True)).close()


def test_a_stream_that_is_cut_goes_on_where_it_was() -> None:
    """Blobs that arrived are not asked for again, over the real wire too."""
    one, two = b"1" * 100_000, b"2" * 100_000
    ids = [BlobId(hashlib.sha256(blob).digest()) for blob in (one, two)]
    frames = [frame_header(len(blob)) + blob for blob in (one, two)]
    with RawServer([http(b"".join(frames) + END)[:-50_000]], [http(frames[1] + END)]) as server:
        client = ServerClient(HttpTransport(server.url, timeouts=QUICK), retry=patient())
        blobs = list(client.fetch_blobs(VOLUME, ids))
        client.close()

    assert blobs == list(zip(ids, (one, two), strict=True))
    assert server.requests[1].endswith(b"\r\n\r\n" + ids[1])


def test_an_untrusted_certificate_is_not_retried() -> None:
    """A certificate that does not verify is a key that is not trusted."""

    class Impostor(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            error = ssl.SSLCertVerificationError(1, "failed")
            error.verify_message = "self-signed certificate"
            raise httpx.ConnectError("failed", request=request) from error

    with pytest.raises(UntrustedKeyError, match="self-signed"):
        HttpTransport("https://cloud.example.org", wire=Impostor()).send(ASK)
