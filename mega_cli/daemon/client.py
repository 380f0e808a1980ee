"""What commands say to the daemon of their profile. That none runs is normal: then nothing is asked and nothing fails.

`borrowed` is how a command takes what the daemon holds: the pair comes back by itself when the command ends, however it
ends. Nothing here starts a daemon.
"""

from __future__ import annotations

import math
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import Final, Self, TypeVar, final

import msgspec

from mega_cli.daemon.messages import (
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
from mega_cli.daemon.presence import FAMILY, is_running, read_address
from mega_cli.errors import LockedError, MegaError, error_with_code
from mega_cli.system.directories import Home

_ANSWER_S: Final = 10.0
_LEND_S: Final = 60.0
"""The daemon gives up before: then it says why."""
A = TypeVar("A", StatusReply, Done, Lent)


@final
class Connection:
    """One request to the daemon, and its answers."""

    def __init__(self, line: socket.socket, pid: int) -> None:
        """Take over a connected socket; `pid` is who is believed to be at its other end."""
        self._line = line
        self._pid = pid
        self._rest = b""

    def ask(self, request: Request, kind: type[A], within_s: float = _ANSWER_S) -> A:
        """Send the request and give its first answer.

        Raises what the daemon refused with, or LockedError when it does not answer.
        """
        try:
            self._line.settimeout(within_s)
            with suppress(BrokenPipeError):  # it hung up on us: what it said before tells why
                self._line.sendall(msgspec.json.encode(request) + b"\n")
            answer = self._read()
        except OSError as error:
            raise _mute(self._pid) from error
        if not isinstance(answer, kind):
            raise _mute(self._pid)
        return answer

    def more(self, within_s: float = math.inf) -> Iterator[StatusReply]:
        """Give what comes after the first answer, until the daemon hangs up or the time is over."""
        deadline_s = time.monotonic() + within_s
        with suppress(OSError):
            while (left_s := deadline_s - time.monotonic()) > 0:
                self._line.settimeout(left_s if left_s < math.inf else None)
                answer = self._read()
                if not isinstance(answer, StatusReply):
                    return
                yield answer

    def close(self) -> None:
        """Hang up."""
        self._line.close()

    def __enter__(self) -> Self:
        """Be itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Hang up."""
        self.close()

    def _read(self) -> Answer | None:
        """Read one answer; None at the end. Raises what it refuses with."""
        while b"\n" not in self._rest:
            more = self._line.recv(1 << 16)
            if not more:
                return None
            self._rest += more
        line, _, self._rest = self._rest.partition(b"\n")
        try:
            answer: Answer = msgspec.json.decode(line, type=Answer)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise _mute(self._pid) from error
        if isinstance(answer, Refused):
            raise error_with_code(answer.code, answer.message, answer.hint)
        return answer


def connect(home: Home) -> Connection | None:
    """Reach the daemon; None when none runs. Raises LockedError when one runs and does not listen."""
    address = read_address(home) if home.profile else None
    if address is None or FAMILY is None:
        return None
    line = socket.socket(FAMILY)
    line.settimeout(_ANSWER_S)
    try:
        line.connect(address.socket)
    except OSError as error:
        line.close()
        if is_running(home):
            raise _mute(address.pid) from error
        return None  # it was killed
    return Connection(line, address.pid)


def status(home: Home) -> StatusReply | None:
    """Ask how everything stands; None when no daemon runs."""
    return _ask(home, Status(), StatusReply)


def follow(home: Home) -> Iterator[StatusReply]:
    """Give how everything stands, now and after each change, until the daemon ends; nothing when none runs."""
    yield from _stream(home, Follow(), math.inf)


def stop(home: Home, within_s: float) -> Iterator[StatusReply]:
    """Ask the daemon to end, and give how everything stands until it hangs up or the time is over."""
    yield from _stream(home, Stop(), within_s)


def wake(home: Home, pair: str = "") -> bool:
    """Have a pair, or all of them, synced now. Gives False when no daemon runs. Raises MissingItemError."""
    return _ask(home, Wake(pair), Done) is not None


def verify(home: Home, pair: str = "") -> bool:
    """Have every file of a pair, or of all, read in the next cycle. Gives False when no daemon runs."""
    return _ask(home, Verify(pair), Done) is not None


def reload(home: Home) -> bool:
    """Say that pairs or settings were changed. Gives False when no daemon runs."""
    return _ask(home, Reload(), Done) is not None


@contextmanager
def borrowed(home: Home, pair: str | None) -> Iterator[bool]:
    """Have the daemon leave a pair alone while the block lasts; gives whether one was asked.

    Without a daemon, or without a pair, nothing happens. Raises LockedError when the daemon cannot let go.
    """
    connection = connect(home) if pair is not None else None
    if connection is None:
        yield False
        return
    with closing(connection):
        connection.ask(Lend(pair or ""), Lent, _LEND_S)
        yield True


def tell_reload(home: Home, note: Callable[[str], None]) -> None:
    """Say that pairs or settings were changed; a daemon that cannot be told hinders no command, only earns a note."""
    try:
        reload(home)
    except MegaError as error:
        note(f"mega: the daemon was not told: {error.message}; {error.hint}")


def tell_wake(home: Home, note: Callable[[str], None]) -> None:
    """Say that what a frozen pair may have waited for was done; as `tell_reload`."""
    try:
        wake(home)
    except MegaError as error:
        note(f"mega: the daemon was not told: {error.message}; {error.hint}")


def _ask(home: Home, request: Request, kind: type[A]) -> A | None:
    connection = connect(home)
    if connection is None:
        return None
    with connection:
        return connection.ask(request, kind)


def _stream(home: Home, request: Request, within_s: float) -> Iterator[StatusReply]:
    connection = connect(home)
    if connection is not None:
        with connection:
            yield connection.ask(request, StatusReply)
            yield from connection.more(within_s)


def _mute(pid: int) -> LockedError:
    hint = f"see what it does: mega daemon logs; to end it, which loses nothing: kill -9 {pid}"
    return LockedError("the daemon does not answer", hint)
