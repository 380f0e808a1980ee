"""The plain displays of a long run: silence, one line a minute, JSON lines. The live one is `mega_cli.output.live`.

None of them needs a terminal, and none of them holds a lock: `Tally` calls them one at a time.
"""

from __future__ import annotations

from mega_cli.output.console import Console
from mega_cli.output.tally import Snapshot
from mega_cli.output.units import duration_text, size_text
from mega_cli.volume.progress import Outcome

_MINUTE_S = 60.0
_STATUS_S = 1.0


def figures(now: Snapshot) -> str:
    """Write the figures of one moment as one line, without names. Totals are told once they are known."""
    of_files = "" if now.is_counting else f" of {now.files_total:,}"
    of_bytes = "" if now.is_counting else f" of {size_text(now.total_bytes)}"
    parts = [
        f"{now.files_done:,}{of_files} files",
        f"{size_text(now.done_bytes)}{of_bytes}",
        f"{size_text(now.speed)}/s",
    ]
    if now.left_s is not None:
        parts.append(f"{duration_text(now.left_s)} left")
    if now.is_counting:
        parts.append("still counting")
    return ", ".join(parts)


class QuietDisplay:
    """`-q`: problems and nothing else."""

    interval_s = _MINUTE_S

    def __init__(self, console: Console) -> None:
        """Write through `console`."""
        self._console = console

    def draw(self, now: Snapshot) -> None:
        """Say nothing."""

    def file_done(self, path: str, outcome: Outcome) -> None:
        """Say nothing."""

    def problem(self, path: str, message: str) -> None:
        """List the item."""
        self._console.problem(path, message)

    def waiting(self, reason: str) -> None:
        """Say nothing."""

    def close(self) -> None:
        """Do nothing."""


class MinuteDisplay(QuietDisplay):
    """No terminal: one line a minute on stderr, and each item with `-v`."""

    def draw(self, now: Snapshot) -> None:
        """Write the figures."""
        self._console.note(f"mega: {figures(now)}")

    def file_done(self, path: str, outcome: Outcome) -> None:
        """Write the item with `-v`; one that was deleted always."""
        if self._console.verbosity > 0 or outcome == "deleted":
            self._console.note(f"{outcome:<9} {path}")

    def waiting(self, reason: str) -> None:
        """Write the reason."""
        self._console.note(f"mega: waiting: {reason}")


class PlanDisplay(QuietDisplay):
    """`--dry-run`: what would be done is the result, so it goes to stdout; what needs nothing is left out."""

    def file_done(self, path: str, outcome: Outcome) -> None:
        """Write the item."""
        if outcome != "unchanged" or self._console.verbosity > 0:
            self._console.result(f"{outcome:<9} {path}")


class JsonDisplay(QuietDisplay):
    """`--json`: one document a line on stdout; a `verbose` line per item with `-v` or in a dry run."""

    interval_s = _STATUS_S

    def __init__(self, console: Console, *, lists_items: bool) -> None:
        """Write through `console`."""
        super().__init__(console)
        self._lists_items = lists_items

    def draw(self, now: Snapshot) -> None:
        """Write a `status` line; none with `-q`."""
        if self._console.is_quiet:
            return
        self._console.document(
            {
                "message_type": "status",
                "elapsed_s": round(now.elapsed_s, 3),
                "files_done": now.files_done,
                "files_total": now.files_total,
                "bytes_done": now.done_bytes,
                "bytes_total": now.total_bytes,
                "bytes_per_s": round(now.speed),
                "left_s": None if now.left_s is None else round(now.left_s, 3),
                "is_counting": now.is_counting,
                "current": now.current,
                "waiting": now.waiting,
            }
        )

    def file_done(self, path: str, outcome: Outcome) -> None:
        """Write a `verbose` line."""
        if self._lists_items or outcome == "deleted":
            self._console.document({"message_type": "verbose", "action": outcome, "item": path})
