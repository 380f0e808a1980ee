"""What long runs report while they run. Services call it from any thread; `mega_cli.output` draws it."""

from __future__ import annotations

from typing import Literal, Protocol

Outcome = Literal["new", "changed", "unchanged", "skipped", "deleted", "upload", "download"]


class Progress(Protocol):
    """A listener. Calls are cheap, thread-safe and never raise; paths are unescaped."""

    @property
    def wants_totals(self) -> bool:
        """Whether someone watches, so that counting ahead is worth its cost."""

    def expect(self, files: int, size_bytes: int) -> None:
        """Add to the totals; they grow while the sources are still being listed."""

    def total(self, files: int, size_bytes: int) -> None:
        """Say what the totals will be: counted ahead, in place of all that is expected piece by piece."""

    def advance(self, size_bytes: int) -> None:
        """Say that so many bytes of content are done (read and handled, or verified and written)."""

    def skip(self, size_bytes: int) -> None:
        """Say that so many bytes needed no transfer: they count as done, not towards the speed."""

    def file_done(self, path: str, outcome: Outcome) -> None:
        """Say how one file, link or folder ended."""

    def problem(self, path: str, message: str) -> None:
        """Say that one item failed or was left out; the run goes on and ends with exit code 3."""

    def waiting(self, reason: str) -> None:
        """Say what the run waits for, such as a server that answers 503."""


class SilentProgress:
    """The member that says nothing: for dry code paths and tests."""

    wants_totals = False

    def total(self, files: int, size_bytes: int) -> None:
        """Do nothing."""

    def expect(self, files: int, size_bytes: int) -> None:
        """Do nothing."""

    def advance(self, size_bytes: int) -> None:
        """Do nothing."""

    def skip(self, size_bytes: int) -> None:
        """Do nothing."""

    def file_done(self, path: str, outcome: Outcome) -> None:
        """Do nothing."""

    def problem(self, path: str, message: str) -> None:
        """Do nothing."""

    def waiting(self, reason: str) -> None:
        """Do nothing."""
