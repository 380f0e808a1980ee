"""Remove a folder that should be empty. What sync does not know of keeps it; what systems litter goes to the trash."""

from __future__ import annotations

import errno
from typing import Final

from mega_cli.localfs.disk import Place
from mega_cli.reconcile.actions import RemoveFolder
from mega_cli.reconcile.nodes import Node
from mega_cli.state.sync_trees import LocalRow
from mega_cli.sync.local_end import LocalEnd, UnfitError, made_stamps
from mega_cli.sync.trash import put_in_trash, trashing_of

LITTER: Final = frozenset({b".DS_Store", b"Thumbs.db", b"desktop.ini"})
"""Files that systems leave in folders by themselves, and that are never synced."""


def remove_folder(end: LocalEnd, action: RemoveFolder) -> None:
    """Remove a folder, in a transaction. Raises UnfitError when it is another one by now, OSError: `ENOTEMPTY`."""
    row = end.row_as(action.before)
    place = end.place_of(row.node.id)
    end.check(row, place)
    try:
        _remove(end, place)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST) or not _clear_litter(end, row.node, place):
            raise
        _remove(end, place)
    end.state.local.remove_all([row.node.id])


def _remove(end: LocalEnd, place: Place) -> None:
    try:
        end.writing_in((place[:-1],), lambda: end.disk.remove_folder(place))
    except FileNotFoundError as error:
        raise UnfitError from error


def _clear_litter(end: LocalEnd, folder: Node, place: Place) -> bool:
    """Put litter into the trash, if there is nothing else."""
    lines = end.disk.list_folder(place)
    if any(line.name not in LITTER or line.found is None or line.found.kind != "f" for line in lines):
        return False
    for line in lines:
        assert line.found is not None
        litter = (*place, line.name)
        node = Node(end.chance.random_bytes(16), folder.id, line.name.decode(), "f", end.digest(litter))
        row = LocalRow(node, line.name, made_stamps(line.found), is_racy=True)
        task = trashing_of(end, row, litter)
        put_in_trash(end, task, litter)
    return True
