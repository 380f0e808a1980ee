"""The pace of all transfers of this process: a token bucket for each way, paid in small slices by whoever moves bytes.

A slice is at most 64 KiB and a tenth of a second's worth, so nothing waits long for its turn, no burst of seconds
builds up, and a new limit holds at once. Without a limit a transport asks once a piece and pays nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock
from typing import Final

from mega_cli.api.rates import Rates, Way
from mega_cli.model import KIB

SLICE_BYTES: Final = 64 * KIB
_SLICE_S: Final = 0.1
_LOOK_S: Final = 1.0
"""How long what was read of the limit holds."""


class Bucket:
    """One way's allowance. Pure but for what it remembers: the time arrives as an argument."""

    def __init__(self) -> None:
        self._paid_until_s = float("-inf")

    def take(self, size_bytes: int, rate: int, now_s: float) -> float:
        """Book bytes at `rate` and say how many seconds to wait before they move; unused time is worth one slice."""
        self._paid_until_s = max(self._paid_until_s, now_s - _SLICE_S) + size_bytes / rate
        return max(0.0, self._paid_until_s - now_s)


class Pace:
    """What the threads of a process share. Thread-safe."""

    def __init__(
        self,
        rates_now: Callable[[], Rates],
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`rates_now` is asked at most once a second; it must not raise."""
        self._rates_now = rates_now
        self._clock = clock
        self._sleep = sleep
        self._lock = Lock()
        self._rates = Rates()
        self._look_at_s = float("-inf")
        self._buckets: dict[Way, Bucket] = {"up": Bucket(), "down": Bucket()}

    def slice_bytes(self, way: Way) -> int | None:
        """Say how many bytes may be paid for at once; None: there is no limit now."""
        rate = self._rate(way)
        return None if rate is None else max(1, min(SLICE_BYTES, int(rate * _SLICE_S)))

    def pay(self, way: Way, size_bytes: int) -> None:
        """Wait for the turn of so many bytes, slice by slice, at the rate that holds at each."""
        while size_bytes > 0 and (part := self.slice_bytes(way)) is not None:
            part = min(part, size_bytes)
            with self._lock:
                rate = self._rates.up if way == "up" else self._rates.down
                wait_s = 0.0 if rate is None else self._buckets[way].take(part, rate, self._clock())
            if wait_s:
                self._sleep(wait_s)
            size_bytes -= part

    def _rate(self, way: Way) -> int | None:
        with self._lock:
            if self._clock() >= self._look_at_s:
                self._rates = self._rates_now()
                self._look_at_s = self._clock() + _LOOK_S
            return self._rates.up if way == "up" else self._rates.down
