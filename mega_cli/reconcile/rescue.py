"""Rescue: what lives on although one side deleted it. One rule for every deletion that meets a change.

It decides whether, never where or with what content, and follows one side's folders upwards only, so it ends.
"""

from __future__ import annotations

from typing import final

from mega_cli.reconcile.changes import Change, change
from mega_cli.reconcile.nodes import ROOT, NodeId
from mega_cli.reconcile.trees import Trees


@final
class Survival:
    """Which nodes live. The least fixed point: nothing lives without a reason, and circles give none."""

    __slots__ = ("_known", "_trees")

    def __init__(self, trees: Trees) -> None:
        self._trees = trees
        self._known: dict[NodeId, bool] = {ROOT: True}

    def lives(self, id_: NodeId) -> bool:
        """Tell whether a node lives by itself; a folder that is only kept for what it holds does not."""
        walked: list[NodeId] = []
        while id_ not in self._known:
            walked.append(id_)
            verdict = self._verdict(id_)
            self._known[id_] = verdict is True  # ends a circle as well
            if isinstance(verdict, bool):
                break
            id_ = verdict
        answer = self._known[id_]
        for step in walked:
            self._known[step] = answer
        return answer

    def _verdict(self, id_: NodeId) -> bool | NodeId:
        """Say whether a node lives, or on which folder that depends.

        | one side | the other | lives |
        |---|---|---|
        | cannot see it | the remote has it, or not | yes, or no |
        | has it | has it, or never had | yes |
        | deleted it | deleted it, or never had | no |
        | deleted it | edited it | yes: edit beats delete |
        | deleted it | moved it | with its new parent; a rename inside what was deleted saves nothing |
        | deleted it | left it as it was | with its folder, if that was deleted too and lives because it was moved |
        """
        three = self._trees.of(id_)
        if self._trees.is_unseen(id_):
            return three.remote is not None
        there = three.local or three.remote
        if there is None or three.base is None or (three.local is not None and three.remote is not None):
            return there is not None
        done = change(three.base, there)
        if done & Change.EDIT:
            return True
        if done & Change.MOVE:
            return there.parent
        other = self._trees.of(there.parent)
        is_deleted_with_its_folder = (other.local is None) != (other.remote is None)
        return there.parent if is_deleted_with_its_folder else False
