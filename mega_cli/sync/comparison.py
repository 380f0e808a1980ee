"""Compare the three trees of the state: what the planner is told, and what both sides agree on by now.

It costs what was touched, not what there is. It never writes but the base, and there only what `settle` proves.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Final

from mega_cli.reconcile.nodes import ROOT, Delta, Node, NodeId, Overlay, TreeView, below, path_of
from mega_cli.reconcile.settle import settle
from mega_cli.reconcile.situation import Reason, Situation
from mega_cli.reconcile.trees import Below
from mega_cli.state.sync_state import SyncState
from mega_cli.state.sync_trees import Remembered

Frozen = Mapping[NodeId, Reason]
_DIGEST_BYTES: Final = 32


def situation_of(state: SyncState, stalled: Frozen, past: frozenset[bytes]) -> Situation:
    """Say what is different from the base, of what was touched.

    What is stalled counts as standing where the base has it, so what stands there by now is stalled as well.
    """
    absent, touched = state.absent(), state.touched()
    base = Remembered(state.base, touched)
    local = _local_delta(state, base, touched, {*stalled, *absent})
    while held := _in_the_way(state, base, touched, local, stalled):
        stalled = {**stalled, **held}
        local = _local_delta(state, base, touched, {*stalled, *absent})
    remote = _delta(base, state.remote.get_all(touched))
    return Situation(
        base=base,
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
    base, remote = Remembered(state.base, touched), Remembered(state.remote, touched)
    local = _local_delta(state, base, touched, absent.keys())
    agreed = settle(touched, base, Overlay(base, local), remote, absent)
    state.base.put_all(node for node in agreed.values() if node is not None)
    state.base.remove_all(id_ for id_, node in agreed.items() if node is None)

    def is_equal(id_: NodeId) -> bool:
        now = agreed.get(id_, base.get(id_))
        return now == remote.get(id_) == local.get(id_, now)

    state.forget_touched(list(filter(is_equal, touched)))


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
    absent, touched = state.absent(), state.touched()
    base, remote, local = (Remembered(table, touched) for table in (state.base, state.remote, state.local))
    found = set()
    for id_ in touched:
        node = remote.get(id_)
        if node is None or base.get(id_) is not None or local.get(id_) is not None:
            continue
        path = path_of(remote, id_)
        if path is not None and excludes(path, is_folder=node.kind == "d"):
            found.add(id_)
    roots = [id_ for id_ in found - absent.keys() if not _lies_under(id_, remote, found | absent.keys())]
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


def _delta(base: TreeView, nodes: Delta) -> dict[NodeId, Node | None]:
    """Give what differs from the base."""
    return {id_: node for id_, node in nodes.items() if node != base.get(id_)}


def _local_delta(
    state: SyncState, base: TreeView, ids: Iterable[NodeId], frozen: Collection[NodeId]
) -> dict[NodeId, Node | None]:
    """Give what differs on this disk, but for what is frozen and what lies below it.

    What was below it and is seen elsewhere, because its folder moved out, is given even where it is as it was.
    """
    delta = _delta(base, state.local.get_all(ids))
    if not frozen:
        return delta
    seen = {id_: node for id_, node in delta.items() if not _is_under(id_, node, state, frozen)}
    moved = [node for id_, node in seen.items() if node is not None and node.kind == "d" and base.get(id_) is not None]
    for folder in moved:
        if _is_under(folder.id, None, state, frozen):
            inside = (node for node in below(state.local, folder.id) if not _is_under(node.id, node, state, frozen))
            seen.update((node.id, node) for node in inside)
    return seen


def _in_the_way(
    state: SyncState, base: TreeView, touched: Iterable[NodeId], local: Delta, stalled: Frozen
) -> dict[NodeId, Reason]:
    """Give what stands where the base has a node that is told as unchanged, and is elsewhere by now, or nowhere."""
    believed: dict[tuple[NodeId, str], Reason] = {}
    marks = Below(state.local, stalled)
    for id_, now in state.local.get_all(touched if stalled else ()).items():
        before = base.get(id_)
        if before is not None and id_ not in local and (now is None or now.place != before.place):
            reason = stalled.get(id_) if now is None else marks.reason(id_)
            if reason is not None:
                believed[before.place] = reason
    found = ((node, believed.get(node.place)) for node in local.values() if believed and node is not None)
    return {node.id: reason for node, reason in found if reason is not None}


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
