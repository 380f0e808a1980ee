"""Disk: the system calls that sync needs, below one folder. The engine reaches the disk through this and nothing else.

One method is one step that a crash falls before or after. Members: `RealDisk` (`real_disk.py`) and `SimDisk`
(`sim_disk.py`), which also forgets what was not synced when the power is cut. Both pass `tests/contract/test_disk.py`.

Promises of every member:
- A place is names from the synced folder down; `()` is the folder itself. No symbolic link on the way is ever
  followed, nothing outside the folder can be reached, and a name that is no single name raises BlockedError.
- Nothing is replaced: what creates a name raises `FileExistsError` when the name is taken. `exchange` alone touches a
  name in use, and loses neither.
- Failures are `OSError` with the errno of the system; `exchange` raises `ENOTSUP` where the disk has no such call.
- Content is durable after `sync` of the open file, names after `sync_folder` of the folder that holds them, and what
  `describe` sets when it returns.
- `list_folder`, `look`, `open_file` and what they give may be used from several threads; the rest from one.
"""

from __future__ import annotations

import errno
from types import TracebackType
from typing import Final, Literal, NamedTuple, Protocol, Self

from mega_cli.localfs.stat_print import StatPrint

Place = tuple[bytes, ...]
DiskKind = Literal["f", "d", "l", "special"]

NO_EXCHANGE: Final = frozenset({errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL})
"""How a disk says that it cannot exchange two names."""
MOVED_ON: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.EEXIST, errno.ELOOP})
"""How it says that a place is another by now than it was when it was looked over."""


class Found(NamedTuple):
    """What a name leads to, a link's own stamps; nothing is read."""

    kind: DiskKind
    stamps: StatPrint
    links: int
    """How many names it has."""
    birth_ns: int
    """When the inode was made; 0 where the system does not tell."""

    @property
    def ino(self) -> int:
        """Give the inode's number: unique now, used again soon after it is gone."""
        return self.stamps.ino


class Listed(NamedTuple):
    """One line of a folder. `error` is the errno of a look that failed; then `found` is None."""

    name: bytes
    found: Found | None
    error: int = 0


class OpenFile(Protocol):
    """A regular file, open for reading. Positions are in bytes."""

    def found(self) -> Found:
        """Look at the open file, whatever has its name now."""

    def readinto(self, buffer: bytearray | memoryview) -> int:
        """Read on; 0 at the end."""

    def close(self) -> None:
        """Let go of it; twice does no harm."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class NewFile(Protocol):
    """A file that this process made, open for writing; readable by nobody else until `describe`."""

    def write(self, data: bytes | memoryview) -> None:
        """Append every byte."""

    def describe(self, mode: int, mtime_ns: int) -> None:
        """Set the permission bits and the time; after the last write."""

    def sync(self) -> None:
        """Make content and attributes durable."""

    def found(self) -> Found:
        """Look at it, as the disk keeps it: times may come back rounded."""

    def close(self) -> None:
        """Let go of it and keep it; twice does no harm."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Disk(Protocol):
    """One folder of a disk and all below it."""

    def list_folder(self, place: Place) -> list[Listed]:
        """List a folder, in no order; what vanishes meanwhile is left out."""

    def look(self, place: Place) -> Found | None:
        """Look at one name; None when nothing has it, or something that is no folder stands on the way."""

    def open_file(self, place: Place) -> OpenFile:
        """Open a regular file to read; never waits for a pipe. Raises `ELOOP` for a link, `EINVAL` for the rest."""

    def read_link(self, place: Place) -> bytes:
        """Read where a link points."""

    def make_folder(self, place: Place, mode: int) -> None:
        """Make an empty folder."""

    def make_file(self, place: Place) -> NewFile:
        """Make an empty file, mode 0600."""

    def continue_file(self, place: Place) -> NewFile:
        """Open a file of ours to append to it."""

    def make_link(self, place: Place, target: bytes) -> None:
        """Make a symbolic link."""

    def rename(self, source: Place, target: Place) -> None:
        """Move a file, link or folder to a name that must be free, in one step."""

    def exchange(self, one: Place, other: Place) -> None:
        """Let two names change places in one step."""

    def remove_file(self, place: Place) -> None:
        """Remove a file or link for good: only what is ours, in `.mega`."""

    def remove_folder(self, place: Place) -> None:
        """Remove an empty folder. Raises `ENOTEMPTY`."""

    def describe(self, place: Place, mode: int, mtime_ns: int | None) -> None:
        """Set the permission bits, and the time unless it is None, of a file or folder; never through a link."""

    def sync_folder(self, place: Place) -> None:
        """Make the names in a folder durable."""

    def free_bytes(self) -> int:
        """Say how much room is left for this user."""
