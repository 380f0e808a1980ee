"""StatPrint: what the system tells about a file without reading it. A value; it never touches the disk."""

from __future__ import annotations

import os
import stat
from typing import NamedTuple


class StatPrint(NamedTuple):
    """The stamps that show a change. Compare for equality, never for order: clocks lie."""

    size: int
    """Bytes."""
    mtime_ns: int
    ctime_ns: int
    """Time of the last change of content or attributes; on Windows the creation, which shows no change."""
    ino: int
    dev: int
    mode: int
    """The 12 permission bits."""


def print_of(found: os.stat_result) -> StatPrint:
    """Take the stamps out of a stat result."""
    return StatPrint(
        found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_dev, stat.S_IMODE(found.st_mode)
    )
