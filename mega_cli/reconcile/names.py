"""Names: no two nodes of the target at one place. The loser of a meeting takes a name that nobody has on any side."""

from __future__ import annotations

from collections.abc import Callable

from mega_cli.reconcile.actions import Event
from mega_cli.reconcile.conflict_names import apart_name, conflict_name
from mega_cli.reconcile.draft import Note
from mega_cli.reconcile.nodes import Node, NodeId, Overlay
from mega_cli.reconcile.situation import Policy
from mega_cli.reconcile.trees import Trees

Rank = Callable[[Node, Trees], tuple[bool, ...]]
"""Who keeps a name: the least."""


def remote_first(node: Node, trees: Trees) -> tuple[bool, ...]:
    """Let what may not be touched keep its name, then a folder, then the remote's, then what is older."""
    return (
        trees.stalled.reason(node.id) is None,
        node.kind != "d",
        not _stands(node, trees.remote),
        trees.base.get(node.id) is None,
    )


def local_first(node: Node, trees: Trees) -> tuple[bool, ...]:
    """Let what may not be touched keep its name, then what is so on this disk, where nothing is renamed."""
    return not trees.is_unseen(node.id), not _stands(node, trees.local), node.kind != "d"


def part(tree: Overlay, trees: Trees, rank: Rank, policy: Policy, *, drops_twins: bool) -> list[Note]:
    """Give each node of the target a place of its own; tell of those that got another name.

    | winner | loser | the loser |
    |---|---|---|
    | file or link | the same content or target | goes, if the mode `drops_twins`: one is enough |
    | file or link | file or link | becomes a conflict copy |
    | folder | anything | is numbered |
    | anything | folder | is numbered |
    """
    notes = []
    for (parent, name), nodes in sorted(_crowded(tree, trees).items()):
        winner, *losers = sorted(nodes, key=lambda node: (rank(node, trees), node.id))
        for loser in losers:
            is_twin = loser.kind != "d" and loser.substance == winner.substance
            if drops_twins and is_twin and trees.stalled.reason(winner.id) is None:
                tree.remove(loser.id)
                continue

            def is_taken(other: str, parent: NodeId = parent, id_: NodeId = loser.id) -> bool:
                found = (side.child(parent, other) for side in (tree, trees.local, trees.remote))
                return any(node is not None and node.id != id_ for node in found)

            if "d" in (winner.kind, loser.kind):
                event, apart = Event.RENAMED_APART, apart_name(name, is_taken)
            else:
                event, apart = Event.CONFLICT_COPY, conflict_name(name, policy.device, policy.now_ns, is_taken)
            tree.put(loser._replace(name=apart))
            notes.append(Note(event, loser.id, winner.id))
    return notes


def _crowded(tree: Overlay, trees: Trees) -> dict[tuple[NodeId, str], list[Node]]:
    """Find the places where more than one node stands."""
    places: dict[tuple[NodeId, str], list[Node]] = {}
    for node in tree.delta.values():
        if node is not None:
            places.setdefault(node.place, []).append(node)
    for (parent, name), nodes in places.items():
        other = _untouched(parent, name, tree, trees)
        if other is not None:
            nodes.append(other)
    return {place: nodes for place, nodes in places.items() if len(nodes) > 1}


def _untouched(parent: NodeId, name: str, tree: Overlay, trees: Trees) -> Node | None:
    """Find the node at a place that nobody changed; there is at most one.

    A base may hold several at one place, but never one untouched beside one that a side still has there; what is not
    seen here counts as untouched wherever it is, so then this disk proves nothing.
    """
    other = trees.base.child(parent, name)
    if other is None or other.id not in tree.delta:
        return other
    is_all_seen = not (trees.absent.marks or trees.stalled.marks)
    if _stands(other, trees.remote) or (is_all_seen and _stands(other, trees.local)):
        return None
    others = (node for node in trees.base.children(parent) if node.name == name and node.id not in tree.delta)
    return next(iter(others), None)


def _stands(node: Node, side: Overlay) -> bool:
    """Tell whether a side has the node at this very place."""
    there = side.get(node.id)
    return there is not None and there.place == node.place
