"""What a simulated disk has for sure, and what it may be left with when the power is cut.

The model is as hard as ext4, xfs and POSIX allow, and no harder:

- Content and attributes of a file are sure once the file was synced. Until then each page of 4096 bytes may be the old
  one, the new one or, beyond the old end, zeros; the file may end at its old or new end or at any page between; mode
  and time are the old or the new pair. A file that was cut to nothing and written afresh may also be wholly old.
- A change of names happens whole or not at all: a rename shows the old name or the new one, never neither or both, and
  an exchange both names or none. It is sure once a folder that it touches was synced. Syncing a file makes its content
  sure and not its name; syncing a new folder makes what was made in it sure, and not its own name.
- Until then any of the changes may have happened, in any selection that leaves no impossible disk. A change needs the
  earlier ones of the same name and of the same inode number (a number is given again only after it was freed); moving
  folders happens in order; removing a folder needs what emptied it; bringing something that exists into a folder that
  is new needs the making of that folder, and of those above it. So a file that was sure is never lost by a move.

A cut draws one of four moods: nothing unsynced happened, everything did, everything up to one moment (what ext4's
ordered journal does), or each thing by itself.
"""

from __future__ import annotations

import sys
from collections.abc import Hashable
from random import Random
from typing import Final, final

from mega_cli.localfs.disk import DiskKind, Found

PAGE_BYTES: Final = 4096
_LOG_LEAST: Final = 1024
"""From how many changes on the log is cleared of those that are sure, each time it has doubled."""

Entry = tuple[bytes, "Inode"]
"""A name as it is listed, and what has it."""


@final
class Inode:
    """A file, folder or link, whatever names it has. `entries` lists a folder by key."""

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
        "making",
        "mode",
        "mtime_ns",
        "opens",
        "pending",
        "sure",
        "sure_entries",
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
        self.data = bytearray()
        self.target = b""
        self.entries: dict[bytes, Entry] = {}
        self.found: Found | None = None
        """What a look gave, until something changes."""
        self.is_dirty = False
        self.cut_bytes = sys.maxsize
        """The least length since the last sync."""
        self.sure = (b"", mode, now_ns)
        """Content, mode and time that a cut leaves at least."""
        self.sure_entries: dict[bytes, Entry] = {}
        self.pending: list[Change] = []
        """Changes of a folder's names that are not sure."""
        self.making: Change | None = None

    def __repr__(self) -> str:
        """Show no content."""
        return f"Inode({self.kind!r}, ino={self.ino})"


@final
class Change:
    """One step on names. `needs` happened if it did; `roads` are the makings of the folders it writes into."""

    __slots__ = ("is_making", "is_sure", "names", "needs", "number", "roads")

    def __init__(self, number: int, names: list[tuple[Inode, bytes, Entry | None]], *, is_making: bool) -> None:
        """Note what each name leads to afterwards."""
        self.number = number
        self.names = names
        self.is_making = is_making
        self.is_sure = False
        self.needs: list[Change] = []
        self.roads = [folder.making for folder, _, _ in names if folder.making is not None]

    def happen(self) -> None:
        """Write it to what is sure."""
        for folder, key, entry in self.names:
            if entry is None:
                folder.sure_entries.pop(key, None)
            else:
                folder.sure_entries[key] = entry


@final
class Journal:
    """The changes of names of one file system, and which of them are sure."""

    def __init__(self) -> None:
        """Begin with nothing to lose."""
        self._log: list[Change] = []
        self._last: dict[Hashable, Change] = {}
        self._number = 0
        self._log_most = _LOG_LEAST

    def made(self, folder: Inode, key: bytes, node: Inode) -> None:
        """Note a new inode under a new name."""
        node.making = self._note(((folder, key),), (node,), (), is_making=True)
        if node.kind != "d":
            node.making = None

    def changed(
        self,
        names: tuple[tuple[Inode, bytes], ...],
        nodes: tuple[Inode, ...],
        *,
        is_arrival: bool = False,
        removed: Inode | None = None,
    ) -> None:
        """Note a change of the names of nodes that exist. `removed` is a folder that lost its name for good."""
        is_folder_move = is_arrival and any(node.kind == "d" for node in nodes)
        change = self._note(names, nodes, ("folder moves",) if is_folder_move else (), is_making=False)
        if removed is not None:
            change.needs += [earlier for earlier in removed.pending if earlier is not change]

    def sync_file(self, node: Inode) -> None:
        """Make content and attributes sure."""
        if node.is_dirty:
            node.sure = (bytes(node.data), node.mode, node.mtime_ns)
            node.is_dirty, node.cut_bytes = False, sys.maxsize

    def sync_folder(self, folder: Inode) -> None:
        """Make the names in a folder sure, and its attributes."""
        pending, folder.pending = folder.pending, []
        for change in pending:
            self._ensure(change, is_alone=change.is_making)
        self.sync_file(folder)

    def sync_name(self, folder: Inode, key: bytes) -> None:
        """Make what last happened to a name sure, and that it can be reached."""
        if change := self._last.get((folder, key)):
            self._ensure(change, is_alone=False)

    def cut(self, root: Inode, chance: Random) -> None:
        """Let the disk be as it may be found after a power cut."""
        pending = [change for change in self._log if not change.is_sure]
        mood = chance.choice(("nothing", "everything", "until", "some"))
        until = chance.randrange(len(pending) + 1) if mood == "until" else 0
        stands: dict[Change, bool] = {}
        for at, change in enumerate(pending):
            is_chosen = mood == "everything" or at < until or (mood == "some" and chance.getrandbits(1) == 1)
            stands[change] = is_chosen and all(_stands(needed, stands) for needed in (*change.needs, *change.roads))
            if stands[change]:
                change.happen()
        nodes = {root: None}
        for node in (todo := [root]):  # grows while it is walked
            node.entries = dict(node.sure_entries)
            node.pending, node.making = [], None
            for _, below in node.entries.values():
                if below not in nodes:
                    nodes[below] = None
                    todo.append(below)
        for node in nodes:
            _lose_content(node, mood, chance)
        self._log.clear()
        self._last.clear()

    def _note(
        self,
        names: tuple[tuple[Inode, bytes], ...],
        nodes: tuple[Inode, ...],
        marks: tuple[str, ...],
        *,
        is_making: bool,
    ) -> Change:
        """Note a change, and what it needs: the last one of each of its names, numbers and marks."""
        self._number += 1
        after = [(folder, key, folder.entries.get(key)) for folder, key in names]
        change = Change(self._number, after, is_making=is_making)
        last = self._last
        for mark in (*names, *(node.ino for node in nodes), *marks):
            earlier = last.get(mark)
            if earlier is not None and not earlier.is_sure and earlier is not change:
                change.needs.append(earlier)
            last[mark] = change
        for folder, _ in names:
            folder.pending.append(change)
        self._log.append(change)
        if len(self._log) > self._log_most:
            self._log = [noted for noted in self._log if not noted.is_sure]
            self._log_most = max(_LOG_LEAST, 2 * len(self._log))
            self._last = {mark: noted for mark, noted in last.items() if not noted.is_sure}
        return change

    def _ensure(self, first: Change, *, is_alone: bool) -> None:
        """Make a change sure with all that it needs; `is_alone` leaves out the folders it lies in."""
        todo, seen, found = [first], set[int](), list[Change]()
        while todo:
            change = todo.pop()
            if change.number not in seen:
                seen.add(change.number)
                if not (is_alone and change is first):
                    todo += change.roads
                if not change.is_sure:
                    todo += change.needs
                    found.append(change)
        for change in sorted(found, key=_number):
            change.happen()
            change.is_sure = True
            change.needs = []  # it is done: let go of them


def _number(change: Change) -> int:
    """Give the order of changes."""
    return change.number


def _stands(change: Change, stands: dict[Change, bool]) -> bool:
    """Tell whether a change happened, and the way to its folders is there."""
    return (change.is_sure or stands[change]) and all(_stands(road, stands) for road in change.roads)


def _lose_content(node: Inode, mood: str, chance: Random) -> None:
    """Let an inode that was not synced be as it may be found."""
    if node.is_dirty:
        old, new = node.sure[0], bytes(node.data)
        if mood == "nothing":
            _, node.mode, node.mtime_ns = node.sure
            node.data = bytearray(old)
        elif mood != "everything":
            if chance.getrandbits(1):
                _, node.mode, node.mtime_ns = node.sure
            node.data = bytearray(new if old == new else _torn(old, new, node.cut_bytes, chance))
        node.is_dirty, node.cut_bytes, node.found = False, sys.maxsize, None
        node.sure = (bytes(node.data), node.mode, node.mtime_ns)


def _torn(old: bytes, new: bytes, cut_bytes: int, chance: Random) -> bytearray:
    """Mix two states of a file, page by page. `cut_bytes` is how short it was in between."""
    if cut_bytes < len(old):
        if not chance.randrange(3):
            return bytearray(old)
        old = old[:cut_bytes]
    borders = range((len(old) // PAGE_BYTES + 1) * PAGE_BYTES, len(new), PAGE_BYTES)
    size = chance.choice((len(old), len(new), *borders[:2]))
    left = bytearray(size)
    for at in range(0, size, PAGE_BYTES):
        page = (new if chance.getrandbits(1) else old)[at : min(size, at + PAGE_BYTES)]
        left[at : at + len(page)] = page
    return left
