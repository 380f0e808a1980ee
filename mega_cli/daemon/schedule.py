"""Schedule: what a worker does next, by what it heard and what came of the last cycle. Pure: time is told.

A cycle looks at everything, or at what is dirty, or only at the volume. Whatever its reason, it takes along all that is
dirty: the engine may be about to believe that something is gone, and the other half of a move may be among it. What a
cycle that broke off should have looked at is kept by the engine as well; here it stays dirty.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple, final

from mega_cli.daemon.dirty import Dirty
from mega_cli.errors import TemporaryError
from mega_cli.localfs.disk import Place
from mega_cli.localfs.hints import Hint
from mega_cli.sync.report import CycleReport

WHOLE_S: Final = 3_600.0
"""How often everything is looked at, give or take a quarter: two devices of one house should not do it together."""
FIRST_S: Final = 5.0
"""How long the first failure is rested for; each further one in a row twice as long."""
MOST_S: Final = 3_600.0
NETWORK_MOST_S: Final = 60.0
_DOUBLINGS_MOST: Final = 12
_IDLE_MOST: Final = 10
"""So many cycles in a row may change nothing though something is left to do; from then on each counts as a failure."""
_NEVER: Final = float("inf")


class Cycle(NamedTuple):
    """A cycle is due."""

    scope: frozenset[Place] | None
    """The folders to look at; None: everything."""
    closed: frozenset[Place]
    """Files that need not grow old."""


class Wait(NamedTuple):
    """Nothing is due for so long."""

    seconds: float


@final
class Schedule:
    """One worker's. All times are steady, in seconds."""

    def __init__(self, now_s: float, uniform: Callable[[float, float], float]) -> None:
        """Have everything looked at first. `uniform` draws between two numbers."""
        self._uniform = uniform
        self._dirty = Dirty()
        self._whole_s = now_s
        self._again_s = _NEVER
        """When a cycle without a scope is due: for the volume's sake, or for what the last cycle waits for."""
        self._rests_until_s = -_NEVER
        self._failures = 0
        self._idle = 0

    @property
    def pending(self) -> int:
        """Count the places that may have changed and were not looked at yet."""
        return len(self._dirty)

    # --- what is heard

    def hint(self, hint: Hint, at_s: float) -> None:
        """Hear a hint that came at a time."""
        self._dirty.add(hint, at_s)
        self._wake()

    def everything(self, now_s: float) -> None:
        """Have everything looked at, now: after a pause, a suspend, another ignore rule, or when the user asks."""
        self._whole_s = min(self._whole_s, now_s)
        self._wake()

    def remote(self, now_s: float) -> None:
        """Have the volume looked at, now: it may have moved, or the user asks."""
        self._again_s = min(self._again_s, now_s)
        self._wake()

    def _wake(self) -> None:
        """Let whatever failed be tried again: something is another now."""
        self._rests_until_s = -_NEVER
        self._failures = self._idle = 0

    # --- what comes of it

    def next(self, now_s: float) -> Cycle | Wait:
        """Say what is next; ask once more when something was heard between the answer and the cycle."""
        due_s = max(min(self._whole_s, self._again_s, self._dirty.due_s), self._rests_until_s)
        if now_s < due_s:
            return Wait(due_s - now_s)
        is_whole = now_s >= self._whole_s or self._dirty.is_everywhere
        return Cycle(None if is_whole else self._dirty.folders, self._dirty.closed)

    def done(self, cycle: Cycle, report: CycleReport, now_s: float) -> None:
        """Hear that a cycle came to its end, before anything that was hinted at since it began."""
        self._dirty.forget(cycle.scope)
        if cycle.scope is None:
            self._whole_s = now_s + WHOLE_S * self._uniform(0.75, 1.25)
        has_changed = report.local_changes or report.remote_changes
        is_left = not report.plan.is_empty or report.skipped or report.failures
        self._idle = self._idle + 1 if is_left and not has_changed else 0
        soonest_s = [seconds for seconds in (report.waiting_s, report.resting_s) if seconds]
        self._again_s = now_s + min(soonest_s) if soonest_s else now_s if is_left else _NEVER
        if report.failures or self._idle > _IDLE_MOST:
            is_network = all(isinstance(failure.error, TemporaryError) for failure in report.failures)
            self._rest(now_s, is_network=is_network)
        else:
            self._failures = 0

    def failed(self, now_s: float, *, is_network: bool) -> None:
        """Hear that a cycle broke off."""
        self._again_s = now_s
        self._rest(now_s, is_network=is_network)

    def _rest(self, now_s: float, *, is_network: bool) -> None:
        self._failures += 1
        rest_s = FIRST_S * 2.0 ** min(self._failures - 1, _DOUBLINGS_MOST)
        self._rests_until_s = now_s + min(rest_s, NETWORK_MOST_S if is_network else MOST_S)
