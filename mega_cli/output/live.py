"""The live displays on a terminal: a run's bar and figures, or lines that change. The only importer of rich.

It is loaded when a run has lasted long enough to be watched. Names are escaped and never read as markup.
"""

from __future__ import annotations

from collections.abc import Sequence

import rich.console
from rich.console import Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from mega_cli.output.console import Console
from mega_cli.output.displays import figures
from mega_cli.output.tally import Snapshot
from mega_cli.paths.names import printable


class LiveArea:
    """The lines at the bottom of the terminal that redraw themselves, and a way to write above them."""

    def __init__(self, console: Console) -> None:
        """Take the terminal; `close` gives it back."""
        terminal = rich.console.Console(stderr=True, no_color=not console.has_color, highlight=False)
        # `redirect_*` would send our own lines through rich, which would read them as markup.
        self._live = Live(
            console=terminal, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False
        )
        self._live.start()

    def draw(self, now: Snapshot) -> None:
        """Redraw."""
        self._live.update(render(now), refresh=True)

    def write(self, line: str) -> None:
        """Write one escaped line above the display."""
        self._live.console.print(Text(line))

    def close(self) -> None:
        """Wipe the display and show the cursor again."""
        self._live.stop()


class LiveLines:
    """Lines of a result that redraw themselves on stdout; the last ones stay when it is closed."""

    def __init__(self, console: Console) -> None:
        """Take the terminal; `close` gives it back."""
        terminal = rich.console.Console(no_color=not console.has_color, highlight=False)
        self._live = Live(console=terminal, auto_refresh=False, redirect_stdout=False, redirect_stderr=False)
        self._live.start()

    def draw(self, lines: Sequence[str]) -> None:
        """Redraw."""
        texts = (Text(printable(line), no_wrap=True, overflow="ellipsis") for line in lines)
        self._live.update(Group(*texts), refresh=True)

    def close(self) -> None:
        """Leave the lines and show the cursor again."""
        self._live.stop()


def render(now: Snapshot) -> Group:
    """Build the two lines of one moment."""
    row = Table.grid(padding=(0, 1))
    bar = ProgressBar(
        total=max(1, now.total_bytes),
        completed=now.done_bytes,
        width=24,
        pulse=now.is_counting,
        animation_time=now.elapsed_s,
    )
    share = "" if now.is_counting else f"{100 * now.done_bytes // max(1, now.total_bytes):3}%"
    row.add_row(bar, Text(share, no_wrap=True), Text(figures(now), no_wrap=True, overflow="ellipsis"))
    at_hand = f"waiting: {now.waiting}" if now.waiting else now.current
    return Group(row, Text(printable(at_hand), style="dim", no_wrap=True, overflow="ellipsis"))
