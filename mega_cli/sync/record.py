"""Record: what a cycle leaves for the user and for the next one: identities, stalls, held deletions, the log.

A node that failed rests: 5 seconds, and twice as long each time, up to an hour; any change of it ends that, and so does
the start of another run.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from hashlib import blake2b
from typing import Final, TypeVar

from mega_cli.reconcile.actions import (
    Event,
    Hold,
    LocalAction,
    Notice,
    ParkNode,
    Plan,
    RemoteAction,
    RemoveFolder,
    RemoveNode,
    Stall,
    Step,
    TrashNode,
)
from mega_cli.reconcile.nodes import ROOT, Node, NodeId, TreeView, path_of
from mega_cli.reconcile.situation import Reason
from mega_cli.state.sync_state import ConflictRow, EventRow, HoldRow, StalledRow, SyncState
from mega_cli.sync.outcome import Outcome

A = TypeVar("A", LocalAction, RemoteAction)
_REST_S: Final = 5
_REST_MOST_S: Final = 3_600
_SECOND_NS: Final = 10**9
_HOLD_NAME_BYTES: Final = 4


def without_resting(plan: Plan, state: SyncState, now_ns: int, is_kept: Callable[[NodeId], bool]) -> Plan:
    """Take out of a plan what failed a short while ago, and what comes after it; they are listed as stalled.

    `is_kept` tells whether a folder that could not be removed would still be kept by what lies in it.
    """
    removed = {step.action.before.id for step in plan.local if isinstance(step.action, RemoveFolder)}
    tried = (row for row in state.stalled() if row.tries and _is_in_the_way(row, removed))
    resting = {row.id: row for row in tried if _rests(row, now_ns, is_kept)}
    if not resting:
        return plan
    reasons = {id_: row.reason for id_, row in resting.items()}
    local, waiting = _without(plan.local, reasons)
    remote, also_waiting = _without(plan.remote, reasons)
    known = {stall.id for stall in plan.stalls}
    stalls = [
        Stall(id_, tuple(resting[id_].path.split("/")) if id_ in resting else _path_of(id_, state), reason)
        for id_, reason in sorted({**waiting, **also_waiting}.items())
        if id_ not in known
    ]
    return replace(plan, local=local, remote=remote, stalls=(*plan.stalls, *stalls))


def _path_of(id_: NodeId, state: SyncState) -> tuple[str, ...]:
    return path_of(state.local, id_) or path_of(state.remote, id_) or ()


def _is_in_the_way(row: StalledRow, removed: Collection[NodeId]) -> bool:
    """Tell whether what failed is still wanted: a folder that was not empty may be meant to stay by now."""
    return row.reason is not Reason.DIR_NOT_EMPTY or row.id in removed


def _rests(row: StalledRow, now_ns: int, is_kept: Callable[[NodeId], bool]) -> bool:
    is_early = now_ns < row.next_ns <= now_ns + _rest_ns(row.tries)  # beyond that, the clock was set back
    return is_early or (row.reason is Reason.DIR_NOT_EMPTY and is_kept(row.id))


def _without(
    steps: tuple[Step[A], ...], reasons: Mapping[NodeId, Reason]
) -> tuple[tuple[Step[A], ...], dict[NodeId, Reason]]:
    """Take steps out; give the rest, and why each node of the others waits.

    What was only parked to come back in a step that is taken out stays where it is.
    """
    why: dict[int, Reason] = {}
    waiting: dict[NodeId, Reason] = {}
    count = -1
    while count != len(why):
        count = len(why)
        for index, step in enumerate(steps):
            id_ = node_of(step.action).id
            reason = reasons.get(id_) or next((why[before] for before in step.after if before in why), None)
            if reason is None and isinstance(step.action, ParkNode):
                reason = waiting.get(id_)
            if reason is not None:
                why[index] = waiting[id_] = reason
    places = {index: place for place, index in enumerate(index for index in range(len(steps)) if index not in why)}
    kept = (replace(steps[index], after=tuple(places[before] for before in steps[index].after)) for index in places)
    return tuple(kept), waiting


def node_of(action: LocalAction | RemoteAction) -> Node:
    """Give the node that an action is about."""
    return action.before if isinstance(action, ParkNode | TrashNode | RemoveFolder | RemoveNode) else action.node


def wake(state: SyncState, changed: Collection[NodeId]) -> None:
    """Let nodes that changed rest no longer; in a transaction."""
    rows = state.stalled()
    if any(row.tries and row.id in changed for row in rows):
        state.keep_stalled(row for row in rows if not (row.tries and row.id in changed))


def wake_all(state: SyncState) -> None:
    """Let nothing rest any longer, and remember how often each failed; in a transaction.

    Whoever starts a run may just have done what the last one asked for.
    """
    rows = state.stalled()
    if any(row.next_ns for row in rows):
        state.keep_stalled([row._replace(next_ns=0) for row in rows])


def resting_s(state: SyncState, now_ns: int) -> float:
    """Say in how many seconds the first of what rests is tried again; 0 when nothing rests."""
    left_ns = [
        min(row.next_ns - now_ns, _rest_ns(row.tries)) for row in state.stalled() if row.tries and row.next_ns > now_ns
    ]
    return min(left_ns) / _SECOND_NS if left_ns else 0.0


def begin_plan(state: SyncState, plan: Plan, now_ns: int) -> None:
    """Let nodes take their new ids, and note the conflict copies that this makes; in a transaction."""
    for before, after in plan.identities:
        state.local.take_identity(before, after)
    origins = {identity.id_after: identity.id_before for identity in plan.identities}
    for notice in plan.notices:
        if notice.event is Event.CONFLICT_COPY and notice.id in origins:
            copy, path = _text(notice.path), _text(notice.other)
            base = state.base.get(origins[notice.id])
            row = ConflictRow(notice.id, origins[notice.id], path, copy, now_ns)
            state.add_conflict(row, None if base is None else base.digest)
            state.log(_line(notice, now_ns))


def end_plan(state: SyncState, plan: Plan, outcome: Outcome, now_ns: int) -> None:
    """Note what stands still, what waits for the user, and what was done; in a transaction."""
    state.keep_stalled(_stalled(state, plan, outcome, now_ns))
    known = {row.name: row.since_ns for row in state.holds()}
    rows = [_hold_row(hold, now_ns) for hold in plan.holds]
    state.keep_holds(row._replace(since_ns=known.get(row.name, now_ns)) for row in rows)
    approved = state.approved()
    state.keep_approved(id_ for id_ in approved if state.base.get(id_) is not None)
    copies = {identity.id_after for identity in plan.identities}
    for notice in plan.notices:
        is_copy = notice.event is Event.CONFLICT_COPY
        if notice.id in outcome.acted and not (is_copy and notice.id in copies):
            state.log(_line(notice, now_ns))
            if is_copy:  # of two new files: neither was made from the other's, so the copy keeps its own id
                copy, path = _text(notice.path), _text(notice.other)
                state.add_conflict(ConflictRow(notice.id, _id_at(state.remote, notice.other), path, copy, now_ns))


def _id_at(tree: TreeView, path: tuple[str, ...]) -> NodeId:
    """Find what stands at a path; no node's id when nothing does."""
    id_ = ROOT
    for name in path:
        node = tree.child(id_, name)
        if node is None:
            return b""
        id_ = node.id
    return id_


def hold_name(hold: Hold) -> str:
    """Give the short name by which a hold is approved: other deletions have another."""
    text = hold.side.encode() + b"".join(hold.ids)
    return blake2b(text, digest_size=_HOLD_NAME_BYTES).hexdigest()


def _hold_row(hold: Hold, now_ns: int) -> HoldRow:
    return HoldRow(hold_name(hold), hold.side, hold.ids, hold.files, tuple(map(_text, hold.paths)), now_ns)


def _stalled(state: SyncState, plan: Plan, outcome: Outcome, now_ns: int) -> Iterable[StalledRow]:
    """Give what stands still: as the plan says, and what failed just now."""
    known = {row.id: row for row in state.stalled()}
    rows: dict[NodeId, StalledRow] = {}
    for id_, path, reason in plan.stalls:
        before = known.get(id_)
        row = StalledRow(id_, _text(path), reason, now_ns, 0, 0)
        if before is not None and before.reason is reason:
            row = before if before.tries else row._replace(since_ns=before.since_ns)
        rows[id_] = row
    for id_, (node, reason) in outcome.stalls.items():
        before = known.get(id_)
        tries = (before.tries if before is not None else 0) + 1
        since_ns = before.since_ns if before is not None and before.reason is reason else now_ns
        rows[id_] = StalledRow(id_, outcome.path_of(node), reason, since_ns, tries, now_ns + _rest_ns(tries))
    return rows.values()


def _rest_ns(tries: int) -> int:
    """Say how long a node rests that failed so often."""
    return min(_REST_S << min(tries - 1, 20), _REST_MOST_S) * _SECOND_NS


def _line(notice: Notice, now_ns: int) -> EventRow:
    return EventRow(now_ns, notice.event, _text(notice.path), _text(notice.other))


def _text(path: tuple[str, ...]) -> str:
    return "/".join(path)
