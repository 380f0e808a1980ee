"""`mega sync --once` with two devices, a real disk and a live server: what it does and says, and what stops it."""

from __future__ import annotations

import json
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.test_json import check
from tests.kit.server import LiveServer
from tests.kit.synced import Couple, Side, hurry

if sys.platform == "win32":
    pytest.skip("the folders hold links and modes", allow_module_level=True)

MANY = 24


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """Start a server."""
    with LiveServer(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture(scope="module")
def couple(server: LiveServer, tmp_path_factory: pytest.TempPathFactory) -> Couple:
    """Sign up and log in."""
    return Couple(tmp_path_factory.mktemp("couple"), server.url)


@pytest.fixture
def sides(couple: Couple, monkeypatch: pytest.MonkeyPatch) -> tuple[Side, Side]:
    """Give two folders of one remote folder that is not made yet."""
    hurry(monkeypatch)
    return couple.sides()


@pytest.fixture
def synced(sides: tuple[Side, Side]) -> tuple[Side, Side]:
    """Give two folders that hold the same."""
    a, b = sides
    a.write("notes.txt", "first")
    a.write("docs/plan.txt", "plan")
    (a.folder / "link").symlink_to("notes.txt")
    a.sync()
    b.sync()
    assert a.tree() == b.tree() == {"docs": "/", "docs/plan.txt": "plan", "link": "notes.txt", "notes.txt": "first"}
    return a, b


def empty(folder: Path) -> None:
    """Remove all that is in a folder."""
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def meet(*sides: Side) -> dict[str, str]:
    """Sync in turn until nobody changes anything; all must hold the same then. Gives what they hold."""
    for _ in range(4):
        for side in sides:
            side.run("sync", "--once", str(side.folder), side.remote)
    assert all(side.summary()["is_up_to_date"] for side in sides)
    assert sides[0].tree() == sides[1].tree()
    return sides[0].tree()


# --- the first run ----------------------------------------------------------------------------------------------------


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


def test_without_once_it_says_what_to_type(sides: tuple[Side, Side]) -> None:
    """This version has no daemon; the hint works when pasted."""
    ran = sides[0].run("sync", str(sides[0].folder), sides[0].remote)

    assert ran.code == 2
    assert f"mega sync --once {sides[0].folder} {sides[0].remote}" in ran.err


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


# --- what people do ---------------------------------------------------------------------------------------------------


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


def test_a_conflict_is_said_and_settled(synced: tuple[Side, Side]) -> None:
    """Scenario 1: the other's version keeps the name; exit code 6 in the run that made the copy, and only there."""
    a, b = synced
    a.write("notes.txt", "of a")
    b.write("notes.txt", "of b")
    a.sync()
    ran = b.sync(code=6)
    (copy,) = (name for name in b.tree() if "(conflict desk " in name)
    assert f"conflict: notes.txt was changed here and elsewhere; yours is now “{copy}”" in ran.err
    assert "mega conflicts" in ran.err
    assert b.sync().code == 0
    (found,) = [one for one in b.json("conflicts")["conflicts"] if str(b.folder) in one["copy"]]
    assert (found["path"], found["copy"]) == (str(b.folder / "notes.txt"), str(b.folder / copy))
    assert b.json("why", str(b.folder / copy))["status"] == "conflict"

    assert b.run("conflicts", "resolve", "--keep", "this", str(b.folder / copy)).code == 0
    tree = meet(b, a)
    assert tree["notes.txt"] == "of b"
    assert copy not in tree
    assert not [one for one in b.json("conflicts")["conflicts"] if str(b.folder) in one["copy"]]


@pytest.mark.parametrize(("keep", "left"), [("other", {"of a"}), ("both", {"of a", "of b"})])
def test_a_conflict_is_settled_otherwise(synced: tuple[Side, Side], keep: str, left: set[str]) -> None:
    """Named by what it is a copy of: the copy goes to the trash, or both stay."""
    a, b = synced
    a.write("notes.txt", "of a")
    b.write("notes.txt", "of b")
    a.sync()
    b.sync(code=6)
    assert b.run("conflicts", "resolve", "--keep", keep, str(b.folder / "notes.txt")).code == 0
    tree = meet(b, a)

    assert {text for name, text in tree.items() if name.startswith("notes")} == left
    assert tree["notes.txt"] == "of a"


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


# --- deletions that look like an accident -----------------------------------------------------------------------------


@pytest.fixture
def many(sides: tuple[Side, Side]) -> tuple[Side, Side]:
    """Give two folders with many files."""
    a, b = sides
    for number in range(MANY):
        a.write(f"files/{number:02}", str(number))
    a.write("other", "other")
    a.sync()
    b.sync()
    return a, b


def held_name(side: Side) -> str:
    """Give the name of what this folder holds."""
    (found,) = [one for one in side.json("held")["held"] if one["local"] == str(side.folder)]
    name = found["name"]
    assert isinstance(name, str)
    return name


def test_many_deletions_here_wait_and_are_approved(many: tuple[Side, Side]) -> None:
    """Scenario 58: everything else goes on; approved, they happen."""
    a, b = many
    shutil.rmtree(a.folder / "files")
    a.write("other", "changed")
    ran = a.sync(code=6)
    name = held_name(a)

    assert f"{name}: {MANY} files would be deleted in the volume: files/00, files/01, files/02, …" in ran.err
    assert ran.out.decode().endswith(f"; {MANY} deletions held\n")
    assert f"mega held approve {name}" in ran.err
    assert b.summary()["downloaded"] == 1
    assert len(b.tree()) == MANY + 2
    assert a.run("held", "approve", name).code == 0
    assert a.sync().code == 0
    assert b.sync("--max-delete", "off").code == 0
    assert b.tree() == {"other": "changed"}


def test_many_deletions_here_are_rejected(many: tuple[Side, Side]) -> None:
    """What was deleted is fetched again."""
    a, b = many
    shutil.rmtree(a.folder / "files")
    a.sync(code=6)
    assert a.json("why", str(a.folder / "files" / "00"))["status"] == "held"
    a.run("held", "reject", held_name(a))

    assert a.summary()["downloaded"] == MANY
    assert len(meet(a, b)) == MANY + 2


def test_many_deletions_elsewhere_wait_and_are_rejected(many: tuple[Side, Side]) -> None:
    """They were let pass there; here they are held, and put again."""
    a, b = many
    shutil.rmtree(a.folder / "files")
    a.sync("--max-delete", "off")
    ran = b.sync(code=6)
    assert f"{MANY} files would be deleted on this disk" in ran.err
    assert len(b.tree()) == MANY + 2
    b.run("held", "reject", held_name(b))
    b.sync()

    assert len(meet(a, b)) == MANY + 2


def test_a_limit_of_one_s_own(many: tuple[Side, Side]) -> None:
    """N deletions pass and one more holds them all; moves are no deletions."""
    a, b = many
    (a.folder / "files").rename(a.folder / "moved")
    a.sync("--max-delete", "0")
    for name in ("00", "01"):
        (a.folder / "moved" / name).unlink()
    a.sync("--max-delete", "1", code=6)
    a.sync("--max-delete", "2")
    b.sync("--max-delete", "10%")

    assert len(b.tree()) == MANY


def test_the_local_trash_gives_back(synced: tuple[Side, Side]) -> None:
    """By its former path, to where it was; a copy of it elsewhere; and the next run syncs it as new."""
    a, b = synced
    (a.folder / "notes.txt").unlink()
    a.sync()
    b.sync()
    (entry,) = [one for one in b.json("trash", "ls", "--local")["entries"] if str(b.folder) in one["origin"]]
    assert (entry["origin"], entry["size_bytes"]) == (str(b.folder / "notes.txt"), 5)
    copy = b.folder.parent / "copy"
    assert b.run("trash", "restore", "--local", entry["id"], "--to", str(copy)).code == 0
    assert copy.read_text() == "first"

    ran = b.run("trash", "restore", "--local", str(b.folder / "notes.txt"))
    assert (ran.code, ran.out.decode()) == (0, f"{b.folder / 'notes.txt'}\n")
    assert meet(b, a)["notes.txt"] == "first"
    assert b.run("trash", "restore", "--local", entry["id"]).code == 3


# --- what stops it, and what it survives ------------------------------------------------------------------------------


def pair_id(side: Side) -> str:
    """Give the id of this folder's pair."""
    (found,) = [one["id"] for one in side.json("syncs")["pairs"] if one["remote"] == side.remote]
    assert isinstance(found, str)
    return found


def test_a_folder_without_its_marker_stops(synced: tuple[Side, Side]) -> None:
    """Scenario 55: emptied, or not mounted: exit code 7 and nothing happens anywhere, until it is meant."""
    a, b = synced
    empty(a.folder)
    ran = a.sync(code=7)

    assert "--resync" in ran.err
    assert a.sync("--dry-run", code=7).out == b""
    assert list(a.folder.iterdir()) == []
    assert b.sync().out == b"nothing to do; up to date\n"
    a.sync("--resync")
    assert a.tree() == b.tree()


def test_a_folder_that_is_gone_stops(synced: tuple[Side, Side]) -> None:
    """Renamed, or replaced by a link to elsewhere: exit code 7."""
    a, b = synced
    a.folder.rename(a.folder.parent / "elsewhere")
    assert "is gone" in a.sync(code=7).err
    a.folder.symlink_to(a.folder.parent / "elsewhere")

    assert "mega syncs rm" in a.run("syncs", "plan", pair_id(a)).err
    assert b.sync().out == b"nothing to do; up to date\n"


def test_a_lost_state_joins_and_deletes_nothing(synced: tuple[Side, Side]) -> None:
    """Scenario 21: what was deleted elsewhere meanwhile is no deletion here, but a ghost that waits."""
    a, b = synced
    (b.folder / "notes.txt").unlink()
    b.sync()
    for file in (a.device.state.folder / "sync").glob(f"{pair_id(a)}.db*"):
        file.unlink()
    ran = a.sync(code=3)

    assert "what was synced last is not known any more" in ran.err
    assert "notes.txt: it is only here, and the volume once deleted the same content" in ran.err
    assert a.tree()["notes.txt"] == "first"
    assert "notes.txt" not in b.tree()


def test_a_damaged_state_stops(synced: tuple[Side, Side]) -> None:
    """It is never taken for an empty one: exit code 7."""
    a, _ = synced
    path = a.device.state.folder / "sync" / f"{pair_id(a)}.db"
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    path.write_bytes(path.read_bytes()[:100] + bytes(4_000))

    assert "the state of this sync cannot be read" in a.sync(code=7).err
    assert a.run("syncs").code == 0


def test_a_clone_of_folder_and_state_goes_on_as_a_device(synced: tuple[Side, Side]) -> None:
    """Scenario 59: both copied whole: two devices then, and no edit of either is lost."""
    a, b = synced
    clone = Side(a.device.copy(a.folder.parent / "home-clone"), a.folder, a.remote)
    image = shutil.copytree(a.folder, a.folder.parent / "image", symlinks=True)
    a.write("notes.txt", "of the original")
    a.sync()
    empty(a.folder)
    shutil.copytree(image, a.folder, symlinks=True, dirs_exist_ok=True)  # as on a cloned disk: the folder's inode too
    clone.write("notes.txt", "of the clone")
    clone.write("docs/plan.txt", "edited by the clone")
    assert clone.summary(code=6)["start"] == "go-on"

    tree = meet(clone, b)
    assert {text for name, text in tree.items() if name.startswith("notes")} == {"of the original", "of the clone"}
    assert tree["docs/plan.txt"] == "edited by the clone"


def test_forgetting_a_pair_touches_nothing(synced: tuple[Side, Side]) -> None:
    """Both folders stay; paired again they are joined."""
    a, b = synced
    assert a.run("syncs", "rm", str(a.folder)).code == 0
    a.sync()

    assert meet(a, b)["notes.txt"] == "first"
    assert a.run("syncs", "rm", "ffffffff").code == 4


def test_syncs_says_how_the_pairs_stand(synced: tuple[Side, Side]) -> None:
    """Up to date after the last run, and what the next one would do."""
    a, _ = synced
    (line,) = [line for line in a.run("syncs").out.decode().splitlines() if str(a.folder) in line]
    assert line.endswith("just now  up to date")
    a.write("new", "new")

    assert a.run("syncs", "plan", str(a.folder)).out.splitlines()[0] == b"upload    new"


def test_a_run_beside_another_is_refused(synced: tuple[Side, Side]) -> None:
    """Exit code 11, at once; a decision is refused as well."""
    from mega_cli.sync.pairs import open_pairs  # noqa: PLC0415 -- only here

    a, _ = synced
    pairs = open_pairs(a.device.state)
    with pairs.lock(pairs.find(str(a.folder))):
        a.sync(code=11)
        assert a.run("syncs", "rm", str(a.folder)).code == 11


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


def test_decisions_print_documented_documents(many: tuple[Side, Side]) -> None:
    """Held deletions, approved and rejected, a conflict settled, and a run that lists what waits: `docs/json.md`."""
    a, b = many
    shutil.rmtree(a.folder / "files")
    check("sync", a.sync("--json", code=6), 6)
    check("held", a.run("held", "--json"), 0)
    check("held reject", a.run("held", "reject", held_name(a), "--json"), 0)
    a.write("other", "of a")
    a.sync()
    shutil.rmtree(b.folder / "files")
    b.write("other", "of b")
    check("sync", b.sync("--json", "-v", code=6), 6)
    check("conflicts", b.run("conflicts", "--json"), 0)
    check("held approve", b.run("held", "approve", held_name(b), "--json"), 0)
    b.sync()
    named = str(b.folder / "other")
    check("conflicts resolve", b.run("conflicts", "resolve", "--keep", "both", named, "--json"), 0)
    check("trash ls", a.run("trash", "ls", "--local", "--json"), 0)


def test_quiet_says_nothing(synced: tuple[Side, Side]) -> None:
    """Fit for cron: no output when all went well."""
    a, _ = synced
    a.write("notes.txt", "second")
    ran = a.sync("-q")

    assert (ran.out, ran.err) == (b"", "")
