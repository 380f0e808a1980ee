"""Time and chance of a simulated world: nothing passes and nothing is drawn but through these."""

from __future__ import annotations

import random
from typing import Final, final

START_NS: Final = 1_772_366_400_000_000_000
"""2026-03-01 12:00:00 UTC: when every world begins."""
SECOND_NS: Final = 1_000_000_000


@final
class SimTime:
    """The one true time of a world, in nanoseconds; it only goes on."""

    __slots__ = ("ns",)

    def __init__(self) -> None:
        self.ns = START_NS

    def pass_s(self, seconds: float) -> None:
        """Let time pass."""
        self.ns += int(seconds * SECOND_NS)


@final
class SimClock:
    """One device's clock: steady as time itself, and a wall clock that is wrong by `offset_ns`, which may jump."""

    __slots__ = ("_time", "offset_ns")

    def __init__(self, time: SimTime) -> None:
        self._time = time
        self.offset_ns = 0

    def now_ns(self) -> int:
        """Give the wall-clock time."""
        return self._time.ns + self.offset_ns

    def steady_s(self) -> float:
        """Give seconds since the world began."""
        return (self._time.ns - START_NS) / SECOND_NS

    def sleep(self, seconds: float) -> None:
        """Let time pass for everybody."""
        self._time.pass_s(seconds)


@final
class SeededChance:
    """Random bytes from the world's seed."""

    __slots__ = ("_random",)

    def __init__(self, source: random.Random) -> None:
        self._random = source

    def random_bytes(self, count: int) -> bytes:
        """Draw bytes."""
        return self._random.randbytes(count)
