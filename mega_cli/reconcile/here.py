"""Here: what of the target this disk is to hold now.

Left out is what it cannot hold; left as it is, what may not be touched or has bytes that the remote still lacks. What
is left as it is can only make more stay as it is, down to doing nothing at all, and doing nothing is always a tree.
"""

from __future__ import annotations

from typing import NamedTuple, final

from mega_cli.reconcile.materialise import fold, materialise
from mega_cli.reconcile.nodes import ROOT, Node, NodeId, Overlay, TreeView, below
from mega_cli.reconcile.situation import DiskRules, Reason
from mega_cli.reconcile.trees import Below, Trees


class Here(NamedTuple):
    """What this disk is to hold, over the base; what is absent on purpose then; and what is left as it is."""

    disk: Overlay
    ids: list[NodeId]
    """Every node that is or will be here in another state than the base's."""
    absent: dict[NodeId, Reason]
    waiting: dict[NodeId, Reason]


def hold(tree: Overlay, trees: Trees, rules: DiskRules) -> Here:
    """Take out of the target what this disk cannot hold, and leave as it is what cannot be done now."""
    marks = trees.absent.marks
    absent = materialise(tree, [*tree.delta, *marks], marks, lambda node: _preference(node, trees), rules)
    missing = Below(tree, absent)
    ids = _concerned(tree, trees, missing)
    disk = Overlay(trees.base, {id_: None if missing.reason(id_) else tree.get(id_) for id_ in ids})
    waits = {id_: reason for id_ in ids if (reason := _reason_to_wait(id_, disk, tree, trees, missing))}
    may_wait = bool(waits or trees.stalled.marks)
    waiting = _Waiting(disk, ids, trees, rules).leave(waits) if may_wait else {}
    left = {id_: reason for id_, reason in absent.items() if id_ not in waiting}
    return Here(disk, ids, {**_coming(ids, tree, trees, missing), **_leaving(ids, tree, trees, disk), **left}, waiting)


def leave_alone(tree: Overlay, trees: Trees) -> Here:
    """Change nothing here: what was absent stays so, also where its folder moved into sight."""
    absent = {id_: reason for id_, reason in trees.absent.marks.items() if tree.get(id_) is not None}
    missing = Below(tree, absent)
    return Here(trees.local, [], {**_coming(_concerned(tree, trees, missing), tree, trees, missing), **absent}, {})


def _concerned(tree: Overlay, trees: Trees, missing: Below) -> list[NodeId]:
    """Give what may change here: what the target changes, and all that comes into sight or goes out of it."""
    ids = set(tree.delta)
    for id_ in sorted({*tree.delta, *trees.absent.marks, *missing.marks}):
        node = tree.get(id_)
        if node is not None and trees.absent.may_hide(id_) != (missing.reason(id_) is not None):
            ids |= {id_, *(child.id for child in below(tree, id_))}
    return sorted(ids)


def _coming(ids: list[NodeId], tree: Overlay, trees: Trees, missing: Below) -> dict[NodeId, Reason]:
    """Give what was absent and shall be here: absent until it is seen, or a failed fetch would be a deletion."""
    found = {
        id_: node.parent
        for id_ in ids
        if (node := tree.get(id_)) is not None and trees.absent.reason(id_) is not None and missing.reason(id_) is None
    }
    return {id_: Reason.FAILED for id_, parent in found.items() if parent not in found}


def _leaving(ids: list[NodeId], tree: Overlay, trees: Trees, disk: Overlay) -> dict[NodeId, Reason]:
    """Give what is here and shall only be there: absent from now on, or a removal half done would be a deletion.

    What the base has in another of them goes without saying; what merely lies in one here does not: once it is gone,
    only the base tells where it was.
    """
    found = {
        id_: (trees.base.get(id_) or here).parent
        for id_ in ids
        if tree.get(id_) is not None and disk.get(id_) is None and (here := trees.here(id_)) is not None
    }
    return {id_: Reason.FAILED for id_, parent in found.items() if parent not in found}


def _preference(node: Node, trees: Trees) -> tuple[bool, ...]:
    """Let keep a name on this disk what may not be touched, then what has it already, then what the remote has."""
    here = trees.here(node.id)
    return (
        trees.stalled.reason(node.id) is None,
        here is None or here.place != node.place,
        trees.remote.get(node.id) is None,
    )


def _reason_to_wait(id_: NodeId, disk: Overlay, tree: Overlay, trees: Trees, missing: Below) -> Reason | None:
    """Say why a node may not be touched now: it cannot be trusted, or is still needed here to be uploaded."""
    here, target = trees.here(id_), tree.get(id_)
    if here == disk.get(id_):
        return None
    if (stalled := trees.stalled.reason(id_)) is not None:
        return stalled
    if target is None or target.kind == "d":
        return None
    there = trees.remote.get(id_)
    return None if there is not None and there.substance == target.substance else missing.reason(id_)


@final
class _Waiting:
    """Nodes that are left as they are, and then those that are in the way of that, until what is left is a tree."""

    def __init__(self, disk: Overlay, ids: list[NodeId], trees: Trees, rules: DiskRules) -> None:
        self._disk, self._ids, self._trees = disk, ids, trees
        self._rules = rules
        self._waiting: dict[NodeId, Reason] = {}
        self._taken: dict[tuple[NodeId, str], NodeId] = {}

    def leave(self, found: dict[NodeId, Reason]) -> dict[NodeId, Reason]:
        """Leave these and all that depends on them; give them all, with reasons."""
        while True:
            self._waiting |= found
            for id_ in found:
                here = self._trees.here(id_)
                if here is None:
                    self._disk.remove(id_)
                else:
                    self._disk.put(here)
                    self._taken[self._folded(here)] = id_
            others = (id_ for id_ in self._ids if id_ not in self._waiting)
            found = {id_: reason for id_ in others if (reason := self._obstacle(id_))}
            if not found:
                return self._waiting

    def _obstacle(self, id_: NodeId) -> Reason | None:
        """Say what is in the way of a node.

        | to be done | in the way | reason |
        |---|---|---|
        | remove a folder | something stays in it | `DIR_NOT_EMPTY` |
        | arrive | below a stalled folder | that folder's |
        | arrive | the new folder does not come, or something stays at the place | that one's |
        | arrive | the new folder stays below the node itself | `HELD` |
        """
        want, here = self._disk.get(id_), self._trees.here(id_)
        if want is None:
            is_kept = here is not None and here.kind == "d" and self._disk.children(id_)
            return Reason.DIR_NOT_EMPTY if is_kept else None
        if here is not None and here.place == want.place:
            return None
        if (stalled := self._trees.stalled.reason(want.parent)) is not None:
            return stalled
        if want.parent != ROOT and self._disk.get(want.parent) is None:
            return self._waiting.get(want.parent, Reason.HELD)
        if (other := self._taken.get(self._folded(want))) is not None:
            return self._waiting[other]
        return Reason.HELD if _is_in_circle(self._disk, id_) else None

    def _folded(self, node: Node) -> tuple[NodeId, str]:
        return node.parent, fold(node.name, self._rules)


def _is_in_circle(disk: TreeView, id_: NodeId) -> bool:
    """Tell whether the way up from a node comes back to a node it passed."""
    passed: set[NodeId] = set()
    while id_ != ROOT and id_ not in passed:
        passed.add(id_)
        node = disk.get(id_)
        if node is None:
            return False
        id_ = node.parent
    return id_ != ROOT
