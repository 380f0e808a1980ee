"""List one folder of the disk as entries in the order a page wants them. It reads names and stamps, never contents.

Nothing is lost silently: what cannot be stored is listed as `special` with the problem in words. Only our own partial
files are left out.
"""

from __future__ import annotations

import os
import stat
import sys
from operator import attrgetter
from typing import Final, Literal, final

from mega_cli.errors import MegaError
from mega_cli.localfs.failures import disk_failures, sentence
from mega_cli.localfs.partial_name import is_partial_name
from mega_cli.localfs.stat_print import StatPrint, print_of
from mega_cli.paths.filters import CACHE_TAG, CACHE_TAG_NAME
from mega_cli.paths.names import name_from_disk, text_from_disk

DiskKind = Literal["f", "d", "l", "special"]

_KINDS: Final[dict[int, DiskKind]] = {stat.S_IFREG: "f", stat.S_IFDIR: "d", stat.S_IFLNK: "l"}
_DEVICE: Final = "it is a device, pipe or socket"
_COLLISION: Final = "another file here has the same name once both are written in Unicode's composed form (NFC)"
_NOTHING: Final = StatPrint(0, 0, 0, 0, 0, 0)


@final
class ScannedEntry:
    """One line of a folder on the disk.

    `raw_name` is empty when the name spells the disk name. `target` is a link's text, escaped as names are. `problem`
    says why a `special` entry cannot be stored, without its path, and is empty for every other kind.
    """

    __slots__ = ("disk_name", "kind", "name", "problem", "raw_name", "stat", "target")

    def __init__(
        self,
        disk_name: bytes,
        name: str,
        raw_name: bytes,
        kind: DiskKind,
        stat: StatPrint,
        target: str = "",
        problem: str = "",
    ) -> None:
        self.disk_name = disk_name
        self.name = name
        self.raw_name = raw_name
        self.kind = kind
        self.stat = stat
        self.target = target
        self.problem = problem

    def with_stat(self, stat: StatPrint) -> ScannedEntry:
        """Give the same item as it was when it was read."""
        return ScannedEntry(self.disk_name, self.name, self.raw_name, self.kind, stat, self.target, self.problem)

    def with_name(self, name: str) -> ScannedEntry:
        """Give the same item under another remote name, which then spells itself."""
        return ScannedEntry(self.disk_name, name, b"", self.kind, self.stat, self.target, self.problem)

    def __repr__(self) -> str:
        """Show no name."""
        return f"ScannedEntry(kind={self.kind!r}, size={self.stat.size})"


def list_folder(path: bytes | str) -> list[ScannedEntry]:
    """List a folder, sorted by the UTF-8 bytes of the remote names; one scan of the folder, one lstat an entry.

    When two disk names become one remote name, the first in the order of disk bytes keeps it and the others are
    `special`. What vanishes meanwhile is left out. Raises a MegaError when the folder itself cannot be read.
    """
    with disk_failures(path), os.scandir(os.fsencode(path)) as found:
        # Stat in the order of the folder, not of the names: measured 30 % faster on ext4.
        scanned = [_scanned(item) for item in found if not is_partial_name(item.name)]
    # Text sorts by code points, which is the order of UTF-8 bytes.
    entries = sorted((entry for entry in scanned if entry is not None), key=attrgetter("name", "disk_name"))
    taken = ""
    for at, entry in enumerate(entries):
        if entry.kind != "special":
            if entry.name == taken:
                entries[at] = _special(entry, _COLLISION)
            taken = entry.name
    return entries


def scan_one(folder: bytes | str, disk_name: bytes) -> ScannedEntry:
    """Look at one item of a folder as `list_folder` does. Raises MissingItemError, or another MegaError."""
    path = os.path.join(os.fsencode(folder), disk_name)  # noqa: PTH118 -- bytes
    with disk_failures(path):
        return _entry(disk_name, path, os.lstat(path))


def is_cache_folder(path: bytes | str) -> bool:
    """Tell whether a folder declares itself a cache by its `CACHEDIR.TAG`; an unreadable tag declares nothing."""
    tag = os.fsencode(path) + b"/" + CACHE_TAG_NAME.encode()
    try:
        fd = os.open(tag, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0))
    except OSError:
        return False
    try:
        return stat.S_ISREG(os.fstat(fd).st_mode) and os.read(fd, len(CACHE_TAG)) == CACHE_TAG
    except OSError:
        return False
    finally:
        os.close(fd)


def _scanned(item: os.DirEntry[bytes]) -> ScannedEntry | None:
    """Look at one item of the scan; None when it has vanished."""
    try:
        # On Windows a scan's own stamps lack the inode.
        info = os.lstat(item.path) if sys.platform == "win32" else item.stat(follow_symlinks=False)
        return _entry(item.name, item.path, info)
    except FileNotFoundError:
        return None
    except OSError as error:
        name, raw_name, _ = _named(item.name)
        return ScannedEntry(item.name, name, raw_name, "special", _NOTHING, "", sentence(error))


def _entry(disk_name: bytes, path: bytes, info: os.stat_result) -> ScannedEntry:
    """Make the entry of what `path` is. Raises OSError when a link cannot be read."""
    name, raw_name, problem = _named(disk_name)
    kind = _KINDS.get(stat.S_IFMT(info.st_mode), "special")
    if problem or kind == "special":
        return ScannedEntry(disk_name, name, raw_name, "special", print_of(info), "", problem or _DEVICE)
    target = text_from_disk(os.readlink(path)) if kind == "l" else ""  # noqa: PTH115 -- bytes in, bytes out
    return ScannedEntry(disk_name, name, raw_name, kind, print_of(info), target)


def _named(disk_name: bytes) -> tuple[str, bytes, str]:
    """Find the remote name and the bytes to remember; what has none keeps an escape of any length, and a problem."""
    try:
        return (*name_from_disk(disk_name), "")
    except MegaError as error:
        return text_from_disk(disk_name), disk_name, error.message


def _special(entry: ScannedEntry, problem: str) -> ScannedEntry:
    """Make the entry that reports why `entry` cannot be stored."""
    return ScannedEntry(entry.disk_name, entry.name, entry.raw_name, "special", entry.stat, "", problem)
