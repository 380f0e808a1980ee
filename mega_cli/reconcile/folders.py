"""Folders: each node of the target lies in a folder of the target, and no folder in itself.

A folder that nobody would keep for its own sake is kept for what lies in it. A circle of moves is opened by undoing
local ones. Names are not looked at.
"""

from __future__ import annotations

from mega_cli.reconcile.actions import Event
from mega_cli.reconcile.draft import Draft, Note
from mega_cli.reconcile.nodes import ROOT, Node, NodeId, Overlay
from mega_cli.reconcile.trees import Trees


def rooted(draft: Draft, trees: Trees) -> Overlay:
    """Give the target tree, every node with a way to the root.

    | found | then |
    |---|---|
    | a node whose folder is gone | that folder is kept, where the side that still has it has it, and so on upwards |
    | a circle of folders | each local move in it is undone; the remote's stand |

    It ends: the remote has no circles, and every round brings a node back to its place there.
    """
    while True:
        tree = Overlay(trees.base, draft.nodes)
        kept = _keep_folders(tree, draft, trees)
        circle = _circle(tree, trees)
        if not circle:
            draft.notes += [
                Note(Event.CHILD_KEEPS_FOLDER, id_) for id_ in sorted(kept) if _parent(tree, id_) not in kept
            ]
            return tree
        _undo(circle, tree, draft, trees)


def _keep_folders(tree: Overlay, draft: Draft, trees: Trees) -> set[NodeId]:
    """Put back the folders that are missing above live nodes; give their ids."""
    kept: set[NodeId] = set()
    orphans = [node for id_ in sorted(draft.nodes) for node in _candidates(id_, tree, draft)]
    while orphans:
        node = orphans.pop()
        if node.parent == ROOT or tree.get(node.parent) is not None:
            continue
        three = trees.of(node.parent)
        folder = three.remote or three.local or three.base
        if folder is None:  # a folder nobody has: no good tree holds that, and still nothing may be lost
            tree.put(node._replace(parent=ROOT))
        else:
            tree.put(folder)
            kept.add(folder.id)
            orphans.append(folder)
    return kept


def _candidates(id_: NodeId, tree: Overlay, draft: Draft) -> list[Node]:
    """Give the node, or what lies in it untouched while it goes: this disk did not see that, so it was not deleted."""
    node = draft.nodes[id_]
    return tree.children(id_) if node is None else [node]


def _circle(tree: Overlay, trees: Trees) -> list[NodeId]:
    """Find folders that lie in one another; a circle goes through a folder that is not where the remote has it."""
    seen: set[NodeId] = {ROOT}
    for start in sorted(tree.delta):
        node, there = tree.get(start), trees.remote.get(start)
        if node is None or node.kind != "d" or (there is not None and there.parent == node.parent):
            continue
        way: dict[NodeId, None] = {}
        id_ = start
        while id_ not in seen and id_ not in way:
            way[id_] = None
            id_ = _parent(tree, id_)
        if id_ in way:
            steps = list(way)
            return steps[steps.index(id_) :]
        seen.update(way)
    return []


def _undo(circle: list[NodeId], tree: Overlay, draft: Draft, trees: Trees) -> None:
    """Put the folders of a circle back where the remote has them."""
    is_open = False
    for id_ in circle:
        node, there = tree.get(id_), trees.remote.get(id_)
        if node is not None and there is not None and there.parent != node.parent:
            draft.nodes[id_] = node._replace(parent=there.parent)
            draft.notes.append(Note(Event.MOVE_UNDONE, id_))
            is_open = True
    first = tree.get(min(circle))
    if not is_open and first is not None:  # a circle within one side: no good tree holds that either
        draft.nodes[first.id] = first._replace(parent=ROOT)


def _parent(tree: Overlay, id_: NodeId) -> NodeId:
    """Give the parent of a node; the root above what is not there."""
    node = tree.get(id_)
    return ROOT if node is None else node.parent
