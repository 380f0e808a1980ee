"""SimTree: inodes and names in memory, as a POSIX file system keeps them: what `SimDisk` and `SimUser` both work on.

It does what it is told at once, replaces what a user's rename replaces, and knows nothing of mega's promises. Freed
inode numbers are given out again at once, the last one first. With a journal (`sim_power.py`) it also remembers what
a power cut could undo.
"""

from __future__ import annotations

import errno
import os
import threading
import unicodedata
from collections.abc import Callable
from random import Random
from typing import Final, final

from mega_cli.localfs.disk import DiskKind, Found, Place
from mega_cli.localfs.failures import BlockedError, shown
from mega_cli.localfs.sim_power import Inode, Journal
from mega_cli.localfs.stat_print import StatPrint

NAME_MAX_BYTES: Final = 255
ROOT_INO: Final = 2
_FOLDER_LINKS: Final = 2


@final
class SimTree:
    """One file system. `lock` is held by whoever reads or changes it."""

    def __init__(
        self,
        now_ns: Callable[[], int],
        *,
        tick_ns: int = 1,
        folds_case: bool = False,
        stores_nfd: bool = False,
        tells_birth: bool = False,
        capacity_bytes: int | None = None,
        is_forgetful: bool = True,
    ) -> None:
        """Begin with an empty folder. The arguments are those of `SimDisk`."""
        self.lock = threading.RLock()
        self.now_ns = now_ns
        self.tick_ns = tick_ns
        self.capacity_bytes = capacity_bytes
        self.used_bytes = 0
        self.dev = 1
        self._folds_case = folds_case
        self._stores_nfd = stores_nfd
        self._tells_birth = tells_birth
        self._keys: dict[bytes, bytes] = {}
        self._free: list[int] = []
        self.boots = 0
        """How often the power was cut."""
        self._next_ino = ROOT_INO + 1
        self.root = Inode("d", ROOT_INO, 0o755, self.stamp())
        self.journal = Journal() if is_forgetful else None

    # --- looking ------------------------------------------------------------------------------------------------------

    def stamp(self) -> int:
        """Read the clock as this file system keeps it."""
        now_ns = self.now_ns()
        return now_ns - now_ns % self.tick_ns

    def folder(self, place: Place) -> Inode:
        """Walk to a folder. Raises OSError."""
        node = self.root
        for name in place:
            entry = node.entries.get(self._keys.get(name) or self.key(name))
            if entry is None:
                raise refusal(errno.ENOENT)
            node = entry[1]
            if node.kind != "d":
                raise refusal(errno.ENOTDIR)
        return node

    def at(self, place: Place) -> Inode:
        """Find what has this name, a link itself. Raises OSError."""
        if not place:
            return self.root
        entry = self.folder(place[:-1]).entries.get(self.key(place[-1]))
        if entry is None:
            raise refusal(errno.ENOENT)
        return entry[1]

    def key(self, name: bytes) -> bytes:
        """Give what two names that are one name here have in common. Raises BlockedError, or OSError."""
        key = self._keys.get(name)
        if key is None:
            if name in {b"", b".", b".."} or b"/" in name or b"\0" in name:
                msg = f"“{shown(name)}” cannot be the name of a file: it is not safe"
                raise BlockedError(msg, "leave it out: --exclude")
            if len(name) > NAME_MAX_BYTES:
                raise refusal(errno.ENAMETOOLONG)
            key = self._keys[name] = self._composed(name)
        return key

    def found(self, node: Inode) -> Found:
        """Take what `look` tells of an inode."""
        found = node.found
        if found is None:
            size = len(node.data) if node.kind == "f" else len(node.target)
            stamps = StatPrint(size, node.mtime_ns, node.ctime_ns, node.ino, self.dev, node.mode)
            links = node.links if node.kind != "d" else _FOLDER_LINKS
            found = node.found = Found(node.kind, stamps, links, node.birth_ns if self._tells_birth else 0)
        return found

    def free_bytes(self) -> int:
        """Say how much room is left."""
        return (1 << 50) if self.capacity_bytes is None else max(0, self.capacity_bytes - self.used_bytes)

    # --- names --------------------------------------------------------------------------------------------------------

    def make(self, place: Place, kind: DiskKind, mode: int, target: bytes = b"") -> Inode:
        """Give a new inode a free name. Raises OSError."""
        folder, key = self._free_name(place)
        if not self.free_bytes():
            raise refusal(errno.ENOSPC)
        if self._free:
            ino = self._free.pop()
        else:
            ino = self._next_ino
            self._next_ino += 1
        node = Inode(kind, ino, mode, self.stamp())
        node.target = target
        node.links = 1
        self._enter(folder, key, (self._stored(place[-1]), node))
        if self.journal is not None:
            self.journal.made(folder, key, node)
        return node

    def link(self, place: Place, node: Inode) -> None:
        """Give an inode one more name, which must be free. Raises OSError."""
        folder, key = self._free_name(place)
        if node.kind == "d":
            raise refusal(errno.EPERM)
        self._enter(folder, key, (self._stored(place[-1]), node))
        node.links += 1
        self._touch(node)
        if self.journal is not None:
            self.journal.changed(((folder, key),), (node,), is_arrival=True)

    def move(self, source: Place, target: Place, *, replaces: bool) -> None:
        """Rename. `replaces`: as rename(2) does it, over a file, a link or an empty folder. Raises OSError."""
        here, there = self._above(source), self._above(target, errno.EEXIST)
        key, new_key = self.key(source[-1]), self.key(target[-1])
        entry, victim = here.entries.get(key), there.entries.get(new_key)
        if entry is None:
            raise refusal(errno.ENOENT)
        node = entry[1]
        if node.kind == "d":
            self._check_outside(node, target[:-1])
        if victim is not None:
            if not replaces:
                raise refusal(errno.EEXIST)
            if victim[1] is node and (here, key) != (there, new_key):
                return  # two names of one inode: POSIX has it so
            if victim[1] is not node:
                self._check_replaceable(node, victim[1])
        del here.entries[key]
        there.entries.pop(new_key, None)
        self._enter(there, new_key, (self._stored(target[-1]), node))
        self._touch(node)
        self._touch_folder(here)
        nodes: tuple[Inode, ...] = (node,)
        if victim is not None and victim[1] is not node:
            self._lose_name(victim[1])
            nodes = (node, victim[1])
        if self.journal is not None:
            removed = victim[1] if victim is not None and victim[1] is not node and victim[1].kind == "d" else None
            self.journal.changed(((here, key), (there, new_key)), nodes, is_arrival=True, removed=removed)

    def exchange(self, one: Place, other: Place) -> None:
        """Let two names change places. Raises OSError."""
        here, there = self._above(one), self._above(other)
        key, other_key = self.key(one[-1]), self.key(other[-1])
        entry, other_entry = here.entries.get(key), there.entries.get(other_key)
        if entry is None or other_entry is None:
            raise refusal(errno.ENOENT)
        node, other_node = entry[1], other_entry[1]
        if node is other_node:
            return
        for moved, place in ((node, other[:-1]), (other_node, one[:-1])):
            if moved.kind == "d":
                self._check_outside(moved, place)
        here.entries[key] = (entry[0], other_node)
        there.entries[other_key] = (other_entry[0], node)
        for touched in (node, other_node):
            self._touch(touched)
        for folder in (here, there):
            self._touch_folder(folder)
        if self.journal is not None:
            self.journal.changed(((here, key), (there, other_key)), (node, other_node), is_arrival=True)

    def remove(self, place: Place, *, is_folder: bool) -> None:
        """Take a name away: an empty folder's, or anything else's. Raises OSError."""
        folder, key = self._above(place), self.key(place[-1])
        entry = folder.entries.get(key)
        if entry is None:
            raise refusal(errno.ENOENT)
        node = entry[1]
        if is_folder != (node.kind == "d"):
            raise refusal(errno.ENOTDIR if is_folder else errno.EISDIR)
        if node.entries:
            raise refusal(errno.ENOTEMPTY)
        del folder.entries[key]
        self._touch_folder(folder)
        self._lose_name(node)
        if self.journal is not None:
            self.journal.changed(((folder, key),), (node,), removed=node if is_folder else None)

    # --- contents -----------------------------------------------------------------------------------------------------

    def write(self, node: Inode, offset: int, data: bytes | memoryview) -> None:
        """Write; what lies between the end and `offset` becomes zeros. Raises OSError after what found room."""
        size = len(node.data)
        room = self.free_bytes() + size - offset
        part = data if len(data) <= room else data[: max(0, room)]
        if part:
            node.data[offset : offset + len(part)] = (
                bytes(max(0, offset - size)) + bytes(part) if offset > size else part
            )
            self.used_bytes += len(node.data) - size
            self._changed_content(node)
        if len(part) < len(data):
            raise refusal(errno.ENOSPC)

    def truncate(self, node: Inode, size: int) -> None:
        """Cut a file, or let it grow by zeros."""
        before = len(node.data)
        del node.data[size:]
        node.data.extend(bytes(max(0, size - before)))
        self.used_bytes += size - before
        node.cut_bytes = min(node.cut_bytes, size)
        self._changed_content(node)

    def describe(self, node: Inode, mode: int, mtime_ns: int | None) -> None:
        """Set the permission bits, and the time unless it is None."""
        node.mode = mode & 0o7777
        if mtime_ns is not None:
            node.mtime_ns = mtime_ns - mtime_ns % self.tick_ns
        self._touch(node)

    def release(self, node: Inode) -> None:
        """Let go of an inode that somebody had open."""
        node.opens -= 1
        self._free_unless_used(node)

    # --- durability ---------------------------------------------------------------------------------------------------

    def sync_file(self, node: Inode) -> None:
        """Make a file's content and attributes durable."""
        if self.journal is not None:
            self.journal.sync_file(node)

    def sync_folder(self, folder: Inode) -> None:
        """Make the names in a folder durable."""
        if self.journal is not None:
            self.journal.sync_folder(folder)

    def sync_name(self, place: Place) -> None:
        """Make what last happened to a name durable, and the way to it. Raises OSError."""
        if self.journal is not None and place:
            self.journal.sync_name(self.folder(place[:-1]), self.key(place[-1]))

    def cut_power(self, chance: Random) -> None:
        """Lose what was not synced, or some of it; and what was open."""
        if self.journal is not None:
            self.journal.cut(self.root, chance)
        self.boots += 1
        self.count_again()

    # --- inside -------------------------------------------------------------------------------------------------------

    def renumber(self, dev: int) -> None:
        """Give the file system another device number."""
        self.dev = dev
        folders = [self.root]
        for folder in folders:  # grows while it is walked
            folder.found = None
            for _, node in folder.entries.values():
                node.found = None
                if node.kind == "d":
                    folders.append(node)

    def count_again(self) -> None:
        """Count links, numbers and bytes afresh, after names came and went by themselves."""
        folders, files = [self.root], dict[Inode, int]()
        for folder in folders:  # grows while it is walked
            for _, node in folder.entries.values():
                if node.kind == "d":
                    folders.append(node)
                files[node] = files.get(node, 0) + 1
        for node, links in files.items():
            node.links, node.opens, node.found = links, 0, None
            node.is_free = False
        self.used_bytes = sum(len(node.data) for node in files)
        taken = {ROOT_INO, *(node.ino for node in files)}
        self._free = [ino for ino in range(self._next_ino - 1, ROOT_INO, -1) if ino not in taken]

    def _above(self, place: Place, number: int = errno.EBUSY) -> Inode:
        """Walk to the folder that holds a place; `number` is for the folder that all is in. Raises OSError."""
        if not place:
            raise refusal(number)
        return self.folder(place[:-1])

    def _free_name(self, place: Place) -> tuple[Inode, bytes]:
        """Find the folder and the key of a name that nothing has. Raises OSError."""
        folder = self._above(place, errno.EEXIST)
        key = self.key(place[-1])
        if key in folder.entries:
            raise refusal(errno.EEXIST)
        return folder, key

    def _enter(self, folder: Inode, key: bytes, entry: tuple[bytes, Inode]) -> None:
        """Write a name into a folder."""
        folder.entries[key] = entry
        self._touch_folder(folder)

    def _touch(self, node: Inode) -> None:
        """Stamp a change of attributes."""
        node.ctime_ns = self.stamp()
        node.is_dirty, node.found = True, None

    def _touch_folder(self, folder: Inode) -> None:
        """Stamp a change of the names in a folder."""
        folder.mtime_ns = folder.ctime_ns = self.stamp()
        folder.found = None

    def _changed_content(self, node: Inode) -> None:
        """Stamp a change of content."""
        node.mtime_ns = node.ctime_ns = self.stamp()
        node.is_dirty, node.found = True, None

    def _lose_name(self, node: Inode) -> None:
        """Count one name less."""
        node.links -= 1
        self._touch(node)
        self._free_unless_used(node)

    def _free_unless_used(self, node: Inode) -> None:
        """Give the number of an inode without names and users to the next one."""
        if not node.links and not node.opens and not node.is_free:
            node.is_free = True
            self.used_bytes -= len(node.data)
            self._free.append(node.ino)

    def _check_outside(self, node: Inode, place: Place) -> None:
        """Refuse to move a folder into itself. Raises OSError."""
        above = self.root
        for name in place:
            above = above.entries[self.key(name)][1]
            if above is node:
                raise refusal(errno.EINVAL)

    def _check_replaceable(self, node: Inode, victim: Inode) -> None:
        """Raise the OSError of rename(2) unless the one may replace the other."""
        if victim.kind == "d":
            if node.kind != "d":
                raise refusal(errno.EISDIR)
            if victim.entries:
                raise refusal(errno.ENOTEMPTY)
        elif node.kind == "d":
            raise refusal(errno.ENOTDIR)

    def _composed(self, name: bytes) -> bytes:
        """Bring a name into the form that this file system compares. Raises OSError."""
        if not self._folds_case and not self._stores_nfd:
            return name
        try:
            text = unicodedata.normalize("NFD", name.decode())
        except UnicodeDecodeError:
            if self._stores_nfd:
                raise refusal(errno.EILSEQ) from None
            return name
        return (unicodedata.normalize("NFD", text.casefold()) if self._folds_case else text).encode()

    def _stored(self, name: bytes) -> bytes:
        """Give the bytes that a listing will show."""
        return unicodedata.normalize("NFD", name.decode()).encode() if self._stores_nfd else name


def refusal(number: int) -> OSError:
    """Make the system's error of this number."""
    return OSError(number, os.strerror(number))
