"""Where a profile's daemon is: the lock that lets one of them live, the socket it listens at, and how others find it.

The lock and the address lie in the profile's folder: cron and a service see other run-time folders than a login does,
and all of them must find the one daemon there is. Only the lock says that a daemon lives: the system frees it however
the process dies. What it leaves behind, the next daemon sweeps away.
"""

from __future__ import annotations

import os
import socket
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final, final

import msgspec

from mega_cli.errors import LockedError, MegaError
from mega_cli.state.private_files import make_private_folder, write_private_file
from mega_cli.system.directories import Home
from mega_cli.system.locks import exclusive_lock

FAMILY: Final[int | None] = getattr(socket, "AF_UNIX", None)
"""Of the control socket; None where Python has none: on Windows."""
_PATH_MOST_BYTES: Final = 100
"""Of a socket's path: the systems' limits are 104 and 108."""
_WAITING_MOST: Final = 64
_RESTS_S: Final = (0.01, 0.02, 0.05)
_OWN_FOLDER: Final = "mega-"


@final
class Address(msgspec.Struct, frozen=True):
    """Where a daemon listens; as believable as the lock is held."""

    pid: int
    socket: str


def read_address(home: Home) -> Address | None:
    """Read where the last daemon listened, if one was started and did not end in order."""
    try:
        return msgspec.json.decode(_address_file(home).read_bytes(), type=Address)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None


def is_running(home: Home) -> bool:
    """Tell whether a daemon lives."""
    lock_file = _lock_file(home)
    if not lock_file.exists():
        return False
    try:
        with exclusive_lock(lock_file):
            return False
    except LockedError:
        return True


@contextmanager
def only_daemon(home: Home) -> Iterator[None]:
    """Be the profile's daemon. Raises LockedError when there is one."""
    with ExitStack() as stack:
        for rest_s in (*_RESTS_S, None):
            try:
                stack.enter_context(exclusive_lock(_lock_file(home)))
                break
            except LockedError:
                if rest_s is None:
                    message = "the daemon of this profile runs already"
                    raise LockedError(message, "see: mega status; to end it: mega daemon stop") from None
                time.sleep(rest_s)  # who looks whether a daemon lives holds the lock for a moment
        yield


@contextmanager
def listening(home: Home) -> Iterator[socket.socket]:
    """Listen where `read_address` then says. The caller is the only daemon. Raises MegaError when nothing can be bound.

    The socket's file lets nobody else in, and lies in a folder that lets nobody else in.
    """
    if FAMILY is None:
        raise MegaError("the daemon does not run on this system yet", "have its scheduler run: mega sync --once")
    _sweep(home)
    folder, name = _place(home)
    path = folder / name
    with socket.socket(FAMILY) as listener:
        try:
            path.unlink(missing_ok=True)
            listener.bind(str(path))
            path.chmod(0o600)
        except OSError as error:
            message = f"the control socket {path} cannot be made: {error.strerror or error}"
            raise MegaError(message, "make room on the disk of that folder, and start it again") from error
        listener.listen(_WAITING_MOST)
        write_private_file(_address_file(home), msgspec.json.encode(Address(os.getpid(), str(path))))
        try:
            yield listener
        finally:
            _sweep(home)


def _place(home: Home) -> tuple[Path, str]:
    """Choose a private folder and a name for the socket.

    One of its own where the path would be too long, or the run-time folder is not ours, as it is after `su`.
    """
    runtime = home.directories.runtime
    name = f"{home.profile}.sock"
    if len(os.fsencode(runtime / name)) <= _PATH_MOST_BYTES:
        with suppress(OSError):
            make_private_folder(runtime)
            return runtime, name
    return Path(tempfile.mkdtemp(prefix=_OWN_FOLDER)), "sock"


def _sweep(home: Home) -> None:
    """Take away what this daemon, or one that was killed, left of its socket."""
    address = read_address(home)
    _address_file(home).unlink(missing_ok=True)
    if address is None:
        return
    path = Path(address.socket)
    with suppress(OSError):
        if stat.S_ISSOCK(path.lstat().st_mode):
            path.unlink()
            if path.parent.name.startswith(_OWN_FOLDER):
                path.parent.rmdir()


def _lock_file(home: Home) -> Path:
    return home.folder / "daemon.lock"


def _address_file(home: Home) -> Path:
    return home.folder / "daemon.json"
