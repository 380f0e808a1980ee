"""Settle: which nodes the base takes over, because both sides are proved to agree on them.

It never lets the base say more than both sides hold; a node it leaves out is only compared again. It relies on `local`
and `remote` being well formed, and on `base` being what `situation` says of it: perhaps not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mega_cli.reconcile.nodes import ROOT, Node, NodeId, Overlay, TreeView
from mega_cli.reconcile.situation import Reason

Absent = Mapping[NodeId, Reason]


def settle(
    ids: Iterable[NodeId], base: TreeView, local: TreeView, remote: TreeView, absent: Absent
) -> dict[NodeId, Node | None]:
    """Say what the base is to hold from now on, for those of `ids` where that is something else than it holds.

    | local and remote | the base takes |
    |---|---|
    | equal | that node |
    | both have it, and the base | each attribute on which both agree |
    | gone on both | None |
    | absent here on purpose, or below such a folder | the remote's state, None if it is gone |

    `local` shows an absent node as the base has it; what has moved below an absent folder counts once it left the disk.
    A node enters only into a folder that is in the base or enters as well, and never into itself by way of one that is
    not agreed on; a folder leaves only with all below it. So each node of the base keeps a way to the root.
    What enters unseen lies below an absent folder in the new base too: else its absence would be a deletion later.
    Those that enter come first, parents before children; those that leave follow, children before parents.
    """
    agreed: dict[NodeId, Node | None] = {}
    partly: set[NodeId] = set()
    for id_ in sorted(set(ids)):
        before, there = base.get(id_), remote.get(id_)
        if before != there and _is_agreed(id_, base, local, remote, absent):
            agreed[id_] = there
        elif (node := _agreed_attributes(before, local.get(id_), there)) not in (None, before):
            agreed[id_] = node
            partly.add(id_)
    after = Overlay(base, {})
    for node in sorted(filter(None, agreed.values()), key=lambda node: (_depth(remote, node.id), node.id)):
        above = _upwards(after, node.parent)
        has_folder = node.parent == ROOT or (after.get(node.parent) is not None and node.id not in above)
        is_seen = node.id in partly or local.get(node.id) == node
        if has_folder and (is_seen or node.id in absent or _is_absent(node.parent, after, absent)):
            after.put(node)
    leaving = _leaving(after, {id_ for id_, node in agreed.items() if node is None})
    return after.delta | dict.fromkeys(sorted(leaving, key=lambda id_: (-_depth(base, id_), id_)))


def _agreed_attributes(before: Node | None, here: Node | None, there: Node | None) -> Node | None:
    """Give the base's state of a node with what both sides agree on by now.

    A step that was carried out alone, a move without its new time, is no change of this side to the next plan.
    """
    if before is None or here is None or there is None:
        return None
    content = here if here.substance == there.substance else before
    stands = here if here.place == there.place else before  # never at a place where it was on neither side
    return content._replace(
        parent=stands.parent,
        name=stands.name,
        mode=here.mode if here.mode == there.mode else before.mode,
        mtime_ns=here.mtime_ns if here.mtime_ns == there.mtime_ns else before.mtime_ns,
    )


def _is_agreed(id_: NodeId, base: TreeView, local: TreeView, remote: TreeView, absent: Absent) -> bool:
    """Tell whether the remote's state of a node may become the base's."""
    here, there = local.get(id_), remote.get(id_)
    if here == there:
        return True
    was_absent = _is_absent(id_, base, absent)
    if there is None:
        return was_absent
    return (here is None or was_absent) and _is_absent(id_, remote, absent)


def _is_absent(id_: NodeId, tree: TreeView, absent: Absent) -> bool:
    """Tell whether a node, or a folder above it in `tree`, is absent on purpose."""
    return bool(absent) and any(step in absent for step in _upwards(tree, id_))


def _depth(tree: TreeView, id_: NodeId) -> int:
    return len(_upwards(tree, id_))


def _upwards(tree: TreeView, id_: NodeId) -> list[NodeId]:
    """Give a node and the folders above it, the root left out; a circle ends where it closes."""
    steps: dict[NodeId, None] = {}
    while id_ != ROOT and id_ not in steps:
        steps[id_] = None
        node = tree.get(id_)
        if node is None:
            break
        id_ = node.parent
    return list(steps)


def _leaving(base: TreeView, gone: set[NodeId]) -> set[NodeId]:
    """Take out of `gone` the folders that would leave something of the base below nothing."""
    leaving = set(gone)
    kept = [id_ for id_ in gone if any(child.id not in gone for child in base.children(id_))]
    while kept:
        id_ = kept.pop()
        if id_ in leaving:
            leaving.remove(id_)
            node = base.get(id_)
            kept += [node.parent] if node else []
    return leaving
