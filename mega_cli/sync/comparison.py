"""Compare the three trees of the state: what the planner is told, and what both sides agree on by now.

It costs what was touched, not what there is. It never writes but the base, and there only what `settle` proves.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Final

from mega_cli.reconcile.nodes import ROOT, Delta, Node, NodeId, Overlay, TreeView, below, path_of
from mega_cli.reconcile.settle import settle
from mega_cli.reconcile.situation import Reason, Situation
from mega_cli.state.sync_state import SyncState

Frozen = Mapping[NodeId, Reason]
_DIGEST_BYTES: Final = 32


def situation_of(state: SyncState, stalled: Frozen, past: frozenset[bytes]) -> Situation:
    """Say what is different from the base, of what was touched."""
    absent = state.absent()
    touched = state.touched()
    local = _local_delta(state, touched, {*stalled, *absent})
    remote = _delta(state.base, state.remote.get, touched)
    return Situation(
        base=state.base,
        local=local,
        remote=remote,
        stalled=stalled,
        absent=absent,
        past=past,
        base_files=state.base.count_files() if None in (*local.values(), *remote.values()) else 0,
    )


def settle_state(state: SyncState) -> None:
    """Let the base take over what both sides agree on, and forget what is then equal everywhere; in a transaction."""
    _see_absent(state)
    absent, touched = state.absent(), state.touched()
    local = Overlay(state.base, _local_delta(state, touched, absent.keys()))
    agreed = settle(touched, state.base, local, state.remote, absent)
    state.base.put_all(node for node in agreed.values() if node is not None)
    state.base.remove_all(id_ for id_, node in agreed.items() if node is None)
    state.forget_touched(
        [id_ for id_ in state.touched() if state.base.get(id_) == state.remote.get(id_) == local.get(id_)]
    )


def widen_absent(state: SyncState, absent: Iterable[tuple[NodeId, Reason]]) -> None:
    """Let these be absent beside those that were, until they are seen on the disk; in a transaction.

    What was absent and shall be no longer stays so until then: it was not fetched yet, and that is no deletion.
    """
    state.keep_absent(sorted({**state.absent(), **dict(absent)}.items()))


def exclude(state: SyncState, excluded: Frozen, included: Iterable[NodeId]) -> None:
    """Let go of what rules leave out: both sides keep it; in a transaction.

    What they leave out no longer is forgotten, with all below it: it is new on both sides.
    """
    before = state.absent()
    back = {id_ for root in included for id_ in (root, *(node.id for node in below(state.base, root)))}
    after = {id_: reason for id_, reason in {**before, **excluded}.items() if id_ not in back}
    if after != before:
        state.keep_absent(sorted(after.items()))
    state.base.remove_all(sorted(back))


def leave_out(state: SyncState, excludes: Callable[..., bool]) -> None:
    """Let what is new in the volume, and what rules leave out here, be absent; in a transaction."""
    absent = state.absent()
    found = set()
    for id_ in state.touched():
        node = state.remote.get(id_)
        if node is None or state.base.get(id_) is not None or state.local.get(id_) is not None:
            continue
        path = path_of(state.remote, id_)
        if path is not None and excludes(path, is_folder=node.kind == "d"):
            found.add(id_)
    roots = [id_ for id_ in found - absent.keys() if not _lies_under(id_, state.remote, found | absent.keys())]
    if roots:
        widen_absent(state, [(id_, Reason.EXCLUDED) for id_ in roots])


def _lies_under(id_: NodeId, tree: TreeView, roots: Collection[NodeId]) -> bool:
    """Tell whether a folder above a node is one of these; the tree is well formed."""
    node = tree.get(id_)
    while node is not None and node.parent != ROOT:
        if node.parent in roots:
            return True
        node = tree.get(node.parent)
    return False


def _see_absent(state: SyncState) -> None:
    """Take out of the absent what is on this disk after all; a folder passes its reason on to what is not seen yet."""
    before = state.absent()
    after: dict[NodeId, Reason] = {}
    waiting = list(before.items())
    while waiting:
        id_, reason = waiting.pop()
        if state.local.get(id_) is not None:
            waiting += [(child.id, reason) for child in state.base.children(id_)]
        elif state.base.get(id_) is not None or state.remote.get(id_) is not None:
            after[id_] = reason
    if after != before:
        state.touch(node.id for id_ in before.keys() - after.keys() for node in below(state.base, id_))
        state.keep_absent(sorted(after.items()))


def _delta(base: TreeView, get: Callable[[NodeId], Node | None], ids: Iterable[NodeId]) -> Delta:
    """Give what differs from the base."""
    return {id_: node for id_ in ids if (node := get(id_)) != base.get(id_)}


def _local_delta(state: SyncState, ids: Iterable[NodeId], frozen: Collection[NodeId]) -> Delta:
    """Give what differs on this disk, but for what is frozen and what lies below it."""
    delta = _delta(state.base, state.local.get, ids)
    if not frozen:
        return delta
    return {id_: node for id_, node in delta.items() if not _is_under(id_, node, state, frozen)}


def _is_under(id_: NodeId, node: Node | None, state: SyncState, frozen: Collection[NodeId]) -> bool:
    """Tell whether a node, or a folder above it where it stands, or stood when it is gone, is frozen."""
    if ROOT in frozen:
        return True
    tree: TreeView = state.base if node is None else state.local
    seen: set[NodeId] = set()
    while id_ != ROOT and id_ not in seen:
        if id_ in frozen:
            return True
        seen.add(id_)
        above = tree.get(id_) or state.base.get(id_)
        if above is None:
            return False
        id_ = above.parent
    return False
