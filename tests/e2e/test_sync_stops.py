"""What stops a run of sync, and what it joins anew: markers, states, folders and clones (scenarios 21, 55, 59)."""

from __future__ import annotations

import json
import shutil
import sqlite3
import sys

import pytest

from mega_cli.reconcile.situation import DiskRules
from mega_cli.state.sync_state import SyncState
from mega_cli.sync.probe import Probed, keep_probed
from tests.kit.synced import Side, empty, meet, pair_id

if sys.platform == "win32":
    pytest.skip("the folders hold links and modes", allow_module_level=True)


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
    """It is never taken for an empty one: exit code 7, also with `--resync`, until the pair is made anew."""
    a, b = synced
    path = a.device.state.folder / "sync" / f"{pair_id(a)}.db"
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    path.write_bytes(path.read_bytes()[:100] + bytes(4_000))

    ran = a.sync("--resync", code=7)
    assert "the state of this sync cannot be read" in ran.err
    assert f"mega syncs rm {pair_id(a)}, then the same mega sync again" in ran.err
    assert a.run("syncs", "rm", pair_id(a)).code == 0
    assert a.sync().code == 0
    assert a.tree() == b.tree()


def test_a_disk_whose_inodes_do_not_stay_is_no_copy(synced: tuple[Side, Side]) -> None:
    """Mounted again, such a disk shows the folder under another number: deletions still count, and go through."""
    a, b = synced
    with SyncState(a.device.state.folder / "sync" / f"{pair_id(a)}.db") as state:
        keep_probed(state, Probed(DiskRules(), ids_are_stable=False))
    image = shutil.copytree(a.folder, a.folder.parent / "image", symlinks=True)
    shutil.rmtree(a.folder)
    image.rename(a.folder)
    (a.folder / "notes.txt").unlink()

    assert a.summary()["start"] == "go-on"
    assert "notes.txt" not in meet(a, b)


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


def test_a_run_beside_another_is_refused(synced: tuple[Side, Side]) -> None:
    """Exit code 11, at once; a decision is refused as well."""
    from mega_cli.sync.pairs import open_pairs  # noqa: PLC0415 -- only here

    a, _ = synced
    pairs = open_pairs(a.device.state)
    with pairs.lock(pairs.find(str(a.folder))):
        a.sync(code=11)
        assert a.run("syncs", "rm", str(a.folder)).code == 11


def test_syncs_says_how_the_pairs_stand(synced: tuple[Side, Side]) -> None:
    """Up to date after the last run, and what the next one would do."""
    a, _ = synced
    (line,) = [line for line in a.run("syncs").out.decode().splitlines() if str(a.folder) in line]
    assert " ".join(line.split()).endswith("just now up to date")
    a.write("new", "new")

    assert a.run("syncs", "plan", str(a.folder)).out.splitlines()[0] == b"upload    new"


def test_the_folder_of_another_account_is_refused_without_a_trace(sides: tuple[Side, Side]) -> None:
    """Exit code 7; it does not stand in the list afterwards, where it would forbid its neighbours."""
    a, _ = sides
    marker = a.folder / ".mega" / "root.json"
    marker.parent.mkdir()
    marker.write_text(json.dumps({"format": 1, "volume": "00", "pair": "0", "root": "00", "epoch": 1}))

    assert "another account" in a.sync(code=7).err
    assert str(a.folder) not in str(a.json("syncs"))


@pytest.mark.parametrize("mode", ["mirror-up", "backup-up"])
def test_a_folder_to_copy_from_is_not_made(sides: tuple[Side, Side], mode: str) -> None:
    """A slip of the pen in LOCAL must not empty REMOTE: exit code 4, and no folder."""
    _, b = sides
    b.run("mkdir", b.remote)

    assert "there is no folder" in b.sync("--mode", mode, code=4).err
    assert not b.folder.exists()


def test_a_remote_folder_to_copy_from_is_not_made(sides: tuple[Side, Side]) -> None:
    """A slip of the pen in REMOTE must not empty LOCAL: exit code 4, and every file stays."""
    a, _ = sides
    a.write("notes.txt", "first")

    assert "there is no folder" in a.sync("--mode", "mirror-down", code=4).err
    assert a.tree() == {"notes.txt": "first"}
    assert str(a.folder) not in str(a.json("syncs"))


def test_a_mirror_does_not_say_that_nothing_is_deleted(sides: tuple[Side, Side]) -> None:
    """Its first run takes away what only one side has, and says so."""
    a, b = sides
    a.write("one", "one")
    a.sync()
    b.folder.mkdir()
    b.write("two", "two")
    said = b.sync("--mode", "mirror-down").err

    assert "deletes nothing" not in said
    assert "what only this one has goes to the local trash" in said
