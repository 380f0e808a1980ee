"""Publish files, links and folders below a destination: written beside their place, then renamed into it.

A final name never shows half a file, nothing outside the destination is ever touched, no remote mode can set a setuid,
setgid or sticky bit, and what a caller did not expect in its place is left alone. It relies on `Folder` for every path
below the destination.
"""

from __future__ import annotations

import errno
import io
import itertools
import os
import stat
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from types import TracebackType
from typing import Final, NamedTuple, Self, final

from mega_cli.errors import LockedError
from mega_cli.localfs.failures import BlockedError, disk_failures, shown
from mega_cli.localfs.folders import Folder, set_attributes
from mega_cli.localfs.partial_name import partial_name
from mega_cli.localfs.stat_print import StatPrint
from mega_cli.model import MIB
from mega_cli.paths.names import text_from_disk, text_to_disk

if sys.platform != "win32":
    import fcntl

_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
_RESUMED: Final = (
    os.O_RDWR
    | os.O_CREAT
    | os.O_APPEND
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)  # a pipe in its place must not make us wait
    | getattr(os, "O_BINARY", 0)
)
_STARTED_NS: Final = time.time_ns()
_CLOSED: Final = -1
_CACHED_BYTES: Final = 32 * MIB
"""How much of a growing file the page cache may hold, where the disk keeps up: fresh memory costs more than the write.
1 GiB took 1.1 to 1.5 core-seconds in the kernel, 0.3 so, and as much with 8 MiB; a slow disk still has the cache, and
files up to this size stay in it for who opens them next."""
_serials = itertools.count()
_NO_LINKS: Final = {errno.EPERM, errno.EACCES, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}
"""What file systems without hard links answer."""


class Expected(NamedTuple):
    """What `Folder.look` found in a place when its caller decided: only that may be replaced. `found` None: nothing."""

    found: tuple[int, StatPrint] | None


NOTHING: Final = Expected(None)


@final
class Destination:
    """The folder under which a run publishes, open for as long as the run lasts."""

    __slots__ = ("root",)

    def __init__(self, path: bytes | str) -> None:
        """Open `path`, which must exist; a link there is followed, as the user meant it. Raises a MegaError."""
        self.root = Folder.open_root(path)

    def folder(self, names: Iterable[bytes], *, makes: bool = False) -> Folder:
        """Open the folder that disk names lead to from the root, for the caller to close.

        `makes` makes what is missing. Raises BlockedError at the first name that is a link or not a folder, and
        MissingItemError.
        """
        folder = self.root.duplicate()
        for name in names:
            with folder:
                if makes:
                    folder.make_folder(name)
                folder = folder.open_folder(name)
        return folder

    def close(self) -> None:
        """Let go of the root."""
        self.root.close()

    def __enter__(self) -> Self:
        """Use it in a `with` block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()


@final
class PartialFile:
    """A file being written that an interrupted run leaves behind and the next one goes on with.

    The same `token` and name always find the same partial file; the token should name the content, so that other
    content starts afresh. What an earlier run left is only a claim: read it back and verify it, or `truncate`.
    Leaving the `with` block without `finish` or `discard` keeps the partial file.
    """

    __slots__ = ("_dropped_bytes", "_fd", "_file", "_folder", "_name", "_partial", "size_bytes")

    def __init__(self, folder: Folder, name: bytes, token: bytes) -> None:
        """Open or make the partial file. Raises LockedError while another run writes it, or another MegaError."""
        self._folder = folder
        self._name = name
        self._partial = partial_name(token, name)
        with disk_failures(folder.path_of(name)):
            self._fd = _open_partial(folder, self._partial)
        self._file = io.FileIO(self._fd, "ab+", closefd=False)
        self.size_bytes = self._dropped_bytes = self._file.tell()

    def readinto(self, buffer: bytearray | memoryview, offset: int) -> int:
        """Read back what is written, from `offset` on; 0 at the end."""
        with disk_failures(self._path):
            self._file.seek(offset)
            return self._file.readinto(buffer)

    def append(self, data: bytes | memoryview) -> None:
        """Write at the end, wherever reading stands."""
        with disk_failures(self._path):
            _write_all(self._fd, data)
        self.size_bytes += len(data)
        if self.size_bytes - self._dropped_bytes >= _CACHED_BYTES:
            self._dropped_bytes = self.size_bytes
            _drop_cached(self._fd, self.size_bytes)

    def truncate(self, size_bytes: int) -> None:
        """Drop what follows the first `size_bytes`."""
        with disk_failures(self._path):
            self._file.truncate(size_bytes)
        self.size_bytes = self._dropped_bytes = min(self.size_bytes, size_bytes)

    def finish(self, mode: int, mtime_ns: int, *, expected: Expected | None = None, is_durable: bool = False) -> None:
        """Give the file its mode, its time and its final name, replacing what had it, or only what is `expected`.

        `is_durable` flushes content and name to the disk first and last. Raises BlockedError for a folder, and for what
        is not expected; the partial file stays.
        """
        fd, self._fd = self._fd, _CLOSED
        with disk_failures(self._path):
            _publish(self._folder, fd, (self._partial, self._name), mode, mtime_ns, expected, is_durable=is_durable)

    def discard(self) -> None:
        """Remove the partial file."""
        self.close()
        with disk_failures(self._path), suppress(FileNotFoundError):
            os.unlink(self._folder.at(self._partial), dir_fd=self._folder.fd)

    def close(self) -> None:
        """Let go of the file, and keep it for another run."""
        if self._fd != _CLOSED:
            fd, self._fd = self._fd, _CLOSED
            os.close(fd)

    @property
    def _path(self) -> bytes:
        """Where the file will be, for messages."""
        return self._folder.path_of(self._name)

    def __enter__(self) -> Self:
        """Use it in a `with` block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()


def publish_bytes(
    folder: Folder,
    name: bytes,
    data: bytes | memoryview,
    mode: int,
    mtime_ns: int,
    *,
    expected: Expected | None = None,
    is_durable: bool = False,
) -> None:
    """Publish a whole small file: open, write, chmod, utime, close, rename. Raises a MegaError and leaves nothing.

    It replaces a file or link of that name, or only what is `expected`: a BlockedError for anything else.
    """
    with disk_failures(folder.path_of(name)):
        temporary = _temporary_name(name)
        fd = os.open(folder.at(temporary), _NEW, 0o600, dir_fd=folder.fd)
        try:
            try:
                _write_all(fd, data)
            except BaseException:
                os.close(fd)
                raise
            _publish(folder, fd, (temporary, name), mode, mtime_ns, expected, is_durable=is_durable)
        except BaseException:
            _remove(folder, temporary)
            raise


def make_symlink(folder: Folder, name: bytes, target: str, mtime_ns: int, *, expected: Expected | None = None) -> None:
    """Publish a symbolic link with this text, whatever it points at: links are stored and never followed.

    It replaces a file or link of that name at once, or only what is `expected`. Raises BlockedError for a folder and
    for what is not expected, or another MegaError.
    """
    with disk_failures(folder.path_of(name)):
        temporary = _temporary_name(name)
        os.symlink(text_to_disk(target), folder.at(temporary), dir_fd=folder.fd)
        try:
            if os.utime in os.supports_follow_symlinks:
                stamps = (mtime_ns, mtime_ns)
                os.utime(folder.at(temporary), ns=stamps, dir_fd=folder.fd, follow_symlinks=False)
            _rename(folder, temporary, name, expected)
        except BaseException:
            _remove(folder, temporary)
            raise


def _publish(
    folder: Folder,
    fd: int,
    names: tuple[bytes, bytes],
    mode: int,
    mtime_ns: int,
    expected: Expected | None,
    *,
    is_durable: bool,
) -> None:
    """Set the attributes, close `fd` whatever happens, and rename from the first of `names` to the second."""
    temporary, name = names
    try:
        if is_durable:
            os.fsync(fd)
        if folder.fd is not None:
            set_attributes(fd, mode, mtime_ns)
    finally:
        os.close(fd)
    if folder.fd is None:  # Windows sets times by path, and keeps them only once the file is closed
        set_attributes(folder.path_of(temporary), mode, mtime_ns)
    _rename(folder, temporary, name, expected)
    if is_durable:
        folder.sync()


def _open_partial(folder: Folder, partial: bytes) -> int:
    """Open and lock the partial file, and make sure that it is ours alone. Raises OSError or a MegaError."""
    while True:
        found = None if folder.fd is not None else folder.look(partial)  # where O_NOFOLLOW is missing
        if found is not None and found[0] != stat.S_IFREG:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        fd = os.open(folder.at(partial), _RESUMED, 0o600, dir_fd=folder.fd)
        try:
            info = os.fstat(fd)
            _check_ours(info, folder.path_of(partial))
            _lock(fd, folder.path_of(partial))
            # Whoever held the lock before us may have published or removed the file we opened.
            now = folder.look(partial)
        except BaseException:
            os.close(fd)
            raise
        if now is not None and now[1].ino == info.st_ino:
            return fd
        os.close(fd)


def _check_ours(info: os.stat_result, path: bytes) -> None:
    """Refuse a partial file that somebody else may have planted. Raises BlockedError."""
    is_ours = sys.platform == "win32" or info.st_uid == os.geteuid()
    if not stat.S_ISREG(info.st_mode) or info.st_nlink > 1 or not is_ours:
        msg = f"{shown(path)}: it is not a partial file of yours"
        raise BlockedError(msg, "remove it")


def _lock(fd: int, path: bytes) -> None:
    """Keep other runs from writing the same partial file, where the system has such locks. Raises LockedError."""
    if sys.platform != "win32":
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            msg = f"{shown(path)}: another run is writing this file"
            raise LockedError(msg, "wait until it ends") from None
        except OSError as error:
            # Some network file systems have no locks; there two runs at once are the user's to avoid.
            if error.errno not in {errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS}:
                raise


def _temporary_name(name: bytes) -> bytes:
    """Name a file that no other thread, process or boot uses."""
    return partial_name(b"%d.%d.%d" % (os.getpid(), _STARTED_NS, next(_serials)), name)


def _write_all(fd: int, data: bytes | memoryview) -> None:
    """Write every byte; the system may take them in several goes."""
    written = os.write(fd, data)
    if written < len(data):
        with memoryview(data) as view:
            while written < len(view):
                written += os.write(fd, view[written:])


def _drop_cached(fd: int, size_bytes: int) -> None:
    """Let the page cache go of what is on the disk, and begin to write the rest there; it waits for nothing."""
    if sys.platform == "linux":
        os.posix_fadvise(fd, 0, size_bytes, os.POSIX_FADV_DONTNEED)


def _rename(folder: Folder, temporary: bytes, name: bytes, expected: Expected | None) -> None:
    """Give the final name, replacing what had it in one step, if it is what was expected. Raises BlockedError."""
    source, target = folder.at(temporary), folder.at(name)
    if expected == NOTHING and _link(folder, source, target):
        return
    if expected is not None and folder.look(name) != expected.found:
        raise _unexpected(folder, name)
    os.replace(source, target, src_dir_fd=folder.fd, dst_dir_fd=folder.fd)


def _link(folder: Folder, source: bytes, target: bytes) -> bool:
    """Rename where nothing has the name, in one step that fails otherwise; False where the disk has no such step."""
    try:
        if sys.platform == "win32":
            os.rename(source, target)  # noqa: PTH104 -- bytes; there it never replaces
        else:
            os.link(source, target, src_dir_fd=folder.fd, dst_dir_fd=folder.fd, follow_symlinks=False)
            os.unlink(source, dir_fd=folder.fd)
    except FileExistsError:
        raise _unexpected(folder, target) from None
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        return False
    return True


def _unexpected(folder: Folder, name: bytes) -> BlockedError:
    """Make the error for what somebody else wrote meanwhile, or for a second name that this disk takes for the same."""
    path = name if b"/" in name else folder.path_of(name)
    return BlockedError(
        f"{shown(path)}: something was written there meanwhile, and it was left as it is", "run the same command again"
    )


def _remove(folder: Folder, temporary: bytes) -> None:
    """Remove what a failure left; a second failure must not hide the first."""
    with suppress(OSError):
        os.unlink(folder.at(temporary), dir_fd=folder.fd)


def describe_file(folder: Folder, name: bytes, mode: int, mtime_ns: int) -> None:
    """Give a regular file that is there already another mode and time. Raises a MegaError; never follows a link."""
    path = folder.path_of(name)
    with disk_failures(path):
        if sys.platform != "win32" and folder.fd is not None:
            fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder.fd)
            try:
                set_attributes(fd, mode, mtime_ns)
            finally:
                os.close(fd)
        else:
            set_attributes(path, mode, mtime_ns)


def read_link(folder: Folder, name: bytes) -> str:
    """Give the text of a symbolic link, escaped as in a scan. Raises a MegaError."""
    with disk_failures(folder.path_of(name)):
        return text_from_disk(os.readlink(folder.at(name), dir_fd=folder.fd))
