"""LocalEnd: this disk and what the state says of it, as the actions of a plan need them. It decides nothing.

Names are found through the rows of the state, from the top down, and what stands there is compared with its row before
anything is done to it: what differs is left alone (UnfitError), and the next scan sees it. Everything of sync's own
lies in `.mega` at the top of the synced folder, on the same file system, so that a rename reaches it.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, final

from mega_cli.crypto.content import content_hasher
from mega_cli.localfs.disk import MOVED_ON, Disk, Found, Place
from mega_cli.localfs.racy import is_racy, is_unchanged
from mega_cli.localfs.stat_print import StatPrint
from mega_cli.reconcile.conflict_names import conflict_name
from mega_cli.reconcile.nodes import ROOT, Node, NodeId
from mega_cli.state.sync_state import ConflictRow, EventRow, SyncState
from mega_cli.state.sync_trees import LocalRow
from mega_cli.sync.settings import Settings
from mega_cli.sync.world import Chance, Clock

OWN: Final = (b".mega",)
TMP: Final = (b".mega", b"tmp")
TRASH: Final = (b".mega", b"trash")
OWN_MODE: Final = 0o700
_OWNER_ALL: Final = 0o700
_OWNER_WRITES: Final = 0o200
_READ_BYTES: Final = 1 << 20
_STAT_WIDTH: Final = 6


class UnfitError(Exception):
    """What stands there is not what the plan was made for: nothing was done, and the next cycle sees it."""


@final
@dataclass(slots=True)
class LocalEnd:
    """One pair's disk, and what belongs to it."""

    disk: Disk
    state: SyncState
    clock: Clock
    chance: Chance
    settings: Settings
    unsynced: dict[Place, None] = field(default_factory=dict)
    """Folders whose names were changed and are not durable yet."""
    written: set[Place] = field(default_factory=set)
    """Folders whose names were changed: the next scan looks at them."""
    parked: dict[NodeId, Place] = field(default_factory=dict)
    """Where nodes are that had to make room in a circle of moves."""

    # --- where things are

    def place_of(self, id_: NodeId) -> Place:
        """Say where a node stands on the disk. Raises UnfitError when the state knows of no such place."""
        names: list[bytes] = []
        while id_ != ROOT and id_ not in self.parked:
            row = self.state.local.row(id_)
            if row is None:
                raise UnfitError
            names.append(row.disk_name)
            id_ = row.node.parent
        return (*self.parked.get(id_, ()), *reversed(names))

    def place_for(self, node: Node, row: LocalRow | None = None) -> Place:
        """Say where a node shall stand: under the spelling its row has, if its name stays. Raises UnfitError."""
        is_spelt = row is not None and row.node.name == node.name
        return (*self.place_of(node.parent), row.disk_name if row is not None and is_spelt else node.name.encode())

    def require_free(self, node: Node, place: Place) -> None:
        """Require that nothing has a node's place, and that no row claims it. Raises UnfitError.

        A row whose file has just vanished claims its place until its absence is proven.
        """
        claim = self.state.local.child(node.parent, node.name)
        is_claimed = claim is not None and claim.id != node.id and claim.id not in self.parked
        if is_claimed or self.disk.look(place) is not None:
            raise UnfitError

    def row_as(self, node: Node) -> LocalRow:
        """Find the row of a node that has to be in this state, wherever it stands by now. Raises UnfitError."""
        row = self.state.local.row(node.id)
        if row is None or row.node._replace(parent=node.parent, name=node.name) != node:
            raise UnfitError
        return row

    # --- what stands there

    def check(self, row: LocalRow, place: Place) -> Found:
        """Look at a place and compare it with the row; read a file whose stamps prove nothing. Raises UnfitError."""
        found = self.disk.look(place)
        if found is None or not self.is_same(row, found):
            raise UnfitError
        if row.is_racy and not self.has_substance(row.node, place):
            raise UnfitError
        return found

    def is_same(self, row: LocalRow, found: Found, *, is_renamed: bool = False) -> bool:
        """Compare stamps. `is_renamed`: it was renamed since, which is a change of its ctime and nothing else."""
        known = StatPrint(*row.stamps[:_STAT_WIDTH])
        if found.kind != row.node.kind:
            return False
        if not self.settings.ids_are_stable:
            known = known._replace(ino=found.ino)
        if found.kind == "d":
            return found.ino == known.ino
        if is_renamed:
            known = known._replace(ctime_ns=found.stamps.ctime_ns)
        return found.stamps.mode == known.mode and is_unchanged(found.stamps, known, row_is_racy=False)

    def has_substance(self, node: Node, place: Place) -> bool:
        """Read a file or link, and compare it with a node."""
        if node.kind == "f":
            return self.digest(place) == node.digest
        return node.kind == "d" or self.disk.read_link(place) == node.target.encode()

    def digest(self, place: Place) -> bytes:
        """Read a file."""
        hasher, buffer = content_hasher(), bytearray(_READ_BYTES)
        with self.disk.open_file(place) as file, memoryview(buffer) as view:
            while count := file.readinto(view):
                hasher.update(view[:count])
        return bytes(hasher.digest())

    # --- what is written

    def put_row(
        self, node: Node, place: Place, made: tuple[int, ...] | None = None, *, is_unread: bool = False
    ) -> None:
        """Note what stands at a place as the node. With `made`, stamps of what we put there, those if it is another.

        `is_unread`: what it holds was not read when it was last looked at. Raises UnfitError, OSError.
        """
        observed_ns = self.clock.now_ns()
        found = self.disk.look(place)
        if found is None and made is None:
            raise UnfitError
        stamps = made if found is None or (made is not None and not _is_made(found, made)) else made_stamps(found)
        assert stamps is not None
        racy = is_unread or is_racy(StatPrint(*stamps[:_STAT_WIDTH]), observed_ns, is_own_publish=True)
        self.state.local.put_all([LocalRow(node, place[-1], stamps, racy and node.kind != "d")])

    def writing_in(self, folders: Iterable[Place], act: Callable[[], None]) -> None:
        """Act on names in folders, also in such as are write-protected; note that they are to be made durable."""
        folders = tuple(dict.fromkeys(folders))
        self.unsynced.update(dict.fromkeys(folders))
        self.written.update(folders)
        try:
            act()
        except PermissionError:
            looked = [(place, self.disk.look(place)) for place in folders]
            closed = [(place, found.stamps.mode) for place, found in looked if found and not _is_open(found)]
            if not closed:
                raise
            for place, mode in closed:
                self.disk.describe(place, mode | _OWNER_ALL, None)
            try:
                act()
            finally:
                for place, mode in closed:
                    self.disk.describe(place, mode, None)

    def rename(self, source: Place, target: Place) -> None:
        """Move to a free name. Raises FileExistsError, OSError."""
        self.writing_in((target[:-1], source[:-1]), lambda: self.disk.rename(source, target))

    def rename_if_free(self, source: Place, target: Place) -> bool:
        """Move to a name, and tell whether that could be: its folder may be gone, the name taken. Raises OSError."""
        try:
            self.rename(source, target)
        except OSError as error:
            if error.errno not in MOVED_ON:
                raise
            return False
        return True

    def take_written(self) -> set[Place]:
        """Give the folders of the user whose names were changed since the last time."""
        written, self.written = self.written, set()
        return {place for place in written if place[:1] != OWN}

    def make_names_durable(self) -> None:
        """Sync every folder whose names were changed; those that are gone have no names."""
        for place in self.unsynced:
            try:
                self.disk.sync_folder(place)
            except OSError as error:
                if error.errno not in (errno.ENOENT, errno.ENOTDIR):
                    raise
        self.unsynced.clear()

    def own_folder(self, place: Place) -> None:
        """Make a folder below `.mega`, unless it is there."""
        for end in range(len(OWN) + 1, len(place) + 1):
            if self.disk.look(place[:end]) is None:
                self.disk.make_folder(place[:end], OWN_MODE)
                self.unsynced[place[: end - 1]] = None

    def token(self) -> bytes:
        """Draw a part of a name that nothing else has."""
        return self.chance.random_bytes(8).hex().encode()

    def show_beside(self, hidden: Place, beside: Place, name: str) -> Place:
        """Bring what is hidden back under a conflict copy's name beside a place; where the folder is gone, at the top.

        Raises OSError.
        """
        above = beside[:-1]
        folder = self.disk.look(above)
        if folder is None or folder.kind != "d":
            above = ()

        def is_taken(name: str) -> bool:
            return self.disk.look((*above, name.encode())) is not None

        now_ns = self.clock.now_ns()
        copy = (*above, conflict_name(name, self.settings.device, now_ns, is_taken).encode())
        self.rename(hidden, copy)
        return copy

    def surface(self, hidden: Place, beside: Place, node: Node) -> None:
        """Show what the user wrote and nobody else has, as a conflict copy, and note it; in a transaction."""
        path, shown = _text(beside), _text(self.show_beside(hidden, beside, node.name))
        now_ns = self.clock.now_ns()
        self.state.add_conflict(ConflictRow(self.chance.random_bytes(16), node.id, path, shown, now_ns))
        self.state.log(EventRow(now_ns, "conflict-copy", shown, path))


def made_stamps(found: Found) -> tuple[int, ...]:
    """Give the stamps of what was found, as a row keeps them."""
    return (*found.stamps, found.links, found.birth_ns)


def _is_made(found: Found, made: tuple[int, ...]) -> bool:
    """Tell whether it is what we made, as we made it: its ctime has changed with its name, and nothing else."""
    stamps = StatPrint(*made[:_STAT_WIDTH])
    return found.stamps._replace(ctime_ns=0, dev=0) == stamps._replace(ctime_ns=0, dev=0)


def _is_open(found: Found) -> bool:
    return bool(found.stamps.mode & _OWNER_WRITES)


def _text(place: Place) -> str:
    return "/".join(name.decode(errors="replace") for name in place)
