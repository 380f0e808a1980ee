"""Engine: one cycle of sync. Recover, observe, settle, plan, carry out, record: one thread, and no step is kept.

Whatever part of a cycle is carried out before it breaks off, the next one observes again and plans anew. It must never
act on a folder that is not there, or on a state that cannot be read. It relies on `reconcile.plan` for what to do and
on `LocalWork` and `RemoteWork` for doing it safely.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from typing import Final, final

from mega_cli.errors import RollbackError, SafetyStopError, TemporaryError
from mega_cli.localfs.disk import Disk, Place
from mega_cli.localfs.failures import disk_failures
from mega_cli.reconcile.actions import Plan, Stall
from mega_cli.reconcile.nodes import ROOT, Node, NodeId, path_of
from mega_cli.reconcile.plan import plan
from mega_cli.reconcile.situation import Policy, Reason
from mega_cli.state.sync_state import SyncState, state_failures
from mega_cli.sync.apply_local import LocalWork
from mega_cli.sync.apply_remote import MARK, RemoteWork, mark_of, resolve_pending
from mega_cli.sync.comparison import exclude, leave_out, settle_state, situation_of, widen_absent
from mega_cli.sync.fetch import Fetcher
from mega_cli.sync.folders import keeps_something
from mega_cli.sync.local_end import OWN, TMP, LocalEnd
from mega_cli.sync.observe import observe_remote, unheld_stalls
from mega_cli.sync.outcome import Outcome, Silent, Watch
from mega_cli.sync.record import begin_plan, end_plan, node_of, resting_s, wake, wake_all, without_resting
from mega_cli.sync.recover import recover, sweep
from mega_cli.sync.remote import RemoteFolder, RemoteMovedError
from mega_cli.sync.report import CycleReport, Failure
from mega_cli.sync.scan import Scanner
from mega_cli.sync.settings import Settings
from mega_cli.sync.sighting import Observation
from mega_cli.sync.trash import look_again
from mega_cli.sync.world import Chance, Clock

_JOINED: Final = "joined"
"""The state keeps it once both sides were joined: the digests of files that were left alone as ghosts."""
_DIGEST_BYTES: Final = 32
_LOST_S: Final = 0.05
_LOST_MOST_S: Final = 5.0


@final
class Engine:
    """One pair's sync for as long as a process runs. Used from one thread."""

    def __init__(
        self,
        *,
        disk: Disk,
        remote: RemoteFolder,
        state: SyncState,
        clock: Clock,
        chance: Chance,
        settings: Settings,
        watch: Watch | None = None,
        pool: Executor | None = None,
    ) -> None:
        """Touch nothing yet."""
        self._end = LocalEnd(disk, state, clock, chance, settings)
        self._remote = remote
        self._watch = watch or Silent()
        self._scanner = Scanner(disk, state, clock, chance, settings, pool)
        self._uses_threads = pool is not None
        self._past: frozenset[bytes] | None = None
        self._is_swept = False
        self._is_awake = False
        self._losses = 0

    def watch_folders(self, watch: Callable[[Place], bool]) -> None:
        """Call `Hints.watch` for each folder before it is listed, from the next cycle on."""
        self._scanner.watch = watch

    def cycle(
        self, *, is_dry_run: bool = False, scope: Iterable[Place] | None = None, closed: Iterable[Place] = ()
    ) -> CycleReport:
        """Bring both sides nearer to each other, or only say what would be done. Raises a MegaError, OSError never.

        `scope`: the folders whose listings may have changed; None: any. What was not well or not left alone before is
        looked at too. `closed`: files whose writers closed them, which need not grow old. Both are kept until they were
        looked at, also when the cycle breaks off.
        """
        self._scanner.expect(scope, closed)
        with state_failures(), disk_failures(b"."):
            return self._cycle(is_dry_run=is_dry_run)

    def resync(self) -> None:
        """Forget what both sides agreed on: the next cycle joins them, and deletes nothing."""
        with state_failures(), disk_failures(b"."):
            self._check_folder(is_own=False)
            recover(self._end)
            self._forget()

    def _forget(self) -> None:
        state = self._end.state
        with state.transaction():
            state.forget_base()
            for key in (MARK, _JOINED):
                state.keep(key, None)
        self._past = None
        self._scanner.forget()

    def _cycle(self, *, is_dry_run: bool) -> CycleReport:
        end, state = self._end, self._end.state
        self._check_folder(is_own=not is_dry_run)
        stalled: dict[NodeId, Reason] = {}
        if not is_dry_run:
            stalled |= self._recover()
        changed = self._observe_remote()
        # Only now: an older head cannot tell what became of a commit of our own.
        resolve_pending(state, self._remote)
        observation = self._scanner.scan(end.take_written())
        if ROOT in observation.stalled:
            return CycleReport(Plan(stalls=tuple(observation.stalls)), waiting_s=observation.waiting_s)
        with state.transaction():
            self._scanner.record(observation)
            exclude(state, observation.excluded, observation.included)
            leave_out(state, self._scanner.excludes)
            wake(state, changed | _changed(observation))
            if not self._is_awake:
                wake_all(state)
                self._is_awake = True
            settle_state(state)
        made = self._plan({**observation.stalled, **unheld_stalls(state), **stalled}, observation.stalls)
        if is_dry_run:
            return CycleReport(made, waiting_s=observation.waiting_s)
        outcome = Outcome(self._path_of, self._watch)
        if not made.is_empty or dict(made.absent) != state.absent():
            self._carry_out(made, outcome)
        with state.transaction():
            settle_state(state)
            end_plan(state, made, outcome, end.clock.now_ns())
            if made.is_empty and self._past is not None and Reason.FILE_CHANGING not in observation.stalled.values():
                self._end_joining(made)
        self._scanner.end(end.take_written(), *_unsure(made, outcome, stalled))
        waiting_s = max(observation.waiting_s, outcome.waiting_s)
        return _report(made, outcome, waiting_s, resting_s(state, end.clock.now_ns()))

    def _check_folder(self, *, is_own: bool) -> None:
        """Look whether the folder is there, and its mark. Raises SafetyStopError."""
        for place in ((), OWN) if is_own else ((),):
            found = self._end.disk.look(place)
            if found is None or found.kind != "d":
                message = "the synced folder is not there, or its own folder .mega is missing: is its disk mounted?"
                hint = "nothing was changed; mount or restore it; to sync it no more: mega syncs rm ID"
                raise SafetyStopError(message, hint)

    def _recover(self) -> Mapping[NodeId, Reason]:
        """Settle what an earlier run left, and look after trash and tmp."""
        end = self._end
        end.own_folder(TMP)
        failed = recover(end)
        if not self._is_swept:
            sweep(end)
            self._is_swept = True
        with end.state.transaction():
            look_again(end)
            end.make_names_durable()
            # What was fetched before a crash was agreed on, whatever the volume made of it since.
            settle_state(end.state)
        return failed

    def _observe_remote(self) -> set[NodeId]:
        """Take over the verified head. Where the user accepted another history, both sides are joined anew."""
        state = self._end.state
        try:
            return observe_remote(state, self._remote)
        except RollbackError:
            if mark_of(state) is None:
                raise
            self._remote.observe(None)  # raises again, unless the history that this device pins is the one shown
            self._forget()
            return observe_remote(state, self._remote)

    def _plan(self, stalled: Mapping[NodeId, Reason], shown: Sequence[Stall]) -> Plan:
        """Ask the planner, and let rest what failed a short while ago. `shown`: paths of what has no node yet."""
        state, settings, now_ns = self._end.state, self._end.settings, self._end.clock.now_ns()
        policy = Policy(
            mode=settings.mode,
            device=settings.device,
            now_ns=now_ns,
            limit=settings.limit,
            approved=state.approved(),
            disk=settings.disk,
        )

        def is_kept(id_: NodeId) -> bool:
            return keeps_something(self._end, id_)

        made = plan(situation_of(state, stalled, self._past_digests()), policy)
        paths = {stall.id: stall.path for stall in shown}
        stalls = tuple(
            stall._replace(path=stall.path or paths.get(stall.id) or path_of(state.local, stall.id) or ())
            for stall in made.stalls
        )
        return without_resting(replace(made, stalls=stalls), state, now_ns, is_kept)

    def _past_digests(self) -> frozenset[bytes]:
        """Give what the remote once held and deleted, as far as it matters: while both sides are joined, everything."""
        ghosts = self._end.state.value(_JOINED)
        if ghosts is not None:
            return frozenset(ghosts[at : at + _DIGEST_BYTES] for at in range(0, len(ghosts), _DIGEST_BYTES))
        if self._past is None:
            self._past = self._remote.past_digests()
        return self._past

    def _end_joining(self, made: Plan) -> None:
        """Note that both sides are joined; only the ghosts are still known as what they are."""
        ghosts = (self._end.state.local.get(stall.id) for stall in made.stalls if stall.reason is Reason.GHOST)
        self._end.state.keep(_JOINED, b"".join(sorted({node.digest for node in ghosts if node is not None})))
        self._past = None

    def _carry_out(self, made: Plan, outcome: Outcome) -> None:
        """Carry a plan out: identities first and durably, then this disk, then the volume."""
        end, state = self._end, self._end.state
        self._watch.planned(made)
        with state.transaction():
            begin_plan(state, made, end.clock.now_ns())
            widen_absent(state, made.absent)
        fetcher = Fetcher(end, self._remote, uses_threads=self._uses_threads)
        LocalWork(end, fetcher, outcome).run(made.local)
        try:
            RemoteWork(end, self._remote, outcome).run(made.remote)
        except RemoteMovedError:
            self._losses += 1
            outcome.skipped += 1
            outcome.waiting_s = self._pause_s()
        except TemporaryError as error:
            self._losses += 1
            outcome.failures.append(Failure("", error))
            outcome.waiting_s = self._pause_s()
        else:
            self._losses = 0

    def _pause_s(self) -> float:
        """Say how long to wait after a lost race: twice as long each time, and nobody the same."""
        share = int.from_bytes(self._end.chance.random_bytes(2)) / 0xFFFF
        return min(_LOST_S * float(1 << min(self._losses, 10)), _LOST_MOST_S) * (0.5 + share / 2)

    def _path_of(self, node: Node) -> str:
        """Say how a node is called in a message."""
        state = self._end.state
        paths = (path_of(tree, node.parent) for tree in (state.local, state.remote))
        return "/".join((*next((path for path in paths if path is not None), ()), node.name))


def _changed(observation: Observation) -> set[NodeId]:
    return {*(row.node.id for row in observation.rows), *observation.gone}


def _unsure(made: Plan, outcome: Outcome, failed: Iterable[NodeId]) -> tuple[set[NodeId], set[NodeId]]:
    """Give the nodes that may be other than recorded, and folders they may be in: all that this disk was to do.

    Of what the volume was to do, only what was not done: a file may have changed.
    """
    nodes, folders = set(failed), set()
    for step in made.local:
        for node in (getattr(step.action, "before", None), getattr(step.action, "node", None)):
            if node is not None:
                nodes.add(node.id)
                folders.add(node.parent)
    undone = (node_of(step.action) for step in made.remote)
    nodes |= {node.id for node in undone if node.id not in outcome.acted}
    return nodes, folders


def _report(made: Plan, outcome: Outcome, waiting_s: float, resting_s: float) -> CycleReport:
    return CycleReport(
        made,
        uploaded=outcome.uploaded,
        downloaded=outcome.downloaded,
        sent_bytes=outcome.sent_bytes,
        received_bytes=outcome.received_bytes,
        commits=outcome.commits,
        local_changes=outcome.local_changes,
        remote_changes=outcome.remote_changes,
        skipped=outcome.skipped,
        failures=tuple(outcome.failures),
        waiting_s=waiting_s,
        resting_s=resting_s,
    )
