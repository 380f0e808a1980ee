"""Depths: how far nodes lie below the root of a tree, each way walked once."""

from __future__ import annotations

from typing import final

from mega_cli.reconcile.nodes import ROOT, NodeId, TreeView


@final
class Depths:
    """Depths in one tree. A way that ends in nothing or comes back to itself has one too: total, and deterministic."""

    __slots__ = ("_known", "_tree")

    def __init__(self, tree: TreeView) -> None:
        self._tree = tree
        self._known: dict[NodeId, int] = {ROOT: 0}

    def of(self, id_: NodeId) -> int:
        """Count the nodes on the way down from the root, this one included."""
        walked: list[NodeId] = []
        while id_ not in self._known:
            walked.append(id_)
            self._known[id_] = 0  # ends a circle
            node = self._tree.get(id_)
            id_ = ROOT if node is None else node.parent
        depth = self._known[id_]
        for step in reversed(walked):
            depth += 1
            self._known[step] = depth
        return depth
