"""Unify: nodes that both sides made at one place, and that are one. A node of this disk takes the remote's id.

Nothing here decides what content wins but the one rule for a base that was lost. It costs the nodes that are new here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from mega_cli.reconcile.actions import Identity
from mega_cli.reconcile.depths import Depths
from mega_cli.reconcile.nodes import Node, NodeId, Overlay
from mega_cli.reconcile.situation import Reason, Situation
from mega_cli.reconcile.trees import Unseen

IsOne = Callable[[Node, Node], bool]
"""Tells whether a new local node and a new remote one at the same place are one."""


class United(NamedTuple):
    """This disk after its nodes took other ids."""

    local: Overlay
    identities: list[Identity]


def is_equal(local: Node, remote: Node) -> bool:
    """Hold two folders for one, and two files or links that say the same."""
    return local.substance == remote.substance


def is_same_kind(local: Node, remote: Node) -> bool:
    """Hold two of a kind for one: where one side only follows, the other is an edit of it."""
    return local.kind == remote.kind


def unify(situation: Situation, is_one: IsOne) -> United:
    """Give new nodes of this disk the ids of the new remote nodes at their places, folders before what they hold.

    | new here | new there, same place | then |
    |---|---|---|
    | folder | folder | one, and what they hold is compared in turn |
    | file or link | the same content or target | one |
    | file whose content the remote once held, after the base was lost | file | one, the remote's version |
    | anything | anything else | two: `names` keeps them apart |

    So does a folder that the remote deleted and made anew, when nothing the base knows is left in it: what else it
    holds would keep it, and the new one away.
    """
    base, local = situation.base, Overlay(situation.base, situation.local)
    remote = Overlay(base, situation.remote)
    ids = _made_anew(situation, local, remote)
    for node in _top_down(local, [id_ for id_ in situation.local if base.get(id_) is None]):
        there = remote.child(ids.get(node.parent, node.parent), node.name)
        if there is None or base.get(there.id) is not None or local.get(there.id) is not None:
            continue
        if is_one(node, there) or is_old_version(node, there, situation):
            ids[node.id] = there.id
    here = {**{id_: local.get(id_) for id_ in ids}, **situation.local}
    renamed: dict[NodeId, Node | None] = {id_: None for id_ in ids if base.get(id_) is not None}
    renamed |= {
        ids.get(id_, id_): node and node._replace(id=ids.get(id_, id_), parent=ids.get(node.parent, node.parent))
        for id_, node in here.items()
    }
    return United(Overlay(base, renamed), [Identity(before, after) for before, after in ids.items()])


def _made_anew(situation: Situation, local: Overlay, remote: Overlay) -> dict[NodeId, NodeId]:
    """Find the folders that were deleted and made anew, and are empty here but for what the base does not know."""
    unseen = Unseen(situation.base, local, {**situation.stalled, **situation.absent})

    def pair(folder: Node, there: Node | None) -> dict[NodeId, NodeId]:
        """Give the folder its new id, and those in it theirs; nothing, if something must go first."""
        before = situation.base.get(folder.id)
        is_left = before is not None and before.place == folder.place and remote.get(folder.id) is None
        is_new = there is not None and situation.base.get(there.id) is None and local.get(there.id) is None
        if not is_left or not is_new or there is None or folder.kind != "d" or there.kind != "d":
            return {}
        if unseen.reason(folder.id) is not None or there.id in situation.absent:
            return {}
        found = {folder.id: there.id}
        for child in local.children(folder.id):
            if situation.base.get(child.id) is not None:
                inner = pair(child, remote.child(there.id, child.name))
                if not inner:
                    return {}
                found |= inner
        return found

    ids: dict[NodeId, NodeId] = {}
    for id_ in sorted(remote.delta) if None in remote.delta.values() else ():
        node = remote.get(id_)
        folder = None if node is None else local.child(node.parent, node.name)
        ids |= {} if folder is None else pair(folder, node)
    return ids


def is_old_version(local: Node, remote: Node, situation: Situation) -> bool:
    """Tell whether a file is what the remote's was before; known only after the base was lost."""
    return local.kind == remote.kind == "f" and local.digest != remote.digest and local.digest in situation.past


def ghosts(united: United, situation: Situation) -> dict[NodeId, Reason]:
    """Find what only this disk has and the remote deleted: files by their content, and folders that hold nothing else.

    Only after the base was lost. Such a file may be a deletion that this device missed: it is not uploaded unasked, and
    keeps its place here, whatever the remote has there now.
    """
    if not situation.past:
        return {}
    local, remote = united.local, Overlay(situation.base, situation.remote)
    found: dict[NodeId, Reason] = {}
    only_here = [id_ for id_ in local.delta if situation.base.get(id_) is None and remote.get(id_) is None]
    for node in reversed(_top_down(local, only_here)):
        held = local.children(node.id) if node.kind == "d" else []
        if (held and all(child.id in found for child in held)) or (node.kind == "f" and node.digest in situation.past):
            found[node.id] = Reason.GHOST
    return found


def _top_down(tree: Overlay, ids: list[NodeId]) -> list[Node]:
    """Give nodes by depth, name and id."""
    depths = Depths(tree)
    nodes = (node for id_ in ids if (node := tree.get(id_)) is not None)
    return sorted(nodes, key=lambda node: (depths.of(node.id), node.name, node.id))
