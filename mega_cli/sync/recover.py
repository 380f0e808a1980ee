"""Recover: what a crash left half done is finished or undone, before anything is observed.

Which of the two is read from the disk, by inodes. What cannot be recovered now stays in the journal, and its node
stands still. Nothing of the user's is ever removed here.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Final

import msgspec

from mega_cli.localfs.disk import Place
from mega_cli.reconcile.nodes import ROOT, Node, NodeId
from mega_cli.reconcile.situation import Reason
from mega_cli.state.sync_state import JournalRow, state_failures
from mega_cli.sync import folders, publish, relocate, trash
from mega_cli.sync.local_end import TMP, LocalEnd, UnfitError

_PART_KEPT_NS: Final = 86_400 * 10**9
_TYPES: Final[Mapping[str, type[msgspec.Struct]]] = {
    publish.KIND: publish.Publishing,
    trash.KIND: trash.Trashing,
    relocate.MOVE: relocate.Moving,
    relocate.PARK: relocate.Parking,
    folders.MAKE: folders.Making,
    folders.REMOVE: folders.Removing,
}


def recover(end: LocalEnd) -> dict[NodeId, Reason]:
    """Settle every note of the journal; give the nodes for which that failed. What is parked comes last."""
    failed: dict[NodeId, Reason] = {}
    end.parked.clear()
    end.unsynced.clear()
    for row in sorted(end.state.journal(), key=lambda row: (row.kind == relocate.PARK, row.id)):
        with state_failures():
            task = msgspec.convert(row.facts, _TYPES[row.kind])
        try:
            with end.state.transaction():
                # What the crash left may have happened and yet not be durable: it is made so before it is believed.
                end.unsynced.update(dict.fromkeys(place[:-1] for place in _places(row)))
                _settle(end, task)
                end.make_names_durable()
                end.state.end(row.id)
        except OSError:
            failed[_id_of(task)] = Reason.FAILED
    return failed


def _settle(end: LocalEnd, task: msgspec.Struct) -> None:
    """Finish one, or leave it undone; folders are made and removed in one call. Raises OSError."""
    try:
        if isinstance(task, publish.Publishing):
            publish.finish(end, task, is_late=True)
        elif isinstance(task, trash.Trashing):
            trash.finish(end, task)
        elif isinstance(task, relocate.Moving):
            relocate.finish_move(end, task)
        elif isinstance(task, relocate.Parking):
            relocate.bring_back(end, task)
    except UnfitError:
        return  # the user has been there since: the next scan sees what is


def _id_of(task: msgspec.Struct) -> NodeId:
    if isinstance(task, publish.Publishing | relocate.Moving | folders.Making):
        return task.node.id
    assert isinstance(task, trash.Trashing | relocate.Parking | folders.Removing)
    return task.row.node.id


def sweep(end: LocalEnd) -> None:
    """Clear `.mega/tmp` of what no note names: what was fetched goes, what may be the user's is kept.

    A large file's part is kept for a day, since a later run goes on with it; more would fill the disk. What may be the
    user's is left only when the state was lost, or a crash fell just before its note. What the disk refuses is left for
    the next time. Raises OSError when it cannot be listed.
    """
    now_ns = end.clock.now_ns()
    named = {place for row in end.state.journal() for place in _places(row)}
    for name, found, _ in end.disk.list_folder(TMP):
        place = (*TMP, name)
        if place in named or found is None:
            continue
        with suppress(OSError):
            is_old = abs(now_ns - found.stamps.mtime_ns) >= _PART_KEPT_NS
            if name.startswith(publish.FRESH) or (name.startswith(publish.PART) and is_old):
                end.disk.remove_file(place)
                continue
            with end.state.transaction():
                if name.startswith(relocate.PARKED):
                    end.surface(place, (b"recovered",), Node(ROOT, ROOT, "recovered", "f"))
                elif name.startswith(publish.EXCHANGED):
                    trash.keep_unknown(end, place, found)
                end.make_names_durable()


def _places(row: JournalRow) -> list[Place]:
    """Give the places that a note names."""
    names = (row.facts.get(fact) for fact in ("tmp", "hidden", "between", "place", "source", "target"))
    displaced = row.facts.get("displaces")
    inner = [displaced["place"], displaced["hidden"]] if isinstance(displaced, dict) else []
    return [tuple(name) for name in (*names, *inner) if isinstance(name, list)]
