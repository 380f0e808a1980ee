"""What `mega status --watch` shows: the lines of now on a terminal, otherwise a line for each change of note.

It shows what it is given and asks nobody.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from mega_cli.daemon.messages import StatusReply
from mega_cli.output.console import Console
from mega_cli.output.status import (
    NO_PAIRS,
    daemon_fields,
    local_text,
    pair_fields,
    pair_line,
    quiet_words,
    status_lines,
)

if TYPE_CHECKING:
    from mega_cli.output.live import LiveLines


class Watched(Protocol):
    """Shows how the daemon's pairs stand, again and again."""

    def show(self, now: StatusReply) -> None:
        """Show how everything stands now."""

    def close(self) -> None:
        """Give the terminal back."""


class LiveWatch:
    """A terminal: the lines redraw themselves; the last ones stay."""

    def __init__(self, console: Console) -> None:
        """Take the terminal."""
        from mega_cli.output.live import LiveLines  # noqa: PLC0415 -- rich costs 70 ms and only a terminal needs it

        self._area: LiveLines = LiveLines(console)

    def show(self, now: StatusReply) -> None:
        """Redraw."""
        self._area.draw(list(status_lines([pair_line(pair) for pair in now.pairs])) or [NO_PAIRS])

    def close(self) -> None:
        """Give the terminal back."""
        self._area.close()


class LineWatch:
    """No terminal: a line when the words of a pair change; progress in between is no change."""

    def __init__(self, console: Console) -> None:
        """Write through `console`."""
        self._console = console
        self._words: dict[str, str] = {}

    def show(self, now: StatusReply) -> None:
        """Write what changed."""
        before, self._words = self._words, {pair.id: quiet_words(pair) for pair in now.pairs}
        changed = [pair for pair in now.pairs if before.get(pair.id) != self._words[pair.id]]
        for pair in changed:
            self._console.result(f"{local_text(pair)}  {self._words[pair.id]}")
        sys.stdout.flush()

    def close(self) -> None:
        """Do nothing."""


class JsonWatch:
    """Programs: a document whenever anything changed."""

    def __init__(self, console: Console) -> None:
        """Write through `console`."""
        self._console = console

    def show(self, now: StatusReply) -> None:
        """Write everything."""
        pairs: Sequence[object] = [pair_fields(pair) for pair in now.pairs]
        self._console.document({"daemon": daemon_fields(now.daemon), "pairs": pairs, "path": None})

    def close(self) -> None:
        """Do nothing."""


def choose_watch(console: Console) -> Watched:
    """Choose by what the user asked for, and by where stdout leads."""
    if console.is_json:
        return JsonWatch(console)
    return LiveWatch(console) if console.is_live and sys.stdout.isatty() else LineWatch(console)
