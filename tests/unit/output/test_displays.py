"""The displays: which one a run gets, and what each of them writes."""

from __future__ import annotations

import io
import json
import sys
import threading

import pytest
import rich.console

from mega_cli.output.console import Console
from mega_cli.output.displays import JsonDisplay, MinuteDisplay, PlanDisplay, QuietDisplay
from mega_cli.output.live import render
from mega_cli.output.progress import LiveDisplay, choose_display, shown_progress
from mega_cli.output.tally import Snapshot

HOSTILE = "[red]x[/red]\x1b[2J"
NOW = Snapshot(
    elapsed_s=12.0,
    files_done=3,
    files_total=1200,
    done_bytes=512 * 1024,
    total_bytes=1024 * 1024,
    speed=256 * 1024,
    left_s=2.0,
    is_counting=False,
    current=HOSTILE,
    waiting="",
)


class FakeTerminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Say yes."""
        return True


@pytest.mark.parametrize(
    ("console", "is_dry_run", "expected"),
    [
        (Console(), False, MinuteDisplay),
        (Console(verbosity=-1), False, QuietDisplay),
        (Console(is_json=True), False, JsonDisplay),
        (Console(is_json=True), True, JsonDisplay),
        (Console(), True, PlanDisplay),
    ],
)
def test_display_without_a_terminal(console: Console, expected: type, *, is_dry_run: bool) -> None:
    """No terminal: one line a minute, or what the options ask for."""
    assert type(choose_display(console, is_dry_run=is_dry_run)) is expected


@pytest.mark.parametrize(
    ("console", "expected"),
    [(Console(), LiveDisplay), (Console(verbosity=-1), QuietDisplay), (Console(is_json=True), JsonDisplay)],
)
def test_display_on_a_terminal(console: Console, expected: type, monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal gets the live display unless the user wants quiet or JSON."""
    monkeypatch.setattr(sys, "stderr", FakeTerminal())
    monkeypatch.setenv("TERM", "xterm")

    assert type(choose_display(console, is_dry_run=False)) is expected


def test_a_short_run_never_loads_rich(monkeypatch: pytest.MonkeyPatch) -> None:
    """Below 0.4 s the live display opens nothing and says its lines plainly."""
    monkeypatch.setattr(sys, "stderr", terminal := FakeTerminal())
    display = LiveDisplay(Console(verbosity=1))

    display.draw(NOW._replace(elapsed_s=0.1))
    display.file_done("a", "new")
    display.close()

    assert terminal.getvalue() == "new       a\n"


def test_the_live_display_writes_lines_above_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Problems and items stand as escaped lines; the display is wiped at the end and the cursor shown."""
    monkeypatch.setattr(sys, "stderr", terminal := FakeTerminal())
    monkeypatch.setenv("TERM", "xterm")
    display = LiveDisplay(Console(verbosity=1))

    display.draw(NOW)
    display.file_done(HOSTILE, "new")
    display.problem(HOSTILE, "gone")
    display.close()

    written = terminal.getvalue()
    assert "new       [red]x[/red]\\x1b[2J" in written
    assert "mega: problem: [red]x[/red]\\x1b[2J: gone" in written
    assert "\x1b[2J" not in written
    assert written.rindex("\x1b[?25h") > written.rindex("\x1b[?25l")


def test_the_live_display_shows_the_figures_and_the_file_as_it_is() -> None:
    """Names are no markup, and their control characters are escaped."""
    drawn = _drawn(NOW)

    assert "50%" in drawn
    assert "3 of 1,200 files, 512.0 KiB of 1.0 MiB, 256.0 KiB/s, 0:02 left" in drawn
    assert "[red]x[/red]\\x1b[2J" in drawn
    assert "\x1b" not in drawn


def test_no_share_is_shown_while_the_totals_grow() -> None:
    """Sources are listed as they are put: 98 % of what is known so far would be a lie."""
    drawn = _drawn(NOW._replace(is_counting=True, left_s=None))

    assert "3 files, 512.0 KiB, 256.0 KiB/s, still counting" in drawn
    assert "%" not in drawn


def test_the_live_display_shows_what_it_waits_for() -> None:
    """A waiting run says so in place of the file."""
    assert "waiting: the server is busy" in _drawn(NOW._replace(waiting="the server is busy"))


def test_a_minute_line_has_the_figures_and_no_names(capsys: pytest.CaptureFixture[str]) -> None:
    """A log gets one line, on stderr."""
    MinuteDisplay(Console()).draw(NOW)

    expected = "mega: 3 of 1,200 files, 512.0 KiB of 1.0 MiB, 256.0 KiB/s, 0:02 left\n"
    assert capsys.readouterr() == ("", expected)


@pytest.mark.parametrize(("verbosity", "expected"), [(0, ""), (1, "changed   a\n")])
def test_items_are_named_with_verbose_only(verbosity: int, expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`-v` names each item on stderr."""
    MinuteDisplay(Console(verbosity=verbosity)).file_done("a", "changed")

    assert capsys.readouterr() == ("", expected)


def test_a_dry_run_names_on_stdout_what_would_be_done(capsys: pytest.CaptureFixture[str]) -> None:
    """The plan is the result; what needs nothing is no part of it."""
    display = PlanDisplay(Console())

    display.file_done("a", "new")
    display.file_done("b", "unchanged")

    assert capsys.readouterr() == ("new       a\n", "")


def test_json_status_has_bytes_and_names(capsys: pytest.CaptureFixture[str]) -> None:
    """Programs get plain figures."""
    JsonDisplay(Console(is_json=True), lists_items=False).draw(NOW)

    assert json.loads(capsys.readouterr().out) == {
        "message_type": "status",
        "elapsed_s": 12.0,
        "files_done": 3,
        "files_total": 1200,
        "bytes_done": 524288,
        "bytes_total": 1048576,
        "bytes_per_s": 262144,
        "left_s": 2.0,
        "is_counting": False,
        "current": HOSTILE,
        "waiting": "",
    }


def test_json_items_are_verbose_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """With `-v` each item is one `verbose` line."""
    JsonDisplay(Console(is_json=True), lists_items=True).file_done("a", "new")

    assert json.loads(capsys.readouterr().out) == {"message_type": "verbose", "action": "new", "item": "a"}


def test_quiet_json_has_no_status(capsys: pytest.CaptureFixture[str]) -> None:
    """`-q --json` leaves errors and the summary."""
    JsonDisplay(Console(is_json=True, verbosity=-1), lists_items=False).draw(NOW)

    assert capsys.readouterr() == ("", "")


def test_a_failing_run_closes_its_display(monkeypatch: pytest.MonkeyPatch) -> None:
    """However the block ends, the terminal is given back and the drawing thread has ended."""
    monkeypatch.setattr(sys, "stderr", FakeTerminal())
    monkeypatch.setenv("TERM", "xterm")

    def fail() -> None:
        with shown_progress(Console()) as tally:
            tally.advance(1)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()

    assert "progress" not in {thread.name for thread in threading.enumerate()}


def _drawn(now: Snapshot) -> str:
    terminal = rich.console.Console(file=io.StringIO(), width=140, color_system=None)
    terminal.print(render(now))
    assert isinstance(terminal.file, io.StringIO)
    return terminal.file.getvalue()
