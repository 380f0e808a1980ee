"""When a file may be believed unchanged without reading it (`design/sync.md` 1.5, git's `racy-git.txt`).

Pure: the stamps and the time of observation are arguments. A clock of a file system is coarse: a file written twice
within one tick keeps its stamps, so a row observed so soon after its stamps is *racy* and must be hashed again.
"""

from __future__ import annotations

from typing import Final

from mega_cli.localfs.stat_print import StatPrint

COARSE_NS: Final = 2_000_000_000
"""FAT, and file systems we know nothing about."""
FINE_NS: Final = 20_000_000
"""Kernel stamps were taken once a jiffy before Linux 6.13."""

_SECOND_NS: Final = 1_000_000_000
_EXECUTE_BITS: Final = 0o111


def granularity_ns(stamp_ns: int) -> int:
    """Guess the clock's tick from a stamp: one without a part of a second may come from a clock that has none."""
    return FINE_NS if stamp_ns % _SECOND_NS else COARSE_NS


def is_racy(stamps: StatPrint, observed_ns: int, *, is_own_publish: bool = False) -> bool:
    """Tell whether the file could have changed after `observed_ns` without its stamps showing it.

    `observed_ns` is the wall clock before the stamps were taken. `is_own_publish`: we wrote the file and set its mtime
    to the past; only then does its fresh ctime prove nothing against it. Stamps in the future are always racy.
    """
    if stamps.mtime_ns >= observed_ns - granularity_ns(stamps.mtime_ns):
        return True
    return not is_own_publish and stamps.ctime_ns >= observed_ns - granularity_ns(stamps.ctime_ns)


def is_unchanged(stamps: StatPrint, row: StatPrint, *, row_is_racy: bool) -> bool:
    """Tell whether a file still is what `row` recorded, without reading it. Only for two files of one kind.

    The device is left out: its number changes when a disk is mounted again.
    """
    return not row_is_racy and _identity(stamps) == _identity(row)


def _identity(stamps: StatPrint) -> tuple[int, int, int, int, int]:
    """Pick what must be equal."""
    return stamps.size, stamps.mtime_ns, stamps.ctime_ns, stamps.ino, stamps.mode & _EXECUTE_BITS
