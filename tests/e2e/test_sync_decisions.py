"""What waits for the user: conflicts, held deletions and the local trash, decided by real commands."""

from __future__ import annotations

import shutil
import sys

import pytest

from tests.e2e.test_json import check
from tests.kit.synced import MANY, Side, held_name, meet

if sys.platform == "win32":
    pytest.skip("the folders hold links and modes", allow_module_level=True)


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
