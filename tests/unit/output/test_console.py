"""The console: what goes where, and that no name steers a terminal."""

from __future__ import annotations

import json

import pytest

from mega_cli.errors import MissingItemError
from mega_cli.output.console import Console

HOSTILE = "a\x1b[2Jb\nc\u202ed"


def test_a_result_goes_to_stdout_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    """A hostile name stays one line without a control character."""
    Console().result(HOSTILE)

    assert capsys.readouterr() == ("a\\x1b[2Jb\\nc\\u202ed\n", "")


def test_a_document_is_ascii_and_keeps_the_name(capsys: pytest.CaptureFixture[str]) -> None:
    """JSON carries the exact name in characters that no terminal obeys."""
    Console(is_json=True).document({"path": HOSTILE})

    out = capsys.readouterr().out
    assert out.isascii()
    assert "\x1b" not in out
    assert json.loads(out) == {"path": HOSTILE}


def test_an_error_is_two_lines_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    """People read the sentence and the hint, both escaped."""
    Console().error(MissingItemError(f"no such file: {HOSTILE}", "mega ls /"))

    expected = "mega: error: no such file: a\\x1b[2Jb\\nc\\u202ed\nmega: hint: mega ls /\n"
    assert capsys.readouterr() == ("", expected)


def test_an_error_for_programs_is_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    """With `--json` the error carries code, name, message, hint and facts."""
    Console(is_json=True).error(MissingItemError("no such file", "mega ls /", {"path": "/a"}))

    out, err = capsys.readouterr()
    assert out == ""
    assert json.loads(err) == {
        "message_type": "exit_error",
        "code": 4,
        "name": "not_found",
        "message": "no such file",
        "hint": "mega ls /",
        "details": {"path": "/a"},
    }


@pytest.mark.parametrize("console", [Console(verbosity=-1), Console(is_json=True)], ids=["quiet", "json"])
def test_a_note_is_for_people_who_want_it(console: Console, capsys: pytest.CaptureFixture[str]) -> None:
    """With `-q` or `--json` notes are dropped."""
    console.note("moved to the trash")

    assert capsys.readouterr() == ("", "")


def test_a_problem_is_listed_even_when_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    """`-q` silences progress, never a problem."""
    Console(verbosity=-1).problem("a\x1bb", "changed while it was read")

    assert capsys.readouterr() == ("", "mega: problem: a\\x1bb: changed while it was read\n")


def test_a_problem_for_programs_is_a_line_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    """With `--json` a problem is an `error` line among the others."""
    Console(is_json=True).problem("a", "changed while it was read")

    assert json.loads(capsys.readouterr().out) == {
        "message_type": "error",
        "item": "a",
        "message": "changed while it was read",
    }


@pytest.mark.parametrize(("value", "has_color"), [("1", False), ("", True)])
def test_no_color_is_honoured(value: str, monkeypatch: pytest.MonkeyPatch, *, has_color: bool) -> None:
    """NO_COLOR counts when it is set and not empty (no-color.org)."""
    monkeypatch.setenv("NO_COLOR", value)

    assert Console().has_color is has_color
