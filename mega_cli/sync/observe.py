"""Observe: let the state hold what both sides are now. It changes neither, and draws no conclusion."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from mega_cli.reconcile.nodes import NodeId, below
from mega_cli.reconcile.situation import Reason
from mega_cli.state.sync_state import SyncState
from mega_cli.sync.apply_remote import keep_mark, mark_of
from mega_cli.sync.remote import RemoteFolder, Sight

_UNHELD: Final = "unheld"
_ID_BYTES: Final = 16


def observe_remote(state: SyncState, remote: RemoteFolder) -> set[NodeId]:
    """Take over the verified head; give the ids of what is different.

    Raises MegaErrors: then nothing was taken over.
    """
    sight = remote.observe(mark_of(state))
    there = {change.id: change.node for change in sight.changes if change.node is not None}
    gone = {change.id for change in sight.changes if change.node is None} - there.keys()
    with state.transaction():
        if sight.is_whole:
            gone |= {node.id for node in state.remote} - there.keys()
        changed = {id_ for id_, node in there.items() if state.remote.get(id_) != node}
        gone -= _kept(state, sight, there.keys())
        state.remote.remove_all(sorted(gone))
        state.remote.put_all(there[id_] for id_ in sorted(changed))
        keep_mark(state, sight.mark)
    return changed | gone


def _kept(state: SyncState, sight: Sight, held: Iterable[NodeId]) -> set[NodeId]:
    """Keep what sync cannot hold any more, with all below it, as it was: it is there, and no deletion.

    Until it is told to be gone: such a node is told of once more then.
    """
    gone = {change.id for change in sight.changes if change.node is None}
    before = set() if sight.is_whole else set(_unheld(state)) - gone
    unheld = (before | {id_ for id_, _ in sight.unheld}) - set(held)
    state.keep(_UNHELD, b"".join(sorted(unheld)) or None)
    known = [id_ for id_ in unheld if state.remote.get(id_) is not None]
    return {*known, *(node.id for id_ in known for node in below(state.remote, id_))}


def unheld_stalls(state: SyncState) -> Mapping[NodeId, Reason]:
    """Give the nodes of the remote table that sync can hold no longer: nothing is done about them."""
    return {id_: Reason.SPECIAL_FILE for id_ in _unheld(state) if state.remote.get(id_) is not None}


def _unheld(state: SyncState) -> list[NodeId]:
    raw = state.value(_UNHELD) or b""
    return [raw[at : at + _ID_BYTES] for at in range(0, len(raw), _ID_BYTES)]
