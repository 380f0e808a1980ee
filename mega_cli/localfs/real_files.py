"""RealFile and RealNewFile: open files of this computer, as `RealDisk` hands them out. They know nothing of places.

No buffer stands between them and the system: what was written is in its hands.
"""

from __future__ import annotations

import io
import os
import stat
import sys
from types import TracebackType
from typing import Final, Self, final

from mega_cli.localfs.disk import DiskKind, Found
from mega_cli.localfs.folders import set_attributes
from mega_cli.localfs.stat_print import print_of

_KINDS: Final[dict[int, DiskKind]] = {stat.S_IFREG: "f", stat.S_IFDIR: "d", stat.S_IFLNK: "l"}
_CLOSED: Final = -1


def found_of(info: os.stat_result) -> Found:
    """Take what sync wants to know out of a stat result."""
    return Found(_KINDS.get(stat.S_IFMT(info.st_mode), "special"), print_of(info), info.st_nlink, _birth_ns(info))


def _birth_ns(info: os.stat_result) -> int:
    """Give when the inode was made, where a stat tells it for nothing: not on Linux."""
    if sys.platform == "win32":
        birth_ns = info.st_ctime_ns
    elif sys.platform == "darwin":
        birth_ns = int(info.st_birthtime * 1_000_000_000)  # rounded, always alike: it is compared for equality
    else:
        birth_ns = 0
    return birth_ns


@final
class RealFile:
    """A regular file of this computer, open for reading. Each thread has its own, or takes turns."""

    __slots__ = ("_file",)

    def __init__(self, fd: int) -> None:
        """Own `fd`."""
        self._file = io.FileIO(fd)

    def found(self) -> Found:
        """Look at the open file, whatever has its name now."""
        return found_of(os.fstat(self._file.fileno()))

    def readinto(self, buffer: bytearray | memoryview) -> int:
        """Read on; 0 at the end."""
        return self._file.readinto(buffer)

    def close(self) -> None:
        """Let go of it; twice does no harm."""
        self._file.close()

    def __enter__(self) -> Self:
        """Use it in a `with` block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()


@final
class RealNewFile:
    """A file of this computer that this process made, open for appending. Not written through a buffer."""

    __slots__ = ("_fd", "_mtime_ns", "_path")

    def __init__(self, fd: int, path: bytes) -> None:
        """Own `fd`; `path` is for Windows, which sets times by path."""
        self._fd = fd
        self._path = path
        self._mtime_ns: int | None = None

    def write(self, data: bytes | memoryview) -> None:
        """Append every byte; the system may take them in several goes."""
        written = os.write(self._fd, data)
        if written < len(data):
            with memoryview(data) as view:
                while written < len(view):
                    written += os.write(self._fd, view[written:])

    def describe(self, mode: int, mtime_ns: int) -> None:
        """Set the permission bits and the time; after the last write."""
        set_attributes(self._path if sys.platform == "win32" else self._fd, mode, mtime_ns)
        self._mtime_ns = mtime_ns

    def sync(self) -> None:
        """Make content and attributes durable."""
        os.fsync(self._fd)

    def found(self) -> Found:
        """Look at it, as the disk keeps it: times may come back rounded."""
        return found_of(os.fstat(self._fd))

    def close(self) -> None:
        """Let go of it and keep it; twice does no harm."""
        fd, self._fd = self._fd, _CLOSED
        if fd != _CLOSED:
            os.close(fd)
            if sys.platform == "win32" and self._mtime_ns is not None:  # closing a written file moved its time
                os.utime(self._path, ns=(self._mtime_ns, self._mtime_ns))

    def __enter__(self) -> Self:
        """Use it in a `with` block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()
