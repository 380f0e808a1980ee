"""Running the application under granian: processes, threads, the ready line, the stop.

It decides nothing about requests. It relies on Linux's and macOS's SO_REUSEPORT, by which every worker listens itself.
"""

from __future__ import annotations

import contextlib
import errno
import http.client
import multiprocessing
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from multiprocessing.synchronize import Lock

from flask import Flask
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from granian.server import Server

from mega_server.app import create_app
from mega_server.config import Config
from mega_server.protocol import routes

# A thread works on one request, or waits for its body. granian starts as many as are busy and ends those idle for 30 s.
# It sets no time limit to a body that stalls (its issue 728): a few stalled clients must not take them all. Each holds
# one pack at most: 16 x 16 MiB at worst. One client sends from a few threads and keeps a worker under 150 MB.
# Two workers measured no faster on two cores. Neither glibc's mallopt (one arena, high thresholds) nor a shorter switch
# interval changed anything: storing 1 GiB makes 20,000 page faults either way, since `read_pack` keeps its memory.
_THREADS = 16
# Idle ones count too: granian ends them after 30 s. Each may buffer 400 KiB that no thread has read: 200 MiB at worst.
_CONNECTIONS = 512
_STOP_S = 10
_READY_S = 30.0


class PortTakenError(Exception):
    """Another program listens there."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen."""

    host: str
    port: int
    """0: a free one is taken."""

    @property
    def url(self) -> str:
        """Write the address as a URL."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


def serve(config: Config, address: Address, workers: int) -> None:
    """Serve until SIGTERM or SIGINT. Raises PortTakenError, OSError for an address that is not ours."""
    with _hold_port(address) as found:
        server = Server(
            target="mega_server",
            address=found.host,
            port=found.port,
            interface=Interfaces.WSGI,
            workers=workers,
            blocking_threads=_THREADS,
            backpressure=_CONNECTIONS,  # those beyond wait in the socket's queue
            http=HTTPModes.http1,
            websockets=False,
            log_level=LogLevels.error,
            workers_kill_timeout=_STOP_S,
        )
        server.serve(target_loader=partial(_load, config, found, multiprocessing.Lock()), wrap_loader=False)


def _load(config: Config, address: Address, first: Lock) -> Flask:
    """Build the application inside a worker. The worker that gets `first` says when requests are answered.

    Threads are started here and not in the parent: forking beside a running thread can copy a lock that it holds.
    """
    app = create_app(config)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if first.acquire(block=False):
        threading.Thread(target=_announce, args=(address,), daemon=True).start()
    return app


def _end_with_parent() -> None:
    """End this worker in order, within the time a stop has, when its parent is gone: it would go on and hold the port.

    It relies on the sentinel that multiprocessing gives to every child: a pipe's end (a process handle on Windows) that
    the system closes however the parent dies, so nothing is polled and no death is too early to be noticed.
    """
    parent = multiprocessing.parent_process()
    assert parent is not None, "a worker is a child"
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)  # to the process: raised in this thread, it would not wake the main one
    time.sleep(_STOP_S)
    os._exit(1)


@contextlib.contextmanager
def _hold_port(address: Address) -> Iterator[Address]:
    """Find out whether the address is free, choose a port for 0, and keep it until the workers have it.

    A first socket without SO_REUSEPORT tells a taken port, which granian would silently share; a second one with it
    keeps the port, and takes no connections because it never listens.
    """
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    with socket.socket(family) as probe, socket.socket(family) as holder:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address.host, address.port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise PortTakenError from error
            raise
        port = probe.getsockname()[1]
        probe.close()
        if sys.platform != "win32":  # where granian hands one socket to its only worker
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            holder.bind((address.host, port))
        yield Address(address.host, port)


def _announce(address: Address) -> None:
    """Print the ready line as soon as a worker answers."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address.host, address.host)  # noqa: S104 -- compared, not bound
    deadline = time.monotonic() + _READY_S
    while time.monotonic() < deadline:
        connection = http.client.HTTPConnection(host, address.port, timeout=_READY_S)
        try:
            connection.request("GET", routes.HEALTH)
            connection.getresponse().read()
        except OSError:
            time.sleep(0.01)
        else:
            sys.stderr.write(f"listening on {address.url}\n")
            return
        finally:
            connection.close()
