"""The merge of three texts by a tool of the user's, and by git."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

import pytest

from mega_cli.errors import MissingItemError, UsageError, WaitsForUserError
from mega_cli.system.merge_tool import Versions, merge

TEXTS = Versions(b"one\ntwo\nthree\nfour\nfive\n", b"ONE\ntwo\nthree\nfour\nfive\n", b"one\ntwo\nthree\nfour\nFIVE\n")
HINT = "mega conflicts resolve --keep both notes.txt"
needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


@pytest.fixture(autouse=True)
def own_temp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have temporary folders made where a test can look."""
    folder = tmp_path / "temp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def tool(tmp_path: Path, body: str, words: str = "") -> dict[str, str]:
    """Write a merge tool in Python; give the environment that names it."""
    script = tmp_path / "tool with a blank.py"
    script.write_text(f"import os, sys, pathlib\nP = pathlib.Path\nE = os.environ\n{body}\n")
    return {"MERGETOOL": f"'{sys.executable}' '{script}' {words}"}


JOIN = "P({3}).write_bytes(b'|'.join(P(path).read_bytes() for path in ({0}, {1}, {2})))"
ALL = b"|".join(TEXTS)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (JOIN.format("E['BASE']", "E['LOCAL']", "E['REMOTE']", "E['MERGED']"), ""),
        (JOIN.format(*(f"sys.argv[{number}]" for number in (1, 2, 3, 4))), ""),
        (JOIN.format(*(f"sys.argv[{number}]" for number in (2, 1, 3, 4))), "$LOCAL $BASE ${REMOTE} $MERGED"),
        (JOIN.format("E['BASE']", "E['LOCAL']", "E['REMOTE']", "sys.argv[1][6:]"), "--out=$MERGED"),
    ],
    ids=["environment", "arguments", "named", "inside a word"],
)
def test_a_tool_finds_the_paths(tmp_path: Path, body: str, words: str) -> None:
    """In its environment, as its last arguments, or where its command line names them."""
    assert merge("notes.txt", TEXTS, tool(tmp_path, body, words), HINT) == ALL


def test_merged_begins_as_the_local_version(tmp_path: Path) -> None:
    """A tool that changes nothing keeps the user's own."""
    assert merge("notes.txt", TEXTS, tool(tmp_path, ""), HINT) == TEXTS.local


def test_the_files_end_as_the_name_does(tmp_path: Path) -> None:
    """So that a tool knows what kind of text it is."""
    body = "P(E['MERGED']).write_text(P(E['BASE']).name)"

    assert merge("notes.tar.md", TEXTS, tool(tmp_path, body), HINT) == b"notes.tar.BASE.md"


def test_a_long_name(tmp_path: Path) -> None:
    """It fits the disk with what is put in."""
    assert merge("n" * 240 + ".x", TEXTS, tool(tmp_path, ""), HINT) == TEXTS.local


def test_nothing_is_left_behind(tmp_path: Path, own_temp: Path) -> None:
    """No content stays in the temporary folder, whatever the tool does."""
    merge("notes.txt", TEXTS, tool(tmp_path, "P(E['MERGED'] + '.orig').touch()"), HINT)

    assert list(own_temp.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="it has no modes")
def test_others_read_nothing(tmp_path: Path) -> None:
    """The folder of the versions is the user's alone."""
    body = "P(E['MERGED']).write_text(oct(P(E['BASE']).parent.stat().st_mode & 0o777))"

    assert merge("notes.txt", TEXTS, tool(tmp_path, body), HINT) == b"0o700"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("sys.exit(1)", "the merge tool ended with exit code 1, so nothing was changed"),
        ("P(E['MERGED']).unlink()", "the merge tool left no merged file, so nothing was changed"),
    ],
)
def test_a_tool_that_was_not_done(tmp_path: Path, body: str, said: str) -> None:
    """Its file is not taken."""
    with pytest.raises(WaitsForUserError) as raised:
        merge("notes.txt", TEXTS, tool(tmp_path, body), HINT)

    assert raised.value.message == said
    assert HINT in raised.value.hint


def test_a_tool_that_is_not_there() -> None:
    """It is named, with the way out."""
    with pytest.raises(MissingItemError, match="the merge tool 'no-such-tool' cannot be run: No such file"):
        merge("notes.txt", TEXTS, {"MERGETOOL": "no-such-tool -x"}, HINT)


def test_a_command_line_that_is_none() -> None:
    """An open quote is the user's slip."""
    with pytest.raises(UsageError, match="MERGETOOL is no command line"):
        merge("notes.txt", TEXTS, {"MERGETOOL": "meld 'x"}, HINT)


@needs_git
@pytest.mark.parametrize("environ", [{}, {"MERGETOOL": "  "}])
def test_git_merges(environ: dict[str, str]) -> None:
    """Changes in different places come together."""
    assert merge("notes.txt", TEXTS, environ, HINT) == b"ONE\ntwo\nthree\nfour\nFIVE\n"


@needs_git
@pytest.mark.parametrize(
    ("count", "said"), [(1, "1 place was"), (2, "2 places were"), (300, "127 places or more were")]
)
def test_places_that_both_changed(count: int, said: str) -> None:
    """They are counted, and nothing comes out."""
    pieces = [
        b"".join(b"%s%d\nsame\nsame\nsame\nsame\n" % (word, n) for n in range(count)) for word in (b"a", b"b", b"c")
    ]
    with pytest.raises(WaitsForUserError, match=f"{said} changed in both versions, so nothing was changed"):
        merge("notes.txt", Versions(*pieces), {}, HINT)


def test_without_git_and_tool(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways to get one are named."""
    monkeypatch.setenv("PATH", "")
    with pytest.raises(MissingItemError, match="MERGETOOL is not set, and git is not installed") as raised:
        merge("notes.txt", TEXTS, {}, HINT)

    assert "MERGETOOL='meld $LOCAL $BASE $REMOTE -o $MERGED'" in raised.value.hint
