"""The clock: the one place where time enters. Everything timed takes it as an argument."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Time as it passes. Promises: `monotonic_s` never goes back; `now_ms` may."""

    def now_ms(self) -> int:
        """Milliseconds since 1970 UTC."""

    def now_ns(self) -> int:
        """Nanoseconds since 1970 UTC: the scale of file times."""

    def monotonic_s(self) -> float:
        """Seconds since some moment."""


class SystemClock:
    """The machine's clock."""

    def now_ms(self) -> int:
        """Milliseconds since 1970 UTC."""
        return time.time_ns() // 1_000_000

    def now_ns(self) -> int:
        """Nanoseconds since 1970 UTC."""
        return time.time_ns()

    def monotonic_s(self) -> float:
        """Seconds since some moment."""
        return time.monotonic()
