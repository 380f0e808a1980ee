"""Where a password comes from, and that it comes from nowhere else."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import click
import pytest

from mega_cli.errors import MegaError, UsageError
from mega_cli.model import Secret
from mega_cli.options import password
from mega_cli.options.password import PasswordSource


@pytest.fixture(autouse=True)
def _no_password_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start without MEGA_PASSWORD and without a terminal."""
    monkeypatch.delenv("MEGA_PASSWORD", raising=False)
    monkeypatch.setattr(password, "has_terminal", lambda: False)


@pytest.mark.parametrize("content", [b"open sesame", b"open sesame\n", b"open sesame\r\n"])
def test_a_file_holds_the_password(content: bytes, tmp_path: Path) -> None:
    """The line's end is no part of it; inner spaces are."""
    (tmp_path / "pw").write_bytes(content)

    assert PasswordSource(file=str(tmp_path / "pw")).given() == Secret(b"open sesame")


def test_a_dash_is_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    """For scripts that pipe it in."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"piped\n")))

    assert PasswordSource(file="-").given() == Secret(b"piped")


def test_a_descriptor_is_a_file() -> None:
    """For programs that pass it on without a name."""
    reading, writing = os.pipe()
    os.write(writing, b"passed on\n")
    os.close(writing)

    assert PasswordSource(file=f"/dev/fd/{reading}").given() == Secret(b"passed on")
    os.close(reading)


def test_a_command_prints_the_password() -> None:
    """No shell is involved; quotes work."""
    assert PasswordSource(command="printf '%s' 'a b'").given() == Secret(b"a b")


def test_a_command_that_fails_is_an_error() -> None:
    """What it printed is not used and not shown."""
    with pytest.raises(MegaError, match="exit code 3") as failure:
        PasswordSource(command="sh -c 'echo hush; exit 3'").given()

    assert "hush" not in str(failure.value)


@pytest.mark.parametrize("command", ["'", "  "])
def test_a_command_that_means_nothing_is_wrong_usage(command: str) -> None:
    """Open quotes, or nothing at all."""
    with pytest.raises(UsageError, match="cannot be understood"):
        PasswordSource(command=command).given()


def test_the_environment_is_read_and_wiped(monkeypatch: pytest.MonkeyPatch) -> None:
    """No child process inherits it."""
    monkeypatch.setenv("MEGA_PASSWORD", "from outside")

    assert PasswordSource().given() == Secret(b"from outside")
    assert "MEGA_PASSWORD" not in os.environ


def test_a_named_source_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An option is nearer than a variable."""
    monkeypatch.setenv("MEGA_PASSWORD", "from outside")
    (tmp_path / "pw").write_bytes(b"from the file")

    assert PasswordSource(file=str(tmp_path / "pw")).given() == Secret(b"from the file")


def test_two_sources_are_wrong_usage() -> None:
    """Nobody could say which was meant."""
    with pytest.raises(UsageError, match="not from both"):
        PasswordSource(file="a", command="b").given()


def test_an_empty_password_is_wrong_usage(tmp_path: Path) -> None:
    """An empty file is a mistake, never a password."""
    (tmp_path / "pw").write_bytes(b"\n")

    with pytest.raises(UsageError, match="empty"):
        PasswordSource(file=str(tmp_path / "pw")).given()


def test_without_a_source_and_a_terminal_it_says_what_to_give() -> None:
    """A cron job fails at once instead of waiting for an answer."""
    with pytest.raises(UsageError, match="no terminal") as failure:
        PasswordSource().ask("Password")

    assert "--password-file" in failure.value.hint


@pytest.mark.parametrize("is_new", [False, True])
def test_a_terminal_is_asked_hidden_and_twice_when_new(monkeypatch: pytest.MonkeyPatch, *, is_new: bool) -> None:
    """The question goes to the terminal, never to stdout."""
    asked: list[dict[str, object]] = []

    def prompt(question: str, **settings: object) -> str:
        asked.append({"question": question, **settings})
        return "päss"

    monkeypatch.setattr(password, "has_terminal", lambda: True)
    monkeypatch.setattr(click, "prompt", prompt)

    assert PasswordSource().ask("Password for me", is_new=is_new) == Secret("päss".encode())
    assert asked == [
        {
            "question": "Password for me",
            "hide_input": True,
            "err": True,
            "confirmation_prompt": "Once more" if is_new else False,
        }
    ]
