"""Steps: the difference of two trees as actions, on this disk and in the volume."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mega_cli.reconcile.actions import (
    DescribeNode,
    FetchFile,
    LocalAction,
    MakeFolder,
    MoveNode,
    ParkNode,
    PutNode,
    RemoteAction,
    RemoveFolder,
    RemoveNode,
    Step,
    TrashNode,
    WriteLink,
)
from mega_cli.reconcile.here import Here
from mega_cli.reconcile.materialise import fold
from mega_cli.reconcile.nodes import Node, NodeId, Overlay
from mega_cli.reconcile.order import Placed, Turn, arrange
from mega_cli.reconcile.situation import DiskRules
from mega_cli.reconcile.trees import Trees

_FOLDERS, _MOVES, _CONTENT, _ATTRIBUTES, _REMOVALS = range(5)


def local_steps(here: Here, trees: Trees, rules: DiskRules) -> tuple[Step[LocalAction], ...]:
    """Give what makes this disk what it is to hold: folders, moves, content, attributes, and removals last."""
    turns = [
        Turn(_rank(before, after), before, after)
        for id_ in here.ids
        for before, after in _stages(trees.here(id_), here.disk.get(id_))
    ]
    placed = arrange(turns, trees.local, here.disk, lambda name: fold(name, rules))
    return tuple(Step(_local_action(one), one.after) for one in placed)


def remote_steps(ids: Iterable[NodeId], trees: Trees, tree: Overlay) -> tuple[Step[RemoteAction], ...]:
    """Give what makes the volume the target. After each step it is a tree, but for nodes that are parked."""
    pairs = ((trees.remote.get(id_), tree.get(id_)) for id_ in ids)
    turns = [Turn(_rank(before, after), before, after) for before, after in pairs if before != after]
    placed = arrange(turns, trees.remote, tree, str)
    return tuple(Step(_remote_action(one), one.after) for one in placed)


def _stages(before: Node | None, after: Node | None) -> Iterator[tuple[Node | None, Node | None]]:
    """Split what happens to a node here: first its place, then what it holds."""
    if before is not None and after is not None and before.place != after.place:
        moved = before._replace(parent=after.parent, name=after.name)
        yield before, moved
        before = moved
    if before != after:
        yield before, after


def _rank(before: Node | None, after: Node | None) -> int:
    """Say what goes first of what is free to go (3.4)."""
    if after is None:
        return _REMOVALS
    if before is None:
        return _FOLDERS if after.kind == "d" else _CONTENT
    if before.place != after.place:
        return _MOVES
    return _CONTENT if before.substance != after.substance else _ATTRIBUTES


def _local_action(placed: Placed) -> LocalAction:
    """Name what happens between two states of a node on this disk."""
    before, after = placed.turn.before, placed.turn.after
    if after is None:
        gone = placed.turn.there
        return RemoveFolder(gone) if gone.kind == "d" else TrashNode(gone)
    if before is None:
        return MakeFolder(after) if after.kind == "d" else _publish(after, None)
    if placed.is_parked:
        return ParkNode(before)
    if before.place != after.place:
        return MoveNode(after, before)
    return _publish(after, before) if before.substance != after.substance else DescribeNode(after, before)


def _publish(node: Node, before: Node | None) -> LocalAction:
    return WriteLink(node, before) if node.kind == "l" else FetchFile(node, before)


def _remote_action(placed: Placed) -> RemoteAction:
    """Name what happens between two states of a node in the volume."""
    after = placed.turn.after
    if after is None:
        return RemoveNode(placed.turn.there)
    return ParkNode(placed.turn.there) if placed.is_parked else PutNode(after, placed.turn.before)
