"""Where a password comes from: a file, a command, the environment, or a terminal; never the command line.

The first that was given counts, in that order. What was read is never echoed, logged or put into a message.
"""

from __future__ import annotations

import functools
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import click

from mega_cli.errors import MegaError, UsageError
from mega_cli.model import Secret

_MOST_BYTES: Final = 65_536


def has_terminal() -> bool:
    """Tell whether a person can be asked: stdin and stderr are terminals."""
    return sys.stdin.isatty() and sys.stderr.isatty()


@dataclass(frozen=True, slots=True)
class PasswordSource:
    """What `--password-file` and `--password-command` said; either may be empty."""

    file: str = ""
    command: str = ""

    def given(self) -> Secret | None:
        """Read the password without asking anyone; None when no source was named. Raises UsageError, MegaError."""
        if self.file and self.command:
            msg = "a password comes from a file or from a command, not from both"
            raise UsageError(msg, "give one of the two")
        if self.file:
            return _one_line(_read_file(self.file))
        if self.command:
            return _one_line(_run_command(self.command))
        # Taken out of the environment, so that no child process inherits it.
        value = os.environ.pop("MEGA_PASSWORD", None)
        return None if value is None else _one_line(os.fsencode(value))

    def ask(self, question: str, *, is_new: bool = False) -> Secret:
        """Read the password, or ask for it on the terminal, twice when it is new. Raises UsageError without either."""
        given = self.given()
        if given is not None:
            return given
        if not has_terminal():
            msg = "a password is needed, and there is no terminal to ask on"
            raise UsageError(
                msg,
                "give --password-file FILE (- is standard input), --password-command COMMAND, or MEGA_PASSWORD",
            )
        answer = click.prompt(question, hide_input=True, err=True, confirmation_prompt="Once more" if is_new else False)
        return _one_line(answer.encode("utf-8", "surrogateescape"))


def password_options(function: Callable[..., object]) -> Callable[..., object]:
    """Give a command the two options; its function gets `password: PasswordSource`."""

    @click.option(
        "--password-file",
        metavar="FILE",
        envvar="MEGA_PASSWORD_FILE",
        default="",
        help="Read the password from a file; - is standard input, /dev/fd/3 a descriptor.",
    )
    @click.option(
        "--password-command",
        metavar="COMMAND",
        envvar="MEGA_PASSWORD_COMMAND",
        default="",
        help="Read the password from what a command prints.",
    )
    @functools.wraps(function)
    def with_source(*args: object, password_file: str, password_command: str, **named: object) -> object:
        return function(*args, password=PasswordSource(password_file, password_command), **named)

    return with_source


def _read_file(path: str) -> bytes:
    if path == "-":
        return sys.stdin.buffer.read(_MOST_BYTES)
    with open(path, "rb") as file:  # noqa: PTH123 -- a descriptor's path is opened, never resolved
        return file.read(_MOST_BYTES)


def _run_command(command: str) -> bytes:
    """Run a command without a shell and give what it printed. Raises UsageError, MegaError."""
    try:
        words = shlex.split(command)
        done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False)  # noqa: S603 -- the user's own command, by the user's own option
    except (ValueError, IndexError) as error:
        msg = "the password command cannot be understood"
        raise UsageError(msg, "quote it as for a shell") from error
    if done.returncode:
        msg = f"the password command failed with exit code {done.returncode}"
        raise MegaError(msg, "run it by hand to see why")
    return done.stdout[:_MOST_BYTES]


def _one_line(raw: bytes) -> Secret:
    """Take off the line's end. Raises UsageError for an empty password."""
    value = raw.removesuffix(b"\n").removesuffix(b"\r")
    if not value:
        msg = "the password is empty"
        raise UsageError(msg, "see where it is read from")
    return Secret(value)
