"""What the engine is given beside disk, remote and state: time and chance, so that a simulator can own both."""

from __future__ import annotations

from typing import Protocol


class Clock(Protocol):
    """Time. The wall clock may be set back; the steady one may not."""

    def now_ns(self) -> int:
        """Give the wall-clock time, in nanoseconds since 1970."""

    def steady_s(self) -> float:
        """Give seconds since some moment."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class Chance(Protocol):
    """Randomness, for ids and names that nobody may guess."""

    def random_bytes(self, count: int) -> bytes:
        """Draw bytes."""
