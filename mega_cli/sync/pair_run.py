"""One run of a pair: find or make it, look at its marker, and let the engine work on the real disk and volume.

It decides nothing about files. What must not be is refused before anything is made: the remote folder is looked at
before the pair is written down, the marker before the state is used. It relies on the caller for the volume's session,
and for bringing links in step afterwards.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple, final

from mega_cli.account import open_session
from mega_cli.errors import InterruptedRunError, MegaError, MissingItemError, UsageError
from mega_cli.formats.page import FOLDER
from mega_cli.localfs.disk import Disk
from mega_cli.paths.remote import RemotePath
from mega_cli.reconcile.actions import FetchFile, Plan, PutNode
from mega_cli.reconcile.nodes import Node, NodeId
from mega_cli.reconcile.situation import DeleteLimit, Mode
from mega_cli.state.sync_state import HoldRow, SyncState
from mega_cli.sync.engine import Engine
from mega_cli.sync.ignore_lines import device_lines
from mega_cli.sync.marker import FolderMark, Owner, Verdict, make_own_folder
from mega_cli.sync.new_folder import NewFolder
from mega_cli.sync.opened import open_folder
from mega_cli.sync.pairs import Pair, Pairs, open_pairs, real_path
from mega_cli.sync.probe import Probed, keep_probed, last_probed, probe
from mega_cli.sync.real_world import RealChance, RealClock
from mega_cli.sync.record import hold_name
from mega_cli.sync.remote import RemoteFolder
from mega_cli.sync.run import run_once
from mega_cli.sync.run_report import RunReport
from mega_cli.sync.settings import Settings
from mega_cli.sync.story import Told, tell
from mega_cli.sync.syncs import LastRun, keep_last_run
from mega_cli.sync.volume_folder import VolumeFolder
from mega_cli.system.bulk_run import prepare_bulk_run
from mega_cli.system.directories import Home
from mega_cli.volume.changes import make_folder
from mega_cli.volume.commit import open_tree
from mega_cli.volume.progress import Progress
from mega_cli.volume.requests import TRANSFERS
from mega_cli.volume.session import VolumeSession
from mega_cli.volume.tree import FILES

Note = Callable[[str], None]
_UNMADE: Final = "new"
"""The id of a pair that a dry run only imagines."""
_HASHING_THREADS: Final = 2
_LOOKS: Final = 3
"""How often a dry run looks, while something is so young that it needs a second look."""


class Wanted(NamedTuple):
    """Which folders, and how; without a mode it is the pair's, or two-way."""

    local: Path
    remote: RemotePath
    mode: Mode | None = None


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How to run."""

    limit: DeleteLimit = field(default_factory=DeleteLimit)
    is_dry_run: bool = False
    is_resync: bool = False
    transfers: int = TRANSFERS


def sync_pair(
    home: Home, session: VolumeSession, wanted: Wanted, options: RunOptions, progress: Progress, note: Note
) -> RunReport:
    """Sync a local and a remote folder once, making the pair of them if it is new.

    Raises UsageError for folders that must not be synced so, LockedError during another run, SafetyStopError,
    RollbackError; what concerns single items stands in the report.
    """
    pairs = open_pairs(home)
    is_new = pairs.at(real_path(wanted.local)) is None
    pair = _find_or_make(pairs, session, wanted, options, note)
    with ExitStack() as stack:
        refused = ExitStack()
        if pair.id != _UNMADE:
            stack.enter_context(pairs.lock(pair))
            now = pairs.at(pair.local)
            if now is None or now.id != pair.id:  # a pause or the like is nothing to a run
                raise MissingItemError(f"{pair.local} is synced no more", "mega syncs")
            stack.enter_context(refused)
            if is_new and not pairs.state_file(pair).exists():  # else another first run came before this one
                refused.callback(pairs.remove, pair)  # a folder that is refused does not stay in the list
        disk = stack.enter_context(open_folder(pair))
        path = pairs.state_file(pair)
        is_kept = path.exists() or not options.is_dry_run
        state = stack.enter_context(SyncState(path if is_kept else ":memory:"))
        owner = Owner(bytes(session.keys.volume), pair.id)
        mark = FolderMark(disk, state, owner, ids_are_stable=last_probed(state).ids_are_stable)
        verdict = mark.look(is_asked=options.is_resync)
        if options.is_dry_run and verdict.is_resync:
            state = stack.enter_context(SyncState(":memory:"))  # the base is not believed, and not touched either
        folder = _remote_folder(session, pair, verdict, options, progress)
        refused.pop_all()
        prepare_bulk_run()  # a scan makes many objects as well
        pool = stack.enter_context(ThreadPoolExecutor(_HASHING_THREADS, "hash"))
        run = _Run(home, pair, verdict, disk, state, folder, progress, pool, options)
        return run.look() if options.is_dry_run else run.work(mark)


def stored(home: Home, word: str) -> Wanted:
    """Give what a pair was made of, by its id or folder; without a word, of the only pair. Raises UsageError."""
    pairs = open_pairs(home)
    every = pairs.all()
    if not word and len(every) != 1:
        message = "no folder is synced yet" if not every else "several folders are synced: which one is not told"
        raise UsageError(message, "mega sync --help" if not every else "mega syncs, then: mega syncs plan ID")
    pair = pairs.find(word) if word else every[0]
    return Wanted(pair.local, pair.remote)


def _find_or_make(pairs: Pairs, session: VolumeSession, wanted: Wanted, options: RunOptions, note: Note) -> Pair:
    """Find the pair, or make it with what it lacks. A dry run makes nothing."""
    real = real_path(wanted.local)
    known = pairs.at(real)
    if known is None:
        pairs.refuse(real)
        existing = open_tree(session, session.head()).entry((FILES, *wanted.remote.parts))
        if existing is not None and existing.kind != FOLDER:
            raise UsageError(f"{wanted.remote} is a file or a link, not a folder", "name a folder; for files: mega get")
        _refuse_empty_source(real, wanted, is_there=existing is not None)
        if options.is_dry_run:
            if not real.is_dir():
                raise MissingItemError(f"there is no folder {real}", "without --dry-run it is made")
            return Pair(_UNMADE, real, wanted.remote, wanted.mode or Mode.TWO_WAY, 0)
        if not real.exists():
            try:
                real.mkdir()
            except FileNotFoundError:
                raise MissingItemError(
                    f"there is no folder {real.parent}", f"mkdir -p {shlex.quote(str(real))}"
                ) from None
            note(f"mega: made the folder {real}")
    return pairs.add(real, wanted.remote, wanted.mode, RealClock().now_ns() // 1_000_000)


def _refuse_empty_source(real: Path, wanted: Wanted, *, is_there: bool) -> None:
    """Refuse to make the folder to copy from: a slip of the pen would empty the other. Raises MissingItemError."""
    if wanted.mode in (Mode.MIRROR_UP, Mode.BACKUP_UP) and not real.exists():
        message = f"there is no folder {real} for {wanted.mode} to copy from"
        raise MissingItemError(message, "name a folder that exists")
    if wanted.mode is Mode.MIRROR_DOWN and not is_there:
        message = f"there is no folder {wanted.remote} in the volume for {wanted.mode} to copy from"
        raise MissingItemError(message, "to see what is there: mega ls /")


def _remote_folder(
    session: VolumeSession, pair: Pair, verdict: Verdict, options: RunOptions, progress: Progress
) -> RemoteFolder:
    """Give the remote folder. Before a first run it may be missing: then it is made; later that is a stop."""
    if verdict in (Verdict.FIRST, Verdict.TAKEN_OVER):
        is_there = open_tree(session, session.head()).entry((FILES, *pair.remote.parts)) is not None
        if not is_there and options.is_dry_run:
            return NewFolder()
        if not is_there:
            make_folder(session, pair.remote, with_parents=True)
    return VolumeFolder(session, pair.remote, transfers=options.transfers, progress=progress)


@final
@dataclass(slots=True)
class _Run:
    """A pair that is opened, and what comes of it; also the engine's `Watch`."""

    home: Home
    pair: Pair
    verdict: Verdict
    disk: Disk
    state: SyncState
    folder: RemoteFolder
    progress: Progress
    pool: Executor
    options: RunOptions
    told: list[Told] = field(default_factory=list)
    paths: dict[NodeId, str] = field(default_factory=dict)
    """Of the nodes that the lines tell of."""
    moving_files: int = 0
    """How many files all plans so far want to move, and how many bytes."""
    moving_bytes: int = 0

    def look(self) -> RunReport:
        """Say what would be done."""
        engine, clock = self._engine(last_probed(self.state)), RealClock()
        for _ in range(_LOOKS):
            cycle = engine.cycle(is_dry_run=True)
            if not cycle.waiting_s:
                break
            clock.sleep(cycle.waiting_s)  # a file written just now is no reason to show half a plan
        self.planned(cycle.plan)
        now_ns = clock.now_ns()
        holds = [
            HoldRow(hold_name(hold), hold.side, hold.ids, hold.files, tuple(map("/".join, hold.paths)), now_ns)
            for hold in cycle.plan.holds
        ]
        return RunReport(self.pair, self.verdict, [cycle], self.told, holds, is_dry_run=True)

    def work(self, mark: FolderMark) -> RunReport:
        """Sync until nothing is left to do; keep how it ended, also when it broke off."""
        clock = RealClock()
        make_own_folder(self.disk)
        probed = probe(self.disk)
        keep_probed(self.state, probed)
        engine = self._engine(probed)
        try:
            if self.verdict.is_resync:
                engine.resync()  # before the marker: a marker that fits lets the next run believe the base
            mark.begin(RealChance(), clock)
            keep_last_run(self.state, LastRun(clock.now_ns(), is_up_to_date=False))  # what stands if we are killed
            cycles = run_once(engine, clock)
            mark.end(clock)
        except (MegaError, KeyboardInterrupt) as error:
            name = error.name if isinstance(error, MegaError) else InterruptedRunError.name
            keep_last_run(self.state, LastRun(clock.now_ns(), is_up_to_date=False, error=name))
            raise
        report = RunReport(self.pair, self.verdict, cycles, self.told, self.state.holds())
        last = LastRun(clock.now_ns(), report.is_up_to_date, failed=len(report.failures))
        keep_last_run(self.state, last)
        return report

    def _engine(self, probed: Probed) -> Engine:
        settings = Settings(
            disk=probed.rules,
            ids_are_stable=probed.ids_are_stable,
            mode=self.pair.mode,
            device=open_session(self.home).device_name,
            limit=self.options.limit,
            ignore_lines=device_lines(self.home),
        )
        return Engine(
            disk=self.disk,
            remote=self.folder,
            state=self.state,
            clock=RealClock(),
            chance=RealChance(),
            settings=settings,
            watch=self,
            pool=self.pool,
        )

    # --- what the engine tells

    def planned(self, plan: Plan) -> None:
        """Keep the lines of a plan: paths are told as they are before it is carried out."""
        lines = tell(plan, self.state.local, self.state.remote)
        self.told += lines
        self.paths.update((told.id, told.path) for told in lines)
        moved = [step.action.node.size for step in plan.local if isinstance(step.action, FetchFile)]
        puts = (step.action for step in plan.remote if isinstance(step.action, PutNode))
        moved += [put.node.size for put in puts if put.has_content]
        self.moving_files += len(moved)
        self.moving_bytes += sum(moved)
        self.progress.total(self.moving_files, self.moving_bytes)

    def sent(self, node: Node) -> None:
        """Show a file that went up."""
        self.progress.file_done(self.paths.get(node.id, node.name), "upload")

    def received(self, node: Node) -> None:
        """Show a file that came down."""
        self.progress.file_done(self.paths.get(node.id, node.name), "download")
