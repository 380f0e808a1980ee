"""The retry policy: which failures pass with time, and how long to wait. Pure decisions; waiting itself is injected.

Only `RetryableError` is ever tried again: a cut connection, broken framing, or an answer whose code says so. A
well-framed wrong answer is an IntegrityError and never comes here.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from mega_cli.errors import TemporaryError

T = TypeVar("T")


class RetryableError(TemporaryError):
    """The network or the server failed in a way that trying again may mend."""

    def __init__(
        self, message: str, hint: str = "", retry_after_s: float | None = None, *, is_absent: bool = False
    ) -> None:
        """Keep the server's wish for a pause, in seconds; `is_absent`: nothing listens, on this very machine."""
        super().__init__(message, hint or "run the same command again later; it goes on where it stopped")
        self.retry_after_s = retry_after_s
        self.is_absent = is_absent


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential back-off with full jitter, bounded: seven attempts wait 16 s on average, 32 s at most.

    Enough for a server that restarts; short enough that a person sees the error. Where nothing listens on this machine,
    and nothing answered before, four attempts: 3.5 s at most.
    """

    attempts: int = 7
    absent_attempts: int = 4
    first_wait_s: float = 0.5
    longest_wait_s: float = 16.0
    longest_retry_after_s: float = 60.0

    def wait_s(
        self, failures: int, fraction: float, retry_after_s: float | None, *, is_absent: bool = False
    ) -> float | None:
        """Say how long to wait after so many failures (from 1), or None to give up.

        `fraction` is uniform in [0, 1). A Retry-After is a lower bound; one beyond `longest_retry_after_s` gives up,
        one that is no pause (negative, not a number) counts as none.
        """
        if failures >= (self.absent_attempts if is_absent else self.attempts):
            return None
        wait_s = fraction * min(self.longest_wait_s, self.first_wait_s * 2.0 ** (failures - 1))
        if retry_after_s is None:
            return wait_s
        pause_s = max(0.0, retry_after_s)  # in this order: `max` keeps its first when the second is not a number
        return None if pause_s > self.longest_retry_after_s else pause_s + wait_s


class Retry:
    """Run attempts under a policy. Thread-safe: between runs it only remembers that the server has answered."""

    def __init__(
        self,
        policy: RetryPolicy | None = None,
        *,
        on_wait: Callable[[str], None] = lambda _reason: None,
        sleep: Callable[[float], None] = time.sleep,
        fraction: Callable[[], float] = random.random,
    ) -> None:
        """Take the policy, the listener that is told what we wait for, and the two sources of non-determinism.

        Jitter only keeps devices from coming back at one moment; nobody gains by guessing it, so it is no secret and
        need not come from `crypto.randomness`.
        """
        self._policy = policy or RetryPolicy()
        self._on_wait = on_wait
        self._sleep = sleep
        self._fraction = fraction
        self._has_answered = False

    def run(self, attempt: Callable[[], T]) -> T:
        """Call `attempt` until it returns, fails for good, or the policy gives up. Raises what the last call raised."""
        failures = 0
        while True:
            try:
                result = attempt()
            except RetryableError as error:
                failures += 1
                self.pause(error, failures)
            else:
                self._has_answered = True
                return result

    def pause(self, error: RetryableError, failures: int) -> None:
        """Wait before the next attempt, or raise `error` when there is none."""
        is_absent = error.is_absent and not self._has_answered
        wait_s = self._policy.wait_s(failures, self._fraction(), error.retry_after_s, is_absent=is_absent)
        if wait_s is None:
            raise error
        self._on_wait(f"{error.message}; trying again in {wait_s:.1f} s")
        self._sleep(wait_s)
