"""How steps end, and what that takes with it."""

from __future__ import annotations

from enum import Enum, auto
from random import Random

from mega_cli.reconcile.actions import (
    LocalAction,
    ParkNode,
    RemoteAction,
    RemoveFolder,
    RemoveNode,
    Step,
    TrashNode,
)
from mega_cli.reconcile.nodes import Node

Action = LocalAction | RemoteAction


class Outcome(Enum):
    """How a step ends, and what is said of it."""

    OK = auto()
    FAILED = auto()
    DONE_BUT_REPORTED_FAILED = auto()


def drawn(chance: Random | None) -> Outcome:
    """Draw how a step ends; without chance it ends well."""
    number = chance.random() if chance else 0.0
    if number < 0.75:
        return Outcome.OK
    return Outcome.FAILED if number < 0.9 else Outcome.DONE_BUT_REPORTED_FAILED


def taken_out(steps: tuple[Step[RemoteAction], ...], outcomes: list[Outcome]) -> set[int]:
    """Say which steps in the volume are not carried out: what fails, all of its node, and all that comes after.

    A commit has a node whole or not at all, so nobody ever sees one that is parked.
    """
    more = {index for index, outcome in enumerate(outcomes) if outcome is Outcome.FAILED}
    out: set[int] = set()
    while more:
        out |= more
        ids = {node_of(steps[index].action).id for index in out}
        more = {
            index
            for index, step in enumerate(steps)
            if node_of(step.action).id in ids
            or any(before in out or outcomes[before] is not Outcome.OK for before in step.after)
        } - out
    return out


def node_of(action: Action) -> Node:
    """Give the node that an action is about."""
    return action.before if isinstance(action, ParkNode | TrashNode | RemoveFolder | RemoveNode) else action.node
