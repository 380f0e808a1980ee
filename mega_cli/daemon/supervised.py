"""What the daemon's process needs of the work it runs: to begin and end it, to ask how it stands, to steer it.

`supervisor.py` does the work; the process and the control socket know this protocol only. All methods but `start` may
be called from any thread, also before `start` and after `stop`.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from mega_cli.daemon.status import DaemonStatus, PairStatus


class Supervised(Protocol):
    """The work of a daemon."""

    def start(self) -> None:
        """Begin; asks no server and waits for nothing."""

    def stop(self, timeout_s: float) -> bool:
        """End everything in order; gives False when something had not ended within the time."""

    def status(self) -> tuple[DaemonStatus, list[PairStatus]]:
        """Say how everything stands, the oldest pair first."""

    def changed(self, seen: int, timeout_s: float) -> int:
        """Wait until the status was changed more than `seen` times, or the time is over; give how often it was."""

    def wake(self, pair: str) -> None:
        """Sync now; an empty id means all pairs. Raises MissingItemError."""

    def verify(self, pair: str) -> None:
        """Read every file in the next cycle; an empty id means all pairs. Raises MissingItemError."""

    def reload(self) -> None:
        """Read the pairs, the settings and the session anew."""

    def lend(self, pair: str) -> AbstractContextManager[None]:
        """Let go of a pair while the block lasts: its folder, state and lock. A pair nobody works on is lent at once.

        Raises LockedError when it does not come free within some seconds, or while the daemon stops.
        """
