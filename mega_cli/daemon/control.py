"""The control socket: each connection carries one request and its answers, on a thread of its own.

Whatever comes in is hostile until it is understood: a line too long, half a line, no JSON, a caller that does not read,
too many callers, another user. None of it reaches the work or holds it up, and none of it ends the daemon. What it
understands it hands to the work (`supervised.py`) and decides nothing itself.
"""

from __future__ import annotations

import logging
import os
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final, final

import msgspec

from mega_cli.daemon.messages import (
    LINE_MAX_BYTES,
    Answer,
    Done,
    Follow,
    Lend,
    Lent,
    Refused,
    Reload,
    Request,
    Status,
    StatusReply,
    Stop,
    Verify,
    Wake,
)
from mega_cli.daemon.supervised import Supervised
from mega_cli.errors import LockedError, MegaError, UsageError

PATIENCE_S: Final = 5.0
"""How long a caller may take to ask, and to read an answer."""
CALLERS_MOST: Final = 64
_LOOK_S: Final = 1.0
"""How often a follower's connection is looked at while nothing changes."""
_REST_S: Final = 0.1
"""Between two answers to a follower: a count of bytes changes all the time."""
_log: Final = logging.getLogger(__name__)


@final
class Control:
    """Answers callers until it is closed."""

    def __init__(
        self, listener: socket.socket, work: Supervised, stop: Callable[[], None], *, patience_s: float = PATIENCE_S
    ) -> None:
        """Answer whoever connects to `listener`; `stop` is called, from any thread, when somebody asks to stop."""
        self._listener = listener
        self._work = work
        self._stop = stop
        self._patience_s = patience_s
        self._callers = threading.Semaphore(CALLERS_MOST)
        self._is_stopping = threading.Event()
        self._is_closed = threading.Event()
        self._thread = threading.Thread(target=self._accept, name="control", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stopping(self) -> None:
        """Tell callers from now on that the daemon is about to end."""
        self._is_stopping.set()

    def close(self) -> None:
        """Answer no new caller. Those there are end with the process."""
        self._is_closed.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        self._listener.close()
        if self._thread.is_alive():
            self._thread.join(_LOOK_S)

    def _accept(self) -> None:
        while not self._is_closed.is_set():
            try:
                caller, _ = self._listener.accept()
            except OSError as error:
                if not self._is_closed.is_set():
                    _log.warning("a caller could not be accepted: errno %s", error.errno)
                    self._is_closed.wait(_LOOK_S)  # no descriptor is free, perhaps: the next second may have one
                continue
            caller.settimeout(self._patience_s)
            if self._callers.acquire(blocking=False):
                try:
                    threading.Thread(target=self._serve, args=(caller,), name="caller", daemon=True).start()
                    continue
                except RuntimeError:  # the system gives no thread
                    self._callers.release()
            with suppress(OSError), caller:
                _send(caller, _refusal(LockedError("the daemon has too many callers", "run the same command again")))

    def _serve(self, caller: socket.socket) -> None:
        """Read one request and answer it. Nothing a caller does is an error of ours."""
        try:
            with caller:
                if not is_ours(caller):
                    _log.warning("another user asked, and was not heard")
                    return
                try:
                    self._answer(caller, read_request(caller, self._patience_s))
                except MegaError as error:
                    _send(caller, _refusal(error))
        except OSError:
            return  # the caller hung up, or does not read
        finally:
            self._callers.release()

    def _answer(self, caller: socket.socket, request: Request) -> None:
        match request:
            case Status():
                _send(caller, self._status())
            case Follow():
                self._follow(caller)
            case Stop():
                now = self._status()
                _send(caller, now)  # before: nobody knows how soon the process is gone
                self._stop()
                self._follow(caller, now)
            case Lend(pair):
                if self._is_stopping.is_set():
                    raise LockedError("the daemon is about to end", "run the same command again")
                with self._work.lend(pair):
                    _send(caller, Lent())
                    wait_for_hang_up(caller)
            case Wake(pair):
                self._work.wake(pair)
                _send(caller, Done())
            case Verify(pair):
                self._work.verify(pair)
                _send(caller, Done())
            case Reload():
                self._work.reload()
                _send(caller, Done())

    def _status(self) -> StatusReply:
        daemon, pairs = self._work.status()
        return StatusReply(daemon, pairs, is_stopping=self._is_stopping.is_set())

    def _follow(self, caller: socket.socket, last: StatusReply | None = None) -> None:
        """Send each status that differs from the one before, until the caller hangs up."""
        seen = 0
        while not self._has_hung_up(caller):
            now = self._status()
            if now != last:
                _send(caller, now)
                last = now
                time.sleep(_REST_S)
            seen = self._work.changed(seen, _LOOK_S)

    def _has_hung_up(self, caller: socket.socket) -> bool:
        caller.settimeout(0)
        try:
            return not caller.recv(LINE_MAX_BYTES)
        except BlockingIOError:
            return False
        finally:
            caller.settimeout(self._patience_s)


def read_request(caller: socket.socket, patience_s: float) -> Request:
    """Read one line and understand it. Raises UsageError, or TimeoutError and other OSErrors of the connection."""
    line, deadline_s = b"", time.monotonic() + patience_s
    while b"\n" not in line:
        if len(line) > LINE_MAX_BYTES:
            raise UsageError("the request is too long")
        caller.settimeout(max(deadline_s - time.monotonic(), 0.001))  # for the whole line, however it drips
        more = caller.recv(LINE_MAX_BYTES)
        if not more:
            raise UsageError("the request is not whole")
        line += more
    caller.settimeout(patience_s)
    try:
        return msgspec.json.decode(line.partition(b"\n")[0], type=Request)  # type: ignore[no-any-return]  # a union is no type to mypy
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        hint = "if mega was updated: mega daemon stop; mega daemon start"
        raise UsageError("the daemon does not understand the request", hint) from None


def is_ours(caller: socket.socket) -> bool:
    """Tell whether a process of this user, or of root, is at the other end, where the system says who is."""
    is_allowed = True  # elsewhere the folder of the socket alone lets nobody in
    if sys.platform == "linux":
        raw = caller.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        _, user, _ = struct.unpack("3i", raw)
        is_allowed = user in (os.geteuid(), 0)
    return is_allowed


def wait_for_hang_up(caller: socket.socket) -> None:
    """Return when the other end is closed; what it says until then is passed over."""
    caller.settimeout(None)
    while caller.recv(LINE_MAX_BYTES):
        pass


def _refusal(error: MegaError) -> Refused:
    return Refused(error.exit_code, error.message, error.hint)


def _send(caller: socket.socket, answer: Answer) -> None:
    caller.sendall(msgspec.json.encode(answer) + b"\n")
