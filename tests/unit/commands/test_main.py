"""The edge: every way a command can end becomes the right message and the right exit code."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest

from mega_cli import errors
from mega_cli.main import CommandTable
from mega_cli.options.command import declare
from mega_cli.output.console import Console
from tests.unit.commands.conftest import Run


def ends_with(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Make every command end by raising `error`."""

    @declare("ls", examples=("mega ls",))
    def command(console: Console) -> None:
        console.when_interrupted = "run it again"
        raise error

    monkeypatch.setattr(CommandTable, "get_command", lambda *_: command)


def test_an_error_gives_its_exit_code_and_two_lines(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The class owns the code, the instance the words."""
    ends_with(monkeypatch, errors.LockedError("another run is active", "wait until it has ended"))

    ran = run("ls")

    expected = "mega: error: another run is active\nmega: hint: wait until it has ended\n"
    assert (ran.code, ran.out, ran.err) == (11, "", expected)


@pytest.mark.parametrize("words", [("--json", "ls"), ("ls", "--json")])
def test_json_may_stand_before_or_after_the_command(
    words: tuple[str, ...], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """People write it where they think of it."""
    ends_with(monkeypatch, errors.MissingItemError("no such file"))

    ran = run(*words)

    assert (ran.code, json.loads(ran.err)["name"]) == (4, "not_found")


@pytest.mark.parametrize(
    ("words", "complaint", "hint"),
    [
        (("frobnicate",), "no such command", "mega --help"),
        (("--frobnicate",), "no such option", "mega --help"),
        (("ls", "--frobnicate"), "no such option", "mega ls --help"),
        (("put",), "missing argument", "mega put --help"),
        (("get", "/a", "--overwrite", "maybe"), "invalid value", "mega get --help"),
    ],
)
def test_wrong_usage_is_said_in_our_voice(words: tuple[str, ...], complaint: str, hint: str, run: Run) -> None:
    """Click's complaints are one line and a command that helps; exit code 2."""
    ran = run(*words)

    error, hinted = ran.err.splitlines()
    assert ran.code == 2
    assert error.startswith(f"mega: error: {complaint}")
    assert hinted == f"mega: hint: {hint}"


def test_wrong_usage_is_json_where_json_was_asked_for(run: Run) -> None:
    """Even when the parser failed before it came to `--json`."""
    ran = run("ls", "--frobnicate", "--json")

    assert json.loads(ran.err)["code"] == 2


def test_no_command_shows_the_help(run: Run) -> None:
    """`mega` alone is wrong usage, and the help is the answer."""
    ran = run()

    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("Usage: mega")


@pytest.mark.parametrize("interruption", [KeyboardInterrupt(), click.Abort()], ids=["signal", "prompt"])
def test_an_interruption_says_how_to_go_on(
    interruption: BaseException, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C in a run or at a prompt: exit 130 and the command's own hint."""
    ends_with(monkeypatch, interruption)

    ran = run("ls")

    assert (ran.code, ran.err) == (130, "mega: error: interrupted\nmega: hint: run it again\n")


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (OSError(28, "No space left on device", "/x/a\x1bb"), 1, "No space left on device: /x/a\\x1bb"),
        (PermissionError(13, "Permission denied", "/x"), 13, "Permission denied: /x"),
    ],
)
def test_what_the_system_refuses_is_no_bug(
    error: OSError, code: int, message: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk or a closed folder is said plainly."""
    ends_with(monkeypatch, error)

    ran = run("ls")

    assert (ran.code, ran.err) == (code, f"mega: error: {message}\n")


def test_a_bug_is_called_a_bug_and_its_place_is_logged(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Exit 70; the log has the place and never the message, which may hold a name or a secret."""
    ends_with(monkeypatch, RuntimeError("the secret plan.txt"))

    ran = run("ls")

    log = (tmp_path / "home" / "logs" / "mega.log").read_text(encoding="utf-8")
    assert ran.code == 70
    assert ran.err.startswith("mega: error: this is a bug: RuntimeError\n")
    assert "test_main.py" in log
    assert "secret plan" not in log + ran.err


def test_a_log_level_that_does_not_exist_is_wrong_usage(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """MEGA_LOG opens the log from the start."""
    monkeypatch.setenv("MEGA_LOG", "loud")

    ran = run("ls")

    assert (ran.code, ran.err.splitlines()[0]) == (
        2,
        "mega: error: invalid value for '--log-level': 'loud' is not one of 'debug', 'info', 'warning', 'error'",
    )


def test_global_options_come_from_the_environment(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """MEGA_JSON is `mega --json`, MEGA_LS_JSON is `mega ls --json`."""
    ends_with(monkeypatch, errors.MissingItemError("no such file"))

    for variable in ("MEGA_JSON", "MEGA_LS_JSON"):
        with monkeypatch.context() as context:
            context.setenv(variable, "1")
            assert json.loads(run("ls").err)["code"] == 4


SLOW = """
import sys, threading
from mega_cli.main import CommandTable, run
from mega_cli.options.command import declare

@declare("ls", examples=("mega ls",))
def command(console):
    console.when_interrupted = "run it again"
    print("ready", flush=True)
    try:
        threading.Event().wait()
    finally:
        STUCK

CommandTable.get_command = lambda *_: command
run()
"""


@pytest.mark.parametrize("stuck", ["pass", "threading.Event().wait()"], ids=["orderly", "stuck"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_process_soon(stuck: str, number: signal.Signals) -> None:
    """Exit 130 with the hint, printed once, even when the command's own clean-up hangs."""
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW.replace("STUCK", stuck), "ls"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        _, err = process.communicate(timeout=30)

    assert (process.returncode, err) == (130, "mega: error: interrupted\nmega: hint: run it again\n")


def test_a_reader_that_goes_away_ends_it_quietly() -> None:
    """`mega --help | head -0`: no traceback, nothing on stderr."""
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "mega_cli", "--help"],
        stdout=writing,
        stderr=subprocess.PIPE,
        check=False,
        cwd=Path(__file__).parents[3],
    )
    os.close(writing)

    assert (done.returncode, done.stderr) == (1, b"")
