"""The machine's time and chance, as the engine wants them."""

from __future__ import annotations

import time

from mega_cli.crypto import randomness


class RealClock:
    """The machine's clocks."""

    def now_ns(self) -> int:
        """Give the wall-clock time, in nanoseconds since 1970."""
        return time.time_ns()

    def steady_s(self) -> float:
        """Give seconds since some moment."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


class RealChance:
    """Libsodium's randomness."""

    def random_bytes(self, count: int) -> bytes:
        """Draw bytes."""
        return randomness.random_bytes(count)
