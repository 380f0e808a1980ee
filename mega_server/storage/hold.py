"""Holds on a data folder: what must not happen side by side takes a lock that dies with its process.

A hold is a flock on a file that stays behind, empty. Children made by fork share their parent's hold, so a worker that
outlives its parent for some seconds still counts. Windows has no shared file lock, and there nothing is held.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path

if sys.platform != "win32":
    import fcntl


class Hold(StrEnum):
    """What is held; each is a file in the data folder."""

    SERVER = "server.lock"
    """Shared: the folder is served or checked. Alone: its index is rebuilt, or it is written as a copy."""
    PACKS = "packs.lock"
    """Shared: a backup reads the packs that its database names. Alone: packs are removed."""


class HeldError(Exception):
    """Another process holds the folder in a way that does not go together with this."""


@contextmanager
def held(folder: Path, what: Hold, *, is_shared: bool) -> Iterator[None]:
    """Hold a folder, with others of the same kind or alone. Raises HeldError at once, and never waits.

    A folder that cannot be written to, such as a copy on read-only media, needs no shared hold: nobody changes it.
    """
    try:
        fd = os.open(folder / what, os.O_RDWR | os.O_CREAT, 0o600)
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
