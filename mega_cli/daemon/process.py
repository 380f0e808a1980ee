"""The daemon as a process: one a profile, from the lock to the last line of its log.

It ends in order when it is asked to, by a signal or over its socket, and leaves at once what does not end within the
grace: whatever it works on survives `kill -9`. It needs no terminal, no display, no keyring and no network to start.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from queue import SimpleQueue
from typing import Final, final

from mega_cli.daemon.control import Control
from mega_cli.daemon.presence import FAMILY, listening, only_daemon
from mega_cli.daemon.supervised import Supervised
from mega_cli.system.directories import Home

GRACE_S: Final = 4.0
"""How long the work may take to end; the whole daemon then ends within 5 s."""
_log: Final = logging.getLogger(__name__)


@final
class Daemon:
    """One profile's daemon. Runs once."""

    def __init__(self, home: Home, work: Supervised, leave: Callable[[int], object] = os._exit) -> None:
        """Take the work; `leave` ends the process when the work does not end."""
        self._home = home
        self._work = work
        self._leave = leave
        self._asked: SimpleQueue[str] = SimpleQueue()  # the one thing a signal's handler may put into without a lock

    def stop(self, why: str = "it was asked to") -> None:
        """Have it end; from any thread, and from a signal's handler."""
        self._asked.put(why)

    def run(self, begin: Callable[[], None], ready: Callable[[], None]) -> None:
        """Be the daemon until it is stopped; `begin` is called first, and `ready` when it can be reached.

        Raises LockedError when there is one already, MegaError when its socket cannot be made.
        """
        with only_daemon(self._home), listening(self._home) as listener:
            control = Control(listener, self._work, self.stop)
            with _signals(self.stop), closing(control):
                begin()
                control.start()
                self._work.start()
                _log.info("the daemon is up")
                notify("READY=1")
                ready()
                _log.info("the daemon ends: %s", self._asked.get())
                control.stopping()
                notify("STOPPING=1")
                has_ended = self._work.stop(GRACE_S)
            if not has_ended:
                _log.warning("something did not end in time and is left as it is; nothing is lost by that")
                logging.shutdown()
                self._leave(0)
        _log.info("the daemon has ended")


@contextmanager
def _signals(stop: Callable[[str], None]) -> Iterator[None]:
    """Stop at SIGINT, SIGTERM and SIGHUP while the block lasts. Only the main thread may set handlers."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    names = [name for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {
        name: signal.signal(getattr(signal, name), lambda number, _: stop(signal.Signals(number).name))
        for name in names
    }
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)


def notify(state: str) -> None:
    """Tell the service manager, if one asked to be told: sd_notify(3)."""
    place = os.environ.get("NOTIFY_SOCKET", "")
    if not place or FAMILY is None:
        return
    with suppress(OSError), socket.socket(FAMILY, socket.SOCK_DGRAM) as line:
        line.settimeout(1.0)
        line.connect("\0" + place[1:] if place.startswith("@") else place)
        line.sendall(state.encode())


def log_thread_failures() -> None:
    """Have a thread that ends by a bug say where in the log. What the error says stays out: it may hold names."""

    def log_failure(failure: threading.ExceptHookArgs) -> None:
        where = "".join(traceback.format_tb(failure.exc_traceback))
        name = failure.thread.name if failure.thread else "?"
        _log.error("the thread %s ended: %s\n%s", name, failure.exc_type.__name__, where)

    threading.excepthook = log_failure


def leave_streams() -> None:
    """Let go of whoever started us: the standard streams lead nowhere from now on."""
    sys.stdout.flush()
    null = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(null, number)
    os.close(null)
