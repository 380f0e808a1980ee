"""One run of a pair: find or make it, look at its marker, and let the engine work on the real disk and volume.

It decides nothing about files. What must not be is refused before anything is made: the remote folder is looked at
before the pair is written down, the marker before the state is used. It relies on the caller for the volume's session,
and for bringing links in step afterwards.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple, final

from mega_cli.errors import InterruptedRunError, MegaError, MissingItemError, UsageError
from mega_cli.formats.page import FOLDER
from mega_cli.paths.remote import RemotePath
from mega_cli.reconcile.actions import Plan
from mega_cli.reconcile.nodes import Node, NodeId
from mega_cli.reconcile.situation import Mode
from mega_cli.state.sync_state import HoldRow
from mega_cli.sync.pairs import Pair, Pairs, open_pairs, real_path
from mega_cli.sync.probe import last_probed
from mega_cli.sync.real_world import RealClock
from mega_cli.sync.record import hold_name
from mega_cli.sync.run import run_once
from mega_cli.sync.run_report import RunReport
from mega_cli.sync.story import Told, moving, tell
from mega_cli.sync.syncing import UNMADE, OpenPair, RunOptions, syncing
from mega_cli.sync.syncs import LastRun, keep_last_run
from mega_cli.system.directories import Home
from mega_cli.volume.commit import open_tree
from mega_cli.volume.progress import Progress
from mega_cli.volume.session import VolumeSession
from mega_cli.volume.tree import FILES

Note = Callable[[str], None]
_LOOKS: Final = 3
"""How often a dry run looks, while something is so young that it needs a second look."""


class Wanted(NamedTuple):
    """Which folders, and how; without a mode it is the pair's, or two-way."""

    local: Path
    remote: RemotePath
    mode: Mode | None = None


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
    with syncing(home, session, pair, options, progress, is_new=is_new) as opened:
        run = _Run(opened, progress)
        return run.look() if options.is_dry_run else run.work()


def hand_over(home: Home, session: VolumeSession, wanted: Wanted, progress: Progress, note: Note) -> Pair:
    """Make a pair, or take the one there is, and make it the daemon's. What is missing is made, nothing is synced.

    Refuses what a run refuses, with the same errors.
    """
    pairs = open_pairs(home)
    known = pairs.at(real_path(wanted.local))
    pair = _find_or_make(pairs, session, wanted, RunOptions(), note)
    if pair.is_background:
        return pair
    with syncing(home, session, pair, RunOptions(), progress, is_new=known is None):
        return pairs.set_background(pair, is_background=True)


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
            return Pair(UNMADE, real, wanted.remote, wanted.mode or Mode.TWO_WAY, 0)
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


@final
@dataclass(slots=True)
class _Run:
    """A pair that is opened, and what comes of it; also the engine's `Watch`."""

    opened: OpenPair
    progress: Progress
    told: list[Told] = field(default_factory=list)
    paths: dict[NodeId, str] = field(default_factory=dict)
    """Of the nodes that the lines tell of."""
    moving_files: int = 0
    """How many files all plans so far want to move, and how many bytes."""
    moving_bytes: int = 0

    def look(self) -> RunReport:
        """Say what would be done."""
        opened, clock = self.opened, RealClock()
        engine = opened.engine(last_probed(opened.state), self)
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
        return RunReport(opened.pair, opened.verdict, [cycle], self.told, holds, is_dry_run=True)

    def work(self) -> RunReport:
        """Sync until nothing is left to do; keep how it ended, also when it broke off."""
        opened, state, clock = self.opened, self.opened.state, RealClock()
        try:
            engine = opened.begin(self)
            keep_last_run(state, LastRun(clock.now_ns(), is_up_to_date=False))  # what stands if we are killed
            cycles = run_once(engine, clock)
            opened.end()
        except (MegaError, KeyboardInterrupt) as error:
            name = error.name if isinstance(error, MegaError) else InterruptedRunError.name
            keep_last_run(state, LastRun(clock.now_ns(), is_up_to_date=False, error=name))
            raise
        report = RunReport(opened.pair, opened.verdict, cycles, self.told, state.holds())
        last = LastRun(clock.now_ns(), report.is_up_to_date, failed=len(report.failures))
        keep_last_run(state, last)
        return report

    # --- what the engine tells

    def planned(self, plan: Plan) -> None:
        """Keep the lines of a plan: paths are told as they are before it is carried out."""
        lines = tell(plan, self.opened.state.local, self.opened.state.remote)
        self.told += lines
        self.paths.update((told.id, told.path) for told in lines)
        moved = moving(plan)
        self.moving_files += moved.files
        self.moving_bytes += moved.size_bytes
        self.progress.total(self.moving_files, self.moving_bytes)

    def sent(self, node: Node) -> None:
        """Show a file that went up."""
        self.progress.file_done(self.paths.get(node.id, node.name), "upload")

    def received(self, node: Node) -> None:
        """Show a file that came down."""
        self.progress.file_done(self.paths.get(node.id, node.name), "download")
