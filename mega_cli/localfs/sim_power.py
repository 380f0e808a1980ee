"""What a simulated disk has durably, and what it may have lost when the power is cut."""

from __future__ import annotations

import sys
from typing import final

from mega_cli.localfs.disk import DiskKind, Found


@final
class Inode:
    """A file, folder or link, whatever names it has. `entries` lists a folder: key to (name, inode)."""

    __slots__ = (
        "birth_ns",
        "ctime_ns",
        "cut_bytes",
        "data",
        "entries",
        "found",
        "ino",
        "is_dirty",
        "is_free",
        "kind",
        "links",
        "mode",
        "mtime_ns",
        "opens",
        "target",
    )

    def __init__(self, kind: DiskKind, ino: int, mode: int, now_ns: int) -> None:
        """Make it without a name."""
        self.kind = kind
        self.ino = ino
        self.mode = mode
        self.mtime_ns = self.ctime_ns = self.birth_ns = now_ns
        self.links = 0
        self.opens = 0
        self.is_free = False
        self.is_dirty = False
        self.data = bytearray()
        self.cut_bytes = sys.maxsize
        self.target = b""
        self.entries: dict[bytes, tuple[bytes, Inode]] = {}
        self.found: Found | None = None

    def __repr__(self) -> str:
        """Show no content."""
        return f"Inode({self.kind!r}, ino={self.ino})"


@final
class Journal:
    """Changes of names that are not durable yet."""

    def made(self, folder: Inode, key: bytes, node: Inode) -> None:
        """Note a new inode under a new name."""

    def changed(
        self,
        names: tuple[tuple[Inode, bytes], ...],
        nodes: tuple[Inode, ...],
        *,
        is_arrival: bool = False,
        removed: Inode | None = None,
    ) -> None:
        """Note a change of names, which happens whole or not at all."""
