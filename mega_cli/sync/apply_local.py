"""Carry out the local steps of a plan: look, note, act, make durable, record; what no longer fits is skipped.

Steps run in batches. Of a batch, everything is fetched first, then one transaction notes in the journal what is about
to happen, then it happens inside a second one, which ends when all names are durable: so a crash leaves either nothing
or a note. A step runs only after the steps it names have succeeded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final, NamedTuple, final

import msgspec

from mega_cli.errors import MegaError
from mega_cli.reconcile.actions import (
    DescribeNode,
    FetchFile,
    LocalAction,
    MakeFolder,
    MoveNode,
    ParkNode,
    RemoveFolder,
    Step,
    TrashNode,
    WriteLink,
)
from mega_cli.reconcile.nodes import NodeId
from mega_cli.sync import folders, publish, relocate, trash
from mega_cli.sync.fetch import Fetcher
from mega_cli.sync.local_end import LocalEnd, UnfitError
from mega_cli.sync.outcome import Outcome
from mega_cli.sync.record import node_of

Task = (
    publish.Publishing
    | trash.Trashing
    | relocate.Moving
    | relocate.Parking
    | folders.Making
    | folders.Removing
    | DescribeNode
)
_BATCH_STEPS: Final = 1_024
_BATCH_BYTES: Final = 64 << 20
"""A batch should take no more than a second or two: what a crash makes sync do again."""
_PUBLISHES: Final = (FetchFile, WriteLink)
_ALONE: Final = (MoveNode, ParkNode)
"""A move changes where other nodes stand: the next step is looked over after it."""


class _Batch(NamedTuple):
    indices: list[int]
    actions: list[LocalAction]


@final
class LocalWork:
    """The local steps of one plan."""

    def __init__(self, end: LocalEnd, fetcher: Fetcher, outcome: Outcome) -> None:
        self._end = end
        self._fetcher = fetcher
        self._outcome = outcome
        self._steps: Sequence[Step[LocalAction]] = ()
        self._done: set[int] = set()
        self._parks: dict[NodeId, tuple[int, relocate.Parking]] = {}

    def run(self, steps: Sequence[Step[LocalAction]]) -> None:
        """Carry them out, in order. Raises SafetyStopError, and MegaErrors that concern all that is left."""
        self._steps = steps
        for batch in _batches(steps):
            self._run_batch(batch)
        if self._parks:
            with self._end.state.transaction():
                for journal_id, task in self._parks.values():
                    relocate.bring_back(self._end, task)
                    self._end.state.end(journal_id)
                self._end.make_names_durable()
            self._parks.clear()

    def _run_batch(self, batch: _Batch) -> None:
        ready = []
        for index, action in zip(batch.indices, batch.actions, strict=True):
            if all(before in self._done or before in batch.indices for before in self._steps[index].after):
                ready.append((index, action))
            else:
                self._outcome.skipped += 1
        tasks = self._prepared(ready)
        state = self._end.state
        journal: dict[int, int] = {}
        if any(_kind(task) for _, task in tasks):
            with state.transaction():
                for index, task in tasks:
                    if kind := _kind(task):
                        journal[index] = state.begin(kind, msgspec.to_builtins(task, builtin_types=(bytes,)))
                self._end.make_names_durable()
        with state.transaction():
            for index, task in tasks:
                if all(before in self._done for before in self._steps[index].after):
                    self._act(index, task, journal)
                else:
                    self._outcome.skipped += 1
            self._end.make_names_durable()

    def _prepared(self, ready: Sequence[tuple[int, LocalAction]]) -> list[tuple[int, Task]]:
        """Look over the actions of a batch, and fetch what is to be published."""
        if ready and isinstance(ready[0][1], _PUBLISHES):
            actions = {index: action for index, action in ready if isinstance(action, FetchFile | WriteLink)}
            return list(self._fetcher.stage(actions, self._outcome))
        if ready and isinstance(ready[0][1], MakeFolder):
            made = {index: action for index, action in ready if isinstance(action, MakeFolder)}
            tasks_made = folders.makings_of(self._end, made)
            self._outcome.skipped += len(made) - len(tasks_made)
            return list(tasks_made.items())
        tasks: list[tuple[int, Task]] = []
        for index, action in ready:
            with self._failures(action):
                tasks.append((index, self._task_of(index, action)))
        return tasks

    def _task_of(self, index: int, action: LocalAction) -> Task:
        """Make what the journal has to know. Raises UnfitError, OSError."""
        end = self._end
        if isinstance(action, TrashNode):
            row = end.row_as(action.before)
            return trash.trashing_of(end, row, end.place_of(row.node.id))
        if isinstance(action, MoveNode):
            return relocate.moving_of(end, action)
        if isinstance(action, ParkNode):
            later = (step.action for step in self._steps[index:])
            goal = (other.node for other in later if isinstance(other, MoveNode) and other.node.id == action.before.id)
            return relocate.parking_of(end, action, next(goal, action.before))
        if isinstance(action, RemoveFolder):
            return folders.removing_of(end, action)
        assert isinstance(action, DescribeNode)
        return action

    def _act(self, index: int, task: Task, journal: dict[int, int]) -> None:
        """Carry one out. A note stays in the journal when its action broke off: recovery looks how far it came."""
        with self._failures(self._steps[index].action):
            try:
                self._do(task)
            except UnfitError:
                if index in journal:
                    self._end.state.end(journal[index])
                raise
            self._done.add(index)
            self._outcome.local_changes += 1
            self._outcome.acted.add(node_of(self._steps[index].action).id)
            if isinstance(task, relocate.Parking):
                self._parks[task.row.node.id] = (journal[index], task)
                return
            if isinstance(task, relocate.Moving) and task.node.id in self._parks:
                self._end.state.end(self._parks.pop(task.node.id)[0])
            if index in journal:
                self._end.state.end(journal[index])

    def _do(self, task: Task) -> None:
        """Act. Raises UnfitError, OSError."""
        end = self._end
        if isinstance(task, publish.Publishing):
            publish.publish(end, task)
            self._outcome.published(task.node)
        elif isinstance(task, trash.Trashing):
            trash.trash(end, task)
        elif isinstance(task, relocate.Moving):
            relocate.move(end, task)
        elif isinstance(task, relocate.Parking):
            relocate.park(end, task)
        elif isinstance(task, folders.Making):
            folders.make_folder(end, task)
        elif isinstance(task, folders.Removing):
            folders.remove_folder(end, task)
        else:
            _describe(end, task)

    @contextmanager
    def _failures(self, action: LocalAction) -> Iterator[None]:
        """Note why an action was not done."""
        node = node_of(action)
        try:
            yield
        except UnfitError:
            self._outcome.skipped += 1
        except OSError as error:
            self._outcome.failed_on_disk(node, error)
        except MegaError as error:
            self._outcome.failed(node, error)


def _describe(end: LocalEnd, action: DescribeNode) -> None:
    row = end.row_as(action.before)
    place = end.place_of(row.node.id)
    end.check(row, place)
    mtime_ns = action.node.mtime_ns if action.node.kind == "f" else None
    end.disk.describe(place, action.node.mode, mtime_ns)
    # A time that we set hides what was written just before: it is read again.
    end.put_row(action.node, place, is_unread=True)


def _batches(steps: Sequence[Step[LocalAction]]) -> Iterator[_Batch]:
    """Cut steps into runs of one kind, so that none of a run is changed by another of it."""
    batch, size_bytes = _Batch([], []), 0
    for index, step in enumerate(steps):
        action = step.action
        is_new = isinstance(action, _ALONE) or (bool(batch.actions) and _group(batch.actions[0]) is not _group(action))
        is_full = len(batch.indices) >= _BATCH_STEPS or size_bytes >= _BATCH_BYTES
        if batch.indices and (is_new or is_full or (_stands_alone(action) and set(step.after) & set(batch.indices))):
            yield batch
            batch, size_bytes = _Batch([], []), 0
        batch.indices.append(index)
        batch.actions.append(action)
        size_bytes += action.node.size if isinstance(action, FetchFile) else 0
    if batch.indices:
        yield batch


def _group(action: LocalAction) -> type[object]:
    return FetchFile if isinstance(action, _PUBLISHES) else type(action)


def _stands_alone(action: LocalAction) -> bool:
    """Tell whether it has to be looked over before the first of its batch is carried out."""
    return isinstance(action, FetchFile | WriteLink | TrashNode | MoveNode | ParkNode)


def _kind(task: Task) -> str:
    """Give what the journal calls it; empty for what needs no note."""
    return next((kind for type_, kind in KINDS.items() if isinstance(task, type_)), "")


KINDS: Final[dict[type[object], str]] = {
    publish.Publishing: publish.KIND,
    trash.Trashing: trash.KIND,
    relocate.Moving: relocate.MOVE,
    relocate.Parking: relocate.PARK,
    folders.Making: folders.MAKE,
    folders.Removing: folders.REMOVE,
}
