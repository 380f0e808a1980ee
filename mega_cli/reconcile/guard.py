"""Guard: deletions that look like an accident wait for the user, and everything else of the plan goes on.

It adds no step and changes none; it only takes steps out, with all that relies on them.

What counts: each file and link that a step would delete and that was not approved. A node that merely moves is no
deletion. One that leaves this disk because it cannot be held here is none either: the volume keeps it. One that makes
room for another node at the same place is one: its content goes all the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from mega_cli.reconcile.actions import (
    A,
    Hold,
    Identity,
    LocalAction,
    ParkNode,
    Plan,
    RemoteAction,
    RemoveFolder,
    RemoveNode,
    Side,
    Stall,
    Step,
    TrashNode,
)
from mega_cli.reconcile.nodes import ROOT, Node, NodeId, Overlay, TreeView, below, path_of
from mega_cli.reconcile.situation import DeleteLimit, Policy, Reason, Situation

_PATHS_SHOWN: Final = 10


def guard(plan: Plan, situation: Situation, policy: Policy) -> Plan:
    """Take the deletions of a side out of the plan when they are more than the user lets pass.

    | a side's deletions | are held |
    |---|---|
    | fewer than `count_least`, or than `share_least` of the base's files | no |
    | both reached | all of that side that are not approved |
    | leave no file in the synced folder, or a folder at its top, and are `folder_least` there or more | the same |
    | `count_least` is None | never |

    A step that runs after one that is held is held with it; its node is listed as stalled.
    """
    here, there = Overlay(situation.base, situation.local), Overlay(situation.base, situation.remote)
    for id_ in situation.absent:
        here.remove(id_)  # what is not on this disk does not keep a folder from being empty
    _rename(here, plan.identities)
    absent = frozenset(id_ for id_, _ in plan.absent)
    local_ids = [id_ for id_ in _deletions(plan.local, policy) if not _is_absent(there, id_, absent)]
    remote_ids = _deletions(plan.remote, policy)
    local, remote, holds = plan.local, plan.remote, list(plan.holds)
    waiting: list[NodeId] = []
    if _is_too_much(local_ids, here, plan.local, policy.limit, situation.base_files):
        local, waiting = _without(plan.local, frozenset(local_ids))
        holds.append(_hold(Side.LOCAL, local_ids, here))
    if _is_too_much(remote_ids, there, plan.remote, policy.limit, situation.base_files):
        remote, more = _without(plan.remote, frozenset(remote_ids))
        waiting += more
        holds.append(_hold(Side.REMOTE, remote_ids, there))
    stalls = (*plan.stalls, *_stalls(plan, waiting, (there, here)))
    return replace(plan, local=local, remote=remote, stalls=stalls, holds=tuple(holds))


def _rename(here: Overlay, identities: Iterable[Identity]) -> None:
    """Give nodes of this disk the ids that the steps call them by."""
    for id_before, id_after in identities:
        node = here.get(id_before)
        if node is not None:
            children = here.children(id_before)
            here.remove(id_before)
            for moved in (node._replace(id=id_after), *(child._replace(parent=id_after) for child in children)):
                here.put(moved)


def _deletions(steps: Iterable[Step[LocalAction]] | Iterable[Step[RemoteAction]], policy: Policy) -> list[NodeId]:
    """Give the nodes that steps delete without approval."""
    deleted = (_deleted(step.action) for step in steps)
    return [node.id for node in deleted if node is not None and node.id not in policy.approved]


def _is_absent(there: TreeView, id_: NodeId, absent: frozenset[NodeId]) -> bool:
    """Tell whether the volume keeps a node that leaves this disk because it cannot be held here."""
    node = there.get(id_)
    while absent and node is not None:
        if node.id in absent:
            return True
        node = there.get(node.parent)
    return False


def _deleted(action: LocalAction | RemoteAction) -> Node | None:
    """Give the node that an action deletes, if it deletes one."""
    return action.before if isinstance(action, TrashNode | RemoveFolder | RemoveNode) else None


def _node_of(action: LocalAction | RemoteAction) -> Node:
    """Give the node that an action is about, as it will be if it will be."""
    return action.before if isinstance(action, ParkNode | TrashNode | RemoveFolder | RemoveNode) else action.node


def _is_too_much(
    ids: Iterable[NodeId],
    side: TreeView,
    steps: Iterable[Step[LocalAction]] | Iterable[Step[RemoteAction]],
    limit: DeleteLimit,
    base_files: int,
) -> bool:
    """Tell whether deleting these nodes of a side needs approval."""
    files = [id_ for id_ in ids if (node := side.get(id_)) is not None and node.kind != "d"]
    if not files or limit.count_least is None:
        return False
    if len(files) >= limit.count_least and len(files) >= limit.share_least * base_files:
        return True
    losses = Counter(_top(side, id_) for id_ in files) + Counter({ROOT: len(files)})
    large = [top for top, count in losses.items() if count >= limit.folder_least]
    if not large:
        return False
    after = _after(side, steps)
    return any(all(node.kind == "d" for node in below(after, top)) for top in large)


def _top(side: TreeView, id_: NodeId) -> NodeId:
    """Give what lies at the top of the synced folder with this node below it, or the node."""
    node = side.get(id_)
    while node is not None and node.parent != ROOT:
        id_ = node.parent
        node = side.get(id_)
    return id_


def _after(side: TreeView, steps: Iterable[Step[LocalAction]] | Iterable[Step[RemoteAction]]) -> TreeView:
    """Give a side as it would be after all steps."""
    after = Overlay(side, {})
    for step in steps:
        gone = _deleted(step.action)
        if gone is not None:
            after.remove(gone.id)
        elif not isinstance(step.action, ParkNode):
            after.put(_node_of(step.action))
    return after


def _without(steps: tuple[Step[A], ...], deleted: frozenset[NodeId]) -> tuple[tuple[Step[A], ...], list[NodeId]]:
    """Take these deletions out, with all that runs after them; give the other steps, and the nodes that wait.

    What was only parked to come back in a step that is taken out stays where it is.
    """
    more = {i for i, step in enumerate(steps) if (node := _deleted(step.action)) is not None and node.id in deleted}
    out: set[int] = set()
    while more:
        out |= more
        waiting = {_node_of(steps[index].action).id for index in out} - deleted
        more = {
            index
            for index, step in enumerate(steps)
            if index not in out
            and (
                not out.isdisjoint(step.after)
                or (isinstance(step.action, ParkNode) and _node_of(step.action).id in waiting)
            )
        }
    places = {index: place for place, index in enumerate(index for index in range(len(steps)) if index not in out)}
    kept = tuple(
        replace(steps[index], after=tuple(places[before] for before in steps[index].after)) for index in places
    )
    return kept, sorted({_node_of(steps[index].action).id for index in out} - deleted)


def _hold(side: Side, ids: Iterable[NodeId], tree: TreeView) -> Hold:
    """Describe the deletions that wait."""
    nodes = [node for id_ in sorted(set(ids)) if (node := tree.get(id_)) is not None]
    paths = sorted(path for node in nodes if node.kind != "d" and (path := path_of(tree, node.id)) is not None)
    return Hold(
        side, tuple(node.id for node in nodes), sum(node.kind != "d" for node in nodes), tuple(paths[:_PATHS_SHOWN])
    )


def _stalls(plan: Plan, waiting: Iterable[NodeId], trees: Iterable[TreeView]) -> list[Stall]:
    """Give a stall for each node that waits with a deletion, named as in the first of `trees` that has it."""
    known = {stall.id for stall in plan.stalls}
    found = []
    for id_ in sorted(set(waiting) - known):
        paths = (path_of(tree, id_) for tree in trees if tree.get(id_) is not None)
        found.append(Stall(id_, next((path for path in paths if path is not None), ()), Reason.HELD))
    return found
