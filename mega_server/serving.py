"""Running the application under granian: processes, threads, TLS, the ready line, reload and stop.

It decides nothing about requests. It relies on Linux's and macOS's SO_REUSEPORT, by which every worker listens itself.
"""

from __future__ import annotations

import contextlib
import errno
import http.client
import logging
import multiprocessing
import os
import secrets
import signal
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing.synchronize import Lock
from pathlib import Path

from flask import Flask
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from granian.server import Server
from sqlalchemy.exc import OperationalError

from mega_server.app import create_app
from mega_server.config import Config
from mega_server.logs import LOGGER, start_logs
from mega_server.metrics import SharedCounts
from mega_server.protocol import routes
from mega_server.services.backend import open_backend
from mega_server.services.sweep import sweep_if_due
from mega_server.services.waits import Waits
from mega_server.views.feed import WAITS

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
# A new worker answers after 0.5 s. Until it does, the old one takes the new connections.
_RESPAWN_S = 3.0
_SWEEP_LOOK_S = 3_600.0
_START_KEY_BYTES = 32
_STOPS = (signal.SIGINT, signal.SIGTERM)


class PortTakenError(Exception):
    """Another program listens there."""


class AddressError(Exception):
    """Nobody can listen there; the message says why."""


class TlsError(Exception):
    """Certificate and key cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Tls:
    """The files of a certificate, with what chains it to an authority, and of its key; both in PEM."""

    cert: Path
    key: Path

    def check(self) -> None:
        """Load both as the workers will. Raises TlsError; OSError for a file that cannot be read."""
        for file in (self.cert, self.key):
            file.open("rb").close()
        try:
            # An empty password: without one OpenSSL would ask for it on the terminal.
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(self.cert, self.key, password="")
        except ssl.SSLError as error:
            reason = (error.reason or str(error)).lower().replace("_", " ")
            raise TlsError(f"{self.cert} and {self.key} are no certificate and its key: {reason}") from error


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen."""

    host: str
    port: int
    """0: a free one is taken."""
    tls: Tls | None = None

    @property
    def url(self) -> str:
        """Write the address as a URL."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class _Ready:
    """What the first worker announces, and to whom."""

    address: Address
    notify_socket: str
    is_first: Lock
    """Taken by the first worker and never let go, so workers after a reload stay silent."""


def _check_files(config: Config, tls: Tls | None) -> None:
    """Open what every worker opens when it starts. Raises TlsError, OSError."""
    if tls is not None:
        tls.check()
    if config.metrics_token_file is not None:
        config.metrics_token_file.open("rb").close()
    if config.log_file is not None:
        os.close(os.open(config.log_file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600))


def _reload(config: Config, tls: Tls | None, do_reload: Callable[[], None], *_: object) -> None:
    """Have granian start new workers and then let each old one finish what it is answering.

    Not when a file of theirs cannot be used: a new worker would die of it, and the server with it.
    """
    try:
        _check_files(config, tls)
    except (TlsError, OSError) as error:
        sys.stderr.write(f"mega-server: error: not reloaded: {error}\n")
        return
    do_reload()


def serve(config: Config, address: Address, workers: int, notify_socket: str = "") -> None:
    """Serve until SIGTERM or SIGINT; SIGHUP reads the certificate again and replaces the workers.

    `notify_socket` is where systemd waits to hear that requests are answered. Raises PortTakenError, AddressError,
    TlsError, OSError for a file that cannot be opened.
    """
    tls = address.tls
    _check_files(config, tls)
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
            ssl_cert=tls.cert if tls else None,
            ssl_key=tls.key if tls else None,
            respawn_interval=_RESPAWN_S,
        )
        on_reload = partial(_reload, config, tls, server.signal_handler_reload)
        server.signal_handler_reload = on_reload  # type: ignore[method-assign]  # its hooks cannot refuse
        ready = _Ready(found, notify_socket, multiprocessing.Lock())
        loader = partial(_load, config, ready, SharedCounts(workers), secrets.token_bytes(_START_KEY_BYTES))
        server.serve(target_loader=loader, wrap_loader=False)


def _load(config: Config, ready: _Ready, counts: SharedCounts, start_key: bytes) -> Flask:
    """Build the application inside a worker. The first of all workers says when requests are answered.

    Threads are started here and not in the parent: forking beside a running thread can copy a lock that it holds.
    """
    start_logs(config)
    app = create_app(config, counts=counts, start_key=start_key)
    woken, wake = socket.socketpair()
    wake.setblocking(False)
    signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
    threading.Thread(target=_end_waits, args=(woken, wake, app.extensions[WAITS]), daemon=True).start()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    threading.Thread(target=_sweep_daily, args=(config,), daemon=True).start()
    if ready.is_first.acquire(block=False):
        threading.Thread(target=_announce, args=(ready,), daemon=True).start()
    return app


def _end_waits(woken: socket.socket, _kept: socket.socket, waits: Waits) -> None:
    """Send away who waits for the feed as soon as this worker is told to stop: granian lets each request finish.

    It relies on the interpreter, which writes the number of each signal it takes to the other end (`set_wakeup_fd`);
    what is done about the signal stays granian's.
    """
    while woken.recv(1)[0] not in _STOPS:
        pass
    waits.stop()


def _sweep_daily(config: Config) -> None:
    """Sweep once a day; the worker that looks first does it for all."""
    backend = open_backend(config)
    while True:
        time.sleep(_SWEEP_LOOK_S)
        try:
            sweep_if_due(backend)
        except (OSError, OperationalError):
            logging.getLogger(LOGGER).exception("the daily sweep failed")


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
            if isinstance(error, PermissionError):
                raise
            raise AddressError(f"cannot listen on {address.host}: {error.strerror}") from error
        host, port = probe.getsockname()[:2]  # granian takes no names
        probe.close()
        if sys.platform != "win32":  # where granian hands one socket to its only worker
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            holder.bind((host, port))
        yield replace(address, host=host, port=port)


def _announce(ready: _Ready) -> None:
    """Print the ready line as soon as a worker answers, and tell systemd."""
    address = ready.address
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address.host, address.host)  # noqa: S104 -- compared, not bound
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # it asks itself, and says nothing secret
    deadline = time.monotonic() + _READY_S
    while time.monotonic() < deadline:
        connection = (
            http.client.HTTPSConnection(host, address.port, timeout=_READY_S, context=context)
            if address.tls
            else http.client.HTTPConnection(host, address.port, timeout=_READY_S)
        )
        try:
            connection.request("GET", routes.HEALTH)
            connection.getresponse().read()
        except OSError:
            time.sleep(0.01)
        else:
            sys.stderr.write(f"listening on {address.url}\n")
            if ready.notify_socket:
                _notify(ready.notify_socket)
            return
        finally:
            connection.close()


def _notify(path: str) -> None:
    """Tell systemd that the service is ready: one datagram (sd_notify(3)); a leading @ means an abstract name."""
    if sys.platform != "win32":
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender, contextlib.suppress(OSError):
            sender.sendto(b"READY=1", f"\0{path[1:]}" if path.startswith("@") else path)
