"""The one door to the terminal: result lines and documents on stdout, notes and errors on stderr.

It never lets a control character through and never prints a secret it was not asked to show. It holds what the user
chose for all output (`--json`, `-q`, `-v`, `--no-color`), because those choices may stand before or after the command.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import click

from mega_cli.errors import MegaError
from mega_cli.paths.names import printable


@dataclass(slots=True)
class Console:
    """What the user chose for output, and the ways to write.

    `verbosity` is -1 with `-q`, 1 with `-v`. `when_interrupted` is the hint printed after Ctrl-C.
    """

    is_json: bool = False
    verbosity: int = 0
    has_color: bool = field(default_factory=lambda: not os.environ.get("NO_COLOR"))
    when_interrupted: str = ""
    log_level: str = ""
    """Set once the log is open."""

    @property
    def is_quiet(self) -> bool:
        """Whether `-q` was given."""
        return self.verbosity < 0

    @property
    def is_live(self) -> bool:
        """Whether a display that redraws itself may be shown: stderr is a terminal and a person reads it."""
        return not self.is_json and not self.is_quiet and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"

    def result(self, lines: str | Iterable[str]) -> None:
        """Write one line or many to stdout. Unflushed: `main` flushes, so that a long listing is few writes."""
        for line in [lines] if isinstance(lines, str) else lines:
            sys.stdout.write(printable(line) + "\n")

    def document(self, fields: Mapping[str, object]) -> None:
        """Write one JSON document as one line to stdout at once. ASCII only, so nothing in it can steer a terminal."""
        sys.stdout.write(json.dumps(fields) + "\n")
        sys.stdout.flush()

    def listing(self, fields: Mapping[str, object], key: str, items: Iterable[Mapping[str, object]]) -> None:
        """Write one JSON document whose last field, `key`, is a list of any length: memory holds one item at a time."""
        begun = json.dumps({**fields, key: []})
        sys.stdout.write(begun[:-2])
        for number, item in enumerate(items):
            sys.stdout.write((", " if number else "") + json.dumps(item))
        sys.stdout.write("]}\n")
        sys.stdout.flush()

    def exact(self, texts: Iterable[str], end: str) -> None:
        """Write texts as they are, for a program that reads stdout; a terminal gets them escaped all the same."""
        is_terminal = sys.stdout.isatty()
        for text in texts:
            sys.stdout.write((printable(text) if is_terminal else text) + end)

    def note(self, line: str) -> None:
        """Tell a person something that is not the result, on stderr; nothing with `-q` or `--json`."""
        if not self.is_quiet and not self.is_json:
            self._to_stderr(printable(line))

    def problem(self, path: str, message: str) -> None:
        """List one item that failed or was left out."""
        if self.is_json:
            self.document({"message_type": "error", "item": path, "message": message})
        else:
            self._to_stderr(self.problem_line(path, message))

    def problem_line(self, path: str, message: str) -> str:
        """Build the line that `problem` writes for people; a live display puts it above itself."""
        return printable(f"mega: problem: {path}: {message}")

    def error(self, error: MegaError) -> None:
        """Say how the command failed: two lines for people, one `exit_error` document for programs."""
        if self.is_json:
            fields = {
                "message_type": "exit_error",
                "code": error.exit_code,
                "name": error.name,
                "message": error.message,
                "hint": error.hint,
            }
            if error.details:
                fields["details"] = error.details
            self._to_stderr(json.dumps(fields, default=str))
            return
        self._to_stderr(f"mega: {self._styled('error:', 'red')} {printable(error.message)}")
        if error.hint:
            self._to_stderr(f"mega: {self._styled('hint:', 'cyan')} {printable(error.hint)}")

    def _styled(self, word: str, color: str) -> str:
        return click.style(word, fg=color, bold=True) if self.has_color and sys.stderr.isatty() else word

    @staticmethod
    def _to_stderr(line: str) -> None:
        """Write one line at once. A stderr that is gone must not hide the exit code."""
        try:
            sys.stderr.write(line + "\n")
            sys.stderr.flush()
        except OSError:
            return
