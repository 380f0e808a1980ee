"""A loopback server that answers with literal bytes: for what no well-behaved server would send."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Self

STALL = b""
"""Answer nothing more, and keep the connection open until the client leaves."""


class RawServer:
    """Takes one request after another, on any connection, and answers each with the next script. A context manager.

    A script is the pieces to send; the connection closes after the last one unless `keeps` is set.
    """

    def __init__(self, *scripts: Sequence[bytes], keeps: bool = False, tls: ssl.SSLContext | None = None) -> None:
        self._scripts = list(scripts)
        self._tls = tls
        self._keeps = keeps
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve)
        self._open: list[socket.socket] = []
        self.requests: list[bytes] = []
        self.connections = 0
        self.port = int(self._listener.getsockname()[1])
        self.url = f"{'http' if tls is None else 'https'}://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        """Start to listen."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop, whatever is under way."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        for connection in [*self._open, self._listener]:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        self._thread.join()

    def _serve(self) -> None:
        with suppress(OSError):
            while self._scripts:
                connection, _ = self._listener.accept()
                self._open.append(connection)
                self.connections += 1
                with suppress(OSError):  # a client that refuses our certificate
                    if self._tls is not None:
                        connection = self._tls.wrap_socket(connection, server_side=True)
                        self._open.append(connection)
                    self._converse(connection)

    def _converse(self, connection: socket.socket) -> None:
        with suppress(OSError):
            while self._scripts and (request := _read_request(connection)):
                self.requests.append(request)
                script = self._scripts.pop(0)
                for piece in script:
                    connection.sendall(piece)
                if script[-1] == STALL:
                    connection.recv(1)
                if not self._keeps:
                    break
            connection.shutdown(socket.SHUT_RDWR)


def _read_request(connection: socket.socket) -> bytes:
    """Read head and body of one request; b"" when the client has left."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65_536)
        if not piece:
            return b""
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    while lengths and len(body) < int(lengths[0]):
        body += connection.recv(65_536)
    return head + b"\r\n\r\n" + body


def http(body: bytes = b"", status: str = "200 OK", *fields: str) -> bytes:
    """Build a whole answer of our version."""
    lines = [f"HTTP/1.1 {status}", "X-Mega-Version: 1", f"Content-Length: {len(body)}", *fields]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
