"""What a worker does next, by what it heard: look at everything, only at the volume, or wait."""

from __future__ import annotations

from typing import Final, NamedTuple

from mega_cli.localfs.disk import Place
from mega_cli.localfs.hints import Hint
from mega_cli.sync.report import CycleReport

_QUIET_S: Final = 1.0
_BUSY_MOST_S: Final = 10.0
_WHOLE_S: Final = 3_600.0
_FIRST_S: Final = 5.0
_NETWORK_MOST_S: Final = 60.0
_MOST_S: Final = 3_600.0


class Cycle(NamedTuple):
    """A cycle that is due; without a scope everything is looked at."""

    scope: frozenset[Place] | None
    closed: frozenset[Place]


class Wait(NamedTuple):
    """Nothing is due for so long."""

    seconds: float


class Rounds:
    """One worker's."""

    def __init__(self, now_s: float) -> None:
        """Everything is due."""
        self._whole_at_s = now_s
        self._remote_at_s = float("inf")
        self._first_s = self._last_s = float("inf")
        self._places: set[Place] = set()
        self._closed: set[Place] = set()
        self._rest_until_s = float("-inf")
        self._failures = 0

    @property
    def pending(self) -> int:
        """Count the places that may have changed."""
        return len(self._places)

    def hint(self, hint: Hint, at_s: float) -> None:
        """Hear a hint."""
        self._first_s = min(self._first_s, at_s)
        self._last_s = at_s
        self._places.add(hint.place or ())
        if hint.was_closed and hint.place is not None:
            self._closed.add(hint.place)
        self._rest_until_s = float("-inf")

    def everything(self, now_s: float) -> None:
        """Have everything looked at."""
        self._whole_at_s = now_s
        self._rest_until_s = float("-inf")

    def remote(self, now_s: float) -> None:
        """Have the volume looked at."""
        self._remote_at_s = now_s
        self._rest_until_s = float("-inf")

    def next(self, now_s: float) -> Cycle | Wait:
        """Say what is next."""
        quiet_s = min(self._last_s + _QUIET_S, self._first_s + _BUSY_MOST_S)
        due_s = max(min(self._whole_at_s, self._remote_at_s, quiet_s), self._rest_until_s)
        if now_s < due_s:
            return Wait(due_s - now_s)
        is_whole = now_s >= self._whole_at_s or now_s >= quiet_s
        return Cycle(None if is_whole else frozenset(), frozenset(self._closed))

    def done(self, cycle: Cycle, report: CycleReport, now_s: float) -> None:
        """Hear that a cycle came to its end."""
        self._failures = self._failures + 1 if report.failures else 0
        if cycle.scope is None:
            self._places.clear()
            self._closed.clear()
            self._first_s = self._last_s = float("inf")
            self._whole_at_s = now_s + _WHOLE_S
        is_over = report.plan.is_empty and not report.skipped and not report.failures
        self._remote_at_s = float("inf") if is_over else now_s
        if report.waiting_s:
            self._whole_at_s = now_s + report.waiting_s
        if report.failures:
            self._rest_until_s = now_s + min(_FIRST_S * 2.0 ** min(self._failures - 1, 12), _MOST_S)

    def failed(self, now_s: float, *, is_network: bool) -> None:
        """Hear that a cycle broke off."""
        self._failures += 1
        most_s = _NETWORK_MOST_S if is_network else _MOST_S
        self._rest_until_s = now_s + min(_FIRST_S * 2.0 ** min(self._failures - 1, 12), most_s)
