"""A pair that the daemon holds open: what its worker may ask of it, and the real member, over disk, state and volume.

It decides nothing about when. Before each cycle the worker asks `is_as_opened`: a folder that was unmounted, renamed or
replaced must not be acted on through the descriptor that is still open. It relies on `syncing` for opening.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Final, NamedTuple, Protocol, final

from mega_cli.account import open_volume
from mega_cli.api.pace import Pace
from mega_cli.daemon.display import Display
from mega_cli.localfs.disk import Place
from mega_cli.localfs.failures import disk_failures
from mega_cli.share.healing import heal_or_note
from mega_cli.state.sync_state import state_failures
from mega_cli.sync.engine import Engine
from mega_cli.sync.ignore_lines import device_lines
from mega_cli.sync.marker import FolderMark, Owner, Verdict
from mega_cli.sync.opened import open_folder
from mega_cli.sync.pairs import Pair
from mega_cli.sync.probe import last_probed
from mega_cli.sync.report import CycleReport
from mega_cli.sync.syncing import OpenPair, RunOptions, syncing
from mega_cli.sync.syncs import LastRun, keep_last_run, last_run, standing_of
from mega_cli.system.clock import SystemClock
from mega_cli.system.directories import Home
from mega_cli.volume.session import VolumeSession

OpenLive = Callable[[Pair, Display, "LookedAt"], AbstractContextManager["LivePair"]]
"""Holds a pair for a block. Raises what `syncing` and `open_volume` raise."""
LookedAt = Callable[[Place], bool]
"""Is told of each folder just before it is listed: `Hints.watch`."""
_log: Final = logging.getLogger(__name__)
_LAST_RUN_NS: Final = 600 * 10**9
"""How old the note of the last run may be while nothing happens."""


class Counts(NamedTuple):
    """What a pair has to show after a cycle."""

    stalled: int = 0
    held: int = 0
    conflicts: int = 0
    absent: int = 0


class LivePair(Protocol):
    """A pair that is held. Used from one thread; raises MegaErrors."""

    def is_as_opened(self) -> bool:
        """Tell whether the path leads to the folder that was opened, marked as it was left, and nothing is set anew."""

    def cycle(self, scope: frozenset[Place] | None, closed: frozenset[Place]) -> CycleReport:
        """Bring both sides nearer to each other."""

    def revision(self) -> int:
        """Give the revision of the head that was verified last; 0 before any."""

    def counts(self) -> Counts:
        """Count what stands still and what waits."""

    def distrust(self) -> None:
        """Have the next scan of everything read every file again."""


@contextmanager
def open_live(home: Home, pace: Pace, pair: Pair, display: Display, looked_at: LookedAt) -> Iterator[LivePair]:
    """Hold a real pair; its session is ended in order unless the block fails."""
    with (
        open_volume(home, display, pace) as session,
        syncing(home, session, pair, RunOptions(), display) as opened,
    ):
        engine = opened.begin(display)
        engine.watch_folders(looked_at)
        yield _RealPair(home, session, opened, engine)
        opened.end()


@final
class _RealPair:
    def __init__(self, home: Home, session: VolumeSession, opened: OpenPair, engine: Engine) -> None:
        self._home = home
        self._session = session
        self._opened = opened
        self._engine = engine
        self._settings = (session_mark(home), device_lines(home))

    @contextmanager
    def _failures(self) -> Iterator[None]:
        with state_failures(), disk_failures(os.fsencode(self._opened.pair.local)):
            yield

    def is_as_opened(self) -> bool:
        opened = self._opened
        is_other = (session_mark(self._home), device_lines(self._home)) != self._settings
        with self._failures(), open_folder(opened.pair) as there:
            now, before = there.look(()), opened.disk.look(())
            if is_other or now is None or before is None or now.stamps[3:5] != before.stamps[3:5]:
                return False
            owner = Owner(bytes(self._session.keys.volume), opened.pair.id)
            ids_are_stable = last_probed(opened.state).ids_are_stable
            return FolderMark(there, opened.state, owner, ids_are_stable=ids_are_stable).look() is Verdict.GO_ON

    def cycle(self, scope: frozenset[Place] | None, closed: frozenset[Place]) -> CycleReport:
        report = self._engine.cycle(scope=scope, closed=closed)
        with self._failures():
            self._keep(report)
        if report.commits:
            heal_or_note(self._session, self._home, _log.warning)
        return report

    def _keep(self, report: CycleReport) -> None:
        """Keep how it stands, for those who ask while no daemon runs; only when it says something new."""
        state = self._opened.state
        run = LastRun(SystemClock().now_ns(), report.is_up_to_date, failed=len(report.failures))
        before = last_run(state)
        is_same = before is not None and before == LastRun(before.at_ns, run.is_up_to_date, failed=run.failed)
        if before is None or not is_same or not report.plan.is_empty or run.at_ns - before.at_ns > _LAST_RUN_NS:
            keep_last_run(state, run)

    def revision(self) -> int:
        newest = self._session.newest
        return 0 if newest is None else newest.revision

    def counts(self) -> Counts:
        with self._failures():
            found = standing_of(self._opened.pair, self._opened.state, wants_items=False)
        return Counts(found.stalled, found.held, found.conflicts, found.absent)

    def distrust(self) -> None:
        state = self._opened.state
        with self._failures(), state.transaction():
            state.local.distrust_files()


def session_mark(home: Home) -> object:
    """Give what is another after each login, logout or change of the session; nothing of the session is read."""
    try:
        found = home.session_file.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
