"""What can go wrong with one item on the disk, as errors a user can act on.

The one place where this package turns an OSError into a MegaError. It must never show a path unescaped.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar, Final

from mega_cli.errors import LimitError, MegaError, MissingItemError, PermissionRefusedError
from mega_cli.paths.names import printable


class SourceChangedError(MegaError):
    """A file changed while it was read."""

    name: ClassVar[str] = "source_changed"


class BlockedError(MegaError):
    """Something on the disk stands where an item should go, or is of a kind that cannot be read or written."""

    name: ClassVar[str] = "blocked"


_TABLE: Final[dict[int, tuple[type[MegaError], str, str]]] = {
    errno.ENOENT: (MissingItemError, "there is no such file or folder", "check the path"),
    errno.EACCES: (PermissionRefusedError, "the system does not permit it", "check the owner and the permissions"),
    errno.EPERM: (PermissionRefusedError, "the system does not permit it", "check the owner and the permissions"),
    errno.EROFS: (PermissionRefusedError, "the file system is read-only", "choose another place"),
    errno.ENAMETOOLONG: (LimitError, "the name or path is too long for this system", "choose a shorter one"),
    errno.ENOSPC: (LimitError, "the disk is full", "free some space and run the same command again"),
    errno.EDQUOT: (LimitError, "the disk quota is used up", "free some space and run the same command again"),
    errno.EFBIG: (LimitError, "the file is too large for this file system", "choose another place"),
    errno.EMFILE: (LimitError, "too many files are open", "raise the limit: ulimit -n 4096"),
    errno.ELOOP: (BlockedError, "a symbolic link stands in the way", "remove or rename the link"),
    errno.ENOTDIR: (BlockedError, "something that is not a folder stands in the way", "remove or rename it"),
    errno.EISDIR: (BlockedError, "a folder stands in the way", "remove or rename the folder"),
    errno.EEXIST: (BlockedError, "something stands in the way", "remove or rename it"),
    errno.ENOTEMPTY: (BlockedError, "a folder that is not empty stands in the way", "remove or rename the folder"),
    errno.ENXIO: (BlockedError, "it is not a regular file", "leave it out: --exclude"),
}


def shown(path: bytes | str) -> str:
    """Write a disk path for a message."""
    return printable(os.fsdecode(path).encode("utf-8", "backslashreplace").decode())


def sentence(error: OSError) -> str:
    """Say in words what went wrong."""
    return _row(error)[1]


def failure(error: OSError, path: bytes | str) -> MegaError:
    """Make the error to raise for `error`, which concerns `path`."""
    kind, words, hint = _row(error)
    return kind(f"{shown(path)}: {words}", hint)


def _row(error: OSError) -> tuple[type[MegaError], str, str]:
    """Find the table's row; an error it does not know speaks the system's words."""
    return _TABLE.get(error.errno or 0, (MegaError, error.strerror or "the disk failed", "look at the disk: dmesg"))


@contextmanager
def disk_failures(path: bytes | str) -> Iterator[None]:
    """Raise what goes wrong inside as a MegaError that names `path`."""
    try:
        yield
    except OSError as error:
        raise failure(error, path) from error
    except OverflowError as error:  # the one OverflowError of these calls: a time beyond the system's clock
        msg = f"{shown(path)}: its time cannot be kept on this system"
        raise BlockedError(msg, "leave it out: --exclude") from error
    except ValueError as error:  # the one ValueError of path functions: a NUL in the path
        msg = f"{shown(path)}: a path cannot hold a NUL character"
        raise BlockedError(msg, "check the path") from error
