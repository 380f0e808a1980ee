"""Ways to look at trees that the world needs: what differs from a base, and what lies below marked nodes."""

from __future__ import annotations

from collections.abc import Container, Iterable

from mega_cli.reconcile.nodes import ROOT, MemoryTree, Node, NodeId, TreeView


def delta_of(base: MemoryTree, now: MemoryTree, ids: Iterable[NodeId]) -> dict[NodeId, Node | None]:
    """Give those of `ids` that are another now."""
    return {id_: node for id_ in sorted(ids) if (node := now.get(id_)) != base.get(id_)}


def is_under(tree: TreeView, id_: NodeId, marked: Container[NodeId]) -> bool:
    """Tell whether a node, or a folder above it, is marked."""
    seen: set[NodeId] = set()
    while id_ != ROOT and id_ not in seen:
        if id_ in marked:
            return True
        seen.add(id_)
        node = tree.get(id_)
        if node is None:
            return False
        id_ = node.parent
    return False
