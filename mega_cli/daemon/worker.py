"""One pair's thread: it opens the pair, listens, runs the cycles that are due, and says how the pair stands.

Whatever goes wrong ends here: `treatment.py` says what has to happen before the pair is tried again, and only what it
lists as passing is tried again by itself. A bug of ours stops this pair and no other. It must never run a cycle on a
folder that is not the one it opened, and never after an error that only the user may pass over.
"""

from __future__ import annotations

import logging
import os
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final, NamedTuple, final

import msgspec

from mega_cli.daemon.display import NOTHING, CutShort, Display
from mega_cli.daemon.inbox import Heard, Inbox, WaitFor, Word
from mega_cli.daemon.live_pair import LivePair, OpenLive
from mega_cli.daemon.schedule import Cycle, Schedule, Wait
from mega_cli.daemon.standing import as_of, state_after
from mega_cli.daemon.status import PairStatus
from mega_cli.daemon.treatment import INTEGRITY_FAILURES_MOST, Treatment, Until, treatment_of, way_on
from mega_cli.errors import BugError, IntegrityError, MegaError, RollbackError
from mega_cli.localfs.disk import Place
from mega_cli.localfs.failures import failure
from mega_cli.localfs.hints import Hints
from mega_cli.paths.names import text_from_disk
from mega_cli.sync.pairs import Pair
from mega_cli.sync.report import CycleReport
from mega_cli.sync.world import Clock

_log: Final = logging.getLogger(__name__)
_NS_A_MS: Final = 1_000_000
_GAP_S: Final = 30.0
"""By so much the wall clock gets ahead of the steady one, or a wait lasts too long, when the machine slept."""
_STOPPED: Final = Treatment("stopped", Until.USER)
_UNHEARD: Final = {"watcher": "", "watcher_message": "", "watcher_hint": ""}
"""The fields of a status while nobody listens to the folder."""


@dataclass(frozen=True, slots=True)
class Pauses:
    """How long a worker waits before it looks again, in seconds."""

    look_s: float = 30.0
    login_s: float = 5.0
    first_s: float = 5.0
    soon_most_s: float = 60.0
    most_s: float = 3_600.0


@dataclass(frozen=True, slots=True)
class Ways:
    """How a worker reaches the world; the same for all workers of a daemon."""

    open_live: OpenLive
    choose_hints: Callable[[Path], Hints]
    clock: Clock
    session_mark: Callable[[], object]
    """Gives what is another after a login on this device."""
    has_slept: Callable[[], None]
    """Is told when the machine slept."""
    pauses: Pauses = Pauses()
    wait_for: WaitFor = threading.Condition.wait_for


class _Rest(NamedTuple):
    """Why nothing is done at the moment, and what was seen when that began."""

    treatment: Treatment
    error: MegaError
    until_s: float
    session_mark: object


@final
class Worker:
    """Syncs one pair until it is stopped."""

    def __init__(self, pair: Pair, ways: Ways, changed: Callable[[], None]) -> None:
        """Begin nothing yet. `changed` is called after each change of the status, from any thread."""
        self.inbox = Inbox(ways.clock.steady_s, ways.wait_for)
        self._pair = pair
        self._ways = ways
        self._changed = changed
        self._status = PairStatus(
            id=pair.id,
            local=text_from_disk(os.fsencode(pair.local)),
            remote=str(pair.remote),
            mode=str(pair.mode),
            since_ms=self._now_ms(),
            paused_until_ms=pair.paused_until_ms or 0,
        )
        self._status_lock = threading.Lock()
        self._display = Display(self._tell, lambda: self._must_let_go, ways.clock.steady_s)
        self._hints: Hints | None = None
        self._rest: _Rest | None = None
        self._session_mark: object = None
        self._failures = 0
        self._revision = 0
        self._is_to_verify = False
        self._ahead_s = self._wall_ahead_s()

    # --- any thread

    @property
    def pair(self) -> Pair:
        """Give the pair as it is known now."""
        return self._pair

    def change(self, pair: Pair) -> None:
        """Take over what was changed about the pair."""
        self._pair = pair
        self._tell(paused_until_ms=pair.paused_until_ms or 0)
        self.inbox.say(Word.LOOK)

    def status(self) -> PairStatus:
        """Say how the pair stands now."""
        state, message, hint, error = as_of(self._status, self._now_ms())
        return msgspec.structs.replace(self._status, state=state, message=message, hint=hint, error=error)

    def hear_revision(self, revision: int | None) -> None:
        """Hear what the server says of the head; None: it did not move. A hint: what is newer is looked at."""
        if revision is None or 0 < revision <= self._revision:
            with self._status_lock:
                self._status = msgspec.structs.replace(self._status, last_checked_ms=self._now_ms())
        else:
            self.inbox.say(Word.MOVED)

    # --- the thread

    def run(self) -> None:
        """Work until told to stop."""
        self._display.own()
        while not self.inbox.is_stopping:
            try:
                self._turn()
            except CutShort:
                continue
            except MegaError as error:
                self._set_rest(treatment_of(error), error)
            except OSError as error:
                told = failure(error, os.fsencode(self._pair.local))
                self._set_rest(treatment_of(told), told)
            except Exception as error:  # noqa: BLE001 -- a bug in one pair must not end the others
                where = "".join(traceback.format_tb(error.__traceback__))
                _log.error("pair %s stopped by a bug: %s\n%s", self._pair.id, type(error).__name__, where)
                bug = BugError("a bug of mega ended the sync of this folder", f"mega syncs now {self._pair.id}")
                bug.__cause__ = error
                self._set_rest(_STOPPED, bug)

    def _turn(self) -> None:
        """Do what is to be done now, until that changes."""
        if self.inbox.is_lent:
            self._tell(state="lent", message="", hint="", error="", **_UNHEARD)
            self._idle(lambda: not self.inbox.is_lent)
        elif self._is_paused:
            self._tell(state="paused", message="", hint=f"mega syncs resume {self._pair.id}", error="", **_UNHEARD)
            self._idle(lambda: not self._is_paused)
        elif self._rest is not None:
            self._tell_error(self._rest.treatment, self._rest.error, **_UNHEARD)
            self._idle(self._is_rested)
        else:
            self._work()

    def _idle(self, is_over: Callable[[], bool]) -> None:
        """Keep out of the pair until something is over, or other people's wishes change."""
        was_lent = self.inbox.is_lent
        with self.inbox.out():
            while not self.inbox.is_stopping and self.inbox.is_lent == was_lent and not is_over():
                heard = self.inbox.wait(self._idle_s(), is_lent=was_lent)
                self._hear_while_idle(heard)

    def _idle_s(self) -> float:
        """Say how long nothing can be over without a word."""
        if self._rest is not None and not self._must_let_go:
            if self._rest.treatment.until is Until.LOGIN:
                return self._ways.pauses.login_s
            if self._rest.treatment.until is not Until.USER:
                return max(0.0, self._rest.until_s - self._ways.clock.steady_s())
        return self._ways.pauses.look_s

    def _hear_while_idle(self, heard: Heard) -> None:
        """Let a word end the rest."""
        self._is_to_verify = self._is_to_verify or Word.VERIFY in heard.words
        if self._rest is None:
            return
        is_soon = self._rest.treatment.until is Until.SOON and heard.words
        if Word.NOW in heard.words or is_soon:
            self._rest = None

    def _is_rested(self) -> bool:
        """Tell whether the pair may be tried again."""
        rest = self._rest
        if rest is None:
            return True
        if rest.treatment.until is Until.LOGIN:
            is_over = self._ways.session_mark() != rest.session_mark
        else:
            is_over = rest.treatment.until is not Until.USER and self._ways.clock.steady_s() >= rest.until_s
        if is_over:
            self._rest = None
        return is_over or self._is_paused

    def _set_rest(self, treatment: Treatment, error: MegaError) -> None:
        """Note why nothing is done, and until when."""
        pauses = self._ways.pauses
        _log.warning("pair %s: %s: %s", self._pair.id, treatment.state, error.name)
        self._failures += 1
        most_s = {Until.LOOK: pauses.look_s, Until.SOON: pauses.soon_most_s}.get(treatment.until, pauses.most_s)
        first_s = pauses.look_s if treatment.until is Until.LOOK else pauses.first_s
        wait_s = min(first_s * 2.0 ** min(self._failures - 1, 12), most_s)
        self._rest = _Rest(treatment, error, self._ways.clock.steady_s() + wait_s, self._session_mark)

    # --- a pair that is open

    def _work(self) -> None:
        """Open the pair and run cycles until it is wanted elsewhere, or must be opened anew. Raises MegaError."""
        self._session_mark = self._ways.session_mark()  # before anything fails: a login meanwhile must not be missed
        self._tell(state="starting", message="", hint="", error="", **_UNHEARD)
        with self._ways.open_live(self._pair, self._display, self._looked_at) as live:
            self._hints = self._ways.choose_hints(self._pair.local)
            try:
                self._hints.start(self.inbox.hint)
                self._cycles(live, self._hints)
            finally:
                self._hints.stop()
                self._hints = None

    def _looked_at(self, place: Place) -> bool:
        """Have a folder watched that is about to be listed."""
        self._display.looked_at()
        return True if self._hints is None else self._hints.watch(place)

    def _cycles(self, live: LivePair, hints: Hints) -> None:
        clock = self._ways.clock
        schedule = Schedule(clock.steady_s(), Random().uniform)  # noqa: S311 -- it parts the rounds of two devices
        while not self._must_let_go:
            due_s = hints.tick(clock.steady_s())
            step = schedule.next(clock.steady_s())
            wait_s = min(step.seconds, due_s) if isinstance(step, Wait) else 0.0
            began_s = clock.steady_s()
            heard = self.inbox.wait(wait_s, wakes_on_hint=not schedule.pending)
            if self._has_slept(clock.steady_s() - began_s - wait_s):
                schedule.everything(clock.steady_s())
                self._ways.has_slept()
            self._hear(heard, live, schedule)
            step = schedule.next(clock.steady_s())
            if isinstance(step, Cycle) and not self._must_let_go:
                if not live.is_as_opened():
                    return
                self._cycle(live, step, schedule, hints)

    def _hear(self, heard: Heard, live: LivePair, schedule: Schedule) -> None:
        """Pass on what was heard."""
        now_s = self._ways.clock.steady_s()
        for hint, at_s in heard.hints:
            schedule.hint(hint, at_s)
        if Word.MOVED in heard.words or Word.LOOK in heard.words:
            schedule.remote(now_s)
        if Word.VERIFY in heard.words or self._is_to_verify:
            live.distrust()
            self._is_to_verify = False
            schedule.everything(now_s)
        if Word.NOW in heard.words:
            schedule.everything(now_s)
        if heard.hints and self._status.state == "up-to-date":
            self._tell(state="waiting", pending=schedule.pending)

    def _cycle(self, live: LivePair, step: Cycle, schedule: Schedule, hints: Hints) -> None:
        """Run one cycle. Raises the MegaErrors after which the pair must not stay open."""
        clock = self._ways.clock
        self._display.begin(is_whole=step.scope is None)
        try:
            report = live.cycle(step.scope, step.closed)
        except MegaError as error:
            treatment = treatment_of(error)
            if not treatment.keeps_open:
                raise
            _log.info("pair %s: %s", self._pair.id, error.name)
            schedule.failed(clock.steady_s(), is_network=treatment.until is Until.SOON)
            self._tell_error(treatment, error, pending=schedule.pending)
            return
        self._failures = 0
        schedule.done(step, report, clock.steady_s())
        _raise_what_stops(report)
        self._revision = live.revision()
        counts, health, now_ms = live.counts(), hints.health(), self._now_ms()
        state, message, hint, error_name = state_after(report, counts, health, schedule.pending)
        self._tell(
            state=state,
            message=message,
            hint=hint,
            error=error_name,
            pending=schedule.pending,
            stalled=counts.stalled,
            held=counts.held,
            conflicts=counts.conflicts,
            absent=counts.absent,
            last_checked_ms=now_ms,
            last_scan_ms=now_ms if step.scope is None else self._status.last_scan_ms,
            watcher=health.state,
            watcher_message=health.message,
            watcher_hint=health.hint,
            **NOTHING,
        )

    # --- what holds now

    @property
    def _is_paused(self) -> bool:
        return self._pair.is_paused(self._now_ms())

    @property
    def _must_let_go(self) -> bool:
        return self.inbox.wants_out or self._is_paused

    def _now_ms(self) -> int:
        return self._ways.clock.now_ns() // _NS_A_MS

    def _wall_ahead_s(self) -> float:
        return self._ways.clock.now_ns() / 1e9 - self._ways.clock.steady_s()

    def _has_slept(self, overslept_s: float) -> bool:
        """Tell whether the machine, or this process, slept since the last time."""
        before, self._ahead_s = self._ahead_s, self._wall_ahead_s()
        return abs(self._ahead_s - before) > _GAP_S or overslept_s > _GAP_S

    def _tell_error(self, treatment: Treatment, error: MegaError, **fields: object) -> None:
        self._tell(
            state=treatment.state,
            message=error.message,
            hint=way_on(treatment, error.hint, self._pair.id),
            error=error.name,
            **NOTHING | fields,
        )

    def _tell(self, **fields: object) -> None:
        """Change the status, and let it be known if it is another."""
        with self._status_lock:
            before = self._status
            if fields.get("state", before.state) != before.state:
                fields["since_ms"] = self._now_ms()
            self._status = msgspec.structs.replace(before, **fields)
            is_same = self._status == before
        if not is_same:
            self._changed()


def _raise_what_stops(report: CycleReport) -> None:
    """Raise what a cycle met that the pair must not go on after."""
    errors = [failure.error for failure in report.failures]
    damaged = [error for error in errors if isinstance(error, IntegrityError)]
    if len(damaged) > INTEGRITY_FAILURES_MOST:
        raise damaged[0]
    for error in errors:
        if isinstance(error, RollbackError):
            raise error
