"""SimFile and SimNewFile: open files of a simulated disk, which outlive the names of what they opened."""

from __future__ import annotations

import errno
from collections.abc import Callable
from types import TracebackType
from typing import Self, final

from mega_cli.localfs.disk import Found, Place
from mega_cli.localfs.folders import MODE_MASK
from mega_cli.localfs.sim_inodes import SimTree, refusal
from mega_cli.localfs.sim_power import Inode


class SimOpen:
    """An open file, among `others` for as long as it is open. `begin` is told of every call but `close`."""

    __slots__ = ("_begin", "_node", "_others", "_place", "_tree")

    def __init__(
        self, tree: SimTree, node: Inode, place: Place, begin: Callable[[str, Place], None], others: dict[SimOpen, None]
    ) -> None:
        """Open it; the tree's lock is held."""
        self._tree = tree
        self._node = node
        self._place = place
        self._begin = begin
        self._others = others
        others[self] = None
        node.opens += 1

    def found(self) -> Found:
        """Look at the open file, whatever has its name now."""
        self._start("file.found")
        with self._tree.lock:
            return self._tree.found(self._node)

    def close(self) -> None:
        """Let go of it; twice does no harm."""
        with self._tree.lock:
            if self in self._others:
                del self._others[self]
                self._tree.release(self._node)

    def _start(self, call: str) -> None:
        """Announce a call. Raises OSError, `EBADF` after a kill, and whatever the hook raises."""
        if self not in self._others:
            raise refusal(errno.EBADF)
        self._begin(call, self._place)

    def __enter__(self) -> Self:
        """Use it in a `with` block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()


@final
class SimFile(SimOpen):
    """A regular file, open for reading."""

    __slots__ = ("_offset",)

    def __init__(
        self, tree: SimTree, node: Inode, place: Place, begin: Callable[[str, Place], None], others: dict[SimOpen, None]
    ) -> None:
        """Open it at its beginning."""
        super().__init__(tree, node, place, begin, others)
        self._offset = 0

    def readinto(self, buffer: bytearray | memoryview) -> int:
        """Read on; 0 at the end."""
        self._start("file.readinto")
        with self._tree.lock:
            data = self._node.data[self._offset : self._offset + len(buffer)]
        buffer[: len(data)] = data
        self._offset += len(data)
        return len(data)


@final
class SimNewFile(SimOpen):
    """A file that this process made, open for writing at its end."""

    __slots__ = ()

    def write(self, data: bytes | memoryview) -> None:
        """Append every byte. Raises `ENOSPC` after what found room."""
        self._start("file.write")
        with self._tree.lock:
            self._tree.write(self._node, len(self._node.data), data)

    def describe(self, mode: int, mtime_ns: int) -> None:
        """Set the permission bits and the time; after the last write."""
        self._start("file.describe")
        with self._tree.lock:
            self._tree.describe(self._node, mode & MODE_MASK, mtime_ns)

    def sync(self) -> None:
        """Make content and attributes durable."""
        self._start("file.sync")
        with self._tree.lock:
            self._tree.sync_file(self._node)
