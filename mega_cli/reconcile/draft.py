"""Draft: what each node that changed is to be, judged by itself. Whether the nodes make a tree is for those who follow.

It speaks only of nodes that a side speaks of; all others stay as they are.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import NamedTuple

from mega_cli.reconcile.actions import Event, Identity
from mega_cli.reconcile.changes import Change, change
from mega_cli.reconcile.merge import copy_id, merge
from mega_cli.reconcile.nodes import Node, NodeId
from mega_cli.reconcile.rescue import Survival
from mega_cli.reconcile.situation import Policy, Situation
from mega_cli.reconcile.trees import Three, Trees


class Note(NamedTuple):
    """A notice before its paths are known."""

    event: Event
    id: NodeId
    other: NodeId | None = None


@dataclass(slots=True)
class Draft:
    """What is wanted of each node, None for those that go, and what there is to tell."""

    nodes: dict[NodeId, Node | None] = field(default_factory=dict)
    copies: list[Identity] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)


def both_sides(trees: Trees, situation: Situation, policy: Policy) -> Draft:
    r"""Merge both sides (two-way).

    | local \ remote | has it | has it not |
    |---|---|---|
    | has it | `merge` | `rescue`: as it is here, or gone |
    | has it not | `rescue`: as it is there, or gone | gone |
    | cannot be seen | as it is there | gone |
    """
    draft, survival = Draft(), Survival(trees)
    for id_ in trees.changed():
        three = trees.of(id_)
        if trees.is_unseen(id_):
            draft.nodes[id_] = three.remote
        elif three.local is not None and three.remote is not None:
            _merge(draft, trees, three, policy, situation.past)
        elif survival.lives(id_):
            draft.nodes[id_] = three.local or three.remote
            _tell_why(draft, three)
        else:
            draft.nodes[id_] = None
    return draft


def _merge(draft: Draft, trees: Trees, three: Three, policy: Policy, past: AbstractSet[bytes]) -> None:
    """Merge a node that both sides have; a conflict copy takes over the local file, and stands at the same place."""
    local, remote = three.local, three.remote
    if local is None or remote is None:
        return
    node, is_copied, is_undone = merge(three.base, local, remote)
    draft.nodes[node.id] = node
    if is_undone:
        draft.notes.append(Note(Event.MOVE_UNDONE, node.id))
    if is_copied and three.base is None and local.digest in past:
        draft.notes.append(Note(Event.TOOK_REMOTE_VERSION, node.id))
    elif is_copied:
        copy = local._replace(id=copy_id(local, policy.device, policy.now_ns, lambda id_: any(trees.of(id_))))
        draft.copies.append(Identity(local.id, copy.id))
        draft.nodes[copy.id] = copy._replace(parent=node.parent, name=node.name)
        trees.local.remove(local.id)
        trees.local.put(copy)


def _tell_why(draft: Draft, three: Three) -> None:
    """Tell why a node outlived its deletion; what lives with a folder above it is told of there."""
    there = three.local or three.remote
    if three.base is None or there is None:
        return
    done = change(three.base, there)
    if done & Change.EDIT:
        draft.notes.append(Note(Event.EDIT_BEATS_DELETE, there.id))
    elif done & Change.MOVE:
        draft.notes.append(Note(Event.MOVE_BEATS_DELETE, there.id))


def remote_side(trees: Trees, _situation: Situation, _policy: Policy) -> Draft:
    """Follow the remote in everything (mirror-down)."""
    return Draft({id_: trees.remote.get(id_) for id_ in trees.changed()})


def local_side(trees: Trees, _situation: Situation, _policy: Policy) -> Draft:
    """Follow this disk in everything (mirror-up); where it cannot be seen, the remote stays as it is."""
    return Draft(
        {id_: trees.remote.get(id_) if trees.is_unseen(id_) else trees.local.get(id_) for id_ in trees.changed()}
    )


def local_over_remote(trees: Trees, situation: Situation, policy: Policy) -> Draft:
    """Follow this disk in what it has, and the remote in what only the remote has (backup-up)."""
    draft = local_side(trees, situation, policy)
    return Draft({id_: trees.remote.get(id_) if node is None else node for id_, node in draft.nodes.items()})
