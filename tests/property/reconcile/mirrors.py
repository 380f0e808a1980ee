"""Two planners too simple to be wrong: one makes the disk what the volume is, the other the volume what the disk is.

They know no conflict and keep nothing. With them the harness itself is tested: it must let them pass where they are
right, and each way of spoiling them must fail.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mega_cli.reconcile.actions import (
    A,
    DescribeNode,
    FetchFile,
    LocalAction,
    MakeFolder,
    MoveNode,
    ParkNode,
    Plan,
    PutNode,
    RemoteAction,
    RemoveFolder,
    RemoveNode,
    Step,
    TrashNode,
    WriteLink,
)
from mega_cli.reconcile.nodes import ROOT, Node, Overlay, TreeView, below
from mega_cli.reconcile.situation import Policy, Situation


def mirror_down(situation: Situation, _policy: Policy) -> Plan:
    """Make the disk what the volume is."""
    here, there = Overlay(situation.base, situation.local), Overlay(situation.base, situation.remote)
    return Plan(local=chained(_local_actions(here, there)))


def mirror_up(situation: Situation, _policy: Policy) -> Plan:
    """Make the volume what the disk is."""
    here, there = Overlay(situation.base, situation.local), Overlay(situation.base, situation.remote)
    return Plan(remote=chained(_remote_actions(there, here)))


def chained(actions: Iterable[A]) -> tuple[Step[A], ...]:
    """Let every step wait for the one before it."""
    return tuple(Step(action, (index - 1,) if index else ()) for index, action in enumerate(actions))


def _moved(now: TreeView, then: TreeView) -> list[Node]:
    """Give what stands elsewhere then, before its parents and children are looked at."""
    nodes = [(node, then.get(node.id)) for node in below(now, ROOT)]
    return [node for node, target in nodes if target is not None and target.place != node.place]


def _gone(now: TreeView, then: TreeView) -> list[Node]:
    """Give what is no more then, children before parents."""
    return [node for node in reversed(list(below(now, ROOT))) if then.get(node.id) is None]


def _local_actions(here: TreeView, there: TreeView) -> Iterator[LocalAction]:
    """Park all that moves, delete, then build from the top down."""
    for before in _moved(here, there):
        yield ParkNode(before)
    for before in _gone(here, there):
        yield RemoveFolder(before) if before.kind == "d" else TrashNode(before)
    for node in below(there, ROOT):
        present = here.get(node.id)
        if present is not None and present.place != node.place:
            before, present = present, present._replace(parent=node.parent, name=node.name)
            yield MoveNode(present, before)
        if present == node:
            continue
        if present is not None and present.substance == node.substance:
            yield DescribeNode(node, present)
        elif node.kind == "d":
            yield MakeFolder(node)
        else:
            yield FetchFile(node, present) if node.kind == "f" else WriteLink(node, present)


def _remote_actions(there: TreeView, here: TreeView) -> Iterator[RemoteAction]:
    """Park all that moves, delete, then build from the top down."""
    for before in _moved(there, here):
        yield ParkNode(before)
    for before in _gone(there, here):
        yield RemoveNode(before)
    for node in below(here, ROOT):
        present = there.get(node.id)
        if present != node:
            yield PutNode(node, present)
