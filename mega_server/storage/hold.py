"""The hold on a data folder: shared by who serves or checks it, alone for who rebuilds its index or writes a copy.

It is a flock on a file that stays behind, empty, and it dies with its process. Children made by fork share it, so a
worker that outlives its parent for some seconds still counts. Windows has no shared lock, and there nothing is held.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if sys.platform != "win32":
    import fcntl


_FILE = "server.lock"


class HeldError(Exception):
    """Another process holds the folder in a way that does not go together with this."""


@contextmanager
def held(folder: Path, *, is_shared: bool) -> Iterator[None]:
    """Hold a folder, with others or alone. Raises HeldError at once, and never waits.

    A folder that cannot be written to, such as a copy on read-only media, needs no shared hold: nobody changes it.
    """
    try:
        fd = os.open(folder / _FILE, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        if is_shared and error.errno in {errno.EACCES, errno.EROFS}:
            yield
            return
        raise
    try:
        if sys.platform != "win32":
            try:
                fcntl.flock(fd, (fcntl.LOCK_SH if is_shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise HeldError(f"another mega-server is at work on {folder}") from error
        yield
    finally:
        os.close(fd)
