"""Make a folder, or remove one that should be empty: what sync does not know of keeps it, litter goes to the trash.

The journal knows of both for one reason: what a crash left done must be made durable before the next scan believes it.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from typing import Final, final

import msgspec

from mega_cli.localfs.disk import Listed, Place
from mega_cli.reconcile.actions import MakeFolder, RemoveFolder
from mega_cli.reconcile.nodes import Node, NodeId
from mega_cli.state.sync_trees import LocalRow
from mega_cli.sync.local_end import LocalEnd, UnfitError, made_stamps
from mega_cli.sync.trash import put_in_trash, trashing_of

MAKE: Final = "make-folder"
REMOVE: Final = "remove-folder"
LITTER: Final = frozenset({b".DS_Store", b"Thumbs.db", b"desktop.ini"})
"""Files that systems leave in folders by themselves, and that are never synced."""


@final
class Making(msgspec.Struct, frozen=True):
    """What the journal keeps of a folder that is made."""

    node: Node
    place: Place

    def __repr__(self) -> str:
        """Show no name."""
        return f"Making({self.node!r})"


@final
class Removing(msgspec.Struct, frozen=True):
    """What the journal keeps of a folder that is removed."""

    row: LocalRow
    place: Place

    def __repr__(self) -> str:
        """Show no name."""
        return f"Removing({self.row!r})"


def makings_of(end: LocalEnd, actions: Mapping[int, MakeFolder]) -> dict[int, Making]:
    """Say where folders will stand, some of them in others; leave out those whose own folder is not there."""
    places: dict[NodeId, Place] = {}
    tasks = {}
    for index, action in actions.items():
        node = action.node
        try:
            above = places[node.parent] if node.parent in places else end.place_of(node.parent)
        except UnfitError:
            continue
        places[node.id] = (*above, node.name.encode())
        tasks[index] = Making(node, places[node.id])
    return tasks


def make_folder(end: LocalEnd, task: Making) -> None:
    """Make a folder, in a transaction. Raises UnfitError when something is there, OSError."""
    end.require_free(task.node, task.place)
    end.writing_in((task.place[:-1],), lambda: end.disk.make_folder(task.place, task.node.mode))
    end.put_row(task.node, task.place)


def removing_of(end: LocalEnd, action: RemoveFolder) -> Removing:
    """Find the folder that is to go. Raises UnfitError."""
    row = end.row_as(action.before)
    return Removing(row, end.place_of(row.node.id))


def remove_folder(end: LocalEnd, task: Removing) -> None:
    """Remove a folder, in a transaction. Raises UnfitError when it is another one by now, OSError: `ENOTEMPTY`.

    While rows lie in it that nothing on the disk stands for any more, it stays: their absence is not proven yet.
    """
    end.check(task.row, task.place)
    if any(child.id not in end.parked for child in end.state.local.children(task.row.node.id)):
        if end.disk.list_folder(task.place):
            raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY))
        raise UnfitError
    try:
        _remove(end, task.place)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST) or not _clear_litter(end, task.row.node, task.place):
            raise
        _remove(end, task.place)
    end.state.local.remove_all([task.row.node.id])  # what is parked keeps its row, and all below that too


def keeps_something(end: LocalEnd, id_: NodeId) -> bool:
    """Tell whether a folder holds what sync does not know of, and what is no litter."""
    try:
        lines = end.disk.list_folder(end.place_of(id_))
    except (UnfitError, OSError):
        return False
    known = {row.disk_name for row in end.state.local.rows(id_)}
    return any(line.name not in known and not _is_litter(line) for line in lines)


def _remove(end: LocalEnd, place: Place) -> None:
    try:
        end.writing_in((place[:-1],), lambda: end.disk.remove_folder(place))
    except FileNotFoundError as error:
        raise UnfitError from error


def _is_litter(line: Listed) -> bool:
    """Tell whether no person wrote it; a folder of such a name may hold anything."""
    return line.name in LITTER and line.found is not None and line.found.kind == "f"


def _clear_litter(end: LocalEnd, folder: Node, place: Place) -> bool:
    """Put litter into the trash, if there is nothing else."""
    lines = end.disk.list_folder(place)
    if not all(map(_is_litter, lines)):
        return False
    for line in lines:
        assert line.found is not None
        litter = (*place, line.name)
        node = Node(end.chance.random_bytes(16), folder.id, line.name.decode(), "f", end.digest(litter))
        row = LocalRow(node, line.name, made_stamps(line.found), is_racy=True)
        task = trashing_of(end, row, litter)
        put_in_trash(end, task, litter)
    return True
