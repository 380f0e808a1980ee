"""Folder: one open folder below a destination, reached without following any symbolic link.

Every name is checked here, so nothing outside the folder can be named, and every call goes through the folder's open
descriptor, so a link that a hostile tree (or another process) puts in a parent's place leads nowhere. Windows has no
such descriptors: there each component is looked at just before it is used, which stops a hostile tree though not a
hostile local process.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from types import TracebackType
from typing import Final, Self, final

from mega_cli.localfs.failures import BlockedError, disk_failures, shown
from mega_cli.localfs.stat_print import StatPrint, print_of
from mega_cli.paths.names import windows_problem

MODE_MASK: Final = 0o777
"""Bits that a remote mode may set: never setuid, setgid or sticky."""

HAS_FOLDER_FDS: Final = {os.open, os.mkdir, os.stat, os.unlink, os.symlink, os.rename} <= os.supports_dir_fd
_FOLDER: Final = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NONBLOCK", 0)
_NO_FOLLOW: Final = getattr(os, "O_NOFOLLOW", 0)
_CLOSED: Final = -1  # never None: a closed folder must fail, not fall back to paths
_REPARSE_POINT: Final = 0x400  # FILE_ATTRIBUTE_REPARSE_POINT: Windows' links and junctions


@final
class Folder:
    """An open folder; closing is the owner's duty. Several threads may use it: it keeps nothing but the descriptor."""

    __slots__ = ("fd", "path")

    def __init__(self, path: bytes, fd: int | None) -> None:
        """Own `fd`, which is None on systems without folder descriptors; `path` is for messages and for those."""
        self.path = path
        self.fd = fd

    @classmethod
    def open_root(cls, path: bytes | str) -> Folder:
        """Open the folder the user named; here alone links are followed, as the user meant them. Raises a MegaError."""
        raw = os.path.abspath(os.fsencode(path))  # noqa: PTH100 -- bytes, which Path does not take
        with disk_failures(path):
            if HAS_FOLDER_FDS:
                return cls(raw, os.open(raw, _FOLDER))
            os.scandir(raw).close()
        return cls(raw, None)

    def open_folder(self, name: bytes) -> Folder:
        """Open a folder in this one. Raises BlockedError when a link or anything else has its name."""
        with disk_failures(self.path_of(name)):
            return self.enter(name)

    def enter(self, name: bytes) -> Folder:
        """Open a folder in this one, as `open_folder` does, and say in the system's terms why not. Raises OSError."""
        path = self.path_of(name)
        if self.fd is not None:
            return Folder(path, os.open(name, _FOLDER | _NO_FOLLOW, dir_fd=self.fd))
        found = os.lstat(path)
        if not stat.S_ISDIR(found.st_mode) or getattr(found, "st_file_attributes", 0) & _REPARSE_POINT:
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        return Folder(path, None)

    def duplicate(self) -> Folder:
        """Open the same folder once more, for an owner of its own."""
        with disk_failures(self.path):
            return Folder(self.path, None if self.fd is None else os.dup(self.fd))

    def make_folder(self, name: bytes) -> bool:
        """Make a folder that only the user can enter, and tell whether it is new; `set_attributes` ends that.

        Raises BlockedError when a link or anything else has its name.
        """
        path = self.path_of(name)
        try:
            os.mkdir(self.at(name), 0o700, dir_fd=self.fd)
        except FileExistsError:
            self.open_folder(name).close()
            return False
        except OSError:
            with disk_failures(path):
                raise
        return True

    def look(self, name: bytes) -> tuple[int, StatPrint] | None:
        """Take the file type (`stat.S_IFMT`) and the stamps of what has this name, a link's own; None for nothing."""
        path = self.path_of(name)
        with disk_failures(path):
            try:
                found = os.stat(self.at(name), dir_fd=self.fd, follow_symlinks=False)
            except FileNotFoundError:
                return None
        return stat.S_IFMT(found.st_mode), print_of(found)

    def device(self) -> int:
        """Give the number of the file system that the folder lies on."""
        with disk_failures(self.path):
            return os.stat(self.path if self.fd is None else self.fd).st_dev  # noqa: PTH116 -- an open folder has no Path

    def set_attributes(self, mode: int, mtime_ns: int) -> None:
        """Give the folder itself its mode and time: after everything in it is written, children before parents."""
        with disk_failures(self.path):
            set_attributes(self.path if self.fd is None else self.fd, mode, mtime_ns)

    def sync(self) -> None:
        """Make the names in this folder durable, where the system can."""
        if self.fd is not None:
            with disk_failures(self.path):
                os.fsync(self.fd)

    def at(self, name: bytes) -> bytes:
        """Give what a system call takes beside `dir_fd=self.fd`: the name, or the path where there is no descriptor."""
        path = self.path_of(name)
        return path if self.fd is None else name

    def path_of(self, name: bytes) -> bytes:
        """Give the path of a name in this folder. Raises BlockedError for what cannot be a name on this system."""
        problem = windows_problem(os.fsdecode(name)) if sys.platform == "win32" else ""
        if problem or name in {b"", b".", b".."} or b"/" in name or b"\0" in name:
            msg = f"{shown(self.path)}: “{shown(name)}” cannot be the name of a file: {problem or 'it is not safe'}"
            raise BlockedError(msg, "leave it out: --exclude")
        return self.path.rstrip(b"/") + b"/" + name

    def close(self) -> None:
        """Let go of the folder; twice does no harm."""
        fd = self.fd
        if fd is not None and fd != _CLOSED:
            self.fd = _CLOSED
            os.close(fd)

    def __enter__(self) -> Self:
        """Use it in a `with` block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def __repr__(self) -> str:
        """Show no path."""
        return f"Folder(fd={self.fd})"


def set_attributes(target: int | bytes, mode: int, mtime_ns: int) -> None:
    """Set the permission bits and the time of an open file, or of a path on Windows, which keeps only the time."""
    if sys.platform == "win32":
        os.utime(target, ns=(mtime_ns, mtime_ns))
    else:
        os.chmod(target, mode & MODE_MASK)  # noqa: PTH101 -- an open file has no Path
        os.utime(target, ns=(mtime_ns, mtime_ns))
