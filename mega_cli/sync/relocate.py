"""Move a node on this disk, or park it in `.mega/tmp` while a circle of moves needs its place.

A move goes to a free name, or nowhere. Whatever a crash leaves parked is brought back, to where it was or to where it
should go; it is never removed.
"""

from __future__ import annotations

import unicodedata
from typing import Final, final

import msgspec

from mega_cli.localfs.disk import Found, Place
from mega_cli.localfs.stat_print import StatPrint
from mega_cli.reconcile.actions import MoveNode, ParkNode
from mega_cli.reconcile.nodes import ROOT, Node
from mega_cli.state.sync_trees import LocalRow
from mega_cli.sync.local_end import TMP, LocalEnd, UnfitError

MOVE: Final = "move"
PARK: Final = "park"
PARKED: Final = b"mv-"
"""Begins the name of what is parked: the user's, never removed."""
_OWNER_READS: Final = 0o400


@final
class Moving(msgspec.Struct, frozen=True):
    """What the journal keeps of a move: the row as it was, the node as it will be. `between`: a stop on the way."""

    row: LocalRow
    node: Node
    source: Place
    target: Place
    between: Place | None

    def __repr__(self) -> str:
        """Show no name."""
        return f"Moving({self.node!r})"


@final
class Parking(msgspec.Struct, frozen=True):
    """What the journal keeps of a node that is parked, and where it should go."""

    row: LocalRow
    node: Node
    source: Place
    hidden: Place

    def __repr__(self) -> str:
        """Show no name."""
        return f"Parking({self.node!r})"


def moving_of(end: LocalEnd, action: MoveNode) -> Moving:
    """Look over a move. Raises UnfitError, OSError."""
    row = end.row_as(action.before)
    source, target = end.place_of(action.node.id), end.place_for(action.node, row)
    here, there = end.disk.look(source), end.disk.look(target)
    if here is None or not _is_it(end, row, here):
        raise UnfitError
    between = None
    if there is None or there.ino != here.ino:
        end.require_free(action.node, target)
    else:
        has_names = there.kind != "d" and there.links > 1
        if has_names or source[:-1] != target[:-1]:
            raise UnfitError
        between = (*TMP, PARKED + end.token())  # one name in two spellings, on a disk that compares them as equal
    node = row.node._replace(parent=action.node.parent, name=action.node.name)
    return Moving(row, node, source, target, between)


def parking_of(end: LocalEnd, action: ParkNode, node: Node) -> Parking:
    """Look over what is to be parked; `node` is what it will be in the end. Raises UnfitError, OSError."""
    row = end.row_as(action.before)
    source = end.place_of(row.node.id)
    here = end.disk.look(source)
    if here is None or not _is_it(end, row, here):
        raise UnfitError
    return Parking(row, node, source, (*TMP, PARKED + end.token()))


def move(end: LocalEnd, task: Moving) -> None:
    """Move, in a transaction. Raises UnfitError when the name is taken or nothing is there, OSError."""
    try:
        if task.between is not None:
            end.rename(task.source, task.between)
        end.rename(task.between or task.source, task.target)
    except (FileExistsError, FileNotFoundError) as error:
        if task.between is not None:
            finish_move(end, task)
        raise UnfitError from error
    if not finish_move(end, task):
        raise UnfitError


def finish_move(end: LocalEnd, task: Moving) -> bool:
    """Finish what was begun, wherever it was left; tell whether it is where it should be. Raises OSError."""
    if task.between is not None and end.disk.look(task.between) is not None:
        return _unpark(end, task.row, task.between, (task.node, task.row.node)) == task.node
    if not _is_there(end, task):
        return False
    end.parked.pop(task.node.id, None)
    _put_moved(end, task.row, task.node, task.target)
    return True


def park(end: LocalEnd, task: Parking) -> None:
    """Put a node out of the way. Raises UnfitError, OSError."""
    try:
        end.rename(task.source, task.hidden)
    except FileNotFoundError as error:
        raise UnfitError from error
    end.parked[task.row.node.id] = task.hidden


def bring_back(end: LocalEnd, task: Parking) -> None:
    """Bring back what is still parked: to its old place, else to its new one, else to the top; in a transaction."""
    if end.disk.look(task.hidden) is not None:
        _unpark(end, task.row, task.hidden, (task.row.node, task.node))
    end.parked.pop(task.row.node.id, None)


def _unpark(end: LocalEnd, row: LocalRow, hidden: Place, choices: tuple[Node, ...]) -> Node:
    """Bring a node to the first of these places that is free, else to the top, and say where it is."""
    end.parked.pop(row.node.id, None)
    for choice in choices:
        try:
            place = end.place_for(choice, row)
        except UnfitError:
            continue
        if not end.rename_if_free(hidden, place):
            continue
        node = row.node._replace(parent=choice.parent, name=choice.name)
        _put_moved(end, row, node, place)
        return node
    copy = end.show_beside(hidden, (row.disk_name,), row.node.name)
    # To the next plan it was renamed here, and the volume's name stands.
    node = row.node._replace(parent=ROOT, name=copy[-1].decode())
    _put_moved(end, row, node, copy)
    return node


def _put_moved(end: LocalEnd, row: LocalRow, node: Node, place: Place) -> None:
    """Note where it is now. Its new name has changed its ctime, and hides what was written just before.

    What its owner may not read is believed: to look again would end in an error, for ever.
    """
    may_read = bool(StatPrint(*row.stamps[:6]).mode & _OWNER_READS)
    end.put_row(node, place, row.stamps, is_unread=row.is_racy or may_read)


def _is_it(end: LocalEnd, row: LocalRow, found: Found) -> bool:
    """Tell whether it is the same file, whatever it holds by now."""
    is_same = not end.settings.ids_are_stable or found.ino == StatPrint(*row.stamps[:6]).ino
    return found.kind == row.node.kind and is_same


def _is_there(end: LocalEnd, task: Moving) -> bool:
    """Tell whether it has its new name; a disk that folds names has to be asked for their spelling."""
    found = end.disk.look(task.target)
    if found is None or not _is_it(end, task.row, found):
        return False
    if task.between is None:
        return True
    names = {unicodedata.normalize("NFC", line.name.decode()) for line in end.disk.list_folder(task.target[:-1])}
    return task.node.name in names
