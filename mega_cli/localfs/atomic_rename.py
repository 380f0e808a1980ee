"""The two renames that Python does not have: one that never replaces, and one that lets two names change places.

`renameat2` on Linux, `renameatx_np` on macOS; everywhere else, and on disks that do not know them, they raise an
OSError whose errno is in `disk.NO_EXCHANGE`. Nothing here looks before it leaps, and nothing falls back.
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from collections.abc import Callable
from typing import Final

_AT_CWD: Final = -100 if sys.platform == "linux" else -2  # AT_FDCWD, for places that are whole paths

if sys.platform == "linux":  # <linux/fs.h>
    _CALL, _NO_REPLACE, _EXCHANGE = "renameat2", 1, 2
elif sys.platform == "darwin":  # <sys/stdio.h>
    _CALL, _NO_REPLACE, _EXCHANGE = "renameatx_np", 4, 2
else:
    _CALL, _NO_REPLACE, _EXCHANGE = "", 0, 0


def rename_new(source: bytes, target: bytes, source_fd: int | None, target_fd: int | None) -> None:
    """Rename, in one step, to a name that must be free. Raises FileExistsError, or another OSError."""
    _rename(source, target, source_fd, target_fd, _NO_REPLACE)


def exchange(one: bytes, other: bytes, one_fd: int | None, other_fd: int | None) -> None:
    """Let two names change places, in one step. Raises OSError."""
    _rename(one, other, one_fd, other_fd, _EXCHANGE)


def _rename(source: bytes, target: bytes, source_fd: int | None, target_fd: int | None, flags: int) -> None:
    """Make the call. Descriptors of None stand for places that are whole paths."""
    if _SYSTEM is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    fds = (_AT_CWD if fd is None else fd for fd in (source_fd, target_fd))
    if _SYSTEM(next(fds), source, next(fds), target, flags):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _find() -> Callable[[int, bytes, int, bytes, int], int] | None:
    """Find the call in the system's library; None where it is not: an old one, musl's, or another system."""
    if not _CALL:
        return None
    call = getattr(ctypes.CDLL(None, use_errno=True), _CALL, None)
    if call is not None:
        call.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint)
        call.restype = ctypes.c_int
    return call


_SYSTEM: Final = _find()
