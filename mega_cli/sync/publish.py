"""Publish a file or link: staged in `.mega/tmp`, durable, then given its name in one step that replaces nothing unseen.

What it takes the place of goes into the local trash when it is what the plan knew, looked at after the exchange;
otherwise somebody saved meanwhile, and those bytes get a conflict copy's name beside it. A visible name never shows
part of a file. A note in the journal is durable before the step, so that `finish` can be called again after a crash.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Final, final

import msgspec

from mega_cli.errors import LimitError
from mega_cli.localfs.disk import NO_EXCHANGE, Found, NewFile, Place
from mega_cli.localfs.stat_print import StatPrint
from mega_cli.reconcile.actions import FetchFile, WriteLink
from mega_cli.reconcile.nodes import ROOT, Node, NodeId
from mega_cli.state.sync_trees import LocalRow
from mega_cli.sync.local_end import TMP, LocalEnd, UnfitError, made_stamps
from mega_cli.sync.trash import Trashing, put_in_trash, trashing_of

KIND: Final = "publish"
FRESH: Final = b"new-"
"""Begins the name of what is published where nothing is: what is left of it is ours, and may be removed."""
PART: Final = b"part-"
"""Begins the name of a large file on its way: a later run goes on with it, or removes it when it is a day old."""
EXCHANGED: Final = b"put-"
"""Begins the name of what is exchanged: what is left of it may be the user's, and is never removed."""
_READ_BYTES: Final = 1 << 20
_WRITABLE: Final = 0o200


@final
class Publishing(msgspec.Struct, frozen=True):
    """What the journal keeps. `displaces` is what stands there now, as it would go into the trash."""

    node: Node
    target: Place
    tmp: Place
    made: tuple[int, ...]
    """The stamps of what lies in `tmp`."""
    displaces: Trashing | None
    is_as_there: bool = False
    """The volume had the node exactly so when it was fetched."""

    def __repr__(self) -> str:
        """Show no name."""
        return f"Publishing({self.node!r})"

    @property
    def ino(self) -> int:
        """Give the inode that is published."""
        return StatPrint(*self.made[:6]).ino


@final
class Staging:
    """A place in `.mega/tmp` for one node, and how what lies there is made."""

    def __init__(self, end: LocalEnd, action: FetchFile | WriteLink) -> None:
        """Look at what the action is about. Raises UnfitError, OSError."""
        self._end = end
        self.node = action.node
        row = None if action.before is None else end.row_as(action.before)
        if row is not None and row.node.place != action.node.place:
            raise UnfitError
        self.target = end.place_for(action.node, row)
        self._row: LocalRow | None = row
        self._expect()
        is_large = self.node.kind == "f" and self.node.size >= end.settings.part_least_bytes
        self.tmp: Place = (*TMP, _part_name(self.node) if is_large else FRESH + end.token())
        self.held_bytes = _part_bytes(end, self.tmp, self.node) if is_large else 0
        self._file: NewFile | None = None

    def _expect(self) -> None:
        """Compare what stands in the target with what should. Raises UnfitError."""
        if self._row is not None:
            self._end.check(self._row, self.target)
        else:
            self._end.require_free(self.node, self.target)

    def open(self) -> NewFile:
        """Make the file, or go on with it, if the disk has room for it. Raises LimitError, OSError."""
        least_bytes = self._end.settings.free_least_bytes
        if self._end.disk.free_bytes() - (self.node.size - self.held_bytes) < least_bytes:
            message = f"to fetch it would leave less than {least_bytes >> 20:,} MiB free on this disk"
            raise LimitError(message, "free some space and run the same command again")
        disk = self._end.disk
        self._file = disk.continue_file(self.tmp) if self.held_bytes else disk.make_file(self.tmp)
        return self._file

    def held(self) -> Iterator[bytes]:
        """Read back what an earlier run left of the file. Raises OSError."""
        if not self.held_bytes:
            return
        with self._end.disk.open_file(self.tmp) as file:
            buffer = bytearray(min(self.held_bytes, _READ_BYTES))
            while size := file.readinto(buffer):
                yield bytes(memoryview(buffer)[:size])

    def make_durable(self) -> tuple[int, ...]:
        """Make what was fetched durable, in any thread; give its stamps. Raises OSError."""
        file = self._file or self.open()  # an empty file may come in no piece
        file.describe(self.node.mode, self.node.mtime_ns)
        file.sync()
        made = made_stamps(file.found())
        file.close()
        return made

    def finish_link(self) -> Publishing:
        """Make the link. Raises OSError."""
        self._end.disk.make_link(self.tmp, self.node.target.encode())
        found = self._end.disk.look(self.tmp)
        if found is None:
            raise UnfitError
        return self.publishing(made_stamps(found))

    def publishing(self, made: tuple[int, ...]) -> Publishing:
        """Say what is to be published, now that it is durable. Raises UnfitError, OSError."""
        if self._row is None:
            if self.tmp[-1].startswith(PART):  # whole now: nothing goes on with it
                self._take(FRESH)
            is_as_there = self._end.state.remote.get(self.node.id) == self.node
            return Publishing(self.node, self.target, self.tmp, made, None, is_as_there)
        displaces = trashing_of(self._end, self._row, self.target)
        self._take(EXCHANGED)
        return Publishing(self.node, self.target, self.tmp, made, displaces)

    def _take(self, beginning: bytes) -> None:
        """Give what was fetched a name that says what it is from now on. Raises OSError."""
        ours = (*TMP, beginning + self._end.token())
        self._end.rename(self.tmp, ours)
        self.tmp = ours

    def leave(self) -> None:
        """Keep what was fetched of a large file, now or before, for a later run; drop the rest."""
        if not self.tmp[-1].startswith(PART):
            self.drop()
        elif self._file is not None:
            self._file.close()

    def drop(self) -> None:
        """Remove what was fetched of it."""
        if self._file is not None:
            self._file.close()
        if self._file is not None or self.held_bytes:
            with suppress(FileNotFoundError):
                self._end.disk.remove_file(self.tmp)


def _part_name(node: Node) -> bytes:
    """Name the part of one node's one content: another node or version has another."""
    return PART + f"{node.id.hex()}-{node.digest[:16].hex()}".encode()


def _part_bytes(end: LocalEnd, place: Place, node: Node) -> int:
    """Say how much an earlier run left; what cannot be a part of the file is removed. Raises OSError."""
    found = end.disk.look(place)
    if found is None:
        return 0
    is_ours = found.kind == "f" and found.links == 1 and found.stamps.mode & _WRITABLE  # till it was described
    if is_ours and found.stamps.size <= node.size:
        return found.stamps.size
    end.disk.remove_file(place)
    return 0


def publish(end: LocalEnd, task: Publishing) -> None:
    """Give what lies in `tmp` its name, in a transaction. Raises UnfitError when it was of no use, OSError."""
    # However far it came, `finish` finds out: what lies in `tmp` after a failure may be the user's.
    with suppress(FileExistsError, FileNotFoundError, UnfitError):
        if task.displaces is None:
            end.rename(task.tmp, task.target)
        else:
            end.check(task.displaces.row, task.target)
            _exchange(end, task, task.displaces)
    if not finish(end, task):
        raise UnfitError


def _exchange(end: LocalEnd, task: Publishing, displaces: Trashing) -> None:
    """Let the two change places; where the disk cannot, clear the name first."""
    try:
        end.writing_in((task.tmp[:-1], task.target[:-1]), lambda: end.disk.exchange(task.tmp, task.target))
    except OSError as error:
        if error.errno not in NO_EXCHANGE:
            raise
        end.rename(task.target, displaces.hidden)
        # From here on the target has no name for a moment; `finish` goes on from here after a crash as well.


def finish(end: LocalEnd, task: Publishing, *, is_late: bool = False) -> bool:
    """Finish what was begun, wherever it was left; tell whether it was published. In a transaction. Raises OSError.

    `is_late`: it was begun by another run or cycle, and the user has had time since: what stands there is to be read.
    """
    here, there = end.disk.look(task.target), end.disk.look(task.tmp)
    is_published, is_staged = _is_ours(end, task, task.target, here), _is_ours(end, task, task.tmp, there)
    is_halfway = task.displaces is not None and is_staged and _is_cleared(end, task.displaces)
    if is_halfway and end.rename_if_free(task.tmp, task.target):  # else the user was there: the next cycle sees it
        is_published, is_staged, there = True, False, None
    if is_staged:
        end.disk.remove_file(task.tmp)
        there = None
    if task.displaces is not None:
        if there is not None:
            put_in_trash(end, task.displaces, task.tmp)
        elif _is_cleared(end, task.displaces):
            put_in_trash(end, task.displaces, task.displaces.hidden)
    if is_published:
        _note(end, task, is_late=is_late)
    return is_published


def _note(end: LocalEnd, task: Publishing, *, is_late: bool) -> None:
    """Let the rows hold what was published. A twin that was uploaded meanwhile stays what it is."""
    twin = _twin(end, task) if is_late else None
    if twin is None:
        end.put_row(task.node, task.target, task.made, is_unread=is_late)
    elif end.state.base.get(twin) is not None or end.state.remote.get(twin) is not None:
        return
    else:
        end.state.local.take_identity(twin, task.node.id)
    _agree(end, task)


def _twin(end: LocalEnd, task: Publishing) -> NodeId | None:
    """Find the row of another id that a scan gave to what was published, because its note could not be settled yet."""
    rows = (row for row in end.state.local.rows(task.node.parent) if row.node.id != task.node.id)
    if end.settings.ids_are_stable:
        rows = (row for row in rows if StatPrint(*row.stamps[:6]).ino == task.ino)
    else:
        rows = (row for row in rows if row.disk_name == task.target[-1])
    return next((row.node.id for row in rows), None)


def _agree(end: LocalEnd, task: Publishing) -> None:
    """Let the base know that the content came from the volume: what the volume has by now may be something newer."""
    base, node = end.state.base, task.node
    before = base.get(node.id)
    if before is not None:
        agreed = before._replace(digest=node.digest, size=node.size, target=node.target, mtime_ns=node.mtime_ns)
        base.put_all([agreed])
    elif task.is_as_there and (node.parent == ROOT or base.get(node.parent) is not None):
        base.put_all([node])


def _is_ours(end: LocalEnd, task: Publishing, place: Place, found: Found | None) -> bool:
    """Tell whether what stands at a place is what was staged; where inodes tell nothing, it is read."""
    if found is None or found.kind != task.node.kind:
        return False
    return found.ino == task.ino if end.settings.ids_are_stable else end.has_substance(task.node, place)


def _is_cleared(end: LocalEnd, displaces: Trashing) -> bool:
    """Tell whether what stood in the target lies in the trash already."""
    return end.disk.look(displaces.hidden) is not None
