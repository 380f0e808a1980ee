"""`mega conflicts resolve --merge`: both versions and the one they came from, brought together by real commands."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.e2e.test_json import check
from tests.kit.synced import Side, meet

if sys.platform == "win32":
    pytest.skip("the folders hold links and modes", allow_module_level=True)

BASE, OF_A, OF_B = "one\ntwo\nthree\n", "ONE\ntwo\nthree\n", "one\ntwo\nTHREE\n"
JOIN = f"{BASE}|{OF_B}|{OF_A}"
"""What `joiner` makes: base, local (of b, who has the copy), remote."""


@pytest.fixture
def joiner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have a merge tool that joins the three versions; what lies beside it as `then.py` runs after."""
    then = tmp_path / "then.py"
    then.touch()
    script = tmp_path / "tool.py"
    script.write_text(
        "import os, pathlib, runpy\n"
        "three = [pathlib.Path(os.environ[role]).read_bytes() for role in ('BASE', 'LOCAL', 'REMOTE')]\n"
        "pathlib.Path(os.environ['MERGED']).write_bytes(b'|'.join(three))\n"
        f"runpy.run_path({str(then)!r})\n"
    )
    monkeypatch.setenv("MERGETOOL", f"'{sys.executable}' '{script}'")
    return then


def conflicting(a: Side, b: Side, base: str = BASE, of_a: str = OF_A, of_b: str = OF_B) -> Path:
    """Have two versions of a base; give the copy on b."""
    a.write("text.md", base)
    a.sync()
    b.sync()
    a.write("text.md", of_a)
    a.sync()
    b.write("text.md", of_b)
    b.sync(code=6)
    (copy,) = (b.folder / name for name in b.tree() if "(conflict desk " in name)
    return copy


def texts(side: Side) -> list[str]:
    """Give what the versions hold that the folder shows."""
    return sorted(text for name, text in side.tree().items() if name.startswith("text"))


def test_a_merge_takes_the_name(synced: tuple[Side, Side], joiner: Path) -> None:
    """Both devices have the merged file, and the two versions lie in the local trash."""
    a, b = synced
    copy = conflicting(a, b)
    (b.folder / "text.md").chmod(0o640)
    b.sync()
    ran = b.run("conflicts", "resolve", "--merge", str(copy))

    assert ran.code == 0, ran.err
    assert (b.folder / "text.md").stat().st_mode & 0o777 == 0o640
    assert joiner.exists()
    assert texts(b) == [JOIN]
    held = {Path(entry["origin"]).name for entry in b.json("trash", "ls", "--local")["entries"]}
    assert {"text.md", copy.name} <= held
    assert not [one for one in b.json("conflicts")["conflicts"] if str(b.folder) in one["copy"]]
    assert meet(b, a)["text.md"] == JOIN
    assert texts(a) == [JOIN]


def test_the_base_is_the_one_both_came_from(synced: tuple[Side, Side], joiner: Path) -> None:
    """However often the other device changed it since, and whichever of the two is named."""
    a, b = synced
    a.write("text.md", BASE)
    a.sync()
    b.sync()
    for text in ("between\n", "later\n", OF_A):
        a.write("text.md", text)
        a.sync()
    b.write("text.md", OF_B)
    b.sync(code=6)
    a.write("text.md", "even later\n")
    a.sync()
    b.sync()

    assert b.run("conflicts", "resolve", "--merge", str(b.folder / "text.md")).code == 0
    assert texts(b) == [f"{BASE}|{OF_B}|even later\n"]
    assert joiner.exists()


def test_what_is_found_is_documented(synced: tuple[Side, Side], joiner: Path) -> None:
    """The document is that of the other ways to settle."""
    copy = conflicting(*synced)
    check("conflicts resolve", synced[1].run("conflicts", "resolve", "--merge", str(copy), "--json"), 0)
    assert joiner.exists()


def test_a_tool_that_gives_up_changes_nothing(synced: tuple[Side, Side], joiner: Path) -> None:
    """Exit code 6, both versions as they were, and the conflict is still listed."""
    a, b = synced
    copy = conflicting(a, b)
    joiner.write_text("raise SystemExit(1)")
    before = b.tree()
    ran = b.run("conflicts", "resolve", "--merge", str(copy))

    assert (ran.code, b.tree()) == (6, before)
    assert f"mega conflicts resolve --keep both {os.fspath(copy)!r}; or --keep local, --keep remote" in ran.err
    assert [one for one in b.json("conflicts")["conflicts"] if one["copy"] == str(copy)]


@pytest.mark.parametrize("which", ["text.md", "the copy"])
def test_what_is_saved_meanwhile_wins(synced: tuple[Side, Side], joiner: Path, which: str) -> None:
    """Either version saved while the tool was open: nothing is changed, exit code 7."""
    a, b = synced
    copy = conflicting(a, b)
    edited = copy if which == "the copy" else b.folder / which
    joiner.write_text(f"open({str(edited)!r}, 'w').write('saved meanwhile')")
    ran = b.run("conflicts", "resolve", "--merge", str(copy))

    assert ran.code == 7, ran.err
    assert len(texts(b)) == 2
    assert edited.read_text() == "saved meanwhile"


def test_a_conflict_of_two_new_files_has_no_base(synced: tuple[Side, Side], joiner: Path) -> None:
    """Nobody knows what both came from: the ways to choose are named, nothing changes."""
    a, b = synced
    a.write("text.md", OF_A)
    b.write("text.md", OF_B)
    a.sync()
    b.sync(code=6)
    before = b.tree()
    ran = b.run("conflicts", "resolve", "--merge", str(b.folder / "text.md"))

    assert (ran.code, b.tree()) == (4, before)
    assert "no version is known any more that both were made from" in ran.err
    assert joiner.exists()


def test_a_conflict_of_two_new_files_is_listed_and_settled(synced: tuple[Side, Side]) -> None:
    """The copy of a file that nobody had before is a conflict copy like any other."""
    a, b = synced
    a.write("text.md", OF_A)
    b.write("text.md", OF_B)
    a.sync()
    b.sync(code=6)
    (found,) = [one for one in b.json("conflicts")["conflicts"] if str(b.folder) in one["copy"]]
    assert found["path"] == str(b.folder / "text.md")

    assert b.run("conflicts", "resolve", "--keep", "local", str(b.folder / "text.md")).code == 0
    assert meet(b, a)["text.md"] == OF_B
    assert texts(b) == [OF_B]


def test_what_is_no_text_is_refused(synced: tuple[Side, Side], joiner: Path) -> None:
    """A merge line by line would spoil it."""
    a, b = synced
    copy = conflicting(a, b, of_b="a\0b")
    before = b.tree()
    ran = b.run("conflicts", "resolve", "--merge", str(copy))

    assert (ran.code, b.tree()) == (2, before)
    assert "is no text of at most 16 MiB" in ran.err
    assert joiner.exists()


@pytest.mark.parametrize("words", [(), ("--merge", "--keep", "both")])
def test_one_way_is_chosen(synced: tuple[Side, Side], words: tuple[str, ...]) -> None:
    """Neither, or both ways, is a slip."""
    assert synced[1].run("conflicts", "resolve", *words, "text.md").code == 2


@pytest.mark.parametrize(("word", "left"), [("local", OF_B), ("this", OF_B), ("remote", OF_A), ("other", OF_A)])
def test_both_spellings_of_what_stays(synced: tuple[Side, Side], word: str, left: str) -> None:
    """The words of the help, and those that were before them."""
    a, b = synced
    copy = conflicting(a, b)

    assert b.run("conflicts", "resolve", "--keep", word, str(copy)).code == 0
    assert texts(b) == [left]
