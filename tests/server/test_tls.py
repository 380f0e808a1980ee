"""`serve --tls-cert --tls-key`: a real TLS client, renewal by SIGHUP, and files that cannot be used."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import ssl
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mega_server.cli import main
from tests.kit.certificates import Certificates
from tests.kit.server import LiveServer

if sys.platform == "win32":
    pytest.skip("Windows has no SIGHUP", allow_module_level=True)

MOST_S = 30


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    """Give a certificate for 127.0.0.1."""
    return Certificates(tmp_path)


@pytest.fixture
def server(tmp_path: Path, certificates: Certificates) -> Iterator[LiveServer]:
    """Start a server with it."""
    with LiveServer(tmp_path / "data", *certificates.options) as server:
        yield server


def connect(server: LiveServer, certificates: Certificates) -> http.client.HTTPSConnection:
    """Open a connection that trusts the authority and nobody else."""
    context = ssl.create_default_context(cafile=str(certificates.ca))
    return http.client.HTTPSConnection("127.0.0.1", server.port, timeout=MOST_S, context=context)


def serial(server: LiveServer, certificates: Certificates) -> str:
    """Say which certificate the server shows."""
    connection = connect(server, certificates)
    connection.connect()
    try:
        assert isinstance(connection.sock, ssl.SSLSocket)
        shown = connection.sock.getpeercert()
        assert shown is not None
        return str(shown["serialNumber"])
    finally:
        connection.close()


def test_it_speaks_tls(server: LiveServer, certificates: Certificates) -> None:
    """A client that checks the certificate is answered, and the ready line says https."""
    connection = connect(server, certificates)
    connection.request("GET", "/healthz")
    answer = connection.getresponse()

    assert (answer.status, answer.read()) == (200, b"ok\n")
    assert f"listening on https://127.0.0.1:{server.port}\n" in server.log
    connection.close()


def test_it_speaks_nothing_else(server: LiveServer) -> None:
    """A request in clear gets no answer."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=MOST_S)
    connection.request("GET", "/healthz")
    with pytest.raises((http.client.HTTPException, OSError)):
        connection.getresponse()
    connection.close()


def test_sighup_reads_a_renewed_certificate(server: LiveServer, certificates: Certificates) -> None:
    """New connections get the new certificate; a request that was under way is answered by the old worker."""
    before = serial(server, certificates)
    under_way = connect(server, certificates)
    under_way.putrequest("POST", "/v1/login/challenge")
    under_way.putheader("Content-Length", "19")
    under_way.endheaders(b'{"account":')
    certificates.renew()
    os.kill(server.pid, signal.SIGHUP)

    wait_for(lambda: serial(server, certificates) != before)
    under_way.send(b'"alice"}')
    answer = under_way.getresponse()

    assert answer.status == 200, answer.read()
    under_way.close()


@pytest.mark.parametrize("is_gone", [False, True])
def test_a_reload_without_a_usable_certificate_changes_nothing(
    server: LiveServer, certificates: Certificates, *, is_gone: bool
) -> None:
    """A renewal that is half done, or a lost file, is said, and the server goes on with what it has."""
    before = serial(server, certificates)
    if is_gone:
        certificates.key.unlink()
    else:
        certificates.renew(is_key_kept=True)
    os.kill(server.pid, signal.SIGHUP)

    wait_for(lambda: "not reloaded" in server.log)
    assert serial(server, certificates) == before


def wait_for(is_so: object) -> None:
    """Look at another process until something is so."""
    assert callable(is_so)
    began_s = time.monotonic()
    while not is_so():
        assert time.monotonic() - began_s < MOST_S, "it does not come"
        time.sleep(0.05)  # watching another process


def serve(tmp_path: Path, *options: str) -> Result:
    """Try to serve, in this process."""
    words = ["serve", "--data", str(tmp_path / "data"), "--port", "0", *options]
    return CliRunner().invoke(main, words, prog_name="mega-server")


@pytest.mark.parametrize("wrong", ["mismatch", "no pem", "swapped"])
def test_files_that_do_not_fit(tmp_path: Path, certificates: Certificates, wrong: str) -> None:
    """They are refused in one sentence before anything is served: exit 1."""
    options = list(certificates.options)
    if wrong == "mismatch":
        certificates.renew(is_key_kept=True)
    elif wrong == "no pem":
        certificates.cert.write_text("not a certificate")
    else:
        options[1], options[3] = options[3], options[1]
    result = serve(tmp_path, *options)

    assert result.exit_code == 1
    assert result.stderr.splitlines()[-2].startswith("mega-server: error: ")
    assert "are no certificate and its key" in result.stderr


def test_a_missing_file(tmp_path: Path, certificates: Certificates) -> None:
    """It is named: exit 1."""
    certificates.key.unlink()
    result = serve(tmp_path, *certificates.options)

    assert (result.exit_code, "key.pem" in result.stderr) == (1, True)


def test_a_certificate_without_its_key(tmp_path: Path, certificates: Certificates) -> None:
    """Half of it is wrong usage."""
    assert serve(tmp_path, *certificates.options[:2]).exit_code == 2


@pytest.mark.parametrize(
    ("options", "is_warned"),
    [
        ((), False),
        (("--host", "0.0.0.0"), True),
        (("--host", "0.0.0.0", "--origin", "https://cloud.example.org"), False),
    ],
)
def test_the_warning_without_tls(tmp_path: Path, options: tuple[str, ...], *, is_warned: bool) -> None:
    """A server that others reach in clear says so; one behind a proxy, or for this machine alone, does not."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        result = serve(tmp_path, "--port", port, *options)

    assert result.exit_code == 11, "the port is taken, so that it ends"
    assert ("is served without TLS" in result.stderr) is is_warned
