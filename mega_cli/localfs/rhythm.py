"""Rhythm: what is to be done every so often, by somebody else's clock."""

from __future__ import annotations

from collections.abc import Callable
from typing import final


@final
class Rhythm:
    """A period in seconds; with `spread`, each is drawn anew from 1 - spread to 1 + spread times as long."""

    def __init__(self, period_s: float, spread: float = 0.0, draw: Callable[[], float] = lambda: 0.5) -> None:
        """Let the first period begin at the first question; `draw` is uniform in [0, 1)."""
        self._period_s = period_s
        self._spread = spread
        self._draw = draw
        self._due_s: float | None = None

    def is_due(self, steady_s: float) -> bool:
        """Tell whether a period is over; if so the next one begins."""
        is_due = self._due_s is not None and steady_s >= self._due_s
        if is_due or self._due_s is None:
            self._due_s = steady_s + self._period_s * (1 + self._spread * (2 * self._draw() - 1))
        return is_due

    def wait_s(self, steady_s: float) -> float:
        """Give the seconds until it is due."""
        return self._period_s if self._due_s is None else max(0.0, self._due_s - steady_s)
