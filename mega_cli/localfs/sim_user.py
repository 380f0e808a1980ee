"""SimUser: what people and their programs do to a simulated disk, without any of mega's care: they replace and destroy.

The disk's hook hears nothing of it, and injected errors do not concern it; what is impossible raises OSError as the
system would. Folders are made as they are needed. With `is_settled` a user's change is on the disk for good at once (an
old change, as most are); without, a power cut may undo it.
"""

from __future__ import annotations

import errno
from types import TracebackType
from typing import Final, Self, final

from mega_cli.localfs.disk import Found, Place
from mega_cli.localfs.sim_disk import SimDisk
from mega_cli.localfs.sim_inodes import refusal
from mega_cli.localfs.sim_power import Inode

_FILE_MODE: Final = 0o644
_FOLDER_MODE: Final = 0o755
Left = bytes | str | None
"""What a dump shows: a file's content, `-> target` of a link, None for a folder; `special` for the rest."""


@final
class SimUser:
    """Somebody at the computer. Every method takes the tree's lock and is one moment."""

    def __init__(self, disk: SimDisk, *, is_settled: bool = True) -> None:
        self._disk = disk
        self._tree = disk.tree
        self._is_settled = is_settled

    # --- looking ------------------------------------------------------------------------------------------------------

    def read(self, place: Place) -> bytes:
        """Read a whole file."""
        with self._tree.lock:
            return bytes(self._file(place).data)

    def look(self, place: Place) -> Found:
        """Take the stamps of what has this name."""
        with self._tree.lock:
            return self._tree.found(self._tree.at(place))

    def has(self, place: Place) -> bool:
        """Tell whether something has this name."""
        try:
            self.look(place)
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    def names(self, place: Place = ()) -> list[bytes]:
        """List the names in a folder, sorted."""
        with self._tree.lock:
            return sorted(name for name, _ in self._tree.folder(place).entries.values())

    def tree(self, place: Place = (), *, without: frozenset[bytes] = frozenset({b".mega"})) -> dict[Place, Left]:
        """Give everything below a folder but what lies under the names `without` at its top, sorted by place."""
        with self._tree.lock:
            left: dict[Place, Left] = {}
            folders: list[tuple[Place, Inode]] = [((), self._tree.folder(place))]
            for above, folder in folders:  # grows while it is walked
                for name, node in folder.entries.values():
                    if above or name not in without:
                        left[*above, name] = _left(node)
                        if node.kind == "d":
                            folders.append(((*above, name), node))
            return dict(sorted(left.items()))

    # --- files --------------------------------------------------------------------------------------------------------

    def write(self, place: Place, data: bytes) -> None:
        """Write a file as most programs do: in place, cut to nothing first; a new one if there is none."""
        with self._tree.lock:
            node = self._file_or_new(place)
            self._tree.truncate(node, 0)
            self._write(node, 0, data, place)

    def append(self, place: Place, data: bytes) -> None:
        """Write on at the end of a file, or begin one."""
        with self._tree.lock:
            node = self._file_or_new(place)
            self._write(node, len(node.data), data, place)

    def overwrite(self, place: Place, offset: int, data: bytes) -> None:
        """Write into the middle of a file."""
        with self._tree.lock:
            node = self._file(place)
            self._write(node, offset, data, place)

    def save(self, place: Place, data: bytes, *, keeps_backup: bool = False) -> None:
        """Save as careful programs do: beside it, then renamed over it; vim first renames the old one to `name~`."""
        beside = (*place[:-1], b".save~" + place[-1][:200])
        self.write(beside, data)
        if keeps_backup and self.has(place):
            self.rename(place, (*place[:-1], place[-1][:254] + b"~"))
        self.rename(beside, place)

    def open(self, place: Place) -> SimUserFile:
        """Open a file to write into it at leisure, whatever becomes of its name."""
        with self._tree.lock:
            return SimUserFile(self._disk, self._file_or_new(place), is_settled=self._is_settled)

    # --- names --------------------------------------------------------------------------------------------------------

    def make_folder(self, place: Place) -> None:
        """Make a folder and those above it, unless they are there."""
        with self._tree.lock:
            for depth in range(1, len(place) + 1):
                if not self.has(place[:depth]):
                    self._tree.make(place[:depth], "d", _FOLDER_MODE)
                    self._settle(self._tree.at(place[:depth]), place[:depth])

    def rename(self, source: Place, target: Place) -> None:
        """Rename over whatever file, link or empty folder has the name."""
        with self._tree.lock:
            self.make_folder(target[:-1])
            self._tree.move(source, target, replaces=True)
            self._settle(None, source, target)

    def swap(self, one: Place, other: Place) -> None:
        """Let two names change places, through a third name."""
        aside = (*one[:-1], b"swap~" + one[-1][:200])
        for source, target in ((one, aside), (other, one), (aside, other)):
            self.rename(source, target)

    def link(self, place: Place, target: bytes) -> None:
        """Make a symbolic link, over whatever file or link has the name."""
        with self._tree.lock:
            self.make_folder(place[:-1])
            if self.has(place):
                self._tree.remove(place, is_folder=False)
            node = self._tree.make(place, "l", 0o777, target)
            self._settle(node, place)

    def hard_link(self, place: Place, other: Place) -> None:
        """Give the file at `place` one more name."""
        with self._tree.lock:
            self.make_folder(other[:-1])
            node = self._file(place)
            self._tree.link(other, node)
            self._settle(None, other)

    def make_pipe(self, place: Place) -> None:
        """Make something that is neither file, folder nor link."""
        with self._tree.lock:
            self.make_folder(place[:-1])
            self._settle(self._tree.make(place, "special", _FILE_MODE), place)

    def remove(self, place: Place) -> None:
        """Remove what has this name, with everything below it."""
        with self._tree.lock:
            node = self._tree.at(place)
            for name, _ in list(node.entries.values()):
                self.remove((*place, name))
            if place:
                self._tree.remove(place, is_folder=node.kind == "d")
                self._settle(None, place)

    def empty(self) -> None:
        """Remove everything in the folder that is synced, `.mega` too."""
        self.remove(())

    # --- attributes ---------------------------------------------------------------------------------------------------

    def chmod(self, place: Place, mode: int) -> None:
        """Set the permission bits."""
        with self._tree.lock:
            node = self._tree.at(place)
            self._tree.describe(node, mode, None)
            self._settle(node)

    def touch(self, place: Place, mtime_ns: int | None = None) -> None:
        """Set the time, to now unless one is given; an empty file if nothing is there."""
        with self._tree.lock:
            node = self._tree.at(place) if self.has(place) else self._file_or_new(place)
            self._tree.describe(node, node.mode, self._tree.stamp() if mtime_ns is None else mtime_ns)
            self._settle(node, place)

    # --- inside -------------------------------------------------------------------------------------------------------

    def _file(self, place: Place) -> Inode:
        """Find a file. Raises OSError."""
        node = self._tree.at(place)
        if node.kind != "f":
            raise refusal(errno.EISDIR if node.kind == "d" else errno.EINVAL)
        return node

    def _file_or_new(self, place: Place) -> Inode:
        """Find a file or make it. Raises OSError."""
        self.make_folder(place[:-1])
        return self._file(place) if self.has(place) else self._tree.make(place, "f", _FILE_MODE)

    def _write(self, node: Inode, offset: int, data: bytes, place: Place) -> None:
        """Write, and settle also what found room before the disk was full: it is what the user has by then."""
        try:
            self._tree.write(node, offset, data)
        finally:
            self._settle(node, place)

    def _settle(self, node: Inode | None, *places: Place) -> None:
        """Make a change durable, if this user's changes are: of names, and of an inode."""
        if self._is_settled:
            for place in places:
                self._tree.sync_name(place)
            if node is not None:
                self._tree.sync_file(node)


@final
class SimUserFile:
    """A file that a program has open: it writes to the inode, wherever that is now."""

    def __init__(self, disk: SimDisk, node: Inode, *, is_settled: bool) -> None:
        """Open it; the tree's lock is held."""
        self._tree = disk.tree
        self._node = node
        self._is_settled = is_settled
        self._boots = disk.tree.boots
        self._is_open = True
        node.opens += 1

    def write(self, data: bytes, offset: int | None = None) -> None:
        """Write at `offset`, at the end if there is none. Raises OSError, `EBADF` after a power cut."""
        with self._tree.lock:
            if not self._is_open or self._boots != self._tree.boots:
                raise refusal(errno.EBADF)
            self._tree.write(self._node, len(self._node.data) if offset is None else offset, data)
            if self._is_settled:
                self._tree.sync_file(self._node)

    def close(self) -> None:
        """Close it; twice does no harm."""
        with self._tree.lock:
            was_open, self._is_open = self._is_open, False
            if was_open and self._boots == self._tree.boots:
                self._tree.release(self._node)

    def __enter__(self) -> Self:
        """Use it in a `with` block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()


def _left(node: Inode) -> Left:
    """Show one inode in a dump."""
    if node.kind == "f":
        return bytes(node.data)
    if node.kind == "d":
        return None
    return "-> " + node.target.decode("utf-8", "surrogateescape") if node.kind == "l" else "special"
