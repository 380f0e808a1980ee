"""RealDisk: the disk under sync, reached through open folders and without following any link.

It must never act on what is not at a place now: so each operation walks to its folder anew, from the one descriptor
that is kept, the synced folder's. Keeping more of them open would be no faster: a kept descriptor has to be compared
with what has its name, name by name, or a renamed folder would get what was meant for another; measured at depth
three on ext4, that comparison takes 5 microseconds and the walk 8. It relies on `Folder` for names and for links.

Where a disk has no rename that never replaces (NFS, many FUSE file systems), a file or link is linked to the new name
and then unlinked from the old one: a crash in between leaves both names, which is why `continue_file` refuses a file
of two names. A folder is looked for and then renamed: the system refuses every target but an empty folder, so all that
can be replaced is an empty folder made in between. A file on a disk that has no hard links either is refused with
`ENOTSUP`.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
import sys
from contextlib import suppress
from types import TracebackType
from typing import Final, Self, final

from mega_cli.localfs import atomic_rename
from mega_cli.localfs.disk import NO_EXCHANGE, Found, Listed, Place
from mega_cli.localfs.folders import MODE_MASK, Folder
from mega_cli.localfs.real_files import RealFile, RealNewFile, found_of

_SAFE: Final = (
    getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)  # a pipe in a file's place opens at once, and is then refused
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_BINARY", 0)
)
_READ: Final = os.O_RDONLY | _SAFE
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _SAFE
_MORE: Final = os.O_WRONLY | os.O_APPEND | _SAFE
_NOT_A_FILE: Final = {errno.EISDIR, errno.ENXIO, errno.ENODEV, errno.EOPNOTSUPP}
"""What systems answer when a folder is opened to write, or a socket, or a device without a driver."""
_IN_THE_WAY: Final = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}
_NO_LINKS: Final = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}
"""What disks without hard links answer."""


@final
class RealDisk:
    """A folder of this computer. Close it at the end: it keeps the folder's descriptor, and so its disk, in use."""

    __slots__ = ("_root",)

    def __init__(self, path: bytes | str) -> None:
        """Open `path`, which must exist; a link there is followed, as the user meant it. Raises a MegaError."""
        self._root = Folder.open_root(path)

    def list_folder(self, place: Place) -> list[Listed]:
        """List a folder, in no order; what vanishes meanwhile is left out."""
        with self._folder(place) as folder, os.scandir(folder.path if folder.fd is None else folder.fd) as found:
            return [line for item in found if (line := _listed(item)) is not None]

    def look(self, place: Place) -> Found | None:
        """Look at one name; None when nothing has it, or something that is no folder stands on the way."""
        try:
            if not place:
                return found_of(os.stat(self._root.path if self._root.fd is None else self._root.fd))  # noqa: PTH116 -- an open folder has no Path
            with self._above(place) as folder:
                return found_of(os.stat(folder.at(place[-1]), dir_fd=folder.fd, follow_symlinks=False))
        except OSError as error:
            if error.errno in _IN_THE_WAY:
                return None
            raise

    def open_file(self, place: Place) -> RealFile:
        """Open a regular file to read; never waits for a pipe. Raises `ELOOP` for a link, `EINVAL` for the rest."""
        with self._above(place, errno.EINVAL) as folder:
            return RealFile(_open_regular(folder, place[-1], _READ))

    def read_link(self, place: Place) -> bytes:
        """Read where a link points."""
        with self._above(place, errno.EINVAL) as folder:
            return os.readlink(folder.at(place[-1]), dir_fd=folder.fd)

    def make_folder(self, place: Place, mode: int) -> None:
        """Make an empty folder, of exactly this mode whatever the process's mask."""
        with self._above(place, errno.EEXIST) as folder:
            os.mkdir(folder.at(place[-1]), mode & MODE_MASK, dir_fd=folder.fd)
            made = os.stat(folder.at(place[-1]), dir_fd=folder.fd, follow_symlinks=False)
            if sys.platform != "win32" and made.st_mode & MODE_MASK != mode & MODE_MASK:
                _describe(folder, place[-1], mode, None)

    def make_file(self, place: Place) -> RealNewFile:
        """Make an empty file, mode 0600."""
        with self._above(place, errno.EEXIST) as folder:
            return RealNewFile(os.open(folder.at(place[-1]), _NEW, 0o600, dir_fd=folder.fd), folder.path_of(place[-1]))

    def continue_file(self, place: Place) -> RealNewFile:
        """Open a file of ours to append to it. Raises `EMLINK` when it has another name: it may be published."""
        with self._above(place, errno.EINVAL) as folder:
            fd = _open_regular(folder, place[-1], _MORE)
            if os.fstat(fd).st_nlink > 1:
                os.close(fd)
                raise _error(errno.EMLINK)
            return RealNewFile(fd, folder.path_of(place[-1]))

    def make_link(self, place: Place, target: bytes) -> None:
        """Make a symbolic link."""
        with self._above(place, errno.EEXIST) as folder:
            os.symlink(target, folder.at(place[-1]), dir_fd=folder.fd)

    def rename(self, source: Place, target: Place) -> None:
        """Move a file, link or folder to a name that must be free, in one step."""
        with self._above(source) as here, self._above(target, errno.EEXIST) as there:
            try:
                atomic_rename.rename_new(here.at(source[-1]), there.at(target[-1]), here.fd, there.fd)
            except OSError as error:
                if error.errno not in NO_EXCHANGE:
                    raise
                _rename_in_steps(here, source[-1], there, target[-1])

    def exchange(self, one: Place, other: Place) -> None:
        """Let two names change places in one step. Raises `ENOTSUP`."""
        if one[: len(other)] == other or other[: len(one)] == one:
            raise _error(errno.EINVAL)
        with self._above(one) as here, self._above(other) as there:
            try:
                atomic_rename.exchange(here.at(one[-1]), there.at(other[-1]), here.fd, there.fd)
            except OSError as error:
                raise (_error(errno.ENOTSUP) if error.errno in NO_EXCHANGE else error) from None

    def remove_file(self, place: Place) -> None:
        """Remove a file or link for good: only what is ours, in `.mega`."""
        with self._above(place) as folder:
            os.unlink(folder.at(place[-1]), dir_fd=folder.fd)

    def remove_folder(self, place: Place) -> None:
        """Remove an empty folder. Raises `ENOTEMPTY`."""
        with self._above(place) as folder:
            os.rmdir(folder.at(place[-1]), dir_fd=folder.fd)

    def describe(self, place: Place, mode: int, mtime_ns: int | None) -> None:
        """Set the permission bits, and the time unless it is None, of a file or folder, durably; never through a link.

        What may be opened neither before nor after, nobody can make durable.
        """
        if not place:
            root = self._root.path if self._root.fd is None else self._root.fd
            _set_durably(root, _kept_bits(os.stat(root)) | mode & MODE_MASK, mtime_ns)  # noqa: PTH116 -- an open folder has no Path
            return
        with self._above(place) as folder:
            _describe(folder, place[-1], mode, mtime_ns)

    def sync_folder(self, place: Place) -> None:
        """Make the names in a folder durable."""
        with self._folder(place) as folder:
            if folder.fd is not None:
                os.fsync(folder.fd)

    def free_bytes(self) -> int:
        """Say how much room is left for this user."""
        return shutil.disk_usage(self._root.path if self._root.fd is None else self._root.fd).free

    def close(self) -> None:
        """Let go of the folder; twice does no harm."""
        self._root.close()

    def __enter__(self) -> Self:
        """Use it in a `with` block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def _folder(self, place: Place) -> Folder:
        """Open the folder at a place, name by name, for the caller to close. Raises OSError."""
        folder = self._root
        for name in place:
            try:
                below = folder.enter(name)
            finally:
                if folder is not self._root:
                    folder.close()
            folder = below
        return Folder(folder.path, None if folder.fd is None else os.dup(folder.fd)) if folder is self._root else folder

    def _above(self, place: Place, refusal: int = errno.EBUSY) -> Folder:
        """Open the folder that holds a place; `refusal` is for the synced folder itself. Raises OSError."""
        if not place:
            raise _error(refusal)
        return self._folder(place[:-1])


def _listed(item: os.DirEntry[bytes] | os.DirEntry[str]) -> Listed | None:
    """Look at one item of a scan; None when it has vanished."""
    name = os.fsencode(item.name)
    try:
        # On Windows a scan's own stamps lack the inode.
        info = os.lstat(item.path) if sys.platform == "win32" else item.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None
    except OSError as error:
        return Listed(name, None, error.errno or errno.EIO)
    return Listed(name, found_of(info))


def _open_regular(folder: Folder, name: bytes, flags: int) -> int:
    """Open a file for the caller to close. Raises OSError: `ELOOP` for a link, `EINVAL` for what is no file."""
    path = folder.at(name)
    if folder.fd is None and stat.S_ISLNK(os.lstat(path).st_mode):  # where O_NOFOLLOW is missing
        raise _error(errno.ELOOP)
    try:
        fd = os.open(path, flags, dir_fd=folder.fd)
    except OSError as error:
        raise (_error(errno.EINVAL) if error.errno in _NOT_A_FILE else error) from None
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise _error(errno.EINVAL)
    return fd


def _describe(folder: Folder, name: bytes, mode: int, mtime_ns: int | None) -> None:
    """Set the attributes of a file or folder. Raises OSError: `ELOOP` for a link, `EINVAL` for the rest."""
    path = folder.at(name)
    info = os.stat(path, dir_fd=folder.fd, follow_symlinks=False)
    kind, mode = stat.S_IFMT(info.st_mode), _kept_bits(info) | mode & MODE_MASK
    if kind not in {stat.S_IFREG, stat.S_IFDIR}:
        raise _error(errno.ELOOP if kind == stat.S_IFLNK else errno.EINVAL)
    if folder.fd is None:
        _set(path, mode, mtime_ns)
        return
    try:
        fd = os.open(name, _READ, dir_fd=folder.fd)
    except PermissionError:
        _describe_unreadable(folder.fd, name, mode, mtime_ns)
        return
    try:
        _set_durably(fd, mode, mtime_ns)
    finally:
        os.close(fd)


def _describe_unreadable(folder_fd: int, name: bytes, mode: int, mtime_ns: int | None) -> None:
    """Set the attributes of what its owner may not open, and make them durable if that may be opened now."""
    if sys.platform == "linux":
        fd = os.open(name, os.O_PATH | os.O_NOFOLLOW, dir_fd=folder_fd)
        try:
            if stat.S_IFMT(os.fstat(fd).st_mode) not in {stat.S_IFREG, stat.S_IFDIR}:  # swapped since it was looked at
                raise _error(errno.EINVAL)
            path = b"/proc/self/fd/%d" % fd  # leads to what is open, whatever has its name now
            _set(path, mode, mtime_ns)
            with suppress(PermissionError):
                _sync(path)
        finally:
            os.close(fd)
    else:
        os.chmod(name, mode, dir_fd=folder_fd, follow_symlinks=False)
        if mtime_ns is not None:
            os.utime(name, ns=(mtime_ns, mtime_ns), dir_fd=folder_fd, follow_symlinks=False)


def _sync(path: bytes) -> None:
    """Make a file's or folder's attributes durable."""
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _kept_bits(info: os.stat_result) -> int:
    """Give the bits that stay: a folder's setgid and sticky are this computer's business, and a file's never stay."""
    return stat.S_IMODE(info.st_mode) & ~MODE_MASK if stat.S_ISDIR(info.st_mode) else 0


def _set_durably(target: int | bytes, mode: int, mtime_ns: int | None) -> None:
    """Set attributes and make them durable, of an open file; Windows has them so by itself."""
    _set(target, mode, mtime_ns)
    if isinstance(target, int):
        os.fsync(target)


def _set(target: int | bytes, mode: int, mtime_ns: int | None) -> None:
    """Set the mode bits, which Windows does not have, and the time unless it is None."""
    if sys.platform != "win32":
        os.chmod(target, mode)  # noqa: PTH101 -- an open file has no Path
    if mtime_ns is not None:
        os.utime(target, ns=(mtime_ns, mtime_ns))


def _rename_in_steps(here: Folder, name: bytes, there: Folder, new_name: bytes) -> None:
    """Rename on a disk that has no rename to a free name; the module's docstring says what can go wrong."""
    source, target = here.at(name), there.at(new_name)
    if sys.platform == "win32":
        os.rename(source, target)  # noqa: PTH104 -- bytes; there it never replaces
    elif not stat.S_ISDIR(os.stat(source, dir_fd=here.fd, follow_symlinks=False).st_mode):
        try:
            os.link(source, target, src_dir_fd=here.fd, dst_dir_fd=there.fd, follow_symlinks=False)
        except OSError as error:
            raise (_error(errno.ENOTSUP) if error.errno in _NO_LINKS else error) from None
        os.unlink(source, dir_fd=here.fd)
    elif _is_free(there, new_name):
        os.rename(source, target, src_dir_fd=here.fd, dst_dir_fd=there.fd)
    else:
        raise _error(errno.EEXIST)


def _is_free(folder: Folder, name: bytes) -> bool:
    """Tell whether nothing has this name."""
    try:
        os.stat(folder.at(name), dir_fd=folder.fd, follow_symlinks=False)
    except FileNotFoundError:
        return True
    return False


def _error(number: int) -> OSError:
    """Make the system's error of this number."""
    return OSError(number, os.strerror(number))
