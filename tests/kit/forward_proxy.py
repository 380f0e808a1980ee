"""A proxy on loopback that reaches every host name on this machine: CONNECT tunnels and plain requests."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import Self
from urllib.parse import urlsplit

_PIECE = 65_536


class ForwardProxy:
    """Notes what it is asked for and passes it on, or answers `refusal` instead. A context manager."""

    def __init__(self, refusal: bytes = b"") -> None:
        self._refusal = refusal
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._serve)]
        self._open: list[socket.socket] = []
        self.asked: list[str] = []
        """First lines of requests, without the version."""
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        """Start to listen."""
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop, whatever is under way."""
        for open_socket in [self._listener, *self._open]:
            with suppress(OSError):
                open_socket.shutdown(socket.SHUT_RDWR)
            open_socket.close()
        for thread in self._threads:
            thread.join()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._open.append(client)
                self._pass_on(client)

    def _pass_on(self, client: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            piece = client.recv(_PIECE)
            if not piece:
                return
            head += piece
        method, target, _ = head.split(b"\r\n")[0].decode().split()
        self.asked.append(f"{method} {target}")
        if self._refusal:
            client.sendall(self._refusal)
            client.shutdown(socket.SHUT_RDWR)
            return
        port = urlsplit(target if "://" in target else f"//{target}").port
        server = socket.create_connection(("127.0.0.1", port or 80))
        self._open.append(server)
        if method == "CONNECT":
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            server.sendall(head)
        for source, sink in ((client, server), (server, client)):
            thread = threading.Thread(target=_pipe, args=(source, sink))
            self._threads.append(thread)
            thread.start()


def _pipe(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(_PIECE):
            sink.sendall(piece)
        sink.shutdown(socket.SHUT_WR)
