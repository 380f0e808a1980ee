"""Carry out the remote steps of a plan: upload what is new, then let one new root hold it all, or several in turn.

What a commit would settle is durable before the head is swapped, so that a lost answer is never taken for a failure.
An upload that fails takes its step out, and what comes after it; nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Final, NamedTuple, final

import msgspec

from mega_cli.errors import LimitError, MegaError
from mega_cli.localfs.disk import OpenFile, Place
from mega_cli.localfs.failures import SourceChangedError, failure
from mega_cli.reconcile.actions import ParkNode, PutNode, RemoteAction, Step
from mega_cli.reconcile.nodes import Node, NodeId
from mega_cli.reconcile.situation import Reason
from mega_cli.state.sync_state import SyncState
from mega_cli.state.sync_trees import Remembered
from mega_cli.sync.comparison import settle_state
from mega_cli.sync.local_end import LocalEnd, UnfitError
from mega_cli.sync.outcome import Outcome
from mega_cli.sync.remote import Content, Edit, RemoteFolder, RemoteMark, Upload

MARK: Final = "mark"
"""Under which the state keeps the mark of the remote table."""
_COMMIT_FILES: Final = 10_000
_COMMIT_BYTES: Final = 4 << 30
"""A commit this large takes minutes to upload: others should see what is there, and a crash should not forget it."""


@final
class RemoteWork:
    """The remote steps of one plan, made for the folder as it is at the mark that the state keeps."""

    def __init__(self, end: LocalEnd, remote: RemoteFolder, outcome: Outcome) -> None:
        self._end = end
        self._remote = remote
        self._outcome = outcome
        self._steps: Sequence[Step[RemoteAction]] = ()
        self._steps_of: dict[NodeId, list[int]] = {}
        self._followers: dict[int, list[int]] = {}
        self._out: set[int] = set()
        self._is_full = False

    def run(self, steps: Sequence[Step[RemoteAction]]) -> None:
        """Carry them out. Raises RemoteMovedError, TemporaryError: what was committed until then stays so."""
        self._steps = steps
        for index, step in enumerate(steps):
            self._steps_of.setdefault(_id_of(step.action), []).append(index)
            for before in step.after:
                self._followers.setdefault(before, []).append(index)
        for part in _parts(steps):
            self._commit(part, self._uploaded(part))

    def _uploaded(self, part: range) -> dict[int, Content]:
        """Store the content that a part needs; what fails is taken out."""
        wanted = {index: step.action for index in part if _has_content((step := self._steps[index]).action)}
        waiting: dict[NodeId, int] = {}
        uploads = []
        place_of = cache(self._end.place_of)  # no folder moves meanwhile
        for index, action in wanted.items():
            assert isinstance(action, PutNode)
            if self._is_full:
                self._exclude(index)
            elif (upload := self._upload_of(index, action, place_of)) is not None:
                waiting[action.node.id] = index
                uploads.append(upload)
        contents: dict[int, Content] = {}
        try:
            for got in self._remote.upload(uploads) if uploads else ():
                index = waiting.pop(got.node.id)
                if got.content is None:
                    self._exclude(index, got.error)
                    if isinstance(got.error, SourceChangedError):
                        self._read_again(got.node.id)
                else:
                    contents[index] = got.content
                    self._outcome.stored(got.node)
        except LimitError as error:
            self._is_full = True
            for index in waiting.values():
                self._exclude(index, error)
        return contents

    def _read_again(self, id_: NodeId) -> None:
        """Let the next scan read a file that is not what its row says, whatever its stamps are."""
        state = self._end.state
        row = state.local.row(id_)
        if row is not None:
            with state.transaction():
                state.local.put_all([row._replace(is_racy=True)])

    def _upload_of(self, index: int, action: PutNode, place_of: Callable[[NodeId], Place]) -> Upload | None:
        """Find the file of a node; it must still be what was planned. `place_of` is asked for folders."""
        end = self._end
        row = end.state.local.row(action.node.id)
        if row is None or row.node.digest != action.node.digest:
            self._exclude(index)
            return None
        try:
            place = (*place_of(row.node.parent), row.disk_name)
            end.check(row, place)
        except UnfitError:
            self._exclude(index)
            return None
        except OSError as error:
            self._exclude(index, failure(error, action.node.name))
            return None

        def open_it() -> OpenFile:
            return end.disk.open_file(place)

        return Upload(action.node, open_it)

    def _exclude(self, index: int, error: MegaError | None = None) -> None:
        """Take a step out, with all of its node and all that comes after; say why."""
        node = _after(self._steps[index].action) or _before(self._steps[index].action)
        assert node is not None
        if error is None:
            self._outcome.skipped += 1
        else:
            self._outcome.failed(node, error, limit=Reason.QUOTA)
        waiting = [index]
        while waiting:
            at = waiting.pop()
            if at not in self._out:
                self._out.add(at)
                waiting += [*self._followers.get(at, ()), *self._steps_of[_id_of(self._steps[at].action)]]

    def _commit(self, part: range, contents: Mapping[int, Content]) -> None:
        """Make one new root of a part. A full volume still takes what needs no room."""
        edits = self._edits(part, contents)
        if not edits:
            return
        try:
            self._swap(edits)
        except LimitError as error:
            self._is_full = True
            for index in contents:
                self._exclude(index, error)
            if edits := self._edits(part, {}):
                self._swap(edits)

    def _edits(self, part: range, contents: Mapping[int, Content]) -> list[Edit]:
        """Give one edit a node: what several steps make of it together."""
        edits: dict[NodeId, Edit] = {}
        for index in part:
            action = self._steps[index].action
            if index in self._out or isinstance(action, ParkNode):  # parked and put are one edit
                continue
            known = edits.get(_id_of(action))
            before = _before(action) if known is None else known.before
            content = contents.get(index) or (known.content if known else None)
            edits[_id_of(action)] = Edit(before, _after(action), content)
        return [edit for edit in edits.values() if edit.before != edit.after]

    def _swap(self, edits: Sequence[Edit]) -> None:
        """Commit, and let both sides settle."""
        state = self._end.state
        base = mark_of(state)
        assert base is not None, "nothing is committed on a folder that was not observed"

        tried: list[bytes] = []

        def about_to(mark: RemoteMark) -> None:
            with state.transaction():
                state.forget_pending(tried)  # who tries again was refused
                tried[:] = [_encoded(mark)]
                state.add_pending(tried[0], _agreed(state, edits))

        observed = Remembered(state.remote, (_node_of(edit).id for edit in edits))
        mark = self._remote.commit(base, edits, observed, about_to)
        with state.transaction():
            gone = [edit.before.id for edit in edits if edit.before is not None and edit.after is None]
            state.remote.remove_all(gone)
            state.remote.put_all(edit.after for edit in edits if edit.after is not None)
            keep_mark(state, mark)
            state.forget_pending(state.pending())
            settle_state(state)
        self._outcome.commits += 1
        self._outcome.remote_changes += len(edits)
        self._outcome.acted |= {_node_of(edit).id for edit in edits}


def resolve_pending(state: SyncState, remote: RemoteFolder) -> None:
    """Find out what became of commits whose answers never came; what one settled is agreed on from then on.

    One that would be newer than the head that was observed may still arrive: it is kept, beside others on the same
    head, of which at most one can. Raises MegaError: then nothing is known, and nothing may be planned.
    """
    observed, pending = mark_of(state), state.pending()
    assert observed is not None, "the volume is observed first"
    decided = {raw: mark for raw in pending if (mark := _decode_mark(raw)).revision <= observed.revision}
    happened = [raw for raw, mark in decided.items() if remote.has_committed(mark)]
    if not decided:
        return
    with state.transaction():
        for raw in happened:
            for id_, node in pending[raw]:
                state.base.remove_all([id_])
                state.base.put_all([node] if node is not None else [])
        state.forget_pending(decided)


def _agreed(state: SyncState, edits: Sequence[Edit]) -> Iterator[tuple[NodeId, Node | None]]:
    """Give the nodes that this disk holds as the commit makes them: no others may enter the base by it."""
    here, absent = state.local.get_all(_node_of(edit).id for edit in edits), state.absent()
    for edit in edits:
        id_ = _node_of(edit).id
        if here[id_] == edit.after and id_ not in absent:
            yield id_, edit.after


def _node_of(edit: Edit) -> Node:
    node = edit.after or edit.before
    assert node is not None, "an edit of nothing"
    return node


def mark_of(state: SyncState) -> RemoteMark | None:
    """Read the mark of the remote table from the state."""
    raw = state.value(MARK)
    return None if raw is None else _decode_mark(raw)


def keep_mark(state: SyncState, mark: RemoteMark) -> None:
    """Keep the mark of the remote table in the state; in a transaction."""
    state.keep(MARK, _encoded(mark))


def _encoded(mark: RemoteMark) -> bytes:
    return msgspec.msgpack.encode(mark)


_decode_mark: Final = msgspec.msgpack.Decoder(RemoteMark).decode


class _Load(NamedTuple):
    files: int = 0
    size_bytes: int = 0

    def with_(self, action: RemoteAction) -> _Load:
        """Add what an action uploads."""
        if not isinstance(action, PutNode) or not action.has_content:
            return self
        return _Load(self.files + 1, self.size_bytes + action.node.size)


def _parts(steps: Sequence[Step[RemoteAction]]) -> Iterator[range]:
    """Cut steps into commits; never between two steps of one node, which may be parked meanwhile."""
    last = {_id_of(step.action): index for index, step in enumerate(steps)}
    start, needed, load = 0, 0, _Load()
    for index, step in enumerate(steps):
        is_full = load.files >= _COMMIT_FILES or load.size_bytes >= _COMMIT_BYTES
        if is_full and index > needed:
            yield range(start, index)
            start, load = index, _Load()
        needed = max(needed, last[_id_of(step.action)])
        load = load.with_(step.action)
    if start < len(steps):
        yield range(start, len(steps))


def _has_content(action: RemoteAction) -> bool:
    return isinstance(action, PutNode) and action.has_content


def _before(action: RemoteAction) -> Node | None:
    return action.before


def _after(action: RemoteAction) -> Node | None:
    return action.node if isinstance(action, PutNode) else None


def _id_of(action: RemoteAction) -> NodeId:
    return action.node.id if isinstance(action, PutNode) else action.before.id
