"""Counts what a long run reports, from any thread, and turns the counts into figures to show.

It is the `Progress` that services get. It draws nothing: a `Display` does, with a `Snapshot` in hand.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple, Protocol, TypeVarTuple

from mega_cli.volume.progress import Outcome

Said = TypeVarTuple("Said")

_WINDOW_S = 10.0
"""The speed is that of the last ten seconds: long enough to be calm, short enough to be true."""

_SETTLED_S = 1.5
"""Without totals counted ahead, those that have not grown for so long are taken for final."""


class Snapshot(NamedTuple):
    """The figures of one moment."""

    elapsed_s: float
    files_done: int
    files_total: int
    done_bytes: int
    total_bytes: int
    speed: float
    """Bytes moved a second, over the last ten seconds."""
    left_s: float | None
    """Seconds left, None while unknown."""
    is_counting: bool
    """Whether the totals still grow: then no share and no time left can be told."""
    current: str
    """The path that was handled last, unescaped."""
    waiting: str
    """What the run waits for, or the empty string."""


class Display(Protocol):
    """Draws snapshots and says lines. All calls come under one lock, so a member needs none."""

    interval_s: float

    def draw(self, now: Snapshot) -> None:
        """Show the present figures."""

    def file_done(self, path: str, outcome: Outcome) -> None:
        """Say how one item ended, if this display says so."""

    def problem(self, path: str, message: str) -> None:
        """List one item that failed or was left out."""

    def waiting(self, reason: str) -> None:
        """Say what the run waits for, when that changed."""

    def close(self) -> None:
        """Take the display away; later lines may still come."""


class Tally:
    """A thread-safe `Progress` that counts and passes lines on to its display."""

    def __init__(
        self, display: Display, clock: Callable[[], float] = time.monotonic, *, wants_totals: bool = False
    ) -> None:
        """Start counting now; `clock` gives seconds that never go back."""
        self.wants_totals = wants_totals
        self.listed: set[tuple[str, str]] = set()
        """Every problem that was listed, so that none is listed twice."""
        self._display = display
        self._clock = clock
        self._lock = threading.RLock()
        self._started_s = clock()
        self._has_total = False
        self._grew_s = float("-inf")
        self._files_done = self._files_total = 0
        self._done_bytes = self._total_bytes = self._moved_bytes = 0
        self._samples: deque[tuple[float, int]] = deque([(self._started_s, 0)])
        self._current = self._waiting = ""
        self._can_say = True

    @property
    def skipped_bytes(self) -> int:
        """Say how many bytes of content were there already."""
        with self._lock:
            return self._done_bytes - self._moved_bytes

    def expect(self, files: int, size_bytes: int) -> None:
        """Add to the totals, unless they are known."""
        with self._lock:
            if self._has_total:
                return
            self._grew_s = self._clock()
            self._files_total += files
            self._total_bytes += size_bytes

    def total(self, files: int, size_bytes: int) -> None:
        """Take the totals that were counted ahead."""
        with self._lock:
            self._has_total = True
            self._files_total, self._total_bytes = files, size_bytes

    def advance(self, size_bytes: int) -> None:
        """Count bytes that were moved."""
        with self._lock:
            self._done_bytes += size_bytes
            self._moved_bytes += size_bytes
            self._waiting = ""

    def skip(self, size_bytes: int) -> None:
        """Count bytes that needed no transfer."""
        with self._lock:
            self._done_bytes += size_bytes

    def file_done(self, path: str, outcome: Outcome) -> None:
        """Count one item."""
        with self._lock:
            self._files_done += 1
            self._current = path
            self._tell(self._display.file_done, path, outcome)

    def problem(self, path: str, message: str) -> None:
        """List one item that failed, once."""
        with self._lock:
            if (path, message) not in self.listed:
                self.listed.add((path, message))
                self._tell(self._display.problem, path, message)

    def waiting(self, reason: str) -> None:
        """Remember what the run waits for; said once until it goes on."""
        with self._lock:
            if reason != self._waiting:
                self._waiting = reason
                self._tell(self._display.waiting, reason)

    def draw(self) -> None:
        """Have the display show the present figures."""
        with self._lock:
            self._tell(self._display.draw, self.snapshot())

    def close(self) -> None:
        """Have the display taken away."""
        with self._lock:
            self._tell(self._display.close)

    def _tell(self, say: Callable[[*Said], None], *args: *Said) -> None:
        """Have the display say something. A reader that went away (`| head`) is met again, and reported, by `main`."""
        if self._can_say:
            try:
                say(*args)
            except OSError:
                self._can_say = False

    def snapshot(self) -> Snapshot:
        """Take the present figures. Totals never show less than what is done: they grow while sources are listed."""
        with self._lock:
            now_s = self._clock()
            self._samples.append((now_s, self._moved_bytes))
            while now_s - self._samples[0][0] > _WINDOW_S and len(self._samples) > 2:  # noqa: PLR2004 -- two make a slope
                self._samples.popleft()
            since_s, before_bytes = self._samples[0]
            speed = (self._moved_bytes - before_bytes) / (now_s - since_s) if now_s > since_s else 0.0
            is_counting = not self._has_total and now_s - self._grew_s < _SETTLED_S
            left_bytes = max(0, self._total_bytes - self._done_bytes)
            return Snapshot(
                elapsed_s=now_s - self._started_s,
                files_done=self._files_done,
                files_total=max(self._files_total, self._files_done),
                done_bytes=self._done_bytes,
                total_bytes=max(self._total_bytes, self._done_bytes),
                speed=speed,
                left_s=left_bytes / speed if speed and not is_counting else None,
                is_counting=is_counting,
                current=self._current,
                waiting=self._waiting,
            )
