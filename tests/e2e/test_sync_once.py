"""`mega sync --once` with two devices, a real disk and a live server: what it does with what people do, and says."""

from __future__ import annotations

import json
import sys

import pytest

from tests.kit.synced import Side, meet

if sys.platform == "win32":
    pytest.skip("the folders hold links and modes", allow_module_level=True)


def test_the_first_run_makes_what_is_missing_and_says_so(sides: tuple[Side, Side]) -> None:
    """REMOTE with all above it; LOCAL when only its last name is missing; nothing when the folder above is missing."""
    a, b = sides
    a.remote = b.remote = f"{a.remote}/deep/er"
    a.write("notes.txt", "first")
    assert a.sync("-v").err.splitlines()[0] == "upload    notes.txt"
    ran = b.sync()

    assert f"mega: made the folder {b.folder}" in ran.err
    assert "the first run joins both sides and deletes nothing" in ran.err
    assert ran.out == b"1 file downloaded (5 B); up to date\n"
    assert b.tree() == {"notes.txt": "first"}
    b.folder = b.folder.parent / "no" / "where"
    assert "there is no folder" in b.sync(code=4).err


def test_a_second_run_does_nothing(synced: tuple[Side, Side]) -> None:
    """Neither commits nor writes; the word for it is up to date."""
    a, _ = synced

    assert a.sync().out == b"nothing to do; up to date\n"
    assert {a.summary()[key] for key in ("commits", "local_changes", "remote_changes", "sent_bytes")} == {0}


def test_a_dry_run_of_a_first_run_makes_nothing(sides: tuple[Side, Side]) -> None:
    """Neither remote folder, nor pair, nor `.mega`; it says what would be done."""
    a, b = sides
    a.write("notes.txt", "first")
    ran = a.sync("--dry-run")

    assert ran.out.splitlines() == [b"upload    notes.txt", b"dry run: 1 upload; nothing was changed"]
    assert not (a.folder / ".mega").exists()
    assert a.run("ls", a.remote).code == 4
    assert str(a.folder) not in str(a.json("syncs"))
    assert b.sync("--dry-run", code=4).err.startswith("mega: error: there is no folder")


def test_a_remote_file_is_no_folder(sides: tuple[Side, Side]) -> None:
    """It is refused before a pair is made."""
    a, _ = sides
    a.write("notes.txt", "first")
    a.run("put", str(a.folder / "notes.txt"), f"{a.remote}-file")
    a.remote += "-file"

    assert "is a file or a link" in a.sync(code=2).err
    assert str(a.folder) not in str(a.json("syncs"))


def test_folders_that_were_apart_are_joined(sides: tuple[Side, Side]) -> None:
    """What both had is not moved again, what differs becomes two, and nothing is deleted."""
    a, b = sides
    for side, text in ((a, "of a"), (b, "of b")):
        side.write("same", "same")
        side.write(f"only {text}", text)
        side.write("differs", text)
    a.sync()
    assert b.summary(code=6)["uploaded"] == 2
    tree = meet(a, b)

    assert {"same": "same", "only of a": "of a", "only of b": "of b", "differs": "of a"}.items() <= tree.items()
    assert [text for name, text in tree.items() if name.startswith("differs (conflict desk ")] == ["of b"]


def test_edits_renames_and_deletions_travel(synced: tuple[Side, Side]) -> None:
    """Each in words; a renamed folder uploads nothing, and what is deleted lies in the other's trash."""
    a, b = synced
    a.write("notes.txt", "second")
    (a.folder / "docs").rename(a.folder / "papers")
    (a.folder / "link").unlink()
    assert a.sync().out == b"1 file uploaded (6 B), 2 other changes there; up to date\n"
    told = b.sync("--dry-run").out.decode().splitlines()

    assert set(told[:-1]) == {"download  notes.txt", "rename    docs/ → papers/ (here)", "to trash  link (here)"}
    assert b.sync().code == 0
    assert b.tree() == {"notes.txt": "second", "papers": "/", "papers/plan.txt": "plan"}
    assert b.run("trash", "--local").out.decode().splitlines()[-1].endswith(f"  {b.folder}/link")


def test_modes_travel_without_content(synced: tuple[Side, Side]) -> None:
    """A file made executable is a change, and no upload."""
    a, b = synced
    (a.folder / "notes.txt").chmod(0o755)
    assert a.summary()["uploaded"] == 0
    b.sync()

    assert (b.folder / "notes.txt").stat().st_mode & 0o777 == 0o755


def test_an_edit_beats_a_deletion(synced: tuple[Side, Side]) -> None:
    """Scenario 12: the file lives, and it is said."""
    a, b = synced
    (a.folder / "notes.txt").unlink()
    b.write("notes.txt", "edited")
    a.sync()

    assert "kept: notes.txt was changed on one side and deleted on the other; it stays" in b.sync().err
    assert meet(a, b)["notes.txt"] == "edited"


def test_ignored_files_stay_where_they_are(synced: tuple[Side, Side]) -> None:
    """`.megaignore` travels; what it leaves out does not, and `why` names the line."""
    a, b = synced
    a.write(".megaignore", "# mine\n*.log\n")
    a.write("run.log", "of a")
    b.write("run.log", "of b")
    a.sync()
    b.sync()

    assert (a.tree()["run.log"], b.tree()["run.log"]) == ("of a", "of b")
    answer = b.json("why", str(b.folder / "run.log"))
    assert (answer["status"], answer["rule"]) == ("ignored", {"source": ".megaignore", "line": 2, "text": "*.log"})
    assert b.run("why", str(b.folder / "run.log")).out == b"run.log: ignored by line 2 of .megaignore: *.log\n"


def test_a_rule_file_of_mega_s_own_grammar_is_refused(synced: tuple[Side, Side]) -> None:
    """It stalls its folder: exit code 3, with a reason; never "no rules"."""
    a, _ = synced
    a.write("docs/.megaignore", "-:*.tmp\n")
    a.write("docs/new.tmp", "new")
    ran = a.sync(code=3)

    assert "docs: the .megaignore in it cannot be used" in ran.err
    answer = a.json("why", str(a.folder / "docs" / "new.tmp"))
    assert (answer["status"], answer["reason"]) == ("stalled", "ignore-malformed")
    assert a.run("ls", f"{a.remote}/docs").out == b"plan.txt\n"


def test_this_device_ignores_more(synced: tuple[Side, Side]) -> None:
    """`ignore.local` beside config.toml holds for this device alone."""
    a, _ = synced
    own = a.device.home / "ignore.local"
    own.write_text("*.iso\n")
    a.write("disk.iso", "big")
    try:
        assert a.summary()["uploaded"] == 0
        assert a.json("why", str(a.folder / "disk.iso"))["rule"]["source"] == "this device"
    finally:
        own.unlink()


def test_why_says_how_a_path_stands(synced: tuple[Side, Side]) -> None:
    """Synced, pending, mega's own, and unknown."""
    a, _ = synced
    assert a.json("why", str(a.folder / "docs/plan.txt"))["status"] == "synced"
    a.write("docs/plan.txt", "another plan")
    a.write("new", "new")
    (a.folder / "link").unlink()

    told = {name: a.json("why", str(a.folder / name)) for name in ("docs/plan.txt", "new", "link", ".mega/root.json")}
    assert [told[name]["status"] for name in told] == ["pending", "pending", "pending", "own"]
    assert told["docs/plan.txt"]["detail"] == "it was changed here since the last run"
    assert a.run("why", str(a.folder / "never")).code == 4
    assert a.run("why", "/etc/passwd").code == 4


@pytest.mark.parametrize("mode", ["mirror-up", "backup-up"])
def test_one_way_up_writes_nothing_here(sides: tuple[Side, Side], mode: str) -> None:
    """What changed there is not brought here; deletions go up in a mirror, and not in a backup."""
    a, b = sides
    a.write("one", "1")
    a.write("two", "2")
    a.sync("--mode", mode)
    b.sync()
    b.write("three", "3")
    b.sync()
    (a.folder / "two").unlink()
    a.sync()
    b.sync()

    assert a.tree() == {"one": "1"}
    assert set(b.tree()) == ({"one"} if mode == "mirror-up" else {"one", "two", "three"})


def test_one_way_down_writes_nothing_there(sides: tuple[Side, Side]) -> None:
    """The folder becomes what the volume holds; what was here alone goes to the local trash."""
    a, b = sides
    a.write("one", "1")
    a.sync()
    b.sync("--mode", "mirror-down")
    b.write("mine", "mine")
    b.write("one", "changed")
    b.sync()

    assert b.tree() == a.tree() == {"one": "1"}
    assert a.sync().out == b"nothing to do; up to date\n"
    assert {one["origin"] for one in b.json("trash", "--local")["entries"] if str(b.folder) in one["origin"]} == {
        str(b.folder / "mine"),
        str(b.folder / "one"),
    }


def test_every_line_of_json_has_its_type(synced: tuple[Side, Side]) -> None:
    """With -v an item a line, the summary last; nothing else on stdout."""
    a, b = synced
    a.write("notes.txt", "second")
    (a.folder / "link").unlink()
    a.sync()
    lines = [json.loads(line) for line in b.sync("--json", "-v").out.splitlines()]

    assert {line["message_type"] for line in lines} <= {"verbose", "status", "summary"}
    assert {(line["action"], line["item"]) for line in lines if line["message_type"] == "verbose"} == {
        ("download", "notes.txt"),
        ("trash", "link"),
    }
    assert (lines[-1]["message_type"], lines[-1]["downloaded"], lines[-1]["held"]) == ("summary", 1, [])


def test_quiet_says_nothing(synced: tuple[Side, Side]) -> None:
    """Fit for cron: no output when all went well."""
    a, _ = synced
    a.write("notes.txt", "second")
    ran = a.sync("-q")

    assert (ran.out, ran.err) == (b"", "")
