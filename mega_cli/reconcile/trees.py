"""Trees: the base and both sides, asked node by node, and what of this disk can be neither trusted nor seen.

It never walks a tree; what it finds on the way up from a node it remembers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, final

from mega_cli.reconcile.nodes import ROOT, Node, NodeId, Overlay, TreeView
from mega_cli.reconcile.situation import Reason, Situation


class Three(NamedTuple):
    """One node in the three trees."""

    base: Node | None
    local: Node | None
    remote: Node | None


@final
class Trees:
    """The three trees. `local` speaks of nodes by the ids they have once the identities are taken."""

    __slots__ = ("absent", "base", "local", "remote", "stalled")

    def __init__(self, situation: Situation, local: Overlay, stalled: Mapping[NodeId, Reason]) -> None:
        self.base = situation.base
        self.local = local
        self.remote = Overlay(situation.base, situation.remote)
        self.stalled = Unseen(self.base, self.local, stalled)
        self.absent = Unseen(self.base, self.local, situation.absent)

    def of(self, id_: NodeId) -> Three:
        """Give one node in all three."""
        return Three(self.base.get(id_), self.local.get(id_), self.remote.get(id_))

    def is_unseen(self, id_: NodeId) -> bool:
        """Tell whether this disk has nothing to say of a node: only the remote knows what it is."""
        return self.stalled.reason(id_) is not None or self.absent.reason(id_) is not None

    def here(self, id_: NodeId) -> Node | None:
        """Give a node as it lies on this disk; None when it is absent, on purpose or not."""
        return None if self.absent.reason(id_) else self.local.get(id_)

    def changed(self) -> list[NodeId]:
        """Give the ids that either side speaks of, sorted: all that a plan has to look at."""
        return sorted(self.local.delta.keys() | self.remote.delta.keys())


@final
class Unseen:
    """Which nodes of this disk are marked: by themselves, by a folder above, or by one above them in the base.

    The last holds for nodes that this disk says nothing of: their folder may have moved out of what is marked.
    """

    __slots__ = ("_before", "_here", "_local", "marks")

    def __init__(self, base: TreeView, local: Overlay, marks: Mapping[NodeId, Reason]) -> None:
        self.marks = marks
        self._local = local
        self._here, self._before = Below(local, marks), Below(base, marks)

    def reason(self, id_: NodeId) -> Reason | None:
        """Give the mark of a node, if it has one."""
        found = self._here.reason(id_)
        return self._before.reason(id_) if found is None and id_ not in self._local.delta else found

    def may_hide(self, id_: NodeId) -> bool:
        """Tell whether a folder may hold nodes that are marked, or is marked itself."""
        return self._here.reason(id_) is not None or self._before.reason(id_) is not None


@final
class Below:
    """Which nodes of a tree are marked, by themselves or by a folder above them."""

    __slots__ = ("_found", "_tree", "marks")

    def __init__(self, tree: TreeView, marks: Mapping[NodeId, Reason]) -> None:
        self._tree = tree
        self.marks = marks
        self._found: dict[NodeId, Reason | None] = {ROOT: marks.get(ROOT)}

    def reason(self, id_: NodeId) -> Reason | None:
        """Give the mark of a node, or of the nearest folder above that has one."""
        if not self.marks:
            return None
        walked: list[NodeId] = []
        while id_ not in self._found:
            walked.append(id_)
            self._found[id_] = self.marks.get(id_)  # ends a circle as well
            node = self._tree.get(id_)
            if node is None or self._found[id_] is not None:
                break
            id_ = node.parent
        reason = self._found[id_]
        for step in walked:
            self._found[step] = reason
        return reason
