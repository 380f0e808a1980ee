"""What quickstart says: commands that work as printed, and no difference left unsaid."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path

import pytest

from mega_cli.localfs.compare import Comparison
from mega_cli.output.console import Console
from mega_cli.output.quickstart import program_words, report_entered, report_listing, report_round_trip, suggest_next
from mega_cli.paths.remote import RemotePath
from mega_cli.volume.requests import Listed, Problem

STORED = RemotePath.parse("my files")


def test_suggestions_name_this_program_and_this_home(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A program that is not on the PATH is called by its full path, and MEGA_HOME is repeated."""
    program = tmp_path / "my bin" / "mega"
    monkeypatch.setattr(sys, "argv", [str(program)])
    monkeypatch.setenv("MEGA_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", "/nowhere")

    suggest_next(Console(), STORED, ["mega-server", "serve", "--data", "a b"])

    lines = [line.strip() for line in capsys.readouterr().out.splitlines() if line.startswith("  ")]
    assert lines[0] == "mega-server serve --data 'a b' &"
    for line in lines[1:]:
        assert shlex.split(line)[:2] == [f"MEGA_HOME={tmp_path}", str(program)]
    assert shlex.split(lines[1])[2:] == ["ls", "-l", "/my files"]


def test_a_program_on_the_path_is_called_by_its_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As people type it."""
    program = tmp_path / "mega"
    program.write_text("#!/bin/sh\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "argv", [str(program)])
    monkeypatch.setenv("PATH", str(tmp_path))

    assert program_words() == ["mega"]


def test_a_module_is_called_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """`python -m mega_cli`, by this interpreter."""
    monkeypatch.setattr(sys, "argv", ["/x/mega_cli/__main__.py"])

    assert program_words() == [sys.executable, "-m", "mega_cli"]


@pytest.mark.parametrize(("password", "is_shown"), [("abcd-efgh", True), ("", False)])
def test_a_generated_password_is_shown(capsys: pytest.CaptureFixture[str], password: str, *, is_shown: bool) -> None:
    """Once, with the advice to write it down."""
    report_entered(Console(), "http://h", "owner", is_new=True, password=password, kit_path=Path("/k"))

    out = capsys.readouterr().out
    assert ("write it down" in out) is is_shown
    assert password in out
    assert "/k" in out


def test_a_listing_is_bounded(capsys: pytest.CaptureFixture[str]) -> None:
    """The first items and the count of the others."""
    folder = Listed("sub", "d", 0, 0, 0o755, "", b"")

    report_listing(Console(), STORED, [folder], 41)

    assert [line.strip() for line in capsys.readouterr().out.splitlines()] == [
        "listing  /my files",
        "sub/",
        "… and 41 items more",
    ]


def test_an_equal_copy_is_said_to_be_equal(capsys: pytest.CaptureFixture[str]) -> None:
    """And the run ends well."""
    failed = report_round_trip(Console(), [], Comparison(files=2, folders=1, content_bytes=2048), [])

    assert failed is None
    expected = "fetched  2 files, 1 folder, 0 links, 2.0 KiB: equal in content, modes, links and nanosecond times\n"
    assert capsys.readouterr() == (expected, "")


def test_differences_and_problems_end_with_three(capsys: pytest.CaptureFixture[str]) -> None:
    """Each is listed; what was listed before is not listed again."""
    found = Comparison(files=1, differences=[("a", "has other content")])

    failed = report_round_trip(Console(), [Problem("p", "a pipe"), Problem("q", "gone")], found, [("p", "a pipe")])

    assert failed is not None
    assert (failed.exit_code, failed.message) == (3, "3 items failed, listed above")
    out, err = capsys.readouterr()
    assert "equal" not in out
    assert err.splitlines() == ["mega: problem: q: gone", "mega: problem: a: the fetched copy has other content"]


def test_steps_for_programs_are_documents(capsys: pytest.CaptureFixture[str]) -> None:
    """One line each."""
    report_entered(Console(is_json=True), "http://h", "owner", is_new=False, password="", kit_path=None)

    assert json.loads(capsys.readouterr().out) == {
        "message_type": "verbose",
        "action": "entered",
        "server": "http://h",
        "account": "owner",
        "is_new": False,
    }
