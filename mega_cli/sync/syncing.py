"""Open a pair to sync it: its lock, folder, state, marker and remote folder; and let a session of cycles begin and end.

A run of `mega sync --once` is one session, the daemon's hold on a pair another: neither opens a pair otherwise. What
must not be is refused before anything is written, the marker before the state is used. It decides nothing about files,
and relies on the caller for the volume's session.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Final, final

from mega_cli.account import open_session
from mega_cli.errors import MissingItemError
from mega_cli.localfs.disk import Disk
from mega_cli.localfs.failures import disk_failures
from mega_cli.reconcile.situation import DeleteLimit
from mega_cli.state.sync_state import SyncState
from mega_cli.sync.engine import Engine
from mega_cli.sync.ignore_lines import device_lines
from mega_cli.sync.marker import FolderMark, Owner, Verdict, make_own_folder
from mega_cli.sync.new_folder import NewFolder
from mega_cli.sync.opened import naming, open_folder
from mega_cli.sync.outcome import Watch
from mega_cli.sync.pairs import Pair, open_pairs
from mega_cli.sync.probe import Probed, keep_probed, last_probed, probe
from mega_cli.sync.real_world import RealChance, RealClock
from mega_cli.sync.remote import RemoteFolder
from mega_cli.sync.settings import Settings
from mega_cli.sync.volume_folder import VolumeFolder
from mega_cli.system.bulk_run import prepare_bulk_run
from mega_cli.system.directories import Home
from mega_cli.volume.changes import make_folder
from mega_cli.volume.commit import open_tree
from mega_cli.volume.progress import Progress
from mega_cli.volume.requests import TRANSFERS
from mega_cli.volume.session import VolumeSession
from mega_cli.volume.tree import FILES

UNMADE: Final = "new"
"""The id of a pair that a dry run only imagines: it has no lock and no state."""
_HASHING_THREADS: Final = 2


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How to run."""

    limit: DeleteLimit = field(default_factory=DeleteLimit)
    is_dry_run: bool = False
    is_resync: bool = False
    transfers: int = TRANSFERS


@final
@dataclass(frozen=True, slots=True)
class OpenPair:
    """A pair that is held, until the block that opened it ends."""

    home: Home
    pair: Pair
    verdict: Verdict
    """What its marker said as it was opened."""
    disk: Disk
    state: SyncState
    mark: FolderMark
    folder: RemoteFolder
    pool: Executor
    options: RunOptions

    def engine(self, probed: Probed, watch: Watch) -> Engine:
        """Make what syncs it; nothing is touched yet."""
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
            watch=watch,
            pool=self.pool,
        )

    def begin(self, watch: Watch) -> Engine:
        """Begin a session: try the disk, forget what must not be believed, and let the marker know."""
        with disk_failures(os.fsencode(self.pair.local)):
            make_own_folder(self.disk)
            probed = probe(self.disk)
            keep_probed(self.state, probed)
            engine = self.engine(probed, watch)
            if self.verdict.is_resync:
                engine.resync()  # before the marker: a marker that fits lets the next session believe the base
            self.mark.begin(RealChance(), RealClock())
        return engine

    def end(self) -> None:
        """Let the marker know that the session ended as it should."""
        with disk_failures(os.fsencode(self.pair.local)):
            self.mark.end(RealClock())


@contextmanager
def syncing(
    home: Home,
    session: VolumeSession,
    pair: Pair,
    options: RunOptions,
    progress: Progress,
    *,
    is_new: bool = False,
) -> Iterator[OpenPair]:
    """Hold a pair to sync it. `is_new`: it was listed just now, and does not stay in the list if it is refused here.

    Raises LockedError during another run, SafetyStopError, MissingItemError for a pair that is none any more.
    """
    pairs = open_pairs(home)
    with naming(pair), ExitStack() as stack:
        refused = ExitStack()
        if pair.id != UNMADE:
            stack.enter_context(pairs.lock(pair))
            known = pairs.at(pair.local)
            if known is None or known.id != pair.id:
                raise MissingItemError(f"{pair.local} is synced no more", "mega syncs")
            stack.enter_context(refused)
            if is_new and not pairs.state_file(pair).exists():  # else another first run came before this one
                refused.callback(pairs.remove, pair)
        disk = stack.enter_context(open_folder(pair))
        path = pairs.state_file(pair)
        is_kept = path.exists() or not options.is_dry_run
        state = stack.enter_context(SyncState(path if is_kept else ":memory:"))
        owner = Owner(bytes(session.keys.volume), pair.id)
        mark = FolderMark(disk, state, owner, ids_are_stable=last_probed(state).ids_are_stable)
        with disk_failures(os.fsencode(pair.local)):
            verdict = mark.look(is_asked=options.is_resync)
        if options.is_dry_run and verdict.is_resync:
            state = stack.enter_context(SyncState(":memory:"))  # the base is not believed, and not touched either
        folder = _remote_folder(session, pair, verdict, options, progress)
        refused.pop_all()
        prepare_bulk_run()  # a scan makes many objects as well
        pool = stack.enter_context(ThreadPoolExecutor(_HASHING_THREADS, "hash"))
        yield OpenPair(home, pair, verdict, disk, state, mark, folder, pool, options)


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
