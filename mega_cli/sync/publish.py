"""Publish a file or link: staged in `.mega/tmp`, durable, then given its name in one step that replaces nothing unseen.

What it takes the place of goes into the local trash when it is what the plan knew, looked at after the exchange;
otherwise somebody saved meanwhile, and those bytes get a conflict copy's name beside it. A visible name never shows
part of a file. A note in the journal is durable before the step, so that `finish` can be called again after a crash.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Final, final

import msgspec

from mega_cli.errors import LimitError
from mega_cli.localfs.disk import NO_EXCHANGE, Found, NewFile, Place
from mega_cli.localfs.stat_print import StatPrint
from mega_cli.reconcile.actions import FetchFile, WriteLink
from mega_cli.reconcile.nodes import Node
from mega_cli.state.sync_trees import LocalRow
from mega_cli.sync.local_end import TMP, LocalEnd, UnfitError, made_stamps
from mega_cli.sync.trash import Trashing, put_in_trash, trashing_of

KIND: Final = "publish"
FRESH: Final = b"new-"
"""Begins the name of what is published where nothing is: what is left of it is ours, and may be removed."""
EXCHANGED: Final = b"put-"
"""Begins the name of what is exchanged: what is left of it may be the user's, and is never removed."""


@final
class Publishing(msgspec.Struct, frozen=True):
    """What the journal keeps. `displaces` is what stands there now, as it would go into the trash."""

    node: Node
    target: Place
    tmp: Place
    made: tuple[int, ...]
    """The stamps of what lies in `tmp`."""
    displaces: Trashing | None

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
        self.tmp: Place = (*TMP, FRESH + end.token())
        self._file: NewFile | None = None

    def _expect(self) -> None:
        """Compare what stands in the target with what should. Raises UnfitError."""
        if self._row is not None:
            self._end.check(self._row, self.target)
        else:
            self._end.require_free(self.node, self.target)

    def open(self) -> NewFile:
        """Make the file, if the disk has room for it. Raises LimitError, OSError."""
        least_bytes = self._end.settings.free_least_bytes
        if self._end.disk.free_bytes() - self.node.size < least_bytes:
            message = f"to fetch it would leave less than {least_bytes >> 20:,} MiB free on this disk"
            raise LimitError(message, "free some space and run the same command again")
        self._file = self._end.disk.make_file(self.tmp)
        return self._file

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
            return Publishing(self.node, self.target, self.tmp, made, None)
        displaces = trashing_of(self._end, self._row, self.target)
        ours = (*TMP, EXCHANGED + self._end.token())
        self._end.rename(self.tmp, ours)
        self.tmp = ours
        return Publishing(self.node, self.target, self.tmp, made, displaces)

    def drop(self) -> None:
        """Remove what was fetched of it."""
        if self._file is not None:
            self._file.close()
            with suppress(FileNotFoundError):
                self._end.disk.remove_file(self.tmp)


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


def finish(end: LocalEnd, task: Publishing) -> bool:
    """Finish what was begun, wherever it was left; tell whether it was published. In a transaction. Raises OSError."""
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
        end.put_row(task.node, task.target, task.made)
    return is_published


def _is_ours(end: LocalEnd, task: Publishing, place: Place, found: Found | None) -> bool:
    """Tell whether what stands at a place is what was staged; where inodes tell nothing, it is read."""
    if found is None or found.kind != task.node.kind:
        return False
    return found.ino == task.ino if end.settings.ids_are_stable else end.has_substance(task.node, place)


def _is_cleared(end: LocalEnd, displaces: Trashing) -> bool:
    """Tell whether what stood in the target lies in the trash already."""
    return end.disk.look(displaces.hidden) is not None
