"""TLS and proxies: real handshakes on loopback, and what a user reads when they fail."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme

from mega_cli.api.operations import Request
from mega_cli.api.retry import RetryableError
from mega_cli.api.transport import HttpTransport, Timeouts, timeouts_from
from mega_cli.errors import PermissionRefusedError, UntrustedKeyError, UsageError
from mega_cli.model import Network
from tests.kit.forward_proxy import ForwardProxy
from tests.kit.raw_server import RawServer, http

ASK = Request("GET", "/v1/thing", most_bytes=1000)
QUICK = Timeouts(connect_s=2.0, read_s=2.0, write_s=2.0)
PAST = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Make an authority of our own."""
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> str:
    """Write its certificate, as a company hands it out."""
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    return str(tmp_path / "ca.pem")


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing in the environment of the suite leads elsewhere."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def tls_server(authority: trustme.CA, *names: str, expired: bool = False) -> RawServer:
    """Build a server whose certificate is for `names`, loopback by default, that answers once."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    not_after = datetime(2020, 2, 1, tzinfo=UTC) if expired else None
    issued = authority.issue_cert(*(names or ("127.0.0.1",)), not_before=PAST, not_after=not_after)
    issued.configure_cert(context)
    return RawServer([http(b"hello")], tls=context)


def ask(url: str, network: Network | None = None) -> bytes:
    """Send one request."""
    transport = HttpTransport(url, network, timeouts=QUICK)
    try:
        return transport.send(ASK).body
    finally:
        transport.close()


def test_an_authority_of_ones_own_is_trusted_when_named(authority: trustme.CA, ca_file: str) -> None:
    """`--ca-file`."""
    with tls_server(authority) as server:
        assert ask(server.url, Network(ca_file=ca_file)) == b"hello"


def test_an_authority_may_come_from_the_environment(
    authority: trustme.CA, ca_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SSL_CERT_FILE, also for a server on this machine."""
    monkeypatch.setenv("SSL_CERT_FILE", ca_file)
    with tls_server(authority) as server:
        assert ask(server.url) == b"hello"


@pytest.mark.parametrize("names_another", [True, False])
def test_an_unknown_authority_is_not_trusted(tmp_path: Path, authority: trustme.CA, *, names_another: bool) -> None:
    """Neither without a file nor with another authority's: exit 16, and the hint names the option."""
    trustme.CA().cert_pem.write_to_path(tmp_path / "other.pem")
    network = Network(ca_file=str(tmp_path / "other.pem")) if names_another else Network()
    with tls_server(authority) as server, pytest.raises(UntrustedKeyError) as caught:
        ask(server.url, network)
    assert "is not trusted" in caught.value.message
    assert "--ca-file FILE" in caught.value.hint
    assert server.requests == []


@pytest.mark.parametrize(
    ("name", "expired", "said"),
    [("elsewhere.test", False, "not valid for '127.0.0.1'"), ("127.0.0.1", True, "certificate has expired")],
)
def test_a_certificate_that_is_wrong_is_not_trusted(
    authority: trustme.CA, ca_file: str, name: str, said: str, *, expired: bool
) -> None:
    """For another host, or of the past: exit 16 and the reason, and nothing was sent."""
    with tls_server(authority, name, expired=expired) as server, pytest.raises(UntrustedKeyError, match=said):
        ask(server.url, Network(ca_file=ca_file))
    assert server.requests == []


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
def test_a_file_without_certificates_is_wrong_usage(tmp_path: Path, content: bytes | None) -> None:
    """Exit 2, before anything is sent; the file may have gone since the login."""
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match=r"ca\.pem"):
        HttpTransport("https://127.0.0.1:1", Network(ca_file=str(path)))


def test_https_goes_through_a_tunnel(authority: trustme.CA, ca_file: str) -> None:
    """`--proxy`: the proxy learns host and port, the certificate is checked for the server's name behind it."""
    with tls_server(authority, "cloud.test") as server, ForwardProxy() as proxy:
        body = ask(f"https://cloud.test:{server.port}", Network(ca_file=ca_file, proxy=proxy.url))
    assert (body, proxy.asked) == (b"hello", [f"CONNECT cloud.test:{server.port}"])


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_a_proxy_may_come_from_the_environment(
    authority: trustme.CA, ca_file: str, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variables that other programs know."""
    with tls_server(authority, "cloud.test") as server, ForwardProxy() as proxy:
        monkeypatch.setenv(variable, proxy.url)
        assert ask(f"https://cloud.test:{server.port}", Network(ca_file=ca_file)) == b"hello"
    assert len(proxy.asked) == 1


def test_plain_http_may_go_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """HTTP_PROXY, with --insecure-http."""
    with RawServer([http(b"hello")]) as server, ForwardProxy() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        assert ask(f"http://cloud.test:{server.port}", Network(insecure_http=True)) == b"hello"
    assert proxy.asked == [f"GET http://cloud.test:{server.port}/v1/thing"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_this_machine_is_reached_directly(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the variables say, and NO_PROXY does not."""
    with RawServer([http(b"hello")]) as server, ForwardProxy() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        assert ask(f"http://{host}:{server.port}") == b"hello"
    assert proxy.asked == []


def test_hosts_may_be_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_PROXY: the host is asked directly, and no such host exists."""
    with ForwardProxy() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", "cloud.invalid")
        with pytest.raises(RetryableError, match="cannot be reached"):
            ask("http://cloud.invalid:1", Network(insecure_http=True))
    assert proxy.asked == []


@pytest.mark.parametrize(
    ("status", "error"),
    [
        ("407 Proxy Authentication Required", PermissionRefusedError),
        ("403 Forbidden", PermissionRefusedError),
        ("502 Bad Gateway", RetryableError),
    ],
)
def test_a_proxy_that_refuses_is_named(status: str, error: type[Exception]) -> None:
    """A refusal stays one, a failure may pass; both say what the proxy said."""
    refusal = f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode()
    with ForwardProxy(refusal) as proxy, pytest.raises(error, match=f"the proxy did not connect.*{status}"):
        ask("https://cloud.test:1", Network(proxy=proxy.url))


@pytest.mark.parametrize("value", ["socks5://127.0.0.1:1", "gopher://127.0.0.1:1", "http://[::1"])
def test_a_proxy_of_another_kind_is_wrong_usage(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 2 with the variables to look at, and no traceback."""
    monkeypatch.setenv("ALL_PROXY", value)
    with pytest.raises(UsageError) as caught:
        HttpTransport("https://cloud.test")
    assert "ALL_PROXY" in caught.value.hint


def test_a_proxy_that_is_gone_is_temporary() -> None:
    """Nothing listens there."""
    with ForwardProxy() as proxy:
        pass
    with pytest.raises(RetryableError):
        ask("https://cloud.test", Network(proxy=proxy.url))


@pytest.mark.parametrize(("text", "seconds"), [("", 60.0), ("0.5", 0.5), ("3600", 3600.0)])
def test_a_timeout_may_come_from_the_environment(text: str, seconds: float) -> None:
    """MEGA_TIMEOUT is for connecting, reading and writing."""
    assert timeouts_from({"MEGA_TIMEOUT": text}).read_s == seconds


@pytest.mark.parametrize("text", ["0", "-1", "x", "nan", "inf", "3601"])
def test_a_timeout_that_means_nothing_is_wrong_usage(text: str) -> None:
    """The hint works when pasted."""
    with pytest.raises(UsageError) as caught:
        timeouts_from({"MEGA_TIMEOUT": text})
    assert caught.value.hint.endswith("unset MEGA_TIMEOUT")


def test_the_proxy_shows_nowhere() -> None:
    """Its address may be the secret of a company."""
    assert "3128" not in repr(Network(proxy="http://proxy.company:3128"))
