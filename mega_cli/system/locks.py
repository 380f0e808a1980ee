"""A lock between processes: held while a file is open, released by the system however the process dies."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mega_cli.errors import LockedError

if sys.platform == "win32":
    import msvcrt

    def _lock(handle: int, *, waits: bool) -> None:
        msvcrt.locking(handle, msvcrt.LK_LOCK if waits else msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(handle: int, *, waits: bool) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if waits else fcntl.LOCK_NB))


@contextmanager
def exclusive_lock(path: Path, *, waits: bool = False) -> Iterator[None]:
    """Hold the lock that `path` stands for. Raises LockedError at once when another process holds it, unless it waits.

    The file stays behind, empty: removing it would let two processes lock two files of one name.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            _lock(handle, waits=waits)
        except OSError as error:
            message = "another run is active"
            raise LockedError(message, "wait until it has ended, or stop it") from error
        yield
    finally:
        os.close(handle)
