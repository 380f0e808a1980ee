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
    """What `--password-file` and `--password-command` said; either may be empty. `name`: which password it is."""

    file: str = ""
    command: str = ""
    name: str = "password"
    option: str = ""
    """What its options begin with, where that is not the name."""

    @property
    def _variable(self) -> str:
        return f"MEGA_{self.name.upper().replace('-', '_')}"

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
        value = os.environ.pop(self._variable, None)
        return None if value is None else _one_line(os.fsencode(value))

    def ask(self, question: str, *, is_new: bool = False) -> Secret:
        """Read the password, or ask for it on the terminal, twice when it is new. Raises UsageError without either."""
        given = self.given()
        if given is not None:
            return given
        if not has_terminal():
            what = self.name.replace("-", " ")
            raise UsageError(
                f"a {what} is needed, and there is no terminal to ask on",
                f"give --{self.option or self.name}-file FILE (- is standard input), "
                f"--{self.option or self.name}-command COMMAND, or {self._variable}",
            )
        answer = click.prompt(question, hide_input=True, err=True, confirmation_prompt="Once more" if is_new else False)
        return _one_line(answer.encode("utf-8", "surrogateescape"))


def _source_options(name: str, what: str) -> Callable[[Callable[..., object]], Callable[..., object]]:
    """Give a command the two options of one password; its function gets a `PasswordSource` of that name."""
    variable = name.upper().replace("-", "_")
    key = name.replace("-", "_")

    def decorate(function: Callable[..., object]) -> Callable[..., object]:
        @click.option(
            f"--{name}-file",
            metavar="FILE",
            envvar=f"MEGA_{variable}_FILE",
            default="",
            help=f"Read {what} from a file; - is standard input, /dev/fd/3 a descriptor.",
        )
        @click.option(
            f"--{name}-command",
            metavar="COMMAND",
            envvar=f"MEGA_{variable}_COMMAND",
            default="",
            help=f"Read {what} from what a command prints.",
        )
        @functools.wraps(function)
        def with_source(*args: object, **named: object) -> object:
            file, command = (str(named.pop(f"{key}_{kind}")) for kind in ("file", "command"))
            return function(*args, **{key: PasswordSource(file, command, name)}, **named)

        return with_source

    return decorate


password_options = _source_options("password", "the password")
"""Give a command `password: PasswordSource`."""
link_password_options = _source_options("link-password", "the link's password")
"""Give a command `link_password: PasswordSource`, of a link that is opened."""
new_password_options = _source_options("new-password", "the new password")
"""Give a command `new_password: PasswordSource`."""


def secret_text(path: str) -> str:
    """Read letters that were printed once, a kit or a key, from a file; `-` is standard input. Raises UsageError."""
    try:
        return _read_file(path).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not text", "give the recovery kit as mega wrote it") from None


def ask_letters(question: str) -> str:
    """Ask for such letters on the terminal, hidden; "" when there is none to ask on or nothing was typed."""
    if not has_terminal():
        return ""
    return str(click.prompt(question, hide_input=True, err=True, default="", show_default=False)).strip()


account_key_option = click.option(
    "--account-key-file",
    metavar="FILE",
    envvar="MEGA_ACCOUNT_KEY_FILE",
    default="",
    help="Read the account key of `signup --account-key` from this file or from the recovery kit; kept on this device.",
)


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
