"""`mega-server serve` as a process: starting, answering over a socket, stopping, being killed."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.server import LiveServer


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LiveServer]:
    """Start a live server on a new folder."""
    with LiveServer(tmp_path / "data", "--verbose") as server:
        yield server


def ask(server: LiveServer, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
    """Send one request."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        connection.request(method, path, body=body, headers=headers)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def is_listening(port: int) -> bool:
    """Say whether something takes connections there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_serve_and_stop(server: LiveServer) -> None:
    """It says that it made the folder, answers, and stops with exit 0."""
    assert ask(server, "GET", "/healthz") == (200, b"ok\n")
    assert server.log.startswith("initialised ")
    assert server.stop() == 0
    server.start()


def test_it_comes_back_after_a_kill(server: LiveServer) -> None:
    """After a kill it starts on the same folder and port."""
    port = server.port
    server.kill()
    server.start()
    assert server.port == port
    assert ask(server, "GET", "/healthz")[0] == 200


def test_no_worker_outlives_its_parent(server: LiveServer) -> None:
    """When the main process is killed the worker lets go of the port within two seconds, and a restart works."""
    if sys.platform == "win32":
        pytest.skip("Windows has no SIGKILL")
    os.kill(server.pid, signal.SIGKILL)
    deadline_s = time.monotonic() + 2
    try:
        while is_listening(server.port):
            assert time.monotonic() < deadline_s, "a worker still holds the port"
    finally:
        server.kill()
    server.start()
    assert ask(server, "GET", "/healthz")[0] == 200


def test_stalled_bodies_do_not_take_all_threads(server: LiveServer) -> None:
    """Six clients whose body is being read and does not come leave room for one that behaves."""
    head = b"POST /v1/accounts HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\nExpect: 100-continue\r\n\r\n"
    with contextlib.ExitStack() as stalled:
        for _ in range(6):
            client = stalled.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=10))
            client.sendall(head)
            assert client.recv(100).startswith(b"HTTP/1.1 100 "), "a thread reads the body now"
            client.sendall(b" " * 500)
        assert ask(server, "GET", "/healthz") == (200, b"ok\n")


def test_idle_connections_keep_nobody_out(server: LiveServer) -> None:
    """Clients keep connections for later: 200 of them, from a dozen devices, leave room for one more."""
    with contextlib.ExitStack() as idle:
        for _ in range(200):
            client = idle.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=10))
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert client.recv(1000).startswith(b"HTTP/1.1 200 ")
        assert ask(server, "GET", "/healthz") == (200, b"ok\n")


def test_the_log_has_no_query_and_no_token(server: LiveServer) -> None:
    """A line says what was asked, not with what."""
    ask(server, "GET", "/v1/accounts/me?secret=1", Authorization="Bearer c2VjcmV0")
    assert '"path": "/v1/accounts/me"' in server.log
    assert "secret" not in server.log
    assert "c2VjcmV0" not in server.log


def test_a_body_beyond_its_bound_over_a_socket(server: LiveServer) -> None:
    """A length beyond the bound is refused before the body is sent."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(b"POST /v1/accounts HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 413 ")


def test_a_chunked_body_is_bounded(server: LiveServer) -> None:
    """A body that does not say its length is read to the bound and refused."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(b"POST /v1/accounts HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        connection.sendall(b"120000\r\n" + b" " * 0x120000 + b"\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 413 ")


def test_a_taken_port(server: LiveServer, tmp_path: Path) -> None:
    """A second server on the port is exit 11 with a hint, and does not share the port silently."""
    command = [sys.executable, "-m", "mega_server", "serve", "--data", str(tmp_path / "other")]
    other = subprocess.run(
        [*command, "--port", str(server.port)], capture_output=True, text=True, timeout=30, check=False
    )
    assert other.returncode == 11
    assert "mega-server: hint: stop the other program, or choose a free port with --port 0" in other.stderr
