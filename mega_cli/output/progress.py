"""Chooses how a long run is shown and keeps the display alive while it runs.

One background thread draws at the display's own pace and ends with the run. rich is imported only when a run on a
terminal has lasted long enough to be watched: it costs 70 ms, and most runs are shorter than a glance.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mega_cli.output.console import Console
from mega_cli.output.displays import JsonDisplay, MinuteDisplay, PlanDisplay, QuietDisplay
from mega_cli.output.tally import Display, Snapshot, Tally
from mega_cli.paths.names import printable
from mega_cli.volume.progress import Outcome

if TYPE_CHECKING:
    from mega_cli.output.live import LiveArea

_REDRAW_S = 0.125
_WATCHED_S = 0.4
"""A run shorter than this shows no display: it would only flicker."""


class LiveDisplay(MinuteDisplay):
    """A terminal: redraws eight times a second once the run has lasted 0.4 s; lines are written above the display."""

    interval_s = _REDRAW_S

    def __init__(self, console: Console) -> None:
        """Wait with everything that costs time."""
        super().__init__(console)
        self._area: LiveArea | None = None

    def draw(self, now: Snapshot) -> None:
        """Redraw, opening the area when the run has lasted long enough."""
        if self._area is None:
            if now.elapsed_s < _WATCHED_S:
                return
            from mega_cli.output.live import LiveArea  # noqa: PLC0415 -- rich costs 70 ms and most runs never need it

            self._area = LiveArea(self._console)
        self._area.draw(now)

    def file_done(self, path: str, outcome: Outcome) -> None:
        """Write the item above the display with `-v`."""
        if self._area is None:
            super().file_done(path, outcome)
        elif self._console.verbosity > 0 or outcome == "deleted":
            self._area.write(printable(f"{outcome:<9} {path}"))

    def problem(self, path: str, message: str) -> None:
        """List the item above the display."""
        if self._area is None:
            super().problem(path, message)
        else:
            self._area.write(self._console.problem_line(path, message))

    def waiting(self, reason: str) -> None:
        """Say nothing: the display shows the reason as long as it holds."""

    def close(self) -> None:
        """Give the terminal back."""
        if self._area is not None:
            self._area.close()
            self._area = None


def choose_display(console: Console, *, is_dry_run: bool) -> Display:
    """Choose by what the user asked for and whether stderr is a terminal."""
    if console.is_json:
        return JsonDisplay(console, lists_items=is_dry_run or console.verbosity > 0)
    if is_dry_run:
        return PlanDisplay(console)
    if console.is_quiet:
        return QuietDisplay(console)
    return LiveDisplay(console) if console.is_live else MinuteDisplay(console)


@contextmanager
def shown_progress(console: Console, *, is_dry_run: bool = False) -> Iterator[Tally]:
    """Give a `Progress` and show it until the block ends, however it ends."""
    display = choose_display(console, is_dry_run=is_dry_run)
    tally = Tally(display, wants_totals=isinstance(display, LiveDisplay | JsonDisplay) and not is_dry_run)
    is_over = threading.Event()

    def keep_drawing() -> None:
        while not is_over.wait(display.interval_s):
            tally.draw()

    drawer = threading.Thread(target=keep_drawing, name="progress", daemon=True)
    drawer.start()
    try:
        yield tally
    finally:
        is_over.set()
        drawer.join()
        tally.close()


def spoken_waits(console: Console) -> Tally:
    """Give a `Progress` for a short command: it says what the command waits for, and nothing else."""
    return Tally(MinuteDisplay(console))
