"""What a get does with one file, link or folder, given what stands in its place on the disk: pure decisions.

    on the disk             --overwrite:  refuse   always   if-changed   if-newer                never
    nothing                               WRITE    WRITE    WRITE        WRITE                   WRITE
    the same                              SAME     WRITE    SAME         SAME                    SAME
    the same content                      ADJUST   WRITE    ADJUST       ADJUST                  SKIP
    something else                        REFUSE   WRITE    WRITE        WRITE if newer, or SKIP SKIP
    a folder                              BLOCKED in every column
    a folder, for a folder                keep     describe describe     describe if newer       keep

"The same" is equal size, time and mode (a link: equal target); "the same content" is an equal size and time under
another mode, or an equal digest under another time. The last row is about the folder's own mode and time: what is
fetched goes into it in every column. A folder that the run made is always described.
"""

from __future__ import annotations

import stat
from collections.abc import Callable
from enum import Enum

from mega_cli.formats.page import FILE, Entry
from mega_cli.localfs.folders import MODE_MASK
from mega_cli.localfs.stat_print import StatPrint
from mega_cli.volume.requests import Overwrite


class Verdict(Enum):
    """What to do with one file or link."""

    WRITE = "fetch it and let it take its place"
    SAME = "nothing to do"
    ADJUST = "set mode and time"
    SKIP = "leave what is there"
    REFUSE = "what is there differs"
    BLOCKED = "a folder stands in its place"


def describes_folder(entry: Entry, found: StatPrint | None, overwrite: Overwrite) -> bool:
    """Decide whether a folder takes its entry's mode and time; `found` are its stamps if it was there before."""
    if found is None or overwrite in ("always", "if-changed"):
        return True
    return overwrite == "if-newer" and entry.mtime_ns > found.mtime_ns


def decide(
    entry: Entry,
    found: tuple[int, StatPrint] | None,
    overwrite: Overwrite,
    *,
    has_same_content: Callable[[], bool],
) -> Verdict:
    """Decide for a file or link; `found` is its place's type and stamps. `has_same_content` is asked only if needed."""
    if found is None:
        return Verdict.WRITE
    kind, stamps = found
    if kind == stat.S_IFDIR:
        return Verdict.BLOCKED
    if overwrite == "always":
        return Verdict.WRITE
    if entry.kind == FILE:
        is_equal_so_far = kind == stat.S_IFREG and stamps.size == entry.size
        if is_equal_so_far and stamps.mtime_ns == entry.mtime_ns:
            if stamps.mode == entry.mode & MODE_MASK:
                return Verdict.SAME
            return Verdict.SKIP if overwrite == "never" else Verdict.ADJUST
    else:
        is_equal_so_far = kind == stat.S_IFLNK
    if is_equal_so_far and has_same_content():
        if entry.kind != FILE:
            return Verdict.SAME
        return Verdict.SKIP if overwrite == "never" else Verdict.ADJUST
    if overwrite == "if-changed" or (overwrite == "if-newer" and entry.mtime_ns > stamps.mtime_ns):
        return Verdict.WRITE
    return Verdict.REFUSE if overwrite == "refuse" else Verdict.SKIP
