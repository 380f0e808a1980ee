"""Read files that are to be stored, and notice when one changes while it is read.

It never follows a symbolic link in a file's place, never waits on a pipe, and never writes. A changed file is an error
of that item, so that no entry ever pairs the stamps of one version with the bytes of another.
"""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, final

from mega_cli.localfs.failures import BlockedError, SourceChangedError, disk_failures, shown
from mega_cli.localfs.stat_print import StatPrint, print_of
from mega_cli.model import KIB

SMALL_MAX_BYTES: Final = 256 * KIB
"""What `read_small` reads even when it was told to expect less."""

# O_NONBLOCK: a pipe swapped in for the file opens at once, and is then refused. It changes nothing for regular files.
# Windows has neither flag, and wants O_BINARY.
_READ: Final = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_BINARY", 0)
)


@final
class SourceFile:
    """An open regular file: `stat` holds its stamps from before the first byte was read."""

    __slots__ = ("_file", "_path", "_read_bytes", "stat")

    def __init__(self, fd: int, path: bytes | str, stamps: StatPrint) -> None:
        """Own `fd`; use `open_source`, which closes it."""
        self._file = io.FileIO(fd, closefd=False)
        self._path = path
        self._read_bytes = 0
        self.stat = stamps

    def readinto(self, buffer: bytearray | memoryview) -> int:
        """Read on into `buffer`; 0 at the end of the file. Raises a MegaError."""
        with disk_failures(self._path):
            count = self._file.readinto(buffer)
        self._read_bytes += count
        return count

    def check_unchanged(self) -> None:
        """Compare the stamps and the length with what was read, after the last byte. Raises SourceChangedError."""
        with disk_failures(self._path):
            after = print_of(os.fstat(self._file.fileno()))
        if self._read_bytes != self.stat.size or not is_same_file(self.stat, after):
            raise _changed(self._path)


@contextmanager
def open_source(path: bytes | str) -> Iterator[SourceFile]:
    """Open a regular file for reading. Raises a MegaError; BlockedError when it is anything but a regular file."""
    fd, stamps = _open_regular(path)
    try:
        yield SourceFile(fd, path, stamps)
    finally:
        os.close(fd)


def read_small(path: bytes | str, expected_size: int) -> tuple[bytes, StatPrint]:
    """Read a whole small file: open, fstat, read, fstat, close.

    `expected_size` is what the scan saw; a file that has grown beyond both that and 256 KiB is refused, so that memory
    stays bounded. Raises SourceChangedError when it changes while it is read, or another MegaError.
    """
    fd, before = _open_regular(path)
    try:
        if before.size > max(expected_size, SMALL_MAX_BYTES):
            raise _changed(path)
        with disk_failures(path):
            data = os.read(fd, before.size + 1)
            after = print_of(os.fstat(fd))
    finally:
        os.close(fd)
    if len(data) != before.size or not is_same_file(before, after):
        raise _changed(path)
    return data, before


def is_same_file(one: StatPrint, other: StatPrint) -> bool:
    """Tell whether two prints show no change of content: size, mtime and ctime."""
    return one.size == other.size and one.mtime_ns == other.mtime_ns and one.ctime_ns == other.ctime_ns


def _open_regular(path: bytes | str) -> tuple[int, StatPrint]:
    """Open `path` and take its stamps; the caller closes. Raises BlockedError unless it is a regular file."""
    with disk_failures(path):
        fd = os.open(path, _READ)
        try:
            found = os.fstat(fd)
        except OSError:
            os.close(fd)
            raise
    if not stat.S_ISREG(found.st_mode):
        os.close(fd)
        msg = f"{shown(path)}: it is not a regular file"
        raise BlockedError(msg, "leave it out: --exclude")
    return fd, print_of(found)


def _changed(path: bytes | str) -> SourceChangedError:
    """Make the error for a file that would not hold still."""
    return SourceChangedError(
        f"{shown(path)}: the file changed while it was read", "run the same command again when nothing writes to it"
    )
